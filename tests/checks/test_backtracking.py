"""Which patterns take exponential time, by their structure (PRD467)."""

from __future__ import annotations

import pytest

from prodlint.checks.web.backtracking import exponential_part
from tests.limits import cpu_limit

EXPONENTIAL = [
    r"^(a+)+$",
    r"^(\w+\s?)+$",
    r"^([a-z0-9]+-?)*$",
    r"^(\d+|\w)*@shop\.io$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^(https?://)?([\da-z.-]+)\.([a-z.]{2,6})([/\w .-]*)*/?$",
    r"(.*)*x",
    r"^([^,]+,?)+;$",
    r"^(?:x(a*)*)$",
]
LINEAR = [
    r"(a+)+",
    r"^\w+(?:\s\w+)*$",
    r"^(?:[a-z]+,)*[a-z]+$",
    r"(?:\d+\.)+",
    r"^[\w.]+@([\w-]+\.)+[a-z]{2,}$",
    r'^"(\\.|[^"\\])*"$',
    r"^(\s*\w+\s*=\s*\w+;)*$",
    r"^(ab|a)*$",
    r"(",
    "",
]


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_a_pattern_that_never_ends(pattern: str) -> None:
    assert exponential_part(pattern) == pattern


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_pattern_that_ends(pattern: str) -> None:
    assert exponential_part(pattern) == ""


def test_all_of_the_text_must_match() -> None:
    assert exponential_part(r"(a+)+", whole=True)


def test_a_hostile_pattern_is_looked_at_quickly() -> None:
    with cpu_limit(10):
        for pattern in ("(" * 900 + "a+" + ")+" * 900, "(a|" * 600 + ")*" * 600, "((a*)*)*" * 200):
            exponential_part(pattern)
