"""The table of facts can be read, and speaks of rules that there are. Whether its facts hold, `check_facts.py` asks the packages."""

from __future__ import annotations

import re

from prodlint.engine.catalogue import own_rules
from tests.facts.check_facts import read


def test_every_fact_is_whole() -> None:
    facts = read()
    assert len(facts) > 20
    codes = {rule.code for rule in own_rules()}
    for fact in facts:
        assert set(fact) == {"rules", "package", "version", "file", "holds"}
        assert set(fact["rules"]) <= codes
        re.compile(fact["holds"])
        assert re.fullmatch(r"\d+(?:\.\d+)+", fact["version"])
