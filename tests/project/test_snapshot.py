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
            # PRD108 asks the history of the repository, which is no file of the snapshot, by the one module that starts git.
            if used and where != "__init__.py" and not (where == "secrets/git.py" and used == "prodlint.project.git"):
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


# ---------------------------------------------------------------- a file is opened once and parsed once

COUNT = """
import collections, contextlib, io, os, sys
tree, format = os.path.abspath(sys.argv[1]), sys.argv[2]
opens, parses = collections.Counter(), collections.Counter()

def heard(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(tree + os.sep):
            opens[os.path.relpath(path, tree)] += 1

def counted(owner, name, path_of):
    original = getattr(owner, name)
    def call(*arguments, **options):
        parses[path_of(*arguments)] += 1
        return original(*arguments, **options)
    setattr(owner, name, call)

from prodlint.commands.cli import main
from prodlint.python.tree import PyModule
from prodlint.readers import document_ini, document_json, document_toml, document_yaml, dockerfile
counted(PyModule, "__init__", lambda module, source, file: file.path)
counted(dockerfile._Reader, "run", lambda reader: reader.file.path)
for module, name in ((document_ini, "read_ini"), (document_json, "read_json"), (document_toml, "read_toml"), (document_yaml, "read_yaml")):
    counted(module, name, lambda source, file, comments: file.path)
sys.addaudithook(heard)
with contextlib.redirect_stdout(io.StringIO()):
    main(["check", tree, "--root", tree, "--no-cache", "--select", "ALL", "--jobs", "1", "--exit-zero", "--output-format", format])
print(f"opens per file = {sum(opens.values()) / len(opens):g}, parses per file = {sum(parses.values()) / len(parses):g}, files = {len(opens)}")
print([(path, number) for table in (opens, parses) for path, number in table.items() if number > 1])
"""

SERVICE = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["httpx"]\n\n[tool.prodlint]\nhonor = ["noqa"]\n',
    ".gitignore": "*.log\n!keep.log\n",
    "bin/tool": "#!/usr/bin/env python3\nimport requests\n\nrequests.get(u)  # noqa: S113\n",
    "bin/start": "#!/bin/sh\nexec uvicorn app.main:app\n",
    "app/__init__.py": "",
    "app/main.py": "import fastapi\nfrom app.settings import TIMEOUT\n\napp = fastapi.FastAPI()\n",
    "app/settings.py": "TIMEOUT = None\nDEBUG = True\n",
    "app/client.py": "import requests\nfrom app.settings import TIMEOUT\n\nx = requests.get(u, timeout=TIMEOUT)  # prodlint: ignore[PRD504] -- why\n",
    "compose.yaml": "# prodlint: ignore-file[PRD801] -- why\nservices:\n  web:\n    build: .\n    environment:\n      DEBUG: 'true'\n",
    "Dockerfile": '# prodlint: ignore-file[PRD801] -- why\nFROM python:latest\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["bin/start"]\n',
    "requirements.txt": "httpx\n",
    "k8s/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: shop:latest\n",
    "k8s/kustomization.yaml": "resources: [web.yaml]\n",
    "setup.cfg": "[tool:pytest]\naddopts = -q\n",
    "config.json": '{"debug": true, "password": "x"}\n',
}


@pytest.mark.parametrize("format", ["concise", "full", "sarif"])
@pytest.mark.parametrize("name", ["unready/orders", "a service"])
def test_a_file_is_opened_once_and_parsed_once(project: Project, name: str, format: str) -> None:
    tree = project(SERVICE) if name == "a service" else ROOT / "fixtures" / name
    for script in tree.glob("bin/*"):
        script.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(tree), format], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    print(done.stdout)
    said, more = done.stdout.splitlines()
    assert said.startswith("opens per file = 1, parses per file = 1, files = ")
    assert int(said.rpartition(" ")[2]) > 10
    assert more == "[]"


def test_another_text_lets_go_of_what_was_parsed_of_the_one_before(tmp_path: Path) -> None:
    from prodlint.facts import File
    from prodlint.project.snapshot import Snapshot
    from prodlint.python.tree import module_of

    snapshot, place = Snapshot(str(tmp_path)), str(tmp_path / "a.py")
    assert snapshot.renew(place, b"x = 1\n")
    before = snapshot.document(place).source("python")
    module_of(before, File("a.py", "python"))
    assert not snapshot.renew(place, b"x = 1\n") and before.derived
    assert snapshot.renew(place, b"x = 2\n") and not before.derived
    assert snapshot.document(place).raw == b"x = 2\n"
