"""`gitlab`: a Code Quality report for merge requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from prodlint.model import Finding, Unchecked
from prodlint.reports.material import ReportContext

_SEVERITIES = {"P0": "critical", "P1": "major", "P2": "minor"}


def _issue(material: ReportContext, finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "description": f"{finding.code}: {material.placed(finding)}",
        "check_name": material.name(finding.code),
        "fingerprint": material.fingerprint[id(finding)],
        "severity": _SEVERITIES[finding.priority],
        "location": {
            "path": material.options.prefix + finding.path,
            "lines": {"begin": span.line, "end": span.end_line},
            "positions": {
                "begin": {"line": span.line, "column": span.column},
                "end": {"line": span.end_line, "column": span.end_column},
            },
        },
    }


def _not_checked(material: ReportContext, unchecked: Unchecked) -> dict[str, Any]:
    """The format has no other place for a file that could not be read, and silence would look like a pass."""
    title = "Checked in part" if unchecked.analysed else "Not checked"
    matter = f"unchecked\0{unchecked.path}\0{unchecked.why}\0{unchecked.line}\0{unchecked.column}"
    return {
        "description": f"{title}: {material.words(unchecked.why)}",
        "check_name": "unchecked-file",
        "fingerprint": sha256(matter.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "severity": "info" if unchecked.analysed else "major",
        "location": {"path": material.options.prefix + unchecked.path, "lines": {"begin": unchecked.line or 1}},
    }


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    issues = [_issue(material, finding) for finding in material.findings]
    issues += [_not_checked(material, unchecked) for unchecked in material.unchecked]
    yield json.dumps(issues, separators=(",", ":"))
    yield "\n"
