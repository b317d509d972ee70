"""Places between prodlint (lines and columns from 1, columns in code points) and the protocol (from 0, in the units that were agreed on)."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec

from prodlint.model import Span


def range_of(span: Span, lines: Sequence[str], codec: PositionCodec) -> types.Range:
    """A span as a range in the client's units. lines: the text's, with their line ends."""
    return types.Range(_position(span.line, span.column, lines, codec), _position(span.end_line, span.end_column, lines, codec))


def _position(line: int, column: int, lines: Sequence[str], codec: PositionCodec) -> types.Position:
    if line > len(lines):
        return types.Position(len(lines), 0)
    before = lines[line - 1].rstrip("\r\n")[: column - 1]
    return types.Position(line - 1, codec.client_num_units(before))


def overlaps(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges touch."""
    return (one.start.line, one.start.character) <= (other.end.line, other.end.character) and (other.start.line, other.start.character) <= (
        one.end.line,
        one.end.character,
    )


def covers(one: types.Range, position: types.Position) -> bool:
    """Whether a range holds a position."""
    return (one.start.line, one.start.character) <= (position.line, position.character) <= (one.end.line, one.end.character)
