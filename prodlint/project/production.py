"""Where a development switch matters: in what production starts, and not in what a developer runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from prodlint.facts import Assignment, Call, Command, Constant, Fact, File, Module, Setting
from prodlint.model import Priority, Related
from prodlint.project.questions import Questions
from prodlint.project.startup import is_deployed, is_developers_arm
from prodlint.values.expressions import evaluator
from prodlint.values.lattice import Known, Value
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.truth import TRUTHY


class Context(Protocol):
    """What is asked about: a file, and the project around it."""

    @property
    def environment(self) -> Questions: ...
    @property
    def file(self) -> File: ...


DEVELOPMENT_ORIGINS = frozenset(
    (
        "ci",
        "pre-commit",
        "tox",
        "toml",
        "dockerfile-run",
        "dockerfile-healthcheck",
        "compose-healthcheck",
        "kubernetes-probe",
    )
)
# Kinds of files whose settings `deployed` may take for production's.
SETTING_FILES = ("env", "yaml", "json", "toml", "hcl", "dockerfile", "systemd", "ini", "procfile")
_PRODUCTION_TARGET = re.compile(r"(?:^|[-_:])(?:prod|production|deploy|release|live|docker|serve-prod|start-prod)(?:$|[-_:])")
_PRODUCTION_SCRIPT = re.compile(r"(?:entrypoint|docker|prod|deploy|release|start-server|gunicorn|uvicorn)")
_DEVELOPMENT_OWNER = re.compile(r"(?:^|[-_. ])(?:dev|develop|development|local|debug|test|tests|watch|hot|reload)(?:$|[-_. ])")
_DEVELOPMENT_CLASS = re.compile(r"(?:Dev|Develop|Development|Local|Test|Testing|Debug|Example|Mock)")


def runs_in_production(command: Command, context: Context) -> bool:
    """Whether a command line is one that production runs, as far as the file it stands in and what starts that say."""
    origin, owner = command.origin, command.owner
    if origin == "compose" and context.environment.startup.gives_anew(command.file.path, owner):
        return False
    if origin == "makefile" and owner in context.environment.startup.targets:
        return True
    if origin == "package-json":
        named = (command.file.path.rpartition("/")[0], owner) in context.environment.startup.package_scripts
        return (named or _PRODUCTION_TARGET.search(owner) is not None) and not _DEVELOPMENT_OWNER.search(owner.lower().replace(":", " "))
    if origin in DEVELOPMENT_ORIGINS or _DEVELOPMENT_OWNER.search(owner.lower()):
        return False
    if origin == "makefile":
        return _PRODUCTION_TARGET.search(owner.lower()) is not None
    if origin == "shell":
        return _script_runs(command, context)
    return command.long_running


def _script_runs(command: Command, context: Context) -> bool:
    """Whether production gets to a command of a script: an image, a manifest or another such script names it, or its own name says
    so; and no function, `case` or condition there is meant for developers, unless the image asks for that very arm."""
    startup = context.environment.startup
    path = command.file.path
    if path in startup.development:
        return False
    if (
        path not in startup.scripts
        and "production" not in command.file.roles
        and not _PRODUCTION_SCRIPT.search(path.lower().rsplit("/", 1)[-1])
    ):
        return False
    return startup.starts_arm(command.arms) or not is_developers_arm(command.arms)


def is_of_start_script(fact: Fact, context: Context) -> bool:
    """Whether a fact stands in a script that production starts: an image, a manifest or another such script names it."""
    startup = context.environment.startup
    return fact.file.path in startup.scripts and fact.file.path not in startup.development


def deployed_elsewhere(context: Context) -> bool:
    """Whether the repository is deployed by more than compose and an image: then compose is how developers run it."""
    names = [started.path.rsplit("/", 1)[-1].lower() for started in context.environment.started]
    return any("compose" not in name and "dockerfile" not in name and not name.endswith(".sh") for name in names)


def priority_of(command: Command, context: Context) -> Priority | None:
    """P2 for a compose file in a repository that is deployed in another way."""
    return "P2" if command.origin == "compose" and deployed_elsewhere(context) else None


def deployed(setting: Setting) -> bool:
    """Whether a setting is one that production is given, as far as the file it stands in says."""
    return is_deployed(setting)


def priority_in(fact: Fact, context: Context) -> Priority | bool | None:
    """How much a Python switch matters where it stands; None for the page's own priority.

    False behind a check of the environment, in what is named for development, and in what runs only where the file is started as
    a program, while production starts something else. P2 where production imports the file and runs it not, P1 where it is not known
    what production starts.
    """
    scope = fact.scope
    if "environment" in scope.guards or "debug" in scope.guards or is_named_for_development(fact):
        return False
    if "main" in scope.guards or _is_called_by_main_block(fact):
        runs = context.environment.runs(context.file.path)
        if runs is None and context.file.path.rpartition("/")[2] in _STARTED_BY_DEVELOPERS:
            return False
        if runs is False:
            return "P2" if context.environment.starts(context.file.path) else False
        return "P1" if runs is None and "main" in scope.guards else None
    return None


_STARTED_BY_DEVELOPERS = frozenset({"debug.py", "debug_server.py", "run_debug.py", "rundebug.py"})


def given_anew(name: str, context: Context) -> bool:
    """Whether a Django setting of this file gets another value in the settings module that production's files name."""
    module = production_settings(context)
    return module is not None and any(
        assignment.kind in ("name", "annotated") and not assignment.scope.symbol for assignment in module.assignments(name)
    )


