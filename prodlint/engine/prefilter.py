"""Which checks run on which file: the compiled index of the selected rules, their facts and their required literals.

One Aho-Corasick scan of a file's lower-cased bytes says which checks can fire there at all. Sets of checks are bit
masks (int), so that the cost of a file does not grow with the number of rules that have nothing to say about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ahocorasick_rs

from prodlint.checks import Check, Collector, Subscription, required_literals_of
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
from prodlint.python.regions import bound_by_partial
from prodlint.readers import FactRequest

# Facts made only where an required literal of a check that wants them stands in their own text; handlers only where one begins.
NEAR = (Assignment, Literal, Comment, Handler)

# What else must be asked of a file whatever the rules: directives that silence findings.
DIRECTIVES = (b"prodlint:", b"noqa")


# With more hits than this in one file, reading it costs less than looking at each.
MOST_GATED = 2000


class RegisteredCheck:
    """A check or collector in its place in the index."""

    __slots__ = ("bit", "check", "rule")

    def __init__(self, check: Check | Collector, rule: Rule | None, bit: int) -> None:
        self.check = check
        self.rule = rule
        self.bit = bit


class PrefilterResult:
    """What one scan found."""

    __slots__ = ("active", "by_number", "directives", "listed", "passed")

    def __init__(self, active: int, directives: bool, by_number: dict[int, list[int]]) -> None:
        # By check, the hits that its prefilter let pass, or the calls that may be among those it wants.
        self.passed: dict[int, Sequence[int]] = {}
        # By the id of a set of literals, what `hits_of` made of it.
        self.listed: dict[int, list[tuple[bytes, int]]] = {}
        self.active = active
        self.directives = directives
        self.by_number = by_number

    def rejected(self, bit: int, offset: int) -> bool:
        """Whether a check's prefilter let hits pass, and the one at this offset is not among them."""
        passed = self.passed.get(bit)
        return passed is not None and offset not in passed


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
        self._patterns: dict[str, tuple[Any, list[int], dict[int, list[tuple[frozenset[int], int]]], int, int]] = {}
        self._plans: dict[tuple[str, frozenset[str]], int] = {}
        self._wanted: dict[int, tuple[frozenset[type[Fact]], frozenset[str] | None]] = {}
        self._honor = tuple(honor)
        self._literals: dict[str, list[bytes]] = {}
        self._mine: dict[tuple[str, int], frozenset[int]] = {}
        self._sets: dict[frozenset[int], frozenset[int]] = {}
        # Checks that want nothing but calls by name, and by file kind what those names look like where they are called.
        self._by_call = sum(each.bit for each in self.subscriptions if _names_calls(each.check))
        self._called: dict[tuple[str, int], _Called] = {}
        self._by_head: set[tuple[str, int]] = set()
        self._heads: dict[str, dict[int, bytes]] = {}
        self._renamable: dict[str, dict[bytes, int]] = {}
        self._gated = sum(each.bit for each in self.subscriptions if getattr(each.check, "prefilter", None) is not None)
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
            return self._for_entry(fact.document.kind, fact.path)
        mask = 0
        for kind, bits in self.of_type.items():
            if isinstance(fact, kind):
                mask |= bits
        return mask

    def _for_entry(self, kind: str, path: str) -> int:
        """The checks that want entries of such documents under such a path."""
        mask = 0
        for wanted, pattern, bit in self.entries:
            if wanted == kind and _under(tuple(pattern.split(".")), tuple(path.split("."))):
                mask |= bit
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

    def _patterns_of(self, kind: str) -> tuple[Any, list[int], dict[int, list[tuple[frozenset[int], int]]], int, int]:
        """For a file kind: the automaton, per literal the checks it wakes alone, the checks that need several
        literals (under the id of the longest), the checks without required literals, and those with any."""
        found = self._patterns.get(kind)
        if found is not None:
            return found
        literals: list[bytes] = list(DIRECTIVES) + [text for text in self._honor if text not in DIRECTIVES]
        first_of_checks = len(literals)
        ids: dict[bytes, int] = {}
        alone: list[int] = [0] * len(literals)
        several: dict[int, list[tuple[frozenset[int], int]]] = {}
        always = 0
        heads = self._heads.setdefault(kind, {})
        renamable = self._renamable.setdefault(kind, {})

        def number_of(literal: bytes) -> int:
            if literal not in ids:
                ids[literal] = len(literals)
                literals.append(literal)
                alone.append(0)
            return ids[literal]

        for subscription in self.subscriptions:
            check = subscription.check
            if (check.files and kind not in check.files) or not _may_hold(kind, check):
                continue
            alternatives = check.required_literals
            called = _Called(check) if subscription.bit & self._by_call else None
            if called is not None:
                self._called[kind, subscription.bit] = called
                for head in called.parts:
                    for ending in _OPENINGS:
                        heads[number_of(head + ending)] = head
                if alternatives is not None and not alternatives:
                    # Nothing but the calls themselves speaks for this check.
                    self._by_head.add((kind, subscription.bit))
                    for last in called.last:
                        renamable[last] = renamable.get(last, 0) | subscription.bit
                        for ending in _OPENINGS:
                            alone[ids[last + ending]] |= subscription.bit
                    self._mine[(kind, subscription.bit)] = self._same(
                        frozenset(ids[last + ending] for last in called.last for ending in _OPENINGS)
                    )
                    continue
            if alternatives is not None and not alternatives:
                alternatives = tuple(required_literals_of(check.on)) or None
            if alternatives is None:
                always |= subscription.bit
                continue
            mine: set[int] = set()
            for alternative in alternatives:
                numbers = [number_of(text.lower().encode("utf-8")) for text in alternative]
                mine.update(numbers)
                if len(numbers) == 1:
                    alone[numbers[0]] |= subscription.bit
                else:
                    rarest = max(numbers, key=lambda number: len(literals[number]))
                    several.setdefault(rarest, []).append((frozenset(numbers), subscription.bit))
            self._mine[(kind, subscription.bit)] = self._same(frozenset(mine))
        kinds_of_automaton = ahocorasick_rs.Implementation
        chosen = kinds_of_automaton.ContiguousNFA if self.few else kinds_of_automaton.DFA
        automaton = ahocorasick_rs.BytesAhoCorasick(literals, implementation=chosen)
        found = (automaton, alone, several, always, first_of_checks)
        self._patterns[kind] = found
        self._literals[kind] = literals
        return found

    def prepare(self, kinds: Iterable[str]) -> None:
        """Make the automata for these file kinds now: processes forked later need not make their own."""
        for kind in kinds:
            self._patterns_of(kind)

    def required_literals(self, kind: str, subscription: RegisteredCheck) -> frozenset[int]:
        """The ids of a check's literals in the automaton of a file kind."""
        return self._mine.get((kind, subscription.bit), frozenset())

    def _same(self, numbers: frozenset[int]) -> frozenset[int]:
        """One object for equal sets: checks with the same required literals then share the list of their hits."""
        return self._sets.setdefault(numbers, numbers)

    def hits_of(self, kind: str, subscription: RegisteredCheck, hits: PrefilterResult) -> list[tuple[bytes, int]]:
        """The (literal, offset) pairs of a check's own required literals."""
        numbers = self.required_literals(kind, subscription)
        known = hits.listed.get(id(numbers))
        if known is not None:
            return known
        literals = self._literals[kind]
        by_number = hits.by_number
        found = [(start, literals[number]) for number in numbers.intersection(by_number) for start in by_number[number]]
        found.sort()
        listed = hits.listed[id(numbers)] = [(literal, start) for start, literal in found]
        return listed

    def scan(self, data: bytes, kind: str, plan: int) -> PrefilterResult:
        """Which of the planned checks can fire on these bytes, prefilters included."""
        automaton, alone, several, always, first = self._patterns_of(kind)
        low = data.lower()
        places = automaton.find_matches_as_indexes(low, overlapping=True)
        by_number: dict[int, list[int]] = {}
        for number, start, _ in places:
            if number in by_number:
                by_number[number].append(start)
            else:
                by_number[number] = [start]
        seen = by_number.keys()
        active = always
        for number in seen:
            active |= alone[number]
            for needed, bit in several.get(number, ()):
                if needed <= seen:
                    active |= bit
        directives = any(number in seen for number in range(first))
        if self.exhaustive:
            return PrefilterResult(plan, directives, by_number)
        other_names = renamed(low) if self._by_call and kind in ("python", "notebook") else frozenset()
        renamable = self._renamable[kind]
        for name in other_names:
            active |= renamable.get(name, 0)
        active &= plan
        result = PrefilterResult(active, directives, by_number)
        if active & self._by_call:
            self._pass_calls(low, kind, other_names, result)
        for subscription in self.subscribed(result.active & self._gated):
            prefilter: Any = getattr(subscription.check, "prefilter", None)
            mine = self.hits_of(kind, subscription, result)
            if len(mine) > MOST_GATED:
                continue
            if (kind, subscription.bit) in self._by_head:
                calls = set(result.passed.get(subscription.bit, ()))
                mine = [hit for hit in mine if hit[1] in calls]
            passed = prefilter(data, mine)
            if not passed:
                result.active &= ~subscription.bit
            elif isinstance(passed, list):
                result.passed[subscription.bit] = passed
        return result

    def _pass_calls(self, low: bytes, kind: str, other_names: frozenset[bytes], hits: PrefilterResult) -> None:
        """Of the checks that want calls by name, keep those with a call in the file that may be one of theirs, and where."""
        heads = self._heads[kind]
        places: dict[bytes, dict[bytes, list[int]]] = {}
        for number in heads.keys() & hits.by_number.keys():
            head = heads[number]
            owners = places.setdefault(head, {})
            for start in hits.by_number[number]:
                owner = _owner(low, start)
                if owner is not None:
                    owners.setdefault(owner, []).append(start)
        imported: dict[bytes, bool] = {}
        for subscription in self.subscribed(hits.active & self._by_call):
            called = self._called[kind, subscription.bit]
            passed: list[int] = []
            renames = not other_names.isdisjoint(called.parts)
            for last in called.last & places.keys():
                for owner, starts in places[last].items():
                    if renames or called.may_be(last, owner, places, low, imported):
                        passed.extend(starts)
            if passed:
                # What the calls are made on, where it is made by a call: `Session()` of `Session().get()`.
                for middle in (called.parts - called.last) & places.keys():
                    for starts in places[middle].values():
                        passed.extend(starts)
                passed.sort()
                hits.passed[subscription.bit] = passed
            elif not renames:
                hits.active &= ~subscription.bit

    def subscribed(self, mask: int) -> list[RegisteredCheck]:
        """The subscriptions of a mask, in order."""
        found = []
        while mask:
            low = mask & -mask
            found.append(self.subscriptions[low.bit_length() - 1])
            mask ^= low
        return found

    # ------------------------------------------------------------ what the reader is told

    def wanted(self, kind: str, active: int, hits: PrefilterResult) -> FactRequest:
        """What the active checks want of one file."""
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
        offsets: dict[type[Fact], Sequence[int] | None] = {}
        if not self.exhaustive:
            for fact in NEAR:
                if fact in kinds_wanted:
                    offsets[fact] = self._offsets(kind, fact, active, hits)
            if Call in kinds_wanted:
                offsets[Call] = self._calls_at(kind, active, hits)
        places = None if self.exhaustive else self._places(kind, active, hits)
        return FactRequest(kinds_wanted, last_parts, lambda name: bool(self.for_call(name) & active), offsets, places)

    def _places(self, kind: str, active: int, hits: PrefilterResult) -> list[int] | None:
        """Where the active checks' required literals stand; None where one of them needs the whole file."""
        found: list[int] = []
        numbers: set[int] = set()
        for subscription in self.subscribed(active):
            if all(wish.fact is Text for wish in subscription.check.on):
                continue  # it reads bytes, not syntax
            mine = self.required_literals(kind, subscription)
            if not mine or subscription.check.needs_whole_file:
                return None
            if subscription.bit in hits.passed:
                found.extend(hits.passed[subscription.bit])
            else:
                numbers |= mine
        for number in numbers.intersection(hits.by_number):
            found.extend(hits.by_number[number])
        found.sort()
        return found

    def _calls_at(self, kind: str, active: int, hits: PrefilterResult) -> list[int] | None:
        """Where the calls stand that the checks may want; None where one of them has not said where."""
        wanting = active & self.of_type.get(Call, 0)
        if wanting & ~self._by_call:
            return None
        found: list[int] = []
        for subscription in self.subscribed(wanting):
            of_anchors = subscription.bit & self._gated and (kind, subscription.bit) not in self._by_head
            if of_anchors or subscription.bit not in hits.passed:
                return None  # such a prefilter's hits are those of its required literals, not of calls
            found.extend(hits.passed[subscription.bit])
        found.sort()
        return found

    def _offsets(self, kind: str, fact: type[Fact], active: int, hits: PrefilterResult) -> list[int] | None:
        found: list[int] = []
        numbers: set[int] = set()
        for subscription in self.subscribed(active & self.of_type.get(fact, 0)):
            mine = self.required_literals(kind, subscription)
            if not mine:
                return None
            if subscription.bit in hits.passed:
                found.extend(hits.passed[subscription.bit])
            else:
                numbers |= mine
        for number in numbers.intersection(hits.by_number):
            found.extend(hits.by_number[number])
        found.sort()
        return found


