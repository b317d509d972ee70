"""Django's settings of production, however the start files name their module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., object]
Make = Callable[..., Path]
SETTINGS = """
DEBUG = False
INSTALLED_APPS = ["django.contrib.auth"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "shop.urls"
"""
WSGI = """
import os

from django.core.wsgi import get_wsgi_application

{choice}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", {module})
application = get_wsgi_application()
"""
CHOICE = 'environment = "production"\nif os.environ.get("DEBUG", "0") == "1":\n    environment = "development"\n'


@pytest.mark.parametrize(
    ("choice", "module", "expected"),
    [
        ("", '"shop.settings.production"', True),
        (CHOICE, 'f"shop.settings.{environment}"', True),
        (CHOICE, '"shop.settings." + environment', True),
        ("", "f\"shop.settings.{os.getenv('STAGE', 'production')}\"", True),
        ("", "os.getenv('SHOP_SETTINGS', 'shop.settings.production')", True),
        ("", "f\"shop.settings.{os.environ['STAGE']}\"", False),
    ],
)
def test_a_module_that_the_start_file_chooses(choice: str, module: str, expected: bool, prodlint: Run, project: Make) -> None:
    root = project(
        {
            "Dockerfile": 'FROM python:3.13-slim\nCMD ["gunicorn", "shop.wsgi"]\n',
            "requirements.txt": "django==5.2\ngunicorn==23.0.0\n",
            "shop/__init__.py": "",
            "shop/settings/__init__.py": "",
            "shop/settings/production.py": SETTINGS,
            "shop/settings/development.py": "from .production import *\n\nDEBUG = True\n",
            "shop/wsgi.py": WSGI.format(choice=choice, module=module),
        }
    )
    ran = prodlint("check", str(root), "--select", "PRD443,PRD641", "--output-format", "concise", "--exit-zero", cwd=root)
    lines = ran.out.splitlines()  # type: ignore[attr-defined]
    assert any("PRD641" in line and "shop/settings/production.py" in line for line in lines) is expected
    assert any("PRD443" in line and "W012" in line for line in lines) is expected
