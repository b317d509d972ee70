"""Bodies of requests that nothing checks (PRD466)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    check,
    every,
)
from prodlint.facts import (
    Attribute,
    Call,
    Constant,
    Expression,
    Function,
    Module,
    Name,
    Operation,
    Parameter,
    Subscript,
    expressions_in,
    statements_in,
)
from prodlint.model import Related
from prodlint.values.handlers import plain_words, text_of, words_of

_MOST_SHOWN = 5

# ---------------------------------------------------------------- PRD466: bodies that nothing checks

_FRAMEWORKS = frozenset(
    (
        "fastapi",
        "ninja",
        "ninja_extra",
        "flask",
        "quart",
        "starlette",
        "django",
        "sanic",
        "aiohttp",
        "litestar",
        "bottle",
        "flask_restful",
        "flask_restx",
    )
)
_RAW = re.compile(
    r"^(?:typing\.)?(?:[Dd]ict|Any|[Ll]ist|Mapping|MutableMapping|JSON|object)(?:\[(?:str|typing\.|Any|[Dd]ict|[Ll]ist|object|int|float|bool|[\[\],| ]|None)*\])?(?:\s*\|\s*None)?$"
)
_GIVEN = re.compile(r"\b(?:Depends|Security|Query|Header|Cookie|Path|File|Form|Provide|Inject)\b")
# What checks a body, by the names that libraries and their users give it; or what shows that it is somebody else's to check.
_CHECKS = re.compile(
    r"valid|[Ss]chema|[Ss]erializ|parse_obj|TypeAdapter|isinstance|from_dict|marshal|voluptuous|cerberus|deserializ|structure|\bcattrs|[Ff]orm\b|convert\b|_model\b|Model\b"
    r"|signature|hmac|compare_digest|verify|webhook|callback|hook|graphql|proxy|forward|ValidationError|KeyError|TypeError|ValueError|TypedDict|\b4(?:00|22)\b|BAD_REQUEST|UNPROCESSABLE|BadRequest|require|missing|check_"
)
# Without one of these a function neither reads a body nor is given one: what `_untyped_parameter` and `_reads_json` look for.
_MAY_HOLD = re.compile(rb"json|loads|\.\s*(?:post|put|patch)\b")
_JSON_READERS = frozenset(("json", "get_json"))


def _untyped_parameter(function: Function, used: frozenset[str]) -> tuple[Parameter, Call] | None:
    """FastAPI's and Ninja's parameter that is read from the body as it comes, and the decorator of its route."""
    if not used & {"fastapi", "ninja", "ninja_extra"}:
        return None
    for decorator in function.decorators:
        if not isinstance(decorator, Call) or decorator.method not in ("post", "put", "patch"):
            continue
        path = decorator.argument(0, "path")
        written = str(path.value) if isinstance(path, Constant) else ""
        for parameter in function.parameters:
            annotation = plain_words(parameter.annotation.strip(), function.module)
            marked = re.match(r"(?:typing\.)?Annotated\[(.*?),\s*(?:\w+\.)?Body\b", annotation)
            annotation = marked[1] if marked else annotation
            default = plain_words(parameter.default.text, function.module) if parameter.default is not None else ""
            if parameter.kind == "" and _RAW.match(annotation) and not _GIVEN.search(default) and f"{{{parameter.name}" not in written:
                return parameter, decorator
    return None


def _reads_json(expression: Expression) -> bool:
    """`await request.json()`, `request.get_json()`, `request.json`, `json.loads(request.body)`."""
    for part in expression.walk():
        if isinstance(part, Call):
            if part.method in _JSON_READERS and part.receiver is not None and _is_request(part.receiver):
                return True
            if part.method == "loads" and any(_is_body(inner) for argument in part.arguments for inner in argument.walk()):
                return True
        elif isinstance(part, Name) and (part.source_text == "request.json" or part.name.endswith(".request.json")):
            return True
    return False


def _is_request(expression: Expression) -> bool:
    """`request`, `self.request`, or a name for Flask's."""
    return isinstance(expression, Name) and (
        expression.source_text in ("request", "self.request", "req") or expression.name.endswith(".request")
    )


def _is_body(expression: Expression) -> bool:
    """`request.body`, `request.data`, `await request.body()`, `request.get_data()`."""
    if isinstance(expression, Call):
        return expression.method in ("body", "get_data") and expression.receiver is not None and _is_request(expression.receiver)
    return isinstance(expression, Name) and re.search(r"(?:^|\.)request\.(?:body|data)$", expression.name) is not None


def _bodies(function: Function, used: frozenset[str]) -> Iterator[tuple[str, Expression]]:
    """The names under which a handler holds a body as it came, each with its place."""
    untyped = _untyped_parameter(function, used)
    if untyped is not None:
        yield untyped[0].name, untyped[1]
    for statement in statements_in(function.body):
        made = statement.assignment
        if (
            made is not None
            and made.kind in ("name", "annotated")
            and _reads_json(made.value)
            and not isinstance(_inner(made.value), (Subscript, Attribute))
        ):
            yield made.target, made.value


def _inner(expression: Expression) -> Expression:
    """What an `or {}` or an `await` stands around."""
    if isinstance(expression, Operation) and expression.operator == "or":
        return _inner(expression.operands[0])
    return expression


def _uses_entries(function: Function, name: str) -> bool:
    """Whether entries of a body are taken out by hand."""
    for expression in expressions_in(function.body):
        if isinstance(expression, Subscript) and isinstance(expression.value, Name) and expression.value.source_text == name:
            return True
        if (
            isinstance(expression, Call)
            and expression.method == "get"
            and expression.receiver is not None
            and expression.receiver.text == name
        ):
            return True
    return False


def _is_checked(function: Function, name: str) -> bool:
    if any(_CHECKS.search(word) for word in (*words_of(function), function.name)):
        return True
    for expression in expressions_in(function.body):
        if isinstance(expression, Operation) and expression.operator in ("in", "not in") and expression.operands[-1].text == name:
            return True
        if isinstance(expression, Operation) and expression.operator == "not" and expression.operands[0].text == name:
            return True
        if isinstance(expression, Call) and any(spread.text == name for spread in expression.spreads):
            return True  # `Order(**body)`: what is made of it decides
    return False


@check(
    "PRD466",
    on=[every(Module)],
    required_literals=[
        (".json(", "request"),
        "get_json",
        "request.json",
        ("loads", "request.body"),
        (".post(", "dict"),
        (".put(", "dict"),
        (".patch(", "dict"),
        (".post(", "any"),
        (".put(", "any"),
    ],
    files=["python"],
)
def untyped_bodies(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Handlers that take entries out of a body that nothing has checked: one finding a file."""
    used = frozenset(name.split(".", 1)[0] for name in module.imports.values())
    if not used & _FRAMEWORKS:
        return
    found: list[tuple[Expression, str]] = []
    for function in module.functions():
        if not _MAY_HOLD.search(text_of(function)):
            continue
        for name, at in _bodies(function, used):
            if _uses_entries(function, name) and not _is_checked(function, name):
                found.append((at, function.name))
                break
    if found:
        (at, name), *others = found
        rest = (
            f", and {len(others)} more handlers here do the same"
            if len(others) > 1
            else ", and one more handler here does the same"
            if others
            else ""
        )
        related = tuple(Related(place.file.path, place.span, f"`{other}`") for place, other in others[:_MOST_SHOWN])
        yield Diagnostic(
            at,
            f"`{name}` reads fields of an unvalidated body: a missing or wrong field ends in a 500{rest}",
            related=related,
        )
