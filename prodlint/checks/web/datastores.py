"""PRD484 datastore-without-auth: databases, caches and brokers that let everybody in who can reach them.

In compose files and Kubernetes by the image and what it is given, in the servers' own configuration files and command lines by
what these say, and in addresses of production and of code by the password that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import ByteRange, CheckContext, Diagnostic, Ranged, calls, check, commands, documents, settings, text
from prodlint.checks.web.tables import datastores
from prodlint.facts import Call, Command, Document, Expression, Node, Setting, Text
from prodlint.model import Priority
from prodlint.project.production import SETTING_FILES, deployed, runs_in_production
from prodlint.values.compose import (
    ASKED_FOR,
    PRODUCTION_PATH,
    Service,
    has_own_service,
    is_for_development,
    is_sandbox,
    items,
    port_of,
    services,
)
from prodlint.values.container_images import Image, image_of
from prodlint.values.hosts import address_of, distance
from prodlint.values.lattice import Known, Value
from prodlint.values.truth import FALSY, TRUTHY
from prodlint.values.workloads import containers_of, pods

_SWITCHES: Mapping[str, Mapping[str, Any]] = datastores()["switches"]
_OPEN: dict[str, Mapping[str, Any]] = {family: row for row in datastores()["open"] for family in row["families"]}
_FAMILIES = sorted(_OPEN)
# A configuration of the team's own says who may come in; it is judged where it stands.
_CONFIGURED = re.compile(r"\.(?:conf|ya?ml|cnf|acl|config|json)\b")
_LITERALS = [name.lower() for name in _SWITCHES]


def _is_off(name: str, value: str | None, given: Mapping[str, object]) -> bool:
    """Whether a variable, with this value, takes the password away."""
    row = _SWITCHES.get(name)
    if row is None or value is None or any(other in given for other in row.get("unless", ())):
        return False
    text, wanted = value.strip().strip("\"'").lower(), row["value"]
    if isinstance(wanted, str):
        return text in TRUTHY if wanted == "truthy" else text in FALSY and text != "" if wanted == "falsy" else bool(text)
    return text in wanted


def _opened_by(given: Mapping[str, tuple[str | None, Node]], image: Image | None) -> tuple[Node, str] | None:
    """The variable that opens a datastore, and how: a switch, or the published password of its image written out."""
    for name, (value, node) in given.items():
        if _is_off(name, value, given):
            return node, _words(name, value or "")
    row = _OPEN.get(image.family) if image is not None else None
    if row is not None and "default" in row:
        for name, (value, node) in given.items():
            if name in row["variables"] and name.endswith(("PASS", "PASSWORD", "SECRET_KEY")) and value == row["default"]:
                return node, f"`{name}={value}` is the password of {row['words']} that everybody knows"
    return None


def _words(name: str, value: str, reach: str = "") -> str:
    return f"`{name}={value.strip()}` lets everybody into {_SWITCHES[name]['words']} without a password{reach}"


def _open_as_it_comes(image: Image | None, command: str, given: Mapping[str, object]) -> Mapping[str, Any] | None:
    """The row of an image that asks nobody for a password, with the command and the variables that it is given."""
    row = _OPEN.get(image.family) if image is not None else None
    if row is None or image is None or not re.search(row.get("tags", ""), image.tag):
        return None
    # The official images read no variable: `REDIS_PASSWORD` beside one of them only looks like a password.
    reads = image.name not in row.get("bare", ()) or any(name in command for name in given)
    if reads and any(name in given for name in row["variables"]):
        return None
    if any(_has_flag(command, flag) for flag in row["flags"]) or _CONFIGURED.search(command):
        return None
    return row


def _reads_variables(row: Mapping[str, Any], image: Image | None) -> bool:
    return bool(row["variables"]) and image is not None and image.name not in row.get("bare", ())


def _has_flag(command: str, flag: str) -> bool:
    return re.search(rf"(?:^|[\s\"'\[,]){re.escape(flag)}(?:$|[\s\"'=,\]])", command) is not None


def _of_itself(row: Mapping[str, Any], name: str, reach: str) -> str:
    if "default" in row:
        return f"`{name}` keeps {row['words']}'s published account `{row['default']}`{reach}: {row['how']} change that"
    return f"`{name}` asks nobody for a password{reach}: {row['words']} needs {row['how']}"


# ---------------------------------------------------------------- compose


def _is_published(service: Service) -> bool:
    mode = service.get("network_mode")
    if mode is not None and mode.raw == "host":
        return True
    ports = (port_of(node) for node in items(service.get("ports")))
    return any(port is not None and port.address in ("", "0.0.0.0", "::") for port in ports)


def _is_on_shared_network(document: Document, service: Service) -> bool:
    """Whether other stacks of the host are on a network of a service (`external: true`)."""
    joined = service.get("networks")
    if joined is None:
        names = {"default"}
    else:
        names = set(joined.members) if joined.kind == "mapping" else {item.raw for item in items(joined)}
    listed = document.root.get("networks")
    if listed is None or listed.kind != "mapping":
        return False
    return any(
        network.kind == "mapping" and network.get("external") is not None and network.text_at("external") != "false"
        for name, network in listed.members.items()
        if name in names
    )


def _brings_configuration(service: Service) -> bool:
    """Whether a file of the team's own is put into the container where servers look for theirs."""
    if service.get("configs") is not None:
        return True
    for volume in items(service.get("volumes")):
        source = volume.text_at("source") if volume.kind == "mapping" else volume.raw
        target = volume.text_at("target") if volume.kind == "mapping" else volume.raw.partition(":")[2]
        if _CONFIGURED.search(target) or source.startswith(("./", "../", "/")) and re.search(r"/etc/|/conf", target):
            return True
    return False


