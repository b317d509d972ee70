"""Constants that a file refuses to go on with: compared, and the branch where they are equal raises or ends the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prodlint.facts import Call, Constant, Expression, Module, Operation, Statement, statements_in
from prodlint.values.expressions import evaluator
from prodlint.values.flow import NEVER_RETURN


def refused(module: Module) -> frozenset[str]:
    """The texts that a file refuses: `if secret == "changeme": raise ...`, `assert key not in DEFAULTS`."""
    known = module.derived.get("refused")
    if not isinstance(known, frozenset):
        known = module.derived["refused"] = frozenset(_found(module))
    return known


def _found(module: Module) -> Iterator[str]:
    if not any(word in module.source.data for word in (b"raise", b"exit", b"assert", b"abort")):
        return
    for statement in statements_in(module.body, into_definitions=True):
        test = statement.expressions[0] if statement.expressions else None
        if test is None:
            continue
        if statement.kind == "if":
            if _leaves(statement.body):
                yield from _equal(module, test, True)
            if statement.orelse and _leaves(statement.orelse):
                yield from _equal(module, test, False)
        elif statement.kind == "assert":
            yield from _equal(module, test, False)


def _leaves(block: Sequence[Statement]) -> bool:
    """Whether a block raises, or ends the program."""
    for statement in statements_in(block):
        if statement.kind == "raise":
            return True
        for expression in statement.expressions:
            if isinstance(expression, Call) and (
                expression.name in NEVER_RETURN or expression.name.rpartition(".")[2] in ("exit", "abort")
            ):
                return True
    return False


def _equal(module: Module, test: Expression, truth: bool) -> Iterator[str]:
    """The constants that something was found equal to where a test comes out `truth`."""
    waiting = [(test, truth)]
    while waiting:
        expression, wanted = waiting.pop()
        if not isinstance(expression, Operation):
            continue
        operator = expression.operator
        if operator == "not":
            waiting.append((expression.operands[0], not wanted))
        elif operator in ("and", "or"):
            waiting.extend((operand, wanted) for operand in expression.operands)
        elif operator in (("==", "in") if wanted else ("!=", "not in")):
            for operand in expression.operands:
                yield from _texts(module, operand)


def _texts(module: Module, operand: Expression) -> Iterator[str]:
    for part in operand.walk():
        if isinstance(part, Constant) and isinstance(part.value, str):
            yield part.value
    for shape in evaluator(module).of(operand).unset().walk(3):
        value = getattr(shape, "value", None)
        if isinstance(value, str):
            yield value
