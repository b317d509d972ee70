"""Compose files: root (PRD802), privileges (PRD823), exposed datastores (PRD825), secrets that may be empty (PRD826).

What takes several files (overrides, the Dockerfile a service is built from) stands in `deployment_project`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.checks import ByteRange, CheckContext, Diagnostic, Ranged, check, documents
from prodlint.facts import Document, Node
from prodlint.model import FixRequest, Priority, Related
from prodlint.values.compose import (
    ASKED_FOR,
    LONG_VARIABLE,
    PRODUCTION_PATH,
    Port,
    Service,
    has_own_service,
    is_for_development,
    is_sandbox,
    items,
    port_of,
    scalar_text,
    services,
)
from prodlint.values.container_images import ADMINISTRATION, datastore, is_host_agent, with_defaults

# ---------------------------------------------------------------- PRD802


@check("PRD802", on=[documents("compose")], required_literals=[("services", "user")], files=("yaml",))
def service_as_root(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`user: root` on a service of the project."""
    for service in services(document):
        user = service.node.get("user")
        known = scalar_text(user)
        if user is not None and known.split(":")[0] in ("root", "0") and service.own and not _BINDS_LOW_PORTS.search(service.name):
            yield Diagnostic(user, f"`{service.name}` runs as `{known}`", priority="P1")


# What opens port 80 and starts others as another user: a web server, a scheduler of the system.
_BINDS_LOW_PORTS = re.compile(r"nginx|proxy|caddy|traefik|cron|certbot", re.IGNORECASE)

# ---------------------------------------------------------------- PRD823

_CAPABILITIES = frozenset("ALL SYS_ADMIN SYS_MODULE SYS_PTRACE DAC_READ_SEARCH SYS_RAWIO BPF SYS_BOOT".split())
# What reaches the host's network, clock or log; a program for networks is given the first on purpose.
_HOST_ADJACENT = frozenset(
    ("NET_ADMIN", "SYS_TIME", "SYSLOG", "PERFMON", "MAC_ADMIN", "MAC_OVERRIDE", "LINUX_IMMUTABLE", "CHECKPOINT_RESTORE")
)
_NETWORK_PROGRAM = re.compile(
    r"vpn|wireguard|\bwg|tailscale|gluetun|zerotier|nebula|dns|dhcp|firewall|router|tunnel|network", re.IGNORECASE
)
_SOCKET = re.compile(r"/(?:docker|podman/podman|containerd/containerd|crio/crio)\.sock\Z")
_ROOTS = frozenset(
    ("/", "/etc", "/root", "/var/run", "/run", "/var/lib/docker", "/boot", "/dev", "/proc", "/sys", "/usr", "/lib", "/home", "/var")
)
# Keys and accounts of the host, whatever lies below them.
_HOST_SECRETS = re.compile(
    r"/etc/(?:kubernetes|ssh|sudoers|shadow|cron[\w.]*|systemd|pam\.d|ssl/private)(?:/|\Z)|(?:/root|/home/[^/]+|~)/\.(?:ssh|aws|kube)(?:/|\Z)"
)
# Memory and disks of the host; what lies on a disk is read past every permission.
_HOST_DEVICES = re.compile(r"/dev/(?:mem|kmem|port|sd[a-z]\d*|nvme\d\w*|vd[a-z]\d*|xvd[a-z]\d*|dm-\d+|mapper/[^:]+)\Z")


