""".env files: settings with the places of names and values, as python-dotenv reads them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from prodlint.facts import Comment, Fact, File, Problem, Setting, Source
from prodlint.readers.shell import setting

# python-dotenv looks for a comment behind each blank of a run anew, in time that grows with the square of its length.
_LONG_BLANKS = re.compile(r"(?<=\S)[^\S\r\n]{200,}")
_FILLER = "\ue000"


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """Settings, comments, and a problem for each line that is neither."""
    from dotenv.parser import parse_stream

    text = source.text
    offset = done = 0
    for binding in parse_stream(io.StringIO(_LONG_BLANKS.sub(_filled, text))):
        raw = text[done : done + len(binding.original.string)]
        done += len(raw)
        start, offset = offset, offset + len(raw.encode("utf-8", "replace"))
        if binding.key is None or binding.error:
            if binding.error and (Problem in wanted or Fact in wanted):
                yield _problem(source, file, start, raw)
            elif Comment in wanted or Fact in wanted:
                yield from _comments(source, file, start, raw)
            continue
        lead = len(raw) - len(raw.lstrip())
        key_at = raw.find(binding.key, lead)
        after = key_at + len(binding.key) + (1 if raw[key_at - 1 : key_at] == "'" else 0)
        if Setting in wanted or Fact in wanted:
            yield _setting(source, file, start, raw, key_at, after, binding.key, _emptied(binding.value))
        if (Comment in wanted or Fact in wanted) and "#" in raw:
            # Comments and blank lines before a binding belong to it in the parser's eyes.
            yield from _comments(source, file, start, raw[:key_at])
            value = _emptied(binding.value) or ""
            value_end = raw.find(value, after) + len(value)
            yield from _comments(source, file, start, raw, max(value_end, after))


def _filled(blanks: re.Match[str]) -> str:
    return blanks[0][:50] + _FILLER * (len(blanks[0]) - 100) + blanks[0][-50:]


def _emptied(value: str | None) -> str | None:
    if value is None or _FILLER not in value:
        return value
    # The parser stripped what follows an unquoted value down to the filler; a quoted one keeps its blanks.
    return (value.rstrip(_FILLER + " \t") if value.endswith(_FILLER) else value).replace(_FILLER, " ")


def _setting(source: Source, file: File, start: int, raw: str, key_at: int, after: int, key: str, value: str | None) -> Setting:
    def place(index: int) -> int:
        return start + len(raw[:index].encode("utf-8", "replace"))

    value_at, literal = None, False
    equals = raw.find("=", after)
    if value is not None and equals != -1:
        at = equals + 1
        while at < len(raw) and raw[at] in " \t":
            at += 1
        end = len(raw.rstrip())
        if raw[at : at + 1] in ("'", '"'):
            quote = raw[at]
            literal = quote == "'"
            at += 1
            end = raw.find(quote, at + len(value)) if raw.startswith(value, at) else raw.rfind(quote, at)
            end = end if end != -1 else len(raw.rstrip())
        elif raw.startswith(value, at):
            end = at + len(value)
        value_at = (place(min(at, len(raw.rstrip()))), place(max(end, min(at, len(raw.rstrip())))))
    return setting(
        source, file, key, value, key_at=(place(key_at), place(key_at + len(key))), value_at=value_at, origin="env-file", literal=literal
    )


def _comments(source: Source, file: File, start: int, raw: str, at: int = 0) -> Iterator[Comment]:
    offset = start + len(raw[:at].encode("utf-8", "replace"))
    for line in raw[at:].splitlines(keepends=True):
        sign = line.find("#")
        if sign != -1 and not line[:sign].strip(" \t'\""):
            text = line[sign:].rstrip()
            first = offset + len(line[:sign].encode("utf-8", "replace"))
            comment = Comment(source, file, first, first + len(text.encode("utf-8", "replace")))
            comment.value = text.lstrip("#").strip()
            yield comment
        offset += len(line.encode("utf-8", "replace"))


def _problem(source: Source, file: File, start: int, raw: str) -> Problem:
    lead = len(raw) - len(raw.lstrip())
    first = start + len(raw[:lead].encode("utf-8", "replace"))
    problem = Problem(source, file, first, first + len(raw.strip().encode("utf-8", "replace")))
    problem.kind, problem.why = "syntax", "not a NAME=value line"
    return problem
