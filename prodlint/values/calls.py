"""What calls give: constructors of numbers, methods of texts and lists, readers of settings, functions of the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from prodlint.facts import Call, Class, Constant, Expression, Function, Module, Name, OpaqueExpression, encodable
from prodlint.values import classes, frameworks, members, patterns, settings, texts
from prodlint.values.frames import Evaluator, Frame
from prodlint.values.lattice import (
    NOTHING,
    Argument,
    Client,
    Code,
    Instance,
    Items,
    Known,
    Member,
    Part,
    Reference,
    Restricted,
    Result,
    Setting,
    Shape,
    Table,
    Text,
    Value,
    join,
    known,
    mapped,
    same,
    unknown,
)
from prodlint.values.tables import libraries, sources

_CONTAINERS = {"list": "list", "tuple": "tuple", "set": "set", "frozenset": "set", "sorted": "list", "reversed": "list"}
_CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "casefold": str.casefold,
    "title": str.title,
    "capitalize": str.capitalize,
}


def result(values: Evaluator, call: Call, frame: Frame) -> Value:
    """What a call gives."""
    if call.name.startswith(_statements()) and _is_statement(call.name):
        # What is given to it becomes a parameter, not a part of a text; what that is need not be found out.
        return Value((Result(call.name, (), call),))
    given = [
        values.evaluate(argument, frame)
        for argument in call.arguments
        if not (isinstance(argument, OpaqueExpression) and argument.kind == "star")
    ]
    keywords = {name: values.evaluate(argument, frame) for name, argument in call.keywords.items()}
    read = settings.read_by(values, call, given, keywords, _called_name(values, call, frame))
    if read is not None:
        return read
    own = _own(values, call, frame)
    if own is not None:
        return own
    receiver = values.evaluate(call.receiver, frame) if call.receiver is not None else None
    if receiver is not None:
        asked = _asked_of_handler(values, call, receiver) or _validated(call, receiver, given)
        if asked is not None:
            return asked
        found = _method(values, call, receiver, given, keywords, frame)
        if found is not None:
            return found
        if call.method in ("get", "pop") and len(given) == 2:
            return _with_default(call, receiver, given)
    return _named(values, call, receiver, given, keywords)


@cache
def _statements() -> tuple[str, ...]:
    return tuple(libraries()["results"]["statements"])


def _is_statement(name: str) -> bool:
    """Whether a call makes a statement whose values are bound, or hands one on: `select(...)`, `select(...).where(...)`."""
    return any(name == maker or name.startswith(f"{maker}.") for maker in _statements())


def _called_name(values: Evaluator, call: Call, frame: Frame) -> str:
    """The qualified name of what is called; of an object that another file of the project made, or handed on, by what it is there."""
    if not isinstance(call.function, Name) or call.name in libraries()["reads"]:
        return call.name
    root, _, rest = call.function.source_text.partition(".")
    if values.module.imports.get(root) is None:
        return call.name
    if rest and call.receiver is not None:
        made = _made_elsewhere(values.evaluate(call.receiver, frame), call)
        if made:
            return f"{made}.{call.method}"
    return _made_elsewhere(values.evaluate(call.function, frame), call) or call.name


def _made_elsewhere(value: Value, call: Call) -> str:
    """The qualified name of what made a value in another file of the project, or nothing."""
    made = [shape for shape in value.shapes if isinstance(shape, (Reference, Result)) and shape.at.file.path != call.file.path]
    # Made in each of several branches by the same call (`try: config = Config(path)`, `except: config = Config()`) it is the same thing.
    return made[0].name if made and len(made) == len(value.shapes) and len({shape.name for shape in made}) == 1 else ""


# ---------------------------------------------------------------- code of the project


def code_of(values: Evaluator, call: Call, frame: Frame) -> tuple[Evaluator, Function | Class | Expression, int] | None:
    """The code of the project that a call runs, the evaluator of its file, and how many parameters the receiver takes."""
    callee = call.function
    for shape in values.evaluate(callee, frame).shapes:
        if isinstance(shape, Code):
            owner = values.of_file(shape.code) or values
            return owner, shape.code, 0
    receiver = call.receiver
    if receiver is None:
        return None
    for shape in values.evaluate(receiver, frame).shapes:
        class_ = (
            shape.class_
            if isinstance(shape, Instance)
            else shape.code
            if isinstance(shape, Code) and isinstance(shape.code, Class)
            else None
        )
        if class_ is None and isinstance(shape, Reference) and shape.name == "super":
            class_ = values.class_around(call)
        if class_ is not None:
            found = method_of(values, class_, call.method)
            if found is not None:
                static = any(decorator.text == "staticmethod" for decorator in found[1].decorators)
                return found[0], found[1], 0 if static else 1
    return None


def method_of(values: Evaluator, class_: Class, name: str) -> tuple[Evaluator, Function] | None:
    """A method of a class of the project or of one of its bases there."""
    owner = classes.owner_of(values, class_)
    for holder in classes.lineage(owner, class_):
        place = classes.owner_of(owner, holder)
        for statement in place.flow_in(holder).nested:
            definition = statement.definition
            if isinstance(definition, Function) and definition.name == name:
                return place, definition
    return None


def _own(values: Evaluator, call: Call, frame: Frame) -> Value | None:
    found = code_of(values, call, frame)
    if found is None:
        return None
    owner, code, shift = found
    if isinstance(code, Class):
        return _constructed(values, owner, code, call, frame)
    arguments = bound_arguments(values, call, code, shift, frame)
    returned = owner.returned(code, arguments, frame)
    if returned is None or not returned.shapes:
        return Value((Result(call.name, tuple(arguments.values()), call),))
    return returned


def bound_arguments(values: Evaluator, call: Call, code: Function | Expression, shift: int, frame: Frame) -> dict[str, Value]:
    """What each parameter of a function or lambda of the project is given by a call."""
    if isinstance(code, Function):
        parameters = [(parameter.name, parameter.default, parameter.kind) for parameter in code.parameters]
    else:
        parameters = [(name, None, "") for name in lambda_parameters(code)]
        for holder in code.parts()[:-1]:
            for part in holder.parts():
                if isinstance(part, OpaqueExpression) and len(part.items) >= 2:
                    parameters = [
                        (name, part.items[-1] if name == part.items[0].text else default, kind) for name, default, kind in parameters
                    ]
    arguments: dict[str, Value] = {}
    if shift and parameters and call.receiver is not None:
        arguments[parameters[0][0]] = values.evaluate(call.receiver, frame)
    plain = [(name, default) for name, default, kind in parameters if kind == ""][shift:]
    for (name, _), argument in zip(plain, call.arguments, strict=False):
        if isinstance(argument, OpaqueExpression) and argument.kind == "star":
            break
        arguments[name] = values.evaluate(argument, frame)
    named = {name for name, _ in plain}
    for keyword, argument in call.keywords.items():
        if keyword in named:
            arguments[keyword] = values.evaluate(argument, frame)
    for keyword, value in spread(values, call, frame).entries.items():
        if keyword in named:
            arguments.setdefault(keyword, value)
    owner = values.of_file(code) or values
    for name, default in plain:
        if name not in arguments:
            arguments[name] = owner.evaluate(default, owner.frame_at(default)) if default is not None else unknown(call)
    for name, _, kind in parameters:
        if kind == "*":
            rest = [
                values.evaluate(argument, frame)
                for argument in call.arguments[len(plain) :]
                if not (isinstance(argument, OpaqueExpression) and argument.kind == "star")
            ]
            arguments[name] = Value((Items(tuple(rest), unknown(call) if call.stars else None, call),))
        elif kind == "**":
            extra = {keyword: values.evaluate(argument, frame) for keyword, argument in call.keywords.items() if keyword not in named}
            arguments[name] = Value((Table(extra, unknown(call) if call.stars else None, call),))
    return arguments


def spread(values: Evaluator, call: Call, frame: Frame) -> Table:
    """The entries that `**mapping` arguments of a call bring, as far as they are known."""
    entries: dict[str, Value] = {}
    more: Value | None = None
    for mapping in call.spreads:
        for shape in values.evaluate(mapping, frame).unset().shapes:
            if isinstance(shape, Table):
                entries.update(shape.entries)
                more = join(more or NOTHING, shape.more) if shape.more is not None else more
            else:
                more = unknown(call)
    return Table(entries, more, call)


def lambda_parameters(code: Expression) -> list[str]:
    """The names that a lambda's parameters bind."""
    names: list[str] = []
    for holder in code.parts()[:-1]:
        for part in holder.parts() or (holder,):
            written = getattr(part, "source_text", "") or getattr(part.parts()[0] if part.parts() else part, "source_text", "")
            if written:
                names.append(written)
    return names


