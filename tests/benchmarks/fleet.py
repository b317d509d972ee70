"""A fleet measured: against a plain loop of `prodlint check`, by workers, and its scheduler by simulation.

    python tests/benchmarks/fleet.py trees DIR MIRROR... [--count 200]    # working trees of bare repositories at commits along their history
    python tests/benchmarks/fleet.py real DIR --out DATASET               # a fleet of two workers between two halves of a plain loop over the same
    python tests/benchmarks/fleet.py small --count 2000 --workers 1       # small made-up repositories
    python tests/benchmarks/fleet.py simulate --dataset DATASET           # 64 workers that sleep as long as the repositories took
    python tests/benchmarks/fleet.py write --dataset DATASET              # what the process that hands out jobs does with an answer

Nothing is fetched. Each prints one JSON object. Wall-clock seconds of a machine that others use say little by themselves: `cpu` is the processor time of
all processes together, and what is compared ran in turn.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from prodlint.fleet import cluster, organisation, run
from prodlint.fleet.dataset import Dataset, Writer, rows_of
from prodlint.fleet.job import Job
from prodlint.fleet.sources import Source
from prodlint.fleet.spread import spread

KEY = b"k" * 32
PAGE = organisation.Organisation()


def trees(directory: Path, mirrors: Sequence[str], count: int) -> dict[str, Any]:
    """Working trees of the repositories, each at several commits, evenly along the newer half of its history."""
    directory.mkdir(parents=True, exist_ok=True)
    each = -(-count // len(mirrors))
    made = 0
    for mirror in mirrors:
        git = ["git", f"--git-dir={mirror}"]
        commits = subprocess.run([*git, "rev-list", "--first-parent", "HEAD"], capture_output=True, text=True, check=True).stdout.split()
        newer = commits[: max(len(commits) // 2, each)]
        for commit in newer[:: max(len(newer) // each, 1)][:each]:
            if made == count:
                break
            target = directory / f"{made:03}-{Path(mirror).parent.name.rpartition('+')[2]}-{commit[:10]}"
            target.mkdir(exist_ok=True)
            with subprocess.Popen([*git, "archive", commit], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as archive:
                unpacked = subprocess.run(["tar", "-x", "-C", str(target)], stdin=archive.stdout, stderr=subprocess.DEVNULL, check=False)
            if unpacked.returncode or archive.returncode:  # a mirror without its largest files
                shutil.rmtree(target)
                continue
            made += 1
    return {"trees": made, "files": sum(len(files) for _, _, files in os.walk(directory))}


def used() -> float:
    """Processor seconds of this process and of all that it waited for."""
    return sum(u.ru_utime + u.ru_stime for u in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


def loop(roots: Sequence[Path], *words: str) -> dict[str, float]:
    """`prodlint check` over one tree after the other, a process each."""
    began, cpu = time.monotonic(), used()
    for root in roots:
        command = [
            sys.executable,
            "-m",
            "prodlint",
            "check",
            str(root),
            "--root",
            str(root),
            "--no-cache",
            "--output-format",
            "json",
            *words,
        ]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert done.returncode in (0, 1, 3), root
    return {"repositories": len(roots), "seconds": time.monotonic() - began, "cpu": used() - cpu}


def fleet(roots: Sequence[Path], out: str, workers: int) -> dict[str, float]:
    """The same by `prodlint fleet`, which answers the checklist as well: from the start of the cluster to its end."""
    began, cpu = time.monotonic(), used()
    listed = [Source(root.name, str(root), "directory") for root in roots]
    with cluster.connected(workers=workers) as client:
        up = time.monotonic() - began
        outcome = run.run(client, listed, Dataset(out), PAGE, KEY, run.Wishes())
    assert outcome.failed == 0, outcome
    return {
        "repositories": len(roots),
        "workers": workers,
        "seconds": time.monotonic() - began,
        "start": up,
        "cpu": used() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def real(directory: Path, out: str, workers: int, count: int, sample: int) -> dict[str, Any]:
    """A fleet between the two halves of a loop, so that what else the machine does falls on both. sample: the loop takes every so many-th tree, which
    on a machine that is shared saves an hour; what it takes for each is what is compared."""
    roots = sorted(path for path in directory.iterdir() if path.is_dir())[:count]
    first = loop(roots[:: 2 * sample], "-j", "1")
    whole = fleet(roots, out, workers)
    second = loop(roots[sample :: 2 * sample], "-j", "1")
    looped = {key: first[key] + second[key] for key in first}
    share = looped["repositories"] / whole["repositories"]
    return {
        "loop": looped,
        "fleet": whole,
        "times": looped["seconds"] / (whole["seconds"] * share),
        "times_by_cpu": workers * looped["cpu"] / (whole["cpu"] * share),
    }


def small(count: int, workers: int) -> dict[str, Any]:
    """Made-up services of three files."""
    with tempfile.TemporaryDirectory() as directory:
        roots = []
        for number in range(count):
            root = Path(directory) / "trees" / f"service-{number:04}"
            root.mkdir(parents=True)
            (root / "app.py").write_text(f"import requests\n\n\ndef load_{number}(url):\n    return requests.get(url)\n")
            (root / "Dockerfile").write_text("FROM python:3.12-slim\nCOPY . .\nCMD python app.py\n")
            (root / "requirements.txt").write_text("requests==2.32.3\n")
            roots.append(root)
        return fleet(roots, str(Path(directory) / "out"), workers)


ANSWER = b"x" * 20_000


def sleep(job: Job, bundle: bytes, *parts: object) -> dict[str, Any]:
    """Take as long as the repository did, and answer with as much."""
    time.sleep(job.timeout)
    return {"told": ANSWER}


def handed_out(lengths: Sequence[float], workers: int) -> float:
    """How long it takes where handing out takes no time: at the end some workers have nothing to do any more."""
    free = [0.0] * workers
    for length in lengths:
        heapq.heapreplace(free, free[0] + length)
    return max(free)


def simulate(dataset: str, count: int, workers: int, processes: int, mean: float) -> dict[str, Any]:
    """The scheduler and what hands out jobs, with workers that sleep: how busy they are kept, and what a task costs that takes no time.

    The workers are threads of some processes, so that `own_cpu_ms_each` is what the scheduler and the client take, which are in this one. mean: seconds; a machine that others use took longer for each than it would alone.
    """
    import dask
    from distributed import Client, LocalCluster

    kept = Dataset(dataset)
    lengths = [row["seconds"] for row in rows_of(kept.table("repositories", [kept.run()], ["seconds"])) if row["seconds"]]
    if mean:
        lengths = [length * mean * len(lengths) / sum(lengths) for length in lengths]
    bundle = PAGE.bundle()

    def jobs(seconds: Iterator[float]) -> Iterator[Job]:
        for number, length in enumerate(islice(seconds, count)):
            yield Job(Source(f"r{number}", "/", "directory"), "", "", KEY, timeout=length)

    found: dict[str, Any] = {"repositories": count, "workers": workers, "mean_seconds": sum(lengths) / len(lengths)}
    settings = {"n_workers": processes, "threads_per_worker": workers // processes, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with dask.config.set(cluster.QUIET), LocalCluster(**settings) as local, Client(local) as client:
        list(spread(client, islice(jobs(cycle([0.0])), workers), bundle, sleep))  # warm
        for name, seconds in (("nothing", cycle([0.0])), ("measured", cycle(lengths))):
            given = list(jobs(seconds))
            began, cpu = time.monotonic(), time.process_time()
            done = sum(1 for _ in spread(client, iter(given), bundle, sleep))
            wall = time.monotonic() - began
            assert done == count
            asleep = sum(job.timeout for job in given)
            found[name] = {
                "seconds": wall,
                "own_cpu_ms_each": (time.process_time() - cpu) * 1000 / count,
                "wall_ms_each": wall * 1000 / count,
            }
            if asleep:
                found[name]["efficiency"] = asleep / (wall * workers)
                found[name]["best"] = asleep / (handed_out([job.timeout for job in given], workers) * workers)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def write(dataset: str) -> dict[str, Any]:
    """Rows out of answers and into Parquet, with what the repositories of a dataset have."""
    kept = Dataset(dataset)
    tables: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in ("repositories", "findings", "items", "files"):
        for row in rows_of(kept.table(name, [kept.run()])):
            mine = tables.setdefault(row["repository"], {})
            mine.setdefault(name, []).append(
                {key: value for key, value in row.items() if key not in ("run", "run_date", "repository", "ref", "commit")}
            )
    answers = []
    for name, mine in tables.items():
        (own,) = mine["repositories"]
        told = {**{key: value for key, value in own.items() if key != "checked_at"}, "commit": "", "findings": [], "items": [], "files": []}
        told |= {key: rows for key, rows in mine.items() if key != "repositories"}
        answers.append((Job(Source(name, "/", "directory"), "", "", KEY), {"told": zlib.compress(json.dumps(told).encode(), 1)}))
    with tempfile.TemporaryDirectory() as directory:
        writer = Writer(Dataset(directory), "20261130-000000", len(answers))
        outcome = run.Outcome(writer.note)
        cpu = used()
        for job, answer in answers:
            writer.add(run._rows(job, answer, outcome))
        writer.close(True)
        spent = used() - cpu
        size = sum(path.stat().st_size for path in Path(directory).rglob("*.parquet"))
    count = len(answers)
    return {
        "repositories": count,
        "cpu_ms_each": spent * 1000 / count,
        "answer_kb": sum(len(a["told"]) for _, a in answers) / count / 1000,
        "parquet_kb": size / count / 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("trees", "real", "small", "simulate", "write"))
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--mean", type=float, default=0.0)
    parser.add_argument("--sample", type=int, default=1)
    parser.add_argument("--out", default="")
    parser.add_argument("--dataset", default="")
    given = parser.parse_args()
    if given.what == "trees":
        told = trees(Path(given.paths[0]), given.paths[1:], given.count)
    elif given.what == "real":
        shutil.rmtree(given.out, ignore_errors=True)
        told = real(Path(given.paths[0]), given.out, given.workers, given.count, given.sample)
    elif given.what == "small":
        told = small(given.count, given.workers)
    elif given.what == "simulate":
        told = simulate(given.dataset, given.count, given.workers, given.processes, given.mean)
    else:
        told = write(given.dataset)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
