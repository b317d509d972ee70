"""What an expression can be: each case is a file in which `sink(...)` stands, and what its argument must read as."""

from __future__ import annotations

import textwrap

import pytest

from prodlint.facts import File, Source
from prodlint.python.tree import PyModule
from prodlint.values.evaluate import Values
from prodlint.values.lattice import (
    Argument,
    Client,
    Items,
    Known,
    Member,
    Reference,
    Restricted,
    Result,
    Setting,
    Shape,
    Table,
    Text,
    Value,
)


class NoOthers:
    """A project of one file."""

    def values(self, name: str, near: object) -> None:
        return None

    def of_file(self, path: str) -> None:
        return None


def said(value: Value) -> str:
    """A value in short: constants as written, `path!` for what a client chooses, `<how>` for what was restricted."""
    return " | ".join(sorted(of_shape(shape) for shape in value.shapes)) or "nothing"


def of_shape(shape: Shape) -> str:
    if isinstance(shape, Known):
        return repr(shape.value)
    if isinstance(shape, Text):
        return "+".join(said(part.value) for part in shape.parts)
    if isinstance(shape, Items):
        listed = [said(item) for item in shape.items] + ([f"*{said(shape.more)}"] if shape.more is not None else [])
        return f"[{', '.join(listed)}]"
    if isinstance(shape, Table):
        listed = [f"{key}: {said(item)}" for key, item in shape.entries.items()] + (
            [f"*{said(shape.more)}"] if shape.more is not None else []
        )
        return f"{{{', '.join(listed)}}}"
    if isinstance(shape, Setting):
        return f"${shape.name}={said(shape.default)}"
    if isinstance(shape, Client):
        return f"{shape.source}!"
    if isinstance(shape, Argument):
        return f"({shape.name})"
    if isinstance(shape, Restricted):
        return f"<{shape.how}>"
    if isinstance(shape, (Result, Reference)):
        return shape.name
    if isinstance(shape, Member):
        return f"{said(shape.of)}{shape.step}"
    return type(shape).__name__.lower()


def evaluated(code: str) -> list[str]:
    """What the first argument of each `sink(...)` of a file can be, in order."""
    module = PyModule(Source(textwrap.dedent(code).encode()), File("app/main.py", "python"))
    values = Values(module, NoOthers())
    found = [said(values.of(call.arguments[0])) for call in module.calls() if call.method == "sink"]
    assert found
    return found


