"""YAML: documents with anchors, merge keys and tags resolved, and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prodlint.facts import Comment, Document, Fact, File, Node, Problem, Source
from prodlint.readers.document_template import masked, restored, template_constructs
from prodlint.readers.document_tree import MOST_ALIASED, Offsets, Tree, Unreadable, comment, document, plain_value, problem


class FString(Exception):
    """The file cannot be read as it stands because it holds template syntax."""


_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+|\Z))+")

# Tags after which a value is what it would be without them and without quotes.
_TYPED = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null"))


def read_yaml(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """The documents, their comments where they are wanted; of a template or broken text what can be read, and a problem."""
    text = source.text
    offsets = Offsets(text)
    try:
        found = list(_yaml_facts(source, file, text, offsets, comments, ()))
        broken = next((fact for fact in found if isinstance(fact, Problem) and fact.kind == "syntax"), None)
        if broken is None:
            yield from found
            return
    except FString:
        found = []
    constructs = template_constructs(text)
    if not constructs:
        yield from found
        return
    first = constructs[0]
    again: list[Fact] = []
    for as_comment in (False, True):
        again = list(_yaml_facts(source, file, masked(text, constructs, as_comment), offsets, comments, tuple(constructs)))
        broken = next((fact for fact in again if isinstance(fact, Problem)), None)
        if broken is None:
            break
    why = "template: read with its expressions left out"
    if broken is not None:
        why = f"template that cannot be read without rendering: {broken.why}"
    yield problem(source, file, "template", why, offsets(first[0]), offsets(first[1]))
    yield from (fact for fact in again if not isinstance(fact, Problem))


def _yaml_facts(
    source: Source, file: File, text: str, offsets: Offsets, comments: bool, constructs: tuple[tuple[int, int], ...]
) -> Iterator[Fact]:
    """The documents and comments of a YAML text; a Problem where it breaks off."""
    import yaml

    scalars: list[tuple[int, int, bool]] = []
    broken: Problem | None = None
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        yield from _yaml_documents(source, file, text, offsets, loader, scalars, constructs)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = offsets(min(mark.index, len(text))) if mark is not None else 0
        broken = problem(source, file, "syntax", f"not valid YAML: {_words_of(error)}", at)
    except Unreadable as error:
        broken = problem(source, file, "syntax", error.why, error.offset)
    if broken is not None:
        yield broken
    if comments:
        yield from _yaml_comments(source, file, text, offsets, scalars)


def _words_of(error: Exception) -> str:
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return str(words).splitlines()[0] if str(words) else "unreadable"


def _yaml_documents(
    source: Source,
    file: File,
    text: str,
    offsets: Offsets,
    loader: Any,
    scalars: list[tuple[int, int, bool]],
    constructs: tuple[tuple[int, int], ...],
) -> Iterator[Document]:
    import yaml

    # The stubs call marks and anchors optional; the parsers always set them where they are asked for here.
    events: Any = yaml
    tree = Tree(source, file)
    required_literals: dict[str, Node | None] = {}
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
                raw = restored(source.text, start, end, event.style, raw, constructs)
            first, last = offsets(start), offsets(end)
            if tree.waiting_for_key():
                tree.key(raw, first, last)
                if event.anchor:
                    required_literals[event.anchor] = None
                continue
            tag = "" if not event.tag or event.tag.startswith("tag:yaml.org,") else event.tag
            value = plain_value(raw) if (plain and not event.tag) or (raw and event.tag in _TYPED) else raw
            node = tree.scalar(value, raw, not plain and not block, first, last, tag)
            if event.anchor:
                required_literals[event.anchor] = node
        elif isinstance(event, events.AliasEvent):
            start, end = offsets(event.start_mark.index), offsets(event.end_mark.index)
            target = required_literals.get(event.anchor)
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
                raise FString
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
            first = offsets(start) if event.flow_style or (kind == "sequence" and text.startswith("-", at)) else -1
            tree.begin(kind, first, tag, offsets(at))
            naming.append(event.anchor or "")
            if event.anchor:
                required_literals[event.anchor] = None
        elif isinstance(event, events.CollectionEndEvent):
            closes = event.end_mark.index
            flow = closes > event.start_mark.index
            node = tree.finish(offsets(closes) if flow else None)
            _resolve_merges(tree, node)
            anchor = naming.pop()
            if anchor:
                required_literals[anchor] = node
        elif isinstance(event, events.DocumentStartEvent):
            tree = Tree(source, file)
            required_literals = {}
        elif isinstance(event, events.DocumentEndEvent):
            root = tree.root
            if tree.aliased > MOST_ALIASED:
                raise Unreadable(f"its aliases stand for more than {MOST_ALIASED} values", root.start if root else 0)
            if root is not None and not (root.kind == "scalar" and root.value is None):
                yield document(source, file, root, index, bool(constructs))
            index += 1


def _skip_collection(loader: Any, events: Any) -> None:
    depth = 1
    while depth and loader.check_event():
        event = loader.get_event()
        if isinstance(event, events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, events.CollectionEndEvent):
            depth -= 1


def _resolve_merges(tree: Tree, node: Node) -> None:
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
                # A merged value keeps the place where it is written: there it is fixed, there a comment silences it, and
                # five services that merge the same anchor are one place, not five.
                node.members[text] = tree.copy(child, path, (child.key_start, child.key_end), child.start, child.end)


_YAML_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)


def _yaml_comments(source: Source, file: File, text: str, offsets: Offsets, scalars: list[tuple[int, int, bool]]) -> Iterator[Comment]:
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
            if source.data[first : first + 1] != b"#":
                # A placeholder for a template's line.
                continue
            yield comment(source, file, first, offsets(found.start() + len(found.group().rstrip())), 1)
