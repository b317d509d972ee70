"""Blocking calls in async code (PRD571): while one waits, every other request of the process waits with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.resilience.http import HTTPX_METHODS, REQUESTS_SESSIONS, SESSION_METHODS
from prodlint.facts import Call, Function, Module, Name, calls_in, statements_in
from prodlint.model import FixRequest
from prodlint.values.places import (
    VERBS,
    annotated_as,
    body_of,
    calls_of,
    decorator_name,
    enclosing,
    in_lambda,
    is_handler,
    is_imported,
    is_number,
    same_call,
    shown,
    value_of,
)

# What blocks, and what to use instead.
_NETWORK: Mapping[str, str] = {
    **{f"requests.{verb}": "an async client, or `asyncio.to_thread`" for verb in VERBS},
    **{f"{session}.{verb}": "an async client, or `asyncio.to_thread`" for session in REQUESTS_SESSIONS for verb in SESSION_METHODS},
    **{f"{library}.{verb}": f"`{library}.AsyncClient`" for library in ("httpx", "httpx2", "httpxyz") for verb in HTTPX_METHODS},
    **{
        f"{library}.Client.{verb}": f"`{library}.AsyncClient`"
        for library in ("httpx", "httpx2", "httpxyz")
        for verb in (*HTTPX_METHODS, "send")
    },
    "urllib.request.urlopen": "an async client, or `asyncio.to_thread`",
    "urllib.request.urlretrieve": "an async client, or `asyncio.to_thread`",
    "socket.create_connection": "`asyncio.open_connection`",
    **{f"socket.{name}": "`loop.getaddrinfo`" for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getaddrinfo", "getfqdn")},
    "smtplib.SMTP": "aiosmtplib, or `asyncio.to_thread`",
    "smtplib.SMTP_SSL": "aiosmtplib, or `asyncio.to_thread`",
    "psycopg2.connect": "an async driver, or `asyncio.to_thread`",
    "psycopg.connect": "`psycopg.AsyncConnection`",
    "pymysql.connect": "an async driver, or `asyncio.to_thread`",
    "MySQLdb.connect": "an async driver, or `asyncio.to_thread`",
    "sqlite3.connect": "aiosqlite, or `asyncio.to_thread`",
}
_PROCESS: Mapping[str, str] = {
    **{
        f"subprocess.{name}": "`asyncio.create_subprocess_exec`"
        for name in ("run", "call", "check_call", "check_output", "getoutput", "getstatusoutput")
    },
    "subprocess.Popen.wait": "`asyncio.create_subprocess_exec`",
    "subprocess.Popen.communicate": "`asyncio.create_subprocess_exec`",
    **{
        f"os.{name}": "`asyncio.create_subprocess_exec`"
        for name in ("wait", "wait3", "wait4", "waitid", "waitpid", "posix_spawn", "posix_spawnp")
    },
    **{f"os.spawn{kind}": "`asyncio.create_subprocess_exec`" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")},
    "os.system": "`asyncio.create_subprocess_shell`",
    "os.popen": "`asyncio.create_subprocess_shell`",
}
_WAITS: Mapping[str, str] = {"time.sleep": "`asyncio.sleep`"}
# Slow on purpose: a hash of a password takes a tenth of a second and more.
_HASHES: Mapping[str, str] = {
    "bcrypt.hashpw": "`asyncio.to_thread`",
    "bcrypt.checkpw": "`asyncio.to_thread`",
    "passlib.context.CryptContext.hash": "`asyncio.to_thread`",
    "passlib.context.CryptContext.verify": "`asyncio.to_thread`",
    "argon2.PasswordHasher.hash": "`asyncio.to_thread`",
    "argon2.PasswordHasher.verify": "`asyncio.to_thread`",
}
BLOCKING: Mapping[str, str] = {**_WAITS, **_NETWORK, **_PROCESS}


@check("PRD571", on=[calls(*BLOCKING)])
def blocking_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A call that blocks, in an async function or in a plain one of the same file that an async function calls."""
    if call.awaited or not is_imported(call):
        return
    function = enclosing(call, call.module)
    if function is None or in_lambda(call, body_of(function)):
        return
    # A look at what has ended, no wait for it.
    if call.name.startswith("os.wait") and any("WNOHANG" in option.text for option in (*call.arguments, *call.keywords.values())):
        return
    if call.name in _WAITS:
        seconds = value_of(call.argument(0, "secs"), call.module, call)
        if is_number(seconds) and seconds <= 0:
            return
    if call.name == "socket.getfqdn" and not call.arguments:
        return  # this machine's own name, which it knows
    if function.is_async:
        if not _before_serving(function):
            yield Diagnostic(call, f"`{shown(call)}` blocks the event loop: use {BLOCKING[call.name]}", fix=_fix(call))
        return
    for caller in _async_callers(function):
        how = "it calls" if shown(caller).startswith(("self.", "cls.")) else "inside, it calls"
        yield Diagnostic(caller, f"`{shown(caller)}` blocks the event loop: {how} `{shown(call)}`", priority="P2")


