"""The grammar of Python: its language, kinds and fields by number, and the few ways in which the other modules walk a tree.

Comments and continued lines may stand between any two tokens. They are children of whatever they stand in, so nobody outside
of this module counts or indexes a node's children: `children_of` leaves them out, `unwrapped` takes redundant brackets away.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import tree_sitter

if TYPE_CHECKING:
    from functools import cached_property as lazy
else:

    class lazy:
        """`functools.cached_property` without its lock, which costs as much as the smaller properties (until Python 3.12)."""

        def __init__(self, made: Any) -> None:
            self.made = made
            self.name = made.__name__
            self.__doc__ = made.__doc__

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            found = instance.__dict__[self.name] = self.made(instance)
            return found


__all__ = ["DEPTH_LIMIT", "LANGUAGE", "captures", "children_of", "field", "first_child", "kind", "lazy", "nodes_at", "query", "unwrapped"]


def _language() -> object:
    """The grammar. Its package imports `importlib.resources` for queries that nobody asks for, a tenth of a run over one
    small file; so its extension module is loaded by itself, and the package where that fails."""
    package = PathFinder.find_spec("tree_sitter_python")
    inside = package.submodule_search_locations if package is not None else None
    binding = PathFinder.find_spec("tree_sitter_python._binding", inside) if inside is not None else None
    if binding is None or binding.loader is None:
        from tree_sitter_python import language

        return language()
    module = binding.loader.create_module(binding)
    if module is None:
        from tree_sitter_python import language

        return language()
    binding.loader.exec_module(module)
    return module.language()


LANGUAGE = tree_sitter.Language(_language())

# Deeper nesting than this is never written by hand; it becomes OpaqueExpression("deep") so that no input exhausts the stack.
DEPTH_LIMIT = 120


def kind(name: str) -> int:
    """The number of a kind of named node: comparing numbers costs half of comparing names."""
    number = LANGUAGE.id_for_node_kind(name, True)
    if number is None:
        raise LookupError(name)
    return int(number)


def field(name: str) -> int:
    """The number of a field of nodes."""
    number = LANGUAGE.field_id_for_name(name)
    if number is None:
        raise LookupError(name)
    return int(number)


_PARENTHESES = kind("parenthesized_expression")


def children_of(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """The named children that mean something: no comments, no continued lines."""
    return [child for child in node.named_children if not child.is_extra]


def first_child(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The first of them."""
    for child in node.named_children:
        if not child.is_extra:
            return child
    return None


def unwrapped(node: tree_sitter.Node) -> tree_sitter.Node:
    """A node without the brackets around it."""
    while node.kind_id == _PARENTHESES:
        inner = children_of(node)
        if len(inner) != 1:
            break
        node = inner[0]
    return node


_START = attrgetter("start_byte")


@cache
def query(text: str) -> tree_sitter.Query:
    """A compiled query."""
    made: tree_sitter.Query = tree_sitter.Query(LANGUAGE, text)
    return made


def captures(text: str, node: tree_sitter.Node) -> dict[str, list[tree_sitter.Node]]:
    """The nodes that a query finds at or under a node, by capture name, in document order."""
    found = tree_sitter.QueryCursor(query(text)).captures(node)
    for nodes in found.values():
        nodes.sort(key=_START)
    return found


def nodes_at(root: tree_sitter.Node, offsets: Sequence[int], kinds: frozenset[str]) -> list[tree_sitter.Node]:
    """The nodes of some kinds that one of the byte offsets lies in, in document order: a query would look at all others too."""
    found: dict[int, tree_sitter.Node] = {}
    for offset in offsets:
        cursor = root.walk()
        while cursor.goto_first_child_for_byte(offset) is not None:
            node = cursor.node
            if node is None or node.start_byte > offset:
                break
            if node.type in kinds:
                found[node.id] = node
    return sorted(found.values(), key=_extent)


def _extent(node: tree_sitter.Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte
