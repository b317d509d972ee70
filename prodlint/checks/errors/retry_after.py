"""Answers that ask clients to come back, and do not say when (PRD211)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.facts import Call, Constant, Expression, Module, Name
from prodlint.model import Related
from prodlint.values.places import argument_of, enclosing, shown

# Answers, and where their status stands: position and keyword.
_ANSWERS = {
    "HTTPException": (0, "status_code"),
    "JSONResponse": (1, "status_code"),
    "ORJSONResponse": (1, "status_code"),
    "PlainTextResponse": (1, "status_code"),
    "HTMLResponse": (1, "status_code"),
    "Response": (1, "status_code"),
    "JsonResponse": (-1, "status"),
    "HttpResponse": (-1, "status"),
    "json_response": (-1, "status"),
    "abort": (0, "code"),
}
_STATUS = {
    "HTTP_429_TOO_MANY_REQUESTS": 429,
    "TOO_MANY_REQUESTS": 429,
    "HTTP_503_SERVICE_UNAVAILABLE": 503,
    "SERVICE_UNAVAILABLE": 503,
}
_WORDS = {429: "Too Many Requests", 503: "Service Unavailable"}
_HEALTH = re.compile(r"(?i)health|ready|readiness|live(?:ness)?|alive|ping|heartbeat|status|probe|check")
# What stays so until somebody configures the service: coming back later changes nothing.
_LASTS = re.compile(
    r"(?i)\bnot (?:been )?(?:enabled|configured|installed|supported|set(?: up)?|available in|implemented)\b|\bdisabled\b|\binvalid\b|\bmissing\b|\bmisconfigured\b|\bno \w+ configured\b"
)
_MODULES = ("fastapi.", "starlette.", "flask.", "quart.", "django.", "rest_framework.", "aiohttp.web", "werkzeug.", "litestar.")


@check(
    "PRD211",
    on=[calls(*(f"*.{name}" for name in _ANSWERS), "flask.abort", "fastapi.HTTPException")],
    required_literals=[(name, number) for name in _ANSWERS for number in ("429", "503", "too_many_requests", "service_unavailable")],
    files=("python",),
)
def answer_without_retry_after(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """429 or 503 without the header `Retry-After`: reported once a file and status, with the further places."""
    status = _status(call)
    if not status or _says_when(call):
        return
    places = _places(call.module).get(status, ())
    if not places or places[0].start != call.start:
        return
    related = tuple(Related(call.file.path, other.span, f"{status} as well") for other in places[1:])
    yield Diagnostic(
        call,
        f"`{shown(call)}` answers {status} {_WORDS[status]} without `Retry-After`: clients have to guess when to come back",
        related=related,
    )


@lru_cache(maxsize=4)
def _places(module: Module) -> dict[int, list[Call]]:
    """The calls of a file that answer with one of these statuses, by status."""
    found: dict[int, list[Call]] = {}
    for call in module.calls():
        status = _status(call)
        if status and not _says_when(call):
            found.setdefault(status, []).append(call)
    return found


def _status(call: Call) -> int:
    """429 or 503 where a call of a web framework answers with it, else 0."""
    where = _ANSWERS.get(call.method)
    if where is None or not (call.name.startswith(_MODULES) or call.method in ("HTTPException", "JSONResponse", "abort")):
        return 0
    status = _number(argument_of(call, where[1], where[0]) or argument_of(call, "status"))
    said = (call, argument_of(call, "detail"), argument_of(call, "content")) if status else ()
    return 0 if any(_LASTS.search(words.text[:400]) for words in said if words is not None) else status


def _number(status: Expression | None) -> int:
    if isinstance(status, Constant) and status.value in _WORDS and not isinstance(status.value, bool):
        return int(status.value)
    return _STATUS.get(status.source_text.rsplit(".", 1)[-1], 0) if isinstance(status, Name) else 0


def _says_when(call: Call) -> bool:
    """Whether headers are given, or the file knows the header; a health check is asked again anyway."""
    if call.stars or "headers" in call.keywords or b"retry-after" in call.source.data.lower() or b"retry_after" in call.source.data.lower():
        return True
    function = enclosing(call, call.module)
    names = f"{function.name if function is not None else ''} {call.file.name}"
    return _HEALTH.search(names) is not None
