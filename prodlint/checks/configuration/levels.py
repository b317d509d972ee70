"""PRD625 verbose-log-level: debug output in what production is given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, commands, documents, every, settings
from prodlint.facts import Assignment, Call, Command, Constant, Document, Expression, Name, Setting
from prodlint.model import FixRequest
from prodlint.project.production import SETTING_FILES, deployed, priority_in, runs_in_production

# Python's name and number for it, and what lies below.
_DEBUG = frozenset(("debug", "trace", "notset", "10", "5", "all", "silly"))
_NAME = re.compile(r"(?:^|_)(?:LOG_?LEVEL|LOGGING_LEVEL|LOG_SEVERITY)$")
# Programs, their flags for the level, and which of their verbs serve.
_FLAGS: dict[str, tuple[str, ...]] = {
    "uvicorn": ("--log-level",),
    "gunicorn": ("--log-level",),
    "hypercorn": ("--log-level",),
    "granian": ("--log-level",),
    "celery": ("-l", "--loglevel"),
    "taskiq": ("--log-level",),
    "prefect": ("--log-level",),
    "streamlit": ("--logger.level",),
}
_WHY = "request and response contents get into the log, and far too much of it"


@check(
    "PRD625",
    on=[settings("*LOG_LEVEL", "*LOGLEVEL", "*LOGGING_LEVEL", "*LOG_SEVERITY")],
    required_literals=["log_level", "loglevel", "logging_level", "log_severity"],
    files=SETTING_FILES,
)
def level_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`LOG_LEVEL: DEBUG` in compose, an image, Kubernetes or an env file of production."""
    value = setting.value if setting.value is not None else setting.default
    if value is not None and value.strip().lower() in _DEBUG and _NAME.search(setting.name.upper()) and deployed(setting):
        fix = (
            FixRequest("replace", "Write `info`", False, (("text", "INFO" if value.isupper() else "info"),))
            if setting.value and not value.isdigit()
            else None
        )
        yield Diagnostic(setting, f"`{setting.name}={value}`: {_WHY}", fix=fix)


@check("PRD625", on=[commands(*_FLAGS)], required_literals=["debug", "trace"])
def level_in_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`gunicorn --log-level debug`, `celery worker -l DEBUG`."""
    flags = _FLAGS[command.program]
    value = command.flag_value(*flags)
    if value is not None and value.strip("'\"").lower() in _DEBUG and runs_in_production(command, context):
        index = command.flag(*flags)
        at = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
        yield Diagnostic(at, f"`{command.program}` with `{command.argv[index].partition('=')[0]} {value}`: {_WHY}")


@check("PRD625", on=[every(Assignment)], required_literals=["loglevel"], files=("python",))
def level_in_server_configuration(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`loglevel = "debug"` of gunicorn.conf.py."""
    value = assignment.value
    if (
        assignment.target == "loglevel"
        and context.file.name.startswith("gunicorn")
        and isinstance(value, Constant)
        and str(value.value).lower() in _DEBUG
    ):
        if priority_in(assignment, context) is not False:
            fix = FixRequest("replace-value", "Write `info`", False, (("text", '"info"'),))
            yield Diagnostic(assignment, f"`loglevel = {value.text}`: {_WHY}", fix=fix)


@check("PRD625", on=[documents("alembic", "other", "setup-cfg")], required_literals=[("logger_root", "level")], files=("ini",))
def level_of_the_root_logger(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`level = DEBUG` of `[logger_root]` in a logging configuration file."""
    level = document.root.get("logger_root", "level")
    if level is not None and level.raw.strip().lower() in _DEBUG:
        yield Diagnostic(level, f"The root logger's level is `{level.raw}`: {_WHY}")


@check(
    "PRD625",
    on=[calls("logging.basicConfig", "logging.root.setLevel")],
    required_literals=[("basicconfig", "debug"), ("logging.root", "debug")],
    files=("python",),
)
def level_in_code(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`logging.basicConfig(level=logging.DEBUG)` in the service itself."""
    level = call.keywords.get("level") if call.name.endswith("basicConfig") else call.argument(0, "level")
    if level is None or not _is_debug(call.module.follow(level, call)) or context.file.roles & {"command", "script"}:
        return
    # A program of the project, run by hand, says as much as it likes.
    if priority_in(call, context) is False or "main" in call.scope.guards or not context.environment.deploys(context.file.path):
        return
    yield Diagnostic(call, f"`{call.name}` sets the level to `DEBUG`: {_WHY}")


def _is_debug(value: Expression) -> bool:
    if isinstance(value, Name):
        return value.name in ("logging.DEBUG", "logging.NOTSET")
    return isinstance(value, Constant) and str(value.value).lower() in ("debug", "10", "notset")
