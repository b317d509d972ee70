"""What comes from outside and reaches a database (PRD461).

SQL is judged at its sink: a text that is executed, put together from pieces of which one is not fixed. Words that only
look like SQL are nobody's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.parts import Judge, entered, literal_of, shown
from prodlint.checks.web.tables import sinks
from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Constant,
    Dictionary,
    Expression,
    Name,
    Subscript,
)
from prodlint.model import Priority
from prodlint.values.lattice import Argument, Client, Part, Value
from prodlint.values.places import argument_of

# ---------------------------------------------------------------- sinks

_TABLE = sinks()["sql"]
# These take SQL and nothing else.
_SURE = frozenset(_TABLE["sure"])
_SURE_METHODS = frozenset(_TABLE["sure_methods"])
# These take SQL when the text begins like it.
_METHODS = tuple(_TABLE["methods"])
# Where a whole statement out of a request is one for certain.
_EXECUTING = frozenset(
    {
        "execute",
        "execute_sql",
        "execute_query",
        "execute_raw",
        "fetchrow",
        "fetchval",
        "fetch_all",
        "fetch_one",
        "fetch_val",
        "prepare",
        "raw_query",
        "execute_async",
    }
)
_EXTRA_KEYWORDS = ("select", "where", "tables", "order_by")

_SINKS = (*_SURE, *(f"*.{name}" for name in (*sorted(_SURE_METHODS), *_METHODS, "extra")))

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


# In any case, where what runs it is a database for certain.
_VERBS = re.compile(
    r"(?i)(?:select|insert|update|delete|with|show|use|set|call|exec|execute|lock|declare|begin|replace|merge|create|alter|drop|truncate|grant|revoke|copy|explain|analyze|vacuum|pragma|attach|detach|kill|describe|do)\b"
)
_DATABASE = re.compile(
    r"(?:^|[._])(?:cursor|cur|curs|conn|connection|cnx|db|database|engine|session|tx|transaction|pool)(?:\(\))?$", re.IGNORECASE
)


def _is_sql(literal: str, database: bool) -> bool:
    """Whether a text (its open parts as NUL) begins like a statement. `Select a page from the list` does not."""
    start = _LEADING.match(literal)
    rest = literal[start.end() :] if start is not None else literal
    word = rest[:6]
    if word.isalpha() and word[:1].isupper() and not word.isupper():
        return False
    return bool(_BEGINS.match(rest) or _WHOLE.search(literal) or database and _VERBS.match(rest))


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
        for told in (*(argument_of(call, name) for name in _EXTRA_KEYWORDS), argument_of(call, "", 0), argument_of(call, "", 1)):
            if isinstance(told, Collection):
                found += [(item, True) for item in told.items]
            elif isinstance(told, Dictionary):
                found += [(value, True) for _, value in told.items]
        return found
    if call.receiver is None:
        return []
    for keyword in ("sql", "query", "statement", "operation"):
        if keyword in call.keywords:
            return [(call.keywords[keyword], False)]
    first = call.argument(0)
    return [(first, False)] if first is not None else []


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
_TUNED = re.compile(r"(?:timeout|cache_size|work_mem)\s*(?:=|\bto\b)\s*['\-]*$|\brestart\s+with\s+$", re.IGNORECASE)
# A server's own tables about tables hold names as texts.
_CATALOGUE = re.compile(r"\b(?:table|database|schema|cluster(?:allreplicas)?|name)(?:_?name)?\s*(?:=|\(|\bin\s*\()\s*'$", re.IGNORECASE)
_CATALOGUE_NAME = re.compile(r"(?:^|_)(?:table|database|schema|cluster|db)(?:_?name)?$", re.IGNORECASE)
_OF_A_COLUMN = re.compile(
    r"(?i)(?:^|[._])(?:table|column|col|index|constraint|field|foreign_key|fk|idx)(?:\.(?:key|name)|\[[\"']name[\"']\])$"
)


_QUOTING = re.compile(r"(?i)^[\w.]*(?:escape|quote|sanitiz|literal)\w*\(")
_DEFINES = re.compile(r"(?i)\s*(?:create|alter|drop|comment\s+on)\s")


def _migrates(call: Call, context: CheckContext) -> bool:
    """Whether a statement runs once, when the schema changes: its values come out of the database itself."""
    return bool(context.file.roles & {"migration"}) or any(not one.scope.symbol for one in call.module.assignments("down_revision"))


def _text_before(judge: Judge, value: Value) -> str:
    """The beginning of a statement."""
    return next((literal_of(parts) for parts in judge.variants(value)), "")


# `user.id`, `str(order.pk)`: the key that the database itself gave a row.
_IS_KEY = re.compile(r"^(?:(?:str|int)\()?(?:[\w.]*\.(?:id|pk)|ctype_id|content_type_id)\)?$")


# `CREATE INDEX by_time_{table}`: a name of which the first half is written out.
_BEGUN = re.compile(r"\b[A-Za-z]\w*_$")


def _before(parts: Sequence[str | Part], index: int) -> str:
    return "".join(part if isinstance(part, str) else "x" for part in parts[:index])[-60:]


def _is_identifier(before: str, piece: Expression) -> bool:
    """Whether a part is the name of a table or column, by what stands before it and by its own name."""
    word = _last_word(piece)
    named = bool(_IDENTIFIER_NAME.search(word) or _OF_A_COLUMN.search(piece.text))
    if named:
        before = _BEGUN.sub("", before)
    if _CATALOGUE.search(before):
        return bool(_CATALOGUE_NAME.search(word))
    if before.endswith("::"):
        return True  # behind a cast stands a type
    return bool(_IDENTIFIER_BEFORE.search(before)) and (before.endswith(('"', "`", "[")) or named)


@check("PRD461", on=[calls(*_SINKS)], files=["python"])
def sql_string_building(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A text that is executed as SQL and has a part in it that is not fixed."""
    for query, sure in _queries(call):
        if isinstance(query, Constant) or isinstance(query, Call) and query.name in _SURE or _is_built(query, call):
            continue
        values = context.values(call.module)
        value = values.of(query)
        judge = Judge(values, "sql")
        found = _judged(judge, value, sure, call) or _whole_statement(judge, value, sure, call)
        if found is None:
            continue
        part, named = found
        client = judge.client_in(part.value)
        priority: Priority | None = None
        if named and client is None:
            if not context.options.get("identifiers") or context.file.roles & _BY_HAND or "/alembic/" in f"/{context.file.path}":
                continue
            if _is_of_itself(part) or not any(isinstance(shape, Argument) for shape in part.value.walk()):
                continue  # a name out of the code's own tables; nobody is known to choose it
            priority = "P2"
        elif client is None and _IS_KEY.search(part.at.text):
            # The database gave the row its key: who writes it there knows that it is a number.
            if context.file.roles & _BY_HAND or not context.options.get("unchosen"):
                continue
            priority = "P2"
        elif client is None and _QUOTING.search(part.at.text):
            if not context.options.get("unchosen"):
                continue  # what quotes it is judged where it stands
            priority = "P2"
        elif client is not None and _QUOTING.search(part.at.text):
            continue
        elif client is None and (_is_of_itself(part) or not any(isinstance(shape, Argument) for shape in part.value.walk())):
            if not context.options.get("unchosen"):
                continue
            # Nobody is known to choose it: a row of the database, a setting, an attribute.
            priority = "P1" if not _migrates(call, context) else "P2"
            if priority == "P2" and _DEFINES.match(_text_before(judge, value)):
                continue
        elif client is None and _migrates(call, context):
            if not context.options.get("unchosen"):
                continue
            if _DEFINES.match(_text_before(judge, value)):
                continue  # tables and columns that the migration reads from the schema itself
            priority = "P2"
        if priority is None and client is None and _is_a_field(part.at):
            # A field of what the function is given: who fills it stands elsewhere. What is not quoted is mostly a name or a piece of SQL.
            if not context.options.get("identifiers") and not _is_quoted(judge, value, part):
                continue
            priority = "P1"
        if priority is None and client is None and call.name.startswith("duckdb."):
            priority = "P1"  # a library over files of this machine: there is no server whose rights an injection could use
        place = query if query.start >= call.start else call
        # What a helper elsewhere writes has no name here.
        named_here = part.at.file.path == call.file.path and part.at.text not in ("str", "bytes", "Any", "object")
        what = f"`{shown(part.at)}`" if named_here else "a value"
        words = f"`{call.method}` runs SQL with {what} written into its text"
        if part.at.start == query.start and part.at.end == query.end:
            words = f"`{call.method}` runs `{shown(part.at)}` as SQL, which the client sends"
        yield Diagnostic(place, words, priority=priority, related=entered(client))


