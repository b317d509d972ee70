"""What somebody meets at the command line: places one can open, priorities, and nothing left unchecked in silence."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest

from prodlint.commands.cli import command_parser, main
from tests.conftest import Project, Ran

Cli = Callable[..., Ran]

APP = "import requests\n\nrequests.get(url)\n# TODO fix the host\nrequests.get(url)\n"


def lines(out: str) -> list[str]:
    return [line for line in out.splitlines() if ": PRD" in line]


@pytest.mark.parametrize(("where", "place"), [("", "src/a.py"), ("src", "a.py"), ("docs", "../src/a.py")])
def test_places_are_those_that_one_can_open_from_here(project: Project, prodlint: Cli, where: str, place: str) -> None:
    root = project({"src/a.py": APP, "docs/b.md": "x\n", "prodlint.toml": ""})
    for format in ("concise", "full", "grouped"):
        out = prodlint(str(root / "src"), "--output-format", format, "--no-cache", cwd=root / where).out
        assert any(line.startswith(place) for line in out.splitlines()), format
    assert '"src/a.py"' in prodlint(str(root / "src"), "--output-format", "json", "--no-cache", cwd=root / where).out


def test_the_order_of_findings(project: Project, prodlint: Cli) -> None:
    root = project({"a.py": APP})

    def shown(*words: str) -> list[tuple[str, str, str]]:
        found = [line.split(" ", 3) for line in lines(prodlint("a.py", "--output-format", "concise", *words, cwd=root).out)]
        return [(place.split(":")[1], code, priority) for place, code, priority, _ in found]

    every = [("3", "PRD504", "P0"), ("4", "PRD301", "P2"), ("5", "PRD504", "P0")]
    assert sorted(shown("--sort", "path")) == shown("--sort", "path") == shown()
    assert [place for place, _, _ in shown()] == [place for place, _, _ in every]
    assert [priority for _, _, priority in shown("--sort", "priority")] == sorted(priority for _, _, priority in shown())
    assert [code for _, code, _ in shown("--sort", "rule")] == ["PRD301", "PRD504", "PRD504"]
    assert {priority for _, _, priority in shown("--min-priority", "P0")} == {"P0"}
    assert "1 finding below P0 not shown" in prodlint("a.py", "--min-priority", "P0", cwd=root).out


def test_statistics_count_and_list_nothing(project: Project, prodlint: Cli) -> None:
    ran = prodlint("a.py", "--statistics", cwd=project({"a.py": APP}))
    assert lines(ran.out) == []
    assert ran.out.splitlines()[0].split()[:3] == ["2", "P0", "PRD504"]
    quiet = prodlint("a.py", "--statistics", "--quiet")
    assert quiet.out.splitlines()[0].split()[:3] == ["2", "P0", "PRD504"] and len(quiet.out.splitlines()) == 2


def test_the_same_help_stands_once_a_file(project: Project, prodlint: Cli) -> None:
    out = prodlint("a.py", "--output-format", "full", "--select", "PRD504", cwd=project({"a.py": APP})).out
    assert len(lines(out)) == 2
    assert out.count("= help:") == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["chek"], "did you mean `check`?"),
        (["lint"], "did you mean `check`?"),
        (["--slect", "PRD5"], "unknown flag `--slect`; did you mean `--select`?"),
        (["--output-format", "sariff"], "did you mean `sarif`? (there are azure, concise, "),
        (["report", "-o", "x.foo"], "no format is known by `.foo`"),
        (["--select", "S113"], "the rules for it here are `PRD501`, `PRD504`"),
        (["--select", "E722"], "the rule for it here is `PRD201`"),
        (["--stdin-filename", "x.py"], "the path `-` is missing"),
        (["--jobs", "-3"], "not -3"),
        (["--preview"], "there is no preview"),
        (["--per-file-ignores", "tests"], "PATTERN:RULE"),
        (["--no-baseline", "--strict-baseline"], "contradict"),
        (["--ignore-noqa"], "here: `--no-inline-ignores`"),
        (["-lll"], "here: `--fail-on P0`"),
        (["-f", "json"], "here: `--output-format FORMAT`"),
        (["--min-severity=high"], "`--min-priority P0`"),
        (["--disable", "PRD504"], "unknown flag `--disable`; here: `--ignore`"),
        (["--stat"], "unknown flag `--stat`; did you mean `--statistics`?"),
        (["--tick"], "it is one of `prodlint checklist`"),
        (["rule", "--tset", "x"], "did you mean `--test`?; `prodlint rule --help`"),
        (["fleet", "run", ".", "-o", "out", "--wrkers", "2"], "did you mean `--workers`?"),
        (["--output-format", "pylint"], "did you mean `concise`?"),
        (["--fail-on", "HIGH"], "unknown value `HIGH` for `--fail-on`; did you mean `P0`?"),
        (["--min-priority", "p1"], "did you mean `P1`?"),
        (["--sort", "severity"], "did you mean `priority`?"),
        (["--select", "E,F"], "the codes here begin with PRD"),
        (["--config", "fail-on=P0"], '`fail-on = "P0"`'),
        (["--root", "nowhere"], "there is no directory `nowhere`"),
        (["-o", "json"], "`--output-format json`"),
        (["format", "."], "prodlint formats nothing"),
        (["fix"], "did you mean `check --fix`?"),
    ],
)
def test_wrong_use_is_told(project: Project, prodlint: Cli, words: list[str], why: str) -> None:
    ran = prodlint(*words, cwd=project({"a.py": "x = 1\n"}))
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err
    assert len(ran.err.splitlines()) == 1


def test_what_users_of_other_tools_type_stands_for_something_that_there_is() -> None:
    from prodlint.commands import habits

    parser = command_parser()
    verbs = next(action for action in parser._actions if action.dest == "verb").choices
    assert verbs is not None
    own = {name for verb in verbs.values() for action in verb._actions for name in action.option_strings}
    told = " ".join(re.findall(r"`([^`]*)`", " ".join((*habits.FLAGS.values(), *habits.VERBS.values()))))
    assert set(re.findall(r"(?<!\w)--?[a-z][\w-]*", told)) - {"-s"} <= own
    assert set(re.findall(r"prodlint ([a-z]+)", told)) | {words.split("`")[1].split()[0] for words in habits.VERBS.values()} <= set(verbs)
    assert not own & (set(habits.FLAGS) - {"--list", "--explain", "--count", "--dry-run", "--verbose", "-v", "--write", "--format"})


def test_a_root_that_is_not_there_is_not_made(project: Project, prodlint: Cli) -> None:
    root = project({"a.py": "x = 1\n"})
    assert prodlint("--root", "nowhere", cwd=root).code == 2
    assert [path.name for path in root.iterdir()] == ["a.py"]


@pytest.mark.parametrize(("words", "first"), [(["help"], "usage: prodlint [FLAGS] VERB"), (["help", "check"], "usage: prodlint check ")])
def test_help_is_a_verb_too(project: Project, words: list[str], first: str, capsys: pytest.CaptureFixture[str]) -> None:
    project({})
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(first)


def test_a_run_that_fails_by_its_baseline_says_so(project: Project, prodlint: Cli) -> None:
    root = project({"a.py": APP})
    prodlint("baseline", cwd=root)
    (root / "a.py").write_text("x = 1\n")
    ran = prodlint("--baseline", ".prodlint-baseline", "--strict-baseline", cwd=root)
    assert (ran.code, ran.out.count("no longer occurs")) == (1, 3)
    assert "the baseline may only shrink (`strict-baseline`), and 3 entries no longer occur: this fails the run" in ran.err


@pytest.mark.parametrize("flag", ["--force-exclude", "--no-force-exclude", "--respect-gitignore", "--no-unsafe-fixes", "--no-preview"])
def test_flags_that_say_what_is_so_anyway(project: Project, prodlint: Cli, flag: str) -> None:
    assert prodlint("a.py", flag, cwd=project({"a.py": "x = 1\n"})).code == 0


@pytest.mark.parametrize(("words", "why"), [([], "no file to check"), (["--select", "PRD5", "--ignore", "PRD5"], "no rule is on")])
def test_nothing_looked_at_is_no_praise(project: Project, prodlint: Cli, words: list[str], why: str) -> None:
    ran = prodlint(*words, cwd=project({"a.py": "x = 1\n"} if words else {}))
    assert ran.code == 3
    assert why in ran.out


def test_a_named_file_that_is_excluded_is_named(project: Project, prodlint: Cli) -> None:
    ran = prodlint("a/b.py", "--extend-exclude", "a/", cwd=project({"a/b.py": APP}))
    assert ran.code == 0  # hooks name excluded files as a matter of course
    assert "`a/b.py` was named and is left out" in ran.out


def test_an_exclusion_that_excludes_nothing_is_named(project: Project, prodlint: Cli) -> None:
    settings = 'extend-exclude = ["legacy/", "leagcy/", ".venv/", "local/", "*_pb2.py"]\n'
    root = project({"a.py": "x = 1\n", "legacy/b.py": APP, "prodlint.toml": settings, ".gitignore": "local/\n"})
    notes = [line for line in prodlint("--no-cache", cwd=root).out.splitlines() if "excludes nothing" in line]
    assert [re.findall("`([^`]+)` in", note)[0] for note in notes] == ["leagcy/", "*_pb2.py"]
    assert "prodlint.toml:1" in notes[0]
    assert "excludes nothing" not in prodlint("a.py", "--no-cache", cwd=root).out


COLORED = "\x1b["


def test_colours_wherever_text_is_for_a_terminal(project: Project, prodlint: Cli) -> None:
    root = project({"a.py": APP, "LAUNCH.md": "- [x] Every HTTP call has a timeout\n"})
    for words in (["a.py"], ["report"], ["checklist", "LAUNCH.md"], ["rule", "PRD504"]):
        plain, colored = (prodlint(*words, "--color", wish, cwd=root).out for wish in ("never", "always"))
        assert COLORED not in plain, words
        assert COLORED in colored, words
        assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain, words
    prodlint("report", "--color", "always", "-o", "report.txt", cwd=root)
    assert COLORED not in (root / "report.txt").read_text()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_files_ending_says_the_format_of_the_report_on_a_terminal_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({"a.py": "x = 1\n"})
    monkeypatch.chdir(root)
    with redirect_stdout(Terminal()):
        main(["report", "-o", "report.html"])
    assert (root / "report.html").read_text().lower().startswith("<!doctype html>")


def test_colours_can_be_read_on_black_and_on_white() -> None:
    from prodlint.reports.terminal import _CODES

    def luminance(number: int) -> float:
        levels = [0, 95, 135, 175, 215, 255]
        channels = [levels[(number - 16) // 36], levels[(number - 16) // 6 % 6], levels[(number - 16) % 6]]
        linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    numbers = [int(code.rpartition(";")[2]) for code in _CODES.values() if "38;5;" in code]
    assert len(numbers) >= 5
    for number in numbers:
        assert (luminance(number) + 0.05) / 0.05 > 3.5, number
        assert 1.05 / (luminance(number) + 0.05) > 3.5, number


def test_a_coloured_log_has_no_links(project: Project, prodlint: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({"a.py": APP})
    assert "\x1b]8" not in prodlint("a.py", "--color", "always", cwd=root).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = prodlint("a.py", cwd=root).out
    assert COLORED in out and "\x1b]8" not in out


def test_progress_from_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from prodlint.commands import check

    now = [0.0]
    monkeypatch.setattr(check.time, "monotonic", lambda: now[0])
    say = check.show_progress()
    say(5, 0)
    assert capsys.readouterr().err == ""
    now[0] = 0.6
    say(1200, 0)
    now[0] = 0.8
    say(0, 36_000)
    assert capsys.readouterr().err == "\r\x1b[Klooking for files: 1,200\r\x1b[Kchecked 0 of 36,000 files"


def test_files_are_counted_while_they_are_looked_for(project: Project) -> None:
    from prodlint.engine import session

    root = project({"a.py": "x = 1\n", "b/c.py": "x = 1\n"})
    told: list[tuple[int, int]] = []
    session.run(session.Request([str(root)], root=str(root), progress=lambda done, of: told.append((done, of))))
    assert told[0] == (0, 0) and (0, 2) in told and told[-1] == (2, 2)


def test_flags_that_users_of_ruff_type(project: Project, prodlint: Cli) -> None:
    root = project({"a.py": APP})
    assert not lines(prodlint("a.py", "--extend-ignore", "PRD5,PRD3", "--no-fix", cwd=root).out)
    assert len(lines(prodlint("a.py", "--output-format", "concise", "--per-file-ignores", "*.py:PRD504", cwd=root).out)) == 1
    assert len(lines(prodlint("a.py", "--output-format", "concise", "--output-file", "-", cwd=root).out)) == 3


def test_a_rule_is_found_by_another_tools_code(project: Project, prodlint: Cli) -> None:
    root = project({})
    assert "PRD504 requests-without-timeout" in prodlint("rule", "S113", cwd=root).out
    listed = prodlint("rule", "--list", "PRD50", cwd=root).out.splitlines()
    assert listed and all(line.startswith("PRD50") for line in listed)
    assert "stands for several rules" in prodlint("rule", "PRD5", cwd=root).err
    assert "no rule `E501`" in prodlint("rule", "E501", cwd=root).err and "did you mean" not in prodlint("rule", "E501", cwd=root).err
