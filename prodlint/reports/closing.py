"""How the text formats end: what was looked at, what was not and why, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prodlint.escaping import escape_control_characters
from prodlint.model import Unchecked
from prodlint.reports.material import ReportContext, plural
from prodlint.reports.terminal import Styler


def position(unchecked: Unchecked, path: str = "") -> str:
    """`path`, `path:line` or `path:line:column`, as far as it is known."""
    parts = [path or unchecked.path, *(str(n) for n in (unchecked.line, unchecked.column) if n)]
    return ":".join(parts)


def closing(material: ReportContext, ink: Styler) -> Iterator[str]:
    """The last lines of a text format. They never say all is well where something was not looked at."""
    report, options = material.report, material.options
    if options.quiet:
        yield from _not_checked(material, ink)
        if options.statistics:
            from prodlint.reports.counts import table

            yield from table(material, ink)
        return
    for note in report.notes:
        yield f"{ink.paint('note', 'bold')}: {escape_control_characters(material.words(note))}\n"
    yield from _not_checked(material, ink)
    if options.statistics:
        from prodlint.reports.counts import table

        yield from table(material, ink)
    yield _found(material, ink)
    yield _looked_at(material)
    yield from _fixes(material, ink)


def _not_checked(material: ReportContext, ink: Styler) -> Iterator[str]:
    left_out = [u for u in material.report.unchecked if not u.analysed]
    in_part = [u for u in material.report.unchecked if u.analysed]
    for title, group in (("Not checked:", left_out), ("Checked in part:", in_part)):
        if group:
            yield f"{ink.paint(title, 'bold')}\n"
            for unchecked in sorted(group):
                yield f"  {escape_control_characters(position(unchecked, material.path(unchecked.path)))}: {escape_control_characters(material.words(unchecked.why))}\n"


def _found(material: ReportContext, ink: Styler) -> str:
    counts = material.by_priority
    total = sum(counts.values())
    hidden = material.report.suppressed
    parts = [ink.paint(f"{n:,} {p}", p) for p, n in counts.items() if n]
    text = f"Found {plural(total, 'finding')}: {', '.join(parts)}" if total else ink.paint("No findings", "good")
    if hidden:
        by_kind = Counter(str(s.kind) for s in hidden)
        told = (("inline", "by comments"), ("baseline", "by the baseline"), ("settings", "by the settings"))
        kinds = [f"{by_kind[kind]:,} {words}" for kind, words in told if by_kind[kind]]
        text += f" ({len(hidden):,} suppressed: {', '.join(kinds)})"
    if material.below:
        text += f"; {plural(material.below, 'finding')} below {material.options.min_priority} not shown"
    return f"{text}.\n"


def _looked_at(material: ReportContext) -> str:
    report = material.report
    checked = report.checked
    left_out = len({u.path for u in report.unchecked if not u.analysed})
    in_part = len({u.path for u in report.unchecked if u.analysed})
    text = f"Checked {plural(checked, 'file')}"
    parts = [f"{in_part:,} in part"] * bool(in_part) + [f"{report.generated:,} generated, for keys only"] * bool(report.generated)
    if parts:
        text += f" ({', '.join(parts)})"
    text += f", {left_out:,} not checked" if left_out else ""
    if material.options.show_time:
        text += f", in {report.seconds:.2f} s"
    return f"{text}.\n"


def _fixes(material: ReportContext, ink: Styler) -> Iterator[str]:
    fixes = [finding.fix.safe for finding in material.report.findings if finding.fix is not None]
    safe, unsafe = sum(fixes), len(fixes) - sum(fixes)
    if material.options.unsafe_fixes and fixes:
        yield f"{ink.paint('[*]', 'fix')} {len(fixes):,} fixable with `--fix --unsafe-fixes`.\n"
    elif safe and unsafe:
        yield f"{ink.paint('[*]', 'fix')} {safe:,} fixable with `--fix`, {unsafe:,} more with `--unsafe-fixes`.\n"
    elif safe:
        yield f"{ink.paint('[*]', 'fix')} {safe:,} fixable with `--fix`.\n"
    elif unsafe:
        yield f"{unsafe:,} fixable with `--fix --unsafe-fixes`.\n"
