"""The snapshot owns every byte: checks open nothing, answers that change are noticed, and what changed while it was read is no old result."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.engine import session, workers
from prodlint.engine.outcome import Outcome
from prodlint.project.snapshot import Snapshot
from tests.conftest import ROOT, Project, Ran

Run = Callable[..., Ran]

LOGGER = 'import logging\n\nhandler = logging.FileHandler("/var/log/shop.log")\n'
WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: acme/setup@v1\n"
SETTINGS = '[project]\nname = "shop"\n'


def codes(ran: Ran) -> list[str]:
    return sorted(line.split()[1] for line in ran.out.splitlines() if " PRD" in line)


def check(prodlint: Run, root: Path, *more: str) -> Ran:
    return prodlint("check", ".", "--root", ".", "--output-format", "concise", *more, cwd=root)


# ---------------------------------------------------------------- answers that change


def test_a_configuration_of_logrotate_counts_at_once(project: Project, prodlint: Run) -> None:
    root = project({"app.py": LOGGER, "pyproject.toml": SETTINGS})
    for _ in range(2):
        assert "PRD706" in check(prodlint, root, "--select", "PRD706").out
    project({"deploy/logrotate.conf": "/var/log/shop.log { weekly }\n"})
    assert "PRD706" not in check(prodlint, root, "--select", "PRD706").out
    (root / "deploy/logrotate.conf").unlink()
    assert "PRD706" in check(prodlint, root, "--select", "PRD706").out


def test_another_remote_counts_at_once(project: Project, prodlint: Run) -> None:
    config = '[remote "origin"]\n\turl = https://github.com/{}/shop\n'
    root = project({".github/workflows/test.yml": WORKFLOW, "pyproject.toml": SETTINGS, ".git/config": config.format("acme")})
    own = check(prodlint, root, "--select", "PRD906").out
    assert own == check(prodlint, root, "--select", "PRD906", "--no-cache").out
    project({".git/config": config.format("other")})
    others = check(prodlint, root, "--select", "PRD906").out
    assert others != own
    assert others == check(prodlint, root, "--select", "PRD906", "--no-cache").out


def test_a_pin_in_the_file_beside_it_counts_at_once(project: Project, prodlint: Run) -> None:
    dockerfile = 'FROM python:3.12-slim\nCOPY . .\nRUN pip install -r base.txt\nCMD ["uvicorn", "app:app"]\n'
    root = project(
        {"base.txt": "", "requirements.txt": "httpx\n", "Dockerfile": dockerfile, "app.py": "import fastapi\n", "pyproject.toml": SETTINGS}
    )
    for _ in range(2):
        assert "PRD921" in check(prodlint, root, "--select", "PRD921").out
    project({"requirements-all.txt": "httpx==0.27.0\n"})
    cached = check(prodlint, root, "--select", "PRD921").out
    assert "requirements.txt:1" not in cached
    assert cached == check(prodlint, root, "--select", "PRD921", "--no-cache").out


def test_a_file_that_is_none_of_a_files_business_leaves_its_result(
    project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({"app.py": LOGGER, "b.py": "import requests\n\nrequests.get(u)\n", "pyproject.toml": SETTINGS})
    check(prodlint, root)
    analysed: list[str] = []
    analyse = workers.analyse
    monkeypatch.setattr(workers, "analyse", lambda path, *rest: analysed.append(path) or analyse(path, *rest))
    project({"c.py": "x = 1\n"})
    check(prodlint, root)
    # Whether that repository rotates its logs is still the same answer.
    assert analysed == ["c.py"]
    project({"deploy/logrotate.conf": "weekly\n"})
    check(prodlint, root)
    assert "app.py" in analysed
    assert "b.py" not in analysed


# ---------------------------------------------------------------- bytes that change


def test_a_file_that_changes_while_it_is_checked_is_checked_again(project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({"a.py": "x = 1\n", "pyproject.toml": SETTINGS})
    for name in ("a.py", "pyproject.toml"):
        os.utime(root / name, (1_000_000_000, 1_000_000_000))
    analyse = workers.analyse

    def saved_meanwhile(path: str, absolute: str, *rest: object) -> Outcome:
        outcome = analyse(path, absolute, *rest)  # type: ignore[arg-type]
        if path == "a.py":
            Path(absolute).write_text("import requests\nrequests.get(u)\n", encoding="utf-8")
        return outcome

    monkeypatch.setattr(workers, "analyse", saved_meanwhile)
    assert codes(check(prodlint, root)) == []
    monkeypatch.setattr(workers, "analyse", analyse)
    assert codes(check(prodlint, root)) == ["PRD504"]
    os.utime(root / "a.py", (1_000_000_000, 1_000_000_000))
    assert codes(check(prodlint, root)) == ["PRD504"]


def test_no_excerpt_of_another_text_is_shown(project: Project) -> None:
    """What a finding's places cover is covered only in the text that they were found in."""
    root = project({"a.py": "import requests\n\nrequests.get(u)\n", "pyproject.toml": SETTINGS})
    result = session.run(session.Request(paths=[str(root)], root=str(root)))
    # As where more was read than is kept.
    result.snapshot = Snapshot(str(root))
    source = result.source("a.py")
    assert source is not None
    assert source.text.endswith("requests.get(u)\n")
    project({"a.py": "password = 'x'\n\n\n"})
    result.snapshot = Snapshot(str(root))
    assert result.source("a.py") is None


