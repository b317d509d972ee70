"""The verb `fleet`: many repositories, the page about them, and what has changed."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prodlint.commands.check import CLEAN, FOUND, UNCHECKED, show_progress, write
from prodlint.commands.streams import as_utf8, say
from prodlint.configuration.settings import SettingsError
from prodlint.model import PRIORITIES

if TYPE_CHECKING:
    from prodlint.fleet.dataset import Dataset, RunNote
    from prodlint.fleet.organisation import Organisation
    from prodlint.fleet.run import Outcome


def run(given: Namespace) -> int:
    """Check the repositories, and say with the exit code how they stand: 1 where the organisation's demands are not met, 3 where one could not be
    checked."""
    _need("distributed", "pyarrow")
    from prodlint.fleet import cluster, keys, organisation, sources
    from prodlint.fleet import run as running
    from prodlint.fleet.dataset import Dataset

    if given.workers < 0 or given.timeout < 0 or given.split < 0:
        raise SettingsError("`--workers`, `--timeout` and `--split` are numbers from 0")
    listed = sources.read(given.sources)
    page = organisation.read(given.organisation) if given.organisation else organisation.Organisation()
    dataset = Dataset(given.out)
    os.makedirs(dataset.directory, exist_ok=True)
    key = keys.key_for(dataset.directory, given.key_file)
    memory = cluster.memory_of(given.memory_limit, given.workers)
    wishes = running.Wishes(given.timeout, memory, given.split, given.resume, given.today)
    progress = show_progress("repositories") if sys.stderr.isatty() else None
    done = 0

    def note(count: int, of: int) -> None:
        nonlocal done
        done = count
        if progress is not None:
            progress(count, of)

    try:
        with cluster.connected(given.scheduler, given.client, given.workers) as client:
            outcome = running.run(client, listed, dataset, page, key, wishes, note)
    except KeyboardInterrupt:
        say(f"interrupted: {done:,} of {len(listed):,} repositories are in the dataset; `--resume` goes on")
        raise
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")
    say(_told(outcome, dataset.directory))
    return exit_code(given, dataset, outcome.run, page, outcome.failed)


def report(given: Namespace) -> int:
    """Tell a run, and say with the exit code how it stands."""
    _need("pyarrow")
    from prodlint.fleet import organisation
    from prodlint.fleet.dataset import Dataset
    from prodlint.fleet.summary import summary

    page = organisation.read(given.organisation) if given.organisation else organisation.Organisation()
    dataset = Dataset(given.dataset)
    told = summary(dataset, dataset.run(given.run), page, given.today)
    format = given.output_format or _by_name(given.output_file)
    if given.output_file is None:
        as_utf8()
    write(_pieces(told, format), given.output_file)
    failed = sum(row["status"] == "failed" for row in told["repositories"])
    return exit_code(given, dataset, dataset.run(given.run), page, failed)


def diff(given: Namespace) -> int:
    """What is new and what is gone between two runs. 1 where something as grave as `--fail-on` is new."""
    _need("pyarrow")
    from prodlint.fleet import report_csv, report_markdown
    from prodlint.fleet.summary import difference

    if len(given.datasets) > 2:
        raise SettingsError("`prodlint fleet diff` compares two runs: `A B`, or `DIR` for its last two")
    (before, old), (now, new) = _two(given.datasets)
    told = difference(before, old, now, new)
    format = given.output_format or _by_name(given.output_file)
    if given.output_file is None:
        as_utf8()
    if format == "csv":
        write(report_csv.write_difference(told), given.output_file)
    elif format == "json":
        write(_json(told), given.output_file)
    else:
        write(report_markdown.write_difference(told), given.output_file)
    failing = PRIORITIES[: PRIORITIES.index(given.fail_on) + 1] if given.fail_on in PRIORITIES else ()
    return FOUND if any(row["priority"] in failing for row in told["new"]) else CLEAN


def _two(words: list[str]) -> list[tuple[Dataset, RunNote]]:
    """The runs that two words name, each a directory or `DIR@RUN`; of one the last two whole runs."""
    from prodlint.fleet.dataset import Dataset

    if len(words) == 1:
        dataset = Dataset(words[0])
        whole = [run for run in dataset.runs() if run.whole]
        if len(whole) < 2:
            raise SettingsError(f"`{words[0]}` holds fewer than two whole runs")
        return [(dataset, whole[-2]), (dataset, whole[-1])]
    found = []
    for word in words:
        directory, at, run = (word, "", "") if os.path.isdir(word) else word.rpartition("@")
        if not at and not os.path.isdir(directory):
            raise SettingsError(f"`{word}`: no such directory; write DIR or DIR@RUN")
        dataset = Dataset(directory)
        found.append((dataset, dataset.run(run)))
    return found


_ENDINGS = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".csv": "csv"}


def _by_name(path: str | None) -> str:
    return next((format for ending, format in _ENDINGS.items() if path and path.endswith(ending)), "markdown")


def _pieces(told: Mapping[str, Any], format: str) -> Iterator[str]:
    if format == "json":
        return _json(told)
    from importlib import import_module

    pieces: Iterator[str] = import_module(f"prodlint.fleet.report_{format}").write(told)
    return pieces


def _json(told: Mapping[str, Any]) -> Iterator[str]:
    import json

    yield json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def exit_code(given: Namespace, dataset: Dataset, run: RunNote, page: Organisation, failed: int) -> int:
    """How a run stands."""
    from prodlint.fleet.policy import judge

    if page.demands:
        judgement = judge(dataset, run, page, given.today)
        for each in judgement.ended:
            say(f"the exemption of {', '.join(each.repositories)} ended on {each.until}: {each.reason}")
        counting = judgement.counting
        for short in counting[:_SAID]:
            say(f"{short.repository} ({short.tier}): {short.words}")
        if len(counting) > _SAID:
            say(f"and {len(counting) - _SAID:,} more")
        if counting:
            return FOUND
    return UNCHECKED if failed and not given.allow_unchecked else CLEAN


# Shortfalls that are said on the terminal; the report lists all of them.
_SAID = 20


def _told(outcome: Outcome, directory: str) -> str:
    parts = [f"{outcome.checked + outcome.partly:,} repositories checked"]
    if outcome.partly:
        parts[0] += f" ({outcome.partly:,} of them with files that could not be read)"
    if outcome.unchanged:
        parts.append(f"{outcome.unchanged:,} unchanged")
    if outcome.failed:
        parts.append(f"{outcome.failed:,} could not be checked (table `errors`)")
    found = ", ".join(f"{count:,} {priority.upper()}" for priority, count in outcome.findings.items())
    return f"{', '.join(parts)}; findings: {found}; run {outcome.run.id} in {os.path.relpath(directory)}"


def _need(*modules: str) -> None:
    """See that the extra is installed.

    Raises SettingsError.
    """
    from importlib.util import find_spec

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SettingsError(f"`prodlint fleet` needs `pip install 'prodlint[fleet]'` ({', '.join(missing)} is missing)")
