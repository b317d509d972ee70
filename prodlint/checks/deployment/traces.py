"""What each deployment file says that the project pass needs: images, services, build contexts, platforms."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import CheckContext, ProjectFact, collect, commands, documents, every, project_fact, settings
from prodlint.checks.deployment.dockerfile import (
    lineage,
    root_image,
    runs_as_root,
    scripts_of,
    shipped,
    start_of,
    targets,
)
from prodlint.facts import Command, Dockerfile, Document, File, Instruction, Node, Setting, Stage
from prodlint.values.compose import Service, is_for_development, is_sandbox, items, services
from prodlint.values.container_images import SERVERS, image_of
from prodlint.values.workloads import pods

# Files of these roles say nothing about production; they may still show a rule to be satisfied.
_ELSEWHERE = frozenset(("test", "example", "dev", "ci", "docs", "generated", "vendored"))


def _off(file: File) -> str:
    return "1" if file.roles & _ELSEWHERE else ""


# ---------------------------------------------------------------- what Dockerfiles say


@collect(
    "dockerfile",
    "script-as-root",
    "unstarted-as-root",
    "copied-context",
    on=[every(Dockerfile)],
    required_literals=["from"],
    files=("dockerfile",),
)
def dockerfiles(dockerfile: Dockerfile, context: CheckContext) -> Iterator[ProjectFact]:
    """One trace an image, and one for every `COPY .`."""
    stage = shipped(dockerfile)
    if stage is None:
        return
    start = start_of(stage)
    exposed = next((each.words[0] for each in lineage(stage) if each.keyword == "EXPOSE" and each.words), "")
    started = " ".join(" ".join(each.words) for each in lineage(stage) if each.keyword in ("CMD", "ENTRYPOINT"))
    yield project_fact(
        "dockerfile",
        start if start is not None and start.stage is stage else stage.instructions[0],
        words=started[:200],
        off=_off(dockerfile.file),
        health=json.dumps({each.name or str(each.index): _health(each) for each in dockerfile.stages} | {"": _health(stage)}),
        # Who builds a service elsewhere says so with a port or a server; anything else may be a tool or a job.
        serves="1"
        if start is not None and (_serves_at(exposed) or SERVERS.search(started)) and not _is_function(stage) and not _is_proxy(stage)
        else "",
        port=re.sub(r"\D.*", "", exposed),
        python="1" if "python" in root_image(stage) else "",
    )
    for target in targets(dockerfile):
        scripts, root = scripts_of(target), runs_as_root(dockerfile, target)
        if scripts and root is not None:
            place = root[0]
            span = dockerfile.source.span(place.start, place.end)
            data = (("off", _off(dockerfile.file)), ("scripts", json.dumps(scripts)))
            yield ProjectFact("script-as-root", dockerfile.file.path, span, root[1], data)
    if start is None and (root := runs_as_root(dockerfile, stage, started_elsewhere=True)) is not None:
        span = dockerfile.source.span(root[0].start, root[0].end)
        yield ProjectFact("unstarted-as-root", dockerfile.file.path, span, root[1], (("off", _off(dockerfile.file)),))
    reaching = context_in_image(dockerfile, stage)
    for each in dockerfile.stages:
        for instruction in each.instructions:
            if _copies_context(instruction):
                left_out = json.dumps([value for name, value in instruction.flags if name == "exclude"])
                yield project_fact(
                    "copied-context",
                    instruction,
                    off=_off(dockerfile.file),
                    final="1" if id(instruction) in reaching else "",
                    excluded=left_out,
                    removed=json.dumps(_removed(dockerfile)),
                )


# Remote desktops and shells: whoever sits there sees whether it answers.
_DESKTOP_PORTS = frozenset(("22", "3389", "6080", "6081"))


def _serves_at(exposed: str) -> bool:
    """Whether an exposed port is one that a service answers on."""
    number = exposed.partition("/")[0]
    return bool(exposed) and number not in _DESKTOP_PORTS and not re.fullmatch(r"59\d\d", number)


def _health(stage: Stage) -> str:
    found = next((each for each in lineage(stage) if each.keyword == "HEALTHCHECK"), None)
    return "" if found is None else "none" if found.words[:1] == ("NONE",) else "yes"


def _is_function(stage: Stage) -> bool:
    """Whether the platform that runs the image calls it, instead of asking whether it lives."""
    return (
        "lambda" in root_image(stage)
        or "azure-functions" in root_image(stage)
        or any("awslambdaric" in each.value for each in lineage(stage))
    )


def context_in_image(dockerfile: Dockerfile, shipped_stage: Stage) -> set[int]:
    """Which `COPY .` get into the image that is shipped, by `id`: its own, and those of stages whose folder is copied on, as a whole."""
    # For each stage the folders that hold the context, and the instruction each came in by.
    holds: dict[int, list[tuple[str, Instruction]]] = {}
    folders: dict[int, str] = {}
    for stage in dockerfile.stages:
        found = list(holds.get(stage.parent.index, ())) if stage.parent is not None else []
        folder = folders.get(stage.parent.index, "/") if stage.parent is not None else "/"
        for instruction in stage.instructions:
            if instruction.keyword == "WORKDIR" and instruction.words:
                folder = posixpath.join(folder, instruction.words[0])
            if instruction.keyword not in ("COPY", "ADD") or len(instruction.words) < 2:
                continue
            target = posixpath.normpath(posixpath.join(folder, instruction.words[-1]))
            origin = _origin(dockerfile, instruction)
            if _copies_context(instruction):
                found.append((target, instruction))
            elif origin is not None:
                for source in instruction.words[:-1]:
                    bare = posixpath.normpath(posixpath.join("/", source.removesuffix("/*").removesuffix("/.")))
                    # A folder above is copied with all that is in it.
                    taken = [each for each in holds.get(origin, ()) if each[0] == bare or each[0].startswith(bare.rstrip("/") + "/")]
                    found += [(target, copied) for _, copied in taken]
        holds[stage.index] = found
        folders[stage.index] = folder
    return {id(instruction) for _, instruction in holds.get(shipped_stage.index, ())}


def _origin(dockerfile: Dockerfile, instruction: Instruction) -> int | None:
    """The stage of the same file that an instruction copies from."""
    name = next((value.lower() for key, value in instruction.flags if key == "from"), "")
    found = next((stage.index for stage in dockerfile.stages if stage.name == name or str(stage.index) == name), None)
    return found if name else None


_REMOVES = re.compile(r"\brm\s+(?:-\w+\s+)*([^;&|\n]+)")


@lru_cache(maxsize=2)
def _removed(dockerfile: Dockerfile) -> tuple[str, ...]:
    """The last names of what RUN takes away again before something is copied on; a layer of the image itself would keep it."""
    final = dockerfile.final
    runs = [each for stage in dockerfile.stages if stage is not final for each in stage.instructions if each.keyword == "RUN"]
    texts = [" ".join(each.words) if each.json_form else each.value for each in runs]
    return tuple(
        sorted({word.rstrip("/").rpartition("/")[2] for text in texts for found in _REMOVES.finditer(text) for word in found[1].split()})
    )


# What stands in front of a service, or only hands out files.
_PROXIES = frozenset("nginx nginx-unprivileged httpd caddy traefik haproxy openresty varnish envoy static-web-server".split())


def _is_proxy(stage: Stage) -> bool:
    start = start_of(stage)
    program = start.words[0].rsplit("/", 1)[-1] if start is not None and start.words else ""
    return image_of(root_image(stage)).family in _PROXIES or program in _PROXIES


def _copies_context(instruction: Instruction) -> bool:
    if instruction.keyword not in ("COPY", "ADD") or any(name == "from" for name, _ in instruction.flags):
        return False
    return any(word in (".", "./", "/", "*", "./*") for word in instruction.words[:-1])


# ---------------------------------------------------------------- what compose files say


@collect("compose-service", "compose-dependency", on=[documents("compose")], required_literals=["services"], files=("yaml",))
def compose_services(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """One trace a service, one for each service it waits for."""
    off = "1" if _off(document.file) or is_for_development(document) or is_sandbox(document) else ""
    for service in services(document):
        node = service.node
        data = {**_described(service), "off": off}
        yield ProjectFact("compose-service", document.file.path, node.key_span, service.name, tuple(sorted(data.items())))
        waits = service.get("depends_on")
        if waits is None:
            continue
        for each in waits.members.values() if waits.kind == "mapping" else waits.items:
            name = each.path.rsplit(".", 1)[-1] if waits.kind == "mapping" else each.raw
            span = each.key_span if waits.kind == "mapping" else each.span
            condition = each.text_at("condition") if waits.kind == "mapping" else ""
            yield ProjectFact("compose-dependency", document.file.path, span, name, (("by", service.name), ("condition", condition)))


def _described(service: Service) -> dict[str, str]:
    image = service.image
    health = service.get("healthcheck")
    state = ""
    if health is not None:
        test = health.get("test")
        off = health.text_at("disable") == "true" or (
            test is not None and (test.raw == "NONE" or [item.raw for item in test.items] == ["NONE"])
        )
        state = "off" if off else "yes"
    elif "healthcheck" in service.node.members:
        state = "empty"
    build = service.get("build")
    build_context, dockerfile, target = "", "", ""
    if build is not None:
        build_context = build.raw if build.kind == "scalar" else build.text_at("context") or "."
        dockerfile = build.text_at("dockerfile")
        target = build.text_at("target")
    command = " ".join(item.raw for key in ("entrypoint", "command") for item in items(service.get(key)))
    extends = service.node.get("extends")
    return {
        "image": f"{image.name}:{image.tag}" if image is not None else "",
        "health": state,
        "context": build_context,
        "dockerfile": dockerfile,
        "target": target,
        "built": "1" if build is not None else "",
        "command": command[:300],
        "user": (service.get("user") or service.node).raw,
        "ports": "1" if any(True for key in ("ports", "expose") for _ in items(service.get(key))) else "",
        "restart": (service.get("restart") or service.node).raw,
        "profiles": "1" if service.get("profiles") is not None else "",
        "extends": extends.text_at("file") if extends is not None else "",
        "extended": extends.text_at("service") or service.name if extends is not None else "",
        "whole": "1" if extends is not None or service.get("image") is not None or build is not None else "",
        "indent": str(_indent(service.node)),
    }


@collect(
    "compose-files",
    on=[commands("docker", "docker-compose", "podman-compose")],
    required_literals=[("compose", " -f"), ("compose", "--file")],
    files=("yaml", "shell", "makefile", "jenkinsfile", "json", "procfile"),
)
def files_together(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """`docker compose -f compose.yaml -f ops/compose.prod.yaml`: files that are put over one another, though they lie apart."""
    if command.program == "docker" and "compose" not in command.argv[:4]:
        return
    named: list[str] = []
    for index, word in enumerate(command.argv):
        flag, equals, value = word.partition("=")
        if flag in ("-f", "--file"):
            named += [value] if equals else command.argv[index + 1 : index + 2]
    if len(named) > 1:
        yield project_fact("compose-files", command, " ".join(named))


@collect("compose-files", on=[settings("COMPOSE_FILE")])
def files_by_setting(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """`COMPOSE_FILE=compose.yaml:ops/compose.prod.yaml` says the same."""
    named = re.split(r"[:;]", setting.value or "")
    if len(named) > 1:
        yield project_fact("compose-files", setting, " ".join(named))


def _indent(node: Node) -> int:
    first = next((child for child in node.members.values() if child.key_start >= node.start), None)
    return node.source.position(first.key_start)[1] - 1 if first is not None else 0


# ---------------------------------------------------------------- what else says how a service is run


@collect("kubernetes-workload", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"))
def workloads(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Workloads that Kubernetes keeps running: it asks its own probes and no HEALTHCHECK."""
    for pod in pods(document):
        if pod.kind not in ("Job", "CronJob") and not document.file.roles & {"test", "example", "vendored"}:
            yield project_fact("kubernetes-workload", document, pod.kind)


