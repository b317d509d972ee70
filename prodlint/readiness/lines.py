"""Anybody's Markdown checklist, read line by line: task lists, emoji ticks, tables with a status, plain statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

State = Literal["ticked", "open", "stated"]

_TASK = re.compile(r"^(?P<head>[ \t>]*(?:[-*+]|\d+[.)])[ \t]+\[)(?P<box>[ xX✓✔~-])(?P<tail>\])(?P<text>[ \t].*)?$")
_BULLET = re.compile(r"^(?P<indent>[ \t>]*)(?P<sign>[-*+]|\d+[.)])[ \t]+(?P<text>\S.*)$")
_HEADING = re.compile(r"^ {0,3}(?P<level>#{1,6})[ \t]+(?P<text>.+?)[ \t]*#*$")
_FENCE = re.compile(r"^[ \t>]*(?P<fence>`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--\s*prodlint:\s*(?P<names>[\w,\s-]+?)\s*-->")
_NUMBER = re.compile(r"(?:^|[\s(*])(?P<number>\d{1,6})\s+(?=[a-z])", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EVIDENCE = " <!-- prodlint-evidence -->"

# A sentence of more words than this names its subject in the first clause.
_SENTENCE = 12
_SENTENCES = re.compile(r"(?<=[a-z)`*])\.\s+(?=[A-Z])")
_CLAUSE = re.compile(
    r",\s+|\s+(?=(?:so that|such as|in order to|which|when|unless|where|with the exception|to ensure|to prevent|to avoid|to protect|rather than|instead of)\b)"
)
# What GitHub shows as a picture; its letters are no words.
_SHORTCODE = re.compile(r":(?:[a-z]+(?:_[a-z]+)+|x|lock|wrench|airplane|warning|clipboard|construction):")
TICKS = (
    "✅",
    "✔️",
    "✔",
    "☑️",
    "☑",
    "🟢",
    "[done]",
    ":white_check_mark:",
    ":heavy_check_mark:",
    ":ballot_box_with_check:",
    "âœ…",
    "‚úÖ",
    "‚úì",
)
CROSSES = (
    "❌",
    "✖️",
    "✖",
    "🔴",
    "⬜",
    "☐",
    "🟡",
    "⏳",
    "⚠️",
    ":x:",
    ":heavy_multiplication_x:",
    ":white_large_square:",
    "‚ùå",
    "‚è≥",
    "‚ö†Ô∏è",
)
YES = frozenset("yes done complete completed pass passed ok implemented met ready finished x true".split())
NO = frozenset("no open todo pending missing fail failed incomplete planned partial false blocked".split()) | {
    "in progress",
    "not started",
    "needs work",
    "not met",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line that claims or asks something.

    number: from 1. head: what it names (bold, or before the first colon or dash); rest: what it explains. above: the lines
    and headings it stands under, the nearest first; parent: the line of the list it stands under, or "". names: what an explicit comment says it means. number_claimed: the
    number in "0 bare excepts", or None. mark: where its tick stands, as (start, end) in the line, or None. raw: its text with markup.
    heading: it names a section.
    """

    number: int
    state: State
    head: str
    rest: str
    text: str
    above: tuple[str, ...] = ()
    parent: str = ""
    names: tuple[str, ...] = ()
    number_claimed: int | None = None
    mark: tuple[int, int] | None = None
    in_code: bool = False
    raw: str = ""
    heading: bool = False


def split_lines(text: str) -> list[str]:
    """Lines with their endings, as they are."""
    return text.splitlines(keepends=True)


