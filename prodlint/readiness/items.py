"""Pages -> items: what a service should have before it serves, as Markdown in `rules/checklist/` and in a team's own folders.

A page is a category: `# Category`, prose, then one `##` section for each item: its sentence, a toml block, why it matters,
and a paragraph beginning with `Look:` for what a person should look at when nothing can be seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from prodlint.configuration.settings import SettingsError
from prodlint.engine.catalogue import LARGEST_PAGE, PageError, rules_folder, toml_block
from prodlint.facts import FileKind
from prodlint.model import PRIORITIES, Priority, Rule
from prodlint.regular import read_regular
from prodlint.user_directory import is_inside

Level = Literal["bronze", "silver", "gold"]
LEVELS: tuple[Level, ...] = ("bronze", "silver", "gold")
_LEVEL_OF: dict[str, Level] = dict(zip(PRIORITIES, LEVELS, strict=True))

_KEYS: dict[str, type] = {
    "id": str,
    "priority": str,
    "level": str,
    "rules": list,
    "awaits": list,
    "absence": bool,
    "each": bool,
    "weak": list,
    "narrow": list,
    "means": list,
    "belies": list,
    "task": str,
    "says": list,
    "touches": list,
    "files": list,
    "when": list,
    "shown": list,
    "against": list,
    "unseen": str,
    "hint": bool,
    "exists": bool,
    "partial": list,
    "missing": list,
    "asked": list,
    "about": list,
    "kinds": list,
    "throughout": bool,
    "everywhere": bool,
}
_CODE = re.compile(r"[A-Z]{2,8}\d{3}")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why an item is not asked of this project (or how a person knows it to be met), and until when (a date, or "")."""

    reason: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist.

    rules: findings of these say that it is not met. files: kinds of file that it is about; () any. when: it applies only
    where one of these stands. shown: one of these must stand somewhere for it to be met. against: what takes
    back a part of what is shown. unseen: the answer where none does. awaits: names of rules that would look at the rest of it, and that this version has not: without them it is met in part at most.
    absence: it asks for the absence of one mistake, so that nothing found in the files that could hold it is a yes. each: every service
    has to show it, and none for its neighbour. weak: rules whose places speak for it and do not prove it. narrow: words of its phrases that
    ask for more than the item itself. means: other words for what it is about, which its title and most of its phrases do not have. belies: the rules that decide, also those that are off by default, where findings of the others only speak of it; () for all
    that are on. task: what is to be done where it is not met, as an order. hint: what `shown` finds speaks for it and does not prove it (a single table may say so too). says: phrases by which checklists mean it.
    touches: phrases by which they speak of it and ask for something else, which it does not answer.
    partial: rules whose findings say that the thing is there and is missing in places, each with words of the message where only some of them do.
    about: words one of which a finding's message, or what a rule saw, holds where its rule speaks of several things; () for all findings.
    kinds: words of a line that name one of several things which its rules look for: a finding that belies the line speaks of that one.
    confirmed: what a person has looked at, where the code cannot tell.
    """

    id: str
    title: str
    category: str
    priority: Priority
    level: Level
    rules: tuple[str, ...]
    says: tuple[str, ...]
    touches: tuple[str, ...] = ()
    files: tuple[FileKind, ...] = ("python", "notebook")
    when: tuple[Mapping[str, Any], ...] = ()
    shown: tuple[Mapping[str, Any], ...] = ()
    against: tuple[Mapping[str, Any], ...] = ()
    awaits: tuple[str, ...] = ()
    absence: bool = False
    each: bool = False
    weak: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    belies: tuple[str, ...] = ()
    task: str = ""
    unseen: Literal["not met", "cannot be told"] = "cannot be told"
    hint: bool = False
    exists: bool = False
    partial: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    throughout: bool = False
    everywhere: bool = False
    why: str = ""
    look: str = ""
    path: str = ""
    exempt: Exemption | None = None
    confirmed: Exemption | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """The items in order, and the categories in order. score: whether the team wants one."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    score: bool = True

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order of their first items."""
        return tuple(dict.fromkeys(item.category for item in self.items))


# The order in which prodlint's own categories are read; a team's own come after them.
_ORDER = ("security", "reliability", "performance", "observability", "deployment", "supply-chain", "testing", "documentation", "data")


def folder() -> str:
    """Where prodlint's own items are."""
    return os.path.join(rules_folder(), "checklist")


