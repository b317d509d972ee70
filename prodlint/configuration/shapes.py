"""What may stand behind a setting: each shape reads a value that TOML gave, and describes itself in JSON Schema.

Validation, the published schema and the documentation are made from the same objects, so none of them can say something the others do not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from prodlint.configuration.patterns import Patterns


class Shape(Protocol):
    """Something that can read a value.

    words: what people call such a value. Called with a value it gives what the settings keep. Raises ValueError, worded to follow the key's name.
    """

    @property
    def words(self) -> str:
        """Such a value in the singular, for documentation."""
        ...

    def __call__(self, value: Any) -> Any:
        """Read a value."""
        ...

    def schema(self) -> dict[str, Any]:
        """The values that are read, in JSON Schema 2020-12."""
        ...


class MisplacedValue(ValueError):
    """A wrong value inside a table, or a key that it cannot have. path: the keys that lead to it."""

    def __init__(self, message: str, path: tuple[str, ...], is_unknown: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.is_unknown = is_unknown

    def told(self, above: str) -> str:
        """The whole sentence. above: the key that the table stands under."""
        key = ".".join((above, *self.path))
        return f"unknown setting `{key}`{self}" if self.is_unknown else f"`{key}` {self}"


def _below(name: str, error: ValueError) -> MisplacedValue:
    """The error as one of the table that holds it."""
    if isinstance(error, MisplacedValue):
        return MisplacedValue(str(error), (name, *error.path), error.is_unknown)
    return MisplacedValue(str(error), (name,))


class Text:
    """Any text. words: what it says (a path, a date); format: JSON Schema's name for that, where there is one."""

    __slots__ = ("format", "words")

    def __init__(self, words: str = "text", format: str = "") -> None:
        self.words = words
        self.format = format

    def __call__(self, value: Any) -> str:
        """The text."""
        if self.format == "date":
            from datetime import date

            value = value.isoformat() if isinstance(value, date) else value
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if self.format == "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError(f"must be a date such as 2027-03-31, not `{value}`") from None
        return value

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", **({"format": self.format} if self.format else {})}


class Flag:
    """True or false."""

    __slots__ = ()
    words = "true or false"

    def __call__(self, value: Any) -> bool:
        """The flag."""
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


class OneOf:
    """One of some words. allowed: a function where they are known only later."""

    __slots__ = ("_allowed",)

    def __init__(self, *allowed: str, later: Callable[[], tuple[str, ...]] | None = None) -> None:
        self._allowed = later or (lambda: allowed)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The words."""
        return self._allowed()

    @property
    def words(self) -> str:
        """All of them."""
        return f"one of {quoted(self.allowed)}"

    def __call__(self, value: Any) -> str:
        """The word."""
        if value not in self.allowed:
            raise ValueError(f"must be one of {quoted(self.allowed)}{did_you_mean(value, self.allowed)}")
        return str(value)

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.allowed)}


class ListOf:
    """A list of texts, each of a shape."""

    __slots__ = ("item",)

    def __init__(self, item: Shape) -> None:
        self.item = item

    @property
    def words(self) -> str:
        """Of what."""
        return f"list of {self.item.words}" if isinstance(self.item, OneOf) else f"list of {self.item.words}s"

    def __call__(self, value: Any) -> tuple[Any, ...]:
        """The list, as a tuple."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("must be a list of texts")
        return tuple(self.item(item) for item in value)

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "items": self.item.schema()}


class Pattern:
    """A pattern as in .gitignore, relative to the directory of the settings."""

    __slots__ = ()
    words = "pattern"

    def __call__(self, value: Any) -> str:
        """The pattern."""
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if not value.strip() or not Patterns((value.removeprefix("!"),)):
            raise ValueError(f"holds the pattern `{value}`, which can match nothing")
        if value.startswith(("./", "../")) or os.path.isabs(value) and os.path.exists(value):
            raise ValueError(f"holds the pattern `{value}`; patterns are written as in .gitignore, from the directory of the settings")
        return value

    def schema(self) -> dict[str, Any]:
        """A string that is not blank."""
        return {"type": "string", "pattern": r"\S", "not": {"pattern": r"^\.\.?/"}}


class Selector:
    """A rule, by code, prefix of codes or name. Whether there is such a rule is judged once all pages are read."""

    __slots__ = ("everything",)
    words = "rule (code, prefix or name)"

    def __init__(self, everything: bool = True) -> None:
        self.everything = everything

    def __call__(self, value: Any) -> str:
        """The selector."""
        if not isinstance(value, str):
            raise ValueError("must be a text")
        return value

    def schema(self) -> dict[str, Any]:
        """A reference: the words are those of the rules at hand."""
        return {"$ref": "#/$defs/rule"}


