"""YAML, JSON, TOML and INI: a tree of nodes with places, the same for all four.

Nothing here raises on a file's content: what cannot be read becomes a `Problem`. Bounds keep hostile input cheap.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prodlint.facts import Comment, Document, Entry, Fact, File, Node, Problem, Source

MOST_BYTES = 16_000_000
MOST_DEPTH = 200
# Aliases make a small file large: nine lists of nine aliases each are a billion nodes.
MOST_ALIASED = 100_000

_Scalar = tuple[Any, str, bool]


class _Unreadable(Exception):
    """The file is broken at a byte offset."""

    def __init__(self, why: str, offset: int) -> None:
        super().__init__(why)
        self.why = why
        self.offset = offset


class _Template(Exception):
    """The file cannot be read as it stands because it holds template syntax."""


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """The facts of a configuration document."""
    if len(source.data) > MOST_BYTES:
        if Problem in wanted:
            yield _problem(source, file, "size", f"larger than {MOST_BYTES // 1_000_000} MB", 0)
        return
    reader = {"json": _read_json, "toml": _read_toml, "ini": _read_ini}.get(file.kind, _read_yaml)
    facts = reader(source, file, Comment in wanted)
    for fact in facts:
        if type(fact) in wanted:
            yield fact
        if isinstance(fact, Document) and Entry in wanted:
            yield from entries(fact)


# ---------------------------------------------------------------- looking into documents


def entries(document: Document) -> Iterator[Entry]:
    """Every node below the root with its path, in document order."""
    for node in document.root.walk():
        if node is not document.root:
            yield entry(document, node)


def entry(document: Document, node: Node) -> Entry:
    """A node of a document as a fact of its own."""
    fact = Entry(node.source, node.file, node.start, node.end)
    fact.document = document
    fact.node = node
    fact.path = node.path
    return fact


def find(root: Node, pattern: str) -> Iterator[Node]:
    """The nodes under a path; `*` stands for one key or index, `**` for any number of them.

    Keys that hold dots themselves are found too where the pattern spells them out.
    """
    yield from _find(root, tuple(pattern.split(".")))


def _find(node: Node, parts: tuple[str, ...]) -> Iterator[Node]:
    if not parts:
        yield node
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        seen: set[int] = set()
        for below in node.walk():
            for found in _find(below, rest):
                if id(found) not in seen:
                    seen.add(id(found))
                    yield found
    elif node.kind == "mapping":
        if head == "*":
            for child in node.members.values():
                yield from _find(child, rest)
            return
        if head in node.members:
            yield from _find(node.members[head], rest)
        for length in range(2, len(parts) + 1):
            key = ".".join(parts[:length])
            if key in node.members:
                yield from _find(node.members[key], parts[length:])
    elif node.kind == "sequence":
        if head == "*":
            for child in node.items:
                yield from _find(child, rest)
        elif head.isdigit() and int(head) < len(node.items):
            yield from _find(node.items[int(head)], rest)


def match_path(pattern: str, path: str) -> bool:
    """Whether a dotted path fits a pattern: `*` for one part, `**` for any number (also none)."""
    wanted, parts = pattern.split("."), path.split(".")
    reached = {0}
    for part in parts:
        step: set[int] = set()
        for at in _with_skips(wanted, reached):
            if at < len(wanted):
                if wanted[at] == "**":
                    step.add(at)
                elif wanted[at] == "*" or wanted[at] == part:
                    step.add(at + 1)
        if not step:
            return False
        reached = step
    return len(wanted) in _with_skips(wanted, reached)


def _with_skips(wanted: list[str], reached: set[int]) -> set[int]:
    found = set(reached)
    for at in reached:
        while at < len(wanted) and wanted[at] == "**":
            at += 1
            found.add(at)
    return found


# ---------------------------------------------------------------- building the tree


def _problem(source: Source, file: File, kind: Any, why: str, start: int, end: int | None = None) -> Problem:
    start = max(0, min(start, len(source.data)))
    fact = Problem(source, file, start, start if end is None else end)
    fact.kind = kind
    fact.why = why
    return fact


def _comment(source: Source, file: File, start: int, end: int, marker: int) -> Comment:
    fact = Comment(source, file, start, end)
    fact.value = source.slice(start + marker, end).strip()
    return fact


class _Tree:
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
            # A key given twice counts the second time, as every loader has it.
            parent.members.pop(text, None)
            parent.members[text] = node
            self.keys[-1] = None
        else:
            assert isinstance(parent.items, list)
            parent.items.append(node)
        if node.end > parent.end:
            parent.end = node.end

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
            raise _Unreadable(f"nested deeper than {MOST_DEPTH} levels", at)
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


def _document(source: Source, file: File, root: Node, index: int, template: bool) -> Document:
    fact = Document(source, file, root.start, root.end)
    fact.kind = kind_of(file.path, root)
    fact.root = root
    fact.index = index
    fact.template = template
    return fact


# ---------------------------------------------------------------- YAML


class _Offsets:
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


_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)+")
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}\Z")
_BASED = re.compile(r"0(?:o[0-7]{1,100}|x[0-9a-fA-F]{1,100})\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,100}|[0-9]{1,100}(?:\.[0-9]{0,100})?)(?:[eE][-+]?[0-9]{1,3})?\Z")
_YAML_WORDS: dict[str, Any] = {
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


def _yaml_value(raw: str) -> Any:
    """A plain scalar as YAML 1.2 types it."""
    if raw in _YAML_WORDS:
        return _YAML_WORDS[raw]
    first = raw[0]
    if first in "0123456789+-.":
        if _INTEGER.match(raw):
            return int(raw)
        if _BASED.match(raw):
            return int(raw, 0)
        if _FLOAT.match(raw):
            return float(raw)
    return raw


def _read_yaml(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    text = source.text
    offsets = _Offsets(text)
    try:
        found = list(_yaml_facts(source, file, text, offsets, comments, ()))
        broken = next((fact for fact in found if isinstance(fact, Problem) and fact.kind == "syntax"), None)
        if broken is None:
            yield from found
            return
    except _Template:
        found = []
    constructs = _template_constructs(text)
    if not constructs:
        yield from found
        return
    first = constructs[0]
    masked = _masked(text, constructs)
    again = list(_yaml_facts(source, file, masked, offsets, comments, tuple(constructs)))
    broken = next((fact for fact in again if isinstance(fact, Problem)), None)
    why = "template: read with its expressions left out"
    if broken is not None:
        why = f"template that cannot be read without rendering: {broken.why}"
    yield _problem(source, file, "template", why, offsets(first[0]), offsets(first[1]))
    yield from (fact for fact in again if not isinstance(fact, Problem))


def _yaml_facts(
    source: Source, file: File, text: str, offsets: _Offsets, comments: bool, constructs: tuple[tuple[int, int], ...]
) -> Iterator[Fact]:
    """The documents and comments of a YAML text; a Problem where it breaks off."""
    import yaml

    scalars: list[tuple[int, int, bool]] = []
    problem: Problem | None = None
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        yield from _yaml_documents(source, file, text, offsets, loader, scalars, constructs)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = offsets(min(mark.index, len(text))) if mark is not None else 0
        problem = _problem(source, file, "syntax", f"not valid YAML: {_words_of(error)}", at)
    except _Unreadable as error:
        problem = _problem(source, file, "syntax", error.why, error.offset)
    if problem is not None:
        yield problem
    if comments:
        yield from _yaml_comments(source, file, text, offsets, scalars)


def _words_of(error: Exception) -> str:
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return str(words).splitlines()[0] if str(words) else "unreadable"


def _yaml_documents(
    source: Source,
    file: File,
    text: str,
    offsets: _Offsets,
    loader: Any,
    scalars: list[tuple[int, int, bool]],
    constructs: tuple[tuple[int, int], ...],
) -> Iterator[Document]:
    from yaml import events

    tree = _Tree(source, file)
    anchors: dict[str, Node | None] = {}
    # For each open mapping: what its merge keys name, with the place of the `<<` entry.
    merges: list[list[tuple[Node, int, int]]] = []
    naming: list[str] = []
    index = 0
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, events.ScalarEvent):
            start, end = event.start_mark.index, event.end_mark.index
            if event.anchor or event.tag:
                properties = _PROPERTIES.match(text, start, end)
                if properties:
                    start = properties.end()
            block = event.style in ("|", ">")
            if block:
                end = start + len(text[start:end].rstrip())
            scalars.append((start, end, block))
            plain = not event.style
            raw = event.value
            if constructs:
                raw = _restored(source.text, start, end, event.style, raw, constructs)
            first, last = offsets(start), offsets(end)
            if tree.waiting_for_key():
                tree.key(raw, first, last)
                if event.anchor:
                    anchors[event.anchor] = None
                continue
            tag = "" if not event.tag or event.tag.startswith("tag:yaml.org,") else event.tag
            value = _yaml_value(raw) if plain and not event.tag else raw
            node = tree.scalar(value, raw, not plain and not block, first, last, tag)
            if event.anchor:
                anchors[event.anchor] = node
        elif isinstance(event, events.AliasEvent):
            start, end = offsets(event.start_mark.index), offsets(event.end_mark.index)
            target = anchors.get(event.anchor)
            if tree.waiting_for_key():
                tree.key(target.raw if target is not None else f"*{event.anchor}", start, end)
                continue
            if target is None or tree.aliased > MOST_ALIASED:
                # An alias of something that is not finished (it holds itself), or one too many.
                tree.scalar(None, f"*{event.anchor}", False, start, end)
                continue
            path, key = tree.here(start)
            tree.put(tree.copy(target, path, key, start, end))
        elif isinstance(event, events.CollectionStartEvent):
            at = event.start_mark.index
            if event.flow_style and not constructs and text.startswith("{{", at):
                raise _Template
            tag = event.tag if event.tag and not event.tag.startswith("tag:yaml.org,") else ""
            if tree.waiting_for_key():
                # A collection as a key: its own text names the entry.
                at_byte = offsets(at)
                _skip_collection(loader, events)
                tree.key(text[at : at + 40], at_byte, at_byte)
                continue
            kind = "mapping" if isinstance(event, events.MappingStartEvent) else "sequence"
            start = at
            if event.flow_style and (event.anchor or event.tag):
                properties = _PROPERTIES.match(text, at)
                start = properties.end() if properties else at
            first = offsets(start) if event.flow_style or kind == "sequence" and text.startswith("-", at) else -1
            tree.begin(kind, first, tag, offsets(at))
            naming.append(event.anchor or "")
            merges.append([])
            if event.anchor:
                anchors[event.anchor] = None
        elif isinstance(event, events.CollectionEndEvent):
            closes = event.end_mark.index
            flow = closes > event.start_mark.index
            node = tree.finish(offsets(closes) if flow else None)
            _resolve_merges(tree, node)
            merges.pop()
            anchor = naming.pop()
            if anchor:
                anchors[anchor] = node
        elif isinstance(event, events.DocumentStartEvent):
            tree = _Tree(source, file)
            anchors = {}
        elif isinstance(event, events.DocumentEndEvent):
            root = tree.root
            if tree.aliased > MOST_ALIASED:
                raise _Unreadable(f"its aliases stand for more than {MOST_ALIASED} values", root.start if root else 0)
            if root is not None and not (root.kind == "scalar" and root.value is None):
                yield _document(source, file, root, index, bool(constructs))
            index += 1


def _skip_collection(loader: Any, events: Any) -> None:
    depth = 1
    while depth and loader.check_event():
        event = loader.get_event()
        if isinstance(event, events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, events.CollectionEndEvent):
            depth -= 1


def _resolve_merges(tree: _Tree, node: Node) -> None:
    """Give a mapping what its `<<` entry names; its own entries win, and the first of several sources."""
    if node.kind != "mapping" or "<<" not in node.members:
        return
    assert isinstance(node.members, dict)
    merge = node.members["<<"]
    sources = [merge] if merge.kind == "mapping" else [item for item in merge.items if item.kind == "mapping"]
    if not sources or merge.quoted:
        return
    del node.members["<<"]
    for origin in sources:
        for text, child in origin.members.items():
            if text not in node.members:
                path = f"{node.path}.{text}" if node.path else text
                node.members[text] = tree.copy(child, path, (merge.key_start, merge.key_end), merge.key_start, merge.end)


_YAML_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)


def _yaml_comments(source: Source, file: File, text: str, offsets: _Offsets, scalars: list[tuple[int, int, bool]]) -> Iterator[Comment]:
    """Every `#` that starts a word outside the scalars."""
    gaps: list[tuple[int, int]] = []
    reached = 0
    for start, end, block in scalars:
        if start > reached:
            gaps.append((reached, start))
        if block:
            header = text.find("\n", start, end)
            gaps.append((start, header if header != -1 else end))
        reached = max(reached, end)
    gaps.append((reached, len(text)))
    for start, end in gaps:
        if text.find("#", start, end) == -1:
            continue
        for found in _YAML_COMMENT.finditer(text, start, end):
            first = offsets(found.start())
            yield _comment(source, file, first, offsets(found.start() + len(found.group().rstrip())), 1)


# ---------------------------------------------------------------- templates


def _template_constructs(text: str) -> list[tuple[int, int]]:
    """Where `{{ }}`, `{% %}` and `{# #}` stand; GitHub's `${{ }}` is no template."""
    found: list[tuple[int, int]] = []
    closers = {"{{": "}}", "{%": "%}", "{#": "#}"}
    at = text.find("{")
    while at != -1:
        opener = text[at : at + 2]
        closer = closers.get(opener)
        following = at + 1
        if closer and not (opener == "{{" and at and text[at - 1] == "$"):
            end = text.find(closer, at + 2)
            if end == -1:
                del closers[opener]
            else:
                found.append((at, end + 2))
                following = end + 2
        elif closer:
            following = at + 2
        at = text.find("{", following)
    return found


