"""The linted tree holds modules of every name that prodlint imports: none of them is ever imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

START = "import sys; from prodlint.commands.cli import main; sys.exit(main())"
# Where Python itself looks before it has read a line of prodlint: what `-m` cannot be kept from. See SECURITY.md.
PYTHONS_OWN = {
    "prodlint",
    "runpy",
    "importlib",
    "os",
    "io",
    "types",
    "warnings",
    "contextlib",
    "functools",
    "collections",
    "encodings",
    "site",
    "abc",
    "codecs",
    "stat",
    "keyword",
    "operator",
    "reprlib",
}


def names(service: Path) -> set[str]:
    """Every top-level module that a run of each verb has loaded."""
    shutil.copytree(ROOT / "fixtures" / "unready", service, dirs_exist_ok=True)
    code = (
        "import sys, io, os, contextlib\nfrom prodlint.commands.cli import main\n"
        "for words in (['check', '-j', '1', '--select', 'ALL', '--honor', 'noqa'], ['report', '--output-format', 'html'], ['rule', '--all'],"
        " ['check', '--output-format', 'sarif'], ['check', '--fix', '--unsafe-fixes', '--diff']):\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n        main(words)\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=service,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = {name for name in done.stdout.split() if not name.startswith("__main") and name.isidentifier()}
    assert {"tomli", "yaml", "re", "argparse", "tree_sitter", "libcst"} <= found, done.stderr
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    (root / "app.py").write_text("import requests\nrequests.get('https://orders.test')\n")
    (root / "many").mkdir()
    for number in range(120):
        (root / "many" / f"m{number}.py").write_text("import requests\nrequests.get('https://orders.test')\n")
    for name in sorted(names(tmp_path_factory.mktemp("services")) | {"sitecustomize", "usercustomize", "__future__", "conftest"}):
        (root / f"{name}.py").write_text(
            "import pathlib\n(pathlib.Path(__file__).parent / 'IMPORTED').mkdir(exist_ok=True)\nraise SystemExit(0)\n"
        )
    (root / "prodlint").mkdir()
    (root / "prodlint" / "__init__.py").write_text((root / "app.py").read_text())
    return root


@pytest.mark.parametrize("words", [["check"], ["check", "-j", "4", "--select", "ALL"], ["report"], ["check", "-"]], ids=" ".join)
@pytest.mark.parametrize("started", ["script", "module"])
def test_nothing_of_the_tree_is_imported(tree: Path, started: str, words: list[str]) -> None:
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    if started == "script":
        # What the installed script is: a file elsewhere, whose directory is first on the path.
        script = tree.parent / "prodlint-script"
        script.write_text(START)
        command = [sys.executable, str(script)]
    else:
        command = [sys.executable, "-m", "prodlint"]
        for name in PYTHONS_OWN:
            (tree / f"{name}.py").unlink(missing_ok=True)
        (tree / "prodlint").rename(tree / "not_prodlint")
    try:
        done = subprocess.run([*command, *words], cwd=tree, capture_output=True, text=True, env=own, stdin=subprocess.DEVNULL)
    finally:
        if started == "module":
            (tree / "not_prodlint").rename(tree / "prodlint")
    assert not (tree / "IMPORTED").exists()
    assert done.returncode in (0, 1), done.stderr
    if words[0] == "check" and words[-1] != "-":
        assert "app.py" in done.stdout
