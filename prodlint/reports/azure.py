"""`azure`: logging commands of Azure Pipelines."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.escaping import escape_all_but
from prodlint.reports.material import ReportContext

_TYPES = {"P0": "error", "P1": "warning", "P2": "warning"}

# Escapes the agent decodes, line breaks among them: "Logging commands", formatting, in the documentation of Azure Pipelines.
# What is kept for them.
_BREAKS = "\r\n"
_DATA = str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A", ";": "%3B", "]": "%5D"})


def _command(message: str, **properties: object) -> str:
    pairs = "".join(f"{name}={escape_all_but(str(value), _BREAKS).translate(_PROPERTY)};" for name, value in properties.items())
    return f"##vso[task.logissue {pairs}]{escape_all_but(message, _BREAKS).translate(_DATA)}\n"


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    prefix = material.options.prefix
    for finding in material.findings:
        yield _command(
            f"{finding.code} {material.placed(finding)}",
            type=_TYPES[finding.priority],
            sourcepath=prefix + finding.path,
            linenumber=finding.span.line,
            columnnumber=finding.span.column,
            code=finding.code,
        )
    for unchecked in material.unchecked:
        yield _command(
            f"{'Checked in part' if unchecked.analysed else 'Not checked'}: {material.words(unchecked.why)}",
            type="warning",
            sourcepath=prefix + unchecked.path,
            linenumber=unchecked.line or 1,
            columnnumber=unchecked.column or 1,
        )
