"""PRD625 verbose-log-level: debug output in what production is given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, commands, documents, every, settings
from prodlint.facts import Assignment, Call, Command, Constant, Dictionary, Document, Expression, Name, Setting
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
_OF_DEBUGGING = re.compile(r"DEBUG(?:GING)?_?(?:LOG|LOGGING)_?(?:LEVEL|SEVERITY)$")
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
    if _OF_DEBUGGING.search(setting.name.upper()):
        return  # the level that holds while somebody debugs
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


# ---------------------------------------------------------------- in code and in documents of logging


def _of_service(fact: Call | Assignment, context: CheckContext) -> bool:
    """Whether what stands here is what production runs: no program of the project that somebody starts by hand."""
    if context.file.roles & {"command", "script"} or not context.environment.deploys(context.file.path):
        return False
    return priority_in(fact, context) is not False and "main" not in fact.scope.guards


@check(
    "PRD625",
    on=[calls("uvicorn.run", "uvicorn.Config", "loguru.logger.add", "structlog.make_filtering_bound_logger", "uvicorn.config.Config")],
    required_literals=[(name, level) for name in ("uvicorn", "loguru", "structlog") for level in ("debug", "trace")],
    files=("python",),
)
def level_of_a_server(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`uvicorn.run(app, log_level="debug")`, `logger.add(sink, level="TRACE")`."""
    level = (
        call.argument(0, "min_level")
        if call.name.endswith("bound_logger")
        else call.keywords.get("log_level") or call.keywords.get("level")
    )
    if level is None or context.file.roles & {"command", "script"} or priority_in(call, context) is False:
        return
    if "main" in call.scope.guards and context.environment.runs(context.file.path) is not True:
        return
    given = call.module.follow(level, call)
    if _is_debug(given) or isinstance(given, Constant) and str(given.value).lower() == "trace":
        yield Diagnostic(call, f"`{call.name}` sets the level to `{_spelled(given)}`: {_WHY}")


def _spelled(level: Expression) -> str:
    return str(level.value) if isinstance(level, Constant) else level.text.rpartition(".")[2]


# Clients that write what they send and receive at this level: headers with their tokens, bodies, rows.
_TALKATIVE = re.compile(
    r"^(?:httpx|httpcore|urllib3|requests|botocore|boto3|aiohttp\.client|openai|anthropic|azure|google\.auth|stripe|sqlalchemy(?:\.engine|\.pool)?|asyncpg|psycopg|pymongo|hpack|h2|websockets|paramiko|aiobotocore|elasticsearch|elastic_transport|kafka|pika|twilio|slack_sdk)(?:\.|$)"
)


