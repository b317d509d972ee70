"""What one file gave, and the same as plain tuples, which cross process borders and lie in the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from prodlint.checks import ProjectFact
from prodlint.facts import FileKind, FileRole
from prodlint.model import Finding, FixRequest, Related, Span, Suppressed, Unchecked
from prodlint.project.questions import Asked
from prodlint.redact import NO_VALUES, KnownValues


@dataclass(slots=True)
class Outcome:
    """What one file gave. Crosses process borders, so it holds no sources.

    asked: what was asked of the project, and the answers (see `prodlint.project.questions`). content: what stands for the bytes (see
    `prodlint.project.snapshot.digest_of`), empty where there are none. secrets: the places whose text no output may show. known: what
    stands there; it stays in this process.
    """

    path: str
    kind: FileKind
    roles: frozenset[FileRole] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    traces: list[ProjectFact] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    asked: tuple[Asked, ...] = ()
    content: bytes = b""
    secrets: list[Span] = field(default_factory=list)
    known: KnownValues = NO_VALUES


# The kind of a fix whose text would show a secret.
_WITHHELD = "withheld"
# Where in a packed outcome what the cache looks at stands.
KIND, UNCHECKED, CRASHED, ASKED, CONTENT = 1, 5, 7, 8, 9


def pack(outcome: Outcome) -> tuple[Any, ...]:
    """An outcome as plain tuples: a tenth of the cost of pickling it, and what the cache may hold."""
    return (
        outcome.path,
        outcome.kind,
        tuple(sorted(outcome.roles)),
        tuple(_packed(finding, outcome.known) for finding in outcome.findings),
        tuple((_packed(item.finding, outcome.known), item.kind, item.reason) for item in outcome.suppressed),
        tuple((item.path, item.why, item.line, item.column, item.analysed) for item in outcome.unchecked),
        tuple((t.topic, t.path, _numbers(t.span), t.words, t.data) for t in outcome.traces),
        tuple(outcome.crashed),
        outcome.asked,
        outcome.content,
        tuple(_numbers(span) for span in outcome.secrets),
    )


@lru_cache(maxsize=1000)
def _shared(roles: tuple[FileRole, ...]) -> frozenset[FileRole]:
    """One set for the many files with the same roles."""
    return frozenset(roles)


def unpack(packed: tuple[Any, ...]) -> Outcome:
    """The outcome that `pack` was given."""
    path, kind, roles, findings, suppressed, unchecked, traces, crashed, asked, content, secrets = packed
    return Outcome(
        path,
        kind,
        _shared(roles),
        [_unpacked(item) for item in findings],
        [Suppressed(_unpacked(item), how, reason) for item, how, reason in suppressed],
        [Unchecked(*item) for item in unchecked],
        [ProjectFact(topic, where, Span(*span), words, tuple(map(tuple, data))) for topic, where, span, words, data in traces],
        list(crashed),
        asked,
        content,
        [Span(*numbers) for numbers in secrets],
    )


def _numbers(span: Span) -> tuple[int, int, int, int]:
    return (span.line, span.column, span.end_line, span.end_column)


def _packed(f: Finding, known: KnownValues) -> tuple[Any, ...]:
    fix = None if f.fix is None else _packed_fix(f.fix, known)
    related = tuple((r.path, _numbers(r.span), r.words) for r in f.related)
    return (
        f.path,
        _numbers(f.span),
        f.code,
        f.message,
        f.priority,
        related,
        f.symbol,
        f.content,
        f.place,
        fix,
        tuple(_numbers(s) for s in f.secrets),
    )


def _packed_fix(fix: FixRequest, known: KnownValues) -> tuple[Any, ...]:
    """A fix whose text holds a secret leaves the process without it, as one that nobody can make: `--fix` reads the file again."""
    arguments = tuple((name, known.covered(text)) for name, text in fix.arguments) if known else fix.arguments
    kind = fix.kind if arguments == fix.arguments else _WITHHELD
    return (kind, known.covered(fix.description), fix.safe, arguments)


def _unpacked(row: tuple[Any, ...]) -> Finding:
    path, span, code, message, priority, related, symbol, content, place, fix, secrets = row
    return Finding(
        path,
        Span(*span),
        code,
        message,
        priority,
        tuple(Related(where, Span(*at), words) for where, at, words in related),
        symbol,
        content,
        place,
        None if fix is None else FixRequest(fix[0], fix[1], fix[2], tuple(map(tuple, fix[3]))),
        tuple(Span(*secret) for secret in secrets),
    )
