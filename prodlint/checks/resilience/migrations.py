"""The database's schema: who makes it, whether each step can be taken back, and whether anything takes the steps
(PRD556-PRD559, PRD561)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    commands,
    every,
    project_check,
    project_fact,
    settings,
)
from prodlint.checks.resilience.data import text_of
from prodlint.facts import Assignment, Call, Class, Command, Constant, Expression, Function, Module, Name, Setting, calls_in
from prodlint.model import Evidence, Priority, Span
from prodlint.values.places import argument_of, calls_of, decorator_name, enclosing, resolved, shown, value_of
from prodlint.values.truth import flipped

# ---------------------------------------------------------------- PRD556: the schema made at start-up

_SCHEMA = ("create_all", "drop_all")
_STARTUP = re.compile(
    r"lifespan|start_?up|on_start|create_app|make_app|get_app|^main$|app_factory|build_app|bootstrap|initiali[sz]e|^init_|_init$|^init$"
    r"|^setup_|^create_(db|tables|database|schema|all)|^ensure_(tables|schema|db)|^configure_"
)
_ON_DEMAND = re.compile(r"test|seed|reset|recreate|fixture|demo|drop_|clean|cli|command|export|dump|diagram|generate")
_COMMANDS = ("command", "cli", "task", "fixture", "group", "option", "argument", "callback")


@check("PRD556", on=[calls("*.create_all", "*.drop_all", "*.run_sync")], required_literals=_SCHEMA)
def schema_at_startup(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Base.metadata.create_all(engine)` when the application starts or is imported."""
    method = call.method
    if method == "run_sync":
        target = call.argument(0)
        if not isinstance(target, Name) or target.source_text.rsplit(".", 1)[-1] not in _SCHEMA:
            return
        written, method = target.source_text, target.source_text.rsplit(".", 1)[-1]
    else:
        written = ""
        if not _is_metadata(call):
            return
    if call.scope.guards & {"debug", "environment", "main", "type-checking"} or _is_in_memory(call) or not _at_startup(call):
        return
    written = written or call.function.text
    function = enclosing(call, call.module)
    if function is not None:
        # A schema that came in as a parameter is the caller's; a function about SQLite serves a single user.
        if any(
            parameter.name == written.split(".", 1)[0] and parameter.name not in ("db", "self", "cls") for parameter in function.parameters
        ):
            return
        if "sqlite" in function.text.lower():
            return
        # The tables of a new database, and then every migration: what the migrations know is what there is.
        if any(re.search(r"(?:^|_)(?:upgrade|stamp|migrate|run_migrations)(?:_|$)", other.method) for other in calls_in(function.body)):
            return
    verb = "makes" if method == "create_all" else "drops"
    if _starts_surely(function, call):
        yield Diagnostic(call, f"`{written}` {verb} the tables when the application starts: no migration knows of it")
    elif function is not None:
        # Called `init_db`, and called from elsewhere: at the start as well as by a command.
        words = f"`{written}` in `{function.name}` {verb} the tables beside any migration: none of them knows of it"
        yield Diagnostic(call, words, priority="P2")


_SURE_STARTUP = re.compile(r"lifespan|start_?up|on_start|create_app|make_app|get_app|^main$|app_factory|build_app|bootstrap|^configure_")


def _starts_surely(function: Function | None, call: Call) -> bool:
    """Whether what makes the tables runs at the start for all that this file shows; `init_db` alone may be a command's."""
    if function is None or _is_hook(function) or _SURE_STARTUP.search(function.name.lower()):
        return True
    callers = [enclosing(other, call.module) for other in calls_of(call.module, function.name) if isinstance(other.function, Name)]
    return any(caller is None or _is_hook(caller) or _SURE_STARTUP.search(caller.name.lower()) for caller in callers)


def _is_metadata(call: Call) -> bool:
    """Whether the receiver of `create_all` is SQLAlchemy's metadata or Flask-SQLAlchemy's object."""
    receiver = call.receiver
    if not isinstance(receiver, Name):
        return False
    last = receiver.source_text.rsplit(".", 1)[-1].lower()
    if last in ("metadata", "base_metadata") or last.endswith("metadata"):
        return True
    return last == "db" or (call.constructor is not None and call.constructor.method == "SQLAlchemy")


def _is_in_memory(call: Call) -> bool:
    """Whether the tables are made in an SQLite database that lives in memory."""
    for candidate in (call.argument(0, "bind"), call.argument(1)):
        engine = resolved(candidate, call.module, call)
        if isinstance(engine, Call):
            url = text_of(engine.argument(0, "url"), call.module, call)
            if url.startswith("sqlite") and (url.endswith("://") or ":memory:" in url or "mode=memory" in url):
                return True
    return False


