"""Inline ignores: `# prodlint: ignore[PRD501] until=2027-01-31 -- reason`, in the comments of any format.

A directive holds for exactly the statement, instruction or node on whose first or last line it stands, whose flagged part
it stands beside, or above which it stands alone. It is read from comments only, never from strings. One that is out of
date, misspelt or without effect is a finding of its own, PRD002, and silences nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from prodlint.facts import Source
from prodlint.model import Finding, Recipe, Span, Suppressed

CODE = "PRD002"
# A file holds directives only if it holds one of these.
MARKS = (b"prodlint:", b"noqa")
HONOR_MARKS: dict[str, bytes] = {
    "noqa": b"noqa",
    "nosec": b"nosec",
    "pragma": b"pragma:",
    "gitleaks": b"gitleaks:allow",
    "nosemgrep": b"nosem",
    "hadolint": b"hadolint",
}
# A file-level directive further down would surprise whoever reads the top of the file.
TOP_LINES = 30

Kind = Literal["ignore", "ignore-file", "noqa", "foreign"]


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as it was read.

    line, end_line: those of its comment. alone: nothing else stands on its line; target is then the line it speaks of.
    selectors: what stands between the brackets. span: the directive's text; cut: what to delete to be rid of it.
    problem: why it cannot be obeyed, or "".
    """

    kind: Kind
    line: int
    end_line: int
    target: int
    alone: bool
    span: Span
    cut: Span
    text: str
    selectors: tuple[str, ...] = ()
    until: date | None = None
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run says of directives.

    codes_of: the codes a selector stands for. selected: codes whose rules were run on this file, to the end.
    """

    codes_of: Callable[[str], Iterable[str]]
    selected: frozenset[str]
    today: date
    require_reason: bool = False
    unsuppressible: frozenset[str] = frozenset()


@dataclass(slots=True)
class Outcome:
    """What is left of the findings, and what the directives did: `used` holds (number of directive, selector)."""

    kept: list[Finding] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    used: set[tuple[int, str]] = field(default_factory=set)


# ---------------------------------------------------------------- reading

_OPENING = re.compile(r"(?:^|(?<=#)|(?<=//))[ \t]*prodlint:[ \t]*", re.IGNORECASE)
_NOQA = re.compile(
    r"(?:^|(?<=#)|(?<=//))[ \t]*noqa(?:(?P<colon>[ \t]*:[ \t]*)(?P<codes>[A-Za-z]+[0-9]+(?:[ \t]*[, \t][ \t]*[A-Za-z]+[0-9]+)*)?)?",
    re.IGNORECASE,
)
_BODY = re.compile(r"(?P<verb>[a-z-]+)[ \t]*(?P<list>\[(?P<codes>[^\]\n]*)\])?(?P<rest>.*)", re.DOTALL)
_UNTIL = re.compile(r"[ \t]*until[ \t]*=[ \t]*(?P<date>[^ \t]+)")
# Where another tool's directive begins in the same comment.
_NEXT = re.compile(
    r"[ \t]*(?:#|//)[ \t]*(?=(?:noqa|nosec|nosem|type:|pragma|pylint:|prodlint:|pyright:|mypy:|fmt:|ruff:|isort:|gitleaks:)|[A-Za-z]+:)"
)
_OPENERS = re.compile(r"[ \t]*(?:#+|//+|--|;+|<!--+|/\*+|\{#-?|%+|\*)[ \t]*")
_CLOSERS = re.compile(r"[ \t]*(?:--+>|\*+/|-?#\})[ \t]*$")


def may_hold_directives(data: bytes, honor: Sequence[str] = ()) -> bool:
    """Whether it is worth looking at a file's comments at all."""
    return (
        b"prodlint:" in data
        or b"noqa: PRD" in data
        or b"noqa:PRD" in data
        or b"noqa" in data
        and b"PRD" in data
        or any(HONOR_MARKS[name] in data for name in honor)
    )


def read(source: Source, comments: Iterable[tuple[int, int]], honor: Sequence[str] = ()) -> list[Directive]:
    """The directives in a file's comments, given as byte ranges."""
    found: list[Directive] = []
    data = source.data
    marks = (*MARKS, *(HONOR_MARKS[name] for name in honor))
    for start, end in comments:
        raw = data[start:end]
        lowered = raw.lower()
        if any(mark in lowered for mark in marks):
            found.extend(_in_comment(source, start, end, raw.decode("utf-8", "replace"), honor))
    return found


def _in_comment(source: Source, start: int, end: int, text: str, honor: Sequence[str]) -> Iterable[Directive]:
    offset = 0
    for line in text.split("\n"):
        yield from _in_line(source, start, end, text, offset, line.rstrip("\r"), honor)
        offset += len(line) + 1


