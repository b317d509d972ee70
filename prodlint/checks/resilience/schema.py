"""Tables and their databases: SQLite in production (PRD553), foreign keys without an index (PRD554), migrations that form no line (PRD560)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    check,
    collect,
    every,
    literals,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.facts import Assignment, Call, Class, Collection, Constant, Literal, Module, Name, Setting, Statement, Text
from prodlint.model import Evidence, FixRequest, Related, Span
from prodlint.values.places import value_of

# ---------------------------------------------------------------- PRD553

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "dev", "ci", "script"))
_SQLITE = re.compile(r"(?i)^sqlite(?:\+\w+)?://")
_DATABASE = re.compile(r"(?i)(?:^|_)(?:database|db|sqlalchemy_database|sql|postgres\w*|dsn)(?:_ur[li]|_dsn|$)|^(?:database|db)_url")
_NOT_THE_DATABASE = re.compile(
    r"(?i)cache|session_store|test|broker|celery|queue|history|langchain|mlflow|vector|chroma|optuna|result_backend"
)


@check("PRD553", on=[settings()], required_literals=["sqlite"], files=("yaml", "dockerfile", "toml", "ini", "systemd", "env"))
def sqlite_deployed(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`DATABASE_URL: sqlite:///...` in what production deploys."""
    value = setting.value if setting.value is not None else setting.default
    if (
        value is None
        or context.file.roles & _ELSEWHERE
        or not _SQLITE.match(value)
        or setting.origin in ("ci", "python", "dockerfile-env", "dockerfile-arg")
        or setting.origin == "env-file"
        and "production" not in context.file.roles
    ):
        return
    if _DATABASE.search(setting.name) and not _NOT_THE_DATABASE.search(setting.name) and ":memory:" not in value:
        yield Diagnostic(
            setting,
            f"`{setting.name}` is an SQLite file: one writer at a time, on one machine, and gone with a container that has no volume",
        )


