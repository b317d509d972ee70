"""What a line of a checklist claims in particular: files, numbers, names. A yes has to show the very thing.

A claim is looked for in the project's own code and configuration, outside comments, documentation, tests and examples, and never in
reports of prodlint or of other checkers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prodlint.facts import Source
from prodlint.readiness.lines import Line

Verdict = Literal["shown", "not shown", "contradicted"]

# A file by its path, or by a name that can only be one.
_PATH = re.compile(
    r"(?<![\w/.@:-])(?:\./)?((?:[\w.-]+/)+[\w.-]+\.\w{1,8}|[\w-]+\.(?:py|toml|ini|cfg|ya?ml|json|sh|md|lock|txt|sql|conf|env|example))(?![\w/])"
)
_NAMED_FILES = re.compile(
    r"(?<![\w/.-])(Dockerfile|Makefile|Procfile|Jenkinsfile|CODEOWNERS|\.dockerignore|\.gitignore|\.pre-commit-config\.yaml|\.env(?:\.\w+)+)(?![\w.-])"
)
_URL = re.compile(r"\w+://\S+")
# `pool_size=10`, `timeout: 30`
_PAIR = re.compile(r"(?<![\w./-])([A-Za-z_]\w{2,})\s*(?:=|:\s?(?=\d))\s*(\d+(?:\.\d+)?)(?![\w.]*\()")
_UNITS = {
    "%": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "m": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
    "kb": 1024.0, "mb": 1024.0**2, "gb": 1024.0**3, "kib": 1024.0, "mib": 1024.0**2, "gib": 1024.0**3, "bytes": 1.0,
    "characters": 1.0, "chars": 1.0, "bits": 1.0, "replicas": 1.0, "workers": 1.0, "retries": 1.0, "attempts": 1.0, "connections": 1.0, "requests": 1.0,
}  # fmt: skip
_QUANTITY = re.compile(
    r"(?<![\w.:/#-])(?P<sign>[<>≤≥]=?\s*)?(?P<number>\d{1,9}(?:[.,]\d+)?)\+?\s*(?P<unit>%|"
    + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
    + r")?(?![\w.-]*\w)",
    re.IGNORECASE,
)
# Names that say one thing only: Argon2id, AES-256-GCM, OAuth2, PostgreSQL, slowapi in backticks.
_PROPER = re.compile(r"(?<![\w-])(?:[A-Z][a-z]*\d+[\w-]*|[A-Z]{2,}-\d+(?:-[A-Z]+)?|[A-Z][a-z]+[A-Z]\w+|HS\d{3}|RS\d{3}|ES\d{3})(?![\w-])")
_CODE_NAME = re.compile(r"`([A-Za-z_][\w.-]{2,60})(?:\(\))?`")
_IN_WORDS = frozenset(("readiness", "kubernetes", "github", "gitlab", "javascript", "typescript", "openapi", "graphql"))
# What is done outside of the code, or told of a run: no file can show it.
_OUTSIDE = re.compile(
    r"\b(?:deploy(?:ed)?\s+(?:to|on|in)\b|deployed\b(?!\s+by)|announce|approv|sign(?:ed)?[- ]off|meeting|firewall|dns\b|domain\b|penetration|pen[- ]?test|audit(?:ed)?\s+by|review(?:ed)?\s+(?:by|with)"
    r"|notif(?:y|ied)\s+(?:the\s+)?(?:team|stake)|train(?:ed|ing)|on[- ]call\s+(?:schedule|rota)|contract|invoice|purchase|certificate\s+(?:is\s+)?(?:issued|bought|installed)"
    r"|\d+\s+(?:passed|passing|tests?\s+pass)|all\s+tests?\s+pass|tests?\s+(?:are\s+)?(?:green|passing)|smoke\s+tests?\s+(?:pass|run)|verified\s+(?:in|on)\s+(?:staging|production)"
    r"|load[- ]test(?:ed|s)?\s+(?:passed|run|done|executed)|rolled\s+out|went\s+live|go[- ]live|backup\s+(?:was\s+)?restored|drill)",
    re.IGNORECASE,
)
_OWN_REPORT = re.compile(
    rb'"\$schema":[^\n]{0,120}(?:sarif|prodlint)|"tool":\s?\{"(?:driver|name)|<meta name="generator" content="prodlint|"generated_at"[^\n]{0,60}"version"'
)
_COMMENT = {
    "python": "#",
    "yaml": "#",
    "toml": "#",
    "ini": "#;",
    "dockerfile": "#",
    "shell": "#",
    "env": "#",
    "makefile": "#",
    "requirements": "#",
    "nginx": "#",
}


# What somebody is told to do once: that it could be done is not that it was.
_STEP = re.compile(
    r"^\W*(?:run|build|verify|execute|start|stop|restart|deploy|monitor|test|try|call|open|visit|push|tag|release|merge|scale|roll back|back ?up|restore)\s",
    re.IGNORECASE,
)
_RESULT = re.compile(r"\b(?:builds|passes|succeeds|works|runs|is running|are running|starts)\W*$", re.IGNORECASE)


def is_outside_the_code(line: Line) -> bool:
    """Whether a line speaks of a step or a result that no file shows: a deployment, a meeting, "16 passed"."""
    return any(pattern.search(line.text) for pattern in (_OUTSIDE, _STEP, _RESULT))


def files_named(line: Line) -> list[str]:
    """The files that a line names."""
    text = _URL.sub(" ", line.text)
    return [path.removeprefix("./") for path in (*_PATH.findall(text), *_NAMED_FILES.findall(text))]


# A kind of test is shown by tests of that kind.
_KINDS_OF_TESTS = {
    "unit": "unit",
    "integration": "integ",
    "e2e": "e2e",
    "end-to-end": "e2e",
    "end to end": "e2e",
    "load": "load",
    "contract": "contract",
    "security": "secur",
    "smoke": "smoke",
}


def kind_of_test(line: Line) -> str:
    """What the path of a test of the kind that a line asks for holds, or ""."""
    found = re.search(r"\b(unit|integration|e2e|end[- ]to[- ]end|load|contract|security|smoke)[- ]tests?\b", line.text, re.IGNORECASE)
    return _KINDS_OF_TESTS[found[1].lower()] if found else ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a line's particular claims: the first that is not as it says, or that all of them are shown (with places)."""

    verdict: Verdict
    because: str = ""
    places: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Project:
    """The files in which a claim can be shown. kinds: of files by path. roles: which files are tests, documentation and the like."""

    root: str
    files: Sequence[str]
    kinds: Mapping[str, str]
    roles: Mapping[str, frozenset[str]]
    source: Callable[[str], Source | None]
    _lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def holds(self, path: str) -> bool:
        """Whether a file is there, by its path from the root or by its name alone."""
        path = path.removeprefix("./")
        if path in self._names or os.path.isfile(os.path.join(self.root, path)):
            return True
        return "/" not in path and path in {name.rpartition("/")[2] for name in self.files}

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files)

    def lines(self, path: str) -> list[tuple[int, str]]:
        """The lines of a file without its comments, numbered from 1; none of reports that a tool wrote."""
        if path not in self._lines:
            source = self.source(path)
            mark = _COMMENT.get(self.kinds.get(path, ""), "")
            text = "" if source is None or _OWN_REPORT.search(source.data[:4096]) else source.text
            self._lines[path] = [(number, _without_comment(line, mark)) for number, line in enumerate(text.splitlines(), 1)]
        return self._lines[path]

    def code(self) -> Iterable[str]:
        """The paths of code and configuration that production could use."""
        aside = {"test", "example", "docs", "vendored", "generated"}
        return (
            path
            for path in self.files
            if not self.roles.get(path, frozenset()) & aside and self.kinds.get(path) not in ("markdown", "text")
        )

    def find(self, pattern: re.Pattern[str], paths: Iterable[str]) -> list[tuple[str, int, re.Match[str]]]:
        """Where a pattern stands, a few places."""
        found = []
        for path in paths:
            for number, text in self.lines(path):
                match = pattern.search(text)
                if match:
                    found.append((path, number, match))
                    if len(found) >= 20:
                        return found
        return found


