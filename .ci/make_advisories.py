#!/usr/bin/env python3
"""Makes the table of known vulnerable versions that PRD924 reads, out of a public advisory database in the OSV format.

    python .ci/make_advisories.py DATABASE DATE > prodlint/checks/delivery/advisories.toml

DATABASE is a directory with OSV records (YAML or JSON, at any depth, such as a checkout of pypa/advisory-database) or a zip of them (such as
osv.dev's `PyPI/all.zip`); DATE is the day it was fetched (YYYY-MM-DD). Only the packages of PACKAGES are taken: those that Python services use most.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PACKAGES = frozenset(
    """
    aiohttp aiohttp-session aiosmtpd aiosqlite alembic ansible apache-airflow apscheduler asyncpg authlib azure-identity babel bcrypt beautifulsoup4 black
    bleach boto3 botocore bottle brotli cachetools celery certifi cffi cherrypy click configobj connexion cryptography cython daphne dask django
    django-allauth django-celery-results django-cms django-cors-headers django-debug-toolbar django-filter django-grappelli django-oauth-toolkit django-rest-framework
    django-storages django-tastypie djangorestframework djangorestframework-simplejwt docker dnspython dulwich ecdsa elasticsearch email-validator
    eventlet falcon fastapi feedparser flask flask-appbuilder flask-caching flask-cors flask-login flask-security flask-security-too flask-sqlalchemy
    flask-user gevent gitpython google-auth gradio graphene grpcio gunicorn h11 h2 hpack html5lib httplib2 httpx hypercorn idna ipython itsdangerous jinja2
    joblib jsonpickle jupyter-server jwcrypto keras kombu langchain langchain-community litellm lxml mako markdown markdown2 markupsafe mechanize mistune mlflow
    mysql-connector-python mysqlclient nltk notebook numpy oauthlib onnx opencv-python orjson pandas paramiko passlib pillow pip piccolo plotly protobuf psutil
    psycopg2 pyarrow pyasn1 pycryptodome pycryptodomex pydantic pygments pyjwt pymongo pymysql pynacl pyopenssl pypdf pypdf2 pyramid pysaml2 python-dotenv
    python-jose python-keystoneclient python-multipart pyyaml quart ray redis reportlab requests rsa sanic scikit-learn scipy scrapy sentry-sdk setuptools
    simplejson social-auth-app-django sqlalchemy sqlparse starlette streamlit strawberry-graphql tensorflow thrift torch tornado tqdm transformers twisted ujson urllib3
    uvicorn virtualenv waitress wagtail websockets werkzeug wheel whitenoise xmltodict zipp zope
    """.split()
)  # fmt: skip


def records(database: Path) -> Iterator[dict[str, Any]]:
    """The records of a database, in no particular order."""
    if database.suffix == ".zip":
        with zipfile.ZipFile(database) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))
        return
    for path in sorted(database.rglob("*")):
        if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
            text = path.read_text("utf-8")
            made = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            if isinstance(made, dict) and made.get("affected"):
                yield made


def intervals(record: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Package, first bad version and first good one; those without a fix are left out."""
    for affected in record.get("affected", ()):
        name = re.sub(r"[-_.]+", "-", affected.get("package", {}).get("name", "")).lower()
        if affected.get("package", {}).get("ecosystem") != "PyPI" or name not in PACKAGES:
            continue
        for each in affected.get("ranges", ()):
            introduced = ""
            for event in each.get("events", ()) if each.get("type") == "ECOSYSTEM" else ():
                introduced = str(event.get("introduced", introduced))
                fixed = str(event.get("fixed", ""))
                if fixed and re.fullmatch(r"\d+(?:\.\d+)*", fixed):
                    yield name, introduced if re.fullmatch(r"\d+(?:\.\d+)*", introduced) else "0", fixed


def identity(record: dict[str, Any]) -> str:
    """The id that people look an advisory up by."""
    names = [record.get("id", ""), *record.get("aliases", ())]
    return next((name for start in ("CVE-", "GHSA-") for name in names if name.startswith(start)), names[0])


def main() -> int:
    """Write the table."""
    if len(sys.argv) != 3 or not re.fullmatch(r"\d{4}-\d\d-\d\d", sys.argv[2]):
        print(__doc__, file=sys.stderr)
        return 2
    found: dict[str, set[tuple[str, str, str]]] = {}
    for record in records(Path(sys.argv[1])):
        if not record.get("withdrawn"):
            for name, introduced, fixed in intervals(record):
                found.setdefault(name, set()).add((introduced, fixed, identity(record)))
    print(
        "# Versions of packages with a published advisory: first bad version, first good one, id. Made by .ci/make_advisories.py from a public"
    )
    print("# advisory database in the OSV format; facts only (https://github.com/pypa/advisory-database is CC-BY 4.0).")
    print(f'as-of = "{sys.argv[2]}"\n\n[packages]')
    for name, rows in sorted(found.items()):
        ordered = sorted(rows, key=lambda row: ([int(part) for part in row[1].split(".")], row))
        print(f'"{name}" = [')
        for introduced, fixed, id_ in ordered:
            print(f'  ["{introduced}", "{fixed}", "{id_}"],')
        print("]")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
