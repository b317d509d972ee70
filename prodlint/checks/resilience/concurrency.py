"""Work without a bound (PRD572), ends without tidying up (PRD573), and state that each worker has for itself (PRD576)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
    documents,
    every,
    project_check,
)
from prodlint.checks.quoting import quote
from prodlint.facts import (
    Assignment,
    Call,
    Collection,
    Dictionary,
    Document,
    Expression,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Statement,
    Subscript,
    calls_in,
    statements_in,
)
from prodlint.model import Evidence, Related
from prodlint.values.lattice import Client, Items, Member, Restricted
from prodlint.values.places import (
    calls_of,
    decorator_name,
    enclosing,
    is_handler,
    is_imported,
    is_number,
    shown,
    statements_around,
    value_of,
)

# ---------------------------------------------------------------- PRD572

_LIMITERS = (b"Semaphore", b"CapacityLimiter", b"Limiter", b"TaskPool", b"aiometer", b"as_completed_limited", b"batched", b"chunked")


@lru_cache(maxsize=4)
def _limits(data: bytes) -> bool:
    """Whether a file speaks of what lets a few run at once."""
    return any(word in data for word in _LIMITERS)


@check("PRD572", on=[calls("asyncio.gather")], required_literals=["gather"])
def gather_over_input(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`gather(*[fetch(url) for url in body.urls])`: a client says how many run at once."""
    if _limits(call.source.data):
        return
    for argument in call.arguments:
        if not isinstance(argument, OpaqueExpression) or argument.kind != "star" or not argument.items:
            continue
        made = call.module.follow(argument.items[0], call)
        if isinstance(made, OpaqueExpression) and made.kind == "comprehension" and len(made.items) > 1:
            chosen = next(
                (part for part in made.items[1:] for part in part.walk() if _is_chosen_by_client(part, context, call.module)), None
            )
            if chosen is not None:
                yield Diagnostic(
                    call, f"`gather` starts one task for each item of `{_cut(chosen)}`, which a client chooses: nothing bounds them"
                )
                return


_SPAWNS = ("asyncio.create_task", "asyncio.ensure_future", "*.create_task", "*.add_task", "*.start_soon")
_SPAWNERS = re.compile(r"(?i)(?:^|[._])(?:loop|asyncio|tg|task_?group|nursery|get_(?:running|event)_loop\(\))$")
_MESSAGES = re.compile(r"(?i)consumer|subscri|messages|listen\(|queue|stream")


