"""What a function speaks of: the names and short texts in its header and body, whatever their layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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


def speaks(function: Function, pattern: re.Pattern[str], stems: Sequence[bytes]) -> bool:
    """Whether one of the words of a function matches. stems: in lower case, one of them is in whatever matches; the words are looked
    up only where one stands in the function's text, be it in a comment."""
    text = text_of(function).lower()
    if not any(stem in text for stem in stems):
        return False
    return any(pattern.search(word) for word in words_of(function))


def text_of(function: Function) -> bytes:
    """The bytes of a function, its decorators included."""
    first = min((function.start, *(decorator.start for decorator in function.decorators)))
    return function.source.data[first : function.end]


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
