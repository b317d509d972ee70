"""Files x (matches and checks) -> findings. One file is analysed by itself; a crash in a check stays inside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, Project, ProjectDiagnostic, ProjectFact
from prodlint.checks.quoting import quote
from prodlint.checks.tool import UNREADABLE_FILE
from prodlint.content import content_of, digest
from prodlint.engine.catalogue import rules_folder
from prodlint.engine.outcome import Outcome
from prodlint.engine.prefilter import NearWords, PrefilterResult, RegisteredCheck
from prodlint.engine.run import Run
from prodlint.facts import Comment, Fact, File, FileKind, Module, Problem, Source, Text
from prodlint.model import Evidence, Finding, Priority, Related, Rule, Span, Suppressed, Unchecked
from prodlint.project.snapshot import LARGEST_READ, Document, digest_of
from prodlint.readers import Undecodable, read
from prodlint.redact import NO_VALUES, KnownValues
from prodlint.regexes import GivenUp, Refused

# No source file that a person wrote is larger; what is, is scanned for vendor keys only.
LARGEST_PARSED = 8_000_000
# Kinds in which a NUL byte means "not text after all", and nothing is missed by not reading on.
PLAIN = frozenset(("text", "ignore", "sql"))
_LONGEST_WHY = 160


def analyse(path: str, absolute: str, kind: FileKind, run: Run, raw: bytes | None = None) -> Outcome:
    """Everything prodlint has to say about one file. Never raises.

    path: from the project's root. absolute: where it lies. raw: its bytes, where they are not those that the snapshot has.
    """
    outcome = Outcome(path, kind)
    try:
        document = run.environment.snapshot.document(absolute) if raw is None else Document(raw)
        if len(document.raw) > LARGEST_READ:
            outcome.unchecked.append(Unchecked(path, f"larger than {LARGEST_READ // 1_000_000} MB"))
            return outcome
        outcome.content = digest_of(document.raw)
        _analyse(path, kind, document, run, outcome)
        outcome.asked = run.questions.take(path)
        if raw is None:
            run.environment.snapshot.settle(absolute, document)
    except OSError as error:
        outcome.unchecked.append(Unchecked(path, (error.strerror or str(error)).lower()))
    except RecursionError:
        outcome.unchecked.append(Unchecked(path, "nested too deeply"))
    except MemoryError:
        outcome.unchecked.append(Unchecked(path, "not enough memory"))
    except Exception as error:  # a bug in a reader must not lose the other files' findings
        outcome.unchecked.append(Unchecked(path, f"prodlint failed: {type(error).__name__} in {where_raised(error)}"))
        outcome.crashed.append(where_raised(error))
    return outcome


def _analyse(path: str, kind: FileKind, document: Document, run: Run, outcome: Outcome) -> None:
    problems: list[tuple[str, str, Span]] = []
    try:
        source = document.source(kind)
    except Undecodable as error:
        if error.source is None:
            if kind not in PLAIN:
                outcome.unchecked.append(Unchecked(path, error.why, error.line, error.column))
            return
        source = error.source
        problems.append(("encoding", error.why, Span(error.line, error.column, error.line, error.column)))
    roles = run.roles(path, kind, source.data)
    if kind == "dockerfile" and path in run.questions.startup.development:
        roles = (roles - {"production"}) | {"dev"}
    outcome.roles = roles
    file = File(path, kind, roles)
    plan = run.index.plan(kind, roles)
    outside = run.questions.outside_names(path, source.data) if kind == "python" and len(source.data) <= LARGEST_PARSED else {}
    hits = run.index.scan(source.data, kind, plan, _words_of(outside, source.data))
    if hits.end < len(source.data):
        line, column = source.position(hits.end)
        outcome.unchecked.append(Unchecked(path, "too many places to look at: what follows here was not", line, column))
    selected = run.switches.on(path)
    active = _selected(run, hits.active, selected)
    if active & run.index.random_only(roles):
        from prodlint.values.random_text import holds_random_text

        if not holds_random_text(source.data):
            active &= ~run.index.random_only(roles)
    directed = hits.directives and _may_direct(source.data, run)
    parsed: list[Module] = []
    hits.outside = outside
    made: list[tuple[Diagnostic, RegisteredCheck, Fact]] = []
    if len(source.data) > LARGEST_PARSED:
        active &= run.index.of_type.get(Text, 0)
        outcome.unchecked.append(
            Unchecked(path, f"larger than {LARGEST_PARSED // 1_000_000} MB: looked at for vendor keys only", analysed=True)
        )
        made = _run_checks(source, file, active, hits, run, outcome, problems, parsed)
    elif active or kind not in PLAIN:
        made = _run_checks(source, file, active, hits, run, outcome, problems, parsed)
    outcome.secrets, outcome.known = _secrets_of(made)
    reported = [(hit, subscription, fact) for hit, subscription, fact in made if _code(subscription) in selected]
    module = _module(source, file, reported, parsed)
    findings = [_finding(hit, subscription, fact, file, run, module, outcome.known) for hit, subscription, fact in reported]
    findings.extend(_problem_findings(problems, file, run, selected, outcome, source))
    # What is known and not told still speaks for its value before the rules that know less of it.
    quiet = {
        id(finding)
        for finding, (hit, subscription, _) in zip(findings, reported, strict=False)
        if not _is_told(hit, subscription.rule, run, file)
    }
    findings = _unique(findings)
    untold = [finding for finding in findings if id(finding) in quiet]
    outcome.findings = without_superseded([finding for finding in findings if id(finding) not in quiet], run.rules)
    if directed:
        from prodlint.engine import ignoring

        ignoring.in_file(source, file, run, outcome, parsed, selected, untold)
    if outcome.known:
        _cover(outcome)


_WORD = re.compile(rb"[\w\x80-\xff]+")
# More names than these are looked up among the words of a file, which are found once; fewer are looked for one by one.
_FEW_NAMES = 20


def _words_of(outside: Mapping[str, str], data: bytes) -> bytes:
    """What stands in a file by other words: the names that those of them stand for that it may use."""
    if not outside:
        return b""
    words = frozenset(_WORD.findall(data)) if len(outside) > _FEW_NAMES else None
    last = ((name.rpartition(".")[2].encode("utf-8"), meaning) for name, meaning in outside.items())
    used = (meaning for word, meaning in last if (word in data if words is None else word in words))
    return "\n".join(used).encode("utf-8")


def _code(subscription: RegisteredCheck) -> str:
    return subscription.rule.code if subscription.rule is not None else ""


def _secrets_of(made: Sequence[tuple[Diagnostic, RegisteredCheck, Fact]]) -> tuple[list[Span], KnownValues]:
    """The places of secrets in a file and what stands there, whichever rules are selected."""
    ranges: dict[tuple[int, int], Source] = {}
    for hit, _, _ in made:
        if hit.secret:
            ranges[hit.at.start, hit.at.end] = hit.at.source
        for place in hit.secrets:
            ranges[place] = hit.at.source
    if not ranges:
        return [], NO_VALUES
    spans = [source.span(start, end) for (start, end), source in sorted(ranges.items(), key=lambda item: item[0])]
    return spans, KnownValues(source.slice(start, end) for (start, end), source in ranges.items())


def _cover(outcome: Outcome) -> None:
    """Cover the file's secrets in all that is said of it. The texts of fixes stay as they are until they leave the process: see `pack`."""
    words = outcome.known.covered
    outcome.findings = [_covered(finding, words) for finding in outcome.findings]
    outcome.suppressed = [Suppressed(_covered(item.finding, words), item.kind, words(item.reason)) for item in outcome.suppressed]
    outcome.unchecked = [replace(item, why=words(item.why)) for item in outcome.unchecked]
    outcome.traces = [
        replace(fact, words=words(fact.words), data=tuple((name, words(text)) for name, text in fact.data)) for fact in outcome.traces
    ]


