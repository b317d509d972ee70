"""The verb `check`: a run, its report, its exit code."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator

from prodlint import session
from prodlint.model import PRIORITIES
from prodlint.reports import Options, repository_prefix, stream
from prodlint.settings import Settings, with_arguments

CLEAN, FOUND, MISUSED, UNCHECKED, BUG = 0, 1, 2, 3, 70


def request_of(given: Namespace) -> session.Request:
    """What the command line asks of a run."""

    def finish(settings: Settings) -> Settings:
        return with_arguments(
            settings,
            select=given.select,
            extend_select=given.extend_select,
            ignore=given.ignore,
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
        )

    return session.Request(
        paths=given.paths or ["."],
        config=given.config,
        isolated=given.isolated,
        no_local=given.no_local_config,
        finish=finish,
        stdin_filename=given.stdin_filename,
        exhaustive=given.exhaustive,
        jobs=given.jobs,
        today=given.today,
        root=given.root,
        cache=getattr(given, "cache", False),
        since=getattr(given, "since", "") or "",
    )


def _split(patterns: list[str] | None) -> tuple[str, ...] | None:
    return None if patterns is None else tuple(part for item in patterns for part in item.split(",") if part)


def check(given: Namespace) -> int:
    """Check, report, and say with the exit code how it went."""
    request = request_of(given)
    if given.show_settings or given.show_files:
        from prodlint.show import show

        return show(given, request)
    format = given.output_format or ("full" if sys.stdout.isatty() else "concise")
    request.progress = _progress() if sys.stderr.isatty() and not given.quiet else None
    result = session.run(request)
    if request.progress is not None:
        sys.stderr.write("\r\x1b[K")
    code = exit_code(result, given.exit_zero)
    options = Options(
        color=_color(given),
        width=_width(),
        show_suppressed=given.show_suppressed,
        statistics=given.statistics,
        exit_code=code,
        prefix=repository_prefix(result.report.root),
    )
    pieces = stream(result.report, format, result.rules, root=result.report.root, sources=result.source, options=options)
    write(pieces, given.output_file)
    return code


def exit_code(result: session.Result, exit_zero: bool = False) -> int:
    """0 clean, 1 findings at or above `fail-on`, 3 something asked for was not analysed, 70 a bug in prodlint."""
    settings, report = result.settings, result.report
    failing = PRIORITIES[: PRIORITIES.index(settings.fail_on) + 1] if settings.fail_on != "never" else ()
    warn_only = result.warn_only
    if exit_zero:
        return CLEAN
    if result.crashed:
        return BUG
    if settings.strict_baseline and result.stale:
        return FOUND
    if any(finding.priority in failing and finding.code not in warn_only for finding in report.findings):
        return FOUND
    if not settings.allow_unchecked and any(not item.analysed for item in report.unchecked):
        return UNCHECKED
    return CLEAN


def write(pieces: Iterator[str], path: str | None) -> None:
    """To standard output, or whole into a file by rename."""
    if path is None:
        out = sys.stdout
        for piece in pieces:
            out.write(piece)
        out.flush()
        return
    import tempfile

    from prodlint.settings import SettingsError

    directory = os.path.dirname(os.path.abspath(path))
    try:
        handle = tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=directory, prefix=".prodlint-", delete=False)
        with handle:
            for piece in pieces:
                handle.write(piece)
        mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
        os.chmod(handle.name, mode)
        os.replace(handle.name, path)
    except OSError as error:
        raise SettingsError(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _color(given: Namespace) -> bool:
    if given.output_file is not None or given.color == "never":
        return False
    if given.color == "always":
        return True
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"


def _width() -> int:
    if not sys.stdout.isatty():
        return 0
    import shutil

    return shutil.get_terminal_size().columns


def _progress() -> Callable[[int, int], None]:
    """A line on the terminal once a run takes longer than a second."""
    began = time.monotonic()
    last = began

    def say(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - began > 1 and now - last > 0.1:
            last = now
            sys.stderr.write(f"\r\x1b[Kchecked {done:,} of {of:,} files")
            sys.stderr.flush()

    return say


