"""`markdown`: the fleet's report for a wiki, an issue or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prodlint.fleet.summary import LEVELS
from prodlint.readiness.report_markdown import code, escaped, words

_MOST = 50
_MOST_MISTAKES = 25
_NAMES = {"none": "no level", "failed": "not checked"}


def write(told: Mapping[str, Any]) -> Iterator[str]:
    """The page in pieces."""
    run, levels = told["run"], told["levels"]
    yield f"# Production readiness of {len(told['repositories']):,} repositories\n\n"
    yield f"Run of {run['day']} with prodlint {told['prodlint']}" + ("" if run["whole"] else "; it did not come to its end") + ".\n\n"
    yield from _table(["level", "repositories"], [[_NAMES.get(level, level), f"{levels[level]:,}"] for level in LEVELS])
    yield from _policy(told["policy"])
    yield from _new(told["new_p0"], told["before"])
    if told["same_secrets"]:
        yield "## The same secret in several repositories\n\n"
        for group in told["same_secrets"][:_MOST]:
            places = ", ".join(code(f"{row['repository']}: {row['path']}:{row['line']}") for row in group["places"])
            more = f" and {group['more']:,} more places" if group["more"] else ""
            yield f"- {escaped(group['rule'])} in {len(group['repositories']):,} repositories: {places}{more}\n"
        yield from _left(len(told["same_secrets"]), "values")
    yield "## Commonest mistakes\n\n"
    yield from _table(
        ["rule", "priority", "repositories", "findings", "before"],
        [
            [
                f"{row['code']} {escaped(row['rule'])}",
                row["priority"],
                f"{row['repositories']:,}",
                f"{row['findings']:,}",
                _number(row["findings_before"]),
            ]
            for row in told["mistakes"][:_MOST_MISTAKES]
        ],
    )
    yield "## Items that most repositories lack\n\n"
    unmet = [row for row in told["items"] if row["verdicts"]["not met"]]
    yield from _table(
        ["item", "category", "not met", "met"],
        [
            [escaped(row["title"]), escaped(row["category"]), f"{row['verdicts']['not met']:,}", f"{row['verdicts']['met']:,}"]
            for row in unmet[:_MOST_MISTAKES]
        ],
    )
    yield "## Owners\n\n"
    owners = [
        [code(row["owner"]) if row["owner"] else "nobody", *(f"{row[key]:,}" for key in ("P0", "P1", "P2", "repositories"))]
        for row in told["owners"][:_MOST]
    ]
    yield from _table(["owner", "P0", "P1", "P2", "repositories"], owners)
    yield "## Repositories\n\n"
    worst = sorted(told["repositories"], key=lambda row: (-LEVELS.index(row["level"]), -(row["p0"] or 0), row["repository"]))
    yield from _table(
        ["repository", "level", "score", "P0", "P1", "P2", "commonest"],
        [
            [
                escaped(row["repository"]),
                _NAMES.get(row["level"], row["level"]),
                "" if row["percent"] is None else f"{row['percent']} %",
                *(_number(row[key]) for key in ("p0", "p1", "p2")),
                escaped(", ".join(row["commonest"][:2])),
            ]
            for row in worst[:_MOST]
        ],
    )
    yield from _left(len(worst), "repositories (`-o report.csv` has them all)")
    if told["errors"]:
        yield "## Not checked\n\n"
        yield from _table(
            ["repository", "kind", "why"], [[escaped(row["repository"]), row["kind"], words(row["why"])] for row in told["errors"][:_MOST]]
        )
        yield from _left(len(told["errors"]), "repositories")


def _policy(policy: Mapping[str, Any] | None) -> Iterator[str]:
    if policy is None:
        return
    counting = [row for row in policy["short"] if not row["exempt"]]
    yield f"## Demands: {len(counting):,} not met, {len(policy['short']) - len(counting):,} exempt\n\n"
    yield from _table(
        ["repository", "tier", "falls short"],
        [[escaped(row["repository"]), escaped(row["tier"]), words(row["words"])] for row in counting[:_MOST]],
    )
    yield from _left(len(counting), "demands")
    for row in policy["ended"]:
        yield f"- The exemption of {escaped(', '.join(row['repositories']))} ended on {row['until']}: {escaped(row['reason'])}\n"
    yield "\n" if policy["ended"] else ""


def _new(new: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> Iterator[str]:
    if new is None or before is None:
        return
    yield f"## P0 since {before['day']}: {new['count']:,} new, {new['gone']:,} gone\n\n"
    yield from _findings(new["first"][:_MOST])
    yield from _left(new["count"], "findings")


def write_difference(told: Mapping[str, Any]) -> Iterator[str]:
    """What is new and what is gone between two runs."""
    yield f"# From {told['old']['day']} to {told['now']['day']}\n\n"
    yield f"Runs {told['old']['id']} and {told['now']['id']}: {len(told['new']):,} findings are new, {len(told['gone']):,} are gone.\n\n"
    for name in ("new", "gone"):
        if told[name]:
            yield f"## {name.capitalize()}\n\n"
            yield from _findings(told[name])
    if told["levels"]:
        yield "## Levels\n\n"
        rows = [[escaped(row["repository"]), row["before"], row["now"], "better" if row["better"] else "worse"] for row in told["levels"]]
        yield from _table(["repository", "before", "now", ""], rows)
    for name in ("new", "gone"):
        if told[f"repositories_{name}"]:
            yield f"## Repositories that are {name}\n\n" + "".join(f"- {escaped(each)}\n" for each in told[f"repositories_{name}"]) + "\n"


def _findings(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield from _table(
        ["priority", "repository", "place", "rule", "message"],
        [
            [
                row["priority"],
                escaped(row["repository"]),
                code(f"{row['path']}:{row['line']}"),
                f"{row['code']} {escaped(row['rule'])}",
                words(row["message"]),
            ]
            for row in rows
        ],
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        yield "Nothing.\n\n"
        return
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"
    yield "\n"


def _left(count: int, things: str) -> Iterator[str]:
    if count > _MOST:
        yield f"And {count - _MOST:,} more {things}.\n\n"
