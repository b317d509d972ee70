"""What is looked at first, and what becomes of documents that nobody wants any more: asked of the object, where no process is faster than another."""

from __future__ import annotations

import asyncio
import logging

import pytest

from prodlint.server.looking import Looks


class Gate:
    """Looks at documents one by one, each only when it is let."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.began = asyncio.Event()
        self.let = asyncio.Event()

    async def look(self, uri: str) -> None:
        self.seen.append(uri)
        self.began.set()
        await self.let.wait()


async def _all(looks: Looks, gate: Gate, count: int) -> list[str]:
    gate.let.set()
    for _ in range(10 * count + 10):
        await asyncio.sleep(0)
    return gate.seen


def test_what_is_typed_in_is_looked_at_before_what_is_merely_open() -> None:
    async def talk() -> list[str]:
        gate = Gate()
        looks = Looks(gate.look)
        for uri in ("open 1", "open 2", "typed 1", "open 3"):
            looks.want(uri)
        await gate.began.wait()
        looks.want("typed 1", first=True)
        looks.want("typed 2", first=True)
        # One that waits already is looked at once, and where it waits first it stays there.
        looks.want("typed 1")
        looks.want("open 2")
        return await _all(looks, gate, 5)

    assert asyncio.run(talk()) == ["open 1", "typed 1", "typed 2", "open 2", "open 3"]


def test_what_was_looked_at_is_looked_at_again() -> None:
    async def talk() -> list[str]:
        gate = Gate()
        looks = Looks(gate.look)
        looks.want("a")
        await gate.began.wait()
        looks.want("a")  # its text has changed since
        await _all(looks, gate, 2)
        looks.want("a")
        return await _all(looks, gate, 1)

    assert asyncio.run(talk()) == ["a", "a", "a"]


def test_nobody_looks_at_what_was_dropped() -> None:
    async def talk() -> list[str]:
        gate = Gate()
        looks = Looks(gate.look)
        looks.want("a")
        await gate.began.wait()
        looks.want("b")
        looks.want("c", first=True)
        for uri in ("b", "c", "never heard of"):
            looks.drop(uri)
        looks.want("d")
        return await _all(looks, gate, 4)

    assert asyncio.run(talk()) == ["a", "d"]


def test_a_bug_at_one_document_leaves_no_other_unseen(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def look(uri: str) -> None:
        seen.append(uri)
        if uri == "a":
            raise ValueError("a bug")

    async def talk() -> None:
        looks = Looks(look)
        looks.want("a")
        looks.want("b")
        for _ in range(20):
            await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(talk())
    assert seen == ["a", "b"]
    assert "a was not looked at" in caplog.text
