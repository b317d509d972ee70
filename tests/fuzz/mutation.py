"""Mutations: of bytes, of lines, and of what the formats are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]

# What parsers trip over: ends of lines, marks, brackets, quotes, escapes, numbers at their limits, and text that turns or hides text.
PIECES = [
    b"\0", b"\r", b"\r\n", b"\n", b"\x0c", b"\x1b[2J", b"\t", b" " * 8, b"\\\n", b"\\", b"'", b'"', b'"""', b"'''", b"`", b"(", b")", b"[", b"]", b"{", b"}", b"{{", b"}}",
    b"${", b"$(", b"$((", b"<<EOF\n", b"EOF\n", b"#", b"# coding: utf_7\n", b"# coding: undefined\n", b"# prodlint: ignore[ALL]\n", b"# noqa\n", b":", b": ", b"- ", b"---\n", b"...\n", b"&a ",
    b"*a", b"<<: *a\n", b"!!bool ", b"!!python/object:os.system ", b"%", b"|", b">-", b"=", b"==", b",", b";", b"@", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3", b"\xed\xa0\x80",
    "\u202e".encode(), "\u2028".encode(), "\u00e9".encode(), "\U0001f600".encode(), b"\xf4\x8f\xbf\xbf", b"0x", b"1e999", b"-1", b"9" * 40, b"https://a:b@c/", b"://", b"\xc2\xa0",
    b"if", b"else:", b"lambda", b"async ", b"await ", b"def f(", b"class C(", b"match x:\n case _:", b"f'{", b"b'", b"r'\\'", b"try:\n", b"except*", b"with ", b"import ", b"from . import *\n",
    b"FROM ", b"RUN ", b"ENV ", b"ARG ", b"services:\n", b"[tool.x]\n", b"[[x]]\n", b"__proto__", b"\\u0000", b"\\ud800", b"\\x", b"<!--", b"]]>",
]  # fmt: skip


def _at(data: bytes, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _flip(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]


def _insert(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    at = _at(data, chance)
    return data[:at] + chance.choice(PIECES) + data[at:]


def _replace(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    at = _at(data, chance)
    return data[:at] + chance.choice(PIECES) + data[at + chance.randrange(1, 9) :]


def _delete(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    at = _at(data, chance)
    return data[:at] + data[at + chance.randrange(1, 40) :]


def _cut(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return data[: _at(data, chance)] if chance.random() < 0.7 else data[_at(data, chance) :]


def _repeat(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_at(data, chance), _at(data, chance)))
    piece = data[start : min(end, start + 200)]
    return data[:end] + piece * chance.choice((1, 2, 3, 30, 300)) + data[end:]


def _lines_moved(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _line_dropped(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _indented(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at = chance.randrange(len(lines))
    lines[at:] = [chance.choice((b" ", b"\t", b"    ", b"  ")) + line for line in lines[at:]]
    return b"".join(lines)


def _line_ends(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\x0c\n", b"\n\r", b" \\\n")))


def _blanks(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return data.replace(
        chance.choice((b" ", b"(", b".", b"=", b",", b":")), chance.choice((b"  ", b"\t", b" ( ", b" . ", b" = ", b" \\\n", b""))
    )


def _word(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    words = list(re.finditer(rb"\w+", data))
    if not words:
        return data
    one, other = chance.choice(words), chance.choice(words)
    return data[: one.start()] + other.group() + data[one.end() :]


def _spliced(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return data[: _at(data, chance)] + other[_at(other, chance) :]


def _joined(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    return data + chance.choice(others)


def _nested(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    opening = chance.choice((b"(", b"[", b"{", b"f(", b"{'a':", b"[[", b"if x:\n", b"$(", b"{{", b"lambda: ", b"not ", b"-", b"- ", b"a: "))
    at = _at(data, chance)
    return data[:at] + opening * chance.choice((3, 30, 300)) + data[at:]


def _recoded(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    coding = chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "cp037", "shift_jis"))
    mark = f"# coding: {coding}\n".encode() if chance.random() < 0.5 else b""
    return mark + data.decode("utf-8", "replace").encode(coding, "replace")


def _numbers(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return re.sub(
        rb"\d+",
        lambda _: chance.choice(
            (b"0", b"-1", b"99999999999999999999", b"9" * 400, b"9" * 5000, b"1e400", b"0x", b"1_0", b"08", "\u00b2".encode())
        ),
        data,
        count=chance.randrange(1, 4),
    )


def _commented(data: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    return data.replace(b"\n", b"  # a remark\n", chance.randrange(1, 4))


MUTATIONS: list[Mutation] = [
    _flip, _insert, _insert, _insert, _replace, _replace, _delete, _delete, _cut, _repeat, _lines_moved, _line_dropped, _indented, _line_ends, _blanks, _word, _word, _spliced, _joined,
    _nested, _recoded, _numbers, _commented,
]  # fmt: skip


def mutated(data: bytes, chance: Random, others: Sequence[bytes], largest: int = 20_000) -> bytes:
    """An input made from this one by a few mutations."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        data = chance.choice(MUTATIONS)(data, chance, others)
    return data[:largest]
