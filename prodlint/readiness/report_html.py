"""`html`: the report as one page: no network, readable without JavaScript. Whatever comes from the project is escaped."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any

from prodlint.readiness.answers import VERDICTS
from prodlint.reports.material import ReportContext

# Findings of one item that are shown at once, and that are shown with their lines; the others are listed behind a fold.
_OPEN = 6
_WITH_LINES = 40
_AROUND = 2
_WIDEST = 220
# Characters that turn or hide the text beside them.
_INVISIBLE = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SIGN = {"met": "✓", "not met": "✕", "cannot be told": "?", "in part": "◐", "does not apply": "–", "exempt": "‖"}


def text(value: object) -> str:
    """A value as the text of a page: nothing in it is markup, and nothing in it is invisible."""
    return escape(_INVISIBLE.sub(lambda found: f"\\u{ord(found.group()):04x}", str(value)))


def words(value: str) -> str:
    """A message: what stands in backticks is code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(f"<code>{text(part)}</code>" if number % 2 else text(part) for number, part in enumerate(parts))


def write(report: Mapping[str, Any], material: ReportContext) -> Iterator[str]:
    """The page in pieces."""
    style, script = _beside("page.css"), _beside("page.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    yield f'<meta name="generator" content="prodlint {text(report["tool"]["version"])}">\n'
    yield f"<title>{text(report['project']['name'])}: production readiness, {report['verdicts']['not met']} not met</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield '<a class="skip" href="#items">Skip to the items</a>\n'
    yield from _head(report)
    yield "<main>\n"
    yield from _overview(report["categories"])
    items = {item["id"]: item for item in report["items"]}
    yield from _change(report["compared"], items)
    yield from _backlog([items[name] for name in report["backlog"]])
    yield from _filters(report)
    for category in report["categories"]:
        yield from _category(category["name"], [item for item in report["items"] if item["category"] == category["name"]], material)
    yield "</main>\n"
    yield from _foot(report)
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _beside(name: str) -> str:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as handle:
        return handle.read()


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _class(verdict: str) -> str:
    return verdict.replace(" ", "-")


def _badge(verdict: str) -> str:
    return f'<span class="badge {_class(verdict)}"><span aria-hidden="true">{_SIGN[verdict]} </span>{verdict}</span>'


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    counts = report["verdicts"]
    items = {item["id"]: item for item in report["items"]}
    yield '<header>\n<div class="hero">\n<div>\n'
    yield f'<h1>Production readiness of {text(report["project"]["name"])}</h1>\n<p class="identity">{_identity(report)}</p>\n'
    yield f'<p class="lead">{_lead(report)}</p>\n'
    yield from _levels(report, items)
    yield f"</div>\n{_ring(report)}</div>\n"
    yield '<ul class="tiles">\n'
    for verdicts, label in (
        (("not met",), "not met"),
        (("cannot be told",), "cannot be told"),
        (("in part",), "met in part"),
        (("met",), "met"),
        (("does not apply", "exempt"), "exempt or not applicable"),
    ):
        number = sum(counts[verdict] for verdict in verdicts)
        yield f'<li><a class="tile {_class(verdicts[0])}" href="#items" data-only="{",".join(verdicts)}"><b>{number}</b> {label}</a></li>\n'
    yield "</ul>\n</header>\n"


def _identity(report: Mapping[str, Any]) -> str:
    """Revision, date and version, as far as they are known."""
    who = report["project"]
    parts = [f"revision <code>{text(who['revision'])}</code>"] if who["revision"] else ["no git revision"]
    parts += [f'committed on <time datetime="{text(who["date"])}">{text(who["date"])}</time>'] if who["date"] else []
    checked = "one file" if report["checked"] == 1 else f"{report['checked']:,} files"
    return " · ".join((*parts, f"{checked} checked", f"prodlint {text(report['tool']['version'])}"))


def _lead(report: Mapping[str, Any]) -> str:
    """The report in one sentence."""
    unmet = [item for item in report["items"] if item["verdict"] == "not met"]
    first = sum(item["urgency"] == "P0" for item in unmet)
    if not report["checked"]:
        return "<b>Nothing was looked at</b>"
    if first:
        return f"<b>{_items(first)} to fix before launch</b>"
    if unmet:
        return f"<b>No known blocker</b>{_items(len(unmet))} to fix after the launch."
    left = sum(item["verdict"] in ("cannot be told", "in part") for item in report["items"])
    return f"<b>Nothing is known to be unmet</b>{_items(left)} to look at." if left else "<b>Everything is met</b>"


def _items(number: int) -> str:
    return "One item" if number == 1 else f"{number} items"


def _levels(report: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Which level is reached, and what is missing for the next."""
    levels: Sequence[Mapping[str, Any]] = report["levels"]
    yield '<ol class="levels" aria-label="Levels">\n'
    for level in levels:
        missing, look = len(level["not_met"]), level["to_look_at"]
        left = [f"{missing} not met"] if missing else []
        left += [f"{look} cannot be told or met in part"] if look else []
        state = "✓ reached" if level["reached"] else ", ".join(left) or "all met, the one before is not"
        yield f'<li class="{"reached" if level["reached"] else ""}"><b>{level["name"].capitalize()}</b> <span>{state}</span></li>\n'
    yield "</ol>\n"
    if not report["service"] or not report["checked"]:
        yield f'<p class="faint">{"No level: no service is deployed from here." if report["checked"] else "No level: nothing was looked at."}</p>\n'
        return
    following = next((level for level in levels if not level["reached"]), None)
    reached = text(report["level"] or "none yet")
    if following is None:
        yield f'<p class="faint">Level reached: <b>{reached}</b>, the highest.</p>\n'
        return
    missing_items = [items[name] for name in (*following["not_met"], *following.get("open", ())) if name in items]
    yield f'<details class="more missing"><summary>Level reached: {reached}. Missing for {following["name"]}: {len(missing_items)}</summary>\n<ul class="plain">\n'
    for item in missing_items:
        yield f'<li><a href="#{text(item["id"])}">{text(item["title"])}</a> <span class="faint">{text(item["verdict"])}</span></li>\n'
    yield "</ul>\n</details>\n"


_RING = ("met", "in part", "cannot be told", "not met")


def _ring(report: Mapping[str, Any]) -> str:
    """The items that apply as a ring, open ones too, and the score with its formula."""
    counts, score = report["verdicts"], report["score"]
    total = sum(counts[verdict] for verdict in _RING)
    parts, at = [], 0.0
    for verdict in _RING:
        share = counts[verdict] * 100 / total if total else 0
        if share:
            parts.append(
                f'<circle class="part {_class(verdict)}" cx="18" cy="18" r="15.915" pathLength="100" stroke-dasharray="{max(share - 0.6, 0.2):.2f} {100 - max(share - 0.6, 0.2):.2f}" stroke-dashoffset="{-at:.2f}"/>'
            )
        at += share
    percent = score["percent"]
    shown = f"{counts['met']}/{total}" if percent is None else f"{percent} %"
    open_items = counts["cannot be told"] + counts["in part"]
    label = f"{counts['met']} of {total} items met, {open_items} open, {counts['not met']} not met"
    told = f"<b>Score {shown}</b> {text(score['formula'])}." if percent is not None else f"<b>No score</b> {text(score['formula'])}."
    return (
        f'<div class="score">\n<svg viewBox="0 0 36 36" role="img" aria-label="{label}"><circle cx="18" cy="18" r="15.915"/>{"".join(parts)}'
        f'<text x="18" y="20.6" text-anchor="middle">{shown}</text></svg>\n<p><b>{label}</b> {told}</p>\n</div>\n'
    )


def _overview(categories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2 id="overview">Overview</h2>\n<div class="scroll card" tabindex="0" role="region" aria-labelledby="overview"><table>\n<thead><tr>'
    yield '<th scope="col">Category</th><th scope="col" class="bar">Share</th>'
    yield (
        "".join(f'<th scope="col" class="number {_class(name)}">{name.capitalize()}</th>' for name in VERDICTS) + "</tr></thead>\n<tbody>\n"
    )
    for category in categories:
        counts, bar = category["verdicts"], _bar(category["verdicts"])
        numbers = "".join(f'<td class="number {_class(name)}{"" if counts[name] else " none"}">{counts[name]}</td>' for name in VERDICTS)
        yield f'<tr><th scope="row">{text(category["name"])}<div class="narrow">{bar}</div></th><td class="bar">{bar}</td>{numbers}</tr>\n'
    yield "</tbody></table></div>\n"


def _bar(counts: Mapping[str, int]) -> str:
    """The shares of the answers, side by side. The numbers stand in the cells beside it."""
    total = sum(counts.values()) or 1
    pieces, at = [], 0.0
    for verdict in VERDICTS:
        width = counts[verdict] * 100 / total
        if width:
            pieces.append(
                f'<rect class="s-{_class(verdict)}" x="{at:.2f}" y="0" width="{max(width - 0.5, 0.2):.2f}" height="10"><title>{verdict}: {counts[verdict]}</title></rect>'
            )
        at += width
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">{"".join(pieces)}</svg>'


def _change(compared: Mapping[str, Any] | None, items: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if compared is None:
        return
    yield '<h2 id="change">Change</h2>\n<div class="card pad">\n'
    before, now = compared["percent_before"], compared["percent_now"]
    if isinstance(before, (int, float)) and isinstance(now, (int, float)):
        yield _arrow(int(before), int(now))
    yield '<div class="columns">\n'
    for key, title in (("worse", "Got worse"), ("better", "Got better"), ("new", "Asked for the first time")):
        if compared[key]:
            yield f'<div>\n<h3>{title} <span class="count">{len(compared[key])}</span></h3>\n<ul class="plain">\n'
            for name in compared[key]:
                was = f", was {text(items[name]['before'])}" if items[name]["before"] else ""
                yield f'<li><a href="#{text(name)}">{text(items[name]["title"])}</a> <span class="faint">{text(items[name]["verdict"])}{was}</span></li>\n'
            yield "</ul>\n</div>\n"
    yield "</div>\n"
    if not (compared["worse"] or compared["better"]):
        yield "<p>No item got better or worse.</p>\n"
    if compared["gone"]:
        yield f'<p class="faint">No longer asked: {", ".join(text(name) for name in compared["gone"])}.</p>\n'
    yield "</div>\n"


def _arrow(before: int, now: int) -> str:
    """Two bars, the earlier score over the present one."""
    rows = "".join(
        f'<text x="0" y="{y + 11}">{label}</text><rect class="s-does-not-apply" x="60" y="{y}" width="300" height="14"/>'
        f'<rect class="s-{kind}" x="60" y="{y}" width="{max(min(value, 100), 0) * 3}" height="14"/><text x="366" y="{y + 11}">{value} %</text>'
        for y, label, value, kind in ((2, "before", before, "exempt"), (24, "now", now, "met" if now >= before else "not-met"))
    )
    return f'<svg class="change" viewBox="0 0 420 44" role="img" aria-label="Score: {before} per cent before, {now} per cent now">{rows}</svg>\n'


_WHEN = {"P0": "before launch", "P1": "in the first week", "P2": "in the first month"}


def _backlog(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is to be done: each task with the number of its places and its shortest fix."""
    yield '<h2 id="backlog">Backlog</h2>\n'
    if not items:
        yield '<p class="card pad">Nothing is known to be unmet.</p>\n'
    for priority in ("P0", "P1", "P2"):
        mine = [item for item in items if item["urgency"] == priority]
        if mine:
            opened = " open" if priority == "P0" or mine[0] is items[0] else ""
            yield f'<details class="card group"{opened}>\n<summary><h3>{_priority(priority)} Fix {_WHEN[priority]} <span class="count">{len(mine)}</span></h3></summary>\n'
            yield '<ol class="backlog">\n'
            for item in mine:
                yield f'<li><a href="#{text(item["id"])}">{text(item["task"])}</a><span class="because">{_amount(item)}</span>{_shortest(item)}</li>\n'
            yield "</ol>\n</details>\n"


def _amount(item: Mapping[str, Any]) -> str:
    """How many places a task has."""
    if not item["findings"]:
        return words(item["because"])
    number, files = len(item["findings"]), len({finding["path"] for finding in item["findings"]})
    return f"{number:,} place{'s' if number != 1 else ''} in {files:,} file{'s' if files != 1 else ''}"


def _shortest(item: Mapping[str, Any]) -> str:
    """The shortest fix of an item, and how much of it `--fix` does."""
    parts = [f"Shortest fix: {words(min(item['fixes'], key=len))}"] if item["fixes"] else []
    if item["fixable"]:
        parts.append(
            f"<code>prodlint check --fix</code> writes {item['fixable']:,} of {len(item['findings']):,} (review with <code>--diff</code>)."
        )
    return f'<span class="fix">{" ".join(parts)}</span>' if parts else ""


def _priority(priority: str) -> str:
    return f'<span class="priority {priority.lower()}">{priority}</span>'


def _filters(report: Mapping[str, Any]) -> Iterator[str]:
    yield '<h2 id="items">Items</h2>\n<form id="filters" class="js card" role="search" aria-label="Filter the items">\n'
    yield '<label class="search"><span class="hidden">Search</span><input type="search" name="search" autocomplete="off" placeholder="Search: SBOM, health check, dead letter … (press /)"></label>\n'
    yield '<label><span class="hidden">Category</span><select name="category"><option value="">All categories</option>'
    yield "".join(f"<option>{text(category['name'])}</option>" for category in report["categories"]) + "</select></label>\n"
    for name, values in (("priority", ("P0", "P1", "P2")), ("verdict", VERDICTS)):
        boxes = "".join(
            f'<label class="pill {_class(value).lower()}"><input type="checkbox" name="{name}" value="{value}" checked><span>{value}</span></label>'
            for value in values
        )
        yield f'<fieldset><legend class="hidden">{"Priority" if name == "priority" else "Answer"}</legend>{boxes}</fieldset>\n'
    yield '<div class="tools"><span id="told" class="faint" role="status"></span>'
    yield '<button type="reset">Show all</button><button type="button" id="open-all">Open all</button><button type="button" id="close-all">Close all</button></div>\n'
    yield "</form>\n"


def _category(name: str, items: Sequence[Mapping[str, Any]], material: ReportContext) -> Iterator[str]:
    unmet = sum(item["verdict"] == "not met" for item in items)
    yield f'<section class="category" aria-label="{text(name)}">\n<h3>{text(name)} <span class="faint">{unmet or "none"} of {len(items)} not met</span></h3>\n<div class="list card">\n'
    for item in items:
        yield from _item(item, material)
    yield "</div>\n</section>\n"


def _item(item: Mapping[str, Any], material: ReportContext) -> Iterator[str]:
    verdict = item["verdict"]
    opened = " open" if verdict == "not met" and item["urgency"] == "P0" else ""
    yield f'<details class="item {_class(verdict)}" id="{text(item["id"])}" data-category="{text(item["category"])}" '
    yield f'data-priority="{item["urgency"]}" data-verdict="{verdict}" data-words="{text(" ".join((item["id"].replace("-", " "), *item["words"])))}"{opened}>\n<summary>{_badge(verdict)} '
    yield f'<span class="title">{text(item["title"])}{_changed(item)}</span> {_priority(item["urgency"])} '
    yield f'<span class="because">{words(item["because"])}</span></summary>\n<div class="body">\n'
    if item["why"]:
        yield f'<p class="why">{words(item["why"])}</p>\n'
    if item["exempt"]:
        until = f", until {text(item['exempt']['until'])}" if item["exempt"]["until"] else ""
        yield f'<p class="note"><b>Exempt</b> {text(item["exempt"]["reason"])}{until}</p>\n'
    if item["fixes"]:
        fixes = "".join(f"<li>{words(fix)}</li>" for fix in sorted(item["fixes"], key=len))
        yield f'<div class="note good"><b>How to fix it</b><ul>{fixes}</ul></div>\n'
    if item["look"] and verdict in ("cannot be told", "in part", "met"):
        yield f'<p class="note look"><b>What to look at</b> {words(item["look"])}</p>\n'
    if item["owners"]:
        yield f'<p class="note"><b>Owners</b> {text(", ".join(item["owners"]))}</p>\n'
    for others in item["others"]:
        yield f'<p class="note"><b>Another tool</b> {words(others)}</p>\n'
    yield from _findings(item["findings"], material)
    yield from _places(item)
    for key, title in (
        ("aside", "Found, and does not decide (tests, examples, of less weight, or of a rule that is off by default)"),
        ("suppressed", "Suppressed in comments"),
    ):
        if item[key]:
            yield f'<details class="more"><summary>{title}: {len(item[key]):,}</summary><ul class="found">\n'
            yield "".join(_line_of(finding) for finding in item[key])
            yield "</ul></details>\n"
    yield f'<p class="terminal"><span class="label">In the terminal</span> <code>{text(item["command"])}</code></p>\n'
    yield f'<p class="rules">{_rules(item)}<a href="#{text(item["id"])}">Permalink</a><button type="button" class="js" data-link="{text(item["id"])}">Copy link</button></p>\n'
    yield "</div>\n</details>\n"


def _changed(item: Mapping[str, Any]) -> str:
    if not item["change"]:
        return ""
    return f' <span class="change faint">({item["change"]}, was {text(item["before"])})</span>'


def _rules(item: Mapping[str, Any]) -> str:
    return "".join(
        f'<a class="rule" href="{text(r["url"])}" rel="noreferrer">{text(r["code"])} <span>{text(r["name"])}</span></a>'
        if r["url"]
        else f'<span class="rule">{text(r["code"])} <span>{text(r["name"])}</span></span>'
        for r in item["rules"]
    )


def _findings(findings: Sequence[Mapping[str, Any]], material: ReportContext) -> Iterator[str]:
    if not findings:
        return
    yield '<ul class="found">\n'
    for finding in findings[:_OPEN]:
        yield _line_of(finding, _excerpt(finding, material))
    yield "</ul>\n"
    if len(findings) > _OPEN:
        yield f'<details class="more"><summary>and {len(findings) - _OPEN:,} more</summary><ul class="found">\n'
        for finding in findings[_OPEN:_WITH_LINES]:
            yield _line_of(finding, _excerpt(finding, material))
        yield "".join(_line_of(finding) for finding in findings[_WITH_LINES:])
        yield "</ul></details>\n"


def _line_of(finding: Mapping[str, Any], excerpt: str = "") -> str:
    reason = f" ({text(finding['reason'])})" if finding.get("reason") else ""
    place = f"{finding['path']}:{finding['line']}:{finding['column']}"
    return (
        f'<li><span class="message">{words(finding["message"])}</span> <span class="where"><code>{text(place)}</code> '
        f"{text(finding['code'])} {finding['priority']}{reason}</span>{excerpt}</li>\n"
    )


def _excerpt(finding: Mapping[str, Any], material: ReportContext) -> str:
    """The lines around a finding, what it marks marked."""
    number, path = finding["line"], finding["path"]
    lines = []
    for at in range(max(number - _AROUND, 1), number + _AROUND + 1):
        line = material.redaction.line(path, at)
        if not line.length and not line.text:
            if at == number:
                return ""
            lines.append((at, "", False))
            continue
        if at != number:
            lines.append((at, text(line.text[:_WIDEST]), False))
            continue
        start = line.at(finding["column"])
        end = line.at(finding["end_column"], end=True) if finding["end_line"] == number else len(line.text)
        left = max(start - 60, 0) if start > _WIDEST - 40 else 0
        before, marked, after = line.text[left:start], line.text[start : min(end, start + _WIDEST)], line.text[end : left + _WIDEST]
        cut = "…" if left else ""
        lines.append((at, f"{cut}{text(before)}<mark>{text(marked)}</mark>{text(after)}", True))
    while lines and not lines[-1][1]:
        lines.pop()
    while lines and not lines[0][1]:
        lines.pop(0)
    shown = "".join(f"<span{' class=hit' if hit else ''}><i>{at}</i>{content}</span>" for at, content, hit in lines)
    return f'<pre tabindex="0" role="group" aria-label="{text(path)}, line {number}">{shown}</pre>'


def _places(item: Mapping[str, Any]) -> Iterator[str]:
    if not item["places"]:
        return
    title = "Places that show it" if item["verdict"] == "met" else "Places to look at"
    yield f'<p class="label">{title}</p>\n<ul class="places">\n'
    for place in item["places"]:
        yield f"<li><code>{text(place['path'])}:{place['line']}</code> {words(place['words'])}</li>\n"
    if item["more_places"]:
        yield f'<li class="faint">and {item["more_places"]:,} more</li>\n'
    yield "</ul>\n"


def _foot(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<footer>\n"
    if report["unchecked"]:
        yield f"<h2>Not checked: {len(report['unchecked']):,}</h2>\n<ul>\n"
        yield "".join(f"<li><code>{text(u['path'])}</code> {text(u['why'])}</li>\n" for u in report["unchecked"]) + "</ul>\n"
    for note in report["notes"]:
        yield f"<p>{words(note)}</p>\n"
    yield "<p>What cannot be told from the code is not counted as met. prodlint reads files; it runs nothing and asks no network.</p>\n</footer>\n"
