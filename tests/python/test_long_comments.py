"""Very long runs of comments are read beside the grammar, whose scanner would look over all of them again behind each."""

from __future__ import annotations

import pytest

from prodlint.facts import Comment, File, Source
from prodlint.python.tree import PyModule
from prodlint.readers import FactRequest, read


def module(text: str) -> PyModule:
    return PyModule(Source(text.encode()), File("a.py", "python"))


def test_every_comment_is_there_and_the_code_around_is_the_same() -> None:
    text = "def f():\n    x = 1\n" + "    # a\n" * 500 + "    return x\n\n" + "# b\n" * 500
    made = module(text)
    assert made.unparsed_comments and not made.root.has_error
    assert [(function.name, function.span.end_line) for function in made.functions()] == [("f", 503)]
    found = read(made.source, made.file, FactRequest(frozenset({Comment}), frozenset(), lambda name: False, {}))
    lines = [fact.line for fact in found if isinstance(fact, Comment)]
    assert sorted(lines) == [*range(3, 503), *range(505, 1005)]


def test_lines_of_a_string_are_no_comments() -> None:
    made = module('x = """\n' + "# a\n" * 500 + '"""\ny = 2\n')
    assert made.unparsed_comments == []
    assert len(made.statements) == 2


def test_short_runs_are_left_to_the_grammar() -> None:
    assert module(("# a\n" * 150 + "x = 1\n") * 5).unparsed_comments == []


# The grammar takes each of them for the end of the block; what CPython takes is no error.
LESS_INDENTED = (
    (
        "def f(a):\n    try:\n        g(\n  # one\n    json  # two\n    =  # three ) (\n    a)\n    except ValueError:  # four\n        pass\n    return '#) ('\n",
        7,
    ),
    ("def f(a):\n    for b in a:\n        with g(\n    timeout=2\n    ) as c:  # one\n            c.get('(')\n    return c\n", 5),
)


@pytest.mark.parametrize(("text", "last"), LESS_INDENTED)
def test_lines_in_brackets_may_be_indented_as_they_like(text: str, last: int) -> None:
    made = module(text)
    assert not made.root.has_error
    assert [function.span.end_line for function in made.functions()] == [text.count("\n")]
    found = read(made.source, made.file, FactRequest(frozenset({Comment}), frozenset(), lambda name: False, {}))
    comments = [fact.value for fact in found if isinstance(fact, Comment)]
    assert sorted(comments) == sorted(line.partition("  # ")[2] for line in text.split("\n") if "  # " in line)
    assert made.extent(text.index("g("), text.index("g(") + 1) == (3, last)


def test_what_is_broken_is_read_as_far_as_it_goes() -> None:
    made = module("def f(:\n    x = (  # why\n1)\n")
    assert made.root.has_error and made.unparsed_comments == []
