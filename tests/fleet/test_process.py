"""The process that reads repositories is watched, ended where it takes too long or too much, and replaced."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("psutil")

from prodlint.fleet import process
from prodlint.fleet.sources import Source
from tests.fleet.repositories import BAD, write
from tests.fleet.test_answer import job_for


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[process.Reader]:
    made = process.Reader(0, str(tmp_path))
    yield made
    made.close()
    assert not os.path.exists(made.scratch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "x", {"app.py": BAD})


def test_one_process_reads_several(reader: process.Reader, root: Path) -> None:
    job, bundle = job_for(root)
    assert "told" in reader.ask(job, bundle, [])
    assert reader._process is not None
    first = reader._process.pid
    assert "told" in reader.ask(job, bundle, [])
    assert reader._process.pid == first
    reader._jobs = process._MOST_JOBS
    assert "told" in reader.ask(job, bundle, [])
    assert reader._process.pid != first


def test_time_is_up_also_for_what_it_started(reader: process.Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that waits for a server that says nothing ends as well."""
    import socket

    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    job, bundle = job_for(tmp_path)
    address = Source("x", f"https://127.0.0.1:{silent.getsockname()[1]}/x.git", "address")
    kind, why = reader.ask(replace(job, source=address, timeout=1.5), bundle, [])["failed"]
    silent.close()
    assert kind in ("time", "unreachable") and "longer than 2 s" in why
    import psutil

    left = [each for each in psutil.Process().children(recursive=True) if "git" in each.name()]
    _, alive = psutil.wait_procs(left, 30)
    assert alive == []


def test_memory(tmp_path: Path, root: Path) -> None:
    reader = process.Reader(10_000_000, str(tmp_path))
    try:
        job, bundle = job_for(root, memory=10_000_000)
        assert reader.ask(job, bundle, [])["failed"] == ("memory", "it takes more than 10 MB of memory")
    finally:
        reader.close()


def test_one_that_is_killed_is_replaced(reader: process.Reader, root: Path) -> None:
    job, bundle = job_for(root)
    assert "told" in reader.ask(job, bundle, [])
    running = reader._process
    assert running is not None
    os.kill(running.pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (running.pid, signal.SIGKILL)).start()
    kind, why = reader.ask(job, bundle, [])["failed"]
    assert (kind, why) == ("killed", "the process that read it ended with SIGKILL; it may need too much memory")
    assert "told" in reader.ask(job, bundle, [])


def test_it_leaves_with_whoever_started_it(reader: process.Reader, root: Path) -> None:
    job, bundle = job_for(root)
    reader.ask(job, bundle, [])
    running = reader._process
    assert running is not None and running.stdin is not None
    running.stdin.close()
    assert running.wait(10) == 1
