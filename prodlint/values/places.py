"""What the resilience rules ask of the code around a fact: the value of a name, the function, a deadline, a client's calls.

The indexes are made once a file, on the first question: a generated file with ten thousand calls must not cost their square.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeGuard, TypeVar

from prodlint.facts import (
    Attribute,
    Call,
    Class,
    Collection,
    Constant,
    Expression,
    Fact,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
)

VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

# ---------------------------------------------------------------- values

UNKNOWN = object()
"""What `value_of` says of an expression whose value the file does not tell."""


def value_of(expression: Expression | None, module: Module, near: Fact | None = None) -> Any:
    """The value of a literal, or of a name bound once to one; a tuple for a tuple of them; else UNKNOWN."""
    if expression is None:
        return UNKNOWN
    expression = resolved(expression, module, near)
    if isinstance(expression, Constant):
        return expression.value
    if isinstance(expression, Collection) and expression.kind in ("tuple", "list"):
        return tuple(value_of(item, module, near) for item in expression.items)
    if isinstance(expression, Operation) and len(expression.operands) == 2 and expression.operator in ("*", "+"):
        left, right = (value_of(operand, module, near) for operand in expression.operands)
        if is_number(left) and is_number(right):
            return left * right if expression.operator == "*" else left + right
    return UNKNOWN


# More seconds than there have been.
_FOR_EVER = 1e18


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value counts as a number of seconds: a boolean does not, nor what no clock counts (`1e400`, which is infinite)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _FOR_EVER


def written(number: float) -> str:
    """A number of seconds as a person writes it."""
    return str(int(number)) if number == int(number) else str(number)


def resolved(expression: Expression | None, module: Module, near: Fact | None = None) -> Expression | None:
    """The expression a name stands for, where the file binds it once."""
    return module.follow(expression, near) if isinstance(expression, Name) else expression


def argument_of(call: Call, keyword: str, position: int = -1) -> Expression | None:
    """What a call is given under a keyword or at a position (from 0), or nothing. A name that the file binds once is what it stands for."""
    return resolved(call.argument(position, keyword), call.module, call)


# ---------------------------------------------------------------- the code around


_Definition = TypeVar("_Definition", Function, Class, Statement)


def regions(module: Module) -> Iterator[tuple[Statement, int, int]]:
    """The module's own statements, each with the bytes from where it begins to where the next one does; those before the first are its own."""
    begin = 0
    for statement, following in zip(module.body, (*module.body[1:], None), strict=False):  # an empty file has no statement
        end = following.start if following is not None else len(module.source.data)
        yield statement, begin, end
        begin = end


def calls_beside(module: Module, words: re.Pattern[bytes]) -> Iterator[Call]:
    """The calls of those of the module's own statements that hold some words; nothing is made of the others."""
    for _, start, end in regions(module):
        if words.search(module.source.data, start, end):
            yield from module.calls_within(start, end)


class IntervalIndex(Generic[_Definition]):
    """Definitions or statements, none of which overlap, and the way from a place to the innermost one around it."""

    def __init__(self, definitions: Sequence[_Definition]) -> None:
        self.definitions: list[_Definition] = sorted(definitions, key=lambda definition: definition.start)
        self.starts: list[int] = [definition.start for definition in self.definitions]
        self.parents: list[int] = []
        open_ones: list[int] = []
        for index, definition in enumerate(self.definitions):
            while open_ones and self.definitions[open_ones[-1]].end <= definition.start:
                open_ones.pop()
            self.parents.append(open_ones[-1] if open_ones else -1)
            open_ones.append(index)

    def around(self, fact: Fact) -> _Definition | None:
        """The innermost definition that holds a fact."""
        index = bisect_right(self.starts, fact.start) - 1
        while index >= 0 and self.definitions[index].end < fact.end:
            index = self.parents[index]
        return self.definitions[index] if index >= 0 else None


@lru_cache(maxsize=4)
def _functions(module: Module) -> IntervalIndex[Function]:
    return IntervalIndex(module.functions())


@lru_cache(maxsize=4)
def _classes(module: Module) -> IntervalIndex[Class]:
    return IntervalIndex(module.classes())


def enclosing(fact: Fact, module: Module) -> Function | None:
    """The innermost function around a fact."""
    return _functions(module).around(fact)


def class_around(fact: Fact, module: Module) -> Class | None:
    """The innermost class around a fact."""
    return _classes(module).around(fact)


