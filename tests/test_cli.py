"""The command line, as a person meets it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project, Ran

BAD = "import requests\n\n\ndef f():\n    return requests.get('https://orders.test')\n"
Run = Callable[..., Ran]


def test_clean_is_0_and_says_what_was_checked(project: Project, prodlint: Run) -> None:
    ran = prodlint("check", ".", cwd=project({"a.py": "x = 1\n"}))
    assert ran.code == 0
    assert "Checked 1 file" in ran.out


def test_check_is_the_default_verb(project: Project, prodlint: Run) -> None:
    root = project({"src/a.py": BAD})
    assert prodlint("src/", "--output-format", "concise", cwd=root).out.splitlines()[0].startswith("src/a.py:5:12: PRD504 ")
    assert prodlint(cwd=root).code == 1


def test_findings_are_1_whatever_the_format(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    for name in (
        "full",
        "concise",
        "json",
        "json-lines",
        "github",
        "sarif",
        "grouped",
        "junit",
        "gitlab",
        "azure",
        "rdjson",
        "markdown",
        "statistics",
    ):
        assert prodlint("check", ".", "--output-format", name, cwd=root).code == 1, name


def test_generated_files_are_counted(project: Project, prodlint: Run) -> None:
    root = project({"a.py": "x = 1\n", "orders_pb2.py": "try:\n    x = 1\nexcept:\n    pass\n"})
    ran = prodlint("check", ".", cwd=root)
    assert ran.code == 0
    assert "Checked 2 files (1 generated, for keys only)." in ran.out


def test_notes_may_wait_for_the_release(project: Project, prodlint: Run) -> None:
    text = "# TODO: refuse other currencies\n# FIXME: rounds down\nx = 1\n"
    root = project({"a.py": text, "prodlint.toml": 'ignore = ["todo-comment"]\n'})

    def codes(*words: str) -> list[str]:
        return [
            line.split()[1] for line in prodlint("a.py", "--output-format", "concise", *words, cwd=root).out.splitlines() if ": PRD" in line
        ]

    assert codes() == ["PRD302"]
    assert codes("--stage", "commit") == []
    assert codes("--stage", "release") == ["PRD301", "PRD302"]


def test_timings_are_told_on_the_other_stream_and_change_nothing(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "b.py": "x = 1\n"})
    plain = prodlint("check", ".", "--output-format", "concise", cwd=root)
    ran = prodlint("check", ".", "--output-format", "concise", "--timings", cwd=root)
    assert (ran.out, ran.code) == (plain.out, plain.code)
    assert "ms" not in plain.err
    phases, _, rest = ran.err.partition("slowest rules:\n")
    rules, _, files = rest.partition("slowest files:\n")
    assert [line.split()[2] for line in phases.splitlines()[2:]] == [
        "walk",
        "read",
        "scan",
        "syntax",
        "parse",
        "facts",
        "rules",
        "project",
        "report",
        "the",
    ]
    assert all(float(line.split()[0]) >= 0 for line in phases.splitlines()[1:])
    assert " PRD504\n" in rules
    assert sorted(line.split()[2] for line in files.splitlines()) == ["a.py", "b.py"]


def test_clocks_are_taken_off_again(project: Project, prodlint: Run) -> None:
    from prodlint.engine import analysis, session, workers

    before = (analysis._call, analysis.read, session._check_project, workers.analyse)
    prodlint("check", ".", "--timings", cwd=project({"a.py": BAD}))
    assert (analysis._call, analysis.read, session._check_project, workers.analyse) == before


def test_fail_on_decides_what_fails_and_not_what_is_shown(project: Project, prodlint: Run) -> None:
    root = project({"a.py": "import httpx\n\nclient = httpx.Client()\n"})
    ran = prodlint("check", ".", "--fail-on", "P0", "--output-format", "concise", "--select", "PRD502", cwd=root)
    assert "PRD502" in ran.out
    assert ran.code == 0
    assert prodlint("check", ".", "--select", "PRD502", cwd=root).code == 1
    assert prodlint("check", ".", "--select", "PRD502", "--exit-zero", cwd=root).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--select", "PRD999"],
        ["--select", "bare-exept"],
        ["--no-such-flag"],
        ["--config", "nonsense = 1"],
        ["--config", "no-such-file.toml"],
        ["--output-format", "nonsense"],
        ["--fail-on", "P9"],
    ],
)
def test_wrong_use_is_2_with_a_message(project: Project, prodlint: Run, words: list[str]) -> None:
    ran = prodlint("check", ".", *words, cwd=project({"a.py": BAD}))
    assert ran.code == 2
    assert ran.err
    assert "Traceback" not in ran.err


def test_the_nearest_name_is_offered(project: Project, prodlint: Run) -> None:
    assert "`bare-except`" in prodlint("check", ".", "--select", "bare-exept", cwd=project({"a.py": BAD})).err


def test_wrong_settings_name_their_file_and_line(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "pyproject.toml": '[tool.prodlint]\nselect = ["PRD5"]\nfail-onn = "P0"\n'})
    ran = prodlint("check", ".", cwd=root)
    assert ran.code == 2
    assert "pyproject.toml:3" in ran.err
    assert "fail-on" in ran.err


def test_a_missing_path_is_3_and_loses_no_finding(project: Project, prodlint: Run) -> None:
    ran = prodlint("check", "a.py", "gone.py", "--output-format", "concise", cwd=project({"a.py": BAD}))
    assert ran.code == 1
    assert "PRD504" in ran.out
    assert "gone.py" in ran.out
    assert prodlint("check", "gone.py").code == 3
    assert prodlint("check", "gone.py", "--allow-unchecked").code == 0


def test_the_same_findings_whatever_the_way_in(project: Project, prodlint: Run) -> None:
    root = project({"src/a.py": BAD, "src/b.py": BAD, "pyproject.toml": "[tool.prodlint]\nextend-exclude = ['src/b.py']\n"})

    def findings(*words: str, cwd: Path = root) -> list[tuple[str, str, int]]:
        ran = prodlint("check", *words, "--output-format", "json", cwd=cwd)
        return [(f["path"], f["code"], f["span"]["line"] if "span" in f else f["line"]) for f in json.loads(ran.out)["findings"]]

    expected = findings(".")
    assert [path for path, _, _ in expected] == ["src/a.py"]
    assert findings("src/a.py", "src/b.py") == expected
    assert findings("./src/a.py") == expected
    assert findings(str(root / "src")) == expected
    assert findings("a.py", cwd=root / "src") == expected


def test_standard_input(project: Project) -> None:
    root = project({"src/a.py": "x = 1\n"})
    command = [sys.executable, "-m", "prodlint", "check", "-", "--stdin-filename", "src/a.py", "--output-format", "concise"]
    ran = subprocess.run(command, input=BAD, capture_output=True, text=True, cwd=root)
    assert ran.returncode == 1
    assert ran.stdout.startswith("src/a.py:5:12: PRD504")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_or_a_link_as_output_file_stays_one(project: Project, prodlint: Run) -> None:
    """A rename over `/dev/null`, by root, would take it from the whole machine."""
    root = project({"a.py": "try:\n    f()\nexcept:\n    pass\n"})
    os.mkfifo(root / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((root / "pipe").read_text(encoding="utf-8")), daemon=True)
    reader.start()
    assert prodlint("check", "a.py", "--output-format", "concise", "--output-file", "pipe", cwd=root).code == 1
    reader.join(10)
    assert "PRD201" in got[0] and stat.S_ISFIFO((root / "pipe").stat().st_mode)
    (root / "link.txt").symlink_to(root / "real.txt")
    assert prodlint("check", "a.py", "--output-format", "concise", "--output-file", "link.txt", cwd=root).code == 1
    assert (root / "link.txt").is_symlink() and "PRD201" in (root / "real.txt").read_text(encoding="utf-8")


def test_output_file_is_written_whole(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    ran = prodlint("check", ".", "--output-format", "sarif", "--output-file", "out.sarif", cwd=root)
    assert ran.code == 1
    assert json.loads((root / "out.sarif").read_text())["version"] == "2.1.0"
    assert [path.name for path in root.iterdir() if path.name.startswith(".prodlint-")] == []
    assert prodlint("check", ".", "--output-file", "no/such/folder/x", cwd=root).code == 2


def test_a_closed_pipe_ends_quietly(project: Project) -> None:
    root = project({f"m{n}.py": BAD for n in range(200)})
    command = f"{sys.executable} -m prodlint check . --output-format concise | head -n 1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=root)
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


def test_any_number_of_jobs_gives_the_same_bytes(project: Project, prodlint: Run) -> None:
    root = project({f"pkg{n % 7}/m{n}.py": BAD for n in range(150)})
    one = prodlint("check", ".", "--output-format", "sarif", "-j", "1", cwd=root).out
    four = prodlint("check", ".", "--output-format", "sarif", "-j", "4", cwd=root).out
    assert one == four
    assert one.count("PRD504") > 150


def test_statistics_and_files_and_settings(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "compose.yaml": "services: {}\n", "pyproject.toml": "[tool.prodlint]\nfail-on = 'P0'\n"})
    assert "PRD504" in prodlint("check", ".", "--statistics", cwd=root).out
    assert prodlint("check", ".", "--show-files", cwd=root).out.split() == ["a.py", "compose.yaml", "pyproject.toml"]
    shown = prodlint("check", ".", "--show-settings", cwd=root).out
    assert 'fail-on = "P0"' in shown
    assert "pyproject.toml" in shown


@pytest.mark.parametrize("name", ["PRD501", "prd501", "httpx-timeout-disabled"])
def test_rule_explains(prodlint: Run, name: str) -> None:
    ran = prodlint("rule", name)
    assert ran.code == 0
    assert "PRD501 httpx-timeout-disabled" in ran.out


def test_rule_formats_and_mistakes(prodlint: Run) -> None:
    assert json.loads(prodlint("rule", "PRD501", "--output-format", "json").out)["code"] == "PRD501"
    assert len(json.loads(prodlint("rule", "--all", "--output-format", "json").out)) > 50
    assert prodlint("rule", "PRD501", "--output-format", "markdown").out.startswith("# ")
    wrong = prodlint("rule", "httpx-timeout-disabld")
    assert wrong.code == 2
    assert "httpx-timeout-disabled" in wrong.err


OWN = """# Our client is not used

