"""PRD306 stub-implementation: code of the service that only looks as if it did something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, every
from prodlint.facts import (
    Call,
    Class,
    Collection,
    Constant,
    Dictionary,
    Expression,
    Function,
    Module,
    Operation,
    Statement,
    statements_in,
)
from prodlint.project.production import priority_in

_NAME = re.compile(r"^_?(?:mock|dummy|fake|stub|placeholder)_|_(?:mock|dummy|stub|fake)$")
_CLASS = re.compile(r"^_?(?:Mock|Dummy|Fake|Stub|Placeholder)[A-Z]")
_SAYS = re.compile(
    r"(?i)\b(?:mock(?:ed)?|dummy|stub(?:bed)?|fake|placeholder|simulated?|hard-?coded|sample|canned)\b[\w ]{0,25}\b(?:implementation|data|response|result|value|values|results|version|for now|until)\b"
    r"|\b(?:for now|until then|temporarily)[,:]? (?:we )?(?:just )?returns?\b|\breturns? (?:a )?(?:mock|dummy|fake|stub|placeholder|hard-?coded|sample|canned)\b"
    r"|\bin (?:a real|production|the real)[\w ,]{0,30}\bwould\b"
)
# What a number that is rolled is not.
_MEASURED = re.compile(
    r"(?:^|_)(?:score|scores|metric|metrics|latency|confidence|usage|load|rate|price|balance|total|count|probability|prediction|risk|sentiment|accuracy|similarity|health|temperature|uptime)(?:_|$)",
    re.IGNORECASE,
)
_DICE = re.compile(r"^(?:random|numpy\.random)\.(?:random|uniform|randint|randrange|choice|gauss|normalvariate|rand|randn|normal)$")
# What tests, seeds and simulations are made of; objects that do nothing on purpose.
_ON_PURPOSE = re.compile(
    r"(?i)(?:^|[/_.-])(?:tests?|testing|mocks?|fakes?|stubs?|fixtures?|factor(?:y|ies)|seeds?|demo|sample|examples?|simulat\w*|dummy|sandbox|conftest|bench\w*|loadtest|playground|generators?)(?:[/_.-]|$)"
)
_WORDS = ("mock", "dummy", "fake", "stub", "placeholder", "simulated", "hardcoded", "hard-coded", "canned", "sample", "for now", "would")


def _is_fixed(expression: Expression, depth: int = 6) -> bool:
    """Whether an expression is written out: constants, and lists, dicts and tuples of them."""
    if depth <= 0:
        return False
    if isinstance(expression, Constant):
        return True
    if isinstance(expression, Collection):
        return all(_is_fixed(item, depth - 1) for item in expression.items)
    if isinstance(expression, Dictionary):
        return all(key is not None and _is_fixed(value, depth - 1) for key, value in expression.items)
    if isinstance(expression, Operation) and expression.operator == "-":
        return len(expression.operands) == 1
    return _is_dice(expression)


def _is_dice(expression: Expression) -> bool:
    if isinstance(expression, Call) and expression.name == "round" and expression.arguments:
        return _is_dice(expression.arguments[0])
    return isinstance(expression, Call) and bool(_DICE.match(expression.name))


def _returned(function: Function) -> list[Expression] | None:
    """What a function gives, where all its statements do is give something written out; None for any other."""
    found: list[Expression] = []
    for statement in statements_in(function.body):
        if statement.kind == "return":
            if not statement.expressions:
                return None
            found.append(statement.expressions[0])
        elif not _does_nothing(statement):
            return None
    return found or None


def _does_nothing(statement: Statement) -> bool:
    """A docstring, a log line, a pause: what a stub does to look busy."""
    if statement.kind in ("pass", "if"):
        return True
    if statement.kind == "assign":  # `pause = 0.1`
        return all(isinstance(value, Constant) for value in statement.expressions)
    if statement.kind != "expression" or not statement.expressions:
        return False
    expression = statement.expressions[0]
    inner = expression.parts()[0] if expression.text.startswith("await ") and expression.parts() else expression
    if isinstance(inner, Constant):
        return True
    return isinstance(inner, Call) and (
        inner.name.endswith("sleep") or inner.name == "print" or inner.method in ("debug", "info", "warning")
    )


def _documentation(function: Function) -> str:
    first = function.body[0] if function.body else None
    constant = first.expressions[0] if first is not None and first.kind == "expression" and first.expressions else None
    words = str(constant.value) if isinstance(constant, Constant) and isinstance(constant.value, str) else ""
    comments = re.findall(r"(?m)#[ \t]*([^\n]*)", function.source.slice(function.start, function.end))
    return words + " " + " ".join(comments[:20])


@check("PRD306", on=[every(Function)], required_literals=_WORDS, files=("python",))
def stub(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`def fake_charge(...): return {"status": "ok"}`, and functions whose own words say that they return made-up data."""
    if _ON_PURPOSE.search(context.file.path) or priority_in(function, context) is False:
        return
    why = _why_stub(function)
    if why:
        yield Diagnostic(_head(function), f"`{function.name}` returns a hard-coded result: {why}")


