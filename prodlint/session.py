"""One run, from paths to a Report: what `check`, `baseline`, `report` and the tests share."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prodlint import catalogue, engine, environment, ignoring
from prodlint.discover import Discovered, discover, project_root
from prodlint.facts import Source
from prodlint.model import Report, Rule
from prodlint.settings import Nearest, Settings, load


@dataclass(slots=True)
class Request:
    """What a run was asked for. finish: lays the command line's choices over settings that were read."""

    paths: Sequence[str] = (".",)
    config: Sequence[str] = ()
    isolated: bool = False
    no_local: bool = False
    finish: Callable[[Settings], Settings] = lambda settings: settings
    stdin_filename: str | None = None
    stdin: bytes | None = None
    exhaustive: bool = False
    jobs: int = 0
    today: str = ""
    root: str | None = None
    progress: Callable[[int, int], None] | None = None


@dataclass(slots=True)
class Result:
    """What a run gave. roots: project roots of settings found on the way, nearest first."""

    report: Report
    rules: list[Rule]
    settings: Settings
    discovered: Discovered
    outcomes: list[engine.Outcome] = field(default_factory=list)
    crashed: bool = False
    warn_only: frozenset[str] = frozenset()
    given: Mapping[str, bytes] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)

    def source(self, path: str) -> Source | None:
        """A file's text, for excerpts."""
        from prodlint.readers import Undecodable, decode

        if not self._kinds:
            self._kinds.update({name: kind for name, _, kind in self.discovered.files})
        kind = self._kinds.get(path, "text")
        raw = self.given.get(path)
        try:
            if raw is None:
                with open(os.path.join(self.report.root, path), "rb") as handle:
                    raw = handle.read(engine.LARGEST_READ)
            return decode(raw, kind)
        except Undecodable as error:
            return error.source
        except (OSError, ValueError):
            return None


def all_rules(settings: Settings) -> list[Rule]:
    """prodlint's own rules and those of the folders that the settings name.

    Raises PageError.
    """
    rules = {rule.code: rule for rule in catalogue.own_rules()}
    for folder in settings.extend_rules:
        path = folder if os.path.isabs(folder) else os.path.join(settings.root, folder)
        if not os.path.isdir(path):
            raise catalogue.PageError(path, 0, "no such folder of rules")
        for rule in catalogue.load(path):
            if rule.code in rules:
                raise catalogue.PageError(rule.path, 1, f"`{rule.code}` is taken by {rules[rule.code].path}")
            rules[rule.code] = rule
    return [rules[code] for code in sorted(rules)]


def run(request: Request) -> Result:
    """Do it.

    Raises SettingsError and PageError for what the user has to put right.
    """
    began = time.perf_counter()
    given_paths = [request.stdin_filename or "stdin.py" if path == "-" else path for path in request.paths]
    root = request.root or project_root(given_paths)
    start = given_paths[0] if given_paths and len(given_paths) == 1 else root
    settings = request.finish(load(start if os.path.exists(start) else root, request.config, isolated=request.isolated, no_local=request.no_local, root=root))
    rules = all_rules(settings)
    nearest = None if request.isolated or request.config or request.no_local else Nearest(settings.root, request.finish)
    discovered = discover(request.paths, settings, root=root, stdin_filename=request.stdin_filename, nearest=nearest)
    named = any(path != "-" and not os.path.isdir(path) for path in request.paths) or "-" in request.paths
    world = environment.read(discovered.root, discovered.files)
    parse_all = request.exhaustive or named or len(discovered.files) < 200
    run_ = engine.build(settings, rules, world, exhaustive=request.exhaustive, parse_all=parse_all, today=request.today)
    given: dict[str, bytes] = {}
    if "-" in request.paths:
        raw = request.stdin if request.stdin is not None else sys.stdin.buffer.read()
        given = {path: raw for path, absolute, _ in discovered.files if absolute == "-"}
    outcomes: list[engine.Outcome] = []
    for outcome in engine.analyse_all(discovered.files, run_, jobs=request.jobs, given=given):
        outcomes.append(outcome)
        if request.progress is not None:
            request.progress(len(outcomes), len(discovered.files))
    report = _report(discovered, outcomes)
    if discovered.whole:
        findings, evidence, unchecked = engine.check_project(discovered.root, outcomes, run_)
        kinds = {path: kind for path, _, kind in discovered.files}
        kept, suppressed = ignoring.of_project(findings, run_, Result(report, [], settings, discovered).source, kinds)
        report.findings.extend(kept)
        report.suppressed.extend(suppressed)
        report.evidence.extend(evidence)
        report.unchecked.extend(unchecked)
    report.findings.sort(key=lambda finding: finding.order)
    report.evidence.sort()
    report.unchecked.sort()
    report.seconds = time.perf_counter() - began
    crashed = any(outcome.crashed for outcome in outcomes)
    return Result(report, list(run_.rules.values()), settings, discovered, outcomes, crashed, run_.switches.warn_only, given)


def _report(discovered: Discovered, outcomes: Sequence[engine.Outcome]) -> Report:
    report = Report(discovered.root, unchecked=list(discovered.unchecked), files=[outcome.path for outcome in outcomes])
    for outcome in outcomes:
        report.findings.extend(outcome.findings)
        report.suppressed.extend(outcome.suppressed)
        report.unchecked.extend(outcome.unchecked)
        for code, number in outcome.looked_at.items():
            report.looked_at[code] = report.looked_at.get(code, 0) + number
    return report
