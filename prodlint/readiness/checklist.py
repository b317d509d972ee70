"""The verb `checklist`: a Markdown checklist against the code: which ticks it belies, and what could be ticked."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from prodlint.commands.check import BUG, CLEAN, FOUND, request_of, write
from prodlint.commands.streams import as_utf8, wants_color
from prodlint.configuration.settings import SettingsError
from prodlint.escaping import escape_deeply
from prodlint.readiness import report_json
from prodlint.readiness.answers import Answer, answers_of
from prodlint.readiness.audit import Audited, audit
from prodlint.readiness.evidence import read_all
from prodlint.readiness.lines import EVIDENCE_MARK, NO, TICKS, YES, split_lines
from prodlint.regular import read_named
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler


def checklist(given: Namespace) -> int:
    """Read the checklist, run the rules, say what the code says to each line."""
    text = _read(given.file)
    foreign = read_all(given.evidence)
    answers = answers_of(request_of(given), foreign)
    audited = audit(text, answers)
    material = report_json.material_of(answers)
    told = as_object(audited, material)
    if given.write:
        _rewrite(given.file, text, audited, answers.result.report.root, given.tick)
    elif given.tick:
        raise SettingsError("`--tick` goes with `--write`")
    stream = _as_json if given.output_format == "json" else _as_markdown
    if given.output_file is None and given.output_format == "json":
        as_utf8()
    color = given.output_file in (None, "-") and wants_color(given.color)
    pieces = _as_text(told, given.all, Styler(color)) if given.output_format == "text" else stream(told, given.all)
    write(pieces, given.output_file)
    if answers.result.crashed:
        return BUG
    return FOUND if given.fail_on_lines == "belied" and told["judgements"]["belied"] else CLEAN


# Bytes of a checklist.
_LARGEST = 8_000_000


def _read(path: str) -> str:
    try:
        return read_named(path, _LARGEST).decode("utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"`{path}` is not UTF-8") from None


# ---------------------------------------------------------------- telling it


def as_object(audited: Sequence[Audited], material: ReportContext) -> dict[str, Any]:
    """The audit as plain data; secrets are covered here."""
    lines = [_line_object(each, material) for each in audited]
    judged = _claims(lines)
    names = ("agrees", "belied", "in fact met", "still open", "cannot be told", "does not apply", "not mapped")
    return {
        "schema_version": 1,
        "judgements": {name: sum(line["judgement"] == name for line in judged) for name in names},
        "lines": lines,
    }


def _line_object(each: Audited, material: ReportContext) -> dict[str, Any]:
    line, match, answer = each.line, each.match, each.answer
    findings = answer.findings if answer is not None and answer.verdict == "not met" else ()
    places = answer.places if answer is not None else ()
    return {
        "line": line.number,
        "state": line.state,
        "text": material.words(line.text),
        "in_code": line.in_code,
        "item": match.item.id if match else None,
        "rules": list(match.item.rules) if match else [],
        "title": match.item.title if match else None,
        "confidence": match.confidence if match else None,
        "phrase": match.phrase if match else None,
        "judgement": each.judgement,
        "because": material.words(each.because),
        "look": match.item.look if match and each.judgement == "cannot be told" else "",
        "findings": [
            {"path": f.path, "line": f.span.line, "column": f.span.column, "code": f.code, "message": material.placed(f)} for f in findings
        ],
        "places": [{"path": p.path, "line": p.span.line, "words": material.words(p.words)} for p in places[: report_json.MOST_PLACES]],
    }


_STYLE = {"agrees": "good", "belied": "P0", "in fact met": "P2", "cannot be told": "P1"}
_SIGN = {
    "agrees": "+",
    "belied": "x",
    "in fact met": "!",
    "still open": ".",
    "cannot be told": "?",
    "does not apply": "-",
    "not mapped": " ",
}
_BOX = {"ticked": "[x]", "open": "[ ]", "stated": " - "}


def _claims(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that are judged and counted: those with a tick; where a document has none, its statements whose meaning is clear."""
    ticked = [line for line in lines if line["state"] != "stated"]
    return ticked or [
        line for line in lines if not line["in_code"] and (line["confidence"] in ("named", "high") or line["judgement"] == "belied")
    ]


def _told(told: Mapping[str, Any], everything: bool) -> list[dict[str, Any]]:
    """The lines to tell of."""
    lines: list[dict[str, Any]] = told["lines"]
    return lines if everything else [line for line in _claims(lines) if line["judgement"] != "not mapped"]


def _as_text(told: Mapping[str, Any], everything: bool, ink: Styler) -> Iterator[str]:
    told = escape_deeply(told)
    for line in _told(told, everything):
        yield f"{line['line']:4} {_BOX[line['state']]} {line['text'][:100]}\n"
        if line["judgement"] == "not mapped":
            continue
        meant = f" ({line['title']}; {line['confidence']})" if line["item"] else ""
        yield f"       {ink.paint(_SIGN[line['judgement']] + ' ' + line['judgement'], _STYLE.get(line['judgement'], 'dim'))}{meant}: {line['because']}\n"
        for finding in line["findings"][:3]:
            yield f"           {finding['path']}:{finding['line']}:{finding['column']}: {finding['code']} {finding['message']}\n"
        if len(line["findings"]) > 3:
            yield f"           and {len(line['findings']) - 3:,} more\n"
        if not line["findings"] and line["places"] and line["judgement"] in ("agrees", "in fact met"):
            yield "           " + ", ".join(f"{place['path']}:{place['line']}" for place in line["places"][:3]) + "\n"
    counts = told["judgements"]
    yield f"\n{counts['belied']} belied, {counts['in fact met']} open but met, {counts['agrees']} agree, "
    yield f"{counts['still open']} still open, {counts['cannot be told']} cannot be told, {counts['does not apply']} do not apply, {counts['not mapped']} not mapped.\n"