def _why_stub(function: Function) -> str:
    """What gives a function away that returns what is written in it; nothing for any other."""
    named = bool(_NAME.search(function.name))
    if not named and not _SAYS.search(_documentation(function)):
        return ""
    returned = _returned(function)
    if returned is None or not all(_is_fixed(value) for value in returned):
        return ""
    if all(isinstance(value, Constant) and value.value in (None, False, True, "") for value in returned):
        return ""
    return "its name says that it is none" if named else "its own words say that it is none"


_CLASS_NAME = re.compile(rb"\bclass[\s\\]+[\w\x80-\xff]+")


@check("PRD306", on=[every(Class)], required_literals=["mock", "dummy", "fake", "stub", "placeholder"], files=("python",))
def stub_class(class_: Class, context: CheckContext) -> Iterator[Diagnostic]:
    """`class DummyMailer`, all of whose methods give what is written in them."""
    if not _CLASS.match(class_.name) or _ON_PURPOSE.search(context.file.path) or priority_in(class_, context) is False:
        return
    methods = [part.definition for part in class_.body if isinstance(part.definition, Function)]
    answers = [_returned(each) for each in methods if not each.name.startswith("__")]
    if answers and all(each is not None and all(_is_fixed(value) for value in each) for each in answers):
        found = _CLASS_NAME.search(class_.source.data, class_.start, class_.end)
        start, end = found.span() if found is not None else (class_.start, class_.end)
        yield Diagnostic(ByteRange(class_.source, start, end), f"`{class_.name}` answers everything with what is written in it")


@check("PRD306", on=[every(Function)], required_literals=["random."], files=("python",))
def rolled(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`return {"confidence": random.uniform(0.8, 0.99)}`: a measurement that is rolled."""
    if _ON_PURPOSE.search(context.file.path) or priority_in(function, context) is False or _why_stub(function):
        return
    for statement in statements_in(function.body):
        if statement.kind != "return" or not statement.expressions:
            continue
        value = statement.expressions[0]
        if _is_dice(value) and _MEASURED.search(function.name):
            yield Diagnostic(value, f"`{function.name}` returns a random number")
            return
        for key, entry in value.items if isinstance(value, Dictionary) else ():
            if isinstance(key, Constant) and _is_dice(entry) and _MEASURED.search(str(key.value)):
                yield Diagnostic(entry, f"`{key.value}` is a random number")
                return


_DEFINITION = re.compile(rb"\bdef[\s\\]+[\w\x80-\xff]+")


def _head(function: Function) -> ByteRange:
    found = _DEFINITION.search(function.source.data, function.start, function.end)
    start, end = found.span() if found is not None else (function.start, function.end)
    return ByteRange(function.source, start, end)


@check("PRD306", on=[every(Module)], required_literals=["mock", "dummy", "fake", "stub"], files=("python",))
def wired(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`repository = FakeRepository()` where the service is put together."""
    if _ON_PURPOSE.search(context.file.path):
        return
    values = context.values(module)
    for call in module.calls():
        last = call.name.rpartition(".")[2]
        if not (_CLASS.match(last) or _NAME.search(last)) or call.name.split(".")[0] in (
            "unittest",
            "mock",
            "faker",
            "fakeredis",
            "mongomock",
            "pytest",
        ):
            continue
        ours = (
            module.class_named(last) is not None
            or module.function(last) is not None
            or call.is_imported
            and values.beside(call.name.rpartition(".")[0]) is not None
        )
        if not ours or call.scope.guards & {"debug", "environment", "main", "type-checking"} or priority_in(call, context) is False:
            continue
        if any(True for _ in values.conditions(call)) or _inside_own_kind(call):
            continue
        yield Diagnostic(call, f"`{last}` is used in the service")


def _inside_own_kind(call: Call) -> bool:
    return any(_CLASS.match(part) or _NAME.search(part) for part in call.scope.symbol.split("."))
