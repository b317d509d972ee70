""".env files."""

from __future__ import annotations

from prodlint.facts import Comment, Fact, File, Problem, Setting, Source
from prodlint.readers import env

TEXT = """\
# note
export A=b
B='c $d' # trailing
C="${Y:-z}"
D=
E
F = g h # more
bad line !
é=ü
G=1
"""


def read(text: str) -> list[Fact]:
    return list(env.read(Source(text.encode()), File(".env", "env"), frozenset((Setting, Comment, Problem))))


def test_settings_and_places() -> None:
    found = [fact for fact in read(TEXT) if isinstance(fact, Setting)]
    assert [(each.name, each.value, each.default) for each in found] == [
        ("A", "b", None), ("B", "c $d", None), ("C", None, "z"), ("D", "", None), ("E", None, None), ("F", "g h", None), ("é", "ü", None),
        ("G", "1", None),
    ]  # fmt: skip
    for each in found:
        assert each.source.slice(each.key_start, each.key_end) == each.name
        assert each.text == (each.reference or each.value or ("" if each.value == "" else each.name))


def test_comments_and_problems() -> None:
    found = read(TEXT)
    assert [fact.value for fact in found if isinstance(fact, Comment)] == ["note", "trailing", "more"]
    assert [fact.line for fact in found if isinstance(fact, Problem)] == [8]


def test_values_of_several_lines() -> None:
    (found,) = [fact for fact in read('KEY="a\nb"\n') if isinstance(fact, Setting)]
    assert found.value == "a\nb" and found.text == "a\nb"


def test_long_runs_of_blanks() -> None:
    blanks = " " * 300
    found = [fact for fact in read(f"A=a{blanks}\nB=b{blanks}c{blanks}# note\nC='d{blanks}'\n{blanks}\nD=e\n") if isinstance(fact, Setting)]
    assert [(each.name, each.value) for each in found] == [("A", "a"), ("B", f"b{blanks}c"), ("C", f"d{blanks}"), ("D", "e")]
    assert [each.text for each in found] == ["a", f"b{blanks}c", f"d{blanks}", "e"]


def test_places_are_bytes_behind_letters_of_several() -> None:
    found = read("  é wrong line\nÄ=ü # größe\n  # über\nB=ß\n")
    assert [fact.text for fact in found if isinstance(fact, Problem)] == ["é wrong line"]
    assert [(fact.text, fact.value) for fact in found if isinstance(fact, Comment)] == [("# größe", "größe"), ("# über", "über")]
    assert [fact.text for fact in found if isinstance(fact, Setting)] == ["ü", "ß"]


def test_only_what_is_wanted() -> None:
    source, file = Source(b"# note\nA=b # why\nwrong line\n"), File(".env", "env")
    assert [type(fact) for fact in env.read(source, file, frozenset((Setting,)))] == [Setting]
    assert [type(fact) for fact in env.read(source, file, frozenset((Comment,)))] == [Comment, Comment]


def test_a_name_alone_has_no_value_and_no_place_of_one() -> None:
    (found,) = [fact for fact in read("export A\n") if isinstance(fact, Setting)]
    assert (found.value, found.text) == (None, "A")
