"""Programs, modules and commands on other machines that a client chooses, and ports that run what arrives (PRD462). Shells of this machine,
`eval`, pickles and templates are in `code`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.web.parts import Judge, entered, shown
from prodlint.facts import Call, Collection, Constant, Expression, Module, Name, OpaqueExpression, Subscript
from prodlint.values.lattice import Client, Items, Member, Restricted, Text, Value
from prodlint.values.places import calls_beside

# ---------------------------------------------------------------- the program itself

# Calls that start a program without a shell -> where the program or the list that begins with it stands.
_STARTS: dict[str, int] = {
    **{f"subprocess.{name}": 0 for name in ("run", "call", "check_call", "check_output", "Popen")},
    **{f"os.{name}": 0 for name in ("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe", "startfile", "posix_spawn", "posix_spawnp")},
    **{f"os.{name}": 1 for name in ("spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe")},
    "pty.spawn": 0,
    "pexpect.spawn": 0,
    "pexpect.run": 0,
    "asyncio.create_subprocess_exec": 0,
    "asyncio.subprocess.create_subprocess_exec": 0,
    "anyio.run_process": 0,
    "anyio.open_process": 0,
    "trio.run_process": 0,
}  # fmt: skip


def _chosen(value: Value, depth: int = 4) -> Client | None:
    """The client that chooses which program is started: the whole command, its first item, or the text that it begins with."""
    for shape in value.shapes:
        found: Client | None = None
        if isinstance(shape, Client):
            found = shape
        elif isinstance(shape, Member) and depth:
            found = _chosen(shape.of, depth - 1)
        elif isinstance(shape, Items) and depth:
            first = shape.items[0] if shape.items else shape.more
            found = _chosen(first, depth - 1) if first is not None else None
        elif isinstance(shape, Text) and depth and shape.parts:
            found = _chosen(shape.parts[0].value, depth - 1)
        if found is not None:
            return found
    return None


@check(
    "PRD462",
    on=[calls(*_STARTS)],
    required_literals=[
        "subprocess",
        "os.exec",
        "os.spawn",
        "os.posix_spawn",
        "os.startfile",
        "pty.spawn",
        "pexpect",
        "run_process",
        "open_process",
    ],
    files=["python"],
)
def chosen_program(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`subprocess.run(request.args["cmd"].split())`: no shell, and still whatever program a client names."""
    position = _STARTS[call.name]
    command = call.argument(position) or call.keywords.get("args") or call.keywords.get("command") or call.keywords.get("path")
    if command is None or isinstance(command, (Constant, OpaqueExpression)):
        return
    if isinstance(command, Collection) and (not command.items or isinstance(command.items[0], Constant)):
        return
    evaluator = context.values(call.module)
    if "shell" in call.keywords and evaluator.of(call.keywords["shell"]).may_be(True):
        return  # a shell's command is judged in `code`
    client = _chosen(evaluator.of(command))
    if client is not None:
        at = command.items[0] if isinstance(command, Collection) else command
        yield Diagnostic(call, f"`{call.name}` starts the program that `{shown(at)}` names", related=entered(client))


# ---------------------------------------------------------------- commands on other machines

# Calls that give a text to a shell elsewhere, by what made the receiver; `invoke.run` is a shell of this machine.
_ELSEWHERE = (
    "paramiko.SSHClient.exec_command",
    "paramiko.client.SSHClient.exec_command",
    "paramiko.Channel.exec_command",
    "fabric.Connection.run",
    "fabric.Connection.sudo",
    "fabric.Connection.local",
    "fabric.api.run",
    "fabric.api.sudo",
    "fabric.api.local",
    "invoke.run",
    "invoke.sudo",
    "invoke.Context.run",
    "asyncssh.connect.run",
    "asyncssh.connect.create_process",
    "asyncssh.SSHClientConnection.run",
    "*.exec_command",
    "*.exec_run",
)


