from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodlint.baseline import Applied, Baseline, Entry, apply, entry_of, read, text_of, write
from prodlint.configuration.settings import SettingsError
from prodlint.model import Finding, Span


def finding(path: str = "a.py", line: int = 1, code: str = "PRD201", symbol: str = "load", content: str = "except:") -> Finding:
    return Finding(path, Span(line, 1, line, 2), code, "words", "P0", symbol=symbol, content=content)


def secret(value: str, path: str = "a.py", line: int = 1) -> Finding:
    span = Span(line, 1, line, 9)
    return Finding(path, span, "PRD104", "words", "P0", content=value, secrets=(span,))


def applied(
    file: Path, *findings: Finding, checked: list[str] | None = None, whole: bool = True, selected: str = "PRD201 PRD104 PRD501"
) -> Applied:
    paths = [item.path for item in findings] if checked is None else checked
    return apply(read(str(file)), findings, root=str(file.parent), checked=paths, selected=selected.split(), whole=whole)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("")
    return tmp_path / ".prodlint-baseline"


def test_what_is_known_is_taken_away_and_what_is_new_stays(file: Path) -> None:
    write(str(file), [finding(line=3), finding(line=9, content="except: pass")])
    result = applied(file, finding(line=53), finding(line=59, content="except: pass"), finding(line=80, code="PRD501"))
    assert [(item.code, item.span.line) for item in result.kept] == [("PRD501", 80)]
    assert [(item.finding.span.line, item.kind, item.reason) for item in result.suppressed] == [
        (53, "baseline", "in .prodlint-baseline"),
        (59, "baseline", "in .prodlint-baseline"),
    ]
    assert result.stale == []


def test_the_third_copy_is_new_where_two_are_known(file: Path) -> None:
    write(str(file), [finding(line=1), finding(line=2)])
    result = applied(file, finding(line=1), finding(line=2), finding(line=3))
    assert [item.span.line for item in result.kept] == [3]


@pytest.mark.parametrize(
    "other",
    [finding(code="PRD202"), finding(path="b.py", symbol="save"), finding(content="except BaseException:")],
    ids=["rule", "path", "content"],
)
def test_anything_else_is_new(file: Path, other: Finding) -> None:
    write(str(file), [finding()])
    assert applied(file, other, checked=["a.py", "b.py"]).kept == [other]


def test_a_renamed_function_brings_nothing_and_a_second_one_does(file: Path) -> None:
    write(str(file), [finding()])
    assert applied(file, finding(symbol="fetch")).kept == []
    assert applied(file, finding(), finding(line=9, symbol="fetch")).kept == [finding(line=9, symbol="fetch")]


def test_what_may_stand_anywhere_needs_its_function_to_be_gone(file: Path) -> None:
    """One `except: pass` that was fixed hides no new one in another function."""
    write(str(file), [finding(content="~except")])
    new = finding(symbol="fetch", content="~except")

    def left(*functions: str) -> list[Finding]:
        known = read(str(file))
        return apply(
            known,
            [new],
            root=str(file.parent),
            checked=["a.py"],
            selected=["PRD201"],
            whole=True,
            symbols_of=lambda path: functions,
        ).kept

    assert left("fetch") == []
    assert left("load", "fetch") == [new]


def test_a_function_moved_to_another_file_brings_nothing(file: Path) -> None:
    write(str(file), [finding()])
    moved = finding("b.py", symbol="Store.load")
    assert applied(file, moved, checked=["a.py", "b.py"]).kept == []
    assert applied(file, moved, checked=["b.py"]).kept == [moved]


# ---------------------------------------------------------------- the file itself


def test_the_file_holds_no_lines_or_dates(file: Path) -> None:
    write(str(file), [finding("b.py"), finding("a.py", symbol=""), finding("a.py", code="PRD501")])
    lines = file.read_text().splitlines()
    assert lines[3:] == ["a.py PRD201 - except:", "a.py PRD501 load except:", "b.py PRD201 load except:"]
    assert lines[0].startswith("# ") and lines[1] == "# version: 2" and lines[2].startswith("# salt: ")


