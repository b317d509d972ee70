"""PRD643 settings-not-validated: variables of the environment that are read all over the code, and first when a request comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, Project, ProjectDiagnostic, ProjectFact, check, collect, every, project_check
from prodlint.checks.configuration.settings import ANYWHERE_BUT_SERVICE, is_of_platform, serves
from prodlint.facts import Constant, Import, Module, Name, Operation, Route, Setting, Subscript, expressions_in, statements_in
from prodlint.model import Evidence, Related

# What reads all settings at once and refuses a start without them.
_CENTRAL = {
    "pydantic_settings": "pydantic-settings",
    "environs": "environs",
    "dynaconf": "Dynaconf",
    "decouple": "python-decouple",
    "environ": "django-environ",
    "prettyconf": "prettyconf",
    "starlette.config": "Starlette's `Config`",
    "omegaconf": "OmegaConf",
    "hydra": "Hydra",
    "configurations": "django-configurations",
    "typed_settings": "typed-settings",
    "confz": "ConfZ",
    "betterconf": "betterconf",
    "oslo_config": "oslo.config",
    "goodconf": "goodconf",
    "everett": "Everett",
}


@collect(
    "settings-object",
    on=[every(Import)],
    required_literals=[name.rpartition(".")[2] for name in _CENTRAL if name != "environ"] + ["import environ", "basesettings"],
    files=("python",),
    not_in=ANYWHERE_BUT_SERVICE,
)
def settings_objects(imported: Import, context: CheckContext) -> Iterator[ProjectFact]:
    """A library that reads settings in one place and checks them."""
    module = imported.module
    words = next((words for name, words in _CENTRAL.items() if module == name or module.startswith(f"{name}.")), "")
    if module in ("pydantic", "pydantic.v1") and imported.name == "BaseSettings":
        words = "pydantic's `BaseSettings`"
    if words and not imported.typing_only:
        yield ProjectFact("settings-object", context.file.path, imported.span, words)


@collect(
    "environment-read",
    "settings-module",
    on=[every(Setting)],
    required_literals=["environ", "getenv"],
    files=("python",),
    not_in=ANYWHERE_BUT_SERVICE,
)
def environment_reads(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """A variable that a module of the service reads for itself."""
    if context.file.name == "env.py" and "alembic" in context.file.path:
        return  # the program that migrates, which is started for itself
    if setting.origin != "python" or setting.service or is_of_platform(setting.name) or not setting.name or not serves(context):
        return
    if _STORES.search(setting.source.line_text(setting.source.position(setting.start)[0])):
        return  # given to a program that is started, not read
    topic = "settings-module" if "settings" in context.file.roles else "environment-read"
    yield ProjectFact(topic, context.file.path, setting.span, setting.name)


_STORES = re.compile(r"\benviron\s*\[[^\]]+\]\s*=(?!=)")


@project_check("PRD643", topics=("environment-read", "settings-module", "settings-object"))
def scattered_settings(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Modules of a service that read the environment each for themselves, where no object of settings does it for all."""
    central = next(iter(project.about("settings-object")), None)
    if central is not None:
        yield Evidence("PRD643", central.path, central.span, f"settings are read and validated by {central.words}")
        return
    first: dict[str, ProjectFact] = {}
    names: set[str] = set()
    for read in project.about("environment-read"):
        first.setdefault(read.path, read)
        names.add(read.words)
    own = project.about("settings-module")
    if len({read.words for read in own}) >= len(names):
        # A module of settings that reads most of them is the one place, written by hand.
        if own:
            yield Evidence("PRD643", own[0].path, own[0].span, "a module of settings reads the environment")
        return
    least = int(options.get("modules", 3))
    if len(first) < least or len(names) < least or not project.environment.is_service:
        return
    reads = [first[path] for path in sorted(first)]
    words = f"{len(first)} modules read {len(names)} variables of the environment each for themselves, and nothing checks them when the service starts"
    related = tuple(Related(read.path, read.span, f"`{read.words}` is read here") for read in reads[1:10])
    yield ProjectDiagnostic(reads[0].path, reads[0].span, words, related=related)


@check("PRD643", on=[every(Route)], required_literals=["environ["], files=("python",))
def read_in_request(route: Route, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.environ["PAYMENT_KEY"]` in the function of a route: it is missed when the first customer pays."""
    function = route.function
    block = function.body if function is not None else ()
    written = {target.start for statement in statements_in(block) for target in statement.targets}
    for expression in expressions_in(block):
        if not isinstance(expression, Subscript) or not isinstance(expression.value, Name) or expression.value.name != "os.environ":
            continue
        name = expression.key.value if isinstance(expression.key, Constant) else None
        if expression.start not in written and isinstance(name, str) and name not in _asked_for(route.call.module):
            yield Diagnostic(
                expression, f"`{expression.text}` is read when a request comes: where it is missing the service starts, and fails then"
            )
            return


@lru_cache(maxsize=4)
def _asked_for(module: Module) -> frozenset[str]:
    """The variables that the file looks for before it reads them: then what needs one may be switched off without it."""
    looked = (call.argument(0) for call in module.calls() if call.name in ("os.getenv", "os.environ.get", "os.environ.setdefault"))
    compared = (
        expression.operands[0]
        for expression in expressions_in(module.body, into_definitions=True)
        if isinstance(expression, Operation) and expression.operator in ("in", "not in")
    )
    return frozenset(given.value for given in (*looked, *compared) if isinstance(given, Constant) and isinstance(given.value, str))
