"""What kind of file this is: production, test, example, development, CI, generated. Computed once, before rules run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from prodlint.configuration.patterns import Patterns
from prodlint.facts import FileKind, FileRole

NONE: frozenset[FileRole] = frozenset()

# Directories by name, at any depth.
_BY_DIRECTORY: dict[FileRole, str] = {
    "test": ".semgrep tests test testing unittests unittest regtest __tests__ specs spec e2e fixtures testdata __mocks__ mocks cypress playwright loadtest loadtests load-test load-tests load_tests locust factories testutils test_utils",
    "example": "examples example samples sample demos demo tutorials tutorial cookbook cookbooks quickstart quickstarts snippets docs_src",
    "docs": "docs doc documentation",
    "dev": ".devcontainer devcontainer devservices dev devel development .vscode .idea .claude .cursor .agents",
    "ci": ".github .gitea .forgejo .gitlab .circleci .buildkite .woodpecker .azure-pipelines .teamcity .ci ci",
    "generated": "generated __generated__ _generated autogen",
    "vendored": "vendor vendored _vendor _vendored third_party third-party thirdparty 3rdparty node_modules site-packages bower_components",
    "script": "scripts bin benchmarks benchmark bench benches eval",
    "migration": "migrations _migrations",
    "settings": "settings",
    "command": "cli",
}
_DIRECTORIES = {name: role for role, names in _BY_DIRECTORY.items() for name in names.split()}
# Names that mean this only at the top: below, `tools/` is where an agent's tools live and `sandbox/` where they run.
_AT_THE_TOP: dict[str, FileRole] = {
    "script": "script",
    "tools": "script",
    "tool": "script",
    "hack": "script",
    "devtools": "script",
    "dev-tools": "script",
    "extras": "script",
    "contrib": "script",
    "evaluation": "script",
    "evaluations": "script",
    "evals": "script",
    "noxfiles": "dev",
    "sandbox": "dev",
    "playground": "dev",
}
_EXAMPLE_STARTS = (
    "example_",
    "example-",
    "examples_",
    "examples-",
    "sample-",
    "sample_app",
    "sample_project",
    "samples_",
    "demo-app",
    "demo_app",
)
# Where what runs in production is described. Says nothing about Python code below it.
_DEPLOYMENT = frozenset(
    "k8s kubernetes helm charts chart manifests kustomize deploy deployment deployments ops infra infrastructure terraform ansible"
    " argocd gitops flux prod production live".split()
)
_SETTINGS_HOMES = frozenset("settings config conf configs configuration environments envs env".split())
_LOCAL_HOMES = frozenset("local localdev docker-dev compose-dev".split())

_TEST_WORDS = frozenset("test tests testing pytest unittest unittests functest functests e2e ci".split())
_DEV_WORDS = frozenset("dev devel develop development devstack local localdev localhost override overrides debug devcontainer".split())
_PRODUCTION_WORDS = frozenset("prod production live deploy deployment".split())
_EXAMPLE_WORDS = frozenset("example examples sample samples".split())
_COPY_WORDS = _EXAMPLE_WORDS | frozenset(("template", "dist"))
_SETTINGS_WORDS = frozenset("settings config conf configuration".split())

_NAMES: dict[str, tuple[FileRole, ...]] = {
    "conftest.py": ("test",),
    "tests.py": ("test",),
    "test.py": ("test",),
    "runtests.py": ("test",),
    "run_tests.py": ("test",),
    "locustfile.py": ("test",),
    "testing.py": ("test",),
    "testcases.py": ("test",),
    "pytest_plugin.py": ("test",),
    "pytest.ini": ("dev",),
    "tox.ini": ("dev",),
    "mypy.ini": ("dev",),
    "noxfile.py": ("dev", "script"),
    "fabfile.py": ("script",),
    "setup.py": ("script",),
    ".pre-commit-config.yaml": ("dev",),
    ".travis.yml": ("ci",),
    ".gitlab-ci.yml": ("ci",),
    ".drone.yml": ("ci",),
    "appveyor.yml": ("ci",),
    ".appveyor.yml": ("ci",),
    "bitbucket-pipelines.yml": ("ci",),
    "cloudbuild.yaml": ("ci",),
    "cloudbuild.yml": ("ci",),
    "buildspec.yml": ("ci",),
    ".buildspec.yml": ("ci",),
    "codecov.yml": ("ci",),
    "cli.py": ("command",),
    "__main__.py": ("command",),
    "manage.py": ("command",),
    "procfile": ("production",),
    "compose.yaml": ("production",),
    "compose.yml": ("production",),
    "docker-compose.yaml": ("production",),
    "docker-compose.yml": ("production",),
    "dockerfile": ("production",),
    "containerfile": ("production",),
}
_WORKFLOWS = (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
_WORD = re.compile(r"[a-z0-9]+")
# `create_test_user.py`, `seed_demo_data.py`: tools that fill a developer's database.
_MAKES_UP = re.compile(r"(?:create|make|add|seed|populate|load|insert|gen|generate|fill)[_-](?:test|demo|fake|dummy|sample|mock)(?:[_-]|$)")

# Roles that mean "this is not what production runs".
_NOT_PRODUCTION = frozenset(("test", "example", "dev", "ci", "docs", "vendored", "generated"))


def roles_of(path: str, kind: FileKind, head: bytes = b"") -> frozenset[FileRole]:
    """The roles of a file.

    path: from the root of its project, forward slashes. head: its bytes, for the header by which generators mark what they write
    (2 KB are enough for that) and for what a compose file says about whom it is for.
    """
    directory, _, name = path.rpartition("/")
    roles = _directory_roles(directory.lower(), kind == "python")
    # `python-tests.yml` is the workflow that runs the tests, and `deploy-dev.yml` one that deploys: what they are called says nothing more.
    own = NONE if directory.lower().endswith(_WORKFLOWS) else _name_roles(name.lower(), kind, directory.lower().rpartition("/")[2])
    if own:
        roles = roles | own
    # A compose file made from a template is still the one that production runs.
    if kind not in ("requirements", "markdown") and (kind == "python" or "production" not in roles) and _is_generated(head):
        roles = roles | {"generated"}
    if kind == "dockerfile" and directory.partition("/")[0].lower() in ("scripts", "script", "tools", "hack"):
        # What somebody runs to make the documentation or a schema.
        roles = roles | {"dev"}
    if kind in _SAYS_ITS_PURPOSE and _is_for_development(head):
        roles = roles | {"dev"}
    if kind == "yaml" and _COMPOSE_NAME.match(name):
        copied = _WORKING_COPY.search(head) is not None
        reloads = _RELOADS.search(head) is not None and (copied or _BUILT_BY_HAND.search(head) is not None)
        if reloads or (copied and _DEVELOPERS_MODE.search(head)) or _DEVELOPERS_ENV_FILE.search(head):
            roles = roles | {"dev"}
        if (
            _TESTS_MOUNTED.search(head)
            or _DEVELOPERS_COMMAND.search(head)
            or _FOR_DEVELOPERS_BY_COMMENT.search(_first_comment(head.lower()))
        ):
            roles = roles | {"dev"}
        if _RUNS_TESTS.search(head):
            roles = roles | {"test"}
        if directory.partition("/")[0].lower() == "contrib":
            roles = roles | {"example"}
        if _COMPOSE_OF_TESTS.search(name):
            roles = roles | {"test"}
    if "production" in roles and roles & _NOT_PRODUCTION:
        roles = roles - {"production"}
    return roles


# A compose file that says "development" to its services *and* runs them from the working copy is how developers run them.
_COMPOSE_NAME = re.compile(r"(?i)(?:docker-)?compose[\w.-]*\.ya?ml$")
_DEVELOPERS_MODE = re.compile(
    rb"(?m)(?:^[ \t-]*|[{\[,][ \t]*)[\"']?(?:[A-Z]+_)*ENV(?:IRONMENT)?[\"']?[ \t]*[:=][ \t]*(?:&\w+[ \t]+)?[\"']?(?:\$\{[A-Z_]+:-)?(?:dev|development|local)\b"
    rb"|DJANGO_SETTINGS_MODULE[\"']?[ \t]*[:=][ \t]*[\"']?[\w.]+\.(?:dev|development|local)\b"
    rb"|^[ \t-]*[\"']?(?:[A-Z0-9_]{0,60}_)?DEV(?:ELOPMENT)?(?:_MODE)?[\"']?[ \t]*[:=][ \t]*[\"']?(?:[Tt]rue|1|yes|on)\b"
    rb"|\bfor[-_ ]development\b|^ {2,4}[\"']?(?:[\w-]+[-_])?(?:dev|development|devcontainer)[\"']?:[ \t\r]*(?:\{|$)"
)
# A server that starts anew when a file changes.
_RELOADS = re.compile(rb"(?m)^[^#\n]*[\s\"'](?:--reload|runserver|--watch|--hot|watchmedo|nodemon)\b")
# `image: depot:local`: what a developer has built before.
_BUILT_BY_HAND = re.compile(rb"(?m)^[ \t]*image:[ \t]*[\"']?[\w./-]+:(?:local|dev)\b")
# `env_file: ./config/development/app.env`
_DEVELOPERS_ENV_FILE = re.compile(
    rb"(?m)^[ \t]*env_file:[ \t]*(?:\[[ \t]*)?(?:\r?\n[ \t]*-[ \t]*)?[\"']?[\w./-]*(?:\bdev|development)(?:/|\.env\b)|^[ \t]*env_file:[ \t]*[\"']?[\w./-]*\.env\.(?:dev|development|local)\b"
)
# The project's tests, or the settings of what runs them, put into a container: `../tests:/app/tests`, `./pytest.ini:/app/pytest.ini`.
_TESTS_MOUNTED = re.compile(
    rb"(?m)^[ \t]*-[ \t]*[\"']?\.{1,2}/(?:[\w.-]+/){0,5}(?:tests?|pytest\.ini|conftest\.py|tox\.ini|\.coveragerc)/?:/"
)
# Keycloak's and others' command for a server without TLS, with throw-away storage.
_DEVELOPERS_COMMAND = re.compile(rb"(?m)^[ \t]*(?:-[ \t]*|command:.*[\s\"'\[])[\"']?start-dev[\"']?[ \t\r]*(?:$|[\"',\]-])")
# `# docker-compose for Depot development.`
_FOR_DEVELOPERS_BY_COMMENT = re.compile(
    rb"\b(?:for|in)\b(?:[ \t]+[\w-]+){0,3}[ \t]+(?:local[ \t]+)?development\b(?! and| or|/)(?![^\n]*\bproduction\b)"
)
# A service whose whole command is a run of the tests: `command: make test`, `command: [pytest, tests]`.
_RUNS_TESTS = re.compile(
    rb"(?m)^ {2,8}command:[ \t]*[\"'\[]{0,2}(?:make[\"', \t]+(?:test|tests|check|ci)|(?:python3?[\"', \t]+-m[\"', \t]+)?pytest|tox|nox)\b(?![^\n]*&&)"
)
_COMPOSE_OF_TESTS = re.compile(r"(?i)[._-](?:integration|acceptance|functional)[._-]")
_WORKING_COPY = re.compile(
    rb"(?m)(?:^[ \t]*(?:-[ \t]*)?|[\[,][ \t]*)(?:&\w+[ \t]+)?[\"']?(?:\.(?:/[\w-]*)?|\.\./?):/\w"
    rb"|^[ \t]*(?:-[ \t]*)?source:[ \t]*[\"']?\.{1,2}(?:/(?:src|app)?)?[\"']?[ \t\r]*$"
)

_SAYS_ITS_PURPOSE = frozenset(("yaml", "env", "ini", "toml", "dockerfile"))
_FOR_DEVELOPMENT = re.compile(
    rb"\b(?:is|are|only|used|meant|intended|use it)\b[^.\n]{0,40}\bfor\b[^.\n]{0,30}\b(?:development|local testing|developers)\b"
    rb"|\b(?:development|dev|local) (?:setup|environment|stack|configuration)\b[^.\n]{0,20}\bonly\b|\bfor (?:local )?development only\b|\bnot (?:meant |intended )?for production\b(?!(?: use)? (?:without|unless|until))|\bdo not use (?:this )?in production\b"
)


def _is_for_development(head: bytes) -> bool:
    """Whether the comment at the top of a file says that it is for developers: `# This configuration is for the **development** setup.`"""
    comment = head[:2048].lower()
    if b"development" not in comment and b"production" not in comment and b"developers" not in comment and b" only" not in comment:
        return False
    return _FOR_DEVELOPMENT.search(_first_comment(comment).replace(b"*", b"")) is not None


@lru_cache(maxsize=4096)
def _directory_roles(directory: str, python: bool) -> frozenset[FileRole]:
    """What the directories say, each by its name."""
    if not directory:
        return NONE
    roles: set[FileRole] = set()
    parts = directory.split("/")
    for depth, part in enumerate(parts):
        role = _DIRECTORIES.get(part) or (depth == 0 and _AT_THE_TOP.get(part)) or ""
        if role:
            roles.add(role)
        elif part.startswith(("test_", "test-", "tests_", "tests-")) or part.endswith(("_test", "-test", "_tests", "-tests", "_testing")):
            roles.add("test")
        elif part.startswith(_EXAMPLE_STARTS) or part.endswith(("_examples", "-examples", "-example")):
            roles.add("example")
        # https://behave.readthedocs.io: steps stand below `features/`.
        if part == "steps" and depth and parts[depth - 1] == "features":
            roles.add("test")
        elif part.startswith(("development-", "dev-")) and not python:
            roles.add("dev")
        elif "{{" in part:  # cookiecutter: what somebody else's project begins as
            roles.add("example")
        if part == "versions" and depth and parts[depth - 1] in ("alembic", "migrations", "migration"):
            roles.add("migration")
        if part == "migration" and not python or part.endswith("_migrations") and depth:
            roles.add("migration")
        if part == "commands" and depth and parts[depth - 1] == "management":
            roles.add("command")
        if not python:
            if part.endswith(("_mock", "-mock", "_mocks", "-mocks")) or part in (
                "mockservices",
                "mockserver",
                "mock-server",
                "mock_server",
                "mock",
            ):
                roles.add("test")
            if part.endswith(("-templates", "_templates", "-template")) and depth:
                roles.add("example")  # what somebody else's project begins as
            if part in _DEPLOYMENT:
                roles.add("production")
            elif part in _LOCAL_HOMES:
                roles.add("dev")
    return frozenset(roles)


# `dummy.ts`, `mocks.js`: what a front end shows until it has a server.
_STANDS_IN = re.compile(r"(?i)(?:^|[_.-])(?:dummy|dummies|mocks?|fakes?)(?:[_.-]?data)?\.(?:[jt]sx?|mjs|json|txt)$")

_OF_KINDS: dict[FileKind, FileRole] = {"markdown": "docs", "notebook": "notebook", "lock": "generated"}


def _name_roles(name: str, kind: FileKind, parent: str) -> frozenset[FileRole]:
    """What the file's own name says."""
    roles: set[FileRole] = set(_NAMES.get(name, ()))
    if name == "environment.py" and parent == "features":
        roles.add("test")  # behave's hooks
    if kind == "python":
        _python_roles(name, parent, roles)
    elif kind in _OF_KINDS:
        roles.add(_OF_KINDS[kind])
    else:
        _configuration_roles(name, kind, parent, roles)
        if _STANDS_IN.search(name):
            roles.add("test")
    return frozenset(roles)