# Constructors of SQL expressions whose values are bound, never written.
_BUILDERS_OF_EXPRESSIONS = frozenset({"select", "insert", "update", "delete", "union", "union_all", "exists", "func", "values"})


# Methods that only statements have: what they return is no text, whatever it was made of.
_OF_STATEMENTS = frozenset(
    "with_only_columns set_label_style order_by group_by where filter_by select_from returning subquery scalar_subquery with_for_update"
    " execution_options options limit offset bindparams".split()
)


# `session.query(User)`, `session.query(models.User.name)`: a class is no text.
_CLASS = re.compile(r"(?:[a-z_]\w*\.)*[A-Z]+[a-z]\w*(?:\.\w+)*")


def _is_built(query: Expression, call: Call) -> bool:
    """`select(User).where(User.id == key)`: what it is called on, and on, is such a constructor; the same kept under a name that is bound once.
    Or the class that a session is asked for."""
    if isinstance(query, Name) and call.method == "query" and _CLASS.fullmatch(query.source_text):
        return True
    first = made = call.module.follow(query, call)
    if isinstance(made, Call) and made.method in _OF_STATEMENTS:
        return True
    while isinstance(made, Call):
        if made.name.rpartition(".")[2] in _BUILDERS_OF_EXPRESSIONS and (made is first or not isinstance(made.receiver, Call)):
            return True
        receiver = made.receiver
        if receiver is None:
            return False
        made = receiver
    return False


