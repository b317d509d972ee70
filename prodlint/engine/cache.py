"""Results of the last run by file, so that what did not change is not read again.

One file in the cache directory, data only, written by rename. It is signed with a key that lies outside the tree: a
repository that brings a cache of its own cannot make a finding disappear, nor hand crafted bytes to the decoder.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from prodlint.regular import read_regular
from prodlint.user_directory import user_directory
from prodlint.writing import TEMPORARY, write_whole

# One line of history: raise it when the meaning of what is stored changes.
_MAGIC = b"prodlint-cache 2\n"
_NAME = "results"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by prodlint; see https://bford.info/cachedir/\n"
_SIGNATURE = 32
_LARGEST = 512 << 20
# A file written this shortly before it was read may be written again within the same tick of the clock.
_RACY = 2_000_000_000

# What the interpreter is that took a file.
_PYTHON = sys.version

# What says that a file is the same without reading it.
Stamp = tuple[int, int, int, int]


def stamp(status: os.stat_result) -> Stamp:
    """Times of content and inode, size and inode: a file restored with its old time still differs in the second."""
    return (status.st_mtime_ns, status.st_ctime_ns if os.name != "nt" else 0, status.st_size, status.st_ino)


def digest(data: bytes) -> bytes:
    """What stands for a file's content."""
    return blake2b(data, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class _Read:
    """What a cache file holds, as far as it is of use."""

    entries: dict[str, Any] = field(default_factory=dict)
    inputs: str = ""
    answers: dict[Any, str] = field(default_factory=dict)
    sound: frozenset[bytes] = frozenset()


class Cache:
    """Results by path. A result is anything marshal can hold: tuples of texts, numbers, bytes and None.

    inputs, answers: what the project was when it was last asked (see `Environment.digest`), and what it answered. sound: contents of
    Python files that the interpreter takes; they hold whatever the settings and rules are.
    """

    __slots__ = (
        "_changed",
        "_entries",
        "_key",
        "_loaded",
        "_now",
        "_path",
        "_secret",
        "_sound_now",
        "_touched",
        "answers",
        "inputs",
        "sound",
    )

    def __init__(self, path: str, key: bytes, secret: bytes) -> None:
        self._path = path
        self._key = key
        self._secret = secret
        self._now = time.time_ns()
        read, self._loaded = self._read()
        self._entries: dict[str, Any] = read.entries
        self.inputs, self.answers, self.sound = read.inputs, read.answers, read.sound
        self._sound_now: set[bytes] = set()
        self._touched: set[str] = set()
        self._changed = False

    def note(self, inputs: str, answers: Mapping[Any, str]) -> None:
        """Keep what the project answers to what was asked of it, for as long as it is the same."""
        self._changed |= inputs != self.inputs or len(answers) != len(self.answers)
        self.inputs, self.answers = inputs, dict(answers)

    def note_sound(self, content: bytes) -> None:
        """Keep that the interpreter takes a Python file with this content."""
        self._sound_now.add(content)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def get(self, path: str, seen: Stamp, settings: str = "") -> Any:
        """The result for a file that has not been touched since, or None. `settings` names the file's own ones."""
        entry = self._entries.get(path)
        if entry is not None and entry[0] == seen and entry[2] == settings:
            self._touched.add(path)
            return entry[3]
        return None

    def get_same(self, path: str, seen: Stamp, content: bytes, settings: str = "") -> Any:
        """The result for a file with the same content (see `digest`), or None."""
        entry = self._entries.get(path)
        if entry is not None and entry[1] == content and entry[2] == settings:
            self.put(path, seen, content, entry[3], settings)
            return entry[3]
        return None

    def put(self, path: str, seen: Stamp, content: bytes, result: Any, settings: str = "") -> None:
        """Keep a result."""
        if max(seen[0], seen[1]) > self._now - _RACY:
            seen = (0, 0, 0, 0)
        self._entries[path] = (seen, content, settings, result)
        self._touched.add(path)
        self._changed = True

    def save(self, whole: bool = False) -> bool:
        """Write what changed. whole: every file of the project was looked at, so entries that nobody asked for can go.

        What another run wrote meanwhile is kept. A cache that cannot be written is no reason to fail.
        """
        if whole and len(self._touched) < len(self._entries):
            self._entries = {path: entry for path, entry in self._entries.items() if path in self._touched}
            self._changed = True
        if not self._changed:
            return True
        if not whole and _identity(self._path) != self._loaded:
            others = self._read()[0].entries
            self._entries = {**others, **{path: entry for path, entry in self._entries.items() if path in self._touched}}
        import marshal

        try:
            # What is sound is known of the files that there are, not of all that there ever were.
            sound = self._sound_now | (self.sound & {entry[1] for entry in self._entries.values()})
            body = marshal.dumps((self._key, self._entries, self.inputs, self.answers, _PYTHON, sorted(sound)))
        except ValueError:
            return False
        return _write(self._path, _MAGIC + _sign(self._secret, body) + body)

    def _read(self) -> tuple[_Read, Any]:
        identity = _identity(self._path)
        if identity is None or identity[2] > _LARGEST:
            return _Read(), identity
        try:
            data = read_regular(self._path, _LARGEST)
        except OSError:
            return _Read(), identity
        start = len(_MAGIC) + _SIGNATURE
        if not data.startswith(_MAGIC) or len(data) < start:
            return _Read(), identity
        body = memoryview(data)[start:]
        import hmac

        if not hmac.compare_digest(_sign(self._secret, body), data[len(_MAGIC) : start]):
            return _Read(), identity
        import marshal

        try:
            key, entries, inputs, answers, python, sound = marshal.loads(body)  # noqa: S302 -- signed by this user
        except (ValueError, EOFError, TypeError):
            return _Read(), identity
        known = frozenset(sound) if python == _PYTHON else frozenset()
        return (_Read(entries, inputs, answers, known) if key == self._key else _Read(sound=known)), identity


def open_cache(directory: str, key: bytes, tree: str = "") -> Cache | None:
    """The cache in this directory for results that depend on `key` (version, rules, settings, environment); None where there can be none: a
    directory that cannot be made, that a link puts elsewhere, or that holds what is not prodlint's. tree: the linted one, which may not
    bring the key that signs them."""
    secret = _secret(tree)
    if secret is None or not _prepare(directory):
        return None
    # marshal differs between versions of Python, and so may what readers say.
    full = b"%d.%d %s" % (*sys.version_info[:2], key)
    return Cache(os.path.join(directory, _NAME), blake2b(full, digest_size=16).digest(), secret)


def clean(directory: str) -> int:
    """Delete the cache's own files, and the directory when that leaves it empty. How many files were deleted."""
    deleted = 0
    if os.path.islink(directory) or not _is_ours(directory):
        return 0
    for name in sorted(os.listdir(directory)):
        if name in (_NAME, ".gitignore", "CACHEDIR.TAG") or name.startswith(TEMPORARY):
            with suppress(FileNotFoundError):  # another `clean` was there first
                os.unlink(os.path.join(directory, name))
                deleted += 1
    with suppress(OSError):
        os.rmdir(directory)
    return deleted


def _sign(secret: bytes, body: bytes | memoryview) -> bytes:
    return blake2b(body, digest_size=_SIGNATURE, key=secret).digest()


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ino, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _prepare(directory: str) -> bool:
    """Make the directory, marked so that neither git nor backups take it in."""
    try:
        if os.path.islink(directory):
            return False
        if not os.path.isdir(directory):
            os.makedirs(directory, exist_ok=True)
        elif any(not name.startswith(TEMPORARY) for name in os.listdir(directory)) and not _is_ours(directory):
            return False
        for name, text in (("CACHEDIR.TAG", _TAG), (".gitignore", "*\n")):
            path = os.path.join(directory, name)
            if not os.path.lexists(path):
                # Whole at once: another process may be asking at this moment whose directory this is.
                write_whole(path, text.encode())
    except FileExistsError:
        return os.path.isdir(directory)
    except OSError:
        return False
    return True


def _is_ours(directory: str) -> bool:
    try:
        return read_regular(os.path.join(directory, "CACHEDIR.TAG"), 1000) == _TAG.encode()
    except OSError:
        return False


def _write(path: str, data: bytes) -> bool:
    try:
        write_whole(path, data)
    except OSError:
        return False
    return True


def _secret(tree: str) -> bytes | None:
    """The key that signs this user's caches; made at first use. None where there is no place for it outside the linted tree."""
    directory = user_directory(tree)
    if directory is None:
        return None
    path = os.path.join(directory, "key")
    found = _key_in(path)
    if found is not None:
        return found
    made = os.urandom(32)
    temporary = os.path.join(directory, f"key.{os.urandom(8).hex()}")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(made)
            try:
                os.link(temporary, path)  # the first of several processes wins
            except FileExistsError:
                if _key_in(path) is None:
                    os.replace(temporary, path)  # a broken one
            except OSError:
                os.replace(temporary, path)  # a file system without links: the last one wins
        finally:
            with suppress(OSError):
                os.unlink(temporary)
    except OSError:
        return None
    return _key_in(path)


def _key_in(path: str) -> bytes | None:
    try:
        found = read_regular(path, 64)
    except OSError:
        return None
    return found if len(found) == 32 else None
