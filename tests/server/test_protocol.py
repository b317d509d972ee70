"""The protocol's edges: units of position, lines, versions that do not rise, long pastes, folders that go, and fixes that reach into several files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from lsprotocol import types

from tests.conftest import ROOT
from tests.server.talking import Client, talking

CALL = 'requests.get("https://a.example.org")'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "orders and more"
    shutil.copytree(ROOT / "fixtures" / "unready" / "orders", root)
    (root / "app" / "beside.py").write_text(f'import requests\n\nx = "é\U0001f600"; {CALL}\n')
    return root


def served(talk: Callable[[Client, Path], Awaitable[None]]) -> Callable[[Path], None]:
    def test(tree: Path) -> None:
        asyncio.run(asyncio.wait_for(talking(tree, talk, types.ClientCapabilities()), 120))

    test.__name__, test.__doc__ = talk.__name__, talk.__doc__
    return test


def place_of(client: Client, path: Path, code: str) -> tuple[int, int, int]:
    """Line, first and last column of the one finding of a code; nothing found is at -1."""
    found = [each.range for each in client.diagnostics.get(path.as_uri(), ()) if each.code == code]
    return (found[0].start.line, found[0].start.character, found[0].end.character) if len(found) == 1 else (-1, -1, -1)


@pytest.mark.parametrize(
    ("encoding", "before"),
    [(types.PositionEncodingKind.Utf8, 14), (types.PositionEncodingKind.Utf16, 11), (types.PositionEncodingKind.Utf32, 10)],
)
def test_columns_are_counted_in_the_units_that_were_agreed_on(tree: Path, encoding: types.PositionEncodingKind, before: int) -> None:
    async def talk(client: Client, tree: Path) -> None:
        path, beside = tree / "app" / "typed.py", tree / "app" / "beside.py"
        start, end = before, before + len(CALL)
        client.opened(path, f'import requests\n\nx = "é\U0001f600"; {CALL}\n')
        await client.until(lambda: place_of(client, path, "PRD504") == (2, start, end), "not there in the open document")
        await client.until(lambda: place_of(client, beside, "PRD504") == (2, start, end), "not there in a file that is not open")
        # What is typed comes in the same units: a name for the client goes in front of the call.
        where = types.Range(types.Position(2, start), types.Position(2, start))
        change = types.TextDocumentContentChangePartial(where, "y = ")
        document = types.VersionedTextDocumentIdentifier(2, path.as_uri())
        client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        await client.until(lambda: place_of(client, path, "PRD504") == (2, start + 4, end + 4), "what was typed is elsewhere")

    general = types.GeneralClientCapabilities(position_encodings=[encoding])
    asyncio.run(asyncio.wait_for(talking(tree, talk, types.ClientCapabilities(general=general)), 120))


@served
async def test_lines_end_where_the_protocol_says(client: Client, tree: Path) -> None:
    path = tree / "app" / "feed.py"
    client.opened(path, f'import requests\r\n\x0c\nx = "\u2028\x85"\r\n{CALL}\r\n')
    await client.until(lambda: place_of(client, path, "PRD504")[:2] == (3, 0), "off by the lines that are none")
    change = types.TextDocumentContentChangePartial(types.Range(types.Position(2, 0), types.Position(3, 0)), "")
    document = types.VersionedTextDocumentIdentifier(2, path.as_uri())
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
    await client.until(lambda: place_of(client, path, "PRD504")[:2] == (2, 0), "a line was taken out elsewhere")


@served
async def test_what_was_sent_last_holds_whatever_its_version(client: Client, tree: Path) -> None:
    path = tree / "app" / "versions.py"
    client.opened(path, "x = 1\n", 7)
    client.changed(path, f"import requests\n\n{CALL}\n", 3)
    client.changed(path, f"import requests\n\n\n\n{CALL}\n", 3)
    await client.until(lambda: place_of(client, path, "PRD504")[0] == 4, "the last text is not the one that holds")


@served
async def test_thousands_of_lines_are_pasted_at_once(client: Client, tree: Path) -> None:
    path = tree / "app" / "pasted.py"
    client.opened(path, f"import requests\n\n{CALL}\n")
    await client.until(lambda: place_of(client, path, "PRD504")[0] == 2, "not found")
    pasted = "".join(f"def f{number}(x):\n    return x + {number}\n\n\n" for number in range(2_000))
    where = types.Range(types.Position(1, 0), types.Position(1, 0))
    document = types.VersionedTextDocumentIdentifier(2, path.as_uri())
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, [types.TextDocumentContentChangePartial(where, pasted)]))
    await client.until(lambda: place_of(client, path, "PRD504")[0] == 8_002, "not found behind what was pasted")


@served
async def test_typing_is_answered_while_a_document_is_looked_at_and_only_the_newest_text_is_told_of(client: Client, tree: Path) -> None:
    path = tree / "app" / "long.py"
    # Enough that looking at it takes longer than a message needs.
    body = "".join(
        f"def f{number}(x):\n    try:\n        return x[{number}]\n    except KeyError:\n        raise\n\n\n" for number in range(4_000)
    )
    client.opened(path, f"import requests  # prodlint: ignore[PRD301] -- why\n\n{CALL}\n{body}")
    hovered = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(path.as_uri()), types.Position(0, 40)))
    assert hovered is not None and path.as_uri() not in client.diagnostics
    start = types.Range(types.Position(1, 0), types.Position(1, 0))
    for version in range(2, 7):
        document = types.VersionedTextDocumentIdentifier(version, path.as_uri())
        client.text_document_did_change(types.DidChangeTextDocumentParams(document, [types.TextDocumentContentChangePartial(start, "\n")]))
    completed = await client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(path.as_uri()), types.Position(0, 37))
    )
    assert completed and path.as_uri() not in client.diagnostics
    await client.until(lambda: path.as_uri() in client.diagnostics, "nothing was said")
    assert client.versions[path.as_uri()] == [6]
    assert place_of(client, path, "PRD504")[0] == 7


@served
async def test_nothing_is_said_of_a_document_that_is_closed_while_it_is_looked_at(client: Client, tree: Path) -> None:
    path, other = tree / "app" / "long.py", tree / "app" / "other.py"
    body = "".join(f"def f{number}(x):\n    return x[{number}]\n\n\n" for number in range(4_000))
    client.opened(path, f"import requests\n\n{CALL}\n{body}")
    await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(path.as_uri()), types.Position(0, 0)))
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(path.as_uri())))
    client.opened(other, f"import requests\n\n{CALL}\n")
    await client.until(lambda: place_of(client, other, "PRD504")[0] == 2, "the server looks at nothing any more")
    # Where looking was faster than the message, it was told and taken back; nothing comes after that.
    assert client.versions[path.as_uri()] in ([None], [1, None]) and client.messages(path) == []


@served
async def test_what_is_typed_in_while_much_is_opened_is_looked_at_as_is_the_rest(client: Client, tree: Path) -> None:
    # Which comes first is asked in test_looking.py: between two processes it depends on which of them is faster.
    others = [tree / "app" / f"other{number}.py" for number in range(50)]
    typed = tree / "app" / "typed.py"
    client.opened(typed, "x = 1\n")
    for other in others:
        client.opened(other, f"import requests\n\n{CALL}\n")
    client.changed(typed, f"import requests\n\n{CALL}\n", 2)
    await client.until(lambda: place_of(client, typed, "PRD504")[0] == 2, "what was typed is not looked at")
    await client.until(lambda: all(place_of(client, other, "PRD504")[0] == 2 for other in others), "what is open is not looked at")


@served
async def test_a_folder_that_goes_takes_nothing_with_it(client: Client, tree: Path) -> None:
    path, text = tree / "app" / "main.py", (tree / "app" / "main.py").read_text()
    client.opened(path, text)
    await client.until(lambda: client.messages(path), "nothing was said")
    await client.until(lambda: client.messages(tree / "compose.yaml"), "the project was not looked at")
    shutil.rmtree(tree)
    client.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent((tree / "compose.yaml").as_uri(), types.FileChangeType.Deleted)])
    )
    client.saved(path)
    await client.until(lambda: not client.messages(tree / "compose.yaml"), "what is gone is still said to be wrong")
    client.changed(path, f"import requests\n\n{CALL}\n", 2)
    await client.until(lambda: place_of(client, path, "PRD504")[0] == 2, "what is typed is not looked at any more")


@served
async def test_a_closed_folder_and_a_text_that_is_given_up_leave_nothing_behind(client: Client, tree: Path) -> None:
    other = tree / "app" / "beside.py"
    await client.until(lambda: client.messages(other), "the project was not looked at")
    client.opened(other, "x = 1\n")
    await client.until(lambda: not client.messages(other), "the open text does not hold")
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(other.as_uri())))
    await client.until(lambda: client.messages(other), "the file on the disk does not hold again")
    gone = types.WorkspaceFoldersChangeEvent([], [types.WorkspaceFolder(tree.as_uri(), "orders")])
    client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(gone))
    await client.until(lambda: not any(client.diagnostics.values()), "what was said of a folder stays when it is closed")


@served
async def test_nested_folders_have_each_its_own_settings(client: Client, tree: Path) -> None:
    inner = tree / "inner"
    inner.mkdir()
    (inner / "prodlint.toml").write_text('ignore = ["PRD504"]\n')
    (inner / "app.py").write_text(f"import requests\n\n{CALL}\nrequests.get('http://b.example.org', verify=False)\n")
    opened = types.WorkspaceFoldersChangeEvent([types.WorkspaceFolder(inner.as_uri(), "inner")], [])
    client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(opened))
    client.saved(tree / "app" / "main.py")
    await client.until(lambda: client.messages(inner / "app.py"), "the inner folder was not looked at")
    codes = {each.code for each in client.diagnostics[(inner / "app.py").as_uri()]}
    assert "PRD481" in codes and "PRD504" not in codes


async def offered(client: Client, path: Path, code: str, words: str) -> types.CodeAction:
    """The action of a finding whose title holds some words, with its edit."""
    found = [each for each in client.diagnostics[path.as_uri()] if each.code == code]
    assert found
    wanted = types.CodeActionParams(types.TextDocumentIdentifier(path.as_uri()), found[0].range, types.CodeActionContext([]))
    listed = await client.text_document_code_action_async(wanted) or ()
    (action,) = [
        each
        for each in listed
        if isinstance(each, types.CodeAction) and words in each.title and each.diagnostics and each.diagnostics[0].code == code
    ]
    return await client.code_action_resolve_async(action)


@pytest.mark.parametrize("makes_files", [True, False])
def test_a_fix_of_a_finding_of_the_whole_project_reaches_into_another_file(tree: Path, makes_files: bool) -> None:
    async def talk(client: Client, tree: Path) -> None:
        path, ignored = tree / "Dockerfile", (tree / ".dockerignore").as_uri()
        client.opened(path, path.read_text())
        await client.until(lambda: place_of(client, path, "PRD807")[0] >= 0, "not found")
        edit = (await offered(client, path, "PRD807", "Leave")).edit
        assert edit is not None
        if makes_files:
            assert edit.document_changes is not None
            made, change = edit.document_changes
            assert isinstance(made, types.CreateFile) and made.uri == ignored
            assert isinstance(change, types.TextDocumentEdit) and change.text_document.uri == ignored
            texts = list(change.edits)
        else:
            assert edit.document_changes is None and edit.changes is not None and list(edit.changes) == [ignored]
            texts = list(edit.changes[ignored])
        assert any(isinstance(each, types.TextEdit) and ".env" in each.new_text for each in texts)

    can = types.WorkspaceEditClientCapabilities(document_changes=True, resource_operations=[types.ResourceOperationKind.Create])
    workspace = types.WorkspaceClientCapabilities(workspace_edit=can) if makes_files else None
    asyncio.run(asyncio.wait_for(talking(tree, talk, types.ClientCapabilities(workspace=workspace)), 120))


@served
async def test_one_action_fixes_every_place_of_a_finding_that_stands_for_several(client: Client, tree: Path) -> None:
    path = tree / "app" / "many.py"
    client.opened(path, "import requests\n" + "".join(f"\n\ndef f{each}(url):\n    return requests.get(url).json()\n" for each in range(6)))
    await client.until(lambda: any("6 places" in each for each in client.messages(path)), "not found as one")
    action = await offered(client, path, "PRD504", "timeout")
    assert action.edit is not None and action.edit.changes is not None
    text = "".join(each.new_text for each in action.edit.changes[path.as_uri()])
    assert text.count("timeout=") == 6


def test_nothing_is_kept_of_messages_that_are_done_with() -> None:
    from prodlint.server.server import made

    server = made()

    async def answered() -> None:
        await asyncio.sleep(0)

    async def many() -> None:
        for number in range(100):
            server.protocol._execute_handler(number, answered, callback=lambda _: None)
        assert len(server.protocol._request_futures) == 100
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(many())
    assert not server.protocol._request_futures