def read_folder(directory: str) -> list[Item]:
    """The items of every page of a folder.

    Raises PageError.
    """
    names = sorted(name for name in os.listdir(directory) if name.endswith(".md"))
    names.sort(key=lambda name: _ORDER.index(name[:-3]) if name[:-3] in _ORDER else len(_ORDER))
    found: list[Item] = []
    for name in names:
        path = os.path.join(directory, name)
        try:
            text = read_regular(path, LARGEST_PAGE).decode("utf-8")
        except OSError as error:
            raise PageError(path, 1, (error.strerror or str(error)).lower()) from None
        except UnicodeDecodeError as error:
            raise PageError(path, 1, str(error)) from None
        found.extend(parse_page(text, path))
    return found


def parse_page(text: str, path: str) -> list[Item]:
    """The items of one page.

    Raises PageError naming the line that is wrong.
    """
    lines = text.split("\n")
    if not lines[0].startswith("# "):
        raise PageError(path, 1, "a page begins with `# Category`")
    category = lines[0][2:].strip()
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    if not starts:
        raise PageError(path, 1, "a page of the checklist has at least one `## Item`")
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found.append(_item(lines[start:end], start + 1, path, category))
    return found


def _item(lines: Sequence[str], start: int, path: str, category: str) -> Item:
    table, _, last = toml_block(lines, start, path, "an item has a ```toml block below its sentence")
    for key, value in table.items():
        line = next((start + n for n, text in enumerate(lines) if text.startswith(key)), start)
        if key not in _KEYS:
            raise PageError(path, line, f"unknown key `{key}`")
        if not isinstance(value, _KEYS[key]):
            raise PageError(path, line, f"`{key}` has a value of the wrong type")
    if not _ID.fullmatch(table.get("id", "")):
        raise PageError(path, start, "an item has an `id` in kebab-case")
    if table.get("priority") not in PRIORITIES:
        raise PageError(path, start, f"`priority` is one of {', '.join(PRIORITIES)}")
    if table.get("level", "bronze") not in LEVELS:
        raise PageError(path, start, f"`level` is one of {', '.join(LEVELS)}")
    if table.get("unseen", "not met") not in ("not met", "cannot be told"):
        raise PageError(path, start, "`unseen` is `not met` or `cannot be told`")
    for code in table.get("rules", ()):
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise PageError(path, start, f"`{code}` is no rule's code")
    for name in table.get("awaits", ()):
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise PageError(path, start, f"`{name}` is no rule's name")
    from prodlint.engine.match import MatchError
    from prodlint.readiness.marks import check_table

    for mark in (*table.get("when", ()), *table.get("shown", ()), *table.get("against", ())):
        try:
            check_table(mark)
        except MatchError as error:
            raise PageError(path, start, str(error)) from None
    prose = [" ".join(part.split()) for part in "\n".join(lines[last + 1 :]).strip().split("\n\n")]
    priority: Priority = table["priority"]
    return Item(
        id=table["id"],
        title=lines[0][3:].strip(),
        category=category,
        priority=priority,
        level=table.get("level") or _LEVEL_OF[priority],
        rules=tuple(table.get("rules", ())),
        says=tuple(table.get("says", ())),
        touches=tuple(table.get("touches", ())),
        files=tuple(table.get("files", ("python", "notebook"))),
        when=tuple(table.get("when", ())),
        shown=tuple(table.get("shown", ())),
        against=tuple(table.get("against", ())),
        awaits=tuple(table.get("awaits", ())),
        absence=table.get("absence", False),
        each=table.get("each", False),
        weak=tuple(table.get("weak", ())),
        narrow=tuple(table.get("narrow", ())),
        means=tuple(table.get("means", ())),
        belies=tuple(table.get("belies", ())),
        task=table.get("task", f"Fix: {lines[0][3:].strip()}"),
        unseen=table.get("unseen", "cannot be told"),
        hint=table.get("hint", False),
        exists=table.get("exists", False),
        partial=tuple(table.get("partial", ())),
        missing=tuple(table.get("missing", ())),
        asked=tuple(table.get("asked", ())),
        about=tuple(table.get("about", ())),
        kinds=tuple(table.get("kinds", ())),
        throughout=table.get("throughout", False),
        everywhere=table.get("everywhere", False),
        why=" ".join(part for part in prose if not part.startswith("Look:")),
        look=" ".join(part.removeprefix("Look:").strip() for part in prose if part.startswith("Look:")),
        path=path,
    )


# ---------------------------------------------------------------- what a team makes of it

_SETTINGS = ("pages", "drop", "priority", "level", "exempt", "confirmed", "score")


