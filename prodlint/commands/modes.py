"""The verb `check` in its modes: once, whenever a file changes, timed, or only shown."""

from __future__ import annotations

from argparse import Namespace

from prodlint.commands.check import request_of, run_once


def check(given: Namespace) -> int:
    """Check, fix where it is asked for, report, and say with the exit code how it went."""
    request = request_of(given)
    if given.show_settings or given.show_files:
        from prodlint.commands.show_settings import show

        return show(given, request)
    if given.add_ignore:
        from prodlint.commands.baseline import add_ignores

        return add_ignores(given, request)
    if given.watch:
        from prodlint.commands.watch import watch

        return watch(given, request)
    if given.timings:
        from prodlint.commands.timings import timed

        return timed(given, request)
    return run_once(given, request)
