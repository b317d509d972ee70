"""Values bound to names in Python, in all their spellings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import tree_sitter

from prodlint.facts import Assignment, AssignmentKind, Constant, Expression, Module, Scope
from prodlint.python.expressions import read_text, string_value
from prodlint.python.grammar import children_of, field, kind, unwrapped
from prodlint.python.names import first_argument

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

# The kinds of nodes that bind or compare a value, and the query that finds them.
ASSIGNING = frozenset(
    (
        "assignment",
        "augmented_assignment",
        "default_parameter",
        "typed_default_parameter",
        "keyword_argument",
        "pair",
        "named_expression",
        "comparison_operator",
    )
)
ASSIGNMENTS = """
(assignment right: (_)) @assignment (augmented_assignment) @assignment (named_expression) @assignment (comparison_operator) @assignment
(default_parameter) @assignment (typed_default_parameter) @assignment (keyword_argument) @assignment (pair) @assignment
"""
# Those that bind a name that can be looked up later.
BINDING: frozenset[AssignmentKind] = frozenset(
    ("name", "attribute", "subscript", "annotated", "augmented", "field", "unpacked", "unpacked-part", "walrus")
)

_LEFT, _RIGHT, _TYPE, _NAME, _VALUE, _KEY = field("left"), field("right"), field("type"), field("name"), field("value"), field("key")
_STRINGS = frozenset((kind("string"), kind("concatenated_string")))
_STRING = kind("string")
_NAMES = frozenset((kind("identifier"), kind("attribute")))
_SEVERAL = frozenset(kind(name) for name in ("pattern_list", "tuple_pattern", "list_pattern", "tuple"))
_VALUES = frozenset(kind(name) for name in ("expression_list", "tuple", "list"))
_ASSIGNMENT, _SUBSCRIPT, _CALL = kind("assignment"), kind("subscript"), kind("call")


class PyAssignment(Assignment):
    """An assignment whose value is read when asked for."""

    __slots__ = ("of", "right")
    of: PyModule
    right: tree_sitter.Node

    @property
    def value(self) -> Expression:
        return self.of.expression(self.right)

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


def assignments_at(module: PyModule, node: tree_sitter.Node) -> Iterator[PyAssignment]:
    """The assignments that a node of ASSIGNMENTS makes."""
    field = node.child_by_field_id
    number = node.type
    if number == "assignment":
        left, right = field(_LEFT), field(_RIGHT)
        while right is not None and right.kind_id == _ASSIGNMENT:
            right = right.child_by_field_id(_RIGHT)
        if left is None or right is None:
            return
        annotation = field(_TYPE)
        if annotation is not None:
            yield from _bind(module, left, right, "annotated", module.plain(annotation))
        else:
            yield from _bind(module, left, right, "name", "")
    elif number == "augmented_assignment":
        left, right = field(_LEFT), field(_RIGHT)
        if left is not None and right is not None:
            yield from _bind(module, left, right, "augmented", "")
    elif number in ("default_parameter", "typed_default_parameter"):
        name, value = field(_NAME), field(_VALUE)
        annotation = field(_TYPE)
        if name is not None and value is not None:
            yield _made(module, name, value, "default", module.read(name), module.plain(annotation) if annotation is not None else "")
    elif number == "keyword_argument":
        name, value = field(_NAME), field(_VALUE)
        if name is not None and value is not None:
            yield _made(module, name, value, "keyword", module.read(name), "")
    elif number == "pair":
        key, value = field(_KEY), field(_VALUE)
        if key is not None and value is not None:
            bare = unwrapped(key)
            if bare.kind_id in _STRINGS:
                constant = read_text(module, bare)
                text = constant.value if isinstance(constant, Constant) else None
                if isinstance(text, str):
                    yield _made(module, key, value, "item", text, "")
            elif bare.kind_id in _NAMES:
                yield _made(module, key, value, "item", module.dotted(bare) or module.read(bare), "")
    elif number == "named_expression":
        name, value = field(_NAME), field(_VALUE)
        if name is not None and value is not None:
            yield _made(module, name, value, "walrus", module.read(name), "")
    elif number == "comparison_operator":
        parts = children_of(node)
        words = [child.type for child in node.children if not child.is_named]
        if len(parts) == 2 and words in (["=="], ["!="]):
            left, right = parts
            if unwrapped(left).kind_id in _STRINGS:
                left, right = right, left
            yield from _bind(module, unwrapped(left), right, "compare", "")


def _bind(
    module: PyModule, left: tree_sitter.Node, right: tree_sitter.Node, kind: AssignmentKind, annotation: str
) -> Iterator[PyAssignment]:
    if left.kind_id in _SEVERAL:
        targets = children_of(left)
        bare = unwrapped(right)
        values = children_of(bare) if bare.kind_id in _VALUES else []
        if len(targets) == len(values):
            for target, value in zip(targets, values, strict=True):
                yield from _bind(module, target, value, "unpacked" if kind != "compare" else kind, annotation)
        else:
            for target in targets:
                name = module.dotted(target)
                if name:
                    yield _made(module, target, right, "unpacked-part", name, annotation)
        return
    if left.kind_id == _SUBSCRIPT:
        keys = left.children_by_field_name("subscript")
        holder = left.child_by_field_id(_VALUE)
        if len(keys) == 1 and holder is not None:
            key = _key(module, unwrapped(keys[0]))
            words = module.dotted(holder) or module.plain(holder)
            yield _made(module, left, right, kind if kind == "compare" else "subscript", f"{words}[{key}]", annotation, key)
        return
    if left.kind_id == _CALL and kind == "compare":
        yield _made(module, left, right, kind, module.plain(left), annotation, _compared(module, left))
        return
    written = module.dotted(left)
    if not written:
        return
    if kind in ("name", "annotated"):
        if "." in written:
            kind = "attribute"
        else:
            block = module.scopes.definition(left.start_byte)
            if block is not None and block.is_class:
                kind = "field"
    yield _made(module, left, right, kind, written, annotation)


def _key(module: PyModule, node: tree_sitter.Node) -> str:
    """The key of `config["password"]`: its text; of a name, the name."""
    if node.kind_id in _STRINGS:
        constant = read_text(module, node)
        if isinstance(constant, Constant) and isinstance(constant.value, str):
            return constant.value
    return module.plain(node)


def _compared(module: PyModule, call: tree_sitter.Node) -> str:
    """The name in `request.headers.get("X-Token") == "..."`."""
    first = first_argument(call)
    if first is not None and unwrapped(first).kind_id == _STRING:
        value = string_value(module, unwrapped(first))
        return value if isinstance(value, str) else ""
    return module.name_of_call(call)[0].rsplit(".", 1)[-1]


def _made(
    module: PyModule,
    left: tree_sitter.Node,
    right: tree_sitter.Node,
    kind: AssignmentKind,
    qualified: str,
    annotation: str,
    target: str = "",
) -> PyAssignment:
    start, end = min(left.start_byte, right.start_byte), max(left.end_byte, right.end_byte)
    made = PyAssignment(module.source, module.file, start, end)
    made.of, made.right = module, right
    made.kind, made.qualified, made.annotation = kind, qualified, annotation
    made.target = target or qualified.rsplit(".", 1)[-1]
    return made
