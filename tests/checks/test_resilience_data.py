"""Database addresses, and the words by which migration rules tell one thing from another."""

from __future__ import annotations

import pytest

from prodlint.checks.resilience.data import driver_of, text_of
from prodlint.checks.resilience.migrations import _OTHER_MIGRATIONS, _REVISION, _RUNS, _SKIPS, _app_of, _runs_migrations
from prodlint.facts import Call, Command, File, Source
from prodlint.python.tree import PyModule
from prodlint.readers import shell


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://db/shop", "psycopg2"),
        ("postgres://db/shop", "psycopg2"),
        ("postgresql+psycopg://db/shop", "psycopg"),
        ("postgresql+asyncpg://{}", "asyncpg"),
        ("mysql+pymysql://db", "pymysql"),
        ("sqlite:///x.db", "sqlite"),
        ("sqlite+aiosqlite://", "aiosqlite"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_driver_of(url: str, driver: str) -> None:
    assert driver_of(url) == driver


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("'postgresql://db'", "postgresql://db"),
        ("f'postgresql://{user}@db'", "postgresql://{}@db"),
        ("'postgresql://' + host", "postgresql://{}"),
        ("'postgresql://%s' % host", "postgresql://%s"),
        ("'postgresql://{}'.format(host)", "postgresql://{}"),
        ("URL.create('postgresql+asyncpg', query={'timeout': '5'})", "postgresql+asyncpg://{}?{'timeout': '5'}"),
        ("URL_HERE", "mysql://db"),
        ("settings.url", ""),
        ("os.environ['URL']", ""),
    ],
)
def test_text_of(written: str, text: str) -> None:
    module = PyModule(Source(f"from sqlalchemy import URL\nURL_HERE = 'mysql://db'\nf({written})\n".encode()), File("a.py", "python"))
    call: Call = next(found for found in module.calls() if found.name == "f")
    assert text_of(call.arguments[0], module, call) == text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("migrations/versions/0001_first.py", True),
        ("src/app/db/_migrations/versions/postgresql/0001.py", True),
        ("dispatch/database/revisions/core/versions/2023-01.py", True),
        ("shop/orders/migrations/0001_initial.py", True),
        ("migrations/env.py", False),
        ("shop/orders/migrations/__init__.py", False),
        ("alembic/README.py", False),
        ("service/models.py", False),
    ],
)
def test_revisions(path: str, found: bool) -> None:
    assert bool(_REVISION.search(path)) is found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("sql/V1__orders.sql", True),
        ("db/migrate/20260101_orders.sql", True),
        ("001_orders.up.sql", True),
        ("atlas.hcl", True),
        ("queries/report.sql", False),
    ],
)
def test_other_tools_migrations(path: str, found: bool) -> None:
    assert bool(_OTHER_MIGRATIONS.search(path)) is found


@pytest.mark.parametrize(
    ("name", "skips", "runs"),
    [
        ("SKIP_MIGRATIONS", True, False),
        ("SHOP_SKIP_DB_MIGRATIONS", True, False),
        ("DISABLE_MIGRATION", True, False),
        ("RUN_MIGRATIONS", False, True),
        ("AUTO_MIGRATE", False, True),
        ("MIGRATIONS_ENABLED", False, True),
        ("MIGRATION_TIMEOUT", False, False),
        ("EMIGRATION_YEAR", False, False),
    ],
)
def test_switches_of_migrations(name: str, skips: bool, runs: bool) -> None:
    assert (bool(_SKIPS.search(name)), bool(_RUNS.search(name))) == (skips, runs)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("alembic upgrade head", True),
        ("alembic -c shop.ini upgrade head", True),
        ("python -m alembic upgrade head", True),
        ("python manage.py migrate --noinput", True),
        ("python manage.py migrate --check", False),
        ("python manage.py migrate --fake", False),
        ("python manage.py makemigrations", False),
        ("flask db upgrade", True),
        ("aerich upgrade", True),
        ("dbmate up", True),
        ("./scripts/run-migrations.sh", True),
        ("make migrate", True),
        ("echo running migrations", False),
        ("mkdir -p shop/migrations", False),
        ("alembic history", False),
        ("pip install --upgrade alembic", False),
    ],
)
def test_commands_that_run_migrations(line: str, runs: bool) -> None:
    command: Command = next(shell.commands_in(Source(line.encode()), File("x.sh", "shell"), 0, len(line), origin="shell"))
    assert _runs_migrations(command) is runs


@pytest.mark.parametrize(
    ("path", "app"),
    [
        ("shop/orders/models.py", "shop/orders"),
        ("shop/orders/models/order.py", "shop/orders"),
        ("shop/orders/models/models.py", "shop/orders"),
        ("models.py", ""),
        ("shop/orders/tables.py", None),
    ],
)
def test_app_of(path: str, app: str | None) -> None:
    assert _app_of(path) == app