CASES = {
    # ------------------------------------------------------------ order and paths
    "the last value on the path": ("def f(x):\n    x = 'a'\n    sink(x)\n    x = 'b'\n    sink(x)\n", ["'a'", "'b'"]),
    "both branches": ("def f(x):\n    if x:\n        y = 'a'\n    else:\n        y = 'b'\n    sink(y)\n", ["'a' | 'b'"]),
    "a branch that leaves": ("def f(x):\n    y = 'a'\n    if x:\n        y = 'b'\n        return\n    sink(y)\n", ["'a'"]),
    "a loop comes round": ("def f(xs):\n    y = 'a'\n    for x in xs:\n        sink(y)\n        y = x\n", ["'a' | (xs)[...]"]),
    "a parameter made of itself": ("def f(name):\n    name = name.strip()\n    sink(name)\n", ["(name)"]),
    "made a list of itself": (
        "def f(n):\n    if isinstance(n, str):\n        n = [n]\n    for x in n:\n        sink(x)\n",
        ["(n) | (n)[...]"],
    ),
    "a handler sees what the body did": (
        "def f():\n    x = 'a'\n    try:\n        x = 'b'\n        go()\n    except ValueError:\n        sink(x)\n",
        ["'a' | 'b'"],
    ),
    "with": ("def f():\n    with open('x') as h:\n        sink(h)\n", ["open.__enter__()"]),
    "while True with break": ("def f():\n    while True:\n        x = 'a'\n        if x:\n            break\n    sink(x)\n", ["'a'"]),
    "unpacking": ("a, (b, *c) = 'x', ('y', 'z', 'w')\nsink(b)\n", ["'y'"]),
    "walrus": ("def f(x):\n    if (y := x.lower()):\n        sink(y)\n", ["(x)"]),
    "deleted": ("def f():\n    x = 'a'\n    del x\n    x = 'b'\n    sink(x)\n", ["'b'"]),
    "global": ("x = 'a'\ndef g():\n    global x\n    x = 'b'\ndef f():\n    sink(x)\n", ["'a' | 'b'"]),
    "a closure": ("def f():\n    x = 'a'\n    def g():\n        sink(x)\n    return g\n", ["'a'"]),
    "conditional expression": ("def f(x):\n    sink('a' if x else 'b')\n", ["'a' | 'b'"]),
    "or": ("import os\nsink(os.getenv('X') or 'y')\n", ["$X='y'"]),
    # ------------------------------------------------------------ texts
    "f-string": ("def f(x):\n    sink(f'a {x} b')\n", ["'a '+(x)+' b'"]),
    "percent": ("def f(x):\n    sink('a %s %d' % (x, x))\n", ["'a '+(x)+' '+<number>+''"]),
    "percent with names": ("def f(x):\n    sink('a %(x)s' % {'x': x})\n", ["'a '+(x)+''"]),
    "format": ("def f(x):\n    sink('a {} {k}'.format(x, k='c'))\n", ["'a '+(x)+' '+'c'"]),
    "join": ("def f(x):\n    sink(','.join(['a', x]))\n", ["'a'+','+(x)"]),
    "join of fixed": ("sink(', '.join(c for c in ('a', 'b')))\n", ["'a' | 'b'"]),
    "plus": ("def f(x):\n    sink('a ' + x + ' b')\n", ["'a '+(x)+' b'"]),
    "augmented": ("def f(x):\n    q = 'a'\n    if x:\n        q += f' {x}'\n    sink(q)\n", ["'a' | 'a'+' '+(x)"]),
    "replace": ("def f(x):\n    sink('a N'.replace('N', x))\n", ["'a N'+(x)"]),
    "constants fold": ("A = 'x'\nB = A + 'y'\nsink(f'{B}-{1}')\n", ["'xy-1'"]),
    "appended": ("def f(x):\n    p = ['a']\n    p.append(x)\n    sink(p)\n", ["['a', *(x)]"]),
    "dict and item": ("o = {'a': 1}\no['b'] = True\nsink(o['b'])\n", ["True"]),
    "dict of dicts": ("o = dict(a=1, **{'b': 2})\nsink(o)\n", ["{b: 2, a: 1}"]),
    # ------------------------------------------------------------ objects
    "class constant": ("class K:\n    t = 'a'\n    def f(self):\n        sink(self.t)\n", ["'a'"]),
    "set in __init__": ("class K:\n    def __init__(self, p):\n        self.p = p\n    def f(self):\n        sink(self.p)\n", ["(p)"]),
    "base class": ("class B:\n    t = 'a'\nclass K(B):\n    def f(self):\n        sink(self.t)\n", ["'a'"]),
    "property": ("class K:\n    @property\n    def t(self):\n        return 'a'\n    def f(self):\n        sink(self.t)\n", ["'a'"]),
    "enum": ("import enum\nclass C(enum.Enum):\n    A = 'a'\ndef f(c: C):\n    sink(c.value)\n", ["<enum>"]),
    "settings field": (
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    debug: bool = True\ns = S()\nsink(s.debug)\n",
        ["$DEBUG=True"],
    ),
    "dataclass annotation": (
        "class Job:\n    name: str\n    size: int\ndef f(job: Job):\n    sink(job.name)\n    sink(job.size)\n",
        ["(job).name", "<int>"],
    ),
    # ------------------------------------------------------------ functions of the file
    "returned": ("def g(x):\n    return f'{x}!'\nsink(g('a'))\n", ["'a!'"]),
    "default of a parameter": ("def g(x, y='b'):\n    return y\nsink(g('a'))\n", ["'b'"]),
    "a reader of the environment": ("import os\ndef env(k, d=None):\n    return os.environ.get(k, d)\nsink(env('X', 'y'))\n", ["$X='y'"]),
    "a switch": ("import os\ndef flag(k, d):\n    return os.getenv(k, d).lower() == 'true'\nsink(flag('X', 'True'))\n", ["$X=True"]),
    "a lambda": ("import os\nenv = lambda k, d='q': os.getenv(k, d)\nsink(env('Z'))\n", ["$Z='q'"]),
    "recursion ends": ("def g(x):\n    return g(x)\nsink(g('a'))\n", ["g"]),
    # ------------------------------------------------------------ conditions
    "member of a set": ("OK = {'a', 'b'}\ndef f(x):\n    if x not in OK:\n        raise ValueError\n    sink(x)\n", ["'a' | 'b'"]),
    "equal": ("def f(x):\n    if x == 'a':\n        sink(x)\n", ["'a'"]),
    "pattern": ("import re\ndef f(x):\n    if not re.fullmatch(r'[a-z]+', x):\n        return\n    sink(x)\n", ["<checked>"]),
    "open pattern": ("import re\ndef f(x):\n    if not re.fullmatch(r'.+', x):\n        return\n    sink(x)\n", ["(x)"]),
    "pattern without an end": ("import re\ndef f(x):\n    if not re.match(r'[a-z]+', x):\n        return\n    sink(x)\n", ["(x)"]),
    "a match nobody looks at": ("import re\ndef f(x):\n    re.fullmatch(r'[a-z]+', x)\n    sink(x)\n", ["(x)"]),
    "isinstance": ("def f(x):\n    assert isinstance(x, int)\n    sink(x)\n", ["<int>"]),
    "isidentifier": ("def f(x):\n    sink(x if x.isidentifier() else 'y')\n", ["'y' | <checked>"]),
    "in a comprehension": ("OK = ('a',)\ndef f(xs):\n    sink([x for x in xs if x in OK])\n", ["[*'a']"]),
    "and": ("OK = ('a',)\ndef f(x):\n    x in OK and sink(x)\n", ["'a'"]),
    "match": (
        "def f(m):\n    match m:\n        case 'a' | 'b':\n            sink(m)\n        case _:\n            sink(m)\n",
        ["'a' | 'b'", "(m)"],
    ),
    "a helper that answers": ("def ok(v):\n    return v in ('a', 'b')\ndef f(x):\n    if ok(x):\n        sink(x)\n", ["'a' | 'b'"]),
    "a helper that raises": (
        "def must(v):\n    if v not in ('a', 'b'):\n        raise ValueError\ndef f(x):\n    must(x)\n    sink(x)\n",
        ["'a' | 'b'"],
    ),
    "a helper that checks nothing": ("def check(v):\n    print(v)\ndef f(x):\n    check(x)\n    sink(x)\n", ["(x)"]),
    "all of them": ("OK = {'a'}\ndef f(xs):\n    if not all(x in OK for x in xs):\n        raise ValueError\n    sink(xs)\n", ["[*'a']"]),
    "looked up": ("T = {'a': 'x', 'b': 'y'}\ndef f(k):\n    sink(T[k])\n    sink(T.get(k))\n", ["'x' | 'y'", "'x' | 'y' | None"]),
    "converted": ("def f(x):\n    sink(int(x))\n", ["<int>"]),
    # ------------------------------------------------------------ clients
    "route parameter": (
        "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/{a}')\ndef f(a: str, b: int):\n    sink(a)\n    sink(b)\n",
        ["path!", "<int>"],
    ),
    "flask's request": ("from flask import request\ndef f():\n    sink(request.args['x'])\n", ["query!"]),
    "flask's converter": (
        "from flask import Flask\na = Flask('x')\n@a.get('/<int:n>/<s>')\ndef f(n, s):\n    sink(n)\n    sink(s)\n",
        ["<int>", "path!"],
    ),
    "a body's fields": (
        "from fastapi import FastAPI\nfrom pydantic import BaseModel\napp = FastAPI()\nclass B(BaseModel):\n    s: str\n    n: int\n"
        "@app.post('/')\ndef f(b: B):\n    sink(b.s)\n    sink(b.n)\n",
        ["body!", "<int>"],
    ),
    "lambda event": ("def handler(event, context):\n    sink(event['x'])\n", ["event!"]),
    "tornado": (
        "import tornado.web\nclass H(tornado.web.RequestHandler):\n    def get(self):\n        sink(self.get_argument('x'))\n",
        ["query!"],
    ),
    "grpc": (
        "import grpc\nclass S(x_pb2_grpc.GreeterServicer):\n    def Hi(self, request, context):\n        sink(request.name)\n",
        ["message!"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_it_can_be(name: str) -> None:
    code, expected = CASES[name]
    assert evaluated(code) == expected


def test_long_chains_and_many_branches_end() -> None:
    chain = "def f(x):\n    q = 'a'\n" + "    q += x\n" * 3000 + "    sink(q)\n"
    assert len(evaluated(chain)) == 1
    branches = "def f(x):\n    q = 'a'\n" + "    if x:\n        q = q + 'b'\n" * 2000 + "    sink(q)\n"
    assert len(evaluated(branches)) == 1
    names = "x0 = 'a'\n" + "".join(f"x{n} = x{n - 1}\n" for n in range(1, 500)) + "sink(x499)\n"
    assert len(evaluated(names)) == 1


@pytest.mark.parametrize("attributes", [6, 12, 24])
def test_attributes_that_lead_to_each_other_cost_their_number(attributes: int) -> None:
    methods = "".join(
        f"    def m{number}(self):\n        if self.a{(number * 5 + 1) % attributes}:\n            self.a{number} = self.a{(number + 1) % attributes} or self.a{(number * 3) % attributes}\n"
        f"        self.a{(number * 7) % attributes} = self.a{number} + self.a{(number + 2) % attributes}\n"
        for number in range(attributes)
    )
    code = f"class Loop:\n{methods}\nmade = Loop()\nsink(made.a0)\n"
    module = PyModule(Source(code.encode()), File("a.py", "python"))
    values = Values(module, NoOthers())
    call = next(call for call in module.calls() if call.name == "sink")
    values.of(call.arguments[0])
    assert values.steps < 60 * attributes
