"""Health checks that ask where nobody answers (PRD722): a path that no route serves, a port that the server does not listen on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, collect, commands, documents, project_check, project_fact
from prodlint.facts import Command, Document, Node
from prodlint.model import Related
from prodlint.values.container_images import datastore, image_of, is_infrastructure
from prodlint.values.workloads import containers_of, pods

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "dev", "ci"))
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(/[^\s'\"?#)|;&,]*)?")
# The port that a server is told in its command: `--port 8000`, `-b 0.0.0.0:8000`, `runserver 0.0.0.0:8000`.
_LISTENS = re.compile(r"(?:--port[= ]|-p |(?:--bind[= ]|-b ?|--listen[= ]|--http[= ]|--http-socket[= ]|runserver )\S*?:)(\d{2,5})\b")


@collect(
    "asked-path",
    on=[commands("curl", "wget", "python", "python3", "http")],
    required_literals=[("healthcheck", "http"), ("probe", "http")],
    files=("dockerfile", "yaml"),
)
def asked_by_command(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """A health check that calls the service over HTTP."""
    if command.origin not in ("dockerfile-healthcheck", "compose-healthcheck") or context.file.roles & _ELSEWHERE:
        return
    found = _URL.search(" ".join(command.argv))
    if found is not None and "$" not in found.group():
        words = "HEALTHCHECK" if command.origin.startswith("dockerfile") else f"the health check of `{command.owner}`"
        yield project_fact(
            "asked-path",
            command,
            words,
            asked=(found[2] or "/").rstrip("\\"),
            port=found[1] or "",
            origin=command.origin,
            owner=command.owner,
        )


@collect("asked-path", on=[documents("kubernetes")], required_literals=["livenessprobe", "readinessprobe", "startupprobe"])
def asked_by_probe(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The paths and ports of a pod's probes."""
    if context.file.roles & _ELSEWHERE or document.template:
        return
    for pod in pods(document):
        for container in containers_of(pod):
            image = image_of(container.text_at("image"))
            if image.official or datastore(image) is not None or is_infrastructure(image):
                continue
            told = " ".join(item.raw for key in ("command", "args") if (listed := container.get(key)) is not None for item in listed.items)
            for key in ("readinessProbe", "livenessProbe", "startupProbe"):
                path = container.get(key, "httpGet", "path")
                if path is not None and path.kind == "scalar":
                    port = _number_of(container, container.text_at(key, "httpGet", "port"))
                    words = f"`{key}` of `{container.text_at('name')}`"
                    yield project_fact(
                        "asked-path", path, words, asked=path.raw.split("?")[0], port=port, origin="kubernetes", told=told[:300]
                    )


def _number_of(container: Node, port: str) -> str:
    """A port by number; one by name is looked up in the container."""
    listed = container.get("ports")
    for each in listed.items if listed is not None and not port.isdigit() else ():
        if each.text_at("name") == port:
            return each.text_at("containerPort")
    return port if port.isdigit() else ""


@project_check("PRD722", topics=("asked-path", "health", "dockerfile", "compose-service"))
def asks_where_nobody_answers(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """Two places that disagree: what a health check asks, and what the service answers."""
    images = [image for image in project.about("dockerfile") if image.get("serves") and not image.get("off")]
    # What another program of the repository answers is not known.
    if not images or not all(image.get("python") for image in images):
        return
    routes = [each for each in project.about("health") if each.path.endswith(".py")]
    served = {_last(each.get("path")) for each in routes if each.get("path")}
    known = bool(served) and all(each.get("path") for each in routes)
    services = {(each.path, each.words): each for each in project.about("compose-service")}
    done: set[tuple[str, str]] = set()
    for asked in project.about("asked-path"):
        image = _image_of(asked, images, services)
        if image is None:
            continue
        path, name = asked.get("asked"), _last(asked.get("asked"))
        if known and name and name not in served and (asked.path, path) not in done and not _is_named(project, name):
            done.add((asked.path, path))
            other = min((each for each in routes if each.get("path")), key=lambda each: (each.path, each.span))
            related = (Related(other.path, other.span, f"answers {other.words}"),)
            yield ProjectDiagnostic(asked.path, asked.span, f"{asked.words} asks `{path}`, which no route serves", related=related)
        port, listens = asked.get("port"), _LISTENS.search(asked.get("told") or image.words)
        if port and listens is not None and listens[1] != port and port != image.get("port"):
            related = (Related(image.path, image.span, f"listens on {listens[1]}"),)
            yield ProjectDiagnostic(
                asked.path, asked.span, f"{asked.words} asks port {port}, and the server listens on {listens[1]}", related=related
            )


def _image_of(asked: ProjectFact, images: list[ProjectFact], services: Mapping[tuple[str, str], ProjectFact]) -> ProjectFact | None:
    """The image that a health check asks, where it can only be this one."""
    if asked.get("origin") == "dockerfile-healthcheck":
        return next((image for image in images if image.path == asked.path), None)
    if len(images) != 1:
        return None
    if asked.get("origin") == "compose-healthcheck":
        service = services.get((asked.path, asked.get("owner")))
        # With a command of its own it may be another program of the same image.
        return images[0] if service is not None and service.get("built") and not service.get("command") and not service.get("off") else None
    return images[0]


def _last(path: str) -> str:
    return path.rstrip("/$").rpartition("/")[2].lstrip("^").lower()


def _is_named(project: Project, name: str) -> bool:
    """Whether the program or the server in front of it has the word at all: then it may answer, in a way that is not read."""
    word = name.encode()
    for file in project.files:
        if (
            file.kind in ("python", "nginx", "ini", "toml", "env")
            and "test" not in file.roles
            and word in (project.read(file.path) or b"").lower()
        ):
            return True
    return False
