"""Python files -> facts, made only as far as the selected rules want them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Comment,
    Fact,
    File,
    Function,
    Handler,
    Import,
    Literal,
    Module,
    Route,
    Setting,
    Source,
)
from prodlint.python.assignments import ASSIGNING
from prodlint.python.grammar import field, kind, nodes_at, unwrapped
from prodlint.python.literals import read_literal
from prodlint.python.tree import PyModule, module_of
from prodlint.readers.python_routes import ROUTE_NAMES, route_of
from prodlint.readers.python_settings import settings_of

if TYPE_CHECKING:
    import tree_sitter

    from prodlint.readers.request import FactRequest


def read(source: Source, file: File, wanted: FactRequest) -> Iterator[Fact]:
    """The facts of a Python file, in order of kind and place."""
    module = module_of(source, file)
    if not module.names.follow(wanted.outside):
        # Somebody has asked for names before it was known what they stand for.
        del source.derived["module"]
        module = module_of(source, file)
        module.names.follow(wanted.outside)
    wanted.keep(module)
    kinds = wanted.kinds
    if Module in kinds:
        yield module
    if Import in kinds:
        yield from module.import_facts()
    if Comment in kinds:
        yield from _comments(module, wanted.near(Comment))
    if Assignment in kinds:
        yield from _assignments(module, wanted.near(Assignment))
    if Literal in kinds:
        yield from _literals(module, wanted.near(Literal))
    if Handler in kinds:
        for node in module.handlers():
            yield module.handler_at(node)
    if Function in kinds:
        yield from module.functions()
    if Class in kinds:
        yield from module.classes()
    if Call in kinds:
        yield from _calls(module, wanted)
    if Route in kinds:
        yield from _routes(module)
    if Setting in kinds:
        yield from settings_of(module)


_FUNCTION, _ATTRIBUTE_FIELD = field("function"), field("attribute")
_ATTRIBUTE, _IDENTIFIER = kind("attribute"), kind("identifier")
_COMMENT, _STRING = frozenset(("comment",)), frozenset(("string",))
# Above this many offsets the survey of the whole tree is the shorter way.
_MANY = 50


def _nodes(module: PyModule, offsets: Sequence[int] | None, kinds: frozenset[str], name: str) -> list[tree_sitter.Node]:
    """The nodes of some kinds, by the name that the survey has for them: those at the offsets, or all of them."""
    if offsets is not None and len(offsets) < _MANY and not module.is_surveyed:
        return nodes_at(module.root, offsets, kinds)
    return module.surveyed.get(name, [])


def _calls(module: PyModule, wanted: FactRequest) -> Iterator[Call]:
    """The calls whose names are wanted; what a call is made on is looked up only where its last part may be one of them."""
    for node in _named(module, wanted.last_parts):
        if wanted.call(module.name_of_call(node)[0]):
            yield module.call_at(node)


def _named(module: PyModule, last_parts: frozenset[str] | None) -> Iterator[tree_sitter.Node]:
    """The calls whose last name may be one of some, by what stands there; all of them for None."""
    other_names = module.other_names if last_parts is not None else frozenset()
    data = module.data
    for node in module.surveyed.get("call", ()):
        if last_parts is not None:
            function = node.child_by_field_id(_FUNCTION)
            if function is None:
                continue
            function = unwrapped(function)
            if function.kind_id == _ATTRIBUTE:
                function = function.child_by_field_id(_ATTRIBUTE_FIELD) or function
            if function.kind_id == _IDENTIFIER:
                last = data[function.start_byte : function.end_byte].decode("utf-8", "replace")
                if last not in last_parts and last not in other_names:
                    continue
        yield node


def holds(offsets: Sequence[int] | None, start: int, end: int) -> bool:
    """Whether one of the sorted offsets lies in the range; None stands for everywhere."""
    if offsets is None:
        return True
    index = bisect_left(offsets, start)
    return index < len(offsets) and offsets[index] < end


_LEFT_OUT = re.compile(rb"#[^\r\n]*")


def _comments(module: PyModule, offsets: Sequence[int] | None) -> Iterator[Comment]:
    for node in _nodes(module, offsets, _COMMENT, "comment"):
        if holds(offsets, node.start_byte, node.end_byte):
            fact = Comment(module.source, module.file, node.start_byte, node.end_byte)
            fact.value = module.read(node).lstrip("#").strip()
            yield fact
    for start, end in module.unparsed_comments:
        for comment in _LEFT_OUT.finditer(module.data, start, end):
            if holds(offsets, comment.start(), comment.end()):
                fact = Comment(module.source, module.file, comment.start(), comment.end())
                fact.value = comment[0].decode("utf-8", "replace").lstrip("#").strip()
                yield fact


def _assignments(module: PyModule, offsets: Sequence[int] | None) -> Iterator[Assignment]:
    for node in _nodes(module, offsets, ASSIGNING, "assignment"):
        if holds(offsets, node.start_byte, node.end_byte):
            for assignment in module.assignments_at(node):
                if holds(offsets, assignment.start, assignment.end):
                    yield assignment


def _literals(module: PyModule, offsets: Sequence[int] | None) -> Iterator[Literal]:
    for node in _nodes(module, offsets, _STRING, "string"):
        if holds(offsets, node.start_byte, node.end_byte):
            yield read_literal(module, node)


def _routes(module: PyModule) -> Iterator[Route]:
    for function in module.functions():
        for decorator in function.decorators:
            if isinstance(decorator, Call):
                route = route_of(decorator, function, module)
                if route is not None:
                    yield route
    for node in _named(module, ROUTE_NAMES):
        route = route_of(module.call_at(node), None, module)
        if route is not None:
            yield route
