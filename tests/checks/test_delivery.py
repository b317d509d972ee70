"""What counts as a gate, what as a release, and how the jobs of five CI systems depend on one another."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from prodlint.checks.delivery.ci import _unpinned
from prodlint.checks.delivery.dependencies import _index_words
from prodlint.checks.delivery.gates import gate_of, installs, named_gate, release_of
from prodlint.checks.delivery.pipelines import Pipeline, pipeline_of
from prodlint.configuration.kinds import kind_of
from prodlint.facts import Command, Document, File, Source
from prodlint.readers import configuration, shell
from tests.conftest import Project, Ran


def command(line: str) -> Command:
    return next(shell.commands_in(Source(line.encode()), File("x.sh", "shell"), 0, len(line.encode()), origin="ci"))


def pipeline(path: str, text: str) -> Pipeline:
    facts = configuration.read(Source(text.encode()), File(path, kind_of(path) or "yaml"), frozenset((Document,)))
    found = pipeline_of(next(fact for fact in facts if isinstance(fact, Document)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("pytest -x", "test"),
        ("poetry run pytest", "test"),
        ("coverage run -m pytest", "test"),
        ("python -m unittest discover", "test"),
        ("python manage.py test", "test"),
        ("flask test", "test"),
        ("tox -e py312", "test"),
        ("tox -e lint", "lint"),
        ("make test-unit", "test"),
        ("make ci", ""),
        ("npm run test:e2e", "test"),
        ("npm ci", ""),
        ("bun ci", ""),
        ("./scripts/run-tests.sh", "test"),
        ("bash scripts/lint.sh", "lint"),
        ("docker compose run --rm web pytest -x", "test"),
        ("docker compose exec web python -m pytest", "test"),
        ("kubectl exec pod -- alembic upgrade head", "migrate"),
        ("ruff check .", "lint"),
        ("ruff check --fix .", ""),
        ("ruff format .", ""),
        ("ruff format --check .", "lint"),
        ("black .", ""),
        ("black --check .", "lint"),
        ("pre-commit run --all-files", "lint"),
        ("pre-commit install", ""),
        ("mypy service", "type"),
        ("mypy --install-types", ""),
        ("pip-audit", "scan"),
        ("trivy image x", "scan"),
        ("docker build .", "build"),
        ("docker buildx build --push .", "build"),
        ("alembic upgrade head", "migrate"),
        ("python manage.py migrate", "migrate"),
        ("python manage.py makemigrations --check", "migrate"),
        ("python manage.py makemigrations", ""),
        ("docker compose down", ""),
        ("grep -c x y", ""),
        ("git diff --quiet", ""),
        ("make clean", ""),
        ("echo pytest", ""),
        ("pip install pytest", ""),
    ],
)
def test_gates(line: str, kind: str) -> None:
    assert gate_of(command(line)) == kind


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("kubectl apply -f k8s", "deploy"),
        ("kubectl apply --dry-run=server -f k8s", ""),
        ("kubectl -n prod set image deployment/x x=y", "deploy"),
        ("kubectl get pods", ""),
        ("helm upgrade --install x ./chart", "deploy"),
        ("helm template x", ""),
        ("terraform -chdir=infra apply -auto-approve", "deploy"),
        ("terraform plan", ""),
        ("docker push x", "publish"),
        ("docker buildx build --push .", "publish"),
        ("docker build .", ""),
        ("flyctl deploy", "deploy"),
        ("uv publish", "publish"),
        ("aws ecs update-service --cluster x", "deploy"),
        ("aws s3 ls", ""),
        ("git push heroku main", "deploy"),
        ("git push origin main", ""),
    ],
)
def test_releases(line: str, kind: str) -> None:
    assert release_of(command(line)) == kind


def test_installs() -> None:
    assert installs(command("pip install -r requirements.txt"))
    assert not installs(command("pip freeze"))


@pytest.mark.parametrize(
    ("name", "kind"), [("unit-tests", "test"), ("Lint and format", "lint"), ("typecheck", "type"), ("contest", ""), ("deploy", "")]
)
def test_names(name: str, kind: str) -> None:
    assert named_gate(name) == kind


def test_github_needs_and_ignored_failures() -> None:
    found = pipeline(
        ".github/workflows/x.yml",
        "on: {push: {tags: [v1]}}\njobs:\n  a:\n    steps: [{run: pytest}]\n  b:\n    needs: a\n    steps: [{run: ls}]\n  c:\n    needs: [b]\n"
        "    continue-on-error: true\n    environment: {name: production}\n    steps: [{run: flyctl deploy}]\n",
    )
    assert found.before(found.jobs["c"]) == {"a", "b"}
    assert found.tags_only and found.jobs["c"].ignored is not None and found.jobs["c"].environment == "production"
    assert list(found.jobs["a"].gates()) == [("test", "pytest")]


def test_github_reusable_workflows_elsewhere_are_unresolved() -> None:
    assert pipeline(".github/workflows/x.yml", "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/t.yml@v1\n").unresolved
    assert not pipeline(".github/workflows/x.yml", "on: push\njobs:\n  a:\n    uses: ./.github/workflows/t.yml\n").unresolved


def test_gitlab_stages_are_needs() -> None:
    found = pipeline(
        ".gitlab-ci.yml",
        "stages: [one, two]\n.base:\n  stage: two\na:\n  stage: one\n  script: [pytest]\nb:\n  extends: .base\n  script: [ls]\n"
        "c:\n  stage: two\n  needs: []\n  script: [ls]\n",
    )
    assert found.before(found.jobs["b"]) == {"a"} and found.before(found.jobs["c"]) == set()


def test_circleci_requires() -> None:
    found = pipeline(
        ".circleci/config.yml",
        "version: 2.1\njobs:\n  a: {steps: [{run: pytest}]}\n  b: {steps: [{run: ls}]}\nworkflows:\n  w:\n    jobs:\n      - a\n      - b: {requires: [a]}\n",
    )
    assert found.before(found.jobs["b"]) == {"a"}


def test_azure_stages_are_in_order() -> None:
    found = pipeline(
        "azure-pipelines.yml",
        "stages:\n- stage: s\n  jobs:\n  - job: a\n    steps: [{script: pytest}]\n- stage: t\n  jobs:\n  - deployment: b\n    environment: prod\n"
        "    strategy: {runOnce: {deploy: {steps: [{script: helm upgrade x y}]}}}\n",
    )
    assert found.before(found.jobs["b"]) == {"a"}
    assert [kind for step in found.jobs["b"].steps for kind, _ in step.releases()] == ["deploy"]


@pytest.mark.parametrize(
    ("uses", "priority"),
    [
        ("actions/checkout@v4", "P2"),
        ("own/thing@v1", "P2"),
        ("docker/login-action@v3", "P1"),
        ("pypa/gh-action-pypi-publish@release/v1", "P1"),
        ("some/thing@main", "P1"),
        ("some/thing", "P1"),
        ("docker://alpine:3", "P1"),
        ("some/thing@" + "0" * 40, ""),
        ("./local", ""),
        ("${{ inputs.action }}", ""),
    ],
)
def test_action_references(uses: str, priority: str) -> None:
    found = _unpinned(uses, "own")
    assert (found[0] if found else "") == priority


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("--index-url", "https://pypi.example.com/simple", False),
        ("--index-url", "http://pypi.example.com/simple", True),
        ("--index-url", "http://localhost:3141/simple", False),
        ("--extra-index-url", "https://pypi.example.com/simple", True),
        ("--extra-index-url", "https://download.pytorch.org/whl/cu121", False),
        ("--extra-index-url", "${INDEX}", False),
        ("--trusted-host", "pypi.example.com", True),
        ("--trusted-host", "localhost", False),
        ("index-strategy", "unsafe-best-match", True),
        ("index-strategy", "first-index", False),
    ],
)
def test_indexes(name: str, value: str, wrong: bool) -> None:
    assert bool(_index_words(name, value)) == wrong


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("tests/test_a.py", 'def test_a():\r\n    assert (x == 1, "must")  # why\r\n', "PRD943"),
        (
            "service/app.py",
            "from aiokafka import AIOKafkaConsumer\r\n\r\nconsumer = AIOKafkaConsumer('orders')\r\n\r\n\r\n"
            "async def consume(handle):\r\n    async for message in consumer:\r\n        await handle(message)\r\n",
            "PRD210",
        ),
    ],
)
def test_a_place_ends_before_the_carriage_return(path: str, text: str, code: str, project: Project, prodlint: Callable[..., Ran]) -> None:
    root = project({path: text})
    done = prodlint("check", ".", "--isolated", "--select", code, "--output-format", "json", cwd=root)
    (finding,) = json.loads(done.out)["findings"]
    line = text.split("\r\n")[finding["end_line"] - 1]
    assert finding["end_column"] <= len(line) + 1
