"""CI definitions by what they mean: masked failures, gates, deployments that wait or do not, in five systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import session

Found = Callable[[str, Mapping[str, str]], list[str]]
WORKFLOW = ".github/workflows/ci.yml"
SERVICE = {"Dockerfile": 'FROM python:3.12\nUSER 1\nCMD ["uvicorn", "service.app:app"]\n'}


@pytest.fixture
def found(project: Callable[[Mapping[str, str | bytes]], Path]) -> Found:
    """Lays files out and gives the priorities of what a rule finds in them."""

    def run(code: str, files: Mapping[str, str]) -> list[str]:
        root = str(project({**SERVICE, **files}))

        def finish(settings: Settings) -> Settings:
            return with_arguments(settings, select=[code], respect_gitignore=False)

        report = session.run(session.Request([root], isolated=True, finish=finish, root=root, jobs=1)).report
        return sorted(each.priority for each in report.findings if each.code == code)

    return run


def job(name: str, *steps: str, needs: str = "", extra: str = "") -> str:
    """A job of a GitHub workflow: commands, or steps that begin with `uses:`."""
    lines = [
        f"  {name}:",
        "    runs-on: ubuntu-latest",
        *([f"    needs: {needs}"] if needs else []),
        *([f"    {extra}"] if extra else []),
        "    steps:",
    ]
    for step in steps:
        lines += (
            [f"      - {step}"] if step.startswith("uses:") else ["      - run: |", *(f"          {line}" for line in step.splitlines())]
        )
    return "\n".join(lines) + "\n"


PUSH = "on: push\njobs:\n"


# ---------------------------------------------------------------- PRD902


@pytest.mark.parametrize("mask", ["|| true", "|| :", "|| exit 0", "|| echo failed", "|| printf x", "|| /bin/true", "|| (echo bad; true)"])
@pytest.mark.parametrize(
    "gate", ["pytest -q", "uv run mypy .", "docker compose run --rm web pytest", "hatch run test", "timeout 60 pytest"]
)
def test_masks(gate: str, mask: str, found: Found) -> None:
    assert found("PRD902", {WORKFLOW: PUSH + job("test", f"{gate} {mask}")}) == ["P1"]


@pytest.mark.parametrize(
    "script",
    [
        "pytest || exit 1",
        "pytest || (echo bad; exit 1)",
        "pytest || { echo bad; exit 1; }",
        "pytest || pytest --last-failed",
        "pytest || failed=1\nexit $failed",
        "set +e\npytest\nstatus=$?\nexit $status",
        "if ! pytest; then exit 1; fi",
        "pytest; true",
        "rm -rf cache || true",
        "docker compose down || true",
        "grep -c x log || true",
        "curl -X POST $SLACK || true",
        "docker pull x || true",
        "git diff --quiet || echo changed",
        "trivy image --exit-code 1 x",
    ],
)
def test_what_masks_nothing(script: str, found: Found) -> None:
    assert found("PRD902", {WORKFLOW: PUSH + job("test", script)}) == []


ACTION = "name: check\nruns:\n  using: composite\n  steps:\n"


@pytest.mark.parametrize(
    ("path", "text", "number"),
    [
        (".github/actions/check/action.yml", ACTION + "    - run: pytest || true\n      shell: bash\n", 1),
        ("action.yml", ACTION + "    - run: pytest\n      continue-on-error: true\n      shell: bash\n", 1),
        (".github/workflows/tests.yml", "on: workflow_call\njobs:\n" + job("test", "pytest || true"), 1),
        (".forgejo/workflows/tests.yml", PUSH + job("test", "pytest || true"), 1),
        (".gitlab-ci.yml", "test:\n  script: [pytest]\n  allow_failure: true\n", 1),
        (".gitlab-ci.yml", "test:\n  script: [pytest]\n  allow_failure: {exit_codes: 5}\n", 0),
        (
            ".gitlab-ci.yml",
            ".soft:\n  allow_failure: true\na:\n  extends: .soft\n  script: [pytest]\nb:\n  extends: [.soft]\n  script: [mypy .]\n",
            1,
        ),
        (".gitlab-ci.yml", "test:\n  script: [pytest]\n  after_script: [pytest || true]\n", 0),
        (".gitlab-ci.yml", ".a: {extends: .b}\n.b: {extends: .a}\ntest:\n  extends: .a\n  script: [pytest]\n", 0),
        (
            ".circleci/config.yml",
            "version: 2.1\ncommands:\n  t:\n    steps: [{run: pytest || true}]\njobs:\n  test:\n    docker: [{image: a}]\n    steps: [t]\n",
            1,
        ),
        ("azure-pipelines.yml", "steps:\n- task: Bash@3\n  inputs: {targetType: inline, script: pytest || true}\n", 1),
        ("azure-pipelines.yml", "jobs:\n- job: a\n  continueOnError: true\n  steps:\n  - script: pytest\n", 1),
        ("Jenkinsfile", "node { sh '''\n  pytest || true\n''' }\n", 1),
        ("Jenkinsfile", "node { sh script: 'pytest', returnStatus: true }\n", 1),
        ("Jenkinsfile", "node { def status = sh(script: 'pytest', returnStatus: true) }\n", 0),
        ("cloudbuild.yaml", "steps:\n- name: python\n  entrypoint: bash\n  args: ['-c', 'pytest || true']\n", 1),
    ],
)
def test_masks_of_other_systems(path: str, text: str, number: int, found: Found) -> None:
    assert len(found("PRD902", {path: text})) == number


# ---------------------------------------------------------------- PRD904

BUILD = job("build", "docker build .")
LINT = job("lint", "ruff check .")
TEST = job("test", "pytest")
CHECK = PUSH + BUILD + LINT + job("check", "uses: ./.github/actions/check")


@pytest.mark.parametrize(
    ("files", "priorities"),
    [
        ({WORKFLOW: PUSH + TEST + LINT + BUILD}, []),
        ({WORKFLOW: PUSH + LINT + BUILD}, ["P1"]),
        ({WORKFLOW: PUSH + TEST + BUILD}, ["P1"]),
        ({WORKFLOW: PUSH + TEST + LINT}, ["P2"]),
        ({WORKFLOW: CHECK, ".github/actions/check/action.yml": ACTION + "    - run: pytest\n      shell: bash\n"}, []),
        ({WORKFLOW: CHECK, ".github/actions/check/action.yml": ACTION + "    - run: make -C x all\n      shell: bash\n"}, ["P1"]),
        ({WORKFLOW: CHECK, ".github/actions/check/action.yml": ACTION + "    - run: just verify\n      shell: bash\n"}, []),
        ({WORKFLOW: CHECK, ".github/actions/check/action.yml": ACTION + "    - uses: ./.github/actions/absent\n"}, []),
        ({WORKFLOW: CHECK, ".github/actions/check/action.yml": "name: check\nruns: {using: node20, main: x.js}\n"}, []),
        (
            {
                WORKFLOW: PUSH + BUILD + LINT + "  t:\n    uses: ./.github/workflows/t.yml\n",
                ".github/workflows/t.yml": "on: workflow_call\njobs:\n" + TEST,
            },
            [],
        ),
        ({WORKFLOW: PUSH + BUILD + LINT + "  t:\n    uses: a/b/.github/workflows/t.yml@v1\n"}, []),
        ({".gitlab-ci.yml": "include: [{template: Auto-DevOps.gitlab-ci.yml}]\nb:\n  script: [docker build .]\n"}, []),
        ({"azure-pipelines.yml": "steps:\n- template: tests.yml\n- script: docker build .\n"}, []),
        ({"azure-pipelines.yml": "steps:\n- script: pytest && ruff check .\n- task: Docker@2\n  inputs: {command: buildAndPush}\n"}, []),
        ({WORKFLOW: PUSH + LINT + BUILD, "services/a/cloudbuild.yaml": "steps: []\n"}, []),
    ],
)
def test_gates(files: Mapping[str, str], priorities: list[str], found: Found) -> None:
    assert found("PRD904", files) == priorities


# ---------------------------------------------------------------- PRD905

DEPLOY = "kubectl apply -f k8s"
CIRCLE = "version: 2.1\njobs:\n  t:\n    docker: [{image: a}]\n    steps: [{run: pytest}]\n  d:\n    docker: [{image: a}]\n    steps: [{run: kubectl apply -f x}]\n"
RUN_AFTER = "on:\n  workflow_run: {workflows: [ci], types: [completed]}\njobs:\n"


@pytest.mark.parametrize(
    ("files", "priorities"),
    [
        ({WORKFLOW: PUSH + TEST + job("d", DEPLOY)}, ["P1"]),
        ({WORKFLOW: PUSH + TEST + job("b", "docker build .", needs="test") + job("d", DEPLOY, needs="[b]")}, []),
        ({WORKFLOW: PUSH + job("d", "pytest\n" + DEPLOY)}, []),
        ({WORKFLOW: PUSH + TEST, ".github/workflows/d.yml": RUN_AFTER + job("d", DEPLOY)}, ["P1"]),
        (
            {
                WORKFLOW: PUSH + TEST,
                ".github/workflows/d.yml": RUN_AFTER + job("d", DEPLOY, extra="if: github.event.workflow_run.conclusion == 'success'"),
            },
            [],
        ),
        ({WORKFLOW: PUSH + TEST + "  d:\n    uses: ./.github/workflows/deploy.yml\n"}, ["P1"]),
        ({WORKFLOW: PUSH + TEST + "  d:\n    needs: test\n    uses: ./.github/workflows/deploy.yml\n"}, []),
        ({WORKFLOW: PUSH + TEST + job("e2e", "kind create cluster\nhelm upgrade --install x .")}, []),
        ({WORKFLOW: PUSH + TEST + job("e2e", "uses: helm/kind-action@v1", "helm install x .")}, []),
        ({".gitlab-ci.yml": "test:\n  script: [pytest]\nd:\n  needs: []\n  stage: deploy\n  script: [kubectl apply -f x]\n"}, ["P1"]),
        ({".gitlab-ci.yml": "test:\n  script: [pytest]\nd:\n  script: [kubectl apply -f x]\n  rules: [{when: manual}]\n"}, []),
        ({".gitlab-ci.yml": "test:\n  script: [pytest]\nd:\n  script: [kubectl apply -f x]\n  rules: [{if: $CI_COMMIT_TAG}]\n"}, []),
        ({".gitlab-ci.yml": ".d: {stage: deploy}\ntest:\n  script: [pytest]\nd:\n  extends: .d\n  script: [kubectl apply -f x]\n"}, []),
        ({".circleci/config.yml": CIRCLE + "workflows:\n  m:\n    jobs: [t, d]\n"}, ["P1"]),
        ({".circleci/config.yml": CIRCLE + "workflows:\n  m:\n    jobs:\n      - t\n      - d: {requires: [t]}\n"}, []),
        (
            {
                ".circleci/config.yml": CIRCLE
                + "workflows:\n  m:\n    jobs:\n      - t\n      - hold: {type: approval}\n      - d: {requires: [hold]}\n"
            },
            [],
        ),
    ],
)
def test_deployments(files: Mapping[str, str], priorities: list[str], found: Found) -> None:
    assert found("PRD905", files) == priorities


@pytest.mark.parametrize(
    ("depends", "gated"),
    [("", True), ("  dependsOn: []\n", False), ("  dependsOn: t\n", True), ("  dependsOn: [lint]\n", False)],
)
def test_stages_of_azure(depends: str, gated: bool, found: Found) -> None:
    stages = (
        "trigger: [main]\nstages:\n- stage: lint\n  jobs:\n  - job: l\n    steps: [{script: ruff check .}]\n"
        "- stage: t\n  jobs:\n  - job: a\n    steps: [{script: pytest}]\n"
        f"- stage: d\n{depends}  jobs:\n  - job: b\n    steps: [{{task: KubernetesManifest@1, inputs: {{action: deploy}}}}]\n"
    )
    assert (found("PRD905", {"azure-pipelines.yml": stages}) == []) is gated
