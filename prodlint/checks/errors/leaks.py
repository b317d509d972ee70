"""PRD206: the text of an unexpected exception, or its traceback, in what a client receives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Function,
    Handler,
    Name,
    OpaqueExpression,
    Operation,
    Setting,
    Statement,
    calls_in,
    statements_in,
)
from prodlint.model import FixRequest
from prodlint.python.exits import ERROR, TRACEBACK, WARNING, is_broad, log_level, own_logger

# Errors whose text describes the inside of the service: statements, hosts, paths, command lines.
_TECHNICAL = (
    "OSError|IOError|SQLAlchemyError|DBAPIError|DatabaseError|OperationalError|ProgrammingError|IntegrityError|DataError|"
    "InterfaceError|InternalError|PsycopgError|RequestException|CalledProcessError|SubprocessError|BotoCoreError|RedisError|PyMongoError|"
    "ConnectionError|SSLError|MemoryError|ImportError|ModuleNotFoundError|AttributeError|NameError"
)
_IS_TECHNICAL = re.compile(rf"(?:^|\.)(?:{_TECHNICAL})$")

_MODULES = (
    "fastapi.",
    "starlette.",
    "flask.",
    "quart.",
    "django.",
    "rest_framework.",
    "aiohttp.web",
    "sanic.",
    "litestar.",
    "falcon.",
    "bottle.",
    "tornado.",
    "ninja.",
    "werkzeug.",
    "pyramid.",
    "webob.",
    "robyn.",
    "blacksheep.",
    "connexion.",
    "chalice.",
    "flask_restful.",
    "flask_restx.",
    "flask_smorest.",
    "drf_spectacular.",
)
_RESPONSE = re.compile(
    r"(?:^|\.)(?:HTTPException|HttpError|HTTPError|\w*Response\w*|jsonify|make_response|json_response|abort|error_response|"
    r"HTTP(?:BadRequest|InternalServerError|ServiceUnavailable|Unauthorized|Forbidden|NotFound|UnprocessableEntity|Conflict|BadGateway)|"
    r"APIException|send_error|text|json|html)$"
)
_LOOSE = re.compile(r"^(?:JSONResponse|ORJSONResponse|UJSONResponse|HTTPException|JsonResponse|jsonify|HttpResponse\w*|PlainTextResponse)$")
_SOCKET_METHODS = frozenset({"send_json", "send_text", "send_str", "send_error"})
_ROUTE_METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "api_view", "action", "api_operation"}
)
_DEBUG = re.compile(
    r"(?i)(?:^|[._])(?:debug|is_dev|dev_mode|development|is_local|testing|show_errors|verbose|expose_\w+|environment|env)(?:$|[._])"
)
_NOT_SHOWN = frozenset({"status_code", "status", "headers", "background", "media_type", "content_type", "extra", "exc_info"})

_ANCHORS = ("except",)


def _mentions_debug(expression: Expression) -> bool:
    return any(isinstance(inner, Name) and _DEBUG.search(inner.source_text) for inner in expression.walk())


class _Leaks:
    """Follows the text of an exception through one block."""

    def __init__(self, alias: str, is_route: bool, followed: bool = True) -> None:
        self.alias = alias
        self.is_route = is_route
        self.followed = followed
        self.carriers: set[str] = {alias} if alias else set()

    def shows(self, expression: Expression) -> bool:
        """Whether an expression's value holds the exception's text."""
        if isinstance(expression, Name):
            first, _, rest = expression.source_text.partition(".")
            return first in self.carriers and (not rest or rest in ("args", "message", "__cause__", "orig"))
        if isinstance(expression, Call):
            if expression.name in ("traceback.format_exc", "traceback.format_exception", "traceback.format_tb"):
                return True
            if expression.name in ("str", "repr", "format", "ascii") or expression.method in (
                "format",
                "join",
                "strip",
                "replace",
                "dumps",
                "gettext",
                "_",
            ):
                return any(self.shows(part) for part in expression.parts())
            if expression.name in ("dict", "list", "tuple") or _is_error_model(expression):
                return any(self.shows(part) for part in (*expression.arguments, *expression.keywords.values()))
            return bool(self.passed_to(expression, _gives_back))
        if isinstance(expression, Conditional):
            if _mentions_debug(expression.test):
                return False
            return self.shows(expression.then) or self.shows(expression.orelse)
        if isinstance(expression, Operation):
            return expression.operator in ("+", "%", "or") and any(self.shows(part) for part in expression.operands)
        if isinstance(expression, FString):
            return any(self.shows(part) for part in expression.items)
        if isinstance(expression, OpaqueExpression) and expression.kind == "await":
            return False
        if isinstance(expression, Constant):
            return False
        return any(self.shows(part) for part in expression.parts())

    def passed_to(self, call: Call, does: Callable[[Function, str], bool]) -> Expression | None:
        """The argument with the exception's text that a call passes to a function of this file which does something with it."""
        if not self.followed:
            return None  # one function deep
        written = call.function.source_text if isinstance(call.function, Name) else ""
        head, _, method = written.rpartition(".")
        holder = call.module.class_named(head) if head else None
        function = next((f for f in _methods(holder) if f.name == method), None) if holder else call.module.function(written)
        if function is None:
            return None
        parameters = [parameter.name for parameter in function.parameters]
        if holder is not None and any(isinstance(d, Name) and d.name == "classmethod" for d in function.decorators):
            parameters = parameters[1:]
        given = [*zip(parameters, call.arguments, strict=False), *call.keywords.items()]
        return next((value for name, value in given if self.shows(value) and does(function, name)), None)

    def in_block(self, block: Sequence[Statement]) -> Iterator[tuple[Expression, str]]:
        """Each response that shows the exception: what to point at, and what it is."""
        for statement in block:
            if statement.kind in ("def", "class"):
                continue
            if statement.kind == "if" and statement.expressions:
                test = statement.expressions[0]
                narrowed = any(isinstance(inner, Name) and inner.source_text.split(".", 1)[0] == self.alias for inner in test.walk())
                if narrowed or _mentions_debug(test):
                    yield from self.in_block(statement.orelse)
                    continue
            if statement.kind == "assign" and statement.expressions:
                value = statement.expressions[0]
                carries = self.shows(value)
                for target in statement.targets:
                    if isinstance(target, Name) and "." not in target.source_text and target.source_text != self.alias:
                        (self.carriers.add if carries else self.carriers.discard)(target.source_text)
            for expression in statement.expressions:
                yield from self.in_expression(expression)
            if statement.kind == "return" and self.is_route and statement.expressions:
                value = statement.expressions[0]
                if not isinstance(value, Name) and self.shows(value):
                    yield value, "the route's answer"
            for inner in statement.blocks():
                yield from self.in_block(inner)

    def in_expression(self, expression: Expression) -> Iterator[tuple[Expression, str]]:
        for inner in expression.walk():
            if not isinstance(inner, Call) or log_level(inner):
                continue
            words = _sink(inner)
            if not words:
                passed = self.passed_to(inner, _answers_with)
                if passed is not None:
                    yield passed, f"`{inner.method}`"
                    return
                continue
            for key, value in inner.keywords.items():
                if key not in _NOT_SHOWN and self.shows(value):
                    yield value, words
                    return
            for value in inner.arguments:
                if self.shows(value):
                    yield value, words
                    return


