"""The verb `completion`: what makes a shell complete prodlint's verbs, flags, formats and rules, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

SHELLS = ("bash", "zsh", "fish", "powershell")
# Flags behind which a rule stands, or several.
_RULES = ("--select", "--ignore", "--extend-select")


@dataclass(frozen=True, slots=True)
class _Flag:
    names: tuple[str, ...]
    words: str
    takes: bool
    values: tuple[str, ...]


def completion(given: argparse.Namespace) -> int:
    """Print the script for one shell."""
    from prodlint.configuration.settings import Settings
    from prodlint.engine import session

    rules = tuple(rule.code for rule in session.catalogue_of(Settings(plugins=False)).rules)
    verbs = {name: tuple(_flags(parser, rules)) for name, parser in _verbs(given.parser).items()}
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish, "powershell": _powershell}[given.shell]
    for line in write(verbs, _helps(given.parser), rules):
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


def _flags(parser: argparse.ArgumentParser, rules: tuple[str, ...]) -> Iterator[_Flag]:
    for action in parser._actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            values = tuple(map(str, action.choices or ()))
            if set(_RULES) & set(action.option_strings):
                values = ("ALL", *rules)
            yield _Flag(tuple(action.option_strings), (action.help or "").replace("%%", "%"), action.nargs != 0, values)


_Verbs = dict[str, tuple[_Flag, ...]]


def _bash(verbs: _Verbs, helps: dict[str, str], rules: tuple[str, ...]) -> Iterator[str]:
    yield '# bash completion of prodlint: eval "$(prodlint completion bash)"'
    yield "_prodlint() {"
    yield '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="check" words=""'
    yield f'  case " {" ".join(verbs)} " in *" ${{COMP_WORDS[1]}} "*) verb="${{COMP_WORDS[1]}}" ;; esac'
    yield '  case "$verb $before" in'
    for verb, flags in verbs.items():
        for flag in flags:
            if flag.takes:
                patterns = " | ".join(f'"{verb} {name}"' for name in flag.names)
                yield f'    {patterns}) words="{" ".join(flag.values)}" ;;'
    yield f'    "rule rule") words="{" ".join(rules)}" ;;'
    yield "    *)"
    yield '      if [[ "$word" == -* ]]; then'
    yield '        case "$verb" in'
    for verb, flags in verbs.items():
        yield f'          {verb}) words="{" ".join(name for flag in flags for name in flag.names)}" ;;'
    yield "        esac"
    yield f'      elif [[ "$COMP_CWORD" == 1 ]]; then words="{" ".join(verbs)}"'
    yield "      fi ;;"
    yield "  esac"
    yield '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")'
    yield '  if [[ -z "${COMPREPLY[*]}" && "$word" != -* ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$word"); fi'
    yield "}"
    yield "complete -o filenames -F _prodlint prodlint"


def _zsh(verbs: _Verbs, helps: dict[str, str], rules: tuple[str, ...]) -> Iterator[str]:
    yield "#compdef prodlint"
    yield "# zsh completion of prodlint: prodlint completion zsh > a folder of $fpath, as _prodlint"
    yield "_prodlint() {"
    yield "  local -a verbs"
    yield "  verbs=("
    for verb in verbs:
        yield "    " + _quoted(f"{verb}:{helps.get(verb, '')}")
    yield "  )"
    yield '  if (( CURRENT == 2 )) && [[ "$words[2]" != -* ]]; then _describe verb verbs; _files; return; fi'
    yield "  local verb=check"
    yield '  if (( ${verbs[(I)$words[2]:*]} )); then verb="$words[2]"; shift words; (( CURRENT-- )); fi'
    yield '  case "$verb" in'
    for verb, flags in verbs.items():
        yield f"    {verb})"
        yield "      _arguments \\"
        for flag in flags:
            words = flag.words.replace("[", "(").replace("]", ")").replace(":", " ")
            takes = f":value:({' '.join(flag.values)})" if flag.values else ":value:_files" if flag.takes else ""
            for name in flag.names:
                yield "        " + _quoted(f"*{name}[{words}]{takes}") + " \\"
        rest = f"*:rule:({' '.join(rules)})" if verb == "rule" else "*:file:_files"
        yield f"        {_quoted(rest)} ;;"
    yield "  esac"
    yield "}"
    yield 'if [[ "$funcstack[1]" == _prodlint ]]; then _prodlint "$@"; else compdef _prodlint prodlint; fi'


def _fish(verbs: _Verbs, helps: dict[str, str], rules: tuple[str, ...]) -> Iterator[str]:
    yield "# fish completion of prodlint: prodlint completion fish > ~/.config/fish/completions/prodlint.fish"
    none = f'-n "not __fish_seen_subcommand_from {" ".join(verbs)}"'
    for verb in verbs:
        yield f"complete -c prodlint {none} -a {verb} -d {_quoted(helps.get(verb, ''))}"
    for verb, flags in verbs.items():
        # Without a verb it is `check`.
        when = none if verb == "check" else ""
        for flag in flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            takes = f" -x -a {_quoted(' '.join(flag.values))}" if flag.values else " -r" if flag.takes else ""
            for condition in filter(None, (f'-n "__fish_seen_subcommand_from {verb}"', when)):
                yield f"complete -c prodlint {condition} {names}{takes} -d {_quoted(flag.words)}"
    yield f'complete -c prodlint -n "__fish_seen_subcommand_from rule" -f -a {_quoted(" ".join(rules))}'


def _powershell(verbs: _Verbs, helps: dict[str, str], rules: tuple[str, ...]) -> Iterator[str]:
    yield "# PowerShell completion of prodlint: prodlint completion powershell | Out-String | Invoke-Expression"
    yield "Register-ArgumentCompleter -Native -CommandName prodlint -ScriptBlock {"
    yield "    param($wordToComplete, $commandAst, $cursorPosition)"
    yield "    $verbs = [ordered]@{"
    for verb in verbs:
        yield f"        {_doubled(verb)} = {_doubled(helps.get(verb, '') or verb)}"
    yield "    }"
    yield "    $flags = @{"
    for verb, flags in verbs.items():
        names = ", ".join(_doubled(name) for flag in flags for name in flag.names)
        yield f"        {_doubled(verb)} = @({names})"
    yield "    }"
    yield "    $values = @{"
    for verb, flags in verbs.items():
        for flag in flags:
            if flag.values:
                for name in flag.names:
                    yield f"        {_doubled(f'{verb} {name}')} = @({', '.join(map(_doubled, flag.values))})"
    yield f"        'rule' = @({', '.join(map(_doubled, rules))})"
    yield "    }"
    yield "    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })"
    yield "    $verb = if ($words.Count -gt 1 -and $verbs.Contains($words[1])) { $words[1] } else { 'check' }"
    yield "    $before = if ($wordToComplete) { $words[-2] } else { $words[-1] }"
    yield '    $found = if ($values.ContainsKey("$verb $before")) { $values["$verb $before"] }'
    yield "        elseif ($wordToComplete.StartsWith('-')) { $flags[$verb] }"
    yield "        elseif ($verb -eq 'rule' -and $before -eq 'rule') { $values['rule'] }"
    yield "        elseif ($before -eq 'prodlint') { $verbs.Keys }"
    yield "        else { @() }"
    yield '    $found | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {'
    yield "        $told = if ($verbs.Contains($_)) { $verbs[$_] } else { $_ }"
    yield "        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $told)"
    yield "    }"
    yield "}"


def _doubled(words: str) -> str:
    """Words as PowerShell quotes them."""
    return "'" + words.replace("'", "''") + "'"


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "’") + "'"
