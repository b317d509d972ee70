"""Clients that are built again for every request (PRD507)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.resilience.http import HTTPX_CONSTRUCTORS, HTTPX_FUNCTIONS, REQUESTS_ANCHORS, REQUESTS_FUNCTIONS, for_tests
from prodlint.facts import Call, Function, Module, Name, Statement, calls_in, statements_in
from prodlint.values.places import (
    block_around,
    body_of,
    decorator_name,
    enclosing,
    is_handler,
    is_imported,
    shown,
    statements_around,
)

CLIENTS: Mapping[str, str] = {
    **dict.fromkeys(HTTPX_CONSTRUCTORS, "connections and TLS handshakes"),
    "requests.Session": "connections and TLS handshakes",
    "requests.session": "connections and TLS handshakes",
    "requests.sessions.Session": "connections and TLS handshakes",
    "aiohttp.ClientSession": "connections and TLS handshakes",
    "sqlalchemy.create_engine": "a connection pool",
    "sqlalchemy.engine.create_engine": "a connection pool",
    "sqlalchemy.ext.asyncio.create_async_engine": "a connection pool",
    "sqlmodel.create_engine": "a connection pool",
    "redis.Redis": "a connection pool",
    "redis.StrictRedis": "a connection pool",
    "redis.from_url": "a connection pool",
    "redis.Redis.from_url": "a connection pool",
    "redis.asyncio.Redis": "a connection pool",
    "redis.asyncio.from_url": "a connection pool",
    "redis.asyncio.Redis.from_url": "a connection pool",
    "pymongo.MongoClient": "a connection pool",
    "motor.motor_asyncio.AsyncIOMotorClient": "a connection pool",
    "boto3.client": "a session and connections",
    "boto3.resource": "a session and connections",
    **{
        f"boto3.{session}.{kind}": "a session and connections"
        for session in ("Session", "session.Session")
        for kind in ("client", "resource")
    },
}
_client_anchors = (
    ("httpx", "client("),
    ("requests", "session("),
    ("aiohttp", "clientsession("),
    ("create_engine(",),
    ("create_async_engine(",),
    ("redis(",),
    ("redis", "from_url("),
    ("mongoclient(",),
    ("asynciomotorclient(",),
    ("boto3.client(",),
    ("boto3.resource(",),
    ("boto3", "session("),
    ("from boto3",),
)
_CACHES = frozenset(
    {
        "functools.lru_cache",
        "functools.cache",
        "functools.cached_property",
        "django.utils.functional.cached_property",
        "async_lru.alru_cache",
        "cachetools.cached",
        "cachetools.func.ttl_cache",
        "streamlit.cache_resource",
    }
)


# What calls a function again when it fails.
_AGAIN = re.compile(r"(?:tenacity|stamina|backoff|retrying|retry|retry_async|opnieuw)\.")


@check("PRD507", on=[calls(*CLIENTS)], required_literals=_client_anchors)
def client_per_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A client built while a request is answered: in the handler, in a dependency of it, or in a helper it calls."""
    function = enclosing(call, call.module)
    if function is None or not is_imported(call) or for_tests(call) or is_kept_or_cached(call, function):
        return
    if is_handler(function):
        # A web socket lives as long as the client that was made for it.
        if any(isinstance(decorator, Call) and decorator.method in ("websocket", "websocket_route") for decorator in function.decorators):
            return
        yield Diagnostic(call, f"`{shown(call)}` sets up {CLIENTS[call.name]} for every request of `{function.name}`")
        return
    if any(_AGAIN.match(decorator_name(decorator)) for decorator in function.decorators):
        yield Diagnostic(call, f"`{shown(call)}` sets up {CLIENTS[call.name]} for every try of `{function.name}`")
        return
    handler = _users_by_name(call.module).get(function.name)
    if handler is not None and not function.scope.symbol:
        yield Diagnostic(call, f"`{shown(call)}` sets up {CLIENTS[call.name]} each time `{handler}` uses `{function.name}`")