# `ErrorResponse(message=...)`, `ErrorResponse.respond(...)`: what is put into one goes out with it.
_ERROR_MODEL = re.compile(r"^\w*(?:Error|Problem|Failure)\w*?(?:Response|Details?|Body|Schema|Model|Message|Payload|Out)$")
_FROM_MODEL = frozenset({"respond", "response", "build", "create", "make", "of", "new", "model_validate", "parse_obj"})


def _is_error_model(call: Call) -> bool:
    """Whether a call makes the body of an error's answer."""
    parts = call.name.split(".")
    return bool(_ERROR_MODEL.match(parts[-1])) or (len(parts) > 1 and parts[-1] in _FROM_MODEL and bool(_ERROR_MODEL.match(parts[-2])))


def _methods(holder: Class) -> Iterator[Function]:
    return (statement.definition for statement in holder.body if isinstance(statement.definition, Function))


@lru_cache(maxsize=64)
def _answers_with(function: Function, parameter: str) -> bool:
    """Whether a function puts a parameter into an answer that it makes."""
    return next(_Leaks(parameter, False, followed=False).in_block(function.body), None) is not None


@lru_cache(maxsize=64)
def _gives_back(function: Function, parameter: str) -> bool:
    """Whether a function returns a parameter as it came, or a text or dictionary with it."""
    leaks = _Leaks(parameter, False, followed=False)
    returned = (value for statement in statements_in(function.body) if statement.kind == "return" for value in statement.expressions)
    return any(leaks.shows(value) for value in returned)


