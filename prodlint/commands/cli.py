"""The command line: the road as a table of contents."""

from __future__ import annotations

import argparse
import gc
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from prodlint.commands import VERBS, streams
from prodlint.commands.ending import ended_orderly
from prodlint.commands.streams import say

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


def main(arguments: Sequence[str] | None = None) -> int:
    """Run prodlint; the exit code is one of 0, 1, 2, 3 and 70."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # A run makes many objects and lets few go: looking for rings of them is a tenth of a short run's time.
    gc.set_threshold(100_000, 20, 20)
    if words and words[0] in ("-V", "--version") and {"-v", "--verbose"} & set(words[1:]):
        words = ["version", "-v"]
    if words[:1] == ["help"]:
        words = [*(word for word in words[1:2] if word in VERBS and word != "help"), "--help"]
    if not words or (words[0] not in VERBS and words[0] not in ("-h", "--help", "-V", "--version")):
        words = ["check", *words]
    if words[0] == "fleet" and words[1:2] not in (["run"], ["report"], ["diff"], ["-h"], ["--help"], []):
        words.insert(1, "run")  # `prodlint fleet SOURCES`, as `prodlint PATHS`; a folder of such a name is `./report`
    streams.prepare()
    try:
        with ended_orderly():
            try:
                return _parse_and_run(words)
            finally:
                # Here, where a full disk can still be told; at exit nobody could.
                if not sys.stdout.closed:  # as the language server leaves it
                    sys.stdout.flush()
    except BrokenPipeError:
        # `prodlint | head`: the reader has what it wanted.
        streams.abandon()
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # what the machine refuses is no bug
        streams.abandon()
        say(streams.reason(error))
        return 2
    except MemoryError:
        say("not enough memory: the run was given up")
        return 3
    except Exception as error:  # a bug: said in one line, without values, which might be secrets
        from prodlint.engine.analysis import where_raised

        say(f"a bug in prodlint: {type(error).__name__} in {where_raised(error)}; please report it")
        return 70


def _parse_and_run(words: list[str]) -> int:
    parser = command_parser(words[0])
    parser.verb = words[0]
    given = parser.parse_args(words)
    function: Callable[[argparse.Namespace], int] = given.function
    from prodlint.configuration.settings import SettingsError
    from prodlint.engine.catalogue import PageError

    try:
        return function(given)
    except (SettingsError, PageError) as error:
        say(str(error))
        return 2


# Known here too, so that the command line need not import the verbs.
_SCHEMAS = ("settings", "report", "readiness")
_EXAMPLES = """\
examples:
  prodlint                         check the project you stand in; flags of `check` work without the verb
  prodlint src/ compose.yaml       some of it
  prodlint --since origin/main     only what this change brought
  prodlint rule PRD504             why, how to fix it, examples; also another tool's code, such as S113
  prodlint init                    settings, a baseline and hooks for a repository that has none
  prodlint config fail-on          what a setting does, and where it is set here
  prodlint report -o report.html   the readiness report
  prodlint VERB --help             the flags of a verb

