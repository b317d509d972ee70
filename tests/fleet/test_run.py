"""Whole runs on a cluster of this machine: every repository has its row, whatever happens to it, to a worker, or to the run."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")
pytest.importorskip("pyarrow")
pytest.importorskip("psutil")

import pyarrow.dataset as ds

from prodlint.configuration.settings import SettingsError
from prodlint.fleet import cluster, organisation, process, run, task
from prodlint.fleet.dataset import SCHEMA_VERSION, TABLES, Dataset, Writer, schemas
from prodlint.fleet.job import Job
from prodlint.fleet.sources import Source
from prodlint.fleet.spread import spread
from tests.conftest import ROOT
from tests.fleet.repositories import BAD, CLEAN, bare, commit, write

KEY = b"k" * 32
# What the library itself leaves open when a cluster ends.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def fleet(*words: str | Path, code: int = 0, **environment: str) -> str:
    """`prodlint fleet` as a person runs it; what it said."""
    command = [sys.executable, "-m", "prodlint", "fleet", *map(str, words)]
    own = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    ran = subprocess.run(command, capture_output=True, text=True, env=own, timeout=240)
    assert ran.returncode == code, ran.stderr
    return ran.stderr


def rows(directory: Path, table: str, *columns: str) -> list[dict[str, Any]]:
    """A table as anybody would read it."""
    found = ds.dataset(directory / table, partitioning="hive").to_table(columns=list(columns) or None)
    return sorted(found.to_pylist(), key=lambda row: json.dumps(row, default=str))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_fleet_from_end_to_end(home: Path) -> None:
    commit(home / "orders", {"app.py": BAD, "CODEOWNERS": "* @orders\n"})
    commit(home / "pay", {"app.py": CLEAN})
    store = bare(home / "pay", home / "pay.git")
    write(home / "broken", {"prodlint.toml": "no = 1\n", "app.py": BAD})
    listed = write(home, {"list": f"orders\torders\npay\t{store}\nfetched\tfile://{store}\tmain\nbroken\tbroken\ngone\tgone\n"}) / "list"
    out = home / "out"
    said = fleet(listed, "--out", out, "--workers", "1", code=3)
    assert "3 repositories checked, 2 could not be checked (table `errors`)" in said
    seen = rows(out, "repositories", "repository", "status", "p0", "owner")
    assert {row["repository"]: row["status"] for row in seen} == {
        "orders": "checked",
        "pay": "checked",
        "fetched": "checked",
        "broken": "failed",
        "gone": "failed",
    }
    assert [(row["repository"], row["kind"]) for row in rows(out, "errors", "repository", "kind")] == [
        ("broken", "settings"),
        ("gone", "unreachable"),
    ]
    assert {row["owner"] for row in rows(out, "findings", "owner")} == {"@orders"}
    commits = {row["repository"]: row["commit"] for row in rows(out, "repositories", "repository", "commit")}
    assert commits["pay"] == commits["fetched"] != ""
    (note,) = (out / "_runs").iterdir()
    assert json.loads(note.read_text())["schema_version"] == SCHEMA_VERSION
    # Nothing lies in the trees, and the key lies elsewhere.
    assert not (home / "orders" / ".prodlint_cache").exists()
    assert len(list((home / "cache" / "prodlint").glob("fleet-*.key"))) == 1

    # Once more: only what failed or has changed is looked at.
    commit(home / "orders", {"more.py": BAD})
    (home / "broken" / "prodlint.toml").unlink()
    said = fleet(listed, "--out", out, "--workers", "1", "--resume", "--allow-unchecked")
    assert "2 repositories checked, 2 unchanged, 1 could not be checked" in said
    total = sum(row["p0"] or 0 for row in Dataset(str(out)).table("repositories", Dataset(str(out)).runs()[-1:], ["p0"]).to_pylist())
    assert f"findings: {total:,} P0" in said
    first, second = Dataset(str(out)).runs()
    assert second.whole
    for name in ("pay", "fetched"):
        before, after = (Dataset(str(out)).table("files", [each], ["repository", "path"]).to_pylist() for each in (first, second))
        assert [row for row in before if row["repository"] == name] == [row for row in after if row["repository"] == name] != []
    more = Dataset(str(out)).table("findings", [second], ["repository", "path"]).to_pylist()
    assert {row["path"] for row in more if row["repository"] == "orders"} >= {"app.py", "more.py"}
    # Under another key nothing is as it was.
    key = write(home, {"key": "0123456789abcdef0123456789abcdef\n"}) / "key"
    assert "4 repositories checked, 1 could not" in fleet(
        listed, "--out", out, "--workers", "1", "--resume", "--allow-unchecked", "--key-file", key
    )


def jobs(home: Path, count: int, **values: Any) -> tuple[list[Job], bytes]:
    bundle = organisation.Organisation().bundle()
    made = []
    for number in range(count):
        write(home / f"r{number}", {"app.py": BAD})
        source = Source(f"r{number}", str(home / f"r{number}"), "directory")
        made.append(Job(source, organisation.digest(bundle), organisation.own_digest(), KEY, timeout=60, **values))
    return made, bundle


def kill_the_worker_once(job: Job, bundle: bytes, *parts: dict[str, Any]) -> dict[str, Any]:
    """Ends the worker's process, as an operator or the system would, at the first sight of one repository."""
    mark = Path(job.source.location) / "killed"
    if job.source.name == "r1" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {**task.check(job, bundle, *parts), "worker": os.getpid()}


