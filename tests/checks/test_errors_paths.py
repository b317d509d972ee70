"""Ways out of a handler: how each one leaves, and what was done with the exception before."""

from __future__ import annotations

import textwrap

import pytest

from prodlint.facts import File, Handler, Source
from prodlint.python.exits import (
    ERROR,
    INSPECTED,
    LOGGED_LOW,
    MESSAGE_ONLY,
    PASSED_ON,
    PRINTED,
    REPORTED,
    TRACEBACK,
    WARNING,
    exit_paths,
    is_broad,
)
from prodlint.readers import FactRequest, python

HEAD = """\
import asyncio, contextlib, logging, sys, traceback
import sentry_sdk, structlog
from loguru import logger as loguru_logger
from service.logs import LOG, get_run_logger
logger = logging.getLogger(__name__)
slog = structlog.get_logger()
"""


def handlers(code: str) -> list[Handler]:
    wanted = FactRequest(frozenset((Handler,)), None, lambda name: True, {})
    facts = python.read(Source(code.encode()), File("service/app.py", "python"), wanted)
    return sorted((fact for fact in facts if isinstance(fact, Handler)), key=lambda fact: fact.start)


def ways(body: str, types: str = "Exception as e", around: str = "def f(self, x, xs):\n    try:\n        work()\n") -> set[tuple[str, int]]:
    """The ways out of one handler with this body."""
    code = HEAD + around + f"    except {types}:\n" + textwrap.indent(textwrap.dedent(body), " " * 8)
    return {(way.kind, way.done) for way in exit_paths(handlers(code)[0])}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", {("fall", 0)}),
        ("raise", {("raise", 0)}),
        ("return None", {("return", 0)}),
        ("raise ValueError(x) from e", {("raise", PASSED_ON)}),
        ("sys.exit(1)", {("raise", 0)}),
        ("if x:\n    raise\n", {("raise", 0), ("fall", 0)}),
        ("if x:\n    raise\nelse:\n    raise ValueError\n", {("raise", 0)}),
        ("if x:\n    raise\nelif xs:\n    return 1\nelse:\n    pass\n", {("raise", 0), ("return", 0), ("fall", 0)}),
        ("if retry(e):\n    return 1\nraise\n", {("return", INSPECTED), ("raise", INSPECTED)}),
        ("for y in xs:\n    break\nreturn 2\n", {("return", 0)}),
        ("for y in xs:\n    if y:\n        continue\n    raise\n", {("raise", 0), ("fall", 0)}),
        ("while True:\n    raise\n", {("raise", 0)}),
        ("while True:\n    if x:\n        break\n", {("fall", 0)}),
        ("try:\n    undo()\nfinally:\n    raise\n", {("raise", 0)}),
        ("try:\n    undo()\nexcept OSError:\n    pass\nraise\n", {("raise", 0)}),
        ("try:\n    raise\nexcept Exception:\n    pass\n", {("fall", 0)}),
        ("try:\n    undo()\nexcept OSError:\n    return 1\nelse:\n    raise\n", {("return", 0), ("raise", 0)}),
        ("try:\n    return 1\nfinally:\n    logger.exception('x')\n", {("return", TRACEBACK)}),
        ("with contextlib.suppress(ValueError):\n    raise ValueError\n", {("fall", 0)}),
        ("with lock:\n    raise\n", {("raise", 0)}),
        ("match x:\n    case 1:\n        raise\n    case _:\n        return 2\n", {("raise", 0), ("return", 0)}),
        ("match x:\n    case 1:\n        raise\n", {("raise", 0), ("fall", 0)}),
        ("def later():\n    raise\n", {("fall", 0)}),
        ("if self.logger:\n    self.logger.exception('x')\n", {("fall", TRACEBACK)}),
    ],
)  # fmt: skip
def test_kinds(body: str, expected: set[tuple[str, int]]) -> None:
    assert ways(body) == expected


