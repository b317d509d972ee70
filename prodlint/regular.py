"""Files of the linted tree that are read by their name (`.gitignore`, settings, a baseline, a rule page): regular files only.

A tree may hold a pipe, a device or a link to one under any of these names; opening it would wait, and reading it might
never end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

# Gives a file's bytes, at most so many of them. Raises OSError.
Reader = Callable[[str, int], bytes]

# Without O_NONBLOCK, opening a pipe would wait for somebody to write into it. Windows has only the first of them.
FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"):
    FLAGS |= getattr(os, _name, 0)


class NotRegular(OSError):
    """What stands under the name is a directory, a pipe, a socket or a device."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", path)


class TooLarge(OSError):
    """The file holds more than was to be read."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(errno.EFBIG, f"larger than {limit / 1_000_000:,.0f} MB", path)


# What a shell puts in the place of `<(command)`, and its own standard input.
_OF_THE_SHELL = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_named(path: str, limit: int) -> bytes:
    """The bytes of a file that the user has named: a regular one, or a pipe that the user's shell made.

    Raises OSError as `read_regular` does: under the same name a stranger's tree may hold a pipe that nobody ever writes to.
    """
    if not path.startswith(_OF_THE_SHELL):
        return read_regular(path, limit)
    with open(path, "rb") as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(path, limit)
    return data


def read_regular(path: str, limit: int, *, cut: bool = False) -> bytes:
    """A regular file's bytes; links are followed. limit: the most that is read, in bytes; cut: give that much of a larger file.

    Raises OSError: what `open` raises, NotRegular, TooLarge.
    """
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(path)
        pieces = []
        left = limit + 1
        # The size is a guess only: a file may grow, and what lies below /proc has none. One byte more tells that all of it was read.
        step = status.st_size + 1 if status.st_size else 1 << 16
        while left > 0:
            piece = os.read(descriptor, min(step, left))
            pieces.append(piece)
            left -= len(piece)
            if not piece or (status.st_size and limit + 1 - left == status.st_size):
                break
        data = b"".join(pieces)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        if cut:
            return data[:limit]
        raise TooLarge(path, limit)
    return data


def beginning(path: str, limit: int) -> bytes:
    """The same, of a larger file as much as was asked for."""
    return read_regular(path, limit, cut=True)
