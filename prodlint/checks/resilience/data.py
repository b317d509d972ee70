"""Database clients: how long they wait for a connection, how many they keep, what they write to the log
(PRD521, PRD523, PRD551, PRD552).

Read in the sources: psycopg 3.3 waits 130 s to connect, psycopg2 as long as the operating system; asyncpg 0.32 60 s;
PyMySQL 1.2 connects within 10 s and then reads without limit; SQLAlchemy 2.1 keeps 5 connections and 10 more, without
a ping; redis-py waits without limit before 8.0 and 5 s since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import (
    Assignment,
    Call,
    Constant,
    Dictionary,
    Expression,
    Fact,
    FString,
    Module,
    Name,
    Operation,
    expressions_in,
    statements_in,
)
from prodlint.model import FixRequest, Priority
from prodlint.project.production import priority_in
from prodlint.values.places import (
    UNKNOWN,
    body_of,
    enclosing,
    is_imported,
    is_number,
    is_tried,
    resolved,
    shown,
    statements_around,
    value_of,
)

ENGINES = (
    "sqlalchemy.create_engine",
    "sqlalchemy.engine.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlmodel.create_engine",
)
_engine_anchors = ["create_engine(", "create_async_engine(", "import create_engine", "import create_async_engine"]


# ---------------------------------------------------------------- addresses of databases


def text_of(expression: Expression | None, module: Module, near: Fact) -> str:
    """What a file tells of a text: literals as they are, `{}` for each part that is not in the file; "" for nothing."""
    expression = resolved(expression, module, near)
    if isinstance(expression, Constant):
        return expression.value if isinstance(expression.value, str) else ""
    if isinstance(expression, FString):
        return "".join(str(part.value) if isinstance(part, Constant) else "{}" for part in expression.items)
    if isinstance(expression, Operation) and expression.operator in ("+", "%"):
        parts = expression.operands if expression.operator == "+" else expression.operands[:1]
        return "".join(part.value if isinstance(part, Constant) and isinstance(part.value, str) else "{}" for part in parts)
    if isinstance(expression, Call):
        if expression.method == "create" and expression.name.endswith("URL.create"):
            drivername = value_of(expression.argument(0, "drivername"), module, near)
            query = expression.keywords.get("query")
            return f"{drivername}://{{}}?{query.text if query is not None else ''}" if isinstance(drivername, str) else ""
        if expression.method == "format" and isinstance(expression.receiver, Constant) and isinstance(expression.receiver.value, str):
            return expression.receiver.value
    return ""


def driver_of(url: str) -> str:
    """The driver that a database URL names: "postgresql" alone is psycopg2 up to SQLAlchemy 2.0."""
    scheme = url.split("://", 1)[0].lower() if "://" in url else ""
    return {"postgresql": "psycopg2", "postgres": "psycopg2", "mysql": "mysqlclient"}.get(scheme, scheme.rsplit("+", 1)[-1])


# Packages by which a tree tells the driver behind `create_engine(settings.database_url)`.
_DRIVER_PACKAGES = (
    "psycopg2",
    "psycopg2-binary",
    "psycopg",
    "asyncpg",
    "pymysql",
    "mysqlclient",
    "aiomysql",
    "asyncmy",
    "aiosqlite",
    "pg8000",
    "oracledb",
    "pyodbc",
)


def only_psycopg2(context: CheckContext) -> bool:
    """Whether psycopg2 is the one database driver among the tree's dependencies."""
    packages: frozenset[str] = getattr(context.environment, "packages", frozenset())
    found = {name.removesuffix("-binary") for name in _DRIVER_PACKAGES if name in packages}
    return found == {"psycopg2"}


# ---------------------------------------------------------------- time to connect

