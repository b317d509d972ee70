"""How a run ends where it is told to from outside: nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Terminated(BaseException):
    """A signal asks the program to end. number: which one."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_orderly() -> Iterator[None]:
    """SIGTERM and SIGHUP end the run as an exception would: temporary files are deleted and workers leave. Then the process dies
    by the same signal, so that whoever sent it sees that it did. A signal that is ignored (`nohup`) stays ignored."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for name in names if signal.getsignal(number := getattr(signal, name)) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # nobody but the main thread may set handlers

    def end(number: int, _: object) -> None:
        raise Terminated(number)

    for number in numbers:
        signal.signal(number, end)
    killed = 0
    try:
        yield
    except Terminated as error:
        killed = error.number
    finally:
        for number in numbers:
            with suppress(ValueError):
                signal.signal(number, signal.SIG_DFL)
    if killed:
        os.kill(os.getpid(), killed)
