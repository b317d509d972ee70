"""Inline ignores applied to one file's findings: finds the comments and the extents that `prodlint.suppress` needs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from prodlint import suppress
from prodlint.checks.tool import DIRECTIVE
from prodlint.facts import Comment, Fact, File, Instruction, Module, Source
from prodlint.model import Finding, Span, Suppressed
from prodlint.readers import FactRequest, read

if TYPE_CHECKING:
    from prodlint.engine.outcome import Outcome
    from prodlint.engine.run import Run


def in_file(
    source: Source, file: File, run: Run, outcome: Outcome, parsed: list[Module], selected: frozenset[str], untold: list[Finding]
) -> None:
    """Take away what the file's directives speak of, and add what is wrong with the directives. untold: what is told only to who asks; a directive
    about it is none that nothing breaks."""
    directives, extent = _directives(source, file, run, parsed)
    if not directives:
        return
    terms = _terms(run, selected)
    done = suppress.apply(outcome.findings, directives, terms, extent)
    outcome.findings = done.kept
    outcome.suppressed.extend(done.suppressed)
    rule = run.rules.get(DIRECTIVE)
    if rule is not None and not file.roles & rule.not_in:
        used = done.used | suppress.apply(untold, directives, terms, extent).used
        outcome.findings.extend(suppress.problems(file.path, directives, used, terms, _near(run)))
        outcome.findings.sort(key=lambda finding: finding.order)


def of_project(
    findings: Iterable[Finding], run: Run, sources: Callable[[str], Source | None], files: Mapping[str, File]
) -> tuple[list[Finding], list[Suppressed]]:
    """The same for findings of project rules, which are known only after every file was read."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for path, listed in sorted(by_path.items()):
        source = sources(path)
        if source is None or not suppress.may_hold_directives(source.data, run.settings.honor):
            kept.extend(listed)
            continue
        directives, extent = _directives(source, files.get(path) or File(path, "text"), run, [])
        done = suppress.apply(listed, directives, _terms(run, frozenset(run.rules)), extent)
        kept.extend(done.kept)
        suppressed.extend(done.suppressed)
    return kept, suppressed


def _terms(run: Run, selected: frozenset[str]) -> suppress.SuppressionPolicy:
    # What a project rule would have said is not known here, so its ignores are never called unused.
    of_files = selected - {check.code for check in run.project_checks}
    today = date.fromisoformat(run.today) if run.today else datetime.now(tz=timezone.utc).astimezone().date()
    return suppress.SuppressionPolicy(run.switches.codes_of, of_files, today, run.settings.require_reason, run.switches.unsuppressible)


def _directives(
    source: Source, file: File, run: Run, parsed: list[Module]
) -> tuple[list[suppress.Directive], Callable[[Span], tuple[int, int]] | None]:
    wanted_kinds: frozenset[type[Fact]] = frozenset((Comment, Instruction) if file.kind == "dockerfile" else (Comment,))
    wanted = FactRequest(wanted_kinds, frozenset(), lambda name: False, {}, check_syntax=False, parsed=parsed)
    comments: list[tuple[int, int]] = []
    instructions: list[tuple[int, int]] = []
    own = source
    for fact in read(source, file, wanted):
        if isinstance(fact, Comment):
            comments.append((fact.start, fact.end))
            own = fact.source
        elif isinstance(fact, Instruction):
            instructions.append((fact.span.line, fact.span.end_line))
    directives = suppress.read(own, comments, run.settings.honor, run.foreign) if run.settings.inline_ignores else []
    module = parsed[-1] if parsed else None
    if module is not None and file.kind in ("python", "notebook"):

        def of_statement(span: Span) -> tuple[int, int]:
            first, last = own.offset_at(span.line, span.column), own.offset_at(span.end_line, span.end_column)
            return module.extent(first, last)

        return directives, of_statement if file.kind == "python" else None
    if instructions:
        starts = [first for first, _ in instructions]

        def of_instruction(span: Span) -> tuple[int, int]:
            index = bisect_right(starts, span.line) - 1
            if index >= 0 and instructions[index][1] >= span.line:
                return instructions[index]
            return span.line, span.end_line

        return directives, of_instruction
    return directives, suppress.extent_by_layout(own, file.kind)


def _near(run: Run) -> Callable[[str], str]:
    def near(selector: str) -> str:
        import difflib

        same = sorted(
            code for code, rule in run.rules.items() if any(selector.upper() == other.partition(":")[2].upper() for other in rule.also)
        )
        if same:
            return f"; that is another tool's code, here it is {', '.join(f'`{code}`' for code in same)}"
        found = difflib.get_close_matches(selector, (*run.switches.by_name, *sorted(run.switches.codes)), 1)
        return f"; did you mean `{found[0]}`?" if found else ""

    return near
