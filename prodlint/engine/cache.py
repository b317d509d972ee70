"""Results of the last run by file, so that what did not change is not read again.

One file in the cache directory, data only, written by rename. It is signed with a key that lies outside the tree: a
repository that brings a cache of its own cannot make a finding disappear, nor hand crafted bytes to the decoder.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from prodlint.regular import read_regular

# One line of history: raise it when the meaning of what is stored changes.
_MAGIC = b"prodlint-cache 2\n"
_NAME = "results"
_SIGNATURE = 32
_LARGEST = 512 << 20
# A file written this shortly before it was read may be written again within the same tick of the clock.
_RACY = 2_000_000_000

# What says that a file is the same without reading it.
Stamp = tuple[int, int, int, int]


def stamp(status: os.stat_result) -> Stamp:
    """Times of content and inode, size and inode: a file restored with its old time still differs in the second."""
    return (status.st_mtime_ns, status.st_ctime_ns if os.name != "nt" else 0, status.st_size, status.st_ino)


def digest(data: bytes) -> bytes:
    """What stands for a file's content."""
    return blake2b(data, digest_size=16).digest()


class Cache:
    """Results by path. A result is anything marshal can hold: tuples of texts, numbers, bytes and None."""

    __slots__ = ("_changed", "_entries", "_key", "_loaded", "_now", "_path", "_secret", "_touched")

    def __init__(self, path: str, key: bytes, secret: bytes) -> None:
        self._path = path
        self._key = key
        self._secret = secret
        self._now = time.time_ns()
        self._entries, self._loaded = self._read()
        self._touched: set[str] = set()
        self._changed = False

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
            others, _ = self._read()
            self._entries = {**others, **{path: entry for path, entry in self._entries.items() if path in self._touched}}
        import marshal

        try:
            body = marshal.dumps((self._key, self._entries))
        except ValueError:
            return False
        return _write(self._path, _MAGIC + _sign(self._secret, body) + body)

    def _read(self) -> tuple[dict[str, Any], Any]:
        identity = _identity(self._path)
        if identity is None or identity[2] > _LARGEST:
            return {}, identity
        try:
            data = read_regular(self._path, _LARGEST)
        except OSError:
            return {}, identity
        start = len(_MAGIC) + _SIGNATURE
        if not data.startswith(_MAGIC) or len(data) < start:
            return {}, identity
        body = memoryview(data)[start:]
        import hmac

        if not hmac.compare_digest(_sign(self._secret, body), data[len(_MAGIC) : start]):
            return {}, identity
        import marshal

        try:
            key, entries = marshal.loads(body)  # noqa: S302 -- signed by this user
        except (ValueError, EOFError, TypeError):
            return {}, identity
        return (entries if key == self._key and isinstance(entries, dict) else {}), identity


def open_cache(directory: str, key: bytes) -> Cache | None:
    """The cache in this directory for results that depend on `key` (version, rules, settings, environment); None where
    there can be none: a directory that cannot be made, or one that a link puts elsewhere."""
    secret = _secret()
    if secret is None or not _prepare(directory):
        return None
    # marshal differs between versions of Python, and so may what readers say.
    full = b"%d.%d %s" % (*sys.version_info[:2], key)
    return Cache(os.path.join(directory, _NAME), blake2b(full, digest_size=16).digest(), secret)


def clean(directory: str) -> int:
    """Delete the cache's own files, and the directory when that leaves it empty. How many files were deleted."""
    deleted = 0
    if os.path.islink(directory) or not os.path.isfile(os.path.join(directory, "CACHEDIR.TAG")):
        return 0
    for name in sorted(os.listdir(directory)):
        if name in (_NAME, ".gitignore", "CACHEDIR.TAG") or name.startswith(f"{_NAME}."):
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
        for name, text in (
            ("CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# Made by prodlint; see https://bford.info/cachedir/\n"),
            (".gitignore", "*\n"),
        ):
            path = os.path.join(directory, name)
            if not os.path.lexists(path):
                with open(path, "x", encoding="utf-8") as handle:
                    handle.write(text)
    except FileExistsError:
        return os.path.isdir(directory)
    except OSError:
        return False
    return True


def _write(path: str, data: bytes) -> bool:
    temporary = f"{path}.{os.getpid()}.{time.monotonic_ns():x}"
    try:
        with open(temporary, "xb") as handle:
            handle.write(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        return False
    return True


def _secret() -> bytes | None:
    """The key that signs this user's caches; made at first use. None where the home cannot be written."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or os.path.join(os.path.expanduser("~"), ".cache")
    directory = os.path.join(home, "prodlint")
    path = os.path.join(directory, "key")
    try:
        with open(path, "rb") as handle:
            found = handle.read(64)
        if len(found) == 32:
            return found
    except OSError:
        pass
    made = os.urandom(32)
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(made)
        try:
            os.link(temporary, path)  # the first of several processes wins
        except FileExistsError:
            pass
        except OSError:
            os.replace(temporary, path)
            return made
        os.unlink(temporary)
        with open(path, "rb") as handle:
            found = handle.read(64)
    except OSError:
        return None
    if len(found) != 32:
        os.unlink(path)
        return None
    return found
