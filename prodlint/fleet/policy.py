"""What an organisation demands of its repositories, and which of them fall short."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from prodlint.fleet.dataset import Dataset, RunNote, rows_of
from prodlint.fleet.organisation import Exemption, Organisation, Tier
from prodlint.model import PRIORITIES
from prodlint.readiness.items import LEVELS


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A demand that a repository does not meet. of: what an exemption would name. exempt: why it counts not, with the day until which; or ""."""

    repository: str
    tier: str
    of: str
    words: str
    exempt: str = ""


@dataclass(slots=True)
class Judgement:
    """What a policy says of a run. tiers: by repository. ended: exemptions whose day has passed."""

    tiers: dict[str, str] = field(default_factory=dict)
    shortfalls: list[Shortfall] = field(default_factory=list)
    ended: list[Exemption] = field(default_factory=list)

    @property
    def counting(self) -> list[Shortfall]:
        """The shortfalls for which there is no exemption."""
        return [each for each in self.shortfalls if not each.exempt]


def judge(dataset: Dataset, run: RunNote, organisation: Organisation, today: str = "") -> Judgement:
    """Hold the repositories of a run against what is demanded of them. today: YYYY-MM-DD."""
    today = today or time.strftime("%Y-%m-%d")
    made = Judgement(ended=[each for each in organisation.exemptions if each.until < today])
    holding = [each for each in organisation.exemptions if each.until >= today]
    unmet = _unmet(dataset, run, {item for tier in organisation.tiers for item in tier.items})
    codes = _codes(dataset, run, {code for each in holding for code in each.of})
    for row in sorted(rows_of(dataset.table("repositories", [run])), key=lambda row: row["repository"]):
        name = row["repository"]
        tier = next((tier for tier in organisation.tiers if _names(tier.repositories, name)), None)
        if tier is None:
            continue
        made.tiers[name] = tier.name
        mine = [each for each in holding if _names(each.repositories, name)]
        for of, words in _short(row, tier, unmet.get(name, {}), _excused(mine, codes.get(name, {}))):
            reason = next((f"{each.reason} (until {each.until})" for each in mine if not each.of or of in each.of), "")
            made.shortfalls.append(Shortfall(name, tier.name, of, words, reason))
    return made


def _names(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _short(row: Mapping[str, Any], tier: Tier, unmet: Mapping[str, str], excused: Mapping[str, int]) -> Iterable[tuple[str, str]]:
    if row["status"] == "failed":
        yield "analysed", "could not be checked"
        return
    if tier.level:
        reached = row["level_possible"]
        if not reached or LEVELS.index(reached) < LEVELS.index(tier.level):
            yield "level", f"{reached or 'no level'} where {tier.level} is demanded"
    for priority, most in tier.most.items():
        found = row[priority.lower()] - excused.get(priority, 0)
        if found > most:
            yield priority, f"{found:,} findings of {priority} where {most:,} will do"
    for item in tier.items:
        if item in unmet:
            yield item, f"not met: {unmet[item]}"


def _unmet(dataset: Dataset, run: RunNote, items: set[str]) -> dict[str, dict[str, str]]:
    """By repository and item, the titles of what is not met."""
    import pyarrow.compute as pc

    found: dict[str, dict[str, str]] = {}
    if items:
        where = (pc.field("verdict") == "not met") & pc.field("item").isin(sorted(items))
        for row in rows_of(dataset.table("items", [run], ["repository", "item", "title"], where)):
            found.setdefault(row["repository"], {})[row["item"]] = row["title"]
    return found


def _codes(dataset: Dataset, run: RunNote, named: set[str]) -> dict[str, dict[tuple[str, str], int]]:
    """By repository, how many findings of each code that an exemption names, by (code, priority)."""
    import pyarrow.compute as pc

    codes = sorted(named - set(PRIORITIES) - {"level", "analysed"})
    found: dict[str, dict[tuple[str, str], int]] = {}
    if codes:
        where = pc.field("code").isin(codes) & (pc.field("suppressed") == "")
        for row in rows_of(dataset.table("findings", [run], ["repository", "code", "priority"], where)):
            mine = found.setdefault(row["repository"], {})
            mine[row["code"], row["priority"]] = mine.get((row["code"], row["priority"]), 0) + 1
    return found


def _excused(exemptions: Sequence[Exemption], codes: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """By priority, how many findings are of codes that a repository is exempt from."""
    named = {code for each in exemptions for code in each.of}
    found: dict[str, int] = {}
    for (code, priority), count in codes.items():
        if code in named:
            found[priority] = found.get(priority, 0) + count
    return found
