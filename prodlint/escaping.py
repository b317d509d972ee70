"""Nothing that a file says, or is called, commands the terminal or the log that it is shown in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# What a pipeline's log obeys: GitHub and Azure look for `##[` and `##vso[` anywhere in a line, TeamCity for `##teamcity[`; `::name` counts where
# a line begins (actions/runner, ActionCommand.cs; azure-pipelines-agent, Command.cs).
_COMMANDS = re.compile(r"##(?=\[|vso\[|teamcity\[)")
_WORKFLOW_COMMAND = re.compile(r"\A(\s*):(?=:[A-Za-z])")


def escape_control_characters(text: str) -> str:
    """A text on one line, in which nothing acts: control characters, line ends, marks that turn or hide the text beside them and the bytes of a
    name that is no text are written as escapes, and what begins a command of a pipeline's log is taken apart."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    if "##" in text:
        text = _COMMANDS.sub(r"#\\x23", text)
    if "::" in text:
        text = _WORKFLOW_COMMAND.sub(r"\1\\x3a", text)
    return text


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def escape_all_but(text: str, kept: str) -> str:
    """As above, but some characters, which the caller takes care of, stay as they are. Commands are left whole."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in kept else _escaped(c) for c in text)


def escape_lines(text: str) -> str:
    """A text of several lines, each of which is escaped; tabs stay."""
    return "\n".join("\t".join(map(escape_control_characters, line.split("\t"))) for line in text.split("\n"))


def escape_deeply(value: Any) -> Any:
    """Every text in a tree of dictionaries and lists, each on one line."""
    if isinstance(value, str):
        return escape_control_characters(value)
    if isinstance(value, dict):
        return {escape_deeply(key): escape_deeply(inner) for key, inner in value.items()}
    if isinstance(value, Iterable):
        return [escape_deeply(inner) for inner in value]
    return value
