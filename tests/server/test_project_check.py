"""The check of a project as a whole: in the background, with its progress shown, ended by the user or by a newer text, and never two at once.

What looks at the project is held up with signals where a test needs it to take its time: the order of messages is what counts, and no clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")
pytest.importorskip("psutil")

import psutil
from lsprotocol import types

from tests.conftest import ROOT
from tests.server.talking import Client, talking

CALL = 'import requests\n\nrequests.get("https://a.example.org")\n'
GOOD = 'import requests\n\nrequests.get("https://a.example.org", timeout=5)\n'
# Enough that a check takes longer than a message needs.
FILES = 300

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no signals that hold a process up")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "large"
    (root / "app").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "large"\n')
    for number in range(FILES):
        body = "".join(f"def f{each}(x):\n    try:\n        return x[{each}]\n    except KeyError:\n        raise\n" for each in range(40))
        (root / "app" / f"m{number}.py").write_text(f"import requests\n\n{body}")
    (root / "app" / "bad.py").write_text(CALL)
    return root


def progress() -> types.ClientCapabilities:
    return types.ClientCapabilities(window=types.WindowClientCapabilities(work_done_progress=True))


def served(capabilities: Callable[[], types.ClientCapabilities]) -> Callable[..., Callable[[Path], None]]:
    def decorated(talk: Callable[[Client, Path], Awaitable[None]]) -> Callable[[Path], None]:
        def test(tree: Path) -> None:
            asyncio.run(asyncio.wait_for(talking(tree, talk, capabilities()), 120))

        test.__name__, test.__doc__ = talk.__name__, talk.__doc__
        return test

    return decorated


def at_work(client: Client) -> list[Any]:
    """The processes that look at projects for the server."""
    process: Any = client._server
    return [each for each in psutil.Process(process.pid).children() if _runs(each)]


def _runs(process: Any) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def held_up(client: Client, times: int = 1) -> Any:
    """Wait for a check to begin, for the so-manieth time, and hold it up."""
    await client.until(lambda: len(client.of("begin")) == times, "no check began")
    await client.until(lambda: at_work(client), "nothing looks at the project")
    (process,) = at_work(client)
    process.suspend()
    return process


def let_go_on(process: Any) -> None:
    """Let a held-up process go on, unless it was ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


@served(progress)
async def test_the_server_answers_while_the_project_is_checked(client: Client, tree: Path) -> None:
    process = await held_up(client)
    path, other = tree / "app" / "open.py", tree / "app" / "bad.py"
    client.opened(path, CALL + "# prodlint: ignore[PRD301] -- why\n")
    await client.until(lambda: client.messages(path), "nothing was said of what was opened")
    client.changed(path, GOOD + "# prodlint: ignore[PRD301] -- why\n", 2)
    await client.until(lambda: not any("no timeout" in each for each in client.messages(path)), "what was typed was not looked at")
    hovered = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(path.as_uri()), types.Position(3, 20)))
    assert hovered is not None
    assert client.of("end") == [] and client.messages(other) == []
    assert process.status() == psutil.STATUS_STOPPED
    process.resume()
    await client.until(lambda: client.of("end"), "the check did not end")
    await client.until(lambda: client.messages(other), "nothing was said of a file that is not open")
    parts = [part for _, part in client.of("report")]
    assert parts and parts == sorted(parts) and client.of("create") == [client.of("begin")[0][0]]


@served(progress)
async def test_the_user_stops_a_check_and_nothing_of_it_is_said(client: Client, tree: Path) -> None:
    process = await held_up(client)
    token, _ = client.of("begin")[0]
    client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    let_go_on(process)
    await client.until(lambda: client.of("end"), "the check did not end")
    assert client.of("told") == [] and at_work(client) == []
    # What was seen by then is kept, and the next save begins a check again.
    client.saved(tree / "app" / "m1.py")
    await client.until(lambda: client.messages(tree / "app" / "bad.py"), "nothing was said after a save")
    assert len(client.of("begin")) == 2


@served(progress)
async def test_a_save_in_the_middle_begins_another_check_and_the_first_says_nothing(client: Client, tree: Path) -> None:
    process = await held_up(client)
    bad, other = tree / "app" / "bad.py", tree / "app" / "m1.py"
    bad.write_text(GOOD)
    other.write_text(CALL)
    client.saved(other)
    client.saved(other)
    # The one that was held up may have been ended by now, and the next may not have begun: there are never two.
    assert len(at_work(client)) <= 1
    let_go_on(process)
    await client.until(lambda: client.messages(other), "nothing was said after the save")
    assert client.messages(bad) == []
    kinds = [kind for kind, _ in client.events if kind in ("begin", "end")]
    assert kinds[:3] == ["begin", "end", "begin"] and kinds.count("begin") <= 3
    assert not process.is_running()


@served(progress)
async def test_the_end_of_the_server_is_the_end_of_what_works_for_it(client: Client, tree: Path) -> None:
    await client.until(lambda: client.of("begin"), "no check began")
    await client.until(lambda: at_work(client), "nothing looks at the project")
    (process,) = at_work(client)
    await client.end()
    assert not process.is_running()


def pulling() -> types.ClientCapabilities:
    return types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)),
        text_document=types.TextDocumentClientCapabilities(diagnostic=types.DiagnosticClientCapabilities()),
    )


