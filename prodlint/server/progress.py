"""How far a look at a whole project has come, shown by the client: on a token of the server's own, and on those that requests brought."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

_Token = int | str


class Shown:
    """The progress of one check after the other. stop: what the client's button does."""

    def __init__(self, server: LanguageServer, title: str) -> None:
        self.stop: Callable[[], object] = lambda: None
        self._server = server
        self._title = title
        self._tokens: list[_Token] = []
        # Which check it is, and the token made for it: a client may answer when its check has ended.
        self._number = 0
        self._own: _Token | None = None
        self._making: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """A check begins. Where the client shows what servers do, a token for it is asked for; nothing waits for that."""
        self._number += 1
        window = self._server.client_capabilities.window
        if window is not None and window.work_done_progress and not self._tokens:
            making = asyncio.get_running_loop().create_task(self._make(self._number))
            self._making.add(making)
            making.add_done_callback(self._making.discard)

    def end(self) -> None:
        """The check has ended, whichever way."""
        self._number += 1
        if self._own is not None:
            self.remove(self._own)
            self._own = None

    def add(self, token: _Token) -> None:
        """Show it on a token, of the client's or of the server's own."""
        self._tokens.append(token)
        begin = types.WorkDoneProgressBegin(title=self._title, cancellable=True, percentage=0)
        self._server.work_done_progress.begin(token, begin)
        self._server.work_done_progress.tokens[token].add_done_callback(lambda future: self.stop() if future.cancelled() else None)

    def remove(self, token: _Token) -> None:
        """Show it there no more."""
        self._tokens.remove(token)
        self._server.work_done_progress.end(token, types.WorkDoneProgressEnd())
        self._server.work_done_progress.tokens.pop(token, None)

    def report(self, done: int, of: int) -> None:
        """So many files of so many are done; of 0 where they are being looked for."""
        if of:
            report = types.WorkDoneProgressReport(message=f"{done:,} of {of:,} files", percentage=done * 100 // of)
            for token in self._tokens:
                self._server.work_done_progress.report(token, report)

    async def _make(self, number: int) -> None:
        token = f"prodlint-{uuid4()}"
        try:
            await self._server.work_done_progress.create_async(token)
        except JsonRpcException:  # the client will not
            return
        if number == self._number:
            self._own = token
            self.add(token)
        else:
            self._server.work_done_progress.tokens.pop(token, None)
