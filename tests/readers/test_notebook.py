"""Notebooks: code of all cells, places of the raw file."""

from __future__ import annotations

import ast
import json

import pytest

from prodlint.facts import File, Source
from prodlint.readers import notebook

CELLS = [
    {"cell_type": "markdown", "source": ["text"]},
    {
        "cell_type": "code",
        "source": ["import os\n", "%matplotlib inline\n", 'x = "a\té"\n', "!pip install x\n", "if x:\n", "    %time x\n", "os?"],
        "outputs": [{"a": [1, 2]}],
    },
    {"cell_type": "code", "source": "%%bash\nls"},
    {"cell_type": "code", "source": "a = 1\nb = 'q'"},
]


@pytest.mark.parametrize("layout", [{"indent": 1}, {}, {"indent": 1, "ensure_ascii": False}])
def test_code_and_places(layout: dict[str, object]) -> None:
    raw = Source(json.dumps({"cells": CELLS, "metadata": {}}, **layout).encode())  # type: ignore[arg-type]
    code = notebook.cells(raw)
    assert next(ast.unparse(node) for node in ast.parse(code.data).body) == "import os"
    for word, place in (
        (b"import", "cell 2, line 1"),
        ("é".encode(), "cell 2, line 3"),
        (b"a = 1", "cell 4, line 1"),
        (b"b = ", "cell 4, line 2"),
    ):
        at = code.data.find(word)
        span = code.span(at, at + len(word))
        assert code.place(span) == place
        assert code.offset_at(span.line, span.column) == at
        written = raw.slice(raw.offset_at(span.line, span.column), raw.offset_at(span.end_line, span.end_column))
        assert written in (word.decode(), "\\u00e9")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cells": 3}', '{"cells": [1]}', '{"cells": [{"source": ', "x" * 100])
def test_what_is_no_notebook_is_said(text: str) -> None:
    source = Source(text.encode())
    assert notebook.cells(source).data == b""
    assert notebook.unreadable(source, File("x.ipynb", "notebook")) is not None
