"""Deployment files by what they mean: stages and variables of Dockerfiles, compose files over one another, kinds of Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import session

Found = Callable[[str, Mapping[str, str]], list[str]]


@pytest.fixture
def found(project: Callable[[Mapping[str, str | bytes]], Path]) -> Found:
    """Lays files out and says where a rule finds something in them: "P1 Dockerfile:3"."""

    def run(code: str, files: Mapping[str, str]) -> list[str]:
        root = str(project(dict(files)))

        def finish(settings: Settings) -> Settings:
            return with_arguments(settings, select=[code], respect_gitignore=False)

        report = session.run(session.Request([root], isolated=True, finish=finish, root=root, jobs=1)).report
        return sorted(f"{each.priority} {each.path}:{each.span.line}" for each in report.findings if each.code == code)

    return run


STARTS = 'CMD ["uvicorn", "service.app:app"]\n'
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM python:3.12 AS base\nUSER app\nFROM base\n" + STARTS, 0),
        ("FROM python:3.12 AS base\nUSER root\nFROM base\n" + STARTS, 2),
        ("FROM python:3.12\nARG UID=1000\nUSER ${UID}\n" + STARTS, 0),
        ("FROM python:3.12\nARG UID=0\nUSER $UID:$UID\n" + STARTS, 3),
        ("FROM python:3.12\nENV WHO=root\nUSER $WHO\n" + STARTS, 3),
        ("ARG WHO=root\nFROM python:3.12\nARG WHO\nUSER $WHO\n" + STARTS, 4),
        ("ARG WHO=root\nFROM python:3.12\nUSER $WHO\n" + STARTS, 0),
        ("ARG V=3.12\nARG BASE=python:${V}\nFROM --platform=$BUILDPLATFORM ${BASE} AS x\nFROM x\n" + STARTS, 5),
        ("ARG BASE\nFROM ${BASE}\n" + STARTS, 0),
        ("ARG BASE\nFROM ${BASE:-python:3.12}\n" + STARTS, 3),
        ("ARG KIND=prod\nFROM python:3.12 AS prod\nUSER app\nFROM ${KIND}\n" + STARTS, 0),
        ("FROM python:3.12\nONBUILD USER app\n" + STARTS, 3),
        ("FROM python:3.12\nRUN <<EOF\nUSER app\nEOF\n" + STARTS, 5),
        ("FROM python:3.12\nCOPY <<-'END' /run.py\n\tUSER root\n\tEND\nUSER 1000\n" + STARTS, 0),
        ("FROM python:3.12\nRUN cat <<A > /a && cat <<B > /b\nUSER x\nA\nUSER y\nB\n" + STARTS, 7),
        ("# escape=`\nFROM python:3.12\nRUN echo a `\n  b\nUSER app\n" + STARTS, 0),
        ("FROM python:3.12\nRUN a \\\n # USER x\n && b\n" + STARTS, 5),
        ("FROM python:3.12\r\nUSER app\r\n" + STARTS.replace("\n", "\r\n"), 0),
        (f"FROM python@{DIGEST}\n" + STARTS, 2),
        ("FROM python:3.12 AS test\n" + STARTS + "FROM python:3.12 AS web\nUSER app\n" + STARTS, 0),
        ("FROM nginx:1.27\nCOPY site.conf /etc/nginx/conf.d/\n", 0),
        ("FROM nginxinc/nginx-unprivileged:1.27\nCOPY site.conf /etc/nginx/conf.d/\n", 0),
        ("FROM python:3.12\nRUN apt-get install -y gosu\nUSER root\n" + 'CMD ["gosu", "app", "uvicorn", "a:b"]\n', 0),
    ],
)
def test_who_an_image_runs_as(text: str, line: int, found: Found) -> None:
    assert [each.rpartition(":")[2] for each in found("PRD802", {"Dockerfile": text})] == ([str(line)] if line else [])


def test_each_target_is_an_image(found: Found) -> None:
    text = "FROM python:3.12 AS base\n" + STARTS + "FROM base AS web\n" + STARTS + "FROM base AS worker\nUSER app\nFROM base\nRUN b\n"
    assert found("PRD802", {"Dockerfile": text}) == ["P0 Dockerfile:4", "P0 Dockerfile:7"]


@pytest.mark.parametrize(("second", "priority"), [("{runAsUser: 1000}", "P2"), ("{}", "P0")])
def test_manifests_may_give_an_image_another_user(second: str, priority: str, found: Found) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  securityContext: <>\n  containers:\n  - name: a\n    image: acme/cart:1\n"
    )
    files = {"k8s/a.yaml": pod.replace("<>", "{runAsNonRoot: true}"), "k8s/b.yaml": pod.replace("<>", second)}
    places = found("PRD802", {"src/cart/Dockerfile": "FROM python:3.12\n" + STARTS, **files})
    assert [each for each in places if "Dockerfile" in each] == [f"{priority} src/cart/Dockerfile:2"]


@pytest.mark.parametrize(
    ("line", "moves"),
    [
        (f"FROM python:latest@{DIGEST}", False),
        (f"ARG BASE=python@{DIGEST}\nFROM $BASE", False),
        ("ARG V=latest\nFROM python:$V", True),
        ("ARG V\nFROM python:$V", False),
        ("FROM --platform=linux/amd64 python", True),
        ("FROM python:3.12\nRUN --mount=from=ghcr.io/astral-sh/uv,source=/uv,target=/bin/uv uv sync", True),
        ("FROM python:3.12\nRUN --mount=type=secret,id=x,target=/from=latest cat /x", False),
        ("FROM python:3.12 AS a\nFROM python:3.13\nCOPY --from=0 /x /x", False),
        ("FROM registry.example.com:5000/base/python", True),
        ("FROM python:latest AS dev\nRUN x\nFROM python:3.12\n" + STARTS, False),
    ],
)
def test_which_references_move(line: str, moves: bool, found: Found) -> None:
    assert bool(found("PRD803", {"Dockerfile": line + "\n"})) is moves


@pytest.mark.parametrize(
    ("run", "loose"),
    [
        ("pip install flask", True),
        ("pip --no-cache-dir --timeout 60 install flask", True),
        ("uv --quiet pip install --system flask", True),
        ("pip3.12 install 'flask>=2'", True),
        ("/opt/venv/bin/pip install flask", True),
        ("--mount=type=cache,target=/root/.cache python3 -m pip install flask", True),
        ("--mount=type=secret,id=token pip install -r requirements.txt", False),
        ('["pip", "install", "flask"]', True),
        ("<<EOF\npip install flask\nEOF", True),
        ("<<EOF\n#!/bin/bash\nset -e\npip install flask\nEOF", True),
        ('bash -c "pip install flask"', True),
        ("pip install flask==3.0.0", False),
        ("pip install -c constraints.txt flask", False),
        ("--mount=type=bind,source=uv.lock,target=uv.lock uv sync --frozen", False),
        ("pip install --no-index --find-links=/wheels flask", False),
    ],
)
def test_installs(run: str, loose: bool, found: Found) -> None:
    assert bool(found("PRD806", {"Dockerfile": f"FROM python:3.12\nRUN {run}\n{STARTS}"})) is loose


# ---------------------------------------------------------------- compose

WEB = "services:\n  web:\n    build: .\n    ports: ['80:8000']\n"
CHECK = "    healthcheck:\n      test: [CMD, x]\n"
IMAGE = "FROM python:3.12\nUSER app\nEXPOSE 8000\n" + STARTS


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ({"compose.yaml": WEB}, ["P1 compose.yaml:2"]),
        ({"compose.yaml": WEB, "compose.override.yaml": "services:\n  web:\n" + CHECK}, []),
        ({"compose.yaml": WEB, "compose.prod.yaml": "services:\n  web:\n" + CHECK}, []),
        ({"compose.yaml": WEB, "ops/checks.yaml": "services:\n  web:\n    image: a/b:1\n" + CHECK}, ["P1 compose.yaml:2"]),
        (
            {
                "compose.yaml": WEB,
                "ops/compose.checks.yaml": "services:\n  web:\n" + CHECK,
                "Makefile": "up:\n\tdocker compose -f compose.yaml -f ops/compose.checks.yaml up -d\n",
            },
            [],
        ),
        (
            {
                "compose.yaml": WEB,
                "ops/compose.checks.yaml": "services:\n  web:\n" + CHECK,
                ".env": "COMPOSE_FILE=compose.yaml:ops/compose.checks.yaml\n",
            },
            [],
        ),
        (
            {
                "compose.yaml": "services:\n  web:\n    extends: {file: base.yaml, service: web}\n    ports: ['80:8000']\n",
                "base.yaml": WEB + CHECK,
            },
            [],
        ),
        ({"compose.yaml": "x-h: &h\n  healthcheck: {test: [CMD, x]}\n" + WEB + "    <<: *h\n"}, []),
        ({"compose.yaml": WEB + "    healthcheck: {disable: true}\n"}, ["P1 compose.yaml:2"]),
        ({"compose.yaml": WEB + "    profiles: [tools]\n"}, []),
        (
            {"compose.yaml": "include: [web/compose.yaml]\n", "web/compose.yaml": WEB.replace("build: .", "build: ..")},
            ["P1 web/compose.yaml:2"],
        ),
        ({"compose.yaml": WEB + CHECK + "    depends_on: [db]\n  db:\n    image: postgres:16\n" + CHECK}, ["P1 compose.yaml:7"]),
        (
            {
                "compose.yaml": WEB
                + CHECK
                + "    depends_on:\n      db: {condition: service_healthy}\n  db:\n    image: postgres:16\n"
                + CHECK
            },
            [],
        ),
    ],
)
def test_compose_files_over_one_another(files: Mapping[str, str], places: list[str], found: Found) -> None:
    assert found("PRD821", {"Dockerfile": IMAGE, **files}) == places


@pytest.mark.parametrize(
    ("code", "key", "hit"),
    [
        ("PRD802", "user: ${UID:-0}", True),
        ("PRD802", "user: ${UID:-1000}", False),
        ("PRD823", "privileged: ${PRIVILEGED:-true}", True),
        ("PRD823", "volumes: ['${SOCKET}:/var/run/docker.sock']", True),
        ("PRD823", "volumes: ['$XDG_RUNTIME_DIR/docker.sock:/var/run/docker.sock']", False),
        ("PRD823", "volumes: ['/etc/localtime:/etc/localtime:ro']", False),
        ("PRD823", "volumes: ['/proc:/host/proc:ro']", True),
        ("PRD823", "security_opt: ['systempaths=unconfined']", True),
        ("PRD826", "environment: ['SECRET_KEY=$SECRET_KEY']", True),
        ("PRD826", "environment: ['SECRET_KEY=${SECRET_KEY:?}']", False),
        ("PRD826", "environment: {SECRET_KEY: '$$SECRET_KEY'}", False),
    ],
)
def test_values_of_a_service(code: str, key: str, hit: bool, found: Found) -> None:
    assert bool(found(code, {"compose.yaml": f"services:\n  web:\n    image: acme/web:1\n    {key}\n"})) is hit


@pytest.mark.parametrize(
    ("port", "exposed"),
    [
        ("'5432:5432'", True),
        ("'5432'", True),
        ("5432:5432", True),
        ("'127.0.0.1:5432:5432'", False),
        ("'${PORT}:5432'", True),
        ("'${BIND:-127.0.0.1}:5432:5432'", False),
        ("'${BIND:-0.0.0.0}:5432:5432'", True),
        ("'[::1]:5432:5432'", False),
        ("'[::]:5432:5432'", True),
        ("{target: 5432, published: 5432}", True),
        ("{target: 5432, published: 5432, host_ip: 127.0.0.1}", False),
        ("{target: 5432}", False),
        ("'5432-5433:5432-5433/tcp'", True),
    ],
)
def test_ports_of_a_database(port: str, exposed: bool, found: Found) -> None:
    text = f"services:\n  web: {{build: .}}\n  db:\n    image: postgres:16\n    ports:\n      - {port}\n"
    assert bool(found("PRD825", {"compose.yaml": text})) is exposed


# ---------------------------------------------------------------- Kubernetes

PATHS = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}


def workload(kind: str = "Deployment", *, pod: str = "{}", container: str = "{}") -> str:
    """A workload in JSON, which is YAML: what the pod and its only container have besides name and image."""
    tree = {"containers": [{"name": "web", "image": "acme/web:1", **json.loads(container)}], **json.loads(pod)}
    for part in reversed(PATHS.get(kind, "spec.template.spec").split(".")):
        tree = {part: tree}
    return json.dumps({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, **tree})


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "Rollout"])
@pytest.mark.parametrize(
    ("pod", "container", "priority"),
    [
        ("{}", "{}", "P1"),
        ('{"securityContext": {"runAsNonRoot": true}}', "{}", ""),
        ("{}", '{"securityContext": {"runAsNonRoot": true}}', ""),
        ('{"securityContext": {"runAsNonRoot": true}}', '{"securityContext": {"runAsNonRoot": false}}', "P1"),
        ('{"securityContext": {"runAsUser": 1000}}', '{"securityContext": {"runAsUser": 0}}', "P0"),
        ('{"securityContext": {"runAsUser": 0}}', '{"securityContext": {"runAsUser": 1000}}', ""),
        ('{"securityContext": {"runAsUser": 0}}', "{}", "P0"),
    ],
)
def test_contexts_of_pod_and_container(kind: str, pod: str, container: str, priority: str, found: Found) -> None:
    places = found("PRD802", {"k8s/web.json": workload(kind, pod=pod, container=container)})
    assert [each[:2] for each in places] == ([priority] if priority else [])


def test_a_list_and_a_stream_of_documents(found: Found) -> None:
    root = '{"securityContext": {"runAsUser": 0}}'
    assert (
        found(
            "PRD802",
            {"k8s/web.json": f'{{"apiVersion": "v1", "kind": "List", "items": [{workload(pod=root)}, {workload("Job", pod=root)}]}}'},
        )
        == ["P0 k8s/web.json:1"] * 2
    )
    assert found("PRD802", {"k8s/web.json": "{}", "k8s/web.yaml": f"{workload(pod=root)}\n---\n{workload('Pod', pod=root)}\n"}) == [
        "P0 k8s/web.yaml:1",
        "P0 k8s/web.yaml:3",
    ]


def test_what_is_not_set_in_several_pods_is_one_finding(found: Found) -> None:
    assert found("PRD802", {"k8s/web.yaml": f"{workload()}\n---\n{workload('Pod')}\n"}) == ["P1 k8s/web.yaml:1"]


@pytest.mark.parametrize("kind", ["Job", "CronJob", "Pod"])
def test_what_ends_needs_no_probes(kind: str, found: Found) -> None:
    assert found("PRD841", {"k8s/web.json": workload(kind, container='{"ports": [{"containerPort": 80}]}')}) == []


PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"


@pytest.mark.parametrize(
    ("overlay", "patch", "satisfied"),
    [
        ("patches: [{path: p.yaml}]", PATCH + "      securityContext: {runAsNonRoot: true}\n", True),
        ("patchesStrategicMerge: [p.yaml]", PATCH + "      securityContext: {runAsUser: 10001}\n", True),
        ("patches: [{path: p.yaml}]", PATCH.replace("web", "other") + "      securityContext: {runAsNonRoot: true}\n", False),
        ("patches: [{path: p.yaml}]", PATCH + "      securityContext: {runAsNonRoot: null}\n", False),
        (
            "patches: [{path: p.yaml, target: {kind: Deployment, name: w.*}}]",
            "- {op: add, path: /spec/template/spec/securityContext/runAsNonRoot, value: true}\n",
            True,
        ),
        (
            "patches: [{path: p.yaml, target: {kind: StatefulSet}}]",
            "- {op: add, path: /spec/template/spec/securityContext/runAsNonRoot, value: true}\n",
            False,
        ),
        ("patches: [{path: p.yaml}]", "- {op: remove, path: /spec/template/spec/securityContext/runAsNonRoot}\n", False),
        ("patches: [{path: absent.yaml}]", "", False),
        ("patches: [{path: /etc/passwd}]", "", False),
        ("patches: {a: b}", "", False),
        ("patches: [", "", False),
    ],
)
def test_patches_of_an_overlay(overlay: str, patch: str, satisfied: bool, found: Found) -> None:
    files = {
        "k8s/base/kustomization.yaml": "resources: [web.yaml]\n",
        "k8s/base/web.yaml": workload(),
        "k8s/mid/kustomization.yaml": "bases: [../base]\n",
        "k8s/live/kustomization.yaml": f"components: [../mid]\n{overlay}\n",
        "k8s/live/p.yaml": patch,
    }
    assert (found("PRD802", files) == []) is satisfied