@check("PRD823", on=[documents("compose")], required_literals=[("services",)], files=("yaml",))
def privileged_service(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """What a service takes of its host, where no comment says why."""
    for found in _taken(document):
        if context.options.get("explained") or not _is_explained(found.at):
            yield found


def _is_explained(at: Ranged) -> bool:
    """Whether a sentence stands in the line above or behind: somebody has thought about it."""
    source = at.source
    line = source.position(at.start)[0]
    above = source.line_text(line - 1).lstrip() if line > 1 else ""
    said = source.line_text(line).partition("#")[2] or (above if above.startswith("#") else "")
    return len(said.split()) > 2


def _taken(document: Document) -> Iterator[Diagnostic]:
    """All that the services of a file take of their host."""
    sandbox = is_sandbox(document)
    for service in services(document):
        image = service.image
        # What is put over a service of another file, for who asks for it, says what it is for by being there.
        overlay = image is None and not service.built and service.get("image") is None and service.get("extends") is None
        agent: Priority | None = "P2" if sandbox or overlay or (image is not None and is_host_agent(image)) else None
        node = service.node
        privileged = node.get("privileged")
        if privileged is not None and scalar_text(privileged).lower() in ("true", "yes", "on"):
            yield Diagnostic(privileged, f"`{service.name}` is privileged: it is root on the host", priority=agent)
        for key in ("pid", "ipc", "network_mode", "userns_mode", "uts", "cgroup"):
            mode = node.get(key)
            if mode is not None and mode.raw == "host":
                softer: Priority | None = "P1" if key in ("network_mode", "uts", "ipc", "cgroup") else None
                yield Diagnostic(mode, f"`{service.name}` shares the host's {_SHARED[key]}", priority=agent or softer)
        for capability in items(node.get("cap_add")):
            bare = capability.raw.upper().removeprefix("CAP_")
            if bare in _CAPABILITIES:
                yield Diagnostic(capability, f"`{service.name}` is given the capability `{capability.raw}`", priority=agent)
            elif bare in _HOST_ADJACENT and service.own and not _NETWORK_PROGRAM.search(service.name):
                yield Diagnostic(capability, f"`{service.name}` is given the capability `{capability.raw}`", priority=agent or "P1")
        for option in items(node.get("security_opt")):
            name, _, value = option.raw.replace("=", ":", 1).partition(":")
            if value == "unconfined" and name in ("seccomp", "apparmor", "systempaths"):
                what = "the kernel's files masked" if name == "systempaths" else name
                yield Diagnostic(option, f"`{service.name}` runs without {what}", priority=agent or "P1")
            elif (name, value) == ("label", "disable"):
                yield Diagnostic(option, f"`{service.name}` runs without SELinux's confinement", priority=agent or "P1")
        for device in items(node.get("devices")):
            source = device.text_at("source") if device.kind == "mapping" else device.raw.partition(":")[0]
            if _HOST_DEVICES.match(source):
                yield Diagnostic(device, f"`{service.name}` is given `{source}` of the host", priority=agent)
        yield from _mounts(service, agent)


_SHARED = {
    "pid": "processes",
    "ipc": "memory segments",
    "network_mode": "network",
    "userns_mode": "users",
    "uts": "name",
    "cgroup": "control groups",
}


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
                inside = next((part for part in LONG_VARIABLE.sub("?", volume.raw).split(":")[1:] if _SOCKET.search(part)), "")
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
        elif _HOST_SECRETS.match(source):
            yield Diagnostic(at, f"`{service.name}` is given `{source}` of the host", priority="P1")


# ---------------------------------------------------------------- PRD825

KNOWN_PORTS = {
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


_OBJECT_STORES = frozenset(("MinIO", "SeaweedFS", "LocalStack"))
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


@check("PRD825", on=[documents("compose")], required_literals=[("services", "ports")], files=("yaml",))
def exposed_datastore(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Ports of databases, brokers and their administration that every interface of the host answers on."""
    in_production = PRODUCTION_PATH.search(document.file.path.lower()) is not None
    if is_for_development(document) and (has_own_service(document) or not in_production):
        return
    if is_sandbox(document):
        return
    for service in services(document):
        if any(profile.raw.lower() in ASKED_FOR for profile in items(service.get("profiles"))):
            continue
        image = service.image
        kind = datastore(image)
        administration = image is not None and image.family in ADMINISTRATION
        published: list[tuple[Node, Port, str]] = []
        for node in items(service.get("ports")):
            port = port_of(node)
            if port is None or port.address not in ("", "0.0.0.0", "::"):
                continue
            if (
                kind is not None
                and kind.words in _OBJECT_STORES
                and port.inside in (9000, 8333, 4566)
                and not context.options.get("object-stores")
            ):
                continue  # browsers fetch what is stored from there
            words = kind.words if kind is not None else KNOWN_PORTS.get(port.inside, "") if not service.built else ""
            if kind is not None and (page := _PAGES.get((kind.words, port.inside))):
                words = page
            if not words and administration and image is not None:
                words = image.family
            if words:
                published.append((node, port, words))
        yield from _published(service, published)


def _published(service: Service, published: list[tuple[Node, Port, str]]) -> Iterator[Diagnostic]:
    """One finding for what a service publishes of one thing, at its own port where that is among them."""
    by_words: dict[str, list[tuple[Node, Port]]] = {}
    for node, port, words in published:
        by_words.setdefault(words, []).append((node, port))
    for words, places in by_words.items():
        places.sort(key=lambda place: KNOWN_PORTS.get(place[1].inside) != words)
        (node, port), *others = places
        # `ports: ["6379"]`: Docker takes a free port of the host.
        numbers = ", ".join(each.host or f"a free one for {each.inside}" for _, each in places)
        said = f"`{service.name}` publishes {words} on every interface of the host (port{'s' if others else ''} {numbers})"
        related = tuple(Related(other.file.path, other.span, "another of its ports") for other, _ in others)
        yield Diagnostic(node, said, related=related, fix=_bound(node, port) if not others else None)


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
    return Diagnostic(at, f"`{reference.name}` is empty if it is not set: Compose only warns", fix=fix)
