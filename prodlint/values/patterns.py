"""Regular expressions: whether one lets no character through that means something to SQL or to a shell. None is ever run."""

from __future__ import annotations

import re

_DANGEROUS = frozenset("'\"`;\\|&$<>(){}*?!#%=\n")


def is_closed(pattern: str, whole: bool) -> bool:
    """Whether what a pattern accepts is harmless text. whole: it is matched against all of the text, so it need not end with `$`."""
    if not whole:
        ending = re.search(r"(?:\$|\\[Zz])(\)?)$", pattern)
        if ending is None or _is_escaped(pattern, ending.start()):
            return False
        pattern = pattern[: ending.start()] + ending[1]
    pattern = pattern.removeprefix("^")
    if pattern.endswith("$") and not _is_escaped(pattern, len(pattern) - 1):
        pattern = pattern[:-1]
    inside = False
    index = 0
    while index < len(pattern):
        character = pattern[index]
        following = pattern[index + 1 : index + 2]
        if character == "\\":
            if following in "WDS" or following in _DANGEROUS:
                return False
            index += 2
            continue
        if inside:
            if character == "]":
                inside = False
            elif character in _DANGEROUS or character == "^" and pattern[index - 1] == "[":
                return False
        elif character == "[":
            inside = True
        elif character == "." or character in "'\"`;&<>%=#!":
            return False
        index += 1
    return not inside


def leaves_only_plain(pattern: str) -> bool:
    """Whether removing what a pattern finds leaves harmless characters alone: `[^a-z0-9_]+`, `\\W`."""
    bare = pattern.rstrip("+*")
    if bare == "\\W":
        return True
    if not (bare.startswith("[^") and bare.endswith("]")):
        return False
    return is_closed(f"[{bare[2:]}", whole=True)


def _is_escaped(pattern: str, index: int) -> bool:
    count = 0
    while index - count - 1 >= 0 and pattern[index - count - 1] == "\\":
        count += 1
    return count % 2 == 1
