"""The whole output of every format for one small report, as it stands in `expected/`.

After a change that is meant: `PRODLINT_REWRITE=1 pytest tests/reports/test_expected.py`, read the difference, commit.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prodlint import __version__
from prodlint.reports import FORMATS

if TYPE_CHECKING:
    from conftest import Tree

EXPECTED = Path(__file__).parent / "expected"
VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "-suppressed": {"show_suppressed": True, "unsafe_fixes": True, "statistics": True},
    "-color": {"color": True},
}
SUFFIXES = {"json": "json", "sarif": "sarif", "gitlab": "json", "rdjson": "json", "json-lines": "jsonl", "junit": "xml", "markdown": "md"}
# Only where it makes a difference.
ONLY: dict[str, tuple[str, ...]] = {
    "": tuple(FORMATS),
    "-suppressed": tuple(format for format in FORMATS if format not in ("azure", "gitlab", "rdjson")),
    "-color": ("full", "concise", "grouped", "statistics"),
}
CASES = [(format, variant) for variant in VARIANTS for format in ONLY[variant]]


def readable(text: str, format: str) -> str:
    """One value a line for the formats that are one line, so that a difference can be read; the version left out."""
    if SUFFIXES.get(format) in ("json", "sarif"):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    return re.sub(rf"\b{re.escape(__version__)}\b", "VERSION", text).replace("\x1b", "<ESC>")


@pytest.mark.parametrize(("format", "variant"), CASES, ids=lambda value: value)
def test_expected(small: Tree, format: str, variant: str) -> None:
    found = readable(small.render(format, **VARIANTS[variant]), format)
    file = EXPECTED / f"{format}{variant}.{SUFFIXES.get(format, 'txt')}"
    if os.environ.get("PRODLINT_REWRITE"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8", newline="\n")
    assert found == file.read_text(encoding="utf-8")


def test_nothing_else_is_expected() -> None:
    names = {f"{format}{variant}.{SUFFIXES.get(format, 'txt')}" for format, variant in CASES}
    assert {file.name for file in EXPECTED.iterdir()} == names