def _masked(text: str, constructs: list[tuple[int, int]]) -> str:
    """The text with template constructs replaced by as many characters that YAML reads: blanks where they have the
    line for themselves, a word elsewhere."""
    pieces: list[str] = []
    reached = 0
    count = len(constructs)
    at = 0
    while at < count:
        start, end = constructs[at]
        line = text.rfind("\n", 0, start) + 1
        alone = not text[max(line, reached) : start].strip() and (reached <= line or pieces[-1].endswith(" "))
        last = at
        while alone:
            eol = text.find("\n", constructs[last][1])
            eol = len(text) if eol == -1 else eol
            tail = text[constructs[last][1] : eol]
            if last + 1 < count and constructs[last + 1][0] < eol:
                if text[constructs[last][1] : constructs[last + 1][0]].strip():
                    alone = False
                else:
                    last += 1
                continue
            alone = not tail.strip()
            break
        for begin, finish in constructs[at : last + 1] if alone else [(start, end)]:
            pieces.append(text[reached:begin])
            inside = text[begin:finish]
            head, newline, tail = inside.partition("\n")
            pieces.append((" " if alone else "x") * len(head))
            if newline:
                pieces.append(newline + "".join(c if c in "\r\n" else " " for c in tail))
            reached = finish
        at = last + 1 if alone else at + 1
    pieces.append(text[reached:])
    return "".join(pieces)


