"""Which checks run on which file: the compiled index of the selected rules, their facts and their required literals.

One Aho-Corasick scan of a file's lower-cased bytes says which checks can fire there at all. Sets of checks are bit
masks (int), so that the cost of a file does not grow with the number of rules that have nothing to say about it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import ahocorasick_rs

from prodlint.checks import Check, CheckContext, Collector, Diagnostic, ProjectFact, Subscription, required_literals_of
from prodlint.engine.lazy import resolved
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Command,
    Comment,
    Dockerfile,
    Document,
    Entry,
    Fact,
    Function,
    Handler,
    Import,
    Instruction,
    Literal,
    Module,
    Option,
    Requirement,
    Route,
    Setting,
    Text,
)
from prodlint.model import Rule
from prodlint.readers import FactRequest

# Facts made only where one of the words of a check that wants them stands in their own text.
NEAR = (Assignment, Literal, Comment)

# Kinds that share an automaton: making one takes as long as reading a hundred files, and what a kind's checks do not want is
# masked by its plan.
_GROUPS = {
    "notebook": "python",
    **dict.fromkeys(("markdown", "sql", "ignore", "lock"), "text"),
    **dict.fromkeys(
        (
            "dockerfile",
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
            "jenkinsfile",
        ),
        "yaml",
    ),
}

# What else must be asked of a file whatever the rules: directives that silence findings.
DIRECTIVES = (b"prodlint:", b"noqa")


class RegisteredCheck:
    """A check or collector in its place in the index. function: what it runs, imported where it is first asked for."""

    __slots__ = ("_function", "bit", "check", "rule")

    def __init__(self, check: Check | Collector, rule: Rule | None, bit: int) -> None:
        self.check = check
        self.rule = rule
        self.bit = bit
        self._function: Callable[[Any, CheckContext], Iterable[Diagnostic | ProjectFact]] | None = None

    @property
    def function(self) -> Callable[[Any, CheckContext], Iterable[Diagnostic | ProjectFact]]:
        if self._function is None:
            self._function = resolved(self.check.function)
        return self._function


class NearWords:
    """Which checks have one of their words in a range of a file's bytes.

    always: the checks that want every fact of the kind. offsets, masks: where words stand, in order, and whose they are.
    """

    __slots__ = ("always", "masks", "offsets")

    def __init__(self, always: int, places: dict[int, int]) -> None:
        self.always = always
        self.offsets = sorted(places)
        self.masks = [places[offset] for offset in self.offsets]

    def checks(self, start: int, end: int) -> int:
        """The checks with a word between two byte offsets, as a mask."""
        mask = self.always
        index = bisect_left(self.offsets, start)
        last = bisect_left(self.offsets, end, index)
        for each in self.masks[index:last]:
            mask |= each
        return mask


# Bytes that are scanned at a time: what the scan of one piece finds takes some 60 bytes a place.
PIECE = 1 << 20
# Places of literals that are noted of one file; a file with more of them is looked at up to there, and that is said.
MOST_PLACES = 1_000_000
# Masks whose checks are kept; a mask is made of what stands in a place, and there are places of every kind.
_MOST_MASKS = 20_000


class _Patterns(NamedTuple):
    """What is looked for in the files of a group of kinds.

    alone: per literal the checks it wakes alone; whole: those that it wakes where it is a whole name. several: the checks that need several literals, under the id of the longest.
    always: the checks that need none. first: the id of the first literal of a check; those before are directives'. patterns: those of
    the checks that have one instead, with ids below zero.
    """

    automaton: Any
    alone: list[int]
    whole: dict[int, int]
    several: dict[int, list[tuple[frozenset[int], int]]]
    always: int
    first: int
    patterns: list[tuple[int, re.Pattern[bytes], int]]
    literals: list[bytes]


class PrefilterResult:
    """What one scan found: the checks that can fire, whether directives may stand there, and the offsets of each literal.

    end: how far the bytes were looked at; before their end where there are more places than are noted (see MOST_PLACES).
    outside: what imported names stand for (see `Questions.outside_names`).
    """

    __slots__ = ("active", "by_number", "directives", "end", "listed", "outside")

    def __init__(self, active: int, directives: bool, by_number: dict[int, list[int]], end: int) -> None:
        # By the id of a set of literals, what `hits_of` made of it.
        self.listed: dict[int, list[tuple[bytes, int]]] = {}
        self.active = active
        self.directives = directives
        self.by_number = by_number
        self.end = end
        self.outside: Mapping[str, str] = {}


class Index:
    """The compiled selection."""

    def __init__(
        self,
        rules: Iterable[Rule],
        checks: Iterable[Check],
        collectors: Iterable[Collector],
        *,
        exhaustive: bool = False,
        honor: Sequence[bytes] = (),
    ) -> None:
        by_code = {rule.code: rule for rule in rules}
        self.exhaustive = exhaustive
        # For few files an automaton that is made in a sixth of the time, and scans two thirds as fast.
        self.few = False
        self.subscriptions: list[RegisteredCheck] = []
        for check in checks:
            if check.code in by_code:
                self._add(check, by_code[check.code])
        for collector in collectors:
            self._add(collector, None)
        self._patterns: dict[str, _Patterns] = {}
        self._plans: dict[tuple[str, frozenset[str]], int] = {}
        self._random_only: dict[frozenset[str], int] = {}
        self._wanted: dict[int, tuple[frozenset[type[Fact]], frozenset[str] | None]] = {}
        self._honor = tuple(honor)
        self._mine: dict[tuple[str, int], frozenset[int]] = {}
        self._near_words: dict[tuple[str, int], frozenset[int]] = {}
        self._sets: dict[frozenset[int], frozenset[int]] = {}
        self._of_class: dict[type[Fact], int] = {}
        self._near_of: dict[tuple[str, type[Fact]], tuple[int, dict[int, int]]] = {}
        self._subscribed: dict[int, tuple[RegisteredCheck, ...]] = {}
        self._index_names()

    def _add(self, check: Check | Collector, rule: Rule | None) -> None:
        self.subscriptions.append(RegisteredCheck(check, rule, 1 << len(self.subscriptions)))

    # ------------------------------------------------------------ names

    def _index_names(self) -> None:
        self.call_exact: dict[str, int] = {}
        self.call_root: dict[str, int] = {}
        self.call_method: dict[str, int] = {}
        self.call_all = 0
        self.programs: dict[str, int] = {}
        self.program_all = 0
        self.setting_exact: dict[str, int] = {}
        self.setting_patterns: list[tuple[str, str, int]] = []
        self.setting_all = 0
        self.keywords: dict[str, int] = {}
        self.keyword_all = 0
        self.of_type: dict[type[Fact], int] = {}
        self.entries: list[tuple[str, str, int]] = []
        self.documents: dict[str, int] = {}
        self.document_all = 0
        for subscription in self.subscriptions:
            for wish in subscription.check.on:
                self._index_wish(wish, subscription.bit)

    def _index_wish(self, wish: Subscription, bit: int) -> None:
        self.of_type[wish.fact] = self.of_type.get(wish.fact, 0) | bit
        if wish.fact is Call:
            for name in wish.names:
                if name.startswith("*."):
                    _put(self.call_method, name[2:], bit)
                elif name.endswith(".*"):
                    _put(self.call_root, name[:-2], bit)
                else:
                    _put(self.call_exact, name, bit)
            if not wish.names:
                self.call_all |= bit
        elif wish.fact is Command:
            for name in wish.names:
                _put(self.programs, name, bit)
            if not wish.names:
                self.program_all |= bit
        elif wish.fact is Setting:
            for name in wish.names:
                upper = name.upper()
                if upper.startswith("*") or upper.endswith("*"):
                    self.setting_patterns.append(
                        (upper.strip("*"), ("*" if upper.startswith("*") else "") + ("$" if upper.endswith("*") else ""), bit)
                    )
                else:
                    _put(self.setting_exact, upper, bit)
            if not wish.names:
                self.setting_all |= bit
        elif wish.fact is Instruction:
            for name in wish.names:
                _put(self.keywords, name.upper(), bit)
            if not wish.names:
                self.keyword_all |= bit
        elif wish.fact is Entry:
            for path in wish.names:
                self.entries.append((wish.kinds[0], path, bit))
        elif wish.fact is Document:
            for kind in wish.kinds:
                _put(self.documents, kind, bit)
            if not wish.kinds:
                self.document_all |= bit

    def for_call(self, name: str) -> int:
        """The checks that want calls of this name."""
        mask = self.call_all | self.call_exact.get(name, 0)
        if self.call_method:
            mask |= self.call_method.get(name.rpartition(".")[2], 0)
        if self.call_root:
            root = name
            while root:
                mask |= self.call_root.get(root, 0)
                root = root.rpartition(".")[0]
        return mask

    def for_fact(self, fact: Fact) -> int:
        """The checks that want this fact, by its type and name."""
        if isinstance(fact, Call):
            return self.for_call(fact.name)
        if isinstance(fact, Command):
            return self.program_all | self.programs.get(fact.program, 0)
        if isinstance(fact, Setting):
            name = fact.name.upper()
            mask = self.setting_all | self.setting_exact.get(name, 0)
            for part, where, bit in self.setting_patterns:
                if (where == "*$" and part in name) or (where == "*" and name.endswith(part)) or (where == "$" and name.startswith(part)):
                    mask |= bit
            return mask
        if isinstance(fact, Instruction):
            return self.keyword_all | self.keywords.get(fact.keyword, 0)
        if isinstance(fact, Document):
            return self.document_all | self.documents.get(fact.kind, 0)
        if isinstance(fact, Entry):
            return self._for_entry(fact)
        known = self._of_class.get(type(fact))
        if known is None:
            known = 0
            for kind, bits in self.of_type.items():
                if isinstance(fact, kind):
                    known |= bits
            self._of_class[type(fact)] = known
        return known

    def _for_entry(self, entry: Entry) -> int:
        """The checks that want entries of such documents, or of files in such a syntax, under such a path."""
        mask = 0
        kinds = (entry.document.kind, entry.file.kind)
        for wanted, pattern, bit in self.entries:
            if wanted in kinds and _under(tuple(pattern.split(".")), tuple(entry.path.split("."))):
                mask |= bit
        return mask

    def random_only(self, roles: frozenset[str]) -> int:
        """The checks that speak of machine-made values alone in files with these roles."""
        mask = self._random_only.get(roles)
        if mask is None:
            mask = 0
            for subscription in self.subscriptions if not self.exhaustive else ():
                check = subscription.check
                if isinstance(check, Check) and not roles.isdisjoint(check.random_in):
                    mask |= subscription.bit
            self._random_only[roles] = mask
        return mask

    # ------------------------------------------------------------ required literals

    def plan(self, kind: str, roles: frozenset[str]) -> int:
        """The checks that may run on files of a kind with these roles."""
        key = (kind, roles)
        mask = self._plans.get(key)
        if mask is None:
            mask = 0
            for subscription in self.subscriptions:
                check, rule = subscription.check, subscription.rule
                if (check.files and kind not in check.files) or not _may_hold(kind, check):
                    continue
                if rule is not None and roles & rule.not_in:
                    continue
                if isinstance(check, Collector) and roles & check.not_in:
                    continue
                mask |= subscription.bit
            self._plans[key] = mask
        return mask

    def _patterns_of(self, kind: str) -> _Patterns:
        """What is looked for in a group of file kinds."""
        group = _GROUPS.get(kind, kind)
        found = self._patterns.get(group)
        if found is not None:
            return found
        literals: list[bytes] = list(DIRECTIVES) + [text for text in self._honor if text not in DIRECTIVES]
        first_of_checks = len(literals)
        ids: dict[bytes, int] = {}
        alone: list[int] = [0] * len(literals)
        whole: dict[int, int] = {}
        several: dict[int, list[tuple[frozenset[int], int]]] = {}
        always = 0
        patterns: list[tuple[int, re.Pattern[bytes], int]] = []

        def number_of(literal: bytes) -> int:
            if literal not in ids:
                ids[literal] = len(literals)
                literals.append(literal)
                alone.append(0)
            return ids[literal]

        for subscription in self.subscriptions:
            check = subscription.check
            if (check.files and not any(_GROUPS.get(each, each) == group for each in check.files)) or not _may_hold(group, check):
                continue
            alternatives = check.required_literals
            if check.required_pattern:
                number = -1 - len(patterns)
                patterns.append((number, re.compile(check.required_pattern), subscription.bit))
                self._mine[(group, subscription.bit)] = self._near_words[(group, subscription.bit)] = self._same(frozenset((number,)))
                continue
            # In Python a name is a token: `get` does not stand in `target`.
            names = alternatives is not None and not alternatives and group == "python"
            if alternatives is not None and not alternatives:
                alternatives = tuple(required_literals_of(check.on)) or None
            if alternatives is None:
                always |= subscription.bit
                continue
            mine: set[int] = set()
            needs: list[list[int]] = []
            near = any(wish.fact in NEAR for wish in check.on)
            for alternative in alternatives:
                if near:
                    # Any of the literals may be the one that stands in the fact.
                    each = [[number_of(word) for word in words_of((literal,), group, check)] for literal in alternative]
                    numbers = [number for one in each for number in one]
                    needs.extend(each)
                else:
                    numbers = [number_of(word) for word in words_of(alternative, group, check)]
                mine.update(numbers)
                needed = frozenset(numbers)
                longest = max(numbers, key=lambda number: len(literals[number]))
                if len(needed) == 1 and names:
                    whole[longest] = whole.get(longest, 0) | subscription.bit
                elif len(needed) == 1:
                    alone[longest] |= subscription.bit
                elif (needed, subscription.bit) not in several.setdefault(longest, []):
                    several[longest].append((needed, subscription.bit))
            self._mine[(group, subscription.bit)] = self._same(frozenset(mine))
            if near:
                self._near_words[(group, subscription.bit)] = _one_of_each(needs, literals)
        kinds_of_automaton = ahocorasick_rs.Implementation
        chosen = kinds_of_automaton.ContiguousNFA if self.few else kinds_of_automaton.DFA
        automaton = ahocorasick_rs.BytesAhoCorasick(literals, implementation=chosen)
        found = _Patterns(automaton, alone, whole, several, always, first_of_checks, patterns, literals)
        self._patterns[group] = found
        return found

    def prepare(self, kinds: Iterable[str]) -> None:
        """Make the automata for these file kinds now: processes forked later need not make their own."""
        for group in {_GROUPS.get(kind, kind) for kind in kinds}:
            self._patterns_of(group)

    def required_literals(self, kind: str, subscription: RegisteredCheck) -> frozenset[int]:
        """The ids of a check's literals in the automaton of a file kind."""
        return self._mine.get((_GROUPS.get(kind, kind), subscription.bit), frozenset())

    def _same(self, numbers: frozenset[int]) -> frozenset[int]:
        """One object for equal sets: checks with the same required literals then share the list of their hits."""
        return self._sets.setdefault(numbers, numbers)

    def hits_of(self, kind: str, subscription: RegisteredCheck, hits: PrefilterResult) -> list[tuple[bytes, int]]:
        """The (literal, offset) pairs of a check's own required literals."""
        numbers = self.required_literals(kind, subscription)
        known = hits.listed.get(id(numbers))
        if known is not None:
            return known
        literals = self._patterns_of(kind).literals
        by_number = hits.by_number
        found = [(start, literals[number]) for number in numbers.intersection(by_number) for start in by_number[number]]
        found.sort()
        listed = hits.listed[id(numbers)] = [(literal, start) for start, literal in found]
        return listed

    def scan(self, data: bytes, kind: str, plan: int, further: bytes = b"") -> PrefilterResult:
        """Which of the planned checks can fire on these bytes. further: words that the file has under other names."""
        made = self._patterns_of(kind)
        automaton, alone, several = made.automaton, made.alone, made.several
        by_number: dict[int, list[int]] = {}
        longest = max(map(len, made.literals), default=0) if len(data) > PIECE else 0
        end = 0
        while end < len(data) and (end == 0 or sum(map(len, by_number.values())) < MOST_PLACES):
            # A piece, and the rest of what begins in it.
            piece = data[end : end + PIECE + longest].lower()
            for number, start, _ in automaton.find_matches_as_indexes(piece, overlapping=True):
                if start >= PIECE:
                    continue
                if number in by_number:
                    by_number[number].append(end + start)
                else:
                    by_number[number] = [end + start]
            end = min(end + PIECE, len(data))
        directives = any(number in by_number for number in range(made.first))
        meant: dict[int, None] = {}
        if further:
            meant = {number: None for number, _, _ in automaton.find_matches_as_indexes(further.lower(), overlapping=True)}
        seen = by_number.keys() | meant.keys()
        active = made.always
        for number in seen:
            active |= alone[number]
            if (
                number in made.whole
                and made.whole[number] & ~active & plan
                and (number in meant or _is_name_at(data, by_number[number], len(made.literals[number])))
            ):
                active |= made.whole[number]
            for needed, bit in several.get(number, ()):
                if needed <= seen:
                    active |= bit
        for number, pattern, bit in made.patterns:
            if bit & plan and (places := [match.start() for match in pattern.finditer(data, 0, end)]):
                by_number[number] = places
                active |= bit
        return PrefilterResult(plan if self.exhaustive else active & plan, directives, by_number, end)

    def subscribed(self, mask: int) -> tuple[RegisteredCheck, ...]:
        """The subscriptions of a mask, in order. The same few masks come again and again."""
        known = self._subscribed.get(mask)
        if known is None:
            if len(self._subscribed) > _MOST_MASKS:
                self._subscribed.clear()
            found = []
            rest = mask
            while rest:
                low = rest & -rest
                found.append(self.subscriptions[low.bit_length() - 1])
                rest ^= low
            known = self._subscribed[mask] = tuple(found)
        return known

    # ------------------------------------------------------------ what the reader is told

    def wanted(self, active: int, near: Mapping[type[Fact], NearWords]) -> FactRequest:
        """What the active checks want of one file. near: what `near` says of it."""
        known = self._wanted.get(active)
        if known is None:
            kinds: set[type[Fact]] = set()
            parts: set[str] | None = set()
            for subscription in self.subscribed(active):
                for wish in subscription.check.on:
                    kinds.add(wish.fact)
                    if wish.fact is Call and parts is not None:
                        if not wish.names or any(name.endswith(".*") for name in wish.names):
                            parts = None
                        else:
                            parts.update(name.rpartition(".")[2] for name in wish.names)
            known = (frozenset(kinds), frozenset(parts) if parts is not None else None)
            self._wanted[active] = known
        kinds_wanted, last_parts = known
        offsets: dict[type[Fact], Sequence[int] | None] = {fact: None if words.always else words.offsets for fact, words in near.items()}
        return FactRequest(kinds_wanted, last_parts, lambda name: bool(self.for_call(name) & active), offsets)

    def near(self, kind: str, active: int, hits: PrefilterResult, data: bytes) -> dict[type[Fact], NearWords]:
        """For the facts that are made near words only: which check has one of its words where. Nothing of an exhaustive run."""
        found: dict[type[Fact], NearWords] = {}
        if self.exhaustive:
            return found
        for fact in NEAR:
            wanting = active & self.of_type.get(fact, 0)
            if not wanting:
                continue
            always, of_number = self._near(kind, fact)
            places: dict[int, int] = {}
            for number, offsets in hits.by_number.items():
                whose = of_number.get(number, 0) & wanting
                if whose:
                    if fact is Comment and kind == "python":
                        offsets = [offset for offset in offsets if _is_behind_hash(data, offset)]
                    for offset in offsets:
                        places[offset] = places.get(offset, 0) | whose
            found[fact] = NearWords(always & wanting, places)
        return found

    def idle(self, active: int, near: Mapping[type[Fact], NearWords]) -> int:
        """The active checks that look at nothing but facts near their words, where none of their words can be near one."""
        if not near:
            return 0
        found = active & ~self._elsewhere
        for words in near.values():
            found &= ~words.always
            for mask in words.masks:
                found &= ~mask
        return found

    @cached_property
    def _elsewhere(self) -> int:
        """The checks that want other facts than those that are made near words."""
        found = 0
        for subscription in self.subscriptions:
            if any(wish.fact not in NEAR for wish in subscription.check.on):
                found |= subscription.bit
        return found

    def _near(self, kind: str, fact: type[Fact]) -> tuple[int, dict[int, int]]:
        """Of the checks that want facts of a type: those without words, and by the id of a literal those that it is a word of."""
        key = (_GROUPS.get(kind, kind), fact)
        known = self._near_of.get(key)
        if known is None:
            always = 0
            of_number: dict[int, int] = {}
            for subscription in self.subscribed(self.of_type.get(fact, 0)):
                mine = self._near_words.get((key[0], subscription.bit))
                if not mine:
                    always |= subscription.bit
                for number in mine or ():
                    of_number[number] = of_number.get(number, 0) | subscription.bit
            known = self._near_of[key] = always, of_number
        return known