def _constructed(values: Evaluator, owner: Evaluator, class_: Class, call: Call, frame: Frame) -> Value:
    if classes.is_enum(owner, class_):
        given = values.evaluate(call.arguments[0], frame) if call.arguments else unknown(call)
        return Value((Restricted("enum", given, call, class_.name),))
    clients = [
        shape
        for argument in (*call.arguments, *call.keywords.values())
        for shape in values.evaluate(argument, frame).walk()
        if isinstance(shape, Client)
    ]
    for shape in spread(values, call, frame).entries.values():
        clients += list(shape.clients())
    if not clients:
        clients = [shape for mapping in call.spreads for shape in values.evaluate(mapping, frame).walk() if isinstance(shape, Client)]
    if clients and not any(
        isinstance(one, Function) for one in (statement.definition for statement in class_.body) if getattr(one, "name", "") == "__init__"
    ):
        first = clients[0]
        return Value((Client(first.source, first.framework, first.at, first.words, class_),))
    return Value((Instance(class_, call),))


def _asked_of_handler(values: Evaluator, call: Call, receiver: Value) -> Value | None:
    """`self.get_argument("name")` of a framework whose handlers are objects."""
    for shape in receiver.shapes:
        if isinstance(shape, Instance):
            owner = classes.owner_of(values, shape.class_)
            for framework in frameworks.of_class(owner, shape.class_):
                if call.method in framework.asks:
                    return Value((Client("query", framework.name, call),))
    return None


