"""PRD309 hardcoded-local-endpoint: this machine, or one of the office, as the place where a service finds another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import CheckContext, Diagnostic, calls, check, documents, every, literals, settings
from prodlint.facts import Assignment, Call, Constant, Document, Expression, Literal, Setting
from prodlint.project.production import deployed, priority_in, production_settings
from prodlint.values.compose import is_for_development, items, services
from prodlint.values.hosts import Address, address_of, distance
from prodlint.values.lattice import Known, Value
from prodlint.values.workloads import containers_of, pods

_SERVICE_NOT = frozenset(("command", "script", "migration", "dev", "test", "notebook", "example", "docs"))
# What runs beside a service on its own machine, by the port that its documentation gives: mesh proxies, agents for traces and metrics, proxies of clouds.
_BESIDE = frozenset(
    "15000 15001 15010 15014 15020 15021 3500 50001 50002 4317 4318 8125 8126 6831 6832 5775 5778 14268 2000 9411 2773 8500 8600 8200 19000".split()
)
_NAMED = re.compile(r"(?:^|_)(?:URL|URI|ENDPOINT|DSN|BROKER|BACKEND|API|BASE|ADDRESS|SERVER)$", re.IGNORECASE)
_KEYWORDS = frozenset(
    "base_url url endpoint endpoint_url server_url api_base api_url broker broker_url backend result_backend dsn uri database_url".split()
)
# Addresses that browsers are given, lists of who may ask, where one listens, what a test or a probe asks.
_OTHER = re.compile(
    r"CORS|ORIGIN|ALLOWED|TRUSTED|BIND|LISTEN|HEALTH|PROBE|READY|LIVE|FRONTEND|PUBLIC|SITE|REDIRECT|CALLBACK|EXTERNAL|DEFAULT|LOCAL|DEV|DEBUG|TEST|EXAMPLE|DOCS|PROXY|APP_URL|WEB|^BASE_URL|^HOST$|SERVER_NAME|OWN|SELF|ISSUER|STATIC|MEDIA",
    re.IGNORECASE,
)


def _is_local(address: Address | None) -> str:
    """How a local host is called in a message; nothing where the host is none, or something beside the service."""
    if address is None or address.scheme in ("file", "unix", "sqlite", "ipc", "about", "urn") or not address.host:
        return ""
    if any(port in _BESIDE for port in address.ports):
        return ""
    ways = {distance(host) for host in address.hosts}
    if ways == {"loopback"}:
        return "" if address.host in ("169.254.169.254", "metadata.google.internal") else f"`{address.host}` is this very machine"
    if ways == {"gateway"}:
        return f"`{address.host}` is a developer's machine around a container"
    if ways == {"private"}:
        return f"`{address.host}` is an address of one network"
    return ""


def _speaks(context: CheckContext) -> bool:
    return not context.file.roles & _SERVICE_NOT and context.environment.deploys(context.file.path)


@check("PRD309", on=[literals()], required_literals=[("localhost", "://"), ("127.0.0.1", "://"), ("host.docker.internal", "://"), ("192.168.", "://"), ("://10.",), ("://172.",)], files=("python",))  # fmt: skip
def local_address(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`API_URL = "http://localhost:8000"` of a service, `Client(base_url="http://192.168.1.10")`."""
    if literal.role not in ("assignment", "keyword") or "://" not in literal.value:
        return
    named = literal.name in _KEYWORDS if literal.role == "keyword" else bool(_NAMED.search(literal.name))
    if (
        not named
        or literal.role == "assignment"
        and _OTHER.search(literal.name)
        or literal.scope.class_
        and literal.role == "assignment"
        and not literal.scope.function
    ):
        return  # a field of a settings class is a default: the environment has another value
    if _is_probe(literal.scope.function, literal.value, context):
        return
    if _FORWARDED.search(literal.source.slice(literal.start, literal.end)):
        return  # the near end of a tunnel, on whatever port it got
    words = _is_local(address_of(literal.value))
    if words and _is_taken_over(literal, context):
        return
    if words and _speaks(context) and priority_in(literal, context) is False:
        return
    if words and _speaks(context) and not literal.scope.guards & {"debug", "environment", "main"} and not _is_decided(literal, context):
        yield Diagnostic(literal, f"`{literal.name}` is a hard-coded local address: {words}, wherever the service runs")