def _at_startup(call: Call) -> bool:
    """Whether a call runs when the application starts: on import, in a start-up function, or in one such a function calls."""
    function = enclosing(call, call.module)
    if function is None:
        return True
    if _ON_DEMAND.search(function.name.lower()) or any(_is_command(decorator) for decorator in function.decorators):
        return False
    if _is_startup(function):
        return True
    name = function.name
    return any(
        isinstance(other.function, Name)
        and other.function.source_text in (name, f"self.{name}")
        and _is_startup(enclosing(other, call.module))
        for other in calls_of(call.module, name)
    )


def _is_hook(function: Function) -> bool:
    """Whether a framework calls a function when it starts."""
    return any(
        decorator_name(decorator).rsplit(".", 1)[-1] in ("on_event", "before_first_request", "asynccontextmanager", "before_serving")
        for decorator in function.decorators
    )


def _is_startup(function: Function | None) -> bool:
    if function is None:
        return True
    if _is_hook(function):
        return True
    return _STARTUP.search(function.name.lower()) is not None and _ON_DEMAND.search(function.name.lower()) is None


def _is_command(decorator: Expression) -> bool:
    return decorator_name(decorator).rsplit(".", 1)[-1] in _COMMANDS


# ---------------------------------------------------------------- PRD558: steps that cannot be taken back

# What alembic's template writes; everything else is somebody's word.
_TEMPLATE_COMMENTS = ("###", "commands auto generated", "please adjust", "end alembic commands", "pylint", "noqa", "type: ignore", "pragma")
_TEMPLATE_DOCSTRINGS = ("", "downgrade schema.", "downgrade schema", "downgrade database.", "downgrade", "revert", "pass")


_SHAPES = re.compile(r"\b(?:create|drop|alter|rename|truncate)\b", re.IGNORECASE)
# PostgreSQL cannot take a value out of an enum, and an extension hurts nobody.
_HARMLESS = re.compile(
    r"\badd\s+value\b|\bcreate\s+extension\b|\bdrop\s+(?:table|index|column)\s+if\s+exists\s+\w*(?:tmp|temp|backup)", re.IGNORECASE
)


def _is_operation(call: Call) -> bool:
    """Whether a call changes the database: `op.add_column(...)`, `batch_op.drop_column(...)`, `op.get_bind().execute(...)`."""
    if call.name.startswith("batch_op."):
        return True
    if not call.name.startswith("alembic.op."):
        return False
    rest = call.name.removeprefix("alembic.op.")
    return (
        rest not in ("get_bind", "get_context", "f", "batch_alter_table") if "." not in rest else rest.endswith((".execute", *_BATCH_STEPS))
    )


_BATCH_STEPS = (
    ".add_column",
    ".drop_column",
    ".alter_column",
    ".create_index",
    ".drop_index",
    ".create_unique_constraint",
    ".drop_constraint",
)


def _rewrites_rows(call: Call) -> bool:
    """Whether an operation leaves the shape of the tables alone: it rewrites rows, or runs SQL that does."""
    if call.method != "execute":
        return call.method == "bulk_insert"
    text = " ".join(str(part.value) for part in call.walk() if isinstance(part, Constant) and isinstance(part.value, str))
    return _SHAPES.search(text) is None or _HARMLESS.search(text) is not None


