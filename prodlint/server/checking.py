"""When folders are checked as a whole: one check of a folder at a time, begun again where something changed meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from prodlint.server import background
from prodlint.server.progress import Shown
from prodlint.server.whole import Answer, Job

_log = logging.getLogger(__name__)
# When files change that nobody has open, a check begins once nothing came for as long (seconds): a checkout touches a thousand of them.
_PAUSE = 0.5


class FolderCheck:
    """The check of one folder as a whole.

    job: what is to be done, with the texts that are unsaved now. take: is given each answer that is not old by then. shown: tells the client how
    far a check has come.
    """

    def __init__(self, job: Callable[[], Job], take: Callable[[Answer], None], shown: Shown) -> None:
        self._job = job
        self._take = take
        self.shown = shown
        shown.stop = self.stop
        # Counts what changed; `_settled` is where that stood when the last check ended or was stopped.
        self._changes = 0
        self._settled = -1
        self._task: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Answer] | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._closed = False

    def changed(self) -> None:
        """Something is not as it was: a check that runs ends without a word, and another begins."""
        self._changes += 1
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._asking is not None:
            self._asking.cancel()
        self._begin()

    def changed_beside(self) -> None:
        """The same for files that change in numbers: a check begins when they are done."""
        if self._soon is not None:
            self._soon.cancel()
        self._soon = asyncio.get_running_loop().call_later(_PAUSE, self.changed)

    def stop(self) -> None:
        """The user wants no answer: what was said before stays, and the next change begins a check again."""
        if self._asking is not None:
            self._asking.cancel()

    async def settled(self) -> None:
        """Wait until what was said is of what there is now, or the user has stopped the check."""
        while self._settled != self._changes and not self._closed:
            self._begin()
            assert self._task is not None
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """End, and come back when no process runs any more."""
        self._closed = True
        if self._soon is not None:
            self._soon.cancel()
        self.stop()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._settled != self._changes and not self._closed:
            changes = self._changes
            self._asking = asyncio.get_running_loop().create_task(background.ask(self._job(), self.shown.report))
            self.shown.begin()
            try:
                # Not awaited itself: a newer text cancels what is asked, and not what asks.
                await asyncio.wait([self._asking])
            finally:
                self._asking.cancel()
                self.shown.end()
            if changes != self._changes:
                continue
            self._settled = changes
            if not self._asking.cancelled():
                self._settle(self._asking)

    def _settle(self, asked: asyncio.Task[Answer]) -> None:
        error = asked.exception()
        if error is None:
            self._take(asked.result())
        else:
            _log.error("%s", error)
