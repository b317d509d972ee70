"""The match language: the `[[match]]` tables of a page become checks. It is closed: what outgrows it is a check in code.

A table has one subject, and keys that narrow it:

- `call` (qualified names): `without` (none of these keywords), `with` (keywords and their values; nested literals with dots),
  `inside` and `not_inside`;
- `command` (programs): `flag` (a list, or a table of flags and their values), `without` (none of these flags), `long_running`;
- `setting` (environment-style names): `value`;
- `entry` (paths of a document) with `kind`: `value`, `without` (none of these keys below it);
- `assignment` (names, also of attributes, keys, keywords and fields): `value`, `inside`, `not_inside`;
- `comment` (a regular expression), `import` (module names).

`in` and `not_in` name roles of files, everywhere. A value is a literal, a list of values, "/regex/", "truthy", "falsy" or "empty".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from prodlint import regexes
from prodlint.checks import ByteRange, Check, CheckContext, Diagnostic, Subscription, calls, commands, comments, entries, every, settings
from prodlint.configuration.keys import ROLES, RULESETS
from prodlint.facts import Assignment, Call, Command, Comment, Constant, Dictionary, DocumentKind, Entry, Expression, Import, Scope, Setting
from prodlint.values.truth import FALSY, TRUTHY

KEYS = {
    "call": {"without", "with", "inside", "not_inside"},
    "command": {"flag", "without", "long_running"},
    "setting": {"value"},
    "entry": {"kind", "value", "without"},
    "assignment": {"value", "inside", "not_inside"},
    "comment": set(),
    "import": set(),
}
EVERYWHERE = {"in", "not_in", "message", "since"}

# What a message may have in braces, filled in at each place.
FILLED = {
    "call": {"call"},
    "command": {"command", "flag"},
    "setting": {"setting", "value"},
    "entry": {"entry", "value"},
    "assignment": {"assignment"},
    "comment": {"comment"},
    "import": {"import"},
}
# `${NAME}` of a shell and the `{{ name }}` of a template are words of the message.
_BRACES = re.compile(r"(?<![${])\{(\w+)\}(?!\})")


# What documents are, and the syntaxes that they may be written in.
_DOCUMENTS = (*get_args(DocumentKind), "yaml", "json", "toml", "ini", "hcl")

# What may surround a fact of Python, for `inside` and `not_inside`.
PLACES: Mapping[str, Callable[[Scope], bool]] = {
    "loop": lambda scope: scope.in_loop,
    "async": lambda scope: scope.is_async,
    "handler": lambda scope: scope.in_handler,
    "function": lambda scope: bool(scope.function),
    "class": lambda scope: bool(scope.class_),
    "debug": lambda scope: "debug" in scope.guards,
    "development": lambda scope: "environment" in scope.guards,
    "main": lambda scope: "main" in scope.guards,
    "type-checking": lambda scope: "type-checking" in scope.guards,
}


class MatchError(ValueError):
    """A match table that says something the language does not have."""


def compile_match(code: str, table: Mapping[str, Any], message: str) -> Check:
    """One `[[match]]` table as a check.

    Raises MatchError naming the key that is wrong.
    """
    subjects = [key for key in KEYS if key in table]
    if len(subjects) != 1:
        raise MatchError(f"a match table has exactly one of {', '.join(KEYS)}; this one has {', '.join(subjects) or 'none'}")
    subject = subjects[0]
    for key in table:
        if key != subject and key not in KEYS[subject] and key not in EVERYWHERE:
            raise MatchError(f"unknown key `{key}` in a match on `{subject}`")
    words = str(table.get("message") or message)
    if not words:
        raise MatchError("a match needs a message, in the table or on the page")
    for name in _BRACES.findall(words):
        if name not in FILLED[subject]:
            there = ", ".join(f"`{{{each}}}`" for each in sorted(FILLED[subject]))
            raise MatchError(f"nothing fills in `{{{name}}}` in the message of a match on `{subject}`; there is {there}")
    inside, outside = frozenset(_roles(table, "in")), frozenset(_roles(table, "not_in"))
    make = _MAKERS[subject]
    subscriptions, required_literals, function = make(table, words)

    def run(fact: Any, context: CheckContext) -> Iterator[Diagnostic]:
        roles = context.file.roles
        if (inside and not roles & inside) or roles & outside:
            return
        yield from function(fact)

    since = str(table.get("since", ""))
    if since and since not in RULESETS:
        raise MatchError(f"`since` is one of {', '.join(RULESETS)}")
    return Check(code, run, subscriptions, required_literals, (), since=since)


def _roles(table: Mapping[str, Any], key: str) -> list[str]:
    names = _texts(table, key)
    for name in names:
        if name not in ROLES:
            raise MatchError(f"`{name}` is no role of a file; there are {', '.join(ROLES)}")
    return names


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise MatchError(f"`{key}` takes a text or a list of texts")
    return listed


_Made = tuple[tuple[Subscription, ...], "tuple[tuple[str, ...], ...] | None", Callable[[Any], Iterator[Diagnostic]]]


def _on_call(table: Mapping[str, Any], message: str) -> _Made:
    without = _texts(table, "without")
    given = table.get("with", {})
    if not isinstance(given, Mapping):
        raise MatchError("`with` takes a table of keywords and values")
    if "with" in table and not given:
        raise MatchError("`with` names no keyword")
    pairs = [(path, value_test(wanted, exact=True)) for path, wanted in _flat(given)]
    around = _around(table)

    def function(call: Call) -> Iterator[Diagnostic]:
        if not around(call.scope):
            return
        if without and (call.stars or any(name in call.keywords for name in without)):
            return
        for path, fits in pairs:
            if not _keyword_fits(call, path, fits):
                return
        yield Diagnostic(call, message.replace("{call}", call.name))

    return (calls(*_texts(table, "call")),), (), function


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            if not value:
                raise MatchError(f"`with` gives `{prefix}{key}` no value")
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _around(table: Mapping[str, Any]) -> Callable[[Scope], bool]:
    """A test for what surrounds a fact, from `inside` (any of these) and `not_inside` (none of these)."""
    inside, outside = _texts(table, "inside"), _texts(table, "not_inside")
    for name in (*inside, *outside):
        if name not in PLACES:
            raise MatchError(f"`{name}` is no place; there are {', '.join(PLACES)}")

    def fits(scope: Scope) -> bool:
        return (not inside or any(PLACES[name](scope) for name in inside)) and not any(PLACES[name](scope) for name in outside)

    return fits


def _keyword_fits(call: Call, path: str, fits: Callable[[Any], bool]) -> bool:
    first, *rest = path.split(".")
    value: Expression | None = call.keywords.get(first)
    for part in rest:
        value = call.module.follow(value) if value is not None else None
        value = value.get(part) if isinstance(value, Dictionary) else None
    if value is None:
        return False
    value = call.module.follow(value)
    return isinstance(value, Constant) and fits(value.value)


def _on_assignment(table: Mapping[str, Any], message: str) -> _Made:
    names = _texts(table, "assignment")
    wanted = frozenset(name.lower() for name in names)
    fits = value_test(table["value"], exact=True) if "value" in table else None
    around = _around(table)

    def function(assignment: Assignment) -> Iterator[Diagnostic]:
        if assignment.kind == "compare" or assignment.target.lower() not in wanted or not around(assignment.scope):
            return
        value = assignment.module.follow(assignment.value)
        if fits is not None and not (isinstance(value, Constant) and fits(value.value)):
            return
        yield Diagnostic(assignment, message.replace("{assignment}", assignment.qualified or assignment.target))

    return (every(Assignment),), tuple((name.lower(),) for name in names), function


def _on_command(table: Mapping[str, Any], message: str) -> _Made:
    given, without = table.get("flag", []), _texts(table, "without")
    values = {name: value_test(wanted) for name, wanted in given.items()} if isinstance(given, Mapping) else {}
    flags = list(values) if isinstance(given, Mapping) else _texts(table, "flag")
    long_running = table.get("long_running")
    if not isinstance(long_running, (bool, type(None))):
        raise MatchError("`long_running` is true or false")

    def function(command: Command) -> Iterator[Diagnostic]:
        if long_running is not None and command.long_running is not long_running:
            return
        present = [name for name in flags if command.flag(name) != -1 and (name not in values or values[name](command.flag_value(name)))]
        index = command.flag(*present) if present else -1
        if (flags and index == -1) or (without and command.flag(*without) != -1):
            return
        words = message.replace("{command}", command.program).replace("{flag}", command.argv[index] if index >= 0 else "")
        place = ByteRange(command.source, *command.words[index]) if index >= 0 and index < len(command.words) else command
        yield Diagnostic(place, words)

    names = _texts(table, "command")
    return (commands(*names),), tuple((name.lower(), *((flags[0].lower(),) if len(flags) == 1 else ())) for name in names), function


def _on_setting(table: Mapping[str, Any], message: str) -> _Made:
    fits = value_test(table["value"]) if "value" in table else None

    def function(setting: Setting) -> Iterator[Diagnostic]:
        value = setting.value if setting.value is not None else setting.default
        if value is None or (fits is not None and not fits(value)):
            return
        yield Diagnostic(setting, message.replace("{setting}", setting.name).replace("{value}", value))

    return (settings(*_texts(table, "setting")),), (), function


def value_test(wanted: Any, exact: bool = False) -> Callable[[Any], bool]:
    """A test for a value: a literal, a list of values, "/regex/", "truthy", "falsy" or "empty".

    exact: the value is one of a programming language, so `False` is not `"false"`, and 0 is not False.
    """
    if not isinstance(wanted, (str, bool, int, float, list)) or wanted == []:
        raise MatchError(f"`{wanted}` is no value: there are texts, numbers, true and false, and lists of them")
    if isinstance(wanted, list):
        tests = [value_test(item, exact) for item in wanted]
        return lambda value: any(test(value) for test in tests)
    if wanted == "truthy":
        return lambda value: str(value).strip().lower() in TRUTHY
    if wanted == "falsy":
        return lambda value: str(value).strip().lower() in FALSY
    if wanted == "empty":
        return lambda value: value is None or str(value).strip() == ""
    if isinstance(wanted, str) and len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        pattern = _pattern(wanted[1:-1])
        return lambda value: regexes.search(pattern, str(value)) is not None
    if exact:
        return lambda value: type(value) is type(wanted) and bool(value == wanted)
    if isinstance(wanted, bool):
        return lambda value: value is wanted or str(value).lower() == str(wanted).lower()
    return lambda value: str(value) == str(wanted)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return regexes.compiled(text)
    except regexes.Refused as error:
        raise MatchError(str(error)) from None


def _on_entry(table: Mapping[str, Any], message: str) -> _Made:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _DOCUMENTS:
        raise MatchError(f"a match on `entry` needs `kind`, one of {', '.join(_DOCUMENTS)}")
    fits = value_test(table["value"]) if "value" in table else None
    without = _texts(table, "without")

    def function(entry: Entry) -> Iterator[Diagnostic]:
        if without and (entry.node.kind != "mapping" or any(name in entry.node.members for name in without)):
            return
        if fits is not None and (entry.node.kind != "scalar" or not fits(entry.node.value)):
            return
        yield Diagnostic(entry.node, message.replace("{entry}", entry.path).replace("{value}", entry.node.raw))

    paths = _texts(table, "entry")
    required_literals = tuple(tuple(part.lower() for part in path.split(".") if part.strip("*")) for path in paths)
    return (entries(kind, *paths),), required_literals if all(required_literals) else None, function


def _on_comment(table: Mapping[str, Any], message: str) -> _Made:
    pattern = _pattern(str(table["comment"]))
    literals = literals_of(str(table["comment"]))

    def function(comment: Comment) -> Iterator[Diagnostic]:
        found = regexes.search(pattern, comment.value)
        if found:
            yield Diagnostic(comment, message.replace("{comment}", comment.value[:80]))

    return (comments(),), tuple((literal,) for literal in literals) or None, function


def literals_of(pattern: str) -> list[str]:
    """Literal alternatives without which a simple pattern cannot match: of `\\b(TODO|FIXME)\\b` todo and fixme; [] where unknown."""
    text = pattern.replace("\\b", "").removeprefix("(?i)")
    if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
        text = text[1:-1].removeprefix("?:")
    parts = text.split("|")
    return [part.lower() for part in parts] if all(re.fullmatch(r"[\w -]+", part) for part in parts) else []


def _on_import(table: Mapping[str, Any], message: str) -> _Made:
    names = _texts(table, "import")

    def function(fact: Import) -> Iterator[Diagnostic]:
        if not fact.typing_only and any(fact.qualified == name or fact.qualified.startswith(name + ".") for name in names):
            yield Diagnostic(fact, message.replace("{import}", fact.qualified))

    return (every(Import),), tuple(tuple(part.lower() for part in name.split(".")) for name in names), function


_MAKERS: dict[str, Callable[[Mapping[str, Any], str], _Made]] = {
    "call": _on_call,
    "command": _on_command,
    "setting": _on_setting,
    "entry": _on_entry,
    "assignment": _on_assignment,
    "comment": _on_comment,
    "import": _on_import,
}
