"""What a service's logs and errors lack altogether: redaction (PRD705), somebody who collects errors (PRD707)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    collect,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Call, Text
from prodlint.model import Evidence
from prodlint.values.places import is_imported

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "migration", "script", "dev"))
_UNTOLD = ("markdown", "lock", "text", "sql")
_APPLICATIONS = (
    "fastapi.FastAPI",
    "flask.Flask",
    "quart.Quart",
    "sanic.Sanic",
    "litestar.Litestar",
    "starlette.applications.Starlette",
    "aiohttp.web.Application",
    "falcon.App",
    "falcon.asgi.App",
    "django.core.wsgi.get_wsgi_application",
    "django.core.asgi.get_asgi_application",
    "celery.Celery",
)
_LOGS = ("logging.config.dictConfig", "logging.config.fileConfig", "structlog.configure", "loguru.logger.configure")
# Trackers and agents, as they are imported, started and set.
_TRACKERS = [
    "sentry", "rollbar", "bugsnag", "honeybadger", "airbrake", "elasticapm", "newrelic", "new_relic", "ddtrace", "opentelemetry", "otel_exporter", "logfire", "raygun", "appsignal",
    "scout_apm", "error_reporting", "applicationinsights", "glitchtip", "dd_trace_enabled", "highlight_io", "opencensus", "errbit",
]  # fmt: skip
_TRACES = frozenset(("opentelemetry", "otel_exporter", "opencensus"))
_REDACTS = ["redact", "addfilter", "scrub", "sanitize", "sanitise", "obfuscat", "sensitive", "mask_", "_mask", ".mask"]


@collect("application", on=[calls(*_APPLICATIONS)], files=("python",), not_in=_ELSEWHERE)
def applications(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where applications are made that serve or work in production."""
    if is_imported(call) and not context.file.roles & _ELSEWHERE and "main" not in call.scope.guards:
        yield project_fact("application", call, call.name)


@collect("error-tracker", on=[text()], required_literals=_TRACKERS, not_in=_ELSEWHERE)
def error_trackers(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where an error tracker or an agent is named in code or configuration."""
    if not whole.hits or context.file.kind in _UNTOLD or context.file.roles & _ELSEWHERE:
        return
    # `SettingsEntry` holds a tracker's name and is none.
    data = whole.source.data
    hits = [
        (literal, at)
        for literal, at in whole.hits
        if not data[max(at - 1, 0) : at].isalpha()
        or data[at : at + 1].isupper()
        and data[at - 1 : at].islower()
        and data[at : at + 2].istitle()
    ]
    if hits:
        literal, offset = hits[0]
        yield ProjectFact("error-tracker", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


@project_check("PRD707", topics=("application", "error-tracker"))
def errors_not_collected(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """An application, and nothing anywhere that collects its errors."""
    trackers = project.about("error-tracker")
    if trackers:
        # Traces may carry errors, so that nothing is said to be missing; that anybody collects them, they do not show.
        collecting = [one for one in trackers if one.words.strip("`").lower() not in _TRACES]
        if not collecting:
            return
        best = min(collecting, key=lambda one: not one.path.endswith(".py"))
        yield Evidence("PRD707", best.path, best.span, best.words)
        return
    for application in project.about("application")[:1]:
        words = f"`{application.words}` runs and no error tracker is set up: no Sentry, Rollbar, OpenTelemetry or agent found"
        yield ProjectDiagnostic(application.path, application.span, words)


@collect("log-configuration", on=[calls(*_LOGS)], files=("python",), not_in=(*_ELSEWHERE, "command"))
def log_configurations(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where the logs are configured."""
    if not context.file.roles & (_ELSEWHERE | {"command"}) and "main" not in call.scope.guards:
        yield project_fact("log-configuration", call, call.name)


@collect("log-redaction", on=[text()], required_literals=_REDACTS, files=("python", "yaml", "toml", "ini", "env"), not_in=_ELSEWHERE)
def log_redactions(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Anything that redacts, masks, scrubs or filters."""
    if whole.hits and not context.file.roles & _ELSEWHERE:
        literal, offset = whole.hits[0]
        yield ProjectFact("log-redaction", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


@collect("log-redaction", on=[calls("*.mask")], files=("python",), not_in=_ELSEWHERE)
def masked(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """`tools.mask(secret)`."""
    if not context.file.roles & _ELSEWHERE:
        yield project_fact("log-redaction", call, "`.mask`")


@project_check("PRD705", topics=("log-configuration", "log-redaction"))
def logs_not_redacted(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Logs that are configured, and nothing that takes secrets out of them."""
    found = project.about("log-redaction")
    if found:
        yield Evidence("PRD705", found[0].path, found[0].span, found[0].words)
        return
    for place in project.about("log-configuration")[:1]:
        words = f"`{place.words}` configures the logs, and nothing in the project redacts what must not be in them"
        yield ProjectDiagnostic(place.path, place.span, words)
