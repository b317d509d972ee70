"""Anybody's checklist against the code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prodlint.engine.catalogue import own_rules
from prodlint.readiness.audit import mapped, pointed_at
from prodlint.readiness.items import checklist_of, folder, read_folder
from prodlint.readiness.lines import read_lines
from prodlint.readiness.phrases import Phrases, stem, words_of
from tests.conftest import ROOT, Ran

UNREADY, READY = ROOT / "fixtures" / "unready" / "orders", ROOT / "fixtures" / "ready" / "orders"
CLAIMS = Path(__file__).parent / "claims.md"
SEEDS = ROOT.parent / "shared" / "seeds"
Run = Callable[..., Ran]


def audit(prodlint: Run, text: str, tmp_path: Path, root: Path = UNREADY, *words: str) -> list[dict[str, Any]]:
    file = tmp_path / "CHECKLIST.md"
    file.write_bytes(text.encode())
    ran = prodlint("checklist", str(file), str(root), "--root", str(root), "--isolated", "--output-format", "json", *words)
    assert ran.code in (0, 1), ran.err
    lines: list[dict[str, Any]] = json.loads(ran.out)["lines"]
    return lines


@pytest.fixture(scope="module")
def phrases() -> Phrases:
    return Phrases(read_folder(folder()))


def meaning(phrases: Phrases, text: str) -> str | None:
    (line,) = list(read_lines(text))
    matches = mapped(line, phrases, read_folder(folder()))
    return matches[0].item.id if matches else None


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("- [x] 0 bare excepts", "no-swallowed-exceptions"),
        ("- [ ] **CORS** is locked down", "cors-restricted"),
        ("* [X] No hardcoded passwords anywhere", "no-secrets-in-code"),
        ("1. [ ] `--reload` is not used in production", "no-auto-reload"),
        ("- ✅ Timeouts on all external calls", "http-timeouts"),
        ("- [ ] Non-root user in the image", "not-root"),
        ("- [x] All TODO and FIXME comments resolved", "no-placeholders"),
        ("- [ ] Dependencies are pinned", "dependencies-pinned"),
        ("- [x] Liveness and readiness probes", "container-healthchecks"),
        ("- [ ] SBOM generated for each release", "bill-of-materials"),
        ("- [ ] On-call rotation", "alerts"),
        ("- [ ] API documentation disabled in production (`/docs`)", "debug-off"),
        ("- [ ] Requests forwarded by the proxy keep X-Forwarded-For", "proxy-headers-trusted"),
        ("- Maintenance window: outside of our core hours", None),
        ("- [ ] Buy cake for the launch", None),
        ("- [ ] Ask Karin", None),
    ],
)
def test_a_line_means_an_item(phrases: Phrases, line: str, item: str | None) -> None:
    assert meaning(phrases, line) == item


def test_words_lose_their_endings() -> None:
    assert stem("tested") == stem("tests") == stem("testing") == "test"
    assert words_of("The dependencies are **pinned**!") == words_of("dependency pins")


def test_states_of_lines() -> None:
    text = (
        "# T\n\n- [x] a\n- [ ] b\n- ✅ c\n- ❌ d\n- e\n\n| Item | Status |\n|---|---|\n| f | ✅ |\n| g | Pending |\n\n```\n- [x] h\n```\n"
    )
    assert [(line.text, line.state) for line in read_lines(text) if not line.in_code] == [
        ("a", "ticked"), ("b", "open"), ("c", "ticked"), ("d", "open"), ("e", "stated"), ("f", "ticked"), ("g", "open"),
    ]  # fmt: skip
    assert [line.text for line in read_lines(text) if line.in_code] == ["- [x] h"]


def test_shortcodes_are_ticks_and_no_words() -> None:
    text = "- :white_check_mark: a\n- :x: b\n- c :white_check_mark:\n- d :white_check_mark: :white_check_mark:\n## :lock: e\n"
    assert [(line.text, line.state) for line in read_lines(text)] == [
        ("a", "ticked"), ("b", "open"), ("c", "ticked"), ("d", "stated"), ("e", "stated"),
    ]  # fmt: skip


def test_a_comment_says_what_a_line_means(prodlint: Run, tmp_path: Path) -> None:
    (line,) = audit(prodlint, "- [x] We are fine <!-- prodlint: PRD402 -->\n", tmp_path)
    assert (line["item"], line["confidence"], line["judgement"]) == ("cors-restricted", "named", "belied")
    (line,) = audit(prodlint, "- [x] We are fine <!-- prodlint: PRD406 -->\n", tmp_path)
    assert line["judgement"] == "agrees"
    (line,) = audit(prodlint, "- [x] We are fine <!-- prodlint: jwt-verified -->\n", tmp_path)
    assert line["judgement"] == "belied"


def test_our_own_checklist_is_audited(prodlint: Run, tmp_path: Path) -> None:
    """claims.md says behind each line what the audit has to say of it."""
    text = CLAIMS.read_text()
    expected = {}
    for number, line in enumerate(text.splitlines(), 1):
        if "<!-- expect:" in line:
            expected[number] = line.split("<!-- expect:")[1].split("-->")[0].strip()
    found = {line["line"]: line["judgement"] for line in audit(prodlint, text, tmp_path) if line["line"] in expected}
    assert found == expected


def test_a_named_rule_decides_alone(prodlint: Run, tmp_path: Path, project: Callable[..., Path]) -> None:
    root = project({"app.py": "try:\n    f()\nexcept Exception:\n    pass\n"})
    lines = audit(prodlint, "- [x] 0 bare excepts\n- [x] No swallowed exceptions\n", tmp_path / "..", root)
    assert [line["judgement"] for line in lines] == ["agrees", "belied"]


def test_writing_changes_boxes_and_nothing_else(prodlint: Run, tmp_path: Path) -> None:
    file = tmp_path / "CHECKLIST.md"
    before = b"\xef\xbb\xbf# Launch\r\n\r\n- [x] CORS locked down   \r\n* [ ] CI/CD pipeline configured\n- [x] Buy cake\r- [ ] Rate limiting\n\n| Item | Status |\n|--|--|\n| Debug mode off | \xe2\x9c\x85 |\n| Non-root user | Done |\n- :white_check_mark: No auto-reload\nthe end"
    file.write_bytes(before)
    words = ("checklist", str(file), str(UNREADY), "--root", str(UNREADY), "--isolated", "--write", "--fail-on", "belied")
    assert prodlint(*words).code == 1
    assert b"* [ ] CI/CD pipeline configured\n" in file.read_bytes()  # a tick is asked for
    file.write_bytes(before)
    assert prodlint(*words, "--tick").code == 1
    after = file.read_bytes()
    assert b"- [ ] CORS locked down <!-- prodlint-evidence --> [app/main.py:18](" in after
    assert after.split(b"\r\n")[2].endswith(b")   ")
    assert b"| Non-root user | Open |\n- :x: No auto-reload <!-- prodlint-evidence --> [Dockerfile:6](" in after
    assert b"* [x] CI/CD pipeline configured <!-- prodlint-evidence --> [.github/workflows/ci.yml:1](" in after
    assert b"| Debug mode off | \xe2\x9d\x8c |\n" in after
    assert b"- [x] Buy cake\r- [ ] Rate limiting\n" in after
    assert after.startswith(b"\xef\xbb\xbf# Launch\r\n\r\n")
    assert after.endswith(b"\nthe end")
    prodlint(*words, "--tick")
    assert file.read_bytes() == after


def test_without_ticks_statements_are_judged_and_with_ticks_they_are_not(prodlint: Run, tmp_path: Path) -> None:
    file = tmp_path / "NOTES.md"
    words = ("checklist", str(file), str(UNREADY), "--root", str(UNREADY), "--isolated", "--fail-on", "belied")
    file.write_text("# Notes\n\n- CORS locked down\n")
    ran = prodlint(*words)
    assert (ran.code, "1 belied" in ran.out) == (1, True)
    file.write_text("# Notes\n\n- CORS locked down\n- [x] CI/CD pipeline configured\n")
    ran = prodlint(*words)
    assert (ran.code, "0 belied" in ran.out) == (0, True)


def test_a_checklist_that_cannot_be_read(prodlint: Run, tmp_path: Path) -> None:
    assert prodlint("checklist", str(tmp_path / "none.md")).code == 2
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    assert prodlint("checklist", str(tmp_path / "bad.md")).code == 2


def test_nothing_is_found_in_nothing(prodlint: Run, tmp_path: Path) -> None:
    assert audit(prodlint, "", tmp_path) == []


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents that prodlint started from are not beside the checkout")
@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (
            "002",
            {
                5: "belied",
                6: "belied",
                7: "belied",
                8: "belied",
                9: "cannot be told",
                10: "cannot be told",  # there is a Dockerfile; of a console or of Next.js it says nothing
                12: "belied",
                18: "still open",
                21: "still open",
            },
        ),
        (
            "003",
            {28: "agrees", 29: "belied", 31: "belied", 228: "belied", 237: "belied", 273: "belied", 341: "belied", 183: "agrees"},
        ),
        (
            "000",
            {
                9: "does not apply",
                11: "belied",
                16: "cannot be told",  # a heading
                23: "cannot be told",
                34: "cannot be told",
                57: "belied",
                75: "belied",
                77: "belied",
            },
        ),
        (
            "004",
            {
                21: "cannot be told",
                39: "belied",
                41: "belied",
                43: "belied",
                45: "cannot be told",
                50: "belied",
                53: "belied",
                54: "cannot be told",
                67: "agrees",
                68: "belied",
                79: "cannot be told",
            },
        ),
        ("001", {67: "still open", 186: "still open", 196: "in fact met", 197: "still open", 254: "still open"}),
    ],
)
def test_the_seeds_are_audited_against_the_unready_service(prodlint: Run, seed: str, expected: dict[int, str]) -> None:
    (file,) = SEEDS.glob(f"{seed}_*.txt")
    ran = prodlint("checklist", str(file), str(UNREADY), "--root", str(UNREADY), "--isolated", "--output-format", "json")
    found: dict[int, str] = {}
    for line in json.loads(ran.out)["lines"]:
        if line["line"] in expected and found.get(line["line"]) != "belied":
            found[line["line"]] = line["judgement"]
    assert found == expected


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents that prodlint started from are not beside the checkout")
def test_the_lines_of_the_seeds_are_mapped_to_the_rules_that_decide_them(phrases: Phrases) -> None:
    """seed_lines.json holds, for each line that files can decide, the rules that the catalogue gave it by hand: codes, and names of rules to come."""
    names = {rule.code: rule.name for rule in own_rules()}
    items = checklist_of({}, ".", own_rules()).items
    right = wrong = asked = 0
    for seed, rows in json.loads((Path(__file__).parent / "seed_lines.json").read_text()).items():
        (file,) = SEEDS.glob(f"{seed}_*.txt")
        lines = {line.number: line for line in read_lines(file.read_text(encoding="utf-8"))}
        for number, codes, *_ in rows:
            asked += 1
            pointer = number in lines and pointed_at(lines[number])
            matches = mapped(lines[number], phrases, items) if number in lines and not pointer else []
            meant = [{*match.item.rules, *match.item.awaits, *(names[code] for code in match.item.rules)} for match in matches]
            fits = "readiness-checklist-open" in codes if pointer else any(each & set(codes) for each in meant)
            right += fits
            wrong += not fits and bool(matches or pointer)
    assert asked == 389
    assert right / asked >= 0.9
    assert wrong / asked <= 0.05


PROJECT = {
    "app/db.py": "from sqlalchemy import create_engine\n\n# max_overflow = 20\nengine = create_engine(URL, pool_size=10, pool_recycle=300)\n",
    "app/hashing.py": "from argon2 import PasswordHasher\n\nhasher = PasswordHasher()\n",
    "tests/unit/test_db.py": "def test_db():\n    assert 1 + 1 == 2\n",
    "report.json": '{"tool": {"name": "prodlint"}, "items": ["Argon2id"]}\n',
    ".github/workflows/ci.yml": "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: pytest\n",
}


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] Connection pool configured (pool_size=10)", "agrees"),
        ("- [x] Connection pool configured (pool_size=25)", "belied"),
        ("- [x] Connection pool configured (pool_size=10, max_overflow=20)", "cannot be told"),  # a comment proves nothing
        ("- [x] Connection pool configured in `app/pool.py`", "belied"),
        ("- [x] Connection pool configured (recommended: 10 connections)", "agrees"),
        ("- [x] Connection pool configured (recommended: 25 connections)", "cannot be told"),
        ("- [x] A07:2021 - Connection pool configured", "agrees"),
        ("- [x] Unit tests in tests/unit/test_db.py", "agrees"),
        ("- [x] Unit tests for critical paths", "cannot be told"),  # which ones those are, nobody sees
        ("- [ ] Unit tests in tests/unit/test_cache.py", "still open"),
        ("- [ ] Integration tests", "cannot be told"),
        ("- [ ] Run the test suite", "cannot be told"),
        ("- [x] 0 syntax errors", "agrees"),
        ("- [x] 0 bare excepts in the whole code base", "agrees"),
        ("- [ ] Deploy to production server", "cannot be told"),
    ],
)
def test_a_yes_shows_the_thing(prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str) -> None:
    lines = audit(prodlint, f"{line}\n", tmp_path / "..", project(PROJECT))
    assert {each["judgement"] for each in lines} == {judgement}, lines


REPORT = '{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Any"}}}]}'


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("# TODO: use slowapi and limit_req\nprint()\n", "- [x] Rate limiting"),
        ('"""limit_req is to come."""\nprint()\n', "- [x] Rate limiting"),
    ],
)
def test_comments_and_documentation_prove_nothing(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, content: str, line: str
) -> None:
    app = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/orders')\ndef orders():\n    return []\n"
    root = project({"app.py": app, "notes.py": content, "report.json": REPORT.replace("Any", "limit_req")})
    assert {each["judgement"] for each in audit(prodlint, f"{line}\n", tmp_path / "..", root)} == {"cannot be told"}


SERVICE = {
    "app.py": "import redis\nfrom fastapi import FastAPI\n\napp = FastAPI()\nSKIP_MIGRATIONS = False\n\n\n@app.get('/healthz')\ndef healthz():\n    return {'ok': True}\n",
    "Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nUSER 1000\nCMD ["uvicorn", "app:app"]\n',
    "tests/test_app.py": "def test_app():\n    assert 1 + 1 == 2\n",
    "hc/integrations/api.py": "X = 1\n",
}


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] Health check endpoint implemented", "agrees"),
        ("- [x] Health check of the billing ledger", "cannot be told"),
        ("- [x] Redis health check", "cannot be told"),
        ("- [x] Health endpoint `/healthz`", "agrees"),
        ("- [x] Health endpoint `/health`", "cannot be told"),
        ("- [x] Health endpoint answers HTTP 503", "cannot be told"),
        ("- [x] Dockerfile exists", "agrees"),
        ("- [x] **Console Dockerfile** - Multi-stage build for Next.js", "cannot be told"),
        ("- [ ] Health checks pass", "cannot be told"),
        ("- [x] Integration tests", "cannot be told"),
        ("- [x] Unit tests\n  - chat\n  - API endpoints", None),
        ("- [x] `pip check` runs in the image", "cannot be told"),
        ("## Health checks", "cannot be told"),
        ("Cons: needs a health endpoint", "cannot be told"),
    ],
)
def test_a_yes_is_about_what_the_line_speaks_of(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str | None
) -> None:
    found = {each["judgement"] for each in audit(prodlint, f"{line}\n", tmp_path / "..", project(SERVICE)) if each["item"]}
    assert found == {judgement} if judgement else "agrees" not in found


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] 0 bare excepts in the whole code base", "belied"),
        ("- [x] No swallowed exceptions", "belied"),
        ("- [x] Exceptions of `PaymentError` are never swallowed", "cannot be told"),
        ("- [x] SECRET_KEY enforced in production", "cannot be told"),
        ("- [x] JWT_SECRET enforced in production", "belied"),
        ("- [x] Production validation function", "cannot be told"),
        ("- [x] 16 passed, all tests pass", "cannot be told"),
    ],
)
def test_a_no_is_about_what_the_line_speaks_of(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str
) -> None:
    code = (
        "import os\n\nimport jwt\n\nSECRET_KEY = os.environ['SECRET_KEY']\nJWT_SECRET = os.getenv('JWT_SECRET', 'published-value-of-all')\n\n\n"
        "def read(token):\n    try:\n        return jwt.decode(token, JWT_SECRET, algorithms=['HS256'])\n    except:\n        pass\n"
    )
    root = project({"app.py": code, "Dockerfile": SERVICE["Dockerfile"]})
    assert {each["judgement"] for each in audit(prodlint, f"{line}\n", tmp_path / "..", root)} == {judgement}


PAGES = {
    "shop/app.py": (
        "import requests\nimport sentry_sdk\nfrom fastapi import FastAPI\nfrom slowapi import Limiter\n\napp = FastAPI()\n"
        "limiter = Limiter(key_func=str, default_limits=['60/minute'], storage_uri=REDIS)\nsentry_sdk.init(dsn=DSN)\n\n\n"
        "@app.get('/api/v1/orders')\ndef orders(limit: int = 10):\n    return requests.get(URL, timeout=5).json()\n"
    ),
    "Dockerfile": "FROM example.org/own/base:1.2\nCOPY . .\nCMD gunicorn -w 4 shop.app:app\n",
    ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n    schedule:\n      interval: weekly\n",
    ".github/workflows/ci.yml": PROJECT[".github/workflows/ci.yml"],
    "README.md": "# Shop\n",
}


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] Error tracking in place (e.g. Rollbar, Bugsnag)", "agrees"),  # examples are no claims
        ("- [x] Error tracking with Rollbar", "cannot be told"),
        ("- [x] Errors are reported to a tracker such as Bugsnag or similar", "agrees"),
        ("- [x] A bot that upgrades dependencies (e.g. Renovate)", "agrees"),
        ("- [x] Dependency upgrades are automated (Renovate, Dependabot)", "agrees"),  # one of a list in brackets
        ("- [x] Rate limiting (60/minute)", "agrees"),
        ("- [x] Rate limiting (30/min)", "cannot be told"),
        ("- [x] Gunicorn workers configured", "agrees"),
        ("- [x] Gunicorn workers configured (2-8 per core)", "cannot be told"),
        ("- [x] Served by gunicorn, not by the development server", "agrees"),
        ("- [x] HTTP timeouts are set", "agrees"),
        ("- [x] HTTP timeouts are set to sensible values", "cannot be told"),  # a person judges that
        ("- [x] Timeouts on every HTTP call", "agrees"),
        ("- [x] How are HTTP timeouts chosen?", "cannot be told"),  # asks for a description
        ("- [x] Non-root user", "cannot be told"),  # the base image decides, and nobody sees it
        ("- [x] Is the service containerised?", "agrees"),
        ("- [x] API versioning", "agrees"),
        ("- [x] README.md exists", "agrees"),
        ("- [x] No debug endpoints", "cannot be told"),
        ("- [x] No hardcoded URLs", "cannot be told"),
        ("- [x] Multi-factor authentication", "cannot be told"),
        ("- [ ] Feature flags (LaunchDarkly)", "cannot be told"),
    ],
)
def test_lines_of_other_peoples_lists(prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str) -> None:
    lines = audit(prodlint, f"{line}\n", tmp_path / "..", project(PAGES))
    assert {each["judgement"] for each in lines if each["item"]} == {judgement}, lines


@pytest.mark.parametrize(
    ("dockerfiles", "judgement"),
    [
        ({"Dockerfile": "FROM python:3.12-slim\nUSER 1000\n"}, "agrees"),
        ({"Dockerfile": "FROM own/base:1\n", "worker/Dockerfile": "FROM own/base:1\nUSER app\n"}, "cannot be told"),
        ({"Dockerfile": "FROM own/base:1\nUSER root\n"}, "belied"),
        ({"Dockerfile": "FROM own/base:1\nUSER app\n", "tests/Dockerfile": "FROM own/base:1\n"}, "agrees"),
    ],
)
def test_each_image_shows_its_user(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, dockerfiles: dict[str, str], judgement: str
) -> None:
    root = project({"app.py": SERVICE["app.py"], **{path: f'{text}CMD ["uvicorn", "app:app"]\n' for path, text in dockerfiles.items()}})
    assert {each["judgement"] for each in audit(prodlint, "- [x] Non-root containers\n", tmp_path / "..", root)} == {judgement}


def test_what_stands_under_alerts_is_what_they_tell_of(phrases: Phrases) -> None:
    *_, line = read_lines("- [ ] Alerts configured for:\n  - [ ] Database connection pool exhaustion\n")
    assert [match.item.id for match in mapped(line, phrases, read_folder(folder()))] == ["alerts"]


def test_what_a_bracket_denies_is_a_claim_as_well(prodlint: Run, project: Callable[..., Path], tmp_path: Path) -> None:
    lines = audit(prodlint, "- [x] Sentry configured (no PII in logs)\n", tmp_path / "..", project(PAGES))
    assert [each["item"] for each in lines] == ["error-tracking", "no-secrets-in-logs"]
    assert "agrees" not in {each["judgement"] for each in lines}


@pytest.mark.parametrize(
    ("text", "judgement"),
    [
        ("## Kafka\n\n- [x] Set timeouts on outbound calls", "cannot be told"),  # what stands under a product is about it
        ("## Sentry\n\n- [x] Error tracking configured", "agrees"),
        ("- [x] DDoS protection", "cannot be told"),  # a rate limit is none
        ("- [x] Login is protected from DoS attacks", "cannot be told"),
        ("- [x] Request and response examples in the API documentation", "cannot be told"),
        ("- [x] Penetration testing", "cannot be told"),
        ("- [x] Metrics are collected (ELK, CloudWatch Logs)", "cannot be told"),
        ("- [x] Business metrics are exposed", "cannot be told"),
        ("- [x] Error alerts are sent (PagerDuty, Opsgenie)", "cannot be told"),
        ("- [x] Rate limiting tested", "cannot be told"),
        ("- [x] Perform load testing", "cannot be told"),
        ("- [x] Tests run in CI", "agrees"),
        ("- [x] Logging configured", "cannot be told"),
        ("- [x] SQL injection protection (via ORM)", "cannot be told"),
    ],
)
def test_what_a_line_asks_beyond_its_item(prodlint: Run, project: Callable[..., Path], tmp_path: Path, text: str, judgement: str) -> None:
    files = {
        **PAGES,
        "shop/store.py": "import sqlite3\n\n\ndef read(key):\n    return sqlite3.connect('x').execute('select 1 where a = ?', (key,))\n",
    }
    lines = audit(prodlint, f"# List\n\n{text}\n", tmp_path / "..", project(files))
    assert {each["judgement"] for each in lines if each["item"] and each["state"] == "ticked"} == {judgement}, lines


KINDS = {
    "shop/app.py": (
        "import logging\n\nimport sentry_sdk\nfrom fastapi import FastAPI\nfrom slowapi import Limiter\nfrom tenacity import retry, stop_after_attempt, wait_fixed\n\n"
        "logging.basicConfig(level=logging.INFO)\napp = FastAPI()\nlimiter = Limiter(key_func=str, default_limits=['60/minute'])\nsentry_sdk.init(dsn=DSN)\n\n\n"
        "@app.get('/healthz')\ndef healthz():\n    return {}\n\n\n@retry(stop=stop_after_attempt(3), wait=wait_fixed(1))\ndef prices():\n    return 1\n"
    ),
    "Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nUSER 1000\nHEALTHCHECK CMD curl -f localhost/healthz\nCMD ["uvicorn", "shop.app:app"]\n',
    ".github/workflows/ci.yml": PROJECT[".github/workflows/ci.yml"],
    "README.md": "# Shop\n",
    "uv.lock": "# generated by a tool; do not edit\nversion = 1\n",
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['fastapi']\n",
}


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] Health endpoint", "agrees"),
        ("- [x] /health/ping", "cannot be told"),  # another route than the one that is there
        ("- [x] Health and readiness endpoints", "cannot be told"),  # one of the two
        ("- [x] Daily health checks", "cannot be told"),  # what somebody does, and how often
        ("- [x] Check the health endpoint regularly", "cannot be told"),
        ("- [x] Health endpoint returns 200", "cannot be told"),
        ("- [x] Health checks documented", "cannot be told"),
        ("- [x] Error tracking configured", "agrees"),
        ("- [x] Error tracking with release and environment tags", "cannot be told"),
        ("- [x] No error tracking", "cannot be told"),
        ("- [x] Rate limiting", "agrees"),
        ("- [x] Rate limiting metrics collected", "cannot be told"),
        ("- [x] Retries with an attempt limit", "agrees"),
        ("- [x] Retries with exponential backoff", "cannot be told"),  # they wait a fixed time
        ("- [x] Logging configured", "agrees"),
        ("- [x] Log levels used properly", "cannot be told"),
        ("- [x] README exists", "agrees"),
        ("- [x] README updated with the new settings", "cannot be told"),
        ("- [x] Lock file committed", "agrees"),
        ("- [x] Base image pinned by digest", "cannot be told"),
        ("- [x] **Runs** as a non-root user", "agrees"),
        ("- [x] Ran a manual test of the health endpoint", "cannot be told"),
        ("- [x] **OPS-04-017** — A health endpoint exists", "agrees"),  # a list's number is no name
        ("- [x] Health endpoints are functional", "cannot be told"),
        ("- [x] Health checks pass for the whole fleet", "cannot be told"),
        ("- [x] The health endpoint has been exercised", "cannot be told"),
        ("- [x] Health endpoint, profiling routes, and development consoles are enabled", "cannot be told"),  # one of three
        ("- [x] Access logs are configured", "cannot be told"),
        ("- [x] Rate limiting requirements", "cannot be told"),
        ("- [x] Per-tenant rate limiting", "cannot be told"),  # neither the item nor the place is about tenants
        ("- [x] Final health checks", "cannot be told"),
        ("- [x] Error tracking for background jobs", "cannot be told"),
        ("# List\n\n## Kubernetes\n\n- [x] Health endpoint", "cannot be told"),  # what the section is about is nowhere
        ("# List\n\n## Security & API\n\n- [x] Rate limiting", "agrees"),
        ("- [x] Record the health endpoint of each service", "cannot be told"),
        ("- [x] Tests run in CI", "agrees"),
        ("- [x] Tests run in CI against a production-like topology", "cannot be told"),
        ("- [x] A linter runs in CI", "belied"),  # tests run there, and no linter
        ("- [x] Rate limits (fail-closed)", "cannot be told"),
        ("- [x] README.md - says who owns it, how to start it locally and what it depends on", "cannot be told"),
    ],
)
def test_a_neighbour_of_what_is_asked_is_no_yes(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str
) -> None:
    lines = audit(prodlint, f"{line}\n", tmp_path / "..", project(KINDS))
    assert {each["judgement"] for each in lines if each["item"]} == {judgement}, lines


def test_what_is_switched_off_proves_nothing(prodlint: Run, project: Callable[..., Path], tmp_path: Path) -> None:
    views = "from rest_framework.views import APIView\n\n\nclass Orders(APIView):\n    throttle_classes = []\n\n    def get(self, request):\n        return {}\n"
    lines = audit(prodlint, "- [x] Rate limiting configured\n", tmp_path / "..", project({"shop/views.py": views}))
    assert "agrees" not in {each["judgement"] for each in lines}


def test_a_name_in_a_comment_proves_nothing(prodlint: Run, project: Callable[..., Path], tmp_path: Path) -> None:
    files = {
        "shop/app.py": "from fastapi import FastAPI\n\n# later: sentry_sdk.init()\napp = FastAPI()\n\n\n@app.get('/')\ndef home():\n    return {}\n"
    }
    lines = audit(prodlint, "- [x] Error tracking configured\n", tmp_path / "..", project(files))
    assert "agrees" not in {each["judgement"] for each in lines}


LACKING = {
    "shop/app.py": (
        "import requests\nfrom flask import Flask, jsonify\n\napp = Flask(__name__)\nLOG_LEVEL = 'DEBUG'\n\n\n@app.get('/orders')\ndef orders():\n    try:\n"
        "        return requests.get(URL).json()\n    except Exception as error:\n        return jsonify({'error': str(error)}), 500\n"
    ),
    "compose.yaml": "services:\n  shop:\n    build: .\n    command: gunicorn shop.app:app\n    mem_limit: 1g\n",
    "Dockerfile": "FROM python:3.12-slim\nCOPY . .\nUSER 1000\nCMD gunicorn shop.app:app\n",
}


@pytest.mark.parametrize(
    ("line", "judgement"),
    [
        ("- [x] Timeouts on all external calls", "belied"),
        ("- [ ] Timeouts on all external calls", "still open"),
        ("## WSGI server\n\n- [x] Timeouts configured", "cannot be told"),  # those of the server
        ("- [x] Error messages do not leak internal details", "belied"),
        ("- [x] No stack traces in responses", "cannot be told"),  # the text of an error is none
        ("- [ ] No stack traces in responses", "cannot be told"),
        ("- [x] Memory limits set", "cannot be told"),  # what is missing is a restart policy
        ("- [x] TLS 1.2+ only (1.0/1.1 off)", "cannot be told"),  # no file of that name is asked for
        ("## Red flags\n\n- [x] No timeouts on external calls", "cannot be told"),  # a tick there says the opposite, or nothing
        ("- [x] Outbound timeouts documented", "cannot be told"),
        ("- [x] REL-01-003 — Timeouts exist for all outbound calls", "belied"),
        ("- [x] Error handling implemented", "cannot be told"),
        ("- [x] Production credentials never work in other environments", "cannot be told"),
        ("- [x] Artifact registries enforce authentication, authorization, and retention", "cannot be told"),
        ("- [x] Outbound timeouts are set when invoices are exported", "cannot be told"),  # those of something else are missing
        ("- [ ] Deploy to production", "cannot be told"),
    ],
)
def test_a_neighbour_of_what_is_broken_is_no_no(
    prodlint: Run, project: Callable[..., Path], tmp_path: Path, line: str, judgement: str
) -> None:
    lines = audit(prodlint, f"# List\n\n{line}\n", tmp_path / "..", project(LACKING))
    assert {each["judgement"] for each in lines if each["item"] and each["state"] != "stated"} == {judgement}, lines
