"""Readers: one module a file kind, bytes -> facts."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.facts import Fact, File, Source
from prodlint.readers.decoding import Undecodable, decode
from prodlint.readers.request import FactRequest

__all__ = ["FactRequest", "Undecodable", "decode", "read"]


def read(source: Source, file: File, wanted: FactRequest) -> Iterator[Fact]:
    """The facts of a file, and as Problems what cannot be read of it."""
    if file.kind == "python":
        if wanted.check_syntax:
            from prodlint.python import syntax

            yield from syntax.problems(source, file)
        if wanted.kinds:
            from prodlint.readers import python

            yield from python.read(source, file, wanted)
    elif file.kind == "notebook":
        yield from _of_notebook(source, file, wanted)
    else:
        from prodlint.readers import configuration

        yield from configuration.read(source, file, wanted.kinds)


def _of_notebook(source: Source, file: File, wanted: FactRequest) -> Iterator[Fact]:
    from prodlint.readers import notebook, python

    cells = source.derived.get("cells")
    if not isinstance(cells, notebook.Notebook):
        cells = source.derived["cells"] = notebook.cells(source)
    if not cells.lines and (problem := notebook.unreadable(source, file)) is not None:
        yield problem
    if wanted.check_syntax:
        yield from notebook.problems(cells, file)
    if wanted.kinds:
        # The anchors' offsets are those of the raw file.
        wanted.offsets = {}
        yield from python.read(cells, file, wanted)
