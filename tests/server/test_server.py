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
        # Those that only the whole project gives come when it was looked at.
        for _ in range(300):
            listed = client.diagnostics.get(uri(path), ())
            found = {(str(each.code), each.range.start.line + 1, each.message.split("\n")[0]) for each in listed}
            if found == expected[name]:
                break
            await asyncio.sleep(0.1)
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
    opened(client, path, "import requests\n\n\ndef fetch(url: str) -> bytes:\n    return requests.get(url).content\n")
    findings = await told_until(client, path, "no timeout")
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
    (tree / "docs").mkdir()
    path = tree / "docs" / "LAUNCH.md"
    text = "# Launch\n\n- [x] No TODO placeholders left\n- [ ] Buy cake\n- [ ] CI pipeline\n"
    opened(client, path, text)
    findings = await told_until(client, path, "belied")
    (belied,) = [each for each in findings if each.message.startswith("belied")]
    (met,) = [each for each in findings if each.message.startswith("in fact met")]
    assert belied.range.start.line == 2 and belied.related_information
    assert met.range.start.line == 4 and met.related_information and met.severity == types.DiagnosticSeverity.Hint

    async def offered(where: types.Range) -> list[types.TextEdit]:
        """The edit of the one action there."""
        wanted = types.CodeActionParams(types.TextDocumentIdentifier(uri(path)), where, types.CodeActionContext([]))
        listed = await client.text_document_code_action_async(wanted) or ()
        (action,) = [each for each in listed if isinstance(each, types.CodeAction) and each.title.endswith("with the evidence")]
        assert action.edit is not None and action.edit.changes is not None
        return list(action.edit.changes[uri(path)])

    said = await client.workspace_execute_command_async(types.ExecuteCommandParams("prodlint.audit", [uri(path)]))
    assert said == "1 belied, 1 open but met"
    (edit,) = await offered(belied.range)
    assert edit.range == belied.range
    assert edit.new_text.startswith("- [ ] No TODO placeholders left <!-- prodlint-evidence --> [app/") and "](../app/" in edit.new_text
    (edit,) = await offered(met.range)
    assert edit.new_text.startswith("- [x] CI pipeline <!-- prodlint-evidence -->") and "](../.github/workflows/ci.yml#L1" in edit.new_text
    # Lines that move take what is said of them along; one that is written anew is no longer the one that was judged.
    changes = "# Launch\n\nBefore all else:\n\n- [x] No TODO placeholders anywhere\n- [ ] CI pipeline\n"
    document = types.VersionedTextDocumentIdentifier(2, uri(path))
    whole = types.TextDocumentContentChangeWholeDocument(changes)
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
    for _ in range(300):
        if [each.range.start.line for each in client.diagnostics[uri(path)]] == [5]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(client.diagnostics[uri(path)])


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


@served
async def test_cells_of_a_notebook(client: Client, tree: Path) -> None:
    path = tree / "explore.ipynb"
    texts = ["import requests\n", 'x = "\U0001f600\\t"; requests.get("https://a.example.org")\n']
    cells = [types.NotebookCell(types.NotebookCellKind.Code, f"vscode-notebook-cell:{path}#c{number}") for number in range(len(texts))]
    documents = [types.TextDocumentItem(cell.document, "python", 1, text) for cell, text in zip(cells, texts, strict=True)]
    notebook = types.NotebookDocument(uri(path), "jupyter-notebook", 1, cells)
    client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, documents))

    async def told_of(cell: types.NotebookCell, count: int) -> list[types.Diagnostic]:
        for _ in range(300):
            if cell.document in client.diagnostics and len(client.diagnostics[cell.document]) == count:
                return client.diagnostics[cell.document]
            await asyncio.sleep(0.1)
        raise AssertionError(client.diagnostics)

    (finding,) = await told_of(cells[1], 1)
    # The import stands in another cell; the picture counts two UTF-16 units, and what JSON escapes is one character.
    assert finding.code == "PRD504" and (finding.range.start.line, finding.range.start.character) == (0, 12)
    assert client.diagnostics[cells[0].document] == []
    whole = types.TextDocumentContentChangeWholeDocument('requests.get("https://a.example.org", timeout=5)\n')
    changed = types.NotebookDocumentCellContentChanges(types.VersionedTextDocumentIdentifier(2, cells[1].document), [whole])
    client.notebook_document_did_change(
        types.DidChangeNotebookDocumentParams(
            types.VersionedNotebookDocumentIdentifier(2, uri(path)),
            types.NotebookDocumentChangeEvent(cells=types.NotebookDocumentCellChanges(text_content=[changed])),
        )
    )
    assert await told_of(cells[1], 0) == []


