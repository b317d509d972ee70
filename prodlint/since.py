"""`--since REV`: only what this change brought.

The findings of the tree as it is, less those of the tree where the change began, are told apart by code, symbol and content,
not by line. So moved, re-indented and renamed old code brings nothing, and a line nobody touched that another file's
change made wrong is reported.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from prodlint.configuration.settings import SettingsError
from prodlint.fingerprint import normalised
from prodlint.model import Finding

# Neither the reader's own configuration nor the repository's attributes may start a program or change what is read.
_GIT = ("git", "-c", "core.quotepath=off", "-c", "core.fsmonitor=false", "-c", "diff.renameLimit=5000")
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
# What is larger is no source: prodlint would not read it either.
_LARGEST = 50 << 20


@dataclass(slots=True)
class Change:
    """What lies between two states of a project. Paths are from the project's root.

    base: the commit where the change began. lines: for each changed file the lines (first, last) that are new; a file
    that is new has None. renamed: today's path by the old one's. deleted: old paths that are gone.
    """

    root: str
    base: str
    lines: dict[str, list[tuple[int, int]] | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    note: str = ""

    def touches(self, path: str, first: int, last: int) -> bool:
        """Whether the change wrote one of these lines."""
        if path not in self.lines:
            return False
        ranges = self.lines[path]
        return ranges is None or any(start <= last and first <= end for start, end in ranges)


def _git(root: str, *arguments: str, input: bytes | None = None) -> bytes:
    """What git prints.

    Raises SettingsError with git's own words.
    """
    try:
        done = subprocess.run([*_GIT, "-C", root, *arguments], capture_output=True, input=input, env=_environment(), check=False)
    except FileNotFoundError:
        raise SettingsError("`--since` needs git, which is not installed") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SettingsError(f"`--since`: git says: {words[-1] if words else f'exit code {done.returncode}'}")
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def change_since(root: str, revision: str) -> Change:
    """What changed in the working tree since the point where it parted from `revision`.

    Raises SettingsError where that cannot be told: no repository, no such revision, history that was not fetched.
    """
    if not _git_says(root, "rev-parse", "--is-inside-work-tree"):
        raise SettingsError(f"`--since` needs a git repository; `{os.path.relpath(root)}` is in none")
    commit = _git_says(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        shallow = _git_says(root, "rev-parse", "--is-shallow-repository") == "true"
        hint = "; this clone is shallow: fetch it first (`fetch-depth: 0` for actions/checkout)" if shallow else ""
        raise SettingsError(f"`--since`: no revision `{revision}` here{hint}")
    base = _git_says(root, "merge-base", commit, "HEAD")
    note = ""
    if not base:
        base = commit
        note = f"no common commit of `{revision}` and HEAD is at hand, so the trees of the two are compared"
    change = Change(root, base, note=note)
    _read_names(change)
    _read_lines(change)
    for path in _split(_git(root, "ls-files", "--others", "--exclude-standard", "-z")):
        change.lines[path] = None
    return change


def _git_says(root: str, *arguments: str) -> str:
    try:
        return _git(root, *arguments).decode("utf-8", "replace").strip()
    except SettingsError as error:
        if "not installed" in error.message:
            raise
        return ""


def _split(data: bytes) -> list[str]:
    return [os.fsdecode(part) for part in data.split(b"\0") if part]


def _read_names(change: Change) -> None:
    """Which files are new, gone, renamed or changed."""
    parts = iter(_split(_git(change.root, "diff", "--relative", "--no-ext-diff", "-M", "--name-status", "-z", change.base, "--", ".")))
    for status in parts:
        path = next(parts)
        if status[0] in "RC":
            old, path = path, next(parts)
            if status[0] == "R":
                change.renamed[old] = path
            change.lines[path] = []
        elif status[0] == "A":
            change.lines[path] = None
        elif status[0] == "D":
            change.deleted.add(path)
        else:
            change.lines[path] = []


def _read_lines(change: Change) -> None:
    """Which lines are new in the files that changed.

    The paths come from `--name-status` in the same order: those in the hunks' headers are quoted, and a line of the
    file may look like a header.
    """
    changed = [path for path, ranges in change.lines.items() if ranges is not None]
    if not changed:
        return
    data = _git(
        change.root, "diff", "--relative", "--no-ext-diff", "--no-textconv", "--no-color", "-M", "-U0", "--src-prefix=a/", "--dst-prefix=b/",
        change.base, "--", ".",
    )  # fmt: skip
    names = {_header_name(path): path for path in changed}
    path: str | None = None
    skip = 0
    for line in data.split(b"\n"):
        if skip:
            skip -= line[:1] in (b"+", b"-")
            continue
        if line.startswith(b"diff --git "):
            path = None
        elif line.startswith(b"+++ "):
            path = names.get(line[4:].rstrip(b"\t"))
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            old = re.match(rb"@@ -\d+(?:,(\d+))?", line)
            skip = count + int((old[1] if old else None) or 1)
            if path is not None and count:
                ranges = change.lines[path]
                if ranges is not None:
                    ranges.append((first, first + count - 1))


def _header_name(path: str) -> bytes:
    """A path as it stands in a diff's header."""
    raw = b"b/" + os.fsencode(path)
    if not any(byte < 32 or byte in b'"\\' or byte == 127 for byte in raw):
        return raw
    special = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    return b'"' + b"".join(special.get(byte) or (b"\\%03o" % byte if byte < 32 or byte == 127 else bytes((byte,))) for byte in raw) + b'"'


# ---------------------------------------------------------------- the tree where the change began


class BaseFile(NamedTuple):
    """A file of the tree where the change began. name: git's name for its content."""

    path: str
    name: str
    executable: bool


