"""The one dialect of path patterns: that of .gitignore, wherever prodlint takes a pattern.

pathspec does the same and is the oracle of the tests, together with git itself. It is not used here because importing
it costs as much as checking a small project, and because it takes a re-included directory (`!kept/`) for everything
below it, which git does not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

_WILD = frozenset("*?[\\")

# What a line says of an entry: its number (later lines win), whether it excludes, whether it speaks of directories only.
_Rank = tuple[int, bool, bool]


class Patterns:
    """Lines of an ignore file. Nearly all real lines are names, suffixes, prefixes or paths, which need no regex."""

    __slots__ = ("_directories", "_globs", "_heads", "_names", "_paths", "_prefixes", "_regexes", "_starts", "_suffixes", "_tails", "lines")

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: tuple[str, ...] = tuple(lines)
        self._names: dict[str, list[_Rank]] = {}
        self._paths: dict[str, list[_Rank]] = {}
        self._suffixes: list[tuple[str, _Rank]] = []
        self._prefixes: list[tuple[str, _Rank]] = []
        self._regexes: list[tuple[Callable[[str], object], _Rank]] = []
        self._globs: list[tuple[str, Callable[[str], object], _Rank]] = []
        self._directories: dict[str, bool] = {}
        for number, line in enumerate(self.lines):
            self._add(number, line)
        for ranked in (*self._names.values(), *self._paths.values()):
            ranked.reverse()
        self._suffixes.reverse()
        self._prefixes.reverse()
        self._regexes.reverse()
        self._globs.reverse()
        self._tails = tuple(text for text, _ in self._suffixes)
        self._starts = tuple(text for text, _ in self._prefixes)
        self._heads = tuple(head for head, _, _ in self._globs)

    def __bool__(self) -> bool:
        return bool(self._names or self._paths or self._suffixes or self._prefixes or self._regexes or self._globs)

    def _add(self, number: int, line: str) -> None:
        read = read_line(line)
        if read is None:
            return
        body, anchored, excludes, directories_only = read
        rank = (number, excludes, directories_only)
        if not _WILD.intersection(body):
            (self._paths if anchored else self._names).setdefault(body, []).append(rank)
            return
        if not anchored:
            for alternative in _alternatives(body):
                if not _WILD.intersection(alternative):
                    self._names.setdefault(alternative, []).append(rank)
                elif alternative[0] == "*" and not _WILD.intersection(alternative[1:]):
                    self._suffixes.append((alternative[1:], rank))
                elif alternative[-1] == "*" and not _WILD.intersection(alternative[:-1]):
                    self._prefixes.append((alternative[:-1], rank))
                else:
                    self._add_regex(alternative, False, rank)
            return
        self._add_regex(body, True, rank)

    def _add_regex(self, body: str, by_path: bool, rank: _Rank) -> None:
        regex = translate(body)
        if regex is not None:
            match = re.compile(regex).fullmatch
            if by_path:
                wild = min((body.index(character) for character in _WILD if character in body), default=len(body))
                self._globs.append((body[:wild], match, rank))
            else:
                self._regexes.append((match, rank))

    def decide(self, path: str, name: str, directory: bool) -> bool | None:
        """Whether the last line that speaks of this very entry excludes it (True), takes it back (False), or none does (None).

        path: from the directory the lines belong to. Directories above the entry are not considered.
        """
        best, verdict = -1, None
        ranked = self._names.get(name)
        if ranked is not None:
            for number, excludes, directories_only in ranked:
                if directory or not directories_only:
                    best, verdict = number, excludes
                    break
        if self._paths:
            ranked = self._paths.get(path)
            if ranked is not None:
                for number, excludes, directories_only in ranked:
                    if number > best and (directory or not directories_only):
                        best, verdict = number, excludes
                        break
        if self._tails and name.endswith(self._tails):
            for text, (number, excludes, directories_only) in self._suffixes:
                if number < best:
                    break
                if name.endswith(text) and (directory or not directories_only):
                    best, verdict = number, excludes
                    break
        if self._starts and name.startswith(self._starts):
            for text, (number, excludes, directories_only) in self._prefixes:
                if number < best:
                    break
                if name.startswith(text) and (directory or not directories_only):
                    best, verdict = number, excludes
                    break
        for match, (number, excludes, directories_only) in self._regexes:
            if number < best:
                break
            if (directory or not directories_only) and match(name):
                best, verdict = number, excludes
                break
        if self._heads and path.startswith(self._heads):
            for head, match, (number, excludes, directories_only) in self._globs:
                if number < best:
                    break
                if (directory or not directories_only) and path.startswith(head) and match(path):
                    best, verdict = number, excludes
                    break
        return verdict

    def match(self, path: str) -> bool:
        """Whether the file at this path, or a directory above it, is excluded."""
        parent, _, name = path.rpartition("/")
        if parent and self._match_directory(parent):
            return True
        return self.decide(path, name, False) is True

    def _match_directory(self, path: str) -> bool:
        known = self._directories.get(path)
        if known is None:
            known, end = False, 0
            while not known and end < len(path):
                end = path.find("/", end + 1)
                end = len(path) if end == -1 else end
                part = path[:end]
                found = self._directories.get(part)
                if found is None:
                    found = self.decide(part, part[part.rfind("/") + 1 :], True) is True
                    self._directories[part] = found
                known = found
            self._directories[path] = known
        return known


def below(root: str, directory: str) -> str:
    """What the paths of a directory's files begin with, seen from a root above it: "services/api/", or nothing."""
    root, directory = root.replace(os.sep, "/").rstrip("/"), directory.replace(os.sep, "/").rstrip("/")
    return directory[len(root) + 1 :] + "/" if directory.startswith(f"{root}/") else ""


