"""One run, from paths to a Report: what `check`, `baseline`, `report` and the tests share."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from prodlint.checks import Collector
from prodlint.configuration.discover import Discovered, discover, may_be_absent
from prodlint.configuration.root import is_project, project_root
from prodlint.configuration.settings import NestedSettings, Settings, SettingsByPath, is_single, load, unmatched_patterns
from prodlint.content import digest
from prodlint.engine import analysis, compiled, workers
from prodlint.engine.grouping import grouped
from prodlint.engine.outcome import ASKED, CONTENT, CRASHED, KIND, UNCHECKED, Outcome, unpack
from prodlint.engine.run import Run, build, looked_at
from prodlint.facts import File, FileKind, Source
from prodlint.model import Finding, Report, Rule, Unchecked
from prodlint.project import environment
from prodlint.project.questions import Questions
from prodlint.project.snapshot import Document, Snapshot, digest_of
from prodlint.readers import Undecodable
from prodlint.regular import Reader, beginning

if TYPE_CHECKING:
    from prodlint.baseline import Baseline
    from prodlint.since import Compared


@dataclass(slots=True)
class Request:
    """What a run was asked for.

    finish: lays the command line's choices over settings that were read. cache: whether results of the last run may be used.
    since: a git revision; only what came after it is reported. baseline: whether the baseline takes known findings away.
    collectors: what else to note of the files; their project facts are in the outcomes. The cache knows nothing of them.
    grouped: whether findings that say the same are one, where their rule wants it; who writes findings down needs each of them.
    unsaved: texts that win over the disk, by absolute path. analysed: gives the packed outcome of every file, in order, where somebody else has
    looked at them (see `prodlint.fleet.scan`). world: what an earlier run learned of the project, where that still holds.
    made: what earlier runs have made of the rules for some settings, each with the root and the settings' directory below it; this run adds to it.
    """

    paths: Sequence[str] = (".",)
    config: Sequence[str] = ()
    isolated: bool = False
    no_local: bool = False
    finish: Callable[[Settings], Settings] = lambda settings: settings
    stdin_filename: str | None = None
    stdin: bytes | None = None
    exhaustive: bool = False
    jobs: int = 0
    today: str = ""
    root: str | None = None
    cache: bool = False
    since: str = ""
    baseline: bool = True
    progress: Callable[[int, int], None] | None = None
    collectors: Sequence[Collector] = ()
    grouped: bool = True
    unsaved: Mapping[str, bytes] = field(default_factory=dict)
    analysed: Callable[[Sequence[workers.Job], Sequence[Run]], Iterator[tuple[Any, ...]]] | None = None
    world: environment.Environment | None = None
    made: list[tuple[Settings, str, str, Run]] | None = None


@dataclass(slots=True)
class Result:
    """What a run gave. crashed: a check or reader failed: a bug in prodlint. run_of: what holds for a file.

    stale, grown: what is wrong with a baseline that may only shrink. compared: with `since`, what is new, old and gone.
    """

    report: Report
    rules: list[Rule]
    settings: Settings
    discovered: Discovered
    run_of: Callable[[str], Run]
    outcomes: list[Outcome] = field(default_factory=list)
    crashed: bool = False
    warn_only: frozenset[str] = frozenset()
    stale: list[str] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    earlier_baseline: Baseline | None = None
    compared: Compared | None = None
    given: Mapping[str, bytes] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=Snapshot)
    world: environment.Environment | None = None
    kinds: dict[str, FileKind] = field(init=False)
    _places: dict[str, tuple[str, bytes]] = field(init=False)

    def __post_init__(self) -> None:
        contents = {outcome.path: outcome.content for outcome in self.outcomes}
        self.kinds = {path: kind for path, _, kind in self.discovered.files}
        self._places = {path: (absolute, contents.get(path, b"")) for path, absolute, _ in self.discovered.files}

    def source(self, path: str) -> Source | None:
        """A file's text as it was analysed, for excerpts; None where there is none, or where the file has changed meanwhile."""
        document = self.document(path)
        try:
            return document.source(self.kinds.get(path, "text")) if document is not None else None
        except Undecodable as error:
            return error.source
        except ValueError:
            return None

    def document(self, path: str) -> Document | None:
        """A file's bytes as they were analysed; None where there are none, or where the file has changed meanwhile."""
        absolute, content = self._places.get(path) or (os.path.join(self.report.root, path), b"")
        try:
            document = self.snapshot.document(absolute)
        except (OSError, ValueError):
            return None
        return document if not content or digest_of(document.raw) == content else None

    def symbols(self, path: str) -> frozenset[str]:
        """The functions and classes of a Python file, by their dotted names."""
        source = self.source(path)
        if source is None or self.kinds.get(path) != "python":
            return frozenset()
        from prodlint.python.tree import module_of

        module = module_of(source)
        named = [(each.scope.symbol, each.name) for each in module.functions()] + [
            (each.scope.symbol, each.name) for each in module.classes()
        ]
        return frozenset(".".join(filter(None, names)) for names in named)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    rules: tuple[Rule, ...]
    checks: tuple[Any, ...]
    collectors: tuple[Any, ...]
    project_checks: tuple[Any, ...]
    key: str


