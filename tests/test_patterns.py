from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodlint.configuration.patterns import Patterns
from tests.limits import cpu_limit

PATHS = (
    "a",
    "a.py",
    ".a",
    "ab.c",
    "b/a",
    "b/a.py",
    "b/ab/a.py",
    "b/ab/b",
    "ab/a.b.py",
    "ab/b/a/b.py",
    "abc/.a",
    "a.b.py",
    "[a/b",
    "a b/a ",
)


@pytest.mark.parametrize(
    ("lines", "matching", "other"),
    [
        (["name"], ["name", "x/name", "name/x", "x/name/y"], ["names", "my-name"]),
        (["name/"], ["name/x", "x/name/y"], ["name", "x/name"]),
        (["/name"], ["name", "name/x"], ["x/name"]),
        (["a/b"], ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        (["*.log"], ["a.log", "x/y.log", ".log"], ["a.log.1", "log"]),
        (["*.py[cod]"], ["a.pyc", "x/a.pyo"], ["a.py", "a.pyx"]),
        ([".env*"], [".env", ".env.local", "x/.envrc"], ["env"]),
        (["docs/**"], ["docs/a", "docs/a/b"], ["docs", "x/docs/a"]),
        (["**/gen/*.py"], ["gen/a.py", "x/y/gen/a.py"], ["gen/x/a.py"]),
        (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        (["*", "!kept.py"], ["a", "x/kept.py"], ["kept.py"]),
        (["*.py", "!src/*.py"], ["a.py", "x/a.py"], ["src/a.py"]),
        (["build", "!build/kept"], ["build/kept"], []),
        (["# comment", "", "  ", "\\#name", "\\!name"], ["#name", "!name"], ["# comment"]),
        (["blank ", "kept\\ "], ["blank", "kept "], ["blank ", "kept"]),
        (["[a-c]?.txt"], ["ab.txt", "cz.txt"], ["d.txt", "dz.txt"]),
        (["[!a].txt"], ["b.txt"], ["a.txt", "/.txt"]),
        (["[[:digit:]]*"], ["1a"], ["a1"]),
        (["[open"], [], ["[open", "o"]),
        (["end\\"], [], ["end", "end\\"]),
    ],
)
def test_a_line_means_what_it_means_to_git(lines: list[str], matching: list[str], other: list[str]) -> None:
    patterns = Patterns(lines)
    assert [path for path in matching if not patterns.match(path)] == []
    assert [path for path in other if patterns.match(path)] == []


def test_lines_without_a_pattern_make_no_patterns() -> None:
    assert not Patterns(["", "# nothing", "/", "[open"])
    assert Patterns(["x"])


PIECES = st.sampled_from(["a", "b", "*", "**", "?", "[ab]", "[!a]", "[a-b]", ".", "/", "c", "py", "\\a", "*.py", "!", "#", " ", "-"])
LINES = st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), min_size=1, max_size=4).filter(
    # Three stars in a row beside others: git's own answer depends on where they stand.
    lambda lines: not any("***" in line for line in lines)
)
# pathspec lets `[!a]` match a slash and git does not; `!` alone has nothing to take back.
LINE = st.lists(PIECES, min_size=1, max_size=6).map("".join).filter(lambda line: "***" not in line and "!" not in line and "//" not in line)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path_factory.mktemp("ignored")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for path in PATHS:
        target = root / path
        if target.exists() or any(parent.is_file() for parent in target.parents):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
    return root


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES)
def test_git_agrees(repository: Path, lines: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    files = sorted(str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file() and ".git/" not in f"{path}/")
    assert files
    asked = subprocess.run(
        ["git", "check-ignore", "--stdin", "-z", "--no-index"],
        cwd=repository,
        input="\0".join(files).encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(repository)},
    )
    ignored = sorted(filter(None, asked.stdout.decode().split("\0")))
    patterns = Patterns(lines)
    assert sorted(path for path in files if patterns.match(path)) == ignored


@settings(max_examples=300, deadline=None)
@given(line=LINE)
def test_pathspec_agrees_on_a_single_line(line: str) -> None:
    pathspec = pytest.importorskip("pathspec")
    spec = pathspec.GitIgnoreSpec.from_lines([line])
    patterns = Patterns([line])
    for path in PATHS:
        assert patterns.match(path) == spec.match_file(path), path


def test_a_hostile_pattern_costs_no_more_than_a_plain_one() -> None:
    name = "a" * 250
    with cpu_limit(10):
        for line in ("*a" * 40 + "b", "/" + "*a" * 40 + "/b", "**/" + "a/**/" * 20 + "b", "[a-z]*" * 30 + "0"):
            assert not Patterns([line]).match("/".join([name] * 8))
            assert not Patterns([line]).match("a/" * 100 + "a")