def _in_line(source: Source, start: int, end: int, text: str, offset: int, line: str, honor: Sequence[str]) -> Iterable[Directive]:
    """The directives on one line of a comment; `offset` is where the line begins in the comment's text."""
    opener = _OPENERS.match(line)
    begin = opener.end() if opener else len(line) - len(line.lstrip())
    closer = _CLOSERS.search(line, begin)
    body = line[begin : closer.start() if closer else len(line)]

    def place(first: int, last: int) -> tuple[int, int]:
        base = offset + begin
        ahead = len(text[: base + first].encode())
        return start + ahead, start + ahead + len(text[base + first : base + last].encode())

    for match in _OPENING.finditer(body):
        first = match.start() + (len(match[0]) - len(match[0].lstrip()))
        following = _NEXT.search(body, match.end())
        last = following.start() if following else len(body)
        while last > first and body[last - 1] in " \t":
            last -= 1
        whole = not body[:first].strip(" \t#/") and last == len(body.rstrip()) and "\n" not in text
        yield _directive(source, (start, end), place(first, last), whole, body[match.end() : last], body[first:last])
    for match in _NOQA.finditer(body):
        codes = re.findall(r"[A-Za-z]+[0-9]+", match["codes"] or "")
        own = tuple(code.upper() for code in codes if code.upper().startswith("PRD"))
        first = match.start() + (len(match[0]) - len(match[0].lstrip()))
        byte_first, byte_last = place(first, match.end())
        if own:
            line_number, end_line, _, target = _lines(source, start, end, byte_first)
            span = source.span(byte_first, byte_last)
            whole = len(own) == len(codes) and not body[:first].strip(" \t#/") and match.end() == len(body.rstrip())
            cut = _cut(source, start, end) if whole else span
            yield Directive("noqa", line_number, end_line, target, False, span, cut, body[first : match.end()], own)
        if "noqa" in honor:
            mapped = frozenset(code for name in codes for code in FOREIGN.get(name.upper(), ())) if codes else ALL_FOREIGN
            yield from _foreign(source, start, end, byte_first, byte_last, mapped, match[0].strip())
    for name, regex in _FOREIGN_DIRECTIVES.items():
        if name in honor:
            for match in regex.finditer(body):
                codes = re.findall(r"[A-Z]+[0-9]+", match[1] or "") if regex.groups else []
                mapped = frozenset(code for found in codes for code in FOREIGN.get(found, ())) if codes else _BLANKET[name]
                yield from _foreign(source, start, end, *place(match.start(), match.end()), mapped, match[0].strip())


def _foreign(source: Source, start: int, end: int, first: int, last: int, codes: frozenset[str], text: str) -> Iterable[Directive]:
    if codes:
        line, end_line, alone, target = _lines(source, start, end, first)
        span = source.span(first, last)
        yield Directive("foreign", line, end_line, target, alone, span, span, text, tuple(sorted(codes)), reason=f"`{text}`")


def _directive(source: Source, comment: tuple[int, int], place: tuple[int, int], whole: bool, body: str, text: str) -> Directive:
    """Read `ignore[...] until=... -- reason`."""
    line, end_line, alone, target = _lines(source, *comment, place[0])
    span = source.span(*place)
    cut = _cut(source, *comment) if whole else span
    read = _BODY.match(body)
    verb = read["verb"] if read else ""
    kind: Kind = "ignore-file" if verb == "ignore-file" else "ignore"
    selectors: tuple[str, ...] = ()
    until: date | None = None
    reason = problem = ""
    if read is None or verb not in ("ignore", "ignore-file"):
        problem = f"`prodlint: {verb or body.strip()[:40]}` is no directive; write `prodlint: ignore[CODE] -- reason`"
    elif read["list"] is None:
        problem = f"`prodlint: {verb}` names no rule and ignores nothing; write `prodlint: {verb}[CODE] -- reason`"
        if read["rest"].lstrip().startswith("["):
            problem = f"`prodlint: {verb}` lacks its closing bracket and ignores nothing"
    else:
        selectors = tuple(dict.fromkeys(part.strip() for part in read["codes"].split(",") if part.strip()))
        if not selectors:
            problem = f"`prodlint: {verb}[]` names no rule and ignores nothing"
        rest = read["rest"]
        dated = _UNTIL.match(rest)
        if dated:
            rest = rest[dated.end() :]
            try:
                until = date.fromisoformat(dated["date"])
            except ValueError:
                problem = f"`until={dated['date']}` is no date; write `until=2027-01-31`. It ignores nothing"
        rest = rest.strip()
        if rest.startswith(("--", "\u2014", "\u2013")):
            reason = rest.lstrip("-\u2014\u2013").strip()
        elif rest and not problem:
            problem = f"`{rest[:30]}` is not understood and the directive ignores nothing; a reason begins with `--`"
        if kind == "ignore-file" and line > TOP_LINES and not problem:
            problem = f"`prodlint: ignore-file` must stand in the first {TOP_LINES} lines; here it ignores nothing"
    return Directive(kind, line, end_line, target, alone, span, cut, text, selectors, until, reason, problem)


