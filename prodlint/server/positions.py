"""Places between prodlint (lines and columns from 1, columns in code points) and the protocol (from 0, in the units that were agreed on)."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec

from prodlint.model import Span
from prodlint.server.units import Place, name_of, place_of


def range_of(span: Span, lines: Sequence[str], codec: PositionCodec) -> types.Range:
    """A span as a range in the client's units. lines: the text's, with their line ends."""
    return range_at(place_of(span, lambda line: lines[line - 1], len(lines), name_of(codec.encoding)))


def range_at(place: Place) -> types.Range:
    """A place as the protocol writes it."""
    line, column, end_line, end_column = place
    return types.Range(types.Position(line, column), types.Position(end_line, end_column))


def overlaps(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges touch."""
    return (one.start.line, one.start.character) <= (other.end.line, other.end.character) and (other.start.line, other.start.character) <= (
        one.end.line,
        one.end.character,
    )


def covers(one: types.Range, position: types.Position) -> bool:
    """Whether a range holds a position."""
    return (one.start.line, one.start.character) <= (position.line, position.character) <= (one.end.line, one.end.character)
