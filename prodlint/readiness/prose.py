"""Where a Python file speaks to its readers: its comments, and texts that stand alone as a statement."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

# Line and column, both from 1.
Position = tuple[int, int]
_BEGINS = frozenset((tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.COMMENT))


def prose_of(data: bytes) -> Iterator[tuple[Position, Position]]:
    """The beginning and the end of each comment and docstring, as far as the file can be read."""
    before = tokenize.ENCODING
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            is_statement = token.type == tokenize.STRING and before in _BEGINS
            if token.type == tokenize.COMMENT or is_statement:
                yield (token.start[0], token.start[1] + 1), (token.end[0], token.end[1] + 1)
            before = token.type
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return
