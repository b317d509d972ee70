"""What the server keeps of each folder: its project, the last good settings, and what was said of each document."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import pathname2url

from prodlint.api import Checked, PageError, Project, SettingsError
from prodlint.configuration.root import project_root
from prodlint.model import Finding


def path_of(uri: str) -> str | None:
    """The path of a `file:` address; None for any other."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    return os.path.normpath(unquote(parts.path))


def uri_of(path: str) -> str:
    """The `file:` address of a path."""
    return "file://" + pathname2url(path)


@dataclass(slots=True)
class Folder:
    """A project that the editor has open. wrong: why its settings cannot be read, with their file and line; the last good ones hold."""

    project: Project
    said: dict[str, Checked] = field(default_factory=dict)
    whole: dict[str, list[Finding]] = field(default_factory=dict)
    wrong: SettingsError | PageError | None = None


class Folders:
    """The projects of the editor's folders, and those that files opened beside them stand in."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self.options = options
        self._folders: dict[str, Folder] = {}

    def add(self, root: str) -> Folder:
        """A folder, opened where it was not."""
        root = os.path.abspath(root)
        if root not in self._folders:
            config = self.options.get("config")
            since = self.options.get("since")
            self._folders[root] = Folder(Project(root, config=[str(config)] if config else (), since=str(since) if since else ""))
        return self._folders[root]

    def remove(self, root: str) -> None:
        """A folder that was closed."""
        self._folders.pop(os.path.abspath(root), None)

    def of(self, path: str) -> Folder:
        """The innermost folder that a file stands in; the project it belongs to, where none is open."""
        above = [root for root in self._folders if path == root or path.startswith(root.rstrip(os.sep) + os.sep)]
        return self._folders[max(above, key=len)] if above else self.add(project_root([path]))

    def __iter__(self) -> Iterator[Folder]:
        return iter(list(self._folders.values()))
