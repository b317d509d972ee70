"""Expressions of GitHub Actions (`${{ ... }}`): which contexts the text they are replaced by may come from.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.facts import Node
from prodlint.values.scalars import found_in

_EXPRESSION = re.compile(rb"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[-+]?\d[\w.+-]*)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>().,\[\]*]))"
)
# What these give is true, false or a digest, whatever they are given.
_OPAQUE = frozenset(("contains", "startswith", "endswith", "hashfiles", "success", "always", "cancelled", "failure"))
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Expression:
    """A `${{ ... }}`: its text without the braces, and its place in the file with them."""

    text: str
    start: int
    end: int


def expressions_in(node: Node) -> Iterator[Expression]:
    """The expressions written inside a scalar."""
    for found in found_in(node, _EXPRESSION):
        yield Expression(found.match[1].decode("utf-8", "replace").strip(), *found.place())


def contexts_of(text: str) -> tuple[str, ...]:
    """The contexts whose text an expression may become, in lower case with dots: "github.event.issue.title".

    An index is `*`. An operand of a comparison and what a condition only asks for are left out; a whole object is named as it
    is written. Nothing where the expression cannot be read.
    """
    tokens: list[tuple[str, str]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            return ()
        tokens.append((found.lastgroup or "", found[found.lastgroup or 0].strip()))
        position = found.end()
    return tuple(dict.fromkeys(_Parser(tokens).alternatives(0)))


class _Parser:
    """Recursive descent over the tokens; every method gives the contexts its part may become."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def sign(self) -> str:
        """The operator or bracket at hand, or nothing."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" else ""

    def alternatives(self, depth: int) -> list[str]:
        """`a || b` is either of them."""
        found = self.conjunction(depth)
        while self.sign() == "||":
            self.at += 1
            found = found + self.conjunction(depth)
        return found

    def conjunction(self, depth: int) -> list[str]:
        """`a && b` is b wherever it is anything."""
        found = self.comparison(depth)
        while self.sign() == "&&":
            self.at += 1
            found = self.comparison(depth)
        return found

    def comparison(self, depth: int) -> list[str]:
        """`a == b` is true or false."""
        found = self.operand(depth)
        while self.sign() in _COMPARISONS:
            self.at += 1
            self.operand(depth)
            found = []
        return found

    def operand(self, depth: int) -> list[str]:
        """A literal, a context, a call, `!x` or something in brackets."""
        if self.at >= len(self.tokens) or depth > _DEEPEST:
            self.at = len(self.tokens)
            return []
        kind, word = self.tokens[self.at]
        self.at += 1
        if word == "!" and kind == "sign":
            self.operand(depth + 1)
            return []
        if word == "(" and kind == "sign":
            found = self.alternatives(depth + 1)
            self.at += self.sign() == ")"
            return found
        if kind != "name":
            return []
        return self.call(word.lower(), depth) if self.sign() == "(" else self.context(word.lower(), depth)

    def call(self, name: str, depth: int) -> list[str]:
        """What a function makes of its arguments holds their text, unless it only asks something about them."""
        self.at += 1
        found: list[str] = []
        while self.at < len(self.tokens) and self.sign() != ")":
            found += self.alternatives(depth + 1)
            if self.sign() != ",":
                break
            self.at += 1
        self.at += self.sign() == ")"
        behind = self.context("", depth) != [""]
        return [] if name in _OPAQUE else [f"{path}.*" if behind else path for path in found]

    def context(self, path: str, depth: int) -> list[str]:
        """`github.event['issue'].title`, with its parts and indexes."""
        while self.sign() in (".", "["):
            bracket = self.sign() == "["
            self.at += 1
            if self.at >= len(self.tokens):
                break
            kind, word = self.tokens[self.at]
            if bracket and kind == "text":
                self.at += 1
                path += f".{word[1:-1].lower()}"
            elif bracket:
                self.alternatives(depth + 1)
                path += ".*"
            else:
                self.at += 1
                path += f".{word.lower()}"
            if bracket:
                self.at += self.sign() == "]"
        return [path]
