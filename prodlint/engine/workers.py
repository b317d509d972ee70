"""Files spread over processes; results come back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prodlint.engine.analysis import analyse, pack

if TYPE_CHECKING:
    from concurrent.futures import Future

    from prodlint.engine.analysis import Run

# path, absolute path, kind, number of the Run whose settings hold for it
Job = tuple[str, str, str, int]

# Below this many files a second process costs more than it saves.
FEW = 64
# Files handed to a worker at a time: enough that handing over costs nothing, few enough that no worker waits at the end.
CHUNK = 48

_runs: Sequence[Run] = ()


def _start(runs: Sequence[Run]) -> None:
    global _runs
    _runs = runs
    _collect_less()


def _collect_less() -> None:
    """Rarely look for cycles: a file's facts refer to each other by the ten thousand, and are gone with the file (12 % of a cold run)."""
    import gc

    gc.freeze()
    gc.set_threshold(20_000, 5, 10)


def _work(jobs: Sequence[Job], given: Mapping[str, bytes]) -> list[tuple[Any, ...]]:
    return [pack(analyse(path, absolute, kind, _runs[number], given.get(path))) for path, absolute, kind, number in jobs]


def spread(jobs: Sequence[Job], runs: Sequence[Run], workers: int, given: Mapping[str, bytes]) -> Iterator[tuple[Any, ...]]:
    """The packed outcome of every file, in order. A worker that dies (killed, out of memory) loses nothing: its files are done here."""
    _start(runs)
    for number, run in enumerate(runs):
        run.index.few = len(jobs) < FEW
        if len(jobs) >= FEW and workers > 1:
            run.index.prepare({kind for _, _, kind, of in jobs if of == number})
    if workers <= 1 or len(jobs) < FEW:
        for start in range(0, len(jobs), CHUNK):
            yield from _work(jobs[start : start + CHUNK], given)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    # A forked worker inherits the runs; only a spawned one needs them sent.
    initial: dict[str, Any] = {} if method == "fork" else {"initializer": _start, "initargs": (runs,)}
    with ProcessPoolExecutor(workers, mp_context=context, **initial) as pool:
        waiting: deque[tuple[Sequence[Job], Future[list[tuple[Any, ...]]] | None]] = deque()
        broken = False
        for start in range(0, len(jobs), CHUNK):
            chunk = jobs[start : start + CHUNK]
            future = None
            if not broken:
                try:
                    future = pool.submit(_work, chunk, {job[0]: given[job[0]] for job in chunk if job[0] in given})
                except BrokenProcessPool:
                    broken = True
            waiting.append((chunk, future))
            # Bounded, so that the results of a very large tree do not pile up.
            while len(waiting) > workers * 64:
                yield from _result(*waiting.popleft(), given)
        while waiting:
            yield from _result(*waiting.popleft(), given)


def _result(chunk: Sequence[Job], future: Future[list[tuple[Any, ...]]] | None, given: Mapping[str, bytes]) -> list[tuple[Any, ...]]:
    from concurrent.futures.process import BrokenProcessPool

    if future is not None:
        try:
            return future.result()
        except BrokenProcessPool:
            pass  # the worker was killed; its files are done here, one by one
    return _work(chunk, given)
