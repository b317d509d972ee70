"""What a dataset says of a run, as one object that every format tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prodlint import __version__
from prodlint.fleet.dataset import Dataset, RunNote, rows_of
from prodlint.fleet.organisation import Organisation
from prodlint.fleet.policy import Judgement, judge
from prodlint.readiness.answers import VERDICTS

SUMMARY_VERSION = 1
# Of a repository: the level against which nothing speaks, or why there is none.
LEVELS = ("gold", "silver", "bronze", "none", "failed")
_MOST_RUNS = 24
_MOST_NEW = 200
_MOST_PLACES = 12
_MOST_CODES = 4
Row = dict[str, Any]


def summary(dataset: Dataset, run: RunNote, organisation: Organisation | None = None, today: str = "") -> Row:
    """Everything that is told of a run, compared with the last whole one before it.

    Raises SettingsError where the dataset cannot be read.
    """
    whole = [each for each in dataset.runs() if each.id < run.id and each.whole]
    before = whole[-1] if whole else None
    judgement = judge(dataset, run, organisation, today) if organisation is not None and organisation.demands else None
    compared = difference(dataset, before, dataset, run, ("P0",)) if before is not None else None
    repositories = _repositories(dataset, run, before, judgement)
    return {
        "version": SUMMARY_VERSION,
        "prodlint": __version__,
        "run": {"id": run.id, "day": run.day, "whole": run.whole, "sources": run.sources},
        "before": {"id": before.id, "day": before.day} if before is not None else None,
        "levels": _counted(row["level"] for row in repositories),
        "trend": _trend(dataset, [*whole[-_MOST_RUNS + 1 :], run]),
        "repositories": repositories,
        "mistakes": _mistakes(dataset, run, before),
        "new_p0": {"count": len(compared["new"]), "gone": len(compared["gone"]), "first": compared["new"][:_MOST_NEW]}
        if compared
        else None,
        "same_secrets": _same_secrets(dataset, run),
        "categories": _categories(dataset, run),
        "items": _items(dataset, run),
        "owners": _owners(dataset, run),
        "policy": _policy(judgement) if judgement is not None else None,
        "errors": sorted(
            rows_of(dataset.table("errors", [run], ["repository", "source", "kind", "why"])), key=lambda row: str(row["repository"])
        ),
    }


def level_of(row: Mapping[str, Any]) -> str:
    """One of LEVELS."""
    return "failed" if row["status"] == "failed" else row["level_possible"] or "none"


def _counted(levels: Iterable[str]) -> dict[str, int]:
    counted = Counter(levels)
    return {level: counted[level] for level in LEVELS}


def _open(dataset: Dataset, runs: Sequence[RunNote], columns: Sequence[str]) -> Any:
    """The findings that no comment suppresses."""
    import pyarrow.compute as pc

    return dataset.table("findings", runs, columns, pc.field("suppressed") == "")


def _trend(dataset: Dataset, runs: Sequence[RunNote]) -> list[Row]:
    found = []
    for run in runs:
        rows = list(rows_of(dataset.table("repositories", [run], ["status", "level_possible", "p0", "p1", "p2"])))
        numbers = {priority: sum(row[priority] or 0 for row in rows) for priority in ("p0", "p1", "p2")}
        found.append({"run": run.id, "day": run.day, **numbers, "levels": _counted(map(level_of, rows))})
    return found


def _repositories(dataset: Dataset, run: RunNote, before: RunNote | None, judgement: Judgement | None) -> list[Row]:
    columns = ["repository", "source", "ref", "commit", "status", "level", "level_possible", "percent", "p0", "p1", "p2", "secrets"]
    columns += ["file_count", "unchecked", "owner"]
    known = _levels_before(dataset, before)
    codes: dict[str, Counter[str]] = {}
    grouped = _open(dataset, [run], ["repository", "code", "rule"]).group_by(["repository", "code", "rule"]).aggregate([([], "count_all")])
    for row in rows_of(grouped):
        codes.setdefault(row["repository"], Counter())[f"{row['code']} {row['rule']}"] = row["count_all"]
    short = Counter(each.repository for each in judgement.counting) if judgement is not None else Counter[str]()
    found = []
    for row in sorted(rows_of(dataset.table("repositories", [run], columns)), key=lambda row: str(row["repository"])):
        name = row["repository"]
        old = known.get(name)
        found.append(
            {
                **{key: row[key] for key in columns if key not in ("level", "level_possible")},
                "level": level_of(row),
                "shown": row["level"] or "",
                "before": old["level"] if old else "",
                "p0_before": old["p0"] if old else None,
                "tier": judgement.tiers.get(name, "") if judgement is not None else "",
                "short": short[name],
                "commonest": [f"{code} ({count:,})" for code, count in codes.get(name, Counter()).most_common(_MOST_CODES)],
            }
        )
    return found


def _levels_before(dataset: Dataset, before: RunNote | None) -> dict[str, Row]:
    if before is None:
        return {}
    rows = rows_of(dataset.table("repositories", [before], ["repository", "status", "level_possible", "p0"]))
    return {row["repository"]: {"level": level_of(row), "p0": row["p0"]} for row in rows}


def _mistakes(dataset: Dataset, run: RunNote, before: RunNote | None) -> list[Row]:
    """By rule, the one in most repositories first."""

    def counted(of: RunNote) -> Any:
        table = _open(dataset, [of], ["repository", "code", "rule", "priority", "category"])
        return table.group_by(["code", "rule", "category"]).aggregate(
            [([], "count_all"), ("repository", "count_distinct"), ("priority", "min")]
        )

    old = {row["code"]: row["count_all"] for row in rows_of(counted(before))} if before is not None else {}
    found = [
        {
            "code": row["code"],
            "rule": row["rule"],
            "category": row["category"],
            "priority": row["priority_min"],
            "findings": row["count_all"],
            "repositories": row["repository_count_distinct"],
            "findings_before": old.get(row["code"], 0) if before is not None else None,
        }
        for row in rows_of(counted(run))
    ]
    return sorted(found, key=lambda row: (-row["repositories"], -row["findings"], row["code"]))


def _same_secrets(dataset: Dataset, run: RunNote) -> list[Row]:
    """Values that stand in several repositories, the one in most of them first. They are told by where they stand."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = ["secret", "repository", "path", "line", "code", "rule", "owner"]
    table = dataset.table("findings", [run], columns, pc.field("secret") != "")
    if not table.num_rows:
        return []
    counted = table.group_by("secret").aggregate([("repository", "count_distinct")])
    shared = counted.filter(pc.greater(counted["repository_count_distinct"], 1))["secret"]
    places: dict[str, list[Row]] = {}
    for row in rows_of(table.filter(pc.is_in(table["secret"], value_set=pa.array(shared.to_pylist(), pa.string())))):
        places.setdefault(row.pop("secret"), []).append(row)
    found = []
    for several in places.values():
        several.sort(key=lambda row: (row["repository"], row["path"], row["line"]))
        # Two rules may speak of one value at one place.
        distinct = list({(row["repository"], row["path"], row["line"]): row for row in several}.values())
        # Each repository once, before one of them a second time.
        seen: Counter[str] = Counter()
        turns = []
        for row in distinct:
            turns.append(seen[row["repository"]])
            seen[row["repository"]] += 1
        distinct = [row for _, row in sorted(zip(turns, distinct, strict=True), key=lambda pair: pair[0])]
        repositories = list(seen)
        told = {"repositories": repositories, "places": distinct[:_MOST_PLACES], "more": max(len(distinct) - _MOST_PLACES, 0)}
        found.append({"rule": Counter(row["rule"] for row in several).most_common(1)[0][0], **told})
    return sorted(found, key=lambda group: (-len(group["repositories"]), group["repositories"]))


