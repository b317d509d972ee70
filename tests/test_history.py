"""`prodlint secrets --history`: each secret once, with the commit that brought it, and whether it still stands in HEAD."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prodlint.checks.secrets.formats import sample_token

PASSWORD = sample_token("random")
OTHER = sample_token("random", 7)
GITLAB = sample_token("gitlab")


def git(root: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, files: dict[str, str | None], date: str = "2025-03-01T10:00:00+01:00") -> str:
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            target.unlink()
        else:
            target.write_text(text, encoding="utf-8")
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "x", "--date", date)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def look(root: Path, prodlint: Callable[..., Any]) -> Look:
    def run(*words: str) -> list[dict[str, Any]]:
        ran = prodlint("secrets", str(root), "--isolated", "--root", str(root), "-j", "1", "--output-format", "json", "--exit-zero", *words)
        assert ran.code == 0, ran.err
        found: list[dict[str, Any]] = json.loads(ran.out)["findings"]
        return found

    return run


def test_what_was_removed_is_found_with_its_commit(root: Path, look: Look) -> None:
    commit(root, {"app.py": "A = 1\n"})
    brought = commit(root, {"app.py": f'A = 1\nDB_PASSWORD = "{PASSWORD}"\n'}, "2025-03-02T10:00:00+01:00")
    commit(root, {"app.py": "A = 1\nB = 2\n"})
    (found,) = look()
    assert (found["code"], found["path"], found["line"]) == ("PRD104", "app.py", 2)
    assert (found["commit"], found["authorDate"], found["inHead"]) == (brought, "2025-03-02T10:00:00+01:00", False)


def test_what_stands_still_is_told_apart(root: Path, look: Look) -> None:
    commit(root, {"app.py": f'TOKEN = "{GITLAB}"\n'})
    commit(root, {"app.py": f'TOKEN = "{GITLAB}"\nB = 2\n'})
    assert [(found["code"], found["inHead"]) for found in look()] == [("PRD101", True)]


def test_the_same_secret_in_many_files_is_one(root: Path, look: Look) -> None:
    first = commit(root, {"a.py": f'TOKEN = "{GITLAB}"\n'})
    commit(root, {"b.yaml": f"token: {GITLAB}\n", "c.md": f"Use {GITLAB}.\n"})
    (found,) = look()
    assert (found["path"], found["commit"]) == ("a.py", first)
    assert {related["path"] for related in found["related"]} == {"b.yaml", "c.md"}


def test_an_env_file_that_is_ignored_now(root: Path, look: Look) -> None:
    commit(root, {".env": f"LOG=1\nDB_PASSWORD={PASSWORD}\n"})
    commit(root, {".env": None, ".gitignore": ".env\n"})
    assert [(found["code"], found["path"], found["line"]) for found in look()] == [("PRD108", ".env", 2)]


def test_a_check_says_that_an_ignored_env_file_stands_in_the_history(root: Path, prodlint: Callable[..., Any]) -> None:
    commit(
        root, {".env": f"LOG=1\nDB_PASSWORD={PASSWORD}\nAPI_TOKEN={OTHER}\n", ".env.example": "DB_PASSWORD=\n"}, "2025-03-02T10:00:00+01:00"
    )
    commit(root, {".env": None, ".gitignore": "*.pyc\n.env\n"})
    ran = prodlint("check", str(root), "--isolated", "--root", str(root), "--select", "PRD108", "--output-format", "json", "--no-cache")
    (found,) = json.loads(ran.out)["findings"]
    assert (found["path"], found["line"], found["priority"]) == (".gitignore", 2, "P1")
    assert "2025-03-02 brought `DB_PASSWORD` and 1 more" in found["message"]
    assert PASSWORD[:8] not in ran.out


def test_an_env_file_that_never_held_a_secret(root: Path, prodlint: Callable[..., Any]) -> None:
    commit(root, {".env": "LOG=1\n", ".env.example": "DB_PASSWORD=\n"})
    commit(root, {".env": None, ".gitignore": ".env\n"})
    ran = prodlint("check", str(root), "--isolated", "--root", str(root), "--select", "PRD108", "--output-format", "json", "--no-cache")
    assert json.loads(ran.out)["findings"] == []


def test_a_range_of_commits(root: Path, look: Look) -> None:
    first = commit(root, {"a.py": f'DB_PASSWORD = "{PASSWORD}"\n'})
    commit(root, {"b.py": f'DB_PASSWORD = "{OTHER}"\n'})
    assert [found["path"] for found in look("--history", f"{first}..HEAD")] == ["b.py"]
    assert [found["path"] for found in look("--history")] == ["a.py", "b.py"]


def test_a_branch_and_a_merge(root: Path, look: Look) -> None:
    commit(root, {"a.py": "A = 1\n"})
    git(root, "checkout", "-q", "-b", "side")
    commit(root, {"side.py": f'DB_PASSWORD = "{PASSWORD}"\n'})
    git(root, "checkout", "-q", "main")
    commit(root, {"a.py": "A = 2\n"})
    git(root, "merge", "-q", "--no-commit", "side")
    commit(root, {"merged.py": f'DB_PASSWORD = "{OTHER}"\n'})
    assert [found["path"] for found in look()] == ["merged.py", "side.py"]


def test_a_value_that_changes_below_its_name(root: Path, look: Look) -> None:
    text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      env:\n        - name: DB_PASSWORD\n          value: {}\n"
    commit(root, {"pod.yaml": text.format(PASSWORD)})
    commit(root, {"pod.yaml": text.format(OTHER)})
    commit(root, {"pod.yaml": text.format("$(DB)")})
    assert [found["line"] for found in look()] == [8, 8]


def test_ignores_and_odd_names(root: Path, look: Look) -> None:
    commit(root, {"a.py": f'DB_PASSWORD = "{PASSWORD}"  # prodlint: ignore[PRD104] -- revoked\n'})
    commit(root, {'odd "näme".py': f'DB_PASSWORD = "{OTHER}"\n', "node_modules/x.js": f'const apiToken = "{PASSWORD}";\n'})
    assert [found["path"] for found in look()] == ['odd "näme".py']


def test_sarif_has_the_commit_and_no_value(root: Path, prodlint: Callable[..., Any]) -> None:
    brought = commit(root, {"app.py": f'DB_PASSWORD = "{PASSWORD}"\n'})
    ran = prodlint("secrets", str(root), "--isolated", "--root", str(root), "-j", "1", "--output-format", "sarif")
    assert ran.code == 1
    (result,) = json.loads(ran.out)["runs"][0]["results"]
    assert result["properties"]["commit"] == brought
    assert result["properties"]["inHead"] is True
    assert PASSWORD[:8] not in ran.out + ran.err


def test_several_processes_say_the_same(root: Path, prodlint: Callable[..., Any]) -> None:
    for number in range(70):
        commit(
            root, {f"a{number}.py": f'A = {number}\nDB_PASSWORD = "{sample_token("random", number)}"\n', f"b{number}.py": f"B = {number}\n"}
        )
    one, two = (
        prodlint("secrets", str(root), "--isolated", "--root", str(root), "-j", jobs, "--output-format", "json").out for jobs in ("1", "2")
    )
    assert one == two
    assert len(json.loads(one)["findings"]) == 70


@pytest.mark.parametrize(("words", "told"), [(("--history", "nope"), "nope"), (("--history=--output=x",), "no revision")])
def test_what_cannot_be_read_is_said(root: Path, prodlint: Callable[..., Any], words: tuple[str, ...], told: str) -> None:
    commit(root, {"a.py": "A = 1\n"})
    ran = prodlint("secrets", str(root), "--isolated", *words)
    assert ran.code == 2
    assert told in ran.err


def test_outside_of_a_repository(tmp_path: Path, prodlint: Callable[..., Any]) -> None:
    ran = prodlint("secrets", str(tmp_path), "--isolated", "--root", str(tmp_path))
    assert ran.code == 2
    assert "no git repository" in ran.err
