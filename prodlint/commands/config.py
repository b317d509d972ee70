"""The verb `config`: every setting explained, what holds here, and the JSON Schema for editors."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from prodlint.configuration.keys import KEYS, Key
from prodlint.configuration.settings import Settings, SettingsError, load
from prodlint.configuration.shapes import did_you_mean
from prodlint.escaping import escape_control_characters
from prodlint.model import Rule

SCHEMA_ID = "https://json.schemastore.org/prodlint.json"


def config(given: Namespace) -> int:
    """List the settings, explain one, or print the schema.

    Raises SettingsError for a key that there is not.
    """
    if given.schema:
        from prodlint.engine.catalogue import own_rules

        print(schema_text(own_rules()), end="")
        return 0
    if given.key is None:
        width = max(map(len, KEYS))
        for name, key in KEYS.items():
            print(f"{name:<{width}}  {first_sentence(key.words)}")
        return 0
    name = given.key.removeprefix("tool.prodlint.").partition(".")[0]
    if name not in KEYS:
        raise SettingsError(f"unknown setting `{given.key}`{did_you_mean(name, KEYS)}")
    for line in _explained(name, KEYS[name], load(os.curdir)):
        print(escape_control_characters(line))
    return 0


def _explained(name: str, key: Key, settings: Settings) -> Iterator[str]:
    yield name
    yield key.words
    yield ""
    yield f"Type: {key.shape.words}"
    yield f"Default: {key.default}"
    if key.flag:
        yield f"Flag: {key.flag}"
    if name in settings.origins:
        yield f"Here: set in {settings.origins[name]} (`prodlint --show-settings` prints the value)"
    else:
        yield "Here: not set"
    yield ""
    yield "Example, in prodlint.toml:"
    for line in key.example.split("\n"):
        yield f"  {line}"


def first_sentence(words: str) -> str:
    """The first sentence of a setting's words."""
    end = words.find(". ")
    return words if end < 0 else words[: end + 1]


# ---------------------------------------------------------------- JSON Schema


def schema(rules: Sequence[Rule]) -> dict[str, Any]:
    """The JSON Schema of `prodlint.toml`, which is also that of `[tool.prodlint]`: made from what validates the settings and from the rules' pages."""
    properties: dict[str, Any] = {
        name: {"description": key.words, **key.shape.schema(), "examples": [_example(name, key)]} for name, key in KEYS.items()
    }
    with_options = {rule.code: _options(rule) for rule in rules if rule.options}
    by_name = {rule.name: {"$ref": f"#/properties/rules/properties/{rule.code}"} for rule in rules if rule.options}
    properties["rules"] = {**properties["rules"], "properties": {**with_options, **by_name}}
    codes = [rule.code for rule in rules]
    families = sorted({code[:4] for code in codes})
    # An enumeration is what editors complete from; any other text may be the code, prefix or name of a team's own rule or a plug-in's.
    known = {"enum": ["ALL", *families, *codes, *(rule.name for rule in rules)]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Settings of prodlint",
        "description": "prodlint.toml, .prodlint.toml, or [tool.prodlint] in pyproject.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": {
            "rule": {
                "description": "A rule: a code, a prefix of codes, a name, or ALL",
                "anyOf": [known, {"type": "string", "minLength": 1}],
            }
        },
    }


def schema_text(rules: Sequence[Rule]) -> str:
    """The schema as the file that the package holds."""
    return json.dumps(schema(rules), indent=1, ensure_ascii=False) + "\n"


def _example(name: str, key: Key) -> Any:
    import tomli

    return tomli.loads(key.example)[name]


def _options(rule: Rule) -> dict[str, Any]:
    """What a team may set for one rule: each option is like its default."""
    properties = {name: {**_like(default), "default": default} for name, default in rule.options}
    return {"description": rule.title, "type": "object", "properties": properties, "additionalProperties": False}


def _like(default: Any) -> dict[str, Any]:
    if isinstance(default, bool):
        return {"type": "boolean"}
    if isinstance(default, int):
        return {"type": "integer"}
    if isinstance(default, float):
        return {"type": "number"}
    if isinstance(default, list):
        return {"type": "array"}
    return {"type": "object" if isinstance(default, dict) else "string"}
