"""Nodes of a document put together from its events, whatever the format; bounds keep hostile input cheap."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

from prodlint.facts import Comment, Document, File, Node, Problem, Source
from prodlint.readers.document_kinds import kind_of

MOST_BYTES = 16_000_000
MOST_DEPTH = 200
# Aliases make a small file large: nine lists of nine aliases each are a billion nodes.
MOST_ALIASED = 100_000


class Unreadable(Exception):
    """The file is broken at a byte offset."""

    def __init__(self, why: str, offset: int) -> None:
        super().__init__(why)
        self.why = why
        self.offset = offset


def problem(source: Source, file: File, kind: Any, why: str, start: int, end: int | None = None) -> Problem:
    """What cannot be read, at byte offsets; a start outside the file is moved to its nearest end."""
    start = max(0, min(start, len(source.data)))
    fact = Problem(source, file, start, start if end is None else end)
    fact.kind = kind
    fact.why = why
    return fact


def comment(source: Source, file: File, start: int, end: int, marker: int) -> Comment:
    """A comment between byte offsets, its value without the `marker` bytes that begin it."""
    fact = Comment(source, file, start, end)
    fact.value = source.slice(start + marker, end).strip()
    return fact


class Tree:
    """Puts nodes together from the inside of one document: collections are opened and closed, scalars come between."""

    def __init__(self, source: Source, file: File) -> None:
        self.source = source
        self.file = file
        self.root: Node | None = None
        self.open: list[Node] = []
        # For each open mapping the key that waits for its value (text, start, end); None between entries.
        self.keys: list[tuple[str, int, int] | None] = []
        self.aliased = 0

    def node(self, kind: Any, path: str, key: tuple[int, int], start: int, end: int) -> Node:
        """A node with nothing in it yet."""
        made = Node(self.source, self.file, start, end)
        made.kind = kind
        made.path = path
        made.key_start, made.key_end = key
        made.value = None
        made.raw = ""
        made.tag = ""
        made.quoted = False
        made.members = {}
        made.items = ()
        if kind == "sequence":
            made.items = []
        return made

    def waiting_for_key(self) -> bool:
        """Whether the next scalar names an entry."""
        return bool(self.open) and self.open[-1].kind == "mapping" and self.keys[-1] is None

    def key(self, text: str, start: int, end: int) -> None:
        """The next node stands under this key."""
        parent = self.open[-1]
        if parent.start < 0:
            parent.start = start
        self.keys[-1] = (text, start, end)

    def here(self, start: int) -> tuple[str, tuple[int, int]]:
        """Path and key place of the node that comes next."""
        if not self.open:
            return "", (start, start)
        parent = self.open[-1]
        if parent.start < 0:
            parent.start = start
        if parent.kind == "mapping":
            text, key_start, key_end = self.keys[-1] or ("", start, start)
            return f"{parent.path}.{text}" if parent.path else text, (key_start, key_end)
        index = len(parent.items)
        return f"{parent.path}.{index}" if parent.path else str(index), (start, start)

    def put(self, node: Node) -> None:
        """Hang a node where the next one belongs."""
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if parent.kind == "mapping":
            assert isinstance(parent.members, dict)
            text = (self.keys[-1] or ("", 0, 0))[0]
            # A key given twice counts the second time, as every loader has it; of merge keys each counts, the last one first.
            before = parent.members.pop(text, None)
            merges = before is not None and text == "<<" and "scalar" not in (before.kind, node.kind)
            parent.members[text] = self._several(node, before) if before is not None and merges else node
            self.keys[-1] = None
        else:
            assert isinstance(parent.items, list)
            parent.items.append(node)
        if node.end > parent.end:
            parent.end = node.end

    def _several(self, first: Node, second: Node) -> Node:
        """Two values of a key as one list."""
        made = self.node("sequence", first.path, (first.key_start, first.key_end), first.start, first.end)
        made.items = [
            *(first.items if first.kind == "sequence" else (first,)),
            *(second.items if second.kind == "sequence" else (second,)),
        ]
        return made

    def scalar(self, value: Any, raw: str, quoted: bool, start: int, end: int, tag: str = "") -> Node:
        """A leaf."""
        path, key = self.here(start)
        node = self.node("scalar", path, key, start, end)
        node.value, node.raw, node.quoted, node.tag = value, raw, quoted, tag
        self.put(node)
        return node

    def begin(self, kind: Any, start: int, tag: str = "", place: int | None = None) -> Node:
        """A collection starts; `start` is -1 where its first child tells its start."""
        at = start if start >= 0 else (place or 0)
        path, key = self.here(at)
        node = self.node(kind, path, key, start, at)
        node.tag = tag
        if len(self.open) >= MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH} levels", at)
        self.open.append(node)
        self.keys.append(None)
        return node

    def finish(self, end: int | None = None) -> Node:
        """The innermost open collection ends, at the end of its last child unless told."""
        node = self.open.pop()
        self.keys.pop()
        if node.start < 0:
            node.start = node.end
        if end is not None:
            node.end = end
        self.put(node)
        return node

    def copy(self, original: Node, path: str, key: tuple[int, int], start: int, end: int) -> Node:
        """A node again at another path and place; what is inside it keeps the place where it is written."""
        made = self._again(original, path, key, start, end)
        waiting = [(original, made)]
        while waiting:
            old, new = waiting.pop()
            self.aliased += 1
            if self.aliased > MOST_ALIASED:
                continue
            if old.kind == "mapping":
                members: dict[str, Node] = {}
                for text, child in old.members.items():
                    members[text] = self._again(
                        child, f"{new.path}.{text}" if new.path else text, (child.key_start, child.key_end), child.start, child.end
                    )
                    waiting.append((child, members[text]))
                new.members = members
            elif old.kind == "sequence":
                items: list[Node] = []
                for index, child in enumerate(old.items):
                    items.append(self._again(child, f"{new.path}.{index}", (child.start, child.start), child.start, child.end))
                    waiting.append((child, items[-1]))
                new.items = items
        return made

    def _again(self, original: Node, path: str, key: tuple[int, int], start: int, end: int) -> Node:
        node = self.node(original.kind, path, key, start, end)
        node.value, node.raw, node.quoted, node.tag = original.value, original.raw, original.quoted, original.tag
        return node


def document(source: Source, file: File, root: Node, index: int, template: bool) -> Document:
    """A document around its root node. index: which of the file it is, from 0; template: whether it was read with blanks for markup."""
    fact = Document(source, file, root.start, root.end)
    fact.kind = kind_of(file.path, root)
    fact.root = root
    fact.index = index
    fact.template = template
    return fact


class Offsets:
    """From indexes of characters to byte offsets, in the time of a bisection."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ascii = text.isascii()
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.extra: list[int] = []
        if not self.ascii:
            more = 0
            for run in re.finditer(r"[^\x00-\x7f]+", text):
                self.starts.append(run.start())
                self.ends.append(run.end())
                self.extra.append(more)
                more += len(run.group().encode("utf-8", "replace")) - (run.end() - run.start())
            self.total = more

    def __call__(self, index: int) -> int:
        if self.ascii:
            return index
        at = bisect_left(self.starts, index) - 1
        if at < 0:
            return index
        if index >= self.ends[at]:
            following = self.extra[at + 1] if at + 1 < len(self.extra) else self.total
            return index + following
        return self.starts[at] + self.extra[at] + len(self.text[self.starts[at] : index].encode("utf-8", "replace"))


_INTEGER = re.compile(r"[-+]?[0-9]{1,100}\Z")
_BASED = re.compile(r"0(?:o[0-7]{1,100}|x[0-9a-fA-F]{1,100})\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,100}|[0-9]{1,100}(?:\.[0-9]{0,100})?)(?:[eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def plain_value(raw: str) -> Any:
    """A plain scalar as YAML 1.2 types it."""
    if raw in _WORDS:
        return _WORDS[raw]
    first = raw[0]
    if first in "0123456789+-.":
        if _INTEGER.match(raw):
            return int(raw)
        if _BASED.match(raw):
            return int(raw, 0)
        if _FLOAT.match(raw):
            return float(raw)
    return raw
