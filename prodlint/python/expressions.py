"""Expressions of Python, made when asked for and once each: the inside of one is read when somebody looks into it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tree_sitter

from prodlint.facts import (
    Attribute,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Name,
    OpaqueExpression,
    OpaqueKind,
    Operation,
    Subscript,
    encodable,
)
from prodlint.python.grammar import DEPTH_LIMIT, children_of, field, kind, lazy

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_OBJECT, _ATTRIBUTE, _VALUE, _KEY = field("object"), field("attribute"), field("value"), field("key")
_OPERATOR, _SUBSCRIPT, _EXPRESSION = field("operator"), field("subscript"), field("expression")
_STRING, _INTERPOLATION, _CONTENT = kind("string"), kind("interpolation"), kind("string_content")
_PAIR, _SPLAT, _BINARY = kind("pair"), kind("dictionary_splat"), kind("binary_operator")


class PyAttribute(Attribute):
    """An attribute of something that is not a plain name."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def value(self) -> Expression:
        found = self.node.child_by_field_id(_OBJECT)
        return self.of.expression(found, self.depth) if found is not None else opaque(self.of, self.node, "error", self.depth)


class PyCollection(Collection):
    """A list, tuple or set display."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def items(self) -> tuple[Expression, ...]:
        return tuple(self.of.expression(child, self.depth) for child in children_of(self.node))


class PyDictionary(Dictionary):
    """A dict display."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def items(self) -> tuple[tuple[Expression | None, Expression], ...]:
        found: list[tuple[Expression | None, Expression]] = []
        read, depth = self.of.expression, self.depth
        for child in children_of(self.node):
            if child.kind_id == _PAIR:
                key, value = child.child_by_field_id(_KEY), child.child_by_field_id(_VALUE)
                if key is not None and value is not None:
                    found.append((read(key, depth), read(value, depth)))
            elif child.kind_id == _SPLAT and (inner := children_of(child)):
                found.append((None, read(inner[0], depth)))
        return tuple(found)


class PyFString(FString):
    """An f-string, or strings side by side of which one is."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def items(self) -> tuple[Expression, ...]:
        parts: list[Expression] = []
        for string in _strings(self.node):
            inside = string.named_children
            if any(child.kind_id == _INTERPOLATION for child in inside):
                for child in inside:
                    if child.kind_id == _INTERPOLATION:
                        inner = child.child_by_field_id(_EXPRESSION)
                        if inner is not None:
                            parts.append(self.of.expression(inner, self.depth))
                    elif child.kind_id == _CONTENT:
                        parts.append(_constant(self.of, child, _content(self.of, child, string)))
            else:
                parts.append(_constant(self.of, string, string_value(self.of, string)))
        return tuple(parts)


class PyOperation(Operation):
    """An operation. a + b + c + ... is a left-leaning chain as deep as it is long: it is read flat."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def operands(self) -> tuple[Expression, ...]:
        operands = children_of(self.node)
        if self.node.kind_id == _BINARY and len(operands) == 2:
            flat = [operands[1]]
            left = operands[0]
            while left.kind_id == _BINARY and self.operator in ("+", "|"):
                inner = left.child_by_field_id(_OPERATOR)
                pair = children_of(left)
                if inner is None or inner.type != self.operator or len(pair) < 2:
                    break
                flat.append(pair[-1])
                left = pair[0]
            flat.append(left)
            flat.reverse()
            operands = flat
        return tuple(self.of.expression(child, self.depth) for child in operands)


class PySubscript(Subscript):
    """`value[key]`."""

    node: tree_sitter.Node
    of: PyModule
    depth: int

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def value(self) -> Expression:
        found = self.node.child_by_field_id(_VALUE)
        return self.of.expression(found, self.depth) if found is not None else opaque(self.of, self.node, "error", self.depth)

    @lazy
    def key(self) -> Expression:
        keys = self.node.children_by_field_name("subscript")
        if len(keys) == 1:
            return self.of.expression(keys[0], self.depth)
        made = PyOpaque(self.of.source, self.of.file, self.node.start_byte, self.node.end_byte)
        made.kind, made.node, made.depth, made.of, made.inside = "keys", self.node, self.depth, self.of, keys
        return made


