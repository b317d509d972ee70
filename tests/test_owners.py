"""Who owns a finding, by CODEOWNERS as GitHub and GitLab read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.owners import read
from tests.conftest import Project, Ran

GITHUB = """\
# everybody's, unless a later line matches
*       @acme/all   # the default
*.py    @python
/build/logs/ @doctocat
docs/*  docs@example.com
apps/   @octocat
/apps/github
/scripts/ @doctocat @octocat
**/logs @loggers
my\\ file.txt @spaces
"""
GITLAB = """\
* @all
[Backend] @backend
/api/
/api/public/ @web
^[Docs][2] @writers
*.md
/api/
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ("@acme/all",)),
        ("a/b.py", ("@python",)),
        ("build/logs/x.txt", ("@loggers",)),
        ("build/other/x.txt", ("@acme/all",)),
        ("docs/start.md", ("docs@example.com",)),
        ("docs/build/deep.md", ("@acme/all",)),
        ("src/apps/a.txt", ("@octocat",)),
        ("apps/github", ()),
        ("scripts/run", ("@doctocat", "@octocat")),
        ("deep/down/logs/x", ("@loggers",)),
        ("my file.txt", ("@spaces",)),
    ],
)
def test_github(tmp_path: Path, path: str, owners: tuple[str, ...]) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "CODEOWNERS").write_text(GITHUB)
    (tmp_path / "CODEOWNERS").write_text("* @nobody\n")
    assert read(str(tmp_path)).of(path) == owners


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("x.py", ("@all",)),
        ("api/x.py", ("@all", "@backend", "@writers")),
        ("api/public/x.py", ("@all", "@web", "@writers")),
        ("README.md", ("@all", "@writers")),
    ],
)
def test_sections_of_gitlab(tmp_path: Path, path: str, owners: tuple[str, ...]) -> None:
    (tmp_path / ".gitlab").mkdir()
    (tmp_path / ".gitlab" / "CODEOWNERS").write_text(GITLAB)
    assert read(str(tmp_path)).of(path) == owners


def test_no_file_names_nobody(tmp_path: Path) -> None:
    assert read(str(tmp_path)).of("a.py") == ()


def test_a_crafted_file_takes_no_time(tmp_path: Path) -> None:
    """With expressions that backtrack one such line takes hours."""
    pattern = "/".join(["*a*a*a*a*a*b"] * 4)
    (tmp_path / "CODEOWNERS").write_text(f"{pattern} @x\n" * 200)
    assert read(str(tmp_path)).of("/".join(["a" * 200] * 4)) == ()


def test_in_the_readiness_report(project: Project, prodlint: Callable[..., Ran]) -> None:
    root = project(
        {"api/a.py": "import requests\n\nrequests.get(url)\n", "CODEOWNERS": "/api/ @acme/api\n", "requirements.txt": "requests==2.32.3\n"}
    )
    items = {item["id"]: item for item in json.loads(prodlint("report", "--output-format", "json", cwd=root).out)["items"]}
    assert items["http-timeouts"]["owners"] == ["@acme/api"]
    for format in ("text", "markdown", "html"):
        assert "@acme/api" in prodlint("report", "--output-format", format, cwd=root).out, format


def test_in_reports(project: Project, prodlint: Callable[..., Ran]) -> None:
    root = project({"api/a.py": "import requests\n\nrequests.get(url)\n", "CODEOWNERS": "/api/ @acme/api\n"})
    words = ("api/a.py", "--no-cache", "--select", "PRD504", "--output-format")
    assert json.loads(prodlint(*words, "json", cwd=root).out)["findings"][0]["owners"] == ["@acme/api"]
    assert "(requests-without-timeout, @acme/api)" in prodlint(*words, "full", cwd=root).out
    run = json.loads(prodlint(*words, "sarif", cwd=root).out)["runs"][0]
    assert run["results"][0]["properties"]["prodlint/owners"] == ["@acme/api"]
