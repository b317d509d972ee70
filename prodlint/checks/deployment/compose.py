"""Compose files: root (PRD802), privileges (PRD823), exposed datastores (PRD825), secrets that may be empty (PRD826).

What takes several files (overrides, the Dockerfile a service is built from) stands in `deployment_project`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.facts import Document, Node
from prodlint.model import FixRequest, Priority
from prodlint.values.container_images import ADMINISTRATION, Image, datastore, image_of, is_host_agent, is_infrastructure, with_defaults


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
    environment = service.get("environment")
    if environment is None:
        return False
    if environment.kind == "mapping":
        pairs = [(name, _known(value)) for name, value in environment.members.items()]
    else:
        pairs = [
            (name, value) for name, _, value in ((with_defaults(item.raw) or ("", False))[0].partition("=") for item in environment.items)
        ]
    for name, value in pairs:
        value = value.lower()
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
        command = " ".join(item.raw for key in ("entrypoint", "command") for item in items(service.get(key)))
        if _DEVELOPING.search(command) or (service.own and _is_told_development(service)):
            return True
        build = service.get("build")
        if build is None or build.kind != "mapping":
            continue
        if (
            _known(build.get("target")).lower() in _DEVELOPED
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
_PRODUCTION_PATH = re.compile(r"(?:^|[/._-])(?:prod|production|live|deploy|deployment|deployments|infra|infrastructure|ops)(?:$|[/._-])")


def is_sandbox(document: Document) -> bool:
    """Whether a file lies deep in the sources and builds nothing: what somebody tries a client against."""
    path = document.file.path
    return not _PRODUCTION_PATH.search(path.lower()) and path.count("/") > 1 and not any(service.built for service in services(document))


def items(node: Node | None) -> Iterator[Node]:
    """The items of a list, or a scalar as the only one."""
    if node is None:
        return
    if node.kind == "sequence":
        yield from node.items
    elif node.kind == "scalar" and node.raw:
        yield node


# ---------------------------------------------------------------- PRD802


@check("PRD802", on=[documents("compose")], required_literals=[("services", "user")], files=("yaml",))
def service_as_root(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`user: root` on a service of the project."""
    for service in services(document):
        user = service.node.get("user")
        known = _known(user)
        if user is not None and known.split(":")[0] in ("root", "0") and service.own:
            yield Diagnostic(user, f"`{service.name}` runs as `{known}`")


def _known(node: Node | None) -> str:
    """A scalar with the defaults of its variables put in; "" where one has none."""
    known = with_defaults(node.raw) if node is not None and node.kind == "scalar" else None
    return known[0] if known is not None else ""


# ---------------------------------------------------------------- PRD823

_CAPABILITIES = frozenset("ALL SYS_ADMIN SYS_MODULE SYS_PTRACE DAC_READ_SEARCH SYS_RAWIO BPF SYS_BOOT".split())
_SOCKET = re.compile(r"/(?:docker|podman/podman|containerd/containerd|crio/crio)\.sock\Z")
_ROOTS = frozenset(("/", "/etc", "/root", "/var/run", "/run", "/var/lib/docker", "/boot", "/dev", "/proc", "/sys"))


