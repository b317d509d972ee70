"""Streams that are closed or full, disks that are full, locales that know no letters: a clear line and a documented exit code, never a bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\nrequests.get('https://orders.test')\n"
VERBS = [
    ["check"],
    ["check", "--output-format", "sarif"],
    ["check", "--show-files"],
    ["check", "--fix", "--unsafe-fixes", "--diff"],
    ["report"],
    ["checklist", "READINESS.md"],
    ["rule", "PRD504"],
    ["rule", "--all", "--output-format", "json"],
    ["baseline"],
    ["completion", "bash"],
    ["version", "-v"],
    ["--version"],
    ["--help"],
    ["check", "--help"],
]
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


@pytest.fixture
def tree(project: Project) -> Path:
    return project({"bad.py": BAD, "READINESS.md": "- [x] Every outgoing request has a timeout\n"})


def run(tree: Path, *words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = f'exec "$0" -m prodlint "$@" {shell}'
    own = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["sh", "-c", command, sys.executable, *words], cwd=tree, capture_output=True, env=own, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("shell", [">/dev/full", ">&-"])
def test_what_cannot_be_said_is_wrong_use(tree: Path, words: list[str], shell: str) -> None:
    ran = run(tree, *words, shell=shell)
    assert ran.returncode == 2, ran.stderr
    words_said = b"no space left on device" if "full" in shell else b"`standard output`: is closed"
    assert words_said in ran.stderr
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "words", [["check"], ["check", "--fix", "--diff"], ["report"], ["rule", "nothing"], ["check", "--select", "nothing"]], ids=" ".join
)
@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full"])
def test_without_standard_error_the_exit_code_says_it(tree: Path, words: list[str], shell: str) -> None:
    plain, silent = run(tree, *words), run(tree, *words, shell=shell)
    assert (silent.returncode, silent.stdout) == (plain.returncode, plain.stdout)


def test_a_file_is_not_written_into_a_stream_that_is_closed(tree: Path) -> None:
    """A number that is free is given to the next file that is opened."""
    ran = run(tree, "check", "-o", "report.txt", shell=">&- 2>&-")
    assert ran.returncode == 1
    assert "PRD504" in (tree / "report.txt").read_text()
    assert (tree / "bad.py").read_text() == BAD


def test_a_closed_standard_input(tree: Path) -> None:
    ran = run(tree, "check", "-", shell="<&-")
    assert ran.returncode == 2
    assert b"`standard input`: is closed" in ran.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["check", "-o", "report.txt"],
        ["check", "--also", "sarif=report.sarif"],
        ["report", "-o", "report.html"],
        ["baseline"],
        ["check"],
        ["init"],
    ],
    ids=" ".join,
)
def test_a_full_disk_leaves_nothing_behind(tree: Path, words: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """No byte can be written to any file."""
    home = tmp_path_factory.mktemp("home")
    before = sorted(os.listdir(tree))
    code = textwrap.dedent(
        """
        import resource, sys
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        from prodlint.commands.cli import main
        sys.exit(main())
        """
    )
    own = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([sys.executable, "-c", code, *words], cwd=tree, capture_output=True, text=True, env=own)
    assert ran.returncode == (1 if words == ["check"] else 2), ran.stderr
    if words == ["check"]:
        assert "PRD504" in ran.stdout
    else:
        assert "file too large" in ran.stderr
    left = [name for name in sorted(os.listdir(tree)) if name not in (*before, ".prodlint_cache", "prodlint.toml")]
    assert left == []
    assert [str(path) for path in home.rglob("*") if path.is_file()] == []
    assert [path.name for path in (tree / ".prodlint_cache").glob("*")] == []


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8"}, {"PYTHONIOENCODING": "cp1252"}],
    ids=str,
)
@pytest.mark.parametrize(
    "format", ["concise", "full", "grouped", "markdown", "json", "sarif", "junit", "github", "azure", "gitlab", "rdjson"]
)
def test_paths_that_the_locale_cannot_spell(project: Project, locale: dict[str, str], format: str) -> None:
    root = project({"é/ü.py": BAD + "x = 'ö'  # TODO: ä\n"})
    with open(os.fsencode(root) + b"/caf\xe9.py", "w") as handle:
        handle.write(BAD)
    ran = run(root, "check", "--no-cache", "--output-format", format, **locale)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr == b""
    if format in ("json", "sarif", "junit", "gitlab", "rdjson"):
        told = ran.stdout.decode("utf-8")
        assert "PRD504" in told
        if format != "junit":
            json.loads(told)


@pytest.mark.parametrize(
    "words",
    [
        ["--show-files"],
        ["--show-settings"],
        ["--fix", "--diff"],
        ["--statistics"],
        ["é"],
        ["é/ü.py"],
        ["--fix", "--unsafe-fixes", "--show-fixes"],
    ],
    ids=" ".join,
)
def test_other_ways_in_such_a_locale(project: Project, words: list[str]) -> None:
    root = project({"é/ü.py": BAD + "x = 'ö'  # TODO: ä\n"})
    ran = run(root, "check", *words, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert ran.returncode in (0, 1), ran.stderr
    assert b"bug" not in ran.stderr


@pytest.mark.parametrize(
    "cookie",
    [
        "undefined",
        "unicode_escape",
        "raw_unicode_escape",
        "utf_7",
        "punycode",
        "idna",
        "hex",
        "rot13",
        "base64",
        "zlib",
        "mbcs",
        "oem",
        "no-such",
        "utf-8-sig",
        "..",
        "latin-1",
    ],
)
def test_every_cookie_is_readable_or_a_finding(prodlint: Run, project: Project, cookie: str) -> None:
    root = project(
        {"odd.py": f"# coding: {cookie}\nx = '\xe9'\n".encode("latin-1"), "ascii.py": f"# coding: {cookie}\nx = 1\n", "bad.py": BAD}
    )
    ran = prodlint("check", "--output-format", "concise", cwd=root)
    assert "bad.py:2:1: PRD504" in ran.out
    assert ran.code == 1, ran.err + ran.out


def test_what_a_cookie_makes_of_ascii_is_read(prodlint: Run, project: Project) -> None:
    """CPython runs the second line: to UTF-7 `+AAo-` is a line end."""
    root = project({"hidden.py": "# coding: utf_7\n# +AAo-import requests+AAo-requests.get('http://x')\n"})
    assert "PRD504" in prodlint("check", cwd=root).out


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 50_000, "a." * 50_000 + "b = 1", "x = " + "{a = " * 50_000, "x = " + "1" * 100_000],
    ids=["brackets", "dots", "tables", "digits"],
)
def test_settings_that_no_parser_can_end_with(prodlint: Run, project: Project, text: str) -> None:
    ran = prodlint("check", cwd=project({"prodlint.toml": text + "\n", "bad.py": BAD}))
    assert ran.code == 2, ran.err
    assert ran.err.startswith("prodlint: prodlint.toml")


def test_a_machine_that_refuses_is_no_bug(tree: Path) -> None:
    code = "import resource, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))\nfrom prodlint.commands.cli import main\nsys.exit(main())\n"
    ran = subprocess.run(
        [sys.executable, "-c", code, "check"], cwd=tree, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert ran.returncode in (1, 2, 3), ran.stderr
    assert "bug" not in ran.stderr
