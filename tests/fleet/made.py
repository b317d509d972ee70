"""Datasets of made-up fleets, with what every test of the pages needs."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from prodlint.fleet.dataset import Dataset, Writer

RULES = [
    ("PRD504", "requests-without-timeout", "P0"),
    ("PRD201", "bare-except", "P1"),
    ("PRD301", "todo-comment", "P2"),
    ("PRD803", "image-unpinned", "P1"),
]
ITEMS = [
    ("timeouts", "Every outbound request ends in time", "Reliability"),
    ("backups", "There are backups", "Data"),
    ("pins", "Images are pinned", "Delivery"),
]


def finding(repository: str, number: int, mistake: int = 0, **values: Any) -> dict[str, Any]:
    code, name, priority = RULES[mistake]
    made = {
        "repository": repository,
        "code": code,
        "rule": name,
        "priority": priority,
        "category": "reliability",
        "path": f"app/m{number}.py",
        "line": 3,
    }
    return {
        **made,
        "fingerprint": f"{code}{number}",
        "message": f"`requests.get` of {number}",
        "owner": "@team",
        "secret": "",
        "suppressed": "",
        **values,
    }


def row(repository: str, findings: list[dict[str, Any]], level: str = "bronze", **values: Any) -> dict[str, Any]:
    counted = {p.lower(): sum(f["priority"] == p and not f["suppressed"] for f in findings) for p in ("P0", "P1", "P2")}
    made = {
        "repository": repository,
        "ref": "",
        "commit": "c0ffee",
        "source": f"https://host.test/{repository}.git",
        "status": "checked",
        "level": "",
    }
    made |= {
        "level_possible": level,
        "percent": 70,
        **counted,
        "secrets": 0,
        "file_count": 10,
        "unchecked": 0,
        "services": [""],
        "owner": "@team",
    }
    return {**made, "seconds": 1.0, "state": "x", "rules": "y", "prodlint": "1", "checked_at": int(time.time()), **values}


def item(repository: str, number: int, verdict: str) -> dict[str, Any]:
    name, title, category = ITEMS[number]
    made = {"repository": repository, "item": name, "title": title, "category": category, "priority": "P0", "level": "bronze"}
    return {**made, "verdict": verdict, "because": "so it is"}


def failed(repository: str, kind: str = "time", why: str = "it takes longer than 900 s") -> dict[str, list[dict[str, Any]]]:
    made = row(repository, [], "", status="failed", percent=None, p0=None, p1=None, p2=None)
    error = {"repository": repository, "source": made["source"], "kind": kind, "why": why, "at": int(time.time())}
    return {"repositories": [made], "errors": [error]}


def written(directory: Path, run: str, repositories: list[dict[str, list[dict[str, Any]]]], whole: bool = True) -> Dataset:
    """A run of a dataset."""
    dataset = Dataset(str(directory))
    writer = Writer(dataset, run, len(repositories))
    for each in repositories:
        writer.add(each)
    writer.close(whole)
    return dataset


def fleet(directory: Path, count: int, runs: int = 3) -> Dataset:
    """So many repositories, some hundred findings each, in several runs that get better."""
    source = random.Random(7)
    dataset = Dataset(str(directory))
    for number in range(runs):
        writer = Writer(dataset, f"2026{number + 1:02}01-080000", count)
        for index in range(count):
            name = f"group{index % 17}/service-{index:04}"
            if index % 97 == 5:
                writer.add(failed(name))
                continue
            some = [finding(name, place, source.randrange(4)) for place in range(source.randrange(4, 40) - 2 * number)]
            if index % 50 == 0:
                some.append(finding(name, 99, 0, secret=f"{index % 3:032x}", rule="provider-token"))
            level = source.choice(["", "bronze", "silver", "gold"] if number else ["", "", "bronze"])
            answers = [item(name, place, source.choice(["met", "not met", "cannot be told"])) for place in range(3)]
            writer.add({"repositories": [row(name, some, level)], "findings": some, "items": answers})
        writer.close(True)
    return dataset
