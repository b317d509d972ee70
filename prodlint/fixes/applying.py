"""`--fix` and its kin: fixes applied to files, and only those that are seen to do what they say.

Everything happens in memory first. A file with fixes is looked at again as it would be: a fix stays only where its
finding is gone, no other one came, and what could be read before can be read still.
"""

from __future__ import annotations

import ast
import codecs
import os
import stat
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

from prodlint import fixes
from prodlint.engine import analysis
from prodlint.engine.outcome import Outcome
from prodlint.engine.session import Result
from prodlint.escaping import escape_control_characters
from prodlint.facts import Source
from prodlint.model import Edit, Finding, Fix, Span
from prodlint.project.snapshot import LARGEST_READ
from prodlint.readers import Undecodable, decode
from prodlint.redact import Redaction
from prodlint.regular import read_regular

# Fixes that overlap wait for the next pass; every pass applies or refuses one at least.
_PASSES = 60
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# What a finding is known by while the lines around it move.
_Key = tuple[str, str, str]
Maker = Callable[[Finding, str, fixes.SourceOf], "Fix | None"]
_Batch = list[tuple[Finding, Fix]]


@dataclass(slots=True)
class FixResult:
    """What the fixes make of the files: by path, the bytes before (None for a new file) and after. fixed: the findings."""

    before: dict[str, bytes | None] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    fixed: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def changed(self) -> list[str]:
        """The paths of the files that change, in order."""
        return sorted(path for path, after in self.after.items() if after != self.before[path])


def make_all(result: Result, unsafe: bool) -> dict[Finding, Fix]:
    """The fix of every finding, for formats that carry them; not tried out. unsafe: those of unsafe recipes as well."""
    known: dict[str, Source | None] = {}
    kinds = {path: kind for path, _, kind in result.discovered.files}

    def source_of(path: str) -> Source | None:
        if path not in known:
            known[path] = result.source(path)
        return known[path]

    made: dict[Finding, Fix] = {}
    for finding in result.report.findings:
        group = (finding, *result.report.copies.get(finding, ()))
        if all(each.fix is not None and (unsafe or each.fix.safe) for each in group):
            fix = _of_all([fixes.make(each, kinds.get(each.path, "text"), source_of) for each in group])
            if fix is not None:
                made[finding] = fix
    return made


def _of_all(made: Sequence[Fix | None]) -> Fix | None:
    """One fix of all the places of a finding; None where one of them has none, or two change the same text."""
    parts = [fix for fix in made if fix is not None]
    if not parts or len(parts) < len(made):
        return None
    # What each of them needs, an import, comes once.
    edits = sorted({edit for fix in parts for edit in fix.edits}, key=lambda edit: (edit.path, edit.span))
    for before, after in pairwise(edits):
        if before.path == after.path and (after.span.line, after.span.column) < (before.span.end_line, before.span.end_column):
            return None
    return replace(parts[0], safe=all(fix.safe for fix in parts), edits=tuple(edits))


def apply_fixes(
    result: Result, wanted: Iterable[Finding], makers: Sequence[Maker] = (fixes.make,), unsafe: bool | None = None
) -> FixResult:
    """What the files would be with the fixes of these findings. Nothing is written.

    makers: ways to make a fix, the preferred one first; what it cannot fix is left to the next. unsafe: whether findings that
    get a fix only by another one are fixed as well, with unsafe fixes or without; None leaves them.
    """
    applied = FixResult()
    applier = FixApplier(result, applied, makers, unsafe)
    by_path: dict[str, list[Finding]] = {}
    for finding in wanted:
        by_path.setdefault(finding.path, []).append(finding)
    for path, findings in sorted(by_path.items()):
        applier.file(path, findings)
    applied.fixed.sort(key=lambda finding: finding.order)
    return applied


def wanted(result: Result, unsafe: bool) -> list[Finding]:
    """The findings that have a fix to be applied."""
    return [finding for finding in result.report.findings if finding.fix is not None and (finding.fix.safe or unsafe)]


