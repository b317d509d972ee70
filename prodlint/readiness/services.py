"""The services of a repository, each with its folder: what is asked of each of them is not answered by a neighbour."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prodlint.checks import ProjectFact
from prodlint.model import Evidence

# Folders beside the code that hold recipes and no service.
_RECIPES = frozenset(
    "docker .docker dockerfiles deploy deployment deployments build ops ci infra container containers .devcontainer scripts tools k8s".split()
)


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """A service that the repository builds. folder: where its code lies, from the root, without a slash at its end; "" for the root."""

    folder: str
    name: str

    def holds(self, path: str) -> bool:
        """Whether a file lies in the service's folder."""
        return not self.folder or path.startswith(f"{self.folder}/")


def services_of(facts: Iterable[ProjectFact], python_files: Sequence[str]) -> list[Service]:
    """What images and compose files build out of folders that hold Python, one service a folder.

    Dockerfiles and compose files of tests, examples and developers build none.
    """
    found: dict[str, str] = {}
    images: list[str] = []
    for fact in facts:
        if fact.topic == "compose-service" and fact.get("built") and not fact.get("off"):
            folder = _joined(posixpath.dirname(fact.path), fact.get("context"))
            if folder is not None:
                found.setdefault(folder, fact.words)
        elif fact.topic == "dockerfile" and fact.get("serves") and fact.get("python") and not fact.get("off"):
            images.append(posixpath.dirname(fact.path))
    for folder in [] if found else images:
        if posixpath.basename(folder) not in _RECIPES:
            found.setdefault(folder, posixpath.basename(folder) or "the service at the root")
    made = [Service(folder, name) for folder, name in sorted(found.items())]
    return [service for service in made if any(_owner(path, made) == service for path in python_files)]


def without(services: Sequence[Service], places: Iterable[Evidence], asked: Iterable[Evidence] | None) -> list[Service]:
    """The services for which none of the places speaks. A place outside of every service is shared, and speaks for all.

    asked: places that say to which services the question applies; None where it applies to all.
    """
    owners = [_owner(place.path, services) for place in places]
    if len(services) < 2 or None in owners:
        return []
    concerned = {_owner(place.path, services) for place in asked} if asked is not None else set(services)
    return [service for service in services if service in concerned and service not in owners]


def _owner(path: str, services: Sequence[Service]) -> Service | None:
    """The service in whose folder a file lies, the innermost."""
    return max((service for service in services if service.holds(path)), key=lambda service: len(service.folder), default=None)


def _joined(folder: str, context: str) -> str | None:
    """A build context from the root; None for one outside of it or that is no folder."""
    if "://" in context or "$" in context:
        return None
    path = posixpath.normpath(posixpath.join(folder, context or "."))
    return None if path.startswith("..") else "" if path == "." else path