def _python_roles(name: str, parent: str, roles: set[FileRole]) -> None:
    stem, _, extension = name.rpartition(".")
    words = set(_WORD.findall(stem or name))
    if extension in ("example", "sample", "dist"):
        roles.add("example")
    if extension == "pyi":
        roles.add("stub")
    if stem.startswith("test_") or stem.endswith(("_test", "_tests", "_testing", "_test_helpers", "_test_utils", "_test_client")):
        roles.add("test")
    if stem.endswith(("_pb2", "_pb2_grpc", "_generated", ".gen", ".generated")):
        roles.add("generated")
    if words & _EXAMPLE_WORDS and (
        stem.startswith(("example", "sample.")) or stem.endswith((".example", "_example", "_sample", ".sample", "_examples"))
    ):
        roles.add("example")
    if words & _SETTINGS_WORDS or parent in _SETTINGS_HOMES:
        if words & _SETTINGS_WORDS & {"settings"} or stem in _SETTINGS_WORDS or stem.endswith(("_config", "_conf", "_settings")):
            roles.add("settings")
        if words & _DEV_WORDS:
            roles.add("dev")
        if words & _TEST_WORDS:
            roles.add("test")
        if words & _PRODUCTION_WORDS:
            roles.add("production")
    elif stem in ("dev", "devserver", "dev_server", "run_dev", "local_settings") or stem.startswith("dev_"):
        roles.add("dev")
    if stem.endswith("_cli"):
        roles.add("command")
    if _MAKES_UP.match(stem):
        roles.add("dev")


