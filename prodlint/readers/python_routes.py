"""HTTP routes of Python web frameworks, from decorators and registration calls."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from prodlint.facts import Call, Collection, Constant, Function, Name, Route

if TYPE_CHECKING:
    from prodlint.python.tree import PyModule

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
_DECORATORS = {"route", "websocket", "api_route", "api_view", "api_operation", "head_view"}
_REGISTRATIONS = {"add_api_route", "add_route", "add_url_rule", "add_get", "add_post", "add_put", "add_delete", "add_patch"}
_METHODS = _VERBS | _DECORATORS | _REGISTRATIONS
_ROUTE_OBJECTS = {"starlette.routing.Route", "fastapi.routing.APIRoute", "starlette.routing.Mount", "litestar.router.Router"}
_DJANGO = {"django.urls.path", "django.urls.re_path", "django.conf.urls.url", "django.urls.conf.path"}
# The last parts of the names of calls that may make a route.
ROUTE_NAMES = frozenset(_METHODS | {name.rpartition(".")[2] for name in (*_ROUTE_OBJECTS, *_DJANGO)})
_FRAMEWORKS = (
    "fastapi",
    "starlette",
    "flask",
    "quart",
    "sanic",
    "litestar",
    "aiohttp",
    "django",
    "ninja",
    "bottle",
    "falcon",
    "tornado",
    "pyramid",
    "robyn",
    "blacksheep",
    "connexion",
)


@lru_cache(maxsize=4)
def framework_of(module: PyModule) -> str:
    """The web framework that a file imports, the first of those that there are; nothing where it imports none."""
    roots = {name.split(".", 1)[0] for name in module.imports.values()}
    roots |= {fact.module.split(".", 1)[0] for fact in module.import_facts()}
    return next((name for name in _FRAMEWORKS if name in roots or name == "flask" and "flask_restful" in roots), "")


def route_of(call: Call, function: Function | None, module: PyModule) -> Route | None:
    """The route that a decorator (with its function) or a registration call (without) makes."""
    name, method = call.name, call.method
    if method not in _METHODS and name not in _ROUTE_OBJECTS and name not in _DJANGO:
        return None
    path = _text(call, 0, "path") or _text(call, 0, "rule")
    if function is not None:
        if method in _VERBS or method in _DECORATORS:
            receiver = call.receiver
            if receiver is None and not name.startswith(("litestar.", "blacksheep.", "bottle.")):
                return None
            if path is None:
                path = "" if name.startswith("litestar.") else None
            if path is None or (path and not path.startswith(("/", "<", "{", "^")) and path != ""):
                return None
            return _route(call, module, function, _methods(call, method), path)
        return None
    if method in _REGISTRATIONS and path is not None and (method != "add_route" or path.startswith(("/", "{"))):
        verb = method[4:].upper() if method[4:] in _VERBS else ""
        handler = call.argument(1, "endpoint") or call.argument(2, "view_func")
        return _route(call, module, _named(handler, module), (verb,) if verb else _methods(call, method), path)
    if name in _ROUTE_OBJECTS and path is not None:
        return _route(call, module, _named(call.argument(1, "endpoint"), module), _methods(call, method), path)
    if name in _DJANGO and (route := _text(call, 0, "route")) is not None:
        return _route(call, module, _named(call.argument(1, "view"), module), (), "/" + route.lstrip("^/"))
    if name.startswith("aiohttp.web.") and method in _VERBS and path is not None:
        return _route(call, module, _named(call.argument(1, "handler"), module), (method.upper(),), path)
    if method == "add_route" or name == "pyramid.config.Configurator.add_route":
        pattern = _text(call, 1, "pattern") or _text(call, 0, "uri_template")
        if pattern is not None and pattern.startswith("/"):
            return _route(call, module, _named(call.argument(2, "handler"), module), (), pattern)
    return None


def _route(call: Call, module: PyModule, function: Function | None, methods: tuple[str, ...], path: str) -> Route:
    made = Route(module.source, module.file, call.start, call.end)
    made.framework = framework_of(module)
    made.methods, made.path, made.function, made.call = methods, path, function, call
    return made


def _methods(call: Call, method: str) -> tuple[str, ...]:
    if method in _VERBS:
        return (method.upper(),)
    given = call.keywords.get("methods")
    if isinstance(given, Collection):
        return tuple(str(item.value).upper() for item in given.items if isinstance(item, Constant))
    return ("GET",) if method == "route" else ()


def _text(call: Call, position: int, keyword: str) -> str | None:
    value = call.argument(position, keyword)
    if isinstance(value, Name):
        value = call.module.follow(value)
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _named(expression: object, module: PyModule) -> Function | None:
    return module.function(expression.source_text) if isinstance(expression, Name) else None
