"""`grouped`: findings under the file they stand in, and files under their service where the tree holds several."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from prodlint.escaping import escape_control_characters
from prodlint.fingerprint import place_order
from prodlint.reports.closing import closing
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    ink = Styler(material.options.color, material.options.links)
    remarks = {id(s.finding): f" (suppressed, {s.kind}{': ' * bool(s.reason)}{s.reason})" for s in material.shown_suppressed()}
    shown = [*material.findings, *(s.finding for s in material.shown_suppressed())]
    several = len(material.by_service) > 1
    shown.sort(key=lambda finding: (material.service_of(finding.path) if several else "", *place_order(finding)))
    if material.options.sort != "path":  # inside a file; the files stay together
        by = "priority" if material.options.sort == "priority" else "code"
        shown.sort(key=lambda finding: (material.service_of(finding.path) if several else "", finding.path, getattr(finding, by)))
    service: str | None = None
    for path, group in groupby(shown, key=lambda finding: finding.path):
        if several and material.service_of(path) != service:
            service = material.service_of(path)
            counts = [f"{n:,} {priority}" for priority, n in material.by_service.get(service, {}).items() if n]
            title = ink.paint(f"== {escape_control_characters(service) or '.'}", "bold")
            yield f"{title}: {', '.join(counts) or 'nothing new'}\n\n"
        findings = list(group)
        yield f"{ink.paint(escape_control_characters(material.path(path)), 'bold')}\n"
        places = [f"{finding.span.line}:{finding.span.column}" for finding in findings]
        width = max(map(len, places))
        for place, finding in zip(places, findings, strict=True):
            code = ink.link(ink.paint(finding.code, finding.priority), material.help_url(finding.code))
            mark = ink.paint("[*]", "fix") + " " if material.fixable(finding) else ""
            remark = escape_control_characters(material.words(remarks.get(id(finding), "")))
            yield f"  {place:<{width}}  {finding.priority}  {code}  {mark}{escape_control_characters(material.placed(finding))}{ink.paint(remark, 'dim')}\n"
        yield "\n"
    yield from closing(material, ink)
