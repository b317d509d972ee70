"""A rule switched off in the settings: the edit of the file that holds for a document, or of a new one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_OWN = ("prodlint.toml", ".prodlint.toml")
_MANIFEST = "pyproject.toml"
_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[[ \t]*tool\.prodlint[ \t]*\][ \t]*(?:#.*)?$", re.MULTILINE)
_IGNORE = re.compile(r"^[ \t]*ignore[ \t]*=[ \t]*\[(?P<rest>[ \t\r\n]*)(?P<next>.)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text to be put into a file at an offset. exists: whether the file is there."""

    path: str
    offset: int
    text: str
    before: str
    exists: bool


def switched_off(code: str, path: str, root: str) -> Insertion:
    """Where to write that a rule is off for the file at `path`: into the nearest settings below the project's root, else into a new prodlint.toml."""
    file = _settings_of(path, root)
    if file is None:
        return Insertion(os.path.join(root, _OWN[0]), 0, f'ignore = ["{code}"]\n', "", exists=False)
    with open(file, encoding="utf-8", newline="") as handle:
        text = handle.read()
    table = _TABLE.search(text) if os.path.basename(file) == _MANIFEST else None
    start = min(table.end() + 1, len(text)) if table is not None else 0
    following = _HEADER.search(text, start)
    found = _IGNORE.search(text, start, following.start() if following is not None else len(text))
    if found is not None:
        return Insertion(file, found.start("rest"), f'"{code}"' + ("" if found["next"] == "]" else ", "), text, exists=True)
    line = f'ignore = ["{code}"]\n'
    return Insertion(file, start, line if start == 0 or text[start - 1] == "\n" else f"\n{line}", text, exists=True)


def _settings_of(path: str, root: str) -> str | None:
    directory = os.path.dirname(path)
    while True:
        for name in _OWN:
            if os.path.isfile(os.path.join(directory, name)):
                return os.path.join(directory, name)
        manifest = os.path.join(directory, _MANIFEST)
        if os.path.isfile(manifest):
            with open(manifest, encoding="utf-8", errors="replace") as handle:
                if _TABLE.search(handle.read()):
                    return manifest
        if directory == root or os.path.dirname(directory) == directory:
            return None
        directory = os.path.dirname(directory)