# Programs that hand an image to a platform, and what they are told when they do. `eb` and `oc` are too short to look for.
_DEPLOYS: dict[str, str] = {
    "gcloud": r"\brun\b|\bapp deploy|functions",
    "aws": r"^(?:ecs|eks|apprunner|lambda)\b",
    "az": r"^(?:containerapp|webapp|aks|functionapp)\b",
    "kubectl": r"^(?:apply|set|rollout|create|replace|patch)",
    "helm": r"^(?:upgrade|install|template|package|push)",
    "helmfile": r"apply|sync",
    "kustomize": r"^(?:build|edit)",
    "flyctl": r"deploy",
    "fly": r"deploy",
    "heroku": r"container:",
    "railway": r"\bup\b|redeploy",
    "nomad": r"\brun\b",
    "serverless": r"deploy",
    "sls": r"deploy",
}
_DEPLOY_ANCHORS: list[str | tuple[str, ...]] = [
    ("gcloud", "run"),
    ("gcloud", "app"),
    ("gcloud", "functions"),
    ("aws", "ecs"),
    ("aws", "eks"),
    ("aws", "apprunner"),
    ("aws", "lambda"),
    ("az", "containerapp"),
    ("az", "webapp"),
    ("az", "aks"),
    ("az", "functionapp"),
    "kubectl",
    "helm",
    "kustomize",
    ("fly", "deploy"),
    ("heroku", "container:"),
    ("railway", "up"),
    ("railway", "redeploy"),
    ("nomad", "run"),
    ("serverless", "deploy"),
    ("sls", "deploy"),
]


