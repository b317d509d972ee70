"""Every way out of an except handler's body, and what was done with the exception on that way.

The body is run over sets of bit masks instead of values: each mask says what has happened on one way so far, so that
the number of ways stays small however many branches a handler has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Handler,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    Subscript,
    calls_in,
)

TRACEBACK = 1  # logged or printed with its traceback
REPORTED = 2  # given to an error tracker, a span or the project's own reporter
ERROR = 4  # logged at error or above, without traceback
WARNING = 8  # logged as a warning, without traceback
LOGGED_LOW = 16  # logged below a warning, without traceback
PRINTED = 32  # printed
PASSED_ON = 64  # the exception object itself was passed on, stored or returned
MESSAGE_ONLY = 128  # its text, or that something failed, was passed on, stored or returned
INSPECTED = 256  # its type or content decided where to go

TRACEBACK_KEPT = TRACEBACK | REPORTED
"""The traceback is not lost."""
LOGGED = ERROR | WARNING | LOGGED_LOW | PRINTED

_LEVELS = {
    "critical": ERROR,
    "fatal": ERROR,
    "error": ERROR,
    "err": ERROR,
    "warning": WARNING,
    "warn": WARNING,
    "notice": LOGGED_LOW,
    "info": LOGGED_LOW,
    "success": LOGGED_LOW,
    "msg": LOGGED_LOW,
    "debug": LOGGED_LOW,
    "trace": LOGGED_LOW,
    "verbose": LOGGED_LOW,
}
_LEVELS |= {f"a{level}": bit for level, bit in _LEVELS.items()}  # structlog's asynchronous twins

_LOGGER_NAME = re.compile(r"(?i)(?:(?:^|_)log|logger|logging|logfire)\d*$")
_LOGGER_FACTORY = re.compile(r"(?i)(?:logger|getlog|get_logger\w*)$")
_LOGGER_CHAIN = frozenset({"bind", "opt", "new", "patch", "unbind", "try_unbind", "getChild", "with_fields", "contextualize"})

_TRACEBACKS = frozenset({
    "traceback.print_exc",
    "traceback.print_exception",
    "traceback.format_exc",
    "traceback.format_exception",
    "traceback.format_tb",
    "traceback.TracebackException",
    "traceback.TracebackException.from_exception",
    "sys.exc_info",
    "sys.excepthook",
    "cgitb.handler",
})  # fmt: skip
_REPORTERS = frozenset({
    "capture_exception",
    "captureException",
    "capture_event",
    "record_exception",
    "recordException",
    "notice_error",
    "record_exc_info",
    "report_exc_info",
    "report_exception",
    "set_exc_info",
    "set_traceback",
    "print_exception",
    "call_exception_handler",
    "log_exception",
    "handle_exception",
})  # fmt: skip
_REPORTER_NAME = re.compile(
    r"(?i)^_*(?:log|report|capture|record|notify|track|handle|on|emit|send|process)_?(?:\w+_)?(?:exception|error|exc|traceback|failure)s?(?:_\w+)?$"
)
_REPORTER_PREFIXES = ("rollbar.", "bugsnag.", "honeybadger.", "airbrake.", "newrelic.", "sentry_sdk.")
_FAILURE_NAME = re.compile(
    r"(?i)(?:^|_)(?:fail|failed|failure|failures|err|error|errors|exception|exceptions|abort|aborted|reject|nack|invalid|broken)(?:_|$)"
)
_FAILURE_LIST = re.compile(rf"{_FAILURE_NAME.pattern}|(?:^|_)(?:warnings|problems|issues|missing\w*)$")
_FAILURE_CLASS = re.compile(
    r"^_?[A-Z]\w*(?:Error|Exception|Failure|Failed|Fault|Unreachable|Unavailable|Rejected|Denied|Refused|Stranded|Unknown)$|^Err$"
)
_FAILURE_VALUE = re.compile(r"(?i)\b(?:fail\w*|error\w*|exception|invalid|unavailable|broken|crash\w*)\b")
_FAILURE_CODE = re.compile(r"(?i)^(?:\w*[_.])?(?:fail\w*|error\w*|exception\w*|failure)(?:[_.]\w*)?$")
_PRINTS = frozenset(
    {"print", "pprint", "pprint.pprint", "rich.print", "click.echo", "click.secho", "typer.echo", "typer.secho", "warnings.warn", "cprint"}
)
# Functions of the project that write a line somewhere.
_OWN_LOG = frozenset(
    {"log", "_log", "log_error", "log_warning", "log_message", "log_msg", "write_log", "logger", "debug_log", "print_error"}
)
_PRINT_METHOD = frozenset({"print", "write", "echo", "secho", "log_message", "print_error", "output_error"})
_PRINT_RECEIVER = re.compile(r"(?i)(?:console|stdout|stderr|_err)\w*$")
_TEXT_OF = frozenset({"str", "repr", "format", "type", "len", "bool", "ascii", "isinstance", "hasattr", "getattr", "id", "hash"})
_NEVER_RETURNS = frozenset(
    {"sys.exit", "os._exit", "exit", "quit", "flask.abort", "abort", "pytest.fail", "pytest.skip", "os.abort", "six.reraise"}
)
_NEVER_RETURNS_METHODS = frozenset({"fail", "exit", "abort", "skipTest", "reraise", "exit_with_error", "error_exit"})


@dataclass(frozen=True, slots=True)
class ExitPath:
    """One way out: how it leaves ("raise", "return", "continue", "break" or "fall"), what was done before, and the
    statement that leaves (None where the body just ends)."""

    kind: str
    done: int
    at: Statement | None

    @property
    def handled(self) -> bool:
        """Whether the exception lives on or its traceback is kept."""
        return self.kind == "raise" or bool(self.done & (TRACEBACK_KEPT | PASSED_ON))

    @property
    def words(self) -> str:
        """How it leaves, for a message."""
        line = f" at line {self.at.span.line}" if self.at is not None else ""
        return {"return": f"returns{line}", "continue": "goes on with the loop", "break": "leaves the loop"}.get(self.kind, "carries on")


def is_logger(expression: Expression | None) -> bool:
    """Whether an expression looks like a logger, whatever module it came from."""
    if isinstance(expression, Name):
        last = expression.source_text.rsplit(".", 1)[-1]
        name = expression.name.removesuffix("()").rsplit(".", 1)[-1]
        return bool(_LOGGER_NAME.search(last) or _LOGGER_NAME.search(name) or _LOGGER_FACTORY.search(name))
    if isinstance(expression, Attribute):
        return bool(_LOGGER_NAME.search(expression.attribute))
    if isinstance(expression, Call):
        if expression.method in _LOGGER_CHAIN:
            return is_logger(expression.receiver)
        return bool(_LOGGER_FACTORY.search(expression.method))
    return False


def _keeps_traceback(call: Call) -> bool:
    for keyword in ("exc_info", "exception", "exc", "_exc_info"):
        value = call.keywords.get(keyword)
        if value is not None:
            told = call.module.follow(value, call)
            if not (isinstance(told, Constant) and not told.value):
                return True
    chain = call.receiver
    while isinstance(chain, Call):
        if chain.method == "opt" and "exception" in chain.keywords:
            return True
        chain = chain.receiver
    parts: Iterable[Expression] = (*call.arguments, *call.keywords.values())
    return any(isinstance(inner, Call) and inner.name in _TRACEBACKS for part in parts for inner in part.walk())


def own_logger(module: Module) -> str:
    """The name of the logger that a module has made for itself, or nothing."""
    for name in ("logger", "log", "LOGGER", "LOG", "_logger", "_LOGGER"):
        value = module.constant(name)
        if isinstance(value, Call) and value.method in ("getLogger", "get_logger"):
            return name
    return ""


def log_level(call: Call) -> int:
    """What a logging call does with the exception: TRACEBACK, ERROR, WARNING or NOTED; 0 where it is no logging call."""
    method = call.method
    known = method in _LEVELS or method in ("exception", "aexception", "log", "alog")
    if not known or not (is_logger(call.receiver) or call.name.startswith(("logging.", "loguru.", "structlog.", "logfire."))):
        return 0
    if method in ("exception", "aexception"):
        told = call.keywords.get("exc_info")
        off = call.module.follow(told, call) if told is not None else None
        return ERROR if isinstance(off, Constant) and off.value is False else TRACEBACK
    if _keeps_traceback(call):
        return TRACEBACK
    if method in ("log", "alog"):
        level = call.argument(0, "level")
        word = level.source_text if isinstance(level, Name) else str(level.value) if isinstance(level, Constant) else ""
        return _LEVELS.get(word.rsplit(".", 1)[-1].lower(), LOGGED_LOW)
    return _LEVELS[method]


def _is_reporter(call: Call, reporters: Sequence[str]) -> bool:
    method, name = call.method, call.name
    if method in _REPORTERS or name.startswith(_REPORTER_PREFIXES) or _REPORTER_NAME.search(method):
        return True
    return any(name == reporter or method == reporter or name.endswith("." + reporter) for reporter in reporters)


class _Reading:
    """Reads expressions of one handler: what they do with the exception it caught."""

    def __init__(self, alias: str, reporters: Sequence[str]) -> None:
        self.alias = alias
        self.reporters = reporters

    def of(self, expression: Expression, as_text: bool = False) -> int:
        """What evaluating an expression does, as a mask."""
        done = 0
        if isinstance(expression, Call):
            return self._call(expression, as_text)
        if isinstance(expression, Name):
            if self.alias and expression.source_text == self.alias:
                return MESSAGE_ONLY if as_text else PASSED_ON
            return MESSAGE_ONLY if self.alias and expression.source_text.startswith(self.alias + ".") else 0
        if isinstance(expression, (FString, Operation, Attribute, Subscript)):
            as_text = True
        for part in expression.parts():
            done |= self.of(part, as_text)
        return done

    def _call(self, call: Call, as_text: bool) -> int:
        level = log_level(call)
        if level:
            return level
        if call.name in _TRACEBACKS:
            return TRACEBACK
        if _is_reporter(call, self.reporters):
            return REPORTED
        if _keeps_traceback(call):
            # A logging method under another name: `log = self.logger.warning`.
            return TRACEBACK
        done = 0
        if call.receiver is None and call.method in _OWN_LOG and call.arguments:
            return PRINTED
        if call.name in _PRINTS or (call.method in _PRINT_METHOD and self._prints(call)):
            return PRINTED
        if _FAILURE_NAME.search(call.method) or any(_FAILURE_NAME.search(k) and not _is_none(v) for k, v in call.keywords.items()):
            done |= MESSAGE_ONLY
        if (
            isinstance(call.function, Name)
            and "." in call.function.source_text
            and _FAILURE_LIST.search(call.function.source_text.rsplit(".", 2)[-2])
        ):
            done |= MESSAGE_ONLY  # `errors.append(...)`
        if any(
            isinstance(argument, Constant) and isinstance(argument.value, str) and _FAILURE_CODE.match(argument.value)
            for argument in call.arguments
        ):
            done |= MESSAGE_ONLY
        text = as_text or call.name in _TEXT_OF or call.method in ("format", "join")
        for part in call.parts():
            done |= self.of(part, text)
        return done

    @staticmethod
    def _prints(call: Call) -> bool:
        receiver = call.receiver
        word = receiver.source_text if isinstance(receiver, Name) else receiver.attribute if isinstance(receiver, Attribute) else ""
        return bool(_PRINT_RECEIVER.search(word))

    def mentions(self, expression: Expression) -> bool:
        """Whether an expression looks at the exception."""
        if not self.alias:
            return any(isinstance(inner, Call) and inner.name == "sys.exc_info" for inner in expression.walk())
        dotted = self.alias + "."
        return any(
            isinstance(inner, Name) and (inner.source_text == self.alias or inner.source_text.startswith(dotted))
            for inner in expression.walk()
        )

    def tells(self, statement: Statement) -> int:
        """TOLD where an assignment notes that something failed (`ok = False`, `errors += 1`, `status = "failed"`)."""
        for target in statement.targets:
            word = target.source_text if isinstance(target, Name) else target.attribute if isinstance(target, Attribute) else ""
            if _FAILURE_NAME.search(word.rsplit(".", 1)[-1]):
                return MESSAGE_ONLY
        for value in statement.expressions:
            if isinstance(value, Constant) and (
                isinstance(value.value, bool) or (isinstance(value.value, str) and _FAILURE_VALUE.search(value.value))
            ):
                return MESSAGE_ONLY
            if isinstance(value, Name) and _FAILURE_VALUE.search(value.source_text.rsplit(".", 1)[-1].replace("_", " ")):
                return MESSAGE_ONLY
        return 0


_END = re.compile(
    r"(?i)(?:log_\w+|\w+_logged|should_log|stop\w*|shut\w*|closed|closing|running|cancel\w*|finali[sz]\w*|active_exception|done|terminat\w*|exiting)(?:$|\.|\()"
)


_SEEN = re.compile(r"(?i)(?:^|[_.])(?:known|seen|warned|reported|logged|notified|already|failed|invalid|broken)(?:$|_)")


def _asks_for_the_first(expression: Expression) -> bool:
    """`if key not in self._known_invalid:`: said once, not every time."""
    return (
        isinstance(expression, Operation)
        and expression.operator == "not in"
        and isinstance(expression.operands[-1], Name)
        and bool(_SEEN.search(expression.operands[-1].source_text))
    )


def _asks_for_the_end(expression: Expression) -> bool:
    """Whether a test asks if things are being shut down, when errors are expected, or if the caller wants a log at all."""
    return any(isinstance(inner, Name) and _END.search(inner.source_text) for inner in expression.walk())


def _asks_for_a_listener(test: Expression) -> bool:
    """`if logger:`, `if logger.isEnabledFor(logging.DEBUG):`"""
    return is_logger(test) or isinstance(test, Call) and test.method in ("isEnabledFor", "is_enabled_for")


def _is_none(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.value is None


_Exits = dict[tuple[str, int], "Statement | None"]


class _Walk:
    """Runs a block over masks: `states` go in; the masks that reach the block's end come out, `exits` collects the rest."""

    def __init__(self, reading: _Reading) -> None:
        self.reading = reading

    def block(self, statements: Sequence[Statement], states: set[int], exits: _Exits) -> set[int]:
        for statement in statements:
            if not states:
                break
            states = self.statement(statement, states, exits)
        return states

    def statement(self, statement: Statement, states: set[int], exits: _Exits) -> set[int]:
        kind = statement.kind
        if kind in ("def", "class", "pass", "global", "import"):
            return states
        done = 0
        for expression in statement.expressions:
            done |= self.reading.of(expression)
        if kind == "assign":
            done |= self.reading.tells(statement)
        if kind in ("assign", "return") and any(_is_failure(value) for value in statement.expressions):
            done |= MESSAGE_ONLY  # `return Unavailable()`: the failure is a value
        if kind in ("if", "while", "match", "assert"):
            # A test only looks at the exception: it does not pass it on.
            done &= ~(PASSED_ON | MESSAGE_ONLY)
            if any(
                self.reading.mentions(expression) or _asks_for_the_end(expression) or _asks_for_the_first(expression)
                for expression in statement.expressions
            ):
                done |= INSPECTED
        states = {state | done for state in states}
        if kind in ("return", "raise", "continue", "break"):
            for state in states:
                exits.setdefault((kind, state), statement)
            return set()
        if kind == "expression" and _never_returns(statement):
            for state in states:
                exits.setdefault(("raise", state), statement)
            return set()
        if kind == "if":
            taken = self.block(statement.body, states, exits)
            if statement.expressions and _asks_for_a_listener(statement.expressions[0]):
                return taken  # `if self.logger:` is there for the case that nobody listens
            return taken | self.block(statement.orelse, states, exits)
        if kind in ("for", "while"):
            return self._loop(statement, states, exits)
        if kind == "try":
            return self._try(statement, states, exits)
        if kind == "with":
            return self._with(statement, states, exits)
        if kind == "match":
            after: set[int] = set()
            for case in statement.cases:
                after |= self.block(case, states, exits)
            exhaustive = re.search(r"\bcase[\s\\(]+_[\s\\)]*:", statement.source.slice(statement.start, statement.end))
            return after if exhaustive else after | states
        return states

    def _loop(self, statement: Statement, states: set[int], exits: _Exits) -> set[int]:
        inner: _Exits = {}
        after = self.block(statement.body, states, inner)
        left: set[int] = set()
        for (kind, state), at in inner.items():
            if kind == "continue":
                after = after | {state}
            elif kind == "break":
                left.add(state)
            else:
                exits.setdefault((kind, state), at)
        test = statement.expressions[0] if statement.kind == "while" and statement.expressions else None
        endless = isinstance(test, Constant) and bool(test.value)
        ended: set[int] = set() if endless else self.block(statement.orelse, states | after, exits)
        return left | ended

    def _try(self, statement: Statement, states: set[int], exits: _Exits) -> set[int]:
        inner: _Exits = {}
        after = self.block(statement.body, states, inner)
        catches_all = any(is_broad(handler) for handler in statement.handlers)
        caught = set(after) or set(states)
        for kind, state in list(inner):
            if kind == "raise" and catches_all:
                caught.add(state)
                del inner[kind, state]
        after = self.block(statement.orelse, after, inner)
        for handler in statement.handlers:
            after = after | self.block(handler.body, caught, inner)
        if statement.finalbody:
            own: _Exits = {}
            after = self.block(statement.finalbody, after, own)
            for (kind, state), at in inner.items():
                for final in self.block(statement.finalbody, {state}, own):
                    exits.setdefault((kind, final), at)
            inner = own
        for key, at in inner.items():
            exits.setdefault(key, at)
        return after

    def _with(self, statement: Statement, states: set[int], exits: _Exits) -> set[int]:
        suppresses = any(isinstance(value, Call) and value.name == "contextlib.suppress" for value in statement.expressions)
        inner: _Exits = {}
        after = self.block(statement.body, states, inner)
        for (kind, state), at in inner.items():
            if kind == "raise" and suppresses:
                after = after | {state}
            else:
                exits.setdefault((kind, state), at)
        return after