_CONFIGURATION = re.compile(r"(?:^|[._])(?:settings|config|conf|cfg|configuration|options|env|environ|params)$", re.IGNORECASE)


def _with_default(call: Call, receiver: Value, given: list[Value]) -> Value:
    """`config.get("hosts", ["*"])` of something unknown: what is configured, or the default."""
    key = given[0].only()
    option = given[1].only()
    if (
        call.receiver is not None
        and isinstance(option, Known)
        and isinstance(option.value, str)
        and _has_sections(call, call.receiver.text)
    ):
        return Value((Setting(option.value, NOTHING, "text", call),))
    if isinstance(key, Known) and isinstance(key.value, str) and call.receiver is not None and _CONFIGURATION.search(call.receiver.text):
        return Value((Setting(key.value, given[1], "text", call),))
    return join(Value((Member(receiver, f".{call.method}()", call),)), given[1])


# What only a ConfigParser is asked: there the second argument of `get` is an option's name, and the default is `fallback=`.
_OF_SECTIONS = (
    "has_option",
    "has_section",
    "getboolean",
    "getint",
    "getfloat",
    "add_section",
    "sections",
    "read_file",
    "read_dict",
)


def _has_sections(call: Call, receiver: str) -> bool:
    """Whether what is asked is a ConfigParser: made as one, or asked elsewhere in the file what only such a one can answer."""
    if call.constructor is not None:
        return call.constructor.name.rpartition(".")[2].endswith("ConfigParser")
    asked = _asked(call.module)
    if (receiver, "") in asked:
        return True
    # `configuration.get("auth", "uri")`, `configuration.get("auth", "secret")`: one key with many defaults is a section.
    return len(asked.get((receiver, call.arguments[0].text), ())) > 1 if call.arguments else False


def _asked(module: Module) -> Mapping[tuple[str, str], set[str]]:
    """The second arguments of `x.get("a", "b")` in a file, by the receiver and the first; under no argument what only a ConfigParser is asked."""
    known = module.derived.get("asked-of-sections")
    if not isinstance(known, dict):
        found: dict[tuple[str, str], set[str]] = {}
        for other in module.calls():
            if other.receiver is not None and (other.method in _OF_SECTIONS or other.method == "get" and "fallback" in other.keywords):
                found.setdefault((other.receiver.text, ""), set()).add(other.method)
            if other.method == "get" and other.receiver is not None and len(other.arguments) == 2:
                first, second = other.arguments
                if isinstance(first, Constant) and isinstance(second, Constant) and isinstance(second.value, str):
                    found.setdefault((other.receiver.text, first.text), set()).add(second.value)
        known = module.derived["asked-of-sections"] = found
    return known


_VALIDATING = frozenset(
    {
        "model_validate",
        "model_validate_json",
        "model_construct",
        "parse_obj",
        "parse_raw",
        "from_orm",
        "from_dict",
        "structure",
        "load",
        "validate_python",
        "validate_json",
    }
)