def _covered(finding: Finding, words: Callable[[str], str]) -> Finding:
    related = tuple(Related(each.path, each.span, words(each.words)) for each in finding.related)
    return replace(finding, message=words(finding.message), symbol=words(finding.symbol), place=words(finding.place), related=related)


def _may_direct(data: bytes, run: Run) -> bool:
    from prodlint import suppress

    return suppress.may_hold_directives(data, run.settings.honor)


def _selected(run: Run, active: int, selected: frozenset[str]) -> int:
    if selected is run.switches.everywhere or not active:
        return active
    for subscription in run.index.subscribed(active):
        rule = subscription.rule
        if rule is not None and rule.code not in selected and rule.code not in run.covering:
            active &= ~subscription.bit
    return active


def _run_checks(
    source: Source,
    file: File,
    active: int,
    hits: PrefilterResult,
    run: Run,
    outcome: Outcome,
    problems: list[tuple[str, str, Span]],
    parsed: list[Module],
) -> list[tuple[Diagnostic, RegisteredCheck, Fact]]:
    index = run.index
    made: list[tuple[Diagnostic, RegisteredCheck, Fact]] = []
    broken: set[int] = set()
    asks: dict[int, CheckContext] = {}
    texts = active & index.of_type.get(Text, 0)
    for subscription in index.subscribed(texts):
        whole = Text(source, file, 0, len(source.data))
        whole.hits = index.hits_of(file.kind, subscription, hits)
        _call(subscription, whole, asks, run, outcome, made, broken)
    # The offsets are those of the raw file; a notebook's facts have those of its cells.
    near = index.near(file.kind, active, hits, source.data) if file.kind != "notebook" else {}
    active &= ~index.idle(active, near)
    words_of: dict[type[Fact], NearWords | None] = {}
    wanted = index.wanted(active, near)
    wanted.parsed = parsed
    wanted.outside = hits.outside
    wanted.others = lambda: run.environment.python_files
    wanted.kinds -= {Text}
    wanted.check_syntax = not problems and outcome.content not in run.sound
    if len(source.data) > LARGEST_PARSED:
        return made
    for fact in read(source, file, wanted):
        if isinstance(fact, Problem):
            problems.append((fact.kind, fact.why, fact.span))
            continue
        mask = index.for_fact(fact) & active
        if mask and near:
            made_of = type(fact)
            if made_of not in words_of:
                words_of[made_of] = next((near[each] for each in near if issubclass(made_of, each)), None)
            if (words := words_of[made_of]) is not None:
                mask &= words.checks(fact.start, fact.end)
        if mask:
            for subscription in index.subscribed(mask):
                if subscription.bit not in broken:
                    _call(subscription, fact, asks, run, outcome, made, broken)
    return made


