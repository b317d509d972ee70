"""The match language: the `[[match]]` tables of a page become checks. It is closed: what outgrows it is a check in code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prodlint.checks import ByteRange, Check, CheckContext, Diagnostic, Subscription, calls, commands, comments, entries, every, settings
from prodlint.facts import Call, Command, Comment, Constant, Dictionary, Entry, Expression, Import, Setting
from prodlint.values.truth import FALSY, TRUTHY

KEYS = {
    "call": {"without", "with"},
    "command": {"flag", "without"},
    "setting": {"value"},
    "entry": {"kind", "value"},
    "comment": set(),
    "import": set(),
}
EVERYWHERE = {"in", "not_in", "message"}


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
    inside, outside = frozenset(_texts(table, "in")), frozenset(_texts(table, "not_in"))
    make = _MAKERS[subject]
    subscriptions, required_literals, function = make(table, words)

    def run(fact: Any, context: CheckContext) -> Iterator[Diagnostic]:
        roles = context.file.roles
        if (inside and not roles & inside) or roles & outside:
            return
        yield from function(fact)

    return Check(code, run, subscriptions, required_literals, ())


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
    pairs = list(_flat(given))

    def function(call: Call) -> Iterator[Diagnostic]:
        if without and (call.stars or any(name in call.keywords for name in without)):
            return
        for path, wanted in pairs:
            if not _keyword_equals(call, path, wanted):
                return
        yield Diagnostic(call, message.replace("{call}", call.name))

    return (calls(*_texts(table, "call")),), (), function


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _keyword_equals(call: Call, path: str, wanted: Any) -> bool:
    first, *rest = path.split(".")
    value: Expression | None = call.keywords.get(first)
    for part in rest:
        value = call.module.follow(value) if value is not None else None
        value = value.get(part) if isinstance(value, Dictionary) else None
    if value is None:
        return False
    value = call.module.follow(value)
    return isinstance(value, Constant) and type(value.value) is type(wanted) and bool(value.value == wanted)


def _on_command(table: Mapping[str, Any], message: str) -> _Made:
    flags, without = _texts(table, "flag"), _texts(table, "without")

    def function(command: Command) -> Iterator[Diagnostic]:
        index = command.flag(*flags) if flags else -1
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


def value_test(wanted: Any) -> Callable[[Any], bool]:
    """A test for a value: a literal, a list of literals, "/regex/", "truthy", "falsy" or "empty"."""
    if isinstance(wanted, list):
        tests = [value_test(item) for item in wanted]
        return lambda value: any(test(value) for test in tests)
    if wanted == "truthy":
        return lambda value: str(value).strip().lower() in TRUTHY
    if wanted == "falsy":
        return lambda value: str(value).strip().lower() in FALSY
    if wanted == "empty":
        return lambda value: value is None or str(value).strip() == ""
    if isinstance(wanted, str) and len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        pattern = _pattern(wanted[1:-1])
        return lambda value: pattern.search(str(value)) is not None
    if isinstance(wanted, bool):
        return lambda value: value is wanted or str(value).lower() == str(wanted).lower()
    return lambda value: str(value) == str(wanted)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise MatchError(f"`{text}` is no regular expression: {error}") from None


def _on_entry(table: Mapping[str, Any], message: str) -> _Made:
    kind = table.get("kind")
    if not isinstance(kind, str):
        raise MatchError("a match on `entry` needs `kind`")
    fits = value_test(table["value"]) if "value" in table else None

    def function(entry: Entry) -> Iterator[Diagnostic]:
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
        found = pattern.search(comment.value)
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
    "comment": _on_comment,
    "import": _on_import,
}
