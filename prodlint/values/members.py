"""Attributes, entries and items of values: objects of the project's classes, settings objects, requests, lists and dicts."""

from __future__ import annotations

from prodlint.facts import Call, Class, Expression, Function
from prodlint.values import classes, frameworks, hints, settings
from prodlint.values.flow import Definition
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
    Reference,
    Restricted,
    Result,
    Setting,
    Shape,
    Table,
    Text,
    Unknown,
    Value,
    join,
    known,
    unknown,
)
from prodlint.values.tables import sources

# What of a value has no text in it that somebody chose.
_NUMERIC_ATTRIBUTES = frozenset({"__len__", "__name__", "__qualname__", "__class__", "__module__", "size", "ndim", "shape"})
# Names that a mapped class gives its table, which its author wrote.
_TABLE_NAMES = ("__tablename__", "__table__", "_meta", "__table_args__", "db_table")


def attribute(values: Evaluator, value: Value, name: str, at: Expression, frame: Frame) -> Value:
    """`value.name`."""
    return join(*(_attribute(values, shape, name, at, frame) for shape in value.shapes))


def _attribute(values: Evaluator, shape: Shape, name: str, at: Expression, frame: Frame) -> Value:
    if isinstance(shape, Reference):
        qualified = f"{shape.name}.{name}"
        if qualified in sources().globals:
            return Value((Client("request", sources().globals[qualified], at),))
        return of_project(values, qualified) or Value((Reference(qualified, at),))
    if isinstance(shape, Client):
        return _of_client(values, shape, name, at)
    if isinstance(shape, Instance):
        return of_instance(values, shape, name, at, frame)
    if isinstance(shape, Code):
        return (
            _of_class(values, shape.code, name, at) if isinstance(shape.code, Class) else Value((Member(Value((shape,)), f".{name}", at),))
        )
    if isinstance(shape, Restricted):
        return Value((Restricted(shape.how, Value((shape,)), at, shape.by),))
    if isinstance(shape, Known):
        return unknown(at)
    if isinstance(shape, Argument):
        return _of_argument(values, shape, name, at)
    if isinstance(shape, Table) and name in shape.entries:
        return shape.entries[name]  # SimpleNamespace and objects that stand for a dict
    if name in ("validated_data", "cleaned_data") and isinstance(shape, Result):
        clients = [one for value in shape.given for one in value.walk() if isinstance(one, Client)]
        if clients:
            return Value((Client(clients[0].source, clients[0].framework, clients[0].at),))
    if name in _NUMERIC_ATTRIBUTES:
        return Value((Restricted("checked", Value((shape,)), at, name),))
    return Value((Member(Value((shape,)), f".{name}", at),))


def _of_client(values: Evaluator, client: Client, name: str, at: Expression) -> Value:
    table = sources()
    if client.source == "request":
        if name in table.request_harmless:
            return Value((Result(f"request.{name}", (), at),))
        source = table.member_of(client, name)
        return Value((Client(source, client.framework, at),)) if source else Value((Result(f"request.{name}", (), at),))
    if client.class_ is not None and name in ("validated_data", "cleaned_data", "data", "initial_data"):
        return Value((client,))
    if client.class_ is not None:
        return of_field(values, client.class_, name, client, at)
    if client.source == "upload" and name == "name":
        return Value((Member(Value((client,)), ".name", at),))  # what it may hold depends on the framework
    if client.source == "upload" and name in ("size", "content_length"):
        return Value((Restricted("int", Value((client,)), at, name),))
    return Value((Client(client.source, client.framework, client.at),))


def of_field(values: Evaluator, class_: Class, name: str, client: Client, at: Expression) -> Value:
    """A field of a body: its type may say that it is no text."""
    owner = classes.owner_of(values, class_)
    for holder in classes.lineage(owner, class_):
        for statement in holder.body:
            assignment = statement.assignment
            if assignment is not None and assignment.target == name:
                return annotated(owner, assignment.annotation, Client(client.source, client.framework, client.at, ""), at)
            if statement.kind == "expression" and statement.expressions and statement.expressions[0].text.split(":")[0].strip() == name:
                return annotated(
                    owner, statement.expressions[0].text.partition(":")[2], Client(client.source, client.framework, client.at, ""), at
                )
        written = classes.annotation_of(holder, name)
        if written:
            return annotated(owner, written, Client(client.source, client.framework, client.at, ""), at)
    return Value((Client(client.source, client.framework, client.at),))


