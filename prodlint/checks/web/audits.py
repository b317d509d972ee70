"""Every use of what can be used badly, for teams that replace bandit's or ruff's audits (PRD474, PRD475, PRD485): all off by default."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.tables import sinks
from prodlint.facts import Call, Constant
from prodlint.values.lattice import Value, truth

_ALWAYS = tuple(sinks()["shell"]["always"])
_FLAGGED = tuple(sinks()["shell"]["flagged"])


@check("PRD474", on=[calls(*_ALWAYS, *_FLAGGED)], files=["python"])
def any_shell(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.system`, `os.popen`, `shell=True`, whatever the command is."""
    if call.name in _ALWAYS:
        yield Diagnostic(call, f"`{call.name}` starts a shell")
        return
    given = context.values(call.module).keywords(call).get("shell", Value())
    if given.shapes and truth(given.unset()) is not False:
        yield Diagnostic(call, f"`{call.name}` with `shell` starts a shell")


_UNPICKLES = tuple(sinks()["unpickling"]["bytes"])


@check("PRD475", on=[calls(*_UNPICKLES)], files=["python"])
def any_unpickling(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`pickle.load` and its like, wherever the bytes come from."""
    yield Diagnostic(call, f"`{call.name}` runs what it reads")


_WEAK = ("md5", "sha1", "md4", "md2", "sha", "ripemd160")
_HASHES = (
    "hashlib.md5",
    "hashlib.sha1",
    "hashlib.new",
    *(
        f"{library}.Hash.{name}.new"
        for library in ("Crypto", "Cryptodome")
        for name in ("MD2", "MD4", "MD5", "SHA", "SHA1", "RIPEMD", "RIPEMD160")
    ),
    *(f"cryptography.hazmat.primitives.hashes.{name}" for name in ("MD5", "SHA1")),
)


@check("PRD485", on=[calls(*_HASHES)], files=["python"])
def any_weak_hash(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """MD5 and SHA-1 without `usedforsecurity=False`."""
    given = context.values(call.module).keywords(call)
    if truth(given.get("usedforsecurity", Value()).unset()) is False:
        return
    if call.name == "hashlib.new":
        name = call.argument(0, "name")
        if not (isinstance(name, Constant) and str(name.value).lower().replace("-", "") in _WEAK):
            return
    yield Diagnostic(call, f"`{call.name}` without `usedforsecurity=False`")
