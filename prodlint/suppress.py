"""Inline ignores: `# prodlint: ignore[PRD501] until=2027-01-31 -- reason`, in the comments of any format.

A directive holds for exactly the statement, instruction or node on whose first or last line it stands, whose flagged part
it stands beside, or above which it stands alone. It is read from comments only, never from strings. One that is out of
date, misspelt or without effect is a finding of its own, PRD002, and silences nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from prodlint.checks.tool import DIRECTIVE
from prodlint.content import digest
from prodlint.facts import Source
from prodlint.foreign import TOOLS, ForeignCodes
from prodlint.foreign import marks as marks_of
from prodlint.model import Finding, FixRequest, Span, Suppressed
from prodlint.readers.remarks import prose

# A file holds directives only if it holds one of these.
MARKS = (b"prodlint:", b"noqa")
# A file-level directive further down would surprise whoever reads the top of the file.
TOP_LINES = 30

Kind = Literal["ignore", "ignore-file", "noqa", "foreign"]


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as it was read.

    line, end_line: those of its comment. alone: nothing else stands on its line; target is then the line it speaks of.
    behind: words of the same comment stand before it, so it speaks of them too.
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
    behind: bool = False


@dataclass(frozen=True, slots=True)
class SuppressionPolicy:
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

# A directive begins where a comment does, or after a further `#` or `//` in it.
_STARTS = re.compile(r"#+|//+")
_WITHOUT_MARK = re.compile(r"(?<=[ \t;,])prodlint:[ \t]*ignore\[", re.IGNORECASE)
_OURS = re.compile(r"[ \t]*(?P<text>prodlint:[ \t]*)", re.IGNORECASE)
_NOQA = re.compile(r"[ \t]*(?P<text>noqa(?![\w-])(?:[ \t]*:[ \t]*(?P<codes>[A-Za-z]+[0-9]+(?:[, \t]+[A-Za-z]+[0-9]+)*))?)", re.IGNORECASE)
_OTHERS = re.compile(
    r"[ \t]*(?:noqa|nosec|nosem|type:|pragma|pylint:|prodlint:|pyright:|mypy:|fmt:|ruff:|isort:|gitleaks:|hadolint|checkov:)"
)
# `<!-- prodlint: PRD201, backups -->` in a checklist says what its line means (prodlint/readiness/lines.py).
_ITEMS = re.compile(r"(?!ignor|disable|noqa|off|skip)[\w-]+(?:[,\s]+[\w-]+)*\s*", re.IGNORECASE)
_BODY = re.compile(r"(?P<verb>[a-z-]+)[ \t]*(?P<list>\[(?P<codes>[^\]\n]*)\])?(?P<rest>.*)", re.DOTALL)
_UNTIL = re.compile(r"[ \t]*until[ \t]*=[ \t]*(?P<date>[^ \t]+)")
_OPENERS = re.compile(r"[ \t]*(?:#+|//+|--|;+|<!--+|/\*+|\{#-?|%+|\*)[ \t]*")
_CLOSERS = ("-->", "*/", "#}")
_REASON = re.compile("--|\u2014|\u2013")
# Nobody writes more of them into one line.
_MOST_IN_A_LINE = 20
_MOST_STACKED = 50


def may_hold_directives(data: bytes, honor: Sequence[str] = ()) -> bool:
    """Whether it is worth looking at a file's comments at all."""
    return (
        b"prodlint:" in data
        or b"noqa: PRD" in data
        or b"noqa:PRD" in data
        or b"noqa" in data
        and b"PRD" in data
        or bool(honor)
        and any(mark in data.lower() for mark in marks_of(honor))
    )


def read(
    source: Source, comments: Iterable[tuple[int, int]], honor: Sequence[str] = (), foreign: ForeignCodes | None = None
) -> list[Directive]:
    """The directives in a file's comments, given as byte ranges. honor: other tools whose directives count; foreign: what they silence."""
    found: list[Directive] = []
    data = source.data
    marks = (*MARKS, *marks_of(honor))
    comments = list(comments)
    layout: _Layout | None = None
    for start, end in comments:
        raw = data[start:end]
        lowered = raw.lower()
        if any(mark in lowered for mark in marks):
            layout = layout or _layout(source, comments)
            found.extend(_in_comment(layout, start, end, raw.decode("utf-8", "replace"), honor, foreign or ForeignCodes()))
    return found


