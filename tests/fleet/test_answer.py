"""What is said of one repository, by the code that a worker's process runs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prodlint.checks.secrets.formats import sample_token
from prodlint.engine import catalogue
from prodlint.fleet import child, organisation, scan
from prodlint.fleet.job import Job, Known
from prodlint.fleet.organisation import Organisation
from prodlint.fleet.sources import Source
from tests.conftest import ROOT, Ran
from tests.fleet.repositories import BAD, commit, write

KEY = b"k" * 32
TOKEN = sample_token("gitlab")
LEAK = f'GITLAB_TOKEN = "{TOKEN}"\n'


def job_for(root: Path, page: Organisation | None = None, **values: Any) -> tuple[Job, bytes]:
    bundle = (page or Organisation()).bundle()
    made = Job(Source(root.name, str(root), "directory"), organisation.digest(bundle), organisation.own_digest(), KEY, timeout=60)
    return replace(made, **values), bundle


def answer(root: Path, work: Path, page: Organisation | None = None, parts: list[bytes] | None = None, **values: Any) -> dict[str, Any]:
    work.mkdir(exist_ok=True)
    return child.answer(*job_for(root, page, **values), str(work), parts or [])


def told(root: Path, work: Path, page: Organisation | None = None, **values: Any) -> dict[str, Any]:
    made = answer(root, work, page, **values)
    assert "told" in made, made
    found: dict[str, Any] = json.loads(zlib.decompress(made["told"]))
    return found


def test_the_findings_are_those_of_check(prodlint: Callable[..., Ran], tmp_path: Path) -> None:
    root = ROOT / "fixtures" / "unready" / "orders"
    found = told(root, tmp_path / "w")
    ran = prodlint("check", str(root), "--root", str(root), "-j", "1", "--no-cache", "--no-baseline", "--output-format", "json")
    # `check` shows a habit of a file once; the dataset has each of its places.
    habits = {rule.code for rule in catalogue.own_rules() if rule.habit}
    wanted, mine = (
        [(f["code"], f["path"], f["line"], f["message"], f["fingerprint"]) for f in findings if f["code"] not in habits]
        for findings in (json.loads(ran.out)["findings"], [f for f in found["findings"] if not f["suppressed"]])
    )
    assert len(wanted) > 20
    # What the report asks a rule in full for is in the dataset as well.
    assert set(wanted) <= set(mine)
    assert found["p0"] == sum(f["priority"] == "P0" for f in found["findings"] if not f["suppressed"])


def test_the_items_are_those_of_report(prodlint: Callable[..., Ran], tmp_path: Path) -> None:
    root = ROOT / "fixtures" / "unready" / "orders"
    found = told(root, tmp_path / "w")
    report = json.loads(prodlint("report", str(root), "--root", str(root), "-j", "1", "--output-format", "json").out)
    assert [(i["item"], i["verdict"], i["because"]) for i in found["items"]] == [
        (i["id"], i["verdict"], i["because"]) for i in report["items"]
    ]
    assert (found["level"] or None, found["percent"]) == (report["level"], report["score"]["percent"])


def test_no_secret_is_told_and_equal_ones_are_known(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"settings.py": LEAK, "CODEOWNERS": "*.py @pay\n"})
    two = write(tmp_path / "two", {"deploy/.env": f"GITLAB_TOKEN={TOKEN}\n", "app.py": 'DB_PASSWORD = "postgres"\n'})
    first, second = told(one, tmp_path / "w1"), told(two, tmp_path / "w2")
    text = json.dumps([first, second])
    assert all(TOKEN[start : start + 8] not in text for start in range(len("glpat-"), len(TOKEN) - 8))
    (leak,) = [f for f in first["findings"] if f["secret"]]
    assert leak["owner"] == "@pay"
    same = {f["secret"] for f in second["findings"] if f["secret"]}
    assert same == {leak["secret"]}  # not that of `postgres`
    assert first["secrets"] == 1
    other = told(one, tmp_path / "w3", key=b"x" * 32)
    assert [f["secret"] for f in other["findings"] if f["secret"]] != [leak["secret"]]
    assert leak["secret"] not in json.dumps(other)
    # Nor is it the digest by which a run knows the value again, which anybody could compute.
    from prodlint.content import digest

    assert digest(TOKEN.encode()) not in text


def test_what_a_comment_suppresses_is_told_with_its_reason(tmp_path: Path) -> None:
    text = BAD.replace("requests.get(url)", "requests.get(url)  # prodlint: ignore[PRD504] -- a batch job")
    found = told(write(tmp_path / "x", {"app.py": text}), tmp_path / "w")
    (row,) = [f for f in found["findings"] if f["code"] == "PRD504"]
    assert (row["suppressed"], row["reason"]) == ("inline", "a batch job")
    assert found["p0"] + found["p1"] + found["p2"] == sum(not f["suppressed"] for f in found["findings"])


def test_names_that_are_no_text(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"app.py": BAD})
    try:
        (root / "a\udcff.py").write_text(BAD)
    except (OSError, UnicodeError):
        pytest.skip("no such names here")
    found = told(root, tmp_path / "w")
    assert "a\\udcff.py" in {f["path"] for f in found["files"]}


def test_what_has_not_changed_is_not_checked(tmp_path: Path) -> None:
    root = tmp_path / "x"
    commit(root, {"app.py": BAD})
    first, _ = job_for(root)
    seen = told(root, tmp_path / "w")
    known = Known(seen["state"], first.rules)
    assert answer(root, tmp_path / "w", known=known) == {"unchanged": seen["state"]}
    # Other rules, another key, another commit, another file: each is checked.
    page = Organisation(layers=(("o", '{"ignore": ["PRD504"]}'),))
    assert "told" in answer(root, tmp_path / "w", page, known=known)
    assert "told" in answer(root, tmp_path / "w", key=b"y" * 32, known=known)
    (root / "new.py").write_text(BAD)
    assert "told" in answer(root, tmp_path / "w", known=known)
    store = Source("x", str(root), "store", "main")
    state = told(root, tmp_path / "w", source=store)["state"]
    assert answer(root, tmp_path / "w", source=store, known=Known(state, first.rules)) == {"unchanged": state}
    commit(root, {"new.py": BAD})
    assert "told" in answer(root, tmp_path / "w", source=store, known=Known(state, first.rules))


def test_parts_say_what_the_whole_says(tmp_path: Path) -> None:
    root = ROOT / "fixtures" / "unready" / "orders"
    whole = told(root, tmp_path / "w")
    large = answer(root, tmp_path / "w", large=5)
    assert large["large"] > 5
    state = large["state"]
    parts = [answer(root, tmp_path / "w", part=(number, 3), state=state)["rows"] for number in range(3)]
    for given in (parts, parts[:2]):  # one that was lost is looked at by the last task
        joined = answer(root, tmp_path / "w", parts=given, state=state)
        found = json.loads(zlib.decompress(joined["told"]))
        assert {key: value for key, value in found.items() if key != "seconds"} == {k: v for k, v in whole.items() if k != "seconds"}


def test_a_repository_that_changes_meanwhile(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"app.py": BAD})
    assert answer(root, tmp_path / "w", state="files:other")["failed"][0] == "changed"


def test_each_failure_has_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "x", {"app.py": BAD, "prodlint.toml": "no = 1\n"})
    kind, why = answer(root, tmp_path / "w")["failed"]
    assert kind == "settings" and "unknown setting `no`" in why
    (root / "prodlint.toml").write_text(f"{sample_token('random')} = 1\n")
    kind, why = answer(root, tmp_path / "w")["failed"]
    assert kind == "settings" and sample_token("random")[:8] not in why
    (root / "prodlint.toml").write_text("no = 1\n")
    assert answer(tmp_path / "gone", tmp_path / "w")["failed"] == ("unreachable", "no such directory")
    assert answer(root, tmp_path / "w", bundle="0" * 32)["failed"][0] == "worker"
    assert answer(root, tmp_path / "w", own="0" * 32)["failed"][0] == "worker"
    address = Source("x", "https://me:hidden-word@localhost:1/x.git", "address")
    kind, why = answer(root, tmp_path / "w", source=address)["failed"]
    assert kind == "unreachable" and "hidden-word" not in why
    for error, wanted in (
        (MemoryError(), "memory"),
        (RecursionError(), "bug"),
        (ValueError("a value"), "bug"),
        (OSError(28, "No space left"), "machine"),
    ):

        def fails(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(scan, "check", fails)
        kind, why = answer(root, tmp_path / "w")["failed"]
        assert kind == wanted and "a value" not in why


def test_the_organisation_decides(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"app.py": BAD, "prodlint.toml": 'ignore = ["PRD504"]\nexclude = ["*"]\n'})
    assert told(root, tmp_path / "w")["findings"] == []
    page = Organisation(layers=(("o", '{"select": ["PRD504"], "priority": {"PRD504": "P0"}}'),), repository_settings=False)
    assert [(f["code"], f["priority"]) for f in told(root, tmp_path / "w", page)["findings"]] == [("PRD504", "P0")]
    (root / "prodlint.toml").write_text('ignore = ["PRD504"]\nextend-exclude = ["old/**"]\n')
    write(root, {"old/app.py": BAD})
    over = replace(page, repository_settings=True)
    # The organisation's choice of rules wins; what it says nothing of stays the repository's.
    assert [f["path"] for f in told(root, tmp_path / "w", over)["findings"]] == ["app.py"]


RULE = """\
# Calls of `frobnicate`

