"""Secrets in the history of a repository: every blob is looked at once, in the order of the commits that brought it.

A blob costs a full look only where its path has lines that no earlier version had, and where those hold what a rule needs; so ten
thousand commits to one file cost little more than the file. Values stay in this process: what is reported are places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from prodlint.checks.secrets.git import secrets_of_version
from prodlint.configuration.discover import DEFAULT_EXCLUDE
from prodlint.configuration.kinds import kind_of
from prodlint.configuration.patterns import Patterns
from prodlint.content import digest
from prodlint.engine.analysis import analyse
from prodlint.engine.outcome import Outcome
from prodlint.engine.run import Run
from prodlint.facts import FileKind, Source
from prodlint.model import Finding, Related, Span, Suppressed, Unchecked
from prodlint.project.git import Git, GitError, find, opened, prefix_of
from prodlint.readers import Undecodable, decode
from prodlint.values.secret_values import shape_of

# Larger blobs are data; what a person wrote into them cannot be told from what a program did.
LARGEST_BLOB = 4_000_000
# Lines around a new one that may hold the name which its value is bound to.
_AROUND = 2
_CHUNK = 64
_NOTHING = b"0" * 7
_MODES = (b"100644", b"100755")
_SHOWN_PLACES = 20


@dataclass(frozen=True, slots=True)
class Leak:
    """One secret in the history. finding: where it stood first. commit, date: what brought it there, and the author's date (ISO 8601).

    in_head: whether it still stands in a file of HEAD.
    """

    finding: Finding
    commit: str
    date: str
    in_head: bool


@dataclass(slots=True)
class History:
    """What was found in a history. commits, blobs: how many were looked at."""

    leaks: list[Leak] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    crashed: bool = False
    commits: int = 0
    blobs: int = 0


@dataclass(slots=True)
class _Place:
    """A secret in one version of one file, as a worker gives it back."""

    finding: Finding
    commit: int
    in_head: bool
    suppressed: Suppressed | None = None


# A path with its kind, the versions that the history brought (blob, number of the commit), and its blob in HEAD.
_Group = tuple[str, FileKind, list[tuple[str, int]], str]


def read(root: str, run: Run, revisions: str = "", jobs: int = 1, progress: Callable[[int, int], None] | None = None) -> History:
    """The secrets of a repository's history. revisions: `REV`, `REV..REV`, or nothing for all that any ref reaches.

    Raises GitError where there is no repository, or no such revision.
    """
    repository = find(root)
    if repository is None:
        raise GitError(f"`{root}` lies in no git repository")
    with opened(repository) as git:
        prefix = prefix_of(repository, root)
        commits, versions = _versions(git, revisions, prefix)
        head = _head(git, prefix)
        groups = _groups(versions, head, run)
        result = History(commits=len(commits), blobs=sum(len(group[2]) for group in groups))
        places: list[_Place] = []
        done = 0
        for found, unchecked, crashed, seen in _spread(git, groups, run, jobs):
            places += found
            result.unchecked += unchecked
            result.crashed |= crashed
            done += seen
            if progress is not None:
                progress(done, result.blobs)
    _merge(places, commits, result)
    return result


# ---------------------------------------------------------------- what the history brought


def _versions(git: Git, revisions: str, prefix: str) -> tuple[list[tuple[str, str]], dict[str, list[tuple[str, int]]]]:
    """The commits with their authors' dates, oldest first, and by path from the root the blobs that they brought."""
    if revisions.startswith("-"):
        raise GitError(f"`{revisions}` is no revision")
    chosen = [revisions, "--"] if revisions else ["--all", "--"]
    git.ask("rev-list", "--max-count=1", *chosen)  # says in its own words what is wrong with them
    commits: list[tuple[str, str]] = []
    versions: dict[str, list[tuple[str, int]]] = {}
    seen: set[bytes] = set()
    # `-c` shows of a merge what is in none of its parents.
    command = ["-c", "core.quotePath=false", "log", "--reverse", "--topo-order", "-c", "--raw", "--no-abbrev", "--no-renames", "--root"]
    for line in git.lines(*command, "--format=tformat:%x00%H %aI", *chosen):
        if line[:1] == b"\0":
            name, _, date = line[1:].decode("ascii", "replace").partition(" ")
            commits.append((name, date))
        elif line[:1] == b":":
            told, _, path = line.partition(b"\t")
            parents = len(told) - len(told.lstrip(b":"))
            fields = told[parents:].split(b" ")
            mode, blob = fields[parents], fields[2 * parents + 1]
            if mode not in _MODES or blob.startswith(_NOTHING) or blob in seen:
                continue
            seen.add(blob)
            shown = _unquoted(path)
            if shown.startswith(prefix):
                versions.setdefault(shown[len(prefix) :], []).append((blob.decode("ascii"), len(commits) - 1))
    return commits, versions


