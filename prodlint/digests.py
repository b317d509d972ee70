"""BLAKE2b from where it lives: `hashlib` loads OpenSSL first, which takes a twentieth of a run over one small file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import blake2b
else:
    try:
        from _blake2 import blake2b
    except ImportError:  # an interpreter built otherwise
        from hashlib import blake2b

__all__ = ["blake2b"]
