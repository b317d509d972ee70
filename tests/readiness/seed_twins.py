"""Which example shows a line of the seeds to be false, and which shows it to be true.

The lines are audited as any checklist is, against the small trees on the pages of the rules that the line is about, and against the
fixtures. `python -m tests.readiness.seed_twins` writes the answers into seed_lines.json; test_seed_twins.py holds them. With `refresh` it only
tries again what the table names, and the fixtures and our own trees for what it does not.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from prodlint.commands.rule import expanded
from prodlint.configuration.settings import Selection, Settings
from prodlint.engine import catalogue
from prodlint.engine.session import Request
from prodlint.model import Example, Rule
from prodlint.readiness.answers import Answers, answers_of
from prodlint.readiness.audit import Auditor
from prodlint.readiness.lines import Line, read_lines
from prodlint.readiness.phrases import Phrases
from tests.readiness.seed_trees import BARE, COMPLETE

ROOT = Path(__file__).parents[2]
SEEDS = ROOT.parent / "shared" / "seeds"
TABLE = Path(__file__).parent / "seed_lines.json"
FIXTURES = {"unready": ROOT / "fixtures" / "unready" / "orders", "ready": ROOT / "fixtures" / "ready" / "orders"}
TREES = {"complete": COMPLETE, "no safeguards": BARE}
NO, YES = ("belied", "still open"), ("agrees", "in fact met")


@cache
def rules() -> dict[str, Rule]:
    """prodlint's own rules by code."""
    return {rule.code: rule for rule in catalogue.own_rules()}


@cache
def lines_of(seed: str) -> dict[int, Line]:
    """The lines of a seed by number."""
    (file,) = SEEDS.glob(f"{seed}_*.txt")
    return {line.number: line for line in read_lines(file.read_text(encoding="utf-8"))}


def codes_of(named: Sequence[str]) -> list[str]:
    """The codes among codes and names of rules; names of rules to come have none."""
    by_name = {rule.name: code for code, rule in rules().items()}
    return [code for name in named if (code := name if name in rules() else by_name.get(name, ""))]


def example_of(name: str) -> Example:
    """An example by its name in the table: "PRD504 bad 0"."""
    code, side, index = name.split()
    return (rules()[code].bad if side == "bad" else rules()[code].good)[int(index)]


def answers_to(name: str, folder: Path) -> Answers:
    """The readiness report of an example, written into a folder, or of a fixture."""
    root = FIXTURES.get(name)
    if root is None:
        root = folder / name.replace(" ", "-")
        files = TREES[name].items() if name in TREES else example_of(name).files
        for path, text in files:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(expanded(text), encoding="utf-8")
    request = Request([str(root)], root=str(root), isolated=True, jobs=1)
    return answers_of(replace(request, finish=_every_rule) if name.startswith("no ") else request)


def _every_rule(settings: Settings) -> Settings:
    """The settings of a team that has chosen all rules, those that are off by default as well."""
    return replace(settings, selections=(*settings.selections, Selection(select=("ALL",))))


def _names() -> Iterator[tuple[str, str, str]]:
    """Every tree with its side and the code that it speaks of; the fixtures and our own trees speak of all, ""."""
    yield "unready", "bad", ""
    yield "ready", "good", ""
    for name in TREES:
        yield name, "bad" if name.startswith("no ") else "good", ""
    for code, rule in rules().items():
        for side, examples in (("bad", rule.bad), ("good", rule.good)):
            for index, example in enumerate(examples[:_MOST]):
                if not example.options:
                    yield f"{code} {side} {index}", side, code


# Examples of one rule and side that are tried for the lines that no earlier one answers.
_MOST = 6


def generate(refresh: bool = False) -> None:
    """Write the table anew."""
    old = json.loads(TABLE.read_text())
    table = {seed: [row[:2] for row in rows] for seed, rows in old.items()}
    waiting: dict[tuple[str, str], list[tuple[str, int]]] = {}
    named_before: dict[str, list[tuple[str, int]]] = {}
    for seed, rows in table.items():
        for index, (number, named) in enumerate(rows):
            for code in (*codes_of(named), "") if number in lines_of(seed) else ():
                for side in ("bad", "good"):
                    waiting.setdefault((code, side), []).append((seed, index))
            for name in old[seed][index][2:]:
                named_before.setdefault(name, []).append((seed, index))
    found: dict[tuple[str, int, str], str] = {}
    phrases = None
    with tempfile.TemporaryDirectory() as folder:
        for name, side, code in _names():
            places = named_before.get(name, ()) if refresh and code else waiting.get((code, side), ())
            asked = [(seed, index) for seed, index in places if (seed, index, side) not in found]
            if not asked:
                continue
            answers = answers_to(name, Path(folder))
            phrases = phrases or Phrases(answers.checklist.items)
            auditor = Auditor(answers, phrases)
            for seed, index in asked:
                line = lines_of(seed)[table[seed][index][0]]
                if any(each.judgement in (NO if side == "bad" else YES) for each in auditor.judged(line)):
                    found[seed, index, side] = name
            print(name, len(found), flush=True)
    for seed, rows in table.items():
        for index, row in enumerate(rows):
            row += [found.get((seed, index, "bad"), ""), found.get((seed, index, "good"), "")]
    body = ",\n".join(f'  "{seed}": [\n' + ",\n".join(f"    {json.dumps(row)}" for row in rows) + "\n  ]" for seed, rows in table.items())
    TABLE.write_text("{\n" + body + "\n}\n")


if __name__ == "__main__":
    generate(refresh="refresh" in sys.argv)