def _validated(call: Call, receiver: Value, given: list[Value]) -> Value | None:
    """`Order.model_validate(await request.json())`."""
    for shape in receiver.shapes:
        if call.method in _VALIDATING and isinstance(shape, Code) and isinstance(shape.code, Class):
            clients = [client for value in given for client in value.clients()]
            if clients:
                return Value((Client(clients[0].source, clients[0].framework, clients[0].at, clients[0].words, shape.code),))
    return None


# ---------------------------------------------------------------- methods


def _method(
    values: Evaluator, call: Call, receiver: Value, given: list[Value], keywords: Mapping[str, Value], frame: Frame
) -> Value | None:
    method = call.method
    if method == "join" and given and _is_text(receiver):
        return texts.of_separator(values, receiver, given[0], call.arguments[0], call)
    if method == "format" and (_is_text(receiver) or any(isinstance(shape, Restricted) for shape in receiver.shapes)):
        named = {name: (value, call.keywords[name]) for name, value in keywords.items()}
        extra = spread(values, call, frame)
        named.update({name: (value, call) for name, value in extra.entries.items() if name not in named})
        return texts.formatted(values, receiver, given, list(call.arguments), named, extra.more or NOTHING, call)
    if method in ("get", "pop", "setdefault") and given and any(isinstance(shape, Table) for shape in receiver.shapes):
        return _looked_up(receiver, given, call)
    if method in _CASES and not given:
        changed = mapped(receiver, lambda one: known(_cased(one.value, method), one.at) if isinstance(one.value, (str, bytes)) else None)
        if changed is not None:
            return changed
    if method in ("startswith", "endswith") and given:
        constant = given[0].only()
        if isinstance(constant, Known) and isinstance(constant.value, (str, tuple)):
            return mapped(
                receiver,
                lambda one: known(getattr(one.value, method)(constant.value), call) if isinstance(one.value, str) else None,
                "flag",
            ) or Value((Restricted("bool", receiver, call, method),))
    if method == "split":
        return _split(receiver, given, call)
    if method == "replace" and len(given) >= 2:
        return _replaced(receiver, given, call)
    if method in ("keys", "values", "items"):
        return _views(receiver, method, call)
    if method == "copy" and not given:
        return receiver
    found: list[Value] = []
    for shape in receiver.shapes:
        made = _of_shape(values, shape, call, given)
        if made is None:
            return None
        found.append(made)
    return join(*found) if found else NOTHING


def _of_shape(values: Evaluator, shape: Shape, call: Call, given: list[Value]) -> Value | None:
    method = call.method
    table = libraries()
    if isinstance(shape, Client):
        return _of_client(shape, call)
    if method in table["results"]["restricted_methods"]:
        return Value((Restricted("number", Value((shape,)), call, method),))
    if isinstance(shape, Restricted):
        return Value((shape,)) if method in table["results"]["through_methods"] else None
    if isinstance(shape, (Text, Known)) and method in table["results"]["through_methods"]:
        return Value((shape,))
    if isinstance(shape, Reference) and shape.name in table["own"]["references"] and method in table["results"]["through_methods"]:
        return Value((shape,))
    if isinstance(shape, Setting) and method in table["results"]["through_methods"]:
        return Value((Setting(shape.name, shape.default, shape.kind, shape.at),))
    if isinstance(shape, (Argument, Member, Items)) and method in (
        "strip",
        "lower",
        "upper",
        "rstrip",
        "lstrip",
        "encode",
        "decode",
        "read",
        "copy",
    ):
        return Value((shape,))
    return None