class PyConditional(Conditional):
    """`then if test else otherwise`."""

    node: tree_sitter.Node
    of: PyModule
    depth: int
    three: list[tree_sitter.Node]

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def then(self) -> Expression:
        return self.of.expression(self.three[0], self.depth)

    @lazy
    def test(self) -> Expression:
        return self.of.expression(self.three[1], self.depth)

    @lazy
    def orelse(self) -> Expression:
        return self.of.expression(self.three[2], self.depth)


class PyOpaque(OpaqueExpression):
    """Anything else. inside: the nodes of what is in it."""

    node: tree_sitter.Node
    of: PyModule
    depth: int
    inside: list[tree_sitter.Node]

    @property
    def text(self) -> str:
        return self.of.plain(self.node)

    @lazy
    def items(self) -> tuple[Expression, ...]:
        return tuple(self.of.expression(child, self.depth) for child in self.inside)


class PyName(Name):
    """A name; its text is without the blanks that may stand in it."""

    __slots__ = ()

    @property
    def text(self) -> str:
        return self.source_text


def opaque(module: PyModule, node: tree_sitter.Node, words: OpaqueKind, depth: int) -> PyOpaque:
    """An expression that is only known by what is in it."""
    made = PyOpaque(module.source, module.file, node.start_byte, node.end_byte)
    made.kind, made.node, made.of, made.depth = words, node, module, depth
    made.inside = [] if words in ("deep", "error") else children_of(node)
    return made


def _constant(module: PyModule, node: tree_sitter.Node, value: Any) -> Constant:
    made = Constant(module.source, module.file, node.start_byte, node.end_byte)
    made.value = value
    return made


def _word(value: Any) -> Callable[[PyModule, tree_sitter.Node, int], Expression]:
    return lambda module, node, depth: _constant(module, node, value)