_FAILURE_CONSTANT = re.compile(r"(?:^|[_.])(?:ERROR|FAILURE|FAILED|INVALID|UNAVAILABLE)(?:$|_)")


def _is_failure(value: Expression) -> bool:
    """`Unavailable()`, `REPO_INFO_ERROR`."""
    if isinstance(value, Call):
        return bool(_FAILURE_CLASS.search(value.method))
    return isinstance(value, Name) and bool(_FAILURE_CONSTANT.search(value.source_text))


def _never_returns(statement: Statement) -> bool:
    for expression in statement.expressions:
        call = (
            expression.items[0]
            if isinstance(expression, OpaqueExpression) and expression.kind == "await" and expression.items
            else expression
        )
        if not isinstance(call, Call):
            continue
        if call.name in _NEVER_RETURNS or (call.method in _NEVER_RETURNS_METHODS and call.receiver is not None):
            return True
        if isinstance(call.function, Name) and "." not in call.function.source_text:
            function = call.module.function(call.function.source_text)
            if function is not None and function.returns.rsplit(".", 1)[-1] in ("NoReturn", "Never"):
                return True
    return False


def is_broad(handler: Handler) -> bool:
    """Whether it catches every ordinary error: bare, `Exception`, `BaseException` or a tuple with one of them."""
    return not handler.types or any(name.removeprefix("builtins.") in ("Exception", "BaseException") for name in handler.types)


