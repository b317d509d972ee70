"""How errors are raised, or prevented from being raised: PRD207, PRD208, PRD209 and PRD212."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import Call, Constant, Expression, Function, Module, Name, OpaqueExpression, Operation, Statement, statements_in
from prodlint.model import FixRequest
from prodlint.python.exits import is_broad, is_constant
from prodlint.values.places import IntervalIndex, argument_of, block_around, calls_of, enclosing, statements_around

# ---------------------------------------------------------------- PRD207


@check(
    "PRD207",
    on=[calls("Exception", "BaseException", "builtins.Exception")],
    required_literals=(
        "raise exception",
        "raise baseexception",
        "raise builtins.exception",
        "raise  exception",
        "raise (exception",
        "raise(exception",
    ),
)
def generic_exception_raised(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`raise Exception(...)`: nobody can catch it without catching everything."""
    before = call.source.data[max(0, call.start - 40) : call.start].rstrip(b" \t(\\\r\n")
    if not before.endswith(b"raise") or "main" in call.scope.guards:
        return
    if not _is_caught_here(call, call.module) and not _is_meant(call):
        hides = call.scope.in_handler and not _names_cause(call)
        yield Diagnostic(call.function, f"`raise {call.method}`{' in place of what was caught' if hides else ''}: {_UNSPECIFIC}")


_CAUSE = re.compile(rb"[ \t\\\r\n)]*from\b(?![ \t]+None\b)")


def _names_cause(call: Call) -> bool:
    """`raise Exception(...) from error`: the traceback says which error this one stands for."""
    return _CAUSE.match(call.source.data, call.end) is not None


# Another tool was told so, or a comment says that nobody ever gets here.
_MEANT = re.compile(
    r"(?i)broad-exception-raised|TRY002|W0719|should (?:not|never) happen|shouldn'?t happen|unreachable|not (?:yet )?implemented|never (?:gets? )?here|cannot happen"
)


def _is_meant(call: Call) -> bool:
    """Whether the author has said at the place that no caller is to tell this error from others."""
    first, last = call.span.line, call.span.end_line
    remarks = [call.source.line_text(line).partition("#")[2] for line in (*range(first, last + 1), first - 1) if line > 0]
    return any(_MEANT.search(text) for text in (*remarks, call.text))


_UNSPECIFIC = "callers cannot catch this without catching every exception"


def _is_caught_here(raised: Expression, module: Module) -> bool:
    """Whether the same function catches what it raises: no caller ever sees it."""
    for statement in statements_around(raised, block_around(raised, module)):
        if statement.kind == "try" and statement.body and statement.body[0].start <= raised.start < statement.body[-1].end:
            if any(is_broad(handler) for handler in statement.handlers):
                return True
    return False


