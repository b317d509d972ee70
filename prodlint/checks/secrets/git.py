"""What git tracks and ignores: env files that are committed (PRD108) or could be (PRD109)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, collect, project_check, project_fact, settings, text
from prodlint.checks.secrets.formats import find_in, is_dummy, recognise
from prodlint.configuration.patterns import Patterns
from prodlint.facts import Setting, Text
from prodlint.model import Evidence, FixRequest, Rule, Span
from prodlint.project.ignored import Ignores
from prodlint.values.secret_names import value_name
from prodlint.values.secret_values import is_secret

_COPIES = frozenset(
    (
        "example",
        "examples",
        "sample",
        "template",
        "tmpl",
        "dist",
        "default",
        "defaults",
        "schema",
        "vault",
        "enc",
        "encrypted",
        "sops",
        "age",
        "gpg",
    )
)
_CALM = frozenset(("example", "test", "docs", "ci"))

# ---------------------------------------------------------------- PRD108


@collect("env-file-secret", on=[settings()], required_literals=None, files=("env",))
def secrets_of_env_file(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    value = setting.value
    if setting.origin != "env-file" or not value or context.file.roles & _CALM or _COPIES & set(context.file.name.lower().split(".")):
        return
    if _works(setting.name, value):
        name = setting.source.span(setting.key_start, setting.key_end)
        yield project_fact(
            "env-file-secret",
            setting,
            setting.name,
            line=str(name.line),
            column=str(name.column),
            end=str(name.end_column),
            dev="dev" if "dev" in context.file.roles else "",
        )


def _works(name: str, value: str) -> bool:
    """Whether a value of an env file is a secret in use: no placeholder of a vendor (`sk_live_xxxx`), no test key."""
    from prodlint.checks.secrets.connections import connection_secret
    from prodlint.checks.secrets.tokens import key_in

    token = find_in(f"{name}={value}")
    if token is not None:
        return token[0].kind == "secret"
    if recognise(value) is not None:
        return False
    named = value_name(name)
    if named is not None and is_secret(value, named.kind, named.certain):
        return len(value) < 16 or not is_dummy(value.encode("utf-8", "replace"))
    return _has_password(value) or connection_secret(value) is not None or bool(key_in(value.encode("utf-8", "replace")))


def _has_password(value: str) -> bool:
    from prodlint.checks.secrets.tokens import url_credentials

    data = value.encode()
    found = url_credentials(data, data.find(b"://")) if b"://" in data else None
    return found is not None and found[3] != "default"


def secrets_of_version(facts: Sequence[ProjectFact], rules: Mapping[str, Rule]) -> Iterator[tuple[Rule, ProjectFact, str]]:
    """What PRD108 says of one version of an env file in the history, whatever git tracks today: the rule, the fact, the words."""
    rule = rules.get("PRD108")
    if rule is not None:
        for fact in facts:
            if fact.topic == "env-file-secret":
                yield rule, fact, f"`{fact.path.rpartition('/')[2]}` holds `{fact.words}`"


@project_check("PRD108", topics=("env-file-secret",))
def committed_env_file(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    files: dict[str, list[ProjectFact]] = {}
    for found in project.about("env-file-secret"):
        files.setdefault(found.path, []).append(found)
    if not files:
        return
    tracked = project.tracked(sorted(files))
    ignores = project.ignores
    for path, traces in sorted(files.items()):
        if tracked is not None and path in tracked:
            state = "is tracked by git"
        elif not ignores.ignored(path):
            state = "is not ignored by git"
        else:
            continue
        for each in traces:
            line, column, end = (int(each.get(key)) for key in ("line", "column", "end"))
            yield ProjectDiagnostic(
                path,
                Span(line, column, line, end),
                f"`{path.rpartition('/')[2]}` {state} and holds `{each.words}`",
                priority="P1" if each.get("dev") else None,
                secrets=(each.span,),
            )


# ---------------------------------------------------------------- PRD109

_USES = ("load_dotenv", "dotenv_values", "read_env(", "env_file", "--env-file", "from decouple", "dotenvx")
# Other env files than `.env` have names of their own to be ignored by.
_READS_DOT_ENV = re.compile(
    rb"(?:load_dotenv|read_env)\(\s{0,40}\)|from decouple|[\w\-]{5,15}[^\n]{0,120}?[\"'\s/=]\.env(?![\w.\-])|env_file:\s{1,40}-?\s{0,4}[\"']?(?:\./)?\.env(?![\w.\-])"
)
_NOT_THE_SERVICE = frozenset(("test", "docs", "example", "vendored", "generated", "dev", "ci"))


@collect(
    "dotenv-use", on=[text()], required_literals=_USES, files=("python", "yaml", "dockerfile", "shell", "makefile", "procfile", "toml")
)
def use_of_env_file(file: Text, context: CheckContext) -> Iterator[ProjectFact]:
    if context.file.roles & _NOT_THE_SERVICE:
        return
    for anchor, offset in file.hits:
        if _READS_DOT_ENV.match(file.source.data, offset):
            yield ProjectFact("dotenv-use", file.file.path, file.source.span(offset, offset + len(anchor)), anchor.decode())
            return


@project_check("PRD109", topics=("dotenv-use",))
def env_file_not_ignored(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    ignores = project.ignores
    top = ignores.patterns("")
    if top is None and not ignores.repository:
        return
    uses = project.about("dotenv-use")
    templates = [
        file
        for file in project.files
        if file.kind == "env" and file.name.startswith(".env") and _COPIES & set(file.name.lower().split("."))
    ]
    homes = sorted({file.path.rpartition("/")[0] for file in templates if not file.roles & {"test", "docs", "vendored"}})
    if uses and not homes:
        homes = [""]
    for home in homes:
        path = f"{home}/.env" if home else ".env"
        if ignores.ignored(path):
            at = next((f"{where}/.gitignore".lstrip("/") for where in (home, "") if ignores.patterns(where) is not None), "")
            if at:
                yield Evidence("PRD109", at, Span(1, 1, 1, 1), f"`{path}` is ignored")
            continue
        yield _not_ignored(path, top, ignores, home, uses, [file.path for file in templates])
        return


def _not_ignored(
    path: str, top: Patterns | None, ignores: Ignores, home: str, uses: Sequence[ProjectFact], templates: Sequence[str]
) -> ProjectDiagnostic:
    message = f"No ignore pattern matches `{path}`: the next `git add .` commits it"
    fix = FixRequest("append-lines", "Ignore env files", True, (("file", ".gitignore"), ("text", ".env\n.env.*\n!.env.example\n")))
    at = f"{home}/.gitignore" if home and ignores.patterns(home) is not None else ".gitignore"
    patterns = ignores.patterns(home) if at != ".gitignore" else top
    if patterns is not None:
        for number, line in enumerate(patterns.lines, 1):
            if line.strip().startswith("!") and line.strip("!/ \n") in (".env", ".env*", "*.env"):
                return ProjectDiagnostic(
                    at, Span(number, 1, number, len(line) + 1), f"`{line.strip()}` takes `{path}` back: the next `git add .` commits it"
                )
        return ProjectDiagnostic(at, Span(1, 1, 1, len(patterns.lines[0]) + 1 if patterns.lines else 1), message, fix=fix)
    if uses:
        return ProjectDiagnostic(uses[0].path, uses[0].span, message, fix=fix)
    return ProjectDiagnostic(min(templates), Span(1, 1, 1, 1), message, fix=fix)