def _in_comment(layout: _Layout, start: int, end: int, text: str, honor: Sequence[str], foreign: ForeignCodes) -> Iterable[Directive]:
    offset = 0
    for line in text.split("\n"):
        yield from _in_line(layout, start, end, text, offset, line.rstrip("\r"), honor, foreign)
        offset += len(line) + 1


def _in_line(
    layout: _Layout, start: int, end: int, text: str, offset: int, line: str, honor: Sequence[str], foreign: ForeignCodes
) -> Iterable[Directive]:
    """The directives on one line of a comment; `offset` is where the line begins in the comment's text."""
    source = layout.source
    opener = _OPENERS.match(line)
    begin = opener.end() if opener else 0
    body = line[: _end_of_words(line)]

    def place(first: int, last: int) -> tuple[int, int]:
        if text.isascii():
            return start + offset + first, start + offset + last
        ahead = len(text[: offset + first].encode())
        return start + ahead, start + ahead + len(text[offset + first : offset + last].encode())

    # Where each part of the comment begins, and where the mark before it does.
    parts = [(begin, begin), *((found.end(), found.start()) for found in _STARTS.finditer(body, begin))]
    if _OTHERS.match(body, begin):
        # Behind another tool's directive ours needs no mark of its own.
        bare = (found.start() for found in _WITHOUT_MARK.finditer(body, begin + 1))
        parts = sorted({*parts, *((at, at) for at in bare if body[:at].rstrip()[-1:] not in ("#", "/"))})
    marked = [part for part in parts if _OURS.match(body, part[0]) or _NOQA.match(body, part[0])]
    for position, mark in marked[:_MOST_IN_A_LINE]:
        ours = _OURS.match(body, position)
        noqa = None if ours else _NOQA.match(body, position)
        found = ours or noqa
        assert found is not None
        first = found.start("text")
        last = noqa.end() if noqa else _end_of_directive(body, first, [part for part in parts if part[1] > first])
        following = len(body[:last].rstrip()) if ours else last
        last = following
        bytes_at = place(first, last)
        # What to delete with it, so that what other tools read stays as it is.
        if mark > begin:
            cut = place(len(body[:mark].rstrip(" \t")), last)
        elif last == len(body):
            cut = (start, end) if "\n" not in text else bytes_at
        else:
            after = next((after for after, other in parts if other >= last), last)
            cut = place(first, after + len(body[after:]) - len(body[after:].lstrip(" \t")))
        if ours and "<!--" in line[:begin] and _ITEMS.fullmatch(body[ours.end() : last]):
            continue
        if ours:
            yield _directive(layout, (start, end), bytes_at, cut, body[ours.end() : last], body[first:last], mark > begin)
        elif noqa:
            codes = re.findall(r"[A-Za-z]+[0-9]+", noqa["codes"] or "")
            own = tuple(code.upper() for code in codes if code.upper().startswith("PRD"))
            if own:
                number, end_line, _, target = layout.lines(start, end, bytes_at[0])
                span = source.span(*bytes_at)
                whole = _cut(source, *cut) if cut == (start, end) else source.span(*cut)
                yield Directive(
                    "noqa", number, end_line, target, False, span, whole if len(own) == len(codes) else span, body[first:last], own
                )
            if "noqa" in honor:
                mapped = foreign.of(codes) if codes else foreign.blanket("noqa")
                yield from _foreign(layout, start, end, *bytes_at, mapped, noqa["text"], reason=prose(body[begin:]))
    for name, tool in TOOLS.items():
        if name in honor:
            for match in list(tool.directive.finditer(body, begin))[:_MOST_IN_A_LINE]:
                codes = re.findall(r"[A-Z]+[0-9]+", match[1] or "") if tool.directive.groups else []
                mapped = foreign.of(codes) if codes else foreign.blanket(name)
                below = tool.below or "nextline" in match[0].lower()
                at = place(match.start(), match.end())
                yield from _foreign(layout, start, end, *at, mapped, match[0].strip(), below=below, reason=prose(body[begin:]))


