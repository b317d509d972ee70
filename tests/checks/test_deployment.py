"""The parts of the deployment rules that are functions of a text; what the rules find stands on their pages."""

from __future__ import annotations

import pytest

from prodlint.checks.deployment import compose, images, installs, kubernetes
from prodlint.checks.deployment import dockerfile as dockerfile_checks
from prodlint.configuration.patterns import Patterns
from prodlint.facts import Dockerfile, Document, File, Node, Source
from prodlint.readers import dockerfile, documents
from prodlint.values import container_images


def document(text: str, path: str = "compose.yaml") -> Document:
    facts = documents.read(Source(text.encode()), File(path, "yaml"), frozenset({Document}))
    return next(fact for fact in facts if isinstance(fact, Document))


def image_file(text: str) -> Dockerfile:
    facts = dockerfile.read(Source(text.encode()), File("Dockerfile", "dockerfile"), frozenset({Dockerfile}))
    return next(fact for fact in facts if isinstance(fact, Dockerfile))


# ---------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("python", "python", "", ""),
        ("python:3.12", "python", "3.12", ""),
        ("library/python:3.12", "python", "3.12", ""),
        ("docker.io/library/python", "python", "", ""),
        ("public.ecr.aws/docker/library/python:3", "python", "3", ""),
        ("docker.io/acme/web:1", "acme/web", "1", ""),
        ("acme/python:1", "acme/python", "1", ""),
        ("localhost:5000/web", "localhost:5000/web", "", ""),
        ("localhost:5000/web:2@sha256:aa", "localhost:5000/web", "2", "sha256:aa"),
        ("ghcr.io/a/b/c@sha256:aa", "ghcr.io/a/b/c", "", "sha256:aa"),
    ],
)
def test_image_of(text: str, name: str, tag: str, digest: str) -> None:
    image = container_images.image_of(text)
    assert (image.name, image.tag, image.digest) == (name, tag, digest)


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("python", True),
        ("python:latest", True),
        ("python:slim", True),
        ("python:slim-bookworm", True),
        ("python:alpine3.20", True),
        ("python:3.12-alpine", False),
        ("python:3.12", False),
        ("node:24", False),
        ("node:lts", True),
        ("node:lts-alpine3.20", True),
        ("postgres:17", False),
        ("debian:bookworm-slim", False),
        ("ubuntu:noble", False),
        ("debian:stable-slim", True),
        ("alpine:3", False),
        ("ghcr.io/acme/web:main", True),
        ("ghcr.io/acme/web:main-3f2a1bc", False),
        ("ghcr.io/acme/web:v1", False),
        ("minio/minio:RELEASE.2025-01-01T00-00-00Z", False),
        ("gcr.io/distroless/python3-debian12:nonroot", False),
        ("web:latest", False),
        ("scratch", False),
        ("python@sha256:aa", False),
    ],
)
def test_movement(text: str, moves: bool) -> None:
    assert (images.movement(container_images.image_of(text)) is not None) is moves


def test_a_major_version_of_python_is_softer() -> None:
    found = images.movement(container_images.image_of("python:3-slim"))
    assert found is not None and found[1] == "P2"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("a:1", ("a:1", False)),
        ("a:${TAG:-1}", ("a:1", True)),
        ("${IMAGE:-a:${TAG:-1}}", ("a:1", True)),
        ("a:${TAG}", None),
        ("a:$TAG", None),
        ("a:${TAG:?no}", None),
        ("${A" * 2000, None),
    ],
)
def test_with_defaults(text: str, known: tuple[str, bool] | None) -> None:
    assert container_images.with_defaults(text) == known


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("python:3.12-slim", True),
        ("nvidia/cuda:12.4.0-base", True),
        ("gcr.io/distroless/python3:nonroot", False),
        ("gcr.io/distroless/python3", True),
        ("cgr.dev/chainguard/python:latest", False),
        ("public.ecr.aws/lambda/python:3.12", False),
        ("postgres:17", False),
        ("ghcr.io/acme/base:1", False),
        ("base", False),
    ],
)
def test_leaves_root(text: str, root: bool) -> None:
    assert container_images.leaves_root(container_images.image_of(text)) is root


# ---------------------------------------------------------------- Dockerfiles


def test_the_stage_that_ships_is_the_last_unless_it_is_for_development() -> None:
    assert dockerfile_checks.shipped(image_file("FROM a AS runtime\nFROM runtime AS dev\n")).name == "runtime"  # type: ignore[union-attr]
    assert dockerfile_checks.shipped(image_file("FROM a AS test\n")) is None
    assert dockerfile_checks.shipped(image_file("FROM a AS test\nFROM a\n")).index == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("start", "scripts"),
    [
        ('ENTRYPOINT ["/app/start.sh"]', ["start.sh"]),
        ('ENTRYPOINT ["tini", "--", "/docker-entrypoint.sh"]\nCMD ["gunicorn"]', ["docker-entrypoint.sh"]),
        ("CMD exec ./run.bash --x", ["run.bash"]),
        ("CMD bash -c 'exec /entrypoint'", ["entrypoint"]),
        ('CMD ["gunicorn", "a:b"]', []),
    ],
)
def test_scripts_of(start: str, scripts: list[str]) -> None:
    final = image_file(f"FROM python:3.12\n{start}\n").final
    assert final is not None and dockerfile_checks.scripts_of(final) == scripts


