"""Fixes on whole files: what each gives, and what every one of them guarantees."""

from __future__ import annotations

import ast
import json
import os
import stat
import tokenize
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import session
from prodlint.facts import Source
from prodlint.fixes import KINDS, applying
from prodlint.model import Edit, Span
from tests.conftest import ROOT, Project, Ran

Run = Callable[..., Ran]
SECRET = "hunter" + "2Kx9vQ7z"

# file, rules, before, after
CASES: list[tuple[str, str, str, str]] = [
    ("app.py", "PRD502", "import httpx\n\nc = httpx.Client()\n", "import httpx\n\nc = httpx.Client(timeout=5.0)\n"),
    (
        "app.py",
        "PRD502",
        "import httpx\n\nc = httpx.Client(\n    base_url=u,  # where\n    http2=True,  # fast\n)\n",
        "import httpx\n\nc = httpx.Client(\n    base_url=u,  # where\n    http2=True,  # fast\n    timeout=5.0,\n)\n",
    ),
    (
        "app.py",
        "PRD502",
        "import httpx\n\nc = httpx.Client(\n    base_url=u,\n    http2=True  # fast\n)\n",
        "import httpx\n\nc = httpx.Client(\n    base_url=u,\n    http2=True,  # fast\n    timeout=5.0\n)\n",
    ),
    (
        "app.py",
        "PRD501",
        "import httpx as h\n\nr = h.get(u, timeout=None)\n",
        "import httpx as h\n\nr = h.get(u, timeout=h.Timeout(connect=5.0, read=30.0, write=10.0, pool=5.0))\n",
    ),
    (
        "app.py",
        "PRD505",
        "from aiohttp import ClientSession\n\n\nasync def f():\n    async with ClientSession() as s:\n        await s.get(u)\n",
        "import aiohttp\nfrom aiohttp import ClientSession\n\n\nasync def f():\n"
        "    async with ClientSession(timeout=aiohttp.ClientTimeout(total=30, connect=5)) as s:\n        await s.get(u)\n",
    ),
    (
        "app.py",
        "PRD505",
        "from aiohttp import ClientSession, ClientTimeout\n\n\nasync def f():\n    async with ClientSession() as s:\n        await s.get(u)\n",
        "from aiohttp import ClientSession, ClientTimeout\n\n\nasync def f():\n"
        "    async with ClientSession(timeout=ClientTimeout(total=30, connect=5)) as s:\n        await s.get(u)\n",
    ),
    (
        "app.py",
        "PRD541,PRD542",
        "from tenacity import retry, wait_fixed\n\n\n@retry(reraise=True)\ndef f(): ...\n",
        "from tenacity import retry, stop_after_attempt, wait_exponential, wait_fixed\n\n\n"
        "@retry(reraise=True, stop=stop_after_attempt(3), wait=wait_exponential(multiplier=1, min=1, max=10))\ndef f(): ...\n",
    ),
    (
        "app.py",
        "PRD621",
        "from fastapi import FastAPI\n\napp = FastAPI(title='x', debug=True)\n",
        "from fastapi import FastAPI\n\napp = FastAPI(title='x')\n",
    ),
    (
        "app.py",
        "PRD621",
        "from fastapi import FastAPI\n\napp = FastAPI(\n    debug=True,\n    title='x',  # words\n)\n",
        "from fastapi import FastAPI\n\napp = FastAPI(\n    title='x',  # words\n)\n",
    ),
    ("app.py", "PRD307", "def f():\n    breakpoint()\n", "def f():\n    pass\n"),
    ("app.py", "PRD307", "def f():\n    x = 1\n    breakpoint()  # why\n    return x\n", "def f():\n    x = 1\n    # why\n    return x\n"),
    ("app.py", "PRD307", "def f():\n    x = 1\n    import pdb; pdb.set_trace()\n    return x\n", "def f():\n    x = 1\n    return x\n"),
    ("app.py", "PRD201", "try:\n    f()\nexcept:\n    g()\n", "try:\n    f()\nexcept Exception:\n    g()\n"),
    (
        "app.py",
        "PRD202",
        "import logging\n\nlogger = logging.getLogger(__name__)\n\n\ndef f():\n    try:\n        g()\n    except Exception:\n        pass\n",
        "import logging\n\nlogger = logging.getLogger(__name__)\n\n\ndef f():\n    try:\n        g()\n    except Exception:\n"
        '        logger.exception("Unexpected error in f")\n',
    ),
    (
        "app.py",
        "PRD205",
        "import logging\n\nlog = logging.getLogger(__name__)\ntry:\n    f()\nexcept Exception as e:\n    log.error('it broke: %s', e)\n",
        "import logging\n\nlog = logging.getLogger(__name__)\ntry:\n    f()\nexcept Exception as e:\n    log.exception('it broke: %s', e)\n",
    ),
    (
        "app.py",
        "PRD571",
        "import time\n\n\nasync def f():\n    time.sleep(1)\n",
        "import asyncio\nimport time\n\n\nasync def f():\n    await asyncio.sleep(1)\n",
    ),
    (
        "app.py",
        "PRD104",
        f'"""Words."""\n\nimport sys\n\npassword = "{SECRET}"\n',
        '"""Words."""\n\nimport os\nimport sys\n\npassword = os.environ["PASSWORD"]\n',
    ),
    (
        "app.py",
        "PRD104",
        f'#!/usr/bin/env python\n"""Words."""\n\npassword = "{SECRET}"\n',
        '#!/usr/bin/env python\n"""Words."""\n\nimport os\n\npassword = os.environ["PASSWORD"]\n',
    ),
    (
        "app.py",
        "PRD104",
        f'from __future__ import annotations\n\nfrom fastapi import FastAPI\n\npassword = "{SECRET}"\n',
        'from __future__ import annotations\n\nimport os\n\nfrom fastapi import FastAPI\n\npassword = os.environ["PASSWORD"]\n',
    ),
    ("app.py", "PRD105", f'import os\n\nkey = os.getenv("SECRET_KEY", "{SECRET}")\n', 'import os\n\nkey = os.environ["SECRET_KEY"]\n'),
    ("app.py", "PRD105", f'import os\n\nkey = os.getenv("SECRET_KEY") or "{SECRET}"\n', 'import os\n\nkey = os.environ["SECRET_KEY"]\n'),
    (
        "Dockerfile",
        "PRD601",
        'FROM python:3.12\nCMD ["uvicorn", "a:app", "--reload", "--host", "0.0.0.0"]\n',
        'FROM python:3.12\nCMD ["uvicorn", "a:app", "--host", "0.0.0.0"]\n',
    ),
    (
        "Dockerfile",
        "PRD601",
        "FROM python:3.12\nCMD uvicorn a:app \\\n    --reload \\\n    --host 0.0.0.0\n",
        "FROM python:3.12\nCMD uvicorn a:app \\\n    --host 0.0.0.0\n",
    ),
    (
        "Dockerfile",
        "PRD646",
        'FROM python:3.12\nCMD ["uvicorn", "a:app"]\n',
        'FROM python:3.12\nCMD ["uvicorn", "a:app", "--host", "0.0.0.0"]\n',
    ),
    ("Dockerfile", "PRD646", "FROM python:3.12\nCMD uvicorn a:app  \n", "FROM python:3.12\nCMD uvicorn a:app --host 0.0.0.0  \n"),
    (
        "compose.production.yaml",
        "PRD646",
        "services:\n  web:\n    build: .\n    ports: ['80:80']\n    command:\n      - uvicorn\n      - a:app\n    restart: always\n",
        "services:\n  web:\n    build: .\n    ports: ['80:80']\n    command:\n      - uvicorn\n      - a:app\n"
        '      - "--host"\n      - 0.0.0.0\n    restart: always\n',
    ),
    (
        "compose.yaml",
        "PRD110",
        f'services:\n  web:\n    image: x/y:1\n    environment:\n      DB_PASSWORD: "{SECRET}"  # words\n',
        'services:\n  web:\n    image: x/y:1\n    environment:\n      DB_PASSWORD: "${DB_PASSWORD:?set DB_PASSWORD}"  # words\n',
    ),
    (
        "compose.yaml",
        "PRD105",
        f"services:\n  web:\n    image: x/y:1\n    environment:\n      - API_TOKEN=${{API_TOKEN:-{SECRET}}}\n",
        "services:\n  web:\n    image: x/y:1\n    environment:\n      - API_TOKEN=${API_TOKEN:?set API_TOKEN}\n",
    ),
    (
        "compose.production.yaml",
        "PRD825",
        "services:\n  db:\n    image: postgres:16\n    ports:\n      - '5432:5432'  # words\n",
        'services:\n  db:\n    image: postgres:16\n    ports:\n      - "127.0.0.1:5432:5432"  # words\n',
    ),
    ("app.py", "PRD462", "from yaml import load\n\nx = load(t)\n", "import yaml\nfrom yaml import load\n\nx = yaml.safe_load(t)\n"),
    (
        "app.py",
        "PRD644",
        "from os import getenv\n\nDEBUG = bool(getenv('DEBUG', 'False'))\n",
        'from os import getenv\n\nDEBUG = getenv("DEBUG", "").lower() in {"1", "true", "yes", "on"}\n',
    ),
    (
        "app.py",
        "PRD002,PRD502",
        "import httpx\n\nc = httpx.Client(timeout=5)  # noqa: S113  # prodlint: ignore[PRD502] -- old\n",
        "import httpx\n\nc = httpx.Client(timeout=5)  # noqa: S113\n",
    ),
]


