"""What a release is made with: the workflow, the container image, the pinned requirements. Nothing here runs them; prodlint and zizmor read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import tomli
import yaml
from packaging.requirements import Requirement

from tests.conftest import ROOT, Ran

WORKFLOW = ".github/workflows/release.yml"
JOBS: dict[str, Any] = yaml.safe_load((ROOT / WORKFLOW).read_text(encoding="utf-8"))["jobs"]


@pytest.mark.parametrize("path", [WORKFLOW, "action.yml", ".ci/Dockerfile"])
def test_prodlint_finds_nothing(path: str, prodlint: Callable[..., Ran]) -> None:
    ran = prodlint(path, "--isolated", "--no-cache", "--select", "ALL", cwd=ROOT)
    assert (ran.code, ran.out.splitlines()[0]) == (0, "No findings."), ran.out


@pytest.mark.skipif(shutil.which("zizmor") is None, reason="zizmor is not installed")
@pytest.mark.parametrize("path", [WORKFLOW, "action.yml"])
def test_zizmor_finds_nothing(path: str) -> None:
    ran = subprocess.run(
        ["zizmor", "--offline", "--persona", "pedantic", "--no-progress", path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_nothing_is_published_untested_or_with_a_token() -> None:
    def before(job: str) -> set[str]:
        needs = JOBS[job].get("needs", [])
        return set(needs).union(*(before(name) for name in needs)) if needs else set()

    assert before("publish") == {"test", "build", "image", "attest"}
    text = (ROOT / WORKFLOW).read_text(encoding="utf-8")
    assert "secrets." not in text
    assert JOBS["publish"]["permissions"] == {"id-token": "write"}
    assert JOBS["publish"]["environment"]["name"] == "pypi"
    # Who may sign runs no code of the repository.
    for name, job in JOBS.items():
        if job["permissions"].get("id-token") == "write":
            assert not [step for step in job["steps"] if "run" in step or "checkout" in step.get("uses", "")], name


def test_every_action_is_pinned_to_a_commit() -> None:
    uses = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert len(uses) > 8
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", use)] == []


@pytest.mark.parametrize(("name", "expected"), [("image.txt", None), ("release.txt", {"build", "hatchling", "cyclonedx-bom"})])
def test_requirements_are_whole_and_hashed(name: str, expected: set[str] | None) -> None:
    text = (ROOT / ".ci" / "requirements" / name).read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    assert len(pins) >= 10
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[\w.-]+==)", text)[1:])
    if expected is None:
        wanted = [
            Requirement(line) for line in tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
        ]
        normal = {pin.lower().replace("_", "-"): version for pin, version in pins.items()}
        assert [str(one) for one in wanted if normal.get(one.name.lower()) not in one.specifier] == []
    else:
        assert expected <= pins.keys()


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = (ROOT / ".ci" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER 10001:10001" in lines
    froms = [line for line in lines if line.startswith("FROM ")]
    assert froms and all(re.search(r"@sha256:[0-9a-f]{64}", line) for line in froms)
