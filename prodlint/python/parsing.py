"""Bytes to a syntax tree, without the inputs that the grammar's scanner is slow on."""

from __future__ import annotations

import re

import tree_sitter

from prodlint.python.grammar import LANGUAGE

_COMMENT_LINES = re.compile(rb"^(?:[ \t]*#[^\n]*(?:\n|\Z))+", re.MULTILINE)
# Behind each comment the grammar's scanner looks over all that follow: 8,000 in a row cost 20 s, a hundred nothing.
_LONGEST_RUN = 200
_KEPT_OF_RUN = 100


# Strings, comments, ends of lines and brackets; all else needs no look.
_LEXED = re.compile(
    rb'"""(?:[^"\\]|\\.|"(?!""))*"""'
    rb"|'''(?:[^'\\]|\\.|'(?!''))*'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*|\\?\n|[()\[\]{}]",
    re.DOTALL,
)


def parsed(data: bytes) -> tuple[tree_sitter.Tree, list[tuple[int, int]]]:
    """The tree of a file, and the byte ranges of comments that are left out of it: the rest of runs of lines that are very long, and where the
    grammar cannot do with its layout those inside brackets. Rows and columns of nodes mean nothing there; offsets do."""
    tree, left_out = _parsed(data)
    if tree.root_node.has_error:
        plain, comments = _without_layout(data)
        other = tree_sitter.Parser(LANGUAGE).parse(plain)
        if not other.root_node.has_error:
            return other, comments
    return tree, left_out


def _without_layout(data: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """The same bytes with each statement on one line: blanks for continued lines, and for the comments and ends of lines inside brackets.
    And where these comments were.

    The grammar loses count of brackets at `f(a=` and `with f(` where the next line is indented less than the block around, and ends the block.
    """
    pieces: list[bytes] = []
    comments: list[tuple[int, int]] = []
    end = depth = 0
    for found in _LEXED.finditer(data):
        first = found[0][:1]
        if first in b"([{":
            depth += 1
        elif first in b")]}":
            depth = max(depth - 1, 0)
        elif first == b"\\" or (depth and first in b"#\n"):
            pieces += data[end : found.start()], b" " * len(found[0])
            end = found.end()
            if first == b"#":
                comments.append(found.span())
    return b"".join((*pieces, data[end:])), comments


def _parsed(data: bytes) -> tuple[tree_sitter.Tree, list[tuple[int, int]]]:
    left_out = _rest_of_long_runs(data) if data.count(b"#") > _LONGEST_RUN else []
    parser = tree_sitter.Parser(LANGUAGE)
    if left_out:
        bounds = [0, *(place for run in left_out for place in run), len(data)]
        points = [tree_sitter.Point(data.count(b"\n", 0, place), 0) for place in bounds[:-1]]
        points.append(tree_sitter.Point(data.count(b"\n"), len(data) - (data.rfind(b"\n") + 1)))
        pairs = list(zip(points, bounds, strict=True))
        parser.included_ranges = [
            tree_sitter.Range(first, last, start, end) for (first, start), (last, end) in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        tree = parser.parse(data)
        # Lines that look like comments may be those of a string.
        if not any(_is_in_string(tree.root_node, start) for start, _ in left_out):
            return tree, left_out
        parser = tree_sitter.Parser(LANGUAGE)
    return parser.parse(data), []


def _rest_of_long_runs(data: bytes) -> list[tuple[int, int]]:
    found = []
    for run in _COMMENT_LINES.finditer(data):
        if run[0].count(b"\n") > _LONGEST_RUN:
            start = run.start()
            for _ in range(_KEPT_OF_RUN):
                start = data.index(b"\n", start) + 1
            found.append((start, run.end()))
    return found


def _is_in_string(root: tree_sitter.Node, offset: int) -> bool:
    node = root.descendant_for_byte_range(offset - 1, offset + 1)
    return node is not None and node.type in ("string_content", "string", "ERROR")
