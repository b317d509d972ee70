"""What a terminal needs: colours, links, columns, and nothing in a file's text that could command it."""

from __future__ import annotations

from unicodedata import category, east_asian_width

from prodlint.escaping import escape_all_but, escape_control_characters

TAB = 4
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# Colours of the 256 that are as far from black as from white (contrast about 4.5 to either), so that they can be read on both.
_CODES = {
    "P0": "1;38;5;160",
    "P1": "38;5;130",
    "P2": "38;5;31",
    "bold": "1",
    "dim": "2",
    "gutter": "38;5;30",
    "good": "38;5;29",
    "fix": "38;5;31",
}


class Styler:
    """Paints words where colour is wanted, and leaves them alone where it is not."""

    __slots__ = ("color", "links")

    def __init__(self, color: bool, links: bool = False) -> None:
        self.color = color
        self.links = links

    def paint(self, words: str, style: str) -> str:
        """Words in a style named in `_CODES`."""
        return f"\x1b[{_CODES[style]}m{words}\x1b[0m" if self.color and words else words

    def link(self, words: str, url: str) -> str:
        """Words that open a page (OSC 8) where the terminal can."""
        return f"\x1b]8;;{url}\x1b\\{words}\x1b]8;;\x1b\\" if self.links and url else words


PLAIN = Styler(color=False)


def width(text: str) -> int:
    """How many columns a terminal gives to text without tabs."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def expanded(text: str) -> str:
    """Text with its tabs as blanks, counted from its own start."""
    if "\t" not in text:
        return text
    pieces, column = [], 0
    for index, piece in enumerate(text.split("\t")):
        if index:
            blanks = TAB - column % TAB
            pieces.append(" " * blanks)
            column += blanks
        pieces.append(piece)
        column += width(piece)
    return "".join(pieces)


def excerpt(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """A line made fit to show, and where its marks stand: (text, blanks before the marks, number of marks).

    start, end: what to mark, as indexes into `text`. Where the line is wider than `room`, what is around the mark stays.
    """
    if not text.isprintable():
        # What is written as an escape is longer than it was.
        before, inside, behind = (escape_all_but(piece, "\t") for piece in (text[:start], text[start:end], text[end:]))
        text, start, end = before + inside + behind, len(before), len(before) + len(inside)
    cut_before = cut_after = False
    # No character takes more than TAB columns, so most lines need no counting.
    if len(text) * TAB > room and (len(text) > room or width(expanded(text)) > room):
        left = max(0, min(start - room // 3, len(text) - room + 2))
        kept = text[left : left + room - 2]
        over = width(expanded(kept)) - (room - 2)
        while over > 0:
            over -= width(kept[-1])
            kept = kept[:-1]
        cut_before, cut_after = left > 0, left + len(kept) < len(text)
        text = kept
        start, end = (min(max(0, index - left), len(text)) for index in (start, end))
    head, marked = text[:start], text[start:end]
    # Tabs are expanded on the whole prefix: where one ends depends on all that stands before it.
    offset = width(expanded(head))
    marks = width(expanded(head + marked)) - offset
    shown = ELLIPSIS * cut_before + escape_control_characters(expanded(text)) + ELLIPSIS * cut_after
    return shown, offset + cut_before, max(1, marks)
