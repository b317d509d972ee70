"""The formats that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from prodlint.model import Finding, Related, Span, Suppressed, Unchecked
from prodlint.reports.material import first_sentence, repository_prefix
from prodlint.reports.terminal import escape_control_characters, excerpt, expanded, width

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Tree

TEXT = ["full", "concise", "grouped", "statistics"]


def shown(tree: Tree, **options: Any) -> list[str]:
    """The lines of the full format up to the first empty one."""
    return tree.render("full", **options).split("\n\n", 1)[0].split("\n")


# ---------------------------------------------------------------- excerpts


def test_full(small: Tree) -> None:
    assert shown(small) == [
        "app/größe 😀#1.py:1:16: PRD502 P1 `httpx.get` has no timeout of its own (httpx-implicit-timeout)",
        "  |",
        '1 | é = "😀日本"; x = httpx.get(url)',
        "  |                   ^^^^^^^^^^^^^^",
        "  = help: Give the call a `timeout`",
    ]


def test_marks_stand_under_what_is_meant_behind_tabs(tree: Tree) -> None:
    tree.write("a.py", "\tif x:\ty = 1\n")
    tree.find("PRD201", "a.py", "y = 1")
    assert shown(tree)[2:4] == ["1 |     if x:   y = 1", "  |             ^^^^^"]


def test_marked_tab(tree: Tree) -> None:
    tree.write("a.py", "ab\tc\n")
    tree.find("PRD201", "a.py", "\tc")
    assert shown(tree)[2:4] == ["1 | ab  c", "  |   ^^^"]


def test_combining_marks_take_no_column(tree: Tree) -> None:
    tree.write("a.py", "e\u0301 = 1\n")
    tree.find("PRD201", "a.py", "1")
    assert shown(tree)[3] == "  |     ^"


def test_several_lines(tree: Tree) -> None:
    tree.write("a.py", "def f():\n    a\n    b\n    c\n")
    tree.find("PRD201", "a.py", "def f():\n    a\n    b\n    c")
    assert shown(tree)[1:7] == ["  |", "1 | def f():", "  | ^^^^^^^^", "2 |     a", "3 |     b", "… |"]


def test_empty_span_gets_one_mark(tree: Tree) -> None:
    tree.write("a.py", "")
    tree.report.findings.append(Finding("a.py", Span(1, 1, 1, 1), "PRD201", "m", "P0"))
    assert shown(tree)[1:4] == ["  |", "1 |", "  | ^"]


def test_file_that_is_gone_has_no_excerpt(tree: Tree) -> None:
    tree.report.findings.append(Finding("gone.py", Span(1, 1, 1, 1), "PRD201", "m", "P0"))
    assert shown(tree) == ["gone.py:1:1: PRD201 P0 m (bare-except)", "  = help: Name the exceptions you expect."]


@pytest.mark.parametrize("room", [40, 60, 120])
@pytest.mark.parametrize("before", [0, 10, 500, 100_000])
def test_long_lines_are_cut_around_the_mark(tree: Tree, room: int, before: int) -> None:
    tree.write("a.js", "日" * before + "NEEDLE" + "x" * 100_000)
    tree.find("PRD201", "a.js", "NEEDLE")
    lines = shown(tree, width=room)
    assert all(width(line) <= room for line in lines[1:4])
    start = lines[3].index("^")
    text = "".join(c * width(c) for c in lines[2])  # a wide letter stands for its two columns
    assert text[start : start + 6] == "NEEDLE"
    assert lines[3].count("^") == 6


def test_excerpt_keeps_a_line_that_fits() -> None:
    assert excerpt("x" * 40, 3, 5, 40) == ("x" * 40, 3, 2)
    assert excerpt("x" * 41, 3, 5, 40)[0] == "x" * 38 + "…"


def test_widths() -> None:
    assert width("abc") == 3
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert expanded("a\tb\t\tc") == "a   b       c"


# ---------------------------------------------------------------- hostile text


HOSTILE = "a\x1b[31m\u202e\x07\x9b\u2066"


@pytest.mark.parametrize("format", [*TEXT, "markdown", "github", "junit"])
def test_no_file_commands_the_terminal(tree: Tree, format: str) -> None:
    tree.write(f"{HOSTILE}.py", f"x = '{HOSTILE}'\n")
    tree.find("PRD201", f"{HOSTILE}.py", "x", f"m {HOSTILE}", related=(Related(HOSTILE, Span(1, 1, 1, 1), HOSTILE),))
    tree.report.unchecked.append(Unchecked(HOSTILE, HOSTILE))
    tree.report.notes.append(HOSTILE)
    tree.report.suppressed.append(Suppressed(tree.report.findings[0], "inline", HOSTILE))
    text = tree.render(format, show_suppressed=True)
    if format == "github":  # its properties go to the runner as they are
        text = "\n".join(line for line in text.split("\n") if not line.startswith("::"))
    assert not set(text) & set("\x1b\u202e\x07\x9b\u2066")


def test_a_line_break_in_a_path_forges_no_finding(tree: Tree) -> None:
    path = "a\nb.py:1:1: PRD201 P0 forged"
    tree.write("x.py", "x = 1\n")
    tree.report.findings.append(Finding(path, Span(1, 1, 1, 1), "PRD201", "m", "P0"))
    assert tree.render("concise").split("\n")[0] == "a\\nb.py:1:1: PRD201 P0 forged:1:1: PRD201 P0 m"


def test_harmless_leaves_letters_alone() -> None:
    assert escape_control_characters("größe 日本 😀 `x`") == "größe 日本 😀 `x`"
    assert escape_control_characters("a\tb\u2028c\udcff") == "a\\tb\\u2028c\\udcff"


# ---------------------------------------------------------------- colour


@pytest.mark.parametrize("format", TEXT)
def test_colour_changes_no_word(small: Tree, format: str) -> None:
    import re

    plain, coloured = small.render(format), small.render(format, color=True)
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[[\d;]*m|\x1b\]8;;[^\x1b]*\x1b\\", "", coloured) == plain


def test_code_links_to_its_page_when_colour_is_on(small: Tree) -> None:
    address = "https://github.com/prodlint/prodlint/blob/main/rules/errors/PRD201-bare-except.md"
    assert f"\x1b]8;;{address}\x1b\\" in small.render("concise", color=True, links=True)
    assert address not in small.render("concise")


# ---------------------------------------------------------------- other lines


def test_help_is_wrapped_under_its_beginning(small: Tree) -> None:
    whole = next(line for line in small.render("full").split("\n") if "= help:" in line)
    column = whole.index("help: ") + 6
    width = column + 24
    assert len(whole) > width
    lines = small.render("full", width=width).split("\n")
    first = next(number for number, line in enumerate(lines) if "= help:" in line)
    rest = lines[first : lines.index("", first)]
    assert len(rest) > 1 and all(len(line) <= width for line in rest)
    assert all(line.startswith(" " * column) for line in rest[1:])
    assert " ".join([rest[0], *(line.strip() for line in rest[1:])]) == whole


def test_concise(small: Tree) -> None:
    assert small.render("concise").split("\n")[:4] == [
        "app/größe 😀#1.py:1:16: PRD502 P1 `httpx.get` has no timeout of its own",
        "app/main.py:3:12: PRD104 P0 `PASSWORD` is written in the code",
        "app/main.py:8:16: PRD502 P1 [*] `httpx.get` has no timeout of its own",
        "app/main.py:9:5: PRD201 P0 The handler swallows `KeyboardInterrupt` and everything else",
    ]


def test_unsafe_fixes_are_marked_when_asked_for(small: Tree) -> None:
    assert "PRD201 P0 [*] The handler" in small.render("concise", unsafe_fixes=True)


def test_place_of_a_notebook(tree: Tree) -> None:
    tree.write("a.ipynb", '"x = 1"\n')
    tree.find("PRD201", "a.ipynb", "x = 1", "`x` is wrong", place="cell 3, line 4")
    assert tree.render("concise").startswith("a.ipynb:1:2: PRD201 P0 `x` is wrong (cell 3, line 4)\n")


@pytest.mark.parametrize("format", ["full", "concise", "grouped"])
def test_suppressed_are_shown_with_their_reason(small: Tree, format: str) -> None:
    assert "ticket 12" not in small.render(format)
    assert "suppressed, inline: ticket 12" in small.render(format, show_suppressed=True)


def test_grouped(small: Tree) -> None:
    assert small.render("grouped").split("\n\n")[1].split("\n") == [
        "app/main.py",
        "  3:12  P0  PRD104  `PASSWORD` is written in the code",
        "  8:16  P1  PRD502  [*] `httpx.get` has no timeout of its own",
        "  9:5   P0  PRD201  The handler swallows `KeyboardInterrupt` and everything else",
    ]


TABLE = """\
2  P1  PRD502 [*] httpx-implicit-timeout
1  P0  PRD104     hardcoded-password
1  P0  PRD201     bare-except
"""


def test_statistics(small: Tree) -> None:
    assert small.render("statistics").startswith(TABLE)
    assert small.render("statistics", statistics=True).count(TABLE) == 1
    assert TABLE in small.render("concise", statistics=True)
    assert TABLE not in small.render("concise")


# ---------------------------------------------------------------- the end


CLOSING = """\
note: The baseline holds 2 entries that no longer occur
Not checked:
  broken.py:1:5: invalid syntax