def read_lines(text: str) -> Iterator[Line]:
    """Every line that may be a claim."""
    headings: list[tuple[int, str]] = []
    parents: list[tuple[int, str]] = []
    fence = ""
    columns: list[str] = []
    front = False
    for number, full in enumerate(split_lines(text), 1):
        raw = full.rstrip("\r\n")
        if number == 1 and raw.strip() == "---":
            front = True
            continue
        if front:
            front = raw.strip() not in ("---", "...")
            continue
        fenced = _FENCE.match(raw)
        if fenced and (not fence or (fenced["fence"][0] == fence[0] and len(fenced["fence"]) >= len(fence))):
            fence = "" if fence else fenced["fence"]
            continue
        if not raw.strip():
            columns = []
            continue
        above = tuple(name for _, name in reversed((*headings[1:], *parents)))
        if fence:
            yield _line(number, "stated", raw.strip(), above, None, in_code=True)
            continue
        heading = _HEADING.match(raw)
        if heading:
            level = len(heading["level"])
            headings = [entry for entry in headings if entry[0] < level]
            if headings or level > 1:
                made = _line(number, "stated", heading["text"], tuple(name for _, name in reversed(headings[1:])), None)
                yield replace(made, heading=True)
            headings.append((level, _plain(heading["text"])))
            parents = []
            continue
        task, bullet = _TASK.match(raw), _BULLET.match(raw)
        if task:
            state: State = "ticked" if task["box"] in "xX✓✔" else "open"
            indent = _depth(raw)
            parents = [entry for entry in parents if entry[0] < indent]
            above = tuple(name for _, name in reversed((*headings[1:], *parents)))
            yield _line(number, state, (task["text"] or "").strip(), above, task.span("box"), parent=_last(parents))
            parents.append((indent, _plain(task["text"] or "")))
        elif raw.lstrip().startswith("|"):
            cells = [cell.strip() for cell in raw.strip().strip("|").split("|")]
            if not columns:
                columns = [cell.lower() for cell in cells]
            elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                yield from _row(number, raw, cells, columns, above)
        elif bullet:
            indent = _depth(raw)
            parents = [entry for entry in parents if entry[0] < indent]
            above = tuple(name for _, name in reversed((*headings[1:], *parents)))
            yield _emoji_line(number, raw, bullet["text"], above, _last(parents))
            parents.append((indent, _plain(bullet["text"])))
        elif any(raw.lstrip().startswith(sign) for sign in (*TICKS, *CROSSES)):
            yield _emoji_line(number, raw, raw.strip(), above)
        else:
            yield _line(number, "stated", raw.strip(), above, None)


def _depth(raw: str) -> int:
    body = raw.lstrip(" \t>")
    return len(raw[: len(raw) - len(body)].expandtabs(4))


def _last(parents: Sequence[tuple[int, str]]) -> str:
    return parents[-1][1] if parents else ""


def _emoji_line(number: int, raw: str, text: str, above: tuple[str, ...], parent: str = "") -> Line:
    for signs, state in ((TICKS, "ticked"), (CROSSES, "open")):
        for sign in signs:
            bare = text.lstrip("*_ ")
            # Several at the end are a grade, not a tick.
            if bare.startswith(sign) or (text.rstrip().endswith(sign) and text.count(sign) == 1):
                at = raw.find(sign)
                made: State = "ticked" if state == "ticked" else "open"
                return _line(number, made, text.replace(sign, "", 1).strip(), above, (at, at + len(sign)), parent=parent)
    return _line(number, "stated", text, above, None, parent=parent)


def _row(number: int, raw: str, cells: Sequence[str], columns: Sequence[str], above: tuple[str, ...]) -> Iterator[Line]:
    """A row of a table whose status says yes or no."""
    status = next(
        (
            index
            for index, name in enumerate(columns)
            if name.strip("* ") in ("status", "done", "state", "complete", "ok", "check", "✓", "✅", "result")
        ),
        -1,
    )
    if status < 0 or status >= len(cells):
        texts = [cell for cell in cells if _plain(cell)]
        if texts:
            yield _line(number, "stated", f"{texts[0]}: {' '.join(texts[1:])}", above, None)
        return
    value = cells[status]
    others = [cell for index, cell in enumerate(cells) if index != status and _plain(cell) and not _is_row_number(cell, columns, index)]
    if not others:
        return
    sign = next((sign for sign in (*TICKS, *CROSSES) if sign in value), "")
    words = _plain(value.replace(sign, "")).lower().strip("* .!")
    state: State = "stated"
    if sign in TICKS or words in YES:
        state = "ticked"
    elif sign in CROSSES or words in NO:
        state = "open"
    mark = None
    start, end = _cell(raw, status)
    if sign:
        at = raw.find(sign, start, end)
        mark = (at, at + len(sign))
    elif words in YES or words in NO:
        at = raw.lower().find(words, start, end)
        mark = (at, at + len(words))
    # The first cell may be a number of the row.
    named = next((cell for cell in others if not re.fullmatch(r"[\W\d]*", cell)), others[0])
    rest = " ".join(cell for cell in others if cell != named)
    yield _line(number, state, f"{named}: {rest}" if rest else named, above, mark)


