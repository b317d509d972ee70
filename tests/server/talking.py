"""A client that talks to a server of its own over standard input and output, and keeps what it is told, in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient


class Client(LanguageClient):
    """A client that keeps what it is told. events: what came, in order: the address diagnostics are of, or a token and what is said on it.
    versions: by address, those of the texts that diagnostics were of."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.events: list[tuple[str, Any]] = []
        self.versions: dict[str, list[int | None]] = {}
        self.parts: list[Any] = []
        self.ended = False

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics[params.uri] = list(params.diagnostics)
            self.events.append(("told", params.uri))
            self.versions.setdefault(params.uri, []).append(params.version)

        @self.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def _(params: types.WorkDoneProgressCreateParams) -> None:
            self.events.append(("create", params.token))

        @self.feature(types.WORKSPACE_DIAGNOSTIC_REFRESH)
        def _(params: None) -> None:
            self.events.append(("refresh", None))

        @self.feature(types.PROGRESS)
        def _(params: types.ProgressParams) -> None:
            value = params.value if isinstance(params.value, dict) else vars(params.value)
            if "kind" in value:
                self.events.append((value["kind"], (params.token, value.get("percentage"))))
            else:
                self.parts.append(value)

    async def end(self) -> None:
        """Tell the server to end, once."""
        if not self.ended:
            self.ended = True
            await self.shutdown_async(None)

    def of(self, kind: str) -> list[Any]:
        """What came of one kind."""
        return [what for each, what in self.events if each == kind]

    async def until(self, happened: Callable[[], object], words: str) -> None:
        """Wait for something to happen."""
        for _ in range(1200):
            if happened():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{words}; {self.events[-20:]}")

    def opened(self, path: Path, text: str, version: int = 1) -> None:
        """Open a document."""
        self.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(path.as_uri(), "any", version, text)))

    def changed(self, path: Path, text: str, version: int) -> None:
        """Change a document, to a text as a whole."""
        whole = types.TextDocumentContentChangeWholeDocument(text)
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, path.as_uri()), [whole])
        )

    def saved(self, path: Path) -> None:
        """Save a document."""
        self.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(path.as_uri())))

    def messages(self, path: Path) -> list[str]:
        """What was last said of a file."""
        return [each.message for each in self.diagnostics.get(path.as_uri(), ())]


async def talking(
    tree: Path, talk: Callable[[Client, Path], Awaitable[None]], capabilities: types.ClientCapabilities, options: object = None
) -> None:
    """Start a server, talk to it, and see that it ends when it is told to."""
    client = Client()
    await client.start_io(sys.executable, "-m", "prodlint", "server")
    folders = [types.WorkspaceFolder(tree.as_uri(), tree.name)]
    await client.initialize_async(types.InitializeParams(capabilities, workspace_folders=folders, initialization_options=options))
    client.initialized(types.InitializedParams())
    try:
        await talk(client, tree)
    finally:
        await client.end()
        client.exit(None)
        process: Any = client._server
        assert process is None or await asyncio.wait_for(process.wait(), 20) == 0
