"""A piece of Python in one form, however it is laid out: what stays the same when a formatter has been over it.

Comments, blanks, line breaks, quotes, trailing commas and redundant brackets are not in it; the structure that brackets
make is. Imported names are written as what they stand for, and a definition without its own name.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from prodlint.python.grammar import DEPTH_LIMIT

if TYPE_CHECKING:
    import tree_sitter

    from prodlint.python.tree import PyModule

# What is longer is told apart by its beginning.
_MOST_TOKENS = 2000
_SILENT = frozenset(("comment", "line_continuation"))
_PUNCTUATION = frozenset("( ) [ ] { } , : ; .".split())
# Kinds that differ only in brackets.
_SAME = {"expression_list": "tuple", "pattern_list": "tuple", "tuple_pattern": "tuple", "list_pattern": "list"}
# Kinds that are their content.
_TRANSPARENT = frozenset(
    ("parenthesized_expression", "expression_statement", "block", "module", "with_item", "with_clause", "as_pattern_target")
)
_STRINGS = frozenset(("string", "concatenated_string"))
_DEFINITIONS = frozenset(("function_definition", "class_definition"))
_NUMBERS = frozenset(("integer", "float"))


def canonical_form(module: PyModule, start: int, end: int) -> str:
    """The form of the bytes from `start` up to `end`, with as much of what they stand in as tells them from others.

    A value alone (`False`) tells nothing: it comes with its name, and the call with its function and its positional arguments.
    A handler comes with its block, since that is what is said about it.
    """
    out: list[str] = []
    node = _node(module, start, end)
    node, start, end = _grown(node, start, end)
    writer = _Writer(module, start, end, out)
    call = _call_around(node)
    if call is None:
        writer.write(node)
    else:
        writer.write_argument(call, node)
    return " ".join(out)


def _node(module: PyModule, start: int, end: int) -> tree_sitter.Node:
    """The smallest node around a byte range. The top-level statement is found by halving: a file may have 100,000."""
    last = max(start, end - 1)
    statements = module.statements
    index = bisect_right(statements, start, key=lambda node: node.start_byte) - 1
    if index < 0 or statements[index].end_byte <= last:
        return module.root
    around = statements[index]
    return around.descendant_for_byte_range(start, last) or around


def _grown(node: tree_sitter.Node, start: int, end: int) -> tuple[tree_sitter.Node, int, int]:
    """The node to write and the part of it: what is a piece of a handler or a header, a value or only a name is grown to what it belongs to."""
    if node.start_byte < start or node.end_byte > end:
        if node.type == "except_clause":
            return node, node.start_byte, node.end_byte
        head = _end_of_head(node)
        return (node, node.start_byte, head) if end <= head < node.end_byte else (node, start, end)
    is_call = node.type == "call"
    node, parent = _outermost(node)
    if parent is not None and not is_call and (field := _FIELDS.get(parent.type)) and parent.child_by_field_name(field) == node:
        node = parent
        if node.type in _DEFINITIONS:
            return node, node.start_byte, _end_of_head(node)
    return node, node.start_byte, node.end_byte


def _end_of_head(node: tree_sitter.Node) -> int:
    """Where the block of a compound statement begins; the end of any other node."""
    body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
    return node.end_byte if body is None else body.start_byte


# What a value, a function called or a name defined is a part of, and which part.
_FIELDS = {
    **dict.fromkeys(("pair", "default_parameter", "typed_default_parameter", "keyword_argument"), "value"),
    **dict.fromkeys(("function_definition", "class_definition"), "name"),
    "assignment": "right",
    "call": "function",
}


def _outermost(node: tree_sitter.Node) -> tuple[tree_sitter.Node, tree_sitter.Node | None]:
    """Of the nodes at one place the outermost, brackets around it included; and its parent."""
    parent = node.parent
    while parent is not None and parent.type != "module":
        same = (parent.start_byte, parent.end_byte) == (node.start_byte, node.end_byte)
        if not same and parent.type != "parenthesized_expression":
            break
        node, parent = parent, parent.parent
    return node, parent


def _call_around(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The call of which a node is an argument."""
    holder = node.parent
    if holder is None or holder.type != "argument_list" or holder.parent is None or holder.parent.type != "call":
        return None
    return holder.parent