def _without_comment(line: str, marks: str) -> str:
    if not marks:
        return line
    stripped = line.lstrip()
    if stripped[:1] and stripped[0] in marks:
        return ""
    at = line.find(f"  {marks[0]}")
    return line[:at] if at != -1 else line


def check(line: Line, places: Sequence[tuple[str, int]], project: Project) -> Checked:
    """Hold the files, numbers and names of a line against the project. places: where the line's item is shown."""
    text = _URL.sub(" ", line.text)
    shown: list[tuple[str, int]] = []
    named = [*_PATH.findall(text), *_NAMED_FILES.findall(text)]
    for path in named:
        if not project.holds(path):
            return Checked("contradicted", f"`{path}` is not there")
        shown.append((path.removeprefix("./"), 1))
    rest = _NAMED_FILES.sub(" ", _PATH.sub(" ", text))
    for name, number in _PAIR.findall(rest):
        found = project.find(re.compile(rf"(?<![\w]){re.escape(name)}[\"']?\s*[=:]\s*[\"']?(\d+(?:\.\d+)?)", re.IGNORECASE), project.code())
        if not found:
            return Checked("not shown", f"`{name}` is set nowhere that could be compared")
        wrong = [(path, at, match[1]) for path, at, match in found if float(match[1]) != float(number)]
        if len(wrong) == len(found):
            return Checked("contradicted", f"`{name}` is {wrong[0][2]} at {wrong[0][0]}:{wrong[0][1]}, not {number}")
        shown.extend((path, at) for path, at, match in found if float(match[1]) == float(number))
    rest = _PAIR.sub(" ", rest)
    for quantity in _QUANTITY.finditer(rest):
        if not quantity["unit"] and not quantity["sign"]:
            continue
        if not _number_is_at(quantity, places, project):
            return Checked("not shown", f"{quantity[0].strip()} was not found where the item is shown, so it cannot be compared")
    for name in dict.fromkeys([*_PROPER.findall(rest), *_CODE_NAME.findall(rest)]):
        if name.lower() in _IN_WORDS or re.fullmatch(r"[A-Z]{2,8}\d{3}", name):
            continue
        found = project.find(re.compile(_loosely(name), re.IGNORECASE), project.code())
        if not found:
            return Checked("not shown", f"`{name}` occurs nowhere in the code")
        shown.append(found[0][:2])
    return Checked("shown", "", tuple(dict.fromkeys(shown)))


def _loosely(name: str) -> str:
    """A name however its words are joined: Argon2id, argon2_id, ARGON2-ID."""
    words = [word for word in re.split(r"[-_. ]", name) if word]
    return r"[-_. ]?".join(re.escape(word) for word in words)


def _number_is_at(quantity: re.Match[str], places: Sequence[tuple[str, int]], project: Project) -> bool:
    """Whether the number stands at one of the places, in its own unit or in seconds or bytes."""
    number = float(quantity["number"].replace(",", "."))
    unit = (quantity["unit"] or "").lower()
    wanted = {number, number * _UNITS.get(unit, 1.0)}
    if unit in ("min", "mins", "minute", "minutes", "m", "h", "hour", "hours", "d", "day", "days"):
        wanted |= {number * _UNITS[unit] / 60, number * _UNITS[unit] / 3600}
    for path, at in places:
        for line, text in project.lines(path)[max(0, at - 3) : at + 5]:
            if any(float(found) in wanted for found in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text.replace("_", ""))) and line:
                return True
    return False
