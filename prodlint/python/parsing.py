"""Bytes to a syntax tree, without the inputs that the grammar's scanner is slow on; of a text that was edited, with what an earlier one has in common with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import tree_sitter

from prodlint.facts import Source
from prodlint.python.grammar import LANGUAGE, kind

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


@dataclass(slots=True)
class Parsed:
    """A text with its tree.

    left_out: the byte ranges of comments that are left out of the tree: the rest of runs of lines that are very long, and where the grammar
    cannot do with its layout those inside brackets. Rows and columns of nodes mean nothing there; offsets do. is_plain: nothing is left out, and
    nothing is wrong. is_sound: it is known that the interpreter takes the text as it stands. earlier: an earlier text of the file that was plain
    and sound.
    """

    data: bytes
    tree: tree_sitter.Tree
    left_out: list[tuple[int, int]]
    is_plain: bool
    is_sound: bool = False
    earlier: Parsed | None = None


def parsed(source: Source) -> Parsed:
    """A file's text with its tree, parsed once however many ask."""
    found = source.derived.get("parsed")
    if not isinstance(found, Parsed):
        earlier = source.derived.pop("earlier", None)
        found = source.derived["parsed"] = _parsed_with(source.data, earlier if isinstance(earlier, Parsed) else None)
        found.is_sound = bool(source.derived.pop("sound", False))
    return found


def note_sound(source: Source) -> None:
    """The interpreter takes a text as it stands."""
    found = source.derived.get("parsed")
    if isinstance(found, Parsed):
        found.is_sound = True
    else:
        source.derived["sound"] = True


def has_earlier(source: Source) -> bool:
    """Whether an earlier text of the file is known."""
    found = source.derived.get("parsed")
    return "earlier" in source.derived if not isinstance(found, Parsed) else found.earlier is not None


def for_later(source: Source) -> Parsed | None:
    """What is worth keeping of a text for the next one of the file."""
    found = source.derived.get("parsed")
    earlier = source.derived.get("earlier")
    if isinstance(found, Parsed):
        earlier = found if found.is_plain and found.is_sound else found.earlier
        found.earlier = None
    return earlier if isinstance(earlier, Parsed) else None


def _parsed_with(data: bytes, earlier: Parsed | None) -> Parsed:
    if earlier is not None:
        tree = _edited(data, earlier)
        # What the grammar makes of an error depends on where it begins to look; and what is left out is not known to the earlier tree.
        if not tree.root_node.has_error and not _rest_of_long_runs(data):
            return Parsed(data, tree, [], True, earlier=earlier)
    tree, left_out = _parsed(data)
    if tree.root_node.has_error:
        plain, comments = _without_layout(data)
        other = tree_sitter.Parser(LANGUAGE).parse(plain)
        if not other.root_node.has_error:
            return Parsed(data, other, comments, False, earlier=earlier)
    return Parsed(data, tree, left_out, not left_out and not tree.root_node.has_error, earlier=earlier)


def _edited(data: bytes, earlier: Parsed) -> tree_sitter.Tree:
    """The tree of a text, with what it has in common with an earlier one taken from there."""
    start, end, earlier_end = difference(earlier.data, data)
    tree = earlier.tree.copy()
    tree.edit(start, earlier_end, end, _point(data, start), _point(earlier.data, earlier_end), _point(data, end))
    return tree_sitter.Parser(LANGUAGE).parse(data, tree)


def difference(before: bytes, after: bytes) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where in the second and in the first one they are the same again."""
    start = _common(before, after, min(len(before), len(after)), 1)
    rest = _common(before, after, min(len(before), len(after)) - start, -1)
    return start, len(after) - rest, len(before) - rest


def _common(one: bytes, other: bytes, most: int, direction: int) -> int:
    """How many bytes are the same from the beginning (1) or from the end (-1), in a few comparisons of large pieces."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if direction == 1:
            same = one[low:middle] == other[low:middle]
        else:
            same = one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _point(data: bytes, offset: int) -> tree_sitter.Point:
    point: tree_sitter.Point = tree_sitter.Point(data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1))
    return point


_DEFINITIONS = frozenset(kind(name) for name in ("function_definition", "class_definition", "decorated_definition"))


def changed_statements(source: Source) -> bytes | None:
    """Where an earlier text of the file was sound: the module's own statements that are others now, if no other statement of it can have
    become wrong by that. None where all of it has to be looked at."""
    now = parsed(source)
    earlier = now.earlier
    if earlier is None or not now.is_plain or b"__future__" in now.data or b"__future__" in earlier.data:
        return None
    start, end, earlier_end = difference(earlier.data, now.data)
    children = now.tree.root_node.children
    # What a module declares as global it must not have used before.
    if any(child.kind_id not in _DEFINITIONS and b"global" in now.data[child.start_byte : child.end_byte] for child in children):
        return None
    later, before = _beginnings(now.data, children), _beginnings(earlier.data, earlier.tree.root_node.children)
    first = max((place for place in later & before if place <= start), default=0)
    moved = len(now.data) - len(earlier.data)
    last = min(
        (place for place in later if place >= end and place - moved >= earlier_end and place - moved in before), default=len(now.data)
    )
    return now.data[first:last]


def _beginnings(data: bytes, children: list[tree_sitter.Node]) -> set[int]:
    """Where statements begin that have a line to themselves."""
    starts = (child.start_byte for child in children if not child.is_extra)
    return {start for start in starts if start == 0 or data[start - 1 : start] == b"\n"}


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
