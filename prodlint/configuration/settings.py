"""`[tool.prodlint]` in pyproject.toml, or prodlint.toml, becomes Settings: checked whole, and loud about what it does not know."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from prodlint.configuration.keys import HONOR, KEYS, OVERLAP, FailOn
from prodlint.configuration.patterns import Patterns, below
from prodlint.configuration.shapes import MisplacedValue, did_you_mean, quoted
from prodlint.facts import FileKind, FileRole
from prodlint.model import Priority
from prodlint.regular import Reader, TooLarge, beginning
from prodlint.user_directory import is_inside

# A selector for the rules whose mistakes may wait until a release: notes to oneself.
RELEASE_STAGE = "stage:release"
# A settings file in a directory: the first of these that has something to say.
FILES = ("prodlint.toml", ".prodlint.toml", "pyproject.toml")

# No settings that a person wrote come near it.
_LARGEST = 8_000_000


class KnownRule(NamedTuple):
    """What the settings need to know of a rule. default: on by default. covered_by: tools after which it says little that is new.
    also: other tools' codes for the same mistake, as `tool:CODE`. is_later: it came with a later set of rules than the settings name, so
    that only its own code or name switches it on."""

    code: str
    name: str
    default: bool
    covered_by: tuple[str, ...] = ()
    stage: str = ""
    also: tuple[str, ...] = ()
    is_later: bool = False


class SettingsError(Exception):
    """Settings that cannot be used: where, and what to write instead."""

    def __init__(self, message: str, file: str = "", line: int = 0) -> None:
        self.message = message
        self.file = file
        self.line = line
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(place + message)


@dataclass(frozen=True, slots=True)
class Selection:
    """One layer of choices: a settings file, or the command line. A layer with `select` starts afresh.

    where: what to name when a selector is unknown: (file, line) for each.
    """

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    where: tuple[tuple[str, str, int], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class PerPath:
    """Choices for the files that match one of the patterns. where: the place of the table."""

    paths: tuple[str, ...]
    selection: Selection = Selection()
    priority: Mapping[str, Priority] = field(default_factory=dict)
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the run was asked to be. Patterns are relative to `root`, the directory of the file they stand in.

    selections: layers, outermost first. fail_on: the lowest priority that fails the run (any finding does by default).
    warn_only: rules that are shown and never fail. exclude: None means prodlint's own list. files: kind by pattern.
    rules: options by rule. roles: further patterns by role. priority: priority by rule selector.
    checklist: what the readiness report's items are to be (see `prodlint.readiness.items`). ignore_entries: what is ignored in documents
    by paths of keys.
    origins: where each value that is not the default came from. project_root: the root of the run, which no path of a settings file may leave.
    """

    root: str = ""
    project_root: str = ""
    selections: tuple[Selection, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    per_path: tuple[PerPath, ...] = ()
    priority: Mapping[str, Priority] = field(default_factory=dict)
    fail_on: FailOn = "P2"
    warn_only: tuple[str, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    respect_gitignore: bool = True
    include_excluded: bool = False
    files: Mapping[str, FileKind] = field(default_factory=dict)
    roles: Mapping[FileRole, tuple[str, ...]] = field(default_factory=dict)
    require_reason: bool = False
    unsuppressible: tuple[str, ...] = ()
    inline_ignores: bool = True
    honor: tuple[str, ...] = ()
    extend_rules: tuple[str, ...] = ()
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plugins: bool = True
    error_reporters: tuple[str, ...] = ()
    http_wrappers: tuple[str, ...] = ()
    disable_overlap: tuple[str, ...] = ()
    baseline: str = ""
    strict_baseline: bool = False
    allow_unchecked: bool = False
    cache_dir: str = ".prodlint_cache"
    ruleset: str = ""
    checklist: Mapping[str, Any] = field(default_factory=dict)
    ignore_entries: tuple[Mapping[str, Any], ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    sources: tuple[str, ...] = field(default=(), compare=False)

    def options(self, code: str) -> Mapping[str, Any]:
        """The options given to a rule."""
        return self.rules.get(code, {})

    def digest(self) -> str:
        """A short text that changes when a setting changes that can change findings."""
        from prodlint.digests import blake2b

        skipped = (
            "origins",
            "sources",
            "cache_dir",
            "fail_on",
            "baseline",
            "strict_baseline",
            "allow_unchecked",
            "root",
            "project_root",
            "exclude",
        )
        values = [(item.name, _plain(getattr(self, item.name))) for item in fields(self) if item.name not in skipped]
        return blake2b(repr(values).encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """A value whose repr depends on nothing but what it says."""
    if isinstance(value, Mapping):
        return sorted((key, _plain(inner)) for key, inner in value.items())
    if isinstance(value, (tuple, list)):
        return [_plain(inner) for inner in value]
    if isinstance(value, Selection):
        return (value.select, value.extend_select, value.ignore)
    if isinstance(value, PerPath):
        return (value.paths, _plain(value.selection), _plain(value.priority))
    return value


_SELECTION_KEYS = ("select", "extend-select", "ignore")
_NAMED_BY_PLACE = ("extend-rules", "baseline", "cache-dir")


# ---------------------------------------------------------------- reading


def load(
    start: str | os.PathLike[str],
    config: Sequence[str] = (),
    *,
    isolated: bool = False,
    no_local: bool = False,
    root: str | os.PathLike[str] | None = None,
    read: Reader = beginning,
) -> Settings:
    """The settings for what lies at `start`: those of the nearest file from there up to the project's root.

    config: what `--config` gave: a path of a settings file (the nearest one is then not looked for) or `key = value`.
    isolated: no settings file is read. no_local: only files named by `config` are read, none that lies in the tree. read: opens them.
    """
    directory = os.path.abspath(start)
    if not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    if root is None:
        from prodlint.configuration.root import project_root

        root = project_root([directory])
    top = os.path.abspath(root)
    given_files = [item for item in config if not _is_inline(item)]
    if isolated and given_files:
        raise SettingsError("`--isolated` reads no settings file, `--config` names one; use one of the two")
    settings = Settings(root=top, project_root=top)
    if given_files:
        for path in given_files:
            if not os.path.isfile(path):
                raise SettingsError(f"no such settings file: `{path}`")
            # One that lies elsewhere was chosen by who runs prodlint, and may name what it wants.
            bound = settings if is_inside(path, top) else replace(settings, project_root="")
            settings = replace(read_file(os.path.abspath(path), bound, top, required=True, read=read), project_root=top)
    elif not isolated and not no_local:
        settings = nearest(directory, settings, top, read)
    inline = [item for item in config if _is_inline(item)]
    if inline:
        text = "\n".join(inline)
        settings = _apply(settings, _parse(text, "--config"), text, "--config", (), settings.root or top)
    return settings


def is_single(config: Sequence[str], isolated: bool, no_local: bool) -> bool:
    """Whether one Settings holds for every file, so that no nearer settings file is looked for."""
    return isolated or no_local or any(not _is_inline(item) for item in config)


def _is_inline(item: str) -> bool:
    return "=" in item and not os.path.exists(item)


def nearest(directory: str, fallback: Settings, top: str, read: Reader = beginning) -> Settings:
    """The settings of the nearest directory from this one up to `top` that has any."""
    while True:
        found = in_directory(directory, fallback, read)
        if found is not fallback:
            return found
        parent = os.path.dirname(directory)
        if directory == top or parent == directory:
            return fallback
        directory = parent


def in_directory(directory: str, fallback: Settings, read: Reader = beginning) -> Settings:
    """The settings that a directory itself holds; `otherwise` where it holds none.

    What every settings file of a run shares (the command line's choices) is the caller's to add.
    """
    for name in FILES:
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            found = read_file(path, fallback, directory, read=read)
            if found is not fallback:
                return found
    return fallback


def read_file(
    path: str, fallback: Settings, root: str, required: bool = False, seen: tuple[str, ...] = (), read: Reader = beginning
) -> Settings:
    """Settings from one file and those it extends; `otherwise` where a pyproject.toml has no `[tool.prodlint]`."""
    text = _read(path, read)
    shown = os.path.relpath(path) if not path.startswith("--") else path
    is_pyproject = os.path.basename(path) == "pyproject.toml"
    if is_pyproject and not required and "prodlint" not in text:
        return fallback
    values = _parse(text, shown, lenient=is_pyproject and "tool.prodlint" not in text)
    within: tuple[str, ...] = ()
    tool = values.get("tool")
    if is_pyproject or (isinstance(tool, dict) and "prodlint" in tool):
        own = tool.get("prodlint") if isinstance(tool, dict) else None
        if own is None:
            return fallback
        if not isinstance(own, dict):
            raise SettingsError("`tool.prodlint` must be a table", shown, _line(text, ("tool", "prodlint")))
        values, within = own, ("tool", "prodlint")
    settings = Settings(root=root, project_root=fallback.project_root)
    extended = values.pop("extend", None)
    if extended is not None:
        line = _line(text, (*within, "extend"))
        if not isinstance(extended, str):
            raise SettingsError("`extend` must be a path", shown, line)
        target = os.path.normpath(os.path.join(os.path.dirname(path), os.path.expanduser(extended)))
        if not os.path.isfile(target):
            raise SettingsError(f"`extend` names `{extended}`, which is no file", shown, line)
        if target == path or target in seen:
            raise SettingsError(f"`extend` goes in a circle: `{extended}`", shown, line)
        settings = read_file(target, settings, root, required=True, seen=(*seen, path), read=read)
    made = _apply(settings, values, text, shown, within, os.path.dirname(path))
    return replace(made, sources=(*made.sources, shown))


def laid_over(settings: Settings, values: Mapping[str, Any], shown: str, text: str = "", within: tuple[str, ...] = ()) -> Settings:
    """The settings with others laid over them, as the command line's are: who runs prodlint has chosen them. shown, text, within: the file that
    they stand in, what it holds, and the key of their table, for what is said of a wrong one.

    Raises SettingsError.
    """
    for key in ("extend", "extend-rules", "baseline", "strict-baseline", "cache-dir", "per-path"):
        if key in values:
            raise SettingsError(f"`{key}` is a repository's own setting", shown, _line(text, (*within, key)))
    return _apply(settings, values, text, shown, within, "")


def _read(path: str, read: Reader) -> str:
    try:
        data = read(path, _LARGEST + 1)
        if len(data) > _LARGEST:
            raise TooLarge(path, _LARGEST)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"cannot be read: {(error.strerror or str(error)).lower()}", path) from None
    except UnicodeDecodeError:
        raise SettingsError("is not UTF-8", path) from None


def _parse(text: str, shown: str, lenient: bool = False) -> dict[str, Any]:
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        if lenient:  # somebody else's broken file: the reader of manifests reports it
            return {}
        item = text.split("\n")[error.lineno - 1]
        key, _, value = (part.strip() for part in item.partition("="))
        if shown == "--config" and value and not set(value) & set("\"'[]{}"):
            raise SettingsError(f'`{item}` is not TOML, where texts are quoted: `{key} = "{value}"`', shown) from None
        raise SettingsError(f"is not TOML: {error.msg}", shown, error.lineno) from None
    except (RecursionError, ValueError):
        if lenient:
            return {}
        raise SettingsError("is not TOML: nested too deeply, or a number too long", shown) from None


def _apply(settings: Settings, values: Mapping[str, Any], text: str, shown: str, within: tuple[str, ...], directory: str) -> Settings:
    """The settings with the values of one file laid over them."""
    made: dict[str, Any] = {}
    origins = dict(settings.origins)
    for key, value in values.items():
        line = _line(text, (*within, key))
        if key in ("per-path", *_SELECTION_KEYS):
            origins[key] = f"{shown}:{line}"
            continue
        if key not in KEYS:
            raise SettingsError(f"unknown setting `{key}`{did_you_mean(key, KEYS)}", shown, line)
        try:
            read = KEYS[key].shape(value)
        except ValueError as error:
            if isinstance(error, MisplacedValue):
                line = _line(text, (*within, key, *error.path), line)
                raise SettingsError(error.told(key), shown, line) from None
            raise SettingsError(f"`{key}` {error}", shown, line) from None
        if key in _NAMED_BY_PLACE and shown != "--config":
            read = _resolve(read, directory)
            for path in read if isinstance(read, tuple) else (read,):
                if path and settings.project_root and not is_inside(path, settings.project_root):
                    why = "which lies outside the project; only the command line may name such a place"
                    raise SettingsError(f"`{key}` names `{os.path.relpath(path, directory)}`, {why}", shown, line)
        if key == "extend-rules":
            for folder in read:
                if not os.path.isdir(folder):
                    raise SettingsError(f"`extend-rules` names `{os.path.relpath(folder)}`, which is no directory", shown, line)
        name = key.replace("-", "_")
        if KEYS[key].adds_up:
            before = getattr(settings, name)
            read = {**before, **read} if isinstance(read, dict) else (*before, *(item for item in read if item not in before))
        made[name] = read
        adds = KEYS[key].adds_up and key in origins
        origins[key] = f"{origins[key]}, {shown}:{line}" if adds else f"{shown}:{line}"
    selection = _selection(values, text, shown, within)
    if selection != Selection():
        made["selections"] = (*settings.selections, selection)
    if "per-path" in values:
        made["per_path"] = (*settings.per_path, *_per_path(values["per-path"], text, shown, within))
    return replace(settings, **made, origins=origins)


def _resolve(value: Any, directory: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_resolve(item, directory) for item in value)
    return os.path.normpath(os.path.join(directory, os.path.expanduser(value))) if value else value


def _selection(values: Mapping[str, Any], text: str, shown: str, within: tuple[str, ...], line: int = 0) -> Selection:
    read: dict[str, tuple[str, ...]] = {}
    where: list[tuple[str, str, int]] = []
    for key in _SELECTION_KEYS:
        if key not in values:
            continue
        at = line or _line(text, (*within, key))
        try:
            read[key] = KEYS[key].shape(values[key])
        except ValueError as error:
            raise SettingsError(f"`{key}` {error}", shown, at) from None
        where += [(selector, shown, _line_of_text(text, selector, at)) for selector in read[key]]
    return Selection(read.get("select"), read.get("extend-select", ()), read.get("ignore", ()), tuple(where))


def _per_path(value: Any, text: str, shown: str, within: tuple[str, ...]) -> Iterable[PerPath]:
    start = _line(text, (*within, "per-path"))
    shape = KEYS["per-path"].shape
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise SettingsError("`per-path` must be written as `[[tool.prodlint.per-path]]` tables", shown, start)
    for index, table in enumerate(value):
        line = _line(text, (*within, "per-path"), start, index)
        try:
            (read,) = shape([table])
        except ValueError as error:
            if isinstance(error, MisplacedValue):
                line += _line(text.split("\n", line)[-1], error.path, 0)
                raise SettingsError(error.told("per-path"), shown, line) from None
            raise SettingsError(f"`per-path` {error}", shown, line) from None
        yield PerPath(read["paths"], _selection(table, text, shown, within, line), read.get("priority", {}), f"{shown}:{line}")


def _line(text: str, path: tuple[str, ...], fallback: int = 1, index: int = 0) -> int:
    """The line on which a key stands, or the nearest that is known.

    index: which of several `[[tables]]` of that name.
    """
    places, exact = _keys_of(text)
    found = exact.get(path, ())
    if index < len(found):
        return found[index]
    best, depth = fallback, 0
    for number, full in places:
        shared = next((n for n, (one, other) in enumerate(zip(full, path, strict=False)) if one != other), min(len(full), len(path)))
        if shared > depth and shared == min(len(full), len(path)):
            best, depth = number, shared
    return best


@lru_cache(maxsize=4)
def _keys_of(text: str) -> tuple[list[tuple[int, tuple[str, ...]]], dict[tuple[str, ...], list[int]]]:
    """The keys and headers of a text with their lines, in order, and the lines of each. tomli has no positions, so they are looked for."""
    header: tuple[str, ...] = ()
    places: list[tuple[int, tuple[str, ...]]] = []
    exact: dict[tuple[str, ...], list[int]] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith("["):
            full = header = _key_parts(line.strip("[]").split("]")[0])
        elif "=" in line and not line.startswith("#"):
            full = header + _key_parts(line.split("=", 1)[0])
        else:
            continue
        places.append((number, full))
        exact.setdefault(full, []).append(number)
    return places, exact


def _key_parts(text: str) -> tuple[str, ...]:
    parts: list[str] = []
    current, quote = "", ""
    for character in text.strip():
        if quote:
            if character == quote:
                quote = ""
            else:
                current += character
        elif character in "\"'":
            quote = character
        elif character == ".":
            parts.append(current.strip())
            current = ""
        elif not character.isspace():
            current += character
    return (*parts, current)


def _line_of_text(text: str, words: str, start: int) -> int:
    """The line from `start` on that holds these words in quotes."""
    lines = _quoted_in(text).get(words, [])
    at = bisect_left(lines, start)
    return lines[at] if at < len(lines) else start


@lru_cache(maxsize=4)
def _quoted_in(text: str) -> dict[str, list[int]]:
    """The lines on which each quoted text stands."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        for double, single in re.findall(r"\"([^\"]*)\"|'([^']*)'", line):
            found.setdefault(double or single, []).append(number)
    return found


# ---------------------------------------------------------------- the command line


def with_arguments(
    settings: Settings,
    *,
    select: Sequence[str] | None = None,
    extend_select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    no_baseline: bool = False,
    **values: Any,
) -> Settings:
    """The settings with what the command line says laid over them. Values that are None were not given."""
    if no_baseline:
        values = {**values, "baseline": "", "strict_baseline": False}
    origins = dict(settings.origins)
    selection = Selection(
        None if select is None else _split(select),
        _split(extend_select),
        _split(ignore),
        tuple((selector, "the command line", 0) for selector in _split((*(select or ()), *extend_select, *ignore))),
    )
    made: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    for name in ("extend_exclude", "honor", "disable_overlap"):
        if name in made:
            made[name] = (*getattr(settings, name), *_split(made[name]))
    if "ruleset" in made:
        try:
            KEYS["ruleset"].shape(made["ruleset"])
        except ValueError as error:
            raise SettingsError(f"`--ruleset` {error}") from None
    for name, allowed in (("honor", HONOR), ("disable_overlap", OVERLAP)):
        for item in made.get(name, ()):
            if item not in allowed:
                raise SettingsError(f"unknown value `{item}` for `--{name.replace('_', '-')}`{did_you_mean(item, allowed)}")
    for name in made:
        key = name.replace("_", "-")
        adds = name in ("extend_exclude", "honor", "disable_overlap") and key in origins
        origins[key] = f"{origins[key]}, the command line" if adds else "the command line"
    if selection != Selection():
        made["selections"] = (*settings.selections, selection)
        for key, given in (("select", select), ("extend-select", extend_select), ("ignore", ignore)):
            if given:
                origins[key] = "the command line"
    return replace(settings, **made, origins=origins) if made else settings


def _split(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for item in items for part in item.split(",") if part.strip())


class NestedSettings:
    """Gives each directory with settings of its own its Settings, the command line's choices laid over them. read: opens their files."""

    def __init__(self, finish: Callable[[Settings], Settings], read: Reader = beginning) -> None:
        self.finish = finish
        self.read = read
        self._known: dict[str, Settings] = {}

    def __call__(self, directory: str, above: Settings) -> Settings:
        """The settings of a directory; `above` where it has none of its own."""
        if directory == above.root and above.sources:
            return above
        known = self._known.get(directory)
        if known is None:
            found = in_directory(directory, above, self.read)
            known = self._known[directory] = above if found is above else self.finish(found)
        return known

    def default(self, root: str) -> Settings:
        """The settings above all settings files."""
        return self.finish(Settings(root=root, project_root=root))


# ---------------------------------------------------------------- which rules are on


def enabled(settings: Settings, rules: Sequence[KnownRule]) -> frozenset[str]:
    """The codes that are on where no pattern says otherwise."""
    return RuleSelection(settings, rules).everywhere


class SettingsByPath:
    """Which Settings hold for a file: those of the nearest directory that has its own, else the project's.

    own: by directory from the project's root, as `Discovered.settings` has them.
    """

    def __init__(self, top: Settings, own: Mapping[str, Settings]) -> None:
        self.top = top
        self.own = own
        self._known: dict[str, Settings] = {"": own.get("", top)}

    def of(self, path: str) -> Settings:
        """The settings that hold for a file."""
        return self._of_directory(path.rpartition("/")[0]) if self.own else self.top

    def _of_directory(self, directory: str) -> Settings:
        known = self._known.get(directory)
        above = directory
        while known is None:
            known = self.own.get(above) or (self._known[""] if not above else None)
            above = above.rpartition("/")[0]
        self._known[directory] = known
        return known


def unmatched_patterns(
    settings: Settings,
    paths: Sequence[str],
    left_out: Sequence[tuple[str, bool]] = (),
    may_be_absent: Callable[[str], bool] = lambda pattern: False,
) -> list[str]:
    """What to say of patterns that match none of the project's files: most are misspelt. Paths are from the settings' root.

    left_out: what `exclude` took away, and whether it is a directory. may_be_absent: whether something a pattern excludes comes and goes.
    """
    tables: list[tuple[str, str]] = [
        *(("per-file-ignores", pattern) for pattern in settings.per_file_ignores),
        *(("files", pattern) for pattern in settings.files),
        *(("roles", pattern) for patterns in settings.roles.values() for pattern in patterns),
        *(("per-path", pattern) for table in settings.per_path for pattern in table.paths),
    ]
    said = []
    for key, pattern in tables:
        patterns = Patterns((pattern.removeprefix("!"),))
        if not any(map(patterns.match, paths)):
            where = settings.origins.get(key, "")
            near = did_you_mean(pattern.removeprefix("!").rstrip("/*"), {part for path in paths for part in _ancestors(path)})
            said.append(f"{where + ': ' if where else ''}the pattern `{pattern}` in `{key}` matches no file{near}")
    for key, excluding in (("exclude", settings.exclude or ()), ("extend-exclude", settings.extend_exclude)):
        where = settings.origins.get(key, "")
        for pattern in excluding:
            # One that takes something back (`!keep.py`) leaves no trace; lists of the command line are made for many trees.
            if (
                not pattern.startswith("!")
                and where
                and "the command line" not in where
                and not _takes(pattern, left_out)
                and not may_be_absent(pattern)
            ):
                said.append(f"{where}: the pattern `{pattern}` in `{key}` excludes nothing")
    return said


def _takes(pattern: str, left_out: Sequence[tuple[str, bool]]) -> bool:
    patterns = Patterns((pattern,))
    return any(patterns.decide(path, path.rpartition("/")[2], is_directory) for path, is_directory in left_out)


def _ancestors(path: str) -> Iterable[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


class RuleSelection:
    """Decides whether a rule is on for a path. The one place that does.

    Paths are from `root`, the project's, or where none is given from the root of the settings.
    """

    def __init__(self, settings: Settings, rules: Sequence[KnownRule], root: str = "") -> None:
        self.rules = tuple(rules)
        self._below = below(root, settings.root) if root else ""
        self.codes = frozenset(rule.code for rule in self.rules)
        self.by_name = {rule.name: rule.code for rule in self.rules}
        self._later = frozenset(rule.code for rule in self.rules if rule.is_later)
        self._at_release = tuple(rule.code for rule in self.rules if rule.stage == "release")
        self.settings = settings
        self._check(settings)
        on = frozenset(rule.code for rule in self.rules if rule.default and not rule.is_later)
        kept: tuple[str, ...] = ()
        for selection in settings.selections:
            on = self._layer(on, selection, kept if selection.select is not None else ())
            kept = selection.ignore if selection.select is None else ()
        self.everywhere = on
        self.unsuppressible = self.resolve(settings.unsuppressible)
        self.warn_only = self.resolve(settings.warn_only)
        self._priorities = self._priority_map(settings.priority)
        self._by_path = [(Patterns(table.paths), table.selection, self._priority_map(table.priority)) for table in settings.per_path]
        self._ignores = [
            (pattern.startswith("!"), Patterns((pattern.removeprefix("!"),)), self.resolve(selectors))
            for pattern, selectors in settings.per_file_ignores.items()
        ] + [(False, Patterns(OVERLAP[tool]), self._covered_by(tool)) for tool in dict.fromkeys(settings.disable_overlap)]
        self._known: dict[tuple[bool, ...], frozenset[str]] = {}

    def _covered_by(self, tool: str) -> frozenset[str]:
        """The rules that say little beyond what another tool in use says, where nobody chose them by code or name."""
        chosen = {selector for layer in self.settings.selections for selector in (*(layer.select or ()), *layer.extend_select)}
        covered = frozenset(rule.code for rule in self.rules if tool in rule.covered_by)
        return covered - {self.by_name.get(selector, selector.upper()) for selector in chosen}

    def on(self, path: str) -> frozenset[str]:
        """The codes that are on for a file."""
        if not self._by_path and not self._ignores:
            return self.everywhere
        path = path.removeprefix(self._below)
        matched = (
            *(patterns.match(path) for patterns, _, _ in self._by_path),
            *(patterns.match(path) is not inverted for inverted, patterns, _ in self._ignores),
        )
        known = self._known.get(matched)
        if known is None:
            known = self.everywhere
            for applies, (_, selection, _) in zip(matched, self._by_path, strict=False):
                if applies:
                    known = self._layer(known, selection, ())
            for applies, (_, _, codes) in zip(matched[len(self._by_path) :], self._ignores, strict=True):
                if applies:
                    known -= codes
            self._known[matched] = known
        return known

    def priority(self, code: str, path: str) -> Priority | None:
        """The priority that the settings give a rule for a file, or None."""
        found = self._priorities.get(code)
        for patterns, _, priorities in self._by_path:
            if code in priorities and patterns.match(path.removeprefix(self._below)):
                found = priorities[code]
        return found

    def resolve(self, selectors: Iterable[str]) -> frozenset[str]:
        """The codes that selectors stand for."""
        return frozenset(code for selector in selectors for code in self.codes_of(selector))

    def codes_of(self, selector: str) -> Iterable[str]:
        """The codes that one selector (code, prefix, name, `ALL`) stands for; none where it is unknown."""
        if selector == "ALL":
            return self.codes - self._later
        if selector == RELEASE_STAGE:
            return self._at_release
        if selector in self.by_name:
            return (self.by_name[selector],)
        wanted = selector.upper()
        if wanted in self.codes:
            return (wanted,)
        return [code for code in self.codes if code.startswith(wanted) and code not in self._later] if wanted else ()

    def _specificity(self, selectors: Iterable[str]) -> dict[str, int]:
        best: dict[str, int] = {}
        for selector in selectors:
            weight = 0 if selector == "ALL" else 99 if selector in self.by_name else len(selector)
            for code in self.codes_of(selector):
                rank = 99 if selector.upper() == code else weight
                best[code] = max(best.get(code, -1), rank)
        return best

    def _layer(self, on: frozenset[str], selection: Selection, kept: tuple[str, ...]) -> frozenset[str]:
        """One layer over what was on: the most specific selector wins, `ignore` where two are equal."""
        chosen = self._specificity((*(selection.select or ()), *selection.extend_select))
        ignored = self._specificity(selection.ignore)
        for code, weight in self._specificity(kept).items():
            if weight > chosen.get(code, -1):  # an `ignore` of the settings yields to the same code asked for on the command line
                ignored[code] = max(weight, ignored.get(code, -1))
        start = frozenset() if selection.select is not None else on
        added = {code for code, weight in chosen.items() if weight > ignored.get(code, -1)}
        removed = {code for code, weight in ignored.items() if weight >= chosen.get(code, -1)}
        return (start - removed) | added

    def _priority_map(self, table: Mapping[str, Priority]) -> dict[str, Priority]:
        made: dict[str, Priority] = {}
        for selector in sorted(table, key=lambda text: 99 if text in self.by_name else 0 if text == "ALL" else len(text)):
            made.update(dict.fromkeys(self.codes_of(selector), table[selector]))
        return made

    def _check(self, settings: Settings) -> None:
        """Every selector must stand for a rule."""
        layers = (*settings.selections, *(table.selection for table in settings.per_path))
        for layer in layers:
            for selector, file, number in layer.where:
                self._must_exist(selector, file, number)
        tables = (
            ("per-file-ignores", (s for selectors in settings.per_file_ignores.values() for s in selectors)),
            ("unsuppressible", settings.unsuppressible),
            ("warn-only", settings.warn_only),
            ("priority", (*settings.priority, *(s for table in settings.per_path for s in table.priority))),
            ("rules", settings.rules),
            ("ignore-entries", (s for table in settings.ignore_entries for s in table["rules"])),
        )
        for key, selectors in tables:
            file, _, line = settings.origins.get(key, "").rpartition(":")
            for selector in selectors:
                self._must_exist(selector, file or settings.origins.get(key, ""), int(line) if line.isdigit() else 0, key)

    def _must_exist(self, selector: str, file: str, line: int, key: str = "") -> None:
        if selector in ("ALL", RELEASE_STAGE) or any(True for _ in self.codes_of(selector)):
            return
        same = sorted(rule.code for rule in self.rules if any(selector.upper() == code.partition(":")[2].upper() for code in rule.also))
        if same:
            near = (
                f"; that is another tool's code, the {'rule for it here is' if len(same) == 1 else 'rules for it here are'} {quoted(same)}"
            )
        elif not selector.upper().startswith("PRD") and re.fullmatch(r"[A-Z]{1,5}[\d_]?\w*", selector):
            near = f"{did_you_mean(selector, self.by_name)}; the codes here begin with PRD (`prodlint rule --list`)"
        else:
            # A near code is no near meaning, unless it is meant to be one of ours.
            near = did_you_mean(selector, (*self.by_name, *(sorted(self.codes) if selector.upper().startswith("PRD") else ())))
        raise SettingsError(f"unknown rule `{selector}`{f' in `{key}`' if key else ''}{near}", file, line)


def check_options(settings: Settings, known: Mapping[str, Mapping[str, Any]]) -> None:
    """Every option under `rules` must be one its rule has, of the same type as its default."""
    for selector, options in settings.rules.items():
        defaults = known.get(selector)
        if defaults is None:
            continue
        file, _, line = settings.origins.get("rules", "").rpartition(":")
        for name, value in options.items():
            if name not in defaults:
                near = did_you_mean(name, tuple(defaults)) if defaults else "; it has no options"
                raise SettingsError(f"`{selector}` has no option `{name}`{near}", file, int(line or 0))
            default = defaults[name]
            fits = isinstance(value, (int, float)) if isinstance(default, float) else isinstance(value, type(default))
            if not fits or isinstance(value, bool) is not isinstance(default, bool):
                raise SettingsError(f"option `{name}` of `{selector}` must be like its default `{default!r}`", file, int(line or 0))