def _of_client(client: Client, call: Call) -> Value | None:
    """A method of something that a client sent: what it gives is theirs too, unless it can be no text."""
    table = sources()
    method = call.method
    if client.source == "request":
        if method in table.request_harmless:
            return Value((Result(f"request.{method}", (), call),))
        source = table.member_of(client, method)
        if not source:
            return Value((Result(f"request.{method}", (), call),))
        converted = call.keywords.get("type")
        if converted is not None and converted.text in ("int", "float", "bool", "uuid.UUID", "UUID"):
            return Value((Restricted("int", Value((client,)), call, "type"),))
        return Value((Client(source, client.framework, call),))
    if method in libraries()["results"]["restricted_methods"] or method in ("save", "delete", "exists", "is_valid", "close", "write"):
        return Value((Restricted("number", Value((client,)), call, method),))
    converted = call.keywords.get("type")
    if converted is not None and converted.text in ("int", "float", "bool", "uuid.UUID", "UUID"):
        return Value((Restricted("int", Value((client,)), call, "type"),))
    if method in (
        "get_int",
        "getint",
        "get_param_as_int",
        "get_param_as_uuid",
        "get_param_as_bool",
        "get_param_as_float",
        "get_param_as_date",
        "get_param_as_datetime",
    ):
        return Value((Restricted("int", Value((client,)), call, method),))
    return Value(
        (Client(client.source, client.framework, client.at, client.words, client.class_ if method in ("copy", "model_copy") else None),)
    )


def _cased(value: str | bytes, method: str) -> str | bytes:
    if isinstance(value, bytes):
        return _CASES[method](value.decode("latin-1")).encode("latin-1", "replace")
    return _CASES[method](value)


def _is_text(value: Value) -> bool:
    return any(isinstance(shape, Text) or isinstance(shape, Known) and isinstance(shape.value, (str, bytes)) for shape in value.shapes)


def _looked_up(receiver: Value, given: list[Value], call: Call) -> Value:
    """`table.get(key, default)`: one of the entries, or the default."""
    found: list[Value] = []
    default = given[1] if len(given) > 1 else known(None, call)
    key = given[0].only()
    for shape in receiver.shapes:
        if isinstance(shape, Table):
            if isinstance(key, Known) and str(key.value) in shape.entries:
                found.append(shape.entries[str(key.value)])
            elif isinstance(key, Known) and shape.more is None:
                found.append(default)
            else:
                found.append(join(*(() if isinstance(key, Known) else shape.entries.values()), shape.more or NOTHING, default))
        else:
            found.append(join(members.entry(Value((shape,)), given[0], call), default if len(given) > 1 else NOTHING))
    return join(*found)


def _split(receiver: Value, given: list[Value], call: Call) -> Value:
    """`text.split(",")`."""
    separator = given[0].only() if given else None
    mark = separator.value if isinstance(separator, Known) and isinstance(separator.value, str) and separator.value else None

    def cut(one: Known) -> Value | None:
        if not isinstance(one.value, str):
            return None
        parts = one.value.split(mark) if mark is not None else one.value.split()
        return Value((Items(tuple(known(part, one.at) for part in parts[:60]), None, call),))

    changed = mapped(receiver, cut, "list")
    if changed is not None:
        return changed
    return Value(tuple(Items((), Value((shape,)), call) for shape in receiver.shapes))


_HARMFUL = frozenset("'\"`;|&$<>\\")


def _replaced(receiver: Value, given: list[Value], call: Call) -> Value:
    """`text.replace("'", "''")`: quotes doubled by hand are right for text in PostgreSQL and SQLite; other replacements check nothing."""
    old, new = given[0].only(), given[1].only()
    if isinstance(old, Known) and isinstance(new, Known):
        if same(old.value, "'") and same(new.value, "''"):
            return Value(
                tuple(
                    shape if isinstance(shape, (Known, Restricted)) else Restricted("quoted", Value((shape,)), call, "replace")
                    for shape in receiver.shapes
                )
            )
        if isinstance(old.value, str) and isinstance(new.value, str):
            plain = mapped(
                receiver, lambda one: known(one.value.replace(old.value, new.value), one.at) if isinstance(one.value, str) else None
            )
            if plain is not None:
                return plain
    parts = tuple(shape for shape in receiver.shapes if not isinstance(shape, Text))
    whole = Value(tuple(shape for shape in receiver.shapes if isinstance(shape, Text)))
    if whole.shapes and not isinstance(new, Known):
        # What is put in stands in the text from now on.
        from_text = [Text((*shape.parts, members_part(given[1], call)), call) for shape in whole.shapes if isinstance(shape, Text)]
        return Value((*parts, *from_text))
    if not isinstance(new, Known) and given[1].shapes:
        return Value(tuple(Text((members_part(Value((shape,)), call), members_part(given[1], call, 1)), call) for shape in receiver.shapes))
    return receiver


def members_part(value: Value, call: Call, index: int = 1) -> Part:
    """A part of a text that `replace` puts in."""
    return Part(value, call.arguments[index] if index < len(call.arguments) else call)


