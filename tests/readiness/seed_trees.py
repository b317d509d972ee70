"""Small services of our own, on which lines of the seeds are true that no single rule's example shows whole.

Each is a service as the documents describe theirs: the files that they name are there, and do what is said of them.
"""

from __future__ import annotations

from collections.abc import Mapping

_MAIN = '''"""The service."""

import contextvars
import time
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone

import httpx
import jwt
import redis
import sentry_sdk
import structlog
from fastapi import Depends, FastAPI, File, HTTPException, Request, UploadFile
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.security import HTTPBearer
from passlib.context import CryptContext
from prometheus_client import Counter, Gauge, Histogram, make_asgi_app
from pydantic import BaseModel, Field
from slowapi import Limiter
from slowapi.util import get_remote_address
from sqlmodel import Session, SQLModel, select
from tenacity import retry, stop_after_attempt, wait_exponential

from app.db import engine
from app.settings import settings

log = structlog.get_logger()
request_id = contextvars.ContextVar("request_id", default="")
bearer = HTTPBearer()
passwords = CryptContext(schemes=["bcrypt"])
limiter = Limiter(key_func=get_remote_address, default_limits=["60/minute"], storage_uri=settings.redis_url)
errors_total = Counter("errors_total", "errors of the worker loop")
pool_in_use = Gauge("pool_in_use", "connections of the pool in use")
response_time = Histogram("response_time_seconds", "response time of each request")
MAX_SIZE = 10 * 1024 * 1024  # 10 MB
ALLOWED_TYPES = {"application/json", "application/pdf", "text/plain", "text/csv", "image/png"}


class Message(BaseModel):
    text: str = Field(max_length=10000)


@asynccontextmanager
async def lifespan(app):
    yield
    engine.dispose()


app = FastAPI(lifespan=lifespan)
app.state.limiter = limiter
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example.org"], allow_methods=["GET", "POST"])
app.add_middleware(GZipMiddleware)
app.mount("/metrics", make_asgi_app())
sentry_sdk.init(dsn=settings.sentry_dsn)


@app.middleware("http")
async def with_request_id(request: Request, call_next):
    request_id.set(request.headers.get("X-Request-ID") or request.headers.get("X-Correlation-ID") or uuid.uuid4().hex)
    structlog.contextvars.bind_contextvars(request_id=request_id.get())
    answer = await call_next(request)
    answer.headers["X-Request-ID"] = request_id.get()
    return answer


def current_user(token=Depends(bearer)):
    return jwt.decode(token.credentials, settings.jwt_secret, algorithms=["HS256"])["sub"]


def create_access_token(user):
    return jwt.encode({"sub": user, "exp": datetime.now(timezone.utc) + timedelta(minutes=30)}, settings.jwt_secret, algorithm="HS256")


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.get("/readyz")
def readyz():
    with engine.connect() as connection:
        connection.execute(select(1))
    redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2).ping()
    return {"status": "ok"}


@app.post("/api/v1/messages")
@limiter.limit("10/minute")
def add(request: Request, message: Message, user: str = Depends(current_user)):
    return {"id": 1}


@app.post("/api/v1/files")
def upload(request: Request, file: UploadFile = File(...), user: str = Depends(current_user)):
    if file.content_type not in ALLOWED_TYPES:
        raise HTTPException(415)
    data = file.file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise HTTPException(413)
    return {"size": len(data)}


@retry(stop=stop_after_attempt(3), wait=wait_exponential(max=10))
def prices():
    with httpx.Client(timeout=httpx.Timeout(10, connect=5, read=30, write=10)) as client:
        return client.get(settings.prices_url).json()
'''

