"""What a killed worker costs: the file that it dies of, and nothing else."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.engine import analysis, prefilter, workers
from prodlint.engine.outcome import Outcome
from tests.conftest import Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\nrequests.get('https://orders.test')\n"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="what a test replaces is not there in a spawned worker")


@pytest.fixture
def tree(project: Project) -> Path:
    return project({f"m{number:03}.py": BAD for number in range(200)})


def killed_by(monkeypatch: pytest.MonkeyPatch, dies: Callable[[str], bool]) -> None:
    parent, analyse = os.getpid(), analysis.analyse

    def deadly(path: str, *rest: object) -> Outcome:
        if os.getpid() != parent and dies(path):
            os.kill(os.getpid(), signal.SIGKILL)
        return analyse(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "analyse", deadly)


def test_the_file_that_kills_its_reader_is_named(prodlint: Run, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_by(monkeypatch, lambda path: path in ("m007.py", "m120.py", "m121.py"))
    ran = prodlint("check", "-j", "2", "--no-cache", "--output-format", "concise", cwd=tree)
    assert sum("PRD504" in line for line in ran.out.splitlines()) == 197
    assert [line.strip().split(":")[0] for line in ran.out.splitlines() if "was killed" in line] == ["m007.py", "m120.py", "m121.py"]
    assert ran.code == 1
    assert prodlint("check", "-j", "2", "--no-cache", "--select", "PRD101", cwd=tree).code == 3


def test_a_worker_that_is_killed_once_costs_nothing(prodlint: Run, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = prodlint("check", "-j", "2", "--no-cache", cwd=tree)
    mark = tmp_path / "killed"

    def once(path: str) -> bool:
        if path != "m100.py" or mark.exists():
            return False
        mark.touch()
        return True

    killed_by(monkeypatch, once)
    assert prodlint("check", "-j", "2", "--no-cache", cwd=tree) == whole
    assert mark.exists()


def test_results_come_in_order_whatever_the_number_of_workers(prodlint: Run, tree: Path) -> None:
    (tree / "m003.py").write_text(BAD * 300)
    runs = [prodlint("check", "-j", jobs, "--no-cache", "--output-format", "json", cwd=tree) for jobs in ("1", "2", "5")]
    assert runs[0].code == 1
    assert runs[0].out == runs[1].out == runs[2].out


def test_what_is_noted_of_one_file_is_bounded_and_said(project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "PIECE", 1000)
    monkeypatch.setattr(prefilter, "MOST_PLACES", 400)
    key = "AKIA" + "Q3EGPM5J7N2RXT4W"
    filler = "see https://example.org/a\n" * 100
    root = project({"early.txt": f"{key}\n{filler}", "across.txt": "x" * 990 + f" {key}\n", "late.txt": filler * 8 + f"{key}\n"})
    ran = prodlint("check", ".", "--root", ".", "--isolated", "--no-cache", "--select", "PRD101", "--output-format", "json", cwd=root)
    report = json.loads(ran.out)
    assert [finding["path"] for finding in report["findings"]] == ["across.txt", "early.txt"]
    assert [(one["path"], one["analysed"]) for one in report["unchecked"]] == [("late.txt", False)]
    assert report["unchecked"][0]["line"] > 100
