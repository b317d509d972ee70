"""Paths on the command line become files to check: the same ones whatever the way in."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prodlint.configuration.patterns import Patterns, below
from prodlint.model import Unchecked
from prodlint.regular import read_regular

if TYPE_CHECKING:
    from prodlint.configuration.settings import NestedSettings, Settings

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

SETTINGS_FILES = ("prodlint.toml", ".prodlint.toml", "pyproject.toml")

KINDS = (
    "python",
    "notebook",
    "dockerfile",
    "yaml",
    "json",
    "toml",
    "ini",
    "hcl",
    "env",
    "requirements",
    "shell",
    "makefile",
    "procfile",
    "systemd",
    "nginx",
    "markdown",
    "jenkinsfile",
    "sql",
    "ignore",
    "lock",
    "text",
)

_EXTENSIONS = {
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".wsgi": "python",
    ".ipynb": "notebook",
    ".dockerfile": "dockerfile",
    ".containerfile": "dockerfile",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".jsonc": "json",
    ".tfstate": "json",
    ".tf": "hcl",
    ".tofu": "hcl",
    ".tfvars": "hcl",
    ".hcl": "hcl",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
    ".properties": "ini",
    ".env": "env",
    ".sh": "shell",
    ".bash": "shell",
    ".zsh": "shell",
    ".ksh": "shell",
    ".mk": "makefile",
    ".service": "systemd",
    ".nginx": "nginx",
    ".vhost": "nginx",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".sql": "sql",
} | dict.fromkeys(
    (
        # Read for credentials with a vendor's format only.
        ".adoc .asc .bat .c .cc .cpp .crt .css .csv .diff .h .har .hpp .jsonl .log .ndjson .patch .pub .scss .svg .tsv .cjs .cmd .cnf .conf .config .cs .dart .erb .ex .exs .go .gradle .graphql .groovy .htm .html .http"
        " .j2 .java .jinja .jinja2 .js .json5 .jsx .kt .kts .key .lua .mjs .p8 .pem .php .pl .plist .ppk .ps1 .psm1 .pyx .r .rb"
        " .rest .rs .rst .scala .svelte .swift .tmpl .template .tpl .ts .tsx .txt .vue .xml"
    ).split(),
    "text",
)

# Whole names, in lower case.
_NAMES: dict[str, str | None] = {
    ".bash_profile": "shell",
    ".bashrc": "shell",
    ".bash_history": "text",
    ".boto": "ini",
    ".condarc": "yaml",
    ".coveragerc": "ini",
    ".curlrc": "text",
    ".dev.vars": "env",
    ".dockercfg": "json",
    ".dockerconfigjson": "json",
    ".dockerignore": "ignore",
    ".env": "env",
    ".envrc": "shell",
    ".flaskenv": "env",
    ".gcloudignore": "ignore",
    ".git-credentials": "text",
    ".gitignore": "ignore",
    ".gitmodules": "text",
    ".helmignore": "ignore",
    ".htpasswd": "text",
    ".mysql_history": "text",
    ".netrc": "text",
    "_netrc": "text",
    ".npmignore": "ignore",
    ".npmrc": "text",
    ".pgpass": "text",
    ".profile": "shell",
    ".psql_history": "text",
    ".python_history": "text",
    ".pypirc": "ini",
    ".s3cfg": "ini",
    ".secrets": "env",
    ".vault-token": "text",
    ".yarnrc": "text",
    ".zsh_history": "text",
    ".zshrc": "shell",
    "bun.lock": None,
    "caddyfile": "text",
    "cargo.lock": "text",
    "cdk.context.json": None,
    "codemeta.json": None,
    "composer.lock": "text",
    "composer.json": "json",
    "containerfile": "dockerfile",
    "deno.lock": None,
    "dockerfile": "dockerfile",
    "flake.lock": None,
    "gemfile": "text",
    "gnumakefile": "makefile",
    "id_dsa": "text",
    "id_ecdsa": "text",
    "id_ed25519": "text",
    "id_rsa": "text",
    "jenkinsfile": "jenkinsfile",
    "justfile": "text",
    "makefile": "makefile",
    "kubeconfig": "yaml",
    "npm-shrinkwrap.json": "text",
    "package-lock.json": "text",
    "pdm.lock": "lock",
    "pip.conf": "ini",
    "pip.ini": "ini",
    "pipfile": "toml",
    "pipfile.lock": "lock",
    "pixi.lock": None,
    "pnpm-lock.yaml": "text",
    "poetry.lock": "lock",
    "procfile": "procfile",
    "pylock.toml": "lock",
    "readme": "markdown",
    "tiltfile": "text",
    "uv.lock": "lock",
    "vagrantfile": "text",
    "yarn.lock": "text",
}

# Endings that say "a copy to fill in" or "the one before": what is inside is named by the rest.
_COPIES = frozenset((".example", ".sample", ".dist", ".bak", ".backup", ".orig", ".old", ".save", ".default", ".defaults"))
# Endings of templates: the readers of these kinds bear template syntax, others would see a broken file.
_TEMPLATES = frozenset((".template", ".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".erb", ".tftpl", ".in"))
_BEAR_TEMPLATES = frozenset(("yaml", "env", "dockerfile", "nginx", "shell", "requirements", "makefile", "procfile", "systemd", "text"))

_REQUIREMENTS = re.compile(r"(?:^|[-_.])(?:requirements?|constraints?|reqs)(?:[-_.]|$)")
_SERVERS = frozenset(("nginx", "conf.d", "sites-available", "sites-enabled"))


# Extensions that settle the kind whatever the rest of the name is.
_PLAIN: dict[str, str | None] = {
    extension: kind
    for extension, kind in _EXTENSIONS.items()
    if extension
    in (".py", ".pyi", ".ipynb", ".sh", ".md", ".ts", ".tsx", ".jsx", ".vue", ".go", ".rs", ".java", ".html", ".rst", ".tf", ".sql")
} | dict.fromkeys(".png .jpg .jpeg .gif .ico .webp .pdf .less .woff .woff2 .ttf .eot .map .snap .po .mo .pyc .so .zip .gz .whl".split())


@dataclass(slots=True)
class Discovered:
    """What is to be checked.

    root: absolute. files: (path from the root with forward slashes, absolute path, kind), sorted by path.
    unchecked: what was asked for and cannot be read. excluded: files named on the command line that the settings or an
    ignore file leave out, with why. settings: directories (from the root) that have settings of their own.
    whole: a directory that holds the root was asked for, so rules about the project as a whole can be judged.
    """

    root: str
    files: list[tuple[str, str, str]] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, Settings] = field(default_factory=dict)
    whole: bool = False


def project_root(paths: Sequence[str] = ()) -> str:
    """The nearest directory above the paths that holds `.git`, else one with settings or a manifest, else the paths' common one."""
    absolute = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        start = os.path.commonpath(absolute)
    except ValueError:  # two drives
        start = absolute[0]
    if not os.path.isdir(start):
        start = os.path.dirname(start)
    marked = None
    directory = start
    while True:
        if os.path.exists(os.path.join(directory, ".git")):
            return directory
        if marked is None and any(os.path.exists(os.path.join(directory, name)) for name in SETTINGS_FILES):
            marked = directory
        parent = os.path.dirname(directory)
        if parent == directory:
            # Nothing marks a project: paths are then shown from where the user stands, as far as they lie below it.
            here = os.getcwd()
            return marked or (here if start == here or start.startswith(here.rstrip(os.sep) + os.sep) else start)
        directory = parent


