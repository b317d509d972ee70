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

structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
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
        'COPY entrypoint.sh migrations alembic.ini ./\nCMD ["sh", "entrypoint.sh"]\n'
    ),
    ".dockerignore": ".git\n.env*\n",
    ".gitignore": ".env\n.env.*\n!.env.production.example\n",
    ".env.production.example": "DATABASE_URL=\nREDIS_URL=\nJWT_SECRET=\nSENTRY_DSN=\nPRICES_URL=\nLOG_LEVEL=INFO\nDEBUG=false\nENVIRONMENT=production\nPOSTGRES_DSN=\n",
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
    ".github/workflows/release.yml": (
        "on:\n  push:\n    branches: [main]\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683\n      - run: pytest -q\n"
        "  staging:\n    needs: test\n    environment: staging\n    runs-on: ubuntu-24.04\n    steps:\n      - run: kubectl apply -f deploy/staging\n      - name: Smoke test of staging\n        run: python src/smoke_stack.py\n"
        "  production:\n    needs: [test, staging]\n    environment: production\n    runs-on: ubuntu-24.04\n    steps:\n      - run: kubectl apply -f deploy/production\n"
    ),
    "entrypoint.sh": "#!/bin/sh\nset -e\nalembic upgrade head\nexec uvicorn app.main:app --host 0.0.0.0 --timeout-graceful-shutdown 20\n",
    "monitoring/alerts.yml": (
        "groups:\n  - name: shop\n    rules:\n      - alert: HighErrorRate\n        expr: rate(http_errors_total[5m]) > 0.01\n        for: 5m\n        labels:\n          severity: page\n"
        "        annotations:\n          summary: more than 1% errors\n          runbook_url: https://example.org/runbook\n      - alert: HighLatency\n        expr: histogram_quantile(0.95, response_time_seconds) > 0.2\n"
        "        for: 5m\n        labels:\n          severity: page\n        annotations:\n          summary: slow\n          runbook_url: https://example.org/runbook\n"
    ),
    "monitoring/prometheus.yml": "scrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: ['shop:8000']\n",
    "monitoring/grafana-dashboard.json": '{"title": "Shop", "panels": [{"title": "Error rate"}]}\n',
    "skillos/__init__.py": "",
    "skillos/attachments.py": (
        "from fastapi import HTTPException, UploadFile\n\nMAX_SIZE = 10 * 1024 * 1024  # 10 MB\nALLOWED_TYPES = {'application/json', 'application/pdf', 'text/plain', 'text/csv', 'image/png'}\n\n\n"
        "def read(file: UploadFile) -> bytes:\n    if file.content_type not in ALLOWED_TYPES:\n        raise HTTPException(415)\n    data = file.file.read(MAX_SIZE + 1)\n    if len(data) > MAX_SIZE:\n        raise HTTPException(413)\n    return data\n"
    ),
    "skillos/jwt_auth.py": "import jwt\n\n\ndef claims(token: str, key: str) -> dict[str, str]:\n    return jwt.decode(token, key, algorithms=['HS256'])\n",
    "skillos/rate_limit.py": "from slowapi import Limiter\nfrom slowapi.util import get_remote_address\n\nlimiter = Limiter(key_func=get_remote_address, default_limits=['100/minute'])\n",
    "skillos/webhooks.py": "from fastapi import APIRouter, Depends, Request\n\nfrom app.main import current_user\nfrom skillos.rate_limit import limiter\n\nrouter = APIRouter()\n\n\n@router.post('/api/v1/webhooks')\n@limiter.limit('20/minute')\ndef receive(request: Request, user: str = Depends(current_user)) -> dict[str, bool]:\n    return {'ok': True}\n",
    "skillos/jobs.py": "def requeue_dead_letters(queue):\n    for job in queue.dead_letter:\n        job.status = 'queued'\n        queue.put(job)\n",
    "skillos/config.py": "from pydantic_settings import BaseSettings\n\n\nclass Config(BaseSettings):\n    environment: str\n    postgres_dsn: str\n    redis_url: str\n    log_level: str = 'INFO'\n",
    "config/__init__.py": "",
    "config/unified_config.py": "from pydantic_settings import BaseSettings\n\n\nclass UnifiedConfig(BaseSettings):\n    database_url: str\n    redis_url: str\n    log_level: str = 'INFO'\n",
    "core/__init__.py": "",
    "core/error_codes.py": (
        "from enum import Enum\n\n\nclass ErrorCode(str, Enum):\n    BUSY = 'busy'\n    UNKNOWN = 'unknown'\n\n\ndef retry_after_seconds(code: ErrorCode) -> int:\n    return 5 if code is ErrorCode.BUSY else 0\n\n\n"
        "def headers(code: ErrorCode) -> dict[str, str]:\n    return {'Retry-After': str(retry_after_seconds(code))}\n"
    ),
    "core/exceptions.py": "class ShopError(Exception):\n    status = 500\n\n\nclass DatabaseError(ShopError):\n    status = 503\n\n\nclass AgentError(ShopError):\n    status = 502\n",
    "core/error_ledger.py": "import sentry_sdk\n\n\ndef record(error: Exception) -> None:\n    sentry_sdk.capture_exception(error)\n",
    "agent/__init__.py": "",
    "agent/modules/backend/self_learning_system.py": "def learn(examples):\n    return sorted(examples)\n",
    "agent/modules/backend/cache_manager.py": "TTL_SECONDS = 300\n\n\ndef expiry(now):\n    return now + TTL_SECONDS\n",
    "agent/modules/backend/fixer.py": 'def fix(text):\n    """The text without blanks at its ends."""\n    return text.strip()\n',
    "agent/modules/backend/fixer_v2.py": 'def fix(text):\n    """The text without blanks at its ends."""\n    return text.strip()\n',
    "agent/modules/backend/brand_model_trainer.py": "def train(names):\n    return {name: len(name) for name in names}\n",
    "api/training_data_interface.py": "import json\n\n\ndef read(text):\n    try:\n        return json.loads(text)\n    except ValueError:\n        return None\n",
    "app/security.py": "from app.settings import settings\n\n\ndef validate_production() -> None:\n    if len(settings.jwt_secret) < 32:\n        raise RuntimeError('JWT_SECRET has at least 32 characters')\n",
    "app/observability.py": "import structlog\n\nlog = structlog.get_logger()\n",
    "app/prom_metrics.py": "from prometheus_client import Counter\n\nreco_api_check_status = Counter('reco_api_check_status', 'checks of the API')\nworker_errors_total = Counter('worker_errors_total', 'errors of the worker')\n",
    "src/smoke_stack.py": "import sys\n\nimport httpx\n\nsys.exit(0 if httpx.get('http://localhost:8000/readyz', timeout=5).status_code == 200 else 1)\n",
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef session():\n    return object()\n",
    "tests/unit/test_security_hardening.py": "def test_forged(client):\n    assert client.get('/api/v1/messages', headers={'Authorization': 'Bearer x'}).status_code == 401\n",
    "tests/unit/test_jobs_dlq.py": "from skillos.jobs import requeue_dead_letters\n\n\ndef test_requeue(queue):\n    requeue_dead_letters(queue)\n    assert queue.size == 1\n",
    "tests/test_migration_checks.py": "def test_head(alembic):\n    assert alembic.heads == ['0001']\n",
    "docs/INCIDENT_ROLLBACK_PLAN.md": "# Incidents\n\n## Rollback\n\nRoll back with `kubectl rollout undo`, then call the owner.\n",
    "docs/ENV_MATRIX.md": "# Settings\n\n| Name | Production |\n|--|--|\n| DATABASE_URL | yes |\n",
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


