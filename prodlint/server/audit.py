"""An open Markdown checklist: ticks that the code belies are diagnostics with their places, lines that are met and open are hints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types
from pygls.workspace import TextDocument

from prodlint.model import Span
from prodlint.server.positions import overlaps, range_of
from prodlint.server.state import Folder, uri_of
from prodlint.server.whole import Judged

_TOLD = {"belied": types.DiagnosticSeverity.Warning, "in fact met": types.DiagnosticSeverity.Hint}


def is_checklist(document: TextDocument) -> bool:
    """Whether a document is Markdown with boxes to tick."""
    return (
        document.uri.lower().endswith((".md", ".markdown")) and re.search(r"^\s*[-*+] \[[ xX]\]", document.source, re.MULTILINE) is not None
    )


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line of a checklist as it was written when it was judged."""

    written: str
    judged: Judged


def told_of(judged: Iterable[Judged], lines: Sequence[str]) -> list[JudgedLine]:
    """The lines of which something is to be told. lines: those that were judged."""
    return [JudgedLine(lines[each.line - 1].rstrip("\r\n"), each) for each in judged if each.judgement in _TOLD and each.line <= len(lines)]


def placed(judged: Iterable[JudgedLine], document: TextDocument) -> Iterator[tuple[JudgedLine, types.Range]]:
    """Where these lines stand now; without those that have been written anew."""
    lines = document.lines
    numbers: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        numbers.setdefault(line.rstrip("\r\n"), []).append(number)
    for each in judged:
        known = numbers.get(each.written)
        if known:
            number = min(known, key=lambda number: abs(number - each.judged.line))
            yield each, range_of(Span(number, 1, number, len(each.written) + 1), lines, document.position_codec)


def diagnostics(folder: Folder, judged: Iterable[JudgedLine], document: TextDocument) -> list[types.Diagnostic]:
    """What the code says to the lines of a checklist."""
    return [_diagnostic(folder, each.judged, where) for each, where in placed(judged, document)]


def _diagnostic(folder: Folder, judged: Judged, where: types.Range) -> types.Diagnostic:
    related = [
        types.DiagnosticRelatedInformation(
            types.Location(uri_of(folder.project.absolute(path)), types.Range(types.Position(line - 1, 0), types.Position(line, 0))), words
        )
        for path, line, words in judged.places
    ]
    return types.Diagnostic(
        where,
        f"{judged.judgement}: {judged.because}",
        severity=_TOLD[judged.judgement],
        source="prodlint",
        code="checklist",
        related_information=related or None,
    )


def actions_of(folder: Folder, judged: Iterable[JudgedLine], document: TextDocument, wanted: types.Range) -> list[types.CodeAction]:
    """Give a line's box what the code gives it, with the evidence behind it, as `prodlint checklist --write --tick` does."""
    made: dict[int, types.CodeAction] = {}
    for each, where in placed(judged, document):
        if each.judged.becomes and where.start.line not in made and overlaps(where, wanted):
            edit = types.WorkspaceEdit(changes={document.uri: [types.TextEdit(where, each.judged.becomes)]})
            does = "Untick what the code belies" if each.judged.judgement == "belied" else "Tick what the code shows"
            told = [_diagnostic(folder, each.judged, where)]
            title = f"prodlint: {does}, with the evidence"
            made[where.start.line] = types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=told, edit=edit)
    return list(made.values())
