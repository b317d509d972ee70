"""What a local worker does when it starts and when it ends (a preload module of Dask's)."""

from __future__ import annotations

import signal
from contextlib import suppress


def dask_setup(worker: object) -> None:
    """A key pressed in the terminal reaches every process; what it means is the run's to say."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def dask_teardown(worker: object) -> None:
    """End the processes that read repositories."""
    from prodlint.fleet.process import close_all

    close_all()
