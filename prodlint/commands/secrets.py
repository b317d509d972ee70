"""The verb `secrets`: the secrets of a repository's history, each with the commit that brought it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from prodlint import baseline
from prodlint.commands.check import UNCHECKED, exit_code, request_of, show_progress, write
from prodlint.commands.streams import say
from prodlint.configuration.discover import Discovered
from prodlint.configuration.settings import Settings, SettingsError, with_arguments
from prodlint.engine import analysis, session
from prodlint.engine.history import History, Leak, read
from prodlint.engine.run import build
from prodlint.model import Report
from prodlint.project import environment
from prodlint.project.git import GitError
from prodlint.project.snapshot import Snapshot
from prodlint.reports import Options, stream


def secrets(given: Namespace) -> int:
    """Read the history, report what it holds, and say with the exit code how it went."""
    request = request_of(given)
    finish = request.finish

    def only_secrets(settings: Settings) -> Settings:
        made = finish(settings)
        family = [rule.code for rule in session.catalogue_of(made).rules if rule.family == "secrets" and rule.default]
        return made if given.select else with_arguments(made, select=family)

    request.finish = only_secrets
    settings, root = session.read_settings(request)
    world = environment.read(root, [], None, Snapshot(root))
    catalogue = session.catalogue_of(settings)
    run = build(settings, catalogue, world, root=root, today=request.today)
    progress = show_progress("versions") if sys.stderr.isatty() else None
    try:
        history = read(root, run, given.history or "", request.jobs or analysis.processors(), progress)
    except GitError as error:
        raise SettingsError(str(error)) from None
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")
    report = Report(root, [leak.finding for leak in history.leaks], history.suppressed, unchecked=history.unchecked)
    known = _without_known(report, settings, root, request)
    rules = list(run.rules.values())
    result = session.Result(report, rules, settings, Discovered(root), lambda path: run, crashed=history.crashed)
    code = exit_code(result, given.exit_zero)
    options = Options(exit_code=code, quiet=True)
    pieces = stream(report, given.output_format, rules, root=root, sources=lambda path: None, options=options)
    if given.output_format != "concise":
        pieces = _with_commits(pieces, history.leaks, given.output_format)
    write(pieces, given.output_file)
    say(_told(history, known, code))
    return code


def _without_known(report: Report, settings: Settings, root: str, request: session.Request) -> int:
    """Take away what the baseline knows. How many."""
    path = session.baseline_path(settings, root) if request.baseline else ""
    if not path:
        return 0
    paths = {finding.path for finding in report.findings}
    codes = {finding.code for finding in report.findings}
    applied = baseline.apply(baseline.read(path), report.findings, root=root, checked=paths, selected=codes, whole=False)
    report.findings = sorted(applied.kept, key=lambda finding: finding.order)
    report.suppressed.extend(applied.suppressed)
    return len(applied.suppressed)


def _told(history: History, known: int, code: int) -> str:
    in_head = sum(leak.in_head for leak in history.leaks)
    words = f"{len(history.leaks)} secrets in {history.blobs:,} versions of {history.commits:,} commits, {in_head} of them still in HEAD"
    words += f"; {known} known to the baseline" if known else ""
    return words + ("; not everything could be looked at" if code == UNCHECKED else "")


def _with_commits(pieces: Iterator[str], leaks: list[Leak], format: str) -> Iterator[str]:
    """The report with the commit, the author's date and whether the secret stands in HEAD at each result."""
    report: Any = json.loads("".join(pieces))
    by_place: dict[tuple[str, str, int, int], list[Leak]] = {}
    for leak in leaks:
        finding = leak.finding
        by_place.setdefault((finding.code, finding.path, finding.span.line, finding.span.column), []).append(leak)
    for result in report["findings"] if format == "json" else [result for run in report["runs"] for result in run.get("results", ())]:
        left = by_place.get(_key(result, format))
        if left:
            leak = left.pop(0) if len(left) > 1 else left[0]
            told = {"commit": leak.commit, "authorDate": leak.date, "inHead": leak.in_head}
            if format == "json":
                result.update(told)
            else:
                result.setdefault("properties", {}).update(told)
    yield json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _key(result: Any, format: str) -> tuple[str, str, int, int]:
    if format == "json":
        return result["code"], result["path"], result["line"], result["column"]
    from urllib.parse import unquote

    place = result["locations"][0]["physicalLocation"]
    region = place["region"]
    return result["ruleId"], unquote(place["artifactLocation"]["uri"]), region["startLine"], region["startColumn"]
