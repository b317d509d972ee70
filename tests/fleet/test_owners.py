"""CODEOWNERS, by the examples of GitHub's and GitLab's own documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from prodlint.fleet.owners import Owners, read
from tests.fleet.repositories import write

GITHUB = """\
# a comment
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs2@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @logger
/apps/ @octocat
/apps/github
!/apps/kept @nobody
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README", "@global-owner1 @global-owner2"),
        ("src/a.js", "@js-owner"),
        ("src/a.go", "docs@example.com"),
        ("a.txt", "@octo-org/octocats"),
        ("build/logs/x", "@logger"),
        ("docs/getting-started.md", "@doctocat"),
        ("apps/a.py", "@octocat"),
        ("apps/github/a.py", ""),
        ("apps/kept", "@octocat"),
        ("deeply/nested/logs/x", "@logger"),
    ],
)
def test_github(path: str, owners: str) -> None:
    assert Owners(GITHUB).of(path) == owners


def test_a_star_behind_a_slash_is_not_deep() -> None:
    known = Owners("docs/* @writers\n")
    assert known.of("docs/a.md") == "@writers"
    assert known.of("docs/build-app/a.md") == ""


def test_sections_of_gitlab() -> None:
    known = Owners("* @all\n[Database] @dba\nmodel/db/\nconfig/db.rb @dba @ops\n^[Optional docs][2] @docs\n*.md\n")
    assert known.of("model/db/a.rb") == "@all @dba"
    assert known.of("config/db.rb") == "@all @dba @ops"
    assert known.of("model/db/a.md") == "@all @dba @docs"
    assert known.of("app.py") == "@all"


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    assert read(str(tmp_path)).of("a.py") == ""
    write(tmp_path, {"CODEOWNERS": "* @top\n"})
    assert read(str(tmp_path)).of("a.py") == "@top"
    write(tmp_path, {".github/CODEOWNERS": "* @github\n"})
    assert read(str(tmp_path)).of("a.py") == "@github"


def test_a_crafted_file_takes_no_time() -> None:
    pattern = "/".join(["*a*a*a*a*a*b"] * 4)
    known = Owners(f"{pattern} @x\n" * 200)
    assert known.of("/".join(["a" * 200] * 4)) == ""
