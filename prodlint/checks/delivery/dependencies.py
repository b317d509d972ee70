"""Dependencies of an application: resolved once and for all, with hashes, from an index that cannot be impersonated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    check,
    collect,
    commands,
    documents,
    every,
    project_check,
    project_fact,
    settings,
)
from prodlint.checks.quoting import quote
from prodlint.facts import Command, Document, Node, Option, Requirement, Setting, Source
from prodlint.model import Evidence, Related, Span
from prodlint.readers.requirements import normalised

# ---------------------------------------------------------------- PRD921: unpinned

_EXACT = re.compile(r"={2,3}\s*[^*,\s]+")
# `==26.0.*` takes in the fixes of one minor version.
_PATCHES = re.compile(r"==\s*\d+\.\d+(?:\.\d+)*\.\*|~=\s*\d+\.\d+\.\d+(?:\.\d+)*")
# Names under which a lock of a requirements file lies beside it.
_FOR_DOCUMENTATION = re.compile(
    r"docs?\b|documentation|readthedocs|rtd|sphinx|mkdocs|^(?:integration|functional|acceptance|e2e|unit|func)[-_](?:tests?[-_])?requirements|optional"
)
_LOCKED_NAMES = re.compile(r"lock|frozen|freeze|compiled|pinned|constraints")


@check("PRD921", on=[every(Requirement)], required_literals=None, files=("requirements",))
@check("PRD921", on=[every(Requirement)], required_literals=["[packages]"], files=("toml",))
def unpinned(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    if requirement.group not in ("main", "constraint") or requirement.origin not in ("requirements", "pipfile") or not requirement.name:
        return
    if _FOR_DOCUMENTATION.search(context.file.name.lower()) and context.file.path not in context.environment.installed_lists:
        return
    if context.file.name.endswith(".in") or requirement.url or requirement.editable or requirement.hashes:
        return
    if requirement.name in _TOOLS or not context.environment.is_service:
        return
    if context.file.path in context.environment.package_lists and context.file.path not in context.environment.installed_lists:
        return
    # A lock covers what is installed from it; an image that installs this very file does not look at the lock.
    if context.file.path not in context.environment.installed_lists and _has_lock(context):
        return
    if requirement.group == "constraint" and requirement.specifier:
        # An upper bound in a constraints file is what constraints files are for.
        return
    if _PATCHES.fullmatch(requirement.specifier.strip()) and not context.options.get("patches"):
        return
    if requirement.specifier and all(_EXACT.fullmatch(part.strip()) for part in requirement.specifier.split(",")):
        return
    if b"\n-c " in requirement.source.data or b"--constraint" in requirement.source.data or requirement.source.data.startswith(b"-c "):
        return
    if requirement.name in context.environment.pinned_beside(context.file.path) or (
        requirement.extras and requirement.name in _pinned_in(requirement.source)
    ):
        return
    given = requirement.specifier if requirement.specifier not in ("", "*") else "any version"
    yield Diagnostic(requirement, f"`{requirement.name}` is not pinned (`{given}`): two builds of the same commit may differ")


# conda's `=1.2` and `==1.2.3=py39_0`, and pip's `==1.2.3`.
_CONDA_PIN = re.compile(r"={1,3}\s*\d[\w.!+]*(?:=[\w*]+)?")


@check("PRD921", on=[every(Requirement)], required_literals=["dependencies:"], files=("yaml",))
def unpinned_in_conda(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    """`- flask` in conda's `environment.yml`, and in its list for pip."""
    if requirement.origin != "conda" or requirement.url or not requirement.name or requirement.name in ("python", "pip", *_TOOLS):
        return
    if "*" in requirement.specifier or _CONDA_PIN.fullmatch(requirement.specifier):
        return
    if context.environment.is_service and not _has_lock(context):
        given = requirement.specifier or "any version"
        yield Diagnostic(requirement, f"`{requirement.name}` is not pinned (`{given}`): two builds of the same commit may differ")


@lru_cache(maxsize=4)
def _pinned_in(source: Source) -> frozenset[str]:
    """What a file pins on any of its lines: `bleach[css]` below `bleach==6.2.0` comes with that version."""
    return frozenset(normalised(found[1].decode("utf-8", "replace")) for found in _PIN.finditer(source.data))


