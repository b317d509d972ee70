"""Findings that are one mistake or one habit, as one finding with places."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from collections.abc import Collection as AnyOf
from dataclasses import replace
from typing import NamedTuple

from prodlint.content import digest
from prodlint.model import Finding, Related, Rule

# Places that travel with a finding; formats for people show fewer.
_MOST_PLACES = 200
# What a message names differs from place to place of one habit.
_NAMED = re.compile(r"`[^`]*`")
_AT_A_LINE = re.compile(r" at line \d+")

Places = dict[Finding, tuple[Finding, ...]]


class _Alike(NamedTuple):
    """One way of being the same.

    key: what the findings of a group share, None where a finding stands for itself. least, files: how many findings in how many files
    are a group. place: what a related place is called. common: the message keeps only what holds for each place. leads: which of them may stand
    for the group; one without any is not said.
    """

    key: Callable[[Finding], Hashable]
    least: int
    files: int = 1
    place: str = "here too"
    common: bool = False
    leads: Callable[[Finding], bool] = lambda _: True


def grouped(findings: Sequence[Finding], rules: Iterable[Rule], selected: AnyOf[str] = ()) -> tuple[list[Finding], Places]:
    """The findings, those of a group as one at the first of their places; and the other findings of each group.

    What is a group say the pages of the rules: `widespread`, `grouped` and `habit`. Words of `grouped` with an empty pair of backticks are those of
    messages that name something, whatever they name: "`` sets no memory limit". The same secret under the same rule in one file is one
    from four places on. A finding is of the first group that it fits in. A group has a fix where each of its findings has one: it fixes
    all of the places.

    selected: codes that settings or the command line select by themselves. Of all other rules, what their pages call `once` is one finding for
    each priority, and what they call `beside` leads no group and is not said alone.

    It comes after baseline and `since`: what is known or suppressed stays bound to each place.
    """
    firsts: dict[int, Finding] = {}
    gone: set[int] = set()
    others: Places = {}
    for alike in _ways({rule.code: rule for rule in rules}, selected):
        groups: dict[Hashable, list[Finding]] = {}
        for finding in findings:
            if id(finding) not in gone and id(finding) not in firsts and (key := alike.key(finding)) is not None:
                groups.setdefault(key, []).append(finding)
        for group in groups.values():
            if len(group) < alike.least or len({finding.path for finding in group}) < alike.files:
                continue
            lead = next(filter(alike.leads, group), None)
            rest = [finding for finding in group if finding is not lead]
            gone.update(map(id, rest))
            if lead is not None:
                one = firsts[id(lead)] = _as_one([lead, *rest], alike) if rest else lead
                others[one] = tuple(rest)
    return [firsts.get(id(finding), finding) for finding in findings if id(finding) not in gone], others


def _is_beside(finding: Finding, rule: Rule) -> bool:
    return any(words in finding.message for words in rule.beside)


def _ways(rules: dict[str, Rule], selected: AnyOf[str]) -> tuple[_Alike, ...]:
    """The ways of being the same, the widest first. selected: as for `grouped`."""

    def of_report(finding: Finding) -> Hashable:
        return _once(finding, rules.get(finding.code), selected)

    def of_project(finding: Finding) -> Hashable:
        return _widespread(finding, rules.get(finding.code))

    def one_text(finding: Finding) -> Hashable:
        return _one_text(finding, rules.get(finding.code))

    def one_secret(finding: Finding) -> Hashable:
        # A finding about the project has no text of its own to tell one secret from another, and what is fixed is fixed at its place.
        told = finding.secrets and finding.content not in ("", digest(finding.code.encode())) and finding.fix is None
        return (finding.path, finding.code, finding.content, finding.priority) if told else None

    def of_file(finding: Finding) -> Hashable:
        rule = rules.get(finding.code)
        if rule is None or not rule.habit:
            return None
        return (finding.path, finding.code, _NAMED.sub("``", finding.message), finding.priority)

    def may_lead(finding: Finding) -> bool:
        return not _is_beside(finding, rules[finding.code])

    return (
        _Alike(of_report, least=1, common=True, leads=may_lead),
        _Alike(of_project, least=3, files=2, common=True),
        _Alike(one_text, least=2),
        _Alike(one_secret, least=4, place="the same secret"),
        _Alike(of_file, least=4),
    )


def _once(finding: Finding, rule: Rule | None, selected: AnyOf[str]) -> Hashable:
    """What a rule tells once in a report, unless it is selected by itself."""
    if rule is None or rule.code in selected or not any(words in finding.message for words in rule.once):
        return None
    return ("once", finding.code, finding.priority)


def _widespread(finding: Finding, rule: Rule | None) -> Hashable:
    words = next((words for words in rule.widespread if words in finding.message), None) if rule is not None else None
    return None if words is None else (finding.code, words, finding.priority)


def _one_text(finding: Finding, rule: Rule | None) -> Hashable:
    if rule is None or not rule.grouped:
        return None
    for message in (finding.message, _NAMED.sub("``", finding.message)):
        if any(words in message for words in rule.grouped):
            return (finding.code, message, finding.priority)
    return None


def across_files(finding: Finding, rule: Rule | None, selected: AnyOf[str] = ()) -> Iterator[Hashable]:
    """What a finding may share with findings in other files that are told as one with it. selected: as for `grouped`."""
    shared = (_once(finding, rule, selected), _widespread(finding, rule), _one_text(finding, rule))
    yield from (key for key in shared if key is not None)


def _common(messages: Sequence[str]) -> str:
    """What messages say before their details: the shortest, where the others say that and more; else the first."""
    heads = [_AT_A_LINE.sub("", message) for message in messages]
    shortest = min(heads, key=len)
    return shortest if all(head.startswith(shortest) for head in heads) else heads[0]


def _as_one(group: Sequence[Finding], alike: _Alike) -> Finding:
    """The first of a group for all of it."""
    first = group[0]
    several = alike.common and len({finding.message for finding in group}) > 1
    message = _common([finding.message.split(": ", 1)[0] for finding in group]) if several else first.message
    files = len({finding.path for finding in group})
    where = "this file" if files == 1 else f"{files:,} files"
    # The places that another one of the group speaks for (further actions of its file) are places of this habit as well.
    further = ((Related(other.path, other.span, alike.place), *(() if first.secrets else other.related)) for other in group[1:])
    places = tuple(place for each in further for place in each)[:_MOST_PLACES]
    return replace(
        first,
        message=f"{message} ({len(group):,} places in {where})",
        related=places if first.secrets else (*first.related, *places),
        fix=first.fix if all(finding.fix is not None for finding in group) else None,
    )
