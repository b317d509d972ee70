"""What stays the same for all files of a run that the same settings hold for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prodlint.checks import Check, Collector, ProjectCheck
from prodlint.configuration.roles import Roles, roles_of
from prodlint.configuration.settings import KnownRule, RuleSelection, Settings, check_options
from prodlint.engine.outcome import Outcome
from prodlint.engine.prefilter import Index
from prodlint.engine.rulesets import as_of, is_later
from prodlint.facts import FileKind, FileRole
from prodlint.foreign import ForeignCodes, foreign_codes, marks
from prodlint.model import Rule
from prodlint.project.environment import Environment
from prodlint.project.questions import Questions

# The family of rules whose findings are secrets.
_SECRETS = "secrets"


class Catalogue(Protocol):
    """What there is to run: rules, and the checks, collectors and project checks registered for them."""

    @property
    def rules(self) -> Sequence[Rule]: ...
    @property
    def checks(self) -> Sequence[Check]: ...
    @property
    def collectors(self) -> Sequence[Collector]: ...
    @property
    def project_checks(self) -> Sequence[ProjectCheck]: ...


@dataclass(slots=True)
class Run:
    """What stays the same for every file of a run: built once, inherited by the worker processes.

    sound: contents of Python files (see `digest_of`) of which it is known that the interpreter takes them. covering: the rules
    that are asked of every file, selected or not, so that what they know is shown nowhere. selected: the codes that settings or the command line
    select by themselves.
    """

    settings: Settings
    rules: Mapping[str, Rule]
    switches: RuleSelection
    index: Index
    environment: Environment
    questions: Questions
    project_checks: tuple[ProjectCheck, ...] = ()
    today: str = ""
    roles: Callable[[str, FileKind, bytes], frozenset[FileRole]] = roles_of
    foreign: ForeignCodes = field(default_factory=ForeignCodes)
    sound: frozenset[bytes] = frozenset()
    covering: frozenset[str] = frozenset()
    selected: frozenset[str] = frozenset()


def build(
    settings: Settings,
    catalogue: Catalogue,
    environment: Environment,
    *,
    below: str = "",
    exhaustive: bool = False,
    today: str = "",
    root: str = "",
    collectors: Sequence[Collector] = (),
) -> Run:
    """Everything that stays the same for the files that one Settings holds for.

    below: the settings' directory as seen from the project's root, ending in a slash, or "". collectors: besides the catalogue's.
    Raises SettingsError for a selector or option that no rule has.
    """
    rules = [as_of(rule, settings.ruleset) for rule in catalogue.rules]
    switches = RuleSelection(settings, known_rules(rules, settings.ruleset), root)
    check_options(settings, {rule.code: dict(rule.options) for rule in rules})
    on = _ever_on(switches)
    active = [rule for rule in rules if rule.code in on]
    project_checks = tuple(check for check in catalogue.project_checks if check.code in on)
    topics = {topic for check in project_checks for topic in check.topics}
    # What the settings leave to another tool is looked for all the same: no output may show it.
    secrets = [rule for rule in rules if rule.family == _SECRETS]
    index = Index(
        [*active, *(rule for rule in secrets if rule.code not in on)],
        [check for check in catalogue.checks if not check.since or not is_later(check.since, settings.ruleset)],
        [*(collector for collector in catalogue.collectors if topics & set(collector.topics)), *collectors],
        exhaustive=exhaustive,
        honor=_marks(settings),
    )
    roles = Roles(settings.roles, below).of if any(settings.roles.values()) else roles_of
    return Run(
        settings,
        {rule.code: rule for rule in active},
        switches,
        index,
        environment,
        Questions(environment),
        project_checks,
        today,
        roles,
        foreign_codes(rules) if settings.honor else ForeignCodes(),
        covering=frozenset(rule.code for rule in secrets),
        selected=switches.resolve(selector for layer in settings.selections for selector in (*(layer.select or ()), *layer.extend_select)),
    )


def known_rules(rules: Iterable[Rule], ruleset: str) -> list[KnownRule]:
    """What the settings need to know of rules."""
    return [
        KnownRule(rule.code, rule.name, rule.default, rule.covered_by, rule.stage, rule.also, is_later(rule.since, ruleset))
        for rule in rules
    ]


def looked_at(outcomes: Iterable[Outcome], run_of: Callable[[str], Run]) -> dict[str, int]:
    """By code, how many files a rule looks at: those of its kinds, in which it is on and speaks. It does not count what a file holds."""
    groups: Counter[tuple[int, str, frozenset[str], frozenset[str]]] = Counter()
    runs: dict[int, Run] = {}
    for outcome in outcomes:
        run = run_of(outcome.path)
        runs[id(run)] = run
        groups[id(run), outcome.kind, outcome.roles, run.switches.on(outcome.path)] += 1
    found: Counter[str] = Counter()
    for (number, kind, roles, on), files in groups.items():
        index = runs[number].index
        rules = {each.rule.code for each in index.subscribed(index.plan(kind, roles)) if each.rule is not None}
        for code in rules & on:
            found[code] += files
    return dict(found)


def _ever_on(switches: RuleSelection) -> frozenset[str]:
    """The codes that are on for at least some path."""
    on = switches.everywhere
    for table in switches.settings.per_path:
        for selector in (*(table.selection.select or ()), *table.selection.extend_select):
            on |= frozenset(switches.codes_of(selector))
    return on


def _marks(settings: Settings) -> list[bytes]:
    """What other tools' directives begin with, where they are obeyed."""
    return marks(settings.honor)