Checked in part:
  chart/values.yaml:1:1: template syntax
Found 4 findings: 2 P0, 2 P1 (1 suppressed: 1 by comments).
Checked 4 files (1 in part), 1 not checked.
[*] 1 fixable with `--fix`, 1 more with `--unsafe-fixes`.
"""


@pytest.mark.parametrize("format", [*TEXT, "github"])
def test_closing(small: Tree, format: str) -> None:
    assert small.render(format).endswith(CLOSING)


def test_time_is_told_unless_left_out(small: Tree) -> None:
    assert "Checked 4 files (1 in part), 1 not checked, in 0.12 s.\n" in small.render("concise", show_time=True)
    assert "0.12" not in small.render("concise")


def test_clean(tree: Tree) -> None:
    tree.report.files += ["a.py"]
    assert tree.render("full") == "No findings.\nChecked 1 file.\n"


def test_nothing_checked_is_never_all_well(tree: Tree) -> None:
    tree.report.files += ["a.py", "b.py"]
    tree.report.unchecked += [Unchecked("a.py", "not UTF-8"), Unchecked("b.py", "permission denied"), Unchecked("c.py", "no such file")]
    assert tree.render("concise") == (
        "Not checked:\n  a.py: not UTF-8\n  b.py: permission denied\n  c.py: no such file\nNo findings.\nChecked 0 files, 3 not checked.\n"
    )


def test_suppressed_by_kind(tree: Tree) -> None:
    finding = Finding("a.py", Span(1, 1, 1, 2), "PRD201", "m", "P0")
    tree.report.suppressed += [Suppressed(finding, "inline", "")] * 2 + [Suppressed(finding, "baseline", "")] * 3
    assert tree.render("concise").startswith("No findings (5 suppressed: 2 by comments, 3 by the baseline).\n")


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("One thing. Another.", "One thing."),
        ("Use a name, e.g. `x.y`. Then go on.", "Use a name, e.g. `x.y`."),
        ("Write\n`a. B` here and\nthere. `Then` that.", "Write `a. B` here and there."),
        ("Read [the page](https://x.y/z. A) **now**. More.", "Read the page now."),
        ("No stop at all", "No stop at all"),
        ("Set 0.5 s. Then", "Set 0.5 s."),
        ("First.\n\nSecond.", "First."),
        ("```python\nx\n```", ""),
        ("- a list", ""),
        ("", ""),
        ("An `open tick. And more", "An `open tick. And more"),
    ],
)
def test_first_sentence(markdown: str, sentence: str) -> None:
    assert first_sentence(markdown) == sentence


def test_repository_prefix(tmp_path: Path) -> None:
    (tmp_path / "services" / "api").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert repository_prefix(str(tmp_path)) == ""
    assert repository_prefix(str(tmp_path / "services" / "api")) == "services/api/"
