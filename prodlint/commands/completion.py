"""The verb `completion`: what makes a shell complete prodlint's verbs, flags, formats and rules, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

SHELLS = ("bash", "zsh", "fish", "powershell")


@dataclass(frozen=True, slots=True)
class _Flag:
    """values: what may stand behind it; many: several of them, separated by commas."""

    names: tuple[str, ...]
    words: str
    takes: bool
    values: tuple[str, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class _Verb:
    """words: what `--help` says of it; values: what may stand in its first place, where that is no file."""

    words: str
    flags: tuple[_Flag, ...]
    values: tuple[str, ...]


_Verbs = dict[str, _Verb]


def completion(given: argparse.Namespace) -> int:
    """Print the script for one shell."""
    from prodlint.configuration.keys import HONOR, KEYS, OVERLAP
    from prodlint.configuration.settings import Settings
    from prodlint.engine import session
    from prodlint.reports import FORMATS

    known = session.catalogue_of(Settings(plugins=False)).rules
    rules = (*(rule.code for rule in known), *(rule.name for rule in known))
    lists = {
        **dict.fromkeys(("--select", "--ignore", "--extend-select"), ("ALL", *rules)),
        "--honor": HONOR,
        "--disable-overlap": tuple(OVERLAP),
    }
    parsers, helps = _verbs(given.parser), _helps(given.parser)
    first = {"rule": rules, "config": tuple(KEYS), "help": tuple(parsers)}
    verbs = {
        name: _Verb(
            helps.get(name, ""),
            tuple({flag.names: flag for flag in _flags(parser, lists, tuple(sorted(FORMATS)))}.values()),
            first.get(name) or tuple(_verbs(parser)) or _choices(parser),
        )
        for name, parser in parsers.items()
    }
    verbs["help"] = _Verb("help for a verb", (), first["help"])
    for line in {"bash": _bash, "zsh": _zsh, "fish": _fish, "powershell": _powershell}[given.shell](verbs):
        print(line)
    return 0


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {}


def _choices(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """The words that a verb takes in its first place."""
    return next((tuple(map(str, action.choices)) for action in parser._actions if not action.option_strings and action.choices), ())


def _flags(parser: argparse.ArgumentParser, lists: dict[str, tuple[str, ...]], formats: tuple[str, ...]) -> Iterator[_Flag]:
    for action in parser._actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            name = action.option_strings[-1]
            values = lists.get(name) or (formats if name == "--also" else tuple(map(str, action.choices or ())))
            words = (action.help or "").replace("%%", "%")
            yield _Flag(tuple(action.option_strings), words, action.nargs != 0, values, name in lists)
    for below in _verbs(parser).values():
        yield from _flags(below, lists, formats)


def _bash(verbs: _Verbs) -> Iterator[str]:
    yield '# bash completion of prodlint: eval "$(prodlint completion bash)"'
    yield "_prodlint() {"
    yield '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="check" words="" head="" many=""'
    # `--flag=value` are three words to bash.
    yield '  if [[ "$word" == "=" ]]; then word=""; elif [[ "$before" == "=" ]]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi'
    yield f'  case " {" ".join(verbs)} " in *" ${{COMP_WORDS[1]}} "*) verb="${{COMP_WORDS[1]}}" ;; esac'
    yield '  case "$verb $before" in'
    for verb, known in verbs.items():
        for flag in known.flags:
            if flag.takes:
                patterns = " | ".join(f'"{verb} {name}"' for name in flag.names)
                yield f'    {patterns}) words="{" ".join(flag.values)}"{" many=1" if flag.many else ""} ;;'
        if known.values:
            yield f'    "{verb} {verb}") words="{" ".join(known.values)}" ;;'
    yield "    *)"
    yield '      if [[ "$word" == -* ]]; then'
    yield '        case "$verb" in'
    for verb, known in verbs.items():
        yield f'          {verb}) words="{" ".join(name for flag in known.flags for name in flag.names)}" ;;'
    yield "        esac"
    yield f'      elif [[ "$COMP_CWORD" == 1 ]]; then words="{" ".join(verbs)}"'
    yield "      fi ;;"
    yield "  esac"
    yield '  if [[ -n "$many" && "$word" == *,* ]]; then head="${word%,*},"; word="${word##*,}"; fi'
    yield '  mapfile -t COMPREPLY < <(compgen -P "$head" -W "$words" -- "$word")'
    yield '  if [[ -z "${COMPREPLY[*]}" && "$word" != -* ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$word"); fi'
    yield "}"
    yield "complete -o filenames -F _prodlint prodlint"


def _zsh(verbs: _Verbs) -> Iterator[str]:
    yield "#compdef prodlint"
    yield "# zsh completion of prodlint: prodlint completion zsh > a folder of $fpath, as _prodlint"
    yield "_prodlint() {"
    yield "  local -a verbs"
    yield "  verbs=("
    for verb, known in verbs.items():
        yield "    " + _quoted(f"{verb}:{known.words}")
    yield "  )"
    yield '  if (( CURRENT == 2 )) && [[ "$words[2]" != -* ]]; then _describe verb verbs; _files; return; fi'
    yield "  local verb=check"
    yield '  if (( ${verbs[(I)$words[2]:*]} )); then verb="$words[2]"; shift words; (( CURRENT-- )); fi'
    yield '  case "$verb" in'
    for verb, known in verbs.items():
        yield f"    {verb})"
        yield "      _arguments \\"
        for flag in known.flags:
            words = flag.words.replace("[", "(").replace("]", ")").replace(":", " ")
            values = " ".join(flag.values)
            takes = f":value: _values -s , value {values}" if flag.many else f":value:({values})" if values else ":value:_files"
            for name in flag.names:
                yield "        " + _quoted(f"*{name}[{words}]{takes if flag.takes else ''}") + " \\"
        if known.values:
            first = " ".join(known.values)
            yield f"        {_quoted(f'1:{verb}:({first})')} \\"
        yield "        '*:file:_files' ;;"
    yield "  esac"
    yield "}"
    yield 'if [[ "$funcstack[1]" == _prodlint ]]; then _prodlint "$@"; else compdef _prodlint prodlint; fi'


def _fish(verbs: _Verbs) -> Iterator[str]:
    yield "# fish completion of prodlint: prodlint completion fish > ~/.config/fish/completions/prodlint.fish"
    none = f'-n "not __fish_seen_subcommand_from {" ".join(verbs)}"'
    for verb, known in verbs.items():
        yield f"complete -c prodlint {none} -a {verb} -d {_quoted(known.words)}"
    for verb, known in verbs.items():
        # Without a verb it is `check`.
        when = none if verb == "check" else ""
        for flag in known.flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            values = " ".join(flag.values)
            listed = (
                _quoted(f'(__fish_complete_list , \'string split " " -- "{values}"\')').replace("’", "\\'")
                if flag.many
                else _quoted(values)
            )
            takes = f" -x -a {listed}" if values else " -r" if flag.takes else ""
            for condition in filter(None, (f'-n "__fish_seen_subcommand_from {verb}"', when)):
                yield f"complete -c prodlint {condition} {names}{takes} -d {_quoted(flag.words)}"
        if known.values:
            yield f'complete -c prodlint -n "__fish_seen_subcommand_from {verb}" -f -a {_quoted(" ".join(known.values))}'


def _powershell(verbs: _Verbs) -> Iterator[str]:
    yield "# PowerShell completion of prodlint: prodlint completion powershell | Out-String | Invoke-Expression"
    yield "Register-ArgumentCompleter -Native -CommandName prodlint -ScriptBlock {"
    yield "    param($wordToComplete, $commandAst, $cursorPosition)"
    yield "    $verbs = [ordered]@{"
    for verb, known in verbs.items():
        yield f"        {_doubled(verb)} = {_doubled(known.words or verb)}"
    yield "    }"
    yield "    $flags = @{"
    for verb, known in verbs.items():
        names = ", ".join(_doubled(name) for flag in known.flags for name in flag.names)
        yield f"        {_doubled(verb)} = @({names})"
    yield "    }"
    yield "    $values = @{"
    for verb, known in verbs.items():
        # Names of hash tables know no case: `-o` and `-O` would be one, and flags of two verbs of `fleet` are.
        told = {name.lower(): flag for flag in known.flags if flag.values for name in flag.names}
        for name, flag in told.items():
            yield f"        {_doubled(f'{verb} {name}')} = @({', '.join(map(_doubled, flag.values))})"
        if known.values:
            yield f"        {_doubled(f'{verb} {verb}')} = @({', '.join(map(_doubled, known.values))})"
    yield "    }"
    many = sorted({f"{verb} {name}" for verb, known in verbs.items() for flag in known.flags if flag.many for name in flag.names})
    yield f"    $many = @({', '.join(map(_doubled, many))})"
    yield "    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })"
    yield "    $verb = if ($words.Count -gt 1 -and $verbs.Contains($words[1])) { $words[1] } else { 'check' }"
    yield "    $before = if ($wordToComplete) { $words[-2] } else { $words[-1] }"
    yield "    $head = ''"
    yield "    if ($many -contains \"$verb $before\" -and $wordToComplete.Contains(',')) {"
    yield "        $head = $wordToComplete.Substring(0, $wordToComplete.LastIndexOf(',') + 1)"
    yield "        $wordToComplete = $wordToComplete.Substring($head.Length)"
    yield "    }"
    yield '    $found = if ($values.ContainsKey("$verb $before")) { $values["$verb $before"] }'
    yield "        elseif ($wordToComplete.StartsWith('-')) { $flags[$verb] }"
    yield "        elseif ($before -eq 'prodlint') { $verbs.Keys }"
    yield "        else { @() }"
    yield '    $found | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {'
    yield "        $told = if ($verbs.Contains($_)) { $verbs[$_] } else { $_ }"
    yield "        [System.Management.Automation.CompletionResult]::new($head + $_, $_, 'ParameterValue', $told)"
    yield "    }"
    yield "}"


def _doubled(words: str) -> str:
    """Words as PowerShell quotes them."""
    return "'" + words.replace("'", "''") + "'"


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "’") + "'"
