"""What comes from outside and is run: Python, shells, pickles, templates (PRD462)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.web.parts import Judge, entered, shown
from prodlint.checks.web.tables import sinks
from prodlint.facts import (
    Call,
    Collection,
    Constant,
    Dictionary,
    Expression,
    Module,
    Name,
    OpaqueExpression,
    Statement,
    statements_in,
)
from prodlint.model import FixRequest, Priority
from prodlint.values.evaluate import Values
from prodlint.values.expressions import module_statements, values
from prodlint.values.lattice import Argument, Client, Items, Known, Member, Part, Reference, Result, Shape, Table, Value, truth
from prodlint.values.places import calls_of

# ---------------------------------------------------------------- Python and shells

_SHELLS = tuple(sinks()["shell"]["always"])
_EXECS = tuple(sinks()["shell"]["execs"])
_SUBPROCESS = tuple(sinks()["shell"]["flagged"])
_HANDED: Mapping[str, int] = sinks()["handed"]
_PYTHON = tuple(sinks()["python"]["calls"])


@check("PRD462", on=[calls(*_PYTHON)], required_literals=["eval(", "exec("], files=["python"])
def evaluated_text(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`eval` and `exec` of anything but text in the code."""
    if call.receiver is not None and not call.name.startswith(("builtins.", "pandas.", "code.")):
        return
    given = call.argument(0, "source")
    if given is None or isinstance(given, Constant):
        return
    evaluator = context.values(call.module)
    value = evaluator.of(given)
    judge = Judge(evaluator, "code")
    if not judge.is_open(value):
        return
    client = judge.client_in(value)
    if client is None:
        if "command" in context.file.roles or call.scope.function == "exec_module" or b"RestrictedPython" in call.source.data:
            return  # a module loader, and an interpreter that is made for strangers' code
    space = call.argument(1, "globals")
    if client is None and (space is not None and space.text.endswith("__dict__") or call.file.name == "setup.py"):
        return  # a module, made by hand; the version of a package
    # A file that is read and run is a module by another name, unless a client names it.
    read = isinstance(given, Call) and given.method in ("read", "read_text", "read_bytes", "compile")
    # Names of its own (`eval(rule, {"ts": ts})`) mean a language for whoever writes the rules.
    language = space is not None and call.name in ("eval", "exec", "builtins.eval", "builtins.exec")
    priority: Priority | None = "P2" if client is None and (read or language) else None
    words = f"`{call.method}` runs `{shown(given)}` as Python"
    yield Diagnostic(call, words, priority=priority, related=entered(client), only_with="files" if client is None and read else "")


@dataclass(frozen=True, slots=True)
class Running:
    """A call that runs a command, directly or through another thread or task: the function's name, its arguments and keywords."""

    name: str
    arguments: Sequence[Expression]
    keywords: Mapping[str, Expression]
    spreads: Sequence[Expression]


def _running(call: Call, evaluator: Values) -> Running | None:
    """What a call runs: itself, or the function that it hands on."""
    position = next((at for name, at in _HANDED.items() if call.name == name or name.startswith("*.") and call.method == name[2:]), None)
    if position is None:
        return Running(call.name, call.arguments, call.keywords, call.spreads)
    arguments, keywords = list(call.arguments), dict(call.keywords)
    if position == -1:
        function = keywords.pop("target", None)
        inside = keywords.pop("args", None)
        arguments = list(inside.items) if isinstance(inside, Collection) else []
        named = keywords.pop("kwargs", None)
        keywords = (
            {str(key.value): value for key, value in named.items if isinstance(key, Constant)} if isinstance(named, Dictionary) else {}
        )
    else:
        function = arguments[position] if position < len(arguments) else keywords.get("func") or keywords.get("function")
        arguments = arguments[position + 1 :]
    for _ in range(3):
        if isinstance(function, Call) and function.name in ("functools.partial", "partial") and function.arguments:
            arguments = [*function.arguments[1:], *arguments]
            keywords = {**function.keywords, **keywords}
            function = function.arguments[0]
    if not isinstance(function, Name):
        return None
    shape = evaluator.of(function).only()
    name = shape.name if isinstance(shape, Reference) else function.name
    return Running(name, arguments, keywords, ())