@collect("platform", on=[commands(*_DEPLOYS)], required_literals=_DEPLOY_ANCHORS, files=("yaml", "shell", "makefile", "jenkinsfile"))
def platforms(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Commands that hand an image to a platform with health checks of its own."""
    argv = " ".join(command.argv[:4])
    if re.search(_DEPLOYS[command.program], argv):
        yield project_fact("platform", command, f"{command.program} {argv}"[:60])


_DEPLOY_ACTIONS = re.compile(
    r"ecs-deploy|deploy-cloudrun|deploy-appengine|flyctl-actions|webapps-deploy|container-apps-deploy|k8s-deploy|helm-deploy|koyeb|railway"
)


@collect(
    "platform",
    on=[documents("github-workflow", "github-action")],
    required_literals=[("uses", "deploy"), "flyctl-actions", "koyeb", "railway"],
    files=("yaml",),
)
def platform_steps(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Actions that do the same."""
    for node in document.root.walk():
        if node.kind == "mapping" and _DEPLOY_ACTIONS.search(node.text_at("uses")):
            yield project_fact("platform", node, node.text_at("uses"))


_BUILD_ANCHORS: list[str | tuple[str, ...]] = [("docker", "build"), ("podman", "build"), "buildah", ("depot", "build")]


@collect(
    "image-build",
    on=[commands("docker", "podman", "buildah", "depot")],
    required_literals=_BUILD_ANCHORS,
    files=("yaml", "shell", "makefile", "jenkinsfile"),
)
def image_builds(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """`docker build -f Dockerfile context`."""
    argv = [word for word in command.argv if word not in ("buildx", "image")]
    if argv[:1] not in (["build"], ["bud"]):
        return
    file = command.flag_value("-f", "--file") or ""
    if "$" not in file and "$" not in argv[-1] and len(argv) > 1 and not argv[-1].startswith("-"):
        tag = command.flag_value("-t", "--tag") or ""
        yield project_fact("image-build", command, file, context=argv[-1], image=tag if "$" not in tag.rpartition(":")[0] else "")


@collect("image-build", on=[documents("github-workflow", "github-action")], required_literals=["build-push-action"], files=("yaml",))
def build_steps(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """docker/build-push-action with its build context."""
    for node in document.root.walk():
        if node.kind == "mapping" and "build-push-action" in node.text_at("uses"):
            build_context, file = node.text_at("with", "context") or ".", node.text_at("with", "file")
            if "${{" not in build_context and "${{" not in file:
                tag = next((word for word in re.split(r"[\s,]+", node.text_at("with", "tags")) if word), "")
                yield project_fact(
                    "image-build", node, file, context=build_context, image=tag if "{{" not in tag.rpartition(":")[0] else ""
                )
