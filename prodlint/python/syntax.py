"""What the interpreter refuses: the syntax errors of a Python file, in CPython's own words and at its own place.

`compile` is asked, not the tree that rules are read from: that tree is tolerant on purpose, and knows nothing of indentation, of `return`
outside a function, of an argument given twice. Syntax that is newer than the interpreter that runs prodlint is no error: it is written
as older syntax of the same length first (see `newer`), so that whatever else is wrong in the file is found all the same.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from prodlint.facts import File, Problem, Source
from prodlint.python.newer import as_older, is_template
from prodlint.python.parsing import changed_statements, has_earlier, note_sound

# Above this many bytes a file is compiled in parts: some steps of `compile` are quadratic in what one module or call holds (functions
# that are equal but for their place: 20,000 in 420 kB take 26 s with CPython 3.11).
WHOLE = 64_000
# A file of eight times that with no more than these costs what its bytes cost; in parts it costs three times that.
_MOST_FUNCTIONS = 1_000
_MOST_KEYWORDS = 8_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the interpreter would not run a text. kind: "syntax"; "template", where it is Python only once something is filled in;
    "depth", where it is nested more deeply than the interpreter can follow. start, end: byte offsets, on one line."""

    kind: Literal["syntax", "template", "depth"]
    why: str
    start: int = 0
    end: int = 0


def refusal(source: Source, *, is_cell: bool = False) -> Refusal | None:
    """The first thing that the interpreter refuses in a Python file; None where it takes the file.

    is_cell: it is a cell of a notebook, where `await` may stand at the top level.
    """
    error = None
    if is_cell or not has_earlier(source) or not _is_sound_where_it_changed(source):
        error = _error_of(source, is_cell)
    if error is None:
        note_sound(source)
        return None
    if isinstance(error, SyntaxError):
        text = source.text
        older = as_older(text)
        if older != text:
            error = _error_of(Source(older.encode("utf-8")), is_cell)
        if error is None:
            return None
    if not isinstance(error, SyntaxError) or error.msg == "too many nested parentheses":
        return Refusal("depth", "nested too deeply for the interpreter")
    start, end = _place(source, error)
    line = source.position(end)[0]
    before = source.data if line >= len(source.line_starts) else source.data[: source.line_starts[line]]
    if is_template(source.text, len(before.decode("utf-8", "replace"))):
        return Refusal("template", "template that cannot be read without rendering", start, end)
    return Refusal("syntax", _words(error, source.line_text(line)), start, end)


def problems(source: Source, file: File) -> Iterator[Problem]:
    """What the interpreter refuses in a Python file: one problem or none."""
    found = refusal(source)
    if found is not None:
        yield as_problem(found, source, file, 0)


def as_problem(found: Refusal, source: Source, file: File, offset: int) -> Problem:
    """A refusal as a fact. offset: where in the source the text begins that was refused."""
    problem = Problem(source, file, offset + found.start, offset + found.end)
    problem.kind, problem.why = found.kind, found.why
    return problem


def _is_sound_where_it_changed(source: Source) -> bool:
    """Whether the interpreter takes what is not as it was in an earlier text that it has taken."""
    changed = changed_statements(source)
    return changed is not None and len(changed) <= WHOLE and _error_of(Source(changed), is_cell=False) is None


