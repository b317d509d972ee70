"""`concise`: one line a finding, `path:line:column: CODE PRIORITY message`."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.escaping import escape_control_characters
from prodlint.model import Finding
from prodlint.reports.closing import closing
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler


def head(material: ReportContext, finding: Finding, ink: Styler) -> str:
    """`path:line:column: CODE PRIORITY [*] message`."""
    span = finding.span
    code = (
        ink.link(ink.paint(finding.code, finding.priority), material.help_url(finding.code))
        + " "
        + ink.paint(finding.priority, finding.priority)
    )
    mark = ink.paint("[*]", "fix") + " " if material.fixable(finding) else ""
    place = f"{ink.paint(escape_control_characters(material.path(finding.path)), 'bold')}:{span.line}:{span.column}:"
    return f"{place} {code} {mark}{escape_control_characters(material.placed(finding))}"


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    ink = Styler(material.options.color, material.options.links)
    for finding in material.findings:
        yield f"{head(material, finding, ink)}\n"
    for suppressed in material.shown_suppressed():
        reason = f": {escape_control_characters(material.words(suppressed.reason))}" if suppressed.reason else ""
        yield f"{head(material, suppressed.finding, ink)} {ink.paint(f'(suppressed, {suppressed.kind}{reason})', 'dim')}\n"
    yield from closing(material, ink)
