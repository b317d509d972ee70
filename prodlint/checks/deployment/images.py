"""References to images that move (PRD803)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, every
from prodlint.checks.deployment.dockerfile import built_from
from prodlint.facts import Dockerfile, Document, Instruction, Node
from prodlint.model import Priority
from prodlint.values.compose import is_for_development, is_sandbox
from prodlint.values.container_images import ADMINISTRATION, Image, image_of, with_defaults
from prodlint.values.workloads import containers_of, pods

# ---------------------------------------------------------------- references that move

_MOVING = frozenset(
    "latest stable edge main master nightly trunk head current mainline rolling canary next unstable beta alpha lts".split()
)
# Names of distribution releases: a version of the distribution's own image, a mere flavour of any other's.
_CODENAMES = frozenset(
    "buster bullseye bookworm trixie forky sid focal jammy noble mantic lunar oracular plucky questing resolute slim alpine debian ubuntu ubi"
    " bionic xenial stretch jessie windowsservercore nanoserver perl fpm apache cli alpinelinux azurelinux".split()
)
_DISTRIBUTIONS = frozenset(
    "debian ubuntu buildpack-deps alpine fedora centos rockylinux almalinux oraclelinux amazonlinux archlinux opensuse".split()
)
# A major version of these takes in releases that break programs.
_MINOR_MATTERS = frozenset(("python", "pypy"))
_FLAVOUR = re.compile(r"(?:alpine|debian|ubuntu|bookworm|bullseye|trixie|slim)[0-9.]*\Z")


def movement(image: Image, *, digest_wanted: bool = False) -> tuple[str, Priority | None] | None:
    """Why a reference may mean another image tomorrow, and the priority where it is not the page's; None where it may not."""
    if image.digest or image.name == "scratch" or ("/" not in image.name and not image.official):
        return None
    if not image.tag:
        return "is not pinned: no tag means `latest`", None
    words = [word for word in re.split(r"[-_+]", image.tag.lower()) if word]
    if not words or image.family.startswith("distroless") or "distroless/" in image.name:
        return None
    versioned = any(character.isdigit() for word in words if not _FLAVOUR.match(word) for character in word)
    if image.family in _DISTRIBUTIONS:
        versioned = versioned or any(character.isdigit() for character in image.tag) or bool(set(words) & _CODENAMES - {"slim"})
    if words[0] in _MOVING and not versioned:
        return f"is not pinned: `{image.tag}` can change at any time", None
    if not versioned:
        return f"is not pinned: the tag `{image.tag}` names no version", None
    if image.official and image.family in _MINOR_MATTERS and words[0].isdigit():
        return f"is pinned to a major version only: `{image.tag}` takes in every {words[0]}.x", "P2"
    if digest_wanted:
        return f"is pinned to the tag `{image.tag}`, not a digest", None
    return None


# What an organisation's name on GitHub has where another registry has it no longer.
_COMPANY = re.compile(r"[-_]?(?:ai|io|hq|org|project|labs?|dev|inc|team|oss)\Z")


def is_own_image(reference: str, context: CheckContext) -> bool:
    """Whether an image is one that this project's pipelines publish, or a sibling of one: it moves when its own people move it."""
    name = image_of(reference).name.removeprefix("docker.io/").lower()
    home = name.rpartition("/")[0]
    owner = context.environment.owner.lower()
    if not home:
        return False
    # `public.ecr.aws/depot/web` of github.com/depot-io, `quay.io/depot/web` of github.com/depot.
    if owner and home.rpartition("/")[2] in (owner, _COMPANY.sub("", owner)):
        return True
    return any(home == each.lower().rpartition("/")[0] for each in context.environment.published_images)


