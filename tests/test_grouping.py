"""Findings that say the same: one in the report, each for itself in the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., object]

FILES = {f"service/part{number:02}.py": f"# TODO: move to the new tables\nX = {number}\n" for number in range(15)}


def test_the_same_note_in_many_files_is_one_finding(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project({**FILES, "service/other.py": "# TODO: another one\n"})
    ran = prodlint("check", "--no-cache", "--output-format", "json", "--exit-zero", "--select", "PRD301", str(root), cwd=root)
    findings = json.loads(ran.out)["findings"]  # type: ignore[attr-defined]
    assert sorted((found["path"], len(found["related"])) for found in findings) == [("service/other.py", 0), ("service/part00.py", 5)]
    assert "15 places" in next(found["message"] for found in findings if found["related"])


def test_the_baseline_knows_each_place(prodlint: Run, project: Callable[..., Path]) -> None:
    root = project(dict(FILES))
    prodlint("baseline", "--select", "PRD301", ".", cwd=root)
    (root / "service/new.py").write_text("# TODO: move to the new tables\n")
    ran = prodlint(
        "check",
        "--no-cache",
        "--baseline",
        ".prodlint-baseline",
        "--output-format",
        "concise",
        "--exit-zero",
        "--select",
        "PRD301",
        ".",
        cwd=root,
    )
    assert "service/new.py:1" in ran.out  # type: ignore[attr-defined]
    assert "part" not in ran.out  # type: ignore[attr-defined]
