"""What other tools found: SARIF of any tool, coverage.xml, junit.xml. Named as theirs; what prodlint says itself is not counted twice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from prodlint.configuration.settings import SettingsError
from prodlint.counting import whole_number
from prodlint.regular import read_named

_LARGEST = 64_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that another tool says of an item. rule: what it found, at path (as the tool writes it) and line; "" where `words` say all.
    speaks_for: it shows that the item is met."""

    item: str
    tool: str
    rule: str = ""
    path: str = ""
    line: int = 0
    words: str = ""
    speaks_for: bool = False


# Rules of other tools that speak of what an item asks. By the beginning of their id; what is not here counts for nothing.
ITEM_OF: Mapping[str, Sequence[tuple[str, str]]] = {
    "bandit": (
        ("B105", "no-secrets-in-code"),
        ("B106", "no-secrets-in-code"),
        ("B107", "no-secrets-in-code"),
        ("B110", "no-swallowed-exceptions"),
        ("B112", "no-swallowed-exceptions"),
        ("B113", "http-timeouts"),
        ("B201", "debug-off"),
        ("B301", "no-code-execution"),
        ("B307", "no-code-execution"),
        ("B303", "strong-cryptography"),
        ("B304", "strong-cryptography"),
        ("B324", "strong-cryptography"),
        ("B501", "tls-verified"),
        ("B506", "no-code-execution"),
        ("B602", "no-code-execution"),
        ("B608", "no-sql-injection"),
        ("B701", "no-xss"),
        ("B101", "no-asserts"),
    ),
    "ruff": (
        ("S105", "no-secrets-in-code"),
        ("S106", "no-secrets-in-code"),
        ("S107", "no-secrets-in-code"),
        ("E722", "no-swallowed-exceptions"),
        ("S110", "no-swallowed-exceptions"),
        ("S112", "no-swallowed-exceptions"),
        ("BLE001", "no-swallowed-exceptions"),
        ("S113", "http-timeouts"),
        ("S201", "debug-off"),
        ("S301", "no-code-execution"),
        ("S307", "no-code-execution"),
        ("S324", "strong-cryptography"),
        ("S501", "tls-verified"),
        ("S506", "no-code-execution"),
        ("S602", "no-code-execution"),
        ("S608", "no-sql-injection"),
        ("S101", "no-asserts"),
        ("T100", "no-placeholders"),
        ("FIX", "no-placeholders"),
        ("TD", "no-placeholders"),
        ("TRY002", "typed-exceptions"),
        ("ASYNC", "no-blocking-calls"),
    ),
    "gitleaks": (("", "no-secrets-in-code"),),
    "trufflehog": (("", "no-secrets-in-code"),),
    "trivy": (
        ("CVE-", "no-known-vulnerabilities"),
        ("GHSA-", "no-known-vulnerabilities"),
        ("DS002", "not-root"),
        ("DS-0002", "not-root"),
        ("DS001", "images-pinned"),
    ),
    "grype": (("", "no-known-vulnerabilities"),),
    "osv-scanner": (("", "no-known-vulnerabilities"),),
    "pip-audit": (("", "no-known-vulnerabilities"),),
    "zizmor": (("zizmor/unpinned-uses", "ci-actions-pinned"), ("unpinned-uses", "ci-actions-pinned"), ("zizmor/", "ci-actions-pinned")),
    "hadolint": (("DL3002", "not-root"), ("DL3006", "images-pinned"), ("DL3007", "images-pinned"), ("DL3013", "dependencies-pinned")),
}
# Tools that, when they find nothing, show an item to be met: finding such things is all they do.
_CLEAN = {
    "trivy": "no-known-vulnerabilities",
    "grype": "no-known-vulnerabilities",
    "osv-scanner": "no-known-vulnerabilities",
    "pip-audit": "no-known-vulnerabilities",
}


def read_all(paths: Sequence[str]) -> list[Said]:
    """What every file given says.

    Raises SettingsError.
    """
    return [said for path in paths for said in _read(path)]


def _read(path: str) -> Iterator[Said]:
    try:
        data = read_named(path, _LARGEST)
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    name = os.path.basename(path)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        yield from _sarif(data, name)
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        yield from _xml(data.decode("utf-8", "replace"), name)
    else:
        raise SettingsError(f"`{name}` is neither SARIF nor coverage.xml nor junit.xml")


def _sarif(data: bytes, name: str) -> Iterator[Said]:
    try:
        runs = json.loads(data)["runs"]
        for run in runs:
            yield from _run(run)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise SettingsError(f"`{name}` is not SARIF") from None


def _run(run: Mapping[str, Any]) -> Iterator[Said]:
    tool = str(run["tool"]["driver"]["name"])
    known = tool.lower()
    if known == "prodlint":
        return  # said by prodlint itself already
    table = next((rows for key, rows in ITEM_OF.items() if key in known), ())
    seen: set[Said] = set()
    for result in run.get("results") or ():
        if result.get("kind", "fail") != "fail" or result.get("suppressions"):
            continue
        rule = str(result.get("ruleId", ""))
        item = next((item for start, item in table if rule.startswith(start)), None)
        if item is None:
            continue
        said = Said(item, tool, rule, *_place(result))
        if said not in seen:
            seen.add(said)
            yield said
    clean = next((item for key, item in _CLEAN.items() if key in known), "")
    if clean and not any(said.item == clean for said in seen):
        yield Said(clean, tool, words=f"{tool} found nothing", speaks_for=True)


def _place(result: Mapping[str, Any]) -> tuple[str, int]:
    for location in result.get("locations") or ():
        physical = location.get("physicalLocation") or {}
        address = urlsplit(str((physical.get("artifactLocation") or {}).get("uri", "")))
        path = unquote(address.path).removeprefix("./")
        return path, int((physical.get("region") or {}).get("startLine", 0))
    return "", 0


# The two kinds of XML are read by their root element alone: no parser that follows entities sees a file of somebody else's.
_ROOT = re.compile(r"<(?P<name>coverage|testsuites?)\b(?P<attributes>[^>]{0,2000})>")
_SUITE = re.compile(r"<testsuite\b(?P<attributes>[^>]{0,2000})>")
_ATTRIBUTE = re.compile(r"([\w-]{1,40})\s{0,3}=\s{0,3}[\"']([^\"']{0,200})[\"']")


def _xml(text: str, name: str) -> Iterator[Said]:
    root = _ROOT.search(text[:100_000])
    if root is None:
        raise SettingsError(f"`{name}` is neither coverage.xml nor junit.xml")
    if root["name"] == "coverage":
        rate = dict(_ATTRIBUTE.findall(root["attributes"])).get("line-rate", "")
        try:
            percent = int(float(rate) * 100)
        except (ValueError, OverflowError):
            raise SettingsError(f"`{name}` has no `line-rate`") from None
        yield Said("coverage-gate", name, words=f"`{name}`: {percent} % of the lines are covered", speaks_for=percent >= 80)
        return
    suites = [dict(_ATTRIBUTE.findall(suite["attributes"])) for suite in _SUITE.finditer(text)]
    total, bad = _sum(suites, "tests"), _sum(suites, "failures") + _sum(suites, "errors")
    if total and not bad:
        for item in ("ci-tests", "tests-exist"):
            yield Said(item, name, words=f"`{name}`: {total:,} tests passed", speaks_for=True)
    else:
        yield Said("ci-tests", name, words=f"`{name}`: {bad:,} of {total:,} tests failed" if total else f"`{name}`: no test ran")


def _sum(suites: Sequence[Mapping[str, str]], key: str) -> int:
    return sum(whole_number(suite.get(key, "")) or 0 for suite in suites)
