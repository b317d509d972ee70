from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodlint.commands.cli import main
from prodlint.configuration.settings import KnownRule, RuleSelection, Settings
from prodlint.engine import catalogue
from prodlint.facts import Source
from prodlint.foreign import foreign_codes
from prodlint.model import Finding, Span
from prodlint.suppress import (
    Directive,
    Extent,
    SuppressionPolicy,
    apply,
    extent_by_layout,
    may_hold_directives,
    problems,
    read,
)

RULES = [
    KnownRule("PRD002", "unused-suppression", True),
    KnownRule("PRD104", "hardcoded-password", True),
    KnownRule("PRD201", "bare-except", True),
    KnownRule("PRD202", "swallowed-exception", True),
    KnownRule("PRD501", "http-timeout-disabled", True),
]
SWITCHES = RuleSelection(Settings(), RULES)
TERMS = SuppressionPolicy(SWITCHES.codes_of, SWITCHES.everywhere, date(2026, 11, 21))
FOREIGN = foreign_codes(catalogue.own_rules())
COMMENT = re.compile(rb"#[^\n]*|//[^\n]*|--[^\n]*|;[^\n]*|/\*.*?\*/|<!--.*?-->|\{#.*?#\}", re.DOTALL)


def directives(text: str, honor: tuple[str, ...] = ()) -> tuple[Source, list[Directive]]:
    source = Source(text.encode())
    return source, read(source, [(match.start(), match.end()) for match in COMMENT.finditer(source.data)], honor, FOREIGN)


def finding(line: int, code: str = "PRD501", end_line: int = 0) -> Finding:
    return Finding("a.py", Span(line, 1, end_line or line, 2), code, "words", "P0")


def silenced(
    text: str, *findings: Finding, terms: SuppressionPolicy = TERMS, extent: Extent | None = None, honor: tuple[str, ...] = ()
) -> list[tuple[int, str]]:
    _, read_ = directives(text, honor)
    return [(done.finding.span.line, done.reason) for done in apply(findings, read_, terms, extent).suppressed]


def said(text: str, *findings: Finding, terms: SuppressionPolicy = TERMS) -> list[str]:
    _, read_ = directives(text)
    return [item.message for item in problems("a.py", read_, apply(findings, read_, terms).used, terms)]


def test_what_a_line_of_a_checklist_means_is_no_directive() -> None:
    assert said("- [x] no bare excepts <!-- prodlint: PRD201, no-exception-disappears -->\n") == []
    assert said("text <!-- prodlint: ignroe[PRD201] -->\n") and said("text <!-- prodlint: ignore -->\n") and said("# prodlint: PRD201\n")


# ---------------------------------------------------------------- where a directive holds


@pytest.mark.parametrize(
    "comment",
    [
        "# prodlint: ignore[PRD501] -- why",
        "#prodlint:ignore[PRD501]--why",
        "# prodlint: ignore[http-timeout-disabled] -- why",
        "# prodlint: ignore[PRD201, PRD501] until=2026-11-21 -- why",
        "# prodlint: ignore[PRD5] -- why",
        "// prodlint: ignore[PRD501] -- why",
        "-- prodlint: ignore[PRD501] -- why",
        "; prodlint: ignore[PRD501] -- why",
        "<!-- prodlint: ignore[PRD501] -- why -->",
        "/* prodlint: ignore[PRD501] -- why */",
        "{# prodlint: ignore[PRD501] -- why #}",
        "# noqa: S105  # prodlint: ignore[PRD501] -- why",
        "# prodlint: ignore[PRD501] -- why  # noqa: S105",
        "# prodlint: ignore[PRD501] \u2014 why",
    ],
)
def test_every_comment_syntax_beside_and_above(comment: str) -> None:
    assert silenced(f"x {comment}\ny\n", finding(1), finding(2)) == [(1, "why")]
    assert silenced(f"w\n  {comment}\nx\ny\n", finding(1), finding(3), finding(4)) == [(3, "why")]


def test_an_ignore_does_not_leak() -> None:
    text = "a\nb  # prodlint: ignore[PRD501] -- x\nc\n"
    assert silenced(text, finding(1), finding(3), finding(2, "PRD201")) == []


