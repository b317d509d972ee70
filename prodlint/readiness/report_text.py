"""`text`: the report for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.escaping import escape_deeply
from prodlint.reports.terminal import PLAIN, Styler

# Findings and places shown of one item; the other formats have all of them.
_FINDINGS, _PLACES = 5, 3
_STYLE = {"met": "good", "not met": "P0", "cannot be told": "P1", "in part": "P1"}
_MARK = {"met": "+", "not met": "x", "cannot be told": "?", "in part": "/", "does not apply": "-", "exempt": "~"}


def write(report: Mapping[str, Any], *, width: int = 100, ink: Styler = PLAIN) -> Iterator[str]:
    """The report in pieces."""
    report = escape_deeply(report)
    items = {item["id"]: item for item in report["items"]}
    if len(report["items"]) == 1:
        yield from _alone(report["items"][0], width, ink)
        return
    yield from _head(report)
    yield from _categories(report["categories"])
    yield from _change(report["compared"], items)
    yield from _backlog([items[name] for name in report["backlog"]], width, ink)
    for verdict, title in (
        ("cannot be told", "Cannot be told"),
        ("in part", "Met in part"),
        ("met", "Met"),
        ("exempt", "Exempt"),
        ("does not apply", "Does not apply"),
    ):
        yield from _listed(title, [item for item in report["items"] if item["verdict"] == verdict], width, ink)
    yield from _unchecked(report)


def _mark(item: Mapping[str, Any], ink: Styler) -> str:
    return ink.paint(_MARK[item["verdict"]], _STYLE.get(item["verdict"], "dim"))


def _alone(item: Mapping[str, Any], width: int, ink: Styler) -> Iterator[str]:
    """One item with everything that is known of it."""
    yield f"{_mark(item, ink)} {ink.paint(item['title'], 'bold')} [{item['id']}], {item['urgency']}: {item['verdict']}\n"
    yield _wrapped(item["because"], width, "  ")
    for finding in (*item["findings"], *item["aside"]):
        yield f"    {finding['path']}:{finding['line']}:{finding['column']}: {finding['code']} {finding['message']}\n"
    for place in item["places"]:
        yield f"    {place['path']}:{place['line']}: {place['words']}\n"
    for words in (*item["others"], *(f"Fix: {text}" for text in item["fixes"]), *([f"Look: {item['look']}"] if item["look"] else [])):
        yield _wrapped(words, width, "    ")


def named(report: Mapping[str, Any]) -> str:
    """The project, its revision and its date, as far as they are known."""
    who = report["project"]
    at = f" at {who['revision']} of {who['date']}" if who["revision"] else ""
    return f"{who['name']}{at}"


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    counts = report["verdicts"]
    yield f"Production readiness of {named(report)}: {counts['not met']} not met, {counts['met']} met, {counts['in part']} in part, {counts['cannot be told']} cannot be told\n"
    yield f"Level: {report['level'] or 'none yet'}\n"
    for level in report["levels"]:
        if not level["reached"]:
            yield f"  {level['name']}: {len(level['not_met'])} not met, {level['to_look_at']} cannot be told or met in part\n"
    percent = report["score"]["percent"]
    yield f"Score: {'none' if percent is None else f'{percent} %'}: {report['score']['formula']}\n"


def _categories(categories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    width = max((len(category["name"]) for category in categories), default=0)
    yield f"\n{'':{width}}  not met  cannot be told  in part  met  exempt  n/a\n"
    for category in categories:
        counts = category["verdicts"]
        numbers = f"{counts['not met']:7}  {counts['cannot be told']:14}  {counts['in part']:7}  {counts['met']:3}  {counts['exempt']:6}  {counts['does not apply']:3}"
        yield f"{category['name']:{width}}  {numbers}\n"


def _change(compared: Mapping[str, Any] | None, items: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if compared is None:
        return
    yield f"\nSince then: {compared['percent_before']} % -> {compared['percent_now']} %\n"
    for key, words in (("worse", "worse"), ("better", "better"), ("new", "new")):
        for name in compared[key]:
            was = f" (was {items[name]['before']})" if items[name]["before"] else ""
            yield f"  {words}: {items[name]['title']}: {items[name]['verdict']}{was}\n"
    for name in compared["gone"]:
        yield f"  no longer asked: {name}\n"


def _backlog(items: Sequence[Mapping[str, Any]], width: int, ink: Styler) -> Iterator[str]:
    for priority in ("P0", "P1", "P2"):
        mine = [item for item in items if item["urgency"] == priority]
        if mine:
            yield f"\n{ink.paint(f'Backlog {priority}', priority)}\n"
        for item in mine:
            yield f"\n  {_mark(item, ink)} {ink.paint(item['task'], 'bold')} {ink.paint('[' + item['id'] + ']', 'dim')}: {item['because']}\n"
            for finding in item["findings"][:_FINDINGS]:
                yield f"      {finding['path']}:{finding['line']}:{finding['column']}: {finding['code']} {finding['message']}\n"
            if len(item["findings"]) > _FINDINGS:
                yield f"      and {len(item['findings']) - _FINDINGS:,} more\n"
            owners = [f"Owners: {', '.join(item['owners'])}"] if item["owners"] else []
            for words in (*item["others"], *owners, *(f"Fix: {text}" for text in item["fixes"])):
                yield _wrapped(words, width, "      ")


def _listed(title: str, items: Sequence[Mapping[str, Any]], width: int, ink: Styler) -> Iterator[str]:
    if items:
        yield f"\n{ink.paint(title, 'bold')}\n"
    for item in items:
        yield f"  {_mark(item, ink)} {ink.paint(item['urgency'], item['urgency'])} {item['title']}: {item['because']}\n"
        if item["verdict"] == "cannot be told" and item["look"]:
            yield _wrapped(f"Look: {item['look']}", width, "      ")
        if item["verdict"] in ("met", "in part", "cannot be told"):
            shown = ", ".join(f"{place['path']}:{place['line']}" for place in item["places"][:_PLACES])
            more = len(item["places"]) + item["more_places"] - _PLACES
            if shown:
                yield f"      {shown}{f' and {more:,} more' if more > 0 else ''}\n"
        if item["suppressed"]:
            yield f"      {len(item['suppressed']):,} suppressed in comments\n"


def _unchecked(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"\nChecked {report['checked']:,} files.\n"
    for unchecked in report["unchecked"]:
        yield f"  not checked: {unchecked['path']}: {unchecked['why']}\n"
    for note in report["notes"]:
        yield f"  note: {note}\n"


def _wrapped(text: str, width: int, indent: str) -> str:
    return (
        textwrap.fill(
            text, max(width, 40), initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False, break_on_hyphens=False
        )
        + "\n"
    )