_CONNECT_FIX = FixRequest(
    "set-keyword", "Give up connecting after 5 s", safe=False, arguments=(("keyword", "connect_timeout"), ("value", "5"))
)
_PSYCOPG2 = {"psycopg2.connect": 0, "psycopg2.pool.SimpleConnectionPool": 2, "psycopg2.pool.ThreadedConnectionPool": 2}
_PSYCOPG3 = ("psycopg.connect", "psycopg.Connection.connect", "psycopg.AsyncConnection.connect")
_PSYCOPG_KEYWORDS = ("host", "hostaddr", "dbname", "database", "user", "port", "service")


def _says_connect_timeout(text: str) -> bool:
    return "connect_timeout" in text.lower()


@check("PRD521", on=[calls(*_PSYCOPG2, *_PSYCOPG3)], required_literals=["psycopg"])
def psycopg_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`psycopg2.connect(host=...)` without `connect_timeout`."""
    if call.stars or not is_imported(call) or _is_asynchronous(call):
        return
    given = call.keywords.get("connect_timeout")
    if given is not None:
        seconds = value_of(given, call.module, call)
        if seconds is None or (is_number(seconds) and seconds == 0 and call.name in _PSYCOPG2):
            yield Diagnostic(call, f"`{shown(call)}` with `connect_timeout={given.text}` waits as long as the operating system does")
        return
    dsn = call.argument(_PSYCOPG2.get(call.name, 0), "dsn" if call.name in _PSYCOPG2 else "conninfo")
    if dsn is not None:
        text = text_of(dsn, call.module, call)
        # An address that ends in a part from elsewhere may bring the timeout with it.
        if not text.replace("{}", "") or _says_connect_timeout(text) or text.endswith("?{}"):
            return
    elif not any(name in call.keywords for name in _PSYCOPG_KEYWORDS):
        return
    if call.name in _PSYCOPG2:
        words = f"`{shown(call)}` has no `connect_timeout`: psycopg2 waits as long as the operating system does"
        # Where the driver may be missing, the service can do without this database.
        yield Diagnostic(call, words, priority="P2" if is_tried(call) else None, fix=_CONNECT_FIX)
    elif context.options.get("bounded"):
        yield Diagnostic(call, f"`{shown(call)}` has no `connect_timeout`: psycopg's default is 130 s", priority="P2", fix=_CONNECT_FIX)


def _is_asynchronous(call: Call) -> bool:
    """`psycopg2.connect(async_=True)`: libpq ignores `connect_timeout` there, and who waits gives the limit to `select`."""
    return any(
        value_of(call.keywords.get(name), call.module, call) not in (UNKNOWN, None, False, 0)
        for name in ("async_", "async")
        if name in call.keywords
    )


@check("PRD521", on=[calls("asyncpg.connect", "asyncpg.create_pool")])
def asyncpg_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """asyncpg without `timeout`: 60 s."""
    if call.stars or "timeout" in call.keywords or not is_imported(call) or not context.options.get("bounded"):
        return
    fix = FixRequest("set-keyword", "Give up connecting after 5 s", safe=False, arguments=(("keyword", "timeout"), ("value", "5")))
    yield Diagnostic(call, f"`{shown(call)}` has no `timeout`: asyncpg's default to connect is 60 s", priority="P2", fix=fix)


@check("PRD521", on=[calls("pymysql.connect", "pymysql.Connect", "pymysql.connections.Connection")])
def pymysql_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """PyMySQL without `read_timeout`: it connects in time and then reads for ever."""
    if call.stars or "read_timeout" in call.keywords or not is_imported(call):
        return
    fix = FixRequest("set-keyword", "Give up reading after 30 s", safe=False, arguments=(("keyword", "read_timeout"), ("value", "30")))
    yield Diagnostic(
        call, f"`{shown(call)}` has no `read_timeout`: PyMySQL connects within 10 s and then reads without limit", priority="P2", fix=fix
    )


_MONGO = ("pymongo.MongoClient", "pymongo.mongo_client.MongoClient", "pymongo.AsyncMongoClient", "motor.motor_asyncio.AsyncIOMotorClient")
_MONGO_LIMITS = ("serverSelectionTimeoutMS", "timeoutMS", "serverselectiontimeoutms", "timeoutms")


@check("PRD521", on=[calls(*_MONGO)], required_literals=["mongoclient", "motorclient"])
def mongo_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A Mongo client without `serverSelectionTimeoutMS` or `timeoutMS`: 30 s for each operation while no server is there."""
    if not context.options.get("bounded") or call.stars or not is_imported(call) or any(name in call.keywords for name in _MONGO_LIMITS):
        return
    address = call.argument(0, "host")
    if address is not None:
        text = text_of(address, call.module, call)
        if not text.replace("{}", "") or "timeoutms" in text.lower() or text.endswith("{}"):
            return
    yield Diagnostic(call, f"`{shown(call)}` has no `serverSelectionTimeoutMS`: pymongo waits 30 s for a server", priority="P2")