def kill_the_worker(job: Job, bundle: bytes, *parts: dict[str, Any]) -> dict[str, Any]:
    if job.source.name == "r1":
        os.kill(os.getpid(), signal.SIGKILL)
    return task.check(job, bundle, *parts)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": 2}), cluster.connected(workers=2) as made:
        yield made
    # What the library leaves open is collected here, and not in the middle of another file's test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def test_a_task_whose_worker_is_killed_runs_elsewhere(client: Any, home: Path) -> None:
    given, bundle = jobs(home, 4)
    found = {job.source.name: answer for job, answer in spread(client, iter(given), bundle, kill_the_worker_once)}
    assert sorted(found) == ["r0", "r1", "r2", "r3"]
    assert all("told" in answer for answer in found.values()), found
    assert (home / "r1" / "killed").exists()


def test_a_worker_that_is_slow_to_come_back_is_not_forgotten(home: Path) -> None:
    import dask

    given, bundle = jobs(home, 3)
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}), cluster.connected(workers=1) as client:
        found = {job.source.name: answer for job, answer in spread(client, iter(given), bundle, kill_the_worker_once)}
    assert [name for name, answer in sorted(found.items()) if "told" in answer] == ["r0", "r1", "r2"]


def test_a_repository_that_kills_every_worker_is_a_row(client: Any, home: Path) -> None:
    given, _ = jobs(home, 3)
    outcome = run.run(
        client,
        [job.source for job in given],
        Dataset(str(home / "out")),
        organisation.Organisation(),
        KEY,
        run.Wishes(timeout=60),
        hand_out=lambda client, jobs, bundle: spread(client, jobs, bundle, kill_the_worker),
    )
    assert (outcome.checked, outcome.failed, outcome.run.whole) == (2, 1, True)
    assert [(row["repository"], row["kind"]) for row in rows(home / "out", "errors")] == [("r1", "worker")]