def _views(receiver: Value, method: str, call: Call) -> Value:
    found: list[Value] = []
    for shape in receiver.shapes:
        if isinstance(shape, Table):
            keys = [known(key, shape.at) for key in list(shape.entries)[:60]]
            contents = list(shape.entries.values())[:60]
            more = unknown(call) if shape.more is not None else None
            if method == "keys":
                found.append(Value((Items(tuple(keys), more, call),)))
            elif method == "values":
                found.append(Value((Items(tuple(contents), shape.more, call),)))
            else:
                pairs = tuple(Value((Items((key, content), None, call),)) for key, content in zip(keys, contents, strict=True))
                rest = Value((Items((unknown(call), shape.more), None, call),)) if shape.more is not None else None
                found.append(Value((Items(pairs, rest, call),)))
        elif isinstance(shape, (Client, Restricted)):
            found.append(Value((shape,)))
        else:
            found.append(Value((Member(Value((shape,)), f".{method}()", call),)))
    return join(*found)


# ---------------------------------------------------------------- functions by name


def _named(values: Evaluator, call: Call, receiver: Value | None, given: list[Value], keywords: Mapping[str, Value]) -> Value:
    name = call.name
    last = call.method
    table = libraries()
    if name in table["results"]["restricted"]:
        return _converted(call, name, given)
    if name in ("dict", "collections.OrderedDict", "types.SimpleNamespace", "argparse.Namespace", "collections.defaultdict"):
        return _dict(values, call, given, keywords)
    if name in _CONTAINERS and given:
        return _container(given[0], call)
    if name in ("set", "list", "tuple", "frozenset"):
        return Value((Items((), None, call),))
    if name == "getattr" and len(given) >= 2:
        constant = given[1].only()
        found = (
            members.attribute(values, given[0], str(constant.value), call, values.frame_at(call))
            if isinstance(constant, Known)
            else unknown(call)
        )
        return join(found, given[2]) if len(given) > 2 else found
    if last == "Field" and (name.endswith((".Field", ".field")) or name == "Field"):
        return _field_default(call, given, keywords)
    if name == "dataclasses.field":
        return _field_default(call, given, keywords)
    if name == "enumerate" and given:
        return Value(
            (
                Items(
                    (),
                    Value((Items((Value((Restricted("int", NOTHING, call, name),)), members.element(given[0], call)), None, call),)),
                    call,
                ),
            )
        )
    if name == "zip" and given:
        return Value((Items((), Value((Items(tuple(members.element(value, call) for value in given), None, call),)), call),))
    if name in ("map", "filter") and len(given) >= 2:
        return _mapped_over(values, call, given)
    if (
        name in ("re.sub", "regex.sub")
        or last == "sub"
        and receiver is not None
        and any(getattr(shape, "name", "") == "re.compile" for shape in receiver.shapes)
    ):
        return _substituted(call, receiver, given, name)
    language = quoting_language(name, last if receiver is not None else "")
    if language:
        return Value((Restricted("quoted", join(*given), call, language),))
    if receiver is None and isinstance(call.function, Name):
        for shape in values.evaluate(call.function, values.frame_at(call)).shapes:
            called = shape.step if isinstance(shape, Member) else shape.name if isinstance(shape, Reference) else ""
            language = quoting_language(called.lstrip("."), called.rpartition(".")[2]) if called and called != name else ""
            if language:
                return Value((Restricted("quoted", join(*given), call, language),))
    if name in table["own"]["calls"]:
        return Value((Restricted("checked", NOTHING, call, name),))
    if name in table["results"]["transparent"] and given:
        return _handed_on(call, name, given, keywords)
    if name in sources().messages:
        return Value((Client("message", sources().messages[name], call),))
    if last in table["results"]["restricted_methods"] and receiver is not None:
        return Value((Restricted("number", receiver, call, last),))
    return Value((Result(name, (*given, *keywords.values()), call),))


def quoting_language(name: str, method: str) -> str:
    """The language that a call quotes for, or nothing: by its qualified name, else by the method that drivers have for it."""
    table = libraries()["quoting"]
    languages = ("sql", "shell", "template", "code")
    return next((language for language in languages if name in table[language]), "") or next(
        (language for language in languages if method in table[f"{language}_methods"]), ""
    )


