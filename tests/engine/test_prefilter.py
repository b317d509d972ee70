"""Which checks are asked about which fact: what the words of a check leave out, and what they never may."""

from __future__ import annotations

import pytest

from prodlint.checks import Check, calls, comments, every, text
from prodlint.engine.prefilter import Index, words_of
from prodlint.facts import Assignment, Comment
from prodlint.model import Rule


def check(code: str, *on: object, literals: tuple[tuple[str, ...], ...] = (), verbatim: bool = False, pattern: bytes = b"") -> Check:
    return Check(code, lambda fact, context: (), tuple(on), literals, (), verbatim, pattern)  # type: ignore[arg-type]


def index_of(*checks: Check) -> Index:
    rules = [Rule(made.code, made.code.lower(), "tool", "t", "P2", "correctness", "") for made in checks]
    return Index(rules, checks, ())


def asked(index: Index, data: bytes, start: int, end: int, kind: str = "python", fact: type = Assignment) -> list[str]:
    """The codes of the checks that are asked about a fact of a type between two offsets."""
    active = index.scan(data, kind, index.plan(kind, frozenset())).active
    hits = index.scan(data, kind, active)
    near = index.near(kind, active, hits, data)
    return [one.check.code for one in index.subscribed(near[fact].checks(start, end))] if fact in near else []  # type: ignore[union-attr]


def test_a_check_is_asked_about_facts_that_hold_one_of_its_words() -> None:
    index = index_of(
        check("ABC001", every(Assignment), literals=(("password",),)),
        check("ABC002", every(Assignment), literals=(("timeout",),)),
    )
    data = b"password = 1\ntimeout = 2\n"
    assert asked(index, data, 0, 12) == ["ABC001"]
    assert asked(index, data, 13, 24) == ["ABC002"]
    assert asked(index, data, 0, 24) == ["ABC001", "ABC002"]
    assert asked(index, data, 3, 12) == []


def test_a_check_without_words_is_asked_about_every_fact() -> None:
    index = index_of(check("ABC001", every(Assignment), literals=None), check("ABC002", every(Assignment), literals=(("x1y",),)))  # type: ignore[arg-type]
    assert asked(index, b"a = 1\nx1y = 2\n", 0, 5) == ["ABC001"]


def test_of_words_that_stand_together_one_is_enough_to_be_near() -> None:
    index = index_of(check("ABC001", every(Assignment), literals=(("admin pass",), ("db pass",), ("api pass",))))
    data = b"admin.\\\npass_ = 1\nadmin = 2\n"
    assert asked(index, data, 0, 17) == ["ABC001"]
    assert asked(index, data, 18, 27) == []


def test_of_literals_that_are_both_in_the_file_either_may_stand_in_the_fact() -> None:
    index = index_of(check("ABC001", every(Assignment), literals=(("databases", "localhost"), ("caches", "localhost"))))
    data = b"DATABASES = 1\nhost = 'localhost'\n"
    assert asked(index, data, 0, 13) == ["ABC001"]
    assert asked(index, data, 14, 32) == ["ABC001"]


def test_a_pattern_stands_for_words() -> None:
    index = index_of(check("ABC001", every(Assignment), pattern=rb"[0-9]{6}"))
    data = b"a = 12345\nb = 123456\n"
    assert asked(index, data, 0, 9) == []
    assert asked(index, data, 10, 20) == ["ABC001"]
    assert index.scan(b"a = 12345", "python", index.plan("python", frozenset())).active == 0


def test_an_exhaustive_run_leaves_nothing_out() -> None:
    rules = [Rule("ABC001", "abc001", "tool", "t", "P2", "correctness", "")]
    index = Index(rules, [check("ABC001", every(Assignment), literals=(("password",),))], (), exhaustive=True)
    plan = index.plan("python", frozenset())
    hits = index.scan(b"a = 1", "python", plan)
    assert hits.active == plan
    assert index.near("python", hits.active, hits, b"a = 1") == {}


@pytest.mark.parametrize(
    ("literals", "kind", "made", "words"),
    [
        (("jwt.decode(",), "python", check("A", calls("jwt.decode")), [b"jwt", b"decode"]),
        (("Don't",), "python", check("A", comments()), [b"don"]),
        (("x", "debug"), "yaml", check("A", comments()), [b"debug"]),
        (("q~",), "python", check("A", comments()), [b"q"]),
        (("q~",), "python", check("A", text()), [b"q~"]),
        (("id>",), "python", check("A", every(Assignment), verbatim=True), [b"id>"]),
        (("image: python",), "yaml", check("A", comments()), [b"image", b"python"]),
    ],
)
def test_words_of(literals: tuple[str, ...], kind: str, made: Check, words: list[bytes]) -> None:
    assert words_of(literals, kind, made) == words


def test_kinds_that_share_an_automaton_keep_their_own_checks() -> None:
    made = Check("ABC001", lambda fact, context: (), (comments(),), (("todo",),), ("yaml",))
    index = index_of(made)
    for kind, active in (("yaml", True), ("toml", False)):
        assert bool(index.scan(b"# todo", kind, index.plan(kind, frozenset())).active) is active
    assert asked(index, b"# todo", 0, 6, "yaml", Comment) == ["ABC001"]
