"""Shell text: what is started, through what, with which failure kept or lost, and where it stands."""

from __future__ import annotations

import pytest

from prodlint.facts import Command, Fact, File, Problem, Setting, Source
from prodlint.readers import shell
from tests.limits import cpu_limit

WANTED: frozenset[type[Fact]] = frozenset((Command, Setting))


def commands(text: str, path: str = "run.sh") -> list[Command]:
    return [fact for fact in shell.read(Source(text.encode()), File(path, "shell"), WANTED) if isinstance(fact, Command)]


def settings(text: str) -> list[Setting]:
    return [fact for fact in shell.read(Source(text.encode()), File("x.sh", "shell"), WANTED) if isinstance(fact, Setting)]


@pytest.mark.parametrize(
    ("line", "program", "argv"),
    [
        ("uvicorn app:app --reload", "uvicorn", ("app:app", "--reload")),
        ("/usr/local/bin/python3.12 -m uvicorn app:app", "uvicorn", ("app:app",)),
        ("python -u manage.py runserver", "python", ("-u", "manage.py", "runserver")),
        ("exec gosu app tini -g -- gunicorn a:b", "gunicorn", ("a:b",)),
        ("env A=1 B=2 poetry run python -m pytest -x", "pytest", ("-x",)),
        ("uv run --no-dev --with x gunicorn a:b", "gunicorn", ("a:b",)),
        ("uv run -m uvicorn a:b", "uvicorn", ("a:b",)),
        ("pipenv run flask run --debug", "flask", ("run", "--debug")),
        ("hatch run test:pytest tests", "pytest", ("tests",)),
        ("newrelic-admin run-program gunicorn a:b", "gunicorn", ("a:b",)),
        ("opentelemetry-instrument --traces_exporter otlp --metrics_exporter=none uvicorn a:b", "uvicorn", ("a:b",)),
        ("./wait-for-it.sh db:5432 -t 30 -- uvicorn a:b", "uvicorn", ("a:b",)),
        ("dockerize -wait tcp://db:5432 -timeout 10s gunicorn a:b", "gunicorn", ("a:b",)),
        ("runuser -u app -- gunicorn a:b", "gunicorn", ("a:b",)),
        ("cross-env A=1 node x.js", "node", ("x.js",)),
        ("dotenv -e .env -- flask run", "flask", ("run",)),
        ("ddtrace-run uvicorn a:b", "uvicorn", ("a:b",)),
        ("dumb-init -- gunicorn a:b", "gunicorn", ("a:b",)),
        ("timeout -k 5 30 celery worker", "celery", ("worker",)),
        ("sudo -u www-data env X=1 gunicorn a:b", "gunicorn", ("a:b",)),
        ("bash -lc 'exec uvicorn a:b'", "uvicorn", ("a:b",)),
        ("su app -c 'gunicorn a:b'", "gunicorn", ("a:b",)),
        ("$PYTHON -m pytest", "pytest", ()),
        ("${VENV}/bin/pytest -x", "pytest", ("-x",)),
        ("$(dirname $0)/run.sh", "run.sh", ()),
        ("${PYTHON:-python3} -m pytest", "pytest", ()),
        ("echo \"a b\"c 'd e' f\\ g", "echo", ("a bc", "d e", "f g")),
        ("uv pip install x", "uv", ("pip", "install", "x")),
        ("command -v uvicorn", "command", ("-v", "uvicorn")),
        ("exec 2>&1", "exec", ()),
    ],
)
def test_seen_through(line: str, program: str, argv: tuple[str, ...]) -> None:
    found = commands(line)[0]
    assert (found.program, found.argv) == (program, argv)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("pytest || true", "|| true"),
        ("pytest || :", "|| :"),
        ("pytest || exit 0", "|| exit 0"),
        ("pytest || echo failed", "|| echo"),
        ("pytest && coverage report || true", "|| true"),
        ("(cd x && pytest) || true", None),
        ("pytest; true", "; true"),
        ("pytest; exit 0", "; exit 0"),
        ("set +e\npytest\nls", None),
        ("pytest", ""),
        ("pytest || exit 1", ""),
        ("pytest || { echo failed; exit 1; }", ""),
        ("pytest || (echo failed && false)", ""),
        ("if ! pytest; then exit 1; fi", ""),
        ("set +e\npytest\nstatus=$?\nexit $status", None),
        ("set -e\npytest; true", None),
        ("pytest; status=$?; true", ""),
    ],
)
def test_masked(text: str, masked: str | None) -> None:
    expected = {"(cd x && pytest) || true": "|| true", "set +e\npytest\nls": "set +e"}.get(text, "" if masked is None else masked)
    assert next(each for each in commands(text) if each.program == "pytest").masked == expected


