"""What CI assures before a release: scans (PRD908), bills of materials (PRD909), migrations (PRD910), verification (PRD911), updates (PRD925)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    commands,
    documents,
    project_check,
    project_fact,
)
from prodlint.checks.delivery.pipelines import KINDS, Job, Pipeline, Step, pipeline_of
from prodlint.facts import Call, Command, Document, Node
from prodlint.model import Evidence, Span

_CI_WORDS = ("jobs:", "script:", "steps:")
_CI_FILES = ("yaml", "jenkinsfile", "makefile", "shell", "toml", "ini")

# ---------------------------------------------------------------- what a step assures

# Programs and what they look through: packages ("dependencies"), images, the code itself.
_SCANNERS: Mapping[str, str] = {
    program: kind
    for kind, programs in {
        "dependencies": "pip-audit pip_audit safety osv-scanner snyk nancy dep-scan jake oysteR",
        "code": "bandit semgrep opengrep codeql bearer sonar-scanner horusec pysa gitleaks trufflehog",
        "image": "grype dockle docker-scout clair-scanner",
        "any": "trivy",
    }.items()
    for program in programs.split()
}
_SCAN_ACTIONS: Sequence[tuple[str, str]] = (
    ("actions/dependency-review-action", "dependencies"),
    ("pypa/gh-action-pip-audit", "dependencies"),
    ("google/osv-scanner-action", "dependencies"),
    ("google/osv-scanner", "dependencies"),
    ("snyk/actions", "dependencies"),
    ("pyupio/safety", "dependencies"),
    ("anchore/scan-action", "image"),
    ("docker/scout-action", "image"),
    ("azure/container-scan", "image"),
    ("aquasecurity/trivy-action", "any"),
    ("github/codeql-action", "code"),
    ("returntocorp/semgrep-action", "code"),
    ("semgrep/semgrep-action", "code"),
    ("pycqa/bandit-action", "code"),
    ("sonarsource/", "code"),
    ("gitleaks/gitleaks-action", "code"),
    ("trufflesecurity/trufflehog", "code"),
    ("deepsourcelabs/", "code"),
    ("ossf/scorecard-action", "code"),
    ("bridgecrewio/checkov-action", "code"),
    ("mend", "dependencies"),
    ("checkmarx", "code"),
    ("fossas/fossa-action", "dependencies"),
)
_SCAN_TEMPLATES = re.compile(
    r"Security/(?:Dependency-Scanning|SAST|Container-Scanning|Secret-Detection)|Dependency-Scanning\.|SAST\.|Container-Scanning\."
)
_SBOM = re.compile(
    r"cyclonedx|\bsyft\b|sbom-action|--sbom\b|\bsbom:\s*true|--provenance\b|provenance:\s*(?:true|mode)|actions/attest|attest-build-provenance|attest-sbom"
    r"|slsa-github-generator|docker\s+sbom|spdx|--format[= ](?:cyclonedx|spdx)|bom\s+generate",
    re.IGNORECASE,
)
_SMOKE = re.compile(
    r"smoke|post-?deploy|healthz?\b|/health|readyz?\b|rollout\s+status|verify[-_ ]deploy|wait-for-deploy|--wait\b|synthetic", re.IGNORECASE
)
_STAGING = re.compile(r"stag(?:e|ing)|\bstg\b|pre-?prod|\buat\b|\bqa\b|canary|preview", re.IGNORECASE)


def _scan_of(step: Step) -> Iterator[str]:
    for command in step.commands:
        kind = _SCANNERS.get(command.program, "")
        if command.program == "docker" and command.argv[:1] == ("scout",):
            kind = "image"
        if command.program in ("npm", "yarn", "pnpm", "uv", "poetry") and "audit" in command.argv[:2]:
            kind = "dependencies"
        if command.program == "ruff" and any("S" in word.split("=")[-1].split(",") for word in command.argv if "select" in word):
            kind = "code"
        if kind:
            yield kind
    yield from (kind for start, kind in _SCAN_ACTIONS if step.uses.startswith(start))


@collect("ci-assurance", on=[documents(*KINDS, "github-action")], required_literals=(*_CI_WORDS, "runs:"), files=("yaml",))
def assured(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """What the steps of a pipeline assure, one fact for each kind of it."""
    pipeline = pipeline_of(document)
    if pipeline is None:
        return
    found: dict[str, Job] = {}
    for job in pipeline.jobs.values():
        text = _said_in(job.node)
        for step in job.steps:
            for kind in _scan_of(step):
                found.setdefault(f"scan-{kind}", job)
            if any(kind for kind, _ in step.gates() if kind == "build") or any(kind == "publish" for kind, _ in step.releases()):
                found.setdefault("image", job)
            if any(kind == "deploy" for kind, _ in step.releases()):
                found.setdefault("deploy", job)
        found.update({name: job for name, seen in _marks(pipeline, job, text) if seen and name not in found})
    if document.kind == "gitlab-ci" and _SCAN_TEMPLATES.search(document.source.text):
        found.setdefault("scan-dependencies", next(iter(pipeline.jobs.values()), Job("", document.root)))
    if pipeline.unresolved or any(job.calls and not job.calls.startswith("./") for job in pipeline.jobs.values()):
        found.setdefault("unresolved", next(iter(pipeline.jobs.values()), Job("", document.root)))
    for name, job in found.items():
        at = ByteRange(document.source, job.node.key_start, job.node.key_end)
        yield ProjectFact("ci-assurance", context.file.path, document.source.span(at.start, at.end), name)


def _said_in(node: Node) -> str:
    """The keys and values of a document's part, one a line, however they are written."""
    said = []
    for each in node.walk():
        if each.key_end > each.key_start:
            key = each.source.slice(each.key_start, each.key_end).strip("\"'")
            said.append(f"{key}: {each.raw}" if each.kind == "scalar" else f"{key}:")
        elif each.kind == "scalar":
            said.append(f"- {each.raw}")
    return "\n".join(said)


