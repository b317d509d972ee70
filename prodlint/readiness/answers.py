"""Answers: what a run says of each item of the checklist, with the places that show it."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from prodlint.checks import ProjectFact
from prodlint.configuration.settings import Selection, Settings
from prodlint.engine import session
from prodlint.model import PRIORITIES, Evidence, Finding, Priority, Rule, Suppressed, Unchecked
from prodlint.readiness.evidence import Said
from prodlint.readiness.items import LEVELS, Checklist, Item, Level, checklist_of
from prodlint.readiness.marks import Marks, collectors
from prodlint.readiness.outputs import is_report
from prodlint.readiness.prose import Position, prose_of
from prodlint.readiness.services import services_of, without
from prodlint.values.container_images import ADMINISTRATION, datastore, image_of

Verdict = Literal["met", "in part", "not met", "does not apply", "cannot be told", "exempt"]
VERDICTS: tuple[Verdict, ...] = ("not met", "cannot be told", "in part", "met", "exempt", "does not apply")
WEIGHTS: Mapping[Priority, int] = {"P0": 5, "P1": 3, "P2": 1}
# What stands here shows nothing of the service that runs. Tests and documents show what they are asked for.
NO_PROOF = frozenset(("example", "vendored", "generated", "stub"))
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico")
_WRITTEN = (".json", ".sarif", ".html", ".htm", ".xml", ".md", ".txt", ".yaml", ".yml", ".baseline")
# How an answer begins where what was found speaks for the item and does not prove it.
SEEN = "found, though not proof: "
# Findings here are shown and do not decide: they do not run in production.
ASIDE = frozenset(("test", "example", "docs", "dev", "notebook"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one item.

    because: in one sentence. findings: those that decide; aside: those that do not (in tests and examples, or of much
    less weight than the item).
    suppressed: what a comment took away. places: what shows it. looked_at: in how many files one of its rules looked. others: what other
    tools found (see `prodlint.readiness.evidence`). before: what the compared report said, or "". seen: the places hold what speaks for the
    item, and do not prove it. beside: what its rules saw of it although they found something.
    """

    item: Item
    verdict: Verdict
    because: str
    findings: tuple[Finding, ...] = ()
    aside: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    places: tuple[Evidence, ...] = ()
    looked_at: int = 0
    others: tuple[str, ...] = ()
    before: str = ""
    seen: bool = False
    beside: tuple[Evidence, ...] = ()

    @property
    def urgency(self) -> Priority:
        """The item's priority, or that of the gravest finding where all are less grave: a TODO alone is not P0."""
        if not self.findings:
            return self.item.priority
        return max(self.item.priority, min(finding.priority for finding in self.findings))