def read_line(line: str) -> tuple[str, bool, bool, bool] | None:
    """A line as (pattern, bound to the directory of the file, excludes, speaks of directories only); None for no pattern."""
    line = line.rstrip("\r\n")
    stripped = line.rstrip(" \t")
    if stripped != line and (len(stripped) - len(stripped.rstrip("\\"))) % 2:
        stripped += line[len(stripped)]  # `name\ ` keeps the blank it escapes
    if not stripped or stripped[0] == "#":
        return None
    excludes = True
    if stripped[0] == "!":
        excludes, stripped = False, stripped[1:]
    directories_only = stripped.endswith("/")
    body = stripped[:-1] if directories_only else stripped
    anchored = "/" in body
    body = body.removeprefix("/")
    if not body:
        return None
    while body.startswith("**/") and "/" not in body[3:]:
        body, anchored = body[3:], False
    return body, anchored, excludes, directories_only


def _alternatives(body: str) -> list[str]:
    """`*.py[cod]` as `*.pyc`, `*.pyo`, `*.pyd`; a pattern with a class that is not a plain list of letters stays as it is."""
    found = re.search(r"\[([A-Za-z0-9_.]{1,6})\]", body)
    if found is None or "\\" in body or body.count("[") > 2:
        return [body]
    return [
        result for character in dict.fromkeys(found[1]) for result in _alternatives(body[: found.start()] + character + body[found.end() :])
    ]


def translate(body: str) -> str | None:
    """A pattern as a regular expression for the whole path; None where it can match nothing (`[` left open).

    Each wildcard takes the shortest text that lets the literal after it match and never gives it back (a lookahead
    stands for the atomic group that Python 3.10 lacks), so a hostile pattern costs no more than a plain one.
    """
    groups = 0

    def fixed(regex: str) -> str:
        nonlocal groups
        groups += 1
        return f"(?=(?P<g{groups}>{regex}))(?P=g{groups})"

    pieces: list[list[str]] = [[]]
    parts = body.split("/")
    for index, part in enumerate(parts):
        if part == "**":
            if index == len(parts) - 1:
                pieces[-1].append("[^/]")  # `name/**`: anything below, not the directory itself
                return "".join(_joined(pieces, fixed)) + ".*"
            if len(pieces) == 1 or pieces[-1]:
                pieces.append([])
            continue
        segment = _segment(part, fixed)
        if segment is None:
            return None
        pieces[-1].append(segment + ("" if index == len(parts) - 1 else "/"))
    return "".join(_joined(pieces, fixed))


def _joined(pieces: list[list[str]], fixed: Callable[[str], str]) -> list[str]:
    last = len(pieces) - 1
    whole = ["".join(pieces[0])]
    for index, piece in enumerate(pieces[1:], 1):
        regex = "".join(piece)
        whole.append(f"(?:[^/]+/)*?{regex}" if index == last else fixed(f"(?:[^/]+/)*?{regex}"))
    return whole


def _segment(text: str, fixed: Callable[[str], str]) -> str | None:
    """One part of a path as a regular expression."""
    chunks: list[str] = []
    literal: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "*":
            chunks.append("".join(literal))
            literal = []
            while text[position : position + 1] == "*":
                position += 1
        elif character == "?":
            literal.append("[^/]")
        elif character == "\\":
            if position == len(text):
                return None
            literal.append(re.escape(text[position]))
            position += 1
        elif character == "[":
            read = _class(text, position)
            if read is None:
                return None
            regex, position = read
            literal.append(regex)
        else:
            literal.append(re.escape(character))
    if not chunks:
        return "".join(literal)
    regex = chunks[0]
    for chunk in chunks[1:]:
        regex += fixed(f"[^/]*?{chunk}")
    # A star at the start of a part may be empty, a part may not.
    start = "(?!/|$)" if not chunks[0] else ""
    return f"{start}{regex}[^/]*{''.join(literal)}"


_CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
}


def _class(text: str, position: int) -> tuple[str, int] | None:
    """The class that opens before `position`, and where it ends; None where it never closes or is out of order."""
    negated = text[position : position + 1] in ("!", "^")
    position += negated
    inside: list[str] = []
    first = True
    while position < len(text) and (text[position] != "]" or first):
        first = False
        if text.startswith("[:", position) and (close := text.find(":]", position)) != -1:
            named = _CLASSES.get(text[position + 2 : close])
            if named is None:
                return None
            inside.append(named)
            position = close + 2
            continue
        low, position = _member(text, position)
        if text[position : position + 1] == "-" and text[position + 1 : position + 2] not in ("]", ""):
            high, position = _member(text, position + 1)
            if low <= high:
                inside.append(f"{re.escape(low)}-{re.escape(high)}")
            continue
        inside.append(re.escape(low))
    if position >= len(text):
        return None
    members = "".join(inside)
    if negated:
        return f"[^/{members}]", position + 1
    return (f"(?!/)[{members}]" if members else "(?!)"), position + 1


def _member(text: str, position: int) -> tuple[str, int]:
    if text[position] == "\\" and position + 1 < len(text):
        return text[position + 1], position + 2
    return text[position], position + 1
