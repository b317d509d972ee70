"""PRD810 remote-script-piped-to-shell: code from the network that is run before anybody has looked at it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, commands, every, instructions
from prodlint.checks.deployment.dockerfile import built_from
from prodlint.facts import Command, Dockerfile, Instruction
from prodlint.model import Priority

_FETCHERS = ("curl", "wget", "http", "fetch")
_INTERPRETERS = frozenset("sh bash dash ash zsh ksh python python2 python3 perl ruby node php pwsh".split())
_BEFORE = frozenset(("sudo", "env", "doas", "nice", "time", "exec"))
_LOCAL = re.compile(r"(?:^|//)(?:localhost|127\.|\[::1\]|host\.docker\.internal|file:)")
_VERIFIES = re.compile(
    r"\b(?:sha\d+sum|shasum|md5sum|gpgv?|cosign|minisign|signify|slsa-verifier|rekor-cli|b3sum)\b|\bopenssl\s+dgst\b|gh\s+attestation\s+verify"
)
# `sh -c "$(curl ...)"`, `bash <(curl ...)`, `source <(curl ...)`, `eval "$(curl ...)"`.
_SUBSTITUTED = re.compile(r"\b(?:(?:ba|da|z|k)?sh|python3?|eval|source)\b(?:\s+-\w+)*\s+[\"']?(?:\$\(|<\(|`)\s*(?:curl|wget)\b[^)`\n]*")
_ORIGINS = frozenset(("dockerfile-run", "ci", "shell", "makefile"))


@check(
    "PRD810",
    on=[commands(*_FETCHERS)],
    required_literals=[("curl", "|"), ("wget", "|")],
    files=("dockerfile", "yaml", "shell", "makefile", "jenkinsfile"),
)
def piped_to_an_interpreter(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`curl -fsSL https://... | sh`."""
    if command.origin not in _ORIGINS or command.operator_after not in ("|", "|&"):
        return
    program = _interpreter(command.following)
    if program and not any(_LOCAL.search(word) for word in command.argv):
        words = f"`{_host(command.argv)}` is run by `{program}` without a checksum or signature"
        yield from _reported(Diagnostic(command, words, priority=_priority(command, context)), context)


def _reported(found: Diagnostic, context: CheckContext) -> Iterator[Diagnostic]:
    """A finding, unless what it is about goes into no image and no start of production, and nobody asked for that."""
    if found.priority is None or context.options.get("everywhere"):
        yield found


def _interpreter(words: tuple[str, ...]) -> str:
    """The interpreter that a pipe ends in, or nothing."""
    for word in words:
        name = word.rsplit("/", 1)[-1]
        if name in _INTERPRETERS or re.fullmatch(r"python3\.\d+", name):
            # `python3 -c "import json..."` and `python -m json.tool` read the text as data.
            rest = words[words.index(word) + 1 :]
            return (
                ""
                if any(
                    flag in ("-c", "-m") or (not flag.startswith("-") and name.startswith(("python", "node", "perl", "ruby")))
                    for flag in rest[:2]
                )
                else name
            )
        if name not in _BEFORE and not word.startswith("-") and "=" not in word:
            return ""
    return ""


def _host(argv: tuple[str, ...]) -> str:
    address = next((word for word in argv if "://" in word), "")
    return address.partition("?")[0][:100] or "what is fetched"


_LATER_STAGE = re.compile(rb"(?mi)^[ \t]*FROM[ \t]")


def _priority(command: Command, context: CheckContext) -> Priority | None:
    """P2 in CI, in a stage of which others only take files, and in a script that nothing of production is seen to start."""
    if command.origin == "ci":
        return "P2"
    if command.origin == "dockerfile-run":
        return "P2" if _LATER_STAGE.search(command.source.data, command.end) else None
    if command.origin not in ("shell", "makefile"):
        return None
    return None if command.file.path in context.environment.startup.scripts or "production" in command.file.roles else "P2"


