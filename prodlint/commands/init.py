"""The verb `init`: what a repository needs to begin with prodlint. Asks nothing and never overwrites."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator

from prodlint import __version__, baseline
from prodlint.commands.check import request_of
from prodlint.configuration.keys import RULESETS
from prodlint.configuration.settings import SettingsError
from prodlint.engine import session
from prodlint.regular import read_regular
from prodlint.reports import plural
from prodlint.reports.material import HOMEPAGE

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
# An inline ignore must say why: `# prodlint: ignore[PRD504] -- the scheduler kills it after 10 s`.
require-reason = true
"""

# The largest file that is added to or looked into.
_LARGEST = 8_000_000

_PER_FILE = """\

# Rules that do not apply to some files.
[{prefix}per-file-ignores]
# "scripts/**" = ["PRD701"]
"""

_HOOK = f"""\
  - repo: {HOMEPAGE}
    rev: v{__version__}
    hooks:
      - id: prodlint
      - id: prodlint-project
"""

_WORKFLOW = f"""\
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
      - run: pipx install prodlint=={__version__}
      - run: prodlint check --output-format github --also markdown="$GITHUB_STEP_SUMMARY"
"""

_GITLAB = f"""\
prodlint:
  image: python:3.12
  script:
    - pip install prodlint=={__version__}
    - prodlint check --output-format gitlab --output-file gl-code-quality-report.json --also concise
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""


def init(given: Namespace) -> int:
    """Write what is missing, and print what belongs into files that are there already."""
    request = request_of(given)
    settings, root = session.read_settings(request)
    for line in _settings(root, bool(settings.sources)):
        print(line)
    hooks = os.path.join(root, ".pre-commit-config.yaml")
    if _is_written(hooks, root, f"repos:\n{_HOOK}"):
        print(".pre-commit-config.yaml: written; `pre-commit install` switches it on")
    elif not _mentions(hooks):
        print(f".pre-commit-config.yaml: is there; add\n\n{_HOOK}")
    pipeline = os.path.join(root, ".gitlab-ci.yml")
    if os.path.exists(pipeline):
        if not _mentions(pipeline):
            print(f".gitlab-ci.yml: is there; add\n\n{_GITLAB}")
    elif os.path.isdir(os.path.join(root, ".github")):
        workflow = os.path.join(root, ".github", "workflows", "prodlint.yml")
        if _is_written(workflow, root, _WORKFLOW):
            print(".github/workflows/prodlint.yml: written")
    else:
        print(f"a workflow for GitHub, as .github/workflows/prodlint.yml:\n\n{_WORKFLOW}")
    # Last, so that it knows the files just written.
    for line in _known(given, root):
        print(line)
    return 0


def _settings(root: str, has_own: bool) -> Iterator[str]:
    """The section in pyproject.toml, or a file of its own where there is none."""
    if has_own:
        yield "settings: there are some already"
        return
    project = os.path.join(root, "pyproject.toml")
    if not os.path.exists(project):
        text = _SETTINGS + _PER_FILE.format(prefix="")
        yield (
            "prodlint.toml: written" if _is_written(os.path.join(root, "prodlint.toml"), root, text) else "prodlint.toml: is there already"
        )
        return
    _stay_inside(project, root)
    old = _read(project)
    newline = "\r\n" if b"\r\n" in old else "\n"
    section = f"\n[tool.prodlint]\n{_SETTINGS}{_PER_FILE.format(prefix='tool.prodlint.')}".replace("\n", newline)
    with open(project, "ab") as handle:
        handle.write((b"" if old.endswith(b"\n") or not old else newline.encode()) + section.encode())
    yield "pyproject.toml: `[tool.prodlint]` added at its end"


def _known(given: Namespace, root: str) -> Iterator[str]:
    path = os.path.join(root, baseline.DEFAULT)
    if os.path.exists(path):
        yield f"{baseline.DEFAULT}: is there already"
        return
    request = request_of(given)
    request.paths = [root]
    request.baseline = request.grouped = False
    result = session.run(request)
    written = baseline.write(path, result.report.findings, lambda entry: True)
    yield f"{baseline.DEFAULT}: {plural(sum(written.entries.values()), 'finding')} known from now on; only new ones fail"


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