def exit_paths(handler: Handler, reporters: Sequence[str] = ()) -> tuple[ExitPath, ...]:
    """Every way out of a handler's body, each once."""
    exits: _Exits = {}
    after = _Walk(_Reading(handler.alias, reporters)).block(handler.body, {0}, exits)
    ways = [ExitPath(kind, done, at) for (kind, done), at in exits.items()]
    ways.extend(ExitPath("fall", done, None) for done in after)
    return tuple(ways)


def plain_logs(block: Sequence[Statement]) -> Iterator[tuple[Call, int]]:
    """Every logging or printing call of a block that keeps no traceback, with its level."""
    reading = _Reading("", ())
    for call in calls_in(block):
        level = log_level(call)
        if level in (ERROR, WARNING, LOGGED_LOW) or (not level and reading.of(call) == PRINTED):
            yield call, level or PRINTED


def is_constant(expression: Expression) -> bool:
    """Whether a value is written out in full: a literal, or a display of literals."""
    if isinstance(expression, Constant):
        return True
    if isinstance(expression, Collection):
        return all(is_constant(item) for item in expression.items)
    if isinstance(expression, Dictionary):
        return all(key is not None and is_constant(key) and is_constant(value) for key, value in expression.items)
    if isinstance(expression, Operation) and len(expression.operands) == 1:
        return is_constant(expression.operands[0])
    return isinstance(expression, Conditional) and is_constant(expression.then) and is_constant(expression.orelse)
