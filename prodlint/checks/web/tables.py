"""The tables of the web rules: what calls run what they are given."""

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
