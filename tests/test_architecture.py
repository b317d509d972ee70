"""The road is one way: a module imports only what lies further along (design: cli -> ... -> facts -> model)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "prodlint"

# Each module may import those of its own layer and of the layers below it.
LAYERS = [
    {"__main__"},
    {"agents", "commands", "fleet", "readiness", "server"},
    {"fixes", "api"},
    {"reports", "engine"},
    {"suppress", "baseline", "since", "redact", "fingerprint", "content", "entry_ignores", "foreign", "owners"},
    {"checks"},
    {"project", "configuration"},
    {"values", "readers", "python"},
    {"facts"},
    {"model"},
    {"counting", "digests", "escaping", "messages", "regexes", "regular", "user_directory", "writing"},
]
RANK = {name: number for number, names in enumerate(LAYERS) for name in names}


def first_part(module: str) -> str:
    return module.split(".")[1] if module.count(".") else "__init__"


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "prodlint" and node.level == 0:
            if node.module == "prodlint":
                found |= {alias.name for alias in node.names if alias.name in RANK}
            else:
                found.add(first_part(node.module))
        elif isinstance(node, ast.Import):
            found |= {first_part(alias.name) for alias in node.names if alias.name.startswith("prodlint.")}
    return found


def own_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


def test_every_module_has_a_layer() -> None:
    names = {own_name(path) for path in ROOT.rglob("*.py")} - {"__init__"}
    assert names
    assert not names - set(RANK)


def test_imports_go_one_way() -> None:
    wrong = []
    checked = 0
    for path in sorted(ROOT.rglob("*.py")):
        name = own_name(path)
        if name == "__init__":
            continue
        for imported in imports(path):
            checked += 1
            if imported in RANK and RANK[imported] < RANK[name]:
                wrong.append(f"{path.relative_to(ROOT)} imports {imported}")
    assert checked > 50
    assert wrong == []


def modules() -> dict[str, Path]:
    """Every module by its dotted name; a package by its own."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = ("prodlint", *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: dict[str, Path], for_types: bool) -> set[str]:
    """The modules that one imports, at its head or in a function; for_types: also what only annotations need."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    of_types = {
        id(below)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for below in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in of_types and not for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                found.add(below if below in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(known)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node (Tarjan)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        waiting.append(node)
        for other in sorted(graph[node] - {node}):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in waiting:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            component = waiting[waiting.index(node) :]
            del waiting[waiting.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def test_the_search_for_circles_finds_them() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"d"}, "e": {"a", "f"}, "f": {"e"}}) == [["a", "b", "c"], ["e", "f"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_there_are_no_circles() -> None:
    known = modules()
    assert len(known) > 150
    found = circles({name: imported(path, known, for_types=False) for name, path in known.items()})
    print(f"circles = {len(found)}")
    assert found == []


def test_there_are_no_circles_of_types_either() -> None:
    """But for the kernel: the parts of `PyModule` are mixins, each of which speaks of the whole."""
    known = modules()
    found = circles({name: imported(path, known, for_types=True) for name, path in known.items()})
    assert [circle for circle in found if not all(name.startswith("prodlint.python.") for name in circle)] == []
    assert len(found) <= 1


def test_no_family_of_checks_uses_anothers_kitchen() -> None:
    """What two families need stands in `values`, `project`, or at the top of `checks`."""
    known = modules()
    wrong, checked = [], 0
    for name, path in known.items():
        parts = name.split(".")
        if parts[1:2] != ["checks"] or len(parts) < 3:
            continue
        checked += 1
        for other in imported(path, known, for_types=True):
            family = other.split(".")[2:3]
            if other.startswith("prodlint.checks.") and family != [parts[2]] and known[other].parent != ROOT / "checks":
                wrong.append(f"{name} imports {other}")
    assert checked > 60
    assert sorted(wrong) == []


def test_every_room_says_what_is_in_it() -> None:
    rooms = list(ROOT.glob("*/__init__.py"))
    assert len(rooms) > 10
    assert [path.parent.name for path in rooms if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_no_code_of_a_rule_stands_in_the_core() -> None:
    """What is known of one rule stands on its page or in its family's folder."""
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] == "checks":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"PRD\d{3}", node.value):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value}")
    assert wrong == []