def _converted(call: Call, name: str, given: list[Value]) -> Value:
    if name in ("int", "float", "bool", "strtobool", "distutils.util.strtobool") and len(given) == 1:
        folded = mapped(
            given[0],
            lambda one: _converted_constant(one, name),
            "flag" if name in ("bool", "strtobool", "distutils.util.strtobool") else "number",
        )
        if folded is not None:
            return folded
    how = name if name in ("int", "float", "bool") else "number"
    if any(isinstance(shape, Setting) for value in given for shape in value.shapes):
        return join(
            *(
                Value((Setting(shape.name, NOTHING, "number" if how != "bool" else "flag", shape.at),))
                if isinstance(shape, Setting)
                else Value((Restricted(how, Value((shape,)), call, name),))
                for value in given
                for shape in value.shapes
            )
        )
    return Value((Restricted(how, join(*given), call, name),))


def _converted_constant(one: Known, name: str) -> Value | None:
    value = one.value
    try:
        if name == "int" and isinstance(value, (str, int, float)) and len(str(value)) < 40:
            return known(int(value), one.at)
        if name == "float" and isinstance(value, (str, int, float)) and len(str(value)) < 40:
            return known(float(value), one.at)
    except (ValueError, OverflowError):
        return None
    if name == "bool":
        return known(bool(value), one.at)
    if "strtobool" in name:
        decided = settings.flag(value)
        return known(decided, one.at) if decided is not None else None
    return None


def _dict(values: Evaluator, call: Call, given: list[Value], keywords: Mapping[str, Value]) -> Value:
    entries: dict[str, Value] = {}
    more: Value | None = None
    for value in given:
        for shape in value.shapes:
            if isinstance(shape, Table):
                entries.update(shape.entries)
                more = join(more or NOTHING, shape.more) if shape.more is not None else more
            elif isinstance(shape, Client):
                return Value((shape,))
            elif isinstance(shape, Items) and shape.more is None and all(isinstance(item.only(), Items) for item in shape.items):
                for item in shape.items:
                    pair = item.only()
                    key = pair.items[0].only() if isinstance(pair, Items) and len(pair.items) == 2 else None
                    if isinstance(key, Known) and isinstance(pair, Items):
                        entries[str(key.value)] = pair.items[1]
            else:
                more = unknown(call)
    extra = spread(values, call, values.frame_at(call))
    entries.update(extra.entries)
    entries.update(keywords)
    if extra.more is not None:
        more = join(more or NOTHING, extra.more)
    return Value((Table(entries, more, call),))


def _container(value: Value, call: Call) -> Value:
    found: list[Value] = []
    for shape in value.shapes:
        if isinstance(shape, Items):
            found.append(Value((Items(shape.items, shape.more, call),)))
        elif isinstance(shape, Table):
            found.append(
                Value(
                    (
                        Items(
                            tuple(known(key, call) for key in list(shape.entries)[:60]),
                            unknown(call) if shape.more is not None else None,
                            call,
                        ),
                    )
                )
            )
        elif isinstance(shape, Setting):
            found.append(Value((Setting(shape.name, _container(shape.default, call), "list", shape.at),)))
        elif isinstance(shape, Client):
            found.append(Value((shape,)))
        elif isinstance(shape, Code):
            found.append(Value((Items((), members.element(Value((shape,)), call), call),)))
        else:
            found.append(Value((Items((), members.element(Value((shape,)), call), call),)))
    return join(*found)


def _field_default(call: Call, given: list[Value], keywords: Mapping[str, Value]) -> Value:
    """`Field(default)`, `field(default_factory=lambda: [...])`."""
    default = given[0] if given else keywords.get("default")
    if default is not None:
        return NOTHING if default.is_constant(...) else default
    factory = call.keywords.get("default_factory")
    if isinstance(factory, OpaqueExpression) and factory.kind == "lambda" and factory.items:
        return call_free(factory.items[-1], call)
    return NOTHING


def call_free(expression: Expression, call: Call) -> Value:
    """What a factory without parameters gives, where it is a display."""
    from_display = keyword_display(expression)
    return from_display if from_display is not None else unknown(call)


def keyword_display(expression: Expression) -> Value | None:
    """A list of constants."""
    items = getattr(expression, "items", None)
    if items is None or not all(hasattr(item, "value") and not item.parts() for item in items):
        return None
    return Value((Items(tuple(known(item.value, item) for item in items), None, expression),))


