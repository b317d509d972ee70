"""Environment-style settings that Python reads: `os.getenv` and its kin, and the fields of settings classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prodlint.facts import Call, Class, Constant, Expression, Setting, Subscript

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

# name of the call -> keyword of the default (position 1 everywhere)
LOOKUPS = {
    "os.getenv": "default",
    "os.environ.get": "default",
    "os.environ.setdefault": "value",
    "os.environ.pop": "default",
    "decouple.config": "default",
    "decouple.AutoConfig": "default",
    "starlette.config.Config": "default",
    "environ.Env": "default",
    "environs.Env": "default",
    "django_environ.Env": "default",
    "prettyconf.config": "default",
    "click.option": "default",
}
_TYPED = {
    "str",
    "bool",
    "int",
    "float",
    "list",
    "url",
    "db",
    "db_url",
    "cache",
    "json",
    "dict",
    "path",
    "log_level",
    "timedelta",
    "decimal",
    "enum",
    "search_url",
    "email_url",
}
_SETTINGS_BASES = (
    "pydantic_settings.BaseSettings",
    "pydantic.BaseSettings",
    "pydantic.v1.BaseSettings",
    "pydantic_settings.main.BaseSettings",
)


def settings_of(module: PyModule) -> Iterator[Setting]:
    """Every environment variable that a file reads by a literal name, with its literal default."""
    for call in module.calls():
        setting = _lookup(call, module)
        if setting is not None:
            yield setting
    if b"environ" in module.data:
        yield from _subscripts(module)
    if b"BaseSettings" in module.data:
        for class_ in module.classes():
            if any(base in _SETTINGS_BASES or base.endswith("BaseSettings") for base in class_.bases):
                yield from _fields(class_, module)


def _lookup(call: Call, module: PyModule) -> Setting | None:
    name = call.name
    if name in LOOKUPS:
        keyword = LOOKUPS[name]
    else:
        root, _, last = name.rpartition(".")
        if root not in ("environ.Env", "environs.Env", "django_environ.Env") or last not in _TYPED:
            return None
        keyword = "default"
    if name in ("environ.Env", "environs.Env", "decouple.AutoConfig", "starlette.config.Config") and call.constructor is None:
        return None
    if name == "click.option":
        given = call.keywords.get("envvar")
        return _made(module, given, call.keywords.get("default"), call) if given is not None else None
    first = call.argument(0, "key") or call.argument(0, "var_name")
    return _made(module, first, call.argument(1, keyword), call)


def _made(module: PyModule, key: Expression | None, default: Expression | None, call: Expression) -> Setting | None:
    named = module.follow(key, call) if key is not None else None
    if key is None or not isinstance(named, Constant) or not isinstance(named.value, str):
        return None
    at: Expression = default if default is not None else call
    made = Setting(module.source, module.file, at.start, at.end)
    made.name, made.origin, made.service = named.value, "python", ""
    made.reference = default.text if default is not None else ""
    made.key_start, made.key_end = key.start, key.end
    made.value = None
    made.default = None
    known = module.follow(default, call) if default is not None else None
    # A text under a name may be a secret, which has its place where the name is given.
    if isinstance(known, Constant) and known.value is not None and (known is default or not isinstance(known.value, str)):
        made.default = str(known.value)
    return made


def _subscripts(module: PyModule) -> Iterator[Setting]:
    for node in module.surveyed.get("subscript", ()):
        expression = module.expression(node)
        if isinstance(expression, Subscript) and getattr(expression.value, "name", "") == "os.environ":
            made = _made(module, expression.key, None, expression)
            if made is not None:
                yield made


def _fields(class_: Class, module: PyModule) -> Iterator[Setting]:
    prefix = ""
    for statement in class_.body:
        assignment = statement.assignment
        if assignment is not None and assignment.target == "model_config":
            value = assignment.value
            given = value.keywords.get("env_prefix") if isinstance(value, Call) else None
            if isinstance(given, Constant):
                prefix = str(given.value)
    for statement in class_.body:
        assignment = statement.assignment
        if assignment is None or assignment.target.startswith("_") or assignment.target == "model_config":
            continue
        value = assignment.value
        default: Expression | None = value
        name = prefix + assignment.target
        if isinstance(value, Call) and value.method == "Field":
            default = value.argument(0, "default")
            alias = value.keywords.get("validation_alias") or value.keywords.get("alias") or value.keywords.get("env")
            if isinstance(alias, Constant) and isinstance(alias.value, str):
                name = alias.value
        if isinstance(default, Call) and default.method in ("SecretStr", "SecretBytes"):
            default = default.argument(0)
        at = default if default is not None else value
        made = Setting(module.source, module.file, at.start, at.end)
        made.name, made.origin, made.service, made.reference = name.upper(), "python", class_.name, at.text
        made.key_start, made.key_end = assignment.start, assignment.start + len(assignment.target.encode())
        made.value = None
        made.default = (
            str(default.value) if isinstance(default, Constant) and default.value is not None and default.value is not ... else None
        )
        yield made