# Nobody deploys these; a file that names them alone is somebody's workbench.
_TOOLS = frozenset(
    "ipython ipdb pdbpp pudb black isort ruff mypy flake8 pylint pytest pre-commit tox nox debugpy jupyter jupyterlab notebook bandit coverage pytest-cov".split()
)
_PIN = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*={2,3}[ \t]*[^\s*,;]+")


def _has_lock(context: CheckContext) -> bool:
    """Whether a lock file covers this requirements file: one beside it or above it, or the file it is compiled to."""
    path = context.file.path
    beside = context.environment.requirements_beside(path)
    return context.environment.has_lock(path) or any(_LOCKED_NAMES.search(other.rpartition("/")[2].lower()) for other in beside)


# ---------------------------------------------------------------- PRD922: locks and hashes

_COMPILED = re.compile(rb"(?i)autogenerated by (?:pip-compile|uv)|pip-compile|uv pip compile")


@check("PRD922", on=[every(Requirement)], required_literals=["--hash"], files=("requirements",))
def partly_hashed(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    """pip asks for hashes of everything as soon as one line has one."""
    if requirement.hashes or requirement.editable or requirement.url or requirement.group == "constraint":
        return
    if re.search(rb"(?m)^[^#\n]*--hash[=:]", requirement.source.data) is None:
        return
    what = requirement.name or quote(requirement.text, 40)
    yield Diagnostic(requirement, f"`{what}` has no hash in a file where others have: pip refuses to install it")


@collect("requirement", on=[every(Requirement)], required_literals=None, files=("requirements",))
@collect("requirement", on=[every(Requirement)], required_literals=["dependencies", "[packages]"], files=("toml",))
def requirements(requirement: Requirement, context: CheckContext) -> Iterator[ProjectFact]:
    if requirement.group == "main" and requirement.name and not requirement.editable:
        pinned = bool(requirement.specifier) and _EXACT.fullmatch(requirement.specifier) is not None
        yield project_fact(
            "requirement",
            requirement,
            requirement.name,
            origin=requirement.origin,
            marker=requirement.marker,
            pinned="1" if pinned else "",
            hashed="1" if requirement.hashes else "",
            compiled="1" if _COMPILED.search(requirement.source.data[:1000]) else "",
            url="1" if requirement.url else "",
        )


# Names alone are asked for: parsing half a megabyte of lock for them would cost more than all other rules.
_LOCK_NAME = re.compile(rb'(?m)^name = "([^"\n]+)"|^ {8}"([A-Za-z0-9._-]+)": \{')


def _locked_names(project: Project, path: str) -> set[str]:
    """The packages of a lock; none where it cannot be read whole."""
    data = project.read(path) or b""
    if len(data) >= 1 << 20:
        return set()
    return {normalised((found[1] or found[2]).decode("utf-8", "replace")) for found in _LOCK_NAME.finditer(data)}


@project_check("PRD922", topics=("requirement",))
def lock_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    if not project.environment.is_service:
        return
    by_file: dict[str, list[ProjectFact]] = {}
    for each in project.about("requirement"):
        by_file.setdefault(each.path, []).append(each)
    roles = {file.path: file.roles for file in project.files}
    lock_files = [file.path for file in project.files if file.kind == "lock"]
    has_image = any(
        file.kind == "dockerfile" and not file.roles & {"test", "dev", "example", "docs", "ci", "vendored"} for file in project.files
    )
    for path, found in sorted(by_file.items()):
        if roles.get(path, frozenset()) & {"test", "dev", "example", "docs", "script", "ci", "vendored", "generated"}:
            continue
        origin = found[0].get("origin")
        if origin == "requirements":
            installed = project.environment.installed_lists
            if installed and path not in installed:
                continue  # the image installs others: this one is for checks and tests
            if options.get("hashes") and found[0].get("compiled") and not any(each.get("hashed") for each in found):
                yield ProjectDiagnostic(
                    path, found[0].span, "this compiled file has no hashes: what is installed need not be what was resolved", priority="P2"
                )
            elif options.get("hashes") and path in installed and not any(each.get("hashed") or not each.get("pinned") for each in found):
                yield ProjectDiagnostic(
                    path,
                    found[0].span,
                    "versions are pinned and nothing has a hash: what is installed need not be what was tested",
                    priority="P2",
                )
        elif origin in ("pyproject", "poetry", "pipfile"):
            covering = _covering(path, lock_files)
            if covering is None:
                if project.environment.is_published and not has_image:
                    continue  # whoever installs the package decides
                if not _pinned_beside(path, by_file):
                    yield ProjectDiagnostic(path, found[0].span, "no lock file says which versions this service runs with")
            elif covering.rpartition("/")[0] == path.rpartition("/")[0]:
                # A lock further up may be that of another project: only the one beside the manifest must agree with it.
                names = _locked_names(project, covering)
                if len(names) > 3:
                    yield from _inconsistent(path, found, covering, names)


def _covering(path: str, lock_files: list[str]) -> str | None:
    """The lock file beside a manifest, or in a folder above it (a workspace)."""
    directory = path.rpartition("/")[0]
    best: str | None = None
    for lock in lock_files:
        folder = lock.rpartition("/")[0]
        if (folder == directory or folder == "" or directory.startswith(f"{folder}/")) and (
            best is None or len(folder) > len(best.rpartition("/")[0])
        ):
            best = lock
    return best


def _pinned_beside(path: str, by_file: Mapping[str, list[ProjectFact]]) -> bool:
    """Whether a requirements file of the same project holds the resolved versions."""
    directory = path.rpartition("/")[0]
    for other, found in by_file.items():
        folder = other.rpartition("/")[0]
        if found[0].get("origin") == "requirements" and (folder == directory or folder.startswith(f"{directory}/" if directory else "")):
            pinned = sum(1 for each in found if each.get("pinned"))
            if pinned * 10 >= len(found) * 9:
                return True
    return False


def _inconsistent(path: str, found: list[ProjectFact], lock: str, names: set[str]) -> Iterator[ProjectDiagnostic]:
    for each in found:
        if each.words not in names and not each.get("marker") and not each.get("url"):
            related = (Related(lock, Span(1, 1, 1, 1), "the lock file that should hold it"),)
            yield ProjectDiagnostic(
                path, each.span, f"`{each.words}` is declared here and missing in `{lock.rsplit('/', 1)[-1]}`", related=related
            )


# ---------------------------------------------------------------- PRD923: where packages come from

_LOCAL_HOSTS = re.compile(r"localhost|127(?:\.\d+){3}|\[?::1\]?|host\.docker\.internal|0\.0\.0\.0|devpi|pypiserver|nexus|mirror")
# Indexes that anyone may read and that hold names of their own vendors only.
_PUBLIC_INDEXES = (
    "pypi.org", "files.pythonhosted.org", "test.pypi.org", "download.pytorch.org", "pypi.nvidia.com", "pypi.ngc.nvidia.com", "wheels.vllm.ai",
    "data.pyg.org", "storage.googleapis.com", "abetlen.github.io", "pypi.anaconda.org", "www.piwheels.org", "piwheels.org", "wheel.r2.dev",
    "flashinfer.ai", "alpine-wheels.github.io", "pypi.jetson-ai-lab.io", "pytorch-extension.intel.com", "developer.intel.com", "download.pyg.org",
)  # fmt: skip
_PIP = ("pip", "uv", "pipenv", "poetry", "pip-compile", "pip-sync", "pdm", "easy_install")
_COMMIT = re.compile(r"@[0-9a-f]{7,40}(?:[#&]|$)")
_ARCHIVE_COMMIT = re.compile(
    r"[0-9a-f]{40}|/v?\d+(?:\.\d+)+/|-\d+(?:\.\d+)+[-.]|/releases/download/|(?:archive|zipball|tarball)/[^?#]*\d+\.\d+"
)


@check(
    "PRD923", on=[every(Option)], required_literals=["--index-url", "-i ", "--extra-index-url", "--trusted-host"], files=("requirements",)
)
def index_option(option: Option, context: CheckContext) -> Iterator[Diagnostic]:
    words = _index_words(option.name, option.value)
    if words:
        yield Diagnostic(option, words)


@check(
    "PRD923",
    on=[commands(*_PIP)],
    required_literals=[
        "--extra-index-url",
        "--trusted-host",
        "index-url http:",
        "index-url=http:",
        "-i http:",
        "--allow-insecure-host",
        "unsafe-best-match",
        "unsafe-any-match",
        ("pip", "config", "set"),
    ],
)
def index_flag(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    if command.program == "pip" and command.argv[:2] == ("config", "set") and len(command.argv) > 3:
        words = _index_words(command.argv[2].rpartition(".")[2], command.argv[3])
        if words:
            yield Diagnostic(command, words)
        return
    for index, word in enumerate(command.argv):
        name, equals, value = word.partition("=")
        if not name.startswith("-"):
            continue
        if not equals:
            value = command.argv[index + 1] if index + 1 < len(command.argv) else ""
        if name == "-i":
            name = "--index-url"
        words = _index_words(name, value)
        if name == "--index-strategy" and all(_is_public(each) for each in _indexes(command)) and _indexes(command):
            continue
        if words:
            yield Diagnostic(ByteRange(command.source, *command.words[index]), words)


def _indexes(command: Command) -> list[str]:
    """The addresses of the indexes a command names."""
    named = ("--index", "--index-url", "--extra-index-url", "--default-index", "-i")
    found = []
    for index, word in enumerate(command.argv):
        name, equals, value = word.partition("=")
        if name in named:
            found.append(value if equals else (*command.argv, "")[index + 1])
    return found


def _index_words(name: str, value: str) -> str:
    """What is wrong with an index option, or nothing."""
    name = name.strip("-").replace("_", "-").lower()
    if name in ("trusted-host", "allow-insecure-host", "insecure-host"):
        first = value.split(maxsplit=1)[0] if value.split() else ""
        if not first or _is_local(first if "://" in first else f"//{first}"):
            return ""
        return f"`--{name} {first}` takes packages from a host without checking its certificate"
    if name == "index-strategy" and value.startswith("unsafe"):
        return f"`index-strategy {value}` lets any index answer for any name"
    if name in ("index-url", "default-index", "extra-index-url", "index"):
        for address in value.split():
            address = address.strip("\"'").partition("=")[2] if re.match(r"[\w-]+=https?:", address) else address.strip("\"'")
            if address.startswith("http://") and not _is_local(address):
                return f"the package index `{_host(address)}` is read over plain HTTP"
            if name == "extra-index-url" and address.startswith("https://") and not _is_public(address):
                return f"`--extra-index-url` on `{_host(address)}` lets PyPI answer for its private names"
    return ""


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_local(address: str) -> bool:
    host = _host(address)
    return not host or _LOCAL_HOSTS.search(host) is not None or ("." not in host) or "$" in host


def _is_public(address: str) -> bool:
    host = _host(address)
    return (
        not host
        or "$" in host
        or "{" in host
        or host in _PUBLIC_INDEXES
        or any(host.endswith("." + known) for known in _PUBLIC_INDEXES)
        or _is_local(address)
    )


_SETTINGS = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_TRUSTED_HOST": "trusted-host",
    "UV_INDEX_URL": "index-url",
    "UV_DEFAULT_INDEX": "index-url",
    "UV_EXTRA_INDEX_URL": "extra-index-url",
    "UV_INSECURE_HOST": "trusted-host",
    "UV_INDEX_STRATEGY": "index-strategy",
}


@check("PRD923", on=[settings(*_SETTINGS)])
def index_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    value = setting.value if setting.value is not None else setting.default or ""
    words = _index_words(_SETTINGS[setting.name.upper()], value)
    if words:
        yield Diagnostic(setting, words.replace("`--", f"`{setting.name}`: `--", 1))


@check("PRD923", on=[documents()], required_literals=["index-url", "trusted-host", "index_url"], files=("ini",))
def pip_configuration(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    if context.file.name.lower() not in ("pip.conf", "pip.ini", ".pip.conf", "pip.conf.template", "setup.cfg"):
        return
    for section in document.root.members.values():
        for key, node in section.members.items() if section.kind == "mapping" else ():
            words = _index_words(key, node.raw)
            if words:
                yield Diagnostic(node, words)


@check("PRD923", on=[documents("pyproject", "pipfile")], required_literals=["index", "source", "verify_ssl"], files=("toml",))
@check("PRD923", on=[documents()], required_literals=["index-strategy", "index-url", "[[index]]"], files=("toml",))
def project_sources(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    root = document.root
    if context.file.name == "uv.toml":
        yield from _uv_settings(root)
        return
    tool = root.get("tool")
    if tool is not None and tool.get("uv") is not None:
        yield from _uv_settings(tool.get("uv"))
    for path in (("tool", "poetry", "source"), ("tool", "pdm", "source"), ("source",)):
        listed = root.get(*path)
        for source in listed.items if listed is not None else ():
            address = source.get("url")
            if address is None:
                continue
            if address.raw.startswith("http://") and not _is_local(address.raw):
                yield Diagnostic(address, f"the package index `{_host(address.raw)}` is read over plain HTTP")
            verified = source.get("verify_ssl")
            if verified is not None and verified.raw == "false" and not _is_local(address.raw):
                yield Diagnostic(
                    verified, f"`verify_ssl = false` takes packages from `{_host(address.raw)}` without checking its certificate"
                )
            if source.text_at("priority") == "supplemental" and not _is_public(address.raw):
                yield Diagnostic(address, f"a supplemental source lets PyPI answer for the private names of `{_host(address.raw)}`")


def _uv_settings(uv: Node | None) -> Iterator[Diagnostic]:
    if uv is None or uv.kind != "mapping":
        return
    for table in (uv, uv.get("pip")):
        strategy = table.get("index-strategy") if table is not None else None
        if strategy is not None and strategy.raw.startswith("unsafe"):
            yield Diagnostic(strategy, f"`index-strategy = {strategy.raw}` lets any index answer for any name")
        extra = table.get("extra-index-url") if table is not None else None
        for node in extra.items if extra is not None and extra.kind == "sequence" else (extra,) if extra is not None else ():
            words = _index_words("extra-index-url", node.raw)
            if words:
                yield Diagnostic(node, words)
    indexes = uv.get("index")
    for index in indexes.items if indexes is not None and indexes.kind == "sequence" else ():
        address = index.get("url")
        if address is not None and address.raw.startswith("http://") and not _is_local(address.raw):
            yield Diagnostic(address, f"the package index `{_host(address.raw)}` is read over plain HTTP")


@check("PRD923", on=[every(Requirement)], required_literals=["git+", "hg+", "http://", "https://", "git ="], files=("requirements", "toml"))
def moving_source(requirement: Requirement, context: CheckContext) -> Iterator[Diagnostic]:
    url = requirement.url
    if not url or requirement.origin == "lock" or requirement.hashes or requirement.group not in ("main", "build"):
        return
    if _FOR_DOCUMENTATION.search(context.file.name.lower()) and context.file.path not in context.environment.installed_lists:
        return
    if requirement.origin in ("poetry", "pipfile", "pyproject") and context.environment.has_lock(context.file.path):
        # The lock holds the commit or the hash.
        return
    if "${" in url or "{" in url or context.file.name.endswith(".in"):
        return
    # The user of a URL may be a token; a name comes from the path.
    address = re.sub(r"//[^/@]*@", "//", url.split("#", 1)[0])
    name = requirement.name or address.split("@")[0].rstrip("/").rsplit("/", 1)[-1].removesuffix(".git") or _host(url)
    if url.startswith(("git+", "hg+", "svn+", "bzr+")):
        if not _COMMIT.search(url):
            reference = url.split("://", 1)[-1].partition("@")[2].split("#")[0]
            reference = reference.rpartition("@")[2] if "@" in reference else reference
            what = f"follows `{reference}`" if reference and "/" not in reference else "follows its default branch"
            if re.fullmatch(r"v?\d+(?:\.\d+)+[\w.-]*", reference) is None or context.options.get("tags"):
                version = re.fullmatch(r"v?\d+(?:\.\d+)+[\w.-]*", reference) is not None
                yield Diagnostic(requirement, f"`{name}` {what}: name the commit", priority="P2" if version else "P1")
    elif url.startswith("http://") and not _is_local(url):
        yield Diagnostic(requirement, f"`{name}` is downloaded over plain HTTP")
    elif url.startswith("https://") and "#sha" not in url and "hash=" not in url and not _ARCHIVE_COMMIT.search(url):
        yield Diagnostic(requirement, f"`{name}` comes from a URL without a hash", priority="P1")
