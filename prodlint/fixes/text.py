"""Fixes of any file as text: what stands around the edit keeps its comments, quotes and layout."""

from __future__ import annotations

import re

from prodlint.fixes.work import Piece, Work, work_with

_QUOTES = ("'", '"')
_ENDS = re.compile(rb"\r\n|\n|\r")


def replace(work: Work) -> list[Piece]:
    """What stands there gives way to the text. Quotes around it stay where the text brings none."""
    old, new = work.source.slice(work.start, work.end), work.arguments["text"]
    if len(old) > 1 and old[0] in _QUOTES and old[-1] == old[0] and new[:1] not in _QUOTES and work.kind != "python":
        new = f"{old[0]}{new}{old[0]}"
    return [] if old == new else [(work.start, work.end, new)]


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def require_variable(work: Work) -> list[Piece]:
    """What stands there gives way to `${NAME:?set NAME}`. Places of one file that hold the same value get the same variable.

    The name is the recipe's, or that under which the file holds the value first; a variable that has it for a default goes first.
    """
    old = work.source.slice(work.start, work.end)
    bare = old[1:-1] if len(old) > 1 and old[0] in _QUOTES and old[-1] == old[0] else old
    name = _first_name(work, bare) or work.arguments["name"]
    if _VARIABLE.fullmatch(name) is None:
        return []
    return replace(work_with(work, "text", f"${{{name}:?set {name}}}"))


def _first_name(work: Work, value: str) -> str:
    if len(value) < 4 or "\n" in value:
        return ""
    data, held = work.source.data, re.escape(value.encode())
    default = re.search(rb"\$\{([A-Za-z_]\w*):?-" + held + rb"\}", data)
    named = re.search(
        rb"(?m)^[ \t]*(?:-[ \t]+)?[\"']?([A-Za-z_]\w*)[\"']?[ \t]*[:=][ \t]*[\"']?" + held + rb"[\"']?[ \t]*(?:#[^\n]*)?\r?$", data
    )
    found = default or named
    return found.group(1).decode() if found is not None and re.search(rb"(?i)pass|pwd|secret|token|key|cred", found.group(1)) else ""


def replace_at(work: Work) -> list[Piece]:
    """As `replace`, at a place of the recipe's own."""
    given = work.arguments
    start = work.source.offset_at(int(given["line"]), int(given["column"]))
    end = work.source.offset_at(int(given["end_line"]), int(given["end_column"]))
    if start == work.line_start(start) and not given["text"] and _ENDS.match(work.source.data, end):
        end = work.line_end(end)  # a line that held nothing else goes as a whole
    return [(start, end, given["text"])]


def replace_word(work: Work) -> list[Piece]:
    """The first such word there gives way to another one."""
    given = work.arguments
    found = re.search(rb"(?<![\w./-])" + re.escape(given["word"].encode()) + rb"(?![\w./-])", work.source.data[work.start : work.end])
    if found is None:
        return []
    return [(work.start + found.start(), work.start + found.end(), given["text"])]


# Flags that are nothing without the word after them.
_TAKE_VALUES = ("--reload-dir", "--reload-include", "--reload-exclude", "--py-autoreload", "--python-autoreload", "--py-auto-reload")
_BEFORE_WORD = re.compile(rb"(?:[ \t]|\\\r?\n)+\Z")
_LIST_ITEM = re.compile(rb"[ \t]*-[ \t]+[\"']?\Z")


