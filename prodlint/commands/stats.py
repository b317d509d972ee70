"""The verb `stats`: how the findings moved since a revision: which are new, which are gone, which stayed; by priority, rule and owner."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prodlint import owners
from prodlint.commands.check import CLEAN, UNCHECKED, request_of, write
from prodlint.configuration.settings import SettingsError
from prodlint.engine import session
from prodlint.escaping import escape_control_characters
from prodlint.model import PRIORITIES, Finding
from prodlint.since import Compared

VERSION = 1
COLUMNS = ("new", "fixed", "aged")


def stats(given: Namespace) -> int:
    """Compare, and tell. Neither the baseline nor the number of findings decides anything here.

    Raises SettingsError where there is no such revision.
    """
    if not given.since:
        raise SettingsError("`prodlint stats` compares with a revision: `--since v1.0`")
    request = request_of(given)
    request.baseline = request.grouped = False
    result = session.run(request)
    moved = result.compared or Compared([], [], [])
    names = {rule.code: rule.name for rule in result.rules}
    told = as_object(given.since, moved, names, owners.read(result.report.root))
    write(_STREAMS[given.output_format](told), given.output_file)
    left_out = any(not item.analysed for item in result.report.unchecked) and not result.settings.allow_unchecked
    return UNCHECKED if left_out else CLEAN


def as_object(since: str, moved: Compared, names: dict[str, str], owned: owners.Owners) -> dict[str, Any]:
    """What moved, as data: `new` the change brought, `fixed` are gone, `aged` were there and still are."""
    parts: dict[str, Sequence[Finding]] = {"new": moved.new, "fixed": moved.gone, "aged": moved.old}

    def counted(keys_of: Callable[[Finding], Sequence[str]]) -> dict[str, dict[str, int]]:
        counts = {column: Counter(key for finding in findings for key in keys_of(finding)) for column, findings in parts.items()}
        keys = sorted(set().union(*counts.values()))
        return {key: {column: counts[column][key] for column in COLUMNS} for key in keys}

    by_priority = counted(lambda finding: (finding.priority,))
    return {
        "version": VERSION,
        "since": since,
        "total": {column: len(findings) for column, findings in parts.items()},
        "priorities": {priority: by_priority.get(priority, dict.fromkeys(COLUMNS, 0)) for priority in PRIORITIES},
        "rules": {code: {"name": names.get(code, code), **row} for code, row in counted(lambda finding: (finding.code,)).items()},
        "owners": counted(lambda finding: owned.of(finding.path) or ("nobody",)) if owned.path else {},
    }


def _rows(told: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, dict[str, int]]]]]:
    """The tables of the text formats."""
    yield "Priority", [*told["priorities"].items(), ("all", told["total"])]
    ranked = sorted(told["rules"].items(), key=lambda row: (-row[1]["new"], -row[1]["fixed"], -row[1]["aged"], row[0]))
    yield "Rule", [(f"{code} {row['name']}", row) for code, row in ranked]
    if told["owners"]:
        yield "Owner", sorted(told["owners"].items(), key=lambda row: (-row[1]["new"], -row[1]["aged"], row[0]))


def _text(told: dict[str, Any]) -> Iterator[str]:
    total = told["total"]
    yield escape_control_characters(f"Since {told['since']}: {total['new']:,} new, {total['fixed']:,} fixed, {total['aged']:,} aged") + "\n"
    for title, rows in _rows(told):
        if not rows:
            continue
        width = max(len(title), *(len(name) for name, _ in rows))
        yield f"\n{title:<{width}}  {'new':>6}  {'fixed':>6}  {'aged':>6}\n"
        for name, row in rows:
            yield f"{escape_control_characters(name):<{width}}  {row['new']:>6,}  {row['fixed']:>6,}  {row['aged']:>6,}\n"


def _markdown(told: dict[str, Any]) -> Iterator[str]:
    yield f"## Findings since `{escape_control_characters(told['since'])}`\n"
    for title, rows in _rows(told):
        if rows:
            yield f"\n| {title} | new | fixed | aged |\n| --- | ---: | ---: | ---: |\n"
            for name, row in rows:
                shown = escape_control_characters(name).replace("|", "\\|")
                yield f"| {shown} | {row['new']:,} | {row['fixed']:,} | {row['aged']:,} |\n"


def _json(told: dict[str, Any]) -> Iterator[str]:
    yield json.dumps(told, separators=(",", ":"))
    yield "\n"


_STREAMS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {"text": _text, "markdown": _markdown, "json": _json}