def _fix(call: Call) -> FixRequest | None:
    """`await asyncio.sleep(x)` for `time.sleep(x)`."""
    if call.name != "time.sleep" or len(call.arguments) != 1:
        return None
    text = f"await asyncio.sleep({call.arguments[0].text})"
    return FixRequest("replace", f"Use {text}", safe=False, arguments=(("text", text), ("import", "asyncio")))


def _before_serving(function: Function) -> bool:
    """Whether a function runs before the first request is taken."""
    if any(decorator_name(decorator).rsplit(".", 1)[-1] in ("asynccontextmanager", "on_event") for decorator in function.decorators):
        return "lifespan" in function.name or "startup" in function.name or "start_up" in function.name
    return function.name in ("lifespan", "startup", "on_startup")


_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "functools.lru_cache", "functools.cache", "functools.wraps"})


def _async_callers(function: Function) -> Iterator[Call]:
    """The calls of a plain function or method in async functions of its file."""
    # A decorator may move the work to a thread.
    if any(decorator_name(decorator) not in _PLAIN_DECORATORS for decorator in function.decorators):
        return
    symbol = function.scope.symbol
    owner = function.class_
    if _last_of_its_name(function.module).get((symbol, function.name)) != function.start:
        return  # another one has taken its name
    for call in _calls_in_async(function.module, function.name):
        assert isinstance(call.function, Name)
        written = call.function.source_text
        if owner is None:
            if written != function.name or symbol and call.scope.symbol != symbol:
                continue
        elif (
            written not in (f"self.{function.name}", f"cls.{function.name}", f"{owner.name}.{function.name}")
            or written.startswith(("self.", "cls."))
            and call.scope.symbol.split(".", 1)[0] != owner.name
        ):
            continue
        yield call


@lru_cache(maxsize=4)
def _last_of_its_name(module: Module) -> Mapping[tuple[str, str], int]:
    """Where the last function of each name in a scope begins: the one that is called by it."""
    return {(function.scope.symbol, function.name): function.start for function in module.functions()}


@lru_cache(maxsize=32)
def _calls_in_async(module: Module, name: str) -> tuple[Call, ...]:
    """The calls of a name in async functions that serve requests."""
    found = []
    for call in calls_of(module, name):
        if call.awaited or not isinstance(call.function, Name):
            continue
        caller = enclosing(call, module)
        if caller is not None and caller.is_async and not _before_serving(caller) and not in_lambda(call, body_of(caller)):
            found.append(call)
    return tuple(found)


_CLIENTS: Mapping[str, str] = {
    **{f"{library}.Client": f"`{library}.AsyncClient`" for library in ("httpx", "httpx2", "httpxyz")},
    "requests.Session": "an async client, or `asyncio.to_thread`",
    "requests.sessions.Session": "an async client, or `asyncio.to_thread`",
}


