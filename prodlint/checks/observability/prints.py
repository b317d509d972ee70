"""PRD701: a service that speaks through `print` instead of its log."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.facts import Call, Constant, FString, Function, Module, Name, OpaqueExpression, Operation, Statement, calls_in, statements_in
from prodlint.model import FixRequest
from prodlint.project.environment import WEB_PACKAGES
from prodlint.python.exits import is_logger
from prodlint.values.places import IntervalIndex, class_around, decorator_name, enclosing

PRINTS = ("print", "builtins.print", "pprint.pprint", "pprint.pp", "pp")
TRACEBACKS = ("traceback.print_exc", "traceback.print_stack", "traceback.print_exception")
STREAMS = ("sys.stdout.write", "sys.stderr.write")

# A module that imports one of these talks to a person at a terminal.
_TERMINAL = re.compile(
    rb"(?:^|[\r\n;:])[ \t\f]*(?:import|from)(?:[ \t\f]|\\\r?\n)+(?:"
    + b"|".join(re.escape(module.encode()) for module in (
        "argparse", "click", "typer", "optparse", "getopt", "fire", "cmd", "cyclopts", "docopt", "rich", "tqdm", "questionary",
        "prompt_toolkit", "IPython", "curses", "readline", "getpass", "termios", "tty", "inquirer", "textual", "blessed", "plumbum", "invoke", "cliff", "asyncclick", "rich_click",
        "django.core.management", "code", "pdb", "unittest", "pytest", "locust", "streamlit",
    ))
    + rb")(?!\w)"
)  # fmt: skip
# Functions whose work is to show something, and those that a person starts.
_SHOWS = re.compile(
    r"^_*(?:p?print|show|display|pretty|usage|help|dump|echo|banner|render_console|debug|demo|cli|main|run_cli|repl)(?:_|$)|_(?:cli|usage|help|banner|progress)$"
)
# Classes that a developer's machine uses in place of the real one, and those that write to a console on purpose.
_STAND_IN = re.compile(
    r"^_*(?:Null|Console|Dummy|Fake|Stub|Mock|Noop|NoOp|Local|Dev|Print|Stdout|Stderr|Debug|Verbose|Terminal|Rich)|(?:Printer|Console|Cli|CLI|Command|Reporter|Renderer)$"
)
# Folders of tools that stand inside a service's package.
_TOOLS = frozenset(
    "cli commands command management console evals eval bench benches benchmarks tools_dev devtools codegen oneoff one_off repl play playground sandbox scratch".split()
)
# Scripts by their names: what they write is for whoever runs them.
_GENERATORS = ("generate_", "gen_", "codegen_", "bootstrap_")
# What a person has to type in elsewhere, in the sign-in of a device.
_SIGN_IN = re.compile(r"\b(?:user_code|device_code|verification_ur[il]\w*)\b")
# A question to whoever sits at the terminal.
_ASKS = re.compile(rb"(?<![\w.])input(?:[\s\\)]|#[^\n]*\n)*\(")
_OWN_INPUT = re.compile(rb"\bdef[\s\\]+input\b")
_TALKATIVE = re.compile(r"(?i)(?:^|[._])(?:verbos\w*|debug\w*|dry_?run|interactive|isatty|quiet|silent|show_\w+|print_\w+)(?:$|[._])")
_WEB = tuple(sorted(package.replace("-", "_") for package in WEB_PACKAGES if package != "django-ninja"))


@lru_cache(maxsize=4)
def is_terminal_program(data: bytes) -> bool:
    """Whether a file imports what programs for the terminal are made of."""
    return _TERMINAL.search(data) is not None or (b"input" in data and _asks(data))


def _asks(data: bytes) -> bool:
    """Whether a file calls `input` itself; a function or a method of that name is something else."""
    return _OWN_INPUT.search(data) is None and any(_is_code(data, match.start()) for match in _ASKS.finditer(data))


def _is_code(data: bytes, offset: int) -> bool:
    before = data[data.rfind(b"\n", 0, offset) + 1 : offset].lstrip()
    return not before.startswith((b"#", b">>>", b"..."))


@check(
    "PRD701",
    on=[calls(*PRINTS, *TRACEBACKS, *STREAMS)],
    required_literals=["print", "pprint", "pp", "print_exc", "print_stack", "stdout.write", "stderr.write"],
    files=("python",),
)
def print_in_service(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`print` and its kin in modules that the service runs."""
    if call.name == "pp" or (call.name == "print" and call.receiver is not None):
        return
    if call.scope.guards & {"main", "debug", "environment", "type-checking"} or _goes_elsewhere(call):
        return
    if (
        not _TOOLS.isdisjoint(context.file.path.lower().split("/")[:-1])
        or context.file.name in ("management.py", "commands.py", "setup.py")
        or context.file.name.startswith(_GENERATORS)
    ):
        return
    data = call.source.data
    if data.startswith(b"#!") or is_terminal_program(data):
        return
    module = call.module
    function = enclosing(call, module)
    if (
        is_for_a_person(call, function, module)
        or _leaves_next(call, function, module)
        or _when_asked(call, function, module)
        or not _is_service(module, context)
    ):
        return
    name = call.name.removeprefix("builtins.")
    words = "an exception to stderr" if name in TRACEBACKS else "to the console"
    level = "exception" if name == "traceback.print_exc" or call.scope.in_handler else "info"
    # A module that logs as well forgot this one, and an object of the service has nobody at a terminal.
    forgotten = name not in STREAMS and name not in TRACEBACKS and "file" not in call.keywords
    forgotten = forgotten and (_speaks_to_log(data) or bool(call.scope.class_))
    place = "past the log of the service" if forgotten else "instead of the log"
    yield Diagnostic(call, f"`{name}` writes {words} {place}: no level, timestamp or request id to filter by", fix=_fix(call, level))


