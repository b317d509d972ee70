"""The one place that starts git, and what it does without it.

A linted tree is a stranger's, and so is the `.git` that lies in it: its configuration names programs (`core.fsmonitor`, filters,
textconv, `uploadpack`, credential helpers, ...), and git runs them. So the repository's configuration is never read by
the git that is started. That git works on a directory made for it: a copy of the refs, a configuration written here, and
the repository's store of objects. It is never shown the working tree, and opens no connection, but for `fetched`, which is asked for one.

As git does, a repository that belongs to another user is refused (`safe.directory`), and one without a `.git` (a bare one: any
folder that holds `HEAD`, `objects` and `refs`) is none, unless somebody names it as one (`bare`).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from prodlint.regular import NotRegular, read_regular

# Git's own files are small; the packed refs and the index grow with the repository.
_SMALL = 1 << 20
_LARGE = 512 << 20
# No answer takes this long on a repository whose files are all regular ones.
_PATIENCE = 300
# Of the user's environment: what git needs to reach a server.
_OF_THE_USER = (
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
)
_SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^-:\s]")
# What a fetch would run or do besides fetching: hooks, upkeep, submodules, bundles from other addresses.
_ONLY_FETCH = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "transfer.bundleURI=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)


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


def bare(path: str) -> Repository | None:
    """The bare repository that a person has named; None where there is none.

    Raises GitError for one that belongs to another user.
    """
    top = os.path.realpath(path)
    if not (os.path.isfile(os.path.join(top, "HEAD")) and all(os.path.isdir(os.path.join(top, name)) for name in ("objects", "refs"))):
        return None
    found = Repository(top, top, top)
    if not _is_own(top) and not _is_trusted(found):
        raise GitError(f"`{top}` belongs to another user; `git config --global --add safe.directory {top}` trusts it")
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
    """A git that knows the objects and refs of a repository, and nothing else of it. patience: seconds that an answer may take.

    protocols: those by which it may reach another repository, joined by colons; by default it opens no connection.
    """

    repository: Repository
    directory: str
    patience: float = _PATIENCE
    protocols: str = ""

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
                timeout=self.patience,
                check=False,
            )
        except FileNotFoundError:
            raise NoGit("git is not installed") from None
        except subprocess.TimeoutExpired:
            raise GitError(f"git {arguments[0]} took longer than {self.patience:,.0f} s") from None
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

    def lines(self, *arguments: str, end: bytes = b"\n") -> Iterator[bytes]:
        """What a command prints, line by line without their ends: a history may be longer than memory. end: what a line ends with.

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
                for line in process.stdout if end == b"\n" else _split(process.stdout, end):
                    yield line.rstrip(end)
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
        if self.protocols:
            # How the user reaches a server (proxies, keys, credential helpers) stands in the user's own configuration, which is none of the tree's.
            kept |= {name: value for name in _OF_THE_USER if (value := os.environ.get(name)) is not None}
            return {
                "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
                **kept,
                "GIT_DIR": self.directory,
                "GIT_ALLOW_PROTOCOL": self.protocols,
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_OPTIONAL_LOCKS": "0",
                "GIT_TEMPLATE_DIR": "",
                "LC_ALL": "C",
            }
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


def _split(stream: IO[bytes], end: bytes) -> Iterator[bytes]:
    """The pieces of a stream that end with one byte."""
    left = b""
    while piece := stream.read(1 << 16):
        *whole, left = (left + piece).split(end)
        yield from whole
    if left:
        yield left


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


# ---------------------------------------------------------------- a copy of one commit, for those who check many repositories

CHECKED = "refs/heads/checked"


