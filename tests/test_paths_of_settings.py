"""The settings of a linted tree name no place outside it; the command line may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Run = Callable[..., Ran]
BAD = "import requests\nrequests.get('https://orders.test')\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project beside a folder of somebody else's."""
    root = tmp_path / "tree"
    (root / ".git").mkdir(parents=True)
    (root / "app.py").write_text(BAD)
    (root / "nested").mkdir()
    (root / "nested" / "bad.py").write_text(BAD)
    (root / "rules" / "team").mkdir(parents=True)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "results").write_text("important")
    (root / "link").symlink_to(precious)
    return root


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


PLACES = ["../precious", "{outside}", "~/precious", "link", "link/below", "nested/../../precious", "../precious/new"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", ["cache-dir", "baseline", "extend-rules"])
@pytest.mark.parametrize("name", ["prodlint.toml", "pyproject.toml", "nested/prodlint.toml"])
def test_a_setting_that_leaves_the_tree_is_refused(
    prodlint: Run, tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, key: str, place: str
) -> None:
    outside = tree.parent / "precious"
    monkeypatch.setenv("HOME", str(tree.parent))
    value = place.format(outside=outside)
    if name.startswith("nested/") and value[0] not in "/~":
        value = f"../{value}"
    header = "[tool.prodlint]\n" if name == "pyproject.toml" else ""
    (tree / name).write_text(f"{header}{key} = {[value] if key == 'extend-rules' else repr(value)}\n")
    before = everything(outside)
    for verb in ("check", "baseline", *(("report", "clean") if place == "link" else ())):
        ran = prodlint(verb, *((str(tree / "nested"),) if verb == "clean" and "nested" in name else ()), cwd=tree)
        assert ran.code == 2, (verb, ran.out)
        assert f"`{key}` names" in ran.err and "outside the project" in ran.err
        assert f"{name}:" in ran.err
    assert everything(outside) == before


def test_the_root_of_all_is_no_folder_of_rules(prodlint: Run, tree: Path) -> None:
    (tree / "prodlint.toml").write_text('extend-rules = ["/"]\n')
    assert prodlint("check", cwd=tree).code == 2


def test_what_stays_inside_is_fine(prodlint: Run, tree: Path) -> None:
    (tree / "prodlint.toml").write_text('cache-dir = "build/cache"\nextend-rules = ["rules/team"]\n')
    (tree / "nested" / "prodlint.toml").write_text('extend-rules = ["../rules/team"]\n')
    assert prodlint("check", cwd=tree).code == 1
    assert (tree / "build" / "cache" / "results").is_file()


def test_the_command_line_may_leave_the_tree(prodlint: Run, tree: Path) -> None:
    outside = tree.parent / "elsewhere"
    ran = prodlint("check", "--cache-dir", str(outside / "cache"), cwd=tree)
    assert ran.code == 1
    assert (outside / "cache" / "results").is_file()
    assert prodlint("baseline", "--baseline", str(outside / "known"), cwd=tree).code == 0
    assert prodlint("check", "--baseline", "../elsewhere/known", cwd=tree).code == 0
    assert prodlint("check", "--config", f'baseline="{outside / "known"}"', cwd=tree).code == 0
    (outside / "ours.toml").write_text('baseline = "known"\ncache-dir = "cache"\n')
    assert prodlint("check", "--config", "../elsewhere/ours.toml", cwd=tree).code == 0


def test_a_settings_file_in_the_tree_stays_bound_when_it_is_named(prodlint: Run, tree: Path) -> None:
    (tree / "strict.toml").write_text('cache-dir = "../precious"\n')
    assert prodlint("check", "--config", "strict.toml", cwd=tree).code == 2
    (tree.parent / "shared.toml").write_text('cache-dir = "precious"\n')
    (tree / "prodlint.toml").write_text('extend = "../shared.toml"\n')
    assert prodlint("check", cwd=tree).code == 2


def test_a_cache_directory_that_holds_other_things_is_left_alone(prodlint: Run, tree: Path) -> None:
    (tree / "src").mkdir()
    (tree / "src" / "results").write_text("important")
    (tree / "prodlint.toml").write_text('cache-dir = "src"\n')
    assert prodlint("check", cwd=tree).code == 1
    assert prodlint("clean", cwd=tree).code == 0
    assert everything(tree / "src") == {"results": "important"}
    assert prodlint("check", "--cache-dir", str(tree.parent / "precious"), cwd=tree).code == 1
    assert everything(tree.parent / "precious") == {"results": "important"}


def test_the_checklists_own_pages(prodlint: Run, tree: Path) -> None:
    (tree / "prodlint.toml").write_text('[checklist]\npages = ["../precious"]\n')
    ran = prodlint("report", cwd=tree)
    assert ran.code == 2 and "outside the project" in ran.err
