"""Pages -> rules. A rule is a Markdown page; its code, family and name come from the file's path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from prodlint.checks import Check
from prodlint.configuration.keys import RULESETS
from prodlint.engine.match import MatchError, compile_match
from prodlint.engine.project_match import check_project
from prodlint.engine.rulesets import read_changes
from prodlint.model import PRIORITIES, Example, Rule
from prodlint.regular import read_regular

_FILE_NAME = re.compile(r"([A-Z]{2,8}\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
_FENCE = re.compile(r"^(`{3,})(\S*)[ \t]*(.*)$")

# The longest page of prodlint's own has a hundredth of it.
LARGEST_PAGE = 4_000_000

_KEYS: dict[str, type | tuple[type, ...]] = {
    "priority": str,
    "category": str,
    "cwe": list,
    "owasp": list,
    "security-severity": str,
    "precision": str,
    "default": bool,
    "fix": str,
    "not-in": list,
    "lower-in": list,
    "quiet-in": list,
    "grouped": (bool, list),
    "habit": bool,
    "widespread": list,
    "once": list,
    "beside": list,
    "wider": list,
    "only-with": dict,
    "message": str,
    "options": dict,
    "help": list,
    "match": list,
    "project": dict,
    "also": list,
    "covered-by": list,
    "supersedes": list,
    "stage": str,
    "items": list,
    "since": str,
    "change": list,
}

_CLOSED: tuple[tuple[str, Sequence[str]], ...] = (
    ("priority", PRIORITIES),
    ("fix", ("safe", "unsafe", "none")),
    ("precision", ("very-high", "high", "medium", "low")),
    ("stage", ("release",)),
    ("since", RULESETS),
)

DEFAULT_NAMES = {
    "python": "service/app.py",
    "dockerfile": "Dockerfile",
    "yaml": "compose.yaml",
    "toml": "pyproject.toml",
    "env": ".env.production",
    "dotenv": ".env.production",
    "ini": "setup.cfg",
    "json": "config.json",
    "sh": "entrypoint.sh",
    "bash": "entrypoint.sh",
    "shell": "entrypoint.sh",
    "makefile": "Makefile",
    "text": "requirements.txt",
    "markdown": "README.md",
    "nginx": "nginx.conf",
    "gitlab": ".gitlab-ci.yml",
    "workflow": ".github/workflows/ci.yml",
    "procfile": "Procfile",
    "gitignore": ".gitignore",
}


class PageError(Exception):
    """A page that cannot be read: its path, the line (from 1) and what is wrong."""

    def __init__(self, path: str, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}")
        self.path = path
        self.line = line
        self.why = why


def rules_folder() -> str:
    """The folder of prodlint's own pages: beside the package in a checkout, inside it in a wheel."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(here, "rules")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(here), "rules")


def page_paths(folder: str) -> Iterator[str]:
    """The pages of a folder and its sub-folders, in order of path."""
    for directory, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if _FILE_NAME.fullmatch(name):
                yield os.path.join(directory, name)


def load(folder: str) -> list[Rule]:
    """Every rule of a folder, in order of code.

    Raises PageError for a page that cannot be read, or a code that two pages claim.
    """
    rules: dict[str, Rule] = {}
    for path in page_paths(folder):
        rule = read_page(path)
        if rule.code in rules:
            raise PageError(path, 1, f"`{rule.code}` is also the code of {rules[rule.code].path}")
        rules[rule.code] = rule
    return [rules[code] for code in sorted(rules)]


@lru_cache(maxsize=1)
def own_rules() -> tuple[Rule, ...]:
    """prodlint's own rules."""
    return tuple(load(rules_folder()))


def read_page(path: str) -> Rule:
    """One page as a rule.

    Raises PageError naming the line that is wrong.
    """
    match = _FILE_NAME.fullmatch(os.path.basename(path))
    if match is None:
        raise PageError(path, 1, "a page is named CODE-kebab-name.md")
    try:
        text = read_regular(path, LARGEST_PAGE).decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise PageError(path, 1, (error.strerror or str(error)).lower()) from None
    except UnicodeDecodeError as error:
        raise PageError(path, 1, str(error)) from None
    return parse_page(text, path, match.group(1), match.group(2), os.path.basename(os.path.dirname(path)))


