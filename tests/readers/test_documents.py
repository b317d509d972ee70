"""Documents of every format: values, places to the code point, and what happens to what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from prodlint.facts import Comment, Document, Entry, Fact, File, Node, Problem, Source
from prodlint.readers import documents
from tests.limits import cpu_limit

EVERYTHING = frozenset({Document, Comment, Problem, Entry})


def facts(text: str, path: str = "a.yaml", kind: str = "yaml") -> list[Fact]:
    return list(documents.read(Source(text.encode()), File(path, kind), EVERYTHING))


def roots(text: str, path: str = "a.yaml", kind: str = "yaml") -> list[Node]:
    return [fact.root for fact in facts(text, path, kind) if isinstance(fact, Document)]


def plain(node: Node) -> Any:
    if node.kind == "mapping":
        return {key: plain(child) for key, child in node.members.items()}
    return [plain(child) for child in node.items] if node.kind == "sequence" else node.value


def problems(found: list[Fact]) -> list[tuple[str, int, int]]:
    return [(fact.kind, fact.span.line, fact.span.column) for fact in found if isinstance(fact, Problem)]


def at(node: Node | None) -> tuple[int, int, int, int]:
    assert node is not None
    return (node.span.line, node.span.column, node.span.end_line, node.span.end_column)


# ---------------------------------------------------------------- YAML


def test_yaml_types_are_those_of_1_2_and_old_booleans_stay_text() -> None:
    (root,) = roots("on: yes\na: off\nb: true\nc: 0x1f\nd: 22:22\ne: ~\nf: 1.50\ng: '1'\nh: 2024-01-01\ni: 0o17\n")
    assert plain(root) == {
        "on": "yes",
        "a": "off",
        "b": True,
        "c": 31,
        "d": "22:22",
        "e": None,
        "f": 1.5,
        "g": "1",
        "h": "2024-01-01",
        "i": 15,
    }
    assert root.text_at("f") == "1.50"
    found = root.get("g")
    assert found is not None and found.quoted


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_yaml_places_count_code_points(newline: str) -> None:
    text = newline.join(["größe: 'ü'  # 🎉 ja", "liste:", "  - é: 日本", "    z: [ä, b]", ""])
    (root,) = roots(text)
    assert at(root.get("größe")) == (1, 8, 1, 11)
    assert at(root.get("liste", "0", "é")) == (3, 8, 3, 10)
    assert at(root.get("liste", "0", "z", "1")) == (4, 12, 4, 13)
    assert at(root.get("liste", "0")) == (3, 5, 4, 14)
    found = root.get("liste")
    assert found is not None and (found.key_span.line, found.key_span.column, found.key_span.end_column) == (2, 1, 6)
    (comment,) = [fact for fact in facts(text) if isinstance(fact, Comment)]
    assert (comment.value, comment.span.column, comment.span.end_column) == ("🎉 ja", 13, 19)


def test_mappings_end_with_their_last_value() -> None:
    (root,) = roots("a:\n  b: 1\n  c: |\n    x\n    y\n\n# after\nd: 2\n")
    assert at(root.get("a")) == (2, 3, 5, 6)
    assert at(root.get("a", "c")) == (3, 6, 5, 6)


def test_comments_are_not_found_in_scalars() -> None:
    text = "a: 'x # no'\nb: |  # yes\n  # no\nc: x#no\n# yes\nd: \"#no\" # yes\ne: plain\n  more # yes\n"
    assert [fact.value for fact in facts(text) if isinstance(fact, Comment)] == ["yes"] * 4


def test_merged_values_have_the_path_of_their_use_and_the_place_where_they_are_written() -> None:
    text = "x-a: &a\n  image: one\n  env: {K: v}\nservices:\n  web:\n    <<: *a\n    image: two\n  job:\n    <<: [*a]\n"
    (root,) = roots(text)
    assert plain(root)["services"] == {"web": {"image": "two", "env": {"K": "v"}}, "job": {"image": "one", "env": {"K": "v"}}}
    assert at(root.get("services", "web", "env")) == (3, 8, 3, 14)
    assert at(root.get("services", "web", "image")) == (7, 12, 7, 15)
    merged = root.get("services", "web", "env", "K")
    assert merged is not None and merged.path == "services.web.env.K" and merged.line == 3


def test_aliases_stand_where_they_are_used_and_have_the_path_of_their_place() -> None:
    (root,) = roots("a: &x\n  k: 1\nb: *x\nc: [*x]\n")
    assert at(root.get("b")) == (3, 4, 3, 6)
    assert [node.path for node in root.walk()][1:] == ["a", "a.k", "b", "b.k", "c", "c.0", "c.0.k"]


def test_custom_tags_and_anchors_are_not_part_of_the_value() -> None:
    (root,) = roots("a: !Ref Name\nb: !reference [x, y]\nc: !!str 1\nd: &q !vault |\n  abc\ne: !!python/name:a.b\n")
    assert plain(root) == {"a": "Name", "b": ["x", "y"], "c": "1", "d": "abc\n", "e": ""}
    assert [child.tag for child in root.members.values()] == ["!Ref", "!reference", "", "!vault", ""]
    assert at(root.get("a")) == (1, 9, 1, 13)


def test_several_documents_are_numbered_and_empty_ones_left_out() -> None:
    found = [fact for fact in facts("---\na: 1\n---\n---\nb: 2\n") if isinstance(fact, Document)]
    assert [(fact.index, plain(fact.root)) for fact in found] == [(0, {"a": 1}), (2, {"b": 2})]


def test_a_key_given_twice_counts_the_second_time() -> None:
    (root,) = roots("a: 1\nb: 2\na: 3\n")
    assert plain(root) == {"b": 2, "a": 3}


def test_each_of_several_merge_keys_counts() -> None:
    (root,) = roots("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: &z {d: 4}\nw:\n  <<: *x\n  <<: [*y, *z]\n  c: 3\n")
    assert plain(root.members["w"]) == {"c": 3, "b": 2, "d": 4, "a": 1}


def test_odd_keys_do_not_raise() -> None:
    (root,) = roots("? [a, b]\n: 1\n? {c: d}\n: 2\n1: x\n'': y\n")
    assert len(root.members) == 4


def test_a_broken_document_is_a_problem_and_the_ones_before_it_are_read() -> None:
    found = facts("a: 1\n---\nb: [\n")
    assert problems(found) == [("syntax", 4, 1)]
    assert [plain(fact.root) for fact in found if isinstance(fact, Document)] == [{"a": 1}]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        '{"a":' * 5_000,
        "- " * 5_000 + "x",
        "\x00",
        "a: \x07",
        "%YAML 9\n---\na",
        "\t- a",
        "*nowhere",
        "a: *nowhere",
        "&a [*a]",
        "<<: 1",
        "<<: *x",
    ],
)
@pytest.mark.parametrize("kind", ["yaml", "json", "toml", "ini"])
def test_hostile_texts_never_raise(text: str, kind: str) -> None:
    with cpu_limit(20):
        for value in (text, f"x = {text}", f"x: {text}"):
            for fact in facts(value, f"a.{kind}", kind):
                assert 0 <= fact.start <= fact.end <= len(value.encode())


def test_a_billion_laughs_is_a_problem() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)]
    assert [kind for kind, *_ in problems(facts("\n".join(lines)))] == ["syntax"]


def test_a_huge_file_is_not_read() -> None:
    found = list(documents.read(Source(b" " * 17_000_000), File("a.json", "json"), EVERYTHING))
    assert [fact.kind for fact in found if isinstance(fact, Problem)] == ["size"]


def test_only_wanted_kinds_are_yielded() -> None:
    source = Source(b"a: 1 # c\n")
    for kind in (Document, Comment, Entry):
        assert {type(fact) for fact in documents.read(source, File("a.yaml", "yaml"), frozenset({kind}))} == {kind}


# ---------------------------------------------------------------- templates


HELM = """{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "é.name" . }}-web
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: web
          image: "{{ .Values.image }}:{{ .Values.tag }}"
          command:
            - sh
            - -c
            - |
              {{- if .Values.migrate }}
              alembic upgrade head
              {{- end }}
              exec web
{{- end }}
"""


def test_helm_templates_are_read_with_their_places() -> None:
    found = facts(HELM, "chart/templates/web.yaml")
    assert problems(found) == [("template", 1, 1)]
    (document,) = [fact for fact in found if isinstance(fact, Document)]
    assert document.template and document.kind == "kubernetes"
    container = document.root.get("spec", "template", "spec", "containers", "0")
    assert container is not None
    assert container.text_at("image") == "{{ .Values.image }}:{{ .Values.tag }}"
    assert at(container.get("image")) == (14, 18, 14, 57)
    assert document.root.text_at("metadata", "name") == '{{ include "é.name" . }}-web'
    assert "alembic upgrade head" in container.text_at("command", "2")


@pytest.mark.parametrize(
    "text",
    ["a: ${{ github.sha }}\n", 'a: "{{ value }}"\n', "a: |\n  {{ value }}\n  {% if x %}\n", "# {{ value }}\na: 1\n", "a: {b: {c: 1}}\n"],
)
def test_braces_in_strings_and_comments_make_no_template(text: str) -> None:
    found = facts(text)
    assert problems(found) == []
    assert [fact.template for fact in found if isinstance(fact, Document)] == [False]


def test_jinja_templates_are_read() -> None:
    found = facts("{% for x in y %}\n- name: {{ x }}\n{# note #}\n{% endfor %}\nb\n---\nk: {{ v }} # c\n", "t.yaml")
    assert [kind for kind, *_ in problems(found)] == ["template"]


def test_unclosed_braces_cost_no_time() -> None:
    with cpu_limit(20):
        facts("a: [\n" + "{{ " * 100_000)
        facts("{{ x }}\n" * 20_000 + "a: [")


# ---------------------------------------------------------------- JSON


def test_json_places_and_values() -> None:
    (root,) = roots('{"ä": [1, -2.5e3, true, null, "q\\u00e9\\n"],\r\n "b": {"c": "ü"}}', "a.json", "json")
    assert plain(root) == {"ä": [1, -2500.0, True, None, "qé\n"], "b": {"c": "ü"}}
    assert at(root.get("ä", "2")) == (1, 19, 1, 23)
    assert at(root.get("b", "c")) == (2, 13, 2, 16)
    assert at(root.get("ä")) == (1, 7, 1, 43)


def test_json_with_comments() -> None:
    found = facts('// one\n{"a": 1, /* two */ "b": "// no",}\n', "tsconfig.json", "json")
    assert [fact.value for fact in found if isinstance(fact, Comment)] == ["one", "two"]
    assert problems(found) == []


@pytest.mark.parametrize("text", ['{"a" 1}', '{"a": }', "[1 2]", "[1,, 2]", "{", '{"a": 1]', "[1] x", "nope", '{"a": 1, "b"}', '"a'])
def test_broken_json_is_a_problem(text: str) -> None:
    found = facts(text, "a.json", "json")
    assert [kind for kind, *_ in problems(found)] == ["syntax"]
    assert not [fact for fact in found if isinstance(fact, Document)]


def test_empty_json_is_nothing() -> None:
    assert facts(" \n", "a.json", "json") == []


# ---------------------------------------------------------------- TOML

TOML = '''title = "ü" # c1
[tool.x."a.b"]
k.l = [1, { m = 'n' }, # c2
  1979-05-27 07:32:00Z,]
text = """
two \\"# no\\" lines"""
[[tool.list]]
n = 1_000
[[tool.list]]
n = false
[tool.list.sub]
z = 0x1F
'''


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_toml_places_and_values(newline: str) -> None:
    text = TOML.replace("\n", newline)
    (root,) = roots(text, "a.toml", "toml")
    assert plain(root) == {
        "title": "ü",
        "tool": {
            "x": {"a.b": {"k": {"l": [1, {"m": "n"}, "1979-05-27 07:32:00Z"]}, "text": 'two "# no" lines'}},
            "list": [{"n": 1000}, {"n": False, "sub": {"z": 31}}],
        },
    }
    assert at(root.get("title")) == (1, 9, 1, 12)
    assert at(root.get("tool", "x", "a.b", "k", "l", "1", "m")) == (3, 17, 3, 20)
    assert at(root.get("tool", "list", "1", "n")) == (10, 5, 10, 10)
    assert [fact.value for fact in facts(text, "a.toml", "toml") if isinstance(fact, Comment)] == ["c1", "c2"]


def test_broken_toml_has_the_place_of_the_break() -> None:
    assert problems(facts('a = "ü"\nb = = 1\n', "a.toml", "toml")) == [("syntax", 2, 5)]


# ---------------------------------------------------------------- INI


def test_ini_sections_continuations_and_notes() -> None:
    text = "[alembic]\nscript_location = src ; note\nurl: postgresql://ü\n\n[flake8]\nignore =\n    E1\n    # in between\n    E2\n"
    (root,) = roots(text, "alembic.ini", "ini")
    assert plain(root) == {"alembic": {"script_location": "src", "url": "postgresql://ü"}, "flake8": {"ignore": "\nE1\nE2"}}
    assert at(root.get("alembic", "url")) == (3, 6, 3, 20)


def test_properties_need_no_section() -> None:
    (root,) = roots("a.b=1\n! note\nc = d\\\n  e\n", "x.properties", "ini")
    assert plain(root) == {"a.b": "1", "c": "de"}


# ---------------------------------------------------------------- paths and kinds


def test_find_and_match_path_agree() -> None:
    (root,) = roots("services:\n  a.b: {privileged: true}\n  c: {ports: [1, 2], deploy: {x: {privileged: 1}}}\n")
    assert [node.path for node in documents.find(root, "services.*.privileged")] == ["services.a.b.privileged"]
    assert [node.path for node in documents.find(root, "services.c.ports.*")] == ["services.c.ports.0", "services.c.ports.1"]
    assert [node.path for node in documents.find(root, "**.privileged")] == ["services.a.b.privileged", "services.c.deploy.x.privileged"]
    assert [node.path for node in documents.find(root, "services.a.b.privileged")] == ["services.a.b.privileged"]


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("services.*.privileged", "services.web.privileged", True),
        ("services.*.privileged", "services.web.x.privileged", False),
        ("**.privileged", "privileged", True),
        ("a.**.b", "a.b", True),
        ("a.**.b", "a.x.y.b", True),
        ("a.**", "a", True),
        ("a.**", "b", False),
        ("a", "a.b", False),
    ],
)
def test_match_path(pattern: str, path: str, fits: bool) -> None:
    assert documents.match_path(pattern, path) is fits


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("deploy/docker-compose.prod.yml", "services:\n  web: {image: x}\n", "compose"),
        ("stack.yaml", "services:\n  web: {image: x}\n", "compose"),
        ("infra/app.yaml", "services:\n  web: {image: x, ports: []}\n", "compose"),
        ("k8s/web.yaml", "apiVersion: v1\nkind: Pod\n", "kubernetes"),
        (".github/workflows/ci.yml", "on: push\njobs:\n  a: {runs-on: x}\n", "github-workflow"),
        (".github/workflows/test-docker-compose.yml", "on: push\njobs:\n  a: {runs-on: x}\n", "github-workflow"),
        ("action.yml", "name: x\nruns:\n  using: composite\n", "github-action"),
        (".gitlab-ci.yml", "a: {script: [x]}\n", "gitlab-ci"),
        (".circleci/config.yml", "version: 2.1\n", "circleci"),
        ("azure-pipelines.yml", "steps: []\n", "azure-pipelines"),
        (".pre-commit-config.yaml", "repos: []\n", "pre-commit"),
        (".github/dependabot.yml", "version: 2\n", "dependabot"),
        ("chart/values.yaml", "image: {}\n", "helm-values"),
        ("api/openapi.yaml", "openapi: 3.1.0\npaths: {}\n", "openapi"),
        ("rules.yaml", "groups:\n- name: a\n  rules:\n  - {alert: x, expr: y}\n", "prometheus-rules"),
        ("template.yaml", "Resources:\n  A: {Type: 'AWS::S3::Bucket'}\n", "cloudformation"),
        ("serverless.yml", "service: a\nprovider: {}\n", "serverless"),
        ("locales/de.yaml", "hello: Hallo\n", "i18n"),
        ("config.yaml", "a: 1\n", "other"),
        ("list.yaml", "- 1\n", "other"),
    ],
)
def test_kinds_of_yaml(path: str, text: str, kind: str) -> None:
    assert [fact.kind for fact in facts(text, path) if isinstance(fact, Document)] == [kind]


@pytest.mark.parametrize(
    ("path", "text", "reader", "kind"),
    [
        ("pyproject.toml", "a = 1", "toml", "pyproject"),
        ("uv.lock", "a = 1", "toml", "lock"),
        ("pylock.prod.toml", "a = 1", "toml", "lock"),
        ("Pipfile", "a = 1", "toml", "pipfile"),
        ("web/package.json", "{}", "json", "package-json"),
        ("package-lock.json", "{}", "json", "lock"),
        ("tox.ini", "[tox]\na=1", "ini", "tox"),
        ("setup.cfg", "[a]\nb=1", "ini", "setup-cfg"),
        ("alembic.ini", "[alembic]\na=1", "ini", "alembic"),
        ("supervisord.conf", "[program:web]\ncommand=x", "ini", "supervisord"),
        ("web.service", "[Service]\nExecStart=x", "systemd", "systemd"),
        ("Pipfile.lock", "{}", "lock", "lock"),
        ("poetry.lock", "a = 1", "lock", "lock"),
    ],
)
def test_kinds_of_other_formats(path: str, text: str, reader: str, kind: str) -> None:
    assert [fact.kind for fact in facts(text, path, reader) if isinstance(fact, Document)] == [kind]
