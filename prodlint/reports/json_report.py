"""`json`: everything a run says in one object; `json-report.schema.json` describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prodlint.model import Finding, Span, Suppressed, Unchecked
from prodlint.reports.material import ReportContext

VERSION = 1


def place(path: str, span: Span) -> dict[str, Any]:
    """Where something is: lines and columns from 1, columns in code points, the end exclusive."""
    return {"path": path, "line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def finding_object(material: ReportContext, finding: Finding) -> dict[str, Any]:
    """A finding."""
    span = finding.span
    return {
        "code": finding.code,
        "name": material.name(finding.code),
        "priority": finding.priority,
        "path": finding.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "message": material.words(finding.message),
        "symbol": material.words(finding.symbol),
        "place": finding.place,
        "help": material.words(material.advice(finding)),
        "url": material.help_url(finding.code),
        "owners": list(material.owners(finding.path)),
        "fingerprint": material.fingerprint[id(finding)],
        "fix": _fix(material, finding),
        "related": [{**place(r.path, r.span), "words": material.words(r.words)} for r in finding.related],
    }


def _fix(material: ReportContext, finding: Finding) -> dict[str, Any] | None:
    if finding.fix is None:
        return None
    found: dict[str, Any] = {"description": material.words(finding.fix.description), "safe": finding.fix.safe, "edits": None}
    made = material.fix(finding)
    if made is not None:
        found["edits"] = [{**place(edit.path, edit.span), "text": edit.text} for edit in made.edits]
    return found


def suppressed_object(material: ReportContext, suppressed: Suppressed) -> dict[str, Any]:
    """A suppressed finding: the finding, and what took it away."""
    found = finding_object(material, suppressed.finding)
    return {**found, "suppressed": {"kind": suppressed.kind, "reason": material.words(suppressed.reason)}}


def unchecked_object(material: ReportContext, unchecked: Unchecked) -> dict[str, Any]:
    """A file that was not analysed, or not all of it. line and column are 0 where they are not known."""
    return {
        "path": unchecked.path,
        "why": material.words(unchecked.why),
        "line": unchecked.line,
        "column": unchecked.column,
        "analysed": unchecked.analysed,
    }


def summary_object(material: ReportContext) -> dict[str, Any]:
    """What a run says besides its findings."""
    report = material.report
    return {
        "unchecked": [unchecked_object(material, unchecked) for unchecked in sorted(report.unchecked)],
        "evidence": [{"code": e.code, **place(e.path, e.span), "words": material.words(e.words)} for e in sorted(report.evidence)],
        "files": len(report.files),
        "checked": report.checked,
        "priorities": dict(material.by_priority),
        "looked_at": dict(sorted(report.looked_at.items())),
        "notes": [material.words(note) for note in report.notes],
        "exit_code": material.options.exit_code,
    }


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    suppressed: int | list[dict[str, Any]] = len(material.report.suppressed)
    if material.options.show_suppressed:
        suppressed = [suppressed_object(material, one) for one in material.suppressed]
    whole = {
        "version": VERSION,
        "findings": [finding_object(material, finding) for finding in material.findings],
        "suppressed": suppressed,
        **summary_object(material),
    }
    yield json.dumps(whole, separators=(",", ":"))
    yield "\n"