def catalogue_of(settings: Settings) -> _Catalogue:
    """prodlint's own rules, those of installed plug-ins, and those of the folders that the settings name.

    Raises PageError.
    """
    own = compiled.load(settings.project_root or settings.root)
    rules = {rule.code: rule for rule in own.rules}
    checks, collectors, project_checks, key = own.checks, own.collectors, own.project_checks, own.key
    if settings.plugins and own.plugins:
        from prodlint.engine import plugins

        brought = plugins.load(own.plugins)
        for rule in brought.rules:
            rules.setdefault(rule.code, rule)
        checks += brought.checks
        collectors += brought.collectors
        project_checks += brought.project_checks
        key += brought.key
    for folder in settings.extend_rules:
        from prodlint.engine import catalogue, project_match

        path = folder if os.path.isabs(folder) else os.path.join(settings.root, folder)
        if not os.path.isdir(path):
            raise catalogue.PageError(path, 0, "no such folder of rules")
        pages = catalogue.load(path)
        for rule in pages:
            if rule.code in rules:
                raise catalogue.PageError(rule.path, 1, f"`{rule.code}` is taken by {rules[rule.code].path}")
            rules[rule.code] = rule
            key += digest(rule.page.encode("utf-8", "surrogatepass"))
        checks += tuple(catalogue.checks_of(pages))
        collectors += tuple(project_match.collectors_of(pages))
        project_checks += tuple(project_match.project_checks_of(pages))
    return _Catalogue(tuple(rules[code] for code in sorted(rules)), checks, collectors, project_checks, key)


def run(request: Request) -> Result:
    """Do it.

    Raises SettingsError and PageError for what the user has to put right.
    """
    began = time.perf_counter()
    result = _run(request)
    old = _old_ones(request, result) if request.since else frozenset()
    seen = len(result.report.suppressed)
    # Every finding is held against them, old ones too: an entry whose finding is merely old is not one that occurs no more.
    _apply_foreign_lists(result)
    _apply_entry_ignores(request, result)
    _apply_baseline(request, result)
    if old:
        suppressed = result.report.suppressed
        result.report.findings = [finding for finding in result.report.findings if id(finding) not in old]
        result.report.suppressed = [*suppressed[:seen], *(one for one in suppressed[seen:] if id(one.finding) not in old)]
    if request.grouped:
        result.report.findings, result.report.copies = grouped(result.report.findings, result.rules, result.run_of("").selected)
    result.report.seconds = time.perf_counter() - began
    return result


# Notes of one kind that a report shows.
_MOST_TOLD = 10


