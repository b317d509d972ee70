"""What could be a secret by its looks alone: for covering, never for reporting. It errs towards covering, which costs an excerpt a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

MASK = "***"

# Passwords in addresses, tokens behind "Bearer", literals with a digit under a secret's name.
_TRIGGERS = (
    *("://", "akia", "asia", "aiza", "eyj", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "hf_", "npm_", "pypi-"),
    *("sg.", "sk-", "sk_live_", "rk_live_", "xox", "shpat_", "dop_v1_", "whsec_", "password", "passwd", "secret", "token"),
    *("api_key", "apikey", "api-key", "access_key", "private_key", "bearer"),
)
_SHAPES = (
    r"(?:\b(?-i:AKIA|ASIA|AIza|eyJ|gh[opsur]_|github_pat_|glpat-|hf_|npm_|pypi-|SG\.|sk-|[sr]k_live_|xox[a-z]-|shpat_|dop_v1_|whsec_)"
    r"(?P<token>(?=[\w.+/=-]{0,100}\d)[\w.+/=-]{12,})"
    r"|://[^\s/:@\"'{}$<>]{0,100}:(?P<url>[^\s/@\"'{}$<>]{3,200})@"
    r"|://(?P<user>[A-Za-z0-9_\-]{20,200})@"
    r"|\bbearer\s{1,3}(?P<bearer>[\w.+/=-]{12,})"
    r"|(?:passw(?:or)?d|secret|token|(?:api|access|private)[_-]?key)[\w.-]{0,40}[\"']?\]?\s{0,8}(?::|=|=>)\s{0,8}"
    r"(?:[bru]{0,2}(?P<quote>[\"'])(?P<quoted>(?=[^\"'\s]{0,200}\d)[^\"'\s${}<>]{6,200})(?P=quote)"
    r"|(?P<bare>(?=\S{0,200}\d)[^\s\"'`${}<>()\[\],;]{6,200})$))"
)
_GROUPS = ("token", "url", "user", "bearer", "quoted", "bare")
# What a machine may have made, and what tells that it is a digest or the name of a commit.
_LONG_WORD = re.compile(r"[A-Za-z0-9+_-][A-Za-z0-9+/_-]{19,}={0,2}")
_DIGEST_BEFORE = re.compile(r"(?:sha\d{1,3}[:=-]|@|[Cc]ommit[ /])\Z")
_DIGEST = re.compile(r"sha\d{3}-|[0-9a-f]{40}\Z|[0-9a-f]{64}\Z")
# In a file that cannot be read nothing has a name: there any word of mixed characters may be one.
_MIXED_WORD = re.compile(r"[^\s\"'`<>()\[\]{},;:=]{12,}")
_LONGEST_LINE = 20_000


@cache
def _looks() -> tuple[Any, re.Pattern[str]]:
    """What finds the triggers, and what finds the values behind them; made when the first line is shown."""
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(_TRIGGERS), re.compile(_SHAPES, re.IGNORECASE)


def places(text: str, *, unreadable: bool = False) -> Iterator[tuple[int, int]]:
    """Where a line holds what looks like a secret. unreadable: whether it is of a file that cannot be read as what it is."""
    triggers, shapes = _looks()
    if triggers.find_matches_as_indexes(text.lower()):
        for found in shapes.finditer(text):
            for group in _GROUPS:
                if found.start(group) >= 0:
                    yield found.span(group)
    if len(text) <= _LONGEST_LINE:
        yield from random_words(text)
        if unreadable:
            for word in _MIXED_WORD.finditer(text):
                if any(map(str.isdigit, word[0])) and any(map(str.isalpha, word[0])):
                    yield word.span()


def random_words(text: str) -> Iterator[tuple[int, int]]:
    """Words that a machine may have made, digests and names of commits left out."""
    from prodlint.values.secret_values import is_random

    for word in _LONG_WORD.finditer(text):
        if is_random(word[0]) and not (_DIGEST.match(word[0]) and _DIGEST_BEFORE.search(text[max(0, word.start() - 12) : word.start()])):
            if not word[0].startswith(("sha256-", "sha384-", "sha512-")):
                yield word.span()


def covered(text: str, *, unreadable: bool = False) -> str:
    """A text with what looks like a secret covered."""
    return cover(text, places(text, unreadable=unreadable))


def cover(text: str, found: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> str:
    """A text with these places covered."""
    listed = sorted(found)
    if not listed:
        return text
    pieces: list[str] = []
    position = 0
    for start, end in merged(listed, len(text)):
        pieces += [text[position:start], MASK]
        position = end
    return "".join([*pieces, text[position:]])


def merged(cuts: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Sorted places, cut to the text, those that touch or overlap joined."""
    start, end = cuts[0]
    for next_start, next_end in cuts[1:]:
        if next_start <= end:
            end = max(end, next_end)
        else:
            yield start, min(end, length)
            start, end = next_start, next_end
    yield start, min(end, length)