def _unquoted(path: bytes) -> str:
    """A path as git prints it: in quotes, with escapes, where it holds control characters or quotes."""
    if path[:1] == b'"':
        with suppress(UnicodeDecodeError):
            path = path[1:-1].decode("unicode_escape").encode("latin-1", "replace")
    return path.decode("utf-8", "replace")


def _head(git: Git, prefix: str) -> dict[str, str]:
    """The blobs of HEAD by path from the root; none in a repository without a commit."""
    found: dict[str, str] = {}
    with suppress(GitError):
        for line in git.lines("-c", "core.quotePath=false", "ls-tree", "-r", "HEAD"):
            told, _, path = line.partition(b"\t")
            shown = _unquoted(path)
            if shown.startswith(prefix):
                found[shown[len(prefix) :]] = told.split(b" ")[2].decode("ascii", "replace")
    return found


def _groups(versions: dict[str, list[tuple[str, int]]], head: dict[str, str], run: Run) -> list[_Group]:
    """The paths of a kind that is read, and not excluded."""
    settings = run.settings
    patterns = Patterns((*(DEFAULT_EXCLUDE if settings.exclude is None else settings.exclude), *settings.extend_exclude))
    groups = []
    for path, found in versions.items():
        kind = kind_of(path)
        if kind is not None and not _is_excluded(path, patterns):
            groups.append((path, kind, found, head.get(path, "")))
    return groups


def _is_excluded(path: str, patterns: Patterns) -> bool:
    parts = path.split("/")
    return any(patterns.decide("/".join(parts[:count]), parts[count - 1], count < len(parts)) is True for count in range(1, len(parts) + 1))


# ---------------------------------------------------------------- the work

_Answer = tuple[list[_Place], list[Unchecked], bool, int]
_shared: tuple[Git, Run] | None = None


def _spread(git: Git, groups: Sequence[_Group], run: Run, jobs: int) -> Iterator[_Answer]:
    """The answers of all groups, from several processes where that pays."""
    global _shared
    chunks = list(_chunks(groups))
    import multiprocessing

    if jobs <= 1 or len(chunks) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for chunk in chunks:
            yield _look(git, run, chunk)
        return
    run.index.prepare({kind for _, kind, _, _ in groups})
    _shared = (git, run)
    pool = multiprocessing.get_context("fork").Pool(min(jobs, len(chunks)), _begin)
    try:
        yield from pool.imap_unordered(_work, chunks)
    finally:
        pool.terminate()
        pool.join()
        _shared = None


