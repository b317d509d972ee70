"""PRD805 image-carries-build-or-dev-deps and PRD801 dockerfile-missing: what an image holds that nobody runs, and services without one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    documents,
    every,
    project_check,
    project_fact,
)
from prodlint.checks.deployment.dockerfile import built_from, lineage, shipped
from prodlint.checks.deployment.installs import commands_of, has_flag
from prodlint.facts import Call, Command, Dockerfile, Document
from prodlint.model import Evidence, Span
from prodlint.values.container_images import datastore, image_of

# ---------------------------------------------------------------- PRD805

_DEVELOPERS = r"(?:dev|develop|development|test|tests|testing|lint|ci|local)"
_LIST = re.compile(rf"(?:^|[/._-]){_DEVELOPERS}(?:$|[/._-])", re.IGNORECASE)
_EXTRA = re.compile(rf"\[[^\]]*\b{_DEVELOPERS}\b[^\]]*\]")
_COMPILERS = frozenset("build-essential gcc g++ clang make cmake build-base cargo rustc gfortran llvm".split())
_REMOVES = re.compile(
    r"\b(?:apt-get|apt)\s+(?:-\S+\s+)*(?:purge|remove|autoremove)\b|\bapk\s+del\b|\b(?:dnf|yum|microdnf)\s+(?:-\S+\s+)*(?:remove|erase)\b"
)
_CACHED = re.compile(r"rm\s+-\w+\s+[^&;]*(?:/var/lib/apt/lists|/var/cache/apt)|--mount=type=cache")


@check(
    "PRD805",
    on=[every(Dockerfile)],
    required_literals=[("from", "install"), ("from", "sync"), ("from", "add ")],
    files=("dockerfile",),
)
def carries_what_nobody_runs(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """Dependencies of developers and compilers in the image that is shipped."""
    stage = shipped(dockerfile)
    if stage is None or datastore(image_of(stage.resolved)) is not None:
        return
    own = {id(instruction) for instruction in lineage(stage)}
    runs = [each for number in built_from(dockerfile) for each in dockerfile.stages[number].instructions if each.keyword == "RUN"]
    runs.sort(key=lambda each: each.start)
    kept = [each for each in runs if id(each) in own]
    carried = _carried(dockerfile)
    anew = max(
        (command.start for command, _, argv in commands_of(dockerfile, runs) if argv[:1] == ("sync",) and has_flag(argv, "--no-dev")),
        default=-1,
    )
    removes = any(_REMOVES.search(each.value) for each in kept)
    for command, known, argv in commands_of(dockerfile, runs):
        inside = any(each.start <= command.start < each.end for each in kept)
        words = _for_developers(command.program, argv, known, context) if inside or any(s <= command.start < e for s, e in carried) else ""
        if words and argv[:1] == ("sync",) and command.start < anew:
            continue  # the environment is made anew for the image, or what developers need taken out of it
        if words:
            yield Diagnostic(command, words)
            continue
        if not inside:
            continue
        compilers = [word for word in argv[1:] if word in _COMPILERS or word.endswith(("-dev", "-devel", "-headers"))]
        # Headers alone bring no compiler.
        if (
            set(compilers) & _COMPILERS - {"make"}
            and argv[:1] in (("install",), ("add",))
            and not removes
            and "--virtual" not in argv
            and "-t" not in argv
        ):
            shown = ", ".join(f"`{word}`" for word in compilers[:3]) + (" and more" if len(compilers) > 3 else "")
            stay = "stays" if len(compilers) == 1 else "stay"
            yield Diagnostic(command, f"{shown} {stay} in the image that is shipped; build in a stage of its own")
        elif context.options.get("caches") and _keeps_cache(
            command, argv, next(each.value for each in kept if each.start <= command.start < each.end)
        ):
            yield Diagnostic(command, f"`{command.program}` leaves its package lists or cache in the image")


# Where packages lie that are copied from one stage to the next.
_PACKAGES = re.compile(r"venv|site-packages|wheel|/install|\.local|^/usr/local(?:/lib|/bin)?/?$|^/(?:app|opt|srv|code|src)(?:/\w*)?/?$")


def _carried(dockerfile: Dockerfile) -> list[tuple[int, int]]:
    """The byte ranges of the stages whose installed packages another stage takes over."""
    found: list[tuple[int, int]] = []
    named = {each.name: each for each in dockerfile.stages if each.name} | {str(each.index): each for each in dockerfile.stages}
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            origin = next((named.get(value.lower()) for name, value in instruction.flags if name == "from"), None)
            while origin is not None and any(_PACKAGES.search(word) for word in instruction.words[:-1]):
                found.append((origin.instructions[0].start, origin.instructions[-1].end))
                origin = origin.parent
    return found


def _keeps_cache(command: Command, argv: Sequence[str], run: str) -> bool:
    if argv[:1] != ("install",) or _CACHED.search(run):
        return False
    if command.program in ("apt-get", "apt"):
        return True
    return command.program == "pip" and not has_flag(argv, "--no-cache-dir") and "PIP_NO_CACHE_DIR" not in run


def _for_developers(program: str, argv: Sequence[str], known: Mapping[str, str], context: CheckContext) -> str:
    """What a command installs for developers, in words; nothing where it does not."""
    if program == "uv" and tuple(argv[:1]) == ("sync",):
        left_out = has_flag(argv, "--no-dev", "--no-default-groups", "--only-group", "--no-group") or known.get("UV_NO_DEV", "0") not in (
            "0",
            "",
            "false",
        )
        named = _value(argv, "--group", "--extra")
        if _LIST.search(named) or has_flag(argv, "--all-groups", "--dev"):
            return f"`uv sync` installs `{named or 'every group'}` into the image"
        return (
            "" if left_out or not context.environment.has_dev_group else "`uv sync` installs the `dev` group into the image; add `--no-dev`"
        )
    if program == "poetry" and tuple(argv[:1]) in (("install",), ("sync",)):
        if has_flag(argv, "--only", "--no-dev", "--without", "--only-root") or known.get("POETRY_WITHOUT"):
            return ""
        return "`poetry install` installs the `dev` group into the image; add `--only main`" if context.environment.has_dev_group else ""
    if program == "pipenv" and has_flag(argv, "--dev", "-d") and tuple(argv[:1]) in (("install",), ("sync",)):
        return "`pipenv --dev` installs the packages of developers into the image"
    if program == "pdm" and tuple(argv[:1]) in (("install",), ("sync",)):
        left_out = has_flag(argv, "--prod", "--production", "--no-default", "--no-dev", "-G", "--group")
        return (
            ""
            if left_out or not context.environment.has_dev_group
            else "`pdm` installs the development groups into the image; add `--prod`"
        )
    if program in ("pip", "uv") and "install" in argv[:2]:
        listed = _value(argv, "-r", "--requirement", "--requirements")
        if listed and _LIST.search(listed):
            return f"`{listed}` is installed into the image"
        extra = next((word for word in argv if word.startswith((".", "/")) and _EXTRA.search(word)), "")
        return f"`{extra}` installs the packages of developers into the image" if extra else ""
    return ""


def _value(argv: Sequence[str], *flags: str) -> str:
    for index, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in flags:
            return value if equals else (*argv, "")[index + 1]
    return ""


# ---------------------------------------------------------------- PRD801

_IMAGE_NAMES = re.compile(r"(?:^|\.)(?:dockerfile|containerfile)(?:\.|$)|\.(?:dockerfile|containerfile)$", re.IGNORECASE)
# Other ways to build and run a service.
_DESCRIPTORS = frozenset(
    "procfile app.yaml app.yml fly.toml render.yaml render.yml railway.json railway.toml nixpacks.toml project.toml buildpack.toml serverless.yml serverless.yaml"
    " template.yaml samconfig.toml zappa_settings.json vercel.json netlify.toml heroku.yml app.json apprunner.yaml cloudbuild.yaml skaffold.yaml dokku.json"
    " pulumi.yaml cdk.json flake.nix default.nix shell.nix captain-definition koyeb.yaml zeabur.json wrangler.toml wsgi.ini uwsgi.ini supervisord.conf".split()
)
_OTHER_KINDS = frozenset(("systemd", "procfile"))
_BUILT_PAGES = re.compile(r'"(?:next|react-scripts|vite|@angular/core|nuxt|@sveltejs/kit|vue|react|svelte|gatsby|astro)"\s*:')


@collect(
    "started-in-ci",
    on=[documents("github-workflow", "gitlab-ci")],
    required_literals=["buildpacks", "pack build", "ko build", "gcloud", "nixpacks"],
    files=("yaml",),
)
def built_in_ci(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """A pipeline that builds an image without a Dockerfile, or hands the sources to a platform."""
    yield project_fact("started-in-ci", document, "builds it")


_ELSEWHERE = ("test", "example", "docs", "dev", "script", "vendored", "generated", "notebook", "ci", "command")


@collect(
    "entry-point",
    on=[
        calls(
            "uvicorn.run", "hypercorn.run", "waitress.serve", "aiohttp.web.run_app", "flask.Flask.run", "quart.Quart.run", "sanic.Sanic.run"
        )
    ],
    files=("python",),
    not_in=_ELSEWHERE,
)
def entry_points(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where a program of the repository starts to serve HTTP."""
    if not context.file.roles & frozenset(_ELSEWHERE):
        yield project_fact("entry-point", call, call.name)


