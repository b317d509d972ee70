"""PRD303 and PRD304: functions that are called and do nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import Call, Class, Constant, Expression, Function, Module, Name, Statement
from prodlint.values.places import docstring

_INTERFACE_DECORATOR = re.compile(
    r"(?i)abstract|overload|singledispatch|hookspec|(?:^|\.)(?:register|dispatch|validator|event|signal|override)$"
)
_BASE_NAME = re.compile(
    r"Base(?:[A-Z_\d]|$)|^Base|Abstract|Mixin|Interface|Protocol|^I[A-Z][a-z]|Stub|Dummy|Null|NoOp|Noop|Fake|Mock|Generic|Plugin$|Template|Virtual"
)
_BASE_CLASSES = re.compile(r"(?:^|\.)(?:Protocol|ABC|ABCMeta|Interface|TypedDict|NamedTuple|Enum|Exception|BaseException)$")
_SAYS_BASE = re.compile(
    r"(?i)\b(?:sub-?class\w*|overrid\w*|overload\w*|abstract|interface|base class|derived|inherit\w*|child class\w*|implementations?|implementers?|"
    r"must (?:be )?(?:implement|define|provide)\w*|should (?:be )?(?:implement|define|provide)\w*|needs? to implement|hook)\b"
)
_SAYS_REFUSED = re.compile(
    r"(?i)\b(?:unsupported|not support\w*|no support|not (?:be )?(?:allowed|possible|available|applicable|callable|usable|valid)|cannot|can't|can not|"
    r"only|use |instead|deprecat\w*|removed|no longer|read-?only|immutable|invalid|never|should not|shouldn't|disabled|requires?|outside)\b"
)
_SAYS_LATER = re.compile(
    r"(?i)\b(?:yet|todo|fixme|tbd|placeholder|coming soon|(?<!needs )(?<!need )(?<!has )(?<!have )to be implemented|(?<!must )(?<!should )(?<!to )(?<!have to )(?<!classes )implement (?:this|me|it)|needs? implement\w*|implementation pending|"
    r"not (?:fully )?implemented yet|stub(?:bed)?|fill (?:this )?in|work in progress|wip)\b"
)
_YET = re.compile(r"(?i)(?<!implemented )\byet\b(?! (?:to be )?implemented)")
_SAYS_EMPTY = re.compile(
    r"(?i)\b(?:no-?op|nothing|noop|does not|do not|don't|doesn't|intention\w*|deliberate\w*|on purpose|purposely|empty|hook|overrid\w*|deprecat\w*|"
    r"^no \w+ (?:to|are|is|need)|backwards?|compat\w*|kept for|unused|ignored?|required by|needed (?:by|for)|only (?:for|here|exists)|entry ?point|callback|dummy|sentinel|marker|fake|"
    r"legacy|old way|no longer|disabled|used (?:by|to|for|as|in)|not (?:used|needed|required|necessary|supported)|handled|interface|protocol)\b"
)
_ROUTES = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "api_view"})


def effective_body(function: Function) -> tuple[Statement, ...]:
    """A function's statements without its docstring."""
    body = function.body
    if body and body[0].kind == "expression" and body[0].expressions and isinstance(body[0].expressions[0], Constant):
        if isinstance(body[0].expressions[0].value, str):
            return body[1:]
    return body


def _decorator_names(function: Function) -> list[str]:
    names = []
    for decorator in function.decorators:
        called = decorator.function if isinstance(decorator, Call) else decorator
        names.append(called.name if isinstance(called, Name) else decorator.name if isinstance(decorator, Call) else "?")
    return names


def _is_route(function: Function) -> bool:
    return any(isinstance(d, Call) and d.method in _ROUTES and d.receiver is not None for d in function.decorators)


def _asks_only(function: Function) -> bool:
    """Whether a route is there for what its dependencies ask: `@router.get("/ok", dependencies=[Depends(require_admin)])`."""
    return any(isinstance(d, Call) and "dependencies" in d.keywords for d in function.decorators)


def _comments_in(function: Function) -> str:
    """The comments of a short function's body, and the one after its last statement."""
    if not function.body:
        return ""
    data = function.source.data
    end = data.find(b"\n", function.end)
    lines = data[function.start : end if end != -1 else len(data)].decode("utf-8", "replace").splitlines()
    return "\n".join(line.split("#", 1)[1] for line in lines[:60] if "#" in line)


def _is_interface(function: Function, holder: Class | None) -> bool:
    """Whether the function only says what others have to do."""
    if "stub" in function.file.roles or function.file.path.endswith(".pyi") or "type-checking" in function.scope.guards:
        return True
    if any(_INTERFACE_DECORATOR.search(name) for name in _decorator_names(function)):
        return True
    if holder is None:
        return False
    if _BASE_NAME.search(holder.name) or any(_BASE_CLASSES.search(base.split("[", 1)[0]) for base in holder.bases):
        return True
    if "metaclass" in holder.keywords or _SAYS_BASE.search(docstring(holder.body)):
        return True
    if holder.name in _names_of_bases(function.module):
        return True
    return any(_INTERFACE_DECORATOR.search(name) for other in _methods(holder) for name in _decorator_names(other))


