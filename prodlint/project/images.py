"""The images of a project: which of its requirements files they install from, and which ones its pipelines publish."""

from __future__ import annotations

import posixpath
import re
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


# ---------------------------------------------------------------- images that pipelines publish

_BUILDS = re.compile(
    rb"docker/(?:build-push|metadata|bake)-action|\b(?:docker|podman|buildah)\b[^\n]{0,40}\b(?:build|bud|push)\b|kaniko|redhat-actions/buildah"
)
_NAME = rb"((?:[a-z0-9][\w.-]*(?::\d+)?/)*[a-z0-9][\w.-]*/[a-z0-9][\w.-]*)"
# `-t shop/base:1`, `docker push shop/base`, and the lines of `tags:` and `images:`, which hold nothing else.
_PUBLISHED = re.compile(
    rb"(?m)(?:[ \t](?:-t|--tag)[ \t=]+|\bpush[ \t]+)[\"']?" + _NAME + rb"(?=[:\s\"'@$]|$)"
    rb"|^[ \t]*(?:-[ \t]+)?(?:(?:tags|images):[ \t]*)?[\"']?(?:name=)?" + _NAME + rb"(?::[^\s/]*[^\n/]{0,80})?[\"']?[ \t\r]*$"
)


def published_images(pipelines: Iterable[bytes]) -> frozenset[str]:
    """The names of the images that pipelines build and push, without their tags and without `docker.io/`.

    pipelines: the texts of CI files, Makefiles and scripts.
    """
    found: set[str] = set()
    for text in pipelines:
        if _BUILDS.search(text):
            found.update((first or second).decode("ascii", "replace") for first, second in _PUBLISHED.findall(text))
    return frozenset(name.removeprefix("docker.io/") for name in found)
