"""The hooks, tried with pre-commit itself on a repository of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BAD = "import requests\n\nrequests.get('https://orders.test')\n"


def git(folder: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@test", "-c", "commit.gpgsign=false", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_hooks_run_in_pre_commit(tmp_path: Path) -> None:
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    project = tmp_path / "project"
    project.mkdir()
    (project / "bad.py").write_text(BAD)
    (project / "good.py").write_text("x = 1\n")
    (project / "Procfile").write_text("web: uvicorn bad:app --reload\n")
    # The hooks as they are shipped, but with the prodlint under test: building it anew would test pip.
    local = hooks.replace("language: python", "language: system").replace("entry: prodlint", f"entry: {sys.executable} -m prodlint")
    lines = "".join(f"      {line}\n" for line in local.splitlines())
    (project / ".pre-commit-config.yaml").write_text(f"repos:\n  - repo: local\n    hooks:\n{lines}")
    git(project, "init", "-q")
    git(project, "add", ".")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    ran = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "bad.py:3:1: PRD504" in ran.stdout
    assert "Procfile:1:" in ran.stdout
    (project / "bad.py").write_text(BAD.replace("')", "', timeout=5)"))
    (project / "Procfile").write_text("web: uvicorn bad:app\n")
    git(project, "add", ".")
    only = subprocess.run([*command[:4], "prodlint", "--all-files"], cwd=project, capture_output=True, text=True, env=environment)
    assert only.returncode == 0, only.stdout + only.stderr
    # What is staged counts, not what lies in the working tree.
    (project / "bad.py").write_text(BAD)
    git(project, "add", ".")
    (project / "bad.py").write_text("x = 1\n")
    staged = subprocess.run([*command[:4], "prodlint"], cwd=project, capture_output=True, text=True, env=environment)
    assert "bad.py:3:1: PRD504" in staged.stdout
