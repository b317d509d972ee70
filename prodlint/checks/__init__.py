"""Checks: functions that take one fact and yield the places where a rule is broken.

A check knows nothing of settings, suppression or output. It is registered under its rule's code together with the
facts it wants and its required literals: literal strings (ASCII, matched without regard to case) without which it cannot fire.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from prodlint.facts import (
    Call,
    Command,
    Comment,
    Document,
    Entry,
    Fact,
    File,
    Instruction,
    Literal,
    Setting,
    Source,
    Text,
)
from prodlint.model import Evidence, FixRequest, Priority, Related, Span

if TYPE_CHECKING:
    from prodlint.facts import Module
    from prodlint.project.environment import Environment
    from prodlint.project.ignored import Ignores
    from prodlint.project.questions import Questions
    from prodlint.values.evaluate import Values

FAMILIES = (
    "tool",
    "secrets",
    "errors",
    "placeholders",
    "web",
    "resilience",
    "configuration",
    "observability",
    "deployment",
    "delivery",
)


class Ranged(Protocol):
    """Anything that has a place in a file."""

    @property
    def source(self) -> Source: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A place given by byte offsets."""

    source: Source
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A place where a rule is broken, and the words for it.

    priority: another one than the page's, where this variant deserves it. secret: the text at this place must appear
    in no output; secrets: further byte ranges of the same file with that need. symbol: overrides the scope's. only_with: an
    option of the rule without which it is not told; its secrets are covered all the same.
    """

    at: Ranged
    message: str
    priority: Priority | None = None
    related: tuple[Related, ...] = ()
    fix: FixRequest | None = None
    secret: bool = False
    secrets: tuple[tuple[int, int], ...] = ()
    symbol: str | None = None
    only_with: str = ""


@dataclass(slots=True)
class CheckContext:
    """What a check may ask besides its fact: the code it runs under, the rule's options, the project, the file. Nothing else is read."""

    code: str
    options: Mapping[str, Any]
    environment: Questions
    file: File

    def values(self, module: Module) -> Values:
        """What the expressions of a file can be; one evaluator a file, whichever rules ask."""
        from prodlint.values.expressions import evaluator

        module.derived.setdefault("others", lambda: self.environment.python_files)
        return evaluator(module)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A kind of fact that a check wants, narrowed to names where the kind has them."""

    fact: type[Fact]
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def calls(*names: str) -> Subscription:
    """Calls by qualified name: "httpx.get", "requests.*" (anything below), "*.execute" (a method on anything)."""
    return Subscription(Call, names)


def commands(*programs: str) -> Subscription:
    """Commands by program; none named means all."""
    return Subscription(Command, programs)


def settings(*names: str) -> Subscription:
    """Settings by NAME (without regard to case; `*` allowed at either end); none named means all."""
    return Subscription(Setting, names)


def entries(kind: str, *paths: str) -> Subscription:
    """Entries of documents of a kind, or of files in a syntax (`toml`), under dotted paths; `*` stands for one part, `**` for any number."""
    return Subscription(Entry, paths, (kind,))


def documents(*kinds: str) -> Subscription:
    """Whole documents of these kinds; none named means all."""
    return Subscription(Document, (), kinds)


def instructions(*keywords: str) -> Subscription:
    """Dockerfile instructions by keyword."""
    return Subscription(Instruction, keywords)


def comments() -> Subscription:
    """Comments of every kind of file."""
    return Subscription(Comment)


def literals() -> Subscription:
    """Text and bytes literals of Python."""
    return Subscription(Literal)


def text() -> Subscription:
    """The file as text, with the required literals' hits."""
    return Subscription(Text)


def every(fact: type[Fact]) -> Subscription:
    """Every fact of a type."""
    return Subscription(fact)


