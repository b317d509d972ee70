"""What other tools found counts towards items, and is named as theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.configuration.settings import SettingsError
from prodlint.readiness.evidence import Said, read_all
from tests.conftest import ROOT, Ran

READY = ROOT / "fixtures" / "ready" / "orders"


def sarif(tool: str, *results: tuple[str, str, int], **more: object) -> str:
    listed = [
        {"ruleId": rule, "locations": [{"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}], **more}
        for rule, path, line in results
    ]
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool}}, "results": listed}]})


def read(tmp_path: Path, content: str) -> list[Said]:
    file = tmp_path / "other.sarif"
    file.write_text(content)
    return read_all([str(file)])


def test_findings_are_counted_once_a_place(tmp_path: Path) -> None:
    found = read(tmp_path, sarif("Bandit", ("B608", "a.py", 3), ("B608", "a.py", 3), ("B608", "b.py", 9), ("B999", "c.py", 1)))
    assert [(said.item, said.path, said.line) for said in found] == [("no-sql-injection", "a.py", 3), ("no-sql-injection", "b.py", 9)]


def test_what_prodlint_says_itself_is_not_counted_twice(tmp_path: Path) -> None:
    assert read(tmp_path, sarif("prodlint", ("PRD201", "a.py", 3))) == []


def test_suppressed_results_and_passes_do_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, sarif("bandit", ("B608", "a.py", 3), suppressions=[{"kind": "inSource"}])) == []
    assert read(tmp_path, sarif("bandit", ("B608", "a.py", 3), kind="pass")) == []


def test_an_auditor_that_found_nothing_speaks_for_the_item(tmp_path: Path) -> None:
    assert read(tmp_path, sarif("pip-audit")) == [
        Said("no-known-vulnerabilities", "pip-audit", words="pip-audit found nothing", speaks_for=True)
    ]


def test_coverage_and_test_results(tmp_path: Path) -> None:
    (covered,) = read(tmp_path, '<?xml version="1.0" ?>\n<coverage version="7" line-rate="0.853" branch-rate="0">')
    assert (covered.item, covered.words, covered.speaks_for) == ("coverage-gate", "`other.sarif`: 85 % of the lines are covered", True)
    assert not read(tmp_path, '<coverage line-rate="0.5">')[0].speaks_for
    passed = read(tmp_path, '<testsuites><testsuite name="pytest" errors="0" failures="0" skipped="1" tests="12"></testsuite></testsuites>')
    assert [(said.item, said.words, said.speaks_for) for said in passed] == [
        ("ci-tests", "`other.sarif`: 12 tests passed", True), ("tests-exist", "`other.sarif`: 12 tests passed", True),
    ]  # fmt: skip
    (failed,) = read(tmp_path, '<testsuite errors="1" failures="2" tests="12"/>')
    assert (failed.words, failed.speaks_for) == ("`other.sarif`: 3 of 12 tests failed", False)
    assert read(tmp_path, "<testsuite/>")[0].words == "`other.sarif`: no test ran"


@pytest.mark.parametrize("content", ["", "hello", "{}", '{"runs": 3}', '{"runs": [{}]}', "<html>", "<coverage>"])
def test_what_is_something_else_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError):
        read(tmp_path, content)


def test_others_findings_make_an_item_unmet(prodlint: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "bandit.sarif").write_text(sarif("Bandit", ("B608", "app/main.py", 3)))
    (tmp_path / "audit.sarif").write_text(sarif("pip-audit"))
    words = ("--evidence", str(tmp_path / "bandit.sarif"), "--evidence", str(tmp_path / "audit.sarif"))
    ran = prodlint("report", str(READY), "--root", str(READY), "--isolated", "--output-format", "json", *words)
    items = {item["id"]: item for item in json.loads(ran.out)["items"]}
    assert items["no-sql-injection"]["verdict"] == "not met"
    assert items["no-sql-injection"]["others"] == ["Bandit: 1 x `B608` first at `app/main.py:3`"]
    assert items["no-known-vulnerabilities"]["verdict"] == "met"


def test_doubles_and_tests_are_not_counted(prodlint: Callable[..., Ran], tmp_path: Path) -> None:
    unready = ROOT / "fixtures" / "unready" / "orders"
    line = next(n for n, text in enumerate((unready / "app" / "main.py").read_text().splitlines(), 1) if "JWT_SECRET = " in text)
    address = (unready / "app" / "main.py").as_uri()
    places = (("generic-api-key", address, line), ("generic-api-key", "./app/main.py", 1), ("generic-api-key", "tests/test_orders.py", 1))
    (tmp_path / "gitleaks.sarif").write_text(sarif("gitleaks", *places))
    words = ("report", str(unready), "--root", str(unready), "--isolated", "--output-format", "json")
    ran = prodlint(*words, "--evidence", str(tmp_path / "gitleaks.sarif"))
    items = {item["id"]: item for item in json.loads(ran.out)["items"]}
    assert items["no-secrets-in-code"]["others"] == [
        "gitleaks: 1 x `generic-api-key` first at `app/main.py:1`",
        "gitleaks: 1 x `generic-api-key`, found above as well",
    ]
