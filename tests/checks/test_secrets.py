from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from prodlint.checks.secrets import others
from prodlint.checks.secrets.formats import sample_token
from prodlint.checks.secrets.tokens import deduplicate_by_secret
from prodlint.model import Finding, Span
from tests.limits import cpu_limit

ALL = "PRD101,PRD102,PRD103,PRD104,PRD105,PRD106,PRD108,PRD109,PRD110,PRD111"
Project = Callable[[Mapping[str, "str | bytes"]], Path]
Prodlint = Callable[..., object]


@pytest.fixture
def findings(project: Project, prodlint: Callable[..., object]) -> Callable[..., list[tuple[str, str, int, int]]]:
    """Path, code, line and column of what the family finds in some files."""

    def find(files: Mapping[str, str | bytes], *words: str) -> list[tuple[str, str, int, int]]:
        root = project(files)
        ran = prodlint(
            "check",
            str(root),
            "--isolated",
            "--root",
            str(root),
            "--no-respect-gitignore",
            "--select",
            ALL,
            "--output-format",
            "json",
            "-j",
            "1",
            *words,
        )
        report = json.loads(ran.out)  # type: ignore[attr-defined]  # what the fixture returns
        return [(found["path"], found["code"], found["line"], found["column"]) for found in report["findings"]]

    return find


Findings = Callable[..., list[tuple[str, str, int, int]]]
RANDOM = sample_token("random")
PASSWORD = sample_token("password")


# ---------------------------------------------------------------- where a value stands

POSITIONS = {
    "assigned": (f'DB_PASSWORD = "{PASSWORD}"', "PRD104", 16),
    "annotated": (f'db_password: str = "{PASSWORD}"', "PRD104", 21),
    "unpacked": (f'user, password = "app", "{PASSWORD}"', "PRD104", 26),
    "dict item": (f'config = {{"user": "app", "password": "{PASSWORD}"}}', "PRD104", 39),
    "subscript": (f'config["db_password"] = "{PASSWORD}"', "PRD104", 26),
    "compared": (f'ok = password == "{PASSWORD}"', "PRD104", 19),
    "compared the other way": (f'ok = "{PASSWORD}" == password', "PRD104", 7),
    "keyword": (f'connect("db", password="{PASSWORD}")', "PRD104", 25),
    "attribute": (f'client.password = "{PASSWORD}"', "PRD104", 20),
    "walrus": (f'print(password := "{PASSWORD}")', "PRD104", 20),
    "bytes": (f'password = b"{PASSWORD}"', "PRD104", 14),
    "triple quotes": (f'password = """{PASSWORD}"""', "PRD104", 15),
    "parenthesised": (f'password = (\n    "{PASSWORD}"\n)', "PRD104", 6),
    "wrapped": (f'password = SecretStr("{PASSWORD}")', "PRD104", 23),
    "f-string": (f'api_key = f"{RANDOM}{{suffix}}"', "PRD104", 13),
    "URL": (f'url = "redis://:{RANDOM}@cache:6379"', "PRD103", 17),
    "URL for any user": (f'url = f"postgresql://{{user}}:{RANDOM}@{{host}}/app"', "PRD103", 29),
    "fallback": (f'import os\nx = os.getenv("JWT_SECRET", "{RANDOM}")', "PRD105", 30),
    "signing key": (f'SECRET_KEY = "{RANDOM}"', "PRD106", 15),
    "vendor's token": (f'GITHUB_TOKEN = "{sample_token("github")}"', "PRD101", 17),
}


@pytest.mark.parametrize(("text", "code", "column"), POSITIONS.values(), ids=POSITIONS)
def test_one_finding_at_the_value(findings: Findings, text: str, code: str, column: int) -> None:
    found = findings({"app.py": text + "\n"})
    assert [(c, column_) for _, c, _, column_ in found] == [(code, column)]


def test_the_first_rule_in_order_speaks_for_a_value() -> None:
    def made(code: str, start: int, end: int) -> Finding:
        return Finding("a.py", Span(1, start, 1, end), code, "", "P0")

    findings = [made("PRD104", 5, 45), made("PRD101", 5, 45), made("PRD201", 1, 2), made("PRD104", 60, 70)]
    assert [(found.code, found.span.column) for found in deduplicate_by_secret(findings)] == [("PRD101", 5), ("PRD201", 1), ("PRD104", 60)]


# ---------------------------------------------------------------- what users of other linters complained about

