"""What may be shown of a file: secrets covered first, before anything is quoted or cut."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from prodlint.content import joined_literals
from prodlint.facts import Source
from prodlint.model import Finding, Report, Span
from prodlint.values.covering import MASK, cover, merged, places, random_words

SourceLookup = Callable[[str], Source | None]

_LINES_KEPT = 4096
# A piece of a random value as long as this tells which one it is.
_WINDOW = 8
# Of a value that people made up the beginning tells it from this length on.
_SHORTEST_HEAD = 8
_LONGEST_SEARCHED = 20_000
_CUT = re.compile(r"\.{3}|\u2026|[`'\"]|\Z")


class Line(NamedTuple):
    """A line as it may be shown.

    text: without its ending, secrets covered. cuts: what was covered, as (start, end, shift) of the file's own
    characters, from 0; shift: by how much text behind the cover has moved. length: of the line in the file.
    """

    text: str
    cuts: tuple[tuple[int, int, int], ...]
    length: int

    def at(self, column: int, end: bool = False) -> int:
        """Where a column of the file (from 1) stands in `text` (from 0). A place inside a cover goes to its start, or to its end."""
        place = max(min(column - 1, self.length), 0)
        before = bisect_left(self.cuts, (place,)) - 1
        if before < 0:
            return place
        _, stop, shift = self.cuts[before]
        if place < stop:
            return stop + shift - (0 if end else len(MASK))
        return place + shift


_NO_LINE = Line("", (), 0)


class KnownValues:
    """Values that rules know to be secret, and what of them stands in a text that is to be shown.

    A value that could hardly be anything else (see `_telling`) is found wherever it stands whole. Of one that a machine made
    any piece of eight characters is; of another one its beginning, where a text was cut.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        from prodlint.values.secret_values import is_random

        whole: set[str] = set()
        self._pieces: set[str] = set()
        self._heads: set[str] = set()
        for value in {form for text in texts for form in _forms(text)}:
            if not _telling(value):
                continue
            whole.add(value)
            if any(is_random(part) for part in (value, *_WORD_GAPS.split(value))):
                self._pieces.update(piece for piece in _pieces_of(value) if not _is_common(piece))
            else:
                self._heads.add(value)
        self._automaton: Any = None
        if whole:
            from ahocorasick_rs import AhoCorasick, MatchKind

            self._automaton = AhoCorasick(sorted(whole), matchkind=MatchKind.LeftmostLongest)

    def __bool__(self) -> bool:
        return self._automaton is not None

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text holds one of them, or a piece of one."""
        if self._automaton is None or len(text) < _WINDOW:
            return
        for _, start, end in self._automaton.find_matches_as_indexes(text):
            yield start, end
        if len(text) > _LONGEST_SEARCHED:
            return
        pieces = self._pieces
        if pieces:
            for start in range(len(text) - _WINDOW + 1):
                if text[start : start + _WINDOW] in pieces:
                    yield start, start + _WINDOW
        for value in self._heads:
            if value[:_SHORTEST_HEAD] in text:
                yield from _heads_in(text, value)

    def covered(self, text: str) -> str:
        """The text without them."""
        return cover(text, self.places(text)) if self._automaton is not None else text


NO_VALUES = KnownValues(())

_WORD_GAPS = re.compile(r"[^A-Za-z0-9+/=]+")


def _pieces_of(value: str) -> Iterator[str]:
    return (value[start : start + _WINDOW] for start in range(len(value) - _WINDOW + 1))


def _is_word(piece: str) -> bool:
    """Whether a piece may stand in any text: letters of one case, as in `sk_live_` or `password`."""
    letters = piece.replace("_", "").replace("-", "").replace(".", "")
    return not letters or (letters.isalpha() and (letters.islower() or letters.isupper() or letters.istitle()))


_RUNS = re.compile(r"[^A-Za-z0-9]+")
# `api`, `Webhook`, `v1`, `TOKEN`: what stands between the signs of addresses, settings and names.
_PLAIN = re.compile(r"(?:[A-Za-z]?[a-z]*|[A-Z]+)[0-9]{0,2}\Z")


def _is_common(piece: str) -> bool:
    """Whether a piece of a random value is one of other texts as well: words, and the signs between them (`.com/api`)."""
    if _is_word(piece):
        return True
    runs = [run for run in _RUNS.split(piece) if run]
    return len(runs) > 1 and all(_PLAIN.match(run) for run in runs) and any(len(run) > 2 and run.isalpha() for run in runs)


def _heads_in(text: str, value: str) -> Iterator[tuple[int, int]]:
    """The beginnings of a value at which the text was cut."""
    for cut in _CUT.finditer(text):
        end = cut.start()
        low = max(0, end - len(value))
        start = text.rfind(value[:_SHORTEST_HEAD], low, end)
        if start != -1 and value.startswith(text[start:end]) and not _is_word(text[start:end]):
            yield start, end


def _forms(text: str) -> Iterator[str]:
    """The ways in which a secret may be written elsewhere: without quotes, joined, by lines, decoded."""
    lines = text.splitlines() if "\n" in text else [text]
    joined = joined_literals(text)
    for written in (*lines, *joined):
        value = _unquoted(written)
        yield value
        if "%" in value:
            from urllib.parse import unquote

            yield unquote(value)
        if "\\" in value:
            yield value.replace("\\\\", "\\").replace("\\'", "'").replace('\\"', '"')
        if len(value) >= 16 and len(value) % 4 == 0 and _BASE64.match(value):
            yield from _decoded(value)


_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")


def _decoded(value: str) -> Iterator[str]:
    import base64

    try:
        text = base64.b64decode(value, validate=True).decode("ascii")
    except ValueError:
        return
    if text.isprintable():
        yield text


class Redaction:
    """The report's secrets, and the only way by which output reads the files they stand in.

    A secret is covered where the report says it is, whichever rules are selected and whichever finding an excerpt belongs to,
    and wherever it or a piece of it turns up again (see `KnownValues`): other lines, messages, fixes. In files that cannot be read
    every word of mixed characters is covered.
    """

    def __init__(self, report: Report, sources: SourceLookup) -> None:
        self._sources = sources
        self._read: dict[str, Source | None] = {}
        self._lines: dict[tuple[str, int], Line] = {}
        self._cuts: dict[str, dict[int, list[tuple[int, int]]]] = {}
        self._last = ("", 0, "")  # one line of a megabyte may hold thousands of secrets
        self._unreadable = {unchecked.path for unchecked in report.unchecked if not unchecked.analysed}
        self._shown: dict[str, str] = {}
        values: list[str] = []
        for path, span in _secrets(report):
            values += self._cover(path, span)
        self._values = KnownValues(values)

    def _cover(self, path: str, span: Span) -> Iterator[str]:
        """Note the lines of a secret; gives the texts by which it would be known elsewhere."""
        lines = self._cuts.setdefault(path, {})
        for number in range(span.line, span.end_line + 1):
            start = span.column - 1 if number == span.line else 0
            text = self.uncovered(path, number)
            end = span.end_column - 1 if number == span.end_line else len(text)
            if end > start:
                lines.setdefault(number, []).append((start, end))
                yield text[start:end]

    def source(self, path: str) -> Source | None:
        """A file's text, asked for once. Only for places and lengths: what is shown comes from `line`."""
        if path not in self._read:
            self._read[path] = self._sources(path)
        return self._read[path]

    def uncovered(self, path: str, number: int) -> str:
        """A line (from 1) as it is in the file: to count with, never to show. The last one asked for is kept."""
        if self._last[:2] != (path, number):
            source = self.source(path)
            self._last = (path, number, source.line_text(number) if source else "")
        return self._last[2]

    def secret_lines(self, path: str) -> Iterable[int]:
        """The lines (from 1) of a file on which a reported secret stands."""
        return self._cuts.get(path, {}).keys()

    def line(self, path: str, number: int) -> Line:
        """A line (from 1) as it may be shown; an empty one where there is none."""
        key = (path, number)
        found = self._lines.get(key)
        if found is None:
            source = self.source(path)
            found = _NO_LINE if source is None else self._covered(path, number, source.line_text(number))
            if len(self._lines) >= _LINES_KEPT:
                self._lines.clear()
            self._lines[key] = found
        return found

    def _covered(self, path: str, number: int, text: str) -> Line:
        cuts = [
            *self._cuts.get(path, {}).get(number, ()),
            *self._values.places(text),
            *places(text, unreadable=path in self._unreadable),
        ]
        if not cuts:
            return Line(text, (), len(text))
        pieces, shifted = [], []
        position = shift = 0
        for start, end in merged(sorted(cuts), len(text)):
            pieces += [text[position:start], MASK]
            position = end
            shift += len(MASK) - (end - start)
            shifted.append((start, end, shift))
        return Line("".join([*pieces, text[position:]]), tuple(shifted), len(text))

    def covered(self, text: str) -> str:
        """A line that stands in no file yet, as it may be shown."""
        return self._covered("", 0, text).text

    def words(self, text: str) -> str:
        """A message, a name or a fix with known secrets covered, and what looks like one."""
        found = self._shown.get(text)
        if found is None:
            if len(self._shown) >= _LINES_KEPT:
                self._shown.clear()
            found = self._shown[text] = cover(text, [*self._values.places(text), *random_words(text)])
        return found


def _secrets(report: Report) -> Iterator[tuple[str, Span]]:
    for path, spans in report.secrets.items():
        for span in spans:
            yield path, span
    known = {path: frozenset(spans) for path, spans in report.secrets.items()}
    findings: list[Finding] = report.findings
    for finding in (*findings, *(s.finding for s in report.suppressed)):
        for span in finding.secrets:
            if span not in known.get(finding.path, ()):
                yield finding.path, span


def _unquoted(text: str) -> str:
    """The value inside a literal: without blanks, prefix and quotes."""
    bare = text.strip()
    if bare[-1:] in ("'", '"', "`"):
        quote = bare[-1]
        head = bare.find(quote)
        if head <= 2 and bare[:head].isalpha() | (head == 0):
            bare = bare[head:]
    return bare.strip("'\"`")


def _telling(value: str) -> bool:
    """Whether a value means this secret wherever it stands. A word such as `postgres` does not."""
    return len(value) >= 16 or (len(value) >= 8 and not value.isalpha())
