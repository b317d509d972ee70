"""`concise`: one line a finding, `path:line:column: CODE message`."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.model import Finding
from prodlint.reports.closing import closing
from prodlint.reports.material import Material
from prodlint.reports.terminal import Ink, harmless


def head(material: Material, finding: Finding, ink: Ink) -> str:
    """`path:line:column: CODE [*] message`."""
    span = finding.span
    code = ink.link(ink.paint(finding.code, finding.priority), material.help_url(finding.code))
    mark = ink.paint("[*]", "fix") + " " if material.fixable(finding) else ""
    place = f"{ink.paint(harmless(finding.path), 'bold')}:{span.line}:{span.column}:"
    return f"{place} {code} {mark}{harmless(material.placed(finding))}"


def write(material: Material) -> Iterator[str]:
    """The whole format."""
    ink = Ink(material.options.color)
    for finding in material.findings:
        yield f"{head(material, finding, ink)}\n"
    for suppressed in material.shown_suppressed():
        reason = f": {harmless(material.words(suppressed.reason))}" if suppressed.reason else ""
        yield f"{head(material, suppressed.finding, ink)} {ink.paint(f'(suppressed, {suppressed.kind}{reason})', 'dim')}\n"
    yield from closing(material, ink)