@served
async def test_a_finding_is_hovered_and_says_what_to_do_there(client: Client, tree: Path) -> None:
    path = tree / "k8s" / "deployment.yaml"
    opened(client, path, path.read_text())
    found = next(each for each in await told_until(client, path, "is not pinned") if each.code == "PRD803")
    assert "Name a version of this image" in found.message.split("\n")[1]
    hovered = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(uri(path)), found.range.start))
    assert hovered is not None and isinstance(hovered.contents, types.MarkupContent) and "**PRD" in hovered.contents.value


@served
async def test_a_rule_is_switched_off_and_a_finding_becomes_known(client: Client, tree: Path) -> None:
    (tree / "prodlint.toml").write_text('baseline = ".prodlint-baseline"\nignore = ["PRD301"]\n')
    (tree / ".prodlint-baseline").write_text(f"# version: 2\n# salt: {'0a' * 16}\n")
    path = tree / "app" / "fetch.py"
    opened(client, path, 'import requests\n\nrequests.get("https://a.example.org")\n')
    (finding,) = [each for each in await told_until(client, path, "no timeout") if each.code == "PRD504"]
    wanted = types.CodeActionParams(types.TextDocumentIdentifier(uri(path)), finding.range, types.CodeActionContext([]))
    # lsprotocol's client takes an action with a command for a command.
    offered = list(await client.text_document_code_action_async(wanted) or ())
    (off,) = [each for each in offered if isinstance(each, types.CodeAction) and each.title.endswith("off in the settings")]
    off = await client.code_action_resolve_async(off)
    assert off.edit is not None and off.edit.changes is not None
    (edit,) = off.edit.changes[uri(tree / "prodlint.toml")]
    assert (edit.range.start.line, edit.range.start.character, edit.new_text) == (1, 10, '"PRD504", ')
    assert any(each.title.endswith("Add to the baseline") for each in offered)
    arguments = [uri(path), finding.data["finding"]]
    await client.workspace_execute_command_async(types.ExecuteCommandParams("prodlint.addToBaseline", arguments))
    assert "app/fetch.py PRD504" in (tree / ".prodlint-baseline").read_text()
    for _ in range(100):
        if not any(each.code == "PRD504" for each in client.diagnostics[uri(path)]):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("what is in the baseline is still told")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("prodlint.toml", "", 'ignore = ["PRD504"]\n'),
        ("prodlint.toml", "ignore = []\n", 'ignore = ["PRD504"]\n'),
        ("prodlint.toml", 'fail-on = "P0"\nignore = [\n  "PRD301",\n]\n', None),
        ("pyproject.toml", '[project]\nname = "a"\n\n[tool.prodlint]\nfail-on = "P0"\n', None),
        ("pyproject.toml", '[tool.prodlint]\nignore = ["PRD1"]  # why\n[tool.ruff]\nignore = ["E501"]\n', None),
        ("pyproject.toml", "[tool.prodlint]", '[tool.prodlint]\nignore = ["PRD504"]\n'),
        ("pyproject.toml", '[tool.ruff]\nignore = ["E501"]\n', None),
    ],
)
def test_where_a_rule_is_switched_off(tmp_path: Path, name: str, before: str, after: str | None) -> None:
    import tomli

    from prodlint.server.switching import switched_off

    (tmp_path / name).write_text(before)
    made = switched_off("PRD504", str(tmp_path / "app" / "a.py"), str(tmp_path))
    text = made.before[: made.offset] + made.text + made.before[made.offset :]
    assert after is None or text == after
    read = tomli.loads(text)
    table = read["tool"]["prodlint"] if "[tool.prodlint" in text else read
    assert "PRD504" in table["ignore"]
    assert made.exists is ("prodlint" in name or "prodlint" in before)
