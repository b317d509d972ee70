"""Deployment files read together: entrypoints that drop root (PRD802), health checks of an image wherever they stand
(PRD804), what a build context lets in (PRD807), services that compose waits for (PRD821)."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.checks import Project, ProjectDiagnostic, ProjectFact, project_check
from prodlint.checks.deployment.dockerfile import (
    DROPS_ROOT,
)
from prodlint.configuration.patterns import Patterns
from prodlint.model import Evidence, FixRequest, Priority, Related, Span
from prodlint.values.container_images import SERVERS, Datastore, datastore, image_of, is_infrastructure, is_one_shot

# ---------------------------------------------------------------- paths


def _joined(*parts: str) -> str:
    path = posixpath.normpath(posixpath.join("", *parts))
    return "" if path == "." else path


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _built_file(service: ProjectFact) -> str:
    """The Dockerfile a compose service is built from; "" where it cannot be told."""
    context, file = service.get("context"), service.get("dockerfile") or "Dockerfile"
    if not service.get("built") or "://" in context or "$" in context + file or context.startswith("git@"):
        return ""
    return _joined(_folder(service.path), context, file)


def _contexts(project: Project) -> dict[str, set[str]]:
    """The build contexts of each Dockerfile, as compose files, scripts and CI say."""
    found: dict[str, set[str]] = {}
    for service in project.about("compose-service"):
        file = _built_file(service)
        if file:
            found.setdefault(file, set()).add(_joined(_folder(service.path), service.get("context")))
    for build in project.about("image-build"):
        file, context = _built_by(build)
        if file:
            found.setdefault(file, set()).add(context)
    return found


def _built_by(build: ProjectFact) -> tuple[str, str]:
    """The Dockerfile and the context of a build command; "" where they cannot be told."""
    context = build.get("context")
    if context in ("-", "{context}") or "://" in context:
        return "", ""
    here = "" if build.path.startswith(".github/") else _folder(build.path)
    return _joined(here, build.words) if build.words else _joined(here, context, "Dockerfile"), _joined(here, context)


def _asked_by_name(project: Project) -> dict[str, ProjectFact]:
    """The compose service that asks each Dockerfile's image by the name it is built under elsewhere."""
    asking = {image_of(each.get("image")).name: each for each in project.about("compose-service") if each.get("health") == "yes"}
    named = [(_built_by(build)[0], image_of(build.get("image")).name) for build in project.about("image-build")]
    named += [(_built_file(each), image_of(each.get("image")).name) for each in project.about("compose-service") if each.get("built")]
    return {file: asking[name] for file, name in named if file and name and name in asking}


# ---------------------------------------------------------------- PRD802


