"""`markdown`: a page for `$GITHUB_STEP_SUMMARY` or a comment, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prodlint.escaping import escape_control_characters
from prodlint.fingerprint import place_order
from prodlint.model import Finding, Unchecked
from prodlint.reports.closing import position
from prodlint.reports.material import ReportContext, plural

# GitHub refuses a step summary above 1 MiB; what is beyond a screen or two nobody reads there.
ROWS = 500
_BYTES = 900_000
_SERVICES = 50

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\*_[]|~#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"})


def _text(text: str) -> str:
    """Words as Markdown shows them literally; `code` stays code."""
    pieces = escape_control_characters(text).split("`")
    if len(pieces) % 2 == 0:
        pieces = ["'".join(pieces)]
    return "".join(_code(piece) if index % 2 else piece.translate(_SPECIAL) for index, piece in enumerate(pieces))


def _code(text: str) -> str:
    """Code inside a table cell, where a bar ends the cell even between backticks."""
    return f"`{escape_control_characters(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`" if text else ""


def _row(material: ReportContext, finding: Finding) -> str:
    url = material.help_url(finding.code)
    code = f"[{finding.code}]({url})" if url else finding.code
    place = _code(f"{finding.path}:{finding.span.line}")
    return f"| {finding.priority} | {code} {_text(material.name(finding.code))} | {place} | {_text(material.placed(finding))} |\n"


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    report, total = material.report, len(material.findings)
    counts = ", ".join(f"**{n:,} {priority}**" for priority, n in material.by_priority.items() if n)
    yield f"## prodlint: {plural(total, 'finding') if total else 'no findings'}\n\n"
    words = [f"{counts}." if counts else "", f"{plural(report.checked, 'file')} checked."]
    if report.suppressed:
        words.append(f"{len(report.suppressed):,} suppressed.")
    safe = sum(1 for finding in material.findings if finding.fix is not None and finding.fix.safe)
    if safe:
        words.append(f"{safe:,} fixable with `prodlint --fix`.")
    yield " ".join(filter(None, words)) + "\n\n"
    yield from _unchecked(material)
    for note in report.notes:
        yield f"> {_text(material.words(note))}\n\n"
    if total:
        yield from _findings(material)
        yield from _rules(material)
        if len(material.by_service) > 1:
            yield from _services(material)
    if material.options.show_suppressed and material.suppressed:
        yield f"<details><summary>{len(material.suppressed):,} suppressed</summary>\n\n| Rule | Place | Reason |\n| --- | --- | --- |\n"
        for one in material.suppressed[:ROWS]:
            place = _code(f"{one.finding.path}:{one.finding.span.line}")
            yield f"| {one.finding.code} | {place} | {one.kind}: {_text(material.words(one.reason))} |\n"
        yield "\n</details>\n"


def _unchecked(material: ReportContext) -> Iterator[str]:
    left_out = sorted(one for one in material.report.unchecked if not one.analysed)
    in_part = sorted(one for one in material.report.unchecked if one.analysed)
    if left_out:
        yield f"**{plural(len({one.path for one in left_out}), 'file')} not checked**:\n\n"
        yield from _places(material, left_out)
    if in_part:
        yield f"<details><summary>{plural(len({one.path for one in in_part}), 'file')} checked in part</summary>\n\n"
        yield from _places(material, in_part)
        yield "</details>\n\n"


def _places(material: ReportContext, unchecked: list[Unchecked]) -> Iterator[str]:
    for one in unchecked[:ROWS]:
        yield f"- {_code(position(one))}: {_text(material.words(one.why))}\n"
    if len(unchecked) > ROWS:
        yield f"- and {len(unchecked) - ROWS:,} more\n"
    yield "\n"


def _findings(material: ReportContext) -> Iterator[str]:
    worst_first = sorted(material.findings, key=lambda finding: (finding.priority, *place_order(finding)))
    yield "| Priority | Rule | Place | Finding |\n| --- | --- | --- | --- |\n"
    size = shown = 0
    for finding in worst_first[:ROWS]:
        row = _row(material, finding)
        size += len(row.encode("utf-8", "replace"))
        if size > _BYTES:
            break
        yield row
        shown += 1
    if shown < len(worst_first):
        yield f"\nand {len(worst_first) - shown:,} more.\n"
    yield "\n"


def _services(material: ReportContext) -> Iterator[str]:
    yield "<details><summary>By service</summary>\n\n| Service | P0 | P1 | P2 |\n| --- | ---: | ---: | ---: |\n"
    for service, counts in list(material.by_service.items())[:_SERVICES]:
        yield f"| {_code(service or '.')} | {' | '.join(f'{n:,}' for n in counts.values())} |\n"
    yield "\n</details>\n"


def _rules(material: ReportContext) -> Iterator[str]:
    counts = Counter(finding.code for finding in material.findings)
    yield "<details><summary>By rule</summary>\n\n| Count | Rule | How to fix |\n| ---: | --- | --- |\n"
    for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"| {count:,} | {code} {_text(material.name(code))} | {_text(material.words(material.help(code)))} |\n"
    yield "\n</details>\n\n"
