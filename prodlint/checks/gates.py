"""Second looks at the bytes: is an anchor's hit really what a check is after, before the file is parsed?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Gate = Callable[[bytes, Sequence[tuple[bytes, int]]], list[int]]


def gate_at(pattern: bytes) -> Gate:
    """A gate that lets those of the anchors' hits pass that begin what the pattern describes.

    The pattern is tried at the hits alone, so it must begin with the anchor; it must be bounded.
    """
    compiled = re.compile(pattern)

    def gate(data: bytes, hits: Sequence[tuple[bytes, int]]) -> list[int]:
        return [offset for _, offset in hits if compiled.match(data, offset)]

    return gate
