"""Family 2: exceptions that are swallowed, hidden, leaked or never raised properly."""

from __future__ import annotations

import re
from collections.abc import Collection as AnyOf
from collections.abc import Iterator, Sequence

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, every
from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Constant,
    Dictionary,
    Expression,
    Handler,
    Name,
    OpaqueExpression,
    Source,
    Statement,
    Subscript,
    calls_in,
    expressions_in,
    statements_in,
)
from prodlint.model import FixRequest
from prodlint.python.exits import (
    ERROR,
    INSPECTED,
    LOGGED,
    LOGGED_LOW,
    MESSAGE_ONLY,
    PASSED_ON,
    PRINTED,
    TRACEBACK_KEPT,
    WARNING,
    ExitPath,
    exit_paths,
    is_broad,
    is_constant,
    log_level,
    own_logger,
    plain_logs,
)
from prodlint.readers.remarks import prose
from prodlint.values.places import docstring, enclosing

EXCEPT = ("except",)

_HEADER = re.compile(rb"except[^:\n]*:?")


def _header(handler: Handler) -> ByteRange:
    """The first line of an except clause: where findings about the whole handler stand."""
    found = _HEADER.match(handler.source.data, handler.start)
    end = found.end() if found else handler.end
    return ByteRange(handler.source, handler.start, min(end, handler.end))


def _types(handler: Handler) -> str:
    """The clause as a reader would say it."""
    if not handler.types:
        return "`except:`"
    names = [name.removeprefix("builtins.") for name in handler.types]
    broad = [name for name in names if name in ("Exception", "BaseException")]
    return f"`except {(broad or names)[0]}`"


def _comments(handler: Handler) -> str:
    """The text of the handler's comments, its header line included and the line above its first statement."""
    data = handler.source.data
    end = data.find(b"\n", handler.end)
    lines = data[handler.start : end if end != -1 else len(data)].decode("utf-8", "replace").splitlines()
    return "\n".join(line.split("#", 1)[1] for line in lines if "#" in line)


# Dead code and notes explain nothing.
_NO_REASON = re.compile(r"(?i)^[\s#]*(?:\w+(?:\.\w+)*\(|TODO\b|FIXME\b|XXX\b)")


def _reason(comment: str) -> str:
    """What a comment says to people, dead code and notes left out."""
    words = prose(comment)
    return "" if _NO_REASON.match(words) else words


def _explanation(handler: Handler) -> int:
    """How many words the handler's comments spend on why nothing is done; directives and dead code are none."""
    return _words(_comments(handler).split("\n"))


def _words(remarks: Sequence[str]) -> int:
    """How many words comments hold, directives and dead code left out."""
    return len(" ".join(_reason(line) for line in remarks).replace("#", " ").split())


# Fewer words name what is done ("ignore all errors"); more say why.
_REASON = 5


def _calls_tried(handler: Handler) -> list[Call]:
    return list(calls_in(handler.tried))


_CLOSERS = re.compile(
    r"(?i)^_*(?:a?close|async_close|a?close_\w+|disconnect|shutdown|stop|terminate|kill|cancel|cleanup|clean_up|unlink|remove|rmtree|rmdir|"
    r"delete|dispose|release|rollback|flush|unsubscribe|unregister|quit|logout|teardown|tear_down|__exit__|__aexit__|join|wait|wait_for|gather|"
    r"drain|wait_closed|destroy|detach|expunge|reset|abort|exists|is_closed|unlock|expire|detach_\w+|stop_\w+|clear\w*|remove_\w+|cleanup_\w+)$"
)
_CLOSING_FUNCTION = re.compile(
    r"(?i)^(?:__del__|__exit__|__aexit__|_*(?:a?close|shutdown|stop|cleanup|clean_up|teardown|tear_down|dispose|disconnect|terminate|on_exit|at_?exit|"
    r"release|finalize|kill)(?:_\w+)?|\w+_(?:cleanup|shutdown|close|teardown|atexit))$"
)


def _is_closing(handler: Handler) -> bool:
    """Whether the try block only lets something go, where a failure changes nothing."""
    if _CLOSING_FUNCTION.match(handler.scope.function):
        return True
    calls_tried = _calls_tried(handler)
    if not calls_tried or len(handler.tried) > 3:
        return False
    return all(_CLOSERS.match(call.method) or call.method in ("getattr", "hasattr", "Path", "callable") for call in calls_tried)


def _is_import(handler: Handler) -> bool:
    """Whether the try block is an optional import and nothing else: absence is the expected failure.

    A flag may be set beside it (`HAS_ORJSON = True`), and at module level what was imported may be switched on (`uvloop.install()`).
    """
    bound = {name.encode() for statement in handler.tried if statement.kind == "import" for name in _imported_names(statement)}
    if not bound:
        return len(handler.tried) == 1 and any(call.name.endswith("import_module") for call in _calls_tried(handler))
    rest = [statement for statement in handler.tried if statement.kind not in ("import", "pass")]
    return all(_is_flag(statement) or (not handler.scope.function and _uses_only(statement, bound)) for statement in rest)


_BOUND_BY_IMPORT = re.compile(rb"\bas[\s\\]+(\w+)|\bimport\b[\s\\]*\(?(?:\s|\\|#[^\n]*\n)*(\w+)|,(?:\s|\\|#[^\n]*\n)*(\w+)")


def _imported_names(statement: Statement) -> Iterator[str]:
    for found in _BOUND_BY_IMPORT.finditer(statement.source.data, statement.start, statement.end):
        yield next(name for name in found.groups() if name).decode()


