"""Handlers that are never reached, errors that are no exceptions and assertions that cannot fail (PRD213)."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import Call, Collection, Handler, Module, Name, Statement, statements_in

# Two classes, by the way that classes are written: what a variable holds may well be chosen by an `or`.
_CLASS = r"(?:\w+\.)*[A-Z]\w*[a-z]\w*"
_EITHER = re.compile(rf"except\s*\(?\s*({_CLASS})\s+(or|and)\s+(?:{_CLASS}\s+(?:or|and)\s+)*({_CLASS})\s*\)?\s*")
_COMMENT = re.compile(r"#[^\n]*")
# What `except Exception` lets through.
_PAST_EXCEPTION = re.compile(
    r"(?:^|\.)(?:BaseException|BaseExceptionGroup|KeyboardInterrupt|SystemExit|GeneratorExit|CancelledError|\w*Exit|\w*Interrupt|get_cancelled_exc_class)$"
)


@check("PRD213", on=[every(Handler)], required_literals=[("except", " or "), ("except", " and ")], files=["python"])
def one_of_two(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """`except KeyError or ValueError`: Python works out `KeyError` first, and catches that one alone."""
    end = handler.body[0].start if handler.body else handler.end
    header = _COMMENT.sub("", handler.source.slice(handler.start, end)).partition(":")[0].partition(" as ")[0]
    found = _EITHER.fullmatch(" ".join(header.split()))
    if found is None:
        return
    first, last = found[1], found[3]
    caught, lost = (first, last) if found[2] == "or" else (last, first)
    yield Diagnostic(
        ByteRange(handler.source, handler.start, handler.start + len(handler.source.slice(handler.start, end).rstrip().encode())),
        f"`{' '.join(header.split())}` catches `{caught}` alone: write `except ({first}, {last})`, or `{lost}` goes past it",
    )


@check("PRD213", on=[every(Module)], required_literals=["except", "notimplemented", "assert"], files=["python"])
def never_reached(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Handlers behind a wider one, `raise NotImplemented`, `assert (x, "message")`."""
    data = module.source.data
    tries, raises, asserts = data.count(b"except") > 1, b"NotImplemented" in data, b"assert" in data
    if not tries and not raises and not asserts:
        return
    for block in (module.body, *(class_.body for class_ in module.classes()), *(function.body for function in module.functions())):
        for statement in statements_in(block):
            if statement.kind == "try":
                yield from _shadowed(statement)
            elif statement.kind == "raise" and raises and statement.expressions:
                raised = statement.expressions[0]
                name = raised.function if isinstance(raised, Call) else raised
                if isinstance(name, Name) and name.name in ("NotImplemented", "builtins.NotImplemented"):
                    words = "`NotImplemented` is no exception: this raises `TypeError`; `NotImplementedError` is meant"
                    yield Diagnostic(raised, words)
            elif statement.kind == "assert" and statement.expressions:
                asserted = statement.expressions[0]
                if isinstance(asserted, Collection) and asserted.kind == "tuple" and asserted.items:
                    yield Diagnostic(asserted, "a tuple is always true: this assertion cannot fail; take the brackets away")


def _shadowed(statement: Statement) -> Iterator[Diagnostic]:
    """Handlers of a `try` whose exceptions all go to one above."""
    above: list[str] = []
    for handler in statement.handlers:
        if handler.star:
            return
        types = [name.removeprefix("builtins.") for name in handler.types]
        if above and types and all(any(_goes_to(name, wider) for wider in above) for name in types):
            wider = next(one for one in above if _goes_to(types[0], one))
            end = handler.body[0].start if handler.body else handler.end
            place = ByteRange(
                handler.source, handler.start, handler.start + len(handler.source.slice(handler.start, end).rstrip().encode())
            )
            yield Diagnostic(place, f"this handler is never reached: `except {wider}` above catches `{types[0]}`")
        above += [name for name in types if name]


def _goes_to(name: str, wider: str) -> bool:
    """Whether an exception is caught by a handler for another: a subclass of a built-in one, or anything that is an `Exception`."""
    if not name:
        return False
    if name == wider:
        return True
    one, other = getattr(builtins, name, None), getattr(builtins, wider, None)
    if isinstance(one, type) and isinstance(other, type):
        return issubclass(one, other)
    if wider == "BaseException":
        return True
    return wider == "Exception" and _PAST_EXCEPTION.search(name) is None