def _is_behind_hash(data: bytes, offset: int) -> bool:
    """Whether a `#` stands before an offset on its line: nowhere else is a comment of Python."""
    line = max(data.rfind(b"\n", 0, offset), data.rfind(b"\r", 0, offset)) + 1
    return data.find(b"#", line, offset) >= 0


def _is_name_at(data: bytes, offsets: Iterable[int], length: int) -> bool:
    """Whether a word stands at one of the offsets that is no part of a longer one."""
    for start in offsets:
        before, after = data[start - 1 : start], data[start + length : start + length + 1]
        if not (before.isalnum() or before == b"_" or before >= b"\x80" or after.isalnum() or after == b"_" or after >= b"\x80"):
            return True
    return False


def _one_of_each(needs: Sequence[Sequence[int]], literals: Sequence[bytes]) -> frozenset[int]:
    """Of each literal the word to look near to: all of its words are there, so the one that most literals share is enough."""
    shared: dict[int, int] = {}
    for numbers in needs:
        for number in numbers:
            shared[number] = shared.get(number, 0) + 1
    return frozenset(max(numbers, key=lambda number: (shared[number], len(literals[number]))) for numbers in needs)


def _under(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path fits: `*` stands for one part, `**` for any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_under(pattern[1:], parts[start:]) for start in range(len(parts) + 1))
    return bool(parts) and pattern[0] in ("*", parts[0]) and _under(pattern[1:], parts[1:])


