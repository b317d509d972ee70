"""What users of other tools type, and what it is called here.

Read only once something was not understood: nothing of it costs a run that goes well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_STYLE = "prodlint says nothing about style"
_NO_CONFIDENCE = "findings have no confidence of their own; `prodlint rule CODE` tells how precise a rule is"
_NO_NETWORK = "prodlint never opens a network connection"
_LOWEST = "`--fail-on P0` says what fails the run, `--min-priority P0` what is shown"
_WALKED = "directories are walked anyway: `prodlint check DIR`"
_RULES = "`prodlint rule --list`"

# Flag to what stands for it. The spelling of a tool in brackets where several tools mean different things by it.
FLAGS: Mapping[str, str] = {
    # ruff, flake8, pylint, mypy
    "--ignore-noqa": "`--no-inline-ignores`",
    "--disable-noqa": "`--no-inline-ignores`",
    "--add-noqa": '`--add-ignore --reason "..."`',
    "--fixable": "`--fix --select RULES` fixes the findings of these rules alone",
    "--unfixable": "`--fix --ignore RULES` leaves the findings of these rules alone",
    "--fix-type": "`--fix`, and `--unsafe-fixes` for the unsafe ones too",
    "--show-source": "`--output-format full`, the default on a terminal",
    "--format": "`--output-format`",
    "--target-version": "code for every version of Python is read, there is nothing to set",
    "--python-version": "code for every version of Python is read, there is nothing to set",
    "--line-length": _STYLE,
    "--max-line-length": _STYLE,
    "--max-complexity": _STYLE,
    "-n": "`--no-cache`",
    "-v": "`--timings` tells where the time went, `--show-settings` what is set, `prodlint version -v` which versions are in use",
    "--verbose": "`--timings` tells where the time went, `--show-settings` what is set, `prodlint version -v` which versions are in use",
    "--debug": "`--timings` tells where the time went, `--show-settings` what is set, `prodlint version -v` which versions are in use",
    "-s": "`--ignore RULES` (as bandit's `-s`), `--quiet` (as ruff's)",
    "--silent": "`--quiet`; the exit code tells the rest",
    "--disable": "`--ignore`",
    "--enable": "`--extend-select`",
    "--count": "`--statistics`",
    "--errors-only": "`--min-priority P0`",
    "-E": "`--min-priority P0`",
    "--fail-under": "`--fail-on`",
    "--fail-level": "`--fail-on`",
    "--list-rules": _RULES,
    "--list-checks": _RULES,
    "--list-tests": _RULES,
    "--list": _RULES,
    "--rules": _RULES,
    "--explain": "`prodlint rule CODE`",
    "--show-config": "`--show-settings`",
    "--generate-config": "`prodlint init`",
    "--init": "`prodlint init`",
    "--write": "`--fix`",
    "--stdin": "the path `-`, named by `--stdin-filename`",
    "--stdin-display-name": "the path `-`, named by `--stdin-filename`",
    "--changed": "`--since HEAD`",
    "--staged": "the hook of pre-commit looks at what is staged (`prodlint init` writes it); `--since HEAD` at what is not committed",
    "--help-all": "`prodlint --help`, and `prodlint VERB --help` for the flags of a verb",
    # bandit
    "-r": _WALKED,
    "--recursive": _WALKED,
    "-l": _LOWEST,
    "--severity-level": _LOWEST,
    "-i": _NO_CONFIDENCE,
    "--confidence-level": _NO_CONFIDENCE,
    "--min-confidence": _NO_CONFIDENCE,
    "-f": "`--output-format FORMAT`; files are named without a flag",
    "-c": "`--config FILE`",
    "--configfile": "`--config FILE`",
    "--ini": "`--config FILE`",
    "-b": "`--baseline FILE`",
    "-x": "`--extend-exclude PATTERNS`",
    "-t": "`--select RULES`",
    "--tests": "`--select RULES`",
    "--skip": "`--ignore RULES`",
    "--skips": "`--ignore RULES`",
    "--msg-template": "`--output-format json`, `json-lines` or `sarif` for programs",
    "-a": "`--output-format grouped`, `--sort rule`",
    "--aggregate": "`--output-format grouped`, `--sort rule`",
    "--profile": "`--select RULES`",
    # semgrep, gitleaks
    "--json": "`--output-format json`",
    "--sarif": "`--output-format sarif`",
    "--text": "`--output-format full`",
    "--junit-xml": "`--output-format junit`",
    "--gitlab-sast": "`--output-format gitlab`",
    "--github": "`--output-format github`",
    "--severity": _LOWEST,
    "--error": "findings fail the run anyway; `--exit-zero` lets it pass",
    "--autofix": "`--fix`",
    "--dryrun": "`--diff`",
    "--dry-run": "`--diff`",
    "--check": "nothing is written without `--fix`; `--select RULES` chooses rules",
    "--exclude-rule": "`--ignore`",
    "--include": "name files and directories as paths",
    "--baseline-commit": "`--since REV`",
    "--metrics": _NO_NETWORK,
    "--strict": "what cannot be analysed fails the run anyway (exit code 3)",
    "--report-format": "`--output-format`",
    "--report-path": "`--output-file`",
    "--redact": "secrets are never shown",
    # hadolint, zizmor, checkov, trivy, kube-linter
    "--failure-threshold": "`--fail-on`",
    "--no-fail": "`--exit-zero`",
    "--warn-only": "`--exit-zero`; the setting `warn-only` names rules that never fail the run",
    "--no-exit-codes": "`--exit-zero`",
    "--soft-fail": "`--exit-zero`",
    "--soft-fail-on": "the setting `warn-only` names rules that never fail the run",
    "--hard-fail-on": "`--fail-on`",
    "--exit-code": "`--exit-zero`, or `--fail-on`",
    "--min-severity": _LOWEST,
    "--persona": "`--extend-select RULES` switches on what is off; " + _RULES + " shows which",
    "--offline": _NO_NETWORK,
    "--online": _NO_NETWORK,
    "--gh-token": _NO_NETWORK,
    "--download-external-modules": _NO_NETWORK,
    "--no-progress": "progress is shown on a terminal alone; `--quiet` switches it off",
    "--no-color": "`--color never`; the environment variable NO_COLOR works too",
    "--no-colour": "`--color never`; the environment variable NO_COLOR works too",
    "--colour": "`--color`",
    "-d": "name the directory as a path: `prodlint check DIR`",
    "--directory": "name the directory as a path: `prodlint check DIR`",
    "--file": "name the file as a path: `prodlint check FILE`",
    "--framework": "`--select PRD8` and other prefixes choose families of rules",
    "--scanners": "`--select PRD8` and other prefixes choose families of rules",
    "--skip-check": "`--ignore RULES`",
    "--skip-path": "`--extend-exclude PATTERNS`",
    "--skip-dirs": "`--extend-exclude PATTERNS`",
    "--skip-files": "`--extend-exclude PATTERNS`",
    "--compact": "`--output-format concise`",
    "--output": "`--output-format FORMAT`, and `--output-file FILE`",
    "--create-baseline": "`prodlint baseline`",
    "--generate-baseline": "`prodlint baseline`",
    "--update-baseline": "`prodlint baseline`",
    "--write-baseline": "`prodlint baseline`",
    "--trusted-registry": "no rule asks which registry an image comes from",
}

# A word in the place of a verb to what stands for it.
VERBS: Mapping[str, str] = {
    "lint": "`check`",
    "scan": "`check`",
    "run": "`check`",
    "ci": "`check`",
    "analyze": "`check`",
    "analyse": "`check`",
    "test": "`check`",
    "fix": "`check --fix`",
    "format": "`check --fix` (prodlint formats nothing)",
    "explain": "`rule`",
    "linter": "`rule --list`",
    "linters": "`rule --list`",
    "rules": "`rule --list`",
    "list": "`rule --list`",
    "audit": "`checklist`",
    "lsp": "`server`",
    "settings": "`config`",
    "update": "`ruleset diff`",
    "upgrade": "`ruleset diff`",
    "history": "`secrets --history`",
    "detect": "`secrets`",
    "protect": "`secrets`",
}

# A value that other tools know to the one that it is called here.
_VALUES: Mapping[str, str] = {
    "text": "full",
    "tty": "full",
    "plain": "full",
    "human": "full",
    "screen": "full",
    "cli": "full",
    "pylint": "concise",
    "gnu": "concise",
    "parsable": "concise",
    "emacs": "concise",
    "vim": "concise",
    "csv": "json-lines",
    "jsonl": "json-lines",
    "ndjson": "json-lines",
    "xml": "junit",
    "checkstyle": "junit",
    "junitxml": "junit",
    "md": "markdown",
    "codeclimate": "gitlab",
    "gitlab_codeclimate": "gitlab",
    "gitlab-codequality": "gitlab",
    "github-actions": "github",
    "annotate": "github",
    "critical": "P0",
    "high": "P0",
    "error": "P0",
    "medium": "P1",
    "warning": "P1",
    "low": "P2",
    "note": "P2",
    "info": "P2",
    "style": "P2",
    "any": "P2",
    "none": "never",
    "file": "path",
    "severity": "priority",
    "code": "rule",
}


def unknown_flag(flag: str, verb: str, own: Iterable[str], others: Mapping[str, Iterable[str]]) -> str:
    """What to say of a flag that a verb has not. own: the verb's flags; others: those of the other verbs."""
    name = flag.partition("=")[0]
    # Flags of one letter are written together and with their value: `-lll`, `-fjson`.
    foreign = FLAGS.get(name) or (FLAGS.get(name[:2]) if name[:2] != "--" else None)
    told = f"unknown flag `{flag}`"
    if foreign is not None and verb == "check":
        return f"{told}; here: {foreign}"
    for other, flags in others.items():
        if name in flags:
            return f"{told}; it is one of `prodlint {other}`"
    near = _near(name, [flag for flag in own if len(flag) > 2]) if len(name) > 2 else ""
    return told + (f"; did you mean `{near}`?" if near else "")


def unknown_value(flag: str, value: str, known: Iterable[str]) -> str:
    """What to say of a value that a flag does not take."""
    known = list(known)
    meant = _VALUES.get(value.lower(), "")
    if meant not in known:
        meant = _near(value.lower(), known) or next((name for name in known if name.lower() == value.lower()), "")
    return f"unknown value `{value}` for `{flag}`" + (f"; did you mean `{meant}`?" if meant else "") + f" (there are {', '.join(known)})"


def unknown_verb(word: str, verbs: Iterable[str]) -> str:
    """What to say of a word that is neither a verb nor a file, or "" where it resembles none."""
    meant = VERBS.get(word) or (f"`{near}`" if (near := _near(word, verbs)) else "")
    return f"`{word}` is neither a verb nor a file; did you mean {meant}?" if meant else ""


def _near(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    known = list(known)
    begun = [name for name in known if len(word) > 3 and name.startswith(word)]
    return next(iter((*begun, *get_close_matches(word, known, 1, 0.7))), "")