@lru_cache(maxsize=4)
def _names_of_bases(module: Module) -> frozenset[str]:
    """The names, without their modules, of all that the classes of a file are built on."""
    return frozenset(base.rsplit(".", 1)[-1].split("[", 1)[0] for each in module.classes() for base in each.bases)


def _methods(holder: Class) -> Iterator[Function]:
    for statement in holder.body:
        if isinstance(statement.definition, Function):
            yield statement.definition


# ---------------------------------------------------------------- PRD303

_BINARY = re.compile(
    r"^__(?:r|i)?(?:add|sub|mul|matmul|truediv|floordiv|mod|divmod|pow|lshift|rshift|and|or|xor|eq|ne|lt|le|gt|ge|contains|subclasshook|instancecheck|"
    r"subclasscheck|length_hint|class_getitem|round|format|buffer|index)__$"
)
_NOT_IMPLEMENTED_TEXT = re.compile(r"(?i)\b(?:not (?:yet )?(?:been )?implemented|unimplemented|to be implemented|implement me)\b")


# "Not yet supported" by a service that this one talks to: nothing that could be written here.
_NOT_SUPPORTED = re.compile(r"(?i)\bnot (?:yet )?(?:currently )?(?:be )?supported\b|\bdoes(?: not|n't) (?:yet |currently )?support\b")
_REFUSING_NAME = re.compile(
    r"(?i)^_*(?:raise|refuse|reject|forbid|fail|abort)(?:_|$)|unsupported|not_supported|dummy|fake|mock|stub|not_implemented|null|_*missing_"
)


def _text_of(expression: Expression | None) -> str:
    """The literal text in an exception's arguments."""
    if expression is None:
        return ""
    return " ".join(str(inner.value) for inner in expression.walk() if isinstance(inner, Constant) and isinstance(inner.value, str))


def _stub(statement: Statement, function: Function) -> str:
    """What a statement does in place of an implementation, or nothing."""
    value = statement.expressions[0] if statement.expressions else None
    if statement.kind == "raise":
        raised = value.function if isinstance(value, Call) else value
        name = raised.name if isinstance(raised, Name) else ""
        if name.removeprefix("builtins.") == "NotImplementedError":
            return "raises `NotImplementedError`"
        if name in ("Exception", "RuntimeError") and _NOT_IMPLEMENTED_TEXT.search(_text_of(value)):
            return "only says that it is not implemented"
        if isinstance(value, Call) and value.method in ("HTTPException", "abort", "HTTPNotImplemented") and _answers_501(value):
            return "always answers 501"
    if statement.kind == "return" and isinstance(value, Name) and value.name == "NotImplemented" and not _BINARY.match(function.name):
        return "returns `NotImplemented`"
    if statement.kind in ("return", "expression") and _is_route(function) and value is not None and _answers_501(value):
        return "always answers 501"
    return ""


# What a stub holds, looked for before its statements are read.
_STUB_BYTES = re.compile(rb"(?i)implement|501")
_EMPTY_END = re.compile(rb"(?:\bpass|\.\.\.)\s*(?:#[^\n]*\s*)*$")


def _answers_501(expression: Expression) -> bool:
    for inner in expression.walk():
        if isinstance(inner, Constant) and inner.value == 501 and not isinstance(inner.value, bool):
            return True
        if isinstance(inner, Name) and inner.source_text.endswith(("HTTP_501_NOT_IMPLEMENTED", "HTTPStatus.NOT_IMPLEMENTED")):
            return True
    return False


def _header(function: Function) -> ByteRange:
    """`def name(...)` up to the end of its first line."""
    line = function.source.data[function.start : function.source.end_of_line(function.start, function.end)]
    return ByteRange(function.source, function.start, function.start + len(line.split(b"#", 1)[0].rstrip()))


