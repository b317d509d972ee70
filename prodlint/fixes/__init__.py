"""Fixes: a recipe that a check gave becomes edits of files, when somebody asks for them.

A fix replaces as few bytes as it can. What cannot be done without guessing is not done: `make` gives None.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from prodlint.facts import Source
from prodlint.fixes.work import Work, newline_of
from prodlint.model import Edit, Finding, Fix

__all__ = ["KINDS", "make"]

# Kind of recipe -> where it is done; the modules are imported when met.
KINDS: dict[str, tuple[str, str]] = {
    "replace": ("text", "replace"),
    "replace-at": ("text", "replace_at"),
    "replace-word": ("text", "replace_word"),
    "remove-word": ("text", "remove_word"),
    "append-words": ("text", "append_words"),
    "insert-line-before": ("text", "insert_line_before"),
    "insert-line-after": ("text", "insert_line_after"),
    "append-lines": ("text", "append_lines"),
    "require-variable": ("text", "require_variable"),
    "drop-shell-default": ("text", "drop_shell_default"),
    "replace-value": ("python", "replace_value"),
    "set-keyword": ("python", "set_keyword"),
    "remove-keyword": ("python", "remove_keyword"),
    "drop-default": ("python", "drop_default"),
    "delete": ("python", "delete"),
    "insert-first-in-block": ("python", "insert_first_in_block"),
    "append-to-block": ("python", "append_to_block"),
    "remove-items": ("python", "remove_items"),
    "call-instead": ("python", "call_instead"),
    "insert-after-statement": ("statements", "insert_after_statement"),
    "replace-and-log": ("statements", "replace_and_log"),
    "catch-and-log": ("statements", "catch_and_log"),
    "raise-instead": ("statements", "raise_instead"),
}
# A secret shorter than this may stand in any text by chance.
_TELLING = 4

SourceOf = Callable[[str], "Source | None"]


def make(finding: Finding, kind: str, source_of: SourceOf) -> Fix | None:
    """A finding's fix, or None where there is none that is sure to do what it says.

    kind: the file's. source_of: gives a file's text by its path; None where there is no such file.
    """
    recipe = finding.fix
    source = source_of(finding.path)
    if recipe is None or source is None or kind == "notebook" or recipe.kind not in KINDS:
        return None
    arguments = dict(recipe.arguments)
    path = finding.path
    if recipe.kind == "append-lines":
        # The place of the finding is where the rule is broken; the lines go where the recipe says.
        path = arguments.get("file", path)
        target = source_of(path)
        if path.startswith("/") or ".." in path.split("/"):
            return None
    else:
        target = source
    span = finding.span
    text = target if target is not None else Source(b"")
    start, end = (
        (source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column)) if target is source else (0, 0)
    )
    work = Work(text, kind, start, end, recipe.arguments, newline_of(text.data or source.data))
    module, name = KINDS[recipe.kind]
    if kind == "python" and "import" in arguments and module == "text":
        module, name = "python", "replace_expression"
    if module in ("python", "statements") and kind != "python":
        return None
    pieces = getattr(import_module(f"prodlint.fixes.{module}"), name)(work)
    if not pieces or _moves_secret(finding, source, pieces):
        return None
    if kind == "python" and recipe.kind != "replace-at" and _loses_comment(text, pieces):
        return None
    edits = tuple(Edit(path, text.span(first, last), words) for first, last, words in sorted(pieces))
    return Fix(recipe.description, recipe.safe, edits)


def _moves_secret(finding: Finding, source: Source, pieces: list[tuple[int, int, str]]) -> bool:
    """Whether a fix writes a secret of its finding down once more."""
    for secret in finding.secrets:
        text = source.slice(source.offset_at(secret.line, secret.column), source.offset_at(secret.end_line, secret.end_column))
        if len(text) >= _TELLING and any(text in words for _, _, words in pieces):
            return True
    return False


def _loses_comment(source: Source, pieces: list[tuple[int, int, str]]) -> bool:
    """Whether what goes holds a comment that does not come back. Only an ignore is there to be deleted."""
    if not any(b"#" in source.data[start:end] for start, end, _ in pieces):
        return False
    from prodlint.fixes.syntax import comments

    return any(comment not in words for start, end, words in pieces for comment in comments(source.data, start, end))
