"""What an expression can be when the program runs, as far as its own file tells.

CORS and JWT settings reach their call through constants, lists put together, fallbacks of environment variables and
settings classes. Everything here answers "this literal may arrive there" and stays silent about the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prodlint.facts import (
    Attribute,
    Call,
    Class,
    Constant,
    Dictionary,
    Expression,
    Fact,
    Function,
    Module,
    Name,
    Operation,
    Statement,
    Subscript,
    encodable,
    statements_in,
)
from prodlint.values import lattice
from prodlint.values.evaluate import Values
from prodlint.values.places import enclosing

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
    found = enclosing(place, module)
    if found is None or found.start != place.start:
        return found
    # The place is a function itself: the one around that.
    around = (each for each in module.functions() if each.start < place.start and place.end <= each.end)
    return max(around, key=lambda each: each.start, default=None)


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


def evaluator(module: Module) -> Values:
    """What answers for a file; one for each."""
    found = module.derived.get("values")
    if not isinstance(found, Values):
        others: Any = module.derived.get("others")
        found = module.derived["values"] = Values(module, others() if others is not None else None)
    return found


def follow(module: Module, expression: Expression, near: Fact) -> Expression:
    """A name as the expression it was given where it is the only one that reaches the place: constant, local, class field, settings
    field; else itself."""
    if not isinstance(expression, Name):
        return expression
    found = evaluator(module).given_expression(expression)
    if found is expression and "." in expression.source_text:
        field = settings_field(module, expression.source_text)
        if field is not None:
            return field
    return found


def values(module: Module, expression: Expression, near: Fact) -> Iterator[Value]:
    """The texts that may be in a list (or be the text) that an expression gives in production."""
    seen: set[tuple[str, int, bool]] = set()
    for value in _texts(evaluator(module).in_production.of(expression), expression, False, 8):
        mark = (value.text, value.at.start, value.fallback)
        if mark not in seen:
            seen.add(mark)
            yield value


def _texts(value: lattice.Value, asked: Expression, fallback: bool, depth: int) -> Iterator[Value]:
    for shape in value.shapes if depth > 0 else ():
        if isinstance(shape, lattice.Known) and isinstance(shape.value, str):
            # What stands in another file is shown where it is used.
            yield Value(shape.value, shape.at if shape.at.file.path == asked.file.path else asked, fallback)
        elif isinstance(shape, lattice.Items):
            for item in (*shape.items, *((shape.more,) if shape.more is not None else ())):
                yield from _texts(item, asked, fallback, depth - 1)
        elif isinstance(shape, lattice.Setting):
            yield from _texts(shape.default, asked, True, depth - 1)


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


def truth(module: Module, expression: Expression | None, near: Fact) -> bool | None:
    """True or False where the code (or the default of a setting) says so in production, else None. Texts say neither."""
    if expression is None:
        return None
    answers = set()
    shapes = evaluator(module).in_production.of(expression).unset().shapes
    for shape in shapes:
        if isinstance(shape, lattice.Argument) and len(shapes) > 1:
            continue  # whoever says nothing gets the parameter's default
        constant = shape.value if isinstance(shape, lattice.Known) else None
        if not isinstance(constant, bool) and not (isinstance(constant, int) and constant in (0, 1)):
            return None
        answers.add(bool(constant))
    return answers.pop() if len(answers) == 1 else None


def is_text(module: Module, expression: Expression, near: Fact) -> bool:
    """Whether the value is one text and not a list of them."""
    value = evaluator(module).of(expression)
    return bool(value.shapes) and all(_is_text(shape) for shape in value.shapes)


def _is_text(shape: lattice.Shape) -> bool:
    if isinstance(shape, lattice.Setting):
        return shape.kind == "text" and all(
            _is_text(inner) or isinstance(inner, lattice.Known) and inner.value is None for inner in shape.default.shapes
        )
    return isinstance(shape, lattice.Text) or isinstance(shape, lattice.Known) and isinstance(shape.value, str)


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
    found: dict[str, Expression] = {}
    for mapping in call.spreads:
        found.update(dictionary(call.module, mapping, call) or {})
    return found


def later_items(module: Module, name: Name, near: Fact) -> dict[str, Expression]:
    """Entries put into a dict after it was made: `options["x"] = value`."""
    function = innermost(module, near)
    put = _items_put(module).get((function.start if function is not None else None, name.source_text), ())
    return {key: value for start, key, value in put if start <= near.start}


@lru_cache(maxsize=4)
def _items_put(module: Module) -> Mapping[tuple[int | None, str], Sequence[tuple[int, str, Expression]]]:
    """By function (its start; None for the module's own code) and name: where which key is given what, in order."""
    found: dict[tuple[int | None, str], list[tuple[int, str, Expression]]] = {}
    blocks = [(None, module.body), *((function.start, function.body) for function in module.functions())]
    for holder, block in blocks:
        for statement in statements_in(block):
            if statement.kind != "assign" or not statement.expressions:
                continue
            for target in statement.targets:
                if isinstance(target, Subscript) and isinstance(target.value, Name):
                    if isinstance(target.key, Constant) and isinstance(target.key.value, str):
                        put = (statement.start, target.key.value, statement.expressions[0])
                        found.setdefault((holder, target.value.source_text), []).append(put)
    return found


def module_statements(module: Module) -> Iterator[tuple[Statement, str]]:
    """Every statement of the file that runs at import, with the class it stands in (or "")."""
    for statement in statements_in(module.body, into_definitions=False):
        yield statement, ""
        if statement.kind == "class":
            for inner in statements_in(statement.body):
                yield inner, statement.definition.name if statement.definition is not None else ""
