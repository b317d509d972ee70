"""How a service logs: structured or not (PRD702), with a request's id or without (PRD703), into files that grow (PRD706)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    commands,
    documents,
    every,
    literals,
    project_check,
    project_fact,
    text,
)
from prodlint.checks.observability.endpoints import place_of, web_service
from prodlint.facts import Assignment, Call, Class, Command, Constant, Document, Import, Literal, Name, Text
from prodlint.model import Evidence, FixRequest, Related
from prodlint.project.production import runs_in_production
from prodlint.project.startup import Started
from prodlint.values.places import argument_of, value_of

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "migration", "script", "dev", "ci"))

# ---------------------------------------------------------------- PRD702: structured logs

_STRUCTURED_MODULES = re.compile(
    r"^(?:pythonjsonlogger|json_log_formatter|ecs_logging|jsonformatter|logstash\w*|logstash_async|google\.cloud\.logging|watchtower|logfire|python_logging_loki|logging_loki|fluent|graypy|pygelf|asgi_logger"
    r"|aws_lambda_powertools(?:\.logging|\.Logger|$)|opentelemetry\.(?:sdk\.)?_logs|opentelemetry\.exporter\..*log|opencensus\.ext\.azure\.log_exporter|azure\.monitor\.opentelemetry|seqlog|logging_json|structlog_gcp|dockerflow|flask_structlog|uvicorn_json\w*)(?:\.|$)"
)


@collect(
    "structured-log",
    on=[every(Import)],
    required_literals=["pythonjsonlogger", "json_log_formatter", "ecs_logging", "jsonformatter", "logstash", "google.cloud import logging", "google.cloud.logging", "watchtower", "logfire", "logging_loki", "graypy", "pygelf",
             "aws_lambda_powertools", "_logs", "log_exporter", "azure.monitor", "seqlog", "structlog_gcp", "dockerflow"],
    files=("python",),
    not_in=_ELSEWHERE,
)  # fmt: skip
def structured_imports(fact: Import, context: CheckContext) -> Iterator[ProjectFact]:
    """Imports of what writes a log's entries as data."""
    if not context.file.roles & _ELSEWHERE and _STRUCTURED_MODULES.match(fact.qualified):
        yield project_fact("structured-log", fact, f"`{fact.qualified}`")


# Other libraries have a JSONRenderer too: that of Django REST framework renders answers.
_OF_STRUCTLOG = frozenset((b"jsonrenderer", b"keyvaluerenderer"))
# Signs that somebody decides about the log elsewhere: no proof that it is structured, and no reason to say that it is not.
_UNDECIDED = frozenset(("`LOGGING` is given by the deployment", "a handler or formatter of the project's own"))
_LEFT_TO_THE_DEPLOYMENT, _OWN_HANDLER = sorted(_UNDECIDED)


