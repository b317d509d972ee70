"""Second looks at except clauses before a file is parsed: many need no closer one.

Each says no only where the checks of PRD202, PRD203, PRD205 and PRD206 have nothing to say either; what the bytes do not
tell is left to them. (Measured on four services: nine of ten broad handlers log, raise or answer in plain sight.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

PrefilterResult = Sequence[tuple[bytes, int]]

# The clause up to its colon: types hold none, but comments between brackets may.
_HEAD = re.compile(rb"finally[ \t]*:|except\b[^:#\n(\[\"']*(?:\((?:[^()#\"']|#[^\n]*\n){0,400}\)[^:#\n(\[\"']*)?:")


@lru_cache(maxsize=64)
def _indented(depth: int) -> re.Pattern[bytes]:
    """Lines that belong to a block whose header is indented by so many bytes."""
    return re.compile(rb"(?:[ \t]{%d,}[^\s#][^\n]*(?:\n|\Z)|[ \t]*(?:#[^\n]*)?\r?\n)*" % (depth + 1))


def body_of(data: bytes, offset: int) -> bytes | None:
    """The lines of the block that the clause at this byte offset begins; None where the bytes do not tell."""
    head = _HEAD.match(data, offset)
    if head is None:
        return None
    line = data.rfind(b"\n", 0, offset) + 1
    depth = offset - line
    if data[line:offset].strip():
        return None
    end = data.find(b"\n", head.end())
    if end == -1:
        return data[head.end() :]
    rest = data[head.end() : end].strip()
    if rest and rest[0] != 35:  # #
        return rest
    found = _indented(depth).match(data, end + 1)
    body = data[end + 1 : found.end()] if found is not None else b""
    # A text over several lines may hold lines of any depth.
    return None if b'"""' in body or b"'''" in body else body


_STATEMENT = re.compile(rb"^([ \t]*)([^\s#][^\n]*)", re.MULTILINE)
_TRIVIAL = re.compile(rb"(?:pass|continue|break|return|None|True|False)\b|[^A-Za-z_]|[A-Za-z]{1,2}[\"']")


def does_nothing(body: bytes) -> bool:
    """Whether a block may begin with a statement that does nothing."""
    first = _STATEMENT.search(body)
    return first is None or _TRIVIAL.match(first.group(2)) is not None


# How a block is left before its end.
LEAVES = re.compile(rb"\b(?:return|continue|break)\b")
_KEEPS = re.compile(
    rb"(?:await )?(?:[\w.]*?(?:_|\b)(?:(?i:log|logger|logging|logfire))\d*\.a?exception\((?![^\n]*exc_info)"
    rb"|(?:[\w.]*\.)?(?:capture_exception|record_exception|log_exception|print_exc)\()"
)
_COMPOUND = re.compile(rb"(?:if|elif|else|for|while|with|try|except|finally|match|case|async|def|class|@)\b|@")


def may_lose(body: bytes) -> bool:
    """Whether a block may end, on some way, without a raise or a logged traceback."""
    depth = b""
    left = False
    for indent, words in _STATEMENT.findall(body):
        if not depth:
            depth = indent or b"-"
        if indent not in (depth, b"") or _COMPOUND.match(words):
            # Inside: what is done there may not be done; whether one leaves there is all that counts.
            left = left or LEAVES.search(words) is not None
            continue
        if left:
            return True
        if words.startswith(b"raise") and words[5:6] in (b"", b" ", b"\r", b"#"):
            return False
        if _KEEPS.match(words):
            return False
        if LEAVES.search(words):
            return True
    return True


_SINK = re.compile(
    rb"Response|HTTPException|H[Tt][Tt][Pp]Error|jsonify|json_response|abort|HTTP[A-Z]|APIException|send_|set_details|\.(?:text|json|html)\("
)
_RENAMED = re.compile(rb"(?:Response|HTTPException|H[Tt][Tt][Pp]Error|jsonify|abort) as \w")
_ROUTED = re.compile(rb"@[\w.]+\.(?:get|post|put|patch|delete|head|options|route|api_route|websocket|api_view|action|api_operation)\b")
_ALIAS = re.compile(rb"\bas\s+(\w+)\s*:\Z")


def may_answer(data: bytes, offset: int, body: bytes) -> bool:
    """Whether a block may send the caught exception's text, or a traceback, to a client."""
    if b"traceback" not in body:
        head = _HEAD.match(data, offset)
        alias = _ALIAS.search(head.group()) if head is not None else None
        if alias is None or re.search(rb"\b%b\b" % re.escape(alias.group(1)), body) is None:
            return False
    if _SINK.search(body) is not None:
        return True
    return (b"return" in body and _has_routes(data)) or _renames_answers(data)


@lru_cache(maxsize=2)
def _has_routes(data: bytes) -> bool:
    return _ROUTED.search(data) is not None


@lru_cache(maxsize=2)
def _renames_answers(data: bytes) -> bool:
    return b" as " in data and _RENAMED.search(data) is not None


def narrowed(
    prefilter: Callable[[bytes, PrefilterResult], list[int]], needed: Callable[[bytes, int, bytes], bool]
) -> Callable[[bytes, PrefilterResult], list[int]]:
    """A gate that lets pass what another one does, where the clause's block needs a closer look."""

    def narrow(data: bytes, hits: PrefilterResult) -> list[int]:
        kept = []
        for offset in prefilter(data, hits):
            body = body_of(data, offset)
            if body is None or needed(data, offset, body):
                kept.append(offset)
        return kept

    return narrow


_LOOP = re.compile(rb"^([ \t]*)(?:async )?((?:for|while)\b[^\n]*)", re.MULTILINE)
# No loop of attempts is longer, in bytes.
_FAR = 12_000


def in_loop(data: bytes, offset: int, header: re.Pattern[bytes]) -> bool:
    """Whether a line may stand in a loop of its function whose header looks like this."""
    start = data.rfind(b"\n", 0, offset) + 1
    depth = offset - start
    begin = max(0, start - _FAR)
    # From the function's own line on: the last `def` with less indentation.
    at = data.rfind(b"def ", begin, start)
    while at != -1:
        line = data.rfind(b"\n", 0, at) + 1
        if at - line < depth or data[line:at].lstrip() == b"async " and at - line - 6 < depth:
            begin = line
            break
        at = data.rfind(b"def ", begin, at)
    return any(len(loop.group(1)) < depth and header.match(loop.group(2)) for loop in _LOOP.finditer(data, begin, start))


_LEAVES_AT_LAST = re.compile(rb"(?:raise|return|break)\b")


def leaves_at_last(body: bytes) -> bool:
    """Whether the last statement of a block raises, returns or breaks."""
    statements = _STATEMENT.findall(body)
    if not statements:
        return False
    depth = statements[0][0]
    last = [words for indent, words in statements if indent == depth]
    return _LEAVES_AT_LAST.match(last[-1]) is not None