@pytest.mark.parametrize("large", [0, 1])
def test_what_waited_behind_a_repository_that_kills_is_checked(
    client: Any, home: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    # The scheduler gives up every task that the worker had, at its first death.
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    given, bundle = jobs(home, 6, large=large)
    for directory in home.glob("r?"):
        write(directory, {"more.py": BAD})
    found = {job.source.name: answer for job, answer in spread(client, iter(given), bundle, kill_the_worker)}
    assert [name for name, answer in sorted(found.items()) if "told" not in answer] == ["r1"]
    assert sorted(found) == [f"r{number}" for number in range(6)]


def test_a_large_repository_is_several_tasks(client: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prodlint.fleet import spread as spreading

    monkeypatch.setattr(spreading, "PART_FILES", 4)
    source = [Source("orders", str(ROOT / "fixtures" / "unready" / "orders"), "directory")]
    counted = []

    def counting(client: Any, jobs: Iterator[Job], bundle: bytes) -> Iterator[Any]:
        for job, answer in spread(client, jobs, bundle):
            counted.append(job.large)
            yield job, answer

    found = []
    for large in (0, 5):
        dataset = Dataset(str(home / str(large)))
        outcome = run.run(client, source, dataset, organisation.Organisation(), KEY, run.Wishes(large=large), hand_out=counting)
        assert outcome.checked == 1
        found.append(dataset.table("findings", dataset.runs(), ["code", "path", "line", "message"]).to_pylist())
    assert len(found[0]) > 20
    assert sorted(map(str, found[0])) == sorted(map(str, found[1]))


def test_a_scheduler_that_runs_already_and_a_client_of_the_users_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    given, bundle = jobs(home, 3)
    settings = {
        "n_workers": 1,
        "threads_per_worker": 2,
        "processes": False,
        "dashboard_address": None,
        "protocol": "tcp",
        "host": "127.0.0.1",
    }
    with LocalCluster(**settings) as elsewhere:
        write(
            home, {"own_cluster.py": f"from distributed import Client\ndef client():\n    return Client({elsewhere.scheduler_address!r})\n"}
        )
        monkeypatch.syspath_prepend(str(home))
        for words in ({"scheduler": elsewhere.scheduler_address}, {"made_by": "own_cluster:client"}):
            with cluster.connected(**words) as client:
                assert all("told" in answer for _, answer in spread(client, iter(given), bundle))
        process.close_all()
    for wrong in ({"made_by": "own_cluster"}, {"made_by": "no_such:thing"}, {"scheduler": "tcp://x", "made_by": "a:b"}):
        with pytest.raises(SettingsError), cluster.connected(**wrong):
            pass


def test_no_more_than_some_are_known_to_the_scheduler(client: Any, home: Path) -> None:
    given, bundle = jobs(home, 6)
    taken = 0

    def lazily() -> Iterator[Job]:
        nonlocal taken
        for job in given:
            taken += 1
            yield job

    done = 0
    for _ in spread(client, lazily(), bundle, ahead=2):
        assert taken <= done + 4
        done += 1
    assert done == 6


def test_interrupted_it_leaves_what_it_has_and_goes_on(home: Path) -> None:
    for number in range(40):
        write(home / "all" / f"r{number:02}", {"app.py": BAD})
    out = home / "out"
    command = [sys.executable, "-c", _SLOWLY, "fleet", str(home / "all" / "*"), "--out", str(out), "--workers", "1"]
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=own, start_new_session=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        assert line == "three are in\n", line + running.stderr.read()
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: every process of the group
        said = running.stderr.read()
        assert running.wait(60) == 130, said
    assert "interrupted:" in said and "Traceback" not in said
    (note,) = Dataset(str(out)).runs()
    assert not note.whole
    names = [row["repository"] for row in rows(out, "repositories", "repository")]
    assert 2 <= len(names) < 40  # the third was being written down
    assert {row["repository"] for row in rows(out, "findings", "repository")} == set(names)
    said = fleet(home / "all" / "*", "--out", out, "--workers", "1", "--resume")
    assert f"{40 - len(names)} repositories checked, {len(names)} unchanged" in said
    last = Dataset(str(out)).runs()[-1]
    assert last.whole
    assert Dataset(str(out)).table("repositories", [last]).num_rows == 40


_SLOWLY = """
import sys, time
from prodlint.commands import check, cli
from prodlint.fleet import run
plain = run._rows
count = 0
def rows(*given):
    global count
    count += 1
    if count == 3:
        print("three are in", file=sys.stderr, flush=True)
    time.sleep(0.2)
    return plain(*given)
run._rows = rows
if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
"""


# ---------------------------------------------------------------- the dataset by itself


def repository(name: str) -> dict[str, Any]:
    return {
        "repositories": [{"repository": name, "status": "checked", "p0": 1, "checked_at": int(time.time())}],
        "findings": [{"repository": name, "code": "PRD504", "priority": "P0"}],
    }


def test_a_batch_that_is_not_whole_is_swept(tmp_path: Path) -> None:
    dataset = Dataset(str(tmp_path))
    writer = Writer(dataset, "20261130-120000", 2)
    writer.add(repository("a"))
    writer.flush()
    writer.add(repository("b"))
    writer.flush()
    (lost,) = (tmp_path / "repositories").rglob("part-000001.parquet")
    lost.unlink()  # as if the machine had stopped before it was written
    assert dataset.table("findings", dataset.runs()).num_rows == 2
    dataset.sweep(writer.note)
    assert dataset.table("findings", dataset.runs(), ["repository"]).to_pylist() == [{"repository": "a"}]


def test_batches_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "MOST_REPOSITORIES", 10)
    dataset = Dataset(str(tmp_path))
    writer = Writer(dataset, "20261130-120000", 25)
    for number in range(25):
        writer.add(repository(f"r{number}"))
    writer.close(whole=True)
    assert len(list((tmp_path / "repositories").rglob("*.parquet"))) == 3
    assert dataset.table("repositories", dataset.runs()).num_rows == 25
    assert dataset.table("errors", dataset.runs()).num_rows == 0
    import pyarrow.parquet as pq

    (one, *_) = (tmp_path / "findings").rglob("*.parquet")
    assert pq.read_schema(one).metadata[b"prodlint_schema"] == str(SCHEMA_VERSION).encode()


def test_what_is_taken_over_is_whole_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "MOST_REPOSITORIES", 3)
    dataset = Dataset(str(tmp_path))
    for day, names in (("20261129", "abcdefgh"), ("20261130", "bx")):
        writer = Writer(dataset, f"{day}-120000", len(names))
        for name in names:
            writer.add(repository(name))
        writer.close(whole=day == "20261129")
    first, second = dataset.runs()
    writer = Writer(dataset, "20261201-120000", 5)
    writer.add(repository("new"))
    writer.copy([second, first], {"a": first.id, "h": first.id, "b": second.id, "x": second.id})
    writer.close(whole=True)
    for table in ("repositories", "findings"):
        found = dataset.table(table, [dataset.run()], ["repository"]).to_pylist()
        assert sorted(row["repository"] for row in found) == ["a", "b", "h", "new", "x"]


def test_the_schema_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    assert f"version {SCHEMA_VERSION}" in text
    for table in TABLES:
        section = text.split(f"### `{table}`", 1)[1].split("\n#", 1)[0]
        for column in schemas()[table].names:
            assert f"| `{column}` |" in section, (table, column)