@pytest.mark.parametrize(("name", "rules", "before", "after"), CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_a_fix_gives(project: Project, prodlint: Run, name: str, rules: str, before: str, after: str, newline: str) -> None:
    root = project({name: before.replace("\n", newline).encode()})
    words = ("check", ".", "--isolated", "--no-cache", "--select", rules, "--unsafe-fixes")
    assert prodlint(*words, "--diff", cwd=root).code == 1
    assert prodlint(*words, "--fix").code == 0
    assert (root / name).read_bytes().decode() == after.replace("\n", newline)
    again = prodlint(*words, "--diff")
    assert again.code == 0
    assert again.out == ""


def test_every_kind_of_recipe_is_known() -> None:
    given = set()
    for path in (ROOT / "prodlint").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "FixRequest"
                and isinstance(node.args[0], ast.Constant)
            ):
                given.add(node.args[0].value)
    assert len(given) > 10
    assert given <= set(KINDS)


def comments(text: bytes) -> list[str]:
    return [token.string for token in tokenize.tokenize(BytesIO(text).readline) if token.type == tokenize.COMMENT]


ARGUMENT = st.sampled_from(["a", "*b", "c=1", "d={'x': 1}", "e=f(g, h=2)", "i='ü\\n'", 'j="#"', "k=[1,\n   2]", "l=lambda x: x"])
GAP = st.sampled_from(["", " ", "\n    ", "  # why\n    ", "\n    # above\n    ", "\n"])


