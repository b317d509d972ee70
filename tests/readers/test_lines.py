"""Comments of plain-text kinds."""

from __future__ import annotations

import pytest

from prodlint.facts import Comment, File, Source
from prodlint.readers import lines


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("shell", "#!/bin/sh\n# a\nls # b\necho '# no' \"# no\" $# x#y\ncat <<END\n# no\nEND\n", ["a", "b"]),
        ("makefile", "# a\nx: y # b\n", ["a", "b"]),
        ("nginx", "listen 80; # a\n", ["a"]),
        ("ignore", "# a\nx # no\n", ["a"]),
        ("sql", "-- a\nselect '-- no'; /* b\nc */ -- d\n", ["a", "b\nc", "d"]),
    ],
)
def test_comments(kind: str, text: str, expected: list[str]) -> None:
    found = list(lines.read(Source(text.encode()), File("x", kind), frozenset((Comment,))))
    assert [each.value for each in found if isinstance(each, Comment)] == expected


def test_a_heading_is_no_comment() -> None:
    from prodlint.facts import Comment, File, Source
    from prodlint.readers import lines

    source = Source(b"## prodlint: no findings\n\n<!-- prodlint: ignore[PRD101] -- sample --> words <!-- open")
    found = list(lines.read(source, File("README.md", "text"), frozenset((Comment,))))
    assert [fact.text for fact in found] == ["<!-- prodlint: ignore[PRD101] -- sample -->"]
