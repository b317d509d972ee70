"""Numbers in texts that anybody may have written."""

from __future__ import annotations

# `int` refuses more digits than 4,300 with an error, and a float of more than 308 is infinite.
_MOST_DIGITS = 18


def whole_number(text: str) -> int | None:
    """The number that a text of plain digits says; None for any other text, and for numbers that nobody counts to (`²` is a digit, too)."""
    return int(text) if text.isascii() and text.isdigit() and len(text.lstrip("0")) <= _MOST_DIGITS and len(text) < 1_000 else None
