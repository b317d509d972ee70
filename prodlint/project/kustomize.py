"""What other files say of a Kubernetes workload: the patches and image tags of Kustomize overlays, a namespace's LimitRange.

An overlay may add what a base lacks. Which of the overlays is deployed cannot be known, so one that says it is enough.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from prodlint import regexes

_NAMES = ("kustomization.yaml", "kustomization.yml")
_YAML = (".yaml", ".yml")
_LIMIT_RANGE = re.compile(rb"\bkind[\"']?[ \t]*:[ \t]*(?:&\w+[ \t]+)?[\"']?LimitRange\b")
_ANYBODY = frozenset(("", "src", "app", "apps", "docker", "build", "services", "service", "images", "image", "deploy", "backend", "server"))
_IMAGE = re.compile(rb"(?m)^[ \t-]*image:[ \t]*[\"']?(?:[\w.:-]+/)*([\w.-]+)")
_GIVEN = re.compile(rb"runAsNonRoot:[ \t]*true|runAsUser:[ \t]*[1-9]")


@dataclass(frozen=True, slots=True)
class _Patch:
    """A patch: the workload it is for ("" for any) and the keys it sets, at whatever depth."""

    kind: str
    name: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Overlay:
    """A kustomization: the paths it takes up (files and folders), its patches, the images whose tag it sets."""

    folder: str
    takes: tuple[str, ...]
    patches: tuple[_Patch, ...]
    images: frozenset[str]


class Manifests:
    """Manifest and deployment files by their paths from the root. read: gives the bytes of one."""

    def __init__(self, paths: Sequence[str], read: Callable[[str], bytes]) -> None:
        self._paths = frozenset(paths)
        self._ordered = paths
        self._read = read

    def patched_keys(self, path: str, kind: str, name: str) -> frozenset[str]:
        """The keys that overlays set on a workload of a file."""
        found = frozenset[str]()
        for overlay in self._over(path):
            for patch in overlay.patches:
                if patch.kind in ("", kind) and _fits(patch.name, name):
                    found |= patch.keys
        return found

    def tag_is_set(self, path: str, image: str) -> bool:
        """Whether an overlay puts another tag or a digest on an image of a file."""
        return any(image in overlay.images for overlay in self._over(path))

    @cached_property
    def has_limit_range(self) -> bool:
        """Whether the project gives a namespace defaults for what its containers may take."""
        return any(path.endswith(_YAML) and _LIMIT_RANGE.search(self._read(path)) for path in self._ordered)

    def another_user(self, dockerfile: str) -> str:
        """The manifest that starts this Dockerfile's image as another user, where all that start it do so; or nothing."""
        folder, _, file = dockerfile.lower().rpartition("/")
        names = {*folder.split("/"), file.removeprefix("dockerfile").removesuffix("dockerfile").strip(".-_")} - _ANYBODY
        known = [each for name in sorted(names) for each in self._who_runs.get(name, ())]
        return known[0][0] if known and all(given for _, given in known) else ""

    @cached_property
    def _who_runs(self) -> dict[str, list[tuple[str, bool]]]:
        """The manifests that name an image, by its last name, and whether they say who runs it."""
        found: dict[str, list[tuple[str, bool]]] = {}
        for path in self._ordered:
            if path.endswith(_YAML):
                data = self._read(path)
                if b"containers" in data and b"apiVersion" in data:
                    for name in {image[1].decode("ascii", "replace").lower() for image in _IMAGE.finditer(data)}:
                        found.setdefault(name, []).append((path, _GIVEN.search(data) is not None))
        return found

    def _over(self, path: str) -> Iterator[_Overlay]:
        """The overlays that take a file up, directly or through others."""
        reached = {path}
        waiting = True
        while waiting:
            waiting = False
            for overlay in self._overlays:
                if overlay.folder not in reached and not reached.isdisjoint(overlay.takes):
                    reached.add(overlay.folder)
                    waiting = True
                    yield overlay

    @cached_property
    def _overlays(self) -> tuple[_Overlay, ...]:
        named = (path for path in self._ordered if posixpath.basename(path) in _NAMES)
        return tuple(overlay for path in named if (overlay := self._overlay(path)) is not None)

    def _overlay(self, path: str) -> _Overlay | None:
        folder = posixpath.dirname(path)

        def beside(name: Any) -> bytes:
            wanted = _joined(folder, name) if isinstance(name, str) else ""
            return self._read(wanted) if wanted in self._paths else b""

        documents = _parsed(self._read(path))
        root = documents[0] if documents else None
        if not isinstance(root, Mapping):
            return None
        takes = [_joined(folder, each) for key in ("resources", "bases", "components") for each in _texts(root.get(key))]
        patches: list[_Patch] = []
        for each in _list(root.get("patches")) + _list(root.get("patchesJson6902")):
            if isinstance(each, Mapping):
                target = each.get("target")
                written = each.get("patch")
                data = written.encode() if isinstance(written, str) else beside(each.get("path"))
                patches += _patches(data, target if isinstance(target, Mapping) else {})
        for text in _texts(root.get("patchesStrategicMerge")):
            patches += _patches(text.encode() if "\n" in text else beside(text), {})
        images = (
            each.get("name")
            for each in _list(root.get("images"))
            if isinstance(each, Mapping) and (each.get("newTag") or each.get("digest"))
        )
        return _Overlay(folder, tuple(takes), tuple(patches), frozenset(each for each in images if isinstance(each, str)))


