"""What the README names exists, and it stays one screen."""

from __future__ import annotations

import re

import tomli

from prodlint.commands import VERBS
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith("https://") and not (ROOT / target).exists()] == []


def test_every_verb_exists() -> None:
    verbs = set(re.findall(r"`prodlint ([a-z]+)", TEXT))
    assert verbs
    assert verbs <= set(VERBS)


def test_it_is_one_screen() -> None:
    assert len(TEXT.splitlines()) <= 60


def test_groups_that_it_installs_exist() -> None:
    groups = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert set(re.findall(r"--group (\w+)", TEXT)) <= groups.keys()