# What separates the words of a required literal that layout may put apart: in Python every two tokens, in a document its
# keys, quotes and brackets.
_TOKENS = re.compile(r"\w+")
_SHORT = 2
_PIECES = re.compile(r"[^\s:\"'=()\[\]{},;\\]+")


def words_of(literals: Sequence[str], kind: str, check: Check | Collector) -> list[bytes]:
    """The words of required literals that must all stand in a file of a kind however it is laid out, in lower case.

    A check of the bare text speaks of the bytes themselves, so its literals stay whole.
    """
    lowered = [literal.lower() for literal in literals]
    if not check.verbatim and not all(wish.fact is Text for wish in check.on):
        parts = _TOKENS if kind in ("python", "notebook") else _PIECES
        found = [word for literal in lowered for word in parts.findall(literal) or [literal]]
        # Words of one or two characters stand on nearly every line: they say little, and each place of them costs.
        lowered = [word for word in found if len(word) > _SHORT] or [max(found, key=len)]
    return [word.encode("utf-8") for word in lowered]


# Facts that only Python has, and facts that Python never has. The others (Setting, Comment, Text, Problem) stand anywhere.
_OF_PYTHON = frozenset((Assignment, Call, Class, Function, Handler, Import, Literal, Module, Route))
_OF_CONFIGURATION = frozenset((Command, Document, Dockerfile, Entry, Instruction, Option, Requirement))


def _may_hold(kind: str, check: Check | Collector) -> bool:
    """Whether files of a kind can hold a fact that a check wants."""
    foreign = _OF_CONFIGURATION if kind in ("python", "notebook") else _OF_PYTHON
    return any(wish.fact not in foreign for wish in check.on)


def _put(table: dict[str, int], name: str, bit: int) -> None:
    table[name] = table.get(name, 0) | bit