_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
# How a call goes on behind its name.
_OPENINGS = (b"(", b" (")
_LAST_WORD = re.compile(rb"\w+\Z")


class _Called:
    """What the calls that a check wants look like in a file's bytes, in lower case.

    last: the last parts of their names. parts: all parts. Of each last part: the parts that stand right before it
    (`requests` of `requests.get`), and the modules it may be imported from by name; None stands for any. makers: what
    stands right before each of those parts, where they are called themselves (`httpx` of `httpx.Client().get`).
    """

    __slots__ = ("before", "last", "makers", "parts", "roots")

    def __init__(self, check: Check | Collector) -> None:
        self.before: dict[bytes, set[bytes] | None] = {}
        self.roots: dict[bytes, set[bytes] | None] = {}
        self.makers: dict[bytes, set[bytes]] = {}
        parts: set[bytes] = set()
        for wish in check.on:
            for name in wish.names:
                pieces = name.lower().encode("utf-8").split(b".")
                last = pieces[-1]
                if pieces[0] == b"*":
                    pieces = pieces[1:]
                    self.before[last] = self.roots[last] = None
                parts.update(pieces)
                before, roots = self.before.setdefault(last, set()), self.roots.setdefault(last, set())
                if before is not None:
                    before.add(pieces[-2] if len(pieces) > 1 else b"builtins")
                    if len(pieces) > 1:
                        # `super().__init__`: the first part may itself be called as it stands.
                        self.makers.setdefault(pieces[-2], set()).update(pieces[-3:-2], pieces[:1], [b""] if len(pieces) == 2 else [])
                if len(pieces) == 1:
                    self.roots[last] = None
                elif roots is not None:
                    roots.add(pieces[0])
        self.last = frozenset(self.before)
        self.parts = frozenset(parts)

    def may_be(
        self, last: bytes, owner: bytes, calls: Mapping[bytes, Mapping[bytes, Any]], low: bytes, imported: dict[bytes, bool]
    ) -> bool:
        """Whether a call of this last part on such an owner (b"" for none) may be one of those. calls: what else is called, on what."""
        if not owner:
            roots = self.roots[last]
            return roots is None or any(_imports_from(root, low, imported) for root in roots)
        before = self.before[last]
        if before is None or owner in before:
            return True
        for maker in before & calls.keys():
            makers = self.makers.get(maker)
            if makers is None or not makers.isdisjoint(calls[maker]):
                return True
            if b"" in calls[maker] and any(_imports_from(root, low, imported) for root in makers):
                return True
        return False


