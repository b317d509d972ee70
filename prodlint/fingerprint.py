"""What makes a finding the same finding tomorrow: fingerprints that are bound to content, not to line numbers."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import mul
from typing import NamedTuple, TypeVar

from prodlint.model import Finding

_Answer = TypeVar("_Answer")
_Key = tuple[str, ...]

_WINDOW = 100
_BASE = 37
_MODULUS = 1 << 64
_POWERS = tuple(pow(_BASE, _WINDOW - 1 - i, _MODULUS) for i in range(_WINDOW))


def place_order(finding: Finding) -> tuple[str, int, int, int, int, str, str]:
    """The order of `Finding.order` as plain values, which sort several times faster."""
    span = finding.span
    return (finding.path, span.line, span.column, span.end_line, span.end_column, finding.code, finding.message)


class Identity(NamedTuple):
    """What a finding is known by. content: what it is bound to, see `prodlint.content`; `~` before it: of something that may stand anywhere."""

    path: str
    code: str
    symbol: str
    content: str


def content_or_message(finding: Finding) -> str:
    """What a finding is bound to; the message where nothing stands at its place."""
    return finding.content or finding.message


def composed(path: str) -> str:
    """A path in one form: the same name arrives decomposed from one file system and composed from another."""
    if path.isascii():
        return path
    import unicodedata

    return unicodedata.normalize("NFC", path)


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """The `prodlint/v2` fingerprint of each finding, in the order given.

    Give all findings of a run sorted by place, suppressed ones included: equal ones of a file are told apart by their ordinal.
    The function around it is no part of it: a renamed one brings nothing new.

    Of a line that holds a secret only eight bits go in. They tell when the value was changed (255 times of 256), and are
    too few to find it out by trying: what stands around it is in the excerpt of the same report.
    """
    from hashlib import sha256

    findings = list(findings)
    told = {(f.path, line) for f in findings for span in f.secrets for line in range(span.line, span.end_line + 1)}
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        content = content_or_message(finding)
        if finding.secrets or (told and (finding.path, finding.span.line) in told):
            content = sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:2]
        matter = f"{finding.code}\0{composed(finding.path)}\0{content}"
        ordinal = seen.get(matter, 0)
        seen[matter] = ordinal + 1
        result.append(sha256(f"{matter}\0{ordinal}".encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return result


def answered(
    findings: Sequence[tuple[Identity, ...]],
    known: Counter[Identity],
    *,
    was_looked_at: Callable[[str], bool],
    is_gone: Callable[[str], bool],
    symbols_of: Callable[[str], Collection[str]],
    is_untouched: Callable[[int], bool] = lambda number: False,
) -> list[bool]:
    """For each finding whether a known one answers for it; each of those answers once, and is taken out of `known`.

    findings: the identities that each may be known by. was_looked_at, is_gone: whether this run read a file, and whether there
    is none any more. symbols_of: the functions and classes of a file. is_untouched: whether nobody touched the lines of the
    finding with this number.

    First those that are equal. Of what is left, in this order: in the same file, in a function that had another name; in a
    file that had another name; in a function of the same name that was moved to another file. Something that may stand
    anywhere is taken for the same only where the function that held it is gone, so that one that was fixed hides no new one.
    """
    gone = _remembered(is_gone)
    symbols = _remembered(symbols_of)

    def is_left_without_place(entry: Identity) -> bool:
        return not entry.content.startswith("~") or not entry.symbol or entry.symbol not in symbols(entry.path)

    def was_moved(entry: Identity) -> bool:
        return gone(entry.path)

    def was_moved_alone(entry: Identity) -> bool:
        return not entry.content.startswith("~") and was_looked_at(entry.path)

    def innermost(one: Identity) -> str:
        return one.symbol.rpartition(".")[2]

    passes: tuple[tuple[Callable[[Identity], _Key], Callable[[Identity], bool], Callable[[int], bool]], ...] = (
        (lambda one: one, lambda entry: True, lambda number: True),
        (lambda one: (one.code, one.path, one.content), is_left_without_place, lambda number: True),
        (lambda one: (one.code, one.path, one.content), lambda entry: True, is_untouched),
        (lambda one: (one.code, one.symbol, one.content), was_moved, lambda number: True),
        (lambda one: (one.code, one.content), was_moved, lambda number: True),
        (lambda one: (one.code, innermost(one), one.content) if one.symbol else (), was_moved_alone, lambda number: True),
    )
    result = [False] * len(findings)
    for key_of, admits, concerns in passes:
        missed = [number for number, found in enumerate(result) if not found and concerns(number)]
        if missed:
            _pair(findings, missed, known, key_of, admits, result)
    return result


def _pair(
    findings: Sequence[tuple[Identity, ...]],
    missed: Iterable[int],
    known: Counter[Identity],
    key_of: Callable[[Identity], _Key],
    admits: Callable[[Identity], bool],
    result: list[bool],
) -> None:
    """Find an entry with the same key for each of the missed findings."""
    wanted = {key_of(one) for number in missed for one in findings[number]}
    left: dict[_Key, list[Identity]] = {}
    for entry, count in known.items():
        key = key_of(entry)
        if count > 0 and key and key in wanted and admits(entry):
            left.setdefault(key, []).extend([entry] * count)
    for number in missed if left else ():
        for one in findings[number]:
            waiting = left.get(key_of(one))
            if waiting:
                known[waiting.pop()] -= 1
                result[number] = True
                break


def _remembered(ask: Callable[[str], _Answer]) -> Callable[[str], _Answer]:
    answers: dict[str, _Answer] = {}

    def answer(path: str) -> _Answer:
        if path not in answers:
            answers[path] = ask(path)
        return answers[path]

    return answer


def line_hashes(text: str, lines: Collection[int], hidden: Collection[int] = ()) -> dict[int, str]:
    """GitHub's `primaryLocationLineHash` of some lines (from 1) of a file.

    A 64-bit polynomial hash of the 100 UTF-16 units from the line's start, blanks and tabs dropped, line endings
    made LF, an end mark and zeros after the end, then `:n` for the n-th line with that hash. github/codeql-action
    computes it for every result and warns where a tool's own value differs; where there is none it fills it in.
    Lines whose window reaches a `hidden` line get none: a short secret could be computed back from the hash.

    Repeats are counted by equal windows instead of equal hashes, which saves hashing every line of the file; two
    different windows of one file with the same hash are possible in theory only.
    """
    if not lines:
        return {}
    last = max(lines)
    text = _prepared(text, last)
    covered = sorted(hidden)
    seen: dict[str, int] = {}
    result: dict[int, str] = {}
    start = 0
    for line in range(1, last + 1):
        window = text[start : start + _WINDOW]
        if not window.isascii():
            window = _units(window)
        count = seen.get(window, 0) + 1
        seen[window] = count
        if line in lines and not _reaches(covered, line, line + window.count("\n")):
            result[line] = f"{_hash(window):x}:{count}"
        start = text.find("\n", start) + 1
        if start == 0:
            break
    return result


def _reaches(lines: Sequence[int], first: int, last: int) -> bool:
    """Whether one of some sorted lines lies between two."""
    next_one = bisect_left(lines, first)
    return next_one < len(lines) and lines[next_one] <= last


def _prepared(text: str, last: int) -> str:
    """The text as the hash reads it, with the end mark; as much of it as the windows of lines up to `last` can reach."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Each line fills at least one unit of a window with its ending.
    parts = text.split("\n", last + _WINDOW)
    if len(parts) > last + _WINDOW:
        parts[-1] = ""
        text = "\n".join(parts)
    return text.replace(" ", "").replace("\t", "") + "\uffff"


def _units(window: str) -> str:
    """A window with one character for each UTF-16 unit, cut to its size."""
    raw = window.encode(f"utf-16-{sys.byteorder[0]}e", "surrogatepass")
    return window if len(raw) == 2 * len(window) else "".join(map(chr, memoryview(raw).cast("H")))[:_WINDOW]


def _hash(window: str) -> int:
    total: int = sum(map(mul, map(ord, window), _POWERS))
    return total % _MODULUS