@check("PRD507", on=[calls(*HTTPX_FUNCTIONS, *REQUESTS_FUNCTIONS)], required_literals=["httpx", *REQUESTS_ANCHORS])
def connection_per_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`httpx.get(...)` in a handler: a client in disguise."""
    if not context.options.get("module-functions") or not is_imported(call) or call.constructor is not None:
        return
    function = enclosing(call, call.module)
    if function is not None and is_handler(function):
        yield Diagnostic(call, f"`{shown(call)}` opens a new connection for every request of `{function.name}`", priority="P2")


@lru_cache(maxsize=4)
def _users_by_name(module: Module) -> Mapping[str, str]:
    """The functions that handlers of a file use, each with the first handler that does."""
    users: dict[str, str] = {}
    for handler in module.functions():
        if is_handler(handler):
            for name in sorted(used_by(handler)):
                users.setdefault(name, handler.name)
    return users


def used_by(function: Function) -> set[str]:
    """The names of functions that a handler calls or depends on (`Depends(f)`)."""
    names = {call.function.source_text for call in calls_in(body_of(function)) if isinstance(call.function, Name)}
    for parameter in function.parameters:
        for expression in parameter.default.walk() if parameter.default is not None else ():
            if isinstance(expression, Call) and expression.method in ("Depends", "Security"):
                target = expression.argument(0, "dependency")
                if isinstance(target, Name):
                    names.add(target.source_text)
        if "Depends(" in parameter.annotation:
            names.add(parameter.annotation.split("Depends(", 1)[1].split(")", 1)[0].strip())
    return names


def is_kept_or_cached(call: Call, function: Function) -> bool:
    """Whether what a function builds outlives the call: cached by a decorator, put in a global, an attribute or a mapping."""
    if _keeps_results(function):
        return True
    around = (statement.assignment for statement in statements_around(call, body_of(function)))
    return any(assignment is not None and assignment.kind in ("attribute", "subscript") for assignment in around)


@lru_cache(maxsize=32)
def _keeps_results(function: Function) -> bool:
    """Whether a function is cached, or writes to a global."""
    if any(decorator_name(decorator) in _CACHES for decorator in function.decorators):
        return True
    return any(statement.kind == "global" for statement in statements_in(body_of(function)))


@check("PRD507", on=[calls(*CLIENTS)], required_literals=_client_anchors)
def client_per_loop(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A client built anew in each round of a `for` loop."""
    if not call.scope.in_loop or not is_imported(call) or for_tests(call):
        return
    for statement in statements_around(call, block_around(call, call.module)):
        if statement.kind == "for" and any(inner.start <= call.start < inner.end for inner in statement.body):
            if _leaves_early(statement.body) or _is_kept(statement, call) or _differs_by_round(statement, call):
                continue
            yield Diagnostic(call, f"`{shown(call)}` sets up {CLIENTS[call.name]} in each round of the loop")
            return


def _leaves_early(block: tuple[Statement, ...]) -> bool:
    """Whether a loop is one of attempts: success leaves it."""
    return any(statement.kind in ("return", "break") for statement in statements_in(block))


def _is_kept(loop: Statement, call: Call) -> bool:
    """Whether the loop makes a set of clients to keep: it puts each one somewhere."""
    for statement in statements_in(loop.body):
        if statement.start <= call.start < statement.end and statement.assignment is not None:
            return statement.assignment.kind in ("attribute", "subscript")
        for expression in statement.expressions:
            for part in expression.walk():
                if (
                    isinstance(part, Call)
                    and part.method in ("append", "add", "setdefault", "enter_context", "enter_async_context")
                    and part.start <= call.start < part.end
                ):
                    return True
    return False


def _differs_by_round(loop: Statement, call: Call) -> bool:
    """Whether the client is made from the loop's own variable, so that each round needs another one."""
    names = {part.source_text for target in loop.targets for part in target.walk() if isinstance(part, Name)}
    for argument in (*call.arguments, *call.keywords.values()):
        for part in argument.walk():
            if isinstance(part, Name) and part.source_text.split(".", 1)[0] in names:
                return True
    return False