exit codes: 0 clean, 1 findings, 2 wrong use or settings, 3 something was not analysed, 70 a bug in prodlint
"""
_EXAMPLES_OF_CHECK = """\
examples:
  prodlint check                                    the project you stand in
  prodlint check - --stdin-filename app/main.py     standard input
  prodlint check --select PRD5 --min-priority P1    one family, without what is less urgent
  prodlint check --diff --unsafe-fixes              what the fixes would change
  prodlint check --output-format sarif -o out.sarif --also concise
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with what was meant. Twenty lines of usage hide it.

    Flags are written out: a shortened one would be another flag as soon as a longer one comes, and `--disable` is no `--disable-overlap`.
    """

    verb = ""

    def __init__(self, **words: Any) -> None:
        super().__init__(allow_abbrev=False, **words)

    def format_usage(self) -> str:
        """In one line, without the flags, which the help explains below."""
        return f"usage: {self._usage()}\n"

    def format_help(self) -> str:
        """The usage in one line, as of `format_usage`, and the rest as argparse writes it."""
        self.usage = self._usage().replace("%", "%%")
        return super().format_help()

    def _usage(self) -> str:
        words = [self.prog, "[FLAGS]"]
        for action in self._actions:
            if not action.option_strings:
                name = action.metavar if isinstance(action.metavar, str) else action.dest
                many = {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}
                words.append(f"{name} ..." if isinstance(action, argparse._SubParsersAction) else many.get(str(action.nargs), name))
        return " ".join(words)

    def error(self, message: str) -> NoReturn:
        """Wrong use: exit code 2."""
        prog, verbs = self.prog, _verbs_of(self)
        unknown = message.removeprefix("unrecognized arguments: ").split(" ", 1)[0] if message.startswith("unrecognized") else ""
        if unknown.startswith("-"):
            from prodlint.commands.habits import unknown_flag

            own = verbs.get(self.verb, self)
            others = {verb: _flags_of(parser) for verb, parser in verbs.items() if parser is not own}
            message, prog = unknown_flag(unknown, self.verb, _flags_of(own), others), own.prog
        elif wrong := _WRONG_VALUE.match(message):
            from prodlint.commands.habits import unknown_value

            action = next(action for action in self._actions if "/".join(action.option_strings) == wrong[1])
            message = unknown_value(action.option_strings[-1], wrong[2], map(str, action.choices or ()))
        say(message if "; here: " in message else f"{message}; `{prog} --help` lists what there is")
        self.exit(2)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """What argparse prints itself: help and version. It would not tell that nobody can read them."""
        if message:
            (file or sys.stderr).write(message)


# As argparse says it, of a flag.
_WRONG_VALUE = re.compile(r"argument (-[^:]*): invalid choice: '(.*?)'.* \(choose from ", re.DOTALL)


def _verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _flags_of(parser: argparse.ArgumentParser) -> list[str]:
    """The flags that the help of a verb lists, and those of its own verbs."""
    own = [name for action in parser._actions if action.help != argparse.SUPPRESS for name in action.option_strings]
    return [*own, *(name for below in _verbs_of(parser).values() for name in _flags_of(below))]


def command_parser(verb: str = "") -> _Parser:
    """The parser of the command line, with one of its own for each verb. verb: the one in use, whose own verbs are then all that is made."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="prodlint", description="Is this Python service ready for production?", epilog=_EXAMPLES, formatter_class=shape)
    from prodlint import __version__

    parser.add_argument("-V", "--version", action="version", version=f"prodlint {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    _add_check(
        verbs.add_parser("check", help="check files and directories (the default verb)", epilog=_EXAMPLES_OF_CHECK, formatter_class=shape)
    )
    _add_rule(verbs.add_parser("rule", help="explain a rule, or test the examples of a folder of rules"))
    baseline = verbs.add_parser("baseline", help="record the current findings, so that only new ones are reported")
    baseline.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files or directories (default: .)")
    baseline.add_argument(
        "--baseline", metavar="FILE", help="the file to write (default: the settings', else .prodlint-baseline at the root)"
    )
    baseline.add_argument("--shrink", action="store_true", help="drop the entries that no longer occur, and record nothing new")
    baseline.add_argument(
        "--format",
        choices=("prodlint", "detect-secrets"),
        default="prodlint",
        help="prodlint, or detect-secrets: the secrets alone, as the `.secrets.baseline` of that tool",
    )
    _add_selection(baseline)
    baseline.set_defaults(function=_baseline)
    clean = verbs.add_parser("clean", help="clear the cache")
    clean.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="projects (default: .)")
    clean.add_argument("--cache-dir", metavar="DIR", help="where the cache is (default: what the settings say)")
    clean.set_defaults(function=_clean)
    _add_secrets(verbs.add_parser("secrets", help="look for secrets in the history of the repository"))
    _add_stats(verbs.add_parser("stats", help="how the findings moved since a revision: new, fixed, aged, by rule and owner"))
    _add_report(verbs.add_parser("report", help="answer the readiness checklist with places"))
    _add_checklist(verbs.add_parser("checklist", help="audit a Markdown checklist: which ticks the code belies"))
    _add_fleet(verbs.add_parser("fleet", help="check many repositories, and report on all of them (extra: prodlint[fleet])"), verb)
    init = verbs.add_parser(
        "init",
        help="write settings, a baseline and hooks where there are none",
        description="Writes `[tool.prodlint]` in pyproject.toml (or prodlint.toml), .pre-commit-config.yaml, a workflow where there is a .github, "
        "and .prodlint-baseline. Overwrites nothing; what belongs into a file that is there already is printed.",
    )
    init.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="the project (default: .)")
    init.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    init.add_argument("--agents", action="store_true", help="also write instructions for coding agents into AGENTS.md")
    _add_selection(init)
    init.set_defaults(function=_init)
    config = verbs.add_parser("config", help="list the settings, explain one, or print their JSON Schema")
    config.add_argument("key", nargs="?", metavar="KEY", help="a setting, such as fail-on")
    config.add_argument("--schema", action="store_true", help="print the JSON Schema of the settings")
    config.set_defaults(function=_config)
    ruleset = verbs.add_parser("ruleset", help="the dated sets of rules: list them, or tell what a later one brings")
    ruleset.add_argument(
        "what", choices=("list", "diff"), metavar="list|diff", help="list: the sets there are; diff: how two of them differ"
    )
    ruleset.add_argument("old", nargs="?", metavar="OLD", help="the earlier set (default: the one in force here)")
    ruleset.add_argument("new", nargs="?", metavar="NEW", help="the later set (default: the newest)")
    ruleset.add_argument("--count", action="store_true", help="also count the new findings that this would bring here")
    ruleset.set_defaults(function=_ruleset)
    schema = verbs.add_parser("schema", help="print the JSON Schema of the settings, the JSON report or the readiness report")
    schema.add_argument("of", choices=_SCHEMAS, metavar="OF", help=", ".join(_SCHEMAS))
    schema.add_argument("-o", "--output-file", metavar="FILE", help="write it there, whole or not at all")
    schema.set_defaults(function=_schema)
    completion = verbs.add_parser("completion", help="print the completion of a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "fish", "powershell"), metavar="SHELL", help="bash, zsh, fish, powershell")
    completion.set_defaults(function=_completion, parser=parser)
    serve = verbs.add_parser("server", help="the language server, for editors (extra: prodlint[lsp])")
    serve.add_argument("--stdio", action="store_true", help="over standard input and output, the only way there is")
    serve.set_defaults(function=_server)
    agents = verbs.add_parser("mcp", help="a Model Context Protocol server for coding agents, read-only (extra: prodlint[mcp])")
    agents.add_argument("--root", default=".", metavar="DIR", help="the project; nothing outside it is looked at (default: .)")
    agents.set_defaults(function=_mcp)
    version = verbs.add_parser("version", help="print the version")
    version.add_argument("-v", "--verbose", action="store_true", help="those of its dependencies as well")
    version.set_defaults(function=_version)
    _describe(verbs)
    return parser


def _describe(verbs: argparse._SubParsersAction[Any]) -> None:
    """Each verb's own help begins with what the list of verbs says of it."""
    for listed in verbs._choices_actions:
        told, parser = listed.help or "", verbs.choices[listed.dest]
        parser.description = parser.description or f"{told[:1].upper()}{told[1:]}."


def _add_selection(parser: argparse.ArgumentParser) -> None:
    choose = parser.add_argument_group("rules and files")
    choose.add_argument(
        "--select", action="append", metavar="RULES", help="rules to switch on: codes, prefixes, names or ALL, separated by commas"
    )
    choose.add_argument("--ignore", action="append", default=[], metavar="RULES", help="rules to switch off")
    choose.add_argument("--extend-ignore", dest="ignore", action="append", metavar="RULES", help=argparse.SUPPRESS)
    choose.add_argument(
        "--per-file-ignores",
        action="append",
        default=[],
        metavar="PATTERN:RULES",
        help="rules to switch off in files, such as tests/**:PRD701",
    )
    choose.add_argument("--extend-per-file-ignores", dest="per_file_ignores", action="append", help=argparse.SUPPRESS)
    choose.add_argument("--preview", action="store_true", help=argparse.SUPPRESS)
    # What is so anyway: ruff's users have these in their scripts.
    for name in ("--force-exclude", "--respect-gitignore", "--no-preview", "--no-unsafe-fixes"):
        choose.add_argument(name, dest="so_anyway", action="store_true", help=argparse.SUPPRESS)
    choose.add_argument("--no-force-exclude", dest="include_excluded", action="store_true", default=None, help=argparse.SUPPRESS)
    choose.add_argument("--extend-select", action="append", default=[], metavar="RULES", help="rules to switch on besides the others")
    choose.add_argument("--exclude", action="append", metavar="PATTERNS", help="paths to leave out, instead of the defaults")
    choose.add_argument("--extend-exclude", action="append", metavar="PATTERNS", help="paths to leave out besides the others")
    choose.add_argument(
        "--include-excluded", action="store_true", default=None, help="check files named on the command line even if excluded"
    )
    choose.add_argument(
        "--no-respect-gitignore", dest="respect_gitignore", action="store_false", default=None, help="do not read ignore files"
    )
    choose.add_argument("--config", action="append", default=[], metavar="FILE|KEY=VALUE", help="a settings file, or one setting")
    choose.add_argument("--ruleset", metavar="DATE", help="the dated set of rules, such as 2026.12: nothing of a later set is reported")
    choose.add_argument("--isolated", action="store_true", help="read no settings file")
    choose.add_argument("--no-local-config", action="store_true", help="read only settings files named by --config")
    choose.add_argument(
        "--honor",
        action="append",
        metavar="TOOLS",
        help="obey directives and lists of other tools: noqa, nosec, detect-secrets, gitleaks, kingfisher, trufflehog, ggshield, nosemgrep, hadolint",
    )
    choose.add_argument(
        "--disable-overlap",
        action="append",
        metavar="TOOLS",
        help="switch off rules that these tools already cover: ruff, bandit, hadolint, zizmor",
    )
    choose.add_argument(
        "--no-inline-ignores", dest="inline_ignores", action="store_false", default=None, help="findings count whatever a comment says"
    )
    choose.add_argument("--no-plugins", dest="plugins", action="store_false", default=None, help="leave installed plug-ins out")
    choose.add_argument("--exhaustive", action="store_true", help="parse every file, whatever its bytes hold")
    choose.add_argument("-j", "--jobs", type=int, default=0, metavar="N", help="processes (default: one for each processor)")
    choose.add_argument("--root", metavar="DIR", help="the project's root (default: the nearest directory with .git or settings)")
    choose.add_argument("--today", default="", metavar="DATE", help=argparse.SUPPRESS)


def _add_check(parser: argparse.ArgumentParser) -> None:
    from prodlint.reports import FORMATS

    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files or directories (default: .); - for standard input")
    _add_selection(parser)
    parser.add_argument("--stdin-filename", metavar="NAME", help="the name of what comes on standard input (path `-`)")
    parser.add_argument(
        "--stage",
        choices=("commit", "release"),
        help="commit: notes such as TODO and FIXME may wait; release: they count, whatever the settings say",
    )
    show = parser.add_argument_group("output")
    show.add_argument("--output-format", choices=sorted(FORMATS), metavar="FORMAT", help=", ".join(sorted(FORMATS)))
    show.add_argument("-o", "--output-file", metavar="FILE", help="write the report there, whole or not at all; - for standard output")
    show.add_argument("--also", action="append", default=[], metavar="FORMAT[=FILE]", help="one more report, in another format")
    show.add_argument("--sarif-category", metavar="NAME", help="tells several SARIF uploads of one commit apart (default: prodlint/)")
    show.add_argument("--sarif-max-results", type=int, metavar="N", help="most SARIF results written; the most severe stay (default: 5000)")
    show.add_argument(
        "--checklist", action="store_true", help="SARIF: the readiness checklist's items too, as pass, fail, open and notApplicable"
    )
    show.add_argument("--sort", choices=("path", "priority", "rule"), default="path", help="the order of findings in the text formats")
    show.add_argument("--min-priority", choices=("P0", "P1", "P2"), default="P2", help="show nothing below it; the exit code stays")
    show.add_argument("--statistics", action="store_true", help="count the findings of each rule, and list none")
    show.add_argument("--show-files", action="store_true", help="list the files that would be checked, and stop")
    show.add_argument("--show-settings", action="store_true", help="print the settings and where each comes from, and stop")
    show.add_argument("--show-suppressed", action="store_true", help="list suppressed findings with their reasons")
    show.add_argument(
        "--timings", action="store_true", help="tell where the time went, by phase, rule and file; in one process, without the cache"
    )
    show.add_argument("-q", "--quiet", action="store_true", help="print findings only")
    _add_color(show)
    work = parser.add_argument_group("day by day")
    work.add_argument("--watch", action="store_true", help="check again whenever a file changes")
    work.add_argument("--add-ignore", action="store_true", help="write an inline ignore at every finding; --reason says why")
    work.add_argument("--reason", default="", metavar="WORDS", help="the reason for --add-ignore")
    work.add_argument("--until", default="", metavar="DATE", help="the day on which those ignores end, such as 2027-01-31")
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="apply safe fixes, and report what is left")
    fixes.add_argument("--no-fix", dest="fix", action="store_false", help=argparse.SUPPRESS)
    fixes.add_argument("--unsafe-fixes", action="store_true", help="also apply unsafe fixes; review the result")
    fixes.add_argument("--fix-only", action="store_true", help="apply fixes, and report nothing")
    fixes.add_argument("--diff", action="store_true", help="print what the fixes would change, and write nothing; 1 if there is anything")
    fixes.add_argument("--show-fixes", action="store_true", help="list what was fixed")
    fixes.add_argument("--exit-non-zero-on-fix", action="store_true", help="exit with 1 if anything was fixed")
    known = parser.add_argument_group("what is new")
    known.add_argument("--baseline", metavar="FILE", help="findings that are known, as `prodlint baseline` writes them")
    known.add_argument(
        "--strict-baseline", action="store_true", default=None, help="entries of the baseline that occur no more fail the run"
    )
    known.add_argument("--no-baseline", action="store_true", help="known findings count too, whatever the settings say")
    known.add_argument("--since", metavar="REV", help="only what changed since this git revision brought")
    known.add_argument("--no-cache", dest="cache", action="store_false", help="do not use or write the results of the last run")
    known.add_argument("--cache-dir", metavar="DIR", help="where those are (default: .prodlint_cache)")
    decide = parser.add_argument_group("exit code")
    decide.add_argument(
        "--fail-on", choices=("P0", "P1", "P2", "never"), help="the lowest priority that fails the run (default: P2, any finding)"
    )
    decide.add_argument("-e", "--exit-zero", action="store_true", help="exit with 0 whatever was found")
    decide.add_argument("--allow-unchecked", action="store_true", default=None, help="files that could not be analysed do not fail the run")
    parser.set_defaults(function=_check)


