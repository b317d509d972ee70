from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from prodlint.configuration.discover import Discovered, discover
from prodlint.configuration.kinds import KINDS, kind_by_shebang, kind_of
from prodlint.configuration.root import project_root
from prodlint.configuration.settings import NestedSettings, Settings, load
from tests.limits import cpu_limit


def tree(root: Path, *paths: str) -> Path:
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
    return root


def found(root: Path, *paths: str, settings: Settings | None = None, **options: object) -> list[str]:
    return names(search(root, *paths, settings=settings, **options))


def search(root: Path, *paths: str, settings: Settings | None = None, **options: object) -> Discovered:
    settings = settings or load(root, root=root)
    return discover([str(root / path) for path in paths] or [str(root)], settings, root=str(root), **options)  # type: ignore[arg-type]


def names(discovered: Discovered) -> list[str]:
    return [path for path, _, _ in discovered.files]


# ---------------------------------------------------------------- kinds


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("python", "a.py a.pyi a.pyw app.wsgi gunicorn.conf.py env.py"),
        ("notebook", "a.ipynb"),
        (
            "dockerfile",
            "Dockerfile Dockerfile.dev api.Dockerfile Containerfile dockerfile x/Dockerfile-worker SlimDockerfile Dockerfile.j2",
        ),
        ("yaml", "a.yaml a.yml .gitlab-ci.yml env.yaml values.yaml.j2 a.yml.example"),
        ("json", "a.json package.json a.jsonc env.json"),
        ("hcl", "env.hcl env.tfvars"),
        ("toml", "env.toml"),
        ("toml", "a.toml pyproject.toml Pipfile"),
        (
            "ini",
            "a.ini setup.cfg tox.ini alembic.ini supervisord.conf etc/supervisor/conf.d/web.conf pip.conf .pypirc a.properties .coveragerc",
        ),
        ("env", ".env .env.production api.env .env.example .flaskenv env.production .env.local.template"),
        (
            "requirements",
            "requirements.txt requirements-dev.txt dev-requirements.txt requirements.in constraints.txt requirements/base.txt",
        ),
        ("shell", "a.sh a.bash .envrc docker-entrypoint docker-entrypoint.sh"),
        ("makefile", "Makefile makefile GNUmakefile x.mk Makefile.prod"),
        ("procfile", "Procfile Procfile.dev"),
        ("systemd", "web.service"),
        ("nginx", "nginx.conf nginx/default.conf sites-available/app.conf nginx.conf.template proxy.nginx"),
        ("markdown", "README.md a.markdown README"),
        ("hcl", "a.tf"),
        ("text", "a.rst a.txt a.js .npmrc .netrc id_rsa key.pem page.html main.py.j2 settings.py.tmpl redis.conf"),
        ("jenkinsfile", "Jenkinsfile Jenkinsfile.release"),
        ("sql", "a.sql"),
        ("ignore", ".gitignore .dockerignore api.dockerignore Dockerfile.dockerignore"),
        (
            "text",
            "a.svg a.min.js package-lock.json yarn.lock Cargo.lock a.css a.csv a.jsonl a.log deploy_key .git-credentials a.patch server.crt",
        ),
        ("env", ".dev.vars .secrets"),
        ("yaml", "kubeconfig .kube/config"),
        ("lock", "poetry.lock pylock.prod.toml uv.lock Pipfile.lock pdm.lock pylock.toml"),
    ],
)
def test_the_kind_of_a_file_is_in_its_name(kind: str, paths: str) -> None:
    assert kind in KINDS
    assert {path: kind_of(path) for path in paths.split()} == dict.fromkeys(paths.split(), kind)


