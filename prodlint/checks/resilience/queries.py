"""Queries without an end (PRD522), and one query for each row of another (PRD555)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    every,
    literals,
    project_check,
    project_fact,
    text,
)
from prodlint.checks.resilience.data import ENGINES, driver_of, text_of
from prodlint.facts import Call, Expression, Function, Literal, Name, OpaqueExpression, Statement, Text, calls_in, statements_in
from prodlint.model import Evidence
from prodlint.values.places import is_imported, shown

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "script", "dev", "migration", "command"))

# ---------------------------------------------------------------- PRD522

_CONNECTS = (
    "psycopg2.connect",
    "psycopg.connect",
    "psycopg_pool.ConnectionPool",
    "psycopg_pool.AsyncConnectionPool",
    "asyncpg.create_pool",
    "pymysql.connect",
    "MySQLdb.connect",
    "aiomysql.create_pool",
)
_SERVERS = frozenset(("psycopg2", "psycopg", "psycopg_async", "asyncpg", "mysqlclient", "pymysql", "aiomysql", "asyncmy", "pg8000"))
_LIMITS = [
    "statement_timeout",
    "statement-timeout",
    "max_execution_time",
    "max_statement_time",
    "command_timeout",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "query_timeout",
]
# Databases that a library opens for its users, not the service's own.
_OTHERS = re.compile(
    r"(?i)(?:^|/)(?:providers?|query_runners?|connectors?|integrations?|plugins?|drivers?|sources?|export\w*|backup\w*|import\w*)(?:/|$)|_(?:provider|connector|exporter)"
)


@collect("database", on=[calls(*ENGINES, *_CONNECTS)], files=("python",), not_in=_ELSEWHERE)
def databases(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where the service opens its database, where that is known to be a server."""
    if (
        context.file.roles & _ELSEWHERE
        or not is_imported(call)
        or call.scope.guards & {"main", "debug"}
        or call.stars
        or _OTHERS.search(context.file.path)
    ):
        return
    if call.name in ENGINES:
        driver = driver_of(text_of(call.argument(0, "url"), call.module, call))
        if driver and driver not in _SERVERS:
            return
        if not driver and (
            b"sqlite" in call.source.data.lower() or not _SERVERS & {name.removesuffix("-binary") for name in context.environment.packages}
        ):
            return
    yield project_fact("database", call, shown(call))


@collect(
    "database",
    on=[literals()],
    required_literals=["django.db.backends.postgresql", "django.contrib.gis.db.backends.postgis", "django.db.backends.mysql"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def databases_of_django(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """Django's own."""
    if (
        not context.file.roles & _ELSEWHERE
        and re.fullmatch(r"django\.(?:contrib\.gis\.)?db\.backends\.(?:postgresql|postgis|mysql)", literal.value)
        and literal.name == "ENGINE"
    ):
        yield project_fact("database", literal, literal.value)


@collect("statement-limit", on=[text()], required_literals=_LIMITS, not_in=("test", "docs", "vendored"))
def statement_limits(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where queries get a limit: of the engine, of a role, of the server."""
    if whole.hits and context.file.kind not in ("markdown", "lock") and not context.file.roles & {"test", "docs", "vendored"}:
        literal, offset = whole.hits[0]
        yield ProjectFact("statement-limit", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


@project_check("PRD522", topics=("database", "statement-limit"))
def queries_without_limit(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service whose queries may run for ever."""
    opened, limits = project.about("database"), project.about("statement-limit")
    if opened and limits:
        yield Evidence("PRD522", limits[0].path, limits[0].span, limits[0].words)
    elif opened and project.environment.is_service:
        first = opened[0]
        limit = "max_execution_time" if "mysql" in first.words.lower() else "statement_timeout"
        words = (
            f"`{first.words}` opens the database and no `{limit}` is set anywhere: one bad query holds its connection and locks for good"
        )
        yield ProjectDiagnostic(first.path, first.span, words)


# ---------------------------------------------------------------- PRD555

_ROWS = frozenset(("all", "filter", "exclude", "order_by", "scalars", "fetchall", "iterator", "values", "select_related", "query"))
_ASKS = frozenset(("get", "filter", "first", "exists", "count", "execute", "scalar", "scalars", "scalar_one", "query", "exec"))
_SESSIONS = re.compile(r"(?i)(?:^|[._])(?:session|db_session|db|conn|connection|cursor)$")
_EAGER = (b"selectinload", b"joinedload", b"prefetch_related", b"select_related", b"in_bulk", b"subqueryload")


@check("PRD555", on=[every(Function)], required_literals=[("for", ".objects"), ("for", "session"), ("for", "scalars"), ("for", "cursor")])
def query_for_each_row(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A loop over the rows of a query that asks the database again for each: once a loop."""
    for loop in statements_in(function.body):
        if loop.kind != "for" or not loop.expressions or not _is_query(loop.expressions[0], function, loop):
            continue
        names = {part.source_text for target in loop.targets for part in target.walk() if isinstance(part, Name)}
        asked = next((call for call in calls_in(loop.body) if _asks(call) and _mentions(call, names)), None)
        if asked is not None and not any(word in function.source.data[function.start : function.end] for word in _EAGER):
            yield Diagnostic(
                asked,
                f"`{_cut(asked)}` asks the database once for each row of the loop at line {loop.span.line}",
                symbol=f"{function.scope.symbol}.{function.name}".lstrip("."),
            )


def _is_query(expression: Expression, function: Function, near: Statement) -> bool:
    """Whether a loop runs over what a query gave: `Order.objects.filter(...)`, `session.scalars(...)`, or a name bound to it."""
    if isinstance(expression, Name):
        expression = function.module.follow(expression)
    if isinstance(expression, OpaqueExpression) and expression.kind == "await" and expression.items:
        expression = expression.items[0]
    if not isinstance(expression, Call) or expression.method not in _ROWS:
        return False
    return any(
        isinstance(part, Name)
        and (".objects" in part.source_text or _SESSIONS.search(part.source_text.rpartition(".")[0] or part.source_text))
        for part in expression.walk()
    )


def _asks(call: Call) -> bool:
    if call.method not in _ASKS:
        return False
    receiver = call.receiver
    text = receiver.text if receiver is not None else ""
    return text.endswith(".objects") or ".objects." in text or (isinstance(receiver, Name) and bool(_SESSIONS.search(receiver.source_text)))


def _mentions(call: Call, names: set[str]) -> bool:
    return any(
        isinstance(part, Name) and part.source_text.split(".", 1)[0] in names
        for value in (*call.arguments, *call.keywords.values())
        for part in value.walk()
    )


def _cut(call: Call) -> str:
    text = " ".join(call.text.split())
    return text if len(text) <= 50 else text[:47] + "..."