@dataclass(slots=True)
class Answers:
    """The whole report. rules: by code. old: what the compared report said of items, by id. unasked: rules that only the report asked for: they
    are off by default, and the project did not choose them."""

    answers: list[Answer]
    checklist: Checklist
    rules: Mapping[str, Rule]
    result: session.Result
    unchecked: Sequence[Unchecked] = ()
    notes: list[str] = field(default_factory=list)
    old: Mapping[str, str] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()

    def counted(self, answers: Iterable[Answer] | None = None) -> Counter[str]:
        """How many items have each verdict."""
        return Counter(answer.verdict for answer in (self.answers if answers is None else answers))

    def of(self, category: str) -> list[Answer]:
        """The answers of a category."""
        return [answer for answer in self.answers if answer.item.category == category]

    @property
    def backlog(self) -> list[Answer]:
        """What is not met, the largest risk first: by urgency, then in the checklist's order, which begins with security."""
        return sorted((answer for answer in self.answers if answer.verdict == "not met"), key=lambda answer: answer.urgency)

    @property
    def is_empty(self) -> bool:
        """Whether no file was looked at: then there is nothing to praise."""
        return self.result.report.checked == 0

    @property
    def is_service(self) -> bool:
        """Whether the repository deploys a service, as far as its images, manifests and process files tell."""
        return self.result.world is None or self.result.world.is_service

    @property
    def level(self) -> Level | None:
        """The highest level of which, and of all below it, everything is met: nothing unmet, nothing left to look at. None where nothing was
        looked at, or no service is deployed."""
        reached: Level | None = None
        if self.is_empty or not self.is_service:
            return None
        for level in LEVELS:
            if self.missing(level) or self.to_look_at(level):
                break
            reached = level
        return reached

    def missing(self, level: Level) -> list[Answer]:
        """The items of a level that are not met."""
        return [answer for answer in self.answers if answer.item.level == level and answer.verdict == "not met"]

    def to_look_at(self, level: Level) -> list[Answer]:
        """The items of a level that a person has to look at."""
        return [answer for answer in self.answers if answer.item.level == level and answer.verdict in ("cannot be told", "in part")]

    @property
    def score(self) -> tuple[int, int]:
        """Twice the weight of what is met, what is met in part counting once, and twice that of all that is met, in part or not met.

        A finding weighs once: an item that is unmet by findings alone that made others unmet before does not count again."""
        counts = {"met": 2, "in part": 1, "not met": 0}
        met = all_of_them = 0
        weighed: set[tuple[str, object, str]] = set()
        for answer in self.answers:
            if answer.verdict not in counts:
                continue
            found = {(finding.path, finding.span, finding.code) for finding in answer.findings}
            if found and found <= weighed:
                continue
            weighed |= found
            weight = WEIGHTS[answer.item.priority]
            met += weight * counts[answer.verdict]
            all_of_them += 2 * weight
        return met, all_of_them

    @property
    def formula(self) -> str:
        """How the score was made."""
        if not self.checklist.score:
            return "switched off in the settings"
        if self.is_empty:
            return "nothing was looked at"
        met, all_of_them = self.score
        weights = ", ".join(f"{name} {weight}" for name, weight in WEIGHTS.items())
        told = "met / (met + in part + not met), weighed by priority, in part counting half, each finding once"
        if not all_of_them:
            return f"{told} ({weights}): nothing to weigh"
        return f"{told} ({weights}) = {met} / {all_of_them} = {_percent(met, all_of_them)} %; items that do not apply, are exempt or cannot be told do not count"

    @property
    def percent(self) -> int | None:
        """The score in per cent, rounded down; None where nothing can be weighed, nothing was looked at, or the team wants none."""
        met, all_of_them = self.score
        return _percent(met, all_of_them) if all_of_them and self.checklist.score and not self.is_empty else None


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole


def answers_of(request: session.Request, foreign: Sequence[Said] = (), old: Mapping[str, str] | None = None) -> Answers:
    """Run the rules over a tree and answer the checklist. foreign: what other tools say.

    Raises SettingsError and PageError.
    """
    settings, root = session.read_settings(request)
    known = session.catalogue_of(settings).rules
    today = request.today or time.strftime("%Y-%m-%d")
    checklist = checklist_of(settings.checklist, settings.root or root, known, today)
    wanted = {code for item in checklist.items for code in item.rules}
    off = tuple(rule.code for rule in known if not rule.default and rule.code in wanted)
    # What has to be there first, and that there is no such thing, is asked of the whole rule, also of what nobody is told unasked.
    in_full = {code for item in checklist.items if item.absence or item.priority == "P0" for code in item.rules}
    asked_for = (*off, *(rule.code for rule in known if rule.default and rule.wider and rule.code in in_full))
    finish = request.finish

    chosen: set[str] = set()

    def switched_on(given: Settings) -> Settings:
        # Below the team's own choices: what it ignores stays ignored, and the report says so.
        given = finish(given)
        words = {word for made in given.selections for word in (*(made.select or ()), *made.extend_select)}
        chosen.update(rule.code for rule in known if rule.code in off and any(_selects(word, rule) for word in words))
        return replace(given, selections=(Selection(extend_select=asked_for), *given.selections)) if asked_for else given

    tables = [table for item in checklist.items for table in (*item.when, *item.shown, *item.against)]
    asked = replace(request, finish=switched_on, collectors=collectors(tables), cache=False, since="", baseline=False, grouped=False)
    result = session.run(asked)
    return answer(result, checklist, {rule.code: rule for rule in known}, foreign, old or {}, frozenset(off) - chosen)


def _selects(word: str, rule: Rule) -> bool:
    return word in ("ALL", rule.name) or rule.code.startswith(word)


