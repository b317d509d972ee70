"""`check --checklist --output-format sarif`: the checklist's items as results of the kinds pass, fail, open and notApplicable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from prodlint.engine import session
from prodlint.readiness import report_json
from prodlint.readiness.answers import answers_of

_KIND = {
    "met": "pass",
    "not met": "fail",
    "cannot be told": "open",
    "in part": "open",
    "does not apply": "notApplicable",
    "exempt": "notApplicable",
}
# Level is for failures: with any other kind it has to be `none`.
_LEVEL = {"P0": "error", "P1": "warning", "P2": "note"}


def with_items(pieces: Iterable[str], request: session.Request) -> Iterator[str]:
    """A SARIF log with the items added to its run, each with the rule it is a result of."""
    answers = answers_of(request)
    report = report_json.as_object(answers, report_json.material_of(answers))
    log = json.loads("".join(pieces))
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for item in report["items"]:
        rules.append(_rule(item))
        run["results"].append(_result(item, len(rules) - 1))
    yield json.dumps(log, ensure_ascii=False, separators=(",", ":"))
    yield "\n"


def _rule(item: Mapping[str, Any]) -> dict[str, Any]:
    look = f" Look: {item['look']}" if item["look"] else ""
    return {
        "id": f"checklist/{item['id']}",
        "name": "".join(part.capitalize() for part in item["id"].split("-")),
        "shortDescription": {"text": item["title"]},
        "fullDescription": {"text": item["why"] or item["title"]},
        "help": {"text": f"{item['why'] or item['title']}{look}"},
        "defaultConfiguration": {"level": _LEVEL[item["priority"]]},
        "properties": {"tags": ["checklist", item["category"].lower().replace(" ", "-")]},
    }


def _result(item: Mapping[str, Any], index: int) -> dict[str, Any]:
    kind = _KIND[item["verdict"]]
    places = item["findings"] or item["places"]
    # Every consumer wants a place; what is about the project as a whole is put at its root.
    located = [_location(place) for place in places[:10]] or [{"physicalLocation": {"artifactLocation": {"uri": "."}}}]
    return {
        "ruleId": f"checklist/{item['id']}",
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVEL[item["priority"]] if kind == "fail" else "none",
        "message": {"text": f"{item['title']}: {item['verdict']}, {item['because']}"},
        "locations": located[:1],
        **({"relatedLocations": located[1:]} if located[1:] else {}),
        "partialFingerprints": {"prodlint/checklist/v1": item["id"]},
    }


def _location(place: Mapping[str, Any]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": quote(place["path"])}, "region": {"startLine": place["line"]}}}
