"""Who owns a file: CODEOWNERS as GitHub and GitLab read it.

Grammars: <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>,
<https://docs.gitlab.com/user/project/codeowners/reference/>. The last pattern that matches a path decides; in GitLab's, the last one of each section.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from prodlint.configuration.patterns import Patterns
from prodlint.regular import read_regular

# In this order; the first that is there counts.
PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_LARGEST = 3_000_000  # GitHub reads no file larger than 3 MB
# More lines than any organisation has written: each may be held against each file.
_MOST_LINES = 5_000
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>(?:\s+\S+)*)\s*\Z")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


@dataclass(frozen=True, slots=True)
class _Line:
    """One pattern. patterns: what it matches. of_children: `docs/*` owns what lies in the directory itself and nothing deeper."""

    patterns: Patterns
    of_children: bool
    excludes: bool
    owners: tuple[str, ...]

    def matches(self, path: str) -> bool:
        if not self.patterns.match(path):
            return False
        return not (self.of_children and self.patterns.match(path.rpartition("/")[0]))


@dataclass(slots=True)
class Owners:
    """The owners of a repository's files. path: where the file lies, "" where there is none."""

    path: str = ""
    sections: Sequence[Sequence[_Line]] = ()
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of a file, named from the repository's root with forward slashes."""
        known = self._known.get(path)
        if known is None:
            found: dict[str, None] = {}
            for lines in self.sections:
                last = next((line for line in reversed(lines) if line.matches(path)), None)
                if last is not None and not last.excludes:
                    found.update(dict.fromkeys(last.owners))
            known = self._known[path] = tuple(found)
        return known


def read(root: str) -> Owners:
    """The owners that a repository names; nobody where it has no such file, or where it cannot be read."""
    for place in PLACES:
        path = os.path.join(root, place)
        if os.path.isfile(path):
            try:
                text = read_regular(path, _LARGEST).decode("utf-8", "replace")
            except OSError:
                return Owners()
            return Owners(place, _sections(text))
    return Owners()


def _sections(text: str) -> list[list[_Line]]:
    sections: list[list[_Line]] = [[]]
    named: dict[str, list[_Line]] = {}
    default: tuple[str, ...] = ()
    for raw in text.splitlines()[:_MOST_LINES]:
        line = _without_comment(raw.strip())
        section = _SECTION.match(line)
        if section is not None and not line.startswith("[!"):
            name = section["name"].strip().lower()
            default = tuple(section["owners"].split())
            if name not in named:
                named[name] = []
                sections.append(named[name])
            current = named[name]
        elif line:
            words = _WORD.findall(line)
            current = sections[0] if not named else current
            made = _line(words[0], tuple(words[1:]) or default)
            if made is not None:
                current.append(made)
    return sections


def _without_comment(line: str) -> str:
    found = re.search(r"(?:^|(?<=\s))#", line)
    return line[: found.start()].rstrip() if found is not None else line


def _line(pattern: str, owners: tuple[str, ...]) -> _Line | None:
    excludes = pattern.startswith("!")
    # The dialect of .gitignore, by the one reader of it, whose expressions do not backtrack: a crafted line of stars would hold up others for ever.
    patterns = Patterns((pattern.removeprefix("!"),))
    return _Line(patterns, pattern.endswith("/*"), excludes, owners) if patterns else None
