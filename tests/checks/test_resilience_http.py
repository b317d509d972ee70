"""What the timeout rules know of values, deadlines and the defaults of each library."""

from __future__ import annotations

from typing import Any

import pytest

from prodlint.checks import CheckContext
from prodlint.checks.resilience.clients import used_by
from prodlint.checks.resilience.http import httpx_phases, is_wrapper, phases_of
from prodlint.facts import Call, File, Source
from prodlint.python.tree import PyModule
from prodlint.values.places import UNKNOWN, has_deadline, in_lambda, is_handler, value_of


def module(text: str, path: str = "service/app.py") -> PyModule:
    return PyModule(Source(text.encode()), File(path, "python"))


def call(text: str, name: str) -> Call:
    return next(found for found in module(text).calls() if found.name == name or found.method == name)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("None", None),
        ("60 * 10", 600),
        ("LIMIT", 30),
        ("LIMIT + 1", 31),
        ("(3.05, None)", (3.05, None)),
        ("(LIMIT, x)", (30, UNKNOWN)),
        ("settings.timeout", UNKNOWN),
        ("get_timeout()", UNKNOWN),
        ("TWICE", UNKNOWN),
    ],
)
def test_value_of(written: str, value: object) -> None:
    found = call(f"LIMIT = 30\nTWICE = 1\nTWICE = 2\nf({written})\n", "f")
    assert value_of(found.arguments[0], found.module, found) == value


@pytest.mark.parametrize(
    ("value", "phases"),
    [
        (5, (5, 5, 5, 5)),
        (None, (None, None, None, None)),
        ((5, 30), (5, 30, None, None)),
        ((5, 30, 10), (5, 30, 10, None)),
        ((5, 30, 10, 5), (5, 30, 10, 5)),
    ],
)
def test_a_short_tuple_leaves_phases_of_httpx_open(value: Any, phases: tuple[Any, ...]) -> None:
    found = phases_of(value)
    assert found is not None
    assert tuple(found.values()) == phases


@pytest.mark.parametrize(
    ("written", "phases"),
    [
        ("Timeout(10)", (10, 10, 10, 10)),
        ("Timeout(None, connect=5)", (5, None, None, None)),
        ("Timeout(10, read=None)", (10, None, 10, 10)),
        ("Timeout(timeout=None)", (None, None, None, None)),
        ("Timeout(connect=1, read=2, write=3, pool=4)", (1, 2, 3, 4)),
    ],
)
def test_httpx_timeout(written: str, phases: tuple[Any, ...]) -> None:
    found = httpx_phases(call(f"from httpx import Timeout\n{written}\n", "Timeout"))
    assert found is not None
    assert tuple(found.values()) == phases


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasync def f():\n    async with asyncio.timeout(5):\n        work()\n",
        "import asyncio\nasync def f():\n    return await asyncio.wait_for(work(), 5)\n",
        "from asyncio import timeout\nasync def f():\n    async with timeout(5), other():\n        if x:\n            work()\n",
        "import anyio\nasync def f():\n    with anyio.move_on_after(5):\n        await work()\n",
    ],
)
def test_a_deadline_around_a_call(text: str) -> None:
    found = call(text, "work")
    assert has_deadline(found, found.module)


def test_a_deadline_beside_a_call_is_none() -> None:
    found = call("import asyncio\nasync def f():\n    async with asyncio.timeout(5):\n        pass\n    work()\n", "work")
    assert not has_deadline(found, found.module)


def test_a_call_in_a_lambda_waits_for_whoever_calls_it() -> None:
    of_lambda = call("def f():\n    run(None, lambda: work())\n", "work")
    plain = call("def f():\n    run(None, work())\n", "work")
    assert [in_lambda(found, found.module.functions()[0].body) for found in (of_lambda, plain)] == [True, False]


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@app.get('/x')\ndef h(): ...\n", True),
        ("@router.post('')\nasync def h(): ...\n", True),
        ("@app.route('/x', methods=['POST'])\ndef h(): ...\n", True),
        ("def h(request): ...\napp.router.add_get('/x', h)\n", True),
        ("def h(request): ...\nurlpatterns = [path('x', h)]\n", True),
        ("@cache.get('key')\ndef h(): ...\n", False),
        ("@pytest.mark.get\ndef h(): ...\n", False),
        ("def h(): ...\n", False),
    ],
)
def test_what_answers_requests(text: str, handles: bool) -> None:
    assert is_handler(module(text).functions()[0]) is handles


def test_what_a_handler_uses() -> None:
    text = "def h(a=Depends(one), b: Annotated[int, Depends(two)] = 1, c=Security(three)):\n    four()\n    five.six()\n"
    assert used_by(module(text).functions()[0]) >= {"one", "two", "three", "four"}


@pytest.mark.parametrize(
    ("wrappers", "silent"),
    [
        (["get_json"], True),
        (["service.app"], True),
        (["service.app.get_json"], True),
        (["app.get_json"], True),
        (["requests.get"], True),
        (["other"], False),
        (["get"], True),
        ([], False),
    ],
)
def test_http_wrappers(wrappers: list[str], silent: bool) -> None:
    found = call("import requests\ndef get_json(url):\n    return requests.get(url)\n", "requests.get")
    context = CheckContext("PRD504", {"http-wrappers": wrappers}, None, found.file)
    assert is_wrapper(found, context, found.name) is silent