def _add_color(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", metavar="WHEN", help="colours: auto (on a terminal), always, never"
    )


# The formats that have a place for a commit.
_OF_HISTORY = ("concise", "json", "sarif")


def _add_secrets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="a directory of the repository (default: .)")
    _add_selection(parser)
    parser.add_argument(
        "--history",
        nargs="?",
        const="",
        default="",
        metavar="REV..REV",
        help="the commits to look at (default: all that a branch or tag reaches)",
    )
    parser.add_argument("--output-format", choices=_OF_HISTORY, default="concise", metavar="FORMAT", help=", ".join(_OF_HISTORY))
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write the report there, whole or not at all")
    parser.add_argument("--baseline", metavar="FILE", help="secrets that are known, as `prodlint baseline` writes them")
    parser.add_argument("--no-baseline", action="store_true", help="known secrets count too, whatever the settings say")
    parser.add_argument(
        "--fail-on", choices=("P0", "P1", "P2", "never"), help="the lowest priority that fails the run (default: P2, any secret)"
    )
    parser.add_argument("-e", "--exit-zero", action="store_true", help="exit with 0 whatever was found")
    parser.add_argument(
        "--allow-unchecked", action="store_true", default=None, help="versions that could not be looked at do not fail the run"
    )
    parser.set_defaults(function=_secrets)