def answer(
    result: session.Result,
    checklist: Checklist,
    rules: Mapping[str, Rule],
    foreign: Sequence[Said] = (),
    old: Mapping[str, str] | None = None,
    unasked: frozenset[str] = frozenset(),
) -> Answers:
    """What a run says of each item. unasked: rules that are off by default and that the team did not choose: they do not decide."""
    seen = _Seen(result, rules, unasked)
    given: dict[str, list[Said]] = {}
    for said in foreign:
        given.setdefault(said.item, []).append(said)
    answers = []
    for item in checklist.items:
        made = _confirmed(_with_others(_for_each(_answer(item, seen), seen), given.get(item.id, ()), seen))
        answers.append(replace(made, before=(old or {}).get(item.id, "")))
    made_of = Answers(
        answers, checklist, rules, result, result.report.unchecked, [*checklist.notes, *result.report.notes], old or {}, unasked
    )
    if made_of.is_empty:
        made_of.notes.append("no file was looked at: there is no level and no score")
    elif not made_of.is_service:
        asked = sum(answer.verdict != "does not apply" for answer in answers)
        made_of.notes.append(
            f"no service is deployed from here (no image, process file or manifest starts one): {asked} of {len(answers)} items apply, and there is no level"
        )
    return made_of


# What lies here was contributed for some who run it otherwise.
_CONTRIBUTED = "contrib/"
# The name by which a place speaks for something, and a value behind it that takes it back.
_NAMED = re.compile(r"`([\w.-]+)`\Z")
_SWITCHED_OFF = r"[\"']?\s*[=:]\s*(?:\[\s*(?:[\"']\*[\"'])?\s*\]|\(\s*\)|\{\s*\}|0|None|False|null|off|\"\"|'')\s*[,;)]?\s*(?:#.*)?$"
# Of these items also what developers have for themselves is a proof.
_OF_THE_CODE = frozenset(("Testing", "Documentation", "Supply chain", "Deployment"))
# What stands for another service while somebody develops or tests.
_STAND_IN = re.compile(r"(?:^|[/_-])(?:mock|mocks|fake|fakes)(?=[/_-])", re.IGNORECASE)