def _call(
    subscription: RegisteredCheck,
    fact: Fact,
    asks: dict[int, CheckContext],
    run: Run,
    outcome: Outcome,
    made: list[tuple[Diagnostic, RegisteredCheck, Fact]],
    broken: set[int],
) -> None:
    context = asks.get(subscription.bit)
    rule = subscription.rule
    if context is None:
        options = options_of(rule, run) if rule is not None else {}
        context = asks[subscription.bit] = CheckContext(rule.code if rule is not None else "", options, run.questions, fact.file)
    try:
        for found in subscription.function(fact, context):
            if isinstance(found, ProjectFact):
                outcome.traces.append(found)
            elif isinstance(found, Diagnostic):
                made.append((found, subscription, fact))
            else:
                raise TypeError(type(found).__name__)
    except RecursionError:
        raise
    except (GivenUp, Refused) as error:
        broken.add(subscription.bit)
        name = rule.code if rule is not None else "a collector"
        outcome.unchecked.append(Unchecked(outcome.path, f"`{name}` was not run to the end: {error}", fact.line, 0))
    except (Exception, SystemExit) as error:  # a bug in one check is loud and contained
        broken.add(subscription.bit)
        name = rule.code if rule is not None else getattr(subscription.check.function, "__name__", "collector")
        if _is_prodlints(subscription.check.function, rule):
            outcome.crashed.append(name)
        outcome.unchecked.append(Unchecked(outcome.path, f"`{name}` failed: {type(error).__name__} in {where_raised(error)}", fact.line, 0))


def _is_prodlints(function: Any, rule: Rule | None) -> bool:
    """Whether what failed is prodlint's to fix; a plug-in that fails is said as well, and is no bug of prodlint's."""
    if rule is not None and rule.path.startswith(rules_folder()):
        return True
    module = getattr(function, "_module", None) or getattr(function, "__module__", "")
    return str(module).startswith("prodlint.")