def _marks(pipeline: Pipeline, job: Job, text: str) -> Iterator[tuple[str, bool]]:
    yield "sbom", _SBOM.search(text) is not None
    yield "smoke", _SMOKE.search(f"{job.name} {text}") is not None
    yield "staging", _STAGING.search(f"{job.name} {job.environment}") is not None
    yield "approval", bool(job.environment) or job.manual


def _seen(project: Project) -> dict[str, ProjectFact]:
    """The first place of each kind of assurance."""
    found: dict[str, ProjectFact] = {}
    for each in project.about("ci-assurance"):
        found.setdefault(each.words, each)
    return found


def _first_pipeline(project: Project) -> ProjectFact | None:
    """A pipeline that a change of the code starts; None where there is none, or where some system's files are not read."""
    return next((each for each in project.about("ci-pipeline") if each.get("automatic") and each.get("runs")), None)


# ---------------------------------------------------------------- PRD908


@project_check("PRD908", topics=("ci-assurance", "ci-pipeline"))
def scans_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """CI that looks for known holes neither in packages nor in images nor in the code."""
    first = _first_pipeline(project)
    if not project.environment.is_service or first is None or options.get("external"):
        return
    seen = _seen(project)
    scans = {name.removeprefix("scan-"): each for name, each in seen.items() if name.startswith("scan-")}
    for kind, each in scans.items():
        yield Evidence("PRD908", each.path, each.span, f"scans {'packages or images' if kind == 'any' else kind}")
    hooks = any(
        file.name == ".pre-commit-config.yaml" and re.search(rb"bandit|pip-audit|semgrep|gitleaks", project.read(file.path) or b"")
        for file in project.files
    )
    # A bot that keeps dependencies new opens a change for each of their holes.
    if not scans and not hooks and "unresolved" not in seen and not _has_bot(project):
        yield ProjectDiagnostic(first.path, first.span, "CI scans nothing for known vulnerabilities, and no bot proposes updates")


