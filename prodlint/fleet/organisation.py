"""An organisation's page: what holds for each of its repositories, and what it demands of them.

    extend = "../base.toml"                 # a path, or `package:NAME/PATH` for a file of an installed package

    repository-settings = false             # whether the settings that a repository brings count too (default: true)
    [settings]                              # as in [tool.prodlint]; over the repositories' own
    extend-select = ["k8s-availability"]
    [rules]
    folders = ["rules"]                     # pages of the organisation's own

    [tiers.critical]                        # the first tier that names a repository holds for it
    repositories = ["payments", "auth-*"]
    level = "silver"                        # the lowest level that will do
    most = { P0 = 0, P1 = 10 }              # the most findings that will do
    items = ["backups"]                     # items of the checklist that must not be unmet

    [[exemptions]]
    repositories = ["legacy-*"]
    from = ["level", "P0"]                  # what it is exempt from: level, analysed, a priority, a code, an item; all of it by default
    reason = "switched off in spring"
    until = 2027-03-31

What holds for the repositories travels to the workers as one text, the *bundle*, known by its digest.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from prodlint import __version__
from prodlint.configuration.settings import Settings, SettingsError, laid_over
from prodlint.digests import blake2b
from prodlint.engine.catalogue import LARGEST_PAGE, rules_folder
from prodlint.model import PRIORITIES
from prodlint.readiness.items import LEVELS
from prodlint.regular import read_regular

_LARGEST = 4 << 20
_KEYS = ("extend", "repository-settings", "settings", "rules", "tiers", "exemptions")
_TIER = ("repositories", "level", "most", "items")
_EXEMPTION = ("repositories", "from", "reason", "until")


@dataclass(frozen=True, slots=True)
class Tier:
    """What is demanded of some repositories. repositories: patterns of names, `*` and `?`. level: the lowest that will do, or "". most: how many
    findings of a priority will do. items: ids of items that must not be unmet."""

    name: str
    repositories: tuple[str, ...]
    level: str = ""
    most: Mapping[str, int] = field(default_factory=dict)
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exemption:
    """What is not demanded of some repositories, why, and until which day (YYYY-MM-DD). of: see the head of the module; () for all of it."""

    repositories: tuple[str, ...]
    of: tuple[str, ...]
    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation's page with those that it extends. layers: for each its name and its settings as JSON, the innermost last. pages: the organisation's own rules
    by folder and name. repository_settings: whether what a repository brings counts too."""

    layers: tuple[tuple[str, str], ...] = ()
    pages: tuple[tuple[tuple[str, str], ...], ...] = ()
    repository_settings: bool = True
    tiers: tuple[Tier, ...] = ()
    exemptions: tuple[Exemption, ...] = ()

    @property
    def demands(self) -> bool:
        """Whether there is anything to judge repositories by."""
        return bool(self.tiers)

    def bundle(self) -> bytes:
        """What a worker must know."""
        told = {"version": __version__, "layers": self.layers, "pages": self.pages, "repository_settings": self.repository_settings}
        return json.dumps(told, ensure_ascii=True, sort_keys=True).encode()


