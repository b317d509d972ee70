"""The `[project]` table of a page: a rule about what is missing. It becomes collectors, one a table, and one project check.

    [project]
    when = [{ call = ["fastapi.FastAPI"] }]                                   # applies only where such a fact exists
    require = [{ import = ["slowapi"] }, { entry = ["limits"], kind = "toml" }]   # any one, anywhere, satisfies it and is its evidence

Findings stand at the facts of `when`, one a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prodlint.checks import CheckContext, Collector, Project, ProjectCheck, ProjectDiagnostic, ProjectFact
from prodlint.engine.match import KEYS, MatchError, compile_match
from prodlint.model import Evidence, Rule

# What a table of the project language calls the thing that it found.
_SHOWN = {subject: "{" + subject + "}" for subject in KEYS}


def check_project(table: Any, message: str) -> None:
    """See that a `[project]` table says something.

    Raises MatchError.
    """
    if not isinstance(table, Mapping) or not set(table) <= {"when", "require"} or not table.get("when") or not table.get("require"):
        raise MatchError("`[project]` has `when` and `require`, each a list of match tables")
    if not message:
        raise MatchError("a `[project]` table needs a message on the page")
    for key in ("when", "require"):
        if not isinstance(table[key], list) or not all(isinstance(each, Mapping) for each in table[key]):
            raise MatchError(f"`{key}` is a list of match tables")
        for each in table[key]:
            _compiled(each)


def collectors_of(rules: Iterable[Rule]) -> list[Collector]:
    """What the engine has to look for in the files, for the rules that have a `[project]` table."""
    return [
        _collector(_topic(rule, key), table) for rule in rules if rule.project for key in ("when", "require") for table in rule.project[key]
    ]


def project_checks_of(rules: Iterable[Rule]) -> list[ProjectCheck]:
    """The checks over the whole project that `[project]` tables make."""
    return [ProjectCheck(rule.code, _check(rule), (_topic(rule, "when"), _topic(rule, "require"))) for rule in rules if rule.project]


def _topic(rule: Rule, key: str) -> str:
    return f"{rule.code} {key}"


def _compiled(table: Mapping[str, Any]) -> Any:
    subject = next((name for name in KEYS if name in table), "")
    return compile_match("", table, _SHOWN.get(subject, "found"))


def _collector(topic: str, table: Mapping[str, Any]) -> Collector:
    made = _compiled(table)

    def found(fact: Any, context: CheckContext) -> Iterator[ProjectFact]:
        for diagnostic in made.function(fact, context):
            at = diagnostic.at
            yield ProjectFact(topic, context.file.path, at.source.span(at.start, at.end), diagnostic.message)

    return Collector((topic,), found, made.on, made.required_literals, made.files)


def _check(rule: Rule) -> Callable[[Project, Mapping[str, Any]], Iterator[ProjectDiagnostic | Evidence]]:
    def check(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
        shown = project.about(_topic(rule, "require"))
        if shown:
            for fact in shown:
                yield Evidence(rule.code, fact.path, fact.span, fact.words)
            return
        seen: set[str] = set()
        for fact in project.about(_topic(rule, "when")):
            if fact.path not in seen:
                seen.add(fact.path)
                yield ProjectDiagnostic(fact.path, fact.span, rule.message.replace("{when}", fact.words))

    return check