class FixApplier:
    """Applies fixes file by file to the bytes that `applied` holds."""

    def __init__(self, result: Result, applied: FixResult, makers: Sequence[Maker], unsafe: bool | None) -> None:
        self.unsafe = unsafe
        self.result = result
        self.applied = applied
        self.makers = makers
        self.kinds = {path: kind for path, _, kind in result.discovered.files}
        self.root = result.report.root
        self.rules = {rule.code: rule for rule in result.rules}
        # What the files say to the project's rules, and what those find, as far as fixes have come.
        self._project = list(result.outcomes)
        self._found = self._of_whole(self._project) if result.discovered.whole else Counter()
        # What was said of the bytes of the file at hand: every pass asks for what the last one found.
        self._outcomes: dict[tuple[str, bytes], Outcome] = {}

    def raw(self, path: str) -> bytes | None:
        """A file as it is by now; None where there is none."""
        if path not in self.applied.before:
            document = self.result.document(path)
            content = document.raw if document is not None and len(document.raw) <= LARGEST_READ else None
            self.applied.before[path] = content
            if content is not None:
                self.applied.after[path] = content
        return self.applied.after.get(path)

    def source(self, path: str) -> Source | None:
        """The text of that, where it is surely told from its bytes."""
        raw = self.raw(path)
        if raw is None or len(raw) > LARGEST_READ:
            return None
        with suppress(Undecodable, ValueError):
            source = decode(raw, self.kinds.get(path, "text"))
            return source if _encoded(raw, source, source.data) == raw else None
        return None

    def outcome(self, path: str, raw: bytes) -> Outcome:
        """What prodlint says of a file with these bytes."""
        known = self._outcomes.get((path, raw))
        if known is None:
            run = self.result.run_of(path)
            known = self._outcomes[path, raw] = analysis.analyse(path, path, self.kinds.get(path, "text"), run, raw)
        return known

    def file(self, path: str, findings: Sequence[Finding]) -> None:
        """Apply what can be applied to one file."""
        self._outcomes.clear()
        source = self.source(path)
        raw = self.raw(path)
        if source is None or raw is None:
            return
        outcome = self.outcome(path, raw)
        there = Counter((_key(finding), finding.span) for finding in outcome.findings)
        project = {check.code for check in self.result.run_of(path).project_checks}
        of_file = [finding for finding in findings if finding.code not in project or there[_key(finding), finding.span]]
        if any(not there[_key(finding), finding.span] for finding in of_file):
            self.applied.notes.append(f"`{path}` changed while it was checked: left as it is")
            return
        moves: list[Edit] = []
        for finding in findings:
            if finding not in of_file:
                moves += self._of_project(finding, path, moves)
        bare = Counter(_key(each) for each in self.result.report.findings if each.path == path and each.fix is None)
        while of_file:
            left = Counter(map(_key, of_file))
            for maker in self.makers:
                self._of_file(path, left, maker)
            of_file = self._given_by_others(path, bare)
            bare.subtract(map(_key, of_file))

    def _given_by_others(self, path: str, bare: Counter[_Key]) -> list[Finding]:
        """Findings that had no fix and have one now: `.error` became `.exception`, so the text may leave the answer."""
        raw = self.applied.after[path]
        if self.unsafe is None or raw == self.applied.before[path] or not +bare:
            return []
        found = self.outcome(path, raw).findings
        return [each for each in found if bare[_key(each)] > 0 and each.fix is not None and (each.fix.safe or self.unsafe)]

    def _of_project(self, finding: Finding, path: str, moves: Sequence[Edit]) -> list[Edit]:
        """A fix of a project rule: whether its finding is gone only the next look at the whole project can tell.

        moves: the edits made to its file before. Gives those made to it now.
        """
        span = _moved(finding.span, moves)
        if span is None:
            return []  # the next run has it right
        made = (maker(replace(finding, span=span), self.kinds.get(path, "text"), self.source) for maker in self.makers)
        fix = next((fix for fix in made if fix is not None), None)
        if fix is None:
            return []
        target = fix.edits[0].path
        raw = self.raw(target)
        before = self.outcome(target, raw) if raw is not None and target in self.kinds else None
        new = self._applied(target, fix.edits)
        if new is None or (before is not None and raw is not None and not self._is_sound(target, raw, new, before, ())):
            return []
        if target in self.kinds and not self._is_sound_for_project(target, new, finding):
            return []
        self.applied.after[target] = new
        self.applied.fixed.append(finding)
        return [edit for edit in fix.edits if edit.path == path]

    def _is_sound_for_project(self, path: str, new: bytes, finding: Finding) -> bool:
        """Whether the project's rules find nothing that they did not find before, and the finding, where it is a fix, no more."""
        after = self.outcome(path, new)
        outcomes = [after if outcome.path == path else outcome for outcome in self._project]
        found = self._of_whole(outcomes, {**self.applied.after, path: new})
        key = (finding.path, *_key(finding))
        if found - self._found or (self.makers[0] is fixes.make and found[key] >= self._found[key]):
            return False
        self._project, self._found = outcomes, found
        return True

    def _of_whole(self, outcomes: list[Outcome], changed: Mapping[str, bytes] | None = None) -> Counter[tuple[str, str, str, str]]:
        findings, _, _ = analysis.check_project(self.root, outcomes, self.result.run_of(""), changed)
        return Counter((finding.path, *_key(finding)) for finding in findings)

    def _of_file(self, path: str, wanted: Counter[_Key], maker: Maker) -> None:
        refused: set[tuple[_Key, str]] = set()
        for _ in range(_PASSES):
            if not +wanted:
                return
            raw = self.applied.after[path]
            outcome = self.outcome(path, raw)
            offered = list(self._offered(path, outcome, wanted, refused, maker))
            if not offered:
                return
            accepted = self._grown([], list(_apart(offered)), path, raw, outcome, refused)
            new = self._applied(path, [edit for _, fix in accepted for edit in fix.edits])
            if new is not None and accepted:
                self.applied.after[path] = new
                self.applied.fixed.extend(finding for finding, _ in accepted)
                wanted.subtract(_key(finding) for finding, _ in accepted)

    def _grown(self, accepted: _Batch, more: _Batch, path: str, raw: bytes, outcome: Outcome, refused: set[tuple[_Key, str]]) -> _Batch:
        """The accepted fixes and those of `more` that go well with them; halved until the ones to blame are found."""
        if not more:
            return accepted
        together = [*accepted, *more]
        new = self._applied(path, [edit for _, fix in together for edit in fix.edits])
        if new is not None and self._is_sound(path, raw, new, outcome, [finding for finding, _ in together]):
            return together
        if len(more) == 1:
            refused.add((_key(more[0][0]), more[0][0].content))
            return accepted
        middle = len(more) // 2
        accepted = self._grown(accepted, more[:middle], path, raw, outcome, refused)
        return self._grown(accepted, more[middle:], path, raw, outcome, refused)

    def _offered(
        self, path: str, outcome: Outcome, wanted: Mapping[_Key, int], refused: set[tuple[_Key, str]], maker: Maker
    ) -> Iterator[tuple[Finding, Fix]]:
        left = Counter(wanted)
        for finding in sorted(outcome.findings, key=lambda finding: finding.order):
            key = _key(finding)
            if left[key] > 0 and (key, finding.content) not in refused:
                fix = maker(finding, self.kinds.get(path, "text"), self.source)
                # A fix that reaches into another file is a project rule's.
                if fix is not None and all(edit.path == path for edit in fix.edits):
                    left[key] -= 1
                    yield finding, fix

    def _applied(self, path: str, edits: Iterable[Edit]) -> bytes | None:
        raw = self.raw(path)
        source = self.source(path) if raw is not None else Source(b"")
        if source is None:
            return None
        return _encoded(raw or b"", source, apply(source, edits))

    def _is_sound(self, path: str, raw: bytes, new: bytes, before: Outcome, done: Sequence[Finding]) -> bool:
        """Whether the findings are gone, no other one came, and the file can be read as before."""
        if new == raw or (self.kinds.get(path) == "python" and _parses(raw) and not _parses(new)):
            return False
        after = self.outcome(path, new)
        if after.crashed or len(after.unchecked) > len(before.unchecked):
            return False
        allowed = Counter(finding.code for finding in before.findings)
        allowed.subtract(finding.code for finding in done)
        # Rules that speak alone for what others would say of the same place: once they are silent, the others are heard.
        allowed.update(code for finding in done if finding.code in self.rules for code in self.rules[finding.code].supersedes)
        return all(number <= allowed[code] for code, number in Counter(finding.code for finding in after.findings).items())


