"""What the README names exists."""

from __future__ import annotations

from tests.conftest import ROOT

README = ROOT / "README.md"


def test_every_verb_and_format_of_the_readme_exists() -> None:
    from prodlint.commands import VERBS
    from prodlint.reports import FORMATS

    text = README.read_text(encoding="utf-8")
    for verb in ("rule", "baseline", "report", "checklist"):
        assert f"prodlint {verb}" in text
        assert verb in VERBS
    for name in ("gitlab", "azure", "junit", "rdjson", "sarif"):
        assert name in FORMATS
