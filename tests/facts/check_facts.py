"""Looks again at what the rules say of libraries: `python tests/facts/check_facts.py [--newest] [PACKAGE ...]`.

It fetches the wheels that `facts.toml` names with pip, unpacks them into a temporary folder without installing or importing anything, and says which
facts are not found there any more. Exit 0 where all hold, 1 where one does not. No part of CI: it needs the network.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli

FACTS = Path(__file__).with_name("facts.toml")


def read() -> list[dict[str, Any]]:
    """The facts, in order."""
    facts: list[dict[str, Any]] = tomli.loads(FACTS.read_text(encoding="utf-8"))["fact"]
    return facts


def wheel_of(package: str, version: str, folder: Path) -> Path:
    """The wheel of a package in a folder, fetched where it is not there yet.

    Raises CalledProcessError where the registry has none.
    """
    wanted = f"{package}=={version}" if version else package
    target = folder / package
    if not target.is_dir():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(target), wanted]
        subprocess.run(command, check=True, timeout=300)
    return next(target.glob("*.whl"))


def holds(fact: Mapping[str, Any], wheel: Path) -> bool:
    """Whether a wheel says what a fact says."""
    with zipfile.ZipFile(wheel) as archive:
        if fact["file"] not in archive.namelist():
            return False
        text = archive.read(fact["file"]).decode("utf-8", "replace")
    return re.search(fact["holds"], text) is not None


def main(words: Sequence[str] | None = None) -> int:
    """Check the facts, of all packages or of those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--newest", action="store_true", help="the newest release in place of the one that was read")
    given = parser.parse_args(words)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for fact in read():
            if given.packages and fact["package"] not in given.packages:
                continue
            wheel = wheel_of(fact["package"], "" if given.newest else fact["version"], Path(folder))
            if not holds(fact, wheel):
                wrong += 1
                print(f"{', '.join(fact['rules'])}: {wheel.name}: {fact['file']} does not hold {fact['holds']}")
    print("all facts hold" if not wrong else f"{wrong} facts do not hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
