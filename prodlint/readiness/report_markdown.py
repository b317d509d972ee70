"""`markdown`: the report for `$GITHUB_STEP_SUMMARY`, a pull request or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.escaping import escape_control_characters

_FINDINGS, _PLACES = 20, 5
_SIGN = {"met": "✅", "not met": "❌", "cannot be told": "👀", "in part": "◐", "does not apply": "➖", "exempt": "⏸️"}
# What Markdown or HTML would take for something else; names of files and messages are other people's.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!@&])")


def escaped(text: str) -> str:
    """A text on one line, in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", escape_control_characters(" ".join(text.split())))


def code(text: str) -> str:
    """A text as code."""
    flat = escape_control_characters(" ".join(text.split())).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat[:1] == "`" or flat[-1:] == "`" else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def words(text: str) -> str:
    """A message: what stands in backticks is code, the rest is text."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escaped(text)
    return "".join(code(part) if number % 2 and part else escaped(part) if part.strip() else part for number, part in _spaced(parts))


def _spaced(parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    for number, part in enumerate(parts):
        if number % 2:
            yield number, part
            continue
        # `escaped` folds blanks; those at the ends part the words from the code.
        yield 0, " " if part[:1].isspace() and part.strip() else ""
        yield 0, part
        yield 0, " " if part[-1:].isspace() and part.strip() else ""


def write(report: Mapping[str, Any]) -> Iterator[str]:
    """The report in pieces."""
    items = {item["id"]: item for item in report["items"]}
    counts = report["verdicts"]
    who = report["project"]
    at = f" at {code(who['revision'])} of {who['date']}" if who["revision"] else ""
    yield f"# Production readiness\n\n{escaped(who['name'])}{at}, prodlint {report['tool']['version']}\n\n"
    yield f"**{counts['not met']} not met**, {counts['met']} met, {counts['in part']} in part, {counts['cannot be told']} cannot be told. Level: **{report['level'] or 'none yet'}**."
    percent = report["score"]["percent"]
    yield f" Score: **{'none' if percent is None else f'{percent} %'}**.\n\n"
    yield from _categories(report["categories"])
    yield from _change(report["compared"], items)
    yield from _backlog([items[name] for name in report["backlog"]])
    for verdict, title in (
        ("cannot be told", "Cannot be told"),
        ("in part", "Met in part"),
        ("met", "Met"),
        ("exempt", "Exempt"),
        ("does not apply", "Does not apply"),
    ):
        yield from _listed(title, [item for item in report["items"] if item["verdict"] == verdict])
    yield from _foot(report)


def _categories(categories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| Category | Not met | Cannot be told | In part | Met | Exempt | Does not apply |\n|---|--:|--:|--:|--:|--:|--:|\n"
    for category in categories:
        counts = category["verdicts"]
        numbers = " | ".join(str(counts[name]) for name in ("not met", "cannot be told", "in part", "met", "exempt", "does not apply"))
        yield f"| {escaped(category['name'])} | {numbers} |\n"
    yield "\n"


def _change(compared: Mapping[str, Any] | None, items: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if compared is None:
        return
    yield f"## Change\n\n{compared['percent_before']} % → {compared['percent_now']} %\n\n"
    for key, sign in (("worse", "🔻"), ("better", "🔺"), ("new", "🆕")):
        for name in compared[key]:
            was = f", was {items[name]['before']}" if items[name]["before"] else ""
            yield f"- {sign} {escaped(items[name]['title'])}: {items[name]['verdict']}{was}\n"
    yield "\n"


def _backlog(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if items:
        yield "## Backlog\n\n"
    for priority in ("P0", "P1", "P2"):
        mine = [item for item in items if item["urgency"] == priority]
        if mine:
            yield f"### {priority}\n\n"
        for item in mine:
            yield f"- ❌ **{escaped(item['task'])}**: {words(item['because'])}\n"
            for finding in item["findings"][:_FINDINGS]:
                name = f"[{finding['code']}]({_url(item, finding['code'])})" if _url(item, finding["code"]) else finding["code"]
                place = code(f"{finding['path']}:{finding['line']}")
                yield f"  - {place} {name} {words(finding['message'])}\n"
            if len(item["findings"]) > _FINDINGS:
                yield f"  - and {len(item['findings']) - _FINDINGS:,} more\n"
            for text in item["others"]:
                yield f"  - {words(text)}\n"
            if item["owners"]:
                yield f"  - *Owners:* {', '.join(map(code, item['owners']))}\n"
            for text in item["fixes"]:
                yield f"  - *Fix:* {words(text)}\n"
        if mine:
            yield "\n"


def _url(item: Mapping[str, Any], wanted: str) -> str:
    return next((str(rule["url"]) for rule in item["rules"] if rule["code"] == wanted), "")


def _listed(title: str, items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not items:
        return
    yield f"<details><summary>{title}: {len(items)}</summary>\n\n"
    for item in items:
        yield f"- {_SIGN[item['verdict']]} {item['priority']} **{escaped(item['title'])}**: {words(item['because'])}\n"
        if item["verdict"] == "cannot be told" and item["look"]:
            yield f"  - *Look:* {words(item['look'])}\n"
        if item["verdict"] in ("met", "in part", "cannot be told") and item["places"]:
            shown = ", ".join(code(f"{place['path']}:{place['line']}") for place in item["places"][:_PLACES])
            more = len(item["places"]) + item["more_places"] - _PLACES
            yield f"  - {shown}{f' and {more:,} more' if more > 0 else ''}\n"
    yield "\n</details>\n\n"


def _foot(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"Score: {report['score']['formula']}.\n\n"
    yield f"Checked {report['checked']:,} files with prodlint {report['tool']['version']}.\n"
    for unchecked in report["unchecked"]:
        yield f"- Not checked: {code(unchecked['path'])}: {escaped(unchecked['why'])}\n"
    for note in report["notes"]:
        yield f"- {words(note)}\n"