def _lines(source: Source, start: int, end: int, at: int) -> tuple[int, int, bool, int]:
    """Line of the directive, last line of its comment, whether the comment stands alone, and the line it then speaks of."""
    line = source.position(at)[0]
    first, column = source.position(start)
    last = source.position(max(start, end - 1))[0]
    alone = source.line_text(first)[: column - 1].strip(' \t"') == ""
    if not alone:
        return line, last, False, 0
    target, lines = last + 1, len(source.line_starts)
    marker = source.line_text(first)[column - 1 : column]
    while target < lines and source.line_text(target).lstrip(' \t"').startswith(marker) and marker in "#;-/":
        target += 1
    return line, last, True, target


def _cut(source: Source, start: int, end: int) -> Span:
    """A whole comment with the blanks before it, and its line where nothing else stands on that."""
    data = source.data
    while start > 0 and data[start - 1] in b" \t":
        start -= 1
    if start == 0 or data[start - 1] in b"\r\n":
        if data[end : end + 2] == b"\r\n":
            end += 2
        elif data[end : end + 1] in (b"\n", b"\r"):
            end += 1
    return source.span(start, end)


# ---------------------------------------------------------------- obeying

Extent = Callable[[Span], tuple[int, int]]


def apply(findings: Iterable[Finding], directives: Sequence[Directive], terms: Terms, extent: Extent | None = None) -> Outcome:
    """Take away the findings that directives speak of.

    extent: first and last line of the statement, instruction or node around a span; the span's own where it is None.
    """
    outcome = Outcome()
    resolved = [
        [(selector, frozenset(terms.codes_of(selector)) - terms.unsuppressible) for selector in directive.selectors]
        if _stands(directive, terms.today)
        else []
        for directive in directives
    ]
    for finding in findings:
        lines = _lines_of(finding.span, extent)
        reason: str | None = None
        for number, directive in enumerate(directives):
            if not resolved[number] or not _speaks_of(directive, lines):
                continue
            for selector, codes in resolved[number]:
                if finding.code in codes:
                    outcome.used.add((number, selector))
                    reason = directive.reason if reason is None else reason
        if reason is None:
            outcome.kept.append(finding)
        else:
            outcome.suppressed.append(Suppressed(finding, "inline", reason))
    return outcome


def _stands(directive: Directive, today: date) -> bool:
    return not directive.problem and (directive.until is None or today <= directive.until)


def _lines_of(span: Span, extent: Extent | None) -> tuple[int, ...]:
    first, last = extent(span) if extent is not None else (span.line, span.end_line)
    end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
    return (first, last, span.line, end)


def _speaks_of(directive: Directive, lines: tuple[int, ...]) -> bool:
    if directive.kind == "ignore-file":
        return True
    if directive.alone:
        # Alone inside a statement it may also stand on its last line: the closing bracket's, or a comment at its end.
        return directive.target == lines[0] or directive.target == lines[2]
    return directive.line in lines or directive.end_line in lines


def problems(
    path: str, directives: Sequence[Directive], used: set[tuple[int, str]], terms: Terms, near: Callable[[str], str] | None = None
) -> list[Finding]:
    """The findings about the directives themselves (PRD002).

    used: of all passes over this file. near: `; did you mean ...` for an unknown rule.
    """
    if CODE not in terms.selected:
        return []
    found: list[Finding] = []
    for number, directive in enumerate(directives):
        if directive.kind == "foreign" or CODE in _codes(directive, terms):
            continue
        if directive.problem:
            found.append(_finding(path, directive, directive.problem))
            continue
        if directive.until is not None and terms.today > directive.until:
            words = _quoted(directive.selectors)
            found.append(_finding(path, directive, f"the ignore of {words} expired on {directive.until.isoformat()}"))
            continue
        dead: list[str] = []
        unknown: list[str] = []
        for selector in directive.selectors:
            codes = frozenset(terms.codes_of(selector))
            if not codes:
                unknown.append(selector)
                hint = near(selector) if near is not None else ""
                found.append(_finding(path, directive, f"unknown rule `{selector}`{hint}"))
            elif (forbidden := codes & terms.unsuppressible) == codes:
                found.append(_finding(path, directive, f"{_quoted(sorted(forbidden))} may not be ignored inline"))
            elif (number, selector) not in used and codes & terms.selected:
                dead.append(selector)
        if dead:
            message = (
                f"{_quoted(dead)} {'is' if len(dead) == 1 else 'are'} ignored here, but nothing breaks {'it' if len(dead) == 1 else 'them'}"
            )
            found.append(_finding(path, directive, message, _without(directive, (*dead, *unknown) if not unknown else tuple(dead))))
        if terms.require_reason and not directive.reason and directive.kind != "noqa" and len(dead) < len(directive.selectors):
            found.append(_finding(path, directive, "the ignore gives no reason; add one after `--`"))
    return found


