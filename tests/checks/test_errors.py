"""Handlers: the gates never hide what fires, and several rules share one handler as the pages say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.checks.errors.handlers import BARE, BROAD, EXCEPT, LEAVING

CODES = "PRD201,PRD202,PRD203,PRD204,PRD205,PRD206,PRD207,PRD208,PRD209,PRD212"


def hits(data: bytes) -> list[tuple[bytes, int]]:
    found = []
    for anchor in EXCEPT:
        start = data.find(anchor.encode())
        while start != -1:
            found.append((anchor.encode(), start))
            start = data.find(anchor.encode(), start + 1)
    return found


@pytest.mark.parametrize(
    "clause",
    [
        b"except Exception:",
        b"except  Exception :",
        b"except BaseException as e:",
        b"except builtins.Exception:",
        b"except (ValueError, Exception):",
        b"except(ValueError, Exception):",
        b"except (\n    ValueError,\n    Exception,\n):",
        b"except (\n    ValueError,  # a (comment): with marks\n    Exception,\n):",
        b"except* Exception:",
        b"except*(ValueError, Exception):",
        b"except ValueError, Exception:",
        b"except\\\n    Exception:",
        b"except:",
        b"except :",
    ],
)
def test_broad_clauses_pass_the_gate(clause: bytes) -> None:
    data = b"try:\n    pass\n" + clause + b"\n    pass\n"
    assert BROAD(data, hits(data))


@pytest.mark.parametrize(
    "clause",
    [
        b"except ValueError:",
        b"except (OSError, KeyError):",
        b"except MyException:",
        b"except ExceptionGroup:",
        b"except exceptions.Timeout:",
    ],
)
def test_other_clauses_do_not(clause: bytes) -> None:
    data = b"try:\n    pass\n" + clause + b"\n    pass\n"
    assert not BROAD(data, hits(data))
    assert not BARE(data, hits(data))


def test_gates_of_the_signals() -> None:
    for clause in (b"except asyncio.CancelledError:", b"except (KeyboardInterrupt, OSError):", b"except SystemExit as e:", b"except:"):
        assert LEAVING(clause, hits(clause))
    assert not LEAVING(b"except Exception:", hits(b"except Exception:"))


Run = Callable[..., object]


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
        job.release()

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


def test_a_bare_except_has_its_own_rule(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": "def f(job):\n    try:\n        job.run()\n    except:\n        job.release()\n"})
    assert found(prodlint, root) == ["4 PRD201"]


def test_tests_are_left_alone(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"tests/test_app.py": "def test_f(job):\n    try:\n        job.run()\n    except:\n        pass\n"})
    assert found(prodlint, root) == []