RequiredLiterals = Sequence[str | tuple[str, ...]] | None
CheckFunction = Callable[[Any, CheckContext], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check. required literals: alternatives; each is one literal or several that must all stand in the file;
    None means the file is always read. Empty: derived from the subscriptions' names. files: reader kinds it looks at, () all.
    They are looked for word by word (see `prodlint.engine.prefilter.words_of`), so that no layout of the same file hides them;
    verbatim: each stands inside of one string, so nothing can part it. required_pattern: instead of literals, a regular expression
    over the file's bytes, of linear time, for what has no words of its own; facts are made where it begins.
    since: the dated set of rules with which it came; who names an earlier one does not have it. random_in: roles of files in which
    the check speaks of machine-made values alone: those without any are not read for it (see `prodlint.values.random_text`).
    """

    code: str
    function: CheckFunction
    on: tuple[Subscription, ...]
    required_literals: tuple[tuple[str, ...], ...] | None
    files: tuple[str, ...]
    verbatim: bool = False
    required_pattern: bytes = b""
    since: str = ""
    random_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectFact:
    """A small thing one file says, kept for the project pass: picklable, no sources.

    topic: what it is about ("route", "env-read", ...). words: its text. data: further values by name.
    """

    topic: str
    path: str
    span: Span
    words: str = ""
    data: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A further value, or nothing."""
        return dict(self.data).get(name, "")


def project_fact(topic: str, at: Fact, words: str = "", **data: str) -> ProjectFact:
    """A project fact of a fact."""
    return ProjectFact(topic, at.file.path, at.span, words, tuple(sorted(data.items())))


@dataclass(frozen=True, slots=True)
class Collector:
    """A function that takes facts of one file and yields the project facts project checks ask for."""

    topics: tuple[str, ...]
    function: Callable[[Any, CheckContext], Iterable[ProjectFact]]
    on: tuple[Subscription, ...]
    required_literals: tuple[tuple[str, ...], ...] | None
    files: tuple[str, ...]
    not_in: frozenset[str] = frozenset({"vendored", "generated"})
    verbatim: bool = False
    required_pattern: bytes = b""


@dataclass(slots=True)
class Project:
    """What a project check sees: every file's path, kind and roles; the project facts by topic; the environment.

    changed: what fixes make of files that are not written yet.
    """

    root: str
    files: Sequence[File]
    traces: Mapping[str, Sequence[ProjectFact]]
    environment: Environment
    evidence: list[Evidence] = field(default_factory=list)
    changed: Mapping[str, bytes] = field(default_factory=dict)

    def about(self, topic: str) -> Sequence[ProjectFact]:
        """The project facts of a topic, in order of path and place."""
        return self.traces.get(topic, ())

    def named(self, *names: str) -> list[File]:
        """Files with one of these base names."""
        return [file for file in self.files if file.name in names]

    def read(self, path: str) -> bytes | None:
        """The bytes of a project file, or None where it cannot be read. At most 1 MiB."""
        if path in self.changed:
            return self.changed[path][: 1 << 20]
        place = os.path.join(self.root, path)
        try:
            return self.environment.snapshot.document(place, 1 << 20).raw[: 1 << 20]
        except (OSError, ValueError):
            return None

    def service_place(self) -> tuple[str, Span] | None:
        """Where it shows that this is a service: an existing file to hold a finding about the whole repository."""
        started = self.environment.service
        if started is not None:
            return started.path, started.span
        for name in ("manage.py", "pyproject.toml", "requirements.txt"):
            named = sorted(self.named(name), key=lambda file: (file.path.count("/"), file.path))
            if named:
                return named[0].path, Span(1, 1, 1, 1)
        return None

    def tracked(self, paths: Iterable[str]) -> frozenset[str] | None:
        """Which of these paths git tracks; None where that cannot be told."""
        from prodlint.project.git import tracked_files

        return tracked_files(self.root, paths)

    @property
    def ignores(self) -> Ignores:
        """What the project's `.gitignore` files say, and those above it."""
        from prodlint.project.ignored import Ignores

        return Ignores(self.root, self.read)

    def exists(self, path: str) -> bool:
        """Whether there is such a file, of a kind that rules read or not; a path that ends in a slash is a folder that holds something."""
        return self.environment.snapshot.exists(path)

    def names_in(self, folder: str) -> Iterator[str]:
        """What a folder holds, of whatever kind, in order."""
        return self.environment.snapshot.names_in(folder)

    def all_paths(self) -> tuple[str, ...]:
        """Every path of the tree, of whatever kind, up to a limit."""
        return self.environment.snapshot.all_paths()


@dataclass(frozen=True, slots=True)
class ProjectDiagnostic:
    """A finding of a project check: anchored to an existing file. secrets: places in it that no output may show."""

    path: str
    span: Span
    message: str
    priority: Priority | None = None
    related: tuple[Related, ...] = ()
    fix: FixRequest | None = None
    secrets: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectCheck:
    """A registered project check: topics it needs from the collectors."""

    code: str
    function: Callable[[Project, Mapping[str, Any]], Iterable[ProjectDiagnostic | Evidence]]
    topics: tuple[str, ...]


CHECKS: list[Check] = []
COLLECTORS: list[Collector] = []
PROJECT_CHECKS: list[ProjectCheck] = []

_C = TypeVar("_C", bound=Callable[..., Any])


def _alternatives(required_literals: RequiredLiterals) -> tuple[tuple[str, ...], ...] | None:
    if required_literals is None:
        return None
    return tuple((a,) if isinstance(a, str) else tuple(a) for a in required_literals)


def check(
    *codes: str,
    on: Sequence[Subscription],
    required_literals: RequiredLiterals = (),
    files: Sequence[str] = (),
    verbatim: bool = False,
    required_pattern: bytes = b"",
    since: str = "",
    random_in: Iterable[str] = (),
) -> Callable[[_C], _C]:
    """Register a check under its code (or one function under several codes: it is called once for each).

    since: the set of rules with which it came, for what a rule sees from then on; its page says so in a `[[change]]`.
    """

    def register(function: _C) -> _C:
        for code in codes:
            alternatives = _alternatives(required_literals)
            roles = tuple(sorted(random_in))
            CHECKS.append(Check(code, function, tuple(on), alternatives, tuple(files), verbatim, required_pattern, since, roles))
        return function

    return register


def collect(
    *topics: str,
    on: Sequence[Subscription],
    required_literals: RequiredLiterals = (),
    files: Sequence[str] = (),
    not_in: Iterable[str] = (),
    verbatim: bool = False,
    required_pattern: bytes = b"",
) -> Callable[[_C], _C]:
    """Register a collector of project facts; what it requires as for checks. not_in: roles of files that have none for it."""
    roles = frozenset({"vendored", "generated", *not_in})

    def register(function: _C) -> _C:
        alternatives = _alternatives(required_literals)
        COLLECTORS.append(Collector(topics, function, tuple(on), alternatives, tuple(files), roles, verbatim, required_pattern))
        return function

    return register


def project_check(code: str, topics: Sequence[str] = ()) -> Callable[[_C], _C]:
    """Register a check over the whole project: yields ProjectDiagnostic, and Evidence where the rule is satisfied."""

    def register(function: _C) -> _C:
        PROJECT_CHECKS.append(ProjectCheck(code, function, tuple(topics)))
        return function

    return register


def load(families: Iterable[str] = FAMILIES) -> None:
    """Import the families' modules, which register themselves; all of them where a project check needs another family's project facts."""
    import importlib
    import importlib.util
    import pkgutil

    for family in families:
        if family in FAMILIES and importlib.util.find_spec(f"prodlint.checks.{family}") is not None:
            package = importlib.import_module(f"prodlint.checks.{family}")
            for module in sorted(found.name for found in pkgutil.iter_modules(package.__path__)):
                importlib.import_module(f"prodlint.checks.{family}.{module}")
    collected = {topic for collector in COLLECTORS for topic in collector.topics}
    if set(families) != set(FAMILIES) and any(set(check.topics) - collected for check in PROJECT_CHECKS):
        load()


def required_literals_of(subscriptions: Iterable[Subscription]) -> Iterator[tuple[str, ...]]:
    """The required literals that follow from the subscriptions' names: every part of a dotted name must stand in the file."""
    for subscription in subscriptions:
        for name in subscription.names:
            parts = tuple(sorted({part for part in name.replace("-", ".").split(".") if part.strip("*")}))
            if parts:
                yield tuple(part.strip("*").lower() for part in parts)