@lru_cache(maxsize=32)
def body_of(function: Function) -> tuple[Statement, ...]:
    """A function's statements, read once."""
    return function.body


def docstring(body: Sequence[Statement]) -> str:
    """The docstring of a function or class, or nothing."""
    if body and body[0].kind == "expression" and body[0].expressions and isinstance(body[0].expressions[0], Constant):
        value = body[0].expressions[0].value
        return value if isinstance(value, str) else ""
    return ""


def block_around(fact: Fact, module: Module) -> tuple[Statement, ...]:
    """The statements of the function around a fact, or of the module."""
    function = enclosing(fact, module)
    return body_of(function) if function is not None else module.body


def _start(statement: Statement) -> int:
    return statement.start


def statements_around(fact: Fact, block: Sequence[Statement]) -> Iterator[Statement]:
    """The statements of a block that hold a fact, outermost first."""
    while block:
        index = bisect_right(block, fact.start, key=_start) - 1
        if index < 0 or block[index].end <= fact.start:
            return
        statement = block[index]
        yield statement
        block = next((inner for inner in statement.blocks() if inner and inner[0].start <= fact.start < inner[-1].end), ())


def conditions_above(call: Call) -> Iterator[Expression]:
    """The conditions of the `if` statements of its function whose first arm holds a call, outermost first."""
    function = enclosing(call, call.module)
    for statement in statements_around(call, function.body) if function is not None else ():
        if statement.kind == "if" and statement.expressions and statement.body:
            if statement.body[0].start <= call.start < statement.body[-1].end:
                yield statement.expressions[0]


def in_lambda(fact: Fact, block: Sequence[Statement]) -> bool:
    """Whether a fact stands inside a lambda of one of these statements."""
    for statement in statements_around(fact, block):
        for expression in (*statement.targets, *statement.expressions):
            if expression.start <= fact.start < expression.end:
                for part in expression.walk():
                    if isinstance(part, OpaqueExpression) and part.kind == "lambda" and part.start < fact.start and fact.end <= part.end:
                        return True
    return False


DEADLINES = frozenset(
    {
        "asyncio.timeout",
        "asyncio.timeout_at",
        "asyncio.wait_for",
        "asyncio.wait",
        "async_timeout.timeout",
        "async_timeout.timeout_at",
        "anyio.fail_after",
        "anyio.move_on_after",
        "trio.fail_after",
        "trio.move_on_after",
    }
)


@lru_cache(maxsize=4)
def _deadlines(module: Module) -> list[Call]:
    return [call for call in module.calls() if call.name in DEADLINES]


def has_deadline(fact: Fact, module: Module) -> bool:
    """Whether a deadline surrounds a fact: `async with asyncio.timeout(...)`, `asyncio.wait_for(...)` and their like."""
    deadlines = _deadlines(module)
    if not deadlines:
        return False
    if any(call.start <= fact.start and fact.end <= call.end for call in deadlines):
        return True
    withs = (statement for statement in statements_around(fact, block_around(fact, module)) if statement.kind == "with")
    return any(isinstance(item, Call) and item.name in DEADLINES for statement in withs for item in statement.expressions)


def decorator_name(decorator: Expression) -> str:
    """The qualified name of a decorator, called or not."""
    if isinstance(decorator, (Call, Name)):
        return decorator.name
    return decorator.attribute if isinstance(decorator, Attribute) else ""


# ---------------------------------------------------------------- calls


def shown(call: Call) -> str:
    """How a message names a call: as written when that is short, else by its qualified name."""
    text = call.function.text
    return text if len(text) <= 40 and "\n" not in text else call.name


def is_imported(call: Call) -> bool:
    """Whether a call's name leads back to something the file imports: a parameter called `requests` is not the library."""
    return call.is_imported


def same_call(left: Expression | None, right: Call) -> bool:
    """Whether an expression is this very call."""
    return isinstance(left, Call) and left.start == right.start and left.end == right.end


@lru_cache(maxsize=4)
def _by_constructor(module: Module) -> Mapping[tuple[int, int], Sequence[Call]]:
    found: dict[tuple[int, int], list[Call]] = {}
    for call in module.calls():
        made = call.constructor
        if made is not None:
            found.setdefault((made.start, made.end), []).append(call)
    return found


def calls_on(constructor: Call, methods: Iterable[str]) -> list[Call]:
    """The calls in this file of these methods on what a constructor call made."""
    wanted = frozenset(methods)
    found = _by_constructor(constructor.module).get((constructor.start, constructor.end), ())
    return [call for call in found if call.method in wanted]


