"""The pages test themselves: each bad example is found, each good one is not."""

from __future__ import annotations

import pytest

from prodlint import catalogue, checks, explain
from prodlint.model import Rule

RULES = catalogue.own_rules()


def test_there_are_pages() -> None:
    assert len(RULES) > 50


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page(rule: Rule) -> None:
    assert [str(verdict) for verdict in explain.test_page(rule)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_says_what_a_reader_needs(rule: Rule) -> None:
    assert rule.why
    assert rule.how
    assert not rule.title.endswith(".")
    assert rule.family in checks.FAMILIES
    assert (rule.security_severity != "") <= (rule.category in ("security", "supply-chain"))
    assert f"rules/{rule.family}/{rule.code}-{rule.name}.md" in rule.path.replace("\\", "/")


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    checks.load()
    told = {rule.code for rule in RULES}
    made = {check.code for check in checks.CHECKS} | {check.code for check in checks.PROJECT_CHECKS} | {rule.code for rule in RULES if rule.match}
    assert made - told == set()
    # PRD001 and PRD002 are said by the engine itself.
    assert told - made == {"PRD001", "PRD002"}
