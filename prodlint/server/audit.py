"""An open Markdown checklist: ticks that the code belies are diagnostics with their places, lines that are met and open are hints."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from prodlint.api import PageError, SettingsError
from prodlint.engine.session import Request
from prodlint.model import Span
from prodlint.readiness.answers import Answers, answers_of
from prodlint.readiness.audit import Audited, audit
from prodlint.server.positions import overlaps, range_of
from prodlint.server.state import Folder, uri_of

_TOLD = {"belied": types.DiagnosticSeverity.Warning, "in fact met": types.DiagnosticSeverity.Hint}


def _judged(folder: Folder, text: str) -> list[Audited]:
    answers: Answers = answers_of(Request([folder.project.root], root=folder.project.root))
    return [each for each in audit(text, answers) if each.judgement in _TOLD and each.line.state != "stated"]


def diagnostics(folder: Folder, text: str, lines: Sequence[str], codec: PositionCodec) -> list[types.Diagnostic]:
    """What the code says to the lines of a checklist."""
    try:
        judged = _judged(folder, text)
    except (SettingsError, PageError):
        return []
    found = []
    for each in judged:
        number = each.line.number
        span = Span(number, 1, number, len(lines[number - 1].rstrip("\r\n")) + 1)
        places = each.answer.findings if each.answer is not None else ()
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(uri_of(os.path.join(folder.project.root, finding.path)), _line_of(finding.span)), finding.message
            )
            for finding in places[:5]
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


def _line_of(span: Span) -> types.Range:
    return types.Range(types.Position(span.line - 1, 0), types.Position(span.line, 0))


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