```toml
priority = "P1"
category = "reliability"
message = "`{call}` instead of `ourhttp.get`"
[[match]]
call = ["requests.get"]
```

Ours has retries.

## Fix

Call `ourhttp.get`.

## Bad

```python
import requests
requests.get("x")  # here
```

## Good

```python
import ourhttp
ourhttp.get("x")
```
"""


def test_a_teams_own_rules(project: Project, prodlint: Run) -> None:
    files = {"a.py": BAD, "lint/rules/OUR001-foreign-client.md": OWN, "pyproject.toml": "[tool.prodlint]\nextend-rules = ['lint/rules']\n"}
    root = project(files)
    assert "OUR001 P1 `requests.get` instead of `ourhttp.get`" in prodlint("check", "a.py", "--output-format", "concise", cwd=root).out
    assert prodlint("rule", "OUR001", cwd=root).out.startswith("OUR001 foreign-client")
    tested = prodlint("rule", "--test", "lint/rules", cwd=root)
    assert tested.code == 0
    assert "2 passed, 0 failed" in tested.out
    (root / "lint/rules/OUR001-foreign-client.md").write_text(OWN.replace('requests.get("x")  # here', "pass"))
    assert prodlint("rule", "--test", "lint/rules", cwd=root).code == 1


def test_a_page_with_a_broken_table_is_2_and_named(project: Project, prodlint: Run) -> None:
    files = {"a.py": BAD, "lint/OUR001-foreign-client.md": OWN.replace("call = [", "cal = ["), "prodlint.toml": "extend-rules = ['lint']\n"}
    ran = prodlint("check", "a.py", cwd=project(files))
    assert ran.code == 2
    assert "OUR001-foreign-client.md" in ran.err
