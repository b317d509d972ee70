"""The Python files of a project by the names that imports give them, parsed when a rule asks what one of them says."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from prodlint.facts import File, FileKind, Module, Source
from prodlint.project.reexports import Follower, ModuleNames, imports_in
from prodlint.project.snapshot import Document, Snapshot, digest_of
from prodlint.python.imported import absolute
from prodlint.readers import Undecodable

if TYPE_CHECKING:
    from prodlint.values.evaluate import Values

# Larger files hold no settings, constants or helpers that a person wrote.
_LARGEST = 1_000_000
# Files kept parsed in a process.
_MOST = 48

_Files = Sequence[tuple[str, str, FileKind]]


class PythonFiles:
    """Other files' values, and a record of which ones were asked for: a result that depends on them is stale when they change."""

    def __init__(self, files: Callable[[], _Files], snapshot: Snapshot) -> None:
        self._files = files
        self._snapshot = snapshot
        self._index: dict[str, list[str]] | None = None
        self._absolute: dict[str, str] = {}
        self._parsed: OrderedDict[str, Values | None] = OrderedDict()
        # By asking file, by module's name: the path and digest of the file that answered ("" for none).
        self._answers: dict[str, dict[str, tuple[str, str]]] = {}
        self._asked: dict[tuple[str, str], tuple[str, str]] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._names: dict[str, ModuleNames] = {}
        # By path what stands for a file's content, where it is known without reading it (see `Snapshot`).
        self.contents: dict[str, bytes] = {}

    def values(self, name: str, near: Module) -> Values | None:
        """What the expressions of the file can be that a module's name means to another file; None where the project has none."""
        return self.named(name, near.file.path)

    def named(self, name: str, asking: str) -> Values | None:
        """The same by the path of the file that asks."""
        path = self._resolved(name, asking)
        if not path:
            if self._may_be_ours(name):
                self._note(name, asking, ("", ""))
            return None
        found = self.of_file(path)
        if found is not None:
            known = self._answers.get(asking, {}).get(name)
            self._note(name, asking, known or (path, _digest(found.module.source.data)))
        return found

    def _note(self, name: str, asking: str, answer: tuple[str, str]) -> None:
        self._answers.setdefault(asking, {})[name] = answer
        self._asked[name, asking] = answer

    def take(self, path: str) -> dict[tuple[str, str], tuple[str, str]]:
        """What was asked for a file's sake: module's name and asking file, path and digest of the file that answered.

        What the answering files had asked in their turn is part of it, also where it was asked for another file's sake.
        """
        taken, self._asked = self._asked, {}
        waiting = [path, *(other for other, _ in taken.values())]
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path and path not in seen:
                seen.add(path)
                for name, answer in self._answers.get(path, {}).items():
                    taken[name, path] = answer
                    waiting.append(answer[0])
        return taken

    def of_file(self, path: str) -> Values | None:
        """The same by a path from the root."""
        made = self._parsed.pop(path, None) if path in self._parsed else self._parse(path)
        if made is not None and made.is_forgotten:
            made = self._parse(path)
        self._parsed[path] = made
        if len(self._parsed) > _MOST:
            self._parsed.popitem(last=False)
        if made is not None:
            self._snapshot.touch(self._absolute[path])
        return made

    def forget(self, path: str) -> None:
        """A file has another text: let go of what was made of it, and of what other files have worked out with it."""
        self._names.pop(path, None)
        self.contents.pop(path, None)
        waiting, seen = [path], {path}
        while waiting:
            changed = waiting.pop()
            asked = [asking for asking, answers in self._answers.items() if any(answer == changed for answer, _ in answers.values())]
            waiting += set(asked) - seen
            seen.update(asked)
        for each in seen:
            self._answers.pop(each, None)
            values = self._parsed.pop(each, None)
            if values is not None:
                values.forget()
            if each in self._absolute:
                self._snapshot.forget_trees(self._absolute[each])

    # ------------------------------------------------------------ names that lead out of the project

    def own_imports(self, path: str, data: bytes) -> str:
        """What a file imports of the project's modules: `module:name`, in order, with a NUL between them; "" where that is nothing."""
        pairs: dict[str, None] = {}
        for one in imports_in(data):
            module = absolute(one.module, path)
            if one.module.startswith(".") or self._find(module.partition(".")[0], path) or self._find(module, path):
                pairs[f"{module}:{one.name}"] = None
        return "\0".join(pairs)

    def outside_names(self, path: str, imports: str) -> tuple[dict[str, str], str]:
        """What the names that a file imports of the project's modules stand for (see `Follower`), and what stands for the content of all that
        was looked at for it. imports: as `own_imports` gives them."""
        follower = Follower(self._find, self._names_of, path)
        found = follower.follow(pair.partition(":")[::2] for pair in imports.split("\0"))
        return found, "\0".join(follower.seen)

    def content_of(self, paths: str) -> str:
        """What stands for the content of some files."""
        made = blake2b(digest_size=16)
        for path in paths.split("\0") if paths else ():
            known = self.contents.get(path)
            if not known:
                known = self.contents[path] = digest_of(self._bytes(path))
            made.update(path.encode("utf-8", "surrogateescape") + b"\0" + known)
        return made.hexdigest()

    def _names_of(self, path: str) -> ModuleNames:
        found = self._names.get(path)
        if found is None:
            document = self._document(path)
            try:
                data = document.source("python").data if document is not None else b""
            except Undecodable:
                data = b""
            found = self._names[path] = ModuleNames(data, path)
        return found

    def _find(self, name: str, near: str) -> str:
        """The path of a module or of a package (see `_resolved`); the same for all files of a folder."""
        key = name, near.rpartition("/")[0]
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._resolved(name, near) if name else ""
        return found

    # ------------------------------------------------------------ what is kept

    def same(self, name: str, near: str, path: str, digest: str) -> bool:
        """Whether a question is answered as it was before: the same file, with the same content."""
        found = self._resolved(name, near)
        if found != path:
            return False
        return not path or _digest(self._bytes(path)) == digest

    def _bytes(self, path: str) -> bytes:
        document = self._document(path)
        return document.raw if document is not None else b""

    def _document(self, path: str) -> Document | None:
        self._by_tail()
        absolute = self._absolute.get(path)
        try:
            document = self._snapshot.document(absolute, _LARGEST) if absolute is not None else None
        except (OSError, ValueError):
            return None
        return document if document is not None and len(document.raw) <= _LARGEST else None

    def _parse(self, path: str) -> Values | None:
        from prodlint.python.tree import module_of
        from prodlint.values.expressions import evaluator

        document = self._document(path)
        try:
            source = document.source("python") if document is not None else Source(b"")
        except Undecodable:
            return None
        known = "module" in source.derived
        module = module_of(source, None if known else File(path, "python"))
        module.derived.setdefault("others", lambda: self)
        # The one that the file's own checks ask, so that nothing is worked out twice.
        return evaluator(module)

    def _by_tail(self) -> dict[str, list[str]]:
        if self._index is None:
            self._index = {}
            for path, absolute, kind in self._files():
                if kind == "python":
                    self._absolute[path] = absolute
                    self._index.setdefault(_tail(path), []).append(path)
        return self._index

    def _may_be_ours(self, name: str) -> bool:
        return name.split(".", 1)[0] not in sys.stdlib_module_names

    def _resolved(self, name: str, near: str) -> str:
        """The path of a module, seen from a file: from the root, from a folder of sources, or from a folder that holds the file."""
        if not self._may_be_ours(name):
            return ""
        inside = name.replace(".", "/")
        candidates = self._by_tail().get(name.rpartition(".")[2], ())
        best = ""
        for path in candidates:
            for tail in (f"{inside}.py", f"{inside}/__init__.py"):
                if path == tail:
                    return path
                if path.endswith(f"/{tail}"):
                    folder = path[: -len(tail)]
                    if (near.startswith(folder) or folder.rstrip("/").endswith("src")) and len(folder) > len(
                        best[: -len(tail)] if best else ""
                    ):
                        best = path
        return best


def _tail(path: str) -> str:
    stem = path.rsplit("/", 2)
    name = stem[-1].removesuffix(".py").removesuffix(".pyi")
    return stem[-2] if name == "__init__" and len(stem) > 1 else name


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
