"""`json-lines`: one finding a line, as in `json`, then one line with `"summary": true` and the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator

from prodlint.reports.json_report import VERSION, finding_object, summary_object, suppressed_object
from prodlint.reports.material import ReportContext


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    for finding in material.findings:
        yield encode(finding_object(material, finding)) + "\n"
    for suppressed in material.shown_suppressed():
        yield encode(suppressed_object(material, suppressed)) + "\n"
    summary = {
        "summary": True,
        "version": VERSION,
        "findings": len(material.findings),
        "suppressed": len(material.report.suppressed),
        **summary_object(material),
    }
    yield encode(summary) + "\n"
