"""Reports built by hand: a small tree of files, findings placed by the text they point at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from prodlint.facts import Source
from prodlint.model import Edit, Evidence, Finding, Fix, FixRequest, Related, Report, Rule, Span, Suppressed, Unchecked
from prodlint.readers import decode
from prodlint.reports import Options, render

RULES = (
    Rule(
        "PRD201",
        "bare-except",
        "errors",
        "A bare except swallows more than errors",
        "P0",
        "reliability",
        "rules/errors/PRD201-bare-except.md",
        fix="unsafe",
        why="`except:` also catches `KeyboardInterrupt`: the process cannot be stopped.",
        how="Name the exceptions you expect. Where everything must be caught, write `except Exception:` and log the traceback.",
        page='# A bare except swallows more than errors\n\n```toml\npriority = "P0"\n```\n\nWhy.\n\n## Fix\n\nName them.\n',
        cwe=(396, 705),
        owasp=("A10:2025",),
    ),
    Rule(
        "PRD104",
        "hardcoded-password",
        "secrets",
        "A password stands in the code",
        "P0",
        "security",
        "rules/secrets/PRD104-hardcoded-password.md",
        why="Whoever reads the repository can sign in.",
        how='Read it from the environment, e.g. `os.environ["X"]`. Then change it, because it is known now.',
        page="# A password stands in the code\n\nWhy.\n",
        cwe=(798, 259),
        owasp=("A07:2021", "A07:2025"),
        precision="medium",
        security_severity="8.1",
    ),
    Rule(
        "PRD502",
        "httpx-implicit-timeout",
        "resilience",
        "A timeout was never written down",
        "P1",
        "reliability",
        "rules/resilience/PRD502-httpx-implicit-timeout.md",
        fix="safe",
        why="httpx waits 5 s for each phase.",
        how="Give the call a `timeout`",
        page="# A timeout was never written down\n\nWhy.\n",
    ),
    Rule("PRD303", "todo-comment", "placeholders", "A TODO is left", "P2", "code-quality", "rules/placeholders/PRD303-todo-comment.md"),
)


def span_of(text: str, needle: str, occurrence: int = 1) -> Span:
    """The span of the n-th occurrence of a text, computed by characters alone."""
    start = -1
    for _ in range(occurrence):
        start = text.index(needle, start + 1)
    end = start + len(needle)

    def position(index: int) -> tuple[int, int]:
        line = text.count("\n", 0, index) + 1
        return line, index - (text.rfind("\n", 0, index) + 1) + 1

    return Span(*position(start), *position(end))


@dataclass
class Tree:
    """Files in a folder and a report on them."""

    root: Path
    report: Report
    texts: dict[str, str] = field(default_factory=dict)
    fixes: dict[Finding, Fix] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    rules: tuple[Rule, ...] = RULES

    def write(self, path: str, text: str) -> None:
        """Add a file."""
        self.texts[path] = text
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
        self.report.files.append(path)

    def find(self, code: str, path: str, needle: str, message: str = "A message", *, secret: str = "", **more: Any) -> Finding:
        """Add a finding on a text of a file."""
        text = self.texts[path]
        priority = next((rule.priority for rule in self.rules if rule.code == code), "P1")
        span = span_of(text, needle, more.pop("occurrence", 1))
        if secret:
            more["secrets"] = (span_of(text, secret),)
            more.setdefault("content", "digest")
        more.setdefault("content", text.split("\n")[span.line - 1].strip())
        finding = Finding(path, span, code, message, more.pop("priority", priority), **more)
        self.report.findings.append(finding)
        return finding

    def source(self, path: str) -> Source | None:
        """The source lookup given to the formats; notes what was asked for."""
        self.reads.append(path)
        text = self.texts.get(path)
        return None if text is None else decode(text.encode(), "text")

    def render(self, format: str, **options: Any) -> str:
        """The report in a format. Without times, as they differ from run to run."""
        options.setdefault("show_time", False)
        options.setdefault("fixes", self.fixes)
        return render(self.report, format, self.rules, root=str(self.root), sources=self.source, options=Options(**options))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty tree."""
    return Tree(tmp_path, Report(str(tmp_path)))


APP = """\
import httpx

PASSWORD = "{secret}"


def load(url):
    try:
        return httpx.get(url)
    except:
        return None  # TODO: say why
"""


@pytest.fixture
def secret() -> str:
    """A value that must appear in no output."""
    return "hunter2-" + "Tr0ub4dor"


@pytest.fixture
def small(tree: Tree, secret: str) -> Tree:
    """A report with one of everything."""
    tree.write("app/main.py", APP.format(secret=secret))
    tree.write("app/größe 😀#1.py", 'é = "😀日本"; x = httpx.get(url)\n')
    tree.write("compose.yaml", "services:\n  web:\n    command: [gunicorn]\n")
    tree.write("broken.py", "def (:\n")
    tree.write("chart/values.yaml", "{{ x }}\n")
    tree.find("PRD104", "app/main.py", f'"{secret}"', "`PASSWORD` is written in the code", secret=f'"{secret}"')
    timeout = FixRequest("set-keyword", "Write the timeout down", True, (("keyword", "timeout"), ("value", "5.0")))
    call = tree.find("PRD502", "app/main.py", "httpx.get(url)", "`httpx.get` has no timeout of its own", symbol="load", fix=timeout)
    at_end = Span(call.span.end_line, call.span.end_column - 1, call.span.end_line, call.span.end_column - 1)
    tree.fixes[call] = Fix("Write the timeout down", True, (Edit("app/main.py", at_end, ", timeout=5.0"),))
    related = Related("compose.yaml", span_of(tree.texts["compose.yaml"], "gunicorn"), "started in production here")
    tree.find(
        "PRD201",
        "app/main.py",
        "except:\n        return None",
        "The handler swallows `KeyboardInterrupt` and everything else",
        symbol="load",
        related=(related,),
        fix=FixRequest("replace", "Write `except Exception:`", False, (("text", "except Exception:"),)),
    )
    tree.find("PRD502", "app/größe 😀#1.py", "httpx.get(url)", "`httpx.get` has no timeout of its own")
    todo = tree.find("PRD303", "app/main.py", "TODO: say why", "A `TODO` is left")
    tree.report.findings.remove(todo)
    tree.report.suppressed.append(Suppressed(todo, "inline", "ticket 12"))
    tree.report.unchecked.append(Unchecked("broken.py", "invalid syntax", 1, 5))
    tree.report.unchecked.append(Unchecked("chart/values.yaml", "template syntax", 1, 1, analysed=True))
    tree.report.evidence.append(Evidence("PRD705", "app/main.py", Span(1, 1, 1, 13), "logging is set up"))
    tree.report.looked_at.update({"PRD201": 1, "PRD502": 2})
    tree.report.notes.append("The baseline holds 2 entries that no longer occur")
    tree.report.seconds = 0.123
    return tree


@pytest.fixture
def place() -> Callable[..., Span]:
    """`span_of`."""
    return span_of
