"""What may be shown of a file: its lines with every secret of the whole report covered."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from prodlint.facts import Source
from prodlint.model import Finding, Report, Span

SourceLookup = Callable[[str], Source | None]

MASK = "***"

_LINES_KEPT = 4096

# What to cover although no finding says so, because the rule that knows it was not selected or is off for such a file:
# values in the shape of a vendor's token, passwords in addresses, literals with a digit under a secret's name. This errs
# towards covering, which costs an excerpt a word; a rule must not use it.
_TRIGGERS = (
    *("://", "akia", "asia", "aiza", "eyj", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "hf_", "npm_", "pypi-"),
    *("sg.", "sk-", "sk_live_", "rk_live_", "xox", "shpat_", "dop_v1_", "whsec_", "password", "passwd", "secret", "token"),
    *("api_key", "apikey", "api-key", "access_key", "private_key", "bearer"),
)
_SHAPES = (
    r"(?:\b(?-i:AKIA|ASIA|AIza|eyJ|gh[opsur]_|github_pat_|glpat-|hf_|npm_|pypi-|SG\.|sk-|[sr]k_live_|xox[a-z]-|shpat_|dop_v1_|whsec_)"
    r"(?P<token>(?=[\w.+/=-]{0,100}\d)[\w.+/=-]{12,})"
    r"|://[^\s/:@\"'{}$<>]{0,100}:(?P<url>[^\s/@\"'{}$<>]{3,200})@"
    r"|\bbearer\s{1,3}(?P<bearer>[\w.+/=-]{12,})"
    r"|(?:passw(?:or)?d|secret|token|(?:api|access|private)[_-]?key)[\w.-]{0,40}[\"']?\]?\s{0,8}(?::|=|=>)\s{0,8}"
    r"(?:[bru]{0,2}(?P<quote>[\"'])(?P<quoted>(?=[^\"'\s]{0,200}\d)[^\"'\s${}<>]{6,200})(?P=quote)"
    r"|(?P<bare>(?=\S{0,200}\d)[^\s\"'`${}<>()\[\],;]{6,200})$))"
)
_GROUPS = ("token", "url", "bearer", "quoted", "bare")


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


class Redaction:
    """The report's secrets, and the only way by which output reads the files they stand in.

    A secret is covered where the report says it is, whichever finding an excerpt belongs to. One that could hardly be
    anything else (see `_telling`) is also covered wherever its text turns up again: other lines, messages, fixes.
    """

    def __init__(self, report: Report, sources: SourceLookup) -> None:
        self._sources = sources
        self._read: dict[str, Source | None] = {}
        self._lines: dict[tuple[str, int], Line] = {}
        self._cuts: dict[str, dict[int, list[tuple[int, int]]]] = {}
        self._last = ("", 0, "")  # one line of a megabyte may hold thousands of secrets
        self._values: Any = None
        values: set[str] = set()
        for path, span in _secrets(report):
            values.update(self._cover(path, span))
        if values:
            from ahocorasick_rs import AhoCorasick, MatchKind

            self._values = AhoCorasick(sorted(values), matchkind=MatchKind.LeftmostLongest)

    def _cover(self, path: str, span: Span) -> Iterator[str]:
        """Note the lines of a secret; gives the texts by which it would be known elsewhere."""
        lines = self._cuts.setdefault(path, {})
        for number in range(span.line, span.end_line + 1):
            start = span.column - 1 if number == span.line else 0
            text = self.uncovered(path, number)
            end = span.end_column - 1 if number == span.end_line else len(text)
            if end > start:
                lines.setdefault(number, []).append((start, end))
                value = _unquoted(text[start:end])
                if _telling(value):
                    yield value

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
        cuts = list(self._cuts.get(path, {}).get(number, ()))
        if self._values is not None:
            cuts += [(start, end) for _, start, end in self._values.find_matches_as_indexes(text)]
        cuts += _shaped(text)
        if not cuts:
            return Line(text, (), len(text))
        pieces, shifted = [], []
        position = shift = 0
        for start, end in _merged(cuts, len(text)):
            pieces += [text[position:start], MASK]
            position = end
            shift += len(MASK) - (end - start)
            shifted.append((start, end, shift))
        return Line("".join([*pieces, text[position:]]), tuple(shifted), len(text))

    def covered(self, text: str) -> str:
        """A line that stands in no file yet, as it may be shown."""
        return self._covered("", 0, text).text

    def words(self, text: str) -> str:
        """A message, a name or a fix with known secrets covered."""
        if self._values is None:
            return text
        found = self._values.find_matches_as_indexes(text)
        for _, start, end in reversed(found):
            text = text[:start] + MASK + text[end:]
        return text


@cache
def _looks() -> tuple[Any, re.Pattern[str]]:
    """What finds the triggers, and what finds the values behind them; made when the first line is shown."""
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(_TRIGGERS), re.compile(_SHAPES, re.IGNORECASE)


def _shaped(text: str) -> Iterator[tuple[int, int]]:
    """Where a line holds what looks like a secret."""
    triggers, shapes = _looks()
    if triggers.find_matches_as_indexes(text.lower()):
        for found in shapes.finditer(text):
            for group in _GROUPS:
                if found.start(group) >= 0:
                    yield found.span(group)


def _secrets(report: Report) -> Iterator[tuple[str, Span]]:
    findings: list[Finding] = report.findings
    for finding in (*findings, *(s.finding for s in report.suppressed)):
        for span in finding.secrets:
            yield finding.path, span


def _merged(cuts: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Cuts in order, cut to the line, those that touch or overlap joined."""
    cuts.sort()
    start, end = cuts[0]
    for next_start, next_end in cuts[1:]:
        if next_start <= end:
            end = max(end, next_end)
        else:
            yield start, min(end, length)
            start, end = next_start, next_end
    yield start, min(end, length)


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
