"""An open Markdown checklist: ticks that the code belies are diagnostics with their places, lines that are met and open are hints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

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


def diagnostics(folder: Folder, judged: Iterable[Judged], lines: Sequence[str], codec: PositionCodec) -> list[types.Diagnostic]:
    """What the code says to the lines of a checklist."""
    found = []
    for each in judged:
        if each.judgement not in _TOLD or each.line > len(lines):
            continue
        span = Span(each.line, 1, each.line, len(lines[each.line - 1].rstrip("\r\n")) + 1)
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(uri_of(folder.project.absolute(path)), types.Range(types.Position(line - 1, 0), types.Position(line, 0))),
                words,
            )
            for path, line, words in each.places
        ]
        told = types.Diagnostic(
            range_of(span, lines, codec),
            f"{each.judgement}: {each.because}",
            severity=_TOLD[each.judgement],
            source="prodlint",
            code="checklist",
            related_information=related or None,
        )
        found.append(told)
    return found


def actions_of(told_of: Sequence[types.Diagnostic], document: TextDocument, wanted: types.Range) -> list[types.CodeAction]:
    """Untick what is belied. Nothing is ever ticked from here."""
    made = []
    for told in told_of:
        line = told.range.start.line
        text = document.lines[line] if line < len(document.lines) else ""
        at = text.find("[x]") if "[x]" in text else text.find("[X]")
        if at == -1 or not told.message.startswith("belied") or not overlaps(told.range, wanted):
            continue
        mark = types.Range(types.Position(line, at + 1), types.Position(line, at + 2))
        edit = types.WorkspaceEdit(changes={document.uri: [types.TextEdit(mark, " ")]})
        made.append(
            types.CodeAction("prodlint: Untick what the code belies", kind=types.CodeActionKind.QuickFix, diagnostics=[told], edit=edit)
        )
    return made
