"""The services of a repository, each with its folder: what is asked of each of them is not answered by a neighbour."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prodlint.checks import ProjectFact
from prodlint.model import Evidence
from prodlint.project.reexports import imports_in
from prodlint.python.imported import absolute

# Folders beside the code that hold recipes and no service.
_RECIPES = frozenset(
    "docker .docker dockerfiles deploy deployment deployments build ops ci infra container containers .devcontainer scripts tools k8s".split()
)


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """A service that the repository builds. folder: where its code lies, from the root, without a slash at its end; "" for the root.
    files: of a process type that shares its folder with another one, what its module imports, itself included; else empty."""

    folder: str
    name: str
    files: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        """Whether a file is one of the service's: it imports it, or it lies in its folder."""
        return path in self.files if self.files else not self.folder or path.startswith(f"{self.folder}/")


def services_of(
    facts: Iterable[ProjectFact],
    python_files: Sequence[str],
    programs: Sequence[tuple[str, str]] = (),
    packages: Iterable[str] = (),
    servers: Sequence[tuple[str, str]] = (),
    content: Callable[[str], bytes] | None = None,
) -> list[Service]:
    """What a repository runs, one service a folder: what images and compose files build out of folders that hold Python; where those are
    fewer than two, the process types (of a Procfile, a unit, a manifest) whose modules lie in different folders; else the packages; else
    the process types of one folder, each with the modules that it imports.

    programs: modules (or scripts) that production starts, each with what names it. packages: folders of packages that answer requests.
    servers: those of the programs that keep serving, by module. content: the bytes of a Python file, to see what it imports.
    Dockerfiles and compose files of tests, examples and developers build none.
    """
    made = _of_code(_built(facts), python_files)
    if len(made) > 1:
        return made
    for folders in (_started(programs, python_files), {folder: posixpath.basename(folder) for folder in packages if folder}):
        several = _of_code(folders, python_files)
        if len(several) > 1:
            return several
    processes = _processes(servers, python_files, content) if content is not None else []
    return processes if len(processes) > 1 else made


def _of_code(folders: Mapping[str, str], python_files: Sequence[str]) -> list[Service]:
    """The services of these folders that have code of their own."""
    made = [Service(folder, name) for folder, name in sorted(folders.items())]
    return [service for service in made if any(_owner(path, made) == service for path in python_files)]


def _built(facts: Iterable[ProjectFact]) -> dict[str, str]:
    """Folders that images are built from, with their services' names."""
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
    return found


def _started(programs: Iterable[tuple[str, str]], python_files: Sequence[str]) -> dict[str, str]:
    """The folders of the modules that production starts, one for each top-level package: what two processes share is one service."""
    found: dict[str, str] = {}
    for module, name in programs:
        file, before = _file_of(module, python_files)
        if not file:
            continue
        path = module if module.endswith(".py") else module.replace(".", "/")
        first = path.split("/")[0] if "/" in path else ""
        found.setdefault((before + first).strip("/"), name)
    return {} if "" in found else found


def _file_of(module: str, python_files: Iterable[str]) -> tuple[str, str]:
    """The file of a module (or script) that is started, and the folder from which it is imported, "" or ending in a slash; ("", "") for none."""
    path = module if module.endswith(".py") else module.replace(".", "/")
    endings = (path,) if module.endswith(".py") else (f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py")
    files = [file for file in python_files if any(file == end or file.endswith(f"/{end}") for end in endings)]
    if not files:
        return "", ""
    file = min(files, key=lambda each: (each.count("/"), each))
    return file, next(file[: -len(end)] for end in endings if file == end or file.endswith(f"/{end}"))


def _processes(servers: Iterable[tuple[str, str]], python_files: Sequence[str], content: Callable[[str], bytes]) -> list[Service]:
    """The process types whose modules lie in one folder, each with all that its module imports of the project."""
    known = frozenset(python_files)
    found: dict[str, Service] = {}
    for module, name in servers:
        file, before = _file_of(module, python_files)
        if file and file not in found:
            found[file] = Service("", name, _imported_by(file, before, known, content))
    return sorted(found.values(), key=lambda service: service.name)


def _imported_by(file: str, before: str, known: frozenset[str], content: Callable[[str], bytes]) -> frozenset[str]:
    """A file and all that it imports of the project's files, also by way of others. before: the folder that imports begin in."""
    reached, waiting = {file}, [file]
    while waiting:
        path = waiting.pop()
        inside = path.removeprefix(before)
        for imported in imports_in(content(path)):
            module = absolute(imported.module, inside).replace(".", "/")
            for name in (module, f"{module}/{imported.name}") if imported.name else (module,):
                for each in (f"{before}{name}.py", f"{before}{name}/__init__.py"):
                    if each in known and each not in reached:
                        reached.add(each)
                        waiting.append(each)
    return frozenset(reached)


def without(services: Sequence[Service], places: Iterable[Evidence], asked: Iterable[Evidence] | None) -> list[Service]:
    """The services for which none of the places speaks. A place outside of every service is shared, and speaks for all.

    asked: places that say to which services the question applies; None where it applies to all.
    """
    owners = [_owners(place.path, services) for place in places]
    if len(services) < 2 or not all(owners):
        return []
    concerned = {owner for place in asked for owner in _owners(place.path, services)} if asked is not None else set(services)
    spoken_for = {owner for each in owners for owner in each}
    return [service for service in services if service in concerned and service not in spoken_for]


def _owner(path: str, services: Sequence[Service]) -> Service | None:
    """The service in whose folder a file lies, the innermost."""
    return max((service for service in services if service.holds(path)), key=lambda service: len(service.folder), default=None)


def _owners(path: str, services: Sequence[Service]) -> list[Service]:
    """The services whose file it is: the innermost folder's, or every process type that imports it."""
    owner = _owner(path, services)
    if owner is None or not owner.files:
        return [] if owner is None else [owner]
    return [service for service in services if service.holds(path)]


def _joined(folder: str, context: str) -> str | None:
    """A build context from the root; None for one outside of it or that is no folder."""
    if "://" in context or "$" in context:
        return None
    path = posixpath.normpath(posixpath.join(folder, context or "."))
    return None if path.startswith("..") else "" if path == "." else path
