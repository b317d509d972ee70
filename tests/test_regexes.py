"""Expressions that somebody else wrote cannot keep a run from ending."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint import regexes
from prodlint.engine import catalogue
from tests.conftest import Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\nrequests.get('https://orders.test')\n"
NESTED = [r"(a+)+$", r"(a*)*b", r"(\w+\s?)*x", r"(.*)*", r"((a+))+", r"(?:a+|b)+c", r"x(?=(a+)+)", r"(a{2,}){3,}", r"(?:(?:a|b)*)*c"]
FINE = [r"\b(TODO|FIXME)\b", r"(-\w+)*x", r"(?:\d+\.)+\d+", r"(ab)+", r"[a-z]+(?:-[a-z]+)*", r"(?i)^hack\b.*$", r"a{1,3}b*", r"(?<!x)y+"]


@pytest.mark.parametrize("text", NESTED)
def test_a_repetition_of_a_repetition_is_refused(text: str) -> None:
    with pytest.raises(regexes.Refused, match="may never end"):
        regexes.compiled(text)


@pytest.mark.parametrize("text", FINE)
def test_what_people_write_is_not(text: str) -> None:
    assert regexes.compiled(text).pattern == text


def test_prodlints_own_pages_use_none() -> None:
    assert len(catalogue.own_rules()) > 90


def page(comment: str) -> str:
    return (
        f'# A word that does not belong\n\n```toml\npriority = "P1"\ncategory = "reliability"\nmessage = "no"\n[[match]]\ncomment = \'{comment}\'\n```\n\n'
        "Why.\n\n## Fix\n\nDo.\n\n## Bad\n\n```python\n# aaa!\n```\n\n## Good\n\n```python\nx = 1\n```\n"
    )


@pytest.fixture
def tree(project: Project) -> Path:
    return project(
        {"prodlint.toml": 'extend-rules = ["team"]\nextend-select = ["ABC001"]\n', "bad.py": BAD, "a.py": "# " + "a" * 5000 + "!\nx = 1\n"}
    )


def test_a_page_with_one_is_wrong_use(prodlint: Run, tree: Path) -> None:
    (tree / "team").mkdir()
    (tree / "team" / "ABC001-a-word.md").write_text(page("(a+)+$"))
    ran = prodlint("check", cwd=tree)
    assert ran.code == 2
    assert "may never end" in ran.err and "ABC001" in ran.err


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer of the processor's time here")
def test_a_rule_whose_search_does_not_end_is_named(prodlint: Run, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regexes, "LIMIT", 0.05)
    (tree / "team").mkdir()
    (tree / "team" / "ABC001-a-word.md").write_text(page("a*a*a*a*a*b$"))
    ran = prodlint("check", "--no-cache", "--output-format", "concise", cwd=tree)
    assert "bad.py:2:1: PRD504" in ran.out
    assert "`ABC001` was not run to the end: a regular expression takes too long here" in ran.out
    assert prodlint("check", "--no-cache", "--ignore", "PRD504", cwd=tree).code == 3
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL


def test_an_option_that_is_no_expression_is_named(prodlint: Run, project: Project) -> None:
    root = project({"prodlint.toml": '[rules.PRD301]\nticket = "(a+)+"\n', "a.py": "# TODO: later\n"})
    ran = prodlint("check", "--no-cache", cwd=root)
    assert ran.code == 3 and "`PRD301` was not run to the end" in ran.out and "may never end" in ran.out


def test_short_and_plain_searches_need_no_timer() -> None:
    assert regexes.search(re.compile("a+"), "xxaa") is not None
    assert regexes.search(re.compile("b"), "a" * 100) is None
    assert regexes.fullmatch(re.compile("a*"), "a" * 100) is not None
