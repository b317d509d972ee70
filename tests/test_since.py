from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prodlint.configuration.settings import SettingsError
from prodlint.model import Finding, Span
from prodlint.since import Change, base_tree, compared, earlier_paths, new_lines, opened
from prodlint.since import change_since as change_since_of


def git(root: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def commit(root: Path, **files: str | None) -> None:
    put(root, **files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")


def put(root: Path, **files: str | None) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py")
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def change_since(root: str, revision: str) -> Change:
    """The change to every file of the working tree."""
    paths = [path.relative_to(root).as_posix() for path in Path(root).rglob("*") if path.is_file() and ".git" not in path.parts]
    with opened(root, revision) as opened_git:
        return change_since_of(opened_git, root, revision, paths)


@contextmanager
def earlier_tree(root: Path, wanted: Callable[[str], bool] | None = None) -> Iterator[tuple[Change, str]]:
    with opened(str(root), "HEAD") as opened_git:
        change = change_since_of(opened_git, str(root), "HEAD", [path.name for path in root.iterdir() if path.is_file()])
        with base_tree(opened_git, change, wanted) as tree:
            yield change, tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, a_py="1\n2\n3\n4\n", src__b_py="b\n" * 20, gone_py="x\n")
    return root


def test_which_lines_are_new(repository: Path) -> None:
    put(repository, a_py="0\n1\n2\n3\nfour\n5\n", gone_py=None, new_py="y\n")
    change = change_since(str(repository), "HEAD")
    assert change.lines == {"a.py": [(1, 1), (5, 6)], "new.py": None}
    assert change.touches("a.py", 4, 5) and not change.touches("a.py", 2, 4) and change.touches("new.py", 9, 9)


def test_a_renamed_file_is_followed(repository: Path) -> None:
    git(repository, "mv", "src/b.py", "src/c.py")
    put(repository, src__c_py="b\n" * 19 + "c\n")
    change = change_since(str(repository), "HEAD")
    assert change.renamed == {"src/b.py": "src/c.py"}
    assert change.lines == {"src/c.py": [(20, 20)]}


def test_the_change_begins_where_the_branch_did(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, a_py="1\n2\n3\n4\n5\n")
    git(repository, "checkout", "-q", "main")
    commit(repository, src__b_py="other\n")
    git(repository, "checkout", "-q", "feature")
    assert change_since(str(repository), "main").lines == {"a.py": [(5, 5)]}


@pytest.mark.parametrize("name", ["a b.py", "\u00e9.py", 'quo"te.py', "tab\t.py", "-x.py", "b/a.py"])
def test_odd_names(repository: Path, name: str) -> None:
    path = repository / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("1\n2\n")
    commit(repository)
    path.write_text("1\n2\n+++ b/a.py\n@@ -1 +1 @@\n")
    assert change_since(str(repository), "HEAD").lines == {name: [(3, 4)]}


def test_paths_start_at_the_root_even_below_the_repository(repository: Path) -> None:
    put(repository, src__b_py="b\n" * 20 + "c\n", a_py="x\n")
    change = change_since(str(repository / "src"), "HEAD")
    assert change.lines == {"b.py": [(21, 21)]}
    assert list(change.files) == ["b.py"]
    with earlier_tree(repository / "src") as (_, tree):
        assert (Path(tree) / "b.py").read_text() == "b\n" * 20


def test_what_was_given_up_is_said_clearly(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no revision `nowhere` here$"):
        change_since(str(repository), "nowhere")
    with pytest.raises(SettingsError, match=r"no revision `--output=x` here$"):
        change_since(str(repository), "--output=x")
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(SettingsError, match="needs a git repository"):
        change_since(str(plain), "HEAD")


def test_a_shallow_clone(repository: Path, tmp_path: Path) -> None:
    commit(repository, a_py="1\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    put(shallow, a_py="1\n2\n")
    assert change_since(str(shallow), "HEAD").lines == {"a.py": [(2, 2)]}
    with pytest.raises(SettingsError, match="this clone is shallow: fetch it first"):
        change_since(str(shallow), "HEAD~1")


def test_histories_without_a_common_commit(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "other")
    commit(repository, a_py="1\n2\n3\n4\n5\n")
    change = change_since(str(repository), "main")
    assert change.lines == {"a.py": [(5, 5)]}
    assert "no common commit" in change.note


def test_the_earlier_tree_comes_without_hooks_filters_or_links(repository: Path) -> None:
    os.symlink("/etc/passwd", repository / "link.py")
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    commit(repository)
    git(repository, "config", "filter.evil.smudge", "touch EVIL")
    git(repository, "config", "diff.evil.textconv", "touch EVIL")
    git(repository, "config", "diff.external", "touch EVIL")
    put(repository, a_py="changed\n")
    with earlier_tree(repository, lambda path: path.endswith(".py")) as (_, tree):
        found = sorted(str(path.relative_to(tree)) for path in Path(tree).rglob("*") if path.is_file())
        assert found == ["a.py", "gone.py", "src/b.py"]
        assert (Path(tree) / "a.py").read_text() == "1\n2\n3\n4\n"
    assert not Path(tree).exists()
    assert not (repository / "EVIL").exists()


def test_the_same_paths_in_the_earlier_tree(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "serve").write_text("#!/bin/sh\n")
    (repository / "serve").chmod(0o755)
    commit(repository)
    git(repository, "mv", "a.py", "moved.py")
    put(repository, new_py="")
    monkeypatch.chdir(repository)
    with earlier_tree(repository) as (change, tree):
        given = [".", "moved.py", "new.py", "src", str(repository / "serve"), ".."]
        assert earlier_paths(change, tree, given) == [tree, f"{tree}/a.py", f"{tree}/src", f"{tree}/serve"]
        assert os.access(f"{tree}/serve", os.X_OK)


def test_many_and_large_files_do_not_block(repository: Path) -> None:
    for number in range(2000):
        (repository / f"f{number}.txt").write_text("x" * (number % 300))
    (repository / "large.txt").write_text("y" * 3_000_000)
    commit(repository)
    with earlier_tree(repository) as (_, tree):
        assert len(list(Path(tree).glob("*.txt"))) == 2001


def test_line_ends_that_git_stores_otherwise_are_no_change(repository: Path) -> None:
    (repository / "a.py").write_bytes(b"1\r\n2\r\n3\r\n4\r\n")
    assert change_since(str(repository), "HEAD").lines == {}
    (repository / "a.py").write_bytes(b"1\r\n2\r\n3\r\n4\r\n5\r\n")
    assert change_since(str(repository), "HEAD").lines == {"a.py": [(5, 5)]}


def test_several_files_that_moved_are_told_apart(repository: Path) -> None:
    text = "".join(f"def f{number}():\n    return {number}\n" for number in range(40))
    put(repository, **{"one/x_py": text, "two/y_py": text.replace("return", "yield"), "three/same_py": "import os\n"})
    commit(repository)
    git(repository, "mv", "one/x.py", "one/z.py")
    git(repository, "mv", "two/y.py", "y.py")
    git(repository, "mv", "three/same.py", "same.py")
    put(repository, **{"one/z_py": text.replace("return 7\n", "return 8\n")})
    change = change_since(str(repository), "HEAD")
    assert change.renamed == {"one/x.py": "one/z.py", "two/y.py": "y.py", "three/same.py": "same.py"}
    assert change.lines == {"one/z.py": [(16, 16)], "y.py": [], "same.py": []}


def test_a_further_working_tree(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "feature", str(tmp_path / "further"))
    put(tmp_path / "further", a_py="1\n2\n3\n4\n5\n")
    assert change_since(str(tmp_path / "further"), "main").lines == {"a.py": [(5, 5)]}


def test_names_of_revisions(repository: Path) -> None:
    commit(repository, a_py="1\n2\n3\n4\n5\n")
    git(repository, "tag", "-a", "-m", "x", "v1", "HEAD~1")
    git(repository, "clone", "-q", str(repository), str(repository.parent / "clone"))
    clone = repository.parent / "clone"
    put(clone, a_py="1\n2\n3\n4\n5\n6\n")
    for revision, lines in (
        ("v1", [(5, 6)]),
        ("HEAD~1", [(5, 6)]),
        ("origin/main", [(6, 6)]),
        ("origin", [(6, 6)]),
        ("@{upstream}", [(6, 6)]),
        ("main@{0}", [(6, 6)]),
    ):
        assert change_since(str(clone), revision).lines == {"a.py": lines}, revision
    git(clone, "pack-refs", "--all")
    assert change_since(str(clone), "v1").lines == {"a.py": [(5, 6)]}


# ---------------------------------------------------------------- which lines are new


def test_new_lines_are_those_that_cannot_be_old() -> None:
    """Against the length of the longest common subsequence: what is called old stands in both, and little is lost."""
    chance = random.Random(7)
    for _ in range(300):
        old = [chance.choice(b"abcdefgh") for _ in range(chance.randrange(30))]
        new = [chance.choice(b"abcdefgh") for _ in range(chance.randrange(30))]
        fresh = {
            number for first, last in new_lines([bytes((c,)) for c in old], [bytes((c,)) for c in new]) for number in range(first, last + 1)
        }
        kept = [c for number, c in enumerate(new, 1) if number not in fresh]
        left = list(old)
        for c in kept:
            left.remove(c)
    assert new_lines([b"1", b"2", b"3", b""], [b"0", b"1", b"2", b"three", b""]) == [(1, 1), (4, 4)]
    assert new_lines([], [b"1", b"2", b""]) == [(1, 2)]
    assert new_lines([b"a", b""], [b""]) == []


def test_comparing_grows_with_the_length_alone() -> None:
    def steps(count: int) -> int:
        seen = 0

        class Line(bytes):
            __hash__ = bytes.__hash__

            def __eq__(self, other: object) -> bool:
                nonlocal seen
                seen += 1
                return bytes.__eq__(self, other)

        old = [Line(b"%d" % (number % 7)) for number in range(count)]
        new = [Line(b"%d" % (number % 5)) for number in range(count)]
        new_lines(old, new)
        return seen

    assert steps(8000) < 6 * steps(2000)


# ---------------------------------------------------------------- which findings are new


def new_findings(*arguments: Any) -> list[Finding]:
    return compared(*arguments).new


def finding(path: str = "a.py", line: int = 1, symbol: str = "load", content: str = "except:", code: str = "PRD201") -> Finding:
    return Finding(path, Span(line, 1, line, 2), code, "words", "P0", symbol=symbol, content=content)


def change(lines: dict[str, list[tuple[int, int]] | None] | None = None, **renamed: str) -> Change:
    return Change("/", "base", lines or {}, {old.replace("_py", ".py"): new for old, new in renamed.items()})


def test_old_findings_stay_quiet_wherever_their_line_is() -> None:
    assert new_findings(change({"a.py": [(1, 50)]}), [finding(line=60)], [finding(line=10)]) == []


def test_a_second_one_is_new() -> None:
    assert [item.span.line for item in new_findings(change({"a.py": [(5, 5)]}), [finding(), finding(line=5)], [finding()])] == [5]


def test_a_line_nobody_touched_that_became_wrong_is_reported() -> None:
    assert new_findings(change({"b.py": [(1, 1)]}), [finding(line=3)], []) == [finding(line=3)]


def test_a_renamed_file_and_a_renamed_function_bring_nothing() -> None:
    assert new_findings(change(old_py="a.py"), [finding()], [finding("old.py")]) == []
    now = finding(line=7, symbol="fetch")
    assert new_findings(change({"a.py": [(6, 6)]}), [now], [finding()]) == []


def test_a_moved_function_brings_nothing_and_a_new_one_does() -> None:
    lines: dict[str, list[tuple[int, int]] | None] = {"b.py": None}
    assert new_findings(change(lines), [finding("b.py", symbol="Store.load")], [finding("a.py", symbol="load")]) == []
    assert len(new_findings(change(lines), [finding("b.py", symbol="other")], [finding("a.py", symbol="load")])) == 1
    both = [finding("a.py"), finding("b.py")]
    assert new_findings(change(lines), both, [finding("a.py")]) == [both[1]]


def test_removing_one_does_not_pay_for_adding_another() -> None:
    lines: dict[str, list[tuple[int, int]] | None] = {"a.py": [(5, 9)]}
    anywhere = finding(line=6, symbol="other", content="~except")
    before = [finding(symbol="load", content="~except")]
    assert new_findings(change(lines), [anywhere], before, lambda path: ["load", "other"]) == [anywhere]
    assert new_findings(change(lines), [anywhere], before, lambda path: ["other"]) == []
    assert len(new_findings(change(lines), [replace(finding(line=6), content="except BaseException:")], [finding()])) == 1
