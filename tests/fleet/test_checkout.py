"""Repositories are brought without anything of theirs being run, and without anything of theirs getting out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from prodlint.fleet import checkout
from prodlint.fleet.sources import Kind, Source
from prodlint.project import git as own_git
from tests.fleet.repositories import BAD, CLEAN, bare, commit, git
from tests.test_hostile_repository import marker, marks, tree

__all__ = ["marker", "tree"]

Brought = tuple[Path, checkout.Tree]


def bring(location: str, kind: Kind, work: Path, ref: str = "") -> Brought:
    work.mkdir()
    found = checkout.bring(Source("x", location, kind, ref), str(work), 60)
    return Path(found.root), found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "orders"
    commit(root, {"app.py": CLEAN, "old.py": BAD})
    git(root, "tag", "first")
    git(root, "branch", "kept")
    git(root, "rm", "-q", "old.py")
    commit(root, {"app.py": BAD, "run.sh": "#!/bin/sh\n"})
    return root


def test_a_local_repository_of_which_a_revision_is_wanted(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    (repository / "app.py").write_text("not committed")
    root, found = bring(str(repository), "store", tmp_path / "w1", "main")
    assert found.commit == found.state == head
    assert (root / "app.py").read_text() == BAD
    assert not (root / "old.py").exists()
    root, found = bring(str(repository), "store", tmp_path / "w2", "first")
    assert (root / "old.py").read_text() == BAD
    root, _ = bring(str(repository), "store", tmp_path / "w3", git(repository, "rev-parse", "kept"))
    assert (root / "app.py").read_text() == CLEAN


def test_a_bare_one_and_an_address_are_the_same(repository: Path, tmp_path: Path) -> None:
    store = bare(repository, tmp_path / "orders.git")
    head = git(repository, "rev-parse", "HEAD")
    for number, (location, kind) in enumerate([(str(store), "store"), (f"file://{store}", "address"), (f"file://{repository}", "address")]):
        root, found = bring(location, kind, tmp_path / f"w{number}")  # type: ignore[arg-type]
        assert found.commit == head
        assert {path.name for path in root.iterdir()} == {".git", "app.py", "run.sh"}
        # The copy is a repository like any other: what is tracked, and what HEAD is, can be asked.
        assert own_git.tracked_files(str(root), ["app.py", "no.py"]) == {"app.py"}
        assert checkout.state_of(Source("x", location, kind), str(tmp_path / f"s{number}"), 60) == head  # type: ignore[arg-type]


def test_an_address_is_fetched_without_its_history(repository: Path, tmp_path: Path) -> None:
    root, _ = bring(f"file://{repository}", "address", tmp_path / "w")
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    root, found = bring(f"file://{repository}", "address", tmp_path / "w2", "first")
    assert found.commit == git(repository, "rev-parse", "first")
    assert checkout.state_of(Source("x", f"file://{repository}", "address", "first"), str(tmp_path / "s"), 60) == found.commit


def test_what_is_not_there(repository: Path, tmp_path: Path) -> None:
    for number, (location, kind, ref) in enumerate(
        [
            (str(tmp_path / "gone"), "directory", ""),
            (str(tmp_path / "gone"), "store", ""),
            (f"file://{tmp_path}/gone", "address", ""),
            (str(repository), "store", "no-such-branch"),
            (f"file://{repository}", "address", "no-such-branch"),
            ("file://elsewhere/x", "address", ""),
            ("https://localhost:1/x.git", "address", ""),
        ]
    ):
        with pytest.raises(checkout.Unreachable) as caught:
            bring(location, kind, tmp_path / f"w{number}", ref)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["directory", "store", "address", "revision"])
def test_nothing_that_the_repository_names_runs(tree: Path, marker: Path, tmp_path: Path, kind: str) -> None:
    location = f"file://{tree}" if kind == "address" else str(tree)
    source = Source("x", location, "store" if kind == "revision" else kind, "main" if kind == "revision" else "")  # type: ignore[arg-type]
    (tmp_path / "w").mkdir()
    assert checkout.state_of(source, str(tmp_path / "w"), 60)
    found = checkout.bring(source, str(tmp_path / "w"), 60)
    assert (Path(found.root) / "app.py").is_file()
    assert marks(marker) == []


def test_a_copy_takes_nothing_of_the_configuration_along(tree: Path, marker: Path, tmp_path: Path) -> None:
    root, _ = bring(f"file://{tree}", "address", tmp_path / "w")
    text = (root / ".git" / "config").read_text()
    assert str(marker) not in text
    assert not (root / ".git" / "hooks").exists()
    subprocess.run(["git", "status"], cwd=root, capture_output=True)
    assert marks(marker) == []


def test_links_and_submodules_are_not_made(repository: Path, tmp_path: Path) -> None:
    os.symlink("/etc/passwd", repository / "link")
    inner = tmp_path / "inner"
    commit(inner, {"a.py": BAD})
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    commit(repository, {})
    root, _ = bring(str(repository), "store", tmp_path / "w")
    assert not (root / "link").exists()
    assert not (root / "sub").exists()
    assert (root / ".gitmodules").is_file()


def test_a_tree_that_leads_out_is_refused(repository: Path, tmp_path: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:app.py")
    made = []
    for name in (".git", ".."):
        inner = subprocess.run(
            ["git", "mktree"], cwd=repository, input=f"100644 blob {blob}\tconfig\n", capture_output=True, text=True, check=True
        )
        raw = b"40000 " + name.encode() + b"\0" + bytes.fromhex(inner.stdout.strip())
        store = ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
        outer = subprocess.run(store, cwd=repository, input=raw, capture_output=True, check=True).stdout.decode().strip()
        made.append(git(repository, "commit-tree", "-m", "x", outer))
    for number, name in enumerate(made):
        with pytest.raises(checkout.Unreachable):
            bring(str(repository), "store", tmp_path / f"w{number}", name)
    assert not (tmp_path / "config").exists()


def test_a_tree_of_endless_files_is_refused(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand million files, in a repository of some hundred bytes."""
    blob = git(repository, "rev-parse", "HEAD:app.py")
    entries = "".join(f"100644 blob {blob}\tf{number}\n" for number in range(32))
    for _ in range(6):
        made = subprocess.run(["git", "mktree"], cwd=repository, input=entries, capture_output=True, text=True, check=True).stdout.strip()
        entries = "".join(f"040000 tree {made}\td{number}\n" for number in range(32))
    bomb = git(repository, "commit-tree", "-m", "x", made)
    with pytest.raises(checkout.Unreachable, match=r"more than 300,000 files"):
        bring(str(repository), "store", tmp_path / "w", bomb)
    monkeypatch.setattr(checkout, "MOST_BYTES", 20)
    with pytest.raises(checkout.Unreachable, match=r"MB"):
        bring(str(repository), "store", tmp_path / "w2")


@pytest.mark.parametrize(
    "address", ["ext::sh -c true", "fd::3", "http://host.test/x", "git://host.test/x", "-oProxyCommand=x", "a@-oProxyCommand=x:y"]
)
def test_protocols(address: str) -> None:
    with pytest.raises(own_git.GitError):
        own_git.protocols_of(address)
    assert own_git.protocols_of("file:///x") == "file"
    assert "ext" not in own_git.protocols_of("https://host.test/x")