QUIET = """
import os
from enum import Enum

TOKEN_URL = "https://auth.internal/oauth2/v2/token"
class Token(str, Enum):
    ACCESS_TOKEN = "access_token"
API_KEY_HEADER = "X-API-Key"
password = None
assert result == "passed"
client.get(secret_id="8f3b1c9d2e")
split_token = "13a"
Token = "token"
refresh_token = "refresh_token"
password = "***"
auth_token = None
password = "*******"
secret_path = "/parameter/aws/key/"
api_key_env = "MY_SECRET1"
secret_name = "TF_TEAM_TOKEN"
PASSWORD_FILE = "/run/secrets/x"
BYPASS_AUTH_TOKEN_VERIFICATION = "1"
password_policy = "A1b2C3d4E5f6"
uncertainty = "d3Vf8kQ2pL9xZ1mN"
tokenizer = "d3Vf8kQ2pL9xZ1mN"
token_endpoint = "/api/v2/d3Vf8kQ2pL9xZ1mN"
"""


def test_the_quiet_lines(findings: Findings) -> None:
    assert findings({"app.py": QUIET}) == []


COMPOSE = f"""
services:
  web:
    image: app:1
    environment:
      DB_PASSWORD: {PASSWORD}
      API_KEY: {RANDOM}
      API_TOKEN: "{RANDOM[::-1]}"
      CLIENT_SECRET: '{RANDOM[::-1]}'
      SECRET_KEY: {RANDOM}
      REDIS_URL: redis://:{RANDOM}@cache
      MYSQL_PASSWORD: {PASSWORD}
      AUTH_TOKEN: ${{AUTH_TOKEN:-{RANDOM}}}
      LOG_LEVEL: info
"""


def test_every_line_of_an_unquoted_environment(findings: Findings) -> None:
    assert [line for _, _, line, _ in findings({"compose.yaml": COMPOSE})] == [6, 7, 8, 9, 10, 11, 12, 13]


def test_an_empty_value_does_not_take_the_next_line(findings: Findings) -> None:
    files = {
        "service.ini": f"[a]\npassword =\nother = {RANDOM}\n",
        "app.properties": f"password=\nother={RANDOM}\n",
        ".npmrc": f"_authToken=\nname={RANDOM}\n",
    }
    assert findings(files) == []


REFERENCES = """
services:
  web:
    image: app:1
    environment:
      A_PASSWORD: ${A_PASSWORD}
      B_PASSWORD: $B_PASSWORD
      C_PASSWORD: ${C_PASSWORD:?set it}
      D_PASSWORD_FILE: /run/secrets/d
      E_PASSWORD:
      F_PASSWORD: ""
"""


def test_references_are_no_secrets(findings: Findings) -> None:
    workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env:\n      TOKEN: ${{ secrets.TOKEN }}\n    steps: []\n"
    assert (
        findings(
            {
                "compose.yaml": REFERENCES,
                ".github/workflows/ci.yml": workflow,
                "Makefile": "a:\n\tcurl -u ci:$(GIT_PASSWORD) https://x.internal\n",
            }
        )
        == []
    )


# What ruff's S105 to S107 and bandit's B105 to B107 report, or miss, on their own kinds of examples: what is a secret here is found, what is none is not.
HARD_CODED = {
    f'password = "{PASSWORD}"': True,
    'password = "s3cr3tpassw0rd!"': True,
    'd["password"] = "Vq7!mTz2#k"': True,
    'x = {"password": "12345678a!"}': True,
    'if token == "d3Vf8kQ2pL9xZ1mN": pass': True,
    'def f(a, *, password="Vq7!mTz2#k"): pass': True,
    'f(1, password="Vq7!mTz2#k")': True,
    'class A:\n    api_key = "d3Vf8kQ2pL9xZ1mN"': True,
    'API_KEY = "d3Vf8kQ2pL9xZ1mN"': True,
    'password = ""': False,
    'password: str = ""': False,
    "password = None": False,
    'if password == "": pass': False,
    'token_type = "bearer"': False,
    'f(token="x")': False,
    'login(password=password, secret_id="secret-7f3a")': False,
    'passwords = {"hash": "sha256"}': False,
}


@pytest.mark.parametrize(("text", "reported"), HARD_CODED.items())
def test_what_other_linters_report_and_miss(findings: Findings, text: str, reported: bool) -> None:
    assert bool(findings({"app.py": text + "\n"})) is reported


# ---------------------------------------------------------------- how the file is written

TEXT = f'# Grüße\nDB_PASSWORD = "{PASSWORD}"\nGITHUB = "{sample_token("github")}"\n'


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"),
        TEXT.encode("utf-16-le"),
        TEXT.replace("\n", "\r\n").encode(),
        ("# coding: cp1252\n" + TEXT.split("\n", 1)[1]).encode("cp1252"),
    ],
    ids=["utf-8", "mark", "utf-16-le", "utf-16-be", "utf-32", "no mark", "crlf", "cp1252"],
)
def test_the_encoding_does_not_matter(findings: Findings, raw: bytes) -> None:
    assert findings({"app.py": raw}) == [("app.py", "PRD104", 2, 16), ("app.py", "PRD101", 3, 11)]


