"""The verb `rule`: the page of a rule, and the tests in the pages."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prodlint.checks.tool import DIRECTIVE
from prodlint.commands.streams import wants_color
from prodlint.configuration.settings import Settings, SettingsError, load
from prodlint.engine import catalogue
from prodlint.escaping import escape_control_characters, escape_lines
from prodlint.model import Example, Finding, Rule
from prodlint.reports.terminal import Styler


def explain(given: Namespace) -> int:
    """Print one page, all of them, a table, or test the examples of folders."""
    if given.test:
        return _test([*given.test, *([given.rule] if given.rule else ())])
    rules = list(catalogue.own_rules())
    settings = load(os.curdir)
    if settings.extend_rules or settings.plugins:
        from prodlint.engine import session

        own = {rule.code for rule in rules}
        rules += [rule for rule in session.catalogue_of(settings).rules if rule.code not in own]
    if given.list:
        wanted = (given.rule or "").upper()
        rules = [rule for rule in rules if rule.code.startswith(wanted) or given.rule in (rule.family, rule.name)]
        if given.output_format == "text":
            print(
                "\n".join(f"{rule.code}  {rule.priority}  {'on ' if rule.default else 'off'}  {rule.name}: {rule.title}" for rule in rules)
            )
            return 0
    elif not given.all:
        if not given.rule:
            raise SettingsError("name a rule, or ask for `--list` or `--all`")
        rules = find(given.rule, rules)
    if given.output_format == "json":
        made: Any = [as_json(rule) for rule in rules]
        print(json.dumps(made if given.all or given.list else made[0], ensure_ascii=False))
        return 0
    ink = Styler(wants_color(given.color))
    for number, rule in enumerate(rules):
        if number:
            print("\n---\n")
        print(_painted(_as_text(rule), ink) if given.output_format == "text" else escape_lines(rule.page.rstrip()))
    return 0


def find(wanted: str, rules: Sequence[Rule]) -> list[Rule]:
    """The rule of a code or name, or those that see what another tool's code speaks of (`S113`, `DL3002`).

    Raises SettingsError where there is none.
    """
    own = [rule for rule in rules if wanted.upper() == rule.code or wanted == rule.name]
    if own:
        return own
    same = [rule for rule in rules if any(wanted.upper() == code.partition(":")[2].upper() for code in rule.also)]
    if same:
        return same
    import difflib

    own_code = wanted.upper().startswith("PRD")  # a near code is no near meaning, unless it is meant to be one of ours
    if own_code and any(rule.code.startswith(wanted.upper()) for rule in rules):
        raise SettingsError(f"`{wanted}` stands for several rules; `prodlint rule --list {wanted.upper()}` names them")
    near = difflib.get_close_matches(wanted, [name for rule in rules for name in ((rule.code, rule.name) if own_code else (rule.name,))], 1)
    raise SettingsError(f"no rule `{wanted}`" + (f"; did you mean `{near[0]}`?" if near else ""))


def as_json(rule: Rule) -> dict[str, Any]:
    """What a program wants to know of a rule."""
    return {
        "code": rule.code,
        "name": rule.name,
        "family": rule.family,
        "title": rule.title,
        "priority": rule.priority,
        "category": rule.category,
        "default": rule.default,
        "fix": rule.fix,
        "cwe": list(rule.cwe),
        "owasp": list(rule.owasp),
        "also": list(rule.also),
        "items": list(rule.items),
        "options": dict(rule.options),
        "why": rule.why,
        "how": rule.how,
        "page": rule.page,
    }


def _as_text(rule: Rule) -> str:
    head = f"{rule.code} {rule.name}\n{rule.title}\n"
    facts = [rule.priority, rule.category, "on by default" if rule.default else "off by default", f"fix: {rule.fix}"]
    facts += [f"CWE-{number}" for number in rule.cwe] + list(rule.owasp)
    facts += [f"also {code.replace(':', ' ')}" for code in rule.also]
    body = rule.page.split("```", 2)[2] if rule.page.count("```") >= 2 else rule.page
    asked = "  # true where the rule is selected"
    options = "".join(f"  {name} = {_toml(value)}{asked if name in rule.wider else ''}\n" for name, value in rule.options)
    settings = f"\nOptions, under [tool.prodlint.rules.{rule.code}]:\n{options}" if options else ""
    return f"{head}{' · '.join(facts)}\n{settings}{body.rstrip()}"


def _painted(text: str, ink: Styler) -> str:
    """A page for the terminal: its head, its headings, and its code in another colour. Nothing in it can command the terminal."""
    made = []
    in_code = False
    for number, line in enumerate(escape_lines(text).split("\n")):
        is_fence = line.lstrip().startswith("```")
        style = "bold" if number == 0 or not in_code and line.startswith("#") else "gutter" if in_code or is_fence else ""
        made.append(ink.paint(line, style) if style else line)
        in_code ^= is_fence
    return "\n".join(made)


def _toml(value: object) -> str:
    """A page's option as TOML: its values are booleans, numbers, texts and lists of these, which JSON writes alike."""
    return json.dumps(value, ensure_ascii=False)


