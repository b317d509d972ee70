"""PRD809 python-runtime-end-of-life: interpreters, distributions and datastores that get no more security fixes (lifetimes.toml)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files as resources
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    check,
    collect,
    documents,
    every,
    project_check,
    text,
)
from prodlint.checks.deployment.dockerfile import built_from
from prodlint.facts import Dockerfile, Document, Node, Text
from prodlint.model import Priority, Related
from prodlint.values.compose import is_for_development, is_sandbox, services
from prodlint.values.container_images import image_of, with_defaults
from prodlint.values.workloads import containers_of, pods

_WORDS = {"python": "Python", "node": "Node.js", "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "centos": "CentOS", "postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "redis": "Redis", "mongo": "MongoDB", "elasticsearch": "Elasticsearch"}  # fmt: skip
# Images of others that are built on one of these, by their last name.
_KIN = {
    "pgvector": "postgres",
    "postgis": "postgres",
    "timescaledb": "postgres",
    "pypy": "",
    "buildpack-deps": "debian",
    "redis-stack": "",
    "python3": "python",
}
_MONTHS = ("", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, str]]:
    """Product -> release -> the last day with fixes, as YYYY-MM-DD."""
    import tomli

    return tomli.loads(resources(__package__).joinpath("lifetimes.toml").read_text("utf-8"))


def ended(product: str, version: str) -> str:
    """The month since when a release gets no fixes ("October 2024"); "" while it does, or where the table does not know it."""
    known = _table().get(product, {})
    parts = version.split(".")
    day = next((known[name] for count in range(len(parts), 0, -1) if (name := ".".join(parts[:count])) in known), "")
    if not day or day >= time.strftime("%Y-%m-%d"):
        return ""
    year, month, _ = day.split("-")
    return f"{_MONTHS[int(month)]} {year}"


_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
_FLAVOUR = re.compile(
    r"(?:^|-)(?:slim-)?(jessie|stretch|buster|bullseye|bookworm|trixie|xenial|bionic|focal|jammy|noble)\b|(?:^|-)alpine(\d+\.\d+)"
)


def _of_image(reference: str, *, flavours: bool) -> tuple[str, str] | None:
    """What of an image is at its end of life: words and since when. flavours: also the distribution that a maintained program stands on."""
    image = image_of(reference)
    family = _KIN.get(image.family, image.family)
    product = family if image.official or image.family in _KIN or "/" not in image.name else ""
    if product not in _WORDS:
        product = "elasticsearch" if image.name.startswith("docker.elastic.co/elasticsearch/") and family == "elasticsearch" else ""
    version = _VERSION.match(image.tag.removeprefix("pg"))
    code = re.match(r"[a-z]+", image.tag)
    name = version[1] if version else code[0] if code else ""
    since = ended(product, name) if product and name else ""
    if since:
        return f"{_WORDS[product]} {name}", since
    flavour = _FLAVOUR.search(image.tag) if flavours else None
    if flavour is not None and product not in ("debian", "ubuntu", "alpine"):
        kind, release = ("alpine", flavour[2]) if flavour[2] else ("debian", flavour[1])
        kind = "ubuntu" if flavour[1] in ("xenial", "bionic", "focal", "jammy", "noble") else kind
        since = ended(kind, release)
        if since:
            return f"{_WORDS[kind]} {release}", since
    return None


def _message(what: str, since: str) -> str:
    return f"{what} has had no security fixes since {since}"


@check("PRD809", on=[every(Dockerfile)], required_literals=["from"], files=("dockerfile",))
def base_out_of_support(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """`FROM python:3.8-slim-buster`. A stage for building alone is a P2."""
    relevant = built_from(dockerfile)
    final = dockerfile.final
    last = {each.index for each in ([final] if final is not None else [])}
    while final is not None and final.parent is not None:
        final = final.parent
        last.add(final.index)
    seen: set[str] = set()
    for stage in dockerfile.stages:
        if stage.index not in relevant or stage.parent is not None or not stage.resolved or stage.resolved in seen:
            continue
        found = _of_image(stage.resolved, flavours=bool(context.options.get("flavours")))
        if found is not None:
            seen.add(stage.resolved)
            at = stage.instructions[0]
            yield Diagnostic(at, _message(*found), priority=None if stage.index in last else "P2")


@check("PRD809", on=[documents("compose")], required_literals=[("services", "image")], files=("yaml",))
def service_out_of_support(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A database or interpreter of compose."""
    if is_for_development(document) or is_sandbox(document):
        return
    for service in services(document):
        image = service.node.get("image")
        known = with_defaults(image.raw) if image is not None and image.kind == "scalar" and not service.built else None
        found = _of_image(known[0], flavours=bool(context.options.get("flavours"))) if known is not None and known[0] else None
        if image is not None and found is not None:
            yield Diagnostic(image, _message(*found))


