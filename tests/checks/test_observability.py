"""Prints, secrets in logs, metrics and health: what counts as a secret or as a terminal's program, and what the report keeps as evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.checks.observability.endpoints import _HEALTH_PATH, _HEALTH_TEXT, _METRICS_PATH, _kind_of
from prodlint.checks.observability.leaks import _is_secret, _is_store_url
from prodlint.checks.observability.prints import is_terminal_program

Run = Callable[..., object]
Make = Callable[..., Path]
DOCKERFILE = 'FROM python:3.13-slim\nCMD ["uvicorn", "service.app:app"]\n'


@pytest.mark.parametrize("data", [b"import click\nprint(1)", b"from argparse import X\nprint(1)"])
def test_what_imports_a_library_for_the_terminal_prints_for_a_person(data: bytes) -> None:
    assert is_terminal_program(data)


def test_a_sentence_about_click_is_no_import() -> None:
    assert not is_terminal_program(b'"""Then import click events."""\nimport clickhouse\nprint(1)\n')


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("password", True), ("db_password", True), ("api_key", True), ("access_token", True), ("client_secret", True), ("authorization", True),
        ("token_count", False), ("CONF_PASSWORD", False), ("secret_name", False), ("has_token", False), ("should_send_token", False),
        ("uncertainty", False), ("max_tokens", False), ("sentry_dsn", False), ("next_page_token", False), ("csrf_token", False), ("grant_password", False),
    ],
)  # fmt: skip
def test_names(name: str, expected: bool) -> None:
    assert _is_secret(name) is expected


def test_connection_strings_by_name() -> None:
    assert _is_store_url("DATABASE_URL")
    assert _is_store_url("celery_broker_url")
    assert not _is_store_url("database_name_url")
    assert not _is_store_url("callback_url")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/health", "health"),
        ("/api/v1/healthz", "health"),
        ("/livez", "live"),
        ("/ping", "live"),
        ("/health/ready", "ready"),
        ("/readyz/", "ready"),
        ("/status", "status"),
        ("/^health/$", "health"),
    ],
)
def test_health_paths(path: str, kind: str) -> None:
    assert _HEALTH_PATH.match(path.replace("^", ""))
    assert _kind_of(path) == kind


@pytest.mark.parametrize(
    "path", ["/healthcare", "/orders/{status}", "/already", "/pings", "/live-streams", "/order-status-codes", "/users/{id}"]
)
def test_other_paths(path: str) -> None:
    assert not _HEALTH_PATH.match(path)
    assert not _HEALTH_TEXT.match(path)


def test_metrics_paths() -> None:
    assert all(_METRICS_PATH.match(path) for path in ("/metrics", "metrics/", "/-/metrics", "/internal/metrics", "/actuator/prometheus"))
    assert not any(_METRICS_PATH.match(path) for path in ("/v1/organizations/metrics", "/metrics/sales", "/api/biometrics"))


def report(prodlint: Run, root: Path) -> dict[str, list[dict[str, object]]]:
    ran = prodlint("check", str(root), "--select", "PRD721,PRD722,PRD723", "--output-format", "json", "--exit-zero", cwd=root)
    loaded: dict[str, list[dict[str, object]]] = json.loads(ran.out)  # type: ignore[attr-defined]
    return loaded


def test_evidence_says_where_a_rule_is_satisfied(prodlint: Run, project: Make) -> None:
    code = """\
from fastapi import Depends, FastAPI
from prometheus_client import make_asgi_app

app = FastAPI()
app.mount("/metrics", make_asgi_app())


@app.get("/readyz")
async def readyz(session: Session = Depends(get_session)):
    await session.execute("SELECT 1")
"""
    told = report(prodlint, project({"Dockerfile": DOCKERFILE, "service/app.py": code}))
    assert told["findings"] == []
    assert {(one["code"], one["path"], one["line"]) for one in told["evidence"]} == {
        ("PRD721", "service/app.py", 2),
        ("PRD722", "service/app.py", 8),
        ("PRD723", "service/app.py", 8),
    }


def test_what_is_missing_stands_where_the_service_is_started(prodlint: Run, project: Make) -> None:
    told = report(prodlint, project({"prod.Dockerfile": DOCKERFILE, "service/app.py": "from fastapi import FastAPI\napp = FastAPI()\n"}))
    assert {(one["code"], one["path"]) for one in told["findings"]} == {("PRD721", "prod.Dockerfile"), ("PRD722", "prod.Dockerfile")}
    assert all("this service (started by `uvicorn`)" in str(one["message"]) for one in told["findings"])


def test_a_probe_with_a_password_in_it_is_not_repeated(prodlint: Run, project: Make) -> None:
    password = "hunter" + "22"
    compose = f"services:\n  web:\n    image: shop\n    command: uvicorn service.app:app\n    healthcheck:\n      test: curl -u admin:{password} http://localhost:8000/health\n"
    told = report(prodlint, project({"compose.yaml": compose, "service/app.py": "from fastapi import FastAPI\napp = FastAPI()\n"}))
    assert [one["words"] for one in told["evidence"]] == ["`curl` asks `/health`"]
    assert password not in json.dumps(told["evidence"])
