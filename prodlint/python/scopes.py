"""What surrounds a place in a Python file: definitions, loops, conditions and handlers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import tree_sitter

from prodlint.facts import NO_SCOPE, Guard, Scope
from prodlint.python.grammar import field, kind

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

BlockKind = Literal["def", "loop", "if", "except"]
Part = Literal["head", "body", "after"]

_BODY, _CONSEQUENCE, _CONDITION = field("body"), field("consequence"), field("condition")
_CLASS, _LAMBDA, _WHILE, _FUNCTION = kind("class_definition"), kind("lambda"), kind("while_statement"), kind("function_definition")


class Block:
    """A definition, loop, condition or handler: what `Scope` is made of."""

    __slots__ = ("end", "kind", "node", "parent", "start")

    def __init__(self, start: int, end: int, kind: BlockKind, node: tree_sitter.Node, parent: Block | None) -> None:
        self.start = start
        self.end = end
        self.kind = kind
        self.node = node
        self.parent = parent

    @property
    def is_class(self) -> bool:
        """Whether it is a class's."""
        return self.node.kind_id == _CLASS

    @property
    def is_function(self) -> bool:
        """Whether it is that of a `def`."""
        return self.node.kind_id == _FUNCTION


class Scopes:
    """The blocks of a file, and what they say about an offset."""

    def __init__(self, module: PyModule, found: Mapping[BlockKind, Sequence[tree_sitter.Node]]) -> None:
        self.module = module
        raw = [(node.start_byte, -node.end_byte, sort, node) for sort, nodes in found.items() for node in nodes]
        raw.sort(key=lambda item: (item[0], item[1]))
        blocks: list[Block] = []
        stack: list[Block] = []
        for start, minus_end, sort, node in raw:
            while stack and stack[-1].end <= start:
                stack.pop()
            block = Block(start, -minus_end, sort, node, stack[-1] if stack else None)
            blocks.append(block)
            stack.append(block)
        self.blocks = blocks
        self.starts = [block.start for block in blocks]
        self._scopes: dict[tuple[int, Part], Scope] = {}

    def innermost(self, offset: int) -> Block | None:
        """The innermost block around an offset."""
        index = bisect_right(self.starts, offset) - 1
        block = self.blocks[index] if index >= 0 else None
        while block is not None and not block.start <= offset < block.end:
            block = block.parent
        return block

    def definition(self, offset: int) -> Block | None:
        """The innermost definition around an offset, a lambda included."""
        block = self.innermost(offset)
        while block is not None and block.kind != "def":
            block = block.parent
        return block

    def at(self, offset: int) -> Scope:
        """What surrounds a byte offset. A definition does not surround its own name, decorators or parameters' annotations."""
        block = self.innermost(offset)
        return self._within(block, offset) if block is not None else NO_SCOPE

    def _within(self, block: Block, offset: int) -> Scope:
        """What surrounds an offset whose innermost block is this one: the same for all places in the same part of it."""
        part = _part(block, offset)
        known = self._scopes.get((block.start, part))
        if known is None:
            # A block lies in one part of the one around it, so what surrounds its start surrounds all of it.
            outer = self._within(block.parent, block.start) if block.parent is not None else NO_SCOPE
            known = self._scopes[block.start, part] = self._inside(block, part, outer)
        return known

    def _inside(self, block: Block, part: Part, outer: Scope) -> Scope:
        """The scope of a part of a block, given the scope around the block."""
        node = block.node
        if block.kind == "def":
            if part != "body":
                return outer
            # What the loops and handlers around a definition do, its body does not.
            inner = replace(outer, in_loop=False, in_handler=False)
            if node.kind_id == _LAMBDA:
                return inner
            name = self.module.name_of(node)
            symbol = f"{outer.symbol}.{name}" if outer.symbol else name
            if node.kind_id == _CLASS:
                return replace(inner, symbol=symbol, class_=name)
            return replace(inner, symbol=symbol, function=name, is_async=bool(node.children) and node.children[0].type == "async")
        if block.kind == "loop":
            return replace(outer, in_loop=True) if part == "body" or node.kind_id == _WHILE else outer
        if block.kind == "except":
            return replace(outer, in_handler=True) if part == "body" else outer
        condition = node.child_by_field_id(_CONDITION)
        if part == "head" or condition is None:
            return outer
        guards = _guards(self.module.plain(condition), part == "body", part == "after")
        return replace(outer, guards=outer.guards | guards) if guards else outer


def _part(block: Block, offset: int) -> Part:
    """Which part of a block an offset lies in."""
    node = block.node
    if block.kind == "except":
        return "body" if block.start < offset else "head"  # a clause does not surround itself
    body = node.child_by_field_id(_CONSEQUENCE if block.kind == "if" else _BODY)
    if body is None or offset < body.start_byte:
        return "head"
    return "body" if offset < body.end_byte or block.kind == "def" else "after"


_ENVIRONMENT_WORDS = ("development", "dev", "local", "localhost", "test", "tests", "testing", "pytest", "unittest", "unittests")
_TAILS = ("is_dev", "is_development", "is_local", "is_test", "is_testing", "is_development()", "development")
_ELSEWHERE = ("is_development", "is_local", "is_testing", "in_development", "is_dev", "settings.testing", "under_test")

_PRODUCTION = re.compile(r"(?:^|[^a-z])prod(?:uction)?(?:[^a-z]|$)")


def _guards(condition: str, within: bool, after: bool) -> set[Guard]:
    """What an `if` says about the code under it (within) or in its other branch (after)."""
    found: set[Guard] = set()
    lowered = condition.lower()
    negated = lowered.startswith(("not ", "!")) or "!=" in lowered or " not in " in lowered or "is false" in lowered
    if (within and negated or after and not negated) and _PRODUCTION.search(lowered):
        found.add("not-production")
    applies = (within and not negated) or (after and negated)
    if not applies:
        return found
    if "__name__" in lowered and "__main__" in lowered:
        found.add("main")
    if "type_checking" in lowered:
        found.add("type-checking")
    if "debug" in lowered:
        found.add("debug")
    if any(word in lowered for word in ("env", "mode", "stage")):
        quoted = lowered.replace('"', "'").split("'")[1::2]
        words = {word for text in quoted for word in text.replace("-", " ").replace("_", " ").split()}
        tail = lowered.rsplit(".", 1)[-1]
        if words & set(_ENVIRONMENT_WORDS) or tail in _TAILS:
            found.add("environment")
    if any(word in lowered for word in _ELSEWHERE):
        found.add("environment")
    return found
