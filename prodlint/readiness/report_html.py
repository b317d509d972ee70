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
from prodlint.reports.material import Material

# Findings of one item that are shown with their lines; the others are listed behind a fold.
_WITH_LINES = 40
_AROUND = 2
_WIDEST = 220
# Characters that turn or hide the text beside them.
_INVISIBLE = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SIGN = {"met": "✓", "not met": "✕", "cannot be told": "?", "does not apply": "–", "exempt": "‖"}


def text(value: object) -> str:
    """A value as the text of a page: nothing in it is markup, and nothing in it is invisible."""
    return escape(_INVISIBLE.sub(lambda found: f"\\u{ord(found.group()):04x}", str(value)))


def words(value: str) -> str:
    """A message: what stands in backticks is code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return "".join(f"<code>{text(part)}</code>" if number % 2 else text(part) for number, part in enumerate(parts))


def write(report: Mapping[str, Any], material: Material) -> Iterator[str]:
    """The page in pieces."""
    style, script = _beside("page.css"), _beside("page.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    yield f"<title>Production readiness: {report['verdicts']['not met']} not met</title>\n<style>{style}</style>\n</head>\n<body>\n"
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
    counts, score = report["verdicts"], report["score"]
    yield "<header>\n<h1>Production readiness</h1>\n"
    yield f'<p class="faint">{report["checked"]:,} files checked with prodlint {text(report["tool"]["version"])}</p>\n<ul class="figures">\n'
    yield f"<li><b>{counts['not met']}</b><span>not met</span></li>\n<li><b>{counts['met']}</b><span>met</span></li>\n"
    yield f"<li><b>{counts['cannot be told']}</b><span>to look at</span></li>\n"
    yield f"<li><b>{counts['does not apply'] + counts['exempt']}</b><span>exempt or not applicable</span></li>\n"
    yield _score(score)
    yield '<ul class="levels" aria-label="Levels">\n'
    for level in report["levels"]:
        missing = len(level["not_met"])
        words_ = "reached" if level["reached"] else f"{missing} not met" if missing else "nothing unmet"
        look = f", {level['to_look_at']} to look at" if level["to_look_at"] else ""
        yield f'<li class="{"reached" if level["reached"] else ""}">{level["name"].capitalize()}: {words_}{look}</li>\n'
    yield f'</ul>\n<p class="faint">Score: {text(score["formula"])}.</p>\n</header>\n'


def _score(score: Mapping[str, Any]) -> str:
    shown = "–" if score["percent"] is None else f"{score['percent']} %"
    return f"<li><b>{shown}</b><span>score, of what can be told</span></li>\n</ul>\n"


def _overview(categories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2 id="overview">Overview</h2>\n<div class="scroll" tabindex="0" role="region" aria-labelledby="overview"><table>\n<thead><tr>'
    yield '<th scope="col">Category</th><th scope="col" class="bar">Share</th>'
    yield "".join(f'<th scope="col" class="number">{name.capitalize()}</th>' for name in VERDICTS) + "</tr></thead>\n<tbody>\n"
    for category in categories:
        counts = category["verdicts"]
        numbers = "".join(f'<td class="number">{counts[name]}</td>' for name in VERDICTS)
        yield f'<tr><th scope="row">{text(category["name"])}</th><td class="bar">{_bar(counts)}</td>{numbers}</tr>\n'
    yield "</tbody></table></div>\n"


def _bar(counts: Mapping[str, int]) -> str:
    """The shares of the answers, side by side. The numbers stand in the cells beside it."""
    total = sum(counts.values()) or 1
    pieces, at = [], 0.0
    for verdict in VERDICTS:
        width = counts[verdict] * 100 / total
        if width:
            pieces.append(
                f'<rect class="s-{_class(verdict)}" x="{at:.2f}" y="0" width="{max(width - 0.4, 0.2):.2f}" height="14"><title>{verdict}: {counts[verdict]}</title></rect>'
            )
        at += width
    return f'<svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" focusable="false">{"".join(pieces)}</svg>'


def _change(compared: Mapping[str, Any] | None, items: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if compared is None:
        return
    yield '<h2 id="change">Change</h2>\n'
    before, now = compared["percent_before"], compared["percent_now"]
    if isinstance(before, (int, float)) and isinstance(now, (int, float)):
        yield _arrow(int(before), int(now))
    for key, title in (("worse", "Got worse"), ("better", "Got better"), ("new", "Asked for the first time")):
        if compared[key]:
            yield f"<h3>{title}: {len(compared[key])}</h3>\n<ul>\n"
            for name in compared[key]:
                was = f", was {text(items[name]['before'])}" if items[name]["before"] else ""
                yield f'<li><a href="#{text(name)}">{text(items[name]["title"])}</a>: {text(items[name]["verdict"])}{was}</li>\n'
            yield "</ul>\n"
    if not (compared["worse"] or compared["better"]):
        yield "<p>No item got better or worse.</p>\n"


def _arrow(before: int, now: int) -> str:
    """Two bars, the earlier score over the present one."""
    rows = "".join(
        f'<text x="0" y="{y + 11}">{label}</text><rect class="s-does-not-apply" x="60" y="{y}" width="300" height="14"/>'
        f'<rect class="s-{kind}" x="60" y="{y}" width="{max(min(value, 100), 0) * 3}" height="14"/><text x="366" y="{y + 11}">{value} %</text>'
        for y, label, value, kind in ((2, "before", before, "exempt"), (24, "now", now, "met" if now >= before else "not-met"))
    )
    return f'<svg class="change" viewBox="0 0 420 44" role="img" aria-label="Score: {before} per cent before, {now} per cent now">{rows}</svg>\n'


def _backlog(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2 id="backlog">Backlog</h2>\n'
    if not items:
        yield "<p>Nothing is unmet.</p>\n"
    for priority in ("P0", "P1", "P2"):
        mine = [item for item in items if item["urgency"] == priority]
        if mine:
            yield f"<h3>{priority}</h3>\n<ol>\n"
            yield "".join(
                f'<li><a href="#{text(item["id"])}">{text(item["title"])}</a> <span class="faint">{words(item["because"])}</span></li>\n'
                for item in mine
            )
            yield "</ol>\n"


def _filters(report: Mapping[str, Any]) -> Iterator[str]:
    yield '<h2 id="items">Items</h2>\n<form id="filters" class="js" role="search" aria-label="Filter the items">\n'
    yield '<label>Search <span class="faint">(key /)</span><input type="search" name="search" autocomplete="off"></label>\n'
    yield '<label>Category<select name="category"><option value="">all</option>'
    yield "".join(f"<option>{text(category['name'])}</option>" for category in report["categories"]) + "</select></label>\n"
    for name, values in (("priority", ("P0", "P1", "P2")), ("verdict", VERDICTS)):
        boxes = "".join(f'<label><input type="checkbox" name="{name}" value="{value}" checked> {value}</label>' for value in values)
        yield f"<fieldset><legend>{'Priority' if name == 'priority' else 'Answer'}</legend>{boxes}</fieldset>\n"
    yield '<span><button type="reset">Show all</button> <button type="button" id="open-all">Open all</button> <button type="button" id="close-all">Close all</button></span>\n'
    yield '</form>\n<p id="told" class="js faint" role="status"></p>\n'


def _category(name: str, items: Sequence[Mapping[str, Any]], material: Material) -> Iterator[str]:
    yield f'<section class="category" aria-label="{text(name)}">\n<h3>{text(name)}</h3>\n'
    for item in items:
        yield from _item(item, material)
    yield "</section>\n"


def _item(item: Mapping[str, Any], material: Material) -> Iterator[str]:
    verdict = item["verdict"]
    opened = " open" if verdict == "not met" else ""
    yield f'<details class="item {_class(verdict)}" id="{text(item["id"])}" data-category="{text(item["category"])}" '
    yield f'data-priority="{item["priority"]}" data-verdict="{verdict}"{opened}>\n<summary>{_badge(verdict)} <span>{item["priority"]}</span> '
    yield f'<span class="title">{text(item["title"])}{_changed(item)}</span> <span class="because">{words(item["because"])}</span></summary>\n<div class="body">\n'
    if item["why"]:
        yield f'<p class="told">{words(item["why"])}</p>\n'
    if item["exempt"]:
        until = f", until {text(item['exempt']['until'])}" if item["exempt"]["until"] else ""
        yield f'<p class="told"><b>Exempt:</b> {text(item["exempt"]["reason"])}{until}</p>\n'
    yield from _findings(item, item["findings"], material)
    for others in item["others"]:
        yield f'<p class="told">{words(others)}</p>\n'
    for fix in item["fixes"]:
        yield f'<p class="told"><b>Fix:</b> {words(fix)}</p>\n'
    if item["look"] and verdict in ("cannot be told", "met"):
        yield f'<p class="told"><b>Look:</b> {words(item["look"])}</p>\n'
    yield from _places(item)
    for key, title in (
        ("aside", "Found, but it does not decide (tests, examples, or of less weight)"),
        ("suppressed", "Suppressed in comments or the baseline"),
    ):
        if item[key]:
            yield f'<details class="more"><summary>{title}: {len(item[key]):,}</summary><ul class="found">\n'
            yield "".join(_line_of(item, finding) for finding in item[key])
            yield "</ul></details>\n"
    yield _rules(item)
    yield f'<p class="faint"><a href="#{text(item["id"])}">Permalink</a> <button type="button" class="js" data-link="{text(item["id"])}">Copy link</button></p>\n'
    yield "</div>\n</details>\n"


def _changed(item: Mapping[str, Any]) -> str:
    if not item["change"]:
        return ""
    return f' <span class="change faint">({item["change"]}, was {text(item["before"])})</span>'


def _rules(item: Mapping[str, Any]) -> str:
    if not item["rules"]:
        return ""
    listed = ", ".join(
        f'<a href="{text(r["url"])}" rel="noreferrer">{text(r["code"])}</a> {text(r["name"])}'
        if r["url"]
        else f"{text(r['code'])} {text(r['name'])}"
        for r in item["rules"]
    )
    return f'<p class="faint">Rules: {listed}</p>\n'


def _findings(item: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], material: Material) -> Iterator[str]:
    if not findings:
        return
    yield '<ul class="found">\n'
    for finding in findings[:_WITH_LINES]:
        yield _line_of(item, finding, _excerpt(finding, material))
    yield "</ul>\n"
    if len(findings) > _WITH_LINES:
        yield f'<details class="more"><summary>and {len(findings) - _WITH_LINES:,} more</summary><ul class="found">\n'
        yield "".join(_line_of(item, finding) for finding in findings[_WITH_LINES:])
        yield "</ul></details>\n"


def _line_of(item: Mapping[str, Any], finding: Mapping[str, Any], excerpt: str = "") -> str:
    reason = f" <span class='faint'>({text(finding['reason'])})</span>" if finding.get("reason") else ""
    place = f"{finding['path']}:{finding['line']}:{finding['column']}"
    return f"<li><code>{text(place)}</code> <b>{text(finding['code'])}</b> {finding['priority']} {words(finding['message'])}{reason}{excerpt}</li>\n"


def _excerpt(finding: Mapping[str, Any], material: Material) -> str:
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
    yield (
        '<ul class="found" aria-label="Places that show it">\n'
        if item["verdict"] == "met"
        else '<ul class="found" aria-label="Places to look at">\n'
    )
    for place in item["places"]:
        yield f"<li><code>{text(place['path'])}:{place['line']}</code> {words(place['words'])}</li>\n"
    yield "</ul>\n"
    if item["more_places"]:
        yield f'<p class="faint">and {item["more_places"]:,} more places</p>\n'


def _foot(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<footer>\n"
    if report["unchecked"]:
        yield f"<h2>Not checked: {len(report['unchecked']):,}</h2>\n<ul>\n"
        yield "".join(f"<li><code>{text(u['path'])}</code> {text(u['why'])}</li>\n" for u in report["unchecked"]) + "</ul>\n"
    for note in report["notes"]:
        yield f"<p>{words(note)}</p>\n"
    yield "<p>What cannot be told from the code is not counted as met. prodlint reads files; it runs nothing and asks no network.</p>\n</footer>\n"
