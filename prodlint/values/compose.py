"""Compose files: their services, ports, and whether the file is a developer's workplace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.counting import whole_number
from prodlint.facts import Document, Node
from prodlint.values.container_images import Image, datastore, image_of, is_infrastructure, with_defaults


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a compose file; `bases` are the services of the same file that it extends, nearest first."""

    name: str
    node: Node
    bases: tuple[Node, ...]

    def get(self, *path: str) -> Node | None:
        """What stands under a path, its own or inherited. A key with nothing under it is null, which is as good as absent."""
        for node in (self.node, *self.bases):
            found = node.get(*path)
            if found is not None and (found.kind != "scalar" or found.value is not None or found.tag):
                return found
        return None

    @property
    def image(self) -> Image | None:
        """Its image, where the file says it."""
        node = self.get("image")
        known = with_defaults(node.raw) if node is not None and node.kind == "scalar" else None
        return image_of(known[0]) if known is not None and known[0] else None

    @property
    def environment(self) -> dict[str, tuple[str | None, Node]]:
        """Its variables: what each is given, defaults put in, and where that stands. None: only whoever starts the file knows."""
        return variables(self.get("environment"))

    @property
    def words(self) -> str:
        """Its entry point and command, as one text."""
        return " ".join(item.raw for key in ("entrypoint", "command") for item in items(self.get(key)))

    @property
    def built(self) -> bool:
        """Whether it is built from sources."""
        return self.get("build") is not None

    @property
    def own(self) -> bool:
        """Whether it is the project's own program: built here, or an image that is no known infrastructure."""
        image = self.image
        return self.built or (image is not None and not image.official and datastore(image) is None and not is_infrastructure(image))


def services(document: Document) -> Iterator[Service]:
    """The services of a compose file."""
    listing = document.root.get("services")
    if listing is None or listing.kind != "mapping":
        return
    for name, node in listing.members.items():
        if node.kind == "mapping":
            yield Service(name, node, tuple(_bases(listing, node, name)))


# Nobody follows more services that each extend another.
_DEEPEST = 20


def _bases(listing: Node, node: Node, name: str) -> Iterator[Node]:
    seen = {name}
    while len(seen) <= _DEEPEST:
        extends = node.get("extends")
        if extends is None or extends.get("file") is not None:
            return
        other = extends.raw if extends.kind == "scalar" else extends.text_at("service")
        base = listing.members.get(other)
        if other in seen or base is None or base.kind != "mapping":
            return
        seen.add(other)
        yield base
        node = base


def has_own_service(document: Document) -> bool:
    """Whether a file starts a program of the project. One that only starts databases and the like supports development."""
    return any(service.own for service in services(document))


_DEVELOPING = re.compile(
    r"--reload\b|--watch\b|\brunserver\b|\bnodemon\b|\bdebugpy\b|--hot\b|\brun (?:dev|watch|start:dev)\b"
    r"|\b(?:yarn|pnpm|bun) dev\b|\bwatchmedo\b|\bdev_server\b"
)
_DEVELOPED = frozenset("dev devel development local debug".split())
# Which of its surroundings a program is told it runs in.
_SURROUNDINGS = re.compile(r"(?:^|_)(?:ENV|ENVIRONMENT|STAGE|DEPLOYMENT_ENV)\Z")


def _is_told_development(service: Service) -> bool:
    """`APP_ENV=development`, `DJANGO_SETTINGS_MODULE=site.settings.local`, end-to-end fixtures that are loaded."""
    for name, (given, _) in service.environment.items():
        value = (given or "").lower()
        if _SURROUNDINGS.search(name) and value in _DEVELOPED:
            return True
        if name == "DJANGO_SETTINGS_MODULE" and value.rpartition(".")[2] in _DEVELOPED:
            return True
        if re.search(r"(?:END_TO_END|E2E|TEST|DEMO)_?(?:FIXTURES|DATA)\Z", name) and value in ("true", "1", "yes"):
            return True
    return False


