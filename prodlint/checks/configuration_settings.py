"""Switches that weaken protection (PRD624) and variables that nobody documents (PRD642)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import Ask, Hit, Project, ProjectHit, Trace, check, collect, every, project_check, settings, trace
from prodlint.checks.configuration_places import deployed, weight_in
from prodlint.facts import Assignment, Collection, Constant, Setting
from prodlint.checks.truth import FALSY, TRUTHY
from prodlint.model import Evidence, Related

# Names whose truth takes protection away, and names whose falsehood does. Whole words, so that
# DISABLE_AUTHOR_PAGES is none of them.
_OFF_WHEN_TRUE = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:(?:DISABLE|SKIP|BYPASS|NO)_(?:AUTH|AUTHENTICATION|AUTHORIZATION|LOGIN|JWT_VERIFICATION|TOKEN_VERIFICATION|SIGNATURE_VERIFICATION|PERMISSIONS?|CSRF|SSL_VERIFY|TLS_VERIFY)"
    r"|AUTH_(?:DISABLED|BYPASS)|ALLOW_UNVERIFIED(?:_TOKENS?|_JWT)?|ALLOW_INSECURE(?:_[A-Z]+)?|TASK_ALWAYS_EAGER|ALWAYS_EAGER)$"
)
_OFF_WHEN_FALSE = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:AUTH_ENABLED|ENABLE_AUTH|AUTHENTICATION_ENABLED|REQUIRE_AUTH|AUTH_REQUIRED|VERIFY_(?:TOKENS?|JWT|SIGNATURES?|SSL|TLS|CERTS?|CERTIFICATES?)|(?:SSL|TLS|JWT|TOKEN|SIGNATURE)_VERIFY|(?:SSL|TLS)_VERIFICATION|CSRF_ENABLED)$"
)
ANCHORS = [
    "disable_", "skip_", "bypass", "no_auth", "auth_disabled", "allow_unverified", "allow_insecure", "always_eager",
    "auth_enabled", "enable_auth", "authentication_enabled", "require_auth", "auth_required", "verify", "_verification", "csrf_enabled",
]  # fmt: skip


def weakens(name: str, value: Any) -> bool:
    """Whether a switch of this name, with this value, takes protection away."""
    upper = name.upper()
    if isinstance(value, bool):
        on: bool | None = value
    else:
        text = str(value).strip().lower()
        on = True if text in TRUTHY else False if text in FALSY else None
    if on is None:
        return False
    return bool(_OFF_WHEN_TRUE.match(upper) if on else _OFF_WHEN_FALSE.match(upper))


@check("PRD624", on=[settings()], anchors=ANCHORS, files=("env", "yaml", "dockerfile", "systemd", "ini", "toml"))
def weakening_setting(setting: Setting, ask: Ask) -> Iterator[Hit]:
    """DISABLE_AUTH=true given to production."""
    if setting.value is not None and deployed(setting) and weakens(setting.name, setting.value):
        yield Hit(setting, f"`{setting.name}={setting.value}` takes a protection away")


@check("PRD624", on=[every(Assignment)], anchors=[*ANCHORS, "auth_password_validators"], files=("python",))
def weakening_assignment(assignment: Assignment, ask: Ask) -> Iterator[Hit]:
    """The same switches set in Python settings, and Django's password validators emptied."""
    if assignment.kind not in ("name", "annotated", "field", "subscript"):
        return
    in_settings = "settings" in ask.file.roles or assignment.scope.class_.endswith(("Settings", "Config")) or ".config[" in assignment.qualified
    if not in_settings or weight_in(assignment, ask) is False or assignment.scope.function:
        return
    value = assignment.value
    if isinstance(value, Constant) and isinstance(value.value, bool) and weakens(assignment.target, value.value):
        yield Hit(assignment, f"`{assignment.target} = {value.value}` takes a protection away")
    elif assignment.target == "AUTH_PASSWORD_VALIDATORS" and isinstance(value, Collection) and not value.items:
        yield Hit(assignment, "`AUTH_PASSWORD_VALIDATORS` is empty: any password is accepted", priority="P1")


# ---------------------------------------------------------------- PRD642

