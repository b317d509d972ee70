"""The verb `init`: what a repository needs to begin with prodlint. Asks nothing and never overwrites."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator

from prodlint import baseline
from prodlint.commands import installed
from prodlint.commands.check import request_of
from prodlint.configuration.keys import RULESETS
from prodlint.configuration.settings import SettingsError
from prodlint.engine import session
from prodlint.model import PRIORITIES
from prodlint.regular import read_regular
from prodlint.reports import plural

_SETTINGS = f"""\
# What holds here, and why: `prodlint --show-settings`. Every rule: `prodlint rule --all`.
# The lowest priority that fails a run: P0 (fix before launch), P1 (first week), P2 (first month), or "never".
fail-on = "P2"
# The set of rules: an upgrade brings none of a later set until another one is named here.
ruleset = "{RULESETS[-1]}"
# Findings from before prodlint came; `prodlint baseline` writes them anew.
baseline = ".prodlint-baseline"
# Rules to switch off, by code, prefix or name.
ignore = []
# Files that are none of a service's, as written in .gitignore.
extend-exclude = []
# An ignore comment must say why, behind two hyphens: `ignore[PRD504] -- the scheduler kills it after 10 s`.
require-reason = true
"""

# The largest file that is added to or looked into.
_LARGEST = 8_000_000

_PER_FILE = """\

# Rules that do not apply to some files.
[{prefix}per-file-ignores]
# "scripts/**" = ["PRD701"]
"""

_HOOKS = """\
  - repo: local
    hooks:
      - id: prodlint
        name: prodlint
        entry: prodlint check --no-cache
        language: {language}
        types: [text]
      - id: prodlint-project
        name: prodlint (project)
        entry: prodlint check .
        language: {language}
        pass_filenames: false
        always_run: true
        stages: [pre-push]
"""

_WORKFLOW = """\
name: prodlint
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  prodlint:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: pipx install "$PRODLINT_PACKAGE"
        env:
          PRODLINT_PACKAGE: {package}
      - run: prodlint check --output-format github --also markdown="$GITHUB_STEP_SUMMARY"
"""

_GITLAB = """\
prodlint:
  image: python:3.12
  script:
    - pip install "$PRODLINT_PACKAGE"
    - prodlint check --output-format gitlab --output-file gl-code-quality-report.json --also concise
  variables:
    PRODLINT_PACKAGE: {package}
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""

_AGENTS = """\
## prodlint

`prodlint` says what would hurt this service in production. Run it on what you changed before you call work done:

- `prodlint --since HEAD` tells what your change brought; it must end with exit code 0.
- Exit codes: 0 clean, 1 findings, 2 wrong use or settings, 3 something could not be analysed. For programs: `--output-format json`.
- `prodlint rule CODE` says why a finding matters and how to fix it, with examples. `prodlint --diff` shows the fixes it can make.
- Fix findings. Do not add `# prodlint: ignore[...]` comments, baseline entries or settings that switch rules off, unless a person asked for it and gave the reason.
- Never write a secret into a file, also not in a test; read it from the environment.
"""

_NOT_PUBLISHED = "prodlint is not published: set the variable PRODLINT_PACKAGE of the repository to what pip can install there (a wheel you built, a git address)"


def init(given: Namespace) -> int:
    """Write what is missing, and print what belongs into files that are there already."""
    request = request_of(given)
    settings, root = session.read_settings(request)
    writer = _Writer(root, given.dry_run)
    package = installed.requirement()
    for lines in (_settings(writer, bool(settings.sources)), _hooks(writer, package), _pipeline(writer, package)):
        for line in lines:
            print(line)
    if given.agents:
        print(_agents(writer))
    # Last, so that it knows the files just written.
    for line in _known(given, writer):
        print(line)
    if given.dry_run:
        print("nothing was written (`--dry-run`)")
    return 0


