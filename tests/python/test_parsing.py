"""A text that was edited gives what it would give if nobody had seen an earlier one: the same tree, and the same refusal."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tree_sitter

from prodlint.facts import Source
from prodlint.project.snapshot import Snapshot
from prodlint.python import syntax
from prodlint.python.parsing import changed_statements, difference, for_later, parsed
from tests.conftest import ROOT

TEXT = (ROOT / "prodlint" / "python" / "layout.py").read_bytes()


def after(text: bytes, earlier: Source) -> Source:
    """A text as the server gets it: behind another one of the same file."""
    source = Source(text)
    kept = for_later(earlier)
    if kept is not None:
        source.derived["earlier"] = kept
    return source


def seen(text: bytes) -> Source:
    """A text that was looked at."""
    source = Source(text)
    syntax.refusal(source)
    parsed(source)
    return source


def shape(node: tree_sitter.Node) -> tuple[object, ...]:
    place = (node.type, node.start_byte, node.end_byte, tuple(node.start_point), tuple(node.end_point), node.is_extra, node.has_error)
    return (*place, *(shape(child) for child in node.children))


@pytest.mark.parametrize("seed", range(4))
def test_edits_one_after_another_give_the_same_tree_and_the_same_refusal(seed: int) -> None:
    chosen = random.Random(seed)
    text, source = TEXT, seen(TEXT)
    pieces = [
        b"x = 1\n",
        b"    ",
        b"\n",
        b"(",
        b")",
        b'"""',
        b"def f():\n    return 1\n\n\n",
        b"# note\n",
        b"\xc3\xa9",
        b"else:\n",
        b"global a\n",
        b"",
    ]
    kept = 0
    for step in range(25):
        start = chosen.choice([chosen.randrange(len(text)), text.find(b"\n", chosen.randrange(len(text))) + 1])
        end = min(len(text), start + chosen.choice([0, 0, 1, 5, 200]))
        text = TEXT if step % 5 == 4 else text[:start] + chosen.choice(pieces) + text[end:]
        source = after(text, source)
        kept += "earlier" in source.derived
        assert syntax.refusal(source) == syntax.refusal(Source(text))
        assert shape(parsed(source).tree.root_node) == shape(parsed(Source(text)).tree.root_node)
    assert kept == 25


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (b"a = 1\nb = 2\nc = 3\n", b"a = 1\nb = 22\nc = 3\n", b"b = 22\n"),
        (b"def f():\n    return 1\n\n\ng()\n", b"def f():\n    return 2\n\n\ng()\n", b"def f():\n    return 2\n\n\n"),
        (b"a = 1\nc = 3\n", b"a = 1\nb = 2\nc = 3\n", b"b = 2\n"),
        (b"a = 1; b = 2\nc = 3\n", b"a = 1; b = 5\nc = 3\n", b"a = 1; b = 5\n"),
        (b"from __future__ import annotations\na = 1\n", b"from __future__ import annotations\na = 2\n", None),
        (b"a = 1\nif b:\n    global c\n", b"a = 2\nif b:\n    global c\n", None),
        (b"a = 1\nb = 2\n", b"a = (\nb = 2\n", None),
    ],
)
def test_what_is_looked_at_again(before: bytes, now: bytes, changed: bytes | None) -> None:
    assert changed_statements(after(now, seen(before))) == changed


def test_a_refusal_is_found_where_only_the_rest_makes_it_one() -> None:
    before = seen(b"a = 1\nprint(b)\nglobal b\n".replace(b"print(b)", b"print(a)"))
    found = syntax.refusal(after(b"a = 1\nprint(b)\nglobal b\n", before))
    assert found is not None and "global" in found.why
    moved = syntax.refusal(after(b"x = 1\nfrom __future__ import annotations\n", seen(b"from __future__ import annotations\n")))
    assert moved is not None and "__future__" in moved.why


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (b"abc", b"abc", (3, 3, 3)),
        (b"aa", b"aaa", (2, 3, 2)),
        (b"abcd", b"axd", (1, 2, 3)),
        (b"", b"xyz", (0, 3, 0)),
        (b"same" * 100 + b"x" + b"same" * 100, b"same" * 100 + b"yy" + b"same" * 100, (400, 402, 401)),
    ],
)
def test_where_texts_differ(before: bytes, after: bytes, found: tuple[int, int, int]) -> None:
    assert difference(before, after) == found


def test_one_earlier_text_is_kept_and_no_more(tmp_path: Path) -> None:
    path, snapshot = str(tmp_path / "a.py"), Snapshot(str(tmp_path))
    snapshot.keep(path, TEXT)
    for number in range(5):
        source = snapshot.document(path).source("python")
        syntax.refusal(source)
        parsed(source)
        assert snapshot.renew(path, TEXT + b"x = %d\n" % number)
    source = snapshot.document(path).source("python")
    earlier = parsed(source).earlier
    assert earlier is not None and earlier.data == TEXT + b"x = 3\n" and earlier.earlier is None
