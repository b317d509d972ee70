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


def mended(prodlint: Run, root: Path, code: str, path: str) -> str:
    prodlint("check", "--no-cache", "--select", code, "--fix", "--unsafe-fixes", "--exit-zero", "--quiet", str(root), cwd=root)
    return (root / path).read_text()


def test_a_switch_stays_on_where_nobody_sets_it(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project(
        {"shop/settings.py": 'import os\n\nALLOW_NEW = bool(os.environ.get("ALLOW_NEW", True))\nDEBUG = bool(os.getenv("DEBUG", False))\n'}
    )
    text = mended(prodlint, root, "PRD644", "shop/settings.py")
    assert 'os.getenv("ALLOW_NEW", "true")' in text
    assert 'os.getenv("DEBUG", "")' in text


@pytest.mark.parametrize(
    ("image", "changed"), [("postgres:18.1", False), ("nginx:1.29.1", False), ("registry.example.org/shop/web:1.4", True)]
)
def test_a_datastore_keeps_the_rights_that_it_starts_with(prodlint: Run, project: Callable[..., Path], image: str, changed: bool) -> None:
    root = project({"k8s/shop.yaml": DEPLOYMENT.replace("IMAGE", image)})
    assert ('drop: ["ALL"]' in mended(prodlint, root, "PRD843", "k8s/shop.yaml")) is changed


def test_an_answer_keeps_its_shape(prodlint: Run, project: Callable[..., Path]) -> None:
    text = (
        "import logging\n\nfrom flask import Flask, jsonify\n\napp = Flask(__name__)\nlogger = logging.getLogger(__name__)\n\n\n"
        '@app.get("/x")\ndef x():\n    try:\n        return jsonify(load())\n    except Exception as error:\n        logger.exception("x")\n'
        '        details = {"type": "unknown", "message": str(error)}\n        return jsonify({"error": details}), 500\n'
    )
    root = project({"shop/views.py": text})
    assert '{"error": details}' in mended(prodlint, root, "PRD206", "shop/views.py")


def test_an_assertion_about_access_raises_what_its_callers_expect(prodlint: Run, project: Callable[..., Path]) -> None:
    text = (
        "from django.http import HttpRequest\n\n\ndef settings_view(request: HttpRequest):\n"
        '    assert getattr(request.user, "is_superuser", False), (\n        "superusers only"\n    )\n    return 1\n'
    )
    root = project({"shop/views.py": text})
    assert 'raise PermissionError(\n        "superusers only"\n    )' in mended(prodlint, root, "PRD208", "shop/views.py")


def test_a_health_check_asks_a_route_that_is_there(prodlint: Run, project: Callable[..., Path]) -> None:
    dockerfile = 'FROM python:3.13-slim\nCOPY app /app\nUSER 10001\nEXPOSE 8000\nCMD ["gunicorn", "app.main:app"]\n'
    silent = project({"Dockerfile": dockerfile, "app/main.py": "from flask import Flask\n\napp = Flask(__name__)\n"})
    assert "HEALTHCHECK" not in mended(prodlint, silent, "PRD804", "Dockerfile")