def _secrets(given: argparse.Namespace) -> int:
    from prodlint.commands.secrets import secrets

    return secrets(given)


def _add_stats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files or directories (default: .)")
    _add_selection(parser)
    parser.add_argument("--since", metavar="REV", help="the git revision to compare with, such as v1.0 or origin/main")
    parser.add_argument(
        "--output-format", choices=("text", "markdown", "json"), default="text", metavar="FORMAT", help="text, markdown, json"
    )
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write it there, whole or not at all")
    parser.add_argument("--allow-unchecked", action="store_true", default=None, help="files that could not be analysed do not fail the run")
    parser.set_defaults(function=_stats)


def _stats(given: argparse.Namespace) -> int:
    from prodlint.commands.stats import stats

    return stats(given)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="the project (default: .)")
    _add_selection(parser)
    _add_answers(parser)
    parser.add_argument(
        "--output-format", choices=("text", "markdown", "html", "json"), metavar="FORMAT", help="text, markdown, html, json"
    )
    parser.add_argument(
        "-o", "--output-file", metavar="FILE", help="write the report there; its ending says the format where none is given"
    )
    parser.add_argument("--item", metavar="ID", default="", help="tell of one item of the checklist alone, with all of its places")
    parser.add_argument("--compare", metavar="OLD.json", help="an earlier report as JSON: tell what got better and worse")
    parser.add_argument(
        "--fail-on",
        dest="fail_on_items",
        choices=("P0", "P1", "P2", "never"),
        default="never",
        help="items that fail the run when not met (default: never)",
    )
    _add_color(parser)
    parser.set_defaults(function=_report)


