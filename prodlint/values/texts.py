"""Operations on values: texts put together, sums, comparisons, `and`, `or`."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodlint.counting import whole_number
from prodlint.facts import Constant, Dictionary, Expression, Operation
from prodlint.values import settings
from prodlint.values.flow import Condition
from prodlint.values.frames import Evaluator, Frame
from prodlint.values.lattice import (
    NOTHING,
    Client,
    Items,
    Known,
    Part,
    Restricted,
    Setting,
    Shape,
    Table,
    Text,
    Value,
    join,
    known,
    mapped,
    truth,
    truth_of,
    unknown,
)

_PERCENT = re.compile(r"%(?:\((\w+)\))?[-+ #0]*(?:\d+|\*)?(?:\.\d+)?([sdifrxXeEgGcoa%])")
_LARGEST_TEXT = 100_000
_LARGEST_PRODUCT = 6


def joined(values: Evaluator, given: Sequence[Value], at: Sequence[Expression], whole: Expression, interpolated: bool = False) -> Value:
    """A text of parts in order. interpolated: numbers and the like become text."""
    constants = [_constant_text(value, interpolated) for value in given]
    if all(text is not None for text in constants):
        total = "".join(text for text in constants if text is not None)
        if len(total) <= _LARGEST_TEXT:
            return known(total, whole)
    defaults = _with_setting(values, given, at, whole, interpolated)
    if defaults is not None:
        return defaults
    variants: list[list[Part]] = [[]]
    for value, place in zip(given, at, strict=True):
        options = [shape for shape in value.shapes if isinstance(shape, Text)]
        if options and len(options) == len(value.shapes) and len(variants) * len(options) <= _LARGEST_PRODUCT:
            variants = [[*parts, *option.parts] for parts in variants for option in options]
        else:
            for parts in variants:
                parts.append(Part(value, place))
    return Value(tuple(Text(tuple(parts), whole) for parts in variants))


def _constant_text(value: Value, interpolated: bool) -> str | None:
    shape = value.only()
    if not isinstance(shape, Known):
        return None
    if isinstance(shape.value, str):
        return shape.value
    if isinstance(shape.value, bytes):
        return shape.value.decode("latin-1")
    return str(shape.value) if interpolated and not isinstance(shape.value, (list, dict)) else None


def _with_setting(
    values: Evaluator, given: Sequence[Value], at: Sequence[Expression], whole: Expression, interpolated: bool
) -> Value | None:
    """A text whose only open part is one setting is that setting with a longer default."""
    open_ones = [index for index, value in enumerate(given) if not isinstance(value.only(), Known)]
    if len(open_ones) != 1:
        return None
    shape = given[open_ones[0]].only()
    if not isinstance(shape, Setting):
        return None
    inner = (
        joined(values, [shape.default if index == open_ones[0] else value for index, value in enumerate(given)], at, whole, interpolated)
        if shape.default.shapes
        else NOTHING
    )
    return Value((Setting(shape.name, inner, "text", shape.at),))


def operation(values: Evaluator, operation: Operation, frame: Frame) -> Value:
    """What an operator gives."""
    operator = operation.operator
    if operator in ("and", "or"):
        return _chosen(values, operation, frame)
    given = [values.evaluate(operand, frame) for operand in operation.operands]
    if operator == "not":
        decided = mapped(given[0], lambda one: known(not one.value, operation), "flag")
        if decided is not None:
            return decided
        answer = truth(given[0])
        return known(not answer, operation) if answer is not None else Value((Restricted("bool", given[0], operation, "not"),))
    if operator in ("==", "!=", "<", ">", "<=", ">=", "in", "not in", "is", "is not"):
        return _compared(operator, given, operation)
    if operator == "+" and len(given) > 1:
        value = given[0]
        for index in range(1, len(given)):
            value = combined(
                values, "+", value, given[index], operation.operands[0] if index == 1 else operation, operation.operands[index], operation
            )
        return value
    if len(given) == 2:
        return combined(values, operator, given[0], given[1], operation.operands[0], operation.operands[1], operation)
    if operator == "-" and len(given) == 1:
        return mapped(given[0], lambda one: known(-one.value, operation) if isinstance(one.value, (int, float)) else None) or Value(
            (Restricted("number", given[0], operation, "-"),)
        )
    return Value((Restricted("number", join(*given), operation, operator),)) if len(given) == 1 else unknown(operation)


def combined(
    values: Evaluator, operator: str, left: Value, right: Value, at_left: Expression, at_right: Expression, whole: Expression
) -> Value:
    """Two values under a binary operator."""
    if operator == "+":
        return _sum(values, left, right, at_left, at_right, whole)
    if operator == "%":
        return _percent(values, left, right, at_right, whole)
    if operator == "|":
        return _merged(left, right, whole)
    if operator == "/" and any(_is_path(shape) for shape in left.shapes):
        return joined(values, [left, known("/", whole), right], [at_left, whole, at_right], whole)
    numbers = _folded(operator, left, right, whole)
    if numbers is not None:
        return numbers
    if operator == "*" and any(
        isinstance(shape, (Text, Client)) or isinstance(shape, Known) and isinstance(shape.value, (str, bytes)) for shape in left.shapes
    ):
        return left
    if operator == "*" and any(isinstance(shape, Items) for shape in left.shapes):
        return Value(
            tuple(
                Items(shape.items, join(*shape.items, shape.more or NOTHING), whole) if isinstance(shape, Items) else shape
                for shape in left.shapes
            )
        )
    if operator in ("-", "//", "**", "@", "<<", ">>", "&", "^", "*"):
        return Value((Restricted("number", join(left, right), whole, operator),))
    if operator == "/":
        return joined(values, [left, known("/", whole), right], [at_left, whole, at_right], whole)
    return unknown(whole)


def _is_path(shape: Shape) -> bool:
    name = getattr(shape, "name", "")
    return isinstance(name, str) and "Path" in name


def _folded(operator: str, left: Value, right: Value, whole: Expression) -> Value | None:
    one, other = left.only(), right.only()
    if not (isinstance(one, Known) and isinstance(other, Known)):
        return None
    a, b = one.value, other.value
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return None
    if operator == "*" and abs(a) < 1e12 and abs(b) < 1e12:
        return known(a * b, whole)
    if operator == "-":
        return known(a - b, whole)
    if operator == "/" and b:
        return known(a / b, whole)
    if operator == "//" and b:
        return known(a // b, whole)
    return None


def _sum(values: Evaluator, left: Value, right: Value, at_left: Expression, at_right: Expression, whole: Expression) -> Value:
    one, other = left.only(), right.only()
    if (
        isinstance(one, Known)
        and isinstance(other, Known)
        and type(one.value) is type(other.value)
        and isinstance(one.value, (str, bytes, int, float))
    ):
        if not isinstance(one.value, (str, bytes)) or len(one.value) + len(other.value) <= _LARGEST_TEXT:
            return known(one.value + other.value, whole)
    if any(isinstance(shape, Items) for shape in (*left.shapes, *right.shapes)):
        return _merged_items(left, right, whole)
    if all(isinstance(shape, Restricted) and shape.how in ("int", "float", "number") for shape in (*left.shapes, *right.shapes)):
        return left
    return joined(values, [left, right], [at_left, at_right], whole)


def _merged_items(left: Value, right: Value, whole: Expression) -> Value:
    one, other = left.only(), right.only()
    if isinstance(one, Items) and isinstance(other, Items):
        more = join(one.more or NOTHING, other.more or NOTHING)
        if one.more is None:
            return Value((Items((*one.items, *other.items), more if more.shapes else None, whole),))
    known_items: list[Value] = []
    more_items: list[Value] = []
    opened = False
    for value in (left, right):
        for shape in value.shapes:
            if isinstance(shape, Setting):
                shape = shape.default.only() or shape
            if isinstance(shape, Items):
                known_items.extend(shape.items)
                more_items.append(shape.more or NOTHING)
                opened |= shape.more is not None
            else:
                more_items.append(Value((shape,)))
                opened = True
    more = join(*more_items)
    return Value((Items(tuple(known_items), more if opened else None, whole),))


def _merged(left: Value, right: Value, whole: Expression) -> Value:
    one, other = left.only(), right.only()
    if isinstance(one, Table) and isinstance(other, Table):
        more = join(one.more or NOTHING, other.more or NOTHING)
        return Value((Table({**one.entries, **other.entries}, more if more.shapes else None, whole),))
    if isinstance(one, Table):
        return Value((Table(one.entries, join(one.more or NOTHING, unknown(whole)), whole),))
    if isinstance(one, Items) or isinstance(other, Items):
        return _merged_items(left, right, whole)
    return join(left, right)


# ---------------------------------------------------------------- % and format


def _percent(values: Evaluator, left: Value, right: Value, at_right: Expression, whole: Expression) -> Value:
    found = []
    for shape in left.shapes:
        if isinstance(shape, (Known, Text)) and not (isinstance(shape, Known) and not isinstance(shape.value, (str, bytes))):
            found.append(_filled(values, shape, right, at_right, whole))
        elif isinstance(shape, Restricted):
            found.append(Value((shape,)))
        else:
            found.append(joined(values, [Value((shape,)), right], [whole, at_right], whole))
    return join(*found) or unknown(whole)


def _filled(values: Evaluator, template: Known | Text, right: Value, at_right: Expression, whole: Expression) -> Value:
    shape = right.only()
    ordered = list(shape.items) if isinstance(shape, Items) else [right]
    places = list(at_right.parts()) if isinstance(shape, Items) and len(at_right.parts()) == len(ordered) else [at_right] * len(ordered)
    given: list[Value] = []
    at: list[Expression] = []
    taken = 0
    for text, part in _pieces(template):
        if text is None:
            given.append(part.value)
            at.append(part.at)
            continue
        position = 0
        for match in _PERCENT.finditer(text):
            given.append(known(text[position : match.start()], part.at))
            at.append(part.at)
            position = match.end()
            if match[2] == "%":
                given.append(known("%", part.at))
                at.append(part.at)
                continue
            if match[1]:
                value = shape.entries.get(match[1], shape.more or NOTHING) if isinstance(shape, Table) else right
                place = shape.at.get(match[1]) or at_right if isinstance(shape, Table) and isinstance(shape.at, Dictionary) else at_right
            else:
                value = ordered[taken] if taken < len(ordered) else right
                place = places[taken] if taken < len(places) else at_right
                taken += 1
            if match[2] in "dixXofeEgG":
                value = Value((Restricted("number", value, place, f"%{match[2]}"),))
            given.append(value if value.shapes else unknown(place))
            at.append(place)
        given.append(known(text[position:], part.at))
        at.append(part.at)
    return joined(values, given, at, whole, interpolated=True)


def _pieces(template: Known | Text) -> list[tuple[str | None, Part]]:
    if isinstance(template, Known):
        text = template.value.decode("latin-1") if isinstance(template.value, bytes) else str(template.value)
        return [(text, Part(Value((template,)), template.at))]
    found: list[tuple[str | None, Part]] = []
    for part in template.parts:
        only = part.value.only()
        found.append((only.value if isinstance(only, Known) and isinstance(only.value, str) else None, part))
    return found


def formatted(
    values: Evaluator,
    receiver: Value,
    given: Sequence[Value],
    places: Sequence[Expression],
    keywords: Mapping[str, tuple[Value, Expression]],
    spread: Value,
    whole: Expression,
) -> Value:
    """`receiver.format(...)`. spread: what `**other` may bring."""
    found = []
    for shape in receiver.shapes:
        if isinstance(shape, Text) or isinstance(shape, Known) and isinstance(shape.value, str):
            found.append(_format_one(values, shape, given, places, keywords, spread, whole))
        elif isinstance(shape, Restricted) and shape.how == "quoted":
            found.append(Value((shape,)))  # psycopg's SQL(...).format(Identifier(...))
        else:
            parts = [Value((shape,)), *given, *(value for value, _ in keywords.values())]
            found.append(joined(values, parts, [whole, *places, *(at for _, at in keywords.values())], whole))
    return join(*found)


def _format_one(
    values: Evaluator,
    template: Known | Text,
    given: Sequence[Value],
    places: Sequence[Expression],
    keywords: Mapping[str, tuple[Value, Expression]],
    spread: Value,
    whole: Expression,
) -> Value:
    parts: list[Value] = []
    at: list[Expression] = []
    taken = 0
    for text, part in _pieces(template):
        if text is None:
            parts.append(part.value)
            at.append(part.at)
            continue
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError:
            parts.append(known(text, part.at))
            at.append(part.at)
            continue
        for literal, name, specification, _ in parsed:
            parts.append(known(literal, part.at))
            at.append(part.at)
            if name is None:
                continue
            root = re.split(r"[.\[]", name, maxsplit=1)[0]
            value, place = spread, whole
            index = taken if root == "" else whole_number(root)
            if index is not None:
                taken += root == ""
                if index < len(given):
                    value, place = given[index], places[index]
            elif root in keywords:
                value, place = keywords[root]
            if specification and specification.endswith(("d", "f", "x", "X", "e", "g", "%", "n")) and not specification.endswith("{}"):
                value = Value((Restricted("number", value, place, "format"),))
            parts.append(value if value.shapes else unknown(place))
            at.append(place)
    return joined(values, parts, at, whole, interpolated=True)


def of_separator(values: Evaluator, separator: Value, items: Value, at_items: Expression, whole: Expression) -> Value:
    """`separator.join(items)`."""
    found = []
    for shape in items.shapes:
        if isinstance(shape, Setting):
            shape = shape.default.only() or shape
        if isinstance(shape, Items):
            given: list[Value] = []
            parts = at_items.parts() if len(at_items.parts()) == len(shape.items) else ()
            at: list[Expression] = []
            for index, item in enumerate(shape.items):
                if index:
                    given.append(separator)
                    at.append(whole)
                given.append(item)
                at.append(parts[index] if parts else at_items)
            if shape.more is not None:
                place = at_items
                first = at_items.parts()[0] if at_items.parts() and getattr(at_items, "kind", "") == "comprehension" else None
                given += [separator, shape.more] if given else [shape.more]
                at += [whole, first or place] if len(given) > 1 else [first or place]
            found.append(joined(values, given, at, whole, interpolated=True) if given else known("", whole))
        else:
            found.append(Value((shape,)))
    return join(*found)


# ---------------------------------------------------------------- comparisons, and, or


def _compared(operator: str, given: Sequence[Value], at: Operation) -> Value:
    if len(given) != 2:
        return Value((Restricted("bool", join(*given), at, operator),))
    left, right = given
    if operator in ("in", "not in") and settings.is_environment(right):
        return settings.as_presence(left, operator == "in", at)
    constant = right.only()
    folded = _fold_comparison(operator, left, constant, at)
    if folded is not None:
        return folded
    if operator in ("==", "!="):
        flipped = _fold_comparison(operator, right, left.only(), at)
        if flipped is not None:
            return flipped
    return Value((Restricted("bool", join(left, right), at, operator),))


def _fold_comparison(operator: str, left: Value, constant: Shape | None, at: Operation) -> Value | None:
    if isinstance(constant, Known):
        return mapped(left, lambda one: _answer(operator, one.value, constant.value, at), "flag")
    if isinstance(constant, Items) and constant.more is None and operator in ("in", "not in"):
        options = [item.only() for item in constant.items]
        if all(isinstance(option, Known) for option in options):
            members = [option.value for option in options if isinstance(option, Known)]
            return mapped(left, lambda one: known((one.value in members) is (operator == "in"), at), "flag")
    if isinstance(constant, Table) and constant.more is None and operator in ("in", "not in"):
        return mapped(left, lambda one: known((str(one.value) in constant.entries) is (operator == "in"), at), "flag")
    return None


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
    "is": lambda a, b: a is b if a is None or b is None or isinstance(b, bool) else bool(a == b),
    "is not": lambda a, b: a is not b if a is None or b is None or isinstance(b, bool) else bool(a != b),
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def _answer(operator: str, one: Any, other: Any, at: Operation) -> Value | None:
    try:
        return known(_TESTS[operator](one, other), at)
    except TypeError:
        return None


def _chosen(values: Evaluator, operation: Operation, frame: Frame) -> Value:
    """`a or b`, `a and b`: the operand that decides, as far as constants tell."""
    is_or = operation.operator == "or"
    found: list[Value] = []
    inner = frame
    last = len(operation.operands) - 1
    for index, operand in enumerate(operation.operands):
        value = values.evaluate(operand, inner)
        if index == last:
            found.append(value)
            break
        answer = truth(value)
        if answer is is_or:
            found.append(value)
            break
        if answer is None:
            kept = tuple(shape for shape in value.shapes if truth_of(shape) in (is_or, None))
            found.append(Value(kept))
        inner = inner.under(Condition(operand, not is_or))
    return _settled(found, is_or)


def _settled(found: list[Value], is_or: bool) -> Value:
    """A setting followed by a constant: the constant is what it is where nobody sets it."""
    if not is_or or len(found) < 2:
        return join(*found)
    first = found[0].only()
    if isinstance(first, Setting) and truth(first.default) is True:
        return found[0]
    if isinstance(first, Setting) and truth(first.default) in (False, None) and len(found) == 2:
        default = join(*(Value((shape,)) for shape in first.default.shapes if truth_of(shape) is not False), found[1])
        return Value((Setting(first.name, default, first.kind, first.at),))
    return join(*found)


def is_constant_text(expression: Expression) -> bool:
    """Whether an expression is a text as it stands."""
    return isinstance(expression, Constant) and isinstance(expression.value, str)
