"""The formats that programs read, each parsed back as its reader would."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from prodlint.facts import Source
from prodlint.model import Finding, Report, Span, Unchecked
from prodlint.reports import FORMATS, Options, render
from tests.limits import cpu_limit

if TYPE_CHECKING:
    from conftest import Tree

MACHINES = ["json", "json-lines", "sarif", "gitlab", "rdjson", "junit", "azure"]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("options", [{}, {"show_suppressed": True}, {"color": True}], ids=str)
def test_a_file_is_read_once(small: Tree, format: str, options: dict[str, Any]) -> None:
    small.render(format, **options)
    assert len(small.reads) == len(set(small.reads))


@pytest.mark.parametrize("format", FORMATS)
def test_order_of_findings_does_not_matter(small: Tree, format: str) -> None:
    first = small.render(format)
    for part in (small.report.findings, small.report.unchecked, small.report.files):
        part.reverse()  # type: ignore[attr-defined]  # lists of different types
    assert small.render(format) == first


@pytest.mark.parametrize("format", MACHINES)
def test_machines_see_no_colour_and_no_time(small: Tree, format: str) -> None:
    assert small.render(format, color=True, show_time=True) == small.render(format)


@pytest.mark.parametrize("format", FORMATS)
def test_unchecked_files_are_named(tree: Tree, format: str) -> None:
    tree.report.unchecked.append(Unchecked("odd name.py", "permission denied"))
    text = tree.render(format)
    assert "odd name.py" in text or "odd%20name.py" in text
    assert "permission denied" in text


@pytest.mark.parametrize("format", FORMATS)
def test_undecodable_names_do_no_harm(tree: Tree, format: str) -> None:
    tree.report.findings.append(Finding("bad\udcff.py", Span(1, 1, 1, 2), "PRD201", "m \udcff", "P0", symbol="\udcff"))
    tree.report.unchecked.append(Unchecked("bad\udcfe.py", "why \udcfe"))
    tree.render(format).encode()


LINE = "    return httpx.get(url, headers=headers)  # größe"
DATA = "\n".join([f"def f{n}(url):\n{LINE}\n" for n in range(60)]).encode()


@cache
def large() -> Report:
    """25,000 findings in 1,250 files."""
    report = Report("/nowhere")
    for number in range(1250):
        path = f"app/package_{number // 50}/module_{number}.py"
        report.files.append(path)
        for n in range(20):
            span = Span(2 + 3 * n, 12, 2 + 3 * n, 42)
            report.findings.append(Finding(path, span, "PRD502", "`httpx.get` has no timeout", "P1", symbol=f"f{n}", content=LINE))
    return report


@pytest.mark.parametrize("format", [*MACHINES, "full", "concise"])
def test_twenty_five_thousand_findings(format: str) -> None:
    """A bound against quadratic work, not a benchmark: machines of a build are slow."""
    report, options = large(), Options(max_results=25_000)
    with cpu_limit(40):
        text = render(report, format, (), root="/nowhere", sources=lambda path: Source(DATA), options=options)
    assert text.count("PRD502") >= 25_000


@pytest.mark.parametrize("format", FORMATS)
def test_one_long_line_with_thousands_of_findings(tree: Tree, format: str) -> None:
    pair = '"größe😀": "s3cr3t-{:06}", '
    tree.texts["a.json"] = text = "{" + "".join(pair.format(n) for n in range(5000)) + "}"
    width, start = len(pair.format(0)), pair.index("s3")
    for n in range(5000):
        column = 2 + n * width + start
        span = Span(1, column, 1, column + 13)
        tree.report.findings.append(Finding("a.json", span, "PRD104", "m", "P0", secrets=(span,)))
    assert text[column - 1 : column + 12] == "s3cr3t-004999"
    with cpu_limit(40):
        assert "s3cr3t" not in tree.render(format)


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_finding_tells_is_not_told_again(tree: Tree, format: str) -> None:
    tree.write("a.py", "def (:\n")
    tree.report.findings.append(Finding("a.py", Span(1, 5, 1, 5), "PRD001", "Cannot be read as Python: a bracket", "P0"))
    tree.report.unchecked.append(Unchecked("a.py", "a bracket", 1, 5))
    tree.report.unchecked.append(Unchecked(".", "`PRD722` failed: KeyError in project.py:3"))
    text = tree.render(format)
    assert "PRD722" in text
    if format in ("gitlab", "azure", "rdjson"):
        assert text.count("a bracket") == 1


# ---------------------------------------------------------------- json


SCHEMA = Path(__file__).parents[2] / "prodlint" / "reports" / "json-report.schema.json"


def validated(text: str) -> dict[str, Any]:
    """A json report, held to its schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    whole: dict[str, Any] = json.loads(text)
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(whole)] == []
    return whole


