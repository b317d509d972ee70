"""What an expression can be when the program runs, as far as its own file tells.

CORS and JWT settings reach their call through constants, lists put together, fallbacks of environment variables and
settings classes. Everything here answers "this literal may arrive there" and stays silent about the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.facts import (
    Attribute,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Fact,
    FString,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    Subscript,
    encodable,
    statements_in,
)

# An expression is followed through at most this many names, lists and calls.
DEPTH = 8

_DEVELOPMENT = re.compile(r"debug|\bdev|_dev|is_dev|development|local|testing|is_test", re.IGNORECASE)
_GETTERS = frozenset({"os.getenv", "os.environ.get", "environ.get", "getenv", "os.environ.setdefault"})
_SETTING_METHODS = frozenset({"list", "str", "tuple", "set", "bool", "json", "get", "get_list", "csv"})


@dataclass(frozen=True, slots=True)
class Value:
    """A text that may arrive: where it stands, and whether a setting can replace it (it is only a fallback)."""

    text: str
    at: Expression
    fallback: bool = False


def innermost(module: Module, place: Fact) -> Function | None:
    """The function around a place."""
    found: Function | None = None
    for function in module.functions():
        if function.start <= place.start and place.end <= function.end and place.start != function.start:
            found = function
    return found


def is_development_test(expression: Expression) -> bool:
    """Whether a condition asks for debugging, development or a local run."""
    text = expression.text
    return bool(_DEVELOPMENT.search(text)) and not text.startswith("not ") and "!=" not in text


def is_truth_of_development(expression: Expression) -> bool:
    """Whether a value is itself such a question: `DEBUG`, `settings.DEBUG`, `not PRODUCTION`, `env == "dev"`."""
    text = expression.text.lower()
    if isinstance(expression, Operation) and expression.operator == "not":
        return "prod" in text
    return isinstance(expression, (Name, Operation, Attribute)) and bool(_DEVELOPMENT.search(text))


def fallback_of(call: Call) -> Expression | None:
    """The literal side of a call that reads a setting: `os.getenv("X", here)`, `env.list("X", default=here)`, `Field(here)`."""
    if call.name in _GETTERS:
        return call.argument(1, "default")
    last = call.name.rsplit(".", 1)[-1]
    if last == "Field":
        return call.argument(0, "default") or call.keywords.get("default_factory")
    if call.name == "getattr":
        return call.argument(2)
    if "default" in call.keywords:
        return call.keywords["default"]
    first = call.argument(0)
    named = isinstance(first, Constant) and isinstance(first.value, str)
    if named and (last in ("config", "env", "Config", "Env") or call.method in _SETTING_METHODS):
        return call.argument(1)
    return None


def is_setting_read(expression: Expression) -> bool:
    """Whether this reads the environment."""
    if isinstance(expression, Call):
        return expression.name in _GETTERS
    return isinstance(expression, Subscript) and isinstance(expression.value, Name) and expression.value.name in ("os.environ", "environ")


def class_field(class_: Class, name: str) -> Expression | None:
    """The value a class body gives a name, where it does so once."""
    found = [
        statement.expressions[0]
        for statement in class_.body
        if statement.kind == "assign"
        and statement.expressions
        and any(isinstance(t, Name) and t.source_text == name for t in statement.targets)
    ]
    return found[0] if len(found) == 1 else None


def settings_field(module: Module, written: str) -> Expression | None:
    """The literal default of `settings.name` where the settings class stands in the same file."""
    owner, _, field = written.rpartition(".")
    if not owner or "." in owner:
        return None
    holder = module.class_named(owner)
    if holder is None:
        made = module.constant(owner)
        if not isinstance(made, Call):
            return None
        holder = module.class_named(made.name)
        if holder is None and isinstance(made.function, Name):
            # settings come from a function that makes and returns them
            maker = module.function(made.function.source_text)
            for statement in statements_in(maker.body) if maker is not None else ():
                if statement.kind == "return" and statement.expressions and isinstance(statement.expressions[0], Call):
                    holder = module.class_named(statement.expressions[0].name)
    return class_field(holder, field) if holder is not None else None


def parameter_default(module: Module, name: Name, near: Fact) -> Expression | None:
    """The default of the parameter that a name stands for."""
    function = innermost(module, near)
    if function is None:
        return None
    for parameter in function.parameters:
        if parameter.name == name.source_text:
            return parameter.default
    return None


def follow(module: Module, expression: Expression, near: Fact) -> Expression:
    """A name as the expression it was given once: constant, local, class field, settings field; else itself."""
    if not isinstance(expression, Name):
        return expression
    found = module.follow(expression, near)
    if found is expression and "." in expression.source_text:
        field = settings_field(module, expression.source_text)
        if field is not None:
            return field
    return found


def values(module: Module, expression: Expression, near: Fact, depth: int = DEPTH) -> Iterator[Value]:
    """The texts that may be in a list (or be the text) that an expression gives."""
    if depth <= 0:
        return
    if isinstance(expression, Constant):
        if isinstance(expression.value, str):
            yield Value(expression.value, expression)
    elif isinstance(expression, Collection):
        for item in expression.items:
            yield from values(module, item, near, depth - 1)
    elif isinstance(expression, Name):
        found = follow(module, expression, near)
        if found is not expression:
            yield from values(module, found, found, depth - 1)
            return
        default = parameter_default(module, expression, near)
        if default is not None:
            for value in values(module, default, default, depth - 1):
                yield Value(value.text, value.at, True)
    elif isinstance(expression, Operation):
        if expression.operator in ("+", "or", "|"):
            for operand in expression.operands:
                fallback = expression.operator == "or" and operand is not expression.operands[0]
                for value in values(module, operand, near, depth - 1):
                    yield Value(value.text, value.at, value.fallback or fallback)
    elif isinstance(expression, Conditional):
        if not is_development_test(expression.test):
            yield from values(module, expression.then, near, depth - 1)
        yield from values(module, expression.orelse, near, depth - 1)
    elif isinstance(expression, Call):
        yield from _call_values(module, expression, near, depth)
    elif isinstance(expression, OpaqueExpression) and expression.kind in ("star", "comprehension", "lambda", "for-clause", "walrus"):
        for item in expression.items:
            yield from values(module, item, near, depth - 1)


def _call_values(module: Module, call: Call, near: Fact, depth: int) -> Iterator[Value]:
    fallback = fallback_of(call)
    if fallback is not None:
        for value in values(module, fallback, near, depth - 1):
            yield Value(value.text, value.at, True)
        return
    receiver = call.receiver
    if call.method in ("split", "strip", "rstrip", "lstrip", "lower", "copy") and receiver is not None:
        separator = call.argument(0, "sep")
        for value in values(module, receiver, near, depth - 1):
            if call.method == "split" and isinstance(separator, Constant) and isinstance(separator.value, str) and separator.value:
                for part in value.text.split(separator.value):
                    yield Value(part, value.at, value.fallback)
            else:
                yield value
        return
    name = call.name.rsplit(".", 1)[-1]
    if name in ("list", "tuple", "set", "frozenset", "sorted", "cast", "map", "filter", "TypeAdapter"):
        for argument in call.arguments:
            yield from values(module, argument, near, depth - 1)
    elif call.name == "json.loads" and call.arguments:
        for value in values(module, call.arguments[0], near, depth - 1):
            for part in listed(value.text):
                yield Value(part, value.at, value.fallback)


def listed(text: str) -> list[str]:
    """The entries of a setting's text: a JSON list, or parts between commas, semicolons or blanks."""
    text = text.strip().strip("'\"")
    if text.startswith("["):
        try:
            found = json.loads(text.replace("'", '"'))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return [encodable(item) for item in found if isinstance(item, str)]
        text = text.strip("[]")
    return [part.strip().strip("'\"") for part in re.split(r"[,;\s]+", text) if part.strip()]