def remove_word(work: Work) -> list[Piece]:
    """A word of a command line goes: of a shell's, of a list `["a", "b"]`, of a list with an item a line."""
    data, start, end = work.source.data, work.start, work.end
    text = data[start:end]
    word = work.arguments["word"].encode()
    if text != word and not text.startswith(word + b"="):
        return []
    if work.arguments["word"] in _TAKE_VALUES and b"=" not in text:
        return []
    pieces = _without_word(work, start, end)
    for place in [value for key, value in work.pairs if key == "with"] if pieces else ():
        # Words that mean nothing without the first: `--reload-dir app`.
        also = _without_word(work, *map(int, place.split(":")))
        if not also:
            return []
        pieces += also
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Pieces that touch, as one."""
    made: list[Piece] = []
    for start, end, text in sorted(pieces):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]), made[-1][2] + text)
        else:
            made.append((start, end, text))
    return made


def _without_word(work: Work, start: int, end: int) -> list[Piece]:
    """The edit that takes one word out of a command line."""
    data = work.source.data
    line = data[work.line_start(start) : start]
    if work.kind == "yaml" and _LIST_ITEM.fullmatch(line):
        rest = data[end : work.line_end(end)]
        return [(work.line_start(start), work.line_end(end), "")] if not rest.strip(b"\"' \t\r\n") else []
    if data[start - 1 : start] in (b'"', b"'") and data[end : end + 1] == data[start - 1 : start]:
        start, end = start - 1, end + 1
    before = data[:start].rstrip(b" \t\r\n")
    if before.endswith(b","):
        return [(len(before) - 1, end, "")]
    if before.endswith(b"["):
        found = re.compile(rb"\s*,\s*").match(data, end)
        return [(start, found.end(), "")] if found else []
    blank = _BEFORE_WORD.search(data, max(0, start - 200), start)
    return [(blank.start(), end, "")] if blank and blank.start() > work.line_start(blank.start()) else []


_LIST_END = re.compile(rb"[\"']?\s*\]")


def append_words(work: Work) -> list[Piece]:
    """Words at the end of a command line: of a shell's, of a list `["a", "b"]`, of a list with an item a line."""
    data, end = work.source.data, work.end
    words = work.arguments["text"].split(" ")
    text = data[work.start : end].rstrip()
    if text.endswith(b"]"):
        end = work.start + len(text[:-1].rstrip(b" \t\r\n,"))
    if _LIST_END.match(data, end):
        end += data[end : end + 1] in (b'"', b"'")
        return [(end, end, "".join(f', "{word}"' for word in words))] if data[end - 1 : end] in (b'"', b"'") else []
    line = data[work.line_start(end - 1) : end]
    item = re.match(rb"[ \t]*-[ \t]+", line)
    if work.kind == "yaml" and item is not None and b" " not in line[item.end() :]:
        at = work.line_end(end - 1)
        ended = data[at - 1 : at] in (b"\n", b"\r")
        lines = [item[0].decode() + (word if not word.startswith("-") and ":" not in word else f'"{word}"') for word in words]
        return [
            (at, at, "".join(f"{each}{work.newline}" for each in lines) if ended else "".join(f"{work.newline}{each}" for each in lines))
        ]
    if data[end - 1 : end].isspace():
        return []
    return [(end, end, " " + " ".join(words))]


def insert_line_before(work: Work) -> list[Piece]:
    """A line of its own before that of the place, and before the comments right above it."""
    at = work.line_start(work.start)
    pad = work.indentation(work.start)
    starts = work.source.line_starts
    line = work.source.position(at)[0]
    while line > 1 and work.source.line_text(line - 1).startswith(f"{pad}#"):
        line -= 1
    text = "".join(f"{pad}{part}\n" for part in work.arguments["text"].split("\n"))
    return [(starts[line - 1], starts[line - 1], work.lines(text))]


def insert_line_after(work: Work) -> list[Piece]:
    """Lines after the first line of the place, written as they are to stand."""
    at = work.line_end(work.start)
    text = work.lines(work.arguments["text"].rstrip("\n"))
    if _ENDS.fullmatch(work.source.data[at - 1 : at]):
        return [(at, at, text + work.newline)]
    return [(at, at, work.newline + text)]


def append_lines(work: Work) -> list[Piece]:
    """The lines that the file does not hold yet, at its end."""
    text = work.arguments["text"]
    end = len(work.source.data)
    if text.startswith("\n"):  # a section, which is no set of lines
        wanted = text[1:] if not end else text
        if text.strip() in work.source.text.replace("\r\n", "\n"):
            return []
    else:
        held = {line.strip() for line in work.source.text.splitlines()}
        wanted = "".join(f"{line}\n" for line in text.splitlines() if line.strip() not in held)
    if not wanted.strip():
        return []
    if end and not _ENDS.fullmatch(work.source.data[end - 1 : end]):
        wanted = "\n" + wanted
    return [(end, end, work.lines(wanted))]


def drop_shell_default(work: Work) -> list[Piece]:
    """`${NAME:-value}` becomes `${NAME:?set NAME}`: without the variable nothing starts."""
    name = work.arguments["name"]
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return []
    data = work.source.data
    opening = re.compile(rb"\$\{" + name.encode() + rb":?[-=]")
    openings = [found for found in opening.finditer(data, max(0, work.start - 200), work.start) if found.end() <= work.start]
    end = data.find(b"}", work.end)
    if not openings or end == -1:
        return []
    start = openings[-1].start() + len("${" + name)
    if b"\n" in data[start:end] or b"{" in data[start:end]:
        return []
    return [(start, end, f":?set {name}")]