def _restored(text: str, start: int, end: int, style: str | None, value: str, constructs: tuple[tuple[int, int], ...]) -> str:
    """A scalar's own text where a placeholder stood for part of it."""
    at = bisect_right(constructs, (start, -1))
    before = at and constructs[at - 1][1] > start
    if not before and not (at < len(constructs) and constructs[at][0] < end):
        return value
    written = text[start:end]
    if style in ("'", '"'):
        return written[1:-1]
    if style in ("|", ">"):
        lines = written.splitlines()[1:]
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        return "\n".join(line[indent:] for line in lines) + "\n"
    return written


# ---------------------------------------------------------------- JSON


_JSON_TOKEN = re.compile(
    rb"""[ \t\r\n]*(?:("[^"\\]*(?:\\.[^"\\]*)*")|([{}\[\],:])|(//[^\r\n]*|/\*.*?\*/)|('[^'\\]*(?:\\.[^'\\]*)*')|([^\s{}\[\],:"'/]+))""",
    re.DOTALL,
)
_JSON_WORDS: dict[bytes, Any] = {b"true": True, b"false": False, b"null": None}


def _json_text(written: bytes) -> str:
    if b"\\" not in written:
        return written[1:-1].decode("utf-8", "replace")
    import json

    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return written[1:-1].decode("utf-8", "replace")


