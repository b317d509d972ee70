"""What a line of a checklist claims in particular: files, numbers, names. A yes has to show the very thing.

A claim is looked for in the project's own code and configuration, outside comments, documentation, tests and examples, and never in
reports of prodlint or of other checkers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from prodlint.facts import Source
from prodlint.readiness.lines import IDENTIFIER, Line
from prodlint.readiness.outputs import is_report
from prodlint.readiness.phrases import words_of

Verdict = Literal["shown", "not shown", "contradicted"]

# A file by its path, or by a name that can only be one.
_PATH = re.compile(
    r"(?<![\w/.@:-])(?:\./)?((?:[\w.-]+/)+[\w.-]+\.(?=\w*[A-Za-z])\w{1,8}|[\w-]+\.(?:py|toml|ini|cfg|ya?ml|json|sh|md|lock|txt|sql|conf|env|example))(?![\w/])"
)
_NAMED_FILES = re.compile(
    r"(?<![\w/.-])(Dockerfile|Makefile|Procfile|Jenkinsfile|CODEOWNERS|\.dockerignore|\.gitignore|\.pre-commit-config\.yaml|\.env(?:\.\w+)+)(?![\w.-])"
)
_URL = re.compile(r"\w+://\S+")
# `SKIP_MIGRATIONS=false`, `verify=True`
_SWITCH = re.compile(r"(?<![\w./-])([A-Za-z_]\w{3,})\s*=\s*(true|false|on|off|none|yes|no)\b", re.IGNORECASE)
# `pool_size=10`, `timeout: 30`
_PAIR = re.compile(r"(?<![\w./-])(?![A-Z]{1,4}\d+:)([A-Za-z_]\w{2,})\s*(?:=|:\s?(?=\d))\s*(\d+(?:\.\d+)?)(?![\w.]*\()")
# Words before a colon that introduce a quantity.
_SAID = frozenset("size recommended target limit limits max min maximum minimum default warning goal at least expected requirement".split())
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
# `30/min`, `100 requests per hour`: a rate is compared by its number.
_RATE = re.compile(
    r"(?<![\w.])(\d{1,7})\s*(?:req(?:uest)?s?\s*)?(?:/|per\s+)\s*(?:s|sec|second|m|min|minute|h|hr|hour|d|day)s?\b", re.IGNORECASE
)
# `2-4 per core`: from one number to another.
_RANGE = re.compile(r"(?<![\w./:-])(\d{1,5})\s?[-–]\s?(\d{1,5})(?![\w./:-]*\w)")
# Whether a value is a good one, or a thing good enough, a person judges.
_QUALITY = re.compile(
    r"\b(?:appropriate(?:ly)?|sensibl[ey]|reasonabl[ey]|optimal(?:ly)?|optimi[sz]ed|tuned|sized|sufficient(?:ly)?|adequate(?:ly)?|comprehensive(?:ly)?"
    r"|meaningful(?:ly)?|up[- ]to[- ]date|rehearsed|measured|benchmarked|thorough(?:ly)?|readable|actionable|well[- ]\w+|agreed|understood|reviewed|tested|exercised|proven|efficient(?:ly)?"
    r"|for\s+the\s+(?:needed|expected)\s+\w+|works?|working|functional|functioning|operational|responding|responsive|reachable|accessible|latest|verified|confirmed|monitored|acceptable|effective(?:ly)?)\b",
    re.IGNORECASE,
)
# Names that say one thing only: Argon2id, AES-256-GCM, OAuth2, PostgreSQL, slowapi in backticks.
_PROPER = re.compile(r"(?<![\w-])(?:[A-Z][a-z]*\d+[\w-]*|[A-Z]{2,}-\d+(?:-[A-Z]+)?|[A-Z][a-z]+[A-Z]\w+|HS\d{3}|RS\d{3}|ES\d{3})(?![\w-])")
# Codes of rules, of risks (A03), of priorities and percentiles (P0, P95): numbers of a list.
_NUMBERED = re.compile(r"[A-Z]{2,8}\d{3}|[A-Z]\d{1,2}")
_UPPER = re.compile(r"(?<![\w.-])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![\w-])")
_CODE_NAME = re.compile(r"`([A-Za-z_][\w.-]{2,60})(?:\(\))?`")
# A command with its arguments, a route.
_COMMAND = re.compile(r"`((?:\.?/?[\w.-]+/)*[a-z][\w.-]* [^`]{2,80})`")
_ROUTE_NAME = re.compile(
    r"(?:`(?:GET |POST )?|(?:(?<=[\s(])|^)(?:GET |POST )?(?=/[a-z][a-z0-9_/-]*[\s),.:;]|/[a-z][a-z0-9_/-]*$))(/[\w{}:.-]+(?:/[\w{}:.-]+)*)/?(?:`|(?=[\s),.:;]|$))"
)
_STATUS_CODE = re.compile(r"\bHTTP\s+([1-5]\d\d)\b")
_IN_WORDS = frozenset(("readiness", "kubernetes", "github", "gitlab", "javascript", "typescript", "openapi", "graphql"))
# What is done outside of the code, or told of a run: no file can show it.
_OUTSIDE = re.compile(
    r"\b(?:deploy(?:ed)?\s+(?:to|on|in)\b|deployed\b(?!\s+by)|announce|approv|sign(?:ed)?[- ]off|meeting|firewall|dns\b|domain\b(?=\s*(?:names?|is|are|registered|points|configured|purchased|transfer\w*|\W*$))|penetration|pen[- ]?test|audit(?:ed)?\s+by|review(?:ed)?\s+(?:by|with)"
    r"|notif(?:y|ied)\s+(?:the\s+)?(?:team|stake)|train(?:ed|ing)|on[- ]call\s+(?:schedule|rota)|contracts?\b(?!\s*(?:tests?|first))|invoice|purchase|certificate\s+(?:is\s+)?(?:issued|bought|installed)"
    r"|\d+\s+(?:passed|passing|tests?\s+pass)|all\s+(?:\w+\s+){0,2}(?:tests?|cases|suites?)\s+(?:have\s+|are\s+)?pass|tests?\s+(?:are\s+)?(?:green|passing)|smoke\s+tests?\s+(?:pass|run)|(?:checks?|builds?|scans?|linters?|probes?)\s+(?:\w+\s+)?pass(?:es|ed|ing)?\b|verified\s+(?:in|on)\s+(?:staging|production)"
    r"|load[- ]test(?:ed|s)?\s+(?:passed|run|done|executed)|all checks passed|no issues found|planned\b|scheduled\b|(?:was|were|been|is|are)\s+rotated|(?:has|have|had)\s+(?:been\s+)?(?:run|executed|performed|completed|conducted|done|exercised|rehearsed)\b|env(?:ironment)?\s+(?:vars?|variables)\s+(?:are\s+)?set\b|create\w*\s+\.env(?!\S*example)\b|security\s+audits?\b|rolled\s+out|went\s+live|go[- ]live|backup\s+(?:was\s+)?restored|drill|manual(?:ly)?\s+(?:test|check|verif|review|approv)\w*|by\s+hand"
    r"|\bcurl\s+(?:-\S+\s+)*\w+://|(?:returns?|responds?\s+with|answers?)\s+(?:HTTP\s+)?200\b)",
    re.IGNORECASE,
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
    r"^\W*(?:run\s+(?!as\b|containers?\b|behind|with\b)|build\s|verify\s|execute\s|perform\s|conduct\s|rotate\s|review\s(?!and\b)|start\s|stop\s|restart\s(?!polic)|deploy\s+(?:to|the|a|your|with)\b|monitor\s|test\s(?!coverage|suites?\b|cases?\b|isolation)"
    r"|(?:install|record|upgrade|download|copy|rename|delete|identify|inform|gather|schedule|assign|decide|notify)(?:\s|/)|update(?:/|\s+(?:the|all|your|dependencies|documentation|docs)\b)|try\s|call\s|open\s|visit\s|push\s|tag\s+(?:the\s+)?release|release\s+(?:the|to|v)|merge\s|scale\s+(?:to|up|down|out)\b|roll back\s|back up\s|restore\s(?!procedure|tests?|drill|process))",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"\b(?:builds?|pass(?:es|ing)?|succeeds?|works?|runs|is running|are running|starts|successful(?:ly)?|healthy|green|reviewed|audited|inspected|examined|done|conducted|performed|completed)\W*$",
    re.IGNORECASE,
)
# Files that nobody commits.
_MADE_BY_HAND = re.compile(r"\.env(?:\s+file)?\s+(?:is\s+)?(?:created|filled|populated)", re.IGNORECASE)
# Sections and words that reason, plan or refer, and claim nothing of the code.
_NO_CLAIMS = re.compile(
    r"\b(?:workarounds?|blockers?|residual risks?|references?|see also|usage|time estimates?|next steps|backlog|gap analysis|commands to run|overview|out of scope|known (?:issues|limitations)|table of contents|limitations|appendix|glossary|legend|resources|further reading|readiness score|red flags?|anti-?patterns?|pitfalls|common mistakes|warning signs|don'?ts\b|never (?:go|ship|deploy|launch)\b[^:]*)\b",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r"^\W*(?:pros?|cons?|notes?|why|rationale|recommendation|problem|current|target|status|generated|branch|example|expected|tip|warning|important|severity|owner|link)\s*:|\bblocked externally\b|\bin this (?:session|environment)\b",
    re.IGNORECASE,
)
# What somebody does again and again: that the thing is there does not show how often it is looked at.
_OFTEN = re.compile(
    r"\b(?:daily|nightly|hourly|weekly|monthly|quarterly|yearly|annual(?:ly)?|every\s+(?:\d+\s+)?(?:hour|day|night|week|month|quarter|year)s?|regular(?:ly)?|periodic(?:ally)?|continuous(?:ly)?(?!\s+(?:integration|delivery|deployment)))\b",
    re.IGNORECASE,
)
_SCHEDULE = re.compile(r"\b(?:cron|schedule|interval|daily|nightly|hourly|weekly|monthly|quarterly|yearly)\b", re.IGNORECASE)
# "Cache metrics", "Rate limits documented", "Circuit breaker alerts": something about the thing, and not the thing itself.
_ABOUT = re.compile(
    r"\b(metrics?(?!\s+endpoints?)|dashboards?|alerts?|alerting|documented|documentation|docs|monitored|monitoring|tested|tests|testing|reviewed|trained|training|communicated)\b",
    re.IGNORECASE,
)
# Asks for a description, which no yes or no answers.
_DESCRIBES = re.compile(
    r"^\W*(?:(?:how|what|which|who|whom|describe|explain|enumerate)\b|list\s+(?:out|the|all|any|every)\b|(?:where|when|why)\b(?=.*\?\s*$)|.*\brequirements\W*$)",
    re.IGNORECASE,
)
# "(e.g. Sentry, New Relic)", "such as k6 or Locust", "(X-Frame-Options, CSP, etc.)": these are examples, and no claims.
_EXAMPLES = re.compile(
    r"\(\s*(?:e\.?\s?g\b\.?|eg\b|for example|for instance|examples?|such as|like|something like|i\.e\.)[^()]{0,200}(?:\)|$)"
    r"|\([^()]{0,200}(?:\betc\b\.?|\.\.\.|…)\s*\)"
    r"|(?:,\s*)?(?<!-)\b(?:e\.g\.|eg:|for example|for instance|such as|like(?=\s+(?:`|\(|(?-i:[A-Z]))))[^.;:()]{0,160}"
    r"|(?<=[a-z])\s+(?:or|and)\s+(?:similar|equivalent|the like)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"\b(?:no|not|never|zero|0|without|disabled?|removed?|replaced|forbidd?en|free of|dropped|off|don.t|do not|avoid\w*)\b|\|\|",
    re.IGNORECASE,
)


def is_outside_the_code(line: Line) -> bool:
    """Whether a line speaks of a step or a result that no file shows: a deployment, a meeting, "16 passed"."""
    return any(pattern.search(line.text) for pattern in (_OUTSIDE, _STEP, _RESULT, _MADE_BY_HAND))


def how_often(line: Line) -> str:
    """The word by which a line says how often something is done, or ""."""
    found = _OFTEN.search(line.text)
    return found[0].lower() if found else ""


def is_on_schedule(often: str, near_places: str) -> bool:
    """Whether the text around the places holds that word or, where it only says "regularly", any schedule."""
    if often.startswith(("regular", "periodic", "continuous", "every")):
        return _SCHEDULE.search(near_places) is not None
    return often.removesuffix("ly") in near_places.lower()


def asks_about(line: Line, known: Iterable[str]) -> str:
    """The word by which a line asks for something about its item, such as its metrics or its documentation, and not for the item; "" for none.
    known: the words of the item and of the phrase by which it is meant, as `words_of` makes them."""
    said = frozenset(known)
    return next((found[1].lower() for found in _ABOUT.finditer(_PATH.sub(" ", line.head)) if not said & set(words_of(found[1]))), "")


def without_examples(line: Line) -> Line:
    """A line without its number and without the examples that it gives: they say what is meant, and need not be there."""
    head, rest, text, raw = (_EXAMPLES.sub(" ", IDENTIFIER.sub("", part)).strip() for part in (line.head, line.rest, line.text, line.raw))
    return replace(line, head=head, rest=rest, text=text, raw=raw) if text else line


def claims_nothing(line: Line) -> str:
    """Why a line is no claim of its own that could be right or wrong, or ""."""
    if line.heading:
        return "a heading: the lines under it are judged"
    if any(_NO_CLAIMS.search(above) for above in line.above) or _REASONS.search(line.text):
        return "it reasons or refers, and claims nothing of the code"
    if _DESCRIBES.search(line.text):
        return "it asks for a description, which no yes or no answers"
    return ""


def files_named(line: Line) -> list[str]:
    """The files that a line names."""
    text = _URL.sub(" ", line.text)
    return [path.removeprefix("./") for path in (*_PATH.findall(text), *_NAMED_FILES.findall(text))]


# A kind of test is shown by tests of that kind, which their paths name: `tests/integration/`, `test_e2e.py`. The product's own `integrations/` are none.
_KIND = re.compile(r"\b(unit|integration|e2e|end[- ]to[- ]end|load|performance|contract|smoke)[- ]tests?\b", re.IGNORECASE)
_KINDS_OF_TESTS = {
    "unit": r"unit",
    "integration": r"integration(?:s(?=_tests?))?",
    "e2e": r"e2e|end_?to_?end|functional",
    "load": r"load|perf|performance|stress|locustfile",
    "contract": r"contracts?|pact|cdc",
    "smoke": r"smoke",
}
_SAME_KIND = {"end to end": "e2e", "end-to-end": "e2e", "performance": "load"}


def kinds_of_test(line: Line) -> list[re.Pattern[str]]:
    """What the paths of tests of the kinds that a line asks for hold."""
    kinds = [_SAME_KIND.get(found.lower(), found.lower()) for found in _KIND.findall(line.text)]
    return [re.compile(rf"(?:^|[/_.-])(?:{_KINDS_OF_TESTS[kind]})(?:[/_.-]|$)", re.IGNORECASE) for kind in dict.fromkeys(kinds)]


# Documents that are the same in whichever markup they are written.
_IN_ANY_FORM = re.compile(r"(?:readme|changelog|contributing|license)\.(?:md|rst|txt|adoc)\Z", re.IGNORECASE)


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
        if _IN_ANY_FORM.match(path):
            known = path.lower().partition(".")[0]
            return any(name.lower().startswith((known, f"docs/{known}", f".github/{known}")) for name in self.files)
        return "/" not in path and path.lower() in {name.rpartition("/")[2].lower() for name in self.files}

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files)

    def lines(self, path: str) -> list[tuple[int, str]]:
        """The lines of a file without its comments, numbered from 1; none of reports that a tool wrote."""
        if path not in self._lines:
            source = self.source(path)
            mark = _COMMENT.get(self.kinds.get(path, ""), "")
            text = "" if source is None or is_report(source.data) else source.text
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

    def find(self, pattern: re.Pattern[str], paths: Iterable[str], most: int = 20) -> list[tuple[str, int, re.Match[str]]]:
        """Where a pattern stands, `most` places."""
        found = []
        for path in paths:
            for number, text in self.lines(path):
                match = pattern.search(text)
                if match:
                    found.append((path, number, match))
                    if len(found) >= most:
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


def check(line: Line, places: Sequence[tuple[str, int]], project: Project, denied: bool = False) -> Checked:
    """Hold the files, numbers and names of a line against the project. places: where the line's item is shown. denied: the names are those
    of what the line says to be absent."""
    text = _URL.sub(" ", line.text)
    shown: list[tuple[str, int]] = []
    for path in files_named(line):
        if not project.holds(path):
            return Checked("contradicted", f"`{path}` is not there")
        shown.append((path, 1))
    rest = _NAMED_FILES.sub(" ", _PATH.sub(" ", text))
    for pattern, same in ((_SWITCH, _same_switch), (_PAIR, _same_number)):
        for name, value in pattern.findall(rest):
            if name.lower() in _SAID:
                continue  # "(recommended: 30 minutes)", "Max size: 10MB": a quantity, and no setting
            compared = _compared(name, value, same, project)
            if compared.verdict != "shown":
                return compared
            shown.extend(compared.places)
        rest = pattern.sub(_without_setting, rest)
    for quantity in _QUANTITY.finditer(rest):
        if (quantity["unit"] or quantity["sign"]) and not _number_is_at(quantity, places, project):
            return Checked("not shown", f"{quantity[0].strip()} was not found where the item is shown, so it cannot be compared")
    for rate in _RATE.findall(rest):
        if not re.search(rf"(?<![\d.]){rate}(?![\d.])", near(places, project, 25)):
            return Checked("not shown", f"{rate} was not found where the item is shown, so it cannot be compared")
    for first, last in _RANGE.findall(rest):
        around = near(places, project, 5)
        if not all(re.search(rf"(?<![\d.]){number}(?![\d.])", around) for number in (first, last)):
            return Checked("not shown", f"{first} to {last} was not found where the item is shown, so it cannot be compared")
    for code in _STATUS_CODE.findall(rest):
        if not re.search(rf"(?<!\d){code}(?!\d)", near(places, project, 25)):
            return Checked("not shown", f"{code} was not found where the item is shown")
    missing = unwritten(line, project)
    if missing:
        return Checked("not shown", f"`{missing}` occurs nowhere in the code or its configuration")
    files = list(dict.fromkeys(path for path, _ in places))
    elsewhere = [route for route in _ROUTE_NAME.findall(line.raw) if not project.find(_as_written(route), files, most=1)]
    if elsewhere:
        return Checked("not shown", f"`{elsewhere[0]}` is not seen where the item is shown")
    absent = [] if denied else nowhere(line, project)
    if absent:
        return Checked("not shown", f"`{absent[0]}` occurs nowhere in the code")
    return Checked("shown", "", tuple(dict.fromkeys(shown)))


def _without_setting(pair: re.Match[str]) -> str:
    """A text without a setting and its value; what only introduces a quantity leaves it."""
    return pair[0][len(pair[1]) :] if pair[1].lower() in _SAID else " "


def unwritten(line: Line, project: Project) -> str:
    """The first command or route that a line names and that no code or configuration holds, or ""."""
    named = (*_COMMAND.findall(line.raw), *_ROUTE_NAME.findall(line.raw))
    return next((written for written in named if not project.find(_as_written(written), project.code(), most=1)), "")


# "(Snyk, Dependabot)", "(`hadolint`, `kics`, `checkov`)": a list of names in brackets; one of them is enough.
_NAME = r"`?[\w.-]+(?: [\w.-]+){0,2}`?"
_OR = r"\s*(?:,\s*or\b|,|/|\bor\b)\s*"
_LISTED = re.compile(rf"\(\s*({_NAME}(?:{_OR}{_NAME})+)\s*\)|((?:`[\w.-]+`{_OR})+`[\w.-]+`)\s*$")


def alternatives(line: Line) -> list[tuple[str, ...]]:
    """The groups of names of which a line wants one each, in lower case."""
    found = (match[1] or match[2] for match in _LISTED.finditer(line.raw or line.text))
    return [tuple(name.strip("` ").lower() for name in re.split(_OR, listed) if name.strip("` ")) for listed in found]


def _group_of(name: str, groups: Sequence[tuple[str, ...]]) -> int:
    """Which group a name stands in, -1 for none."""
    return next((index for index, group in enumerate(groups) if any(name.lower() in each for each in group)), -1)


def names_in(line: Line) -> list[str]:
    """What a line calls by a name of code, or by a proper name: `pool_size`, Argon2id, AES-256-GCM."""
    without_files = _NAMED_FILES.sub(" ", _PATH.sub(" ", _URL.sub(" ", line.raw or line.text)))
    found = (
        *_CODE_NAME.findall(without_files),
        *_UPPER.findall(without_files),
        *_PROPER.findall(_SWITCH.sub(" ", _PAIR.sub(" ", without_files.replace("`", " ")))),
    )
    return [name for name in dict.fromkeys(found) if name.lower() not in _IN_WORDS and not _NUMBERED.fullmatch(name)]


def nowhere(line: Line, project: Project) -> list[str]:
    """The names that a line calls something by, and that occur nowhere in the code; where it names alternatives, all of them must be absent."""
    names, groups = names_in(line), alternatives(line)
    absent = [name for name in names if not project.find(loosely(name), project.code(), most=1)]
    met = {_group_of(name, groups) for name in names if name not in absent} - {-1}
    return [name for name in absent if _group_of(name, groups) not in met]


# "Pool sized for the replicas (or use PgBouncer)": another way to the same end.
_OTHER_WAY = re.compile(r"\(\s*or\s[^()]{1,80}\)", re.IGNORECASE)


def is_of_code(name: str) -> bool:
    """Whether a name is one that somebody gave it in the code, so that a line which is right has it there: `POOL_SIZE`, `app.limits`. What is
    called by a common or proper name, HSTS, `X-Frame-Options` or CloudWatch, may be there by another, or be seen to by what stands before."""
    return "_" in name or re.fullmatch(r"[a-z]\w*(?:\.\w+)+", name) is not None


# "Access control is checked when files are uploaded", "limits for tenants": where, or for whom, a line says it is so.
_WHERE = re.compile(r"\b(?:when|whenever|where|while|during|if|for)\s+(.+)$", re.IGNORECASE)


def where_it_holds(line: Line) -> str:
    """The clause that says where a line holds, or ""."""
    found = _WHERE.search(line.rest if line.rest and line.rest in line.text else "")
    return found[1] if found else ""


def names_asked_for(line: Line) -> list[str]:
    """The names that a line cannot do without: those in a list of alternatives are choices."""
    if _OTHER_WAY.search(line.text):
        return []
    groups = alternatives(line)
    return [name for name in names_in(line) if _group_of(name, groups) < 0]


def _as_written(name: str) -> re.Pattern[str]:
    """A command by its program and first argument, however it is spaced or quoted; a route by its path alone."""
    if name.startswith("/"):
        return re.compile(rf"(?<![\w/]){re.escape(name)}(?![\w-])")
    words = name.split()[:2]
    return re.compile(r"[\"',\s]+".join(re.escape(word.rsplit("/", 1)[-1]) for word in words))


def is_of_quality(line: Line) -> str:
    """The word by which a line claims that something is good enough, and not only there, or ""."""
    found = _QUALITY.search(line.text)
    return found[0].lower() if found else ""


def is_negative(line: Line) -> bool:
    """Whether a line says that something is not there, or was taken away."""
    return _NEGATIVE.search(line.text) is not None


def _compared(name: str, value: str, same: Callable[[str, str], bool | None], project: Project) -> Checked:
    """A name's value in the code against the one claimed."""
    pattern = re.compile(rf"(?<!\w){re.escape(name)}\b[\"'\]]?\s*(?:[=:,]|:-)\s*[\"']?([\w.]+)", re.IGNORECASE)
    found = [(path, at, match[1]) for path, at, match in project.find(pattern, project.code()) if same(match[1], value) is not None]
    if not found:
        return Checked("not shown", f"`{name}` is set nowhere that could be compared")
    if not any(same(each, value) for _, _, each in found):
        path, at, each = found[0]
        return Checked("contradicted", f"`{name}` is {each} at {path}:{at}, not {value}")
    return Checked("shown", "", tuple((path, at) for path, at, each in found if same(each, value)))


