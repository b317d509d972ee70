"""What the rest of the repository says that the rules of one file may ask: resolved versions, what production starts,
whether this is a service or a library.

Nothing is read before a rule asks: most runs never do. A worker process that asks reads for itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from prodlint.project.images import installed_lists
from prodlint.project.startup import SERVERS, Started, Startup, is_below, is_file, startup_of
from prodlint.regular import read_regular

if TYPE_CHECKING:
    from prodlint.project.modules import PythonFiles

_Files = Sequence[tuple[str, str, str]]

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


@dataclass
class Environment:
    """The answers.

    given: the files of this run. beyond: finds those of the whole project where a run was asked for some of them: what is said
    of a file is the same either way.
    """

    root: str = ""
    given: _Files = field(default=(), repr=False)
    beyond: Callable[[], _Files] | None = field(default=None, repr=False)

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

        return PythonFiles(lambda: self.files)

    def take_asked(self) -> list[tuple[str, str, str, str]]:
        """What was asked of other Python files since the last call: module's name, asking file, path and digest of the answering file."""
        if "python_files" not in self.__dict__:
            return []
        asked = [(*question, *answer) for question, answer in self.python_files.asked.items()]
        self.python_files.asked.clear()
        return asked

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
                data = _bytes(absolute)
                for package, version in _versions_in(data, name, kind):
                    if package not in found or name in _LOCKS:
                        found[package] = version
        return found

    @cached_property
    def _near_root(self) -> list[tuple[str, str, str]]:
        """Manifest, lock and deployment files, those nearest the root first."""
        wanted = []
        for path, absolute, kind in self.files:
            name = path.rsplit("/", 1)[-1].lower()
            lowered = path.lower()
            if (
                kind in ("dockerfile", "requirements", "lock", "procfile", "systemd")
                or name in _LOCKS
                or name
                in ("pyproject.toml", "pipfile", "setup.cfg", "setup.py", "manage.py", "app.yaml", "fly.toml", "render.yaml", "app.json")
                or (kind == "yaml" and ("compose" in name or any(word in lowered for word in _DEPLOYMENT_WORDS)))
                or (kind == "ini" and "supervisor" in name)
                or (kind == "shell" and ("entrypoint" in name or "start" in name or name.startswith(("run", "serve", "prestart"))))
            ):
                wanted.append((path.count("/"), path, absolute, kind))
        wanted.sort()
        near = [(path, absolute, kind) for _, path, absolute, kind in wanted[:_MOST]]
        return near + self._named_scripts(near)

    def _named_scripts(self, near: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """The shell scripts that deployment files name, and those that these name in turn."""
        known = {path for path, _, _ in near}
        others = [each for each in self.files if each[2] == "shell" and each[0] not in known]
        texts = [_bytes(absolute) for _, absolute, kind in near if kind in _STARTING_KINDS] if others else []
        found: list[tuple[str, str, str]] = []
        while texts and others and len(found) < _MOST:
            named = [
                each for each in others if any(each[0].rsplit("/", 1)[-1].encode("utf-8", "surrogateescape") in text for text in texts)
            ]
            others = [each for each in others if each not in named]
            texts = [_bytes(absolute) for _, absolute, _ in named]
            found += named
        return found

    @cached_property
    def deployment_files(self) -> tuple[tuple[str, str, int, int], ...]:
        """Manifest, lock and deployment files: path, where it is, time and size. What a check reads of these is part of `digest`."""
        found = []
        for path, absolute, _ in self._near_root:
            try:
                state = os.stat(absolute)
            except OSError:
                continue
            found.append((path, absolute, state.st_mtime_ns, state.st_size))
        return tuple(found)

    @cached_property
    def startup(self) -> Startup:
        """What production starts, and by which scripts."""
        return startup_of((path, kind, _bytes(absolute)) for path, absolute, kind in self._near_root)

    @property
    def started(self) -> tuple[Started, ...]:
        """The programs that production starts."""
        return self.startup.programs

    @cached_property
    def installed_lists(self) -> frozenset[str]:
        """The requirements files that images install as they are: no lock beside them has a say."""
        lists = {path for path, _, kind in self.files if kind == "requirements"}
        dockerfiles = ((path, _bytes(absolute)) for path, absolute, kind in self._near_root if kind == "dockerfile")
        return installed_lists(dockerfiles, lists) if lists else frozenset()

    @cached_property
    def reads_settings_in_build(self) -> bool:
        """Whether building an image runs the project's own code (`RUN python manage.py collectstatic`): what its settings demand must be there."""
        return any(kind == "dockerfile" and _RUNS_PROJECT.search(_bytes(absolute)) for _, absolute, kind in self._near_root)

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
                data = _bytes(absolute)
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
                for match in re.finditer(rb"(?m)^[ \t\"']*([A-Za-z][\w.-]{1,60})(?=[ \t]*(?:\[|[=<>~!;@,\"']|$))", _bytes(absolute)):
                    yield match.group(1).decode().lower().replace("_", "-")

    def digest(self) -> str:
        """Changes when a file changes that may change an answer."""
        from hashlib import blake2b

        made = blake2b(digest_size=16)
        for path, absolute, _ in self._near_root:
            made.update(path.encode("utf-8", "surrogateescape") + b"\0" + _bytes(absolute) + b"\0")
        return made.hexdigest()


_RUNS_PROJECT = re.compile(
    rb"(?im)^[ \t]*(?:RUN|&&|[^#\n]*&&)[^\n]*\b(?:manage\.py|django-admin|collectstatic|compilemessages|flask (?:assets|digest|db)|alembic)\b"
)


def _bytes(absolute: str) -> bytes:
    try:
        return read_regular(absolute, _LARGEST, cut=True)
    except OSError:
        return b""


_LOCKED = re.compile(rb'name = "([^"\n]+)"\r?\nversion = "([^"\n]+)"')
_PINNED = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*===?[ \t]*([0-9][\w.]*)")
_PIPFILE = re.compile(rb'"([A-Za-z0-9][\w.-]*)": \{[^{}]*?"version": "==([0-9][^"]*)"')
_EXACT = re.compile(rb"[\"']([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*==[ \t]*([0-9][\w.]*)")
# "redis>=5.0,<6": the lower bound is the oldest behaviour that may be in force.
_BOUND = re.compile(rb"[\"']([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*(?:>=|~=)[ \t]*([0-9][\w.]*)")
_BOUND_LINE = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]{0,60})(?:\[[^\]\n]*\])?[ \t]*(?:>=|~=)[ \t]*([0-9][\w.]*)")


def _versions_in(data: bytes, name: str, kind: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    if name == "pipfile.lock":
        patterns = [_PIPFILE]
    elif name in _LOCKS or kind == "lock":
        patterns = [_LOCKED]
    elif kind == "requirements":
        patterns = [_BOUND_LINE, _PINNED]
    else:
        patterns = [_BOUND, _EXACT]
    for pattern in patterns:
        for match in pattern.finditer(data):
            version = _version(match.group(2).decode())
            if version:
                yield match.group(1).decode().lower().replace("_", "-").replace(".", "-"), version


def _version(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        numbers.append(int(digits.group()))
    return tuple(numbers)


def read(root: str, files: _Files, beyond: Callable[[], _Files] | None = None) -> Environment:
    """The environment of a project: its root, the files that were discovered in it, and a way to find the others."""
    return Environment(os.path.abspath(root), files, beyond)
