"""Every setting there is: what may stand behind it, what it is without it, what it does, and an example.

One table for validation (`prodlint.configuration.settings`), for `prodlint config`, for the published JSON Schema and for the pages of the
documentation.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from prodlint.configuration.shapes import Fields, Flag, ListOf, OneOf, Options, Pattern, Selector, Shape, Shorthand, Table, TablesOf, Text
from prodlint.model import PRIORITIES

FailOn = Literal["P0", "P1", "P2", "never"]
FAIL_ON: tuple[FailOn, ...] = ("P0", "P1", "P2", "never")
ROLES = (
    "test",
    "example",
    "dev",
    "ci",
    "generated",
    "vendored",
    "production",
    "migration",
    "script",
    "settings",
    "docs",
    "stub",
    "notebook",
    "command",
)
# The dated sets of rules, oldest first. Who names a set gets nothing of a later one by an upgrade.
RULESETS = ("2026.12",)
# `pragma` is an older name of `detect-secrets` here.
HONOR = ("noqa", "nosec", "detect-secrets", "pragma", "gitleaks", "kingfisher", "trufflehog", "ggshield", "nosemgrep", "hadolint")
_PYTHON = ("*.py", "*.pyi", "*.ipynb")
# The tools that `disable-overlap` knows, and the files that each reads. Which rules are covered by it stands on their pages.
OVERLAP: dict[str, tuple[str, ...]] = {
    "ruff": _PYTHON,
    "bandit": _PYTHON,
    "hadolint": ("[Dd]ockerfile*", "*.[Dd]ockerfile", "[Cc]ontainerfile*", "*.[Cc]ontainerfile"),
    "zizmor": (".github/**", "action.yml", "action.yaml"),
}
LEVELS = ("bronze", "silver", "gold")


class Key(NamedTuple):
    """One setting. default: as TOML, or in words. words: Markdown, its first sentence says it all. example: TOML at the top of a `prodlint.toml`.
    flag: the flag of the command line that does the same for one run. adds_up: entries of a settings file and of those it extends are put
    together; other values are replaced."""

    shape: Shape
    default: str
    words: str
    example: str
    flag: str = ""
    adds_up: bool = False


def _kinds() -> tuple[str, ...]:
    from prodlint.configuration.kinds import KINDS

    return KINDS


_SELECTORS = ListOf(Selector())
_PRIORITY = Table(Selector(), OneOf(*PRIORITIES))
_ITEM = Text("id of an item")
_EXEMPTION = Shorthand(
    "reason", Fields({"reason": (Text(), "Why."), "until": (Text("date", "date"), "The last day on which it holds.")}, ("reason",))
)
_SELECTION = {
    "select": (_SELECTORS, "The rules that are on, instead of those on by default."),
    "extend-select": (_SELECTORS, "Rules that are on besides the others."),
    "ignore": (_SELECTORS, "Rules that are off."),
}

KEYS: dict[str, Key] = {
    "select": Key(
        _SELECTORS,
        "the rules that are on by default",
        "The rules that are on, instead of those that are on by default. A rule is named by its code, by a prefix (`PRD5` is a family), by its "
        "name, or all of them by `ALL`. The more specific selector wins, and `ignore` where two are equally specific. What is selected speaks in full: "
        "the options that a rule's page names under `wider` are true for it, unless they are set.",
        'select = ["PRD1", "PRD2", "requests-without-timeout"]',
        "--select",
    ),
    "extend-select": Key(
        _SELECTORS,
        "[]",
        "Rules that are on besides the others. Use it to switch on rules that are off by default, and to have others speak in full, as `select` does.",
        'extend-select = ["PRD113"]',
        "--extend-select",
    ),
    "ignore": Key(
        _SELECTORS,
        "[]",
        "Rules that are off everywhere. To silence one finding write an ignore comment, and for some files `per-file-ignores`.",
        'ignore = ["todo-comment"]',
        "--ignore",
    ),
    "extend": Key(
        Text("path"),
        "none",
        "A settings file that this one builds on: its values hold where this file has none. Lists and single values are replaced; tables, "
        "`extend-exclude`, `extend-rules`, `error-reporters` and `http-wrappers` add up. The path is relative to this file.",
        'extend = "../pyproject.toml"',
    ),
    "per-path": Key(
        TablesOf(
            Fields({"paths": (ListOf(Pattern()), "The files."), **_SELECTION, "priority": (_PRIORITY, "Priorities by rule.")}, ("paths",))
        ),
        "none",
        "Choices for some files: rules that are on or off there, and priorities. Later tables win over earlier ones.",
        '[[per-path]]\npaths = ["jobs/**"]\nignore = ["PRD573"]\npriority = { PRD504 = "P1" }',
    ),
    "per-file-ignores": Key(
        Table(Pattern(), _SELECTORS),
        "{}",
        "Rules that are off in some files. A pattern that begins with `!` means every other file.",
        '[per-file-ignores]\n"scripts/**" = ["PRD701"]',
        "--per-file-ignores",
        adds_up=True,
    ),
    "ignore-entries": Key(
        TablesOf(
            Fields(
                {
                    "paths": (ListOf(Pattern()), "The documents: YAML, JSON, TOML."),
                    "keys": (
                        ListOf(Text("path of keys")),
                        "Paths of keys: `spec.template.spec.containers.*.resources`; `*` is one step, `**` any number.",
                    ),
                    "rules": (_SELECTORS, "The rules."),
                    "reason": (Text(), "Why."),
                    "until": (Text("date", "date"), "The last day on which it holds."),
                },
                ("paths", "keys", "rules", "reason"),
            )
        ),
        "none",
        "Findings to ignore in documents that one may not edit, such as vendored charts and generated manifests: those of some rules at or below some "
        "keys. They are suppressed ones: counted, shown by `--show-suppressed`, back with `--no-inline-ignores`. A table that ignores nothing "
        "gets a note.",
        '[[ignore-entries]]\npaths = ["charts/**"]\nkeys = ["spec.template.spec.containers"]\nrules = ["PRD842"]\n'
        'reason = "limits come from the cluster\'s LimitRange"\nuntil = "2027-06-30"',
        adds_up=True,
    ),
    "priority": Key(
        _PRIORITY,
        "{}",
        "The priority that a rule's findings have, instead of the one on its page: P0 is to be fixed before launch, P1 in the first week, P2 in the first month.",
        '[priority]\nPRD701 = "P1"\ntodo-comment = "P2"',
        adds_up=True,
    ),
    "fail-on": Key(
        OneOf(*FAIL_ON),
        '"P2"',
        "The lowest priority that fails a run (exit code 1). What is shown stays the same; `never` lets no finding fail it.",
        'fail-on = "P1"',
        "--fail-on",
    ),
    "warn-only": Key(_SELECTORS, "[]", "Rules whose findings are shown and never fail a run.", 'warn-only = ["PRD3"]'),
    "ruleset": Key(
        OneOf(*RULESETS),
        "the newest",
        "The dated set of rules. With a set named, an upgrade of prodlint brings no new finding: rules, defaults and priorities of later sets wait until "
        "a newer one is named. `prodlint ruleset diff` tells what that would bring.",
        f'ruleset = "{RULESETS[-1]}"',
        "--ruleset",
    ),
    "exclude": Key(
        ListOf(Pattern()),
        "directories of tools and environments",
        "Files and directories that are not looked at, instead of prodlint's own list of directories that hold no code of the project. "
        "`extend-exclude` adds to that list. Excluded files stay excluded when they are named on the command line, as hooks do.",
        'exclude = ["legacy/", ".venv/"]',
        "--exclude",
    ),
    "extend-exclude": Key(
        ListOf(Pattern()),
        "[]",
        "Files and directories that are not looked at, besides prodlint's own list. Patterns are written as in `.gitignore`, from the directory of the settings.",
        'extend-exclude = ["legacy/", "*_pb2.py"]',
        "--extend-exclude",
        adds_up=True,
    ),
    "respect-gitignore": Key(
        Flag(),
        "true",
        "Whether `.gitignore`, `.ignore` and `.git/info/exclude` are obeyed.",
        "respect-gitignore = false",
        "--no-respect-gitignore",
    ),
    "files": Key(
        Table(Pattern(), OneOf(later=_kinds)),
        "{}",
        "What kind of file something is, where its name does not say it.",
        '[files]\n"deploy/*.conf" = "nginx"\n"ops/settings.*" = "env"',
        adds_up=True,
    ),
    "roles": Key(
        Table(OneOf(*ROLES), ListOf(Pattern())),
        "{}",
        "Which files are tests, examples, development set-ups, scripts and so on. Rules are silent or weigh less in some roles. "
        "These patterns come on top of what prodlint sees by itself; a pattern that begins with `!` takes a role away.",
        '[roles]\ntest = ["qa/**"]\ndev = ["compose.demo.yaml"]',
        adds_up=True,
    ),
    "rules": Key(
        Table(Selector(False), Options()),
        "{}",
        "Options of single rules. Which options a rule has stands on its page, and `prodlint rule CODE` prints them with their defaults.",
        "[rules.PRD504]\nconnect = 3.0\nread = 60.0",
        adds_up=True,
    ),
    "extend-rules": Key(
        ListOf(Text("folder")),
        "[]",
        "Folders with rules of your own: pages like prodlint's, data only. Relative to the settings file; they must lie in the project.",
        'extend-rules = ["lint/rules"]',
        adds_up=True,
    ),
    "plugins": Key(
        Flag(),
        "true",
        "Whether installed plug-ins are loaded: packages with an entry point in the group `prodlint.rules`.",
        "plugins = false",
        "--no-plugins",
    ),
    "error-reporters": Key(
        ListOf(Text("qualified name")),
        "[]",
        "Functions of yours that report an error, as `sentry_sdk.capture_exception` does: a handler that calls one does not swallow.",
        'error-reporters = ["service.errors.report"]',
        adds_up=True,
    ),
    "http-wrappers": Key(
        ListOf(Text("qualified name")),
        "[]",
        "Functions, classes and modules of yours that give HTTP calls their timeout.",
        'http-wrappers = ["service.http.call"]',
        adds_up=True,
    ),
    "inline-ignores": Key(
        Flag(),
        "true",
        "Whether ignore comments (and `ignore-entries`) are obeyed. With `false` every finding counts whatever a comment says.",
        "inline-ignores = false",
        "--no-inline-ignores",
    ),
    "require-reason": Key(
        Flag(),
        "false",
        "Whether an ignore must say why: `# prodlint: ignore[PRD504] -- the reason`. One without a reason is a finding.",
        "require-reason = true",
    ),
    "unsuppressible": Key(_SELECTORS, "[]", "Rules that no comment can silence.", 'unsuppressible = ["PRD1"]'),
    "honor": Key(
        ListOf(OneOf(*HONOR)),
        "[]",
        "Other tools whose ignore comments and lists are obeyed as well. Findings silenced that way are suppressed ones: counted, and shown by `--show-suppressed`.",
        'honor = ["noqa", "nosec", "gitleaks"]',
        "--honor",
    ),
    "disable-overlap": Key(
        ListOf(OneOf(*OVERLAP)),
        "[]",
        "Other tools that you use too: rules that say little beyond what they say are off in the files that they read.",
        'disable-overlap = ["ruff", "hadolint"]',
        "--disable-overlap",
    ),
    "baseline": Key(
        Text("path"),
        "none",
        "The file of findings that are known, as `prodlint baseline` writes it: only others fail a run. Relative to the settings file.",
        'baseline = ".prodlint-baseline"',
        "--baseline",
    ),
    "strict-baseline": Key(
        Flag(),
        "false",
        "Whether the baseline may only shrink: an entry whose finding is gone fails a run until `prodlint baseline --shrink` has dropped it, and so does, "
        "with `--since`, an entry that the baseline of that revision had not.",
        'baseline = ".prodlint-baseline"\nstrict-baseline = true',
        "--strict-baseline",
    ),
    "allow-unchecked": Key(
        Flag(),
        "false",
        "Whether files that could not be analysed leave the exit code alone. They are named all the same.",
        "allow-unchecked = true",
        "--allow-unchecked",
    ),
    "cache-dir": Key(
        Text("path"),
        '".prodlint_cache"',
        "Where results are kept between runs. Relative to the settings file; it must lie in the project.",
        'cache-dir = ".cache/prodlint"',
        "--cache-dir",
    ),
    "checklist": Key(
        Fields(
            {
                "pages": (ListOf(Text("folder")), "Folders with items of your own, pages like those in `rules/checklist/`."),
                "drop": (ListOf(_ITEM), "Items that are not asked."),
                "priority": (Table(_ITEM, OneOf(*PRIORITIES)), "Another priority for an item."),
                "level": (Table(_ITEM, OneOf(*LEVELS)), "Another level for an item."),
                "exempt": (Table(_ITEM, _EXEMPTION), "Items that do not hold for this project, and why."),
                "confirmed": (Table(_ITEM, _EXEMPTION), "Items that no file can show, and how you know them to be met."),
                "score": (Flag(), "Whether the report has a score. On where it is not set."),
            }
        ),
        "{}",
        "What the items of the readiness report are to be: your own, those that are not asked, and what people know that no file shows.",
        '[checklist]\ndrop = ["contract-tests"]\npriority = { backups = "P0" }\n'
        'exempt.not-root = { reason = "the platform sets the user", until = "2027-03-31" }\n'
        'confirmed.load-tested = { reason = "k6, 2,000 users, 3 May" }',
    ),
}
