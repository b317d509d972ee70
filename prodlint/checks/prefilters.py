"""Second looks at the bytes: is an required literal's hit really what a check is after, before the file is parsed?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Prefilter = Callable[[bytes, Sequence[tuple[bytes, int]]], list[int]]


def prefilter_regex(pattern: bytes) -> Prefilter:
    """A prefilter that lets those of the required literals' hits pass that begin what the pattern describes.

    The pattern is tried at the hits alone, so it must begin with the required literal; it must be bounded.
    """
    compiled = re.compile(pattern)

    def prefilter(data: bytes, hits: Sequence[tuple[bytes, int]]) -> list[int]:
        return [offset for _, offset in hits if compiled.match(data, offset)]

    return prefilter


def on_imports(data: bytes, hits: Sequence[tuple[bytes, int]]) -> list[int]:
    """A prefilter for checks of imports: the hits on lines that import something."""
    kept = []
    for _, offset in hits:
        line_end = data.find(b"\n", offset)
        line = data[data.rfind(b"\n", 0, offset) + 1 : line_end if line_end != -1 else len(data)]
        if b"import" in line:
            kept.append(offset)
    return kept


_AWAITED = re.compile(rb"\bawait\s+[\w.]*\Z")


def not_awaited(data: bytes, hits: Sequence[tuple[bytes, int]]) -> list[int]:
    """A prefilter for checks of calls that block: the calls that are not awaited themselves."""
    return [offset for _, offset in hits if _AWAITED.search(data, max(0, offset - 80), offset) is None]