@pytest.mark.parametrize(
    ("words", "names", "local"),
    [
        ("-U pip", ["pip"], []),
        ("--no-cache-dir -r a.txt flask", ["flask"], []),
        ("--index-url https://x/ flask==1 .[all]", ["flask==1"], [".[all]"]),
        ("-e ./src", [], ["./src"]),
        ("git+https://x/y /wheels/*.whl dist/a.whl $NAME a@https://x", [], ["/wheels/*.whl", "dist/a.whl"]),
        ("--requirements r.txt -t /opt boto3", ["boto3"], []),
    ],
)
def test_packages(words: str, names: list[str], local: list[str]) -> None:
    assert installs._packages(words.split()) == (names, local)


# ---------------------------------------------------------------- compose


def scalar(text: str) -> Node:
    found = document(f"services:\n  a:\n    image: x\n    ports:\n    - {text}\n").root.get("services", "a", "ports", "0")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('"5432:5432"', ("", "5432", 5432)),
        ('"5432"', ("", "", 5432)),
        ('"127.0.0.1:5433:5432/tcp"', ("127.0.0.1", "5433", 5432)),
        ('"[::1]:1:2"', ("::1", "1", 2)),
        ('"8000-8010:9000-9010"', ("", "8000-8010", 9000)),
        ('"${PORT:-1}:2"', ("", "1", 2)),
        ('"${PORT}:2"', ("", "?", 2)),
        ('"${ADDRESS}:1:2"', None),
        ('"${ADDRESS:-127.0.0.1}:1:2"', ("127.0.0.1", "1", 2)),
        ('"${ALL}"', None),
        ("{target: 5432, published: '5433', host_ip: 127.0.0.1}", ("127.0.0.1", "5433", 5432)),
        ("{target: 5432}", None),
        ("1:2:3:4", None),
    ],
)
def test_port_of(text: str, port: tuple[str, str, int] | None) -> None:
    found = compose.port_of(scalar(text))
    assert (None if found is None else (found.address, found.host, found.inside)) == port


def test_references() -> None:
    text = "a $A ${B} ${C:-x} ${D:?no} $$E $${F} ${G-} ${H:-${I}} ${J"
    found = [(each.name, each.operator, each.word) for each in compose.references(text)]
    assert found == [("A", "", ""), ("B", "", ""), ("C", ":-", "x"), ("D", ":?", "no"), ("G", "-", ""), ("H", ":-", ""), ("I", "", "")]


def test_extends_in_the_same_file_is_followed_and_does_not_turn_in_circles() -> None:
    found = document(
        "services:\n  a: {extends: b}\n  b: {extends: {service: c}, image: x}\n"
        "  c: {extends: a, user: root}\n  d: {extends: {file: x.yaml, service: a}}\n"
    )
    a, _, _, d = compose.services(found)
    assert a.get("image") is not None and a.get("user") is not None and a.get("ports") is None
    assert d.get("image") is None


@pytest.mark.parametrize(
    ("service", "development"),
    [
        ("build: .", False),
        ("build: .\n    command: uvicorn a:b --reload", True),
        ("build: .\n    command: [python, manage.py, runserver]", True),
        ("build: {context: ., target: dev}", True),
        ("build: {context: ., dockerfile: Dockerfile.dev}", True),
        ("build: {context: ., args: {DEVEL: 'yes'}}", True),
        ("build: {context: ., args: {DEVEL: 'no'}}", False),
        ("image: postgres:17", True),
    ],
)
def test_files_for_development(service: str, development: bool) -> None:
    assert compose.is_for_development(document(f"services:\n  a:\n    {service}\n")) is development


# ---------------------------------------------------------------- Kubernetes

CHART = """{{- if .Values.on }}
kind: Deployment
apiVersion: apps/v1
spec:
  template:
    spec:
      containers:
        - name: whole
          image: "{{ .Values.image }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
        - name: open
          image: x
{{ include "probes" . | indent 10 }}
        - name: branch
          image: x
          {{- if .Values.probe }}
          livenessProbe: {}
          {{- end }}
      volumes:
        {{- toYaml .Values.volumes | nindent 8 }}
{{- end }}
"""


def test_holes_of_a_template() -> None:
    found = document(CHART, "chart/templates/web.yaml")
    (pod,) = kubernetes.pods(found)
    whole, opened, branch = kubernetes.containers_of(pod)
    assert [kubernetes.has_hole(found, each) for each in (whole, opened, branch)] == [False, True, False]


def test_pods_of_every_kind() -> None:
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: x}]}}
- {apiVersion: batch/v1, kind: CronJob, metadata: {name: b}, spec: {jobTemplate: {spec: {template: {spec: {containers: []}}}}}}
- {apiVersion: v1, kind: Service, metadata: {name: c}, spec: {ports: []}}
- {apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: d}, spec: {template: {spec: {containers: [{name: c}]}}}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: e}, spec: nothing}
"""
    assert [(pod.kind, pod.name, pod.patch) for pod in kubernetes.pods(document(text))] == [
        ("Pod", "a", False),
        ("CronJob", "b", False),
        ("Service", "d", True),
    ]


# ---------------------------------------------------------------- ignore files


@pytest.mark.parametrize(
    ("lines", "path", "out"),
    [
        ([".git"], ".git/config", True),
        (["*", "!src"], ".env", True),
        (["**/.env*"], ".env", True),
        (["!.git", "node_modules"], ".git/config", False),
    ],
)
def test_ignore_lines(lines: list[str], path: str, out: bool) -> None:
    assert Patterns(lines).match(path) is out
