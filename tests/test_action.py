"""The GitHub action: what its ref pins is what it runs, it runs once, and it passes prodlint itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from tests.conftest import ROOT, Ran

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCRIPTS = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]


def test_it_installs_the_version_of_its_own_ref() -> None:
    installs = [script for script in SCRIPTS if "pip" in script]
    assert len(installs) == 1
    assert installs[0].rstrip().endswith('--no-deps "$GITHUB_ACTION_PATH"')
    assert '--require-hashes --only-binary=:all: -r "$GITHUB_ACTION_PATH/.ci/requirements/image.txt"' in installs[0]


def test_it_checks_once() -> None:
    assert sum(script.count('bin/prodlint" check') for script in SCRIPTS) == 1


def test_no_expression_stands_in_a_script() -> None:
    assert SCRIPTS
    assert not [script for script in SCRIPTS if "${{" in script]


def test_prodlint_finds_nothing_in_it(prodlint: Callable[..., Ran]) -> None:
    ran = prodlint("action.yml", "--isolated", "--no-cache", cwd=ROOT)
    assert (ran.code, ran.out.splitlines()[0]) == (0, "No findings.")
