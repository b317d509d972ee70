"""What callers of an API can rely on: its version (PRD954) and the names of its errors (PRD964)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    collect,
    every,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Call, Constant, Name, Route, Text
from prodlint.model import Evidence

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "migration", "script", "dev", "command"))
_FRAMEWORKS = ["fastapi", "flask", "starlette", "aiohttp", "sanic", "litestar", "quart", "falcon", "rest_framework", "ninja", "django"]
# Routes that no other program is built on.
_FOR_MACHINES = re.compile(
    r"(?i)/?(?:\w*health\w*|ready\w*|live\w*|ping|metrics|favicon\.ico|docs|redoc|openapi\.json|graphql|static|admin|login|logout|callback|webhooks?)(?:/|$)|^/?$"
)
# So many routes are an API that somebody is built on; so many different refusals need names.
_MANY_ROUTES = 5
_MANY_ERRORS = 10


@collect("api-route", on=[every(Route)], required_literals=_FRAMEWORKS, files=("python",), not_in=_ELSEWHERE)
def api_routes(route: Route, context: CheckContext) -> Iterator[ProjectFact]:
    """The routes of an API."""
    if not context.file.roles & _ELSEWHERE and not _FOR_MACHINES.search(route.path):
        yield project_fact("api-route", route, route.path)


_VERSIONS = [
    "/v1",
    "/v2",
    "/v3",
    "/api/1",
    "api_version",
    "apiversion",
    "accept-version",
    "x-api-version",
    "versioning_class",
    "url_prefix_version",
    "fastapi_versioning",
    "cadwyn",
]


@collect("api-version", on=[text()], required_literals=_VERSIONS, files=("python", "yaml", "nginx"), not_in=_ELSEWHERE)
def api_versions(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where a version of the API is named."""
    if not whole.hits or context.file.roles & _ELSEWHERE or (context.file.kind == "yaml" and b"openapi" not in whole.source.data):
        return
    data = whole.source.data
    for literal, offset in whole.hits:
        line = data[data.rfind(b"\n", 0, offset) + 1 : data.find(b"\n", offset)]
        if b"://" not in line and not line.lstrip().startswith(b"#"):  # the version of somebody else's API
            yield ProjectFact("api-version", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")
            return


@project_check("PRD954", topics=("api-route", "api-version"))
def api_unversioned(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Routes without a version anywhere."""
    versions, routes = project.about("api-version"), project.about("api-route")
    if versions:
        yield Evidence("PRD954", versions[0].path, versions[0].span, versions[0].words)
    elif len(routes) >= _MANY_ROUTES:
        first = routes[0]
        words = f"{len(routes)} routes and no version of the API: no prefix such as `/v1`, header or `api_version` found"
        yield ProjectDiagnostic(first.path, first.span, words)


_REFUSALS = ("*.HTTPException", "flask.abort", "*.abort", "rest_framework.exceptions.*", "aiohttp.web.HTTP*")


@collect(
    "api-error",
    on=[calls(*_REFUSALS)],
    required_literals=["httpexception", "abort(", "rest_framework", "aiohttp"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def api_errors(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """What the API refuses with, by status and words."""
    if context.file.roles & _ELSEWHERE:
        return
    status, detail = call.argument(0, "status_code"), call.argument(1, "detail") or call.keywords.get("description")
    number = (
        str(status.value) if isinstance(status, Constant) else status.source_text.rsplit(".", 1)[-1] if isinstance(status, Name) else ""
    )
    if number:
        yield project_fact("api-error", call, f"{number} {detail.text[:60] if detail is not None else ''}".strip())


_CATALOGUES = [
    "errorcode",
    "error_code",
    "problem+json",
    "problem_details",
    "problemdetail",
    "exception_handler",
    "errorhandler",
    "handler404",
    "exception_handlers",
]


@collect("error-catalogue", on=[text()], required_literals=_CATALOGUES, files=("python",), not_in=_ELSEWHERE)
def error_catalogues(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Codes of errors, problem details, and handlers that map exceptions to answers."""
    if whole.hits and not context.file.roles & _ELSEWHERE:
        literal, offset = whole.hits[0]
        yield ProjectFact("error-catalogue", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


@project_check("PRD964", topics=("api-error", "error-catalogue"))
def error_catalogue_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Many different refusals, and no names for them."""
    catalogues, errors = project.about("error-catalogue"), project.about("api-error")
    if catalogues:
        yield Evidence("PRD964", catalogues[0].path, catalogues[0].span, catalogues[0].words)
        return
    different = {error.words for error in errors}
    if len(different) >= _MANY_ERRORS:
        words = f"{len(different)} different errors are answered in prose: no error codes, problem details or exception handlers found"
        yield ProjectDiagnostic(errors[0].path, errors[0].span, words)
