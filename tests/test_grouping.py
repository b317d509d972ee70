"""Findings that say the same: one in the report, each for itself in the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., object]

FILES = {f"service/part{number:02}.py": f"# TODO: move to the new tables\nX = {number}\n" for number in range(15)}


def test_the_same_note_in_many_files_is_one_finding(prodlint: Run, project: Callable[..., Path]) -> None:
    files = {path: text.replace("move to", "a race in") for path, text in FILES.items()}
    root = project({**files, "service/other.py": "# TODO: another one\n"})
    ran = prodlint("check", "--no-cache", "--output-format", "json", "--exit-zero", "--select", "PRD301", str(root), cwd=root)
    findings = json.loads(ran.out)["findings"]  # type: ignore[attr-defined]
    assert sorted((found["path"], len(found["related"])) for found in findings) == [("service/other.py", 0), ("service/part00.py", 14)]
    assert "15 places" in next(found["message"] for found in findings if found["related"])


def test_a_habit_of_the_project_is_one_finding(prodlint: Run, project: Callable[..., Path]) -> None:
    notes = {f"service/part{number}.py": f"# TODO: idea {number}\n" for number in range(4)}
    root = project({**notes, "service/race.py": "# TODO: two workers may race here\n"})
    ran = prodlint("check", "--no-cache", "--output-format", "json", "--exit-zero", "--select", "PRD301", str(root), cwd=root)
    findings = json.loads(ran.out)["findings"]  # type: ignore[attr-defined]
    told = [(found["path"], found["message"].rpartition("`")[2], len(found["related"])) for found in findings]
    assert told == [
        ("service/part0.py", " without a ticket (4 places in 4 files)", 3),
        ("service/race.py", " about a fault or a gap, and without a ticket: two workers may race here", 0),
    ]


def test_few_places_or_few_files_are_no_habit_of_the_project(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/a.py": "# TODO: one\n# TODO: two\nx = 1\n# TODO: three\n", "service/b.py": "y = 1\n"})
    ran = prodlint("check", "--no-cache", "--output-format", "json", "--exit-zero", "--select", "PRD301", str(root), cwd=root)
    assert len(json.loads(ran.out)["findings"]) == 3  # type: ignore[attr-defined]


def test_the_baseline_knows_each_place(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project(dict(FILES))
    prodlint("baseline", "--select", "PRD301", ".", cwd=root)
    (root / "service/new.py").write_text("# TODO: move to the new tables\n")
    ran = prodlint(
        "check",
        "--no-cache",
        "--baseline",
        ".prodlint-baseline",
        "--output-format",
        "concise",
        "--exit-zero",
        "--select",
        "PRD301",
        ".",
        cwd=root,
    )
    assert "service/new.py:1" in ran.out  # type: ignore[attr-defined]
    assert "part" not in ran.out  # type: ignore[attr-defined]


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.org/shop/web:1.4
          ports: [{containerPort: 8000}]
          readinessProbe: {httpGet: {path: /ready, port: 8000}}
"""


def test_a_rule_that_is_asked_for_by_name_says_all_of_it(prodlint: Run, project: Callable[..., Path]) -> None:
    """`wider` of PRD841's page is `liveness`."""
    told = []
    root = project({"k8s/web.yaml": DEPLOYMENT})
    without = ("--config", "rules.PRD841.liveness = false")
    for words in (
        (),
        ("--select", "PRD841"),
        ("--extend-select", "k8s-probes-missing"),
        ("--select", "ALL"),
        ("--select", "PRD8", *without),
    ):
        ran = prodlint("check", "--no-cache", "--isolated", "--output-format", "json", "--exit-zero", *words, str(root), cwd=root)
        told.append([finding["code"] for finding in json.loads(ran.out)["findings"]].count("PRD841"))  # type: ignore[attr-defined]
    assert told == [0, 1, 1, 1, 0]


SWALLOWS = "def save(store, order):\n    try:\n        store.put(order)\n    except Exception:\n        pass\n"
ASKS = "def title(page):\n    try:\n        return page.find_title()\n    except Exception:\n        return None\n"


def test_what_is_once_is_one_finding_of_the_report_and_what_is_beside_leads_none(prodlint: Run, project: Callable[..., Path]) -> None:
    """Pages' `once` and `beside`: PRD202's, unasked and asked for."""

    def places(root: Path, *words: str) -> list[tuple[str, int]]:
        ran = prodlint("check", "--no-cache", "--isolated", "--output-format", "json", "--exit-zero", *words, str(root), cwd=root)
        findings = json.loads(ran.out)["findings"]  # type: ignore[attr-defined]
        return sorted((found["path"], len(found["related"])) for found in findings if found["code"] == "PRD202")

    app = {"service/app.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"}
    mixed = project({**app, "service/a.py": ASKS, "service/b.py": SWALLOWS, "service/c.py": SWALLOWS})
    assert places(mixed) == [("service/b.py", 2)]
    assert places(mixed, "--select", "PRD202") == [("service/a.py", 0), ("service/b.py", 0), ("service/c.py", 0)]


def test_what_is_beside_is_not_said_alone(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": "from fastapi import FastAPI\n\napp = FastAPI()\n", "service/a.py": ASKS})
    ran = prodlint("check", "--no-cache", "--isolated", "--output-format", "json", "--exit-zero", str(root), cwd=root)
    assert "PRD202" not in [found["code"] for found in json.loads(ran.out)["findings"]]  # type: ignore[attr-defined]


def test_a_variant_with_an_option_is_said_to_who_asks(prodlint: Run, project: Callable[..., Path]) -> None:
    """A page's `only-with`: PRD505's `everywhere`."""
    code = "import aiohttp\n\n\nasync def prices(url):\n    async with aiohttp.ClientSession() as session:\n        return await session.get(url)\n"
    root = project({"service/app.py": code})
    told = []
    for words in ((), ("--config", "rules.PRD505.everywhere = true"), ("--select", "PRD5")):
        ran = prodlint("check", "--no-cache", "--isolated", "--output-format", "json", "--exit-zero", *words, str(root), cwd=root)
        told.append([found["code"] for found in json.loads(ran.out)["findings"]].count("PRD505"))  # type: ignore[attr-defined]
    assert told == [0, 1, 1]


def test_an_ignore_of_what_is_told_to_who_asks_is_not_called_unused(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({"service/app.py": "def charge(order):\n    return order  # TODO: a nicer name  # prodlint: ignore[PRD301] -- later\n"})
    for words in ((), ("--select", "PRD301,PRD002")):
        ran = prodlint("check", "--no-cache", "--isolated", "--output-format", "json", "--exit-zero", *words, str(root), cwd=root)
        assert json.loads(ran.out)["findings"] == []  # type: ignore[attr-defined]
