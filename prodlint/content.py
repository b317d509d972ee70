"""What a finding is bound to: the code or the values at its place in one form, whatever their layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from prodlint.digests import blake2b
from prodlint.facts import Source
from prodlint.model import Finding

# A form shorter than this (`except Exception: pass`) may stand in many functions of a file, and mean another mistake in each.
_TELLING = 24
# Comments of the kinds in which they may stand behind or between what is found.
_HASH = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
_COMMENT_LINES = re.compile(r"^[ \t]*[#;].*", re.MULTILINE)
_SEMICOLON = re.compile(r"(?:^|(?<=\s))[#;].*", re.MULTILINE)
_SLASHES = re.compile(r"^[ \t]*//.*|/\*.*?\*/", re.MULTILINE | re.DOTALL)
_COMMENTS = {
    **dict.fromkeys(("yaml", "toml", "shell", "makefile", "nginx", "requirements", "jenkinsfile"), _HASH),
    **dict.fromkeys(("dockerfile", "env", "properties", "procfile"), _COMMENT_LINES),
    **dict.fromkeys(("ini", "systemd"), _SEMICOLON),
    "json": _SLASHES,
}
_OPENERS = re.compile(r"\A[ \t]*(?:#+|//+|--|;+|<!--+|/\*+|\{#-?|%+)[ \t]*")
# A directive in the same comment is not part of it: adding one for rule A must not make rule B's finding new.
_DIRECTIVE = re.compile(r"[ \t]*(?:#|//|;|<!--|/\*)[ \t]*(?:prodlint:|noqa\b|nosec\b|type:|pylint:|pragma:).*")
_FIRST_DIRECTIVE = re.compile(r"[ \t]*(?:#|//|;|<!--|/\*)[ \t]*(?:prodlint:|noqa\b).*")
_LAYOUT = re.compile(r"\\\r?\n|[\"'\[\]{},]|(?:^|(?<=\s))-(?=\s)")
# The key of a value: `privileged: true`, `"debug" = true`.
_KEY = re.compile(r"([\w./-]{1,100})[\"']?[ \t]{0,20}(?::[ \t]|[=:])[ \t]{0,20}[\"']?\Z")
_WITH_KEYS = frozenset(("yaml", "toml", "json", "ini", "systemd", "env", "properties"))
_MOST = 8000
# One piece of a literal: prefix, quotes, text.
_PIECE = re.compile(
    r"(?:[bBrRuUfF]{0,2}(?P<quotes>\"\"\"|'''|\"|')(?P<text>(?:\\.|(?!(?P=quotes)).)*)(?P=quotes))|[\s()+\\]+|#[^\n]*", re.DOTALL
)


def content_of(
    source: Source,
    start: int,
    end: int,
    kind: str,
    module: Any = None,
    covered: Callable[[str], str] = str,
    *,
    secret: bool = False,
    comment: bool = False,
) -> str:
    """The digest of what stands between two byte offsets. One that begins with `~` is of something that may stand anywhere.

    kind: the file's. module: the Python file parsed, if it is one. covered: gives a text without the secrets in it, which could
    otherwise be found out by trying. secret, comment: whether the place is the value of a
    secret, or lies in a comment.
    """
    if secret:
        return digest(_value(source.slice(start, end)).encode("utf-8", "surrogatepass"))
    if comment:
        form = " ".join(_DIRECTIVE.sub("", _OPENERS.sub("", source.slice(start, end), count=1)).split())
    elif module is not None and module.source is source:
        from prodlint.python.canonical import canonical_form

        form = canonical_form(module, start, end)
    else:
        form = _text_form(source, start, min(end, start + _MOST), kind)
    form = covered(form)
    made = digest(form.encode("utf-8", "surrogatepass"))
    return made if len(form) >= _TELLING else f"~{made}"


def digest(content: bytes) -> str:
    """Nobody can read a line out of it."""
    return blake2b(content, digest_size=16).hexdigest()


def first_contents_of(source: Source, finding: Finding) -> tuple[str, ...]:
    """What a finding may have been bound to in version 1 of the baseline: the line on which it begins, or a secret's bytes."""
    span = finding.span
    start, end = source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column)
    if span in finding.secrets:
        return (digest(source.data[start:end]),)
    line = source.line_text(span.line)
    words = " ".join(_FIRST_DIRECTIVE.sub("", line).split())
    # Of a line with a syntax error all of it; of a directive its own text, as it stood there.
    return (
        digest(words.encode("utf-8")),
        digest(line.strip().encode("utf-8")),
        " ".join(_FIRST_DIRECTIVE.sub("", source.slice(start, end)).split()),
    )


def joined_literals(text: str) -> list[str]:
    """The pieces of literals that stand beside one another, and what they are together; nothing for any other text."""
    text = text.strip()
    pieces: list[str] = []
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        if found is None or found.end() == position:
            return []
        if found["quotes"]:
            pieces.append(found["text"].replace("\\'", "'").replace('\\"', '"'))
        position = found.end()
    return [*pieces, "".join(pieces)] if pieces else []


def _value(text: str) -> str:
    """A secret's value: literals joined, without prefix and quotes."""
    joined = joined_literals(text)
    return " ".join((joined[-1] if joined else text.strip().strip("\"'`")).split())


def _text_form(source: Source, start: int, end: int, kind: str) -> str:
    """Words without comments, quotes, brackets, commas and list marks; a value with its key."""
    text = source.slice(start, end)
    comments = _COMMENTS.get(kind)
    if comments is not None:
        text = comments.sub("", text)
    words = _LAYOUT.sub(" ", text).split()
    if kind == "requirements":
        return "".join(words)
    if kind == "dockerfile" and words:
        words[0] = words[0].upper()  # a keyword may be written either way
    if kind in _WITH_KEYS:
        line = source.position(start)[0]
        before = source.slice(max(source.line_starts[line - 1], start - 200), start)
        key = _KEY.search(before)
        if key is not None:
            words.insert(0, key[1])
    return " ".join(words)
