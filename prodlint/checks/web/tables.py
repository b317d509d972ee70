"""The tables of the web rules: what calls run what they are given, what lets anybody into a datastore."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def sinks() -> Mapping[str, Any]:
    """`sinks.toml`."""
    import tomli

    return tomli.loads(files("prodlint.checks.web").joinpath("sinks.toml").read_text("utf-8"))


@cache
def datastores() -> Mapping[str, Any]:
    """`datastores.toml`."""
    import tomli

    return tomli.loads(files("prodlint.checks.web").joinpath("datastores.toml").read_text("utf-8"))
