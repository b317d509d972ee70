"""Files spread over processes; results come back in order, and a file that kills its reader takes nobody's findings with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from prodlint.engine.analysis import analyse
from prodlint.engine.lifeline import Lifeline, hold_spawned
from prodlint.engine.outcome import Outcome, pack
from prodlint.facts import FileKind
from prodlint.model import Unchecked

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from prodlint.engine.run import Run

# path, absolute path, kind, number of the Run whose settings hold for it
Job = tuple[str, str, FileKind, int]
_Rows = list[tuple[Any, ...]]

# Below this many files a second process costs more than it saves.
FEW = 64
# Files handed to a worker at a time: enough that handing over costs nothing, few enough that no worker waits at the end.
CHUNK = 48
# Chunks that may lie ready for each worker's turn, so that the results of a very large tree do not pile up.
_AHEAD = 64

_runs: Sequence[Run] = ()
_is_frozen = False


def _start(runs: Sequence[Run]) -> None:
    global _runs
    _runs = runs
    _collect_less()


def _collect_less() -> None:
    """Rarely look for cycles: a file's facts refer to each other by the ten thousand, and are gone with the file (12 % of a cold run)."""
    import gc

    global _is_frozen
    if not _is_frozen:
        # What was imported. Once a process: at a second run it would be the first run's files, kept for ever.
        gc.freeze()
        _is_frozen = True  # `gc.get_freeze_count` counts one by one, which takes as long as a small file
    gc.set_threshold(20_000, 5, 10)


def _work(jobs: Sequence[Job]) -> _Rows:
    return [pack(analyse(path, absolute, kind, _runs[number])) for path, absolute, kind, number in jobs]


def spread(jobs: Sequence[Job], runs: Sequence[Run], workers: int) -> Iterator[tuple[Any, ...]]:
    """The packed outcome of every file, in order. A worker that dies (killed, out of memory) loses nothing but the file that it dies of."""
    _start(runs)
    for number, run in enumerate(runs):
        run.index.few = len(jobs) < FEW
        if len(jobs) >= FEW and workers > 1:
            run.index.prepare({kind for _, _, kind, of in jobs if of == number})
    if workers <= 1 or len(jobs) < FEW:
        for start in range(0, len(jobs), CHUNK):
            yield from _work(jobs[start : start + CHUNK])
        return
    pool = _Pool(jobs, runs)
    try:
        yield from pool.results(workers)
    finally:
        # Also where the run was interrupted, or nobody wants the rest.
        pool.stop()


class _Worker:
    """A process that analyses ranges of the jobs; chunk: the one it is at, None where it has nothing to do."""

    def __init__(self, pool: _Pool) -> None:
        self.chunk: int | None = None
        self.connection, theirs = pool.context.Pipe()
        self._process = pool.context.Process(target=_serve, args=(theirs, pool.lifeline, *pool.inherited), daemon=True)
        with _undisturbed():
            self._process.start()
        theirs.close()

    def ask(self, start: int, end: int) -> None:
        """Have a range of jobs analysed."""
        # A worker that is gone is noticed where its answer is awaited.
        with suppress(OSError):
            self.connection.send((start, end))

    def answer(self) -> _Rows | None:
        """The rows of the range asked for; None where the worker died."""
        try:
            rows: _Rows = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            return None
        return rows

    def end(self) -> None:
        """Nobody waits for what it is doing."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No signal while a process is made: a child takes none before it has said what to do with them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, lifeline: Lifeline | None, jobs: Sequence[Job], runs: Sequence[Run]) -> None:
    """What a worker does until it is told to end."""
    if lifeline is not None:
        lifeline.hold()
    else:
        hold_spawned()
        _start(runs)
    for run in runs:
        run.environment.snapshot.become_worker()
    while True:
        try:
            start, end = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(_work(jobs[start:end]))


class _Pool:
    """The workers of a run. (`concurrent.futures` leaves orphans, waits where it is interrupted, and cannot say which file broke it.)"""

    def __init__(self, jobs: Sequence[Job], runs: Sequence[Run]) -> None:
        import multiprocessing

        forks = "fork" in multiprocessing.get_all_start_methods()
        self.context: Any = multiprocessing.get_context("fork" if forks else "spawn")
        self.lifeline = Lifeline() if forks else None
        if not forks:
            # A spawned Python would look for its first modules in the current directory, which may be the linted tree.
            os.environ["PYTHONSAFEPATH"] = "1"
        # What a forked worker shares with its parent, and a spawned one is sent once; later a range of jobs is all that is said.
        self.inherited = (jobs, runs)
        self.jobs = jobs
        self.workers: list[_Worker] = []

    def results(self, number: int) -> Iterator[tuple[Any, ...]]:
        """Every job's row, in order."""
        from multiprocessing.connection import wait

        chunks = range(0, len(self.jobs), CHUNK)
        done: dict[int, _Rows] = {}
        handed = given_out = 0
        self.workers = [_Worker(self) for _ in range(min(number, len(chunks)))]
        while given_out < len(chunks):
            for worker in self.workers:
                if worker.chunk is None and handed < len(chunks) and handed - given_out < number * _AHEAD:
                    worker.chunk = handed
                    worker.ask(chunks[handed], chunks[handed] + CHUNK)
                    handed += 1
            busy = {worker.connection: worker for worker in self.workers if worker.chunk is not None}
            for ready in wait(list(busy)):
                worker = busy[ready]
                assert worker.chunk is not None
                rows = worker.answer()
                if rows is None:
                    self.workers.remove(worker)
                    rows = self._one_by_one(chunks[worker.chunk])
                    self.workers.append(_Worker(self))
                done[worker.chunk], worker.chunk = rows, None
            while given_out in done:
                yield from done.pop(given_out)
                given_out += 1

    def _one_by_one(self, start: int) -> _Rows:
        """The jobs of a chunk whose worker died, each by itself: what kills its reader again is named, the others' results stand."""
        rows: _Rows = []
        worker: _Worker | None = None
        for number in range(start, min(start + CHUNK, len(self.jobs))):
            if worker is None:
                worker = _Worker(self)
                self.workers.append(worker)
            worker.ask(number, number + 1)
            found = worker.answer()
            if found is None:
                self.workers.remove(worker)
                worker = None
                path, _, kind, _ = self.jobs[number]
                found = [
                    pack(
                        Outcome(path, kind, unchecked=[Unchecked(path, "the process that read it was killed; it may need too much memory")])
                    )
                ]
            rows += found
        if worker is not None:
            self.workers.remove(worker)
            worker.end()
        return rows

    def stop(self) -> None:
        """End every worker, whatever it does."""
        if self.lifeline is not None:
            self.lifeline.cut()
        for worker in self.workers:
            worker.end()
