"""Reload, debug, development servers, truth of text and undocumented variables, in every format that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.checks.configuration.settings import weakens

Run = Callable[..., object]
Make = Callable[..., Path]
DOCKERFILE = 'FROM python:3.13-slim\nCMD ["uvicorn", "service.app:app"]\n'


def found(prodlint: Run, root: Path, codes: str = "PRD601,PRD605,PRD621,PRD624,PRD642,PRD644") -> list[str]:
    ran = prodlint("check", str(root), "--select", codes, "--output-format", "concise", "--exit-zero", cwd=root)
    lines = [line.split(" ", 2) for line in ran.out.splitlines() if ": PRD" in line]  # type: ignore[attr-defined]
    return [f"{place.split(':')[0]}:{place.split(':')[1]} {code}" for place, code, _ in lines]


LOUD = [
    ("Dockerfile", 'FROM python:3.13\nCMD ["uvicorn", "a:b", "--reload"]\n', "2 PRD601"),
    ("Dockerfile", "FROM python:3.13\nENV UVICORN_RELOAD=1\n", "2 PRD601"),
    ("Dockerfile", 'FROM python:3.13\nCMD ["flask", "run"]\n', "2 PRD605"),
    ("Dockerfile", 'FROM python:3.13\nCMD ["python", "manage.py", "runserver"]\n', "2 PRD605"),
    ("Dockerfile", "FROM python:3.13\nENV FLASK_DEBUG=1\n", "2 PRD621"),
    ("Procfile", "web: gunicorn a:b --reload\n", "1 PRD601"),
    ("Procfile", "web: fastapi dev main.py\n", "1 PRD605"),
    ("compose.yaml", "services:\n  web:\n    image: shop\n    command: uvicorn a:b --reload\n", "4 PRD601"),
    ("compose.yaml", 'services:\n  web:\n    image: shop\n    environment:\n      FLASK_DEBUG: "1"\n', "5 PRD621"),
    ("compose.yaml", "services:\n  web:\n    image: shop\n    environment:\n      - DISABLE_AUTH=true\n", "5 PRD624"),
    (".env.production", "DEBUG=true\n", "1 PRD621"),
    (".env.production", "VERIFY_TLS=false\n", "1 PRD624"),
    ("shop.service", "[Service]\nExecStart=/usr/bin/uvicorn a:b --reload\n", "2 PRD601"),
    ("service/app.py", "import uvicorn\nuvicorn.run('a:b', reload=True)\n", "2 PRD601"),
    ("service/app.py", "from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)\n", "3 PRD621"),
    ("service/app.py", "from flask import Flask\napp = Flask(__name__)\nON = True\napp.run(debug=ON)\n", "4 PRD621"),
    ("service/app.py", "from fastapi import FastAPI\napp = FastAPI(debug=True)\n", "2 PRD621"),
    ("service/app.py", "from flask import Flask\napp = Flask(__name__)\napp.config['DEBUG'] = True\n", "3 PRD621"),
    ("service/settings.py", "DEBUG = True\n", "1 PRD621"),
    ("service/settings.py", "DEBUG: bool = True\n", "1 PRD621"),
    ("service/settings.py", "AUTH_PASSWORD_VALIDATORS = []\n", "1 PRD624"),
    ("service/settings.py", "SKIP_AUTH: bool = True\n", "1 PRD624"),
    ("service/app.py", "import os\nDEBUG = bool(os.getenv('DEBUG'))\n", "2 PRD644"),
    ("service/app.py", "import os\nif os.environ.get('ENABLE_ADMIN', 'False'):\n    pass\n", "2 PRD644"),
    ("gunicorn.conf.py", "reload = True\n", "1 PRD601"),
]


def test_found_in_every_format(prodlint: Run, project: Make) -> None:
    root = project({f"case{number:02}/{path}": text for number, (path, text, _) in enumerate(LOUD)})
    assert found(prodlint, root) == [f"case{number:02}/{path}:{expected}" for number, (path, _, expected) in enumerate(LOUD)]


# Who selects the rule is told of every read.
ONLY_WHAT_MUST_BE_SET = "[rules.PRD642]\nany-read = false\n"

QUIET = [
    ("Dockerfile.dev", 'FROM python:3.13\nCMD ["uvicorn", "a:b", "--reload"]\n'),
    ("compose.override.yaml", "services:\n  web:\n    image: shop\n    command: uvicorn a:b --reload\n"),
    ("Makefile", "dev:\n\tuvicorn a:b --reload\n"),
    ("Dockerfile", 'FROM python:3.13\nRUN python manage.py runserver --help\nCMD ["gunicorn", "a:b"]\n'),
    ("Dockerfile", "FROM python:3.13\nENV FLASK_DEBUG=0\n"),
    (".env.example", "DEBUG=true\n"),
    (".env.development", "DEBUG=true\n"),
    ("tests/app.py", "from fastapi import FastAPI\napp = FastAPI(debug=True)\n"),
    ("service/app.py", "import logging\nlogging.debug('x')\ndebug = False\n"),
    ("service/app.py", "import uvicorn\nif __debug__:\n    pass\nuvicorn.run('a:b', reload=settings.reload)\n"),
    (
        "service/app.py",
        "import os\nif os.getenv('ENVIRONMENT') == 'development':\n    import uvicorn\n    uvicorn.run('a:b', reload=True)\n",
    ),
    ("service/settings/dev.py", "DEBUG = True\n"),
    ("service/app.py", "import os\nif os.getenv('SENTRY_DSN'):\n    pass\nif os.getenv('CI'):\n    pass\n"),
    ("service/app.py", "import os\nDEBUG = os.getenv('DEBUG', '').lower() in ('1', 'true')\n"),
    ("service/app.py", "DISABLE_AUTHOR_PAGES = True\nVERIFY_TLS = True\n"),
]


def test_quiet(prodlint: Run, project: Make) -> None:
    files = {f"case{number:02}/{path}": text for number, (path, text) in enumerate(QUIET)}
    assert found(prodlint, project({**files, "prodlint.toml": ONLY_WHAT_MUST_BE_SET})) == []


def test_a_main_guard_counts_fully_only_where_production_starts_the_file(prodlint: Run, project: Make) -> None:
    code = "import uvicorn\nif __name__ == '__main__':\n    uvicorn.run('a:b', reload=True)\n"
    for dockerfile, expected in (('CMD ["python", "app.py"]', "P0"), ('CMD ["gunicorn", "app:app"]', "P1")):
        root = project({"app.py": code, "Dockerfile": f"FROM python:3.13\n{dockerfile}\n"})
        ran = prodlint("check", str(root), "--select", "PRD601", "--output-format", "json", "--exit-zero", cwd=root)
        assert f'"{expected}"' in ran.out  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DISABLE_AUTH", "true", True),
        ("DISABLE_AUTH", "false", False),
        ("shop_skip_csrf", "1", True),
        ("VERIFY_SSL", "0", True),
        ("VERIFY_SSL", True, False),
        ("REQUIRE_AUTH", False, True),
        ("DISABLE_AUTHOR_PAGES", "true", False),
        ("DISABLE_AUTH", "sometimes", False),
        ("CELERY_TASK_ALWAYS_EAGER", True, True),
    ],
)
def test_names_that_weaken(name: str, value: object, expected: bool) -> None:
    assert weakens(name, value) is expected


@pytest.mark.parametrize(
    "line",
    [
        "app.run(debug=True)",
        "app.run(debug = True)",
        "app.run (\n    debug  # for now\n    =\n    (True),\n)",
        "app.config['DEBUG'] = True",
        "app.config [\n    'DEBUG'\n] = \\\n    True",
        "app.debug=True",
        "app . debug = (True)",
        "start = app.run\nstart(debug=True)",
    ],
)
def test_debug_is_seen_however_it_is_laid_out(line: str, prodlint: Run, project: Make) -> None:
    root = project({"Dockerfile": DOCKERFILE, "service/app.py": f"from flask import Flask\n\napp = Flask(__name__)\n{line}\n"})
    ran = prodlint("check", str(root), "--select", "PRD621", "--output-format", "concise", "--exit-zero", cwd=root)
    assert "PRD621" in ran.out  # type: ignore[attr-defined]


def test_undocumented_variables_name_only_what_must_be_set(prodlint: Run, project: Make) -> None:
    code = (
        "import os\nA = os.environ['FIRST_DSN']\nB = os.environ['SECOND_DSN']\nC = os.environ['THIRD_DSN']\nD = os.getenv('FOURTH_DSN')\n"
    )
    files = {"Dockerfile": DOCKERFILE, "service/app.py": code, "prodlint.toml": ONLY_WHAT_MUST_BE_SET}
    root = project({**files, "README.md": "Set SECOND_DSN.\n"})
    ran = prodlint("check", str(root), "--select", "PRD642", "--output-format", "concise", "--exit-zero", cwd=root)
    line = next(line for line in ran.out.splitlines() if "PRD642" in line)  # type: ignore[attr-defined]
    assert line.startswith("service/app.py:2:")
    assert "`FIRST_DSN`, `THIRD_DSN` must be set" in line
    assert "FOURTH" not in line
    documented = project({**files, ".env.example": "FIRST_DSN=\nSECOND_DSN=\nTHIRD_DSN=\n"})
    assert found(prodlint, documented, "PRD642") == []


STARTED = 'FROM python:3.13-slim\nCOPY . .\nENTRYPOINT ["./start.sh"]\n'


@pytest.mark.parametrize(
    ("dockerfile", "script", "expected"),
    [
        (STARTED, ': "${DISABLE_AUTH:=true}"\nexec gunicorn a:b\n', ["start.sh:1 PRD624"]),
        (STARTED, 'export VERIFY_TOKENS="${VERIFY_TOKENS:=false}"\nexec gunicorn a:b\n', ["start.sh:1 PRD624"]),
        (STARTED, "export DISABLE_AUTH=true\nexec gunicorn a:b\n", ["start.sh:1 PRD624"]),
        (STARTED, ': "${DISABLE_AUTH:=false}"\nexec gunicorn a:b\n', []),
        (STARTED, ': "${DISABLE_AUTH:?say yes or no}"\nexec gunicorn a:b\n', []),
        (DOCKERFILE, ': "${DISABLE_AUTH:=true}"\nexec gunicorn a:b\n', []),
    ],
)
def test_switches_of_a_script_that_the_image_starts(
    dockerfile: str, script: str, expected: list[str], prodlint: Run, project: Make
) -> None:
    root = project({"Dockerfile": dockerfile, "start.sh": f"{script}"})
    assert found(prodlint, root, "PRD624") == expected
