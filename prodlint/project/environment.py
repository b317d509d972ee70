"""What the rest of the repository says that the rules of one file may ask: resolved versions, what production starts,
whether this is a service or a library.

Nothing is read before a rule asks: most runs never do. Checks of one file ask through `prodlint.project.questions`, which notes what was
asked, so that a result is known for stale when an answer changes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from prodlint.counting import whole_number
from prodlint.digests import blake2b
from prodlint.facts import File, FileKind, Source
from prodlint.project.images import installed_lists, published_images
from prodlint.project.kustomize import Manifests
from prodlint.project.snapshot import Snapshot
from prodlint.project.startup import SERVERS, Started, Startup, is_below, is_file, startup_of
from prodlint.readers import Undecodable
from prodlint.readers.documents import documents_of
from prodlint.readers.requirements import normalised

if TYPE_CHECKING:
    from prodlint.project.modules import PythonFiles

# What is known of a project by the names of its files, and what its pipelines alone say.
_OF_NAMES = frozenset(("files", "python_files", "_known", "_names", "_pipelines", "_manifests_by_name"))
_OF_PIPELINES = ("is_published", "published_images")

_Files = Sequence[tuple[str, str, FileKind]]
# A question's name (an attribute of Environment, `module` or `outside_names`) and its arguments.
Question = tuple[str, tuple[str, ...]]

WEB_PACKAGES = frozenset(
    "fastapi flask django starlette quart sanic litestar aiohttp falcon tornado bottle pyramid connexion robyn blacksheep "
    "djangorestframework django-ninja celery dramatiq arq taskiq faust grpcio uvicorn gunicorn hypercorn granian".split()
)
_LOCKS = frozenset(("uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock", "pylock.toml"))
_DEPLOYMENT_WORDS = ("k8s", "kube", "deploy", "helm", "chart", "manifest", "argo", "kustom", "infra", "ops")
# Kinds of files that may name a script that production starts.
_STARTING_KINDS = frozenset(("dockerfile", "procfile", "systemd", "yaml", "ini", "toml", "shell"))
_MOST = 300
_LARGEST = 8_000_000
_LARGEST_MANIFEST = 1 << 20
_PIN = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*={2,3}[ \t]*[^\s*,;]+")
_PIPELINES = frozenset((".gitlab-ci.yml", "Makefile", ".circleci/config.yml", "azure-pipelines.yml", "Jenkinsfile", "cloudbuild.yaml"))
# Python files whose text these answers are about.
_ASKED_PYTHON = frozenset(("setup.py", "manage.py"))
_SAYS_WHOSE = ("README.md", "README.rst", "pyproject.toml", "setup.py", "setup.cfg")
_ADDRESS = re.compile(rb"github\.com/([A-Za-z0-9-]{1,39})/[\w.-]+/(?:actions|workflows|issues|pulls?|releases|discussions)\b")
_REMOTE = re.compile(rb"url\s*=\s*\S*github\.com[:/]([A-Za-z0-9-]+)/")


@dataclass
class Environment:
    """The answers.

    given: the files of this run. beyond: finds those of the whole project where a run was asked for some of them: what is said
    of a file is the same either way. snapshot: what reads them. Paths are from the root; what answers is lazy, and made once.
    """

    root: str = ""
    given: _Files = field(default=(), repr=False)
    beyond: Callable[[], _Files] | None = field(default=None, repr=False)
    snapshot: Snapshot = field(default_factory=Snapshot, repr=False)
    _digests: dict[Question, str] = field(default_factory=dict, repr=False)

    @cached_property
    def files(self) -> _Files:
        """The project's files: path, where it is, kind."""
        if self.beyond is None:
            return self.given
        known = {path for path, _, _ in self.given}
        return sorted([*self.given, *(each for each in self.beyond() if each[0] not in known)])

    @cached_property
    def python_files(self) -> PythonFiles:
        """The project's Python files, for what one says of another."""
        from prodlint.project.modules import PythonFiles

        return PythonFiles(lambda: self.files, self.snapshot)

    def renew(self, absolute: str, raw: bytes | None = None) -> None:
        """Take a file's text as it is now, that on the disk where none is given: what was answered with another one is asked anew. The names
        of the project's files are those that they were."""
        if not self.snapshot.renew(absolute, raw):
            return
        path, kind = self._known.get(absolute, ("", ""))
        if path and "python_files" in self.__dict__:
            self.python_files.forget(path)
        if kind != "python" or path.rsplit("/", 1)[-1] in _ASKED_PYTHON:
            of_pipelines = () if any(path == each for each, _, _ in self._pipelines) else _OF_PIPELINES
            for name, made in vars(type(self)).items():
                if isinstance(made, cached_property) and name not in _OF_NAMES and name not in of_pipelines:
                    self.__dict__.pop(name, None)
            self._digests.clear()

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, str]]:
        """Path and kind of the project's files, by where they lie."""
        return {absolute: (path, kind) for path, absolute, kind in self.files}

    def holds(self, absolute: str) -> bool:
        """Whether a file is one of the project's."""
        return absolute in self._known

    def take_modules(self, path: str) -> Mapping[tuple[str, str], tuple[str, str]]:
        """What was asked of other Python files for a file's sake (see `PythonFiles.take`)."""
        return self.python_files.take(path) if "python_files" in self.__dict__ else {}

    # ------------------------------------------------------------ answers, told apart

    def is_answered_as(self, question: str, arguments: tuple[str, ...], answer: str) -> bool:
        """Whether a question has the answer (see `answer`) that it had."""
        if question == "module":
            path, _, digest = answer.partition(" ")
            name, asking = arguments
            return self.python_files.same(name, asking, path, digest)
        if question == "outside_names":
            # Where nothing of it has changed, nothing need be followed again.
            meaning, content, paths = answer.split(" ", 2)
            return self.python_files.content_of(paths) == content or _told(self.python_files.outside_names(*arguments)[0]) == meaning
        return self.answer((question, arguments)) == answer

    def answer(self, question: Question) -> str:
        """What stands for the answer to a question: the same text for the same answer."""
        found = self._digests.get(question)
        if found is None:
            name, arguments = question
            value = getattr(self, name)
            found = self._digests[question] = _told(value(*arguments) if arguments else value)
        return found

    def recall(self, answers: Mapping[Question, str]) -> None:
        """Take over answers that were given when the inputs were the same (see `digest`)."""
        for question, answer in answers.items():
            self._digests.setdefault(question, answer)

    @property
    def answers(self) -> Mapping[Question, str]:
        """The answers that were given so far."""
        return self._digests

    def outside_names(self, path: str, imports: str) -> tuple[dict[str, str], str]:
        """What the names that a file imports of the project's modules stand for outside of it (see `PythonFiles`), and what stands for the answer."""
        found, paths = self.python_files.outside_names(path, imports)
        return found, f"{_told(found)} {self.python_files.content_of(paths)} {paths}"

    # ------------------------------------------------------------ questions

    def version(self, package: str) -> tuple[int, ...] | None:
        """The resolved version of a dependency (PEP 503 name), or None where nothing says it. Locks go before pins."""
        return self._versions.get(package.lower().replace("_", "-"))

    def starts(self, path: str) -> bool:
        """Whether production starts this Python file: by `python path`, `python -m module` or `server module:attribute`."""
        return any(is_file(started, path) for started in self.started)

    def runs(self, path: str) -> bool | None:
        """Whether production runs this Python file as a program, its `__main__` block included; None where it is not known what is started there."""
        holder = max((folder for folder in self._manifests if path.startswith(folder)), key=len, default="")
        near = [one for one in self.started if (one.script or one.module) and (one.path.startswith(holder) or is_below(one, holder))]
        return any(one.runs and is_file(one, path) for one in near) if near else None

    @cached_property
    def _versions(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for path, absolute, kind in self._near_root:
            name = path.rsplit("/", 1)[-1].lower()
            if kind in ("requirements", "lock") or name in _LOCKS or name in ("pyproject.toml", "pipfile", "setup.cfg"):
                data = self._bytes(absolute)
                for package, version in _versions_in(data, name, kind):
                    if package not in found or name in _LOCKS:
                        found[package] = version
        return found

    @cached_property
    def _near_root(self) -> list[tuple[str, str, FileKind]]:
        """Manifest, lock and deployment files, those nearest the root first."""
        return self._manifests_by_name + self._named_scripts(self._manifests_by_name)

    @cached_property
    def _manifests_by_name(self) -> list[tuple[str, str, FileKind]]:
        wanted = []
        customized = {path.rpartition("/")[0] for path, _, _ in self.files if path.endswith(("kustomization.yaml", "kustomization.yml"))}
        for path, absolute, kind in self.files:
            name = path.rsplit("/", 1)[-1].lower()
            lowered = path.lower()
            if (
                kind in ("dockerfile", "requirements", "lock", "procfile", "systemd")
                or name in _LOCKS
                or name
                in ("pyproject.toml", "pipfile", "setup.cfg", "setup.py", "manage.py", "app.yaml", "fly.toml", "render.yaml", "app.json")
                or (
                    kind == "yaml"
                    and ("compose" in name or any(word in lowered for word in _DEPLOYMENT_WORDS) or path.rpartition("/")[0] in customized)
                )
                or (kind == "ini" and "supervisor" in name)
                or (kind == "shell" and ("entrypoint" in name or "start" in name or name.startswith(("run", "serve", "prestart"))))
            ):
                wanted.append((path.count("/"), path, absolute, kind))
        wanted.sort()
        return [(path, absolute, kind) for _, path, absolute, kind in wanted[:_MOST]]

    def _named_scripts(self, near: Sequence[tuple[str, str, FileKind]]) -> list[tuple[str, str, FileKind]]:
        """The shell scripts that deployment files name, and those that these name in turn."""
        known = {path for path, _, _ in near}
        others = [each for each in self.files if each[2] == "shell" and each[0] not in known]
        texts = [self._bytes(absolute) for _, absolute, kind in near if kind in _STARTING_KINDS] if others else []
        found: list[tuple[str, str, FileKind]] = []
        while texts and others and len(found) < _MOST:
            named = [
                each for each in others if any(each[0].rsplit("/", 1)[-1].encode("utf-8", "surrogateescape") in text for text in texts)
            ]
            others = [each for each in others if each not in named]
            texts = [self._bytes(absolute) for _, absolute, _ in named]
            found += named
        return found

    @cached_property
    def manifests(self) -> Manifests:
        """Manifest and deployment files, for what one of them says of what another starts."""
        places = {path: absolute for path, absolute, _ in self._near_root}
        return Manifests(list(places), lambda path: self.snapshot.read(places[path], _LARGEST_MANIFEST))

    def patched_keys(self, path: str, kind: str, name: str) -> frozenset[str]:
        """The keys that Kustomize overlays set on a workload of a file."""
        return self.manifests.patched_keys(path, kind, name)

    def tag_is_set(self, path: str, image: str) -> bool:
        """Whether a Kustomize overlay puts another tag or a digest on an image of a file."""
        return self.manifests.tag_is_set(path, image)

    @property
    def has_limit_range(self) -> bool:
        """Whether the project gives a namespace defaults for what its containers may take."""
        return self.manifests.has_limit_range

    def another_user(self, dockerfile: str) -> str:
        """The manifest that starts this Dockerfile's image as another user, where all that start it do so; or nothing."""
        return self.manifests.another_user(dockerfile)

    @cached_property
    def owner(self) -> str:
        """The organisation on GitHub whose repository this is, as far as git's settings say; or nothing."""
        found = _REMOTE.search(self.snapshot.read(os.path.join(self.root, ".git", "config"), 1 << 16))
        if found:
            return found[1].decode("ascii")
        # Without git: whom the addresses of issues, releases and badges name.
        named = Counter(
            owner for name in _SAYS_WHOSE for owner in _ADDRESS.findall(self.snapshot.read(os.path.join(self.root, name), 1 << 16))
        )
        return named.most_common(1)[0][0].decode("ascii") if named else ""

    @cached_property
    def rotates_logs(self) -> bool:
        """Whether the project brings a configuration of logrotate."""
        return any("logrotate" in path.lower() for path, _, _ in self.files)

    def holds_python(self, folder: str) -> bool:
        """Whether a folder is one of a program's sources: Python files lie in it or in a package of it, not just somewhere below."""
        below = f"{folder}/" if folder else ""
        return any(
            path.startswith(below) and kind == "python" and (not below or path.count("/", len(below)) <= 1) for path, _, kind in self.files
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(path.rsplit("/", 1)[-1] for path, _, _ in self.files)

    def holds_file(self, name: str) -> bool:
        """Whether there is a file of this name, in any folder."""
        return name in self._names

    def variables_in(self, path: str) -> tuple[str, ...] | None:
        """The names that an env file of the project sets; None where the project holds no such file."""
        absolute = next((absolute for known, absolute, kind in self.files if known == path and kind == "env"), None)
        if absolute is None:
            return None
        return tuple(name.decode() for name in _VARIABLE.findall(self._bytes(absolute)))

    def has_lock(self, path: str) -> bool:
        """Whether a lock file lies beside a file, above it, or at the root."""
        folder = path.rpartition("/")[0]
        locks = (other.rpartition("/")[0] for other, _, kind in self.files if kind == "lock")
        return any(lock in ("", folder) or folder.startswith(f"{lock}/") for lock in locks)

    def requirements_beside(self, path: str) -> tuple[str, ...]:
        """The other requirements files of a file's folder, fifty at most."""
        folder = path.rpartition("/")[0]
        beside = (other for other, _, kind in self.files if kind == "requirements" and other != path and other.rpartition("/")[0] == folder)
        return tuple(sorted(beside)[:50])

    def pinned_beside(self, path: str) -> frozenset[str]:
        """The packages that these pin: they are compiled from the file, or come beside it."""
        beside = frozenset(self.requirements_beside(path))
        texts = (self._bytes(absolute) for other, absolute, _ in self.files if other in beside) if beside else ()
        return frozenset(normalised(found[1].decode("utf-8", "replace")) for data in texts for found in _PIN.finditer(data))

    @cached_property
    def startup(self) -> Startup:
        """What production starts, and by which scripts."""
        return startup_of((path, kind, self._source(absolute, kind)) for path, absolute, kind in self._near_root)

    @property
    def started(self) -> tuple[Started, ...]:
        """The programs that production starts."""
        return self.startup.programs

    @cached_property
    def has_dev_group(self) -> bool:
        """Whether a manifest has a group of packages for developers that its tool installs unless told otherwise."""
        return any(
            document.root.get(*place) is not None
            for path, absolute, _ in self._near_root
            if path.rsplit("/", 1)[-1] == "pyproject.toml"
            for document in documents_of(self._source(absolute, "toml"), File(path, "toml"))
            for place in _DEV_GROUPS
        )

    @cached_property
    def installed_lists(self) -> frozenset[str]:
        """The requirements files that images install as they are: no lock beside them has a say."""
        lists = {path for path, _, kind in self.files if kind == "requirements"}
        dockerfiles = ((path, self._source(absolute, kind)) for path, absolute, kind in self._near_root if kind == "dockerfile")
        return installed_lists(dockerfiles, lists) if lists else frozenset()

    @cached_property
    def package_lists(self) -> frozenset[str]:
        """The requirements files at the root that `setup.py` or `pyproject.toml` takes for what the project's package needs."""
        read = b"".join(self._bytes(absolute) for path, absolute, _ in self._near_root if path in ("setup.py", "pyproject.toml"))
        return frozenset(
            path
            for path, _, kind in self.files
            if kind == "requirements" and "/" not in path and path.encode("utf-8", "surrogateescape") in read
        )

    @cached_property
    def is_published(self) -> bool:
        """Whether the project's pipelines upload a package to an index."""
        return any(_UPLOADS.search(self._bytes(absolute)) for _, absolute, _ in self._pipelines)

    @cached_property
    def published_images(self) -> frozenset[str]:
        """The names of the images that the project's own pipelines build."""
        return published_images(self._bytes(absolute) for _, absolute, _ in self._pipelines)

    @cached_property
    def _pipelines(self) -> list[tuple[str, str, FileKind]]:
        """The files of CI that may build an image."""
        found = [
            each
            for each in self.files
            if each[0].startswith((".github/workflows/", ".gitea/workflows/", ".forgejo/workflows/")) or each[0] in _PIPELINES
        ]
        return found[:_MOST]

    @cached_property
    def reads_settings_in_build(self) -> bool:
        """Whether building an image runs the project's own code (`RUN python manage.py collectstatic`): what its settings demand must be there."""
        return any(kind == "dockerfile" and _RUNS_PROJECT.search(self._bytes(absolute)) for _, absolute, kind in self._near_root)

    @cached_property
    def service(self) -> Started | None:
        """The place where a service was seen, or None."""
        return next(
            (
                started
                for started in self.started
                if started.program in SERVERS and (started.program != "python" or started.module or started.script)
            ),
            None,
        )

    @property
    def is_service(self) -> bool:
        """Whether the repository deploys a Python service: something that keeps serving is started by it."""
        return self.service is not None or self._manages_django

    def deploys(self, path: str) -> bool:
        """Whether the part of the repository that holds a file, up to its nearest manifest, is deployed: a package beside the
        service (its client library, a generator) is not."""
        holders = [folder for folder in self._manifests if path.startswith(folder)]
        nearest = max(holders, key=len, default="")
        if not nearest:
            return self.is_service
        return any(started.path.startswith(nearest) or is_below(started, nearest) for started in self.started) or (
            self._manages_django and any(name == "manage.py" for name in self._names_below(nearest))
        )

    @cached_property
    def _manifests(self) -> frozenset[str]:
        """Folders with a manifest of their own, each with its slash."""
        named = (
            path for path, _, _ in self.files if path.rsplit("/", 1)[-1] in ("pyproject.toml", "setup.cfg", "Pipfile", "requirements.txt")
        )
        return frozenset(path.rpartition("/")[0] + "/" for path in named if "/" in path)

    def _names_below(self, folder: str) -> Iterator[str]:
        return (path.rsplit("/", 1)[-1] for path, _, _ in self.files if path.startswith(folder))

    @cached_property
    def _manages_django(self) -> bool:
        return any(path.rsplit("/", 1)[-1] == "manage.py" and path.count("/") <= 2 for path, _, _ in self.files)

    @cached_property
    def is_library(self) -> bool:
        """Whether it is a package for others to import: a build back end, and nothing that deploys it."""
        if self.is_service:
            return False
        for path, absolute, _ in self._near_root:
            if path in ("pyproject.toml", "setup.py", "setup.cfg"):
                data = self._bytes(absolute)
                if b"[build-system]" in data or b"setup(" in data or b"[metadata]" in data:
                    return True
        return False

    @cached_property
    def packages(self) -> frozenset[str]:
        """Names of the declared or locked dependencies."""
        return frozenset(self._versions) | frozenset(self._declared())

    def _declared(self) -> Iterator[str]:
        for path, absolute, kind in self._near_root:
            if kind == "requirements" or path.rsplit("/", 1)[-1].lower() in ("pyproject.toml", "pipfile", "setup.cfg", "setup.py"):
                for match in re.finditer(rb"(?m)^[ \t\"']*([A-Za-z][\w.-]{1,60})(?=[ \t]*(?:\[|[=<>~!;@,\"']|$))", self._bytes(absolute)):
                    yield match.group(1).decode().lower().replace("_", "-")

    def digest(self) -> str:
        """Changes when anything changes that may change an answer: the names of the project's files, and the bytes of those that are read."""
        made = blake2b(digest_size=16)
        near = self._near_root
        known = {path for path, _, _ in near}
        beside = [each for each in self.files if each[2] in ("requirements", "env") and each[0] not in known]
        beside += [each for each in self._pipelines if each[0] not in known]
        for path, absolute, _ in (
            *near,
            *beside,
            *(("", os.path.join(self.root, name), "") for name in (os.path.join(".git", "config"), *_SAYS_WHOSE)),
        ):
            made.update(path.encode("utf-8", "surrogateescape") + b"\0" + self._bytes(absolute) + b"\0")
        for path, _, kind in self.files:
            made.update(f"{path}\0{kind}\0".encode("utf-8", "surrogateescape"))
        return made.hexdigest()

    def _bytes(self, absolute: str) -> bytes:
        return self.snapshot.read(absolute, _LARGEST)

    def _source(self, absolute: str, kind: FileKind) -> Source:
        """A file's text; nothing where it is none, or too large to be about what is started."""
        try:
            document = self.snapshot.document(absolute, _LARGEST)
            self.snapshot.touch(absolute)
            return document.source(kind) if len(document.raw) <= _LARGEST else Source(b"")
        except (OSError, ValueError, Undecodable):
            return Source(b"")


_VARIABLE = re.compile(rb"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")
_UPLOADS = re.compile(rb"gh-action-pypi-publish|\btwine\s+upload|\b(?:uv|poetry|flit|pdm|hatch)\s+publish\b")
_RUNS_PROJECT = re.compile(
    rb"(?im)^[ \t]*(?:RUN|&&|[^#\n]*&&)[^\n]*\b(?:manage\.py|django-admin|collectstatic|compilemessages|flask (?:assets|digest|db)|alembic)\b"
)


# Where a manifest names packages for developers, whether as tables, dotted keys or inline.
_DEV_GROUPS = (
    ("dependency-groups", "dev"),
    ("tool", "uv", "dev-dependencies"),
    ("tool", "rye", "dev-dependencies"),
    ("tool", "pdm", "dev-dependencies"),
    ("tool", "poetry", "dev-dependencies"),
    *(("tool", "poetry", "group", name, "dependencies") for name in ("dev", "test", "lint", "docs")),
)


def _told(answer: object) -> str:
    """What stands for an answer."""
    return blake2b(repr(_ordered(answer)).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _ordered(answer: object) -> object:
    """An answer with everything in it in one order: sets have none of their own."""
    if is_dataclass(answer):
        return tuple(_ordered(getattr(answer, each.name)) for each in fields(answer))
    if isinstance(answer, Mapping):
        return sorted((_ordered(key), _ordered(value)) for key, value in answer.items())
    if isinstance(answer, (frozenset, set)):
        return sorted(map(_ordered, answer), key=repr)
    return tuple(map(_ordered, answer)) if isinstance(answer, (tuple, list)) else answer


_LOCKED = re.compile(rb'name = "([^"\n]+)"\r?\nversion = "([^"\n]+)"')
_PINNED = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*===?[ \t]*([0-9][\w.]*)")
_PIPFILE = re.compile(rb'"([A-Za-z0-9][\w.-]*)": \{[^{}]*?"version": "==([0-9][^"]*)"')
_EXACT = re.compile(rb"[\"']([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*==[ \t]*([0-9][\w.]*)")
# "redis>=5.0,<6": the lower bound is the oldest behaviour that may be in force.
_BOUND = re.compile(rb"[\"']([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*(?:>=|~=)[ \t]*([0-9][\w.]*)")
_BOUND_LINE = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*(?:>=|~=)[ \t]*([0-9][\w.]*)")


_CONTINUED = re.compile(rb"\\\r?\n[ \t]*")


def _versions_in(data: bytes, name: str, kind: FileKind) -> Iterator[tuple[str, tuple[int, ...]]]:
    if name == "pipfile.lock":
        patterns = [_PIPFILE]
    elif name in _LOCKS or kind == "lock":
        patterns = [_LOCKED]
    elif kind == "requirements":
        patterns = [_BOUND_LINE, _PINNED]
    else:
        patterns = [_BOUND, _EXACT]
    if kind == "requirements" and b"\\" in data:
        data = _CONTINUED.sub(b"", data)
    for pattern in patterns:
        for match in pattern.finditer(data):
            version = _version(match.group(2).decode())
            if version:
                yield match.group(1).decode().lower().replace("_", "-").replace(".", "-"), version


def _version(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.split("."):
        digits = re.match(r"\d*", part)
        number = whole_number(digits.group()) if digits is not None else None
        if number is None:
            break
        numbers.append(number)
    return tuple(numbers)


def read(root: str, files: _Files, beyond: Callable[[], _Files] | None = None, snapshot: Snapshot | None = None) -> Environment:
    """The environment of a project: its root, the files that were discovered in it, and a way to find the others."""
    root = os.path.abspath(root)
    return Environment(root, files, beyond, snapshot or Snapshot(root))