def is_for_development(document: Document) -> bool:
    """Whether a file, whatever its name, starts a developer's workplace: servers that reload, targets and switches for development."""
    if not has_own_service(document) or re.search(r"(?:^|/)\.[^/]*(?:container|worktree|dev)", document.file.path):
        return True
    for service in services(document):
        if _DEVELOPING.search(service.words) or (service.own and _is_told_development(service)):
            return True
        build = service.get("build")
        if build is None or build.kind != "mapping":
            continue
        if (
            scalar_text(build.get("target")).lower() in _DEVELOPED
            or set(re.findall(r"[a-z]+", build.text_at("dockerfile").lower())) & _DEVELOPED
        ):
            return True
        arguments = build.get("args")
        if arguments is not None and any(
            re.match(r"DEV", key) and node.raw.lower() not in ("", "no", "0", "false") for key, node in arguments.members.items()
        ):
            return True
    return False


# Where a file that only starts datastores is what production runs, and no help for developers.
PRODUCTION_PATH = re.compile(r"(?:^|[/._-])(?:prod|production|live|deploy|deployment|deployments|infra|infrastructure|ops)(?:$|[/._-])")


def is_sandbox(document: Document) -> bool:
    """Whether a file lies deep in the sources and builds nothing: what somebody tries a client against."""
    path = document.file.path
    return not PRODUCTION_PATH.search(path.lower()) and path.count("/") > 1 and not any(service.built for service in services(document))


def items(node: Node | None) -> Iterator[Node]:
    """The items of a list, or a scalar as the only one."""
    if node is None:
        return
    if node.kind == "sequence":
        yield from node.items
    elif node.kind == "scalar" and node.raw:
        yield node


def scalar_text(node: Node | None) -> str:
    """A scalar with the defaults of its variables put in; "" where one has none."""
    found = with_defaults(node.raw) if node is not None and node.kind == "scalar" else None
    return found[0] if found is not None else ""


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: the address it is bound to ("" for all), the host's side as written, the container's."""

    address: str
    host: str
    inside: int


LONG_VARIABLE = re.compile(r"\$\{[^{}]*\}")


def port_of(node: Node) -> Port | None:
    """A port of the `ports` list; None where it is not published or cannot be read."""
    if node.kind == "mapping":
        target = whole_number(node.text_at("target"))
        if target is None or node.text_at("mode") == "host" or node.get("published") is None:
            return None
        return Port(node.text_at("host_ip"), node.text_at("published"), target)
    known = with_defaults(node.raw)
    # A variable without a default may hold an address, a port or both.
    text = known[0] if known is not None else LONG_VARIABLE.sub("?", node.raw)
    text = text.partition("/")[0]
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        parts = [address, *rest.lstrip(":").split(":")]
    else:
        parts = text.split(":")
    if len(parts) > 3 or "$" in text:
        return None
    inside = whole_number(parts[-1].split("-")[0])
    if inside is None or (len(parts) == 3 and "?" in parts[0]):
        return None
    return Port(parts[0] if len(parts) == 3 else "", parts[-2] if len(parts) > 1 else "", inside)


# Profiles that nobody switches on in production.
ASKED_FOR = _DEVELOPED | frozenset("debugging tools tool test tests testing ci e2e".split())


def variables(environment: Node | None) -> dict[str, tuple[str | None, Node]]:
    """The variables of an `environment` mapping or list, by name; see `Service.environment`."""
    found: dict[str, tuple[str | None, Node]] = {}
    if environment is None:
        return found
    if environment.kind == "mapping":
        for name, node in environment.members.items():
            known = with_defaults(node.raw) if node.kind == "scalar" and node.value is not None else None
            found[name] = (known[0] if known is not None else None, node)
        return found
    for node in environment.items:
        name, equals, raw = node.raw.partition("=")
        known = with_defaults(raw) if equals else None
        found[name] = (known[0] if known is not None else None, node)
    return found
