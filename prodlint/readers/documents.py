"""YAML, JSON, TOML, INI and HCL: a tree of nodes with places, the same for all five.

Nothing here raises on a file's content: what cannot be read becomes a `Problem`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prodlint.counting import whole_number
from prodlint.facts import Document, Entry, Fact, File, Node, Problem, Source
from prodlint.readers.document_kinds import kind_of
from prodlint.readers.document_tree import MOST_BYTES, problem

__all__ = ["documents_of", "entries", "entry", "find", "kind_of", "match_path", "read"]


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """The facts of a configuration document."""
    if len(source.data) > MOST_BYTES:
        if Problem in wanted:
            yield problem(source, file, "size", f"larger than {MOST_BYTES // 1_000_000} MB", 0)
        return
    for fact in _facts(source, file):
        if type(fact) in wanted:
            yield fact
        if isinstance(fact, Document) and Entry in wanted:
            yield from entries(fact)


def documents_of(source: Source, file: File) -> Iterator[Document]:
    """Every document of a file, read once for whoever asks."""
    return (fact for fact in _facts(source, file) if isinstance(fact, Document))


def _facts(source: Source, file: File) -> Sequence[Fact]:
    """Documents, comments and problems of a text, made once for whoever asks."""
    known = source.derived.get(file)
    if not isinstance(known, tuple):
        known = source.derived[file] = tuple(_read(source, file, comments=True))
    return known


def _read(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    format = _format(source, file)
    if format == "json":
        from prodlint.readers.document_json import read_json

        return read_json(source, file, comments)
    if format == "toml":
        from prodlint.readers.document_toml import read_toml

        return read_toml(source, file, comments)
    if format == "ini":
        from prodlint.readers.document_ini import read_ini

        return read_ini(source, file, comments)
    if format == "hcl":
        from prodlint.readers.document_hcl import read_hcl

        return read_hcl(source, file, comments)
    from prodlint.readers.document_yaml import read_yaml

    return read_yaml(source, file, comments)


def _format(source: Source, file: File) -> str:
    """The syntax of a file: some kinds name what is inside, not how it is written."""
    if file.kind == "systemd":
        return "ini"
    if file.kind == "lock":
        if source.data.lstrip()[:1] == b"{":
            return "json"
        return "yaml" if file.name.endswith((".yaml", ".yml")) else "toml"
    return file.kind


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
        elif (index := whole_number(head)) is not None and index < len(node.items):
            yield from _find(node.items[index], rest)


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
