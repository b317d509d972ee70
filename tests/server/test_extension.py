"""The VS Code extension: its types hold, it bundles and packs. Needs npm; without it the test says that it was skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXTENSION = ROOT / "editors" / "vscode"


def test_its_settings_are_those_that_it_reads() -> None:
    described = json.loads((EXTENSION / "package.json").read_text())["contributes"]["configuration"]["properties"]
    code = (EXTENSION / "src" / "extension.ts").read_text()
    assert described
    for name in described:
        assert f'"{name.removeprefix("prodlint.")}"' in code, name


@pytest.mark.skipif(
    shutil.which("npm") is None or not os.environ.get("PRODLINT_VSCODE"), reason="PRODLINT_VSCODE is not set, or npm is not here"
)
def test_it_packs(tmp_path: Path) -> None:
    shutil.copytree(EXTENSION, tmp_path / "vscode", ignore=shutil.ignore_patterns("node_modules", "dist"))
    for command in (["npm", "ci", "--silent", "--no-audit", "--no-fund"], ["npm", "run", "--silent", "package"]):
        subprocess.run(command, cwd=tmp_path / "vscode", check=True, capture_output=True)
    assert (tmp_path / "vscode" / "prodlint.vsix").stat().st_size > 10_000
