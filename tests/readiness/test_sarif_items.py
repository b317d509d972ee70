"""The checklist's items in SARIF: only when asked for, and of the right kinds."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.conftest import ROOT, Ran

UNREADY = ROOT / "fixtures" / "unready" / "orders"
WORDS = ("check", str(UNREADY), "--root", str(UNREADY), "--isolated", "--output-format", "sarif", "--no-cache")


def test_items_are_results_of_their_kind(prodlint: Callable[..., Ran]) -> None:
    run = json.loads(prodlint(*WORDS, "--checklist").out)["runs"][0]
    items = {result["ruleId"]: result for result in run["results"] if result["ruleId"].startswith("checklist/")}
    kinds = {name: items[f"checklist/{name}"]["kind"] for name in ("cors-restricted", "ci-exists", "backups", "migrations-exist")}
    assert kinds == {"cors-restricted": "fail", "ci-exists": "pass", "backups": "open", "migrations-exist": "notApplicable"}
    assert all((result["level"] == "none") == (result["kind"] != "fail") for result in items.values())
    assert all(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] for result in items.values())
    assert all(result["locations"] for result in items.values())


def test_without_the_flag_nothing_changes(prodlint: Callable[..., Ran]) -> None:
    assert "checklist/" not in prodlint(*WORDS).out
