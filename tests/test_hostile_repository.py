"""A linted tree brings a repository whose configuration names programs: none of them ever runs, whatever prodlint is asked."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]

SOURCES = {
    "app.py": "import requests\n\n\ndef load(url):\n    return requests.get(url)\n",
    ".env": "SECRET_KEY=hunter2abc9X\n",
    "pyproject.toml": '[project]\nname = "orders"\nversion = "1"\ndependencies = ["requests"]\n',
    "READINESS.md": "- [x] Every outgoing request has a timeout\n",
}
HOOKS = ("post-checkout", "post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman", "post-merge", "pre-auto-gc")
COMMANDS = (
    "cat-file",
    "config",
    "diff",
    "diff-index",
    "for-each-ref",
    "hash-object",
    "log",
    "ls-files",
    "ls-tree",
    "merge-base",
    "rev-parse",
    "show",
    "status",
)


def git(root: Path, *words: str) -> str:
    environment = {
        **os.environ,
        "HOME": str(root),
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True, env=environment).stdout.strip()


def settings(marker: Path, root: Path) -> Iterator[tuple[str, str]]:
    """Everything in a repository's configuration that names a program, each with a mark of its own."""

    def run(name: str) -> str:
        return f"touch '{marker}/{name}'"

    yield "core.fsmonitor", run("fsmonitor")
    for key in ("pager", "editor", "sshCommand", "gitProxy", "askPass", "alternateRefsCommand"):
        yield f"core.{key}", run(f"core-{key}")
    yield "core.hooksPath", str(root / "hooks")
    yield "core.attributesFile", str(root / "attributes")
    for key in ("clean", "smudge", "process"):
        yield f"filter.evil.{key}", run(f"filter-{key}")
    yield "filter.evil.required", "true"
    for key in ("command", "textconv"):
        yield f"diff.evil.{key}", run(f"diff-{key}")
    yield "diff.external", run("diff-external")
    yield "merge.evil.driver", run("merge-driver")
    yield "interactive.diffFilter", run("diff-filter")
    yield "gpg.program", run("gpg")
    yield "log.showSignature", "true"
    yield "uploadpack.packObjectsHook", run("pack-objects")
    yield "credential.helper", f"!{run('credential')}"
    yield "protocol.allow", "always"
    yield "protocol.ext.allow", "always"
    yield "remote.origin.url", f"ext::sh -c {run('ext').replace(' ', '% ')}"
    yield "remote.origin.uploadpack", run("uploadpack")
    yield "remote.origin.promisor", "true"
    yield "remote.origin.partialclonefilter", "blob:none"
    yield "extensions.partialClone", "origin"
    yield "include.path", str(root / "included")
    for command in COMMANDS:
        yield f"alias.{command}", f"!{run(f'alias-{command}')}"
        yield f"pager.{command}", run(f"pager-{command}")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    made = tmp_path / "marker"
    made.mkdir()
    return made


