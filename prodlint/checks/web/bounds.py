"""What a client may ask for without a bound (PRD467): how many rows one answer holds, and patterns that take minutes to match."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.quoting import quote
from prodlint.checks.web.backtracking import exponential_part
from prodlint.facts import Call, Constant, Function, Module, Name, Operation, Parameter, calls_in, expressions_in
from prodlint.model import Related
from prodlint.values.handlers import plain_words
from prodlint.values.lattice import Client, Member, Restricted, Text, Value
from prodlint.values.places import enclosing

_MOST_SHOWN = 5
_SIZES = frozenset(
    (
        "limit",
        "page_size",
        "per_page",
        "pagesize",
        "perpage",
        "pageSize",
        "perPage",
        "items_per_page",
        "itemsPerPage",
        "max_results",
        "maxResults",
        "page_limit",
    )
)
_NUMBER = re.compile(r"^(?:(?:typing\.)?Optional\[int\]|int(?:\s*\|\s*None)?|None\s*\|\s*int)$")
_MARKED = re.compile(r"^(?:typing(?:_extensions)?\.)?Annotated\[\s*(.*?)\s*,(.*)\]$", re.DOTALL)
_BOUNDED = re.compile(r"\b(?:le|lt)\s*=|\bLe\(|\bLt\(|\bInterval\(")
_LOOKS = frozenset(("min", "clamp", "clip", "validate_limit", "check_limit", "bounded"))


def _is_unbounded(parameter: Parameter, module: Module) -> bool:
    """Whether a parameter is a whole number of any size: `limit: int = 20`, `Annotated[int, Query()]`, `int = Query(20, ge=1)`."""
    annotation = plain_words(parameter.annotation.strip(), module)
    marked = _MARKED.match(annotation)
    if marked is not None:
        if _BOUNDED.search(marked[2]) or "Depends" in marked[2]:
            return False
        annotation = marked[1]
    if not _NUMBER.match(annotation):
        return False
    default = parameter.default
    if default is None or isinstance(default, Constant):
        return True
    return isinstance(default, Call) and default.method == "Query" and not {"le", "lt"} & set(default.keywords) and not default.spreads


def _is_compared(function: Function, name: str) -> bool:
    """Whether the function compares a number, or takes the smaller of it and another."""
    for expression in expressions_in(function.body):
        if isinstance(expression, Operation) and expression.operator in ("<", ">", "<=", ">=", "in", "not in"):
            if any(isinstance(part, Name) and part.source_text == name for operand in expression.operands for part in operand.walk()):
                return True
        elif (
            isinstance(expression, Call) and expression.method in _LOOKS and any(argument.text == name for argument in expression.arguments)
        ):
            return True
    return False


def _is_handed_on(function: Function, name: str) -> bool:
    return any(
        isinstance(one, Call) and any(argument.text == name for argument in (*one.arguments, *one.keywords.values()))
        for one in expressions_in(function.body)
    )


@check(
    "PRD467",
    on=[every(Module)],
    required_literals=[
        (framework, size.lower())
        for framework in ("fastapi", "ninja")
        for size in ("limit", "page_size", "per_page", "pagesize", "perpage", "items_per_page", "max_results")
    ],
    files=["python"],
)
def pages_of_any_size(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Routes whose caller says how many rows there are in an answer: one finding a file."""
    found: list[tuple[Call, str, str]] = []
    for function in module.functions():
        route = next(
            (
                one
                for one in function.decorators
                if isinstance(one, Call) and one.method == "get" and one.receiver is not None and one.arguments
            ),
            None,
        )
        if route is None:
            continue
        for parameter in function.parameters:
            if (
                parameter.name in _SIZES
                and _is_unbounded(parameter, module)
                and _is_handed_on(function, parameter.name)
                and not _is_compared(function, parameter.name)
            ):
                found.append((route, function.name, parameter.name))
                break
    if found:
        (at, name, size), *others = found
        rest = f"; so do {len(others)} more routes here" if len(others) > 1 else "; so does one more route here" if others else ""
        related = tuple(
            Related(place.file.path, place.span, f"`{parameter}` of `{other}`") for place, other, parameter in others[:_MOST_SHOWN]
        )
        yield Diagnostic(at, f"`{name}` sets no maximum for `{size}`: one request can ask for the whole table{rest}", related=related)


def _asked_for(value: Value, depth: int = 4) -> Client | None:
    """The query parameter that a number is made of."""
    for shape in value.shapes:
        if isinstance(shape, Client) and shape.source == "query":
            return shape
        inner = shape.of if isinstance(shape, Member) or isinstance(shape, Restricted) and shape.how in ("int", "number") else None
        if inner is not None and depth:
            found = _asked_for(inner, depth - 1)
            if found is not None:
                return found
    return None


