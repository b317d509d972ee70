"""Notebooks in the editor: the cells that are open as the file that the command line would read, and its places as those of the cells."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from prodlint.model import Finding, Span


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file that holds a line of a cell. number: from 1, in the cell; start: the column behind its quote."""

    cell: str
    number: int
    start: int
    text: str


class OpenNotebook:
    """The text of a notebook, of which each line of a code cell has a line of its own.

    cells: the address and the text of each code cell, in order.
    """

    def __init__(self, cells: Iterable[tuple[str, str]]) -> None:
        written = ['{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [']
        self._lines: dict[int, _Line] = {}
        for index, (address, text) in enumerate(cells):
            written.append(
                f'{"," if index else ""}{{"cell_type": "code", "metadata": {{}}, "outputs": [], "execution_count": null, "source": ['
            )
            for number, line in enumerate(text.splitlines(keepends=True), 1):
                comma = "," if number > 1 else ""
                quoted = json.dumps(line, ensure_ascii=False)
                written.append(f"{comma}{quoted}")
                self._lines[len(written)] = _Line(address, number, len(comma) + 2, quoted[1:-1])
            written.append("]}")
        written.append("]}")
        self.text = "\n".join(written) + "\n"

    def place(self, finding: Finding) -> tuple[str, Span] | None:
        """The cell that a finding stands in and its span there; None for what stands in no cell."""
        span = finding.span
        first, last = self._lines.get(span.line), self._lines.get(span.end_line)
        if first is None:
            return None
        start = _column(first, span.column)
        if last is None or last.cell != first.cell:
            return first.cell, Span(first.number, start, first.number + 1, 1)
        return first.cell, Span(first.number, start, last.number, _column(last, span.end_column))


def _column(line: _Line, column: int) -> int:
    """A column of the file as one of the cell's line: what was escaped there is one character here."""
    before = line.text[: max(column - line.start, 0)]
    while before:
        try:
            return len(json.loads(f'"{before}"')) + 1
        except ValueError:  # inside of an escape
            before = before[:-1]
    return 1
