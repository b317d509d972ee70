"""Where command lines and settings live, file kind by file kind."""

from __future__ import annotations

import pytest

from prodlint.configuration.kinds import kind_of
from prodlint.facts import Command, Fact, File, Problem, Setting, Source
from prodlint.readers import configuration

WANTED: frozenset[type[Fact]] = frozenset((Command, Setting, Problem))


def facts(path: str, text: str) -> list[Fact]:
    file = File(path, kind_of(path) or "text")
    return list(configuration.read(Source(text.encode()), file, WANTED))


def commands(path: str, text: str) -> list[Command]:
    return [fact for fact in facts(path, text) if isinstance(fact, Command)]


def settings(path: str, text: str) -> dict[str, tuple[str | None, str | None, str, str]]:
    found = [fact for fact in facts(path, text) if isinstance(fact, Setting)]
    for each in found:
        assert each.source.slice(each.key_start, each.key_end) == each.name
    return {each.name: (each.value, each.default, each.origin, each.service) for each in found}


DOCKERFILE = """\
ARG BASE=3.12
FROM python:3.12 AS web
ARG VERSION=1.2 BARE
ENV A=b C="d e" \\
    # a note
    F=${X:-y}
ENV OLD the rest
RUN apt-get update && \\
    # a note
    apt-get install -y curl || true
RUN <<END
set -e
pytest
END
HEALTHCHECK --interval=5s CMD curl -f http://localhost/ || exit 1
CMD ["sh", "-c", "exec uvicorn a:b --reload"]
"""


def test_dockerfile() -> None:
    found = {each.program: each for each in commands("Dockerfile", DOCKERFILE)}
    assert found["uvicorn"].long_running and found["uvicorn"].origin == "dockerfile-cmd" and found["uvicorn"].owner == "web"
    assert found["curl"].origin == "dockerfile-healthcheck"
    assert found["pytest"].options == {"errexit"} and found["pytest"].span.line == 13
    assert found["apt-get"].masked == "|| true" and found["apt-get"].span.line == 10
    assert settings("Dockerfile", DOCKERFILE) == {
        "BASE": ("3.12", None, "dockerfile-arg", ""),
        "VERSION": ("1.2", None, "dockerfile-arg", "web"),
        "BARE": (None, None, "dockerfile-arg", "web"),
        "A": ("b", None, "dockerfile-env", "web"),
        "C": ("d e", None, "dockerfile-env", "web"),
        "F": (None, "y", "dockerfile-env", "web"),
        "OLD": ("the rest", None, "dockerfile-env", "web"),
    }


COMPOSE = """\
services:
  web:
    command: ["uvicorn", "a:b"]
    environment: {A: "b c", B: "${X:-y}", C: , D: 5}
    healthcheck:
      test: ["CMD-SHELL", "pg_isready || exit 1"]
  worker:
    command: >
      bash -c "alembic upgrade head &&
               celery worker"
    environment:
      - E=f
      - G
"""


def test_compose() -> None:
    found = {each.program: each for each in commands("compose.yaml", COMPOSE)}
    assert found["uvicorn"].long_running and found["uvicorn"].owner == "web"
    assert found["pg_isready"].origin == "compose-healthcheck"
    assert not found["alembic"].long_running
    assert found["celery"].long_running and found["celery"].text == "celery worker"
    assert settings("compose.yaml", COMPOSE) == {
        "A": ("b c", None, "compose", "web"),
        "B": (None, "y", "compose", "web"),
        "C": (None, None, "compose", "web"),
        "D": ("5", None, "compose", "web"),
        "E": ("f", None, "compose", "worker"),
        "G": (None, None, "compose", "worker"),
    }


WORKFLOW = """\
on: push
env: {A: b}
jobs:
  test:
    env:
      TOKEN: ${{ secrets.TOKEN }}
    steps:
      - run: pytest ${{ matrix.extra }} || true
      - run: |
          ruff check .
          mypy "${{ inputs.where }}" | tee log
        shell: bash
      - run: print(1)
        shell: python
"""


def test_arguments_of_a_program_are_joined_to_it() -> None:
    image = 'FROM python:3.12\nENTRYPOINT ["uvicorn", "a:b"]\nCMD ["--workers", "2"]\n'
    assert [(each.program, each.argv) for each in commands("Dockerfile", image)] == [("uvicorn", ("a:b", "--workers", "2"))]
    compose = 'services:\n  web:\n    entrypoint: ["uvicorn"]\n    command: ["a:b", "--workers", "2"]\n'
    assert [(each.program, each.argv) for each in commands("compose.yaml", compose)] == [("uvicorn", ("a:b", "--workers", "2"))]


def test_a_script_is_given_a_program_of_its_own() -> None:
    image = 'FROM python:3.12\nENTRYPOINT ["./entrypoint.sh"]\nCMD ["gunicorn", "a:b"]\n'
    assert [each.program for each in commands("Dockerfile", image)] == ["entrypoint.sh", "gunicorn"]


def test_settings_of_platforms() -> None:
    assert settings("app.yaml", "runtime: python312\nenv_variables:\n  DEBUG: '1'\n") == {"DEBUG": ("1", None, "platform", "")}
    assert settings(".do/app.yaml", "workers:\n  - name: w\n    envs:\n      - key: A\n        value: b\n") == {
        "A": ("b", None, "platform", "w")
    }


def test_github_workflow() -> None:
    found = {each.program: each for each in commands(".github/workflows/ci.yml", WORKFLOW)}
    assert set(found) == {"pytest", "true", "ruff", "mypy", "tee"}
    assert (
        found["pytest"].argv == ("${{ matrix.extra }}",) and found["pytest"].masked == "|| true" and found["pytest"].options == {"errexit"}
    )
    assert found["mypy"].options == {"errexit", "pipefail"} and found["mypy"].span.line == 11
    assert settings(".github/workflows/ci.yml", WORKFLOW) == {"A": ("b", None, "ci", ""), "TOKEN": (None, None, "ci", "test")}


