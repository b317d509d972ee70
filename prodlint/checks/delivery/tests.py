"""Tests: are there any, and does their coverage have to stay?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    commands,
    documents,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Call, Collection, Command, Constant, Document, Node, Text
from prodlint.model import Evidence, FixRequest, Span

# ---------------------------------------------------------------- PRD902 in noxfiles


@check("PRD902", on=[calls("*.run")], required_literals=[("success_codes", "session")], files=("python",))
def accepted_failure(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`session.run("pytest", success_codes=[0, 1])`: nox takes the failure for a success."""
    accepted = call.keywords.get("success_codes")
    program = call.argument(0)
    if (
        not isinstance(accepted, Collection)
        or not isinstance(program, Constant)
        or program.value not in ("pytest", "mypy", "ruff", "flake8", "pylint")
    ):
        return
    codes = [item.value for item in accepted.items if isinstance(item, Constant)]
    # 5 is pytest's "no tests collected".
    if any(code not in (0, 5) for code in codes):
        yield Diagnostic(accepted, f"`success_codes` lets the session pass when `{program.value}` fails")


# ---------------------------------------------------------------- PRD941


_TEST = re.compile(rb"(?:test|runtest)\w*[\s\\]*[(\[]")


_DEF = re.compile(rb"\bdef[\s\\]+(?:run)?\Z")