def _imports_from(root: bytes, low: bytes, imported: dict[bytes, bool]) -> bool:
    """Whether a file may import names from a module. imported: what is known already."""
    known = imported.get(root)
    if known is None:
        known = imported[root] = b"from " + root in low
    return known


def _owner(low: bytes, start: int) -> bytes | None:
    """The word before the dot before a name that is called; b"" without a dot, b"." where it is no word; None where the
    name is the end of a longer one, or is being defined."""
    if start == 0:
        return b""
    before = low[start - 1]
    if before in _WORD:
        return None
    if before != 46:  # .
        return None if low.endswith((b"def ", b"class "), max(0, start - 6), start) else b""
    word = _LAST_WORD.search(low, max(0, start - 60), start - 1)
    return word.group() if word is not None else b"."


def _under(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path fits: `*` stands for one part, `**` for any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_under(pattern[1:], parts[start:]) for start in range(len(parts) + 1))
    return bool(parts) and pattern[0] in ("*", parts[0]) and _under(pattern[1:], parts[1:])


def renamed(low: bytes) -> frozenset[bytes]:
    """What a file calls by another name than its own: imported `as` something, or bound by `functools.partial`."""
    found = bound_by_partial(low)
    at = low.find(b" as ")
    while at != -1:
        line = low[low.rfind(b"\n", 0, at) + 1 : at]
        # An import, or a line of names in the brackets of one.
        if b"import" in line or (b"(" not in line and not line.lstrip().startswith((b"with ", b"except", b"case ", b"async ", b"#"))):
            word = _LAST_WORD.search(line)
            if word is not None and not low.startswith(word.group() + b"\n", at + 4):
                found.add(word.group())
        at = low.find(b" as ", at + 4)
    return frozenset(found)


def _names_calls(check: Check | Collector) -> bool:
    """Whether a check wants nothing but calls with known last parts."""
    return all(wish.fact is Call and wish.names and not any(name.endswith(".*") for name in wish.names) for wish in check.on)


# Facts that only Python has, and facts that Python never has. The others (Setting, Comment, Text, Problem) stand anywhere.
_OF_PYTHON = frozenset((Assignment, Call, Class, Function, Handler, Import, Literal, Module, Route))
_OF_CONFIGURATION = frozenset((Command, Document, Dockerfile, Entry, Instruction, Option, Requirement))


def _may_hold(kind: str, check: Check | Collector) -> bool:
    """Whether files of a kind can hold a fact that a check wants."""
    foreign = _OF_CONFIGURATION if kind in ("python", "notebook") else _OF_PYTHON
    return any(wish.fact not in foreign for wish in check.on)


def _put(table: dict[str, int], name: str, bit: int) -> None:
    table[name] = table.get(name, 0) | bit
