"""Dockerfiles: the user of the process (PRD802), health checks that cannot run (PRD804)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import Dockerfile, Instruction, Stage
from prodlint.model import Priority
from prodlint.readers.dockerfile import expand, variables
from prodlint.values.container_images import brings_server, datastore, has_own_user, image_of, leaves_root

_DEVELOPMENT = re.compile(
    r"(?:^|[-_.])(?:dev|devel|development|(?:unit|integration)?-?tests?|testing|lint|debug|ci|docs|devcontainer)(?:$|[-_.])"
)
_SHIPPED = ("production", "prod", "runtime", "release", "final", "app", "main", "server", "deploy", "runner", "web", "api")


def shipped(dockerfile: Dockerfile) -> Stage | None:
    """The stage that goes to production: the last one; where that is named for development the one that is named for production, or
    the one that it is built on."""
    final = dockerfile.final
    if final is None or not _DEVELOPMENT.search(final.name):
        return final
    named = next((stage for name in _SHIPPED for stage in dockerfile.stages if stage.name == name), None)
    below = final.parent
    while named is None and below is not None and _DEVELOPMENT.search(below.name):
        below = below.parent
    return named or below


def targets(dockerfile: Dockerfile) -> list[Stage]:
    """The stages that are started somewhere: the shipped one, and those that start something and that no other stage is made
    from. `docker build --target` is the only use of these."""
    ships = shipped(dockerfile)
    if ships is None:
        return []
    names = _numbers(dockerfile)
    used = set[int]().union(*(_made_from(names, each) for each in dockerfile.stages))
    return [
        each
        for each in dockerfile.stages
        if each is ships
        or (
            each.index not in used
            and not _DEVELOPMENT.search(each.name)
            and any(line.keyword in ("CMD", "ENTRYPOINT") for line in each.instructions)
        )
    ]


def lineage(stage: Stage) -> Iterator[Instruction]:
    """What makes the image, last instruction first; what is only for images built on top of it left out."""
    return (instruction for instruction in stage.lineage() if not instruction.onbuild)


def root_image(stage: Stage) -> str:
    """The image at the bottom of a stage; "" where it cannot be known."""
    while stage.parent is not None:
        stage = stage.parent
    return stage.resolved


def start_of(stage: Stage) -> Instruction | None:
    """The instruction that says what is started: the last ENTRYPOINT, else the last CMD."""
    found: Instruction | None = None
    for instruction in lineage(stage):
        if instruction.keyword == "ENTRYPOINT" and instruction.words:
            return instruction
        if instruction.keyword == "CMD" and instruction.words and found is None:
            found = instruction
    return found


def final_user(dockerfile: Dockerfile, stage: Stage) -> tuple[Instruction, str | None] | None:
    """The last USER of an image and what it comes to (None where a variable has no value); None where there is none."""
    for instruction in lineage(stage):
        if instruction.keyword == "USER":
            assert instruction.stage is not None
            return instruction, expand(instruction.value.strip("\"'"), variables(dockerfile, instruction.stage, instruction))
    return None


# ---------------------------------------------------------------- PRD802

# Programs that take the process from root to another user.
DROPS_ROOT = re.compile(
    r"\b(?:gosu|su-exec|setpriv|s6-setuidgid|s6-overlay|runuser|fixuid|chpst|setuidgid|start-stop-daemon|capsh|chroot --userspec)\b"
    r"|\bsu (?:-|\w)"
)


def scripts_of(stage: Stage) -> list[str]:
    """The scripts that ENTRYPOINT and CMD start, by their last name."""
    found: list[str] = []
    for keyword in ("ENTRYPOINT", "CMD"):
        instruction = next((each for each in lineage(stage) if each.keyword == keyword), None)
        if instruction is not None:
            for text in instruction.words[:3]:
                names = [word.strip("\"';").rsplit("/", 1)[-1] for word in text[:500].split()]
                found.extend(name for name in names if name.endswith((".sh", ".bash")) or "entrypoint" in name)
    return found


# Web servers bind port 80 as root and hand requests to workers that are not.
_WEB_SERVERS = ("nginx", "httpd", "caddy", "traefik")


def runs_as_root(dockerfile: Dockerfile, stage: Stage, *, started_elsewhere: bool = False) -> tuple[ByteRange, str, Priority | None] | None:
    """Where an image is told to start as root, the words for it; None where it is not, or where that cannot be known.

    started_elsewhere: what is started stands in a manifest, not in the Dockerfile.
    """
    base = root_image(stage)
    image = image_of(base)
    server = image.official and image.family in _WEB_SERVERS
    user = final_user(dockerfile, stage)
    # An image of others that has a command of its own, and a user that was left for root to install something.
    left = user is not None and base != "" and not image.official and not has_own_user(image) and datastore(image) is None
    waits = server or left or started_elsewhere or brings_server(image)
    start = start_of(stage) or (stage.instructions[0] if waits else None)
    if start is None:
        return None
    if any(DROPS_ROOT.search(each.value) for each in lineage(stage) if each.keyword in ("RUN", "CMD", "ENTRYPOINT", "ENV")):
        return None
    program = start.words[0].rpartition("/")[2] if start.words and start.keyword in ("CMD", "ENTRYPOINT") else ""
    # Pages and tools beside the service: what is broken into there holds less.
    aside = program != "" and not _runs_python(base, start)
    lesser = program in _WEB_SERVERS or aside or (start.keyword == "FROM" and not started_elsewhere)
    priority: Priority | None = "P2" if server else "P1" if lesser else None
    if user is not None:
        instruction, name = user
        if name is None or name.split(":")[0].strip() not in ("root", "0"):
            return None
        words = f"The image runs as `{instruction.value}`"
        return ByteRange(instruction.source, instruction.start, instruction.end), words, priority
    if not base or not leaves_root(image) or server:
        # The image of a web server without USER is as its makers mean it: it binds its port as root, its workers are not.
        return None
    place = start if start.stage is stage else stage.instructions[0]
    words = "The image runs as root: no `USER` before this"
    if start.keyword == "FROM":
        words = "The image runs as root: no `USER`" if started_elsewhere else f"The image runs as root, as `{image.family}` does: no `USER`"
    return ByteRange(place.source, place.start, place.end), words, priority


_PYTHON = re.compile(
    r"python|pypy|gunicorn|uvicorn|hypercorn|granian|daphne|uwsgi|celery|flask|django|fastapi|manage\.py|\.py\b|\.sh\b|conda|\buv\b|poetry"
)


def _runs_python(base: str, start: Instruction) -> bool:
    """Whether an image is likely to be that of a Python program: by what it stands on or starts. A script may start one."""
    return _PYTHON.search(base) is not None or _PYTHON.search(" ".join(start.words)) is not None


@check("PRD802", on=[every(Dockerfile)], required_literals=["from"], files=("dockerfile",))
def image_as_root(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """An image whose process is root. One that starts a script waits for the project pass, which reads the script."""
    seen: set[int] = set()
    for stage in targets(dockerfile):
        found = runs_as_root(dockerfile, stage)
        if found is not None and not scripts_of(stage):
            place, words, priority = found
            if place.start not in seen:
                seen.add(place.start)
                manifest = context.environment.another_user(context.file.path)
                if manifest:
                    words, priority = f"The image runs as root: only `{manifest}` starts it as another user", "P2"
                yield Diagnostic(place, words, priority=priority)


# ---------------------------------------------------------------- PRD804

_PROBES = ("curl", "wget")
# Packages from a list or a script that is not read here: what they bring is not known.
_UNREAD = re.compile(
    r"xargs|\$\(cat|(?:apt-get|apt|apk|dnf|yum) [^&;]*\$|(?:^|[;&|]\s*)(?:sudo )?(?:\.{0,2}/[\w./-]+|(?:ba|z)?sh [\w./-]+)|\.sh\b",
    re.MULTILINE,
)


@check("PRD804", on=[every(Dockerfile)], required_literals=[("healthcheck", "curl"), ("healthcheck", "wget")], files=("dockerfile",))
def health_check_without_program(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """HEALTHCHECK with curl or wget in an image that has neither: it fails for ever."""
    stage = shipped(dockerfile)
    probe = next((each for each in lineage(stage) if each.keyword == "HEALTHCHECK"), None) if stage is not None else None
    if stage is None or probe is None:
        return
    image = image_of(root_image(stage))
    flavour = image.tag.lower()
    if not image.official or image.family not in ("python", "debian", "ubuntu", "alpine", "node", "pypy"):
        return
    lacks: tuple[str, ...] = ()
    if "alpine" in flavour or image.family == "alpine":
        # BusyBox has a wget of its own.
        lacks = ("curl",)
    elif "slim" in flavour or image.family in ("debian", "ubuntu"):
        lacks = _PROBES
    others = " ".join(each.value for each in lineage(stage) if each.keyword in ("RUN", "COPY", "ADD", "ARG", "ENV"))
    others += " ".join(text for each in lineage(stage) for text, _, _ in each.heredocs)
    if _UNREAD.search(others):
        return
    for program in lacks:
        if re.search(rf"\b{program}\b", probe.value) and not re.search(rf"\b{program}\b", others):
            yield Diagnostic(probe, f"HEALTHCHECK calls `{program}`, which `{image.name}:{image.tag}` does not have", priority="P2")
            return


# ---------------------------------------------------------------- stages


def built_from(dockerfile: Dockerfile) -> set[int]:
    """The stages that something of an image that is started comes from."""
    waiting, found = targets(dockerfile), set[int]()
    names = _numbers(dockerfile)
    while waiting:
        each = waiting.pop()
        if each.index in found:
            continue
        found.add(each.index)
        waiting.extend(dockerfile.stages[number] for number in _made_from(names, each))
    return found


def _numbers(dockerfile: Dockerfile) -> dict[str, int]:
    """The numbers of the stages, by name and by number."""
    return {each.name: each.index for each in dockerfile.stages if each.name} | {str(each.index): each.index for each in dockerfile.stages}


def _made_from(names: Mapping[str, int], stage: Stage) -> set[int]:
    """The stages that a stage is built on or takes files of. names: the stages by name and number."""
    found = {stage.parent.index} if stage.parent is not None else set[int]()
    for instruction in stage.instructions:
        for name, value in instruction.flags:
            origin = value if name == "from" else next((part[5:] for part in value.split(",") if part.startswith("from=")), "")
            if origin.lower() in names:
                found.add(names[origin.lower()])
    return found