def test_a_notebook_with_escaped_quotes(findings: Findings) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": [f'token = "{sample_token("github")}"\n', f'db_password = "{PASSWORD}"\n'],
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert [code for _, code, _, _ in findings({"a.ipynb": json.dumps(notebook, indent=1)})] == ["PRD101", "PRD104"]


# ---------------------------------------------------------------- detect-secrets is a guest


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name == "detect_secrets" or name.startswith("detect_secrets."):
            monkeypatch.delitem(sys.modules, name)
    others._detector.cache_clear()


# What only its detector knows: an encrypted password of Artifactory, beside no name.
GUEST = f'artifactory of the team: AP6{sample_token("random")[:24]} and\nGITHUB = "{sample_token("github")}"\n'
ASKED = ("--config", "rules.PRD101.detect-secrets=true")


def test_its_detectors_join_in_where_they_are_asked_for(findings: Findings) -> None:
    others._detector.cache_clear()
    assert [(code, line) for _, code, line, _ in findings({"notes.md": GUEST}, *ASKED)] == [("PRD101", 1), ("PRD101", 2)]
    assert [(code, line) for _, code, line, _ in findings({"notes.md": GUEST})] == [("PRD101", 2)]


def test_without_it_only_its_detectors_are_lost(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "detect_secrets", None)
    assert [(code, line) for _, code, line, _ in findings({"notes.md": GUEST}, *ASKED)] == [("PRD101", 2)]
    others._detector.cache_clear()


def test_it_is_not_imported_without_need(project: Project) -> None:
    root = project({"app.py": "".join(text + "\n" for text, _, _ in POSITIONS.values()), "compose.yaml": COMPOSE})
    program = "import sys; from prodlint.commands.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\nsys.stderr.write('IMPORTED ' * ('detect_secrets' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program, "check", str(root), "-j", "1", "--select", ALL],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert "PRD104" in done.stdout
    assert "IMPORTED" not in done.stderr


def test_nothing_is_sent_anywhere(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    others._detector.cache_clear()
    assert len(findings({"notes.md": GUEST}, *ASKED)) == 2


# ---------------------------------------------------------------- nothing shows a value

PLANTED = [
    sample_token(name, seed)
    for seed in (1, 2)
    for name in "github gitlab npm openai-project anthropic stripe slack google huggingface sendgrid random hex password uuid".split()
]


@pytest.mark.parametrize(
    "format", "azure concise full github gitlab grouped json json-lines junit markdown rdjson sarif statistics".split()
)
def test_no_format_shows_a_value(project: Project, prodlint: Callable[..., object], format: str) -> None:
    lines = [f'def f{number}(): return call(api_key="{value}")' for number, value in enumerate(PLANTED)]
    compose = "services:\n  web:\n    image: app:1\n    environment:\n" + "".join(
        f"      S{number}_SECRET: {value}\n" for number, value in enumerate(PLANTED)
    )
    env = "".join(f"S{number}_SECRET={value}\n" for number, value in enumerate(PLANTED))
    root = project({"app.py": "\n".join(lines), "compose.yaml": compose, ".env": env, ".gitignore": "x\n"})
    ran = prodlint("check", str(root), "--root", str(root), "--select", "ALL", "--output-format", format)
    shown = ran.out + ran.err  # type: ignore[attr-defined]  # what the fixture returns
    assert len(shown) > 100
    assert [value for value in PLANTED if value in shown] == []


# ---------------------------------------------------------------- git


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=root, check=True, capture_output=True)


ENV = f"LOG_LEVEL=info\nDB_PASSWORD={PASSWORD}\n"


def codes(found: list[tuple[str, str, int, int]]) -> list[tuple[str, str, int]]:
    return [(path, code, line) for path, code, line, _ in found if code in ("PRD108", "PRD109")]


def test_a_tracked_env_file(findings: Findings, project: Project) -> None:
    root = project({".env": ENV, ".gitignore": ".env\n"})
    git(root, "init", "-q")
    git(root, "add", "-f", ".env")
    assert codes(findings({})) == [(".env", "PRD108", 2)]


def test_an_ignored_env_file(findings: Findings, project: Project) -> None:
    git(project({".env": ENV, ".gitignore": ".env\n"}), "init", "-q")
    assert codes(findings({})) == []


def test_an_env_file_that_would_be_added(findings: Findings, project: Project) -> None:
    git(project({"backend/.env": ENV, ".gitignore": "/.env\n"}), "init", "-q")
    assert codes(findings({})) == [("backend/.env", "PRD108", 2)]


