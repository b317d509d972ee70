"""A look at a whole project, taken by a process of its own, so that the server goes on answering while somebody types.

The server (`background`) starts it with a job on standard input. Messages go to standard output, each with its length before it: how far it has
come, and at last the answer. Told to end (SIGTERM) it does so at the next file, and what it has seen until then stays in the cache; it
also ends where the server is gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal

from prodlint.api import Checked, Project
from prodlint.engine.grouping import across_files
from prodlint.messages import send
from prodlint.model import Finding
from prodlint.server.changes import Changes, made, named
from prodlint.server.units import Place, place_of

if TYPE_CHECKING:
    from prodlint.readiness.audit import Audited

# Below the editor and the server that answers it.
_NICENESS = 10
# Places that a judged line of a checklist is shown with.
_MOST_PLACES = 5

Progress = Callable[[int, int], None]
Verb = Literal["check", "fix", "report", "baseline", "audit"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted of a project: its findings, a fix of one of them, the readiness report as HTML, its baseline written, or an open checklist
    audited.

    config, since: as on the command line. unsaved: texts that win over the disk, by absolute path. units: what the client counts columns in (see
    `units`). text, path: the checklist and where it lies. finding: the key of what is to be fixed, and whether by a `fix` or an `ignore` (see `changes`).
    """

    verb: Verb
    root: str
    config: tuple[str, ...] = ()
    since: str = ""
    unsaved: Mapping[str, bytes] = field(default_factory=dict)
    units: str = "utf-16"
    text: str = ""
    path: str = ""
    finding: tuple[Sequence[Any], str] = ((), "")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. places: where each finding is for the client. of_project: those that only the look at the whole gives, by number. habits: those
    that stand for findings in several files, by what these share (see `prodlint.engine.grouping.across_files`)."""

    findings: tuple[Finding, ...]
    places: tuple[Place, ...]
    of_project: frozenset[int]
    habits: Mapping[Hashable, Finding]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the code says to a line of a checklist. places: path, line and words of what shows it. becomes: the line with the box that the code
    gives it and the evidence behind it, where that is certain; else nothing."""

    line: int
    judgement: str
    because: str
    places: tuple[tuple[str, int, str], ...]
    becomes: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Settings or pages that cannot be read. file: as the error names it, from the working directory. line: from 1, or 0."""

    file: str
    line: int
    words: str


Answer = Found | Changes | list[Judged] | str | Wrong


class Ended(BaseException):
    """The server wants no answer any more."""


class _Teller:
    """Writes messages to the server, and knows whether it still wants them."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._ended = False
        self._server = os.getppid()
        self._told = -1

    def end(self, *_: object) -> None:
        """The next message is one too many."""
        self._ended = True

    def progress(self, done: int, of: int) -> None:
        """So many files of so many were looked at; told when a hundredth of them is done.

        Raises Ended.
        """
        if self._ended or os.getppid() != self._server:
            raise Ended
        part = done * 100 // of if of else 0
        if part != self._told:
            self._told = part
            self.tell((done, of))

    def tell(self, message: tuple[int, int] | Answer) -> None:
        """Write a message.

        Raises Ended.
        """
        try:
            if self._ended:
                raise Ended
            send(self._out, message)
        except OSError:
            raise Ended from None


def answer(job: Job, progress: Progress) -> Answer:
    """Do what a job wants."""
    from prodlint.configuration.settings import SettingsError
    from prodlint.engine.catalogue import PageError

    try:
        return _VERBS[job.verb](job, progress)
    except SettingsError as error:
        return Wrong(error.file, error.line, str(error))
    except PageError as error:
        return Wrong(error.path, error.line, str(error))


