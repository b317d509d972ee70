"""The pages' bad examples, applied: what every fix guarantees, for every rule that says it has one."""

from __future__ import annotations

import ast
import tokenize
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from prodlint.commands import rule as rule_command
from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import catalogue, session
from prodlint.fixes import applying
from prodlint.model import Example, Rule

FIXABLE = [rule for rule in catalogue.own_rules() if rule.fix != "none"]
# Enough to see each guarantee at work, and quick.
MOST = 3


def laid_out(rule: Rule, example: Example, folder: Path) -> session.Request:
    for path, text in example.files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rule_command.expanded(text).encode())
    options = {rule.code: dict(example.options)} if example.options else {}

    def finish(settings: Settings) -> Settings:
        select = ["ALL"] if rule.code == "PRD002" else [rule.code]
        return with_arguments(settings, select=select, rules=options, respect_gitignore=False)

    return session.Request([str(folder)], isolated=True, finish=finish, root=str(folder), jobs=1, grouped=False)


def comments(text: bytes) -> list[str]:
    return sorted(token.string for token in tokenize.tokenize(BytesIO(text).readline) if token.type == tokenize.COMMENT)


@pytest.mark.parametrize("rule", FIXABLE, ids=lambda rule: rule.code)
def test_a_fix_does_what_it_says(rule: Rule, tmp_path: Path) -> None:
    mended_examples = 0
    for number, example in enumerate(rule.bad):
        folder = tmp_path / str(number)
        request = laid_out(rule, example, folder)
        before = session.run(request)
        applied = applying.apply_fixes(before, [finding for finding in applying.wanted(before, True) if finding.code == rule.code])
        if not applied.fixed:
            continue
        mended_examples += 1
        for finding in applied.fixed:
            assert finding.fix is not None and finding.fix.description
            assert not finding.fix.safe or rule.fix == "safe"
        for path in applied.changed():
            old, new = applied.before[path] or b"", applied.after[path]
            if path.endswith(".py"):
                ast.parse(new)
                if rule.code != "PRD002":
                    assert comments(old) == comments(new)
            (folder / path).write_bytes(new)
        after = session.run(request)
        codes = Counter((finding.path, finding.code) for finding in before.report.findings)
        left = Counter((finding.path, finding.code) for finding in after.report.findings)
        assert not left - codes
        assert sum(codes.values()) - sum(left.values()) >= len(applied.fixed)
        assert len(after.report.unchecked) <= len(before.report.unchecked)
        again = applying.apply_fixes(after, [finding for finding in applying.wanted(after, True) if finding.code == rule.code])
        assert again.changed() == []
        if mended_examples == MOST:
            break
    assert mended_examples, "no bad example is applied: write one, or say that there is no fix"