def options_of(rule: Rule, run: Run) -> dict[str, Any]:
    """A rule's options: the page's, wider where the rule was selected, the settings' own lists that several rules share, and what is set for this
    rule."""
    settings = run.settings
    options = dict(rule.options)
    if rule.code in run.selected:
        options.update(dict.fromkeys(rule.wider, True))
    for name, given in (("error-reporters", settings.error_reporters), ("http-wrappers", settings.http_wrappers)):
        if name in options and given:
            options[name] = [*options[name], *given]
    return {**options, **settings.options(rule.code)}


def _is_told(hit: Diagnostic, rule: Rule | None, run: Run, file: File) -> bool:
    """Whether a place is a finding in this file, or known for what it covers only: what each option asks that it hangs on is on."""
    if rule is None or not (hit.only_with or rule.only_with or rule.quiet_in):
        return True
    asked = {name for name in (hit.only_with, "everywhere" if file.roles & rule.quiet_in else "") if name}
    asked.update(_options_behind(hit.message, rule))
    return not asked or all(map(options_of(rule, run).get, asked))


def _options_behind(message: str, rule: Rule) -> set[str]:
    """The options of a rule without which such a message is not told."""
    return {option for option, words in rule.only_with if any(word in message for word in words)}


def where_raised(error: BaseException) -> str:
    """Module and line where an exception was raised: no values, which might be secrets."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return "?"
    return f"{os.path.basename(step.tb_frame.f_code.co_filename)}:{step.tb_lineno}"


def _module(source: Source, file: File, made: Sequence[tuple[Diagnostic, RegisteredCheck, Fact]], parsed: list[Module]) -> Module | None:
    """The parsed Python file, for what findings are bound to; parsed here where only the text was looked at."""
    if parsed:
        return parsed[0]
    if file.kind == "python" and any(not hit.secret for hit, _, _ in made):
        from prodlint.python.tree import module_of

        parsed.append(module_of(source, file))
        return parsed[0]
    return None


def _finding(hit: Diagnostic, subscription: RegisteredCheck, fact: Fact, file: File, run: Run, module: Any, known: KnownValues) -> Finding:
    rule = subscription.rule
    assert rule is not None
    at = hit.at
    own = at.source
    span = own.span(at.start, at.end)
    priority = run.switches.priority(rule.code, file.path) or hit.priority or rule.priority
    if file.roles & rule.lower_in:
        priority = "P2"
    symbol = hit.symbol if hit.symbol is not None else (at.scope.symbol if isinstance(at, Fact) else "")
    secrets = [own.span(start, end) for start, end in hit.secrets]
    if hit.secret:
        secrets.append(span)
    return Finding(
        path=file.path,
        span=span,
        code=rule.code,
        message=hit.message,
        priority=priority,
        related=hit.related,
        symbol=symbol,
        content=content_of(own, at.start, at.end, file.kind, module, known.covered, secret=hit.secret, comment=isinstance(fact, Comment)),
        place=own.place(span),
        fix=hit.fix,
        secrets=tuple(secrets),
    )


def _problem_findings(
    problems: Sequence[tuple[str, str, Span]], file: File, run: Run, selected: frozenset[str], outcome: Outcome, source: Source
) -> Iterator[Finding]:
    rule = run.rules.get(UNREADABLE_FILE)
    # Data of tests and examples may be broken on purpose; code of theirs is imported like any other.
    lowered = rule is not None and bool(file.roles & rule.lower_in)
    off = rule is None or bool(file.roles & rule.not_in) or (lowered and file.kind not in ("python", "notebook"))
    for kind, raw, span in problems:
        why = quote(raw, _LONGEST_WHY, unreadable=True)
        if kind in ("template", "size"):
            outcome.unchecked.append(Unchecked(file.path, why, span.line, span.column, analysed=True))
            continue
        if kind == "depth":
            outcome.unchecked.append(Unchecked(file.path, why, span.line, span.column))
            continue
        outcome.unchecked.append(Unchecked(file.path, why, span.line, span.column, analysed=off and rule is not None))
        if rule is not None and not off and UNREADABLE_FILE in selected:
            content = digest(source.line_text(span.line).strip().encode("utf-8"))
            words = f"Cannot be read as {_KIND_NAMES.get(file.kind, file.kind)}: {why}"
            priority: Priority = "P2" if lowered else run.switches.priority(UNREADABLE_FILE, file.path) or rule.priority
            yield Finding(file.path, span, UNREADABLE_FILE, words, priority, content=content, place=source.place(span))


_KIND_NAMES = {
    "python": "Python",
    "yaml": "YAML",
    "json": "JSON",
    "toml": "TOML",
    "ini": "INI",
    "dockerfile": "a Dockerfile",
    "notebook": "a notebook",
}


def _unique(findings: list[Finding]) -> list[Finding]:
    """In order; one finding a code and place, and one a secret."""
    seen: set[tuple[str, Span]] = set()
    kept = []
    for finding in sorted(findings, key=lambda finding: finding.order):
        key = (finding.code, finding.span)
        if key not in seen:
            seen.add(key)
            kept.append(finding)
    if sum(bool(finding.secrets) for finding in kept) > 1:
        from prodlint.checks.secrets.tokens import deduplicate_by_secret

        return deduplicate_by_secret(kept)
    return kept


def without_superseded(findings: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """One mistake, one finding: those that another rule's finding at the same place says as well are gone.

    What remains has the higher priority of the two. findings: of one file, in order.
    """
    superseding = [(finding, rules[finding.code].supersedes) for finding in findings if finding.code in rules]
    superseding = [(finding, codes) for finding, codes in superseding if codes]
    if not superseding:
        return findings
    raised: dict[int, Priority] = {}
    gone: set[int] = set()
    by_line: dict[int, list[Finding]] = {}
    for finding in findings:
        by_line.setdefault(finding.span.line, []).append(finding)
    for finding, codes in superseding:
        if id(finding) in gone:
            continue
        # A call with many arguments is longer than any pair of findings about it is apart.
        for line in range(finding.span.line, min(finding.span.end_line, finding.span.line + _LONGEST_PLACE) + 1):
            for other in by_line.get(line, ()):
                if other.code in codes and other is not finding and _overlap(finding.span, other.span):
                    gone.add(id(other))
                    raised[id(finding)] = min(raised.get(id(finding), finding.priority), other.priority)
    return [
        replace(finding, priority=raised[id(finding)]) if raised.get(id(finding), finding.priority) != finding.priority else finding
        for finding in findings
        if id(finding) not in gone
    ]


_LONGEST_PLACE = 60


# A text is written between quotes; some findings about it begin inside of them.
_QUOTES = 2


def _overlap(one: Span, other: Span) -> bool:
    if one.line == other.line and other.column < one.column <= other.column + _QUOTES:
        return True
    return (one.line, one.column) <= (other.line, other.column) <= (one.end_line, one.end_column)


# ---------------------------------------------------------------- many files


def processors() -> int:
    """How many processes can really run at once."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def check_project(
    root: str, outcomes: Sequence[Outcome], run: Run, changed: Mapping[str, bytes] | None = None
) -> tuple[list[Finding], list[Evidence], list[Unchecked]]:
    """The rules about the project as a whole, on the project facts that the files left. changed: files as they would be."""
    files = [File(outcome.path, outcome.kind, outcome.roles) for outcome in outcomes]
    traces: dict[str, list[ProjectFact]] = {}
    for outcome in outcomes:
        for fact in outcome.traces:
            traces.setdefault(fact.topic, []).append(fact)
    for listed in traces.values():
        listed.sort(key=lambda fact: (fact.path, fact.span, fact.words))
    project = Project(root, files, traces, run.environment, changed=changed or {})
    findings: list[Finding] = []
    evidence: list[Evidence] = []
    unchecked: list[Unchecked] = []
    for check in run.project_checks:
        rule = run.rules[check.code]
        options = options_of(rule, run)
        try:
            for found in check.function(project, options):
                if isinstance(found, Evidence):
                    evidence.append(found)
                elif check.code in run.switches.on(found.path) and all(map(options.get, _options_behind(found.message, rule))):
                    findings.append(_project_finding(found, rule, run))
        except Exception as error:  # as for files: loud and contained
            unchecked.append(Unchecked(".", f"`{check.code}` failed: {type(error).__name__} in {where_raised(error)}"))
    return findings, evidence, unchecked


def _project_finding(hit: ProjectDiagnostic, rule: Rule, run: Run) -> Finding:
    priority: Priority = run.switches.priority(rule.code, hit.path) or hit.priority or rule.priority
    content = digest(rule.code.encode())
    return Finding(hit.path, hit.span, rule.code, hit.message, priority, hit.related, content=content, fix=hit.fix, secrets=hit.secrets)
