"""The language server end to end: a real process, a real client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from tests.conftest import ROOT

UNREADY = ROOT / "fixtures" / "unready" / "orders"


class Client(LanguageClient):
    """A client that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics[params.uri] = list(params.diagnostics)


def uri(path: Path) -> str:
    return path.as_uri()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "orders"
    shutil.copytree(UNREADY, root)
    return root


def served(talk: Callable[[Client, Path], Awaitable[None]]) -> Callable[[Path], None]:
    """A test that talks to a server of its own, and sees that it ends when it is told to."""

    async def run(tree: Path) -> None:
        client = Client()
        await client.start_io(sys.executable, "-m", "prodlint", "server")
        general = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16])
        folders = [types.WorkspaceFolder(uri(tree), "orders")]
        await client.initialize_async(types.InitializeParams(types.ClientCapabilities(general=general), workspace_folders=folders))
        client.initialized(types.InitializedParams())
        try:
            await talk(client, tree)
        finally:
            await client.shutdown_async(None)
            client.exit(None)
            process: Any = client._server
            assert process is None or await asyncio.wait_for(process.wait(), 20) == 0

    def test(tree: Path) -> None:
        asyncio.run(asyncio.wait_for(run(tree), 120))

    test.__name__, test.__doc__ = talk.__name__, talk.__doc__
    return test


def opened(client: Client, path: Path, text: str, version: int = 1) -> None:
    item = types.TextDocumentItem(uri(path), "any", version, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))


async def told(client: Client, path: Path) -> list[types.Diagnostic]:
    """What the server says of a document, once it has."""
    for _ in range(300):
        if uri(path) in client.diagnostics:
            return list(client.diagnostics[uri(path)])
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing was said of {path.name}")


async def told_until(client: Client, path: Path, words: str) -> list[types.Diagnostic]:
    for _ in range(300):
        found = list(client.diagnostics.get(uri(path), ()))
        if any(words in each.message for each in found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"`{words}` was not said of {path.name}: {[each.message for each in client.diagnostics.get(uri(path), ())]}")


@served
async def test_the_same_findings_as_on_the_command_line(client: Client, tree: Path) -> None:
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "prodlint", "check", ".", "--root", ".", "--no-cache", "--exit-zero", "--output-format", "json",
        cwd=tree, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await ran.communicate()
    expected: dict[str, set[tuple[str, int, str]]] = {}
    for finding in json.loads(out)["findings"]:
        expected.setdefault(finding["path"], set()).add((finding["code"], finding["line"], finding["message"]))
    for name in ("app/main.py", "Dockerfile", "compose.yaml"):
        path = tree / name
        opened(client, path, path.read_text())
        found = {(str(each.code), each.range.start.line + 1, each.message.split("\n")[0]) for each in await told_until(client, path, "")}
        assert found == expected[name], name


@served
async def test_unsaved_text_wins_and_later_text_over_earlier(client: Client, tree: Path) -> None:
    path = tree / "app" / "new.py"
    opened(client, path, "x = 1\n")
    assert await told(client, path) == []
    changes = "\U0001f600 = 1\n", "y = 2\n", 'import requests\n\ne = "\U0001f600"; requests.get("https://a.example.org")\n'
    for version, text in enumerate(changes, 2):
        whole = types.TextDocumentContentChangeWholeDocument(text)
        document = types.VersionedTextDocumentIdentifier(version, uri(path))
        client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
    (finding,) = [each for each in await told_until(client, path, "no timeout") if each.code == "PRD504"]
    assert (finding.range.start.line, finding.range.start.character) == (2, 10)  # the picture counts two UTF-16 units
    assert finding.severity == types.DiagnosticSeverity.Error
    assert finding.code_description is not None and "PRD504-requests-without-timeout.md" in finding.code_description.href


@served
async def test_actions_fix_and_ignore_with_a_reason(client: Client, tree: Path) -> None:
    path = tree / "app" / "fetch.py"
    opened(client, path, "import httpx\n\n\ndef fetch(url: str) -> bytes:\n    return httpx.get(url).content\n")
    findings = await told_until(client, path, "httpx")
    wanted = types.CodeActionParams(types.TextDocumentIdentifier(uri(path)), findings[0].range, types.CodeActionContext([]))
    offered = await client.text_document_code_action_async(wanted)
    assert offered is not None
    by_title = {action.title: action for action in offered if isinstance(action, types.CodeAction)}
    assert all(action.edit is None for action in by_title.values())  # made only when chosen
    ignore = await client.code_action_resolve_async(next(action for title, action in by_title.items() if "here, with a reason" in title))
    assert ignore.edit is not None and ignore.edit.changes is not None
    (edit,) = ignore.edit.changes[uri(path)]
    assert "# prodlint: ignore[" in edit.new_text and " -- why" in edit.new_text


@served
async def test_hover_and_completion(client: Client, tree: Path) -> None:
    path = tree / "app" / "hover.py"
    opened(client, path, "x = 1  # prodlint: ignore[PRD504] -- why\n")
    await told(client, path)
    hovered = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(uri(path)), types.Position(0, 30)))
    assert hovered is not None and isinstance(hovered.contents, types.MarkupContent)
    assert "requests-without-timeout" in hovered.contents.value
    listed = await client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(uri(path)), types.Position(0, 26))
    )
    labels = {item.label for item in (listed or [])}  # type: ignore[union-attr]
    assert {"PRD504", "bare-except"} <= labels


@served
async def test_an_open_checklist_is_audited(client: Client, tree: Path) -> None:
    path = tree / "LAUNCH.md"
    opened(client, path, "# Launch\n\n- [x] No TODO placeholders left\n- [ ] Buy cake\n")
    findings = await told_until(client, path, "belied")
    (belied,) = [each for each in findings if each.code == "checklist"]
    assert belied.range.start.line == 2 and belied.related_information
    wanted = types.CodeActionParams(types.TextDocumentIdentifier(uri(path)), belied.range, types.CodeActionContext([]))
    offered = await client.text_document_code_action_async(wanted)
    assert any(isinstance(action, types.CodeAction) and action.title.endswith("Untick what the code belies") for action in offered or ())


@served
async def test_wrong_settings_are_a_diagnostic_and_the_server_goes_on(client: Client, tree: Path) -> None:
    path = tree / "app" / "a.py"
    opened(client, path, 'import requests\n\nrequests.get("https://a.example.org")\n')
    await told_until(client, path, "no timeout")
    settings = tree / "prodlint.toml"
    settings.write_text('selekt = ["PRD5"]\n')
    client.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent(uri(settings), types.FileChangeType.Created)])
    )
    assert any("selekt" in each.message for each in await told_until(client, settings, "selekt"))
    assert any("no timeout" in each.message for each in client.diagnostics[uri(path)])


@served
async def test_a_hundred_documents_and_one_that_is_closed_at_once(client: Client, tree: Path) -> None:
    paths = [tree / "app" / f"m{number}.py" for number in range(100)]
    for path in paths:
        opened(client, path, 'import requests\n\nrequests.get("https://a.example.org")\n')
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri(paths[0]))))
    assert any("no timeout" in each.message for each in await told_until(client, paths[-1], "no timeout"))