@pytest.mark.parametrize("options", [{}, {"show_suppressed": True}, {"exit_code": 3}], ids=str)
def test_json_holds_to_its_schema(small: Tree, options: dict[str, Any]) -> None:
    whole = validated(small.render("json", **options))
    assert len(whole["findings"]) == 4
    assert isinstance(whole["suppressed"], list) == options.get("show_suppressed", False)
    assert whole["exit_code"] == options.get("exit_code", 0)


def test_clean_json(tree: Tree) -> None:
    assert validated(tree.render("json")) == {
        "version": 1,
        "findings": [],
        "suppressed": 0,
        "unchecked": [],
        "evidence": [],
        "files": 0,
        "checked": 0,
        "priorities": {"P0": 0, "P1": 0, "P2": 0},
        "looked_at": {},
        "notes": [],
        "exit_code": 0,
    }


def test_the_schema_is_strict_enough_to_fail(small: Tree) -> None:
    broken = json.loads(small.render("json"))
    broken["findings"][0]["line"] = 0
    with pytest.raises(AssertionError):
        validated(json.dumps(broken))


def test_every_field_is_in_the_schema(small: Tree) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    whole = json.loads(small.render("json", show_suppressed=True))
    assert whole.keys() == schema["properties"].keys()
    described = schema["$defs"]["finding"]["properties"].keys() | schema["$defs"]["place"]["properties"].keys()
    assert {key for finding in (*whole["findings"], *whole["suppressed"]) for key in finding} == described
    assert {key for unchecked in whole["unchecked"] for key in unchecked} == schema["$defs"]["unchecked"]["properties"].keys()


def test_json_finding(small: Tree) -> None:
    finding = json.loads(small.render("json"))["findings"][2]
    assert finding["fix"] == {
        "description": "Write the timeout down",
        "safe": True,
        "edits": [{"path": "app/main.py", "line": 8, "column": 29, "end_line": 8, "end_column": 29, "text": ", timeout=5.0"}],
    }
    assert (finding["code"], finding["name"], finding["symbol"]) == ("PRD502", "httpx-implicit-timeout", "load")


def test_json_lines(small: Tree) -> None:
    whole = json.loads(small.render("json"))
    *findings, summary = map(json.loads, small.render("json-lines").splitlines())
    assert findings == whole.pop("findings")
    assert summary.pop("summary") is True
    assert summary.pop("findings") == 4
    assert summary == whole


def test_json_lines_with_suppressed(small: Tree) -> None:
    lines = [json.loads(line) for line in small.render("json-lines", show_suppressed=True).splitlines()]
    assert lines[-2]["suppressed"] == {"kind": "inline", "reason": "ticket 12"}


# ---------------------------------------------------------------- github


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
        if match:
            pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
            for name, value in pairs.items():
                for escape, letter in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
                    value = value.replace(escape, letter)
                pairs[name] = value
            message = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            found.append((match[1], pairs, message))
    return found


def test_github(small: Tree) -> None:
    found = commands(small.render("github", prefix="services/api/"))
    assert [level for level, _, _ in found] == ["warning", "error", "warning", "error", "warning", "warning"]
    assert found[2] == (
        "warning",
        {
            "title": "PRD502 httpx-implicit-timeout",
            "file": "services/api/app/main.py",
            "line": "8",
            "endLine": "8",
            "col": "16",
            "endColumn": "30",
        },
        "`httpx.get` has no timeout of its own\nGive the call a `timeout`",
    )
    assert "col" not in found[3][1]  # several lines


def test_github_escapes(tree: Tree) -> None:
    path = "a:b,c%d\ne.py"
    tree.report.findings.append(Finding(path, Span(1, 1, 1, 2), "PRD303", "50 %, a::b\n::error::forged", "P2"))
    (found,) = commands(tree.render("github"))
    assert found[0] == "notice"
    assert found[1]["file"] == path
    assert found[2] == "50 %, a::b\n::error::forged"


def test_github_log_holds_no_other_command(tree: Tree) -> None:
    tree.report.unchecked.append(Unchecked("::add-mask::x", "y"))
    tree.report.notes.append("::stop-commands::x")
    lines = [line.strip() for line in tree.render("github").splitlines()]
    assert [line for line in lines if line.startswith("::")] == [lines[0]]
    assert lines[0].startswith("::warning title=prodlint%3A not checked,file=%3A%3Aadd-mask%3A%3Ax::y")


# ---------------------------------------------------------------- azure


def test_azure(small: Tree) -> None:
    lines = small.render("azure").splitlines()
    assert len(lines) == 6
    assert lines[2] == (
        "##vso[task.logissue type=warning;sourcepath=app/main.py;linenumber=8;columnnumber=16;code=PRD502;]"
        "PRD502 `httpx.get` has no timeout of its own"
    )


