"""What comes from outside and reaches a database (PRD461).

SQL is judged at its sink: a text that is executed, put together from pieces of which one is not fixed. Words that only
look like SQL are nobody's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.text import Piece, Reader, is_fixed, pieces_of, reader_of
from prodlint.facts import (
    Call,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Name,
    Operation,
)
from prodlint.model import Priority
from prodlint.values.expressions import innermost

# ---------------------------------------------------------------- sinks

# These take SQL and nothing else.
_SURE = frozenset(
    {
        "sqlalchemy.text",
        "sqlalchemy.sql.text",
        "sqlalchemy.sql.expression.text",
        "sqlmodel.text",
        "psycopg2.sql.SQL",
        "psycopg.sql.SQL",
        "django.db.models.expressions.RawSQL",
        "django.db.models.RawSQL",
        "pandas.read_sql",
        "pandas.read_sql_query",
        "polars.read_database",
        "polars.read_database_uri",
    }
)
_SURE_METHODS = frozenset({"executemany", "executescript", "exec_driver_sql", "RawSQL", "read_sql", "read_sql_query"})
# These take SQL when the text begins like it.
_METHODS = (
    "execute",
    "execute_sql",
    "execute_query",
    "execute_query_dict",
    "execute_raw",
    "raw",
    "fetch",
    "fetchrow",
    "fetchval",
    "fetch_all",
    "fetch_one",
    "fetch_val",
    "query",
    "sql",
    "from_statement",
    "exec",
)
_EXTRA_KEYWORDS = ("select", "where", "tables", "order_by")

_SINKS = (*_SURE, *(f"*.{name}" for name in (*_SURE_METHODS, *_METHODS, "extra")))
_QUOTING = re.compile(
    r"quote|escape|identifier|sanitiz|ident$|^literal|^safe_|_safe$|adapt|to_sql|as_string|compile|render|placeholder|param", re.IGNORECASE
)

_OBJECT = (
    r"(?:or\s+replace\s+)?(?:(?:temp|temporary|unlogged|unique|materialized|global|local|virtual|external|foreign|concurrently)\s+)*"
    r"(?:table|index|view|database|schema|user|role|function|procedure|trigger|sequence|type|extension|policy|publication|subscription|server|domain|column|keyspace)\b"
)
# In lower case the words are everyday English, so more of the statement must be there.
_BEGINS = re.compile(
    r"(?i:select\s+(?:[\0*\d'\"`(]|distinct\b|count\b|[\w.,\s\0\"`()*:]{1,300}?\sfrom\b)|insert\s+(?:or\s+\w+\s+)?into\b|delete\s+from\b|replace\s+into\b|merge\s+into\b"
    r"|update\s+(?:only\s+)?\S+(?:\s+(?:as\s+)?\w+)?\s+set\b|with\s+(?:recursive\s+)?[\w\0\"]+\s*(?:\([^()]*\)\s*)?as\s*(?:materialized\s*|not\s+materialized\s*)?\("
    rf"|(?:create|alter|drop)\s+{_OBJECT}|truncate\s+(?:table\s+)?[\w\0\"`]|grant\s.{{1,200}}\bto\b|revoke\s.{{1,200}}\bfrom\b|set\s+search_path\b|explain\s+(?:analyze\s+)?select\b"
    r"|copy\s+\S+\s+(?:from|to)\b|refresh\s+materialized\b|comment\s+on\b|vacuum\s+|pragma\s)"
    r"|(?:SELECT|SHOW|USE|SET|CALL|EXEC|EXECUTE|LOCK|NOTIFY|LISTEN|ATTACH|DETACH|DECLARE|BEGIN|REINDEX|ANALYZE|OPTIMIZE|KILL|DESCRIBE|DO)\s",
    re.DOTALL,
)
_LEADING = re.compile(r"(?:\s|\0|\(|--[^\n]*\n|/\*.{0,300}?\*/)*", re.DOTALL)
_WHOLE = re.compile(r"\bSELECT\b[^;]{1,400}\bFROM\b|\bINSERT\s+INTO\b|\bDELETE\s+FROM\b|\bUPDATE\b[^;]{1,200}\bSET\b")


def _is_sql(literal: str) -> bool:
    """Whether a text (its loose parts as NUL) begins like a statement. `Select a page from the list` does not."""
    start = _LEADING.match(literal)
    rest = literal[start.end() :] if start is not None else literal
    word = rest[:6]
    if word.isalpha() and word[:1].isupper() and not word.isupper():
        return False
    return bool(_BEGINS.match(rest) or _WHOLE.search(literal))


def _queries(call: Call) -> list[tuple[Expression, bool]]:
    """The arguments that a sink takes for SQL, each with whether it surely is."""
    if call.name in _SURE or call.method in _SURE_METHODS:
        first = call.argument(0, "sql") or call.keywords.get("query") or call.keywords.get("text")
        return [(first, True)] if first is not None else []
    if call.method == "extra":
        receiver = call.receiver
        if receiver is None or not re.search(r"objects|query|qs\b|filter\(|annotate\(|all\(", receiver.text):
            return []
        found: list[tuple[Expression, bool]] = []
        for name in _EXTRA_KEYWORDS:
            given = call.keywords.get(name)
            if isinstance(given, Collection):
                found += [(item, True) for item in given.items]
            elif isinstance(given, Dictionary):
                found += [(value, True) for _, value in given.items]
        for argument in call.arguments[:2]:
            if isinstance(argument, Dictionary):
                found += [(value, True) for _, value in argument.items]
            elif isinstance(argument, Collection):
                found += [(item, True) for item in argument.items]
        return found
    if call.receiver is None:
        return []
    for keyword in ("sql", "query", "statement", "operation"):
        if keyword in call.keywords:
            return [(call.keywords[keyword], False)]
    first = call.argument(0)
    return [(first, False)] if first is not None else []


# Parts that are statements or clauses themselves: whether they hold a value was decided where they were made.
_FRAGMENT = re.compile(
    r"(?:where|clauses?|conditions?|filters?|sql|query|queries|subquery|select|statement|stmt|joins?|predicates?|cte|having|criteria|fragment|ddl)"
    r"(?:_(?:sql|str|string|clause|list|text|expr|parts?))?$",
    re.IGNORECASE,
)
# ---------------------------------------------------------------- PRD461

_IDENTIFIER_BEFORE = re.compile(
    r"(?:\b(?:from|join|into|update|table|index|schema|view|database|trigger|function|column|on|role|user|sequence|type|constraint|exists|only|to|references|key|by|truncate|analyze|vacuum"
    r"|pragma|describe|detail|extended|formatted|search_path|cascade|add|rename|as|select|using|extension|partition\s+of|where|and|or|not|having|template|owner|with|set|then|else|when|distinct|in\s+schema)\s*[\"`\[(]?|[\"`\[.(,]\s*)$",
    re.IGNORECASE,
)
_IDENTIFIER_NAME = re.compile(
    r"(?:table|tbl|column|col|schema|index|view|database|db_?name|field|constraint|trigger|sequence|role|identifier|fn|func(?:tion)?(?:_name)?|alias|prefix|suffix|partition|collection)s?(?:_?names?)?$",
    re.IGNORECASE,
)


# `= :tag_{number}`, `%({name})s`: the name of a parameter, whose value goes beside the text.
_BIND_NAME = re.compile(r"(?:(?<![:\w]):|%\(|(?<![\w@])@)\w*$")
# `SET LOCAL statement_timeout TO {timeout}`: settings of the connection.
_TUNED = re.compile(r"(?:timeout|cache_size|work_mem)\s*(?:=|\bto\b)\s*['\-]*$", re.IGNORECASE)
# A server's own tables about tables hold names as texts.
_CATALOGUE = re.compile(r"\b(?:table|database|schema|cluster(?:allreplicas)?|name)(?:_?name)?\s*(?:=|\(|\bin\s*\()\s*'$", re.IGNORECASE)
_CATALOGUE_NAME = re.compile(r"(?:^|_)(?:table|database|schema|cluster|db)(?:_?name)?$", re.IGNORECASE)
_OF_A_COLUMN = re.compile(r"(?i)(?:^|[._])(?:table|column|col|index|constraint|field|foreign_key)\.(?:key|name)$")


def _before(pieces: list[Piece], index: int) -> str:
    return "".join(piece if isinstance(piece, str) else "x" for piece in pieces[:index])[-60:]


def _is_identifier(before: str, piece: Expression) -> bool:
    """Whether a part is the name of a table or column, by what stands before it and by its own name."""
    word = _last_word(piece)
    if _CATALOGUE.search(before):
        return bool(_CATALOGUE_NAME.search(word))
    named = _IDENTIFIER_NAME.search(word) or _OF_A_COLUMN.search(piece.text)
    return bool(_IDENTIFIER_BEFORE.search(before)) and (before.endswith(('"', "`", "[")) or bool(named))


@check("PRD461", on=[calls(*_SINKS)], files=["python"])
def sql_string_building(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A text that is executed as SQL and has a part in it that is not fixed."""
    for query, sure in _queries(call):
        if isinstance(query, Constant) or (isinstance(query, Call) and query.name in _SURE):
            continue
        module = call.module
        if not _may_be_built(query, call):
            continue
        reader = reader_of(module, innermost(module, call), _QUOTING, call.start)
        pieces = pieces_of(query, reader)
        literal = "".join(piece if isinstance(piece, str) else "\0" for piece in pieces)
        if literal.strip("\0 ") == "" or not (sure or _is_sql(literal)):
            continue
        loose = [(index, piece) for index, piece in enumerate(pieces) if not isinstance(piece, str) and not is_fixed(piece, reader)]
        parts = [(_before(pieces, index), piece) for index, piece in loose if not _is_fragment(piece, reader)]
        parts = [(text, piece) for text, piece in parts if not _BIND_NAME.search(text) and not _TUNED.search(text)]
        if not parts:
            continue
        loose = [(0, piece) for _, piece in parts]
        priority: Priority | None = None
        if all(_is_identifier(text, piece) for text, piece in parts):
            if not context.options.get("identifiers", True) or context.file.roles & _BY_HAND or "/alembic/" in f"/{context.file.path}":
                continue
            priority = "P2"
        shown = " ".join(loose[0][1].text.split())
        shown = shown if len(shown) <= 50 else shown[:47] + "..."
        yield Diagnostic(
            query if query.start >= call.start else call,
            f"`{call.method}` runs SQL with `{shown}` written into its text",
            priority=priority,
        )