def _sink(call: Call) -> str:
    """What a call sends to a client ("`HTTPException`"), or nothing."""
    name = call.name
    if (name.startswith(_MODULES) and _RESPONSE.search(name)) or _LOOSE.match(name):
        return f"`{call.method}`"
    if call.method in ("abort", "set_details") and name.rsplit(".", 2)[-2:-1] in (["context"], ["ctx"], ["_context"], ["servicer_context"]):
        return f"`{name}`"
    receiver = call.receiver
    if (
        call.method in _SOCKET_METHODS
        and isinstance(receiver, Name)
        and re.search(r"(?i)(?:^|_|\.)(?:ws|websocket|socket)$", receiver.source_text)
    ):
        return f"`{name}`"
    return ""


def _is_route(function: Function | None) -> bool:
    if function is None:
        return False
    return any(
        isinstance(decorator, Call) and decorator.method in _ROUTE_METHODS and decorator.receiver is not None
        for decorator in function.decorators
    )


_GENERAL = '"The request failed"'


def _fix(leaks: _Leaks, at: Expression, handler: Handler) -> FixRequest | None:
    """General words for the client, where the error goes to a log: the handler's own, or one of the module's."""
    while isinstance(at, (Dictionary, Collection)) or (isinstance(at, Call) and at.name == "dict"):
        inside = [part for part in (*at.parts(), *(at.keywords.values() if isinstance(at, Call) else ())) if leaks.shows(part)]
        if len(set(inside)) != 1:
            return None
        at = inside[0]
    if isinstance(handler.module.follow(at, at), (Dictionary, Collection)):
        return None  # clients read its fields
    if isinstance(at, Name) and at.source_text.split(".", 1)[0] != handler.alias:
        return None  # it was put together elsewhere, and may hold more than the error
    place = (("text", _own_words(leaks, at) or _GENERAL), ("start", str(at.start)), ("end", str(at.end)))
    if any(log_level(call) in (TRACEBACK, ERROR, WARNING) for call in calls_in(handler.body)):
        return FixRequest("replace-value", "Answer without the text of the error", False, place)
    name = own_logger(handler.module)
    if not name:
        return None
    log = f'{name}.exception("Unexpected error in {handler.scope.function or "module"}")'
    return FixRequest("replace-and-log", "Log the traceback, and answer without the text of the error", False, (*place, ("log", log)))


_END_OF_WORDS = " \t:;,.-=([{\u2013\u2014<'\""
_OPENING = re.compile(r"([A-Za-z]*)(\"\"\"|\'\'\'|\"|\')")
# Fewer words than these tell the client nothing.
_TELLING = 2


def _own_words(leaks: _Leaks, at: Expression) -> str:
    """The service's own words before the error's text, as a literal: `"Failed to create order"` of `f"Failed to create order: {e}"`.

    "" where there are none, or where they cannot be cut out of the source safely.
    """
    if isinstance(at, FString):
        first = next((item for item in at.items if leaks.shows(item)), None)
        opening = _OPENING.match(at.text)
        if first is None or opening is None:
            return ""
        prefix, quote = opening.groups()
        words = at.source.slice(at.start, first.start)[opening.end() :].rstrip().removesuffix("{").rstrip(_END_OF_WORDS)
        if quote[0] in words or "\\" in words or "\n" in words:
            return ""
        return f"{prefix if '{' in words else prefix.replace('f', '').replace('F', '')}{quote}{words}{quote}" if _tells(words) else ""
    text = _constant_before(leaks, at)
    words = text.rstrip(_END_OF_WORDS)
    return f'"{words}"' if _tells(words) and not set(words) & set('"\\\n') else ""


def _constant_before(leaks: _Leaks, at: Expression) -> str:
    """The text left of the error's in `"..." + str(e)`, `"... %s" % e` and `"... {}".format(e)`."""
    if isinstance(at, Operation) and at.operator == "+" and not leaks.shows(at.operands[0]):
        return _text(at.operands[0])
    if isinstance(at, Operation) and at.operator == "%":
        words, found, _ = _text(at.operands[0]).partition("%")
        return words if found else ""
    if isinstance(at, Call) and at.method == "format" and at.receiver is not None:
        words, found, _ = _text(at.receiver).partition("{")
        return words if found else ""
    return ""


def _text(expression: Expression) -> str:
    return expression.value if isinstance(expression, Constant) and isinstance(expression.value, str) else ""