class _Writer:
    """Writes nodes as tokens; of those that reach beyond `start` and `end` the part between."""

    def __init__(self, module: PyModule, start: int, end: int, out: list[str]) -> None:
        self.module, self.start, self.end, self.out = module, start, end, out
        self.names = module.names_imported(start)

    def write_argument(self, call: tree_sitter.Node, argument: tree_sitter.Node) -> None:
        """An argument behind its function and, where it goes by a name, the positional ones."""
        function, holder = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        self.start, self.end = call.start_byte, call.end_byte
        if function is not None:
            self.write(function)
        if holder is not None and argument.type == "keyword_argument":
            for child in holder.named_children:
                if child.type not in ("keyword_argument", "dictionary_splat"):
                    self.write(child)
        self.write(argument)

    def write(self, node: tree_sitter.Node, depth: int = 0) -> None:
        """One node."""
        kind = node.type
        if node.end_byte <= self.start or node.start_byte >= self.end or len(self.out) > _MOST_TOKENS:
            return
        if kind in _SILENT and (node.start_byte > self.start or node.end_byte < self.end):
            return
        inside = self.start <= node.start_byte and node.end_byte <= self.end
        if kind in _STRINGS and inside:
            self.out.append(self._string(node, depth))
        elif not node.child_count or not inside and kind in ("string_content", "comment") or depth > DEPTH_LIMIT:
            self._leaf(node, inside)
        elif kind == "attribute" and inside and (written := self.module.dotted(node)):
            self.out.append(self._named(written))
        else:
            self._inner(node, kind, depth)

    def _leaf(self, node: tree_sitter.Node, inside: bool) -> None:
        data = self.module.data
        text = data[max(node.start_byte, self.start) : min(node.end_byte, self.end)].decode("utf-8", "replace")
        if node.type == "identifier" and inside and not _is_label(node):
            text = self._named(text)
        elif node.type in _NUMBERS:
            text = text.lower()
        if text not in _PUNCTUATION:
            self.out.append(" ".join(text.split()))

    def _inner(self, node: tree_sitter.Node, kind: str, depth: int) -> None:
        children = node.children
        if kind in _DEFINITIONS:
            name = node.child_by_field_name("name")
            children = [
                child for child in children if child != name and not (child.type == "argument_list" and not child.named_child_count)
            ]
        # The only argument of a call needs no brackets of its own where it is a generator.
        alone = kind == "generator_expression" and node.parent is not None and node.parent.type == "call"
        opened = (["<argument_list"] if alone else []) + ([] if kind in _TRANSPARENT else [f"<{_SAME.get(kind, kind)}"])
        self.out += opened
        for child in children:
            self.write(child, depth + 1)
        self.out += [">"] * len(opened)

    def _named(self, written: str) -> str:
        """A dotted name with its first part as it was imported."""
        first, dot, rest = written.partition(".")
        return f"{self.names.get(first, first)}{dot}{rest}"

    def _string(self, node: tree_sitter.Node, depth: int) -> str:
        """A literal by its value: joined pieces are one, and where it runs over lines their margins do not count."""
        pieces: list[str] = []
        strings = [child for child in node.named_children if child.type == "string"] if node.type == "concatenated_string" else [node]
        for string in strings:
            if any(child.type == "interpolation" for child in string.named_children):
                for child in string.named_children:
                    if child.type == "interpolation":
                        inner = _Writer(self.module, child.start_byte, child.end_byte, [])
                        for part in child.named_children:
                            inner.write(part, depth + 1)
                        pieces.append("{" + " ".join(inner.out) + "}")
                    elif child.type == "string_content":
                        pieces.append(self.module.read(child).replace("\\'", "'").replace('\\"', '"'))
            else:
                value = self.module.string_value(string)
                # Braces in text are told from those of an interpolation.
                pieces.append((value if isinstance(value, str) else value.decode("latin-1")).replace("{", "{{").replace("}", "}}"))
        text = "".join(pieces)
        if "\n" in text:
            text = " ".join(text.split())
        return repr(text)


def _is_label(node: tree_sitter.Node) -> bool:
    """Whether a name is no reference: that of a keyword argument, or of an attribute of something that is no plain name."""
    parent = node.parent
    if parent is None:
        return False
    return (parent.type == "keyword_argument" and parent.child_by_field_name("name") == node) or (
        parent.type == "attribute" and parent.child_by_field_name("attribute") == node
    )
