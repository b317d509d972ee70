"""A Python file as a tree: parsed once with tree-sitter, and turned into the facts, statements and expressions of
`prodlint.facts` when somebody asks for them, each once.

Nothing here is made for the whole file unless a rule asks for it: a tree of 50,000 nodes costs 5 ms to parse and would
cost a hundred times that to copy into Python objects. What the names stand for is in `names`, what surrounds a place in
`scopes`, and what becomes of nodes in `expressions`, `statements`, `definitions` and `assignments`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

import tree_sitter

from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Expression,
    Fact,
    File,
    Function,
    Import,
    LiteralRole,
    Module,
    Name,
    Scope,
    Source,
    Statement,
)
from prodlint.python.assignments import ASSIGNMENTS, BINDING, PyAssignment, assignments_at
from prodlint.python.definitions import PyCall, PyClass, PyFunction, PyHandler, read_call, read_class, read_function, read_handler
from prodlint.python.expressions import read_expression, string_value
from prodlint.python.grammar import (
    DEPTH_LIMIT,
    captures,
    children_of,
    field,
    kind,
    unwrapped,
)
from prodlint.python.layout import canonical_text, is_laid_out
from prodlint.python.names import BINDS, BOUND, Names, Qualified
from prodlint.python.parsing import parsed
from prodlint.python.scopes import Block, BlockKind, Scopes
from prodlint.python.statements import block_in, read_statement

# What nearly every look at a file needs, found in one pass over the tree: imports, what scopes are made of, calls,
# texts, and what binds names.
# A pass costs what the tree is long, a pattern more in it next to nothing.
_SURVEY = f"""
[(import_statement) (import_from_statement) (future_import_statement)] @import
(function_definition) @def (class_definition) @def (lambda) @def
(for_statement) @loop (while_statement) @loop (if_statement) @if (elif_clause) @if (except_clause) @except
(call) @call (string) @string (comment) @comment (subscript) @subscript
{ASSIGNMENTS}
{BOUND}
{BINDS}
"""
_BLOCKS: tuple[BlockKind, ...] = ("def", "loop", "if", "except")

_NAME, _OBJECT, _ATTRIBUTE, _BODY, _CONSEQUENCE = field("name"), field("object"), field("attribute"), field("body"), field("consequence")
_ATTRIBUTE_NODE, _IDENTIFIER = kind("attribute"), kind("identifier")
_CALL, _PAIR, _KEYWORD, _KEY = kind("call"), kind("pair"), kind("keyword_argument"), field("key")
_START = attrgetter("start_byte")
# What gives a name of the code around it a value.
_GIVING = frozenset(("name", "annotated", "field", "walrus"))
# What gives a value to something that has no name of its own afterwards.
_UNBINDING = frozenset(
    kind(name) for name in ("keyword_argument", "pair", "comparison_operator", "default_parameter", "typed_default_parameter")
)

# `name = `, `name: type =` at the start of a line; `(name := `.
_BOUND_FIRST = re.compile(rb"[\n;:][ \t\f(]*([\w.\x80-\xff]+(?:[ \t\\]+[.][ \t]*[\w.\x80-\xff]+)*)[ \t)]*(?:\\\n[ \t]*)*(?::[^=\n]*)?=")
_BOUND_INSIDE = re.compile(rb"([\w\x80-\xff]+)[\s\\]*:=")


class PyModule(Module):
    """A parsed Python file."""

    __slots__ = (
        "_assigned",
        "_body",
        "_bound",
        "_by_class",
        "_calls",
        "_class_of",
        "_classes",
        "_constants",
        "_expressions",
        "_function_of",
        "_functions",
        "_handlers",
        "_local",
        "_made",
        "_names",
        "_scopes",
        "_statements",
        "_survey",
        "data",
        "derived",
        "roles",
        "root",
        "tree",
        "unparsed_comments",
    )

    def __init__(self, source: Source, file: File) -> None:
        super().__init__(source, file, 0, len(source.data))
        self.data = source.data
        self.derived: dict[str, object] = {}
        # By the id of a node: the role that the literals in it play, and the name they are bound to (see `literals`).
        self.roles: dict[int, tuple[LiteralRole, str]] = {}
        found = parsed(source)
        self.tree, self.unparsed_comments = found.tree, found.left_out
        self.root = self.tree.root_node
        self._names: Names | None = None
        # What was made of nodes, by their ids.
        self._expressions: dict[int, Expression] = {}
        self._made: dict[int, Statement] = {}
        self._handlers: dict[int, PyHandler] = {}
        self._function_of: dict[int, PyFunction] = {}
        self._class_of: dict[int, PyClass] = {}
        self._survey: dict[str, list[tree_sitter.Node]] | None = None
        self._scopes: Scopes | None = None
        self._statements: list[tree_sitter.Node] | None = None
        self._body: tuple[Statement, ...] | None = None
        self._bound: frozenset[str] | None = None
        self._functions: list[Function] | None = None
        self._classes: list[Class] | None = None
        self._calls: list[Call] | None = None
        self._assigned: dict[str, list[Assignment]] | None = None
        self._constants: dict[str, Expression | None] = {}
        self._by_class: dict[str, dict[str | None, list[Assignment]]] = {}
        self._local: dict[int, dict[str, list[Assignment]]] = {}

    def forget(self) -> None:
        """Let go of everything that was made of the tree: a file is done with, and its facts, which refer to each other in circles, are
        gone at once instead of waiting for the collector. What is asked of it later is made anew."""
        for kept in (self._expressions, self._made, self._handlers, self._function_of, self._class_of, self._constants, self._by_class):
            kept.clear()
        self._local.clear()
        self.roles.clear()
        self._survey = self._scopes = self._statements = self._body = self._bound = None
        self._functions = self._classes = self._calls = self._assigned = self._names = None
        evaluator = self.derived.pop("values", None)
        self.derived.clear()
        if evaluator is not None:
            evaluator.forget()  # type: ignore[attr-defined]

    # ------------------------------------------------------------ text

    def read(self, node: tree_sitter.Node) -> str:
        """A node's text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def plain(self, node: tree_sitter.Node) -> str:
        """A node's text as a formatter would lay it out on one line: without comments, continued lines and blanks that mean nothing."""
        written = self.read(node)
        return canonical_text(self.data, node) if is_laid_out(written) else written

    def dotted(self, node: tree_sitter.Node) -> str:
        """`a.b.c` for a chain of attributes of a name, else nothing, however it is laid out."""
        parts: list[str] = []
        current: tree_sitter.Node | None = unwrapped(node)
        while current is not None and current.kind_id == _ATTRIBUTE_NODE:
            attribute = current.child_by_field_id(_ATTRIBUTE)
            parts.append(self.read(attribute) if attribute is not None else "")
            current = current.child_by_field_id(_OBJECT)
            current = unwrapped(current) if current is not None else None
        if current is None or current.kind_id != _IDENTIFIER:
            return ""
        parts.append(self.read(current))
        parts.reverse()
        return ".".join(parts)

    def name_of(self, definition: tree_sitter.Node) -> str:
        """The name of a function or class."""
        name = definition.child_by_field_id(_NAME)
        return self.read(name) if name is not None else ""

    def string_value(self, node: tree_sitter.Node) -> str | bytes:
        """The value of a string node without interpolation."""
        return string_value(self, node)

    @property
    def bound_names(self) -> frozenset[str]:
        """The names that the text binds somewhere, as far as a look at its lines tells: one pass, however many names are asked for."""
        if self._bound is None:
            found = _BOUND_FIRST.findall(b"\n" + self.data) + _BOUND_INSIDE.findall(self.data)
            self._bound = frozenset("".join(name.decode("utf-8", "replace").replace("\\", " ").split()) for name in set(found))
        return self._bound

    # ------------------------------------------------------------ names and scopes

    @property
    def names(self) -> Names:
        """What the names of the file stand for."""
        if self._names is None:
            self._names = Names(self)
        return self._names

    @property
    def surveyed(self) -> dict[str, list[tree_sitter.Node]]:
        """What one pass over the tree finds, by the names of the survey's captures, each in order."""
        if self._survey is None:
            self._survey = captures(_SURVEY, self.root)
        return self._survey

    @property
    def is_surveyed(self) -> bool:
        """Whether that pass has been made."""
        return self._survey is not None

    @property
    def scopes(self) -> Scopes:
        """What surrounds each place."""
        if self._scopes is None:
            self._scopes = Scopes(self, {kind: self.surveyed.get(kind, []) for kind in _BLOCKS})
        return self._scopes

    def scope_at(self, offset: int) -> Scope:
        """What surrounds a byte offset."""
        return self.scopes.at(offset)

    def handlers(self) -> list[tree_sitter.Node]:
        """Every except clause, in order."""
        return self.surveyed.get("except", [])

    def import_facts(self) -> list[Import]:
        """Every imported name of the file, in order."""
        return self.names.import_facts()

    @property
    def imports(self) -> Mapping[str, str]:
        return self.names.imports

    def names_imported(self, offset: int) -> Mapping[str, str]:
        """What each name imported around an offset stands for, wherever the file lies."""
        return self.names.imported_at(offset)

    @property
    def other_names(self) -> frozenset[str]:
        """The last parts of names that may stand for something with another last part."""
        return self.names.other_names

    def qualified(self, node: tree_sitter.Node) -> Qualified:
        """The qualified name of an expression node, and the call that made its receiver where that is known."""
        return self.names.qualified(node)

    def name_of_call(self, call: tree_sitter.Node) -> Qualified:
        """A call's qualified name and the call that made its receiver."""
        return self.names.of_call(call)

    # ------------------------------------------------------------ statements and expressions, each made once

    @property
    def statements(self) -> list[tree_sitter.Node]:
        """The nodes directly below the root, in order: kept, since asking for them makes them anew."""
        if self._statements is None:
            self._statements = self.root.children
        return self._statements

    def block(self, node: tree_sitter.Node | None, depth: int = 0) -> tuple[Statement, ...]:
        """The statements of a block (or a module) node."""
        if node is None or depth > DEPTH_LIMIT:
            return ()
        return tuple(self.statement(child, depth) for child in children_of(node))

    def statement(self, node: tree_sitter.Node, depth: int = 0) -> Statement:
        """One statement."""
        known = self._made.get(node.id)
        if known is None:
            known = self._made[node.id] = read_statement(self, node, depth)
        return known

    def expression(self, node: tree_sitter.Node, depth: int = 0) -> Expression:
        """One expression."""
        node = unwrapped(node)
        known = self._expressions.get(node.id)
        if known is None:
            known = self._expressions[node.id] = read_expression(self, node, depth)
        return known

    # ------------------------------------------------------------ facts

    def call_at(self, node: tree_sitter.Node) -> PyCall:
        """A call node as a fact."""
        known = self._expressions.get(node.id)
        if not isinstance(known, PyCall):
            known = self._expressions[node.id] = read_call(self, node)
        return known

    def function_at(self, node: tree_sitter.Node) -> PyFunction:
        """A function definition as a fact; its place is the `def` line's start to the body's end."""
        known = self._function_of.get(node.id)
        if known is None:
            known = self._function_of[node.id] = read_function(self, node)
        return known

    def class_at(self, node: tree_sitter.Node) -> PyClass:
        """A class definition as a fact."""
        known = self._class_of.get(node.id)
        if known is None:
            known = self._class_of[node.id] = read_class(self, node)
        return known

    def handler_at(self, node: tree_sitter.Node) -> PyHandler:
        """An except clause as a fact."""
        known = self._handlers.get(node.id)
        if known is None:
            known = self._handlers[node.id] = read_handler(self, node)
        return known

    def assignments_at(self, node: tree_sitter.Node) -> Iterator[PyAssignment]:
        """The assignments that a node of ASSIGNMENTS makes."""
        return assignments_at(self, node)

    # ------------------------------------------------------------ the whole file

    @property
    def body(self) -> tuple[Statement, ...]:
        if self._body is None:
            self._body = self.block(self.root)
        return self._body

    def _definitions(self) -> Iterator[Block]:
        return (block for block in self.scopes.blocks if block.kind == "def")

    def functions(self) -> Sequence[Function]:
        if self._functions is None:
            self._functions = [self.function_at(block.node) for block in self._definitions() if block.is_function]
        return self._functions

    def classes(self) -> Sequence[Class]:
        if self._classes is None:
            self._classes = [self.class_at(block.node) for block in self._definitions() if block.is_class]
        return self._classes

    def function(self, name: str) -> Function | None:
        for function in self.functions():
            if function.name == name and function.scope.symbol == "":
                return function
        return None

    def class_named(self, name: str) -> Class | None:
        for class_ in self.classes():
            if class_.name == name and class_.scope.symbol == "":
                return class_
        return None

    def calls(self) -> Sequence[Call]:
        if self._calls is None:
            self._calls = [self.call_at(node) for node in self.surveyed.get("call", ())]
        return self._calls

    def calls_within(self, start: int, end: int) -> Sequence[Call]:
        nodes = self.surveyed.get("call", [])
        return [self.call_at(node) for node in nodes[bisect_left(nodes, start, key=_START) : bisect_left(nodes, end, key=_START)]]

    def assignments(self, name: str) -> Sequence[Assignment]:
        if self._assigned is None:
            self._assigned = self._bound_under(self.root)
        return self._assigned.get(name, ())

    def constant(self, name: str) -> Expression | None:
        if name not in self._constants:
            found = [a for a in self.assignments(name) if a.scope.symbol == ""]
            single = len(found) == 1 and found[0].kind in ("name", "annotated", "walrus")
            self._constants[name] = found[0].value if single else None
        return self._constants[name]

    def _of_class(self, name: str, class_: str | None) -> list[Assignment]:
        """The assignments of a name in a class. Many classes of a file may have one of that name."""
        if name not in self._by_class:
            grouped: dict[str | None, list[Assignment]] = {}
            for assignment in self.assignments(name):
                grouped.setdefault(assignment.scope.class_, []).append(assignment)
            self._by_class[name] = grouped
        return self._by_class[name].get(class_, [])

    def follow(self, expression: Expression, near: Fact | None = None) -> Expression:
        if not isinstance(expression, Name):
            return expression
        place = near or expression
        scope = self.scope_at(place.start)
        written = expression.source_text
        if scope.symbol:
            found = [a for a in self._assigned_around(place.start).get(written, ()) if a.scope.symbol == scope.symbol]
            if len(found) == 1 and found[0].kind in _GIVING and found[0].start < place.start:
                return found[0].value
            if found:
                return expression
        if written.startswith(("self.", "cls.")):
            attribute = written.split(".", 1)[1]
            in_class = [*self._of_class(written, scope.class_), *(a for a in self._of_class(attribute, scope.class_) if a.kind == "field")]
            return in_class[0].value if len(in_class) == 1 else expression
        if scope.symbol and self._is_parameter(written, place.start):
            return expression
        return self.constant(written) or expression

    def _bound_under(self, node: tree_sitter.Node) -> dict[str, list[Assignment]]:
        """The assignments at or under a node, by target."""
        found: dict[str, list[Assignment]] = {}
        start, end = node.start_byte, node.end_byte
        nodes = self.surveyed.get("assignment", [])
        for each in nodes[bisect_left(nodes, start, key=_START) : bisect_left(nodes, end, key=_START)]:
            if each.kind_id in _UNBINDING:
                continue
            for assignment in self.assignments_at(each):
                if assignment.kind in BINDING:
                    found.setdefault(assignment.qualified, []).append(assignment)
        return found

    def _assigned_around(self, offset: int) -> dict[str, list[Assignment]]:
        """The assignments in the innermost function (or class) around an offset, by target."""
        block = self.scopes.definition(offset)
        while block is not None and not (block.is_class or block.is_function):
            block = block.parent
            while block is not None and block.kind != "def":
                block = block.parent
        if block is None:
            return {}
        known = self._local.get(block.start)
        if known is None:
            known = self._local[block.start] = self._bound_under(block.node)
        return known

    def _is_parameter(self, name: str, offset: int) -> bool:
        block = self.scopes.innermost(offset)
        while block is not None:
            if block.kind == "def" and block.is_function and name in self.names.parameters(block.node):
                return True
            block = block.parent
        return False

    # ------------------------------------------------------------ what is around a place

    def around(self, place: Fact) -> Iterator[str]:
        node = self.root.descendant_for_byte_range(place.start, max(place.start, place.end - 1))
        while node is not None and not node.type.endswith(("_statement", "_definition", "module")):
            if node.start_byte < place.start or node.end_byte > place.end:
                if node.kind_id == _PAIR or node.kind_id == _KEYWORD:
                    name = node.child_by_field_id(_KEY if node.kind_id == _PAIR else _NAME)
                    if name is not None:
                        yield self.plain(name).strip("\"'") + "="
                elif node.kind_id == _CALL:
                    yield self.call_at(node).name + "("
            node = node.parent

    def extent(self, start: int, end: int) -> tuple[int, int]:
        """First and last line (from 1) of the statement around a byte range; of a compound one only its header."""
        node = self.root.descendant_for_byte_range(start, max(start, end - 1))
        while node is not None and not (
            node.type.endswith(("_statement", "_definition")) or node.type in ("except_clause", "decorator", "elif_clause")
        ):
            node = node.parent
        if node is None:
            return self.source.position(start)[0], self.source.position(end)[0]
        first = self.source.position(node.start_byte)[0]
        last = self.source.position(node.end_byte)[0]
        body = node.child_by_field_id(_BODY) or node.child_by_field_id(_CONSEQUENCE)
        if node.type == "except_clause":
            body = block_in(node)
        if body is not None and body.start_byte > start:
            last = max(first, self.source.position(body.start_byte)[0] - 1)
        return first, last


def module_of(source: Source, file: File | None = None) -> PyModule:
    """The tree of a Python source, parsed once however many ask. file: what the file is called and where it belongs, where that is known."""
    found = source.derived.get("module")
    if not isinstance(found, PyModule):
        found = source.derived["module"] = PyModule(source, file or File("", "python"))
    elif file is not None and found.file != file:
        found.file = file
    return found
