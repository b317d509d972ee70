"""What a function speaks of: the names and short texts in its header and body, whatever their layout."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from prodlint.facts import Attribute, Call, Constant, Expression, Function, Module, Name, expressions_in, statements_in

_LONGEST = 80


def words_of(function: Function) -> frozenset[str]:
    """Names (dotted as written, and each part), keywords, annotations, exceptions, whole numbers and short texts of a function."""
    kept = function.module.derived.setdefault("words of functions", {})
    assert isinstance(kept, dict)
    found = kept.get(function.start)
    if found is None:
        found = kept[function.start] = frozenset(_words(function))
    return found


class Subject(NamedTuple):
    """What a function may speak of. pattern: matches one of its words then. in_text: matches its text wherever a word may match. stems: in lower
    case, one of them stands in whatever matches. Both see comments too, so they only tell where words are worth a look."""

    pattern: re.Pattern[str]
    in_text: re.Pattern[bytes]
    stems: tuple[bytes, ...]


def speaks(function: Function, subject: Subject) -> bool:
    """Whether a function speaks of something."""
    found = _places_of(function.module, subject.stems)
    first = text_start(function)
    index = bisect_left(found, first)
    if index == len(found) or found[index] >= function.end or not subject.in_text.search(function.source.data, first, function.end):
        return False
    return any(subject.pattern.search(word) for word in words_of(function))


def _places_of(module: Module, stems: tuple[bytes, ...]) -> list[int]:
    """Where in a file the stems stand."""
    key = f"places of {stems[0]!r}"
    kept = module.derived.get(key)
    if kept is None:
        one_of_them = re.compile(b"|".join(map(re.escape, stems)))
        kept = module.derived[key] = [found.start() for found in one_of_them.finditer(module.source.data.lower())]
    assert isinstance(kept, list)
    return kept


def text_start(function: Function) -> int:
    """Where a function begins, its decorators included."""
    return min((function.start, *(decorator.start for decorator in function.decorators)))


def text_of(function: Function) -> bytes:
    """The bytes of a function, its decorators included."""
    return function.source.data[text_start(function) : function.end]


def _words(function: Function) -> Iterator[str]:
    for parameter in function.parameters:
        yield parameter.name
        if parameter.annotation:
            yield parameter.annotation
        if parameter.default is not None:
            yield from words_in(parameter.default)
    for decorator in function.decorators:
        yield from words_in(decorator)
    for expression in expressions_in(function.body, into_definitions=True):
        yield from _of(expression)
    for statement in statements_in(function.body, into_definitions=True):
        for handler in statement.handlers:
            yield from handler.types
        if statement.definition is not None:
            yield statement.definition.name


# Brackets around a name alone, and not those of a call.
_BRACKETS = re.compile(r"(?<![\w\])])\(\s*([\w.]+)\s*\)")


def plain_words(text: str, module: Module) -> str:
    """A piece of a module's text as patterns of names expect it: imported names that are called otherwise here by the last part of what they
    stand for, and no brackets around a name."""
    aliases = module.derived.get("aliases")
    if aliases is None:
        aliases = {alias: name.rpartition(".")[2] for alias, name in module.imports.items() if name.rpartition(".")[2] != alias}
        module.derived["aliases"] = aliases
    assert isinstance(aliases, dict)
    if any(alias in text for alias in aliases):
        text = re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda word: str(aliases.get(word[0], word[0])), text)
    while "(" in text and (plain := _BRACKETS.sub(r"\1", text)) != text:
        text = plain
    return text


def words_in(expression: Expression) -> Iterator[str]:
    """The same of an expression."""
    for part in expression.walk():
        yield from _of(part)


def _of(part: Expression) -> Iterator[str]:
    if isinstance(part, Name):
        yield part.source_text
        if "." in part.source_text:
            yield from part.source_text.split(".")
        if part.name != part.source_text:
            yield part.name.rpartition(".")[2]
    elif isinstance(part, Attribute):
        yield part.attribute
    elif isinstance(part, Call):
        yield part.method
        yield from part.keywords
    elif isinstance(part, Constant):
        if isinstance(part.value, str) and len(part.value) <= _LONGEST or type(part.value) is int:
            yield str(part.value)


def called_by(function: Function) -> Iterator[Function]:
    """The functions and methods of the same file that a function calls by name."""
    module = function.module
    by_name = _by_name(module)
    for expression in expressions_in(function.body):
        if isinstance(expression, Call):
            for other in by_name.get(expression.method, ()):
                if other.start != function.start and (other.class_ is None) == (expression.receiver is None):
                    yield other


def _by_name(module: Module) -> dict[str, list[Function]]:
    kept = module.derived.get("functions by name")
    if isinstance(kept, dict):
        return kept
    found: dict[str, list[Function]] = {}
    for function in module.functions():
        found.setdefault(function.name, []).append(function)
    module.derived["functions by name"] = found
    return found