def _add_checklist(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.md", help="the checklist")
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="the project it speaks of (default: .)")
    _add_selection(parser)
    _add_answers(parser)
    parser.add_argument(
        "--output-format", choices=("text", "markdown", "json"), default="text", metavar="FORMAT", help="text, markdown, json"
    )
    parser.add_argument("-o", "--output-file", metavar="FILE", help="write the audit there, by rename")
    parser.add_argument("--write", action="store_true", help="untick in the file what the code belies, with links to the evidence")
    parser.add_argument("--tick", action="store_true", help="with --write: also tick what the code shows to be met")
    parser.add_argument("--all", action="store_true", help="tell also of lines that could not be mapped, and of plain statements")
    parser.add_argument(
        "--fail-on",
        dest="fail_on_lines",
        choices=("belied", "never"),
        default="never",
        help="exit with 1 where the code belies a tick (default: never)",
    )
    _add_color(parser)
    parser.set_defaults(function=_checklist)


def _add_fleet(parser: argparse.ArgumentParser, verb: str) -> None:
    if verb not in ("", "fleet", "completion"):
        return  # three parsers that no other verb needs
    verbs = parser.add_subparsers(dest="fleet_verb", metavar="VERB", required=True)
    run = verbs.add_parser("run", help="check the repositories (the default)")
    run.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a directory, a bare repository, a git address, a glob, or a file of lines `name<TAB>source[<TAB>ref]` (`-`: standard input)",
    )
    run.add_argument("-o", "--out", required=True, metavar="DIR", help="the dataset, which is made or gets one more run")
    run.add_argument("--resume", action="store_true", help="check only what is missing, has failed or has changed since the last runs")
    where = run.add_argument_group("where it runs")
    where.add_argument("--workers", type=int, default=0, metavar="N", help="processes of this machine (default: one for each processor)")
    where.add_argument("--scheduler", default="", metavar="ADDRESS", help="a Dask scheduler that runs already, such as tls://host:8786")
    where.add_argument("--client", default="", metavar="MODULE:FUNCTION", help="a function of yours that gives a distributed.Client")
    where.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="for one repository; 0: none (default: 900)")
    where.add_argument("--memory-limit", default="auto", metavar="SIZE", help="for one repository, such as 2GiB; 0: none (default: auto)")
    where.add_argument(
        "--split", type=int, default=5_000, metavar="FILES", help="a repository with more files is shared by several tasks; 0: none is"
    )
    where.add_argument("--key-file", metavar="FILE", help="the key by which equal secrets are known (default: one of yours, made at first)")
    _add_demands(run)
    run.set_defaults(function=_fleet_run)
    report = verbs.add_parser("report", help="one page about all repositories")
    report.add_argument("dataset", metavar="DIR", help="what `prodlint fleet` has written")
    report.add_argument("--run", default="", metavar="RUN", help="a run's id or day (default: the last that came to its end)")
    report.add_argument(
        "--output-format",
        choices=("html", "markdown", "csv", "json"),
        metavar="FORMAT",
        help="html, markdown, csv, json (default: by the file's ending)",
    )
    report.add_argument("-o", "--output-file", metavar="FILE", help="write the page there, whole or not at all")
    _add_demands(report)
    report.set_defaults(function=_fleet_report)
    diff = verbs.add_parser("diff", help="what is new and what is gone between two runs")
    diff.add_argument("datasets", nargs="+", metavar="DIR[@RUN]", help="two runs; of one DIR the last two")
    diff.add_argument("--output-format", choices=("markdown", "csv", "json"), metavar="FORMAT", help="markdown, csv, json")
    diff.add_argument("-o", "--output-file", metavar="FILE", help="write it there, whole or not at all")
    diff.add_argument("--fail-on", choices=("P0", "P1", "P2", "never"), default="never", help="new findings that fail (default: never)")
    diff.set_defaults(function=_fleet_diff)
    _describe(verbs)


