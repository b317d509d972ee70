"""What is written inside of a document's scalar, whatever quotes and escapes it is written with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.facts import Node


@dataclass(frozen=True, slots=True)
class Found:
    """What a pattern found in a scalar. at: where the search for its parts begins in the file, or -1 where the match itself has its place there."""

    match: re.Match[bytes]
    node: Node
    at: int = -1

    def place(self, group: int = 0) -> tuple[int, int]:
        """Where a group stands in the file; the whole scalar where it is written there with escapes."""
        if self.at == -1:
            return self.match.span(group)
        start = self.node.source.data.find(self.match[group], self.at, self.node.end)
        return (start, start + len(self.match[group])) if start != -1 else (self.node.start, self.node.end)


def found_in(node: Node, pattern: re.Pattern[bytes]) -> Iterator[Found]:
    """The places in a scalar where a pattern matches: of its text in the file, or of its value where quotes in it are written with escapes."""
    data = node.source.data
    if not node.quoted or data.find(b"\\", node.start, node.end) == -1 and data.find(b"''", node.start, node.end) == -1:
        yield from (Found(match, node) for match in pattern.finditer(data, node.start, node.end))
    else:
        yield from lines_found_in(node, pattern)


def lines_found_in(node: Node, pattern: re.Pattern[bytes]) -> Iterator[Found]:
    """The same of a pattern that asks where a line begins or ends: it is the value that has lines."""
    at = node.start
    for match in pattern.finditer(node.raw.encode("utf-8", "replace")):
        yield Found(match, node, at)
        following = node.source.data.find(match[0], at, node.end)
        at = following + 1 if following != -1 else at
