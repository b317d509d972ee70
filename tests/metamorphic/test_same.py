"""Every example of every page, rewritten into many equal ones: the same findings, moved with the code, and the same silence.

Each rewrite of each example is looked at once with required literals and once without (`--exhaustive`). The test command takes
one in SHARE of them, always the same ones; with PRODLINT_METAMORPHIC=all it takes all, about ten minutes of one core.
What need not be the same stands in `exceptions.toml`, with the reason.
"""

from __future__ import annotations

import hashlib
import io
import os
import tokenize
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import tomli

from prodlint.commands.rule import expanded
from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import catalogue, session
from prodlint.engine.run import Run
from prodlint.model import Example, Finding, Rule
from prodlint.project.environment import Environment
from prodlint.project.questions import Questions
from tests.metamorphic import configuration
from tests.metamorphic.layout import LAYOUTS, Rewrite, significant
from tests.metamorphic.program import PROGRAMS

SHARE = 1 if os.environ.get("PRODLINT_METAMORPHIC") == "all" else 256
# Rewrites by name, where not all are wanted.
ONLY = tuple(filter(None, os.environ.get("PRODLINT_REWRITES", "").split(";")))
# What the tool itself says of files and of directives has examples that are no code, or whose layout is what they are about.
OF_THE_TOOL = ("PRD001", "PRD002")
RULES = [rule for rule in catalogue.own_rules() if rule.code not in OF_THE_TOOL]
PROJECT_RULES = {check.code for check in session.catalogue_of(Settings()).project_checks}
EXCEPTIONS = tomli.loads((Path(__file__).parent / "exceptions.toml").read_text(encoding="utf-8"))["exception"]


@dataclass(frozen=True)
class Variant:
    """An example of which one way of writing was changed. moved: places are the same tokens; else only their number is. of: what was written
    to other files, by the file in which it stood."""

    rewrite: str
    example: Example
    files: tuple[tuple[str, str], ...]
    moved: bool
    of: Mapping[str, str] = field(default_factory=dict)


def rewritten(example: Example) -> Iterator[Variant]:
    """An example in all the clothes that fit it."""
    for name, rewrite in (*LAYOUTS.items(), *PROGRAMS.items()):
        if ONLY and name not in ONLY:
            continue
        files = tuple((path, _python(rewrite, path, text)) for path, text in example.files)
        if files != example.files:
            yield Variant(name, example, files, name in LAYOUTS and name != "strings side by side")
    for number, (path, text) in enumerate(example.files):
        for name, rewrite in configuration.of(path).items():
            if ONLY and name not in ONLY:
                continue
            made = rewrite(expanded(text))
            if made is not None:
                files = (*example.files[:number], (path, made), *example.files[number + 1 :])
                yield Variant(f"{configuration.kind_of(path)}: {name}", example, files, False)
        for name, divide in configuration.FILES.items():
            divided = divide(path, expanded(text)) if not ONLY or name in ONLY else None
            others = [(other, words) for other, words in example.files if other != path]
            # What another file names stays where it is.
            if divided is not None and not any(other in divided or path.rsplit("/", 1)[-1] in words for other, words in others):
                files = (*example.files[:number], *divided.items(), *example.files[number + 1 :])
                yield Variant(name, example, files, False, dict.fromkeys(divided, path))


def _python(rewrite: Rewrite, path: str, text: str) -> str:
    if not path.endswith(".py"):
        return text
    try:
        return rewrite(expanded(text)) or text
    except (SyntaxError, tokenize.TokenError):
        return text


def is_taken(rule: Rule, variant: Variant) -> bool:
    """Whether the test command looks at a variant."""
    mark = f"{rule.code} {variant.example.line} {variant.rewrite}".encode()
    return hashlib.blake2b(mark, digest_size=2).digest()[0] % SHARE == 0


