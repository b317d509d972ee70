"""What kind of document a tree is: by the file's name first, then by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prodlint.facts import DocumentKind, Node

_COMPOSE_NAME = re.compile(
    r"(?:docker-)?compose[-._a-z0-9]*\.ya?ml(?:[-.](?:example|sample|template|dist|tmpl))?|(?:docker-)?stack[-._a-z0-9]*\.ya?ml",
    re.IGNORECASE,
)
_LOCK_NAMES = frozenset(
    "poetry.lock uv.lock pdm.lock pipfile.lock package-lock.json npm-shrinkwrap.json pnpm-lock.yaml cargo.lock bun.lock composer.lock "
    "flake.lock conda-lock.yml deno.lock .terraform.lock.hcl pixi.lock".split()
)
_NAMES: Mapping[str, DocumentKind] = {
    "pyproject.toml": "pyproject",
    "pipfile": "pipfile",
    "cargo.toml": "cargo",
    "package.json": "package-json",
    "tox.ini": "tox",
    "setup.cfg": "setup-cfg",
    "mkdocs.yml": "mkdocs",
    "mkdocs.yaml": "mkdocs",
    ".pre-commit-config.yaml": "pre-commit",
    ".pre-commit-config.yml": "pre-commit",
    ".pre-commit-hooks.yaml": "other",
    "dependabot.yml": "dependabot",
    "dependabot.yaml": "dependabot",
    ".gitlab-ci.yml": "gitlab-ci",
    ".gitlab-ci.yaml": "gitlab-ci",
}
_TERRAFORM = (".tf", ".tofu", ".tfvars", ".hcl", ".tf.json", ".tofu.json", ".tfvars.json", ".tfstate", ".tfstate.backup")
_SERVICE_KEYS = frozenset(
    "image build command entrypoint ports volumes environment env_file depends_on healthcheck restart extends deploy networks".split()
)
_I18N_FOLDERS = frozenset("i18n locale locales lang langs translations l10n messages".split())


def kind_of(path: str, root: Node) -> DocumentKind:
    """What kind of document this is, by its name first and by what it holds."""
    parts = path.lower().split("/")
    name = parts[-1]
    if name in _LOCK_NAMES or (name.startswith("pylock.") and name.endswith(".toml")) or name.endswith(".lock"):
        return "lock"
    if name in _NAMES:
        return _NAMES[name]
    if name.endswith(_TERRAFORM):
        return "terraform"
    if name.endswith(".ipynb"):
        return "notebook"
    if name.endswith((".service", ".timer", ".socket", ".container")):
        return "systemd"
    if root.kind != "mapping":
        return _kind_of_list(root)
    has = root.members
    if name.endswith((".ini", ".cfg", ".conf", ".properties")):
        if "alembic" in has and has["alembic"].kind == "mapping":
            return "alembic"
        if any(key.startswith(("program:", "watcher:")) or key == "supervisord" for key in has):
            return "supervisord"
        if "tox" in has:
            return "tox"
        return "other"
    for kind, holds in _BY_CONTENT:
        if holds(parts, root):
            return kind
    return "other"


def _kind_of_list(root: Node) -> DocumentKind:
    if root.kind == "sequence" and root.items:
        first = root.items[0]
        if first.get("repo") is not None and first.get("hooks") is not None:
            return "pre-commit"
    return "other"


def _is_text(node: Node | None) -> bool:
    return node is not None and node.kind == "scalar" and bool(node.raw)


def _is_workflow(parts: list[str], root: Node) -> bool:
    jobs = root.get("jobs")
    if jobs is None or jobs.kind != "mapping":
        return False
    in_folder = parts[-2:-1] in (["workflows"], ["workflow-templates"])
    if ".github" in parts and (not in_folder or parts[0] != ".github"):
        return False  # GitHub runs what lies in that folder at the top, and nothing in `.github/disabled-workflows` or `template/.github/workflows`
    if ".github" in parts and not parts[-1].lower().endswith((".yml", ".yaml")):
        return False  # nor `deploy.yml.bak`
    if in_folder and "on" in root.members:
        return True
    return "on" in root.members and any(job.get("runs-on") is not None or job.get("uses") is not None for job in jobs.members.values())


def _is_compose(parts: list[str], root: Node) -> bool:
    services = root.get("services")
    if _COMPOSE_NAME.fullmatch(parts[-1]) and not ({"on", "jobs"} <= set(root.members)):
        return services is not None or "include" in root.members or any(key.startswith("x-") for key in root.members)
    if services is None or services.kind != "mapping" or "jobs" in root.members or not services.members:
        return False
    known = [service for service in services.members.values() if service.kind == "mapping" and _SERVICE_KEYS & service.members.keys()]
    return bool(known) and any(service.get("image") is not None or service.get("build") is not None for service in known)


def _is_gitlab(parts: list[str], root: Node) -> bool:
    if parts[-1].endswith((".gitlab-ci.yml", ".gitlab-ci.yaml")) or ".gitlab-ci" in parts or (".gitlab" in parts and "ci" in parts):
        return True
    return "stages" in root.members and any(
        job.kind == "mapping" and job.get("script") is not None and job.get("stage") is not None for job in root.members.values()
    )


def _is_prometheus(parts: list[str], root: Node) -> bool:
    groups = root.get("groups")
    return (
        groups is not None
        and groups.kind == "sequence"
        and any(
            rule.get("expr") is not None and (rule.get("alert") is not None or rule.get("record") is not None)
            for group in groups.items
            for rule in (group.get("rules") or group).items
        )
    )


def _is_cloudformation(parts: list[str], root: Node) -> bool:
    resources = root.get("Resources")
    return "AWSTemplateFormatVersion" in root.members or (
        resources is not None and any(item.text_at("Type").startswith("AWS::") for item in resources.members.values())
    )


def _is_i18n(parts: list[str], root: Node) -> bool:
    if not _I18N_FOLDERS & set(parts[:-1]):
        return False
    return all(node.kind == "mapping" or (node.kind == "scalar" and isinstance(node.value, (str, type(None)))) for node in root.walk())


_BY_CONTENT: tuple[tuple[DocumentKind, Callable[[list[str], Node], bool]], ...] = (
    ("github-workflow", _is_workflow),
    ("github-action", lambda parts, root: parts[-1] in ("action.yml", "action.yaml") and root.get("runs") is not None),
    ("circleci", lambda parts, root: len(parts) > 1 and parts[-2] == ".circleci"),
    ("azure-pipelines", lambda parts, root: "azure-pipelines" in parts[-1] or ".azure-pipelines" in parts or ".azuredevops" in parts),
    ("kubernetes", lambda parts, root: _is_text(root.get("apiVersion")) and _is_text(root.get("kind"))),
    ("compose", _is_compose),
    ("gitlab-ci", _is_gitlab),
    ("openapi", lambda parts, root: ("openapi" in root.members or "swagger" in root.members) and "paths" in root.members),
    ("prometheus-rules", _is_prometheus),
    ("cloudformation", _is_cloudformation),
    ("serverless", lambda parts, root: parts[-1].startswith("serverless.") and "provider" in root.members),
    ("helm-values", lambda parts, root: re.fullmatch(r"(?:.*[-_.])?values(?:[-_.].*)?\.ya?ml", parts[-1]) is not None),
    ("i18n", _is_i18n),
)
