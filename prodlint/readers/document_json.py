"""JSON, and its dialects with comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prodlint.facts import Comment, Fact, File, Source, encodable
from prodlint.readers.document_template import template_constructs
from prodlint.readers.document_tree import Offsets, Tree, Unreadable, comment, document, plain_value, problem

_JSON_TOKEN = re.compile(
    rb"""[ \t\r\n]*(?:("[^"\\]*(?:\\.[^"\\]*)*")|([{}\[\],:])|(//[^\r\n]*|/\*.*?\*/)|('[^'\\]*(?:\\.[^'\\]*)*')|([^\s{}\[\],:"'/]+))""",
    re.DOTALL,
)
_BLANKS = re.compile(r"\s*")
_JSON_WORDS: dict[bytes, Any] = {b"true": True, b"false": False, b"null": None}


def _json_text(written: bytes) -> str:
    if b"\\" not in written:
        return written[1:-1].decode("utf-8", "replace")
    import json

    try:
        return encodable(str(json.loads(written, strict=False)))
    except ValueError:
        return written[1:-1].decode("utf-8", "replace")


def is_plain(source: Source) -> bool:
    """Whether a text is JSON as the standard has it: told by the standard library, at a thirtieth of the cost of a tree with places."""
    import json

    try:
        json.loads(source.data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(word: str) -> None:
    raise ValueError(word)


def read_json(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """A JSON text; comments, trailing commas and bare keys are read as the dialects with comments have them."""
    tree = Tree(source, file)
    found: list[Comment] = []
    try:
        _build_json(source, file, tree, found if comments else None)
    except Unreadable as error:
        yield from found
        constructs = template_constructs(source.text) if b"{%" in source.data or b"{{" in source.data else []
        if constructs:
            offsets = Offsets(source.text)
            why = f"template that cannot be read without rendering: {error.why}"
            yield problem(source, file, "template", why, offsets(constructs[0][0]), offsets(constructs[0][1]))
        else:
            yield problem(source, file, "syntax", f"not valid JSON: {error.why}", error.offset)
        return
    if tree.root is not None:
        yield document(source, file, tree.root, 0, False)
    yield from found


def _are_values(text: str) -> bool:
    """Whether a text is JSON values one after the other, each an object or a list."""
    import json

    decoder, at = json.JSONDecoder(), 0
    try:
        while at < len(text):
            if text[at] not in "{[":
                return False
            _, at = decoder.raw_decode(text, at)
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return False
    return True


def _build_json(source: Source, file: File, tree: Tree, comments: list[Comment] | None) -> None:
    data = source.data
    at, end = 0, len(data)
    # What may come next: "value", "key", "colon", "comma" (or a closing bracket), "end".
    expected = "value"
    while True:
        token = _JSON_TOKEN.match(data, at)
        if token is None:
            rest = data[at:]
            if rest.strip():
                raise Unreadable("a character that does not belong here", at + len(rest) - len(rest.lstrip()))
            break
        at = token.end()
        which = token.lastindex or 0
        start = token.start(which)
        if which == 3:
            if comments is not None:
                stop = at - 2 if data.startswith(b"/*", start) else at
                note = comment(source, file, start, at, 2)
                note.value = source.slice(start + 2, stop).strip()
                comments.append(note)
            continue
        if expected == "end":
            if _are_values(source.slice(start, end)):
                break  # JSON Lines: the first of many values
            raise Unreadable("text after the end of the value", start)
        symbol = token.group(2)
        if symbol == b":":
            if expected != "colon":
                raise Unreadable("`:` where none belongs", start)
            expected = "value"
        elif symbol == b",":
            if expected != "comma":
                raise Unreadable("`,` where none belongs", start)
            expected = "key" if tree.open[-1].kind == "mapping" else "value"
        elif symbol in (b"}", b"]"):
            kind = "mapping" if symbol == b"}" else "sequence"
            if not tree.open or tree.open[-1].kind != kind or expected == "colon" or tree.keys[-1] is not None:
                raise Unreadable(f"`{symbol.decode()}` closes nothing", start)
            tree.finish(at)
            expected = "comma" if tree.open else "end"
        elif expected == "key":
            if which not in (1, 4, 5):
                raise Unreadable("a key is missing", start)
            written = data[start:at]
            tree.key(_json_text(written) if which != 5 else written.decode("utf-8", "replace"), start, at)
            expected = "colon"
        elif expected != "value":
            raise Unreadable(f"expected {'`:`' if expected == 'colon' else '`,`'}", start)
        elif symbol:
            kind = "mapping" if symbol == b"{" else "sequence"
            tree.begin(kind, start)
            expected = "key" if kind == "mapping" else "value"
        else:
            written = data[start:at]
            if which == 5:
                raw = written.decode("utf-8", "replace")
                value = _JSON_WORDS[written] if written in _JSON_WORDS else plain_value(raw)
                if isinstance(value, str) and raw not in ("NaN", "Infinity", "-Infinity"):
                    raise Unreadable("a word that is no value", start)
                tree.scalar(value, raw, False, start, at)
            else:
                text = _json_text(written)
                tree.scalar(text, text, True, start, at)
            expected = "comma" if tree.open else "end"
    if tree.open or (expected != "end" and data.strip()):
        raise Unreadable("it ends too early", end)
