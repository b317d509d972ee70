"""Queries of directories, documents and XML that hold text of a client (PRD470); SQL is PRD461."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.parts import entered, shown
from prodlint.facts import Call, Constant, Dictionary, Expression, FString, Module
from prodlint.values.expressions import follow
from prodlint.values.lattice import Client, Items, Member, Table, Text, Value

# What makes a client's text part of a filter's value and nothing more.
_ESCAPES = re.compile(r"escape|quote|filter_format|parameterize", re.IGNORECASE)


def _in_text(value: Value) -> Client | None:
    """The client whose text stands in a text that the code puts together, or is the whole of it."""
    for shape in value.shapes:
        if isinstance(shape, (Text, Client, Member)):
            client = next(Value((shape,)).clients(), None)
            if client is not None:
                return client
    return None


def _is_escaped(at: Expression) -> bool:
    return any(isinstance(part, Call) and _ESCAPES.search(part.method) for part in at.walk())


# ---------------------------------------------------------------- LDAP and XPath

# Methods of an LDAP connection -> position of the filter.
_LDAP = {"search_s": 2, "search_st": 2, "search_ext": 2, "search_ext_s": 2, "search": 2}
_LDAP3 = 1
_XPATH = ("xpath", "find", "findall", "findtext", "iterfind")


@check(
    "PRD470",
    on=[calls(*(f"*.{name}" for name in _LDAP))],
    required_literals=[("ldap", "search"), ("ldap3", "search")],
    files=["python"],
)
def ldap_filter(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`connection.search_s(base, SCOPE, f"(uid={name})")`."""
    if call.method == "search" and b"ldap3" in call.source.data:
        given = call.argument(_LDAP3, "search_filter")
    else:
        given = call.argument(_LDAP[call.method], "filterstr")
    yield from _written_into(call, given, context, "an LDAP filter", "`*)(uid=*` finds everybody")


@check(
    "PRD470",
    on=[calls(*(f"*.{name}" for name in _XPATH), "lxml.etree.XPath", "lxml.etree.ETXPath")],
    required_literals=[("lxml", name) for name in (*_XPATH, "etxpath")]
    + [("xml", "etree", name) for name in _XPATH[1:]]
    + [("parsel", "xpath")],
    files=["python"],
)
def xpath_expression(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`tree.xpath(f"//user[@name='{name}']")`."""
    given = call.argument(0, "path")
    if given is None or isinstance(given, Constant) or call.receiver is None:
        return
    if call.method != "xpath" and not ("//" in given.text or "[@" in given.text or "[." in given.text):
        return  # `find` is a method of much else
    yield from _written_into(call, given, context, "an XPath expression", "`' or '1'='1` finds everything")


def _written_into(call: Call, given: Expression | None, context: CheckContext, into: str, so: str) -> Iterator[Diagnostic]:
    if given is None or isinstance(given, Constant) or _is_escaped(given):
        return
    client = _in_text(context.values(call.module).of(given))
    if client is not None:
        yield Diagnostic(given, f"`{shown(given)}` writes text of a client into {into}: {so}", related=entered(client))


# ---------------------------------------------------------------- documents

_FILTERS = (
    "find", "find_one", "find_one_and_update", "find_one_and_delete", "find_one_and_replace", "update_one", "update_many", "delete_one",
    "delete_many", "replace_one", "count_documents", "distinct", "aggregate",
)  # fmt: skip
_RUNS_SCRIPT = ("$where", "$function", "$accumulator", "$expr")


@check(
    "PRD470",
    on=[calls(*(f"*.{name}" for name in _FILTERS))],
    required_literals=["mongo", "motor", "beanie"],
    files=["python"],
)
def document_filter(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`users.find_one(request.get_json())`, `{"name": request.json["name"]}` whose value may be `{"$ne": null}`, `$where` with a client's text."""
    given = call.argument(1 if call.method == "distinct" else 0, "filter")
    if given is None or isinstance(given, Constant):
        return
    for shape in context.values(call.module).of(given).shapes:
        if isinstance(shape, Client) and shape.source == "body" and shape.class_ is None:
            words = f'`{call.method}` takes the client\'s body as its filter: `{{"$ne": null}}` and `$where` are theirs to write'
            yield Diagnostic(given, words, related=entered(shape))
            return
        if isinstance(shape, (Table, Items)):
            found = _operators(shape, call.module)
            if found is not None:
                yield Diagnostic(given, f"`{call.method}` {found[1]}", related=entered(found[0]))
                return


def _operators(shape: Table | Items, module: Module, depth: int = 4) -> tuple[Client, str] | None:
    """What of a filter a client can make an operator of, with the words for it."""
    inner = list(shape.entries.items()) if isinstance(shape, Table) else [("", one) for one in shape.items]
    for key, value in inner:
        if key in _RUNS_SCRIPT:
            client = _in_text(value)
            if client is not None:
                return client, f"has text of a client in `{key}`: the database runs it"
        for one in value.shapes:
            if isinstance(one, (Table, Items)) and depth:
                found = _operators(one, module, depth - 1)
                if found is not None:
                    return found
            client = _from_body(one) if key and not key.startswith("$") and not _is_made_text(shape, key, module) else None
            if client is not None:
                return client, f'takes `{key}` as the client\'s body gives it: `{{"$ne": null}}` is a value too; make it a text first'
    return None


# Calls whose result is a text, or that a text alone has.
_MAKES_TEXT = frozenset(
    ("str", "repr", "strip", "lower", "upper", "encode", "format", "casefold", "title", "hexdigest", "ObjectId", "join", "decode")
)


def _is_made_text(table: Table | Items, key: str, module: Module) -> bool:
    """Whether an entry of a filter that is spelled out is `str(name)`, `name.strip()` or an f-string, there or where its name was given."""
    if not isinstance(table, Table) or not isinstance(table.at, Dictionary):
        return False
    given = table.at.get(key)
    if given is None:
        return False
    known = follow(module, given, given)
    return isinstance(known, FString) or isinstance(known, Call) and known.method in _MAKES_TEXT


def _from_body(shape: object) -> Client | None:
    """The client of an entry of a JSON body that no model has typed; a form's and a query's values are always text."""
    if isinstance(shape, Client) and shape.source == "body" and shape.class_ is None and not _typed(shape):
        return shape
    if isinstance(shape, Member):
        for one in shape.of.shapes:
            found = _from_body(one)
            if found is not None and not shape.step.startswith("."):
                return found
    return None


def _typed(client: Client) -> bool:
    """Whether a parameter's annotation makes it a text: FastAPI refuses anything else."""
    return client.framework in ("FastAPI", "Django Ninja", "Litestar", "BlackSheep") and "request" not in client.words
