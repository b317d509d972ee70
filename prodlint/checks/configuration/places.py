"""Where a development switch matters: in what production starts, and not in what a developer runs."""

from __future__ import annotations

import re

from prodlint.checks import CheckContext
from prodlint.facts import Call, Command, Constant, Expression, Fact, Setting
from prodlint.model import Priority

DEVELOPMENT_ORIGINS = frozenset(
    (
        "ci",
        "package-json",
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
SETTING_FILES = ("env", "yaml", "json", "dockerfile", "systemd", "ini", "procfile")
_PRODUCTION_TARGET = re.compile(r"(?:^|[-_:])(?:prod|production|deploy|release|live|docker|serve-prod|start-prod)(?:$|[-_:])")
_PRODUCTION_SCRIPT = re.compile(r"(?:entrypoint|docker|prod|deploy|release|start-server|gunicorn|uvicorn)")
_DEVELOPMENT_OWNER = re.compile(r"(?:^|[-_. ])(?:dev|develop|development|local|debug|test|tests|watch|hot|reload)(?:$|[-_. ])")
_DEVELOPMENT_CLASS = re.compile(r"(?:Dev|Develop|Development|Local|Test|Testing|Debug|Example|Mock)")


def runs_in_production(command: Command) -> bool:
    """Whether a command line is one that production runs, as far as the file it stands in says."""
    origin, owner = command.origin, command.owner
    if origin in DEVELOPMENT_ORIGINS or _DEVELOPMENT_OWNER.search(owner.lower()):
        return False
    if origin == "makefile":
        return _PRODUCTION_TARGET.search(owner.lower()) is not None
    if origin == "shell":
        path = command.file.path.lower()
        return "production" in command.file.roles or _PRODUCTION_SCRIPT.search(path.rsplit("/", 1)[-1]) is not None
    return command.long_running


def deployed_elsewhere(context: CheckContext) -> bool:
    """Whether the repository is deployed by more than compose and an image: then compose is how developers run it."""
    names = [started.path.rsplit("/", 1)[-1].lower() for started in context.environment.started]
    return any("compose" not in name and "dockerfile" not in name and not name.endswith(".sh") for name in names)


def priority_of(command: Command, context: CheckContext) -> Priority | None:
    """P2 for a compose file in a repository that is deployed in another way."""
    return "P2" if command.origin == "compose" and deployed_elsewhere(context) else None


def deployed(setting: Setting) -> bool:
    """Whether a setting is one that production is given, as far as the file it stands in says."""
    if setting.origin in ("ci", "makefile", "python", "shell", "toml", "ini"):
        return False
    if setting.origin == "env-file":
        # a plain `.env` is usually a developer's own; one that names production is not
        return "production" in setting.file.roles
    return not _DEVELOPMENT_OWNER.search(setting.service.lower())


def priority_in(fact: Fact, context: CheckContext) -> Priority | bool | None:
    """False where a Python switch stands behind a check of the environment; P1 behind `__main__` in a file that production does
    not start; None (the page's own priority) everywhere else."""
    guards = fact.scope.guards
    if "environment" in guards or "debug" in guards:
        return False
    symbol = fact.scope.symbol
    if any(_DEVELOPMENT_CLASS.match(part) for part in symbol.split(".") if part[:1].isupper()):
        return False
    if "main" in guards:
        return None if context.environment.starts(context.file.path) else "P1"
    return None


def is_true(call: Call, keyword: str) -> Expression | None:
    """The value of a keyword that is the literal True, directly or through a name bound once."""
    value = call.keywords.get(keyword)
    if value is None:
        return None
    followed = call.module.follow(value, call)
    return value if isinstance(followed, Constant) and followed.value is True else None
