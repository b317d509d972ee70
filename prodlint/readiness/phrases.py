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
_WHOLE = frozenset(("cors", "https", "redis", "kubernetes", "postgres", "ingress", "ids", "ips", "dns", "aws", "tls"))
# Words that say the same, by the form that the phrases have.
_SAME = {
    "db": "database", "dbs": "database", "databases": "database", "env": "environment", "envs": "environment", "docs": "documentation", "k8s": "kubernetes", "auth": "authentication", "authn": "authentication",
    "authz": "authorization", "config": "configuration", "configs": "configuration", "repo": "repository", "deps": "dependencies", "prod": "production", "ssl": "tls", "outgoing": "outbound", "whitelist": "allowlist",
    "whitelisted": "allowlist", "safelist": "allowlist", "safelisted": "allowlist", "allowlisted": "allowlist", "creds": "credentials", "perf": "performance", "throttled": "throttling", "throttle": "throttling",
    "liveliness": "liveness", "postgresql": "postgres", "cert": "certificate", "certs": "certificate", "params": "parameters", "mandatory": "required", "healthchecks": "healthcheck", "lockfiles": "lockfile",
    "logs": "log", "logged": "log", "logging": "log", "apis": "api", "secret": "secret", "tokens": "token",
}  # fmt: skip
_BRITISH = re.compile(r"is(e|ed|es|ing|ation|ations|er)$")
# A phrase of one common word says little; at least this much must fit.
_LEAST = 2.2
_SURE = 4.5
# Words that may stand between those of a phrase, and what it counts when more do.
_APART = 8
_SCATTERED = 0.15
# A line of more words than this is a sentence; what one word in its midst counts.
_SHORT = 4
_IN_PASSING = 0.45
# Words of which some are named and some explained seldom belong together.
_ACROSS = 0.7
# What a line names says more than what it explains.
_HEAD = 1.6


def stem(word: str) -> str:
    """A word without its ending: `tested`, `tests` and `testing` are one."""
    word = _SAME.get(word, word)
    if not word.isalpha() or word in _WHOLE:
        return word
    if len(word) > 7:
        word = _BRITISH.sub(r"iz\1", word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def words_of(text: str) -> list[str]:
    """The words of a text without markup, in order, without endings."""
    plain = (
        text.lower()
        .replace("allow-list", "allowlist")
        .replace("allow list", "allowlist")
        .replace("health check", "healthcheck")
        .replace("health-check", "healthcheck")
        .replace("'", "")
        .replace("’", "")
        .replace("hard-coded", "hardcoded")
        .replace("hard coded", "hardcoded")
        .replace("on-call", "oncall")
        .replace("on call", "oncall")
    )
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
            for phrase in dict.fromkeys((*item.says, *item.touches, item.title)):
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
                score *= _closeness(wanted, order, head)
                if head and rest and not set(wanted) <= set(head) and not set(wanted) <= set(rest):
                    score *= _ACROSS
                # A title is what an item says itself; it is no better than a phrase, but never worse.
                if score > found.get(item.id, (0.0, 0))[0]:
                    found[item.id] = (score, index)
        return found


def _closeness(wanted: Sequence[str], order: Sequence[str], head: Sequence[str]) -> float:
    """How much the words of a phrase belong together where they stand: side by side more, all over a sentence hardly."""
    if len(wanted) == 1:
        # In a long sentence one word is mostly said in passing; what it begins or ends with is what it is about.
        return 1.0 if len(head) <= _SHORT or wanted[0] in (head[0], head[-1]) else _IN_PASSING
    width = _width(set(wanted), order)
    spare = width - len(set(wanted))
    if spare <= 0 and _together(wanted, order):
        # "Dashboard with the error rate" is about the dashboard, "error rate alerts" about alerts.
        return 1.2 * (1.15 if head and (wanted[0] == head[0] or wanted[-1] == head[-1]) else 1.0)
    return 1.0 if spare <= 2 else 0.8 if spare <= 4 else 0.5 if spare <= _APART else _SCATTERED


def _together(wanted: Sequence[str], order: Sequence[str]) -> bool:
    """Whether the words stand side by side in their order."""
    first = wanted[0]
    return any(word == first and list(order[at : at + len(wanted)]) == list(wanted) for at, word in enumerate(order))


def _width(wanted: set[str], order: Sequence[str]) -> int:
    """The length of the shortest stretch that holds all of the words."""
    best = len(order) + _APART
    last: dict[str, int] = {}
    for at, word in enumerate(order):
        if word in wanted:
            last[word] = at
            if len(last) == len(wanted):
                best = min(best, at - min(last.values()) + 1)
    return best


def named(codes: Iterable[str], items: Sequence[Item]) -> list[Item]:
    """The items that speak of these rules or bear these ids."""
    wanted = set(codes)
    return [item for item in items if item.id in wanted or wanted & set(item.rules)]
