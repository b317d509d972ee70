"""Calls, handlers, functions and classes of Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import tree_sitter

from prodlint.facts import Call, Class, Expression, Function, Handler, Module, Parameter, ParameterKind, Scope, Statement
from prodlint.python.expressions import opaque
from prodlint.python.grammar import children_of, field, first_child, kind, lazy, unwrapped
from prodlint.python.statements import block_in

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_FUNCTION, _ARGUMENTS, _NAME, _VALUE, _OBJECT, _ATTRIBUTE = (
    field("function"), field("arguments"), field("name"), field("value"), field("object"), field("attribute"),
)  # fmt: skip
_BODY, _TYPE, _ALIAS, _RETURN, _PARAMETERS, _BASES = (
    field("body"), field("type"), field("alias"), field("return_type"), field("parameters"), field("superclasses"),
)  # fmt: skip
_ARGUMENT_LIST, _KEYWORD, _SPLAT, _DOUBLE_SPLAT = (
    kind("argument_list"),
    kind("keyword_argument"),
    kind("list_splat"),
    kind("dictionary_splat"),
)
_ATTRIBUTE_NODE, _IDENTIFIER, _AWAIT, _PARENTHESES = kind("attribute"), kind("identifier"), kind("await"), kind("parenthesized_expression")
_AS, _EXCEPT, _FINALLY, _DECORATED, _DECORATOR, _CLASS = (
    kind("as_pattern"), kind("except_clause"), kind("finally_clause"), kind("decorated_definition"), kind("decorator"), kind("class_definition"),
)  # fmt: skip
_SEVERAL = frozenset(kind(name) for name in ("tuple", "list", "set"))
_STARRED: dict[int, ParameterKind] = {kind("list_splat_pattern"): "*", kind("dictionary_splat_pattern"): "**"}


class PyCall(Call):
    """A call whose parts are read when asked for."""

    node: tree_sitter.Node
    of: PyModule
    maker: tree_sitter.Node | None

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def _given(self) -> tuple[tuple[Expression, ...], dict[str, Expression]]:
        arguments: list[Expression] = []
        keywords: dict[str, Expression] = {}
        read = self.of.expression
        for child in self._written:
            if child.kind_id == _KEYWORD:
                name, value = child.child_by_field_id(_NAME), child.child_by_field_id(_VALUE)
                if name is not None and value is not None:
                    keywords[self.of.read(name)] = read(value)
            elif child.kind_id != _DOUBLE_SPLAT:
                arguments.append(read(child))
        partial = self._partial()
        if partial is not None:
            arguments[:0] = partial.arguments[1:]
            keywords = {**partial.keywords, **keywords}
        return tuple(arguments), keywords

    @lazy
    def _written(self) -> list[tree_sitter.Node]:
        """The nodes between its brackets; a bare generator is one of them."""
        holder = self.node.child_by_field_id(_ARGUMENTS)
        if holder is None:
            return []
        return children_of(holder) if holder.kind_id == _ARGUMENT_LIST else [holder]

    def _partial(self) -> PyCall | None:
        """The `functools.partial(...)` this call goes through."""
        if self.maker is None or self.maker.id == self.node.id or not self.of.names.is_partial(self.maker):
            return None
        called = self.node.child_by_field_id(_FUNCTION)
        function = self.maker.child_by_field_id(_FUNCTION)
        if called is None or function is None or self.of.plain(called) == self.of.plain(function):
            return None
        return self.of.call_at(self.maker)

    @property
    def function(self) -> Expression:
        callee = self.node.child_by_field_id(_FUNCTION)
        return self.of.expression(callee) if callee is not None else opaque(self.of, self.node, "error", 0)

    @property
    def receiver(self) -> Expression | None:
        callee = self.node.child_by_field_id(_FUNCTION)
        if callee is None or (callee := self.of.names.original(callee)).kind_id != _ATTRIBUTE_NODE:
            return None
        receiver = callee.child_by_field_id(_OBJECT)
        return self.of.expression(receiver) if receiver is not None else None

    @property
    def arguments(self) -> tuple[Expression, ...]:
        return self._given[0]

    @property
    def keywords(self) -> Mapping[str, Expression]:
        return self._given[1]

    @property
    def spreads(self) -> tuple[Expression, ...]:
        found = (first_child(child) for child in self._written if child.kind_id == _DOUBLE_SPLAT)
        return tuple(self.of.expression(node) for node in found if node is not None)

    @property
    def stars(self) -> bool:
        return any(child.kind_id in (_SPLAT, _DOUBLE_SPLAT) for child in self._written)

    @lazy
    def awaited(self) -> bool:
        around = self.node.parent
        while around is not None and around.kind_id == _PARENTHESES:
            around = around.parent
        return around is not None and around.kind_id == _AWAIT

    @property
    def is_imported(self) -> bool:
        return self.of.names.is_imported(self.node)

    @property
    def constructor(self) -> Call | None:
        # A partial makes no receiver: it is the function that is called.
        return self.of.call_at(self.maker) if self.maker is not None and self._partial() is None else None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


def read_call(module: PyModule, node: tree_sitter.Node) -> PyCall:
    """A call node as a fact."""
    made = PyCall(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of = node, module
    made.name, made.maker = module.names.of_call(node)
    last = made.name.rpartition(".")[2]
    if last[-1:] in (">", "]", ""):
        # Nothing that has a name; what is written is all there is.
        function = node.child_by_field_id(_FUNCTION)
        if function is not None and function.kind_id == _ATTRIBUTE_NODE:
            # Its last part alone: in a chain of calls, or in broken code, the rest is all that stands before.
            function = function.child_by_field_id(_ATTRIBUTE) or function
        last = module.plain(function).rpartition(".")[2] if function is not None else ""
    made.method = last
    return made


class PyHandler(Handler):
    """An except clause."""

    node: tree_sitter.Node
    of: PyModule

    @lazy
    def body(self) -> tuple[Statement, ...]:
        return self.of.block(block_in(self.node))

    @lazy
    def tried(self) -> tuple[Statement, ...]:
        statement = self.node.parent
        return self.of.block(statement.child_by_field_id(_BODY)) if statement is not None else ()

    @lazy
    def finalbody(self) -> tuple[Statement, ...]:
        statement = self.node.parent
        for child in statement.named_children if statement is not None else ():
            if child.kind_id == _FINALLY:
                return self.of.block(block_in(child))
        return ()

    @property
    def above(self) -> tuple[Handler, ...]:
        before = self.node.prev_named_sibling
        found: list[Handler] = []
        while before is not None:
            if before.kind_id == _EXCEPT:
                found.append(self.of.handler_at(before))
            before = before.prev_named_sibling
        return tuple(reversed(found))

    @property
    def function(self) -> Function | None:
        block = self.of.scopes.innermost(self.start)
        while block is not None:
            if block.kind == "def" and block.is_function:
                return self.of.function_at(block.node)
            block = block.parent
        return None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


def read_handler(module: PyModule, node: tree_sitter.Node) -> PyHandler:
    """An except clause as a fact."""
    made = PyHandler(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of = node, module
    made.alias = ""
    made.star = any(child.type in ("*", "except*") for child in node.children)
    types: list[str] = []
    for value in node.children_by_field_name("value"):
        inner: tree_sitter.Node | None = value
        if value.kind_id == _AS:
            alias = value.child_by_field_id(_ALIAS)
            made.alias = module.read(alias) if alias is not None else ""
            inner = first_child(value)
        if inner is not None:
            inner = unwrapped(inner)
            types.extend(module.names.exception(one) for one in (children_of(inner) if inner.kind_id in _SEVERAL else [inner]))
    alias = node.child_by_field_id(_ALIAS)
    if alias is not None:
        made.alias = module.read(alias)
    made.types = tuple(types)
    return made


def _decorators(module: PyModule, definition: tree_sitter.Node) -> tuple[Expression, ...]:
    parent = definition.parent
    if parent is None or parent.kind_id != _DECORATED:
        return ()
    found = (first_child(child) for child in parent.named_children if child.kind_id == _DECORATOR)
    return tuple(module.expression(node) for node in found if node is not None)


class PyFunction(Function):
    """A function definition."""

    node: tree_sitter.Node
    of: PyModule

    @lazy
    def decorators(self) -> tuple[Expression, ...]:
        return _decorators(self.of, self.node)

    @lazy
    def parameters(self) -> tuple[Parameter, ...]:
        holder = self.node.child_by_field_id(_PARAMETERS)
        found: list[Parameter] = []
        for child in children_of(holder) if holder is not None else ():
            name: tree_sitter.Node | None = child.child_by_field_id(_NAME) or child
            value = child.child_by_field_id(_VALUE)
            annotation = child.child_by_field_id(_TYPE)
            if name is not None and name.type == "typed_parameter":
                name = first_child(name)
            starred = _STARRED.get(name.kind_id, "") if name is not None else ""
            if name is not None and starred:
                name = first_child(name) or name
            if name is not None and name.kind_id == _IDENTIFIER:
                words = self.of.plain(annotation) if annotation is not None else ""
                found.append(Parameter(self.of.read(name), words, self.of.expression(value) if value is not None else None, starred))
        return tuple(found)

    @property
    def returns(self) -> str:
        node = self.node.child_by_field_id(_RETURN)
        return self.of.plain(node) if node is not None else ""

    @lazy
    def body(self) -> tuple[Statement, ...]:
        return self.of.block(self.node.child_by_field_id(_BODY))

    @property
    def class_(self) -> Class | None:
        block = self.of.scopes.innermost(self.start)
        block = block.parent if block is not None and block.node.id == self.node.id else block
        while block is not None and block.kind != "def":
            block = block.parent
        return self.of.class_at(block.node) if block is not None and block.is_class else None

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


class PyClass(Class):
    """A class definition."""

    node: tree_sitter.Node
    of: PyModule

    @lazy
    def _given(self) -> list[tree_sitter.Node]:
        holder = self.node.child_by_field_id(_BASES)
        return children_of(holder) if holder is not None else []

    @lazy
    def bases(self) -> tuple[str, ...]:
        return tuple(self.of.qualified(child)[0] for child in self._given if child.kind_id != _KEYWORD)

    @lazy
    def keywords(self) -> Mapping[str, Expression]:
        found: dict[str, Expression] = {}
        for child in self._given:
            name, value = child.child_by_field_id(_NAME), child.child_by_field_id(_VALUE)
            if child.kind_id == _KEYWORD and name is not None and value is not None:
                found[self.of.read(name)] = self.of.expression(value)
        return found

    @lazy
    def decorators(self) -> tuple[Expression, ...]:
        return _decorators(self.of, self.node)

    @lazy
    def body(self) -> tuple[Statement, ...]:
        return self.of.block(self.node.child_by_field_id(_BODY))

    @property
    def module(self) -> Module:
        return self.of

    @property
    def scope(self) -> Scope:
        return self.of.scope_at(self.start)


def read_function(module: PyModule, node: tree_sitter.Node) -> PyFunction:
    """A function definition as a fact."""
    made = PyFunction(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of = node, module
    made.name = module.name_of(node)
    made.is_async = bool(node.children) and node.children[0].type == "async"
    return made


def read_class(module: PyModule, node: tree_sitter.Node) -> PyClass:
    """A class definition as a fact."""
    made = PyClass(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of = node, module
    made.name = module.name_of(node)
    return made