# ---------------------------------------------------------------- the snapshot itself


def test_a_file_is_one_and_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    snapshot = Snapshot(str(tmp_path))
    first = snapshot.document(str(file))
    file.write_bytes(b"y = 2\n")
    assert snapshot.document(str(file)) is first
    assert first.source("python") is first.source("python")
    assert snapshot.read(str(file), 2) == b"x "


def test_what_cannot_be_read_stays_so(tmp_path: Path) -> None:
    snapshot = Snapshot(str(tmp_path))
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            snapshot.document(str(tmp_path / "a.py"))
        (tmp_path / "a.py").write_bytes(b"")
    assert snapshot.read(str(tmp_path / "a.py")) == b""


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    snapshot = Snapshot(str(tmp_path))
    snapshot.become_worker()
    for number in range(5):
        (tmp_path / f"{number}.txt").write_bytes(b"x" * 3_000_000)
        snapshot.document(str(tmp_path / f"{number}.txt"))
    assert sum(len(document.raw) for document in snapshot._documents.values()) <= 8_000_000


def test_folders_and_paths(project: Project) -> None:
    root = project({"a/b.txt": "", "ci/run": "", "node_modules/x.js": "", "c": ""})
    snapshot = Snapshot(str(root))
    assert snapshot.all_paths() == ("c", "a/b.txt", "ci/run")
    assert (snapshot.exists("c"), snapshot.exists("a/"), snapshot.exists("b/"), snapshot.exists("a")) == (True, True, False, False)
    assert list(snapshot.names_in("a")) == ["b.txt"]
    assert list(snapshot.names_in("nowhere")) == []


# ---------------------------------------------------------------- checks do no I/O

_OF_FILES = {
    "os": {"open", "stat", "lstat", "listdir", "scandir", "walk", "access", "readlink", "popen", "system"},
    "os.path": {"exists", "lexists", "isfile", "isdir", "islink", "getsize", "getmtime", "realpath"},
}
_MODULES = {"subprocess", "pathlib", "glob", "shutil", "tempfile", "socket", "io", "prodlint.regular", "prodlint.project.git"}


def test_no_check_knows_how_to_read() -> None:
    wrong, checked = [], 0
    for path in sorted((ROOT / "prodlint" / "checks").rglob("*.py")):
        checked += 1
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            used = ""
            if isinstance(node, ast.Import):
                used = next((alias.name for alias in node.names if alias.name in _MODULES), "")
            elif isinstance(node, ast.ImportFrom):
                used = node.module if node.module in _MODULES else ""
            elif isinstance(node, ast.Call):
                written = ast.unparse(node.func)
                owner, _, name = written.rpartition(".")
                used = written if written == "open" or name in _OF_FILES.get(owner, ()) else ""
            where = path.relative_to(ROOT / "prodlint" / "checks").as_posix()
            # The facade of the project, through which checks ask; and tables that stand beside the code.
            if used and where != "__init__.py":
                wrong.append(f"{where}:{getattr(node, 'lineno', 0)} {used}")
    assert checked > 60
    assert wrong == []


WATCH = """
import os, sys
package = os.path.dirname(os.path.abspath(sys.argv[1]))
tree = os.path.abspath(sys.argv[2])
seen, wrong = [], []

def heard(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.walk", "subprocess.Popen", "os.posix_spawn", "os.system", "socket.connect"):
        if event in ("open", "os.listdir", "os.scandir") and not str(arguments[0]).startswith(tree):
            return  # modules and tables of prodlint itself
        frame = sys._getframe(1)
        while frame is not None and not frame.f_code.co_filename.startswith(package):
            frame = frame.f_back
        if frame is not None:
            seen.append(event)
            inside = os.path.relpath(frame.f_code.co_filename, package)
            if inside.startswith("checks" + os.sep) and inside != os.path.join("checks", "__init__.py"):
                wrong.append((event, str(arguments[0]), inside, frame.f_lineno))

from prodlint.commands.cli import main
sys.addaudithook(heard)
code = main(["check", tree, "--root", tree, "--isolated", "--no-cache", "--select", "ALL", "--exhaustive", "--jobs", "1", "--exit-zero", "--quiet", "--output-format", "json", "--output-file", os.devnull])
print(len(seen), wrong)
sys.exit(1 if wrong or code else 0)
"""


@pytest.mark.parametrize("name", ["unready/orders", "ready/orders"])
def test_checks_open_nothing(name: str) -> None:
    words = [sys.executable, "-c", WATCH, str(ROOT / "prodlint" / "__init__.py"), str(ROOT / "fixtures" / name)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 10
