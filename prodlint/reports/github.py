"""`github`: workflow commands, which a GitHub Actions log turns into annotations on the change."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.escaping import escape_all_but
from prodlint.model import Finding
from prodlint.reports.closing import closing
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler

_LEVELS = {"P0": "error", "P1": "warning", "P2": "notice"}

# The runner reads these back, line breaks among them; see "Workflow commands for GitHub Actions" and @actions/core's command.ts.
# What is kept for them.
_BREAKS = "\r\n"
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def _command(level: str, message: str, **properties: object) -> str:
    pairs = ",".join(f"{name}={escape_all_but(str(value), _BREAKS).translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {pairs}::{escape_all_but(message, _BREAKS).translate(_DATA)}\n"


def _annotation(material: ReportContext, finding: Finding, level: str, message: str) -> str:
    span = finding.span
    place: dict[str, object] = {"file": material.options.prefix + finding.path, "line": span.line}
    # Columns are refused where an annotation spans lines.
    if span.end_line == span.line:
        place |= {"endLine": span.line, "col": span.column, "endColumn": span.end_column}
    else:
        place["endLine"] = span.end_line
    return _command(level, message, title=f"{finding.code} {material.name(finding.code)}", **place)


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    for finding in material.findings:
        message = material.placed(finding)
        advice = material.advice(finding)
        if advice:
            message += f"\n{material.words(advice)}"
        yield _annotation(material, finding, _LEVELS[finding.priority], message)
    for suppressed in material.shown_suppressed():
        message = f"{material.placed(suppressed.finding)} (suppressed, {suppressed.kind}: {material.words(suppressed.reason)})"
        yield _annotation(material, suppressed.finding, "notice", message)
    for unchecked in material.unchecked:
        place: dict[str, object] = {} if unchecked.path == "." else {"file": material.options.prefix + unchecked.path}
        if unchecked.line:
            place["line"] = unchecked.line
        title = "checked in part" if unchecked.analysed else "not checked"
        yield _command("warning", material.words(unchecked.why), title=f"prodlint: {title}", **place)
    yield from closing(material, Styler(color=False))