@check(
    "PRD484",
    on=[documents("compose")],
    required_literals=[("services", word) for word in (*_FAMILIES, *_LITERALS)],
    files=("yaml",),
)
def open_service(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A datastore of a compose file: P1 where its port is published, P2 where its password is switched off for its neighbours. One that comes
    without any is said where others than these reach it, and in a file of production (P2)."""
    in_production = PRODUCTION_PATH.search(document.file.path.lower()) is not None
    if is_sandbox(document) or (is_for_development(document) and (has_own_service(document) or not in_production)):
        return
    for service in services(document):
        if any(profile.raw.lower() in ASKED_FOR for profile in items(service.get("profiles"))):
            continue
        published = _is_published(service)
        reach = ", and its port is published on every interface of the host" if published else ""
        if not published and not context.options.get("inside"):
            continue
        priority: Priority | None = None if published else "P2"
        given = service.environment
        off = _opened_by(given, service.image)
        if off is not None:
            yield Diagnostic(off[0], off[1] + reach, priority=priority)
            continue
        at = service.get("image")
        command = service.words
        if at is None or service.built or _is_unknown(command) or _brings_configuration(service):
            continue
        row = _open_as_it_comes(service.image, command, given)
        if (
            row is None
            or not (published or (row.get("inside", True) and (in_production or _is_on_shared_network(document, service))))
            or (_reads_variables(row, service.image) and service.get("env_file") is not None)
        ):
            continue
        yield Diagnostic(at, _of_itself(row, service.name, reach), priority=priority)


def _is_unknown(command: str) -> bool:
    """Whether a command is a variable, or begins a script of the team's own."""
    words = command.split()
    return bool(words) and (words[0].startswith("$") or words[-1].startswith("$") or words[0].endswith(".sh") or "/" in words[0])


# ---------------------------------------------------------------- Kubernetes


@check(
    "PRD484",
    on=[documents("kubernetes")],
    required_literals=[("containers", word) for word in (*_FAMILIES, *_LITERALS)],
    files=("yaml", "json"),
)
def open_container(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A datastore in a pod: the whole cluster reaches it, and with a port of the host everybody."""
    for pod in pods(document):
        on_host = pod.spec.text_at("hostNetwork") == "true"
        for container in containers_of(pod):
            image_node = container.get("image")
            given = _environment(container)
            published = on_host or any(port.get("hostPort") is not None for port in items(container.get("ports")))
            reach = ", and its port is one of the node's" if published else ""
            if not published and not context.options.get("inside"):
                continue
            priority: Priority | None = None if published else "P2"
            image = image_of(image_node.raw) if image_node is not None and image_node.kind == "scalar" else None
            off = _opened_by(given, image)
            if off is not None:
                yield Diagnostic(off[0], off[1] + reach, priority=priority)
                continue
            if image_node is None or image is None:
                continue
            command = " ".join(item.raw for key in ("command", "args") for item in items(container.get(key)))
            if _is_unknown(command) or _is_configured(container):
                continue
            row = _open_as_it_comes(image, command, given)
            if row is None or not (published or row.get("inside", True)):
                continue
            if _reads_variables(row, image) and container.get("envFrom") is not None:
                continue
            yield Diagnostic(image_node, _of_itself(row, container.text_at("name") or "the container", reach), priority=priority)


def _is_configured(container: Node) -> bool:
    """Whether a configuration of the team's own is mounted into a container."""
    mounts = (f"{mount.text_at('mountPath')} {mount.text_at('subPath')}" for mount in items(container.get("volumeMounts")))
    return any(_CONFIGURED.search(mount) or "/etc/" in mount or "/conf" in mount for mount in mounts)


def _environment(container: Node) -> dict[str, tuple[str | None, Node]]:
    """The variables of a container, by name; None where another object holds the value."""
    found: dict[str, tuple[str | None, Node]] = {}
    for entry in items(container.get("env")):
        value = entry.get("value")
        if entry.kind == "mapping":
            found[entry.text_at("name")] = (value.raw, value) if value is not None and value.kind == "scalar" else (None, entry)
    return found


_CHARTS = re.compile(
    r"(?:^|[.-])(redis|valkey|mongodb|postgresql|rabbitmq|elasticsearch|opensearch|memcached|kafka|cassandra|etcd|influxdb|clickhouse|mysql|mariadb)(?:[.-]|$)"
)


@check(
    "PRD484",
    on=[documents("helm-values", "kubernetes")],
    required_literals=[("auth", "enabled"), ("usepassword",), ("security", "enabled")],
    files=("yaml", "json"),
)
def chart_without_auth(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`redis.auth.enabled: false` in a chart's values."""
    if document.kind == "kubernetes" and document.root.text_at("kind") not in (
        "HelmRelease",
        "HelmChart",
        "HelmChartConfig",
        "Application",
    ):
        return
    for node in document.root.walk():
        if node.kind != "scalar" or str(node.value).lower() not in ("false", "no", "off"):
            continue
        holder, _, key = node.path.rpartition(".")
        if not (key == "enabled" and holder.endswith(("auth", "auth.rbac", "security")) or key == "usePassword"):
            continue
        found = _CHARTS.search(holder)
        # Values of the chart itself, or of one that it brings along: what is not installed lets nobody in.
        if found is None or _is_not_installed(document.root, holder, found.end(1)):
            continue
        yield Diagnostic(node, f"`{node.path}: {node.raw}` lets the whole cluster into {found[1]} without a password", priority="P2")


def _is_not_installed(root: Node, holder: str, end: int) -> bool:
    chart = root.get(*holder[:end].split("."))
    enabled = chart.get("enabled") if chart is not None and chart.kind == "mapping" else None
    return enabled is not None and str(enabled.value).lower() in ("false", "no", "off")


# ---------------------------------------------------------------- variables and command lines


@check("PRD484", on=[settings(*_SWITCHES)], required_literals=_LITERALS, files=("env", "dockerfile", "systemd", "ini"))
def open_by_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`POSTGRES_HOST_AUTH_METHOD=trust` of an image or of production's env file."""
    name = next((name for name in _SWITCHES if name.lower() == setting.name.lower()), "")
    value = setting.value if setting.value is not None else setting.default
    if value is not None and _is_off(name, value, {}) and deployed(setting):
        yield Diagnostic(setting, _words(name, value, ""), priority="P2")


_SERVERS = ("redis-server", "valkey-server", "keydb-server", "mongod", "memcached", "elasticsearch", "opensearch")
_ANYWHERE = frozenset(("0.0.0.0", "::", "*", "::*"))


@check("PRD484", on=[commands(*_SERVERS)], files=("dockerfile", "procfile", "shell", "systemd", "ini", "makefile"))
def open_server(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`redis-server --protected-mode no`, `mongod --bind_ip_all`, `memcached -l 0.0.0.0`, without a word on who may come."""
    if not runs_in_production(command, context) or _CONFIGURED.search(" ".join(command.argv)):
        return
    index, why = _opened(command)
    if index == -1:
        return
    at: Ranged = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
    yield Diagnostic(at, f"`{command.program}` with `{why}` accepts anyone who can reach it")


def _opened(command: Command) -> tuple[int, str]:
    """Which word of a command opens a server to everybody; -1 for none."""
    program = command.program
    if program.endswith(("redis-server", "valkey-server", "keydb-server")):
        if (
            command.flag("--requirepass", "--aclfile", "--user") == -1
            and (command.flag_value("--protected-mode") or "").strip("'\"") == "no"
        ):
            return command.flag("--protected-mode"), "--protected-mode no"
    elif program == "mongod":
        if command.flag("--noauth") != -1:
            return command.flag("--noauth"), "--noauth"
        anywhere = command.flag("--bind_ip_all") != -1 or command.flag_value("--bind_ip") in _ANYWHERE
        if anywhere and command.flag("--auth", "--keyFile", "--config", "-f") == -1:
            index = command.flag("--bind_ip_all", "--bind_ip")
            return index, "--bind_ip_all" if command.flag("--bind_ip_all") != -1 else "--bind_ip 0.0.0.0"
    elif program == "memcached":
        if command.flag_value("-l", "--listen") in _ANYWHERE and command.flag("-S", "--enable-sasl", "-Y", "--auth-file") == -1:
            return command.flag("-l", "--listen"), "-l 0.0.0.0"
    else:
        for index, word in enumerate(command.argv):
            name, _, value = word.removeprefix("-E").partition("=")
            if _is_off(name, value, {}):
                return index, f"{name}={value}"
    return -1, ""


# ---------------------------------------------------------------- configuration files

_REDIS_FILE = re.compile(r"(?:redis|valkey|keydb)[\w.-]*\.conf(?:\.\w+)?\Z", re.IGNORECASE)
_HBA_FILE = re.compile(r"pg_hba[\w.-]*\.conf(?:\.\w+)?\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"(?m)^[ \t]*(protected-mode|requirepass|aclfile|user|bind)[ \t]+([^\s#](?:[^\r\n#]*[^\s#])?)")
_TRUST = re.compile(
    r"(?m)^[ \t]*(?:host|hostssl|hostnossl|hostgssenc|hostnogssenc)[ \t]+\S+[ \t]+\S+[ \t]+(\S+)(?:[ \t]+\d+(?:\.\d+){3})?[ \t]+(trust)\b"
)
_RABBIT = re.compile(r"(?m)^[ \t]*(loopback_users(?:\.guest)?)[ \t]*=[ \t]*(none|false)\b")


_AUTHORIZATION = re.compile(r"(?m)^[ \t]*authorization[ \t]*:[ \t]*[\"']?disabled\b")
_ALL_ADDRESSES = re.compile(r"(?m)^[ \t]*(?:bindIpAll[ \t]*:[ \t]*true|bindIp[ \t]*:[ \t]*[\"']?(?:[^\n#]*,)?(?:0\.0\.0\.0|::|\*))")
_SECURED = re.compile(r"(?m)^[ \t]*(?:authorization|keyFile|clusterAuthMode)[ \t]*:")


@check(
    "PRD484",
    on=[text()],
    required_literals=["protected-mode", "trust", "loopback_users", ("bind", "0.0.0.0"), "authorization", "bindip", "bindipall"],
    files=("text", "ini"),
)
def open_by_file(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """redis.conf without `requirepass`, pg_hba.conf with `trust` for other machines, rabbitmq.conf that lets `guest` in from anywhere."""
    for start, end, words in _judged(context.file.name, whole.source.text):
        yield Diagnostic(ByteRange(whole.source, whole.source.offset(start), whole.source.offset(end)), words)


@check(
    "PRD484",
    on=[documents("kubernetes")],
    required_literals=[("configmap", word) for word in ("redis", "valkey", "pg_hba", "rabbitmq", "mongod")],
    files=("yaml", "json"),
)
def open_by_config_map(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The same files in a ConfigMap."""
    data = document.root.get("data") if document.root.text_at("kind") == "ConfigMap" else None
    for name, node in data.members.items() if data is not None and data.kind == "mapping" else ():
        for _, _, words in _judged(name, node.raw):
            yield Diagnostic(node, f"{words} (`{name}`)")


def _judged(name: str, page: str) -> Iterator[tuple[int, int, str]]:
    """What a configuration file of a datastore leaves open: where, and in words."""
    if _REDIS_FILE.match(name):
        said = {found[1]: found for found in reversed(list(_DIRECTIVE.finditer(page)))}
        if said.keys() & {"requirepass", "aclfile", "user"}:
            return
        mode, bind = said.get("protected-mode"), said.get("bind")
        if mode is not None and mode[2] == "no":
            yield mode.start(1), mode.end(), "`protected-mode no` without `requirepass` lets everybody in who can reach Redis"
        elif bind is not None and mode is None and _ANYWHERE & set(bind[2].split()):
            # Redis refuses strangers by itself while nothing is set; with an address it takes `bind` for the answer.
            yield bind.start(1), bind.end(), f"`bind {bind[2]}` without `requirepass` lets everybody in who can reach Redis"
    elif _HBA_FILE.match(name):
        for found in _TRUST.finditer(page):
            if found[1] not in ("127.0.0.1/32", "127.0.0.1", "::1/128", "::1", "localhost", "samehost"):
                yield found.start(2), found.end(2), f"`trust` for `{found[1]}` asks nobody for a password"
    elif name.startswith("rabbitmq") and name.endswith(".conf"):
        for found in _RABBIT.finditer(page):
            if not re.search(r"(?m)^[ \t]*default_pass[ \t]*=[ \t]*(?!guest\b)\S", page):
                yield found.start(1), found.end(), f"`{found[0].strip()}` lets the published account `guest` in from everywhere"
    elif name.startswith("mongod"):
        off = _AUTHORIZATION.search(page)
        everywhere = _ALL_ADDRESSES.search(page)
        if off is not None:
            yield off.start(), off.end(), "`authorization: disabled` lets everybody into MongoDB without a password"
        elif everywhere is not None and not _SECURED.search(page):
            yield everywhere.start(), everywhere.end(), "MongoDB listens on every interface, and no `authorization` asks who comes"


@check(
    "PRD484",
    on=[documents("other", "helm-values")],
    required_literals=["xpack", ("plugins", "security"), "allowallauthenticator"],
    files=("yaml",),
)
def open_by_document(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """elasticsearch.yml, opensearch.yml and cassandra.yaml that ask nobody who they are."""
    name, root = context.file.name.lower(), document.root
    if name.startswith(("elasticsearch", "opensearch")):
        for key in ("xpack.security.enabled", "plugins.security.disabled"):
            node = root.members.get(key) or root.get(*key.split(".")) if root.kind == "mapping" else None
            if node is not None and node.kind == "scalar" and _is_off(key, node.raw, {}):
                yield Diagnostic(node, f"`{key}: {node.raw}` lets everybody into {_SWITCHES[key]['words']} without a password")
    elif name.startswith("cassandra"):
        node = root.get("authenticator")
        if node is not None and node.raw.rpartition(".")[2] == "AllowAllAuthenticator":
            yield Diagnostic(node, "`AllowAllAuthenticator` asks nobody for a password")


# ---------------------------------------------------------------- addresses

_SCHEMES = {"redis": "Redis", "mongodb": "MongoDB", "valkey": "Valkey"}
# Other ways to say who one is: certificates, roles of a cloud, a password among the parameters.
_OTHERWISE = ("password", "authMechanism", "tlsCertificateKeyFile", "ssl_certfile", "auth", "username")


def _without_password(value: str) -> str:
    """The datastore that an address leads to without a password, where it lies on another network; or nothing."""
    address = address_of(value)
    if address is None or address.user or address.parameter(*_OTHERWISE) is not None:
        return ""
    words = _SCHEMES.get(address.scheme.partition("+")[0], "")
    return words if words and any(distance(host) in ("remote", "private") for host in address.hosts) else ""


@check(
    "PRD484",
    on=[settings("*URL", "*URI", "*DSN", "*BROKER", "*BACKEND", "*ADDRESS", "*LOCATION")],
    required_literals=["redis://", "mongodb://", "valkey://"],
    files=SETTING_FILES,
)
def address_without_password(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`REDIS_URL=redis://cache.shop.example:6379/0` in what production is given."""
    value = setting.value if setting.value is not None else setting.default
    words = _without_password(value) if value else ""
    if words and deployed(setting):
        yield Diagnostic(setting, f"`{setting.name}` leads to {words} on another machine without a password")


_CLIENTS = {
    "redis.Redis": "Redis",
    "redis.StrictRedis": "Redis",
    "redis.from_url": "Redis",
    "redis.Redis.from_url": "Redis",
    "redis.ConnectionPool.from_url": "Redis",
    "redis.asyncio.Redis": "Redis",
    "redis.asyncio.from_url": "Redis",
    "redis.asyncio.Redis.from_url": "Redis",
    "pymongo.MongoClient": "MongoDB",
    "pymongo.AsyncMongoClient": "MongoDB",
    "motor.motor_asyncio.AsyncIOMotorClient": "MongoDB",
    "celery.Celery": "",
}
_CREDENTIALS = frozenset(
    ("password", "username", "credential_provider", "connection_pool", "unix_socket_path", "ssl_certfile", "authMechanism", "tlsCertificateKeyFile")
)  # fmt: skip


@check("PRD484", on=[calls(*_CLIENTS)], files=("python",))
def client_without_password(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`redis.Redis(host="cache.shop.example")`, `MongoClient("mongodb://db.shop.example")`."""
    values = context.values(call.module).in_production
    given = values.keywords(call)
    if call.spreads or _CREDENTIALS & given.keys() or call.scope.guards & {"debug", "environment"}:
        return
    by_host = call.name.endswith("Redis") or call.name.endswith("Client")
    names = ("broker", "backend") if call.name == "celery.Celery" else ("host",) if by_host else ("url",)
    for position, name in enumerate(names):
        at: Expression | None = call.argument(0 if position == 0 and name != "broker" else -1, name)
        value = values.of(at) if at is not None else given.get(name, Value())
        for shape in value.shapes:
            if not isinstance(shape, Known) or not isinstance(shape.value, str):
                continue
            if "://" in shape.value:
                words = _without_password(shape.value)
            else:
                words = _CLIENTS[call.name] if by_host and distance(shape.value) in ("remote", "private") else ""
            if words:
                yield Diagnostic(call, f"`{call.name}` reaches {words} on another machine without a password")
                return
