"""Second looks at the bytes: is an anchor's hit really what a check is after, before the file is parsed?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Gate = Callable[[bytes, Sequence[tuple[bytes, int]]], bool]


def gate_at(pattern: bytes) -> Gate:
    """A gate that holds where one of the anchors' hits begins what the pattern describes.

    The pattern is tried at the hits alone, so it must begin with the anchor; it must be bounded.
    """
    compiled = re.compile(pattern)

    def gate(data: bytes, hits: Sequence[tuple[bytes, int]]) -> bool:
        return any(compiled.match(data, offset) for _, offset in hits)

    return gate
