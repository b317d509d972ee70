"""`rdjson`: Reviewdog Diagnostic Format, for review comments on any host that reviewdog knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prodlint.model import Finding, Span
from prodlint.reports.material import HOMEPAGE, ReportContext

_SEVERITIES = {"P0": "ERROR", "P1": "WARNING", "P2": "INFO"}


def _position(material: ReportContext, path: str, line: int, column: int) -> dict[str, int]:
    """reviewdog counts columns in bytes of UTF-8, as it does in every one of its formats."""
    source = material.redaction.source(path)
    if source is not None and not source.data.isascii():
        column = len(material.redaction.uncovered(path, line)[: column - 1].encode()) + 1
    return {"line": line, "column": column}


def _location(material: ReportContext, path: str, span: Span) -> dict[str, Any]:
    return {"path": material.options.prefix + path, "range": _range(material, path, span)}


def _range(material: ReportContext, path: str, span: Span) -> dict[str, Any]:
    return {
        "start": _position(material, path, span.line, span.column),
        "end": _position(material, path, span.end_line, span.end_column),
    }


def _diagnostic(material: ReportContext, finding: Finding) -> dict[str, Any]:
    code: dict[str, str] = {"value": finding.code}
    if url := material.help_url(finding.code):
        code["url"] = url
    found: dict[str, Any] = {
        "message": material.placed(finding),
        "location": _location(material, finding.path, finding.span),
        "severity": _SEVERITIES[finding.priority],
        "code": code,
    }
    if finding.related:
        found["relatedLocations"] = [
            {"message": material.words(related.words), "location": _location(material, related.path, related.span)}
            for related in finding.related
        ]
    fix = material.fix(finding)
    # A suggestion is one change of the commented place.
    if fix is not None and len(fix.edits) == 1 and fix.edits[0].path == finding.path:
        edit = fix.edits[0]
        found["suggestions"] = [{"range": _range(material, edit.path, edit.span), "text": edit.text}]
    return found


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    diagnostics = [_diagnostic(material, finding) for finding in material.findings]
    for unchecked in material.unchecked:
        title = "Checked in part" if unchecked.analysed else "Not checked"
        location: dict[str, Any] = {"path": material.options.prefix + unchecked.path}
        if unchecked.line:
            location["range"] = {"start": {"line": unchecked.line, "column": unchecked.column or 1}}
        diagnostics.append({"message": f"{title}: {material.words(unchecked.why)}", "location": location, "severity": "WARNING"})
    whole = {"source": {"name": "prodlint", "url": HOMEPAGE}, "severity": "WARNING", "diagnostics": diagnostics}
    yield json.dumps(whole, separators=(",", ":"))
    yield "\n"