@pytest.fixture
def tree(tmp_path: Path, marker: Path) -> Path:
    """A service with two commits, whose repository would run a program at every turn."""
    root = tmp_path / "service"
    root.mkdir()
    for name, text in SOURCES.items():
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-f", "-A")
    git(root, "commit", "-q", "-m", "first")
    (root / "app.py").write_text(SOURCES["app.py"] + "\n\ndef store(url):\n    return requests.post(url)\n")
    git(root, "commit", "-q", "-a", "-m", "second")
    (root / "more.py").write_text("import requests\nrequests.get('http://x')\n")
    (root / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (root / "attributes").write_text("* filter=evil diff=evil merge=evil\n")
    (root / ".git" / "info" / "attributes").write_text("* filter=evil diff=evil merge=evil\n")
    (root / "included").write_text(f"[core]\n\tfsmonitor = touch '{marker}/included'\n")
    for folder in (root / "hooks", root / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in HOOKS:
            (folder / name).write_text(f"#!/bin/sh\ntouch '{marker}/hook-{name}'\n")
            (folder / name).chmod(0o755)
    with (root / ".git" / "config").open("a") as config:
        for key, value in settings(marker, root):
            section, _, rest = key.partition(".")
            middle, _, name = rest.rpartition(".")
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            header = f'{section} "{middle}"' if middle else section
            config.write(f'[{header}]\n\t{name} = "{quoted}"\n')
    return root


def marks(marker: Path) -> list[str]:
    return sorted(path.name for path in marker.iterdir())


ASKED = [
    ("check",),
    ("check", "--exhaustive", "-j", "1", "--select", "ALL"),
    ("check", "--since", "HEAD~1"),
    ("check", "--since", "main~1", "--select", "ALL"),
    ("check", "--since", "HEAD@{0}"),
    ("check", "--since", "@{upstream}"),
    ("check", "--output-format", "sarif"),
    ("check", "--fix", "--diff"),
    ("check", "--fix", "--unsafe-fixes"),
    ("check", "--add-ignore"),
    ("check", "--show-files"),
    ("check", "--show-settings"),
    ("check", "--timings"),
    ("baseline",),
    ("report",),
    ("report", "--output-format", "html"),
    ("checklist", "READINESS.md"),
    ("init",),
    ("rule", "PRD504"),
    ("clean",),
    ("version", "-v"),
]


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_nothing_that_the_repository_names_runs(prodlint: Run, tree: Path, marker: Path, words: tuple[str, ...]) -> None:
    ran = prodlint(*words, cwd=tree)
    assert ran.code in (0, 1, 2), ran.err
    assert "Traceback" not in ran.err
    assert marks(marker) == []


def test_the_traps_work(tree: Path, marker: Path) -> None:
    """Git itself, asked in the plain way, does run what was planted: so the tests above could fail."""
    for words in (("ls-files",), ("status",), ("diff", "HEAD~1")):
        subprocess.run(["git", *words], cwd=tree, capture_output=True)
    found = marks(marker)
    assert {"fsmonitor", "filter-process"} & set(found)
    assert len(found) >= 2


def test_what_changed_is_still_told(prodlint: Run, tree: Path, marker: Path) -> None:
    ran = prodlint("check", "--since", "HEAD~1", "--select", "PRD504", "--output-format", "concise", cwd=tree)
    assert ran.code == 1
    assert [line.split(":")[0] for line in ran.out.splitlines() if "PRD504" in line] == ["app.py", "more.py"]
    assert "PRD108" in prodlint("check", "--select", "PRD108", cwd=tree).out
    assert marks(marker) == []


def test_a_partial_clone_fetches_nothing(prodlint: Run, tree: Path, marker: Path) -> None:
    blob = git(tree, "-c", "core.fsmonitor=false", "rev-parse", "HEAD~1:app.py")
    for path in marker.iterdir():
        path.unlink()
    lost = tree / ".git" / "objects" / blob[:2] / blob[2:]
    lost.chmod(stat.S_IWUSR)
    lost.unlink()
    ran = prodlint("check", "--since", "HEAD~1", "--select", "PRD504", cwd=tree)
    assert ran.code == 2
    assert "`app.py` as it was is not in this partial clone" in ran.err
    assert marks(marker) == []


@pytest.mark.parametrize(
    "words", [("check",), ("check", "--since", "HEAD"), ("report",), ("baseline",), ("check", "--fix", "--diff"), ("init",)], ids=" ".join
)
@pytest.mark.parametrize("below", ["", "sub"])
def test_a_folder_that_looks_like_a_bare_repository_is_none(
    prodlint: Run, tmp_path: Path, marker: Path, words: tuple[str, ...], below: str
) -> None:
    root = tmp_path / "t" / below
    for folder in ("objects", "refs"):
        (root / folder).mkdir(parents=True)
    (root / "HEAD").write_text("ref: refs/heads/m\n")
    (root / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tworktree = .\n\tfsmonitor = ./run.sh\n")
    (root / "run.sh").write_text(f"#!/bin/sh\ntouch '{marker}/bare'\n")
    (root / "run.sh").chmod(0o755)
    for name, text in SOURCES.items():
        (root / name).write_text(text)
    ran = prodlint(*words, *(("--root", below, below) if below else ()), cwd=tmp_path / "t")
    assert ran.code in (0, 1, 2), ran.err
    assert marks(marker) == []


def test_a_git_file_leads_to_no_program(prodlint: Run, tree: Path, marker: Path, tmp_path: Path) -> None:
    (tree / ".git").rename(tree / "store")
    (tree / ".git").write_text("gitdir: store\n")
    ran = prodlint("check", "--since", "HEAD~1", "--select", "PRD504,PRD108", cwd=tree)
    assert ran.code == 1, ran.err
    assert "PRD504" in ran.out
    assert marks(marker) == []


def test_the_working_tree_is_where_git_lies(prodlint: Run, tree: Path, tmp_path: Path, marker: Path) -> None:
    """`core.worktree` leads nowhere."""
    other = tmp_path / "other"
    other.mkdir()
    git(tree, "config", "core.worktree", str(other))
    ran = prodlint("check", "--since", "HEAD~1", "--select", "PRD504", "--output-format", "concise", cwd=tree)
    assert "app.py" in ran.out
    assert marks(marker) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_repository_of_another_user_is_refused_unless_it_is_trusted(
    prodlint: Run, tree: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.chown(tree / ".git", 4711)
    ran = prodlint("check", "--since", "HEAD~1", cwd=tree)
    assert ran.code == 2
    assert "belongs to another user" in ran.err and "safe.directory" in ran.err
    own = tree.parent / "gitconfig"
    own.write_text(f"[safe]\n\tdirectory = {tree}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    assert prodlint("check", "--since", "HEAD~1", "--select", "PRD504", cwd=tree).code == 1
    # What the repository's own configuration says of itself counts for nothing.
    own.write_text("")
    git(tree, "-c", "safe.directory=*", "config", "--file", str(tree / ".git" / "config"), "safe.directory", "*")
    assert prodlint("check", "--since", "HEAD~1", cwd=tree).code == 2
    assert marks(marker) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize(
    "name",
    [
        "HEAD",
        "packed-refs",
        "config",
        "index",
        "refs/heads/pipe",
        "objects/pack/pack-1.idx",
        "objects/info/alternates",
        "commondir",
        "shallow",
    ],
)
def test_a_pipe_in_the_repository_makes_nobody_wait(prodlint: Run, tree: Path, name: str) -> None:
    path = tree / ".git" / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    ran = prodlint("check", "--since", "HEAD~1", "--select", "PRD108,PRD504", cwd=tree)
    assert ran.code in (1, 2), ran.err
    assert "Traceback" not in ran.err


# ---------------------------------------------------------------- who starts programs

STARTERS = {"subprocess", "pty", "asyncio.subprocess", "distutils.spawn"}
CALLS = {
    "system",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "startfile",
    *(f"{verb}{kind}" for verb in ("exec", "spawn") for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
}


def starters(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names: Mapping[str, object] = {}
        if isinstance(node, ast.Import):
            names = {alias.name: 0 for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {str(node.module): 0}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in CALLS:
            yield f"os.{node.attr}"
        yield from STARTERS & set(names)


def test_three_modules_start_programs() -> None:
    """One starts git; the others, of the fleet and the server, the interpreter that runs already, with prodlint's own module."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "prodlint").rglob("*.py"))
        if list(starters(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == {"prodlint/project/git.py", "prodlint/fleet/process.py", "prodlint/server/background.py"}
