"""The index as git writes it, in every version, against what git itself says."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from prodlint.project.git import find, names_in_index, tracked_files
from tests.test_since import git

VARIANTS = {
    "plain": (),
    "intent to add": (("add", "-N", "later.py"),),
    "version 4": (("update-index", "--index-version", "4"),),
    "split": (("update-index", "--split-index"), ("rm", "-q", "-f", "a/b/7.py", "a/b/21.py"), ("add", "later.py")),
    "split, version 4": (
        ("update-index", "--index-version", "4"),
        ("update-index", "--split-index"),
        ("rm", "-q", "-f", "a/b/7.py"),
        ("add", "later.py"),
    ),
    "one deleted": (("rm", "-q", "-f", "a/b/7.py"),),
}


def made(root: Path, form: str, *commands: tuple[str, ...]) -> Path:
    root.mkdir()
    git(root, "init", "-q", f"--object-format={form}")
    (root / "a" / "b").mkdir(parents=True)
    for number in range(40):
        (root / "a" / "b" / f"{number}.py").write_text(str(number))
    (root / "é ü.py").write_text("x")
    (root / ("n" * 200)).write_text("x")
    git(root, "add", "-A")
    (root / "later.py").write_text("x")
    for command in commands:
        git(root, *command)
    return root


@pytest.mark.parametrize("form", ["sha1", "sha256"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_index_holds_what_git_lists(tmp_path: Path, variant: str, form: str) -> None:
    root = made(tmp_path / "r", form, *VARIANTS[variant])
    listed = git(root, "-c", "core.quotepath=off", "ls-files").split("\n")
    store = root / ".git"
    assert sorted(map(os.fsdecode, names_in_index((store / "index").read_bytes(), str(store)))) == sorted(listed)
    assert tracked_files(str(root / "a"), ["b/7.py", "b/8.py", "later.py"]) == {"b/8.py", *(["b/7.py"] if "a/b/7.py" in listed else [])}


def test_where_there_is_no_index_or_no_repository(tmp_path: Path) -> None:
    assert tracked_files(str(tmp_path), ["a"]) is None
    git(tmp_path, "init", "-q")
    assert tracked_files(str(tmp_path), ["a"]) == frozenset()
    (tmp_path / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff")
    assert tracked_files(str(tmp_path), ["a"]) is None


def test_a_broken_index_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    root = made(tmp_path / "r", "sha1", *VARIANTS["split, version 4"])
    store = root / ".git"
    whole = (store / "index").read_bytes()
    chance = random.Random(3)
    refused = 0
    for _ in range(2000):
        broken = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            names_in_index(bytes(broken), str(store))
        except (ValueError, OSError):
            refused += 1
    assert refused > 100


def test_an_empty_git_folder_is_passed_over(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    found = find(str(tmp_path / "sub"))
    assert found is not None and found.worktree == str(tmp_path)