class _Writer:
    """Writes files that are not there, below a root. dry: says what it would do."""

    def __init__(self, root: str, dry: bool) -> None:
        self.root = root
        self.dry = dry

    def path(self, name: str) -> str:
        """A file of the project."""
        return os.path.join(self.root, *name.split("/"))

    def is_new(self, name: str, text: str) -> bool:
        """Write a file, unless it is there."""
        if self.dry:
            return not os.path.lexists(self.path(name))
        return _is_written(self.path(name), self.root, text)

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file, with its own line ends."""
        path = self.path(name)
        _stay_inside(path, self.root)
        old = _read(path)
        newline = "\r\n" if b"\r\n" in old else "\n"
        if not self.dry:
            with open(path, "ab") as handle:
                handle.write((b"" if old.endswith(b"\n") or not old else newline.encode()) + text.replace("\n", newline).encode())


def _settings(writer: _Writer, has_own: bool) -> Iterator[str]:
    """The section in pyproject.toml, or a file of its own where there is none."""
    if has_own:
        yield "settings: there are some already (`prodlint --show-settings` names the files)"
    elif not os.path.exists(writer.path("pyproject.toml")):
        written = writer.is_new("prodlint.toml", _SETTINGS + _PER_FILE.format(prefix=""))
        yield "prodlint.toml: written" if written else "prodlint.toml: is there already"
    else:
        writer.append("pyproject.toml", f"\n[tool.prodlint]\n{_SETTINGS}{_PER_FILE.format(prefix='tool.prodlint.')}")
        yield "pyproject.toml: `[tool.prodlint]` added at its end"


def _hooks(writer: _Writer, package: str) -> Iterator[str]:
    language = f"python\n        additional_dependencies: [{_quoted(package)}]" if package else "system"
    text = _HOOKS.format(language=language)
    name = ".pre-commit-config.yaml"
    if writer.is_new(name, f"repos:\n{text}"):
        yield f"{name}: written; `pre-commit install --hook-type pre-commit --hook-type pre-push` switches it on"
    elif not _mentions(writer.path(name)):
        yield f"{name}: is there; add\n\n{text}"


def _pipeline(writer: _Writer, package: str) -> Iterator[str]:
    if os.path.exists(writer.path(".gitlab-ci.yml")):
        if not _mentions(writer.path(".gitlab-ci.yml")):
            # Without a package the variable is one of the project's.
            job = _GITLAB.format(package=_quoted(package))
            job = job if package else job.replace('  variables:\n    PRODLINT_PACKAGE: ""\n', "")
            yield f".gitlab-ci.yml: is there; add\n\n{job}" + ("" if package else f"\n{_NOT_PUBLISHED}")
        return
    name = ".github/workflows/prodlint.yml"
    text = _WORKFLOW.format(package=_quoted(package) if package else "${{ vars.PRODLINT_PACKAGE }}")
    if not os.path.isdir(writer.path(".github")):
        yield f"a workflow for GitHub, as {name}:\n\n{text}"
    elif writer.is_new(name, text):
        yield f"{name}: written"
    else:
        return
    if not package:
        yield _NOT_PUBLISHED


def _quoted(package: str) -> str:
    return f'"{package}"'


def _agents(writer: _Writer) -> str:
    """The section for agents."""
    name = "AGENTS.md"
    if writer.is_new(name, f"# Instructions for agents\n\n{_AGENTS}"):
        return f"{name}: written"
    if _mentions(writer.path(name)):
        return f"{name}: speaks of prodlint already"
    writer.append(name, f"\n{_AGENTS}")
    return f"{name}: a section was added at its end"


def _known(given: Namespace, writer: _Writer) -> Iterator[str]:
    path = writer.path(baseline.DEFAULT)
    if os.path.exists(path):
        yield f"{baseline.DEFAULT}: is there already"
        return
    request = request_of(given)
    request.paths = [writer.root]
    request.baseline = request.grouped = False
    findings = session.run(request).report.findings
    if not writer.dry:
        baseline.write(path, findings, lambda entry: True)
    yield f"{baseline.DEFAULT}: {plural(len(findings), 'place')} with findings known from now on; only new ones fail"
    urgent = sum(finding.priority == PRIORITIES[0] for finding in findings)
    if urgent:
        yield f"  {urgent:,} of them {PRIORITIES[0]}, to be fixed before launch: `prodlint --no-baseline --min-priority {PRIORITIES[0]}`"


def _stay_inside(path: str, root: str) -> None:
    """A link in the tree must not lead the writing out of it."""
    top = os.path.realpath(root)
    if os.path.commonpath((os.path.realpath(path), top)) != top:
        raise SettingsError(f"`{os.path.relpath(path, root)}` is a link that leads out of the project: left as it is")


def _is_written(path: str, root: str, text: str) -> bool:
    """Write a file that is not there."""
    _stay_inside(os.path.dirname(path), root)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "x", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise SettingsError(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}") from None
    return True


def _mentions(path: str) -> bool:
    return b"prodlint" in _read(path)


def _read(path: str) -> bytes:
    try:
        return read_regular(path, _LARGEST)
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