def _checked(job: Job, progress: Progress, grouped: bool = True) -> Checked:
    from prodlint.engine.analysis import processors

    project = Project(job.root, config=job.config, since=job.since)
    for path, raw in job.unsaved.items():
        project.open(path, raw)
        if project.is_saved(path):
            project.close(path)
    # Half of the machine is the editor's.
    return project.check(cache=True, jobs=max(processors() // 2, 1), progress=progress, grouped=grouped)


def _fix(job: Job, progress: Progress) -> Changes:
    key, verb = job.finding
    checked = _checked(job, progress)
    finding = named(checked.findings, key)
    return made(checked, _checked(job, progress, grouped=False), finding, verb) if finding is not None else Changes({}, {})


def _check(job: Job, progress: Progress) -> Found:
    checked = _checked(job, progress)
    of_files = {finding for outcome in checked.result.outcomes for finding in outcome.findings}
    places: list[Place] = []
    for finding in checked.findings:
        source = checked.result.source(finding.path)
        if source is None:
            places.append((finding.span.line - 1, finding.span.column - 1, finding.span.end_line - 1, finding.span.end_column - 1))
        else:
            places.append(place_of(finding.span, source.line_text, len(source.line_starts), job.units))
    copies = checked.report.copies
    # One that stands for others has words of its own: what it is of is what these are of.
    of_project = (number for number, each in enumerate(checked.findings) if not {each, *copies.get(each, ())[:1]} & of_files)
    return Found(tuple(checked.findings), tuple(places), frozenset(of_project), dict(_habits(checked, of_files)))


def _habits(checked: Checked, of_files: set[Finding]) -> Iterator[tuple[Hashable, Finding]]:
    """The findings that stand for others in several files, by what all of these share."""
    selected = checked.result.run_of("").selected
    for finding, others in checked.report.copies.items():
        if any(other.path != finding.path for other in others) and others[0] in of_files:
            rule = checked.rules.get(finding.code)
            each = [set(across_files(other, rule, selected)) for other in others]
            shared = each[0].intersection(*each[1:])
            yield from ((key, finding) for key in shared)


def _report(job: Job, progress: Progress) -> str:
    from prodlint.engine.session import Request
    from prodlint.readiness import report_html, report_json
    from prodlint.readiness.answers import answers_of

    answers = answers_of(Request([job.root], root=job.root, config=job.config, progress=progress))
    material = report_json.material_of(answers)
    return "".join(report_html.write(report_json.as_object(answers, material), material))


def _baseline(job: Job, progress: Progress) -> str:
    from prodlint import baseline
    from prodlint.engine import session

    request = session.Request([job.root], root=job.root, config=job.config, progress=progress, cache=True, baseline=False, grouped=False)
    result = session.run(request)
    path = session.baseline_to_write(result.settings, result.report.root)
    baseline.write_report(path, result.report, {rule.code for rule in result.rules})
    return path


def _audit(job: Job, progress: Progress) -> list[Judged]:
    from prodlint.engine.session import Request
    from prodlint.readiness.answers import answers_of
    from prodlint.readiness.audit import audit
    from prodlint.readiness.checklist import rewritten_lines, way_to

    judged = audit(job.text, answers_of(Request([job.root], root=job.root, config=job.config, progress=progress)))
    becomes = rewritten_lines(job.text, judged, way_to(job.root, os.path.dirname(job.path)), tick=True)
    return [
        Judged(each.line.number, each.judgement, each.because, _places(each), becomes.get(each.line.number, ""))
        for each in judged
        if each.line.state != "stated"
    ]


def _places(audited: Audited) -> tuple[tuple[str, int, str], ...]:
    """Where it is seen: what speaks against a line, or else for it."""
    if audited.answer is None:
        return ()
    against = [(each.path, each.span.line, each.message) for each in audited.answer.findings]
    shown = against or [(each.path, each.span.line, each.words) for each in audited.answer.places]
    return tuple(shown[:_MOST_PLACES])


_VERBS: Mapping[str, Callable[[Job, Progress], Answer]] = {
    "check": _check,
    "fix": _fix,
    "report": _report,
    "baseline": _baseline,
    "audit": _audit,
}


def main() -> None:
    """Do the job that comes on standard input."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is none of the answer
    teller = _Teller(out)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a key means is the server's to say
    signal.signal(signal.SIGTERM, teller.end)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    try:
        teller.tell(answer(job, teller.progress))
    except Ended:
        # Nothing is said to nobody, and what is half done needs no tidying up.
        os._exit(0)
