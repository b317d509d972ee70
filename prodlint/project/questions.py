"""What a check may ask of the project while it looks at one file.

Each question and its answer are noted with what was found: when an answer changes, the result of that file is stale, and no other one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prodlint.project.environment import Environment, Question
from prodlint.project.startup import Started, Startup

if TYPE_CHECKING:
    from prodlint.project.modules import PythonFiles

# A question's name, its arguments, and what stands for the answer (see `Environment.answer`).
Asked = tuple[str, tuple[str, ...], str]


class Questions:
    """The questions, as `prodlint.project.environment.Environment` answers them. Paths are from the project's root."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._asked: dict[Question, None] = {}
        self._followed: dict[Question, str] = {}

    def take(self, path: str) -> tuple[Asked, ...]:
        """What was asked for a file's sake since this was called last."""
        return tuple(sorted(self._taken(path)))

    def _taken(self, path: str) -> Iterator[Asked]:
        for question in self._asked:
            yield (*question, self._environment.answer(question))
        self._asked.clear()
        for (name, arguments), answer in self._followed.items():
            yield name, arguments, answer
        self._followed.clear()
        for module, (other, digest) in self._environment.take_modules(path).items():
            yield "module", module, f"{other} {digest}"

    def _note(self, name: str, *arguments: str) -> Environment:
        self._asked[name, arguments] = None
        return self._environment

    def outside_names(self, path: str, data: bytes) -> Mapping[str, str]:
        """By the names that a Python file imports of the project's own modules, what they stand for where these have them from outside."""
        files = self._environment.python_files
        imports = files.own_imports(path, data)
        if not imports:
            return {}
        found, self._followed["outside_names", (path, imports)] = self._environment.outside_names(path, imports)
        return found

    # ------------------------------------------------------------ dependencies

    def version(self, package: str) -> tuple[int, ...] | None:
        """The resolved version of a dependency, or None where nothing says it."""
        return self._note("version", package).version(package)

    @property
    def packages(self) -> frozenset[str]:
        """Names of the declared or locked dependencies."""
        return self._note("packages").packages

    @property
    def installed_lists(self) -> frozenset[str]:
        """The requirements files that images install as they are."""
        return self._note("installed_lists").installed_lists

    @property
    def package_lists(self) -> frozenset[str]:
        """The requirements files that the project's own package is declared to need: ranges, which whoever installs it resolves."""
        return self._note("package_lists").package_lists

    @property
    def published_images(self) -> frozenset[str]:
        """The names of the images that the project's own pipelines build."""
        return self._note("published_images").published_images

    @property
    def has_dev_group(self) -> bool:
        """Whether a manifest has a group of packages for developers that is installed unless told otherwise."""
        return self._note("has_dev_group").has_dev_group

    def has_lock(self, path: str) -> bool:
        """Whether a lock file lies beside a file, above it, or at the root."""
        return self._note("has_lock", path).has_lock(path)

    def requirements_beside(self, path: str) -> tuple[str, ...]:
        """The other requirements files of a file's folder."""
        return self._note("requirements_beside", path).requirements_beside(path)

    def pinned_beside(self, path: str) -> frozenset[str]:
        """The packages that these pin."""
        return self._note("pinned_beside", path).pinned_beside(path)

    # ------------------------------------------------------------ what is started

    def starts(self, path: str) -> bool:
        """Whether production starts this Python file."""
        return self._note("starts", path).starts(path)

    def runs(self, path: str) -> bool | None:
        """Whether production runs this Python file as a program; None where it is not known what is started there."""
        return self._note("runs", path).runs(path)

    def deploys(self, path: str) -> bool:
        """Whether the part of the repository that holds a file is deployed."""
        return self._note("deploys", path).deploys(path)

    @property
    def startup(self) -> Startup:
        """What production starts, and by which scripts."""
        return self._note("startup").startup

    @property
    def started(self) -> tuple[Started, ...]:
        """The programs that production starts."""
        return self._note("started").started

    @property
    def service(self) -> Started | None:
        """The place where a service was seen, or None."""
        return self._note("service").service

    @property
    def is_service(self) -> bool:
        """Whether the repository deploys a Python service."""
        return self._note("is_service").is_service

    @property
    def reads_settings_in_build(self) -> bool:
        """Whether building an image runs the project's own code."""
        return self._note("reads_settings_in_build").reads_settings_in_build

    @property
    def is_library(self) -> bool:
        """Whether it is a package for others to import."""
        return self._note("is_library").is_library

    # ------------------------------------------------------------ manifests

    def patched_keys(self, path: str, kind: str, name: str) -> frozenset[str]:
        """The keys that Kustomize overlays set on a workload of a file."""
        return self._note("patched_keys", path, kind, name).patched_keys(path, kind, name)

    def tag_is_set(self, path: str, image: str) -> bool:
        """Whether a Kustomize overlay puts another tag or a digest on an image of a file."""
        return self._note("tag_is_set", path, image).tag_is_set(path, image)

    @property
    def has_limit_range(self) -> bool:
        """Whether the project gives a namespace defaults for what its containers may take."""
        return self._note("has_limit_range").has_limit_range

    def another_user(self, dockerfile: str) -> str:
        """The manifest that starts this Dockerfile's image as another user, where all that start it do so; or nothing."""
        return self._note("another_user", dockerfile).another_user(dockerfile)

    # ------------------------------------------------------------ files

    @property
    def owner(self) -> str:
        """The organisation on GitHub whose repository this is, or nothing."""
        return self._note("owner").owner

    @property
    def rotates_logs(self) -> bool:
        """Whether the project brings a configuration of logrotate."""
        return self._note("rotates_logs").rotates_logs

    def holds_python(self, folder: str) -> bool:
        """Whether a folder is one of a program's sources: Python files lie in it or in a package of it."""
        return self._note("holds_python", folder).holds_python(folder)

    def holds_file(self, name: str) -> bool:
        """Whether there is a file of this name, in any folder."""
        return self._note("holds_file", name).holds_file(name)

    def variables_in(self, path: str) -> tuple[str, ...] | None:
        """The names that an env file of the project sets; None where the project holds no such file."""
        return self._note("variables_in", path).variables_in(path)

    @property
    def python_files(self) -> PythonFiles:
        """The project's Python files, for what one says of another; which of them was asked is noted there."""
        return self._environment.python_files
