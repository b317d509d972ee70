"""Retries that never end, and retries that come at once (PRD541, PRD542).

Read in the sources or run: tenacity 9.2 without `stop` never stops and without `wait` does not wait; backoff 2.2 has
neither `max_tries` nor `max_time` by default, but waits; stamina 26.1 stops after 10 attempts or 45 s unless told
otherwise; urllib3 2.8's `Retry` has total 10 and backoff_factor 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import Assignment, Call, Constant, Expression, Fact, Function, Handler, Module, Name, Statement, calls_in, statements_in
from prodlint.model import FixRequest, Priority
from prodlint.python.exits import log_level
from prodlint.values.places import (
    UNKNOWN,
    block_around,
    has_deadline,
    is_imported,
    is_number,
    resolved,
    shown,
    statements_around,
    value_of,
)

TENACITY = (
    "tenacity.retry",
    "tenacity.Retrying",
    "tenacity.AsyncRetrying",
    "tenacity.asyncio.AsyncRetrying",
    "tenacity.tornadoweb.TornadoRetrying",
)
# `Retrying(sleep, stop, wait, ...)`; the decorator takes keywords only.
_STOP, _WAIT = 1, 2

_STOP_FIX = FixRequest(
    "set-keyword",
    "Stop after three attempts",
    safe=False,
    arguments=(("keyword", "stop"), ("value", "stop_after_attempt(3)"), ("import", "tenacity.stop_after_attempt")),
)
_WAIT_FIX = FixRequest(
    "set-keyword",
    "Wait longer after each attempt",
    safe=False,
    arguments=(("keyword", "wait"), ("value", "wait_exponential(multiplier=1, min=1, max=10)"), ("import", "tenacity.wait_exponential")),
)


# Words in the names of exceptions that come from the other side of a wire.
_REMOTE = (
    "timeout",
    "connection",
    "connect",
    "network",
    "http",
    "request",
    "client",
    "transport",
    "unavailable",
    "ratelimit",
    "throttl",
    "oserror",
    "socket",
    "apierror",
    "broker",
    "kafka",
    "amqp",
    "remote",
    "urlerror",
    "interfaceerror",
    "ssl",
)
_BROAD = ("Exception", "BaseException")


def _is_made_here(call: Call) -> bool:
    """Whether a call makes a retry, and is not the call of one that was made before: `retry(stop=...)(function)`."""
    return call.constructor is None and isinstance(call.function, Name) and is_imported(call)


def _given(call: Call, position: int, keyword: str) -> Expression | None:
    found = call.argument(position if call.name != "tenacity.retry" else -1, keyword)
    return resolved(found, call.module, call)


def _is_one_of(expression: Expression | None, *names: str) -> bool:
    if isinstance(expression, Call):
        return expression.name in names
    return isinstance(expression, Name) and expression.name in names


# ---------------------------------------------------------------- without an end


@check("PRD541", on=[calls(*TENACITY)], required_literals=["tenacity"])
def tenacity_without_stop(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """tenacity without `stop`, or with `stop_never`."""
    if call.stars or not _is_made_here(call):
        return
    stop = _given(call, _STOP, "stop")
    if stop is None:
        if not has_deadline(call, call.module):
            yield Diagnostic(call, f"`{shown(call)}` without `stop` retries forever", fix=_STOP_FIX)
    elif _is_one_of(stop, "tenacity.stop_never", "tenacity.stop.stop_never"):
        yield Diagnostic(call, f"`{shown(call)}` with `stop_never` retries forever", fix=_STOP_FIX)


@check("PRD541", on=[every(Function)], required_literals=["tenacity"])
def tenacity_bare(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`@retry` alone: for ever, and without a pause."""
    for decorator in function.decorators:
        if isinstance(decorator, Name) and decorator.name == "tenacity.retry":
            yield Diagnostic(
                decorator, f"`@{decorator.source_text}` alone retries `{function.name}` forever, without a pause, after any exception"
            )