@check("PRD521", on=[calls(*ENGINES)], required_literals=_engine_anchors)
def engine_connect(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """An engine for PostgreSQL whose `connect_args` hold no timeout."""
    if call.stars or not is_imported(call) or "creator" in call.keywords or "async_creator" in call.keywords or "pool" in call.keywords:
        return
    url = text_of(call.argument(0, "url"), call.module, call)
    if _says_connect_timeout(url) or "timeout=" in url:
        return
    arguments = resolved(call.keywords.get("connect_args"), call.module, call)
    if _is_changed(call.keywords.get("connect_args"), call.module):
        return
    if arguments is not None and (not isinstance(arguments, Dictionary) or _may_hold(arguments, "connect_timeout", "timeout")):
        return
    driver = driver_of(url)
    fix = (
        None
        if arguments is not None
        else FixRequest(
            "set-keyword",
            "Give up connecting after 5 s",
            safe=False,
            arguments=(("keyword", "connect_args"), ("value", '{"connect_timeout": 5}')),
        )
    )
    if driver == "psycopg2":
        yield Diagnostic(
            call,
            f"`{shown(call)}` has no `connect_timeout` in `connect_args`: psycopg2 waits as long as the operating system does",
            fix=fix,
        )
    elif driver in ("psycopg", "psycopg_async") and context.options.get("bounded"):
        yield Diagnostic(
            call, f"`{shown(call)}` has no `connect_timeout` in `connect_args`: psycopg's default is 130 s", priority="P2", fix=fix
        )
    elif driver == "asyncpg" and context.options.get("bounded"):
        yield Diagnostic(call, f"`{shown(call)}` has no `timeout` in `connect_args`: asyncpg's default is 60 s", priority="P2")
    elif not driver and only_psycopg2(context) and not _may_be_sqlite(call.module) and not _of_alembic(call.module):
        words = "has no `connect_timeout`, unless the URL brings one: psycopg2 (the only database driver found) has none of its own"
        # Whatever database the URL names gets the argument; SQLite's driver refuses it.
        yield Diagnostic(call, f"`{shown(call)}` {words}", priority="P2")


def _is_changed(expression: Expression | None, module: Module) -> bool:
    """Whether a dict that goes by a name gets further entries: `connect_args["timeout"] = 5`."""
    if not isinstance(expression, Name):
        return False
    name = re.escape(expression.source_text.encode())
    return re.search(rb"(?<![\w.])" + name + rb"[\s\\]*(?:\[|\.[\s\\]*update\b)", module.source.data) is not None


def _may_be_sqlite(module: Module) -> bool:
    """Whether a file whose database URL comes from elsewhere speaks of SQLite."""
    return b"sqlite" in module.source.data.lower()


def _of_alembic(module: Module) -> bool:
    """Whether a file is alembic's env.py: its engine lives as long as the migration."""
    return any(name in ("alembic", "alembic.context") for name in module.imports.values())


def _may_hold(dictionary: Dictionary, *keys: str) -> bool:
    """Whether a dict display has one of these keys, or parts (`**other`, computed keys) that may bring them."""
    return any(not isinstance(key, Constant) or key.value in keys for key, _ in dictionary.items)


# ---------------------------------------------------------------- Django

_SERVER_ENGINES = ("postgresql", "postgis", "psycopg", "mysql", "oracle", "mssql", "cockroach")


def _databases(assignment: Assignment) -> Iterator[tuple[str, Dictionary]]:
    """The databases that Django's DATABASES describes in full: engine and description."""
    if assignment.target != "DATABASES" or assignment.kind not in ("name", "annotated") or not isinstance(assignment.value, Dictionary):
        return
    module = assignment.module
    for _, value in assignment.value.items:
        database = resolved(value, module, assignment)
        if not isinstance(database, Dictionary) or any(key is None for key, _ in database.items):
            continue
        engine = database.get("ENGINE")
        if isinstance(engine, Constant) and isinstance(engine.value, str):
            yield engine.value, database


@check("PRD521", on=[every(Assignment)], required_literals=[("databases =", "django.db.backends"), ("databases:", "django.db.backends")])
def django_connect(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """A PostgreSQL database of Django without `connect_timeout` in its OPTIONS."""
    for engine, database in _databases(assignment):
        if not any(word in engine for word in ("postgresql", "postgis")) or b"connect_timeout" in assignment.source.data:
            continue
        options = database.get("OPTIONS")
        if options is not None and (not isinstance(options, Dictionary) or _may_hold(options, "connect_timeout", "service")):
            continue
        place = database.get("ENGINE") or database
        newer = (
            context.environment.version("psycopg") is not None
            and context.environment.version("psycopg2-binary") is None
            and context.environment.version("psycopg2") is None
        )
        if newer and not context.options.get("bounded"):
            continue
        if newer:
            yield Diagnostic(place, f"`{engine}` without `connect_timeout` in OPTIONS: psycopg's default is 130 s", priority="P2")
        else:
            yield Diagnostic(
                place,
                f"`{engine}` without `connect_timeout` in OPTIONS: psycopg2 (assumed) waits as long as the operating system does",
                priority="P2",
            )


@check("PRD551", on=[every(Assignment)], required_literals=[("databases =", "django.db.backends"), ("databases:", "django.db.backends")])
def django_pool(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """A server database of Django with neither CONN_MAX_AGE nor a pool: a connection for every request."""
    for engine, database in _databases(assignment):
        if not any(word in engine for word in _SERVER_ENGINES) or b"CONN_MAX_AGE" in assignment.source.data:
            continue
        options = database.get("OPTIONS")
        if options is not None and (not isinstance(options, Dictionary) or _may_hold(options, "pool")):
            continue
        yield Diagnostic(
            database.get("ENGINE") or database,
            f"`{engine}` with neither CONN_MAX_AGE nor a pool connects anew for every request",
            priority="P2",
        )


# ---------------------------------------------------------------- pools


_GOES_ON = re.compile(rb"(?:[\s\\]|#[^\n]*\n)*\.")


def _is_kept(call: Call) -> bool:
    """Whether an engine outlives the function that makes it; one that only connects, once, needs no pool."""
    module = call.module
    if _GOES_ON.match(call.source.data, call.end):
        return False
    function = enclosing(call, module)
    if function is None:
        return True
    block = body_of(function)
    for statement in statements_around(call, block):
        assignment = statement.assignment
        if assignment is None:
            continue
        name = assignment.qualified
        if "." in name or "[" in name or any(other.kind == "global" for other in statements_in(block)):
            return True
        uses = (part for part in expressions_in(block, into_definitions=True) if isinstance(part, Name) and part.source_text == name)
        return any(use.start > statement.end for use in uses if not _is_receiver(use))
    return True


def _is_receiver(name: Name) -> bool:
    """Whether a name stands before a dot: `engine` of `engine.connect()`."""
    return name.source.data[name.end : name.end + 1] == b"."


def _is_true(expression: Expression | None, module: Module, near: Fact) -> bool:
    """Whether a value is on, or comes from elsewhere and may be."""
    return expression is not None and value_of(expression, module, near) not in (False, None)


def _adds_pool(pre_ping: bool, sizes: bool) -> FixRequest:
    arguments = []
    if sizes:
        arguments += [("keyword", "pool_size"), ("value", "10"), ("keyword", "max_overflow"), ("value", "20")]
    if pre_ping:
        arguments += [("keyword", "pool_pre_ping"), ("value", "True")]
    return FixRequest("set-keyword", "Size the pool and test its connections", safe=False, arguments=tuple(arguments))


# SQLAlchemy's own default is 30 s (2.1.9, `pool/impl.py`).
_LONGEST_WAIT = 60


@check(
    "PRD551",
    on=[calls("redis.BlockingConnectionPool", "redis.asyncio.BlockingConnectionPool", "redis.connection.BlockingConnectionPool")],
    required_literals=["blockingconnectionpool"],
)
def redis_pool_waits(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`BlockingConnectionPool(timeout=None)`: who finds no free connection waits without limit, where 20 s are the default."""
    given = call.keywords.get("timeout")
    if given is not None and is_imported(call) and value_of(given, call.module, call) is None:
        yield Diagnostic(given, f"`{shown(call)}` with `timeout=None` waits for a free connection without limit", priority="P2")


@check("PRD551", on=[calls(*ENGINES)], required_literals=_engine_anchors)
def engine_pool(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """An engine that leaves its pool to the defaults: 5 and 10 connections, none of them tested before use."""
    if call.stars or not is_imported(call):
        return
    size = value_of(call.keywords.get("pool_size"), call.module, call)
    if is_number(size) and size == 0:
        yield Diagnostic(call.keywords["pool_size"], f"`{shown(call)}` with `pool_size=0` opens connections without limit")
        return
    waits = call.keywords.get("pool_timeout")
    seconds = value_of(waits, call.module, call) if waits is not None else 30
    if waits is not None and (seconds is None or (is_number(seconds) and seconds > _LONGEST_WAIT)):
        yield Diagnostic(
            waits,
            f"`{shown(call)}` with `pool_timeout={waits.text}`: requests wait for a free connection until their clients are gone",
            priority="P2",
        )
    if any(name in call.keywords for name in ("poolclass", "pool", "creator", "async_creator", "strategy")):
        return
    url = text_of(call.argument(0, "url"), call.module, call)
    if _of_alembic(call.module) or (not driver_of(url) and _may_be_sqlite(call.module)) or not _is_kept(call):
        return
    if url.lower().startswith(("sqlite", "duckdb", "snowflake", "bigquery", "awsathena", "databricks", "trino", "clickhouse")):
        return
    tested = _is_true(call.keywords.get("pool_pre_ping"), call.module, call) or "pool_recycle" in call.keywords
    sized = "pool_size" in call.keywords
    if not tested:
        words = "and keeps 5 of them by default" if not sized else ""
        fix = _adds_pool(pre_ping=True, sizes=not sized)
        yield Diagnostic(
            call, f"`{shown(call)}` without `pool_pre_ping` hands out connections that the server has closed {words}".rstrip(), fix=fix
        )
    elif not sized:
        fix = _adds_pool(pre_ping=False, sizes=True)
        yield Diagnostic(
            call, f"`{shown(call)}` leaves the size of its pool to the default: 5 connections and 10 more", priority="P2", fix=fix
        )


_POOLS = {
    "psycopg_pool.ConnectionPool": ("max_size", "4 connections"),
    "psycopg_pool.AsyncConnectionPool": ("max_size", "4 connections"),
    "asyncpg.create_pool": ("max_size", "10 connections"),
}


@check("PRD551", on=[calls(*_POOLS)])
def driver_pool(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A driver's own pool without a size, or with an unlimited queue that somebody wrote down."""
    if call.stars or not is_imported(call):
        return
    keyword, default = _POOLS[call.name]
    position = 2 if call.name.startswith("psycopg_pool") else -1
    if call.argument(position, keyword) is None:
        yield Diagnostic(call, f"`{shown(call)}` leaves the size of its pool to the default: {default}", priority="P2")
    elif value_of(call.keywords.get("max_waiting"), call.module, call) == 0:
        yield Diagnostic(
            call.keywords["max_waiting"], f"`{shown(call)}` with `max_waiting=0` lets callers queue without limit", priority="P2"
        )


# ---------------------------------------------------------------- Redis

_REDIS_CLASSES = ("Redis", "StrictRedis", "ConnectionPool", "BlockingConnectionPool", "RedisCluster", "SSLConnection", "Connection")
_redis_names = (
    *(f"redis.{name}" for name in _REDIS_CLASSES),
    *(f"redis.asyncio.{name}" for name in _REDIS_CLASSES),
    *(f"redis.client.{name}" for name in ("Redis", "StrictRedis")),
    *(f"redis.connection.{name}" for name in ("ConnectionPool", "BlockingConnectionPool")),
    *(f"redis.asyncio.client.{name}" for name in ("Redis", "StrictRedis")),
    *(f"redis.asyncio.connection.{name}" for name in ("ConnectionPool", "BlockingConnectionPool")),
    *(f"redis.{package}{module}Sentinel" for package in ("", "asyncio.") for module in ("", "sentinel.")),
    "redis.cluster.RedisCluster",
    "redis.asyncio.cluster.RedisCluster",
    "aioredis.Redis",
    "aioredis.ConnectionPool",
)
_redis_calls = (
    *_redis_names,
    *(f"{name}.from_url" for name in _redis_names),
    "redis.from_url",
    "redis.asyncio.from_url",
    "redis.asyncio.client.from_url",
    "aioredis.from_url",
)
_SINCE_8 = (8, 0)


# What takes a client of the project and waits on it for work.
_QUEUES = frozenset(("rq", "arq", "huey", "dramatiq", "django-rq", "taskiq-redis", "python-socketio"))
_WAITS_FOR_MESSAGES = re.compile(
    rb"\bpubsub\(|\.b(?:l|r|z)\w*pop\w*\(|\bxread(?:group)?\(|\b(?:from|import) (?:rq|arq|huey|socketio|dramatiq)\b|\bsubscribe\(|(?i:listener|consumer)"
)


@check(
    "PRD523",
    on=[calls(*_redis_calls)],
    required_literals=[
        ("redis", "redis("),
        ("redis", "from_url("),
        ("redis", "connectionpool("),
        ("redis", "rediscluster("),
        ("redis", "sentinel("),
    ],
)
def redis_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A Redis client without `socket_timeout`, where redis-py has no default."""
    if (
        call.stars
        or not is_imported(call)
        or "connection_pool" in call.keywords
        or ("sentinel_kwargs" in call.keywords and not isinstance(call.keywords["sentinel_kwargs"], Constant))
        or (call.name.endswith("ConnectionPool") and "connection_class" in call.keywords)
    ):
        return
    url = text_of(call.argument(0, "url"), call.module, call) if call.method == "from_url" else ""
    if "socket_timeout" in url:
        return
    given = call.keywords.get("socket_timeout")
    # Who waits for messages waits longer than a second or five.
    waits = _WAITS_FOR_MESSAGES.search(call.source.data) is not None or bool(_QUEUES & context.environment.packages)
    fix = (
        None
        if waits
        else FixRequest(
            "set-keyword",
            "Set both timeouts to 5 s",
            safe=False,
            arguments=(("keyword", "socket_timeout"), ("value", "5"), ("keyword", "socket_connect_timeout"), ("value", "5")),
        )
    )
    if given is not None:
        if value_of(given, call.module, call) is None:
            priority: Priority | None = "P2" if "health_check_interval" in call.keywords else None
            yield Diagnostic(call, f"`{shown(call)}` with `socket_timeout=None` waits without limit", priority=priority, fix=fix)
        return
    version = context.environment.version("redis")
    if version is not None and version >= _SINCE_8 and not call.name.startswith("aioredis"):
        return
    known = f"redis-py {'.'.join(map(str, version[:2]))}" if version is not None else "redis-py (before 8.0 assumed)"
    if "socket_connect_timeout" in call.keywords:
        yield Diagnostic(call, f"`{shown(call)}` has no `socket_timeout`: {known} waits for an answer without limit", fix=fix)
    else:
        yield Diagnostic(call, f"`{shown(call)}` has no `socket_timeout`: {known} waits without limit", fix=fix)


# ---------------------------------------------------------------- echo


@check("PRD552", on=[calls(*ENGINES)], required_literals=[("create_engine", "echo"), ("create_async_engine", "echo")])
def engine_echo(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`create_engine(..., echo=True)`: every statement and its values go to the log."""
    echo = call.keywords.get("echo")
    if echo is None or not is_imported(call) or call.scope.guards & {"debug", "environment", "main"}:
        return
    value: Any = value_of(echo, call.module, call)
    if value is True or value == "debug":
        priority: Priority | None = "P2" if value_of(call.keywords.get("hide_parameters"), call.module, call) is True else None
        fix = FixRequest("remove-keyword", "Remove echo", safe=True, arguments=(("keyword", "echo"),))
        yield Diagnostic(echo, f"`{shown(call)}` with `echo={echo.text}` logs every statement with its values", priority=priority, fix=fix)


# Django's logger of statements is none of them: it is silent without DEBUG, whatever its level.
_SQL_LOGGERS = ("sqlalchemy.engine", "sqlalchemy", "sqlalchemy.engine.Engine")
_VERBOSE = ("logging.DEBUG", "logging.INFO", "DEBUG", "INFO")


@check("PRD552", on=[every(Assignment)], required_literals=["sqlalchemy_echo", "'sqlalchemy", '"sqlalchemy'], files=("python",))
def sql_logged_by_settings(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`SQLALCHEMY_ECHO = True` of Flask-SQLAlchemy, and a logging dictionary in which the database's logger speaks."""
    if assignment.scope.guards & {"debug", "environment", "main"} or priority_in(assignment, context) is False:
        return
    value = assignment.value
    if assignment.target == "SQLALCHEMY_ECHO" and isinstance(value, Constant) and value.value is True:
        yield Diagnostic(assignment, f"`{assignment.qualified} = True` logs every statement with its values")
    elif assignment.kind == "item" and assignment.qualified in _SQL_LOGGERS and isinstance(value, Dictionary):
        level = next((one for key, one in value.items if isinstance(key, Constant) and key.value == "level"), None)
        if isinstance(level, Constant) and level.value in ("DEBUG", "INFO"):
            yield Diagnostic(level, f"logger `{assignment.qualified}` at `{level.value}` logs every statement with its values")


@check("PRD552", on=[calls("*.setLevel")], required_literals=[("sqlalchemy", "setlevel")])
def sql_logger_verbose(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)`."""
    made = call.constructor or call.receiver
    if not isinstance(made, Call) or made.name != "logging.getLogger" or call.scope.guards & {"debug", "environment", "main"}:
        return
    name = value_of(made.argument(0, "name"), call.module, call)
    level = call.argument(0, "level")
    if name not in _SQL_LOGGERS or level is None:
        return
    written = level.name if isinstance(level, Name) else level.value if isinstance(level, Constant) else UNKNOWN
    if written in _VERBOSE or (is_number(written) and isinstance(written, int) and written <= 20):
        yield Diagnostic(call, f"logger `{name}` at `{level.text}` logs every statement with its values")
