"""Routes that anybody may call (PRD441): which routes ask who is calling, by whatever the framework has for it, and which do not.

A route is judged by the project's own habit. Where most routes ask, those that change something and do not are findings; where
none does, there is one finding for the service. What guards a route may stand on the route, on its router, where the router is
included, on the application or in a middleware, in another file each: the collectors note these, the project check puts them together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, calls, collect, every, project_check, project_fact
from prodlint.facts import Assignment, Call, Class, Collection, Expression, Fact, Function, Module, Name, Route, calls_in
from prodlint.model import Evidence, Related, Span
from prodlint.values.handlers import plain_words

_FRAMEWORKS = frozenset(("fastapi", "starlette", "flask", "quart", "sanic", "litestar", "aiohttp", "ninja", "robyn", "blacksheep"))
_NOT_THE_SERVICE = frozenset(("test", "example", "docs", "dev", "vendored", "generated", "notebook", "migration"))
_CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))

# Words of dependencies, decorators, guards and middlewares that ask who is calling.
_ASKS = re.compile(
    r"auth(?!or(?!i[sz])|ority)|login|logged_?in|current_?(?:active_?)?(?:user|account|principal|superuser|admin|member|org|tenant)|jwt|bearer"
    r"|permission|permit|guard|rbac|\baccess\.|require[sd]?_|_required|is_admin|is_staff|superuser|principal|identity|credential|api_?key|access_?token"
    r"|(?:get|verify|check|validate|valid|decode|ensure|need|must|only)_?(?:\w+_)?(?:user|token|admin|access|role|scope|member|owner|caller|signature|key|session)"
    r"|(?:^|[._\W])(?:user|account|admin|member|staff)(?:dep|_dep|dependency)?\b|security|protected|secured|signature|hmac|oauth|oidc|saml|keycloak",
    re.IGNORECASE,
)
# The same in the body of a handler: it looks for itself.
_ASKS_INSIDE = re.compile(
    r"current_user|request\.user\b|is_authenticated|\bg\.(?:user|identity)|session(?:\[|\.get\(|\.user)|[Aa]uthorization|[Xx]-[Aa]pi-[Kk]ey|authenticate|authori[sz]e"
    r"|verify_\w+|check_\w*(?:permission|access|auth|token|owner)|has_perm|get_jwt|api_?key|\bhmac\b|signature|compare_digest|UNAUTHORIZED|FORBIDDEN"
    r"|(?:status_code|abort|status|HTTPException)\s*[=(]\s*(?:status\.)?(?:HTTP_)?40[13]|state\.user|scope\[.user",
)
# Dependencies that are known to bring something else.
_BRINGS = re.compile(
    r"(?:^|[._])(?:get_|provide_|create_|make_|use_|the_)?(?:async_?)?(?:db|database|session|sessions|session_?maker|conn|connection|engine|uow|settings|config|repo|repository"
    r"|\w+_(?:repo|repository|service|db|client|session|settings|config|params|query|pagination|limiter|store|uow)|service|client|redis|cache|pagination|paginate|params|filters?"
    r"|query|limiter|rate_?limit\w*|logger|queue|broker|clock|templates|http|httpx|executor|pool|locale|language|background_?tasks|request_?id|\w*(?:Service|Repository|Repo|Params|Pagination|Settings|Session))$",
)
# Parameters that hold who is calling, whatever brought it there.
_CALLER = re.compile(r"^(?:auth(?:_?\w+)?|current_\w+|principal|identity|viewer|caller|logged_in_\w+)$")
# Routes that are open by nature: how one becomes known, what machines ask, what outsiders report to.
_PUBLIC = re.compile(
    r"create_(?:user_)?account|log-?_?(?:in|out|off)|sign-?_?(?:in|up|out)|register|registration|token|refresh|auth|oauth|oidc|saml|sso|callback|password|passwd|forgot|reset|verif|confirm|activat"
    r"|otp|mfa|2fa|challenge|captcha|health|alive|live|ready|ping|heartbeat|status|metrics|docs|redoc|openapi|swagger|schema|web-?_?hooks?|(?:^|/)hooks?(?:/|$)|events?/(?:incoming|inbound)|inbound"
    r"|slack|stripe|paypal|twilio|telegram|static|assets|media|favicon|robots|public|contact|newsletter|subscri|csp|report-uri|feedback|invit|setup|onboard|install|bootstrap"
    r"|share|embed|track|collect|beacon|pixel|consent|cookie|locale|language|demo|playground|graphql",
    re.IGNORECASE,
)
# A body is sent because it is long, not because something is to change.
_COMPUTES = re.compile(
    r"(?i)(?:^|[/_-])(?:(?:de|en)code|conver(?:t|sion)s?|preview|validate|search|estimate|calculat\w*|lookup|parse|render)/?$"
    r"|/(?:list|get|find|describe)(?:_\w+)?/?$"
)
_MOST_SHOWN = 5


# ---------------------------------------------------------------- what one route says


def _texts(expression: Expression | None, module: Module) -> list[str]:
    """The parts of `dependencies=[...]`, `guards=(...)` and the like, as written."""
    if expression is None:
        return []
    if isinstance(expression, Collection):
        return [plain_words(item.text, module) for item in expression.items]
    return [plain_words(expression.text, module)]


_ASKED_WITH = frozenset(("dependencies", "guards", "auth", "middleware", "middlewares", "permissions", "security", "before", "decorators"))


def _on_call(call: Call) -> list[str]:
    """What an application, router or route is given to ask with."""
    found = []
    for keyword, value in call.keywords.items():
        if keyword in _ASKED_WITH:
            found.extend(_texts(call.module.follow(value), call.module))
    return found


_DEPENDS = re.compile(r"\b(?:Depends|Security|Provide|Inject|Use)\(\s*(?:use_cache\s*=\s*\w+\s*,\s*)?([\w.]+)?")


def _asks(text: str, module: Module, depth: int = 2) -> str:
    """ "yes" where a text names something that asks who is calling, "no" where it names nothing or something else, "unknown" else."""
    if re.search(r"\bSecurity\(", text) or _ASKS.search(text):
        return "yes"
    answer = "no"
    for name in _DEPENDS.findall(text):
        own = module.function(name) if name else None
        if own is not None and depth:
            inner = _of_function(own, depth - 1)
        elif not name or not _BRINGS.search(name):
            inner = "unknown"
        else:
            inner = "no"
        if inner == "yes":
            return "yes"
        answer = inner if inner == "unknown" else answer
    return answer


def _of_function(function: Function, depth: int = 2) -> str:
    """Whether a handler, or a dependency of it in the same file, asks who is calling."""
    module = function.module
    answers = {"no"}
    for parameter in function.parameters:
        default = parameter.default.text if parameter.default is not None else ""
        text = plain_words(f"{parameter.annotation} {default}", module)
        alias = module.constant(parameter.annotation) if parameter.annotation.isidentifier() else None
        if alias is not None:
            text += f" {plain_words(alias.text, module)}"
        elif re.fullmatch(r"[A-Z]\w*Dep(?:endency)?|Current\w+|Auth\w*", parameter.annotation) and not _BRINGS.search(parameter.annotation):
            answers.add("yes" if _ASKS.search(parameter.annotation) else "unknown")
        if "Depends" in text or "Security(" in text or "Annotated" in text:
            answers.add(_asks(text, module, depth))
        elif re.search(r"(?:Credentials|CurrentUser|AuthUser|Principal|Identity)\b", parameter.annotation) or _CALLER.search(
            parameter.name
        ):
            answers.add("yes")
    if _ASKS_INSIDE.search(plain_words(function.source.slice(function.start, function.end), module)):
        answers.add("yes")
    return "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"


def _guard_of(route: Route) -> str:
    """Whether the route itself asks: its decorators, dependencies, parameters and body, and those of its class."""
    answers = {_asks(text, route.call.module) for text in _on_call(route.call)}
    function = route.function
    if function is None:
        answers.add("unknown")
    else:
        for decorator in function.decorators:
            text = decorator.text
            if text != route.call.text and not _is_route(decorator):
                answers.add("yes" if _ASKS.search(plain_words(text, function.module)) else "no")
        answers.add(_of_function(function))
        if function.class_ is not None:
            answers.add(_of_class(function.class_))
    return "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"


def _is_route(decorator: Expression) -> bool:
    return isinstance(decorator, Call) and decorator.method in ("get", "post", "put", "patch", "delete", "route", "api_route")


def _of_class(class_: Class) -> str:
    """A controller or a class-based view: `guards`, `decorators`, `permission_classes` on the class or a base that asks."""
    if any(_ASKS.search(base) for base in class_.bases):
        return "yes"
    for statement in class_.body:
        made = statement.assignment
        if made is not None and made.target in ("guards", "decorators", "dependencies", "permission_classes", "method_decorators"):
            return "yes" if _ASKS.search(made.value.text) else "no"
    return "unknown" if any("." in base and not base.startswith(("flask.", "litestar.", "starlette.")) for base in class_.bases) else "no"


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


_ROUTES = (
    ".post(",
    ".put(",
    ".patch(",
    ".delete(",
    ".get(",
    ".route(",
    "add_api_route",
    "add_url_rule",
    "add_post",
    "add_put",
    "add_delete",
    "add_patch",
    "@post",
    "@put",
)


# What shows a page, or sends the browser on to another.
_ANSWERING = frozenset(
    "redirect url_for render_template render jsonify make_response flash get validate_on_submit is_valid convert_to_boolean reverse".split()
)


def _only_answers(function: Function | None) -> bool:
    """Whether a handler shows a page or redirects, and does nothing else whatever it is sent."""
    called = list(calls_in(function.body)) if function is not None else []
    return bool(called) and all(call.method in _ANSWERING or call.method[:1].isupper() for call in called)


@collect("access-route", on=[every(Route)], required_literals=_ROUTES, files=("python",), not_in=_NOT_THE_SERVICE)
def routes(route: Route, context: CheckContext) -> Iterator[ProjectFact]:
    """Every route: what it changes, on which router, and whether it asks who is calling."""
    if route.framework not in _FRAMEWORKS or context.file.roles & _NOT_THE_SERVICE or route.methods == ("WEBSOCKET",):
        return
    name = route.function.name if route.function is not None else ""
    receiver = route.call.receiver
    yield project_fact(
        "access-route",
        route,
        f"{'/'.join(route.methods) or 'GET'} {route.path or '/'}",
        guard=_guard_of(route),
        framework=route.framework,
        changes="yes" if _CHANGING & set(route.methods) and not _COMPUTES.search(route.path) and not _only_answers(route.function) else "",
        public="yes" if _PUBLIC.search(route.path) or _PUBLIC.search(name) else "",
        router=f"{_dotted(context.file.path)}.{receiver.text}" if receiver is not None else "",
    )


# What makes applications and routers, and what joins them.
_ROUTING = (
    "include_router", "register_blueprint", "mount", "add_router", "add_middleware", "FastAPI", "Flask", "Quart", "Starlette", "Litestar",
    "Application", "NinjaAPI", "Sanic", "APIRouter", "Router", "Blueprint", "Mount", "Controller", "Middleware", "DefineMiddleware",
    "AbstractAuthenticationMiddleware",
)  # fmt: skip


@collect(
    "access-router",
    on=[calls(*_ROUTING, *(f"*.{name}" for name in _ROUTING))],
    required_literals=[
        "include_router",
        "register_blueprint",
        "mount(",
        "dependencies",
        "guards",
        "middleware",
        "before_request",
        "middlewares",
    ],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def routers(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Routers and applications that ask for all of their routes, where a router is included, and middlewares."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    here = _dotted(context.file.path)
    last = call.name.rsplit(".", 1)[-1]
    asks = any(_asks(text, call.module) == "yes" for text in _on_call(call))
    if call.method in ("include_router", "register_blueprint", "mount", "add_router") and call.receiver is not None and call.arguments:
        child = call.arguments[0] if call.method != "mount" else call.argument(1, "app")
        if child is not None:
            named = child.name if isinstance(child, Name) else child.text
            qualified = named if "." in named else f"{here}.{named}"
            parent = f"{here}.{call.receiver.text}"
            yield project_fact("access-router", call, "include", child=qualified, parent=parent, asks="yes" if asks else "")
    elif call.method == "add_middleware" and call.arguments and _ASKS.search(call.arguments[0].text):
        yield project_fact("access-global", call, f"`{call.arguments[0].text}` asks for every route")
    elif asks and last in ("FastAPI", "Flask", "Quart", "Starlette", "Litestar", "Application", "NinjaAPI", "Sanic"):
        bound = _bound_to(call)
        if bound:  # one application of several: what it includes is asked for
            yield project_fact("access-router", call, "router", child=f"{here}.{bound}", parent="", asks="yes")
        yield project_fact("access-global", call, f"`{last}` asks for every route")
    elif asks and last in ("APIRouter", "Router", "Blueprint", "Mount", "Controller"):
        bound = _bound_to(call)
        if bound:
            yield project_fact("access-router", call, "router", child=f"{here}.{bound}", parent="", asks="yes")
    elif (
        last in ("Middleware", "DefineMiddleware", "AbstractAuthenticationMiddleware")
        and call.arguments
        and _ASKS.search(call.arguments[0].text)
    ):
        yield project_fact("access-global", call, f"`{call.arguments[0].text}` asks for every route")


def _bound_to(call: Call) -> str:
    """The module-level name that a call's result is given, or ""."""
    for statement in call.module.body:
        made = statement.assignment
        if made is not None and made.value.start == call.start:
            return made.target
    return ""


