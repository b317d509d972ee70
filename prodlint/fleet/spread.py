"""Jobs handed out to a cluster, answers as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Any

from prodlint.fleet import task
from prodlint.fleet.child import failed
from prodlint.fleet.job import Job

# Jobs that are known to the scheduler at a time: enough that an adaptive cluster sees what waits, and its memory does not grow with the fleet.
AHEAD = 1_000
# Files of one task of a repository that several share, and the most tasks.
PART_FILES = 2_500
MOST_PARTS = 16
LOST = "each worker that had it was lost"

Answer = dict[str, Any]


def spread(
    client: Any, jobs: Iterator[Job], bundle: bytes, function: Callable[..., Answer] = task.check, ahead: int = AHEAD
) -> Iterator[tuple[Job, Answer]]:
    """Each job with its answer, in the order in which they are done.

    A task whose worker is lost runs again on another one; the scheduler gives it up when that has happened to it several times
    (`distributed.scheduler.allowed-failures`). It counts every task that the worker had taken, so a repository that waited behind one which ends its
    worker is given up with it: what was given up runs once more after all others, with nothing beside it. function: what a worker does with a job.
    """
    from distributed import as_completed

    handed = client.submit(task.told, bundle, key=f"bundle-{id(jobs):x}", pure=False)
    waiting: dict[str, Job] = {}
    # As they were before several tasks shared them.
    undivided: dict[str, Job] = {}
    given_up: list[Job] = []
    alone = False
    done = as_completed(loop=client.loop, with_results=True, raise_errors=False)
    numbers = count()

    def keys(several: Sequence[Job]) -> list[str]:
        return [f"check-{id(waiting):x}-{next(numbers)}" for _ in several]

    def add(several: list[Job]) -> None:
        if several:
            # Many in one message: one by one they would cost the scheduler three times as much.
            for future, job in zip(client.map(function, several, key=keys(several), pure=False, bundle=handed), several, strict=True):
                waiting[future.key] = job
                done.add(future)

    add(list(islice(jobs, ahead)))
    while waiting or given_up:
        if not waiting:
            # The bundle goes with the job: not even the task that hands it on is beside it.
            alone, handed = True, bundle
            add([given_up.pop()])
        for future, result in done.next_batch(block=True):
            job = waiting.pop(future.key)
            first = undivided.pop(future.key, job)
            answer = result if future.status == "finished" else failed("worker", _lost(result))
            future.release()
            if answer == failed("worker", LOST) and not alone:
                given_up.append(first)
            elif "large" in answer:
                whole = replace(job, large=0, state=answer["state"])
                several = min(-(-answer["large"] // PART_FILES), MOST_PARTS)
                parts = [replace(whole, part=(part, several)) for part in range(several)]
                found = client.map(function, parts, key=keys(parts), pure=False, bundle=handed)
                last = client.submit(function, whole, handed, *found, key=keys([whole])[0], pure=False)
                waiting[last.key], undivided[last.key] = whole, job
                done.add(last)
            else:
                yield job, answer
        if ahead - len(waiting) >= ahead // 10:
            add(list(islice(jobs, ahead - len(waiting))))


def _lost(error: Any) -> str:
    kind = error[0] if isinstance(error, tuple) else type(error)
    name = getattr(kind, "__name__", str(kind))
    if name == "KilledWorker":
        return LOST
    return f"the task failed: {name}"