_TRUTH = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False, "none": None}


def _same_switch(found: str, claimed: str) -> bool | None:
    """Whether two values of a switch mean the same; None where the value found is none."""
    if found.lower() not in _TRUTH:
        return None
    return _TRUTH[found.lower()] == _TRUTH[claimed.lower()]


def _same_number(found: str, claimed: str) -> bool | None:
    try:
        return float(found) == float(claimed)
    except ValueError:
        return None


# Lines around a place that are looked at closely.
_CLOSE = 2


def near(places: Iterable[tuple[str, int]], project: Project, around: int) -> str:
    """The text around places, without comments, and their paths: what a subject is looked for in. Of places looked at closely the path is
    left out, but for files that are there as a whole: a workflow in `tests.yml` that runs a linter is no test."""
    parts: list[str] = []
    for path, at in list(places)[:60]:
        if around > _CLOSE or at == 1:
            parts.append(path)
        parts.extend(text for _, text in project.lines(path)[max(0, at - 1 - around) : at + around])
    return "\n".join(parts)


def product_in_code(product_names: Sequence[str], project: Project) -> bool:
    """Whether a product occurs in the code or configuration by one of its names."""
    pattern = re.compile("|".join(rf"(?<![a-z]){re.escape(name)}" for name in product_names), re.IGNORECASE)
    return bool(project.find(pattern, project.code(), most=1))


def loosely(name: str) -> re.Pattern[str]:
    """A name however its words are joined: Argon2id, argon2_id, ARGON2-ID."""
    words = [word for word in re.split(r"[-_. ]", name) if word]
    return re.compile(r"[-_. ]?".join(re.escape(word) for word in words), re.IGNORECASE)


def _number_is_at(quantity: re.Match[str], places: Sequence[tuple[str, int]], project: Project) -> bool:
    """Whether the number stands at one of the places, in its own unit or in seconds or bytes."""
    number = float(quantity["number"].replace(",", "."))
    unit = (quantity["unit"] or "").lower()
    # One per cent is 0.01 in code; eighty may be 80 where percents are asked for.
    wanted = {number / 100, *([number] if number >= 10 else [])} if unit == "%" else {number, number * _UNITS.get(unit, 1.0)}
    if unit in ("min", "mins", "minute", "minutes", "m", "h", "hour", "hours", "d", "day", "days"):
        wanted |= {number * _UNITS[unit] / 60, number * _UNITS[unit] / 3600}
    for path, at in places:
        for line, text in project.lines(path)[max(0, at - 3) : at + 5]:
            if any(float(found) in wanted for found in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text.replace("_", ""))) and line:
                return True
    return False
