"""The match language, as a team's own page uses it: every subject and key once, with what must come and what must not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import session
from prodlint.engine.catalogue import PageError, read_page
from prodlint.engine.match import KEYS, PLACES

PAGE = """# Own rule

```toml
priority = "P1"
category = "reliability"
message = "{message}"
{table}
```

Why.

## Fix

So.

## Bad

## Good
"""


@pytest.fixture
def said(tmp_path: Path) -> Callable[[str, str, dict[str, str]], list[str]]:
    def run(table: str, message: str, files: dict[str, str]) -> list[str]:
        pages = tmp_path / "pages"
        pages.mkdir()
        (pages / "OWN001-own-rule.md").write_text(PAGE.format(table=table, message=message))
        root = tmp_path / "tree"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def finish(settings: Settings) -> Settings:
            return with_arguments(settings, select=["OWN001"], extend_rules=(str(pages),), respect_gitignore=False)

        result = session.run(session.Request([str(root)], isolated=True, finish=finish, root=str(root), jobs=1))
        assert not result.crashed
        return [f"{finding.path}:{finding.span.line} {finding.message}" for finding in result.report.findings]

    return run


Said = Callable[[str, str, dict[str, str]], list[str]]


@pytest.mark.parametrize(
    ("table", "message", "files", "expected"),
    [
        (
            '[[match]]\ncall = ["ourhttp.get"]\nwith = { retries = [0, 1] }',
            "{call}",
            {"a.py": "import ourhttp as h\n\nh.get(u, retries=0)\nh.get(u, retries=2)\nh.get(u, retries=False)\n"},
            ["a.py:3 ourhttp.get"],
        ),
        (
            '[[match]]\ncall = ["ourhttp.get"]\nwithout = ["deadline"]\ninside = ["loop", "async"]',
            "{call}",
            {"a.py": "import ourhttp\n\nourhttp.get(u)\nfor u in us:\n    ourhttp.get(u)\n    ourhttp.get(u, deadline=3)\n"},
            ["a.py:5 ourhttp.get"],
        ),
        (
            '[[match]]\ncall = ["ourhttp.get"]\nnot_inside = ["main"]',
            "{call}",
            {"a.py": "import ourhttp\n\nourhttp.get(u)\nif __name__ == '__main__':\n    ourhttp.get(u)\n"},
            ["a.py:3 ourhttp.get"],
        ),
        (
            '[[match]]\nassignment = ["STRICT"]\nvalue = false',
            "{assignment} is off",
            {"a.py": "STRICT = False\nSTRICT = 0\nmake(strict=False)\nconfig['STRICT'] = True\n"},
            ["a.py:1 STRICT is off", "a.py:3 strict is off"],
        ),
        (
            '[[match]]\ncommand = ["gunicorn"]\nflag = { "--timeout" = "0" }',
            "{flag}",
            {"Procfile": "web: gunicorn --timeout 0 app:app\nslow: gunicorn --timeout=30 app:app\n"},
            ["Procfile:1 --timeout"],
        ),
        (
            '[[match]]\ncommand = ["gunicorn"]\nwithout = ["--max-requests"]\nlong_running = true',
            "{command}",
            {"Procfile": "web: gunicorn app:app\nother: gunicorn --max-requests 100 app:app\n"},
            ["Procfile:1 gunicorn"],
        ),
        (
            '[[match]]\nsetting = ["APP_MODE"]\nvalue = ["dev", "/^test/"]',
            "{setting}={value}",
            {".env.production": "APP_MODE=testing\n", "Dockerfile": "FROM a\nENV APP_MODE=live\n"},
            [".env.production:1 APP_MODE=testing"],
        ),
        (
            '[[match]]\nentry = "services.*"\nkind = "compose"\nwithout = ["logging"]',
            "{entry}",
            {"compose.yaml": "services:\n  a:\n    image: x:1\n  b:\n    image: y:1\n    logging:\n      driver: local\n"},
            ["compose.yaml:3 services.a"],
        ),
    ],
)
def test_a_table_says_what_it_means(said: Said, table: str, message: str, files: dict[str, str], expected: list[str]) -> None:
    assert said(table, message, files) == expected


LIMITED = """[project]
when = [{ call = ["fastapi.FastAPI"] }]
require = [{ import = ["slowapi"] }, { entry = "limits", kind = "toml" }]
"""
APP = "from fastapi import FastAPI\n\napp = FastAPI()\nadmin = FastAPI()\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"app.py": APP}, ["app.py:3 no limit for fastapi.FastAPI"]),
        ({"app.py": APP, "limits.py": "from slowapi import Limiter\n"}, []),
        ({"app.py": APP, "limits.toml": "[limits]\nlogin = 5\n"}, []),
        ({"limits.py": "x = 1\n"}, []),
    ],
)
def test_a_project_table_asks_the_whole_project(said: Said, files: dict[str, str], expected: list[str]) -> None:
    assert said(LIMITED, "no limit for {when}", files) == expected


def test_what_satisfies_a_project_table_is_evidence(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "OWN001-own-rule.md").write_text(PAGE.format(table=LIMITED, message="no limit for {when}"))
    root = tmp_path / "tree"
    root.mkdir()
    (root / "app.py").write_text(APP + "from slowapi import Limiter\n")

    def finish(settings: Settings) -> Settings:
        return with_arguments(settings, select=["OWN001"], extend_rules=(str(pages),))

    report = session.run(session.Request([str(root)], isolated=True, finish=finish, root=str(root), jobs=1)).report
    assert [(one.code, one.path, one.span.line) for one in report.evidence] == [("OWN001", "app.py", 5)]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('[[match]]\ncall = ["a"]\ninside = ["lop"]', "`lop` is no place"),
        ('[[match]]\ncommand = ["a"]\nlong_running = "yes"', "`long_running` is true or false"),
        ('[[match]]\nassignment = ["A"]\nflag = ["x"]', "unknown key `flag`"),
        (
            '[[match]]\ncall = ["a"]\nmessage = "{flag} of {call}"',
            "nothing fills in `{flag}` in the message of a match on `call`; there is `{call}`",
        ),
        ('[[match]]\ncall = ["a"]\nwith = {}', "`with` names no keyword"),
        ('[[match]]\ncall = ["a"]\nwith = { options = {} }', "`with` gives `options` no value"),
        ('[[match]]\ncall = ["a"]\nwith = { at = 2026-12-01 }', "`2026-12-01` is no value"),
        ('[[match]]\nentry = "a"\nkind = "composer"', "needs `kind`, one of compose"),
        ('[[match]]\nentry = "a"\nkind = "compose"\nin = ["tests"]', "`tests` is no role of a file"),
        ('[project]\nwhen = [{ call = ["a.b"] }]', "`when` and `require`"),
        ('[project]\nwhen = [{ call = ["a.b"] }]\nrequire = [{ cal = ["x"] }]', "exactly one of"),
    ],
)
def test_a_wrong_table_is_an_error_of_the_page(tmp_path: Path, table: str, why: str) -> None:
    page = tmp_path / "OWN001-own-rule.md"
    page.write_text(PAGE.format(table=table, message="m"))
    with pytest.raises(PageError, match=why):
        read_page(os.fspath(page))


def test_contributing_names_every_subject_and_place() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    assert all(f"`{subject}`" in text for subject in KEYS)
    assert all(f"`{place}`" in text for place in PLACES)
