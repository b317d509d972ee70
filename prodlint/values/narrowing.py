"""What a condition says about a value: which checks restrict it, and to what.

A check counts for what it does, never for its name: membership in something that the client does not choose, equality with a
constant, a pattern that lets nothing dangerous through, a type, a conversion that raises, or a function of the project whose
body does one of these.
"""

from __future__ import annotations

from prodlint.facts import Call, Collection, Constant, Expression, Function, Name, OpaqueExpression, Operation
from prodlint.values import calls, members, patterns
from prodlint.values.flow import Condition, key_of
from prodlint.values.frames import Evaluator, Frame
from prodlint.values.lattice import (
    NOTHING,
    Argument,
    Client,
    Items,
    Known,
    Restricted,
    Setting,
    Shape,
    Text,
    Unknown,
    Value,
    join,
    same,
    truth,
    truth_of,
)

# Methods of a text that are true only where every character is a letter, a digit or an underscore.
_PLAIN = frozenset({"isalnum", "isalpha", "isdigit", "isdecimal", "isnumeric", "isidentifier", "isascii_digit"})
_TYPES = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "uuid.UUID": "uuid",
    "UUID": "uuid",
    "datetime.date": "date",
    "datetime.datetime": "date",
    "datetime.timedelta": "date",
    "decimal.Decimal": "number",
    "numbers.Number": "number",
    "enum.Enum": "enum",
}


def narrowed(values: Evaluator, value: Value, key: str, condition: Condition, frame: Frame) -> Value:
    """What a value is where a condition held: a value that the condition does not speak of stays."""
    if not value.shapes:
        return value
    if condition.pattern is not None:
        return _matched(value, key, condition)
    if condition.came_back:
        call = condition.expression
        return _by_helper(values, value, key, call, True, frame, came_back=True) if isinstance(call, Call) else value
    return _tested(values, value, key, condition.expression, condition.truth, frame, 12)


def _tested(values: Evaluator, value: Value, key: str, test: Expression, holds: bool, frame: Frame, depth: int) -> Value:
    if depth <= 0:
        return value
    if isinstance(test, OpaqueExpression) and test.kind in ("await", "walrus", "brackets") and test.items:
        return _tested(values, value, key, test.items[-1], holds, frame, depth - 1)
    if isinstance(test, Operation):
        operator = test.operator
        if operator == "not":
            return _tested(values, value, key, test.operands[0], not holds, frame, depth - 1)
        if operator == ("and" if holds else "or"):
            for operand in test.operands:
                value = _tested(values, value, key, operand, holds, frame, depth - 1)
            return value
        if operator in ("and", "or"):
            # One of them holds: what each leaves, joined. `x is None or x in ALLOWED`.
            return join(*(_tested(values, value, key, operand, holds, frame, depth - 1) for operand in test.operands))
        return _compared(values, value, key, test, holds, frame)
    if isinstance(test, Call):
        return _asked(values, value, key, test, holds, frame)
    if key_of(test) == key:
        return _where_truth(value, holds)
    return value


def _where_truth(value: Value, holds: bool) -> Value:
    """What a value is where it was found true, or false: a setting's default too is only one of those that come out so."""
    kept: list[Shape] = []
    for shape in value.shapes:
        if isinstance(shape, Setting) and shape.kind != "presence":
            kept.append(Setting(shape.name, _where_truth(shape.default, holds), shape.kind, shape.at))
        elif truth_of(shape) in (holds, None):
            kept.append(shape)
    return Value(tuple(kept))


def _is(expression: Expression, key: str) -> bool:
    """Whether a tested expression is the value itself, or the value stripped, in lower case or as text."""
    for _ in range(4):
        if key_of(expression) == key:
            return True
        if (
            isinstance(expression, Call)
            and expression.receiver is not None
            and expression.method in ("strip", "lower", "upper", "casefold", "rstrip", "lstrip")
        ):
            expression = expression.receiver
        elif isinstance(expression, Call) and expression.name in ("str", "set", "list") and expression.arguments:
            expression = expression.arguments[0]
        else:
            return False
    return False


