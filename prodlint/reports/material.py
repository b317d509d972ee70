"""What a format has to work with: the report, the rules behind it, what may be shown of the files, and the wishes."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from prodlint.checks.tool import UNREADABLE_FILE
from prodlint.fingerprint import fingerprints, place_order
from prodlint.model import PRIORITIES, Finding, Fix, Priority, Report, Rule, Suppressed, Unchecked
from prodlint.redact import Redaction, SourceLookup

if TYPE_CHECKING:
    from prodlint.owners import Owners

# What makes a directory a service (or package) of its own, and directories that hold such files for other reasons.
_MANIFESTS = ("pyproject.toml", "setup.cfg", "requirements.txt", "Pipfile", "prodlint.toml", ".prodlint.toml")
_NO_SERVICE = frozenset("doc docs test tests example examples template templates fixtures scripts .github requirements".split())

HOMEPAGE = "https://github.com/prodlint/prodlint"


class Options(NamedTuple):
    """How a report is to look. Nothing here changes what was found. (As a dataclass it would cost every run 2 ms.)

    color: whether escape sequences are wanted. links: whether codes open their pages; a log cannot show that. width: columns of the terminal, 0 for no limit but a sane one.
    show_suppressed: suppressed findings are listed with their reasons, not only counted. statistics: the text formats
    end with a table of rules. unsafe_fixes: findings with an unsafe fix are marked as fixable too. show_time: the text
    formats say how long it took. quiet: they give the findings alone. exit_code: what the process will end with.
    prefix: way from the repository's root to the project's, "" or ending in "/": for formats read by hosts.
    help_base: address under which `<family>/<CODE>-<name>.md` is found.
    fixes: findings whose recipe was made real. baseline: whether a baseline was given, so findings are new or known.
    category: tells several SARIF uploads of one commit apart. root_uri: absolute address of the project's root; left
    out by default, so that the same tree gives the same bytes wherever it lies. started, ended: UTC times for SARIF.
    max_results: most SARIF results written; hosts refuse or hide the rest.
    base: the project's root as seen from the working folder ("" where that is the root): what a terminal or an editor opens a
    place by; formats for machines stay relative to the root. sort: what the text formats order findings by.
    min_priority: findings below it are counted and not shown.
    """

    color: bool = False
    links: bool = False
    width: int = 0
    show_suppressed: bool = False
    statistics: bool = False
    unsafe_fixes: bool = False
    show_time: bool = True
    quiet: bool = False
    exit_code: int = 0
    prefix: str = ""
    help_base: str = f"{HOMEPAGE}/blob/main/rules/"
    fixes: Mapping[Finding, Fix] = MappingProxyType({})
    baseline: bool = False
    category: str = "prodlint/"
    root_uri: str = ""
    started: str = ""
    ended: str = ""
    max_results: int = 5000
    base: str = ""
    sort: Literal["path", "priority", "rule"] = "path"
    min_priority: Priority = "P2"


class ReportContext:
    """One report on its way into one format."""

    def __init__(self, report: Report, rules: Sequence[Rule], root: str, sources: SourceLookup, options: Options) -> None:
        self.report = report
        self.root = root
        self.options = options
        self.rules = {rule.code: rule for rule in sorted(rules, key=lambda rule: rule.code)}
        self.redaction = Redaction(report, sources)
        self.words: Callable[[str], str] = self.redaction.words

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings that are to be shown, in order of place or as the options want them."""
        shown = [finding for finding in self.report.findings if finding.priority <= self.options.min_priority]
        if self.options.sort == "priority":
            return sorted(shown, key=lambda finding: (finding.priority, *place_order(finding)))
        if self.options.sort == "rule":
            return sorted(shown, key=lambda finding: (finding.code, *place_order(finding)))
        return sorted(shown, key=place_order)

    @property
    def below(self) -> int:
        """How many findings are below the lowest priority that is shown."""
        return len(self.report.findings) - len(self.findings)

    def path(self, path: str) -> str:
        """A path of the project as one would type it in the working folder."""
        return os.path.relpath(os.path.join(self.options.base, path)).replace(os.sep, "/") if self.options.base else path

    @cached_property
    def suppressed(self) -> list[Suppressed]:
        """The suppressed findings in order of place."""
        return sorted(self.report.suppressed, key=lambda s: place_order(s.finding))

    @cached_property
    def fingerprint(self) -> Mapping[int, str]:
        """The fingerprint of each finding, suppressed ones included, by `id`."""
        every = sorted([*self.findings, *(s.finding for s in self.suppressed)], key=place_order)
        return dict(zip(map(id, every), fingerprints(every), strict=True))

    @cached_property
    def _owners(self) -> Owners:
        from prodlint import owners

        return owners.read(self.root)

    def owners(self, path: str) -> tuple[str, ...]:
        """Who owns a file by the repository's CODEOWNERS."""
        return self._owners.of(self.options.prefix + path)

    def name(self, code: str) -> str:
        """A rule's name, or its code where the rule is not known."""
        rule = self.rules.get(code)
        return rule.name if rule else code

    def help_url(self, code: str) -> str:
        """The address of a rule's page, or "": a team's own pages have none."""
        rule = self.rules.get(code)
        if rule is None or not code.startswith("PRD") or not self.options.help_base:
            return ""
        return f"{self.options.help_base}{rule.family}/{rule.code}-{rule.name}.md"

    @cached_property
    def _help(self) -> dict[str, str]:
        return {}

    def help(self, code: str) -> str:
        """How to fix it, in one sentence: the first of the page's Fix section."""
        if code not in self._help:
            rule = self.rules.get(code)
            self._help[code] = first_sentence(rule.how) if rule else ""
        return self._help[code]

    def advice(self, finding: Finding) -> str:
        """What to do about a finding: what its rule says of this variant, else of all. `{first}` is what the message names first."""
        rule = self.rules.get(finding.code)
        return (advice_of_variant(rule, finding.message) if rule else "") or self.help(finding.code)

    def advices(self, findings: Iterable[Finding]) -> list[str]:
        """What to do about findings, each advice once: one for every variant of every rule."""
        told: dict[tuple[str, str], str] = {}
        for finding in findings:
            rule = self.rules.get(finding.code)
            variant = variant_of(rule, finding.message) if rule else None
            told.setdefault((finding.code, variant[0] if variant else ""), self.advice(finding))
        return [text for text in dict.fromkeys(told.values()) if text]

    def fixable(self, finding: Finding) -> bool:
        """Whether `--fix`, as asked for, would fix it."""
        return finding.fix is not None and (finding.fix.safe or self.options.unsafe_fixes)

    def fix(self, finding: Finding) -> Fix | None:
        """The finding's fix made real, where there is one that holds no secret: a covered one would do harm when applied."""
        made = self.options.fixes.get(finding) if self.options.fixes else None
        if made is None or any(self.words(edit.text) != edit.text for edit in made.edits):
            return None
        return made

    @cached_property
    def by_priority(self) -> Mapping[Priority, int]:
        """How many findings each priority has."""
        counted = Counter(finding.priority for finding in self.report.findings)
        return {priority: counted[priority] for priority in PRIORITIES}

    @cached_property
    def _services(self) -> frozenset[str]:
        splits = (path.rpartition("/") for path in self.report.files)
        return frozenset(
            folder for folder, _, name in splits if folder and name in _MANIFESTS and _NO_SERVICE.isdisjoint(folder.split("/"))
        )

    def service_of(self, path: str) -> str:
        """The directory of the service that a file belongs to: the nearest one with a manifest or settings; "" is the root."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self._services:
            folder = folder.rpartition("/")[0]
        return folder

    @cached_property
    def by_service(self) -> Mapping[str, Mapping[Priority, int]]:
        """How many findings each service has, by priority; those without any are left out."""
        counted: dict[str, Counter[Priority]] = {}
        for finding in self.report.findings:
            counted.setdefault(self.service_of(finding.path), Counter())[finding.priority] += 1
        return {service: {priority: counted[service][priority] for priority in PRIORITIES} for service in sorted(counted)}

    def placed(self, finding: Finding) -> str:
        """The message, with the place where a line number does not tell it."""
        message = self.words(finding.message)
        return f"{message} ({finding.place})" if finding.place else message

    @cached_property
    def unchecked(self) -> list[Unchecked]:
        """What was not analysed and is not told by a finding already: for formats in which both would be one more remark."""
        told = {finding.path for finding in self.report.findings if finding.code == UNREADABLE_FILE}
        return sorted({unchecked for unchecked in self.report.unchecked if unchecked.path not in told})

    def shown_suppressed(self) -> Iterator[Suppressed]:
        """The suppressed findings where they are to be listed."""
        if self.options.show_suppressed:
            yield from self.suppressed


def variant_of(rule: Rule, message: str) -> tuple[str, str] | None:
    """The variant that a message speaks of, by words of it, and what the rule's page says to do about that."""
    return next((variant for variant in rule.helps if variant[0] in message), None)