def _begin() -> None:
    """In a worker: it ends when it is told to, and leaves an interruption to its parent."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(chunk: Sequence[_Group]) -> _Answer:
    assert _shared is not None
    return _look(*_shared, chunk)


def _chunks(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    chunk: list[_Group] = []
    size = 0
    for group in groups:
        chunk.append(group)
        size += len(group[2])
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _look(git: Git, run: Run, chunk: Sequence[_Group]) -> _Answer:
    names = [blob for _, _, found, _ in chunk for blob, _ in found]
    contents = git.contents(names, LARGEST_BLOB)
    places: list[_Place] = []
    unchecked: list[Unchecked] = []
    crashed = False
    for path, kind, found, in_head in chunk:
        leaks: list[tuple[_Place, bytes]] = []
        lines: set[int] = set()
        latest = b""
        for blob, commit in found:
            data = next(contents)
            if data is None:
                unchecked.append(Unchecked(path, f"a version of {LARGEST_BLOB // 1_000_000} MB or more, or one that is not there"))
                continue
            if blob == in_head:
                latest = data
            if not _may_bring(data, lines, kind, path, run):
                continue
            outcome = analyse(path, "", kind, run, data)
            crashed |= bool(outcome.crashed)
            source = _source(data, kind)
            if source is not None:
                made = [(finding, None) for finding in outcome.findings] + [(each.finding, each) for each in outcome.suppressed]
                made += [(finding, None) for finding in _of_env_file(outcome, source, run)]
                leaks += [(_Place(finding, commit, False, given), _value(source, finding)) for finding, given in made]
        if leaks and in_head and not latest:
            latest = next(git.contents([in_head], LARGEST_BLOB)) or b""
        for place, value in leaks:
            place.in_head = bool(value) and value in latest
            places.append(place)
    return places, unchecked, crashed, len(names)


def _may_bring(data: bytes, known: set[int], kind: FileKind, path: str, run: Run) -> bool:
    """Whether a version has lines that no earlier one had, and these, with those around them, hold what a rule needs."""
    lines = data.split(b"\n")
    hashes = [hash(line) for line in lines]
    new = [number for number, each in enumerate(hashes) if each not in known]
    if not new:
        return False
    if known:
        wanted = sorted({near for number in new for near in range(max(0, number - _AROUND), min(len(lines), number + _AROUND + 1))})
        data = b"\n".join(lines[number] for number in wanted)
    known.update(hashes)
    index = run.index
    if not index.scan(data, kind, index.plan(kind, run.roles(path, kind, data))).active:
        return False
    return b"PRIVATE KEY" in data or b"PuTTY" in data or any(map(_could_be_secret, set(_WORD.findall(data))))


# What a secret is made of, without what stands around it. A word in several parts is looked at as a whole and in its parts.
_WORD = re.compile(rb"[A-Za-z0-9+/=_\-.~!@#$%^*]{8,600}")
_PARTS = re.compile(r"[/@=.]")


@lru_cache(maxsize=65536)
def _could_be_secret(word: bytes) -> bool:
    """Whether a word could be what a machine made, or a password that is no word."""
    text = word.decode("ascii", "replace")
    return any(_looks(part) for part in (text, *(part for part in _PARTS.split(text) if 8 <= len(part) < len(text))))


def _looks(text: str) -> bool:
    shape = shape_of(text)
    return shape in ("random", "uuid", "passphrase") or (
        shape == "weak" and any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    )


def _source(data: bytes, kind: FileKind) -> Source | None:
    try:
        return decode(data, kind)
    except Undecodable as error:
        return error.source


def _value(source: Source, finding: Finding) -> bytes:
    """The text of a secret, or the second line of one that has several (a key's first line is the same for all)."""
    span = finding.secrets[0] if finding.secrets else finding.span
    if span.line != span.end_line:
        return source.line_text(span.line + 1).strip().encode("utf-8", "replace")
    return source.line_text(span.line)[span.column - 1 : span.end_column - 1].encode("utf-8", "replace")


def _of_env_file(outcome: Outcome, source: Source, run: Run) -> Iterator[Finding]:
    for rule, fact, words in secrets_of_version(outcome.traces, run.rules):
        span = fact.span
        value = source.line_text(span.line)[span.column - 1 : span.end_column - 1]
        yield Finding(fact.path, span, rule.code, words, rule.priority, content=digest(value.encode("utf-8", "replace")), secrets=(span,))


# ---------------------------------------------------------------- one secret, one leak


def _merge(places: list[_Place], commits: Sequence[tuple[str, str]], result: History) -> None:
    """One leak for each secret: the first place it stood in, and the others beside it."""
    from prodlint.checks.secrets.tokens import ORDER

    rank = {code: number for number, code in enumerate(ORDER)}
    places.sort(key=lambda place: (place.commit, rank.get(place.finding.code, len(rank)), place.finding.order))
    by_value: dict[str, list[_Place]] = {}
    for place in places:
        by_value.setdefault(place.finding.content, []).append(place)
    for same in by_value.values():
        shown = [place for place in same if place.suppressed is None]
        if not shown:
            result.suppressed += [place.suppressed for place in same[:1] if place.suppressed is not None]
            continue
        first = shown[0]
        commit, date = commits[first.commit]
        in_head = any(place.in_head for place in same)
        others: dict[tuple[str, Span], Related] = {}
        for place in shown[1:]:
            where = place.finding
            if where.path != first.finding.path:
                others.setdefault(
                    (where.path, where.span), Related(where.path, where.span, f"the same secret, in {commits[place.commit][0][:12]}")
                )
        state = "it still stands in HEAD" if in_head else "it is gone from HEAD, the history keeps it"
        finding = replace(
            first.finding,
            place=f"{commit[:12]} of {date[:10]}; {state}",
            related=(*first.finding.related, *list(others.values())[:_SHOWN_PLACES]),
            fix=None,
        )
        result.leaks.append(Leak(finding, commit, date, in_head))
    result.leaks.sort(key=lambda leak: leak.finding.order)
    result.unchecked = sorted(set(result.unchecked))