def test_written_again_it_is_the_same_to_the_byte(file: Path) -> None:
    findings = [finding(), finding("b.py"), secret("hunter2"), secret("hunter2", line=7)]
    write(str(file), findings)
    before, status = file.read_bytes(), file.stat()
    write(str(file), [replace(item, span=Span(50, 1, 50, 2)) for item in reversed(findings)])
    assert file.read_bytes() == before
    assert file.stat().st_mtime_ns == status.st_mtime_ns


def test_one_folder_can_be_written_anew(file: Path) -> None:
    write(str(file), [finding("a.py"), finding("b.py")])
    write(str(file), [finding("b.py", code="PRD501")], keep=lambda entry: entry.path != "b.py")
    assert [(entry.path, entry.code) for entry in sorted(read(str(file)).entries)] == [("a.py", "PRD201"), ("b.py", "PRD501")]


FIELDS = st.text(min_size=0, max_size=12)


@settings(max_examples=200)
@given(entries=st.lists(st.tuples(FIELDS.filter(bool), st.just("PRD201"), FIELDS, FIELDS.filter(bool)), max_size=6))
def test_any_name_survives_the_file(tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, str, str, str]]) -> None:
    file = tmp_path_factory.mktemp("baseline") / "b"
    made = Baseline(str(file), salt="00" * 16)
    made.entries.update(Entry(*entry) for entry in entries)
    file.write_bytes(text_of(made).encode("utf-8", "surrogateescape"))
    assert len(text_of(made).splitlines()) == 3 + len(entries)
    assert read(str(file)).entries == made.entries


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# salt: 00112233445566778899aabbccddeeff\na.py PRD201\n", ":2: is no line of a baseline"),
        ("<<<<<<< HEAD\na.py PRD201 - x\n", ":1: holds a merge conflict"),
        ("# version: 3\n", ":1: is of version `3`, and this prodlint knows 1 to 2"),
        ("# salt: xyz\n", ":1: the salt is not a hexadecimal number"),
        ("a.py PRD104 - salted:00\n", "has lost its `# salt:` line"),
    ],
)
def test_a_broken_file_is_named(file: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read(str(file))
    assert message in str(raised.value)
    assert str(raised.value).startswith(".prodlint-baseline:")


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: no such file"):
        read(str(file))


# ---------------------------------------------------------------- secrets


def test_a_secret_cannot_be_looked_up_and_a_swapped_one_is_new(file: Path) -> None:
    write(str(file), [secret("hunter2")])
    text = file.read_text()
    assert "hunter2" not in text and "salted:" in text
    assert applied(file, secret("hunter2", line=40)).kept == []
    assert applied(file, secret("hunter3")).kept == [secret("hunter3")]
    elsewhere = file.with_name("other")
    write(str(elsewhere), [secret("hunter2")])
    assert elsewhere.read_text().splitlines()[3] != text.splitlines()[3]


def test_slow_hashes_are_made_only_where_an_entry_asks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(str(file), [finding()])
    monkeypatch.setattr(Baseline, "salted", lambda *_: pytest.fail("hashed"))
    assert len(applied(file, finding(), *(secret(str(n)) for n in range(50))).kept) == 50


# ---------------------------------------------------------------- the first form of the file


def test_a_file_of_the_first_form_is_read_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its contents were digests of whole lines: made here as prodlint 0.1.0 made them."""
    from hashlib import blake2b, pbkdf2_hmac

    from prodlint.commands.cli import main

    password = "Kq7" + "vX2mPz9Lw4"
    lines = ["import requests", "", "def load(u):", "    return  requests.get(u)  # noqa: S113", "", f'password = "{password}"']
    (tmp_path / "a.py").write_text("\n".join(lines) + "\n")
    salt = "00" * 16
    call = blake2b(b"return requests.get(u)", digest_size=16).hexdigest()
    value = blake2b(password.encode(), digest_size=16).hexdigest()
    salted = pbkdf2_hmac("sha256", value.encode(), bytes.fromhex(salt), 20_000, 16).hex()
    file = tmp_path / ".prodlint-baseline"
    file.write_text(f"# salt: {salt}\na.py PRD104 - salted:{salted}\na.py PRD504 load {call}\n")
    monkeypatch.chdir(tmp_path)
    check = ["check", "--isolated", "--no-cache", "--select", "PRD104,PRD504", "--baseline", str(file), "."]
    assert main(check) == 0
    assert "is of an earlier form" in capsys.readouterr().out
    assert main(["baseline", "--isolated", "--select", "PRD104,PRD504", "."]) == 0
    assert "# version: 2\n" in file.read_text() and call not in file.read_text()
    capsys.readouterr()
    assert main(check) == 0
    assert "earlier form" not in capsys.readouterr().out


def test_what_is_not_looked_at_keeps_its_first_form(file: Path) -> None:
    file.write_text("# salt: 00112233445566778899aabbccddeeff\nb.py PRD201 - 0123\n")
    write(str(file), [finding("a.py")], keep=lambda entry: entry.path == "b.py")
    assert file.read_text().splitlines()[3:] == ["a.py PRD201 load except:", "b.py PRD201 - ~1:0123"]
    assert read(str(file)).entries == {Entry("a.py", "PRD201", "load", "except:"): 1, Entry("b.py", "PRD201", "", "~1:0123"): 1}


# ---------------------------------------------------------------- moves, and what is gone


def test_a_file_that_moved_keeps_its_entries_each_once(file: Path) -> None:
    write(str(file), [finding("old.py"), secret("hunter2", "old.py")])
    (file.parent / "new.py").write_text("")
    result = applied(file, finding("new.py"), finding("new.py", line=9), secret("hunter2", "new.py"))
    assert [item.span.line for item in result.kept] == [9]
    assert result.stale == []


def test_a_copy_does_not_use_up_the_entry_of_the_original(file: Path) -> None:
    write(str(file), [finding("a.py")])
    assert [item.path for item in applied(file, finding("b.py", symbol="save"), finding("a.py")).kept] == ["b.py"]
    assert [item.path for item in applied(file, finding("b.py"), checked=["b.py"], whole=False).kept] == ["b.py"]


def test_an_entry_without_its_finding_is_stale(file: Path) -> None:
    write(str(file), [finding("a.py"), finding("a.py"), finding("gone.py"), finding("b.py", code="PRD501")])
    stale = applied(file, finding("a.py"), checked=["a.py"]).stale
    assert [(entry.path, entry.code) for entry in stale] == [("a.py", "PRD201"), ("gone.py", "PRD201")]


def test_a_partial_run_calls_nothing_else_stale(file: Path) -> None:
    write(str(file), [finding("a.py"), finding("gone.py"), finding("b.py", code="PRD501")])
    assert applied(file, checked=["b.py"], whole=False, selected="PRD201").stale == []
    assert [entry.path for entry in applied(file, checked=["b.py"], whole=False).stale] == ["b.py"]


@settings(max_examples=100)
@given(known=st.lists(st.sampled_from("abc"), max_size=6), now=st.lists(st.sampled_from("abcd"), max_size=6))
def test_every_entry_answers_for_one_finding(tmp_path_factory: pytest.TempPathFactory, known: list[str], now: list[str]) -> None:
    file = tmp_path_factory.mktemp("baseline") / "b"
    (file.parent / "a.py").write_text("")
    write(str(file), [finding(content=text) for text in known])
    result = applied(file, *(finding(content=text) for text in now), checked=["a.py"])
    for text in "abcd":
        assert sum(item.content == text for item in result.kept) == max(0, now.count(text) - known.count(text))
        assert sum(entry.content == text for entry in result.stale) == max(0, known.count(text) - now.count(text))


def test_an_entry_is_the_same_in_either_unicode_form() -> None:
    baseline = Baseline("b", salt="00" * 16)
    assert entry_of(finding("e\u0301.py"), baseline) == entry_of(finding("\u00e9.py"), baseline)
