"""Who gives a parameter its value: a client through a framework, a caller in the same file, or anybody."""

from __future__ import annotations

import re

from prodlint.facts import Attribute, Call, Class, Expression, Function, Name, Parameter
from prodlint.values import frameworks, hints, members
from prodlint.values.frames import Evaluator
from prodlint.values.lattice import Argument, Client, Code, Instance, Items, Restricted, Result, Table, Value, join, unknown
from prodlint.values.tables import Framework, sources

_CONVERTERS = re.compile(r"<\s*(\w+)(?:\([^)]*\))?\s*:\s*(\w+)\s*>|\{\s*(\w+)\s*:\s*(\w+)[^}]*\}")
_FIXED_CONVERTERS = {
    "int": "int",
    "float": "float",
    "uuid": "uuid",
    "date": "date",
    "datetime": "date",
    "ymd": "date",
    "dt": "date",
    "decimal": "number",
    "number": "number",
}


def parameter(values: Evaluator, function: Function, name: str) -> Value:
    """What a parameter of a function can be when nobody says who calls it."""
    names = [one.name for one in function.parameters]
    found = next(one for one in function.parameters if one.name == name)
    method_of = function.class_
    if method_of is not None and names[0] == name and not _is_static(function):
        shape = Code(method_of, method_of) if name == "cls" or _is_class_method(function) else Instance(method_of, _place(function))
        return Value((shape,))
    if found.kind == "**":
        return Value((Table({}, _base(values, function, found, method_of), _place(function)),))
    if found.kind == "*":
        return Value((Items((), _base(values, function, found, method_of), _place(function)),))
    return _base(values, function, found, method_of)


def _base(values: Evaluator, function: Function, found: Parameter, class_: Class | None) -> Value:
    client = _client(values, function, found, class_)
    if isinstance(client, Value):
        return client
    if client is not None:
        if client.source == "request":
            return Value((client,))
        return members.annotated(values, found.annotation, client, function)
    argument = Argument(found.name, found.annotation, function, function)
    value = members.annotated(values, found.annotation, argument, function)
    if found.default is not None:
        return join(value, values.evaluate(found.default, values.frame_at(found.default)))
    return value


def _client(values: Evaluator, function: Function, found: Parameter, class_: Class | None) -> Client | Value | None:
    """The client that chooses a parameter, a value where the framework gives it itself, or None."""
    table = sources()
    kind, detail, marks = hints.parse(found.annotation[:400])
    typed = _qualified(values, detail) if kind == "named" else ""
    if typed in table.request_types:
        return Client("request", table.request_types[typed], function, found.name)
    if typed in table.upload_types:
        return Client("upload", _framework_in(values), function, found.name)
    plain = [one.name for one in function.parameters if one.kind == ""]
    position = plain.index(found.name) if found.name in plain else -1
    framework = handler_of(values, function, class_)
    if framework is None:
        return _by_signature(values, function, found, plain, class_)
    first = 1 if class_ is not None and plain and plain[0] in ("self", "cls") else 0
    named_request = found.name in table.request_names and kind in ("any", "named")
    if named_request and framework.source != "message":
        return Client("request", framework.name, function, found.name)
    injected = _injected(values, found, typed, marks)
    if injected is not None:
        return injected
    marked = _marked(values, found, marks)
    if marked:
        return Client(marked, framework.name, function, found.name)
    if framework.parameters == "none" or position < 0 and found.kind == "":
        return None
    if framework.parameters == "first" and position != first:
        return None
    if framework.parameters == "rest" and position <= first and not (framework.name == "Django" and named_request):
        return Client("request", framework.name, function, found.name) if position == first else None
    if framework.source == "event":
        return Client("request" if kind == "named" else "event", framework.name, function, found.name)
    route = _route_text(function)
    converted = _converter(route, found.name)
    if converted:
        return Value(
            (Restricted(converted, Value((Argument(found.name, found.annotation, function, function),)), _place(function), "route"),)
        )
    source = framework.source
    if source == "query" and re.search(rf"[{{<](?:\w+:)?{re.escape(found.name)}\b", route):
        source = "path"
    elif source == "query" and kind == "named":
        source = "body"
    return Client(source, framework.name, function, found.name)


