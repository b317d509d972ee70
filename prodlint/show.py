"""`--show-files` and `--show-settings`: what a run would look at, and what it was told."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import fields

from prodlint import session
from prodlint.discover import discover, project_root
from prodlint.settings import Nearest, Switches, load


def show(given: Namespace, request: session.Request) -> int:
    """Print the files, or the settings with the origin of each value."""
    root = request.root or project_root(request.paths)
    start = request.paths[0] if len(request.paths) == 1 and os.path.exists(request.paths[0]) else root
    settings = request.finish(load(start, request.config, isolated=request.isolated, no_local=request.no_local, root=root))
    rules = session.all_rules(settings)
    switches = Switches(settings, [(rule.code, rule.name, rule.default) for rule in rules])
    if given.show_files:
        nearest = None if request.isolated or request.config else Nearest(settings.root, request.finish)
        for path, _, _ in discover(request.paths, settings, root=root, stdin_filename=request.stdin_filename, nearest=nearest).files:
            print(path)
        return 0
    print(f"root = {settings.root}")
    for item in fields(settings):
        if item.name in ("origins", "sources", "root", "selections"):
            continue
        key = item.name.replace("_", "-")
        origin = settings.origins.get(key, "default")
        print(f"{key} = {getattr(settings, item.name)!r}  # {origin}")
    for key in ("select", "extend-select", "ignore"):
        if key in settings.origins:
            print(f"{key}  # {settings.origins[key]}")
    print(f"rules that are on = {', '.join(sorted(switches.everywhere)) or 'none'}")
    return 0