@lru_cache(maxsize=4)
def _by_method(module: Module) -> Mapping[str, Sequence[Call]]:
    found: dict[str, list[Call]] = {}
    for call in module.calls():
        found.setdefault(call.method, []).append(call)
    return found


def calls_of(module: Module, *methods: str) -> list[Call]:
    """The calls in a file whose name ends in one of these words, in order of the words."""
    index = _by_method(module)
    return [call for method in methods for call in index.get(method, ())]


def names_bound_to(call: Call) -> Iterator[str]:
    """The names, as written, that this call's result is given."""
    for statement in statements_around(call, block_around(call, call.module)):
        if statement.assignment is not None and same_call(statement.assignment.value, call):
            yield statement.assignment.qualified
        for target, expression in zip(statement.targets, statement.expressions, strict=False):
            if isinstance(target, Name) and same_call(expression, call):
                yield target.source_text


def annotated_as(fact: Call, name: str, types: Iterable[str]) -> str:
    """Which of these qualified types the annotation of a parameter of the surrounding function names, or nothing."""
    function = enclosing(fact, fact.module)
    if function is None:
        return ""
    declared = next((parameter.annotation for parameter in function.parameters if parameter.name == name), "")
    return next((found for found in types_in(declared, fact.module) if found in types), "")


def types_in(annotation: str, module: Module) -> Iterator[str]:
    """The qualified names in an annotation, in order: of `Annotated[Redis, Depends(cache)]`, `OpenAI | None`, `"Session"`."""
    for word in annotation.translate(_BRACKETS).split():
        head, _, rest = word.partition(".")
        yield module.imports.get(head, head) + ("." + rest if rest else "")


_BRACKETS = str.maketrans({**dict.fromkeys("[],|\"'", " "), "(": "", ")": ""})


# ---------------------------------------------------------------- what answers requests

_HANDLER_DECORATORS = frozenset({*VERBS, "route", "api_route", "websocket", "view", "api_view", "api_operation"})
_WITHOUT_PATH = frozenset({"websocket", "api_route", "view", "api_view"})
_REGISTRATIONS = (
    "add_api_route",
    "add_route",
    "add_url_rule",
    "add_get",
    "add_post",
    "add_put",
    "add_patch",
    "add_delete",
    "Route",
    "path",
)


def is_handler(function: Function) -> bool:
    """Whether a function answers requests: decorated as a route, or registered as one in its file."""
    for decorator in function.decorators:
        if isinstance(decorator, Call) and decorator.method in _HANDLER_DECORATORS and decorator.receiver is not None:
            first = decorator.argument(0, "path")
            if isinstance(first, Constant) and isinstance(first.value, str) and first.value[:1] in ("", "/", "<", "{"):
                return True
            if decorator.method in _WITHOUT_PATH:
                return True
    if function.class_ is not None and function.name in VERBS:  # a view's method: `class Orders(APIView): def get(self, request)`
        return any(base.endswith(_VIEWS) for base in function.class_.bases)
    return function.name in _registered(function.module)


_VIEWS = ("View", "ViewSet", ".Resource", "RequestHandler", "HTTPEndpoint", "HTTPMethodView", "HTTPController")


@lru_cache(maxsize=4)
def _registered(module: Module) -> frozenset[str]:
    """The names of functions that calls in a file register as handlers."""
    if not any(word in module.source.data for word in (b"add_", b"Route(", b"path(")):
        return frozenset()
    calls = calls_of(module, *_REGISTRATIONS)
    return frozenset(
        argument.source_text for call in calls for argument in (*call.arguments, *call.keywords.values()) if isinstance(argument, Name)
    )


_TRIED_IMPORT = re.compile(rb"(?m)^[ \t]+(?:import|from)[ \t]+(\w+)")


def is_tried(call: Call) -> bool:
    """Whether the library of a call is imported in a `try` of the module: something optional, that may well not be installed."""
    return call.name.split(".", 1)[0].encode() in _tried(call.module)


@lru_cache(maxsize=4)
def _tried(module: Module) -> frozenset[bytes]:
    """The packages that a file imports in a `try` of its own."""
    data = module.source.data
    return frozenset(
        name for statement in module.body if statement.kind == "try" for name in _TRIED_IMPORT.findall(data, statement.start, statement.end)
    )