def _injected(values: Evaluator, found: Parameter, typed: str, marks: tuple[str, ...]) -> Value | None:
    """What the framework gives itself: a dependency's result, its own objects."""
    table = sources()
    if typed and typed.rpartition(".")[2] in table.injected_types:
        return unknown(_place_of(values, found))
    default = found.default
    call = default if isinstance(default, Call) else None
    if call is not None and (call.name in table.injected_calls or call.name.rpartition(".")[2] in ("Depends", "Security", "Provide")):
        return _dependency(values, call)
    for mark in marks:
        if re.match(r"(?:\w+\.)*(?:Depends|Security|Provide|Inject)\b", mark):
            return unknown(_place_of(values, found))
    return None


def _dependency(values: Evaluator, call: Call) -> Value:
    """`Depends(get_name)`: what the function gives, whose own parameters come from the client."""
    given = call.arguments[0] if call.arguments else None
    if given is None:
        return unknown(call)
    for shape in values.evaluate(given, values.frame_at(given)).shapes:
        if isinstance(shape, Code) and isinstance(shape.code, Function):
            owner = values.of_file(shape.code) or values
            framework = _framework_in(values)
            arguments = {
                one.name: members.annotated(owner, one.annotation, Client("query", framework, shape.code, one.name), shape.code)
                for one in shape.code.parameters
                if one.kind == "" and not isinstance(one.default, Call) and hints.parse(one.annotation[:400])[0] != "named"
            }
            returned = owner.returned(shape.code, arguments, values.frame_at(call))
            return returned if returned is not None and returned.shapes else unknown(call)
        if isinstance(shape, Code) and isinstance(shape.code, Class):
            return Value((Client("query", _framework_in(values), call, "", shape.code),))
    return Value((Result("Depends", (), call),))


def _marked(values: Evaluator, found: Parameter, marks: tuple[str, ...]) -> str:
    """The source that a default or a mark names: `Form(...)`, `Annotated[str, Query()]`."""
    table = sources().marked
    default = found.default
    if isinstance(default, Call):
        return str(table.get(default.name, ""))
    for mark in marks:
        name = mark.split("(", 1)[0].strip()
        qualified = _qualified(values, name)
        if qualified in table:
            return str(table[qualified])
    return ""


def handler_of(values: Evaluator, function: Function, class_: Class | None) -> Framework | None:
    """The framework that calls a function with what a client sent, where one does."""
    used = frameworks.used_in(values)
    if not used:
        return None
    decorators = list(function.decorators)
    for framework in used:
        if framework.decorators and any(_makes_handler(decorator, framework) for decorator in decorators):
            return framework
    if class_ is not None:
        for framework in frameworks.of_class(values, class_):
            if function.name in framework.methods or framework.methods == ("*",):
                return framework
    return _registered(values, function, used, class_)


def _makes_handler(decorator: Expression, framework: Framework) -> bool:
    """Whether a decorator is one of the framework's: `@app.get("/")`, `@shared_task`, `@func.queue_trigger(...)`."""
    if isinstance(decorator, Call):
        method = decorator.method
        if method not in framework.decorators:
            return False
        if decorator.name.split(".", 1)[0] in framework.modules or framework.source in ("message", "event"):
            return True
        path = decorator.argument(0, "path") or decorator.argument(0, "rule")
        return decorator.receiver is not None and (
            path is None or not hasattr(path, "value") or isinstance(getattr(path, "value", None), str)
        )
    if isinstance(decorator, (Name, Attribute)):
        last = decorator.text.rpartition(".")[2]
        name = decorator.name if isinstance(decorator, Name) else ""
        return last in framework.decorators and (framework.source in ("message", "event") or name.split(".", 1)[0] in framework.modules)
    return False


_REGISTERING = frozenset(
    {
        "add_api_route",
        "add_route",
        "add_url_rule",
        "add_get",
        "add_post",
        "add_put",
        "add_delete",
        "add_patch",
        "path",
        "re_path",
        "url",
        "Route",
        "APIRoute",
        "WebSocketRoute",
        "add_websocket_route",
        "websocket",
        "get",
        "post",
        "put",
        "delete",
        "patch",
        "add_view",
        "basic_consume",
        "subscribe",
        "serve",
    }
)


