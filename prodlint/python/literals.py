"""Text and bytes literals of Python, and the roles they play."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tree_sitter

from prodlint.facts import Constant, Literal, LiteralRole, Module, Scope
from prodlint.python.grammar import children_of, field, kind

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_KEY, _INTERPOLATION, _CALL = field("key"), kind("interpolation"), kind("call")
_PASS_THROUGH = frozenset(
    kind(name)
    for name in ("parenthesized_expression", "concatenated_string", "binary_operator", "boolean_operator", "conditional_expression")
)
_BOUND: dict[str, LiteralRole] = {
    "assignment": "assignment",
    "keyword_argument": "keyword",
    "pair": "item",
    "default_parameter": "default",
    "typed_default_parameter": "default",
    "comparison_operator": "comparison",
}


class PyLiteral(Literal):
    """A literal."""

    __slots__ = ("of",)
    of: PyModule

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


def read_literal(module: PyModule, node: tree_sitter.Node) -> PyLiteral:
    """A string node as a fact."""
    made = PyLiteral(module.source, module.file, node.start_byte, node.end_byte)
    made.of = module
    expression = module.expression(node)
    if isinstance(expression, Constant):
        value = expression.value
        made.value = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    else:
        made.value = "".join(str(part.value) for part in expression.parts() if isinstance(part, Constant))
    made.role, made.name = _role(module, node)
    if made.role == "other" and any(child.kind_id == _INTERPOLATION for child in node.named_children):
        made.role = "fstring"
    return made


def _role(module: PyModule, node: tree_sitter.Node) -> tuple[LiteralRole, str]:
    """The role a literal plays, and the name it is bound to."""
    roles = module.roles
    passed: list[int] = []
    child, parent = node, node.parent
    # Remembered on the way: the literals of one long sum share the climb, which would be quadratic otherwise.
    while parent is not None and parent.kind_id in _PASS_THROUGH and parent.id not in roles:
        passed.append(parent.id)
        child, parent = parent, parent.parent
    found: tuple[LiteralRole, str] = ("other", "")
    if parent is not None:
        found = roles[parent.id] if parent.id in roles else _role_in(module, child, parent, node)
    roles.update(dict.fromkeys(passed, found))
    return found


def _role_in(module: PyModule, child: tree_sitter.Node, parent: tree_sitter.Node, node: tree_sitter.Node) -> tuple[LiteralRole, str]:
    sort = parent.type
    if sort == "expression_statement":
        holder = parent.parent
        first = holder is not None and next(iter(children_of(holder)), None) == parent
        inside = holder is not None and (
            holder.type == "module" or (holder.parent is not None and holder.parent.type.endswith("_definition"))
        )
        return ("docstring" if first and inside else "other"), ""
    if sort in _BOUND:
        if sort == "pair" and parent.child_by_field_id(_KEY) == child:
            return "key", ""
        for assignment in module.assignments_at(parent):
            if assignment.start <= node.start_byte < assignment.end:
                return _BOUND[sort], assignment.target
        return _BOUND[sort], ""
    if sort == "argument_list":
        call = parent.parent
        return "argument", module.name_of_call(call)[0] if call is not None and call.kind_id == _CALL else ""
    if sort in ("list", "tuple", "set", "expression_list"):
        outer, name = _role(module, parent)
        return "element", name if outer != "other" else ""
    if sort == "subscript":
        return "subscript", ""
    if sort == "return_statement":
        return "return", ""
    return "other", ""
