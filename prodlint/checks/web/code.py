"""What comes from outside and is run: Python, shells, pickles, templates (PRD462)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.web.text import Reader, is_fixed, pieces_of, reader_of
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
    calls_in,
    statements_in,
)
from prodlint.model import FixRequest
from prodlint.values.expressions import follow, innermost, module_statements, truth, values

# ---------------------------------------------------------------- Python and shells


_NOTHING = re.compile(r"(?!)")
_SHELL_QUOTING = re.compile(r"quote|^list2cmdline$", re.IGNORECASE)


def _shown(expression: Expression) -> str:
    text = " ".join(expression.text.split())
    return text if len(text) <= 50 else text[:47] + "..."


@check("PRD462", on=[calls("eval", "exec", "builtins.eval", "builtins.exec")], required_literals=["eval(", "exec("], files=["python"])
def evaluated_text(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`eval` and `exec` of anything but text in the code."""
    if call.receiver is not None and not call.name.startswith("builtins."):
        return
    given = call.argument(0)
    if given is None or isinstance(given, Constant):
        return
    module = call.module
    function = innermost(module, call)
    reader = reader_of(module, function, _NOTHING, call.start)
    if isinstance(given, Name) and given.source_text in reader.given:
        sources = reader.given[given.source_text]
    else:
        sources = [follow(module, given, call)]
    if all(_is_parsed(module, source) for source in sources):
        return
    if is_fixed(given, reader) or _own_file(module, given, reader):
        return
    if (
        "command" in context.file.roles
        or function is not None
        and function.name == "exec_module"
        or b"RestrictedPython" in call.source.data
    ):
        return  # a module loader, and an interpreter that is made for strangers' code
    yield Diagnostic(call, f"`{call.method}` runs `{_shown(given)}` as Python")


def _is_parsed(module: Module, source: Expression) -> bool:
    """`compile(ast.Expression(node), ...)`: Python that was parsed and looked at first."""
    if not (isinstance(source, Call) and source.name == "compile" and source.arguments):
        return False
    inner = follow(module, source.arguments[0], source)
    return isinstance(inner, Call) and inner.name.startswith("ast.")


def _own_file(module: Module, given: Expression, reader: Reader) -> bool:
    """`exec(open("version.py").read())`, `exec(compile(...))` of a file that the code names."""
    for source in (*reader.given.get(given.source_text, ()),) if isinstance(given, Name) else ():
        if source is not given and not isinstance(source, Name) and _own_file(module, source, reader):
            return True
    for expression in follow(module, given, given).walk():
        if isinstance(expression, Name) and expression is not given:
            opened = reader.given.get(expression.source_text.split(".", 1)[0], ())
            if opened and all(isinstance(value, Call) and value.method == "open" and _own_file(module, value, reader) for value in opened):
                return True
        if isinstance(expression, Call) and expression.method in ("open", "read_text", "read_bytes"):
            target = expression.argument(0) if expression.method == "open" and expression.receiver is None else expression.receiver
            if target is not None and (is_fixed(target, reader) or "__file__" in follow(module, target, given).text):
                return True
    return False


_SHELLS = {
    "os.system": 0,
    "os.popen": 0,
    "subprocess.getoutput": 0,
    "subprocess.getstatusoutput": 0,
    "asyncio.create_subprocess_shell": 0,
    "asyncio.subprocess.create_subprocess_shell": 0,
}
_EXEC = ("asyncio.create_subprocess_exec", "asyncio.subprocess.create_subprocess_exec")
_SUBPROCESS = ("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen")


