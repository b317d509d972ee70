"""How often anybody may try (PRD446): routes where trying pays, the limits that stand before them, and limiters that do not limit.

A limit may stand on the route, on a router or application, in a middleware, in the framework's settings, in a proxy's or gateway's
configuration, or be the service's own count of attempts: the collectors note each, the project check puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    every,
    literals,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.facts import Call, Class, Collection, Constant, Function, Literal, Module, Name, Route, Setting, Text, calls_in, statements_in
from prodlint.model import Evidence, Related
from prodlint.values.handlers import Subject, called_by, speaks, words_in
from prodlint.values.lattice import Result
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.places import decorator_name
from prodlint.values.truth import TRUTHY

_NOT_THE_SERVICE = frozenset(
    ("test", "example", "docs", "dev", "vendored", "generated", "notebook", "migration", "script", "command", "stub")
)
_MOST_SHOWN = 5

# ---------------------------------------------------------------- where trying pays

# The last word of a path or the name of a handler, and what a caller who may try without end gets there.
_TRIED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("password", re.compile(r"(?:^|_)(?:log_?in|sign_?in|logon|authenticate|obtain_auth_token|jwt_create|token_obtain\w*|access_token|login_view|login_for_access_token)(?:_view|_json|_user)?$")),
    ("token", re.compile(r"^(?:api_)?(?:token|token_auth|auth_token)$")),
    ("reset", re.compile(r"(?:^|_)(?:forgot(?:ten)?_?password|password_?(?:reset|forgot|recovery)|reset_?password|recover_?password|request_password_reset|magic_?link)(?:_request|_view)?$")),
    ("code", re.compile(r"(?:^|_)(?:(?:verify|check|validate|confirm)_?(?:otp|2fa|mfa|totp|code|pin)|(?:otp|2fa|mfa|totp|pin)_?(?:verify|verification|login|check|code))(?:_view)?$")),
    ("account", re.compile(r"^(?:register|sign_?up|registration|create_account)(?:_user|_view)?$")),
)  # fmt: skip
_WORDS = {
    "password": "passwords may be tried there without end",
    "token": "passwords may be tried there without end",
    "reset": "anybody may have it send mails without end",
    "code": "a code of some digits may be tried there without end",
    "account": "accounts may be made there without end",
    "costly": "each call costs money or sends something",
}
_GUESSED = frozenset(("password", "token", "code", "reset"))
# Where somebody else asks for the password.
_ELSEWHERE = re.compile(
    r"oauth|oidc|saml|sso|callback|google|github|gitlab|azure|microsoft|facebook|apple|okta|auth0|keycloak|social|provider|done|complete|logout|webauthn|passkey"
)
# Calls that are paid for, or reach people outside.
_COSTLY = re.compile(
    r"^(?:(?:openai|anthropic|litellm|cohere|mistralai|groq|replicate|together|google\.generativeai|google\.genai|elevenlabs)\.(?:.*\.)?(?:create|acreate|completion|acompletion|chat|generate|generate_content|complete|embed|embedding|embeddings|run|convert|parse|stream)"
    r"|twilio\.rest\.Client\..*create|smtplib\.SMTP(?:_SSL)?\.send(?:mail|_message)|django\.core\.mail\.send_(?:mass_)?mail|aiosmtplib\.send|sendgrid\.SendGridAPIClient\.send|resend\.Emails\.send)$"
)
_SIGNED_IN = re.compile(
    r"current_?(?:active_?)?user|login_required|Current(?:Active)?User|require_(?:user|admin|role|permission|login)|permission|jwt_required|is_admin|superuser|IsAuthenticated|auth_required|get_user\b|verify_token|api_?key|HTTPBearer|Security\(",
    re.IGNORECASE,
)
# What counts and refuses, by the names that limiters and their users give it.
_LIMITS = re.compile(
    r"rate_?limit|ratelimit|throttl|limiter\b|\blimiter|limit_?requests|token_?bucket|leaky_?bucket|sliding_?window|too_?many_?(?:requests|attempts)|\b429\b|RATE_LIMITED|captcha|turnstile",
    re.IGNORECASE,
)
_ATTEMPTS = re.compile(
    r"(?:login|failed|failure|auth|sign_?in|password|invalid|otp|code)_?(?:login_?|auth_?|password_?)?attem?p?ts?\b|failed_?logins?|lock_?out|locked_?(?:out|at|until)|is_?locked|account_?locked|lock_?user|lock_?account|brute_?force",
    re.IGNORECASE,
)

_LIMITED = Subject(
    _LIMITS,
    re.compile(_LIMITS.pattern.encode(), re.IGNORECASE),
    tuple(
        b"rate_limit ratelimit throttl limiter limit_requests limitrequests token_bucket tokenbucket leaky_bucket leakybucket sliding_window slidingwindow too_many toomany 429 captcha turnstile".split()
    ),
)
_COUNTED = Subject(
    _ATTEMPTS,
    re.compile(_ATTEMPTS.pattern.encode(), re.IGNORECASE),
    tuple(
        b"attempt attemt attept attet failed_login failedlogin lockout lock_out lockedout locked_out lockedat locked_at lockeduntil locked_until islocked is_locked accountlocked account_locked lockuser lock_user lockaccount lock_account bruteforce brute_force".split()
    ),
)


def _speaks(words: frozenset[str] | Iterator[str], pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(word) for word in words)


def _tried(route: Route) -> str:
    """What may be tried at a route, or nothing."""
    if route.methods and not {"POST", "PUT", "PATCH"} & set(route.methods):
        return ""
    handler = _handler_name(route)
    if any(isinstance(given, Name) and given.name.startswith("allauth.") for given in route.call.arguments):
        return ""  # has limits of its own: `ACCOUNT_RATE_LIMITS`
    steps = [step for step in re.split(r"[/$^]", route.path) if step and step[0] not in "{<("]
    words = [re.sub(r"[-.]", "_", steps[-1].lower()) if steps else "", "_".join(re.sub(r"[-.]", "_", step.lower()) for step in steps[-2:])]
    words.append(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", handler).lower())
    if any(_ELSEWHERE.search(word) for word in (*words, route.path.lower())):
        return ""
    return next((kind for kind, pattern in _TRIED if any(pattern.search(word) for word in words)), "")


def _handler_name(route: Route) -> str:
    """The name of what answers a route: a function, or the class of `View.as_view()`."""
    if route.function is not None:
        return route.function.name
    given = route.call.argument(1, "view") or route.call.argument(1, "endpoint") or route.call.keywords.get("view_func")
    if isinstance(given, Call) and given.method == "as_view" and isinstance(given.receiver, Name):
        return given.receiver.name.rpartition(".")[2]
    return given.name.rpartition(".")[2] if isinstance(given, Name) else ""


def _is_for_users(function: Function) -> bool:
    """Whether a handler asks first who is calling: what it offers is not for everybody."""
    asked = [
        f"{parameter.annotation} {parameter.default.text if parameter.default is not None else ''}" for parameter in function.parameters
    ]
    return any(_SIGNED_IN.search(words) for words in (*asked, *(decorator.text for decorator in function.decorators)))


def _is_costly(function: Function) -> bool:
    return any(_COSTLY.match(call.name) for call in calls_in(function.body))


_ROUTES = (
    ".post(",
    ".put(",
    ".route(",
    ".patch(",
    "add_api_route",
    "add_url_rule",
    "add_post",
    ("django", "path("),
    "@post",
    "Route(",
    "api_route(",
)


@collect(
    "tried-route",
    on=[every(Route)],
    required_literals=[one if isinstance(one, tuple) else one.lower() for one in _ROUTES],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def tried_routes(route: Route, context: CheckContext) -> Iterator[ProjectFact]:
    """Routes where trying again and again pays, and whether something there counts."""
    if context.file.roles & _NOT_THE_SERVICE or not route.framework:
        return
    function = route.function
    kind = _tried(route)
    if kind and function is not None and _is_for_users(function):
        return
    if not kind:
        if function is None or "POST" not in route.methods or _is_for_users(function) or not _is_costly(function):
            return
        kind = "costly"
    limited = False
    if function is not None:
        limited = speaks(function, _LIMITED) or any(speaks(other, _LIMITED) for other in called_by(function))
        limited = limited or function.class_ is not None and _class_limits(function.class_)
    words = f"{'/'.join(route.methods) or 'POST'} {route.path or '/'}"
    yield project_fact("tried-route", route, words, kind=kind, handler=_handler_name(route), limited="yes" if limited else "")


def _class_limits(class_: Class) -> bool:
    """A view class with throttles: `throttle_classes`, `decorators = [limiter.limit("5/minute")]`, `method_decorator(ratelimit(...))`."""
    given = [
        statement.assignment
        for statement in class_.body
        if statement.assignment is not None
        and statement.assignment.target in ("throttle_classes", "throttle_scope", "decorators", "dependencies", "method_decorators")
    ]
    return any(
        one.target.startswith("throttle") and one.value.text not in ("[]", "()") or _speaks(words_in(one.value), _LIMITS) for one in given
    ) or any(_speaks(words_in(decorator), _LIMITS) for decorator in class_.decorators)


# ---------------------------------------------------------------- what limits

_LIMITER_CALLS = (
    "slowapi.Limiter",
    "slowapi.extension.Limiter",
    "flask_limiter.Limiter",
    "flask_limiter.extension.Limiter",
    "quart_rate_limiter.RateLimiter",
    "sanic_limiter.Limiter",
)
_FOR_ALL = ("default_limits", "application_limits", "global_limits")


@collect("limiter", on=[calls(*_LIMITER_CALLS)], files=("python",), not_in=_NOT_THE_SERVICE)
def limiters(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Limiters of slowapi, Flask-Limiter and their like: whether they limit every route, and where they count."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    given = [call.keywords[name] for name in _FOR_ALL if name in call.keywords]
    everywhere = any(not (isinstance(one, Collection) and not one.items) for one in given) or call.stars
    stored = call.stars or "storage_uri" in call.keywords or "storage_options" in call.keywords
    unset = _off_where_unset(call, context)
    yield project_fact("limiter", call, f"`{call.name}`", all="yes" if everywhere else "", memory="" if stored else "yes", off=unset or "")


def _off_where_unset(call: Call, context: CheckContext) -> str | None:
    """The setting without which a limiter does nothing: `enabled=` reads it, and it is false where nobody sets it."""
    if "enabled" not in call.keywords:
        return None
    for shape in context.values(call.module).of(call.keywords["enabled"]).shapes:
        if isinstance(shape, SettingRead) and shape.name and shape.default.is_constant(False):
            given = context.environment.startup.settings.get(shape.name.upper(), "")
            return None if given.strip().lower() in TRUTHY else shape.name
    return None


@collect(
    "limit-for-all",
    on=[
        calls(
            "*.add_middleware",
            "*.Middleware",
            "*.DefineMiddleware",
            "*.RateLimitConfig",
            "*.include_router",
            "*.FastAPI",
            "*.APIRouter",
            "*.Litestar",
            "*.register_blueprint",
        )
    ],
    required_literals=["limit", "throttl"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def limits_for_all(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Middlewares that limit, and limits on a router or an application."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    given = [*call.arguments[:1]] if call.method in ("add_middleware", "Middleware", "DefineMiddleware") else []
    given += [call.keywords[name] for name in ("dependencies", "middleware", "middlewares", "guards") if name in call.keywords]
    if call.method == "RateLimitConfig" or any(_speaks(words_in(one), _LIMITS) for one in given):
        yield project_fact("limit-for-all", call, f"`{call.method}` with a rate limit")


_SETTINGS_THAT_LIMIT = (
    "default_throttle_classes",
    "default_throttle_rates",
    "ratelimit_default",
    "ratelimit_application",
    "axes",
    "defender",
    "ratelimit",
    "throttl",
)
_LIMITING_APPLICATION = re.compile(
    r"(?:axes|defender)(?:\.|$)|django_ratelimit\.middleware\.|[\w.]*(?:[Rr]ate_?[Ll]imit|[Tt]hrottl)\w*(?:\.\w+)*\.[A-Z]\w*(?:Middleware|Throttle)$"
    r"|DEFAULT_THROTTLE_CLASSES$|RATELIMIT_(?:DEFAULT|APPLICATION)$"
)


@collect("limit-for-all", on=[literals()], required_literals=list(_SETTINGS_THAT_LIMIT), files=("python",), not_in=_NOT_THE_SERVICE)
def limits_in_settings(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """django-axes, middlewares and DRF's default throttles in Django's settings, Flask-Limiter's in Flask's."""
    if not context.file.roles & _NOT_THE_SERVICE and _LIMITING_APPLICATION.match(literal.value):
        yield project_fact("limit-for-all", literal, f"`{literal.value}`")


@collect(
    "limit-for-all",
    on=[settings("*ratelimit_default", "*ratelimit_application")],
    required_literals=["ratelimit_default", "ratelimit_application"],
)
def limits_in_environment(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """The same from the environment."""
    if not context.file.roles & _NOT_THE_SERVICE and (setting.value or setting.default):
        yield project_fact("limit-for-all", setting, f"`{setting.name}`")


_GATEWAYS = [
    "limit_req", "limit-rps", "limit-rpm", "limit-connections", "limit-burst", "ratelimit", "rate-limit", "rate_limit", "throttl", "rate_based_statement", "ratebasedstatement",
    "usage_plan", "usageplan", "http_req_rate", "quotalimit", "spike-arrest",
]  # fmt: skip
_GATEWAY_KINDS = frozenset(
    ("nginx", "yaml", "toml", "terraform", "hcl", "json", "ini", "xml", "text", "conf", "caddyfile", "haproxy", "env")
)


@collect(
    "limit-for-all",
    on=[text()],
    required_literals=_GATEWAYS,
    files=("nginx", "yaml", "toml", "terraform", "hcl", "json"),
    not_in=_NOT_THE_SERVICE,
)
def limits_of_gateways(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """nginx's `limit_req`, annotations of an ingress, plug-ins of Kong, Traefik and Envoy, throttles of AWS."""
    if (
        context.file.roles & (_NOT_THE_SERVICE | {"ci"})
        or context.file.kind not in _GATEWAY_KINDS
        or context.file.name in ("pyproject.toml", "package.json")
    ):
        return
    for literal, offset in whole.hits:
        line = whole.source.line_text(whole.source.position(offset)[0]).strip()
        if (
            not line.startswith(("#", "//", "- #"))
            and "limit_req_zone" not in line
            and not re.search(r"rate[-_]?limit\w*[-_](?:exceeded|error|message)", line, re.IGNORECASE)
        ):
            yield ProjectFact("limit-for-all", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")
            return


@collect(
    "limited-place",
    "counted-attempts",
    "limits-inside",
    on=[every(Function), every(Class)],
    required_literals=[
        "limit",
        "throttl",
        "attempt",
        "lockout",
        "locked",
        "lock_",
        "captcha",
        "turnstile",
        "bucket",
        "429",
        "too_many",
        "brute",
        "failed_login",
    ],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def limited_places(fact: Function | Class, context: CheckContext) -> Iterator[ProjectFact]:
    """Functions and classes with a limit of their own; the service's own count of failed logins."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    if isinstance(fact, Class):
        if _class_limits(fact):
            yield project_fact("limited-place", fact, fact.name)
        return
    decorated = any(_speaks(words_in(decorator), _LIMITS) for decorator in fact.decorators)
    if decorated or any(_LIMITS.search(p.default.text) for p in fact.parameters if p.default is not None):
        yield project_fact("limited-place", fact, fact.name)
    if speaks(fact, _COUNTED) or _ATTEMPTS.search(fact.name):
        yield project_fact("counted-attempts", fact, f"`{fact.name}` counts attempts")
    if speaks(fact, _LIMITED):
        yield project_fact("limits-inside", fact, fact.name)


# ---------------------------------------------------------------- the project

# Where a class of Django's counts for itself: `post` that answers 429.
_METHODS_OF_VIEWS = frozenset({"post", "dispatch", "form_valid"})


@project_check("PRD446", ("tried-route", "limiter", "limit-for-all", "limited-place", "counted-attempts", "limits-inside"))
def rate_limit_missing(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Routes where trying pays, and nothing that counts before them."""
    routes = project.about("tried-route")
    everywhere = [*project.about("limit-for-all"), *(fact for fact in project.about("limiter") if fact.get("all") and not fact.get("off"))]
    if everywhere:
        best = min(everywhere, key=lambda fact: not fact.path.endswith(".py"))
        yield Evidence("PRD446", best.path, best.span, best.words)
        return
    places = {fact.words for fact in project.about("limited-place")}
    attempts = project.about("counted-attempts")
    limited = [fact for fact in routes if fact.get("limited") or fact.get("handler") in places]
    for fact in limited:
        yield Evidence("PRD446", fact.path, fact.span, f"`{fact.words}` has a limit")
    if attempts:
        yield Evidence("PRD446", attempts[0].path, attempts[0].span, attempts[0].words)
    counted = ("password", "token", "code") if attempts else ()
    free = [fact for fact in routes if fact not in limited and fact.get("kind") not in counted]
    guessed = [fact for fact in free if fact.get("kind") in _GUESSED]
    if not free or project.environment.is_library:
        return
    off = next((fact for fact in project.about("limiter") if fact.get("all") and fact.get("off")), None)
    if (limited or places) and off is None:
        for fact in guessed:
            words = f"`{fact.words}` has no rate limit, where other places here have one: {_WORDS[fact.get('kind')]}"
            yield ProjectDiagnostic(fact.path, fact.span, words)
        return
    own = project.about("limits-inside")
    if own and (not guessed or any(fact.words in _METHODS_OF_VIEWS for fact in own)):
        return  # a limiter of the project's own, whose users are not all known
    first, *others = [*guessed, *(fact for fact in free if fact not in guessed)]
    related = tuple(Related(fact.path, fact.span, f"`{fact.words}`: {_WORDS[fact.get('kind')]}") for fact in others[:_MOST_SHOWN])
    words = "nothing here limits requests, neither code nor a proxy's configuration"
    if off is not None:
        words = f"the limiter is off where nobody sets `{off.get('off')}`"
        related = (Related(off.path, off.span, "the limiter"), *related)
    words = f"`{first.words}` has no rate limit, and {words}: {_WORDS[first.get('kind')]}"
    yield ProjectDiagnostic(first.path, first.span, words, None if guessed else "P2", related)


# ---------------------------------------------------------------- limiters that do not limit


def _is_made_by(call: Call, context: CheckContext, *makers: str) -> bool:
    """Whether what a method is called on was made by one of these calls, in this file or another of the project."""
    if call.receiver is None:
        return False
    if any(call.name.startswith(f"{maker}.") for maker in makers):
        return True
    return any(isinstance(shape, Result) and shape.name in makers for shape in context.values(call.module).of(call.receiver).shapes)


_SLOWAPI = ("slowapi.Limiter", "slowapi.extension.Limiter")
_FLASK = ("flask_limiter.Limiter", "flask_limiter.extension.Limiter")


# A limit as a decorator; queries have a `limit` too.
_DECORATING = rb"@(?:[^\n#\\]|\\\r?\n){0,200}limit\w*[\s\\)]*\("


@check("PRD446", on=[every(Module)], required_pattern=_DECORATING, files=["python"])
def limiter_that_does_not_limit(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """slowapi needs a parameter called `request`; above the route's decorator a limit is given to nobody."""
    for function in module.functions():
        decorators = [decorator for decorator in function.decorators if isinstance(decorator, Call)]
        for index, decorator in enumerate(decorators):
            if decorator.method not in ("limit", "shared_limit") or decorator.receiver is None:
                continue
            slow = _is_made_by(decorator, context, *_SLOWAPI)
            if not slow and not _is_made_by(decorator, context, *_FLASK):
                continue
            names = {parameter.name for parameter in function.parameters}
            if slow and not names & {"request", "websocket"}:
                yield Diagnostic(
                    decorator,
                    f"`{decorator_name(decorator)}` needs a parameter `request` or `websocket` of `{function.name}`: slowapi raises when this module is imported",
                )
            elif any(_registers(later) for later in decorators[index + 1 :]):
                yield Diagnostic(
                    decorator,
                    f"`{decorator_name(decorator)}` stands above the route's decorator, which has registered `{function.name}` without it: nothing is limited",
                )


def _registers(decorator: Call) -> bool:
    if decorator.method not in ("get", "post", "put", "patch", "delete", "route", "api_route", "websocket"):
        return False
    path = decorator.argument(0, "path") or decorator.argument(0, "rule")
    return isinstance(path, Constant) and isinstance(path.value, str) and path.value.startswith("/")


@collect("limiter-state", on=[every(Module)], required_literals=["slowapi", "state.limiter"], files=("python",), not_in=_NOT_THE_SERVICE)
def limiter_state(module: Module, context: CheckContext) -> Iterator[ProjectFact]:
    """What slowapi's handler and middleware look for: `app.state.limiter`."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    for call in module.calls():
        if call.method in ("add_exception_handler", "add_middleware") and any(
            isinstance(name, Name) and name.name.startswith("slowapi.") for one in call.arguments for name in one.walk()
        ):
            yield project_fact("limiter-state", call, "wanted", by=call.method)
    for statement in statements_in(module.body, into_definitions=True):
        for target in statement.targets:
            if target.text.endswith("state.limiter"):
                yield project_fact("limiter-state", target, "set")


@project_check("PRD446", ("limiter-state",))
def limiter_not_on_state(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """slowapi's handler and middleware without the limiter that they look for."""
    facts = project.about("limiter-state")
    if any(fact.words == "set" for fact in facts):
        return
    for fact in facts[:1]:
        ends = "every request ends in a 500" if fact.get("by") == "add_middleware" else "a refused request ends in a 500 and not in a 429"
        yield ProjectDiagnostic(fact.path, fact.span, f"slowapi looks for `app.state.limiter`, which nothing sets: {ends}")


@project_check("PRD446", ("limiter", "limiter-storage", "workers", "replicas"))
def limiter_counts_in_memory(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A limiter that counts in the memory of one process, where production starts several."""
    several = [*project.about("workers"), *project.about("replicas")]
    if not several or project.about("limiter-storage"):
        return
    first = several[0]
    for fact in project.about("limiter"):
        if fact.get("memory"):
            words = f"{fact.words} without `storage_uri` counts in the memory of one process, and production runs several ({first.words}): each lets the whole number through"
            yield ProjectDiagnostic(fact.path, fact.span, words, "P2", (Related(first.path, first.span, first.words),))


@collect("limiter-storage", on=[settings("*ratelimit_storage_uri", "*ratelimit_storage_url")], required_literals=["ratelimit_storage"])
def limiter_storage(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """Where limiters count, by the environment."""
    yield project_fact("limiter-storage", setting, setting.name)


@collect("limiter-storage", on=[literals()], required_literals=["ratelimit_storage"], files=("python",), not_in=_NOT_THE_SERVICE)
def limiter_storage_in_code(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """The same in Flask's own settings."""
    if literal.value.startswith("RATELIMIT_STORAGE"):
        yield project_fact("limiter-storage", literal, literal.value)