@served(pulling)
async def test_the_workspace_is_pulled_in_parts_and_what_is_known_is_not_said_again(client: Client, tree: Path) -> None:
    bad, other = tree / "app" / "bad.py", tree / "app" / "m1.py"
    params = types.WorkspaceDiagnosticParams([], work_done_token="work", partial_result_token="part")
    report = await client.workspace_diagnostic_async(params)
    assert list(report.items) == []
    kinds = [kind for kind, what in client.events if kind in ("begin", "end") and what[0] == "work"]
    assert kinds == ["begin", "end"] and client.of("create") == []
    parts = [item if isinstance(item, dict) else vars(item) for part in client.parts for item in part["items"]]
    ids = {item["uri"]: item["resultId"] for item in parts}
    assert bad.as_uri() in ids and all(item["items"] for item in parts)
    known = [types.PreviousResultId(uri, value) for uri, value in ids.items()]
    again = await client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(known))
    assert {each.kind for each in again.items} == {"unchanged"}
    bad.write_text(GOOD)
    other.write_text(CALL)
    client.saved(bad)
    changed = await client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(known))
    full = {each.uri: each.items for each in changed.items if isinstance(each, types.WorkspaceFullDocumentDiagnosticReport)}
    assert list(full[bad.as_uri()]) == [] and any("no timeout" in each.message for each in full[other.as_uri()])
    await client.until(lambda: client.of("refresh"), "the client was not told to ask again")
    assert client.of("told") == []


@pytest.mark.parametrize("kind", ["unready", "ready"])
def test_a_folder_is_told_what_the_command_line_says_of_it(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "orders"
    shutil.copytree(ROOT / "fixtures" / kind / "orders", root)
    command = [sys.executable, "-m", "prodlint", "check", ".", "--root", ".", "--no-cache", "--exit-zero", "--output-format", "json"]
    ran = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
    expected = {
        ((root / each["path"]).as_uri(), each["code"], each["line"] - 1, each["column"] - 1, each["message"].split("\n")[0])
        for each in json.loads(ran.stdout)["findings"]
    }
    assert bool(expected) is (kind == "unready")

    async def talk(client: Client, tree: Path) -> None:
        report = await client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([]))
        told = {
            (item.uri, each.code, each.range.start.line, each.range.start.character, each.message.split("\n")[0])
            for item in report.items
            if isinstance(item, types.WorkspaceFullDocumentDiagnosticReport)
            for each in item.items
        }
        assert told == expected

    asyncio.run(asyncio.wait_for(talking(root, talk, pulling()), 120))


@served(progress)
async def test_a_habit_of_several_files_is_told_in_an_open_document_as_the_command_line_tells_it(client: Client, tree: Path) -> None:
    first, second, large = tree / "app" / "a1.py", tree / "app" / "a2.py", tree / "app" / "m1.py"
    (tree / "pyproject.toml").write_text('[project]\nname = "large"\ndependencies = ["fastapi"]\n')
    body = "def f(x):\n    print(x)\n    return x\n\n\ndef g(x):\n    print(x, x)\n    return x\n"
    prints = (
        f"import logging\n\nfrom fastapi import FastAPI\n\nlog = logging.getLogger(__name__)\napp = FastAPI()\nlog.info('made')\n\n\n{body}"
    )
    # Not said by itself, but where another file speaks for it.
    for path, text in ((first, prints), (second, f"from fastapi import FastAPI\n\napp = FastAPI()\n\n\n{body}")):
        path.write_text(text)
        client.opened(path, text)
    client.saved(large)

    def told(path: Path) -> list[tuple[int, str]]:
        """Line and words of what is said of `print`."""
        listed = client.diagnostics.get(path.as_uri(), ())
        return [(each.range.start.line, each.message.split("\n")[0]) for each in listed if each.code == "PRD701"]

    await client.until(lambda: told(second) == [] and "in 2 files" in str(told(first)), "what stands for all of them is not told")
    ((line, _),) = told(first)
    (habit,) = [each for each in client.diagnostics[first.as_uri()] if each.code == "PRD701"]
    assert line == 10 and {each.location.uri for each in habit.related_information or ()} == {first.as_uri(), second.as_uri()}
    client.changed(first, f"# typed\n{prints}", 2)
    await client.until(lambda: [line for line, _ in told(first)] == [11], "it does not go along with its place")
    ran = subprocess.run(
        [sys.executable, "-m", "prodlint", "check", ".", "--root", ".", "--no-cache", "--exit-zero", "--output-format", "json"],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True,
    )  # fmt: skip
    said = [each for each in json.loads(ran.stdout)["findings"] if each["code"] == "PRD701"]
    assert [(each["path"], each["line"] - 1, each["message"]) for each in said] == [("app/a1.py", 10, habit.message.split("\n")[0])]


def test_a_client_that_dies_takes_the_server_and_its_processes_with_it(tree: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "prodlint", "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdin is not None and server.stdout is not None

    def send(message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))  # type: ignore[union-attr]
        server.stdin.flush()  # type: ignore[union-attr]

    folders = [{"uri": tree.as_uri(), "name": "large"}]
    capabilities = {"window": {"workDoneProgress": True}}
    send(
        {
            "id": 1,
            "method": "initialize",
            "params": {"capabilities": capabilities, "processId": None, "rootUri": None, "workspaceFolders": folders},
        }
    )
    send({"method": "initialized", "params": {}})
    children: list[Any] = []
    while not children and server.poll() is None:
        time.sleep(0.02)
        children = psutil.Process(server.pid).children()
    server.stdin.close()
    server.stdout.close()
    server.wait(30)
    assert children
    _, alive = psutil.wait_procs(children, 30)
    assert alive == []


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_the_server_at_once(sent: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "prodlint", "server"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert server.stdin is not None and server.stdout is not None
    message = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}}
    )
    server.stdin.write(f"Content-Length: {len(message)}\r\n\r\n{message}".encode())
    server.stdin.flush()
    assert server.stdout.readline().startswith(b"Content-Length")
    server.send_signal(sent)
    assert server.wait(30) == code
    server.stdin.close()
    server.stdout.close()