@check(
    "PRD207",
    on=[every(Function)],
    required_literals=("raise exception", "raise baseexception"),
)
def generic_exception_class_raised(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`raise Exception` without any words at all."""
    if b"raise" not in _bytes(function):
        return
    for statement in statements_in(function.body):
        raised = statement.expressions[0] if statement.kind == "raise" and statement.expressions else None
        if isinstance(raised, Name) and raised.name in ("Exception", "BaseException") and not _is_caught_here(raised, function.module):
            yield Diagnostic(raised, f"`raise {raised.name}`: {_UNSPECIFIC}", symbol=_symbol(function))


# ---------------------------------------------------------------- PRD208

_GUARDS = re.compile(
    r"(?i)(?:^|_|\.)(?:auth\w*|permission|permissions|perms|allowed|is_admin|is_staff|is_superuser|superuser|admin|owner|role|roles|scope|scopes|"
    r"password|passwd|token|secret|signature|csrf|nonce|otp|credential|credentials|owner_id)(?:$|_|\.)"
)
_REQUESTED = re.compile(r"^(?:self\.)?(?:request|req|flask\.request)\.(?!method\b)(?:\w+)|^(?:body|payload|query_params|params)(?:\.|$)")


# An assert with one of those words near; statements are read only where there is one.
_ASSERTED = re.compile(
    rb"(?i)\bassert\b[\s\S]{0,300}?(?:auth|perm|allowed|admin|staff|superuser|owner|role|scope|passw|token|secret|signature|csrf|nonce|otp|credential|"
    rb"request|req\.|body|payload|form|params)"
)


def _bytes(function: Function) -> bytes:
    return function.source.data[function.start : function.end]


def _names(expression: Expression) -> Iterator[str]:
    for inner in expression.walk():
        if isinstance(inner, Name):
            yield inner.source_text
        elif isinstance(inner, Call):
            yield inner.name


def _narrows(expression: Expression) -> bool:
    """Whether an assert only tells the type checker something."""
    if isinstance(expression, Name):
        return re.match(r"(?:is|has|can|may)_", expression.source_text.rsplit(".", 1)[-1]) is None
    if isinstance(expression, Constant):
        return True
    if isinstance(expression, Call):
        if expression.method.startswith("is_") and expression.arguments:
            return True  # a type guard
        if expression.name in ("all", "any") and len(expression.arguments) == 1:
            inner = expression.arguments[0]
            return isinstance(inner, OpaqueExpression) and inner.kind == "comprehension" and bool(inner.items) and _narrows(inner.items[0])
        return expression.name in ("isinstance", "issubclass", "callable", "hasattr", "len", "inspect.isclass", "typing.assert_never")
    if isinstance(expression, Operation):
        if expression.operator in ("is", "is not"):
            return True
        if expression.operator in ("and", "or", "not"):
            return all(_narrows(operand) for operand in expression.operands)
    return False


def _counts(expression: Expression) -> bool:
    """`len(credentials) == 1`: how many there are says nothing about whose."""
    return isinstance(expression, Operation) and any(isinstance(part, Call) and part.name == "len" for part in expression.operands)


_SUBJECT = re.compile(
    r"(?i)^(?:self\.|cls\.|g\.|info\.context\.)?(?:request|req|\w*user|principal|actor|account|member|viewer|session|token|claims|payload|identity)\."
)
_PROOF = re.compile(r"(?i)(?:^|[_.])(?:password|passwd|token|secret|signature|csrf|nonce|otp|owner|owner_id)$")


def _is_access_rule(part: Expression) -> bool:
    """What somebody may (`user.is_admin`), whether what they show is right (`token == expected`), or is on a list."""
    if isinstance(part, (Name, Call)):
        name = part.source_text if isinstance(part, Name) else part.name
        return name.endswith("compare_digest") or bool(_SUBJECT.match(name) and _GUARDS.search(name))
    if not isinstance(part, Operation) or len(part.operands) != 2:
        return False
    left, right = part.operands
    if part.operator in ("==", "!="):
        return any(isinstance(operand, Name) and _PROOF.search(operand.source_text) for operand in part.operands)
    if part.operator in ("in", "not in") and isinstance(right, Name):
        last = right.source_text.rsplit(".", 1)[-1]
        return last.startswith("allowed") or isinstance(left, Constant) and bool(_GUARDS.search(last))
    return False


def _guards_what(expression: Expression) -> str:
    """What an assert guards, in words, or nothing."""
    if _narrows(expression):
        return ""
    names = list(_names(expression))
    if any(_is_access_rule(part) for part in expression.walk()) and not _counts(expression):
        return "an access rule"
    if any(_REQUESTED.match(name) for name in names):
        return "what a request brings"
    return ""


# Who asks for a login before the function runs, and the base classes that do.
_LOGIN = re.compile(
    r"(?i)(?:login|auth\w*|jwt|token|permission|permissions|sudo|staff|member|superuser|admin|user|role|roles|scope|scopes|session|otp|mfa)_?(?:is_)?required|"
    r"requires?_?(?:login|auth|user|permission|role|scope|staff|admin|sudo|session)|user_passes_test|permission_classes|IsAuthenticated|authenticated$|protected$|secured?$"
)
_LOGIN_BASE = re.compile(r"(?:Required|Authenticated|PassesTest|Access|Protected)\w*Mixin$|^(?:Login|Auth)\w*View$")
_STAFF = re.compile(r"(?i)staff|superuser|admin|passes_test|permission|role")
_LOGGED_IN = re.compile(r"(?:^|\.)(?:is_authenticated|is_active|is_logged_in|authenticated)$")
_OF_STAFF = re.compile(r"(?:^|\.)(?:is_staff|is_superuser|is_admin)$")


def _guard_words(function: Function) -> str:
    """The names of what asks for access before a function runs: its decorators, and those and the bases of its class."""
    holder = function.class_
    decorators = [*function.decorators, *(holder.decorators if holder is not None else ())]
    words = [part.source_text for decorator in decorators for part in decorator.walk() if isinstance(part, Name)]
    words += [base.rsplit(".", 1)[-1] for base in (holder.bases if holder is not None else ())]
    if holder is not None:
        permissions = (s for s in holder.body if s.kind == "assign" and any(t.text == "permission_classes" for t in s.targets))
        words += [part.source_text for s in permissions for value in s.expressions for part in value.walk() if isinstance(part, Name)]
    return " ".join(word for word in words if _LOGIN.search(word) or _LOGIN_BASE.search(word))


def _is_asked_before(function: Function, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a login has been asked for when an assert on this name is reached: then it only tells the type checker.

    By a decorator, a mixin or an early return; in a wrapper of a decorator of that name; or in every caller of a helper of this file.
    """
    logged_in, staff = bool(_LOGGED_IN.search(name)), bool(_OF_STAFF.search(name))
    if not logged_in and not staff:
        return False
    words = _guard_words(function)
    if words and (logged_in or _STAFF.search(words)):
        return True
    if logged_in and function.scope.function and _LOGIN.search(function.scope.symbol.rsplit(".", 1)[-1]):
        return True
    asked = b"not " + name.encode()
    if any(s.kind == "if" and s.expressions and asked in s.expressions[0].text.encode() and _leaves_at_once(s) for s in function.body):
        return True
    if not function.name.startswith("_") or function.name in seen or len(seen) > 4:
        return False
    return _is_asked_by_callers(function.module, function.name, name, seen | {function.name})


@lru_cache(maxsize=256)
def _is_asked_by_callers(module: Module, function: str, name: str, seen: frozenset[str]) -> bool:
    """Whether every caller of a function has asked; worked out once for all functions of that name."""
    around = [enclosing(call.function, module) for call in calls_of(module, function)]
    return all(caller is not None and _is_asked_before(caller, name, seen) for caller in around)


def _leaves_at_once(statement: Statement) -> bool:
    return bool(statement.body) and statement.body[-1].kind in ("return", "raise")


_ACCESS = re.compile(r"is_(?:superuser|staff|admin|authenticated|active|owner)|has_perm|permission|\brole\b")


@check("PRD208", on=[every(Function)], required_literals=("assert ", "assert(", "assert\t"))
def assert_as_runtime_check(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """An assert that guards access or input."""
    if _ASSERTED.search(_bytes(function)) is None or re.search(r"(?:^|_)tests?(?:_|$)", function.name):
        return
    for statement in statements_in(function.body):
        if statement.kind == "assert" and statement.expressions:
            condition = statement.expressions[0]
            what = _guards_what(condition)
            if what and not _is_asked_before(function, condition.source_text if isinstance(condition, Name) else ""):
                about_access = what == "an access rule" or _ACCESS.search(condition.text) is not None
                error = "PermissionError" if about_access else "ValueError"
                fix = FixRequest("raise-instead", f"Raise `{error}` instead", False, (("error", error),))
                removed = context.environment.startup.without_asserts
                words = "production runs Python with `-O`, which removes it" if removed else "`python -O` removes it"
                yield Diagnostic(
                    statement,
                    f"`assert` guards {what}: {words}",
                    priority="P0" if removed else None,
                    symbol=_symbol(function),
                    fix=fix,
                )


def _symbol(function: Function) -> str:
    return f"{function.scope.symbol}.{function.name}".lstrip(".")


# ---------------------------------------------------------------- PRD209

_LOOP = re.compile(r"(?i)(?:^|\.|_)(?:loop|event_loop|get_event_loop|get_running_loop)(?:\(\))?\.create_task$")


def _is_statement(call: Call) -> bool:
    """Whether the call is a statement of its own, its result thrown away."""
    data = call.source.data
    line_start = data.rfind(b"\n", 0, call.start) + 1
    begins = data[line_start : call.start].strip()
    after = data[call.end : call.end + 200].lstrip(b" \t")
    if begins == b"[" and _REST_OF_LIST.match(after):
        after = b""  # a list of tasks that is thrown away
    elif begins:
        return False
    if after[:1] not in (b"\n", b"\r", b"#", b";", b""):
        return False
    rest = re.sub(rb"^(?:[ \t]*(?:#[^\n]*)?\r?\n)+[ \t]*", b"", after)
    if re.match(rb"[)\]}.,+]|(?:for|if|else|and|or|async for)\b.*[)\]}]", rest):
        return False
    return data[max(0, line_start - 200) : line_start].rstrip()[-1:] not in (b"(", b"[", b"{", b",", b"=", b"\\", b"+")


_REST_OF_LIST = re.compile(rb"(?:async )?for\s[^\n]{1,180}\][ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
_BOUND = re.compile(rb"(?:^|\n)[ \t]*([A-Za-z_]\w*)[ \t]*(?::[^=\n]*)?=[ \t]*$")


def _is_unused(call: Call) -> bool:
    """Whether the task is bound to a local name that is never looked at: it is let go of when the function returns."""
    data = call.source.data
    bound = _BOUND.search(data, max(0, call.start - 200), call.start)
    if bound is None or not call.scope.function or data[call.end : call.end + 1] not in (b"\n", b"\r", b" ", b""):
        return False
    outer = _outermost(call.module).around(call)  # a closure may hold it
    if outer is None:
        return False
    return bound.group(1) == b"_" or _words(data, outer.start, outer.end)[bound.group(1)] == 1


@lru_cache(maxsize=4)
def _outermost(module: Module) -> IntervalIndex[Function]:
    """The functions of a file that stand in no other."""
    kept: list[Function] = []
    for function in sorted(module.functions(), key=lambda function: function.start):
        if not kept or kept[-1].end <= function.start:
            kept.append(function)
    return IntervalIndex(kept)


@lru_cache(maxsize=8)
def _words(data: bytes, start: int, end: int) -> Counter[bytes]:
    """How often each word stands in a part of a file."""
    return Counter(re.findall(rb"\w+", data[start:end]))


@check(
    "PRD209",
    on=[calls("asyncio.create_task", "asyncio.ensure_future", "*.create_task")],
    required_literals=("create_task", "ensure_future"),
)
def dangling_task(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A task that nobody holds."""
    if call.name not in ("asyncio.create_task", "asyncio.ensure_future") and not _LOOP.search(call.name):
        return
    if call.awaited:
        return
    if not _is_statement(call) and not _is_unused(call):
        return
    words = "it may be garbage-collected before it finishes, and its exception is lost"
    yield Diagnostic(call, f"no reference is kept to the task of `{call.method}`: {words}")


_ENDING = re.compile(r"(?i)(?:close|stop|shutdown|cleanup|teardown|cancel|drain|disconnect|dispose|__aexit__)")


def _starts_work(argument: Expression) -> bool:
    """Whether an argument of `gather` is work that begins here; of tasks made elsewhere somebody else may see the error."""
    if isinstance(argument, Call):
        return not _ENDING.search(argument.method) and argument.method not in (
            "create_task",
            "ensure_future",
            "wrap_future",
            "shield",
            "wait_for",
        )
    if isinstance(argument, OpaqueExpression) and argument.kind == "star" and argument.items:
        inner = argument.items[0]
        return isinstance(inner, OpaqueExpression) and inner.kind == "comprehension" and bool(inner.items) and _starts_work(inner.items[0])
    return False


@check("PRD209", on=[calls("asyncio.gather")], required_literals=[("gather", "return_exceptions")])
def dropped_errors(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Errors that `gather` collects in place of raising, and nobody reads."""
    collects = argument_of(call, "return_exceptions")
    if not (isinstance(collects, Constant) and collects.value is True) or not any(_starts_work(argument) for argument in call.arguments):
        return
    data = call.source.data
    line_start = data.rfind(b"\n", 0, call.start) + 1
    if data[line_start : call.start].strip() not in (b"await", b"") or _ENDING.search(call.scope.function):
        return
    if data[call.end : call.end + 200].lstrip(b" \t")[:1] in (b"\n", b"\r", b"#", b""):
        before = data[max(0, line_start - 200) : line_start].rstrip()[-1:]
        if before not in (b"(", b"[", b"{", b",", b"=", b"\\"):
            yield Diagnostic(call, "the exceptions that `gather(return_exceptions=True)` returns are discarded")


# ---------------------------------------------------------------- PRD212


def _leaves(block: Sequence[Statement], in_loop: bool = False) -> Iterator[Statement]:
    """Statements of a finally block that leave it."""
    for statement in block:
        if statement.kind == "return" or (statement.kind in ("break", "continue") and not in_loop):
            yield statement
        elif statement.kind in ("def", "class"):
            continue
        elif statement.kind == "if" and any(
            isinstance(inner, Call) and inner.name in ("sys.exc_info", "sys.exception")
            for condition in statement.expressions
            for inner in condition.walk()
        ):
            continue  # leaves only where nothing is on its way
        else:
            inside = in_loop or statement.kind in ("for", "while")
            for inner in statement.blocks():
                yield from _leaves(inner, inside)


def _dropped(block: Sequence[Statement], symbol: str) -> Iterator[Diagnostic]:
    seen: set[int] = set()
    for statement in statements_in(block):
        if statement.kind == "try" and statement.finalbody:
            for leaving in _leaves(statement.finalbody):
                if leaving.start in seen:
                    continue
                seen.add(leaving.start)
                replaced = _replaced(statement, leaving)
                if replaced is not None:
                    line = replaced.span.line
                    message = f"`return` in `finally` replaces the value returned at line {line} and drops every exception: remove it"
                    yield Diagnostic(leaving, message, priority="P0", symbol=symbol)
                else:
                    yield Diagnostic(leaving, f"`{leaving.kind}` in `finally` drops any exception in flight", symbol=symbol)


def _replaced(statement: Statement, leaving: Statement) -> Statement | None:
    """The first `return` of a try statement whose value an unconditional `return` in its `finally` replaces by another."""
    if leaving.kind != "return" or leaving not in statement.finalbody:
        return None
    gives = leaving.expressions[0] if leaving.expressions else None
    if gives is not None and not is_constant(gives):
        return None  # `return result`: what the blocks before worked out
    blocks = (statement.body, statement.orelse, *(handler.body for handler in statement.handlers))
    returned = (one for block in blocks for one in statements_in(block) if one.kind == "return" and one.expressions)
    return next((one for one in returned if gives is None or one.expressions[0].text != gives.text), None)


@check("PRD212", on=[every(Function)], required_literals=("finally:", "finally :"))
def return_in_finally(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A `finally` block that leaves by itself and drops the exception on its way."""
    if b"finally" not in _bytes(function):
        return
    yield from _dropped(function.body, _symbol(function))


@check("PRD212", on=[every(Module)], required_literals=("finally:", "finally :"))
def break_in_finally(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """The same outside of functions, where a loop is left."""
    yield from _dropped(module.body, "")
