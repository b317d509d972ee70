"""`full`: every finding with the line it stands on, a mark under what is meant, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.escaping import escape_control_characters
from prodlint.model import Finding
from prodlint.reports.closing import closing
from prodlint.reports.concise import head
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import ELLIPSIS, Styler, excerpt

LINES = 3
PLACES = 5
WIDTH = 140


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    ink = Styler(material.options.color, material.options.links)
    advised: set[tuple[str, str]] = set()
    for finding in material.findings:
        yield from _finding(material, finding, ink, "", advised)
    for suppressed in material.shown_suppressed():
        reason = f": {escape_control_characters(material.words(suppressed.reason))}" if suppressed.reason else ""
        yield from _finding(material, suppressed.finding, ink, f"suppressed, {suppressed.kind}{reason}", advised)
    yield from closing(material, ink)


def _finding(material: ReportContext, finding: Finding, ink: Styler, remark: str, advised: set[tuple[str, str]]) -> Iterator[str]:
    """advised: help and file of the findings above; the same help is not read twice in a file."""
    owners = escape_control_characters(", ".join(material.owners(finding.path)))
    about = f"({', '.join(filter(None, (material.name(finding.code), owners, remark)))})"
    yield f"{head(material, finding, ink)} {ink.paint(about, 'dim')}\n"
    last = min(finding.span.end_line, finding.span.line + LINES - 1)
    yield from _lines(material, finding, last, ink)
    indent = " " * len(str(last))
    for related in finding.related[:PLACES]:
        place = f"{escape_control_characters(material.path(related.path))}:{related.span.line}:{related.span.column}"
        yield from _remark(material, "note:", f"{place}: {escape_control_characters(material.words(related.words))}", indent, ink)
    if len(finding.related) > PLACES:
        yield from _remark(material, "note:", f"and {len(finding.related) - PLACES} more places", indent, ink)
    advice = material.advice(finding)
    if advice and (advice, finding.path) not in advised:
        advised.add((advice, finding.path))
        yield from _remark(material, "help:", escape_control_characters(material.words(advice)), indent, ink)
    yield "\n"


def _remark(material: ReportContext, label: str, words: str, indent: str, ink: Styler) -> Iterator[str]:
    """Words below the excerpt; on a terminal that is narrower, their further lines begin where the first one does."""
    head = f"{indent} {ink.paint('=', 'gutter')} {ink.paint(label, 'bold')} "
    before = len(indent) + 4 + len(label)
    room = material.options.width - before
    if material.options.width and len(words) > room:
        from textwrap import wrap

        lines = wrap(words, max(room, 20), break_long_words=False, break_on_hyphens=False)
    else:
        lines = [words]
    yield f"{head}{lines[0]}\n"
    for line in lines[1:]:
        yield f"{' ' * before}{line}\n"


def _lines(material: ReportContext, finding: Finding, last: int, ink: Styler) -> Iterator[str]:
    span, redaction = finding.span, material.redaction
    if redaction.source(finding.path) is None:
        return
    digits = len(str(last))
    bar = ink.paint("|", "gutter")
    room = max(20, (material.options.width or WIDTH) - digits - 3)
    yield f"{' ' * digits} {bar}\n"
    for number in range(span.line, last + 1):
        line = redaction.line(finding.path, number)
        start = line.at(span.column) if number == span.line else 0
        end = line.at(span.end_column, end=True) if number == span.end_line else len(line.text)
        shown, offset, marks = excerpt(line.text, start, end, room)
        gutter = ink.paint(f"{number:>{digits}} |", "gutter")
        yield f"{gutter} {shown}".rstrip() + "\n"
        if number == span.line:
            yield f"{' ' * digits} {bar} {' ' * offset}{ink.paint('^' * marks, finding.priority)}\n"
    if span.end_line > last:
        yield f"{ELLIPSIS:>{digits}} {bar}\n"