@check(
    "PRD462",
    on=[calls(*_SHELLS, *_SUBPROCESS, *_EXECS, *_HANDED)],
    required_literals=[
        ("subprocess", "shell"),
        ("subprocess", '"-c"'),
        ("subprocess", "'-c'"),
        ("subprocess", '"-lc"'),
        ("create_subprocess_exec", "-c"),
        ("os.exec", "-c"),
        ("os.spawn", "-c"),
        "os.system",
        "os.popen",
        ("os import", "system"),
        ("os import", "popen"),
        "getoutput",
        "getstatusoutput",
        "create_subprocess_shell",
    ],
    files=["python"],
)
def shell_command(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A shell command with a part that the code does not spell out."""
    evaluator = context.values(call.module)
    running = _running(call, evaluator)
    if running is None or running.name not in (*_SHELLS, *_SUBPROCESS, *_EXECS):
        return
    command = _command_of(running, evaluator)
    if command is None:
        return
    judge = Judge(evaluator, "shell")
    value = evaluator.of(command)
    if any(isinstance(shape, Items) for shape in value.shapes):
        # With a shell, the list's first item is the command.
        value = Value(
            tuple(
                one for shape in value.shapes for one in (shape.items[0].shapes if isinstance(shape, Items) and shape.items else (shape,))
            )
        )
    yield from _commands(judge, value, command, call, running.name)


def _command_of(running: Running, evaluator: Values) -> Expression | None:
    """The text that a shell gets, or None where no shell is started."""
    given = (
        running.arguments[0]
        if running.arguments
        else running.keywords.get("args") or running.keywords.get("cmd") or running.keywords.get("command")
    )
    if isinstance(given, OpaqueExpression) and given.kind == "star":
        return None
    if running.name in _SHELLS:
        return given
    switch = evaluator.of(running.keywords["shell"]) if "shell" in running.keywords else _spread_entry(running, "shell", evaluator)
    if running.name in _SUBPROCESS and truth(switch.unset()) is True:
        return given
    return _script_of(given.items if isinstance(given, Collection) else running.arguments)


def _spread_entry(running: Running, name: str, evaluator: Values) -> Value:
    """What `**options` says under a name."""
    for mapping in running.spreads:
        for shape in evaluator.of(mapping).shapes:
            if isinstance(shape, Table) and name in shape.entries:
                return shape.entries[name]
    return Value()


_COMMAND_LINES = frozenset(("click", "typer", "argparse", "fire", "docopt"))
_SHELL_PROGRAM = re.compile(r"(?:^|/)(?:ba|z|da|k|a)?sh$")
# Files that the program itself makes.
_TEMPORARY = re.compile(r"tmp_?(?:path|dir|file)|temp_?(?:dir|file)", re.IGNORECASE)


def _script_of(arguments: Sequence[Expression]) -> Expression | None:
    """The script of `["bash", "-c", script]`: a shell without `shell=True`."""
    for first, option, script in zip(arguments, arguments[1:], arguments[2:], strict=False):
        if isinstance(first, Constant) and isinstance(option, Constant) and _SHELL_PROGRAM.search(str(first.value)):
            if re.fullmatch(r"-[a-z]*c", str(option.value)):
                return script
    return None


def _commands(judge: Judge, value: Value, at: Expression, call: Call, name: str) -> Iterator[Diagnostic]:
    for parts in judge.variants(value):
        loose = [part for part in parts if not isinstance(part, str) and judge.is_open(part.value)]
        loose = [part for part in loose if judge.client_in(part.value) is not None or not _TEMPORARY.search(part.at.text)]
        if loose and any(isinstance(part, str) and part.strip() for part in parts):
            client = next((found for found in (judge.client_in(part.value) for part in loose) if found is not None), None)
            if client is None and any(name.split(".", 1)[0] in _COMMAND_LINES for name in call.module.imports.values()):
                return  # who types the command may run any other
            yield Diagnostic(
                call,
                f"`{name}` writes `{shown(loose[0].at)}` into a shell command",
                # Who calls this with what is not known here.
                priority="P1" if client is None else None,
                related=entered(client),
            )
            return
    # A command that comes as a whole is what this function is for, unless it comes straight from a client.
    for shape in value.walk(3):
        if isinstance(shape, Client):
            yield Diagnostic(call, f"`{name}` gives a shell `{shown(at)}`", related=entered(shape))
            return
    for shape in value.shapes:
        if isinstance(shape, Argument):
            yield from _callers_that_build(judge, shape)


def _callers_that_build(judge: Judge, argument: Argument) -> Iterator[Diagnostic]:
    """`def run(command): subprocess.run(command, shell=True)`, and who in the file puts a command for it together."""
    name = argument.function.name
    for _, value, given in judge.given_to(argument):
        client = next((shape for shape in value.walk(3) if isinstance(shape, Client)), None)
        loose: list[Part] = []
        for parts in judge.variants(value):
            if any(isinstance(part, str) and part.strip() for part in parts):
                loose += [
                    part
                    for part in parts
                    if not isinstance(part, str) and judge.is_open(part.value) and not _TEMPORARY.search(part.at.text)
                ]
        if loose:
            words = f"`{name}` runs a shell command with `{shown(loose[0].at)}` written into it"
            yield Diagnostic(given, words, priority="P1" if client is None else None, related=entered(client))
        elif client is not None:
            yield Diagnostic(given, f"`{name}` runs `{shown(given)}` in a shell", related=entered(client))


# ---------------------------------------------------------------- objects from bytes

_UNPICKLERS = tuple(sinks()["unpickling"]["bytes"])
# Bytes that came over a wire or out of a store that others can write to, where the library that brought them is not known.
_OUTSIDE = re.compile(
    r"request|response|\bresp\b|recv|upload|download|redis|memcache|cache\.get|s3|bucket|blob|b64decode|socket|kafka|cookie|header|http|\.body\b|message\.(?:value|body|data)|\.get_message",
    re.IGNORECASE,
)
_WIRE = re.compile(r"request|response|recv|upload|download|socket|s3|blob|BytesIO|http", re.IGNORECASE)
_REMOTE = re.compile(r"^(?:https?|s3|gs|gcs|abfss?|ftp|sftp|hdfs)://")
_SHARED_FOLDER = re.compile(r"tempfile\.|gettempdir|^/tmp/|^/var/tmp/")
_PROVED = frozenset({"compare_digest", "unsign", "verify", "verify_signature", "decrypt", "authenticate"})


@check("PRD462", on=[calls(*_UNPICKLERS)], files=["python"])
def unpickled(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Pickles of bytes that come over a wire or out of a shared store."""
    given = call.argument(0) or call.keywords.get("filepath_or_buffer") or call.keywords.get("filename")
    if given is None or isinstance(given, Constant) and not (isinstance(given.value, str) and _REMOTE.match(given.value)):
        return
    evaluator = context.values(call.module)
    value = evaluator.of(given)
    origins = list(_origins(value))
    if any(isinstance(shape, Result) and shape.name.rpartition(".")[2] in ("dump", "dumps") for shape in origins):
        return  # `pickle.loads(pickle.dumps(x))`: a copy
    judge = Judge(evaluator, "code")
    client = judge.client_in(value) or next((shape for shape in origins if isinstance(shape, Client)), None)
    if client is None and not _from_outside(call, given, origins, judge.is_open(value)):
        return
    if any(isinstance(shape, Result) and shape.name.rpartition(".")[2] in _PROVED for shape in origins) or _is_proved(call, evaluator):
        return
    # What the same file pickled into a store is only as dangerous as the store is open.
    family = call.name.split(".", 1)[0]
    own = any(other.name.split(".", 1)[0] == family for other in calls_of(call.module, "dump", "dumps"))
    if own and client is None:
        return
    words = f"`{call.name}` runs whatever `{shown(given)}` says: unpickling is executing"
    yield Diagnostic(call, words, priority=None if client is not None and client.source != "message" else "P1", related=entered(client))


def _origins(value: Value, depth: int = 6) -> Iterator[Shape]:
    """Every shape that a value is made of, what calls were given among them."""
    for shape in value.walk():
        yield shape
        if isinstance(shape, Result) and depth > 0:
            for given in shape.given:
                yield from _origins(given, depth - 1)


def _from_outside(call: Call, given: Expression, origins: Sequence[Shape], is_open: bool) -> bool:
    """Whether bytes came from elsewhere: by the addresses and calls that they come from."""
    if any(isinstance(shape, Known) and isinstance(shape.value, str) and _REMOTE.match(shape.value) for shape in origins):
        return True
    text = " ".join(
        {
            given.text,
            *(shape.at.text for shape in origins if isinstance(shape, (Result, Member, Argument)) and isinstance(shape.at, Expression)),
            *(f"{shape.name}(" for shape in origins if isinstance(shape, Result)),
        }
    )
    if any(
        isinstance(shape, Known) and isinstance(shape.value, str) and _SHARED_FOLDER.match(shape.value) for shape in origins
    ) or _SHARED_FOLDER.search(text):
        return True
    if not is_open:
        return False
    if call.method in ("load", "read_pickle", "open", "Unpickler"):
        return bool(_WIRE.search(text))
    return bool(_OUTSIDE.search(text))


def _is_proved(call: Call, evaluator: Values) -> bool:
    """Whether every way to a place has passed a signature check."""
    for condition in evaluator.conditions(call):
        for part in condition.expression.walk():
            if isinstance(part, Call) and part.method in _PROVED:
                return True
    return any(evaluator.always_before(other, call) for other in calls_of(call.module, *_PROVED))


# The release that made `weights_only=True` the default.
_WEIGHTS_ONLY_SINCE = (2, 6)


@check("PRD462", on=[calls("torch.load", "numpy.load")], required_literals=[("torch", "load"), "allow_pickle"], files=["python"])
def unpickled_arrays(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`torch.load(weights_only=False)`, `numpy.load(allow_pickle=True)`."""
    evaluator = context.values(call.module)
    given = evaluator.keywords(call)
    words = ""
    if truth(given.get("weights_only", Value()).unset()) is False:
        words = "`torch.load` with `weights_only=False` runs what the file says"
    elif truth(given.get("allow_pickle", Value()).unset()) is True:
        words = "`numpy.load` with `allow_pickle=True` runs what the file says"
    client = Judge(evaluator, "code").client_in(evaluator.of(call.argument(0)))
    if not words and client is not None and call.name == "torch.load" and "weights_only" not in given and not call.stars:
        version = context.environment.version("torch")
        if version is None or version < _WEIGHTS_ONLY_SINCE:
            words = "`torch.load` without `weights_only=True` runs what the file says (before PyTorch 2.6)"
    if words:
        yield Diagnostic(call, words, priority="P1" if client is None else None, related=entered(client))


_UNSAFE_LOADERS = frozenset({"Loader", "UnsafeLoader", "CLoader", "CUnsafeLoader"})
_RUAMEL = ("ruamel.yaml.YAML.load", "ruamel.yaml.YAML.load_all", "ruamel.yaml.main.YAML.load")


@check(
    "PRD462",
    on=[calls("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", *_RUAMEL)],
    required_literals=["yaml.load", "yaml.unsafe_load", "yaml import", "yaml as", "ruamel"],
    files=["python"],
)
def yaml_objects(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`yaml.load` without a safe loader."""
    evaluator = context.values(call.module)
    last = call.name.rpartition(".")[2]
    if call.name in _RUAMEL:
        maker = call.constructor
        kind = evaluator.of(maker.argument(0, "typ")) if maker is not None else Value()
        if kind.may_be("unsafe"):
            yield Diagnostic(call, '`YAML(typ="unsafe")` can construct any Python object')
        return
    if last.startswith("unsafe"):
        yield Diagnostic(call, f"`{call.name}` can construct any Python object")
        return
    loader = call.argument(1, "Loader")
    if loader is None:
        if call.stars or last == "full_load":
            return
        safe = "safe_load_all" if last == "load_all" else "safe_load"
        fix = FixRequest("replace", f"use `yaml.{safe}`", True, (("text", f"yaml.{safe}"), ("import", "yaml")))
        words = f"`{call.name}` without a safe loader can construct any Python object"
        yield Diagnostic(call.function, words, fix=fix)
        return
    own = call.module.class_named(loader.source_text) if isinstance(loader, Name) else None
    names = [
        *(own.bases if own is not None else ()),
        *(shape.name for shape in evaluator.of(loader).shapes if isinstance(shape, Reference)),
    ]
    for name in names:
        if name.startswith("yaml.") and name.rpartition(".")[2] in _UNSAFE_LOADERS:
            shown = f"`{own.name}`, a `{name}`," if own is not None else f"`{name}`"
            yield Diagnostic(call, f"`{call.name}` with {shown} can construct any Python object")
            return


# ---------------------------------------------------------------- workers and templates

_ACCEPT = re.compile(
    r"^(?:celery_)?(?:accept_content|task_serializer|result_serializer|event_serializer|result_accept_content)$", re.IGNORECASE
)


@check(
    "PRD462",
    on=[every(Module)],
    required_literals=[("accept_content", "pickle"), ("_serializer", "pickle")],
    files=["python"],
)
def pickled_tasks(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Celery workers that take pickled messages."""
    found: list[tuple[str, Expression]] = []
    for statement, _ in _assignments(module):
        for target in statement.targets:
            found.append((target.text.rsplit(".", 1)[-1].strip("\"'[]"), statement.expressions[0]))
            if isinstance(statement.expressions[0], Dictionary):
                found += [(str(key.value), value) for key, value in statement.expressions[0].items if isinstance(key, Constant)]
    for call in module.calls():
        if call.method in ("Celery", "update", "conf", "Consumer", "ConsumerMixin"):
            found += list(call.keywords.items())
    for name, value in found:
        if _ACCEPT.match(name):
            for text in values(module, value, value):
                if text.text in ("pickle", "application/x-python-serialize"):
                    yield Diagnostic(
                        value, f"`{name}` takes pickled messages: who reaches the broker runs code in the worker", priority="P1"
                    )
                    break


def _assignments(module: Module) -> Iterator[tuple[Statement, str]]:
    yield from ((s, c) for s, c in module_statements(module) if s.kind == "assign" and s.expressions)
    for function in module.functions():
        yield from ((s, "") for s in statements_in(function.body) if s.kind == "assign" and s.expressions)


_TEMPLATES = tuple(sinks()["templates"]["calls"])


@check(
    "PRD462",
    on=[calls(*_TEMPLATES)],
    required_literals=[
        "render_template_string",
        ("jinja2", "template"),
        ("mako", "template"),
        ("jinja", "from_string"),
        ("django", "template("),
        ("tornado", "template("),
    ],
    files=["python"],
)
def template_from_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A template whose text somebody else writes."""
    given = call.argument(0, "source")
    if given is None or isinstance(given, Constant):
        return
    evaluator = context.values(call.module)
    value = evaluator.of(given)
    judge = Judge(evaluator, "template")
    if call.method != "render_template_string" and b"SandboxedEnvironment" in call.source.data:
        return
    client = next((shape for shape in value.walk() if isinstance(shape, Client)), None) or judge.client_in(value)
    for parts in judge.variants(value):
        loose = [part for part in parts if not isinstance(part, str) and judge.is_open(part.value)]
        if loose and (client is not None or call.method == "render_template_string" and len(parts) > 1):
            yield Diagnostic(
                call,
                f"`{call.method}` renders a template with `{shown(loose[0].at)}` in its text: templates run code",
                related=entered(client),
            )
            return
    if client is not None and judge.is_open(value):
        yield Diagnostic(
            call, f"`{call.method}` renders a template with `{shown(given)}` in its text: templates run code", related=entered(client)
        )