def test_a_statement_over_several_lines() -> None:
    def extent(span: Span) -> tuple[int, int]:
        return (2, 6)

    lines = ["a", "call(", "  b,", "  c=None,", "  d", ")", "e"]
    for number in (2, 4, 6):
        marked = [f"{line}  # prodlint: ignore[PRD501] -- x" if index == number else line for index, line in enumerate(lines, 1)]
        assert silenced("\n".join(marked), finding(4), extent=extent) == [(4, "x")], number
    for number in (1, 3, 5, 7):
        marked = [f"{line}  # prodlint: ignore[PRD501] -- x" if index == number else line for index, line in enumerate(lines, 1)]
        assert silenced("\n".join(marked), finding(4), extent=extent) == [], number


def test_comments_stacked_above_a_statement() -> None:
    text = "# prodlint: ignore[PRD501] -- x\n# a word about it\n# prodlint: ignore[PRD201] -- y\ncall\n"
    assert silenced(text, finding(4), finding(4, "PRD201")) == [(4, "x"), (4, "y")]
    assert silenced("# prodlint: ignore[PRD501] -- x\n\ncall\n", finding(3)) == []


OWN = "prodlint: ignore[PRD202]"


@pytest.mark.parametrize(
    "comment",
    [
        f"noqa: BLE001 - why  # {OWN}",
        f"noqa: BLE001 - why # {OWN} -- the caller asks again",
        f"{OWN}  # noqa: BLE001 - why",
        f"{OWN} -- see #12  # type: ignore[x]",
        f"{OWN} noqa: BLE001",
        f"{OWN}  pylint: disable=W0703",
        f"{OWN} until=2099-01-01 -- later  # noqa",
        f"noqa: BLE001 {OWN} -- later",
        f"noqa: BLE001, S110  {OWN}",
        f"nosec B110 -- gone  # {OWN} -- later",
        f"pylint: disable=broad-except  # {OWN}",
        f"type: ignore  # noqa: BLE001  # {OWN}",
        f"pragma: no cover; {OWN} -- later",
    ],
)
def test_beside_other_tools_directives(comment: str) -> None:
    assert len(silenced(f"x  # {comment}\n", finding(1, "PRD202"))) == 1
    assert said(f"x  # {comment}\n", finding(1, "PRD202")) == []


def test_words_about_a_directive_are_none() -> None:
    assert silenced(f"x  # write {OWN} here\n", finding(1, "PRD202")) == []


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_behind_a_string_over_lines(quotes: str) -> None:
    text = f"x = f{quotes}\n{{get(u)}}\n{quotes}  # prodlint: ignore[PRD501] -- why\n"
    assert silenced(text, finding(2), extent=lambda span: (1, 3)) == [(2, "why")]


def test_stacked_ignores_cost_no_more_for_each(tmp_path: Path) -> None:
    """Of eight times as many lines, ten times the time at most: the grammar's own scanner needs 64 times."""

    def seconds(lines: int) -> float:
        path = tmp_path / "a.py"
        path.write_text("import requests\n" + "# prodlint: ignore[PRD504]\n" * lines + "requests.get('u')\n")
        began = time.process_time()
        assert main(["check", "--isolated", "--no-cache", "--select", "PRD504,PRD002", str(path)]) == 0
        return time.process_time() - began

    few = min(seconds(1000) for _ in range(2))
    assert seconds(8000) < 10 * few + 1


def test_a_comment_of_several_lines() -> None:
    assert silenced("/* about\n   prodlint: ignore[PRD501] -- x\n*/\ncall\n", finding(4)) == [(4, "x")]


def test_a_whole_file() -> None:
    assert silenced("# prodlint: ignore-file[PRD501] -- x\na\nb\n", finding(2), finding(3), finding(3, "PRD201")) == [(2, "x"), (3, "x")]
    low = "\n" * 40 + "# prodlint: ignore-file[PRD501] -- x\n"
    assert silenced(low, finding(2)) == []
    assert said(low) == ["`prodlint: ignore-file` must stand in the first 30 lines; here it ignores nothing"]


