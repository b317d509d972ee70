"""An old repository from Monday on, through the command line: baseline, --since, cache, plug-ins, several services in one tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT, Project, Ran

Run = Callable[..., Ran]
BAD = "import requests\n\n\ndef f():\n    return requests.get('https://orders.test')\n"
SECRET = "hunter" + "2Kx9vQ7z"


def git(root: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def committed(root: Path, message: str = "x") -> None:
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main", ".")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def shown(ran: Ran) -> list[str]:
    return [" ".join(line.split()[:2]) for line in ran.out.splitlines() if ": PRD" in line and not line.startswith("note")]


def in_process(root: Path, *words: str, path: Path | None = None, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, where installed packages and environment are its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(p) for p in (path, ROOT) if p is not None)}
    if home is not None:
        environment["XDG_CACHE_HOME"] = str(home)
    return subprocess.run([sys.executable, "-m", "prodlint", *words], cwd=root, env=environment, capture_output=True, text=True)


# ---------------------------------------------------------------- baseline


def test_a_baseline_hides_what_was_there_and_nothing_else(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "b.py": f"password = '{SECRET}'\n"})
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD104,PRD504", "--output-format", "concise")
    assert prodlint(*words, cwd=root).code == 1
    assert prodlint("baseline", ".", "--isolated", "--select", "PRD104,PRD504").code == 0
    before = (root / ".prodlint-baseline").read_bytes()
    assert SECRET.encode() not in before
    known = (*words, "--baseline", ".prodlint-baseline")
    assert prodlint(*known).code == 0
    (root / "a.py").write_text("# moved\n" * 50 + BAD)
    assert prodlint(*known).code == 0
    (root / "a.py").write_text(BAD + "\n\ndef g():\n    return requests.get('https://orders.test')\n")
    assert shown(prodlint(*known)) == ["a.py:9:12: PRD504"]
    (root / "a.py").write_text(BAD)
    (root / "b.py").write_text("password = '" + "Zq8" + SECRET + "'\n")
    assert shown(prodlint(*known)) == ["b.py:1:13: PRD104"]
    (root / "b.py").write_text("x = 1\n")
    ran = prodlint(*known)
    assert ran.code == 0
    assert "b.py: PRD104 is in the baseline and no longer occurs" in ran.out
    assert prodlint(*known, "--strict-baseline").code == 1
    assert "no longer occurs" not in prodlint("check", "a.py", *known[2:]).out
    (root / "b.py").write_text(f"password = '{SECRET}'\n")
    prodlint("baseline", ".", "--isolated", "--select", "PRD104,PRD504")
    assert (root / ".prodlint-baseline").read_bytes() == before


def test_known_findings_are_not_fixed(project: Project, prodlint: Run) -> None:
    root = project({"a.py": "import httpx\n\nc = httpx.Client()\n"})
    prodlint("baseline", ".", "--isolated", "--select", "PRD502", cwd=root)
    assert prodlint("check", ".", "--isolated", "--no-cache", "--select", "PRD502", "--baseline", ".prodlint-baseline", "--diff").out == ""


# ---------------------------------------------------------------- --since


def test_since_shows_what_the_change_brought(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD, "b.py": "import requests\n"})
    committed(root)
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD504,PRD804", "--since", "HEAD", "--output-format", "concise")
    assert prodlint(*words, cwd=root).code == 0
    (root / "a.py").write_text("# words\n\n" + BAD)
    (root / "b.py").write_text("import requests\n\nrequests.get('https://b.test')\n")
    assert shown(prodlint(*words)) == ["b.py:3:1: PRD504"]
    committed(root)
    git(root, "mv", "a.py", "moved.py")
    assert prodlint(*words).code == 0


def test_since_sees_what_is_missing_now(project: Project, prodlint: Run) -> None:
    dockerfile = 'FROM python:3.12\nHEALTHCHECK CMD curl -f localhost\nCMD ["uvicorn", "a:app"]\n'
    root = project({"Dockerfile": dockerfile, "a.py": "x = 1\n"})
    committed(root)
    words = ("check", ".", "--isolated", "--no-cache", "--select", "PRD804", "--since", "HEAD", "--output-format", "concise")
    assert prodlint(*words, cwd=root).code == 0
    (root / "Dockerfile").write_text(dockerfile.replace("HEALTHCHECK CMD curl -f localhost\n", ""))
    ran = prodlint(*words)
    assert ran.code == 1
    assert "PRD804" in ran.out


def test_since_a_revision_that_is_none(project: Project, prodlint: Run) -> None:
    root = project({"a.py": BAD})
    committed(root)
    ran = prodlint("check", ".", "--isolated", "--since", "nonsense", cwd=root)
    assert ran.code == 2
    assert "nonsense" in ran.err


# ---------------------------------------------------------------- cache


def test_an_ignore_is_added_behind_a_string_over_lines(project: Project, prodlint: Run) -> None:
    text = 'import requests\n\npage = f"""\n{requests.get("u").text}\n"""\nx = 1 + \\\n    requests.get("v").status\n'
    root = project({"a.py": text, "a.json": '{"db_password": "Kq7vX2m' + 'Pz9Lw4Tb8Rc3Y"}\n'})
    done = prodlint("check", ".", "--isolated", "--select", "PRD504,PRD111", "--add-ignore", "--reason", "later", cwd=root)
    assert done.out == "2 findings ignored from now on, 1 left: no comment can stand there\n  a.json:1: PRD111\n"
    assert (root / "a.py").read_text() == text.replace('"""\nx', '"""  # prodlint: ignore[PRD504] -- later\nx').replace(
        ".status\n", ".status  # prodlint: ignore[PRD504] -- later\n"
    )
    assert prodlint("check", ".", "--isolated", "--select", "PRD504,PRD002").code == 0


def test_the_cache_changes_no_byte(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, prodlint: Run
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("home")))
    root = project({f"m{n}.py": BAD if n % 3 else "import httpx\nc = httpx.Client()\n" for n in range(30)})
    for name in ("sarif", "json", "concise"):
        words = ("check", ".", "--output-format", name)
        plain = prodlint(*words, "--no-cache", cwd=root).out
        assert [prodlint(*words).out for _ in range(2)] == [plain, plain]
    results = next((root / ".prodlint_cache").glob("results*"))
    for data in (b"", b"\x80" * 4096, results.read_bytes()[:-7], b"prodlint-cache"):
        results.write_bytes(data)
        assert prodlint(*words).out == plain
    (root / "m0.py").write_text("x = 1\n")
    assert prodlint(*words).out == prodlint(*words, "--no-cache").out != plain
    assert prodlint(*words, "--select", "PRD504").out == prodlint(*words, "--select", "PRD504", "--no-cache").out
    assert prodlint("clean").code == 0
    assert not (root / ".prodlint_cache").exists()


def test_runs_at_the_same_time(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    root = project({f"m{n}.py": BAD for n in range(20)})
    with ThreadPoolExecutor(4) as pool:
        outs = list(pool.map(lambda _: in_process(root, "check", ".", "--output-format", "concise", home=home).stdout, range(4)))
    assert len(set(outs)) == 1
    assert outs[0].count("PRD504") >= 20


def test_fixes_and_the_cache(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, prodlint: Run
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("home")))
    root = project({"a.py": "import httpx\n\nc = httpx.Client()\n"})
    words = ("check", ".", "--isolated", "--select", "PRD502")
    assert prodlint(*words, cwd=root).code == 1
    assert prodlint(*words).code == 1
    assert prodlint(*words, "--fix").code == 0
    assert prodlint(*words).code == 0


# ---------------------------------------------------------------- plug-ins

PAGE = """# Our client is not used