def truth(module: Module, expression: Expression | None, near: Fact, depth: int = DEPTH) -> bool | None:
    """True or False where a literal (or a setting's literal fallback) says so, else None."""
    if expression is None or depth <= 0:
        return None
    if isinstance(expression, Constant):
        if isinstance(expression.value, bool):
            return expression.value
        if isinstance(expression.value, int) and expression.value in (0, 1):
            return bool(expression.value)
        return None
    if isinstance(expression, Name):
        found = follow(module, expression, near)
        if found is not expression:
            return truth(module, found, found, depth - 1)
        return truth(module, parameter_default(module, expression, near), near, depth - 1)
    if isinstance(expression, Call):
        fallback = fallback_of(expression)
        return truth(module, fallback, near, depth - 1)
    return None


def is_text(module: Module, expression: Expression, near: Fact, depth: int = DEPTH) -> bool:
    """Whether the value is one text and not a list of them."""
    if depth <= 0:
        return False
    if isinstance(expression, FString):
        return True
    if isinstance(expression, Constant):
        return isinstance(expression.value, str)
    if isinstance(expression, Name):
        found = follow(module, expression, near)
        return found is not expression and is_text(module, found, found, depth - 1)
    if isinstance(expression, Call):
        return is_setting_read(expression) or expression.method in ("strip", "rstrip", "lower", "join") and expression.receiver is not None
    if isinstance(expression, Operation) and expression.operator == "or":
        return all(is_text(module, operand, near, depth - 1) for operand in expression.operands)
    return is_setting_read(expression)