@limits(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(GAP, ARGUMENT, GAP), max_size=5, unique_by=lambda item: item[1]), GAP, st.booleans(), st.sampled_from(["\n", "\r\n"])
)
def test_a_call_keeps_everything_else(arguments: list[tuple[str, str, str]], ending: str, trailing: bool, newline: str) -> None:
    from prodlint.fixes.calls import rewrite, with_keyword, without_keyword

    text = f"f({','.join(''.join(item) for item in arguments)}{',' if trailing and arguments else ''}{ending})".replace("\n", newline)
    try:
        was = ast.parse(text, mode="eval")
    except SyntaxError:
        return
    new = rewrite(text, with_keyword("timeout", "5.0"), newline)
    assert new is not None
    now = ast.parse(new, mode="eval").body
    assert isinstance(now, ast.Call) and isinstance(was.body, ast.Call)
    assert ast.dump(ast.Call(now.func, now.args, now.keywords[:-1])) == ast.dump(was.body)
    assert comments(new.encode()) == comments(text.encode())
    assert rewrite(new, with_keyword("timeout", "5.0"), newline) == new
    if newline == "\r\n":
        assert new.count("\n") == new.count("\r\n")
    back = rewrite(new, without_keyword("timeout"), newline)
    if back is not None:
        assert ast.dump(ast.parse(back, mode="eval")) == ast.dump(was)
        assert comments(back.encode()) == comments(text.encode())


