"""Names that a project's own modules hand on: the same findings as where the library is imported directly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from prodlint.engine import session
from prodlint.project.reexports import ModuleNames, imports_in
from prodlint.python.imported import absolute
from tests.fuzz.targets import everything_on

HTTP = """\
'''What talks to others: `from here import nothing`.'''
import requests
import httpx as client_lib
from requests import get as fetch

post = requests.post
session_class: type = requests.Session
"""
DEPS = """\
import os
from os import getenv

try:
    import jwt
except ImportError:
    jwt = None
import jwt as token_lib
import yaml
from sqlalchemy import text as sql_text
from app.http import requests, fetch as fetch_again

read = os.getenv


class Own:
    import pickle


def helper():
    import httpx
"""
MORE = "from .deps import *\nfrom . import http\n"
USES = {
    "from .http import requests": [("requests.get(url)", "PRD504")],
    "from .http import (  # why\n    requests as r,\n    fetch,\n)": [("r.get(url)", "PRD504"), ("fetch(url)", "PRD504")],
    "from app.http import post as send, client_lib": [("send(url)", "PRD504"), ("client_lib.Client(timeout=None)", "PRD501")],
    "import app.http as h": [("h.requests.get(url)", "PRD504"), ("h.fetch(url)", "PRD504"), ("h.post(url)", "PRD504")],
    "import app.http": [("app.http.requests.get(url)", "PRD504")],
    "from app import http": [("http.requests.get(url)", "PRD504")],
    "from . import http as other": [("other.fetch(url)", "PRD504")],
    "from app.http import session_class": [("with session_class() as s:\n        s.get(url)", "PRD504")],
    "from app.deps import jwt as token_lib": [("token_lib.decode(url, options={'verify_signature': False})", "PRD421")],
    "from app import deps as d": [
        ("d.jwt.decode(url, options={'verify_signature': False})", "PRD421"),
        ("d.token_lib.decode(url, options={'verify_signature': False})", "PRD421"),
        ("d.yaml.load(url, Loader=d.yaml.UnsafeLoader)", "PRD462"),
        ("d.requests.get(url)", "PRD504"),
    ],
    "from app.deps import getenv, read": [
        ("SECRET_KEY = getenv('SECRET_KEY', 'dev-secret-key')", "PRD105"),
        ("JWT_SECRET = read('JWT_SECRET', 'dev-secret-key')", "PRD105"),
    ],
    "from app.deps import fetch_again": [("fetch_again(url)", "PRD504")],
    "from app.deps import sql_text": [("session.execute(sql_text(f'select * from users where name = {url}'))", "PRD461")],
    "from .more import requests, http": [("requests.get(url)", "PRD504"), ("http.requests.get(url)", "PRD504")],
    "from .more import *": [("jwt.decode(url, options={'verify_signature': False})", "PRD421"), ("requests.get(url)", "PRD504")],
    "from functools import partial\nfrom .http import fetch\nquick = partial(fetch, stream=True)": [("quick(url)", "PRD504")],
}


def laid_out(folder: Path, use: str) -> Path:
    """A project of five small modules."""
    (folder / "pyproject.toml").write_text('[project]\nname = "five"\nversion = "1"\n')
    for name, text in {"__init__": "", "http": HTTP, "deps": DEPS, "more": MORE, "use": use}.items():
        target = folder / "app" / f"{name}.py"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    return folder / "app" / "use.py"


def found(folder: Path, paths: list[str], **options: object) -> list[tuple[str, int]]:
    """What is found in the module that uses the others."""
    request = session.Request(paths, isolated=True, finish=everything_on, root=str(folder), jobs=1, grouped=False, **options)  # type: ignore[arg-type]
    return [(finding.code, finding.span.line) for finding in session.run(request).report.findings if finding.path == "app/use.py"]


def written(imports: str, statements: list[str]) -> str:
    """A module with a statement each in a function of its own."""
    body = "".join(f"\n\ndef f{number}(url, session):\n    return_ = 1\n    {text}\n" for number, text in enumerate(statements))
    return f"{imports}\n{body}"


@pytest.mark.parametrize("imports", USES)
def test_a_library_by_way_of_a_module_is_the_library(imports: str, tmp_path: Path) -> None:
    statements = [text for text, _ in USES[imports]]
    path = laid_out(tmp_path, written(imports, statements))
    whole = found(tmp_path, [str(tmp_path)])
    for text, code in USES[imports]:
        line = path.read_text().split(text)[0].count("\n") + 1 + text.count("\n")
        assert (code, line) in whole, text
    assert found(tmp_path, [str(tmp_path)], exhaustive=True) == whole
    alone = found(tmp_path, [str(path)])
    assert alone == found(tmp_path, ["-"], stdin=path.read_bytes(), stdin_filename=str(path))
    assert {each for each in whole if each[0] in {code for _, code in USES[imports]}} <= set(alone)


@pytest.mark.parametrize(
    ("http", "use"),
    [
        ("class requests:\n    def get(url): ...\n", "from .http import requests"),
        ("import requests\nrequests = Wrapped(requests)\n", "from .http import requests"),
        ("def make():\n    import requests\n    return requests\n", "from .http import requests"),
        ("class Holder:\n    import requests\n", "from .http import requests"),
        ("from .other import requests\n", "from .http import requests"),
        ("import requests\n", "from .http import other as requests"),
        ("import requests\n", "from elsewhere.http import requests"),
        ("from .http import requests\n", "from .http import requests"),
    ],
)
def test_what_is_the_modules_own_is_no_library(http: str, use: str, tmp_path: Path) -> None:
    laid_out(tmp_path, written(use, ["requests.get(url)"]))
    (tmp_path / "app" / "http.py").write_text(http)
    assert not [code for code, _ in found(tmp_path, [str(tmp_path)]) if code == "PRD504"]


def test_a_kept_result_goes_with_what_the_module_hands_on(tmp_path: Path) -> None:
    def codes() -> set[str]:
        request = session.Request([str(tmp_path)], root=str(tmp_path), isolated=True, finish=everything_on, jobs=1, cache=True)
        return {finding.code for finding in session.run(request).report.findings if finding.path == "app/use.py"}

    laid_out(tmp_path, written("from .more import http", ["http.requests.get(url)"]))
    assert "PRD504" in codes()
    assert "PRD504" in codes()
    for text, is_found in ((HTTP.replace("import requests", "from .mine import requests"), False), (HTTP, True)):
        (tmp_path / "app" / "http.py").write_text(text)
        assert ("PRD504" in codes()) is is_found
        assert ("PRD504" in codes()) is is_found


def test_imports_are_read_however_they_are_laid_out() -> None:
    text = (
        b"from a . b import (c,  # d, e)\n  f as g,\n)\nfrom.h import i\nfrom .. import j as k; import l . m as n, o\nimport p.q\n"
        b"from r \\\n  import s, \\\n  t\nif x: import u\nv = 'from w import y'\nfrom z import *\n"
    )
    assert [each[:3] for each in imports_in(text)] == [
        ("a.b", "c", "c"),
        ("a.b", "f", "g"),
        (".h", "i", "i"),
        ("..", "j", "k"),
        ("r", "s", "s"),
        ("r", "t", "t"),
        ("z", "*", "*"),
        ("l.m", "", "n"),
        ("o", "", "o"),
        ("p.q", "", "p"),
        ("u", "", "u"),
    ]
    assert (absolute(".h", "src/a/b.py"), absolute("..", "a/b/c.py"), absolute("x", "a.py")) == ("a.h", "a", "x")


def test_many_imports_cost_what_they_are_long() -> None:
    for piece in (b"from a import (\n", b"from a import b\n", b"import a.b as c\n", b"from a import (#)\n", b"from ", b"import "):
        began = time.process_time()
        names = ModuleNames(piece * 20_000, "a.py")
        assert names.value("nothing") is None
        assert len(names.bound) == 0
        # (A tenth of a second; what is quadratic takes minutes.)
        assert time.process_time() - began < 5, piece


def test_a_list_of_names_ends_with_the_file() -> None:
    for end in (b"\\", b"\\\r", b" \\\n \\", b"("):
        assert [one.name for one in imports_in(b"from alembic import op " + end)] in (["op"], [])
