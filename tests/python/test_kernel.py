"""One tree a file, and each statement and expression made once, however many rules look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prodlint.facts import Call, File, FString, Name, Operation, Source
from prodlint.python import tree
from prodlint.python.layout import canonical_text, is_laid_out
from prodlint.python.tree import PyModule
from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]


def module(code: str) -> PyModule:
    return PyModule(Source(code.encode()), File("service/app.py", "python"))


def counted(monkeypatch: pytest.MonkeyPatch, name: str, key: Callable[..., Any]) -> Counter[Any]:
    """How often a function of `tree` is called, by what it is called for."""
    counts: Counter[Any] = Counter()
    original = getattr(tree, name)

    def count(*arguments: Any) -> Any:
        counts[key(*arguments)] += 1
        return original(*arguments)

    monkeypatch.setattr(tree, name, count)
    return counts


def test_a_file_is_parsed_once_and_nothing_in_it_is_made_twice(
    monkeypatch: pytest.MonkeyPatch, prodlint: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    parses = counted(monkeypatch, "parsed", lambda source: source.data)
    statements = counted(
        monkeypatch, "read_statement", lambda module, node, depth: (module.data, node.start_byte, node.end_byte, node.kind_id)
    )
    expressions = counted(
        monkeypatch, "read_expression", lambda module, node, depth: (module.data, node.start_byte, node.end_byte, node.kind_id)
    )
    tree_of_one = ROOT / "fixtures" / "unready" / "orders"
    ran = prodlint(
        "check", str(tree_of_one), "--root", str(tree_of_one), "--select", "ALL", "--no-cache", "-j1", "--exit-zero", "--isolated"
    )
    assert "PRD" in ran.out
    with capsys.disabled():
        print(
            f"\nparses a file: {parses.total() / len(parses):.1f}, statements built / distinct: {statements.total() / len(statements):.1f}"
        )
    assert (tree_of_one / "app" / "main.py").read_bytes() in parses
    assert parses.total() == len(parses)
    assert statements and statements.total() == len(statements)
    assert expressions and expressions.total() == len(expressions)


def test_directives_are_read_from_the_same_tree(monkeypatch: pytest.MonkeyPatch, prodlint: Run, project: Callable[..., Path]) -> None:
    parses = counted(monkeypatch, "parsed", lambda source: source.data)
    root = project({"service/app.py": "import requests\n\nrequests.get('https://x.example')  # prodlint: ignore[PRD504] -- a script\n"})
    ran = prodlint("check", str(root), "--select", "PRD504", "--no-cache", "-j1", "--exit-zero")
    assert "PRD504" not in ran.out
    assert set(parses.values()) == {1}


LAYOUTS = (
    "a.b(c, d=1)[e].f",
    "a  .  b(c,d = 1) [ e ] . f",
    "a \\\n . b \\\n ( c, d=1 )[e] \\\n .f",
    "(a.b(  # one\n    c,  # two\n\n    d=(1),\n)\n[e]\n.f)",
    "(a)\t.b(c,\td=1)[e].f",
)


@pytest.mark.parametrize("written", LAYOUTS)
def test_text_does_not_depend_on_layout(written: str) -> None:
    expression = module(f"x = {written}\n").body[0].expressions[0]
    assert expression.text.replace("(1)", "1").replace("(a)", "a").replace("1,)", "1)") == LAYOUTS[0]


@pytest.mark.parametrize("text", ["a.b(c, d=1)", "x == 1", "lambda q, r=1: q", "not a", "{'k': [1, 2]}"])
def test_formatted_text_is_taken_as_it_is(text: str) -> None:
    made = module(f"x = {text}\n")
    assert not is_laid_out(text)
    assert canonical_text(made.data, made.root) == f"x = {text}"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import a.b as c\nc.get()", "a.b.get"),
        ("from a import b as c\nc()", "a.b"),
        ("from a . b import \\\n c\nc()", "a.b.c"),
        ("import a\nc = a.get\nc()", "a.get"),
        ("import a\nc = (a.get)\nd = c\nd()", "a.get"),
        ("import a\n(a  # why\n .get)()", "a.get"),
        ("import a\ns = (\n    a.Session()\n)\ns.get()", "a.Session.get"),
        ("import a\nwith (a.Session() as s):\n    s.get()", "a.Session.get"),
        ("import a\nasync def f():\n    s = await a.connect()\n    s.get()", "a.connect.get"),
        ("import a, functools\nc = functools.partial(a.get, timeout=1)\nc()", "a.get"),
        ("import a\nclass C:\n    fetch = a.get\n    def f(self):\n        self.fetch()", "a.get"),
        ("run = eval\nrun('1')", "eval"),
    ],
)
def test_every_road_to_a_name(code: str, name: str) -> None:
    assert module(code).calls()[-1].name == name


def test_a_call_through_another_name_keeps_its_method_and_receiver() -> None:
    call = module("import logging\nlog = logging.getLogger()\nsay = log.error\nsay('x')\n").calls()[-1]
    assert call.method == "error"
    assert isinstance(call.receiver, Name)
    assert call.is_imported


def test_a_parameter_with_the_name_of_a_library_is_not_imported() -> None:
    assert not module("def f(requests):\n    requests.get('x')\n").calls()[-1].is_imported


def test_comments_and_continued_lines_are_no_parts_of_anything() -> None:
    body = module("if a \\\n and b:\n    x = (1 +  # one\n    2)\nassert \\\n c, \\\n 'words'\nf(*  # all\n  d)\n").body
    condition, assertion = body[0].expressions[0], body[1]
    assert isinstance(condition, Operation) and len(condition.operands) == 2
    assert len(assertion.expressions) == 2
    added = body[0].body[0].expressions[0]
    assert isinstance(added, Operation) and len(added.operands) == 2
    call = body[2].expressions[0]
    assert isinstance(call, Call) and call.stars


def test_implicitly_joined_strings_are_one() -> None:
    joined = module("x = 'a' \\\n f'b{c}'  'd'\n").body[0].expressions[0]
    assert isinstance(joined, FString)
    assert [getattr(part, "value", None) for part in joined.items] == ["a", "b", None, "d"]