# ---------------------------------------------------------------- examples are tests


@dataclass(frozen=True, slots=True)
class Verdict:
    """One example that did not do what its page says."""

    rule: Rule
    example: Example
    why: str

    def __str__(self) -> str:
        title = f" ({self.example.title})" if self.example.title else ""
        return f"{self.rule.path}:{self.example.line}: {self.rule.code}{title}: {self.why}"


def _test(folders: Sequence[str]) -> int:
    tested = failed = 0
    for folder in folders:
        if not os.path.isdir(folder) and not os.path.isfile(folder):
            raise SettingsError(f"no such folder or page: `{folder}`")
        rules = catalogue.load(folder) if os.path.isdir(folder) else [catalogue.read_page(folder)]
        if not rules:
            raise SettingsError(f"no pages in `{folder}`")
        for rule in rules:
            tested += len(rule.bad) + len(rule.good)
            for verdict in test_page(rule):
                failed += 1
                print(escape_control_characters(str(verdict)))
    print(f"{tested - failed} passed, {failed} failed")
    return 1 if failed else 0


def test_page(rule: Rule) -> Iterator[Verdict]:
    """The examples of a page that do not do what it says."""
    if not rule.bad:
        yield Verdict(rule, Example("", (), 1), "the page has no bad example")
    if not rule.good:
        yield Verdict(rule, Example("", (), 1), "the page has no good example")
    for example in (*rule.bad, *rule.good, *catalogue.known_false_alarms(rule)):
        yield from _judged(rule, example)


def _judged(rule: Rule, example: Example) -> Iterator[Verdict]:
    try:
        found = findings_in(rule, example)
    except RuntimeError as error:
        yield Verdict(rule, example, str(error))
        return
    if example in rule.bad:
        if not found:
            yield Verdict(rule, example, "bad, and nothing is found")
            return
        marked = _marked(example)
        lines = {(finding.path, finding.span.line) for finding in found}
        if marked and lines != marked:
            yield Verdict(rule, example, f"found at {_places(lines)}, marked at {_places(marked)}")
    elif example in rule.good:
        if found:
            yield Verdict(rule, example, f"good, and found at {_places({(f.path, f.span.line) for f in found})}: {found[0].message}")
    elif not found:
        yield Verdict(rule, example, "a known false alarm that is none any more: make it a good example")


def _places(lines: set[tuple[str, int]]) -> str:
    return ", ".join(f"{path}:{line}" for path, line in sorted(lines))


def _marked(example: Example) -> set[tuple[str, int]]:
    return {
        (path, number)
        for path, text in example.files
        for number, line in enumerate(text.split("\n"), 1)
        if line.rstrip().endswith(("# here", "// here", "; here", "<!-- here -->"))
    }


def findings_in(rule: Rule, example: Example) -> list[Finding]:
    """What the rule finds in an example, laid out as files of their own project. RuntimeError where the rule's code fails."""
    import tempfile

    from prodlint.configuration.settings import with_arguments
    from prodlint.engine import session

    with tempfile.TemporaryDirectory(prefix="prodlint-") as folder:
        for path, text in example.files:
            target = os.path.join(folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", newline="") as handle:
                handle.write(expanded(text))
        # An example shows what the rule says by default, though it is selected here.
        given = {**dict.fromkeys(rule.wider, False), **dict(example.options)}
        options = {rule.code: given} if given else {}
        own = os.path.abspath(catalogue.rules_folder())
        extend = () if os.path.abspath(rule.path).startswith(own + os.sep) else (os.path.dirname(os.path.abspath(rule.path)),)

        def finish(settings: Settings) -> Settings:
            # What is wrong with an ignore shows only beside the rules it speaks of.
            select = ["ALL"] if rule.code == DIRECTIVE else [rule.code]
            return with_arguments(settings, select=select, rules=options, extend_rules=extend, respect_gitignore=False)

        result = session.run(session.Request([folder], isolated=True, finish=finish, root=folder, jobs=1, grouped=False))
    if result.crashed:
        raise RuntimeError("; ".join(sorted({one.why for one in result.report.unchecked})) or "prodlint failed")
    return [finding for finding in result.report.findings if finding.code == rule.code]


def expanded(text: str) -> str:
    """`{{token:github}}` becomes a well-formed token that opens nothing; no page holds one whole."""
    if "{{token:" not in text:
        return text
    import re

    from prodlint.checks.secrets.tokens import sample_token

    return re.sub(r"\{\{token:([\w-]+)\}\}", lambda found: sample_token(found.group(1)), text)
