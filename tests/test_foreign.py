"""What other tools were told: obeyed where `honor` names them, and never unseen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import pytest

from prodlint.commands.cli import main
from prodlint.configuration.keys import HONOR
from prodlint.foreign import TOOLS, marks, read_lists
from prodlint.readers.remarks import prose

VALUE = "Kq7vX2m" + "Pz9Lw4Tb8Rc3Yh6Nd"
OTHER = "Wd5nJ8s" + "Fg2Kt7Qx4Mv9Zb3Lp"

Check = Callable[..., dict[str, list[str]]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Writes files and gives "path:line code" of the findings, of the suppressed ones with their reasons, and the messages of PRD002."""
    monkeypatch.chdir(tmp_path)

    def run(files: dict[str, str], *arguments: str) -> dict[str, list[str]]:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        capsys.readouterr()
        main(["check", "--no-cache", "--output-format", "json", "--show-suppressed", "--select", "PRD1,PRD002", *arguments, "."])
        report = json.loads(capsys.readouterr().out)
        return {
            "found": [f"{f['path']}:{f['line']} {f['code']}" for f in report["findings"] if f["code"] != "PRD002"],
            "said": [f["message"] for f in report["findings"] if f["code"] == "PRD002"],
            "suppressed": [f"{f['path']}:{f['line']} {f['code']} {f['suppressed']['reason']}" for f in report["suppressed"]],
            "notes": report.get("notes", []),
        }

    return run


COMMENTS = [
    ("detect-secrets", "pragma: allowlist secret"),
    ("detect-secrets", "pragma: whitelist secret"),
    ("detect-secrets", "pragma: allowlist-secret"),
    ("pragma", "pragma: allowlist secret"),
    ("gitleaks", "gitleaks:allow"),
    ("kingfisher", "kingfisher:ignore"),
    ("trufflehog", "trufflehog:ignore"),
    ("ggshield", "ggignore"),
    ("ggshield", "pragma: ggignore"),
    ("nosec", "nosec"),
    ("nosec", "nosec B105"),
    ("noqa", "noqa: S105"),
    ("nosemgrep", "nosemgrep"),
]


@pytest.mark.parametrize(("tool", "comment"), COMMENTS)
def test_a_directive_of_another_tool_hides_nothing_unasked(check: Check, tool: str, comment: str) -> None:
    files = {"a.py": f'password = "{VALUE}"  # {comment}\n'}
    assert check(files) == {"found": ["a.py:1 PRD104"], "said": [], "suppressed": [], "notes": []}
    asked = check(files, "--honor", tool)
    assert (asked["found"], asked["suppressed"]) == ([], [f"a.py:1 PRD104 `{comment}`"])
    assert check(files, "--honor", tool, "--no-inline-ignores")["found"] == ["a.py:1 PRD104"]
    others = ",".join(name for name in HONOR if name not in (tool, "pragma", "detect-secrets"))
    if tool not in ("pragma", "detect-secrets"):
        assert check(files, "--honor", others)["found"] == ["a.py:1 PRD104"]


def test_every_tool_has_its_marks() -> None:
    assert {tool for tool, _ in COMMENTS} | {"hadolint"} == set(HONOR) == {*TOOLS, "noqa"}
    for tool, comment in COMMENTS:
        assert any(mark in comment.encode() for mark in marks([tool]))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yaml", f"services:\n  a:\n    environment:\n      DB_PASSWORD: {VALUE}  # gitleaks:allow\n"),
        ("deploy.sh", f"export DB_PASSWORD={VALUE}  # gitleaks:allow\n"),
        ("a.py", f'# pragma: allowlist nextline secret\npassword = "{VALUE}"\n'),
        ("a.py", f'password = "{VALUE}"  # moved on Monday; GITLEAKS:ALLOW\n'),
    ],
)
def test_in_other_formats_and_places(check: Check, path: str, text: str) -> None:
    assert len(check({path: text})["found"]) == 1
    asked = check({path: text}, "--honor", "gitleaks,detect-secrets")
    assert asked["found"] == [] and len(asked["suppressed"]) == 1


def test_what_may_not_be_ignored_and_what_must_say_why(check: Check) -> None:
    bare = {"a.py": f'password = "{VALUE}"  # gitleaks:allow\n'}
    settings = {"prodlint.toml": 'honor = ["gitleaks"]\nunsuppressible = ["PRD104"]\n'}
    assert check({**bare, **settings})["found"] == ["a.py:1 PRD104"]
    reasons = {"prodlint.toml": 'honor = ["gitleaks"]\nrequire-reason = true\n'}
    assert check({**bare, **reasons})["said"] == ["`gitleaks:allow` gives no reason; say why in the same comment"]
    why = {"a.py": f'password = "{VALUE}"  # gitleaks:allow - of the sandbox, revoked every night\n'}
    with_reason = check({**why, **reasons})
    assert with_reason["said"] == []
    assert with_reason["suppressed"] == ["a.py:1 PRD104 `gitleaks:allow`: of the sandbox, revoked every night"]


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("noqa: BLE001 - the store may be gone", "the store may be gone"),
        ("noqa: S105  # the store may be gone", "the store may be gone"),
        ("nosec B110 -- the store may be gone", "the store may be gone"),
        ("pylint: disable=broad-except,w0703  # the store may be gone", "the store may be gone"),
        ("the store may be gone; gitleaks:allow", "the store may be gone"),
        ("gone -- prodlint: ignore[PRD202] until=2027-01-01 -- later  # noqa: BLE001", "gone -- -- later"),
        ("nosemgrep: a.b-c, d.e", ""),
        ("noqa: S105  # type: ignore[x]  # pragma: no cover", ""),
        ("kingfisher:ignore", ""),
    ],
)
def test_what_a_comment_says_to_people(comment: str, reason: str) -> None:
    assert prose(comment) == reason