@pytest.fixture(autouse=True)
def _compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine tenths of a run over one small file are the selection of rules and its automaton, which are the same for every variant."""
    runs: dict[tuple[str, object], Run] = {}
    build, catalogue_of = session.build, session.catalogue_of
    known: list[Any] = []

    def built_once(settings: Settings, found: Any, environment: Environment, **options: Any) -> Run:
        key = settings.digest(), options["exhaustive"]
        if key not in runs:
            runs[key] = build(settings, found, environment, **options)
        return replace(runs[key], environment=environment, questions=Questions(environment))

    def read_once(settings: Settings) -> Any:
        if not known:
            known.append(catalogue_of(settings))
        return known[0]

    monkeypatch.setattr(session, "build", built_once)
    monkeypatch.setattr(session, "catalogue_of", read_once)


def found(rule: Rule, example: Example, files: Iterable[tuple[str, str]], folder: Path, *, exhaustive: bool) -> list[Finding]:
    """What the rule finds in files laid out as their own project."""
    for path, text in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(expanded(text), encoding="utf-8", newline="")
    return looked_at(rule, example, folder, [str(folder)], exhaustive=exhaustive)


def looked_at(rule: Rule, example: Example, folder: Path, paths: list[str], **how: Any) -> list[Finding]:
    """What the rule finds at paths of a project."""
    options = {rule.code: dict(example.options)} if example.options else {}

    def finish(settings: Settings) -> Settings:
        return with_arguments(settings, select=[rule.code], rules=options, respect_gitignore=False)

    result = session.run(session.Request(paths, isolated=True, finish=finish, root=str(folder), jobs=1, grouped=False, **how))
    assert not result.crashed, [one.why for one in result.report.unchecked]
    return [finding for finding in result.report.findings if finding.code == rule.code]


def places(
    findings: Iterable[Finding], files: Iterable[tuple[str, str]], moved: bool, of: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, int]]:
    """Where findings stand: the file, and in Python the number of tokens before, so that no layout matters."""
    texts = {path: text for path, text in files if path.endswith(".py")}
    return sorted((of.get(one.path, one.path), _token(texts[one.path], one) if moved and one.path in texts else 0) for one in findings)


def _token(text: str, finding: Finding) -> int:
    return bisect(_ends(text), (finding.span.line, finding.span.column))


@cache
def _ends(text: str) -> list[tuple[int, int]]:
    lines = io.StringIO(expanded(text).removeprefix("\ufeff"), newline=None).read()
    return [end for _, end, _ in significant(lines)]


def exempt(rule: Rule, variant: Variant) -> bool:
    """Whether a variant need not give the same, with a reason."""
    return any(variant.rewrite in one["rewrites"] and rule.code in one.get("codes", [rule.code]) for one in EXCEPTIONS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_other_clothes_same_findings(rule: Rule, tmp_path: Path) -> None:
    wrong: list[str] = []
    number = 0
    for example in (*rule.bad, *rule.good):
        expected: list[Finding] | None = None
        for variant in rewritten(example):
            if not is_taken(rule, variant) or exempt(rule, variant):
                continue
            number += 1
            if expected is None:
                expected = found(rule, example, example.files, tmp_path / f"line {example.line}", exhaustive=False)
            want = places(expected, example.files, variant.moved)
            for exhaustive in (False, True):
                folder = tmp_path / f"{number}{'e' if exhaustive else ''}"
                said = found(rule, example, variant.files, folder, exhaustive=exhaustive)
                have = places(said, variant.files, variant.moved, variant.of)
                if have != want:
                    way = "with --exhaustive" if exhaustive else "by default"
                    wrong.append(f"{rule.path}:{example.line}: {variant.rewrite}, {way}: {len(have)} for {len(want)} findings")
    assert wrong == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_one_file_alone_and_standard_input_say_the_same(rule: Rule, tmp_path: Path) -> None:
    """What is said of a file is the same whether the whole tree is looked at, this file alone, or its text on standard input. Rules about
    the project as a whole speak for the whole tree only."""
    by_file = rule.code not in PROJECT_RULES
    for number, example in enumerate((*rule.bad, *rule.good)):
        if hashlib.blake2b(f"{rule.code} {example.line}".encode(), digest_size=2).digest()[0] % min(SHARE, 8):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        # What marks a project: anything else is not searched for one file's sake.
        (folder / "prodlint.toml").touch()
        whole = found(rule, example, example.files, folder, exhaustive=False)
        for path, text in example.files:
            target = str(folder / path)
            expected = [finding for finding in whole if finding.path == path]
            ways = {
                "alone": looked_at(rule, example, folder, [target]),
                "alone, exhaustive": looked_at(rule, example, folder, [target], exhaustive=True),
                "stdin": looked_at(rule, example, folder, ["-"], stdin=expanded(text).encode("utf-8"), stdin_filename=target),
            }
            places = {way: [(one.span, one.message) for one in findings if one.path == path] for way, findings in ways.items()}
            if by_file:
                places["whole"] = [(one.span, one.message) for one in expected]
            assert len({repr(one) for one in places.values()}) == 1, (rule.path, example.line, path, places)


def test_the_exceptions_have_reasons_and_name_what_there_is() -> None:
    names = {
        *LAYOUTS,
        *PROGRAMS,
        *configuration.FILES,
        *(f"{kind}: {name}" for kind, table in configuration.KINDS.items() for name in table),
    }
    codes = {rule.code for rule in RULES}
    assert EXCEPTIONS
    for one in EXCEPTIONS:
        assert len(one["reason"].split()) > 4
        assert set(one["rewrites"]) <= names
        assert set(one.get("codes", ())) <= codes


def test_there_is_much_to_look_at() -> None:
    assert sum(1 for rule in RULES for example in (*rule.bad, *rule.good) for variant in rewritten(example)) > 10_000


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_layouts_keep_the_tokens(name: str) -> None:
    text = "import os\n\n\ndef f(a, *, b=1):\n    x = os.path.join(a, 'b c')[0]  # why\n    return {'k': x, **a}\n"
    made = LAYOUTS[name](text)
    if made is not None and name not in ("other quotes", "strings side by side"):
        plain = io.StringIO(made.removeprefix("\ufeff"), newline=None).read()
        assert [token for _, _, token in significant(plain)] == [token for _, _, token in significant(text)]
