"""What the bytes of a file say about machine-made values in it."""

from __future__ import annotations

import pytest

from prodlint.values.random_text import holds_random_text

_MADE = "q7Rz2vXc9Lk4Wm8T" + "b1Ny6Hd3"


@pytest.mark.parametrize(
    "line",
    [
        f'KEY = "{_MADE}"',
        f"KEY = '{_MADE}'",
        f'dsn = "postgresql://app:{_MADE}@db/app"',
        f'headers = {{"Authorization": "Bearer {_MADE}"}}',
        f'dsn = "Server=db;Password={_MADE};"',
        f'KEY = (\n    "{_MADE[:12]}"\n    "{_MADE[12:]}"\n)',
        f'say("it is", b"{_MADE}")',
    ],
)
def test_a_made_value_is_seen_wherever_it_stands(line: str) -> None:
    assert holds_random_text(line.encode())


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        'token = "test-token-for-the-client"',
        'url = "https://api.example.com/v1/customers/orders"',
        "def test_a_customer_who_pays_twice_is_refunded_once(): ...",
        'assert response.json() == {"detail": "Not authenticated"}',
        "",
    ],
)
def test_words_names_and_addresses_are_none(line: str) -> None:
    assert not holds_random_text(line.encode())
