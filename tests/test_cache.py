from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodlint.engine import cache
from prodlint.engine.cache import Cache, clean, digest, open_cache, stamp
from prodlint.user_directory import user_directory

SEEN = (1, 2, 3, 4)
RESULT = (("PRD201", 1, "words", None), b"bytes")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def opened(folder: Path, key: bytes = b"key") -> Cache:
    made = open_cache(str(folder / ".prodlint_cache"), key)
    assert made is not None
    return made


def filled(folder: Path, *paths: str, key: bytes = b"key") -> Path:
    made = opened(folder, key)
    for path in paths:
        made.put(path, SEEN, digest(path.encode()), RESULT)
    assert made.save()
    return folder / ".prodlint_cache" / "results"


def test_a_result_comes_back_by_stamp_and_by_content(tmp_path: Path) -> None:
    filled(tmp_path, "a.py")
    made = opened(tmp_path)
    assert made.get("a.py", SEEN) == RESULT
    assert made.get("a.py", (9, 2, 3, 4)) is None
    assert made.get("b.py", SEEN) is None
    assert made.get_same("a.py", (9, 2, 3, 4), digest(b"a.py")) == RESULT
    assert made.get("a.py", (9, 2, 3, 4)) == RESULT
    assert made.get_same("a.py", SEEN, digest(b"other")) is None


def test_settings_of_a_file_belong_to_its_result(tmp_path: Path) -> None:
    made = opened(tmp_path)
    made.put("a.py", SEEN, b"d", RESULT, "one")
    assert made.get("a.py", SEEN, "one") == RESULT
    assert made.get("a.py", SEEN, "two") is None
    assert made.get_same("a.py", SEEN, b"d", "two") is None


def test_another_key_means_nothing_is_known(tmp_path: Path) -> None:
    filled(tmp_path, "a.py")
    assert len(opened(tmp_path, b"other")) == 0
    assert len(opened(tmp_path)) == 1


def test_a_file_written_just_now_is_not_known_by_its_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x")
    seen = stamp((tmp_path / "a.py").stat())
    made = opened(tmp_path)
    made.put("a.py", seen, b"d", RESULT)
    assert made.get("a.py", seen) is None
    assert made.get_same("a.py", seen, b"d") == RESULT


def test_a_stamp_changes_with_the_content_even_when_the_time_is_set_back(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x")
    before = path.stat()
    path.write_text("y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stamp(path.stat()) != stamp(before) or sys.platform == "win32"


def test_the_directory_is_marked(tmp_path: Path) -> None:
    filled(tmp_path, "a.py")
    folder = tmp_path / ".prodlint_cache"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "CACHEDIR.TAG", "results"]


def test_a_whole_run_forgets_files_that_are_gone(tmp_path: Path) -> None:
    filled(tmp_path, "a.py", "b.py")
    made = opened(tmp_path)
    made.get("a.py", SEEN)
    assert made.save(whole=True)
    assert len(opened(tmp_path)) == 1
    made = opened(tmp_path)
    made.put("c.py", SEEN, b"c", RESULT)
    assert made.save()
    assert len(opened(tmp_path)) == 2


def test_two_runs_at_once_keep_each_others_results(tmp_path: Path) -> None:
    one, two = opened(tmp_path), opened(tmp_path)
    one.put("a.py", SEEN, b"a", RESULT)
    two.put("b.py", SEEN, b"b", RESULT)
    assert one.save() and two.save()
    assert len(opened(tmp_path)) == 2


def test_many_runs_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    def run(number: int) -> bool:
        made = opened(tmp_path)
        made.put(f"{number}.py", SEEN, b"x", RESULT)
        return made.save()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(40)))
    assert len(opened(tmp_path)) >= 1
    assert sorted(path.name for path in (tmp_path / ".prodlint_cache").iterdir()) == [".gitignore", "CACHEDIR.TAG", "results"]


# ---------------------------------------------------------------- hostile and broken files


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_changed_byte_means_nothing_is_known(tmp_path: Path, position: int, byte: int) -> None:
    path = filled(tmp_path, "a.py", "b.py")
    data = bytearray(path.read_bytes())
    position %= len(data)
    changed = data[position] != byte
    data[position] = byte
    path.write_bytes(bytes(data))
    assert len(opened(tmp_path)) == (0 if changed else 2)
    path.unlink()


