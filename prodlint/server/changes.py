"""What a fix or an ignore makes of the files. Without the protocol's types: the process that looks at whole projects makes them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from prodlint.api import Checked
from prodlint.model import Finding

REASON = " -- why"


@dataclass(frozen=True, slots=True)
class Changes:
    """Files by path from the root, before (None for a new one) and after."""

    before: Mapping[str, bytes | None]
    after: Mapping[str, bytes]


def key_of(finding: Finding) -> list[Any]:
    """What a finding is known by between the offer of an action and its choice."""
    return [finding.code, finding.span.line, finding.span.column, finding.message]


def named(findings: Sequence[Finding], key: Sequence[Any]) -> Finding | None:
    """The finding with a key."""
    return next((each for each in findings if key_of(each) == list(key)), None)


def made(checked: Checked, each: Checked, finding: Finding, verb: str) -> Changes:
    """What becomes of the files where a finding is fixed (verb `fix`) or ignored with a reason (`ignore`): at each of its places, in whichever file.

    checked: the run that gave the finding. each: the same run with findings that say the same told one by one.
    """
    from prodlint import fixes
    from prodlint.fixes import applying, ignore

    places = {(one.path, one.span) for one in (finding, *checked.report.copies.get(finding, ()))}
    wanted = [one for one in each.findings if one.code == finding.code and (one.path, one.span) in places]
    makers: Sequence[Any] = (fixes.make,)
    if verb == "ignore":
        makers = [partial(maker, tail=REASON) for maker in (ignore.behind, ignore.above, ignore.behind_statement, ignore.above_statement)]
    applied = applying.apply_fixes(each.result, wanted, makers)
    return Changes(applied.before, applied.after)