def digest(data: bytes) -> str:
    """What tells one bundle from another."""
    return blake2b(data, digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def own_digest() -> str:
    """What tells this prodlint from another: all its modules, tables and pages. Workers that differ would give other results."""
    seen = blake2b(__version__.encode(), digest_size=16)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for top in (package, rules_folder()):
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(files):
                if name.endswith((".py", ".md", ".toml", ".json")):
                    seen.update(f"{os.path.relpath(os.path.join(folder, name), top)}\n".encode())
                    with open(os.path.join(folder, name), "rb") as handle:
                        seen.update(handle.read())
    return seen.hexdigest()


def unbundle(data: bytes, directory: str) -> tuple[Organisation, tuple[str, ...]]:
    """A bundle's organisation, and the folders below `directory` into which the pages of its rules were written."""
    told = json.loads(data)
    pages = tuple(tuple((name, text) for name, text in folder) for folder in told["pages"])
    folders = []
    for number, folder in enumerate(pages):
        folders.append(os.path.join(directory, f"rules-{number}"))
        for name, text in folder:
            path = os.path.join(folders[-1], *name.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as handle:
                handle.write(text)
    layers = tuple((name, text) for name, text in told["layers"])
    return Organisation(layers, pages, bool(told["repository_settings"])), tuple(folders)


def lay_over(settings: Settings, organisation: Organisation, folders: tuple[str, ...]) -> Settings:
    """The organisation's choices over a repository's own. folders: where the pages of its rules are.

    Raises SettingsError.
    """
    for name, values in organisation.layers:
        settings = laid_over(settings, json.loads(values), name)
    return replace(settings, extend_rules=(*settings.extend_rules, *folders)) if folders else settings


# ---------------------------------------------------------------- reading


def read(path: str) -> Organisation:
    """The page at a path, with those that it extends.

    Raises SettingsError.
    """
    return _read(os.path.abspath(path), ())


def _read(path: str, seen: tuple[str, ...]) -> Organisation:
    import tomli

    shown = os.path.relpath(path)
    if path in seen:
        raise SettingsError(f"`extend` goes in a circle: `{shown}`")
    try:
        text = read_regular(path, _LARGEST).decode("utf-8-sig")
        values = tomli.loads(text)
    except OSError as error:
        raise SettingsError(f"cannot be read: {(error.strerror or str(error)).lower()}", shown) from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"is not TOML: {error}", shown) from None
    for key in values:
        if key not in _KEYS:
            raise SettingsError(f"unknown key `{key}`; there are {', '.join(_KEYS)}", shown)
    base = _read(_extended(values["extend"], path, shown), (*seen, path)) if "extend" in values else Organisation()
    own = values.get("repository-settings", base.repository_settings)
    if not isinstance(own, bool):
        raise SettingsError("`repository-settings` is true or false", shown)
    settings = _table(values, "settings", shown)
    # Here, where a person reads it, and not five thousand times.
    laid_over(Settings(), settings, shown, text, ("settings",))
    tiers = _tiers(_table(values, "tiers", shown), shown)
    named = {tier.name for tier in tiers}
    return Organisation(
        (*base.layers, (os.path.basename(path), json.dumps(settings, sort_keys=True, default=str))),
        (*base.pages, *(_pages(folder, path, shown) for folder in _texts(_table(values, "rules", shown), "folders", shown))),
        own,
        (*tiers, *(tier for tier in base.tiers if tier.name not in named)),
        (*base.exemptions, *_exemptions(values.get("exemptions", []), shown)),
    )


def _extended(value: Any, path: str, shown: str) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsError("`extend` must be a path, or `package:NAME/PATH`", shown)
    if re.match(r"[A-Za-z][\w+.-]*://", value):
        raise SettingsError("`extend` names an address: what holds tomorrow would be another's to say; a path or a package, please", shown)
    if not value.startswith("package:"):
        return os.path.normpath(os.path.join(os.path.dirname(path), os.path.expanduser(value)))
    package, _, rest = value.removeprefix("package:").partition("/")
    # The name of a top-level package: finding one runs nothing of it.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places or not rest or ".." in rest.split("/"):
        raise SettingsError(f"`extend` names `{value}`, which is no file of an installed package", shown)
    return os.path.join(places[0], *rest.split("/"))


def _pages(folder: str, path: str, shown: str) -> tuple[tuple[str, str], ...]:
    top = os.path.normpath(os.path.join(os.path.dirname(path), os.path.expanduser(folder)))
    if not os.path.isdir(top):
        raise SettingsError(f"`rules.folders` names `{folder}`, which is no directory", shown)
    found = []
    for directory, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".md"):
                page = os.path.join(directory, name)
                try:
                    text = read_regular(page, LARGEST_PAGE).decode("utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise SettingsError(f"`{os.path.relpath(page)}` cannot be read: {error}", shown) from None
                found.append((os.path.relpath(page, top).replace(os.sep, "/"), text))
    return tuple(found)


def _tiers(values: Mapping[str, Any], shown: str) -> tuple[Tier, ...]:
    found = []
    for name, value in values.items():
        table = _known(value, _TIER, f"tiers.{name}", shown)
        level, most = table.get("level", ""), table.get("most", {})
        if level and level not in LEVELS:
            raise SettingsError(f"`tiers.{name}.level` is one of {', '.join(LEVELS)}", shown)
        if not isinstance(most, dict) or not all(key in PRIORITIES and isinstance(n, int) and n >= 0 for key, n in most.items()):
            raise SettingsError(f"`tiers.{name}.most` gives numbers of findings for {', '.join(PRIORITIES)}", shown)
        patterns = _texts(table, "repositories", shown, f"tiers.{name}.")
        if not patterns:
            raise SettingsError(f"`tiers.{name}` needs `repositories`", shown)
        found.append(Tier(name, patterns, str(level), dict(most), _texts(table, "items", shown, f"tiers.{name}.")))
    return tuple(found)


def _exemptions(values: Any, shown: str) -> tuple[Exemption, ...]:
    if not isinstance(values, list):
        raise SettingsError("`exemptions` are written as `[[exemptions]]` tables", shown)
    found = []
    for value in values:
        table = _known(value, _EXEMPTION, "exemptions", shown)
        until = table.get("until")
        day = until.isoformat() if type(until) is dt.date else str(until or "")
        reason = str(table.get("reason", "")).strip()
        patterns = _texts(table, "repositories", shown, "exemptions.")
        if not reason or not patterns or not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise SettingsError(
                "an exemption needs `repositories`, a `reason`, and a day `until` which it holds, such as 2027-01-31", shown
            )
        found.append(Exemption(patterns, _texts(table, "from", shown, "exemptions."), reason, day))
    return tuple(found)


def _table(values: Mapping[str, Any], key: str, shown: str) -> Mapping[str, Any]:
    value = values.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(f"`{key}` must be a table", shown)
    return value


def _known(value: Any, keys: tuple[str, ...], name: str, shown: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"`{name}` must be a table", shown)
    for key in value:
        if key not in keys:
            raise SettingsError(f"unknown key `{name}.{key}`; there are {', '.join(keys)}", shown)
    return value


def _texts(values: Mapping[str, Any], key: str, shown: str, within: str = "") -> tuple[str, ...]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError(f"`{within}{key}` must be a list of texts", shown)
    return tuple(value)
