"""What a fleet's runs have found, as Parquet: five tables, each a folder, partitioned by the day and the run.

    DIR/findings/run_date=2026-11-30/run=20261130-135500/part-000000.parquet

One *batch* of repositories is one file in each table, of the same name; the one in `repositories` is written last and says that the batch is whole. So a
run that is stopped at any moment leaves a dataset in which every repository that is named has all its rows (`sweep` takes away what a killed run left). A
name that begins with `_` or `.` is no part of a table: `_runs/` holds one small JSON file a run.

The schema is described in `docs/fleet.md`; its version stands in each file under `prodlint_schema`. A version may gain columns; what a column means changes
only with the version.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prodlint import __version__
from prodlint.configuration.settings import SettingsError
from prodlint.writing import write_whole

SCHEMA_VERSION = 1
TABLES = ("repositories", "findings", "items", "files", "errors")
# Why a repository could not be checked: by `errors.kind`.
ERRORS = {
    "unreachable": "it is not there, or git cannot bring it",
    "settings": "its settings or rule pages are wrong",
    "time": "it takes longer than `--timeout`",
    "memory": "it takes more than `--memory-limit`",
    "killed": "the process that read it ended",
    "worker": "the worker was lost each time, or is not the one that it should be",
    "changed": "it changed while its parts were checked",
    "machine": "the machine refused something",
    "bug": "a bug in prodlint",
}
# A name that no reader of partitions takes for a date or a number.
_RUN = re.compile(r"\d{8}-\d{6}")
_COMMON = (("repository", "string"), ("ref", "string"), ("commit", "string"))
_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "repositories": (
        *_COMMON,
        ("source", "string"),
        ("status", "string"),
        ("level", "string"),
        ("level_possible", "string"),
        ("percent", "int32"),
        ("p0", "int32"),
        ("p1", "int32"),
        ("p2", "int32"),
        ("secrets", "int32"),
        ("file_count", "int32"),
        ("unchecked", "int32"),
        ("services", "texts"),
        ("owner", "string"),
        ("seconds", "float64"),
        ("state", "string"),
        ("rules", "string"),
        ("prodlint", "string"),
        ("checked_at", "time"),
    ),
    "findings": (
        *_COMMON,
        ("service", "string"),
        ("code", "string"),
        ("rule", "string"),
        ("category", "string"),
        ("priority", "string"),
        ("path", "string"),
        ("line", "int32"),
        ("column", "int32"),
        ("fingerprint", "string"),
        ("message", "string"),
        ("owner", "string"),
        ("secret", "string"),
        ("suppressed", "string"),
        ("reason", "string"),
    ),
    "items": (
        *_COMMON,
        ("item", "string"),
        ("title", "string"),
        ("category", "string"),
        ("priority", "string"),
        ("level", "string"),
        ("verdict", "string"),
        ("because", "string"),
    ),
    "files": (
        *_COMMON,
        ("path", "string"),
        ("kind", "string"),
        ("roles", "string"),
        ("owner", "string"),
        ("findings", "int32"),
        ("unchecked", "string"),
    ),
    "errors": (*_COMMON, ("source", "string"), ("kind", "string"), ("why", "string"), ("at", "time")),
}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunNote:
    """What is known of a run as a whole. id: when it began, in UTC, as `20261130-135500`. whole: whether it came to its end. sources: how many
    repositories it was to check."""

    id: str
    whole: bool
    sources: int

    @property
    def day(self) -> str:
        """The day on which it began (UTC), YYYY-MM-DD."""
        return f"{self.id[:4]}-{self.id[4:6]}-{self.id[6:8]}"


@lru_cache(maxsize=1)
def schemas() -> dict[str, Any]:
    """The schema of each table, without the columns that its folders say."""
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "int32": pa.int32(),
        "float64": pa.float64(),
        "texts": pa.list_(pa.string()),
        "time": pa.timestamp("s", tz="UTC"),
    }
    notes = {"prodlint_schema": str(SCHEMA_VERSION)}
    return {name: pa.schema([(column, kinds[kind]) for column, kind in columns], metadata=notes) for name, columns in _COLUMNS.items()}


class Dataset:
    """The dataset in a directory."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.abspath(directory)

    def runs(self) -> list[RunNote]:
        """The runs, the oldest first.

        Raises SettingsError for a dataset of another version.
        """
        found = []
        with suppress(FileNotFoundError):
            for name in sorted(os.listdir(os.path.join(self.directory, "_runs"))):
                if not name.startswith(".") and name.endswith(".json"):
                    found.append(self._note(os.path.join(self.directory, "_runs", name)))
        return found

    def _note(self, path: str) -> RunNote:
        try:
            with open(path, encoding="utf-8") as handle:
                told = json.load(handle)
            note = RunNote(str(told["run"]), bool(told["whole"]), int(told["sources"]))
            version = told["schema_version"]
        except (OSError, ValueError, KeyError, TypeError):
            raise SettingsError(f"`{os.path.relpath(path)}` does not tell of a run") from None
        if version != SCHEMA_VERSION or not _RUN.fullmatch(note.id):
            raise SettingsError(f"`{os.path.relpath(self.directory)}` has schema {version}; this prodlint reads {SCHEMA_VERSION}")
        return note

    def run(self, name: str = "") -> RunNote:
        """The newest run that came to its end, else the newest; or the newest whose id or day begins like a name.

        Raises SettingsError.
        """
        runs = [run for run in self.runs() if not name or run.id.startswith(name) or run.day.startswith(name)]
        if not runs:
            what = f"no run `{name}`" if name else "no run of `prodlint fleet`"
            raise SettingsError(f"`{os.path.relpath(self.directory)}` holds {what}")
        return next((run for run in reversed(runs) if run.whole or name), runs[-1])

    def table(self, name: str, runs: Sequence[RunNote], columns: Sequence[str] | None = None, where: Any = None) -> Any:
        """The rows of some runs as a pyarrow table, with `run` and `run_date` where no columns are chosen. where: a filter of pyarrow."""
        import pyarrow as pa

        found = self.open(name, runs)
        if found is None:
            schema = schemas()[name]
            empty = pa.schema([*schema, ("run_date", pa.string()), ("run", pa.string())]).empty_table()
            return empty.select(list(columns)) if columns is not None else empty
        return found.to_table(columns=list(columns) if columns is not None else None, filter=where)

    def open(self, name: str, runs: Sequence[RunNote]) -> Any:
        """Some runs of a table as a pyarrow dataset; None where they have no row in it."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        files = [path for run in runs for path in self.files(name, run)]
        if not files:
            return None
        named = pa.schema([("run_date", pa.string()), ("run", pa.string())])
        schema = pa.schema([*schemas()[name], *named])
        parts = ds.partitioning(named, flavor="hive")
        return ds.dataset(files, schema=schema, partitioning=parts, partition_base_dir=os.path.join(self.directory, name), format="parquet")

    def folder(self, name: str, run: RunNote) -> str:
        """Where a run's rows of a table are."""
        return os.path.join(self.directory, name, f"run_date={run.day}", f"run={run.id}")

    def files(self, name: str, run: RunNote) -> list[str]:
        """The files of a run's rows of a table, in order; each holds a batch of repositories, under the same name in every table."""
        folder = self.folder(name, run)
        with suppress(FileNotFoundError):
            return sorted(os.path.join(folder, each) for each in os.listdir(folder) if each.startswith("part-"))
        return []

    def sweep(self, run: RunNote) -> None:
        """Take away the files of batches that are not whole: what a run that was killed has left."""
        whole = {os.path.basename(path) for path in self.files("repositories", run)}
        for name in TABLES:
            folder = self.folder(name, run)
            with suppress(FileNotFoundError):
                for each in os.listdir(folder):
                    if each not in whole:
                        os.unlink(os.path.join(folder, each))


