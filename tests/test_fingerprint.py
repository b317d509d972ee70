"""Fingerprints: bound to content, different for equal neighbours, the same after lines move."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from prodlint.fingerprint import Identity, answered, fingerprints, line_hashes, place_order
from prodlint.model import Finding, Span
from tests.limits import cpu_limit

FINDING = Finding("app/a.py", Span(3, 5, 3, 20), "PRD201", "A message", "P0", symbol="load", content="except:")


def test_moving_a_finding_keeps_its_fingerprint() -> None:
    moved = replace(FINDING, span=Span(300, 9, 300, 24), symbol="Store.fetch")
    assert fingerprints([FINDING]) == fingerprints([moved])


@pytest.mark.parametrize(
    "change",
    [{"code": "PRD202"}, {"path": "app/b.py"}, {"content": "except (A, B):"}],
    ids=lambda change: next(iter(change)),
)
def test_what_it_is_bound_to(change: dict[str, str]) -> None:
    assert fingerprints([FINDING]) != fingerprints([replace(FINDING, **change)])  # type: ignore[arg-type]  # plain keyword test


@pytest.mark.parametrize("change", [{"priority": "P2"}, {"message": "Other words"}, {"place": "cell 3"}], ids=lambda c: next(iter(c)))
def test_what_it_is_not_bound_to(change: dict[str, str]) -> None:
    assert fingerprints([FINDING]) == fingerprints([replace(FINDING, **change)])  # type: ignore[arg-type]  # plain keyword test


def test_equal_neighbours_differ() -> None:
    three = fingerprints([FINDING, replace(FINDING, span=Span(9, 5, 9, 20)), replace(FINDING, span=Span(12, 5, 12, 20))])
    assert len(set(three)) == 3
    assert three[0] == fingerprints([FINDING])[0]


def test_without_content_the_message_counts() -> None:
    bare = replace(FINDING, content="")
    assert fingerprints([bare]) != fingerprints([replace(bare, message="Other words")])


def test_a_secret_cannot_be_found_out_by_trying() -> None:
    """Of 4,096 values many share a fingerprint, for the secret's finding and for another rule's on its line."""
    secret = replace(FINDING, code="PRD104", secrets=(FINDING.span,))
    for values in (
        {fingerprints([replace(secret, content=f"{n:032x}")])[0] for n in range(4096)},
        {fingerprints([replace(FINDING, content=f"{n:032x}"), secret])[0] for n in range(4096)},
    ):
        assert 200 < len(values) <= 256


def test_composed_and_decomposed_paths_are_one() -> None:
    assert fingerprints([replace(FINDING, path="caf\u00e9.py")]) == fingerprints([replace(FINDING, path="cafe\u0301.py")])


def test_pairing_costs_no_more_for_each_of_many() -> None:
    """Ten thousand equal findings in functions that are all still there."""
    known = Counter(Identity("a.py", "PRD201", f"f{n}", "~except") for n in range(10_000))
    now = [(Identity("a.py", "PRD201", f"g{n}", "~except"),) for n in range(10_000)]
    symbols = frozenset(one.symbol for one in known)
    with cpu_limit(20):
        found = answered(now, known, was_looked_at=lambda path: True, is_gone=lambda path: False, symbols_of=lambda path: symbols)
        assert not any(found)


def test_place_order_is_the_order_of_findings() -> None:
    chance = random.Random(7)
    findings = [
        Finding(chance.choice("ab"), Span(*(chance.randint(1, 3) for _ in range(4))), f"PRD{chance.randint(1, 3)}", "m", "P0")
        for _ in range(200)
    ]
    assert sorted(findings, key=place_order) == sorted(findings, key=lambda f: f.order)


# Vectors of github/codeql-action's own tests.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {1: "c129715d7a2bc9a3:1"}),
        (
            " a\nb\n  \t\tc\n d",
            {1: "271789c17abda88f:1", 2: "54703d4cd895b18:1", 3: "180aee12dab6264:1", 4: "a23a3dc5e078b07b:1"},
        ),
        ("Lorem ipsum dolor sit amet.\n" * 10, {1: "a7f2ff13bc495cf2:1", 7: "a7f2ff1481e87703:1"}),
    ],
    ids=["empty", "blanks", "repeats"],
)
def test_line_hash_vectors(text: str, expected: dict[int, str]) -> None:
    found = line_hashes(text, range(1, 12))
    assert {line: found[line] for line in expected} == expected


def _rolling(text: str) -> dict[int, str]:
    """The same hash computed as its description says: unit by unit over a ring of 100."""
    raw = text.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]
    ring, marks = [0] * 100, [0] * 100
    value = index = line = 0
    at_start, after_cr = True, False
    counts: dict[int, int] = {}
    result: dict[int, str] = {}

    def give() -> None:
        counts[value] = counts.get(value, 0) + 1
        result[marks[index]] = f"{value:x}:{counts[value]}"
        marks[index] = 0

    for unit in [*units, 0xFFFF]:
        if unit in (32, 9) or (after_cr and unit == 10):
            after_cr = False
            continue
        after_cr = unit == 13
        unit = 10 if unit == 13 else unit
        if marks[index]:
            give()
        if at_start:
            line += 1
            marks[index] = line
        at_start = unit == 10
        value = (value * 37 + unit - ring[index] * pow(37, 100)) % (1 << 64)
        ring[index] = unit
        index = (index + 1) % 100
    for _ in range(100):
        if marks[index]:
            give()
        value = (value * 37 - ring[index] * pow(37, 100)) % (1 << 64)
        ring[index] = 0
        index = (index + 1) % 100
    return result


@pytest.mark.parametrize("seed", range(20))
def test_line_hash_equals_the_rolling_hash(seed: int) -> None:
    chance = random.Random(seed)
    alphabet = ["a", "bc", " ", "\t", "\n", "\r", "\r\n", "é", "日本", "😀", "x" * 30, "\n\n", "if x:\n"]
    text = "".join(chance.choice(alphabet) for _ in range(400))
    expected = _rolling(text)
    assert len(expected) > 20
    assert line_hashes(text, expected.keys()) == expected


def test_lines_near_a_hidden_one_have_no_hash() -> None:
    text = "".join(f"line {n} {'x' * 60}\n" for n in range(10))
    assert set(line_hashes(text, range(1, 9), hidden=[5])) == {1, 2, 3, 6, 7, 8}
    assert set(line_hashes(text, range(1, 9))) == set(range(1, 9))


def test_lines_beyond_the_end_have_no_hash() -> None:
    assert set(line_hashes("a\nb", [1, 2, 3, 9])) == {1, 2}
    assert line_hashes("a", []) == {}
