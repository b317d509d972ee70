"""What makes a finding the same finding tomorrow: fingerprints that are bound to content, not to line numbers."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from operator import mul

from prodlint.model import Finding

# A directive beside the matched code is not part of it: adding one for rule A must not make rule B's finding new.
_DIRECTIVE = r"[ \t]*(?:#|//|;|<!--|/\*)[ \t]*(?:prodlint:|noqa\b).*"

_WINDOW = 100
_BASE = 37
_MODULUS = 1 << 64
_POWERS = tuple(pow(_BASE, _WINDOW - 1 - i, _MODULUS) for i in range(_WINDOW))


def place_order(finding: Finding) -> tuple[str, int, int, int, int, str, str]:
    """The order of `Finding.order` as plain values, which sort several times faster."""
    span = finding.span
    return (finding.path, span.line, span.column, span.end_line, span.end_column, finding.code, finding.message)


def normalised(content: str) -> str:
    """Content without what may change while the matter stays: indentation, runs of blanks, directives to linters."""
    if "prodlint:" in content or "noqa" in content:
        content = re.sub(_DIRECTIVE, "", content)
    return " ".join(content.split())


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """The `prodlint/v1` fingerprint of each finding, in the order given.

    Give all findings of a run sorted by place, suppressed ones included: equal ones are told apart by their ordinal.

    Of a line that holds a secret only eight bits go in. They tell when the value was changed (255 times of 256), and are
    too few to find it out by trying: what stands around it is in the excerpt of the same report.
    """
    from hashlib import sha256

    findings = list(findings)
    told = {(f.path, line) for f in findings for span in f.secrets for line in range(span.line, span.end_line + 1)}
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        path = finding.path
        content = normalised(finding.content or finding.message)
        if finding.secrets or (told and (path, finding.span.line) in told):
            content = sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:2]
        if not path.isascii():
            # The same name arrives decomposed from one file system and composed from another.
            import unicodedata

            path = unicodedata.normalize("NFC", path)
        matter = f"{finding.code}\0{path}\0{finding.symbol}\0{content}"
        ordinal = seen.get(matter, 0)
        seen[matter] = ordinal + 1
        result.append(sha256(f"{matter}\0{ordinal}".encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return result


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