class _Seen:
    """A run's results by code and by kind."""

    def __init__(self, result: session.Result, rules: Mapping[str, Rule], unasked: frozenset[str]) -> None:
        report = result.report
        self.root = os.path.abspath(report.root)
        self.rules = rules
        self.unasked = unasked
        unread = {unchecked.path for unchecked in report.unchecked if not unchecked.analysed}
        self.unread = {outcome.path: outcome.kind for outcome in result.outcomes if outcome.path in unread and not outcome.roles & ASIDE}
        self.roles = {outcome.path: outcome.roles for outcome in result.outcomes}
        self._locks = frozenset(outcome.path for outcome in result.outcomes if outcome.kind == "lock")
        self.kinds = Counter(outcome.kind for outcome in result.outcomes if not outcome.roles & {"vendored", "generated"})
        self.active = frozenset(rule.code for rule in result.rules)
        self.findings: dict[str, list[Finding]] = {}
        for finding in report.findings:
            self.findings.setdefault(finding.code, []).append(finding)
        self.suppressed: dict[str, list[Suppressed]] = {}
        for suppressed in report.suppressed:
            self.suppressed.setdefault(suppressed.finding.code, []).append(suppressed)
        self.evidence: dict[str, list[Evidence]] = {}
        self._written: dict[str, bool] = {}
        self._texts: dict[str, list[str]] = {}
        self._prose: dict[str, list[tuple[Position, Position]]] = {}
        self._document = result.document
        for evidence in report.evidence:
            if not self.proves_nothing(evidence.path) and not self._is_prose(evidence):
                self.evidence.setdefault(evidence.code, []).append(evidence)
        self.looked_at = report.looked_at
        facts = [fact for outcome in result.outcomes for fact in outcome.traces if fact.topic in ("compose-service", "dockerfile")]
        code = [outcome.path for outcome in result.outcomes if outcome.kind == "python" and not outcome.roles & (ASIDE | NO_PROOF)]
        traces = (project_fact for outcome in result.outcomes for project_fact in outcome.traces)
        names = _names_of(self.root, report.files)
        self._bought = {(fact.path, fact.words) for fact in facts if fact.topic == "compose-service" and _is_bought(fact, names)}
        self.marks = Marks(traces, report.files, report.root, self._is_no_place, self._is_of_another)
        self.services = services_of(facts, code, _programs(result), self._packages(), _servers(result), self._content)

    def proves_nothing(self, path: str, wanted: frozenset[str] = frozenset()) -> bool:
        """Whether a file is nobody's word for this service: an example, somebody else's code, a picture, or what a checker wrote."""
        if path in self._locks:
            wanted |= {"generated"}  # a tool writes every lock file, and that is what makes it one
        if (
            self.roles.get(path, frozenset()) & (NO_PROOF - wanted)
            or path.lower().endswith(_PICTURES)
            or path.startswith(_CONTRIBUTED)
            or _STAND_IN.search(path)
        ):
            return True
        if path not in self._written:
            self._written[path] = path.lower().endswith(_WRITTEN) and is_report(self._beginning(path))
        return self._written[path]

    def _is_prose(self, evidence: Evidence) -> bool:
        """Whether a name that speaks for something stands in a comment or a docstring, where it proves nothing."""
        if not evidence.path.endswith(".py") or not evidence.words.startswith("`"):
            return False
        if evidence.path not in self._prose:
            self._prose[evidence.path] = list(prose_of(self._content(evidence.path)))
        at = (evidence.span.line, evidence.span.column)
        return any(start <= at < end for start, end in self._prose[evidence.path])

    def is_on(self, evidence: Evidence) -> bool:
        """Whether what speaks for something is not switched off where it stands: `throttle_classes = []`, `SET statement_timeout = 0`."""
        named = _NAMED.search(evidence.words)
        if named is None:
            return True
        if evidence.path not in self._texts:
            self._texts[evidence.path] = self._content(evidence.path).decode("utf-8", "replace").split("\n")
        lines = self._texts[evidence.path]
        line = lines[evidence.span.line - 1] if evidence.span.line <= len(lines) else ""
        return re.search(rf"{re.escape(named[1])}{_SWITCHED_OFF}", line[:500], re.IGNORECASE) is None

    def _packages(self) -> list[str]:
        """The folders below the root that have a `pyproject.toml` and code that answers requests."""
        folders = [os.path.dirname(path) for path in self.roles if os.path.basename(path) == "pyproject.toml"]
        serving = [place.path for place in self.marks.of([{"route": ["*"]}])]
        return [folder for folder in folders if folder and any(path.startswith(f"{folder}/") for path in serving)]

    def _is_no_place(self, path: str, table: Mapping[str, object]) -> bool:
        """Whether a file proves nothing to a table of marks: it is nobody's word, or of a role that the table does not want."""
        inside, outside = table.get("in", ()), table.get("not_in", ())
        wanted = frozenset(inside) if isinstance(inside, (list, tuple)) else frozenset()
        unwanted = frozenset(outside) if isinstance(outside, (list, tuple)) else frozenset()
        roles = self.roles.get(path, frozenset())
        return bool(roles & unwanted) or bool(inside and not roles & wanted) or self.proves_nothing(path, wanted)

    def _is_of_another(self, path: str, entry: str) -> bool:
        """Whether an entry of a compose file says something of a database or a tool that stands there ready made: its restart policy and its
        health check are not the service's."""
        name = _SERVICE_ENTRY.match(entry)
        return name is not None and (path, name[1]) in self._bought

    def _content(self, path: str) -> bytes:
        document = self._document(path)
        return document.raw if document is not None else b""

    def _beginning(self, path: str) -> bytes:
        return self._content(path)[:8192]

    def path_of(self, named: str) -> str:
        """A path as another tool writes it, from the root."""
        return os.path.relpath(named, self.root).replace(os.sep, "/") if os.path.isabs(named) else named

    def of(self, code: str, item: Item) -> list[Evidence]:
        """What a rule saw that speaks of an item."""
        said = [evidence for evidence in self.evidence.get(code, ()) if _is_about(evidence.words, item)]
        if item.category in _OF_THE_CODE:
            return said
        return [evidence for evidence in said if "dev" not in self.roles.get(evidence.path, frozenset())]

    def shadowed(self, item: Item) -> list[Finding]:
        """Findings of other rules at whose places a rule of this item says nothing: its silence is no yes there."""
        others = [code for code, rule in self.rules.items() if code not in item.rules and set(rule.supersedes) & set(item.rules)]
        return [finding for code in others for finding in self.findings.get(code, ()) if not self.is_aside(finding, item)]

    def is_aside(self, finding: Finding, item: Item) -> bool:
        """Whether a finding is shown and does not decide: it does not run in production, weighs much less than the item or than its rule
        commonly does, or comes from a rule that is off by default."""
        roles = self.roles.get(finding.path, frozenset())
        if (
            roles & ASIDE
            or finding.path.startswith(_CONTRIBUTED)
            or _STAND_IN.search(finding.path)
            or (finding.code in self.unasked and finding.code not in item.belies)
        ):
            return True
        if item.belies and finding.code in item.rules and finding.code not in item.belies:
            return True
        rule = self.rules.get(finding.code)
        if rule is not None and roles & rule.lower_in:
            return True
        if item.absence:
            return False  # "no bare except" is not so where there is one, however little it weighs; the answer's urgency says how much
        commonly = PRIORITIES.index(rule.priority) if rule is not None else 0
        return PRIORITIES.index(finding.priority) > max(PRIORITIES.index(item.priority) + 1, commonly)


