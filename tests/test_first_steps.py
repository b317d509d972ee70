"""What a person meets first: init, completion, version, the settings in force, watch."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
import yaml

from prodlint.commands.check import request_of
from prodlint.commands.cli import VERBS, command_parser
from prodlint.commands.versions import DEPENDENCIES
from prodlint.commands.watch import watch
from tests.conftest import ROOT, Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\n\n\ndef f():\n    return requests.get('https://orders.test')\n"


def test_init_in_a_new_repository(project: Project, prodlint: Run) -> None:
    root = project({"app/main.py": BAD, ".github/CODEOWNERS": "* @a\n", "pyproject.toml": '[project]\nname = "x"\r\n'})
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    ran = prodlint("init", cwd=root)
    assert ran.code == 0, ran.err
    assert (root / "pyproject.toml").read_bytes().startswith(b'[project]\nname = "x"\r\n')
    assert tomli.loads((root / "pyproject.toml").read_text())["tool"]["prodlint"]["baseline"] == ".prodlint-baseline"
    assert "prodlint-project" in (root / ".pre-commit-config.yaml").read_text()
    assert prodlint("check", ".").code == 0
    # What was written has no findings of its own, not even known ones.
    assert not [
        line for line in (root / ".prodlint-baseline").read_text().splitlines() if line.startswith(("pyproject", "prodlint", ".pre-commit"))
    ]
    ours = (".pre-commit-config.yaml", ".github/workflows/prodlint.yml")
    assert not [
        line for line in prodlint("check", ".", "--isolated", "--output-format", "concise").out.splitlines() if line.startswith(ours)
    ]
    before = {
        path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".git/" not in str(path) and "_cache" not in str(path)
    }
    assert prodlint("init").code == 0
    assert before == {path: path.read_bytes() for path in before}


def test_init_overwrites_nothing_and_says_what_to_add(project: Project, prodlint: Run) -> None:
    files = {
        "a.py": BAD,
        "prodlint.toml": "fail-on = 'P0'\n",
        ".pre-commit-config.yaml": "repos: []\n",
        ".gitlab-ci.yml": "stages: []\n",
        ".prodlint-baseline": "mine",
    }
    root = project(files)
    ran = prodlint("init", cwd=root)
    assert ran.code == 0
    assert {name: (root / name).read_text() for name in files} == files
    assert "repo: local" in ran.out and "prodlint is not published" in ran.out
    assert "gl-code-quality-report.json" in ran.out


def test_the_snippets_name_flags_that_exist(project: Project, prodlint: Run) -> None:
    from prodlint.commands import init

    for text in (init._WORKFLOW, init._GITLAB):
        line = next(line for line in text.splitlines() if "prodlint check" in line)
        words = line.split("prodlint check", 1)[1].replace('"$GITHUB_STEP_SUMMARY"', "summary.md").split()
        assert prodlint("check", *words, cwd=project({"a.py": "x = 1\n"})).code == 0


def test_init_says_what_it_would_do(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    ran = prodlint("init", "--dry-run", "--agents", cwd=root)
    assert ran.code == 0
    assert [path.name for path in root.iterdir()] == ["a.py"]
    for words in ("prodlint.toml: written", "AGENTS.md: written", "1 of them P0", "nothing was written"):
        assert words in ran.out


def test_init_for_agents_keeps_every_other_line(project: Project, prodlint: Run) -> None:
    root = project({"a.py": "x = 1\n", "AGENTS.md": "# Ours\r\n\r\nBe kind.\r\n"})
    assert "a section was added" in prodlint("init", "--agents", cwd=root).out
    text = (root / "AGENTS.md").read_bytes()
    assert text.startswith(b"# Ours\r\n\r\nBe kind.\r\n") and b"## prodlint\r\n" in text
    assert "speaks of prodlint already" in prodlint("init", "--agents", cwd=root).out
    assert (root / "AGENTS.md").read_bytes() == text


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (None, "prodlint=="),
        ({"url": "file:///home/me/prodlint", "dir_info": {"editable": True}}, ""),
        ({"url": "file:///home/me/prodlint-0.1.0-py3-none-any.whl", "archive_info": {}}, ""),
        (
            {"url": "https://git.test/acme/prodlint", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}},
            f"prodlint @ git+https://git.test/acme/prodlint@{'0' * 40}",
        ),
        (
            {"url": "https://files.test/p.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
            "prodlint @ https://files.test/p.whl#sha256=ab",
        ),
    ],
)
def test_init_writes_an_installation_that_works(
    project: Project, prodlint: Run, monkeypatch: pytest.MonkeyPatch, origin: dict[str, object] | None, requirement: str
) -> None:
    from prodlint.commands import installed

    class Distribution:
        def read_text(self, name: str) -> str | None:
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(installed.metadata, "distribution", lambda name: Distribution())
    assert installed.requirement().startswith(requirement) and bool(installed.requirement()) == bool(requirement)
    root = project({"a.py": "x = 1\n", ".github/CODEOWNERS": "* @a\n"})
    out = prodlint("init", cwd=root).out
    workflow = yaml.safe_load((root / ".github/workflows/prodlint.yml").read_text())
    package = workflow["jobs"]["prodlint"]["steps"][1]["env"]["PRODLINT_PACKAGE"]
    hook = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    if requirement:
        assert package == installed.requirement() == hook["additional_dependencies"][0]
        assert "not published" not in out
    else:
        assert package == "${{ vars.PRODLINT_PACKAGE }}" and hook["language"] == "system"
        assert "not published" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_knows_everything(prodlint: Run, shell: str) -> None:
    out = prodlint("completion", shell).out
    for word in ("PRD504", "sarif", "unsafe-fixes", "checklist", "show-settings"):
        assert word in out


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="PowerShell is not installed")
def test_powershell_completes(tmp_path: Path, prodlint: Run) -> None:
    (tmp_path / "c.ps1").write_text(prodlint("completion", "powershell").out)

    def complete(line: str) -> list[str]:
        script = f". ./c.ps1; (TabExpansion2 '{line}' {len(line)}).CompletionMatches | ForEach-Object CompletionText"
        return subprocess.run(["pwsh", "-NoProfile", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True).stdout.split()

    assert complete("prodlint check --output-format sa") == ["sarif"]
    assert "--unsafe-fixes" in complete("prodlint --un")


def test_bash_completes(tmp_path: Path, prodlint: Run) -> None:
    (tmp_path / "c.bash").write_text(prodlint("completion", "bash").out)

    def complete(*words: str) -> list[str]:
        script = f'source c.bash; COMP_WORDS=(prodlint {" ".join(repr(w) for w in words)}); COMP_CWORD={len(words)}; _prodlint; echo "${{COMPREPLY[@]}}"'
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True).stdout.split()

    assert complete("--output-format", "sa") == ["sarif"]
    assert complete("che") == ["check", "checklist"]
    assert complete("rule", "PRD50") == ["PRD501", "PRD502", "PRD503", "PRD504", "PRD505", "PRD506", "PRD507", "PRD508", "PRD509"]
    assert "--unsafe-fixes" in complete("check", "--un")
    assert complete("--select", "PRD501,request-i") == ["PRD501,request-id-missing"]
    assert complete("--honor", "noqa,nose") == ["noqa,nosec", "noqa,nosemgrep"]
    assert complete("--output-format", "=", "sa") == complete("--also", "sa") == ["sarif"]
    assert complete("config", "fail") == ["fail-on"]
    assert complete("fleet", "") == ["run", "report", "diff"]
    assert complete("help", "rul") == ["rule", "ruleset"]
    assert complete("schema", "") == ["settings", "report", "readiness"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(tmp_path: Path, prodlint: Run) -> None:
    (tmp_path / "c.fish").write_text(prodlint("completion", "fish").out)

    def complete(line: str) -> list[str]:
        script = f"source c.fish; complete -C '{line}'"
        told = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True).stdout
        return sorted(line.split("\t")[0] for line in told.splitlines())

    assert complete("prodlint --select PRD501,request-i") == ["PRD501,request-id-missing"]
    assert complete("prodlint config fail") == ["fail-on"]
    assert complete("prodlint completion ") == ["bash", "fish", "powershell", "zsh"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_its_script(tmp_path: Path, prodlint: Run) -> None:
    (tmp_path / "_prodlint").write_text(prodlint("completion", "zsh").out)
    subprocess.run(["zsh", "-n", "_prodlint"], cwd=tmp_path, check=True)


def test_every_verb_is_there() -> None:
    helped = command_parser().format_help()
    assert all(verb in helped for verb in VERBS if verb != "help")


def test_versions(prodlint: Run) -> None:
    assert prodlint("version").out == prodlint("--version").out
    for words in (["version", "-v"], ["--version", "-v"]):
        out = prodlint(*words).out
        assert all(name in out for name in ("Python 3.", *DEPENDENCIES))
        assert "missing" not in out
    named = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(DEPENDENCIES, key=str.lower) == sorted((item.split(">")[0] for item in named), key=str.lower)


SETTINGS = """\
[tool.prodlint]
fail-on = "P1"
select = ["PRD2", "PRD5"]
[[tool.prodlint.per-path]]
paths = ["jobs/**"]
ignore = ["PRD504"]
priority = { PRD502 = "P0" }
"""


def test_per_path_tables(project: Project, prodlint: Run) -> None:
    both = BAD + "\n\nimport httpx\n\nc = httpx.Client()\n"
    root = project({"pyproject.toml": SETTINGS, "app/a.py": both, "jobs/b.py": both})
    out = prodlint("check", ".", "--no-cache", "--output-format", "json", cwd=root).out
    assert [(f["path"], f["code"], f["priority"]) for f in json.loads(out)["findings"] if f["code"] in ("PRD502", "PRD504")] == [
        ("app/a.py", "PRD504", "P0"),
        ("app/a.py", "PRD502", "P2"),
        ("jobs/b.py", "PRD502", "P0"),
    ]


def test_settings_in_force_for_a_file(project: Project, prodlint: Run) -> None:
    root = project(
        {
            "pyproject.toml": SETTINGS,
            "jobs/b.py": BAD,
            "api/prodlint.toml": "extend = '../pyproject.toml'\nignore = ['PRD201']\n",
            "api/a.py": BAD,
        }
    )
    out = prodlint("check", "jobs/b.py", "--show-settings", cwd=root).out
    assert 'fail-on = "P1"  # pyproject.toml:2' in out
    assert "select = PRD2, PRD5  # pyproject.toml:3" in out
    assert "[[per-path]] jobs/** (holds here)" in out
    assert "PRD502 is P0 instead of P2" in out
    on = out.splitlines()[-1]
    assert "PRD501" in on and "PRD504" not in on and "PRD601" not in on
    out = prodlint("check", "api/a.py", "--show-settings").out
    assert "ignore = PRD201  # api/prodlint.toml:2" in out
    assert "PRD201" not in out.splitlines()[-1]
    assert 'fail-on = "P1"  # pyproject.toml:2' in out
    assert "ignore = PRD502  # the command line" in prodlint("check", ".", "--show-settings", "--ignore", "PRD502").out


def test_watch_checks_again_when_a_file_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project({"a.py": BAD})
    monkeypatch.chdir(root)
    given = command_parser().parse_args(
        ["check", ".", "--watch", "--no-cache", "--isolated", "--select", "PRD504", "--output-format", "concise"]
    )
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        (root / "a.py").write_text("x = 1\n")

    monkeypatch.setattr("prodlint.commands.watch.time.sleep", nap)
    assert watch(given, request_of(given), rounds=2) == 0
    assert len(naps) == 1
    out = capsys.readouterr().out
    assert out.count("PRD504") == 1
    assert "No findings" in out