def _tells(words: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", words)) >= _TELLING


def _hits(leaks: _Leaks, block: Sequence[Statement], caught: str, handler: Handler | None = None) -> Iterator[Diagnostic]:
    ends = next((statement.end for statement in block if statement.kind in ("raise", "return")), None)
    for at, words in leaks.in_block(block):
        if ends is not None and at.start > ends:
            continue  # nobody ever gets there
        shows = (
            "the traceback" if any(isinstance(i, Call) and i.name.startswith("traceback.") for i in at.walk()) else f"the text of {caught}"
        )
        yield Diagnostic(at, f"{words} shows {shows} to the client", fix=_fix(leaks, at, handler) if handler is not None else None)


@check("PRD206", on=[every(Handler)], required_literals=_ANCHORS)
def exception_detail_leaked(handler: Handler, context: CheckContext) -> Iterator[Diagnostic]:
    """A handler of unexpected errors that answers with their text."""
    technical = [name for name in handler.types if _IS_TECHNICAL.search(name)]
    if not is_broad(handler) and not (technical and len(technical) == len(handler.types)):
        return
    if handler.scope.guards & {"debug", "environment"}:
        return
    caught = "any error" if is_broad(handler) else f"`{technical[0].rsplit('.', 1)[-1]}`"
    yield from _hits(_Leaks(handler.alias, _is_route(handler.function)), handler.body, caught, handler)


@check(
    "PRD206",
    on=[every(Function)],
    required_literals=("exception_handler", "errorhandler", "error_handler", "@app.exception", "server_error_handler", "app_errorhandler"),
)
def error_page_leaks(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A framework's handler of unexpected errors that answers with their text."""
    for decorator in function.decorators:
        if not isinstance(decorator, Call) or decorator.method not in (
            "exception_handler",
            "errorhandler",
            "app_errorhandler",
            "error_handler",
            "exception",
        ):
            continue
        what = decorator.argument(0)
        if not (isinstance(what, Name) and what.name in ("Exception", "BaseException")) and not (
            isinstance(what, Constant) and what.value == 500
        ):
            continue
        names = [parameter.name for parameter in function.parameters if parameter.name not in ("self", "cls")]
        if names and not function.scope.guards & {"debug", "environment"}:
            named = [name for name in names if name in ("e", "exc", "error", "err", "exception", "ex")]
            yield from _hits(_Leaks((named or names[-1:])[0], True), function.body, "any error")
        return


@check(
    "PRD206",
    on=[calls("*.add_exception_handler", "*.register_error_handler", "*.add_error_handler")],
    required_literals=("add_exception_handler", "register_error_handler", "add_error_handler"),
)
def registered_error_page_leaks(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """The same of a handler that a call registers: `app.add_exception_handler(Exception, unexpected)`."""
    what, handler = call.argument(0), call.argument(1)
    general = isinstance(what, Name) and what.name in ("Exception", "BaseException") or isinstance(what, Constant) and what.value == 500
    function = call.module.function(handler.source_text) if general and isinstance(handler, Name) else None
    if function is None:
        return
    names = [parameter.name for parameter in function.parameters if parameter.name not in ("self", "cls")]
    if names and not call.scope.guards & {"debug", "environment"}:
        named = [name for name in names if name in ("e", "exc", "error", "err", "exception", "ex")]
        yield from _hits(_Leaks((named or names[-1:])[0], True), function.body, "any error")


_PROPAGATE = ("PROPAGATE_EXCEPTIONS", "DEBUG_PROPAGATE_EXCEPTIONS")


@check("PRD206", on=[every(Assignment)], required_literals=("propagate_exceptions",))
def propagated_exceptions(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """Flask's and Django's switch that hands every error to the server."""
    if assignment.target in _PROPAGATE and assignment.kind not in ("compare", "default"):
        value = assignment.value
        if isinstance(value, Constant) and value.value is True and not _guarded(assignment):
            # What the client sees then is the server's word for it; how much that tells depends on the server.
            yield Diagnostic(assignment, f"`{assignment.target}` is on: errors leave the application unhandled", priority="P2")


def _guarded(fact: Assignment) -> bool:
    return bool(fact.scope.guards & {"debug", "environment", "main"})


@check("PRD206", on=[settings(*_PROPAGATE)], required_literals=("propagate_exceptions",))
def propagated_exceptions_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """The same switch in the environment."""
    if setting.origin != "python" and setting.value is not None and setting.value.strip().lower() in ("1", "true", "yes", "on"):
        yield Diagnostic(setting, f"`{setting.name}` is on: errors leave the application unhandled", priority="P2")
