"""Bad input: a clear line that names the file, no other finding lost, never a traceback, never a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prodlint import checks
from prodlint.checks import CheckContext, Diagnostic
from prodlint.engine import compiled
from prodlint.facts import Call
from tests.conftest import Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\nrequests.get('https://orders.test')\n"


def checked(project: Project, prodlint: Run, name: str, content: str | bytes) -> Ran:
    root = project({name: content, "bad.py": BAD})
    ran = prodlint("check", ".", "--output-format", "concise", cwd=root)
    assert "bad.py:2:1: PRD504" in ran.out
    assert "Traceback" not in ran.out + ran.err
    return ran


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.py", "def f(:\n    pass\n"),
        ("broken2.py", "if x\n    pass\n"),
        ("latin.py", b"x = '\xe9'\n"),
        ("nul.py", b"x = 1\0\n"),
        ("cookie.py", b"# coding: no-such-encoding\nx = '\xe9'\n"),
        ("compose.yaml", "services: [\n"),
        ("pyproject.toml", "[tool\n"),
        ("package.json", '{"scripts": {\n'),
        ("Dockerfile", "NOT A DOCKERFILE\n"),
    ],
)
def test_what_cannot_be_read_is_named(project: Project, prodlint: Run, name: str, content: str | bytes) -> None:
    ran = checked(project, prodlint, name, content)
    assert name in ran.out
    alone = prodlint("check", name, cwd=Path.cwd())
    assert alone.code in (1, 3), alone.out


def test_broken_syntax_alone_is_a_finding_or_3(project: Project, prodlint: Run) -> None:
    root = project({"broken.py": "def f(:\n"})
    assert prodlint("check", ".", cwd=root).code == 1
    assert prodlint("check", ".", "--ignore", "PRD001", cwd=root).code == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("brackets.py", "x = " + "[" * 10_000 + "]" * 10_000 + "\n"),
        ("brackets.json", "[" * 10_000 + "]" * 10_000),
        ("brackets.yaml", "[" * 10_000 + "]" * 10_000),
        ("line.py", "x = '" + "a" * 1_000_000 + "'\npassword = x\n"),
        ("line.json", '{"a": "' + "token" * 200_000 + '"}'),
        ("start.sh", "a=" + "f(a, " * 50_000),
        (".env.production", "A=a" + " " * 200_000 + "b"),
        ("blanks.py", (" " * 1000 + "\n") * 1000),
        ("dict.py", "x = {\n" + "".join(f"    'password_{n}': value_{n},\n" for n in range(20_000)) + "}\n"),
        ("sum.py", "password = " + " + ".join(["'a'"] * 20_000) + "\n"),
        (
            "laughs.yaml",
            "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{c}: &{c} [{','.join(['*' + chr(ord(c) - 1)] * 9)}]\n" for c in "bcdefghij"),
        ),
        ("comment.py", "# " + "TODO " * 100_000 + "\n"),
        ("empty.py", ""),
        ("ends.py", "try:\n    pass\nexcept:"),
    ],
)
def test_hostile_input_is_quick(project: Project, prodlint: Run, name: str, content: str) -> None:
    checked(project, prodlint, name, content)


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")
def test_odd_files(project: Project, prodlint: Run) -> None:
    root = project({"bad.py": BAD, "pkg/a.py": "x = 1\n", "secret.py": "x = 1\n"})
    os.symlink("..", root / "pkg" / "loop")
    os.symlink("nowhere", root / "dangling.py")
    os.mkfifo(root / "pipe.py")
    os.chmod(root / "secret.py", 0)
    ran = prodlint("check", ".", "--output-format", "concise", cwd=root)
    assert ran.out.count("PRD504") == 1
    assert "Traceback" not in ran.err
    if os.geteuid() != 0:
        assert "secret.py" in ran.out


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of bytes")
def test_a_name_that_is_not_utf8(project: Project) -> None:
    root = project({"bad.py": BAD})
    with open(os.fsencode(root) + b"/caf\xe9.py", "w") as handle:
        handle.write(BAD)
    # A terminal in a UTF-8 locale takes no lone surrogates.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    for words in (["--show-files"], ["report", "-o", "r.html"], ["report", "--output-format", "html"], ["--output-format", "full"]):
        ran = subprocess.run([sys.executable, "-m", "prodlint", *words], cwd=root, env=environment, capture_output=True, text=True)
        assert ran.returncode in (0, 1, 3) and ran.stderr.count("bug") == 0
    assert "caf\\udce9.py" in (root / "r.html").read_text(encoding="utf-8")


def test_fifty_megabytes(project: Project, prodlint: Run) -> None:
    root = project({"bad.py": BAD})
    with (root / "big.py").open("wb") as handle:
        handle.write(b"x = 1\n" * 8_500_000)
    ran = prodlint("check", ".", "--output-format", "concise", cwd=root)
    assert "bad.py:2:1: PRD504" in ran.out
    assert "big.py" in ran.out


def test_a_check_that_raises_is_loud_and_contained(project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(call: Call, context: CheckContext) -> list[Diagnostic]:
        raise RuntimeError("hunter2-must-not-be-shown")

    own = compiled.load()
    made = checks.Check("PRD501", fails, (checks.calls("requests.get"),), (), ())
    monkeypatch.setattr(compiled, "load", lambda tree="": replace(own, checks=(*own.checks, made)))
    ran = prodlint("check", ".", "--output-format", "concise", cwd=project({"bad.py": BAD}))
    assert "bad.py:2:1: PRD504" in ran.out
    assert "PRD501" in ran.out
    assert "hunter2" not in ran.out + ran.err
    assert ran.code == 70


@pytest.mark.parametrize("error", [RuntimeError("hunter2-must-not-be-shown"), SystemExit(0)], ids=["raises", "exits"])
def test_a_plug_in_that_fails_is_named_and_no_bug(
    project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(call: Call, context: CheckContext) -> list[Diagnostic]:
        raise error

    own = compiled.load()
    model = next(rule for rule in own.rules if rule.code == "PRD501")
    rule = replace(model, code="ABC001", name="a-bad-thing", path="/plugin/rules/ABC001-a-bad-thing.md", default=True)
    made = checks.Check("ABC001", fails, (checks.calls("requests.get"),), (), ())
    monkeypatch.setattr(compiled, "load", lambda tree="": replace(own, rules=(*own.rules, rule), checks=(*own.checks, made)))
    root = project({"bad.py": BAD})
    ran = prodlint("check", ".", "--no-cache", "--output-format", "concise", cwd=root)
    assert "bad.py:2:1: PRD504" in ran.out and "`ABC001` failed" in ran.out
    assert "hunter2" not in ran.out + ran.err
    assert ran.code == 1
    assert prodlint("check", ".", "--no-cache", "--ignore", "PRD504", cwd=root).code == 3


def test_a_file_that_is_deleted_meanwhile(project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from prodlint.configuration import discover as discovery
    from prodlint.engine import session

    root = project({"bad.py": BAD, "gone.py": "x = 1\n"})
    real = discovery.discover

    def delete(*words: object, **named: object) -> discovery.Discovered:
        found = real(*words, **named)  # type: ignore[arg-type]
        (root / "gone.py").unlink()
        return found

    monkeypatch.setattr(session, "discover", delete)
    ran = prodlint("check", ".", "--output-format", "concise", cwd=root)
    assert "gone.py" in ran.out
    assert "PRD504" in ran.out


def test_no_colours_in_a_pipe_and_none_with_no_color(project: Project) -> None:
    root = project({"bad.py": BAD})
    command = [sys.executable, "-m", "prodlint", "check", ".", "--output-format", "full"]
    plain = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ, "NO_COLOR": "1"})
    forced = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ, "FORCE_COLOR": "1"})
    assert "\x1b[" not in plain.stdout
    assert "\x1b[" in forced.stdout