_BROWSER_TESTS = frozenset("playwright cypress selenium".split())


def _configuration_roles(name: str, kind: FileKind, parent: str, roles: set[FileRole]) -> None:
    words = set(_WORD.findall(name))
    if words & _COPY_WORDS and "." in name:
        # `template.yaml` is what AWS SAM deploys, `default.conf.template` what the nginx image fills in when it starts.
        copied = name.count(".") > 1 or name[0] == "." or not name.startswith("template.")
        if words & _EXAMPLE_WORDS or (copied and kind != "nginx" and _COPY_WORDS.intersection(name.split("."))):
            roles.add("example")
    if kind == "env":
        # `.env-dist`, `env_template`; and `.env-build`, which stands in for the real one while an image or the pages are built.
        if words & _COPY_WORDS:
            roles.add("example")
        if words & {"build", "builder"}:
            roles.add("example")
    if name.endswith((".postman_collection.json", ".postman_environment.json")):
        roles.add("test")
    if kind == "text":
        if name.endswith((".test.ts", ".test.tsx", ".test.js", ".test.jsx", ".spec.ts", ".spec.tsx", ".spec.js", "_test.go", "_spec.rb")):
            roles.add("test")
        # https://storybook.js.org/docs/writing-stories: components with made-up data.
        if name.endswith((".stories.ts", ".stories.tsx", ".stories.js", ".stories.jsx", ".stories.svelte", ".stories.mdx")):
            roles.add("example")
        if ".gen." in name or ".generated." in name:
            roles.add("generated")
        if name.endswith((".rst", ".adoc")):
            roles.add("docs")
        if name.partition(".")[0] in ("snippets", "examples", "samples") or ".stories." in name:
            roles.add("example")  # a story of Storybook shows a component with made-up data
        return
    if words & _DEV_WORDS:
        roles.add("dev")
    if words & _TEST_WORDS:
        roles.add("ci" if "ci" in words and "test" not in words else "test")
    if words & _PRODUCTION_WORDS:
        roles.add("production")
    if kind == "dockerfile":
        if words & {"docs", "doc", "mkdocs", "sphinx", "docusaurus"}:
            roles.add("docs")
        if any(word.endswith("dev") or word.startswith("dev") and not word.startswith(("device", "devops")) for word in words):
            roles.add("dev")
        # `TestDockerfile`, `Dockerfile.playwright`, and the image in which acceptance tests in Gherkin run.
        if name.startswith("test") or words & _BROWSER_TESTS or parent == "features":
            roles.add("test")
        # `Dockerfile-deb`: where a package of a distribution is built.
        if words & {"deb", "rpm"}:
            roles.add("dev")
    if words & {"gcb", "cloudbuild"}:
        roles.add("ci")
    if kind == "jenkinsfile" or name.startswith(("azure-pipelines", ".gitlab-ci", "cloudbuild")):
        roles.add("ci")
    if kind in ("systemd", "procfile"):
        roles.add("production")
    if "devcontainer" in name:
        roles.add("dev")


