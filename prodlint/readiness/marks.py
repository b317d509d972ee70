"""Marks: what an item's `when` and `shown` tables look for. The match language of rules, and four subjects of its own: `text` (literals, in
files of some kinds), `route` (patterns of paths; `any`: also of the product's own), `file` (patterns of names) and `instruction` (keywords of a Dockerfile; `unlike` names
values that do not count). A `call` may ask for keywords that are `given`, whatever their values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from prodlint.checks import CheckContext, Collector, ProjectFact, every, text
from prodlint.checks.observability.endpoints import is_of_the_product
from prodlint.configuration.patterns import Patterns
from prodlint.engine.match import EVERYWHERE, MatchError, compile_match
from prodlint.facts import Instruction, Route, Text
from prodlint.model import Evidence, Span

TOPIC = "readiness"
# What is written for other readers than the production service proves nothing about it.
ASIDE = frozenset(("test", "example", "docs", "dev", "command", "migration", "vendored", "generated", "stub"))
# A file that answers requests holds one of these.
_ROUTES = ("route", "apirouter", "fastapi", "blueprint", "urlpatterns", "add_url_rule", "add_get", "add_post", "@app.", "@api.", "@bp.")
_OWN = {"text": {"kind"}, "file": set(), "route": {"any"}, "instruction": {"unlike"}}
# Keys that a mark adds to those of the match language: a call is one only where these keywords are given.
_GIVEN = "given"
_NAMES = {
    "call": "{call}",
    "command": "{command}",
    "setting": "{setting}",
    "entry": "{entry}",
    "import": "{import}",
    "comment": "{comment}",
    "assignment": "{assignment}",
}
# Places of one mark that are worth keeping from one file.
_MOST = 20


def key_of(table: Mapping[str, Any]) -> str:
    """What a table looks for, as a text: tables that differ in their words only are looked for once."""
    return repr(sorted((name, value) for name, value in table.items() if name not in ("words", "hint")))


def check_table(table: Any) -> None:
    """See that a table says something.

    Raises MatchError.
    """
    if not isinstance(table, Mapping):
        raise MatchError("`when` and `shown` are lists of tables")
    own = [name for name in _OWN if name in table]
    if not own:
        if _GIVEN in table and ("call" not in table or not _texts(table[_GIVEN], _GIVEN)):
            raise MatchError(f"`{_GIVEN}` stands beside `call`")
        _compiled(table)
        return
    if len(own) > 1:
        raise MatchError(f"a table has one of {', '.join(_OWN)}")
    for name in table:
        if name != own[0] and name not in ("words", "hint") and name not in _OWN[own[0]] and name not in EVERYWHERE:
            raise MatchError(f"unknown key `{name}` beside `{own[0]}`")
    _texts(table[own[0]], own[0])
    if "unlike" in table:
        _texts(table["unlike"], "unlike")


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise MatchError(f"`{name}` takes a list of texts")
    return value


def collectors(tables: Iterable[Mapping[str, Any]]) -> list[Collector]:
    """What the engine has to run over the files for these tables."""
    unique = {key_of(table): table for table in tables if "file" not in table}
    return [_collector(key, table) for key, table in sorted(unique.items())]


def _collector(key: str, table: Mapping[str, Any]) -> Collector:
    inside = frozenset(table.get("in", ()))
    outside = frozenset(table.get("not_in", ())) if "not_in" in table else (frozenset() if "in" in table else ASIDE)
    kinds = frozenset(table.get("kind", ())) if "text" in table else frozenset()

    def wanted(context: CheckContext) -> bool:
        roles = context.file.roles
        return not (inside and not roles & inside) and not roles & outside and not (kinds and context.file.kind not in kinds)

    if "text" in table:
        literals = tuple((literal.lower(),) for literal in table["text"])

        def in_text(fact: Text, context: CheckContext) -> Iterator[ProjectFact]:
            if wanted(context):
                data = fact.source.data
                said: list[tuple[int, int]] | None = None
                for literal, offset in fact.hits[: _MOST * 10]:
                    end = offset + len(literal)
                    if not _whole(data, offset, end) or _in_comment(data, offset, fact.file.kind):
                        continue
                    if said is None:
                        said = _docstrings(data) if fact.file.kind == "python" else []
                    if not any(start <= offset < stop for start, stop in said):
                        span = fact.source.span(offset, end)
                        yield ProjectFact(TOPIC, fact.file.path, span, key, (("name", data[offset:end].decode("utf-8", "replace")),))

        return Collector((TOPIC,), in_text, (text(),), literals, ())
    if "route" in table:
        patterns, of_all = tuple(table["route"]), bool(table.get("any"))

        def in_route(fact: Route, context: CheckContext) -> Iterator[ProjectFact]:
            if wanted(context) and any(_answers(pattern, fact, of_all) for pattern in patterns):
                yield ProjectFact(TOPIC, fact.file.path, fact.span, key, (("name", fact.path),))

        return Collector((TOPIC,), in_route, (every(Route),), tuple((anchor,) for anchor in _ROUTES), ("python",))
    if "instruction" in table:
        keywords, unlike = frozenset(table["instruction"]), tuple(table.get("unlike", ()))

        def in_instruction(fact: Instruction, context: CheckContext) -> Iterator[ProjectFact]:
            if wanted(context) and fact.keyword in keywords and not any(fnmatchcase(fact.value.strip(), pattern) for pattern in unlike):
                named = fact.value.strip()[:60]
                yield ProjectFact(
                    TOPIC, fact.file.path, fact.source.span(fact.start, fact.end), key, (("name", f"{fact.keyword} {named}"),)
                )

        return Collector(
            (TOPIC,), in_instruction, (every(Instruction),), tuple((word.lower(),) for word in table["instruction"]), ("dockerfile",)
        )
    made = _compiled(table)
    given = tuple(table.get(_GIVEN, ()))

    def in_fact(fact: Any, context: CheckContext) -> Iterator[ProjectFact]:
        if wanted(context) and (not given or any(name in fact.keywords for name in given)):
            for hit in made.function(fact, context):
                at = hit.at
                yield ProjectFact(TOPIC, fact.file.path, at.source.span(at.start, at.end), key, (("name", hit.message),))

    return Collector((TOPIC,), in_fact, made.on, made.required_literals, made.files)


def _answers(pattern: str, route: Route, of_all: bool) -> bool:
    """Whether a route is one that a pattern looks for. What names a probe is not looked for among the product's own routes, unless `of_all`."""
    path = route.path.lower() if route.path.startswith("/") else f"/{route.path.lower().lstrip('^')}"
    return fnmatchcase(path, pattern) and (pattern == "*" or of_all or not is_of_the_product(route))


