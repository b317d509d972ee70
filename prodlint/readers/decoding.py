"""Bytes to text: byte-order marks, PEP 263 cookies, and what is no text."""

from __future__ import annotations

import codecs
import re

from prodlint.facts import FileKind, Source

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")

# Byte-order marks; UTF-32 before UTF-16, whose mark is a prefix of it.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


# Kinds in which a CR without an LF behind it ends a line.
_CR_ENDS_A_LINE = frozenset(("python", "yaml"))
_LONE_CR = re.compile(rb"\r(?!\n)")


class Undecodable(Exception):
    """The bytes are no text in any encoding that the file declares; `source` holds what could be made of them, if anything."""

    def __init__(self, why: str, line: int, column: int, source: Source | None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line
        self.column = column
        self.source = source


def decode(raw: bytes, kind: FileKind) -> Source:
    """A file's bytes as a Source.

    Raises Undecodable where a kind that must be UTF-8 (or what its PEP 263 cookie says) is not.
    """
    source = _decoded(raw, kind)
    source.has_mark = raw.startswith(codecs.BOM_UTF8)
    return source


def _decoded(raw: bytes, kind: FileKind) -> Source:
    has_mark = raw.startswith(codecs.BOM_UTF8)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb") or raw[:4] == codecs.BOM_UTF32_BE:
        for mark, encoding in _MARKS:
            if raw.startswith(mark):
                body = raw[len(mark) :]
                if encoding == "utf-8":
                    raw = body
                    break
                try:
                    return Source(body.decode(encoding).encode("utf-8", "surrogatepass"), encoding)
                except UnicodeDecodeError as error:
                    raise Undecodable(
                        f"not {encoding.upper()}: {error.reason}",
                        1,
                        1,
                        Source(body.decode(encoding, "replace").encode("utf-8", "replace"), encoding),
                    ) from None
    if kind in _CR_ENDS_A_LINE and b"\r" in raw:
        # As CPython and YAML have it. The grammar's comments go on to the next LF; the offsets stay as they are.
        raw = _LONE_CR.sub(b"\n", raw)
    nul = raw.find(b"\0")
    if nul != -1:
        guessed = _without_mark(raw)
        if guessed is not None:
            return guessed
        where = Source(raw[:nul])
        line, column = where.position(nul)
        raise Undecodable(
            "holds NUL bytes",
            line,
            column,
            None if kind == "text" else Source(raw.replace(b"\0", b" ").decode("utf-8", "replace").encode()),
        )
    # Of ASCII bytes too: `utf-7` and `unicode_escape` make other text of them.
    declared = _declared(raw) if kind == "python" else ""
    if declared and declared not in ("utf-8", "utf8"):
        return _decode_as(raw, declared, has_mark)
    if raw.isascii():
        return Source(raw)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        source = Source(raw.decode("cp1252", "replace").encode("utf-8"), "cp1252")
        if kind in ("python", "notebook"):
            # A character for each byte: what a byte's number counts is what the columns count.
            line, column = source.position(source.offset(error.start))
            raise Undecodable(f"not UTF-8: byte 0x{raw[error.start]:02x}", line, column, source) from None
        return source
    return Source(raw)


def _without_mark(raw: bytes) -> Source | None:
    """UTF-16 or UTF-32 text that carries no mark, told by where its NUL bytes stand."""
    head = raw[:64]
    for encoding, step, zeros in (("utf-32-le", 4, (1, 2, 3)), ("utf-32-be", 4, (0, 1, 2)), ("utf-16-le", 2, (1,)), ("utf-16-be", 2, (0,))):
        usable = len(head) // step * step
        if usable >= step * 2 and all(head[i] == 0 for i in range(usable) if i % step in zeros) and any(head[:usable]):
            try:
                return Source(raw.decode(encoding).encode("utf-8"), encoding)
            except UnicodeDecodeError:
                continue
    return None


def _decode_as(raw: bytes, declared: str, has_mark: bool) -> Source:
    """A Python file in the encoding that its cookie names.

    Raises Undecodable where the interpreter would refuse it.
    """
    why = f"begins with the mark of UTF-8 and declares `{declared}`"
    if not has_mark:
        try:
            return Source(raw.decode(declared).encode("utf-8"), declared)
        except LookupError:
            why = f"unknown encoding: `{declared}`"
        except UnicodeError:
            why = f"not in the encoding it declares, `{declared}`"
    line = raw.count(b"\n", 0, raw.find(b"coding")) + 1
    raise Undecodable(why, line, 1, Source(raw.decode("latin-1").encode("utf-8")))


def _declared(raw: bytes) -> str:
    """The encoding that a PEP 263 cookie on the first or second line names, lower case, or nothing."""
    head = raw[: raw.find(b"\n", raw.find(b"\n") + 1) + 1 or len(raw)]
    if b"coding" not in head:
        return ""
    for line in head.split(b"\n")[:2]:
        match = _COOKIE.match(line)
        if match:
            return match.group(1).decode("ascii", "replace").lower().replace("_", "-")
        if not _BLANK.match(line.rstrip(b"\r")):
            break
    return ""