def _fits(pattern: str, name: str) -> bool:
    """Whether a patch is meant for a workload of this name; where that takes too long to tell, it is not."""
    try:
        return not pattern or regexes.fullmatch(_compiled(pattern), name) is not None
    except (regexes.GivenUp, regexes.Refused):
        return False


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return regexes.compiled(pattern)


def _patches(data: bytes, target: Mapping[str, Any]) -> Iterator[_Patch]:
    """The patches of a text: documents that are put over the workload, or a list of single changes."""
    for document in _parsed(data):
        if isinstance(document, Mapping):
            metadata = document.get("metadata")
            name = re.escape(str(metadata.get("name", ""))) if isinstance(metadata, Mapping) else ""
            kind = str(document.get("kind", ""))
            keys = frozenset(_keys(document))
        elif isinstance(document, Sequence) and not isinstance(document, str):
            name, kind = "", ""
            changes = [each for each in document if isinstance(each, Mapping) and each.get("op") != "remove"]
            paths = {part for each in changes for part in str(each.get("path", "")).split("/")}
            keys = frozenset(paths | {key for each in changes for key in _keys(each.get("value"))})
        else:
            continue
        if target:
            name, kind = str(target.get("name", "")), str(target.get("kind", ""))
        try:
            regexes.compiled(name)
        except regexes.Refused:
            name = re.escape(name)
        yield _Patch(kind, name, keys)


def patched_values(text: str) -> Iterator[tuple[str, Any]]:
    """What an inline patch sets: each scalar with its path, the keys divided by dots and items of lists left out ("spec.replicas", 1)."""
    for document in _parsed(text.encode()):
        if isinstance(document, Mapping):
            yield from _scalars("", document)
        elif isinstance(document, list):
            for change in document:
                if isinstance(change, Mapping) and change.get("op") in ("add", "replace"):
                    parts = [part for part in str(change.get("path", "")).split("/") if part and part != "-" and not part.isdigit()]
                    yield from _scalars(".".join(parts), change.get("value"))


def _scalars(path: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 20:
        return
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _scalars(f"{path}.{key}" if path else str(key), member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _scalars(path, member, depth + 1)
    else:
        yield path, value


def _keys(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > 20:
        return
    if isinstance(value, Mapping):
        for key, member in value.items():
            # `readinessProbe: null` and `$patch: delete` take away.
            if member is not None:
                yield str(key)
                yield from _keys(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _keys(member, depth + 1)


def _parsed(data: bytes) -> list[Any]:
    import yaml

    try:
        return list(yaml.load_all(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [each for each in _list(value) if isinstance(each, str)]


def _joined(folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined
