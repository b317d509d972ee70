"""What the command line and lists name, as repositories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.configuration.settings import SettingsError
from prodlint.fleet import sources
from tests.conftest import Ran
from tests.fleet.repositories import BAD, bare, commit, write


def test_what_a_word_may_be(tmp_path: Path) -> None:
    commit(tmp_path / "a", {"app.py": BAD})
    bare(tmp_path / "a", tmp_path / "b.git")
    found = sources.read(
        [str(tmp_path / "a"), str(tmp_path / "b.git"), "https://host.test/group/orders.git", "git@host.test:group/pay.git"]
    )
    assert [(each.name, each.kind) for each in found] == [
        ("a", "directory"),
        ("b", "store"),
        ("group/orders", "address"),
        ("group/pay", "address"),
    ]


def test_a_glob_and_a_list(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / "all" / name, {"app.py": BAD})
    listed = write(tmp_path, {"list.tsv": "# name\tsource\tref\n\nfirst\tall/one\nsecond\tall/two\tmain\nthird\tgone\n"}) / "list.tsv"
    assert [each.name for each in sources.read([str(tmp_path / "all" / "*")])] == ["one", "two"]
    found = sources.read([str(listed)])
    assert [(each.name, each.kind, each.ref) for each in found] == [
        ("first", "directory", ""),
        ("second", "store", "main"),
        ("third", "directory", ""),  # is not there, which is the run's to say
    ]
    assert found[0].location == str(tmp_path / "all" / "one")


def test_names_are_told_apart(tmp_path: Path) -> None:
    for name in ("x/api", "y/api", "z/web"):
        write(tmp_path / name, {"app.py": BAD})
    found = sources.read([str(tmp_path / name) for name in ("x/api", "y/api", "z/web", "z/web")])
    assert [each.name for each in found] == ["x/api", "y/api", "web"]
    double = write(tmp_path, {"list": "same\tx/api\nsame\ty/api\n"}) / "list"
    assert [each.name for each in sources.read([str(double)])] == ["x/api", "y/api"]


@pytest.mark.parametrize(
    "word", ["ext::sh -c touch% x", "http://host.test/a.git", "git://host.test/a.git", "fd::7", "nowhere", "no*where", "--upload-pack=x"]
)
def test_what_is_no_source(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError):
        sources.read([word])


@pytest.mark.parametrize("line", ["name", "name\t", "a\tb\tc\td", "name\t.\t--upload-pack=x", "name\t.\ta..b", "name\t.\tmain:x"])
def test_what_is_no_line(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        sources.read([str(write(tmp_path, {"list": f"{line}\n"}) / "list")])


def test_nobody_sees_a_token() -> None:
    address = "https://someone:not-a-token@host.test/group/orders.git"
    (found,) = sources.read([address])
    assert found.location == address
    assert found.shown == "https://host.test/group/orders.git"
    assert "token" not in found.name


@pytest.mark.parametrize("words", [("run", ".", "--out", "o"), ("report", "o"), ("diff", "o")])
def test_without_the_extra_it_says_what_to_install(
    words: tuple[str, ...], prodlint: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from importlib import util

    plain = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name in ("distributed", "pyarrow") else plain(name, *more))
    ran = prodlint("fleet", *words, cwd=tmp_path)
    assert ran.code == 2 and "pip install 'prodlint[fleet]'" in ran.err
    assert not (tmp_path / "o").exists()
