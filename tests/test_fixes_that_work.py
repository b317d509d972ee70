"""Fixes are offered only where the result works: what each of them must not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Run = Callable[..., object]


def fixed(prodlint: Run, root: Path, code: str) -> None:
    prodlint("check", "--no-cache", "--isolated", "--fix", "--unsafe-fixes", "--exit-zero", "--select", code, ".", cwd=root)


def test_one_value_in_one_file_becomes_one_variable(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({
        "compose.yaml": """\
services:
  db:
    image: postgres:17.2
    environment:
      POSTGRES_PASSWORD: tide4harbour9
  web:
    image: harbour/web:1.4
    environment:
      DB_PASSWORD: tide4harbour9
      MAIL_PASSWORD: fog7harbour2
""",
    })  # fmt: skip
    fixed(prodlint, root, "PRD110")
    text = (root / "compose.yaml").read_text()
    assert text.count("${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}") == 2
    assert "MAIL_PASSWORD: ${MAIL_PASSWORD:?set MAIL_PASSWORD}" in text


def test_the_options_of_reload_go_with_it(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({
        "Procfile": "web: uvicorn app.api:app --host 0.0.0.0 --reload --reload-dir app --reload-delay=0.5 --port 8000\n",
        "app/run.py": 'import uvicorn\n\nuvicorn.run("app.api:app", reload=True, reload_dirs=["app"], port=8000)\n',
    })  # fmt: skip
    fixed(prodlint, root, "PRD601")
    assert (root / "Procfile").read_text() == "web: uvicorn app.api:app --host 0.0.0.0 --port 8000\n"
    assert (root / "app/run.py").read_text().endswith('uvicorn.run("app.api:app", port=8000)\n')


def test_a_language_model_gets_no_thirty_seconds(prodlint: Run, project: Callable[..., Path]) -> None:
    source = 'import requests\n\n\ndef ask(url, prompt):\n    return requests.post(f"{url}/v1/chat/completions", json={"prompt": prompt})\n'
    root = project({"app/chat.py": source})
    fixed(prodlint, root, "PRD504")
    assert (root / "app/chat.py").read_text() == source


def test_an_engine_that_may_be_sqlite_gets_no_connect_timeout(prodlint: Run, project: Callable[..., Path]) -> None:
    source = "from sqlalchemy import create_engine\n\n\ndef engine(url):\n    return create_engine(url, pool_pre_ping=True)\n"
    root = project({"app/db.py": source, "requirements.txt": "psycopg2-binary==2.9.10\nsqlalchemy==2.0.41\n"})
    fixed(prodlint, root, "PRD521")
    assert (root / "app/db.py").read_text() == source


def test_what_an_image_needs_while_it_is_built_keeps_its_default(prodlint: Run, project: Callable[..., Path]) -> None:
    source = 'import os\n\nSECRET_KEY = os.environ.get("SECRET_KEY", "tide4harbour9-and-more-of-it")\nINSTALLED_APPS = ["shop"]\n'
    files = {
        "shop/settings.py": source,
        "manage.py": "import django\n",
        "Dockerfile": "FROM python:3.13\nRUN python manage.py collectstatic\n",
    }
    root = project(files)
    fixed(prodlint, root, "PRD105")
    assert (root / "shop/settings.py").read_text() == source
    (root / "Dockerfile").write_text('FROM python:3.13\nCMD ["gunicorn", "shop.wsgi"]\n')
    fixed(prodlint, root, "PRD105")
    assert 'os.environ["SECRET_KEY"]' in (root / "shop/settings.py").read_text()


def test_a_fallback_value_is_not_thrown_away(prodlint: Run, project: Callable[..., Path]) -> None:
    source = "import json\n\n\ndef read(data):\n    try:\n        tree = json.loads(str(data))\n    except BaseException:\n        tree = json.loads(data)\n    return tree\n"
    root = project({"app/parser.py": source})
    fixed(prodlint, root, "PRD204")
    assert (root / "app/parser.py").read_text() == source.replace("BaseException", "Exception")