def read_settings(request: Request, read: Reader = beginning) -> tuple[Settings, str]:
    """The settings that hold at the project's root or the only path given, and that root. read: opens files."""
    named = [request.stdin_filename or "stdin.py" if path == "-" else path for path in request.paths]
    root = os.path.abspath(request.root or project_root(named))
    start = named[0] if len(named) == 1 and os.path.isdir(named[0]) else root
    settings = load(start, request.config, isolated=request.isolated, no_local=request.no_local, root=root, read=read)
    return request.finish(settings), root


def find_files(request: Request, settings: Settings, root: str, read: Reader = beginning) -> Discovered:
    """The files that a run looks at. read: opens files."""
    single = is_single(request.config, request.isolated, request.no_local)
    nearest = None if single else NestedSettings(request.finish, read)
    return discover(
        request.paths, settings, root=root, stdin_filename=request.stdin_filename, nearest=nearest, read=read, progress=request.progress
    )


# More files than this go to several processes.
_MANY = 100


def _files_of(root: str, settings: Settings, read: Reader) -> list[tuple[str, str, FileKind]]:
    return discover([root], settings, root=root, read=read).files


def _made_before(request: Request, settings: Settings, root: str, below: str) -> Run | None:
    """What an earlier run of the same project has made of the rules for these settings."""
    wanted = (settings, root, below)
    return next((run for *known, run in request.made or () if tuple(known) == wanted), None)


def _run(request: Request) -> Result:
    snapshot = request.world.snapshot if request.world is not None else Snapshot()
    # A server's snapshot outlives its runs: settings and ignore files may be others by now.
    read = snapshot.beginning if request.world is None else beginning
    settings, root = read_settings(request, read)
    discovered = find_files(request, settings, root, read)
    snapshot.root = discovered.root
    files = discovered.files
    beyond = None if discovered.whole or not is_project(discovered.root) else partial(_files_of, discovered.root, settings, read)
    given: dict[str, bytes] = {}
    if "-" in request.paths:
        raw = request.stdin if request.stdin is not None else sys.stdin.buffer.read()
        given = {path: raw for path, absolute, _ in files if absolute == "-"}
        snapshot.renew("-", raw)
    world = request.world or environment.read(discovered.root, files, beyond, snapshot)
    for absolute, raw in request.unsaved.items():
        if request.world is not None:
            world.renew(absolute, raw)
        else:
            snapshot.renew(absolute, raw)
    for _, absolute, _ in files if request.world is not None else ():
        if absolute not in request.unsaved and absolute != "-":
            world.renew(absolute)
    if len(files) > _MANY:
        _ = world.files  # once, and not in every worker
    realms = SettingsByPath(settings, discovered.settings)
    runs: list[Run] = []
    numbers: dict[int, int] = {}

    def number_of(path: str) -> int:
        own = realms.of(path)
        number = numbers.get(id(own))
        if number is None:
            number = numbers[id(own)] = len(runs)
            below = os.path.relpath(own.root or root, root).replace(os.sep, "/")
            below = "" if below == "." else below + "/"
            made = _made_before(request, own, root, below)
            if made is None:
                made = build(
                    own,
                    catalogue_of(own),
                    world,
                    below=below,
                    exhaustive=request.exhaustive,
                    today=request.today,
                    root=root,
                    collectors=request.collectors,
                )
                if request.made is not None:
                    request.made.append((own, root, below, made))
            runs.append(replace(made, settings=own, environment=world, questions=Questions(world)) if request.made is not None else made)
        return number

    top = number_of("")
    jobs = [(path, absolute, kind, number_of(path)) for path, absolute, kind in files]
    if request.analysed is not None:
        packed = request.analysed(jobs, runs)
    else:
        packed = _cached(jobs, runs, request, root) if request.cache and not given else _fresh(jobs, runs, request)
    outcomes = [unpack(row) for row in packed]
    report = _report(discovered, outcomes)
    report.looked_at = looked_at(outcomes, lambda path: runs[number_of(path)])
    result = Result(
        report,
        list(runs[top].rules.values()),
        settings,
        discovered,
        lambda path: runs[number_of(path)],
        outcomes,
        given=given,
        snapshot=snapshot,
        world=world,
    )
    result.warn_only = frozenset().union(*(each.switches.warn_only for each in runs))
    if discovered.whole:
        _check_project(result, runs[top])
    if sum(bool(finding.secrets) for finding in report.findings) > 1:
        from prodlint.engine import same_secret

        report.findings = same_secret.link(report.findings, result.source)
    report.findings.sort(key=lambda finding: finding.order)
    report.evidence.sort()
    report.unchecked.sort()
    report.notes.extend(f"`{path}` was named and is left out: {why}" for path, why in discovered.excluded)
    if not discovered.excluded or discovered.whole:
        # Nothing was looked at, which must not read like praise. (Hooks name excluded files as a matter of course.)
        if not files:
            report.unchecked.append(Unchecked(".", "no file to check was found"))
        elif not runs[top].rules:
            report.unchecked.append(Unchecked(".", "no rule is on"))
    if discovered.whole:
        report.notes.extend(unmatched_patterns(settings, [path for path, _, _ in files], discovered.left_out, partial(may_be_absent, root)))
    result.crashed = any(outcome.crashed for outcome in outcomes)
    return result


