"""What is done with an input, and what must hold whatever it is."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from random import Random

from prodlint.configuration.keys import HONOR
from prodlint.configuration.kinds import kind_of
from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import analysis, catalogue, session
from prodlint.engine.run import Run
from prodlint.model import Finding
from prodlint.readers import Undecodable, decode
from prodlint.reports import FORMATS, render
from tests.fuzz.corpus import seeds
from tests.fuzz.mutation import mutated

# An input may cost this many CPU seconds, and as many for each byte: a hundred times what such files cost otherwise.
PATIENCE = 1.0
PER_BYTE = 0.0002


class Broken(Exception):
    """Something that must hold does not. what: which, in words that are the same for every input that breaks it so."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def everything_on(settings: Settings) -> Settings:
    """Every rule, every directive."""
    return with_arguments(settings, select=["ALL"], honor=list(HONOR))


@lru_cache(maxsize=2)
def run(exhaustive: bool = False) -> Run:
    """What one file is analysed with."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.py").write_text("x = 1\n")
        request = session.Request([folder], isolated=True, finish=everything_on, root=folder, jobs=1, exhaustive=exhaustive)
        return session.run(request).run_of("a.py")


def a_file(path: str, data: bytes) -> None:
    """One file: nothing raises, nothing fails, every place lies in the file, the time grows with its length alone, and a second look says
    the same."""
    kind = kind_of(path)
    assert kind is not None
    began = time.process_time()
    outcome = analysis.analyse(path, path, kind, run(), data)
    spent = time.process_time() - began
    if outcome.crashed:
        raise Broken(f"failed: {'; '.join(sorted(item.why for item in outcome.unchecked))}")
    _look_at_places(data, kind, outcome.findings)
    if spent > PATIENCE + PER_BYTE * len(data):
        # Once more: a first look imports modules, and collecting the garbage of a long test run may take a second.
        began = time.process_time()
        analysis.analyse(path, path, kind, run(), data)
        if time.process_time() - began > PATIENCE + PER_BYTE * len(data):
            raise Broken(f"slow: {kind}")


def _look_at_places(data: bytes, kind: str, findings: Iterable[Finding]) -> None:
    if kind == "notebook":
        return  # places are those of the cells
    lines: list[str] | None = None
    for finding in findings:
        if lines is None:
            try:
                source = decode(data, kind)
            except Undecodable as error:
                if error.source is None:
                    return
                source = error.source
            # The ends of lines that Source knows, and an empty last line.
            lines = [line.decode("utf-8", "replace") for line in source.data.splitlines()] + [""]
        span = finding.span
        inside = 1 <= span.line <= span.end_line <= len(lines)
        inside = inside and 1 <= span.column <= len(lines[span.line - 1]) + 1 and 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        if not inside or (span.line, span.column) > (span.end_line, span.end_column):
            raise Broken(f"{finding.code}: a place outside the file, or that ends before it begins")


def a_tree(path: str, data: bytes) -> None:
    """`check` on a small tree: two files made from the input beside a few others; every report can be written, and holds nothing that a
    terminal obeys."""
    chance = Random(data)
    kinds = seeds()
    with tempfile.TemporaryDirectory(prefix="prodlint-fuzz-") as folder:
        files = {path: data}
        for _ in range(chance.randrange(1, 5)):
            other, content = chance.choice(kinds[chance.choice(list(kinds))])
            files[other] = content if chance.random() < 0.5 else mutated(content, chance, [data])
        for name, content in files.items():
            target = Path(folder, name)
            if not any(parent.is_file() for parent in target.parents) and not target.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        result = session.run(session.Request([folder], isolated=True, finish=everything_on, root=folder, jobs=1))
        if result.crashed:
            raise Broken(f"failed: {'; '.join(sorted({item.why for item in result.report.unchecked if 'failed' in item.why}))}")
        for format in sorted(FORMATS):
            shown = render(result.report, format, result.rules, root=folder, sources=result.source)
            if "json" not in format and any(not character.isprintable() and character != "\n" for character in shown):
                raise Broken(f"{format}: shows what a terminal obeys")


def a_page(path: str, data: bytes) -> None:
    """A page of a team's rules: a page, or an error that says what is wrong with it."""
    with suppress(catalogue.PageError):
        catalogue.parse_page(data.decode("utf-8", "replace"), path, "ABC001", "a-bad-thing", "team")


def settings_file(path: str, data: bytes) -> None:
    """Settings: read, or an error that says what is wrong with them."""
    from prodlint.configuration.settings import SettingsError, load

    with tempfile.TemporaryDirectory(prefix="prodlint-fuzz-") as folder:
        Path(folder, "prodlint.toml").write_bytes(data)
        with suppress(SettingsError):
            load(folder, root=folder)


def index_of_git(path: str, data: bytes) -> None:
    """The index of a repository: paths, or ValueError."""
    from prodlint.project.git import names_in_index

    with suppress(ValueError, OSError):
        names_in_index(data, os.devnull)


def _pages() -> list[tuple[str, bytes]]:
    return [(rule.path, rule.page.encode()) for rule in catalogue.own_rules()]


def _settings() -> list[tuple[str, bytes]]:
    text = (
        'select = ["PRD5"]\nignore = ["PRD301"]\nfail-on = "P0"\nextend-exclude = ["docs/**", "!docs/app"]\nhonor = ["noqa"]\ncache-dir = ".cache"\n'
        '[per-file-ignores]\n"tests/**" = ["PRD701"]\n[[per-path]]\npaths = ["a/**"]\nselect = ["ALL"]\n[roles]\ntest = ["spec/**"]\n[rules.PRD504]\nx = 1\n'
    )
    return [("prodlint.toml", text.encode()), ("prodlint.toml", b'[tool.prodlint]\nbaseline = "known"\nextend-rules = ["team"]\n')]


def _indexes() -> list[tuple[str, bytes]]:
    entry = bytes(40) + bytes(range(20)) + b"\0\4a.py" + bytes(6)
    return [
        ("index", b"DIRC\0\0\0" + bytes((version,)) + b"\0\0\0\2" + entry * 2 + b"link\0\0\0\24" + bytes(20) + bytes(20))
        for version in (2, 3, 4)
    ]


Target = Callable[[str, bytes], None]


@lru_cache(maxsize=1)
def targets() -> dict[str, tuple[Target, list[tuple[str, bytes]]]]:
    """By name: what is done, and what the inputs are made from. One for each kind of file, so for each reader."""
    kinds = seeds()
    everything = [seed for made in kinds.values() for seed in made]
    return {
        **{kind: (a_file, made) for kind, made in kinds.items()},
        "check": (a_tree, everything),
        "page": (a_page, _pages()),
        "settings": (settings_file, _settings()),
        "index": (index_of_git, _indexes()),
    }