@pytest.mark.parametrize("data", [b"", b"x", b"prodlint-cache 2\n", b"prodlint-cache 2\n" + b"\0" * 100, b"\xe3" * 10_000])
def test_a_file_that_is_none_is_replaced(tmp_path: Path, data: bytes) -> None:
    path = filled(tmp_path, "a.py")
    path.write_bytes(data)
    assert len(opened(tmp_path)) == 0
    filled(tmp_path, "b.py")
    assert len(opened(tmp_path)) == 1


def test_a_cache_that_somebody_else_signed_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, "a.py")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert len(opened(tmp_path)) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    os.symlink(target, tmp_path / ".prodlint_cache")
    assert open_cache(str(tmp_path / ".prodlint_cache"), b"key") is None
    assert list(target.iterdir()) == []
    (tmp_path / ".prodlint_cache").unlink()
    path = filled(tmp_path, "a.py")
    (tmp_path / "victim").write_text("mine")
    path.unlink()
    os.symlink(tmp_path / "victim", path)
    filled(tmp_path, "b.py")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not path.is_symlink()


def test_no_cache_where_none_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    assert open_cache(str(tmp_path / "file" / "cache"), b"key") is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert open_cache(str(tmp_path / "cache"), b"key") is None


def test_the_key_is_private_and_made_once(tmp_path: Path, home: Path) -> None:
    filled(tmp_path, "a.py")
    key = home / "prodlint" / "key"
    first = key.read_bytes()
    assert len(first) == 32
    assert key.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    opened(tmp_path)
    assert key.read_bytes() == first
    key.write_bytes(b"short")
    assert len(opened(tmp_path)) == 0
    assert len(key.read_bytes()) == 32 and key.read_bytes() != first
    assert [path.name for path in key.parent.iterdir()] == ["key"]


def test_clean_deletes_its_own_files_only(tmp_path: Path) -> None:
    filled(tmp_path, "a.py")
    folder = tmp_path / ".prodlint_cache"
    (folder / "mine.txt").write_text("")
    assert clean(str(folder)) == 3
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert clean(str(tmp_path)) == 0
    # What is left is no cache of prodlint's any more, and is not made one.
    assert open_cache(str(folder), b"key") is None
    (folder / "mine.txt").unlink()
    filled(tmp_path, "a.py")
    clean(str(folder))
    assert not folder.exists()


def test_a_result_that_is_no_data_is_not_kept(tmp_path: Path) -> None:
    made = opened(tmp_path)
    made.put("a.py", SEEN, b"a", object())
    assert not made.save()
    assert cache.digest(b"a") != cache.digest(b"b")


def test_what_is_not_prodlints_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "results").write_text("important")
    assert open_cache(str(folder), b"key") is None
    (folder / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# Made by another tool\n")
    assert open_cache(str(folder), b"key") is None
    assert clean(str(folder)) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["CACHEDIR.TAG", "results"]
    assert (folder / "results").read_text() == "important"


def test_the_key_never_comes_from_the_linted_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline keeps its caches in the checkout, and the repository brings a key and results signed with it."""
    tree, home = tmp_path / "tree", tmp_path / "home"
    forged = tree / ".cache" / "prodlint" / "key"
    forged.parent.mkdir(parents=True)
    forged.write_bytes(b"k" * 32)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree / ".cache"))
    monkeypatch.setenv("HOME", str(home))
    made = open_cache(str(tree / ".prodlint_cache"), b"key", str(tree))
    assert made is not None
    assert (home / ".cache" / "prodlint" / "key").read_bytes() != forged.read_bytes()
    assert user_directory(str(tree)) == str(home / ".cache" / "prodlint")
    monkeypatch.setenv("HOME", str(tree))
    assert user_directory(str(tree)) is None
    assert open_cache(str(tree / ".prodlint_cache"), b"key", str(tree)) is None


def test_a_number_that_comes_again_is_no_obstacle(tmp_path: Path, home: Path) -> None:
    """In containers every run has the same process number; what an earlier one left under it stops nobody."""
    home = home / "prodlint"
    home.mkdir(parents=True, exist_ok=True)
    (home / f"key.{os.getpid()}").write_bytes(b"")
    assert open_cache(str(tmp_path / ".prodlint_cache"), b"key") is not None


def test_many_threads_that_find_no_key_agree_on_one(tmp_path: Path, home: Path) -> None:

    for number in range(40):
        (home / "prodlint" / "key").unlink(missing_ok=True)
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _, number=number: open_cache(str(tmp_path / f"c{number}"), b"key"), range(8)))
        assert None not in made
        assert len({each._secret for each in made if each is not None}) == 1
    assert [path.name for path in (home / "prodlint").iterdir()] == ["key"]