@limits(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(["", " "]), ARGUMENT, st.sampled_from(["", " "])), max_size=4, unique_by=lambda item: item[1]),
    st.booleans(),
)
def test_the_short_way_gives_what_libcst_gives(arguments: list[tuple[str, str, str]], trailing: bool) -> None:
    from prodlint.fixes.calls import rewrite, with_keyword
    from prodlint.fixes.python import with_plain_keyword
    from prodlint.fixes.syntax import root_of

    text = f"f({','.join(''.join(item) for item in arguments)}{',' if trailing and arguments else ''})"
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return
    statement = root_of(text.encode()).named_children[0]
    for name in ("timeout", "c"):
        plain = with_plain_keyword(statement.named_children[0], name, "5.0")
        assert plain is None or plain == rewrite(text, with_keyword(name, "5.0"), "\n")


PIECES = (
    "x = 1",
    "# words ü",
    "",
    "import httpx",
    "import requests",
    "c = httpx.Client()",
    "requests.get(u)  # call 𝔘",
    "breakpoint()",
    "if x:\n    breakpoint()",
    "r = httpx.get(u, timeout=None, headers=requests.get(v).headers)",
    f"password = '{SECRET}'",
)


@limits(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.booleans(),
)
def test_files_made_of_anything(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], newline: str, encoding: str, ends: bool
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    text = "import requests\nimport httpx\n" + "\n".join(lines) + ("\n" if ends else "")
    raw = text.replace("\n", newline).encode(encoding)
    (folder / "app.py").write_bytes(raw)
    select = "PRD307,PRD5,PRD104"
    result = session.run(session.Request([str(folder)], isolated=True, config=[], finish=lambda settings: _selecting(settings, select)))
    applied = applying.apply_fixes(result, applying.wanted(result, True))
    after = applied.after.get("app.py", raw)
    ast.parse(after)
    assert sorted(comments(after)) == sorted(comments(raw))
    assert after.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    if newline == "\r\n":
        assert after.count(b"\n") == after.count(b"\r\n")
    (folder / "app.py").write_bytes(after)
    again = session.run(session.Request([str(folder)], isolated=True, finish=lambda settings: _selecting(settings, select)))
    assert not applying.apply_fixes(again, applying.wanted(again, True)).changed()
    gone = len(result.report.findings) - len(again.report.findings)
    assert gone == len(applied.fixed)


def _selecting(settings: Settings, rules: str) -> Settings:
    return with_arguments(settings, select=[rules])


def test_apply_is_exact() -> None:
    source = Source("aü\nb𝔘c\n".encode())
    edits = [Edit("x", Span(2, 2, 2, 3), "-"), Edit("x", Span(1, 2, 1, 2), "+"), Edit("x", Span(1, 2, 1, 2), "+")]
    assert applying.apply(source, edits).decode() == "a+ü\nb-c\n"


# ---------------------------------------------------------------- on disk

BAD = "import httpx\n\nc = httpx.Client()\n"