@check(
    "PRD810",
    on=[instructions("RUN")],
    required_literals=[("run", "$(curl"), ("run", "$(wget"), ("run", "<(curl"), ("run", "<(wget"), ("run", "`curl"), ("run", "$( curl")],
    files=("dockerfile",),
)
def substituted(instruction: Instruction, context: CheckContext) -> Iterator[Diagnostic]:
    """`sh -c "$(curl ...)"` in an image."""
    for found in _SUBSTITUTED.finditer(instruction.value):
        if not _LOCAL.search(found[0]):
            at = ByteRange(instruction.source, *instruction.place(*found.span()))
            later = _LATER_STAGE.search(instruction.source.data, instruction.end)
            words = "A fetched script is run by a shell without a checksum or signature"
            yield from _reported(Diagnostic(at, words, priority="P2" if later else None), context)


@check(
    "PRD810",
    on=[commands()],
    required_literals=["$(curl", "$(wget", "<(curl", "<(wget", "$( curl"],
    files=("yaml", "shell", "makefile", "jenkinsfile"),
)
def substituted_elsewhere(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """The same in CI and in scripts: seen at the fetch inside of the substitution."""
    if command.origin not in _ORIGINS or command.program not in ("curl", "wget"):
        return
    source = command.source
    line_start = source.data.rfind(b"\n", 0, command.start) + 1
    before = source.slice(line_start, command.start)
    if re.search(r"\b(?:(?:ba|da|z|k)?sh|eval|source)\b(?:\s+-\w+)*\s+[\"']?(?:\$\(|<\()\s*\Z", before) and not any(
        _LOCAL.search(word) for word in command.argv
    ):
        words = f"`{_host(command.argv)}` is run by a shell without a checksum or signature"
        yield from _reported(Diagnostic(command, words, priority=_priority(command, context)), context)


# ---------------------------------------------------------------- fetched, then run

_SAVED = re.compile(
    r"(?:-o|--output|-O|--output-document)[= ]\s*[\"']?(\S+?\.(?:sh|bash|py|run|bin|deb|rpm|apk))[\"']?(?=\s|;|&|$)|(?:curl\s+[^;&|]*-[A-Za-z]*O[A-Za-z]*\s[^;&|]*|wget\s[^;&|]*)https?://\S+/([\w.+%-]+\.(?:sh|bash|run|deb|rpm))\b"
)


@check("PRD810", on=[every(Dockerfile)], required_literals=[("run", "curl"), ("run", "wget")], files=("dockerfile",))
def fetched_and_run(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """`curl -o install.sh https://... && sh install.sh`, `wget ... .deb && dpkg -i ...` without a checksum in between."""
    for number in sorted(built_from(dockerfile)):
        for instruction in dockerfile.stages[number].instructions:
            if instruction.keyword == "RUN" and not _VERIFIES.search(instruction.value):
                for found in _SAVED.finditer(instruction.value):
                    name = (found[1] or found[2]).rsplit("/", 1)[-1].strip("\"'")
                    rest = instruction.value[found.end() :]
                    if re.search(
                        rf"(?:\b(?:ba|da)?sh|\bpython3?|\bdpkg\s+-i|\brpm\s+-\w*i\w*|\b(?:apt-get|apt|dnf|yum|apk)\s[^;&|]*|\./|&&\s*)\s*\S*{re.escape(name)}",
                        rest,
                    ):
                        at = ByteRange(instruction.source, *instruction.place(*found.span()))
                        package = name.endswith((".deb", ".rpm", ".apk"))
                        words = f"`{name}` is fetched and run or installed without a checksum"
                        yield Diagnostic(at, words, priority="P2" if package else None)
                        break


@check("PRD810", on=[every(Dockerfile)], required_literals=[("add ", "http")], files=("dockerfile",))
def added_unchecked(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """`ADD https://...` without `--checksum`: another file tomorrow is another image."""
    for number in sorted(built_from(dockerfile)):
        for instruction in dockerfile.stages[number].instructions:
            if instruction.keyword != "ADD" or any(name == "checksum" for name, _ in instruction.flags):
                continue
            address = next((word for word in instruction.words[:-1] if re.match(r"https?://(?!\S*\.git(?:#[0-9a-f]{40})?$)", word)), "")
            if address and not any(
                _VERIFIES.search(each.value) for each in dockerfile.stages[number].instructions if each.keyword == "RUN"
            ):
                yield Diagnostic(instruction, f"`ADD` of `{address[:80]}` has no `--checksum`", priority="P2")