_BARE_MAIN = '''"""The service."""

import logging
import pickle

import httpx
import jwt
import redis
import requests
from celery import Celery
from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import JSONResponse
from sqlmodel import Field, Session, SQLModel, create_engine, select, text
from tenacity import retry

log = logging.getLogger(__name__)
engine = create_engine(DATABASE_URL)
cache = redis.Redis(host="cache")
jobs = Celery("jobs")
app = FastAPI()


class Conversation(SQLModel, table=True):
    id: int = Field(primary_key=True)


class Message(SQLModel, table=True):
    id: int = Field(primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id")
    user_id: int = Field(foreign_key="user.id")


def create_access_token(user):
    return jwt.encode({"sub": user}, JWT_SECRET, algorithm="HS256")


@app.post("/login")
def login(name: str, password: str):
    log.info("login of %s with %s", name, password)
    return {"token": create_access_token(name)}


@app.post("/users")
def create_user(name: str, password: str):
    return {"name": name}


@app.get("/messages")
def messages(limit: int = 100):
    with Session(engine) as session:
        return session.exec(select(Message).limit(limit)).all()


@app.post("/messages")
async def add(request: Request):
    body = await request.json()
    with Session(engine) as session:
        session.execute(text(f"INSERT INTO message (text) VALUES (\'{body[\'text\']}\')"))
    return {}


@app.post("/files")
async def upload(file: UploadFile):
    data = await file.read()
    return {"size": len(data)}


@app.exception_handler(Exception)
def failed(request: Request, error: Exception):
    import traceback

    return JSONResponse({"error": traceback.format_exc()}, status_code=500)


@retry
def prices():
    return requests.get(PRICES_URL).json()


@jobs.task
def send(message):
    httpx.post(MAIL_URL, json=message, timeout=None)


def relay():
    while True:
        message = cache.blpop("outbox")
        send.delay(pickle.loads(message[1]))
'''

# A service that is deployed and has none of what lists ask for, in the eyes of a team that has switched every rule on.
BARE: Mapping[str, str] = {
    "app/__init__.py": "",
    "app/main.py": _BARE_MAIN,
    "app/settings.py": "import os\n\nDATABASE_URL = os.environ['DATABASE_URL']\nJWT_SECRET = os.getenv('JWT_SECRET', 'published-value-of-everybody')\nMAIL_URL = os.environ['MAIL_URL']\nPRICES_URL = os.environ['PRICES_URL']\nAPI_KEY = os.getenv('API_KEY')\n",
    "migrations/versions/0001_first.py": "from alembic import op\n\nrevision = '0001'\ndown_revision = None\n\n\ndef upgrade():\n    op.drop_column('message', 'body')\n\n\ndef downgrade():\n    pass\n",
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "Dockerfile": 'FROM python\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]\n',
    "requirements.txt": "fastapi\nsqlmodel\ncelery\nhttpx\nrequests==2.19.0\nredis\npyjwt\ntenacity\n",
    "docker-compose.yml": (
        "services:\n  app:\n    build: .\n    ports: ['8000:8000']\n    environment:\n      DATABASE_URL: ${DATABASE_URL}\n  cache:\n    image: redis:latest\n    ports: ['6379:6379']\n"
        "  db:\n    image: postgres:latest\n    ports: ['5432:5432']\n    environment:\n      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}\n"
    ),
    ".github/workflows/deploy.yml": (
        "on:\n  push:\n    branches: [main]\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: kubectl apply -f deploy/\n"
    ),
    "package.json": '{"name": "console", "scripts": {"test": "echo no tests && exit 0"}}\n',
    "tests/test_app.py": "import pytest\n\n\ndef test_app():\n    pytest.ANY\n",
    "main.tf": 'resource "aws_instance" "app" {\n  ami = "ami-1"\n}\n',
}
