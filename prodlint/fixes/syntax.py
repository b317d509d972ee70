"""Finding one's way in a Python file: the tree around a place, and the names that are bound there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import tree_sitter

from prodlint.fixes.work import Work
from prodlint.python.grammar import LANGUAGE

Node = tree_sitter.Node


@lru_cache(maxsize=8)
def root_of(data: bytes) -> Node:
    """The tree of a whole file."""
    return tree_sitter.Parser(LANGUAGE).parse(data).root_node


def node_at(work: Work) -> Node | None:
    """The smallest node over the place."""
    return root_of(work.source.data).descendant_for_byte_range(work.start, work.end)


def upwards(node: Node | None) -> Iterator[Node]:
    """The node and those around it, innermost first."""
    while node is not None:
        yield node
        node = node.parent


def text_of(node: Node | None) -> str:
    """The text of a node."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def statement_around(node: Node | None) -> Node | None:
    """The simple or compound statement that a node stands in."""
    for found in upwards(node):
        if found.parent is not None and found.parent.type in ("module", "block"):
            return found
    return None


def block_of(header: Node | None) -> Node | None:
    """The block of an `except`, `if`, `def` ..."""
    for child in reversed(header.children if header is not None else ()):
        if child.type == "block":
            return child
    return None


def identifiers(root: Node, name: str) -> Iterator[Node]:
    """Every use of a plain name: no attribute, no keyword of a call, no module that names are imported from."""
    wanted = name.encode()
    data = root.text or b""
    at = data.find(wanted)
    while at != -1:
        node = root.descendant_for_byte_range(root.start_byte + at, root.start_byte + at + len(wanted))
        if node is not None and node.type == "identifier" and node.text == wanted and not _is_label(node):
            yield node
        at = data.find(wanted, at + 1)


def _is_label(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "attribute":
        return parent.child_by_field_name("attribute") == node
    if parent.type == "dotted_name" and parent.parent is not None and parent.parent.type in ("import_from_statement", "relative_import"):
        return parent.parent.type == "relative_import" or parent.parent.child_by_field_name("module_name") == parent
    return parent.type == "keyword_argument" and parent.child_by_field_name("name") == node


def comments(data: bytes, start: int, end: int) -> Iterator[str]:
    """The comments that begin in a part of a file."""
    at = data.find(b"#", start, end)
    while at != -1:
        node = root_of(data).descendant_for_byte_range(at, at + 1)
        if node is not None and node.type == "comment" and node.start_byte == at:
            yield text_of(node)
            at = node.end_byte - 1
        at = data.find(b"#", at + 1, end)
