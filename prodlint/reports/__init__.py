"""A report in the words of whoever reads it: one module a format, each with `write(material) -> Iterator[str]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module

from prodlint.model import Report, Rule
from prodlint.redact import SourceLookup
from prodlint.reports.material import Options, ReportContext, plural, repository_prefix

__all__ = ["FORMATS", "FOR_PROGRAMS", "WITH_FIXES", "Options", "plural", "render", "repository_prefix", "stream"]

# Format -> module; imported when asked for.
FORMATS: dict[str, str] = {
    "full": "full",
    "concise": "concise",
    "grouped": "grouped",
    "statistics": "statistics",
    "markdown": "markdown",
    "json": "json_report",
    "json-lines": "json_lines",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "azure": "azure",
    "rdjson": "rdjson",
    "junit": "junit",
}
# Formats that programs read: UTF-8, whatever the locale.
FOR_PROGRAMS = ("json", "json-lines", "sarif", "gitlab", "rdjson", "junit")
# Formats that carry the edits of a fix.
WITH_FIXES = ("json", "json-lines", "sarif", "rdjson")


def stream(
    report: Report, format: str, rules: Sequence[Rule], *, root: str, sources: SourceLookup, options: Options | None = None
) -> Iterator[str]:
    """A report in pieces. rules: those that were enabled. sources: gives a file's text by its path, for excerpts."""
    module = import_module(f"prodlint.reports.{FORMATS[format]}")
    pieces: Iterator[str] = module.write(ReportContext(report, rules, root, sources, options or Options()))
    return pieces


def render(report: Report, format: str, rules: Sequence[Rule], *, root: str, sources: SourceLookup, options: Options | None = None) -> str:
    """A report as text."""
    return "".join(stream(report, format, rules, root=root, sources=sources, options=options))