def _end_of_words(line: str) -> int:
    """Where the words of a comment's line end: before blanks and what closes the comment."""
    words = line.rstrip()
    for closer in _CLOSERS:
        if words.endswith(closer):
            words = words[: -len(closer)].rstrip(" \t*-" if closer != "#}" else " \t-")
            break
    return len(words)


def _end_of_directive(body: str, first: int, later: Sequence[tuple[int, int]]) -> int:
    """Where a directive ends: before the next comment, or within a reason (`see #12`) before another tool's directive."""
    reason = _REASON.search(body, first)
    for position, mark in later:
        if reason is None or mark < reason.start() or _OTHERS.match(body, position):
            return mark
    return len(body)


def _foreign(
    layout: _Layout, start: int, end: int, first: int, last: int, codes: frozenset[str], text: str, *, below: bool = False, reason: str
) -> Iterable[Directive]:
    """below: whether the other tool takes it, alone on a line, for the line below."""
    if codes:
        line, end_line, alone, target = layout.lines(start, end, first)
        span = layout.source.span(first, last)
        yield Directive("foreign", line, end_line, target, alone and below, span, span, text, tuple(sorted(codes)), reason=reason)


def _directive(
    layout: _Layout, comment: tuple[int, int], place: tuple[int, int], deleted: tuple[int, int], body: str, text: str, behind: bool
) -> Directive:
    """Read `ignore[...] until=... -- reason`."""
    source = layout.source
    line, end_line, alone, target = layout.lines(*comment, place[0])
    span = source.span(*place)
    cut = _cut(source, *comment) if deleted == comment else source.span(*deleted)
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
        if _OTHERS.match(rest) and not _OURS.match(rest):
            rest = ""
        if _REASON.match(rest):
            reason = rest.lstrip("-\u2014\u2013").strip()
        elif rest and not problem:
            problem = f"`{rest[:30]}` is not understood and the directive ignores nothing; a reason begins with `--`"
        if kind == "ignore-file" and line > TOP_LINES and not problem:
            problem = f"`prodlint: ignore-file` must stand in the first {TOP_LINES} lines; here it ignores nothing"
    return Directive(kind, line, end_line, target, alone, span, cut, text, selectors, until, reason, problem, behind)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where comments stand in a file. targets: for each that stands alone, by its start, the line it speaks of."""

    source: Source
    targets: Mapping[int, int]

    def lines(self, start: int, end: int, at: int) -> tuple[int, int, bool, int]:
        """Line of the directive, last line of its comment, whether the comment stands alone, and the line it then speaks of."""
        line, last = self.source.position(at)[0], self.source.position(max(start, end - 1))[0]
        target = self.targets.get(start, 0)
        return line, last, target > 0, target


def _layout(source: Source, comments: Sequence[tuple[int, int]]) -> _Layout:
    """Of comments that stand below one another all speak of the line below the last."""
    data = source.data
    targets: dict[int, int] = {}
    # The first line of each comment that stands alone, with its mark and its target; from the end of the file upwards.
    begun: dict[int, tuple[bytes, int]] = {}
    for start, end in sorted(comments, reverse=True):
        margin = max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1
        if data[margin:start].strip():
            continue
        target = source.position(max(start, end - 1))[0] + 1
        mark = data[start : start + 1]
        below = begun.get(target)
        if below is not None and below[0] == mark and mark in b"#;-/":
            target = below[1]
        begun[source.position(start)[0]] = (mark, target)
        targets[start] = target
    return _Layout(source, targets)


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


def apply(findings: Iterable[Finding], directives: Sequence[Directive], terms: SuppressionPolicy, extent: Extent | None = None) -> Outcome:
    """Take away the findings that directives speak of.

    extent: first and last line of the statement, instruction or node around a span; the span's own where it is None.
    """
    outcome = Outcome()
    by_line: dict[int, list[int]] = {}
    everywhere: list[int] = []
    resolved: list[list[tuple[str, frozenset[str]]]] = []
    known: dict[str, frozenset[str]] = {}
    for number, directive in enumerate(directives):
        stands = not directive.problem and (directive.until is None or terms.today <= directive.until)
        selectors = directive.selectors if stands else ()
        for selector in selectors:
            if selector not in known:
                known[selector] = frozenset(terms.codes_of(selector)) - terms.unsuppressible
        resolved.append([(selector, known[selector]) for selector in selectors])
        if directive.kind == "ignore-file":
            everywhere.append(number)
        else:
            lines = {directive.line, directive.end_line}
            if directive.alone:
                # Of the statement below, of the comment below, and of the comment that it ends itself.
                lines = {-directive.target, -directive.end_line - 1, *((directive.line,) if directive.behind else ())}
            for line in lines:
                by_line.setdefault(line, []).append(number)
    for finding in findings:
        reason: str | None = None
        for number in sorted({*everywhere, *_speaking(by_line, finding.span, extent)}):
            for selector, codes in resolved[number]:
                if finding.code in codes:
                    outcome.used.add((number, selector))
                    reason = _shown(directives[number]) if reason is None else reason
        if reason is None:
            outcome.kept.append(finding)
        else:
            outcome.suppressed.append(Suppressed(finding, "inline", reason))
    return outcome


def _shown(directive: Directive) -> str:
    """The reason as it is shown, with the other tool's directive."""
    if directive.kind != "foreign":
        return directive.reason
    return f"`{directive.text}`{f': {directive.reason}' if directive.reason else ''}"