def parse_page(text: str, path: str, code: str, name: str, family: str) -> Rule:
    """A page's text as a rule.

    Raises PageError.
    """
    lines = text.split("\n")
    if not lines[0].startswith("# "):
        raise PageError(path, 1, "a page begins with `# Title`")
    sections = list(_sections(lines))
    head = sections[0]
    table, table_line, prose = _table(head[2], head[1], path)
    _check_keys(table, table_line, lines, path)
    message = str(table.get("message", ""))
    for match in table.get("match", []):
        try:
            compile_match(code, match, message)
        except MatchError as error:
            raise PageError(path, table_line, str(error)) from None
    try:
        changes = read_changes(table.get("change", ()))
    except ValueError as error:
        raise PageError(path, table_line, str(error)) from None
    helps = _helps(table.get("help", ()), table_line, path)
    if "project" in table:
        try:
            check_project(table["project"], message)
        except MatchError as error:
            raise PageError(path, table_line, str(error)) from None
    by_title = {title.lower(): (line, body) for title, line, body in sections[1:]}
    options = table.get("options", {})
    return Rule(
        code=code,
        name=name,
        family=family,
        title=lines[0][2:].strip(),
        priority=table["priority"],
        category=table["category"],
        path=path,
        default=table.get("default", True),
        fix=table.get("fix", "none"),
        message=message,
        why=prose,
        how="\n".join(by_title.get("fix", (0, []))[1]).strip(),
        page=text,
        cwe=tuple(table.get("cwe", ())),
        owasp=tuple(table.get("owasp", ())),
        precision=table.get("precision", "high"),
        security_severity=table.get("security-severity", ""),
        not_in=frozenset(table.get("not-in", ("generated", "vendored"))),
        lower_in=frozenset(table.get("lower-in", ())),
        quiet_in=frozenset(table.get("quiet-in", ())),
        # Every message holds the empty text.
        grouped=tuple(given) if isinstance(given := table.get("grouped", False), list) else ("",) if given else (),
        habit=table.get("habit", False),
        widespread=tuple(table.get("widespread", ())),
        once=tuple(table.get("once", ())),
        beside=tuple(table.get("beside", ())),
        wider=tuple(table.get("wider", ())),
        only_with=tuple((option, tuple(words)) for option, words in table.get("only-with", {}).items()),
        options=tuple(sorted(options.items())),
        helps=helps,
        match=tuple(table.get("match", ())),
        project=table.get("project"),
        also=tuple(table.get("also", ())),
        covered_by=tuple(table.get("covered-by", ())),
        supersedes=tuple(table.get("supersedes", ())),
        stage=table.get("stage", ""),
        items=tuple(table.get("items", ())),
        since=table.get("since", ""),
        changes=changes,
        bad=tuple(_examples(*by_title.get("bad", (0, [])), path)),
        good=tuple(_examples(*by_title.get("good", (0, [])), path)),
    )


def known_false_alarms(rule: Rule) -> list[Example]:
    """The examples under `## Known false alarms`: they do fire, and the tests say when that changes."""
    for title, line, body in _sections(rule.page.split("\n")):
        if title.lower() == "known false alarms":
            return list(_examples(line, body, rule.path))
    return []