# Set by the platform, the shell or CI: nobody documents these.
_PLATFORM = re.compile(
    r"^(?:PATH|HOME|USER|USERNAME|SHELL|LANG|LC_.*|PWD|TMP|TEMP|TMPDIR|PORT|HOST|HOSTNAME|TZ|TERM|COLUMNS|LINES|EDITOR|DISPLAY|VIRTUAL_ENV|CONDA_.*|KUBERNETES_.*|AWS_.*|GOOGLE_.*|GCP_.*|GCLOUD_.*|AZURE_.*|K_SERVICE|K_REVISION"
    r"|CI|CI_.*|GITHUB_.*|GITLAB_.*|CIRCLE.*|TRAVIS.*|BUILDKITE.*|JENKINS_.*|PYTHON.*|PYTEST_.*|DJANGO_SETTINGS_MODULE|FLASK_.*|UVICORN_.*|GUNICORN_.*|WEB_CONCURRENCY|DYNO|HEROKU_.*|RENDER|RENDER_.*|VERCEL_?.*|FLY_.*|RAILWAY_.*|XDG_.*|APPDATA|LOCALAPPDATA"
    r"|SYSTEMROOT|COMSPEC|PROGRAMFILES.*|PROGRAMDATA|USERPROFILE|WINDIR|NO_COLOR|FORCE_COLOR|NO_PROXY|HTTPS?_PROXY|ALL_PROXY|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|OTEL_.*|DD_.*|SENTRY_.*|PROMETHEUS_.*|CUDA_.*|OMP_.*|MKL_.*|HF_.*|TOKENIZERS_PARALLELISM|LD_.*|DOCKER_.*)$"
)


@collect("env-read", on=[every(Setting)], anchors=["getenv", "environ", "basesettings", "decouple", "environs"], files=("python",))
def reads(setting: Setting, ask: Ask) -> Iterator[Trace]:
    """Environment variables that source code reads."""
    if setting.origin == "python" and not ask.file.roles & {"test", "example", "dev", "ci", "docs", "script", "migration"} and not _PLATFORM.match(setting.name):
        yield trace("env-read", setting, setting.name, default="yes" if setting.reference else "")


@collect("env-set", on=[every(Setting)], anchors=["environment", "env:", "variables:", "configmap", "=", "env ", "arg "], files=("env", "dockerfile", "systemd", "yaml"))
def sets(setting: Setting, ask: Ask) -> Iterator[Trace]:
    """Environment variables that an example file, compose, Kubernetes or a Dockerfile names."""
    if setting.origin != "python":
        yield trace("env-set", setting, setting.name)


@project_check("PRD642", topics=("env-read", "env-set"))
def undocumented(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectHit | Evidence]:
    """Variables that the code reads and no example file, deployment file or document names."""
    if not project.environment.is_service:
        return
    first: dict[str, Trace] = {}
    for read in project.about("env-read"):
        first.setdefault(read.words, read)
    known = {found.words.upper() for found in project.about("env-set")}
    missing = [name for name in first if name.upper() not in known]
    if len(first) < int(options.get("least", 3)) or not missing:
        return
    documents = b"\n".join(project.read(file.path) or b"" for file in project.files if file.name.lower().endswith((".md", ".rst", ".example", ".sample", ".template")))
    missing = [name for name in missing if name.upper().encode() not in documents and name.encode() not in documents]
    required = sorted((name for name in missing if not first[name].get("default")), key=lambda name: (first[name].path, first[name].span))
    if not required:
        return
    examples = [file for file in project.files if file.kind == "env"]
    shown = ", ".join(f"`{name}`" for name in required[:5]) + (f" and {len(required) - 5} more" if len(required) > 5 else "")
    at = first[required[0]]
    where = f"`{examples[0].path}` or any other" if examples else "any example env"
    related = tuple(Related(first[name].path, first[name].span, f"`{name}` is read here") for name in required[1:10])
    words = f"{shown} {'is' if len(required) == 1 else 'are'} read without a default and named in no {where.removeprefix('any ')} file, deployment file or document"
    yield ProjectHit(at.path, at.span, words, related=related)