def _is_taken_over(fact: Literal | Assignment, context: CheckContext) -> bool:
    """Whether a setting stands in a module that production's own settings take over and change: what holds there, these say."""
    return "settings" in context.file.roles and not fact.scope.function and production_settings(context) is not None


_FORWARDED = re.compile(r"(?i)://(?:localhost|127\.0\.0\.1):\{[^}]*port")
_PROBES = re.compile(r"health|probe|wait_?for|self_?test|status|readiness|liveness|\bping\b|/ready|/live|/up\b", re.IGNORECASE)


def _is_probe(function: str, address: str, context: CheckContext) -> bool:
    """Whether a service asks itself how it is, as its image or its unit has it do."""
    return _PROBES.search(f"{function} {context.file.name} {address}") is not None


def _is_decided(fact: Literal | Call, context: CheckContext) -> bool:
    """Whether a test stands before a place: another branch has another address."""
    return any("__name__" not in condition.expression.text for condition in context.values(fact.module).conditions(fact))


@check(
    "PRD309",
    on=[every(Assignment)],
    required_literals=[(holder, host) for holder in ("databases", "caches") for host in ("localhost", "127.0.0.1")],
    files=("python",),
)
def local_store(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`"HOST": "localhost"` of Django's DATABASES, `"LOCATION": "redis://127.0.0.1"` of CACHES."""
    value = assignment.value
    if assignment.target not in ("HOST", "LOCATION") or assignment.kind != "item" or "settings" not in context.file.roles:
        return
    if (
        not isinstance(value, Constant)
        or not isinstance(value.value, str)
        or not value.value
        or assignment.scope.guards & {"debug", "environment"}
    ):
        return
    words = _is_local(address_of(value.value if "://" in value.value else f"host://{value.value}"))
    if not words or not _speaks(context) or priority_in(assignment, context) is False or _is_taken_over(assignment, context):
        return
    if not any(True for _ in context.values(assignment.module).conditions(assignment)):
        yield Diagnostic(value, f"`{assignment.target}` is a hard-coded local address: {words}, wherever the service runs")


_CLIENTS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "redis.Redis": (0, ("host",)),
    "redis.StrictRedis": (0, ("host",)),
    "redis.asyncio.Redis": (0, ("host",)),
    "redis.from_url": (0, ("url",)),
    "redis.asyncio.from_url": (0, ("url",)),
    "redis.Redis.from_url": (0, ("url",)),
    "pymongo.MongoClient": (0, ("host",)),
    "motor.motor_asyncio.AsyncIOMotorClient": (0, ("host",)),
    "sqlalchemy.create_engine": (0, ("url",)),
    "sqlalchemy.ext.asyncio.create_async_engine": (0, ("url",)),
    "psycopg2.connect": (0, ("dsn", "host")),
    "psycopg.connect": (0, ("conninfo", "host")),
    "asyncpg.connect": (0, ("dsn", "host")),
    "asyncpg.create_pool": (0, ("dsn", "host")),
    "pymysql.connect": (0, ("host",)),
    "aiomysql.create_pool": (9, ("host",)),
    "pika.ConnectionParameters": (0, ("host",)),
    "pika.URLParameters": (0, ("url",)),
    "aio_pika.connect_robust": (0, ("url", "host")),
    "kafka.KafkaProducer": (9, ("bootstrap_servers",)),
    "kafka.KafkaConsumer": (9, ("bootstrap_servers",)),
    "aiokafka.AIOKafkaProducer": (9, ("bootstrap_servers",)),
    "aiokafka.AIOKafkaConsumer": (9, ("bootstrap_servers",)),
    "elasticsearch.Elasticsearch": (0, ("hosts",)),
    "elasticsearch.AsyncElasticsearch": (0, ("hosts",)),
    "grpc.insecure_channel": (0, ("target",)),
    "grpc.aio.insecure_channel": (0, ("target",)),
    "smtplib.SMTP": (0, ("host",)),
    "pymemcache.client.base.Client": (0, ("server",)),
    "qdrant_client.QdrantClient": (9, ("host", "url")),
    "chromadb.HttpClient": (0, ("host",)),
    **{f"{client}.{verb}": (0, ("url",)) for client in ("requests", "httpx", "requests.Session", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession") for verb in ("get", "post", "put", "patch", "delete")},
}  # fmt: skip


@check(
    "PRD309",
    on=[calls(*_CLIENTS)],
    required_literals=["localhost", "127.0.0.1", "host.docker.internal", "192.168.", '"10.', "://10."],
    files=("python",),
)
def local_client(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`redis.Redis(host="localhost")`, `requests.get("http://localhost:8000/prices")`."""
    position, keywords = _CLIENTS[call.name]
    at: Expression | None = next((call.keywords[name] for name in keywords if name in call.keywords), None) or call.argument(position)
    if at is None or not _speaks(context) or _is_probe(call.scope.function, at.text, context):
        return
    # What a variable, a parameter or a setting may give is not written here; one behind a name is judged where the name is given.
    texts = list(_constants(context.values(call.module).in_production.of(at)))
    if not texts or call.scope.guards & {"debug", "environment", "main"} or priority_in(call, context) is False:
        return
    named = not isinstance(at, Constant) and "://" in texts[0]
    for text in texts[:1]:
        words = _is_local(address_of(text if "://" in text else f"host://{text}"))
        if words and not named and not _is_decided(call, context):
            yield Diagnostic(at, f"`{call.name}` is given a local address: {words}, wherever the service runs")


def _constants(value: Value) -> Iterator[str]:
    """The texts that a value may be, where it may be nothing else."""
    shapes = list(value.walk())
    if all(isinstance(shape, Known) or getattr(shape, "items", None) is not None for shape in shapes):
        yield from (shape.value for shape in shapes if isinstance(shape, Known) and isinstance(shape.value, str))


_DEPENDENCY = re.compile(
    r"(?:^|_)(?:DATABASE|DB|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|MONGO(?:DB)?|REDIS|VALKEY|CACHE|BROKER|CELERY|AMQP|RABBITMQ|KAFKA|ELASTIC(?:SEARCH)?|OPENSEARCH|QDRANT|MINIO|S3|OLLAMA|SMTP|EMAIL|MEMCACHED|NATS|API|SERVICE|BACKEND|UPSTREAM)_?(?:\w+_)?(?:URL|URI|DSN|HOST|HOSTS|ENDPOINT|SERVERS?|ADDRESS)$",
    re.IGNORECASE,
)


_HOSTS = ["localhost", "127.0.0.1", "host.docker.internal"]


def _local_value(name: str, value: str) -> str:
    """How the host of a variable for another service is called where it is local; nothing else."""
    if not value or not _DEPENDENCY.search(name) or _OTHER.search(name):
        return ""
    words = _is_local(address_of(value if "://" in value else f"host://{value}"))
    return "" if "address of one network" in words else words


@check("PRD309", on=[settings("*URL", "*URI", "*DSN", "*HOST", "*HOSTS", "*ENDPOINT", "*SERVERS", "*SERVER", "*ADDRESS")], required_literals=_HOSTS, files=("env",))  # fmt: skip
def local_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`REDIS_URL=redis://localhost` in an env file of production."""
    value = (setting.value if setting.value is not None else setting.default or "").strip("\"' ")
    words = _local_value(setting.name, value) if deployed(setting) else ""
    if words:
        yield Diagnostic(setting, f"`{setting.name}` is a local address: {words}", secret="@" in value)


_INSIDE = "inside the container that is the container itself"


@check("PRD309", on=[documents("compose")], required_literals=[("services", "environment", host) for host in _HOSTS], files=("yaml",))
def local_in_compose(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`DATABASE_URL: postgresql://localhost/shop` of a container: there is no database in it."""
    if is_for_development(document) or not context.options.get("compose"):
        return
    for service in services(document):
        if service.get("network_mode") is not None:
            continue  # the host's network, or that of another container
        for name, (value, node) in service.environment.items():
            words = _local_value(name, (value or "").strip("\"' "))
            if words:
                yield Diagnostic(
                    node, f"`{name}` is a local address: {words if 'machine around' in words else _INSIDE}", secret="@" in (value or "")
                )


@check("PRD309", on=[documents("kubernetes")], required_literals=[("containers", "env", host) for host in _HOSTS], files=("yaml", "json"))
def local_in_pod(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The same in a pod of one container: those of one pod share a network."""
    for pod in pods(document):
        inside = list(containers_of(pod))
        if len(inside) != 1 or pod.spec.text_at("hostNetwork") == "true":
            continue
        for entry in items(inside[0].get("env")):
            name, value = entry.text_at("name"), entry.get("value")
            words = _local_value(name, value.raw) if value is not None and value.kind == "scalar" else ""
            if words and value is not None:
                yield Diagnostic(
                    value, f"`{name}` is a local address: {words if 'machine around' in words else _INSIDE}", secret="@" in value.raw
                )