def advice_of_variant(rule: Rule, message: str) -> str:
    """What a rule's page says to do about the variant that a message speaks of, or ""."""
    variant = variant_of(rule, message)
    if variant is None:
        return ""
    named = message.split("`")
    return variant[1].replace("{first}", named[1] if len(named) > 2 else "")


def plural(number: int, thing: str, things: str = "") -> str:
    """`1 file`, `2 files`. things: the plural, where it is another word."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


# A sentence ends at a stop that a capital letter, a quoted name or nothing follows; not inside `code`, nor after "e.g.".
_SENTENCE = r"(?:`[^`]*`|[^`])*?(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)[.!?](?=\s+[A-Z`\"(*\[]|\s*$)"
_LINK = r"\[([^\]]+)\]\([^)]*\)"


def first_sentence(markdown: str) -> str:
    """The first sentence of a section, on one line; "" where it begins with code or a list."""
    paragraph = re.sub(_LINK, r"\1", " ".join(markdown.strip().split("\n\n", 1)[0].split()))
    if not paragraph or paragraph.startswith(("```", "- ", "* ", "1. ", "|", "#")):
        return ""
    found = re.match(_SENTENCE, paragraph)
    return (found.group() if found else paragraph).replace("**", "")


def repository_prefix(root: str) -> str:
    """The way from the git repository's root to the project's, for `Options.prefix`: "" or ending in "/"."""
    import os

    top = os.path.realpath(root)
    below: list[str] = []
    while not os.path.exists(os.path.join(top, ".git")):
        top, name = os.path.split(top)
        if not name:
            return ""
        below.append(name)
    return "".join(f"{name}/" for name in reversed(below))