def base_files(change: Change) -> list[BaseFile]:
    """The files of the tree where the change began; links and submodules are none."""
    found = []
    for line in _git(change.root, "ls-tree", "-r", "-z", change.base, "--", ".").split(b"\0"):
        head, _, path = line.partition(b"\t")
        words = head.split()
        if len(words) == 3 and words[1] == b"blob" and words[0].startswith(b"100"):
            found.append(BaseFile(os.fsdecode(path), words[2].decode(), words[0] == b"100755"))
    return found


@contextmanager
def base_tree(change: Change, wanted: Callable[[str], bool] | None = None) -> Iterator[str]:
    """The tree where the change began, in a temporary directory. wanted: which of its files are needed.

    The files come straight out of git's store: no checkout, no hooks, no filters, nothing in the repository changes.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="prodlint-") as directory:
        top = os.path.realpath(directory)
        # The mark of a root: the search for settings and the roles of files end here as they do in the repository.
        os.mkdir(os.path.join(top, ".git"))
        made: set[str] = {top}
        for file, data in _contents(change, [file for file in base_files(change) if wanted is None or wanted(file.path)]):
            target = os.path.normpath(os.path.join(top, file.path))
            if not target.startswith(top + os.sep) or file.path.startswith(".git/"):
                continue
            folder = os.path.dirname(target)
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            with open(target, "wb") as handle:
                handle.write(data)
            if file.executable:
                os.chmod(target, 0o700)
        yield top


def earlier_paths(change: Change, tree: str, paths: Iterable[str]) -> list[str]:
    """The paths given on the command line as they are in the earlier tree; those that were not there are left out."""
    old = {new: old for old, new in change.renamed.items()}
    found = []
    for given in paths:
        path = os.path.relpath(os.path.abspath(given), change.root).replace(os.sep, "/")
        target = os.path.normpath(os.path.join(tree, old.get(path, path)))
        if os.path.exists(target) and (target == tree or target.startswith(tree + os.sep)):
            found.append(target)
    return found


def _contents(change: Change, files: Sequence[BaseFile]) -> Iterator[tuple[BaseFile, bytes]]:
    """The files' bytes, from one git process."""
    if not files:
        return
    import threading

    process = subprocess.Popen(
        [*_GIT, "-C", change.root, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
    )
    assert process.stdin is not None
    assert process.stdout is not None
    incoming, outgoing = process.stdin, process.stdout

    def context() -> None:
        # In a thread of its own: git answers while it is asked, and either pipe may be full.
        with suppress(BrokenPipeError), incoming:
            for file in files:
                incoming.write(file.name.encode() + b"\n")

    asking = threading.Thread(target=context, daemon=True)
    asking.start()
    with outgoing:
        for file in files:
            header = outgoing.readline().split()
            if len(header) != 3 or header[1] != b"blob":
                continue
            size = int(header[2])
            data = outgoing.read(size)
            outgoing.read(1)
            if size <= _LARGEST:
                yield file, data
    asking.join()
    process.wait()


# ---------------------------------------------------------------- what is new

_Key = tuple[str, ...]


def new_findings(change: Change, now: Sequence[Finding], before: Iterable[Finding]) -> list[Finding]:
    """The findings that the change brought.

    A finding is old where the earlier tree has the same one: in the same symbol with the same content; on a line nobody
    touched, whatever its function is called today; or moved, content and innermost name alike, while the old one is gone.
    Every earlier finding answers for one of today's.
    """
    left = Counter(
        (finding.code, change.renamed.get(finding.path, finding.path), finding.symbol, normalised(finding.content or finding.message))
        for finding in before
    )
    fresh = _without(now, left, lambda finding: (finding.code, finding.path, finding.symbol, _content(finding)))
    loose = _loose(left, lambda key: (key[0], key[1], key[3]))
    touched = [finding for finding in fresh if change.touches(finding.path, finding.span.line, finding.span.end_line)]
    untouched = [finding for finding in fresh if not change.touches(finding.path, finding.span.line, finding.span.end_line)]
    rest = _take(untouched, loose, left, lambda finding: (finding.code, finding.path, _content(finding)))
    moved = _loose(left, lambda key: (key[0], key[2].rpartition(".")[2], key[3]) if key[2] else None)
    rest += _take(touched, moved, left, lambda finding: (finding.code, finding.symbol.rpartition(".")[2], _content(finding)))
    wanted = set(map(id, rest))
    return [finding for finding in now if id(finding) in wanted]


def _content(finding: Finding) -> str:
    return normalised(finding.content or finding.message)


def _without(
    findings: Sequence[Finding], left: Counter[tuple[str, str, str, str]], key: Callable[[Finding], tuple[str, str, str, str]]
) -> list[Finding]:
    fresh = []
    for finding in findings:
        if left[key(finding)] > 0:
            left[key(finding)] -= 1
        else:
            fresh.append(finding)
    return fresh


def _loose(
    left: Counter[tuple[str, str, str, str]], key: Callable[[tuple[str, str, str, str]], _Key | None]
) -> dict[_Key, list[tuple[str, str, str, str]]]:
    """What is left of the earlier findings, under a looser key."""
    made: dict[_Key, list[tuple[str, str, str, str]]] = {}
    for entry, count in left.items():
        loose = key(entry)
        if count > 0 and loose is not None:
            made.setdefault(loose, []).extend([entry] * count)
    return made


def _take(
    findings: Sequence[Finding],
    loose: dict[_Key, list[tuple[str, str, str, str]]],
    left: Counter[tuple[str, str, str, str]],
    key: Callable[[Finding], _Key],
) -> list[Finding]:
    """The findings that no earlier one answers for under the looser key."""
    rest = []
    for finding in findings:
        waiting = loose.get(key(finding))
        if waiting:
            left[waiting.pop()] -= 1
        else:
            rest.append(finding)
    return rest
