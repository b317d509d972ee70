"""The page about a fleet, as HTML, Markdown, CSV and JSON, and what two runs differ in."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from prodlint.fleet import report_csv, report_html
from prodlint.fleet.dataset import Dataset
from prodlint.fleet.summary import difference, summary
from tests.conftest import ROOT, Ran
from tests.fleet.made import failed, finding, fleet, item, row, written
from tests.limits import cpu_limit

Run = Callable[..., Ran]


@pytest.fixture
def two_runs(tmp_path: Path) -> Dataset:
    """`a` fixes one finding and gets another, `b` stays as it is and has a secret of `c`, `d` was not checked at first, `e` is gone."""
    directory = tmp_path / "data"
    old, kept = finding("a", 1), finding("a", 2)
    leak_b, leak_c = finding("b", 5, secret="s1"), finding("c", 6, 1, secret="s1", owner="@other @team")
    again = finding("b", 7, 1, secret="s1", path="app/m5.py")
    twice = finding("b", 6, 2, secret="s1")
    own = finding("c", 8, secret="s2")
    note = finding("c", 9, suppressed="inline", reason="batch")
    written(
        directory,
        "20261101-080000",
        [
            {"repositories": [row("a", [old, kept], "")], "findings": [old, kept], "items": [item("a", 0, "not met")]},
            {"repositories": [row("b", [leak_b, twice])], "findings": [leak_b, twice]},
            failed("d"),
            {"repositories": [row("e", [])], "findings": []},
        ],
    )
    new = finding("a", 3, line=9)
    late = finding("d", 1)
    written(
        directory,
        "20261130-080000",
        [
            {
                "repositories": [row("a", [kept, new], "silver")],
                "findings": [kept, new],
                "items": [item("a", 0, "met"), item("a", 1, "not met")],
            },
            {"repositories": [row("b", [leak_b, twice, again])], "findings": [leak_b, twice, again], "items": [item("b", 1, "not met")]},
            {"repositories": [row("c", [leak_c, own])], "findings": [leak_c, own, note]},
            {"repositories": [row("d", [late])], "findings": [late]},
            failed("f", "unreachable", "no such `directory`"),
        ],
    )
    written(directory, "20261130-090000", [failed("a")], whole=False)
    return Dataset(str(directory))


def test_the_summary(two_runs: Dataset) -> None:
    told = summary(two_runs, two_runs.run())
    assert told["run"]["id"] == "20261130-080000"  # the last one that came to its end
    assert told["before"]["id"] == "20261101-080000"
    assert told["levels"] == {"gold": 0, "silver": 1, "bronze": 3, "none": 0, "failed": 1}
    assert [(each["run"], each["levels"]["none"]) for each in told["trend"]] == [("20261101-080000", 1), ("20261130-080000", 0)]
    assert (told["new_p0"]["count"], told["new_p0"]["gone"]) == (1, 1)
    assert [(each["repository"], each["path"]) for each in told["new_p0"]["first"]] == [("a", "app/m3.py")]
    (shared,) = told["same_secrets"]
    assert shared["repositories"] == ["b", "c"]
    assert [(each["repository"], each["path"]) for each in shared["places"]] == [("b", "app/m5.py"), ("c", "app/m6.py"), ("b", "app/m6.py")]
    first = told["mistakes"][0]
    # What a comment suppresses is no mistake; one that stands in most repositories comes first.
    assert (first["code"], first["repositories"], first["findings"], first["findings_before"]) == ("PRD504", 4, 5, 3)
    owners = {each["owner"]: (each["P0"], each["P1"], each["repositories"]) for each in told["owners"]}
    assert owners == {"@team": (5, 2, 4), "@other": (0, 1, 1)}
    assert [(each["item"], each["verdicts"]["not met"]) for each in told["items"]] == [("backups", 2), ("timeouts", 0)]
    assert [(each["repository"], each["kind"]) for each in told["errors"]] == [("f", "unreachable")]
    a = told["repositories"][0]
    assert (a["repository"], a["level"], a["before"], a["p0"], a["p0_before"]) == ("a", "silver", "none", 2, 2)
    assert a["commonest"] == ["PRD504 requests-without-timeout (2)"]


def test_a_run_can_be_named(two_runs: Dataset) -> None:
    assert two_runs.run("2026-11-01").id == "20261101-080000"
    told = summary(two_runs, two_runs.run("20261101"))
    assert told["before"] is None and told["new_p0"] is None
    assert two_runs.run("20261130-09").whole is False


def test_the_difference(two_runs: Dataset) -> None:
    first, second, _ = two_runs.runs()
    told = difference(two_runs, first, two_runs, second)
    # `d` was not checked at first, so that nothing of it is new.
    assert [(each["repository"], each["path"]) for each in told["new"]] == [("a", "app/m3.py"), ("b", "app/m5.py")]
    assert [(each["repository"], each["path"]) for each in told["gone"]] == [("a", "app/m1.py")]
    assert (told["repositories_new"], told["repositories_gone"]) == (["c", "d"], ["e"])
    assert told["levels"] == [{"repository": "a", "before": "none", "now": "silver", "better": True}]


def test_on_the_command_line(two_runs: Dataset, prodlint: Run, tmp_path: Path) -> None:
    directory = two_runs.directory
    ran = prodlint("fleet", "report", directory)
    assert ran.code == 3  # `f` could not be checked
    assert ran.out.startswith("# Production readiness of 5 repositories\n")
    assert "## P0 since 2026-11-01: 1 new, 1 gone" in ran.out
    assert "- provider" not in ran.out and "`b: app/m5.py:3`, `c: app/m6.py:3`" in ran.out
    for ending in ("html", "md", "csv", "json"):
        assert prodlint("fleet", "report", directory, "--allow-unchecked", "-o", str(tmp_path / f"r.{ending}")).code == 0
    assert (tmp_path / "r.md").read_text() == ran.out
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["levels"]["silver"] == 1
    lines = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
    assert [(line["repository"], line["level"], line["p0"]) for line in lines][:2] == [("a", "silver", "2"), ("b", "bronze", "1")]
    ran = prodlint("fleet", "diff", directory)
    assert ran.code == 0 and "2 findings are new, 1 are gone" in ran.out
    assert prodlint("fleet", "diff", f"{directory}@2026-11-01", directory, "--fail-on", "P0").code == 1
    out = prodlint("fleet", "diff", directory, "--output-format", "csv").out
    assert [(line["change"], line["path"]) for line in csv.DictReader(io.StringIO(out))] == [
        ("new", "app/m3.py"),
        ("new", "app/m5.py"),
        ("gone", "app/m1.py"),
    ]
    assert json.loads(prodlint("fleet", "diff", directory, "--output-format", "json").out)["levels"][0]["now"] == "silver"


@pytest.mark.parametrize(
    "words",
    [
        ("report", "nowhere"),
        ("report", ".", "--run", "2020"),
        ("diff", "nowhere"),
        ("diff", "a@b", "c"),
        ("diff", "a", "b", "c"),
        ("report",),
        (),
    ],
)
def test_wrong_use(prodlint: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = prodlint("fleet", *words, cwd=tmp_path)
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_a_dataset_of_another_version(two_runs: Dataset, prodlint: Run) -> None:
    note = Path(two_runs.directory) / "_runs" / "20261101-080000.json"
    note.write_text(note.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    ran = prodlint("fleet", "report", two_runs.directory)
    assert ran.code == 2 and "has schema 99" in ran.err


EVIL = "</script><script>document.title=1</script><img src=x onerror=document.title=2>"


def evil(directory: Path) -> Dataset:
    """Whatever a repository, a path or an owner may be called."""
    some = [
        finding(EVIL, 1, message=f"`{EVIL}`", path=f"{EVIL}.py", owner=f"@{EVIL}", rule=EVIL, secret="s"),
        finding("=cmd()", 1, secret="s"),
    ]
    made = [
        {"repositories": [row(f["repository"], [f], owner=EVIL)], "findings": [f], "items": [{**item(EVIL, 0, "not met"), "title": EVIL}]}
        for f in some
    ]
    written(directory, "20261101-080000", [{"repositories": [row(EVIL, [])]}, {"repositories": [row("=cmd()", [])]}])
    return written(directory, "20261130-080000", [*made, failed(f"x{EVIL}", "time", EVIL)])


def test_nothing_from_a_repository_is_markup(tmp_path: Path) -> None:
    dataset = evil(tmp_path)
    page = "".join(report_html.write(summary(dataset, dataset.run())))
    assert EVIL not in page and "<img" not in page
    assert page.count("<script") == 2 and page.count("</script>") == 2
    assert len(re.findall(r"https?://", page.split("</style>")[1])) == 0  # nothing is loaded, and no address is a link
    lines = list(csv.reader(io.StringIO("".join(report_csv.write(summary(dataset, dataset.run()))))))
    assert not any(cell.startswith(("=", "@", "+", "-")) for line in lines for cell in line)


def test_five_thousand_repositories(tmp_path: Path) -> None:
    """The bound is ten times what it takes, for a busy machine: what it must not do is grow with the square."""
    dataset = fleet(tmp_path / "data", 5_000, runs=2)
    with cpu_limit(240):
        page = "".join(report_html.write(summary(dataset, dataset.run())))
    assert len(page) < 4_000_000
    assert "5,000 repositories" in page


HERE = ROOT / "tests" / "readiness" / "browser"
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")
READY_TO_LOOK = bool(CHROMIUM and shutil.which("node") and (HERE / "node_modules" / "puppeteer-core").is_dir())


@pytest.mark.skipif(not READY_TO_LOOK, reason="needs Chromium, node and `npm install` in tests/readiness/browser")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    dataset = fleet(tmp_path / "data", 5_000)
    page = tmp_path / "fleet.html"
    page.write_text("".join(report_html.write(summary(dataset, dataset.run()))), encoding="utf-8")
    hostile = tmp_path / "evil.html"
    hostile.write_text(
        "".join(report_html.write(summary(evil(tmp_path / "evil"), Dataset(str(tmp_path / "evil")).run()))), encoding="utf-8"
    )
    command = ["node", str(HERE / "look_fleet.js"), CHROMIUM, str(page), str(hostile)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["errors"] == seen["requests"] == []
    assert set(seen["overflow"].values()) == {0}
    assert {name: found for name, found in seen["violations"].items() if found} == {}
    steps = seen["steps"]
    assert steps["all"] == "5,000 of 5,000 repositories" and steps["rows"] == 100
    assert steps["search"] == "1 of 5,000 repositories"
    assert steps["escape"] == steps["reset"] == steps["all"]
    assert steps["level"].endswith("of 5,000 repositories") and steps["level"] != steps["all"]
    assert steps["tile"] == steps["level"]
    assert steps["next"] == "Page 2 of 50" and steps["sorted"] == "group0/service-0000"
    assert seen["evil_title"].startswith("Production readiness")
