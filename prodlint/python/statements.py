"""Statements of Python, made when asked for and once each: a block is read when somebody looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tree_sitter

from prodlint.facts import Assignment, Class, Expression, Function, Handler, Statement, StatementKind
from prodlint.python.grammar import DEPTH_LIMIT, children_of, field, first_child, kind, lazy

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_LEFT, _RIGHT, _BODY, _CONDITION, _CONSEQUENCE = field("left"), field("right"), field("body"), field("condition"), field("consequence")
_VALUE, _ALIAS, _SUBJECT, _DEFINITION = field("value"), field("alias"), field("subject"), field("definition")
_PATTERN, _GUARD, _TYPE = kind("case_pattern"), field("guard"), field("type")
_BLOCK, _ELSE, _FINALLY, _CASE = kind("block"), kind("else_clause"), kind("finally_clause"), kind("case_clause")
_EXCEPT = frozenset((kind("except_clause"),))
_WITH_CLAUSE, _AS, _CLASS, _DECORATED = kind("with_clause"), kind("as_pattern"), kind("class_definition"), kind("decorated_definition")
_ASSIGNMENTS = frozenset((kind("assignment"), kind("augmented_assignment")))

_KINDS: dict[int, StatementKind] = {
    kind("expression_statement"): "expression",
    kind("return_statement"): "return",
    kind("raise_statement"): "raise",
    kind("if_statement"): "if",
    kind("elif_clause"): "if",
    kind("for_statement"): "for",
    kind("while_statement"): "while",
    kind("try_statement"): "try",
    kind("with_statement"): "with",
    kind("function_definition"): "def",
    kind("decorated_definition"): "def",
    kind("class_definition"): "class",
    kind("pass_statement"): "pass",
    kind("continue_statement"): "continue",
    kind("break_statement"): "break",
    kind("import_statement"): "import",
    kind("import_from_statement"): "import",
    kind("future_import_statement"): "import",
    kind("assert_statement"): "assert",
    kind("delete_statement"): "delete",
    kind("global_statement"): "global",
    kind("nonlocal_statement"): "global",
    kind("match_statement"): "match",
}


class PyStatement(Statement):
    """A statement. following: the `elif` and `else` clauses behind an `elif`, which is read as a nested `if`."""

    node: tree_sitter.Node
    of: PyModule
    depth: int
    following: list[tree_sitter.Node] | None

    @lazy
    def _defined(self) -> tree_sitter.Node:
        """The definition itself, without its decorators."""
        if self.node.kind_id == _DECORATED:
            return self.node.child_by_field_id(_DEFINITION) or self.node
        return self.node

    @lazy
    def _assigned(self) -> tree_sitter.Node | None:
        return first_child(self.node) if self.kind == "assign" else None

    def _expression_in(self, number: int) -> tuple[Expression, ...]:
        found = self.node.child_by_field_id(number)
        return (self.of.expression(found),) if found is not None else ()

    @lazy
    def _items(self) -> list[tuple[tree_sitter.Node, tree_sitter.Node | None]]:
        """Of a `with`: what is entered, and what it is called. Brackets around several items may be a tuple to the grammar."""
        clause = next((child for child in self.node.named_children if child.kind_id == _WITH_CLAUSE), None)
        found: list[tuple[tree_sitter.Node, tree_sitter.Node | None]] = []
        for item in children_of(clause) if clause is not None else ():
            value = item.child_by_field_id(_VALUE) or first_child(item)
            listed = children_of(value) if value is not None and value.type == "tuple" else [value]
            for one in listed:
                if one is not None and one.kind_id == _AS:
                    alias = one.child_by_field_id(_ALIAS)
                    entered = first_child(one)
                    if entered is not None:
                        found.append((entered, first_child(alias) if alias is not None else None))
                elif one is not None:
                    found.append((one, None))
        return found

    @lazy
    def expressions(self) -> tuple[Expression, ...]:
        kind = self.kind
        if kind == "assign":
            value: tree_sitter.Node | None = self._assigned
            while value is not None and value.kind_id in _ASSIGNMENTS:
                value = value.child_by_field_id(_RIGHT)
            return (self.of.expression(value),) if value is not None else ()
        if kind in ("expression", "return", "assert", "delete", "raise"):
            return tuple(self.of.expression(child) for child in children_of(self.node))
        if kind in ("if", "while"):
            return self._expression_in(_CONDITION)
        if kind == "for":
            return self._expression_in(_RIGHT)
        if kind == "match":
            return self._expression_in(_SUBJECT)
        if kind == "with":
            return tuple(self.of.expression(entered) for entered, _ in self._items)
        return ()

    @lazy
    def targets(self) -> tuple[Expression, ...]:
        if self.kind == "assign":
            found: list[Expression] = []
            value: tree_sitter.Node | None = self._assigned
            while value is not None and value.kind_id in _ASSIGNMENTS:
                left = value.child_by_field_id(_LEFT)
                if left is not None:
                    found.append(self.of.expression(left))
                value = value.child_by_field_id(_RIGHT)
            return tuple(found)
        if self.kind == "for":
            return self._expression_in(_LEFT)
        if self.kind == "with":
            return tuple(self.of.expression(alias) for _, alias in self._items if alias is not None)
        return ()

    @lazy
    def body(self) -> tuple[Statement, ...]:
        if self.kind == "if":
            return self.of.block(self.node.child_by_field_id(_CONSEQUENCE), self.depth + 1)
        if self.kind in ("for", "while", "try", "with", "def", "class"):
            return self.of.block(self._defined.child_by_field_id(_BODY), self.depth + 1)
        return ()

    @lazy
    def orelse(self) -> tuple[Statement, ...]:
        if self.kind in ("if", "for", "while"):
            following = self.following if self.following is not None else self.node.children_by_field_name("alternative")
            return self._alternatives(following)
        if self.kind == "try":
            clause = next((child for child in self.node.named_children if child.kind_id == _ELSE), None)
            return self.of.block(clause.child_by_field_id(_BODY), self.depth + 1) if clause is not None else ()
        return ()

    def _alternatives(self, nodes: list[tree_sitter.Node]) -> tuple[Statement, ...]:
        if not nodes or self.depth > DEPTH_LIMIT:
            return ()
        first = nodes[0]
        if first.kind_id == _ELSE:
            return self.of.block(first.child_by_field_id(_BODY), self.depth + 1)
        nested = read_statement(self.of, first, self.depth + 1)
        nested.following = nodes[1:]
        return (nested,)

    @lazy
    def handlers(self) -> tuple[Handler, ...]:
        if self.kind != "try":
            return ()
        return tuple(self.of.handler_at(child) for child in self.node.named_children if child.kind_id in _EXCEPT)

    @lazy
    def finalbody(self) -> tuple[Statement, ...]:
        if self.kind != "try":
            return ()
        clause = next((child for child in self.node.named_children if child.kind_id == _FINALLY), None)
        return self.of.block(block_in(clause), self.depth + 1) if clause is not None else ()

    @lazy
    def _clauses(self) -> list[tree_sitter.Node]:
        body = self.node.child_by_field_id(_BODY) if self.kind == "match" else None
        return [child for child in body.named_children if child.kind_id == _CASE] if body is not None else []

    @lazy
    def cases(self) -> tuple[tuple[Statement, ...], ...]:
        return tuple(self.of.block(clause.child_by_field_id(_CONSEQUENCE), self.depth + 1) for clause in self._clauses)

    @lazy
    def patterns(self) -> tuple[Expression | None, ...]:
        return tuple(self._pattern(clause) for clause in self._clauses)

    def _pattern(self, clause: tree_sitter.Node) -> Expression | None:
        patterns = [child for child in clause.named_children if child.kind_id == _PATTERN]
        guarded = clause.child_by_field_id(_GUARD) is not None
        return self.of.expression(patterns[0]) if len(patterns) == 1 and not guarded else None

    @lazy
    def definition(self) -> Function | Class | None:
        if self.kind == "def":
            return self.of.function_at(self._defined)
        return self.of.class_at(self._defined) if self.kind == "class" else None

    @lazy
    def assignment(self) -> Assignment | None:
        return next(iter(self.of.assignments_at(self._assigned)), None) if self._assigned is not None else None

    @lazy
    def annotation(self) -> str:
        declared = self._assigned.child_by_field_id(_TYPE) if self._assigned is not None else None
        return self.of.plain(declared) if declared is not None else ""

    @lazy
    def is_async(self) -> bool:
        return self.kind in ("for", "with") and bool(self.node.children) and self.node.children[0].type == "async"


def block_in(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The block of an `except` or `finally` clause."""
    return next((child for child in node.named_children if child.kind_id == _BLOCK), None)


def read_statement(module: PyModule, node: tree_sitter.Node, depth: int) -> PyStatement:
    """The statement of a node."""
    kind: StatementKind = _KINDS.get(node.kind_id, "other")
    if kind == "expression":
        inner = first_child(node)
        if inner is not None and inner.kind_id in _ASSIGNMENTS:
            kind = "assign"
    elif kind == "def" and node.kind_id == _DECORATED:
        definition = node.child_by_field_id(_DEFINITION)
        if definition is not None and definition.kind_id == _CLASS:
            kind = "class"
    made = PyStatement(kind, node.start_byte, node.end_byte, module.source)
    made.node, made.of, made.depth, made.following = node, module, depth, None
    return made