@pytest.mark.parametrize(
    ("ignores", "ignored"),
    [
        ({".gitignore": ".env"}, True),
        ({".gitignore": "*.env"}, True),
        ({".gitignore": ".env*"}, True),
        ({".gitignore": "backend/"}, True),
        ({".gitignore": "**/.env"}, True),
        ({"backend/.gitignore": ".env"}, True),
        ({".gitignore": ".env", "backend/.gitignore": "!.env"}, False),
        ({".gitignore": ".env\n!backend/.env"}, False),
        ({".gitignore": "/.env"}, False),
        ({".gitignore": ".env.local"}, False),
        ({".gitignore": "# .env"}, False),
    ],
)
def test_ignore_files_are_read_as_git_reads_them(findings: Findings, project: Project, ignores: dict[str, str], ignored: bool) -> None:
    root = project({"backend/.env": ENV, **ignores})
    git(root, "init", "-q")
    said = subprocess.run(["git", "check-ignore", "-q", "backend/.env"], cwd=root, check=False).returncode == 0
    assert said is ignored
    assert (("backend/.env", "PRD108", 2) in codes(findings({}))) is not ignored


def test_outside_of_git_the_ignore_files_are_asked(findings: Findings) -> None:
    assert codes(findings({".env": ENV, ".gitignore": "dist/\n"})) == [(".env", "PRD108", 2)]


# ---------------------------------------------------------------- what is fast stays right, what is hostile stays fast


def test_looking_before_parsing_loses_nothing(tmp_path: Path) -> None:
    from tests.benchmarks.secrets_corpus import corpus, with_prodlint, write

    write(corpus()[::3], tmp_path)
    assert with_prodlint(tmp_path, exhaustive=True) == with_prodlint(tmp_path)


def test_the_corpus_is_found_and_the_rest_left_alone(tmp_path: Path) -> None:
    from tests.benchmarks.secrets_corpus import corpus, score, total, with_prodlint, write

    cases = corpus()
    write(cases, tmp_path)
    scores, _ = score(cases, with_prodlint(tmp_path))
    everything = total(scores)
    assert everything.planted > 1000
    assert everything.quiet > 400
    assert everything.found >= 0.97 * everything.planted
    assert everything.alarms <= 0.01 * (everything.found + everything.alarms)


HOSTILE = {
    "names": "password = ",
    "quotes": "password = '",
    "both quotes": "password = '\"",
    "keys": '{"password": ',
    "urls": "://a:a",
    "url starts": "https://u:",
    "prefixes": "sk-proj-",
    "markers": "aT3BlbkFJ",
    "tokens": "eyJhbGciOi.",
    "headers": "-----BEGIN PRIVATE KEY-----",
    "header and body": "-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0",
    "references": "${SECRET_KEY:-",
    "key sets": '{"kty": ',
    "brackets": "password = (",
    "words": "secret token password ",
    "colons": "token:",
    "blanks": "password" + " " * 1000,
}
# Well-formed, so that the time goes to the checks and not to the parser's recovery from errors.
HOSTILE_PYTHON = {
    "assignments": 'password = x["a b c"]\n',
    "one long call": 'f(password=x, token="a b")\n',
    "lookups": 'x = os.getenv("SECRET_KEY", y)\n',
    "comparisons": 'ok = password == "a b" or token != "c d"\n',
    "comments": "# password = 'a\n",
    "values": 'api_key = "d3Vf8kQ2pL9xZ1mN"\n',
    "urls": 'u = "redis://:redis@localhost"\n',
}


@pytest.mark.parametrize("kind", ["config.txt", ".npmrc"])
@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_much_of_one_thing(findings: Findings, part: str, kind: str) -> None:
    text = (part * (300_000 // len(part) + 1))[:300_000]
    with cpu_limit(80):
        findings({kind: text}, "--allow-unchecked")


@pytest.mark.parametrize("part", HOSTILE_PYTHON.values(), ids=HOSTILE_PYTHON)
def test_much_python_of_one_thing(findings: Findings, part: str) -> None:
    with cpu_limit(80):
        findings({"app.py": part * (100_000 // len(part))})


@pytest.mark.parametrize(("path", "expected"), [("app/sync.py", ["PRD101"]), ("tests/test_sync.py", [])])
def test_a_token_whose_checksum_does_not_fit_is_told_unasked_outside_of_tests(
    project: Project, prodlint: Prodlint, path: str, expected: list[str]
) -> None:
    token = sample_token("github", 3)
    root = project({path: f'ANSWER = {{"token": "{token[:-1]}{"a" if token[-1] != "a" else "b"}"}}\n'})
    ran = prodlint("check", str(root), "--isolated", "--root", str(root), "--output-format", "json", "-j", "1")
    found = json.loads(ran.out)["findings"]  # type: ignore[attr-defined]  # what the fixture returns
    assert [each["code"] for each in found if "checksum" in each["message"]] == expected