def _add_demands(parser: argparse.ArgumentParser) -> None:
    demands = parser.add_argument_group("what is demanded")
    demands.add_argument(
        "--organisation", metavar="FILE.toml", help="the organisation's page: settings and rules for all, tiers, exemptions"
    )
    demands.add_argument("--allow-unchecked", action="store_true", help="repositories that could not be checked do not fail the run")
    demands.add_argument("--today", default="", help=argparse.SUPPRESS)


def _fleet_report(given: argparse.Namespace) -> int:
    from prodlint.commands.fleet import report

    return report(given)


def _fleet_diff(given: argparse.Namespace) -> int:
    from prodlint.commands.fleet import diff

    return diff(given)


def _fleet_run(given: argparse.Namespace) -> int:
    from prodlint.commands.fleet import run

    return run(given)


def _add_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evidence", action="append", default=[], metavar="FILE", help="what other tools found: SARIF, coverage.xml, junit.xml"
    )
    parser.add_argument("--allow-unchecked", action="store_true", default=None, help="files that could not be analysed do not fail the run")


def _add_rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="a code or a name, or another tool's code for the same mistake (S113, DL3002)"
    )
    parser.add_argument("--list", action="store_true", help="one line a rule; with RULE those of a prefix or family")
    parser.add_argument("--all", action="store_true", help="the pages of every rule")
    parser.add_argument("--test", action="append", metavar="DIR", help="run the examples of a folder of pages")
    parser.add_argument(
        "--output-format", choices=("text", "markdown", "json"), default="text", metavar="FORMAT", help="text, markdown, json"
    )
    _add_color(parser)
    parser.set_defaults(function=_rule)


