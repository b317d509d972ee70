"""PRD483 plaintext-transport: what leaves the machine unencrypted, by the addresses and switches that say so.

An address is judged by the host that it names: this machine, a neighbour of a compose network or a cluster, another network. Where the host
is not known, only what switches encryption off by name is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, Ranged, calls, check, documents, every, literals, settings
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Constant,
    Document,
    Expression,
    Fact,
    FString,
    Function,
    Literal,
    Module,
    Name,
    Node,
    Setting,
)
from prodlint.model import Priority
from prodlint.project.production import SETTING_FILES, deployed, priority_in
from prodlint.values.expressions import innermost
from prodlint.values.hosts import Address, address_of, distance
from prodlint.values.lattice import Known, Value
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.places import calls_of, enclosing
from prodlint.values.truth import FALSY

# Scheme -> what it is without TLS, and the address that has it.
_PLAIN: Mapping[str, tuple[str, str]] = {
    "http": ("HTTP", "https://"),
    "ws": ("WebSocket", "wss://"),
    "redis": ("Redis", "rediss://"),
    "valkey": ("Valkey", "valkeys://"),
    "amqp": ("AMQP", "amqps://"),
    "pyamqp": ("AMQP", "amqps://"),
    "mongodb": ("MongoDB", "`tls=true`"),
    "mqtt": ("MQTT", "mqtts://"),
    "ldap": ("LDAP", "ldaps://"),
    "smtp": ("SMTP", "smtps://"),
    "imap": ("IMAP", "imaps://"),
    "ftp": ("FTP", "sftp://"),
    "telnet": ("Telnet", "SSH"),
    "stomp": ("STOMP", "`stomp+ssl://`"),
    "clickhouse": ("ClickHouse", "`secure=true`"),
}
_SQL = frozenset(("postgres", "postgresql", "mysql", "mariadb", "mssql", "cockroachdb", "timescaledb", "asyncpg", "psycopg"))
_TLS_PARAMETER = re.compile(r"ssl|tls|secure|encrypt", re.IGNORECASE)
_OFF_VALUES = frozenset(("disable", "disabled", "allow", "prefer", "preferred", "false", "0", "no", "off", "none"))
# Hosts that a network of one's own has by these names: the way to them is shorter, and still somebody's.
_OWN_NETWORK = re.compile(r"\.(?:internal|corp|intra|intranet|private|lan)\Z")
# What looks like an address and names a vocabulary; nobody connects there.
_VOCABULARIES = re.compile(
    r"(?:^|\.)(?:w3\.org|schemas\.[\w.-]+|xmlns\.[\w.-]+|purl\.org|xml\.org|json-schema\.org|ns\.adobe\.com|opengis\.net|id\.loc\.gov|schema\.org|dublincore\.org"
    r"|xmlsoap\.org|openxmlformats\.org|oasis-open\.org|rdfs\.org|swagger\.io|opensource\.org|creativecommons\.org|apache\.org|gnu\.org|mozilla\.org|ietf\.org|iana\.org)\Z"
)


def _far(address: Address) -> Priority | bool | None:
    """None where an address leads to another network (the page's own priority), P2 where to one's own, False where to nobody else."""
    ways = {distance(host) for host in address.hosts}
    if "remote" in ways:
        return "P2" if all(_OWN_NETWORK.search(host.lower().rstrip(".")) for host in address.hosts if distance(host) == "remote") else None
    return "P2" if "private" in ways else False


def _judge(text: str, by_database: bool = False) -> tuple[str, Priority | None] | None:
    """What is sent in the clear by whoever uses an address, and how much that matters. by_database: a database's address that says nothing of TLS counts."""
    address = address_of(text)
    if address is None:
        return None
    root = address.scheme.partition("+")[0]
    far = _far(address)
    if root in _SQL:
        return _judge_database(address, far, by_database)
    plain = _PLAIN.get(root)
    if plain is None or address.scheme.endswith("+srv") or isinstance(far, bool):
        return None
    if any(_TLS_PARAMETER.search(name) and value.lower() not in _OFF_VALUES for name, value in address.query):
        return None
    if root == "http" and (_VOCABULARIES.search(address.host.lower()) or address.ports[0] == "443"):
        return None
    if address.host.lower().endswith((".onion", ".i2p")):
        return None  # Tor and I2P encrypt, and the name is the key
    return f"{plain[0]} to `{address.host}` without TLS: use {plain[1]}", far


def _judge_database(address: Address, far: Priority | bool | None, by_database: bool) -> tuple[str, Priority | None] | None:
    given = next(((name, value) for name, value in address.query if _TLS_PARAMETER.search(name)), None)
    if given is None:
        if not by_database or isinstance(far, bool):
            return None
        return f"the address of the database `{address.host}` says nothing of TLS: the driver takes what it gets, unverified", "P2"
    name, value = given
    known = {distance(host) for host in address.hosts}
    if value.lower() not in _OFF_VALUES or name.lower().endswith(("disabled",)) or known <= {"loopback", "gateway", "neighbour"}:
        return None
    if value.lower() in ("allow", "prefer", "preferred"):
        return f"`{name}={value}` takes plain text where TLS does not come about", "P2"
    return f"`{name}={value}` sends passwords and rows in the clear", None if far is None else "P2"


# ---------------------------------------------------------------- variables of production

_ADDRESS_NAMES = ("*URL", "*URI", "*DSN", "*ENDPOINT", "*BROKER", "*ADDRESS", "*BACKEND", "*LOCATION", "*BASE", "*SERVER")
_LITERALS = [f"{scheme}://" for scheme in _PLAIN] + [
    word for scheme in ("postgres", "mysql", "mariadb", "mssql") for word in (f"{scheme}://", f"{scheme}ql://", f"{scheme}+", f"{scheme}ql+")
]  # fmt: skip
# Where a browser is told to go, what a certificate is asked for, what a proxy passes on.
_NO_CONNECTION = re.compile(
    r"(?:^|_)(?:PROXY|NO_PROXY|ALLOWED|ORIGINS?|CORS|NAMESPACE|XMLNS|SCHEMA|LICEN[SC]E|DOCS?|HELP|EXAMPLE|CRL|OCSP)(?:_|$)", re.IGNORECASE
)


# RFC 2606: names that lead nowhere; PRD305 says that they stand there.
_TO_BE_REPLACED = re.compile(r"//(?:[\w.-]+\.)?example\.(?:com|org|net)(?=[:/?#\s]|$)")


@check("PRD483", on=[settings(*_ADDRESS_NAMES)], required_literals=_LITERALS, files=SETTING_FILES)
def plain_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`API_URL=http://api.shop.example`, `DATABASE_URL=...?sslmode=disable` in what production is given."""
    value = setting.value if setting.value is not None else setting.default
    if not value or not deployed(setting) or _NO_CONNECTION.search(setting.name):
        return
    found = _judge(value.strip().strip("\"'"), by_database=True)
    if found is not None and not _TO_BE_REPLACED.search(value):
        yield Diagnostic(setting, f"`{setting.name}`: {found[0]}", priority=found[1], secret="@" in value)


_SWITCHED_OFF = {
    "PGSSLMODE": ("disable", "allow", "prefer"),
    "KAFKA_SECURITY_PROTOCOL": ("sasl_plaintext",),
    "OTEL_EXPORTER_OTLP_INSECURE": ("true", "1"),
}


@check("PRD483", on=[settings(*_SWITCHED_OFF, "*_SSLMODE", "*_SSL_MODE", "*_SECURITY_PROTOCOL")], files=SETTING_FILES)
def switched_off(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`PGSSLMODE=disable` in what production is given. A database of the same compose file is a neighbour."""
    value = (setting.value or "").strip().lower()
    name = setting.name.upper()
    wrong = _SWITCHED_OFF.get(name) or (("disable", "allow") if "SSL" in name else ("sasl_plaintext",))
    if value not in wrong or not deployed(setting) or setting.origin == "compose" and value != "sasl_plaintext":
        return
    effect = "sends the password in the clear" if value == "sasl_plaintext" else "leaves the connection unencrypted"
    yield Diagnostic(
        setting, f"`{setting.name}={setting.value}` {effect}", priority=None if value in ("disable", "sasl_plaintext") else "P2"
    )


_MAIL_TLS = re.compile(r"(?:^|_)(?:EMAIL|MAIL|SMTP)_(?:USE_)?(?:TLS|STARTTLS|SSL|SSL_TLS)$", re.IGNORECASE)
_MAIL_TLS_ON = re.compile(r"(?i)\b\w*(?:EMAIL|MAIL|SMTP)_(?:USE_)?(?:TLS|STARTTLS|SSL|SSL_TLS)\b[\"']?\s*[:=]\s*[\"']?(?:true|1|yes|on|\$)")
_MAIL_HERE = re.compile(
    r"(?i)\b\w*(?:EMAIL|MAIL|SMTP)_(?:HOST|SERVER)\b[\"']?\s*[:=]\s*[\"']?(?:localhost|127\.|mail(?:hog|pit|dev|catcher)?\b|smtp\s*$|postfix)"
)


@check(
    "PRD483",
    on=[settings("*_USE_TLS", "*_USE_SSL", "*_STARTTLS", "*_TLS", "*_SSL", "*_SSL_TLS")],
    required_literals=[(word, tls) for word in ("email_", "mail_", "smtp_") for tls in ("tls", "ssl")],
    files=SETTING_FILES,
)
def mail_without_tls(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`EMAIL_USE_TLS=false`, and no other switch beside it that is on."""
    if not _MAIL_TLS.search(setting.name) or (setting.value or "").strip("\"' ").lower() not in FALSY or not deployed(setting):
        return
    page = setting.source.text
    if _MAIL_TLS_ON.search(page) or _MAIL_HERE.search(page) or setting.value == "":
        return
    yield Diagnostic(setting, f"`{setting.name}={setting.value}` sends mail, and the password to send it, in the clear")


# ---------------------------------------------------------------- addresses in code

_URL_KEYWORDS = frozenset(
    "base_url url endpoint endpoint_url server_url api_base api_url api_base_url broker broker_url backend result_backend dsn uri database_url token_url"
    " authorize_url access_token_url api_endpoint jwks_uri webhook_url hosts host url_base root_url".split()
)
_URL_NAME = re.compile(r"(?:^|_)(?:URL|URI|ENDPOINT|DSN|BROKER|BACKEND|HOSTS?|SERVER|API|ADDRESS)$", re.IGNORECASE)
_IS_A_PAGE = re.compile(r"(?i)^(?:url|home_?page|\w*licen[sc]e_?url|\w*docs?_?url|project_url|author_url)$")


@check("PRD483", on=[literals()], required_literals=[f"{scheme}://" for scheme in _PLAIN], files=("python",))
def plain_literal(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`API_URL = "http://api.shop.example"`, `Client(base_url="http://...")`, `Celery(broker="amqp://...")`."""
    if "://" not in literal.value or literal.role not in ("assignment", "default", "keyword", "item"):
        return
    if _NO_CONNECTION.search(literal.name) or literal.role == "item" and "settings" not in context.file.roles:
        return
    if _IS_A_PAGE.match(literal.name):
        return  # where a licence or a project can be read about
    found = _judge(literal.value)
    if literal.role in ("keyword", "item"):
        asked = literal.name in _URL_KEYWORDS
    else:
        asked = _is_asked_by_name(literal.name, literal.value, literal.scope.function) or (
            found is not None and literal.name in _given_as_address(literal.module)
        )
    if found is None or not asked or priority_in(literal, context) is False or literal.scope.guards & {"debug", "environment"}:
        return
    yield Diagnostic(literal, found[0], priority=found[1], secret="@" in literal.value)


@lru_cache(maxsize=4)
def _given_as_address(module: Module) -> frozenset[str]:
    """The names that the calls of a file are given under the keyword of an address: `Celery(broker=QUEUE)`."""
    return frozenset(
        value.source_text
        for call in module.calls()
        for keyword, value in call.keywords.items()
        if keyword in _URL_KEYWORDS and isinstance(value, Name)
    )


def _is_asked_by_name(name: str, address: str, function: str) -> bool:
    """Whether a name says that its address is asked. One that a function works with need not be."""
    return bool(_URL_NAME.search(name)) and not (function and address.startswith("http:"))


_VERBS = ("get", "post", "put", "patch", "delete", "request", "stream")
_ASKING = (
    *(f"{client}.{verb}" for client in ("requests", "requests.Session", "httpx", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession", "niquests") for verb in _VERBS),
    "urllib.request.urlopen",
    "urllib.request.Request",
    "urllib3.PoolManager.request",
    "aiohttp.ClientSession",
    "aiohttp.ClientSession.ws_connect",
    "websockets.connect",
    "websocket.create_connection",
    "websocket.WebSocketApp",
    "elasticsearch.Elasticsearch",
    "elasticsearch.AsyncElasticsearch",
    "redis.from_url",
    "redis.Redis.from_url",
    "redis.asyncio.from_url",
    "redis.asyncio.Redis.from_url",
    "pymongo.MongoClient",
    "pymongo.AsyncMongoClient",
    "motor.motor_asyncio.AsyncIOMotorClient",
    "pika.URLParameters",
    "aio_pika.connect",
    "aio_pika.connect_robust",
    "kombu.Connection",
    "ldap.initialize",
    "ldap3.Server",
    "xmlrpc.client.ServerProxy",
)  # fmt: skip
_SECURED = re.compile(r"ssl|tls|secure", re.IGNORECASE)


def _direct(call: Call) -> Expression | None:
    """The address that a call is given where it stands or under a name that does not say so; one that does is judged by itself."""
    at = call.argument(1 if call.method in ("request", "stream") else 0)
    if isinstance(at, Name):
        known = call.module.follow(at, call)
        around = enclosing(known, call.module)
        name = at.source_text.rpartition(".")[2]
        if isinstance(known, Constant) and _is_asked_by_name(name, str(known.value), around.name if around is not None else ""):
            return None
        at = known if known.file.path == call.file.path else None
    if isinstance(at, FString):
        return at
    if isinstance(at, Constant) and isinstance(at.value, str):
        return at
    first = at.items[0] if hasattr(at, "items") and at is not None and at.items else None
    return first if isinstance(first, Constant) else None


@check(
    "PRD483",
    on=[calls(*_ASKING)],
    required_literals=[f"{scheme}://" for scheme in ("http", "ws", "redis", "amqp", "mongodb", "ldap")],
    files=("python",),
)
def plain_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`requests.post("http://api.shop.example/orders", json=order)`."""
    at = _direct(call)
    if at is None or any(_SECURED.search(name) for name in call.keywords) or call.spreads:
        return
    text = (
        str(at.value)
        if isinstance(at, Constant)
        else "".join(str(part.value) if isinstance(part, Constant) else "\0" for part in at.parts())
    )
    text = text.replace("\0", "x") if "\0" not in text.partition("://")[2].partition("/")[0] else ""
    found = _judge(text)
    if found is None or priority_in(call, context) is False:
        return
    # What is only read, from whoever may show it to everybody, can be changed on the way and not be overheard.
    reading = call.method in ("get", "urlopen") and not {"headers", "auth", "cookies", "json", "data", "params"} & call.keywords.keys()
    yield Diagnostic(at, found[0], priority="P2" if reading else found[1], secret="@" in text)


# ---------------------------------------------------------------- switches of libraries

_ENGINES = ("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", "psycopg.connect", "psycopg.AsyncConnection.connect", "psycopg2.connect", "psycopg_pool.ConnectionPool", "psycopg_pool.AsyncConnectionPool", "asyncpg.connect", "asyncpg.create_pool", "databases.Database", "pymysql.connect", "aiomysql.connect")  # fmt: skip


@check("PRD483", on=[calls(*_ENGINES)], files=("python",))
def plain_database(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`create_engine(url, connect_args={"sslmode": "disable"})`, `asyncpg.connect(host="db.shop.example", ssl=False)`."""
    values = context.values(call.module).in_production
    given = values.keywords(call)
    host = _text_of(given.get("host", Value()))
    address = _text_of(values.of(call.argument(0)) if call.arguments else given.get("dsn", given.get("conninfo", Value())))
    parsed = address_of(address) if address else None
    names = parsed.hosts if parsed is not None else (host,) if host else ()
    if names and all(distance(one) in ("loopback", "gateway", "neighbour") for one in names) or priority_in(call, context) is False:
        return
    for name, value in _switches(call, values.keywords(call)):
        if any(str(constant).lower() in ("disable", "allow", "false") for constant in value.constants()) and not list(value.settings()):
            shown = next(str(constant) for constant in value.constants() if str(constant).lower() in ("disable", "allow", "false"))
            yield Diagnostic(call, f"`{name}={shown}` leaves the connection to the database unencrypted", priority=None if names else "P2")
            return
    secured = call.spreads or any(_SECURED.search(name) for name in given) or "connect_args" in given
    found = None if secured or not address else _judge(address, by_database=True)
    if found is not None:
        yield Diagnostic(call, found[0], priority=found[1])


def _switches(call: Call, given: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    for name, value in given.items():
        if name in ("sslmode", "ssl", "ssl_mode"):
            yield name, value
        if name == "connect_args":
            for shape in value.shapes:
                for inner, entry in getattr(shape, "entries", {}).items():
                    if inner in ("sslmode", "ssl", "ssl_mode"):
                        yield inner, entry


def _text_of(value: Value) -> str:
    shape = value.only()
    return shape.value if isinstance(shape, Known) and isinstance(shape.value, str) else ""


@check("PRD483", on=[every(Assignment)], required_literals=["sslmode"], files=("python",))
def plain_option(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`"OPTIONS": {"sslmode": "disable"}` of Django's DATABASES."""
    value = assignment.value
    if (
        assignment.target != "sslmode"
        or assignment.kind != "item"
        or not isinstance(value, Constant)
        or "settings" not in context.file.roles
    ):
        return
    if str(value.value) in ("disable", "allow") and priority_in(assignment, context) is not False:
        yield Diagnostic(assignment, f"`sslmode` is `{value.value}`: the connection to the database may be unencrypted", priority="P2")


@check("PRD483", on=[calls("grpc.insecure_channel", "grpc.aio.insecure_channel", "grpc.experimental.insecure_channel")], files=("python",))
def plain_channel(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`grpc.insecure_channel("orders.shop.example:443")`."""
    value = context.values(call.module).in_production.of(call.argument(0, "target"))
    target = _text_of(value)
    host = target.rpartition("/")[2].rpartition(":")[0] or target.rpartition("/")[2]
    far = distance(host) if target else "unknown"
    if far in ("remote", "private") and priority_in(call, context) is not False:
        softer: Priority | None = "P2" if far == "private" or _OWN_NETWORK.search(host) else None
        yield Diagnostic(call, f"`{call.name}` to `{host}`: calls, and the tokens with them, travel in the clear", priority=softer)


_KAFKA = ("kafka.KafkaProducer", "kafka.KafkaConsumer", "kafka.KafkaAdminClient", "aiokafka.AIOKafkaProducer", "aiokafka.AIOKafkaConsumer", "confluent_kafka.Producer", "confluent_kafka.Consumer")  # fmt: skip


@check("PRD483", on=[calls(*_KAFKA)], files=("python",))
def plain_kafka(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`KafkaProducer(bootstrap_servers="kafka.shop.example:9092")`: PLAINTEXT unless it is told otherwise."""
    given = dict(context.values(call.module).in_production.keywords(call))
    for shape in context.values(call.module).in_production.of(call.argument(0)).shapes if call.name.startswith("confluent") else ():
        given |= {key.replace(".", "_"): value for key, value in getattr(shape, "entries", {}).items()}
    protocol = given.get("security_protocol")
    servers = given.get("bootstrap_servers", Value())
    texts = [one.value for one in servers.walk() if isinstance(one, Known) and isinstance(one.value, str)]
    hosts = [text.rpartition(":")[0] or text for joined in texts for text in joined.split(",")]
    near = bool(hosts) and all(distance(host) in ("loopback", "gateway", "neighbour") for host in hosts)
    if near or call.spreads or priority_in(call, context) is False:
        return
    named = _text_of(protocol) if protocol is not None else ""
    far = any(distance(host) in ("remote", "private") for host in hosts)
    if (
        named == "SASL_PLAINTEXT"
        and not any(isinstance(shape, SettingRead) for shape in servers.shapes)
        or named == "SASL_PLAINTEXT"
        and far
    ):
        yield Diagnostic(call, "`SASL_PLAINTEXT` sends the password to the broker in the clear")
    elif far and (protocol is None or named == "PLAINTEXT"):
        words = "`security_protocol` is `PLAINTEXT`" + ("" if named else " unless it is given")
        yield Diagnostic(call, f"{words}: messages to `{hosts[0]}` travel in the clear")


_MAIL = {"smtplib.SMTP": "SMTP", "imaplib.IMAP4": "IMAP", "poplib.POP3": "POP3"}


@check("PRD483", on=[calls("smtplib.SMTP.login", "imaplib.IMAP4.login", "poplib.POP3.pass_")], files=("python",))
def plain_login(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`smtp.login(user, password)` before any `starttls()`."""
    maker = call.constructor
    keeper = _keeper(call, call.module)
    if maker is None or (keeper.start if keeper is not None else None) in _starting_tls(call.module):
        return
    host = _text_of(context.values(call.module).in_production.of(maker.argument(0, "host")))
    if maker.name in _MAIL and not (host and distance(host) in ("loopback", "gateway")) and priority_in(call, context) is not False:
        yield Diagnostic(call, f"{_MAIL[maker.name]} without `starttls()`: the password travels in the clear")


def _keeper(fact: Fact, module: Module) -> Class | Function | None:
    """What holds a connection that is used here: the class of a method, another function, or nothing for the module's own code."""
    function = innermost(module, fact)
    return function.class_ or function if function is not None else None


@lru_cache(maxsize=4)
def _starting_tls(module: Module) -> frozenset[int | None]:
    """Where each class or function begins that starts TLS on a connection; None for the module's own code."""
    keepers = (_keeper(call, module) for call in calls_of(module, "starttls", "stls"))
    return frozenset(keeper.start if keeper is not None else None for keeper in keepers)


@check("PRD483", on=[calls("ftplib.FTP", "telnetlib.Telnet", "telnetlib3.open_connection")], files=("python",))
def plain_protocol(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`FTP("files.shop.example", user, password)`; `ftplib.FTP_TLS` is another class."""
    host = _text_of(context.values(call.module).in_production.of(call.argument(0, "host")))
    if host and distance(host) in ("loopback", "gateway", "neighbour") or priority_in(call, context) is False:
        return
    if call.name == "ftplib.FTP":
        secret = call.argument(2, "passwd") is not None or any(
            one.method == "login" and one.name.startswith("ftplib.FTP") and (one.arguments or one.keywords) for one in call.module.calls()
        )
        words = (
            "FTP sends the password and every file in the clear"
            if secret
            else "FTP sends every file in the clear, and whoever is on the way may change it"
        )
        yield Diagnostic(call, words, priority=None if secret else "P2")
    else:
        yield Diagnostic(call, "Telnet sends the password and all that is typed in the clear")


@check(
    "PRD483",
    on=[calls("pysnmp.hlapi.*", "easysnmp.Session", "puresnmp.Client")],
    required_literals=[("pysnmp", "communitydata"), ("pysnmp", "usmuserdata"), ("easysnmp", "session")],
    files=("python",),
)
def plain_snmp(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`CommunityData("public")` is SNMP 1 or 2c; `UsmUserData(name)` is SNMP 3 with nothing of what it is for."""
    if call.stars or priority_in(call, context) is False:
        return
    if call.method == "CommunityData":
        yield Diagnostic(call, "SNMP 1 and 2c send the community, which is the password, in the clear: use SNMP 3 with `UsmUserData`")
    elif call.method == "UsmUserData":
        given = call.keywords
        private = call.argument(2, "privKey") or given.get("privProtocol")
        if call.argument(1, "authKey") is None and private is None:
            yield Diagnostic(call, "SNMP 3 without `authKey` and `privKey` neither signs nor encrypts")
        elif private is None:
            yield Diagnostic(call, "SNMP 3 without `privKey` sends what it reads in the clear", priority="P2")
    elif call.name == "easysnmp.Session":
        version = call.keywords.get("version")
        known = context.values(call.module).of(version).constants() if version is not None else [3]
        if known and all(one in (1, 2) for one in known):
            yield Diagnostic(call, "SNMP 1 and 2c send the community, which is the password, in the clear")


_INSECURE = ("minio.Minio", "opentelemetry.exporter.otlp.proto.grpc.trace_exporter.OTLPSpanExporter", "opentelemetry.exporter.otlp.proto.grpc.metric_exporter.OTLPMetricExporter", "boto3.client", "boto3.resource", "weaviate.connect_to_custom", "fastapi_mail.ConnectionConfig", "clickhouse_connect.get_client")  # fmt: skip


@check("PRD483", on=[calls(*_INSECURE)], files=("python",))
def told_not_to(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Minio("objects.shop.example", secure=False)`, `ConnectionConfig(MAIL_STARTTLS=False, MAIL_SSL_TLS=False)`."""
    values = context.values(call.module).in_production
    given = values.keywords(call)
    if priority_in(call, context) is False:
        return
    if call.name == "fastapi_mail.ConnectionConfig":
        server = _text_of(given.get("MAIL_SERVER", Value()))
        both = [given.get(name, Value()) for name in ("MAIL_STARTTLS", "MAIL_SSL_TLS")]
        if all(value.is_constant(False) for value in both) and not (server and distance(server) in ("loopback", "neighbour")):
            yield Diagnostic(call, "neither `MAIL_STARTTLS` nor `MAIL_SSL_TLS`: mail, and the password to send it, travel in the clear")
        return
    off = next(
        (
            name
            for name, wrong in (("secure", False), ("use_ssl", False), ("insecure", True))
            if given.get(name, Value()).is_constant(wrong)
        ),
        "",
    )
    where = _text_of(
        values.of(call.argument(0))
        if call.name == "minio.Minio" and call.arguments
        else given.get("endpoint", given.get("host", given.get("endpoint_url", Value())))
    )
    host = (address_of(where) or address_of(f"x://{where}")) if where else None
    far = _far(host) if host is not None else False
    if off and not isinstance(far, bool):
        yield Diagnostic(
            call,
            f"`{off}={given[off].constants()[0]}` to `{host.host if host is not None else ''}`: everything travels in the clear",
            priority=far,
        )


# Clients that are given a host and no address: the keyword of it, and what among their keywords speaks of TLS.
_BY_HOST = {
    "redis.Redis": ("host", "Redis"),
    "redis.StrictRedis": ("host", "Redis"),
    "redis.asyncio.Redis": ("host", "Redis"),
    "pika.ConnectionParameters": ("host", "AMQP"),
    "ldap3.Server": ("host", "LDAP"),
    "pymongo.MongoClient": ("host", "MongoDB"),
}


@check("PRD483", on=[calls(*_BY_HOST)], files=("python",))
def plain_client(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`redis.Redis(host="cache.shop.example", password=...)` without `ssl=True`."""
    keyword, words = _BY_HOST[call.name]
    values = context.values(call.module).in_production
    given = values.keywords(call)
    if call.spreads or priority_in(call, context) is False:
        return
    if any(_SECURED.search(name) and not value.is_constant(False) and not value.is_constant(None) for name, value in given.items()):
        return
    host = _text_of(values.of(call.argument(0, keyword)))
    if not host or "://" in host or call.name == "ldap3.Server" and any(one.method == "start_tls" for one in call.module.calls()):
        return
    far = _far(address_of(f"x://{host}") or Address("x", "", (), (), "", ()))
    if not isinstance(far, bool):
        yield Diagnostic(call, f"{words} to `{host}` without TLS", priority=far)


# ---------------------------------------------------------------- Django's mail


@check("PRD483", on=[every(Module)], required_literals=["email_host_password", "email_host_user"], files=("python",))
def django_mail(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`EMAIL_HOST` with a password and neither `EMAIL_USE_TLS` nor `EMAIL_USE_SSL`."""
    if "settings" not in context.file.roles or any(taken.name == "*" for taken in module.import_facts()):
        return
    given = {
        name: _top(module.assignments(name))
        for name in ("EMAIL_HOST", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_BACKEND")
    }
    host, password = given["EMAIL_HOST"], given["EMAIL_HOST_PASSWORD"]
    if not host or not password or given["EMAIL_BACKEND"] and not any("smtp" in one.value.text for one in given["EMAIL_BACKEND"]):
        return
    if any(
        not (isinstance(one.value, Constant) and one.value.value is False)
        for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL")
        for one in given[name]
    ):
        return
    last = host[-1]
    server = _text_of(context.values(module).in_production.of(last.value))
    if server and distance(server) in ("loopback", "gateway", "neighbour") or priority_in(last, context) is False:
        return
    yield Diagnostic(last, "neither `EMAIL_USE_TLS` nor `EMAIL_USE_SSL`: mail, and `EMAIL_HOST_PASSWORD`, travel in the clear")


def _top(assignments: Sequence[Assignment]) -> list[Assignment]:
    return [one for one in assignments if not one.scope.symbol and one.kind in ("name", "annotated")]


# ---------------------------------------------------------------- what the cluster shows to the world

_TLS_ELSEWHERE = re.compile(
    r"certificate-arn|ssl-cert|listen-ports|router\.tls|managed-certificates|pre-shared-cert|tls-acme|cert-manager\.io|ssl-passthrough|cloudflare|appgw-ssl"
)


@check(
    "PRD483",
    on=[documents("kubernetes")],
    required_literals=[("ingress", "rules"), ("ingress", "defaultbackend"), ("gateway", "listeners")],
    files=("yaml", "json"),
)
def ingress_without_tls(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """An Ingress with hosts and no `tls`, a Gateway that listens by HTTP alone."""
    root = document.root
    kind, name = root.text_at("kind"), root.text_at("metadata", "name")
    if document.template and "tls" in document.source.text.lower():
        return
    served = root.get("spec", "rules") or root.get("spec", "defaultBackend")
    if kind == "Ingress" and served is not None and root.get("spec", "tls") is None:
        annotations = root.get("metadata", "annotations")
        if (
            annotations is not None
            and _TLS_ELSEWHERE.search(annotations.text)
            or "tls" in context.environment.patched_keys(context.file.path, kind, name)
        ):
            return
        hosts = [rule.text_at("host") for rule in _listed(root.get("spec", "rules"))]
        if all(host and distance(host) in ("loopback", "neighbour") for host in hosts) and hosts:
            return
        yield Diagnostic(_first_line(root, served), f"the Ingress `{name}` has no `tls`: whoever visits does so in the clear")
    elif kind == "Gateway" and "gateway.networking.k8s.io" in root.text_at("apiVersion"):
        listeners = _listed(root.get("spec", "listeners"))
        if listeners and all(listener.text_at("protocol") == "HTTP" for listener in listeners):
            yield Diagnostic(_first_line(root, listeners[0]), f"the Gateway `{name}` listens by HTTP alone", priority="P2")


def _first_line(root: Node, otherwise: Ranged) -> Ranged:
    return root.get("metadata", "name") or otherwise


def _listed(node: Node | None) -> list[Node]:
    return list(node.items) if node is not None and node.kind == "sequence" else []
