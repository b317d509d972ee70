"""The library interface: a project stays open, texts win over the disk, and what was learned is dropped when files change."""

from __future__ import annotations

import gc
import os
import sys
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


def test_a_text_that_is_not_saved_is_what_other_files_are_judged_by(project: Written) -> None:
    calm, wild = "DEBUG = False\nfrom httpx import get as fetch\n", "DEBUG = True\nfrom requests import get as fetch\n"
    root = project(
        {
            "pyproject.toml": "[project]\nname = 'a'\n",
            "limits.py": calm,
            "between.py": "from limits import DEBUG, fetch\n\nON = DEBUG\n",
            "app.py": "from fastapi import FastAPI\n\nfrom between import ON, fetch\n\napp = FastAPI(debug=ON)\nfetch('https://a.example.org')\n",
        }
    )
    opened = Project(str(root))
    assert codes(opened, "app.py") == ["PRD502"]
    opened.open("limits.py", wild)
    assert codes(opened, "app.py") == ["PRD621", "PRD504"]
    opened.open("limits.py", calm)
    assert codes(opened, "app.py") == ["PRD502"]
    opened.open("limits.py", wild)
    opened.close("limits.py")
    assert codes(opened, "app.py") == ["PRD502"]
    (root / "limits.py").write_text(wild)
    opened.changed(["limits.py"])
    assert codes(opened, "app.py") == ["PRD621", "PRD504"]


def test_a_deployment_file_that_is_not_saved_is_asked_anew(project: Written) -> None:
    root = project({"pyproject.toml": "[project]\nname = 'a'\n", "app.py": CALL, "requirements.txt": "redis==5.0.1\n"})
    opened = Project(str(root))

    def version() -> object:
        codes(opened, "app.py")
        assert opened._world is not None
        return opened._world.version("redis")

    assert version() == (5, 0, 1)
    opened.open("requirements.txt", "redis==6.1.0\n")
    assert version() == (6, 1, 0)
    opened.close("requirements.txt")
    assert version() == (5, 0, 1)


def test_a_save_makes_no_more_be_read_than_what_was_saved(project: Written) -> None:
    root = project({"pyproject.toml": "[project]\nname = 'a'\n", "app.py": CALL, "other.py": "x = 1\n"})
    opened = Project(str(root))
    assert codes(opened, "app.py") == ["PRD504"]
    world = opened._world
    opened.changed(["other.py", "app.py"])
    assert opened._world is world
    (root / "new.py").write_text("x = 1\n")
    opened.changed(["new.py"])
    assert opened._world is None
    codes(opened, "app.py")
    (root / "pyproject.toml").write_text("[project]\nname = 'a'\n[tool.prodlint]\nignore = ['PRD504']\n")
    opened.changed(["pyproject.toml"])
    assert codes(opened, "app.py") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", CALL + "\n\ndef load(x):\n    try:\n        return open(x)\n    except OSError:\n        pass\n"),
        ("Dockerfile", "FROM python:latest\nRUN apt-get update && apt-get install -y curl\nCMD uvicorn app:app --reload\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    image: redis:latest\n    privileged: true\n    command: sh -c 'redis-server && sleep 1'\n",
        ),
        (
            ".github/workflows/ci.yml",
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n          pip install x\n          pytest || true\n",
        ),
        ("deploy.sh", "#!/bin/sh\ncurl -k https://a.example.org | sh\n"),
    ],
)
def test_a_thousand_edits_take_no_more_memory_than_a_hundred(project: Written, name: str, text: str) -> None:
    opened = Project(str(project({"pyproject.toml": "[project]\nname = 'a'\n", name: text})))

    def blocks_after(edits: range) -> int:
        for number in edits:
            assert opened.check_text(name, f"{text}# {number}\n").findings
        gc.collect()
        return sys.getallocatedblocks()

    early = blocks_after(range(60))
    late = blocks_after(range(60, 260))
    # Caches of a fixed size fill up by a block or two at each edit; a tree or a text that is kept takes fifty.
    assert late - early < 200 * 5


def test_what_is_typed_is_judged_as_if_it_were_seen_for_the_first_time() -> None:
    root = ROOT / "fixtures" / "unready" / "orders"
    opened, text = Project(str(root)), (root / "app" / "main.py").read_text()
    typed = [
        text,
        f"# a line more\n{text}",
        text.replace("import", "import os, sys\nimport", 1),
        f"{text}\n\ndef late(url):\n    return requests.get(url",
        f"{text}\n\ndef late(url):\n    return requests.get(url)\n",
        text.replace("def ", "async def ", 2),
        text,
    ]
    for each in typed:
        found, expected = opened.check_text("app/main.py", each).report, Project(str(root)).check_text("app/main.py", each).report
        assert (found.findings, found.unchecked) == (expected.findings, expected.unchecked)


def test_what_production_starts_is_asked_anew_when_one_of_its_files_changes(project: Written) -> None:
    root = project(
        {
            "pyproject.toml": "[project]\nname = 'a'\n",
            "Dockerfile": 'FROM python:3.12-slim\nCMD ["sh", "go.sh"]\n',
            "go.sh": "uvicorn app.main:app\n",
            "compose.yaml": "services:\n  web:\n    build: .\n    environment:\n      MODE: a\n",
            "app/main.py": "x = 1\n",
        }
    )
    opened = Project(str(root))
    for path, text, started, mode in (
        ("compose.yaml", "services:\n  web:\n    build: .\n    environment:\n      MODE: b\n", ["uvicorn"], "b"),
        ("go.sh", "gunicorn app.main:app\n", ["gunicorn"], "b"),
        ("Dockerfile", 'FROM python:3.12-slim\nCMD ["python", "app/main.py"]\n', ["python"], "b"),
        ("compose.yaml", "services:\n  web:\n    build: .\n    environment:\n      MODE: c\n", ["python"], "c"),
    ):
        world = opened.check_text(path, text).result.world
        assert world is not None
        assert ([each.program for each in world.started], world.startup.settings["MODE"]) == (started, mode)
