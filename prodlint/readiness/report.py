"""The verb `report`."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from prodlint.commands.check import BUG, CLEAN, FOUND, UNCHECKED, request_of, write
from prodlint.commands.streams import as_utf8, wants_color
from prodlint.configuration.settings import SettingsError
from prodlint.model import PRIORITIES
from prodlint.readiness import report_json
from prodlint.readiness.answers import Answers, answers_of
from prodlint.readiness.evidence import read_all
from prodlint.readiness.identity import identity_of
from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler

FORMATS = ("text", "markdown", "html", "json")


def report(given: Namespace) -> int:
    """Answer the checklist, tell it, and say with the exit code how it went."""
    old = report_json.read_old(given.compare) if given.compare else None
    foreign = read_all(given.evidence)
    before = {item["id"]: item["verdict"] for item in old["items"]} if old else {}
    answers = answers_of(request_of(given), foreign, before)
    material = report_json.material_of(answers)
    format = given.output_format or ("text" if given.output_file in (None, "-") else _by_name(given.output_file))
    if given.output_file is None and format in ("json", "html"):
        as_utf8()
    told = report_json.as_object(answers, material, old, identity_of(answers.result.report.root))
    if given.item:
        told = only(told, given.item)
    color = format == "text" and given.output_file in (None, "-") and wants_color(given.color)
    write(_stream(told, material, format, color), given.output_file)
    return exit_code(answers, given.fail_on_items)


def only(told: dict[str, Any], item: str) -> dict[str, Any]:
    """The report of one item alone.

    Raises SettingsError for a name that is none.
    """
    items = [each for each in told["items"] if each["id"] == item]
    if not items:
        near = get_close_matches(item, [each["id"] for each in told["items"]], 1)
        raise SettingsError(f"`{item}` is no item of the checklist{f'; did you mean `{near[0]}`?' if near else ''}")
    categories = [each for each in told["categories"] if each["name"] == items[0]["category"]]
    return {
        **told,
        "items": items,
        "categories": categories,
        "backlog": [name for name in told["backlog"] if name == item],
        "compared": None,
    }


def _by_name(path: str) -> str:
    """The format that a file's ending says; text for one that has none, or a device.

    Raises SettingsError for an ending that says nothing.
    """
    endings = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".txt": "text", ".log": "text"}
    ending = os.path.splitext(path)[1].lower()
    if ending and ending not in endings:
        raise SettingsError(f"`{path}`: no format is known by `{ending}`; name it with `--output-format`, one of {', '.join(FORMATS)}")
    return endings.get(ending, "text")


def _stream(told: dict[str, Any], material: ReportContext, format: str, color: bool) -> Iterator[str]:
    module = import_module(f"prodlint.readiness.report_{format}")
    pieces: Iterator[str]
    if format == "html":
        pieces = module.write(told, material)
    elif format == "text":
        pieces = module.write(told, ink=Styler(color))
    else:
        pieces = module.write(told)
    return pieces


def exit_code(answers: Answers, fail_on: str) -> int:
    """0, or 1 where an item that is not met is as urgent as `fail_on`, 3 where a file could not be read or none was looked at, 70 for a bug in prodlint."""
    if answers.result.crashed:
        return BUG
    if answers.is_empty and not answers.result.settings.allow_unchecked:
        return UNCHECKED
    failing = PRIORITIES[: PRIORITIES.index(fail_on) + 1] if fail_on in PRIORITIES else ()
    if any(answer.verdict == "not met" and answer.urgency in failing for answer in answers.answers):
        return FOUND
    if not answers.result.settings.allow_unchecked and any(not item.analysed for item in answers.unchecked):
        return UNCHECKED
    return CLEAN
