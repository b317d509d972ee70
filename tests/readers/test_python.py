"""Python facts: names, assignments, handlers, scopes, places."""

from __future__ import annotations

import pytest

from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Collection,
    Comment,
    Constant,
    Fact,
    File,
    Function,
    Handler,
    Import,
    Literal,
    Module,
    Problem,
    Route,
    Setting,
    Source,
)
from prodlint.readers import FactRequest, Undecodable, decode, read

KINDS: frozenset[type[Fact]] = frozenset((Assignment, Call, Class, Comment, Function, Handler, Import, Literal, Module, Route, Setting))


def facts(code: str, path: str = "service/app.py", kinds: frozenset[type[Fact]] = KINDS) -> list[Fact]:
    wanted = FactRequest(kinds, None, lambda name: True, {})
    return list(read(Source(code.encode()), File(path, "python"), wanted))


def calls(code: str, path: str = "service/app.py") -> list[str]:
    return [fact.name for fact in facts(code, path, frozenset((Call,))) if isinstance(fact, Call)]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import requests\nrequests.get(u)", "requests.get"),
        ("import requests as r\nr.get(u)", "requests.get"),
        ("from requests import get\nget(u)", "requests.get"),
        ("from requests import get as fetch\nfetch(u)", "requests.get"),
        ("import requests.sessions\nrequests.sessions.Session()", "requests.sessions.Session"),
        ("import a.b.c as d\nd.e()", "a.b.c.e"),
        ("import requests\ns = requests.Session()\ns.get(u)", "requests.Session.get"),
        ("import requests\nrequests.Session().get(u)", "requests.Session.get"),
        ("import requests\nwith requests.Session() as s:\n    s.get(u)", "requests.Session.get"),
        ("import httpx\nasync def f():\n    async with httpx.AsyncClient() as c:\n        await c.get(u)", "httpx.AsyncClient.get"),
        (
            "import httpx\nclass A:\n    def __init__(self):\n        self.c = httpx.Client()\n    def f(self):\n        self.c.get(u)",
            "httpx.Client.get",
        ),
        ("import httpx\nclass A:\n    c = httpx.Client()\n    def f(self):\n        self.c.get(u)", "httpx.Client.get"),
        ("import httpx\nclient = httpx.Client()\ndef f():\n    client.get(u)", "httpx.Client.get"),
        ("import functools, requests\nget = functools.partial(requests.get, timeout=5)\nget(u)", "requests.get"),
        ("import httpx\nif (c := httpx.Client()):\n    c.get(u)", "httpx.Client.get"),
        ("def f(session):\n    session.get(u)", "session.get"),
        ("import requests\ns = requests.Session()\ndef f(s):\n    s.get(u)", "s.get"),
        ("rows[0].get(u)", "rows[].get"),
        ("x = [1]\nx.append(2)", "x.append"),
        ("import requests\n(\n    requests\n    .get(u)\n)", "requests.get"),
    ],
)
def test_calls_have_their_qualified_names(code: str, name: str) -> None:
    assert name in calls(code)


def test_relative_imports_are_resolved_from_the_path() -> None:
    assert calls("from . import client\nclient.get(u)", "service/api/routes.py") == ["service.api.client.get"]
    assert calls("from ..core import client\nclient.get(u)", "src/service/api/routes.py") == ["service.core.client.get"]


def test_a_partial_gives_its_keywords_and_is_no_call_of_the_function_where_it_is_made() -> None:
    code = "import functools, requests\nget = functools.partial(requests.get, timeout=5)\nget(u)"
    made, used = [fact for fact in facts(code) if isinstance(fact, Call)]
    assert made.name == "functools.partial"
    assert used.name == "requests.get"
    assert set(used.keywords) == {"timeout"}


def test_a_call_knows_what_made_its_receiver_and_whether_it_is_awaited() -> None:
    code = "import httpx\nasync def f():\n    c = httpx.AsyncClient(timeout=3)\n    return await c.get(u, **more)"
    call = next(fact for fact in facts(code) if isinstance(fact, Call) and fact.method == "get")
    assert call.constructor is not None
    assert isinstance(call.constructor.keywords["timeout"], Constant)
    assert call.awaited
    assert call.stars
    assert call.scope.function == "f"
    assert call.scope.is_async