# ---------------------------------------------------------------- lists


def baseline(path: str, *values: str) -> str:
    entries = [
        {"type": "Secret Keyword", "filename": path, "hashed_secret": sha1(v.encode()).hexdigest(), "line_number": 1} for v in values
    ]
    return json.dumps({"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {path: entries}})


def test_a_baseline_of_detect_secrets(check: Check) -> None:
    files = {
        "a.py": f'password = "{VALUE}"\nother_password = "{OTHER}"\n',
        ".secrets.baseline": baseline("a.py", VALUE),
    }
    assert check(files)["found"] == ["a.py:1 PRD104", "a.py:2 PRD104"]
    asked = check(files, "--honor", "detect-secrets")
    assert asked["found"] == ["a.py:2 PRD104"]
    assert asked["suppressed"] == ["a.py:1 PRD104 in .secrets.baseline"]
    assert len(check(files, "--honor", "detect-secrets", "--no-inline-ignores")["found"]) == 2
    # The line moved: the value counts, not the place. Another file's entry says nothing of this one.
    assert check({**files, "a.py": "\n\n" + files["a.py"]}, "--honor", "detect-secrets")["found"] == ["a.py:4 PRD104"]
    assert len(check({**files, ".secrets.baseline": baseline("b.py", VALUE)}, "--honor", "detect-secrets")["found"]) == 2


def test_a_baseline_for_detect_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is what detect-secrets finds, and what it says already stays."""
    from detect_secrets.core import baseline as theirs
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    from prodlint.commands.cli import main

    (tmp_path / "a.py").write_text(f'password = "{VALUE}"\n')
    (tmp_path / "b.py").write_text('URL = "' + "https" + f'://svc:{OTHER}@shop.internal/x"\n')
    listed = tmp_path / ".secrets.baseline"
    listed.write_text(baseline("gone.py", "an-entry-of-another-file"))
    command = ["baseline", "--format", "detect-secrets", "--isolated", "--root", str(tmp_path), str(tmp_path)]
    for _ in range(2):
        assert main(command) == 0
    assert "2 secrets known to detect-secrets" in capsys.readouterr().out
    document = json.loads(listed.read_text())
    assert document["plugins_used"] == [] and list(document["results"]) == ["a.py", "b.py", "gone.py"]
    known = theirs.load(document, str(listed))
    with default_settings():
        for name in ("a.py", "b.py"):
            found = {secret.secret_hash for secret in scan_file(str(tmp_path / name))}
            assert found and found <= {secret.secret_hash for secret in known[name]}
    # What somebody has answered in an audit is kept, and prodlint goes by the file itself.
    document["results"]["a.py"][0]["is_secret"] = False
    listed.write_text(json.dumps(document))
    assert main(command) == 0
    assert json.loads(listed.read_text())["results"]["a.py"][0]["is_secret"] is False
    assert main(["check", "--isolated", "--honor", "detect-secrets", "--root", str(tmp_path), "--select", "PRD1", str(tmp_path)]) == 0


def test_a_file_that_is_no_baseline_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from prodlint.commands.cli import main

    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / ".secrets.baseline").write_text("[]")
    assert main(["baseline", "--format", "detect-secrets", "--isolated", "--root", str(tmp_path), str(tmp_path)]) == 2
    assert "is no baseline of detect-secrets" in capsys.readouterr().err
    assert (tmp_path / ".secrets.baseline").read_text() == "[]"


def test_a_list_of_gitleaks(check: Check) -> None:
    files = {
        "a.py": f'x = 1\npassword = "{VALUE}"\nother_password = "{OTHER}"\n',
        ".gitleaksignore": "# the sandbox's\na.py:generic-api-key:2\n\n" + "c" * 40 + ":src/b.py:generic-api-key:1\n",
        "src/b.py": f'password = "{VALUE}"\n',
    }
    assert len(check(files)["found"]) == 3
    asked = check(files, "--honor", "gitleaks")
    assert asked["found"] == ["a.py:3 PRD104"]
    assert asked["suppressed"] == ["a.py:2 PRD104 in .gitleaksignore: the sandbox's", "src/b.py:1 PRD104 in .gitleaksignore"]
    files["prodlint.toml"] = 'honor = ["gitleaks"]\nrequire-reason = true\n'
    assert check(files)["said"] == [
        "`.gitleaksignore` takes away the findings of 1 line and gives no reason; a `prodlint: ignore` beside each can"
    ]
    files["prodlint.toml"] = 'honor = ["gitleaks"]\nunsuppressible = ["PRD104"]\n'
    assert len(check(files)["found"]) == 3


@pytest.mark.parametrize("text", ["", "[]", "{", '{"results": []}', '{"results": {"a.py": [1, null]}}', "[" * 100_000])
def test_a_list_that_is_none_silences_nothing_and_is_named(check: Check, text: str) -> None:
    asked = check({"a.py": f'password = "{VALUE}"\n', ".secrets.baseline": text}, "--honor", "detect-secrets")
    assert asked["found"] == ["a.py:1 PRD104"]
    assert bool(asked["notes"]) is ("null" not in text)


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / ".gitleaksignore")
    lists, notes = read_lists(str(tmp_path), ["gitleaks", "detect-secrets"])
    assert lists == [] and notes == ["`.gitleaksignore` cannot be read: not a regular file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    os.mkfifo(tmp_path / ".secrets.baseline")
    assert main(["baseline", "--format", "detect-secrets", "--isolated", "--root", str(tmp_path), str(tmp_path)]) == 2
    assert "not a regular file" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"app.py", ".secrets.baseline"}