def _compared(values: Evaluator, value: Value, key: str, test: Operation, holds: bool, frame: Frame) -> Value:
    operator = test.operator
    if len(test.operands) != 2:
        return value
    left, right = test.operands
    if operator in ("in", "not in"):
        if (operator == "in") == holds and _is(left, key):
            return _within(value, values.evaluate(right, frame), left)
        if (operator == "in") != holds and key_of(right) == key:
            # `"*" in hosts` is false: the constant is none of the items
            return _without(value, values.evaluate(left, frame))
        return value
    if operator in ("<=", "==", "<") and holds and isinstance(left, Call) and left.name == "set" and _is(left, key):
        return _within(value, values.evaluate(right, frame), left)  # `set(columns) <= ALLOWED`
    if operator in ("==", "!="):
        if key_of(right) == key:
            left, right = right, left
        if not _is(left, key):
            return value
        constant = values.evaluate(right, frame)
        if (operator == "==") == holds:
            if constant.shapes and all(isinstance(shape, (Known, Restricted)) for shape in constant.shapes):
                return constant
            if constant.shapes and not any(isinstance(shape, (Client, Unknown, Argument)) for shape in constant.walk()):
                return constant
            return value
        return _unequal(value, constant)
    if operator in ("is", "is not") and key_of(left) == key:
        constant = values.evaluate(right, frame)
        return constant if (operator == "is") == holds and constant.constants() else _unequal(value, constant)
    return value


def _within(value: Value, container: Value, at: Expression) -> Value:
    """What membership leaves of a value: the members where they are known, else a checked value, unless the client chose the container."""
    if not container.shapes or any(isinstance(shape, Client) for shape in container.walk()):
        return value
    if all(isinstance(shape, Known) and isinstance(shape.value, (str, bytes)) for shape in container.shapes):
        return value  # a part of a text: `x in "abc"` is true for pieces of it, and for nothing
    members = [
        known
        for shape in container.shapes
        if isinstance(shape, Items) and shape.more is None
        for item in shape.items
        for known in item.shapes
    ]
    if members and len(container.shapes) == 1 and len(members) <= 12 and all(isinstance(member, Known) for member in members):
        kept = list(members)
        return Value(tuple(kept))
    return Value(tuple(_checked(shape, at, "membership") for shape in value.shapes))


def _without(value: Value, constant: Value) -> Value:
    """A list of which one constant is said to be no item."""
    gone = constant.constants()
    kept: list[Shape] = []
    for shape in value.shapes:
        if isinstance(shape, Items) and any(item.is_constant(one) for item in shape.items for one in gone):
            continue
        if isinstance(shape, Setting):
            kept.append(Setting(shape.name, _without(shape.default, constant), shape.kind, shape.at))
            continue
        kept.append(shape)
    return Value(tuple(kept))


def _unequal(value: Value, constant: Value) -> Value:
    one = constant.only()
    if isinstance(one, Known):
        kept: list[Shape] = []
        for shape in value.shapes:
            if isinstance(shape, Known) and same(shape.value, one.value):
                continue
            if isinstance(shape, Setting):
                kept.append(Setting(shape.name, _unequal(shape.default, constant), shape.kind, shape.at))
            else:
                kept.append(shape)
        return Value(tuple(kept))
    if isinstance(one, Items) and one.more is None:
        wanted = [item.constants() for item in one.items]
        left: list[Shape] = []
        for shape in value.shapes:
            if isinstance(shape, Items) and shape.more is None and [item.constants() for item in shape.items] == wanted:
                continue
            if isinstance(shape, Setting):
                left.append(Setting(shape.name, _unequal(shape.default, constant), shape.kind, shape.at))
            else:
                left.append(shape)
        return Value(tuple(left))
    return value


