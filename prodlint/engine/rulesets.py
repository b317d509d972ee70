"""Dated sets of rules: what a rule was in an earlier one, so that an upgrade brings a team nothing new until it names a later set.

A page says with which set its rule came (`since`) and what changed with later ones (`[[change]]`: the set, words, and what default or priority
were before). What a rule sees more than before is registered with the set too: `@check(..., since=...)`, `since` in a `[[match]]` table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from prodlint.configuration import keys
from prodlint.model import PRIORITIES, Priority, Rule


def is_later(since: str, ruleset: str) -> bool:
    """Whether something that came with one set is not in another. "" is the first set for `since`, and the newest for `ruleset`."""
    if not since or not ruleset:
        return False
    return keys.RULESETS.index(since) > keys.RULESETS.index(ruleset)


def as_of(rule: Rule, ruleset: str) -> Rule:
    """A rule with the default and the priority that it had in a set."""
    for since, _, default, priority in reversed(rule.changes):
        if is_later(since, ruleset):
            rule = replace(
                rule,
                default=rule.default if default is None else default,
                priority=cast("Priority", priority) if priority else rule.priority,
            )
    return rule


@dataclass(frozen=True, slots=True)
class Change:
    """What moving from one set to another means for a rule. new: it came with a set in between. words: what changed."""

    rule: Rule
    new: bool
    words: str


def difference(rules: Sequence[Rule], old: str, new: str) -> Iterator[Change]:
    """What a later set brings over an earlier one, in order of code."""
    for rule in rules:
        if is_later(rule.since, new):
            continue
        if is_later(rule.since, old):
            yield Change(as_of(rule, new), True, "on by default" if as_of(rule, new).default else "off by default")
            continue
        for since, words, _, _ in rule.changes:
            if is_later(since, old) and not is_later(since, new):
                yield Change(as_of(rule, new), False, words)


def read_changes(tables: Sequence[Any]) -> tuple[tuple[str, str, bool | None, str], ...]:
    """A page's `[[change]]` tables, oldest set first, as (set, words, default before or None, priority before or "").

    Raises ValueError for a table that says something else.
    """
    made: list[tuple[str, str, bool | None, str]] = []
    for table in tables:
        if not isinstance(table, dict) or set(table) - {"since", "words", "default-before", "priority-before"}:
            raise ValueError("a `[[change]]` has `since`, `words`, and may have `default-before` and `priority-before`")
        since, words = table.get("since"), table.get("words")
        if since not in keys.RULESETS or not isinstance(words, str) or not words:
            raise ValueError(f"a `[[change]]` has `since`, one of {', '.join(keys.RULESETS)}, and `words`")
        default, priority = table.get("default-before"), table.get("priority-before", "")
        if default is not None and not isinstance(default, bool) or priority not in ("", *PRIORITIES):
            raise ValueError("`default-before` is true or false, `priority-before` a priority")
        made.append((since, words, default, priority))
    return tuple(sorted(made, key=lambda change: keys.RULESETS.index(change[0])))
