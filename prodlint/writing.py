"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

# What the names of files that are not whole yet begin with.
TEMPORARY = ".prodlint-"


@contextmanager
def written_whole(path: str, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of the one at `path` when the block ends, and leaves nothing behind when it fails.

    mode: its permissions, less the umask; a file that is replaced hands its own on. The temporary file stands beside it under a name that
    nobody can guess or have left there: a process number comes again, in containers at every run.

    Raises OSError.
    """
    temporary = os.path.join(os.path.dirname(path), f"{TEMPORARY}{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
        with suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def write_whole(path: str, data: bytes, mode: int = 0o666) -> None:
    """Write a file with this content, whole or not at all.

    Raises OSError.
    """
    with written_whole(path, mode) as handle:
        handle.write(data)
