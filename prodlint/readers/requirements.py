"""Dependencies as declared: requirements files, and those in pyproject, Pipfile, setup.cfg and lock files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from prodlint.facts import Comment, Document, Fact, File, Node, Option, Problem, Requirement, RequirementOrigin, Source

_HASH = re.compile(r"--hash[= ]\s*(\S+)")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_DEV_GROUPS = frozenset(("dev", "develop", "development", "test", "tests", "testing", "lint", "linting", "docs", "doc", "typing", "types", "ci", "local", "qa", "style", "format", "pre-commit", "mypy"))  # fmt: skip


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """Requirements, options and comments of a requirements or constraints file."""
    group = _group_of_file(file.name)
    for start, end, text in _logical_lines(source):
        if Comment in wanted or Fact in wanted:
            yield from _comments(source, file, start, end)
        stripped = text.strip()
        if not stripped:
            continue
        lead = start + len(text[: len(text) - len(text.lstrip())].encode("utf-8", "replace"))
        stop = lead + len(stripped.encode("utf-8", "replace"))
        fact: Fact | None = _option(source, file, lead, stop, stripped) if stripped.startswith("-") else None
        if fact is None:
            editable = stripped.startswith(("-e ", "--editable ", "-e=", "--editable="))
            body = re.split(r"[ =]", stripped, maxsplit=1)[1].strip() if editable else stripped
            fact = _requirement(source, file, lead, stop, body, group, "requirements", editable)
        if type(fact) in wanted or Fact in wanted:
            yield fact


def _group_of_file(name: str) -> str:
    stem = name.rsplit(".", 1)[0].lower()
    if "constraint" in stem:
        return "constraint"
    words = set(re.split(r"[-_.]", stem)) - {"requirements", "requirement", "reqs"}
    return "dev" if words & _DEV_GROUPS else "main"


def _logical_lines(source: Source) -> Iterator[tuple[int, int, str]]:
    """Lines with continuations joined and comments blanked: (start, end, text of the same length)."""
    data, starts = source.data, source.line_starts
    index = 0
    while index < len(starts):
        start = starts[index]
        parts: list[str] = []
        while True:
            end = starts[index + 1] if index + 1 < len(starts) else len(data)
            raw = data[starts[index] : end].decode("utf-8", "replace")
            index += 1
            text = raw.rstrip("\r\n")
            comment = re.search(r"(?:^|(?<=\s))#", text)
            code = text[: comment.start()] if comment else text
            continued = comment is None and code.endswith("\\")
            parts.append((code[:-1] if continued else code).ljust(len(raw)))
            if not continued or index >= len(starts):
                break
        yield start, end, "".join(parts)


def _comments(source: Source, file: File, start: int, end: int) -> Iterator[Comment]:
    if b"#" not in source.data[start:end]:
        return
    for found in re.finditer(rb"(?m)(?:^|(?<=\s))#[^\r\n]*", source.data[start:end]):
        comment = Comment(source, file, start + found.start(), start + found.start() + len(found.group().rstrip()))
        comment.value = found.group().decode("utf-8", "replace").lstrip("#").strip()
        yield comment


def _option(source: Source, file: File, start: int, end: int, text: str) -> Option | None:
    if text.startswith(("-e ", "--editable ", "-e=", "--editable=")):
        return None
    name, _, value = text.partition("=") if text.startswith("--") and "=" in text.split(maxsplit=1)[0] else text.partition(" ")
    if not text.startswith("--") and len(name) > 2:
        name, value = text[:2], text[2:]
    option = Option(source, file, start, end)
    option.name = {"-i": "--index-url", "-r": "--requirement", "-c": "--constraint", "-f": "--find-links"}.get(name, name)
    option.value = value.strip().strip("\"'")
    return option


def _requirement(
    source: Source, file: File, start: int, end: int, text: str, group: str, origin: RequirementOrigin, editable: bool = False
) -> Fact:
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    hashes = tuple(_HASH.findall(text)) if "--hash" in text else ()
    # pip takes options behind a requirement, also those it then leaves unused (`psycopg2 --no-binary psycopg2`).
    body = re.split(r"\s--[a-z]", text, maxsplit=1)[0].strip()
    fact = Requirement(source, file, start, end)
    fact.hashes, fact.group, fact.origin, fact.editable = hashes, group, origin, editable
    fact.extras, fact.specifier, fact.marker, fact.url = (), "", "", ""
    try:
        parsed = Parsed(body)
    except InvalidRequirement:
        if editable or _is_location(body):
            # A bare URL, a VCS address or a path: pip takes it, PEP 508 has no word for it.
            url, _, marker = body.partition(" ;") if " ;" in body else body.partition("; ")
            egg = _EGG.search(url)
            wheel = re.search(r"/([A-Za-z0-9_.]+?)-\d[^/]*\.(?:whl|tar\.gz|zip)", url)
            fact.name = normalised(egg[1] if egg else wheel[1] if wheel else "")
            fact.url, fact.marker = url.strip(), marker.strip()
            return fact
        problem = Problem(source, file, start, end)
        problem.kind = "template" if "{{" in body or "{%" in body or "${" in body else "syntax"
        problem.why = "not a requirement"
        return problem
    fact.name = normalised(parsed.name)
    fact.extras = tuple(sorted(parsed.extras))
    fact.specifier = str(parsed.specifier)
    fact.marker = str(parsed.marker or "")
    fact.url = parsed.url or ""
    return fact


def _is_location(text: str) -> bool:
    return (
        "://" in text
        or text.startswith((".", "/", "~", "git+", "hg+", "file:"))
        or "".join(text.split(maxsplit=1)[:1]).endswith((".whl", ".tar.gz", ".zip"))
    )


# ---------------------------------------------------------------- documents


def from_document(document: Document) -> Iterator[Fact]:
    """Requirements (and index options) of a pyproject, Pipfile, setup.cfg, conda environment or lock file."""
    name = document.file.name.lower()
    reader = _BY_KIND.get(document.kind)
    if document.kind == "lock" or name in _LOCKS or name.startswith("pylock."):
        reader = _LOCKS.get(name, _pylock if name.startswith("pylock.") else _poetry_lock)
    elif name in ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        reader = _conda
    if reader is not None:
        yield from reader(document)


def _made(node: Node, text: str, group: str, origin: RequirementOrigin) -> Fact:
    return _requirement(node.source, node.file, node.start, node.end, text, group, origin)


def _table(node: Node, name: str, specifier: str, group: str, origin: RequirementOrigin) -> Requirement:
    start = node.key_start if node.key_end > node.key_start else node.start
    fact = Requirement(node.source, node.file, start, node.end)
    fact.name, fact.specifier, fact.group, fact.origin = normalised(name), specifier, group, origin
    fact.extras, fact.marker, fact.url, fact.hashes, fact.editable = (), "", "", (), False
    return fact


def _strings(node: Node | None) -> Iterator[Node]:
    if node is not None and node.kind == "sequence":
        yield from (item for item in node.items if item.kind == "scalar")


def _members(node: Node | None) -> Mapping[str, Node]:
    return node.members if node is not None and node.kind == "mapping" else {}


def _text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else node.raw


def _group(name: str) -> str:
    return "dev" if name.lower() in _DEV_GROUPS else name


def _pyproject(document: Document) -> Iterator[Fact]:
    root = document.root
    for item in _strings(root.get("project", "dependencies")):
        yield _made(item, _text(item), "main", "pyproject")
    for name, extra in _members(root.get("project", "optional-dependencies")).items():
        for item in _strings(extra):
            yield _made(item, _text(item), _group(name), "pyproject")
    for name, members in _members(root.get("dependency-groups")).items():
        for item in _strings(members):
            yield _made(item, _text(item), _group(name), "pyproject")
    for item in _strings(root.get("build-system", "requires")):
        yield _made(item, _text(item), "build", "pyproject")
    for item in _strings(root.get("tool", "uv", "dev-dependencies")):
        yield _made(item, _text(item), "dev", "pyproject")
    for item in _strings(root.get("tool", "uv", "constraint-dependencies")):
        yield _made(item, _text(item), "constraint", "pyproject")
    for name, members in _members(root.get("tool", "pdm", "dev-dependencies")).items():
        for item in _strings(members):
            yield _made(item, _text(item).removeprefix("-e "), _group(name), "pyproject")
    for environment in _members(root.get("tool", "hatch", "envs")).values():
        for key in ("dependencies", "extra-dependencies"):
            for item in _strings(environment.get(key)):
                yield _made(item, _text(item), "dev", "pyproject")
    yield from _poetry(root)
    yield from _uv_sources(root)


def _poetry(root: Node) -> Iterator[Fact]:
    poetry = root.get("tool", "poetry")
    if poetry is None:
        return
    tables = [("main", poetry.get("dependencies")), ("dev", poetry.get("dev-dependencies"))]
    tables += [(_group(name), group.get("dependencies")) for name, group in _members(poetry.get("group")).items()]
    for group, table in tables:
        yield from _dependency_table(table, group, "poetry")


def _dependency_table(table: Node | None, group: str, origin: RequirementOrigin) -> Iterator[Requirement]:
    for name, node in _members(table).items():
        if normalised(name) == "python":
            continue
        for value in node.items if node.kind == "sequence" else (node,):
            if value.kind == "mapping":
                fact = _table(node, name, value.text_at("version"), group, origin)
                for vcs in ("git", "url", "path", "file"):
                    if value.text_at(vcs):
                        reference = value.text_at("rev") or value.text_at("ref") or value.text_at("tag") or value.text_at("branch")
                        fact.url = ("git+" if vcs == "git" else "") + value.text_at(vcs) + (f"@{reference}" if reference else "")
                extras = value.get("extras")
                fact.extras = tuple(_text(item) for item in _strings(extras))
                fact.marker = value.text_at("markers")
                fact.editable = value.text_at("editable") == "true" or value.text_at("develop") == "true"
            else:
                fact = _table(node, name, _text(value) if value.kind == "scalar" else "", group, origin)
            yield fact


def _uv_sources(root: Node) -> Iterator[Requirement]:
    """`[tool.uv.sources]`: where a dependency declared elsewhere comes from."""
    for name, node in _members(root.get("tool", "uv", "sources")).items():
        for value in node.items if node.kind == "sequence" else (node,):
            address = value.text_at("git") or value.text_at("url")
            if value.kind == "mapping" and address:
                reference = value.text_at("rev") or value.text_at("tag") or value.text_at("branch")
                fact = _table(node, name, "", "main", "pyproject")
                fact.url = ("git+" if value.text_at("git") else "") + address + (f"@{reference}" if reference else "")
                yield fact


def _pipfile(document: Document) -> Iterator[Fact]:
    yield from _dependency_table(document.root.get("packages"), "main", "pipfile")
    yield from _dependency_table(document.root.get("dev-packages"), "dev", "pipfile")


def _setup_cfg(document: Document) -> Iterator[Fact]:
    root = document.root
    found = [("main", root.get("options", "install_requires")), ("dev", root.get("options", "tests_require"))]
    found += [(_group(name), node) for name, node in _members(root.get("options.extras_require")).items()]
    for group, node in found:
        if node is None or node.kind != "scalar":
            continue
        cursor = node.start
        for line in _text(node).replace(";", ";").splitlines():
            text = line.strip()
            if not text or text.startswith(("#", "file:")):
                continue
            encoded = text.encode()
            at = node.source.data.find(encoded, cursor, node.end)
            start, end = (at, at + len(encoded)) if at != -1 else (node.start, node.end)
            cursor = end if at != -1 else cursor
            yield _requirement(node.source, node.file, start, end, text, group, "setup-cfg")


def _conda(document: Document) -> Iterator[Fact]:
    for item in document.root.get("dependencies").items if document.root.get("dependencies") is not None else ():  # type: ignore[union-attr]
        if item.kind == "scalar":
            found = re.fullmatch(r"(?:[\w.-]+::)?([A-Za-z0-9._-]+)\s*((?:[=<>!~].*)?)", _text(item).strip())
            if found and normalised(found[1]) not in ("python", "pip"):
                fact = _table(item, found[1], found[2].strip(), "main", "conda")
                fact.start = item.start
                yield fact
        else:
            for inner in _strings(item.get("pip")):
                text = _text(inner)
                if not text.startswith("-"):
                    yield _made(inner, text, "main", "conda")


def _lock_table(node: Node, name: str, version: str, hashes: Sequence[str], group: str = "main", url: str = "") -> Requirement:
    fact = _table(node, name, f"=={version}" if version else "", group, "lock")
    fact.hashes, fact.url = tuple(hashes), url
    return fact


def _files_hashes(node: Node | None) -> list[str]:
    items = node.items if node is not None and node.kind == "sequence" else ()
    return [item.text_at("hash") for item in items if item.kind == "mapping" and item.text_at("hash")]


def _poetry_lock(document: Document) -> Iterator[Fact]:
    """poetry.lock and pdm.lock: `[[package]]` with `files`."""
    for package in document.root.get("package").items if document.root.get("package") is not None else ():  # type: ignore[union-attr]
        groups = [_text(item) for item in _strings(package.get("groups"))] or [package.text_at("category") or "main"]
        group = "main" if {"main", "default"} & set(groups) else _group(groups[0])
        hashes = _files_hashes(package.get("files")) or _files_hashes(document.root.get("metadata", "files", package.text_at("name")))
        yield _lock_table(package, package.text_at("name"), package.text_at("version"), hashes, group, package.text_at("source", "url"))


def _uv_lock(document: Document) -> Iterator[Fact]:
    packages = document.root.get("package")
    for package in packages.items if packages is not None else ():
        source = package.get("source")
        if source is not None and (source.get("virtual") or source.get("editable") or source.get("workspace")) is not None:
            continue
        hashes = _files_hashes(package.get("wheels"))
        sdist = package.text_at("sdist", "hash")
        url = package.text_at("source", "git") or package.text_at("source", "url")
        yield _lock_table(package, package.text_at("name"), package.text_at("version"), hashes + ([sdist] if sdist else []), "main", url)


def _pylock(document: Document) -> Iterator[Fact]:
    packages = document.root.get("packages")
    for package in packages.items if packages is not None else ():
        wheels = package.get("wheels")
        hashes = [
            _text(value) for wheel in (wheels.items if wheels is not None else ()) for value in _members(wheel.get("hashes")).values()
        ]
        hashes += [_text(value) for value in _members(package.get("sdist", "hashes")).values()]
        yield _lock_table(package, package.text_at("name"), package.text_at("version"), hashes)


def _pipfile_lock(document: Document) -> Iterator[Fact]:
    for section, group in (("default", "main"), ("develop", "dev")):
        for name, node in _members(document.root.get(section)).items():
            hashes = [_text(item) for item in _strings(node.get("hashes"))]
            fact = _lock_table(node, name, "", hashes, group, node.text_at("git"))
            fact.specifier = node.text_at("version")
            yield fact


_BY_KIND: Mapping[str, Callable[[Document], Iterator[Fact]]] = {
    "pyproject": _pyproject,
    "pipfile": _pipfile,
    "setup-cfg": _setup_cfg,
}

_LOCKS: Mapping[str, Callable[[Document], Iterator[Fact]]] = {
    "poetry.lock": _poetry_lock,
    "pdm.lock": _poetry_lock,
    "uv.lock": _uv_lock,
    "pipfile.lock": _pipfile_lock,
}