def _read_json(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """A JSON text; comments, trailing commas and bare keys are read as the dialects with comments have them."""
    tree = _Tree(source, file)
    found: list[Comment] = []
    try:
        _build_json(source, file, tree, found if comments else None)
    except _Unreadable as error:
        yield from found
        constructs = _template_constructs(source.text) if b"{%" in source.data or b"{{" in source.data else []
        if constructs:
            offsets = _Offsets(source.text)
            why = f"template that cannot be read without rendering: {error.why}"
            yield _problem(source, file, "template", why, offsets(constructs[0][0]), offsets(constructs[0][1]))
        else:
            yield _problem(source, file, "syntax", f"not valid JSON: {error.why}", error.offset)
        return
    if tree.root is not None:
        yield _document(source, file, tree.root, 0, False)
    yield from found


def _build_json(source: Source, file: File, tree: _Tree, comments: list[Comment] | None) -> None:
    data = source.data
    at, end = 0, len(data)
    # What may come next: "value", "key", "colon", "comma" (or a closing bracket), "end".
    expected = "value"
    while True:
        token = _JSON_TOKEN.match(data, at)
        if token is None:
            rest = data[at:]
            if rest.strip():
                raise _Unreadable("a character that does not belong here", at + len(rest) - len(rest.lstrip()))
            break
        at = token.end()
        which = token.lastindex or 0
        start = token.start(which)
        if which == 3:
            if comments is not None:
                stop = at - 2 if data.startswith(b"/*", start) else at
                comment = _comment(source, file, start, at, 2)
                comment.value = source.slice(start + 2, stop).strip()
                comments.append(comment)
            continue
        if expected == "end":
            raise _Unreadable("text after the end of the value", start)
        symbol = token.group(2)
        if symbol == b":":
            if expected != "colon":
                raise _Unreadable("`:` where none belongs", start)
            expected = "value"
        elif symbol == b",":
            if expected != "comma":
                raise _Unreadable("`,` where none belongs", start)
            expected = "key" if tree.open[-1].kind == "mapping" else "value"
        elif symbol in (b"}", b"]"):
            kind = "mapping" if symbol == b"}" else "sequence"
            if not tree.open or tree.open[-1].kind != kind or expected == "colon" or tree.keys[-1] is not None:
                raise _Unreadable(f"`{symbol.decode()}` closes nothing", start)
            tree.finish(at)
            expected = "comma" if tree.open else "end"
        elif expected == "key":
            if which not in (1, 4, 5):
                raise _Unreadable("a key is missing", start)
            written = data[start:at]
            tree.key(_json_text(written) if which != 5 else written.decode("utf-8", "replace"), start, at)
            expected = "colon"
        elif expected != "value":
            raise _Unreadable(f"expected {'`:`' if expected == 'colon' else '`,`'}", start)
        elif symbol:
            kind = "mapping" if symbol == b"{" else "sequence"
            tree.begin(kind, start)
            expected = "key" if kind == "mapping" else "value"
        else:
            written = data[start:at]
            if which == 5:
                raw = written.decode("utf-8", "replace")
                value = _JSON_WORDS[written] if written in _JSON_WORDS else _yaml_value(raw)
                if isinstance(value, str) and raw not in ("NaN", "Infinity", "-Infinity"):
                    raise _Unreadable("a word that is no value", start)
                tree.scalar(value, raw, False, start, at)
            else:
                text = _json_text(written)
                tree.scalar(text, text, True, start, at)
            expected = "comma" if tree.open else "end"
    if tree.open or (expected != "end" and data.strip()):
        raise _Unreadable("it ends too early", end)


# ---------------------------------------------------------------- TOML


_TOML_SPACE = re.compile(rb"(?:[ \t\r\n]+|#[^\r\n]*)*")
_TOML_LINE_SPACE = re.compile(rb"[ \t]*")
_TOML_KEY = re.compile(rb"""[ \t]*(?:([A-Za-z0-9_-]+)|("(?:[^"\\\r\n]|\\.)*")|('[^'\r\n]*'))[ \t]*""")
_TOML_STRING = re.compile(
    rb'''("""(?:[^"\\]|\\.|"(?!"")|""(?!"))*"{3,5})|(\'\'\'(?:[^']|'(?!\'\')|\'\'(?!'))*'{3,5})|("(?:[^"\\\r\n]|\\.)*")|('[^'\r\n]*')''',
    re.DOTALL,
)
_TOML_BARE = re.compile(rb"[^\s,\]}#=]+(?: [0-9]{2}:[0-9:.+Z-]+)?")
_TOML_WORDS: dict[str, Any] = {"true": True, "false": False}


def _read_toml(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    import tomli

    try:
        tomli.loads(source.text)
    except tomli.TOMLDecodeError as error:
        if "{{" in source.text or "{%" in source.text:
            constructs = _template_constructs(source.text)
            if constructs:
                offsets = _Offsets(source.text)
                why = f"template that cannot be read without rendering: {error.msg}"
                yield _problem(source, file, "template", why, offsets(constructs[0][0]), offsets(constructs[0][1]))
                return
        yield _problem(source, file, "syntax", f"not valid TOML: {error.msg}", source.offset(error.pos))
        return
    except (RecursionError, ValueError):
        yield _problem(source, file, "syntax", "not valid TOML: nested too deeply or a number too long", 0)
        return
    scanner = _Toml(source, file, comments)
    try:
        scanner.run()
    except _Unreadable as error:
        yield _problem(source, file, "syntax", error.why, error.offset)
    else:
        yield _document(source, file, scanner.root, 0, False)
    yield from scanner.comments


class _Toml:
    """Places of a TOML text that is known to be valid."""

    def __init__(self, source: Source, file: File, comments: bool) -> None:
        self.source = source
        self.file = file
        self.data = source.data
        self.at = 0
        self.tree = _Tree(source, file)
        self.root = self.tree.node("mapping", "", (0, 0), 0, len(source.data))
        self.comments: list[Comment] = []
        self.keep_comments = comments

    def run(self) -> None:
        """Read it all."""
        table = self.root
        while True:
            self.space()
            if self.at >= len(self.data):
                return
            if self.data.startswith(b"[", self.at):
                table = self.header()
            else:
                self.pair(table)

    def space(self) -> None:
        """Go on to the next thing that is neither blank nor a comment."""
        found = _TOML_SPACE.match(self.data, self.at)
        assert found is not None
        if self.keep_comments and b"#" in found.group():
            for comment in re.finditer(rb"#[^\r\n]*", found.group()):
                start = self.at + comment.start()
                self.comments.append(_comment(self.source, self.file, start, start + len(comment.group().rstrip()), 1))
        self.at = found.end()

    def key(self) -> list[tuple[str, int, int]]:
        """A dotted key: its parts and their places."""
        parts: list[tuple[str, int, int]] = []
        while True:
            found = _TOML_KEY.match(self.data, self.at)
            if found is None:
                raise _Unreadable("a key is missing", self.at)
            which = found.lastindex or 1
            written = found.group(which)
            text = written.decode("utf-8", "replace") if which == 1 else _toml_text(written)
            parts.append((text, found.start(which), found.end(which)))
            self.at = found.end()
            if not self.data.startswith(b".", self.at):
                return parts
            self.at += 1

    def header(self) -> Node:
        """`[table]` or `[[table]]`: the mapping that the lines below fill."""
        start = self.at
        many = self.data.startswith(b"[[", start)
        self.at += 2 if many else 1
        parts = self.key()
        self.at += 2 if many else 1
        node = self.below(self.root, parts[:-1])
        text, key_start, key_end = parts[-1]
        if not many:
            return self.child(node, text, "mapping", (key_start, key_end), start, self.at)
        listing = self.child(node, text, "sequence", (key_start, key_end), start, self.at)
        item = self.tree.node("mapping", f"{listing.path}.{len(listing.items)}", (key_start, key_end), start, self.at)
        assert isinstance(listing.items, list)
        listing.items.append(item)
        listing.end = self.at
        return item

    def below(self, node: Node, parts: list[tuple[str, int, int]]) -> Node:
        """The mapping under a path, made where it is missing; the last item of a list of tables."""
        for text, start, end in parts:
            node = self.child(node, text, "mapping", (start, end), start, end)
            if node.kind == "sequence" and node.items:
                node = node.items[-1]
        return node

    def child(self, node: Node, text: str, kind: str, key: tuple[int, int], start: int, end: int) -> Node:
        """The member of a mapping, made where it is missing."""
        assert isinstance(node.members, dict)
        found = node.members.get(text)
        if found is None:
            found = self.tree.node(kind, f"{node.path}.{text}" if node.path else text, key, start, end)
            node.members[text] = found
        return found

    def pair(self, table: Node) -> None:
        """`key = value` into a table."""
        parts = self.key()
        self.at += 1
        self.blank()
        node = self.below(table, parts[:-1])
        text, key_start, key_end = parts[-1]
        path = f"{node.path}.{text}" if node.path else text
        value = self.value(path, (key_start, key_end), 0)
        assert isinstance(node.members, dict)
        node.members[text] = value
        for grown in (table, node):
            if grown is not self.root:
                grown.end = max(grown.end, value.end)

    def blank(self) -> None:
        found = _TOML_LINE_SPACE.match(self.data, self.at)
        assert found is not None
        self.at = found.end()

    def value(self, path: str, key: tuple[int, int], depth: int) -> Node:
        """The value that starts here."""
        start = self.at
        if depth > MOST_DEPTH:
            raise _Unreadable(f"nested deeper than {MOST_DEPTH} levels", start)
        first = self.data[start : start + 1]
        if first == b"[":
            node = self.tree.node("sequence", path, key, start, start)
            assert isinstance(node.items, list)
            self.at += 1
            while True:
                self.space()
                if self.data.startswith(b"]", self.at) or self.at >= len(self.data):
                    break
                if self.data.startswith(b",", self.at):
                    self.at += 1
                    continue
                node.items.append(self.value(f"{path}.{len(node.items)}", (self.at, self.at), depth + 1))
            self.at += 1
            node.end = self.at
            return node
        if first == b"{":
            node = self.tree.node("mapping", path, key, start, start)
            self.at += 1
            while True:
                self.space()
                if self.data.startswith(b"}", self.at) or self.at >= len(self.data):
                    break
                if self.data.startswith(b",", self.at):
                    self.at += 1
                    continue
                self.pair(node)
            self.at += 1
            node.end = self.at
            return node
        string = _TOML_STRING.match(self.data, start) if first in (b'"', b"'") else None
        found = string or _TOML_BARE.match(self.data, start)
        if found is None:
            raise _Unreadable("a value is missing", start)
        self.at = found.end()
        node = self.tree.node("scalar", path, key, start, self.at)
        node.raw = _toml_text(found.group()) if string else found.group().decode("utf-8", "replace")
        node.quoted = string is not None
        node.value = node.raw if string else _toml_value(node.raw)
        return node


def _toml_value(raw: str) -> Any:
    if raw in _TOML_WORDS:
        return _TOML_WORDS[raw]
    value = _yaml_value(raw.replace("_", ""))
    return value if isinstance(value, (int, float)) else raw


def _toml_text(written: bytes) -> str:
    """A TOML string without quotes and escapes."""
    text = written.decode("utf-8", "replace")
    if text.startswith(('"""', "'''")):
        inside = text[3:-3]
        inside = inside[2:] if inside.startswith("\r\n") else inside[1:] if inside.startswith("\n") else inside
    else:
        inside = text[1:-1]
    if text[0] == "'" or "\\" not in inside:
        return inside
    import tomli

    try:
        return str(tomli.loads(f"x = {text}")["x"])
    except (tomli.TOMLDecodeError, RecursionError):
        return inside


# ---------------------------------------------------------------- INI


_INI_PAIR = re.compile(rb"([^=:\s][^=:\r\n]*?)[ \t]*[=:][ \t]*")
_INI_NOTE = re.compile(rb"(?<=[ \t])[;#][^\r\n]*")


def _read_ini(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """Sections of `key = value` lines, with continuation lines; also properties files, which have no sections."""
    data = source.data
    tree = _Tree(source, file)
    root = tree.node("mapping", "", (0, 0), 0, len(data))
    section = root
    last: Node | None = None
    found: list[Comment] = []
    pieces: dict[int, list[bytes]] = {}
    values: list[Node] = []
    properties = file.path.endswith((".properties", ".conf"))
    starts = source.line_starts
    broken: int | None = None
    continued = False
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else len(data)
        line = data[start:stop]
        stripped = line.strip()
        begin = start + len(line) - len(line.lstrip())
        end = begin + len(stripped)
        if not stripped:
            continued = False
            continue
        if stripped[:1] in b"#;" or (properties and stripped[:1] == b"!"):
            found.append(_comment(source, file, begin, end, 1))
            continue
        if last is not None and (continued or (line[:1] in b" \t" and not properties)):
            pieces[id(last)].append(stripped)
            last.end = end
            continued = properties and stripped.endswith(b"\\")
            continue
        if stripped.startswith(b"[") and b"]" in stripped:
            close = stripped.rfind(b"]") if stripped.endswith(b"]") else stripped.find(b"]")
            name = stripped[1:close].decode("utf-8", "replace").strip()
            assert isinstance(root.members, dict)
            known = root.members.get(name)
            section = (
                known
                if known is not None and known.kind == "mapping"
                else tree.node("mapping", name, (begin, begin + close + 1), begin, end)
            )
            root.members[name] = section
            last = None
            continue
        pair = _INI_PAIR.match(data, begin, end)
        name_end = pair.end(1) if pair else end
        value_start = pair.end() if pair else end
        if not pair and section is root and broken is None:
            broken = begin
        key = source.slice(begin, name_end)
        note = _INI_NOTE.search(data, value_start, end)
        if note and not properties:
            found.append(_comment(source, file, note.start(), end, 1))
            end = value_start + len(data[value_start : note.start()].rstrip())
        node = tree.node("scalar", f"{section.path}.{key}" if section.path else key, (begin, name_end), value_start, end)
        pieces[id(node)] = [data[value_start:end]]
        values.append(node)
        assert isinstance(section.members, dict)
        section.members[key] = node
        section.end = max(section.end, end)
        last = node
        continued = properties and stripped.endswith(b"\\")
    for node in values:
        raw = b"\n".join(pieces[id(node)]).decode("utf-8", "replace")
        if properties:
            raw = raw.replace("\\\n", "")
        bare = raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"" else raw
        node.raw, node.quoted = bare, bare is not raw
        node.value = bare
    if broken is not None and not any(child.kind == "mapping" for child in root.members.values()) and not properties:
        yield _problem(source, file, "syntax", "a line that is neither a section nor `key = value`", broken)
    elif root.members:
        yield _document(source, file, root, 0, False)
    if comments:
        yield from found


# ---------------------------------------------------------------- what kind of document it is


_COMPOSE_NAME = re.compile(
    r"(?:docker-)?compose[-._a-z0-9]*\.ya?ml(?:[-.](?:example|sample|template|dist|tmpl))?|(?:docker-)?stack[-._a-z0-9]*\.ya?ml",
    re.IGNORECASE,
)
_LOCK_NAMES = frozenset(
    "poetry.lock uv.lock pdm.lock pipfile.lock package-lock.json npm-shrinkwrap.json pnpm-lock.yaml cargo.lock bun.lock composer.lock "
    "flake.lock conda-lock.yml deno.lock .terraform.lock.hcl pixi.lock".split()
)
_NAMES: Mapping[str, str] = {
    "pyproject.toml": "pyproject",
    "pipfile": "pipfile",
    "cargo.toml": "cargo",
    "package.json": "package-json",
    "tox.ini": "tox",
    "setup.cfg": "setup-cfg",
    "mkdocs.yml": "mkdocs",
    "mkdocs.yaml": "mkdocs",
    ".pre-commit-config.yaml": "pre-commit",
    ".pre-commit-config.yml": "pre-commit",
    ".pre-commit-hooks.yaml": "other",
    "dependabot.yml": "dependabot",
    "dependabot.yaml": "dependabot",
    ".gitlab-ci.yml": "gitlab-ci",
    ".gitlab-ci.yaml": "gitlab-ci",
}
_SERVICE_KEYS = frozenset(
    "image build command entrypoint ports volumes environment env_file depends_on healthcheck restart extends deploy networks".split()
)
_I18N_FOLDERS = frozenset("i18n locale locales lang langs translations l10n messages".split())


def kind_of(path: str, root: Node) -> str:
    """What kind of document this is, by its name first and by what it holds."""
    parts = path.lower().split("/")
    name = parts[-1]
    if name in _LOCK_NAMES or (name.startswith("pylock.") and name.endswith(".toml")) or name.endswith(".lock"):
        return "lock"
    if name in _NAMES:
        return _NAMES[name]
    if name.endswith(".ipynb"):
        return "notebook"
    if name.endswith((".service", ".timer", ".socket")):
        return "systemd"
    if root.kind != "mapping":
        return _kind_of_list(parts, root)
    has = root.members
    if name.endswith((".ini", ".cfg", ".conf", ".properties")):
        if "alembic" in has and has["alembic"].kind == "mapping":
            return "alembic"
        if any(key.startswith("program:") or key == "supervisord" for key in has):
            return "supervisord"
        if "tox" in has:
            return "tox"
        return "other"
    for kind, holds in _BY_CONTENT:
        if holds(parts, root):
            return kind
    return "other"


def _kind_of_list(parts: list[str], root: Node) -> str:
    if root.kind == "sequence" and root.items:
        first = root.items[0]
        if first.get("repo") is not None and first.get("hooks") is not None:
            return "pre-commit"
    return "other"


def _is_text(node: Node | None) -> bool:
    return node is not None and node.kind == "scalar" and bool(node.raw)


def _is_workflow(parts: list[str], root: Node) -> bool:
    jobs = root.get("jobs")
    if jobs is None or jobs.kind != "mapping":
        return False
    in_folder = len(parts) >= 3 and parts[-2] in ("workflows", "workflow-templates", ".gitea", ".forgejo") or ".github" in parts
    if in_folder and "on" in root.members:
        return True
    return "on" in root.members and any(job.get("runs-on") is not None or job.get("uses") is not None for job in jobs.members.values())


def _is_compose(parts: list[str], root: Node) -> bool:
    services = root.get("services")
    if _COMPOSE_NAME.fullmatch(parts[-1]) and not ({"on", "jobs"} <= set(root.members)):
        return services is not None or "include" in root.members or any(key.startswith("x-") for key in root.members)
    if services is None or services.kind != "mapping" or "jobs" in root.members or not services.members:
        return False
    known = [service for service in services.members.values() if service.kind == "mapping" and _SERVICE_KEYS & service.members.keys()]
    return bool(known) and any(service.get("image") is not None or service.get("build") is not None for service in known)


def _is_gitlab(parts: list[str], root: Node) -> bool:
    if parts[-1].endswith((".gitlab-ci.yml", ".gitlab-ci.yaml")) or ".gitlab-ci" in parts or (".gitlab" in parts and "ci" in parts):
        return True
    return "stages" in root.members and any(
        job.kind == "mapping" and job.get("script") is not None and job.get("stage") is not None for job in root.members.values()
    )


def _is_prometheus(parts: list[str], root: Node) -> bool:
    groups = root.get("groups")
    return (
        groups is not None
        and groups.kind == "sequence"
        and any(
            rule.get("expr") is not None and (rule.get("alert") is not None or rule.get("record") is not None)
            for group in groups.items
            for rule in (group.get("rules") or group).items
        )
    )


def _is_cloudformation(parts: list[str], root: Node) -> bool:
    resources = root.get("Resources")
    return "AWSTemplateFormatVersion" in root.members or (
        resources is not None and any(item.text_at("Type").startswith("AWS::") for item in resources.members.values())
    )


def _is_i18n(parts: list[str], root: Node) -> bool:
    if not _I18N_FOLDERS & set(parts[:-1]):
        return False
    return all(node.kind == "mapping" or (node.kind == "scalar" and isinstance(node.value, (str, type(None)))) for node in root.walk())


_BY_CONTENT: tuple[tuple[str, Callable[[list[str], Node], bool]], ...] = (
    ("github-workflow", _is_workflow),
    ("github-action", lambda parts, root: parts[-1] in ("action.yml", "action.yaml") and root.get("runs") is not None),
    ("circleci", lambda parts, root: len(parts) > 1 and parts[-2] == ".circleci"),
    ("azure-pipelines", lambda parts, root: "azure-pipelines" in parts[-1] or ".azure-pipelines" in parts or ".azuredevops" in parts),
    ("kubernetes", lambda parts, root: _is_text(root.get("apiVersion")) and _is_text(root.get("kind"))),
    ("compose", _is_compose),
    ("gitlab-ci", _is_gitlab),
    ("openapi", lambda parts, root: ("openapi" in root.members or "swagger" in root.members) and "paths" in root.members),
    ("prometheus-rules", _is_prometheus),
    ("cloudformation", _is_cloudformation),
    ("serverless", lambda parts, root: parts[-1].startswith("serverless.") and "provider" in root.members),
    ("helm-values", lambda parts, root: re.fullmatch(r"(?:.*[-_.])?values(?:[-_.].*)?\.ya?ml", parts[-1]) is not None),
    ("i18n", _is_i18n),
)