def kind_of(path: str) -> str | None:
    """The kind of a file by its name, or None where prodlint does not read such files."""
    name = path[path.rfind("/") + 1 :]
    extension = name[name.rfind(".") :] if "." in name else ""
    if extension == ".py":
        return "python"
    return _kind(path, name.lower())


# Folders whose JSON is texts by name, in many languages: read for vendors' keys and URLs, like any text. (A third of the
# time on a tree with 25,000 such files went into taking them apart.)
_TRANSLATIONS = frozenset(("translations", "locales", "i18n", "l10n"))


def _kind(path: str, name: str) -> str | None:
    known = _NAMES.get(name, "")
    if known != "":
        return known
    stem, dot, last = name.rpartition(".")
    extension = dot + last
    if stem and extension in _COPIES:
        return _kind(path, stem)
    if stem and extension in _TEMPLATES and not (extension == ".in" and _REQUIREMENTS.search(stem)):
        inner = _kind(path, stem)
        if extension == ".in":
            return inner
        return inner if inner in _BEAR_TEMPLATES else "text"
    if (
        name.startswith((".env.", ".env-", ".env_", "env."))
        and extension not in _PLAIN
        and extension not in (".js", ".json", ".yaml", ".yml")
    ):
        return "env"
    if name.startswith(("dockerfile.", "dockerfile-", "dockerfile_", "containerfile.")) and extension not in (
        ".md",
        ".py",
        ".sh",
        ".dockerignore",
    ):
        return "dockerfile"
    if extension == ".dockerignore":
        return "ignore"
    if not dot and name.endswith(("dockerfile", "containerfile")):
        return "dockerfile"
    if name.startswith("pylock.") and extension == ".toml":
        return "lock"
    if name.startswith(("procfile.", "procfile-")):
        return "procfile"
    if name.startswith(("jenkinsfile.", "jenkinsfile-")):
        return "jenkinsfile"
    if name.startswith("makefile."):
        return "makefile"
    if extension in (".txt", ".in", ".pip", ".lock") and (_REQUIREMENTS.search(stem) or "/requirements/" in f"/{path.lower()}"):
        return "requirements"
    if extension == ".conf":
        return _kind_of_conf(path.lower(), stem)
    if name.endswith((".min.js", ".min.mjs", ".min.cjs", ".bundle.js", ".chunk.js", "-lock.json", ".lock.json")):
        return "text"
    kind = _EXTENSIONS.get(extension)
    if kind == "json" and not _TRANSLATIONS.isdisjoint(path.lower().split("/")[:-1]):
        return "text"
    if kind is None and not stem and name.startswith("docker-entrypoint"):
        return "shell"
    if kind is None and name == "credentials" and "/.aws/" in f"/{path}":
        return "ini"
    if kind is None and name == "config" and "/.kube/" in f"/{path}":
        return "yaml"
    if kind is None and not dot and _NAMED_FOR_SECRETS.search(name):
        return "text"
    return kind


