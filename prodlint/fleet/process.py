"""The worker's end of the process that reads repositories (`child`): it is given a job, watched, and ended where it takes too long or too much.

This is the second place that starts a program, after `prodlint/project/git.py`: the interpreter that runs already, with prodlint's own module.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from typing import Any

from prodlint.fleet.child import failed
from prodlint.fleet.job import Job
from prodlint.messages import receive, send

# After so many repositories a new process takes over: what memory the old one did not give back is free again.
_MOST_JOBS = 200
# How often it is looked at, in seconds, and how much longer than the job's own limit it may take to end.
_LOOK = 0.1
_GRACE = 5.0
_START = "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module('prodlint.fleet.child', run_name='__main__')"


class Reader:
    """A process that reads one repository after the other. scratch: a directory for what is brought, deleted with it."""

    def __init__(self, memory: int, scratch: str | None = None) -> None:
        self.memory = memory
        self.scratch = tempfile.mkdtemp(prefix="prodlint-fleet-", dir=scratch)
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = 0

    def ask(self, job: Job, bundle: bytes, parts: list[bytes]) -> dict[str, Any]:
        """What `child.answer` says of the job; a failure where the process had to be ended, or ended by itself."""
        if self._jobs >= _MOST_JOBS:
            self.end()
        process = self._started()
        self._jobs += 1
        work = tempfile.mkdtemp(dir=self.scratch)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError):  # one that has ended is noticed below
                send(process.stdin, (job, bundle, work, parts))
            why = self._wait(process, job)
            if why is not None:
                self.end()
                return why
            try:
                answer: dict[str, Any] = receive(process.stdout)
            except EOFError:
                code = process.wait(_GRACE)
                self.end()
                return failed("killed", f"the process that read it ended with {_told_end(code)}; it may need too much memory")
            return answer
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _wait(self, process: subprocess.Popen[bytes], job: Job) -> dict[str, Any] | None:
        """Wait for an answer. A failure where it takes too long or too much."""
        import psutil

        assert process.stdout is not None
        last = time.monotonic() + job.timeout if job.timeout else None
        with suppress(psutil.Error):
            seen = psutil.Process(process.pid)
            while not select.select([process.stdout], [], [], _LOOK)[0]:
                if last is not None and time.monotonic() > last:
                    return failed("time", f"it takes longer than {job.timeout:,.0f} s")
                if self.memory and _used(seen) > self.memory:
                    return failed("memory", f"it takes more than {self.memory / 1e6:,.0f} MB of memory")
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._jobs = 0
            environment = {
                **os.environ,
                "PRODLINT_FLEET_MEMORY": str(self.memory),
                "PRODLINT_FLEET_WORK": self.scratch,
                "TMPDIR": self.scratch,
            }
            # The modules come from where this process has them; `-I`: not from the working directory, nor from what the environment names.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START.format(path=sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.scratch,
                env=environment,
                start_new_session=True,
            )
        return self._process

    def end(self) -> None:
        """End the process and what it has started, such as a git that waits for a server."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def close(self) -> None:
        """End it, and leave nothing behind."""
        self.end()
        shutil.rmtree(self.scratch, ignore_errors=True)


def _used(process: Any) -> int:
    """What a process and its children have in memory, in bytes."""
    import psutil

    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total


def _told_end(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


_readers: dict[int, Reader] = {}
_lock = threading.Lock()


def reader_of_this_thread(memory: int) -> Reader:
    """The reader that belongs to a worker's thread, made at its first job."""
    number = threading.get_ident()
    with _lock:
        known = _readers.get(number)
        if known is None or known.memory != memory:
            if known is not None:
                known.close()
            else:
                _close_at_exit()
            known = _readers[number] = Reader(memory, _scratch())
    return known


def _scratch() -> str | None:
    """The worker's own directory, which Dask clears up after a worker that was killed; None outside a worker."""
    try:
        from distributed import get_worker

        return str(get_worker().local_directory)
    except (ImportError, ValueError):
        return None


def _close_at_exit() -> None:
    import atexit

    if not _readers:
        atexit.register(close_all)


def close_all() -> None:
    """End the readers of this process."""
    with _lock:
        for reader in _readers.values():
            reader.close()
        _readers.clear()