def test_windows_line_ends_and_wide_characters() -> None:
    assert silenced("\u00e9\u4e2d\U0001f600 = 1  # prodlint: ignore[PRD501] -- \u00fcber\r\nx\r\n", finding(1)) == [(1, "\u00fcber")]
    _, read_ = directives("\u00e9\u4e2d = 1  # prodlint: ignore[PRD201]\r\n")
    assert read_[0].span == Span(1, 11, 1, 35)


def test_only_comments_are_asked() -> None:
    assert read(Source(b'x = "# prodlint: ignore[PRD501]"\n'), []) == []
    assert not may_hold_directives(b"x = 1  # noqa: E501\n")
    assert may_hold_directives(b"x  # noqa:PRD501") and may_hold_directives(b"# prodlint: x") and may_hold_directives(b"# nosec", ["nosec"])


@pytest.mark.parametrize(
    "prose", ["# see prodlint: ignore[PRD501] in the docs", "# we prodlint:ignore", "# about `prodlint: ignore[PRD501]`"]
)
def test_prose_is_no_directive(prose: str) -> None:
    assert directives(f"x {prose}\n")[1] == []


def test_noqa_with_our_codes_only() -> None:
    assert silenced("x  # noqa: PRD501\n", finding(1)) == [(1, "")]
    assert silenced("x  # noqa: E501, PRD501\n", finding(1)) == [(1, "")]
    assert silenced("x  # NOQA:PRD501\n", finding(1)) == [(1, "")]
    assert silenced("x  # noqa\n", finding(1)) == []
    assert silenced("x  # noqa: E501\n", finding(1)) == []
    assert said("x  # noqa: E501, PRD501\n") == ["`PRD501` is ignored here, but nothing breaks it"]


def test_a_flagged_part_over_several_lines() -> None:
    part = replace(finding(2), span=Span(2, 8, 5, 2))
    for number, works in ((1, False), (2, True), (3, True), (4, True), (5, True), (6, False)):
        text = "".join(f"x{'  # prodlint: ignore[PRD501] -- x' if line == number else ''}\n" for line in range(1, 7))
        assert bool(silenced(text, part, extent=lambda _: (2, 5))) is works, number
    body = "def f():  \n    a\n    b  # prodlint: ignore[PRD501] -- x\n    c\n"
    assert silenced(body, replace(finding(1), span=Span(1, 1, 4, 6)), extent=lambda _: (1, 1)) == []


YAML = """\
services:
  web:
    command:
      - uvicorn
      - --reload
    environment:
    - A=1
    - B=2
    image: x
  run: |
    one
      two

    three
  steps:
    - name: a
      run: >-
        b
        c
"""


@pytest.mark.parametrize(
    ("kind", "text", "line", "first"),
    [
        ("yaml", YAML, 5, 3),
        ("yaml", YAML, 4, 3),
        ("yaml", YAML, 8, 6),
        ("yaml", YAML, 9, 9),
        ("yaml", YAML, 12, 10),
        ("yaml", YAML, 14, 10),
        ("yaml", YAML, 16, 16),
        ("yaml", YAML, 19, 17),
        ("toml", 'a = 1\nb = [\n  "x",\n  "y",\n]\n', 4, 2),
        ("toml", "[t]\na = 1\n", 2, 2),
        ("ini", "[s]\na =\n  x\n  y\n", 4, 2),
        ("shell", "a \\\n  b \\\n  c\nd\n", 3, 1),
        ("shell", "a\nb\n", 2, 2),
    ],
)
def test_what_a_line_of_configuration_belongs_to(kind: str, text: str, line: int, first: int) -> None:
    extent = extent_by_layout(Source(text.encode()), kind)
    assert extent is not None
    assert extent(Span(line, 1, line, 2))[0] == first


