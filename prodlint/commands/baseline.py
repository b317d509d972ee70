"""What helps a team start: `baseline`, `clean` and `check --add-ignore`."""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter

from prodlint import baseline
from prodlint.commands.check import request_of
from prodlint.commands.streams import say
from prodlint.configuration.settings import SettingsError, load
from prodlint.engine import cache, session
from prodlint.escaping import escape_control_characters
from prodlint.reports import plural


def write_baseline(given: Namespace) -> int:
    """Write every finding there is as known. What a narrower run did not look at keeps its entries."""
    request = request_of(given)
    request.baseline = request.grouped = False
    if given.format == "detect-secrets":
        return _write_for_detect_secrets(given, request)
    result = session.run(request)
    path = session.baseline_to_write(result.settings, result.report.root)
    if given.shrink:
        return _shrink(path, result)
    written = baseline.write_report(path, result.report, {rule.code for rule in result.rules})
    number = sum(written.entries.values())
    shown = os.path.relpath(path)
    print(f"{escape_control_characters(shown)}: {_places(number)} known from now on")
    if not result.settings.baseline:
        own = escape_control_characters(os.path.relpath(path, result.report.root))
        print(f'use it with `--baseline {escape_control_characters(shown)}`, or with `baseline = "{own}"` in the settings')
    return 0


def _places(number: int) -> str:
    """A finding that stands for several places has an entry for each: the number is not that of a run's findings."""
    return f"{plural(number, 'place')} with findings"


def _write_for_detect_secrets(given: Namespace, request: session.Request) -> int:
    """Write the secrets alone as a `.secrets.baseline`, which detect-secrets and `honor = ["detect-secrets"]` go by."""
    from prodlint.commands import detect_secrets

    if given.shrink:
        raise SettingsError("`--shrink` is for prodlint's own baseline: that of detect-secrets is written anew each time")
    result = session.run(request)
    path = given.baseline or os.path.join(result.report.root, detect_secrets.NAME)
    number = detect_secrets.write(path, result)
    print(f"{escape_control_characters(os.path.relpath(path))}: {plural(number, 'secret')} known to detect-secrets from now on")
    if "detect-secrets" not in result.settings.honor:
        print('prodlint goes by it with `honor = ["detect-secrets"]` in the settings')
    return 0


def _shrink(path: str, result: session.Result) -> int:
    """Drop what no longer occurs, and take in nothing."""
    known = baseline.read(path)
    applied = baseline.apply(
        known,
        result.report.findings,
        root=result.report.root,
        checked=result.report.files,
        selected=[rule.code for rule in result.rules],
        whole=True,
        sources=result.source,
        symbols_of=result.symbols,
    )
    known.entries.subtract(applied.stale)
    baseline.write_entries(known)
    shown = escape_control_characters(os.path.relpath(path))
    print(f"{shown}: {plural(len(applied.stale), 'entry', 'entries')} dropped, {sum(known.entries.values()):,} left")
    return 0


def clean(given: Namespace) -> int:
    """Delete the cache of each project named."""
    for path in given.paths:
        settings = load(path)
        directory = given.cache_dir or os.path.join(settings.root or path, settings.cache_dir)
        deleted = cache.clean(directory)
        print(f"{escape_control_characters(os.path.relpath(directory))}: {'deleted' if deleted else 'nothing to delete'}")
    return 0


def add_ignores(given: Namespace, request: session.Request) -> int:
    """Write an inline ignore at every finding, and say what could not be ignored."""
    from datetime import date
    from functools import partial

    from prodlint.fixes import applying, ignore

    tail = ""
    if given.until:
        try:
            tail += f" until={date.fromisoformat(given.until).isoformat()}"
        except ValueError:
            raise SettingsError(f"`--until` wants a date such as 2027-01-31, not `{given.until}`") from None
    reason = " ".join(given.reason.split())
    if reason:
        tail += f" -- {reason}"
    request.grouped = False
    result = session.run(request)
    if result.settings.require_reason and not reason:
        raise SettingsError("`--add-ignore` needs a `--reason`: the settings say `require-reason`")
    makers = (ignore.behind, ignore.above, ignore.behind_statement, ignore.above_statement)
    applied = applying.apply_fixes(result, result.report.findings, [partial(maker, tail=tail) for maker in makers])
    for path in applying.write(applied, result.report.root):
        say(f"`{path}` was changed or cannot be written: left as it is")
    done = Counter((finding.path, finding.code, finding.message, finding.symbol) for finding in applied.fixed)
    left = []
    for finding in result.report.findings:
        key = (finding.path, finding.code, finding.message, finding.symbol)
        if done[key] > 0:
            done[key] -= 1
        else:
            left.append(finding)
    print(
        f"{plural(len(applied.fixed), 'finding')} ignored from now on"
        + (f", {len(left):,} left: no comment can stand there" if left else "")
    )
    for finding in left:
        print(f"  {escape_control_characters(finding.path)}:{finding.span.line}: {finding.code}")
    return 0