@check("PRD823", on=[documents("compose")], required_literals=[("services",)], files=("yaml",))
def privileged_service(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """What a service takes of its host."""
    sandbox = is_sandbox(document)
    for service in services(document):
        image = service.image
        agent: Priority | None = "P2" if sandbox else "P1" if image is not None and is_host_agent(image) else None
        node = service.node
        privileged = node.get("privileged")
        if privileged is not None and _known(privileged).lower() in ("true", "yes", "on"):
            yield Diagnostic(privileged, f"`{service.name}` is privileged: it is root on the host", priority=agent)
        for key in ("pid", "ipc", "network_mode", "userns_mode", "uts"):
            mode = node.get(key)
            if mode is not None and mode.raw == "host":
                softer: Priority | None = "P1" if key in ("network_mode", "uts", "ipc") else None
                yield Diagnostic(mode, f"`{service.name}` shares the host's {_SHARED[key]}", priority=agent or softer)
        for capability in items(node.get("cap_add")):
            if capability.raw.upper().removeprefix("CAP_") in _CAPABILITIES:
                yield Diagnostic(capability, f"`{service.name}` is given the capability `{capability.raw}`", priority=agent)
        for option in items(node.get("security_opt")):
            name, _, value = option.raw.replace("=", ":", 1).partition(":")
            if value == "unconfined" and name in ("seccomp", "apparmor", "systempaths"):
                what = "the kernel's files masked" if name == "systempaths" else name
                yield Diagnostic(option, f"`{service.name}` runs without {what}", priority=agent or "P1")
        yield from _mounts(service, agent)


_SHARED = {"pid": "processes", "ipc": "memory segments", "network_mode": "network", "userns_mode": "users", "uts": "name"}


def _mounts(service: Service, agent: Priority | None) -> Iterator[Diagnostic]:
    for volume in items(service.node.get("volumes")):
        at = volume
        if volume.kind == "mapping":
            inner = volume.get("source")
            if inner is None or inner.kind != "scalar":
                continue
            at, source, mode = inner, inner.raw, "ro" if volume.text_at("read_only") == "true" else ""
        else:
            known = with_defaults(volume.raw)
            if known is None:
                # Wherever it lies on the host, this is what it is for. A user's own daemon is not root.
                inside = next((part for part in _LONG_VARIABLE.sub("?", volume.raw).split(":")[1:] if _SOCKET.search(part)), "")
                if inside and "XDG_RUNTIME_DIR" not in volume.raw:
                    yield Diagnostic(at, f"`{service.name}` is given `{inside}`: access to it is root on the host", priority=agent)
                continue
            source, _, rest = known[0].partition(":")
            mode = rest.rpartition(":")[2]
            if not rest:
                continue
        if _SOCKET.search(source):
            yield Diagnostic(at, f"`{service.name}` is given `{source}`: access to it is root on the host", priority=agent)
        elif agent and (source.rstrip("/") in ("/proc", "/sys") or "ro" in mode.split(",")):
            # What an agent that measures the host or collects its logs reads.
            continue
        elif (source.rstrip("/") or "/") in _ROOTS and source.startswith("/"):
            softer: Priority | None = "P1" if "ro" in mode.split(",") else None
            yield Diagnostic(at, f"`{service.name}` is given `{source}` of the host", priority=agent or softer)


# ---------------------------------------------------------------- PRD825

_KNOWN_PORTS = {
    5432: "PostgreSQL",
    3306: "MySQL",
    6379: "Redis",
    27017: "MongoDB",
    5672: "RabbitMQ",
    11211: "Memcached",
    9092: "Kafka",
    9200: "Elasticsearch",
    1433: "SQL Server",
    9042: "Cassandra",
    2379: "etcd",
}


# Pages for people that images of datastores bring along.
_PAGES = {
    ("Redis", 8001): "RedisInsight",
    ("Redis", 8081): "RedisInsight",
    ("RabbitMQ", 15672): "RabbitMQ's management",
    ("MinIO", 9001): "MinIO's console",
    ("Neo4j", 7474): "Neo4j's browser",
    ("CockroachDB", 8080): "CockroachDB's console",
    ("etcd", 8080): "etcd's page",
}


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: the address it is bound to ("" for all), the host's side as written, the container's."""

    address: str
    host: str
    inside: int


_LONG_VARIABLE = re.compile(r"\$\{[^{}]*\}")


def port_of(node: Node) -> Port | None:
    """A port of the `ports` list; None where it is not published or cannot be read."""
    if node.kind == "mapping":
        target, mode = node.get("target"), node.text_at("mode")
        if target is None or not target.raw.isdigit() or mode == "host" or node.get("published") is None:
            return None
        return Port(node.text_at("host_ip"), node.text_at("published"), int(target.raw))
    known = with_defaults(node.raw)
    # A variable without a default may hold an address, a port or both.
    text = known[0] if known is not None else _LONG_VARIABLE.sub("?", node.raw)
    text = text.partition("/")[0]
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        parts = [address, *rest.lstrip(":").split(":")]
    else:
        parts = text.split(":")
    if len(parts) > 3 or "$" in text:
        return None
    inside = parts[-1].split("-")[0]
    if not inside.isdigit() or (len(parts) == 3 and "?" in parts[0]):
        return None
    return Port(parts[0] if len(parts) == 3 else "", parts[-2] if len(parts) > 1 else "", int(inside))


# Profiles that nobody switches on in production.
_ASKED_FOR = _DEVELOPED | frozenset("debugging tools tool test tests testing ci e2e".split())


@check("PRD825", on=[documents("compose")], required_literals=[("services", "ports")], files=("yaml",))
def exposed_datastore(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Ports of databases, brokers and their administration that every interface of the host answers on."""
    in_production = _PRODUCTION_PATH.search(document.file.path.lower()) is not None
    if is_for_development(document) and (has_own_service(document) or not in_production):
        return
    if is_sandbox(document):
        return
    for service in services(document):
        if any(profile.raw.lower() in _ASKED_FOR for profile in items(service.get("profiles"))):
            continue
        image = service.image
        kind = datastore(image)
        administration = image is not None and image.family in ADMINISTRATION
        for node in items(service.get("ports")):
            port = port_of(node)
            if port is None or port.address not in ("", "0.0.0.0", "::"):
                continue
            words = kind.words if kind is not None else _KNOWN_PORTS.get(port.inside, "") if not service.built else ""
            if kind is not None and (page := _PAGES.get((kind.words, port.inside))):
                words = page
            if not words and administration and image is not None:
                words = image.family
            if words:
                said = f"`{service.name}` publishes {words} on every interface of the host (port {port.host or port.inside})"
                yield Diagnostic(node, said, fix=_bound(node, port))


def _bound(node: Node, port: Port) -> FixRequest | None:
    if node.kind != "scalar" or port.address or ":" not in node.raw or node.text not in (node.raw, f'"{node.raw}"', f"'{node.raw}'"):
        return None
    return FixRequest("replace", "Bind the port to 127.0.0.1", False, (("text", f'"127.0.0.1:{node.raw}"'),))


# ---------------------------------------------------------------- PRD826

# What a service cannot do safely without. Keys of other people's services switch a feature off when they are empty.
_REQUIRED = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|SECRET_KEY|SECRET_KEY_BASE|JWT_KEY|JWT_SECRET\w*|SIGNING_KEY|ENCRYPTION_KEY|MASTER_KEY|SALT|FERNET_KEY"
    r"|DATABASE_URL|DATABASE_URI|DB_URL|DB_URI|DATABASE_DSN|DB_DSN|POSTGRES_URL|POSTGRES_DSN|SQLALCHEMY_DATABASE_URI|MONGO(?:DB)?_UR[IL]|BROKER_URL|AMQP_URL)\Z"
)
_OPTIONAL = re.compile(
    r"SMTP|MAIL|OAUTH|OIDC|SAML|LDAP|GOOGLE|GITHUB|GITLAB|FACEBOOK|MICROSOFT|AZURE|AWS|S3_|SLACK|DISCORD|TWILIO|STRIPE|SENTRY|CLIENT_SECRET|PROXY|WEBHOOK"
    r"|CAPTCHA|TELEGRAM|READ(?:ONLY)?_|REPLICA|TEST|OPTIONAL|KEYSTORE|VPN|IMAP|FTP|BASIC_AUTH"
)
_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)((?::?[-?+])?)|\$([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable in a value. operator: "", "-", ":-", "?", ":?", "+" or ":+"; word: what follows it, "" where it holds more variables."""

    name: str
    operator: str
    word: str
    start: int
    end: int


def references(text: str) -> Iterator[Reference]:
    """The variables of a compose value, also those inside defaults."""
    for found in _REFERENCE.finditer(text):
        if found.group() == "$$":
            continue
        name, operator = found[1] or found[3], found[2] or ""
        end = found.end()
        word = ""
        if found[1]:
            close = text.find("}", end)
            if close == -1:
                return
            word = text[end:close]
            end = close + 1
        yield Reference(name, operator, "" if "$" in word else word, found.start(), end)


@check("PRD826", on=[documents("compose")], required_literals=[("services", "environment", "$")], files=("yaml",))
def secret_may_be_empty(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`${SECRET_KEY}` in a service's environment: compose puts nothing in its place and only warns."""
    if is_for_development(document):
        return
    places: dict[str, Diagnostic] = {}
    enforced: set[str] = set()
    for service in services(document):
        environment = service.node.get("environment")
        if environment is None:
            continue
        for value in environment.members.values() if environment.kind == "mapping" else environment.items:
            if value.kind != "scalar" or "$" not in value.raw:
                continue
            for reference in references(value.raw):
                if "?" in reference.operator:
                    enforced.add(reference.name)
                elif reference.operator or reference.name in places:
                    # A default is PRD105's where it is a secret, and meant where it is empty.
                    continue
                elif _REQUIRED.search(reference.name) and not _OPTIONAL.search(reference.name):
                    places[reference.name] = _unenforced(value, reference)
    for name, hit in places.items():
        if name not in enforced:
            yield hit


def _unenforced(value: Node, reference: Reference) -> Diagnostic:
    text = value.raw[reference.start : reference.end]
    at: Node | ByteRange = value
    found = value.source.data.find(text.encode(), value.start, value.end)
    if found != -1:
        at = ByteRange(value.source, found, found + len(text.encode()))
    fix = None
    if found != -1:
        put = f"${{{reference.name}:?{reference.name} is required}}"
        # The words hold a blank but neither `: ` nor ` #`, so they need no quotes where there were none.
        fix = FixRequest("replace", f"Refuse to start without `{reference.name}`", True, (("text", put),))
    return Diagnostic(at, f"`{reference.name}` is empty where nobody sets it: compose only warns", fix=fix)
