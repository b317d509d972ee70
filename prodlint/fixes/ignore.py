"""Inline ignores as edits: behind the line of a finding, or on a line of their own above it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from prodlint.facts import File, Source
from prodlint.fixes import SourceOf
from prodlint.fixes.work import newline_of
from prodlint.model import Edit, Finding, Fix, Span

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_COMMENTS = {"nginx": "#", "ini": "#", "json": "", "notebook": "", "text": ""}
# Kinds in which a `#` behind something begins a comment. In an env file or a Dockerfile it is part of the value.
_BEHIND = ("python", "yaml", "toml", "requirements", "shell")


def behind(finding: Finding, kind: str, source_of: SourceOf, tail: str) -> Fix | None:
    """The ignore behind the finding's first line; its code among those of an ignore that stands there already."""
    source = source_of(finding.path)
    if source is None or kind not in _BEHIND:
        return None
    return _behind(finding, source, finding.span.line, tail)


def _behind(finding: Finding, source: Source, line: int, tail: str) -> Fix | None:
    text = source.line_text(line)
    known = re.search(r"prodlint: ignore\[([^\]\n]*)\]" + re.escape(tail) + r"\s*$", text)
    if known is not None:
        return _fix(finding, line, known.end(1) + 1, f", {finding.code}")
    if "prodlint:" in text or text.endswith("\\"):
        return None
    kept = text.rstrip()
    return _fix(finding, line, len(kept) + 1, f"  # prodlint: ignore[{finding.code}]{tail}")


def above(finding: Finding, kind: str, source_of: SourceOf, tail: str) -> Fix | None:
    """The ignore on a line of its own above the finding, indented as it is."""
    source = source_of(finding.path)
    mark = _COMMENTS.get(kind, "#")
    if source is None or not mark:
        return None
    return _above(finding, source, finding.span.line, mark, tail)


def behind_statement(finding: Finding, kind: str, source_of: SourceOf, tail: str) -> Fix | None:
    """The ignore behind the last line of the statement: a finding may stand inside a string that runs over lines."""
    source = source_of(finding.path)
    if source is None or kind != "python":
        return None
    return _behind(finding, source, _statement(source, finding)[1], tail)


def above_statement(finding: Finding, kind: str, source_of: SourceOf, tail: str) -> Fix | None:
    """The ignore on a line of its own above the statement."""
    source = source_of(finding.path)
    if source is None or kind != "python":
        return None
    return _above(finding, source, _statement(source, finding)[0], "#", tail)


def _statement(source: Source, finding: Finding) -> tuple[int, int]:
    """First and last line of the statement around a finding."""
    span = finding.span
    return _parsed(source.data).extent(source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column))


@lru_cache(maxsize=1)
def _parsed(data: bytes) -> PyModule:
    """The file parsed once for all findings in it."""
    from prodlint.python.tree import PyModule

    return PyModule(Source(data), File("", "python"))


def _above(finding: Finding, source: Source, line: int, mark: str, tail: str) -> Fix:
    before = source.line_text(line - 1) if line > 1 else ""
    known = re.search(r"^\s*" + mark + r" prodlint: ignore\[([^\]\n]*)\]" + re.escape(tail) + r"\s*$", before)
    if known is not None:
        return _fix(finding, line - 1, known.end(1) + 1, f", {finding.code}")
    text = source.line_text(line)
    pad = text[: len(text) - len(text.lstrip())]
    return _fix(finding, line, 1, f"{pad}{mark} prodlint: ignore[{finding.code}]{tail}{newline_of(source.data)}")


def _fix(finding: Finding, line: int, column: int, text: str) -> Fix:
    return Fix("Ignore it here", True, (Edit(finding.path, Span(line, column, line, column), text),))