COMPLETE: Mapping[str, str] = {
    "app/__init__.py": "",
    "app/main.py": _MAIN,
    "app/settings.py": (
        "from pydantic import SecretStr\nfrom pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n    database_url: SecretStr\n"
        "    redis_url: str\n    jwt_secret: str\n    sentry_dsn: str\n    prices_url: str\n    log_level: str = 'INFO'\n    debug: bool = False\n\n\nsettings = Settings()\n"
    ),
    "app/db.py": (
        "from sqlmodel import Field, SQLModel, create_engine\n\nfrom app.settings import settings\n\nengine = create_engine(\n    settings.database_url.get_secret_value(),\n"
        "    pool_size=10,\n    max_overflow=20,\n    pool_timeout=5,\n    pool_recycle=300,\n    pool_pre_ping=True,\n"
        "    connect_args={'connect_timeout': 5, 'options': '-c statement_timeout=5000 -c lock_timeout=2000'},\n)\n\n\n"
        "class Message(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n    conversation_id: int = Field(index=True)\n    user_id: int = Field(index=True)\n"
    ),
    "migrations/versions/0001_first.py": (
        "from alembic import op\n\nrevision = '0001'\ndown_revision = None\n\n\ndef upgrade():\n    op.create_table('message')\n\n\ndef downgrade():\n    op.drop_table('message')\n"
    ),
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "Dockerfile": (
        "FROM python:3.12.8-slim AS build\nCOPY requirements.lock .\nRUN pip wheel --require-hashes -r requirements.lock -w /wheels\n\nFROM python:3.12.8-slim\nWORKDIR /srv\n"
        'COPY --from=build /wheels /wheels\nRUN pip install --no-index --find-links=/wheels fastapi && pip check\nCOPY app app\nUSER 1000\nHEALTHCHECK CMD ["curl", "-f", "http://localhost:8000/healthz"]\n'
        'CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--timeout-graceful-shutdown", "20"]\n'
    ),
    ".dockerignore": ".git\n.env*\n",
    ".gitignore": ".env\n.env.*\n!.env.production.example\n",
    ".env.production.example": "DATABASE_URL=\nREDIS_URL=\nJWT_SECRET=\nSENTRY_DSN=\nPRICES_URL=\nLOG_LEVEL=INFO\n",
    "requirements.in": "fastapi\n",
    "requirements.lock": "fastapi==0.115.6 \\\n    --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
    "pyproject.toml": (
        "[project]\nname = 'shop'\nversion = '1.0'\nrequires-python = '>=3.11'\n\n[tool.ruff]\nline-length = 100\n\n[tool.coverage.report]\nfail_under = 80\n"
    ),
    "pytest.ini": "[pytest]\npythonpath = .\n",
    ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n    schedule:\n      interval: weekly\n",
    ".github/workflows/ci.yml": (
        "on: [push, pull_request]\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683\n"
        "      - run: ruff check .\n      - run: mypy app\n      - run: alembic upgrade head\n      - run: pytest -q --cov=app --cov-fail-under=80\n      - run: pip-audit\n      - run: bandit -r app\n"
        "      - run: docker build -t shop .\n      - run: trivy image --exit-code 1 --severity HIGH,CRITICAL shop\n      - run: cyclonedx-py requirements requirements.lock -o sbom.json\n"
        "      - run: schemathesis run http://localhost:8000/openapi.json\n"
    ),
    "monitoring/alerts.yml": (
        "groups:\n  - name: shop\n    rules:\n      - alert: HighErrorRate\n        expr: rate(http_errors_total[5m]) > 0.01\n        for: 5m\n        labels:\n          severity: page\n"
        "        annotations:\n          summary: more than 1% errors\n          runbook_url: https://example.org/runbook\n      - alert: HighLatency\n        expr: histogram_quantile(0.95, response_time_seconds) > 0.2\n"
        "        for: 5m\n        labels:\n          severity: page\n        annotations:\n          summary: slow\n          runbook_url: https://example.org/runbook\n"
    ),
    "monitoring/prometheus.yml": "scrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: ['shop:8000']\n",
    "monitoring/grafana-dashboard.json": '{"title": "Shop", "panels": [{"title": "Error rate"}]}\n',
    "docs/slo.md": "# SLOs\n\nAvailability 99.9%, p95 < 200ms.\n",
    "docs/SECRETS_MANAGEMENT.md": "# Secrets management\n\nSecrets come from the vault and are rotated every 90 days: run `rotate.sh`.\n",
    "docs/PRODUCTION_RUNBOOK.md": "# Runbook\n\n## Deploy\n\n## Rollback\n\nRoll back with `kubectl rollout undo`.\n\n## Incidents\n\n## Backup and restore\n",
    "README.md": "# Shop\n",
    "CHANGELOG.md": "# Changelog\n",
    "tests/unit/test_tokens.py": "def test_tokens(client):\n    assert client.get('/api/v1/messages').status_code == 401\n",
    "tests/integration/test_chat_endpoint.py": "from fastapi.testclient import TestClient\n\n\ndef test_chat():\n    assert TestClient(app).post('/api/v1/chat').status_code == 403\n",
    "tests/integration/test_database.py": "def test_database(session):\n    assert session.execute('select 1')\n",
    "tests/integration/test_agents.py": "def test_agent(agent):\n    assert agent.run('x') == 'y'\n",
    "tests/e2e/test_flow.py": "def test_flow(client):\n    assert client.get('/healthz').status_code == 200\n",
    "locustfile.py": "from locust import HttpUser, task\n\n\nclass User(HttpUser):\n    @task\n    def read(self):\n        self.client.get('/healthz')\n",
    "docker-compose.yml": (
        "services:\n  shop:\n    build: .\n    restart: unless-stopped\n    read_only: true\n    tmpfs: [/tmp]\n    cap_drop: [ALL]\n    security_opt: ['no-new-privileges:true']\n    mem_limit: 512m\n"
        "    environment:\n      DATABASE_URL: ${DATABASE_URL:?set DATABASE_URL}\n      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}\n"
        "    healthcheck:\n      test: ['CMD', 'curl', '-f', 'http://localhost:8000/healthz']\n"
    ),
}
