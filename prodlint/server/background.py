"""Starts the processes that look at whole projects (`whole`), listens to what they say, and ends them."""

from __future__ import annotations

import asyncio
import pickle
import sys
from contextlib import suppress
from typing import Any

from prodlint.server.whole import HEAD, Answer, Job, Progress

_START = "import sys; sys.path[:] = {path!r}; from prodlint.server.whole import main; main()"
# Seconds that one which was told to end may take to keep what it has seen.
_GRACE = 1.0


class Failed(Exception):
    """A process ended without an answer; what it had to say of that is in the server's log."""


async def ask(job: Job, progress: Progress = lambda done, of: None) -> Answer:
    """What a process of its own says to a job. progress: is told how many files of how many are done.

    Who cancels this ends the process: it is gone when the cancellation is done. Raises Failed.
    """
    # The modules come from where this process has them; `-I`: not from the working directory, which may be the linted tree.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", _START.format(path=sys.path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        return await _talk(process, job, progress)
    except (asyncio.IncompleteReadError, OSError):
        raise Failed(f"the process that looks at {job.root} ended without an answer") from None
    finally:
        await _end(process)


async def _talk(process: asyncio.subprocess.Process, job: Job, progress: Progress) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pickle.dumps(job, pickle.HIGHEST_PROTOCOL))
    await process.stdin.drain()
    process.stdin.close()
    while True:
        (size,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        message: Any = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - from the process that was started here
        if not isinstance(message, tuple):
            answer: Answer = message
            return answer
        progress(*message)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that has answered; end one that has not."""
    try:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), _GRACE)
    except (asyncio.TimeoutError, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