# ---------------------------------------------------------------- generated files

_GENERATED = re.compile(
    rb"@generated\b"
    # The words of a header, not those of a sentence about data: `the name now reads "Autogenerated list"`.
    rb"|^[\W_]*(?:auto[- ]?|automatically )generated\b|\b(?:file|module|code|script|document|is|was)\b.{0,60}\b(?:auto[- ]?|automatically )generated\b"
    rb"|\b(?:auto[- ]?|automatically )generated\b.{0,60}\b(?:by|from|using|with|file|module|code|script|do not)\b|\bautomatically created by\b"
    rb"|\bcode generated by\b|\bthis is an? generated\b|^[\W_]*generated (?:code|file)\b"
    rb"|^[\W_]*(?:this (?:file|module|code|document|class|script) (?:is|was|has been) )?generated (?:by|from|with|using|automatically|at|on)\b"
    rb"|\bdo not (?:edit|modify|change)\b.{0,80}\bgenerat|\bgenerat.{0,80}\bdo not (?:edit|modify|change)\b"
    rb"|^[\W_]*do not (?:edit|modify)(?: this file)?[\W_]*$",
    re.MULTILINE,
)
# Written once by a command and edited ever after: Django's migrations and the settings of `startproject`, what templates begin with.
_STARTED_BY = re.compile(
    rb"generated by ['\"`]*(?:hand\b|django|cookiecutter|copier|cruft|pyscaffold|alembic|scrapy|startproject|startapp)|\bstart(?:project|app)\b"
)
_COMMENT_STARTS = (b"#", b"//", b"/*", b"*", b"--", b";", b"<!--", b'"""', b"'''", b"%", b"{#", b"{/*", b"..", b"r'''", b'r"""')