@project_check("PRD802", topics=("script-as-root",))
def root_behind_a_script(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """An image that starts a script as root, unless the script drops it."""
    for image in project.about("script-as-root"):
        scripts = json.loads(image.get("scripts"))
        if image.get("off") or image.path in project.environment.startup.development:
            continue
        known = [file.path for file in project.named(*scripts)]
        texts = [text.decode("utf-8", "replace") for path in known if (text := project.read(path)) is not None]
        if not texts:
            # The script comes with the base image or is written while building.
            continue
        if any(DROPS_ROOT.search(text) for text in texts):
            yield Evidence("PRD802", image.path, image.span, f"`{scripts[0]}` takes the process to another user")
        else:
            manifest = project.environment.another_user(image.path)
            words = f"The image runs as root: only `{manifest}` starts it as another user" if manifest else image.words
            yield ProjectDiagnostic(image.path, image.span, words, priority="P2" if manifest else None)


@project_check("PRD802", topics=("unstarted-as-root", "compose-service"))
def root_started_by_compose(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """An image without a command of its own that compose starts, as root."""
    started = {
        _built_file(service): service
        for service in project.about("compose-service")
        if service.get("command") and not service.get("off") and not service.get("user") and not _is_one_shot(service)
    }
    for image in project.about("unstarted-as-root"):
        service = started.get(image.path)
        if service is not None and not image.get("off"):
            related = (Related(service.path, service.span, f"`{service.words}` starts it"),)
            yield ProjectDiagnostic(image.path, image.span, image.words, related=related)


# ---------------------------------------------------------------- PRD804

_PLATFORM_FILES = frozenset(
    "Chart.yaml kustomization.yaml kustomization.yml fly.toml render.yaml render.yml railway.json railway.toml app.json heroku.yml"
    " serverless.yml serverless.yaml samconfig.toml template.yaml apprunner.yaml service.yaml cloudbuild.yaml skaffold.yaml nomad.hcl"
    " captain-definition app.yaml Pulumi.yaml zeabur.json koyeb.yaml dokku.json".split()
)


@project_check("PRD804", topics=("dockerfile", "compose-service", "image-build", "kubernetes-workload", "platform", "health"))
def missing_health_check(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """An image that serves, which nothing ever asks whether it does."""
    if project.about("kubernetes-workload") or project.about("platform"):
        return
    if any(
        file.name in _PLATFORM_FILES or file.name.endswith((".tf", ".nomad", ".bicep"))
        for file in project.files
        if not file.roles & {"test", "example"}
    ):
        return
    asked = _asked_by_name(project)
    started: set[str] = set()
    for service in project.about("compose-service"):
        if service.get("health") == "yes":
            asked.setdefault(_built_file(service), service)
        elif not service.get("off"):
            started.add(_built_file(service))
    for image in project.about("dockerfile"):
        if image.get("off") or not image.get("serves"):
            continue
        health = json.loads(image.get("health"))[""]
        if health == "yes":
            yield Evidence("PRD804", image.path, image.span, "HEALTHCHECK")
        elif image.path in asked:
            service = asked[image.path]
            yield Evidence("PRD804", service.path, service.span, f"healthcheck of `{service.words}`")
        elif image.path not in started:
            # What compose starts without a check is PRD821's.
            words = (
                "`HEALTHCHECK NONE` disables the health check"
                if health == "none"
                else "No HEALTHCHECK: a hung process still counts as healthy"
            )
            yield ProjectDiagnostic(image.path, image.span, words, fix=_health_recipe(image, project.about("health")))


_HEALTH_PATH = re.compile(r"/(?:[\w-]+/){0,3}(?:health|healthz|livez|alive|live|ping|status|heartbeat|health-?check)/?")


def _health_recipe(image: ProjectFact, routes: Sequence[ProjectFact]) -> FixRequest | None:
    """Ask the one health route that the code has: a check of a path that does not exist would stop a healthy service."""
    port = image.get("port")
    paths = {route.get("path") for route in routes if route.path.endswith(".py") and _HEALTH_PATH.fullmatch(route.get("path"))}
    if not port or not image.get("python") or len(paths) != 1:
        return None
    probe = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}{paths.pop()}', timeout=3)"
    text = f'HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "{probe}"]'
    return FixRequest("insert-line-before", "Ask the service whether it answers", False, (("text", text),))


# ---------------------------------------------------------------- PRD807

_PRIVATE = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:key|p12|pfx|jks)|\.env(?:\.(?!example|sample|template|dist|defaults)[\w.-]+)?|\.netrc|\.pypirc"
)


