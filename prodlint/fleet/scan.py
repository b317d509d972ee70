"""One repository: checked, its checklist answered, and told as plain rows in which no secret stands."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint import owners
from prodlint.configuration.settings import Settings
from prodlint.content import content_of
from prodlint.digests import blake2b
from prodlint.engine import same_secret, session, workers
from prodlint.engine.run import Run
from prodlint.fleet.job import Job
from prodlint.fleet.organisation import Organisation, lay_over
from prodlint.model import PRIORITIES, Finding
from prodlint.readiness.answers import Answers, answers_of
from prodlint.readiness.items import LEVELS
from prodlint.readiness.report_json import material_of
from prodlint.reports.material import ReportContext

Row = dict[str, Any]
Rows = list[tuple[Any, ...]]
# A key is long enough that nobody finds a value by trying without it.
_SHORTEST_KEY = 16


class Large(Exception):
    """A repository that several tasks share. files: how many it has."""

    def __init__(self, files: int) -> None:
        super().__init__(files)
        self.files = files


class _Part(Exception):
    """The packed outcomes of a part."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self.rows = rows


def check(
    root: str, job: Job, organisation: Organisation, folders: tuple[str, ...], rows: Mapping[str, tuple[Any, ...]] | None = None
) -> Row:
    """What there is to say of the repository whose files lie at `root`. rows: outcomes of its files, by path, where other tasks have looked at them.

    Raises SettingsError and PageError for what it brings, and Large.
    """
    began = time.perf_counter()
    request = _request(root, job, organisation, folders)
    if rows is not None:
        request.analysed = lambda jobs, runs: _joined(jobs, runs, rows)
    elif job.large:
        request.analysed = lambda jobs, runs: _unless_large(jobs, runs, job.large)
    answers = answers_of(request)
    return {**_told(answers, root, job), "seconds": round(time.perf_counter() - began, 3)}


def check_part(root: str, job: Job, organisation: Organisation, folders: tuple[str, ...]) -> Rows:
    """The packed outcomes of every n-th file of the repository."""
    number, parts = job.part

    def only(jobs: Sequence[workers.Job], runs: Sequence[Run]) -> Iterator[tuple[Any, ...]]:
        raise _Part(list(workers.spread(jobs[number::parts], runs, 1)))

    request = _request(root, job, organisation, folders)
    request.analysed = only
    try:
        answers_of(request)
    except _Part as part:
        return part.rows
    return []


def _request(root: str, job: Job, organisation: Organisation, folders: tuple[str, ...]) -> session.Request:
    def finish(settings: Settings) -> Settings:
        return lay_over(settings, organisation, folders)

    return session.Request([root], root=root, jobs=1, isolated=not organisation.repository_settings, finish=finish, today=job.today)


def _joined(jobs: Sequence[workers.Job], runs: Sequence[Run], rows: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    fresh = workers.spread([each for each in jobs if each[0] not in rows], runs, 1)
    for each in jobs:
        yield rows[each[0]] if each[0] in rows else next(fresh)


def _unless_large(jobs: Sequence[workers.Job], runs: Sequence[Run], most: int) -> Iterator[tuple[Any, ...]]:
    if len(jobs) > most:
        raise Large(len(jobs))
    return workers.spread(jobs, runs, 1)


# ---------------------------------------------------------------- as rows


def _told(answers: Answers, root: str, job: Job) -> Row:
    material = material_of(answers)
    known = owners.read(root)
    findings = list(_findings(answers, material, known, job))
    opened = [row for row in findings if not row["suppressed"]]
    counted = Counter(row["priority"] for row in opened)
    report = answers.result.report
    unread = {unchecked.path for unchecked in report.unchecked if not unchecked.analysed}
    possible = ""
    for level in LEVELS:
        if answers.missing(level):
            break
        possible = level
    return {
        "status": "partly" if unread or answers.result.crashed else "checked",
        "level": answers.level or "",
        "level_possible": possible,
        "percent": answers.percent,
        **{priority.lower(): counted[priority] for priority in PRIORITIES},
        "secrets": sum(bool(finding.secrets) and finding.code not in answers.unasked for finding in report.findings),
        "file_count": len(report.files),
        "unchecked": len(unread),
        "owner": " ".join(known.of("a file that nobody owns by its name")),
        "services": sorted({_text(material.service_of(path)) for path in report.files}),
        "findings": findings,
        "items": [
            {
                "item": answer.item.id,
                "title": answer.item.title,
                "category": answer.item.category,
                "priority": answer.urgency,
                "level": answer.item.level,
                "verdict": answer.verdict,
                "because": material.words(answer.because),
            }
            for answer in answers.answers
        ],
        "files": list(_files(answers, material, known, opened)),
    }


def _findings(answers: Answers, material: ReportContext, known: owners.Owners, job: Job) -> Iterator[Row]:
    """What `prodlint check` finds, without its baseline: an organisation wants to know what a team has put off."""
    every: list[tuple[Finding, str, str]] = [(finding, "", "") for finding in answers.result.report.findings]
    every += [(each.finding, each.kind, each.reason) for each in answers.result.report.suppressed]
    for finding, suppressed, reason in every:
        if finding.code in answers.unasked:
            continue
        rule = answers.rules.get(finding.code)
        yield {
            "service": _text(material.service_of(finding.path)),
            "code": finding.code,
            "rule": material.name(finding.code),
            "category": rule.category if rule is not None else "",
            "priority": finding.priority,
            "path": _text(finding.path),
            "line": finding.span.line,
            "column": finding.span.column,
            "fingerprint": material.fingerprint.get(id(finding), ""),
            "message": _text(material.placed(finding)),
            "owner": " ".join(known.of(finding.path)),
            "secret": _same(finding, answers, job.key),
            "suppressed": suppressed,
            "reason": _text(material.words(reason)),
        }


def _same(finding: Finding, answers: Answers, key: bytes) -> str:
    """What is equal wherever the same secret stands, and tells nothing of it to anybody without the key; "" for what a person made up, such as
    `postgres`, which stands in many places by itself."""
    source = answers.result.source(finding.path) if finding.secrets else None
    if source is None or len(key) < _SHORTEST_KEY or not same_secret.is_telling(finding, answers.result.source):
        return ""
    # The value itself: what a finding is bound to may be a line with its name.
    span = finding.secrets[0]
    start, end = source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column)
    value = content_of(source, start, end, "", secret=True)
    return blake2b(value.encode(), key=key[:64], digest_size=16).hexdigest()


def _files(answers: Answers, material: ReportContext, known: owners.Owners, findings: Sequence[Row]) -> Iterator[Row]:
    counted = Counter(row["path"] for row in findings)
    why = {unchecked.path: unchecked.why for unchecked in answers.result.report.unchecked if not unchecked.analysed}
    told = set()
    for outcome in answers.result.outcomes:
        told.add(outcome.path)
        path = _text(outcome.path)
        yield {
            "path": path,
            "kind": outcome.kind,
            "roles": " ".join(sorted(outcome.roles)),
            "owner": " ".join(known.of(outcome.path)),
            "findings": counted[path],
            "unchecked": _text(material.words(why.get(outcome.path, ""))),
        }
    for path in sorted(set(why) - told):
        yield {"path": _text(path), "kind": "", "roles": "", "owner": "", "findings": 0, "unchecked": _text(material.words(why[path]))}


def _text(words: str) -> str:
    """As Parquet takes it: the bytes of a name that is no text are written as escapes."""
    return words if words.isascii() else words.encode("utf-8", "backslashreplace").decode()