def _categories(dataset: Dataset, run: RunNote) -> list[Row]:
    grouped = dataset.table("items", [run], ["category", "verdict"]).group_by(["category", "verdict"]).aggregate([([], "count_all")])
    found: dict[str, dict[str, int]] = {}
    for row in rows_of(grouped):
        found.setdefault(row["category"], dict.fromkeys(VERDICTS, 0))[row["verdict"]] = row["count_all"]
    return [{"name": name, "verdicts": found[name]} for name in sorted(found)]


def _items(dataset: Dataset, run: RunNote) -> list[Row]:
    """By item of the checklist, the one that most repositories lack first."""
    keys = ["item", "title", "category"]
    grouped = dataset.table("items", [run], [*keys, "verdict"]).group_by([*keys, "verdict"]).aggregate([([], "count_all")])
    found: dict[str, Row] = {}
    for row in rows_of(grouped):
        mine = found.setdefault(row["item"], {**{key: row[key] for key in keys}, "verdicts": dict.fromkeys(VERDICTS, 0)})
        mine["verdicts"][row["verdict"]] = mine["verdicts"].get(row["verdict"], 0) + row["count_all"]
    return sorted(found.values(), key=lambda row: (-row["verdicts"]["not met"], row["item"]))


def _owners(dataset: Dataset, run: RunNote) -> list[Row]:
    """By owner, whoever has most of the gravest first. What several own counts for each of them."""
    keys = ["owner", "priority", "repository"]
    grouped = _open(dataset, [run], keys).group_by(keys).aggregate([([], "count_all")])
    found: dict[str, Row] = {}
    repositories: dict[str, set[str]] = {}
    for row in rows_of(grouped):
        for owner in row["owner"].split() or [""]:
            mine = found.setdefault(owner, {"owner": owner, "P0": 0, "P1": 0, "P2": 0})
            mine[row["priority"]] += row["count_all"]
            repositories.setdefault(owner, set()).add(row["repository"])
    for owner, mine in found.items():
        mine["repositories"] = len(repositories[owner])
    return sorted(found.values(), key=lambda row: (-row["P0"], -row["P1"], -row["P2"], row["owner"]))


