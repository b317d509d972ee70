"""One table of settings: what it says is what is validated, explained and published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli

from prodlint.commands.config import SCHEMA_ID, schema, schema_text
from prodlint.configuration.keys import KEYS
from prodlint.configuration.settings import Settings, SettingsError, load
from prodlint.engine.catalogue import own_rules
from tests.conftest import ROOT, Project, Ran

PUBLISHED = ROOT / "prodlint" / "configuration" / "settings.schema.json"
NO_FIELD = {"select", "extend-select", "ignore", "extend"}


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return schema(own_rules())


def valid(made: dict[str, Any], values: Any) -> bool:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    return not list(jsonschema.Draft202012Validator(made).iter_errors(values))


def test_every_setting_is_in_the_table() -> None:
    inner = {"root", "project_root", "selections", "include_excluded", "origins", "sources"}
    assert {item.name.replace("_", "-") for item in fields(Settings)} - {name.replace("_", "-") for name in inner} == set(KEYS) - NO_FIELD


@pytest.mark.parametrize("name", KEYS)
def test_every_example_is_valid_both_ways(tmp_path: Path, made: dict[str, Any], name: str) -> None:
    (tmp_path / "lint" / "rules").mkdir(parents=True)
    (tmp_path / "service").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.prodlint]\n")
    (tmp_path / "service" / "prodlint.toml").write_text(KEYS[name].example)
    if name == "extend-rules":
        (tmp_path / "service" / "lint" / "rules").mkdir(parents=True)
    settings = load(tmp_path / "service", root=tmp_path)
    assert name == "extend" or name in settings.origins
    assert valid(made, tomli.loads(KEYS[name].example))


def test_the_published_schema_is_the_one_of_the_code(made: dict[str, Any]) -> None:
    """`prodlint config --schema > prodlint/configuration/settings.schema.json` writes it anew."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["$id"] == SCHEMA_ID
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(own_rules())


@pytest.mark.parametrize(
    "toml",
    [
        'selct = ["PRD501"]',
        'select = "PRD501"',
        'require-reason = "yes"',
        'fail-on = "P3"',
        'exclude = ["./src"]',
        '[files]\n"*.x" = "phyton"',
        '[roles]\ntets = ["x"]',
        'honor = ["noka"]',
        "[[per-path]]\nselect = []",
        '[[per-path]]\npaths = ["a"]\npath = ["b"]',
        '[checklist]\ndorp = ["x"]',
        "[checklist]\nexempt.backups = {}",
        '[priority]\nPRD501 = "high"',
        'ruleset = "1999.1"',
        '[[ignore-entries]]\npaths = ["a.yaml"]\nkeys = ["a"]\nrules = ["PRD842"]',
    ],
)
def test_what_the_settings_refuse_the_schema_refuses(tmp_path: Path, made: dict[str, Any], toml: str) -> None:
    (tmp_path / "prodlint.toml").write_text(toml)
    with pytest.raises(SettingsError):
        load(tmp_path, root=tmp_path)
    assert not valid(made, tomli.loads(toml))


def test_options_of_rules_are_in_the_schema(made: dict[str, Any]) -> None:
    assert valid(made, {"rules": {"PRD504": {"connect": 3.0}}})
    assert not valid(made, {"rules": {"PRD504": {"conect": 3.0}}})
    assert not valid(made, {"rules": {"requests-without-timeout": {"connect": "3"}}})


def test_the_verb(project: Project, prodlint: Callable[..., Ran]) -> None:
    root = project({"prodlint.toml": 'fail-on = "P1"\n'})
    listed = prodlint("config", cwd=root).out.splitlines()
    assert [line.split()[0] for line in listed] == list(KEYS)
    one = prodlint("config", "fail-on", cwd=root).out
    assert 'Default: "P2"' in one and "Here: set in prodlint.toml:1" in one and "--fail-on" in one
    assert "did you mean `fail-on`?" in prodlint("config", "fail_onn", cwd=root).err
    assert json.loads(prodlint("config", "--schema", cwd=root).out)["$id"] == SCHEMA_ID