def _fresh(jobs: Sequence[workers.Job], runs: Sequence[Run], request: Request) -> Iterator[tuple[Any, ...]]:
    if len(jobs) > _MANY and runs:
        _ = runs[0].environment.started  # nearly every run asks; once, and not in every worker
    if request.progress is not None:
        request.progress(0, len(jobs))
    for done, row in enumerate(workers.spread(jobs, runs, request.jobs or analysis.processors()), 1):
        if request.progress is not None:
            request.progress(done, len(jobs))
        yield row


def _cached(jobs: Sequence[workers.Job], runs: Sequence[Run], request: Request, root: str) -> Iterator[tuple[Any, ...]]:
    """What the last run said of files that are the same, and a fresh look at the others, in order.

    A file's result depends on its bytes, the settings, the rules, the day, and the answers to what its checks asked of the project. Files of
    which a text is not saved are looked at anew, and nothing is kept of that. Where the run is given up, what was looked at until then is kept.
    """
    from prodlint.engine import cache

    keys = [f"{each.settings.digest()} {catalogue_of(each.settings).key}" for each in runs]
    directory = os.path.join(runs[0].settings.root or root, runs[0].settings.cache_dir)
    today = request.today or time.strftime("%Y-%m-%d")
    store = cache.open_cache(
        directory, cache.digest(f"{keys[0]} {today} {request.exhaustive} {root}".encode("utf-8", "surrogateescape")), root
    )
    if store is None:
        yield from _fresh(jobs, runs, request)
        return
    environment, snapshot = runs[0].environment, runs[0].environment.snapshot
    inputs = environment.digest()
    if store.inputs == inputs:
        environment.recall(store.answers)
    known: dict[str, tuple[Any, ...]] = {}
    stamps: dict[str, Any] = {}
    contents: dict[str, bytes] = {}
    names = [digest(key.encode("utf-8", "surrogateescape")) for key in keys]
    for path, absolute, _, number in jobs:
        if absolute in request.unsaved:
            continue
        try:
            stamps[path] = seen = cache.stamp(os.stat(absolute))
        except OSError:
            continue
        row = store.get(path, seen, names[number])
        if row is None and path in store:
            row = store.get_same(path, seen, cache.digest(snapshot.read(absolute)), names[number])
        if row is not None:
            known[path] = row
            contents[path] = row[CONTENT]
    if known:
        environment.python_files.contents = contents
        for path, row in list(known.items()):
            if not all(environment.is_answered_as(*asked) for asked in row[ASKED]):
                del known[path]
    for run in runs:
        run.sound = store.sound
    fresh = _fresh([job for job in jobs if job[0] not in known], runs, request)
    try:
        for path, absolute, _, number in jobs:
            row = known.get(path)
            if row is None:
                row = next(fresh)
                # What could not be read, or what a bug spoilt, is looked at again. (The last of `unchecked` says: in part.)
                whole = not row[CRASHED] and all(unchecked[-1] for unchecked in row[UNCHECKED])
                if row[KIND] == "python" and row[CONTENT] and not row[UNCHECKED]:
                    store.note_sound(row[CONTENT])
                if whole and row[CONTENT] and path in stamps and stamps[path] == _stamp(absolute):
                    store.put(path, stamps[path], row[CONTENT], row, names[number])
            yield row
        store.note(inputs, environment.answers)
    finally:
        store.save()