# A statement about the schema takes no parameters: what stands in it outside of quotes are names, types and words of SQL.
_OF_SCHEMA = re.compile(
    r"(?i)[\s\0]*(?:(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:(?:unique|temp|temporary|unlogged|materialized|foreign)\s+)*"
    r"(?:index|table|column|view|schema|type|sequence|database|role|user|extension|domain|publication|subscription|tablespace|keyspace)"
    r"|notify|listen|unlisten|truncate|reindex|vacuum|analyze|refresh\s+materialized\s+view|comment\s+on|grant|revoke|lock\s+table)\b"
)
# A comment of SQL that is still open.
_IN_COMMENT = re.compile(r"/\*(?:(?!\*/).)*$", re.DOTALL)


def _in_quotes(parts: Sequence[str | Part], index: int) -> bool:
    return sum(part.count("'") for part in parts[:index] if isinstance(part, str)) % 2 == 1


def _judged(judge: Judge, value: Value, sure: bool, call: Call) -> tuple[Part, bool] | None:
    """The first open part of a statement, and whether every open one is only a name of something in the database."""
    database = call.receiver is not None and bool(_DATABASE.search(call.receiver.text))
    names: Part | None = None
    for parts in judge.variants(value):
        literal = literal_of(parts)
        if literal.strip("\0 ") == "" or not (sure or _is_sql(literal, database)):
            continue
        for index, part in enumerate(parts):
            if isinstance(part, str) or not judge.is_open(part.value):
                continue
            before = _before(parts, index)
            if _BIND_NAME.search(before) or _TUNED.search(before):
                continue
            client = judge.client_in(part.value) is not None
            if not client and (
                _IN_COMMENT.search(before)
                or _is_fragment(part, before)
                or _is_number(part)
                or _is_placeholders(part)
                or _is_of_the_connection(part, call)
            ):
                continue
            if client or not (_is_identifier(before, part.at) or (_OF_SCHEMA.match(literal) and not _in_quotes(parts, index))):
                return part, False
            names = names or part
    return (names, True) if names is not None else None


