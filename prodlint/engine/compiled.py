"""The catalogue as data, so that a run need neither read a hundred pages nor import a check before its required literals are met.

Reading the pages and importing every check takes 0.2 s, ten times the interpreter's own start; this file takes 3 ms. It lies
in the user's cache directory, holds names and texts only, and is made anew when a page or a check changes.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from prodlint import __version__, checks, facts
from prodlint.checks import Check, Collector, ProjectCheck, Subscription
from prodlint.digests import blake2b
from prodlint.engine import catalogue
from prodlint.engine.lazy import LazyImport
from prodlint.engine.match import compile_match
from prodlint.engine.project_match import collectors_of, project_checks_of
from prodlint.model import Rule
from prodlint.regular import read_regular
from prodlint.user_directory import user_directory
from prodlint.writing import write_whole

# The catalogue is a hundredth of it.
_LARGEST = 64 << 20
_FORMAT = 7


@dataclass(frozen=True, slots=True)
class CatalogueSnapshot:
    """Rules without their examples, and what is registered for them."""

    rules: tuple[Rule, ...]
    checks: tuple[Check, ...]
    collectors: tuple[Collector, ...]
    project_checks: tuple[ProjectCheck, ...]
    plugins: tuple[tuple[str, str], ...]
    key: str


def _named(function: Any) -> tuple[str, str]:
    return function.__module__, function.__name__


def load(tree: str = "") -> CatalogueSnapshot:
    """prodlint's own catalogue: from the user's directory where that is up to date, else from the pages and modules. tree: the linted one."""
    key = _signature()
    path = _path(tree)
    data = _read(path, key) if path else None
    if data is None:
        data = _made()
        if path:
            _write(path, key, data)
    return _compiled(data, key)


def _made() -> Any:
    checks.load()
    rules = [tuple(_plain(getattr(rule, name)) for name in _FIELDS) for rule in catalogue.own_rules()]
    made = [
        (
            c.code,
            *_named(c.function),
            _subscriptions(c.on),
            c.required_literals,
            c.files,
            c.verbatim,
            c.required_pattern,
            c.since,
            c.random_in,
        )
        for c in checks.CHECKS
    ]
    collectors = [
        (
            c.topics,
            *_named(c.function),
            _subscriptions(c.on),
            c.required_literals,
            c.files,
            tuple(sorted(c.not_in)),
            c.verbatim,
            c.required_pattern,
        )
        for c in checks.COLLECTORS
    ]
    projects = [(c.code, *_named(c.function), c.topics) for c in checks.PROJECT_CHECKS]
    return rules, made, collectors, projects, _plugins()


def _plugins() -> list[tuple[str, str]]:
    """Name and object reference of every installed plug-in. Looking for them costs more than a small run, so it is done here."""
    from importlib.metadata import entry_points

    return sorted((point.name, point.value) for point in entry_points(group="prodlint.rules"))


def _subscriptions(subscriptions: tuple[Subscription, ...]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.fact.__name__, each.names, each.kinds) for each in subscriptions]


def _on(subscriptions: list[Any]) -> tuple[Subscription, ...]:
    return tuple(Subscription(getattr(facts, name), tuple(names), tuple(kinds)) for name, names, kinds in subscriptions)


def _compiled(data: Any, key: str) -> CatalogueSnapshot:
    rules, made, collectors, projects, plugins = data
    read = tuple(_rule(*row) for row in rules)
    own = tuple(
        Check(
            code,
            LazyImport(module, name),
            _on(on),
            required_literals,
            files,
            verbatim,
            required_pattern,
            since,
            random_in,
        )
        for code, module, name, on, required_literals, files, verbatim, required_pattern, since, random_in in made
    )
    tables = tuple(compile_match(rule.code, table, rule.message) for rule in read for table in rule.match)
    return CatalogueSnapshot(
        read,
        own + tables,
        tuple(
            Collector(
                topics,
                LazyImport(module, name),
                _on(on),
                required_literals,
                files,
                frozenset(not_in),
                verbatim,
                required_pattern,
            )
            for topics, module, name, on, required_literals, files, not_in, verbatim, required_pattern in collectors
        )
        + tuple(collectors_of(read)),
        tuple(ProjectCheck(code, LazyImport(module, name), topics) for code, module, name, topics in projects)
        + tuple(project_checks_of(read)),
        tuple((name, value) for name, value in plugins),
        key,
    )


# Everything but the examples, which only the tests of the pages need.
_FIELDS = tuple(item.name for item in fields(Rule) if item.name not in ("bad", "good"))


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _rule(*row: Any) -> Rule:
    values = dict(zip(_FIELDS, row, strict=True))
    return Rule(**{**values, **{name: frozenset(values[name]) for name in ("not_in", "lower_in", "quiet_in")}})


# ---------------------------------------------------------------- where it lies


def _signature() -> str:
    """Changes when prodlint, one of its modules, tables or pages does."""
    seen = blake2b(f"{_FORMAT} {__version__} {sys.version_info[:2]}".encode(), digest_size=16)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for place in sys.path:
        # Installing or removing a package, and so a plug-in, touches the directory it lies in.
        try:
            seen.update(
                f"{place} {os.stat(place).st_mtime_ns}\n".encode("utf-8", "surrogateescape") if place.endswith("-packages") else b""
            )
        except OSError:
            continue
    rules = catalogue.rules_folder()
    folders = (here, *_folders(here), *_folders(os.path.join(here, "checks")), rules, *_folders(rules))
    if "-packages" in here:
        # Nobody edits an installed package: what an installer does is seen in its folders (and saves 300 looks).
        for folder in folders:
            try:
                seen.update(f"{folder} {os.stat(folder).st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
            except OSError:
                continue
        return seen.hexdigest()
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in sorted((e for e in entries if e.name.endswith((".py", ".md", ".toml"))), key=lambda e: e.name):
                    status = entry.stat()
                    seen.update(f"{entry.path} {status.st_mtime_ns} {status.st_size}\n".encode("utf-8", "surrogateescape"))
        except OSError:
            continue
    return seen.hexdigest()


def _folders(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return


def _path(tree: str) -> str | None:
    directory = user_directory(tree)
    # One for each place prodlint is installed in: two of them must not overwrite each other's at every run.
    here = blake2b(os.path.dirname(os.path.dirname(os.path.abspath(__file__))).encode("utf-8", "surrogateescape"), digest_size=6)
    return os.path.join(directory, f"catalogue-{here.hexdigest()}") if directory else None


def _read(path: str, key: str) -> Any:
    try:
        data = read_regular(path, _LARGEST)
    except OSError:
        return None
    head, body = data[:96], data[96:]
    if head != (key + blake2b(body, digest_size=32).hexdigest()).encode():
        return None
    try:
        return marshal.loads(body)  # noqa: S302 - the user's own file, its checksum just compared
    except (ValueError, EOFError, TypeError):
        return None


def _write(path: str, key: str, data: Any) -> None:
    """By rename; where that cannot be done the next run is as slow as this one."""
    body = marshal.dumps(data)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write_whole(path, (key + blake2b(body, digest_size=32).hexdigest()).encode() + body, 0o600)
    except OSError:
        return