_DATED = re.compile(rb"(?:Create Date:|Generated by Django [\w.]+ on)[ \t]*(\d{4})-(\d\d)-(\d\d)")
_DATED_NAME = re.compile(r"(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
# A migration that was written so many days ago was applied everywhere long ago.
_OLD_DAYS = 365
# So long one may still have to be taken back.
_RECENT_DAYS = 90


def _is_old(fact: Function | Call) -> bool:
    """Whether a migration was written long ago: nothing that is said of it now can be acted on before it runs."""
    age = _age(fact)
    return age is not None and age > _OLD_DAYS


def _is_recent(fact: Function | Call) -> bool:
    """Whether a migration says that it was written lately."""
    age = _age(fact)
    return age is not None and age <= _RECENT_DAYS


def _is_past(fact: Function | Call, context: CheckContext) -> bool:
    """Whether a migration says that it was written longer ago than anybody would take it back, and the team does not ask for those."""
    age = _age(fact)
    return age is not None and age > _RECENT_DAYS and not context.options.get("old")


def _age(fact: Function | Call) -> int | None:
    """How many days ago a migration was written, as far as it says so."""
    found = _DATED.search(fact.source.data, 0, 4000)
    named = _DATED_NAME.search(fact.file.name)
    parts = tuple(map(int, found.groups())) if found is not None else tuple(map(int, named.groups())) if named is not None else ()
    try:
        return (dt.datetime.now(tz=dt.timezone.utc).date() - dt.date(*parts)).days if parts else None
    except ValueError:
        return None


@check("PRD558", on=[every(Function)], required_literals=[("down_revision", "def upgrade")])
def downgrade_missing(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """alembic: a revision without any `downgrade`: `alembic downgrade` ends in an AttributeError."""
    module = function.module
    if function.name != "upgrade" or function.scope.symbol or module.function("downgrade") is not None or "downgrade" in module.imports:
        return
    if module.assignments("downgrade") or not module.assignments("down_revision") or _gives_reason(function):
        return
    if _is_past(function, context):
        return
    if any(_is_operation(call) and not _rewrites_rows(call) for call in calls_in(function.body)):
        words = "this revision has no `downgrade`: it cannot be rolled back"
        yield Diagnostic(_header(function, b"("), words, priority=None if _is_recent(function) else "P2")


@check("PRD558", on=[every(Function)], required_literals=["def downgrade"])
def downgrade_empty(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """alembic: `upgrade` does something and `downgrade` does not."""
    if function.name != "downgrade" or function.scope.symbol:
        return
    upgrade = function.module.function("upgrade")
    if upgrade is None or not _does_nothing(function) or _gives_reason(function) or _is_past(function, context):
        return
    steps = [call for call in calls_in(upgrade.body) if _is_operation(call)]
    if not steps:
        return
    rows_only = all(_rewrites_rows(call) for call in steps)
    if rows_only and not context.options.get("data-migrations"):
        return
    does = "only raises" if any(statement.kind == "raise" for statement in function.body) else "does nothing"
    what = f"`{shown(steps[0])}`" if len(steps) == 1 else f"the {len(steps)} operations"
    yield Diagnostic(
        _header(function, b"("),
        f"`downgrade` {does}: {what} of `upgrade` cannot be rolled back",
        priority="P2" if rows_only or not _is_recent(function) else None,
    )


def _header(definition: Function | Class, until: bytes) -> ByteRange:
    """The first line of a definition, up to a mark: `def downgrade`, `class Order(Base)`."""
    found = definition.source.data.find(until, definition.start, definition.end)
    return ByteRange(definition.source, definition.start, found if found != -1 else definition.end)


def _does_nothing(function: Function) -> bool:
    for statement in function.body:
        if statement.kind == "expression" and all(isinstance(part, Constant) for part in statement.expressions):
            continue
        if statement.kind not in ("pass", "raise") and not (statement.kind == "return" and not statement.expressions):
            return False
    return True


def _gives_reason(function: Function) -> bool:
    """Whether somebody says why there is no way back: in a comment, a docstring, or the words of the exception."""
    for statement in function.body:
        for expression in statement.expressions:
            text = expression.value if isinstance(expression, Constant) and statement.kind == "expression" else None
            if isinstance(text, str) and text.strip().lower() not in _TEMPLATE_DOCSTRINGS:
                return True
            if statement.kind == "raise" and isinstance(expression, Call) and expression.arguments:
                return True
    for line in function.text.split("\n"):
        _, mark, comment = line.partition("#")
        if mark and not any(words in f"#{comment}".lower() for words in _TEMPLATE_COMMENTS) and len(comment.split()) > 1:
            return True
    return False


_RUN_PYTHON = ("django.db.migrations.RunPython", "django.db.migrations.operations.RunPython")
_RUN_SQL = ("django.db.migrations.RunSQL", "django.db.migrations.operations.RunSQL")


@check("PRD558", on=[calls(*_RUN_PYTHON, *_RUN_SQL)], required_literals=["runpython(", "runsql("])
def django_irreversible(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Django: `RunPython` without `reverse_code`, `RunSQL` without `reverse_sql`. One is enough, so a file is reported once."""
    if not _is_irreversible(call) or _is_past(call, context):
        return
    first, count = _irreversible(call.module)
    if first != call.start:
        return
    more = f", nor can {count - 1} more" if count > 1 else ""
    words = f"`{shown(call)}` without `{_reverse(call)}` cannot be rolled back{more}"
    yield Diagnostic(call, words, priority=None if _is_recent(call) else "P2")


@lru_cache(maxsize=4)
def _irreversible(module: Module) -> tuple[int, int]:
    """Where the first operation of a file stands that cannot be taken back, and how many there are."""
    found = [
        call.start for call in calls_of(module, "RunPython", "RunSQL") if call.name in (*_RUN_PYTHON, *_RUN_SQL) and _is_irreversible(call)
    ]
    return min(found, default=-1), len(found)


def _reverse(call: Call) -> str:
    return "reverse_code" if call.name in _RUN_PYTHON else "reverse_sql"


def _is_irreversible(call: Call) -> bool:
    return not call.stars and call.argument(1, _reverse(call)) is None and not _has_comment(call)


def _has_comment(call: Call) -> bool:
    """Whether a comment of more than a word stands in or right above a call."""
    first, last = call.source.position(call.start)[0], call.source.position(call.end)[0]
    above = call.source.line_text(first - 1).lstrip()
    lines = [call.source.line_text(line) for line in range(first, last + 1)]
    comments = [above[1:] if above.startswith("#") else "", *(line.partition("# ")[2] for line in lines)]
    return any(len(comment.split()) > 1 for comment in comments)


# ---------------------------------------------------------------- PRD559: steps that break the running version

_DROPS = {"drop_table": "drops a table", "drop_column": "drops a column", "rename_table": "renames a table"}
_ALEMBIC_STEPS = (*_DROPS, "alter_column", "add_column", "create_unique_constraint", "create_index")
_CONTRACT = re.compile(rb"(?im)^[^\n]*(?:#|\"\"\")[^\n]*\bcontract\b|^\f?\"\"\"[^\"]*\bcontract\b")


@lru_cache(maxsize=4)
def _is_contract(data: bytes) -> bool:
    """Whether a migration says that it is the step that takes away what nobody uses any more."""
    return _CONTRACT.search(data) is not None


@check(
    "PRD559", on=[calls(*(f"*.{step}" for step in _ALEMBIC_STEPS))], required_literals=[("alembic", f"{step}(") for step in _ALEMBIC_STEPS]
)
def alembic_destructive(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """alembic: an operation in `upgrade` that the version still running cannot live with."""
    if not isinstance(call.receiver, Name) or call.scope.symbol.split(".", 1)[0] != "upgrade" or _is_contract(call.source.data):
        return
    batch = "batch" in call.receiver.source_text
    if not batch and call.receiver.name != "alembic.op":
        return
    table = call.argument(1 if call.method in ("create_unique_constraint", "create_index") else 0, "table_name")
    name = value_of(table, call.module, call)
    if not batch and isinstance(name, str) and name in _created_here(call.module):
        return
    words = _what_breaks(call, batch)
    if words and not _is_old(call):
        priority: Priority | None = "P2" if call.method == "create_index" else None
        yield Diagnostic(call, f"`{shown(call)}` {words}", priority=priority)


@lru_cache(maxsize=4)
def _created_here(module: Module) -> frozenset[str]:
    """The tables that a revision itself creates."""
    made = set()
    for other in calls_of(module, "create_table"):
        name = value_of(other.argument(0, "table_name"), module, other)
        if isinstance(name, str):
            made.add(name)
    return frozenset(made)


def _what_breaks(call: Call, batch: bool) -> str:
    module = call.module
    if call.method in _DROPS:
        return f"{_DROPS[call.method]} that the version still running may use"
    if call.method == "alter_column":
        if "new_column_name" in call.keywords:
            return "renames a column that the version still running may use"
        if value_of(call.keywords.get("nullable"), module, call) is False and "server_default" not in call.keywords:
            return "makes a column NOT NULL that the version still running may leave empty"
        if _is_narrower(call):
            return "narrows a column: what the version still running writes may not fit, nor what is there"
    if call.method == "add_column":
        column = call.argument(0 if batch else 1, "column")
        if (
            isinstance(column, Call)
            and value_of(column.keywords.get("nullable"), module, call) is False
            and "server_default" not in column.keywords
        ):
            return "adds a NOT NULL column without `server_default`: rows of the version still running are refused"
    if call.method == "create_unique_constraint":
        return "adds a unique constraint to a table in use: it locks, and fails on rows that are there"
    if call.method == "create_index" and not batch and "postgresql_concurrently" not in call.keywords and b"mysql" not in call.source.data:
        return "locks the table against writing while the index is built"
    return ""


# Bytes that types of columns for whole numbers hold.
_SIZE_OF_NUMBERS = {"SmallInteger": 2, "SMALLINT": 2, "Integer": 4, "INTEGER": 4, "INT": 4, "BigInteger": 8, "BIGINT": 8}
_TEXTS = frozenset(("String", "Unicode", "VARCHAR", "NVARCHAR", "CHAR"))
_LONG_TEXTS = frozenset(("Text", "UnicodeText", "TEXT"))


def _is_narrower(call: Call) -> bool:
    """Whether `alter_column` gives a column a type that holds less than the one it has: `String(100)` to `String(10)`."""
    new, old = call.keywords.get("type_"), call.keywords.get("existing_type")
    if new is None or old is None:
        return False
    (new_kind, new_length), (old_kind, old_length) = _type_of(new, call.module), _type_of(old, call.module)
    if new_kind in _TEXTS and new_length is not None:
        return old_kind in _LONG_TEXTS or old_kind in _TEXTS and old_length is not None and new_length < old_length
    return _SIZE_OF_NUMBERS.get(new_kind, 9) < _SIZE_OF_NUMBERS.get(old_kind, 0)


def _type_of(given: Expression, module: Module) -> tuple[str, int | None]:
    """The name of a column's type and its length, where it has one."""
    if isinstance(given, Call):
        length = value_of(given.argument(0, "length"), module, given)
        return given.method or given.name.rpartition(".")[2], length if isinstance(length, int) else None
    return given.text.rpartition(".")[2], None


_DJANGO_STEPS = {
    "RemoveField": "drops a column that the version still running reads",
    "DeleteModel": "drops a table that the version still running may use",
    "RenameField": "renames a column that the version still running reads",
    "RenameModel": "renames a table that the version still running reads",
}


_DJANGO_ADDS = ("AddField", "AddIndex", "AddConstraint")


@check(
    "PRD559",
    on=[calls(*(f"django.db.migrations.{step}" for step in (*_DJANGO_STEPS, *_DJANGO_ADDS)))],
    required_literals=[f"{step.lower()}(" for step in (*_DJANGO_STEPS, *_DJANGO_ADDS)],
)
def django_destructive(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Django: an operation that the version still running cannot live with."""
    if _CONTRACT.search(call.source.data) or _is_old(call):
        return
    # Operations on the state alone touch no table.
    if any(start < call.start and call.end <= end for start, end in _on_state(call.module)):
        return
    if call.method in _DJANGO_STEPS:
        yield Diagnostic(call, f"`{shown(call)}` {_DJANGO_STEPS[call.method]}")
        return
    model = value_of(call.argument(0, "model_name"), call.module, call)
    if not isinstance(model, str) or model.lower() in _models_made_here(call.module):
        return
    words = _what_an_addition_breaks(call, context)
    if words:
        yield Diagnostic(call, f"`{shown(call)}` {words}", priority=None if call.method == "AddField" else "P2")


@lru_cache(maxsize=4)
def _on_state(module: Module) -> list[tuple[int, int]]:
    """Where the operations stand that `SeparateDatabaseAndState` is given, those under a name among them."""
    made = calls_of(module, "SeparateDatabaseAndState")
    named = (argument_of(one, "state_operations", 1) for one in made)
    return [(one.start, one.end) for one in (*made, *named) if one is not None]


@lru_cache(maxsize=4)
def _models_made_here(module: Module) -> frozenset[str]:
    """The models that a Django migration itself creates, in lower case."""
    names = (value_of(made.argument(0, "name"), module, made) for made in calls_of(module, "CreateModel"))
    return frozenset(name.lower() for name in names if isinstance(name, str))


def _what_an_addition_breaks(call: Call, context: CheckContext) -> str:
    if call.method == "AddField":
        field = call.argument(2, "field")
        if not isinstance(field, Call) or field.method in ("ManyToManyField", "GeneratedField") or field.stars:
            return ""
        nullable = value_of(field.keywords.get("null"), call.module, call) is True
        return (
            ""
            if nullable or "db_default" in field.keywords
            else "adds a NOT NULL column without `db_default`: inserts of the version still running are refused"
        )
    if not {"psycopg", "psycopg2", "psycopg2-binary"} & context.environment.packages:
        return ""
    if call.method == "AddIndex":
        return "locks the table against writing while the index is built: use `AddIndexConcurrently`"
    constraint = call.argument(1, "constraint")
    if isinstance(constraint, Call) and constraint.method == "UniqueConstraint":
        return "adds a unique constraint to a table in use: it locks, and fails on rows that are there"
    return ""


_SQL_STEPS = (
    (re.compile(r"(?i)\bdrop\s+column\b"), "drops a column that the version still running may use"),
    (
        re.compile(r"(?i)\bdrop\s+table\b(?!\s+if\s+exists\s+\w*(?:tmp|temp|backup))"),
        "drops a table that the version still running may use",
    ),
    (re.compile(r"(?i)\brename\s+(?:column\s+)?\w+\s+to\b|\brename\s+to\b"), "renames what the version still running may use"),
    (re.compile(r"(?i)\bset\s+not\s+null\b"), "makes a column NOT NULL that the version still running may leave empty"),
    (re.compile(r"(?i)\bcreate\s+(?:unique\s+)?index\s+(?!concurrently)"), "locks the table against writing while the index is built"),
)


@check("PRD559", on=[calls("alembic.op.execute", *_RUN_SQL)], required_literals=[("alembic", "execute("), "runsql("])
def sql_destructive(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """The same written as SQL."""
    if _CONTRACT.search(call.source.data) or _is_old(call) or (call.method == "execute" and not call.scope.symbol.startswith("upgrade")):
        return
    statement = call.argument(0, "sql" if call.method == "RunSQL" else "sqltext")
    if isinstance(statement, Call) and statement.method == "text":
        statement = statement.argument(0)
    sql = text_of(statement, call.module, call)
    made = _created_here(call.module)
    for pattern, words in _SQL_STEPS:
        if pattern.search(sql) and not any(re.search(rf"\b{re.escape(table)}\b", sql) for table in made):
            yield Diagnostic(call, f"`{shown(call)}` {words}", priority="P2" if "index" in words else None)
            return


# ---------------------------------------------------------------- PRD557: models without migrations

_NOT_DEPLOYED = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "script", "migration", "notebook"))


@collect(
    "orm-model",
    on=[every(Class)],
    required_literals=[
        "__tablename__",
        ("sqlmodel", "table=true"),
        ("sqlmodel", "table = true"),
        ("flask_sqlalchemy", ".model)"),
        ("django.db", "model)"),
        ("tortoise", "model)"),
    ],
    files=("python",),
    not_in=_NOT_DEPLOYED,
)
def orm_models(class_: Class, context: CheckContext) -> Iterator[ProjectFact]:
    """The classes that stand for tables, and by which library."""
    if context.file.roles & _NOT_DEPLOYED:
        return
    library = _library_of(class_)
    if library:
        place = _header(class_, b":")
        yield ProjectFact("orm-model", class_.file.path, class_.source.span(place.start, place.end), class_.name, (("library", library),))


def _library_of(class_: Class) -> str:
    """The library whose table a class stands for, or nothing."""
    bases = class_.bases
    if "django.db.models.Model" in bases or "django.contrib.gis.db.models.Model" in bases:
        return "" if _is_unmanaged(class_) else "django"
    if any(base.startswith("tortoise.") and base.endswith("Model") for base in bases):
        return "tortoise"
    if any(base.endswith(".Model") and not base.startswith("django") for base in bases) and b"flask_sqlalchemy" in class_.source.data:
        return "sqlalchemy"
    if value_of(class_.keywords.get("table"), class_.module, class_) is True:
        return "sqlalchemy"
    for statement in class_.body:
        if (
            statement.assignment is not None
            and statement.assignment.target == "__tablename__"
            and b"sqlalchemy" in class_.source.data.lower()
        ):
            return "sqlalchemy"
        if (
            statement.assignment is not None
            and statement.assignment.target == "__tablename__"
            and bases
            and b"import" in class_.source.data
        ):
            return "sqlalchemy"
    return ""


def _is_unmanaged(class_: Class) -> bool:
    """Whether Django makes no table for a model: abstract, proxy, or `managed = False`."""
    for statement in class_.body:
        if statement.kind == "class" and statement.definition is not None and statement.definition.name == "Meta":
            for inner in statement.body:
                if inner.assignment is not None and isinstance(inner.assignment.value, Constant):
                    setting = (inner.assignment.target, inner.assignment.value.value)
                    if setting in (("abstract", True), ("proxy", True), ("managed", False)):
                        return True
    return False


@collect("migration-modules", on=[every(Assignment)], required_literals=["migration_modules"], files=("python",))
def migration_modules(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """Django's MIGRATION_MODULES: migrations stand somewhere else, or nowhere on purpose."""
    if assignment.target == "MIGRATION_MODULES":
        yield project_fact("migration-modules", assignment)


_REVISION = re.compile(r"(?:^|/)(?:versions|_?migrations|revisions)/(?:.*/)?(?!__init__|env)[^/]+\.(?:py|sql)$")
_OTHER_MIGRATIONS = re.compile(
    r"(?:^|/)(?:aerich\.ini|yoyo\.ini|atlas\.hcl|sqitch\.plan|flyway\.(?:conf|toml)|liquibase\.properties|dbmate|schema\.prisma"
    r"|V\d[\w.]*__[^/]+\.sql|\d{3,}[_-][^/]*\.(?:up\.)?sql|(?:db/)?(?:migrations?|migrate|changelog)/[^/]+\.(?:sql|xml|ya?ml|js|ts))$"
)


@project_check("PRD557", topics=("orm-model", "migration-modules"))
def migrations_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service with models and nothing that brings a database from one shape to the next."""
    models = project.about("orm-model")
    if not models or not project.environment.is_service:
        return
    paths = [file.path for file in project.files]
    yield from _django_apps([model for model in models if model.get("library") == "django"], paths, project)
    others = [model for model in models if model.get("library") != "django"]
    if not others:
        return
    revision = next((path for path in paths if _REVISION.search(path)), "") or next(
        (path for path in paths if _OTHER_MIGRATIONS.search(path)), ""
    )
    if not revision:
        revision = next((path for path in project.all_paths() if _REVISION.search(path) or _OTHER_MIGRATIONS.search(path)), "")
    if revision:
        if revision in paths:
            yield Evidence("PRD557", revision, Span(1, 1, 1, 1), "migrations")
        return
    first = others[0]
    configured = next((path for path in paths if path.rsplit("/", 1)[-1] == "alembic.ini"), "")
    count = f"{len(others)} models" if len(others) > 1 else "1 model"
    words = (
        f"{count}, `alembic.ini`, and not one revision"
        if configured
        else f"{count} and no migrations: nothing brings a database from one shape to the next"
    )
    yield ProjectDiagnostic(first.path, first.span, f"`{first.words}`: {words}")


def _django_apps(models: Sequence[ProjectFact], paths: Sequence[str], project: Project) -> Iterator[ProjectDiagnostic | Evidence]:
    """Django: each app with models has a `migrations` package of its own."""
    if project.about("migration-modules"):
        return
    seen: set[str] = set()
    for model in models:
        app = _app_of(model.path)
        if app is None or app in seen:
            continue
        seen.add(app)
        folder = f"{app}/migrations/" if app else "migrations/"
        found = next((path for path in paths if path.startswith(folder) and not path.endswith("/__init__.py")), "")
        if found:
            yield Evidence("PRD557", found, Span(1, 1, 1, 1), f"migrations of `{app or '.'}`")
        else:
            yield ProjectDiagnostic(
                model.path, model.span, f"`{model.words}`: the app `{app.rsplit('/', 1)[-1] or '.'}` has models and no migrations"
            )


def _app_of(path: str) -> str | None:
    """The folder of the Django app whose models a file holds."""
    parts = path.split("/")
    if "models" in parts[:-1]:
        return "/".join(parts[: parts.index("models")])
    return "/".join(parts[:-1]) if parts[-1] == "models.py" else None


# ---------------------------------------------------------------- PRD561: migrations that nothing runs

_SKIPS = re.compile(r"(?:SKIP|DISABLE|NO|WITHOUT)_(?:[A-Z]+_)*MIGRAT|MIGRATIONS?_(?:SKIP|DISABLED?)")
_RUNS = re.compile(
    r"(?:RUN|APPLY|AUTO|ENABLE|DO|EXECUTE|PERFORM|WITH)_(?:[A-Z]+_)*MIGRAT|MIGRATIONS?_(?:ENABLED?|AUTO|ON_START)|AUTOMIGRATE"
)
_ON = frozenset(("1", "true", "yes", "on", "t", "y"))
_OFF = frozenset(("0", "false", "no", "off", "f", "n"))
_NO_DEPLOYMENT = frozenset(("test", "example", "docs", "dev", "ci", "vendored", "generated"))
_DEPLOYS = re.compile(r"deploy|release|prod|publish|(?:^|[/_.-])cd(?:[/_.-]|$)|migrat|staging|stage")


# What deploys: neither Python (its settings have defaults, not decisions) nor JSON (translations and API descriptions).
_DEPLOYMENT_KINDS = ("env", "yaml", "dockerfile", "shell", "procfile", "makefile", "systemd", "toml", "ini")


@collect(
    "migration-flag",
    on=[settings("*MIGRAT*")],
    required_literals=["_migrat", "migrations_", "migration_", "automigrate"],
    files=_DEPLOYMENT_KINDS,
)
def migration_flags(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """Settings that switch migrations off or on."""
    given = setting.value if setting.value is not None else setting.default  # `${X:-true}`: where nobody sets it
    if context.file.roles & _NO_DEPLOYMENT or setting.origin == "python" or given is None:
        return
    value, name = given.strip().lower(), setting.name.upper()
    if _SKIPS.search(name):
        state = "off" if value in _ON else "on" if value in _OFF else ""
    elif _RUNS.search(name):
        state = "off" if value in _OFF else "on" if value in _ON else ""
    else:
        return
    if state:
        yield project_fact("migration-flag", setting, f"{setting.name}={given}", state=state, name=name, value=given.strip())


_TOOLS = (
    "alembic",
    "flask",
    "manage.py",
    "django-admin",
    "aerich",
    "yoyo",
    "dbmate",
    "flyway",
    "liquibase",
    "atlas",
    "sqitch",
    "prisma",
    "goose",
    "piccolo",
    "python",
)
_STEPS = frozenset(("upgrade", "migrate", "apply", "up", "deploy", "update", "forwards"))


@collect(
    "migration-run",
    on=[commands()],
    required_literals=["migrat", ("alembic", "upgrade"), ("flask", "upgrade"), "aerich", "dbmate"],
    files=_DEPLOYMENT_KINDS,
)
def migration_runs(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Commands that run migrations when the service is deployed."""
    if context.file.roles & {"test", "docs", "example", "vendored"} or not _runs_migrations(command):
        return
    if "ci" in context.file.roles and not _DEPLOYS.search(f"{context.file.path} {command.owner}".lower()):
        return
    yield project_fact("migration-run", command, f"{command.program} {' '.join(command.argv[:3])}".strip())


# Programs whose words are only spoken or filed.
_IDLE = frozenset(
    "echo printf log rm mkdir cp mv ls cat chmod chown touch grep find git test [ [[ cd pip uv sed tar rsync ruff black flake8 mypy".split()
)

# What copies tables, one of which is called `django_migrations`, and what a script says by a function of its own.
_DUMPS = frozenset("mysqldump pg_dump info warn warning error debug msg message say notice success die fail".split())


def _runs_migrations(command: Command) -> bool:
    """Whether a command brings a database up to date."""
    words = [command.program, *command.argv]
    if command.program in _IDLE:
        return False
    if command.program in _DUMPS:
        return False
    if any("migrat" in word.lower() and "makemigrations" not in word.lower() for word in words):
        return not ({"--check", "--plan", "--fake"} & set(command.argv))
    return (
        command.program in _TOOLS
        and bool(_STEPS & set(command.argv))
        and (command.program != "flask" or "db" in command.argv)
        and command.program != "python"
    )


@collect(
    "migration-run",
    on=[calls("alembic.command.upgrade", "flask_migrate.upgrade", "django.core.management.call_command", "*.call_command")],
    required_literals=["command.upgrade", "flask_migrate", "call_command", "from alembic"],
    not_in=("test", "docs", "example", "migration"),
)
def migration_calls(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Python code that runs migrations."""
    if context.file.roles & {"test", "docs", "example", "vendored", "migration"}:
        return
    if call.method == "call_command" and value_of(call.argument(0), call.module, call) != "migrate":
        return
    yield project_fact("migration-run", call, shown(call))


@check("PRD561", on=[commands("manage.py", "django-admin", "python")], required_literals=[("migrate", "--fake")])
def migrations_faked(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`manage.py migrate --fake`: marked as run, not run."""
    if "--fake" in command.argv and "migrate" in command.argv:
        yield Diagnostic(command, "`migrate --fake` marks migrations as run without running them")


@project_check("PRD561", topics=("migration-flag", "migration-run"))
def migrations_skipped(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A switch that keeps migrations from running, or nothing that runs them."""
    runs = project.about("migration-run")
    flags = project.about("migration-flag")
    switched_on = {flag.get("name") for flag in flags if flag.get("state") == "on"}
    found = False
    for flag in flags:
        # One process of several runs them: the others are told not to.
        if flag.get("state") == "off" and flag.get("name") not in switched_on and not runs:
            found = True
            words = f"`{flag.words}`: this deployment does not run its migrations, and nothing else here does"
            yield ProjectDiagnostic(flag.path, flag.span, words, fix=flipped(flag.get("value"), "Let the migrations run"))
    for run in runs[:1]:
        yield Evidence("PRD561", run.path, run.span, run.words)
    if found or runs or switched_on or not options.get("require-step", True):
        return
    started = project.environment.service
    if started is None or started.program in ("manage.py", "django-admin"):
        return
    revision = next(
        (
            file.path
            for file in project.files
            if _REVISION.search(file.path) and file.path.endswith(".py") and not file.roles & {"test", "vendored", "example"}
        ),
        "",
    )
    if revision and not _mentions_migrations(project):
        words = f"`{started.words.split()[0]}` starts here and no step before it runs the migrations in `{revision.rsplit('/', 1)[0]}`"
        yield ProjectDiagnostic(started.path, started.span, words, priority="P2")


_RUN_TEXT = re.compile(
    rb"alembic[^\n]{0,80}upgrade|manage(?:\.py)?[^\n]{0,40}migrate|db upgrade|flask[- ]migrate|run_?migrations?"
    rb"|migrate_?(?:db|database)|command\.upgrade",
    re.IGNORECASE,
)


def _mentions_migrations(project: Project) -> bool:
    """Whether a file that no reader understands (an s6 or init script, Terraform, a Go deployer) speaks of running migrations."""
    known = {file.path for file in project.files if file.kind != "text"}
    for path in project.all_paths():
        name = path.rsplit("/", 1)[-1]
        if path in known or name.endswith(
            (".md", ".rst", ".txt", ".lock", ".png", ".svg", ".js", ".ts", ".tsx", ".css", ".html", ".json", ".po", ".mo")
        ):
            continue
        data = project.read(path)
        if data and len(data) < 200_000 and _RUN_TEXT.search(data):
            return True
    return False
