"""`check --watch`: checks again whenever a file changes."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace

from prodlint.commands.check import run_once
from prodlint.commands.streams import say
from prodlint.configuration.settings import SettingsError
from prodlint.engine import session

# Seconds between two looks: soon enough for a person who has just saved, rare enough to cost nothing.
PAUSE = 0.5


def watch(given: Namespace, request: session.Request, rounds: int | None = None) -> int:
    """Check, wait for a change, and so on until interrupted. rounds: how many times, for tests."""
    seen: dict[str, tuple[int, int]] | None = None
    code = 0
    while rounds is None or rounds > 0:
        now = _state(request)
        if now == seen:
            time.sleep(PAUSE)
            continue
        seen = now
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[2J\x1b[H")
        try:
            code = run_once(given, request)
        except SettingsError as error:  # half-written settings are put right in a moment
            say(str(error))
        if given.fix or given.fix_only:
            seen = _state(request)
        rounds = None if rounds is None else rounds - 1
    return code


def _state(request: session.Request) -> dict[str, tuple[int, int]]:
    """When each file was written last, and its size; among them settings, and what of git's files checks ask for (remotes, tracked files)."""
    try:
        settings, root = session.read_settings(request)
        paths = [absolute for _, absolute, _ in session.find_files(request, settings, root).files]
        paths += [os.path.abspath(source) for source in settings.sources]
        paths += [os.path.join(root, ".git", name) for name in ("config", "index")]
    except SettingsError:
        return {"": (time.time_ns(), 0)}
    found = {}
    for path in paths:
        try:
            seen = os.stat(path)
        except OSError:
            continue
        found[path] = (seen.st_mtime_ns, seen.st_size)
    return found