@check(
    "PRD462",
    on=[calls(*_SHELLS, *_SUBPROCESS, *_EXEC)],
    required_literals=[
        ("subprocess", "shell"),
        ("subprocess", '"-c"'),
        ("subprocess", "'-c'"),
        ("subprocess", '"-lc"'),
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
    module = call.module
    given = call.argument(0, "args") or call.keywords.get("cmd") or call.keywords.get("command")
    if call.name in (*_SUBPROCESS, *_EXEC) and truth(module, call.keywords.get("shell"), call) is not True:
        given = _script_of(given.items if isinstance(given, Collection) else call.arguments)
    if given is None:
        return
    reader = reader_of(module, innermost(module, call), _SHELL_QUOTING, call.start)
    pieces = pieces_of(given, reader)
    if isinstance(given, Collection):
        pieces = [piece for item in given.items for piece in pieces_of(item, reader)]
    loose = [piece for piece in pieces if not isinstance(piece, str) and not is_fixed(piece, reader) and not _own_program(module, piece)]
    if not loose:
        return
    whole = not any(isinstance(piece, str) and piece.strip() for piece in pieces)
    if whole:
        # A command that comes as a whole is what this function is for, unless it comes straight from a request.
        if _REQUEST.search(follow(module, loose[0], call).text):
            yield Diagnostic(call, f"`{call.name}` gives a shell `{_shown(loose[0])}`")
        elif isinstance(loose[0], Name):
            yield from _callers_that_build(module, call, loose[0])
        return
    yield Diagnostic(call, f"`{call.name}` writes `{_shown(loose[0])}` into a shell command")


_SHELL_PROGRAM = re.compile(r"(?:^|/)(?:ba|z|da|k|a)?sh$")


def _script_of(arguments: Sequence[Expression]) -> Expression | None:
    """The script of `["bash", "-c", script]`: a shell without `shell=True`."""
    first, option, script = (*arguments, None, None, None)[:3]
    if not isinstance(first, Constant) or not isinstance(option, Constant) or not _SHELL_PROGRAM.search(str(first.value)):
        return None
    return script if re.fullmatch(r"-[a-z]*c", str(option.value)) else None


def _callers_that_build(module: Module, call: Call, name: Name) -> Iterator[Diagnostic]:
    """`def run(command): subprocess.run(command, shell=True)`, and who in the file puts a command for it together."""
    function = innermost(module, call)
    names = [parameter.name for parameter in function.parameters] if function is not None else []
    if function is None or name.source_text not in names:
        return
    position = names.index(name.source_text) - (1 if names[0] in ("self", "cls") else 0)
    for other in module.calls():
        given = other.argument(position, name.source_text) if other.method == function.name else None
        if given is None or isinstance(given, Constant):
            continue
        reader = reader_of(module, innermost(module, other), _SHELL_QUOTING, other.start)
        pieces = pieces_of(given, reader)
        loose = [
            piece for piece in pieces if not isinstance(piece, str) and not is_fixed(piece, reader) and not _own_program(module, piece)
        ]
        if loose and any(isinstance(piece, str) and piece.strip() for piece in pieces):
            yield Diagnostic(given, f"`{function.name}` runs a shell command with `{_shown(loose[0])}` written into it")


def _own_program(module: Module, piece: Expression) -> bool:
    """`sys.executable`, `__file__`, paths made from them, temporary files: nobody else chooses those."""
    text = follow(module, piece, piece).text
    return bool(
        re.search(
            r"\bsys\.(?:executable|argv\[0\]|prefix)|__file__|os\.getpid\(|os\.getcwd\(|tempfile\.|mkdtemp|tmp_?(?:path|dir|file)|temp_dir|cpu_count|Path\.home\(",
            text,
            re.IGNORECASE,
        )
    )


# ---------------------------------------------------------------- objects from bytes

_UNPICKLERS = (
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "cPickle.load",
    "cPickle.loads",
    "_pickle.loads",
    "dill.load",
    "dill.loads",
    "cloudpickle.load",
    "cloudpickle.loads",
    "marshal.load",
    "marshal.loads",
    "joblib.load",
    "jsonpickle.decode",
    "pandas.read_pickle",
    "shelve.open",
)
_OUTSIDE = re.compile(
    r"request|response|\bresp\b|recv|upload|download|redis|memcache|cache\.get|s3|bucket|blob|b64decode|socket|kafka|cookie|header|http|\.body\b|message\.(?:value|body|data)|\.get_message",
    re.IGNORECASE,
)
_PROVED = frozenset({"compare_digest", "unsign", "verify", "verify_signature", "decrypt", "authenticate"})


@check("PRD462", on=[calls(*_UNPICKLERS)], files=["python"])
def unpickled(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Pickles of bytes that come over a wire or out of a shared store."""
    given = call.argument(0)
    if given is None or isinstance(given, Constant) or _made_here(call.module, given, call):
        return
    module = call.module
    function = innermost(module, call)
    text = f"{given.text} {follow(module, given, call).text}"
    if isinstance(given, Name):
        text += " ".join(value.text for value in reader_of(module, function, _NOTHING, call.start).given.get(given.source_text, ()))
    if call.method in ("load", "read_pickle", "open", "Unpickler") and not re.search(
        r"request|response|recv|upload|download|socket|s3|blob|BytesIO|http", text, re.IGNORECASE
    ):
        return
    if not _OUTSIDE.search(text) or function is not None and any(other.method in _PROVED for other in calls_in(function.body)):
        return
    # What the same file pickled into a store is only as dangerous as the store is open.
    own = any(
        other.name.rsplit(".", 1)[-1] in ("dump", "dumps") and other.name.split(".", 1)[0] == call.name.split(".", 1)[0]
        for other in module.calls()
    )
    if own and not re.search(r"request|upload|cookie|header", text, re.IGNORECASE):
        return
    yield Diagnostic(call, f"`{call.name}` runs whatever `{_shown(given)}` says: unpickling is executing", priority="P1")


def _made_here(module: Module, given: Expression, call: Call) -> bool:
    """`pickle.loads(pickle.dumps(x))`: a copy."""
    return any(isinstance(part, Call) and part.name.rsplit(".", 1)[-1] in ("dump", "dumps") for part in follow(module, given, call).walk())


@check("PRD462", on=[calls("torch.load", "numpy.load")], required_literals=[("torch", "weights_only"), "allow_pickle"], files=["python"])
def unpickled_arrays(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`torch.load(weights_only=False)`, `numpy.load(allow_pickle=True)`."""
    module = call.module
    if truth(module, call.keywords.get("weights_only"), call) is False:
        yield Diagnostic(call, "`torch.load` with `weights_only=False` runs what the file says", priority="P1")
    elif truth(module, call.keywords.get("allow_pickle"), call) is True:
        yield Diagnostic(call, "`numpy.load` with `allow_pickle=True` runs what the file says", priority="P1")


_UNSAFE_LOADERS = frozenset({"Loader", "UnsafeLoader", "CLoader", "CUnsafeLoader"})


@check(
    "PRD462",
    on=[calls("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all")],
    required_literals=["yaml.load", "yaml.unsafe_load", "yaml import", "yaml as"],
    files=["python"],
)
def yaml_objects(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`yaml.load` without a safe loader."""
    if call.method.startswith("unsafe"):
        yield Diagnostic(call, f"`yaml.{call.method}` makes any Python object that the text asks for")
        return
    if call.stars:
        return
    loader = call.argument(1, "Loader")
    safe = "safe_load_all" if call.method == "load_all" else "safe_load"
    if loader is None:
        fix = FixRequest("replace", f"use `yaml.{safe}`", True, (("text", f"yaml.{safe}"), ("import", "yaml")))
        yield Diagnostic(
            call.function, f"`yaml.{call.method}` without a safe loader makes any Python object that the text asks for", fix=fix
        )
        return
    known = follow(call.module, loader, call)
    if isinstance(known, Name) and known.name.startswith("yaml.") and known.name.rsplit(".", 1)[-1] in _UNSAFE_LOADERS:
        yield Diagnostic(call, f"`yaml.{call.method}` with `{known.name}` makes any Python object that the text asks for")


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


_TEMPLATES = ("flask.render_template_string", "quart.render_template_string", "jinja2.Template", "mako.template.Template", "*.from_string")
_REQUEST = re.compile(r"\brequest\.|\bargs\[|\bform\[|\bquery_params\b|user_?input|\binput\(")


@check(
    "PRD462",
    on=[calls(*_TEMPLATES)],
    required_literals=["render_template_string", ("jinja2", "template"), ("mako", "template"), ("jinja", "from_string")],
    files=["python"],
)
def template_from_request(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A template whose text somebody else writes."""
    given = call.argument(0, "source")
    if given is None or isinstance(given, Constant):
        return
    module = call.module
    reader = reader_of(module, innermost(module, call), _NOTHING, call.start)
    loose = [piece for piece in pieces_of(given, reader) if not isinstance(piece, str) and not is_fixed(piece, reader)]
    for piece in loose:
        if (
            call.method == "render_template_string"
            and isinstance(piece, (Call, Name, OpaqueExpression))
            or _REQUEST.search(follow(module, piece, piece).text)
        ):
            if call.method != "render_template_string" and b"SandboxedEnvironment" in call.source.data:
                continue
            if _REQUEST.search(follow(module, piece, piece).text) or len(pieces_of(given, reader)) > 1:
                yield Diagnostic(call, f"`{call.method}` renders a template with `{_shown(piece)}` in its text: templates run code")
                return