@check(
    "PRD467",
    on=[calls("*.limit", "*.fetchmany")],
    required_literals=[
        (name, word) for name in (".limit(", ".fetchmany(") for word in ("request.args", "request.get", "query_params", "request.query")
    ],
    files=["python"],
)
def rows_of_any_number(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`query.limit(int(request.args["limit"]))`."""
    given = call.argument(0)
    if given is None or len(call.arguments) != 1 or isinstance(given, Constant):
        return
    function = enclosing(call, call.module)
    if function is None or any(one.method in _LOOKS for one in calls_in(function.body)):
        return
    if isinstance(given, Name) and (
        _is_compared(function, given.source_text) or any(one.name == given.source_text for one in function.parameters)
    ):
        return  # a parameter of a route is judged there
    if _asked_for(context.values(call.module).of(given)) is None:
        return
    yield Diagnostic(given, f"`{call.method}` takes an unbounded number from the query: one request can ask for the whole table")


# ---------------------------------------------------------------- patterns

_PATTERNS = ("compile", "search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split")


def _written_by(value: Value, depth: int = 5) -> Client | None:
    """The client who wrote a pattern or a part of it; what was escaped is another matter."""
    for shape in value.shapes:
        if isinstance(shape, Client):
            return shape
        found: Client | None = None
        if isinstance(shape, Member) and depth:
            found = _written_by(shape.of, depth - 1)
        elif isinstance(shape, Text) and depth:
            found = next((one for part in shape.parts if (one := _written_by(part.value, depth - 1))), None)
        if found is not None:
            return found
    return None


@check("PRD467", on=[calls(*(f"re.{name}" for name in _PATTERNS), *(f"regex.{name}" for name in _PATTERNS))], files=["python"])
def pattern_of_a_client(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A regular expression that a client wrote."""
    pattern = call.argument(0, "pattern")
    if pattern is None or isinstance(pattern, Constant) or call.name.startswith("regex.") and "timeout" in call.keywords:
        return
    client = _written_by(context.values(call.module).of(pattern))
    if client is None or client.source not in ("query", "form", "body", "path", "header", "cookie"):
        return
    words = f"`{call.name}` runs a pattern that a client wrote: one such as `(a+)+$` keeps this process busy for minutes"
    yield Diagnostic(pattern, words, priority="P2")


# What of a call is the text that is searched: `re.match(pattern, text)`, `PATTERN.match(text)`.
_OF_COMPILED = tuple(f"re.compile.{name}" for name in _PATTERNS[1:])


@check("PRD467", on=[calls(*(f"re.{name}" for name in _PATTERNS[1:]), *_OF_COMPILED)], files=["python"])
def slow_pattern(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A pattern that takes exponential time on a text that a client sent."""
    compiled = call.name.startswith("re.compile.")
    if compiled:
        made = call.module.follow(call.receiver, call) if call.receiver is not None else None
        pattern = made.argument(0, "pattern") if isinstance(made, Call) else None
        position = 1 if call.method in ("sub", "subn") else 0
    else:
        pattern, position = call.argument(0, "pattern"), 2 if call.method in ("sub", "subn") else 1
    if isinstance(pattern, Name):
        pattern = call.module.follow(pattern, call)
    text = call.argument(position, "string")
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str) or text is None or isinstance(text, Constant):
        return
    repeated = exponential_part(pattern.value, whole=call.method == "fullmatch")
    if not repeated:
        return
    client = _written_by(context.values(call.module).of(text))
    if client is None or client.source not in ("query", "form", "body", "path", "header", "cookie"):
        return
    words = f"`{quote(repeated)}` can match one text in many ways: a client's text of 40 characters keeps this process busy for minutes"
    yield Diagnostic(pattern if pattern.file.path == call.file.path else call, words, priority="P2")


@check(
    "PRD467", on=[calls("django.core.validators.RegexValidator", "django.forms.RegexField", "wtforms.validators.Regexp")], files=["python"]
)
def slow_validator(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A validator's pattern is tried on what clients send."""
    pattern = call.argument(0, "regex")
    if isinstance(pattern, Constant) and isinstance(pattern.value, str):
        repeated = exponential_part(pattern.value)
        if repeated:
            words = (
                f"`{quote(repeated)}` can match one text in many ways: a client's text of 40 characters keeps this process busy for minutes"
            )
            yield Diagnostic(pattern, words, priority="P2")
