"""Fixes that keep what a service does: defaults, the shape of answers, the rights that a datastore needs, the words of an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., object]

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: main
          image: IMAGE
"""


def fixed(prodlint: Run, root: Path, code: str, path: str) -> str:
    prodlint("check", "--no-cache", "--select", code, "--fix", "--unsafe-fixes", "--exit-zero", "--quiet", str(root), cwd=root)
    return (root / path).read_text()


def test_a_switch_stays_on_where_nobody_sets_it(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project(
        {"shop/settings.py": 'import os\n\nALLOW_NEW = bool(os.environ.get("ALLOW_NEW", True))\nDEBUG = bool(os.getenv("DEBUG", False))\n'}
    )
    text = fixed(prodlint, root, "PRD644", "shop/settings.py")
    assert 'os.getenv("ALLOW_NEW", "true")' in text
    assert 'os.getenv("DEBUG", "")' in text


@pytest.mark.parametrize(
    ("image", "changed"), [("postgres:18.1", False), ("nginx:1.29.1", False), ("registry.example.org/shop/web:1.4", True)]
)
def test_a_datastore_keeps_the_rights_that_it_starts_with(prodlint: Run, project: Callable[..., Path], image: str, changed: bool) -> None:
    root = project({"k8s/shop.yaml": DEPLOYMENT.replace("IMAGE", image)})
    assert ('drop: ["ALL"]' in fixed(prodlint, root, "PRD843", "k8s/shop.yaml")) is changed


def test_an_answer_keeps_its_shape(prodlint: Run, project: Callable[..., Path]) -> None:
    text = (
        "import logging\n\nfrom flask import Flask, jsonify\n\napp = Flask(__name__)\nlogger = logging.getLogger(__name__)\n\n\n"
        '@app.get("/x")\ndef x():\n    try:\n        return jsonify(load())\n    except Exception as error:\n        logger.exception("x")\n'
        '        details = {"type": "unknown", "message": str(error)}\n        return jsonify({"error": details}), 500\n'
    )
    root = project({"shop/views.py": text})
    assert '{"error": details}' in fixed(prodlint, root, "PRD206", "shop/views.py")


def test_an_assertion_about_access_raises_what_its_callers_expect(prodlint: Run, project: Callable[..., Path]) -> None:
    text = (
        "from django.http import HttpRequest\n\n\ndef settings_view(request: HttpRequest):\n"
        '    assert getattr(request.user, "is_superuser", False), (\n        "superusers only"\n    )\n    return 1\n'
    )
    root = project({"shop/views.py": text})
    assert 'raise PermissionError(\n        "superusers only"\n    )' in fixed(prodlint, root, "PRD208", "shop/views.py")


def test_a_health_check_asks_a_route_that_is_there(prodlint: Run, project: Callable[..., Path]) -> None:
    dockerfile = 'FROM python:3.13-slim\nCOPY app /app\nUSER 10001\nEXPOSE 8000\nCMD ["gunicorn", "app.main:app"]\n'
    silent = project({"Dockerfile": dockerfile, "app/main.py": "from flask import Flask\n\napp = Flask(__name__)\n"})
    assert "HEALTHCHECK" not in fixed(prodlint, silent, "PRD804", "Dockerfile")


# Places where only the author knows the right value, or where the value is made up: what is said of them stays, and no fix is offered.
UNTOUCHED = {
    "a secret of a test": (
        "PRD104",
        "tests/test_login.py",
        'def test_login(client):\n    otp_secret = "UEWMVJHO23G5XLMVSOCL6TNTSSACJH2X"\n',
    ),
    "a key of developers": ("PRD106", "shop/config.py", 'class Development:\n    SECRET_KEY = "dev-shop-secret"\n'),
    "a stream": (
        "PRD501",
        "shop/feed.py",
        'import httpx\n\n\ndef feed(client: httpx.Client):\n    with client.stream("GET", "/events", timeout=None) as events:\n        yield from events\n',
    ),
    "a payment": (
        "PRD501",
        "shop/money.py",
        'import httpx\n\n\nasync def pay_invoice(client: httpx.AsyncClient):\n    await client.post("/pay", timeout=None)\n',
    ),
    "who may log in": ("PRD624", "shop/settings.py", "AUTH_REQUIRED = False\n"),
    "a client that waits for messages": (
        "PRD523",
        "shop/events.py",
        "import redis\n\nclient = redis.Redis.from_url(URL)\n\n\ndef events():\n    yield from client.pubsub().listen()\n",
    ),
    "words that were put together elsewhere": (
        "PRD206",
        "shop/views.py",
        'import logging\n\nfrom fastapi import FastAPI, HTTPException\n\napp = FastAPI()\nlogger = logging.getLogger(__name__)\n\n\n@app.get("/x")\n'
        'def x():\n    try:\n        return load()\n    except Exception as error:\n        logger.exception("x")\n        detail = "not installed: " + str(error)\n'
        "        raise HTTPException(500, detail=detail) from error\n",
    ),
}


@pytest.mark.parametrize(("code", "path", "text"), UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_only_its_author_knows_stays(prodlint: Run, project: Callable[..., Path], code: str, path: str, text: str) -> None:
    root = project({path: text})
    assert fixed(prodlint, root, code, path) == text


def test_a_handler_beside_another_one_catches_less_instead_of_raising(prodlint: Run, project: Callable[..., Path]) -> None:
    text = (
        "import logging\n\nlogger = logging.getLogger(__name__)\n\n\nasync def answer(bot, handler):\n    try:\n        await handler()\n"
        '    except LookupError as error:\n        await bot.send(str(error))\n    except BaseException:\n        logger.exception("failed")\n'
    )
    root = project({"shop/bot.py": text})
    assert fixed(prodlint, root, "PRD204", "shop/bot.py") == text.replace("BaseException", "Exception")
