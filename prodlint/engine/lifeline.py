"""Worker processes end with the process that started them, however that ends.

Every worker holds the reading end of a pipe whose writing end the parent alone keeps. Where the parent ends, be it by a signal
that nobody can catch, the pipe is closed and the workers leave at once; a parent that is interrupted cuts it itself.
(`prctl(PR_SET_PDEATHSIG)` would need `ctypes` in every worker, and Linux.)
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


class Lifeline:
    """The pipe between a parent and the workers that it forks; made before the first of them."""

    __slots__ = ("_parent", "_reading", "_writing")

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._parent = os.getpid()

    def hold(self) -> None:
        """In a forked worker: leave as soon as the parent has gone."""
        # The copy that came with the fork would hold the others.
        os.close(self._writing)
        _leave_after(lambda: os.read(self._reading, 1))

    def cut(self) -> None:
        """In the parent: the workers leave now. Once cut it stays cut."""
        if os.getpid() == self._parent and self._writing >= 0:
            os.close(self._writing)
            os.close(self._reading)
            self._writing = -1


def hold_spawned() -> None:
    """In a worker that was spawned, and so has no pipe of the parent's: leave as soon as the parent has gone."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        _leave_after(lambda: wait([sentinel]))


def _leave_after(waiting: Callable[[], object]) -> None:
    # A key pressed in the terminal reaches every process; what it means is the parent's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        # They were held back while the process was made.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))

    def leave() -> None:
        waiting()
        # Nobody is there to take what the worker has to say.
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
