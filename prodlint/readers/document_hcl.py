"""HCL as Terraform and its relatives write it: blocks and attributes as a tree of nodes.

A block is a mapping under its type and its labels (`resource.aws_db_instance.orders`); one that comes again gets a number behind its
last label, so that none hides another. An expression that is more than a literal is a scalar with the tag "!expression"; the
argument of a call with one argument (`jsonencode({...})`) is read as if it stood alone. What does not fit is passed over:
whether Terraform would take the file is not judged. See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from prodlint.facts import Comment, Fact, File, Node, Source
from prodlint.readers.document_tree import Tree, Unreadable, comment, document, plain_value

_TOKEN = re.compile(
    rb"""[ \t\r]+|(?P<newline>\n)|(?P<comment>\#[^\n]*|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))|(?P<heredoc><<-?(?P<mark>[A-Za-z_][\w\-]*)[ \t]*\r?\n)"""
    rb"""|(?P<string>")|(?P<word>[A-Za-z_][\w\-]*)|(?P<number>\d[\w.]*)|(?P<sign>=>|[=!<>]=|&&|\|\||\.\.\.|[\s\S])"""
)
# Up to the closing quote: escapes, and templates with quotes of their own up to three deep.
_STRING = re.compile(rb'(?:[^"\\$%\r\n]|\\.|[$%](?!\{)|[$%]\{(?:[^{}"\n]|"(?:[^"\\\n]|\\.)*"|\{(?:[^{}"\n]|"(?:[^"\\\n]|\\.)*")*\})*\})*')


class _Token(NamedTuple):
    """kind: "newline", "string", "heredoc", "word", "number", "sign" or "end". start, end: of the text without quotes."""

    kind: str
    text: str
    start: int
    end: int


