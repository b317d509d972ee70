"""What surrounds a place in a Python file: definitions, loops, conditions and handlers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import tree_sitter

from prodlint.facts import Guard, Scope
from prodlint.python.grammar import field, kind

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

BlockKind = Literal["def", "loop", "if", "except"]

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
        scope = Scope()
        names: list[str] = []
        guards: set[Guard] = set()
        block = self.innermost(offset)
        inside_function = False
        while block is not None:
            node = block.node
            if block.kind == "def":
                body = node.child_by_field_id(_BODY)
                if body is not None and body.start_byte <= offset:
                    if node.kind_id == _CLASS:
                        name = self.module.name_of(node)
                        names.append(name)
                        scope.class_ = scope.class_ or name
                    elif node.kind_id != _LAMBDA:
                        name = self.module.name_of(node)
                        names.append(name)
                        if not scope.function:
                            scope.function = name
                            scope.is_async = bool(node.children) and node.children[0].type == "async"
                    inside_function = True
            elif block.kind == "loop":
                body = node.child_by_field_id(_BODY)
                if not inside_function and body is not None and body.start_byte <= offset < body.end_byte:
                    scope.in_loop = True
                if node.kind_id == _WHILE and not inside_function:
                    scope.in_loop = True
            elif block.kind == "except":
                # A clause does not surround itself.
                if not inside_function and block.start < offset:
                    scope.in_handler = True
            elif block.kind == "if":
                consequence = node.child_by_field_id(_CONSEQUENCE)
                condition = node.child_by_field_id(_CONDITION)
                if consequence is not None and condition is not None:
                    within = consequence.start_byte <= offset < consequence.end_byte
                    guards |= _guards(self.module.plain(condition), within, offset >= consequence.end_byte)
            block = block.parent
        names.reverse()
        scope.symbol = ".".join(names)
        scope.guards = frozenset(guards)
        return scope


_ENVIRONMENT_WORDS = ("development", "dev", "local", "localhost", "test", "tests", "testing", "pytest", "unittest", "unittests")
_TAILS = ("is_dev", "is_development", "is_local", "is_test", "is_testing", "is_development()", "development")
_ELSEWHERE = ("is_development", "is_local", "is_testing", "in_development", "is_dev", "settings.testing", "under_test")


def _guards(condition: str, within: bool, after: bool) -> set[Guard]:
    """What an `if` says about the code under it (within) or in its other branch (after)."""
    found: set[Guard] = set()
    lowered = condition.lower()
    negated = lowered.startswith(("not ", "!")) or "!=" in lowered or " not in " in lowered or "is false" in lowered
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
