"""Jupyter notebooks: the code cells as one Python source whose places are those of the raw .ipynb."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from prodlint.facts import File, Problem, Source
from prodlint.model import Span

# The C scanner of a JSON string: text, place behind the quote, strict -> value, place behind the closing quote.
scanstring: Callable[[str, int, bool], tuple[str, int]] = vars(json.decoder)["scanstring"]
_BLANKS = re.compile(r"[ \t\r\n]*")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
# Cell magics whose body is still Python of this notebook.
_PYTHON_MAGICS = frozenset(("time", "timeit", "capture", "prun", "python", "python3", "memray_flamegraph"))
_ESCAPED = re.compile(r"[ \t]*[%!?/,;]")
_LINE_MAGIC = re.compile(r"[ \t]*(?:[%!]|\?\w|\w[\w., ]*=[ \t]*[!%](?!=))|.*\w\?{1,2}[ \t]*$")


def unreadable(source: Source, file: File) -> Problem | None:
    """What is wrong with a file that has a notebook's name and is none."""
    try:
        if _cells(source.text) is not None:
            return None
        start = 0
        why = "no list of cells"
    except (ValueError, IndexError, RecursionError) as error:
        start = source.offset(error.pos) if isinstance(error, json.JSONDecodeError) else 0
        why = "not valid JSON"
    problem = Problem(source, file, start, start)
    problem.kind, problem.why = "syntax", why
    return problem


def problems(cells: Notebook, file: File) -> Iterator[Problem]:
    """What the interpreter refuses in a notebook's code, cell by cell: each is run by itself."""
    from prodlint.python import syntax

    for start, end in cells.bounds():
        cell = Source(cells.data[start:end])
        found = syntax.refusal(cell, is_cell=True)
        # IPython reads more than `cells` knows of: `/f x`, `,f a b`, a magic inside a statement.
        if found is not None and not _ESCAPED.match(cell.line_text(cell.position(found.start)[0])):
            yield syntax.as_problem(found, cells, file, start)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a code cell: where its text begins in the raw file (behind the JSON quote, or inside a long string), the
    cell and the line's number in it (from 1), and where it begins in the joined code."""

    start: int
    raw: int
    cell: int
    number: int


class Notebook(Source):
    """`data` is the code of all cells; positions, spans and lines are those of the notebook file.

    original: the file itself. cells: how many of any kind there are.
    """

    __slots__ = ("_starts", "lines", "original")

    def __init__(self, original: Source, code: bytes, lines: list[Line]) -> None:
        super().__init__(code, original.encoding)
        self.original = original
        self.lines = lines
        self._starts = [line.start for line in lines]

    def _line(self, offset: int) -> Line | None:
        index = bisect_right(self._starts, offset) - 1
        return self.lines[index] if 0 <= index < len(self.lines) else None

    def bounds(self) -> Iterator[tuple[int, int]]:
        """Where the code of each cell begins and ends."""
        starts = [line.start for index, line in enumerate(self.lines) if index == 0 or self.lines[index - 1].cell != line.cell]
        yield from pairwise([*starts, len(self.data)])

    def raw_offset(self, offset: int) -> int:
        """The byte of the notebook file that holds a byte of the code."""
        line = self._line(offset)
        if line is None:
            return 0
        data, at, left = self.original.data, line.raw, offset - line.start
        while left > 0 and at < len(data):
            if data[at] == 0x5C:
                width, size = _escape(data, at)
                at += width
                left -= size
            elif data[at] == 0x22:
                break
            else:
                at += 1
                left -= 1
        return at

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column in the notebook file."""
        return self.original.position(self.raw_offset(offset))

    def span(self, start: int, end: int) -> Span:
        """The span in the notebook file."""
        return Span(*self.position(start), *self.position(end))

    def line_text(self, line: int) -> str:
        """A line of the notebook file."""
        return self.original.line_text(line)

    def offset_at(self, line: int, column: int) -> int:
        """The byte of the code that stands at a line and column of the notebook file."""
        raw = self.original.offset_at(line, column)
        before = [each for each in self.lines if each.raw <= raw]
        if not before:
            return 0
        nearest = max(before, key=lambda each: each.raw)
        data, at, offset = self.original.data, nearest.raw, nearest.start
        while at < raw:
            width, size = _escape(data, at) if data[at] == 0x5C else (1, 1)
            at += width
            offset += size
        return min(offset, len(self.data))

    def place(self, span: Span) -> str:
        """The cell and the line in it."""
        raw = self.original.offset_at(span.line, span.column)
        found: Line | None = None
        for line in self.lines:
            if line.raw > raw:
                break
            found = line
        return f"cell {found.cell}, line {found.number}" if found else ""


def _escape(data: bytes, at: int) -> tuple[int, int]:
    """How many bytes a JSON escape takes, and how many its character takes in UTF-8."""
    if data[at + 1 : at + 2] != b"u":
        return 2, 1
    try:
        code = int(data[at + 2 : at + 6], 16)
    except ValueError:
        return 2, 1
    if 0xD800 <= code < 0xDC00 and data[at + 6 : at + 8] == b"\\u":
        return 12, 4
    return 6, 1 if code < 0x80 else 2 if code < 0x800 else 3


def cells(source: Source) -> Notebook:
    """A notebook's code; none where the file is no notebook (see `unreadable`). Magics and shell lines become `pass`."""
    try:
        found = _cells(source.text)
    except (ValueError, IndexError, RecursionError):
        found = None
    if found is None:
        return Notebook(source, b"", [])
    to_bytes = _byte_offsets(source, [at for _, pieces in found for at, _ in pieces])
    parts: list[bytes] = []
    lines: list[Line] = []
    offset = 0
    for number, pieces in found:
        joined = "".join(text for _, text in pieces)
        magic = _CELL_MAGIC.match(joined)
        skipped = magic is not None and magic[1] not in _PYTHON_MAGICS
        line_number, depth = 0, 0
        fresh, continued = True, False
        for at, text in pieces:
            raw = to_bytes[at]
            for line in text.splitlines(keepends=True):
                encoded = line.encode("utf-8", "replace")
                if fresh:
                    line_number += 1
                lines.append(Line(offset, raw, number, line_number))
                fresh = line.endswith(("\n", "\r"))
                raw = _past(source.data, raw, len(encoded))
                if skipped:
                    encoded = _blank(encoded, b"")
                elif continued or (depth == 0 and _LINE_MAGIC.match(line)):
                    # `!pip install \` goes on below.
                    encoded = _blank(encoded, b"" if continued else b"pass")
                    continued = line.rstrip("\r\n").endswith("\\")
                # A line of a call's arguments may begin with % or end with ? only outside brackets.
                depth = 0 if skipped else max(0, depth + sum(map(line.count, "([{")) - sum(map(line.count, ")]}")))
                parts.append(encoded)
                offset += len(encoded)
        if parts and not parts[-1].endswith(b"\n"):
            parts.append(b"\n")
            offset += 1
    return Notebook(source, b"".join(parts), lines)


