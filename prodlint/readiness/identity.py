"""Which project a report is about, and which revision of it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from prodlint.project import git


@dataclass(frozen=True, slots=True)
class Identity:
    """A project by the name of its folder; its revision (shortened) and the day on which that was committed, "" where git knows none.

    The revision is the one that is checked out; what was changed in the files since is read as well and has no name.
    """

    name: str
    revision: str = ""
    date: str = ""


def identity_of(root: str) -> Identity:
    """The name, revision and date of the project at a directory. Where there is no repository, or no git, the name alone."""
    name = os.path.basename(os.path.realpath(root))
    try:
        repository = git.find(root)
        if repository is None:
            return Identity(name)
        with git.opened(repository) as opened:
            revision, _, date = opened.says("show", "-s", "--no-show-signature", "--format=%h %cs", "HEAD", "--").partition(" ")
    except (git.GitError, OSError):
        return Identity(name)
    return Identity(name, revision, date)
