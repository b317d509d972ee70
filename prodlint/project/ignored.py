"""What git leaves alone: the patterns of `.gitignore` files, without starting git."""

from __future__ import annotations

import os
from collections.abc import Callable

from prodlint.configuration.patterns import Patterns
from prodlint.regular import read_regular


class Ignores:
    """The .gitignore files of a project and, up to the repository's root, above it."""

    def __init__(self, root: str, read: Callable[[str], bytes | None]) -> None:
        """read: gives the bytes of a file by its path from the root, None where there is none."""
        self._file = read
        self._above = _above(root)
        self._read: dict[str, Patterns | None] = {}
        self.repository = self._above is not None

    def patterns(self, directory: str) -> Patterns | None:
        """The lines of a directory's .gitignore ("" is the root), or None where it has none."""
        if directory not in self._read:
            data = self._file(f"{directory}/.gitignore" if directory else ".gitignore")
            self._read[directory] = None if data is None else Patterns(data.decode("utf-8", "replace").splitlines())
        return self._read[directory]

    def ignored(self, path: str) -> bool:
        """Whether git would leave an untracked file at this path alone."""
        parts = path.split("/")
        return any(self._decides("/".join(parts[:count]), count < len(parts)) for count in range(1, len(parts) + 1))

    def _decides(self, path: str, directory: bool) -> bool:
        name = path.rpartition("/")[2]
        here = path.rpartition("/")[0]
        while True:
            patterns = self.patterns(here)
            if patterns is not None:
                verdict = patterns.decide(path[len(here) + 1 :] if here else path, name, directory)
                if verdict is not None:
                    return verdict
            if not here:
                break
            here = here.rpartition("/")[0]
        for prefix, patterns in self._above or ():
            verdict = patterns.decide(f"{prefix}/{path}", name, directory)
            if verdict is not None:
                return verdict
        return False


def _above(root: str) -> list[tuple[str, Patterns]] | None:
    """The ignore files above the root, nearest first, each with the root's path seen from it; None outside a repository."""
    found: list[tuple[str, Patterns]] = []
    directory, prefix = os.path.abspath(root), ""
    while True:
        if os.path.exists(os.path.join(directory, ".git")):
            return found
        parent, name = os.path.split(directory)
        if parent == directory:
            return None
        prefix = f"{name}/{prefix}" if prefix else name
        directory = parent
        try:
            data = read_regular(os.path.join(directory, ".gitignore"), 1 << 20, cut=True)
            found.append((prefix, Patterns(data.decode("utf-8", "replace").splitlines())))
        except OSError:
            pass