def _is_row_number(cell: str, columns: Sequence[str], index: int) -> bool:
    """Whether a cell only counts its rows."""
    return (
        index < len(columns) and columns[index].strip("* .") in ("#", "no", "nr", "id", "") and re.fullmatch(r"[A-Z]?\d+", cell) is not None
    )


def _cell(raw: str, index: int) -> tuple[int, int]:
    """Where a cell of a row stands in its line."""
    start = raw.find("|") + 1
    for _ in range(index):
        start = raw.find("|", start) + 1
    end = raw.find("|", start)
    return start, end if end >= 0 else len(raw)


def _line(
    number: int, state: State, text: str, above: tuple[str, ...], mark: tuple[int, int] | None, in_code: bool = False, parent: str = ""
) -> Line:
    names = tuple(name.strip() for found in _COMMENT.finditer(text) for name in re.split(r"[,\s]+", found["names"]) if name.strip())
    text = text.split(_EVIDENCE.strip(), maxsplit=1)[0] if _EVIDENCE.strip() in text else text
    body = re.sub(r"<!--.*?-->", "", text).strip()
    if in_code:
        return Line(number, state, body, "", body, above, "", names, None, mark, True, body)
    head, rest = _head_and_rest(body)
    claimed = _NUMBER.search(_plain(head))
    return Line(
        number, state, head, rest, _plain(body), above, parent, names, int(claimed["number"]) if claimed else None, mark, False, body
    )


# What stands between a bold name and its explanation; "**Service starts** on system boot" is one sentence.
_ENDS_A_NAME = re.compile(r"[:–—-]\W*$")


# "PRC-07-011", "A08:2021", "V2.1.1": the number that a list gives a line.
IDENTIFIER = re.compile(
    r"^\W{0,4}(?:[A-Z]{1,8}-\d+(?:-\d+)+|[A-Z]{1,2}\d+(?:[.:]\d+)+|P\d)\W{0,4}(?:\s*[:–—-]+\s+|\s+(?=\**[A-Z]))(?=\S)"
    r"|^\W{0,4}[A-Z]{1,2}\d{1,3}:\s+(?=\S)"
    r"|^\W{0,4}(?!(?:AES|UTF|SHA|RSA|ISO|HS|RS|ES)-)[A-Z]{2,8}-\d{1,4}\W{0,4}(?:\s*[:–—-]+\s+)(?=\S)"
)


def _head_and_rest(text: str) -> tuple[str, str]:
    text = IDENTIFIER.sub("", text)
    bold = re.match(r"^\W{0,4}(?:\*\*|__)(.+?)(?:\*\*|__)[:\s–—-]*(.*)$", text)
    if bold and (not bold[2] or _ENDS_A_NAME.search(text[: len(text) - len(bold[2])]) or not bold[2][0].islower()):
        return _plain(bold[1]), _plain(bold[2])
    parts = re.split(r"\s+[-–—]\s+|[:;]\s+|\s+\(", text, maxsplit=1)
    if len(parts) == 1 and len(text.split()) > _SENTENCE:
        parts = _SENTENCES.split(text, maxsplit=1)
        if len(parts) == 1 or len(parts[0].split()) > _SENTENCE:
            parts = _CLAUSE.split(text, maxsplit=1)
    return _plain(parts[0]), _plain(parts[1]) if len(parts) > 1 else ""


def _plain(text: str) -> str:
    """A text without Markdown's marks."""
    text = _SHORTCODE.sub("", _LINK.sub(r"\1", re.sub(r"<!--.*?-->", "", text)))
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text).strip()


EVIDENCE_MARK = _EVIDENCE
