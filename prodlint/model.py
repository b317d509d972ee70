"""The types that travel: places, rules, findings and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Priority = Literal["P0", "P1", "P2"]
PRIORITIES: tuple[Priority, ...] = ("P0", "P1", "P2")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: lines and columns from 1, columns in code points, `end_column` exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """A second place that explains a finding."""

    path: str
    span: Span
    words: str


@dataclass(frozen=True, slots=True)
class FixRequest:
    """A fix not yet made: `prodlint.fixes` turns it into edits when a fix is asked for.

    `kind` names the rewriting (see `prodlint.fixes.KINDS`), `arguments` are its parameters in a fixed order.
    """

    kind: str
    description: str
    safe: bool
    arguments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands at `span` of `path` with `text`."""

    path: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A recipe made real."""

    description: str
    safe: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that would hurt in production. Frozen and whole when made; sorted by place, then code.

    path: from the project's root, forward slashes. symbol: dotted enclosing classes and functions, or "".
    content: what the fingerprint is bound to (the matched line without its indentation; for secrets a digest).
    place: where a person finds it when the line number is not enough ("cell 3, line 4" of a notebook), or "".
    secrets: spans in this file whose text no output may show.
    """

    path: str
    span: Span
    code: str
    message: str
    priority: Priority
    related: tuple[Related, ...] = ()
    symbol: str = ""
    content: str = ""
    place: str = ""
    fix: FixRequest | None = None
    secrets: tuple[Span, ...] = ()

    @property
    def order(self) -> tuple[str, Span, str, str]:
        """The key that sorts findings the same way in every output."""
        return (self.path, self.span, self.code, self.message)


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A place that shows a rule to be satisfied."""

    code: str
    path: str
    span: Span
    words: str


@dataclass(frozen=True, slots=True, order=True)
class Unchecked:
    """A file (or part of one) that was asked for and not analysed. line and column are 0 where no place is known.

    analysed: whether rules still saw what could be read (a template, a file with one broken statement).
    """

    path: str
    why: str
    line: int = 0
    column: int = 0
    analysed: bool = False


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that an inline comment, the baseline or a table of the settings took away, with the reason given for it."""

    finding: Finding
    kind: Literal["inline", "baseline", "settings"]
    reason: str


@dataclass(slots=True)
class Report:
    """What one run says. looked_at: by code, how many files a rule looks at: of its kinds, where it is on and speaks (0: it does not apply).
    generated: how many of the files a program wrote; few rules look into them. secrets: by path, the places whose text no output may
    show, whether or not a finding speaks of them. copies: the findings that one of the list stands for, where a run puts those together
    that say the same."""

    root: str
    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    generated: int = 0
    secrets: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    copies: dict[Finding, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def checked(self) -> int:
        """How many files were analysed."""
        return len(self.files) - len({u.path for u in self.unchecked if not u.analysed} & set(self.files))


@dataclass(frozen=True, slots=True)
class Example:
    """A bad or good example on a page: one small tree of files."""

    title: str
    files: tuple[tuple[str, str], ...]
    line: int
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its page says it. Code, family and name come from the page's path.

    also: other tools' codes for the same mistake, as `tool:CODE`. covered_by: tools after which this rule says little that is new.
    supersedes: codes of rules that are silent where this one speaks. stage: "release" where the mistake may wait until then.
    items: ids of the checklist items that it serves. grouped: words; findings with the same message that holds one of them are one of the report, wherever they stand.
    habit: the same within one file, from four of them on. widespread: words of messages that tell of a habit of the whole project: from three
    on in two files they are one. once: words of messages that are one finding of a report; beside: words of those of them that are said only
    beside another. Neither holds where the rule was selected. wider: options that are true where it was. only_with: an option, and words of the
    messages that are said only where it is true. quiet_in: roles of files in which it is told only with its option `everywhere`.
    since: the dated set of rules with which it came, "" for the first.
    changes: what changed with later sets, as (set, words, default before or None, priority before or "").
    helps: what to do about a variant of the mistake, as (words of its message, help).
    """

    code: str
    name: str
    family: str
    title: str
    priority: Priority
    category: str
    path: str
    default: bool = True
    fix: Literal["safe", "unsafe", "none"] = "none"
    message: str = ""
    why: str = ""
    how: str = ""
    page: str = ""
    cwe: tuple[int, ...] = ()
    owasp: tuple[str, ...] = ()
    precision: Literal["very-high", "high", "medium", "low"] = "high"
    security_severity: str = ""
    not_in: frozenset[str] = frozenset()
    lower_in: frozenset[str] = frozenset()
    quiet_in: frozenset[str] = frozenset()
    grouped: tuple[str, ...] = ()
    habit: bool = False
    widespread: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    only_with: tuple[tuple[str, tuple[str, ...]], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    match: tuple[Any, ...] = ()
    project: Any = None
    also: tuple[str, ...] = ()
    covered_by: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    stage: Literal["", "release"] = ""
    items: tuple[str, ...] = ()
    since: str = ""
    changes: tuple[tuple[str, str, bool | None, str], ...] = ()
    helps: tuple[tuple[str, str], ...] = ()
    bad: tuple[Example, ...] = ()
    good: tuple[Example, ...] = ()
