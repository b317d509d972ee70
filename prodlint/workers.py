"""Files spread over processes; results come back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future

    from prodlint.engine import Outcome, Run

_Files = Sequence[tuple[str, str, str]]

# Files handed to a worker at a time: enough that handing over costs nothing, few enough that no worker waits at the end.
CHUNK = 48

_run: Run | None = None


def _start(run: Run) -> None:
    global _run
    _run = run


def _work(files: _Files, given: Mapping[str, bytes]) -> list[Outcome]:
    from prodlint.engine import analyse

    assert _run is not None
    return [analyse(path, absolute, kind, _run, given.get(path)) for path, absolute, kind in files]


def spread(files: _Files, run: Run, workers: int, given: Mapping[str, bytes]) -> Iterator[Outcome]:
    """The outcome of every file, in order. A worker that dies (killed, out of memory) loses nothing: its files are done here."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    _start(run)
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    # A forked worker inherits the run; only a spawned one needs it sent.
    forked = method == "fork"
    initial: dict[str, Any] = {} if forked else {"initializer": _start, "initargs": (run,)}
    with ProcessPoolExecutor(workers, mp_context=context, **initial) as pool:
        waiting: deque[tuple[_Files, Future[list[Outcome]] | None]] = deque()
        broken = False
        for start in range(0, len(files), CHUNK):
            chunk = files[start : start + CHUNK]
            future = None
            if not broken:
                try:
                    future = pool.submit(_work, chunk, {path: given[path] for path, _, _ in chunk if path in given})
                except BrokenProcessPool:
                    broken = True
            waiting.append((chunk, future))
            # Bounded, so that the results of a very large tree do not pile up.
            while len(waiting) > workers * 64:
                yield from _result(*waiting.popleft(), given)
        while waiting:
            yield from _result(*waiting.popleft(), given)


def _result(chunk: _Files, future: Future[list[Outcome]] | None, given: Mapping[str, bytes]) -> list[Outcome]:
    from concurrent.futures.process import BrokenProcessPool

    if future is not None:
        try:
            return future.result()
        except BrokenProcessPool:
            pass  # the worker was killed; its files are done here, one by one
    return _work(chunk, given)
