"""The documentation: every snippet is run or read, every page that is made is complete, and the site builds."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import tomli
import yaml

from prodlint.commands.cli import command_parser
from prodlint.configuration.keys import KEYS
from prodlint.configuration.settings import SettingsError, load
from prodlint.engine.catalogue import own_rules
from prodlint.fleet.organisation import read as read_organisation
from tests.conftest import ROOT, Ran

DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*DOCS.glob("*.md"), ROOT / "README.md"))
_FENCE = re.compile(
    r'^(?P<indent> *)(?P<ticks>`{3,})(?P<kind>[\w-]*)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^(?P=indent)(?P=ticks)$',
    re.MULTILINE | re.DOTALL,
)
# Files of settings of other programs.
_NOT_OURS = ("languages.toml", "pyproject.toml of the plug-in")


@dataclass(frozen=True)
class Snippet:
    page: str
    kind: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.title or self.text.splitlines()[0][:60]}"


def snippets(*kinds: str) -> list[Snippet]:
    found = []
    for page in PAGES:
        for match in _FENCE.finditer((ROOT / page).read_text(encoding="utf-8")):
            if match["kind"] in kinds:
                found.append(Snippet(page, match["kind"], match["title"] or "", match["text"]))
    return found


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generated", DOCS / "generated.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- what is made from the code


def test_every_rule_setting_and_flag_has_its_page(made: ModuleType) -> None:
    pages: dict[str, str] = made.pages()
    assert {f"rules/{rule.family}/{rule.code}-{rule.name}.md" for rule in own_rules()} <= pages.keys()
    assert {f"settings/{name}.md" for name in KEYS} <= pages.keys()
    flags = {
        name
        for parser, _ in made.verbs().values()
        for action in parser._actions
        for name in action.option_strings
        if action.help != "==SUPPRESS=="
    }
    assert {f"flags/{name[2:]}.md" for name in flags if name.startswith("--") and name not in ("--help", "--verbose")} <= pages.keys()
    assert {f"tools/{tool}.md" for tool in ("ruff", "bandit", "semgrep", "hadolint", "checkov", "zizmor")} <= pages.keys()


def test_every_flag_of_a_setting_exists(made: ModuleType) -> None:
    pages: dict[str, str] = made.pages()
    assert [key.flag for key in KEYS.values() if key.flag and f"flags/{key.flag[2:]}.md" not in pages] == []


def test_tables_of_other_tools_hold_what_the_pages_say(made: ModuleType) -> None:
    pages: dict[str, str] = made.pages()
    told = [(code.partition(":"), rule.code) for rule in own_rules() for code in rule.also if code.partition(":")[0] in made.TOOLS]
    assert len(told) > 150
    missing = [
        (tool, name, own)
        for (tool, _, name), own in told
        if f"| `{name}` | " not in pages[f"tools/{tool}.md"] or own not in pages[f"tools/{tool}.md"]
    ]
    assert missing == []
    assert [tool for tool in made.TOOLS if f"tools/{tool}.md" not in pages or "| `" not in pages[f"tools/{tool}.md"]] == []


def test_every_verb_is_documented(made: ModuleType) -> None:
    from prodlint.commands import VERBS

    assert {verb.partition(" ")[0] for verb in made.verbs()} == set(VERBS) - {"help"}
    assert [verb for verb, (_, words) in made.verbs().items() if not words] == []


def test_every_flag_says_what_it_does(made: ModuleType) -> None:
    silent = [
        (verb, action.option_strings or action.dest)
        for verb, (parser, _) in made.verbs().items()
        for action in parser._actions
        if not action.help and not action.dest.endswith("verb")
    ]
    assert silent == []


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs-material is not installed")
def test_the_site_builds(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", ".ci/mkdocs.yml", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    page = (tmp_path / "site" / "rules" / "resilience" / "PRD504-requests-without-timeout" / "index.html").read_text(encoding="utf-8")
    assert "http-wrappers" in page
    # Nothing is fetched from elsewhere when a page is opened.
    assert not re.findall(r'<(?:script|img|iframe)[^>]+src="https?:|<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+href="https?:', page)


# ---------------------------------------------------------------- what is written by hand


@pytest.mark.parametrize("snippet", snippets("toml"), ids=str)
def test_settings_load(snippet: Snippet, tmp_path: Path) -> None:
    values = tomli.loads(snippet.text)
    if snippet.title in _NOT_OURS:
        return
    if snippet.title == "organisation.toml":  # of a fleet
        for name in ("base.toml", "rules/README.md"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / snippet.title).write_text(snippet.text)
        assert read_organisation(str(tmp_path / snippet.title)).demands
        return
    (tmp_path / "lint" / "rules").mkdir(parents=True)
    is_pyproject = "tool" in values
    (tmp_path / ("pyproject.toml" if is_pyproject else "prodlint.toml")).write_text(snippet.text)
    try:
        settings = load(tmp_path, root=tmp_path)
    except SettingsError as error:
        pytest.fail(str(error))
    assert settings.sources


@pytest.mark.parametrize("snippet", snippets("json"), ids=str)
def test_json_is_json(snippet: Snippet) -> None:
    json.loads(snippet.text)


def test_the_finding_shown_has_the_fields_of_the_schema() -> None:
    (shown,) = [json.loads(snippet.text) for snippet in snippets("json") if snippet.title == "one finding of `json`"]
    schema = json.loads((ROOT / "prodlint" / "reports" / "json-report.schema.json").read_text(encoding="utf-8"))
    described = schema["$defs"]["finding"]["properties"].keys() | schema["$defs"]["place"]["properties"].keys()
    assert shown.keys() == described - {"suppressed"}


@pytest.mark.parametrize("snippet", snippets("python"), ids=str)
def test_python_runs(snippet: Snippet, tmp_path: Path) -> None:
    ast.parse(snippet.text)
    if snippet.title or re.match(r"# \S+\.py\n", snippet.text) or "requests.get" in snippet.text and "prodlint.api" not in snippet.text:
        return  # a file of its own project
    subprocess.run(
        [sys.executable, "-c", snippet.text], cwd=tmp_path, check=True, env={**__import__("os").environ, "PYTHONPATH": str(ROOT)}
    )


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=str)
def test_pipelines_use_flags_that_exist_and_have_no_findings(snippet: Snippet, tmp_path: Path, prodlint: Callable[..., Ran]) -> None:
    assert yaml.safe_load(snippet.text)
    for words in commands_of(snippet.text):
        parsed(words)
    if snippet.title.startswith(".github"):
        target = tmp_path / snippet.title
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(snippet.text)
        out = prodlint(snippet.title, "--isolated", "--no-cache", "--select", "PRD902,PRD905,PRD906,PRD907", cwd=tmp_path).out
        assert out.startswith("No findings"), out


@pytest.mark.parametrize("snippet", snippets("groovy", "sh", "bash", "console"), ids=str)
def test_commands_use_flags_that_exist(snippet: Snippet) -> None:
    for words in commands_of(snippet.text):
        parsed(words)


def commands_of(text: str) -> Iterator[list[str]]:
    """The calls of prodlint in a snippet."""
    for line in text.splitlines():
        found = re.search(r"(?:^|[\s'\"/])prodlint (?=[a-z.-])([^'|;#]*)", line)
        if found and not re.search(r"\b(?:pip|pipx|build|clone)\b", line):
            yield shlex.split(found[1].replace('"$GITHUB_STEP_SUMMARY"', "summary.md").rstrip("'\""))


def parsed(words: list[str]) -> None:
    from prodlint.commands import VERBS

    words = words if words and words[0] in VERBS else ["check", *words]
    try:
        command_parser().parse_args(words)
    except SystemExit as stopped:
        pytest.fail(f"prodlint {shlex.join(words)}: {stopped}")


# ---------------------------------------------------------------- sessions


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The unready service in a repository of its own, with what the pages speak of."""
    root = tmp_path / "orders"
    shutil.copytree(ROOT / "fixtures" / "unready" / "orders", root)
    for path in (root, *root.rglob("*")):
        if path.is_file():
            path.write_text(re.sub(r"[ \t]*# expect:.*", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    (root / "expected.txt").unlink()
    (root / "services" / "api").mkdir(parents=True)
    (root / "services" / "api" / "app.py").write_text("x = 1\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=root, check=True)
    return root


@pytest.mark.parametrize("page", [page for page in PAGES if any(snippet.page == page for snippet in snippets("console"))])
def test_sessions_go_as_shown(page: str, service: Path, prodlint: Callable[..., Ran]) -> None:
    """Each command of a page, one after the other in one repository: its exit code, and the lines shown in their order."""
    for match in _FENCE.finditer((ROOT / page).read_text(encoding="utf-8")):
        if match["title"] and match["kind"] in ("toml", "markdown") and match["title"].endswith((".toml", ".md")):
            target = service / match["title"]
            target.parent.mkdir(parents=True, exist_ok=True)
            if match["title"] != "prodlint.toml" or page.endswith(("own-rules.md", "month-two.md")):
                target.write_text(match["text"], encoding="utf-8")
        if match["kind"] != "console":
            continue
        for command, shown in session_of(match["text"]):
            line, _, remark = command.partition("  # exits with ")
            words = shlex.split(line)
            assert words[0] == "prodlint", command
            ran = prodlint(*words[1:], cwd=service)
            assert ran.code in ((int(remark),) if remark else (0, 1)), (command, ran.err, ran.out[-2000:])
            out = iter(ran.out.splitlines())
            for expected in shown:
                assert any(is_shown(expected, told) for told in out), (command, expected, ran.out[:3000])


def is_shown(expected: str, told: str) -> bool:
    """Whether a line is the one that a page shows. Counts may be others: rules come and go."""
    if not re.match(r"\S+:\d+:\d+: ", expected):
        expected, told = (re.sub(r"\d[\d,]*", "N", line) for line in (expected, told))
    return told.startswith(expected)


def session_of(text: str) -> Iterator[tuple[str, list[str]]]:
    command, shown = "", []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        elif line.strip() != "...":
            shown.append(line)
    if command:
        yield command, shown
