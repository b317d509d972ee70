"""Dependencies, wherever they are declared."""

from __future__ import annotations

import pytest

from prodlint.configuration.kinds import kind_of
from prodlint.facts import Fact, File, Option, Problem, Requirement, Source
from prodlint.readers import configuration

TEXT = """\
# note
flask==1.0 \\
   --hash=sha256:abc \\
   --hash=sha256:def  # via x
-r other.txt
--extra-index-url https://example.org/simple
-e git+https://example.org/y.git@main#egg=Foo_Bar
./local
requests[socks]>=2 ; python_version < "3"
q @ https://example.org/q.whl
psycopg2==2.8 --no-binary psycopg2
bad line here
"""


def read(path: str, text: str) -> list[Fact]:
    wanted: frozenset[type[Fact]] = frozenset((Requirement, Option, Problem))
    return list(configuration.read(Source(text.encode()), File(path, kind_of(path) or "text"), wanted))


def test_requirements_file() -> None:
    found = read("requirements/prod.txt", TEXT)
    requirements = [fact for fact in found if isinstance(fact, Requirement)]
    assert [(each.name, each.specifier, each.extras, each.editable) for each in requirements] == [
        ("flask", "==1.0", (), False), ("foo-bar", "", (), True), ("", "", (), False), ("requests", ">=2", ("socks",), False), ("q", "", (), False),
        ("psycopg2", "==2.8", (), False),
    ]  # fmt: skip
    assert requirements[0].hashes == ("sha256:abc", "sha256:def") and requirements[0].span.line == 2
    assert [(each.name, each.value) for each in found if isinstance(each, Option)] == [
        ("--requirement", "other.txt"), ("--extra-index-url", "https://example.org/simple"),
    ]  # fmt: skip
    assert [each.span.line for each in found if isinstance(each, Problem)] == [12]


@pytest.mark.parametrize(
    ("path", "group"), [("requirements-dev.txt", "dev"), ("requirements.txt", "main"), ("constraints.txt", "constraint")]
)
def test_groups_by_file_name(path: str, group: str) -> None:
    (found,) = read(path, "flask\n")
    assert isinstance(found, Requirement) and found.group == group


PYPROJECT = """\
[project]
name = "x"
dependencies = ["flask>=2"]
optional-dependencies = { dev = ["pytest"], s3 = ["boto3"] }
[dependency-groups]
lint = ["ruff", { include-group = "dev" }]
[tool.poetry.dependencies]
python = "^3"
requests = "^2"
vcs = { git = "https://example.org/y.git", branch = "main" }
[tool.poetry.group.dev.dependencies]
black = "*"
"""


def test_pyproject() -> None:
    found = [(each.name, each.specifier, each.group) for each in read("pyproject.toml", PYPROJECT) if isinstance(each, Requirement)]
    assert sorted(found) == [
        ("black", "*", "dev"), ("boto3", "", "s3"), ("flask", ">=2", "main"), ("pytest", "", "dev"), ("requests", "^2", "main"), ("ruff", "", "dev"),
        ("vcs", "", "main"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", 'version = 1\n[[package]]\nname = "x"\nversion = "1"\nwheels = [{ hash = "sha256:a" }]\n'),
        ("poetry.lock", '[[package]]\nname = "x"\nversion = "1"\nfiles = [{file = "f", hash = "sha256:a"}]\n'),
        ("Pipfile.lock", '{"default": {"x": {"version": "==1", "hashes": ["sha256:a"]}}}'),
        ("pylock.toml", '[[packages]]\nname = "x"\nversion = "1"\nwheels = [{ hashes = { sha256 = "a" } }]\n'),
    ],
)
def test_lock_files(path: str, text: str) -> None:
    (found,) = [each for each in read(path, text) if isinstance(each, Requirement)]
    assert (found.name, found.specifier, len(found.hashes), found.origin) == ("x", "==1", 1, "lock")


@pytest.mark.parametrize("written", ["", " ", "--hash=sha256:abc"])
def test_a_dependency_that_is_blank_is_none(written: str) -> None:
    (problem,) = list(read("pyproject.toml", f'[project]\nname = "a"\ndependencies = ["{written}"]\n'))
    assert isinstance(problem, Problem) and problem.kind == "syntax"