@pytest.mark.parametrize(
    ("statement", "done"),
    [
        ("logger.exception('x')", TRACEBACK),
        ("logger.exception('x', exc_info=False)", ERROR),
        ("logger.error('x', exc_info=True)", TRACEBACK),
        ("logger.error('x', exc_info=e)", TRACEBACK),
        ("logger.error('x', exc_info=None)", ERROR),
        ("logger.warning('x', exc_info=sys.exc_info())", TRACEBACK),
        ("logger.error('x %s', traceback.format_exc())", TRACEBACK),
        ("logger.error('x %s', e)", ERROR),
        ("logger.critical('x')", ERROR),
        ("logger.warning(f'x {e}')", WARNING),
        ("logger.info('x')", LOGGED_LOW),
        ("logging.exception('x')", TRACEBACK),
        ("logging.log(logging.ERROR, 'x')", ERROR),
        ("logger.log(logging.ERROR, 'x', exc_info=True)", TRACEBACK),
        ("self.log.exception('x')", TRACEBACK),
        ("self._logger.error('x')", ERROR),
        ("LOG.exception('x')", TRACEBACK),
        ("slog.exception('x')", TRACEBACK),
        ("await slog.aexception('x')", TRACEBACK),
        ("slog.bind(a=1).error('x', exc_info=True)", TRACEBACK),
        ("loguru_logger.opt(exception=True).info('x')", TRACEBACK),
        ("loguru_logger.opt(lazy=True).error('x')", ERROR),
        ("get_run_logger().exception('x')", TRACEBACK),
        ("current_app.logger.exception('x')", TRACEBACK),
        ("x().logger.error('x')", ERROR),
        ("traceback.print_exc()", TRACEBACK),
        ("console.print_exception()", REPORTED),
        ("sentry_sdk.capture_exception(e)", REPORTED),
        ("sentry_sdk.capture_message('x')", REPORTED),
        ("span.record_exception(e)", REPORTED),
        ("self.handle_error()", REPORTED),
        ("print(e)", PRINTED),
        ("sys.stderr.write('x')", PRINTED),
        ("future.set_exception(e)", MESSAGE_ONLY | PASSED_ON),
        ("errors.append(x)", MESSAGE_ONLY),
        ("results.append(e)", PASSED_ON),
        ("results.append(str(e))", MESSAGE_ONLY),
        ("results.append(f'{e}')", MESSAGE_ONLY),
        ("last = e", PASSED_ON),
        ("failed = True", MESSAGE_ONLY),
        ("job.status = 'failed'", MESSAGE_ONLY),
        ("answer = Result(error='x')", MESSAGE_ONLY),
        ("answer = Result(error=None)", 0),
        ("catalog.error", 0),
        ("session.rollback()", 0),
        ("x = []", 0),
    ],
)
def test_what_is_done(statement: str, done: int) -> None:
    assert ways(statement) == {("fall", done)}


def test_a_return_that_hands_on() -> None:
    assert ways("return e") == {("return", PASSED_ON)}
    assert ways("return {'error': str(e)}") == {("return", MESSAGE_ONLY)}
    assert ways("return gather(*[e])") == {("return", PASSED_ON)}


def test_own_reporters() -> None:
    handler = handlers(HEAD + "try:\n    work()\nexcept Exception:\n    ledger.note('x')\n")[0]
    assert [way.done for way in exit_paths(handler)] == [0]
    assert [way.done for way in exit_paths(handler, ("note",))] == [REPORTED]
    assert [way.done for way in exit_paths(handler, ("ledger.note",))] == [REPORTED]


def test_a_function_that_never_returns() -> None:
    code = (
        "from typing import NoReturn\n\ndef stop() -> NoReturn:\n    raise SystemExit\n\ntry:\n    work()\nexcept Exception:\n    stop()\n"
    )
    assert [way.kind for way in exit_paths(handlers(code)[0])] == ["raise"]


def test_many_branches_stay_few_ways() -> None:
    body = "".join(f"if x == {number}:\n    x += 1\n" for number in range(200))
    assert ways(body) == {("fall", 0)}


@pytest.mark.parametrize(
    ("types", "broad"),
    [
        ("", True),
        ("Exception", True),
        ("(ValueError, Exception)", True),
        ("BaseException as e", True),
        ("builtins.Exception", True),
        ("ValueError", False),
        ("service.Exception", False),
        ("(OSError, ValueError)", False),
    ],
)
def test_broad(types: str, broad: bool) -> None:
    assert is_broad(handlers(f"try:\n    work()\nexcept {types}:\n    pass\n")[0]) is broad