def _checked(shape: Shape, at: Expression, how: str) -> Shape:
    """A shape that passed a check. Constants and converted values need none."""
    if isinstance(shape, (Known, Restricted)):
        return shape
    return Restricted("checked", Value((shape,)), at, how)


def _asked(values: Evaluator, value: Value, key: str, call: Call, holds: bool, frame: Frame) -> Value:
    method = call.method
    receiver = call.receiver
    if holds and method in _PLAIN and receiver is not None and _is(receiver, key):
        return Value(tuple(_checked(shape, call, method) for shape in value.shapes))
    if method in ("fullmatch", "match") and holds:
        return _by_pattern(values, value, key, call, frame)
    if call.name == "isinstance" and len(call.arguments) == 2 and key_of(call.arguments[0]) == key:
        return _of_type(value, call, holds)
    if call.name in ("all", "any", "bool") and call.arguments:
        inner = call.arguments[0]
        if call.name == "all" and holds and isinstance(inner, OpaqueExpression) and inner.kind == "comprehension" and len(inner.items) >= 2:
            return _all_of(values, value, key, inner, frame)
        if call.name == "bool":
            return _tested(values, value, key, inner, holds, frame, 8)
        return value
    if method in ("issubset", "issuperset") and holds and receiver is not None and call.arguments:
        small, large = (receiver, call.arguments[0]) if method == "issubset" else (call.arguments[0], receiver)
        return _within(value, values.evaluate(large, frame), small) if _is(small, key) else value
    return _by_helper(values, value, key, call, holds, frame)


def _by_pattern(values: Evaluator, value: Value, key: str, call: Call, frame: Frame) -> Value:
    """`re.fullmatch(pattern, x)`, `PATTERN.match(x)`: counts where the pattern is closed, and for `match` ends where the text does."""
    arguments = list(call.arguments)
    if call.name in ("re.fullmatch", "re.match", "regex.fullmatch", "regex.match"):
        pattern = values.evaluate(arguments[0], frame) if arguments else NOTHING
        tested = arguments[1] if len(arguments) > 1 else call.keywords.get("string")
    else:
        pattern = _compiled(values, call, frame)
        tested = arguments[0] if arguments else None
    if tested is None or not _is(tested, key):
        return value
    texts = [shape.value for shape in pattern.shapes if isinstance(shape, Known) and isinstance(shape.value, str)]
    if len(texts) != len(pattern.shapes) or not texts:
        return value
    if all(patterns.is_closed(text, whole=call.method == "fullmatch") for text in texts):
        return Value(tuple(_checked(shape, call, "pattern") for shape in value.shapes))
    return value


def _compiled(values: Evaluator, call: Call, frame: Frame) -> Value:
    """The pattern of a compiled one."""
    maker = values.evaluate(call.receiver, frame) if call.receiver is not None else NOTHING
    found = []
    for shape in maker.shapes:
        if getattr(shape, "name", "") in ("re.compile", "regex.compile"):
            given = getattr(shape, "given", ())
            if given:
                found.append(given[0])
    return join(*found)


def _of_type(value: Value, call: Call, holds: bool) -> Value:
    wanted = call.arguments[1]
    names = (
        [wanted.name]
        if isinstance(wanted, Name)
        else [item.name for item in wanted.items if isinstance(item, Name)]
        if isinstance(wanted, Collection)
        else []
    )
    if isinstance(wanted, Operation) and wanted.operator == "|":
        names = [item.name for item in wanted.operands if isinstance(item, Name)]
    if holds and names and all(name in _TYPES for name in names):
        return Value(
            tuple(
                shape if isinstance(shape, Known) else Restricted(_TYPES[names[0]], Value((shape,)), call, "isinstance")
                for shape in value.shapes
            )
        )
    if holds and "str" in names:
        # A parameter that is an upload or a text, and is a text here, came from whoever calls this function.
        return Value(
            tuple(
                Unknown(call) if isinstance(shape, Client) and shape.source == "upload" and shape.words else shape for shape in value.shapes
            )
        )
    if not holds and names == ["str"]:
        return Value(
            tuple(
                shape
                for shape in value.shapes
                if not (isinstance(shape, Known) and isinstance(shape.value, str) or isinstance(shape, Text))
            )
        )
    return value


