"""PRD924 vulnerable-or-dead-dependency: pins with a published advisory (advisories.toml), and packages that nobody maintains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files as resources

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every, text
from prodlint.facts import Requirement, Text
from prodlint.readers.requirements import normalised

# First bad version, first good one, id.
_Row = tuple[str, str, str]
_PINNED = re.compile(r"={2,3}\s*([0-9][\w.!+-]*)\s*\Z")

# Packages that get no fixes any more, or were never what their name says, and what took their place. Looked up on PyPI and in their repositories.
_DEAD: Mapping[str, str] = {
    "aioredis": "it is part of `redis` since 4.2",
    "asyncio": "it is part of Python, and this old copy breaks it",
    "beautifulsoup": "the package is `beautifulsoup4`",
    "bs4": "a placeholder; the package is `beautifulsoup4`",
    "crypto": "not a cryptography library; the package is `cryptography`",
    "dataclasses": "it is part of Python",
    "django-nose": "unmaintained since 2020",
    "enum34": "it is part of Python, and this old copy breaks it",
    "fastapi-jwt-auth": "unmaintained since 2020; it needs PyJWT 1",
    "flask-jwt": "unmaintained since 2015; use `flask-jwt-extended`",
    "flask-script": "unmaintained since 2018; Flask has a command line of its own",
    "futures": "it is part of Python",
    "jwt": "another package than PyJWT",
    "mysql-python": "unmaintained since 2014; use `mysqlclient`",
    "nose": "unmaintained since 2015",
    "oauth2client": "deprecated by Google; use `google-auth`",
    "pathlib": "it is part of Python, and this old copy breaks it",
    "pep8": "renamed to `pycodestyle` in 2016",
    "pycrypto": "unmaintained since 2014, with open vulnerabilities; use `cryptography` or `pycryptodome`",
    "raven": "replaced by `sentry-sdk` in 2018",
    "sklearn": "a placeholder; the package is `scikit-learn`",
    "typing": "it is part of Python, and this old copy breaks it",
}


@lru_cache(maxsize=1)
def _table() -> tuple[str, Mapping[str, Sequence[_Row]]]:
    """The day of the table, and the advisories of each package."""
    import tomli

    made, added = (
        tomli.loads(resources(__package__).joinpath(name).read_text("utf-8")) for name in ("advisories.toml", "advisories_added.toml")
    )
    packages: dict[str, list[_Row]] = {name: list(rows) for name, rows in made["packages"].items()}
    for name, rows in added["packages"].items():
        packages.setdefault(name, []).extend(rows)
    return max(made["as-of"], added["as-of"]), packages


def advice(name: str, version: str) -> str:
    """What is known against a version of a package, in words; nothing where there is nothing."""
    from packaging.version import Version

    day, packages = _table()
    rows = packages.get(normalised(name), ())
    try:
        pinned = Version(version)
        hits = [row for row in rows if Version(row[0]) <= pinned < Version(row[1])]
        if not hits:
            return ""
        good = max((row[1] for row in hits), key=Version)
    except ValueError:  # what is no version, or one of more digits than `int` reads
        return ""
    ids = sorted({row[2] for row in hits}, reverse=True)
    shown = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    return f"`{name}` {version} has known vulnerabilities ({shown}), fixed in {good}; advisories of {day}"


@check("PRD924", on=[every(Requirement)], required_literals=["=="], files=("requirements",))
def vulnerable_pin(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    """`jinja2==2.10` in a requirements file."""
    pinned = _PINNED.match(requirement.specifier)
    if _is_tool(requirement.name) and not context.options.get("tools"):
        return
    if pinned is not None and requirement.name and requirement.group in ("main", "constraint"):
        words = advice(requirement.name, pinned[1])
        if words:
            yield Diagnostic(requirement, words)


@check("PRD924", on=[every(Requirement)], required_literals=["dependencies", "[packages]"], files=("toml",))
def vulnerable_dependency(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    """The same in pyproject.toml and a Pipfile."""
    yield from vulnerable_pin(requirement, context)


# What builds, checks and documents a program, and answers no request when it runs. A lock holds it beside all else.
_TOOLS = frozenset(
    "setuptools pip wheel virtualenv build twine poetry pipenv black pytest tox nox coverage sphinx mkdocs mkdocs-material nbconvert notebook"
    " jupyterlab jupyter-server jupyter-core ipython pre-commit filelock pylint flake8 mypy bandit readme-renderer".split()
)


def _is_tool(name: str) -> bool:
    return normalised(name) in _TOOLS


_LOCKED = re.compile(rb'(?m)^name = "([^"\n]+)"\r?\nversion = "([^"\n]+)"')
_PIPFILE = re.compile(rb'"([A-Za-z0-9][\w.-]*)": \{[^{}]*?"version": "==([0-9][^"]*)"')


@check("PRD924", on=[text()], required_literals=['name = "', '"version": "=='], files=("lock", "toml", "json"))
def vulnerable_lock(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """uv.lock, poetry.lock, pdm.lock, pylock.toml and Pipfile.lock, read by their lines: a lock may hold half a megabyte."""
    name = context.file.name.lower()
    if name not in ("uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock") and not re.fullmatch(r"pylock(?:\.[\w-]+)?\.toml", name):
        return
    pattern, data = (_PIPFILE if name == "pipfile.lock" else _LOCKED), whole.source.data
    # What only developers install stands behind this key.
    stop = data.find(b'"develop": {') if name == "pipfile.lock" else -1
    for found in pattern.finditer(data, 0, stop if stop != -1 else len(data)):
        if _is_tool(found[1].decode("utf-8", "replace")) and not context.options.get("tools"):
            continue
        words = advice(found[1].decode("utf-8", "replace"), found[2].decode("utf-8", "replace"))
        if words:
            yield Diagnostic(ByteRange(whole.source, *found.span(1)), words)


@check("PRD924", on=[every(Requirement)], required_literals=list(_DEAD), files=("requirements", "toml"))
def dead_package(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    """A package that gets no fixes any more."""
    why = _DEAD.get(requirement.name)
    if why is not None and requirement.group == "main" and "python_version" not in requirement.marker:
        yield Diagnostic(requirement, f"`{requirement.name}`: {why}", priority="P2")
