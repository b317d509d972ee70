"""Which commands guard a release, and which ones make it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prodlint.facts import Command

_BY_PROGRAM = {
    program: kind
    for kind, programs in {
        "test": "pytest py.test tox nox nose2 nosetests trial stestr behave robot jest vitest ctest phpunit rspec testify ward karma mocha",
        "lint": "flake8 pylint eslint hadolint actionlint zizmor shellcheck yamllint djlint curlylint lint-imports deptry stylelint "
        "golangci-lint prodlint interrogate pydocstyle pycodestyle pyflakes vulture xenon kube-linter kubeconform oxlint knip",
        "type": "mypy pyright basedpyright pytype pyre pyrefly vue-tsc",
        "scan": "bandit pip-audit semgrep trivy grype gitleaks trufflehog osv-scanner checkov tfsec dockle detect-secrets-hook pip_audit",
        "migrate": "alembic-autogen-check",
    }.items()
    for program in programs.split()
}

# Programs with verbs: the words that must follow, in order, flags left out.
_BY_VERB: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("ruff", ("check",), "lint"),
    ("ty", ("check",), "type"),
    ("zuban", ("check",), "type"),
    ("hatch", ("test",), "test"),
    ("rye", ("test",), "test"),
    ("rye", ("lint",), "lint"),
    ("coverage", ("run",), "test"),
    ("unittest", (), "test"),
    ("flask", ("test",), "test"),
    ("flask", ("lint",), "lint"),
    ("go", ("test",), "test"),
    ("cargo", ("test",), "test"),
    ("bun", ("test",), "test"),
    ("deno", ("test",), "test"),
    ("playwright", ("test",), "test"),
    ("cypress", ("run",), "test"),
    ("dotnet", ("test",), "test"),
    ("mvn", ("test",), "test"),
    ("django-admin", ("test",), "test"),
    ("pre-commit", ("run",), "lint"),
    ("prek", ("run",), "lint"),
    ("safety", ("check",), "scan"),
    ("safety", ("scan",), "scan"),
    ("snyk", ("test",), "scan"),
    ("npm", ("audit",), "scan"),
    ("yarn", ("audit",), "scan"),
    ("pnpm", ("audit",), "scan"),
    ("uv", ("audit",), "scan"),
    ("sqlfluff", ("lint",), "lint"),
    ("helm", ("lint",), "lint"),
    ("terraform", ("validate",), "lint"),
    ("poetry", ("check",), "lint"),
    ("uv", ("lock",), ""),
    ("docker", ("build",), "build"),
    ("docker", ("buildx", "build"), "build"),
    ("docker", ("buildx", "bake"), "build"),
    ("docker", ("compose", "build"), "build"),
    ("docker-compose", ("build",), "build"),
    ("podman", ("build",), "build"),
    ("buildah", ("bud",), "build"),
    ("buildah", ("build",), "build"),
    ("kaniko", (), "build"),
    ("build", (), "build"),
    ("poetry", ("build",), "build"),
    ("uv", ("build",), "build"),
    ("alembic", ("upgrade",), "migrate"),
    ("alembic", ("check",), "migrate"),
    ("aerich", ("upgrade",), "migrate"),
    ("flask", ("db", "upgrade"), "migrate"),
    ("piccolo", ("migrations", "forwards"), "migrate"),
    ("prisma", ("migrate", "deploy"), "migrate"),
    ("django-admin", ("migrate",), "migrate"),
)
_VERBS: dict[str, list[tuple[tuple[str, ...], str]]] = {}
for _program, _verbs, _category in _BY_VERB:
    _VERBS.setdefault(_program, []).append((_verbs, _category))

_MANAGE = {"test": "test", "migrate": "migrate", "makemigrations": "migrate", "check": "lint"}
# `make test`, `npm run lint`, `just typecheck`: the name of a task says what it is.
_RUNNERS = frozenset(
    "make gmake just task npm yarn pnpm bun inv invoke poe nx turbo lerna mise mage earthly dagger rake pants bazel doit".split()
)
_TASKS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("test", re.compile(r"(?:^|[-_:/.+])(?:tests?|unittests?|pytest|e2e|coverage|cov)(?:$|[-_:/.@*])")),
    (
        "lint",
        re.compile(
            r"(?:^|[-_:/.+])(?:lint|lints|linting|linters|flake8|ruff|eslint|style|check-format|format-check|pre-commit)(?:$|[-_:/.@*])"
        ),
    ),
    ("type", re.compile(r"(?:^|[-_:/.+])(?:mypy|types?|typing|typecheck|type-check|check-types|pyright|tsc)(?:$|[-_:/.@*])")),
    ("scan", re.compile(r"(?:^|[-_:/.+])(?:security|audit|bandit)(?:$|[-_:/.@*])")),
    ("migrate", re.compile(r"(?:^|[-_:/.+])(?:migrate|migrations?)(?:$|[-_:/.@*])")),
)
_NO_GATE_TASKS = re.compile(
    r"clean|down|stop|report|upload|fixture|setup|install|data|format$|fmt|fix|server|serve|watch|prepare|deps|env|gen|logs"
)
# A flag that makes a checker rewrite, list or explain instead of judge.
_NOT_JUDGING = frozenset(
    "--fix --fix-only --unsafe-fixes --write -w --version --help -h --install-hooks --add-noqa --collect-only --co --fixtures --listenvs -l "
    "--list -i --in-place --generate-config --dump --print-config --update-baseline --install-types --watch --setup-only --setup-plan".split()
)
_NODE_CHECKS = {"black": ("lint", "--check"), "isort": ("lint", "--check"), "prettier": ("lint", "--check"), "tsc": ("type", "")}


def gate_of(command: Command) -> str:
    """What the command guards: "test", "lint", "type", "scan", "build" or "migrate"; "" for anything else. Of several, tests go first."""
    kinds = gates_of(command)
    return "test" if "test" in kinds else kinds[0] if kinds else ""


def gates_of(command: Command) -> tuple[str, ...]:
    """All that the command guards: `make lint test`, `nox -s tests lint` and `tox -e py313,lint` guard two things."""
    program, words = _inner(command)
    if any(flag in _NOT_JUDGING for flag in words):
        return ()
    kinds = _kinds(program, words)
    if not kinds and _PROJECT_RUNNERS & set(command.through):
        # `hatch run test` starts a script of the project's own.
        kinds = [_task_kind((program,))]
    return tuple(dict.fromkeys(kind for kind in kinds if kind))


_PROJECT_RUNNERS = frozenset(("hatch", "pdm", "rye", "pixi"))
# Sessions of nox and environments of tox that guard nothing. What others are called says no more than that somebody checks something.
_NO_SESSION = re.compile(r"docs?|sphinx|build|release|publish|bump|clean|dev|deps|requirements|format|fmt|serve")
_VALUE_BEHIND = frozenset(
    ("-C", "-f", "-j", "-I", "-o", "-W", "--directory", "--file", "--jobs", "--justfile", "--working-directory", "-d")
)


def _kinds(program: str, words: Sequence[str]) -> list[str]:
    if program in ("tox", "nox"):
        named = _sessions(program, words)
        kinds = [
            next((kind for kind, task in _TASKS[1:] if task.search(name)), "") or ("" if _NO_SESSION.match(name) else "test")
            for name in named
        ]
        return kinds if named else ["test"]
    if program in _SEVERAL_TARGETS:
        return [_task_kind((word,)) for word in targets_of(words)]
    kind = _kind(program, words)
    return [kind] if kind else []


# Runners to which several targets may be given at once.
_SEVERAL_TARGETS = frozenset(("make", "gmake", "just", "mage", "earthly", "rake", "invoke", "inv", "doit"))


def targets_of(words: Sequence[str]) -> list[str]:
    """The targets that `make` and its kin are given: no options, no values of options, no `NAME=value`."""
    found: list[str] = []
    before = ""
    for word in words:
        if not word.startswith("-") and "=" not in word and before not in _VALUE_BEHIND:
            found.append(word)
        before = word
    return found


def _sessions(program: str, words: Sequence[str]) -> list[str]:
    """The sessions of nox, the environments of tox that a command names."""
    flags = ("-s", "--session", "--sessions", "-e", "--env") if program == "nox" else ("-e", "--env", "-f", "--factor")
    found: list[str] = []
    naming = False
    for word in words:
        if word == "--":
            break
        flag, equals, value = word.partition("=")
        if word.startswith("-"):
            naming = flag in flags and not equals
            found += re.split(r"[,\s]+", value) if equals and flag in flags else []
        elif naming:
            found += re.split(r"[,\s]+", word)
            naming = program == "nox"
    return [name.lower() for name in found if name]


def _kind(program: str, words: Sequence[str]) -> str:
    if program in _BY_PROGRAM:
        return _BY_PROGRAM[program]
    plain = tuple(word for word in words if not word.startswith("-"))
    if program in _NODE_CHECKS:
        kind, flag = _NODE_CHECKS[program]
        checks = {"--check", "--check-only", "--diff", "-c", "--list-different", "-l"} & set(words)
        return kind if not flag or checks else ""
    if program == "ruff":
        return "lint" if plain[:1] == ("check",) or (plain[:1] == ("format",) and {"--check", "--diff"} & set(words)) else ""
    for verbs, kind in _VERBS.get(program, ()):
        if plain[: len(verbs)] == verbs:
            return kind
    if program.endswith("manage.py") or (program == "python" and plain[:1] and plain[0].endswith("manage.py")):
        verb = plain[1:2] if program == "python" else plain[:1]
        kind = _MANAGE.get(verb[0], "") if verb else ""
        return "" if kind == "migrate" and verb == ("makemigrations",) and not {"--check", "--dry-run"} & set(words) else kind
    if program.endswith((".sh", ".bash")) or (program in ("bash", "sh") and plain[:1] and plain[0].endswith((".sh", ".bash"))):
        return named_gate(program if program.endswith("sh") and "." in program else plain[0])
    if program in _RUNNERS:
        return _task_kind(plain[1:] if plain[:1] in (("run",), ("run-script",)) else plain)
    return ""


def _task_kind(words: Sequence[str]) -> str:
    for word in words:
        if word.startswith(("$", "--")) or "=" in word or _NO_GATE_TASKS.search(word.lower()):
            continue
        for kind, task in _TASKS:
            if task.search(word.lower()):
                return kind
        if word.lower() in ("check", "verify", "validate", "qa"):
            return "lint"
        if word.lower() in ("build", "image", "docker-build", "build-image"):
            return "build"
    return ""


# Without an argument these take the dependencies of the project, not a tool.
_INSTALLS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("pip", ("install",)),
    ("uv", ("sync",)),
    ("uv", ("pip", "install")),
    ("uv", ("pip", "sync")),
    ("poetry", ("install",)),
    ("pipenv", ("install",)),
    ("pipenv", ("sync",)),
    ("pdm", ("sync",)),
    ("npm", ("ci",)),
    ("npm", ("install",)),
    ("apt-get", ("install",)),
    ("apk", ("add",)),
)


def installs(command: Command) -> bool:
    """Whether the command installs what an image is made for."""
    plain = tuple(word for word in command.argv if not word.startswith("-"))
    return any(command.program == program and plain[: len(verbs)] == verbs for program, verbs in _INSTALLS)


def named_gate(text: str) -> str:
    """What the name of a script, job or workflow says it guards."""
    lowered = text.lower().rsplit("/", 1)[-1].removesuffix(".sh").removesuffix(".bash")
    return next((kind for kind, task in _TASKS if task.search(lowered.replace(" ", "-"))), "")


def _inner(command: Command) -> tuple[str, tuple[str, ...]]:
    """The command that runs inside `docker compose run web pytest` or `kubectl exec pod -- alembic upgrade head`."""
    program, words = command.program, command.argv
    if program in ("docker", "docker-compose", "podman", "kubectl", "podman-compose") and ({"run", "exec"} & set(words)):
        if program == "kubectl" and "--" in words:
            rest = words[words.index("--") + 1 :]
            return (rest[0], tuple(rest[1:])) if rest else (program, words)
        for index, word in enumerate(words):
            name = word.rsplit("/", 1)[-1]
            if name in ("python", "python3") and index + 1 < len(words):
                rest = words[index + 1 :]
                return (rest[1], tuple(rest[2:])) if rest[0] == "-m" and len(rest) > 1 else ("python", tuple(rest))
            if index and not word.startswith("-") and (name in _BY_PROGRAM or name in ("alembic", "ruff", "tsc", "manage.py")):
                return name, tuple(words[index + 1 :])
    return program, words


# ---------------------------------------------------------------- releases

_DEPLOYS: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("kubectl", ("apply",), "deploy"),
    ("kubectl", ("set", "image"), "deploy"),
    ("kubectl", ("replace",), "deploy"),
    ("kubectl", ("rollout", "restart"), "deploy"),
    ("helm", ("upgrade",), "deploy"),
    ("helm", ("install",), "deploy"),
    ("helmfile", ("apply",), "deploy"),
    ("helmfile", ("sync",), "deploy"),
    ("argocd", ("app", "sync"), "deploy"),
    ("terraform", ("apply",), "deploy"),
    ("tofu", ("apply",), "deploy"),
    ("terragrunt", ("apply",), "deploy"),
    ("pulumi", ("up",), "deploy"),
    ("cdk", ("deploy",), "deploy"),
    ("sam", ("deploy",), "deploy"),
    ("serverless", ("deploy",), "deploy"),
    ("sls", ("deploy",), "deploy"),
    ("chalice", ("deploy",), "deploy"),
    ("zappa", ("update",), "deploy"),
    ("zappa", ("deploy",), "deploy"),
    ("copilot", ("deploy",), "deploy"),
    ("eb", ("deploy",), "deploy"),
    ("ecs", ("deploy",), "deploy"),
    ("fastapi", ("deploy",), "deploy"),
    ("aws", ("ecs", "update-service"), "deploy"),
    ("aws", ("lambda", "update-function-code"), "deploy"),
    ("aws", ("cloudformation", "deploy"), "deploy"),
    ("aws", ("elasticbeanstalk", "update-environment"), "deploy"),
    ("gcloud", ("run", "deploy"), "deploy"),
    ("gcloud", ("app", "deploy"), "deploy"),
    ("gcloud", ("functions", "deploy"), "deploy"),
    ("az", ("webapp", "deploy"), "deploy"),
    ("az", ("webapp", "up"), "deploy"),
    ("az", ("containerapp", "update"), "deploy"),
    ("az", ("containerapp", "up"), "deploy"),
    ("fly", ("deploy",), "deploy"),
    ("flyctl", ("deploy",), "deploy"),
    ("railway", ("up",), "deploy"),
    ("vercel", ("deploy",), "deploy"),
    ("heroku", ("container:release",), "deploy"),
    ("kamal", ("deploy",), "deploy"),
    ("cap", ("production", "deploy"), "deploy"),
    ("dokku", ("git:from-image",), "deploy"),
    ("ansible-playbook", (), "deploy"),
    ("docker", ("stack", "deploy"), "deploy"),
    ("docker", ("push",), "publish"),
    ("docker", ("compose", "push"), "publish"),
    ("docker-compose", ("push",), "publish"),
    ("podman", ("push",), "publish"),
    ("buildah", ("push",), "publish"),
    ("skopeo", ("copy",), "publish"),
    ("crane", ("push",), "publish"),
    ("ko", ("build",), "publish"),
    ("ko", ("apply",), "deploy"),
    ("cf", ("push",), "deploy"),
    ("nomad", ("job", "run"), "deploy"),
    ("twine", ("upload",), "publish"),
    ("uv", ("publish",), "publish"),
    ("poetry", ("publish",), "publish"),
    ("hatch", ("publish",), "publish"),
    ("flit", ("publish",), "publish"),
    ("pdm", ("publish",), "publish"),
)
_RELEASES: dict[str, list[tuple[tuple[str, ...], str]]] = {}
for _program, _verbs, _category in _DEPLOYS:
    _RELEASES.setdefault(_program, []).append((_verbs, _category))

# GitHub actions that release: (start of the name, what they do).
RELEASE_ACTIONS: Sequence[tuple[str, str]] = (
    ("pypa/gh-action-pypi-publish", "publish"),
    ("aws-actions/amazon-ecs-deploy-task-definition", "deploy"),
    ("aws-actions/aws-cloudformation-github-deploy", "deploy"),
    ("aws-actions/aws-lambda-deploy", "deploy"),
    ("azure/webapps-deploy", "deploy"),
    ("azure/container-apps-deploy-action", "deploy"),
    ("azure/k8s-deploy", "deploy"),
    ("azure/functions-action", "deploy"),
    ("google-github-actions/deploy-cloudrun", "deploy"),
    ("google-github-actions/deploy-appengine", "deploy"),
    ("google-github-actions/deploy-cloud-functions", "deploy"),
    ("akhileshns/heroku-deploy", "deploy"),
    ("digitalocean/app_action", "deploy"),
    ("einaregilsson/beanstalk-deploy", "deploy"),
    ("bobheadxi/deployments", ""),
)


def release_of(command: Command) -> str:
    """What the command releases: "deploy" (something that runs), "publish" (an image or a package), or ""."""
    plain = [word for word in command.argv if not word.startswith("-")]
    if command.program in ("kubectl", "helm", "terraform") and any("dry-run" in word for word in command.argv):
        return ""
    for verbs, kind in _RELEASES.get(command.program, ()):
        if _follows(plain, verbs):
            return kind
    if command.program == "docker" and "--push" in command.argv:
        return "publish"
    if command.program == "vercel" and "--prod" in command.argv:
        return "deploy"
    if command.program == "git" and plain[:1] == ["push"] and any("heroku" in word or "dokku" in word for word in plain):
        return "deploy"
    if command.program == "ssh" and any(
        "docker compose" in word or "docker-compose" in word or "systemctl restart" in word for word in command.argv
    ):
        return "deploy"
    return ""


def _follows(words: Sequence[str], verbs: Sequence[str]) -> bool:
    """The verbs in order among the first words; values of flags may stand between them."""
    position = 0
    for verb in verbs:
        try:
            position = list(words[: position + 4]).index(verb, position) + 1
        except ValueError:
            return False
    return True
