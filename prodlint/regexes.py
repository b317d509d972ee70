"""Regular expressions that somebody else wrote: in a team's page, in settings, in a manifest of the linted tree.

Python's engine goes back over what it has tried, and some expressions make it do so for longer than anybody waits. What nests one repetition
right inside another is refused when it is read (`(a+)+`: two ways to take every letter); of the rest, each search may take a second of the
processor's time, which Python looks at while it searches. (An engine without this fault, RE2, knows no lookahead and
would be one more compiled dependency for the sake of a few tables.)
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

if sys.version_info >= (3, 11):
    from re import _parser
else:
    import sre_parse as _parser

# Seconds of the processor's time for one search; what people write takes a millionth of it.
LIMIT = 1.0
# An expression that was given up so often is not tried again in this process.
_STRIKES = 3

_given_up: Counter[str] = Counter()


class Refused(ValueError):
    """What is no expression, or one whose search may never end."""


class GivenUp(Exception):
    """A search took longer than LIMIT."""

    def __init__(self) -> None:
        super().__init__("a regular expression takes too long here")


def compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    """An expression, compiled.

    Raises Refused with what is wrong.
    """
    try:
        with warnings.catch_warnings():
            # `[[:alpha:]]` and the like: said to who wrote it by what it finds, and to nobody else.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            made = re.compile(text, flags)
            parsed: Any = _parser.parse(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(f"`{text}` is no regular expression: {error}") from None
    if _is_nested(parsed, False):
        raise Refused(f"`{text}` repeats a repetition (as in `(a+)+`): a search may never end")
    return made


def _is_nested(parsed: Any, inside: bool) -> bool:
    """Whether something of variable length, with nothing fixed beside it, is repeated. inside: whether this is the whole of what is repeated."""
    parts = list(parsed)
    bare = inside and not any(_is_fixed(part) for part in parts)
    for operation, argument in parts:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, body = argument
            grows = int(most) - int(least) > 10
            if grows and bare:
                return True
            if _is_nested(body, grows or bare):
                return True
        elif name == "SUBPATTERN":
            if _is_nested(argument[-1], bare):
                return True
        elif name == "BRANCH":
            if any(_is_nested(each, bare) for each in argument[1]):
                return True
        elif name in ("ASSERT", "ASSERT_NOT") and _is_nested(argument[1], False):
            return True
    return False


def _is_fixed(part: tuple[Any, Any]) -> bool:
    """Whether it takes one character, always."""
    return str(part[0]) in ("LITERAL", "NOT_LITERAL", "IN", "ANY")


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """As `pattern.search`, within LIMIT.

    Raises GivenUp.
    """
    return _within_limit(pattern, pattern.search, text)


def fullmatch(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """As `pattern.fullmatch`, within LIMIT.

    Raises GivenUp.
    """
    return _within_limit(pattern, pattern.fullmatch, text)


def _within_limit(pattern: re.Pattern[str], function: Callable[[str], re.Match[str] | None], text: str) -> re.Match[str] | None:
    # Signals are for the main thread alone, and this one is not there on Windows.
    if len(text) < 20 or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return function(text)
    if _given_up[pattern.pattern] >= _STRIKES:
        raise GivenUp
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        return function(text)
    except GivenUp:
        _given_up[pattern.pattern] += 1
        raise
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise GivenUp
