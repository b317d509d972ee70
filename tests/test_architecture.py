"""The road is one way: a module imports only what lies further along (design: cli -> ... -> facts -> model)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "prodlint"

# Each module may import those of its own layer and of the layers below it.
LAYERS = [
    {"__main__"},
    {"commands", "readiness"},
    {"fixes"},
    {"reports", "engine"},
    {"suppress", "baseline", "since", "redact", "fingerprint", "content", "foreign"},
    {"checks"},
    {"project", "configuration"},
    {"values", "readers", "python"},
    {"facts"},
    {"model"},
    {"digests", "regular", "user_directory", "writing"},
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
