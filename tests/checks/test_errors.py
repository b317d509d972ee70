"""Handlers: no spelling of a clause hides it, and several rules share one handler as the pages say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CODES = "PRD201,PRD202,PRD203,PRD204,PRD205,PRD206,PRD207,PRD208,PRD209,PRD212"


Run = Callable[..., object]


@pytest.mark.parametrize(
    "clause",
    [
        "except Exception:",
        "except  Exception :",
        "except (ValueError, Exception):",
        "except(ValueError, Exception):",
        "except (\n    ValueError,\n    Exception,\n):",
        "except (\n    ValueError,  # a (comment): with marks\n    Exception,\n):",
        "except* Exception:",
        "except\\\n    Exception:",
        "except\\\n    (\n    Exception):",
    ],
)
def test_every_spelling_of_a_broad_clause_is_seen(clause: str, prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": f"try:\n    pass\n{clause}\n    pass\n"})
    assert found(prodlint, root) == ["3 PRD202"]


@pytest.mark.parametrize("clause", ["except ValueError:", "except (OSError, KeyError):", "except MyException:", "except ExceptionGroup:"])
def test_other_clauses_are_left_alone(clause: str, prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": f"try:\n    pass\n{clause}\n    pass\n"})
    assert found(prodlint, root) == []


def found(prodlint: Run, root: Path) -> list[str]:
    ran = prodlint("check", str(root), "--select", CODES, "--output-format", "concise", "--exit-zero", cwd=root)
    lines = [line.split(" ", 2) for line in ran.out.splitlines() if ": PRD" in line]  # type: ignore[attr-defined]
    return [f"{place.split(':')[1]} {code}" for place, code, _ in lines]


def test_one_handler_one_finding(prodlint: Run, project: Callable[..., Path]) -> None:
    """What is silent, unlogged and logged without traceback are three rules, and never two of them on one handler."""
    root = project({
        "service/app.py": """\
import logging

def silent(job):
    try:
        job.run()
    except Exception:
        pass

def unlogged(job):
    try:
        job.run()
    except Exception:
        job.result = None

def textual(job):
    try:
        job.run()
    except Exception as error:
        logging.error("failed: %s", error)
        job.release()

def fine(job):
    try:
        job.run()
    except Exception:
        logging.exception("failed")
        job.release()
""",
    })  # fmt: skip
    assert found(prodlint, root) == ["6 PRD202", "12 PRD203", "19 PRD205"]


def test_a_handler_that_breaks_three_rules_is_one_finding(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({
        "service/app.py": """\
import asyncio

async def deliver(queue):
    try:
        await queue.get()
    except:
        pass

async def close(queue):
    try:
        await queue.join()
    except BaseException:
        pass
""",
    })  # fmt: skip
    assert found(prodlint, root) == ["6 PRD201", "12 PRD204"]
    ran = prodlint("check", str(root), "--ignore", "PRD201,PRD204", "--output-format", "concise", "--exit-zero", cwd=root)
    assert "PRD202" in ran.out  # type: ignore[attr-defined]


def test_a_bare_except_has_its_own_rule(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": "def f(job):\n    try:\n        job.run()\n    except:\n        job.release()\n"})
    assert found(prodlint, root) == ["4 PRD201"]


def test_tests_are_left_alone(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"tests/test_app.py": "def test_f(job):\n    try:\n        job.run()\n    except:\n        pass\n"})
    assert found(prodlint, root) == []
