"""A source's files, brought to where they are read."""

from __future__ import annotations

import os
from dataclasses import dataclass

from prodlint.digests import blake2b
from prodlint.fleet.sources import Source
from prodlint.project import git

# A tree of a few kilobytes may name a billion files, and a pack of a few megabytes hold files of terabytes.
MOST_FILES = 300_000
MOST_BYTES = 8_000_000_000
# What is larger is no source; prodlint would not read it either.
_LARGEST = 64_000_000
_NO_FILES = (".git", "node_modules", ".venv", "__pycache__", ".prodlint_cache")


class Unreachable(Exception):
    """A source that cannot be brought: why, in one line without credentials."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Files to be read. root: where they lie. commit: what they are a copy of, "" where no repository says so. state: equal where nothing changed."""

    root: str
    commit: str
    state: str


def state_of(source: Source, work: str, patience: float) -> str:
    """What the source holds now, without bringing it: a commit, or for a directory what its files look like. "" where that cannot be told.

    work: a directory that may be made.
    """
    try:
        if source.kind == "directory":
            return _look_of(source.location)
        if source.kind == "store":
            with git.opened(_local(source.location)) as opened:
                return opened.says("rev-parse", "--verify", "-q", "--end-of-options", f"{source.ref or 'HEAD'}^{{commit}}")
        return git.remote_commit(os.path.join(work, "state"), source.location, source.ref or "HEAD", patience)
    except (git.GitError, OSError, Unreachable):
        return ""  # bringing it will tell why


def bring(source: Source, work: str, patience: float) -> Tree:
    """Have the files of a source in a directory: where they lie, or as a copy below `work`.

    Raises Unreachable.
    """
    if source.kind == "directory":
        if not os.path.isdir(source.location):
            raise Unreachable("no such directory")
        return Tree(source.location, _head_of(source.location), _look_of(source.location))
    top = os.path.join(os.path.realpath(work), "tree")
    os.makedirs(top)
    store = os.path.join(top, ".git")
    try:
        if source.kind == "store":
            own = git.copy_of(store, _local(source.location), source.ref or "HEAD")
        elif source.location.startswith("file://"):
            own = _from_disk(source, store, work, patience)
        else:
            own = git.fetched(store, source.location, source.ref or "HEAD", patience)
        commit = git.unpack(own, top, MOST_FILES, MOST_BYTES, _LARGEST)
    except git.GitError as error:
        raise Unreachable(str(error)) from None
    return Tree(top, commit, commit)


def _from_disk(source: Source, store: str, work: str, patience: float) -> git.Git:
    """What git would send from a repository on this machine. It is served from a copy that has none of its configuration: `git upload-pack` reads that,
    and may run what it names (CVE-2024-32004)."""
    from urllib.parse import unquote, urlsplit

    address = urlsplit(source.location)
    if address.netloc not in ("", "localhost"):
        raise Unreachable("a file:// address of another machine")
    served = os.path.join(work, "served", ".git")
    os.makedirs(os.path.dirname(served))
    git.copy_of(served, _local(unquote(address.path)), source.ref or "HEAD")
    return git.fetched(store, f"file://{served}", git.CHECKED, patience)


def _local(path: str) -> git.Repository:
    if not os.path.isdir(path):
        raise Unreachable("no such directory")
    found = git.bare(path)
    if found is None and os.path.lexists(os.path.join(path, ".git")):
        found = git.find(path)
    if found is None:
        raise Unreachable("no git repository")
    return found


def _head_of(root: str) -> str:
    try:
        repository = git.find(root)
        if repository is None:
            return ""
        with git.opened(repository) as opened:
            return opened.says("rev-parse", "--verify", "-q", "HEAD^{commit}")
    except git.GitError:
        return ""


def _look_of(root: str) -> str:
    """The names, sizes and times of all files, as one digest. A file that was written anew with the same length in the same nanosecond stays unseen."""
    seen = blake2b(digest_size=20)
    for folder, folders, files in os.walk(root):
        if {"_runs", "repositories"} <= set(folders):
            folders[:] = []  # a fleet's own dataset, as of `prodlint fleet . --out readiness`
            continue
        folders[:] = sorted(name for name in folders if name not in _NO_FILES)
        for name in sorted(files):
            path = os.path.join(folder, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            seen.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return f"files:{seen.hexdigest()}"