def _is_flag(statement: Statement) -> bool:
    """`HAS_ORJSON = True`, `loads = orjson.loads`: no call, and nothing of somebody else's is changed."""
    return (
        statement.kind == "assign"
        and all(isinstance(target, Name) and "." not in target.source_text for target in statement.targets)
        and not any(isinstance(inner, Call) for value in statement.expressions for inner in value.walk())
    )


def _uses_only(statement: Statement, bound: AnyOf[bytes]) -> bool:
    """Whether a simple statement calls nothing but what was imported: `uvloop.install()`, `loop = uvloop.new_event_loop()`."""
    if statement.kind not in ("expression", "assign") or any(not isinstance(target, Name) for target in statement.targets):
        return False
    called = [inner for value in statement.expressions for inner in value.walk() if isinstance(inner, Call)]
    return all(isinstance(call.function, Name) and call.function.source_text.split(".", 1)[0].encode() in bound for call in called)


# Functions that take a value apart or make another of it, and the methods that do.
_CONVERSIONS = frozenset(
    "int float complex bool str bytes repr len dict list set tuple type isinstance hasattr getattr ascii format sorted min max next iter round".split()
)
_CONVERTING_METHODS = frozenset(
    "Decimal Fraction UUID loads json decode encode literal_eval strip lstrip rstrip lower upper title split rsplit splitlines join replace "
    "startswith endswith removeprefix removesuffix items keys values group groups match search fullmatch findall strftime strptime fromisoformat "
    "fromtimestamp utcfromtimestamp isoformat total_seconds astimezone date time datetime timestamp parse parser urlparse urlsplit unquote quote "
    "b64decode b64encode urlsafe_b64decode unhexlify fromhex version hexlify ip_address ip_network ZoneInfo tzinfo relative_to isatty fileno tell seek "
    "signature getsource getmodule getdoc get_type_hints get_annotations unparse dumps format".split()
)


def _is_conversion(block: Sequence[Statement]) -> bool:
    """Whether a try block only converts or looks at a value at hand: that it may not fit is the expected failure."""
    if not 1 <= len(block) <= 2 or any(statement.kind not in ("expression", "assign", "return") for statement in block):
        return False
    if _awaits(block) or any(_changes_another(statement) for statement in block):
        return False
    if not any(
        isinstance(inner, (Call, Attribute, Subscript)) or (isinstance(inner, Name) and "." in inner.source_text)
        for inner in expressions_in(block)
    ):
        return False
    return all(_converts(call) for call in calls_in(block))


def _changes_another(statement: Statement) -> bool:
    """Whether an assignment sets something on another object: when it fails, what was to hold there does not.

    `self.port = int(text)` and `row["size"] = int(row["size"])` convert; `crawler.limit = config["limit"]` and
    `session.headers["X"] = token` do not.
    """
    for target in statement.targets:
        for part in target.items if isinstance(target, Collection) else (target,):
            own = isinstance(part, Name) and part.source_text.startswith("self.") or isinstance(part, Subscript)
            converts = any(isinstance(inner, Call) and _converts(inner) for value in statement.expressions for inner in value.walk())
            if not (isinstance(part, Name) and "." not in part.source_text) and not (own and converts):
                return True
    return False


def _converts(call: Call) -> bool:
    if call.receiver is None and call.method in _CONVERSIONS:
        return True
    return call.method in _CONVERTING_METHODS or call.method.endswith("logger") or bool(_CONVERTING.search(call.method)) or _is_lookup(call)


_CONVERTING = re.compile(
    r"(?i)(?:^|_)(?:parse|to|decode|convert|format|describe|normali[sz]e|render)(?:_|$)|_to_|_from_|^(?:to|from)(?:[A-Z]|_)"
)


_FAR = re.compile(
    r"(?i)(?:client|session|requests|httpx|http|api|redis|cache|conn\w*|pool|db|store|service|repo\w*|manager|objects|query)(?:$|_|\()"
)


def _is_lookup(call: Call) -> bool:
    """Whether `x.get("key")` looks into a dictionary rather than asks a server."""
    key = call.argument(0)
    text = key.value if isinstance(key, Constant) else None
    return (
        call.method in ("get", "pop")
        and isinstance(text, (str, int))
        and "/" not in str(text)
        and not _FAR.search(call.name.rpartition(".")[0])
    )


def _is_trivial(statement: Statement) -> bool:
    if statement.kind in ("pass", "continue", "break"):
        return True
    if statement.kind in ("expression", "return"):
        return all(is_constant(expression) for expression in statement.expressions)
    if statement.kind == "assign" and all(target.text == "_" for target in statement.targets):
        return all(isinstance(expression, Name) for expression in statement.expressions)
    return False


def _leaves_always(ways: Sequence[ExitPath]) -> bool:
    return bool(ways) and all(way.kind == "raise" for way in ways)


def _reporters(context: CheckContext) -> tuple[str, ...]:
    return tuple(context.options.get("error-reporters", ()))


# ---------------------------------------------------------------- PRD201