def copy_of(directory: str, repository: Repository, revision: str) -> Git:
    """A repository of our own in a new directory, with one commit of a local one: it borrows the objects and copies no configuration.

    Raises GitError where there is no such revision.
    """
    store = os.path.join(repository.common, "objects")
    if "\n" in store:
        raise GitError("a path with a line break")
    with opened(repository) as theirs:
        names = (revision, f"refs/remotes/origin/{revision}")
        commit = next(
            filter(None, (theirs.says("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}") for name in names)), ""
        )
    if not commit:
        raise GitError(f"no revision `{revision}`")
    _make(directory)
    with open(os.path.join(directory, "objects", "info", "alternates"), "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write(f"{store}\n")
    _copy_file(os.path.join(repository.common, "shallow"), os.path.join(directory, "shallow"))
    git = Git(Repository(os.path.dirname(directory), directory, directory), directory)
    _configure(git, os.path.join(repository.common, "config"), False)
    _set_head(git, commit)
    return git


def fetched(directory: str, address: str, revision: str, patience: float = _PATIENCE) -> Git:
    """A repository of our own in a new directory, with one commit that git fetched from an address, without its history.

    Of the other side nothing but objects arrives: no hooks, no configuration, no submodules. Raises GitError with git's own words.
    """
    _make(directory)
    git = Git(Repository(os.path.dirname(directory), directory, directory), directory, patience, protocols_of(address))
    settings = [word for setting in _ONLY_FETCH for word in ("-c", setting)]
    flags = ("--depth=1", "--no-tags", "--no-recurse-submodules", "--quiet")
    git.ask(*settings, "fetch", *flags, "--", address, f"+{revision}:{CHECKED}")
    git.protocols = ""
    _set_head(git, git.says("rev-parse", "--verify", "-q", f"{CHECKED}^{{commit}}"))
    return git


def remote_commit(directory: str, address: str, revision: str, patience: float = _PATIENCE) -> str:
    """Which commit a name stands for at an address; "" where it names none there. directory: a new one, for git to stand in.

    Raises GitError.
    """
    _make(directory)
    git = Git(Repository(directory, directory, directory), directory, patience, protocols_of(address))
    found = {}
    for line in git.ask("ls-remote", "--quiet", "--", address, revision, f"{revision}^{{}}").decode("utf-8", "replace").splitlines():
        name, _, ref = line.partition("\t")
        found[ref] = name
    order = (f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}", revision, f"{revision}^{{}}")
    return next((found[ref] for ref in order if ref in found), "")


def protocols_of(address: str) -> str:
    """The protocols that an address may be reached by. Never `ext::`, whose address is a command, nor what is not encrypted.

    Raises GitError for an address of another kind.
    """
    if address.startswith("file://"):
        return "file"
    if address.startswith(("https://", "ssh://")) or _SCP.match(address):
        return "https:ssh"
    raise GitError("an address begins with https://, ssh:// or file://, or is user@host:path")


def _make(directory: str) -> None:
    """What git takes for an empty repository."""
    for name in ("refs/heads", "objects/info", "objects/pack"):
        os.makedirs(os.path.join(directory, name))
    for name, text in (("HEAD", f"ref: {CHECKED}\n"), ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as handle:
            handle.write(text)


def _set_head(git: Git, commit: str) -> None:
    if not commit:
        raise GitError("no commit")
    for name in ("HEAD", CHECKED):
        with open(os.path.join(git.directory, name), "w", encoding="utf-8") as handle:
            handle.write(f"{commit}\n" if name == CHECKED else f"ref: {CHECKED}\n")


def unpack(git: Git, top: str, most_files: int, most_bytes: int, largest: int) -> str:
    """Write the files of HEAD below a directory that exists, and the index beside them. Gives the commit.

    They come straight out of git's store: no checkout, no filters, no links, no submodules. most_files, most_bytes: more is refused, for a tree of
    a few kilobytes may name a billion files; largest: a file with more bytes is left out. Raises GitError.
    """
    commit = git.says("rev-parse", "--verify", "-q", "HEAD^{commit}")
    files: list[tuple[str, str, bool]] = []
    for number, record in enumerate(git.lines("ls-tree", "-r", "-z", commit, end=b"\0")):
        if number >= most_files:
            raise GitError(f"more than {most_files:,} files")
        head, _, raw = record.partition(b"\t")
        words = head.split()
        if len(words) == 3 and words[1] == b"blob" and words[0].startswith(b"100"):
            files.append((os.fsdecode(raw), words[2].decode(), words[0] == b"100755"))
    git.ask("read-tree", commit)
    written = 0
    for (path, name, executable), data in zip(files, git.contents([name for _, name, _ in files], largest), strict=True):
        if data is None:
            if not git.says("cat-file", "-t", name):
                raise GitError(f"`{path}` is not in the store: a partial clone holds not all files, and nothing is fetched for it")
        else:
            written += len(data)
            if written > most_bytes:
                raise GitError(f"more than {most_bytes / 1e6:,.0f} MB")
            put(top, path, data, executable)
    return commit


def put(top: str, path: str, data: bytes, executable: bool) -> bool:
    """Write a file of a tree below a directory. Whether it was: a path that leads out of it, or into its `.git`, is written nowhere."""
    target = os.path.normpath(os.path.join(top, path))
    if not target.startswith(top + os.sep) or path.replace(os.sep, "/").lower().startswith(".git/"):
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as handle:
        handle.write(data)
    if executable:
        os.chmod(target, 0o700)
    return True


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
