"""The library interface: a project stays open, texts win over the disk, and what was learned is dropped when files change."""

from __future__ import annotations

from prodlint.api import VERSION, Project
from tests.conftest import ROOT
from tests.conftest import Project as Written

CALL = 'import requests\n\nrequests.get("https://a.example.org")\n'


def codes(project: Project, path: str, text: str | None = None) -> list[str]:
    return [finding.code for finding in project.check_text(path, text).findings]


def test_a_text_wins_over_the_disk_until_it_is_closed(project: Written) -> None:
    opened = Project(str(project({"app.py": CALL})))
    assert codes(opened, "app.py") == ["PRD504"]
    assert codes(opened, "app.py", "x = 1\n") == []
    assert codes(opened, "app.py", CALL * 2) == ["PRD504", "PRD504"]
    opened.close("app.py")
    assert codes(opened, "app.py") == ["PRD504"]


def test_settings_and_project_are_read_anew_after_a_change(project: Written) -> None:
    root = project({"app.py": CALL})
    opened = Project(str(root))
    assert codes(opened, "app.py") == ["PRD504"]
    (root / "prodlint.toml").write_text('ignore = ["PRD504"]\n')
    opened.changed(["prodlint.toml"])
    assert codes(opened, "app.py") == []


def test_a_file_that_changes_on_the_disk_is_read_anew(project: Written) -> None:
    root = project({"app.py": CALL})
    opened = Project(str(root))
    assert codes(opened, "app.py") == ["PRD504"]
    (root / "app.py").write_text("x = 1\n")
    assert codes(opened, "app.py") == []


def test_the_findings_are_those_of_a_whole_run() -> None:
    opened = Project(str(ROOT / "fixtures" / "unready" / "orders"))
    whole = opened.check()
    of_files = {finding for outcome in whole.result.outcomes for finding in outcome.findings}
    for name in ("app/main.py", "Dockerfile", "compose.yaml"):
        alone = {(finding.code, finding.span, finding.message) for finding in opened.check_text(name).findings}
        assert alone == {(finding.code, finding.span, finding.message) for finding in of_files if finding.path == name}, name
    assert VERSION.split(".")[0] == "1"


def test_a_file_that_was_never_saved(project: Written) -> None:
    opened = Project(str(project({"a.py": "x = 1\n"})))
    assert codes(opened, "app/new.py", CALL) == ["PRD504"]
    assert codes(opened, "app/new.py", "y = 2\n") == []
