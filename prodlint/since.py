"""`--since REV`: only what this change brought.

The findings of the tree as it is, less those of the tree where the change began, are told apart by code, symbol and content,
not by line. So moved, re-indented and renamed old code brings nothing, and a line nobody touched that another file's
change made wrong is reported.

Git tells what the earlier tree held; what the working tree holds is read, hashed and compared here, so that no filter, textconv or
external diff of the repository has anything to do.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import NamedTuple

from prodlint.configuration.settings import SettingsError
from prodlint.fingerprint import Identity, answered, composed, content_or_message
from prodlint.model import Finding
from prodlint.project import git
from prodlint.regular import read_regular

# What is larger is no source: prodlint would not read it either.
_LARGEST = 64_000_000
# As git: a file that shares half its bytes with one that is gone is that one, renamed.
_SIMILAR = 0.5
# A line that stands in more files than this tells nothing about which of them was renamed.
_COMMON = 50
# Stretches between two lines that both states hold once: up to this many lines, which of them moved is worth working out.
_CLOSE = 32
# After as many divisions of a file there is no sense to be found in it.
_DEEPEST = 20


class BaseFile(NamedTuple):
    """A file of the tree where the change began. name: git's name for its content."""

    path: str
    name: str
    executable: bool


@dataclass(slots=True)
class Change:
    """What lies between two states of a project. Paths are from the project's root.

    base: the commit where the change began; files: what it held. lines: for each changed file the lines (first, last) that are
    new; a file that is new has None. renamed: today's path by the old one's.
    """

    root: str
    base: str
    lines: dict[str, list[tuple[int, int]] | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    note: str = ""
    files: Mapping[str, BaseFile] = field(default_factory=dict)

    def touches(self, path: str, first: int, last: int) -> bool:
        """Whether the change wrote one of these lines."""
        if path not in self.lines:
            return False
        ranges = self.lines[path]
        return ranges is None or any(start <= last and first <= end for start, end in ranges)


@contextmanager
def opened(root: str, revision: str) -> Iterator[git.Git]:
    """A git for the repository that a directory lies in.

    Raises SettingsError where `--since` cannot be answered.
    """
    try:
        repository = git.find(root)
        if repository is None:
            raise SettingsError(f"`--since` needs a git repository; `{os.path.relpath(root)}` is in none")
        with git.opened(repository, logs="@{" in revision) as opened:
            yield opened
    except git.NoGit:
        raise SettingsError("`--since` needs git, which is not installed") from None
    except git.GitError as error:
        raise SettingsError(f"`--since`: {error}") from None


def change_since(opened: git.Git, root: str, revision: str, paths: Iterable[str]) -> Change:
    """What changed in some files of the working tree since the point where it parted from `revision`.

    paths: the files of today that matter, from the root. Raises SettingsError where it cannot be told: no such revision,
    history that was not fetched.
    """
    commit = opened.says("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        shallow = opened.says("rev-parse", "--is-shallow-repository") == "true"
        hint = "; this clone is shallow: fetch it first (`fetch-depth: 0` for actions/checkout)" if shallow else ""
        raise SettingsError(f"`--since`: no revision `{revision}` here{hint}")
    base = opened.says("merge-base", commit, "HEAD")
    note = ""
    if not base:
        base = commit
        note = f"no common commit of `{revision}` and HEAD is at hand, so the trees of the two are compared"
    change = Change(root, base, note=note, files=_base_files(opened, root, base))
    _compare(opened, change, sorted(set(paths)))
    return change


def _base_files(opened: git.Git, root: str, base: str) -> dict[str, BaseFile]:
    """The files of the tree where the change began; links and submodules are none."""
    below = git.prefix_of(opened.repository, root).rstrip("/")
    tree = opened.says("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}:{below}" if below else f"{base}^{{tree}}")
    if not tree:
        return {}  # the directory was not there yet
    found = {}
    for line in opened.ask("ls-tree", "-r", "-z", tree).split(b"\0"):
        head, _, raw = line.partition(b"\t")
        words = head.split()
        if len(words) == 3 and words[1] == b"blob" and words[0].startswith(b"100"):
            path = os.fsdecode(raw)
            found[path] = BaseFile(path, words[2].decode(), words[0] == b"100755")
    return found


def _compare(opened: git.Git, change: Change, paths: Sequence[str]) -> None:
    """Find out which of today's files are new, renamed or changed, and where."""
    today = {path: data for path in paths if (data := _read(change.root, path)) is not None}
    added = [path for path in today if path not in change.files]
    _find_renamed(opened, change, {path: today[path] for path in added})
    before = {path: change.files[path] for path in today if path in change.files}
    before |= {new: change.files[old] for old, new in change.renamed.items()}
    change.lines.update(dict.fromkeys(path for path in added if path not in before))
    differing = {path: file for path, file in before.items() if not _is_blob(today[path], file.name)}
    for path, old in zip(differing, opened.contents([file.name for file in differing.values()]), strict=True):
        if old is None:
            raise _missing(differing[path].path)
        if _unix(old) != _unix(today[path]):
            change.lines[path] = new_lines(_unix(old).split(b"\n"), _unix(today[path]).split(b"\n"))
    for new in change.renamed.values():
        change.lines.setdefault(new, [])


def _read(root: str, path: str) -> bytes | None:
    try:
        return read_regular(os.path.join(root, path), _LARGEST)
    except OSError:
        return None


def _is_blob(data: bytes, name: str) -> bool:
    """Whether git's name for a content is that of these bytes, or of the same with the line ends that git stores."""
    return name in _names(data, len(name))


def _names(data: bytes, length: int) -> set[str]:
    """Git's names, of so many digits, for these bytes as they are and with the line ends that git stores."""
    make = sha256 if length == 64 else sha1
    # Not for security: whoever could forge a name could as well write the commit.
    return {make(b"blob %d\0%s" % (len(each), each), usedforsecurity=False).hexdigest() for each in {data, _unix(data)}}


def _unix(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _find_renamed(opened: git.Git, change: Change, added: Mapping[str, bytes]) -> None:
    """Which of the files that are gone the new ones were."""
    if not added:
        return
    gone = [file for path, file in change.files.items() if not os.path.lexists(os.path.join(change.root, path))]
    by_name: dict[str, list[BaseFile]] = {}
    for file in gone:
        by_name.setdefault(file.name, []).append(file)
    taken: set[str] = set()
    left = {}
    for path, data in added.items():
        names = _names(data, len(gone[0].name)) if data and gone else ()
        same = [file for name in names for file in by_name.get(name, ()) if file.path not in taken]
        if same:
            same.sort(key=lambda file: (os.path.basename(file.path) != os.path.basename(path), file.path))
            taken.add(same[0].path)
            change.renamed[same[0].path] = path
        elif data:
            left[path] = data
    endings = {os.path.splitext(path)[1] for path in left}
    rest = [file for file in gone if file.path not in taken and os.path.splitext(file.path)[1] in endings]
    for old, new in _alike(opened, rest, left):
        change.renamed[old] = new


def _alike(opened: git.Git, gone: Sequence[BaseFile], added: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Pairs of a file that is gone and a new one that share most of their lines, the most alike first."""
    holders: dict[bytes, dict[str, int]] = {}
    sizes: dict[str, int] = {}
    if not added:
        return
    for file, data in zip(gone, opened.contents([file.name for file in gone]), strict=True):
        if data:
            sizes[file.path] = len(data)
            for line, count in Counter(_unix(data).splitlines(keepends=True)).items():
                holders.setdefault(line, {})[file.path] = count
    scores: list[tuple[float, bool, str, str]] = []
    for path, data in added.items():
        shared: Counter[str] = Counter()
        for line, count in Counter(_unix(data).splitlines(keepends=True)).items():
            old = holders.get(line, {})
            if len(old) <= _COMMON:
                for name, before in old.items():
                    shared[name] += len(line) * min(count, before)
        for name, size in shared.items():
            likeness = size / max(sizes[name], len(data))
            if likeness >= _SIMILAR:
                scores.append((-likeness, os.path.basename(name) != os.path.basename(path), name, path))
    used: set[str] = set()
    for _, _, old_path, new_path in sorted(scores):
        if old_path not in used and new_path not in used:
            used |= {old_path, new_path}
            yield old_path, new_path


def new_lines(old: Sequence[bytes], new: Sequence[bytes]) -> list[tuple[int, int]]:
    """Which lines of `new`, from 1, `old` does not have: (first, last) of each run.

    Lines that stand once in either state hold the two together (as in patience diff), so that the time grows with the length
    alone; difflib sees no more than short stretches between them, for it is quadratic and worse.
    """
    kept = bytearray(len(new))
    waiting = [(0, len(old), 0, len(new), 0)]
    while waiting:
        a, b, c, d, depth = waiting.pop()
        while a < b and c < d and old[a] == new[c]:
            kept[c] = 1
            a, c = a + 1, c + 1
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
            kept[d] = 1
        if a == b or c == d:
            continue
        pairs = _held(old, new, a, b, c, d) if depth < _DEEPEST else []
        if pairs:
            for x, y in [*pairs, (b, d)]:
                waiting.append((a, x, c, y, depth + 1))
                if x < b:
                    kept[y] = 1
                a, c = x + 1, y + 1
        elif b - a <= _CLOSE and d - c <= _CLOSE:
            from difflib import SequenceMatcher

            for match in SequenceMatcher(None, old[a:b], new[c:d], autojunk=False).get_matching_blocks():
                kept[c + match.b : c + match.b + match.size] = b"\1" * match.size
        else:
            left = Counter(old[a:b])
            for number in range(c, d):
                if left[new[number]]:
                    left[new[number]] -= 1
                    kept[number] = 1
    ranges: list[tuple[int, int]] = []
    # What follows the last line end is no line.
    for number in range(len(new) - (not new[-1] if new else 0)):
        if not kept[number]:
            if ranges and ranges[-1][1] == number:
                ranges[-1] = (ranges[-1][0], number + 1)
            else:
                ranges.append((number + 1, number + 1))
    return ranges


def _held(old: Sequence[bytes], new: Sequence[bytes], a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
    """The longest rising chain of lines that stand once in both stretches."""
    from bisect import bisect_left

    here, there = Counter(old[a:b]), Counter(new[c:d])
    places = {old[number]: number for number in range(a, b) if here[old[number]] == 1}
    pairs = [(places[new[number]], number) for number in range(c, d) if there[new[number]] == 1 and new[number] in places]
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for index, (place, _) in enumerate(pairs):
        at = bisect_left(ends, place)
        before.append(tops[at - 1] if at else -1)
        if at == len(ends):
            ends.append(place)
            tops.append(index)
        else:
            ends[at], tops[at] = place, index
    chain = []
    index = tops[-1] if tops else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


# ---------------------------------------------------------------- the tree where the change began


@contextmanager
def base_tree(opened: git.Git, change: Change, wanted: Callable[[str], bool] | None = None) -> Iterator[str]:
    """The tree where the change began, in a temporary directory. wanted: which of its files are needed.

    The files come straight out of git's store: no checkout, no hooks, no filters, nothing in the repository changes.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="prodlint-") as directory:
        top = os.path.realpath(directory)
        # The mark of a root: the search for settings and the roles of files end here as they do in the repository.
        os.mkdir(os.path.join(top, ".git"))
        files = [file for file in change.files.values() if wanted is None or wanted(file.path)]
        for file, data in zip(files, opened.contents([file.name for file in files]), strict=True):
            if data is None:
                data = _unchanged(change, file)
            if len(data) <= _LARGEST:
                git.put(top, file.path, data, file.executable)
        yield top


def _unchanged(change: Change, file: BaseFile) -> bytes:
    """A file that a partial clone does not hold, as long as it is still what it was."""
    data = _read(change.root, file.path)
    if data is None or not _is_blob(data, file.name):
        raise _missing(file.path)
    return data


def _missing(path: str) -> SettingsError:
    return SettingsError(
        f"`--since`: `{path}` as it was is not in this partial clone, and prodlint fetches nothing; "
        "`git fetch --refetch --filter=blob:none` is not enough, a clone without `--filter` is"
    )


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


# ---------------------------------------------------------------- what is new


class Compared(NamedTuple):
    """Findings of two states. new: of today's, those that the change brought; old: the others; gone: of the earlier ones, those that are no more."""

    new: list[Finding]
    old: list[Finding]
    gone: list[Finding]


def compared(
    change: Change, now: Sequence[Finding], before: Iterable[Finding], symbols_of: Callable[[str], Collection[str]] = lambda path: ()
) -> Compared:
    """The findings that the change brought, those that none of the earlier tree answers for (see `fingerprint.answered`), and what it ended.

    On a line that nobody touched a finding is old whatever its function is called today. symbols_of: the functions and
    classes of a file.
    """
    by_identity: dict[Identity, list[Finding]] = {}
    for finding in before:
        by_identity.setdefault(_identity(finding, change.renamed.get(finding.path, finding.path)), []).append(finding)
    known = Counter({identity: len(listed) for identity, listed in by_identity.items()})

    def is_untouched(number: int) -> bool:
        span = now[number].span
        return not change.touches(now[number].path, span.line, span.end_line)

    old = answered(
        [(_identity(finding, finding.path),) for finding in now],
        known,
        was_looked_at=lambda path: True,
        is_gone=lambda path: path in change.files and not os.path.lexists(os.path.join(change.root, path)),
        symbols_of=symbols_of,
        is_untouched=is_untouched,
    )
    parts: tuple[list[Finding], list[Finding]] = ([], [])
    for finding, is_old in zip(now, old, strict=True):
        parts[is_old].append(finding)
    gone = [finding for identity, listed in by_identity.items() for finding in listed[len(listed) - max(known[identity], 0) :]]
    return Compared(*parts, sorted(gone, key=lambda finding: finding.order))


def _identity(finding: Finding, path: str) -> Identity:
    return Identity(composed(path), finding.code, finding.symbol, content_or_message(finding))