# ---------------------------------------------------------------- what is wrong with a directive


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("prodlint: ignore", "`prodlint: ignore` names no rule and ignores nothing; write `prodlint: ignore[CODE] -- reason`"),
        ("prodlint: ignore[]", "`prodlint: ignore[]` names no rule and ignores nothing"),
        ("prodlint: ignore[PRD501", "`prodlint: ignore` lacks its closing bracket and ignores nothing"),
        ("prodlint: ignore PRD501", "`prodlint: ignore` names no rule and ignores nothing; write `prodlint: ignore[CODE] -- reason`"),
        ("prodlint: disable=PRD501", "`prodlint: disable` is no directive; write `prodlint: ignore[CODE] -- reason`"),
        ("prodlint: ignore[PRD501] because", "`because` is not understood and the directive ignores nothing; a reason begins with `--`"),
        ("prodlint: ignore[PRD501] until=soon", "`until=soon` is no date; write `until=2027-01-31`. It ignores nothing"),
        ("prodlint: ignore[PRD501] until=2026-11-20 -- x", "the ignore of `PRD501` expired on 2026-11-20"),
    ],
)
def test_a_directive_that_cannot_stand_ignores_nothing(comment: str, message: str) -> None:
    text = f"x  # {comment}\n"
    assert silenced(text, finding(1)) == []
    assert said(text, finding(1)) == [message]


def test_unknown_unused_and_used_side_by_side() -> None:
    text = "x  # prodlint: ignore[PRD501, bare-excpt, PRD201] -- why\n"
    assert said(text, finding(1)) == ["unknown rule `bare-excpt`", "`PRD201` is ignored here, but nothing breaks it"]


def test_rules_that_were_not_run_are_not_called_unused() -> None:
    terms = replace(TERMS, selected=frozenset(("PRD002", "PRD201")))
    assert said("x  # prodlint: ignore[PRD501] -- why\n", terms=terms) == []
    assert said("x  # prodlint: ignore[PRD201] -- why\n", terms=terms) == ["`PRD201` is ignored here, but nothing breaks it"]


def test_an_ignore_kept_on_purpose() -> None:
    assert said("x  # prodlint: ignore[PRD501, PRD002] -- needed on Windows\n") == []


def test_an_ignore_needs_a_reason_where_asked() -> None:
    terms = replace(TERMS, require_reason=True)
    text = "x  # prodlint: ignore[PRD501]\n"
    assert said(text, finding(1), terms=terms) == ["the ignore gives no reason; add one after `--`"]
    assert said("x  # prodlint: ignore[PRD501] -- why\n", finding(1), terms=terms) == []


def test_some_rules_cannot_be_ignored() -> None:
    terms = replace(TERMS, unsuppressible=frozenset(("PRD104",)))
    text = "x  # prodlint: ignore[PRD104, PRD501] -- why\n"
    assert silenced(text, finding(1, "PRD104"), finding(1), terms=terms) == [(1, "why")]
    assert said(text, finding(1, "PRD104"), finding(1), terms=terms) == ["`PRD104` may not be ignored inline"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x  # prodlint: ignore[PRD201] -- why\ny\n", "x\ny\n"),
        ("x  # prodlint: ignore[PRD201]  # noqa: S105\n", "x  # noqa: S105\n"),
        ("x  # noqa: S105  # prodlint: ignore[PRD201] -- why\n", "x  # noqa: S105\n"),
        ("# prodlint: ignore[PRD201] -- why\nx\n", "x\n"),
        ("x  # prodlint: ignore[PRD201]  # a word\n", "x  # a word\n"),
        ("x  # type: int # prodlint: ignore[PRD201] -- see #12 # noqa: S105\n", "x  # type: int # noqa: S105\n"),
        ("a\n  # prodlint: ignore[PRD201] -- why\r\nx\n", "a\nx\n"),
        ("x  # prodlint: ignore[PRD201, PRD501] -- why\n", "x  # prodlint: ignore[PRD501] -- why\n"),
        ("x  # noqa: PRD201\n", "x\n"),
        ("x  # noqa: S105, PRD201, E501\n", "x  # noqa: S105, E501\n"),
        ("x  # noqa: PRD201, PRD501\n", "x  # noqa: PRD501\n"),
    ],
)
def test_the_fix_takes_out_only_what_is_dead(before: str, after: str) -> None:
    source, read_ = directives(before)
    used = apply([finding(1)], read_, TERMS).used
    (problem,) = problems("a.py", read_, used, TERMS)
    assert problem.fix is not None and problem.fix.safe and problem.fix.kind == "replace-at"
    values = dict(problem.fix.arguments)
    start = source.offset_at(int(values["line"]), int(values["column"]))
    end = source.offset_at(int(values["end_line"]), int(values["end_column"]))
    assert (source.data[:start] + values["text"].encode() + source.data[end:]).decode() == after