class Writer:
    """Writes one run. Rows are kept until there are enough of them for a file."""

    # Repositories and rows of one file: few enough that a killed run loses little, many enough that files are few.
    MOST_REPOSITORIES = 250
    MOST_ROWS = 200_000

    def __init__(self, dataset: Dataset, run: str, sources: int) -> None:
        self.dataset = dataset
        self.note = RunNote(run, False, sources)
        self._rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._batches = 0
        for name in TABLES:
            os.makedirs(dataset.folder(name, self.note), exist_ok=True)
        os.makedirs(os.path.join(dataset.directory, "_runs"), exist_ok=True)
        self._say(whole=False)

    def add(self, rows: Mapping[str, Iterable[Row]]) -> None:
        """Everything of one repository, by table."""
        # Its own row comes last, so that where this is interrupted the others are known to be no whole repository's.
        for name in sorted(rows, key=lambda name: name == "repositories"):
            self._rows[name].extend(rows[name])
        if len(self._rows["repositories"]) >= self.MOST_REPOSITORIES or sum(map(len, self._rows.values())) >= self.MOST_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        import pyarrow as pa

        if not self._rows["repositories"]:
            return
        whole = {row["repository"] for row in self._rows["repositories"]}
        told = {name: [row for row in rows if row["repository"] in whole] for name, rows in self._rows.items()}
        self._write({name: pa.Table.from_pylist(rows, schema=schemas()[name]) for name, rows in told.items()})
        for rows in self._rows.values():
            rows.clear()

    def copy(self, earlier: Sequence[RunNote], names: Mapping[str, str]) -> None:
        """Take over the rows of repositories from earlier runs. names: by repository, the id of the run that saw it last."""
        import pyarrow.compute as pc
        import pyarrow.dataset as ds

        for run in earlier:
            mine = [name for name, seen in names.items() if seen == run.id]
            if not mine:
                continue
            wanted = pc.field("repository").isin(mine)
            # Batch by batch, in one pass: what lies in memory does not grow with the fleet.
            for batch in map(os.path.basename, self.dataset.files("repositories", run)):
                paths = {name: os.path.join(self.dataset.folder(name, run), batch) for name in TABLES}
                self._write(
                    {
                        name: ds.dataset([path], schema=schemas()[name], format="parquet").to_table(filter=wanted)
                        for name, path in paths.items()
                        if os.path.exists(path)
                    }
                )

    def _write(self, tables: Mapping[str, Any]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not tables["repositories"].num_rows:
            return
        name = f"part-{self._batches:06d}.parquet"
        self._batches += 1
        for table in sorted(tables, key=lambda table: table == "repositories"):
            if not tables[table].num_rows:
                continue
            sink = pa.BufferOutputStream()
            pq.write_table(tables[table].sort_by("repository"), sink, compression="zstd")
            write_whole(os.path.join(self.dataset.folder(table, self.note), name), sink.getvalue().to_pybytes())

    def close(self, whole: bool) -> None:
        """Write the rest, and say whether the run came to its end."""
        self.flush()
        self.dataset.sweep(self.note)
        self._say(whole)

    def _say(self, whole: bool) -> None:
        self.note = RunNote(self.note.id, whole, self.note.sources)
        told = {
            "schema_version": SCHEMA_VERSION,
            "prodlint": __version__,
            "run": self.note.id,
            "whole": whole,
            "sources": self.note.sources,
        }
        write_whole(os.path.join(self.dataset.directory, "_runs", f"{self.note.id}.json"), f"{json.dumps(told, indent=2)}\n".encode())


def rows_of(table: Any) -> Iterator[dict[str, Any]]:
    """A pyarrow table row by row."""
    for batch in table.to_batches():
        yield from batch.to_pylist()
