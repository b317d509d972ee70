"""How often each rule was broken, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prodlint.reports.material import ReportContext
from prodlint.reports.terminal import Styler


def table(material: ReportContext, ink: Styler) -> Iterator[str]:
    """One line a rule and priority that its findings have, the commonest first: count, priority, code, whether it can be fixed, name."""
    counts = Counter((finding.code, finding.priority) for finding in material.findings)
    fixable = {finding.code for finding in material.findings if material.fixable(finding)}
    digits = len(f"{max(counts.values(), default=0):,}")
    for (code, priority), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        mark = ink.paint("[*]", "fix") if code in fixable else "   "
        yield f"{count:>{digits},}  {ink.paint(priority, priority)}  {ink.paint(code, 'bold')} {mark} {material.name(code)}\n"