@project_check("PRD801", topics=("started-in-ci", "entry-point"))
def nothing_builds_it(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service that nothing in the repository builds or starts."""
    environment = project.environment
    images = [file for file in project.files if file.kind == "dockerfile" or _IMAGE_NAMES.search(file.name)]
    if images:
        yield Evidence("PRD801", images[0].path, Span(1, 1, 1, 1), "is built into an image")
        if options.get("frontends"):
            yield from _pages_without_image(project, images)
        return
    serving = next(iter(project.about("entry-point")), None) if options.get("any-service") and not environment.is_library else None
    if not (environment.is_service or serving) or project.about("started-in-ci") or options.get("external"):
        return
    for file in project.files:
        if (
            file.name.lower() in _DESCRIPTORS or file.kind in _OTHER_KINDS or file.name.endswith((".tf", ".nomad", ".bicep", ".nix", ".spec"))
            or re.search(r"(?:^|/)(?:ansible|playbooks|debian|packaging|snap|salt|puppet|chef)/|snapcraft\.yaml$|Chart\.yaml$", file.path)
        ):  # fmt: skip
            yield Evidence("PRD801", file.path, Span(1, 1, 1, 1), "says how it is built or started")
            return
    place = project.service_place() or ((serving.path, serving.span) if serving is not None else None)
    if place is not None:
        words = "nothing builds this service: no Dockerfile, no Procfile and no description for a platform"
        yield ProjectDiagnostic(place[0], place[1], words)


# A bundler that writes into the sources of somebody else: a package that serves the files.
_OUTSIDE = re.compile(rb"out(?:put)?(?:Dir|put|File)?[\"']?\s*[:=][^\n]*\.\./|--out-?dir[= ]\.\./|\.\./[\w./-]*static")


def _builds_elsewhere(project: Project, folder: str) -> bool:
    """Whether a front end is built by something that is no Dockerfile: a script, a Makefile or a pipeline that names its folder, or its
    own bundler, which writes the pages into the sources that serve them."""
    named = folder.encode()
    for file in project.files:
        beside = file.path.startswith(f"{folder}/") and "/" not in file.path[len(folder) + 1 :]
        if beside and re.search(r"^(?:vite|webpack|rollup|rspack|next|nuxt|angular|vue|svelte|package|gulpfile)\b", file.name):
            if _OUTSIDE.search(project.read(file.path) or b""):
                return True
        elif (
            file.kind in ("shell", "makefile", "jenkinsfile") or file.path.startswith(".github/workflows/") or file.name == ".gitlab-ci.yml"
        ):
            if named in (text := project.read(file.path) or b"") and re.search(rb"\b(?:npm|yarn|pnpm|bun)\b", text):
                return True
    return False


def _pages_without_image(project: Project, images: Sequence[Any]) -> Iterator[ProjectDiagnostic]:
    """A front end in a folder of its own that no Dockerfile builds."""
    texts: list[bytes] | None = None
    for file in project.files:
        folder = file.path.rpartition("/")[0]
        if (
            file.name != "package.json"
            or not folder
            or folder.count("/") > 1
            or file.roles & {"test", "example", "docs", "dev", "vendored", "generated", "ci"}
        ):
            continue
        if any(image.path.startswith(f"{folder}/") or image.path.partition("/")[0].lower() == f"dockerfile.{folder}" for image in images):
            continue
        data = project.read(file.path) or b""
        if b'"build"' not in data or not _BUILT_PAGES.search(data.decode("utf-8", "replace")):
            continue
        texts = texts if texts is not None else [project.read(image.path) or b"" for image in images]
        # `COPY . .` takes it along; so does a build context that is the folder.
        named = folder.rsplit("/", 1)[-1].encode()
        if any(named in text or re.search(rb"(?im)^\s*(?:COPY|ADD)\s+(?:--\S+\s+)*\./?\s", text) for text in texts):
            continue
        if _builds_elsewhere(project, folder):
            continue
        yield ProjectDiagnostic(file.path, Span(1, 1, 1, 1), f"no Dockerfile builds the front end in `{folder}`", priority="P2")
