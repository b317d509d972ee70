"""`statistics`: how often each rule was broken."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.reports.closing import closing
from prodlint.reports.counts import table
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    ink = Styler(material.options.color, material.options.links)
    if not material.options.statistics:
        yield from table(material, ink)
    yield from closing(material, ink)
