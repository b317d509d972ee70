"""The verb `check`: a run, its report, its exit code."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from prodlint.commands import VERBS, streams
from prodlint.commands.streams import as_utf8, say
from prodlint.configuration.settings import RELEASE_STAGE, Settings, SettingsError, with_arguments
from prodlint.engine import session
from prodlint.escaping import escape_lines
from prodlint.model import PRIORITIES
from prodlint.reports import FOR_PROGRAMS, FORMATS, WITH_FIXES, Options, plural, repository_prefix, stream
from prodlint.writing import written_whole

CLEAN, FOUND, MISUSED, UNCHECKED, BUG = 0, 1, 2, 3, 70


def refuse_contradictions(given: Namespace) -> None:
    """See that the arguments make sense together, so that nothing asked for is passed over in silence.

    Raises SettingsError.
    """
    for path in given.paths or ():
        if path.isalpha() and not os.path.exists(path):
            from prodlint.commands.habits import unknown_verb

            if told := unknown_verb(path, VERBS):
                raise SettingsError(told)
    if given.root and not os.path.isdir(given.root):
        raise SettingsError(f"`--root`: there is no directory `{given.root}`")
    if getattr(given, "output_file", None) in FORMATS:
        raise SettingsError(
            f"`-o` names a file; the format is `--output-format {given.output_file}` (a file of that name: `-o ./{given.output_file}`)"
        )
    if getattr(given, "stdin_filename", None) and "-" not in (given.paths or ()):
        raise SettingsError("`--stdin-filename` names what comes on standard input: the path `-` is missing")
    if given.jobs < 0:
        raise SettingsError(f"`--jobs` is a number of processes, not {given.jobs}")
    if given.preview:
        raise SettingsError(
            "there is no preview: what is not on by default is chosen by code, `--extend-select CODE` (`prodlint rule --list`)"
        )
    if getattr(given, "no_baseline", False) and (given.baseline or given.strict_baseline):
        raise SettingsError("`--no-baseline` and a baseline contradict each other")


def _per_file_ignores(given: Namespace) -> dict[str, tuple[str, ...]]:
    made: dict[str, list[str]] = {}
    for words in getattr(given, "per_file_ignores", ()):
        for pair in words.split(","):
            pattern, colon, rules = pair.rpartition(":")
            if not colon or not pattern or not rules.strip():
                raise SettingsError(f"`--per-file-ignores {words}`: write PATTERN:RULE, such as tests/**:PRD701")
            made.setdefault(pattern.strip(), []).append(rules.strip())
    return {pattern: tuple(rules) for pattern, rules in made.items()}


def request_of(given: Namespace) -> session.Request:
    """What the command line asks of a run.

    Raises SettingsError for arguments that contradict each other.
    """
    refuse_contradictions(given)
    stage = getattr(given, "stage", None)
    ignores = _per_file_ignores(given)

    def finish(settings: Settings) -> Settings:
        return with_arguments(
            settings,
            select=given.select,
            extend_select=[*given.extend_select, *((RELEASE_STAGE,) if stage == "release" else ())],
            ignore=[*given.ignore, *((RELEASE_STAGE,) if stage == "commit" else ())],
            exclude=_split(given.exclude),
            extend_exclude=given.extend_exclude,
            include_excluded=given.include_excluded,
            respect_gitignore=given.respect_gitignore,
            fail_on=getattr(given, "fail_on", None),
            allow_unchecked=getattr(given, "allow_unchecked", None),
            baseline=os.path.abspath(given.baseline) if getattr(given, "baseline", None) else None,
            strict_baseline=getattr(given, "strict_baseline", None),
            cache_dir=os.path.abspath(given.cache_dir) if getattr(given, "cache_dir", None) else None,
            honor=getattr(given, "honor", None),
            disable_overlap=getattr(given, "disable_overlap", None),
            plugins=getattr(given, "plugins", None),
            inline_ignores=getattr(given, "inline_ignores", None),
            per_file_ignores={**settings.per_file_ignores, **ignores} if ignores else None,
            no_baseline=getattr(given, "no_baseline", False),
            ruleset=getattr(given, "ruleset", None),
        )

    return session.Request(
        paths=given.paths or ["."],
        config=given.config,
        isolated=given.isolated,
        no_local=given.no_local_config,
        finish=finish,
        stdin_filename=getattr(given, "stdin_filename", None),
        exhaustive=given.exhaustive,
        jobs=given.jobs,
        today=given.today,
        root=given.root,
        cache=getattr(given, "cache", False),
        since=getattr(given, "since", "") or "",
    )


def _split(patterns: list[str] | None) -> tuple[str, ...] | None:
    return None if patterns is None else tuple(part for item in patterns for part in item.split(",") if part)


def run_once(given: Namespace, request: session.Request) -> int:
    """One run and its report."""
    also = [_further(words) for words in given.also]
    # A fix is made at each place, whether or not the report would name it.
    request.grouped = not (given.fix or given.fix_only or given.diff)
    request.progress = show_progress() if sys.stderr.isatty() and not given.quiet else None
    result = session.run(request)
    if request.progress is not None:
        sys.stderr.write("\r\x1b[K")
    if given.fix or given.fix_only or given.diff:
        return _check_and_fix(given, request, result, also)
    code = exit_code(result, given.exit_zero)
    _report(given, result, code, also)
    if code == FOUND and (told := _broken_baseline(result)):
        say(told)
    return code


def _broken_baseline(result: session.Result) -> str:
    """Why a run fails by `strict-baseline`, or "": the report may hold no finding that says it."""
    if not result.settings.strict_baseline:
        return ""
    gone, grown = len(result.stale), len(result.grown)
    parts = [f"{plural(gone, 'entry', 'entries')} no longer occur{'s' if gone == 1 else ''}"] * bool(gone)
    parts += [f"{plural(grown, 'entry was', 'entries were')} added"] * bool(grown)
    return f"the baseline may only shrink (`strict-baseline`), and {' and '.join(parts)}: this fails the run" if parts else ""


def _check_and_fix(given: Namespace, request: session.Request, result: session.Result, also: Sequence[tuple[str, str | None]]) -> int:
    from prodlint.fixes import applying

    applied = applying.apply_fixes(result, applying.wanted(result, given.unsafe_fixes), unsafe=given.unsafe_fixes)
    if given.diff:
        from prodlint.redact import Redaction

        pieces = applying.difference(applied, Redaction(result.report, result.source))
        # A file is for `git apply` and holds the lines as they are; a terminal or a log would obey what stands in them.
        write(pieces if given.output_file else map(_harmless, pieces), given.output_file)
        say(f"would fix {plural(len(applied.fixed), 'finding')}")
        return CLEAN if given.exit_zero or not applied.changed() else FOUND
    out = sys.stdout
    if result.given:  # standard input: the text goes where it is expected, the report beside it
        request.stdin = next((applied.after.get(path, raw) for path, raw in result.given.items()), b"")
        out.flush()
        out.buffer.write(request.stdin)
        out = sys.stderr
        left: list[str] = []
    else:
        left = applying.write(applied, result.report.root)
    if applied.fixed:
        result = session.run(request)
    fixed = applying.gone(applied.fixed, result.report.findings)
    for note in (*applied.notes, *(f"`{path}` was changed or cannot be written: left as it is" for path in left)):
        say(note)
    code = CLEAN if given.fix_only else exit_code(result, given.exit_zero)
    if fixed and given.exit_non_zero_on_fix and code == CLEAN:
        code = FOUND
    if not given.fix_only:
        _report(given, result, code, also, out)
    if fixed or given.fix_only:
        say(f"fixed {plural(len(fixed), 'finding')}")
    if given.show_fixes:
        for line in applying.listed(fixed, {rule.code: rule.name for rule in result.rules}):
            say(line)
    return code


def _harmless(piece: str) -> str:
    """Some lines of a diff, as they may be shown."""
    sign, line = piece[:1], piece[1:]
    return sign + escape_lines(line)


def _report(
    given: Namespace, result: session.Result, code: int, also: Sequence[tuple[str, str | None]] = (), out: TextIO | None = None
) -> None:
    """Every report that was asked for."""
    out = out or sys.stdout
    format = given.output_format or ("statistics" if given.statistics else "full" if out.isatty() else "concise")
    options = Options(
        width=_width(),
        show_suppressed=given.show_suppressed,
        statistics=given.statistics,
        unsafe_fixes=given.unsafe_fixes,
        quiet=given.quiet,
        exit_code=code,
        prefix=repository_prefix(result.report.root),
        baseline=bool(result.settings.baseline),
        base=_seen_from_here(result.report.root),
        sort=given.sort,
        min_priority=given.min_priority,
    )
    if given.sarif_category:
        options = options._replace(category=given.sarif_category)
    if given.sarif_max_results is not None:
        options = options._replace(max_results=max(given.sarif_max_results, 0))
    wanted = [(format, given.output_file), *also]
    if any(name in WITH_FIXES for name, _ in wanted) and any(finding.fix is not None for finding in result.report.findings):
        from prodlint.fixes import applying

        options = options._replace(fixes=applying.make_all(result, given.unsafe_fixes))
    for name, path in wanted:
        told = len(result.report.findings) + (len(result.report.suppressed) if given.show_suppressed else 0)
        if name == "sarif" and told > options.max_results:
            say(f"{told - options.max_results:,} findings of the lowest priority are left out of the SARIF report (`--sarif-max-results`)")
        own = options._replace(
            color=path is None and streams.wants_color(given.color),
            links=path is None and streams.wants_color(given.color) and streams.shows_links(),
            show_time=path is None and out.isatty(),
        )
        pieces = stream(result.report, name, result.rules, root=result.report.root, sources=result.source, options=own)
        if name == "sarif" and given.checklist:
            from prodlint.readiness.sarif import with_items

            pieces = with_items(pieces, request_of(given))
        if path is None and out is sys.stdout and name in FOR_PROGRAMS:
            as_utf8()
        write(pieces, path, out)


def _seen_from_here(root: str) -> str:
    """The project's root as seen from the working folder, or "" where one stands in it."""
    try:
        base = os.path.relpath(root)
    except ValueError:  # another drive
        return root
    return "" if base == os.curdir else base