def dictionary(module: Module, expression: Expression | None, near: Fact, depth: int = 4) -> dict[str, Expression] | None:
    """The literal text keys of a dict: a display, `dict(...)`, a name given one once, spreads included; None where unknown."""
    if expression is None or depth <= 0:
        return None
    if isinstance(expression, Name):
        found = follow(module, expression, near)
        if found is expression:
            return None
        result = dictionary(module, found, found, depth - 1)
        if result is not None:
            result.update(later_items(module, expression, near))
        return result
    if isinstance(expression, Call) and expression.name == "dict":
        result = {}
        for argument in expression.arguments:
            result.update(dictionary(module, argument, near, depth - 1) or {})
        result.update(expression.keywords)
        return result
    if isinstance(expression, Operation) and expression.operator == "|":
        result = {}
        for operand in expression.operands:
            result.update(dictionary(module, operand, near, depth - 1) or {})
        return result
    if isinstance(expression, Dictionary):
        result = {}
        for key, value in expression.items:
            if key is None:
                result.update(dictionary(module, value, near, depth - 1) or {})
                continue
            known = key if isinstance(key, Constant) else follow(module, key, near)
            if isinstance(known, Constant) and isinstance(known.value, str):
                result[known.value] = value
        return result
    return None


def spread(call: Call) -> dict[str, Expression]:
    """Keywords from `f(**options)` where options is a dict that the file shows; nothing where it is not."""
    found = _SPREAD.search(call.text) if call.stars else None
    if found is None:
        return {}
    function = innermost(call.module, call)
    given = call.module.constant(found[1])
    for statement in statements_in(function.body) if function is not None else ():
        if statement.kind == "assign" and statement.start < call.start and any(target.text == found[1] for target in statement.targets):
            given = statement.expressions[0] if statement.expressions else None
    return dictionary(call.module, given, call) or {}


_SPREAD = re.compile(r"\*\*\s*([A-Za-z_]\w*)\s*,?\s*\)$")


def later_items(module: Module, name: Name, near: Fact) -> dict[str, Expression]:
    """Entries put into a dict after it was made: `options["x"] = value`."""
    function = innermost(module, near)
    block = function.body if function is not None else module.body
    found: dict[str, Expression] = {}
    for statement in statements_in(block):
        if statement.kind != "assign" or statement.start > near.start or not statement.expressions:
            continue
        for target in statement.targets:
            if isinstance(target, Subscript) and isinstance(target.value, Name) and target.value.source_text == name.source_text:
                if isinstance(target.key, Constant) and isinstance(target.key.value, str):
                    found[target.key.value] = statement.expressions[0]
    return found


def module_statements(module: Module) -> Iterator[tuple[Statement, str]]:
    """Every statement of the file that runs at import, with the class it stands in (or "")."""
    for statement in statements_in(module.body, into_definitions=False):
        yield statement, ""
        if statement.kind == "class":
            for inner in statements_in(statement.body):
                yield inner, statement.definition.name if statement.definition is not None else ""
