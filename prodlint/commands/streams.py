"""Standard input, output and error as they come: closed, full, or unable to show what is to be shown."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

from prodlint.escaping import escape_control_characters


class _Closed(io.TextIOBase):
    """Stands for a stream that was closed before the program began: it can be asked about, but not used."""

    errors = "strict"

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def buffer(self) -> _Closed:
        return self

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing was written."""

    def write(self, text: object) -> NoReturn:
        raise OSError(errno.EBADF, "is closed", self.name)

    def read(self, size: int | None = -1) -> NoReturn:
        raise OSError(errno.EBADF, "is closed", self.name)


def prepare() -> None:
    """Make the three streams ones that a run can count on. What a terminal or an encoding cannot show is written as an escape."""
    # A number that is free would be given to the next file that is opened, and what is written to the stream would end there.
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
    if sys.stdin is None:
        sys.stdin = _Closed("standard input")
    if sys.stdout is None:
        sys.stdout = _Closed("standard output")
    if sys.stderr is None:
        sys.stderr = io.StringIO()  # nobody listens
    for stream in (sys.stdout, sys.stderr):
        # In the C locale the bytes of a name that is no text would pass as they are (`surrogateescape`).
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def as_utf8() -> None:
    """What is written next is for a program to read: UTF-8, whatever the locale."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def wants_color(wish: str) -> bool:
    """Whether what goes to standard output is coloured. wish: `auto`, `always` or `never`. <https://no-color.org>, <https://force-color.org>"""
    if wish != "auto":
        return wish == "always"
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"


def shows_links() -> bool:
    """Whether words can be links there: on a terminal, not in a log that is merely coloured, which would show the escape sequences."""
    return sys.stdout.isatty() and not os.environ.get("CI")


def abandon() -> None:
    """Standard output cannot be written: Python would complain once more while flushing at exit."""
    with suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)


def say(words: str) -> None:
    """A remark for the person at the terminal, out of the report's way. Where it cannot be shown, the exit code says enough."""
    with suppress(OSError):
        for line in words.split("\n"):
            sys.stderr.write(f"prodlint: {escape_control_characters(line)}\n")
        sys.stderr.flush()


def reason(error: OSError) -> str:
    """What went wrong with which file, in one line."""
    words = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"`{os.fsdecode(error.filename)}`: {words}"
    # Only what is written to an open stream has no name.
    return (
        f"cannot write its output: {words}" if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT, errno.EFBIG) else words
    )
