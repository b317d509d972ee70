"""Anchors, gates and regions leave nothing out: looking at everything finds the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]


def both(prodlint: Run, tree: Path) -> tuple[list[object], list[object]]:
    words = ["check", str(tree), "--root", str(tree), "--isolated", "--select", "ALL", "--output-format", "json", "--no-cache"]
    anchored = json.loads(prodlint(*words).out)["findings"]
    exhaustive = json.loads(prodlint(*words, "--exhaustive").out)["findings"]
    return anchored, exhaustive


@pytest.mark.parametrize("name", ["unready/orders", "ready/orders"])
def test_on_the_fixtures(prodlint: Run, name: str) -> None:
    anchored, exhaustive = both(prodlint, ROOT / "fixtures" / name)
    assert anchored == exhaustive


def test_on_prodlint_itself(prodlint: Run) -> None:
    anchored, exhaustive = both(prodlint, ROOT / "prodlint")
    assert anchored == exhaustive


@pytest.mark.skipif("PRODLINT_CORPUS" not in os.environ, reason="PRODLINT_CORPUS names no folder of real services")
def test_on_a_corpus(prodlint: Run) -> None:
    trees = [path for path in sorted(Path(os.environ["PRODLINT_CORPUS"]).iterdir()) if path.is_dir()]
    assert trees
    for tree in trees:
        anchored, exhaustive = both(prodlint, tree)
        assert anchored == exhaustive, tree.name