def _stamp(absolute: str) -> Any:
    """What tells that a file is the same as it was; None where there is none any more."""
    from prodlint.engine import cache

    try:
        return cache.stamp(os.stat(absolute))
    except OSError:
        return None


def _check_project(result: Result, run: Run) -> None:
    findings, evidence, unchecked = analysis.check_project(result.report.root, result.outcomes, run)
    files = {outcome.path: File(outcome.path, outcome.kind, outcome.roles) for outcome in result.outcomes}
    from prodlint.engine import ignoring

    kept, suppressed = ignoring.of_project(findings, run, result.source, files)
    result.report.findings.extend(kept)
    result.report.suppressed.extend(suppressed)
    result.report.evidence.extend(evidence)
    result.report.unchecked.extend(unchecked)


def _report(discovered: Discovered, outcomes: Sequence[Outcome]) -> Report:
    report = Report(discovered.root, unchecked=list(discovered.unchecked), files=[outcome.path for outcome in outcomes])
    for outcome in outcomes:
        report.generated += "generated" in outcome.roles
        report.findings.extend(outcome.findings)
        report.suppressed.extend(outcome.suppressed)
        report.unchecked.extend(outcome.unchecked)
        if outcome.secrets:
            report.secrets[outcome.path] = tuple(outcome.secrets)
    return report


def _old_ones(request: Request, result: Result) -> frozenset[int]:
    """What was there before the change, in the tree where it began: the findings by `id`."""
    from prodlint import since

    root, findings = result.report.root, result.report.findings
    before: list[Finding] = []
    with since.opened(root, request.since) as git:
        change = since.change_since(git, root, request.since, [finding.path for finding in findings])
        with since.base_tree(git, change) as tree:
            paths = since.earlier_paths(change, tree, request.paths)
            if paths:
                config = list(request.config) or list(result.settings.sources[:1])
                earlier = replace(request, paths=paths, root=tree, since="", cache=False, progress=None, config=config)
                before = _run(earlier).report.findings
            _keep_earlier_baseline(request, result, tree)
    if change.note:
        result.report.notes.append(change.note)
    result.compared = since.compared(change, findings, before, result.symbols)
    return frozenset(map(id, result.compared.old))


def _keep_earlier_baseline(request: Request, result: Result, tree: str) -> None:
    """What the baseline held where the change began, for those who want it to shrink only."""
    path = baseline_path(result.settings, result.report.root) if request.baseline and result.settings.strict_baseline else ""
    earlier = os.path.join(tree, os.path.relpath(path, result.report.root)) if path else ""
    if earlier and os.path.isfile(earlier):
        from prodlint import baseline

        result.earlier_baseline = baseline.read(earlier)


def baseline_path(settings: Settings, root: str) -> str:
    """Where the settings say the baseline is; "" where they name none."""
    return os.path.join(settings.root or root, settings.baseline) if settings.baseline else ""


def baseline_to_write(settings: Settings, root: str) -> str:
    """The same, and where it is written where they name none."""
    from prodlint import baseline

    return baseline_path(settings, root) or os.path.join(root, baseline.DEFAULT)


