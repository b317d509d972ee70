"""`prodlint stats`: new, fixed and aged findings since a revision; and a baseline that may only shrink."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project, Ran

Run = Callable[..., Ran]
CALL = "    return requests.get('https://orders.test/{}')\n"
HEAD = "import requests\n\n\n"


def calls(*names: str) -> str:
    return HEAD + "\n\n".join(f"def {name}():\n{CALL.format(name)}" for name in names)


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(project: Project) -> Path:
    root = project(
        {
            "api/a.py": calls("kept", "gone"),
            "jobs/b.py": calls("moved"),
            "CODEOWNERS": "/api/ @api\n",
            "prodlint.toml": 'select = ["PRD504"]\n',
        }
    )
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "tag", "v1")
    return root


def test_what_moved(root: Path, prodlint: Run) -> None:
    (root / "api/a.py").write_text("# a line more\n" + calls("kept", "brought"))
    git(root, "mv", "jobs/b.py", "jobs/c.py")
    told = json.loads(prodlint("stats", "--since", "v1", "--output-format", "json", cwd=root).out)
    assert told["total"] == {"new": 1, "fixed": 1, "aged": 2}
    assert told["priorities"]["P0"] == told["total"]
    assert told["rules"]["PRD504"] == {"name": "requests-without-timeout", **told["total"]}
    assert told["owners"] == {"@api": {"new": 1, "fixed": 1, "aged": 1}, "nobody": {"new": 0, "fixed": 0, "aged": 1}}
    text = prodlint("stats", "--since", "v1", cwd=root).out
    assert text.startswith("Since v1: 1 new, 1 fixed, 2 aged\n")
    assert "| @api | 1 | 1 | 1 |" in prodlint("stats", "--since", "v1", "--output-format", "markdown", cwd=root).out


def test_a_revision_is_needed(root: Path, prodlint: Run) -> None:
    assert prodlint("stats", cwd=root).code == 2
    assert prodlint("stats", "--since", "nowhere", cwd=root).code == 2


def test_a_baseline_that_may_only_shrink(root: Path, prodlint: Run) -> None:
    (root / "prodlint.toml").write_text('select = ["PRD504"]\nbaseline = ".prodlint-baseline"\nstrict-baseline = true\n')
    prodlint("baseline", cwd=root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    assert prodlint(cwd=root).code == 0
    # Fixed: the entry has to go, and nothing else comes.
    (root / "api/a.py").write_text(calls("kept", "brought"))
    ran = prodlint("--since", "HEAD", "--no-cache", cwd=root)
    assert ran.code == 1
    assert prodlint("baseline", "--shrink", cwd=root).out == ".prodlint-baseline: 1 entry dropped, 2 left\n"
    assert [line.split(":")[1] for line in prodlint("--no-cache", cwd=root).out.splitlines() if "PRD504" in line] == ["9"]
    # Who writes the new finding into the baseline is caught.
    prodlint("baseline", cwd=root)
    assert prodlint("--no-cache", cwd=root).code == 0
    ran = prodlint("--since", "HEAD", "--no-cache", cwd=root)
    assert ran.code == 1
    assert "api/a.py: PRD504 in brought was added to the baseline, which may only shrink" in ran.out


def test_what_is_known_and_old_is_not_gone(root: Path, prodlint: Run) -> None:
    """With `--since` every finding is still held against the baseline: only those that are no more are told."""
    (root / "prodlint.toml").write_text('select = ["PRD504"]\nbaseline = ".prodlint-baseline"\nstrict-baseline = true\n')
    prodlint("baseline", cwd=root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    (root / "jobs/b.py").write_text("# a line more\n" + calls("moved"))
    ran = prodlint("--since", "HEAD", "--no-cache", cwd=root)
    assert (ran.code, "no longer occurs" in ran.out, "suppressed" in ran.out) == (0, False, False)
    (root / "jobs/b.py").write_text(calls("moved", "new"))
    ran = prodlint("--since", "HEAD", "--no-cache", cwd=root)
    assert (ran.code, ran.out.count("PRD504")) == (1, 1)


def test_many_entries_that_are_gone_are_told_in_a_few_lines(root: Path, prodlint: Run) -> None:
    (root / "api/a.py").write_text(calls(*(f"f{number}" for number in range(30))))
    (root / "prodlint.toml").write_text('select = ["PRD504"]\nbaseline = ".prodlint-baseline"\n')
    prodlint("baseline", cwd=root)
    (root / "api/a.py").write_text("x = 1\n")
    out = prodlint("--no-cache", cwd=root).out
    assert out.count("no longer occurs") == 10
    assert "and 20 more of these" in out


def test_entries_of_files_that_are_gone_are_dropped(root: Path, prodlint: Run) -> None:
    prodlint("baseline", cwd=root)
    assert "jobs/b.py" in (root / ".prodlint-baseline").read_text()
    (root / "jobs/b.py").unlink()
    prodlint("baseline", "api/a.py", cwd=root)
    assert "jobs/b.py" not in (root / ".prodlint-baseline").read_text()
