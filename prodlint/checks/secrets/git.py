"""What git tracks and ignores: env files that are committed (PRD108) or could be (PRD109)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, collect, project_check, project_fact, settings, text
from prodlint.checks.secrets.formats import find_in, is_dummy, recognise
from prodlint.configuration.patterns import Patterns
from prodlint.facts import File, Setting, Text
from prodlint.model import Evidence, FixRequest, Priority, Rule, Span
from prodlint.project.git import Git
from prodlint.project.ignored import Ignores
from prodlint.values.secret_names import guards_sessions, value_name
from prodlint.values.secret_values import is_published_default, is_secret

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
    from prodlint.checks.secrets.tokens import is_for_browsers, key_in

    token = find_in(f"{name}={value}")
    if token is not None:
        return token[0].kind == "secret" and not is_for_browsers(token[0], name)
    if recognise(value) is not None:
        return False
    named = value_name(name)
    if named is not None and is_secret(value, named.kind, named.certain):
        return len(value) < 16 or not is_dummy(value.encode("utf-8", "replace"))
    if named is not None and guards_sessions(name) and is_published_default(value, named.kind) and "change" not in value.lower():
        return True  # `SECRET_KEY=supersecret`: everybody knows it. (`change-me` is a gap to fill in, another rule's finding.)
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


@project_check("PRD108", topics=("env-file-secret", "dotenv-use"))
def committed_env_file(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    yield from _standing_now(project)
    yield from _in_history(project)


def _standing_now(project: Project) -> Iterator[ProjectDiagnostic]:
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


# What people call the file that their service starts with.
_ENV_NAMES = (".env", ".env.production", ".env.prod", ".env.local")
# Versions of a file that are read; the first ones hold what was committed by mistake.
_MOST_VERSIONS = 20


def _in_history(project: Project) -> Iterator[ProjectDiagnostic]:
    """Env files that git ignores today, and that it has taken before: what was in them is in every clone."""
    from prodlint.project.git import GitError, find, opened, prefix_of

    ignores = project.ignores
    if not ignores.repository:
        return
    homes = _homes(project)
    wanted = [path for home in homes for name in _ENV_NAMES if ignores.ignored(path := f"{home}/{name}" if home else name)]
    tracked = project.tracked(wanted) if wanted else None
    wanted = [path for path in wanted if tracked is None or path not in tracked]
    if not wanted:
        return
    try:
        repository = find(project.root)
        if repository is None:
            return
        with opened(repository) as git:
            prefix = prefix_of(repository, project.root)
            found = _versions_of(git, [prefix + path for path in wanted])
            contents = list(git.contents([blob for _, blob, _ in found], 1_000_000))
    except GitError:
        return  # whoever asks for the history (`prodlint secrets --history`) is told why it cannot be read
    told: set[str] = set()
    for (path, _, commit), data in zip(found, contents, strict=True):
        names = _secret_names(data) if data is not None else []
        at = _ignoring_line(project, path[len(prefix) :])
        if path in told or not names or at is None:
            continue
        told.add(path)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        words = f"`{path[len(prefix) :]}` is ignored today and stands in the history: {commit} brought `{names[0]}`{more}; change what was in it"
        yield ProjectDiagnostic(*at, words, priority="P1")


def _versions_of(git: Git, paths: Sequence[str]) -> list[tuple[str, str, str]]:
    """Path, blob, and commit with its author's date of the first versions of these files, oldest first."""
    found: list[tuple[str, str, str]] = []
    commit = ""
    command = ("log", "--all", "--reverse", "--raw", "--no-abbrev", "--no-renames", "--root", "--format=tformat:%x00%h of %as", "--")
    for line in git.lines(*command, *(f":(literal){path}" for path in paths)):
        if line[:1] == b"\0":
            commit = line[1:].decode("ascii", "replace")
        elif line[:1] == b":" and len(found) < _MOST_VERSIONS:
            told, _, path = line.partition(b"\t")
            fields = told.split(b" ")
            if fields[1] in (b"100644", b"100755"):
                found.append((path.decode("utf-8", "replace"), fields[3].decode("ascii", "replace"), commit))
    return found


def _secret_names(data: bytes) -> list[str]:
    from prodlint.readers import Undecodable, decode, env

    try:
        source = decode(data, "env")
    except Undecodable:
        return []
    facts = env.read(source, File(".env", "env"), frozenset({Setting}))
    return [fact.name for fact in facts if isinstance(fact, Setting) and fact.value and _works(fact.name, fact.value)]