@check("PRD809", on=[documents("kubernetes")], required_literals=[("image", "containers")], files=("yaml", "json"))
def pod_out_of_support(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The same in a pod."""
    for pod in pods(document):
        for container in containers_of(pod):
            image = container.get("image")
            known = image is not None and "{{" not in image.raw
            found = _of_image(image.raw, flavours=bool(context.options.get("flavours"))) if image is not None and known else None
            if image is not None and found is not None:
                yield Diagnostic(image, _message(*found))


_NOT_SHIPPED = ("test", "example", "docs", "dev", "ci", "vendored", "generated")
_RUNTIME = re.compile(r"\A\s*(?:python-?)?(\d+\.\d+)(?:\.\d+)?\s*\Z")


@check("PRD809", on=[text()], required_literals=["python-", "2.", "3."], files=("text", "other", "lines"))
def runtime_out_of_support(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """Heroku's runtime.txt, pyenv's .python-version."""
    if context.file.name in ("runtime.txt", ".python-version"):
        found = _RUNTIME.match(whole.source.text)
        since = ended("python", found[1]) if found else ""
        if found is not None and since:
            yield Diagnostic(ByteRange(whole.source, found.start(1), found.end(1)), _message(f"Python {found[1]}", since))


@collect("shipped-python", on=[every(Dockerfile)], required_literals=["python"], files=("dockerfile",), not_in=_NOT_SHIPPED)
def shipped_python(dockerfile: Dockerfile, context: CheckContext) -> Iterator[ProjectFact]:
    """The interpreter of the official image that a Dockerfile ships, with the folder that it is built in by default."""
    stage = dockerfile.final
    while stage is not None and stage.parent is not None:
        stage = stage.parent
    if context.file.roles & set(_NOT_SHIPPED) or stage is None or not stage.resolved:
        return
    image = image_of(stage.resolved)
    found = re.match(r"(\d+)\.(\d+)", image.tag)
    if image.official and image.family == "python" and found is not None:
        yield ProjectFact("shipped-python", context.file.path, stage.instructions[0].span, f"{found[1]}.{found[2]}")


@collect(
    "wanted-python",
    on=[documents("pyproject")],
    required_literals=["requires-python", "python = ", "python="],
    files=("toml",),
    not_in=_NOT_SHIPPED,
)
def wanted_python(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The interpreters that a project allows."""
    node = document.root.get("project", "requires-python") or document.root.get("tool", "poetry", "dependencies", "python")
    if node is not None and node.kind == "scalar" and isinstance(node.value, str):
        yield ProjectFact("wanted-python", context.file.path, node.span, node.value)


@project_check("PRD809", topics=("shipped-python", "wanted-python"))
def image_that_is_not_allowed(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """`FROM python:3.11` where `requires-python` says `>=3.12`: the project cannot be installed in its own image."""
    wanted = {fact.path.rpartition("/")[0]: fact for fact in project.about("wanted-python")}
    for image in project.about("shipped-python"):
        said = wanted.get(image.path.rpartition("/")[0])
        if said is not None and not _allows(said.words, image.words):
            yield ProjectDiagnostic(
                image.path,
                image.span,
                f"the image has Python {image.words}, and `{said.words}` does not allow it",
                related=(Related(said.path, said.span, f"`{said.words}`"),),
            )


def _allows(specifier: str, version: str) -> bool:
    """Whether some patch release of a version of Python is allowed; yes too where the specifier cannot be read."""
    major, minor = (int(part) for part in version.split("."))
    for part in specifier.replace(" ", "").split(","):
        found = re.fullmatch(r"(>=|<=|<|>|==|~=|\^|~)(\d{1,4})(?:\.(\d{1,4}))?(?:\.[\d*]+)?", part)
        if found is None or found[3] is None:
            continue
        operator, bound = found[1], (int(found[2]), int(found[3]))
        here = (major, minor)
        exact = part.count(".") == 1
        if operator == ">=" and here < bound or operator == "^" and (here < bound or major != bound[0]):
            return False
        if operator == "<" and (here > bound or here == bound and exact) or operator == "<=" and here > bound:
            return False
        if operator in ("==", "~") and here != bound or operator == "~=" and (here < bound or major != bound[0]):
            return False
    return True


_UPPER = re.compile(r"<(=?)\s*(\d{1,4})\.(\d{1,4})(?!\d)")
_ONLY = re.compile(r"(?:==|~=|\^)?\s*(\d+)\.(\d+)(?:\.[\d*]+)?\s*\Z")


@check("PRD809", on=[documents("pyproject")], required_literals=["requires-python", "python = ", "python="], files=("toml",))
def only_old_pythons(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`requires-python = ">=3.8,<3.10"` allows no interpreter that is maintained."""
    for node in (document.root.get("project", "requires-python"), document.root.get("tool", "poetry", "dependencies", "python")):
        if node is None or node.kind != "scalar":
            continue
        newest = _newest(str(node.value))
        since = ended("python", newest) if newest else ""
        if since:
            yield Diagnostic(node, f"`{node.raw}` allows no Python newer than {newest}, which has had no security fixes since {since}")


def _newest(specifier: str) -> str:
    """The newest minor version that a specifier with an upper bound allows, or nothing."""
    upper = _UPPER.search(specifier)
    if upper is not None and upper[2] == "3":
        minor = int(upper[3]) - (0 if upper[1] else 1)
        return f"3.{minor}" if minor >= 0 else "2.7"
    only = _ONLY.match(specifier.strip())
    # Poetry's `^3.8` goes up to 4; `~3.8` does not, nor does `==3.8.*`.
    if (
        only is not None
        and not specifier.strip().startswith("^")
        and (specifier.strip().startswith(("==", "~=")) or not specifier.strip()[0].isdigit())
    ):
        return f"{only[1]}.{only[2]}" if not (specifier.strip().startswith("~=") and specifier.count(".") < 2) else ""
    return ""


# A workflow that runs tests; one that only builds a package may do so with any Python.
_TESTS = re.compile(rb"\b(?:pytest|tox|nox|unittest|manage\.py test|(?:make|just|inv|invoke|npm run|yarn) [\w-]*tests?)\b")


@check("PRD809", on=[documents("github-workflow")], required_literals=["python-version"], files=("yaml",))
def tested_with_old_pythons(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """CI whose every Python is out of support: what is tested is what nobody maintains."""
    if _TESTS.search(document.source.data) is None:
        return
    found = list(_pythons(document.root))
    old = [(node, ended("python", node.raw)) for node in found]
    if found and all(since for _, since in old):
        node, since = old[0]
        priority: Priority = "P2"
        yield Diagnostic(node, f"CI tests with Python {node.raw} only, which has had no security fixes since {since}", priority=priority)


def _pythons(root: Node) -> Iterator[Node]:
    for node in root.walk():
        parts = node.path.split(".")
        if node.kind == "scalar" and "python-version" in parts[-2:] and re.fullmatch(r"\d+\.\d+(?:\.\d+)?", node.raw):
            yield node
