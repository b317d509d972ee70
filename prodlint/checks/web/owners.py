"""Objects that a route fetches by a number from its address, whoever they belong to (PRD442)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, every
from prodlint.facts import Attribute, Call, Constant, Expression, Function, Module, Name, Operation, expressions_in
from prodlint.values.handlers import plain_words

_OF_ROUTE = re.compile(r"[{<](?:\w+:)?(\w+)(?::\w+)?[}>]")
_NUMBERED = re.compile(r"(?:^|_)(?:id|pk|uuid|number|slug|key)$|^(?:id|pk)_")
_DEPENDENCY = re.compile(r"\b(?:Depends|Security)\(")
_CALLER = re.compile(
    r"current_?(?:active_?|verified_?)?(?:user|account|member|customer)|CurrentUser|get_user\b|logged_?in|auth_?user|login_required|jwt_required|LoginRequired|IsAuthenticated",
    re.IGNORECASE,
)
# The caller as the body of a handler speaks of them.
_SPOKEN = re.compile(
    r"current_?user|request\.user|(?:^|\.)user$|g\.user|session|get_jwt|identity|principal|owner|author|tenant|account|member|organi[sz]ation|team|workspace|allowed|authorize|can_\w+|check_\w+|has_\w+|ensure_\w+|verify_\w+|assert_\w+|require_\w+|permi",
    re.IGNORECASE,
)
_ROLES = re.compile(r"admin|role|permission|permit|scope|superuser|staff|require_|rbac|policy|moderator|internal", re.IGNORECASE)
_FETCHES = frozenset(
    ("get", "filter", "filter_by", "where", "get_or_404", "get_object_or_404", "one_or_404", "find_one", "get_or_none", "exclude")
)


@check(
    "PRD442",
    on=[every(Module)],
    required_literals=[
        (word, name)
        for word in ("depends(", "currentuser", "login_required", "jwt_required", "loginrequired")
        for name in ("_id", "pk", "<int:", "{id", "<id")
    ],
    files=["python"],
)
def owner_not_asked(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Handlers that ask who is calling, fetch what the address names, and never bring the two together."""
    for function in module.functions():
        numbered = _numbers(function)
        if not numbered or not _knows_caller(function) or _is_for_roles(function) or _speaks_of_caller(function):
            continue
        for expression in expressions_in(function.body):
            name = _fetched_by(expression, numbered)
            if name:
                yield Diagnostic(
                    expression,
                    f"`{function.name}` knows who is calling, and gives them whatever `{name}` they ask for: the query does not speak of the caller",
                )
                break


def _numbers(function: Function) -> frozenset[str]:
    """The parameters of a handler by which its address names one thing."""
    named: set[str] = set()
    for decorator in function.decorators:
        path = (decorator.argument(0, "path") or decorator.argument(0, "rule")) if isinstance(decorator, Call) else None
        if isinstance(path, Constant) and isinstance(path.value, str) and path.value.startswith("/"):
            named |= set(_OF_ROUTE.findall(path.value))
    parameters = [parameter.name for parameter in function.parameters]
    if (
        "request" in parameters[:2]
        and not named
        and any(name.split(".", 1)[0] in ("django", "rest_framework") for name in function.module.imports.values())
    ):
        named = set(parameters[parameters.index("request") + 1 :])
    return frozenset(name for name in named if _NUMBERED.search(name) and name in parameters)


def _header(function: Function) -> Iterator[str]:
    for parameter in function.parameters:
        if parameter.default is not None:
            yield parameter.default.text
        yield parameter.annotation
    for decorator in function.decorators:
        yield decorator.text
    if function.class_ is not None:
        yield from function.class_.bases


def _knows_caller(function: Function) -> bool:
    return any(_CALLER.search(text) for text in _header(function))


def _is_for_roles(function: Function) -> bool:
    return any(_ROLES.search(text) for text in (*_header(function), function.name)) or "/admin" in "".join(
        decorator.text for decorator in function.decorators
    )


def _speaks_of_caller(function: Function) -> bool:
    """Whether the body speaks of the caller, or of anything that decides who may see something."""
    own = {
        parameter.name
        for parameter in function.parameters
        if parameter.default is not None
        and _DEPENDENCY.search(plain_words(parameter.default.text, function.module))
        and _CALLER.search(parameter.default.text)
        or _CALLER.search(parameter.annotation)
    }
    for expression in expressions_in(function.body):
        word = expression.source_text if isinstance(expression, Name) else expression.attribute if isinstance(expression, Attribute) else ""
        if word.partition(".")[0] in own:
            return True
        if isinstance(expression, Call):
            word = word or expression.method
            if any(_SPOKEN.search(keyword) for keyword in expression.keywords):
                return True
        if word and any(_SPOKEN.search(part) for part in (word, *word.split(".")[1:])) and word.partition(".")[0] not in ("session", "db"):
            return True
    return False


def _fetched_by(expression: Expression, numbered: frozenset[str]) -> str:
    """The parameter by which alone a call fetches: `session.get(Order, order_id)`, `Order.objects.get(pk=order_id)`."""
    if not isinstance(expression, Call) or expression.method not in _FETCHES:
        return ""
    given = [*expression.arguments, *expression.keywords.values()]
    for argument in given:
        if (
            isinstance(argument, Name)
            and argument.source_text in numbered
            and len(given) <= 2
            and (expression.keywords or len(given) == 2 or expression.method == "get_or_404")
        ):
            return argument.source_text
        if isinstance(argument, Operation) and argument.operator == "==" and len(given) == 1:
            for operand in argument.operands:
                if isinstance(operand, Name) and operand.source_text in numbered:
                    return operand.source_text
    return ""