# ---------------------------------------------------------------- other tools' directives


@pytest.mark.parametrize(
    ("text", "honor", "code"),
    [
        ("x  # noqa\n", "noqa", "PRD201"),
        ("x  # noqa: E722\n", "noqa", "PRD201"),
        ("x  # nosec\n", "nosec", "PRD104"),
        ("x  # nosec B105\n", "nosec", "PRD104"),
        ("x  # pragma: allowlist secret\n", "pragma", "PRD104"),
        ("x  # gitleaks:allow\n", "gitleaks", "PRD104"),
        ("x  # nosemgrep: some.rule\n", "nosemgrep", "PRD104"),
        ("# hadolint ignore=DL3002\nx\n", "hadolint", "PRD802"),
    ],
)
def test_foreign_directives_count_only_when_asked_for(text: str, honor: str, code: str) -> None:
    switches = RuleSelection(Settings(), [*RULES, KnownRule("PRD802", "container-runs-as-root", True)])
    terms = replace(TERMS, codes_of=switches.codes_of)
    line = 2 if text.startswith("#") else 1
    assert silenced(text, finding(line, code), terms=terms, honor=(honor,)) == [
        (line, f"`{text.split('# ')[1].split(chr(10), maxsplit=1)[0]}`".replace(": some.rule", ""))
    ]
    assert silenced(text, finding(line, code), terms=terms) == []
    assert silenced(text, finding(line, "PRD501"), terms=terms, honor=(honor,)) == [] or honor in ("noqa", "nosemgrep", "nosec")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# words  # prodlint: ignore[PRD501]\nx\n", 1),
        ("# prodlint: ignore[PRD501]\n# words\nx\n", 2),
        ("# prodlint: ignore[PRD501]\n# words\nx\n", 3),
    ],
)
def test_a_comment_can_be_spoken_of(text: str, line: int) -> None:
    assert silenced(text, finding(line)) != []


def test_other_tools_speak_of_their_own_line() -> None:
    assert silenced("# words  # noqa: E722\nx\n", finding(1, "PRD201"), honor=("noqa",)) != []
    assert silenced("# noqa: E722\nx\n", finding(2, "PRD201"), honor=("noqa",)) == []
    terms = replace(TERMS, codes_of=RuleSelection(Settings(), [*RULES, KnownRule("PRD104", "hardcoded-password", True)]).codes_of)
    assert silenced("# pragma: allowlist nextline secret\nx\n", finding(2, "PRD104"), terms=terms, honor=("pragma",)) != []


def test_an_unused_foreign_directive_is_not_ours_to_report() -> None:
    _, read_ = directives("x  # nosec B105\n", ("nosec",))
    assert problems("a.py", read_, set(), TERMS) == []


# ---------------------------------------------------------------- robust


@given(text=st.text(alphabet="prodlint:ignore[]PRD501,-= #/*\n\u00e9until2027-01-31", max_size=80))
def test_no_comment_breaks_the_reading(text: str) -> None:
    source = Source(f"x # prodlint: {text}".encode())
    read_ = read(source, [(2, len(source.data))], ("noqa", "nosec", "pragma", "gitleaks", "nosemgrep", "hadolint"))
    result = apply([finding(1)], read_, TERMS)
    for item in problems("a.py", read_, result.used, TERMS):
        assert item.span.line >= 1 and item.message


def test_a_long_comment_takes_no_longer_than_its_length() -> None:
    text = "# " + "prodlint: ignore " * 20_000 + " " * 50_000
    source = Source(text.encode())
    assert len(read(source, [(0, len(source.data))])) == 1
