"""What the rest of the repository says that the rules of one file may ask: versions, what production starts, what kind
of repository this is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Environment:
    """The answers. Cheap to hand to worker processes."""

    versions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    started: frozenset[str] = frozenset()
    is_service: bool = False
    is_library: bool = False

    def version(self, package: str) -> tuple[int, ...] | None:
        """The resolved version of a dependency, or None where nothing says it."""
        return self.versions.get(package)

    def starts(self, path: str) -> bool:
        """Whether production starts this file."""
        return path in self.started


def read(root: str, files: Sequence[tuple[str, str, str]]) -> Environment:
    """The environment of a project."""
    return Environment()