def test_what_joins_commands() -> None:
    first, second, third = commands("pytest | tee log; ls")
    assert (first.operator_after, first.following) == ("|", ("tee", "log"))
    assert (second.operator_after, second.following) == (";", ("ls",))
    assert third.operator_after == ""


def test_options_follow_set() -> None:
    found = {each.program: each.options for each in commands("a\nset -euo pipefail\nb\nset +o pipefail\nc")}
    assert found["a"] == frozenset()
    assert found["b"] >= {"errexit", "pipefail"}
    assert "pipefail" not in found["c"]


def test_the_last_command_of_an_entrypoint_keeps_running() -> None:
    found = {each.program: each.long_running for each in commands("alembic upgrade head\ngunicorn a:b", "docker/entrypoint.sh")}
    assert found == {"alembic": False, "gunicorn": True}


def test_exec_keeps_running_in_any_script() -> None:
    found = {each.program: each.long_running for each in commands("case $1 in web) exec gunicorn a:b;; *) ls;; esac", "go.sh")}
    assert found == {"gunicorn": True, "ls": False}


def test_places_are_those_of_the_file() -> None:
    text = 'é=1\nsh -c "ls -l &&\n  uvicorn é --reload"\n'
    command = next(each for each in commands(text) if each.program == "uvicorn")
    assert command.text == "uvicorn é --reload"
    assert [command.source.slice(*word) for word in command.words] == ["é", "--reload"]


def test_assignments_are_settings() -> None:
    found = {each.name: (each.value, each.default) for each in settings('export A=b C="${D:-e}"\nF=$(cat x)\nG=1 ls\n')}
    assert found == {"A": ("b", None), "C": (None, "e"), "F": (None, None), "G": ("1", None)}


@pytest.mark.parametrize(
    "text", ["a && " * 20000 + "a", "(" * 20000, "a $(" * 3000, "if a; then " * 3000, "'" * 9999, '"$(' * 3000, "a || (" * 3000]
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    with cpu_limit(40):
        commands(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#!/bin/bash\npytest || true\n" + "echo a line that says something\n" * 40_000, "more than 1 MiB"),
        ("#!/bin/bash\npytest || true\na=" + "f(a, " * 50_000, "nested too deeply"),
        ("#!/bin/bash\npytest || true\n" + "a|" * 20_000, "too tangled"),
    ],
)
def test_what_is_given_up_is_said(text: str, why: str) -> None:
    source, file = Source(text.encode()), File("run.sh", "shell")
    found = list(shell.read(source, file, frozenset((Command, Problem))))
    assert [type(fact) for fact in found] == [Problem]
    assert why in found[0].why  # type: ignore[attr-defined]
    # Whether anybody wants its commands or not, as far as that is known without reading it.
    unasked = list(shell.read(source, file, frozenset((Problem,))))
    assert len(unasked) == (why != "too tangled")


def test_long_sense_is_read_to_its_end() -> None:
    lines = 'case $x in a) run --x;; b) (cd y && make);; esac\nif test -f "$f"; then echo $(date +%s) | tee log; fi\n' * 4_000
    found = list(shell.read(Source((lines + "pytest || true\n").encode()), File("run.sh", "shell"), frozenset((Command, Problem))))
    assert not [fact for fact in found if isinstance(fact, Problem)]
    assert [fact.program for fact in found if isinstance(fact, Command)][-1] in ("pytest", "true")


def test_a_colon_gives_defaults() -> None:
    given = settings(': "${DISABLE_AUTH:=true}"\n: ${TOKEN=abc} ${NAMED:?must be set} ${OTHER:-x}\necho "${SHOWN:=1}"\n')
    assert [(one.name, one.value, one.default) for one in given] == [("DISABLE_AUTH", None, "true"), ("TOKEN", None, "abc")]
    assert [one.span.line for one in given] == [1, 2]
    assert given[0].source.slice(given[0].start, given[0].end) == "${DISABLE_AUTH:=true}"
