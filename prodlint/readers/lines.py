"""Comments of files that have no reader of their own, line by line: Makefile, shell, nginx, properties, SQL, Procfile, ignore files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.facts import Comment, Fact, File, Source

# Kinds whose comments only start a line; in the others one may follow code after a blank.
_WHOLE_LINES = frozenset(("gitignore", "ignore", "properties", "text", "requirements"))
_SQL = frozenset(("sql",))
_PROPERTIES = frozenset(("properties",))

# Here a line that begins with `#` is a heading.
_MARKDOWN = (".md", ".markdown", ".mdx", ".rst", ".html", ".htm")


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """The comments of a plain-text kind."""
    if not wanted & {Comment, Fact}:
        return
    if file.kind in _SQL:
        yield from _sql(source, file)
    elif file.name.lower().endswith(_MARKDOWN):
        yield from _html(source, file)
    else:
        yield from _hash(source, file, whole_lines=file.kind in _WHOLE_LINES, signs=b"#!" if file.kind in _PROPERTIES else b"#")


def _comment(source: Source, file: File, start: int, end: int, marker: int) -> Comment:
    comment = Comment(source, file, start, end)
    comment.value = source.slice(start + marker, end).strip().lstrip("#").strip()
    return comment


def _html(source: Source, file: File) -> Iterator[Comment]:
    data = source.data
    start = data.find(b"<!--")
    while start != -1:
        end = data.find(b"-->", start + 4)
        if end == -1:
            return
        comment = Comment(source, file, start, end + 3)
        comment.value = source.slice(start + 4, end).strip()
        yield comment
        start = data.find(b"<!--", end + 3)


def _hash(source: Source, file: File, *, whole_lines: bool, signs: bytes) -> Iterator[Comment]:
    data, starts = source.data, source.line_starts
    found = min((at for at in (data.find(bytes((sign,))) for sign in signs) if at != -1), default=-1)
    if found == -1:
        return
    heredoc = b""
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else len(data)
        line = data[start:end].rstrip()
        if heredoc:
            heredoc = b"" if line.strip() == heredoc else heredoc
            continue
        stripped = line.lstrip()
        if stripped[:1] and stripped[:1] in signs:
            if not (index == 0 and stripped.startswith(b"#!")):
                yield _comment(source, file, start + len(line) - len(stripped), start + len(line), 1)
            continue
        if not whole_lines and b"#" in line:
            at = _after_code(line)
            if at != -1:
                yield _comment(source, file, start + at, start + len(line), 1)
        if b"<<" in line and file.kind in ("shell", "makefile"):
            opened = re.search(rb"<<-?[ ]*([\"']?)([A-Za-z_]\w*)\1", line)
            heredoc = opened[2] if opened else b""


def _after_code(line: bytes) -> int:
    """Where a comment begins behind code: a `#` after a blank and outside quotes, or -1."""
    quote, position = 0, 0
    while position < len(line):
        byte = line[position]
        if quote:
            if byte == 0x5C and quote == 0x22:
                position += 1
            elif byte == quote:
                quote = 0
        elif byte in b"\"'":
            quote = byte
        elif byte == 0x5C:
            position += 1
        elif byte == 0x23 and position and line[position - 1] in b" \t;":
            return position
        position += 1
    return -1


_SQL_PIECE = re.compile(rb"--[^\r\n]*|/\*|'|\"|\$[A-Za-z_]*\$")


def _sql(source: Source, file: File) -> Iterator[Comment]:
    data, position = source.data, 0
    unclosed: set[bytes] = set()
    while found := _SQL_PIECE.search(data, position):
        piece, start = found.group(), found.start()
        position = found.end()
        if piece.startswith(b"--"):
            yield _comment(source, file, start, start + len(piece.rstrip()), 2)
        else:
            close = -1 if piece in unclosed else data.find(b"*/" if piece == b"/*" else piece, position)
            if close == -1:
                unclosed.add(piece)
                # An apostrophe alone is no reason to lose the rest of the file.
                continue
            end = close + (2 if piece == b"/*" else len(piece))
            if piece == b"/*":
                comment = Comment(source, file, start, end)
                comment.value = source.slice(start + 2, close).strip()
                yield comment
            if piece[:1] != b"$":
                # A $$ body is a program with comments of its own.
                position = end
