"""Durations that code and settings say."""

from __future__ import annotations

import pytest

from prodlint.facts import File, Source
from prodlint.python.tree import module_of
from prodlint.values.durations import duration, shown, spoken, unit_of
from prodlint.values.evaluate import Values

_BEGINNING = "import os\nfrom datetime import timedelta\nHOURS = int(os.getenv('HOURS', '48'))\nLIFE = timedelta(weeks=1)\n"


def _seconds(expression: str, unit: float | None = None) -> float | None:
    module = module_of(Source(f"{_BEGINNING}x = {expression}\n".encode()), File("app.py", "python"))
    return duration(Values(module), module.assignments("x")[0].value, unit)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("timedelta(days=1, hours=2)", 93600),
        ("timedelta(2)", 172800),
        ("timedelta(hours=HOURS)", 172800),
        ("LIFE", 604800),
        ("LIFE + timedelta(seconds=1)", 604801),
        ("given or timedelta(minutes=5)", 300),
        ("given if given else timedelta(minutes=5)", 300),
        ("timedelta(minutes=unknown)", None),
        ("timedelta(**options)", None),
        ("timedelta()", None),
        ("17", None),
    ],
)
def test_duration(expression: str, expected: float | None) -> None:
    assert _seconds(expression) == expected


def test_plain_numbers_have_the_unit_that_they_are_given() -> None:
    assert _seconds("60 * 24 * 8", 60.0) == 691200
    assert _seconds("HOURS", 3600.0) == 172800
    assert _seconds("True", 60.0) is None
    assert _seconds("None", 60.0) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EXPIRE_MINUTES", 60.0),
        ("ttl_in_days", 86400.0),
        ("lifetime_seconds", 1.0),
        ("TIMEOUT_MS", 0.001),
        ("EXPIRES", None),
        ("minutes_of", None),
    ],
)
def test_unit_of(name: str, expected: float | None) -> None:
    assert unit_of(name) == expected


def test_spoken() -> None:
    assert spoken("7d", None) == 604800
    assert spoken("12 hours", None) == 43200
    assert spoken("11520", 60.0) == 691200
    assert spoken("11520", None) is None
    assert spoken("soon", 60.0) is None


def test_shown() -> None:
    assert [shown(seconds) for seconds in (30, 60, 900, 3600, 86400, 172800, 691200)] == [
        "30 seconds", "1 minute", "15 minutes", "1 hour", "1 day", "2 days", "8 days",
    ]  # fmt: skip
