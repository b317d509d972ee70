"""Every byte of the project, read once: what one part of a run has read, the others are given.

Settings, discovery, environment, readers, reports and fixes ask here, so that a file is one and the same for all of them, also when it
changes meanwhile. What is kept is bounded; beyond that a file is read again, and known for another one where it has changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from prodlint.digests import blake2b
from prodlint.facts import FileKind, Module, Source
from prodlint.regular import read_regular

# Files of more bytes are not looked at.
LARGEST_READ = 64_000_000
# Bytes kept in the main process of a run, and beyond what they inherit in a worker.
KEPT = 64_000_000
KEPT_BY_WORKER = 8_000_000
# Bytes of text whose syntax trees are kept; a tree takes some forty times as much memory.
TREES = 1_000_000
# Folders that hold nothing of the project's own, where the tree is walked for files of any kind.
_SKIPPED = frozenset((".git", "node_modules", ".venv", "venv", "__pycache__", "site-packages", ".tox", ".mypy_cache", "dist", "build"))
_MOST_PATHS = 50_000
_SMALL = 1 << 16


@dataclass(slots=True)
class Document:
    """A file: its bytes, and once somebody asks, its text. problem: why the bytes are no text (`prodlint.readers.Undecodable`).

    earlier: what is known of the text that the file had before (see `prodlint.python.parsing`).
    """

    raw: bytes
    earlier: object = None
    _sources: dict[str, tuple[Source | None, Exception | None]] = field(default_factory=dict)

    def source(self, kind: FileKind) -> Source:
        """The text, decoded as a kind of file is.

        Raises Undecodable.
        """
        from prodlint.readers import Undecodable, decode

        found = self._sources.get(kind)
        if found is None:
            try:
                found = decode(self.raw, kind), None
            except Undecodable as error:
                found = None, error
            self._sources[kind] = found
            if self.earlier is not None and found[0] is not None and kind == "python":
                found[0].derived["earlier"] = self.earlier
                self.earlier = None
        source, problem = found
        if problem is not None:
            raise problem.with_traceback(None)
        assert source is not None
        return source

    def for_later(self) -> object:
        """What is worth keeping for the text that the file has next."""
        source, _ = self._sources.get("python", (None, None))
        if source is None:
            return self.earlier
        from prodlint.python.parsing import for_later

        return for_later(source)

    def forget_trees(self) -> None:
        """Let go of what was parsed of the text."""
        for source, _ in self._sources.values():
            if source is not None:
                for made in source.derived.values():
                    if isinstance(made, Module):
                        made.forget()
                source.derived.clear()


class Snapshot:
    """Files by where they lie. root: the project's, which paths are seen from. Not for several threads at once."""

    def __init__(self, root: str = "") -> None:
        self.root = root
        self._documents: dict[str, Document] = {}
        self._errors: dict[str, OSError] = {}
        self._left = KEPT
        self._parsed: dict[str, int] = {}
        self._paths: tuple[str, ...] | None = None

    def document(self, absolute: str, limit: int = LARGEST_READ) -> Document:
        """A regular file, of which no more than `limit` bytes and one are read where nobody has asked for it before.

        Raises OSError, each time the same.
        """
        found = self._documents.get(absolute)
        if found is None:
            error = self._errors.get(absolute)
            if error is not None:
                raise error.with_traceback(None)
            try:
                found = Document(read_regular(absolute, limit + 1, cut=True))
            except OSError as raised:
                self._errors[absolute] = raised
                raise
            if len(found.raw) <= min(limit, self._left):
                self._documents[absolute] = found
                self._left -= len(found.raw)
        return found

    def read(self, absolute: str, limit: int = LARGEST_READ) -> bytes:
        """A file's bytes, at most `limit`; none where it cannot be read."""
        try:
            return self.document(absolute, limit).raw[:limit]
        except (OSError, ValueError):
            return b""

    def beginning(self, absolute: str, limit: int) -> bytes:
        """A file's first bytes; what is small is read whole, and need not be opened again.

        Raises OSError.
        """
        return self.document(absolute, max(limit, _SMALL)).raw[:limit]

    def keep(self, absolute: str, raw: bytes) -> None:
        """Take a file's bytes from whoever has read it."""
        if absolute not in self._documents and len(raw) <= self._left:
            self._documents[absolute] = Document(raw)
            self._left -= len(raw)

    def renew(self, absolute: str, raw: bytes | None = None) -> bool:
        """Take a file's bytes as they are now, those on the disk where none are given. Whether they are others than those that were known. Not to be called while
        anybody reads trees."""
        if raw is None:
            try:
                raw = read_regular(absolute, LARGEST_READ + 1, cut=True)
            except (OSError, ValueError):
                self.forget(absolute)
                return True
        known = self._documents.get(absolute)
        if known is not None and known.raw == raw:
            return False
        earlier = known.for_later() if known is not None else None
        # At once: what refers to each other in circles would wait for the collector, which seldom comes (see `prodlint.engine.workers`).
        self.forget_trees(absolute)
        self.forget(absolute)
        self.keep(absolute, raw)
        if earlier is not None and absolute in self._documents:
            self._documents[absolute].earlier = earlier
        return True

    def forget_trees(self, absolute: str) -> None:
        """Let go of what was parsed of a file. Not to be called while anybody reads trees."""
        document = self._documents.get(absolute)
        if document is not None:
            document.forget_trees()
        self._parsed.pop(absolute, None)

    def forget(self, absolute: str) -> None:
        """Read a file anew when it is next asked for: it may have changed."""
        found = self._documents.pop(absolute, None)
        self._errors.pop(absolute, None)
        self._parsed.pop(absolute, None)
        if found is not None:
            self._left += len(found.raw)

    def become_worker(self) -> None:
        """From now on this is a process beside others, each with a part of the files: little more is kept."""
        self._left = min(self._left, KEPT_BY_WORKER)

    def touch(self, absolute: str) -> None:
        """A file's tree was made, or asked for again."""
        document = self._documents.get(absolute)
        if document is not None:
            self._parsed.pop(absolute, None)
            self._parsed[absolute] = len(document.raw)

    def settle(self, absolute: str, document: Document) -> None:
        """A file is done with. Trees that were asked for longest ago are let go when they become many, its own at once where the file is
        not kept here. Not to be called while anybody reads trees."""
        if self._documents.get(absolute) is not document:
            document.forget_trees()
        self.touch(absolute)
        total = sum(self._parsed.values())
        while total > TREES:
            first = next(iter(self._parsed))
            total -= self._parsed.pop(first)
            self._documents[first].forget_trees()

    # ------------------------------------------------------------ names

    def exists(self, path: str) -> bool:
        """Whether there is a file at a path from the root, or a folder that holds something where it ends in a slash."""
        place = os.path.join(self.root, path)
        return any(self.names_in(path.rstrip("/"))) if path.endswith("/") else os.path.isfile(place)

    def names_in(self, folder: str) -> Iterator[str]:
        """What a folder holds, in order; nothing where there is none."""
        try:
            yield from sorted(os.listdir(os.path.join(self.root, folder)))
        except OSError:
            return

    def all_paths(self) -> tuple[str, ...]:
        """Every path of the tree, up to a limit, files of no known kind among them."""
        if self._paths is None:
            self._paths = tuple(self._walked())
        return self._paths

    def _walked(self) -> Iterator[str]:
        seen = 0
        for directory, folders, names in os.walk(self.root):
            folders[:] = sorted(folder for folder in folders if folder not in _SKIPPED)
            inside = os.path.relpath(directory, self.root).replace(os.sep, "/")
            for name in sorted(names):
                yield name if inside == "." else f"{inside}/{name}"
            seen += len(names)
            if seen > _MOST_PATHS:
                return


def digest_of(raw: bytes) -> bytes:
    """What stands for a file's content."""
    return blake2b(raw, digest_size=16).digest()
