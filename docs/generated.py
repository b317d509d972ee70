"""What the documentation says of rules, settings, flags, other tools' codes and the checklist, made from the package while the site is built.

A MkDocs hook. Each function below returns pages as {path: Markdown}; `pages` is all of them. Tests use it without MkDocs.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from prodlint.commands.cli import command_parser
from prodlint.commands.config import first_sentence, schema_text
from prodlint.configuration.discover import DEFAULT_EXCLUDE
from prodlint.configuration.keys import KEYS, RULESETS
from prodlint.engine.catalogue import own_rules
from prodlint.model import Rule
from prodlint.readiness.items import checklist_of

ROOT = Path(__file__).resolve().parent.parent
FAMILIES = {
    "secrets": "Secrets",
    "errors": "Errors",
    "placeholders": "Placeholders",
    "web": "Web and security",
    "resilience": "Resilience and data",
    "configuration": "Configuration",
    "observability": "Observability",
    "deployment": "Deployment",
    "delivery": "Delivery",
    "tool": "prodlint itself",
}
TOOLS = {
    "ruff": (
        "https://docs.astral.sh/ruff/rules/",
        "Keep ruff: it lints Python's style and many mistakes faster than anybody. prodlint's view starts where a mistake shows in "
        "production: it follows clients to where they are made, judges handlers by every path out of them, and reads what deploys the code.",
    ),
    "bandit": (
        "https://bandit.readthedocs.io/en/latest/plugins/",
        "Most of bandit's checks that matter to a service have a rule here that asks further: whether text of a client "
        "reaches the sink, whether the value is a secret, whether the code runs in production.",
    ),
    "semgrep": (
        "https://semgrep.dev/r",
        "Rules of the registry that look for the same mistakes. Keep semgrep for your own patterns over many languages, or write [rules of your own](../own-rules.md).",
    ),
    "hadolint": (
        "https://github.com/hadolint/hadolint/wiki/",
        "Keep hadolint for the style of Dockerfiles and its shell checks. prodlint reads the Dockerfile together with compose, manifests and the code.",
    ),
    "checkov": (
        "https://www.checkov.io/5.Policy%20Index/all.html",
        "Keep checkov for cloud resources. For images, Kubernetes manifests and workflows of one service, these are the same mistakes.",
    ),
    "zizmor": (
        "https://docs.zizmor.sh/audits/",
        "Keep zizmor: it knows GitHub Actions more deeply. prodlint asks of a pipeline what it asks of a service: can its gates fail, is what it deploys tested.",
    ),
    "actionlint": (
        "https://github.com/rhysd/actionlint/blob/main/docs/checks.md",
        "Keep actionlint: it knows the syntax and the types of workflows. Two of its checks are mistakes of production, too.",
    ),
    "kube-linter": (
        "https://docs.kubelinter.io/#/generated/checks",
        "The same mistakes in manifests. prodlint also reads overlays of Kustomize, charts without rendering them, and the image that a pod starts.",
    ),
    "compose-lint": (
        "https://pypi.org/project/compose-lint/",
        "The same mistakes in compose files. prodlint looks at the project's own services in files that production uses, not at every service of every file.",
    ),
    "gixy": (
        "https://pypi.org/project/gixy-next/",
        "Keep gixy for nginx alone: it also knows what is merely slow there.",
    ),
    "docker": (
        "https://docs.docker.com/reference/build-checks/",
        "`docker build --check` warns while the image is built; these two are mistakes of what runs.",
    ),
}
# Words of the pages' fences that are kinds of files, and the languages that a highlighter knows for them.
_LANGUAGES = {
    "workflow": "yaml",
    "gitlab": "yaml",
    "compose": "yaml",
    "env": "bash",
    "dotenv": "bash",
    "sh": "bash",
    "shell": "bash",
    "procfile": "text",
    "requirements": "text",
    "ignore": "text",
    "gitignore": "text",
    "notebook": "json",
    "systemd": "ini",
}
_MARK = re.compile(r"\s*(?:#|//|;|<!--) here(?: -->)?\s*$")


def pages() -> dict[str, str]:
    """Every page that is made, by its path in the site's sources."""
    return {**rules(), **settings(), **flags(), **tools(), **checklist()}


# ---------------------------------------------------------------- rules


def rules() -> dict[str, str]:
    """A page for each rule, and the table of all."""
    made = {"rules/index.md": _table_of_rules()}
    for family, title in FAMILIES.items():
        made[f"rules/{family}/index.md"] = f"# {title}\n\n{_rows([rule for rule in own_rules() if rule.family == family], '')}"
    for rule in own_rules():
        made[_path_of(rule)] = _rule(rule)
    return made


