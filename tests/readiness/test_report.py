"""The readiness report: answers with places, in every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from prodlint.readiness import report_html, report_json
from tests.conftest import ROOT, Project, Ran

UNREADY, READY = ROOT / "fixtures" / "unready" / "orders", ROOT / "fixtures" / "ready" / "orders"
Run = Callable[..., Ran]


def told(prodlint: Run, path: Path, *words: str) -> dict[str, Any]:
    ran = prodlint("report", str(path), "--root", str(path), "--isolated", "--output-format", "json", "--allow-unchecked", *words)
    assert ran.code == 0, ran.err
    report: dict[str, Any] = json.loads(ran.out)
    return report


def by_id(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in report["items"]}


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {name: item["verdict"] for name, item in by_id(report).items()}


def test_the_unready_service_is_told_so(prodlint: Run) -> None:
    report = told(prodlint, UNREADY)
    found = verdicts(report)
    unmet = "no-secrets-in-code cors-restricted jwt-verified no-swallowed-exceptions no-placeholders http-timeouts debug-off no-auto-reload ci-gates-enforced dependencies-pinned"
    assert {name: found[name] for name in unmet.split()} == dict.fromkeys(unmet.split(), "not met")
    assert found["no-sql-injection"] == found["migrations-exist"] == found["bounded-retries"] == "does not apply"
    assert found["load-tested"] == found["backups"] == "cannot be told"
    assert found["ci-exists"] == found["tests-exist"] == "met"
    assert report["level"] is None


def test_the_ready_service_has_places_for_what_is_met(prodlint: Run) -> None:
    items = by_id(told(prodlint, READY))
    for name in "no-secrets-in-code cors-restricted jwt-verified http-timeouts no-auto-reload dependencies-pinned migrations-run health-endpoint".split():
        assert items[name]["verdict"] == "met", (name, items[name]["because"])
    assert items["debug-off"]["verdict"] == "met"
    assert items["health-endpoint"]["places"][0]["path"] == "app/main.py"
    assert items["migrations-run"]["places"][0] | {"end_column": 0} == {
        **items["migrations-run"]["places"][0], "path": "entrypoint.sh", "line": 3, "end_column": 0,
    }  # fmt: skip
    assert all(item["places"] or item["looked_at"] or "looked at" in item["because"] for item in items.values() if item["verdict"] == "met")


def test_findings_come_with_the_fix_and_the_largest_risk_first(prodlint: Run) -> None:
    report = told(prodlint, UNREADY)
    items = by_id(report)
    priorities = [items[name]["urgency"] for name in report["backlog"]]
    assert priorities == sorted(priorities)
    assert items["cors-restricted"]["findings"][0]["code"] == "PRD402"
    assert items["cors-restricted"]["fixes"] == ["List the origins that need the cookies."]


def test_the_fix_is_that_of_the_variant(prodlint: Run, project: Project) -> None:
    """The report says what `check` says, and once for each variant."""
    code = "import asyncpg\nimport psycopg2\nfrom sqlalchemy import create_engine\n\nfirst = create_engine(A)\nsecond = create_engine(B)\n\n\nasync def main():\n    return psycopg2.connect(host=C), await asyncpg.create_pool(D)\n"
    root = project({"app.py": code, "Dockerfile": 'FROM python:3.12-slim\nCMD ["python", "app.py"]\n'})
    ran = prodlint("check", str(root), "--root", str(root), "--isolated", "--select", "PRD521", "--output-format", "json")
    helps = list(dict.fromkeys(each["help"] for each in json.loads(ran.out)["findings"]))
    assert helps
    fixes = by_id(told(prodlint, root, "--config", "rules.PRD521.connections = true"))["datastore-timeouts"]["fixes"]
    assert [text for text in fixes if text in helps] == helps


def test_the_same_tree_gives_the_same_bytes(prodlint: Run, tmp_path: Path) -> None:
    for format in ("json", "html", "markdown", "text"):
        words = ("report", str(UNREADY), "--root", str(UNREADY), "--isolated", "--output-format", format)
        first, second = prodlint(*words).out, prodlint(*words, "-j", "1").out
        assert first == second
        assert str(ROOT) not in first


def test_an_item_that_does_not_apply_never_lowers_the_score(prodlint: Run, project: Project) -> None:
    root = project({"app.py": "def f():\n    return 1\n"})
    before = told(prodlint, root)
    (root / "db.py").write_text("import sqlalchemy\n")
    settings = ("--config", 'checklist.exempt.migrations-exist = "no tables of ours"', "--config", 'checklist.drop = ["indexes"]')
    ran = prodlint("report", str(root), "--root", str(root), "--output-format", "json", "--allow-unchecked", *settings)
    after = json.loads(ran.out)
    assert by_id(after)["migrations-exist"]["verdict"] == "exempt"
    assert by_id(before)["migrations-exist"]["verdict"] == "does not apply"
    assert before["score"]["percent"] is not None
    assert "do not count" in after["score"]["formula"]


def test_what_the_team_confirmed_is_met_and_named_as_theirs(prodlint: Run, project: Project) -> None:
    root = project(
        {
            "app.py": "def f():\n    return 1\n",
            "prodlint.toml": '[checklist.confirmed.load-tested]\nreason = "k6, 2,000 users, May"\nuntil = "2026-12-31"\n',
        }
    )
    words = ("report", str(root), "--root", str(root), "--output-format", "json", "--allow-unchecked", "--today")
    item = by_id(json.loads(prodlint(*words, "2026-06-01").out))["load-tested"]
    assert (item["verdict"], item["because"]) == ("met", "confirmed by the team: k6, 2,000 users, May (until 2026-12-31)")
    assert by_id(json.loads(prodlint(*words, "2027-01-01").out))["load-tested"]["verdict"] == "cannot be told"


def test_findings_in_tests_do_not_decide(prodlint: Run, project: Project) -> None:
    root = project(
        {
            "app/main.py": "import httpx\n\nhttpx.get('https://a.test', timeout=5.0)\n",
            "tests/test_a.py": "import httpx\n\ndef test_a():\n    assert httpx.get('https://a.test', timeout=None)\n",
        }
    )
    item = by_id(told(prodlint, root))["http-timeouts"]
    assert item["verdict"] == "met"


def test_a_rule_that_is_switched_off_leaves_its_item_open(prodlint: Run) -> None:
    item = by_id(told(prodlint, READY, "--ignore", "PRD445,PRD482"))["strong-cryptography"]
    assert item["verdict"] == "cannot be told"
    assert "switched off" in item["because"]


def test_exit_code_follows_fail_on(prodlint: Run) -> None:
    words = ("report", str(UNREADY), "--root", str(UNREADY), "--isolated", "--allow-unchecked", "--output-format", "json")
    assert prodlint(*words).code == 0
    assert prodlint(*words, "--fail-on", "P0").code == 1


def test_json_fits_its_schema(prodlint: Run, tmp_path: Path) -> None:
    import jsonschema

    schema = json.loads((ROOT / "prodlint" / "readiness" / "readiness-report.schema.json").read_text())
    first = told(prodlint, UNREADY)
    jsonschema.Draft202012Validator(schema).validate(first)
    (tmp_path / "old.json").write_text(json.dumps(first))
    second = told(prodlint, READY, "--compare", str(tmp_path / "old.json"))
    jsonschema.Draft202012Validator(schema).validate(second)
    assert "cors-restricted" in second["compared"]["better"]
    assert second["compared"]["worse"] == []
    assert by_id(second)["cors-restricted"]["change"] == "better"


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 2}', '{"schema_version": 1, "items": [1]}', "no json"])
def test_what_is_no_report_is_not_compared(prodlint: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "old.json").write_text(content)
    ran = prodlint("report", str(READY), "--compare", str(tmp_path / "old.json"))
    assert ran.code == 2
    assert "old.json" in ran.err


SECRET = "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT3e" + "x1Zz"


@pytest.mark.parametrize("format", ["json", "html", "markdown", "text"])
def test_no_format_shows_a_secret(prodlint: Run, project: Project, format: str) -> None:
    password = "correct-" + "horse-91-battery"
    root = project(
        {"app/settings.py": f'import os\n\nPASSWORD = os.getenv("DB_PASSWORD", "{password}")\nDSN = "postgresql://me:{password}@db/x"\n'}
    )
    out = prodlint("report", str(root), "--root", str(root), "--isolated", "--output-format", format).out
    assert "DB_PASSWORD" in out
    assert password not in out


class Tags(HTMLParser):
    """Every tag and attribute of a page, and whether tags are closed in order."""

    EMPTY = frozenset(("meta", "input", "rect", "br"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


def page(prodlint: Run, root: Path, *words: str) -> tuple[str, Tags]:
    out = prodlint("report", str(root), "--root", str(root), "--isolated", "--output-format", "html", *words).out
    tags = Tags()
    tags.feed(out)
    assert tags.open == []
    return out, tags


def test_the_page_needs_no_network(prodlint: Run) -> None:
    out, tags = page(prodlint, UNREADY)
    assert not [tag for tag, attributes in tags.seen if tag in ("link", "img", "iframe") or "src" in attributes]
    assert "default-src 'none'" in out
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert sum(tag == "details" and "item" in (a.get("class") or "") for tag, a in tags.seen) > 90


def test_hostile_names_and_code_are_text(prodlint: Run, project: Project) -> None:
    name = 'a<img src=x onerror=alert(1)>"&.py'
    code = "try:\n    f('</span><script>alert(1)</script>\u202e')\nexcept:  # `<b>`\n    pass\n"
    root = project({name: code, "app.py": "x = 1\n"})
    out, tags = page(prodlint, root)
    assert "a&lt;img src=x onerror=alert(1)&gt;&quot;&amp;.py" in out
    assert [tag for tag, _ in tags.seen].count("script") == 1
    assert not [tag for tag, _ in tags.seen if tag == "img"]
    assert "\u202e" not in out
    assert "\\u202e" in out


def test_markdown_escapes_what_is_not_markup(prodlint: Run, project: Project) -> None:
    root = project({"a|b<i>.py": "try:\n    f()\nexcept:\n    pass\n"})
    out = prodlint("report", str(root), "--root", str(root), "--isolated", "--output-format", "markdown").out
    assert "`a\\|b<i>.py:3`" in out


def test_five_thousand_findings_stay_one_page(prodlint: Run, project: Project) -> None:
    many = "".join(f"def f{n}():\n    try:\n        g()\n    except:\n        pass\n\n\n" for n in range(2500))
    out, _ = page(prodlint, project({"app/many.py": many}))
    assert "2,494 more" in out or "4,994 more" in out
    assert len(out) < 3_000_000


def test_text_of_a_page_is_escaped() -> None:
    assert report_html.text('<a href="x">\'&\u0000\u2066') == "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;\\u0000\\u2066"
    assert report_html.words("a `<b>` c") == "a <code>&lt;b&gt;</code> c"
    assert report_html.words("one ` only") == "one ` only"


def test_change_is_better_worse_or_neither() -> None:
    assert report_json.change("not met", "met") == "better"
    assert report_json.change("met", "cannot be told") == "worse"
    assert report_json.change("does not apply", "not met") == ""
    assert report_json.change("", "met") == ""


def test_a_todo_alone_is_not_urgent(prodlint: Run, project: Project) -> None:
    root = project({"app.py": "def f():\n    return 1  # TODO: more\n"})
    report = told(prodlint, root)
    item = by_id(report)["no-placeholders"]
    assert (item["verdict"], item["priority"], item["urgency"]) == ("not met", "P0", "P2")
    (root / "prodlint.toml").write_text('[checklist]\ndrop = ["ci-exists", "tests-exist"]\n')
    words = ("report", str(root), "--root", str(root), "--allow-unchecked", "--output-format", "json", "--fail-on")
    assert (prodlint(*words, "P1").code, prodlint(*words, "P2").code) == (0, 1)


def test_rules_that_are_off_by_default_do_not_decide(prodlint: Run, project: Project) -> None:
    migration = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    operations = [migrations.RemoveField('order', 'note')]\n"
    root = project({"shop/models.py": "from django.db import models\n", "shop/migrations/0001_initial.py": migration})
    item = by_id(told(prodlint, root))["migrations-safe"]
    assert (item["verdict"], [found["code"] for found in item["aside"]]) == ("cannot be told", ["PRD559"])
    assert by_id(told(prodlint, root, "--extend-select", "PRD559"))["migrations-safe"]["verdict"] == "not met"


def test_what_could_not_be_read_proves_nothing(prodlint: Run, project: Project) -> None:
    root = project({"app/a.py": "x = 1\n", "app/b.py": b"x = '\xff\xfe\x00'\n"})
    items = by_id(told(prodlint, root))
    assert items["no-code-execution"]["verdict"] == "cannot be told"
    assert "app/b.py" in items["no-code-execution"]["because"]


def test_nothing_looked_at_is_no_praise(prodlint: Run, project: Project) -> None:
    root = project({})
    ran = prodlint("report", str(root), "--root", str(root), "--isolated", "--output-format", "json")
    report = json.loads(ran.out)
    assert (ran.code, report["level"], report["score"]["percent"]) == (3, None, None)


def test_a_repository_that_is_no_service_has_no_level(prodlint: Run, project: Project) -> None:
    report = told(prodlint, project({"tool.py": "x = 1\n"}))
    assert (report["service"], report["level"]) == (False, None)
    assert any("no service is deployed from here" in note and "items apply" in note for note in report["notes"])
    assert "No level: no service is deployed from here" in page(prodlint, project({"tool.py": "x = 1\n"}))[0]


def test_a_finding_weighs_once(prodlint: Run, project: Project) -> None:
    """One published fallback makes two items unmet, and counts for the first of them."""
    root = project({"settings.py": "import os\n\nSECRET_KEY = os.getenv('SECRET_KEY', 'a-published-value-of-length')\n"})
    report = told(prodlint, root)
    unmet = [item for item in report["items"] if item["verdict"] == "not met"]
    shared = [item["id"] for item in unmet if [f["code"] for f in item["findings"]] == ["PRD105"]]
    assert len(shared) > 1
    weights, counted = {"P0": 5, "P1": 3, "P2": 1}, {"met": 2, "in part": 1, "not met": 0}
    every = sum(2 * weights[item["priority"]] for item in report["items"] if item["verdict"] in counted)
    twice = sum(2 * weights[item["priority"]] for item in unmet if item["id"] in shared[1:])
    assert report["score"]["weight"] == every - twice


def test_a_team_can_switch_the_score_off(prodlint: Run) -> None:
    words = ("report", str(READY), "--root", str(READY), "--isolated", "--config", "checklist.score = false", "--output-format")
    assert json.loads(prodlint(*words, "json").out)["score"]["percent"] is None
    assert "Score: none: switched off" in prodlint(*words, "text").out
    assert "No score" in prodlint(*words, "html").out


def test_one_item_alone(prodlint: Run) -> None:
    words = ("report", str(UNREADY), "--root", str(UNREADY), "--isolated", "--allow-unchecked", "--output-format", "text", "--item")
    out = prodlint(*words, "http-timeouts").out
    assert out.startswith("x Timeouts on outbound HTTP calls [http-timeouts], P0: not met\n")
    assert "app/main.py:40:17: PRD504" in out
    ran = prodlint(*words, "http-timeout")
    assert (ran.code, "did you mean `http-timeouts`" in ran.err) == (2, True)


def test_the_page_names_the_project_and_finds_items_by_the_trades_words(prodlint: Run) -> None:
    out, tags = page(prodlint, UNREADY)
    assert "Production readiness of orders" in out
    assert "Missing for bronze" in out
    assert "prodlint report --item bill-of-materials" in out
    found = {a["id"]: str(a.get("data-words")) for tag, a in tags.seen if tag == "details" and "item" in (a.get("class") or "")}
    for word, item in (
        ("sbom", "bill-of-materials"),
        ("health check", "health-endpoint"),
        ("dead letter", "dead-letters"),
        ("slo", "service-levels"),
    ):
        assert word in found[item].lower()
    assert "Set timeouts on outbound calls" in out
    assert "2 places in 1 file" in out