def _all_of(values: Evaluator, value: Value, key: str, comprehension: OpaqueExpression, frame: Frame) -> Value:
    """`all(x in ALLOWED for x in names)`: what is said of each item holds for all."""
    clause = comprehension.items[1]
    if (
        not isinstance(clause, OpaqueExpression)
        or len(clause.items) < 2
        or not _is(clause.items[1], key)
        or not isinstance(clause.items[0], Name)
    ):
        return value
    item = clause.items[0].source_text
    element = members.element(value, clause.items[1])
    inner = frame.binding({item: element})
    after = _tested(values, element, item, comprehension.items[0], True, inner, 6)
    if after is not element and after.shapes and all(isinstance(shape, (Known, Restricted)) for shape in after.shapes):
        return Value((Items((), after, comprehension),))
    return value


def _by_helper(values: Evaluator, value: Value, key: str, call: Call, holds: bool, frame: Frame, came_back: bool = False) -> Value:
    """A function of the project that is asked: what its body says of the parameter where it gives this answer, or comes back at all."""
    if frame.calls >= 2 or not any(_is(argument, key) for argument in (*call.arguments, *call.keywords.values())):
        return value
    callee = calls.code_of(values, call, frame)
    if callee is None:
        return value
    owner, function, shift = callee
    if not isinstance(function, Function):
        return value
    names = [parameter.name for parameter in function.parameters if parameter.kind == ""]
    name = next(
        (names[index + shift] for index, argument in enumerate(call.arguments) if _is(argument, key) and index + shift < len(names)), ""
    )
    name = name or next((keyword for keyword, argument in call.keywords.items() if _is(argument, key)), "")
    if not name:
        return value
    flow = owner.flow_in(function)
    if flow.function is None:
        return value
    inner = Frame(flow, owner, {name: value}, calls=frame.calls + 1, caller=frame)
    found: list[Value] = []
    for returned, block, offset in flow.returned:
        at = returned if returned is not None else call
        if returned is None:
            if holds and came_back:
                found.append(owner.value_at(name, block, offset, call, inner))
            continue
        answer = truth(owner.evaluate(returned, inner))
        if answer is not None and answer is not holds and not came_back:
            continue
        before = owner.value_at(name, block, offset, at, inner)
        if not came_back and answer is None:
            before = _tested(owner, before, name, returned, holds, inner, 6)
        found.append(before)
    if flow.end is not None and came_back:
        found.append(owner.value_at(name, flow.end, 1 << 61, call, inner))
    if not found:
        return value
    after = join(*found)
    if after.shapes and all(isinstance(shape, (Known, Restricted)) for shape in after.shapes):
        return after
    return value


def _matched(value: Value, key: str, condition: Condition) -> Value:
    """What a `case` leaves of its subject."""
    pattern = condition.pattern
    if pattern is None or key_of(condition.expression) != key:
        return value
    constants = list(_alternatives(pattern))
    if constants and all(isinstance(one, Constant) for one in constants):
        return Value(tuple(Known(one.value, one) for one in constants if isinstance(one, Constant)))
    if constants and all(isinstance(one, Name) and "." in one.source_text for one in constants):
        return Value(tuple(_checked(shape, pattern, "match") for shape in value.shapes))
    return value


def _alternatives(pattern: Expression) -> list[Expression]:
    """The alternatives of a pattern: `"a" | "b"`."""
    if isinstance(pattern, (Constant, Name)):
        return [pattern]
    if isinstance(pattern, Operation) and pattern.operator == "|":
        return [one for operand in pattern.operands for one in _alternatives(operand)]
    if isinstance(pattern, OpaqueExpression):
        return [one for item in pattern.items for one in _alternatives(item)]
    return [pattern]
