"""Each line of the seeds that files can decide, on a tree where it is false and on one where it is true.

seed_lines.json says which: seed -> rows of line, rules, the tree where the audit says no, the tree where it says yes; "" where there is none.
`python -m tests.readiness.seed_twins` writes it anew. PRODLINT_SEEDS=full holds every row; otherwise every 23rd is held.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from prodlint.readiness.audit import Auditor
from tests.readiness.seed_twins import NO, SEEDS, TABLE, YES, answers_to, lines_of

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents that prodlint started from are not beside the checkout")
ROWS = [(seed, *row) for seed, rows in json.loads(TABLE.read_text()).items() for row in rows]
# Rows with a tree where the audit says no, with one where it says yes, and with both.
FALSE, TRUE, BOTH = 167, 118, 91
STEP = 1 if os.environ.get("PRODLINT_SEEDS") == "full" else 23


def test_how_many_lines_have_a_twin() -> None:
    """What is answered today; the aim is both for each of the 389."""
    false, true = sum(bool(row[3]) for row in ROWS), sum(bool(row[4]) for row in ROWS)
    both = sum(bool(row[3] and row[4]) for row in ROWS)
    assert len(ROWS) == 389
    assert (false, true, both) == (FALSE, TRUE, BOTH)


def test_the_trees_say_so(tmp_path: Path) -> None:
    auditors: dict[str, Auditor] = {}
    for seed, number, _, false, true in ROWS[::STEP]:
        for name, wanted in ((false, NO), (true, YES)):
            if not name:
                continue
            if name not in auditors:
                auditors[name] = Auditor(answers_to(name, tmp_path))
            found = [each.judgement for each in auditors[name].judged(lines_of(seed)[number])]
            assert set(found) & set(wanted), (seed, number, name, found)