@check("PRD572", on=[calls(*_SPAWNS)], required_literals=["create_task", "ensure_future", "add_task", "start_soon"])
def task_for_each(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`for item in body.items: create_task(work(item))`, and `async for message in consumer: create_task(...)`."""
    function = enclosing(call, call.module)
    if function is None or not call.scope.in_loop or _limits(call.source.data) or not _spawns(call, function):
        return
    loops = [each for each in statements_around(call, function.body) if each.kind == "for" and each.expressions]
    for loop in loops:
        over = loop.expressions[0]
        chosen = next((part for part in over.walk() if _is_chosen_by_client(part, context, call.module)), None)
        if chosen is not None:
            yield Diagnostic(
                call, f"`{shown(call)}` starts one task for each item of `{_cut(chosen)}`, which a client chooses: nothing bounds them"
            )
            return
        if loop.is_async and call.method != "add_task" and _MESSAGES.search(over.text):
            words = f"`{shown(call)}` starts one task for each message of `{_cut(over)}`: nothing bounds how many run at once"
            yield Diagnostic(call, words, priority="P1")
            return


def _spawns(call: Call, function: Function) -> bool:
    """Whether a call starts a task of asyncio, anyio or trio, or one that runs after the response."""
    if call.name.startswith("asyncio."):
        return True
    receiver = call.receiver.text if call.receiver is not None else ""
    if call.method == "add_task":
        return any(parameter.name == receiver and "BackgroundTasks" in parameter.annotation for parameter in function.parameters)
    return _SPAWNERS.search(receiver) is not None


def _is_chosen_by_client(expression: Expression, context: CheckContext, module: Module) -> bool:
    if not isinstance(expression, (Name, Subscript, Call)):
        return False
    return any(_of_client(shape) for shape in context.values(module).of(expression).shapes)


def _of_client(shape: object) -> bool:
    """Whether a shape is a client's, or something that a client's value holds."""
    if isinstance(shape, Client):
        return shape.source in ("body", "query", "form", "message")
    inner = shape.of if isinstance(shape, (Member, Restricted)) else shape.more if isinstance(shape, Items) else None
    return inner is not None and any(_of_client(other) for other in inner.shapes)


def _cut(expression: Expression) -> str:
    return quote(expression.text, 40)


_STARTERS = ("threading.Thread", "multiprocessing.Process", "concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor", "multiprocessing.Pool",
             "multiprocessing.pool.ThreadPool")  # fmt: skip


@check("PRD572", on=[calls(*_STARTERS)], required_literals=["threading", "multiprocessing", "concurrent.futures"])
def thread_per_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A thread, a process or a pool of them for every request."""
    function = enclosing(call, call.module)
    if function is None or not is_handler(function) or not is_imported(call) or any(word in call.source.data for word in _LIMITERS):
        return
    what = "a pool of its own" if "Pool" in call.method else "a process" if call.method == "Process" else "a thread"
    yield Diagnostic(call, f"`{shown(call)}` starts {what} for every request of `{function.name}`: nothing bounds how many run at once")


_QUEUES = (
    "asyncio.Queue",
    "asyncio.LifoQueue",
    "asyncio.PriorityQueue",
    "queue.Queue",
    "queue.LifoQueue",
    "queue.PriorityQueue",
    "multiprocessing.Queue",
)


@check("PRD572", on=[calls(*_QUEUES)], required_literals=["queue("])
def unbounded_queue(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A queue without `maxsize` that request handlers fill."""
    size = call.argument(0, "maxsize")
    given = 0 if size is None else value_of(size, call.module, call)
    if call.stars or not is_imported(call) or not (is_number(given) and given <= 0):
        return
    if enclosing(call, call.module) is not None and not call.scope.class_:
        return  # of one call: a channel for its own answers
    for other in calls_of(call.module, "put", "put_nowait"):
        made = other.constructor
        function = enclosing(other, call.module)
        if made is not None and made.start == call.start and function is not None and is_handler(function):
            yield Diagnostic(
                call, f"`{shown(call)}` has no `maxsize` and `{function.name}` fills it with every request: it grows until memory ends"
            )
            return


# ---------------------------------------------------------------- PRD573

# What is opened at the start and has to be closed: name or method, and what closes it.
_OPENS = re.compile(
    r"(?:^|\.)(?:AsyncClient|ClientSession|create_pool|create_async_engine|create_engine|from_url|AsyncIOMotorClient|AsyncMongoClient|AIOKafkaProducer|AIOKafkaConsumer|connect_robust|"
    r"AsyncConnectionPool|ConnectionPool|AsyncElasticsearch|create_task|BackgroundScheduler|AsyncIOScheduler|ThreadPoolExecutor)$"
)
_CLOSES = re.compile(r"(?i)close|stop|shutdown|dispose|cancel|disconnect|terminate|cleanup|teardown|aclose|drain|exit")


@check("PRD573", on=[every(Function)], required_literals=["lifespan", "asynccontextmanager", "on_event", "before_serving", "on_startup"])
def opened_and_never_closed(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A lifespan that opens and does not close, or a start-up event without its counterpart."""
    events = [decorator for decorator in function.decorators if isinstance(decorator, Call) and decorator.method == "on_event"]
    is_startup = any(value_of(event.argument(0), function.module, event) == "startup" for event in events)
    is_lifespan = (
        any(decorator_name(decorator).endswith("asynccontextmanager") for decorator in function.decorators)
        and "lifespan" in function.name.lower()
    )
    if not is_startup and not is_lifespan:
        return
    opened = next((call for call in calls_in(function.body) if _OPENS.search(call.name) and not _is_managed(call, function)), None)
    if opened is None:
        return
    if is_startup:
        if _has_shutdown(function.module):
            return
        yield Diagnostic(opened, f"`{shown(opened)}` is opened at start-up, and no shutdown handler closes it", symbol=function.name)
    elif not _tidies_up(function):
        yield Diagnostic(
            opened,
            f"`{shown(opened)}` is opened before the `yield` of `{function.name}`, and nothing after it closes it",
            symbol=function.name,
        )


def _is_managed(call: Call, function: Function) -> bool:
    """Whether a `with` statement or an exit stack closes what a call opens."""
    for statement in statements_in(function.body):
        if statement.kind == "with" and any(item.start <= call.start and call.end <= item.end for item in statement.expressions):
            return True
    return any(
        other.method in ("enter_async_context", "enter_context", "push_async_exit", "callback", "push_async_callback")
        and other.start <= call.start
        and call.end <= other.end
        for other in calls_in(function.body)
    )


def _tidies_up(function: Function) -> bool:
    """Whether something closes, stops or cancels after the `yield`, or in a `finally`."""
    after = _yield_end(function.body)
    return any(
        _CLOSES.search(call.method) or _CLOSES.search(call.function.text) for call in calls_in(function.body) if call.start > after >= 0
    )


def _yield_end(block: tuple[Statement, ...]) -> int:
    for statement in statements_in(block):
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, OpaqueExpression) and part.kind.startswith("yield"):
                    return part.end
    return -1


@lru_cache(maxsize=4)
def _has_shutdown(module: Module) -> bool:
    data = module.source.data
    if b"shutdown" in data and any(
        isinstance(decorator, Call) and decorator.method == "on_event" and value_of(decorator.argument(0), module, decorator) == "shutdown"
        for function in module.functions()
        for decorator in function.decorators
    ):
        return True
    return b"add_event_handler" in data and b"shutdown" in data or b"atexit" in data or b"on_shutdown" in data or b"after_serving" in data


@check("PRD573", on=[calls("signal.signal")], required_literals=["sigterm"])
def signal_ignored(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`signal.signal(SIGTERM, SIG_IGN)`, or a handler that ends the process on the spot."""
    first, second = call.argument(0), call.argument(1)
    if not isinstance(first, Name) or not first.source_text.endswith("SIGTERM") or not isinstance(second, Name):
        return
    if second.source_text.endswith("SIG_IGN"):
        yield Diagnostic(call, "`SIGTERM` is ignored: the orchestrator kills the process after its grace period, in the middle of its work")
        return
    function = call.module.function(second.source_text)
    if function is not None and any(other.name == "os._exit" for other in calls_in(function.body)):
        yield Diagnostic(
            call, f"`{second.source_text}` ends the process with `os._exit` on `SIGTERM`: nothing is finished, closed or flushed"
        )


# ---------------------------------------------------------------- PRD576

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "migration", "script", "dev", "command"))
_MAY_DIFFER = re.compile(
    r"(?i)cache|(?:^|_)(?:memo|lru|registry|registered|metrics?|handlers?|routes?|locks?|semaphores?|limiters?|warm|pools?|clients?|instances?|loaded|models?)(?:_|$)"
)
_CHANGES = frozenset("append add update pop setdefault remove clear extend insert popitem discard appendleft".split())


@collect(
    "state-in-memory",
    on=[every(Assignment)],
    required_literals=["= {}", "= []", "= dict(", "= set(", "= list(", "defaultdict", "deque"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def module_state(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """A dict, list or set of a module that its request handlers write."""
    name = assignment.target
    if (
        context.file.roles & _ELSEWHERE
        or assignment.scope.symbol
        or assignment.kind not in ("name", "annotated")
        or _MAY_DIFFER.search(name)
    ):
        return
    if not _is_container(assignment.value):
        return
    written = _written_by_handler(assignment.module).get(name)
    if written is not None:
        place, handler = written
        yield ProjectFact("state-in-memory", assignment.file.path, assignment.source.span(*place), name, (("handler", handler),))


def _is_container(value: Expression) -> bool:
    if isinstance(value, (Dictionary, Collection)):
        return not value.parts() and (not isinstance(value, Collection) or value.kind != "tuple")
    return isinstance(value, Call) and value.method in ("dict", "list", "set", "defaultdict", "deque", "OrderedDict")


@lru_cache(maxsize=4)
def _written_by_handler(module: Module) -> Mapping[str, tuple[tuple[int, int], str]]:
    """What request handlers of a file write under names of the module: the first place of each, and the handler."""
    found: dict[str, tuple[tuple[int, int], str]] = {}
    for function in module.functions():
        if not is_handler(function):
            continue
        own = {parameter.name for parameter in function.parameters}
        for statement in statements_in(function.body):
            own |= {target.source_text for target in statement.targets if isinstance(target, Name)}
        for statement in statements_in(function.body):
            for target in statement.targets:
                if isinstance(target, Subscript) and isinstance(target.value, Name) and target.value.source_text not in own:
                    found.setdefault(target.value.source_text, ((statement.start, statement.end), function.name))
        for call in calls_in(function.body):
            if (
                call.method in _CHANGES
                and isinstance(call.receiver, Name)
                and call.receiver.source_text not in own
                and not _keeps_a_task(call)
            ):
                found.setdefault(call.receiver.source_text, ((call.start, call.end), function.name))
    return found


def _keeps_a_task(call: Call) -> bool:
    """`running.add(task)` with `task.add_done_callback(running.discard)`: a reference that keeps a task of this process alive."""
    holder = call.receiver.source_text.encode() if isinstance(call.receiver, Name) else b""
    return b"add_done_callback(" + holder + b".discard" in call.source.data


@collect("replicas", on=[documents("kubernetes", "compose")], required_literals=["replicas"], files=("yaml", "json"))
def replicas(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Deployments and services of which more than one runs."""
    if context.file.roles & _ELSEWHERE:
        return
    services = document.root.get("services")
    nodes = [document.root.get("spec", "replicas")]
    nodes += [service.get("deploy", "replicas") for service in services.members.values()] if services is not None else []
    for node in nodes:
        if node is not None and isinstance(node.value, int) and node.value > 1:
            yield ProjectFact("replicas", document.file.path, node.span, f"{node.value} replicas")
            return


@project_check("PRD576", topics=("state-in-memory", "workers", "replicas"))
def state_per_worker(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """State in the memory of one process, where production starts several."""
    several = [*project.about("workers"), *project.about("replicas")]
    if not several:
        return
    first = several[0]
    count = first.path if "{{" in first.words else first.words
    for state in project.about("state-in-memory"):
        words = f"`{state.words}` is written by `{state.get('handler')}` in the memory of one process, and production runs several ({count}): each has its own"
        yield ProjectDiagnostic(state.path, state.span, words, related=(Related(first.path, first.span, first.words),))