@pytest.mark.parametrize("path", "a.png app.js.map go.sum a.pyc LICENSE x monkey keys.png".split())
def test_what_prodlint_does_not_read(path: str) -> None:
    assert kind_of(path) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"#!/usr/bin/env python3\n", "python"),
        (b"#!/usr/bin/python -u\nx", "python"),
        (b"#!/usr/bin/env -S uv run --script\n", "python"),
        (b"#!/bin/sh\n", "shell"),
        (b"#! /usr/bin/env bash", "shell"),
        (b"#!/usr/bin/perl\n# python", None),
        (b"\x7fELF python", None),
    ],
)
def test_the_kind_of_a_script_is_in_its_first_line(head: bytes, kind: str | None) -> None:
    assert kind_by_shebang(head) == kind


def test_an_executable_without_extension_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("#!/usr/bin/env python3\n")
    (tmp_path / "serve").chmod(0o755)
    (tmp_path / "notes").write_text("#!/usr/bin/env python3\n")
    assert search(tmp_path).files == [("serve", str(tmp_path / "serve"), "python")]


def test_settings_give_files_a_kind(tmp_path: Path) -> None:
    tree(tmp_path, "deploy/app.conf", "x/app.conf", "secrets.dat")
    (tmp_path / "prodlint.toml").write_text('[files]\n"deploy/*.conf" = "env"\n"*.dat" = "ini"\n')
    kinds = {path: kind for path, _, kind in search(tmp_path).files}
    assert kinds == {"deploy/app.conf": "env", "x/app.conf": "text", "secrets.dat": "ini", "prodlint.toml": "toml"}
    assert search(tmp_path, "secrets.dat").files[0][2] == "ini"


# ---------------------------------------------------------------- what is left out


def test_what_holds_no_code_of_the_project_is_left_out(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "src/a.py",
        ".venv/a.py",
        "env3/pyvenv.cfg",
        "env3/lib/a.py",
        "node_modules/a.py",
        "src/__pycache__/a.py",
        ".git/hooks/a.py",
        ".tox/a.py",
        "pyproject.toml",
        "build/lib/a.py",
        "dist/a.py",
        "src/features/build/a.py",
    )
    assert found(tmp_path) == ["pyproject.toml", "src/a.py", "src/features/build/a.py"]