def _error_of(source: Source, is_cell: bool) -> Exception | None:
    """What `compile` raises. Nothing is run, and no warning comes out."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if is_cell else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if _is_quick(source.data):
                _compile(source.text, flags)
            else:
                _compile_in_parts(source, flags)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError, SystemError) as error:
            # Without its frames, which hold the text.
            return error.with_traceback(None)
    return None


def _is_quick(data: bytes) -> bool:
    """Whether a file is compiled at once: a small one, or one with too few functions and keywords for a quadratic step to be felt."""
    if len(data) <= WHOLE:
        return True
    if len(data) > 8 * WHOLE:
        return False
    return data.count(b"def") + data.count(b"lambda") <= _MOST_FUNCTIONS and data.count(b"=") <= _MOST_KEYWORDS


def _compile(code: str | ast.Module, flags: int) -> None:
    compile(code, "<file>", "exec", flags, dont_inherit=True, optimize=0)


def _compile_in_parts(source: Source, flags: int) -> None:
    import symtable

    text = source.text
    symtable.symtable(text, "<file>", "exec")
    tree = compile(text, "<file>", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True, optimize=0)
    for part in _parts(tree.body, source.line_starts):
        _compile(ast.Module(part, []), flags)


def _parts(body: Sequence[ast.stmt], lines: Sequence[int]) -> Iterator[list[ast.stmt]]:
    """Runs of statements of bounded size; of a larger class, runs of what stands in it.

    Any other statement of that size is data, or one function: what only the last steps of `compile` say of it is left unsaid.
    """
    waiting: list[ast.stmt] = []
    total = 0
    for statement in body:
        size = lines[min(statement.end_lineno or statement.lineno, len(lines) - 1)] - lines[statement.lineno - 1]
        if size > WHOLE:
            if isinstance(statement, ast.ClassDef):
                for part in _parts(statement.body, lines):
                    yield [_class_of(statement, part)]
            continue
        if waiting and total + size > WHOLE:
            yield waiting
            waiting, total = [], 0
        waiting.append(statement)
        total += size
    if waiting:
        yield waiting


def _class_of(whole: ast.ClassDef, body: list[ast.stmt]) -> ast.ClassDef:
    made = copy.copy(whole)
    made.body, made.bases, made.keywords, made.decorator_list = body, [], [], []
    return made


def _place(source: Source, error: SyntaxError) -> tuple[int, int]:
    """The bytes that the interpreter points at, as far as they stand on one line."""
    starts = source.line_starts
    line = min(max(error.lineno or 1, 1), len(starts))
    text = source.line_text(line)
    column = error.offset or 1
    # Before 3.12 columns within an f-string are counted from its field.
    if column < 1 or (error.msg.startswith("f-string:") and sys.version_info < (3, 12)):
        column = len(text) - len(text.lstrip()) + 1
    start = end = source.offset_at(line, min(column, len(text) + 1))
    if error.end_lineno == error.lineno and (error.end_offset or 0) > column:
        end = source.offset_at(line, min(error.end_offset or 0, len(text) + 1))
    return start, end


# What Python 2 wrote and Python 3 refuses, as it stands on the line.
_PYTHON_2 = (
    ("`print` as a statement", re.compile(r"(?:^|[;:])\s*print\s+[^\s=(.,:]")),
    ("`exec` as a statement", re.compile(r"(?:^|[;:])\s*exec\s+[\w\"']")),
    ("`except E, error`", re.compile(r"^\s*except\s+(?:[\w.]+|\([^()]*\))\s*,\s*\w+\s*:")),
    ("`raise E, value`", re.compile(r"^\s*raise\s+[\w.]+\s*,")),
    ("`<>`", re.compile(r"[\w)\]\"']\s*<>\s*[\w(\[\"'-]")),
    ("backquotes", re.compile(r"`[^`]+`")),
    ("an octal number such as `0755`", re.compile(r"(?<![\w.])0[0-7]+(?![\w.])")),
    ("a long number such as `10L`", re.compile(r"(?<![\w.])\d+[lL]\b")),
    ("`ur` before a string", re.compile(r"(?<!\w)[uU][rR][\"']")),
)
# The messages that such a line brings; any other is no matter of versions.
_OF_VERSIONS = (
    "invalid syntax",
    "Missing parentheses in call to",
    "multiple exception types",
    "leading zeros in decimal",
    "invalid decimal literal",
)


def _words(error: SyntaxError, line: str) -> str:
    said = re.sub(r"\s+", " ", error.msg.strip())[:200]
    if said.startswith(_OF_VERSIONS):
        for name, pattern in _PYTHON_2:
            if pattern.search(line):
                return f"{said} ({name}: Python 2)"
    return said