def _policy(judgement: Judgement) -> Row:
    return {
        "tiers": dict(sorted(Counter(judgement.tiers.values()).items())),
        "short": [
            {"repository": e.repository, "tier": e.tier, "of": e.of, "words": e.words, "exempt": e.exempt} for e in judgement.shortfalls
        ],
        "ended": [{"repositories": list(e.repositories), "reason": e.reason, "until": e.until} for e in judgement.ended],
    }


# ---------------------------------------------------------------- two runs


def difference(before: Dataset, old: RunNote, now: Dataset, new: RunNote, priorities: Sequence[str] = ("P0", "P1", "P2")) -> Row:
    """What is new and what is gone between two runs, of the same dataset or of two: findings of some priorities, repositories, levels.

    Findings of repositories that one of the runs did not check are neither.
    """
    was, are = _checked(before, old), _checked(now, new)
    both = set(was) & set(are)
    first, second = _known(before, old, both, priorities), _known(now, new, both, priorities)
    order = ("priority", "repository", "path", "line")

    def listed(table: Mapping[tuple[str, str], Row], other: Mapping[tuple[str, str], Row]) -> list[Row]:
        return sorted((row for key, row in table.items() if key not in other), key=lambda row: tuple(row[name] for name in order))

    return {
        "old": {"id": old.id, "day": old.day},
        "now": {"id": new.id, "day": new.day},
        "new": listed(second, first),
        "gone": listed(first, second),
        "repositories_new": sorted(set(are) - set(was)),
        "repositories_gone": sorted(set(was) - set(are)),
        "levels": [
            {"repository": name, "before": was[name], "now": are[name], "better": LEVELS.index(are[name]) < LEVELS.index(was[name])}
            for name in sorted(both)
            if was[name] != are[name]
        ],
    }


def _checked(dataset: Dataset, run: RunNote) -> dict[str, str]:
    rows = rows_of(dataset.table("repositories", [run], ["repository", "status", "level_possible"]))
    return {row["repository"]: level_of(row) for row in rows if row["status"] != "failed"}


def _known(dataset: Dataset, run: RunNote, repositories: set[str], priorities: Sequence[str]) -> dict[tuple[str, str], Row]:
    import pyarrow.compute as pc

    columns = ["repository", "code", "rule", "priority", "path", "line", "message", "owner", "fingerprint"]
    where = (pc.field("suppressed") == "") & pc.field("priority").isin(list(priorities))
    rows = rows_of(dataset.table("findings", [run], columns, where))
    return {(row["repository"], row.pop("fingerprint")): row for row in rows if row["repository"] in repositories}