def _path_of(rule: Rule) -> str:
    return f"rules/{rule.family}/{rule.code}-{rule.name}.md"


def _table_of_rules() -> str:
    every = own_rules()
    on = sum(rule.default for rule in every)
    parts = [
        f"# Rules\n\n{len(every)} rules, {on} of them on by default. A rule is named by its code, its name or a prefix of codes, everywhere. "
        "P0 is to be fixed before launch, P1 in the first week, P2 in the first month. `prodlint rule CODE` prints the same pages.\n"
    ]
    for family, title in FAMILIES.items():
        parts.append(f"## {title}\n\n{_rows([rule for rule in every if rule.family == family], f'{family}/')}")
    return "\n".join(parts)


def _rows(listed: list[Rule], below: str) -> str:
    lines = ["| Code | Name | What it finds | Priority | On | Fix |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in listed:
        link = f"[{rule.code}]({below}{rule.code}-{rule.name}.md)"
        lines.append(f"| {link} | `{rule.name}` | {_cell(rule.title)} | {rule.priority} | {'yes' if rule.default else 'no'} | {rule.fix} |")
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> str:
    facts = [f"**{rule.priority}**", rule.category, "on by default" if rule.default else "off by default"]
    facts.append(f"{rule.fix} fix" if rule.fix != "none" else "no fix")
    facts += [f"[CWE-{number}](https://cwe.mitre.org/data/definitions/{number}.html)" for number in rule.cwe]
    facts += [f"OWASP {name}" for name in rule.owasp]
    lines = [f"# {rule.code} {rule.name}", "", f"{rule.title}.", "", " · ".join(facts), ""]
    if rule.also:
        lines += ["Other tools' codes for the same mistake: " + ", ".join(_foreign(code, "../../") for code in rule.also) + ".", ""]
    if rule.covered_by:
        lines += [f"`disable-overlap` switches it off beside: {', '.join(rule.covered_by)}.", ""]
    for since, words, _, _ in rule.changes:
        lines += [f"Changed in rule set {since}: {words}.", ""]
    body = _body(rule.page)
    if rule.options:
        options = "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in rule.options)
        block = f"## Options\n\nWith their defaults:\n\n```toml\n[tool.prodlint.rules.{rule.code}]\n{options}\n```\n\n"
        body = body.replace("## Bad\n", f"{block}## Bad\n", 1) if "\n## Bad\n" in body else body + "\n" + block
    return "\n".join(lines) + "\n" + body


def _foreign(code: str, up: str) -> str:
    tool, _, name = code.partition(":")
    return f"[{tool} {name}]({up}tools/{tool}.md)" if tool in TOOLS else f"{tool} {name}"


def _body(page: str) -> str:
    """A page's text behind its toml block, its examples as a reader wants them: named, highlighted, the places of findings marked."""
    lines = page.split("\n")
    end = lines.index("```", lines.index("```toml"))
    made: list[str] = []
    fence: list[str] | None = None
    ticks = ""
    for line in lines[end + 1 :]:
        opened = re.match(r"^(`{3,})(\S*)[ \t]*(.*)$", line)
        if fence is None and opened:
            ticks, fence = opened[1], [opened[2], opened[3]]
        elif fence is not None and line.strip() == ticks:
            made += _block(ticks, fence[0], fence[1], fence[2:])
            fence = None
        elif fence is not None:
            fence.append(line)
        else:
            made.append(line)
    return "\n".join(made)


def _block(ticks: str, kind: str, words: str, lines: list[str]) -> Iterator[str]:
    marked = [number for number, line in enumerate(lines, 1) if _MARK.search(line)]
    given = dict(part.split("=", 1) for part in words.split() if "=" in part)
    attributes = [f'title="{given["file"]}"'] if "file" in given else []
    options = [f"{key.removeprefix('option.')} = {value}" for key, value in given.items() if key.startswith("option.")]
    if options and "file" not in given:
        attributes.append('title="with {}"'.format(", ".join(options).replace('"', "'")))
    if marked:
        attributes.append(f'hl_lines="{" ".join(map(str, marked))}"')
    yield " ".join([f"{ticks}{_LANGUAGES.get(kind, kind)}", *attributes])
    for line in lines:
        yield re.sub(r"\{\{token:([\w-]+)\}\}", r"<a token of \1>", _MARK.sub("", line))
    yield ticks


# ---------------------------------------------------------------- settings


def settings() -> dict[str, str]:
    """A page for each setting, the table of all, and the JSON Schema."""
    made = {f"settings/{name}.md": _setting(name) for name in KEYS}
    rows = "\n".join(
        f"| [`{name}`]({name}.md) | {_cell(first_sentence(key.words))} | {_default(key.default)} |" for name, key in KEYS.items()
    )
    made["settings/index.md"] = f"""# Settings

The nearest `prodlint.toml`, `.prodlint.toml` or `[tool.prodlint]` in `pyproject.toml`, from a file's directory up to the project's root, holds for that
file; [`extend`](extend.md) builds on another one. An unknown key, rule or value is an error that names its line and the nearest valid word. What is
in force, and where it comes from: `prodlint --show-settings`. One setting on the terminal: `prodlint config fail-on`. For one run any setting can be given
as `--config 'fail-on = "P1"'`.

| Setting | What it does | Without it |
| --- | --- | --- |
{rows}

Editors complete and check the settings by their [JSON Schema](schema.md).
"""
    made["settings/schema.md"] = f"""# JSON Schema of the settings

Made from the code that validates the settings and from the pages of the rules; in the package as `prodlint/configuration/settings.schema.json`, printed by
`prodlint config --schema`. It describes `prodlint.toml`, and what stands in `[tool.prodlint]`. It is not in SchemaStore yet: name the file itself. With the
taplo language server or Even Better TOML, at the head of `prodlint.toml`:

```toml title="prodlint.toml"
#:schema ./settings.schema.json
fail-on = "P1"
```

```json title="settings.schema.json"
{schema_text(own_rules())}```
"""
    return made


def _setting(name: str) -> str:
    key = KEYS[name]
    facts = [f"- Value: {key.shape.words}", f"- Without it: {_default(key.default)}"]
    if key.flag:
        facts.append(f"- On the command line: [`{key.flag}`](../flags/{key.flag.lstrip('-')}.md)")
    facts.append(f"- With [`extend`](extend.md): {'entries add up' if key.adds_up else 'replaces the value of the file that is extended'}")
    parts = [f"# `{name}`", "", key.words, "", *facts, "", '```toml title="prodlint.toml"', key.example, "```", ""]
    parts += ['```toml title="pyproject.toml"', _in_pyproject(key.example), "```", ""]
    known = getattr(key.shape, "known", None) or getattr(getattr(key.shape, "item", None), "known", None)
    if known:
        parts += ["| Key | Value | |", "| --- | --- | --- |"]
        parts += [f"| `{inner}` | {_cell(shape.words)} | {_cell(words)} |" for inner, (shape, words) in known.items()]
    if name == "exclude":
        parts += ["", "prodlint's own list:", "", "```text", *DEFAULT_EXCLUDE, "```"]
    if name == "ruleset":
        parts += ["", f"The sets there are: {', '.join(f'`{one}`' for one in RULESETS)}."]
    if name == "rules":
        parts += ["", "| Rule | Options, with their defaults |", "| --- | --- |"]
        for rule in own_rules():
            if rule.options:
                # As HTML: MkDocs looks for anchors in the text between backticks too, and a regular expression is not HTML.
                given = ", ".join(
                    f"<code>{escape(f'{option} = {json.dumps(value, ensure_ascii=False)}')}</code>" for option, value in rule.options
                )
                parts.append(f"| [{rule.code}](../{_path_of(rule)}) | {_cell(given)} |")
    return "\n".join(parts) + "\n"


def _default(words: str) -> str:
    """A default as code where it is a value, and as it is where it is told in words."""
    return f"`{words}`" if words[:1] in '"[{' or words in ("true", "false") else words


def _in_pyproject(example: str) -> str:
    """An example of a `prodlint.toml` as it stands in pyproject.toml."""
    lines = [re.sub(r"^(\[{1,2})", r"\1tool.prodlint.", line) for line in example.split("\n")]
    return "\n".join(lines if lines[0].startswith("[") else ["[tool.prodlint]", *lines])


# ---------------------------------------------------------------- the command line


def flags() -> dict[str, str]:
    """A page for each flag, and one for all verbs."""
    by_flag: dict[str, list[tuple[str, argparse.Action]]] = {}
    parts = [
        "# Command line\n\n`prodlint PATH...` means `prodlint check PATH...`. Every verb has `--help`.\n\n"
        "| exit code | means |\n| --- | --- |\n"
        "| 0 | clean |\n| 1 | findings at or above [`fail-on`](../settings/fail-on.md) |\n"
        "| 2 | wrong use or settings, or output that cannot be written |\n"
        "| 3 | no such finding, but something asked for could not be analysed (`--allow-unchecked` turns it off) |\n"
        "| 70 | a bug in prodlint |\n\n"
        "Colours: `--color`, `NO_COLOR`, `FORCE_COLOR`. The cache of the user's own: `XDG_CACHE_HOME`.\n"
    ]
    for verb, (parser, words) in verbs().items():
        rows = []
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                continue
            if not action.option_strings:
                if action.help != argparse.SUPPRESS and action.metavar:
                    rows.append(f"| `{action.metavar}` | {_cell(_help(action))} |")
            elif action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
                name = _long(action)
                by_flag.setdefault(name, []).append((verb, action))
                rows.append(f"| [`{name}`]({name.lstrip('-')}.md) | {_cell(_help(action))} |")
        table = "| Flag | What it does |\n| --- | --- |\n" + "\n".join(rows) if rows else ""
        parts.append(f"## prodlint {verb}\n\n{_sentence(words)}\n\n{table}\n")
    made = {"flags/index.md": "\n".join(parts)}
    for name, uses in by_flag.items():
        made[f"flags/{name.lstrip('-')}.md"] = _flag(name, uses)
    return made


def verbs() -> Mapping[str, tuple[argparse.ArgumentParser, str]]:
    """The verbs with their parsers and what the help says of them."""
    return dict(_verbs_of(command_parser(), ""))


def _verbs_of(parser: argparse.ArgumentParser, above: str) -> Iterator[tuple[str, tuple[argparse.ArgumentParser, str]]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for verb, own in action.choices.items():
                yield f"{above}{verb}", (own, words.get(verb, ""))
                yield from _verbs_of(own, f"{above}{verb} ")


def _long(action: argparse.Action) -> str:
    return max(action.option_strings, key=lambda name: (name.startswith("--"), -action.option_strings.index(name)))


def _help(action: argparse.Action) -> str:
    return _sentence((action.help or "").replace("%%", "%"))


def _sentence(words: str) -> str:
    """A help text as a sentence of a page; what would be taken for HTML or a table is escaped."""
    words = words[:1].upper() + words[1:]
    return words if not words or words.endswith((".", "!")) else f"{words}."


def _flag(name: str, uses: list[tuple[str, argparse.Action]]) -> str:
    told: dict[tuple[str, ...], list[str]] = {}
    for verb, action in uses:
        value = f" {action.metavar}" if action.metavar and action.nargs != 0 else ""
        usage = ", ".join(f"`{one}{value}`" for one in action.option_strings)
        choices = ", ".join(f"`{choice}`" for choice in action.choices) if action.choices else ""
        default = action.default
        plain = (
            "" if default in (None, False, "", argparse.SUPPRESS) or isinstance(default, (list, bool)) or not choices else f"`{default}`"
        )
        told.setdefault((usage, _help(action), choices, plain), []).append(verb)
    parts = [f"# `{name}`", ""]
    for (usage, words, choices, default), listed in told.items():
        parts += [f"{usage} of " + ", ".join(f"[`{verb}`](index.md#prodlint-{verb.replace(' ', '-')})" for verb in listed), "", words, ""]
        if choices:
            parts += [f"Values: {choices}.", ""]
        if default:
            parts += [f"Without it: {default}.", ""]
    same = [key for key, value in KEYS.items() if value.flag == name]
    if same:
        parts += ["In the settings: " + ", ".join(f"[`{key}`](../settings/{key}.md)" for key in same) + ".", ""]
    return "\n".join(parts)


# ---------------------------------------------------------------- other tools


def tools() -> dict[str, str]:
    """Tables of other tools' codes, from the rules' pages."""
    made: dict[str, str] = {}
    rows = []
    for tool, (address, words) in TOOLS.items():
        codes: dict[str, list[Rule]] = {}
        for rule in own_rules():
            for code in rule.also:
                if code.startswith(f"{tool}:"):
                    codes.setdefault(code.partition(":")[2], []).append(rule)
        covered = [rule for rule in own_rules() if tool in rule.covered_by]
        rows.append(f"| [{tool}]({tool}.md) | {len(codes)} | {len(covered)} |")
        parts = [
            f"# If you use {tool}",
            "",
            words,
            "",
            f"[{tool}'s own list]({address}). `prodlint rule CODE` takes {tool}'s codes too.",
            "",
        ]
        if covered:
            parts += [
                f"## What to switch off\n\n`disable-overlap` switches off the rules that say little beyond {tool}, in the files that {tool} reads:\n",
                f'```toml title="prodlint.toml"\ndisable-overlap = ["{tool}"]\n```\n',
                ", ".join(f"[{rule.code} {rule.name}](../{_path_of(rule)})" for rule in covered) + ".\n",
            ]
        else:
            parts += [f"## What to switch off\n\nNothing: each of these rules sees more than {tool} does at the same place.\n"]
        honor = {"ruff": "noqa", "bandit": "nosec", "semgrep": "nosemgrep", "hadolint": "hadolint"}.get(tool)
        if honor:
            parts += [
                f"Comments that you wrote for {tool} are obeyed where the settings say so; what they silence is counted as suppressed:\n",
                f'```toml title="prodlint.toml"\nhonor = ["{honor}"]\n```\n',
            ]
        parts += ["## Codes", "", f"| {tool} | prodlint |", "| --- | --- |"]
        for code in sorted(codes):
            parts.append(f"| `{code}` | " + ", ".join(f"[{rule.code} {rule.name}](../{_path_of(rule)})" for rule in codes[code]) + " |")
        made[f"tools/{tool}.md"] = "\n".join(parts) + "\n"
    made["tools/index.md"] = (
        "# Beside other tools\n\nprodlint replaces none of these. Which of their codes has a rule here, what to switch off, and how their ignore comments count:\n\n"
        "| Tool | codes with a rule here | rules that `disable-overlap` switches off |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )
    return made


# ---------------------------------------------------------------- the checklist


def checklist() -> dict[str, str]:
    """The items of the readiness report, by category."""
    items = checklist_of({}, str(ROOT), own_rules()).items
    names = {rule.code: rule for rule in own_rules()}
    by_category: dict[str, list[Any]] = {}
    for item in items:
        by_category.setdefault(item.category, []).append(item)
    made = {}
    rows = []
    for category, listed in by_category.items():
        slug = category.lower().replace(" ", "-")
        rows.append(f"| [{category}]({slug}.md) | {len(listed)} |")
        parts = [f"# {category}\n"]
        for item in listed:
            parts += [f"## {item.title} {{ #{item.id} }}\n", f"`{item.id}` · {item.priority} · {item.level}\n", f"{item.why}\n"]
            if item.rules:
                told = [f"[{code}](../{_path_of(names[code])})" if code in names else code for code in item.rules]
                parts.append(f"Rules: {', '.join(told)}.\n")
            if item.look:
                parts.append(f"What a person should look at: {item.look}\n")
        made[f"checklist/{slug}.md"] = "\n".join(parts)
    made["checklist/index.md"] = (
        f"# Checklist\n\nThe {len(items)} items that [`prodlint report`](../report.md) answers. `drop`, `priority`, `level`, `exempt` and `confirmed` under "
        "[`checklist`](../settings/checklist.md) make it yours; items of your own are pages like these.\n\n"
        "| Category | Items |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )
    return made


def _cell(words: str) -> str:
    """Words in a table's cell."""
    return words.replace("|", "\\|").replace("\n", " ")


# ---------------------------------------------------------------- the hook


def on_config(config: Any, **_: Any) -> Any:
    """Every page that is made has its place in the navigation; a page of an extra that this checkout lacks has none."""
    made = pages()

    def below(folder: str) -> list[Any]:
        return [f"{folder}/index.md", *(path for path in made if path.startswith(f"{folder}/") and not path.endswith("/index.md"))]

    trees: dict[str, list[Any]] = {folder: below(folder) for folder in ("settings", "tools", "checklist", "flags")}
    trees["rules"] = ["rules/index.md", *({title: below(f"rules/{family}")} for family, title in FAMILIES.items())]
    nav: list[Any] = []
    for entry in config["nav"]:
        ((title, value),) = entry.items()
        folder = value.rpartition("/")[0] if isinstance(value, str) else ""
        nav.append({title: trees[folder]} if folder in trees else {title: _present(value)})
    config["nav"] = nav
    return config


def _present(entries: list[Any]) -> list[Any]:
    paths = [(entry, next(iter(entry.values())) if isinstance(entry, dict) else entry) for entry in entries]
    return [entry for entry, path in paths if (ROOT / "docs" / path).is_file()]


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """The pages that are made join those that are written."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
