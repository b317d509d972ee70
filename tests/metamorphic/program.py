"""The same Python program said with other words: other imports, other names, other brackets, another place."""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Callable, Iterator

Rewrite = Callable[[str], str | None]


class Edits:
    """Changes of a text by UTF-8 offsets, as `ast` counts columns."""

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8")
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.changes: list[tuple[int, int, bytes, int]] = []

    def start(self, node: ast.AST) -> int:
        """Where a node begins."""
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Where a node ends."""
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def replace(self, start: int, end: int, words: str) -> None:
        """Put words in the place of a range."""
        self.changes.append((start, end, words.encode("utf-8"), len(self.changes)))

    def source(self, node: ast.AST) -> str:
        """A node's own text."""
        return self.data[self.start(node) : self.end(node)].decode("utf-8")

    def made(self) -> str | None:
        """The changed text; None where nothing changed."""
        if not self.changes:
            return None
        data = self.data
        for start, end, words, _ in sorted(self.changes, key=lambda change: (change[0], change[1], change[3]), reverse=True):
            data = data[:start] + words + data[end:]
        return data.decode("utf-8")


def _bound(tree: ast.Module) -> list[str]:
    """Every name that is bound somewhere, as often as it is."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.append(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, ast.arg):
            found.append(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.append(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.extend(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.extend(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            found.append(node.name)
    return found


def _uses(tree: ast.Module, name: str) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]


def _imports(text: str) -> Iterator[tuple[ast.Module, Edits, ast.Import | ast.ImportFrom, ast.alias, str]]:
    """The imported names that are bound once, of one-line imports at the top level, with an own set of edits."""
    tree = ast.parse(text)
    bound = _bound(tree)
    edits = Edits(text)
    exported = any(isinstance(node, ast.Name) and node.id == "__all__" for node in ast.walk(tree))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not exported:
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                if bound.count(name) == 1 and not any(isinstance(use.ctx, (ast.Store, ast.Del)) for use in _uses(tree, name)):
                    yield tree, edits, node, alias, name


def imported_as(text: str) -> str | None:
    """`from a import b as b_`, `import a.b as b_`, and all uses."""
    done: Edits | None = None
    for tree, edits, node, alias, name in _imports(text):
        if isinstance(node, ast.Import) and "." in alias.name and alias.asname is None:
            continue
        if _in_f_string(tree, name):
            continue
        done = edits
        other = f"{name}_x"
        edits.replace(edits.start(alias), edits.end(alias), f"{alias.name} as {other}")
        for use in _uses(tree, name):
            edits.replace(edits.start(use), edits.end(use), other)
    return done.made() if done is not None else None


def _in_f_string(tree: ast.Module, name: str) -> bool:
    """Whether a name is used in an f-string, whose inner columns `ast` does not tell before Python 3.12."""
    return any(
        isinstance(inner, ast.Name) and inner.id == name
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for inner in ast.walk(node)
    )


def from_module(text: str) -> str | None:
    """`import a` and `a.b` where `from a import b` stood."""
    done: Edits | None = None
    whole: dict[int, tuple[ast.ImportFrom, list[ast.alias]]] = {}
    tree = ast.parse(text)
    bound = set(_bound(tree))
    for tree, edits, node, alias, name in _imports(text):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and not _in_f_string(tree, name):
            root = node.module.split(".")[0]
            if root in bound and root not in {
                a.name.split(".")[0] for n in tree.body if isinstance(n, ast.Import) for a in n.names if not a.asname
            }:
                continue
            whole.setdefault(id(node), (node, []))[1].append(alias)
            done = edits
            for use in _uses(tree, name):
                edits.replace(edits.start(use), edits.end(use), f"{node.module}.{alias.name}")
    if done is None:
        return None
    for node, aliases in whole.values():
        rest = [a for a in node.names if a not in aliases]
        words = [f"import {node.module}"]
        if rest:
            words.append(f"from {node.module} import " + ", ".join(f"{a.name} as {a.asname}" if a.asname else a.name for a in rest))
        done.replace(done.start(node), done.end(node), "; ".join(words))
    return done.made()


def from_name(text: str) -> str | None:
    """`from a import b` and `b` where `import a` and `a.b` stood."""
    done: Edits | None = None
    given: set[str] = set()
    for tree, edits, node, alias, name in _imports(text):
        if not isinstance(node, ast.Import) or len(node.names) != 1 or "." in alias.name or _in_f_string(tree, name):
            continue
        uses = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name]
        taken = set(_bound(tree)) | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | set(dir(builtins))
        attributes = sorted({use.attr for use in uses})
        if (
            not uses
            or len(uses) != len(_uses(tree, name))
            or (taken | given) & set(attributes)
            or any(not isinstance(use.ctx, ast.Load) for use in uses)
        ):
            continue
        done = edits
        given.update(attributes)
        edits.replace(edits.start(node), edits.end(node), f"from {alias.name} import {', '.join(attributes)}")
        for use in uses:
            edits.replace(edits.start(use), edits.end(use), use.attr)
    return done.made() if done is not None else None


def imported_where_used(text: str) -> str | None:
    """Imports of names that one function of the top level alone uses, at the beginning of that function."""
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    edits = Edits(text)
    for _, _, node, _alias, name in _imports(text):
        if len(node.names) != 1 or node.lineno != node.end_lineno:
            continue
        uses = _uses(tree, name)
        holders = [one for one in functions if any(inner is use for use in uses for statement in one.body for inner in ast.walk(statement))]
        if len(holders) != 1 or not uses or isinstance(holders[0].body[0], ast.Expr) or holders[0].body[0].lineno == holders[0].lineno:
            continue
        if sum(any(inner is use for statement in holders[0].body for inner in ast.walk(statement)) for use in uses) != len(uses):
            continue
        line, end = edits.starts[node.lineno - 1], edits.starts[node.lineno]
        if edits.data[line:end].strip() != edits.source(node).encode("utf-8"):
            continue
        first = edits.starts[holders[0].body[0].lineno - 1]
        pad = " " * holders[0].body[0].col_offset
        if edits.data[first : first + len(pad)].strip():
            continue
        edits.replace(first, first, f"{pad}{edits.source(node)}\n")
        edits.replace(line, end, "")
    return edits.made()


def bound_to_name(text: str) -> str | None:
    """`b_ = a.b` behind the imports, and calls of `b_`."""
    return _called_by_name(text, "{}")


def bound_by_partial(text: str) -> str | None:
    """`b_ = functools.partial(a.b)` behind the imports, and calls of `b_`."""
    made = _called_by_name(text, "functools.partial({})")
    return made if made is None or re.search(r"(?m)^import functools$", text) else _with_import(made, "functools")


def _with_import(text: str, module: str) -> str:
    """A module imported behind the docstring and `from __future__ import`, where code may begin."""
    body = ast.parse(text).body
    first = next(
        (
            node
            for node in body
            if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ),
        body[0],
    )
    lines = text.split("\n")
    return "\n".join([*lines[: first.lineno - 1], f"import {module}", *lines[first.lineno - 1 :]])


def _called_by_name(text: str, given: str) -> str | None:
    """Calls of what modules hold through names. given: what such a name is given, `{}` for the function."""
    tree = ast.parse(text)
    edits = Edits(text)
    roots = {name for _, _, node, alias, name in _imports(text) if isinstance(node, ast.Import) or not alias.name[0].isupper()}
    last = max((n.end_lineno or 0 for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))), default=0)
    made: dict[str, str] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in roots
            and node.lineno > last
        ):
            written = f"{node.func.value.id}.{node.func.attr}"
            if made.get(written) is None and f"{node.func.attr}_x" in made.values():
                continue
            if any(isinstance(outer, ast.JoinedStr) and node in ast.walk(outer) for outer in ast.walk(tree)):
                continue
            made[written] = f"{node.func.attr}_x"
            edits.replace(edits.start(node.func), edits.end(node.func), made[written])
    if not made or last == 0:
        return None
    words = "".join(f"{name} = {given.format(written)}\n" for written, name in made.items())
    edits.replace(edits.starts[last], edits.starts[last], words)
    return edits.made()


def bracketed(text: str) -> str | None:
    """Brackets around values, arguments, conditions and what is called."""
    tree = ast.parse(text)
    edits = Edits(text)
    held: list[ast.expr] = []
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(inner) for string in strings for inner in ast.walk(string) if inner is not string}
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.keyword, ast.AnnAssign)) and node.value is not None:
            held.append(node.value)
        elif isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            held.append(node.test)
        elif isinstance(node, ast.Call):
            held.append(node.func)
            held.extend(argument for argument in node.args if not isinstance(argument, ast.Starred))
        elif isinstance(node, ast.Attribute):
            held.append(node.value)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            held.append(node.exc)
        elif isinstance(node, ast.Dict):
            held.extend(node.values)
        elif isinstance(node, ast.ExceptHandler) and node.type is not None and not isinstance(node.type, ast.Tuple):
            held.append(node.type)
    for node in {id(one): one for one in held}.values():
        if (
            isinstance(node, (ast.Yield, ast.YieldFrom, ast.GeneratorExp, ast.Starred, ast.Tuple))
            or not hasattr(node, "lineno")
            or id(node) in inside
        ):
            continue
        edits.replace(edits.start(node), edits.start(node), "(")
        edits.changes.append((edits.end(node), edits.end(node), b")", -len(edits.changes)))
    made = edits.made()
    return made if made is not None and _same(text, made) else None


def _same(before: str, after: str) -> bool:
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def keywords_reversed(text: str) -> str | None:
    """The keywords of calls in the other order."""
    tree = ast.parse(text)
    edits = Edits(text)
    taken: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            taken.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or id(node) in taken:
            continue
        named = node.keywords
        if (
            len(named) < 2
            or any(one.arg is None for one in named)
            or any(argument.lineno > named[0].lineno or edits.start(argument) > edits.start(named[0]) for argument in node.args)
        ):
            continue
        if any("#" in edits.source(one) for one in named):
            continue
        taken.update(id(inner) for inner in ast.walk(node))
        for one, other in zip(named, reversed(named), strict=True):
            edits.replace(edits.start(one), edits.end(one), edits.source(other))
    return edits.made()


def annotated(text: str) -> str | None:
    """`name: object = value` for names that are bound to a value once, outside of classes."""
    tree = ast.parse(text)
    edits = Edits(text)
    bound = _bound(tree)

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
                and bound.count(node.targets[0].id) == 1
                and not node.targets[0].id.startswith("__")
            ):
                edits.replace(edits.end(node.targets[0]), edits.end(node.targets[0]), ": object")
            elif not isinstance(node, ast.ClassDef):
                for name in ("body", "orelse", "finalbody"):
                    inner = getattr(node, name, None)
                    if isinstance(inner, list):
                        visit(inner)
            else:
                for method in node.body:
                    if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        visit(method.body)

    visit(tree.body)
    return edits.made()


def locals_renamed(text: str) -> str | None:
    """The local names of functions with an underscore behind them: the words in them stay."""
    tree = ast.parse(text)
    edits = Edits(text)
    bound = _bound(tree)
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                inside = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]
                if bound.count(name) != 1 or len(inside) != len(_uses(tree, name)) or _in_f_string(tree, name):
                    continue
                for use in inside:
                    edits.replace(edits.start(use), edits.end(use), f"{name}_")
    return edits.made()


def _indented(edits: Edits, text: str, first: ast.stmt, last: ast.stmt, header: str, footer: str = "") -> str | None:
    """Whole statements one level deeper, under a header."""
    lines = text.split("\n")
    start = first.lineno - 1
    for decorator in getattr(first, "decorator_list", []):
        start = min(start, decorator.lineno - 1)
    end = last.end_lineno or last.lineno
    depth = len(lines[start]) - len(lines[start].lstrip(" "))
    # What is remarked above the first statement belongs to it.
    while lines[start - 1].startswith(" " * depth + "#"):
        start -= 1
    many = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and (node.end_lineno or 0) > node.lineno
        for line in range(node.lineno, node.end_lineno or 0)
    }
    body = [(line if number in many or not line.strip() else "    " + line) for number, line in enumerate(lines[start:end], start)]
    pad = " " * depth
    made = lines[:start] + [pad + header] + body + ([pad + footer] if footer else []) + lines[end:]
    return "\n".join(made)


def _in_functions(header: str, footer: str = "") -> Rewrite:
    """A rewrite that puts the body of each outer function behind a header."""

    def rewrite(text: str) -> str | None:
        made = text
        changed = False
        names = [n.name for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for number in range(len(names)):
            tree = ast.parse(made)
            functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
            function = functions[number]
            body = function.body[1:] if ast.get_docstring(function) is not None else function.body
            if not body or body[0].lineno == function.lineno or len(body) == 1 and isinstance(body[0], (ast.Pass, ast.Expr, ast.Raise)):
                continue
            moved = _indented(Edits(made), made, body[0], body[-1], header, footer)
            if moved is not None:
                try:
                    ast.parse(moved)
                except SyntaxError:
                    continue
                made, changed = moved, True
        return made if changed else None

    return rewrite


def named_value(text: str) -> str | None:
    """A constant given by keyword, as a name that is bound on the line before."""
    return _given_names(text, lambda call: [(one.arg, one.value) for one in call.keywords if one.arg is not None])


def named_argument(text: str) -> str | None:
    """A number or switch given by position, as a name that is bound on the line before."""
    plain = (bool, int, float, type(None))
    return _given_names(
        text, lambda call: [("argument", one) for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, plain)]
    )


def _given_names(text: str, given: Callable[[ast.Call], list[tuple[str, ast.expr]]]) -> str | None:
    tree = ast.parse(text)
    edits = Edits(text)
    number = 0
    for block in _blocks(tree):
        for statement in block:
            if not isinstance(statement, (ast.Expr, ast.Assign, ast.Return)) or statement.value is None:
                continue
            before = []
            for call in (n for n in ast.walk(statement.value) if isinstance(n, ast.Call)):
                for word, value in given(call):
                    if isinstance(value, (ast.Constant, ast.List, ast.Dict)) and not _within_string(tree, value):
                        number += 1
                        name = f"{word}_{number}"
                        before.append(f"{name} = {edits.source(value)}")
                        edits.replace(edits.start(value), edits.end(value), name)
            if before:
                line = edits.starts[statement.lineno - 1]
                pad = " " * statement.col_offset
                if edits.data[line : line + statement.col_offset].strip():
                    return None
                edits.replace(line, line, "".join(f"{pad}{words}\n" for words in before))
    made = edits.made()
    try:
        return made if made is not None and ast.parse(made) else None
    except SyntaxError:
        return None


def _within_string(tree: ast.Module, wanted: ast.AST) -> bool:
    return any(isinstance(node, ast.JoinedStr) and any(inner is wanted for inner in ast.walk(node)) for node in ast.walk(tree))


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def method(text: str) -> str | None:
    """Every function of the top level as a static method of a class."""
    tree = ast.parse(text)
    functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    if len(functions) != 1 or functions[0].decorator_list or _uses(tree, functions[0].name):
        return None
    if any(isinstance(n, ast.Constant) and isinstance(n.value, str) and "\n" in n.value for n in ast.walk(functions[0])):
        return None
    lines = text.split("\n")
    start, end = functions[0].lineno - 1, functions[0].end_lineno or 0
    body = textwrap.indent("\n".join(["@staticmethod", *lines[start:end]]), "    ").split("\n")
    return "\n".join([*lines[:start], "class Holder:", *body, *lines[end:]])


PROGRAMS: dict[str, Rewrite] = {
    "imports under other names": imported_as,
    "import a, a.b": from_module,
    "from a import b": from_name,
    "a name for what is called": bound_to_name,
    "a partial for what is called": bound_by_partial,
    "imports where they are used": imported_where_used,
    "redundant brackets": bracketed,
    "keywords in another order": keywords_reversed,
    "annotations": annotated,
    "locals renamed": locals_renamed,
    "bodies under `if`": _in_functions("if enabled():"),
    "bodies under `with`": _in_functions("with held():"),
    "bodies under `try`": _in_functions("try:", "finally:\n        closed()"),
    "a constant under a name": named_value,
    "a number under a name": named_argument,
    "a function as a method": method,
}
