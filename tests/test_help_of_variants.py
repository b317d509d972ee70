"""`[[help]]`: what a page says of one variant of its mistake reaches the finding, and each one is met by a bad example of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.commands.rule import findings_in
from prodlint.engine import catalogue
from prodlint.model import Rule

Run = Callable[..., object]
WITH_HELP = [rule for rule in catalogue.own_rules() if rule.helps]


def test_there_are_such_pages() -> None:
    assert len(WITH_HELP) > 10


@pytest.mark.parametrize("rule", WITH_HELP, ids=lambda rule: rule.code)
def test_every_help_is_met(rule: Rule) -> None:
    said = {finding.message for example in rule.bad for finding in findings_in(rule, example)}
    for about, text in rule.helps:
        assert any(about in message for message in said), f"{rule.code}: no bad example says {about!r}: {sorted(said)}"
        assert "\n" not in text


def test_the_first_name_of_the_message_is_filled_in(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"requirements.txt": "shop-client @ git+https://git.example.org/shop/client@main\nhttpx==0.28.1\n"})
    ran = prodlint("check", "--no-cache", "--select", "PRD923", "--output-format", "json", "--exit-zero", str(root), cwd=root)
    assert "`shop-client @ git+https://HOST/OWNER/NAME@<commit>`" in ran.out  # type: ignore[attr-defined]