def _programs(result: session.Result) -> list[tuple[str, str]]:
    """The modules and scripts that production starts, each with the program that does."""
    if result.world is None:
        return []
    return [(one.module or one.script, one.words) for one in result.world.startup.programs if one.module or one.script.endswith(".py")]


# `services.db.restart`
_SERVICE_ENTRY = re.compile(r"services\.([^.]+)\.\w")


def _names_of(root: str, files: Iterable[str]) -> frozenset[str]:
    """By what a project's own image may be called: the names of its folder, and of the folders at its top and below."""
    folders = {part for path in files for part in path.split("/")[:-1][:2]}
    return frozenset(name.lower().strip("._-") for name in (os.path.basename(root), *folders) if len(name) > 3)


def _is_bought(fact: ProjectFact, names: frozenset[str]) -> bool:
    """Whether a compose service runs somebody else's image: a database, a broker, a tool; no word of it is a name of this project."""
    if fact.get("built") or not fact.get("image"):
        return False
    image = image_of(fact.get("image"))
    if datastore(image) is not None or image.family in ADMINISTRATION:
        return True
    return image.official or "/" in image.name and not set(re.split(r"[/._-]", image.name.lower())) & names


# Programs that answer requests or work through a queue until somebody stops them.
_SERVERS = frozenset(
    "uvicorn gunicorn hypercorn granian daphne uwsgi waitress-serve fastapi flask celery dramatiq taskiq arq faust".split()
)


def _servers(result: session.Result) -> list[tuple[str, str]]:
    """The modules that production serves, each with the command that does."""
    if result.world is None:
        return []
    return [(one.module, one.words) for one in result.world.startup.programs if one.module and one.program in _SERVERS]


