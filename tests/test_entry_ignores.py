"""`ignore-entries`: findings ignored at paths of keys, in documents that one may not edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project, Ran

Run = Callable[..., Ran]

COMPOSE = """\
services:
  web:
    image: web:1.2.3
    privileged: true
  agent:
    image: agent:1.2.3
    privileged: true
"""
TABLE = """\
[[ignore-entries]]
paths = ["vendor.compose.yaml"]
keys = ["services.agent.privileged"]
rules = ["PRD823"]
reason = "reads the host's metrics"
"""


def checked(prodlint: Run, root: Path, *words: str) -> dict[str, Any]:
    ran = prodlint(".", "--no-cache", "--select", "PRD823", "--output-format", "json", "--show-suppressed", *words, cwd=root)
    made: dict[str, Any] = json.loads(ran.out)
    return made


def lines(findings: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(finding["path"], finding["line"]) for finding in findings]


@pytest.fixture
def root(project: Project) -> Path:
    return project({"vendor.compose.yaml": COMPOSE, "compose.yaml": COMPOSE, "prodlint.toml": TABLE})


def test_one_key_of_one_file(root: Path, prodlint: Run) -> None:
    made = checked(prodlint, root)
    assert lines(made["findings"]) == [("compose.yaml", 4), ("compose.yaml", 7), ("vendor.compose.yaml", 4)]
    assert lines(made["suppressed"]) == [("vendor.compose.yaml", 7)]
    assert made["suppressed"][0]["suppressed"] == {"kind": "settings", "reason": "reads the host's metrics"}
    assert not [note for note in made["notes"] if "ignore-entries" in note]


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ("services.agent", [4]),
        ("services.*.privileged", []),
        ("**.privileged", []),
        ("services.web.privileged", [7]),
        ("services.agent.image", [4, 7]),
        ("services.nobody", [4, 7]),
    ],
)
def test_keys(root: Path, prodlint: Run, keys: str, left: list[int]) -> None:
    (root / "prodlint.toml").write_text(TABLE.replace("services.agent.privileged", keys))
    made = checked(prodlint, root)
    assert [line for path, line in lines(made["findings"]) if path.startswith("vendor")] == left
    assert bool([note for note in made["notes"] if "ignores nothing" in note]) == (left == [4, 7])


def test_it_ends_and_can_be_lifted(root: Path, prodlint: Run) -> None:
    assert checked(prodlint, root, "--no-inline-ignores")["suppressed"] == []
    (root / "prodlint.toml").write_text(TABLE + 'until = "2027-03-31"\n')
    assert checked(prodlint, root, "--today", "2027-03-31")["suppressed"]
    after = checked(prodlint, root, "--today", "2027-04-01")
    assert after["suppressed"] == []
    assert [note for note in after["notes"] if "ended on 2027-03-31" in note]
    (root / "prodlint.toml").write_text('unsuppressible = ["PRD823"]\n' + TABLE)
    assert checked(prodlint, root)["suppressed"] == []


def test_text_says_who_took_it_away(root: Path, prodlint: Run) -> None:
    assert "1 by the settings" in prodlint(".", "--no-cache", "--select", "PRD823", cwd=root).out


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (TABLE.replace("reason", "resaon"), "prodlint.toml:5: unknown setting `ignore-entries.resaon`; did you mean `reason`?"),
        (TABLE.replace("PRD823", "PRD999"), "unknown rule `PRD999` in `ignore-entries`"),
        (TABLE + 'until = "soon"\n', "must be a date such as 2027-03-31"),
    ],
)
def test_mistakes_are_named(project: Project, prodlint: Run, table: str, why: str) -> None:
    ran = prodlint(".", cwd=project({"a.yaml": "a: 1\n", "prodlint.toml": table}))
    assert ran.code == 2
    assert why in ran.err


def test_nested_settings_have_their_own(project: Project, prodlint: Run) -> None:
    root = project(
        {"api/compose.yaml": COMPOSE, "api/prodlint.toml": TABLE.replace("vendor.", ""), "compose.yaml": COMPOSE, "prodlint.toml": ""}
    )
    made = checked(prodlint, root)
    assert lines(made["suppressed"]) == [("api/compose.yaml", 7)]
    assert len(made["findings"]) == 3
