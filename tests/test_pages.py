"""The pages test themselves: each bad example is found, each good one is not."""

from __future__ import annotations

import pytest

from prodlint import checks
from prodlint.commands import rule as rule_command
from prodlint.engine import catalogue
from prodlint.model import Rule

RULES = catalogue.own_rules()


def test_there_are_pages() -> None:
    assert len(RULES) > 50


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page(rule: Rule) -> None:
    assert [str(verdict) for verdict in rule_command.test_page(rule)] == []


def test_a_check_that_fails_fails_the_good_examples_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("`PRD504` failed: KeyError")

    monkeypatch.setattr(rule_command, "findings_in", fails)
    rule = next(rule for rule in RULES if rule.code == "PRD504")
    verdicts = list(rule_command.test_page(rule))
    assert len(verdicts) == len(rule.bad) + len(rule.good) + len(catalogue.known_false_alarms(rule))
    assert "`PRD504` failed: KeyError" in str(verdicts[-1])


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
    made = (
        {check.code for check in checks.CHECKS}
        | {check.code for check in checks.PROJECT_CHECKS}
        | {rule.code for rule in RULES if rule.match or rule.project}
    )
    assert made - told == set()
    # PRD001 and PRD002 are said by the engine itself.
    assert told - made == {"PRD001", "PRD002"}
