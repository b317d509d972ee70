"""What the images of a project install from: which of its requirements files."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

from prodlint.configuration.roles import roles_of
from prodlint.facts import Command, Dockerfile, File, Source

# Images of these classes are not shipped.
_ELSEWHERE = frozenset(("dev", "test", "example", "docs", "ci", "vendored", "generated"))
_LISTS = ("-r", "--requirement", "--requirements")
_CONSTRAINTS = ("-c", "--constraint", "--constraints", "--require-hashes")


def installed_lists(dockerfiles: Iterable[tuple[str, Source]], lists: Collection[str]) -> frozenset[str]:
    """The requirements files that images install as they are, without constraints.

    dockerfiles: path and text of each. lists: the paths of the project's requirements files.
    """
    found: set[str] = set()
    for path, source in dockerfiles:
        roles = roles_of(path, "dockerfile", source.data)
        if not roles & _ELSEWHERE:
            found.update(_installed_by(source, File(path, "dockerfile", roles), lists))
    return frozenset(found)


def _installed_by(source: Source, file: File, lists: Collection[str]) -> Iterator[str]:
    from prodlint.readers import configuration

    copied: list[str] = []
    named: list[str] = []
    for fact in configuration.read(source, file, frozenset((Command, Dockerfile))):
        if isinstance(fact, Dockerfile):
            for stage in fact.stages:
                for instruction in stage.instructions:
                    if instruction.keyword in ("COPY", "ADD") and not any(name == "from" for name, _ in instruction.flags):
                        copied.extend(instruction.words[:-1])
        elif isinstance(fact, Command) and fact.program in ("pip", "uv") and "install" in fact.argv[:3] and fact.flag(*_CONSTRAINTS) == -1:
            for index, word in enumerate(fact.argv):
                flag, equals, value = word.partition("=")
                if flag in _LISTS:
                    named.append(value if equals else (*fact.argv, "")[index + 1])
                elif word.startswith("-r") and len(word) > 2 and not word.startswith("--"):
                    named.append(word[2:])
    folder = file.path.rpartition("/")[0]
    for name in named:
        yield from _resolved(name, copied, folder, lists)


def _resolved(name: str, copied: Iterable[str], folder: str, lists: Collection[str]) -> list[str]:
    """The file of the project that a list inside an image is: the one that is copied there by its name, or the one at the same path."""
    last = name.rsplit("/", 1)[-1]
    sources = [source for source in copied if source.rsplit("/", 1)[-1] == last]
    for candidate in (*sources, name):
        for base in ("", folder):
            path = posixpath.normpath(posixpath.join(base, candidate.lstrip("/")))
            if path in lists:
                return [path]
    parts = name.strip("/").split("/")
    for start in range(len(parts)):
        path = posixpath.join(folder, *parts[start:])
        if path in lists:
            return [path]
    return []