def _further(words: str) -> tuple[str, str | None]:
    """What `--also` asks for: `FORMAT` or `FORMAT=FILE`."""
    name, _, path = words.partition("=")
    if name not in FORMATS:
        raise SettingsError(f"unknown format `{name}` for `--also`; there are {', '.join(sorted(FORMATS))}")
    return name, path or None


def exit_code(result: session.Result, exit_zero: bool = False) -> int:
    """0 clean, 1 findings at or above `fail-on`, 3 something asked for was not analysed, 70 a bug in prodlint."""
    settings, report = result.settings, result.report
    failing = PRIORITIES[: PRIORITIES.index(settings.fail_on) + 1] if settings.fail_on != "never" else ()
    warn_only = result.warn_only
    if exit_zero:
        return CLEAN
    if result.crashed:
        return BUG
    if settings.strict_baseline and (result.stale or result.grown):
        return FOUND
    if any(finding.priority in failing and finding.code not in warn_only for finding in report.findings):
        return FOUND
    if not settings.allow_unchecked and any(not item.analysed for item in report.unchecked):
        return UNCHECKED
    return CLEAN


def write(pieces: Iterator[str], path: str | None, out: TextIO | None = None) -> None:
    """To standard output, or whole into a file by rename. A device or a pipe (`/dev/null`, `/dev/stderr`) is written to and stays what it is."""
    if path is None or path == "-":
        out = out or sys.stdout
        for piece in pieces:
            out.write(piece)
        out.flush()
        return
    path = os.path.realpath(path)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as device:
                for piece in pieces:
                    device.write(piece)
            return
        with written_whole(path) as handle:
            for piece in pieces:
                # What cannot be encoded are the bytes of a file name that is not UTF-8.
                handle.write(piece.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise SettingsError(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}") from None


def _width() -> int:
    if not sys.stdout.isatty():
        return 0
    import shutil

    return shutil.get_terminal_size().columns


def show_progress(things: str = "files") -> Callable[[int, int], None]:
    """A line on the terminal once a run takes longer than half a second. things: what is counted.

    The function that is given takes how many are done, and of how many; of 0 while they are still looked for.
    """
    began = time.monotonic()
    last = began

    def say(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - began > 0.5 and now - last > 0.1:
            last = now
            sys.stderr.write(f"\r\x1b[Kchecked {done:,} of {of:,} {things}" if of else f"\r\x1b[Klooking for {things}: {done:,}")
            sys.stderr.flush()

    return say
