"""`junit`: a test report in which every finding is a failure and every file that was not checked an error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from prodlint.escaping import escape_control_characters
from prodlint.model import Finding
from prodlint.reports.closing import position
from prodlint.reports.material import ReportContext

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def _xml(text: str) -> str:
    """Text for XML: markup escaped, and nothing that XML 1.0 cannot hold."""
    return escape_control_characters(text).translate(_ESCAPES)


def _case(material: ReportContext, finding: Finding, outcome: str) -> str:
    name = _xml(f"{finding.code} {material.name(finding.code)}")
    path = _xml(finding.path)
    return f'<testcase name="{name}" classname="{path}" file="{path}" line="{finding.span.line}">{outcome}</testcase>\n'


def _failure(material: ReportContext, finding: Finding) -> str:
    message = _xml(material.placed(finding))
    where = f"{_xml(finding.path)}:{finding.span.line}:{finding.span.column}: {finding.code}"
    advice = _xml(material.words(material.advice(finding)))
    return _case(material, finding, f'<failure type="{finding.priority}" message="{message}">{where} {message}\n{advice}</failure>')


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    findings, unchecked = material.findings, material.unchecked
    suppressed = list(material.shown_suppressed())
    clean = not findings and not unchecked
    total = len(findings) + len(unchecked) + len(suppressed) + clean
    counts = f'tests="{total}" failures="{len(findings)}" errors="{len(unchecked)}" skipped="{len(suppressed)}"'
    yield f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="prodlint" {counts}>\n'
    for path, group in groupby(findings, key=lambda finding: finding.path):
        cases = [_failure(material, finding) for finding in group]
        yield f'<testsuite name="{_xml(path)}" tests="{len(cases)}" failures="{len(cases)}" errors="0" skipped="0">\n'
        yield from cases
        yield "</testsuite>\n"
    if suppressed:
        yield f'<testsuite name="suppressed" tests="{len(suppressed)}" failures="0" errors="0" skipped="{len(suppressed)}">\n'
        for one in suppressed:
            yield _case(material, one.finding, f'<skipped message="{_xml(material.words(one.reason))}"/>')
        yield "</testsuite>\n"
    if unchecked:
        yield f'<testsuite name="not checked" tests="{len(unchecked)}" failures="0" errors="{len(unchecked)}" skipped="0">\n'
        for one_unread in unchecked:
            title = "checked in part" if one_unread.analysed else "not checked"
            why = _xml(material.words(one_unread.why))
            yield (
                f'<testcase name="{title}" classname="{_xml(one_unread.path)}" file="{_xml(one_unread.path)}">'
                f'<error type="{title}" message="{why}">{_xml(position(one_unread))}: {why}</error></testcase>\n'
            )
        yield "</testsuite>\n"
    if clean:
        # Readers of this format take a report without a test case for a broken one.
        yield '<testsuite name="prodlint" tests="1" failures="0" errors="0" skipped="0">\n'
        yield f'<testcase name="no findings in {material.report.checked} files" classname="prodlint"/>\n</testsuite>\n'
    yield "</testsuites>\n"
