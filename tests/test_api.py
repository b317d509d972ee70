"""The library interface: a project stays open, texts win over the disk, and what was learned is dropped when files change."""

from __future__ import annotations

import os
from typing import Any

import pytest

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


def test_what_was_made_of_the_rules_is_used_again_until_something_changes(project: Written) -> None:
    from prodlint.engine import run, session

    root = project(
        {"a.py": "import requests\n\nrequests.get(url)\n", "sub/b.py": "requests = 1\n", "sub/prodlint.toml": 'ignore = ["PRD504"]\n'}
    )
    opened = Project(str(root))
    built = []

    def counted(*given: object, **named: object) -> run.Run:
        built.append(given[0])
        return run.build(*given, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session, "build", counted)
        for name in ("a.py", "sub/b.py", "a.py", "sub/b.py"):
            opened.check_text(name, "import requests\n\nrequests.get(url)\n")
        assert [len(opened.check_text(name).findings) for name in ("a.py", "sub/b.py")] == [1, 0]
        assert len(built) == 2
        (root / "prodlint.toml").write_text('ignore = ["PRD504"]\n')
        assert opened.check_text("a.py").findings == []
        assert len(built) == 3
        opened.changed(["prodlint.toml"])
        opened.check_text("a.py")
        assert len(built) == 4


def test_a_text_that_is_not_saved_is_looked_at_anew_and_never_kept(project: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    from prodlint.engine import workers

    looked_at: list[str] = []
    analyse = workers.analyse

    def counted(path: str, *given: Any) -> Any:
        looked_at.append(path)
        return analyse(path, *given)

    monkeypatch.setattr(workers, "analyse", counted)
    root = project({"a.py": CALL, "b.py": CALL, "c.py": "x = 1\n"})
    for path in root.glob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    opened = Project(str(root))

    def found() -> list[str]:
        looked_at.clear()
        return sorted(finding.path for finding in opened.check(cache=True).findings if finding.code == "PRD504")

    assert found() == ["a.py", "b.py"] and looked_at == ["a.py", "b.py", "c.py"]
    opened.open("a.py", "x = 2\n")
    opened.open("c.py", CALL)
    assert found() == ["b.py", "c.py"] and looked_at == ["a.py", "c.py"]
    opened.close("a.py")
    opened.close("c.py")
    assert found() == ["a.py", "b.py"] and looked_at == []


def test_a_check_that_is_given_up_keeps_what_it_has_seen(project: Written) -> None:
    class GivenUp(Exception):
        pass

    def give_up(done: int, of: int) -> None:
        if of and done == 40:
            raise GivenUp

    told: list[tuple[int, int]] = []
    root = project({f"m{number}.py": f"import requests\n\nx = {number}\n" for number in range(60)})
    opened = Project(str(root))
    with pytest.raises(GivenUp):
        opened.check(cache=True, progress=give_up)
    opened.check(cache=True, progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] < 60
