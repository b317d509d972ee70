"""Sources: what the command line or a list names becomes repositories with names."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prodlint.configuration.settings import SettingsError
from prodlint.project.git import GitError, protocols_of
from prodlint.regular import read_regular

Kind = Literal["directory", "store", "address"]
_LARGEST_LIST = 64 << 20
_WILD = re.compile(r"[*?\[]")
_USER = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Source:
    """One repository.

    name: unique in a run. location: an absolute path, or a git address as it was given, with what it holds of a user's name or token. kind: a
    directory is checked where it lies; a store (a repository without working files, or any local one of which a `ref` is wanted) is read from its
    objects; an address is fetched. ref: branch, tag or commit.
    """

    name: str
    location: str
    kind: Kind
    ref: str = ""

    @property
    def shown(self) -> str:
        """The location without credentials."""
        return shown(self.location)


def shown(address: str) -> str:
    """A text in which no address says who reads it, and by which token."""
    return _USER.sub("", address)


def read(words: Sequence[str]) -> list[Source]:
    """The repositories that these words name: directories, bare repositories, git addresses, globs, and files of lines
    `name<TAB>source[<TAB>ref]` (`-`: from standard input).

    Raises SettingsError.
    """
    found = [source for word in words for source in _of_word(word)]
    if not found:
        raise SettingsError("no repository was named")
    return _named_apart(found)


def _of_word(word: str) -> Iterator[Source]:
    if word == "-":
        yield from _of_lines(sys.stdin.read(), "standard input", os.getcwd())
    elif _is_address(word):
        yield _source("", word, "", os.getcwd(), "")
    elif os.path.isdir(word):
        yield _source("", word, "", os.getcwd(), "")
    elif os.path.isfile(word):
        try:
            text = read_regular(word, _LARGEST_LIST).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"`{word}` cannot be read as a list of repositories: {getattr(error, 'strerror', '') or error}") from None
        yield from _of_lines(text, word, os.path.dirname(os.path.abspath(word)))
    elif _WILD.search(word):
        directories = sorted(path for path in glob.glob(os.path.expanduser(word), recursive=True) if os.path.isdir(path))
        if not directories:
            raise SettingsError(f"`{word}` matches no directory")
        for path in directories:
            yield _source("", path, "", os.getcwd(), "")
    else:
        raise SettingsError(
            f"`{word}` is neither a directory, a git address (https://, ssh://, file://, user@host:path), a glob nor a list"
        )


def _of_lines(text: str, where: str, folder: str) -> Iterator[Source]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if not 2 <= len(fields) <= 3 or not all(fields[:2]):
            raise SettingsError("a line is `name<TAB>source[<TAB>ref]`", where, number)
        name, location, ref = (*fields, "")[:3]
        # Nothing is asked of the location here: one that is not there is a row of the run's errors.
        yield _source(name, location, ref, folder, f"{where}:{number}")


def _is_address(word: str) -> bool:
    if os.path.exists(word):
        return False
    try:
        protocols_of(word)
    except GitError:
        if re.match(r"[A-Za-z][\w+.-]*::?//|[A-Za-z]+::", word):
            raise SettingsError(f"`{shown(word)}`: an address begins with https://, ssh:// or file://, or is user@host:path") from None
        return False
    return True


def _source(name: str, location: str, ref: str, folder: str, where: str) -> Source:
    if ref.startswith("-") or any(character in ref for character in " :^~?*[\\\x7f") or "\n" in ref or ".." in ref:
        raise SettingsError(f"`{ref}` is no branch, tag or commit{f' ({where})' if where else ''}")
    if _is_address(location):
        path = re.sub(r"^[\w+]+://[^/]*|^[^/]*:", "", location).strip("/").removesuffix(".git")
        return Source(name or "/".join(path.split("/")[-2:]), location, "address", ref)
    path = os.path.abspath(os.path.join(folder, os.path.expanduser(location)))
    has_files = os.path.lexists(os.path.join(path, ".git")) or not os.path.isfile(os.path.join(path, "HEAD"))
    kind: Kind = "directory" if has_files and not ref else "store"
    return Source(name or os.path.basename(path).removesuffix(".git") or path, path, kind, ref)


def _named_apart(sources: Iterable[Source]) -> list[Source]:
    """Each with a name of its own: where two share one, as much of their paths as tells them apart."""
    listed = list(dict.fromkeys(sources))
    depth = 1
    while True:
        counted = Counter(source.name for source in listed)
        if len(counted) == len(listed):
            return listed
        depth += 1
        longer = [replace(s, name=_longer(s, depth)) if counted[s.name] > 1 else s for s in listed]
        if longer == listed or depth > 64:
            name = next(name for name, count in counted.items() if count > 1)
            raise SettingsError(f"two repositories are called `{name}`; a list of `name<TAB>source` gives them names of their own")
        listed = longer


def _longer(source: Source, depth: int) -> str:
    parts = [part for part in re.split(r"[/\\]", re.sub(r"^\w+://", "", source.shown).removesuffix(".git")) if part]
    told = "/".join(parts[-depth:])
    return f"{told}@{source.ref}" if source.ref and depth > len(parts) else told
