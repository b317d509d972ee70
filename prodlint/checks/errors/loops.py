"""Loops of workers that one error ends, or that spin on it (PRD210)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import (
    Call,
    Constant,
    Expression,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    calls_in,
    statements_in,
)
from prodlint.model import Priority
from prodlint.python.exits import exit_paths, is_broad
from prodlint.values.places import calls_of, decorator_name

# Clients whose messages a worker takes, and the methods that take them.
_BROKERS = ("confluent_kafka.", "kafka.", "aiokafka.", "redis.", "aioredis.", "pika.", "aio_pika.", "boto3.", "aioboto3.", "aiobotocore.", "nats.", "google.cloud.pubsub",
            "asyncio.Queue", "queue.Queue", "queue.SimpleQueue", "multiprocessing.Queue", "azure.servicebus.", "pulsar.", "zmq.", "kombu.")  # fmt: skip
_TAKES = frozenset(
    "poll consume get getone getmany xread xreadgroup blpop brpop blmove brpoplpush bzpopmin get_message receive_message receive_messages receive recv next_msg fetch pull "
    "recv_multipart recv_json recv_string drain_events".split()
)
# The same on a parameter or an attribute whose class is not known here.
_OWNERS = re.compile(r"(?i)(?:^|[._])(?:\w*consumer|\w*queue|inbox|mailbox|subscription|subscriber|pubsub|sqs\w*|receiver)$")
_OWNED = frozenset("poll consume getone getmany xreadgroup blpop brpop receive_message receive_messages next_msg fetch pull get".split())
_STREAMS = re.compile(r"(?i)(?:^|[._])(?:\w*consumer|subscription|subscriber|queue_iter\w*|pubsub)$")
_PAUSES = re.compile(r"(?i)sleep|wait|backoff|delay|pause")
_RETRIES = re.compile(r"(?i)retry|backoff|supervis|restart|resilient|forever")


# Without one of these a function has no such loop: an endless `while`, or a `for` over what hands out messages.
# (Each way begins with a letter that has to be there: what begins with a boundary is tried at every place of a file.)
_MAY_LOOP = re.compile(rb"w(?<=\bw)hile\b|a(?<=\ba)sync\s[\s\\]*for\b|KafkaConsumer|\.\s*(?:listen|iterator)\s*\(")


@check("PRD210", on=[every(Function)], required_literals=["while", ("async for",), ("for", "consumer")])
def unprotected_loop(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """An endless loop over messages with no `except` in it, or with one that goes on at once."""
    if not _MAY_LOOP.search(function.source.data, function.start, function.end) or any(
        _RETRIES.search(decorator_name(decorator)) for decorator in function.decorators
    ):
        return
    for loop in statements_in(function.body):
        taken = _taken(loop)
        if not taken or _hands_on(loop):
            continue
        tries = [statement for statement in statements_in(loop.body) if statement.kind == "try" and statement.handlers]
        symbol = f"{function.scope.symbol}.{function.name}".lstrip(".")
        if not tries and not _is_all_protected(loop, taken, function.module):
            priority: Priority = "P1" if _is_started_here(function) else "P2"
            words = f"one error ends this loop over messages for good: nothing in it catches what `{taken}` or the work on a message raises"
            yield Diagnostic(_header(loop), words, priority=priority, symbol=symbol)
        elif tries and loop.kind == "while" and _spins(loop, tries[0]):
            words = f"this loop spins when `{taken}` fails: its `except` goes on at once, without a pause"
            yield Diagnostic(_header(loop), words, priority="P2", symbol=symbol)


def _hands_on(loop: Statement) -> bool:
    """Whether a loop only takes from a queue of this process and yields: the work is its caller's, and so are its errors."""
    if not loop.body:
        return False  # broken code
    taking, *rest = loop.body
    return (
        loop.kind == "while"
        and taking.kind == "assign"
        and [call.method for call in calls_in([taking])] == ["get"]
        and len(rest) == 1
        and not any(True for _ in calls_in(rest))
        and any(
            isinstance(part, OpaqueExpression) and part.kind.startswith("yield") for each in rest[0].expressions for part in each.walk()
        )
    )


def _taken(loop: Statement) -> str:
    """How an endless loop takes its messages, as written; "" where it is no such loop."""
    first = loop.expressions[0] if loop.expressions else None
    if loop.kind == "for" and first is not None:
        return _iterated(first, loop.is_async)
    if loop.kind != "while" or first is None or not _is_endless(first):
        return ""
    for statement in loop.body:
        for call in calls_in([statement]):
            if _takes(call):
                return call.function.text if len(call.function.text) < 40 else call.method
    return ""


