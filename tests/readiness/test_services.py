"""Each service answers for itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.readiness.outputs import is_report
from tests.conftest import Ran

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/orders')\ndef orders():\n    return []\n"
HEALTH = "\n\n@app.get('/healthz')\ndef healthz():\n    return {}\n"
IMAGE = 'FROM python:3.12-slim\nCOPY . /app\nUSER 1000\nCMD ["uvicorn", "main:app", "--host", "0.0.0.0"]\n'
COMPOSE = "services:\n  api:\n    build: ./api\n  billing:\n    build: ./billing\n"


def verdict(prodlint: Callable[..., Ran], root: Path, item: str) -> tuple[str, str]:
    ran = prodlint("report", str(root), "--root", str(root), "--isolated", "--output-format", "json")
    found = next(each for each in json.loads(ran.out)["items"] if each["id"] == item)
    return found["verdict"], found["because"]


def test_a_neighbour_does_not_answer(prodlint: Callable[..., Ran], project: Callable[..., Path]) -> None:
    files = {
        "api/main.py": APP + HEALTH,
        "api/Dockerfile": IMAGE,
        "billing/main.py": APP,
        "billing/Dockerfile": IMAGE,
        "compose.yaml": COMPOSE,
    }
    told = verdict(prodlint, project(files), "health-endpoint")
    assert told[0] == "in part"
    assert "not seen for `billing`" in told[1]


def test_each_service_answers_for_itself(prodlint: Callable[..., Ran], project: Callable[..., Path]) -> None:
    files = {
        "api/main.py": APP + HEALTH,
        "billing/main.py": APP + HEALTH,
        "api/Dockerfile": IMAGE,
        "billing/Dockerfile": IMAGE,
        "compose.yaml": COMPOSE,
    }
    assert verdict(prodlint, project(files), "health-endpoint")[0] == "met"


@pytest.mark.parametrize(
    "route",
    [
        "@app.get('/orders/{order}/status')\ndef status(order: int):\n    return {}\n",
        "@app.get('/health')\ndef health_of_suppliers():\n    return {}\n",
    ],
)
def test_the_products_own_routes_are_no_probes(prodlint: Callable[..., Ran], project: Callable[..., Path], route: str) -> None:
    root = project({"main.py": f"{APP}\n\n{route}", "Dockerfile": IMAGE})
    assert verdict(prodlint, root, "health-endpoint")[0] == "not met"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"schema_version": 1, "tool": {"name": "prodlint", "version": "1"}}', True),
        ('{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []}', True),
        ('{"version": "2.1.0", "runs": []}', True),
        ("<testsuites><testsuite/></testsuites>", True),
        ('{"generated_at": "2026-01-01T00:00:00Z", "plugins_used": []}', True),
        ('{"name": "shop", "version": "2.1.0"}', False),
        ("services:\n  api:\n    build: .\n", False),
        ("# Production readiness\n\nWe have health checks.\n", False),
    ],
)
def test_reports_are_known_by_their_marks(content: str, told: bool) -> None:
    assert is_report(content.encode()) == told
