"""Small repositories for the fleet's tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

BAD = "import requests\n\n\ndef load(url):\n    return requests.get(url)\n"
CLEAN = "def add(a: int, b: int) -> int:\n    return a + b\n"


def git(root: Path, *words: str) -> str:
    people = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, "HOME": str(root), **people}
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True, env=environment).stdout.strip()


def commit(root: Path, files: Mapping[str, str]) -> str:
    """A commit with these files; a repository is made where there is none."""
    root.mkdir(parents=True, exist_ok=True)
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    write(root, files)
    git(root, "add", "-f", "-A")
    git(root, "commit", "-q", "-m", "x")
    return git(root, "rev-parse", "HEAD")


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return root


def bare(root: Path, into: Path) -> Path:
    git(root, "clone", "-q", "--bare", str(root), str(into))
    return into
