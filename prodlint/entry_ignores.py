"""`ignore-entries` of the settings: findings ignored at paths of keys, in documents that one may not edit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodlint.configuration.patterns import Patterns
from prodlint.facts import Document, File, FileKind, Source
from prodlint.model import Finding, Suppressed
from prodlint.readers import documents

_DOCUMENTS = frozenset(("yaml", "json", "toml", "ini", "lock"))


@dataclass(slots=True)
class EntryIgnore:
    """One table. below: the settings' directory as the run's root sees it. codes: of the rules that it names. used: whether it took something."""

    patterns: Patterns
    below: str
    keys: Sequence[str]
    codes: Collection[str]
    reason: str
    until: str
    shown: str
    used: bool = False
    _places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def covers(self, finding: Finding, source: Source, kind: FileKind) -> bool:
        """Whether a finding stands at or below one of the keys."""
        start = source.offset_at(finding.span.line, finding.span.column)
        places = self._places.get(finding.path)
        if places is None:
            places = self._places[finding.path] = list(self._spans(source, kind, finding.path))
        return any(first <= start <= last for first, last in places)

    def _spans(self, source: Source, kind: FileKind, path: str) -> Iterable[tuple[int, int]]:
        for fact in documents.read(source, File(path, kind), frozenset((Document,))):
            if isinstance(fact, Document):
                for key in self.keys:
                    for node in documents.find(fact.root, key):
                        yield min(node.key_start, node.start), node.end


def read(tables: Iterable[Mapping[str, Any]], below: str, codes_of: Callable[[Iterable[str]], Collection[str]]) -> list[EntryIgnore]:
    """The tables of one settings file. codes_of: the codes that selectors stand for."""
    return [
        EntryIgnore(
            Patterns(table["paths"]),
            below,
            table["keys"],
            codes_of(table["rules"]),
            table["reason"],
            table.get("until", ""),
            f"`{', '.join(table['keys'])}` in `{', '.join(table['paths'])}`",
        )
        for table in tables
    ]


def take(
    findings: Iterable[Finding],
    ignores_of: Callable[[str], Sequence[EntryIgnore]],
    today: str,
    source_of: Callable[[str], Source | None],
    kind_of: Callable[[str], FileKind],
    may_be_ignored: Callable[[Finding], bool],
) -> tuple[list[Finding], list[Suppressed]]:
    """Take away what the tables speak of. ignores_of: the tables that hold for a path."""
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in findings:
        by = _taken(finding, ignores_of(finding.path), today, source_of, kind_of) if may_be_ignored(finding) else None
        if by is None:
            kept.append(finding)
        else:
            by.used = True
            suppressed.append(Suppressed(finding, "settings", by.reason))
    return kept, suppressed


def _taken(
    finding: Finding,
    ignores: Sequence[EntryIgnore],
    today: str,
    source_of: Callable[[str], Source | None],
    kind_of: Callable[[str], FileKind],
) -> EntryIgnore | None:
    kind = kind_of(finding.path)
    if kind not in _DOCUMENTS:
        return None
    for ignore in ignores:
        if finding.code not in ignore.codes or ignore.until and ignore.until < today:
            continue
        if ignore.patterns.match(finding.path.removeprefix(ignore.below)):
            source = source_of(finding.path)
            if source is not None and ignore.covers(finding, source, kind):
                return ignore
    return None


def notes(ignores: Iterable[EntryIgnore], today: str) -> list[str]:
    """What to say of tables that took nothing away. Only a run of the whole project knows."""
    said = []
    for ignore in ignores:
        if ignore.until and ignore.until < today:
            said.append(f"`ignore-entries` for {ignore.shown} ended on {ignore.until}")
        elif not ignore.used:
            said.append(f"`ignore-entries` for {ignore.shown} ignores nothing")
    return said