_STEMS_OF_PRODUCTION = ("prod", "production", "live", "product")


def production_settings(context: Context) -> Module | None:
    """The settings module that production loads in this one's place: the one that its files name, else the `production.py` beside it that
    takes over what stands here; None where there is no such module or this file is the one."""
    own = context.file.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    named = context.environment.startup.settings.get("DJANGO_SETTINGS_MODULE", "")
    if named:
        if f".{own}".endswith(f".{named}"):
            return None
        values = context.environment.python_files.named(named, context.file.path)
        return values.module if values is not None else None
    package, _, stem = own.rpartition(".")
    if not package or stem in _STEMS_OF_PRODUCTION or "settings" not in context.file.roles:
        return None
    for each in _STEMS_OF_PRODUCTION:
        values = context.environment.python_files.named(f"{package}.{each}", context.file.path)
        if values is not None and any(
            imported.name == "*" and imported.module.rpartition(".")[2] == stem for imported in values.module.import_facts()
        ):
            return values.module
    return None


def is_named_for_development(fact: Fact) -> bool:
    """`class DevConfig`, `def run_dev()`, `@cli.command("develop")`."""
    parts = fact.scope.symbol.split(".")
    if any(_DEVELOPMENT_CLASS.match(part) if part[:1].isupper() else _DEVELOPMENT_OWNER.search(part) for part in parts):
        return True
    return any(_DEVELOPMENT_OWNER.search(name.lower()) for name in _commands_around(fact))


def _commands_around(fact: Fact) -> Iterator[str]:
    """The names under which click or typer offers the function that a fact stands in."""
    if not fact.scope.function or not isinstance(fact, Call | Assignment):
        return
    for function in fact.module.functions():
        if function.start <= fact.start < function.end:
            for decorator in function.decorators:
                if isinstance(decorator, Call) and decorator.name.endswith("command"):
                    name = decorator.argument(0, "name")
                    if isinstance(name, Constant) and isinstance(name.value, str):
                        yield name.value


def _is_called_by_main_block(fact: Fact) -> bool:
    """Whether the outermost function around a fact is what the file's `__main__` block calls."""
    outermost = fact.scope.symbol.split(".")[0]
    module = getattr(fact, "module", None)
    if not outermost or not isinstance(module, Module) or b"__main__" not in fact.source.data:
        return False
    return any("main" in call.scope.guards and not call.scope.symbol and call.name == outermost for call in module.calls())


def is_on(value: object) -> bool:
    """Whether a constant of the code switches something on: `True`, and `1`, which is as good."""
    return isinstance(value, int) and value == 1


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that is on in production. setting: the read that says so where nobody sets it; None where the code does."""

    setting: SettingRead | None = None

    @property
    def words(self) -> str:
        """How it comes to be on, for a message."""
        return f": `{self.setting.name}` is on where nobody sets it" if self.setting is not None and self.setting.name else ""

    @property
    def related(self) -> tuple[Related, ...]:
        """Where the setting is read."""
        if self.setting is None:
            return ()
        at = self.setting.at
        return (Related(at.file.path, at.span, f"`{self.setting.name}` is read here"),)


def switched_on(value: Value, context: Context) -> Switch | None:
    """Whether a value is true in production: by the code, or by a setting's default that no file of production changes."""
    for shape in value.shapes:
        if isinstance(shape, Known) and is_on(shape.value):
            return Switch()
        if isinstance(shape, SettingRead):
            given = context.environment.startup.settings.get(shape.name.upper()) if shape.name else None
            if given is not None and "$" not in given:
                if shape.kind != "presence" and given.strip().lower() not in TRUTHY:
                    continue
            elif not any(isinstance(one, Known) and one.value is True for one in shape.default.unset().shapes):
                continue
            return Switch(shape)
    return None


def keyword_on(call: Call, keyword: str, context: Context) -> Switch | None:
    """The same of a keyword of a call, one that a known `**mapping` brings among them."""
    return switched_on(evaluator(call.module).in_production.keywords(call).get(keyword, Value()), context)