@pytest.mark.parametrize(
    ("code", "kind", "target", "value"),
    [
        ("password = 'x'", "name", "password", "x"),
        ("password: str = 'x'", "annotated", "password", "x"),
        ("a, password = 1, 'x'", "unpacked", "password", "x"),
        ("d = {'password': 'x'}", "item", "password", "x"),
        ("d['password'] = 'x'", "subscript", "password", "x"),
        ("if password == 'x': pass", "compare", "password", "x"),
        ("if 'x' == password: pass", "compare", "password", "x"),
        ("def f(password='x'): pass", "default", "password", "x"),
        ("def f(password: str = 'x'): pass", "default", "password", "x"),
        ("f(password='x')", "keyword", "password", "x"),
        ("class A:\n    password: str = 'x'", "field", "password", "x"),
        ("class A:\n    password = 'x'", "field", "password", "x"),
        ("self.password = 'x'", "attribute", "password", "x"),
        ("if (password := 'x'): pass", "walrus", "password", "x"),
        ("password = ('x'\n 'y')", "name", "password", "xy"),
        ("password = b'x'", "name", "password", b"x"),
        ("password = 'x\\ny'", "name", "password", "x\ny"),
    ],
)
def test_assignments_in_all_their_spellings(code: str, kind: str, target: str, value: object) -> None:
    found = [fact for fact in facts(code) if isinstance(fact, Assignment) and fact.target == target]
    assert len(found) == 1
    assert found[0].kind == kind
    assert isinstance(found[0].value, Constant)
    assert found[0].value.value == value


def test_handlers_name_their_types() -> None:
    code = "import httpx\ntry:\n    a()\nexcept (ValueError, httpx.HTTPError) as e:\n    pass\nexcept KeyError:\n    raise\nexcept:\n    pass\n"
    found = [fact for fact in facts(code) if isinstance(fact, Handler)]
    assert [handler.types for handler in found] == [("ValueError", "httpx.HTTPError"), ("KeyError",), ()]
    assert found[0].alias == "e"
    assert [statement.kind for statement in found[1].body] == ["raise"]
    assert [statement.kind for statement in found[2].tried] == ["expression"]


@pytest.mark.parametrize(
    ("condition", "guard"),
    [
        ('__name__ == "__main__"', "main"),
        ("settings.debug", "debug"),
        ('os.getenv("ENV") == "development"', "environment"),
        ("TYPE_CHECKING", "type-checking"),
    ],
)
def test_guards(condition: str, guard: str) -> None:
    inside, outside = (
        fact for fact in facts(f"if {condition}:\n    f()\nelse:\n    g()\n") if isinstance(fact, Call) and fact.name in ("f", "g")
    )
    assert guard in inside.scope.guards
    assert guard not in outside.scope.guards


def test_a_negated_guard_holds_for_the_other_branch() -> None:
    inside, outside = (fact for fact in facts("if not DEBUG:\n    f()\nelse:\n    g()\n") if isinstance(fact, Call))
    assert "debug" not in inside.scope.guards
    assert "debug" in outside.scope.guards


def test_symbols_are_dotted() -> None:
    call = next(fact for fact in facts("class A:\n    def f(self):\n        def g():\n            h()\n") if isinstance(fact, Call))
    assert call.scope.symbol == "A.f.g"
    assert call.scope.class_ == "A"


def test_places_count_code_points() -> None:
    call = next(fact for fact in facts("x = 'é😀'; f(1)\n") if isinstance(fact, Call))
    assert (call.span.line, call.span.column, call.span.end_column) == (1, 11, 15)


def test_lists_are_followed_through_names() -> None:
    code = "ORIGINS = ['*']\ndef f():\n    g(ORIGINS)\n"
    call = next(fact for fact in facts(code) if isinstance(fact, Call))
    followed = call.module.follow(call.arguments[0], call)
    assert isinstance(followed, Collection)
    assert isinstance(call.module.follow(call.function), type(call.function))