def _ignoring_line(project: Project, path: str) -> tuple[str, Span] | None:
    """The line of the ignore file that names env files."""
    home = path.rpartition("/")[0]
    for where in (home, ""):
        patterns = project.ignores.patterns(where)
        for number, line in enumerate(patterns.lines if patterns is not None else (), 1):
            if "env" in line and not line.lstrip().startswith(("#", "!")):
                return f"{where}/.gitignore".lstrip("/"), Span(number, 1, number, len(line) + 1)
    return None


# ---------------------------------------------------------------- PRD109

_USES = ("load_dotenv", "dotenv_values", "read_env", "env_file", "--env-file", "from decouple", "dotenvx")
# Other env files than `.env` have names of their own to be ignored by.
_READS_DOT_ENV = re.compile(
    rb"(?:load_dotenv|read_env)\w{0,20}(?:[ \t\f)]|\\\r?\n|#[^\n]*\n){0,40}\((?:\s|#[^\n]*\n){0,40}\)|from[ \t\\\r\n]+decouple|[\w\-]{5,15}[^\n]{0,120}?[\"'\s/=]\.env(?![\w.\-])|env_file:\s{1,40}-?\s{0,4}[\"']?(?:\./)?\.env(?![\w.\-])"
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


def _templates(project: Project) -> list[File]:
    """The env files to fill in (`.env.example`)."""
    return [
        file
        for file in project.files
        if file.kind == "env" and file.name.startswith(".env") and _COPIES & set(file.name.lower().split("."))
    ]


def _homes(project: Project) -> list[str]:
    """The folders in which a service expects its env file."""
    homes = sorted({file.path.rpartition("/")[0] for file in _templates(project) if not file.roles & {"test", "docs", "vendored"}})
    return homes or ([""] if project.about("dotenv-use") else [])


@project_check("PRD109", topics=("dotenv-use",))
def env_file_not_ignored(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    ignores = project.ignores
    top = ignores.patterns("")
    if top is None and not ignores.repository:
        return
    uses = project.about("dotenv-use")
    homes = _homes(project)
    for home in homes:
        path = f"{home}/.env" if home else ".env"
        if ignores.ignored(path):
            at = next((f"{where}/.gitignore".lstrip("/") for where in (home, "") if ignores.patterns(where) is not None), "")
            if at:
                yield Evidence("PRD109", at, Span(1, 1, 1, 1), f"`{path}` is ignored")
            continue
        if project.exists(path) and path in (project.tracked([path]) or (path,)):
            continue  # it is committed already, as a team does that keeps its defaults there; PRD108 tells of secrets in it
        yield _not_ignored(path, top, ignores, home, uses, [file.path for file in _templates(project)])
        return


def _not_ignored(
    path: str, top: Patterns | None, ignores: Ignores, home: str, uses: Sequence[ProjectFact], templates: Sequence[str]
) -> ProjectDiagnostic:
    message = f"No ignore pattern matches `{path}`: the next `git add .` commits it"
    # In a folder of its own it is what somebody fills in who runs a sample, often outside of this repository.
    priority: Priority | None = "P2" if home else None
    fix = FixRequest("append-lines", "Ignore env files", True, (("file", ".gitignore"), ("text", ".env\n.env.*\n!.env.example\n")))
    at = f"{home}/.gitignore" if home and ignores.patterns(home) is not None else ".gitignore"
    patterns = ignores.patterns(home) if at != ".gitignore" else top
    if patterns is not None:
        for number, line in enumerate(patterns.lines, 1):
            if line.strip().startswith("!") and line.strip("!/ \n") in (".env", ".env*", "*.env"):
                return ProjectDiagnostic(
                    at,
                    Span(number, 1, number, len(line) + 1),
                    f"`{line.strip()}` takes `{path}` back: the next `git add .` commits it",
                    priority=priority,
                )
        return ProjectDiagnostic(
            at, Span(1, 1, 1, len(patterns.lines[0]) + 1 if patterns.lines else 1), message, fix=fix, priority=priority
        )
    if uses:
        return ProjectDiagnostic(uses[0].path, uses[0].span, message, fix=fix, priority=priority)
    return ProjectDiagnostic(min(templates), Span(1, 1, 1, 1), message, fix=fix, priority=priority)
