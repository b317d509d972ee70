"""`--show-files` and `--show-settings`: what a run would look at, and what it was told."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields

from prodlint import session
from prodlint.settings import Switches


def show(given: Namespace, request: session.Request) -> int:
    """Print the files, or the settings with the origin of each value."""
    settings, root = session.read_settings(request)
    if given.show_files:
        for path, _, _ in session.find_files(request, settings, root).files:
            print(path)
        return 0
    rules = session.catalogue_of(settings).rules
    switches = Switches(settings, [(rule.code, rule.name, rule.default) for rule in rules])
    print(f"root = {settings.root}")
    for item in fields(settings):
        if item.name in ("origins", "sources", "root", "selections"):
            continue
        key = item.name.replace("_", "-")
        print(f"{key} = {getattr(settings, item.name)!r}  # {settings.origins.get(key, 'default')}")
    for key in ("select", "extend-select", "ignore"):
        if key in settings.origins:
            print(f"{key}  # {settings.origins[key]}")
    print(f"rules that are on = {', '.join(sorted(switches.everywhere)) or 'none'}")
    return 0
