"""Which item a line of somebody's checklist means: by the items' own words, and how sure that is.

A phrase of an item fits a line when all its words stand in it, whatever their endings. Rare words weigh more than words
that many items share; words at the head of a line more than those of its explanation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prodlint.readiness.items import Item

Confidence = Literal["named", "high", "medium", "low"]

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*(?:\+[0-9]+)?|\|\||&&")
# Words without a meaning of their own in a checklist.
_EMPTY = frozenset(
    "a an and are as at be by for from has have in into is it its of on or that the their them they this to was were will with all any each every"
    " are been so than then up via if".split()
)
_ENDINGS = ("ications", "ication", "ations", "ation", "ions", "ion", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "y", "e")
# No plurals: without its last letter each would be another word.
_WHOLE = frozenset(("cors", "https", "redis", "kubernetes", "postgres", "ingress"))
# A phrase of one common word says little; at least this much must fit.
_LEAST = 2.2
_SURE = 4.5
# Words that may stand between those of a phrase, and what it counts when more do.
_APART = 8
_SCATTERED = 0.15
# What a line names says more than what it explains.
_HEAD = 1.6


def stem(word: str) -> str:
    """A word without its ending: `tested`, `tests` and `testing` are one."""
    if not word.isalpha() or word in _WHOLE:
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def words_of(text: str) -> list[str]:
    """The words of a text without markup, in order, without endings."""
    plain = text.lower().replace("'", "").replace("’", "").replace("on-call", "oncall").replace("on call", "oncall")
    return [stem(word) for word in _WORD.findall(plain.replace("_", " ")) if word not in _EMPTY]


@dataclass(frozen=True, slots=True)
class Match:
    """An item that a line means. weight: how much of it fits. subject: the part of the line that means it, "" for what the line names."""

    item: Item
    confidence: Confidence
    phrase: str
    weight: float
    subject: str = ""


class Phrases:
    """The phrases of all items, ready to be looked for."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._phrases: list[tuple[Item, str, tuple[str, ...]]] = []
        in_items: dict[str, set[str]] = {}
        for item in items:
            for phrase in dict.fromkeys((*item.says, item.title)):
                found = tuple(words_of(phrase))
                if found:
                    self._phrases.append((item, phrase, found))
                    for word in found:
                        in_items.setdefault(word, set()).add(item.id)
        number = max(len(items), 2)
        self._weight = {word: 1 + math.log(number / len(ids)) for word, ids in in_items.items()}
        self._by_word: dict[str, list[int]] = {}
        for index, (_, _, found) in enumerate(self._phrases):
            self._by_word.setdefault(max(found, key=lambda word: self._weight[word]), []).append(index)

    def best(self, head: str, rest: str = "", context: Sequence[str] = ()) -> Match | None:
        """The item that a line means. head: what it names; rest: what it explains; context: headings and lines above it, the nearest first."""
        totals = dict(self._scores(words_of(head), words_of(rest)))
        if not totals:
            return None
        for depth, text in enumerate(context[:3]):
            # What a line stands under decides between the items that its own words fit.
            for name, (score, _) in self._scores(words_of(text), []).items():
                if name in totals:
                    totals[name] = (totals[name][0] + score * 0.3 / (depth + 1), totals[name][1])
        return self._chosen(totals)

    def by_parent(self, parent: str) -> Match | None:
        """The item of the line that a line stands under, for one whose own words say nothing: never sure."""
        match = self.best(parent) if parent else None
        return replace(match, confidence="low") if match is not None else None

    def _chosen(self, totals: Mapping[str, tuple[float, int]]) -> Match | None:
        ranked = sorted(totals.items(), key=lambda pair: (-pair[1][0], pair[1][1]))
        _, (score, index) = ranked[0]
        if score < _LEAST:
            return None
        second = ranked[1][1][0] if len(ranked) > 1 else 0.0
        confidence: Confidence = "high" if score >= _SURE and score >= second * 1.15 else "medium" if score >= second * 1.05 else "low"
        item, phrase, _ = self._phrases[index]
        return Match(item, confidence, phrase, round(score, 2))

    def _scores(self, head: Sequence[str], rest: Sequence[str]) -> dict[str, tuple[float, int]]:
        """By item: how much of its best phrase fits, and which phrase."""
        here = {word: 1.0 for word in rest if word in self._weight} | {word: _HEAD for word in head if word in self._weight}
        order = [*head, *rest]
        found: dict[str, tuple[float, int]] = {}
        for word in here:
            for index in self._by_word.get(word, ()):
                item, _, wanted = self._phrases[index]
                if not all(part in here for part in wanted):
                    continue
                score = sum(self._weight[part] * here[part] for part in set(wanted))
                if len(wanted) > 1 and _together(wanted, order):
                    score *= 1.2
                elif len(wanted) > 1 and not _near(set(wanted), order):
                    # Words from all over a long explanation are those of something else.
                    score *= _SCATTERED
                # A title is what an item says itself; it is no better than a phrase, but never worse.
                if score > found.get(item.id, (0.0, 0))[0]:
                    found[item.id] = (score, index)
        return found


def _together(wanted: Sequence[str], order: Sequence[str]) -> bool:
    """Whether the words stand side by side."""
    first = wanted[0]
    return any(word == first and list(order[at : at + len(wanted)]) == list(wanted) for at, word in enumerate(order))


def _near(wanted: set[str], order: Sequence[str]) -> bool:
    """Whether the words stand not far from one another somewhere."""
    reach = len(wanted) + _APART
    return len(order) <= reach or any(wanted <= set(order[at : at + reach]) for at, word in enumerate(order) if word in wanted)


def named(codes: Iterable[str], items: Sequence[Item]) -> list[Item]:
    """The items that speak of these rules or bear these ids."""
    wanted = set(codes)
    return [item for item in items if item.id in wanted or wanted & set(item.rules)]