def _codes(directive: Directive, terms: Terms) -> frozenset[str]:
    return frozenset(code for selector in directive.selectors if selector != "ALL" for code in terms.codes_of(selector))


def _finding(path: str, directive: Directive, message: str, fix: Recipe | None = None) -> Finding:
    return Finding(path, directive.span, CODE, message, "P2", content=directive.text, fix=fix)


def _without(directive: Directive, dead: tuple[str, ...]) -> Recipe:
    """Delete the dead selectors, or the whole directive where none is left. Other tools' directives stay as they are."""
    left = [selector for selector in directive.selectors if selector not in dead]
    if not left:
        span, text = directive.cut, ""
    elif directive.kind == "noqa":
        span, text = directive.span, directive.text
        for selector in dead:
            text = re.sub(rf"(?i)\b{selector}\b[ \t]*,?[ \t]*|,[ \t]*{selector}\b$", "", text)
        text = text.rstrip(", \t")
    else:
        span = directive.span
        text = re.sub(r"\[[^\]]*\]", lambda _: f"[{', '.join(left)}]", directive.text, count=1)
    place = (("line", str(span.line)), ("column", str(span.column)), ("end_line", str(span.end_line)), ("end_column", str(span.end_column)))
    return Recipe("replace-at", "Delete the ignore that has no effect", True, (*place, ("text", text)))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ---------------------------------------------------------------- other tools' directives

_SECRETS = frozenset(f"PRD1{number:02}" for number in range(1, 15))
# What another tool's code silences here, for those who ask for it with `honor`.
FOREIGN: dict[str, tuple[str, ...]] = {
    "E722": ("PRD201",),
    "BLE001": ("PRD202",),
    "S110": ("PRD203",),
    "S112": ("PRD203",),
    "SIM105": ("PRD203",),
    "B110": ("PRD203",),
    "B112": ("PRD203",),
    "S105": ("PRD103", "PRD104", "PRD105"),
    "S106": ("PRD103", "PRD104", "PRD105"),
    "S107": ("PRD103", "PRD104", "PRD105"),
    "B105": ("PRD103", "PRD104", "PRD105"),
    "B106": ("PRD103", "PRD104", "PRD105"),
    "B107": ("PRD103", "PRD104", "PRD105"),
    "S113": ("PRD504",),
    "S201": ("PRD621",),
    "B201": ("PRD621",),
    "T100": ("PRD305",),
    "T201": ("PRD305",),
    "FIX001": ("PRD301",),
    "FIX002": ("PRD301",),
    "FIX003": ("PRD301",),
    "FIX004": ("PRD301",),
    "TD002": ("PRD301",),
    "TD003": ("PRD301",),
}
ALL_FOREIGN = frozenset(code for codes in FOREIGN.values() for code in codes)
_FOREIGN_DIRECTIVES = {
    "nosec": re.compile(r"(?:^|(?<=#)|(?<=[ \t]))nosec\b[ \t:]*((?:B[0-9]{3}[, \t]*)*)"),
    "pragma": re.compile(r"pragma:[ \t]*(?:allowlist|whitelist)[ \t]+secret"),
    "gitleaks": re.compile(r"gitleaks:allow"),
    "nosemgrep": re.compile(r"(?:^|(?<=#))[ \t]*nosem(?:grep)?(?=[ \t:]|$)"),
    "hadolint": re.compile(r"hadolint[ \t]+ignore=((?:[A-Z]{2}[0-9]{4}[, \t]*)+)"),
}
_BLANKET = {
    "nosec": frozenset(code for name, codes in FOREIGN.items() if name[0] == "B" and name != "BLE001" for code in codes),
    "pragma": _SECRETS,
    "gitleaks": _SECRETS,
    "nosemgrep": ALL_FOREIGN | _SECRETS,
    "hadolint": frozenset[str](),
}
