"""What an expression can be: a small lattice of shapes.

A `Value` is the shapes that an expression may take; one with no shapes is what no path brings (the value of a loop's variable
before the loop is known). Constants stay constants, a text keeps its parts with the origin of each, and what a client or a
setting chooses stays marked as that through every step that does not restrict it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prodlint.facts import Class, Expression, Function

# More shapes than this are joined into the ones that matter to a rule, and an unknown one.
MOST_SHAPES = 12


@dataclass(frozen=True, slots=True)
class Known:
    """A constant that the code (or a setting's default) spells out."""

    value: Any
    at: Expression


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text: what it can be, and the expression that stands for it in the code."""

    value: Value
    at: Expression


@dataclass(frozen=True, slots=True)
class Text:
    """A text put together from parts, in order."""

    parts: tuple[Part, ...]
    at: Expression


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple or set: items known by position, and what further ones can be (None: there are no others)."""

    items: tuple[Value, ...]
    more: Value | None
    at: Expression


@dataclass(frozen=True, slots=True)
class Table:
    """A dict: entries under literal texts, and what other entries can be (None: there are no others)."""

    entries: Mapping[str, Value]
    more: Value | None
    at: Expression


@dataclass(frozen=True, slots=True)
class Setting:
    """Read from a setting. default: its value where nobody sets it (no shapes: it must be set). kind: what the text is made into:
    "text", "flag", "number", "list", or "presence" where only being there counts."""

    name: str
    default: Value
    kind: str
    at: Expression


@dataclass(frozen=True, slots=True)
class Client:
    """Chosen by a client. source: "path", "query", "body", "header", "cookie", "form", "upload", "message", "event" or "request";
    framework: the one that says so. class_: the class of the project that a body is read into."""

    source: str
    framework: str
    at: Expression | Function
    words: str = ""
    class_: Class | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a function of this project, whoever calls it."""

    name: str
    annotation: str
    function: Function
    at: Expression | Function


@dataclass(frozen=True, slots=True)
class Restricted:
    """A value that cannot be any text. how: "int", "float", "bool", "uuid", "date", "enum", "number", "checked", "quoted"; by: what did it."""

    how: str
    of: Value
    at: Expression
    by: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gives whose code is not read: its qualified name, and what it was given."""

    name: str
    given: tuple[Value, ...]
    at: Expression


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute, entry or method's result of something that is not known better: `step` is ".name", "[...]" or ".name()"."""

    of: Value
    step: str
    at: Expression


@dataclass(frozen=True, slots=True)
class Reference:
    """Something imported, or a builtin, by its qualified name."""

    name: str
    at: Expression


@dataclass(frozen=True, slots=True)
class Code:
    """A function, lambda or class of the project."""

    code: Function | Class | Expression
    at: Expression | Function | Class


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the project. given: what its constructor was called with."""

    class_: Class
    at: Expression


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything."""

    at: Expression | Function


Shape = Known | Text | Items | Table | Setting | Client | Argument | Restricted | Result | Member | Reference | Code | Instance | Unknown


@dataclass(frozen=True, slots=True)
class Value:
    """The shapes that an expression may take."""

    shapes: tuple[Shape, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.shapes)

    def only(self) -> Shape | None:
        """The one shape that it has, where it has one."""
        return self.shapes[0] if len(self.shapes) == 1 else None

    def unset(self) -> Value:
        """What it is where nobody sets a setting."""
        if not any(isinstance(shape, Setting) for shape in self.shapes):
            return self
        return join(*(shape.default.unset() if isinstance(shape, Setting) else Value((shape,)) for shape in self.shapes))

    def constants(self) -> list[Any]:
        """The constants that it may be, defaults of settings among them."""
        return [shape.value for shape in self.unset().shapes if isinstance(shape, Known)]

    def is_constant(self, constant: object) -> bool:
        """Whether it can be nothing but this constant."""
        return len(self.shapes) == 1 and isinstance(self.shapes[0], Known) and same(self.shapes[0].value, constant)

    def may_be(self, constant: object) -> bool:
        """Whether this constant is among what it may be, as written or as a setting's default."""
        return any(same(found, constant) for found in self.constants())

    def walk(self, depth: int = 8) -> Iterator[Shape]:
        """Every shape in it, the parts of texts, items and entries included."""
        waiting = [(self, depth)]
        budget = 400
        while waiting and budget:
            value, left = waiting.pop()
            for shape in value.shapes:
                budget -= 1
                yield shape
                if left > 0:
                    waiting.extend((inner, left - 1) for inner in inside(shape))

    def clients(self) -> Iterator[Client]:
        """What of it a client chooses: checked and converted parts left out."""
        return (shape for shape in self.walk() if isinstance(shape, Client))

    def settings(self) -> Iterator[Setting]:
        """The settings that it depends on."""
        return (shape for shape in self.walk() if isinstance(shape, Setting))


NOTHING = Value()


def inside(shape: Shape) -> Iterator[Value]:
    """The values that a shape is made of and hands through as they are."""
    if isinstance(shape, Text):
        yield from (part.value for part in shape.parts)
    elif isinstance(shape, Items):
        yield from shape.items
        if shape.more is not None:
            yield shape.more
    elif isinstance(shape, Table):
        yield from shape.entries.values()
        if shape.more is not None:
            yield shape.more
    elif isinstance(shape, Setting):
        yield shape.default
    elif isinstance(shape, Member):
        yield shape.of


def same(one: object, other: object) -> bool:
    """Equal and of one type: True is not 1 here."""
    return type(one) is type(other) and one == other


def known(value: Any, at: Expression) -> Value:
    """A constant."""
    return Value((Known(value, at),))


def unknown(at: Expression | Function) -> Value:
    """Anything."""
    return Value((Unknown(at),))


def _mark(shape: Shape) -> object:
    """What two shapes have in common when one of them is enough."""
    if isinstance(shape, Known):
        try:
            hash(shape.value)
        except TypeError:
            return id(shape)
        return Known, type(shape.value), shape.value
    if isinstance(shape, Client):
        return Client, shape.source, shape.at.start
    if isinstance(shape, Argument):
        return Argument, shape.name, shape.function.start
    if isinstance(shape, Unknown):
        return Unknown
    if isinstance(shape, (Result, Reference)):
        return type(shape), shape.name, shape.at.start
    if isinstance(shape, Setting):
        return Setting, shape.name, shape.kind, shape.at.start
    place = (type(shape), shape.at.start, shape.at.end, shape.at.file.path)
    # A dict or list that a branch changed is another one.
    if isinstance(shape, Table):
        return (*place, tuple((key, id(value)) for key, value in shape.entries.items()), id(shape.more))
    if isinstance(shape, Items):
        return (*place, tuple(id(value) for value in shape.items), id(shape.more))
    return place


_WEIGHT = {Client: 0, Setting: 1, Text: 2, Argument: 3, Known: 4}


def join(*values: Value) -> Value:
    """What one of several paths brings."""
    alive = [value for value in values if value.shapes]
    if len(alive) == 1:
        return alive[0]
    found: dict[object, Shape] = {}
    for value in alive:
        for shape in value.shapes:
            found.setdefault(_mark(shape), shape)
    shapes = list(found.values())
    if len(shapes) > MOST_SHAPES:
        shapes.sort(key=lambda shape: _WEIGHT.get(type(shape), len(_WEIGHT)))
        last = shapes[MOST_SHAPES]
        shapes = [*shapes[:MOST_SHAPES], Unknown(last.at if not isinstance(last.at, Class) else shapes[0].at)]  # type: ignore[arg-type]  # only Code stands at a class
    return Value(tuple(shapes))


def mapped(value: Value, change: Callable[[Known], Value | None], kind: str = "") -> Value | None:
    """A value with every constant changed, the defaults of settings among them; None where a shape is neither."""
    found = []
    for shape in value.shapes:
        if isinstance(shape, Known):
            made = change(shape)
        elif isinstance(shape, Setting):
            default = mapped(shape.default, change, kind)
            made = None if default is None else Value((Setting(shape.name, default, kind or shape.kind, shape.at),))
        else:
            made = None
        if made is None:
            return None
        found.append(made)
    return join(*found)


def truth(value: Value) -> bool | None:
    """Whether a value is true, where the code says so: settings and clients may be either."""
    answers = {truth_of(shape) for shape in value.shapes}
    return answers.pop() if len(answers) == 1 else None


def truth_of(shape: Shape) -> bool | None:
    """The same of one shape."""
    if isinstance(shape, Known):
        return bool(shape.value)
    if isinstance(shape, Items):
        return True if shape.items else None if shape.more is not None else False
    if isinstance(shape, Table):
        return True if shape.entries else None if shape.more is not None else False
    return None
