"""The verb `version`: prodlint's own, and with `-v` those of all it stands on, for bug reports."""

from __future__ import annotations

import platform
import sys
from argparse import Namespace
from collections.abc import Iterator

from prodlint import __version__

DEPENDENCIES = (
    "ahocorasick-rs",
    "libcst",
    "packaging",
    "python-dotenv",
    "PyYAML",
    "tomli",
    "tree-sitter",
    "tree-sitter-bash",
    "tree-sitter-python",
)


def version(given: Namespace) -> int:
    """Print them."""
    print(f"prodlint {__version__}")
    if given.verbose:
        for line in _further():
            print(line)
    return 0


def _further() -> Iterator[str]:
    from importlib import metadata

    yield f"Python {platform.python_version()} ({platform.python_implementation()}), {platform.system()} {platform.machine()}"
    yield f"in {sys.prefix}"
    for name in DEPENDENCIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is missing"
    for point in sorted(metadata.entry_points(group="prodlint.rules"), key=lambda point: point.name):
        yield f"plug-in {point.name} {point.dist.version if point.dist is not None else ''}".rstrip()
