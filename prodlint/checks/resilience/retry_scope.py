"""Retries of what a second attempt makes no better, or does twice (PRD543)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import Call, Collection, Constant, Expression, Function, Name, calls_in
from prodlint.values.places import argument_of, decorator_name, is_imported, resolved, shown

_BROAD = ("Exception", "BaseException", "builtins.Exception")
# What must not happen twice.
_ONCE = re.compile(
    r"(?i)(?:^|_)(?:charge|pay|payment|refund|transfer|send|notify|email|mail|sms|publish|create|insert|place|book|order|submit|register|signup|post|withdraw|deposit|purchase|checkout)(?:_|$)"
)
_UNDOES = re.compile(r"(?i)^_*(?:revoke|deactivate|disable|delete|remove|cancel|stop|close|logout|unsubscribe|purge|clear)(?:_|$)")
_POSTS = ("post", "patch")
_CLIENTS = re.compile(r"^(?:requests|httpx|aiohttp)\b|(?:^|\.)(?:client|session|http|api)\w*\.(?:post|patch)$")
_SAFE = re.compile(rb"(?i)idempoten")


@check("PRD543", on=[every(Function)], required_literals=["tenacity", "backoff", "stamina", "retrying"])
def retried_whatever_happens(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A function that changes something elsewhere, tried again after any exception: bugs, refusals and answers that came too late included."""
    if (
        not function.decorators
        or _SAFE.search(function.source.data, function.start, function.end)
        or not any(_retries_anything(decorator) for decorator in function.decorators)
        or not _changes_something(function)
    ):
        return
    for decorator in function.decorators:
        words = _retries_anything(decorator)
        if words:
            yield Diagnostic(
                decorator, f"{words}, and `{function.name}` is not idempotent: a request that succeeded but answered late is repeated"
            )
            return


def _retries_anything(decorator: Expression) -> str:
    """The words for a decorator that tries again after any exception, or nothing."""
    name = decorator_name(decorator)
    call = decorator if isinstance(decorator, Call) else None
    if name == "tenacity.retry":
        given = call.keywords.get("retry") if call is not None else None
        if call is not None and call.stars:
            return ""
        if given is None:
            return "`tenacity.retry` without `retry=` tries again after any exception"
        if (
            isinstance(given, Call)
            and given.method == "retry_if_exception_type"
            and _is_broad(given.argument(0, "exception_types"), default=True)
        ):
            return "`retry_if_exception_type(Exception)` tries again after any exception"
    if (
        call is not None
        and name in ("backoff.on_exception", "stamina.retry")
        and _is_broad(argument_of(call, "exception", 1) if name.startswith("backoff") else argument_of(call, "on"))
    ):
        return "" if "giveup" in call.keywords else f"`{shown(call)}` tries again after any exception"
    if name == "retrying.retry" and (call is None or not {"retry_on_exception", "retry_on_result"} & set(call.keywords)):
        return "`retrying.retry` tries again after any exception"
    return ""


def _is_broad(expression: Expression | None, default: bool = False) -> bool:
    if expression is None:
        return default
    if isinstance(expression, Collection):
        return any(_is_broad(item) for item in expression.items)
    return isinstance(expression, Name) and expression.name in _BROAD


def _changes_something(function: Function) -> bool:
    """Whether a function posts to another service, or is named for what must not happen twice and calls something."""
    posts = any(call.method in _POSTS and _CLIENTS.search(call.name) and not _has_key(call) for call in calls_in(function.body))
    if _UNDOES.search(function.name):
        return False  # a second time leaves things as the first time did
    return posts or (
        bool(_ONCE.search(function.name))
        and not re.search(r"(?i)(?:^|_)(?:get|fetch|load|list|find|read|check|is|has)(?:_|$)", function.name)
        and any(call.receiver is not None for call in calls_in(function.body))
    )


def _has_key(call: Call) -> bool:
    """Whether a request carries a key by which its receiver knows it again."""
    return any("idempoten" in value.text.lower() for value in call.keywords.values())


_RETRY = (
    "urllib3.Retry",
    "urllib3.util.Retry",
    "urllib3.util.retry.Retry",
    "requests.adapters.Retry",
    "requests.packages.urllib3.util.retry.Retry",
)


@check("PRD543", on=[calls(*_RETRY)], required_literals=["retry("])
def urllib3_retries_posts(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Retry(allowed_methods=None)`, a `POST` among its methods, or statuses that a second attempt does not change."""
    if call.stars or not is_imported(call):
        return
    methods = call.keywords.get("allowed_methods") or call.keywords.get("method_whitelist")
    if methods is not None:
        known = resolved(methods, call.module, call)
        listed = [str(item.value).upper() for item in known.items if isinstance(item, Constant)] if isinstance(known, Collection) else []
        if isinstance(known, Constant) and (known.value is None or known.value is False):
            yield Diagnostic(methods, f"`{shown(call)}` with `{known.text}` for methods tries every method again, POST included")
            return
        if "POST" in listed or "PATCH" in listed:
            yield Diagnostic(methods, f"`{shown(call)}` tries POST or PATCH again: a request that succeeded but answered late is repeated")
            return
    statuses = argument_of(call, "status_forcelist")
    if isinstance(statuses, Collection):
        useless = [
            item.value for item in statuses.items if isinstance(item, Constant) and item.value in (400, 401, 403, 404, 405, 410, 422)
        ]
        if useless:
            yield Diagnostic(
                call.keywords["status_forcelist"], f"`{shown(call)}` tries again after {useless[0]}: the same request gets the same answer"
            )


@check("PRD543", on=[calls("*.task", "celery.shared_task")], required_literals=["autoretry_for"])
def celery_retries_anything(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """celery: `autoretry_for=(Exception,)` on a task that changes something."""
    if not _is_broad(argument_of(call, "autoretry_for")) or "dont_autoretry_for" in call.keywords:
        return
    function = next((f for f in call.module.functions() if any(d.start == call.start for d in f.decorators)), None)
    if function is not None and _changes_something(function) and not _SAFE.search(function.source.data, function.start, function.end):
        yield Diagnostic(
            call,
            f"`autoretry_for=(Exception,)` tries again after any exception, and `{function.name}` is not idempotent: it may be done twice",
        )
