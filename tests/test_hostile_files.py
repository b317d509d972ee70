"""Under any name that prodlint reads by its name a tree may hold a pipe, a device or a folder: nobody waits, and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Project, Ran

Run = Callable[..., Ran]
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")

BAD = "import requests\nrequests.get('https://orders.test')\n"
NAMES = [
    ".gitignore",
    "app/.gitignore",
    ".git/info/exclude",
    ".git/index",
    ".git/config",
    "prodlint.toml",
    "app/prodlint.toml",
    "app/pyproject.toml",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "known",
    "team/resilience/ABC001-a-page.md",
    "requirements.txt",
    "uv.lock",
    "package.json",
    "Dockerfile",
    "compose.yaml",
    "kustomization.yaml",
    ".env",
    ".pre-commit-config.yaml",
    ".gitlab-ci.yml",
    ".github/workflows/ci.yml",
    ".prodlint_cache/results",
    ".prodlint_cache/CACHEDIR.TAG",
    "app/serve",
]
# What the settings ask for by name: without it there is no run.
ASKED_FOR = ("known", "team/resilience/ABC001-a-page.md")


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """A test that waits for ever fails instead."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.fixture
def tree(project: Project) -> Path:
    return project(
        {
            ".git/HEAD": "ref: refs/heads/main\n",
            "app/bad.py": BAD,
            "app/uses.py": "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n",
            "app/serve": "#!/bin/sh\nexec uvicorn app:app --reload\n",
            "service.toml": 'baseline = "known"\nextend-rules = ["team"]\n',
            "known": "# Findings\n",
            "team/resilience/README.md": "x\n",
        }
    )


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("plant", [pipe, endless, folder])
@pytest.mark.parametrize("name", NAMES)
def test_nobody_waits_for_what_is_no_file(prodlint: Run, tree: Path, name: str, plant: Callable[[Path], None]) -> None:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    plant(path)
    config = ("--config", "service.toml") if name in ASKED_FOR else ()
    ran = prodlint("check", ".", "--output-format", "concise", *config, cwd=tree)
    assert "Traceback" not in ran.out + ran.err
    if name in ASKED_FOR and not (plant is folder and name.endswith(".md")):
        assert ran.code == 2, ran.out
        # A link out of the tree is refused before anybody looks at what it leads to.
        assert "not a regular file" in ran.err or (plant is endless and "lies outside the project" in ran.err)
    else:
        assert "bad.py:2:1: PRD504" in ran.out, ran.out + ran.err
        assert ran.code == 1


@pytest.mark.parametrize("verb", ["report", "baseline", "init", "clean"])
@pytest.mark.parametrize(
    "name", [".gitignore", "pyproject.toml", ".prodlint-baseline", ".pre-commit-config.yaml", ".gitlab-ci.yml", ".prodlint_cache/results"]
)
def test_nor_does_another_verb(prodlint: Run, tree: Path, verb: str, name: str) -> None:
    (tree / "service.toml").unlink()
    path = tree / name
    path.parent.mkdir(exist_ok=True)
    pipe(path)
    ran = prodlint(verb, cwd=tree)
    assert ran.code in (0, 1, 2, 3), ran.err
    assert "Traceback" not in ran.out + ran.err
    assert path.is_fifo()


def test_init_writes_nothing_through_a_link(prodlint: Run, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "profile").write_text("mine\n")
    (tree / "service.toml").unlink()
    (tree / "pyproject.toml").symlink_to(outside / "profile")
    assert prodlint("init", cwd=tree).code == 2
    (tree / "pyproject.toml").unlink()
    (tree / ".github").symlink_to(outside)
    assert prodlint("init", cwd=tree).code == 2
    assert sorted(os.listdir(outside)) == ["profile"]
    assert (outside / "profile").read_text() == "mine\n"


@pytest.mark.parametrize("plant", [pipe, endless, folder])
@pytest.mark.parametrize("arguments", [("checklist", "named"), ("report", "--evidence", "named"), ("report", "--compare", "named")])
def test_what_a_user_names_is_a_file(prodlint: Run, tree: Path, plant: Callable[[Path], None], arguments: tuple[str, ...]) -> None:
    plant(tree / "named")
    ran = prodlint(*arguments, cwd=tree)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.out + ran.err
    assert "cannot read `named`" in ran.err


@pytest.mark.parametrize("text", ['{"runs":' + "[" * 100_000, '{"runs": [{"tool": null}]}', '<coverage line-rate="1e400">', "[" * 100_000])
@pytest.mark.parametrize("flag", ["--evidence", "--compare"])
def test_what_a_tool_left_behind_may_be_anything(prodlint: Run, tree: Path, flag: str, text: str) -> None:
    (tree / "left").write_text(text)
    ran = prodlint("report", flag, "left", cwd=tree)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
