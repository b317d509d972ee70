"""Nothing that prodlint says or writes holds eight characters in a row of a secret that it knows, whichever rules are selected."""

from __future__ import annotations

import functools
import html
import random
import shutil
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from prodlint.commands.cli import main
from prodlint.facts import Source
from prodlint.fixes.applying import FixResult, difference
from prodlint.model import Report, Span
from prodlint.redact import MASK, Redaction
from prodlint.reports import FORMATS

WINDOW = 8
SETTINGS = {
    "": "",
    "left to another tool": 'ignore = ["PRD1"]\n',
    "left out for files": '[per-file-ignores]\n"**" = ["PRD1"]\n',
}


@dataclass
class Planted:
    """A project as files, and the parts of secrets that no output may show."""

    files: dict[str, str]
    parts: dict[str, str]


def planted() -> Planted:
    source = random.Random("harbour")
    parts: dict[str, str] = {}

    def word(name: str, length: int = 22) -> str:
        while True:
            made = "".join(source.choice(string.ascii_letters + string.digits) for _ in range(length))
            if all(sum(map(sort, made)) >= 3 for sort in (str.isupper, str.islower, str.isdigit)):
                parts[name] = made
                return made

    def token(name: str) -> str:
        return "sk_" + "live_" + word(name, 99)

    left, right = word("left half", 14), word("right half", 14)
    escaped = word("percent-encoded", 12)
    files = {
        "app/main.py": f"""import jwt
import os
import requests
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI(debug=True)
app.add_middleware(CORSMiddleware, allow_origins=["https://{token("origin")}", "*"], allow_credentials=True)
# TODO {token("todo")}
# FIXME: rotate this one with all of the others, it is {token("fixme behind words")}
limit = 1  # prodlint: ignore[PRD504] -- {token("reason of an ignore")}
# prodlint: ignore[{token("code of an ignore")}]
db_password = "{word("password")}"; print(db_password)  # TODO move
api_secret = ("{left}"
              "{right}")  # TODO drop
JWT_SECRET = os.getenv("JWT_SECRET", "{word("fallback")}")
session = jwt.encode({{"sub": "a"}}, b"{word("signing key", 32)}", algorithm="HS256"); print(session)
DATABASE_URL = "postgresql://svc:{escaped}%2F@db.harbour.io/orders"; print(DATABASE_URL)
known_password = "{word("ignored")}"  # prodlint: ignore[PRD104] -- the sandbox's TODO x


def work(cursor, name):
    cursor.execute(f"select * from orders where code = '{token("statement")}' and name = {{name}}")
    eval("{token("eval")}" + name)
    requests.get("https://api.harbour.io/{token("path of a request")}", auth=("svc", "{word("basic login")}"))
    raise Exception("{token("exception")}")


@app.get("/health/{token("route")}")
def health():
    return "ok"
""",
        "compose.yaml": f"""services:
  web:
    image: "harbour/web:{token("tag")}"
    command: uvicorn app.main:app --host 0.0.0.0 --reload --api-key {word("command of compose")}
    environment:
      DB_PASSWORD: {(shared := word("environment of compose"))}
  {token("service")}:
    image: postgres:latest
    privileged: true
""",
        "Dockerfile": f"""FROM python:latest
ENV DB_PASSWORD={word("environment of an image")}
RUN pip install {token("package")}
CMD uvicorn app.main:app --host 0.0.0.0 --api-key {word("command of an image")} --reload
""",
        ".github/workflows/ci.yml": f"""on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{token("reference")}
      - run: API_TOKEN={word("masked command", 40)} pytest tests || true
      - run: curl -k -u bot:{word("login")} https://api.harbour.io/deploy
""",
        "LAUNCH.md": f"- [x] No hardcoded secrets, and so many more words that the line is cut somewhere here: {token('line')}\n- [x] 0 bare excepts\n",
        "deploy/prod.env": f"DB_PASSWORD={word('env file')}\nDEBUG=true\n",
        "broken/first.py": f"{token('broken code')} x\n",
        "broken/Dockerfile": f"FROM python:3.13\n{token('broken image')} x\n",
        "broken/prod.env": f"DB PASSWORD {shared}\nX Y {word('of nobody')}\n",
        "broken/a.json": f'{{"db_password": "a" "x": {shared}}}\n',
    }
    return Planted(files, parts)


PLANTED = planted()


# A file that a command left as it was (the catalogue, above all) is not searched again.
@functools.lru_cache(maxsize=64)
def _leaks(data: bytes) -> frozenset[str]:
    text = data.decode("utf-8", "replace")
    return frozenset(
        name
        for shown in {text, html.unescape(text), unquote(text)}
        for name, part in PLANTED.parts.items()
        if any(part[start : start + WINDOW] in shown for start in range(len(part) - WINDOW + 1))
    )


