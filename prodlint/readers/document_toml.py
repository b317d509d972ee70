"""TOML: judged by tomli, placed by a scanner of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prodlint.facts import Comment, Fact, File, Node, Source
from prodlint.readers.document_template import template_constructs
from prodlint.readers.document_tree import MOST_DEPTH, Offsets, Tree, Unreadable, comment, document, plain_value, problem

_TOML_SPACE = re.compile(rb"(?:[ \t\r\n]+|#[^\r\n]*)*")
_TOML_LINE_SPACE = re.compile(rb"[ \t]*")
_TOML_KEY = re.compile(rb"""[ \t]*(?:([A-Za-z0-9_-]+)|("(?:[^"\\\r\n]|\\.)*")|('[^'\r\n]*'))[ \t]*""")
_TOML_STRING = re.compile(
    rb'''("""(?:[^"\\]|\\.|"(?!"")|""(?!"))*"{3,5})|(\'\'\'(?:[^']|'(?!\'\')|\'\'(?!'))*'{3,5})|("(?:[^"\\\r\n]|\\.)*")|('[^'\r\n]*')''',
    re.DOTALL,
)
_TOML_BARE = re.compile(rb"[^\s,\]}#=]+(?: [0-9]{2}:[0-9:.+Z-]+)?")
_TOML_WORDS: dict[str, Any] = {"true": True, "false": False}


