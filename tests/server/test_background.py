"""The processes that look at projects are gone whenever nobody wants their answer any more, however early that is."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

pytest.importorskip("pygls")

import psutil

from prodlint.server import background
from prodlint.server.whole import Found, Job


def ended_after(turns: int, job: Job) -> bool:
    """Whether a loop ends that is left so many turns after a process was asked for, as is one whose client has died."""

    async def leave() -> None:
        asking = asyncio.get_running_loop().create_task(background.ask(job))
        for _ in range(turns):
            await asyncio.sleep(0)
        assert not asking.done()

    thread = threading.Thread(target=lambda: asyncio.run(leave()), daemon=True)
    thread.start()
    thread.join(60)
    return not thread.is_alive()


@pytest.mark.parametrize("turns", range(8))
def test_who_leaves_while_a_process_starts_waits_for_nothing(tmp_path: Path, turns: int) -> None:
    before = set(psutil.Process().children())
    assert ended_after(turns, Job("check", str(tmp_path)))
    assert set(psutil.Process().children()) <= before


def test_a_process_answers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import requests\nrequests.get('https://a.example.org')\n")
    told: list[tuple[int, int]] = []
    found = asyncio.run(background.ask(Job("check", str(tmp_path)), lambda *part: told.append(part)))
    assert isinstance(found, Found)
    assert "PRD504" in {each.code for each in found.findings}
    assert told == sorted(told) and told


def test_a_process_that_dies_of_its_job_has_failed(tmp_path: Path) -> None:
    with pytest.raises(background.Failed, match="ended without an answer"):
        asyncio.run(background.ask(Job("no such verb", str(tmp_path))))  # type: ignore[arg-type]
