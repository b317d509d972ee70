"""What names that a file imports from the project's own modules stand for, where these have them from outside of it.

`from app.http import requests`, or `from app.deps import read` where that module says `read = os.getenv`: rules speak of the library's names, and
a module in between is no reason not to know them. Imports are read off the bytes, since that is wanted before it is known
whether a file is parsed at all; what is taken for an import there and is none (an example in a docstring) names something that nobody uses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from prodlint.python.imported import absolute

# Modules through which one name is followed, and levels of modules within modules.
_MOST_STEPS = 12
_MOST_LEVELS = 3
# Names of one file that are followed; no person writes more imports.
_MOST_NAMES = 2_000
# Bytes of one list of names, and closing brackets in comments of it.
_LONGEST_LIST = 50_000
_MOST_REMARKS = 50

_BLANK = rb"(?:[ \t\f]|\\\r?\n)"
_FROM = re.compile(
    rb"from(?=[ \t\f\\.])"
    + _BLANK
    + rb"*([.\w \t\f\x80-\xff]{0,200}?)"
    + _BLANK
    + rb"*(?<![\w\x80-\xff])import(?![\w\x80-\xff])"
    + _BLANK
    + rb"*"
)
_IMPORT = re.compile(rb"import" + _BLANK + rb"+((?:[^\n;#\\]|\\\r?\n)*)")
_COMMENT = re.compile(rb"#[^\n]*")
_NAME = re.compile(r"([\w.]+|\*)(?:\s+as\s+(\w+))?\Z")
_BEFORE = re.compile(rb"[ \t\f]*(?:[^\n#\"'()]*[:;][ \t\f]*)?\Z")
# The lines that begin at the margin: what follows, indented, belongs to the module where this is no definition.
_MARGIN = re.compile(rb"^\f*(?:(try|if|else|elif|except|finally|with)\b|[^\s#)\]}])", re.MULTILINE)
_ASSIGNED = rb"[ \t\f]*(?::[^=\n]*)?=(?!=)[ \t\f]*([^\n]*)"
_VALUE = re.compile(_ASSIGNED)
_BOUND_TO_NAME = re.compile(rb"^\f*([A-Za-z_][\w\x80-\xff]*)" + _ASSIGNED, re.MULTILINE)
_DEFINING = ([b"def"], [b"class"], [b"async", b"def"])
_LONGEST_HEAD = 40
_DOTTED = re.compile(r"([A-Za-z_][\w.]*)\s*(?:#.*)?\Z")


class Imported(NamedTuple):
    """An imported name. module: as it is written, dots of a relative one before it. name: "" for `import module`, "*" for all. start: where
    the statement begins."""

    module: str
    name: str
    alias: str
    start: int


def imports_in(data: bytes) -> Iterator[Imported]:
    """What a Python file imports, read off its bytes."""
    end = 0
    for found in _FROM.finditer(data):
        if found.start() >= end and _begins(data, found.start()):
            module = b"".join(found[1].split()).decode("utf-8", "replace")
            listed, end = _listed(data, found.end())
            if module:
                for name, alias in _names(listed):
                    yield Imported(module, name, alias or name, found.start())
    for found in _IMPORT.finditer(data):
        if _begins(data, found.start()):
            for name, alias in _names(found[1]):
                if name != "*":
                    yield Imported(name, "", alias or name.partition(".")[0], found.start())


def _begins(data: bytes, start: int) -> bool:
    """Whether a statement may begin at an offset."""
    line = data.rfind(b"\n", max(0, start - 200), start) + 1
    if data[max(0, line - 3) : line].strip(b"\r\n").endswith(b"\\"):
        return False
    return _BEFORE.match(data, line or max(0, start - 200), start) is not None


def _listed(data: bytes, start: int) -> tuple[bytes, int]:
    """The text of the names behind `import`, up to the closing bracket or to the end of the statement, and where that is."""
    if data[start : start + 1] != b"(":
        found = (data.find(b"\n", start), data.find(b";", start, start + 1000), data.find(b"#", start, start + 1000))
        end = min((each for each in found if each >= 0), default=len(data))
        while end < len(data) and (data[end - 1 : end] == b"\\" or data[end - 2 : end] == b"\\\r"):
            following = data.find(b"\n", end + 1)
            end = following if following >= 0 else len(data)
        return data[start:end].replace(b"\\", b" "), end
    end = data.find(b")", start, start + _LONGEST_LIST)
    for _ in range(_MOST_REMARKS):
        if end < 0 or b"#" not in data[max(start, data.rfind(b"\n", start, end)) : end]:
            break
        end = data.find(b")", end + 1, start + _LONGEST_LIST)
    return (data[start + 1 : end], end) if end >= 0 else (b"", start)


def _names(text: bytes) -> Iterator[tuple[str, str]]:
    """The names of a list, and what each is called here."""
    if b"#" in text:
        text = _COMMENT.sub(b"", text)
    for part in text.replace(b"\\", b" ").decode("utf-8", "replace").split(","):
        words = part.strip()
        found = _NAME.match(words) or _NAME.match(re.sub(r"\s*\.\s*", ".", words))
        if found:
            yield found[1], found[2] or ""


class ModuleNames:
    """The names of one module of the project that may lead on: what it imports, and what it binds to another name."""

    def __init__(self, data: bytes, path: str) -> None:
        self.imports: dict[str, tuple[str, str]] = {}
        self.stars: list[str] = []
        self._data = data
        self._values: dict[str, str | None] = {}
        self._bound: list[str] | None = None
        margins: list[int] | None = None
        outer: list[bool] = []
        for one in imports_in(data):
            indented = data[one.start - 1 : one.start] not in (b"", b"\n", b"\r")
            if indented and margins is None:
                found = list(_MARGIN.finditer(data))
                margins, outer = [each.start() for each in found], [each[1] is not None for each in found]
            if indented and margins is not None:
                at = bisect_right(margins, one.start) - 1
                line = data.rfind(b"\n", 0, one.start) + 1
                if at >= 0 and margins[at] != line and not outer[at]:
                    continue
            module = absolute(one.module, path)
            if one.name == "*":
                self.stars.append(module)
            elif one.name or one.alias != one.module.partition(".")[0] or "." not in one.module:
                self.imports.setdefault(one.alias, (module, one.name))

    def value(self, name: str) -> str | None:
        """The name that the module binds a name to at its margin; "" where it defines it, or binds it to anything else; None where neither."""
        if name not in self._values:
            self._values[name] = self._value(name.encode("utf-8"))
        return self._values[name]

    def _value(self, name: bytes) -> str | None:
        data = self._data
        at = data.find(name)
        while at >= 0:
            end = at + len(name)
            # (A comparison with 0 would take a name at the very beginning for one without a line before it.)
            line = data.rfind(b"\n", max(0, at - _LONGEST_HEAD), at) + 1
            if (line or at < _LONGEST_HEAD) and not data[end : end + 1].isalnum() and data[end : end + 1] != b"_":
                head = data[line:at].lstrip(b"\f")
                if head.split() in _DEFINING and head[-1:].isspace() and not head[:1].isspace():
                    return ""
                if not head and (found := _VALUE.match(data, end)):
                    dotted = _DOTTED.match(found[1].decode("utf-8", "replace").strip())
                    return dotted[1] if dotted else ""
            at = data.find(name, end)
        return None

    @property
    def bound(self) -> list[str]:
        """What the module binds to other names at its margin."""
        if self._bound is None:
            names = (found[1].decode("utf-8", "replace") for found in _BOUND_TO_NAME.finditer(self._data))
            self._bound = [name for name in dict.fromkeys(names) if self.value(name)]
        return self._bound


class Follower:
    """Follows names through the modules of a project.

    find: the path of a module, by its name and the path of the file that asks, or "". names: what a file binds. path: the file that asks; all
    that was looked at for it is in `seen`.
    """

    def __init__(self, find: Callable[[str, str], str], names: Callable[[str], ModuleNames], path: str) -> None:
        self._find = find
        self._names = names
        self._path = path
        self.seen: dict[str, None] = {}

    def follow(self, wanted: Iterator[tuple[str, str]]) -> dict[str, str]:
        """By the names that are written with the project's own modules, those that they stand for outside of it. wanted: pairs of a module
        and what is imported of it (see `Imported.name`)."""
        found: dict[str, str] = {}
        for number, (module, name) in enumerate(wanted):
            own = self._find(module, self._path)
            if number >= _MOST_NAMES:
                break
            if name in ("", "*"):
                if own:
                    self._all_of(module, own, found, 1)
                continue
            outside, inside = self._meaning(own, name, {}) if own else ("", "")
            inside = inside or (self._find(f"{module}.{name}", self._path) if not outside else "")
            if outside:
                found[f"{module}.{name}"] = outside
            elif inside:
                self._all_of(f"{module}.{name}", inside, found, 1)
        return found

    def _all_of(self, prefix: str, path: str, found: dict[str, str], level: int) -> None:
        for alias in self._aliases(path, {}):
            outside, inside = self._meaning(path, alias, {})
            if len(found) > _MOST_NAMES:
                return
            if outside:
                found[f"{prefix}.{alias}"] = outside
            elif inside and level < _MOST_LEVELS:
                self._all_of(f"{prefix}.{alias}", inside, found, level + 1)

    def _aliases(self, path: str, seen: dict[str, None]) -> list[str]:
        """The names of a module that may lead on, those of modules that it imports as a whole among them."""
        self.seen[path] = seen[path] = None
        names = self._names(path)
        found = [*names.imports, *names.bound]
        for star in names.stars:
            own = self._find(star, path)
            if own and own not in seen and len(seen) < _MOST_STEPS:
                found += self._aliases(own, seen)
        return found

    def _meaning(self, path: str, name: str, seen: dict[tuple[str, str], None]) -> tuple[str, str]:
        """What a module's name stands for: a name outside of the project, or the path of a module of it. Nothing where it is the module's own."""
        if (path, name) in seen or len(seen) > _MOST_STEPS:
            return "", ""
        seen[path, name] = None
        self.seen[path] = None
        names = self._names(path)
        value = names.value(name)
        if value is not None:
            first, _, rest = value.partition(".")
            if not value or first == name or first not in names.imports:
                return "", ""
            outside, inside = self._meaning(path, first, seen)
            if outside:
                return (f"{outside}.{rest}" if rest else outside), ""
            return self._meaning(inside, rest, seen) if inside and rest and "." not in rest else ("", "")
        known = names.imports.get(name)
        if known is not None:
            return self._imported(path, *known, seen)
        for star in names.stars:
            own = self._find(star, path)
            found = self._meaning(own, name, seen) if own else ("", "")
            if any(found):
                return found
        return "", ""

    def _imported(self, path: str, module: str, name: str, seen: dict[tuple[str, str], None]) -> tuple[str, str]:
        own = self._find(module, path)
        if not name:
            return ("", own) if own else self._outside(path, module)
        if own:
            found = self._meaning(own, name, seen)
            if any(found):
                return found
        inside = self._find(f"{module}.{name}", path)
        if own or inside:
            return "", inside
        outside, _ = self._outside(path, module)
        return (f"{outside}.{name}", "") if outside else ("", "")

    def _outside(self, path: str, module: str) -> tuple[str, str]:
        """A module that is none of the project's, by its name; nothing where its package is, and it is only not there."""
        return ("", "") if not module or self._find(module.partition(".")[0], path) else (module, "")