# Files without an extension that are called after what they hold: `deploy_key`, `token`, `db-password`.
_NAMED_FOR_SECRETS = re.compile(r"(?:^|[-_])(?:keys?|private|secrets?|credentials?|creds|tokens?|passwords?|passphrase|passwd|pem)\Z")


def _kind_of_conf(path: str, stem: str) -> str:
    if stem.startswith("supervisor") or "/supervisor" in f"/{path}" or stem in ("logging", "alembic", "uwsgi"):
        return "ini"
    if "nginx" in stem or _SERVERS.intersection(path.split("/")[:-1]):
        return "nginx"
    return "text"


_SHEBANGS = (
    (re.compile(rb"#!.*\b(?:python[\d.]*|pypy[\d.]*|uv run)\b"), "python"),
    (re.compile(rb"#!.*\b(?:bash|sh|dash|zsh|ksh|ash)\b"), "shell"),
)


def kind_by_shebang(head: bytes) -> str | None:
    """The kind of a script without an extension, by its first line."""
    if not head.startswith(b"#!"):
        return None
    line = head.split(b"\n", 1)[0][:200]
    for regex, kind in _SHEBANGS:
        if regex.match(line):
            return kind
    return None


@dataclass(slots=True)
class _Directory:
    """What was read of a directory: why it is left out ("" where it is not), and what leaves out entries in it.

    exclude, ignores: how much of an entry's path to cut off, and the patterns; of the ignores the last one that speaks wins.
    """

    settings: Settings
    exclude: tuple[int, Patterns]
    ignores: tuple[tuple[int, Patterns, str], ...]
    excluded: str = ""


class _Search:
    """One search for files. Every directory is read once, so 5,000 named files cost no more than the walk that finds them."""

    def __init__(self, root: str, settings: Settings, nearest: NestedSettings | None) -> None:
        self.found = Discovered(root)
        self.root = root
        self.settings = settings
        self.nearest = nearest
        self.directories: dict[str, _Directory] = {}
        self.kinds: dict[str, list[tuple[int, Patterns, str]]] = {}
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

    def first(self) -> _Directory:
        """The root, before its own files are read."""
        ignores: tuple[tuple[int, Patterns, str], ...] = ()
        if self.settings.respect_gitignore:
            patterns = Patterns(_lines(f"{self.root}/.git/info/exclude"))
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
            patterns = Patterns(_lines(f"{absolute}/.gitignore"))
            if patterns:
                cut = len(path) + 1 if path else 0
                directory.ignores = (*directory.ignores, (cut, patterns, f"{path}/.gitignore" if path else ".gitignore"))

    def why_excluded(self, parent: _Directory, path: str, name: str, is_directory: bool) -> str:
        """What leaves an entry of a directory out, or nothing."""
        if self.settings.include_excluded:
            return ""
        cut, patterns = parent.exclude
        if patterns.decide(path[cut:], name, is_directory):
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
            kind = (own_kinds and self.kind(child, directory)) or _PLAIN.get(name[name.rfind(".") :], "")
            if kind == "":
                kind = _kind(child, name.lower())
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

    def kind(self, path: str, directory: _Directory) -> str | None:
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

    @staticmethod
    def kind_inside(entry: os.DirEntry[str]) -> str | None:
        """The kind of an executable without an extension."""
        try:
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mode & 0o111:
                return _kind_of_script(entry.path)
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
            kind = _kind_of_script(absolute)
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
) -> Discovered:
    """The files to check for the paths on the command line; "-" is standard input under the name `stdin_filename`.

    nearest: gives a directory that holds settings of its own its Settings; None where one Settings holds for all files.
    """
    given = [stdin_filename or "stdin.py" if path == "-" else path for path in paths]
    top = os.path.abspath(root or project_root(given)).replace(os.sep, "/")
    if nearest is not None and below(top, settings.root):
        # The settings found first are those of a directory below: they hold from there, not from the root.
        settings = nearest.default(top)
    search = _Search(top, settings, nearest)
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


def _lines(path: str) -> list[str]:
    """The lines of an ignore file; none where it cannot be read. A megabyte is more than any real one."""
    try:
        return read_regular(path, 1 << 20, cut=True).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return []


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


def _kind_of_script(absolute: str) -> str | None:
    try:
        return kind_by_shebang(read_regular(absolute, 200, cut=True))
    except OSError:
        return None
