"""Dockerfiles as BuildKit reads them."""

from __future__ import annotations

import pytest

from prodlint.facts import Comment, Dockerfile, Fact, File, Instruction, Problem, Source
from prodlint.readers import dockerfile
from tests.limits import cpu_limit

EVERYTHING = frozenset({Instruction, Comment, Problem, Dockerfile})


def facts(text: str) -> list[Fact]:
    return list(dockerfile.read(Source(text.encode()), File("Dockerfile", "dockerfile"), EVERYTHING))


def instructions(text: str) -> list[Instruction]:
    return [fact for fact in facts(text) if isinstance(fact, Instruction)]


def whole(text: str) -> Dockerfile:
    return next(fact for fact in facts(text) if isinstance(fact, Dockerfile))


def test_continued_lines_skip_comments_and_empty_lines() -> None:
    text = "FROM x\nENV A=1 \\\n# é note\n\n    B=2 \\\n  # more\n    C=ü\nUSER a\n"
    found = instructions(text)
    assert [(each.keyword, each.words) for each in found[1:]] == [("ENV", ("A=1", "B=2", "C=ü")), ("USER", ("a",))]
    assert [fact.value for fact in facts(text) if isinstance(fact, Comment)] == ["é note", "more"]
    assert (found[1].span.line, found[1].span.end_line, found[1].span.end_column) == (2, 7, 8)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places_inside_joined_lines(newline: str) -> None:
    text = newline.join(["FROM x", "RUN echo 'é' && \\", "  # note", "  rm -rf /ü && \\", "  ls ä", ""])
    (_, run) = instructions(text)
    for word in ("echo", "'é'", "rm", "/ü", "ls", "ä"):
        at = run.value.index(word)
        start, end = run.place(at, at + len(word))
        assert run.source.slice(start, end) == word
    at = run.value.index("ls ä")
    assert run.source.span(*run.place(at, at + 4)).line == 5


def test_heredocs_are_bodies_not_instructions() -> None:
    text = (
        "FROM x\nRUN <<EOF bash\nUSER root\nFROM evil\nEOF\nCOPY <<-'A' <<B /to/\n\tone\n\tA\ntwo\nB\n"
        'RUN echo $((1<<2)) "<<NO" <<<here\nUSER app\n'
    )
    found = instructions(text)
    assert [each.keyword for each in found] == ["FROM", "RUN", "COPY", "RUN", "USER"]
    assert [[body for body, *_ in each.heredocs] for each in found] == [[], ["USER root\nFROM evil\n"], ["\tone\n", "two\n"], [], []]
    assert found[1].span.end_line == 5


def test_a_heredoc_without_end_is_a_problem() -> None:
    assert [fact.why for fact in facts("FROM x\nRUN <<EOF\nls\n") if isinstance(fact, Problem)] == ["heredoc `EOF` has no end"]


def test_escape_directive() -> None:
    found = instructions("# syntax=docker/dockerfile:1\n# escape=`\nFROM x\nRUN dir `\n  C:\\\nUSER a\n")
    assert [each.keyword for each in found] == ["FROM", "RUN", "USER"]


def test_an_escape_comment_further_down_is_a_comment() -> None:
    found = instructions("# hello\n# escape=`\nFROM x\nRUN a \\\n  b\n")
    assert [each.keyword for each in found] == ["FROM", "RUN"]


def test_json_and_shell_form() -> None:
    found = instructions(
        'FROM x\nCMD ["a", "b c"]\nENTRYPOINT a "b"\nCMD [not json]\nHEALTHCHECK --interval=5s CMD ["x", "y"]\nHEALTHCHECK NONE\n'
    )
    assert [(each.words, each.json_form) for each in found[1:]] == [
        (("a", "b c"), True),
        (('a "b"',), False),
        (("[not json]",), False),
        (("CMD", "x", "y"), True),
        (("NONE",), False),
    ]
    assert found[4].flags == (("interval", "5s"),)