@check(
    "PRD571",
    on=[calls(*(f"*.{verb}" for verb in (*HTTPX_METHODS, "send")))],
)
def blocking_client(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A plain client that came in as a parameter of an async function: its annotation says what it is."""
    receiver = call.receiver
    if call.constructor is not None or call.awaited or not isinstance(receiver, Name) or "." in receiver.source_text:
        return
    function = enclosing(call, call.module)
    if function is None or not function.is_async or in_lambda(call, body_of(function)):
        return
    kind = annotated_as(call, receiver.source_text, _CLIENTS)
    if kind:
        yield Diagnostic(call, f"`{shown(call)}` of `{kind}` blocks the event loop: use {_CLIENTS[kind]}")


# Functions that talk with somebody at a terminal.
_TALKS = re.compile(r"(?i)(?:^|_)(?:menu|prompt|interactive|ask|choose|select|repl|cli|main|wizard|confirm|console|shell)(?:_|$)")


@check("PRD571", on=[calls("input")], required_literals=[("async", "input(")])
def blocking_input(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`input()` in an async function, unless the file is a dialogue with somebody at a terminal anyway."""
    function = enclosing(call, call.module)
    if function is None or not function.is_async or not isinstance(call.function, Name) or "input" in call.module.imports:
        return
    asks = [other for other in calls_of(call.module, "input") if other.receiver is None]
    if is_handler(function) or (len(asks) == 1 and not _TALKS.search(function.name)):
        yield Diagnostic(call, f"`input` blocks the event loop in `{function.name}`")


@check(
    "PRD571", on=[calls("open", *_HASHES)], required_literals=[("async def", anchor) for anchor in ("open(", "bcrypt", "passlib", "argon2")]
)
def blocking_in_handler(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Files and password hashes in an async request handler."""
    function = enclosing(call, call.module)
    if function is None or not function.is_async or call.awaited or in_lambda(call, body_of(function)) or not is_handler(function):
        return
    if call.name == "open":
        if isinstance(call.function, Name) and "open" not in call.module.imports and not _read_in_a_thread(call, function):
            yield Diagnostic(
                call, f"`open` blocks the event loop in `{function.name}`: use `asyncio.to_thread`, or a plain `def`", priority="P2"
            )
    elif is_imported(call):
        yield Diagnostic(call, f"`{shown(call)}` blocks the event loop in `{function.name}`: use `asyncio.to_thread`, or a plain `def`")


_THREADS = frozenset(("to_thread", "run_sync", "run_in_executor", "run_in_threadpool", "sync_to_async"))


def _read_in_a_thread(opened: Call, function: Function) -> bool:
    """Whether an open file is only read and written in threads: `with open(path) as f: await asyncio.to_thread(f.read)`."""
    for statement in statements_in(body_of(function)):
        if statement.kind == "with" and any(same_call(item, opened) for item in statement.expressions) and statement.targets:
            name = statement.targets[0].text
            if any(call.receiver is not None and call.receiver.text == name for call in calls_in(statement.body)):
                return False
            return any(
                call.method in _THREADS and any(part.text.startswith(f"{name}.") for part in call.arguments)
                for call in calls_in(statement.body)
            )
    return False


_SESSIONS = ("sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session")
_SESSION_CALLS = ("execute", "scalars", "scalar", "query", "get", "commit", "flush", "refresh", "exec", "delete")


@check(
    "PRD571",
    on=[calls(*(f"*.{method}" for method in _SESSION_CALLS))],
    # No session is plain without the library that it comes from.
    required_literals=[("async", "sqlalchemy"), ("async", "sqlmodel")],
)
def blocking_session(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A plain SQLAlchemy session in an async function: reported once a function, at its first query."""
    if call.awaited or not _is_plain_session(call):
        return
    function = enclosing(call, call.module)
    if function is None or not function.is_async or _before_serving(function) or in_lambda(call, body_of(function)):
        return
    if _first_queries(call.module).get(function.start) != call.start:
        return
    yield Diagnostic(
        call, f"`{shown(call)}` of a plain session blocks the event loop in `{function.name}`: use `AsyncSession`, or a plain `def`"
    )


@lru_cache(maxsize=4)
def _first_queries(module: Module) -> Mapping[int, int]:
    """Where each function starts that uses a plain session, and where it does so first."""
    first: dict[int, int] = {}
    for call in calls_of(module, *_SESSION_CALLS):
        function = enclosing(call, module)
        if function is not None and not call.awaited and _is_plain_session(call):
            first[function.start] = min(call.start, first.get(function.start, call.start))
    return first


def _is_made_by_factory(made: Call) -> bool:
    """Whether a session comes from a `sessionmaker` of this file: `SessionLocal = sessionmaker(engine); SessionLocal()`."""
    factory = made.module.follow(made.function, made) if isinstance(made.function, Name) else None
    return (
        isinstance(factory, Call)
        and factory.name in ("sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.session.sessionmaker")
        and "class_" not in factory.keywords
    )


def _is_plain_session(call: Call) -> bool:
    """Whether a call goes to a session of SQLAlchemy that is not an async one."""
    made = call.constructor
    if made is not None:
        return made.name in _SESSIONS and is_imported(made) or _is_made_by_factory(made)
    receiver = call.receiver
    return isinstance(receiver, Name) and "." not in receiver.source_text and bool(annotated_as(call, receiver.source_text, _SESSIONS))


@check("PRD571", on=[calls("boto3.client.*", "boto3.resource.*")], required_literals=[("async def", "boto3")])
def blocking_boto(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A call of AWS in an async function."""
    function = enclosing(call, call.module)
    if function is None or not function.is_async or call.awaited or not is_imported(call) or in_lambda(call, body_of(function)):
        return
    if call.constructor is None or call.method in (
        "client",
        "resource",
        "get_paginator",
        "get_waiter",
        "Table",
        "Bucket",
        "Object",
        "generate_presigned_url",
        "close",
    ):
        return
    steps = call.name.split(".")[2:-1]
    if any(not step[:1].isupper() and step not in _PARTS_OF_AWS for step in steps):
        return  # what an answer of AWS is asked for: `client.head_object(...).get("Metadata")`
    yield Diagnostic(call, f"`{shown(call)}` blocks the event loop: use aioboto3, or `asyncio.to_thread`")


# What of a client of AWS is again something that asks AWS; tables, buckets and objects of a resource begin with a capital.
_PARTS_OF_AWS = frozenset(("get_paginator", "get_waiter", "meta", "client", "objects", "object_versions"))
