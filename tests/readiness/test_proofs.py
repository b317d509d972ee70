"""What shows an item, and what only looks like it: small trees, and what the report says of one item."""

from __future__ import annotations

from pathlib import Path

import pytest

from prodlint.engine.session import Request
from prodlint.readiness.answers import answers_of

SERVE = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/orders')\ndef orders():\n    return []\n"
COMPOSE = "services:\n  db:\n    image: postgres:16\n    restart: always\n    healthcheck:\n      test: pg_isready\n"
FORM = "def validate(attrs):\n    secret_key = attrs.pop('secret_key', None)\n    if not secret_key:\n        raise ValueError\n"
FLASK = "from flask_wtf.csrf import CSRFProtect\n\ncsrf = CSRFProtect()\n"
ASKED_FOR = """app.config['WTF_CSRF_CHECK_DEFAULT'] = False


@app.before_request
def check():
    if settings.ENFORCE:
        csrf.protect()
"""
FLOWS = ".github/workflows/ci.yml"
CHECKS = "on: [pull_request]\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - name: Build and check the messages\n        run: msgfmt a.po\n"


@pytest.mark.parametrize(
    ("item", "files", "verdict"),
    [
        # Recipes for developers, and a product's own playbooks, are no infrastructure of the service.
        ("infrastructure-as-code", {"terraform/main.tf": 'resource "a" "b" {}\n'}, "met"),
        ("infrastructure-as-code", {"deploy/playbook.yml": "- hosts: all\n"}, "met"),
        ("infrastructure-as-code", {"devel/playbook.yml": "- hosts: all\n"}, "cannot be told"),
        ("infrastructure-as-code", {"apps/terminal/playbook.yml": "- hosts: all\n"}, "cannot be told"),
        # A database that starts again is not the service.
        ("restarts", {"compose.yaml": COMPOSE, "app.py": SERVE}, "cannot be told"),
        ("restarts", {"compose.yaml": COMPOSE + "  web:\n    build: .\n    restart: always\n", "app.py": SERVE}, "met"),
        (
            "restarts",
            {"compose.yaml": "services:\n  tool:\n    image: toolmaker/tool:1\n    restart: always\n", "app.py": SERVE},
            "cannot be told",
        ),
        # A middleware that looks only where it is asked to.
        ("csrf-protected", {"app.py": FLASK}, "met"),
        ("csrf-protected", {"app.py": FLASK + ASKED_FOR}, "in part"),
        # The level of a server's own log configures nothing.
        ("logging-configured", {"run.sh": "gunicorn --log-level info app:app\n", "app.py": SERVE}, "cannot be told"),
        ("bounded-retries", {"app.py": "import httpx\n\nhttpx.HTTPTransport(local_address='0.0.0.0')\n"}, "does not apply"),
        ("ci-linters", {FLOWS: CHECKS, "app.py": SERVE}, "cannot be told"),
        ("ci-linters", {FLOWS: CHECKS + "      - run: ruff check .\n", "app.py": SERVE}, "met"),
    ],
)
def test_what_shows_an_item(tmp_path: Path, item: str, files: dict[str, str], verdict: str) -> None:
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    answers = answers_of(Request([str(tmp_path)], root=str(tmp_path), isolated=True, jobs=1))
    found = next(answer for answer in answers.answers if answer.item.id == item)
    assert (found.verdict, found.because) == (verdict, found.because)


def test_a_forms_own_field_is_no_setting_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("import os\n\nSECRET_KEY = os.environ.get('SECRET_KEY')\n")
    (tmp_path / "forms.py").write_text(FORM)
    answers = answers_of(Request([str(tmp_path)], root=str(tmp_path), isolated=True, jobs=1))
    assert all(place.path != "forms.py" for answer in answers.answers for place in answer.places if answer.item.id == "settings-enforced")