def read_toml(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """The document, its comments where they are wanted; a problem alone where it is no TOML."""
    import tomli

    try:
        tomli.loads(source.text)
    except tomli.TOMLDecodeError as error:
        if "{{" in source.text or "{%" in source.text:
            constructs = template_constructs(source.text)
            if constructs:
                offsets = Offsets(source.text)
                why = f"template that cannot be read without rendering: {error.msg}"
                yield problem(source, file, "template", why, offsets(constructs[0][0]), offsets(constructs[0][1]))
                return
        yield problem(source, file, "syntax", f"not valid TOML: {error.msg}", source.offset(_in_file(source.text, error.pos)))
        return
    except (RecursionError, ValueError):
        yield problem(source, file, "syntax", "not valid TOML: nested too deeply or a number too long", 0)
        return
    scanner = _Toml(source, file, comments)
    try:
        scanner.run()
    except Unreadable as error:
        yield problem(source, file, "syntax", error.why, error.offset)
    else:
        yield document(source, file, scanner.root, 0, False)
    yield from scanner.comments


class _Toml:
    """Places of a TOML text that is known to be valid."""

    def __init__(self, source: Source, file: File, comments: bool) -> None:
        self.source = source
        self.file = file
        self.data = source.data
        self.at = 0
        self.tree = Tree(source, file)
        self.root = self.tree.node("mapping", "", (0, 0), 0, len(source.data))
        self.comments: list[Comment] = []
        self.keep_comments = comments

    def run(self) -> None:
        """Read it all."""
        table = self.root
        while True:
            self.space()
            if self.at >= len(self.data):
                return
            if self.data.startswith(b"[", self.at):
                table = self.header()
            else:
                self.pair(table)

    def space(self) -> None:
        """Go on to the next thing that is neither blank nor a comment."""
        found = _TOML_SPACE.match(self.data, self.at)
        assert found is not None
        if self.keep_comments and b"#" in found.group():
            for note in re.finditer(rb"#[^\r\n]*", found.group()):
                start = self.at + note.start()
                self.comments.append(comment(self.source, self.file, start, start + len(note.group().rstrip()), 1))
        self.at = found.end()

    def key(self) -> list[tuple[str, int, int]]:
        """A dotted key: its parts and their places."""
        parts: list[tuple[str, int, int]] = []
        while True:
            found = _TOML_KEY.match(self.data, self.at)
            if found is None:
                raise Unreadable("a key is missing", self.at)
            which = found.lastindex or 1
            written = found.group(which)
            text = written.decode("utf-8", "replace") if which == 1 else _toml_text(written)
            parts.append((text, found.start(which), found.end(which)))
            self.at = found.end()
            if not self.data.startswith(b".", self.at):
                return parts
            self.at += 1

    def header(self) -> Node:
        """`[table]` or `[[table]]`: the mapping that the lines below fill."""
        start = self.at
        many = self.data.startswith(b"[[", start)
        self.at += 2 if many else 1
        parts = self.key()
        self.at += 2 if many else 1
        node = self.below(self.root, parts[:-1])
        text, key_start, key_end = parts[-1]
        if not many:
            return self.child(node, text, "mapping", (key_start, key_end), start, self.at)
        listing = self.child(node, text, "sequence", (key_start, key_end), start, self.at)
        item = self.tree.node("mapping", f"{listing.path}.{len(listing.items)}", (key_start, key_end), start, self.at)
        assert isinstance(listing.items, list)
        listing.items.append(item)
        listing.end = self.at
        return item

    def below(self, node: Node, parts: list[tuple[str, int, int]]) -> Node:
        """The mapping under a path, made where it is missing; the last item of a list of tables."""
        for text, start, end in parts:
            node = self.child(node, text, "mapping", (start, end), start, end)
            if node.kind == "sequence" and node.items:
                node = node.items[-1]
        return node

    def child(self, node: Node, text: str, kind: str, key: tuple[int, int], start: int, end: int) -> Node:
        """The member of a mapping, made where it is missing."""
        assert isinstance(node.members, dict)
        found = node.members.get(text)
        if found is None:
            found = self.tree.node(kind, f"{node.path}.{text}" if node.path else text, key, start, end)
            node.members[text] = found
        return found

    def pair(self, table: Node) -> None:
        """`key = value` into a table."""
        parts = self.key()
        self.at += 1
        self.blank()
        node = self.below(table, parts[:-1])
        text, key_start, key_end = parts[-1]
        path = f"{node.path}.{text}" if node.path else text
        value = self.value(path, (key_start, key_end), 0)
        assert isinstance(node.members, dict)
        node.members[text] = value
        for grown in (table, node):
            if grown is not self.root:
                grown.end = max(grown.end, value.end)

    def blank(self) -> None:
        found = _TOML_LINE_SPACE.match(self.data, self.at)
        assert found is not None
        self.at = found.end()

    def value(self, path: str, key: tuple[int, int], depth: int) -> Node:
        """The value that starts here."""
        start = self.at
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH} levels", start)
        first = self.data[start : start + 1]
        if first == b"[":
            node = self.tree.node("sequence", path, key, start, start)
            assert isinstance(node.items, list)
            self.at += 1
            while True:
                self.space()
                if self.data.startswith(b"]", self.at) or self.at >= len(self.data):
                    break
                if self.data.startswith(b",", self.at):
                    self.at += 1
                    continue
                node.items.append(self.value(f"{path}.{len(node.items)}", (self.at, self.at), depth + 1))
            self.at += 1
            node.end = self.at
            return node
        if first == b"{":
            node = self.tree.node("mapping", path, key, start, start)
            self.at += 1
            while True:
                self.space()
                if self.data.startswith(b"}", self.at) or self.at >= len(self.data):
                    break
                if self.data.startswith(b",", self.at):
                    self.at += 1
                    continue
                self.pair(node)
            self.at += 1
            node.end = self.at
            return node
        string = _TOML_STRING.match(self.data, start) if first in (b'"', b"'") else None
        found = string or _TOML_BARE.match(self.data, start)
        if found is None:
            raise Unreadable("a value is missing", start)
        self.at = found.end()
        node = self.tree.node("scalar", path, key, start, self.at)
        node.raw = _toml_text(found.group()) if string else found.group().decode("utf-8", "replace")
        node.quoted = string is not None
        node.value = node.raw if string else _toml_value(node.raw)
        return node


def _in_file(text: str, index: int) -> int:
    """Where in a text the parser means: it counts CRLF as one."""
    for found in re.finditer("\r\n", text):
        if found.start() >= index:
            break
        index += 1
    return index


def _toml_value(raw: str) -> Any:
    if raw in _TOML_WORDS:
        return _TOML_WORDS[raw]
    value = plain_value(raw.replace("_", ""))
    return value if isinstance(value, (int, float)) else raw


def _toml_text(written: bytes) -> str:
    """A TOML string without quotes and escapes."""
    text = written.decode("utf-8", "replace")
    if text.startswith(('"""', "'''")):
        inside = text[3:-3]
        inside = inside[2:] if inside.startswith("\r\n") else inside.removeprefix("\n")
    else:
        inside = text[1:-1]
    if text[0] == "'" or "\\" not in inside:
        return inside
    import tomli

    try:
        return str(tomli.loads(f"x = {text}")["x"])
    except (tomli.TOMLDecodeError, RecursionError):
        return inside