def test_mode_is_kept_and_nothing_else_is_left_behind(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    os.chmod(root / "a.py", 0o750)
    assert prodlint("check", ".", "--isolated", "--no-cache", "--fix", "--select", "PRD502", cwd=root).code == 0
    assert stat.S_IMODE((root / "a.py").stat().st_mode) == 0o750
    assert os.listdir(root) == ["a.py"]


def test_a_file_that_changed_meanwhile_is_left_alone(project: Project) -> None:
    root = project({"a.py": BAD, "b.py": BAD})
    result = session.run(session.Request([str(root)], isolated=True))
    changed = "import httpx\n\n\n\nc = httpx.Client()\n"
    (root / "a.py").write_text(changed)
    # What is fixed is what was analysed; what has changed since is seen when it is written.
    applied = applying.apply_fixes(result, applying.wanted(result, False))
    assert applied.changed() == ["a.py", "b.py"]
    (root / "b.py").write_text("x = 1\n")
    assert applying.write(applied, str(root)) == ["a.py", "b.py"]
    assert (root / "a.py").read_text() == changed
    assert (root / "b.py").read_text() == "x = 1\n"
    assert applied.fixed == []


def test_a_link_out_of_the_project_is_not_followed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.py"
    outside.write_text(BAD)
    root = project({"a.py": "x = 1\n"})
    applied = applying.FixResult({"l.py": BAD.encode()}, {"l.py": b"changed"})
    (root / "l.py").symlink_to(outside)
    assert applying.write(applied, str(root)) == ["l.py"]
    assert outside.read_text() == BAD


def test_other_encodings(project: Project, prodlint: Run) -> None:
    text = "# coding: latin-1\nimport httpx\n\nc = httpx.Client()  # größe\n"
    root = project({"a.py": text.encode("latin-1")})
    assert prodlint("check", ".", "--isolated", "--no-cache", "--fix", "--select", "PRD502", cwd=root).code == 0
    assert (root / "a.py").read_bytes() == text.replace("Client()", "Client(timeout=5.0)").encode("latin-1")


def test_a_name_that_is_taken_is_not_taken_again(project: Project, prodlint: Run) -> None:
    text = f'def f(os):\n    return os\n\n\npassword = "{SECRET}"\n'
    root = project({"a.py": text})
    assert prodlint("check", ".", "--isolated", "--no-cache", "--fix", "--unsafe-fixes", "--select", "PRD104", cwd=root).code == 1
    assert (root / "a.py").read_text() == text


def test_a_new_file_is_made_once(project: Project, prodlint: Run) -> None:
    root = project({"Dockerfile": "FROM python:3.12\nCOPY . /srv\nCMD gunicorn a:app\n"})
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD807", "--fix")
    assert prodlint(*words, cwd=root).code == 0
    assert (root / ".dockerignore").read_text() == ".git\n"
    assert prodlint(*words, "--diff").out == ""


def test_a_fix_that_brings_another_finding_of_the_project_is_not_made(project: Project, prodlint: Run) -> None:
    files = {
        "compose.yaml": "services:\n  web:\n    build: .\n    command: gunicorn a:app\n    ports: ['80:80']\n    depends_on: [db]\n"
        "    healthcheck:\n      test: curl -f localhost\n  db:\n    image: postgres:16\n",
        "Dockerfile": "FROM python:3.12\nCMD gunicorn a:app\n",
    }
    root = project(files)
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD821", "--output-format", "concise")
    before = prodlint(*words, cwd=root).out
    assert "PRD821" in before
    after = prodlint(*words, "--fix", "--unsafe-fixes").out.replace("[*] ", "")
    assert {line.split(": ", 1)[1] for line in after.splitlines() if ": PRD" in line} <= {
        line.split(": ", 1)[1] for line in before.splitlines() if ": PRD" in line
    }


def test_a_comment_inside_is_not_lost(project: Project, prodlint: Run) -> None:
    text = "import logging\n\nfrom fastapi import FastAPI\n\nlogger = logging.getLogger(__name__)\n\n\ndef f():\n    print(  # why\n        'x'\n    )\n"
    root = project({"a.py": text, "requirements.txt": "fastapi\n"})
    words = ("check", "a.py", "--isolated", "--no-cache", "--select", "PRD701", "--unsafe-fixes")
    assert prodlint(*words, cwd=root).code == 1
    prodlint(*words, "--fix")
    assert (root / "a.py").read_text() == text
    (root / "a.py").write_text(text.replace("  # why", ""))
    prodlint(*words, "--fix")
    assert "logger.info('x')" in (root / "a.py").read_text()


def test_libcst_is_imported_for_fixes_only(project: Project) -> None:
    import subprocess
    import sys

    root = project({"a.py": "import httpx\n\nhttpx.get(\n    u,\n)\n"})
    script = "import sys\nfrom prodlint.commands.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print('libcst' in sys.modules, file=sys.stderr)"
    for words, imported in ((["--output-format", "concise"], "False"), (["--diff"], "True")):
        command = [sys.executable, "-c", script, "check", ".", "--isolated", "--no-cache", "--select", "PRD502", *words]
        ran = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        assert ran.stderr.split()[-1] == imported


def test_no_fix_writes_a_secret_down(project: Project, prodlint: Run) -> None:
    root = project({name: before for name, rules, before, _ in CASES if SECRET in before})
    ran = prodlint("check", ".", "--isolated", "--no-cache", "--unsafe-fixes", "--output-format", "sarif", cwd=root)
    assert SECRET not in ran.out
    diff = prodlint("check", ".", "--isolated", "--no-cache", "--unsafe-fixes", "--diff")
    assert "--- a/app.py" in diff.out
    assert SECRET not in diff.out


# ---------------------------------------------------------------- the command line


def test_flags(project: Project, prodlint: Run) -> None:
    files = {"a.py": BAD, "b.py": "import requests\n\nrequests.get('https://orders.test')\n"}
    root = project(files)
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD502,PRD504")
    ran = prodlint(*words, "--diff", cwd=root)
    assert (ran.code, ran.out.count("--- a/")) == (1, 1)
    assert (root / "a.py").read_text() == BAD
    ran = prodlint(*words, "--fix", "--show-fixes")
    assert ran.code == 1
    assert "PRD504" in ran.out
    assert "PRD502" not in ran.out
    assert "fixed 1 finding" in ran.err
    assert "1 x PRD502 (httpx-timeout-not-explicit)" in ran.err
    ran = prodlint(*words, "--fix-only", "--unsafe-fixes", "--exit-non-zero-on-fix")
    assert (ran.code, ran.out) == (1, "")
    ran = prodlint(*words, "--fix", "--unsafe-fixes", "--exit-non-zero-on-fix")
    assert ran.code == 0


def test_machine_formats_carry_fixes(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "b.py": "import requests\n\nrequests.get('https://orders.test')\n"})
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD502,PRD504", "--output-format")
    safe = json.loads(prodlint(*words, "json", cwd=root).out)["findings"]
    assert [bool(finding["fix"]["edits"]) for finding in safe] == [True, False]
    assert safe[0]["fix"]["edits"] == [{"path": "a.py", "line": 3, "column": 18, "end_line": 3, "end_column": 18, "text": "timeout=5.0"}]
    results = json.loads(prodlint(*words, "sarif", "--unsafe-fixes").out)["runs"][0]["results"]
    assert all(result["fixes"][0]["description"]["text"] for result in results)
    replacement = results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"]["text"] == "timeout=5.0"


