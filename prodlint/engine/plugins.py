"""Plug-in rules: installed packages that name an entry point in the group `prodlint.rules`.

The entry point is a module with `PRODLINT_API = 1` and `RULES`, the folder of its pages; importing it registers its checks with
the decorators of `prodlint.checks`. Only installed packages are asked: nothing of the linted tree is ever imported.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from prodlint import checks
from prodlint.checks import Check, Collector, ProjectCheck
from prodlint.configuration.settings import SettingsError
from prodlint.engine import catalogue
from prodlint.engine.project_match import collectors_of, project_checks_of
from prodlint.model import Rule

API = 1


@dataclass(frozen=True, slots=True)
class Brought:
    """What all plug-ins together bring."""

    rules: tuple[Rule, ...]
    checks: tuple[Check, ...]
    collectors: tuple[Collector, ...]
    project_checks: tuple[ProjectCheck, ...]
    key: str


def load(plugins: Sequence[tuple[str, str]]) -> Brought:
    """Import the plug-ins.

    Raises SettingsError for one that cannot be imported or speaks another version of the API.
    """
    before = len(checks.CHECKS), len(checks.COLLECTORS), len(checks.PROJECT_CHECKS)
    rules: list[Rule] = []
    key = ""
    for name, value in plugins:
        try:
            module = importlib.import_module(value.partition(":")[0])
        except Exception as error:  # somebody else's code: say whose, and how to go on
            raise SettingsError(f"the plug-in `{name}` cannot be imported: {type(error).__name__}; `--no-plugins` leaves it out") from None
        if getattr(module, "PRODLINT_API", None) != API:
            raise SettingsError(
                f"the plug-in `{name}` is written for version {getattr(module, 'PRODLINT_API', 'none')} of the API, this is {API}; `--no-plugins` leaves it out"
            )
        folder = getattr(module, "RULES", "")
        brought = catalogue.load(folder) if folder and os.path.isdir(folder) else []
        rules.extend(brought)
        key += "".join(f"{rule.code} {len(rule.page)}" for rule in brought)
        file = getattr(module, "__file__", None)
        key += str(os.stat(file).st_mtime_ns) if file else ""
    made = tuple(checks.CHECKS[before[0] :])
    return Brought(
        tuple(rules),
        made + tuple(catalogue.checks_of(rules)),
        tuple(checks.COLLECTORS[before[1] :]) + tuple(collectors_of(rules)),
        tuple(checks.PROJECT_CHECKS[before[2] :]) + tuple(project_checks_of(rules)),
        key,
    )
