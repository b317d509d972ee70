"""Where command lines and environment settings live in files that are not scripts: Dockerfiles, compose, Kubernetes, CI
definitions, Makefiles, Procfiles, package.json, supervisord, systemd, pyproject.

Each place is one small function: document in, facts out. What a place means (does it keep running? does the shell
stop at the first failure?) is decided here, so that rules need not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from prodlint.facts import Command, CommandOrigin, Dockerfile, Document, Fact, File, Instruction, Node, Setting, SettingOrigin, Source
from prodlint.readers.shell import Script, ShellFact, Unit, Word, command_of_words, facts_in, setting

Found = Iterator[ShellFact]
ERREXIT = frozenset(("errexit",))
ERREXIT_PIPEFAIL = frozenset(("errexit", "pipefail"))
# Documents nest as deep as their author likes; what a rule speaks of is never below this.
_DEEPEST = 24


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """Commands and settings of Makefiles, Procfiles and Jenkinsfiles."""
    if not wanted & {Command, Setting, Fact}:
        return
    readers = {"makefile": from_makefile, "procfile": from_procfile, "jenkinsfile": from_jenkinsfile}
    for fact in readers.get(file.kind, from_makefile)(source, file):
        if type(fact) in wanted or Fact in wanted:
            yield fact


# ---------------------------------------------------------------- pieces


def _words(node: Node) -> list[Word]:
    """A sequence of scalars as words with their places."""
    words: list[Word] = []
    for item in node.items:
        if item.kind == "scalar":
            start, end = _inside(item)
            words.append((_text(item), start, end))
    return words


def _inside(node: Node) -> tuple[int, int]:
    """The place of a scalar's text without its quotes."""
    data = node.source.data
    if node.quoted and node.end - node.start >= 2 and data[node.start : node.start + 1] in (b'"', b"'"):
        return node.start + 1, max(node.start + 1, node.end - 1)
    return node.start, node.end


def _text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else node.raw


def _script(node: Node) -> Script:
    start, end = _inside(node)
    return Script.of_text(node.source, _text(node), start, end)


def _run(
    node: Node | None,
    origin: CommandOrigin,
    owner: str,
    *,
    long_running: bool = False,
    options: frozenset[str] = frozenset(),
    unit: Unit | None = None,
) -> Found:
    """Shell text in a scalar, or one script in each scalar of a (nested) list; they share their shell options."""
    if node is None:
        return
    unit = unit or Unit(node.file, origin, owner, long_running, options)
    if node.kind == "scalar":
        if node.tag and not node.tag.startswith("tag:yaml.org"):
            return
        script = _script(node)
        if origin == "ci":
            script.cover(b"${{", b"}}", b"${", b"}")
            script.cover_parameters()
            script.cover(b"$[[", b"]]", b"${", b"}")
        yield from facts_in(script, unit)
    elif node.kind == "sequence":
        for item in node.items:
            if item.kind != "mapping":
                yield from _run(item, origin, owner, unit=unit)


def _start(node: Node | None, origin: CommandOrigin, owner: str, *, long_running: bool = True) -> Found:
    """A command as text or as a list of words."""
    if node is None:
        return
    if node.kind == "sequence":
        yield from command_of_words(node.source, node.file, _words(node), origin=origin, owner=owner, long_running=long_running)
    elif node.kind == "scalar" and node.value is not None:
        yield from _run(node, origin, owner, long_running=long_running)


def _program(program: Node | None, arguments: Node | None, origin: CommandOrigin, owner: str) -> Found:
    """What a container starts, and its arguments: one command where the program takes them, else two."""
    if program is not None and arguments is not None and program.kind == arguments.kind == "sequence":
        first, rest = _words(program), _words(arguments)
        if _takes_arguments(word for word, _, _ in first) and first[0][1] < (rest[0][1] if rest else 0):
            yield from command_of_words(program.source, program.file, first + rest, origin=origin, owner=owner, long_running=True)
            return
    yield from _start(program, origin, owner)
    yield from _start(arguments, origin, owner)


def _variables(node: Node | None, origin: SettingOrigin, owner: str) -> Iterator[Setting]:
    """Settings in a mapping NAME: value, in a list of "NAME=value", or in a list of {name:, value:}."""
    if node is None:
        return
    if node.kind == "mapping":
        for name, value in node.members.items():
            if value.kind == "mapping" and (inner := value.get("value") or value.get("default")) is not None:
                value = inner
            if value.kind == "scalar":
                yield _setting_of(value, name, (value.key_start, value.key_end), origin, owner)
    elif node.kind == "sequence":
        for item in node.items:
            if item.kind == "scalar":
                name, equals, text = _text(item).partition("=")
                start, end = _inside(item)
                middle = min(start + len(name.encode()), end)
                yield setting(
                    item.source, item.file, name.strip(), text if equals else None, key_at=(start, middle),
                    value_at=(min(middle + 1, end), end) if equals else None, origin=origin, service=owner,
                )  # fmt: skip
            elif item.kind == "mapping":
                name_node = item.get("name") or item.get("key") or item.get("Name")
                if name_node is not None and name_node.kind == "scalar":
                    value_node = item.get("value") or item.get("Value")
                    if value_node is not None and value_node.kind == "scalar":
                        yield _setting_of(value_node, _text(name_node), (name_node.start, name_node.end), origin, owner)
                    else:
                        yield setting(
                            item.source, item.file, _text(name_node), None, key_at=(name_node.start, name_node.end), value_at=None,
                            origin=origin, service=owner,
                        )  # fmt: skip


def _setting_of(value: Node, name: str, key_at: tuple[int, int], origin: SettingOrigin, owner: str) -> Setting:
    absent = value.value is None or (value.tag and not value.tag.startswith("tag:yaml.org"))
    fact = setting(
        value.source,
        value.file,
        name,
        None if absent else _text(value),
        key_at=key_at,
        value_at=_inside(value),
        origin=origin,
        service=owner,
    )
    if value.tag and not value.tag.startswith("tag:yaml.org"):
        fact.reference = value.source.slice(value.start, value.end)
    return fact


