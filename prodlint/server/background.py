"""Starts the processes that look at whole projects (`whole`), listens to what they say, and ends them."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from prodlint.messages import receive
from prodlint.server.whole import Answer, Job, Progress

_START = "import sys; sys.path[:] = {path!r}; from prodlint.server.whole import main; main()"
# Seconds that one which was told to end may take to keep what it has seen, and between two looks at whether it has ended.
_GRACE = 1.0
_LOOK = 0.01


class Failed(Exception):
    """A process ended without an answer; what it had to say of that is in the server's log."""


async def ask(job: Job, progress: Progress = lambda done, of: None) -> Answer:
    """What a process of its own says to a job. progress: is told how many files of how many are done.

    Who cancels this ends the process: it is gone when the cancellation is done. Raises Failed.
    """
    loop = asyncio.get_running_loop()

    def tell(done: int, of: int) -> None:
        with suppress(RuntimeError):  # nobody listens any more
            loop.call_soon_threadsafe(progress, done, of)

    # The modules come from where this process has them; `-I`: not from the working directory, which may be the linted tree. Not asyncio's
    # own subprocess: who is cancelled while that connects its pipes waits for ever for a process that has ended (CPython 3.11), which
    # is what happens where the client dies at that moment.
    process = subprocess.Popen([sys.executable, "-I", "-c", _START.format(path=sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        return await asyncio.wrap_future(_in_thread(lambda: _talk(process, job, tell)))
    except (EOFError, OSError):
        raise Failed(f"the process that looks at {job.root} ended without an answer") from None
    finally:
        await _end(process)


def _in_thread(call: Callable[[], Answer]) -> Future[Answer]:
    """What a call will have returned, made in a thread that nobody waits for."""
    heard: Future[Answer] = Future()
    # Who is cancelled stops waiting; the thread ends with the process.
    heard.set_running_or_notify_cancel()

    def listen() -> None:
        try:
            heard.set_result(call())
        except BaseException as error:
            heard.set_exception(error)

    threading.Thread(target=listen, name="listens to a process", daemon=True).start()
    return heard


def _talk(process: subprocess.Popen[bytes], job: Job, progress: Progress) -> Answer:
    """Hand the job over, and hear the messages up to the answer. Raises EOFError, OSError."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as to, process.stdout as out:
        to.write(pickle.dumps(job, pickle.HIGHEST_PROTOCOL))
        to.close()
        while True:
            message: Any = receive(out)
            if not isinstance(message, tuple):
                answer: Answer = message
                return answer
            progress(*message)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has answered; end one that has not."""
    try:
        process.terminate()
        latest = time.monotonic() + _GRACE
        while process.poll() is None and time.monotonic() < latest:
            await asyncio.sleep(_LOOK)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
