"""The settings that a Django project runs with in production: which module they are, and what its files give each name.

A module's settings are its own and those of the files it takes everything from (`from .base import *`, django-split-settings' `include`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodlint.facts import Assignment, Call, Constant, Expression, expressions_in
from prodlint.model import Span
from prodlint.values.development import is_development
from prodlint.values.evaluate import Values
from prodlint.values.lattice import Known

if TYPE_CHECKING:
    from prodlint.project.environment import Environment

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_DEVELOPMENT = frozenset("dev devel develop development local localdev test tests testing ci debug example".split())
_PRODUCTION = ("production", "prod", "live", "deploy", "deployment")
# Names a project gives in its settings whatever else it leaves to others.
_SIGNS = ("INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "DATABASES")
_DEEPEST = 12
_MOST_FILES = 30
# What gives names to a settings module in ways that cannot be followed.
_OPAQUE = re.compile(rb"(?m)^[^#\n]*(?:\b(?:globals|locals|vars)\(\)|\bexec\(|\bsetattr\(|django_heroku|configurations\b)")


@dataclass(slots=True)
class DjangoSettings:
    """The settings of one module. path: where it stands. files: what its names come from, in the order of their assignments as far as files go.
    is_whole: nothing of it lies where it cannot be read. is_named: production's own files name the module."""

    path: str
    files: list[Values] = field(default_factory=list)
    is_whole: bool = True
    is_named: bool = False

    def given(self, name: str) -> list[tuple[Values, Assignment]]:
        """What may give a setting its value in production."""
        found = []
        for values in self.files:
            for assignment in values.module.assignments(name):
                if assignment.kind in ("name", "annotated", "augmented", "walrus") and not assignment.scope.symbol:
                    if not _for_development(values, assignment):
                        found.append((values, assignment))
        return found

    def constants(self, name: str) -> list[tuple[object, Assignment]] | None:
        """The constants that a setting may be, the last one the one that counts; None where something else has a say, or nothing at all."""
        found: list[tuple[object, Assignment]] = []
        for values, assignment in self.given(name):
            if assignment.kind == "augmented":
                return None
            shapes = values.in_production.of(assignment.value).shapes
            if not shapes or not all(isinstance(shape, Known) for shape in shapes):
                return None
            found += [(shape.value, assignment) for shape in shapes if isinstance(shape, Known)]
        return found or None

    def place(self) -> Span:
        """Where a finding about what is not there stands: the first of the module's own well-known settings, or its first line."""
        for name in ("DEBUG", "ALLOWED_HOSTS", "MIDDLEWARE", "INSTALLED_APPS", "DATABASES"):
            for _, assignment in self.given(name):
                if assignment.file.path == self.path:
                    return assignment.span
        return Span(1, 1, 1, 1)

    def texts(self) -> Iterator[str]:
        """Every text that the files spell out, comments aside."""
        for values in self.files:
            for expression in expressions_in(values.module.body):
                if isinstance(expression, Constant) and isinstance(expression.value, str):
                    yield expression.value


def _for_development(values: Values, fact: Assignment | Call) -> bool:
    return any(is_development(condition.expression, condition.truth) for condition in values.conditions(fact))


def production_settings(environment: Environment, fallbacks: Sequence[tuple[str, str]]) -> DjangoSettings | None:
    """The settings of production; None where the project has none that can be told.

    fallbacks: the modules that `wsgi.py`, `asgi.py` and `manage.py` name where nobody sets the variable, each with the file's path.
    """
    paths = [path for path, _, kind in environment.files if kind == "python"]
    named = environment.startup.settings.get(_VARIABLE)
    candidates = [(named, "")] if named and "$" not in named else []
    ordered = sorted(fallbacks, key=lambda one: (one[1].rpartition("/")[2] == "manage.py", one[1].count("/"), one[1]))
    for module, asking in (*candidates, *ordered):
        found = environment.python_files.named(module, asking or (ordered[0][1] if ordered else "manage.py"))
        if found is None:
            continue
        path = found.module.file.path
        if module != named:
            path = _sibling_for_production(path, paths)
        if path.rpartition("/")[2].removesuffix(".py") in _DEVELOPMENT:
            continue
        settings = _read(environment, path)
        if any(settings.given(sign) for sign in _SIGNS):
            settings.is_named = module == named
            return settings
    return None


def _sibling_for_production(path: str, paths: Sequence[str]) -> str:
    """The file beside one that is named for production, where there is one: what `manage.py` names is often for developers."""
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(".py")
    if stem.lower() in _PRODUCTION:
        return path
    for word in _PRODUCTION:
        for candidate in (f"{word}.py", f"settings_{word}.py", f"{word}_settings.py"):
            beside = f"{folder}/{candidate}" if folder else candidate
            if beside in paths:
                return beside
    return path


def _read(environment: Environment, path: str) -> DjangoSettings:
    settings = DjangoSettings(path)
    _take(environment, path, settings, set(), 0)
    return settings


def _take(environment: Environment, path: str, settings: DjangoSettings, seen: set[str], depth: int) -> None:
    if path in seen:
        return
    seen.add(path)
    values = environment.python_files.of_file(path)
    if values is None or depth > _DEEPEST or len(seen) > _MOST_FILES:
        settings.is_whole = False
        return
    module = values.module
    if _OPAQUE.search(module.source.data):
        settings.is_whole = False
    for taken in module.import_facts():
        if taken.name != "*" or taken.module.startswith("django."):
            continue
        other = environment.python_files.named(taken.module, path)
        if other is None:
            settings.is_whole = False
        else:
            _take(environment, other.module.file.path, settings, seen, depth + 1)
    for call in module.calls():
        if call.name.rpartition(".")[2] == "include" and "split_settings" in call.name and not _for_development(values, call):
            for other_path in _included(environment, path, call, settings):
                _take(environment, other_path, settings, seen, depth + 1)
    settings.files.append(values)


def _included(environment: Environment, path: str, call: Call, settings: DjangoSettings) -> Iterator[str]:
    """The files that django-split-settings reads in: paths and patterns beside the one that names them."""
    folder = posixpath.dirname(path)
    for argument in call.arguments:
        given: Expression | None = argument
        if isinstance(given, Call) and given.method == "optional":
            given = given.argument(0)
        if not isinstance(given, Constant) or not isinstance(given.value, str):
            settings.is_whole = False
            continue
        wanted = posixpath.normpath(posixpath.join(folder, given.value))
        pattern = re.compile(re.escape(wanted).replace(r"\*", "[^/]*") + r"\Z")
        yield from sorted(other for other, _, kind in environment.files if kind == "python" and pattern.match(other) and other != path)
