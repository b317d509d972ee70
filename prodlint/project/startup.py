"""What production starts: programs, Python modules and scripts, as Dockerfiles, compose, Kubernetes, Procfiles, units and the scripts
that these name say it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prodlint.configuration.roles import roles_of
from prodlint.facts import Command, Document, File, FileKind, FileRole, Setting, Source
from prodlint.model import Span
from prodlint.readers.documents import documents_of
from prodlint.values.compose import is_for_development, services

# Programs that keep serving once started. A command of one of these makes its repository a service.
SERVERS = frozenset(
    "uvicorn gunicorn hypercorn granian daphne uwsgi waitress-serve fastapi flask quart litestar sanic celery dramatiq taskiq arq rq "
    "huey faust procrastinate chalice streamlit bentoml robyn pserve manage.py django-admin python adev uwsgitop".split()
)
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "source", "."))
_PACKAGE_MANAGERS = frozenset(("npm", "pnpm", "yarn", "bun"))
# Files of these classes say nothing about production.
_ELSEWHERE = frozenset(("dev", "test", "example", "docs", "ci", "vendored"))
_SILENT_KINDS = frozenset(("requirements", "lock", "python", "json"))
_DEVELOPERS = re.compile(
    r"(?:^|[-_.|])(?:dev|devel|develop|development|developer|debug|local|test|tests|testing|lint|watch|hot|reload)(?:$|[-_.|])"
)
# `if [ "$APP_ENV" = development ]`, `if [ "$APP_ENV" != production ]`, `if [ -n "$DEBUG" ]`; and the other branch of the opposite.
_SURROUNDING = r"[\"']?(?:[a-z]+-)?(?:dev|devel|develop|development|local|debug|test|testing)\b"
_DEVELOPERS_IF = re.compile(
    rf"if .*?(?:={_SURROUNDING}|=\s+{_SURROUNDING}|!=\s*[\"']?prod|\$\{{?\w*(?:DEBUG|DEV|DEVELOPMENT|RELOAD|WATCH|HOT)(?:_?(?:MODE|BUILD))?\b(?![^\]]*(?:!=|-z)))",
    re.IGNORECASE | re.DOTALL,
)
_DEVELOPERS_ELSE = re.compile(
    rf"else .*?(?:(?<!!)=\s*[\"']?prod|!=\s*{_SURROUNDING}|-z\s+[\"']?\$\{{?\w*(?:DEBUG|DEV|RELOAD)\b)", re.IGNORECASE | re.DOTALL
)
# A console script of a package: `depot = "depot.cli:main"`.
_SCRIPT_TABLE = re.compile(rb"(?ms)^\[(?:project|tool\.poetry)\.scripts\][ \t]*\r?\n(.*?)(?=^\[|\Z)")
_SCRIPT_LINE = re.compile(rb"(?m)^[ \t]*[\"']?([\w.-]+)[\"']?[ \t]*=[ \t]*[\"']([\w.]+)(?::[\w.]+)?[\"']")
# A front end's development server: what starts one is how developers run everything.
_FRONT_END_FOR_DEVELOPERS = re.compile(
    rb"(?m)^[ \t]*(?:exec[ \t]+)?(?:(?:npm[ \t]+run|pnpm(?:[ \t]+run)?|yarn(?:[ \t]+run)?|bun[ \t]+run)[ \t]+(?:dev|start:dev|serve:dev)\b|(?:npx[ \t]+)?vite(?=[ \t]*(?:$|&|-)))"
)
# `python -O app.py`, `["python3", "-OO", "-m", "app"]`: without assertions.
_OPTIMIZED = re.compile(r"\bpython[\d.]*[\"',\s]+(?:-[A-NP-Za-z]+[\"',\s]+)*-[A-NP-Za-z]*OO?\b")
# Options of servers that take a value, which is no module.
_VALUED = re.compile(r"-{1,2}[\w-]+\Z")
_CHAIN = 4


@dataclass(frozen=True, slots=True)
class Started:
    """A program that production starts: module is "app.main" of `uvicorn app.main:app` or `python -m app.main`, script the path of
    `python app.py`. runs: the module or script is run as a program, where otherwise a server imports it."""

    program: str
    module: str
    script: str
    path: str
    span: Span
    words: str
    runs: bool = False


@dataclass(frozen=True, slots=True)
class Startup:
    """The answers. programs: what is started. scripts: the shell scripts that are, by path. asked: first words that images and
    manifests of production hand to an entry script (`CMD ["server"]`). targets: those of a Makefile that they start (`CMD make serve`).
    package_scripts: those of the package.json beside them (`CMD ["npm", "start"]`), as folder and name. settings: what production's files give each variable, by its name
    in upper case. development: scripts that start a development server, the Dockerfiles that start those, and the Dockerfiles that only
    developers' compose files build while production has another one, by path. replaced: services whose command a compose file for production
    gives anew, as folder and name. without_asserts: Python is started with `-O`."""

    programs: tuple[Started, ...] = ()
    scripts: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    package_scripts: frozenset[tuple[str, str]] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    development: frozenset[str] = frozenset()
    replaced: frozenset[tuple[str, str]] = frozenset()
    without_asserts: bool = False

    def gives_anew(self, path: str, service: str) -> bool:
        """Whether a compose file for production that lies beside this one gives a service of it another command."""
        folder, _, name = path.rpartition("/")
        return (folder, service) in self.replaced and not _OVER_ANOTHER.search(name)

    def starts_arm(self, arms: Sequence[str]) -> bool:
        """Whether an image or a manifest asks for one of these arms of an entry script by name."""
        return any(pattern.strip("\"' ") in self.asked for arm in arms for pattern in arm.split("|"))


def is_deployed(setting: Setting) -> bool:
    """Whether a setting is one that production is given, as far as the file it stands in says."""
    if setting.origin in ("ci", "makefile", "python", "shell", "toml", "ini"):
        return False
    if setting.origin == "env-file":
        # a plain `.env` is usually a developer's own; one that names production is not
        return "production" in setting.file.roles
    return not _DEVELOPERS.search(setting.service.lower())


def is_developers_arm(arms: Sequence[str]) -> bool:
    """Whether one of the functions, `case` patterns and conditions that a command stands under is there for developers."""
    for arm in arms:
        if arm.startswith(("if ", "else ")):
            if _DEVELOPERS_IF.match(arm) or _DEVELOPERS_ELSE.match(arm):
                return True
        elif _DEVELOPERS.search(arm.lower()):
            return True
    return False


@dataclass(slots=True)
class _Reading:
    """What is found on the way."""

    shells: Mapping[str, Source]
    consoles: dict[str, str]
    programs: list[Started] = field(default_factory=list)
    scripts: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    package_scripts: set[tuple[str, str]] = field(default_factory=set)
    settings: dict[str, str] = field(default_factory=dict)
    development: set[str] = field(default_factory=set)
    optimized: bool = False


def startup_of(files: Iterable[tuple[str, FileKind, Source]]) -> Startup:
    """What the deployment files of a project start: each file with its path, kind and text."""
    listed = [(path, kind, source, _roles_of(path, kind, source)) for path, kind, source in files]
    reading = _Reading({path: source for path, kind, source, _ in listed if kind == "shell"}, _consoles(listed))
    reading.development |= _developers_images(listed)
    for path, kind, source, roles in listed:
        data = source.data
        if kind in _SILENT_KINDS or roles & _ELSEWHERE or path in reading.development:
            continue
        if kind == "yaml" and b"kind" not in data and b"services" not in data and b"image" not in data:
            continue
        settings, commands = _deployed_by(source, File(path, kind, roles))
        for name, value in settings:
            reading.settings.setdefault(name, value)
        for command in commands:
            _take(command, reading, 0)
    return Startup(
        tuple(reading.programs),
        frozenset(reading.scripts),
        frozenset(reading.asked),
        frozenset(reading.targets),
        frozenset(reading.package_scripts),
        reading.settings,
        frozenset(reading.development),
        frozenset(_commands_given_anew(listed)),
        reading.optimized or reading.settings.get("PYTHONOPTIMIZE", "0").strip() not in ("", "0"),
    )


def _roles_of(path: str, kind: FileKind, source: Source) -> frozenset[FileRole]:
    """The roles of a file, worked out once for a text: a project is asked anew what it starts whenever one of its files changes."""
    key = ("roles", path, kind)
    known = source.derived.get(key)
    if not isinstance(known, frozenset):
        known = source.derived[key] = roles_of(path, kind, source.data)
    return known


_Deployed = tuple[tuple[tuple[str, str], ...], tuple[Command, ...]]


def _deployed_by(source: Source, file: File) -> _Deployed:
    """What a file gives its programs: variables, by name in upper case, and the commands that it starts and keeps; once for a text."""
    key = ("deployed", file.path, file.kind, file.roles)
    known: _Deployed | None = source.derived.get(key)  # type: ignore[assignment]
    if known is not None:
        return known
    from prodlint.readers import configuration

    settings: list[tuple[str, str]] = []
    commands: list[Command] = []
    for fact in configuration.read(source, file, frozenset((Command, Setting))):
        # A stage for developers is built on request, never by default: the last one is, and what that one builds on.
        if isinstance(fact, Setting) and fact.value is not None and is_deployed(fact):
            settings.append((fact.name.upper(), fact.value))
        if (
            isinstance(fact, Command)
            and fact.long_running
            and not is_developers_arm(fact.arms)
            and not (fact.origin.startswith("dockerfile") and _DEVELOPERS.search(fact.owner.lower()))
        ):
            commands.append(fact)
    made = source.derived[key] = tuple(settings), tuple(commands)
    return made


def _developers_images(files: Sequence[tuple[str, FileKind, Source, frozenset[FileRole]]]) -> set[str]:
    """The Dockerfiles that no compose file builds but those for tests, or for developers where another Dockerfile lies beside it."""
    images = {path for path, kind, _, roles in files if kind == "dockerfile" and not roles & _ELSEWHERE}
    built: dict[bool, set[str]] = {True: set(), False: set()}
    tested = set[str]()
    for path, kind, source, roles in files:
        if kind != "yaml" or b"services" not in source.data or b"build" not in source.data:
            continue
        for document in documents_of(source, File(path, kind, roles)):
            developers = bool(roles & _ELSEWHERE) or is_for_development(document)
            built[developers].update(_built(document))
            if "test" in roles:
                tested.update(_built(document))
    only = (built[True] - built[False]) & images
    kept = images - only
    folders = {path.rpartition("/")[0] for path in kept}
    return {path for path in only if path.rpartition("/")[0] in folders or (path in tested and kept)}


# `docker compose -f compose.yaml -f compose.prod.yaml up`
_OVER_ANOTHER = re.compile(r"(?i)compose[._-](?:prod|production|live|deploy)\b[\w.-]*\.ya?ml\Z")


def _commands_given_anew(files: Sequence[tuple[str, FileKind, Source, frozenset[FileRole]]]) -> Iterator[tuple[str, str]]:
    """The services whose command or entry point stands in a compose file for production, as folder and name."""
    for path, kind, source, roles in files:
        folder, _, name = path.rpartition("/")
        if kind == "yaml" and _OVER_ANOTHER.search(name) and b"services" in source.data:
            for document in documents_of(source, File(path, kind, roles)):
                for service in services(document):
                    if service.get("command") is not None or service.get("entrypoint") is not None:
                        yield folder, service.name


def _built(document: Document) -> Iterator[str]:
    """The Dockerfiles that the services of a compose file are built from."""
    for service in services(document):
        build = service.get("build")
        if build is not None:
            context = build.raw if build.kind == "scalar" else build.text_at("context") or "."
            named = "" if build.kind == "scalar" else build.text_at("dockerfile")
            yield posixpath.normpath(posixpath.join(document.file.path.rpartition("/")[0], context, named or "Dockerfile"))


def _consoles(files: Iterable[tuple[str, str, Source, frozenset[str]]]) -> dict[str, str]:
    """The module behind each console script that a manifest of the project declares."""
    found: dict[str, str] = {}
    for path, _, source, _ in files:
        if path.rsplit("/", 1)[-1] == "pyproject.toml":
            for table in _SCRIPT_TABLE.finditer(source.data):
                for line in _SCRIPT_LINE.finditer(table[1]):
                    found.setdefault(line[1].decode(), line[2].decode())
    return found


def _take(command: Command, reading: _Reading, depth: int) -> None:
    """What one command starts, and what the script starts that it names."""
    started = _started(command, reading.consoles)
    reading.optimized = reading.optimized or _OPTIMIZED.search(command.text) is not None
    if started is not None:
        reading.programs.append(started)
    # A compose file may be the developers' own, whatever it is called: what it asks a script for says nothing.
    if command.origin not in ("shell", "compose"):
        words = [command.text.split(None, 1)[0].strip("\"'[],") if command.text else "", *command.argv]
        reading.asked.update(words[1:3] if _script_of(command) else words[:1])
        if command.program in ("make", "gmake"):
            reading.targets.update(word for word in command.argv if not word.startswith("-") and "=" not in word)
    if command.program in _PACKAGE_MANAGERS:
        names = [word for word in command.argv if not word.startswith("-") and word not in ("run", "run-script")]
        reading.package_scripts.update((command.file.path.rpartition("/")[0], name) for name in names[:1])
    script = _script_of(command)
    for path in _named(script, reading.shells) if script else ():
        if _FRONT_END_FOR_DEVELOPERS.search(reading.shells[path].data):
            reading.development.add(path)
            if command.origin.startswith("dockerfile"):
                reading.development.add(command.file.path)
            continue
        if path in reading.scripts or depth > _CHAIN:
            continue
        reading.scripts.add(path)
        for inner in _commands_of(path, reading.shells[path]):
            if is_developers_arm(inner.arms):
                continue
            starts = inner.program in SERVERS or inner.program in reading.consoles or "exec" in inner.through or inner.program in _SHELLS
            if starts or _script_of(inner):
                _take(inner, reading, depth + 1)


def _commands_of(path: str, source: Source) -> tuple[Command, ...]:
    """The commands of a shell script, read once for a text."""
    key = ("commands", path)
    known: tuple[Command, ...] | None = source.derived.get(key)  # type: ignore[assignment]
    if known is None:
        from prodlint.readers import configuration

        # Of its own: what is read for a rule knows the file's roles.
        facts = configuration.read(Source(source.data), File(path, "shell", frozenset()), frozenset((Command,)))
        known = source.derived[key] = tuple(fact for fact in facts if isinstance(fact, Command))
    return known


def _script_of(command: Command) -> str:
    """The shell script that a command starts, as it is written: `/app/bin/go.sh`, `run.sh` of `sh run.sh`; or nothing."""
    if command.program in _SHELLS:
        return next((word for word in command.argv if not word.startswith("-")), "")
    if command.program.endswith((".sh", ".bash")) or "entrypoint" in command.program:
        written = command.text.split(None, 1)[0] if command.text else ""
        at = written.find(command.program)
        return written[: at + len(command.program)].lstrip("\"'[") if at != -1 else command.program
    written = command.text.split(None, 1)[0].strip("\"'[],") if command.text else ""
    return written if "/" in written and command.program not in SERVERS and not written.startswith(("/usr/", "/bin/", "/sbin/")) else ""


def _named(script: str, shells: Mapping[str, Source]) -> list[str]:
    """The scripts of the project that a path inside an image may be: those that share the most of its end."""
    parts = script.replace("$PWD", "").removeprefix("./").strip("/").split("/")
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        found = [path for path in shells if path == tail or path.endswith("/" + tail)]
        if found:
            return found
    return []


def _started(command: Command, consoles: Mapping[str, str]) -> Started | None:
    module = script = ""
    program = command.program
    runs = "-m" in command.through
    if runs:
        module = program
    if program in ("python", "pypy") and command.argv:
        first = next((word for word in command.argv if not word.startswith("-")), "")
        if first.endswith(".py"):
            script, runs = first.removeprefix("./"), True
    elif program.endswith(".py"):
        script, runs = program, True
    elif program in consoles:
        module, runs = consoles[program], True
    module = _imported(command) or module
    if program in ("celery", "dramatiq", "fastapi", "flask") and not module:
        given = command.flag_value("-A", "--app")
        module = (given or "").partition(":")[0].removesuffix(".py").replace("/", ".")
        if not module and program == "fastapi":
            script = next((word for word in command.argv if word.endswith(".py")), "")
    if program not in SERVERS and not module and not script:
        return None
    words = " ".join((program, *command.argv))[:80]
    return Started(program, module, script, command.file.path, command.span, words, runs and not _imported(command))


def _imported(command: Command) -> str:
    """The module that a server is told to import: `app.main:app`, or gunicorn's `app.wsgi` alone."""
    for word in command.argv:
        name, colon, _ = word.partition(":")
        if colon and re.fullmatch(r"[A-Za-z_][\w.]*", name):
            return name
    if command.program == "gunicorn":
        for before, word in zip(("", *command.argv), command.argv, strict=False):
            if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)+", word) and not _VALUED.fullmatch(before):
                return word
    return ""


def is_file(started: Started, path: str) -> bool:
    """Whether a Python file is what is started."""
    if started.script:
        script = started.script.lstrip("/")
        return path == script or path.endswith("/" + script) or (started.script.startswith("/") and script.endswith("/" + path))
    if started.module:
        inside = started.module.replace(".", "/")
        return any(path == tail or path.endswith("/" + tail) for tail in (f"{inside}.py", f"{inside}/__main__.py", f"{inside}/__init__.py"))
    return False


def is_below(started: Started, folder: str) -> bool:
    """Whether what is started is named by its path from the root, and lies in a folder."""
    named = started.script.removeprefix("./").lstrip("/") or started.module.replace(".", "/")
    return named.startswith(folder)
