"""What Flask, Quart and Sanic applications are told at once: `app.config.update(DEBUG=True)`, `app.config |= {"DEBUG": True}`."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.facts import Assignment, Attribute, Call, Constant, Dictionary, Expression, Fact, Module, Name, statements_in
from prodlint.values.expressions import follow

# Methods of a configuration that set what they are given (flask.Config is a dict with `from_mapping` beside).
WRITERS = ("update", "from_mapping", "setdefault", "update_config")
_CONFIGURATIONS = ("config", "conf")


def is_configuration(expression: Expression | None) -> bool:
    """Whether an expression is an application's configuration by its name: `app.config`, `self.app.config`, `config`."""
    if not isinstance(expression, (Name, Attribute)):
        return False
    return expression.text.rsplit(".", 1)[-1].lower() in _CONFIGURATIONS


def given_at_once(call: Call) -> Iterator[tuple[str, Expression]]:
    """The settings that a call writes into an application's configuration, by name: keywords, the entries of a dict that is known, and
    the pair that `setdefault` is given."""
    if call.method not in WRITERS or not (is_configuration(call.receiver) or call.method == "update_config"):
        return
    if call.method == "setdefault":
        key, value = call.argument(0, "key"), call.argument(1, "default")
        if isinstance(key, Constant) and isinstance(key.value, str) and value is not None:
            yield key.value, value
        return
    yield from call.keywords.items()
    for mapping in (*call.arguments[:1], *call.spreads):
        yield from _entries(follow(call.module, mapping, call))


def merged(assignment: Assignment) -> Iterator[tuple[str, Expression]]:
    """The settings that `app.config |= {...}` writes, by name."""
    if assignment.kind == "augmented" and assignment.target.lower() in _CONFIGURATIONS:
        yield from _entries(follow(assignment.module, assignment.value, assignment))


def configured_in(module: Module) -> Iterator[tuple[Fact, str, Expression]]:
    """The same of every call and every `|=` of a file, with the place where it is written."""
    for call in module.calls():
        if call.method in WRITERS:
            for name, value in given_at_once(call):
                yield call, name, value
    if b"|=" not in module.source.data:
        return
    for statement in statements_in(module.body, into_definitions=True):
        if statement.kind == "assign" and statement.assignment is not None:
            for name, value in merged(statement.assignment):
                yield statement.assignment, name, value


def _entries(known: Expression) -> Iterator[tuple[str, Expression]]:
    """The entries of a dict whose keys are texts, and of `dict(...)`."""
    if isinstance(known, Call) and known.name == "dict":
        yield from known.keywords.items()
    elif isinstance(known, Dictionary):
        for key, value in known.items:
            if isinstance(key, Constant) and isinstance(key.value, str):
                yield key.value, value
