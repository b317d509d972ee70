"""One run over a fleet: jobs out, rows in."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prodlint import __version__
from prodlint.fleet.dataset import Dataset, RunNote, Writer, rows_of
from prodlint.fleet.job import Job, Known
from prodlint.fleet.organisation import Organisation, digest, own_digest
from prodlint.fleet.sources import Source
from prodlint.fleet.spread import spread

Spread = Callable[[Any, Iterator[Job], bytes], Iterator[tuple[Job, dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is to be. timeout: seconds for a repository; memory: bytes; large: files from which several tasks share a repository; 0: no limit.
    resume: take over what has not changed since the last runs."""

    timeout: float = 900.0
    memory: int = 0
    large: int = 5_000
    resume: bool = False
    today: str = ""


@dataclass(slots=True)
class Outcome:
    """How a run went. failed: repositories that could not be checked; partly: those with files that could not be read. findings: open ones by
    priority (`p0`, ...), those of unchanged repositories included."""

    run: RunNote
    checked: int = 0
    partly: int = 0
    unchanged: int = 0
    failed: int = 0
    findings: dict[str, int] = field(default_factory=lambda: {"p0": 0, "p1": 0, "p2": 0})


def run(
    client: Any,
    sources: Sequence[Source],
    dataset: Dataset,
    organisation: Organisation,
    key: bytes,
    wishes: Wishes,
    progress: Callable[[int, int], None] | None = None,
    hand_out: Spread = spread,
) -> Outcome:
    """Check every repository and write what is found. Also where it is interrupted, what has come in until then is a readable dataset.

    client: a `distributed.Client`.
    """
    bundle = organisation.bundle()
    earlier = _earlier(dataset) if wishes.resume else []
    # Before the first job: what killed runs have left would be copied.
    for note in earlier:
        dataset.sweep(note)
    seen = _seen(dataset, earlier)
    first = Job(
        Source("", "", "directory"), digest(bundle), own_digest(), key, wishes.today, wishes.timeout, wishes.memory, large=wishes.large
    )
    writer = Writer(dataset, _new_id(dataset), len(sources))
    outcome = Outcome(writer.note)
    unchanged: dict[str, str] = {}
    whole = False
    try:
        jobs = (_job(first, source, seen.get(source.name)) for source in sources)
        for done, (job, answer) in enumerate(hand_out(client, jobs, bundle), 1):
            if "unchanged" in answer:
                unchanged[job.source.name] = seen[job.source.name][1]
                outcome.unchanged += 1
            else:
                writer.add(_rows(job, answer, outcome))
            if progress is not None:
                progress(done, len(sources))
        whole = True
    finally:
        writer.copy(earlier, unchanged)
        writer.close(whole)
        outcome.run = writer.note
    for row in rows_of(dataset.table("repositories", [outcome.run], list(outcome.findings))):
        for priority, number in row.items():
            outcome.findings[priority] += number or 0
    return outcome


def _job(first: Job, source: Source, seen: tuple[Known, str, str, str] | None) -> Job:
    known = seen[0] if seen is not None and seen[2:] == (source.shown, source.ref) else None
    return replace(first, source=source, known=known)


def _new_id(dataset: Dataset) -> str:
    taken = {run.id for run in dataset.runs()}
    now = int(time.time())
    while (made := time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))) in taken:
        now += 1
    return made


def _earlier(dataset: Dataset) -> list[RunNote]:
    """The runs whose results may still hold, the newest first: the last one that came to its end, and what was begun after it."""
    found: list[RunNote] = []
    for run in reversed(dataset.runs()):
        found.append(run)
        if run.whole:
            break
    return found


def _seen(dataset: Dataset, runs: Sequence[RunNote]) -> dict[str, tuple[Known, str, str, str]]:
    """By repository: what was seen of it, the run that saw it last, and which source and ref it had."""
    found: dict[str, tuple[Known, str, str, str]] = {}
    for run in runs:
        table = dataset.table("repositories", [run], ["repository", "status", "state", "rules", "source", "ref"])
        for row in rows_of(table):
            if row["status"] != "failed":
                found.setdefault(row["repository"], (Known(row["state"], row["rules"]), run.id, row["source"], row["ref"]))
    return found


def _rows(job: Job, answer: Mapping[str, Any], outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    """What became of a repository, as rows of the tables."""
    source, now = job.source, int(time.time())
    common = {"repository": source.name, "ref": source.ref, "commit": ""}
    if "told" not in answer:
        kind, why = answer["failed"]
        outcome.failed += 1
        nothing = {"status": "failed", "level": "", "level_possible": "", "services": [], "owner": "", "state": ""}
        row: dict[str, Any] = {**common, **nothing, "source": source.shown, "rules": job.rules, "prodlint": __version__, "checked_at": now}
        return {"repositories": [row], "errors": [{**common, "source": source.shown, "kind": kind, "why": why, "at": now}]}
    told = json.loads(zlib.decompress(answer["told"]))
    common["commit"] = told.pop("commit")
    tables = {name: [{**common, **row} for row in told.pop(name)] for name in ("findings", "items", "files")}
    if told["status"] == "checked":
        outcome.checked += 1
    else:
        outcome.partly += 1
    row = {**common, **told, "source": source.shown, "rules": job.rules, "prodlint": __version__, "checked_at": now}
    return {**tables, "repositories": [row]}
