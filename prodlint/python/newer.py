"""Python of later versions than the one that runs, written as older Python of the same length: every line and column stays where it is.

What is known: type parameters and `type` statements (PEP 695, Python 3.12), what may stand in an f-string since 3.12 (PEP 701), defaults of
type parameters (PEP 696, 3.13), `except A, B:` and t-strings (PEP 758 and 750, 3.14), `lazy import` and unpacking in comprehensions (PEP 810
and 798, 3.15); and for an interpreter of 3.10 `except*` and `*` in a subscript (PEP 654 and 646).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d[\w.]*")
_LINE_END = re.compile(r"[\r\n]|\Z")
# What may stand before a quote.
_PREFIX = re.compile(r"(?i:[rbuft]|br|rb|fr|rf|tr|rt)?(?=[\"'])")
_QUOTE = re.compile(r"\"\"\"|'''|\"|'")
# How deep strings may stand within fields of strings before nobody can have written it.
_DEEPEST = 20


class _Unfinished(Exception):
    """A string that does not end, or not as one would have it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A name, a number, a string with its prefix, the end of a line, or a single other character; comments and blanks are left out.

    is_newer: a string that Python reads to its end since 3.12 only.
    """

    kind: Literal["name", "number", "string", "newline", "other"]
    start: int
    end: int
    is_newer: bool = False


def tokens(text: str, until: int | None = None) -> Iterator[Token]:
    """The tokens of a text as the newest Python reads it, up to a place, or to where a string begins that does not end."""
    at, size = 0, len(text) if until is None else min(until, len(text))
    while at < size:
        character = text[at]
        if character in " \t\f":
            at += 1
        elif character == "\\" and text[at + 1 : at + 2] in ("\n", "\r"):
            at += 3 if text.startswith("\r\n", at + 1) else 2
        elif character in "\r\n":
            yield Token("newline", at, at + 1)
            at += 1
        elif character == "#":
            at = _end_of_line(text, at)
        elif prefix := _PREFIX.match(text, at):
            try:
                end, is_newer = _string(text, at, prefix.end(), 0)
            except _Unfinished:
                return
            yield Token("string", at, end, is_newer)
            at = end
        elif found := _NAME.match(text, at) or _NUMBER.match(text, at):
            yield Token("name" if found.re is _NAME else "number", at, found.end())
            at = found.end()
        else:
            yield Token("other", at, at + 1)
            at += 1


def _end_of_line(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.start() if found else len(text)


def _string(text: str, start: int, at: int, depth: int) -> tuple[int, bool]:
    """Where the string ends whose quotes begin at a place, and whether older versions would end it elsewhere or refuse it."""
    found = _QUOTE.match(text, at)
    assert found is not None
    quote, prefix = found[0], text[start:at].lower()
    has_fields = "f" in prefix or "t" in prefix
    at, is_newer = found.end(), False
    while at < len(text):
        character = text[at]
        if text.startswith(quote, at):
            return at + len(quote), is_newer
        if character == "\\":
            if has_fields and text.startswith("\\N{", at) and "r" not in prefix:
                at = text.find("}", at)
                if at == -1:
                    raise _Unfinished
            at += 1 if has_fields and text.startswith("{", at + 1) else 2
        elif character in "\r\n" and len(quote) == 1:
            raise _Unfinished
        elif has_fields and character == "{":
            if text.startswith("{", at + 1):
                at += 2
                continue
            end, is_within = _field(text, at + 1, quote, depth)
            inside = text[at + 1 : end]
            is_newer |= (
                is_within or quote in inside or "\\" in inside or "#" in inside or (len(quote) == 1 and ("\n" in inside or "\r" in inside))
            )
            at = end
        else:
            at += 1
    raise _Unfinished


def _field(text: str, at: int, quote: str, depth: int) -> tuple[int, bool]:
    """Where the replacement field ends (behind its brace) whose expression begins at a place, and whether a string in it is a newer one."""
    if depth > _DEEPEST:
        raise _Unfinished
    is_newer = False
    closing: list[str] = []
    while at < len(text):
        character = text[at]
        if prefix := _PREFIX.match(text, at):
            at, is_within = _string(text, at, prefix.end(), depth + 1)
            is_newer |= is_within
        elif name := _NAME.match(text, at):
            at = name.end()
        elif character == "#":
            at = _end_of_line(text, at)
        elif character in "([{":
            closing.append(")]}"["([{".index(character)])
            at += 1
        elif closing and character == closing[-1]:
            closing.pop()
            at += 1
        elif character in ")]}":
            if closing or character != "}":
                raise _Unfinished
            return at + 1, is_newer
        elif character == ":" and not closing:
            end, is_within = _format(text, at + 1, quote, depth)
            return end, is_newer or is_within
        else:
            at += 1
    raise _Unfinished


def _format(text: str, at: int, quote: str, depth: int) -> tuple[int, bool]:
    """The same behind the colon, where text and further fields stand."""
    is_newer = False
    while at < len(text):
        if text.startswith(quote, at) or (text[at] in "\r\n" and len(quote) == 1):
            raise _Unfinished
        if text[at] == "{":
            at, is_within = _field(text, at + 1, quote, depth + 1)
            is_newer |= is_within
        elif text[at] == "}":
            return at + 1, is_newer
        else:
            at += 1
    raise _Unfinished


# ---------------------------------------------------------------- written as older Python


@dataclass(slots=True)
class _Bracket:
    """An open bracket: which token it is, the stars right behind it, and whether a comma was seen within."""

    token: int
    stars: list[Token] = field(default_factory=list)
    has_comma: bool = False


@dataclass(slots=True)
class _Rewriting:
    text: str
    tokens: Sequence[Token]
    version: tuple[int, int]
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def word(self, index: int) -> str:
        """A token's text; nothing behind the last one."""
        return self.text[self.tokens[index].start : self.tokens[index].end] if 0 <= index < len(self.tokens) else ""

    def is_name(self, index: int) -> bool:
        return index < len(self.tokens) and self.tokens[index].kind == "name"

    def blank(self, start: int, end: int) -> None:
        """Put blanks in a text's place; its line ends stay."""
        self.edits.append((start, end, _blanks(self.text[start:end])))

    def all(self) -> str:
        """Every newer construct written as an older one."""
        open_: list[_Bracket] = []
        begins = True
        for index, token in enumerate(self.tokens):
            word = self.word(index)
            if token.kind == "string":
                self._string(token)
            elif token.kind == "name":
                self._named(index, word, begins and not open_)
                if word == "for" and open_ and not open_[-1].has_comma and self.version < (3, 15):
                    for star in open_[-1].stars:
                        self.blank(star.start, star.end)
            elif word in ("(", "[", "{"):
                open_.append(_Bracket(index, self._stars(index)))
            elif word in (")", "]", "}"):
                if open_:
                    open_.pop()
            elif word == "," and open_:
                open_[-1].has_comma = True
            if word == "*" and self.version < (3, 11) and self._is_unpacked_type(index, open_):
                self.blank(token.start, token.end)
            begins = token.kind == "newline" or word in (";", ":") or (begins and word == "")
        return self._written()

    def _stars(self, bracket: int) -> list[Token]:
        """The stars of `[*each for each in ...]` and of `{**each for ...}`: not those of a call's arguments."""
        before = self.tokens[bracket - 1] if bracket else None
        if before is not None and (before.kind == "name" or self.word(bracket - 1) in (")", "]")) and self.word(bracket) == "(":
            return []
        stars: list[Token] = []
        while self.word(bracket + 1 + len(stars)) == "*" and len(stars) < 2:
            stars.append(self.tokens[bracket + 1 + len(stars)])
        return stars

    def _is_unpacked_type(self, star: int, open_: Sequence[_Bracket]) -> bool:
        """`Array[*Shape]` and `*arguments: *Types`."""
        before = self.word(star - 1)
        inside = self.word(open_[-1].token) if open_ else ""
        return (before in ("[", ",") and inside == "[") or (before == ":" and inside == "(")

    def _string(self, token: Token) -> None:
        prefix = self.text[token.start : token.start + 2].lower().partition('"')[0].partition("'")[0]
        if (token.is_newer and self.version < (3, 12)) or ("t" in prefix and self.version < (3, 14)):
            whole = self.text[token.start : token.end]
            made = '"""' + _blanks(whole[3:-3]) + '"""' if len(whole) >= 6 else '""' + " " * (len(whole) - 2)
            self.edits.append((token.start, token.end, made))

    def _named(self, index: int, word: str, begins: bool) -> None:
        if word in ("def", "class") and self.is_name(index + 1) and self.version < (3, 13):
            self._type_parameters(index + 2)
        elif not begins:
            return
        elif word == "type" and self.is_name(index + 1) and self.word(index + 2) in ("=", "[") and self.version < (3, 13):
            if self.version < (3, 12):
                # One name, so that the indentation stays: `type Price = int` is `type_Price = int`.
                start, end = self.tokens[index].end, self.tokens[index + 1].start
                self.edits.append((start, end, "_" * (end - start)))
            self._type_parameters(index + 2)
        elif word == "lazy" and self.word(index + 1) in ("import", "from") and self.version < (3, 15):
            start = self.tokens[index].end
            self.edits.append((start, start + 1, ";"))
        elif word == "except":
            self._handler(index + 1)

    def _type_parameters(self, index: int) -> None:
        if self.word(index) != "[":
            return
        depth = 0
        for at in range(index, len(self.tokens)):
            depth += {"[": 1, "]": -1}.get(self.word(at), 0)
            if depth == 0:
                self._without(index, at)
                return

    def _without(self, first: int, last: int) -> None:
        """Type parameters between two brackets are taken away. Over several lines a bracket has to stay, or the statement would end."""
        start, end = self.tokens[first].start, self.tokens[last].end
        inside = _blanks(self.text[start + 1 : end - 1])
        if "\n" not in inside and "\r" not in inside:
            self.blank(start, end)
        elif self.word(last + 1) == "=":  # a `type` statement: what is subscripted may be assigned to
            self.edits.append((start, end, f"[{_with_zero(inside)}]"))
        elif self.word(last + 1) == "(":  # `class A[T](Base):` is `class A(   Base):`
            self.edits.append((start, self.tokens[last + 1].end, f"({inside}" + " " + _blanks(self.text[end : self.tokens[last + 1].end])))
        else:
            self.edits.append((start, end, f"({inside})"))

    def _handler(self, index: int) -> None:
        """`except* E:`, and `except A, B:` of classes; `except E, error:` is Python 2."""
        if self.word(index) == "*" and self.version < (3, 11):
            self.blank(self.tokens[index].start, self.tokens[index].end)
        commas: list[Token] = []
        depth, at = 0, index
        while at < len(self.tokens) and (depth or self.word(at) != ":"):
            word, token = self.word(at), self.tokens[at]
            depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
            if depth == 0 and word == ",":
                commas.append(token)
            is_last_part = token.kind == "name" and self.word(at + 1) != "."
            if word == "as" or token.kind == "newline" or (depth == 0 and is_last_part and not word.lstrip("_")[:1].isupper()):
                return
            at += 1
        if self.version < (3, 14):
            self.edits.extend((comma.start, comma.end, "|") for comma in commas)

    def _written(self) -> str:
        pieces, last = [], 0
        for start, end, made in sorted(self.edits):
            if start >= last:
                pieces += [self.text[last:start], made]
                last = end
        return "".join([*pieces, self.text[last:]])


def _with_zero(blanks: str) -> str:
    """Blanks and line ends with one number among them."""
    at = max(blanks.rfind(" "), 0)
    return blanks[:at] + "0" + blanks[at + 1 :]


def _blanks(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def as_older(text: str, version: tuple[int, int] = sys.version_info[:2]) -> str:
    """The text as an interpreter of this version reads it: the same text where it holds nothing newer."""
    return _Rewriting(text, list(tokens(text)), version).all()


# ---------------------------------------------------------------- what is Python only once something is filled in

# Jinja, Django and Mako: nothing of it can stand in Python outside a string. (`f{{name}}` has lost its quotes.)
_MARK = re.compile(r"\{%|(?<!\b[fF])\{\{[-+]?\s{0,4}[\w.]|<%|\$\{[A-Za-z_]")


def is_template(text: str, until: int) -> bool:
    """Whether marks of a template stand outside strings and comments before a place."""
    return any(token.kind == "other" and _MARK.match(text, token.start) is not None for token in tokens(text, until))
