"""Which top-level statements of a Python file are worth parsing: those that hold an required literal, and the imports.

Parsing takes three quarters of the time of a cold run, and most of a file is seldom looked at (measured on four services:
a quarter of the bytes). The cut is made on bytes alone and may be wrong, inside a string that holds lines like code, say;
a region that is cut wrong does not parse, and then the whole file is parsed instead.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# Triple quotes, and the first character of a line that may begin a statement at the top level; `else` and its kin go on with
# the statement before them.
_TOKEN = re.compile(rb"\"\"\"|'''|\n(?=(?!else\b|elif\b|except\b|finally\b)[A-Za-z_@])")

# The same for the statements of a class body, indented by four blanks or a tab.
_MEMBER = re.compile(rb"\"\"\"|'''|\n(?: {4}|\t)(?=(?!else\b|elif\b|except\b|finally\b)[A-Za-z_@])")
# Classes below this size are taken whole.
_LARGE_CLASS = 1500

# Above this share of a file the cut saves nothing.
_WORTH = 0.9
# Small files are parsed whole: finding the regions costs as much.
SMALL = 1500


def has_partial(data: bytes) -> bool:
    """Whether functions may be bound by `functools.partial`."""
    return b"partial" in data and b"functools" in data


_BOUND = re.compile(rb"partial\(\s*[\w.]*?(\w+)\s*[,)]")


def bound_by_partial(data: bytes) -> set[bytes]:
    """The last parts of the names that `functools.partial` binds in a file, as they are written."""
    return set(_BOUND.findall(data)) if has_partial(data) else set()


def top_level_starts(data: bytes) -> list[int]:
    """Byte offsets at which top-level statements may begin, decorators with what they decorate."""
    starts = [0]
    inside = b""
    decorated = data.startswith(b"@")
    for match in _TOKEN.finditer(data):
        token = match.group()
        if token == b"\n":
            if inside:
                continue
            offset = match.end()
            if not decorated:
                starts.append(offset)
            decorated = data[offset] == 64  # @
        elif not inside:
            inside = token
        elif token == inside:
            inside = b""
    return starts


def regions(data: bytes, offsets: Sequence[int]) -> list[tuple[int, int]] | None:
    """The byte ranges to parse for these required literals, in order and joined; None where the whole file is."""
    if len(data) < SMALL:
        return None
    starts = top_level_starts(data)
    wanted = {bisect_right(starts, offset) - 1 for offset in offsets}
    for index, start in enumerate(starts):
        head = data[start : start + 7]
        if (
            head.startswith((b"import ", b"from "))
            or (index == 0 and b"import" in data[: starts[1] if len(starts) > 1 else len(data)])
            or data[start] not in b"@d\"'"
            and not head.startswith((b"class ", b"async "))
            and _is_short_binding(data, start, starts, index)
            or head.startswith((b"if ", b"try:"))
            and b"import" in data[start : starts[index + 1] if index + 1 < len(starts) else len(data)]
        ):
            wanted.add(index)
    ends = [*starts[1:], len(data)]
    found: list[tuple[int, int]] = []
    total = 0
    for index in sorted(wanted):
        for start, end in _members(data, starts[index], ends[index], offsets):
            total += end - start
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
    return found if total < len(data) * _WORTH else None


def _is_short_binding(data: bytes, start: int, starts: Sequence[int], index: int) -> bool:
    """`client = httpx.Client()` at the top level: what names elsewhere in the file stand for."""
    end = starts[index + 1] if index + 1 < len(starts) else len(data)
    return end - start < 300 and data.find(b"=", start, end) != -1


def _members(data: bytes, start: int, end: int, offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Of a large class its header and the members that hold an required literal; anything else whole."""
    if end - start < _LARGE_CLASS:
        return [(start, end)]
    line = data.find(b"class ", start, end) if data[start] == 64 else start
    if line == -1 or not data.startswith(b"class ", line) or (line > start and data[line - 1] != 10):
        return [(start, end)]
    header = data.find(b":\n", line, end)
    if header == -1:
        return [(start, end)]
    starts = [start]
    inside = b""
    decorated = False
    for match in _MEMBER.finditer(data, header, end):
        token = match.group()
        if token[0] == 10:
            if not inside:
                if not decorated:
                    starts.append(match.start() + 1)
                decorated = data[match.end()] == 64
        elif not inside:
            inside = token
        elif token == inside:
            inside = b""
    if len(starts) < 3:
        return [(start, end)]
    first, last = bisect_left(offsets, start), bisect_left(offsets, end)
    wanted = {0} | {bisect_right(starts, offset) - 1 for offset in offsets[first:last]}
    # `self.client = Client()` of the constructor, and what the class itself binds
    for index, member in enumerate(starts):
        following = starts[index + 1] if index + 1 < len(starts) else end
        body = data[member : member + 24].lstrip()
        if body.startswith(b"def __init__(") or (following - member < 300 and not body.startswith((b"def ", b"async ", b"@"))):
            wanted.add(index)
    if len(wanted) == 1:
        wanted.add(1)  # a class needs a body
    ends = [*starts[1:], end]
    return [(starts[index], ends[index]) for index in sorted(wanted)]