def test_a_name_bound_twice_is_not_followed() -> None:
    code = "ORIGINS = ['*']\nORIGINS = []\ng(ORIGINS)\n"
    call = next(fact for fact in facts(code) if isinstance(fact, Call))
    assert not isinstance(call.module.follow(call.arguments[0], call), Collection)


def test_routes() -> None:
    code = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/healthz')\ndef h(): ...\n@app.post('/orders')\nasync def o(): ...\n"
    found = [
        (fact.framework, fact.methods, fact.path, fact.function and fact.function.name) for fact in facts(code) if isinstance(fact, Route)
    ]
    assert found == [("fastapi", ("GET",), "/healthz", "h"), ("fastapi", ("POST",), "/orders", "o")]


def test_settings_with_their_defaults() -> None:
    code = (
        "import os\nfrom pydantic_settings import BaseSettings\n"
        "A = os.getenv('A', 'x')\nB = os.environ['B']\nclass S(BaseSettings):\n    c: str = 'y'\n"
    )
    found = {fact.name: fact.default for fact in facts(code) if isinstance(fact, Setting)}
    assert found == {"A": "x", "B": None, "C": "y"}


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    a()\nexcept A, B:\n    pass\n",
        "match x:\n    case {'a': 1, **rest} if y:\n        pass\n",
        "type X[T: int = str] = list[T]\n\n\ndef f[T = list[int]](): ...\n\n\nclass K[T = int, *Ts = *tuple[int, ...]]: ...\n",
        "type X[T] = list[T]\n",
        "def f[T](x: T) -> T: ...\n",
        "with (open(a) as b, open(c) as d):\n    pass\n",
        "try:\n    pass\nexcept* ValueError:\n    pass\n",
        "print(f'{x!r:>{w}} {a['b']}')\n",
        "x = [*a, *b]\ny = {**c}\n",
        "async def f():\n    return [x async for x in y if await z]\n",
        "if (n := len(a)) > 10: pass\n",
        "def f(a, /, b, *, c): ...\n",
        "lambda: (yield)\n",
        "@a.b[c]\nclass D: ...\n",
        "x: int\n",
        "print(t'{x}')\n",
    ],
)
def test_syntax_from_3_8_to_3_14_is_read(code: str) -> None:
    assert not [fact for fact in facts(code) if isinstance(fact, Problem)]


def test_broken_syntax_is_a_problem_at_its_place_and_the_rest_is_still_read() -> None:
    found = facts("import requests\nrequests.get(u)\ndef f(:\n    pass\n")
    problem = next(fact for fact in found if isinstance(fact, Problem))
    assert problem.span.line == 3
    assert "requests.get" in [fact.name for fact in found if isinstance(fact, Call)]


def test_ten_thousand_brackets() -> None:
    assert isinstance(facts("x = " + "[" * 10_000 + "]" * 10_000 + "\n"), list)
    assert isinstance(facts("x = " + "(" * 5_000 + "\n"), list)


def test_a_long_sum_is_read_flat() -> None:
    code = "f(" + " + ".join(["'a'"] * 5_000) + ")\n"
    call = next(fact for fact in facts(code) if isinstance(fact, Call))
    assert len(list(call.walk())) > 5_000


# ---------------------------------------------------------------- decoding


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_encodings_with_and_without_marks(encoding: str) -> None:
    source = decode("password = 'naïve'\n".encode(encoding), "text")
    assert source.text == "password = 'naïve'\n"


def test_a_cookie_names_the_encoding() -> None:
    source = decode("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "python")
    assert "é" in source.text


def test_python_that_is_not_utf8_is_undecodable_at_its_place_and_still_read() -> None:
    with pytest.raises(Undecodable) as caught:
        decode(b"x = 1\ny = '\xe9'\n", "python")
    assert (caught.value.line, caught.value.column) == (2, 6)
    assert caught.value.source is not None


def test_other_text_may_be_cp1252() -> None:
    assert decode(b"name = caf\xe9\n", "ini").text == "name = café\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(ending: str) -> None:
    source = Source(ending.join(["a", "b", "c"]).encode())
    assert source.position(source.data.index(b"c")) == (3, 1)
    assert source.line_text(2) == "b"