def _whole_statement(judge: Judge, value: Value, sure: bool, call: Call) -> tuple[Part, bool] | None:
    """A statement that a client sends as a whole."""
    if call.receiver is not None and call.receiver.text in ("self", "cls"):
        return None  # a method of the class itself, which is judged where it hands the statement on
    if not sure and (call.receiver is None or not _DATABASE.search(call.receiver.text)):
        return None  # `job.execute(trigger)`: whatever is run there
    if not (sure or call.method in _EXECUTING) or not any(
        isinstance(shape, Client) and shape.source != "request" for shape in value.shapes
    ):
        return None  # `query.execute(request, ...)` is given the request, and no statement
    at = next((argument for argument in (call.argument(0), *call.keywords.values()) if argument is not None), call)
    return Part(value, at), False


# Clauses from elsewhere: whether they hold a value was decided where they were made.
_FRAGMENT = re.compile(
    r"(?:where|clauses?|conditions?|filters?|sql|query|queries|subquery|select|statements?|stmts?|joins?|predicates?|cte|having|criteria|fragment|ddl)"
    r"(?:_(?:sql|str|string|clause|list|text|expr|parts?))?$",
    re.IGNORECASE,
)
# What stands here is a value, whatever it is called.
_VALUE_BEFORE = re.compile(r"(?:['\"]|[=<>]|\b(?:like|ilike|between|values\s*\(|limit|offset))\s*%?$", re.IGNORECASE)
_NUMBERS = re.compile(r"(?:^|[._])(?:pk|(?:vector_?)?length|dims?|dimensions?|milliseconds|seconds|minutes|hours|days|ms|retention)$")
_PLACEHOLDERS = re.compile(
    r"place_?holder|question_?mark|qmark|bind(?:s|ing|_names)?$|param_(?:list|names|marks|string)|^ph$|^marks$", re.IGNORECASE
)


def _is_fragment(part: Part, before: str) -> bool:
    """Whether a part whose origin is not known stands where a clause stands, and is called one."""
    if _VALUE_BEFORE.search(before):
        return False
    at = part.at
    return bool(_FRAGMENT.search(at.method if isinstance(at, Call) else _last_word(at)))


def _is_number(part: Part) -> bool:
    """Whether an attribute whose type is not known is called like a number. A parameter is not: requests bring those as text."""
    at = part.at.arguments[0] if isinstance(part.at, Call) and part.at.name == "str" and len(part.at.arguments) == 1 else part.at
    return isinstance(at, (Name, Attribute)) and "." in at.text and bool(_NUMBERS.search(at.text))


def _is_quoted(judge: Judge, value: Value, part: Part) -> bool:
    """Whether a part stands where a value stands: behind a quote or a comparison."""
    return any(
        not isinstance(one, str) and one.at is part.at and bool(_VALUE_BEFORE.search(_before(parts, index)))
        for parts in judge.variants(value)
        for index, one in enumerate(parts)
    )


def _is_a_field(at: Expression) -> bool:
    """`order.kind`, `field["type"]`."""
    return isinstance(at, (Attribute, Subscript)) or isinstance(at, Name) and "." in at.source_text


def _is_of_itself(part: Part) -> bool:
    """Whether a part is what the object was made with: `self.schema`."""
    return isinstance(part.at, (Name, Attribute)) and part.at.text.startswith(("self.", "cls."))


def _is_of_the_connection(part: Part, call: Call) -> bool:
    """Whether a part is an attribute of what runs the statement: `db.execute(f"... DEFAULT {db.timestamp_now}")` spells a dialect's word."""
    at, receiver = part.at, call.receiver
    return (
        isinstance(at, (Name, Attribute))
        and isinstance(receiver, (Name, Attribute))
        and receiver.text not in ("self", "cls")
        and at.text.rpartition(".")[0] == receiver.text
    )


def _is_placeholders(part: Part) -> bool:
    """Whether a part whose origin is not known is called like the marks that stand for values."""
    return bool(_PLACEHOLDERS.search(_last_word(part.at)))


# Code that a person runs against tables of their own; names of tables come from nowhere else.
_BY_HAND = frozenset({"migration", "script", "command"})


def _last_word(expression: Expression) -> str:
    found = re.findall(r"[A-Za-z_]\w*", expression.text)
    return str(found[-1]) if found else ""