def test_gitlab_shares_shell_options_in_a_job() -> None:
    text = "test:\n  script:\n    - set +e\n    - pytest\n  after_script: [ruff check]\n  variables: {A: b}\n"
    found = {each.program: each for each in commands(".gitlab-ci.yml", text)}
    assert found["pytest"].masked == "set +e" and found["pytest"].owner == "test"
    assert found["ruff"].owner == "test.after_script" and not found["ruff"].masked
    assert settings(".gitlab-ci.yml", text) == {"A": ("b", None, "ci", "test")}


@pytest.mark.parametrize(
    ("path", "text", "program", "owner", "line"),
    [
        (".circleci/config.yml", "version: 2.1\njobs:\n  t:\n    steps:\n      - run: pytest << parameters.x >>\n", "pytest", "t", 5),
        ("azure-pipelines.yml", "steps:\n- script: pytest $(Build.Id)\n", "pytest", "", 2),
        ("bitbucket-pipelines.yml", "pipelines:\n  default:\n  - step:\n      name: Test\n      script:\n      - pytest\n", "pytest", "Test", 6),
        (".travis.yml", "language: python\nscript: pytest\n", "pytest", "", 2),
        ("Procfile", "web: gunicorn a:b\n", "gunicorn", "web", 1),
        ("package.json", '{"scripts": {"test": "jest --ci"}}', "jest", "test", 1),
        ("supervisord.conf", "[program:web]\ncommand=/usr/bin/uvicorn a:b\n", "uvicorn", "web", 2),
        ("web.service", "[Service]\nEnvironment=A=b\nExecStart=-/usr/bin/gunicorn a:b\n", "gunicorn", "web", 3),
        ("tox.ini", "[tox]\n[testenv]\ncommands =\n    pytest {posargs}\n", "pytest", "testenv", 4),
        ("pyproject.toml", '[tool.poe.tasks]\nserve = {cmd = "uvicorn a:b"}\n', "uvicorn", "serve", 2),
        ("pyproject.toml", '[tool.hatch.envs.default.scripts]\ncov = ["pytest --cov"]\n', "pytest", "cov", 2),
        ("fly.toml", '[processes]\nweb = "gunicorn a:b"\n', "gunicorn", "web", 2),
        ("app.yaml", "runtime: python312\nservice: web\nentrypoint: gunicorn a:b\n", "gunicorn", "web", 3),
        (".do/app.yaml", "name: a\nservices:\n  - name: web\n    run_command: gunicorn a:b\n", "gunicorn", "web", 4),
        ("heroku.yml", "run:\n  web: gunicorn a:b\n", "gunicorn", "web", 2),
        ("deploy/web.json", '{"containerDefinitions": [\n{"name": "web", "command": ["gunicorn", "a:b"]}]}', "gunicorn", "web", 2),
        ("Jenkinsfile", "stage('Test') {\n sh 'pytest'\n}\n", "pytest", "Test", 2),
        (".pre-commit-config.yaml", "repos:\n- hooks:\n  - id: ruff\n    args: [--exit-zero]\n", "ruff", "ruff", 3),
        ("k8s/x.yaml", "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: web, command: [sh, -c],\n args: [exec gunicorn a:b]}]}}}\n", "gunicorn", "web", 4),
    ],
)  # fmt: skip
def test_every_kind(path: str, text: str, program: str, owner: str, line: int) -> None:
    (found,) = commands(path, text)
    assert (found.program, found.owner, found.span.line) == (program, owner, line)


MAKEFILE = """\
PY ?= python3
test: deps
\t-$(PY) -m pytest $(ARGS) \\
\t   --x
\t@for i in $$(ls); do echo $$i; done
lint: ; ruff check .
"""


def test_makefile() -> None:
    found = {each.program: each for each in commands("Makefile", MAKEFILE)}
    assert set(found) == {"pytest", "ls", "echo", "ruff"}
    assert found["pytest"].masked == "-" and found["pytest"].settings == {"make-ignore": "1"} and found["pytest"].owner == "test"
    assert found["pytest"].argv == ("$(ARGS)", "--x")
    assert found["ruff"].owner == "lint"


def test_makefile_ignore_target() -> None:
    assert commands("Makefile", ".IGNORE:\ntest:\n\tpytest\n")[0].masked == "-"


def test_kubernetes_settings() -> None:
    text = "apiVersion: v1\nkind: Secret\ndata: {A: c2VjcmV0}\nstringData: {B: plain}\n"
    assert settings("k8s/s.yaml", text) == {"A": ("secret", None, "kubernetes", ""), "B": ("plain", None, "kubernetes", "")}


def test_systemd_keys_may_repeat() -> None:
    text = '[Service]\nEnvironment="A=b c" D=e\nEnvironment=X=1\nExecStart=ls\n'
    assert {name: value[0] for name, value in settings("x.service", text).items()} == {"A": "b c", "D": "e", "X": "1"}


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile",
        "compose.yaml",
        ".github/workflows/x.yml",
        "Makefile",
        "Procfile",
        "package.json",
        "Jenkinsfile",
        "a.service",
        "tox.ini",
    ],
)
@pytest.mark.parametrize("text", ["", "\0", "services: [1", "jobs: 3\non: x\nsteps: a", "FROM\nRUN\nENV =\nCMD [", "a:\n\t\\\n", "{", '"'])
def test_nothing_raises(path: str, text: str) -> None:
    facts(path, text)
