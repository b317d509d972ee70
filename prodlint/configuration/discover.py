"""Paths on the command line become files to check: the same ones whatever the way in."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prodlint.configuration.kinds import PLAIN_KINDS, kind_by_shebang, kind_named, kind_of
from prodlint.configuration.patterns import Patterns, below
from prodlint.configuration.root import SETTINGS_FILES, project_root
from prodlint.configuration.settings import NestedSettings, Settings
from prodlint.facts import FileKind
from prodlint.model import Unchecked
from prodlint.regular import Reader, beginning

# Directories that hold no code of the project, by name.
DEFAULT_EXCLUDE = (
    ".bzr",
    ".cache",
    ".direnv",
    ".eggs",
    ".git",
    ".git-rewrite",
    ".gradle",
    ".hg",
    ".hypothesis",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".next",
    ".nox",
    ".nuxt",
    ".pants.d",
    ".pnpm-store",
    ".prodlint_cache",
    ".pyenv",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".svelte-kit",
    ".svn",
    ".terraform",
    ".tox",
    ".venv",
    ".yarn",
    "__pycache__",
    "__pypackages__",
    "bower_components",
    "buck-out",
    "node_modules",
    "site-packages",
    "venv",
)
# Excluded only beside a manifest that makes them build output: elsewhere they are packages of real code
# (`onyx/server/features/build`), and skipping those would be silent.
_OUTPUT = frozenset(("build", "dist", "_build"))
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "package.json")
# What a directory holds that somebody else's Python put there.
_ENVIRONMENT_MARK = "pyvenv.cfg"


@dataclass(slots=True)
class Discovered:
    """What is to be checked.

    root: absolute. files: (path from the root with forward slashes, absolute path, kind), sorted by path.
    unchecked: what was asked for and cannot be read. excluded: files named on the command line that the settings or an
    ignore file leave out, with why. settings: directories (from the root) that have settings of their own.
    whole: a directory that holds the root was asked for, so rules about the project as a whole can be judged. left_out: what `exclude` took
    away, and whether it is a directory.
    """

    root: str
    files: list[tuple[str, str, FileKind]] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, Settings] = field(default_factory=dict)
    whole: bool = False
    left_out: list[tuple[str, bool]] = field(default_factory=list)


@dataclass(slots=True)
class _Directory:
    """What was read of a directory: why it is left out ("" where it is not), and what leaves out entries in it.

    exclude, ignores: how much of an entry's path to cut off, and the patterns; of the ignores the last one that speaks wins.
    """

    settings: Settings
    exclude: tuple[int, Patterns]
    ignores: tuple[tuple[int, Patterns, str], ...]
    excluded: str = ""


def may_be_absent(root: str, pattern: str, read: Reader = beginning) -> bool:
    """Whether what a pattern excludes comes and goes: environments, build output and whatever git ignores is in no fresh clone."""
    try:
        ignored = read(f"{root}/.gitignore", 1 << 20).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        ignored = []
    path = pattern.strip("/*")
    return Patterns((*DEFAULT_EXCLUDE, *_OUTPUT, *ignored)).match(f"{path}/x")


class _Search:
    """One search for files. Every directory is read once, so 5,000 named files cost no more than the walk that finds them."""

    def __init__(
        self,
        root: str,
        settings: Settings,
        nearest: NestedSettings | None,
        read: Reader,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.progress = progress
        self.read = read
        self.found = Discovered(root)
        self.root = root
        self.settings = settings
        self.nearest = nearest
        self.directories: dict[str, _Directory] = {}
        self.kinds: dict[str, list[tuple[int, Patterns, FileKind]]] = {}
        self.seen: set[str] = set()

    def directory(self, path: str, names: set[str] | None = None) -> _Directory:
        """A directory by its path from the root; `names` are its entries where they are known already."""
        known = self.directories.get(path)
        if known is not None:
            return known
        absolute = f"{self.root}/{path}" if path else self.root
        if not path:
            made = self.first()
        else:
            parent_path, _, name = path.rpartition("/")
            if parent_path not in self.directories:
                # From the top down, so that a path of a thousand parts needs no deep recursion.
                parts = parent_path.split("/")
                for number in range(len(parts)):
                    self.directory("/".join(parts[:number]))
            parent = self.directory(parent_path)
            excluded = parent.excluded or self.why_excluded(parent, path, name, True)
            if not excluded and not self.settings.include_excluded and _holds(absolute, names, _ENVIRONMENT_MARK):
                excluded = "it is a virtual environment"
            made = _Directory(parent.settings, parent.exclude, parent.ignores, excluded)
        if not made.excluded:
            self.read_rules(made, path, absolute, names)
        self.directories[path] = made
        return made

    def lines(self, path: str) -> list[str]:
        """The lines of an ignore file; none where it cannot be read. A megabyte is more than any real one."""
        try:
            return self.read(path, 1 << 20).decode("utf-8-sig", "replace").splitlines()
        except OSError:
            return []

    def kind_of_script(self, absolute: str) -> FileKind | None:
        """The kind of a file that only its first line tells."""
        try:
            return kind_by_shebang(self.read(absolute, 200))
        except OSError:
            return None

    def first(self) -> _Directory:
        """The root, before its own files are read."""
        ignores: tuple[tuple[int, Patterns, str], ...] = ()
        if self.settings.respect_gitignore:
            patterns = Patterns(self.lines(f"{self.root}/.git/info/exclude"))
            if patterns:
                ignores = ((0, patterns, ".git/info/exclude"),)
        return _Directory(self.settings, self.exclude_of(self.settings), ignores)

    def exclude_of(self, settings: Settings) -> tuple[int, Patterns]:
        """The settings' own exclusions, bound to the directory of the settings."""
        lines = (*(DEFAULT_EXCLUDE if settings.exclude is None else settings.exclude), *settings.extend_exclude)
        return len(below(self.root, settings.root)), Patterns(lines)

    def read_rules(self, directory: _Directory, path: str, absolute: str, names: set[str] | None) -> None:
        """Take in the ignore file and the settings that a directory holds."""
        if self.nearest is not None and any(_holds(absolute, names, name) for name in SETTINGS_FILES):
            settings = self.nearest(absolute, directory.settings)
            if settings is not directory.settings:
                directory.settings = self.found.settings[path] = settings
                directory.exclude = self.exclude_of(settings)
        if directory.settings.respect_gitignore and _holds(absolute, names, ".gitignore"):
            patterns = Patterns(self.lines(f"{absolute}/.gitignore"))
            if patterns:
                cut = len(path) + 1 if path else 0
                directory.ignores = (*directory.ignores, (cut, patterns, f"{path}/.gitignore" if path else ".gitignore"))

    def why_excluded(self, parent: _Directory, path: str, name: str, is_directory: bool) -> str:
        """What leaves an entry of a directory out, or nothing."""
        if self.settings.include_excluded:
            return ""
        cut, patterns = parent.exclude
        if patterns.decide(path[cut:], name, is_directory):
            self.found.left_out.append((path, is_directory))
            return "`exclude` leaves it out"
        for cut, patterns, where in reversed(parent.ignores):
            verdict = patterns.decide(path[cut:], name, is_directory)
            if verdict is not None:
                return f"`{where}` leaves it out" if verdict else ""
        if is_directory and name in _OUTPUT and parent.settings.exclude is None:
            above = os.path.dirname(f"{self.root}/{path}")
            if any(os.path.exists(f"{above}/{manifest}") for manifest in _MANIFESTS):
                return "it is build output"
        return ""

    def walk(self, path: str) -> None:
        """Everything below a directory (path from the root)."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            absolute = f"{self.root}/{path}" if path else self.root
            try:
                with os.scandir(absolute) as listing:
                    entries = list(listing)
            except OSError as error:
                self.found.unchecked.append(Unchecked(path or ".", _reason(error)))
                continue
            directory = self.directory(path, {entry.name for entry in entries})
            if self.progress is not None:
                self.progress(len(self.found.files), 0)
            if not directory.excluded:
                self.take(path, directory, entries, waiting)

    def take(self, path: str, directory: _Directory, entries: list[os.DirEntry[str]], waiting: list[str]) -> None:
        """Sort the entries of a directory into files to check and directories to walk. The hot loop of the search."""
        prefix = f"{path}/" if path else ""
        why_excluded, add = self.why_excluded, self.found.files.append
        own_kinds = directory.settings.files
        seen = self.seen
        for entry in entries:
            name = entry.name
            child = prefix + name
            if entry.is_dir(follow_symlinks=False):
                if not why_excluded(directory, child, name, True):
                    waiting.append(child)
                continue
            kind = self.kind(child, directory) if own_kinds else None
            if kind is None:
                extension = name[name.rfind(".") :]
                kind = PLAIN_KINDS[extension] if extension in PLAIN_KINDS else kind_named(child, name.lower())
                if kind is None and "." not in name:
                    kind = self.kind_inside(entry)
            if kind is None or child in seen or why_excluded(directory, child, name, False):
                continue
            if entry.is_file(follow_symlinks=False):
                seen.add(child)
                add((child, entry.path if os.sep == "/" else entry.path.replace(os.sep, "/"), kind))
            elif not entry.is_symlink():
                # A link is not followed: its target is checked where it stands, and a circle of links ends here.
                self.found.unchecked.append(Unchecked(child, "not a regular file"))

    def kind(self, path: str, directory: _Directory) -> FileKind | None:
        """The kind that the settings give a file."""
        settings = directory.settings
        made = self.kinds.get(settings.root)
        if made is None:
            cut = len(below(self.root, settings.root))
            made = self.kinds[settings.root] = [(cut, Patterns((pattern,)), kind) for pattern, kind in settings.files.items()]
        for cut, patterns, kind in made:
            if patterns.match(path[cut:]):
                return kind
        return None

    def kind_inside(self, entry: os.DirEntry[str]) -> FileKind | None:
        """The kind of an executable without an extension."""
        try:
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mode & 0o111:
                return self.kind_of_script(entry.path)
        except OSError:
            return None
        return None

    def name(self, given: str) -> None:
        """A path as it was given on the command line."""
        absolute = os.path.abspath(given)
        path = _from_root(self.root, absolute)
        try:
            mode = os.stat(absolute).st_mode
        except (OSError, ValueError) as error:
            self.found.unchecked.append(Unchecked(_shown(path), _reason(error)))
            return
        if stat.S_ISDIR(mode):
            if path == "":
                self.found.whole = True
            if path.startswith(".."):
                self.found.unchecked.append(Unchecked(_shown(path), "outside the project's root"))
                return
            why = self.directory(path).excluded
            if why:
                self.found.excluded.append((_shown(path), why))
            else:
                self.walk(path)
        elif stat.S_ISREG(mode):
            self.add_named(path, absolute)
        else:
            self.found.unchecked.append(Unchecked(_shown(path), "not a regular file"))

    def add_named(self, path: str, absolute: str, opened: bool = True) -> None:
        """A file that was named, unless the settings or an ignore file leave it out."""
        parent, _, name = path.rpartition("/")
        directory = self.directory(parent) if not path.startswith("..") else self.first()
        why = directory.excluded or self.why_excluded(directory, path, name, False)
        kind = (self.kind(path, directory) if directory.settings.files else None) or kind_of(path)
        if kind is None and opened and "." not in name:
            kind = self.kind_of_script(absolute)
        if not why and kind is None:
            why = "prodlint does not read this kind of file"
        if why:
            self.found.excluded.append((path, why))
        elif path not in self.seen and kind is not None:
            self.seen.add(path)
            self.found.files.append((path, absolute if opened else "-", kind))


def discover(
    paths: Sequence[str],
    settings: Settings,
    *,
    root: str | None = None,
    stdin_filename: str | None = None,
    nearest: NestedSettings | None = None,
    read: Reader = beginning,
    progress: Callable[[int, int], None] | None = None,
) -> Discovered:
    """The files to check for the paths on the command line; "-" is standard input under the name `stdin_filename`.

    nearest: gives a directory that holds settings of its own its Settings; None where one Settings holds for all files. read: opens ignore
    files, and scripts for their first line. progress: is told how many there are so far, of 0.
    """
    given = [stdin_filename or "stdin.py" if path == "-" else path for path in paths]
    top = os.path.abspath(root or project_root(given)).replace(os.sep, "/")
    if nearest is not None and below(top, settings.root):
        # The settings found first are those of a directory below: they hold from there, not from the root.
        settings = nearest.default(top)
    search = _Search(top, settings, nearest, read, progress)
    for path, name in zip(paths, given, strict=True):
        if path == "-":
            absolute = os.path.abspath(name)
            search.add_named(_from_root(search.root, absolute), absolute, opened=False)
        else:
            search.name(path)
    search.found.files.sort()
    search.found.unchecked.sort()
    return search.found


def _holds(absolute: str, names: set[str] | None, name: str) -> bool:
    return os.path.exists(f"{absolute}/{name}") if names is None else name in names


def _from_root(root: str, absolute: str) -> str:
    absolute = absolute.replace(os.sep, "/")
    if absolute == root:
        return ""
    if absolute.startswith(root if root == "/" else f"{root}/"):
        return absolute[len(root) :].lstrip("/")
    try:
        return os.path.relpath(absolute, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return absolute


def _shown(path: str) -> str:
    return path or "."


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]