def _speaking(by_line: dict[int, list[int]], span: Span, extent: Extent | None) -> Iterable[int]:
    """The directives that speak of a place: on its first or last line or its statement's, beside a line of the flagged part, or
    alone above one of the first.

    Those that stand alone are filed under the negative of the line they speak of.
    """
    end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
    first, last = extent(span) if extent is not None else (span.line, end)
    lines = {first, last, span.line, end, -first, -span.line}
    # The extent of a function or a loop is its head: what stands in the body speaks of the body's own lines.
    if min(end, last) - span.line < _MOST_STACKED:
        lines.update(range(span.line, min(end, last) + 1))
    for line in lines:
        yield from by_line.get(line, ())


_CONTINUED = ("shell", "requirements", "makefile", "procfile", "systemd", "env", "text")
_MOST_LINES_UP = 500


def extent_by_layout(source: Source, kind: str) -> Extent | None:
    """The extent of what a place in a configuration file belongs to, as its layout shows it.

    YAML: the key whose list or text holds the line. TOML: the key whose value runs over the line. INI: the option it continues.
    Where lines are joined by a backslash: all of them.
    """
    if kind == "yaml":
        return lambda span: _yaml_entry(source, span)
    if kind == "toml":
        return lambda span: (_up(source, span.line, lambda line: _TOML_KEY.match(line) is not None), span.end_line)
    if kind == "ini":
        return lambda span: (_up(source, span.line, lambda line: line[:1] not in (" ", "\t", "#", ";", "")), span.end_line)
    if kind in _CONTINUED:
        return lambda span: _joined_lines(source, span)
    return None


_TOML_KEY = re.compile(r"""[ \t]*(?:[\w.-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*[\w"'.-]+)*[ \t]*=|[ \t]*\[[\w"'. -]+\]|[ \t]*\[\[""")
_YAML_KEY = re.compile(r"""[ \t]*(?:-[ \t]+)*(?:"[^"\n]*"|'[^'\n]*'|[^\s#\-{\["'][^:\n#]*):(?:[ \t]|$)""")


def _up(source: Source, line: int, begins: Callable[[str], bool]) -> int:
    """The nearest line from this one upwards with which something begins."""
    for number in range(line, max(0, line - _MOST_LINES_UP), -1):
        if begins(source.line_text(number)):
            return number
    return line


def _yaml_entry(source: Source, span: Span) -> tuple[int, int]:
    text = source.line_text(span.line)
    indent = len(text) - len(text.lstrip(" "))
    item = text.lstrip(" ").startswith("-")
    inside = _inside_text(source, span.line, indent)
    if inside:
        return inside, span.end_line
    if not item or _YAML_KEY.match(text):
        return span.line, span.end_line
    for number in range(span.line - 1, max(0, span.line - _MOST_LINES_UP), -1):
        above = source.line_text(number)
        bare = above.lstrip(" ")
        if not bare or bare[0] == "#":
            continue
        depth = len(above) - len(bare)
        if depth < indent or (depth == indent and bare[0] != "-"):
            return (number, span.end_line) if _YAML_KEY.match(above) else (span.line, span.end_line)
    return span.line, span.end_line