def test_flags() -> None:
    (_, run) = instructions("FROM x\nRUN --mount=type=secret,id=a --mount=type=cache,target=/c \\\n  --network=none pip install --user x\n")
    assert run.flags == (("mount", "type=secret,id=a"), ("mount", "type=cache,target=/c"), ("network", "none"))
    assert run.value == "pip install --user x"
    assert run.source.slice(*run.place(0, 3)) == "pip"


def test_stages_and_arguments() -> None:
    text = (
        "ARG PY=3.12\nARG BASE=python:${PY}-slim\nFROM --platform=$BUILDPLATFORM ${BASE} AS Build\nFROM build as second\n"
        "FROM ${UNKNOWN} AS third\nFROM scratch\nCOPY --from=build /a /b\n"
    )
    found = whole(text)
    assert [(stage.name, stage.image, stage.resolved) for stage in found.stages] == [
        ("build", "${BASE}", "python:3.12-slim"),
        ("second", "build", "build"),
        ("third", "${UNKNOWN}", ""),
        ("", "scratch", "scratch"),
    ]
    assert found.stages[1].parent is found.stages[0]
    assert [stage.is_final for stage in found.stages] == [False, False, False, True]
    assert found.final is found.stages[3]
    assert found.arguments == {"PY": "3.12", "BASE": "python:3.12-slim"}


def test_variables_follow_the_stage() -> None:
    text = "ARG UID=1000\nFROM x AS a\nENV H=/home\nFROM a\nARG UID\nARG NAME=app\nENV P=$H/${NAME}\nUSER ${UID}:${GID:-7}\n"
    found = whole(text)
    assert found.final is not None
    known = dockerfile.variables(found, found.final)
    assert known == {"H": "/home", "UID": "1000", "NAME": "app", "P": "/home/app"}
    assert dockerfile.expand("${UID}:${GID:-7}", known) == "1000:7"
    assert dockerfile.expand("$OTHER", known) is None


def test_lineage_goes_through_parents() -> None:
    found = whole("FROM x AS a\nUSER one\nFROM a\nRUN ls\n")
    assert found.final is not None
    assert [each.keyword for each in found.final.lineage()] == ["RUN", "FROM", "USER", "FROM"]


def test_onbuild() -> None:
    (_, each) = instructions("FROM x\nonbuild run make\n")
    assert (each.keyword, each.onbuild, each.value) == ("RUN", True, "make")


def test_pairs_have_places() -> None:
    (_, new, old, bare) = instructions("FROM x\nENV A=\"é x\" \\\n  B='y'\nENV OLD the rest\nARG NAME\n")
    assert [(pair.name, pair.value, new.source.slice(pair.start, pair.end)) for pair in dockerfile.pairs(new)] == [
        ("A", "é x", "é x"),
        ("B", "y", "y"),
    ]
    assert [(pair.name, pair.value) for pair in dockerfile.pairs(old)] == [("OLD", "the rest")]
    assert [(pair.name, pair.value, bare.source.slice(pair.start, pair.end)) for pair in dockerfile.pairs(bare)] == [("NAME", None, "NAME")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FROM x\nFOO bar\n", "syntax"),
        ("RUN x\n", "syntax"),
        ("{% if a %}\nFROM x\n{% endif %}\n", "template"),
        ("FROM x\n{{ more }}\n", "template"),
    ],
)
def test_what_cannot_be_read_is_a_problem(text: str, kind: str) -> None:
    assert [fact.kind for fact in facts(text) if isinstance(fact, Problem)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "FROM x\nRUN " + "a \\\n" * 50_000,
        "FROM x\n" + "RUN <<E\n" * 20_000,
        'FROM x\nENV "' + "\\'" * 100_000,
        "FROM x\nCMD " + "[" * 100_000,
        "FROM x\nRUN " + "--mount=" * 20_000,
        "\\\n" * 20_000,
        "ONBUILD\nONBUILD X\nFROM\nENV\nARG\nCOPY\n\\",
        "",
    ],
)
def test_hostile_texts_never_raise(text: str) -> None:
    with cpu_limit(20):
        for fact in facts(text):
            assert 0 <= fact.start <= fact.end <= len(text)
            if isinstance(fact, Instruction) and fact.keyword in ("ENV", "ARG", "LABEL"):
                dockerfile.pairs(fact)