@check(
    "PRD303",
    on=[every(Function)],
    required_literals=(
        "notimplemented",
        "not implemented",
        "not yet implemented",
        "unimplemented",
        "not_implemented",
        "501)",
        "501,",
        "501\n",
        " 501",
    ),
)
def not_implemented_stub(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A function that can be called and is not there yet."""
    if not _STUB_BYTES.search(function.source.data, function.start, function.end):
        return
    body = effective_body(function)
    if not body or len(body) > 3:
        return
    last = body[-1]
    if len(body) > 1 and any(statement.kind not in ("expression", "delete", "pass") for statement in body[:-1]):
        return
    does = _stub(last, function)
    holder = function.class_
    if (
        not does
        or function.scope.function
        or function.scope.in_handler
        or _is_interface(function, holder)
        or _REFUSING_NAME.search(function.name)
    ):
        return
    message, about = _text_of(last.expressions[0] if last.expressions else None), docstring(function.body)
    said = " ".join((message, about, _comments_in(function)))
    # "If the room does not exist yet" is about the room.
    later = bool(_SAYS_LATER.search(said.replace(about, _YET.sub("", about)))) and not (holder is not None and _NOT_SUPPORTED.search(said))
    if _is_route(function) or later or (holder is None and not (_SAYS_BASE.search(said) or _SAYS_REFUSED.search(said))):
        if function.name.startswith("__") and not later:
            return
        yield Diagnostic(_header(function), f"`{function.name}` {does}", symbol=_symbol(function))


def _symbol(function: Function) -> str:
    return f"{function.scope.symbol}.{function.name}".lstrip(".")


# ---------------------------------------------------------------- PRD304


_EMPTY_NAME = re.compile(
    r"(?i)^_*$|no_?op|dummy|nothing|null|ignore|do_nothing|(?:^|_)no_(?:auth|check|permission)|placeholder|unused|^(?:upgrade|downgrade|forwards?|backwards?|reverse\w*|main|setup|teardown|"
    r"setup_\w+|teardown_\w+|pytest_\w+|includeme|register|unregister|activate|deactivate|cli|app|ready|load_tests|handler|callback|root|group|on_\w+|"
    r"_?fake\w*|_?mock\w*|_?stub\w*|identity|pass\w*|skip\w*|empty\w*)$"
)


def _is_passed_around(function: Function) -> bool:
    """Whether the function is handed to something as a value, where doing nothing may be the point."""
    return function.name.encode() in _passed_around(function.source.data)


_PASSED = re.compile(rb"(?:[=(,\[]|\breturn|\belse|\bor)[ \t]*([\w\x80-\xff]+)(?=[ \t]*(?:[,)\]\r\n]|if\b|$))")
_DEFINED = re.compile(rb"\bdef[\s\\]+([\w\x80-\xff]+)[\s\\]*[(\[]")


@lru_cache(maxsize=4)
def _passed_around(data: bytes) -> frozenset[bytes]:
    """The names that a file hands on as values."""
    return frozenset(_PASSED.findall(data))


@lru_cache(maxsize=4)
def _defined(data: bytes) -> Counter[bytes]:
    """How often each function is defined."""
    return Counter(_DEFINED.findall(data))


# A docstring that tells the reader what to put there.
_TO_BE_FILLED = re.compile(
    r"(?i)\b(?:your own|custom|customi[sz]\w+|extension point|plug ?in|(?:provide|return|put|place|schedule|register|add|define) \w.{0,60}\bhere\b|replace this (?:function|method)|override)\b"
)
# So many functions of one name's end make a family; one of them may have nothing to do.
_FAMILY = 3


def _is_one_of_a_family(function: Function) -> bool:
    """Whether others of its file share the last two words of its name: `case_new_status_flow` beside `case_closed_status_flow`.

    Who calls one of them by the state it is in needs them all, and some have nothing to do.
    """
    words = function.name.strip("_").split("_")
    if len(words) < 3:
        return False
    return _families(function.module)["_".join(words[-2:])] > _FAMILY


@lru_cache(maxsize=4)
def _families(module: Module) -> Counter[str]:
    """How many functions of a file end with the same two words, behind at least one more."""
    ends = (function.name.rsplit("_", 2) for function in module.functions())
    return Counter("_".join(words[1:]) for words in ends if len(words) == 3)


@check("PRD304", on=[every(Function)], required_literals=("pass", "..."))
def empty_function_body(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A function without a body."""
    if not _EMPTY_END.search(function.source.data, max(function.start, function.end - 300), function.end):
        return
    body = effective_body(function)
    if len(body) != 1 or function.scope.function or function.scope.in_handler:
        return
    only = body[0]
    dots = (
        only.kind == "expression"
        and bool(only.expressions)
        and isinstance(only.expressions[0], Constant)
        and only.expressions[0].value is ...
    )
    if only.kind != "pass" and not dots:
        return
    holder = function.class_
    if _is_interface(function, holder):
        return
    said = docstring(function.body) + "\n" + _comments_in(function)
    later = bool(_SAYS_LATER.search(said))
    if not later:
        if holder is not None or function.name.startswith("__") or _EMPTY_NAME.search(function.name) or _SAYS_EMPTY.search(said):
            return
        if _defined(function.source.data)[function.name.encode()] > 1:
            return  # the other definition is the real one
        if _TO_BE_FILLED.search(said) or _is_one_of_a_family(function) or _asks_only(function):
            return
        if (function.decorators and not _is_route(function)) or _is_passed_around(function) or dots and not _is_route(function):
            return
    elif _SAYS_EMPTY.search(said) or _SAYS_BASE.search(said):
        return
    what = "is empty" if later or _is_route(function) else "does nothing at all"
    yield Diagnostic(_header(function), f"`{function.name}` {what}: callers get None", symbol=_symbol(function))
