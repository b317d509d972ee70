"""INI files as configparser reads them, systemd units and properties files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.facts import Comment, Fact, File, Node, Source
from prodlint.readers.document_tree import Tree, comment, document, problem

_INI_PAIR = re.compile(rb"([^=:\s][^=:\r\n]*?)[ \t]*[=:][ \t]*")
_INI_NOTE = re.compile(rb"(?<=[ \t])[;#][^\r\n]*")


_CERTAIN = frozenset(
    "setup.cfg tox.ini pytest.ini mypy.ini alembic.ini uwsgi.ini pip.conf .pypirc .coveragerc .flake8 supervisord.ini php.ini".split()
)


def read_ini(source: Source, file: File, comments: bool) -> Iterator[Fact]:
    """Sections of `key = value` lines, with continuation lines; also properties files, which have no sections."""
    data = source.data
    tree = Tree(source, file)
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
            found.append(comment(source, file, begin, end, 1))
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
            found.append(comment(source, file, note.start(), end, 1))
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
        # HAProxy has a format of its own under a name that ends so, gunicorn one that is Python: only these names are certain.
        if file.name in _CERTAIN:
            yield problem(source, file, "syntax", "a line that is neither a section nor `key = value`", broken)
    elif root.members:
        yield document(source, file, root, 0, False)
    if comments:
        yield from found