@check("PRD201", on=[every(Handler)], required_literals=EXCEPT)
def bare_except(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """`except:` unless every way out of it raises."""
    if handler.types or handler.star or _leaves_always(exit_paths(handler)) or _signals_leave_before(handler):
        return
    kept = [way for way in exit_paths(handler, _reporters(context)) if way.kind != "raise"]
    waits = handler.scope.is_async and _awaits(handler.tried)
    goes_on = _in_endless_loop(handler) and any(way.kind in ("fall", "continue") for way in kept)
    what = "`except:` also catches `KeyboardInterrupt` and `SystemExit`"
    if waits:
        what = "`except:` around an `await` also catches `CancelledError`: a cancelled task keeps running"
    elif goes_on:
        what += ": this loop cannot be stopped"
    elif all(_is_trivial(statement) for statement in handler.body):
        what += ", and silently discards every error"
    yield Diagnostic(_header(handler), what, fix=_narrowing_fix(handler))


_TOLD = re.compile(
    r"noqa:[^#]*\b(?:E722|BLE001|S110|S112)\b|pylint:\s*disable\s*=[^#]*\b(?:bare-except|broad-except|broad-exception-caught|W0702|W0703|W0718)\b"
    r"|\bnosec\b(?=[^#]*B11[02]|\s*$)"
)


def _another_tool_was_told(handler: Handler) -> bool:
    """Whether a directive at the clause, or alone on the line above it, tells another linter that this much is caught on purpose."""
    above = handler.source.line_text(handler.span.line - 1).strip() if handler.span.line > 1 else ""
    header = handler.source.line_text(handler.span.line).partition("#")[2]
    return bool(_TOLD.search(header)) or above.startswith("#") and bool(_TOLD.search(above))


def _signals_leave_before(handler: Handler) -> bool:
    """Whether a clause before this one lets the process end: `except (KeyboardInterrupt, SystemExit): raise`."""
    leaving = {name.removeprefix("builtins.") for other in handler.above if _leaves_always(exit_paths(other)) for name in other.types}
    return "BaseException" in leaving or {"KeyboardInterrupt", "SystemExit"} <= leaving


def _narrowing_fix(handler: Handler) -> FixRequest:
    """`except Exception:`, and where nothing at all is done with the error, its traceback in the log that the module has."""
    name = own_logger(handler.module)
    text = "except Exception:"
    only = handler.body[-1] if len(handler.body) == 1 else None
    if name and only is not None and (only.kind in ("pass", "continue") or only.kind == "expression" and _is_trivial(only)):
        log = f'{name}.exception("Unexpected error in {handler.scope.function or "module"}")'
        return FixRequest("catch-and-log", "catch `Exception` and log the traceback", False, (("text", text), ("log", log)))
    return FixRequest("replace", "catch `Exception` instead", False, (("text", text),))


def _in_endless_loop(handler: Handler) -> bool:
    """Whether the handler stands in a `while True:` of its function."""
    function = handler.function
    block = function.body if function is not None else handler.module.body
    return handler.scope.in_loop and any(
        statement.kind == "while"
        and statement.start <= handler.start < statement.end
        and bool(statement.expressions)
        and isinstance(statement.expressions[0], Constant)
        and bool(statement.expressions[0].value)
        for statement in statements_in(block)
    )


# ---------------------------------------------------------------- PRD202

_INPUT_OUTPUT_NAMES = (
    "OSError|IOError|ConnectionError|TimeoutError|RequestException|HTTPError|HTTPStatusError|RequestError|ClientError|SQLAlchemyError|"
    "DBAPIError|DatabaseError|OperationalError|RedisError|BotoCoreError|AMQPError|KafkaError|SMTPException"
)
_INPUT_OUTPUT_ERRORS = re.compile(rf"(?:^|\.)(?:{_INPUT_OUTPUT_NAMES})$")


def _is_justified(text: str, context: CheckContext) -> bool:
    lower = text.lower()
    return any(str(tag).lower() in lower for tag in context.options.get("justified-by", ()))


def _is_inside_one_that_raises(handler: Handler) -> bool:
    """Whether the handler stands in another one that ends with `raise`: that error is the one to be seen."""
    function = handler.function
    if function is None or not handler.scope.in_handler:
        return False
    outer = [
        other.body[-1]
        for statement in statements_in(function.body)
        for other in statement.handlers
        if other.body and other.body[0].start <= handler.start and handler.end <= other.body[-1].end
    ]
    return any(last.kind == "raise" and handler.end <= last.start for last in outer)


def _is_shielded(handler: Handler) -> bool:
    """Whether it stands in `with anyio.CancelScope(shield=True)`, where no cancellation arrives."""
    function = handler.function
    return function is not None and any(
        statement.kind == "with" and statement.start <= handler.start and handler.end <= statement.end and _shields(statement)
        for statement in statements_in(function.body)
    )


def _shields(statement: Statement) -> bool:
    return any(
        isinstance(opened, Call) and opened.method == "CancelScope" and "shield" in opened.keywords for opened in statement.expressions
    )


def _only_waits(block: Sequence[Statement]) -> bool:
    """`await task`, and nothing else."""
    waited = block[0].expressions[0] if len(block) == 1 and block[0].kind in ("expression", "assign") and block[0].expressions else None
    inner = waited.items[0] if isinstance(waited, OpaqueExpression) and waited.kind == "await" and waited.items else None
    return isinstance(inner, (Name, Attribute))


def _awaits_cancelled(handler: Handler) -> bool:
    """Whether the try block only waits for a task that the same function cancelled."""
    function = handler.function
    if function is None:
        return False
    return any(call.method == "cancel" for call in calls_in(function.body))


@check("PRD202", on=[every(Handler)], required_literals=EXCEPT)
def swallowed_exception(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A broad handler that does nothing at all."""
    if is_broad(handler):
        yield from _swallowed(handler, context)


@check("PRD202", on=[every(Handler)], required_literals=EXCEPT)
def swallowed_typed_exception(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """On request: a handler of input and output errors that does nothing at all."""
    if context.options.get("typed") and not is_broad(handler) and any(_INPUT_OUTPUT_ERRORS.search(name) for name in handler.types):
        yield from _swallowed(handler, context)


def _swallowed(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    if not handler.body or not all(_is_trivial(statement) for statement in handler.body):
        return
    last = handler.body[-1]
    if _is_import(handler) or _is_justified(_comments(handler), context) or (last.kind != "continue" and _is_conversion(handler.tried)):
        return
    if handler.function is not None and _is_justified(docstring(handler.function.body), context):
        return
    if any(name.endswith("CancelledError") for name in handler.types) and _awaits_cancelled(handler):
        return
    if last.kind == "return" and _answers(last) and (_is_question(handler.scope.function) or _is_probe(handler, last)):
        return
    if _only_counts(handler.tried):
        return
    if _only_lets_go(handler.tried) and (handler.scope.in_handler or _is_in_finally(handler) or handler.scope.function == "__del__"):
        return
    does = {"return": "returns a constant", "continue": "continues the loop", "break": "leaves the loop"}.get(last.kind, "does nothing")
    explained = _explanation(handler)
    if explained >= _REASON:
        return
    if last.kind == "return" and _refuses_request(last) and all(_reads_request(call) for call in _calls_tried(handler)):
        return
    mild = _is_closing(handler) or handler.scope.in_handler or explained >= _NAMED or "debug" in handler.scope.guards
    mild = mild or _only_reads(handler.tried) or _another_tool_was_told(handler)
    mild = mild or "templatetags/" in handler.file.path
    mild = mild or not (_awaits(handler.tried) or _changes_something(handler.tried) or _tells_of_an_error(last))
    yield Diagnostic(
        _header(handler),
        f"{_types(handler)} {does}: {_UNSEEN if mild else 'the error is neither logged nor raised'}",
        # A constant that is returned is an answer; logging each as an error would bury the errors.
        fix=_logging_fix(handler) if last.kind != "return" else None,
    )


# Said where little is lost with the error.
_UNSEEN = "nobody sees the error"

_WRITES = re.compile(
    r"(?i)(?:^|_)(?:save|write|create|update|delete|remove|send|publish|commit|revoke|charge|push|insert|post|put|patch|upload|notify|store|register|"
    r"apply|sync|flush|enqueue|emit|dispatch|process|handle|run|submit|pay|refund|cancel|grant|assign|import|migrate|start|install|add_task|delay|apply_async)"
    r"(?:_|$)"
)


def _tells_of_an_error(statement: Statement) -> bool:
    """`return {"error": "..."}`: a client is told that something failed, and nobody here knows what."""
    return statement.kind == "return" and any(
        isinstance(inner, Dictionary) and any(isinstance(key, Constant) and key.value in ("error", "errors") for key, _ in inner.items)
        for value in statement.expressions
        for inner in value.walk()
    )


def _changes_something(block: Sequence[Statement]) -> bool:
    """Whether a try block does work that somebody counts on, against one that asks for a value or a switch that is set."""
    return any(_WRITES.search(call.method) for call in calls_in(block))


# What ends with the process, or is gone already: connections, files, tasks, processes. Data that is deleted is another matter.
_LETS_GO = re.compile(
    r"^_*(?:a?close|async_close|close_all|disconnect|shutdown|stop|terminate|kill|cancel|quit|join|wait_closed|release|dispose|detach|unlink|rmtree|rmdir|"
    r"rollback|__exit__|__aexit__)$"
)
_LOOKS_FIRST = frozenset(
    {"exists", "isfile", "isdir", "is_file", "is_dir", "is_closed", "hasattr", "getattr", "callable", "Path", "join", "str"}
)


def _only_lets_go(block: Sequence[Statement]) -> bool:
    """Whether a try block closes, stops or removes what nobody needs any more, and nothing else: when that fails, nothing is lost."""
    called = list(calls_in(block))
    letting_go = [call for call in called if _LETS_GO.match(call.method) or call.name in ("os.remove", "os.killpg")]
    return bool(letting_go) and all(call in letting_go or call.method in _LOOKS_FIRST for call in called)


def _is_in_finally(handler: Handler) -> bool:
    function = handler.function
    return any(
        statement.kind == "try"
        and bool(statement.finalbody)
        and statement.finalbody[0].start <= handler.start < statement.finalbody[-1].end
        for statement in statements_in(function.body if function is not None else handler.module.body)
    )


_COUNTERS = frozenset(
    {"inc", "dec", "observe", "labels", "increment", "decrement", "incr", "decr", "gauge", "timing", "histogram", "distribution"}
)


_ANALYTICS = ("posthog.", "analytics.", "segment.", "mixpanel.", "amplitude.", "statsd.", "newrelic.agent.", "rudderstack.")


def _only_counts(block: Sequence[Statement]) -> bool:
    """Whether a try block moves a metric or tells an analytics service, which must not fail what is measured."""
    measured = [call for call in calls_in(block) if call.receiver is not None and not _converts(call)]
    return bool(measured) and all(call.method in _COUNTERS or call.name.startswith(_ANALYTICS) for call in measured)


_PROBES = re.compile(
    r"(?i)^_*(?:check|verify|validate|authenticate|ping|probe|test|health_?check)(?:_|$)|_(?:healthy|health|available|reachable|alive|access|accessible|"
    r"allowed|valid|exists|installed|connected|online|enabled|supported)$|^_*(?:reachable|alive|available|healthy|accessible|connectable)$"
)


def _is_probe(handler: Handler, last: Statement) -> bool:
    """Whether the function looks at something and answers yes or no, and the block that failed was about to say yes."""
    no = last.expressions[0] if last.expressions else None
    function = handler.function
    if function is None or not handler.tried or not isinstance(no, Constant) or no.value is not False:
        return False
    ends = (handler.tried[-1], function.body[-1])
    says_yes = any(
        end.kind == "return" and end.expressions and isinstance(end.expressions[0], Constant) and end.expressions[0].value is True
        for end in ends
    )
    return says_yes and bool(_PROBES.search(function.name))


# So many words say what is done ("never raise"): somebody has decided.
_NAMED = 2

# Methods that look at something at hand: its absence costs an answer, and nothing that was to be done is left undone.
_READING = re.compile(
    r"(?i)^_*(?:get|read|load|find|look\w*|detect|render|resolve|parse|format|list|exists|stat|count|first|last|filter|exclude|order_by|"
    r"select_related|prefetch_related|values|current|describe|inspect|discover|path|open|iter\w*|glob|rglob|walk|is|has|relative_to|check_output)(?:_|$)"
)


def _only_reads(block: Sequence[Statement]) -> bool:
    """Whether a try block looks at files and objects at hand, asks no other service and changes nothing."""
    if _awaits(block) or any(_changes_another(statement) for statement in statements_in(block)):
        return False
    return all(
        _converts(call) or call.method[:1].isupper() or _READING.match(call.method) and not _FAR.search(call.name.rpartition(".")[0])
        for call in calls_in(block)
    )


def _refuses_request(statement: Statement) -> bool:
    """`return "", 400`: the client is told that its request cannot be read."""
    value = statement.expressions[0] if statement.expressions else None
    status = value.items[1] if isinstance(value, Collection) and len(value.items) > 1 else None
    return isinstance(status, Constant) and isinstance(status.value, int) and 400 <= status.value < 500


def _reads_request(call: Call) -> bool:
    return _converts(call) or call.method in ("get_json", "get_data", "read", "getlist")


_QUESTION = re.compile(
    r"^_*(?:is|has|have|can|may|should|does|do|did|was|will|are|supports?|exists?|contains?|matches|needs?|requires?|allows?|check_if|looks_like)_"
)


def _is_question(name: str) -> bool:
    """Whether a function's name asks something that can be answered with yes or no."""
    return bool(_QUESTION.match(name)) or name in ("exists", "ping", "healthy", "available", "ready", "connected")


def _answers(statement: Statement) -> bool:
    """`return False`, `return None`, `return True`."""
    value = statement.expressions[0] if statement.expressions else None
    return value is None or isinstance(value, Constant) and (value.value is None or isinstance(value.value, bool))


def _logging_fix(handler: Handler) -> FixRequest | None:
    """Log the traceback first, where the module has a logger of its own."""
    name = own_logger(handler.module)
    text = f'{name}.exception("Unexpected error in {handler.scope.function or "module"}")'
    return FixRequest("insert-first-in-block", "log the traceback", False, (("text", text),)) if name else None


def _remarks_above(source: Source, line: int) -> list[str]:
    """The comments on the lines above a line, empty ones between them and it left out."""
    found: list[str] = []
    while line > 1 and len(found) < 12:
        line -= 1
        text = source.line_text(line).strip()
        if text.startswith("#"):
            found.insert(0, text.lstrip("# "))
        elif text or found:
            break
    return found


def _suppressed(call: Call) -> Sequence[Statement]:
    """The block below `with suppress(...)`."""
    function = enclosing(call, call.module)
    for statement in statements_in(function.body if function is not None else call.module.body):
        if statement.kind == "with" and statement.body and statement.start <= call.start < statement.body[0].start:
            return statement.body
    return ()


def _begins_with(block: Sequence[Statement]) -> Expression | None:
    """What the first statement of a block calls or waits for."""
    first = block[0].expressions[0] if block and block[0].kind in ("expression", "assign") and block[0].expressions else None
    return first.items[0] if isinstance(first, OpaqueExpression) and first.kind == "await" and first.items else first


def _is_cancelled_before(task: str, call: Call) -> bool:
    """Whether the function around a call has cancelled a task before it."""
    function = enclosing(call, call.module)
    return any(
        other.method == "cancel" and other.start < call.start and other.receiver is not None and other.receiver.text == task
        for other in calls_in(function.body if function is not None else call.module.body)
    )


def _suppresses(given: Expression, call: Call) -> Sequence[Expression]:
    """The classes that an argument of `suppress` names: itself, or those of a tuple that is known, `*ERRORS` too."""
    if isinstance(given, OpaqueExpression) and given.kind == "star" and given.items:
        given = given.items[0]
    known = call.module.follow(given, call)
    return known.items if isinstance(known, Collection) else (given,)


@check("PRD202", on=[calls("contextlib.suppress")])
def suppressed_exception(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`contextlib.suppress(Exception)`: the same thing in a spelling that other linters do not see."""
    broad = [name.name.removeprefix("builtins.") for given in call.arguments for name in _suppresses(given, call) if isinstance(name, Name)]
    broad = [name for name in broad if name in ("Exception", "BaseException")]
    if not broad:
        return
    block = _suppressed(call)
    first, last = call.module.extent(call.start, call.end)
    last = block[0].span.line if block else last + 1
    remarks = [*_remarks_above(call.source, first), *(call.source.line_text(line).partition("#")[2] for line in range(first, last + 1))]
    explained = _words(remarks)
    if _is_justified("\n".join(remarks), context) or explained >= _REASON:
        return
    around = enclosing(call, call.module)
    if around is not None and _is_justified(docstring(around.body), context):
        return
    begins = _begins_with(block)
    if len(call.arguments) > 1 and isinstance(begins, (Name, Attribute)) and _is_cancelled_before(begins.text, call):
        return  # the task was told to end
    mild = (
        isinstance(begins, Call)
        and bool(_CLOSERS.match(begins.method))
        or call.scope.in_handler
        or bool(_CLOSING_FUNCTION.match(call.scope.function))
        or explained >= _NAMED
        or "debug" in call.scope.guards
        or (bool(block) and _only_reads(block))
        or "templatetags/" in call.file.path
    )
    yield Diagnostic(call, f"`suppress({broad[0]})` silently discards every error in its block{f': {_UNSEEN}' if mild else ''}")


# ---------------------------------------------------------------- PRD203

_MUST_NOT_RAISE = frozenset({"__repr__", "__str__", "__del__", "__format__", "__exit__", "__aexit__"})


def _unhandled(ways: Sequence[ExitPath]) -> list[ExitPath]:
    """The ways on which the exception ends without a word."""
    if any(way.handled or way.done & (LOGGED | MESSAGE_ONLY) for way in ways):
        # Who looks at the exception and handles it on one way has decided on the others too.
        return [way for way in ways if not way.handled and not way.done & (LOGGED | MESSAGE_ONLY | INSPECTED)]
    return [way for way in ways if not way.handled and not way.done & (LOGGED | MESSAGE_ONLY)]


def _retries(handler: Handler, ways: Sequence[ExitPath]) -> bool:
    """Whether the handler of a loop raises or logs in the end and tries again before."""
    return handler.scope.in_loop and any(way.kind == "raise" or way.done & TRACEBACK_KEPT for way in ways)


def _takes_another_way(handler: Handler) -> bool:
    """Whether the handler works out another answer: a second attempt at the same thing is no silence."""
    tried = {call.method for call in _calls_tried(handler)}
    if any(call.method in tried for call in calls_in(handler.body)):
        return True
    for statement in statements_in(handler.body):
        if statement.kind in ("return", "assign"):
            for expression in statement.expressions:
                if any(isinstance(inner, (Call, Subscript)) and not _is_empty(inner) for inner in expression.walk()):
                    return True
        if statement.kind == "try" and not all(_is_trivial(inner) for inner in statement.body):
            # A gentler call fails, a harder one follows: `kill_tree()`, then `terminate()`.
            if _is_closing(handler) and all(_CLOSERS.match(call.method) for call in calls_in(statement.body)):
                return True
            return any(
                inner.kind == "return" or (inner.kind == "assign" and not all(is_constant(e) for e in inner.expressions))
                for inner in statement.body
            )
    return False


_ANSWERS = frozenset({"jsonify", "make_response", "json_response", "render", "redirect", "render_template", "abort", "dumps"})


def _is_empty(expression: Expression) -> bool:
    """`dict()` and its kind, or a new object that says nothing but that it failed: a default, not another answer."""
    if not isinstance(expression, Call):
        return False
    return (expression.name in _EMPTY and not expression.arguments) or expression.method[:1].isupper() or expression.method in _ANSWERS


_EMPTY = frozenset({"dict", "list", "set", "tuple", "str", "bytes", "frozenset", "collections.defaultdict", "collections.OrderedDict"})


_REACHES_OUT = re.compile(
    r"(?i)(?:^|_)(?:fetch|load|read|write|save|store|send|post|put|patch|delete|request|query|execute|commit|flush|publish|push|pull|call|connect|open|"
    r"download|upload|sync|create|update|insert|run|process|handle|charge|refresh|invoke|notify|get|find|list|search|scalar|scalars|first|all|one|acquire|"
    r"submit|start|login|authenticate|verify|check|validate)(?:_|$)"
)


def _reaches_out(block: Sequence[Statement]) -> bool:
    """Whether a try block does more than look at one value: waits, takes several steps, or asks someone else."""
    return len(list(statements_in(block))) > 1 or _awaits(block) or any(_REACHES_OUT.search(call.method) for call in calls_in(block))


def _is_default(handler: Handler) -> bool:
    """Whether the handler only puts a value that is at hand in the place of the answer."""
    return all(_is_trivial(statement) or statement.kind in ("assign", "return") for statement in handler.body)


@check("PRD203", on=[every(Handler)], required_literals=EXCEPT)
def broad_except_unlogged(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A broad handler with a way out on which the error is neither raised, logged, reported nor handed on."""
    if not handler.types or not is_broad(handler) or all(_is_trivial(statement) for statement in handler.body):
        return
    ways = exit_paths(handler, _reporters(context))
    lost = _unhandled(ways)
    if not lost or _retries(handler, ways) or _is_inside_one_that_raises(handler):
        return
    if handler.scope.function in _MUST_NOT_RAISE or _is_justified(_comments(handler), context) or _another_tool_was_told(handler):
        return
    if _is_import(handler) or _is_conversion(handler.tried):
        return
    if not context.options.get("fallbacks"):
        if _explanation(handler) >= _REASON or _takes_another_way(handler) or (_is_default(handler) and not _reaches_out(handler.tried)):
            return
        if not _is_kept(handler):
            return
    way = min(lost, key=lambda each: each.at.start if each.at is not None else handler.end)
    who = _types(handler) if len(lost) == len(ways) else f"one path through {_types(handler)}"
    mild = _is_closing(handler) or not _asks_somebody(handler.tried)
    message = f"{who} {way.words} and neither re-raises, logs nor reports the error"
    yield Diagnostic(_header(handler), message, priority="P2" if mild else None)


def _is_kept(handler: Handler) -> bool:
    """Whether what the handler puts in the place of the answer outlives the function: an attribute, an entry, a name of the module.

    A caller sees what is returned, and may ask why; what was stored without its value looks like any other.
    """
    return any(
        isinstance(target, (Attribute, Subscript)) or isinstance(target, Name) and ("." in target.source_text or not handler.scope.function)
        for statement in statements_in(handler.body)
        for target in statement.targets
    )


def _asks_somebody(block: Sequence[Statement]) -> bool:
    """Whether a try block waits for somebody else; looking up keys and converting values does not."""
    return _awaits(block) or any(
        _REACHES_OUT.search(call.method) and not _is_lookup(call) and call.method not in _CONVERTING_METHODS and call.receiver is not None
        for call in calls_in(block)
    )


# ---------------------------------------------------------------- PRD204

_LEAVING = {
    "BaseException": "`SystemExit`, `KeyboardInterrupt` and `CancelledError` are swallowed",
    "KeyboardInterrupt": "the process cannot be interrupted",
    "SystemExit": "the process cannot exit",
    "GeneratorExit": "the generator cannot be closed",
    "asyncio.CancelledError": "a cancelled task keeps running",
    "asyncio.exceptions.CancelledError": "a cancelled task keeps running",
}
_TOP = re.compile(
    r"(?i)^_*(?:main|cli|run|start|serve|entry_?point|app|command|handle|repl|shell|loop|execute|watch|invoke|launch)(?:_\w+)?$|_main$"
)


@check("PRD204", on=[every(Handler)], required_literals=EXCEPT)
def base_exception_swallowed(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A handler that keeps the signals that end a process, a task or a generator."""
    names = [name.removeprefix("builtins.") for name in handler.types]
    leaving = [name for name in names if name in _LEAVING]
    if handler.types and not leaving:
        return
    ways = exit_paths(handler, _reporters(context))
    kept = [way for way in ways if way.kind != "raise" and not way.done & PASSED_ON]
    if any(way.kind == "raise" for way in ways):
        kept = [way for way in kept if not way.done & INSPECTED and not _is_told_to(handler)]
    if not kept or not _keeps(handler, names, leaving, kept):
        return
    word = leaving[0] if leaving else ""
    said = f"`except {word.removeprefix('asyncio.').removeprefix('exceptions.')}`" if word else "`except:` around an `await`"
    why = _LEAVING[word] if word else "a cancelled task keeps running"
    way = min(kept, key=lambda each: each.at.start if each.at is not None else handler.end)
    yield Diagnostic(_header(handler), f"{said} {way.words} without `raise`: {why}", fix=_stopping_fix(handler, kept))


def _is_told_to(handler: Handler) -> bool:
    """Whether a parameter of the function decides if the signal goes on: `if suppress_interrupts: pass`, else `raise`."""
    first = handler.body[0] if handler.body else None
    function = handler.function
    if first is None or first.kind != "if" or function is None or not first.expressions:
        return False
    given = {parameter.name for parameter in function.parameters}
    return any(isinstance(part, Name) and part.source_text in given for part in first.expressions[0].walk())


def _stopping_fix(handler: Handler, kept: Sequence[ExitPath]) -> FixRequest | None:
    """`raise` at the end of a handler that only logs and lets go; `except Exception` where it gives another value instead.

    A `raise` behind a value that was worked out would throw it away. A handler that does nothing but raise again would be good for
    nothing: what was meant there only its author knows.
    """
    if all(_is_trivial(statement) for statement in handler.body):
        return None
    if all(way.kind == "fall" for way in kept) and all(_lets_go(statement) for statement in handler.body) and not _answers_beside(handler):
        return FixRequest("append-to-block", "re-raise", False, (("text", "raise"),))
    if handler.types in (("BaseException",), ("builtins.BaseException",)):
        return FixRequest("replace-word", "catch `Exception` instead", False, (("word", "BaseException"), ("text", "Exception")))
    return None


def _answers_beside(handler: Handler) -> bool:
    """Whether another clause of the same `try` deals with its error: then this one deals with all others, and a `raise` would be new."""
    function = handler.function
    for statement in statements_in(function.body if function is not None else handler.module.body):
        if statement.kind == "try" and any(other.start == handler.start for other in statement.handlers):
            return any(other.start != handler.start and not _leaves_always(exit_paths(other)) for other in statement.handlers)
    return False


def _lets_go(statement: Statement) -> bool:
    """A logging call, or one that closes or gives back: nothing that makes up for the error."""
    if statement.kind == "pass":
        return True
    calls = [inner for value in statement.expressions for inner in value.walk() if isinstance(inner, Call)]
    return statement.kind == "expression" and all(
        log_level(call) or _CLOSERS.match(call.method) for call in calls if call.receiver is not None
    )


def _awaits(block: Sequence[Statement]) -> bool:
    return (
        any(isinstance(inner, OpaqueExpression) and inner.kind == "await" for inner in expressions_in(block))
        or any(statement.is_async for statement in statements_in(block))
        or any(call.awaited for call in calls_in(block))
    )


_COMMAND_LINES = ("click.", "typer.", "cleo.", "cyclopts.")


def _keeps(handler: Handler, names: Sequence[str], leaving: Sequence[str], kept: Sequence[ExitPath]) -> bool:
    """Whether what is caught would have had to go on."""
    scope = handler.scope
    if not names:
        return scope.is_async and _awaits(handler.tried)
    if scope.in_handler and _only_lets_go(handler.tried):
        return False  # the error of the outer handler is the one that counts, and this closes what it leaves behind
    if _is_shielded(handler) or _is_inside_one_that_raises(handler) or (_only_waits(handler.tried) and _awaits_cancelled(handler)):
        return False
    goes_on = scope.in_loop and any(way.kind in ("continue", "fall") for way in kept)
    if "BaseException" in leaving:
        return not any(way.done & TRACEBACK_KEPT and way.kind == "return" for way in kept) or scope.in_loop
    if all(name.endswith("CancelledError") for name in leaving):
        if _awaits_cancelled(handler) or not scope.is_async or any(call.method in ("shield", "wait") for call in _calls_tried(handler)):
            return False
        return goes_on
    if "KeyboardInterrupt" in leaving and _asks_to_stop(handler):
        return False
    if "guards" in scope.guards or "main" in scope.guards or not scope.function or _TOP.match(scope.function):
        return False
    if "GeneratorExit" in leaving:
        return (
            any(isinstance(inner, OpaqueExpression) and inner.kind.startswith("yield") for inner in expressions_in(handler.body)) or goes_on
        )
    if (
        "SystemExit" in leaving
        and "KeyboardInterrupt" not in leaving
        and all(name == "SystemExit" or name.startswith(_COMMAND_LINES) for name in names)
    ):
        return False  # who catches it alone, or with a command line's own, around a parser or a command, means to
    return goes_on


_STOPPING = re.compile(r"(?i)stop|halt|exit|quit|shut|running|alive|done|finish|interrupt|cancel|abort|terminat|end")


def _asks_to_stop(handler: Handler) -> bool:
    """`except KeyboardInterrupt: self.halt_requested = True`: the loop looks at a flag and ends in order."""
    return any(
        statement.kind == "assign"
        and any(_STOPPING.search(target.text.rpartition(".")[2]) for target in statement.targets)
        or statement.kind == "expression"
        and any(isinstance(inner, Call) and inner.method == "set" and _STOPPING.search(inner.name) for inner in statement.expressions)
        for statement in handler.body
    )


# ---------------------------------------------------------------- PRD205

_LEVEL_WORDS = {ERROR: "error", WARNING: "warning", PRINTED: "print", LOGGED_LOW: "info"}


@check("PRD205", on=[every(Handler)], required_literals=EXCEPT)
def error_logged_without_traceback(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A broad handler that logs the error's text and loses where it came from."""
    if not is_broad(handler):
        return
    levels = set(context.options.get("levels", ("error", "print")))
    wanted = {bit for bit, word in _LEVEL_WORDS.items() if word in levels}
    ways = exit_paths(handler, _reporters(context))
    if _unhandled(ways) and handler.types:
        return
    losing = [way for way in ways if not way.handled and any(way.done & bit for bit in wanted)]
    if not losing or _retries(handler, ways) or _is_conversion(handler.tried):
        return
    if _names_the_place(handler):
        return
    function = handler.function
    given = {parameter.name for parameter in function.parameters} if function is not None else set()
    for call, level in plain_logs(handler.body):
        if call.receiver is None and call.name in given:
            continue  # a function that the caller gave: where it writes is the caller's business
        if level not in wanted or (level == PRINTED and ("main" in handler.scope.guards or _is_for_a_person(call))):
            continue
        shown = any(_shows_error(other, handler) for other, _ in plain_logs(handler.body))
        loses = "the traceback" if level != PRINTED or shown else "the error"
        yield Diagnostic(call.function, f"`{_written(call)}` in {_types(handler)} loses {loses}", fix=_traceback_fix(call, level))
        return


# What a command line tells whoever typed the command.
_FOR_A_PERSON = frozenset(("click.echo", "click.secho", "typer.echo", "typer.secho", "rich.print"))


# Files whose functions a person starts, and Django's way to talk to whoever did.
_COMMAND_FILES = frozenset({"commands.py", "management.py", "cli.py"})


def _is_for_a_person(call: Call) -> bool:
    """Whether what is printed is read by whoever typed a command."""
    return (
        call.name in _FOR_A_PERSON
        or call.method == "write"
        and call.receiver is not None
        and call.receiver.text in ("self.stdout", "self.stderr")
        or call.file.path.rpartition("/")[2] in _COMMAND_FILES
    )


def _names_the_place(handler: Handler) -> bool:
    """Whether the handler takes the traceback apart itself: `error.__traceback__`, with file and line in the message."""
    return any(isinstance(inner, (Attribute, Name)) and "__traceback__" in inner.text for inner in expressions_in(handler.body))


def _written(call: Call) -> str:
    written = call.source.slice(call.function.start, call.function.end)
    return written if len(written) < 60 and "(" not in written else call.method


def _shows_error(call: Call, handler: Handler) -> bool:
    """Whether a print shows the exception."""
    parts: tuple[Expression, ...] = (*call.arguments, *call.keywords.values())
    return bool(handler.alias) and any(
        isinstance(inner, Name) and inner.source_text.split(".", 1)[0] == handler.alias for part in parts for inner in part.walk()
    )


def _traceback_fix(call: Call, level: int) -> FixRequest | None:
    """`.error` becomes `.exception`, where the logger is known to be one of logging, structlog or loguru: another may have no such method."""
    if level != ERROR or call.method != "error" or "exc_info" in call.keywords:
        return None
    text = _written_function(call)
    if not text.endswith("error") or not call.name.startswith(("logging.", "structlog.", "loguru.")):
        return None
    return FixRequest("replace", "log the traceback with `.exception`", True, (("text", text.removesuffix("error") + "exception"),))


def _written_function(call: Call) -> str:
    return call.source.slice(call.function.start, call.function.end)
