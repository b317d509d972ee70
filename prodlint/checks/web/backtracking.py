"""Regular expressions that take exponential time (PRD467): a repetition whose body can match one text in several ways, before
something that can fail. Only what is certain by structure is told; nothing is compiled or run."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

try:
    from re import _constants, _parser  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_constants as _constants
    import sre_parse as _parser

# Patterns longer than this are left alone.
_LONGEST = 2000
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
# Repetitions of so many rounds are as bad as endless ones.
_MANY = 20
_DIGITS = frozenset("0123456789")
_BLANKS = frozenset(" \t\n\r\f\v")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PRINTABLE = frozenset(chr(code) for code in range(32, 127)) | _BLANKS


@lru_cache(maxsize=256)
def exponential_part(pattern: str, whole: bool = False) -> str:
    """The pattern, shortened to what is repeated, where a text exists on which it takes exponential time; else nothing.

    whole: whether all of the text must match (`fullmatch`).
    """
    if len(pattern) > _LONGEST or not any(repeated in pattern for repeated in (")+", ")*", "){")):
        return ""
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError, ValueError):
        return ""
    return pattern if _is_exponential(list(parsed), whole) else ""


def _is_exponential(items: list[Any], can_fail_after: bool) -> bool:
    for number, (kind, given) in enumerate(items):
        fails = can_fail_after or any(_can_fail(item) for item in items[number + 1 :])
        if kind in _REPEATS:
            _low, high, body = given
            body = list(body)
            many = high is _constants.MAXREPEAT or high >= _MANY
            if many and fails and _is_ambiguous(body):
                return True
            if _is_exponential(body, fails or many):
                return True
        elif kind is _constants.SUBPATTERN:
            if _is_exponential(list(given[-1]), fails):
                return True
        elif kind is _constants.BRANCH and any(_is_exponential(list(branch), fails) for branch in given[1]):
            return True
    return False


def _can_fail(item: Any) -> bool:
    """Whether a part may refuse a text: an anchor at the end does, and all that needs a character."""
    kind, given = item
    if kind is _constants.AT:
        return given in (_constants.AT_END, _constants.AT_END_STRING)
    if kind in _REPEATS:
        return given[0] > 0 and any(_can_fail(each) for each in given[2])
    if kind is _constants.SUBPATTERN:
        return any(_can_fail(each) for each in given[-1])
    if kind is _constants.BRANCH:
        return all(any(_can_fail(each) for each in branch) for branch in given[1])
    return True


def _is_ambiguous(body: list[Any]) -> bool:
    """Whether what is repeated can match twice what it can match once: `[a-z]+-?`, `(\\w+)`, `\\w+.`, `\\d+|\\w`.

    Alternatives of one character each are no matter: the parser makes one class of them.
    """
    items = _flat(body)
    if len(items) == 1 and items[0][0] is _constants.BRANCH:
        return _overlap([list(branch) for branch in items[0][1][1]])
    endless = [item for item in items if item[0] in _REPEATS and (item[1][1] is _constants.MAXREPEAT or item[1][1] >= _MANY)]
    for one in endless:
        letters = _letters(_flat(list(one[1][2])))
        if letters and all(other is one or _is_optional(other) or letters & _letters([other]) for other in items):
            return True
    return False


def _flat(items: list[Any]) -> list[Any]:
    """The parts of a sequence with its groups opened."""
    flat: list[Any] = []
    for item in items:
        flat.extend(_flat(list(item[1][-1])) if item[0] is _constants.SUBPATTERN else [item])
    return flat


def _is_optional(item: Any) -> bool:
    return item[0] in _REPEATS and item[1][0] == 0


def _overlap(branches: list[list[Any]]) -> bool:
    """Whether two alternatives of one character each, or of a run of them, share one."""
    seen: set[str] = set()
    for branch in branches:
        items = _flat(branch)
        if len(items) == 1 and items[0][0] in _REPEATS and items[0][1][0] <= 1:
            items = _flat(list(items[0][1][2]))
        letters = _letters(items)
        if letters & seen:
            return True
        seen |= letters
    return False


def _letters(items: list[Any]) -> frozenset[str]:
    """The characters of a part that is one character; empty where it is more, or not known."""
    if len(items) != 1:
        return frozenset()
    kind, given = items[0]
    if kind is _constants.LITERAL:
        return frozenset((chr(given),))
    if kind is _constants.ANY:
        return _PRINTABLE - {"\n"}
    if kind is _constants.NOT_LITERAL:
        return _PRINTABLE - {chr(given)}
    if kind is not _constants.IN:
        return frozenset()
    letters: set[str] = set()
    negated = False
    for what, value in given:
        if what is _constants.NEGATE:
            negated = True
        elif what is _constants.LITERAL:
            letters.add(chr(value))
        elif what is _constants.RANGE:
            letters.update(chr(code) for code in range(value[0], min(value[1], 126) + 1))
        elif what is _constants.CATEGORY:
            letters |= _CATEGORIES.get(value, frozenset())
    return frozenset(_PRINTABLE - letters if negated else letters)


_CATEGORIES = {
    _constants.CATEGORY_DIGIT: _DIGITS,
    _constants.CATEGORY_SPACE: _BLANKS,
    _constants.CATEGORY_WORD: _LETTERS | _DIGITS | {"_"},
    _constants.CATEGORY_NOT_DIGIT: _PRINTABLE - _DIGITS,
    _constants.CATEGORY_NOT_SPACE: _PRINTABLE - _BLANKS,
    _constants.CATEGORY_NOT_WORD: _PRINTABLE - _LETTERS - _DIGITS - {"_"},
}