def checklist_of(settings: Mapping[str, Any], root: str, known: Iterable[Rule] = (), today: str = "") -> Checklist:
    """prodlint's items and the team's own, as the settings' table `checklist` wants them.

    known: the rules that this version has; a rule's page may name the items that it serves. today (YYYY-MM-DD): to end exemptions.
    Raises PageError and SettingsError.
    """
    for key in settings:
        if key not in _SETTINGS:
            raise SettingsError(f"unknown setting `checklist.{key}`{_near(key, _SETTINGS)}")
    items: dict[str, Item] = {}
    for item in _read_all(settings, root):
        if item.id in items:
            raise PageError(item.path, 1, f"the item `{item.id}` is also in {items[item.id].path}")
        items[item.id] = item
    notes: list[str] = []
    for name in _listed(settings, "drop"):
        _known_item(items, name, "drop")
        del items[name]
    for name, value in _tabled(settings, "priority"):
        _known_item(items, name, "priority")
        if value not in PRIORITIES:
            raise SettingsError(f"`checklist.priority.{name}` is one of {', '.join(PRIORITIES)}")
        items[name] = replace(items[name], priority=value, level=_LEVEL_OF[value])
    for name, value in _tabled(settings, "level"):
        _known_item(items, name, "level")
        if value not in LEVELS:
            raise SettingsError(f"`checklist.level.{name}` is one of {', '.join(LEVELS)}")
        items[name] = replace(items[name], level=value)
    for key in ("exempt", "confirmed"):
        for name, value in _tabled(settings, key):
            _known_item(items, name, key)
            given = _exemption(key, name, value)
            if given.until and today and given.until < today:
                notes.append(f"`checklist.{key}.{name}` ended on {given.until}")
            elif key == "exempt":
                items[name] = replace(items[name], exempt=given)
            else:
                items[name] = replace(items[name], confirmed=given)
    rules = tuple(known)
    if rules:
        items = {name: _with_rules(item, rules) for name, item in items.items()}
    score = settings.get("score", True)
    if not isinstance(score, bool):
        raise SettingsError("`checklist.score` is true or false")
    return Checklist(tuple(items.values()), tuple(notes), score)


def _with_rules(item: Item, rules: Sequence[Rule]) -> Item:
    """An item with the rules that name it or that it awaited.

    Raises PageError for a code that no rule has: what does not exist must not count as silent.
    """
    codes = {rule.code for rule in rules}
    for code in item.rules:
        if code not in codes:
            raise PageError(item.path, 1, f"the item `{item.id}` names `{code}`, which no rule has; a rule to come is named in `awaits`")
    named = {rule.code for rule in rules if item.id in rule.items or rule.name in item.awaits}
    names = {rule.name for rule in rules}
    return replace(
        item,
        rules=(*item.rules, *sorted(named - set(item.rules))),
        awaits=tuple(name for name in item.awaits if name not in names),
    )


def _read_all(settings: Mapping[str, Any], root: str) -> Iterator[Item]:
    yield from read_folder(folder())
    for name in _listed(settings, "pages"):
        directory = os.path.join(root, name)
        if not is_inside(directory, root):
            raise SettingsError(f"`checklist.pages` names `{name}`, which lies outside the project")
        if not os.path.isdir(directory):
            raise SettingsError(f"`checklist.pages` names `{name}`, which is no directory")
        yield from read_folder(directory)


def _listed(settings: Mapping[str, Any], key: str) -> list[str]:
    value = settings.get(key, [])
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise SettingsError(f"`checklist.{key}` must be a list of texts")
    return list(value)


def _tabled(settings: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = settings.get(key, {})
    if not isinstance(value, Mapping):
        raise SettingsError(f"`checklist.{key}` must be a table")
    return sorted(value.items())


def _exemption(key: str, name: str, value: Any) -> Exemption:
    given = {"reason": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not set(given) <= {"reason", "until"} or not str(given.get("reason", "")).strip():
        raise SettingsError(f"`checklist.{key}.{name}` needs a `reason`, and may have `until`")
    until = str(given.get("until", ""))
    if until and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", until):
        raise SettingsError(f"`checklist.{key}.{name}.until` is written as 2027-01-31")
    return Exemption(str(given["reason"]).strip(), until)


def _known_item(items: Mapping[str, Item], name: str, key: str) -> None:
    if name not in items:
        raise SettingsError(f"`checklist.{key}` names `{name}`, which is no item{_near(name, items)}")


def _near(name: str, names: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean `{near[0]}`?" if near else ""
