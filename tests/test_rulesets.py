"""Dated sets of rules: who names one gets nothing new by an upgrade."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.configuration import keys
from prodlint.configuration.keys import RULESETS
from prodlint.engine.catalogue import own_rules
from tests.conftest import Project, Ran

Run = Callable[..., Ran]

NEW = """\
# A new rule

```toml
priority = "P1"
category = "reliability"
since = "2027.6"
message = "`{call}` is new"
[[match]]
call = ["shutil.rmtree"]
```

Why.

## Fix

So.

## Bad

```python
import shutil

shutil.rmtree("a")  # here
```

## Good

```python
x = 1
```
"""
CHANGED = (
    NEW.replace('since = "2027.6"\nmessage', "message")
    .replace("is new", "is old")
    .replace(
        "[[match]]",
        '[[change]]\nsince = "2027.6"\nwords = "P1 instead of P2, and sees os.removedirs"\npriority-before = "P2"\ndefault-before = false\n'
        '[[match]]\ncall = ["os.removedirs"]\nsince = "2027.6"\n[[match]]',
    )
)
APP = 'import os\nimport shutil\n\nshutil.rmtree("a")\nos.removedirs("a")\n'


@pytest.fixture
def two_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world in which a second set has come."""
    both = (*RULESETS, "2027.6")
    for module in ("configuration.keys", "engine.catalogue", "engine.match"):
        monkeypatch.setattr(f"prodlint.{module}.RULESETS", both)
    monkeypatch.setattr("prodlint.engine.catalogue._CLOSED", (("since", both),))
    key = keys.KEYS["ruleset"]
    monkeypatch.setitem(keys.KEYS, "ruleset", key._replace(shape=keys.OneOf(*both)))


@pytest.fixture
def root(project: Project) -> Path:
    return project(
        {"rules/own/ACM001-new.md": NEW, "rules/own/ACM002-old.md": CHANGED, "a.py": APP, "prodlint.toml": 'extend-rules = ["rules"]\n'}
    )


def found(prodlint: Run, root: Path, *words: str) -> list[tuple[str, str, int]]:
    out = prodlint("a.py", "--no-cache", "--output-format", "json", "--ignore", "PRD", *words, cwd=root).out
    return [(f["code"], f["priority"], f["line"]) for f in json.loads(out)["findings"]]


@pytest.mark.usefixtures("two_sets")
def test_a_set_holds_back_what_came_later(root: Path, prodlint: Run) -> None:
    newest = [("ACM001", "P1", 4), ("ACM002", "P1", 4), ("ACM002", "P1", 5)]
    assert found(prodlint, root) == found(prodlint, root, "--ruleset", "2027.6") == newest
    # Off by default then; its former priority; what it sees since is not reported.
    assert found(prodlint, root, "--ruleset", "2026.12") == []
    assert found(prodlint, root, "--ruleset", "2026.12", "--extend-select", "ACM002") == [("ACM002", "P2", 4)]
    # A prefix and ALL stand for the rules of the set; its own code or name is a choice of its own.
    assert found(prodlint, root, "--ruleset", "2026.12", "--select", "ACM0") == [("ACM002", "P2", 4)]
    assert found(prodlint, root, "--ruleset", "2026.12", "--select", "ACM001") == [("ACM001", "P1", 4)]


@pytest.mark.usefixtures("two_sets")
def test_what_a_later_set_brings(root: Path, prodlint: Run) -> None:
    (root / "prodlint.toml").write_text('extend-rules = ["rules"]\nruleset = "2026.12"\nignore = ["PRD"]\n')
    out = prodlint("ruleset", "diff", "--count", cwd=root).out.splitlines()
    assert out == [
        "new      ACM001  P1  new: on by default  1 new finding here",
        "changed  ACM002  P1  old: P1 instead of P2, and sees os.removedirs  2 new findings here",
        "2026.12 to 2027.6: 2 changes; 3 new findings here",
    ]
    assert prodlint("ruleset", "diff", "2027.6", cwd=root).out == "2027.6 to 2027.6: 0 changes\n"
    assert "is later than" in prodlint("ruleset", "diff", "2027.6", "2026.12", cwd=root).err
    listed = prodlint("ruleset", "list", cwd=root).out.splitlines()
    assert [line.split()[0] for line in listed] == ["2026.12", "2027.6"]
    assert "in force here" in listed[0]


def test_an_unknown_set_is_refused(root: Path, prodlint: Run) -> None:
    ran = prodlint("a.py", "--ruleset", "2026.21", cwd=root)
    assert ran.code == 2 and "did you mean `2026.12`?" in ran.err
    assert "unknown rule set `x`" in prodlint("ruleset", "diff", "x", cwd=root).err


def test_every_own_rule_belongs_to_a_set() -> None:
    assert {rule.since for rule in own_rules()} <= {"", *RULESETS}