def test_exclude_replaces_and_extend_exclude_adds(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.py", "b/x.py", "c/x.py", "build/x.py", "venv/x.py")
    (tmp_path / "prodlint.toml").write_text('extend-exclude = ["a", "/b/*.py"]')
    assert found(tmp_path, "a", "b", "c", "build", "venv") == ["build/x.py", "c/x.py"]
    (tmp_path / "prodlint.toml").write_text('exclude = ["a"]')
    assert found(tmp_path) == ["b/x.py", "build/x.py", "c/x.py", "prodlint.toml", "venv/x.py"]


def test_ignore_files_hold_without_git_nested_and_with_exceptions(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "gen/a.py", "gen/kept.py", "sub/a.py", "sub/b.py", "sub/deep/c.py", "tmp/d.py", "logs/x.py")
    (tmp_path / ".gitignore").write_text("gen/*\n!gen/kept.py\ntmp/\n*.log\n")
    (tmp_path / "sub" / ".gitignore").write_text("/a.py\ndeep/\n")
    (tmp_path / ".git" / "info").mkdir(parents=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("logs\n")
    kept = ["a.py", "gen/kept.py", "sub/b.py"]
    assert [path for path in found(tmp_path) if path.endswith(".py")] == kept
    everything = load(tmp_path, ["respect-gitignore = false"], root=tmp_path)
    assert len([path for path in found(tmp_path, settings=everything) if path.endswith(".py")]) == 8


WAYS_IN = ["{root}", "{root}/a/b.py", "./a/b.py", "a/b.py", "a", "../{name}/a/b.py"]


@pytest.mark.parametrize("excluded", [True, False])
@pytest.mark.parametrize("way", [*WAYS_IN, "-"])
def test_the_same_files_whatever_the_way_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, excluded: bool) -> None:
    tree(tmp_path, "a/b.py", "a/c.py")
    (tmp_path / ".git").mkdir()
    (tmp_path / "prodlint.toml").write_text('extend-exclude = ["a/b.py"]' if excluded else "")
    monkeypatch.chdir(tmp_path)
    given = way.format(root=tmp_path, name=tmp_path.name)
    result = discover([given], load(tmp_path, root=tmp_path), stdin_filename="a/b.py" if way == "-" else None)
    assert result.root == str(tmp_path)
    assert ("a/b.py" in names(result)) is not excluded
    if excluded and "b.py" in given + ("b.py" if way == "-" else ""):
        assert result.excluded == [("a/b.py", "`exclude` leaves it out")]
    included = load(tmp_path, root=tmp_path)
    included = included.__class__(**{**{name: getattr(included, name) for name in included.__slots__}, "include_excluded": True})
    assert "a/b.py" in names(discover([given], included, stdin_filename="a/b.py" if way == "-" else None))


def test_from_a_subdirectory_paths_start_at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/b.py", "c.py")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert names(discover(["."], Settings(root=str(tmp_path)))) == ["a/b.py"]
    assert names(discover(["../c.py", "b.py"], Settings(root=str(tmp_path)))) == ["a/b.py", "c.py"]


def test_a_file_given_twice_is_checked_once(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.py")
    assert found(tmp_path, "a/b.py", "a", "", "a/b.py") == ["a/b.py"]


def test_the_whole_project_is_told_from_a_part(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.py")
    assert search(tmp_path).whole
    assert not search(tmp_path, "a").whole
    assert not search(tmp_path, "a/b.py").whole


def test_an_ignored_directory_is_not_entered_even_when_named(tmp_path: Path) -> None:
    tree(tmp_path, "out/a.py")
    (tmp_path / ".gitignore").write_text("out/\n")
    result = search(tmp_path, "out", "out/a.py")
    assert names(result) == []
    assert result.excluded == [("out", "`.gitignore` leaves it out"), ("out/a.py", "`.gitignore` leaves it out")]


# ---------------------------------------------------------------- settings below the root


def test_settings_of_a_directory_hold_from_there(tmp_path: Path) -> None:
    tree(tmp_path, "a/x/1.py", "a/y/2.py", "b/x/3.py", "b/y/4.py")
    (tmp_path / "prodlint.toml").write_text('extend-exclude = ["y"]')
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.prodlint]\nextend-exclude = ["/x"]\n')
    top = load(tmp_path, root=tmp_path)
    nearest = NestedSettings(lambda settings: settings)
    result = search(tmp_path, settings=top, nearest=nearest)
    assert [path for path in names(result) if path.endswith(".py")] == ["a/y/2.py", "b/x/3.py"]
    assert {path: settings.extend_exclude for path, settings in result.settings.items()} == {"a": ("/x",)}
    below = load(tmp_path / "a", root=tmp_path)
    assert below.extend_exclude == ("/x",)
    part = search(tmp_path, "a", settings=below, nearest=NestedSettings(lambda settings: settings))
    assert [path for path in names(part) if path.endswith(".py")] == ["a/y/2.py"]


# ---------------------------------------------------------------- odd files


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
def test_what_cannot_be_read_is_said_and_nothing_hangs(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.py")
    os.symlink(tmp_path / "a", tmp_path / "a" / "loop")
    os.symlink("self.py", tmp_path / "self.py")
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        old = os.getcwd()
        os.chdir(tmp_path)
        server.bind("sock.py")
        os.chdir(old)
        result = search(tmp_path)
        named = search(tmp_path, "pipe.py", "missing.py", "self.py", "bad\0name.py")
    assert names(result) == ["a/b.py"]
    assert [(item.path, item.why) for item in result.unchecked] == [("pipe.py", "not a regular file"), ("sock.py", "not a regular file")]
    assert [item.path for item in named.unchecked] == ["bad\0name.py", "missing.py", "pipe.py", "self.py"]
    assert named.unchecked[1].why == "no such file or directory"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_directory_is_said(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.py", "c/d.py")
    (tmp_path / "a").chmod(0)
    try:
        result = search(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o755)
    assert names(result) == ["c/d.py"]
    assert [(item.path, item.why) for item in result.unchecked] == [("a", "permission denied")]


def test_a_named_link_is_followed(tmp_path: Path) -> None:
    tree(tmp_path, "real.py")
    os.symlink("real.py", tmp_path / "link.py")
    assert found(tmp_path) == ["real.py"]
    assert found(tmp_path, "link.py") == ["link.py"]


def test_names_that_are_not_text_and_a_deep_tree(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 300) + "/a.py"
    tree(tmp_path, deep, "a b/\u00e9#%.py")
    assert found(tmp_path) == ["a b/\u00e9#%.py", deep]


@pytest.mark.skipif(sys.platform == "win32", reason="paths are shorter there")
def test_a_path_of_a_thousand_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ["d"] * 1200
    monkeypatch.chdir(tmp_path)
    for start in range(0, len(parts), 100):
        os.makedirs("/".join(parts[start : start + 100]))
        os.chdir("/".join(parts[start : start + 100]))
    Path("a.py").write_text("")
    os.chdir(tmp_path)
    deep = "/".join([*parts, "a.py"])
    (tmp_path / "prodlint.toml").write_text('[files]\n"*.nothing" = "env"')
    try:
        assert found(tmp_path, deep) == [deep]
        assert deep in found(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # shutil.rmtree recurses


# ---------------------------------------------------------------- the root


def test_the_root_is_where_git_or_the_settings_are(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/c.py", "a/b/d/e.py")
    assert project_root([str(tmp_path / "a/b/c.py")]) == str(tmp_path / "a/b")
    assert project_root([str(tmp_path / "a/b/c.py"), str(tmp_path / "a/b/d/e.py")]) == str(tmp_path / "a/b")
    (tmp_path / "a" / "pyproject.toml").write_text("")
    assert project_root([str(tmp_path / "a/b/d")]) == str(tmp_path / "a")
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    assert project_root([str(tmp_path / "a/b/d")]) == str(tmp_path)


# ---------------------------------------------------------------- agreement with git, and time

NAMES = st.sampled_from(["a", "b", "x.py", "y.py", "lib", "src"])
IGNORES = st.lists(st.sampled_from(["a", "b/", "/src", "*.py", "!x.py", "src/*", "!src/lib", "**/lib/*.py", "/a/b", "!/a"]), max_size=4)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    paths=st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12),
    ignores=st.dictionaries(st.sampled_from(["", "a/", "src/", "src/lib/"]), IGNORES, max_size=3),
)
def test_the_same_files_as_git(tmp_path_factory: pytest.TempPathFactory, paths: list[str], ignores: dict[str, list[str]]) -> None:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for path in paths:
        target = root / f"{path}.py"
        if not any(parent.is_file() for parent in target.parents) and not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("")
    for directory, lines in ignores.items():
        if (root / directory).is_dir():
            (root / directory / ".gitignore").write_text("\n".join(lines) + "\n")
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-per-directory=.gitignore", "-z"], check=True, capture_output=True
    )
    expected = sorted(path for path in listed.stdout.decode().split("\0") if path.endswith(".py"))
    assert [path for path in found(root) if path.endswith(".py")] == expected


def test_naming_every_file_costs_no_more_than_a_few_walks(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n/x\n")
    for directory in range(40):
        (tmp_path / f"d{directory}").mkdir()
        for file in range(50):
            (tmp_path / f"d{directory}" / f"f{file}.py").touch()
    settings = load(tmp_path, root=tmp_path)
    walked = search(tmp_path, settings=settings)
    with cpu_limit(20):
        named = discover([absolute for _, absolute, _ in walked.files], settings, root=str(tmp_path))
    assert named.files == walked.files
    assert len(named.files) == 2001