def _blank(line: bytes, word: bytes) -> bytes:
    """A line of the same length that does nothing."""
    text = line.rstrip(b"\r\n")
    indent = len(text) - len(text.lstrip())
    rest = len(text) - indent
    word = word if rest >= len(word) else b"0" if rest else b""
    return text[:indent] + word + b" " * (rest - len(word)) + line[len(text) :]


def _past(data: bytes, at: int, size: int) -> int:
    while size > 0 and at < len(data):
        width, written = _escape(data, at) if data[at] == 0x5C else (1, 1)
        at += width
        size -= written
    return at


def _byte_offsets(source: Source, places: list[int]) -> dict[int, int]:
    """Byte offsets of characters, in one pass."""
    if source.data.isascii():
        return {place: place for place in places}
    result, text, last, offset = {}, source.text, 0, 0
    for place in sorted(places):
        offset += len(text[last:place].encode("utf-8", "replace"))
        last = place
        result[place] = offset
    return result


def _cells(text: str) -> list[tuple[int, list[tuple[int, str]]]] | None:
    """Number and source pieces (character offset behind the quote, text) of each code cell."""
    decoder = json.JSONDecoder(strict=False)

    def blanks(at: int) -> int:
        return _BLANKS.match(text, at).end()  # type: ignore[union-attr]

    def members(at: int) -> tuple[dict[str, tuple[int, int]], int]:
        """Where each value of the object at a place begins and ends."""
        found: dict[str, tuple[int, int]] = {}
        at = blanks(at + 1)
        while text[at] != "}":
            key, at = scanstring(text, at + 1, False)
            at = blanks(blanks(at) + 1)
            _, end = decoder.raw_decode(text, at)
            found[key] = (at, end)
            at = blanks(end)
            if text[at] == ",":
                at = blanks(at + 1)
        return found, at + 1

    start = blanks(0)
    if text[start : start + 1] != "{":
        return None
    outline, _ = members(start)
    if "cells" not in outline or text[outline["cells"][0]] != "[":
        return None
    if not _is_python(json.loads(text[slice(*outline["metadata"])], strict=False) if "metadata" in outline else None):
        return []
    result: list[tuple[int, list[tuple[int, str]]]] = []
    at = blanks(outline["cells"][0] + 1)
    number = 0
    while text[at] != "]":
        if text[at] != "{":
            return None
        number += 1
        cell, at = members(at)
        if "cell_type" in cell and "source" in cell and text[slice(*cell["cell_type"])] == '"code"':
            result.append((number, _pieces(text, cell["source"][0])))
        at = blanks(at)
        if text[at] == ",":
            at = blanks(at + 1)
    return result


def _is_python(metadata: object) -> bool:
    """Whether a notebook's kernel is one of Python, as far as its metadata say: R, Julia and Scala have notebooks too."""
    if not isinstance(metadata, dict):
        return True
    given = (
        metadata.get(table, {}).get(name)
        for table, name in (("language_info", "name"), ("kernelspec", "language"))
        if isinstance(metadata.get(table, {}), dict)
    )
    said = [each.lower() for each in given if isinstance(each, str) and each]
    return not said or any("python" in each for each in said)


def _pieces(text: str, at: int) -> list[tuple[int, str]]:
    if text[at] == '"':
        value, _ = scanstring(text, at + 1, False)
        return [(at + 1, value)]
    pieces: list[tuple[int, str]] = []
    if text[at] != "[":
        return pieces
    at = _BLANKS.match(text, at + 1).end()  # type: ignore[union-attr]
    while text[at] == '"':
        value, end = scanstring(text, at + 1, False)
        pieces.append((at + 1, value))
        at = _BLANKS.match(text, end).end()  # type: ignore[union-attr]
        if text[at] == ",":
            at = _BLANKS.match(text, at + 1).end()  # type: ignore[union-attr]
    return pieces
