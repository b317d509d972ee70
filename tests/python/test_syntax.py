"""What CPython refuses is said, in its words; what only a later version takes is not."""

from __future__ import annotations

import io
import itertools
import json
import random
import tokenize
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prodlint.facts import Source
from prodlint.python import syntax
from prodlint.python.newer import as_older
from tests.conftest import ROOT, Ran

Run = Callable[..., Ran]


def refused(code: str) -> syntax.Refusal | None:
    return syntax.refusal(Source(code.encode()))


@pytest.mark.parametrize(
    ("code", "words", "line"),
    [
        ("x = 1\n  y = 2\n", "unexpected indent", 2),
        ("def f():\nreturn 1\n", "expected an indented block", 2),
        ("class A:\n", "expected an indented block", 1),
        ("f(a=1, 2)\n", "positional argument follows keyword argument", 1),
        ("def f(a=1, b): pass\n", "default argument", 1),
        ("try:\n    x = 1\n", "expected 'except' or 'finally' block", 2),
        ('print "a"\n', "(`print` as a statement: Python 2)", 1),
        ("try:\n    pass\nexcept OSError, error:\n    pass\n", "(`except E, error`: Python 2)", 3),
        ("mode = 0755\n", "Python 2", 1),
        ("return 1\n", "'return' outside function", 1),
        ("import os,\n", "", 1),
        ("nonlocal x\n", "nonlocal declaration not allowed at module level", 1),
        ("def f(a, a): pass\n", "duplicate argument 'a'", 1),
        ("f(a=1, a=2)\n", "keyword argument repeated", 1),
        ("def f():\n    await g()\n", "'await' outside async function", 2),
        ("break\n", "'break' outside loop", 1),
        ("a\n\n\nb = f'{c d}'\n", "f-string", 4),
        ("x = '\u00e9' y\n", "", 1),
        ("x = 1\r\ry = = 2\r", "invalid syntax", 3),
    ],
)
def test_refused(code: str, words: str, line: int) -> None:
    found = refused(code)
    assert found is not None
    assert found.kind == "syntax"
    assert words in found.why
    assert Source(code.encode()).position(found.start)[0] == line


@pytest.mark.parametrize(
    "code",
    [
        "class A[\n    T: int,  # why\n    S,\n]:\n    pass\n",
        "class A[\n    T,\n](\n    Base[T],\n):\n    x = 1\n",
        "class A[T](\n    Base,\n): pass\n",
        "def f[\n    T\n](a: T, b):\n    return a\n",
        "async def f[\n    T\n] (a):\n    return a\n",
        "type X[\n    T,\n] = list[T]\n",
        "type Price = int | float\n",
        "if x:\n    type Pair[T] = tuple[T, T]\n",
        "type = 1\ntype.x = type(type)\n",
        "def first[T: (int, str), *Ts, **P](items: list[T]) -> T: ...\n",
        "class Box[T = int](Base[T]):\n    def f[S](self): ...\n",
        'x = f"{row["a"]!r:>{row["b"]}}" + f\'{"\\n".join(a)}\'\n',
        'x = f"{  # why\n    a\n}"\n',
        'x = rf"\\d{a["b"]}" f"{{}}" f"{a:{b}}"\n',
        "try:\n    pass\nexcept OSError, json.JSONDecodeError:\n    pass\n",
        "try:\n    pass\nexcept* (OSError, ValueError):\n    pass\n",
        'x = t"hello {name}" + t""\n',
        "lazy import json\nlazy from a import b\nlazy = 1\n",
        "x = [*each for each in many] + [*a, *b]\ny = {**each for each in many}\n",
        "def f(*args: *Ts) -> Array[int, *Shape]: ...\n",
        "async def f():\n    return [await y async for y in z]\n",
        "x = f\"{bold(f'ok {stats['good']}', on=True)} of {f'{n:>{w['n']}}'}\"\n",
        "x = 'a \\d'\nassert (x, 'always')\nx is 1\n",
    ],
)
def test_newer_and_odd_python_is_taken(code: str, recwarn: pytest.WarningsRecorder) -> None:
    assert refused(code) is None
    assert not recwarn.list


@pytest.mark.parametrize(
    "code", ["type Price = int\n", "def f[T](a): ...\n", "x = f'{a['b']}'\n", "lazy import a\n", "except OSError, ValueError:\n"]
)
def test_what_else_is_wrong_in_newer_python_is_found(code: str) -> None:
    assert len(as_older(code, (3, 10))) == len(code)
    found = refused("try:\n    pass\n" + code + "    pass\nreturn 2\n" if code.startswith("except") else code + "return 2\n")
    assert found is not None
    assert found.why == "'return' outside function"