_TO_LOG = re.compile(rb"(?i)\b_?log(?:ger|ging)?\.(?:debug|info|warning|warn|error|exception|critical)\(")


@lru_cache(maxsize=4)
def _speaks_to_log(data: bytes) -> bool:
    """Whether a module logs as well: its author knows the log, and what is printed there was forgotten."""
    return _TO_LOG.search(data) is not None


def _goes_elsewhere(call: Call) -> bool:
    """Whether the output goes to a file that was given, a progress line is drawn, or what is written is a log line already."""
    if call.name in STREAMS and any(
        isinstance(part, Call) and part.method == "dumps" for argument in call.arguments for part in argument.walk()
    ):
        return True
    if len(call.arguments) == 1 and isinstance(call.arguments[0], Name) and "banner" in call.arguments[0].source_text.lower():
        return True
    file = call.keywords.get("file")
    if file is not None and not (isinstance(file, Name) and file.name in ("sys.stdout", "sys.stderr")):
        return True
    end = call.keywords.get("end")
    return isinstance(end, Constant) and end.value in ("\r", "")


def is_for_a_person(call: Call, function: Function | None, module: Module) -> bool:
    """Whether what is printed is meant to be read at a terminal: a command, a function that shows, what `__main__` calls."""
    if _SIGN_IN.search(call.text):
        return True
    if function is not None:
        outer: Function | None = function
        if _SHOWS.search(function.name.lower()):
            return True
        while outer is not None:
            if any(
                decorator_name(decorator).rsplit(".", 1)[-1] in ("command", "group", "cli", "fixture") for decorator in outer.decorators
            ):
                return True
            outer = (
                next((one for one in module.functions() if one.start < outer.start and outer.end <= one.end), None)
                if outer.scope.function
                else None
            )
    class_ = class_around(call, module)
    if class_ is not None and _STAND_IN.match(class_.name):
        return True
    if class_ is not None and any(base.rsplit(".", 1)[-1] in ("BaseCommand", "Command", "Cmd", "NodeVisitor") for base in class_.bases):
        return True
    return b"__main__" in call.source.data and (function is None or _from_main(function, module))


def _from_main(function: Function, module: Module) -> bool:
    """Whether what stands behind `if __name__ == "__main__"` calls a function, by way of others of this module."""
    reached = _reached_from_main(module)
    return function.name in reached or function.scope.function in reached


@lru_cache(maxsize=4)
def _reached_from_main(module: Module) -> frozenset[str]:
    """The names that are called from there on."""
    started = [call.method for call in module.calls() if "main" in call.scope.guards]
    by_name: dict[str, list[Function]] = {}
    for other in module.functions():
        by_name.setdefault(other.name, []).append(other)
    reached: set[str] = set()
    while started:
        name = started.pop()
        if name in reached:
            continue
        reached.add(name)
        for other in by_name.get(name, ()):
            started.extend(call.method for call in calls_in(other.body, into_definitions=True))
    return frozenset(reached)


def _leaves_next(call: Call, function: Function | None, module: Module) -> bool:
    """Whether the program ends right after: there is no log yet, or no more."""
    index, places = _expression_statements(module, _top_level(call, module))
    found = index.around(call)
    return found is not None and (function is None or found.start >= function.start) and _exits_after(*places[found.start])