@collect(
    "structured-log",
    on=[text()],
    required_literals=[
        ("structlog", "jsonrenderer"),
        "jsonformatter",
        "json_formatter",
        "jsonlogger",
        "json_logger",
        "ecsformatter",
        "logstashformatter",
        "json_log",
        "jsonlog",
        "log_json",
        "logging_json",
        "structuredlog",
        "structured_log",
        "jsonlogformatter",
        "logfmt",
        ("structlog", "keyvaluerenderer"),
        "gcp_formatter",
        "--log-config",
        "logconfig",
        "logger-class",
        "logger_class",
    ],
)
def structured_words(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """A renderer or formatter that writes JSON, or a server told to take its own configuration of logs."""
    if (
        context.file.roles & (_ELSEWHERE - {"script"})
        or context.file.kind not in ("python", "yaml", "toml", "ini", "dockerfile", "shell", "procfile", "json", "env")
        or not whole.hits
    ):
        return
    told = {found for found, _ in whole.hits}
    named = [
        (found, place) for found, place in whole.hits if found != b"structlog" and (found not in _OF_STRUCTLOG or b"structlog" in told)
    ]
    if not named:
        return
    literal, offset = named[0]
    yield ProjectFact(
        "structured-log",
        context.file.path,
        whole.source.span(offset, offset + len(literal)),
        f"`{whole.source.slice(offset, offset + len(literal))}`",
    )


@collect("structured-log", on=[every(Assignment)], required_literals=[("loguru", "serialize")], files=("python",), not_in=_ELSEWHERE)
def serialized(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """`logger.add(sys.stdout, serialize=True)`, `{"sink": sys.stdout, "serialize": True}`: loguru's JSON."""
    if assignment.target != "serialize" or assignment.kind not in ("keyword", "item") or context.file.roles & (_ELSEWHERE - {"script"}):
        return
    given = assignment.module.follow(assignment.value, assignment)
    if isinstance(given, Constant) and given.value is True:
        yield project_fact("structured-log", assignment, "`serialize=True`")


@collect("structured-log", on=[every(Assignment)], required_literals=["logging ="], files=("python",), not_in=_ELSEWHERE)
def left_to_the_deployment(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """Django's LOGGING taken from somewhere else: who deploys decides."""
    if assignment.target == "LOGGING" and not context.file.roles & _ELSEWHERE and isinstance(assignment.value, Call):
        yield project_fact("structured-log", assignment, _LEFT_TO_THE_DEPLOYMENT)


_OF_THE_LIBRARY = re.compile(r"^(?:logging|django\.utils\.log|uvicorn\.logging|gunicorn|rich\.logging|colorlog|coloredlogs)\.")


@collect(
    "structured-log",
    on=[literals()],
    required_literals=[("handlers", '"class"'), ("handlers", "'class'"), ("formatters", '"()"'), ("formatters", "'()'")],
    files=("python",),
    not_in=_ELSEWHERE,
)
def own_handler_in_dictionary(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """A logging dictionary that names a class of the project's own: what it writes is its own affair."""
    named = literal.name in ("class", "()") and "." in literal.value and not _OF_THE_LIBRARY.match(literal.value)
    if named and not context.file.roles & _ELSEWHERE and re.fullmatch(r"[\w.]+", literal.value) and b"version" in literal.source.data:
        yield project_fact("structured-log", literal, _OWN_HANDLER)


_LOG_CLASSES = re.compile(r"^logging\.(?:\w*Formatter|\w*Handler|handlers\.\w+|LoggerAdapter)$")


@collect("structured-log", on=[every(Class)], required_literals=["formatter)", "handler)"], files=("python",), not_in=_ELSEWHERE)
def own_formatter(class_: Class, context: CheckContext) -> Iterator[ProjectFact]:
    """`class Records(logging.Formatter)`: where it makes JSON, that is the proof."""
    if context.file.roles & _ELSEWHERE or not any(_LOG_CLASSES.match(base) for base in class_.bases):
        return
    writes_json = re.search(rb"json\.dumps|orjson|ujson|\bdumps\(", class_.source.data[class_.start : class_.end])
    yield project_fact("structured-log", class_, f"`{class_.name}` writes JSON" if writes_json else _OWN_HANDLER)


@collect(
    "plain-log",
    on=[
        calls(
            "logging.basicConfig",
            "logging.config.dictConfig",
            "logging.config.fileConfig",
            "structlog.configure",
            "loguru.logger.add",
            "loguru.logger.configure",
            "coloredlogs.install",
        )
    ],
    required_literals=[
        "basicconfig(",
        "dictconfig(",
        "fileconfig(",
        ("structlog", "configure("),
        ("loguru", ".add("),
        ("loguru", "configure("),
        "coloredlogs",
    ],
    files=("python",),
    not_in=(*_ELSEWHERE, "command"),
)
def plain_configurations(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where logging is set up at all."""
    if context.file.name == "env.py" and b"alembic" in call.source.data:
        return
    if (
        not context.file.roles & (_ELSEWHERE | {"command"})
        and not call.scope.guards & {"main", "debug", "environment"}
        and not call.scope.class_  # one component's own affair
        and context.environment.deploys(context.file.path)
    ):
        yield project_fact("plain-log", call, call.name)


_HANDLER = re.compile(r"^logging\.(?:StreamHandler|Formatter|handlers\.\w+)$")


@collect(
    "plain-log",
    on=[literals()],
    required_literals=["logging.streamhandler", "logging.handlers.", "logging.formatter"],
    files=("python",),
    not_in=(*_ELSEWHERE, "command"),
)
def plain_dictionaries(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """A logging dictionary, as Django's `LOGGING`."""
    if (
        literal.role in ("item", "element")
        and _HANDLER.match(literal.value)
        and not context.file.roles & (_ELSEWHERE | {"command"})
        and context.environment.deploys(context.file.path)
    ):
        yield project_fact("plain-log", literal, f"`{literal.value}`")


@project_check("PRD702", topics=("structured-log", "plain-log"))
def logging_not_structured(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service whose log is plain text, or whose log nobody set up."""
    if not project.environment.is_service:
        return
    structured = project.about("structured-log")
    if structured:
        # What the deployment decides is no finding, and no proof either.
        proofs = [one for one in structured if one.words not in _UNDECIDED]
        for best in [one for one in proofs if one.path.endswith(".py")][:1] or proofs[:1]:
            yield Evidence("PRD702", best.path, best.span, best.words)
        return
    web = web_service(project)
    started = web if isinstance(web, Started) else project.environment.service
    plain = project.about("plain-log")
    place = place_of(project, started)
    if place is None:
        return
    path, span, words = place
    if plain:
        first = plain[0]
        yield ProjectDiagnostic(
            first.path,
            first.span,
            f"`{first.words.strip('`')}` configures plain-text logs for the service in `{path}`: no formatter writes JSON",
            related=(Related(path, span, words),),
        )
    else:
        yield ProjectDiagnostic(
            path,
            span,
            f"{words} never configures logging: only warnings and errors reach the log, unformatted and without a timestamp",
        )


# ---------------------------------------------------------------- PRD702: a server without its access log

_SERVERS = ("uvicorn.run", "uvicorn.Config", "sanic.Sanic.run", "hypercorn.run", "granian.Granian")


@collect("access-log-off", on=[calls(*_SERVERS, "*.run")], required_literals=["access_log"], files=("python",), not_in=_ELSEWHERE)
def access_log_off(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """`uvicorn.run(app, access_log=False)`."""
    told = call.keywords.get("access_log")
    if isinstance(told, Constant) and told.value is False and not context.file.roles & _ELSEWHERE and not call.scope.guards & {"debug"}:
        yield project_fact("access-log-off", call, "`access_log=False`")


@collect("access-log-off", on=[commands("uvicorn", "sanic", "granian")], required_literals=["--no-access-log"], not_in=_ELSEWHERE)
def access_log_off_in_command(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """`uvicorn app.main:app --no-access-log`."""
    if "--no-access-log" in command.argv and runs_in_production(command, context):
        yield project_fact("access-log-off", command, "`--no-access-log`")


@collect(
    "request-log",
    on=[text()],
    required_literals=[("middleware", "log"), "after_request", "django_structlog", "asgi_logger", "requestlog", "accesslog", "access_log_format", "opentelemetry.instrumentation"],
    files=("python",),
    not_in=_ELSEWHERE,
)  # fmt: skip
def requests_logged(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """A middleware of a file that writes logs: what the server does not say of a request, the service says."""
    if not context.file.roles & _ELSEWHERE and (found := _LOGS_REQUESTS.search(whole.source.data)) is not None:
        yield ProjectFact("request-log", context.file.path, whole.source.span(*found.span()), "a middleware that logs")


_LOGS_REQUESTS = re.compile(
    rb"(?i)BaseHTTPMiddleware\b|@\w+\.middleware\b|async def __call__\(self, scope|after_request|django_structlog|asgi_logger|request_?log|access_?log(?!\s*=)|logging_?middleware|opentelemetry\.instrumentation"
)


@project_check("PRD702", topics=("access-log-off", "request-log"))
def requests_not_logged(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A server that is told to log no requests, in a service that logs none itself."""
    if not project.environment.is_service or project.about("request-log"):
        return
    for off in project.about("access-log-off")[:1]:
        yield ProjectDiagnostic(off.path, off.span, f"{off.words} switches the server's access log off, and no middleware logs requests")


# ---------------------------------------------------------------- PRD703: a request's id

# What is surely about it; "request_id" beside a context variable or in a middleware most likely is.
_REQUEST_ID = re.compile(
    r"(?i)dockerflow|requestidlogfilter|x[-_](?:request|correlation|trace)[-_]id|traceparent|correlation|django_guid|log_request_id|header|instrument|starlette_context|ddtrace|newrelic|logfire|apm"
)


# What a request's id is called, but not only that, and what it is then found beside.
_AMBIGUOUS = frozenset((b"request_id", b"request-id", b"trace_id"))
_AROUND = frozenset((b"middleware", b"contextvar"))


@collect(
    "request-id",
    on=[text()],
    required_literals=["x-request-id", "x_request_id", "x-correlation-id", "x_correlation_id", "x-trace-id", "x-amzn-trace-id", "x-cloud-trace-context", "traceparent", "correlation_id", "request_id_header", "django_guid", "log_request_id", "asgi_correlation_id",
             ("request_id", "contextvar"), ("trace_id", "contextvar"), ("request_id", "middleware"), ("request-id", "middleware"), "opentelemetry.instrumentation", "opentelemetry-instrument", "ddtrace", "newrelic", "elasticapm", "logfire.instrument", "$request_id", "requestidlogfilter", "dockerflow.django.middleware", "dockerflow.flask", "dockerflow.fastapi", "starlette_context"],
)  # fmt: skip
def request_ids(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where a request gets an id that its log lines carry."""
    if (
        context.file.roles & (_ELSEWHERE - {"script"})
        or context.file.kind in ("markdown", "requirements", "lock", "text", "json", "sql")
        or not whole.hits
    ):
        return
    around = _AROUND & {found for found, _ in whole.hits}
    data = whole.source.data
    named = [
        (found, place)
        for found, place in whole.hits
        if found not in _AROUND
        and (found not in _AMBIGUOUS or around)
        and not (found.endswith(b"_id") and _is_of_a_word(data, place, place + len(found)))
    ]
    if not named:
        return
    literal, offset = named[0]
    yield ProjectFact(
        "request-id",
        context.file.path,
        whole.source.span(offset, offset + len(literal)),
        f"`{whole.source.slice(offset, offset + len(literal))}`",
    )


def _is_of_a_word(data: bytes, start: int, end: int) -> bool:
    """Whether a name is a part of a longer one: `report_request_id` is the id of a request for a report."""
    return any(
        len(side) == 1 and (side.isalnum() or side == b"_") for side in (data[start - 1 : start] if start else b"", data[end : end + 1])
    )


@project_check("PRD703", topics=("request-id",))
def request_id_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A web service whose log lines cannot be brought together by request."""
    web = web_service(project)
    if web is False:
        return
    found = project.about("request-id")
    if found:
        best = min(found, key=lambda one: (_REQUEST_ID.search(one.words) is None, not one.path.endswith(".py")))
        yield Evidence("PRD703", best.path, best.span, best.words)
        return
    place = place_of(project, web if isinstance(web, Started) else None)
    if place is not None:
        path, span, words = place
        yield ProjectDiagnostic(path, span, f"{words} gives requests no id: no `X-Request-ID`, correlation middleware or tracing found")


# ---------------------------------------------------------------- PRD706: log files that grow

_STREAMS = re.compile(r"^/dev/|^/proc/\d+/fd/|^nul$|^\$|^std(?:out|err)$", re.IGNORECASE)


def _is_rotated_elsewhere(call_or_literal: Call | Literal, context: CheckContext) -> bool:
    """Whether the repository brings a logrotate configuration, or the handler is taken off again."""
    data = call_or_literal.source.data
    if b"removeHandler" in data or b"logger.remove(" in data and b"tempfile" in data:
        return True
    return context.environment.rotates_logs


_ROTATE = FixRequest(
    "call-instead",
    "Begin a new file at 10 MB, and keep five",
    False,
    (
        ("text", "logging.handlers.RotatingFileHandler"),
        ("import", "logging.handlers"),
        ("keyword", "maxBytes"),
        ("value", "10_000_000"),
        ("keyword", "backupCount"),
        ("value", "5"),
    ),
)


# Handlers that turn only when told how much to keep -> what they have to be told, and where it stands.
_TURNING = {
    "logging.handlers.RotatingFileHandler": (("maxBytes", 2), ("backupCount", 3)),
    "logging.handlers.TimedRotatingFileHandler": (("backupCount", 3),),
}


@check("PRD706", on=[calls(*_TURNING)], required_literals=["rotatingfilehandler("], files=("python",))
def log_file_that_only_seems_to_turn(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`RotatingFileHandler(path)`: without `maxBytes` and `backupCount` it never begins a new file."""
    if call.stars or call.scope.guards & {"main", "debug", "environment"} or _is_rotated_elsewhere(call, context):
        return
    for keyword, position in _TURNING[call.name]:
        given = call.argument(position, keyword)
        if given is None or value_of(given, call.module, call) == 0:
            what = "keeps every old file" if "Timed" in call.name else "never begins a new file"
            yield Diagnostic(
                call,
                f"`{call.name}` without `{keyword}` {what}",
                fix=FixRequest(
                    "set-keyword",
                    f"Set {keyword}",
                    False,
                    (("keyword", keyword), ("value", "10_000_000" if keyword == "maxBytes" else "5")),
                ),
            )
            return


@check(
    "PRD706", on=[calls("logging.FileHandler", "logging.basicConfig")], required_literals=["filehandler(", "filename"], files=("python",)
)
def log_file(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`FileHandler` and `basicConfig(filename=...)`: files that nothing cuts."""
    given = call.argument(0, "filename") if call.name == "logging.FileHandler" else call.keywords.get("filename")
    if given is None or call.scope.guards & {"main", "debug", "environment"}:
        return
    path = value_of(given, call.module, call)
    if path is None or (isinstance(path, str) and _STREAMS.search(path)) or (isinstance(given, Name) and given.name == "os.devnull"):
        return
    if not _is_rotated_elsewhere(call, context):
        mode = argument_of(call, "mode", 1) if call.name == "logging.FileHandler" else argument_of(call, "filemode")
        if isinstance(mode, Constant) and mode.value == "w":
            return
        shown = f' "{path}"' if isinstance(path, str) and len(path) < 50 else ""
        words = "logging.FileHandler" if call.name == "logging.FileHandler" else "logging.basicConfig(filename=...)"
        fix = _ROTATE if call.name == "logging.FileHandler" and len(call.arguments) < 3 and not call.stars else None
        yield Diagnostic(call, f"`{words}` writes a log file{shown} that nothing rotates", fix=fix)


@check("PRD706", on=[calls("loguru.logger.add")], required_literals=[("loguru", ".add(")], files=("python",))
def loguru_file(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """loguru's file sink without `rotation`."""
    path = value_of(call.argument(0, "sink"), call.module, call)
    if (
        not isinstance(path, str)
        or call.stars
        or "rotation" in call.keywords
        or _STREAMS.search(path)
        or call.scope.guards & {"main", "debug", "environment"}
    ):
        return
    if not _is_rotated_elsewhere(call, context):
        fix = FixRequest("set-keyword", "Begin a new file at 10 MB", False, (("keyword", "rotation"), ("value", '"10 MB"')))
        yield Diagnostic(call, f'`logger.add("{path[:50]}")` without `rotation` writes a log file that is never rotated', fix=fix)


@check("PRD706", on=[literals()], required_literals=["logging.filehandler"], files=("python",))
def file_handler_in_dictionary(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`"class": "logging.FileHandler"` of a logging dictionary."""
    if (
        literal.value == "logging.FileHandler"
        and literal.name == "class"
        and literal.role != "comparison"
        and not _is_rotated_elsewhere(literal, context)
    ):
        yield Diagnostic(literal, '`"class": "logging.FileHandler"` writes a log file that nothing rotates')


@check("PRD706", on=[documents("compose")], required_literals=["json-file"], files=("yaml",))
def container_log(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Compose: the driver `json-file` without `max-size`."""
    services = document.root.get("services")
    for name, service in services.members.items() if services is not None else ():
        driver = service.get("logging", "driver")
        if driver is not None and driver.value == "json-file" and service.get("logging", "options", "max-size") is None:
            yield Diagnostic(driver, f"the log of `{name}` grows without limit: `json-file` has no `max-size`")