def _sections(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Title, first line (from 1) and body of each `##` section; the part before the first one has no title."""
    title, start = "", 2
    body: list[str] = []
    fence = ""
    for number, line in enumerate(lines[1:], 2):
        opened = _FENCE.match(line)
        if fence:
            if line.startswith(fence) and not line.strip("`").strip():
                fence = ""
        elif opened:
            fence = opened.group(1)
        elif line.startswith("## "):
            yield title, start, body
            title, start, body = line[3:].strip(), number + 1, []
            continue
        body.append(line)
    yield title, start, body


def _table(body: list[str], start: int, path: str) -> tuple[dict[str, Any], int, str]:
    """The page's toml block, the line it begins on, and the prose after it."""
    table, first, last = toml_block(body, start, path, "a page has a ```toml block below its title")
    return table, start + first, "\n".join(body[last + 1 :]).strip()


def toml_block(lines: Sequence[str], start: int, path: str, missing: str) -> tuple[dict[str, Any], int, int]:
    """What the first toml block among some lines says, and where its fences stand there, from 0.

    start: the number of the first line in the file. Raises PageError: with `missing` where there is no block, and for bad TOML.
    """
    try:
        first = lines.index("```toml")
        last = lines.index("```", first)
    except ValueError:
        raise PageError(path, start, missing) from None
    import tomli

    try:
        table = tomli.loads("\n".join(lines[first + 1 : last]))
    except tomli.TOMLDecodeError as error:
        raise PageError(path, start + first + getattr(error, "lineno", 1), str(error)) from None
    except (RecursionError, ValueError):
        raise PageError(path, start + first + 1, "the toml block is nested too deeply, or holds a number that is too long") from None
    return table, first, last


def _helps(tables: Any, line: int, path: str) -> tuple[tuple[str, str], ...]:
    """The `[[help]]` tables: `about`, words of the message of a variant, and `text`, what to do about that one."""
    for table in tables:
        if (
            not isinstance(table, dict)
            or set(table) != {"about", "text"}
            or not all(isinstance(value, str) and value for value in table.values())
        ):
            raise PageError(path, line, "a `[[help]]` has `about`, words of the message, and `text`")
    return tuple((table["about"], table["text"]) for table in tables)


def _check_keys(table: dict[str, Any], start: int, lines: list[str], path: str) -> None:
    def line_of(key: str) -> int:
        return next((n for n, text in enumerate(lines[start:], start + 1) if text.startswith(key)), start)

    for key, value in table.items():
        if key not in _KEYS:
            import difflib

            near = difflib.get_close_matches(key, _KEYS, 1)
            raise PageError(path, line_of(key), f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else ""))
        if not isinstance(value, _KEYS[key]):
            raise PageError(path, line_of(key), f"`{key}` has a value of the wrong type")
    for key in ("priority", "category"):
        if key not in table:
            raise PageError(path, start, f"the toml block lacks `{key}`")
    for key, allowed in _CLOSED:
        if key in table and table[key] not in allowed:
            raise PageError(path, line_of(key), f"`{key}` is one of {', '.join(allowed)}")
    for key in ("also", "covered-by", "supersedes", "items"):
        if not all(isinstance(value, str) for value in table.get(key, ())):
            raise PageError(path, line_of(key), f"`{key}` is a list of texts")
    for option, words in table.get("only-with", {}).items():
        if option not in table.get("options", {}) or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise PageError(path, line_of("only-with"), "`only-with` gives options of this rule lists of words")
    for code in table.get("also", ()):
        if not re.fullmatch(r"[a-z][a-z0-9-]*:[\w./-]+", code):
            raise PageError(path, line_of("also"), f"`{code}` is no `tool:CODE`")


def _examples(start: int, body: list[str], path: str) -> Iterator[Example]:
    """The fenced blocks of a section; those under one `###` heading make one example of several files."""
    title, line_of_title = "", start
    files: list[tuple[str, str]] = []
    options: dict[str, Any] = {}
    index = 0
    while index < len(body):
        line = body[index]
        if line.startswith("### "):
            if files:
                yield Example(title, tuple(files), line_of_title, tuple(sorted(options.items())))
            title, line_of_title, files, options = line[4:].strip(), start + index, [], {}
        opened = _FENCE.match(line)
        if opened:
            fence, language, info = opened.groups()
            close = next((i for i in range(index + 1, len(body)) if body[i].strip() == fence), len(body))
            words = dict(part.split("=", 1) for part in info.split() if "=" in part)
            name = words.pop("file", None) or DEFAULT_NAMES.get(language)
            if name is None:
                raise PageError(path, start + index, f"a block in `{language}` needs `file=NAME`")
            content = "\n".join(body[index + 1 : close]) + "\n"
            given = {
                key[len("option.") :]: _option(value, path, start + index) for key, value in words.items() if key.startswith("option.")
            }
            if title:
                if any(name == other for other, _ in files):
                    raise PageError(
                        path, start + index, f"a second block is named `{name}` under one `###` heading: name it by `file=NAME`"
                    )
                files.append((name, content))
                options.update(given)
            else:
                yield Example("", ((name, content),), start + index, tuple(sorted(given.items())))
            index = close
        index += 1
    if files:
        yield Example(title, tuple(files), line_of_title, tuple(sorted(options.items())))


def _option(text: str, path: str, line: int) -> Any:
    import tomli

    try:
        return tomli.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        raise PageError(path, line, f"`{text[:80]}` is no TOML value") from None


def checks_of(rules: Iterable[Rule]) -> list[Check]:
    """The checks that the pages' match tables make."""
    return [compile_match(rule.code, table, rule.message) for rule in rules for table in rule.match]