```toml
priority = "P1"
category = "reliability"
message = "`{call}` is not used here"
[[match]]
call = ["frob.frobnicate"]
```

It was replaced.

## Fix

Use the other one.

## Bad

```python
import frob

frob.frobnicate()
```

## Good

```python
import frob

frob.other()
```
"""


def test_rules_of_its_own_travel(tmp_path: Path) -> None:
    write(tmp_path / "org", {"org.toml": '[rules]\nfolders = ["rules"]\n', "rules/own/ORG101-frobnicate.md": RULE})
    page = organisation.read(str(tmp_path / "org" / "org.toml"))
    root = write(tmp_path / "x", {"app.py": "import frob\n\nfrob.frobnicate()\n"})
    found = [f for f in told(root, tmp_path / "w", page)["findings"] if f["code"] == "ORG101"]
    assert [(f["rule"], f["path"], f["line"]) for f in found] == [("frobnicate", "app.py", 3)]
    assert "ORG101" not in json.dumps(told(root, tmp_path / "w"))


@pytest.mark.parametrize("settings", ["", 'ignore = ["PRD1"]\n'])
def test_nothing_of_what_is_planted_is_told(tmp_path: Path, settings: str) -> None:
    """Whichever rules are on: no eight characters of a value, in any row."""
    from tests.test_no_leaks import _leaks, planted

    given = planted()
    root = write(tmp_path / "x", {**given.files, "prodlint.toml": settings})
    found = told(root, tmp_path / "w")
    assert len(found["files"]) > 5 and len(found["items"]) > 20
    assert _leaks(json.dumps(found, ensure_ascii=False).encode()) == frozenset()
