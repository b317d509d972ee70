"""Files in which nothing is at stake: what people type there opens nothing, what a machine made is in use somewhere."""

from __future__ import annotations

from prodlint.facts import File
from prodlint.values.secret_values import is_generated, is_secret

CALM = frozenset(("test", "example", "docs", "dev", "ci"))


def may_be_in_use(value: str, file: File) -> bool:
    """Whether a value in this file may be one that works somewhere."""
    return not file.roles & CALM or is_generated(value)


def is_password_in_use(value: str, file: File) -> bool:
    """Whether a value under the name of a password, in this file, is one that works."""
    return is_secret(value, "password") and may_be_in_use(value, file)
