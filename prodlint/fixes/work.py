"""What the making of one fix has in hand, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prodlint.facts import Source

# Byte offsets and the text to put between them.
Piece = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Work:
    """One recipe at one place: `start` and `end` are byte offsets of the finding in `source`."""

    source: Source
    kind: str
    start: int
    end: int
    pairs: tuple[tuple[str, str], ...]
    newline: str

    @property
    def arguments(self) -> Mapping[str, str]:
        """The recipe's arguments; of one that is given several times, the last."""
        return dict(self.pairs)

    def lines(self, text: str) -> str:
        """A text with the file's line endings."""
        return text.replace("\n", self.newline)

    def line_start(self, offset: int) -> int:
        """Where the line of a byte offset begins."""
        return self.source.line_starts[self.source.position(offset)[0] - 1]

    def line_end(self, offset: int) -> int:
        """Where the line of a byte offset ends, its line ending included."""
        starts = self.source.line_starts
        line = self.source.position(offset)[0]
        return starts[line] if line < len(starts) else len(self.source.data)

    def indentation(self, offset: int) -> str:
        """The blanks that the line of a byte offset begins with."""
        start = self.line_start(offset)
        data = self.source.data
        end = start
        while data[end : end + 1] in (b" ", b"\t"):
            end += 1
        return data[start:end].decode()


def work_with(work: Work, key: str, value: str) -> Work:
    """The same work with one argument more."""
    return replace(work, pairs=(*work.pairs, (key, value)))


def newline_of(data: bytes) -> str:
    """The line ending that a file uses: that of its first line."""
    first = data.find(b"\n")
    if first > 0 and data[first - 1] == 13:
        return "\r\n"
    return "\r" if first == -1 and b"\r" in data else "\n"


def smallest(start: int, old: str, new: str) -> list[Piece]:
    """The one piece that makes `new` of `old`, without what both begin and end with. start: byte offset of `old`."""
    if old == new:
        return []
    before, after = old.encode("utf-8", "surrogatepass"), new.encode("utf-8", "surrogatepass")
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    # Never between the bytes of one character.
    while head and (_inside(before, head) or _inside(after, head)):
        head -= 1
    while tail and (_inside(before, len(before) - tail) or _inside(after, len(after) - tail)):
        tail -= 1
    return [(start + head, start + len(before) - tail, after[head : len(after) - tail].decode("utf-8", "surrogatepass"))]


def _inside(data: bytes, offset: int) -> bool:
    return offset < len(data) and data[offset] & 0xC0 == 0x80