def read_hcl(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """The comments and the one document of a file."""
    found: list[Comment] = []
    tokens = list(_tokens(source, file, found if comments else None))
    reader = _Reader(source, file, tokens)
    try:
        root = reader.document()
    except Unreadable:
        root = None
    yield from found
    if root is not None:
        yield document(source, file, root, 0, template=False)


def _tokens(source: Source, file: File, comments: list[Comment] | None) -> Iterator[_Token]:
    data, position, size = source.data, 0, len(source.data)
    while position < size:
        found = _TOKEN.match(data, position)
        assert found is not None
        kind, start = found.lastgroup, found.start()
        position = found.end()
        if kind == "comment":
            if comments is not None:
                marker = 1 if data[start : start + 1] == b"#" else 2
                comments.append(comment(source, file, start, position, marker))
        elif kind == "string":
            text = _STRING.match(data, position)
            assert text is not None
            yield _Token("string", text[0].decode("utf-8", "replace"), position, text.end())
            position = text.end() + (data[text.end() : text.end() + 1] == b'"')
        elif kind in ("heredoc", "mark"):
            closing = re.compile(rb"(?m)^[ \t]*" + re.escape(found["mark"]) + rb"[ \t\r]*$").search(data, position)
            end = closing.start() if closing is not None else size
            yield _Token("heredoc", data[position:end].decode("utf-8", "replace"), position, end)
            position = closing.end() if closing is not None else size
        elif kind is not None:
            yield _Token(kind, found[0].decode("utf-8", "replace"), start, position)
    yield _Token("end", "", size, size)


class _Reader:
    """A walk over the tokens of one file."""

    def __init__(self, source: Source, file: File, tokens: list[_Token]) -> None:
        self.source = source
        self.tree = Tree(source, file)
        self.tokens = tokens
        self.at = 0
        # How often a name came in a mapping: files that a program wrote repeat a block thousands of times.
        self.numbers: dict[tuple[int, str], int] = {}

    def document(self) -> Node | None:
        self.tree.begin("mapping", 0)
        self.body()
        self.tree.finish(len(self.source.data))
        return self.tree.root

    def peek(self, ahead: int = 0) -> _Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def skip_lines(self) -> None:
        while self.peek().kind == "newline":
            self.at += 1

    def body(self) -> None:
        """Attributes and blocks up to a closing brace or the end."""
        while True:
            self.skip_lines()
            token = self.peek()
            if token.kind == "end" or token.text == "}" and token.kind == "sign":
                return
            if token.kind != "word":
                self.at += 1
                continue
            self.at += 1
            following = self.peek()
            if following.kind == "sign" and following.text == "=":
                self.at += 1
                self.tree.key(self.unused(token.text), token.start, token.end)
                self.expression()
            elif following.kind in ("string", "word") or following.text == "{":
                self.block(token)

    def block(self, token: _Token) -> None:
        labels = [token]
        while self.peek().kind in ("string", "word"):
            labels.append(self.peek())
            self.at += 1
        if self.peek().text != "{":
            return
        self.at += 1
        for number, label in enumerate(labels):
            last = number == len(labels) - 1
            self.tree.key(self.unused(label.text) if last else label.text, label.start, label.end)
            known = self.tree.open[-1].members.get(label.text) if not last else None
            if known is not None and known.kind == "mapping":
                # Another block of the same type: its labels go beside those of the first.
                self.tree.open.append(known)
                self.tree.keys.append(None)
            else:
                self.tree.begin("mapping", label.start)
        self.body()
        end = self.peek().end
        if self.peek().text == "}":
            self.at += 1
        for _ in labels:
            self.tree.finish(end)

    def unused(self, name: str) -> str:
        """A key that the open mapping has not yet."""
        mapping = self.tree.open[-1]
        if name not in mapping.members:
            return name
        number = self.numbers.get((id(mapping), name), 1) + 1
        while f"{name}#{number}" in mapping.members:
            number += 1
        self.numbers[id(mapping), name] = number
        return f"{name}#{number}"

    def expression(self) -> None:
        """One value, at the place where the tree waits for it."""
        token = self.peek()
        if token.text == "{" and token.kind == "sign":
            self.object()
        elif token.text == "[" and token.kind == "sign":
            self.list()
        elif token.kind in ("string", "heredoc") and self.ends(1):
            self.at += 1
            self.tree.scalar(token.text, token.text, True, token.start, token.end)
        elif token.kind == "word" and self.peek(1).text == "(" and self.is_lone_argument():
            self.at += 2
            self.skip_lines()
            self.expression()
            self.skip_lines()
            if self.peek().text == ")":
                self.at += 1
        else:
            self.other()

    def ends(self, ahead: int) -> bool:
        """Whether an expression ends before the token that many ahead."""
        token = self.peek(ahead)
        return token.kind in ("newline", "end") or (token.kind == "sign" and token.text in (",", "}", "]", ")"))

    def is_lone_argument(self) -> bool:
        """Whether a call's parenthesis opens on an object, a list or a text."""
        ahead = 2
        while self.peek(ahead).kind == "newline":
            ahead += 1
        token = self.peek(ahead)
        return (token.kind == "sign" and token.text in ("{", "[")) or (
            token.kind in ("string", "heredoc") and self.peek(ahead + 1).text == ")"
        )

    def other(self) -> None:
        """A reference, a number, a condition: its text, without what it comes to."""
        first, depth, end = self.peek(), 0, self.peek().start
        while True:
            token = self.peek()
            if token.kind == "end" or (depth == 0 and self.ends(0)):
                break
            if token.kind == "sign":
                depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
            end = token.end + (token.kind == "string")
            self.at += 1
        raw = self.source.slice(first.start - (first.kind == "string"), end)
        value = plain_value(raw)
        self.tree.scalar(value, raw, False, first.start, end, "" if value is not raw else "!expression")

    def object(self) -> None:
        self.tree.begin("mapping", self.peek().start)
        self.at += 1
        while True:
            self.skip_lines()
            token = self.peek()
            if token.kind == "end" or token.text == "}" and token.kind == "sign":
                break
            following = self.peek(1)
            self.at += 1
            if token.kind in ("word", "string", "number") and following.kind == "sign" and following.text in ("=", ":"):
                self.at += 1
                self.tree.key(self.unused(token.text), token.start, token.end)
                self.skip_lines()
                self.expression()
        end = self.peek().end
        self.at += 1
        self.tree.finish(end)

    def list(self) -> None:
        self.tree.begin("sequence", self.peek().start)
        self.at += 1
        while True:
            self.skip_lines()
            token = self.peek()
            if token.kind == "end" or token.text == "]" and token.kind == "sign":
                break
            if token.text == "," and token.kind == "sign":
                self.at += 1
                continue
            before = self.at
            self.expression()
            self.at += self.at == before
        end = self.peek().end
        self.at += 1
        self.tree.finish(end)
