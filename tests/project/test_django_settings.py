"""Which settings a Django project runs with in production, and what gives them their values."""

from __future__ import annotations

from pathlib import Path

from prodlint.project.django_settings import DjangoSettings, production_settings
from prodlint.project.environment import Environment
from prodlint.project.snapshot import Snapshot


def _settings(folder: Path, files: dict[str, str], *fallbacks: tuple[str, str]) -> DjangoSettings | None:
    listed = []
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        listed.append((path, str(place), "dockerfile" if path == "Dockerfile" else "python"))
    return production_settings(Environment(str(folder), sorted(listed), snapshot=Snapshot(str(folder))), fallbacks)


_BASE = "INSTALLED_APPS = []\nSECURE_SSL_REDIRECT = True\n"


def test_the_variable_of_the_image_goes_before_what_wsgi_names(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        {
            "Dockerfile": "FROM python:3.13\nENV DJANGO_SETTINGS_MODULE=shop.settings.live\nCMD gunicorn shop.wsgi\n",
            "shop/settings/base.py": _BASE,
            "shop/settings/live.py": "from .base import *\nDEBUG = False\n",
            "shop/settings/local.py": "from .base import *\nDEBUG = True\n",
        },
        ("shop.settings.local", "shop/wsgi.py"),
    )
    assert settings is not None
    assert settings.path == "shop/settings/live.py"
    assert settings.is_named
    assert settings.is_whole
    assert [values.module.file.path for values in settings.files] == ["shop/settings/base.py", "shop/settings/live.py"]
    assert settings.constants("SECURE_SSL_REDIRECT") is not None


def test_the_file_for_production_beside_the_developers(tmp_path: Path) -> None:
    files = {"shop/settings/dev.py": _BASE, "shop/settings/production.py": _BASE, "shop/wsgi.py": ""}
    settings = _settings(tmp_path, files, ("shop.settings.dev", "shop/wsgi.py"))
    assert settings is not None
    assert settings.path == "shop/settings/production.py"
    assert not settings.is_named


def test_developers_settings_alone_are_none_of_production(tmp_path: Path) -> None:
    assert _settings(tmp_path, {"shop/settings/dev.py": _BASE, "manage.py": ""}, ("shop.settings.dev", "manage.py")) is None


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path, {"shop/settings.py": f"{_BASE}from .local_settings import *\n", "manage.py": ""}, ("shop.settings", "manage.py")
    )
    assert settings is not None
    assert not settings.is_whole


def test_a_circle_of_imports_ends(tmp_path: Path) -> None:
    files = {"shop/a.py": f"from .b import *\n{_BASE}", "shop/b.py": "from .a import *\n", "manage.py": ""}
    settings = _settings(tmp_path, files, ("shop.a", "manage.py"))
    assert settings is not None
    assert len(settings.files) == 2


def test_what_development_is_given_does_not_count(tmp_path: Path) -> None:
    text = f"{_BASE}if DEBUG:\n    SECURE_SSL_REDIRECT = False\n"
    settings = _settings(tmp_path, {"shop/settings.py": text, "manage.py": ""}, ("shop.settings", "manage.py"))
    assert settings is not None
    assert [value for value, _ in settings.constants("SECURE_SSL_REDIRECT") or ()] == [True]
