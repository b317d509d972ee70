"""The function that Dask calls on a worker."""

from __future__ import annotations

from typing import Any

from prodlint.fleet.job import Job


def check(job: Job, bundle: bytes, *parts: dict[str, Any]) -> dict[str, Any]:
    """What became of a repository (see `child.answer`). parts: what became of its parts, where there are any; one that failed is looked at here."""
    from prodlint.fleet.process import reader_of_this_thread

    return reader_of_this_thread(job.memory).ask(job, bundle, [part["rows"] for part in parts if "rows" in part])


def told(bundle: bytes) -> bytes:
    """The bundle as a result of the graph: a worker that lost it has it made again, as nothing scattered would be."""
    return bundle
