"""Which loops are attempts at one thing."""

from __future__ import annotations

import pytest

from prodlint.checks.resilience.retry import attempt_around
from prodlint.facts import File, Handler, Source, Statement, statements_in
from prodlint.python.tree import PyModule


def handler_of(text: str) -> Handler:
    module = PyModule(Source(text.encode()), File("a.py", "python"))
    found: Statement = next(statement for statement in statements_in(module.body, into_definitions=True) if statement.handlers)
    return found.handlers[0]


@pytest.mark.parametrize(
    ("text", "retries"),
    [
        ("while True:\n    try:\n        f()\n        break\n    except E:\n        pass\n", True),
        ("while True:\n    try:\n        f()\n    except E:\n        pass\n    else:\n        break\n", True),
        ("while True:\n    try:\n        f()\n    except E:\n        continue\n    break\n", True),
        ("def g():\n    for _ in range(3):\n        try:\n            return f()\n        except E:\n            log()\n", True),
        (
            "def g():\n    while True:\n        try:\n            with x:\n                return f()\n        except E:\n            log()\n",
            True,
        ),
        ("while True:\n    try:\n        f()\n    except E:\n        log()\n", False),
        ("while True:\n    try:\n        f()\n        break\n    except E:\n        raise\n", False),
        (
            "def g():\n    while True:\n        try:\n            if f():\n                return 1\n        except E:\n            log()\n",
            False,
        ),
        ("try:\n    while True:\n        f()\n        break\nexcept E:\n    pass\n", False),
        ("while True:\n    try:\n        f()\n    except E:\n        pass\n    break\n", False),
    ],
)
def test_attempts(text: str, retries: bool) -> None:
    assert (attempt_around(handler_of(text)) is not None) is retries
