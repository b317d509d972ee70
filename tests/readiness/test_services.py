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


@pytest.mark.parametrize(
    ("files", "wanted", "named"),
    [
        # Process types whose modules lie in packages of their own.
        (
            {"Procfile": "web: uvicorn shop.main:app\nbilling: uvicorn billing.main:app\n", "shop/main.py": APP + HEALTH, "billing/main.py": APP},
            "in part",
            "billing.main",
        ),
        (
            {"Procfile": "web: uvicorn shop.main:app\nbilling: uvicorn billing.main:app\n", "shop/main.py": APP + HEALTH, "billing/main.py": APP + HEALTH},
            "met",
            "",
        ),
        # A worker answers no requests, and one package is one service.
        (
            {"Procfile": "web: uvicorn shop.main:app\nworker: celery -A jobs.app worker\n", "shop/main.py": APP + HEALTH, "jobs/app.py": "import celery\n\napp = celery.Celery()\n"},
            "met",
            "",
        ),
        # Two process types of one package: each has what its module imports.
        (
            {"Procfile": "web: uvicorn shop.main:app\nadmin: uvicorn shop.admin:app\n", "shop/main.py": APP + HEALTH, "shop/admin.py": APP},
            "in part",
            "shop.admin",
        ),
        (
            {
                "Procfile": "web: uvicorn shop.main:app\nadmin: uvicorn shop.admin:app\n",
                "shop/health.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n" + HEALTH.replace("app.get", "router.get"),
                "shop/main.py": "from . import health\n" + APP,
                "shop/admin.py": "from shop.health import router\n" + APP,
            },
            "met",
            "",
        ),
        (
            {
                "Procfile": "web: uvicorn shop.main:app\nadmin: uvicorn shop.admin:app\n",
                "shop/health.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n" + HEALTH.replace("app.get", "router.get"),
                "shop/main.py": "from .health import router\n" + APP,
                "shop/admin.py": APP,
            },
            "in part",
            "shop.admin",
        ),
        (
            {
                "Procfile": "web: uvicorn shop.main:app\nworker: celery -A shop.jobs worker\n",
                "shop/main.py": APP + HEALTH,
                "shop/jobs.py": "import celery\n\napp = celery.Celery()\n",
            },
            "met",
            "",
        ),
        # Packages of one repository, each with a project file.
        (
            {
                "Dockerfile": IMAGE,
                "services/shop/pyproject.toml": "[project]\nname = 'shop'\n",
                "services/shop/main.py": APP + HEALTH,
                "services/billing/pyproject.toml": "[project]\nname = 'billing'\n",
                "services/billing/main.py": APP,
                "libraries/money/pyproject.toml": "[project]\nname = 'money'\n",
                "libraries/money/money.py": "CENT = 1\n",
            },
            "in part",
            "billing",
        ),
        # What several share speaks for all of them.
        (
            {
                "Procfile": "web: uvicorn shop.main:app\nbilling: uvicorn billing.main:app\n",
                "shop/main.py": APP,
                "billing/main.py": APP,
                "common/health.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n" + HEALTH.replace("app.get", "router.get"),
            },
            "met",
            "",
        ),
    ],
)  # fmt: skip
def test_process_types_and_packages_answer_for_themselves(
    prodlint: Callable[..., Ran], project: Callable[..., Path], files: dict[str, str], wanted: str, named: str
) -> None:
    told = verdict(prodlint, project(files), "health-endpoint")
    assert (told[0], named in told[1]) == (wanted, True), told