def _answer(item: Item, seen: _Seen) -> Answer:
    found = [finding for code in item.rules for finding in seen.findings.get(code, ()) if _is_about(finding.message, item)]
    deciding = tuple(sorted((f for f in found if not seen.is_aside(f, item)), key=_by_urgency))
    aside = tuple(sorted((f for f in found if seen.is_aside(f, item)), key=_by_urgency))
    suppressed = tuple(s for code in item.rules for s in seen.suppressed.get(code, ()))
    looked_at = max((seen.looked_at.get(code, 0) for code in item.rules), default=0)
    made = Answer(item, "met", "", deciding, aside, suppressed, (), looked_at)
    if item.exempt is not None:
        until = f" (until {item.exempt.until})" if item.exempt.until else ""
        return replace(made, verdict="exempt", because=f"{item.exempt.reason}{until}")
    if deciding:
        beside = tuple(sorted({e for code in item.rules if code not in item.weak for e in seen.of(code, item)}))
        return replace(made, verdict="not met", because=counted(deciding), beside=beside)
    where = seen.marks.of(item.when)
    if item.when and not where:
        things = dict.fromkeys(str(table.get("words", "")) for table in item.when)
        return replace(
            made, verdict="does not apply", because=f"nothing here {_or(things)}" if all(things) else "nothing here that it speaks of"
        )
    files = sum(seen.kinds[kind] for kind in item.files) if item.files else sum(seen.kinds.values())
    if not item.when and not files:
        return replace(made, verdict="does not apply", because=f"no {' or '.join(item.files) or 'readable'} file here")
    shadowed = seen.shadowed(item)
    if shadowed:
        return replace(
            made,
            verdict="cannot be told",
            places=tuple(where),
            because=f"{counted(shadowed)} of {', '.join(sorted({f.code for f in shadowed}))} at such places, where this item's rules are silent",
        )
    running = [code for code in item.rules if code in seen.active]
    silent = [code for code in item.rules if code not in seen.active]
    proofs = sorted({e for code in running if code not in item.weak for e in seen.of(code, item) if seen.is_on(e)})
    leaning = sorted({e for code in running if code in item.weak for e in seen.of(code, item)})
    if item.shown:
        proving = [] if item.hint else seen.marks.of([table for table in item.shown if not table.get("hint")])
        proof = _distinct([*proofs, *filter(seen.is_on, proving)])
        taken_back = [*(place for place in proving if not seen.is_on(place)), *seen.marks.of(item.against)]
        shown = _by_what_is_shown(replace(made, places=proof or _distinct([*leaning, *seen.marks.of(item.shown)])), where, bool(proof))
        if shown.verdict == "met" and taken_back:
            first = taken_back[0]
            because = f"it is taken back at {first.path}:{first.span.line}; elsewhere: {shown.because}"
            return replace(shown, verdict="in part", because=because)
        return shown
    if not running:
        because = (
            f"{', '.join(silent)} {'is' if len(silent) == 1 else 'are'} switched off" if silent else "no rule of this version looks at it"
        )
        return replace(made, verdict="cannot be told", because=because)
    if silent:
        return replace(
            made,
            verdict="cannot be told",
            places=tuple(proofs or where),
            because=f"{', '.join(silent)} switched off; the other rules found nothing",
        )
    weak = [f for f in aside if f.code in seen.unasked or (item.belies and f.code not in item.belies)]
    if weak:
        names = ", ".join(sorted({finding.code for finding in weak}))
        return replace(made, verdict="cannot be told", places=tuple(where), because=f"{counted(weak)} of {names}, to be judged one by one")
    if item.hint and not proofs:
        return replace(made, verdict="cannot be told", places=tuple(where), because="no rule was broken, which does not prove it")
    unread = sorted(path for path, kind in seen.unread.items() if not item.files or kind in item.files)
    if unread and not proofs:
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        return replace(
            made, verdict="cannot be told", places=tuple(where), because=f"nothing found, but `{unread[0]}`{more} could not be read"
        )
    if leaning and not proofs:
        because = f"{SEEN}{_first(leaning)}"
        return replace(made, verdict="cannot be told", places=_distinct(leaning), because=because, seen=True)
    made = replace(made, places=tuple(proofs or where), because=_looked(files, proofs, where, item))
    if not proofs and not where and not item.absence:
        # Silence is a yes only to a question for the absence of something.
        return replace(made, verdict="cannot be told", because=f"no rule was broken, which does not show it ({made.because})")
    return _in_part(made)


def _in_part(made: Answer) -> Answer:
    """A yes to what this version looks at, where there is more to it: which half was looked at, and which was not."""
    if not made.item.awaits:
        return made
    return replace(
        made, verdict="in part", because=f"{made.because}; not looked at by any rule of this version: {', '.join(made.item.awaits)}"
    )


def _for_each(made: Answer, seen: _Seen) -> Answer:
    """A yes to what every service has to show, where some do not: they are named."""
    if not made.item.each or made.verdict not in ("met", "in part"):
        return made
    lacking = without(seen.services, made.places, seen.marks.of(made.item.when) if made.item.when else None)
    if not lacking:
        return made
    names = ", ".join(f"`{service.name}`" for service in lacking)
    return replace(made, verdict="in part", because=f"not seen for {names}; elsewhere: {made.because}")


def _confirmed(made: Answer) -> Answer:
    """What a person has looked at, where the code cannot tell. It never outweighs a finding."""
    given = made.item.confirmed
    if given is None or made.verdict != "cannot be told":
        return made
    until = f" (until {given.until})" if given.until else ""
    return replace(made, verdict="met", because=f"confirmed by the team: {given.reason}{until}")


def _is_about(words: str, item: Item) -> bool:
    """Whether what a rule says that serves several items speaks of this one."""
    return not item.about or any(word in words for word in item.about)