def _registered(values: Evaluator, function: Function, used: list[Framework], class_: Class | None) -> Framework | None:
    """`app.add_url_rule("/x", view_func=f)`, `Route("/x", f)`, `path("x/", f)` in the same file; Django's views by their first parameter."""
    if class_ is None and function.scope.symbol == "":
        name = function.name.encode()
        if (
            b"Route(" in values.module.source.data
            or b"add_" in values.module.source.data
            or b"path(" in values.module.source.data
            or b"web." in values.module.source.data
        ):
            if re.search(rb"[(,=]\s*" + re.escape(name) + rb"\b\s*[,)\].]", values.module.source.data):
                for call in values.module.calls():
                    if call.method in _REGISTERING and any(
                        isinstance(argument, Name) and argument.source_text == function.name
                        for argument in (*call.arguments, *call.keywords.values())
                    ):
                        return next((framework for framework in used if framework.name not in ("Celery", "RQ", "Dramatiq")), None)
    plain = [one for one in function.parameters if one.kind == ""]
    first = 1 if class_ is not None and plain and plain[0].name in ("self", "cls") else 0
    if len(plain) > first and plain[first].name == "request":
        for framework in used:
            if (
                framework.name in ("Django", "Django REST framework")
                and (class_ is None or function.name in framework.methods)
                and not function.name.startswith("_")
            ):
                return Framework(framework.name, framework.modules, parameters="rest", source="path")
    return None


def _framework_in(values: Evaluator) -> str:
    used = frameworks.used_in(values)
    return used[0].name if used else ""


def _by_signature(values: Evaluator, function: Function, found: Parameter, plain: list[str], class_: Class | None) -> Client | None:
    """Requests and events by the place and name that a convention gives them, where no type says otherwise."""
    table = sources()
    kind, _, _ = hints.parse(found.annotation[:400])
    if kind not in ("any", "named"):
        return None
    own = plain[1:] if class_ is not None and plain[:1] in (["self"], ["cls"]) else plain
    if found.name == "request" and kind == "any":
        return Client("request", _framework_in(values), function, found.name)
    if class_ is None and own and found.name == own[0]:
        event = table.events.get(",".join(own[:2])) or (table.events.get(own[0]) if len(own) == 1 else None)
        if event is not None and function.scope.symbol == "":
            return Client("event", event, function, found.name)
    if (
        found.name == "body"
        and own == ["ch", "method", "properties", "body"]
        or found.name == "body"
        and own == ["channel", "method", "properties", "body"]
    ):
        return Client("message", "RabbitMQ", function, found.name)
    if found.name == "msg" and own[-1:] == ["msg"] and any(name.startswith("paho") for name in values.module.imports.values()):
        return Client("message", "MQTT", function, found.name)
    return None


def _qualified(values: Evaluator, written: str) -> str:
    root, _, rest = written.partition(".")
    imported = values.module.imports.get(root, root)
    return f"{imported}.{rest}" if rest else imported


def _route_text(function: Function) -> str:
    for decorator in function.decorators:
        if isinstance(decorator, Call):
            path = decorator.argument(0, "path") or decorator.argument(0, "rule")
            if path is not None and isinstance(getattr(path, "value", None), str):
                return str(path.value)  # type: ignore[attr-defined]  # a Constant, by the line above
    return ""


def _converter(route: str, name: str) -> str:
    for match in _CONVERTERS.finditer(route):
        left, right = match[1] or match[3], match[2] or match[4]
        if name in (left, right):
            return _FIXED_CONVERTERS.get(left if right == name else right, "")
    return ""


def _is_static(function: Function) -> bool:
    return any(decorator.text == "staticmethod" for decorator in function.decorators)


def _is_class_method(function: Function) -> bool:
    return any(
        decorator.text.endswith(("classmethod", "validator")) or ".validator" in decorator.text or "validator(" in decorator.text
        for decorator in function.decorators
    )


def _place(function: Function) -> Expression:
    return Expression(function.source, function.file, function.start, function.start)


def _place_of(values: Evaluator, found: Parameter) -> Expression:
    return found.default if found.default is not None else Expression(values.module.source, values.module.file, 0, 0)
