"""One key in several places is one leak: each of its findings names the other places, so that it is changed once and everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from prodlint.facts import Source
from prodlint.model import Finding, Related, Span
from prodlint.values.secret_values import is_generated

# Places named with a finding; a key that stands in more of them is told by these.
_MOST = 5


def link(findings: list[Finding], sources: Callable[[str], Source | None]) -> list[Finding]:
    """The findings, in order, with the other places of the same secret. Only of what a machine made: `postgres` stands in many files by itself."""
    by_value: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.secrets and finding.content:
            by_value.setdefault(finding.content, []).append(finding)
    linked: dict[int, Finding] = {}
    for same in by_value.values():
        places = {(finding.path, finding.span): finding for finding in same}
        if len(places) > 1 and is_telling(same[0], sources):
            for finding in same:
                others = [place for place in places if place != (finding.path, finding.span)]
                linked[id(finding)] = replace(finding, related=(*finding.related, *_related(others)))
    return [linked.get(id(finding), finding) for finding in findings]


def _related(places: list[tuple[str, Span]]) -> list[Related]:
    left = len(places) - _MOST
    words = "the same secret"
    return [
        Related(path, span, f"{words}, and in {left} more places" if number == _MOST - 1 and left > 0 else words)
        for number, (path, span) in enumerate(places[:_MOST])
    ]


def is_telling(finding: Finding, sources: Callable[[str], Source | None]) -> bool:
    """Whether a secret's value was made by a machine, so that where it stands twice it is the same one."""
    span = finding.secrets[0]
    if span.line != span.end_line:
        return True  # a key of several lines
    source = sources(finding.path)
    if source is None:
        return False
    value = source.line_text(span.line)[span.column - 1 : span.end_column - 1].strip("\"'")
    return len(value) >= 12 and is_generated(value)