@check("PRD541", on=[calls("backoff.on_exception", "backoff.on_predicate")], required_literals=["backoff"])
def backoff_without_end(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """backoff with neither `max_tries` nor `max_time`."""
    if call.stars or not _is_made_here(call):
        return
    limits = [call.keywords[name] for name in ("max_tries", "max_time") if name in call.keywords]
    if all(value_of(limit, call.module, call) is None for limit in limits):
        # How often is for the caller to say: a consumer that gives up after three tries is down for good. Who bounds the pauses, or is told of each attempt, has thought of attempts that do not end: a consumer waits for its broker.
        meant: Priority | None = "P2" if "max_value" in call.keywords or "on_backoff" in call.keywords else None
        yield Diagnostic(call, f"`{shown(call)}` with neither `max_tries` nor `max_time` retries forever", priority=meant)


@check(
    "PRD541",
    on=[calls("stamina.retry", "stamina.retry_context", "stamina.RetryingCaller", "stamina.AsyncRetryingCaller")],
    required_literals=["stamina"],
)
def stamina_without_end(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """stamina with both limits taken away."""
    limits = [call.keywords[name] for name in ("attempts", "timeout") if name in call.keywords]
    if len(limits) == 2 and not call.stars and all(value_of(limit, call.module, call) is None for limit in limits):
        yield Diagnostic(call, f"`{shown(call)}` with `attempts=None` and `timeout=None` retries forever")


@check(
    "PRD541",
    on=[calls("celery.shared_task", "*.task", "dramatiq.actor")],
    required_literals=[("max_retries", "celery"), ("max_retries", "dramatiq")],
)
def task_without_end(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A Celery task or dramatiq actor with `max_retries=None`."""
    if "max_retries" in call.keywords and value_of(call.keywords["max_retries"], call.module, call) is None:
        yield Diagnostic(call.keywords["max_retries"], f"`{shown(call)}` with `max_retries=None` retries forever")


@check("PRD541", on=[every(Assignment)], required_literals=[("max_retries = none", "celery")])
def task_class_without_end(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`max_retries = None` in the body of a Celery task class."""
    if (
        assignment.kind == "field"
        and assignment.target == "max_retries"
        and isinstance(assignment.value, Constant)
        and assignment.value.value is None
    ):
        yield Diagnostic(assignment, f"`{assignment.scope.class_}` with `max_retries = None` retries forever")


@check("PRD541", on=[every(Handler)], required_literals=[("while true", "except"), ("while 1", "except")])
def loop_without_end(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """`while True: try: ...; return` whose handler only goes round again."""
    if not handler.scope.in_loop or not _is_of_retries(handler, broad=True):
        return
    found = attempt_around(handler)
    if found is None:
        return
    loop, tried = found
    if loop.kind != "while" or not _always(loop) or _first_that_goes_round(tried) != handler.start:
        return
    if any(statement.kind in ("raise", "return", "break") for statement in _outside(loop, tried)):
        return
    if any(_asks_or_ends(call) for call in calls_in(loop.body)) or all(name.endswith("TimeoutExpired") for name in handler.types):
        return  # a program is asked again whether it has ended
    if has_deadline(handler, handler.module) or _is_a_service(handler, loop, tried):
        return
    # Logged and slept on, it is what a process does at its start until the database is there; nothing spins, and the log says why.
    calm = any(call.name in _SLEEPS for call in calls_in(handler.body)) and any(log_level(call) for call in calls_in(handler.body))
    yield Diagnostic(
        _header(handler), f"`{_named(handler)}` retries forever: the loop ends only on success", priority="P2" if calm else None
    )


_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "trio.sleep", "anyio.sleep", "gevent.sleep", "eventlet.sleep"})


def _asks_or_ends(call: Call) -> bool:
    """Whether a call asks a person (itself, or the function of this file that it calls does), or ends the process."""
    if call.name in ("input", "sys.exit", "getpass.getpass") or call.method in ("prompt", "exit", "confirm"):
        return True
    if b"input" not in call.source.data:
        return False
    return any(
        function.name == call.method and any(inner.name == "input" for inner in calls_in(function.body))
        for function in call.module.functions()
    )


# Functions that are meant to run as long as the process.
_ENDLESS = (
    "__next__",
    "__anext__",
    "run",
    "forever",
    "loop",
    "reconnect",
    "subscri",
    "listen",
    "watch",
    "serve",
    "worker",
    "daemon",
    "monitor",
)


def _is_a_service(handler: Handler, loop: Statement, tried: Statement) -> bool:
    """Whether a loop is a worker's: named so, at work in an inner loop, or waiting for an event from elsewhere."""
    name = handler.scope.function.lower()
    if any(word == name if word == "run" else word in name for word in _ENDLESS):
        return True
    if any(statement.kind in ("while", "for") for statement in statements_in(tried.body)):
        return True
    if any(call.method == "wait" and not call.arguments for call in calls_in(loop.body)):
        return True
    # Who waits for a lock waits for whoever holds it, and asks nobody else again; a helper that is given a deadline ends the loop itself.
    return _waits_for_a_lock(tried) or any(
        _DEADLINE.search(argument.text) for call in calls_in(handler.body) for argument in (*call.arguments, *call.keywords.values())
    )


_DEADLINE = re.compile(r"(?i)\b\w*(?:deadline|expires_at|give_up_at|stop_at)\w*\b")


def _waits_for_a_lock(tried: Statement) -> bool:
    """Whether all that is tried is to get hold of a lock."""
    made = [call for call in calls_in(tried.body) if call.method not in ("to_thread", "partial")]
    named = [part.source_text for call in calls_in(tried.body) for part in call.arguments if isinstance(part, Name)]
    return all(call.method in ("acquire", "flock", "lockf") for call in made) and (
        bool(made) or any(name.endswith(".acquire") for name in named)
    )


def _named(handler: Handler) -> str:
    """How a message names an except clause."""
    return f"except {', '.join(handler.types)}" if handler.types else "except"


def _header(handler: Handler) -> Fact:
    """The first line of an except clause."""
    return Fact(handler.source, handler.file, handler.start, handler.source.end_of_line(handler.start, handler.end))


def _always(loop: Statement) -> bool:
    """Whether a while loop has a test that is always true."""
    test = loop.expressions[0] if loop.expressions else None
    return isinstance(test, Constant) and bool(test.value)


def attempt_around(handler: Handler) -> tuple[Statement, Statement] | None:
    """The loop and the try of a handler that retries: success leaves the loop, the handler goes round again."""
    loop: Statement | None = None
    tried: Statement | None = None
    for statement in statements_around(handler, block_around(handler, handler.module)):
        if statement.kind in ("for", "while"):
            loop, tried = statement, None
        elif statement.kind == "try" and any(own.start == handler.start for own in statement.handlers):
            tried = statement
    if loop is None or tried is None or not _leaves_on_success(loop, tried):
        return None
    if handler.body and handler.body[-1].kind in ("raise", "return", "break"):
        return None
    return loop, tried


def _leaves_on_success(loop: Statement, tried: Statement) -> bool:
    """Whether the loop is left when the try block gets to its end."""
    for block in (tried.orelse, tried.body):
        if block and _always_leaves(block):
            return True
    following = _after(loop.body, tried)
    goes_round = all(handler.body and handler.body[-1].kind == "continue" for handler in tried.handlers)
    return bool(following) and following[0].kind in ("return", "break") and goes_round


def _always_leaves(block: Sequence[Statement]) -> bool:
    """Whether each way to the end of a block returns or breaks."""
    last = block[-1]
    if last.kind in ("return", "break"):
        return True
    if last.kind == "with":
        return bool(last.body) and _always_leaves(last.body)
    if last.kind == "if":
        return bool(last.body) and bool(last.orelse) and _always_leaves(last.body) and _always_leaves(last.orelse)
    return False


def _after(block: Sequence[Statement], tried: Statement) -> Sequence[Statement]:
    """The statements that follow a try in its block."""
    for index, statement in enumerate(block):
        if statement.start == tried.start and statement.kind == tried.kind:
            return block[index + 1 :]
    for statement in block:
        if statement.start <= tried.start < statement.end:
            for inner in statement.blocks():
                found = _after(inner, tried)
                if found:
                    return found
    return ()


def _outside(loop: Statement, tried: Statement) -> Iterator[Statement]:
    """The statements of a loop that are not part of a successful attempt."""
    inside = {statement.start for block in (tried.body, tried.orelse) for statement in statements_in(block)}
    following = {statement.start for statement in _after(loop.body, tried)[:1]}
    for statement in statements_in(loop.body):
        if statement.start not in inside and statement.start not in following:
            yield statement


def _first_that_goes_round(tried: Statement) -> int:
    """Where the first handler of a try stands that goes round again: a try is reported once."""
    for handler in tried.handlers:
        if _is_of_retries(handler, broad=True) and not (handler.body and handler.body[-1].kind in ("raise", "return", "break")):
            return handler.start
    return -1


def _is_of_retries(handler: Handler, broad: bool) -> bool:
    """Whether an except clause catches what a retry is for: failures of the other side, or (broad) everything."""
    if not handler.types:
        return broad
    for name in handler.types:
        last = name.rsplit(".", 1)[-1]
        if (broad and last in _BROAD) or any(word in last.lower() for word in _REMOTE):
            return True
    return False


# ---------------------------------------------------------------- without a pause

_NO_WAIT = ("tenacity.wait_none", "tenacity.wait.wait_none")
_FIXED = ("tenacity.wait_fixed", "tenacity.wait.wait_fixed")

# Exceptions that a second attempt solves at once, or that no waiting solves: rows that two writers wanted, and
# answers that could not be read.
_LOCAL = (
    "integrity",
    "staledata",
    "serializ",
    "deadlock",
    "optimistic",
    "conflict",
    "unique",
    "duplicate",
    "valueerror",
    "validation",
    "assertion",
    "keyerror",
    "typeerror",
    "json",
    "parse",
    "parser",
    "decode",
    "notfound",
    "doesnotexist",
)


@check("PRD542", on=[calls(*TENACITY)], required_literals=["tenacity"])
def tenacity_without_wait(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """tenacity without `wait`, or with one of zero."""
    if call.stars or not _is_made_here(call) or (call.name == "tenacity.retry" and call.arguments):
        return
    wait = _given(call, _WAIT, "wait")
    if wait is None:
        if not _mends_at_once(call):
            yield Diagnostic(call, f"`{shown(call)}` without `wait` retries immediately", fix=_WAIT_FIX)
        return
    none = _is_one_of(wait, *_NO_WAIT)
    if not none and isinstance(wait, Call) and wait.name in _FIXED:
        seconds = value_of(wait.argument(0, "wait"), call.module, call)
        none = is_number(seconds) and seconds == 0
    if none:
        yield Diagnostic(call, f"`{shown(call)}` with `wait={wait.text}` retries immediately", fix=_WAIT_FIX)


def _mends_at_once(call: Call) -> bool:
    """Whether the retry is for exceptions where waiting is no help."""
    condition = call.keywords.get("retry")
    if condition is None:
        return False
    names = [
        part.source_text.rsplit(".", 1)[-1].lower()
        for part in condition.walk()
        if isinstance(part, Name) and not part.name.startswith("tenacity.")
    ]
    return bool(names) and all(any(word in name for word in _LOCAL) for name in names)


_RETRY = (
    "urllib3.Retry",
    "urllib3.util.Retry",
    "urllib3.util.retry.Retry",
    "requests.adapters.Retry",
    "requests.packages.urllib3.util.retry.Retry",
)
_COUNTS = ("total", "connect", "read", "status", "other")


@check("PRD542", on=[calls(*_RETRY)], required_literals=[("urllib3", "retry("), ("requests", "retry(")])
def urllib3_without_backoff(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Retry(total=5)`: its backoff_factor is 0."""
    if call.stars or not is_imported(call):
        return
    factor = call.keywords.get("backoff_factor")
    if factor is not None:
        value = value_of(factor, call.module, call)
        if not (is_number(value) and value == 0):
            return
    if not _retries_more_than_once(call):
        return
    fix = FixRequest(
        "set-keyword", "Wait longer after each attempt", safe=False, arguments=(("keyword", "backoff_factor"), ("value", "0.5"))
    )
    words = "with `backoff_factor=0`" if factor is not None else "without `backoff_factor`"
    yield Diagnostic(call, f"`{shown(call)}` {words} retries immediately", fix=fix)


def _retries_more_than_once(call: Call) -> bool:
    first = call.argument(0, "total")
    counts = [first] if first is not None else []
    counts += [call.keywords[name] for name in _COUNTS[1:] if name in call.keywords]
    if not counts:
        return True
    values = [value_of(count, call.module, call) for count in counts]
    known = [value for value in values if is_number(value)]
    if first is not None and is_number(values[0]):
        return bool(values[0] > 1)
    return any(value > 1 for value in known) or any(value is UNKNOWN for value in values)


@check("PRD542", on=[calls("requests.adapters.HTTPAdapter")], required_literals=["max_retries"])
def adapter_without_backoff(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`HTTPAdapter(max_retries=5)` of requests makes `Retry(5)` of the number."""
    given = call.argument(2, "max_retries")
    count = value_of(given, call.module, call) if given is not None else None
    if is_number(count) and not isinstance(count, bool) and count > 1:
        yield Diagnostic(call, f"`{shown(call)}` with `max_retries={given.text if given is not None else count}` retries immediately")


@check("PRD542", on=[calls("self.retry", "*.retry")], required_literals=[("celery", "countdown")])
def celery_countdown(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`self.retry(countdown=0)`: every task that failed comes back together."""
    if "countdown" not in call.keywords or call.stars:
        return
    if any("retries" in each.expression.text for each in context.values(call.module).conditions(call)):
        return  # the first attempt comes at once, the others wait
    seconds = value_of(call.keywords["countdown"], call.module, call)
    limit = context.options.get("shortest-countdown", 1)
    if is_number(seconds) and seconds < limit:
        yield Diagnostic(call, f"`{shown(call)}` with `countdown={call.keywords['countdown'].text}` retries immediately")


@check(
    "PRD542",
    on=[every(Handler)],
    required_literals=[("in range(", "except"), ("itertools", "except"), ("while ", "except")],
)
def loop_without_pause(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A loop of attempts at something remote that does not wait between them."""
    if not handler.scope.in_loop or not _is_of_retries(handler, broad=False) or _only_timeouts(handler):
        return
    found = attempt_around(handler)
    if found is None:
        return
    loop, tried = found
    if (
        _first_remote(tried) != handler.start
        or not _counts(loop, tried, handler.module)
        or _pauses(loop)
        or _asks_for_something_else(handler, tried)
    ):
        return
    yield Diagnostic(_header(handler), f"`{_named(handler)}` retries immediately: nothing in this loop waits")


# Failures that are an answer: the other side is there, and did not like what it was sent.
_ANSWERS = re.compile(r"(?i)http|status|clienterror|response")
_CHANGES = frozenset(("update", "pop", "clear", "append", "extend", "add", "remove", "discard", "setdefault"))


def _asks_for_something_else(handler: Handler, tried: Statement) -> bool:
    """Whether the next attempt sends something else, because of an answer: a request that was changed, a row that was read again."""
    if not all(_ANSWERS.search(name.rsplit(".", 1)[-1]) for name in handler.types):
        return False
    sent = {
        part.source_text
        for call in calls_in(tried.body)
        for value in (*call.arguments, *call.keywords.values())
        for part in value.walk()
        if isinstance(part, Name)
    }
    for statement in statements_in(handler.body):
        if statement.kind == "assign" and statement.assignment is not None and statement.assignment.kind != "augmented":
            if {part.source_text for target in statement.targets for part in target.walk() if isinstance(part, Name)} & sent:
                return True
    return any(
        call.method in _CHANGES and isinstance(call.receiver, Name) and call.receiver.source_text in sent for call in calls_in(handler.body)
    )


def _only_timeouts(handler: Handler) -> bool:
    """Whether an except clause catches timeouts alone: then the wait is already behind."""
    return all("timeout" in name.rsplit(".", 1)[-1].lower() for name in handler.types)


def _first_remote(tried: Statement) -> int:
    for handler in tried.handlers:
        if _is_of_retries(handler, broad=False) and not (handler.body and handler.body[-1].kind in ("raise", "return", "break")):
            return handler.start
    return -1


def _counts(loop: Statement, tried: Statement, module: Module) -> bool:
    """Whether a loop repeats one thing (a count, or without end) and does not try one thing after another."""
    if loop.kind == "while":
        return True
    iterable = loop.expressions[0] if loop.expressions else None
    if not isinstance(iterable, Call) or iterable.name not in ("range", "itertools.count", "itertools.repeat"):
        return False
    rounds = value_of(iterable.argument(0), module, iterable)
    # A second attempt on a new connection is how one finds out that the old one was dead.
    if iterable.name == "range" and len(iterable.arguments) == 1 and is_number(rounds) and rounds <= 2:
        return False
    names = {part.source_text for target in loop.targets for part in target.walk() if isinstance(part, Name)}
    for statement in statements_in(tried.body):
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, Name) and part.source_text.split(".", 1)[0] in names:
                    return False
    return True


_PAUSES = (b"sleep", b"wait", b"backoff", b"delay", b"pause", b"throttle", b"retry_after", b"reconnect")


def _pauses(loop: Statement) -> bool:
    """Whether anything in a loop waits, as far as its words tell: a helper called `reconnect` may."""
    # `await` holds the word too.
    text = loop.source.data[loop.start : loop.end].lower().replace(b"await", b"")
    return any(word in text for word in _PAUSES)
