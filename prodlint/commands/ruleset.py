"""The verb `ruleset`: the dated sets of rules, and what moving from one to another brings."""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from dataclasses import replace

from prodlint.configuration import keys
from prodlint.configuration.settings import Settings, SettingsError, load
from prodlint.configuration.shapes import did_you_mean
from prodlint.engine import rulesets, session
from prodlint.model import Finding
from prodlint.reports import plural


def ruleset(given: Namespace) -> int:
    """List the sets, or tell how two of them differ.

    Raises SettingsError for a set that there is not.
    """
    settings = load(os.curdir)
    if given.what == "list":
        for name in keys.RULESETS:
            rules = [rule for rule in session.catalogue_of(settings).rules if not rulesets.is_later(rule.since, name)]
            on = sum(rulesets.as_of(rule, name).default for rule in rules)
            here = "  in force here" if name == (settings.ruleset or keys.RULESETS[-1]) else ""
            print(f"{name}  {plural(len(rules), 'rule')}, {on:,} on by default{here}")
        return 0
    old, new = _named(given.old or settings.ruleset or keys.RULESETS[-1]), _named(given.new or keys.RULESETS[-1])
    if rulesets.is_later(old, new):
        raise SettingsError(f"`{old}` is later than `{new}`; name the older set first")
    changes = list(rulesets.difference(session.catalogue_of(settings).rules, old, new))
    counts = _counts_here(old, new) if given.count else Counter()
    for change in changes:
        rule = change.rule
        here = f"  {plural(counts[rule.code], 'new finding')} here" if given.count else ""
        print(f"{'new    ' if change.new else 'changed'}  {rule.code}  {rule.priority}  {rule.name}: {change.words}{here}")
    beyond = sum(counts.values()) if given.count else 0
    said = f"; {plural(beyond, 'new finding')} here" if given.count else ""
    print(f"{old} to {new}: {plural(len(changes), 'change')}{said}")
    return 0


def _named(name: str) -> str:
    if name not in keys.RULESETS:
        raise SettingsError(f"unknown rule set `{name}`{did_you_mean(name, keys.RULESETS)}; there are {', '.join(keys.RULESETS)}")
    return name


def _counts_here(old: str, new: str) -> Counter[str]:
    """By code, how many findings of the later set the earlier one does not have here."""

    def found(name: str) -> Counter[tuple[Finding, ...]]:
        def finish(settings: Settings) -> Settings:
            return replace(settings, ruleset=name)

        return Counter((finding,) for finding in session.run(session.Request(finish=finish, grouped=False)).report.findings)

    counts: Counter[str] = Counter()
    for (finding,), number in (found(new) - found(old)).items():
        counts[finding.code] += number
    return counts