```toml
priority = "P1"
category = "reliability"
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
CHECK = """\
from pathlib import Path

from prodlint.checks import Diagnostic, calls, check

PRODLINT_API = 1
RULES = str(Path(__file__).parent / "rules")


@check("ACM001", on=[calls("requests.get")])
def foreign_client(call, ask):
    yield Diagnostic(call, f"`{call.name}` instead of `ourhttp.get`")
"""


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A package with an entry point, as pip lays it out."""

    def install(code: str) -> Path:
        site = tmp_path_factory.mktemp("site")
        files: Mapping[str, str] = {
            "acme_rules/__init__.py": code,
            "acme_rules/rules/acme/ACM001-foreign-client.md": PAGE,
            "acme_rules-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n",
            "acme_rules-1.0.dist-info/entry_points.txt": "[prodlint.rules]\nacme = acme_rules\n",
        }
        for name, text in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)
        return site

    return install


def test_a_plug_in_brings_rules(project: Project, installed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = project({"a.py": BAD})
    site, home = installed(CHECK), tmp_path_factory.mktemp("home")
    words = ("check", ".", "--output-format", "concise")
    for _ in range(2):  # the second one has a cache
        assert "a.py:5:12: ACM001 P1 `requests.get` instead of `ourhttp.get`" in in_process(root, *words, path=site, home=home).stdout
    assert "ACM001" not in in_process(root, *words, "--no-plugins", path=site, home=home).stdout
    assert "ACM001" not in in_process(root, *words, home=home).stdout
    assert "PRD504" not in in_process(root, *words, "--select", "ACM", path=site, home=home).stdout
    assert "plug-in acme 1.0" in in_process(root, "version", "-v", path=site, home=home).stdout


def test_a_plug_in_that_crashes_is_contained(
    project: Project, installed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, home = project({"a.py": BAD}), tmp_path_factory.mktemp("home")
    ran = in_process(
        root,
        "check",
        ".",
        "--output-format",
        "concise",
        path=installed(CHECK.replace("    yield", "    raise ValueError('x')\n    yield")),
        home=home,
    )
    assert "PRD504" in ran.stdout
    assert "`ACM001` failed: ValueError" in ran.stdout
    assert ran.returncode == 1  # there are findings, and they count; without any it would be 3


@pytest.mark.parametrize("code", ["raise RuntimeError('no')", "PRODLINT_API = 99\n", "x = 1\n"])
def test_a_plug_in_that_cannot_be_used_is_named(
    project: Project, installed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, code: str
) -> None:
    root, home = project({"a.py": BAD}), tmp_path_factory.mktemp("home")
    ran = in_process(root, "check", ".", path=installed(code), home=home)
    assert ran.returncode == 2
    assert "`acme`" in ran.stderr and "--no-plugins" in ran.stderr
    assert "Traceback" not in ran.stderr


BOMB = "open('ran', 'a').write(__file__)\nraise SystemExit(99)\n"


def test_nothing_of_the_linted_tree_is_run(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = (
        "conftest",
        "sitecustomize",
        "usercustomize",
        "setup",
        "acme_rules",
        "prodlint_rules",
        "yaml",
        "tomli",
        "libcst",
        "json",
        "manage",
        "settings",
        "tree_sitter",
    )
    files = {f"{name}.py": BOMB for name in names}
    files |= {
        "a.py": BAD,
        "prodlint/__init__.py": BOMB,
        "acme_rules-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n",
        "acme_rules-1.0.dist-info/entry_points.txt": "[prodlint.rules]\nacme = acme_rules\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "setup"\nbackend-path = ["."]\n[project.entry-points."prodlint.rules"]\nacme = "acme_rules"\n',
        "setup.cfg": "[options.entry_points]\nprodlint.rules =\n  acme = acme_rules\n",
        ".git/hooks/post-checkout": "#!/bin/sh\ntouch ran\n",
        "gunicorn.conf.py": BOMB,
    }
    root, home = project(files), tmp_path_factory.mktemp("home")
    script = Path(sys.executable).with_name("prodlint")
    # As pip's script does; `python -m` would look into the working directory by itself.
    start = f"import sys; sys.path[0] = {str(ROOT)!r}; from prodlint.commands.cli import main; sys.exit(main())"
    command = [str(script)] if script.exists() else [sys.executable, "-c", start]
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    for words in (["check", "."], ["check", ".", "--fix", "--unsafe-fixes", "--diff"], ["check", "a.py", "--output-format", "sarif"]):
        ran = subprocess.run([*command, *words], cwd=root, env=environment, capture_output=True, text=True)
        assert ran.returncode == 1, ran.stderr
        assert not (root / "ran").exists()
    assert "PRD504" in ran.stdout


# ---------------------------------------------------------------- several services in one tree


def test_each_service_has_its_own_settings(project: Project, prodlint: Run) -> None:
    both = BAD + "\n\nimport httpx\n\nc = httpx.Client()\n"
    files = {f"services/s{n}/app/main.py": both for n in range(2, 5)}
    files["pyproject.toml"] = "[tool.prodlint]\nselect = ['PRD504', 'PRD502']\n"
    files["services/s3/prodlint.toml"] = "extend = '../../pyproject.toml'\nignore = ['PRD504']\n"
    files["services/s4/pyproject.toml"] = "[tool.prodlint]\nselect = ['PRD502']\npriority = { PRD502 = 'P0' }\n"
    root = project(files)
    found = json.loads(prodlint("check", ".", "--no-cache", "--output-format", "json", cwd=root).out)["findings"]
    by_service: dict[str, list[tuple[str, str]]] = {}
    for finding in found:
        by_service.setdefault(finding["path"].split("/")[1], []).append((finding["code"], finding["priority"]))
    assert by_service.pop("s3") == [("PRD502", "P2")]
    assert by_service.pop("s4") == [("PRD502", "P0")]
    assert by_service == {"s2": [("PRD504", "P0"), ("PRD502", "P2")]}
    grouped = prodlint("check", ".", "--no-cache", "--output-format", "grouped").out
    assert [line for line in grouped.splitlines() if line.startswith("==")] == [
        "== .: 1 P0, 1 P2",
        "== services/s3: 1 P2",
        "== services/s4: 1 P0",
    ]
    assert "| `services/s4` | 1 | 0 | 0 |" in prodlint("check", ".", "--no-cache", "--output-format", "markdown").out
    one = json.loads(prodlint("check", "services/s3", "--no-cache", "--output-format", "json").out)["findings"]
    assert [finding["code"] for finding in one] == ["PRD502"]
