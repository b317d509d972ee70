"""The README's table of rules is what the pages say. `PRODLINT_REWRITE=1 pytest tests/test_readme.py` writes it."""

from __future__ import annotations

import os

from prodlint.engine import catalogue
from tests.conftest import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- rules: begin -->\n", "<!-- rules: end -->\n"


def table() -> str:
    lines = ["| code | name | what is wrong | priority | on | fix |\n", "|---|---|---|---|---|---|\n"]
    for rule in catalogue.own_rules():
        link = f"[{rule.code}](rules/{rule.family}/{rule.code}-{rule.name}.md)"
        fix = "" if rule.fix == "none" else rule.fix
        lines.append(f"| {link} | {rule.name} | {rule.title} | {rule.priority} | {'yes' if rule.default else 'no'} | {fix} |\n")
    return "".join(lines)


def test_the_table_of_rules_is_true() -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    inside, after = rest.split(END)
    if os.environ.get("PRODLINT_REWRITE"):
        README.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
        return
    assert inside == table()


def test_every_verb_and_format_of_the_readme_exists() -> None:
    from prodlint.commands.cli import VERBS
    from prodlint.reports import FORMATS

    text = README.read_text(encoding="utf-8")
    for verb in ("rule", "baseline", "report", "checklist"):
        assert f"prodlint {verb}" in text
        assert verb in VERBS
    for name in ("gitlab", "azure", "junit", "rdjson", "sarif"):
        assert name in FORMATS