def _top_level(call: Call, module: Module) -> int:
    """Which of the module's own statements a call stands in."""
    return max(bisect_right(module.body, call.start, key=lambda statement: statement.start) - 1, 0)


@lru_cache(maxsize=4)
def _expression_statements(module: Module, top: int) -> tuple[IntervalIndex[Statement], Mapping[int, tuple[Sequence[Statement], int]]]:
    """The expressions among the statements of a module's own statement, that one included, and by their start the block each stands in, and
    where in it."""
    statements = list(statements_in(module.body[top : top + 1], into_definitions=True))
    placed = [(one, block, at) for inside in statements for block in inside.blocks() for at, one in enumerate(block)]
    placed += [(one, module.body, top) for one in statements[:1]]
    found = [each for each in placed if each[0].kind == "expression"]
    return IntervalIndex([one for one, _, _ in found]), {one.start: (block, at) for one, block, at in found}


def _when_asked(call: Call, function: Function | None, module: Module) -> bool:
    """Whether it is printed because somebody asked for words: `if verbose:`."""
    found = _questions(module, _top_level(call, module)).around(call)
    return found is not None and (function is None or found.start >= function.start)


@lru_cache(maxsize=4)
def _questions(module: Module, top: int) -> IntervalIndex[Statement]:
    """The statements of the kind `if verbose:` in a module's own statement, that one included."""
    return IntervalIndex(
        [
            statement
            for statement in statements_in(module.body[top : top + 1], into_definitions=True)
            if statement.kind == "if"
            and statement.expressions
            and any(isinstance(part, Name) and _TALKATIVE.search(part.source_text) for part in statement.expressions[0].walk())
        ]
    )


def _exits_after(block: Sequence[Statement], at: int) -> bool:
    """Whether one of the three statements behind this one ends the program."""
    for statement in block[at + 1 : at + 4]:
        for part in statement.expressions:
            if isinstance(part, Call) and part.name in ("sys.exit", "exit", "quit", "os._exit", "SystemExit"):
                return True
        if (
            statement.kind == "raise"
            and statement.expressions
            and isinstance(statement.expressions[0], Name)
            and statement.expressions[0].name == "SystemExit"
        ):
            return True
    return False


def _is_service(module: Module, context: CheckContext) -> bool:
    """Whether a module is part of a service: it is deployed from here, or the file imports what services are made of."""
    if any(name.split(".", 1)[0] in _WEB for name in module.imports.values()):
        return True
    if context.environment.is_library:
        return False
    return bool(
        context.environment.deploys(context.file.path) if context.environment.is_service else context.environment.packages & WEB_PACKAGES
    )


_LOGGED_BEFORE = re.compile(r"\.[ \t]*exception[ \t]*\([^\n]*\)[ \t]*\n(?:[ \t]*\n)*[ \t]*\Z")


_LOGGED_AFTER = re.compile(r"[ \t]*\n[ \t]*[\w.]*\.[ \t]*exception[ \t]*\(")


def _fix(call: Call, level: str) -> FixRequest | None:
    """The same words through the module's own logger, where it has one and the words are one text."""
    logger = _logger_of(call.module)
    if not logger or call.keywords or call.stars:
        return None
    if call.name == "traceback.print_exc":
        logged = _LOGGED_AFTER.match(call.source.slice(call.end, call.end + 200)) is not None
        text = f'{logger}.exception("unexpected error")' if call.scope.in_handler and not call.arguments and not logged else ""
    elif call.name == "print" and len(call.arguments) == 1:
        value = call.arguments[0]
        if level == "exception" and _LOGGED_BEFORE.search(call.source.slice(max(0, call.start - 200), call.start)):
            return None  # the line above has logged the traceback
        is_text = (
            isinstance(value, (Constant, FString))
            or (isinstance(value, Call) and value.method == "format")
            or (isinstance(value, Operation) and value.operator in ("+", "%"))
        )
        text = f"{logger}.{level}({value.text})" if is_text and not _holds_percent(value) else f'{logger}.{level}("%s", {value.text})'
        if isinstance(value, OpaqueExpression):
            text = ""
    else:
        text = ""
    return FixRequest("replace", f"Write it to `{logger}`", False, (("text", text),)) if text else None


def _holds_percent(value: object) -> bool:
    return isinstance(value, Constant) and not isinstance(value.value, str)


def _logger_of(module: Module) -> str:
    for name in ("logger", "log", "LOGGER", "_logger", "LOG", "_LOGGER"):
        bound = module.constant(name)
        if (isinstance(bound, Call) and is_logger(bound)) or module.imports.get(name, "").rsplit(".", 1)[-1] in ("logger", "log"):
            return name
    return ""
