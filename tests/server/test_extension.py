"""The VS Code extension: its types hold, it bundles, packs, and starts the server. Needs npm; without it the test says that it was skipped.

VS Code itself is not there: `@vscode/test-electron` would have to download it. A stand-in for its API takes its place (`editors/vscode/test`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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
def test_it_packs_and_starts_the_server(tmp_path: Path) -> None:
    shutil.copytree(EXTENSION, tmp_path / "vscode", ignore=shutil.ignore_patterns("node_modules", "dist"))
    for command in (["npm", "ci", "--silent", "--no-audit", "--no-fund"], ["npm", "run", "--silent", "package"]):
        subprocess.run(command, cwd=tmp_path / "vscode", check=True, capture_output=True)
    assert (tmp_path / "vscode" / "prodlint.vsix").stat().st_size > 10_000
    command = tmp_path / "prodlint"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:] = {sys.path!r}\nfrom prodlint.commands.cli import main\nsys.exit(main())\n"
    )
    command.chmod(0o755)
    ran = subprocess.run(["node", "test/activate.cjs", str(command)], cwd=tmp_path / "vscode", capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
