"""Where a project begins."""

from __future__ import annotations

import os
from collections.abc import Sequence

# Files that may hold settings, the first of them wins.
SETTINGS_FILES = ("prodlint.toml", ".prodlint.toml", "pyproject.toml")


def is_project(root: str) -> bool:
    """Whether a directory is marked as a project's root. Anything else (a home directory) is not searched for one file's sake."""
    return root != os.path.expanduser("~") and any(os.path.exists(os.path.join(root, name)) for name in (".git", *SETTINGS_FILES))


def project_root(paths: Sequence[str] = ()) -> str:
    """The nearest directory above the paths that holds `.git`, else one with settings or a manifest, else the paths' common one."""
    absolute = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        start = os.path.commonpath(absolute)
    except ValueError:  # two drives
        start = absolute[0]
    if not os.path.isdir(start):
        start = os.path.dirname(start)
    marked = None
    directory = start
    while True:
        if os.path.exists(os.path.join(directory, ".git")):
            return directory
        if marked is None and any(os.path.exists(os.path.join(directory, name)) for name in SETTINGS_FILES):
            marked = directory
        parent = os.path.dirname(directory)
        if parent == directory:
            # Nothing marks a project: paths are then shown from where the user stands, as far as they lie below it.
            here = os.getcwd()
            return marked or (here if start == here or start.startswith(here.rstrip(os.sep) + os.sep) else start)
        directory = parent
