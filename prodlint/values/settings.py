"""Settings as code reads them: the environment, the libraries that read it, settings classes, and the value where nobody sets one."""

from __future__ import annotations

from collections.abc import Sequence

from prodlint.facts import Call, Class, Expression
from prodlint.values import hints
from prodlint.values.frames import Evaluator
from prodlint.values.lattice import (
    NOTHING,
    Client,
    Items,
    Known,
    Reference,
    Setting,
    Shape,
    Text,
    Value,
    known,
    mapped,
    unknown,
)
from prodlint.values.tables import libraries

TRUE_WORDS = frozenset(("1", "true", "t", "yes", "y", "on", "enable", "enabled"))
FALSE_WORDS = frozenset(("0", "false", "f", "no", "n", "off", "disable", "disabled", ""))


def read(key: Value, default: Value, at: Expression, kind: str = "text") -> Value:
    """A read of the variable that `key` names."""
    names = [shape.value for shape in key.shapes if isinstance(shape, Known) and isinstance(shape.value, str)]
    name = names[0] if names else suffix_of(key)
    return Value((Setting(name, default, kind, at),))


def suffix_of(key: Value) -> str:
    """What is known of a name that is put together: `name + "_FILE"`."""
    shape = key.only()
    if isinstance(shape, Text):
        return "".join(str(one.value) for part in shape.parts for one in part.value.shapes[:1] if isinstance(one, Known))
    return ""


def read_by(values: Evaluator, call: Call, given: Sequence[Value], keywords: dict[str, Value], name: str) -> Value | None:
    """What a call gives that reads a setting by the name it is handed; None for every other call."""
    table = libraries()["reads"]
    row = table.get(name)
    kind = "text"
    if row is None:
        root, _, last = name.rpartition(".")
        typed = table.get(root)
        if typed is None or not typed.get("typed") or last not in libraries()["typed"]:
            return None
        row, kind = typed, libraries()["typed"][last]
    if row.get("instance") and call.constructor is None and name == call.name:
        return None
    if not given and "key" not in keywords and "var" not in keywords:
        return None
    key = given[0] if given else keywords.get("key", keywords.get("var", NOTHING))
    if not any(isinstance(shape, (Known, Text)) for shape in key.shapes):
        key = known("", call)
    default = (
        keywords.get(row["default"]) if row["default"] in keywords else given[1] if len(given) > 1 and row.get("positional", True) else None
    )
    if default is None and call.name in ("os.getenv", "os.environ.get", "os.environ.pop"):
        default = known(None, call)
    if default is None:
        default = _from_schema(values, call, key) or NOTHING
    cast = keywords.get("cast")
    if cast is not None:
        kind = {"bool": "flag", "int": "number", "float": "number", "Csv": "list"}.get(
            getattr(cast.only(), "name", "").rpartition(".")[2], kind
        )
    if kind == "flag":
        default = mapped(default, lambda one: known(flag(one.value), one.at) if flag(one.value) is not None else None) or default
    return Value((Setting(_name(key), default, kind, call),))


def _name(key: Value) -> str:
    shape = key.only()
    return str(shape.value) if isinstance(shape, Known) else suffix_of(key)


def _from_schema(values: Evaluator, call: Call, key: Value) -> Value | None:
    """`environ.Env(DEBUG=(bool, True))`: the default in the schema that the reader was made with."""
    maker = call.constructor
    name = _name(key)
    if maker is None or name not in maker.keywords:
        return None
    pair = values.evaluate(maker.keywords[name], values.frame_at(maker)).only()
    return pair.items[1] if isinstance(pair, Items) and len(pair.items) == 2 else None


def flag(value: object) -> bool | None:
    """A text as a switch, as the readers of settings take it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value)
    if isinstance(value, str):
        lowered = value.strip().lower()
        return True if lowered in TRUE_WORDS else False if lowered in FALSE_WORDS else None
    return None


def field(values: Evaluator, class_: Class, name: str, at: Expression, holders: Sequence[Class], default: Value) -> Value:
    """A field of a settings class: the environment may give it another value than the default."""
    annotation = ""
    prefix = ""
    found = False
    for holder in holders:
        for statement in holder.body:
            assignment = statement.assignment
            if assignment is not None and assignment.target == name:
                annotation, found = annotation or assignment.annotation, True
            elif (
                assignment is not None
                and assignment.target == "model_config"
                and isinstance(assignment.value, Call)
                and "env_prefix" in assignment.value.keywords
            ):
                prefix = str(getattr(assignment.value.keywords["env_prefix"], "value", ""))
            elif not found and assignment is None and statement.annotation and statement.targets[0].text == name:
                annotation, found = statement.annotation, True
    if not found and not default.shapes:
        return unknown(at)
    if name.startswith("_") or "ClassVar" in annotation:
        return default
    kind, detail, _ = hints.parse(annotation[:400])
    how = "flag" if detail == "bool" else "number" if kind == "fixed" else "list" if kind == "items" else "text"
    if how == "flag":
        default = mapped(default, lambda one: known(flag(one.value), one.at) if flag(one.value) is not None else None) or default
    return Value((Setting((prefix + name).upper(), default, how, at),))


def is_environment(value: Value) -> bool:
    """Whether a value is the environment itself: `os.environ`."""
    return any(isinstance(shape, Reference) and shape.name in ("os.environ", "environ", "os.environb") for shape in value.shapes)


def setting_free(value: Value) -> bool:
    """Whether neither a setting nor a client has a say in a value."""
    return not any(isinstance(shape, (Setting, Client)) for shape in value.walk())


def as_presence(key: Value, holds: bool, at: Expression) -> Value:
    """`"X" in os.environ`."""
    shapes: list[Shape] = [Setting(_name(key), known(not holds, at), "presence", at)]
    return Value(tuple(shapes))
