"""A bound on the processor's time, for what must not grow with the square of its input or never end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Fail where what runs inside takes more of this process's processor time: no benchmark, many times what it takes, and a busy
    machine changes nothing of it. (The limit on regular expressions has `ITIMER_VIRTUAL`.)"""

    def stop(*_: object) -> None:
        raise AssertionError(f"not done after {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
