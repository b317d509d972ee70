"""Python in one form: layout makes no difference, and code does."""

from __future__ import annotations

import pytest

from prodlint.facts import File, Source
from prodlint.python.canonical import canonical_form
from prodlint.python.tree import PyModule


def form(text: str, part: str, path: str = "app/a.py") -> str:
    """The form of the first occurrence of a part."""
    data = text.encode()
    start = data.index(part.encode())
    return canonical_form(PyModule(Source(data), File(path, "python")), start, start + len(part.encode()))


CALL = 'import requests\nx = requests.get(url, verify=False, headers={"a": "b"})\n'


@pytest.mark.parametrize(
    ("before", "call", "after"),
    [
        ("import requests\nx = ", "requests.get(\n    url,  # why\n    verify=False,\n    headers={'a': 'b',},\n)", "\n"),
        ("import requests\nx = (", "requests . get (url, verify = (False), headers = {\"a\" : r'b'})", ")\n"),
        ("import requests as rq\nx = ", "rq.get(url, \\\n  verify=False, headers={'a': '' 'b'})", "\n"),
        ("from requests import get\nif True:\n    x = ", "get(url, verify=False, headers={'a': '''b'''})", "\n"),
        ("def f():\n    from requests import get as fetch\n    return ", "fetch(url, verify=False, headers={u'a': 'b'})", "\n"),
    ],
    ids=["lines", "blanks", "alias", "name", "local"],
)
def test_a_call_is_the_same_however_it_is_laid_out(before: str, call: str, after: str) -> None:
    assert form(before + call + after, call) == form(CALL, CALL[20:-1])


@pytest.mark.parametrize("part", ["False", "verify=False"])
def test_a_value_comes_with_its_name_and_its_call(part: str) -> None:
    assert form(CALL, part) == "requests.get url <keyword_argument verify = False >"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("time.sleep(5)", "time.sleep(5.5)"),
        ("f(a, b)", "f(b, a)"),
        ("(a + b) * c", "a + b * c"),
        ("f('a b')", "f('ab')"),
        ("f(x={1: 2})", "f(x={2: 1})"),
        ("f'{a}'", "'{a}'"),
        ("f'{a!r}'", "f'{a!s}'"),
        ("not a", "a"),
        ("f(*a)", "f(**a)"),
        ("f(b'a')", "f(a)"),
    ],
)
def test_other_code_is_another(one: str, other: str) -> None:
    assert form(f"x = 1; {one}\n", one) != form(f"x = 1; {other}\n", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return (a, b)", "return a, b"),
        ("f(0XFF, 1E5)", "f(0xff, 1e5)"),
        ("raise (Gone('x'))", "raise Gone('x')"),
        ("f('it\\'s')", 'f("it\'s")'),
        ("f('''select 1\n   from a''')", "f('''select 1\n       from a''')"),
        ("f(f'a{x}' 'b')", 'f(f"a{x}b")'),
        ("f((a for a in b))", "f(a for a in b)"),
    ],
)
def test_what_a_formatter_may_change(one: str, other: str) -> None:
    assert form(f"def g():\n    {one}\n", one) == form(f"def g():\n    {other}\n", other)


def test_a_handler_comes_with_its_block() -> None:
    text = "try:\n    f()\nexcept (OSError):  # gone\n    # nobody cares\n    pass\nexcept OSError:\n    raise\n"
    assert form(text, "except (OSError):") == "<except_clause except OSError <pass_statement pass > >"
    assert form(text, "except OSError:") != form(text, "except (OSError):")


def test_a_definition_comes_without_its_name() -> None:
    for part in ("def load(a):", "load", "def load("):
        assert form("def load(a):\n    raise Gone\n", part) == "<function_definition def <parameters a > >"


def test_a_relative_import_is_the_same_from_another_folder() -> None:
    text = "from .store import load as get\nget(1)\n"
    assert form(text, "get(1)") == form(text, "get(1)", "app/data/deep/a.py")


def test_deep_nesting_ends() -> None:
    depth = 3000
    assert form("x = " + "(" * depth + "1" + ")" * depth + "\n", "x = ")
    long = "f(" * 400 + ")" * 400
    assert form(long + "\n", long)