# Fields of serializers and forms whose value is no text.
_TYPED_FIELDS = (
    "IntegerField",
    "FloatField",
    "DecimalField",
    "BooleanField",
    "NullBooleanField",
    "UUIDField",
    "DateField",
    "DateTimeField",
    "TimeField",
    "DurationField",
    "ChoiceField",
    "PrimaryKeyRelatedField",
    "Integer",
    "Int",
    "Float",
    "Boolean",
    "UUID",
    "Date",
    "DateTime",
)


def of_serialized(client: Client, name: str, at: Expression) -> Value:
    """`serializer.validated_data["count"]`: the class's field says what kind of value it is."""
    plain = Client(client.source, client.framework, client.at)
    for statement in client.class_.body if client.class_ is not None else ():
        assignment = statement.assignment
        value = assignment.value if assignment is not None and assignment.target == name else None
        if isinstance(value, Call) and value.method.endswith(_TYPED_FIELDS):
            return Value((Restricted("checked", Value((plain,)), at, value.method),))
    return Value((plain,))


def annotated(values: Evaluator, annotation: str, shape: Shape, at: Expression | Function) -> Value:
    """What an annotation leaves of a shape."""
    place = at if isinstance(at, Expression) else Expression(at.source, at.file, at.start, at.start)
    kind, detail, _ = hints.parse(annotation[:400])
    if kind == "fixed":
        return Value((Restricted(detail, Value((shape,)), place, annotation),))
    if kind == "literal":
        return Value((Restricted("checked", Value((shape,)), place, annotation),))
    if kind == "items":
        return Value((Items((), annotated(values, detail, shape, at), place),))
    if kind == "named":
        class_ = classes.class_named(values, detail)
        if class_ is not None:
            owner, found = class_
            if classes.is_enum(owner, found):
                return Value((Restricted("enum", Value((shape,)), place, detail),))
            if isinstance(shape, Client):
                return Value((Client(shape.source, shape.framework, shape.at, shape.words, found),))
        elif detail.rpartition(".")[2].endswith("Enum"):
            return Value((Restricted("enum", Value((shape,)), place, detail),))
    return Value((shape,))


def _of_class(values: Evaluator, class_: Class, name: str, at: Expression) -> Value:
    owner = classes.owner_of(values, class_)
    if classes.is_enum(owner, class_):
        return Value((Restricted("enum", class_value(owner, class_, name, at) or unknown(at), at, class_.name),))
    found = class_value(owner, class_, name, at)
    if found:
        return found
    if name in _TABLE_NAMES:
        return Value((Restricted("checked", unknown(at), at, name),))
    return Value((Member(Value((Code(class_, class_),)), f".{name}", at),))


def class_value(values: Evaluator, class_: Class, name: str, at: Expression) -> Value:
    """What a class's body (or that of a base of the project) gives a name; no shapes where it gives none."""
    for holder in classes.lineage(values, class_):
        owner = classes.owner_of(values, holder)
        flow = owner.flow_in(holder)
        if name in flow.bound and flow.function is None and flow.outer is not None:
            frame = owner.frame_of(flow)
            if flow.end is not None:
                return owner.value_at(name, flow.end, 1 << 61, at, frame)
    return NOTHING


def of_instance(values: Evaluator, instance: Instance, name: str, at: Expression, frame: Frame) -> Value:
    """An attribute of an object of a class of the project: what the class and its methods give it."""
    class_ = instance.class_
    owner = classes.owner_of(values, class_)
    if classes.is_enum(owner, class_):
        return Value((Restricted("enum", unknown(at), at, class_.name),))
    if classes.is_settings(owner, class_):
        return settings.field(owner, class_, name, at, classes.lineage(owner, class_), class_value(owner, class_, name, at))
    if name in ("request", "kwargs", "path_kwargs", "args"):
        serving = frameworks.of_class(owner, class_)
        if serving and serving[0].classes != ("*",):
            return Value((Client("request" if name == "request" else "path", serving[0].name, at),))
    assigned = assigned_to_self(owner, class_, name, at)
    body = class_value(owner, class_, name, at)
    if any(isinstance(shape, Code) for shape in body.shapes):
        function = next(shape.code for shape in body.shapes if isinstance(shape, Code))
        if isinstance(function, Function) and any(
            decorator.text.split("(")[0].rpartition(".")[2] in ("property", "cached_property") for decorator in function.decorators
        ):
            given = owner.returned(function, {"self": Value((instance,))}, frame)
            return given if given is not None else Value((Member(Value((instance,)), f".{name}", at),))
    if assigned.shapes or body.shapes:
        return join(body, assigned)
    if name in _TABLE_NAMES or name == "_meta":
        return Value((Restricted("checked", unknown(at), at, name),))
    return Value((Member(Value((instance,)), f".{name}", at),))


