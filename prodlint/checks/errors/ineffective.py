"""Handlers that are never reached, errors that are no exceptions and assertions that cannot fail (PRD213)."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import Call, Collection, Handler, Module, Name, Statement, StatementKind, statements_in

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
        _header(handler),
        f"`{' '.join(header.split())}` catches `{caught}` alone: write `except ({first}, {last})`, or `{lost}` goes past it",
    )


@check("PRD213", on=[every(Handler)], required_pattern=rb"(?s)\bexcept\b.*?\bexcept\b", files=["python"])
def never_reached(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A handler whose exceptions all go to one above."""
    if not handler.types or handler.star:
        return
    above = [name.removeprefix("builtins.") for other in handler.above for name in other.types]
    if not above:
        return
    types = [name.removeprefix("builtins.") for name in handler.types]
    wider = [next((one for one in above if one and _goes_to(name, one)), "") for name in types]
    if all(wider):
        yield Diagnostic(_header(handler), f"this handler is never reached: `except {wider[0]}` above catches `{types[0]}`")


# Where neither stands there is nothing to look for: `NotImplementedError` is another word.
@check("PRD213", on=[every(Module)], required_pattern=rb"\bNotImplemented\b", files=["python"])
def raised_value(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`raise NotImplemented`."""
    for statement in _statements(module, "raise"):
        raised = statement.expressions[0] if statement.expressions else None
        name = raised.function if isinstance(raised, Call) else raised
        if raised is not None and isinstance(name, Name) and name.name in ("NotImplemented", "builtins.NotImplemented"):
            yield Diagnostic(raised, "`NotImplemented` is no exception: this raises `TypeError`; `NotImplementedError` is meant")


@check("PRD213", on=[every(Module)], required_pattern=rb"\bassert[\s\\]*\(", files=["python"])
def asserted_tuple(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`assert (x, "message")`."""
    for statement in _statements(module, "assert"):
        asserted = statement.expressions[0] if statement.expressions else None
        if isinstance(asserted, Collection) and asserted.kind == "tuple" and asserted.items:
            yield Diagnostic(asserted, "a tuple is always true: this assertion cannot fail; take the brackets away")


def _statements(module: Module, kind: StatementKind) -> Iterator[Statement]:
    for block in (module.body, *(class_.body for class_ in module.classes()), *(function.body for function in module.functions())):
        yield from (statement for statement in statements_in(block) if statement.kind == kind)


def _header(handler: Handler) -> ByteRange:
    """The line of an except clause, without its body."""
    end = handler.body[0].start if handler.body else handler.end
    written = handler.source.slice(handler.start, end).rstrip()
    return ByteRange(handler.source, handler.start, handler.start + len(written.encode("utf-8")))


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
