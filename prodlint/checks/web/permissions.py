"""Files that everybody on the machine may write, or whose names can be known before they are made (PRD473)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.quoting import quote
from prodlint.facts import Call, Constant, Expression, Operation

_OTHERS_WRITE = 0o002
_STICKY = 0o1000
# Positions of the mode, where it is taken as it is: what `open` and `mkdir` are given is less the umask.
_MODES: dict[str, int] = {
    "os.chmod": 1,
    "os.fchmod": 1,
    "os.lchmod": 1,
    "*.chmod": 0,
}
# Made by the service's own, for others to write on purpose.
_SHARED = re.compile(r"sock", re.IGNORECASE)


@check(
    "PRD473",
    on=[calls(*_MODES)],
    required_literals=["chmod"],
    files=["python"],
)
def written_by_all(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.chmod(path, 0o777)`: any user of the machine may change the file."""
    position = _MODES.get(call.name, 0 if call.method == "chmod" else -1)
    if position < 0:
        return
    given = call.argument(position, "mode")
    if (
        given is None
        or _SHARED.search(call.arguments[0].text if call.arguments else "")
        or call.receiver is not None
        and _SHARED.search(call.receiver.text)
    ):
        return
    mode = _mode(given, context, call)
    if mode is not None and mode & _OTHERS_WRITE and not mode & _STICKY:
        yield Diagnostic(given, f"`{call.method}` with `{given.text}` lets every user of this machine write it")


def _mode(given: Expression, context: CheckContext, call: Call) -> int | None:
    """A mode as a number; of `stat.S_IRWXO | ...` what others may."""
    constants = context.values(call.module).of(given).constants()
    if len(constants) == 1 and isinstance(constants[0], int) and not isinstance(constants[0], bool):
        return constants[0]
    if isinstance(given, Operation) and given.operator == "|":
        added = [one.value for one in given.operands if isinstance(one, Constant) and isinstance(one.value, int)]
        if any(one & _OTHERS_WRITE for one in added):
            return _OTHERS_WRITE
    return _OTHERS_WRITE if re.search(r"(?<![~\w])stat\.S_I(?:RWXO|WOTH)\b", given.text) and "~" not in given.text else None


@check("PRD473", on=[calls("os.umask")], files=["python"])
def no_mask(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.umask(0)`, which nothing sets back."""
    given = call.argument(0)
    if given is None or context.values(call.module).of(given).constants() != [0]:
        return
    if sum(other.name == "os.umask" for other in call.module.calls()) > 1:
        return  # read and set back
    yield Diagnostic(call, "`os.umask(0)` lets every user of this machine write the files that are made from here on")


@check("PRD473", on=[calls("tempfile.mktemp", "os.tempnam", "os.tmpnam")], files=["python"])
def guessed_name(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`tempfile.mktemp()`: a name that is free now, and somebody else's file or link when it is opened."""
    yield Diagnostic(call, f"`{call.name}` gives a name and no file: whoever makes one under it first decides what is opened")


# Calls that make what they name -> where the name stands.
_MAKES: dict[str, int] = {
    **dict.fromkeys(
        ("open", "io.open", "codecs.open", "os.mkdir", "os.makedirs", "os.mkfifo", "sqlite3.connect", "logging.FileHandler"), 0
    ),
    **dict.fromkeys(("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move", "os.rename", "os.replace"), 1),
}
_WRITES_PATH = tuple(f"pathlib.Path.{name}" for name in ("write_text", "write_bytes", "mkdir", "touch"))
_EVERYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108 - names to look for


@check("PRD476", on=[calls(*_MAKES, *_WRITES_PATH)], required_literals=[_EVERYBODYS[0], _EVERYBODYS[2]], verbatim=True, files=["python"])
def fixed_name(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`open("/tmp/report.csv", "w")`: a folder that every user of the machine writes into, and a name that all know."""
    if call.name in _MAKES:
        given = call.argument(_MAKES[call.name])
        mode = call.argument(1, "mode") if call.method == "open" else None
        if call.method == "open" and not (isinstance(mode, Constant) and isinstance(mode.value, str) and set("wa+") & set(mode.value)):
            return  # it is read, or `x` refuses a file that is there
    else:
        made = call.module.follow(call.receiver, call) if call.receiver is not None else None
        given = made.argument(0) if isinstance(made, Call) and len(made.arguments) == 1 else None
    if given is None:
        return
    names = [name for name in context.values(call.module).of(given).constants() if isinstance(name, str) and name.startswith(_EVERYBODYS)]
    if names:
        yield Diagnostic(given, f"`{quote(names[0])}` is a name that every user of this machine can take first, as a link to another file")
