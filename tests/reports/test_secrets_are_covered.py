"""No format shows a secret, whichever finding an excerpt belongs to."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

import pytest

from prodlint.model import Edit, Finding, Fix, FixRequest, Related, Suppressed, Unchecked
from prodlint.reports import FORMATS

if TYPE_CHECKING:
    from conftest import Tree

_CHANCE = random.Random(30)


def _made_up(length: int) -> str:
    return "".join(_CHANCE.choice(string.ascii_letters + string.digits) for _ in range(length))


def _planted() -> list[tuple[str, str]]:
    """Thirty (line, secret) pairs: the places in which secrets stand. Short ones, long ones, beside wide letters, twice on a line."""
    key = [
        _made_up(length)
        for length in (4, 5, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 120, 200, 300, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33)
    ]
    templates = [
        "password = '{}'",
        'api = connect(user="x", password="{}")',
        "DATABASE = 'postgres://app:{}@db/app'",
        "# was: {}",
        "s = '😀日本', '{}'",
        "\tx = {{'token': '{}'}}",
        "f = b'{}'; g = b'{}'",
        "export TOKEN={}",
        "    {}",
        "curl -H 'Authorization: Bearer {}' https://example.com/",
    ]
    return [(templates[n % len(templates)].format(value, value), value) for n, value in enumerate(key)]


PLANTED = _planted()


@pytest.fixture
def leaky(tree: Tree) -> Tree:
    """Secrets on every second line, other rules' findings on the same lines and on those between."""
    lines = [line for planted, _ in PLANTED for line in (planted, "x = httpx.get(url)")]
    tree.write("app.py", "\n".join(lines) + "\n")
    text = tree.texts["app.py"]
    related = []
    for number, (line, value) in enumerate(PLANTED):
        row = 2 * number + 1
        for occurrence in range(1, line.count(value) + 1):
            # Half of the secrets are known from suppressed findings only.
            finding = tree.find("PRD104", "app.py", value, secret=value)
            span = finding.span
            if occurrence == 2:
                column = line.index(value, line.index(value) + 1) + 1
                span = type(span)(row, column, row, column + len(value))
            tree.report.findings[-1] = Finding("app.py", span, "PRD104", "A secret", "P0", secrets=(span,), content="digest")
            related.append(Related("app.py", span, "the same value"))
        if number % 2:
            tree.report.suppressed.append(Suppressed(tree.report.findings.pop(), "baseline", "known"))
    whole = text.split("\n")
    for row, line in enumerate(whole[:-1], 1):
        span = type(related[0].span)(row, 1, row, len(line) + 1)
        fix = FixRequest("replace", "Do it", True)
        finding = Finding("app.py", span, "PRD502", "Another rule's finding", "P1", related=tuple(related[:3]), fix=fix, content=line)
        tree.report.findings.append(finding)
        tree.fixes[finding] = Fix("Do it", True, (Edit("app.py", span, "y = 1"),))
    wide = type(related[0].span)(1, 1, len(PLANTED) * 2, 1)
    tree.report.findings.append(Finding("app.py", wide, "PRD201", "The whole file", "P0"))
    return tree


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("color", [False, True], ids=["plain", "color"])
@pytest.mark.parametrize("suppressed", [False, True], ids=["left-out", "shown"])
def test_no_format_shows_a_secret(leaky: Tree, format: str, color: bool, suppressed: bool) -> None:
    text = leaky.render(format, color=color, show_suppressed=suppressed, statistics=True)
    assert "Another rule" in text or format == "statistics"
    assert [value for _, value in PLANTED if value in text] == []


@pytest.mark.parametrize("width", [20, 40, 80, 300])
def test_cut_lines_show_no_part(leaky: Tree, width: int) -> None:
    text = leaky.render("full", width=width)
    parts = {value[start : start + 6] for _, value in PLANTED if len(value) >= 6 for start in range(len(value) - 5)}
    assert not [part for part in parts if part in text]


@pytest.mark.parametrize("format", FORMATS)
def test_messages_and_notes_are_covered_too(small: Tree, secret: str, format: str) -> None:
    """The checks do not write secrets into messages. Should one do it by mistake, or a parser quote a line, it ends here."""
    report = small.report
    report.findings = [
        Finding(f.path, f.span, f.code, f"{f.message} {secret}", f.priority, f.related, f"f.{secret}", f.content, f.place, f.fix, f.secrets)
        for f in report.findings
    ]
    related = Related("app/main.py", report.findings[0].span, f"see {secret}")
    report.findings.append(Finding("app/main.py", report.findings[0].span, "PRD201", "m", "P0", related=(related,)))
    report.unchecked.append(Unchecked("x.py", f"cannot read `{secret}`", 1))
    report.notes.append(f"noted {secret}")
    report.suppressed.append(Suppressed(report.findings[0], "inline", f"because {secret}"))
    small.fixes.update({f: Fix("Do it", True, (Edit("app/main.py", f.span, secret),)) for f in report.findings})
    for shown in (False, True):
        assert secret not in small.render(format, show_suppressed=shown)