@check(
    "PRD625",
    on=[calls("logging.getLogger.setLevel", "logging.Logger.setLevel", "*.setLevel")],
    required_literals=[("getlogger", "setlevel", "debug"), ("getlogger", "setlevel", "notset")],
    files=("python",),
)
def level_of_a_logger(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`logging.getLogger().setLevel(logging.DEBUG)`, and the same of a client's own logger. A logger of the project's may say more than others."""
    maker = call.constructor if call.constructor is not None else call.receiver
    level = call.argument(0, "level")
    if not isinstance(maker, Call) or maker.name != "logging.getLogger" or level is None or not _is_debug(call.module.follow(level, call)):
        return
    name = maker.argument(0, "name")
    text = name.value if isinstance(name, Constant) else "" if name is None else None
    if text is None or text and not _TALKATIVE.match(str(text)) or not _of_service(call, context):
        return
    what = (
        f"the logger of `{text}` is set to `DEBUG`: it writes headers, bodies and rows into the log"
        if text
        else f"the root logger's level is `DEBUG`: {_WHY}"
    )
    yield Diagnostic(call, what)


@check(
    "PRD625",
    on=[calls("boto3.set_stream_logger", "botocore.session.Session.set_debug_logger"), every(Assignment)],
    required_literals=["set_stream_logger", "set_debug_logger", "debuglevel", ("openai", "log"), ("stripe", "log")],
    files=("python",),
)
def client_that_talks(fact: Call | Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`boto3.set_stream_logger("")`, `HTTPConnection.debuglevel = 1`, `stripe.log = "debug"`."""
    if isinstance(fact, Call):
        level = fact.argument(1, "level")
        if _of_service(fact, context) and (level is None or _is_debug(fact.module.follow(level, fact))):
            yield Diagnostic(fact, f"`{fact.name}` writes every request and answer into the log")
        return
    value = fact.value
    on = isinstance(value, Constant) and (
        fact.target == "debuglevel" and value.value not in (0, None, False) or str(value.value).lower() == "debug"
    )
    named = fact.target == "debuglevel" and fact.kind == "attribute" or fact.qualified in ("openai.log", "stripe.log")
    if on and named and _of_service(fact, context):
        yield Diagnostic(fact, f"`{fact.qualified} = {value.text}` writes every request and answer into the log")


@check(
    "PRD625",
    on=[every(Assignment)],
    required_literals=[("version", "loggers", "debug"), ("version", "root", "debug")],
    files=("python",),
)
def level_of_a_configuration(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`LOGGING = {"root": {"level": "DEBUG"}}`, and what is handed to `dictConfig`. Handlers let everything through, as they should."""
    if isinstance(assignment.value, Dictionary) and assignment.value.get("version") is not None and _of_service(assignment, context):
        yield from _levels_of(assignment.value)


@check("PRD625", on=[calls("logging.config.dictConfig")], required_literals=[("dictconfig", "debug")], files=("python",))
def level_handed_over(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """The same where the mapping stands in the call."""
    value = call.argument(0, "config")
    if isinstance(value, Dictionary) and _of_service(call, context):
        yield from _levels_of(value)


def _levels_of(value: Dictionary) -> Iterator[Diagnostic]:
    """The loggers of a mapping for `dictConfig` that say too much."""
    found: list[tuple[str, Expression | None]] = [("the root logger", value.get("root"))]
    loggers = value.get("loggers")
    for key, entry in loggers.items if isinstance(loggers, Dictionary) else ():
        name = str(key.value) if isinstance(key, Constant) else ""
        if isinstance(key, Constant) and (name == "" or _TALKATIVE.match(name) or name.startswith("django.db")):
            found.append((f"`{name}`" if name else "the root logger", entry))
    for words, logger in found:
        said = logger.get("level") if isinstance(logger, Dictionary) else None
        if isinstance(said, Constant) and str(said.value).lower() in _DEBUG:
            yield Diagnostic(said, f"the level of {words} is `{said.value}`: {_WHY}")


@check(
    "PRD625",
    on=[documents("other", "helm-values")],
    required_literals=[("handlers", "formatters", "debug"), ("root", "handlers", "debug")],
    files=("yaml", "json", "toml"),
)
def level_of_a_document(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`root: {level: DEBUG}` of a logging configuration in YAML, JSON or TOML."""
    root = document.root
    if root.kind != "mapping" or "handlers" not in root.members or "version" not in root.members:
        return
    level = root.get("root", "level")
    if level is not None and level.raw.lower() in _DEBUG:
        yield Diagnostic(level, f"the root logger's level is `{level.raw}`: {_WHY}")


_CLIENT_SWITCHES = {
    "OPENAI_LOG": "debug",
    "ANTHROPIC_LOG": "debug",
    "STRIPE_LOG": "debug",
    "GRPC_VERBOSITY": "debug",
    "GRPC_TRACE": "all",
    "HTTPX_LOG": "debug",
}


@check("PRD625", on=[settings(*_CLIENT_SWITCHES, "GUNICORN_CMD_ARGS", "*_LOGLEVEL")], files=SETTING_FILES)
def client_switched_to_debug(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`OPENAI_LOG=debug`, `GUNICORN_CMD_ARGS="--log-level=debug"`."""
    value = (setting.value if setting.value is not None else setting.default or "").strip().lower()
    if not deployed(setting):
        return
    if setting.name == "GUNICORN_CMD_ARGS":
        if re.search(r"--log-level[= ]debug\b", value):
            yield Diagnostic(setting, f"`{setting.name}` sets the level to `debug`: {_WHY}")
    elif _CLIENT_SWITCHES.get(setting.name) == value:
        yield Diagnostic(setting, f"`{setting.name}={setting.value or setting.default}` writes every request and answer into the log")


@check(
    "PRD625",
    on=[settings("*LOG_LEVEL", "*LOGLEVEL", "*LOGGING_LEVEL")],
    required_literals=[("log_level", "debug"), ("loglevel", "debug"), ("logging_level", "debug")],
    files=("python",),
)
def level_by_default(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.getenv("LOG_LEVEL", "DEBUG")`: what it is where nobody says otherwise, and nothing of production does."""
    default = setting.default
    if default is None or default.strip().lower() not in _DEBUG - {"10", "5", "all"} or not _NAME.search(setting.name.upper()):
        return
    if _OF_DEBUGGING.search(setting.name.upper()):
        return
    given = context.environment.startup.settings.get(setting.name.upper())
    if given is None and not context.file.roles & {"command", "script", "dev"} and context.environment.deploys(context.file.path):
        yield Diagnostic(setting, f"`{setting.name}` is `{default}` where nobody sets it: {_WHY}")