def _as_markdown(told: Mapping[str, Any], everything: bool) -> Iterator[str]:
    from prodlint.readiness.report_markdown import code, escaped, words

    counts = told["judgements"]
    yield f"**{counts['belied']} ticks belied**, {counts['in fact met']} open but met, {counts['agrees']} agree, {counts['still open']} still open.\n\n"
    yield "| Line | Claim | Code says | Where |\n|--:|---|---|---|\n"
    for line in _told(told, everything):
        where = [f"{finding['path']}:{finding['line']}" for finding in line["findings"]] or [
            f"{p['path']}:{p['line']}" for p in line["places"]
        ]
        shown = ", ".join(code(place) for place in where[:3])
        yield f"| {line['line']} | {escaped(line['text'])} | **{line['judgement']}**: {words(line['because'])} | {shown} |\n"


def _as_json(told: Mapping[str, Any], everything: bool) -> Iterator[str]:
    yield json.dumps(told, ensure_ascii=False, indent=2) + "\n"


# ---------------------------------------------------------------- writing it back


def _rewrite(path: str, text: str, audited: Sequence[Audited], root: str, tick: bool) -> None:
    made = rewritten(text, audited, way_to(root, os.path.dirname(os.path.abspath(path))), tick)
    if made != text:
        write(iter((made,)), path)


def way_to(root: str, directory: str) -> str:
    """From a checklist's directory to the project's root, "" or ending in a slash."""
    way = os.path.relpath(root, directory).replace(os.sep, "/")
    return "" if way == "." else f"{way}/"


def rewritten(text: str, audited: Sequence[Audited], way: str = "", tick: bool = False) -> str:
    """The checklist without the ticks that the code belies, and the evidence behind them; every other byte as it was.

    tick: lines that are open and shown to be met are ticked as well.

    way: from the checklist's directory to the project's root, "" or ending in a slash.
    """
    lines = split_lines(text)
    for number, made in rewritten_lines(text, audited, way, tick).items():
        full = lines[number - 1]
        lines[number - 1] = made + full[len(full.rstrip("\r\n")) :]
    return "".join(lines)


def rewritten_lines(text: str, audited: Sequence[Audited], way: str = "", tick: bool = False) -> dict[int, str]:
    """The lines that change by that, without their ends, by number."""
    lines = split_lines(text)
    found: dict[int, str] = {}
    by_number: dict[int, list[Audited]] = {}
    for each in audited:
        by_number.setdefault(each.line.number, []).append(each)
    for number, entries in by_number.items():
        decided = _decided(entries, tick)
        if decided is None or decided.line.mark is None or decided.answer is None:
            continue
        raw = lines[number - 1].rstrip("\r\n")
        start, end = decided.line.mark
        sign = _other(raw[start:end], decided.judgement == "in fact met")
        if sign is None:
            continue
        made = raw[:start] + sign + raw[end:]
        if not raw.lstrip().startswith("|"):
            # Two blanks at the end of a line break it: they stay.
            blanks = raw[len(raw.rstrip()) :]
            made = made.split(EVIDENCE_MARK)[0].rstrip() + EVIDENCE_MARK + " " + _links(decided.answer, way) + blanks
        found[number] = made
    return found


def _other(mark: str, ticked: bool) -> str | None:
    if mark in " xX✓✔~-":
        return "x" if ticked else " "
    if mark.lower() in NO if ticked else mark.lower() in YES:
        word = "done" if ticked else "open"
        return word.upper() if mark.isupper() else word.capitalize() if mark[:1].isupper() else word
    if mark in TICKS:
        return None if ticked else ":x:" if mark.startswith(":") else "❌"
    if ticked and mark.startswith(":"):
        return ":white_check_mark:"
    return "✅" if ticked else None


def _decided(entries: Sequence[Audited], tick: bool) -> Audited | None:
    """What changes a line's box: one claim that is surely belied, or, where ticks are asked for, all of them surely met."""
    sure = [
        each for each in entries if each.line.state != "stated" and each.match is not None and each.match.confidence in ("named", "high")
    ]
    belied = next((each for each in sure if each.judgement == "belied"), None)
    if belied is not None:
        return belied
    if not tick:
        return None
    return entries[0] if len(sure) == len(entries) and all(each.judgement == "in fact met" for each in entries) else None


def _links(answer: Answer, way: str) -> str:
    places = [(f.path, f.span.line) for f in answer.findings] or [(p.path, p.span.line) for p in answer.places]
    shown = [f"[{_bare(path)}:{line}]({quote(way + path)}#L{line})" for path, line in places[:3]]
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return (", ".join(shown) or answer.because) + more


def _bare(path: str) -> str:
    return "".join(f"\\{c}" if c in "[]()*_`<>\\!" else c for c in path if c.isprintable())