_BUILDERS = frozenset(
    {
        "format",
        "join",
        "replace",
        "strip",
        "rstrip",
        "lstrip",
        "lower",
        "upper",
        "dedent",
        "cleandoc",
        "str",
        "encode",
        "decode",
        "expandtabs",
    }
)
_STATEMENT = re.compile(
    rb"\b(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|REPLACE|MERGE|CALL|EXEC|EXECUTE|SET|SHOW|USE|COPY|VACUUM|PRAGMA|NOTIFY|LISTEN|COMMENT"
    rb"|REFRESH|EXPLAIN|LOCK|REINDEX|ANALYZE|ATTACH|DETACH|DECLARE|BEGIN|OPTIMIZE|KILL|DESCRIBE|DO)\s"
    rb"|[\"']\s{0,40}\(?\s{0,8}(?:select|insert|update|delete|with|create|alter|drop|truncate|grant|revoke|replace|merge|copy|vacuum|pragma|comment|refresh|explain|set)\s"
)


_SIGNS = (b".join(", b".format(", b"+", b'f"', b"f'", b"%", b".replace(")


# Code that a person runs against tables of their own; names of tables come from nowhere else.
_BY_HAND = frozenset({"migration", "script", "command"})


def _may_be_built(query: Expression, call: Call) -> bool:
    """A quick look before the function is read: can this be a text put together here?"""
    if isinstance(query, (FString, Operation, Conditional)):
        return True
    if isinstance(query, Call):
        return query.method in _BUILDERS
    return isinstance(query, Name) and _is_put_together(call.source.data, query.source_text.encode())


