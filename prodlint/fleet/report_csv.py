"""`csv`: one line a repository, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.escaping import escape_control_characters

_COLUMNS = {
    "repository": "repository",
    "tier": "tier",
    "status": "status",
    "level": "level",
    "shown": "level_shown",
    "before": "level_before",
    "percent": "percent",
    "p0": "p0",
    "p1": "p1",
    "p2": "p2",
    "p0_before": "p0_before",
    "secrets": "secrets",
    "short": "demands_not_met",
    "file_count": "files",
    "unchecked": "files_unchecked",
    "owner": "owner",
    "commonest": "commonest",
    "source": "source",
    "ref": "ref",
    "commit": "commit",
}
# A spreadsheet takes a cell that begins so for a formula (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(told: Mapping[str, Any]) -> Iterator[str]:
    """The lines."""
    yield _line(list(_COLUMNS.values()))
    for row in told["repositories"]:
        yield _line([cell(row[key]) for key in _COLUMNS])


def write_difference(told: Mapping[str, Any]) -> Iterator[str]:
    """One line a finding that is new or gone."""
    columns = ("priority", "repository", "path", "line", "code", "rule", "message", "owner")
    yield _line(["change", *columns])
    for change in ("new", "gone"):
        for row in told[change]:
            yield _line([change, *(cell(row[name]) for name in columns)])


def cell(value: Any) -> str:
    """A value as text that no spreadsheet runs."""
    text = "" if value is None else "; ".join(value) if isinstance(value, list) else str(value)
    text = escape_control_characters(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: list[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerow(cells)
    return sink.getvalue()
