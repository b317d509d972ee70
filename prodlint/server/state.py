"""What the server keeps of each folder: its project, the last good settings, and what was said of each document."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit
from urllib.request import pathname2url

from lsprotocol import types

from prodlint.api import Checked, Project
from prodlint.configuration.root import is_project, project_root
from prodlint.engine.grouping import across_files
from prodlint.model import Finding
from prodlint.server.checking import FolderCheck


def path_of(uri: str) -> str | None:
    """The path of a `file:` address; None for any other."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    return os.path.normpath(unquote(parts.path))


def uri_of(path: str) -> str:
    """The `file:` address of a path."""
    return "file://" + pathname2url(path)


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of a file by the last check of its folder. id: another one where anything else was said."""

    id: str
    diagnostics: list[types.Diagnostic]


@dataclass(slots=True)
class Folder:
    """A project that the editor has open.

    check: looks at it as a whole. said: what its open documents were found to hold, by path. whole: findings that only the whole gives, by path from
    the root. habits: findings that stand for others in several files, by what these share. told: what the last check said, by address. wrong: the file of the settings that cannot be read; the last good ones hold.
    is_workspace: whether the client opened it as a folder.
    """

    project: Project
    check: FolderCheck = field(init=False)
    said: dict[str, Checked] = field(default_factory=dict)
    whole: dict[str, list[Finding]] = field(default_factory=dict)
    habits: Mapping[Hashable, Finding] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    wrong: str | None = None
    is_workspace: bool = False

    def findings_in(self, path: str) -> Iterator[tuple[Finding, bool]]:
        """What is to be said of an open document, and whether only a look at the whole gives it. Findings that are one with those in other files
        are told as the command line tells them: as one, in the first of these files, at the first of its places there."""
        checked, own = self.said.get(path), self.project.relative(path)
        if checked is not None:
            yield from self._of_its_text(checked, own)
        yield from ((finding, True) for finding in self.whole.get(own, ()))

    def _of_its_text(self, checked: Checked, path: str) -> Iterator[tuple[Finding, bool]]:
        told: set[int] = set()
        for finding in checked.findings:
            habit = self._habit_of(checked, finding)
            if habit is None and finding.path == path:
                yield finding, False
            elif habit is not None and habit.path == finding.path == path and id(habit) not in told:
                told.add(id(habit))
                yield replace(habit, span=finding.span), True

    def _habit_of(self, checked: Checked, finding: Finding) -> Finding | None:
        # Of one that stands for others in its file, these have the words that all of them had.
        first = next(iter(checked.report.copies.get(finding, ())), finding)
        keys = across_files(first, checked.rules.get(finding.code), checked.result.run_of("").selected)
        return next((self.habits[key] for key in keys if key in self.habits), None)

    def is_checked_as_a_whole(self) -> bool:
        """Whether rules about the whole are for it: a file that lies about in a home directory makes no project of that."""
        return self.is_workspace or is_project(self.project.root)


class Folders:
    """The projects of the editor's folders, and those that files opened beside them stand in. check_of: makes what looks at a folder as a whole."""

    def __init__(self, options: Mapping[str, object], check_of: Callable[[Folder], FolderCheck]) -> None:
        self.options = options
        self._check_of = check_of
        self._folders: dict[str, Folder] = {}

    def add(self, root: str, is_workspace: bool = False) -> Folder:
        """A folder, opened where it was not."""
        root = os.path.abspath(root)
        if root not in self._folders:
            config = self.options.get("config")
            since = self.options.get("since")
            folder = Folder(Project(root, config=[str(config)] if config else (), since=str(since) if since else ""))
            folder.check = self._check_of(folder)
            self._folders[root] = folder
        self._folders[root].is_workspace |= is_workspace
        return self._folders[root]

    def remove(self, root: str) -> Folder | None:
        """A folder that was closed; None where it was not open."""
        return self._folders.pop(os.path.abspath(root), None)

    def of(self, path: str) -> Folder:
        """The innermost folder that a file stands in; the project it belongs to, where none is open."""
        above = [root for root in self._folders if path == root or path.startswith(root.rstrip(os.sep) + os.sep)]
        return self._folders[max(above, key=len)] if above else self.add(project_root([path]))

    def __iter__(self) -> Iterator[Folder]:
        return iter(list(self._folders.values()))
