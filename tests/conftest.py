"""What every test shares: a clean environment, and prodlint run as a person runs it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from prodlint.commands.cli import main

# No example is too slow: a busy machine is no fault. In CI a run tries what the last one tried; by hand each run tries something else.
hypothesis.settings.register_profile("prodlint", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("prodlint")

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Ran:
    """What a run printed, and its exit code."""

    code: int
    out: str
    err: str


Project = Callable[[Mapping[str, "str | bytes"]], Path]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, no CI and no git settings of the machine."""
    for name in list(os.environ):
        if name in ("NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS") or name.startswith(("GIT_", "GITHUB_", "PRODLINT_OUTPUT")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Writes files into a folder of their own."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        for name, content in files.items():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return write


@pytest.fixture
def prodlint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ran]]:
    """Runs the command line in this process, from a folder."""

    def run(*words: str, cwd: Path | None = None) -> Ran:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(list(words))
            except SystemExit as stopped:
                code = stopped.code if isinstance(stopped.code, int) else 1
        return Ran(code, out.getvalue(), err.getvalue())

    yield run