def _is_put_together(data: bytes, name: bytes) -> bool:
    """Whether what a name is given begins like a statement, or is put together from other names in a file with statements."""
    given = re.compile(rb"\b" + re.escape(name) + rb"\b[^=\n]{0,60}\+?=(?!=)")
    for match in given.finditer(data):
        if _STATEMENT.search(data, match.end() - 1, match.end() + 300):
            return True
        around = data[match.end() - 2 : match.end() + 120]
        if any(sign in around for sign in _SIGNS):
            return _STATEMENT.search(data) is not None
    return False


def _is_fragment(piece: Expression, reader: Reader) -> bool:
    """Whether a part is itself a piece of SQL that was put together elsewhere: a clause from a parameter or a call."""
    if isinstance(piece, Call):
        return bool(_FRAGMENT.search(piece.method)) and not _INPUT.search(piece.name)
    if not isinstance(piece, Name) or not _FRAGMENT.search(piece.source_text):
        return False
    given = reader.given.get(piece.source_text, [])
    if not given:
        return piece.source_text in reader.parameters or "." in piece.source_text
    return all(isinstance(value, (Call, Constant, FString)) and not _INPUT.search(value.text) for value in given)


_INPUT = re.compile(r"request|args\b|form\b|params|query_params|input\(|argv|\.get\(|payload|body", re.IGNORECASE)


def _last_word(expression: Expression) -> str:
    found = re.findall(r"[A-Za-z_]\w*", expression.text)
    return str(found[-1]) if found else ""