def assigned_to_self(values: Evaluator, class_: Class, name: str, at: Expression) -> Value:
    """What the methods of a class give `self.name`."""
    key = f"self.{name}"
    found = []
    for holder in classes.lineage(values, class_):
        owner = classes.owner_of(values, holder)
        if f".{name}".encode() not in owner.module.source.data:
            continue
        for statement in owner.flow_in(holder).nested:
            if statement.kind != "def":
                continue
            flow = owner.flow_of(statement, owner.flow_in(holder))
            if key in flow.names:
                inner = owner.frame_of(flow)
                found += [owner.given(key, one, inner, at) for _, one in flow.all_of(key) if one.kind != "narrowed"]
    return join(*found)


def _of_argument(values: Evaluator, argument: Argument, name: str, at: Expression) -> Value:
    """An attribute of a parameter: its class may say what it can be."""
    kind, detail, _ = hints.parse(argument.annotation[:400])
    if kind == "named":
        class_ = classes.class_named(values, detail)
        if class_ is not None:
            owner, found = class_
            if classes.is_settings(owner, found):
                return settings.field(owner, found, name, at, classes.lineage(owner, found), class_value(owner, found, name, at))
            for holder in classes.lineage(owner, found):
                for statement in holder.body:
                    assignment = statement.assignment
                    written = assignment.annotation if assignment is not None and assignment.target == name else ""
                    if written:
                        return annotated(owner, written, Member(Value((argument,)), f".{name}", at), at)
                written = classes.annotation_of(holder, name)
                if written:
                    return annotated(owner, written, Member(Value((argument,)), f".{name}", at), at)
    if name in _TABLE_NAMES:
        return Value((Restricted("checked", Value((argument,)), at, name),))
    return Value((Member(Value((argument,)), f".{name}", at),))


def of_project(values: Evaluator, qualified: str) -> Value | None:
    """Something of another file of the project by its qualified name; None where the project has no such file."""
    holder, _, last = qualified.rpartition(".")
    other = values.beside(holder) if holder else None
    if other is None:
        return None
    flow = other.module_flow()
    if last not in flow.bound or flow.end is None:
        return None
    at = Expression(other.module.source, other.module.file, 0, 0)
    return other.value_at(last, flow.end, 1 << 61, at, other.frame_of(flow))


# ---------------------------------------------------------------- items and entries


def entry(value: Value, key: Value, at: Expression) -> Value:
    """`value[key]`."""
    return join(*(_entry(shape, key, at) for shape in value.shapes))


def _entry(shape: Shape, key: Value, at: Expression) -> Value:
    constant = key.only()
    index = constant.value if isinstance(constant, Known) else None
    if isinstance(shape, Reference) and shape.name in ("os.environ", "environ"):
        return settings.read(key, NOTHING, at)
    if isinstance(shape, Table):
        if isinstance(index, (str, int)) and str(index) in shape.entries:
            return shape.entries[str(index)]
        if constant is not None and shape.more is None and isinstance(constant, Known):
            return unknown(at)
        return join(*(() if isinstance(constant, Known) else shape.entries.values()), shape.more or NOTHING) or unknown(at)
    if isinstance(shape, Items):
        if isinstance(index, int) and not isinstance(index, bool) and -len(shape.items) <= index < len(shape.items) and shape.more is None:
            return shape.items[index]
        return join(*shape.items, shape.more or NOTHING) or unknown(at)
    if isinstance(shape, Client):
        if shape.source == "request":
            return Value((Client("body", shape.framework, shape.at),))
        if shape.class_ is not None and isinstance(index, str):
            return of_serialized(shape, index, at)
        return Value((Client(shape.source, shape.framework, shape.at),))
    if isinstance(shape, Restricted):
        return Value((shape,))
    if isinstance(shape, Known) and isinstance(shape.value, (str, bytes)):
        if isinstance(index, int) and not isinstance(index, bool) and -len(shape.value) <= index < len(shape.value):
            return known(shape.value[index : index + 1] if index != -1 else shape.value[-1:], shape.at)
        return Value((shape,))
    if isinstance(shape, Text):
        return Value((shape,))
    if isinstance(shape, Setting):
        return Value((Setting(shape.name, entry(shape.default, key, at), shape.kind, shape.at),))
    if isinstance(shape, Code) and isinstance(shape.code, Class):
        return Value((Restricted("enum", Value((shape,)), at, shape.code.name),))
    return Value((Member(Value((shape,)), "[...]", at),))


