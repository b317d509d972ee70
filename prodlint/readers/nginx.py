"""nginx's configuration as a tree of directives. https://nginx.org/en/docs/beginners_guide.html#conf_structure

Variables of envsubst and marks of templates (`${NAME}`, `{{ name }}`, `{% if %}`) are words or nothing, so a template reads as what it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prodlint.facts import Source

_TOKEN = re.compile(
    rb"""\s+ | \#[^\n]* | \{%[^%\n]*%\} | \{\#[^\#\n]*\#\}
    | (?P<open>\{(?![{%])) | (?P<close>\}) | (?P<end>;)
    | (?P<word>(?: "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \\. | \$\{[^}\n]*\} | \{\{[^{}\n]*\}\} | [^\s;{}"'\\#] | (?<=\S)\# | ["'\\$] )+)""",
    re.VERBOSE | re.DOTALL,
)
# What stands in their blocks is Lua.
_OPAQUE = "_by_lua_block"
_DEEPEST = 100


@dataclass(slots=True)
class Directive:
    """`name words;` or `name words { children }`. words: without their quotes. start, end: bytes of its name and words."""

    name: str
    words: tuple[str, ...]
    start: int
    end: int
    parent: Directive | None
    children: list[Directive] = field(default_factory=list)
    block: bool = False

    def walk(self) -> Iterator[Directive]:
        """Every directive below it, in order."""
        waiting = list(reversed(self.children))
        while waiting:
            each = waiting.pop()
            yield each
            waiting.extend(reversed(each.children))

    def named(self, *names: str) -> list[Directive]:
        """Its own directives of these names."""
        return [each for each in self.children if each.name in names]

    def around(self) -> Iterator[Directive]:
        """The blocks it stands in, innermost first."""
        block = self.parent
        while block is not None:
            yield block
            block = block.parent


def parse(source: Source) -> Directive:
    """The directives of a file, below one without a name. What cannot be read is left out."""
    known = source.derived.get("nginx")
    if not isinstance(known, Directive):
        known = source.derived["nginx"] = _parse(source.data)
    return known


def _parse(data: bytes) -> Directive:
    root = block = Directive("", (), 0, len(data), None, block=True)
    depth = 0
    words: list[re.Match[bytes]] = []
    position = 0
    while position < len(data):
        found = _TOKEN.match(data, position)
        if found is None:
            position += 1
            continue
        position = found.end()
        if found["word"] is not None:
            words.append(found)
        elif found["end"] is not None or found["open"] is not None:
            directive = _directive(words, block)
            words = []
            if directive is not None:
                block.children.append(directive)
            if found["open"] is None:
                continue
            if directive is None or depth >= _DEEPEST or directive.name.endswith(_OPAQUE):
                position = _behind(data, position)
                continue
            directive.block = True
            block, depth = directive, depth + 1
        elif found["close"] is not None:
            words = []
            if block.parent is not None:
                block, depth = block.parent, depth - 1
    return root


def _directive(words: Sequence[re.Match[bytes]], block: Directive) -> Directive | None:
    if not words:
        return None
    texts = [_unquoted(word[0].decode("utf-8", "replace")) for word in words]
    return Directive(texts[0], tuple(texts[1:]), words[0].start(), words[-1].end(), block)


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


_BRACE = re.compile(rb"[{}]")


def _behind(data: bytes, position: int) -> int:
    """The place behind a block that is not read."""
    depth = 1
    for found in _BRACE.finditer(data, position):
        depth += 1 if found[0] == b"{" else -1
        if not depth:
            return found.end()
    return len(data)