_HOOKS = re.compile(r"(?:^|\.)(?:before_request|before_app_request|middleware|on_request|before_serving|url_value_preprocessor)\b")


@collect(
    "access-hook",
    on=[every(Function)],
    required_literals=["before_request", "before_app_request", ".middleware", "on_request"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def hooks(function: Function, context: CheckContext) -> Iterator[ProjectFact]:
    """`@app.before_request` and `@app.middleware("http")`: what runs before every handler and asks there."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    for decorator in function.decorators:
        name = decorator.function.text if isinstance(decorator, Call) else decorator.text
        if _HOOKS.search(name):
            text = function.source.slice(function.start, function.end)
            if _ASKS.search(function.name) or _ASKS_INSIDE.search(text):
                router = f"{_dotted(context.file.path)}.{name.rsplit('.', 1)[0]}"
                everywhere = "app" in name.split(".")[0].lower() or "app_request" in name
                yield project_fact(
                    "access-hook", function, f"`{function.name}` asks before every route", router=router, all="yes" if everywhere else ""
                )


# ---------------------------------------------------------------- the project


# Names under which an application of its own is kept, with or without what made it.
_APPLICATION = re.compile(r"(?i)(?:^|[._])(?:app|application|api|server)$")


def _by_application(project: Project) -> Sequence[Sequence[ProjectFact]]:
    """The routes of a project, those of each application for themselves: what one asks is no habit of another.

    A route belongs to the application that includes its router, a few levels up; those of which that is not known belong to the largest.
    """
    parents: dict[str, str] = {}
    for edge in project.about("access-router"):
        if edge.words == "include" and edge.get("child") != edge.get("parent"):
            parents.setdefault(edge.get("child"), edge.get("parent"))
    groups: dict[str, list[ProjectFact]] = {}
    for fact in project.about("access-route"):
        router = fact.get("router")
        for _ in range(6):
            above = parents.get(router) or next((parent for child, parent in parents.items() if router and _is_one_of(child, {router})), "")
            if not above:
                break
            router = above
        groups.setdefault(router if _APPLICATION.search(router) else "", []).append(fact)
    applications = sorted((name for name in groups if name), key=lambda name: (-len(groups[name]), name))
    # Several names of one application: the module that makes it and those that take it from there.
    if len({name.rpartition(".")[0] for name in applications}) < 2:
        return [project.about("access-route")]
    if "" in groups:
        groups[applications[0]].extend(groups.pop(""))
    return [groups[name] for name in applications]


@dataclass(frozen=True, slots=True)
class _Habit:
    """The routes of a project that are not open by nature: those that ask, those that surely do not, those that cannot be told."""

    asking: Sequence[ProjectFact]
    silent: Sequence[ProjectFact]
    unknown: Sequence[ProjectFact]


def _guarded_routers(project: Project) -> frozenset[str]:
    """Names of routers whose routes are asked for them, by themselves or by a router that includes them."""
    asking = {fact.get("child") for fact in project.about("access-router") if fact.get("asks")}
    asking |= {fact.get("router") for fact in project.about("access-hook")}
    edges = [(fact.get("parent"), fact.get("child")) for fact in project.about("access-router") if fact.words == "include"]
    for _ in range(6):  # routers nest a few levels deep
        found = {child for parent, child in edges if _is_one_of(parent, asking)} - asking
        if not found:
            break
        asking |= found
    return frozenset(asking)


def _is_one_of(name: str, names: set[str] | frozenset[str]) -> bool:
    """Whether a router is one of these, however much of the package stands before its name in either."""
    return any(name == other or name.endswith(f".{other}") or other.endswith(f".{name}") for other in names)


def _habit(project: Project, routes: Sequence[ProjectFact]) -> _Habit:
    routers_that_ask = _guarded_routers(project)
    known: dict[str, bool] = {}
    asking: list[ProjectFact] = []
    silent: list[ProjectFact] = []
    unknown: list[ProjectFact] = []
    for fact in routes:
        if fact.get("public"):
            continue
        router = fact.get("router")
        if router not in known:
            known[router] = _is_one_of(router, routers_that_ask)
        guard = "yes" if known[router] else fact.get("guard")
        (asking if guard == "yes" else silent if guard == "no" else unknown).append(fact)
    return _Habit(asking, silent, unknown)


@project_check("PRD441", ("access-route", "access-router", "access-hook", "access-global"))
def routes_without_authentication(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """What changes data and asks nobody, where the other routes of the project do."""
    everywhere = [*project.about("access-global"), *(fact for fact in project.about("access-hook") if fact.get("all"))]
    for fact in everywhere:
        yield Evidence("PRD441", fact.path, fact.span, fact.words)
    for routes in _by_application(project):
        yield from _without_authentication(project, _habit(project, routes), bool(everywhere))


def _without_authentication(project: Project, habit: _Habit, everywhere: bool) -> Iterator[ProjectDiagnostic | Evidence]:
    """The same for the routes of one application. everywhere: something looks at each request before its handler."""
    # A middleware may only tell who is calling, and leave the asking to the routes: where most of them do, it does.
    if everywhere and len(habit.asking) < max(3, len(habit.silent)):
        return
    changing = [fact for fact in habit.silent if fact.get("changes")]
    if not habit.asking and not habit.unknown:
        if len(changing) > 1 and project.environment.service is not None:
            first, *others = sorted(changing, key=lambda fact: (fact.path, fact.span))
            yield ProjectDiagnostic(
                first.path,
                first.span,
                f"no route of this service authenticates its caller: {len(changing)} change data, such as `{first.words}`",
                "P2",
                tuple(Related(fact.path, fact.span, f"`{fact.words}`") for fact in others[:_MOST_SHOWN]),
            )
        return
    for fact in habit.asking:
        yield Evidence("PRD441", fact.path, fact.span, f"`{fact.words}` authenticates its caller")
    if len(habit.asking) < len(habit.silent):
        return
    told = f"{len(habit.asking)} of {len(habit.asking) + len(habit.silent) + len(habit.unknown)} routes here do"
    asking_here = Counter(fact.path for fact in habit.asking)
    silent_here = Counter(fact.path for fact in habit.silent)
    for fact in changing:
        # A module of Flask's is for visitors, for other services or for whoever has signed in: which of them its other routes tell.
        if fact.get("framework") in ("flask", "quart") and asking_here[fact.path] < max(1, silent_here[fact.path]):
            continue
        yield ProjectDiagnostic(fact.path, fact.span, f"`{fact.words}` does not authenticate its caller; {told}")


# ---------------------------------------------------------------- Django REST framework


_WRITES = frozenset(("post", "put", "patch", "delete", "create", "update", "partial_update", "destroy", "perform_create", "perform_update"))
_WRITING_BASES = re.compile(r"(?:^|\.)(?:ModelViewSet|(?:\w*(?:Create|Update|Destroy)\w*)(?:APIView|ModelMixin|ViewSet))$")


# A list of permission classes that is empty, or holds `AllowAny` alone.
_ANYBODY = re.compile(r"[\[(]+\s*(?:[\w.]*\bAllowAny\s*,?\s*)?[\])]+")


@collect("access-drf", on=[every(Function)], required_literals=["api_view"], files=("python",), not_in=_NOT_THE_SERVICE)
def drf_function_views(function: Function, context: CheckContext) -> Iterator[ProjectFact]:
    """The same of `@api_view(["POST"])`, whose permissions stand in a decorator."""
    decorators = [each for each in function.decorators if isinstance(each, Call)]
    view = next((each for each in decorators if each.name == "rest_framework.decorators.api_view"), None)
    listed = view.argument(0, "http_method_names") if view is not None else None
    if context.file.roles & _NOT_THE_SERVICE or listed is None or not re.search(r"(?i)\b(?:post|put|patch|delete)\b", listed.text):
        return
    given = next((each for each in decorators if each.name == "rest_framework.decorators.permission_classes"), None)
    body = function.source.slice(function.start, function.end)
    if len(function.decorators) > 1 + (given is not None) or _ASKS_INSIDE.search(body.replace("authentication_classes", "")):
        says = "own"
    elif given is None:
        says = "nothing"
    else:
        classes = given.argument(0, "permission_classes")
        says = "anybody" if classes is not None and _ANYBODY.fullmatch(plain_words(classes.text, function.module)) else "own"
    public = "yes" if _PUBLIC.search(function.name.replace("_", "-")) else ""
    at: Fact = given if given is not None and says == "anybody" else view if view is not None else function
    yield ProjectFact("access-drf", context.file.path, at.span, function.name, (("public", public), ("says", says)))


@collect(
    "access-drf",
    on=[every(Class)],
    required_literals=["permission_classes", "apiview", "viewset"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def drf_views(class_: Class, context: CheckContext) -> Iterator[ProjectFact]:
    """Views of Django REST framework that change something, and what they say of permissions."""
    if context.file.roles & _NOT_THE_SERVICE or not any("rest_framework" in base for base in class_.bases):
        return
    methods = {statement.definition.name for statement in class_.body if isinstance(statement.definition, Function)}
    if not methods & _WRITES and not any(_WRITING_BASES.search(base) for base in class_.bases):
        return
    given = next((s.assignment for s in class_.body if s.assignment is not None and s.assignment.target == "permission_classes"), None)
    overrides = bool(methods & {"get_permissions", "check_permissions", "initial", "dispatch"})
    public = _PUBLIC.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", class_.name)) is not None
    body = class_.source.slice(class_.start, class_.end)
    says = "own" if overrides or _ASKS_INSIDE.search(body.replace("authentication_classes", "")) else "nothing" if given is None else ""
    if not says:
        assert given is not None
        says = "anybody" if _ANYBODY.fullmatch(plain_words(given.value.text, given.module)) else "own"
    at: Class | Assignment = given if given is not None and says == "anybody" else class_
    yield ProjectFact("access-drf", context.file.path, _head(at), class_.name, (("public", "yes" if public else ""), ("says", says)))


def _head(fact: Class | Assignment) -> Span:
    """A class by its first line, an assignment as it is."""
    span = fact.span
    if isinstance(fact, Class):
        first = fact.source.line_text(span.line)
        return Span(span.line, span.column, span.line, len(first) + 1)
    return span


@collect("access-drf-default", on=[every(Assignment)], required_literals=["rest_framework"], files=("python",), not_in=_NOT_THE_SERVICE)
def drf_default(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """`REST_FRAMEWORK`: what a view that says nothing asks."""
    if assignment.target != "REST_FRAMEWORK" or assignment.kind not in ("name", "annotated"):
        return
    text = assignment.value.text
    found = re.search(r"DEFAULT_PERMISSION_CLASSES[\"']?\s*[:=]\s*[\[(]([^\])]*)", text)
    says = "anybody" if found is None or "AllowAny" in found[1] or not found[1].strip() else "own"
    yield project_fact("access-drf-default", assignment, says)


@project_check("PRD441", ("access-drf", "access-drf-default"))
def drf_without_permissions(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Views that change something and let anybody, by themselves or because the default does."""
    views = [fact for fact in project.about("access-drf") if not fact.get("public")]
    defaults = project.about("access-drf-default")
    closed = [fact for fact in defaults if fact.words == "own"]
    for fact in views:
        if fact.get("says") == "anybody":
            yield ProjectDiagnostic(fact.path, fact.span, f"`{fact.words}` changes data, and `AllowAny` lets anybody call it")
        elif fact.get("says") == "own":
            yield Evidence("PRD441", fact.path, fact.span, f"`{fact.words}` has permissions of its own")
    for fact in closed:
        yield Evidence("PRD441", fact.path, fact.span, "`DEFAULT_PERMISSION_CLASSES` asks for every view")
    silent = [fact for fact in views if fact.get("says") == "nothing"]
    if silent and not closed and defaults:
        at = defaults[0]
        yield ProjectDiagnostic(
            at.path,
            at.span,
            f"`REST_FRAMEWORK` has no `DEFAULT_PERMISSION_CLASSES` that asks, so `{silent[0].words}` may be called by anybody",
            None,
            tuple(Related(fact.path, fact.span, f"`{fact.words}` says nothing of permissions") for fact in silent[:_MOST_SHOWN]),
        )