def _apply_foreign_lists(result: Result) -> None:
    """Take away what the lists of other tools know, where the settings say to obey these tools."""
    settings = result.settings
    if not settings.honor or not settings.inline_ignores:
        return
    from prodlint import foreign, suppress
    from prodlint.checks.tool import DIRECTIVE

    report = result.report
    lists, notes = foreign.read_lists(report.root, settings.honor)
    report.notes.extend(notes)
    if not lists:
        return

    def may_be_ignored(finding: Finding) -> bool:
        return finding.code not in result.run_of(finding.path).switches.unsuppressible

    secrets = result.run_of("").foreign.secrets
    report.findings, suppressed = foreign.take_listed(report.findings, lists, secrets, result.source, may_be_ignored)
    report.suppressed.extend(suppressed)
    if settings.require_reason and any(rule.code == DIRECTIVE for rule in result.rules):
        report.findings.extend(suppress.unreasoned(listed.path, listed.unreasoned) for listed in lists if listed.unreasoned)
        report.findings.sort(key=lambda finding: finding.order)


def _apply_entry_ignores(request: Request, result: Result) -> None:
    """Take away what the settings ignore at paths of keys."""
    if not result.settings.ignore_entries and not any(own.ignore_entries for own in result.discovered.settings.values()):
        return
    from prodlint import entry_ignores
    from prodlint.configuration.patterns import below

    report = result.report
    made: dict[int, list[entry_ignores.EntryIgnore]] = {}

    def ignores_of(path: str) -> list[entry_ignores.EntryIgnore]:
        run = result.run_of(path)
        known = made.get(id(run))
        if known is None:
            tables = run.settings.ignore_entries if run.settings.inline_ignores else ()
            known = made[id(run)] = entry_ignores.read(tables, below(report.root, run.settings.root), run.switches.resolve)
        return known

    today = request.today or time.strftime("%Y-%m-%d")
    report.findings, suppressed = entry_ignores.take(
        report.findings,
        ignores_of,
        today,
        result.source,
        lambda path: result.kinds.get(path, "text"),
        lambda finding: finding.code not in result.run_of(finding.path).switches.unsuppressible,
    )
    report.suppressed.extend(suppressed)
    if result.discovered.whole and not request.since:
        for path in ("", *(f"{directory}/x" for directory in result.discovered.settings)):
            ignores_of(path)
        report.notes.extend(note for ignores in made.values() for note in entry_ignores.notes(ignores, today))


def _apply_baseline(request: Request, result: Result) -> None:
    path = baseline_path(result.settings, result.report.root) if request.baseline else ""
    if not path:
        return
    from prodlint import baseline

    report = result.report
    known = baseline.read(path)
    applied = baseline.apply(
        known,
        report.findings,
        root=report.root,
        checked=report.files,
        selected=[rule.code for rule in result.rules],
        whole=result.discovered.whole,
        sources=result.source,
        symbols_of=result.symbols,
    )
    if known.version < baseline.CURRENT:
        report.notes.append(f"{os.path.relpath(path)} is of an earlier form; `prodlint baseline` writes it anew")
    report.findings = applied.kept
    report.findings.sort(key=lambda finding: finding.order)
    report.suppressed.extend(applied.suppressed)
    result.stale = [
        f"{entry.path}: {entry.code}{f' in {entry.symbol}' if entry.symbol else ''} is in the baseline and no longer occurs; `prodlint baseline --shrink` drops it"
        for entry in applied.stale
    ]
    if result.earlier_baseline is not None:
        result.grown = [
            f"{entry.path}: {entry.code}{f' in {entry.symbol}' if entry.symbol else ''} was added to the baseline, which may only shrink"
            for entry in sorted((known.entries - result.earlier_baseline.entries).elements())
        ]
    for told in (result.stale, result.grown):
        report.notes.extend(told[:_MOST_TOLD])
        if len(told) > _MOST_TOLD:
            report.notes.append(f"and {len(told) - _MOST_TOLD:,} more of these")