@check("PRD553", on=[settings()], required_literals=[("sqlite", "database"), ("sqlite", "db_url")], files=("python",))
def sqlite_by_default(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.getenv("DATABASE_URL", "sqlite:///app.db")` in a service: a variable that is forgotten starts it on an empty database."""
    if setting.origin != "python" or setting.default is None or context.file.roles & _ELSEWHERE or not context.environment.is_service:
        return
    named = _DATABASE.search(setting.name) and not _NOT_THE_DATABASE.search(setting.name)
    if named and _SQLITE.match(setting.default) and ":memory:" not in setting.default:
        yield Diagnostic(
            setting, f"without `{setting.name}` the service starts on an SQLite file: one writer at a time, on one machine", priority="P2"
        )


@collect(
    "django-engine",
    on=[literals()],
    required_literals=["django.db.backends", "dj_database_url", "django_environ"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def engines_of_django(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """The databases that Django's settings name, wherever they stand."""
    if context.file.roles & _ELSEWHERE or not literal.value.startswith("django.db.backends.") or literal.role == "docstring":
        return
    guarded = "yes" if literal.scope.guards & {"debug", "environment"} else ""
    elsewhere = b"dj_database_url" in literal.source.data or b"env.db(" in literal.source.data
    yield project_fact("django-engine", literal, literal.value, guarded=guarded, elsewhere="yes" if elsewhere else "")


@project_check("PRD553", topics=("django-engine",))
def sqlite_of_django(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A Django service whose settings know no other database than SQLite."""
    engines = project.about("django-engine")
    server = next((one for one in engines if not one.words.endswith(("sqlite3", "dummy")) or one.get("elsewhere")), None)
    if server is not None:
        yield Evidence("PRD553", server.path, server.span, f"`{server.words}`")
    elif engines and project.environment.is_service and not engines[0].get("guarded"):
        yield ProjectDiagnostic(
            engines[0].path, engines[0].span, "the service's only database is an SQLite file: one writer at a time, on one machine"
        )


# ---------------------------------------------------------------- PRD554

_COLUMNS = frozenset(("Column", "mapped_column", "Field"))


@check("PRD554", on=[every(Class)], required_literals=[("foreignkey", "sqlalchemy"), ("foreign_key", "sqlmodel")], files=("python",))
def foreign_key_without_index(class_: Class, context: CheckContext) -> Iterator[Diagnostic]:
    """A column that refers to another table and has no index: once a class, with the further columns."""
    columns = [(column, _name_of(column)) for column in class_.body if _refers(column)]
    if not columns or not _is_table(class_):
        return
    covered = _covered(class_)
    open_ones = [(column, name) for column, name in columns if name and name not in covered and not _is_indexed(column)]
    if not open_ones or len(_primary(class_)) > 1 and all(name in _primary(class_)[:1] for _, name in open_ones):
        return
    first, name = open_ones[0]
    call = _column_call(first)
    if call is None:
        return
    more = f", nor {_listed([other for _, other in open_ones[1:]])}" if len(open_ones) > 1 else ""
    fix = (
        FixRequest("set-keyword", "Add an index (and a migration that makes it)", False, (("keyword", "index"), ("value", "True")))
        if not call.stars
        else None
    )
    related = tuple(Related(class_.file.path, column.span, f"`{other}`") for column, other in open_ones[1:])
    words = f"`{class_.name}.{name}` refers to another table and has no index{more}: joins and deletes over there scan this table"
    yield Diagnostic(call, words, related=related, fix=fix, symbol=f"{class_.scope.symbol}.{class_.name}".lstrip("."))


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _column_call(statement: Statement) -> Call | None:
    value = statement.assignment.value if statement.assignment is not None else None
    return value if isinstance(value, Call) and value.method in _COLUMNS else None


def _name_of(statement: Statement) -> str:
    return statement.assignment.target if statement.assignment is not None else ""


def _refers(statement: Statement) -> bool:
    call = _column_call(statement)
    if call is None:
        return False
    if call.method == "Field":
        return "foreign_key" in call.keywords
    return any(isinstance(part, Call) and part.method == "ForeignKey" for part in call.arguments)


def _is_indexed(statement: Statement) -> bool:
    call = _column_call(statement)
    if call is None or call.stars:
        return True
    return any(
        keyword in call.keywords
        and not (isinstance(call.keywords[keyword], Constant) and not getattr(call.keywords[keyword], "value", True))
        for keyword in ("index", "unique", "primary_key")
    )


def _primary(class_: Class) -> list[str]:
    """The columns of a table's primary key, in order."""
    calls = [(statement, _column_call(statement)) for statement in class_.body]
    return [_name_of(statement) for statement, call in calls if call is not None and "primary_key" in call.keywords]


def _is_table(class_: Class) -> bool:
    """Whether a class stands for a table: it names one, has a primary key, or is one of SQLModel's; mix-ins leave it to others."""
    if class_.name.endswith("Mixin") or any(
        statement.assignment is not None and statement.assignment.target == "__abstract__" for statement in class_.body
    ):
        return False
    named = any(
        statement.assignment is not None and statement.assignment.target in ("__tablename__", "__table_args__") for statement in class_.body
    )
    return named or bool(_primary(class_)) or value_of(class_.keywords.get("table"), class_.module, class_) is True


def _covered(class_: Class) -> frozenset[str]:
    """The columns that an index, a unique constraint or a key begins with."""
    found = set(_primary(class_)[:1])
    for statement in class_.body:
        assignment = statement.assignment
        if assignment is None or assignment.target != "__table_args__":
            continue
        for part in assignment.value.walk():
            if isinstance(part, Call) and part.method in ("Index", "UniqueConstraint", "PrimaryKeyConstraint"):
                named = part.arguments[1:] if part.method == "Index" else part.arguments
                first = named[0] if named else None
                if isinstance(first, Constant) and isinstance(first.value, str):
                    found.add(first.value)
                elif isinstance(first, Name):
                    found.add(first.source_text.rsplit(".", 1)[-1])
    for call in class_.module.calls():  # `Index("orders_user", Order.user_id)` below the class
        if call.method == "Index" and len(call.arguments) > 1:
            first = call.arguments[1]
            if isinstance(first, Name) and first.source_text.startswith(f"{class_.name}."):
                found.add(first.source_text.rsplit(".", 1)[-1])
    return frozenset(found)


# ---------------------------------------------------------------- PRD560


@collect(
    "alembic-revision",
    on=[every(Module)],
    required_literals=[("revision", "down_revision")],
    files=("python",),
    not_in=("test", "example", "docs", "vendored"),
)
def alembic_revisions(module: Module, context: CheckContext) -> Iterator[ProjectFact]:
    """What each alembic revision is called, and what it comes after."""
    revision, down = (module.assignments(name) for name in ("revision", "down_revision"))
    if len(revision) != 1 or len(down) != 1 or revision[0].scope.symbol or context.file.roles & {"test", "example", "docs", "vendored"}:
        return
    name = value_of(revision[0].value, module, revision[0])
    parents = value_of(down[0].value, module, down[0])
    if not isinstance(name, str):
        return
    listed = parents if isinstance(parents, tuple) else (parents,)
    if any(not (parent is None or isinstance(parent, str)) for parent in listed):
        return
    labels = any(_is_set(assignment) for assignment in module.assignments("branch_labels"))
    data = (("parents", " ".join(parent for parent in listed if isinstance(parent, str))), ("labels", "yes" if labels else ""))
    yield ProjectFact("alembic-revision", context.file.path, revision[0].span, name, data)


def _is_set(assignment: Assignment) -> bool:
    return not (isinstance(assignment.value, Constant) and assignment.value.value is None)


_DJANGO_FILE = re.compile(r"(?:^|/)(\w+)/migrations/(?!__init__)(\w+)\.py$")


@collect(
    "django-migration",
    on=[every(Class)],
    required_literals=["migration"],
    files=("python",),
    not_in=("test", "example", "docs", "vendored"),
)
def django_migrations(class_: Class, context: CheckContext) -> Iterator[ProjectFact]:
    """What each Django migration comes after, in its own application."""
    where = _DJANGO_FILE.search(context.file.path)
    if class_.name != "Migration" or where is None or context.file.roles & {"test", "example", "docs", "vendored"}:
        return
    parents: list[str] = []
    others: list[str] = []
    replaces = unread = False
    for statement in class_.body:
        assignment = statement.assignment
        if assignment is not None and assignment.target == "replaces":
            replaces = True
        if assignment is None or assignment.target != "dependencies":
            continue
        if not isinstance(assignment.value, Collection):
            unread = True  # put together elsewhere
            continue
        for item in assignment.value.items:
            if isinstance(item, Collection) and len(item.items) == 2 and all(isinstance(part, Constant) for part in item.items):
                app, name = (str(part.value) for part in item.items if isinstance(part, Constant))
                if app == where[1] or app == _label(context.file.path):
                    parents.append(name)
                else:
                    others.append(f"{app}.{name}")
    data = (("parents", " ".join(parents)), ("others", " ".join(others)), ("replaces", "yes" if replaces or unread else ""))
    head = Span(class_.span.line, class_.span.column, class_.span.line, class_.span.column + 15)
    yield ProjectFact("django-migration", context.file.path, head, where[2], data)


def _label(path: str) -> str:
    return path.split("/migrations/", maxsplit=1)[0].rsplit("/", 1)[-1]


@project_check("PRD560", topics=("alembic-revision", "django-migration"))
def broken_graph(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """Migrations with several ends, a parent that is not there, or one name twice."""
    for folders, revisions in _by_line(project.about("alembic-revision")):
        yield from _graph(project, revisions, "revision", folders)
    for folder, migrations in _by_folder(project.about("django-migration")).items():
        # A squashed migration stands beside those that it replaces; where one does not say plainly what it comes after, there is no line to see.
        if not any(one.get("replaces") for one in migrations):
            yield from _graph(project, _under_their_label(migrations), "migration", (folder,))


def _under_their_label(migrations: Sequence[ProjectFact]) -> Sequence[ProjectFact]:
    """The migrations of one application with their parents, where the application has another label than its folder has a name.

    `AppConfig.label` may be anything. Where no migration of a folder comes after another of the folder's name, the label is the one under
    which most of what they depend on stands in the same folder.
    """
    names = {fact.words for fact in migrations}
    if any(parent in names for fact in migrations for parent in fact.get("parents").split()):
        return migrations
    told = [other.partition(".") for fact in migrations for other in fact.get("others").split()]
    labels = Counter(app for app, _, name in told if name in names)
    if not labels:
        return migrations
    label = labels.most_common(1)[0][0]
    return [
        replace(fact, data=tuple((key, _of_label(fact, label) if key == "parents" else value) for key, value in fact.data))
        for fact in migrations
    ]


def _of_label(fact: ProjectFact, label: str) -> str:
    return " ".join(name for app, _, name in (other.partition(".") for other in fact.get("others").split()) if app == label)


# `003_orders.sql`, `V3__orders.sql`, `0003-orders.up.sql`: the number and, where there are two files for one step, the direction.
_NUMBERED_FILE = re.compile(r"(?:^|/)[Vv]?(\d{1,6})(?:__?|-)\w[\w.-]*?(?:[._-](up|down|do|undo))?\.sql$")
# Numbers from here on are dates, which leave days out.
_A_DATE = 10_000
_OF_MIGRATIONS = re.compile(r"(?:^|/)(?:\w*migrations?|migrate|versions|schema_changes)/(?:[\w-]+/){0,2}[^/]+$")


@collect(
    "numbered-sql",
    on=[text()],
    required_literals=["create", "alter", "insert", "update", "drop", "delete"],
    files=("sql",),
    not_in=("test", "example", "docs", "vendored"),
)
def numbered_migrations(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Migrations in SQL that a runner applies in the order of their numbers."""
    path = context.file.path
    found = _NUMBERED_FILE.search(path)
    if found is None or not whole.hits or not _OF_MIGRATIONS.search(path) or context.file.roles & {"test", "example", "docs", "vendored"}:
        return
    yield ProjectFact("numbered-sql", path, whole.source.span(0, 0), found[1], (("direction", found[2] or ""),))


@project_check("PRD560", topics=("numbered-sql",))
def broken_numbers(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """Two files with one number, of which one is never applied or both in an order by chance, and a number that is left out."""
    for files in _by_folder(project.about("numbered-sql")).values():
        if project.exists(_joined(files[0].path, "__init__.py")) or any(project.exists(f"{fact.path[:-4]}.py") for fact in files):
            continue  # what Django's migrations come to, written out for who reviews or applies them: the order is that of the modules
        seen: dict[tuple[int, str], ProjectFact] = {}
        for fact in sorted(files, key=lambda one: one.path):
            mark = (int(fact.words), fact.get("direction"))
            if mark in seen:
                yield ProjectDiagnostic(
                    fact.path,
                    fact.span,
                    f"migration {fact.words} exists twice",
                    related=(Related(seen[mark].path, seen[mark].span, "the other"),),
                )
            seen.setdefault(mark, fact)
        first: dict[int, ProjectFact] = {}
        for (number, _), fact in seen.items():
            first.setdefault(number, fact)
        numbers = sorted(first)
        if numbers[-1] >= _A_DATE:
            continue
        for before, after in zip(numbers, numbers[1:], strict=False):
            if before + 1 < after < before + 10:
                fact = first[after]
                yield ProjectDiagnostic(fact.path, fact.span, f"migration {before + 1} is missing before {after}", "P1")


def _joined(path: str, name: str) -> str:
    """A file beside another one."""
    return f"{path.rpartition('/')[0]}/{name}".lstrip("/")


def _by_folder(facts: Sequence[ProjectFact]) -> dict[str, list[ProjectFact]]:
    found: dict[str, list[ProjectFact]] = {}
    for fact in facts:
        found.setdefault(fact.path.rpartition("/")[0], []).append(fact)
    return found


def _by_line(facts: Sequence[ProjectFact]) -> Iterator[tuple[tuple[str, ...], list[ProjectFact]]]:
    """The revisions of each folder, those of several folders together where one follows another: `versions/2024`, `versions/2025`."""
    folders = _by_folder(facts)
    home = {fact.words: folder for folder, listed in folders.items() for fact in listed}
    joined = {folder: folder for folder in folders}

    def root(folder: str) -> str:
        while joined[folder] != folder:
            folder = joined[folder]
        return folder

    for folder, listed in folders.items():
        own = {fact.words for fact in listed}
        for parent in (parent for fact in listed for parent in fact.get("parents").split()):
            if parent not in own and parent in home:
                joined[root(folder)] = root(home[parent])
    lines: dict[str, list[str]] = {}
    for folder in folders:
        lines.setdefault(root(folder), []).append(folder)
    for together in lines.values():
        yield tuple(together), [fact for folder in together for fact in folders[folder]]


def _graph(project: Project, facts: Sequence[ProjectFact], kind: str, folders: Sequence[str]) -> Iterator[ProjectDiagnostic]:
    names = Counter(fact.words for fact in facts)
    by_name = {fact.words: fact for fact in facts}
    parents = {parent for fact in facts for parent in fact.get("parents").split()}
    torn = False
    for fact in facts:
        if names[fact.words] > 1 and by_name[fact.words] is not fact:
            other = by_name[fact.words]
            yield ProjectDiagnostic(
                fact.path, fact.span, f"{kind} `{fact.words}` exists twice", related=(Related(other.path, other.span, "the other"),)
            )
        missing = [
            parent
            for parent in fact.get("parents").split()
            if not _is_known(parent, names) and not any(_has_file(project, folder, parent) for folder in folders)
        ]
        if missing:
            torn = True
            yield ProjectDiagnostic(
                fact.path, fact.span, f"{kind} `{fact.words}` comes after `{missing[0]}`, which is not in `{folders[0]}`"
            )
    # A file that rules do not look into, or that another name hides from them, may well be the successor.
    torn = torn or sum(
        name.endswith(".py") and name not in _NO_MIGRATIONS for folder in folders for name in project.names_in(folder)
    ) > len(facts)
    labelled = any(fact.get("labels") for fact in facts)
    heads = [
        fact for fact in facts if not any(parent == fact.words or fact.words.startswith(parent) and len(parent) >= 4 for parent in parents)
    ]
    if len(heads) > 1 and not labelled and not torn and not any(names[fact.words] > 1 for fact in heads):
        related = tuple(Related(other.path, other.span, "another end") for other in heads[1:])
        listed = ", ".join(f"`{fact.words}`" for fact in heads[:4])
        words = f"{len(heads)} {kind}s have no successor ({listed}): `upgrade head` and `migrate` refuse to choose; merge them"
        yield ProjectDiagnostic(heads[0].path, heads[0].span, words, related=related)


_NO_MIGRATIONS = frozenset(("__init__.py", "env.py"))


def _has_file(project: Project, folder: str, parent: str) -> bool:
    """Whether a file is named for a parent: one that rules do not look into is there all the same."""
    return any(parent in name for name in project.names_in(folder))


def _is_known(parent: str, names: Mapping[str, int]) -> bool:
    """Whether a parent is there; alembic also takes the beginning of a name, Django its own words for the ends."""
    if parent in names or parent.startswith("__"):
        return True
    return len(parent) >= 4 and sum(name.startswith(parent) for name in names) == 1