_MARKED = frozenset(
    ("yaml", "toml", "ini", "dockerfile", "shell", "env", "makefile", "requirements", "nginx", "python", "procfile", "systemd")
)


def _in_comment(data: bytes, offset: int, kind: str) -> bool:
    """Whether a comment of its line holds a place. In code that holds `#` in a string before it, this says no."""
    if kind not in _MARKED:
        return False
    start = data.rfind(b"\n", 0, offset) + 1
    before = data[start:offset]
    at = before.find(b"#")
    if at < 0:
        return False
    return not before[:at].strip() or (
        before[at - 1 : at].isspace() and before[:at].count(b'"') % 2 == 0 and before[:at].count(b"'") % 2 == 0
    )


# A text that stands as a statement of its own: documentation, in whichever quotes.
_DOCSTRING = re.compile(rb"^[ \t]*[rRuU]?(\"\"\"|\'\'\')", re.MULTILINE)


def _docstrings(data: bytes) -> list[tuple[int, int]]:
    """Where the documentation of a Python file stands."""
    found = []
    at = 0
    while (match := _DOCSTRING.search(data, at)) is not None:
        stop = data.find(match[1], match.end())
        if stop < 0:
            break
        found.append((match.start(), stop))
        at = stop + 3
    return found


def _compiled(table: Mapping[str, Any]) -> Any:
    subject = next((name for name in _NAMES if name in table), "")
    plain = {name: value for name, value in table.items() if name not in ("words", "hint", "in", "not_in", _GIVEN)}
    return compile_match("", plain, _NAMES.get(subject, "found"))


def _whole(data: bytes, start: int, end: int) -> bool:
    """Whether what stands there is a word of its own, where it begins or ends with a letter."""
    before, after = data[start - 1 : start], data[end : end + 1]
    if data[start : start + 1].isalnum() and (before.isalnum() or before == b"_"):
        return False
    return not (data[end - 1 : end].isalnum() and (after.isalnum() or after == b"_"))


class Marks:
    """What was found of all tables, by table."""

    def __init__(
        self,
        traces: Iterable[ProjectFact],
        files: Sequence[str],
        root: str,
        is_aside: Callable[[str, Mapping[str, Any]], bool],
        is_of_another: Callable[[str, str], bool] = lambda path, name: False,
    ) -> None:
        """is_aside: whether a file proves nothing to a table: an example, another's, what a tool wrote. is_of_another: whether what was
        found in a file, by its name, is said of something that is not the service."""
        self._is_aside = is_aside
        self._is_of_another = is_of_another
        self._found: dict[str, list[ProjectFact]] = {}
        self._files = files
        self._root = root
        self._counted: dict[tuple[str, str], int] = {}
        self._named: dict[str, list[Evidence]] = {}
        for project_fact in traces:
            if project_fact.topic == TOPIC:
                place = (project_fact.words, project_fact.path)
                self._counted[place] = self._counted.get(place, 0) + 1
                if self._counted[place] <= _MOST:
                    self._found.setdefault(project_fact.words, []).append(project_fact)

    def of(self, tables: Sequence[Mapping[str, Any]]) -> list[Evidence]:
        """The places of these tables, in order."""
        found: list[Evidence] = []
        for table in tables:
            words = str(table.get("words", ""))
            if "file" in table:
                found.extend(
                    Evidence("", path, Span(1, 1, 1, 1), words) for path in self._files_of(table["file"]) if not self._is_aside(path, table)
                )
                continue
            for project_fact in self._found.get(key_of(table), ()):
                if self._is_aside(project_fact.path, table):
                    continue
                name = project_fact.get("name")
                if "entry" in table and self._is_of_another(project_fact.path, name):
                    continue
                found.append(
                    Evidence("", project_fact.path, project_fact.span, f"{words}: `{name}`" if words and name else words or f"`{name}`")
                )
        seen: set[tuple[str, int]] = set()
        kept = []
        for place in sorted(found):
            if (place.path, place.span.line) not in seen:
                seen.add((place.path, place.span.line))
                kept.append(place)
        return kept

    def _files_of(self, patterns: Sequence[str]) -> list[str]:
        key = repr(patterns)
        if key not in self._named:
            compiled = Patterns(patterns)
            paths = {path for path in self._files if compiled.match(path)}
            # Files that no rule reads, such as CODEOWNERS, are not among the discovered ones.
            plain = [pattern for pattern in patterns if not set("*?[!") & set(pattern)]
            paths |= {pattern.strip("/") for pattern in plain if _is_file(self._root, pattern.strip("/"))}
            self._named[key] = [Evidence("", path, Span(1, 1, 1, 1), "") for path in sorted(paths)]
        return [place.path for place in self._named[key]]


def _is_file(root: str, name: str) -> bool:
    return os.path.isfile(os.path.join(root, name)) and not os.path.islink(os.path.join(root, name))
