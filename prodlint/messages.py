"""Messages between prodlint and the processes that it starts of itself: values over a pipe, each with its length before it."""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any

_HEAD = struct.Struct(">Q")


def send(stream: IO[bytes], value: Any) -> None:
    """One message: its length in bytes, then its bytes. Raises OSError."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_HEAD.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message.

    Raises EOFError where the other side has ended.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    (size,) = _HEAD.unpack(head)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - from the process at the other end, which is prodlint's own
