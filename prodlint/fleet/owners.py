"""CODEOWNERS: who answers for a file. The forms of GitHub and GitLab.

The pattern language is that of .gitignore (`prodlint.configuration.patterns`, which is held to git's own answers) with the differences that both
hosts document: no negation, and `docs/*` speaks of the files in `docs` alone.
https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
https://docs.gitlab.com/user/project/codeowners/reference/
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from prodlint.configuration.patterns import Patterns
from prodlint.regular import read_regular

# Where both hosts look, in their order; the first that is there counts.
PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
# GitHub reads none that is larger.
_LARGEST = 3_000_000
# More patterns than any organisation has written; a crafted file costs no more.
_MOST = 5_000
_SECTION = re.compile(r"\^?\[([^\]]+)\](?:\[\d+\])?\s*(.*)")
_OWNER = re.compile(r"@[\w./-]+|[\w.+-]+@[\w-]+\.[\w.-]+")


@dataclass(frozen=True, slots=True)
class _Line:
    patterns: Patterns
    shallow: bool  # it ends in `/*`
    owners: tuple[str, ...]
    section: str

    def holds(self, path: str) -> bool:
        if self.shallow:
            # A directory that matches does not count: only what lies in the named one itself.
            return self.patterns.decide(path, path.rpartition("/")[2], False) is True
        return self.patterns.match(path)


class Owners:
    """Who owns the files of a repository."""

    def __init__(self, text: str) -> None:
        self._lines: list[_Line] = []
        section, default = "", ()
        for raw in text.splitlines()[: _MOST * 4]:
            line = re.sub(r"(?:^|(?<=\s))#.*", "", raw).strip()
            if not line or len(self._lines) >= _MOST:
                continue
            header = _SECTION.fullmatch(line)
            if header:
                section, default = header[1].lower(), tuple(_OWNER.findall(header[2]))
                continue
            words = re.split(r"(?<!\\)\s+", line)
            if words[0].startswith("!"):
                continue
            owners = tuple(word for word in words[1:] if _OWNER.fullmatch(word)) or default
            pattern = Patterns((words[0],))
            if pattern:
                self._lines.append(_Line(pattern, words[0].endswith("/*"), owners, section))
        self._lines.reverse()
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The owners of a file, separated by blanks; "" where nobody is named. The last line that matches counts, in each section of its own."""
        if path not in self._known:
            found: dict[str, Sequence[str]] = {}
            for line in self._lines:
                if line.section not in found and line.holds(path):
                    found[line.section] = line.owners
            self._known[path] = " ".join(dict.fromkeys(owner for section in reversed(found) for owner in found[section]))
        return self._known[path]


def read(root: str) -> Owners:
    """The owners that a repository names; nobody where it has no such file."""
    for place in PLACES:
        try:
            return Owners(read_regular(os.path.join(root, place), _LARGEST).decode("utf-8", "replace"))
        except OSError:
            continue
    return Owners("")