def _check(given: argparse.Namespace) -> int:
    from prodlint.commands.modes import check

    return check(given)


def _report(given: argparse.Namespace) -> int:
    from prodlint.readiness.report import report

    return report(given)


def _checklist(given: argparse.Namespace) -> int:
    from prodlint.readiness.checklist import checklist

    return checklist(given)


def _rule(given: argparse.Namespace) -> int:
    from prodlint.commands.rule import explain

    return explain(given)


def _baseline(given: argparse.Namespace) -> int:
    from prodlint.commands.baseline import write_baseline

    return write_baseline(given)


def _clean(given: argparse.Namespace) -> int:
    from prodlint.commands.baseline import clean

    return clean(given)


def _init(given: argparse.Namespace) -> int:
    from prodlint.commands.init import init

    return init(given)


def _config(given: argparse.Namespace) -> int:
    from prodlint.commands.config import config

    return config(given)


def _ruleset(given: argparse.Namespace) -> int:
    from prodlint.commands.ruleset import ruleset

    return ruleset(given)


def _schema(given: argparse.Namespace) -> int:
    from prodlint.commands.schema import schema

    return schema(given)


def _completion(given: argparse.Namespace) -> int:
    from prodlint.commands.completion import completion

    return completion(given)


def _server(given: argparse.Namespace) -> int:
    from prodlint.commands.server import server

    return server(given)


def _mcp(given: argparse.Namespace) -> int:
    from prodlint.commands.mcp import mcp

    return mcp(given)


def _version(given: argparse.Namespace) -> int:
    from prodlint.commands.versions import version

    return version(given)