@project_check("PRD807", topics=("copied-context", "compose-service", "image-build", "dotenv-use"))
def open_build_context(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """`COPY .` of a folder that holds the history and the secrets of the project."""
    contexts = _contexts(project)
    done: set[str] = set()
    for copy in project.about("copied-context"):
        # What only a stage for building sees does not leave the machine that builds.
        if copy.get("off") or not copy.get("final") or copy.path in done:
            continue
        done.add(copy.path)
        known = contexts.get(copy.path)
        if known is None:
            known = {_folder(copy.path)}
        for context in sorted(known)[:1]:
            yield from _open_context(project, copy, context, history=bool(options.get("history")))


def _open_context(project: Project, copy: ProjectFact, context: str, *, history: bool) -> Iterator[ProjectDiagnostic | Evidence]:
    ignore = f"{copy.path}.dockerignore"
    text = project.read(ignore)
    if text is None:
        ignore = _joined(context, ".dockerignore")
        text = project.read(ignore)
    lines = [line.strip().lstrip("/") for line in (text or b"").decode("utf-8", "replace").splitlines() if not line.startswith("#")]
    lines += json.loads(copy.get("excluded"))
    patterns = Patterns(lines)
    let_in: list[str] = []
    if not context and not patterns.match(".git/config") and not _versions_from_git(project, copy.path):
        let_in.append(".git")
    if _uses_env_file(project, context) and not patterns.match(".env"):
        let_in.append(".env")
    # What a stage for building takes away again is not there when its folder is copied on.
    removed = json.loads(copy.get("removed"))
    let_in = [name for name in let_in if name not in removed] + _private_files(project, context, patterns)
    if not let_in:
        if text is not None:
            yield Evidence("PRD807", ignore, Span(1, 1, 1, 1), "keeps the history and the secrets out of the image")
        return
    # The history alone makes the image larger, and tells what the sources beside it do not.
    if let_in == [".git"] and not history:
        return
    priority: Priority | None = "P2" if let_in == [".git"] else None
    names = " and ".join(f"`{name}`" for name in let_in)
    fix = FixRequest("append-lines", f"Leave {names} out", True, (("file", ignore), ("text", "\n".join(let_in))))
    if text is None:
        words = f"Copies {names} into the image: there is no `.dockerignore`"
        yield ProjectDiagnostic(copy.path, copy.span, words, priority=priority, fix=fix)
    else:
        related = (Related(ignore, Span(1, 1, 1, 1), f"says nothing of {names}"),)
        words = f"Copies {names} into the image: `{ignore}` lets it through"
        yield ProjectDiagnostic(copy.path, copy.span, words, priority=priority, related=related, fix=fix)


# What asks git for the version while the package is built.
_FROM_GIT = re.compile(
    rb"setuptools[-_]scm|hatch[-_]vcs|versioningit|\bpbr\b|dynamic[-_]versioning|pdm\.version[^\[]*source\s*=\s*[\"']scm|miniver|dunamai|versioneer"
)


def _versions_from_git(project: Project, dockerfile: str) -> bool:
    """Whether building the package needs the history: its version comes from git's tags."""
    names = ("pyproject.toml", "setup.py", "setup.cfg", dockerfile)
    return any(_FROM_GIT.search(project.read(name) or b"") for name in names)


def _private_files(project: Project, context: str, patterns: Patterns) -> list[str]:
    """Private keys and filled-in env files that lie in the context and are not left out; three are enough to show."""
    prefix = f"{context}/" if context else ""
    found: list[str] = []
    for file in project.files:
        inside = file.path[len(prefix) :]
        if (
            file.path.startswith(prefix)
            and inside != ".env"
            and _PRIVATE.fullmatch(file.name)
            and not file.roles & {"test", "example", "docs", "ci", "dev"}
            and not _is_of_pages(project, file.path)
        ):
            # A .key may as well be the public key of a package index.
            public = file.name.endswith(".key") and b"PRIVATE KEY" not in (project.read(file.path) or b"")
            if not public and not patterns.match(inside):
                found.append(inside)
    return found[:3]


# What Vite, Next.js and Create React App read while they build pages, committed as their documentation shows: every browser gets it.
_OF_PAGES = re.compile(r"\.env\.(?:development|production|staging|test)")


def _is_of_pages(project: Project, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return _OF_PAGES.fullmatch(name) is not None and project.read(_joined(folder, "package.json")) is not None


def _uses_env_file(project: Project, context: str) -> bool:
    """Whether developers keep an env file of their own in the folder: there is a model for one, or an ignore line about it. One that is
    committed is for everybody to read anyway."""
    prefix = f"{context}/" if context else ""
    beside = {file.path[len(prefix) :] for file in project.files if file.path.startswith(prefix) and "/" not in file.path[len(prefix) :]}
    if ".env" in beside:
        return False
    pages = "package.json" in beside
    if any(name.startswith((".env", "env.")) and not (pages and _OF_PAGES.fullmatch(name)) for name in beside):
        return True
    # The ignore file that GitHub proposes names `.env` for everybody; it says something where the code reads one, or compose does.
    ignored = project.read(_joined(context, ".gitignore"))
    if ignored is None or not re.search(rb"^/?(?:\*\*/)?\.env(?:\.?\*)?\s*$", ignored, re.MULTILINE):
        return False
    return bool(project.about("dotenv-use")) or any(
        _READS_ENV.search(project.read(_joined(context, name)) or b"") for name in _COMPOSE_FILES
    )


_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_READS_ENV = re.compile(rb"(?m)^[ \t]*env_file[ \t]*:")


# ---------------------------------------------------------------- PRD821

_WAITS = re.compile(r"wait[-_]for|dockerize|pg_isready|wait4x|nc -z|until |/dev/tcp/")


class _Compose:
    """The services of all compose files, and what they say of each other. A place is (path, name); files of one folder, and
    files that a command names together, are put over one another by compose, so some answers are by (group of files, name)."""

    def __init__(self, project: Project) -> None:
        self.services = {(service.path, service.words): service for service in project.about("compose-service")}
        self.waits = project.about("compose-dependency")
        self.waited = {(wait.path, wait.words) for wait in self.waits}
        self.groups = self._groups(project)
        self.finished = {
            (self.group(wait.path), wait.words) for wait in self.waits if wait.get("condition") == "service_completed_successfully"
        }
        self.asked = {(self.group(path), name) for (path, name), service in self.services.items() if service.get("health") == "yes"}
        self.own = {place for place, service in self.services.items() if _is_own(service)}
        self.with_own = {path for path, _ in self.own}
        self.images = {image.path: image for image in project.about("dockerfile")}

    def _groups(self, project: Project) -> dict[str, str]:
        """The folder that stands for each folder whose files are used together with those of another."""
        known = {path for path, _ in self.services}
        groups: dict[str, str] = {}
        for each in project.about("compose-files"):
            paths = [
                next((path for path in (_joined(_folder(each.path), name), _joined(name)) if path in known), "")
                for name in each.words.split()
            ]
            folders = [_folder(path) for path in paths if path]
            for folder in folders[1:]:
                if folder != folders[0]:
                    groups.setdefault(folder, folders[0])
        return groups

    def is_awaited(self, place: tuple[str, str]) -> bool:
        """Whether all that depend on a service wait for it in their own commands."""
        waiting = [self.services.get((wait.path, wait.get("by"))) for wait in self.waits if (wait.path, wait.words) == place]
        return all(service is not None and _WAITS.search(service.get("command")) for service in waiting)

    def group(self, path: str) -> str:
        """What the files that are put over this one share."""
        folder = _folder(path)
        for _ in range(4):
            folder = self.groups.get(folder, folder)
        return folder


@project_check("PRD821", topics=("compose-service", "compose-dependency", "compose-files", "dockerfile"))
def unasked_services(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Services that compose takes for healthy as soon as they are started."""
    compose = _Compose(project)
    unhealthy: set[tuple[str, str]] = set()
    # Who asks one service of a file how it is has left the others out on purpose.
    fronts = {(wait.path, wait.get("by")) for wait in compose.waits if (wait.path, wait.words) in compose.own}
    asks = {path for (path, _), service in compose.services.items() if service.get("health") == "yes"}
    for place, service in compose.services.items():
        path, name = place
        if service.get("off") or not service.get("whole") or (compose.group(path), name) in compose.finished or _is_one_shot(service):
            continue
        state = _health_of(service, compose)
        store = _store_of(service)
        if state == "yes":
            yield Evidence("PRD821", path, service.span, f"health check of `{name}`")
        elif state == "off":
            yield ProjectDiagnostic(path, service.span, f"The health check of `{name}` is disabled")
        elif state == "empty":
            yield ProjectDiagnostic(path, service.span, f"`{name}` has no health check: `healthcheck` has nothing under it")
        elif state == "" and store is not None and path in compose.with_own:
            unhealthy.add(place)
            if place in compose.waited and not compose.is_awaited(place):
                words = f"`{name}` ({store.words}) has no health check: dependent services may start before it is ready"
                yield ProjectDiagnostic(path, service.span, words, priority="P1", fix=_compose_recipe(service, store.test))
        elif (
            state == ""
            and ((path not in asks and place in fronts) or options.get("own"))
            and place in compose.own
            and _serves(service, compose.images)
            and store is None
        ):
            where = ", and neither has its Dockerfile" if service.get("built") else ""
            yield ProjectDiagnostic(path, service.span, f"`{name}` has no health check{where}: a hung process still counts as healthy")
    yield from _early_starts(compose, unhealthy)


def _early_starts(compose: _Compose, unhealthy: set[tuple[str, str]]) -> Iterator[ProjectDiagnostic]:
    """`depends_on` of a datastore that has a health check, in the form that does not wait for it."""
    seen: set[tuple[str, Span]] = set()
    for wait in compose.waits:
        target = compose.services.get((wait.path, wait.words))
        source = compose.services.get((wait.path, wait.get("by")))
        if target is None or source is None or wait.get("condition") or source.get("off") or (wait.path, wait.span) in seen:
            continue
        seen.add((wait.path, wait.span))
        if (wait.path, source.words) not in compose.own or (wait.path, wait.words) in unhealthy or target.get("health") != "yes":
            continue
        # `docker stack deploy` knows no conditions.
        if "swarm" in wait.path.lower() or "stack" in wait.path.lower():
            continue
        if _store_of(target) is not None and not _WAITS.search(source.get("command")):
            words = f"`{source.words}` starts before `{wait.words}` answers: `depends_on` has no `condition: service_healthy`"
            related = (Related(target.path, target.span, "has a health check"),)
            yield ProjectDiagnostic(wait.path, wait.span, words, priority="P1", related=related)


def _store_of(service: ProjectFact) -> Datastore | None:
    return datastore(image_of(service.get("image"))) if service.get("image") else None


def _is_own(service: ProjectFact) -> bool:
    if service.get("built"):
        return True
    image = image_of(service.get("image"))
    return bool(image.name) and not image.official and datastore(image) is None and not is_infrastructure(image)


def _is_one_shot(service: ProjectFact) -> bool:
    """Whether a service does its work and ends, or is only started when somebody asks for it."""
    if service.get("profiles"):
        return True
    return is_one_shot(service.words, service.get("command"))


def _health_of(service: ProjectFact, compose: _Compose) -> str:
    """What is known of the check of a service: "yes", "off", "" for none, "?" where an image or file says it that is not here."""
    if service.get("health"):
        return service.get("health")
    if (compose.group(service.path), service.words) in compose.asked:
        return "yes"
    if service.get("extends"):
        base = compose.services.get((_joined(_folder(service.path), service.get("extends")), service.get("extended")))
        if base is None or base.get("health") == "yes":
            return "?" if base is None else "yes"
    if service.get("built"):
        built = compose.images.get(_built_file(service))
        if built is None:
            return "?"
        health = json.loads(built.get("health"))
        state = health.get(service.get("target").lower(), health[""])
        return "off" if state == "none" else str(state)
    # An image from a registry may bring a HEALTHCHECK of its own; those of the datastores are known not to.
    return "" if _store_of(service) is not None else "?"


_WORKS = re.compile(r"(?:^|[\W_])(?:celery|worker|workers|beat|rq|dramatiq|huey|consumer)(?:$|[\W_])")


def _serves(service: ProjectFact, images: Mapping[str, ProjectFact]) -> bool:
    command = service.get("command")
    if command:
        return bool(SERVERS.search(command)) or (bool(service.get("ports")) and not _WORKS.search(command))
    built = images.get(_built_file(service))
    return bool(service.get("ports")) or (built is not None and bool(built.get("serves")))


def _compose_recipe(service: ProjectFact, test: str) -> FixRequest | None:
    indent = int(service.get("indent") or "0")
    if not test or not indent:
        return None
    pad = " " * indent
    text = f"{pad}healthcheck:\n{pad}  test: {test}\n{pad}  interval: 10s\n{pad}  timeout: 5s\n{pad}  retries: 5"
    return FixRequest("insert-line-after", f"Ask `{service.words}` whether it answers", False, (("text", text),))
