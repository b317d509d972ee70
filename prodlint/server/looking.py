"""What is done with projects besides the checks of folders: in the main thread, one thing after another, while the loop that reads messages runs in another one.

There alone can signals bound a regular expression (`prodlint.regexes`), and there the stack is largest. What is typed meanwhile is read and answered;
of a document that is to be looked at, only the newest text is.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")
# A call, and where its result goes.
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class MainThread:
    """Makes calls for a loop that runs in another thread, in order."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    async def do(self, call: Callable[[], _Made]) -> _Made:
        """Wait for a call. Who is cancelled before it has begun takes it back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Made] = loop.create_future()
        self._jobs.put((call, loop, future))
        return await future

    def serve(self, talk: Callable[[], None]) -> int:
        """Talk in another thread, and make calls in this one until that is over. The exit code that it ends with."""
        codes = [1]

        def talking() -> None:
            try:
                talk()
                codes[0] = 0
            except SystemExit as ended:
                codes[0] = ended.code if isinstance(ended.code, int) else 1
            finally:
                self._jobs.put(None)

        thread = threading.Thread(target=talking, name="messages", daemon=True)
        thread.start()
        while (job := self._jobs.get()) is not None:
            _make(*job)
        thread.join()
        return codes[0]


def _make(call: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
    if future.cancelled():
        return
    try:
        result, error = call(), None
    except Exception as raised:
        result, error = None, raised

    def settle() -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    with suppress(RuntimeError):  # nobody listens any more
        loop.call_soon_threadsafe(settle)


class Looks:
    """The documents that are to be looked at: one at a time, those that somebody types in before those that are merely open.

    look: looks at one, by its address, and tells what it has found.
    """

    def __init__(self, look: Callable[[str], Awaitable[None]]) -> None:
        self._look = look
        self._waiting: dict[str, None] = {}
        self._typed: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def want(self, uri: str, first: bool = False) -> None:
        """Look at a document; one that waits already is looked at once."""
        if first:
            self._waiting.pop(uri, None)
            self._typed[uri] = None
        elif uri not in self._typed:
            self._waiting[uri] = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    def drop(self, uri: str) -> None:
        """Nobody wants to know it any more."""
        self._waiting.pop(uri, None)
        self._typed.pop(uri, None)

    async def _work(self) -> None:
        while queue := self._typed or self._waiting:
            uri = next(iter(queue))
            del queue[uri]
            try:
                await self._look(uri)
            except Exception:  # a bug at one document must not leave the others unseen
                _log.exception("%s was not looked at", uri)