@check(
    "PRD462",
    on=[calls(*_ELSEWHERE)],
    required_literals=[
        "exec_command",
        "exec_run",
        ("fabric", "run"),
        ("fabric", "sudo"),
        ("invoke", "run"),
        ("asyncssh", "run"),
        ("fabric", "local"),
    ],
    files=["python"],
)
def remote_command(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ssh.exec_command("ls " + request.args["folder"])`: the other machine's shell reads it."""
    command = call.argument(0, "command") or call.keywords.get("cmd")
    if command is None or isinstance(command, (Constant, OpaqueExpression)):
        return
    evaluator = context.values(call.module)
    value = evaluator.of(command)
    if call.method == "exec_run" and not any(isinstance(shape, (Text, Client)) for shape in value.shapes):
        return  # Docker's list of arguments reaches no shell
    client = next((one for one in _open_clients(value, "shell")), None) or _by_caller(Judge(evaluator, "shell"), value)
    if client is not None:
        yield Diagnostic(call, f"`{call.method}` gives another shell `{shown(command)}`", related=entered(client))


def _open_clients(value: Value, language: str) -> Iterator[Client]:
    """Clients that choose text of a value; what was quoted for the language is left out."""
    for shape in value.walk():
        if isinstance(shape, Client):
            yield shape
        elif isinstance(shape, Restricted) and shape.how == "quoted" and shape.by != language:
            yield from _open_clients(shape.of, language)


def _by_caller(judge: Judge, value: Value) -> Client | None:
    return judge.client_in(value) if any(isinstance(shape, Text) for shape in value.shapes) else None


# ---------------------------------------------------------------- modules and interpreters

_LOADS = {
    "importlib.import_module": "imports",
    "__import__": "imports",
    "builtins.__import__": "imports",
    "runpy.run_path": "runs",
    "runpy.run_module": "runs",
    "code.InteractiveInterpreter.runsource": "runs",
    "code.InteractiveInterpreter.runcode": "runs",
    "code.InteractiveConsole.push": "runs",
    "code.InteractiveConsole.runsource": "runs",
    "code.InteractiveConsole.runcode": "runs",
    "IPython.InteractiveShell.run_cell": "runs",
    "django.utils.module_loading.import_string": "imports",
    "werkzeug.utils.import_string": "imports",
    "pydoc.locate": "imports",
}


@check(
    "PRD462",
    on=[calls(*_LOADS)],
    required_literals=[
        "import_module",
        "__import__",
        "runpy",
        "interactiveinterpreter",
        "interactiveconsole",
        "run_cell",
        "import_string",
        ("pydoc", "locate"),
    ],
    files=["python"],
)
def chosen_module(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`importlib.import_module(request.args["plugin"])`: importing is running."""
    name = call.argument(0) or next(iter(call.keywords.values()), None)
    if name is None or isinstance(name, (Constant, OpaqueExpression)):
        return
    made = call.module.follow(call.function, call)
    if _LOADS[call.name] == "imports" and isinstance(made, Call) and made.method != "partial":
        return  # `Store = import_string("app.Store")`, and then `Store(value)`
    client = _chosen(context.values(call.module).of(name))
    if client is None:
        return
    if _LOADS[call.name] == "imports":
        yield Diagnostic(
            call, f"`{call.method}` imports what `{shown(name)}` names: importing runs code", priority="P1", related=entered(client)
        )
    else:
        yield Diagnostic(call, f"`{call.method}` runs `{shown(name)}` as Python", related=entered(client))


# ---------------------------------------------------------------- functions by their names

_NAMESPACES = frozenset(("globals", "locals", "vars"))
_METHODS_OF_NAMES = frozenset(("get", "pop", "setdefault"))


def _looked_up(function: Expression) -> Expression | None:
    """The name in `globals()[name]`, `globals().get(name)`, `vars(module)[name]` and `getattr(sys.modules[__name__], name)`."""
    if isinstance(function, Subscript):
        space, name = function.value, function.key
    elif isinstance(function, Call) and function.method in _METHODS_OF_NAMES and function.receiver is not None and function.arguments:
        space, name = function.receiver, function.arguments[0]
    elif isinstance(function, Call) and function.name == "getattr" and len(function.arguments) > 1:
        return function.arguments[1] if function.arguments[0].text.startswith("sys.modules[") else None
    else:
        return None
    return name if isinstance(space, Call) and space.name in _NAMESPACES else None


_LOOKS_UP = re.compile(rb"globals|locals|vars|getattr|modules")


def _calls_that_may_look_up(module: Module) -> Iterator[Call]:
    """The calls of those statements of a module in which names are looked up; all of them where the module itself does that."""
    data = module.source.data
    if any(statement.kind not in ("def", "class") and _LOOKS_UP.search(data, statement.start, statement.end) for statement in module.body):
        yield from module.calls()
    else:
        yield from calls_beside(module, _LOOKS_UP)


@check(
    "PRD462", on=[every(Module)], required_literals=["globals", "locals", ("vars", "request"), ("getattr", "sys.modules")], files=["python"]
)
def chosen_function(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`globals()[request.args["action"]]()`: whatever the module has imported can be called."""
    evaluator = None
    for call in _calls_that_may_look_up(module):
        function = module.follow(call.function, call) if isinstance(call.function, Name) else call.function
        name = _looked_up(function)
        if name is None or isinstance(name, (Constant, OpaqueExpression)):
            continue
        evaluator = evaluator or context.values(module)
        client = _chosen(evaluator.of(name))
        if client is not None:
            words = f"a client names the function that is called by `{shown(function)}`: everything that this module has imported can be"
            yield Diagnostic(call, words, priority="P1", related=entered(client))


# ---------------------------------------------------------------- ports that run what arrives


@check("PRD462", on=[calls("logging.config.listen")], required_literals=[("logging", "listen")], files=["python"])
def listening_configuration(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`logging.config.listen()` evaluates what it receives; every user of the machine can send it something."""
    if call.argument(1, "verify") is None and not call.stars:
        words = "`logging.config.listen` without `verify` evaluates what any user of this machine sends to its port"
        yield Diagnostic(call, words, priority="P1")


_THIS_MACHINE = re.compile(r"^(?:localhost|127\.|::1$)")


@check(
    "PRD462",
    on=[calls("multiprocessing.connection.Listener", "multiprocessing.connection.Client")],
    required_literals=[("multiprocessing", "listener"), ("multiprocessing", "client")],
    files=["python"],
)
def unpickling_port(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Listener(("0.0.0.0", 6000))` without `authkey`: what arrives there is unpickled."""
    address = call.argument(0, "address")
    if call.argument(3 if call.method == "Listener" else 2, "authkey") is not None or call.stars:
        return
    host = _host_of(address)
    if isinstance(host, Constant) and isinstance(host.value, str) and not _THIS_MACHINE.search(host.value):
        shown_host = f'"{host.value}"'
        words = f"`{call.method}` on {shown_host} without `authkey` unpickles what arrives there: unpickling is executing"
        yield Diagnostic(call, words, priority="P1")


def _host_of(address: Expression | None) -> Expression | None:
    return address.items[0] if isinstance(address, Collection) and address.kind == "tuple" and len(address.items) == 2 else None
