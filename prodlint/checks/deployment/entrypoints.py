"""PRD808 shell-form-entrypoint: a shell that stands between the platform and the service."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, commands, every
from prodlint.checks.deployment.dockerfile import lineage, shipped
from prodlint.facts import Command, Dockerfile, Instruction
from prodlint.model import FixRequest
from prodlint.project.startup import SERVERS as STARTED
from prodlint.values.container_images import SERVERS

# What needs a shell to be read.
_SHELL_SIGNS = re.compile(r"[$`|&;<>(){}*?~\\\n]|\bcd\b|^\w+=")
_REPLACES = re.compile(r"(?:^|[;&|\n]\s*)exec\s")
# They hand signals on to all their children.
_INITS = re.compile(r"\b(?:dumb-init|tini|catatonit|s6-svscan|supervisord|init)\b")
_WORKERS = re.compile(r"\b(?:celery|dramatiq|rq|arq|taskiq|huey|python|streamlit)\b")
_RUNTIMES = re.compile(r"(?:^|[;&|]\s*)(?:/\S*/)?(?:java|dotnet|puma|php-fpm|nginx|caddy)\s")
# One program that an image with a port starts; what only keeps a container open is none.
_PROGRAM = re.compile(r"(?!(?:sh|bash|ash|sleep|tail|cat|echo|true|env)\b)[\w./-]+(?: [^;&|<>]*)?\Z")
_WHY = "SIGTERM stops at the shell, and the service is killed after the grace period"


@check("PRD808", on=[every(Dockerfile)], required_literals=[("from", "cmd"), ("from", "entrypoint")], files=("dockerfile",))
def started_by_a_shell(dockerfile: Dockerfile, context: CheckContext) -> Iterator[Diagnostic]:
    """`CMD gunicorn ...`, which Docker starts as `/bin/sh -c "gunicorn ..."`."""
    stage = shipped(dockerfile)
    if stage is None or any(each.keyword == "SHELL" for each in lineage(stage)):
        return
    entry = next((each for each in lineage(stage) if each.keyword == "ENTRYPOINT"), None)
    command = next((each for each in lineage(stage) if each.keyword == "CMD"), None)
    found = entry if entry is not None and not entry.json_form else command if entry is None else None
    if found is None or found.json_form or not found.words or found.stage is not stage:
        return
    text = found.value.strip()
    serves = SERVERS.search(text) or _WORKERS.search(text) or _RUNTIMES.search(text)
    if not serves and any(each.keyword == "EXPOSE" for each in lineage(stage)):
        serves = _PROGRAM.match(text)
    if _REPLACES.search(text) or _INITS.search(text) or not serves:
        return
    priority = None if SERVERS.search(text) else "P2"
    yield Diagnostic(found, f"{found.keyword} in shell form: {_WHY}", priority="P2" if priority else None, fix=_as_list(found, text))


def _as_list(instruction: Instruction, text: str) -> FixRequest | None:
    """The JSON form of a command that needs no shell."""
    if _SHELL_SIGNS.search(text):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    return FixRequest(
        "replace", "Write it as a JSON list", True, (("text", f"{instruction.keyword} {json.dumps(words, ensure_ascii=False)}"),)
    )


@check("PRD808", on=[commands(*STARTED)], required_literals=["-c", "/bin/sh", "bash"], files=("dockerfile", "yaml"))
def started_by_a_shell_of_its_own(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`["sh", "-c", "gunicorn ..."]` without `exec`, in an image, a compose file or a pod."""
    shells = [word for word in command.through if word in ("sh", "bash", "ash", "dash")]
    if command.origin not in ("dockerfile-cmd", "dockerfile-entrypoint", "compose", "kubernetes") or not command.long_running:
        return
    # bash replaces itself by the last command of its text.
    if (
        not shells
        or "exec" in command.through
        or (shells[-1] == "bash" and command.shell_form and _is_alone(command))
        or _INITS.search(" ".join(command.through))
    ):
        return
    if SERVERS.search(command.program):
        yield Diagnostic(command, f"`{shells[-1]} -c` without `exec`: {_WHY}")


def _is_alone(command: Command) -> bool:
    """Whether a shell is given this one command."""
    text = command.source.slice(max(0, command.start - 3), command.start)
    return "&" not in text and ";" not in text


@check("PRD808", on=[commands(*STARTED)], required_literals=None, files=("shell",))
def started_by_a_script(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """An entry script whose last command is the server, without `exec`."""
    if not SERVERS.search(command.program) or "exec" in command.through or command.operator_after or command.condition:
        return
    if command.file.path not in context.environment.startup.scripts or "trap " in command.source.text:
        return
    if "run" not in command.argv[:1] and command.program in ("manage.py", "flask", "quart") or _calls_a_tool(command):
        return
    yield Diagnostic(command, f"`{command.program}` is started without `exec`: {_WHY}")


_TOOL_WORDS = frozenset("migrate collectstatic upgrade createsuperuser check shell version --version --help inspect status purge".split())


def _calls_a_tool(command: Command) -> bool:
    """Whether a program that can serve does something else here: `celery inspect ping`, `python manage.py migrate`."""
    return command.program in ("python", "django-admin") or bool(_TOOL_WORDS & set(command.argv[:4]))