def element(value: Value, at: Expression) -> Value:
    """One of a value's items, as a loop gives them."""
    found = []
    for shape in value.shapes:
        if isinstance(shape, Items):
            found.append(join(*shape.items, shape.more or NOTHING))
        elif isinstance(shape, Table):
            found.append(
                join(
                    *(known(key, shape.at) for key in list(shape.entries)[:12]),
                    unknown(at) if shape.more is not None or len(shape.entries) > 12 else NOTHING,
                )
            )
        elif isinstance(shape, Code) and isinstance(shape.code, Class):
            found.append(Value((Restricted("enum", Value((shape,)), at, shape.code.name),)))
        elif isinstance(shape, Setting):
            found.append(Value((Setting(shape.name, element(shape.default, at), shape.kind, shape.at),)))
        elif isinstance(shape, (Client, Restricted, Text)):
            found.append(Value((shape,)))
        elif isinstance(shape, Known):
            found.append(Value((shape,)) if isinstance(shape.value, (str, bytes)) else NOTHING)
        else:
            found.append(Value((Member(Value((shape,)), "[...]", at),)))
    return join(*found)


def unpacked(value: Value, index: int, at: Expression) -> Value:
    """The item at a position of an unpacked value; -1 for the rest."""
    found = []
    for shape in value.shapes:
        if isinstance(shape, Items) and shape.more is None and 0 <= index < len(shape.items):
            found.append(shape.items[index])
        elif isinstance(shape, Items):
            found.append(join(*shape.items, shape.more or NOTHING))
        else:
            found.append(element(Value((shape,)), at))
    return join(*found)


def changed(values: Evaluator, before: Value, definition: Definition, frame: Frame) -> Value:
    """A value after an item was set or one of its methods changed it."""
    expression = definition.expression
    if expression is None:
        return before
    if definition.key is not None:
        content = values.evaluate(expression, frame)
        for index in definition.path:
            content = unpacked(content, index, expression)
        key = values.evaluate(definition.key, frame).only()
        return _with_entry(before, key.value if isinstance(key, Known) else None, content, expression)
    if not isinstance(expression, Call):
        return before
    method = expression.method
    given = [values.evaluate(argument, frame) for argument in expression.arguments]
    if method in ("append", "add", "appendleft", "insert") and given:
        return _with_item(before, given[-1], expression)
    if method == "extend" and given:
        return _with_item(before, element(given[0], expression), expression)
    if method == "update":
        tables = [shape for value in given for shape in value.shapes]
        after = before
        for shape in tables:
            if isinstance(shape, Table):
                for key_text, content in shape.entries.items():
                    after = _with_entry(after, key_text, content, expression)
                if shape.more is not None:
                    after = _with_entry(after, None, shape.more, expression)
            elif any(isinstance(one, Table) for one in before.shapes):
                after = _with_entry(after, None, element(Value((shape,)), expression), expression)
        for keyword, argument in expression.keywords.items():
            after = _with_entry(after, keyword, values.evaluate(argument, frame), expression)
        return after
    if method == "setdefault" and given:
        key = given[0].only()
        name = key.value if isinstance(key, Known) else None
        content = given[1] if len(given) > 1 else known(None, expression)
        return Value(
            tuple(
                shape if isinstance(shape, Table) and str(name) in shape.entries else one
                for shape in before.shapes
                for one in _with_entry(Value((shape,)), name, content, expression).shapes
            )
        )
    if method in ("pop", "remove", "discard", "clear") and given:
        key = given[0].only()
        if isinstance(key, Known):
            return Value(
                tuple(
                    Table({name: content for name, content in shape.entries.items() if name != str(key.value)}, shape.more, shape.at)
                    if isinstance(shape, Table)
                    else shape
                    for shape in before.shapes
                )
            )
    return before


def _with_entry(before: Value, key: object, content: Value, at: Expression) -> Value:
    found: list[Shape] = []
    for shape in before.shapes:
        if isinstance(shape, Table):
            if isinstance(key, (str, int)):
                found.append(Table({**shape.entries, str(key): content}, shape.more, shape.at))
            else:
                found.append(Table(shape.entries, join(shape.more or NOTHING, content), shape.at))
        elif isinstance(shape, Items):
            found.append(Items(shape.items, join(shape.more or NOTHING, content), shape.at))
        elif isinstance(shape, (Client, Known, Text)):
            found.append(shape)
        else:
            entries = {str(key): content} if isinstance(key, (str, int)) else {}
            found.append(
                Table(entries, unknown(at), at) if isinstance(shape, (Result, Member, Unknown, Argument)) and key is not None else shape
            )
    return Value(tuple(found))


def _with_item(before: Value, content: Value, at: Expression) -> Value:
    return Value(
        tuple(
            Items(shape.items, join(shape.more or NOTHING, content), shape.at) if isinstance(shape, Items) else shape
            for shape in before.shapes
        )
    )
