"""How long something lasts that code or a setting says, in seconds."""

from __future__ import annotations

import re

from prodlint.facts import Call, Conditional, Expression, Name, Operation
from prodlint.values.evaluate import Values
from prodlint.values.lattice import Known, Setting, Value
from prodlint.values.places import is_number

UNITS = {
    "milliseconds": 0.001,
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_DELTAS = frozenset(("datetime.timedelta", "timedelta", "django.utils.timezone.timedelta", "pandas.Timedelta", "pendulum.duration"))
_POSITIONS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_SUFFIX = re.compile(r"(?:^|_)(?:IN_)?(MS|MILLISECONDS|S|SECS?|SECONDS?|MINS?|MINUTES?|HRS?|HOURS?|DAYS?|WEEKS?)$", re.IGNORECASE)
_SPOKEN = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)", re.IGNORECASE
)
_DEEPEST = 6


def unit_of(name: str) -> float | None:
    """The seconds of the unit that a name ends with: `EXPIRE_MINUTES`; None where it ends with none."""
    found = _SUFFIX.search(name)
    return _unit(found[1]) if found else None


def _unit(word: str) -> float:
    word = word.lower()
    if word in ("ms", "milliseconds", "millisecond"):
        return 0.001
    return {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}[word[0]]


def spoken(text: str, unit: float | None) -> float | None:
    """A duration as a setting's text says it: `11520` in a unit that is known, `7d`, `12 hours`."""
    text = text.strip().strip("\"'")
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text) * unit if unit is not None else None
    found = _SPOKEN.fullmatch(text)
    return float(found[1]) * _unit(found[2]) if found else None


def is_delta(expression: Expression) -> bool:
    """Whether an expression makes a `timedelta`."""
    return isinstance(expression, Call) and (expression.name in _DELTAS or expression.method == "timedelta")


def duration(values: Values, expression: Expression | None, unit: float | None = None, depth: int = _DEEPEST) -> float | None:
    """The seconds that an expression stands for in production; None where the code does not say it.

    unit: the seconds of one, for a plain number. A setting counts with its default.
    """
    if expression is None or depth <= 0:
        return None
    if isinstance(expression, Call) and is_delta(expression):
        return _of_delta(values, expression)
    if isinstance(expression, Name):
        given = values.given_expression(expression)
        if given is not expression:
            return duration(values, given, unit, depth - 1)
    if isinstance(expression, Operation) and expression.operator == "or":
        return duration(values, expression.operands[-1], unit, depth - 1)  # `given or timedelta(...)`: where nobody gives one
    if isinstance(expression, Conditional):
        ways = [duration(values, one, unit, depth - 1) for one in (expression.then, expression.orelse)]
        return max((way for way in ways if way is not None), default=None)
    if isinstance(expression, Operation) and expression.operator == "+":
        parts = [duration(values, operand, unit, depth - 1) for operand in expression.operands]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None
    number = _number(values.in_production.of(expression))
    return number * unit if number is not None and unit is not None else None


def _of_delta(values: Values, call: Call) -> float | None:
    """The seconds of a `timedelta(...)` whose parts are known."""
    given = [(_POSITIONS[position], argument) for position, argument in enumerate(call.arguments[: len(_POSITIONS)])]
    total = 0.0
    for name, argument in (*given, *call.keywords.items()):
        number = _number(values.in_production.of(argument))
        if number is None or call.stars:
            return None
        total += number * UNITS.get(name, 0.0)
    return total if given or call.keywords else None


def _number(value: Value) -> float | None:
    """The largest number that a value may be, a setting by its default; None where something else may come."""
    found: list[float] = []
    for shape in value.shapes:
        inner = shape.default.unset().shapes if isinstance(shape, Setting) else (shape,)
        for one in inner:
            constant = one.value if isinstance(one, Known) else None
            if isinstance(constant, str) and re.fullmatch(r"\d{1,12}(?:\.\d+)?", constant.strip()):
                constant = float(constant)
            if not is_number(constant):
                return None
            found.append(float(constant))
    return max(found) if found else None


def shown(seconds: float) -> str:
    """A duration as a person says it."""
    for name, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size or seconds == size:
            number = seconds / size
            return f"{number:g} {name}" if number != 1 else f"1 {name[:-1]}"
    return f"{seconds:g} seconds"
