"""The harness itself: every target can be fuzzed, and what breaks is seen. (`python -m tests.fuzz` is what fuzzes.)"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from random import Random

import pytest

from prodlint.configuration.kinds import KINDS
from tests.fuzz import targets as module
from tests.fuzz.__main__ import Findings, attempt, blindly
from tests.fuzz.corpus import seeds
from tests.fuzz.mutation import MUTATIONS, mutated

# Kinds of files that need no reader: they are looked at as text, or for patterns alone.
AS_TEXT = {"text", "ignore", "sql", "markdown", "terraform", "properties"}


def test_every_reader_is_a_target() -> None:
    assert set(KINDS) - AS_TEXT <= set(module.targets())


@pytest.mark.parametrize("name", sorted(module.targets()))
def test_a_few_inputs_of_every_target(name: str, tmp_path: Path) -> None:
    found = Findings(tmp_path)
    _, made = module.targets()[name]
    chance = Random(11)
    contents = [content for _, content in made]
    for _ in range(3 if name == "check" else 15):
        path, content = chance.choice(made)
        attempt(found, name, path, mutated(content, chance, contents))
    assert not found.smallest, found.counted


def test_seeds_break_nothing(tmp_path: Path) -> None:
    found = Findings(tmp_path)
    for kind, made in seeds().items():
        for path, content in made[::10]:
            attempt(found, kind, path, content)
    assert not found.smallest, found.counted


# What `int` and `float` refuse or make infinite, and digits that are no numbers.
NUMBERS = (b"9" * 5000, b"9" * 400, b"1e400", "\u00b2".encode(), b"-1")


@pytest.mark.parametrize("kind", sorted(seeds()))
def test_no_number_is_too_large(kind: str, tmp_path: Path) -> None:
    """Every number of a sample of examples, another one every day, under CI the same. (`python -m tests.fuzz` puts them in anywhere.)"""
    found = Findings(tmp_path)
    numbered = [(path, content) for path, content in seeds()[kind] if re.search(rb"\d", content)]
    chance = Random("the same" if os.environ.get("CI") else time.strftime("%Y-%m-%d"))
    for path, content in chance.sample(numbered, min(len(numbered), 25)):
        number = chance.choice(NUMBERS)
        attempt(found, kind, path, re.sub(rb"(?<![\w.])\d+(?![\w.])", lambda _, number=number: number, content))  # type: ignore[misc] # bound now
    assert not found.smallest, found.counted


def test_the_numbers_that_once_broke_a_check(tmp_path: Path) -> None:
    found = Findings(tmp_path)
    for number in (b"9" * 5000, b"9" * 400, "\u00b2".encode()):
        for kind, path, content in (
            ("python", "gunicorn.conf.py", b"timeout = %s\n"),
            ("procfile", "Procfile", b"web: gunicorn app:app --workers %s --timeout %s\n"),
            ("nginx", "nginx.conf", b"location / {\n    proxy_read_timeout %s;\n}\n"),
            ("requirements", "requirements.txt", b"django==%s.2\n"),
            ("yaml", "compose.yaml", b"services:\n  db:\n    image: postgres:16\n    ports: ['5432:%s']\n"),
            ("yaml", "chart/templates/a.yaml", b"kind: Deployment\nspec:\n  template:\n    spec: {{ .Values.x | nindent %s }}\n"),
        ):
            attempt(found, kind, path, content.replace(b"%s", number))
    assert not found.smallest, found.counted


def test_what_breaks_is_noted_once_with_its_smallest_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(path: str, data: bytes) -> None:
        if b"x" in data:
            raise ValueError(data)
        if b"y" in data:
            raise module.Broken("y")

    monkeypatch.setattr("tests.fuzz.__main__.targets", lambda: {"a": (breaks, [("p", b"xxy")])})
    found = Findings(tmp_path)
    for data in (b"..x.", b"x", b"xx", b"y", b"."):
        attempt(found, "a", "p", data)
    assert sorted(found.smallest.values()) == [b"x", b"y"]
    assert sum(found.counted.values()) == 4
    assert sum(path.suffix == ".txt" for path in tmp_path.iterdir()) == 2
    assert sum(blindly(found, ["a"], 0.05, 1).values()) > 0


def test_every_mutation_makes_bytes_of_bytes() -> None:
    chance = Random(2)
    for mutation in MUTATIONS:
        for data in (b"", b"\n", b"a = 'b'\nc: [1]\n"):
            assert isinstance(mutation(data, chance, [b"other\n"]), bytes)