def _inside_text(source: Source, line: int, indent: int) -> int:
    """The line of the key whose block of text (`run: |`) holds this line, or 0."""
    least = indent
    for number in range(line - 1, max(0, line - _MOST_LINES_UP), -1):
        above = source.line_text(number)
        bare = above.lstrip(" ")
        depth = len(above) - len(bare)
        if not bare or depth >= least:
            continue
        if _BLOCK_TEXT.search(above):
            return number
        if _YAML_KEY.match(above):
            return 0
        least = depth
    return 0


_BLOCK_TEXT = re.compile(r"(?::|-)[ \t]+(?:[!&][^ \t]+[ \t]+)*[|>][-+0-9]*[ \t]*(?:#.*)?$")


def _joined_lines(source: Source, span: Span) -> tuple[int, int]:
    first, last, lines = span.line, span.end_line, len(source.line_starts)
    while first > max(1, span.line - _MOST_LINES_UP) and source.line_text(first - 1).rstrip(" \t").endswith("\\"):
        first -= 1
    while last < min(lines, span.end_line + _MOST_LINES_UP) and source.line_text(last).rstrip(" \t").endswith("\\"):
        last += 1
    return first, last


def problems(
    path: str,
    directives: Sequence[Directive],
    used: set[tuple[int, str]],
    terms: SuppressionPolicy,
    near: Callable[[str], str] | None = None,
) -> list[Finding]:
    """The findings about the directives themselves (PRD002).

    used: of all passes over this file. near: `; did you mean ...` for an unknown rule.
    """
    if DIRECTIVE not in terms.selected:
        return []
    found: list[Finding] = []
    for number, directive in enumerate(directives):
        if directive.kind == "foreign":
            if terms.require_reason and not directive.reason and any((number, selector) in used for selector in directive.selectors):
                found.append(_finding(path, directive, f"`{directive.text}` gives no reason; say why in the same comment"))
            continue
        if DIRECTIVE in _codes(directive, terms):
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


def unreasoned(path: str, lines: Collection[int]) -> Finding:
    """The finding about a list of another tool that took findings away and says of none of them why."""
    number = len(lines)
    message = f"takes away the findings of {number} line{'s'[: number > 1]} and gives no reason; a `prodlint: ignore` beside each can"
    return Finding(path, Span(1, 1, 1, 1), DIRECTIVE, f"`{path}` {message}", "P2", content=digest(path.encode("utf-8", "surrogatepass")))


def _codes(directive: Directive, terms: SuppressionPolicy) -> frozenset[str]:
    return frozenset(code for selector in directive.selectors if selector != "ALL" for code in terms.codes_of(selector))


def _finding(path: str, directive: Directive, message: str, fix: FixRequest | None = None) -> Finding:
    content = digest(directive.text.encode("utf-8", "surrogatepass"))
    return Finding(path, directive.span, DIRECTIVE, message, "P2", content=content, fix=fix)


def _without(directive: Directive, dead: tuple[str, ...]) -> FixRequest:
    """Delete the dead selectors, or the whole directive where none is left. Other tools' directives stay as they are."""
    left = [selector for selector in directive.selectors if selector not in dead]
    if directive.kind == "noqa" and (left or directive.cut == directive.span):
        span, text = directive.span, directive.text
        for selector in dead:
            text = re.sub(rf"(?i)\b{selector}\b[ \t]*,?[ \t]*|,[ \t]*{selector}\b$", "", text)
        text = text.rstrip(", \t")
    elif not left:
        span, text = directive.cut, ""
    else:
        span = directive.span
        text = re.sub(r"\[[^\]]*\]", lambda _: f"[{', '.join(left)}]", directive.text, count=1)
    place = (("line", str(span.line)), ("column", str(span.column)), ("end_line", str(span.end_line)), ("end_column", str(span.end_column)))
    return FixRequest("replace-at", "Delete the ignore that has no effect", True, (*place, ("text", text)))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
