"""`check --timings`: where the time of a run goes, by phase, by rule and by file.

The clocks are laid round the functions of a run when they are asked for, and taken off again: no other run pays for them.
Phases: walk (which files there are), read (bytes from the disk, decoded), scan (required literals), syntax (what the
interpreter refuses), parse (syntax trees of what is left), facts (what the rules want of them), rules, project (rules about the whole), report. One process and no
results of the last run, so that nothing overlaps and nothing is left out; the clocks add some per cent of their own.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from prodlint.commands import check
from prodlint.engine import analysis, session, workers
from prodlint.engine.prefilter import Index
from prodlint.engine.run import Run
from prodlint.escaping import escape_control_characters
from prodlint.project.snapshot import Document, Snapshot
from prodlint.python import syntax, tree

PHASES = ("walk", "read", "scan", "syntax", "parse", "facts", "rules", "project", "report")
# How many of the slowest rules and files are told of.
MOST = 10


Seconds = defaultdict[str, float]


def _seconds() -> Seconds:
    return defaultdict(float)


@dataclass(slots=True)
class Profiler:
    """Seconds by phase, each without those of the phases inside it; by rule; by file.

    inside: seconds that clocks within the one at hand have counted, one for each that runs.
    """

    phases: Seconds = field(default_factory=_seconds)
    rules: Seconds = field(default_factory=_seconds)
    files: Seconds = field(default_factory=_seconds)
    inside: list[float] = field(default_factory=lambda: [0.0])

    def timed(self, phase: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call it, and count its seconds towards a phase."""
        self.inside.append(0.0)
        began = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            seconds = time.perf_counter() - began
            self.phases[phase] += seconds - self.inside.pop()
            self.inside[-1] += seconds

    def steps(self, phase: str, made: Iterator[Any]) -> Iterator[Any]:
        """The same for what comes one by one."""
        end = object()
        while (found := self.timed(phase, next, made, end)) is not end:
            yield found

    def counted(self, table: Seconds, name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call it, and count its seconds, those of all phases, towards a name."""
        began = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            table[name] += time.perf_counter() - began


def timed(given: Namespace, request: session.Request) -> int:
    """A run with its report, and on standard error where its time went."""
    request.jobs, request.cache = 1, False
    clocks = Profiler()
    began = time.perf_counter()
    with ExitStack() as laid:
        _lay(clocks, laid)
        code = check.run_once(given, request)
    sys.stdout.flush()
    sys.stderr.write(told(clocks, time.perf_counter() - began))
    return code


def _lay(clocks: Profiler, laid: ExitStack) -> None:
    """Put the clocks in place; `laid` takes them off."""

    def instead(owner: Any, name: str, wrapped: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        original = getattr(owner, name)
        laid.callback(setattr, owner, name, original)
        setattr(owner, name, wrapped(original))

    def phase(owner: Any, name: str, called: str) -> None:
        instead(owner, name, lambda call: lambda *arguments, **options: clocks.timed(called, call, *arguments, **options))

    phase(session, "find_files", "walk")
    phase(Snapshot, "document", "read")
    phase(Document, "source", "read")
    phase(Index, "scan", "scan")
    phase(tree.PyModule, "__init__", "parse")
    phase(syntax, "refusal", "syntax")
    instead(analysis, "read", lambda read: lambda *arguments: clocks.steps("facts", iter(read(*arguments))))
    phase(analysis, "_call", "rules")
    instead(analysis, "_call", lambda call: lambda checked, *rest: clocks.counted(clocks.rules, _name(checked), call, checked, *rest))
    instead(
        session, "_check_project", lambda call: lambda result, run: call(result, replace(run, project_checks=_project_checks(clocks, run)))
    )
    phase(session, "_check_project", "project")
    phase(check, "write", "report")
    instead(workers, "analyse", lambda analyse: lambda path, *rest: clocks.counted(clocks.files, path, analyse, path, *rest))


def _name(subscription: Any) -> str:
    """The rule a check belongs to; for a collector, which serves several rules, its own name."""
    return str(subscription.rule.code if subscription.rule is not None else subscription.check.function.__name__)


def _project_checks(clocks: Profiler, run: Run) -> tuple[Any, ...]:
    def counted(code: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: clocks.counted(clocks.rules, code, lambda: list(function(*arguments)))

    return tuple(replace(each, function=counted(each.code, each.function)) for each in run.project_checks)


def told(clocks: Profiler, whole: float) -> str:
    """What the clocks say, as text: milliseconds, and each phase's share of all seconds."""
    rest = whole - sum(clocks.phases.values())
    rows = [(name, clocks.phases[name]) for name in PHASES] + [("the rest", rest)]
    lines = ["prodlint: in one process, without the last run's results:", f"{1000 * whole:9.1f} ms  in all"]
    lines += [f"{1000 * seconds:9.1f} ms  {name} ({100 * seconds / whole:.0f} %)" for name, seconds in rows]
    for title, table in (("slowest rules:", clocks.rules), ("slowest files:", clocks.files)):
        slowest = sorted(table.items(), key=lambda row: -row[1])[:MOST]
        lines += [title, *(f"{1000 * seconds:9.1f} ms  {escape_control_characters(name)}" for name, seconds in slowest)]
    return "\n".join(lines) + "\n"