Run = Callable[..., set[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs commands one after another in a fresh copy of the project; gives what leaked, by what leaked it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))

    def do(settings: str, *commands: str) -> set[str]:
        root = tmp_path / "project"
        shutil.rmtree(root, ignore_errors=True)
        for path, text in {**PLANTED.files, **({"prodlint.toml": settings} if settings else {})}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / ".git").mkdir()
        monkeypatch.chdir(root)
        found: set[str] = set()
        for command in commands:
            assert main(command.split()) in (0, 1, 3), command
            captured = capfdbinary.readouterr()
            assert captured.out or captured.err or " -o " in command
            found |= {f"{command}: {name}" for name in _leaks(captured.out + captured.err)}
            for path in (path for path in tmp_path.rglob("*") if path.is_file()):
                relative = path.relative_to(tmp_path).as_posix()
                if relative.removeprefix("project/") not in PLANTED.files:
                    found |= {f"{command}, file {relative}: {name}" for name in _leaks(path.read_bytes())}
        return found

    return do


def test_the_secrets_are_known(run: Run, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without the rules of the family nothing would be said of them, and nothing could leak."""
    assert run("", "check --isolated --no-cache --select PRD1 --output-format concise .") == set()
    assert len(PLANTED.parts) > 25


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_no_report_shows_a_secret_that_no_rule_was_asked_for(run: Run, form: str) -> None:
    every = "--unsafe-fixes --show-suppressed" if form in ("full", "sarif", "json") else ""
    assert run(SETTINGS["left out for files"], f"check --no-cache {every} --output-format {form} .") == set()


@pytest.mark.parametrize("form", ["full", "sarif", "json", "github"])
def test_no_report_shows_a_secret(run: Run, form: str) -> None:
    assert run("", f"check --isolated --no-cache --unsafe-fixes --show-suppressed --output-format {form} .") == set()


@pytest.mark.parametrize("settings", list(SETTINGS)[:2])
def test_no_file_holds_a_secret_that_was_not_there(run: Run, settings: str) -> None:
    assert (
        run(SETTINGS[settings], "check .", "check --output-format full .", "baseline .", "check --baseline .prodlint-baseline .") == set()
    )


@pytest.mark.parametrize(
    "command",
    [
        "check --no-cache --diff --unsafe-fixes .",
        "check --no-cache --select PRD6 --output-format full .",
        "check --no-cache --honor detect-secrets,gitleaks --no-inline-ignores .",
        "report .",
        "report -o r.html .",
        "report -o r.json .",
        "checklist LAUNCH.md . --all --output-format json",
    ],
)
def test_no_other_verb_shows_a_secret(run: Run, command: str) -> None:
    assert run(SETTINGS["left to another tool"], command) == set()


def test_fixes_still_fix(run: Run, tmp_path: Path) -> None:
    """A fix whose text holds a secret is made where the file is; nothing masked is ever written into it."""
    assert run("", "check --isolated --fix --unsafe-fixes --select PRD902 .github") == set()
    text = (tmp_path / "project/.github/workflows/ci.yml").read_text()
    assert PLANTED.parts["masked command"] in text and "|| true" not in text and "***" not in text


def test_the_user_of_a_url_names_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = PLANTED.parts["signing key"]
    (tmp_path / "requirements.txt").write_text(f"git+https://{user}@github.com/acme/billing.git@main\n")
    assert main(["check", "--isolated", "--no-cache", "--select", "PRD923", "--root", str(tmp_path), str(tmp_path)]) in (0, 1)
    assert "`billing` follows `main`" in capsys.readouterr().out


def test_a_line_of_a_diff_that_looks_like_its_head_is_covered(tmp_path: Path) -> None:
    value = PLANTED.parts["signing key"]
    before, after = f"-- {value}\nselect 1;\n".encode(), f"++ {value}\nselect 1;\n".encode()
    (tmp_path / "a.sql").write_bytes(before)
    report = Report(str(tmp_path), secrets={"a.sql": (Span(1, 4, 1, 4 + len(value)),)})
    redaction = Redaction(report, lambda path: Source(before))
    shown = "".join(difference(FixResult({"a.sql": before}, {"a.sql": after}), redaction))
    assert "--- a/a.sql" in shown and "-select" not in shown
    assert f"--- {MASK}\n" in shown and f"+++ {MASK}\n" in shown and value[:WINDOW] not in shown