class Table:
    """A table with any keys of a shape."""

    __slots__ = ("item", "key")

    def __init__(self, key: Shape, item: Shape) -> None:
        self.key = key
        self.item = item

    @property
    def words(self) -> str:
        """From what to what."""
        return f"table: {self.key.words} = {self.item.words}"

    def __call__(self, value: Any) -> dict[str, Any]:
        """The table."""
        if not isinstance(value, dict):
            raise ValueError("must be a table")
        made = {}
        for name, inner in value.items():
            try:
                made[self.key(name)] = self.item(inner)
            except ValueError as error:
                raise _below(name, error) from None
        return made

    def schema(self) -> dict[str, Any]:
        """An object. Keys that are an enumeration are listed, for editors that complete."""
        if isinstance(self.key, OneOf):
            item = self.item.schema()
            return {"type": "object", "properties": dict.fromkeys(self.key.allowed, item), "additionalProperties": False}
        made: dict[str, Any] = {"type": "object", "additionalProperties": self.item.schema()}
        if not isinstance(self.key, Text):
            made["propertyNames"] = self.key.schema()
        return made


class Fields:
    """A table with certain keys. known: key -> (shape, what it says); needed: those that must be there."""

    __slots__ = ("known", "needed")
    words = "table"

    def __init__(self, known: Mapping[str, tuple[Shape, str]], needed: tuple[str, ...] = ()) -> None:
        self.known = known
        self.needed = needed

    def __call__(self, value: Any) -> dict[str, Any]:
        """The table."""
        if not isinstance(value, dict):
            raise ValueError("must be a table")
        made = {}
        for name, inner in value.items():
            if name not in self.known:
                raise MisplacedValue(did_you_mean(name, self.known), (name,), is_unknown=True)
            try:
                made[name] = self.known[name][0](inner)
            except ValueError as error:
                raise _below(name, error) from None
        for name in self.needed:
            if not made.get(name):
                raise ValueError(f"needs `{name}`")
        return made

    def schema(self) -> dict[str, Any]:
        """An object that has no other keys."""
        properties = {name: {**shape.schema(), "description": words} for name, (shape, words) in self.known.items()}
        return {"type": "object", "properties": properties, "required": list(self.needed), "additionalProperties": False}


class Shorthand:
    """A table, or a text that stands for the table with one key alone: `load-tested = "k6, 3 May"`."""

    __slots__ = ("fields", "key")

    def __init__(self, key: str, fields: Fields) -> None:
        self.key = key
        self.fields = fields

    @property
    def words(self) -> str:
        """Both forms."""
        return f"{self.key}, or {self.fields.words}"

    def __call__(self, value: Any) -> dict[str, Any]:
        """The table."""
        return self.fields({self.key: value} if isinstance(value, str) else value)

    def schema(self) -> dict[str, Any]:
        """Either form."""
        return {"oneOf": [{"type": "string", "minLength": 1}, self.fields.schema()]}


class TablesOf:
    """Several tables under one name: `[[tool.prodlint.NAME]]`."""

    __slots__ = ("item",)
    words = "list of tables"

    def __init__(self, item: Fields) -> None:
        self.item = item

    def __call__(self, value: Any) -> tuple[dict[str, Any], ...]:
        """The tables."""
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ValueError("must be written as `[[...]]` tables")
        return tuple(self.item(item) for item in value)

    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": "array", "items": self.item.schema()}


class Options:
    """A table whose keys somebody else judges: the options of a rule, by its page."""

    __slots__ = ()
    words = "table of options"

    def __call__(self, value: Any) -> dict[str, Any]:
        """The table."""
        if not isinstance(value, dict):
            raise ValueError("must be a table of options")
        return value

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object"}


def quoted(names: Any) -> str:
    """Names in backticks, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def did_you_mean(wrong: Any, names: Any) -> str:
    """`; did you mean ...`, where a name is near enough."""
    from difflib import get_close_matches

    if not isinstance(wrong, str):
        return ""
    by_lower = {name.lower(): name for name in names}
    found = get_close_matches(wrong.lower().replace("_", "-"), by_lower, 1, 0.6)
    return f"; did you mean `{by_lower[found[0]]}`?" if found else ""