def test_azure_escapes(tree: Tree) -> None:
    tree.report.findings.append(Finding("a;b]c%\n.py", Span(1, 1, 1, 2), "PRD201", "x\n##vso[task.complete]%", "P0"))
    (line,) = tree.render("azure").splitlines()
    assert "sourcepath=a%3Bb%5Dc%AZP25%0A.py;" in line
    assert line.endswith("]PRD201 x%0A##vso[task.complete]%AZP25")


# ---------------------------------------------------------------- gitlab


def test_gitlab(small: Tree) -> None:
    issues = json.loads(small.render("gitlab", prefix="services/api/"))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 6
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"].startswith("services/api/")
        assert issue["location"]["lines"]["begin"] >= 1
    assert [issue["severity"] for issue in issues] == ["major", "critical", "major", "critical", "major", "info"]
    assert issues[2]["check_name"] == "httpx-implicit-timeout"


# ---------------------------------------------------------------- rdjson


def test_rdjson(small: Tree) -> None:
    whole = json.loads(small.render("rdjson"))
    assert whole["source"]["name"] == "prodlint"
    first, _, fixable, related, unread, _ = whole["diagnostics"]
    # Columns are bytes of UTF-8.
    raw = small.texts["app/größe 😀#1.py"].encode()
    span = first["location"]["range"]
    assert raw[span["start"]["column"] - 1 : span["end"]["column"] - 1] == b"httpx.get(url)"
    assert first["severity"] == "WARNING"
    assert first["code"]["value"] == "PRD502"
    assert fixable["suggestions"] == [
        {"range": {"start": {"line": 8, "column": 29}, "end": {"line": 8, "column": 29}}, "text": ", timeout=5.0"}
    ]
    assert related["relatedLocations"][0]["location"]["path"] == "compose.yaml"
    assert unread["location"] == {"path": "broken.py", "range": {"start": {"line": 1, "column": 5}}}


# ---------------------------------------------------------------- junit


def test_junit(small: Tree) -> None:
    root = ET.fromstring(small.render("junit", show_suppressed=True))
    cases = list(root.iter("testcase"))
    assert root.attrib == {"name": "prodlint", "tests": "7", "failures": "4", "errors": "2", "skipped": "1"}
    assert len(cases) == 7
    for part, count in (("failure", 4), ("error", 2), ("skipped", 1)):
        assert len(list(root.iter(part))) == count
    for suite in root:
        assert int(suite.attrib["tests"]) == len(list(suite))
    assert cases[2].attrib == {"name": "PRD502 httpx-implicit-timeout", "classname": "app/main.py", "file": "app/main.py", "line": "8"}


def test_junit_of_a_clean_run_has_a_case(tree: Tree) -> None:
    root = ET.fromstring(tree.render("junit"))
    assert len(list(root.iter("testcase"))) == 1
    assert root.attrib["failures"] == "0"


def test_junit_escapes(tree: Tree) -> None:
    message = '<a & "b"> ]]> \x00\x0b\ufffe'
    tree.report.findings.append(Finding("<&>.py", Span(1, 1, 1, 2), "PRD201", message, "P0"))
    root = ET.fromstring(tree.render("junit"))
    (failure,) = root.iter("failure")
    assert failure.attrib["message"].startswith('<a & "b"> ]]>')


# ---------------------------------------------------------------- markdown


def test_markdown(small: Tree) -> None:
    text = small.render("markdown", show_suppressed=True)
    assert text.startswith(
        "## prodlint: 4 findings\n\n**2 P0**, **2 P1**. 4 files checked. 1 suppressed. 1 fixable with `prodlint --fix`.\n"
    )
    rows = [line for line in text.splitlines() if re.match(r"\| P\d ", line)]
    assert [row.split(" | ")[0] for row in rows] == ["| P0", "| P0", "| P1", "| P1"]
    assert "`broken.py:1:5`: invalid syntax" in text
    assert "inline: ticket 12" in text


def test_markdown_escapes(tree: Tree) -> None:
    tree.report.findings.append(Finding("a|b`c.py", Span(1, 1, 1, 2), "PRD201", "a | b `c|d` <img src=x> *e* @me [x](y) `odd", "P0"))
    (row,) = [line for line in tree.render("markdown").splitlines() if line.startswith("| P0")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "<img" not in row
    assert "@me" not in row


def test_markdown_stays_below_what_github_takes(tree: Tree) -> None:
    for number in range(3000):
        tree.report.findings.append(Finding("a" * 1500, Span(number + 1, 1, number + 1, 2), "PRD201", "m" * 1000, "P0"))
    text = tree.render("markdown")
    assert len(text.encode()) < 1 << 20
    assert re.search(r"\nand 2,\d\d\d more\.\n", text)


def test_clean_markdown(tree: Tree) -> None:
    tree.report.files.append("a.py")
    assert tree.render("markdown") == "## prodlint: no findings\n\n1 file checked.\n\n"