# Scanners that report and pass, unless they are told to fail.
@check(
    "PRD908",
    on=[commands("trivy", "grype", "semgrep", "opengrep", "gitleaks", "safety", "docker")],
    required_literals=["trivy", "grype", "semgrep", "opengrep", "gitleaks", "safety", "scout"],
    files=_CI_FILES,
)
def scan_that_cannot_fail(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`trivy image app` without `--exit-code 1`, `gitleaks --exit-code 0`."""
    if (
        command.origin not in ("ci", "makefile", "shell", "tox", "toml")
        or command.condition
        or command.operator_after in ("|", "|&")
        or command.masked
    ):
        return
    words = _toothless(command)
    if words:
        yield Diagnostic(command, f"`{command.program}` passes whatever it finds: {words}")


def _toothless(command: Command) -> str:
    program, argv = command.program, command.argv
    verb = next((word for word in argv if not word.startswith("-")), "")
    report = any(
        word in ("sarif", "json", "cyclonedx", "spdx-json", "github", "template") or word.endswith((".sarif", ".json")) for word in argv
    ) or any("format=" in word and "table" not in word for word in argv)
    if program == "trivy" and verb in ("image", "fs", "filesystem", "repo", "repository", "rootfs", "config", "k8s"):
        return (
            "no `--exit-code 1`" if command.flag("--exit-code") == -1 and "TRIVY_EXIT_CODE" not in command.settings and not report else ""
        )
    if program == "grype" and verb and verb not in ("db", "version", "explain", "completion"):
        return "no `--fail-on`" if command.flag("--fail-on", "-f") == -1 and not report else ""
    if program in ("semgrep", "opengrep") and verb != "ci" and verb not in ("login", "publish", "--version"):
        return (
            "no `--error`"
            if command.flag("--error", "--json", "--sarif", "--gitlab-sast") == -1 and not report and verb in ("scan", "", "auto")
            else ""
        )
    if program == "gitleaks" and command.flag_value("--exit-code") == "0":
        return "`--exit-code 0`"
    if program == "safety" and command.flag("--continue-on-error") != -1:
        return "`--continue-on-error`"
    if program == "docker" and argv[:2] == ("scout", "cves"):
        return "no `--exit-code`" if command.flag("--exit-code", "-e") == -1 and not report else ""
    return ""


@check("PRD908", on=[documents("github-workflow", "github-action")], required_literals=["trivy-action"], files=("yaml",))
def action_that_cannot_fail(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`aquasecurity/trivy-action` without `exit-code`, whose default is 0."""
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        steps = [step for step in job.steps if step.uses.startswith("aquasecurity/trivy-action")]
        codes = [step.node.text_at("with", "exit-code") or step.node.text_at("env", "TRIVY_EXIT_CODE") for step in steps]
        if any(code not in ("", "0") for code in codes):
            continue
        for step in steps:
            if (
                step.node.get("with", "exit-code") is None
                and step.node.text_at("with", "format") in ("", "table")
                and step.action is not None
            ):
                yield Diagnostic(step.action, "`trivy-action` passes whatever it finds: no `exit-code: 1`")


# ---------------------------------------------------------------- PRD909


@project_check("PRD909", topics=("ci-assurance", "ci-pipeline"))
def bill_of_materials_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Images that CI builds without an SBOM or an attestation."""
    seen = _seen(project)
    if "sbom" in seen:
        yield Evidence("PRD909", seen["sbom"].path, seen["sbom"].span, "makes an SBOM or an attestation")
    elif "image" in seen and project.environment.is_service and "unresolved" not in seen and not options.get("external"):
        yield ProjectDiagnostic(
            seen["image"].path, seen["image"].span, "CI builds an image without an SBOM or an attestation of its origin"
        )


# ---------------------------------------------------------------- PRD910

_MIGRATES: Mapping[str, Sequence[str]] = {
    "alembic": ("upgrade", "check"),
    "aerich": ("upgrade",),
    "yoyo": ("apply",),
    "piccolo": ("migrations",),
    "flyway": ("migrate", "validate"),
    "dbmate": ("up", "migrate"),
    "atlas": ("migrate",),
    "pytest-alembic": (),
}


@collect(
    "migrates",
    on=[commands("alembic", "aerich", "yoyo", "piccolo", "flyway", "dbmate", "atlas", "flask", "manage.py", "django-admin", "python")],
    required_literals=["alembic", "aerich", "yoyo", "piccolo", "flyway", "dbmate", "atlas", ("db", "upgrade"), "migrat"],
    files=_CI_FILES,
)
def migrates(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Commands that run or check migrations, in CI or in what CI calls."""
    argv = list(command.argv)
    program = command.program
    if program == "python" and argv and argv[0].endswith("manage.py"):
        program, argv = "manage.py", argv[1:]
    plain = [word for word in argv if not word.startswith("-")]
    runs = any(verb in plain for verb in _MIGRATES.get(program, ()))
    runs = runs or (program == "flask" and plain[:2] in (["db", "upgrade"], ["db", "check"]))
    runs = runs or (
        program in ("manage.py", "django-admin") and (plain[:1] == ["migrate"] or (plain[:1] == ["makemigrations"] and "--check" in argv))
    )
    if runs:
        yield project_fact("migrates", command, program, origin=command.origin)


@collect(
    "migrates",
    on=[calls("alembic.command.upgrade", "alembic.command.check", "pytest_alembic.*", "flask_migrate.upgrade", "aerich.Command")],
    required_literals=["alembic", "flask_migrate", "aerich"],
    files=("python",),
)
def migrates_in_tests(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Fixtures that bring a scratch database up to date."""
    if context.file.roles & {"test"} or context.file.name == "conftest.py":
        yield project_fact("migrates", call, call.name, origin="ci")


@project_check("PRD910", topics=("migrates", "ci-pipeline", "ci-assurance"))
def migrations_unchecked(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Migrations that are run for the first time in production."""
    first = _first_pipeline(project)
    own = [
        file
        for file in project.files
        if file.kind == "python" and "migration" in file.roles and not file.roles & {"test", "example", "vendored"}
    ]
    if first is None or not project.environment.is_service or len(own) < 2:
        return
    done = next((each for each in project.about("migrates") if each.get("origin") in ("ci", "makefile", "shell", "tox", "toml")), None)
    if done is not None:
        # A script may be what CI calls, and it may install the service by hand: it is not shown to be a check.
        checks = next((each for each in project.about("migrates") if each.get("origin") in ("ci", "tox")), None)
        if checks is not None:
            yield Evidence("PRD910", checks.path, checks.span, f"`{checks.words}` runs the migrations")
        return
    tested = any("test" in each.get("gates").split(",") for each in project.about("ci-pipeline"))
    if "django" in project.environment.packages and tested:
        # Django's test runner, pytest-django's too, makes its database by the migrations.
        return
    if "unresolved" in _seen(project) or any(each.get("unresolved") for each in project.about("ci-pipeline")):
        return
    yield ProjectDiagnostic(first.path, first.span, "CI runs no migration: they run on an empty database for the first time in production")


# ---------------------------------------------------------------- PRD911


@project_check("PRD911", topics=("ci-assurance",))
def release_unverified(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A deployment without a trial, a check afterwards or a person who decides."""
    seen = _seen(project)
    for name, words in (
        ("staging", "a place to try it first"),
        ("smoke", "a check after the deployment"),
        ("approval", "an environment that may ask a person"),
    ):
        if name in seen and "deploy" in seen:
            yield Evidence("PRD911", seen[name].path, seen[name].span, words)
    if "deploy" in seen and not {"staging", "smoke", "approval"} & set(seen):
        yield ProjectDiagnostic(
            seen["deploy"].path,
            seen["deploy"].span,
            "this deploys without staging, without a smoke test afterwards and without an approval",
        )


# ---------------------------------------------------------------- PRD925

_BOTS = (
    "renovate.json",
    "renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".pyup.yml",
    "updatecli.yaml",
    "updatecli.yml",
    ".mend.json",
    ".whitesource",
)
_ECOSYSTEMS: Sequence[tuple[str, tuple[str, ...], str]] = (
    (
        "Python packages",
        ("pip", "uv", "poetry", "pipenv"),
        r"(?:^|/)(?:pyproject\.toml|requirements[\w.-]*\.txt|Pipfile|uv\.lock|poetry\.lock)$",
    ),
    ("images", ("docker", "docker-compose"), r"(?:^|/)(?:Dockerfile|Containerfile)(?:\.[\w-]+)?$"),
    ("actions", ("github-actions",), r"^\.github/workflows/.*\.ya?ml$"),
)


def _has_bot(project: Project) -> bool:
    """Whether a bot is set up that proposes updates."""
    return any(file.name.lower() in _BOTS or file.path in (".github/dependabot.yml", ".github/dependabot.yaml") for file in project.files)


@collect("updates", on=[documents("dependabot")], required_literals=["package-ecosystem"], files=("yaml",))
def ecosystems(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """What dependabot.yml covers."""
    listed = document.root.get("updates")
    names = {each.text_at("package-ecosystem") for each in listed.items} if listed is not None else set[str]()
    yield project_fact("updates", document, " ".join(sorted(names)))


@collect(
    "updates-by-ci",
    on=[commands("uv", "poetry", "pip-compile", "pdm", "pipenv")],
    required_literals=["--upgrade", "poetry update", "pdm update", "pipenv update"],
    files=("yaml",),
)
def updated_by_a_job(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """A job that brings the lock up to date."""
    if command.origin == "ci" and ({"--upgrade", "-U", "update"} & set(command.argv)):
        yield project_fact("updates-by-ci", command, command.program)


@project_check("PRD925", topics=("updates", "updates-by-ci", "ci-pipeline", "ci-assurance"))
def updates_unconfigured(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """No bot that says when a dependency has a fix."""
    if not project.environment.is_service or options.get("external"):
        return
    bot = next((file for file in project.files if file.name.lower() in _BOTS), None)
    if bot is None and any(
        b'"renovate"' in (project.read(file.path) or b"") for file in project.named("package.json") if "/" not in file.path
    ):
        bot = next(iter(project.named("package.json")))
    by_hand = next(iter(project.about("updates-by-ci")), None)
    if bot is not None or by_hand is not None:
        path, span = (
            (bot.path, Span(1, 1, 1, 1))
            if bot is not None
            else (by_hand.path, by_hand.span)
            if by_hand is not None
            else ("", Span(1, 1, 1, 1))
        )
        yield Evidence("PRD925", path, span, "brings dependencies up to date")
        return
    bare = next((path for path in project.all_paths() if path.rpartition("/")[2].lower() in _BOTS), None)
    if bare is not None:  # `.renovaterc`, which no reader takes
        yield Evidence("PRD925", bare, Span(1, 1, 1, 1), "brings dependencies up to date")
        return
    known = next(iter(project.about("updates")), None)
    if known is None:
        # With a pipeline the finding is that nothing scans (PRD908); with a scan somebody hears of what must be updated.
        asked = options.get("bot") and (_first_pipeline(project) is None or options.get("each-ecosystem"))
        place = project.service_place() if asked else None
        if place is not None and not project.exists(".github/dependabot.yml"):
            yield ProjectDiagnostic(place[0], place[1], "no automated dependency updates: no Dependabot, no Renovate")
        return
    covered = set(known.words.split())
    missing = [
        words
        for words, names, pattern in _ECOSYSTEMS
        if not covered & set(names)
        and any(re.search(pattern, file.path) and not file.roles & {"test", "example", "docs", "vendored"} for file in project.files)
    ]
    if "Python packages" in missing or (missing and options.get("each-ecosystem")):
        yield ProjectDiagnostic(known.path, known.span, f"Dependabot does not look at {' nor at '.join(missing)}")
    else:
        yield Evidence("PRD925", known.path, known.span, "Dependabot proposes updates")
