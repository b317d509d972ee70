"""Whatever files say and are called, no output holds what a terminal, a log or a page would obey."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodlint.escaping import escape_control_characters, escape_lines
from tests.conftest import Project, Ran

Run = Callable[..., Ran]

ESCAPE, BIDI = "\x1b[2J\x1b]0;pwned\x07", "\u202egnp.exe\u2066\u200b\u2028"
NAMES = [
    "::error file=x::pwned.py",
    "##[error]pwned.py",
    "##vso[task.setvariable variable=x]pwned.py",
    "##teamcity[buildStop].py",
    "new\nline ::error::pwned.py",
    "new\r\n##[error]pwned.py",
    f"{ESCAPE}.py",
    f"{BIDI}.py",
    "<img src=x onerror=alert(1)>.py",
    "](javascript:alert(1)) `|` **b**.py",
    "]]>&\"'.py",
    "$(touch x) `id`.py",
]
BAD = "import requests\n# TODO {0}\nrequests.get('{0}')\nraise NotImplementedError('{0}')\n"
CONTENT = [
    ESCAPE,
    BIDI,
    "::error::pwned",
    "##[error]pwned",
    "##vso[task.complete result=Failed]",
    "<script>alert(1)</script>",
    "\x00\x08\x7f\x9b31m",
    "```\n# x | y",
    "]]></failure>",
]
HOSTILE = "".join(CONTENT).replace("\n", "\\n").replace("\x00", "")
FILES: dict[str, str | bytes] = {
    "Dockerfile": f'FROM python:latest\nFOO{ESCAPE} {BIDI}\nRUN echo \'{HOSTILE}\'\nCMD ["uvicorn", "a:a", "--reload", "{ESCAPE}"]\n',
    "compose.yaml": f"services:\n  '::error::x':\n    image: 'x{BIDI}:latest'\n    privileged: true\n",
    ".env.production": f"SECRET_KEY{BIDI}=hunter2abc9X\nDEBUG=1\n",
    "broken.json": f'{{"a": {ESCAPE}',
    "odd.py": b"x = '\xff\x1b[2J'\n",
    "READINESS.md": f"- [x] Every outgoing request has a timeout {ESCAPE}\n- [ ] ##[error]pwned\n- [x] ::error::pwned\n",
    "ignored.py": f"import requests\nrequests.get('x')  # prodlint: ignore[PRD504] -- {ESCAPE} ##[error]x\n",
}


@pytest.fixture
def tree(project: Project) -> Path:
    files = {
        **FILES,
        **{f"app/{name}": BAD.format(HOSTILE) for name in NAMES},
        **{f"app/::dir\n::error::{number}/x.py": BAD.format("x") for number in range(2)},
    }
    return project(files)


def assert_harmless(text: str) -> None:
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert not re.match(r"\s*::[A-Za-z]", line), line
        assert "##[" not in line and "##vso[" not in line and "##teamcity[" not in line, line


TEXTS = [
    ("check", "--output-format", "concise"),
    ("check", "--output-format", "full"),
    ("check", "--output-format", "grouped"),
    ("check", "--output-format", "statistics"),
    ("check", "--output-format", "markdown"),
    ("check", "--show-suppressed"),
    ("check", "--show-files"),
    ("check", "--show-settings"),
    ("check", "--fix", "--diff", "--unsafe-fixes"),
    ("check", "--timings"),
    ("report",),
    ("report", "--output-format", "markdown"),
    ("checklist", "READINESS.md", "--all"),
    ("checklist", "READINESS.md", "--output-format", "markdown", "--all"),
    ("baseline",),
    ("check", "--fix", "--unsafe-fixes", "--show-fixes"),
    ("check", "--add-ignore"),
]


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_every_text_is_harmless(prodlint: Run, tree: Path, words: tuple[str, ...]) -> None:
    ran = prodlint(*words, *(("--select", "ALL") if words[0] == "check" else ()), cwd=tree)
    assert ran.code in (0, 1, 3), ran.err
    assert ran.out or ran.err
    assert_harmless(ran.out)
    assert_harmless(ran.err)
    if "markdown" in words:
        assert not re.search(r"(?<![\\`&])<(?!/?details|/?summary|br>)[a-z]", re.sub(r"(`+)(?:(?!\1).)*\1", "", ran.out)), ran.out


@pytest.mark.parametrize(
    "words",
    [
        ("check", "x"),
        ("check", "--select", f"{ESCAPE}\n::error::x"),
        ("check", "--config", "nothing\n##[error]x"),
        ("rule", ESCAPE),
        ("check", "--since", f"{ESCAPE}\n::error::"),
    ],
)
def test_errors_are_harmless(prodlint: Run, tree: Path, words: tuple[str, ...]) -> None:
    ran = prodlint(*words, cwd=tree)
    assert_harmless(ran.out + ran.err)


@pytest.mark.parametrize(
    "text",
    [
        '"\\u001b[2J\\u001b]0;pwn\\u0007" = 1\n',
        'ignore = ["x\\n::error::pwned"]\n',
        'fail-on = "\\u202e\\n##[error]x"\n',
        'baseline = "\\u001b[2J"\n',
        'extend = "\\n::error::x"\n',
        'extend-exclude = ["nothing\\n::error::x\\u001b[2J"]\n',
        '[rules.PRD504]\n"\\u001b[2J" = 1\n',
        '[[per-path]]\npaths = ["x\\n::error::pwned"]\nselect = ["\\u001b[2J"]\n',
        "x = \x1b[2J\n",
    ],
)
def test_settings_are_shown_harmless(prodlint: Run, tree: Path, text: str) -> None:
    (tree / "prodlint.toml").write_text(text)
    for words in (("check",), ("check", "--show-settings"), ("baseline",), ("report",)):
        ran = prodlint(*words, cwd=tree)
        assert ran.code != 70
        assert_harmless(ran.out + ran.err)


def test_a_page_of_the_tree_is_shown_harmless(prodlint: Run, tree: Path) -> None:
    page = f'# A thing {ESCAPE}\n\n```toml\npriority = "P1"\ncategory = "security"\nmessage = "{BIDI}"\n[[match]]\ncall = ["requests.get"]\n```\n\nWhy ##[error]x\n::error::y\n\n## Fix\n\nDo.\n'
    page += "\n## Bad\n\n```python\nimport requests\nrequests.get('x')\n```\n\n## Good\n\n```python\nx = 1\n```\n"
    (tree / "team").mkdir()
    (tree / "team" / "ABC001-a-thing.md").write_text(page)
    (tree / "prodlint.toml").write_text('extend-rules = ["team"]\n')
    for words in (
        ("rule", "ABC001"),
        ("rule", "ABC001", "--output-format", "markdown"),
        ("check", "--output-format", "full"),
        ("rule", "--test", "team"),
    ):
        ran = prodlint(*words, cwd=tree)
        assert ran.out
        assert_harmless(ran.out + ran.err)


def test_commands_of_pipelines_are_ours_alone(prodlint: Run, tree: Path) -> None:
    github = prodlint("check", "--output-format", "github", cwd=tree).out
    ours = re.compile(r"::(error|warning|notice) (title=[^:,\n]*,)?file=[^\n:]*::|::warning title=[^\n:]*::")
    for line in github.split("\n"):
        assert line.isprintable()
        if line.lstrip().startswith("::"):
            assert ours.match(line) or re.match(r"::(error|warning|notice) [A-Za-z]+=[^:\n]*::", line), line
        else:
            assert_harmless(line)
    azure = prodlint("check", "--output-format", "azure", cwd=tree).out
    for line in filter(None, azure.split("\n")):
        assert line.isprintable()
        # The agent looks for the first command in a line, and reads no further ones.
        assert line.startswith("##vso[task.logissue ")


def test_pages_cannot_be_broken_out_of(prodlint: Run, tree: Path) -> None:
    junit = prodlint("check", "--output-format", "junit", cwd=tree).out
    root = ET.fromstring(junit)
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "error", "skipped"}
    assert all(character.isprintable() or character == "\n" for character in junit)

    class Tags(HTMLParser):
        found: set[str] = set()
        handlers: list[str] = []

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            self.found.add(tag)
            self.handlers += [
                name for name, value in attributes if name.startswith("on") or (value or "").lower().startswith("javascript:")
            ]

    html = prodlint("report", "--output-format", "html", cwd=tree).out
    tags = Tags()
    tags.feed(html)
    assert html.count("<script") == 1 and tags.handlers == [] and "img" not in tags.found
    assert "alert(1)" in html and "<script>alert" not in html
    shown = re.sub(r"(?s)<script.*?</script>|<style.*?</style>", "", html)
    assert all(character.isprintable() or character in "\n\t" for character in shown)


@pytest.mark.parametrize("format", ["json", "json-lines", "sarif", "gitlab", "rdjson"])
def test_json_is_json(prodlint: Run, tree: Path, format: str) -> None:
    out = prodlint("check", "--output-format", format, cwd=tree).out
    for piece in out.splitlines() if format == "json-lines" else [out]:
        json.loads(piece)
    assert not any(ord(character) < 32 and character != "\n" for character in out)


def test_a_diff_in_a_file_is_one_that_git_applies(prodlint: Run, project: Project) -> None:
    root = project({"a.py": f"import requests\nx = '{BIDI[:8]}'\nrequests.get('http://x')\n"})
    before = (root / "a.py").read_bytes()
    assert prodlint("check", "--fix", "--unsafe-fixes", "--diff", "-o", "a.patch", cwd=root).code == 1
    assert "\u202e" in (root / "a.patch").read_text()
    subprocess.run(["git", "apply", "a.patch"], cwd=root, check=True)
    assert (root / "a.py").read_bytes() != before


@given(st.text())
def test_escaped_text_is_printable_and_no_command(text: str) -> None:
    for shown in (escape_control_characters(text), *escape_lines(text).split("\n")):
        assert shown.replace("\t", "").isprintable()
        assert_harmless(shown.replace("\t", " ") if "\t" in shown else shown)
    if text.isprintable() and "##" not in text and "::" not in text:
        assert escape_control_characters(text) == text


def test_a_mark_stands_under_what_is_meant_behind_an_escape(prodlint: Run, project: Project) -> None:
    out = prodlint(
        "check", "--output-format", "full", cwd=project({"a.py": "import requests\nx = '\u202e'; requests.get('http://x')\n"})
    ).out
    lines = out.split("\n")
    at = next(number for number, line in enumerate(lines) if "\\u202e" in line)
    assert lines[at + 1].index("^") == lines[at].index("requests.get")
