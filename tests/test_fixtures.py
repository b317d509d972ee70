"""Whole small services: of the unready one every finding is expected beside its line, its ready twin is silent.

`# expect: PRD501 PRD502` speaks of its own line, `# expect-next: ...` of the next one. Files that have no such comments, or in which
a comment would change what is read, are listed in `expected.txt` as `path:line CODE ...`.
`PRODLINT_REWRITE=1 pytest tests/test_fixtures.py` writes what is found; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]
Found = dict[tuple[str, int], list[str]]

UNREADY = ROOT / "fixtures" / "unready" / "orders"
READY = ROOT / "fixtures" / "ready" / "orders"
COMMENTED = (".py", ".yaml", ".yml")
MARKER = re.compile(r"\s*# expect(-next)?: (PRD\d+(?: PRD\d+)*)[ \t]*$")


def found_in(prodlint: Run, tree: Path) -> Found:
    ran = prodlint("check", str(tree), "--root", str(tree), "--isolated", "--no-cache", "--output-format", "json-lines")
    found: Found = defaultdict(list)
    for line in ran.out.splitlines():
        row = json.loads(line)
        if "code" in row:
            found[row["path"], row["line"] if "line" in row else row["span"]["line"]].append(row["code"])
    return {place: sorted(codes) for place, codes in found.items()}


def expected_in(tree: Path) -> Found:
    expected: Found = defaultdict(list)
    for path in sorted(tree.rglob("*")):
        if path.suffix in COMMENTED:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                marker = MARKER.search(line)
                if marker:
                    expected[path.relative_to(tree).as_posix(), number + bool(marker.group(1))] += marker.group(2).split()
    for line in (tree / "expected.txt").read_text(encoding="utf-8").splitlines():
        place, *codes = line.split()
        name, _, number = place.rpartition(":")
        expected[name, int(number)] += codes
    return {place: sorted(codes) for place, codes in expected.items()}


def rewrite(prodlint: Run, tree: Path) -> None:
    found = found_in(prodlint, tree)
    assert found, "nothing was found: the markers are left as they are"
    for path in tree.rglob("*"):
        if path.suffix in COMMENTED:
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not re.fullmatch(r"\s*# expect-next: .*", line)]
            path.write_text("".join(MARKER.sub("", line) + "\n" for line in kept), encoding="utf-8")
    rest = []
    by_file: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for (name, number), codes in sorted(found_in(prodlint, tree).items()):
        if Path(name).suffix in COMMENTED:
            by_file[name][number] = codes
        else:
            rest.append(f"{name}:{number} {' '.join(codes)}\n")
    for name, places in by_file.items():
        lines = []
        for number, line in enumerate((tree / name).read_text(encoding="utf-8").splitlines(), 1):
            if number in places and "#" in line:
                lines.append(f"{line[: len(line) - len(line.lstrip())]}# expect-next: {' '.join(places[number])}\n{line}\n")
            else:
                lines.append(line + (f"  # expect: {' '.join(places[number])}" if number in places else "") + "\n")
        (tree / name).write_text("".join(lines), encoding="utf-8")
    (tree / "expected.txt").write_text("".join(rest), encoding="utf-8")


def test_the_unready_service(prodlint: Run) -> None:
    if os.environ.get("PRODLINT_REWRITE"):
        rewrite(prodlint, UNREADY)
    expected = expected_in(UNREADY)
    assert len(expected) > 30
    assert found_in(prodlint, UNREADY) == expected


def test_the_ready_twin_is_silent(prodlint: Run) -> None:
    assert found_in(prodlint, READY) == {}