@pytest.mark.parametrize(
    "code", ["class {{ name }}:\n    pass\n", "{% if a %}\nimport a\n{% endif %}\n", "x = ${value}\n", "from a.{{ b.c }} import d\n"]
)
def test_a_template_is_told_as_such(code: str) -> None:
    found = refused(code)
    assert found is not None
    assert found.kind == "template"


@pytest.mark.parametrize("code", ['PAGE = "{% if a %}{{ b }}{% endif %}"\nx = = 1\n', "# {% if a %}\nx = = 1\n", "x = = f'{{a}}'\n"])
def test_marks_of_templates_in_strings_and_comments_are_no_excuse(code: str) -> None:
    found = refused(code)
    assert found is not None
    assert found.kind == "syntax"


@pytest.mark.parametrize("code", ["x = " + "-" * 100_000 + "1\n", "x = a" + ".b" * 100_000 + "\n", "x = " + "a + " * 100_000 + "a\n"])
def test_what_is_nested_too_deeply_is_named(code: str) -> None:
    found = refused(code)
    assert found is not None
    assert found.kind == "depth"


def test_large_files_are_compiled_in_parts() -> None:
    method = "    def method(self, value):\n        return value\n\n"
    large = "class Large:\n" + method * 4_000
    assert len(large) > 3 * syntax.WHOLE
    assert refused(large) is None
    for wrong, words in (
        ("    return 3\n", "'return' outside function"),
        ("    x = f(a=1, a=2)\n", "keyword argument repeated"),
        ("    nonlocal y\n", "nonlocal"),
    ):
        found = refused(large + wrong)
        assert found is not None
        assert words in found.why
        assert Source((large + wrong).encode()).position(found.start)[0] == large.count("\n") + 1


def broken(text: str, chance: random.Random) -> Iterator[str]:
    """A file with one token deleted, given twice or put in another's place."""
    tokens = [
        t
        for t in tokenize.generate_tokens(io.StringIO(text).readline)
        if t.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP)
    ]
    starts = Source(text.encode()).line_starts
    assert text.isascii()
    while True:
        token, other = chance.choice(tokens), chance.choice(tokens).string
        first, last = starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]
        yield text[:first] + chance.choice(["", f"{other} {token.string}", other]) + text[last:]


def test_files_broken_by_one_token_are_found(prodlint: Run, tmp_path: Path) -> None:
    """Whatever is refused is named: in a run over few files, over many, and looking at everything."""
    chance = random.Random(14)
    made = 0
    for path in sorted((ROOT / "prodlint").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not text.isascii() or len(text) < 2000:
            continue
        for variant in itertools.islice(broken(text, chance), 200):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    compile(variant, "x", "exec", dont_inherit=True)
                except (SyntaxError, ValueError):
                    break
        else:
            continue  # a file that no such change breaks
        made += 1
        (tmp_path / f"broken_{made}.py").write_text(variant, encoding="utf-8")
    assert made > 100
    words = [
        "check",
        str(tmp_path),
        "--root",
        str(tmp_path),
        "--isolated",
        "--select",
        "PRD001",
        "--output-format",
        "json",
        "--no-cache",
        "--exit-zero",
    ]
    found = {finding["path"] for finding in json.loads(prodlint(*words).out)["findings"]}
    assert len(found) == made
    for number in range(300):
        (tmp_path / f"whole_{number}.py").write_text(f"x = {number}\n", encoding="utf-8")
    assert {finding["path"] for finding in json.loads(prodlint(*words).out)["findings"]} == found
    assert {finding["path"] for finding in json.loads(prodlint(*words, "--exhaustive").out)["findings"]} == found


def test_the_interpreter_says_nothing_by_itself(prodlint: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("x = '\\d'\nassert (x, 1)\nx is 1\n", encoding="utf-8")
    ran = prodlint("check", str(tmp_path), "--isolated", "--no-cache", "--select", "PRD001")
    assert (ran.code, ran.err) == (0, "")


def test_too_deep_is_not_checked(prodlint: Run, tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text("import requests\nrequests.get(u)\nx = " + "a + " * 9_000 + "a\n", encoding="utf-8")
    ran = prodlint("check", str(tmp_path), "--isolated", "--no-cache", "--select", "PRD504", "--exit-zero")
    assert "PRD504" in ran.out
    assert "nested too deeply" in ran.out
    assert prodlint("check", str(tmp_path), "--isolated", "--no-cache", "--select", "PRD001").code == 3