def _moved(span: Span, edits: Iterable[Edit]) -> Span | None:
    """Where a place is after edits before it; None where its own line changed."""
    for edit in edits:
        at = edit.span
        if (at.line, at.column) > (span.line, span.column):
            continue
        if at.end_line >= span.line and not (at.column == at.end_column == 1 and edit.text.endswith("\n")):
            return None
        shift = edit.text.count("\n") - (at.end_line - at.line)
        span = Span(span.line + shift, span.column, span.end_line + shift, span.end_column)
    return span


def _key(finding: Finding) -> _Key:
    return (finding.code, finding.message, finding.symbol)


def _parses(raw: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(raw)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _apart(offered: Sequence[tuple[Finding, Fix]]) -> Iterator[tuple[Finding, Fix]]:
    """Those that do not touch each other, first come first served. The same edit asked for twice (an import) is one."""
    taken: set[Edit] = set()
    for finding, fix in offered:
        new = [edit for edit in fix.edits if edit not in taken]
        if len(new) < len(fix.edits) and not new or any(_touch(edit, other) for edit in new for other in taken):
            continue
        taken.update(new)
        yield finding, fix


def _touch(one: Edit, other: Edit) -> bool:
    first, second = sorted((one.span, other.span))
    return (second.line, second.column) <= (first.end_line, first.end_column)


def apply(source: Source, edits: Iterable[Edit]) -> bytes:
    """A file's text with edits made. They must not overlap; one given twice is made once."""
    pieces = sorted(
        (source.offset_at(edit.span.line, edit.span.column), source.offset_at(edit.span.end_line, edit.span.end_column), edit.text)
        for edit in set(edits)
    )
    made: list[bytes] = []
    done = 0
    for start, end, text in pieces:
        made += (source.data[done:start], text.encode("utf-8", "surrogatepass"))
        done = end
    return b"".join((*made, source.data[done:]))


def _encoded(raw: bytes, source: Source, data: bytes) -> bytes | None:
    """Text as the file has it encoded, byte-order mark included; None where that encoding has no such letter."""
    mark = next((mark for mark in _MARKS if raw.startswith(mark)), b"")
    if source.encoding == "utf-8":
        return mark + data
    try:
        return mark + data.decode("utf-8").encode(source.encoding)
    except (UnicodeError, LookupError):
        return None


# ---------------------------------------------------------------- showing and writing


def gone(fixed: Sequence[Finding], left: Sequence[Finding]) -> list[Finding]:
    """Of the findings that were to be fixed those that are gone indeed."""
    there = Counter((finding.path, *_key(finding)) for finding in left)
    found = []
    for finding in fixed:
        key = (finding.path, *_key(finding))
        # Of two that are alike one may have been left on purpose; the fixes of files were seen to work.
        if there[key] and finding.fix is not None and finding.fix.kind in _OF_PROJECT:
            there[key] -= 1
        else:
            found.append(finding)
    return found


# Kinds of which only a look at the whole project tells whether they helped.
_OF_PROJECT = ("append-lines", "insert-line-before", "insert-line-after")


def listed(fixed: Sequence[Finding], names: Mapping[str, str]) -> Iterator[str]:
    """What was fixed, by file and rule."""
    by_path: dict[str, Counter[str]] = {}
    for finding in sorted(fixed, key=lambda finding: finding.order):
        by_path.setdefault(finding.path, Counter())[finding.code] += 1
    for path, codes in by_path.items():
        yield f"  {path}:"
        for code, number in sorted(codes.items()):
            yield f"    {number:,} x {code} ({names.get(code, code)})"


def difference(applied: FixResult, redaction: Redaction | None = None) -> Iterator[str]:
    """The changes as a unified diff. redaction: covers the secrets in it."""
    from difflib import unified_diff

    for path in applied.changed():
        before, after = applied.before[path], applied.after[path]
        named = escape_control_characters(path)
        old = "/dev/null" if before is None else f"a/{named}"
        lines = _lines(before or b"", path)
        shown = {} if redaction is None else {line: redaction.line(path, number).text for number, line in enumerate(lines, 1)}
        for number, line in enumerate(unified_diff(lines, _lines(after, path), old, f"b/{named}")):
            # The first two name the file. A line that goes may begin with dashes, too.
            if redaction is not None and number > 1 and not line.startswith("@@"):
                ended = "\n" if line.endswith("\n") else ""
                line = line[:1] + (shown[line[1:]] + ended if line[1:] in shown else redaction.covered(line[1:]))
            if line.endswith("\n"):
                yield line
            else:
                yield f"{line}\n\\ No newline at end of file\n"


def _lines(raw: bytes, path: str) -> list[str]:
    try:
        text = decode(raw, "python" if path.endswith((".py", ".pyi")) else "text").text
    except Undecodable as error:
        text = error.source.text if error.source is not None else ""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([text.rpartition("\n")[2]] if not text.endswith("\n") and text else [])


def write(applied: FixResult, root: str) -> list[str]:
    """Write the files by rename, mode kept. Gives the paths that were left alone because somebody else changed them."""
    left = []
    for path in applied.changed():
        if not _replace(os.path.realpath(os.path.join(root, path)), os.path.realpath(root), applied.before[path], applied.after[path]):
            left.append(path)
    if left:
        applied.fixed = [finding for finding in applied.fixed if finding.path not in left]
    return left


def _replace(path: str, root: str, before: bytes | None, after: bytes) -> bool:
    import tempfile

    if os.path.commonpath((path, root)) != root:
        return False  # a link that leads out of the project
    handle = None
    try:
        handle = tempfile.NamedTemporaryFile("wb", dir=os.path.dirname(path), prefix=".prodlint-", delete=False)
        with handle:
            handle.write(after)
        if before is None:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(handle.name, 0o666 & ~mask)
            # Never over a file that came meanwhile.
            os.link(handle.name, path)
            os.unlink(handle.name)
            return True
        seen = os.stat(path)
        if read_regular(path, len(before) + 1, cut=True) != before:
            os.unlink(handle.name)
            return False
        os.chmod(handle.name, stat.S_IMODE(seen.st_mode))
        with suppress(OSError):
            os.chown(handle.name, seen.st_uid, seen.st_gid)
        os.replace(handle.name, path)
        return True
    except OSError:
        if handle is not None:
            with suppress(OSError):
                os.unlink(handle.name)
        return False