def _mapped_over(values: Evaluator, call: Call, given: list[Value]) -> Value:
    first = call.arguments[0]
    item = members.element(given[1], call.arguments[1])
    if call.name == "filter":
        return Value((Items((), item, call),))
    written = getattr(first, "name", "")
    if written in libraries()["results"]["restricted"]:
        return Value((Items((), Value((Restricted("int", item, call, written),)), call),))
    for language in ("sql", "shell", "template", "code"):
        if written in libraries()["quoting"][language]:
            return Value((Items((), Value((Restricted("quoted", item, call, language),)), call),))
    if written in ("str", "str.strip", "str.lower", "str.upper"):
        return Value((Items((), item, call),))
    for shape in given[0].shapes:
        if isinstance(shape, Code) and not isinstance(shape.code, Class):
            names = (
                [parameter.name for parameter in shape.code.parameters]
                if isinstance(shape.code, Function)
                else lambda_parameters(shape.code)
            )
            owner = values.of_file(shape.code) or values
            returned = owner.returned(shape.code, {names[0]: item} if names else {}, values.frame_at(call))
            if returned is not None:
                return Value((Items((), returned, call),))
    return Value((Items((), Value((Result("map", (item,), call),)), call),))


def _substituted(call: Call, receiver: Value | None, given: list[Value], name: str) -> Value:
    """`re.sub(r"[^a-z]", "", text)`: what is left is what the class in the pattern names."""
    if name in ("re.sub", "regex.sub"):
        pattern, new, text = (*given, NOTHING, NOTHING, NOTHING)[:3]
    else:
        made = [shape.given[0] for shape in (receiver or NOTHING).shapes if isinstance(shape, Result) and shape.given]
        pattern, (new, text) = (made[0] if made else NOTHING), (*given, NOTHING, NOTHING)[:2]
    one, other = pattern.only(), new.only()
    if isinstance(one, Known) and isinstance(one.value, str) and isinstance(other, Known) and isinstance(other.value, str):
        if patterns.leaves_only_plain(one.value) and not _HARMFUL & set(other.value):
            return Value(
                tuple(
                    shape if isinstance(shape, (Known, Restricted)) else Restricted("checked", Value((shape,)), call, "re.sub")
                    for shape in text.shapes
                )
            )
    return text if text.shapes else unknown(call)


def _handed_on(call: Call, name: str, given: list[Value], keywords: Mapping[str, Value]) -> Value:
    if name == "typing.cast" and len(given) > 1:
        return given[1]
    if name in ("os.path.join", "posixpath.join"):
        return (
            Value((Text(tuple(Part(value, argument) for value, argument in zip(given, call.arguments, strict=False)), call),))
            if len(given) > 1
            else given[0]
        )
    if name in ("str", "format", "repr") and len(given) >= 1:
        return (
            mapped(given[0], lambda one: known(str(one.value), one.at) if isinstance(one.value, (str, int, float, bool)) else Value((one,)))
            or given[0]
        )
    if name == "json.loads":
        return _from_json(given[0], call)
    if name in ("pathlib.Path", "pathlib.PurePath", "pathlib.PurePosixPath") and len(given) > 1:
        return Value((Text(tuple(Part(value, argument) for value, argument in zip(given, call.arguments, strict=False)), call),))
    return join(*given[:2]) if name in ("min", "max") else given[0]


def _from_json(value: Value, call: Call) -> Value:
    import json

    def loaded(one: Known) -> Value | None:
        if not isinstance(one.value, (str, bytes)) or len(one.value) > 20_000:
            return Value((one,))
        try:
            found = json.loads(one.value)
        except (ValueError, RecursionError):
            return Value((one,))
        if isinstance(found, list):
            return Value(
                (
                    Items(
                        tuple(
                            known(encodable(item) if isinstance(item, str) else item, one.at)
                            for item in found[:100]
                            if isinstance(item, (str, int, float, bool))
                        ),
                        None,
                        call,
                    ),
                )
            )
        return known(found, one.at) if isinstance(found, (str, int, float, bool)) or found is None else unknown(call)

    return mapped(value, loaded) or value


def entered(values: Evaluator, value: Value, expression: Expression) -> Value:
    """What `with value as name` gives the name."""
    found: list[Value] = []
    for shape in value.shapes:
        if isinstance(shape, Result):
            found.append(Value((Member(Value((shape,)), ".__enter__()", expression),)))
        else:
            found.append(Value((shape,)))
    return join(*found)
