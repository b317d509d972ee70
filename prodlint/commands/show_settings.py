"""`--show-files` and `--show-settings`: what a run would look at, and what it was told."""

from __future__ import annotations

import json
import os
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import fields

from prodlint.configuration.patterns import Patterns
from prodlint.configuration.settings import RuleSelection, Selection, Settings, load
from prodlint.engine import session
from prodlint.engine.rulesets import as_of
from prodlint.engine.run import known_rules
from prodlint.escaping import escape_control_characters


def show(given: Namespace, request: session.Request) -> int:
    """Print the files, or the settings with the origin of each value: the project's, or those that hold for a file."""
    settings, root = session.read_settings(request)
    if given.show_files:
        for path, _, _ in session.find_files(request, settings, root).files:
            print(escape_control_characters(path))
        return 0
    files = [path for path in request.paths if path != "-" and not os.path.isdir(path)]
    for number, path in enumerate(files or [""]):
        if path:
            # The nearest settings hold for a file, whatever the run's root has.
            settings = request.finish(load(path, request.config, isolated=request.isolated, no_local=request.no_local, root=root))
        if number:
            print()
        for line in _lines(settings, root, path):
            print(escape_control_characters(line))
    return 0


def _lines(settings: Settings, root: str, path: str) -> Iterator[str]:
    rules = [as_of(rule, settings.ruleset) for rule in session.catalogue_of(settings).rules]
    switches = RuleSelection(settings, known_rules(rules, settings.ruleset), root)
    inside = os.path.relpath(os.path.abspath(path), root).replace(os.sep, "/") if path else ""
    if path:
        yield f"# what holds for {inside}"
    yield f"# root: {settings.root}"
    if settings.sources:
        yield f"# settings files: {', '.join(settings.sources)}"
    for item in fields(settings):
        if item.name in ("origins", "sources", "root", "project_root", "selections", "per_path"):
            continue
        key = item.name.replace("_", "-")
        value = getattr(settings, item.name)
        shown = f"{key} = {_toml(value)}" if value is not None else f"# {key}: prodlint's own list"
        yield f"{shown}  # {settings.origins.get(key, 'default')}"
    for selection in settings.selections:
        yield from _selection(selection)
    below = os.path.relpath(os.path.abspath(path), settings.root or root).replace(os.sep, "/") if path else ""
    for table in settings.per_path:
        holds = " (holds here)" if path and Patterns(table.paths).match(below) else ""
        yield f"[[per-path]] {', '.join(table.paths)}{holds}  # {table.where}"
        for line in _selection(table.selection):
            yield f"  {line}"
        if table.priority:
            yield f"  priority = {_toml(table.priority)}"
    on = switches.on(inside) if path else switches.everywhere
    for rule in rules:
        priority = switches.priority(rule.code, inside) if path and rule.code in on else None
        if priority is not None and priority != rule.priority:
            yield f"{rule.code} is {priority} instead of {rule.priority}"
    yield f"rules that are on = {', '.join(sorted(on)) or 'none'}"


def _toml(value: object) -> str:
    """A value as one would write it."""
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{key if re.fullmatch(r'[A-Za-z0-9_-]+', key) else json.dumps(key)} = {_toml(one)}" for key, one in value.items()
        )
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _selection(selection: Selection) -> Iterator[str]:
    """One layer of choices, each selector with the place that names it."""
    places = {selector: f"{file}:{line}" if line else file for selector, file, line in selection.where}
    for key, selectors in (("select", selection.select), ("extend-select", selection.extend_select), ("ignore", selection.ignore)):
        if selectors is not None and (selectors or key == "select"):
            where = dict.fromkeys(places.get(selector, "") for selector in selectors)
            yield f"{key} = {', '.join(selectors) or 'none'}  # {', '.join(where)}"