def _hits(text: str, place: ByteRange, options: Mapping[str, object], words: str = "", *, softer: bool = False) -> Iterator[Diagnostic]:
    """The finding on one reference, if there is one. softer: nothing in production starts this."""
    known = with_defaults(text)
    if known is None or "{{" in text or not known[0].strip() or " " in known[0].strip():
        return
    found = movement(image_of(known[0]), digest_wanted=bool(options.get("digest")))
    if found is None:
        return
    why, priority = found
    # Whoever starts it can name a version from outside.
    if (known[1] or softer) and not options.get("defaults"):
        return
    yield Diagnostic(place, f"{words}image `{known[0].strip()}` {why}", priority=priority or ("P2" if known[1] or softer else None))


@check("PRD803", on=[every(Dockerfile)], required_literals=["from"], files=("dockerfile",))
def moving_base(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """FROM, COPY --from and RUN --mount=from= that name a moving image."""
    names = {stage.name for stage in dockerfile.stages if stage.name} | {str(stage.index) for stage in dockerfile.stages}
    relevant = built_from(dockerfile)
    seen: set[str] = set()
    for stage in dockerfile.stages:
        # Stages for tests and development go nowhere.
        if relevant and stage.index not in relevant:
            continue
        for instruction in stage.instructions:
            if instruction.keyword == "FROM" and not instruction.onbuild:
                if stage.parent is not None or not stage.resolved or stage.resolved in seen:
                    continue
                seen.add(stage.resolved)
                if is_own_image(stage.resolved, context):
                    continue
                yield from _hits(stage.resolved, _word(instruction, stage.image), context.options, "base ")
                continue
            for name, value in instruction.flags:
                origin = value if name == "from" else _mounted(value) if name == "mount" else ""
                if (
                    origin
                    and "$" not in origin
                    and origin.lower() not in names
                    and origin not in seen
                    and not is_own_image(origin, context)
                ):
                    seen.add(origin)
                    yield from _hits(origin, _flag(instruction, origin), context.options)


_IN_PRODUCTION = re.compile(r"(?:^|[/._-])(?:prod|production|live|deploy|deployment)(?:$|[/._-])")


def _mounted(options: str) -> str:
    return next((part[5:] for part in options.split(",") if part.startswith("from=")), "")


def _word(instruction: Instruction, word: str) -> ByteRange:
    at = instruction.value.find(word)
    if at == -1:  # written with escapes or quotes in it
        return ByteRange(instruction.source, instruction.start, instruction.end)
    start, end = instruction.place(at, at + len(word))
    return ByteRange(instruction.source, start, end)


def _flag(instruction: Instruction, value: str) -> ByteRange:
    written = value.encode()
    at = instruction.source.data.find(written, instruction.start, instruction.end)
    return (
        ByteRange(instruction.source, at, at + len(written))
        if at != -1
        else ByteRange(instruction.source, instruction.start, instruction.end)
    )


def _scalar(node: Node | None) -> Node | None:
    return node if node is not None and node.kind == "scalar" and isinstance(node.value, str) and not node.tag else None


@check("PRD803", on=[documents("compose")], required_literals=[("services", "image")], files=("yaml",))
def moving_compose_image(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Services of compose; what the same file builds has the tag it was built with."""
    services = document.root.get("services")
    if services is None or services.kind != "mapping":
        return
    built = {service.text_at("image") for service in services.members.values() if service.get("build") is not None}
    # What developers start for themselves may follow the newest.
    if is_for_development(document) and not _IN_PRODUCTION.search(document.file.path.lower()):
        return
    softer = is_sandbox(document)
    seen: set[str] = set()
    for service in services.members.values():
        image = _scalar(service.get("image"))
        if image is None or image.raw in built or image.raw in seen or service.text_at("pull_policy") in ("build", "never"):
            continue
        seen.add(image.raw)
        known = with_defaults(image.raw)
        if (
            known is not None
            and image_of(known[0]).tag
            and is_own_image(known[0], context)
            and not _IN_PRODUCTION.search(document.file.path.lower())
        ):
            # How a project shows others to run it: `latest` is its last release.
            continue
        # Pages for administration hold no data of their own.
        aside = known is not None and image_of(known[0]).family in ADMINISTRATION
        yield from _hits(image.raw, ByteRange(image.source, image.start, image.end), context.options, softer=softer or aside)


@check("PRD803", on=[documents("kubernetes")], required_literals=[("image", "containers")], files=("yaml", "json"))
def moving_pod_image(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Containers of Kubernetes workloads."""
    for pod in pods(document):
        seen: set[str] = set()
        for container in containers_of(pod, inits=True):
            image = _scalar(container.get("image"))
            if image is not None and image.raw not in seen:
                seen.add(image.raw)
                for hit in _hits(image.raw, ByteRange(image.source, image.start, image.end), context.options):
                    if not context.environment.tag_is_set(context.file.path, image_of(image.raw).name):
                        yield hit


@check("PRD803", on=[documents("helm-values")], required_literals=[("tag", "repository")], files=("yaml",))
def moving_chart_image(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`repository` and `tag` side by side in a chart's values; an empty tag stands for the chart's appVersion."""
    for node in document.root.walk():
        repository, tag = (_scalar(node.get(name)) for name in ("repository", "tag")) if node.kind == "mapping" else (None, None)
        if repository is not None and tag is not None and tag.raw and repository.raw and not node.text_at("digest"):
            yield from _hits(f"{repository.raw}:{tag.raw}", ByteRange(tag.source, tag.start, tag.end), context.options)


@check(
    "PRD803",
    on=[documents("github-workflow", "gitlab-ci", "circleci", "azure-pipelines")],
    required_literals=["image", "container:", "docker://"],
    files=("yaml",),
)
def moving_ci_image(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Containers and services of CI jobs, and steps that run an image."""
    if not context.options.get("ci"):
        return
    seen: set[str] = set()
    for node in _ci_images(document):
        text = node.raw.removeprefix("docker://")
        if text not in seen and "${{" not in text and "$(" not in text and not is_own_image(text, context):
            seen.add(text)
            yield from _hits(text, ByteRange(node.source, node.start, node.end), context.options)


def _azure_images(root: Node) -> Iterator[Node]:
    """`container:` of a job, by name or with an image, and `resources.containers`, which are named where they are used."""
    listed = root.get("resources", "containers")
    named = {each.text_at("container") for each in listed.items} if listed is not None else set[str]()
    for node in root.walk():
        key = node.path.rsplit(".", 1)[-1]
        if key == "container" and node.kind == "scalar" and node.raw not in named and re.search(r"[:/]", node.raw):
            yield node
        elif key == "image" and node.kind == "scalar" and "container" in node.path:
            yield node


def _ci_images(document: Document) -> Iterator[Node]:
    root = document.root
    if document.kind == "azure-pipelines":
        yield from _azure_images(root)
        return
    if document.kind == "github-workflow":
        jobs = root.get("jobs")
        for job in jobs.members.values() if jobs is not None else ():
            container = job.get("container")
            services = job.get("services")
            nodes = [container, *(services.members.values() if services is not None else ())]
            for each in nodes:
                image = _scalar(each) or _scalar(each.get("image") if each is not None else None)
                if image is not None:
                    yield image
            steps = job.get("steps")
            for step in steps.items if steps is not None else ():
                uses = _scalar(step.get("uses"))
                if uses is not None and uses.raw.startswith("docker://"):
                    yield uses
        return
    for job in (root, *root.members.values()):
        image = job.get("image")
        found = _scalar(image) or _scalar(image.get("name") if image is not None else None)
        if found is not None:
            yield found
        services = job.get("services")
        for service in services.items if services is not None else ():
            inner = _scalar(service) or _scalar(service.get("name"))
            if inner is not None:
                yield inner
        docker = job.get("docker")
        for each in docker.items if docker is not None else ():
            inner = _scalar(each.get("image"))
            if inner is not None:
                yield inner
    jobs = root.get("jobs")
    for job in jobs.members.values() if document.kind == "circleci" and jobs is not None else ():
        docker = job.get("docker")
        for each in docker.items if docker is not None else ():
            inner = _scalar(each.get("image"))
            if inner is not None:
                yield inner