def _read_number(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    return _constant(module, node, _number(module.read(node)))


def _read_name(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    written = module.dotted(node)
    if not written:
        made = PyAttribute(module.source, module.file, node.start_byte, node.end_byte)
        made.node, made.of, made.depth = node, module, depth
        attribute = node.child_by_field_id(_ATTRIBUTE)
        made.attribute = module.read(attribute) if attribute is not None else ""
        return made
    name = PyName(module.source, module.file, node.start_byte, node.end_byte)
    name.source_text = written
    first, _, rest = written.partition(".")
    known = module.names.imported(first, node.start_byte)
    if known is None and first in module.imports:
        written = f"{module.names.unimported(first)}.{rest}" if rest else module.names.unimported(first)
    name.name = written if known is None else (f"{known}.{rest}" if rest else known)
    return name


def _strings(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [node] if node.kind_id == _STRING else [child for child in node.named_children if child.kind_id == _STRING]


def read_text(module: PyModule, node: tree_sitter.Node, depth: int = 0) -> Expression:
    """A string, or several side by side: one constant where none of them holds an expression."""
    strings = _strings(node)
    if any(child.kind_id == _INTERPOLATION for string in strings for child in string.named_children):
        made = PyFString(module.source, module.file, node.start_byte, node.end_byte)
        made.node, made.of, made.depth = node, module, depth
        return made
    if len(strings) == 1:
        return _constant(module, node, string_value(module, strings[0]))
    texts = [string_value(module, string) for string in strings]
    if all(isinstance(text, bytes) for text in texts):
        return _constant(module, node, b"".join(text for text in texts if isinstance(text, bytes)))
    return _constant(module, node, "".join(text if isinstance(text, str) else text.decode("latin-1") for text in texts))


_RAW = re.compile(rb"\w?[rR]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _content(module: PyModule, node: tree_sitter.Node, string: tree_sitter.Node) -> str:
    """The literal part of an f-string with its plain escapes read; exotic ones stay as they are written."""
    text = module.read(node).replace("{{", "{").replace("}}", "}")
    if "\\" in text and not _RAW.match(module.data, string.start_byte):
        text = _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), text)
    return text


_QUOTES = b"\"'"


def string_value(module: PyModule, node: tree_sitter.Node) -> str | bytes:
    """The value of a string node without interpolation."""
    raw = module.data[node.start_byte : node.end_byte]
    start = 0
    while start < len(raw) and raw[start] not in _QUOTES:
        start += 1
    prefix = raw[:start].lower()
    quotes = 3 if raw[start : start + 3] in (b'"""', b"'''") else 1
    inner = raw[start + quotes : len(raw) - quotes] if len(raw) >= start + 2 * quotes else raw[start + quotes :]
    if b"\\" in inner and b"r" not in prefix:
        try:
            value = ast.literal_eval(raw.replace(b"f", b"", 1).decode("utf-8") if b"f" in prefix else raw.decode("utf-8"))
            if isinstance(value, (str, bytes)):
                return encodable(value) if isinstance(value, str) else value
        except (ValueError, SyntaxError, MemoryError, UnicodeDecodeError):
            pass  # an escape newer or older than this interpreter: the raw text is the best there is
    return bytes(inner) if b"b" in prefix else inner.decode("utf-8", "replace")


def _read_collection(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    made = PyCollection(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of, made.depth = node, module, depth
    made.kind = "list" if node.type == "list" else "set" if node.type == "set" else "tuple"
    return made


def _read_dictionary(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    made = PyDictionary(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of, made.depth = node, module, depth
    return made


def _read_operation(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    made = PyOperation(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of, made.depth = node, module, depth
    if node.kind_id == _BINARY:
        operator = node.child_by_field_id(_OPERATOR)
        made.operator = operator.type if operator is not None else "?"
    else:
        words = [child.type for child in node.children if not child.is_named]
        # `not in` and `is not` may be written with anything between the words.
        made.operator = " ".join(words) if node.type == "comparison_operator" else (words[0] if words else "?")
    return made


def _read_subscript(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    made = PySubscript(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of, made.depth = node, module, depth
    return made


def _read_conditional(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    parts = children_of(node)
    if len(parts) != 3:
        return opaque(module, node, "error", depth)
    made = PyConditional(module.source, module.file, node.start_byte, node.end_byte)
    made.node, made.of, made.depth, made.three = node, module, depth, parts
    return made


def _number(text: str) -> Any:
    cleaned = text.replace("_", "")
    for read in (lambda digits: int(digits, 0) if len(digits) < 400 else None, float, complex):
        try:
            return read(cleaned)
        except ValueError:
            continue
    return None


def _read_call(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    return module.call_at(node)


_READ: dict[int, Callable[[PyModule, tree_sitter.Node, int], Expression]] = {
    kind(name): read
    for names, read in (
        ("string concatenated_string", read_text),
        ("integer float", _read_number),
        ("true", _word(True)),
        ("false", _word(False)),
        ("none", _word(None)),
        ("ellipsis", _word(...)),
        ("identifier attribute", _read_name),
        ("call", _read_call),
        ("list tuple set expression_list pattern_list tuple_pattern list_pattern", _read_collection),
        ("dictionary", _read_dictionary),
        ("binary_operator boolean_operator comparison_operator not_operator unary_operator", _read_operation),
        ("subscript", _read_subscript),
        ("conditional_expression", _read_conditional),
    )
    for name in names.split()
}

# What the other kinds of the grammar are called in `prodlint.facts`.
_OPAQUE: dict[str, OpaqueKind] = {
    "list_splat": "star",
    "list_splat_pattern": "star",
    "parenthesized_list_splat": "star",
    "dictionary_splat": "double-star",
    "dictionary_splat_pattern": "double-star",
    "list_comprehension": "comprehension",
    "set_comprehension": "comprehension",
    "dictionary_comprehension": "comprehension",
    "generator_expression": "comprehension",
    "for_in_clause": "for-clause",
    "if_clause": "if-clause",
    "named_expression": "walrus",
    "lambda": "lambda",
    "lambda_parameters": "parameters",
    "await": "await",
    "yield": "yield",
    "slice": "slice",
    "pair": "pair",
    "keyword_argument": "keyword",
    "parenthesized_expression": "brackets",
    "as_pattern": "as",
    "as_pattern_target": "as-target",
    "type": "type",
    "format_expression": "format",
    "assignment": "assignment",
    "augmented_assignment": "assignment",
    "ERROR": "error",
}


def read_expression(module: PyModule, node: tree_sitter.Node, depth: int) -> Expression:
    """The expression of a node that is not bracketed."""
    if depth > DEPTH_LIMIT:
        return opaque(module, node, "deep", depth)
    read = _READ.get(node.kind_id)
    if read is not None:
        return read(module, node, depth + 1)
    return opaque(module, node, _OPAQUE.get(node.type, "other"), depth + 1)