def _iterated(iterable: Expression, is_async: bool) -> str:
    """`async for message in consumer`, `for message in KafkaConsumer(...)`: messages without an end."""
    name = iterable.name if isinstance(iterable, (Name, Call)) else ""
    text = iterable.source_text if isinstance(iterable, Name) else ""
    if name.startswith(("kafka.KafkaConsumer", "aiokafka.AIOKafkaConsumer")) or (text and _STREAMS.search(text) and is_async):
        return text or name
    if (
        isinstance(iterable, Call)
        and iterable.method in ("listen", "iterator")
        and iterable.receiver is not None
        and _STREAMS.search(iterable.receiver.text)
    ):
        return iterable.function.text
    return ""


def _is_endless(test: Expression) -> bool:
    """`while True`, `while self.running`, `while not stop.is_set()`."""
    if isinstance(test, Constant):
        return bool(test.value)
    if isinstance(test, Operation) and test.operator == "not" and test.operands:
        inner = test.operands[0]
        name = inner.function.text if isinstance(inner, Call) else inner.text
        return re.search(r"(?i)stop|shut|clos|cancel|exit|done|finish", name) is not None
    return (
        isinstance(test, Name)
        and re.search(r"(?i)(?:^|[._])_?(?:is_)?(?:running|active|alive|started|keep_running)$", test.source_text) is not None
    )


def _takes(call: Call) -> bool:
    """Whether a call waits for the next message."""
    if call.name.startswith(_BROKERS) and call.method in _TAKES:
        return True
    receiver = call.receiver
    if not isinstance(receiver, Name) or call.method not in _OWNED or not _OWNERS.search(receiver.source_text):
        return False
    return call.method != "get" or (call.awaited and not call.arguments)


def _is_all_protected(loop: Statement, taken: str, module: Module) -> bool:
    """Whether all that a loop does with a message is done by functions of this file that catch everything themselves."""
    works = [call for call in calls_in(loop.body) if not _takes(call) and call.function.text != taken]
    functions = [_function_of(call, module) for call in works if not call.name.startswith(("logging.", "time.", "asyncio.sleep"))]
    found = [function for function in functions if function is not None]
    return bool(found) and len(found) == len(functions) and all(_catches_everything(function) for function in found)


def _function_of(call: Call, module: Module) -> Function | None:
    written = call.function.source_text if isinstance(call.function, Name) else ""
    name = written.removeprefix("self.")
    if "." in name or not name:
        return None
    return next((function for function in module.functions() if function.name == name), None)


def _catches_everything(function: Function) -> bool:
    tries = [statement for statement in function.body if statement.kind == "try"]
    return any(is_broad(handler) for statement in tries for handler in statement.handlers)


def _is_started_here(function: Function) -> bool:
    """Whether the loop runs as a task or thread of a process with other work: its end is noticed by nobody."""
    for starter in calls_of(
        function.module, "create_task", "ensure_future", "start_soon", "Thread", "Process", "run_in_executor", "submit", "add_task"
    ):
        if any(function.name in part.text for part in (*starter.arguments, *starter.keywords.values())):
            return True
    return False


def _spins(loop: Statement, tried: Statement) -> bool:
    """Whether the first try statement of a loop holds the wait for messages and a broad handler that goes on at once."""
    if not any(_takes(call) for call in calls_in(tried.body)) or _pauses(loop.body):
        return False
    waits_itself = any(call.method in ("get", "getone") and not call.name.startswith(("boto3.", "redis.")) for call in calls_in(tried.body))
    if waits_itself:
        return False  # a queue of this process does not fail
    return any(
        is_broad(handler) and all(way.kind in ("fall", "continue") for way in exit_paths(handler)) and not _pauses(handler.body)
        for handler in tried.handlers
    )


def _pauses(block: Sequence[Statement]) -> bool:
    return any(_PAUSES.search(call.method) and call.method != "wait_closed" for call in calls_in(block)) or any(
        isinstance(part, OpaqueExpression) and part.kind.startswith("yield")
        for statement in statements_in(block)
        for part in statement.expressions
    )


def _header(loop: Statement) -> ByteRange:
    """The first line of a loop."""
    return ByteRange(loop.source, loop.start, loop.source.end_of_line(loop.start, loop.end))
