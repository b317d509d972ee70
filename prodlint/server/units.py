"""Columns in the units that the client counts in. Without the protocol's types: the process that looks at whole projects needs none."""

from __future__ import annotations

from collections.abc import Callable

from prodlint.model import Span

# Line and column of the start and of the end, from 0, columns in the client's units.
Place = tuple[int, int, int, int]


def name_of(encoding: object) -> str:
    """The name of a position encoding, which pygls has as a text or as a member of an enumeration."""
    return str(getattr(encoding, "value", encoding))


def units_of(text: str, units: str) -> int:
    """How many units a text takes. units: `utf-8`, `utf-16` or `utf-32`, as the protocol names them."""
    if units == "utf-32" or text.isascii():
        return len(text)
    if units == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def place_of(span: Span, line_text: Callable[[int], str], last: int, units: str) -> Place:
    """Where a span is for the client. line_text: a line by its number (from 1). last: the number of the last one."""
    return (
        *_position(span.line, span.column, line_text, last, units),
        *_position(span.end_line, span.end_column, line_text, last, units),
    )


def _position(line: int, column: int, line_text: Callable[[int], str], last: int, units: str) -> tuple[int, int]:
    if line > last:
        return last, 0
    return line - 1, units_of(line_text(line).rstrip("\r\n")[: column - 1], units)
