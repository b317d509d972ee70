"""PRD806 pip-install-not-reproducible: what an image installs without a pinned version."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prodlint.checks import CheckContext, Diagnostic, check, every
from prodlint.checks.deployment.dockerfile import built_from, shipped
from prodlint.facts import Command, Dockerfile, Instruction
from prodlint.model import Priority, Related
from prodlint.project.startup import is_developers_arm
from prodlint.readers.commands import from_dockerfile
from prodlint.readers.dockerfile import variables
from prodlint.readers.shell import REFERENCE

# What installs packages; a new version of it changes little of what it installs.
_INSTALLERS = frozenset(
    "pip setuptools wheel uv poetry poetry-core poetry-plugin-export pipenv pdm hatch hatchling build virtualenv pipx pip-tools"
    " keyring keyrings.google-artifactregistry-auth crcmod twine flit flit-core hatch-vcs setuptools-scm cython tox nox pre-commit six".split()
)
# What every image brings along anyway, and what nothing that it installs depends on.
_TOOLBOX = frozenset(("pip", "setuptools", "wheel"))
# Options of pip 26, uv 0.9, pipx 1.8 and conda 25 that take a value.
_VALUED = frozenset(
    "-r --requirement --requirements --requirements-from-script -c --constraint --constraints -b --build-constraint --build-constraints -i"
    " --index-url --extra-index-url -f --find-links -t --target --prefix --platform --python-version --root --src --timeout --retries"
    " --resume-retries -e --editable --trusted-host --allow-insecure-host --cache-dir --progress-bar --python -p --group --index"
    " --default-index --abi --implementation --only-binary --no-binary --config-settings --config-setting -C --global-option --log"
    " --log-file --proxy --cert --client-cert --index-strategy --link-mode --extra --upgrade-package -P --reinstall-package"
    " --refresh-package --python-platform --exclude-newer --exclude-newer-package --torch-backend --override --overrides --excludes"
    " --upgrade-strategy --python-preference --use-feature --use-deprecated --no-build-isolation-package --root-user-action"
    " --exists-action --keyring-provider --report -w --wheel-dir -d --dest --prerelease --resolution --color --directory --project"
    " --config-file --pip-args --suffix --index-url --with --with-requirements --with-editable --env-file -n --name --channel"
    " --uploaded-prior-to --file --requirement-file".split()
)
# Options after which every version comes from a list, or none is looked up.
_FIXED = ("--require-hashes", "--no-index", "-c", "--constraint", "--constraints")
_EXACT = re.compile(r"===?[^*,]+\Z")
_CONDA_EXACT = re.compile(r"=\d|::.*=")
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:#|\Z)")
_REPOSITORY = re.compile(r"(?:^|@\s*)(?:git|hg|svn|bzr)\+")
# Archives of a branch: what they hold changes with every push.
_BRANCH_ARCHIVE = re.compile(
    r"://\S+/(?:archive|zipball|tarball)/(?:refs/heads/)?(?:main|master|develop|dev|trunk|HEAD|latest)(?:\.zip|\.tar\.gz|/|\Z)"
)
_REMOTE = re.compile(r"@|://|\$|\.(?:whl|tar\.gz|zip)\Z")
_WHEELS = re.compile(r"\.whl\Z|/\*\Z")


@dataclass(frozen=True, slots=True)
class _Build:
    """What is known of a build. sources: what is copied or mounted from the build context. locked: something is installed from a list.
    own_wheel: a wheel of the project alone is built; all_wheels: wheels of all that it needs are; wheels_installed: wheels are installed
    from a folder, after which the project itself brings nothing new."""

    sources: Sequence[str]
    locked: bool
    own_wheel: bool
    all_wheels: bool
    wheels_installed: bool


@check(
    "PRD806",
    on=[every(Dockerfile)],
    required_literals=[("from", "install"), ("from", "sync"), ("from", "poetry"), ("from", "uv "), ("from", "wheel"), ("from", "download")],
    files=("dockerfile",),
)
def unrepeatable_install(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """Packages that an image takes in whatever version is newest."""
    if shipped(dockerfile) is None:
        return
    runs = [each for number in built_from(dockerfile) for each in dockerfile.stages[number].instructions if each.keyword == "RUN"]
    commands = list(commands_of(dockerfile, sorted(runs, key=lambda each: each.start)))
    argvs = [argv for _, _, argv in commands]
    build = _Build(
        _sources(dockerfile),
        any(_locks(command.program, argv) for command, _, argv in commands),
        any(_builds_wheel(command.program, argv) for command, _, argv in commands),
        any(argv[:1] == ("wheel",) and "--no-deps" not in argv for argv in argvs),
        any(argv[:1] == ("install",) and any(word.endswith("/*") for word in argv) for argv in argvs),
    )
    softer: set[str] = set()
    unpinned: list[Command] = []
    first = ""
    for command, known, argv in commands:
        if known.keys() & {"PIP_CONSTRAINT", "UV_CONSTRAINT"} or is_developers_arm(command.arms):
            continue  # `if [ "$DEBUG_BUILD" = 1 ]; then pip install debugpy; fi`
        found = _loose(command, argv, build, known)
        if found is None or _goes_away(argv):
            continue
        words, priority = found
        alone = priority == "P2" and words.endswith(_LOOSE)
        if alone and not context.options.get("installers"):
            continue
        if words.endswith(_LOOSE) and not alone and not context.options.get("each"):
            unpinned.append(command)
            first = first or words
            continue
        # `pip install --upgrade pip` in each stage is one habit.
        if priority is None or words not in softer:
            yield Diagnostic(command, words, priority=priority)
        softer.add(words)
    if unpinned:
        more = f", and so is what {len(unpinned) - 1} more of its commands install" if len(unpinned) > 1 else ""
        related = tuple(Related(context.file.path, other.span, "nor is this pinned") for other in unpinned[1:])
        yield Diagnostic(unpinned[0], first + more, related=related)


_LOOSE = " installed without a pinned version"


def _goes_away(argv: Sequence[str]) -> bool:
    """Whether a command installs into an environment that serves the build alone: `uv pip install --python /tmp/tools/bin/python hatch`."""
    return any(word in _PLACES and argv[index + 1].startswith(_SCRATCH) for index, word in enumerate(argv[:-1]))


_SCRATCH = "/tmp/"  # noqa: S108 - a folder of images, none that is written to here
_PLACES = frozenset(("--python", "-p", "--target", "-t", "--prefix", "--root"))


def commands_of(dockerfile: Dockerfile, runs: Sequence[Instruction]) -> Iterator[tuple[Command, Mapping[str, str], tuple[str, ...]]]:
    """The commands of some RUN instructions, each with the variables known there and its words from the verb on, put in."""
    starts = [each.start for each in runs]
    for fact in from_dockerfile(dockerfile):
        if not isinstance(fact, Command) or fact.origin != "dockerfile-run":
            continue
        index = bisect_right(starts, fact.start) - 1
        if index < 0 or fact.start >= runs[index].end:
            continue
        stage = runs[index].stage
        known = {**(variables(dockerfile, stage, runs[index]) if stage is not None else {}), **fact.settings}
        yield fact, known, _from_verb(_put_in(fact.argv, known))


def _put_in(argv: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """The words with `$OPTIONS` replaced by what it holds, where that is known."""
    words: list[str] = []
    for word in argv:
        found = REFERENCE.fullmatch(word)
        value = known.get(found[1] or found[4] or "") if found else None
        words.extend(value.split() if value is not None else [word])
    return tuple(words)


def _from_verb(argv: Sequence[str]) -> tuple[str, ...]:
    """The words from the verb on: `pip --no-cache-dir install` has options before it."""
    start = 0
    while start < len(argv) and argv[start].startswith("-"):
        start += 2 if argv[start] in _VALUED else 1
    return tuple(argv[start:])


def _sources(dockerfile: Dockerfile) -> list[str]:
    """What is copied or mounted from the build context."""
    found: list[str] = []
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword in ("COPY", "ADD") and not any(name == "from" for name, _ in instruction.flags):
                found.extend(instruction.words[:-1])
            for name, value in instruction.flags:
                if name == "mount" and "type=bind" in value:
                    parts = dict(part.partition("=")[::2] for part in value.split(","))
                    found.append(parts.get("source") or parts.get("src") or parts.get("target", "."))
    return found


def _brings(sources: Sequence[str], lock: str) -> bool:
    """Whether a lock file is among what is copied, by its name or with the folder around it."""
    stem = lock.split(".", maxsplit=1)[0].lower()
    return any(
        lock.lower() in source.lower()
        or source.rstrip("/") in ("", ".")
        or ("*" in source and (stem in source.lower() or "lock" in source))
        for source in sources
    )


def has_flag(argv: Sequence[str], *flags: str) -> bool:
    """Whether one of these options is given, also as `--option=value`."""
    return any(word in flags or word.partition("=")[0] in flags for word in argv if word.startswith("-"))


def _locks(program: str, argv: tuple[str, ...]) -> bool:
    """Whether a command installs from a list, after which the project itself brings nothing new."""
    if program == "pip" or (program == "uv" and argv[:1] == ("pip",)):
        rest = _from_verb(argv[1:]) if program == "uv" else argv
        return has_flag(argv, "-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints") or rest[:1] == ("sync",)
    if program == "uv":
        return argv[:1] in (("sync",), ("export",))
    return program == "pip-sync" or (program in ("poetry", "pdm", "pipenv") and argv[:1] in (("install",), ("export",), ("sync",)))


def _builds_wheel(program: str, argv: tuple[str, ...]) -> bool:
    """Whether a command builds the wheel of the project and of nothing else."""
    if program in ("uv", "poetry", "hatch", "pdm", "flit"):
        return argv[:1] == ("build",)
    return program == "build" or (program == "pip" and argv[:1] == ("wheel",) and "--no-deps" in argv)


def _loose(command: Command, argv: tuple[str, ...], build: _Build, known: Mapping[str, str]) -> tuple[str, Priority | None] | None:
    """What is not fixed about an install; None where all of it is."""
    program = command.program
    if program == "uv" and argv[:1] == ("pip",):
        return _loose_pip("uv pip", _from_verb(argv[1:]), build)
    if program == "pip":
        return _loose_pip("pip", argv, build)
    if program == "uv":
        return _loose_uv(argv, build, known)
    if program == "poetry":
        if argv[:1] in (("install",), ("sync",)) and not _brings(build.sources, "poetry.lock"):
            return "`poetry install` without `poetry.lock` in the image installs the newest versions", None
        if argv[:1] in (("update",), ("add",)) or (argv[:1] == ("lock",) and "--check" not in argv):
            return f"`poetry {argv[0]}` resolves the newest versions while the image is built", None
    elif program == "pipenv":
        if argv[:1] == ("install",) and not has_flag(argv, "--deploy", "--ignore-pipfile"):
            return "`pipenv install` without `--deploy` may resolve newer versions while the image is built", None
    elif program == "pipx" and argv[:1] == ("install",):
        return _unpinned(_packages(argv[1:])[0])
    elif program in ("conda", "mamba", "micromamba") and argv[:1] == ("install",) and not has_flag(argv, "--file", "-f"):
        return _unpinned([name for name in _packages(argv[1:])[0] if not _CONDA_EXACT.search(name)])
    elif program == "easy_install":
        return _unpinned(_packages(argv)[0])
    return None


def _unpinned(names: Sequence[str]) -> tuple[str, Priority | None] | None:
    """The packages among these that have no exact version."""
    loose = [name for name in names if not _EXACT.search(name)]
    if not loose:
        return None
    bare = {re.split(r"[\[<>=~!; ]", name, maxsplit=1)[0].lower() for name in loose}
    if bare <= _TOOLBOX:
        return None
    shown = ", ".join(f"`{name}`" for name in loose[:3]) + (f" and {len(loose) - 3} more" if len(loose) > 3 else "")
    verb = "are" if len(loose) > 1 else "is"
    return f"{shown} {verb} installed without a pinned version", "P2" if bare <= _INSTALLERS else None


def _loose_pip(program: str, argv: tuple[str, ...], build: _Build) -> tuple[str, Priority | None] | None:
    if argv[:1] not in (("install",), ("wheel",), ("download",)) or has_flag(argv, *_FIXED):
        return None
    moving = next((word for word in argv[1:] if _moves(word)), "")
    if moving:
        return f"`{_shown(moving)}` is installed from a branch, not a commit", None
    names, local = _packages(argv[1:])
    found = _unpinned(names)
    if found is not None or "--no-deps" in argv:
        return found
    wheel = next((path for path in local if _WHEELS.search(path)), "")
    if wheel:
        newest = has_flag(argv, "-U", "--upgrade")
        # What somebody has built before the image lies in `dist/`: the project's wheel alone.
        own = build.own_wheel or (newest and "dist/" in wheel)
        if own and not build.all_wheels and (newest or not build.locked):
            return f"`{program} install {wheel}` installs the newest versions of what this wheel depends on", None
        return None
    folder = next((path for path in local if "$" not in path and "*" not in path and not path.endswith((".gz", ".zip"))), "")
    if folder and not build.locked and argv[0] in ("install", "wheel") and not (argv[0] == "install" and build.wheels_installed):
        did = "installs" if argv[0] == "install" else "builds wheels of"
        return f"`{program} {argv[0]} {folder}` {did} the newest versions that the project allows", None
    return None


def _moves(word: str) -> bool:
    """Whether a repository or an archive is named without a commit."""
    if "$" in word:
        return False
    return (_REPOSITORY.search(word) is not None and not _COMMIT.search(word)) or _BRANCH_ARCHIVE.search(word) is not None


def _shown(reference: str) -> str:
    """A reference to a repository without what may be a credential in it."""
    return re.sub(r"//[^/@\s]*@", "//", reference)[:80]


def _loose_uv(argv: tuple[str, ...], build: _Build, known: Mapping[str, str]) -> tuple[str, Priority | None] | None:
    verb = argv[:1]
    if verb == ("tool",) and argv[1:2] == ("install",):
        return _unpinned(_packages(argv[2:])[0])
    frozen = has_flag(argv, "--frozen", "--locked", "--no-sync") or any(
        known.get(name, "0") not in ("0", "", "false") for name in ("UV_FROZEN", "UV_LOCKED")
    )
    if verb == ("sync",) and not frozen:
        if any(word.startswith("$") for word in argv):
            # The options stand in a variable that is not known.
            return None
        if not _brings(build.sources, "pyproject.toml"):
            return None  # the project came with the base image, and its lock may have as well
        if not _brings(build.sources, "uv.lock"):
            return "`uv sync` without `uv.lock` in the image installs the newest versions", None
        return "`uv sync` without `--locked` updates a lock file that is out of date while the image is built", "P2"
    if verb == ("add",) or (verb == ("lock",) and not has_flag(argv, "--check", "--locked", "--frozen")):
        return f"`uv {verb[0]}` resolves the newest versions while the image is built", None
    return None


def _packages(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The packages of an install by name, and those by path."""
    names: list[str] = []
    local: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _VALUED
            if word in ("-e", "--editable") and index + 1 < len(words):
                local.append(words[index + 1])
        elif word.startswith((".", "/")) or re.match(r"[\w.-]+/", word):
            local.append(word)
        elif word and not _REMOTE.search(word) and re.match(r"[A-Za-z0-9]", word):
            names.append(word)
    return names, local
