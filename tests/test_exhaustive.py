"""Required literals leave nothing out: looking at everything finds the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.commands import rule as rule_command
from prodlint.engine import catalogue
from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]


def both(prodlint: Run, tree: Path) -> tuple[str, str]:
    """The whole report, byte for byte: findings, what is suppressed and unchecked, evidence, and how many files each rule looked at."""
    words = ["check", str(tree), "--root", str(tree), "--isolated", "--select", "ALL", "--output-format", "json", "--no-cache"]
    return prodlint(*words).out, prodlint(*words, "--exhaustive").out


@pytest.mark.parametrize("name", ["unready/orders", "ready/orders"])
def test_on_the_fixtures(prodlint: Run, name: str) -> None:
    anchored, exhaustive = both(prodlint, ROOT / "fixtures" / name)
    assert anchored == exhaustive


def test_on_prodlint_itself(prodlint: Run) -> None:
    anchored, exhaustive = both(prodlint, ROOT / "prodlint")
    assert anchored == exhaustive


def test_on_the_examples_of_all_pages(prodlint: Run, tmp_path: Path) -> None:
    number = 0
    for rule in catalogue.own_rules():
        for example in (*rule.bad, *rule.good):
            number += 1
            for name, text in example.files:
                path = tmp_path / f"example{number}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(rule_command.expanded(text), encoding="utf-8")
    assert number > 1000
    anchored, exhaustive = both(prodlint, tmp_path)
    assert len(json.loads(anchored)["findings"]) > number
    assert anchored == exhaustive


@pytest.mark.skipif("PRODLINT_CORPUS" not in os.environ, reason="PRODLINT_CORPUS names no folder of real services")
def test_on_a_corpus(prodlint: Run) -> None:
    trees = [path for path in sorted(Path(os.environ["PRODLINT_CORPUS"]).iterdir()) if path.is_dir()]
    assert trees
    for tree in trees:
        anchored, exhaustive = both(prodlint, tree)
        assert anchored == exhaustive, tree.name