def _by_what_is_shown(made: Answer, where: Sequence[Evidence], proven: bool) -> Answer:
    item = made.item
    if not made.places:
        things = _or(dict.fromkeys(str(table.get("words", "")) for table in item.shown))
        because = f"not seen: {things}" if things else "nothing seen that shows it"
        return replace(made, verdict=item.unseen, because=because, places=tuple(where) if item.unseen == "cannot be told" else ())
    if not proven:
        return replace(made, verdict="cannot be told", because=f"{SEEN}{_first(made.places)}", seen=True)
    without_it = sorted({place.path for place in where} - {place.path for place in made.places}) if item.throughout else []
    if without_it:
        more = f" and {len(without_it) - 1} more" if len(without_it) > 1 else ""
        return replace(made, verdict="in part", because=f"not seen in `{without_it[0]}`{more}; elsewhere: {_first(made.places)}")
    return _in_part(replace(made, because=_first(made.places)))


def _distinct(places: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """In order of place; what rules say of a line goes before what marks say, of which one is kept."""
    listed = sorted(set(places))
    told = {(place.path, place.span.line) for place in listed if place.code}
    kept: dict[tuple[str, int, str], Evidence] = {}
    for place in listed:
        if place.code or (place.path, place.span.line) not in told:
            kept.setdefault((place.path, place.span.line, place.words if place.code else ""), place)
    return tuple(sorted(kept.values(), key=lambda place: (place.path, place.span.line)))


def _or(things: Iterable[str]) -> str:
    listed = [thing for thing in things if thing]
    return " or ".join(listed)


def _first(places: Sequence[Evidence]) -> str:
    words = list(dict.fromkeys(place.words for place in places if place.words))
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    told, said = [], ""
    for each in words[:3]:
        # What is the same is said once: "a scan: `bandit`, `trivy`".
        what, colon, name = each.partition(": `")
        told.append(f"`{name}" if colon and what == said else each)
        said = what
    return ", ".join(told) + more


def _looked(files: int, proofs: Sequence[Evidence], where: Sequence[Evidence], item: Item) -> str:
    if proofs:
        return _first(proofs)
    if where:
        return f"{_plural(len({place.path for place in where}), 'file')} of this kind looked at, nothing found"
    kinds = " and ".join(kind.capitalize() for kind in item.files[:1]) if item.files else ""
    what = _plural(files, f"{kinds} file".strip())
    return f"{what} looked at, nothing found"


def counted(findings: Sequence[Finding]) -> str:
    """How many findings in how many files."""
    paths = len({finding.path for finding in findings})
    return f"{_plural(len(findings), 'finding')} in {_plural(paths, 'file')}"


def _plural(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _by_urgency(finding: Finding) -> tuple[str, tuple[object, ...]]:
    return (finding.priority, finding.order)


def _with_others(made: Answer, given: Sequence[Said], seen: _Seen) -> Answer:
    """The answer with what other tools say. What they object to makes an item unmet; that they have nothing to say proves nothing.
    What stands in tests and examples does not count, and what prodlint or a tool before found at the same place is not counted again."""
    if not given or made.verdict == "exempt":
        return made
    taken = {(finding.path, finding.span.line) for finding in (*made.findings, *made.aside)}
    against: dict[tuple[str, str], list[str]] = {}
    doubles: Counter[tuple[str, str]] = Counter()
    for said in given:
        path = seen.path_of(said.path)
        if said.speaks_for or not said.rule or seen.roles.get(path, frozenset()) & ASIDE:
            continue
        if (path, said.line) in taken:
            doubles[said.tool, said.rule] += 1
            continue
        taken.add((path, said.line))
        against.setdefault((said.tool, said.rule), []).append(f"{path}:{said.line}" if path else "")
    bad = sum(map(len, against.values())) + sum(not said.speaks_for and not said.rule for said in given)
    others = [f"{tool}: {len(at):,} x `{rule}`{f' first at `{at[0]}`' if at[0] else ''}" for (tool, rule), at in sorted(against.items())]
    others += [f"{tool}: {number:,} x `{rule}`, found above as well" for (tool, rule), number in sorted(doubles.items())]
    others += [said.words for said in given if said.words]
    made = replace(made, others=tuple(others))
    if bad and made.verdict != "not met":
        return replace(made, verdict="not met", because=f"{_plural(bad, 'finding')} of other tools")
    if not bad and made.verdict == "cannot be told" and any(said.speaks_for for said in given):
        return replace(made, verdict="met", because=next(said.words for said in given if said.speaks_for))
    return made
