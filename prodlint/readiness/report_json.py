"""`json`: the whole report in one object, described by `readiness-report.schema.json`. The other formats tell the same object.

Everything in it may be shown: secrets are covered here, and nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prodlint import __version__
from prodlint.configuration.settings import SettingsError
from prodlint.model import Evidence, Finding, Span
from prodlint.readiness.answers import VERDICTS, Answer, Answers
from prodlint.readiness.identity import Identity
from prodlint.readiness.items import LEVELS
from prodlint.regular import read_named
from prodlint.reports.material import Options, ReportContext

SCHEMA_VERSION = 1
# Places of one item that are listed; of what is found everything is.
MOST_PLACES = 20
# What goes up and what goes down; verdicts that are not here are neither.
_RANK = {"not met": 0, "cannot be told": 1, "in part": 2, "met": 3}


def material_of(answers: Answers, options: Options | None = None) -> ReportContext:
    """The run's report, ready to be shown."""
    return ReportContext(
        answers.result.report, list(answers.rules.values()), answers.result.report.root, answers.result.source, options or Options()
    )


def as_object(
    answers: Answers, material: ReportContext, old: Mapping[str, Any] | None = None, identity: Identity | None = None
) -> dict[str, Any]:
    """The report as plain data. old: another such object to compare with. identity: the project that it is about."""
    who = identity or Identity(os.path.basename(answers.result.report.root))
    items = [_item(answer, material) for answer in answers.answers]
    met, weight = answers.score
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "prodlint", "version": __version__},
        "project": {"name": who.name, "revision": who.revision, "date": who.date},
        "service": answers.is_service,
        "checked": answers.result.report.checked,
        "unchecked": [{"path": u.path, "line": u.line, "why": material.words(u.why)} for u in answers.unchecked],
        "notes": [material.words(note) for note in answers.notes],
        "level": answers.level,
        "levels": [_level(answers, name) for name in LEVELS],
        "score": {"percent": answers.percent, "met": met, "weight": weight, "formula": answers.formula},
        "verdicts": _counts(answers.answers),
        "categories": [{"name": name, "verdicts": _counts(answers.of(name))} for name in answers.checklist.categories],
        "items": items,
        "backlog": [answer.item.id for answer in answers.backlog],
        "compared": _compared(items, answers.percent, old) if old is not None else None,
    }


def _counts(answers: Sequence[Answer]) -> dict[str, int]:
    return {verdict: sum(answer.verdict == verdict for answer in answers) for verdict in VERDICTS}


def _level(answers: Answers, name: Any) -> dict[str, Any]:
    missing, open_items = answers.missing(name), answers.to_look_at(name)
    reached = answers.level is not None and LEVELS.index(name) <= LEVELS.index(answers.level)
    return {
        "name": name,
        "reached": reached,
        "not_met": [answer.item.id for answer in missing],
        "to_look_at": len(open_items),
        "open": [answer.item.id for answer in open_items],
    }


def _item(answer: Answer, material: ReportContext) -> dict[str, Any]:
    item = answer.item
    return {
        "id": item.id,
        "title": item.title,
        "task": item.task or item.title,
        "words": list(item.says),
        "command": f"prodlint report --item {item.id}",
        "category": item.category,
        "priority": item.priority,
        "urgency": answer.urgency,
        "level": item.level,
        "verdict": answer.verdict,
        "because": material.words(answer.because),
        "why": item.why,
        "look": item.look,
        "rules": [{"code": code, "name": material.name(code), "url": material.help_url(code)} for code in item.rules],
        "exempt": {"reason": item.exempt.reason, "until": item.exempt.until} if item.exempt else None,
        "findings": [_finding(finding, material) for finding in answer.findings],
        "aside": [_finding(finding, material) for finding in answer.aside],
        "suppressed": [{**_finding(s.finding, material), "kind": s.kind, "reason": material.words(s.reason)} for s in answer.suppressed],
        "places": [_place(place, material) for place in answer.places[:MOST_PLACES]],
        "more_places": max(len(answer.places) - MOST_PLACES, 0),
        "looked_at": answer.looked_at,
        "others": [material.words(words) for words in answer.others],
        "owners": list(dict.fromkeys(owner for finding in answer.findings for owner in material.owners(finding.path))),
        "fixes": _fixes(answer.findings, material),
        "fixable": sum(finding.fix is not None for finding in answer.findings),
        "before": answer.before,
        "change": change(answer.before, answer.verdict),
    }


def change(before: str, now: str) -> str:
    """`better`, `worse`, or "" for neither."""
    if before not in _RANK or now not in _RANK or before == now:
        return ""
    return "better" if _RANK[now] > _RANK[before] else "worse"


def _at(path: str, span: Span) -> dict[str, Any]:
    return {"path": path, "line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def _finding(finding: Finding, material: ReportContext) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": material.name(finding.code),
        "priority": finding.priority,
        **_at(finding.path, finding.span),
        "message": material.placed(finding),
    }


def _place(place: Evidence, material: ReportContext) -> dict[str, Any]:
    return {**_at(place.path, place.span), "words": material.words(place.words)}


def _fixes(findings: Iterable[Finding], material: ReportContext) -> list[str]:
    """How to fix them, one sentence for each variant of each rule, as `check` says it."""
    return [material.words(text) for text in material.advices(findings)]


def _compared(items: Sequence[Mapping[str, Any]], percent: int | None, old: Mapping[str, Any]) -> dict[str, Any]:
    before = {item["id"]: item["verdict"] for item in old["items"]}
    now = {item["id"] for item in items}
    return {
        "better": [item["id"] for item in items if item["change"] == "better"],
        "worse": [item["id"] for item in items if item["change"] == "worse"],
        "new": [item["id"] for item in items if item["id"] not in before],
        "gone": sorted(set(before) - now),
        "percent_before": old["score"]["percent"],
        "percent_now": percent,
        "level_before": old["level"],
    }


# Bytes of an earlier report.
_LARGEST = 64_000_000


def read_old(path: str) -> dict[str, Any]:
    """A report that was written before, to compare with.

    Raises SettingsError.
    """
    try:
        value = json.loads(read_named(path, _LARGEST))
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"`{os.path.basename(path)}` is not JSON") from None
    if not isinstance(value, dict) or value.get("schema_version") != SCHEMA_VERSION or not _is_report(value):
        raise SettingsError(
            f"`{os.path.basename(path)}` is no readiness report of version {SCHEMA_VERSION} (`prodlint report --output-format json`)"
        )
    return value


def _is_report(value: Mapping[str, Any]) -> bool:
    items = value.get("items")
    return (
        isinstance(items, list)
        and all(isinstance(item, dict) and isinstance(item.get("id"), str) and isinstance(item.get("verdict"), str) for item in items)
        and isinstance(value.get("score"), dict)
        and "percent" in value["score"]
        and "level" in value
    )


def write(report: Mapping[str, Any]) -> Iterator[str]:
    """The object as JSON."""
    yield json.dumps(report, ensure_ascii=False, indent=2)
    yield "\n"