@collect("test-case", on=[text()], required_literals=["test"], files=("python",))
def test_cases(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """One trace for a file that holds a test: nothing is parsed for it, a large service has thousands of these files."""
    if "test" not in context.file.roles and "test" not in context.file.name:
        return
    data = whole.source.data
    if any(_TEST.match(data, offset) and _DEF.search(data, max(0, offset - 40), offset) for _, offset in whole.hits):
        yield ProjectFact("test-case", context.file.path, Span(1, 1, 1, 1))


@project_check("PRD941", topics=("test-case",))
def tests_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    if not project.environment.is_service:
        return
    code = [file for file in project.files if file.kind == "python" and not file.roles & _NO_CODE]
    if not code:
        return
    cases = project.about("test-case")
    if cases:
        first = next((case for case in cases if not case.path.startswith(".")), cases[0])
        yield Evidence("PRD941", first.path, first.span, "a file with tests" if len(cases) == 1 else f"{len(cases):,} files with tests")
        return
    if any(_OTHER_TESTS.search(file.path) for file in project.files):
        return
    place = project.service_place()
    if place is not None:
        yield ProjectDiagnostic(
            place[0], place[1], f"this service has {len(code)} Python {'file' if len(code) == 1 else 'files'} and no test"
        )


_NO_CODE = frozenset(("test", "migration", "generated", "vendored", "docs", "example", "stub"))
# Tests that are not Python functions: features of behave, robot suites, doctest collections.
_OTHER_TESTS = re.compile(
    r"(?:^|/)(?:features/.*\.feature|.*\.robot|tests?/.*\.(?:tavern\.yaml|hurl|bats)|.*\.(?:spec|test)\.[jt]sx?|(?:run[-_])?tests?\.sh)$"
)


# ---------------------------------------------------------------- PRD942


@collect(
    "coverage",
    on=[documents()],
    required_literals=["fail_under", "cov-fail-under", "[coverage:", "[tool.coverage", "codecov", "coverage"],
    files=("toml", "ini"),
)
def coverage_settings(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    root = document.root
    places: list[tuple[str, ...]] = [
        ("tool", "coverage", "report", "fail_under"),
        ("coverage:report", "fail_under"),
        ("report", "fail_under"),
    ]
    for path in places:
        if path[0] == "report" and not context.file.name.startswith((".coveragerc", "coverage")):
            continue
        node = root.get(*path)
        if node is not None:
            yield project_fact("coverage", node, node.raw, kind="threshold")
    for path in (
        ("tool", "pytest", "ini_options", "addopts"),
        ("pytest", "addopts"),
        ("tool:pytest", "addopts"),
        ("tool", "pytest", "addopts"),
    ):
        node = root.get(*path)
        if node is not None:
            text = node.raw if node.kind == "scalar" else " ".join(item.raw for item in node.items)
            found = re.search(r"--cov-fail-under[= ](\d+(?:\.\d+)?)", text)
            if found:
                yield project_fact("coverage", node, found[1], kind="threshold")
            elif "--cov" in text:
                yield project_fact("coverage", node, "", kind="measured")
    for path in (("tool", "coverage", "run", "omit"), ("coverage:run", "omit"), ("run", "omit")):
        omitted = root.get(*path)
        if omitted is not None and (path[0] != "run" or context.file.name.startswith((".coveragerc", "coverage"))):
            for node in omitted.items if omitted.kind == "sequence" else (omitted,):
                for pattern in re.split(r"[,\s]+", node.raw):
                    if pattern:
                        yield project_fact("coverage", node, pattern, kind="omit")
    report = root.get("tool", "coverage", "report")
    if report is not None and report.get("fail_under") is None:
        place = _key_trace(report)
        yield ProjectFact("coverage", place.path, place.span, "", (("kind", "report"),))
    for path in (("tool", "coverage"), ("coverage:run",), ("run",)):
        node = root.get(*path)
        if node is not None and (path[0] != "run" or context.file.name.startswith((".coveragerc", "coverage"))):
            yield _key_trace(node)


def _key_trace(node: Node) -> ProjectFact:
    end = node.key_end if node.key_end > node.key_start else node.start + 1
    start = node.key_start if node.key_end > node.key_start else node.start
    return ProjectFact("coverage", node.file.path, node.source.span(start, end), "", (("kind", "configured"),))


@collect(
    "coverage",
    on=[commands("pytest", "coverage", "py.test", "tox", "codecov", "diff-cover", "coveralls", "octocov")],
    required_literals=["--cov", "coverage", "codecov", "diff-cover", "coveralls", "octocov"],
    files=("yaml", "makefile", "shell", "toml", "ini", "jenkinsfile", "dockerfile"),
)
def coverage_commands(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    for flag in ("--cov-fail-under", "--fail-under"):
        value = command.flag_value(flag)
        if value is not None:
            yield project_fact("coverage", command, value, kind="threshold")
            return
    if command.program in ("codecov", "diff-cover", "coveralls", "octocov"):
        yield project_fact("coverage", command, command.program, kind="service")
    elif command.program == "coverage" or any(word.startswith("--cov") for word in command.argv):
        yield project_fact("coverage", command, "", kind="measured")


_SERVICES = ("codecov/codecov-action", "coverallsapp/", "codacy/", "sonarsource/", "py-cov-action/", "orgoro/coverage", "k1low/octocov", "irongut/", "qltysh/", "paambaati/codeclimate", "romeovs/lcov", "davelosert/vitest", "mishakav/pytest-coverage", "codeclimate", "deepsourcelabs/", "smokeshow")  # fmt: skip


@collect(
    "coverage",
    on=[documents("github-workflow")],
    required_literals=[("uses:", name) for name in _SERVICES] + ["smokeshow"],
    files=("yaml",),
)
def coverage_services(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    for node in document.root.walk():
        if node.kind == "scalar" and node.path.endswith(".uses") and any(name in node.raw.lower() for name in _SERVICES):
            yield project_fact("coverage", node, node.raw, kind="service")
        elif node.kind == "scalar" and "smokeshow" in node.raw and "THRESHOLD" in document.source.text:
            yield project_fact("coverage", node, "", kind="service")


@project_check("PRD942", topics=("coverage", "test-case"))
def coverage_gate_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    if not project.environment.is_service or not project.about("test-case"):
        return
    minimum = float(options.get("minimum", 80))
    traces = project.about("coverage")
    yield from _omitted(project, traces)
    thresholds = [each for each in traces if each.get("kind") == "threshold" and _number(each.words) is not None]
    for each in thresholds:
        value = _number(each.words)
        if value is not None and value >= minimum:
            yield Evidence("PRD942", each.path, each.span, f"coverage must stay at {each.words} %")
            return
    services = [each for each in traces if each.get("kind") == "service"]
    if services or any(
        file.name in ("codecov.yml", ".codecov.yml", "codecov.yaml", ".codecov.yaml", "sonar-project.properties") for file in project.files
    ):
        at = services[0] if services else None
        yield Evidence(
            "PRD942", at.path if at else "codecov.yml", at.span if at else Span(1, 1, 1, 1), "a coverage service judges each change"
        )
        return
    script = _script_with_threshold(project)
    if script:
        yield Evidence("PRD942", script, Span(1, 1, 1, 1), "a script asks for a coverage")
        return
    if thresholds:
        best = max(thresholds, key=lambda each: _number(each.words) or 0)
        yield ProjectDiagnostic(best.path, best.span, f"the coverage gate is at {best.words} %, below {minimum:g} %")
        return
    traces = [each for each in traces if each.get("kind") in ("report", "configured", "measured")]
    anchor = next((each for kind in ("report", "configured", "measured") for each in traces if each.get("kind") == kind), None)
    if anchor is not None:
        fix = None
        if anchor.get("kind") == "report":
            fix = FixRequest("insert-line-after", "Keep the coverage", False, (("text", f"fail_under = {minimum:g}"),))
        elif anchor.path.endswith("pyproject.toml"):
            text = f"\n[tool.coverage.report]\nfail_under = {minimum:g}\n"
            fix = FixRequest("append-lines", "Keep the coverage", False, (("file", anchor.path), ("text", text)))
        yield ProjectDiagnostic(anchor.path, anchor.span, "coverage is measured but not enforced: no `fail_under`", fix=fix)
        return
    for name in ("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "requirements.txt"):
        named = sorted(project.named(name), key=lambda file: (file.path.count("/"), file.path))
        if named:
            words = "tests run, and nothing asks how much they cover: no `fail_under`"
            yield ProjectDiagnostic(named[0].path, Span(1, 1, 1, 1), words, priority="P2")
            return


def _omitted(project: Project, traces: Sequence[ProjectFact]) -> Iterator[ProjectDiagnostic]:
    """`omit` that leaves the served package out: a threshold over the rest says nothing about what runs."""
    started = project.environment.service
    package = started.module.split(".", 1)[0] if started is not None and started.module else ""
    for each in traces:
        if (
            each.get("kind") == "omit"
            and package
            and each.words.removeprefix("./").removeprefix("*/") in (package, f"{package}/", f"{package}/*", f"{package}/**")
        ):
            yield ProjectDiagnostic(each.path, each.span, f"`omit` leaves `{package}` out, which is what this service runs")


def _script_with_threshold(project: Project) -> str:
    """A script without an extension that sets a threshold: such files are not looked into otherwise."""
    for folder in ("bin", "script", "scripts", "tools", ".ci", "ci"):
        for name in islice(project.names_in(folder), 100):
            if "." not in name and re.search(rb"fail[-_]under[= ]", project.read(f"{folder}/{name}") or b""):
                return f"{folder}/{name}"
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text.strip().rstrip("%"))
    except ValueError:
        return None