def _is_generated(head: bytes) -> bool:
    """Whether the comment at the top of a file says that a program wrote it. Looks no further than the first code."""
    head = head[:2048].lower()
    if b"generate" not in head and b"do not " not in head:
        return False
    found = _GENERATED.search(_first_comment(head))
    return found is not None and _STARTED_BY.search(head) is None


def _first_comment(head: bytes) -> bytes:
    """The comments and the docstring before the first code."""
    kept: list[bytes] = []
    quotes = b""
    for line in head.split(b"\n"):
        line = line.strip()
        if quotes:
            kept.append(line)
            if quotes in line:
                quotes = b""
            continue
        if line and not line.startswith(_COMMENT_STARTS) and line not in (b"---", b"<?php", b"{"):
            if not line.startswith((b"<?xml", b"<!doctype")):
                break
        for mark in (b'"""', b"'''", b"/*", b"<!--"):
            if line.lstrip(b"r").startswith(mark):
                end = {b"/*": b"*/", b"<!--": b"-->"}.get(mark, mark)
                if end not in line.lstrip(b"r")[len(mark) :]:
                    quotes = end
        kept.append(line)
    return b"\n".join(kept)


# ---------------------------------------------------------------- roles that the settings give


class Roles:
    """The roles of files, with the settings' own patterns: `test = ["qa/**", "!src/testing/**"]` adds one and takes one away.

    below: what to cut off paths before they are compared, where the settings are those of a directory below the root.
    """

    def __init__(self, patterns: Mapping[FileRole, Sequence[str]], below: str = "") -> None:
        self._below = below
        self._added = [(role, Patterns(p for p in lines if not p.startswith("!"))) for role, lines in patterns.items()]
        self._removed = [(role, Patterns(p[1:] for p in lines if p.startswith("!"))) for role, lines in patterns.items()]
        self._any = any(patterns.values())

    def of(self, path: str, kind: FileKind, head: bytes = b"") -> frozenset[FileRole]:
        """The roles of a file."""
        roles = roles_of(path, kind, head)
        if self._any:
            path = path.removeprefix(self._below)
            roles = roles | {role for role, patterns in self._added if patterns.match(path)}
            roles = roles - {role for role, patterns in self._removed if patterns.match(path)}
        return roles