def _mappings(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is not None and node.kind == "mapping":
        for name, member in node.members.items():
            if member.kind == "mapping":
                yield name, member


def _items(node: Node | None) -> Sequence[Node]:
    return node.items if node is not None and node.kind == "sequence" else ()


# ---------------------------------------------------------------- Dockerfile


def from_dockerfile(dockerfile: Dockerfile) -> Found:
    """RUN, CMD, ENTRYPOINT, HEALTHCHECK, ENV and ARG."""
    yield from _arguments_before_stages(dockerfile)
    for stage in dockerfile.stages:
        shell: frozenset[str] = frozenset()
        variables: dict[str, str] = {}
        program, arguments = _program_and_arguments(stage.instructions)
        for instruction in stage.instructions:
            if instruction is arguments:
                continue
            if instruction is program and arguments is not None:
                words = [word for each in (program, arguments) for word in _placed(each.source, each.words, *_behind_keyword(each))]
                owner = str(stage.name or stage.index)
                yield from command_of_words(
                    program.source, program.file, words, origin="dockerfile-entrypoint", owner=owner, long_running=True, options=shell
                )
            elif instruction.keyword == "SHELL":
                joined = " ".join(instruction.words)
                shell = frozenset(name for name, sign in (("pipefail", "pipefail"), ("errexit", " -e")) if sign in joined)
            else:
                yield from from_instruction(instruction, shell, variables)


# Programs that an ENTRYPOINT names to be given their arguments by CMD; a script or an init process is given a program of its own.
_TAKES_ARGUMENTS = frozenset(
    "uvicorn gunicorn hypercorn granian daphne uwsgi waitress-serve fastapi flask quart litestar sanic celery dramatiq taskiq arq rq "
    "python python3 manage.py django-admin streamlit pserve".split()
)


def _takes_arguments(words: Iterable[str]) -> bool:
    return any(word.rsplit("/", 1)[-1] in _TAKES_ARGUMENTS for word in words)


def _program_and_arguments(instructions: Sequence[Instruction]) -> tuple[Instruction | None, Instruction | None]:
    """The ENTRYPOINT of a stage and the CMD that holds its arguments, where both are lists of words; else nothing."""
    program = next((each for each in reversed(instructions) if each.keyword == "ENTRYPOINT"), None)
    arguments = next((each for each in reversed(instructions) if each.keyword == "CMD"), None)
    if program is None or arguments is None or not (program.json_form and arguments.json_form) or arguments.start < program.start:
        return None, None
    return (program, arguments) if _takes_arguments(program.words) and not _takes_arguments(arguments.words[:1]) else (None, None)


_ARGUMENT = re.compile(rb"(?im)^[ \t]*ARG[ \t]+([A-Za-z_][A-Za-z0-9_]*)(?:=[\"']?([^\s\"']*))?")


def _arguments_before_stages(dockerfile: Dockerfile) -> Iterator[Setting]:
    """ARG lines above the first FROM, which belong to no stage."""
    first = min((instruction.start for stage in dockerfile.stages for instruction in stage.instructions[:1]), default=dockerfile.end)
    for found in _ARGUMENT.finditer(dockerfile.source.data, dockerfile.start, max(first, dockerfile.start)):
        value = found[2].decode("utf-8", "replace") if found[2] is not None else None
        yield setting(
            dockerfile.source, dockerfile.file, found[1].decode(), value, key_at=found.span(1), value_at=found.span(2) if value is not None else None,
            origin="dockerfile-arg",
        )  # fmt: skip


_ORIGINS: Mapping[str, CommandOrigin] = {
    "RUN": "dockerfile-run",
    "CMD": "dockerfile-cmd",
    "ENTRYPOINT": "dockerfile-entrypoint",
    "HEALTHCHECK": "dockerfile-healthcheck",
}


def from_instruction(instruction: Instruction, options: frozenset[str] = frozenset(), variables: dict[str, str] | None = None) -> Found:
    """Commands or settings of one instruction."""
    keyword = instruction.keyword
    owner = str(instruction.stage.name or instruction.stage.index) if instruction.stage is not None else ""
    start, end = _behind_keyword(instruction)
    if keyword in ("ENV", "ARG"):
        for fact in _dockerfile_settings(instruction, start, end, owner):
            if variables is not None and fact.value is not None:
                variables[fact.name] = fact.value
            yield fact
        return
    origin = _ORIGINS.get(keyword)
    if origin is None:
        return
    long_running = keyword in ("CMD", "ENTRYPOINT")
    source, file = instruction.source, instruction.file
    if keyword == "HEALTHCHECK":
        found = source.data.upper().find(b"CMD", start, end)
        if found == -1:
            return
        start = found + 3
    if instruction.json_form:
        words = list(instruction.words)
        if keyword == "HEALTHCHECK" and words[:1] == ["CMD"]:
            words = words[1:]
        yield from command_of_words(
            source, file, _placed(source, words, start, end), origin=origin, owner=owner, long_running=long_running, options=options
        )
        return
    unit = Unit(file, origin, owner, long_running, options, dict(variables or {}))
    if instruction.heredocs and keyword == "RUN":
        head = instruction.value.lstrip()
        for body, body_start, body_end in instruction.heredocs:
            interpreter = body.split("\n", 1)[0] if body.startswith("#!") else ""
            if head.startswith("<<") and (not interpreter or "sh" in interpreter) or re.match(r"(?:/bin/)?(?:ba|da|z)?sh\b", head):
                yield from facts_in(Script.of_range(source, body_start, body_end), unit)
        if head.startswith("<<"):
            return
        end = max(start, min(end, instruction.heredocs[0][1]))
    script = Script.of_range(source, start, end)
    script.cover_comment_lines()
    yield from facts_in(script, unit)


def _behind_keyword(instruction: Instruction) -> tuple[int, int]:
    """Where an instruction's words begin and end: after keyword and flags."""
    data = instruction.source.data
    end = instruction.end
    at = instruction.start + (8 if data[instruction.start : instruction.start + 8].upper().startswith(b"ONBUILD ") else 0)
    while at < end and data[at] in b" \t":
        at += 1
    at += len(instruction.keyword)
    while True:
        while at < end and (data[at] in b" \t" or (data[at] in b"\\`" and data[at + 1 : at + 2] in (b"\n", b"\r")) or data[at] in b"\r\n"):
            at += 1
        if data[at : at + 2] != b"--" or not instruction.flags:
            return at, end
        while at < end and data[at] not in b" \t\r\n":
            at += 1


def _placed(source: Source, words: Iterable[str], start: int, end: int) -> list[Word]:
    """Decoded words, each found again in the range."""
    result: list[Word] = []
    cursor = start
    for word in words:
        encoded = word.encode()
        found = source.data.find(encoded, cursor, end) if encoded else -1
        if found == -1:
            result.append((word, cursor, cursor))
        else:
            result.append((word, found, found + len(encoded)))
            cursor = found + len(encoded)
    return result


# A word of ENV or ARG: pieces of quoted and plain text; a continued line ends no word but begins none either.
_ENV_WORD = re.compile(rb"""(?:[^\s"'\\]|\\[^\r\n]|"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\\r?\n(?=\S))+""")


def _dockerfile_settings(instruction: Instruction, start: int, end: int, owner: str) -> Iterator[Setting]:
    source = instruction.source
    origin: SettingOrigin = "dockerfile-env" if instruction.keyword == "ENV" else "dockerfile-arg"
    script = Script.of_range(source, start, end)
    script.cover_comment_lines()
    first = re.match(rb"\s*([A-Za-z_][A-Za-z0-9_.]*)([ \t]+)(?!=)", script.data)
    if origin == "dockerfile-env" and first:
        # The old form: ENV NAME the rest of the line
        at, stop = start + first.end(), start + len(script.data.rstrip())
        key_at = (start + first.start(1), start + first.end(1))
        text = re.sub(r"\\\r?\n\s*", "", source.slice(at, stop))
        yield setting(
            source, instruction.file, first[1].decode(), text.strip("\"'"), key_at=key_at, value_at=(at, stop), origin=origin, service=owner
        )
        return
    for word in _ENV_WORD.finditer(script.data):
        raw = word.group()
        name, equals, value = raw.partition(b"=")
        if not re.fullmatch(rb"[A-Za-z_][A-Za-z0-9_.]*", name):
            continue
        at = start + word.start()
        value_at = at + len(name) + len(equals)
        stop = start + word.end()
        literal = False
        if len(value) >= 2 and value[:1] == value[-1:] and value[:1] in b"\"'":
            literal = value[:1] == b"'"
            value, value_at, stop = value[1:-1], value_at + 1, stop - 1
        text = re.sub(r"\\(\r?\n\s*|.)", lambda found: "" if found[1][:1] in "\r\n" else found[1], value.decode("utf-8", "replace"))
        yield setting(
            source, instruction.file, name.decode(), text if equals else None, key_at=(at, at + len(name)),
            value_at=(value_at, stop) if equals else None, origin=origin, service=owner, literal=literal,
        )  # fmt: skip


# ---------------------------------------------------------------- documents


@lru_cache(maxsize=2)
def from_document(document: Document) -> tuple[ShellFact, ...]:
    """Commands and settings of a document, by its kind. Kept for the document at hand: several checks ask for the same one."""
    reader = _DOCUMENTS.get(document.kind) or _platform(document.file.name) or _platform_by_content(document.root)
    return tuple(reader(document)) if reader is not None else ()


def _compose(document: Document) -> Found:
    for name, service in _mappings(document.root.get("services")):
        yield from _program(service.get("entrypoint"), service.get("command"), "compose", name)
        test = service.get("healthcheck", "test")
        if test is not None and test.kind == "sequence" and test.items:
            verb = test.items[0].raw
            if verb == "CMD-SHELL" and len(test.items) > 1:
                yield from _run(test.items[1], "compose-healthcheck", name)
            elif verb == "CMD":
                words = _words(test)[1:]
                yield from command_of_words(test.source, test.file, words, origin="compose-healthcheck", owner=name)
        else:
            yield from _run(test, "compose-healthcheck", name)
        yield from _variables(service.get("environment"), "compose", name)
        yield from _variables(service.get("build", "args"), "compose", name)
        for hook in ("post_start", "pre_stop"):
            for item in _items(service.get(hook)):
                yield from _start(item.get("command"), "compose", name, long_running=False)


_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def _kubernetes(document: Document) -> Found:
    root = document.root
    kind = root.text_at("kind")
    name = root.text_at("metadata", "name")
    if kind == "ConfigMap":
        for setting_fact in _variables(root.get("data"), "kubernetes", name):
            if "\n" not in (setting_fact.value or ""):
                yield setting_fact
        return
    if kind == "Secret":
        yield from _secret(root, name)
        return
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind == "mapping":
            for key, member in node.members.items():
                if key in _CONTAINERS and member.kind == "sequence":
                    for container in member.items:
                        yield from _container(container, kind, key)
                elif member.kind != "scalar":
                    waiting.append(member)
        else:
            waiting.extend(item for item in node.items if item.kind != "scalar")


def _secret(root: Node, name: str) -> Iterator[Setting]:
    import base64
    import binascii

    yield from _variables(root.get("stringData"), "kubernetes", name)
    for fact in _variables(root.get("data"), "kubernetes", name):
        try:
            fact.value = base64.b64decode(fact.value or "", validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            # A template or binary data: what is written is all there is to see.
            fact.default = None
        yield fact


def _container(container: Node, kind: str, place: str) -> Found:
    if container.kind != "mapping":
        return
    name = container.text_at("name")
    keeps = place == "containers" and kind not in ("Job", "CronJob")
    command, arguments = container.get("command"), container.get("args")
    if command is not None and command.kind == "sequence":
        words = _words(command) + (_words(arguments) if arguments is not None else [])
        yield from command_of_words(command.source, command.file, words, origin="kubernetes", owner=name, long_running=keeps)
    else:
        yield from _start(command, "kubernetes", name, long_running=keeps)
        yield from _start(arguments, "kubernetes", name, long_running=keeps)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _start(container.get(probe, "exec", "command"), "kubernetes-probe", name, long_running=False)
    for hook in ("preStop", "postStart"):
        yield from _start(container.get("lifecycle", hook, "exec", "command"), "kubernetes", name, long_running=False)
    yield from _variables(container.get("env"), "kubernetes", name)


_HELM_ENVIRONMENTS = frozenset(("env", "extraenv", "extraenvs", "environment", "envvars", "extraenvvars", "environmentvariables", "config"))


def _helm_values(document: Document) -> Found:
    waiting: list[tuple[Node, str, int]] = [(document.root, "", 0)]
    while waiting:
        node, owner, depth = waiting.pop()
        if depth > _DEEPEST or node.kind != "mapping":
            continue
        for key, member in node.members.items():
            if key.lower() in _HELM_ENVIRONMENTS:
                yield from (fact for fact in _variables(member, "kubernetes", owner) if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", fact.name))
            elif key in ("command", "args") and member.kind == "sequence":
                if key == "command" or "command" not in node.members:
                    words = _words(member)
                    more = node.members.get("args") if key == "command" else None
                    if more is not None and more.kind == "sequence":
                        words = words + _words(more)
                    yield from command_of_words(member.source, member.file, words, origin="kubernetes", owner=owner, long_running=True)
            elif member.kind == "mapping":
                waiting.append((member, owner or key, depth + 1))


def _shell_options(*shells: str) -> frozenset[str]:
    """What GitHub's runner adds: `bash -e` where no shell is named, `-eo pipefail` for `shell: bash`."""
    for shell in shells:
        if shell:
            if shell.strip() == "bash":
                return ERREXIT_PIPEFAIL
            if shell.split()[:1] in (["bash"], ["sh"]) or "{0}" in shell:
                flags = "".join(word for word in shell.split()[1:] if word.startswith("-") and not word.startswith("--"))
                return frozenset(n for n, on in (("errexit", "e" in flags or shell == "sh"), ("pipefail", "pipefail" in shell)) if on)
            return ERREXIT
    return ERREXIT


_NOT_SHELL = ("python", "pwsh", "powershell", "cmd", "node", "perl")


def _workflow(document: Document) -> Found:
    root = document.root
    yield from _variables(root.get("env"), "ci", "")
    outer = root.text_at("defaults", "run", "shell")
    for name, job in _mappings(root.get("jobs")):
        yield from _variables(job.get("env"), "ci", name)
        yield from _variables(job.get("container", "env"), "ci", name)
        for service_name, service in _mappings(job.get("services")):
            yield from _variables(service.get("env"), "ci", f"{name}.{service_name}")
        yield from _steps(job.get("steps"), name, job.text_at("defaults", "run", "shell"), outer)
    yield from _steps(root.get("runs", "steps"), "", "", "")
    yield from _variables(root.get("runs", "env"), "ci", "")


def _steps(steps: Node | None, owner: str, *shells: str) -> Found:
    for step in _items(steps):
        if step.kind != "mapping":
            continue
        yield from _variables(step.get("env"), "ci", owner)
        shell = step.text_at("shell")
        if not (shell or next(iter(filter(None, shells)), "")).startswith(_NOT_SHELL):
            run = step.get("run")
            if run is not None and run.kind == "scalar":
                yield from _run(run, "ci", owner, options=_shell_options(shell, *shells))


# Keys of .gitlab-ci.yml that are no jobs.
GITLAB_GLOBAL = frozenset(("stages", "variables", "include", "workflow", "cache", "image", "services", "spec", "pages_template"))


def _gitlab(document: Document) -> Found:
    root = document.root
    yield from _variables(root.get("variables"), "ci", "")
    for name, job in (("", root), *_mappings(root)):
        if name in GITLAB_GLOBAL:
            continue
        unit = Unit(document.file, "ci", name, False, ERREXIT_PIPEFAIL)
        for key in ("before_script", "script"):
            yield from _run(job.get(key), "ci", name, unit=unit)
        # A failing after_script does not fail the job: nothing in it is a gate.
        yield from _run(job.get("after_script"), "ci", f"{name}.after_script")
        if name:
            yield from _variables(job.get("variables"), "ci", name)


def _circleci(document: Document) -> Found:
    for part in ("jobs", "commands", "executors"):
        for name, job in _mappings(document.root.get(part)):
            yield from _variables(job.get("environment"), "ci", name)
            for image in _items(job.get("docker")):
                yield from _variables(image.get("environment"), "ci", name)
            yield from _circleci_steps(job.get("steps"), name, 0)


def _circleci_steps(steps: Node | None, name: str, depth: int) -> Found:
    for step in _items(steps):
        if depth > _DEEPEST:
            return
        run = step.get("run")
        if run is not None:
            options = ERREXIT_PIPEFAIL if run.kind == "scalar" or not run.text_at("shell") else _shell_options(run.text_at("shell"))
            yield from _run(run if run.kind == "scalar" else run.get("command"), "ci", name, options=options)
            yield from _variables(run.get("environment"), "ci", name)
        for conditional in ("when", "unless"):
            yield from _circleci_steps(step.get(conditional, "steps"), name, depth + 1)


def _azure(document: Document) -> Found:
    waiting: list[tuple[Node, str]] = [(document.root, "")]
    while waiting:
        node, owner = waiting.pop()
        if node.kind == "mapping":
            owner = node.text_at("job") or node.text_at("deployment") or owner
            for key, member in node.members.items():
                if key in ("script", "bash") and member.kind == "scalar":
                    script = _script(member)
                    script.cover(b"${{", b"}}", b"${", b"}")
                    # Azure expands $(name) itself before the shell sees the script.
                    script.mask_make_syntax() if b"$(" in script.data and b"$$" not in script.data else None
                    yield from facts_in(script, Unit(document.file, "ci", owner, False))
                elif key in ("variables", "env"):
                    yield from _variables(member, "ci", owner)
                elif member.kind != "scalar":
                    waiting.append((member, owner))
        elif node.kind == "sequence":
            waiting.extend((item, owner) for item in reversed(node.items))


def _package_json(document: Document) -> Found:
    scripts = document.root.get("scripts")
    if scripts is not None and scripts.kind == "mapping":
        for name, script in scripts.members.items():
            if script.kind == "scalar":
                yield from _run(script, "package-json", name)


def _pre_commit(document: Document) -> Found:
    for repo in _items(document.root.get("repos")):
        for hook in _items(repo.get("hooks")):
            entry = hook.get("entry") or hook.get("id")
            if entry is None or entry.kind != "scalar" or hook.text_at("language") in ("pygrep", "fail"):
                continue
            # pre-commit starts the words of entry and args without a shell; a hook of another repository is called by its id.
            script = _script(entry)
            words = [
                (found.group().decode("utf-8", "replace").strip("\"'"), *script.span(*found.span()))
                for found in re.finditer(rb""""[^"]*"|'[^']*'|\S+""", script.source_text)
            ]
            arguments = hook.get("args")
            if arguments is not None:
                words += _words(arguments)
            yield from command_of_words(entry.source, entry.file, words, origin="pre-commit", owner=hook.text_at("id"))


def _tox(document: Document) -> Found:
    for name, section in _mappings(document.root):
        for key in ("commands_pre", "commands", "commands_post"):
            node = section.get(key)
            if node is not None and node.kind == "scalar":
                yield from _tox_commands(node, name)
        environment = section.get("setenv") or section.get("set_env")
        if environment is not None and environment.kind == "scalar":
            yield from _assignment_lines(environment, name, "ini")


def _tox_commands(node: Node, owner: str) -> Found:
    """A command a line; a leading "-" ignores its failure, a leading "!" inverts it."""
    script = _script(node)
    for match in re.finditer(rb"(?:\\\r?\n|[^\n])+", script.source_text):
        line = match.group()
        stripped = line.lstrip()
        ignored = stripped.startswith(b"-") and not stripped.startswith(b"--")
        part = _part(script, match.start() + len(line) - len(stripped.lstrip(b"-! ")), match.end())
        if part.data.strip() and not stripped.startswith(b"#"):
            # tox substitutions are no shell: {posargs:tests} is one word.
            part.cover(b"{", b"}", b"{", b"_")
            part.data = part.data.replace(b"{", b"_")
            yield from facts_in(part, Unit(node.file, "tox", owner, False, masked="-" if ignored else ""))


def _part(script: Script, start: int, end: int) -> Script:
    """A range of a script as a script of its own."""
    pieces = [(0, script.place(start))]
    pieces += [(local - start, place) for local, place in zip(script._local, script._places, strict=True) if start < local < end]
    first, last = script.span(start, end)
    return Script(script.source, script.source_text[start:end], pieces, first, last)


def _assignment_lines(node: Node, owner: str, origin: SettingOrigin) -> Iterator[Setting]:
    script = _script(node)
    for found in re.finditer(rb"(?m)^[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*([^\r\n]*)", script.source_text):
        value = found[2].rstrip()
        yield setting(
            node.source, node.file, found[1].decode(), value.decode("utf-8", "replace"), key_at=script.span(*found.span(1)),
            value_at=script.span(found.start(2), found.start(2) + len(value)), origin=origin, service=owner,
        )  # fmt: skip


def _supervisord(document: Document) -> Found:
    for name, section in _mappings(document.root):
        kind, _, owner = name.partition(":")
        if kind in ("program", "eventlistener", "fcgi-program"):
            yield from _start(section.get("command"), "supervisord", owner)
        elif kind == "watcher":  # circus
            yield from _start(section.get("cmd"), "supervisord", owner)
        environment = section.get("environment")
        if environment is not None and environment.kind == "scalar":
            script = _script(environment)
            for found in re.finditer(rb"""([A-Za-z_][A-Za-z0-9_]*)=(?:"([^"\n]*)"|'([^'\n]*)'|([^,"'\s][^,\n]*)?)""", script.source_text):
                group = next((index for index in (2, 3, 4) if found[index] is not None), 0)
                yield setting(
                    environment.source, environment.file, found[1].decode(), found[group].decode("utf-8", "replace") if group else "",
                    key_at=script.span(*found.span(1)), value_at=script.span(*found.span(group)) if group else None,
                    origin="supervisord", service=owner,
                )  # fmt: skip


_SYSTEMD_LINE = re.compile(rb"(?m)^[ \t]*(Exec[A-Za-z]*|Environment)[ \t]*=[ \t]*((?:\\\r?\n|[^\r\n])*)")
_SYSTEMD_ASSIGNMENT = re.compile(
    rb"""\"([A-Za-z_][A-Za-z0-9_]*)=([^"\r\n]*)"|'([A-Za-z_][A-Za-z0-9_]*)=([^'\r\n]*)'|(?<!\S)([A-Za-z_][A-Za-z0-9_]*)=([^\s"']*)"""
)


def _systemd(document: Document) -> Found:
    """Read from the text: a key may stand several times, which a tree of keys cannot hold."""
    source, file = document.source, document.file
    owner = file.name.rsplit(".", 1)[0]
    for line in _SYSTEMD_LINE.finditer(source.data, document.start, max(document.end, document.start)):
        key, value = line[1], line[2]
        if key == b"Environment":
            script = Script.of_range(source, *line.span(2))
            for found in _SYSTEMD_ASSIGNMENT.finditer(value):
                group = next(index for index in (1, 3, 5) if found[index] is not None)
                yield setting(
                    source, file, found[group].decode(), found[group + 1].decode("utf-8", "replace"),
                    key_at=script.span(*found.span(group)), value_at=script.span(*found.span(group + 1)), origin="systemd", service=owner,
                )  # fmt: skip
        else:
            rest = value.lstrip(b"-@:+!|")
            prefix = value[: len(value) - len(rest)]
            unit = Unit(file, "systemd", owner, key in (b"ExecStart", b"Exec"), masked="-" if b"-" in prefix else "")
            yield from facts_in(Script.of_range(source, line.start(2) + len(prefix), line.end(2)), unit)


def _pyproject(document: Document) -> Found:
    tool = document.root.get("tool")
    if tool is None or tool.kind != "mapping":
        return
    for manager, key in (("poe", "tasks"), ("pdm", "scripts"), ("taskipy", "tasks"), ("rye", "scripts"), ("pixi", "tasks")):
        tasks = tool.get(manager, key)
        if tasks is not None and tasks.kind == "mapping":
            for name, task in tasks.members.items():
                yield from _task(task, name, 0)
    for _, environment in _mappings(tool.get("hatch", "envs")):
        scripts = environment.get("scripts")
        if scripts is not None and scripts.kind == "mapping":
            for name, script in scripts.members.items():
                for item in script.items if script.kind == "sequence" else (script,):
                    if item.kind == "scalar":
                        # "- command" ignores the failure, as in make.
                        script_text = _script(item)
                        ignored = script_text.source_text.startswith(b"- ")
                        part = _part(script_text, 2, len(script_text.source_text)) if ignored else script_text
                        yield from facts_in(part, Unit(item.file, "toml", name, False, masked="-" if ignored else ""))
        yield from _variables(environment.get("env-vars"), "toml", "")
    tox = tool.get("tox")
    if tox is not None and tox.kind == "mapping":
        environments = [("", tox), *_mappings(tox.get("env")), ("env_run_base", tox.get("env_run_base"))]
        for name, section in environments:
            for line in _items(section.get("commands")) if section is not None else ():
                yield from _start(line, "tox", name, long_running=False)


def _task(task: Node, name: str, depth: int) -> Found:
    if depth > 4:
        return
    if task.kind == "mapping":
        for key in ("cmd", "shell", "composite", "sequence", "command"):
            part = task.get(key)
            if part is not None:
                yield from _task(part, name, depth + 1)
        yield from _variables(task.get("env"), "toml", name)
    elif task.kind == "sequence":
        if depth and task.path.endswith((".cmd", ".command")) and all(item.kind == "scalar" for item in task.items):
            yield from command_of_words(task.source, task.file, _words(task), origin="toml", owner=name)
        else:
            for item in task.items:
                yield from _task(item, name, depth + 1)
    elif isinstance(task.value, str):
        yield from _run(task, "toml", name)


def _app_json(document: Document) -> Found:
    root = document.root
    scripts = root.get("scripts")
    if scripts is not None and scripts.kind == "mapping":
        for name, script in scripts.members.items():
            yield from _start(script, "toml", name, long_running=False)
    yield from _variables(root.get("env"), "platform", "")


def _fly(document: Document) -> Found:
    yield from _variables(document.root.get("env"), "platform", "")
    processes = document.root.get("processes")
    if processes is not None and processes.kind == "mapping":
        for name, process in processes.members.items():
            yield from _start(process, "procfile", name)
    yield from _start(document.root.get("deploy", "release_command"), "procfile", "release", long_running=False)


def _render(document: Document) -> Found:
    for service in (*_items(document.root.get("services")), *_items(document.root.get("previews"))):
        name = service.text_at("name")
        yield from _start(service.get("startCommand"), "procfile", name)
        yield from _start(service.get("dockerCommand"), "procfile", name)
        for key in ("buildCommand", "preDeployCommand"):
            yield from _start(service.get(key), "procfile", name, long_running=False)
        yield from _variables(service.get("envVars"), "platform", name)
    for group in _items(document.root.get("envVarGroups")):
        yield from _variables(group.get("envVars"), "platform", group.text_at("name"))


def _railway(document: Document) -> Found:
    yield from _start(document.root.get("deploy", "startCommand"), "procfile", "deploy")
    yield from _start(document.root.get("deploy", "preDeployCommand"), "procfile", "deploy", long_running=False)
    yield from _start(document.root.get("build", "buildCommand"), "procfile", "build", long_running=False)


def _app_engine(document: Document) -> Found:
    """Google's app.yaml: `runtime`, `entrypoint`, `env_variables`."""
    yield from _start(document.root.get("entrypoint"), "procfile", document.root.text_at("service"))
    yield from _variables(document.root.get("env_variables"), "platform", document.root.text_at("service"))


def _digital_ocean(document: Document) -> Found:
    """DigitalOcean's app.yaml: `services`, `workers` and `jobs` with `run_command` and `envs`."""
    yield from _variables(document.root.get("envs"), "platform", "")
    for part in ("services", "workers", "jobs"):
        for service in _items(document.root.get(part)):
            name = service.text_at("name")
            yield from _start(service.get("run_command"), "procfile", name, long_running=part != "jobs")
            yield from _variables(service.get("envs"), "platform", name)


def _heroku(document: Document) -> Found:
    """heroku.yml: `run` as in a Procfile, and `setup.config`."""
    run = document.root.get("run")
    if run is not None and run.kind == "mapping":
        for name, process in run.members.items():
            command = process.get("command") if process.kind == "mapping" else process
            yield from _start(command, "procfile", name, long_running=name != "release")
    yield from _variables(document.root.get("setup", "config"), "platform", "")


def _nixpacks(document: Document) -> Found:
    yield from _start(document.root.get("start", "cmd"), "procfile", "start")
    yield from _variables(document.root.get("variables"), "platform", "")


def _environments_anywhere(document: Document) -> Found:
    """CloudFormation, ECS task definitions, serverless.yml: environment maps and container definitions wherever they stand."""
    waiting: list[tuple[Node, int]] = [(document.root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            continue
        if node.kind == "mapping":
            for key, member in node.members.items():
                if key in ("environment", "Environment"):
                    yield from _variables(member.get("Variables") or member, "platform", "")
                elif key in ("containerDefinitions", "ContainerDefinitions"):
                    for container in _items(member):
                        name = container.text_at("name") or container.text_at("Name")
                        listed = [
                            part if part is not None and part.kind == "sequence" else None
                            for part in (
                                container.get("entryPoint") or container.get("EntryPoint"),
                                container.get("command") or container.get("Command"),
                            )
                        ]
                        yield from _program(listed[0], listed[1], "compose", name)
                    waiting.append((member, depth + 1))
                elif member.kind != "scalar":
                    waiting.append((member, depth + 1))
        elif node.kind == "sequence":
            waiting.extend((item, depth + 1) for item in node.items if item.kind != "scalar")


# How providers call the environment that a function, container or app is started with.
_TERRAFORM_ENVIRONMENTS = frozenset(
    "environment environment_variables env_vars env_variables variables app_settings env secret_environment_variables".split()
)


def _terraform(document: Document) -> Found:
    """Environments of functions, containers and apps wherever they stand."""
    waiting: list[tuple[Node, int]] = [(document.root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            continue
        if node.kind == "mapping":
            for key, member in node.members.items():
                bare = key.partition("#")[0]
                if bare == "env" and member.kind == "mapping" and "name" in member.members and "value" in member.members:
                    name, value = member.members["name"], member.members["value"]
                    if name.kind == "scalar" and value.kind == "scalar" and not value.tag:
                        yield _setting_of(value, name.raw, (name.start, name.end), "terraform", "")
                elif bare in _TERRAFORM_ENVIRONMENTS and member.kind != "scalar":
                    yield from (fact for fact in _variables(member, "terraform", "") if re.fullmatch(r"[A-Z][A-Z0-9_]*", fact.name))
                if member.kind != "scalar":
                    waiting.append((member, depth + 1))
        elif node.kind == "sequence":
            waiting.extend((item, depth + 1) for item in node.items if item.kind != "scalar")


# Systems whose files hold shell text under a few keys wherever these stand.
_OTHER_CI = frozenset(
    "bitbucket-pipelines.yml bitbucket-pipelines.yaml .travis.yml .drone.yml .woodpecker.yml .woodpecker.yaml buildspec.yml buildspec.yaml "
    ".cirrus.yml appveyor.yml .appveyor.yml cloudbuild.yaml cloudbuild.yml".split()
)
_OTHER_CI_KEYS = frozenset(
    "script scripts commands command before_script after_script before_install install test_script build_script run".split()
)


def _other_ci(document: Document) -> Found:
    waiting: list[tuple[Node, str, int]] = [(document.root, "", 0)]
    while waiting:
        node, owner, depth = waiting.pop()
        if depth > _DEEPEST:
            continue
        if node.kind == "mapping":
            owner = node.text_at("name") or owner
            listed = node.get("args")
            if listed is not None and listed.kind == "sequence" and node.text_at("entrypoint").rsplit("/", 1)[-1] in ("bash", "sh"):
                # Cloud Build: `entrypoint: bash` with `args: ["-c", script]`.
                script = next((item for item in listed.items if item.kind == "scalar" and not item.raw.startswith("-")), None)
                yield from _run(script, "ci", owner)
            for key, member in node.members.items():
                texts = member.kind == "scalar" or (member.kind == "sequence" and bool(member.items) and member.items[0].kind == "scalar")
                if key in _OTHER_CI_KEYS and texts:
                    yield from _run(member, "ci", owner, options=ERREXIT)
                elif member.kind != "scalar":
                    waiting.append((member, owner or key, depth + 1))
        elif node.kind == "sequence":
            waiting.extend((item, owner, depth + 1) for item in node.items if item.kind != "scalar")


_DOCUMENTS: Mapping[str, Callable[[Document], Found]] = {
    "compose": _compose,
    "kubernetes": _kubernetes,
    "helm-values": _helm_values,
    "github-workflow": _workflow,
    "github-action": _workflow,
    "gitlab-ci": _gitlab,
    "circleci": _circleci,
    "azure-pipelines": _azure,
    "package-json": _package_json,
    "pre-commit": _pre_commit,
    "tox": _tox,
    "setup-cfg": _tox,
    "supervisord": _supervisord,
    "systemd": _systemd,
    "pyproject": _pyproject,
    "cloudformation": _environments_anywhere,
    "serverless": _environments_anywhere,
    "terraform": _terraform,
}

_PLATFORMS: Mapping[str, Callable[[Document], Found]] = {
    "app.json": _app_json,
    "fly.toml": _fly,
    "render.yaml": _render,
    "render.yml": _render,
    "railway.toml": _railway,
    "railway.json": _railway,
    "nixpacks.toml": _nixpacks,
    "heroku.yml": _heroku,
    "tox.toml": _pyproject,
}


def _platform(name: str) -> Callable[[Document], Found] | None:
    if name.startswith("fly.") and name.endswith(".toml"):
        return _fly
    if "task" in name and "def" in name and name.endswith(".json"):
        return _environments_anywhere
    if name.lower() in _OTHER_CI:
        return _other_ci
    return _PLATFORMS.get(name)


def _platform_by_content(root: Node) -> Callable[[Document], Found] | None:
    """The reader of a platform's file that may have any name, by the keys that only it has."""
    if root.kind != "mapping":
        return None
    has = root.members
    if "containerDefinitions" in has:
        return _environments_anywhere  # a task of ECS
    if "runtime" in has and ("entrypoint" in has or "env_variables" in has):
        return _app_engine
    if any("run_command" in item.members or "envs" in item.members for part in ("services", "workers") for item in _items(has.get(part))):
        return _digital_ocean
    return None


# ---------------------------------------------------------------- text files


def from_procfile(source: Source, file: File) -> Found:
    """`name: command`, one a line; what is called release runs once."""
    for match in re.finditer(rb"(?m)^[ \t]*([A-Za-z0-9_-]+)[ \t]*:[ \t]*([^\r\n]+)", source.data):
        name = match[1].decode()
        yield from facts_in(Script.of_range(source, *match.span(2)), Unit(file, "procfile", name, name != "release"))


_MAKE_VARIABLE = re.compile(rb"[ ]*(?:export[ \t]+|override[ \t]+)*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(\?=|:{0,3}=|\+=|!=)[ \t]*([^\r\n]*)")
_MAKE_EXPORT = re.compile(rb"[ ]*export[ \t]")


def from_makefile(source: Source, file: File) -> Found:
    """Recipe lines as commands of their target, variables as settings."""
    data, starts = source.data, source.line_starts
    targets: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    ignored_everywhere = False
    ignored: set[str] = set()
    options: frozenset[str] = frozenset()
    one_shell = False
    gathered: list[tuple[int, int, str]] = []
    index = 0
    while index < len(starts):
        first = index
        end = starts[index + 1] if index + 1 < len(starts) else len(data)
        while data[starts[index] : end].rstrip(b"\r\n").endswith(b"\\") and index + 1 < len(starts):
            index += 1
            end = starts[index + 1] if index + 1 < len(starts) else len(data)
        start = starts[first]
        index += 1
        line = data[start:end]
        if line.startswith(b"\t") and targets:
            gathered.append((start + 1, end, targets[0]))
            continue
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        if found := _MAKE_VARIABLE.match(line):
            name, value = found[1].decode(), found[3].decode("utf-8", "replace").split(" #")[0].strip()
            variables.setdefault(name, value)
            if name == ".SHELLFLAGS":
                options = frozenset(n for n, on in (("errexit", "e" in value.split("-c")[0]), ("pipefail", "pipefail" in value)) if on)
            elif _MAKE_EXPORT.match(line) or name.isupper():
                yield setting(
                    source, file, name, value, key_at=(start + found.start(1), start + found.end(1)),
                    value_at=(start + found.start(3), start + found.start(3) + len(value.encode())), origin="makefile",
                )  # fmt: skip
        elif line.startswith(b"define "):
            targets = ()
        elif b":" in line and not line.startswith(b" "):
            head, _, rest = line.decode("utf-8", "replace").partition(":")
            names = [] if "=" in head or "#" in head else head.rstrip("& ").split()
            before, semicolon, recipe = rest.removeprefix(":").rstrip("\r\n").partition(";")
            if names == [".IGNORE"]:
                ignored_everywhere = ignored_everywhere or not before.split()
                ignored.update(before.split())
            elif names == [".ONESHELL"]:
                one_shell = True
            elif names and not names[0].startswith(".PHONY"):
                targets = tuple(names)
                if semicolon:
                    stop = start + len(line.rstrip(b"\r\n"))
                    gathered.append((stop - len(recipe.encode()), stop, targets[0]))
    if one_shell:
        gathered = _joined_recipes(gathered)
    for start, end, target in gathered:
        stop = start
        while stop < end and data[stop] in b"@-+ \t":
            stop += 1
        dash = b"-" in data[start:stop] or ignored_everywhere or target in ignored
        script = Script.of_range(source, stop, end)
        script.mask_make_syntax()
        unit = Unit(file, "makefile", target, False, options, dict(variables), masked="-" if dash else "", ignored=dash)
        yield from facts_in(script, unit)


def _joined_recipes(lines: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """With .ONESHELL a recipe is one script."""
    joined: list[tuple[int, int, str]] = []
    for start, end, target in lines:
        if joined and joined[-1][2] == target:
            joined[-1] = (joined[-1][0], end, target)
        else:
            joined.append((start, end, target))
    return joined


_STAGE = re.compile(r"""\bstage\s*\(\s*(['"])([^'"\n]*)\1""")
_SHELL_STEP = re.compile(
    r"""\bsh\b[ \t]*\(?[ \t]*(?:(?:label|returnStatus|returnStdout|encoding)[ \t]*:[^,\n]*,[ \t]*)*(?:script[ \t]*:[ \t]*)?('''|\"\"\"|'|")"""
)


def from_jenkinsfile(source: Source, file: File) -> Found:
    """`sh '...'` steps as commands of their stage; the rest of the Groovy is not read."""
    text = source.text
    stages = [(found.start(), found[2]) for found in _STAGE.finditer(text)]
    stage = -1
    position = 0
    while found := _SHELL_STEP.search(text, position):
        while stage + 1 < len(stages) and stages[stage + 1][0] < found.start():
            stage += 1
        quote = found[1]
        end = text.find(quote, found.end())
        newline = text.find("\n", found.end())
        if end == -1 or (len(quote) == 1 and -1 < newline < end):
            position = found.end()
            continue
        position = end + len(quote)
        line_start = text.rfind("\n", 0, found.start()) + 1
        if text[line_start : found.start()].lstrip().startswith("//"):
            continue
        start = source.offset(found.end())
        script = Script.of_range(source, start, start + len(text[found.end() : end].encode()))
        yield from facts_in(script, Unit(file, "ci", stages[stage][1] if stage >= 0 else "", False, ERREXIT))