def test_several_formats_at_once(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD502", "--output-format", "sarif", "--output-file", "a.sarif")
    ran = prodlint(*words, "--also", "concise", "--also", "json=a.json", "--sarif-category", "api/", cwd=root)
    assert "a.py:3:5: PRD502" in ran.out
    assert json.loads((root / "a.sarif").read_text())["runs"][0]["automationDetails"]["id"] == "api/"
    assert json.loads((root / "a.json").read_text())["findings"]
    assert prodlint(*words, "--also", "nonsense").code == 2


def test_results_left_out_are_said(project: Project, prodlint: Run) -> None:
    root = project({f"m{n}.py": BAD for n in range(2)})
    ran = prodlint(
        "check", ".", "--isolated", "--no-cache", "--select", "PRD502", "--output-format", "sarif", "--sarif-max-results", "1", cwd=root
    )
    assert len(json.loads(ran.out)["runs"][0]["results"]) == 1
    assert "1 findings of the lowest priority are left out" in ran.err


def test_ignores_are_added(project: Project, prodlint: Run) -> None:
    files = {
        "a.py": "import requests\n\n\nasync def f():\n    requests.get('https://orders.test')\n    return requests.get(\n        'https://b.test',\n    )\n",
        "Dockerfile": "FROM python:3.12\nENV UVICORN_RELOAD=true\nCMD uvicorn a:app\n",
    }
    root = project(files)
    ran = prodlint(
        "check", ".", "--isolated", "--no-cache", "--add-ignore", "--reason", "known  since\nlaunch", "--until", "2099-01-31", cwd=root
    )
    assert ran.code == 0, ran.err
    assert "# prodlint: ignore[PRD504, PRD571] until=2099-01-31 -- known since launch" in (root / "a.py").read_text()
    assert prodlint("check", ".", "--isolated", "--no-cache").code == 0
    assert prodlint("check", ".", "--isolated", "--no-cache", "--add-ignore", "--until", "soon").code == 2


def test_standard_input_is_fixed_to_standard_output(project: Project) -> None:
    import subprocess
    import sys

    root = project({"a.py": "x = 1\n"})
    command = [sys.executable, "-m", "prodlint", "check", "-", "--stdin-filename", "a.py", "--isolated", "--fix", "--select", "PRD502"]
    ran = subprocess.run(command, input=BAD.encode(), capture_output=True, cwd=root)
    assert ran.stdout.decode() == BAD.replace("Client()", "Client(timeout=5.0)")
    assert Path(root / "a.py").read_text() == "x = 1\n"
