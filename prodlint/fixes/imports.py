"""Imports that a fix needs: reused under the name they have, or added once where they belong."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.fixes.syntax import Node, identifiers, root_of, text_of, upwards
from prodlint.fixes.work import Piece, Work

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_DEFINITIONS = ("function_definition", "class_definition", "decorated_definition")
# Statements at module level whose parts run when the module is imported.
_OPEN = ("try_statement", "with_statement")


@dataclass(frozen=True, slots=True)
class _Import:
    """One imported name: `name` here stands for `qualified`; `module` is set for `from module import`."""

    name: str
    qualified: str
    module: str
    statement: Node


def with_import(work: Work, text: str, wanted: str) -> tuple[str, list[Piece]] | None:
    """A text that uses `wanted` (a module, or a name of one) as this file can write it, and the edit that imports it if none does.

    None where the name it would take is another thing here.
    """
    root = root_of(work.source.data)
    known = list(_visible(root, work))
    is_module = re.search(rf"(?<![\w.]){re.escape(wanted)}\.", text) is not None
    module, _, name = ("", "", wanted) if is_module else wanted.rpartition(".")
    if is_module:
        for each in known:
            if each.qualified == wanted and not each.module or each.name == wanted == each.qualified.split(".")[0]:
                # `import a.b` binds `a`, and the text says `a.b` already.
                return text if each.name == wanted.split(".", maxsplit=1)[0] else _renamed(text, wanted, each.name), []
        parts = set(re.findall(rf"(?<![\w.]){re.escape(wanted)}\.(\w+)", text))
        bound = {each.qualified: each.name for each in known}
        if parts and all(f"{wanted}.{part}" in bound for part in parts):
            for part in parts:
                text = _renamed(text, f"{wanted}.{part}", bound[f"{wanted}.{part}"])
            return text, []
    else:
        for each in known:
            if each.qualified == wanted:
                return _renamed(text, name, each.name), []
        for each in known:
            if each.qualified == module and not each.module:
                return _renamed(text, name, f"{each.name}.{name}"), []
    head = wanted.partition(".")[0]
    taken = any(True for _ in identifiers(root, head if is_module else name))
    if is_module and head != wanted and any(each.qualified == each.name == head for each in known):
        taken = False  # the package is imported, only this part of it is not
    # Where some function imports the module for itself, the name means the same all over the file.
    if taken and not (is_module and re.search(rf"(?m)^[ \t]+import {re.escape(wanted)}[ \t]*(?:#.*)?\r?$", work.source.text)):
        return None
    piece = _added(work, root, module, name)
    return None if piece is None else (text, [piece])


def _renamed(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w])", lambda _: new, text)


# ---------------------------------------------------------------- what is there


def _visible(root: Node, work: Work) -> Iterator[_Import]:
    """The names imported for sure where the place is: at module level, and earlier in the functions around it."""
    for child in root.children:
        if child.type in _IMPORTS:
            yield from _names(child)
        elif child.type in _OPEN:
            for inner in child.children:
                for statement in inner.children if inner.type == "block" else ():
                    if statement.type in _IMPORTS:
                        yield from _names(statement)
    place = root.descendant_for_byte_range(work.start, work.end)
    for around in upwards(place):
        if around.type == "block" and around.parent is not None and around.parent.type == "function_definition":
            for statement in around.children:
                if statement.type in _IMPORTS and statement.end_byte <= work.start:
                    yield from _names(statement)


def _names(statement: Node) -> Iterator[_Import]:
    module = text_of(statement.child_by_field_name("module_name"))
    for item in statement.children_by_field_name("name"):
        if item.type == "aliased_import":
            name = text_of(item.child_by_field_name("name"))
            alias = text_of(item.child_by_field_name("alias"))
            yield _Import(alias, f"{module}.{name}" if module else name, module, statement)
        else:
            name = text_of(item)
            # `import a.b` binds `a`.
            yield _Import(name if module else name.split(".")[0], f"{module}.{name}" if module else name, module, statement)


# ---------------------------------------------------------------- adding one


def _added(work: Work, root: Node, module: str, name: str) -> Piece | None:
    top = [child for child in root.children if child.type in _IMPORTS]
    if module:
        for statement in top:
            if text_of(statement.child_by_field_name("module_name")) == module and statement.end_byte <= work.start:
                piece = _into_list(work, statement, name)
                if piece is not None:
                    return piece
    return _new_statement(work, root, module, name)


def _into_list(work: Work, statement: Node, name: str) -> Piece | None:
    """The name among those of `from module import a, b`, in order where they are in order."""
    names = statement.children_by_field_name("name")
    if not names or b"\\" in (statement.text or b""):
        return None
    following = next((item for item in names if _order(text_of(item)) > _order(name)), None)
    ordered = [_order(text_of(item)) for item in names]
    if following is not None and ordered == sorted(ordered):
        return (following.start_byte, following.start_byte, f"{name},{_gap(work, names, following)}")
    last = names[-1]
    return (last.end_byte, last.end_byte, f",{_gap(work, names, last)}{name}")


def _gap(work: Work, names: list[Node], at: Node) -> str:
    """What stands between two names of the list: a blank, or a new line where each has its own."""
    starts_line = not work.source.data[work.line_start(at.start_byte) : at.start_byte].strip()
    return f"{work.newline}{work.indentation(at.start_byte)}" if starts_line else " "


def _order(name: str) -> tuple[int, str]:
    name = name.partition(" ")[0]
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def _section(module: str) -> int:
    """Where a module's import belongs: `__future__`, the standard library, packages, the project's own."""
    if module.startswith("."):
        return 3
    root = module.partition(".")[0]
    return 0 if root == "__future__" else 1 if root in sys.stdlib_module_names else 2


def _module_of(statement: Node) -> str:
    if statement.type == "future_import_statement":
        return "__future__"
    if statement.type == "import_from_statement":
        return text_of(statement.child_by_field_name("module_name"))
    return next((text_of(item.child_by_field_name("name") or item) for item in statement.children_by_field_name("name")), "")


def _leading(root: Node) -> list[Node]:
    """The imports at the head of the file, before its first function or class."""
    found: list[Node] = []
    for child in root.children:
        if child.type in _IMPORTS:
            found.append(child)
        elif child.type in _DEFINITIONS or (found and found[-1].type != "future_import_statement" and child.type != "comment"):
            break
    return found


def _new_statement(work: Work, root: Node, module: str, name: str) -> Piece | None:
    text = f"from {module} import {name}" if module else f"import {name}"
    own = _section(module or name)
    leading = _leading(root)
    near = _beside(leading, module or name, bool(module), own)
    if near is not None:
        statement, after = near
        at = work.line_end(statement.end_byte) if after else work.line_start(statement.start_byte)
        return _line(work, at, text)
    earlier = [each for each in leading if _section(_module_of(each)) < own]
    later = [each for each in leading if _section(_module_of(each)) > own]
    if earlier:
        piece = _line(work, work.line_end(earlier[-1].end_byte), text)
        return None if piece is None else (piece[0], piece[1], work.newline + piece[2])
    if later:
        return _line(work, work.line_start(later[0].start_byte), text, blank_after=True)
    first = next((child for child in root.children if child.type != "comment" and not _is_docstring(child)), None)
    if first is None:
        return None
    at = work.line_start(first.start_byte)
    # Comments right above the first statement belong to it.
    line = work.source.position(at)[0]
    while line > 1 and work.source.line_text(line - 1).startswith("#") and not work.source.line_text(line - 1).startswith("#!"):
        line -= 1
    return _line(work, work.source.line_starts[line - 1], text, blank_after=True)


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and len(node.children) == 1 and node.children[0].type in ("string", "concatenated_string")


def _beside(leading: list[Node], module: str, is_from: bool, section: int) -> tuple[Node, bool] | None:
    """The import to stand beside, and whether after it: the nearest in order among those of its section and form."""
    root = module.partition(".")[0]
    same = [each for each in leading if _section(_module_of(each)) == section and each.type != "future_import_statement"]
    if not same:
        return None
    wanted = "import_from_statement" if is_from else "import_statement"
    group = [each for each in same if each.type == wanted]
    kin = [each for each in group if _module_of(each).split(".")[0] == root]
    smaller = [each for each in group if _module_of(each).lower() < module.lower()]
    if kin and not smaller:
        return kin[0], False
    if smaller:
        return (smaller if _is_sorted(group) else group)[-1], True
    if group:
        return group[0], False
    # `import a` stands before `from b import c`.
    return (same[-1], True) if is_from else (same[0], False)


def _is_sorted(group: list[Node]) -> bool:
    names = [_module_of(each).lower() for each in group]
    return names == sorted(names)


def _line(work: Work, at: int, text: str, blank_after: bool = False) -> Piece | None:
    if at > work.line_start(work.start):
        return None
    data = work.source.data
    before = work.newline if at and data[at - 1 : at] not in (b"\n", b"\r") else ""
    return (at, at, f"{before}{text}{work.newline}{work.newline if blank_after else ''}")
