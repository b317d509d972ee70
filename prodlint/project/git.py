"""The one place that starts git, and what it does without it.

A linted tree is a stranger's, and so is the `.git` that lies in it: its configuration names programs (`core.fsmonitor`, filters,
textconv, `uploadpack`, credential helpers, ...), and git runs them. So the repository's configuration is never read by
the git that is started. That git works on a directory made for it: a copy of the refs, a configuration written here, and
the repository's store of objects. It is never shown the working tree, and opens no connection.

As git does, a repository that belongs to another user is refused (`safe.directory`), and one without a `.git` (a bare one: any
folder that holds `HEAD`, `objects` and `refs`) is none.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from prodlint.regular import NotRegular, read_regular

# Git's own files are small; the packed refs and the index grow with the repository.
_SMALL = 1 << 20
_LARGE = 512 << 20
# No answer takes this long on a repository whose files are all regular ones.
_PATIENCE = 300


class GitError(Exception):
    """Git, or a repository, that cannot be used: why, in one line."""


class NoGit(GitError):
    """Git is not installed."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository lies. worktree: the directory that holds `.git`. directory: HEAD and index. common: objects and refs, which all
    worktrees of a repository share."""

    worktree: str
    directory: str
    common: str


def find(path: str) -> Repository | None:
    """The repository whose working tree holds a directory; None where there is none.

    Raises GitError for one that git would not use: owned by another user, or broken.
    """
    folder = os.path.realpath(path)
    device = _device(folder)
    # Like git, not beyond a mount point.
    while _device(folder) == device:
        if os.path.lexists(os.path.join(folder, ".git")) and (found := _repository(folder)) is not None:
            return found
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return None


def _repository(folder: str) -> Repository | None:
    """The repository whose working tree begins here; None where what lies under `.git` is none."""
    mark = os.path.join(folder, ".git")
    directory = mark if os.path.isdir(mark) else _linked(mark)
    common = os.path.join(directory, "commondir")
    common = os.path.normpath(os.path.join(directory, _line(common))) if os.path.lexists(common) else directory
    if not (
        os.path.lexists(os.path.join(directory, "HEAD")) and all(os.path.isdir(os.path.join(common, name)) for name in ("objects", "refs"))
    ):
        return None
    found = Repository(folder, directory, common)
    foreign = next((place for place in dict.fromkeys((mark, folder, directory)) if not _is_own(place)), None)
    if foreign is not None and not _is_trusted(found):
        raise GitError(f"`{foreign}` belongs to another user; `git config --global --add safe.directory {folder}` trusts it")
    return found


def _device(path: str) -> int:
    try:
        return os.stat(path).st_dev
    except OSError:
        return -1


def _linked(mark: str) -> str:
    """The directory that a `.git` file names, as in a further worktree or a submodule."""
    line = _line(mark)
    if not line.startswith("gitdir: "):
        raise GitError(f"`{mark}` is neither a directory nor a link to one")
    return os.path.normpath(os.path.join(os.path.dirname(mark), line.removeprefix("gitdir: ")))


def _line(path: str) -> str:
    try:
        return os.fsdecode(read_regular(path, _SMALL)).rstrip("\r\n")
    except OSError as error:
        raise GitError(f"`{path}`: {error.strerror}") from None


def _is_own(path: str) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    try:
        owner = os.lstat(path).st_uid
    except OSError:
        return False
    me = os.geteuid()
    # What `sudo make` checks belongs to the person who typed it: git's own exception.
    return owner == me or (me == 0 and os.environ.get("SUDO_UID", "").isdecimal() and owner == int(os.environ["SUDO_UID"]))


def _is_trusted(repository: Repository) -> bool:
    """Whether the user's or the system's configuration names the place as `safe.directory`; a repository's own cannot."""
    import subprocess
    import tempfile

    try:
        done = subprocess.run(
            ["git", "config", "--null", "--get-all", "safe.directory"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            env={**os.environ, "GIT_DIR": os.devnull},
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    trusted = False
    for value in done.stdout.split(b"\0")[:-1]:
        if not value:
            trusted = False
            continue
        place = os.path.expanduser(os.fsdecode(value))
        trusted = (
            trusted
            or place == "*"
            or (place.endswith("/*") and repository.worktree.startswith(place[:-1]))
            or os.path.realpath(place) == repository.worktree
        )
    return trusted


def prefix_of(repository: Repository, root: str) -> str:
    """The way from the working tree's top to a directory in it: "" or ending in a slash."""
    below = os.path.relpath(os.path.realpath(root), repository.worktree).replace(os.sep, "/")
    return "" if below == "." else f"{below}/"


# ---------------------------------------------------------------- git, started on a directory of our own


@dataclass(slots=True)
class Git:
    """A git that knows the objects and refs of a repository, and nothing else of it."""

    repository: Repository
    directory: str

    def ask(self, *arguments: str) -> bytes:
        """What a command prints.

        Raises GitError with git's own words.
        """
        import subprocess

        try:
            done = subprocess.run(
                self._command(arguments),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                cwd=self.directory,
                env=self._environment(),
                timeout=_PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise NoGit("git is not installed") from None
        except (OSError, subprocess.SubprocessError) as error:
            raise GitError(f"git failed: {type(error).__name__}") from None
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitError(f"git says: {words[-1] if words else f'exit code {done.returncode}'}")
        return done.stdout

    def says(self, *arguments: str) -> str:
        """What a command prints, without blanks at its ends; "" where it fails.

        Raises NoGit.
        """
        try:
            return self.ask(*arguments).decode("utf-8", "replace").strip()
        except NoGit:
            raise
        except GitError:
            return ""

    def lines(self, *arguments: str) -> Iterator[bytes]:
        """What a command prints, line by line without their ends: a history may be longer than memory.

        Raises GitError where it cannot be started, or ends badly.
        """
        import subprocess

        try:
            process = subprocess.Popen(
                self._command(arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.directory,
                env=self._environment(),
            )
        except FileNotFoundError:
            raise NoGit("git is not installed") from None
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    yield line.rstrip(b"\n")
            if process.wait():
                raise GitError(f"git {arguments[0]} ended with exit code {process.returncode}")
        finally:
            process.kill()
            process.wait()

    def contents(self, names: Sequence[str], largest: int | None = None) -> Iterator[bytes | None]:
        """The bytes of each blob, from one git process; None for one that is not there (a partial clone fetches nothing for us), or larger."""
        if not names:
            return
        import subprocess
        import threading

        try:
            process = subprocess.Popen(
                self._command(("cat-file", "--batch")),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.directory,
                env=self._environment(),
            )
        except FileNotFoundError:
            raise NoGit("git is not installed") from None
        assert process.stdin is not None
        assert process.stdout is not None
        incoming, outgoing = process.stdin, process.stdout

        def write() -> None:
            # In a thread of its own: git answers while it is asked, and either pipe may be full.
            with suppress(BrokenPipeError), incoming:
                for name in names:
                    incoming.write(name.encode() + b"\n")

        asking = threading.Thread(target=write, daemon=True)
        asking.start()
        try:
            with outgoing:
                for _ in names:
                    header = outgoing.readline().split()
                    if len(header) != 3:
                        yield None
                        continue
                    size = int(header[2])
                    if largest is not None and size > largest:
                        while size > 0:
                            size -= len(outgoing.read(min(size, 1 << 20))) or size
                        outgoing.read(1)
                        yield None
                        continue
                    data = outgoing.read(size)
                    outgoing.read(1)
                    yield data if header[1] == b"blob" else None
        finally:
            process.kill()
            asking.join()
            process.wait()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return ["git", "--no-pager", "--no-replace-objects", *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("GIT_")}
        return {
            **kept,
            # Nobody's configuration: not the system's, not the user's, not the repository's. (Before git 2.32 only HOME says so.)
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "HOME": self.directory,
            "XDG_CONFIG_HOME": self.directory,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_DIR": self.directory,
            "GIT_OBJECT_DIRECTORY": os.path.join(self.repository.common, "objects"),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }


@contextmanager
def opened(repository: Repository, logs: bool = False) -> Iterator[Git]:
    """A git for this repository. logs: whether it is asked for what a ref was or tracks (`main@{yesterday}`, `@{upstream}`).

    Raises GitError.
    """
    import tempfile

    _refuse_odd(os.path.join(repository.common, "objects"))
    with tempfile.TemporaryDirectory(prefix="prodlint-") as directory:
        os.mkdir(os.path.join(directory, "refs"))
        for place in dict.fromkeys((repository.common, repository.directory)):
            _copy(place, directory, logs)
        git = Git(repository, directory)
        _configure(git, os.path.join(repository.common, "config"), logs)
        yield git


def _refuse_odd(objects: str, deep: int = 0) -> None:
    """No pipe or device among the objects, where git would wait for ever; nor in the stores that this one borrows from."""
    waiting = [(objects, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        if depth < 2:
                            waiting.append((entry.path, depth + 1))
                    elif not entry.is_file():
                        raise GitError(f"`{entry.path}`: not a regular file")
        except OSError as error:
            raise GitError(f"`{folder}`: {error.strerror}") from None
    alternates = os.path.join(objects, "info", "alternates")
    if os.path.lexists(alternates) and deep < 5:
        for line in os.fsdecode(read_regular(alternates, _SMALL, cut=True)).splitlines():
            if line and not line.startswith("#") and os.path.isdir(os.path.join(objects, line)):
                _refuse_odd(os.path.join(objects, line), deep + 1)


def _copy(place: str, directory: str, logs: bool) -> None:
    """The refs of a git directory, and what else says which commit a name stands for."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name in ("packed-refs", "shallow") or entry.name.endswith("HEAD"):
                _copy_file(entry.path, os.path.join(directory, entry.name))
    for name in ("refs", "reftable", *(("logs",) if logs else ())):
        top = os.path.join(place, name)
        for folder, folders, files in os.walk(top):
            folders[:] = [inner for inner in folders if not inner.startswith(".")]
            target = os.path.join(directory, os.path.relpath(folder, place))
            os.makedirs(target, exist_ok=True)
            for file in files:
                _copy_file(os.path.join(folder, file), os.path.join(target, file))


def _copy_file(source: str, target: str) -> None:
    try:
        data = read_regular(source, _LARGE)
    except NotRegular:
        raise GitError(f"`{source}`: not a regular file") from None
    except OSError:
        return  # gone meanwhile, or not ours to read
    with open(target, "wb") as handle:
        handle.write(data)


def _configure(git: Git, theirs: str, logs: bool) -> None:
    """Write the configuration: how objects and refs are kept, and what branches track. Nothing of it can name a program."""
    lines = ["[core]", "\trepositoryformatversion = 1", "\tbare = true", "[extensions]"]
    own = os.path.join(git.directory, "config")
    with open(own, "w", encoding="utf-8") as handle:
        handle.write("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    copied = os.path.join(git.directory, "theirs")
    _copy_file(theirs, copied)
    if os.path.exists(copied):
        # Git reads a file that it is given as nothing but lines; `--no-includes` is the default then, and said all the same.
        listed = git.ask("config", "--file", copied, "--no-includes", "--null", "--list").decode("utf-8", "surrogateescape")
        further: list[str] = []
        for item in listed.split("\0"):
            key, _, value = item.partition("\n")
            section, _, rest = key.partition(".")
            name, _, last = rest.rpartition(".")
            if key in ("extensions.objectformat", "extensions.refstorage"):
                lines.append(f"\t{last or rest} = {_quoted(value)}")
            elif logs and "\n" not in name and (section, last) in (("branch", "remote"), ("branch", "merge"), ("remote", "fetch")):
                further += [f"[{section} {_quoted(name)}]", f"\t{last} = {_quoted(value)}"]
        lines += further
    with open(own, "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write("\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# ---------------------------------------------------------------- the index, read without git


def tracked_files(root: str, paths: Iterable[str]) -> frozenset[str] | None:
    """Which of these paths (from `root`) git tracks; None where that cannot be told: no repository, or one that git would refuse."""
    try:
        repository = find(root)
        if repository is None:
            return None
        data = read_regular(os.path.join(repository.directory, "index"), _LARGE)
        prefix = prefix_of(repository, root)
        wanted = {os.fsencode(prefix + path): path for path in paths}
        return frozenset(wanted[name] for name in names_in_index(data, repository.directory) if name in wanted)
    except FileNotFoundError:
        return frozenset()  # nothing was ever added
    except (GitError, OSError, ValueError):
        return None


def names_in_index(data: bytes, directory: str = "") -> list[bytes]:
    """The paths in an index of version 2 to 4. directory: where the index lies that a split one refers to.

    Raises ValueError for what is no index; see gitformat-index(5).
    """
    try:
        return _names(data, 20, directory)
    except (ValueError, IndexError, struct.error):
        pass
    try:
        return _names(data, 32, directory)  # SHA-256
    except (IndexError, struct.error):
        raise ValueError("no index") from None


def _names(data: bytes, hash_size: int, directory: str) -> list[bytes]:
    signature, version, count = struct.unpack_from(">4sLL", data)
    if signature != b"DIRC" or version not in (2, 3, 4) or count * (42 + hash_size) > len(data):
        raise ValueError("no index")
    names: list[bytes] = []
    at, total = 12, 0
    name = b""
    for _ in range(count):
        flags = data[at + 40 + hash_size] << 8 | data[at + 41 + hash_size]
        start = at + 42 + hash_size + (2 if version >= 3 and flags & 0x4000 else 0)
        if version == 4:
            cut, start = _number(data, start)
            if cut > len(name):
                raise ValueError("no index")
        end = data.index(b"\0", start)
        name = name[: len(name) - cut] + data[start:end] if version == 4 else data[start:end]
        if flags & 0xFFF != min(len(name), 0xFFF):
            raise ValueError("no index")
        names.append(name)
        total += len(name)
        if total > _LARGE:
            raise ValueError("names that only a crafted index holds")
        # Up to version 3 an entry is filled up with NUL bytes, one at least, to a multiple of eight.
        at = end + 1 if version == 4 else at + (end - at + 8) // 8 * 8
    while at + 8 + hash_size <= len(data):
        kind, size = struct.unpack_from(">4sL", data, at)
        if kind == b"link":
            return _joined(names, data[at + 8 : at + 8 + size], hash_size, directory)
        at += 8 + size
    return names


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number as in offsets of packs: seven bits a byte, the first ones highest. (number, where it ends)."""
    byte = data[at]
    at += 1
    value = byte & 127
    while byte & 128:
        if value >> 32:
            raise ValueError("no index")
        byte = data[at]
        at += 1
        value = (value + 1) << 7 | byte & 127
    return value, at


def _joined(own: list[bytes], link: bytes, hash_size: int, directory: str) -> list[bytes]:
    """The paths of a split index: those of the shared one that were not deleted since, and its own."""
    shared = link[:hash_size]
    added = [name for name in own if name]
    if not any(shared):
        return added
    path = os.path.join(directory, f"sharedindex.{shared.hex()}")
    below = _names(read_regular(path, _LARGE), hash_size, "")
    deleted = _bits(link[hash_size:], len(below))
    return [name for number, name in enumerate(below) if number not in deleted] + added


def _bits(data: bytes, size: int) -> set[int]:
    """The set bits of an EWAH bitmap, those below `size`: words that each tell of a run of equal words and of literal words behind it."""
    (words,) = struct.unpack_from(">L", data, 4)
    found: set[int] = set()
    at, end, bit = 8, 8 + words * 8, 0
    while at < end:
        (head,) = struct.unpack_from(">Q", data, at)
        at += 8
        run = (head >> 1 & 0xFFFFFFFF) * 64
        if head & 1:
            found.update(range(bit, min(bit + run, size)))
        bit += run
        for _ in range(head >> 33):
            (word,) = struct.unpack_from(">Q", data, at)
            at += 8
            found.update(bit + number for number in range(64) if word >> number & 1)
            bit += 64
    return found
