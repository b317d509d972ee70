"""`html`: the fleet on one page: no network, one file. Whatever comes from repositories is escaped.

The tables about the whole are plain HTML. The one of the repositories may have thousands of rows, which a browser would lay out for seconds: it is
data, of which the script shows a hundred rows at a time.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from prodlint.fleet.summary import LEVELS
from prodlint.readiness import report_html as readiness
from prodlint.readiness.answers import VERDICTS
from prodlint.readiness.report_html import text, words

_NAMES = {"gold": "Gold", "silver": "Silver", "bronze": "Bronze", "none": "No level", "failed": "Not checked"}
_MISTAKES, _ITEMS, _OWNERS, _SHARED, _NEW, _SHORT, _ERRORS = 50, 40, 100, 100, 100, 200, 200


def write(told: Mapping[str, Any]) -> Iterator[str]:
    """The page in pieces."""
    style, script = _beside(readiness.__file__, "page.css") + _beside(__file__, "page.css"), _beside(__file__, "page.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    count = len(told["repositories"])
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    yield f"<title>Production readiness of {count:,} repositories</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield '<a class="skip" href="#repositories">Skip to the repositories</a>\n'
    yield from _head(told)
    yield "<main>\n"
    yield from _trend(told["trend"])
    yield from _policy(told["policy"])
    yield from _new(told["new_p0"], told["before"])
    yield from _shared(told["same_secrets"])
    yield from _mistakes(told["mistakes"], told["before"])
    yield from _checklist(told["categories"], told["items"])
    yield from _owners(told["owners"])
    yield from _repositories(told)
    yield from _errors(told["errors"])
    yield "</main>\n"
    yield f"<footer><p>prodlint {text(told['prodlint'])}, run <code>{text(told['run']['id'])}</code>. A level is reached by a repository when none of its items, nor of those "
    yield "below it, is unmet; what a person has to look at is left open.</p></footer>\n"
    yield f'<script type="application/json" id="data">{_data(told)}</script>\n<script>{script}</script>\n</body>\n</html>\n'


def _beside(module: str, name: str) -> str:
    with open(os.path.join(os.path.dirname(os.path.abspath(module)), name), encoding="utf-8") as handle:
        return handle.read()


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _data(told: Mapping[str, Any]) -> str:
    """The repositories as rows of a JSON array, in which nothing ends the element that it stands in."""
    keys = (
        "repository",
        "level",
        "shown",
        "before",
        "percent",
        "p0",
        "p1",
        "p2",
        "p0_before",
        "secrets",
        "tier",
        "short",
        "owner",
        "commonest",
        "status",
    )
    rows = [[row[key] for key in keys] for row in told["repositories"]]
    made = json.dumps({"keys": keys, "rows": rows}, ensure_ascii=True, separators=(",", ":"))
    return made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _head(told: Mapping[str, Any]) -> Iterator[str]:
    run, levels, count = told["run"], told["levels"], len(told["repositories"])
    grave = sum(bool(row["p0"]) for row in told["repositories"])
    yield '<header>\n<h1>Production readiness</h1>\n<p class="lead"><b>'
    if not count:
        yield "No repository was checked"
    elif grave:
        yield f"{grave:,} of {_plural(count, 'repository', 'repositories')} with something to fix before launch"
    else:
        yield f"Nothing stands against a launch in {_plural(count, 'repository', 'repositories')}"
    since = f", compared with {text(told['before']['day'])}" if told["before"] else ""
    part = "" if run["whole"] else f"; the run did not come to its end: {count:,} of {run['sources']:,} repositories"
    yield f'</b><span class="faint">Run of {text(run["day"])}{since}{part}.</span></p>\n<ul class="tiles fleet">\n'
    for level in LEVELS:
        yield f'<li><a class="tile {level}" href="#repositories" data-level="{level}"><b>{levels[level]:,}</b> {_NAMES[level]}</a></li>\n'
    yield "</ul>\n</header>\n"


def _plural(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _trend(trend: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(trend) < 2:
        return
    yield '<h2 id="trend">Trend</h2>\n<div class="card pad">\n'
    most = max(sum(run["levels"].values()) for run in trend) or 1
    width = min(56, 700 / len(trend))
    pieces = []
    for number, run in enumerate(trend):
        y = 120.0
        for level in LEVELS:
            height = run["levels"][level] * 110 / most
            if height:
                y -= height
                title = f"{run['day']}: {run['levels'][level]:,} {_NAMES[level].lower()}"
                pieces.append(
                    f'<rect class="l-{level}" x="{number * width + 2:.1f}" y="{y:.1f}" width="{width - 4:.1f}" height="{height:.1f}"><title>{text(title)}</title></rect>'
                )
    yield f'<svg class="trend" viewBox="0 0 {len(trend) * width:.0f} 122" preserveAspectRatio="xMinYMid meet" role="img" aria-label="Repositories by level over {len(trend)} runs; the table has the numbers">'
    yield f'{"".join(pieces)}</svg>\n<ul class="legend" aria-hidden="true">'
    yield "".join(f'<li><i class="dot l-{level}"></i>{_NAMES[level]}</li>' for level in LEVELS) + "</ul>\n"
    yield '<details class="more"><summary>The numbers</summary>\n'
    head = ["Run", *(_NAMES[level] for level in LEVELS), "P0", "P1", "P2"]
    rows = [
        [text(run["day"]), *(f"{run['levels'][level]:,}" for level in LEVELS), *(f"{run[p]:,}" for p in ("p0", "p1", "p2"))]
        for run in reversed(trend)
    ]
    yield from _table("trend-numbers", "Levels and findings by run", head, rows, numbers=range(1, 9))
    yield "</details>\n</div>\n"


def _policy(policy: Mapping[str, Any] | None) -> Iterator[str]:
    if policy is None:
        return
    counting = [row for row in policy["short"] if not row["exempt"]]
    exempt = [row for row in policy["short"] if row["exempt"]]
    yield f'<h2 id="demands">Demands <span class="count">{len(counting):,} not met</span></h2>\n'
    rows = [[text(row["repository"]), text(row["tier"]), words(row["words"])] for row in counting[:_SHORT]]
    yield from _card_table("short", "Repositories that fall short", ["Repository", "Tier", "Falls short"], rows, len(counting))
    for row in policy["ended"]:
        yield f'<p class="note look">The exemption of {text(", ".join(row["repositories"]))} ended on {text(row["until"])}: {text(row["reason"])}</p>\n'
    if exempt:
        yield f'<details class="more"><summary>Exempt: {len(exempt):,}</summary>\n'
        rows = [[text(row["repository"]), words(row["words"]), text(row["exempt"])] for row in exempt[:_SHORT]]
        yield from _table("exempt", "Exemptions that hold", ["Repository", "Falls short", "Reason"], rows)
        yield "</details>\n"


def _new(new: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> Iterator[str]:
    if new is None or before is None:
        return
    yield f'<h2 id="new">P0 since {text(before["day"])} <span class="count">{new["count"]:,} new, {new["gone"]:,} gone</span></h2>\n'
    rows = [
        [text(row["repository"]), f"<code>{text(row['path'])}:{row['line']}</code>", f"{words(row['message'])} {_rule(row)}"]
        for row in new["first"][:_NEW]
    ]
    yield from _card_table("new-p0", "P0 findings that are new", ["Repository", "Place", "Finding"], rows, new["count"])


def _rule(row: Mapping[str, Any]) -> str:
    return f'<span class="faint">{text(row["code"])} {text(row["rule"])}</span>'


def _shared(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not groups:
        return
    yield f'<h2 id="shared">The same secret in several repositories <span class="count">{len(groups):,}</span></h2>\n<ul class="shared card">\n'
    for group in groups[:_SHARED]:
        places = "".join(f"<li>{text(row['repository'])} <code>{text(row['path'])}:{row['line']}</code></li>" for row in group["places"])
        more = f'<li class="faint">and {group["more"]:,} more places</li>' if group["more"] else ""
        repositories = _plural(len(group["repositories"]), "repository", "repositories")
        yield f'<li><b>{text(group["rule"])}</b> <span class="faint">one value in {repositories}</span><ul class="places">{places}{more}</ul></li>\n'
    yield "</ul>\n"
    yield from _left(len(groups), _SHARED)


def _mistakes(mistakes: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None) -> Iterator[str]:
    yield '<h2 id="mistakes">Commonest mistakes</h2>\n'
    head = ["Rule", "Priority", "Repositories", "Findings", *(["Change"] if before else [])]
    rows = []
    for row in mistakes[:_MISTAKES]:
        change = [] if before is None else [_signed(row["findings"] - row["findings_before"])]
        priority = f'<span class="priority {row["priority"].lower()}">{text(row["priority"])}</span>'
        rows.append([f"{text(row['code'])} {text(row['rule'])}", priority, f"{row['repositories']:,}", f"{row['findings']:,}", *change])
    yield from _card_table("mistakes-table", "Rules by the number of repositories", head, rows, len(mistakes), range(2, 5))


def _signed(number: int) -> str:
    return f'<span class="{"worse" if number > 0 else "better"}">{number:+,}</span>' if number else "0"


def _checklist(categories: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not categories:
        return
    yield '<h2 id="checklist">Checklist</h2>\n'
    head = ["Category", *(name.capitalize() for name in VERDICTS)]
    rows = [[text(row["name"]), *(f"{row['verdicts'][name]:,}" for name in VERDICTS)] for row in categories]
    yield from _card_table("categories", "Answers by category, of all repositories", head, rows, len(rows), range(1, 1 + len(VERDICTS)))
    unmet = [row for row in items if row["verdicts"]["not met"]]
    yield '<h3 class="sub">What most repositories lack</h3>\n'
    rows = [
        [text(row["title"]), text(row["category"]), f"{row['verdicts']['not met']:,}", f"{row['verdicts']['met']:,}"]
        for row in unmet[:_ITEMS]
    ]
    yield from _card_table(
        "items", "Items by the number of repositories that lack them", ["Item", "Category", "Not met", "Met"], rows, len(unmet), range(2, 4)
    )


def _owners(owners: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2 id="owners">Owners</h2>\n'
    rows = [
        [
            text(row["owner"]) if row["owner"] else '<span class="faint">nobody</span>',
            *(f"{row[key]:,}" for key in ("P0", "P1", "P2", "repositories")),
        ]
        for row in owners[:_OWNERS]
    ]
    yield from _card_table("owners-table", "Findings by owner", ["Owner", "P0", "P1", "P2", "Repositories"], rows, len(owners), range(1, 5))


def _repositories(told: Mapping[str, Any]) -> Iterator[str]:
    tiers = sorted({row["tier"] for row in told["repositories"] if row["tier"]})
    yield '<h2 id="repositories">Repositories</h2>\n<form id="filters" class="js card" role="search" aria-label="Filter the repositories">\n'
    yield '<label class="search"><span class="hidden">Search</span><input type="search" name="search" autocomplete="off" placeholder="Name, owner or rule (press /)"></label>\n'
    yield '<label><span class="hidden">Level</span><select name="level"><option value="">All levels</option>'
    yield "".join(f'<option value="{level}">{_NAMES[level]}</option>' for level in LEVELS) + "</select></label>\n"
    if tiers:
        yield '<label><span class="hidden">Tier</span><select name="tier"><option value="">All tiers</option>'
        yield "".join(f"<option>{text(tier)}</option>" for tier in tiers) + "</select></label>\n"
    boxes = [
        ("p0", "with P0"),
        ("secrets", "with secrets"),
        *([("worse", "got worse")] if told["before"] else []),
        *([("short", "falls short")] if tiers else []),
    ]
    yield '<fieldset><legend class="hidden">Only those</legend>'
    yield (
        "".join(f'<label class="pill"><input type="checkbox" name="{name}"><span>{label}</span></label>' for name, label in boxes)
        + "</fieldset>\n"
    )
    yield '<div class="tools"><span id="told" class="faint" role="status"></span><button type="reset">Show all</button></div>\n</form>\n'
    yield '<noscript><p class="card pad">The table of the repositories needs JavaScript; <code>prodlint fleet report DIR -o fleet.csv</code> writes it for a spreadsheet.</p></noscript>\n'
    yield '<div class="scroll card js" tabindex="0" role="region" aria-label="Repositories"><table id="table">\n<thead><tr></tr></thead>\n<tbody></tbody>\n</table></div>\n'
    yield '<nav class="pager js" aria-label="Pages of the table"><button type="button" id="before">Previous</button><span id="page" class="faint"></span><button type="button" id="after">Next</button></nav>\n'


def _errors(errors: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not errors:
        return
    yield f'<h2 id="errors">Not checked <span class="count">{len(errors):,}</span></h2>\n'
    rows = [[text(row["repository"]), text(row["kind"]), words(row["why"])] for row in errors[:_ERRORS]]
    yield from _card_table("errors-table", "Repositories that could not be checked", ["Repository", "Kind", "Why"], rows, len(errors))


def _card_table(
    name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], count: int, numbers: Iterable[int] = ()
) -> Iterator[str]:
    if not rows:
        yield '<p class="card pad">Nothing.</p>\n'
        return
    yield '<div class="card">'
    yield from _table(name, caption, head, rows, numbers)
    yield "</div>\n"
    yield from _left(count, len(rows))


def _left(count: int, shown: int) -> Iterator[str]:
    if count > shown:
        yield f'<p class="faint rest">And {count - shown:,} more, in the dataset.</p>\n'


def _table(name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()) -> Iterator[str]:
    right = frozenset(numbers)
    yield f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}"><table><caption id="{name}" class="hidden">{caption}</caption>\n<thead><tr>'
    yield (
        "".join(f'<th scope="col"{_number(place in right)}>{text(title)}</th>' for place, title in enumerate(head))
        + "</tr></thead>\n<tbody>\n"
    )
    for row in rows:
        first = f'<th scope="row">{row[0]}</th>'
        yield f"<tr>{first}{''.join(f'<td{_number(place in right)}>{value}</td>' for place, value in enumerate(row[1:], 1))}</tr>\n"
    yield "</tbody></table></div>\n"


def _number(right: bool) -> str:
    return ' class="number"' if right else ""
