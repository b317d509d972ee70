"""Code actions: fixes, ignores with a reason, a rule switched off in the settings, an entry of the baseline. Edits are made only when one is chosen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsprotocol import types

from prodlint.model import Finding
from prodlint.server.changes import REASON as _REASON
from prodlint.server.changes import Changes, key_of, made, named
from prodlint.server.documents import lines_of
from prodlint.server.state import Folder, uri_of
from prodlint.server.switching import switched_off

FIX_ALL = "source.fixAll.prodlint"
ADD_TO_BASELINE = "prodlint.addToBaseline"


def offered(
    finding: Finding, diagnostic: types.Diagnostic, uri: str, version: int | None, baseline: bool = False, whole: bool = False
) -> Iterator[types.CodeAction]:
    """What can be done about a finding; the edits come with `resolved`. baseline: whether the settings name one. whole: whether only a look at the
    whole project gives the finding."""

    def action(
        title: str, verb: str, kind: types.CodeActionKind | str = types.CodeActionKind.QuickFix, preferred: bool = False
    ) -> types.CodeAction:
        data = {"uri": uri, "verb": verb, "finding": key_of(finding), "version": version, "whole": whole}
        return types.CodeAction(title, kind=kind, diagnostics=[diagnostic], is_preferred=preferred or None, data=data)

    if finding.fix is not None and finding.fix.safe:
        yield action(f"prodlint: {finding.fix.description}", "fix", preferred=True)
    elif finding.fix is not None:
        yield action(f"prodlint: {finding.fix.description} (unsafe: review the result)", "fix")
    yield action(f"prodlint: Ignore {finding.code} here, with a reason", "ignore")
    if not whole:
        yield action(f"prodlint: Ignore {finding.code} in this file", "ignore-file")
    yield action(f"prodlint: Switch {finding.code} off in the settings", "settings")
    if baseline and not whole:
        title = "prodlint: Add to the baseline"
        command = types.Command(title, ADD_TO_BASELINE, arguments=[uri, key_of(finding)])
        yield types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=[diagnostic], command=command)


def resolved(folder: Folder, path: str, data: Mapping[str, Any], text: str) -> types.WorkspaceEdit | None:
    """The edit of an action that was chosen, for a finding of the file itself; None where it cannot be made any more."""
    checked = folder.project.check_text(path, text)
    finding = named(checked.findings, data["finding"])
    if finding is None:
        return None
    if data["verb"] == "ignore-file":
        return _at_the_top(path, f"prodlint: ignore-file[{finding.code}]{_REASON}", text)
    if data["verb"] == "settings":
        return in_the_settings(finding.code, path, folder.project.root)
    changes = made(checked, folder.project.check_text(path, grouped=False), finding, data["verb"])
    return as_edit(changes, folder.project.root)


def all_safe(folder: Folder, path: str, text: str) -> types.WorkspaceEdit | None:
    """Every safe fix of a file."""
    from prodlint.fixes import applying

    checked = folder.project.check_text(path, text, grouped=False)
    fixed = applying.apply_fixes(checked.result, applying.wanted(checked.result, False))
    return as_edit(Changes(fixed.before, fixed.after), folder.project.root)


def added_to_baseline(folder: Folder, path: str, key: Sequence[Any]) -> str:
    """Write a finding of a file down as known. The baseline's path."""
    from prodlint import baseline

    known = os.path.join(folder.project.root, folder.project.settings.baseline or baseline.DEFAULT)
    finding = named(folder.project.check_text(path).findings, key)
    baseline.write(known, [finding] if finding is not None else [], lambda entry: True)
    return known


def as_edit(made_: Changes, root: str) -> types.WorkspaceEdit | None:
    """What changed in some files, as replaced runs of lines."""
    from difflib import SequenceMatcher

    changes: dict[str, list[types.TextEdit]] = {}
    new_files: list[str] = []
    for path, new in made_.after.items():
        old = made_.before.get(path)
        if old == new:
            continue
        if old is None:
            new_files.append(os.path.join(root, path))
        was, now = lines_of((old or b"").decode("utf-8", "replace")), lines_of(new.decode("utf-8", "replace"))
        edits = [
            types.TextEdit(types.Range(types.Position(first, 0), types.Position(last, 0)), "".join(now[start:end]))
            for what, first, last, start, end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
            if what != "equal"
        ]
        changes[uri_of(os.path.join(root, path))] = edits
    return _edit(changes, new_files) if changes else None


def for_client(edit: types.WorkspaceEdit, capabilities: types.ClientCapabilities) -> types.WorkspaceEdit:
    """An edit in words that a client knows: where it makes no files, text for one that is not there yet (clients open a buffer for that)."""
    workspace = capabilities.workspace
    known = workspace.workspace_edit if workspace is not None else None
    if edit.document_changes is None or (known is not None and types.ResourceOperationKind.Create in (known.resource_operations or ())):
        return edit
    changes: dict[str, list[types.TextEdit]] = {}
    for each in edit.document_changes:
        if isinstance(each, types.TextDocumentEdit):
            changes[each.text_document.uri] = [one for one in each.edits if isinstance(one, types.TextEdit)]
    return types.WorkspaceEdit(changes=changes)


def _edit(changes: dict[str, list[types.TextEdit]], made: Sequence[str] = ()) -> types.WorkspaceEdit:
    """Changes of files, some of which are made first."""
    if not made:
        return types.WorkspaceEdit(changes=changes)
    edits = [types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri), list(texts)) for uri, texts in changes.items()]
    return types.WorkspaceEdit(document_changes=[*(types.CreateFile(uri_of(path)) for path in made), *edits])


def in_the_settings(code: str, path: str, root: str) -> types.WorkspaceEdit:
    """A rule switched off in the settings that hold for a file."""
    found = switched_off(code, path, root)
    # What stands before it on its line is ASCII: a key, an equals sign and a bracket.
    line, column = found.before.count("\n", 0, found.offset), found.offset - (found.before.rfind("\n", 0, found.offset) + 1)
    place = types.Position(line, column)
    return _edit({uri_of(found.path): [types.TextEdit(types.Range(place, place), found.text)]}, () if found.exists else [found.path])


_OPENERS = {".md": ("<!-- ", " -->"), ".html": ("<!-- ", " -->"), ".sql": ("-- ", ""), ".js": ("// ", ""), ".ts": ("// ", "")}


def _at_the_top(path: str, words: str, text: str) -> types.WorkspaceEdit:
    opener, closer = _OPENERS.get(os.path.splitext(path)[1], ("# ", ""))
    line = 1 if text.startswith("#!") else 0
    start = types.Position(line, 0)
    return types.WorkspaceEdit(changes={uri_of(path): [types.TextEdit(types.Range(start, start), f"{opener}{words}{closer}\n")]})
