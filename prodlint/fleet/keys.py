"""The key that makes equal secrets of several repositories equal in the dataset. It never lies in the dataset: with both, short values could be tried."""

from __future__ import annotations

import os
from contextlib import suppress

from prodlint.configuration.settings import SettingsError
from prodlint.digests import blake2b
from prodlint.regular import read_regular
from prodlint.user_directory import user_directory
from prodlint.writing import write_whole

_LENGTH = 32


def key_for(dataset: str, path: str | None = None) -> bytes:
    """The key for a dataset: what a file holds, or one of the user's own, made when it is first wanted. dataset: its directory. path: `--key-file`.

    Raises SettingsError.
    """
    if path is not None:
        try:
            key = read_regular(path, 1 << 16).strip()
        except OSError as error:
            raise SettingsError(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
        if len(key) < _LENGTH:
            raise SettingsError(f"`{path}` holds fewer than {_LENGTH} bytes; `head -c 32 /dev/urandom | base64` makes a key")
        return blake2b(key, digest_size=_LENGTH).digest()
    directory = user_directory(os.path.abspath(dataset))
    if directory is None:
        return os.urandom(_LENGTH)
    name = blake2b(os.path.realpath(dataset).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    own = os.path.join(directory, f"fleet-{name}.key")
    with suppress(OSError):
        key = read_regular(own, _LENGTH)
        if len(key) == _LENGTH:
            return key
    key = os.urandom(_LENGTH)
    with suppress(OSError):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        write_whole(own, key, 0o600)
    return key
