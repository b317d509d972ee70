"""Cookies (PRD443) and the host header (PRD447)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    documents,
    every,
    literals,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Constant,
    Dictionary,
    Document,
    Expression,
    Function,
    Literal,
    Module,
    Name,
    Setting,
    Subscript,
    Text,
    statements_in,
)
from prodlint.model import Evidence, FixRequest, Priority, Related
from prodlint.project.django_settings import DjangoSettings, production_settings
from prodlint.values.configured import configured_in
from prodlint.values.development import is_development
from prodlint.values.expressions import follow, is_truth_of_development, listed, module_statements, truth, values
from prodlint.values.handlers import Subject, speaks
from prodlint.values.places import enclosing

# ---------------------------------------------------------------- PRD443

_PRECIOUS = re.compile(
    r"sess(?:ion)?|auth|token|jwt|csrf|xsrf|(?:^|_)sid$|login|remember|refresh|access|credential|identity", re.IGNORECASE
)
_PREFERENCE = re.compile(
    r"theme|lang|locale|consent|banner|color|sidebar|timezone|tz$|dismiss|seen|utm|analytics|currency|_type$|method|last_|count|expires|redirect|return_to|public_?key|pub_?key",
    re.IGNORECASE,
)


@check("PRD443", on=[calls("*.set_cookie", "*.set_signed_cookie", "*.set_secure_cookie")], files=["python"])
def insecure_cookie(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A cookie that stands for a person, without `secure` or `httponly`."""
    key = call.argument(0, "key") or call.keywords.get("name")
    value = call.argument(1, "value")
    if call.stars or key is None or value is None:
        return
    module = call.module
    known = follow(module, key, call)
    name = known.value if isinstance(known, Constant) and isinstance(known.value, str) else key.text.rsplit(".", 1)[-1]
    if not _PRECIOUS.search(name) or _PREFERENCE.search(name) or _deletes(call, value):
        return
    missing: list[str] = []
    csrf = re.search(r"csrf|xsrf", name, re.IGNORECASE)
    for keyword in ("secure", "httponly"):
        if keyword == "httponly" and csrf:
            continue  # the page's own script reads it
        given = call.keywords.get(keyword)
        if (
            given is None
            and len(call.arguments) <= 5
            or given is not None
            and isinstance(follow(module, given, call), Constant)
            and truth(module, given, call) is False
        ):
            missing.append(f"`{keyword}`")
    same_site = call.keywords.get("samesite")
    if isinstance(same_site, Constant) and str(same_site.value).lower() == "none" and "`secure`" in missing:
        yield Diagnostic(call, f'cookie `{name}` has `samesite="none"` without `secure`: browsers drop it')
    elif missing:
        first = missing[0].strip("`")
        fix = FixRequest("set-keyword", f"add `{first}=True`", False, (("keyword", first), ("value", "True")))
        yield Diagnostic(call, f"cookie `{name}` is set without {' and '.join(missing)}", fix=fix)


def _deletes(call: Call, value: Expression) -> bool:
    """Whether the cookie is taken away, or its value is a flag written in the code: nothing worth stealing."""
    age = call.keywords.get("max_age")
    flag = isinstance(value, Constant) and (not isinstance(value.value, str) or value.value.isalnum() and len(value.value) < 12)
    return flag or isinstance(value, Constant) and value.value == "" or isinstance(age, Constant) and age.value == 0


@check(
    "PRD443",
    on=[calls("*.add_middleware", "*.Middleware", "*.SessionMiddleware")],
    required_literals=["sessionmiddleware"],
    files=["python"],
)
def session_middleware(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Starlette's `SessionMiddleware` without `https_only=True`."""
    first = call.argument(0, "middleware_class")
    direct = call.name.endswith(".sessions.SessionMiddleware")
    if not direct and not (isinstance(first, Name) and first.name.endswith(".sessions.SessionMiddleware")) or call.stars:
        return
    if call.scope.guards & {"debug", "environment"}:
        return
    given = call.keywords.get("https_only")
    if given is None or isinstance(follow(call.module, given, call), Constant) and truth(call.module, given, call) is False:
        conditions = context.values(call.module).conditions(call)
        if any(_WITHOUT_TLS.search(each.expression.text) for each in conditions if each.pattern is None and not each.came_back):
            return  # whoever deploys has said whether there is TLS
        # Where a parameter says whether there is TLS, a constant would take the login away from everybody without it.
        functions = [enclosing(call, call.module), *_methods_beside(call)]
        decided = any(
            _ABOUT_TLS.search(parameter.name) for function in functions if function is not None for parameter in function.parameters
        )
        fix = None if decided else FixRequest("set-keyword", "add `https_only=True`", False, (("keyword", "https_only"), ("value", "True")))
        yield Diagnostic(call, "`SessionMiddleware` without `https_only=True` sends the session over plain HTTP too", fix=fix)


def _methods_beside(call: Call) -> list[Function]:
    """The methods of the class that a call stands in."""
    class_ = call.module.class_named(call.scope.class_) if call.scope.class_ else None
    definitions = [statement.definition for statement in class_.body] if class_ is not None else []
    return [definition for definition in definitions if isinstance(definition, Function)]


_WITHOUT_TLS = re.compile(
    r"(?i)(?:^|[_.\W])(?:no_?|disable_?|without_?|use_?|enable_?|is_?|plain_?)?(?:https?|ssl|tls)(?:_?(?:disabled|enabled|off|only))?(?:$|[_.\W])"
)
_ABOUT_TLS = re.compile(r"(?i)(?:^|_)(?:ssl|tls|https?|secure|debug|development|production)(?:_|$)")
_SECURE = frozenset(
    {
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "REMEMBER_COOKIE_SECURE",
        "JWT_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "REMEMBER_COOKIE_HTTPONLY",
        "QUART_AUTH_COOKIE_SECURE",
    }
)


def _bindings(module: Module) -> Iterator[tuple[frozenset[str], str, Expression]]:
    """Settings by name, with what guards them: module and class level, `app.config["X"]`, `app.config.X`, `app.config.update(X=...)`."""
    statements = [s for s, _ in module_statements(module)]
    for function in module.functions():
        statements += [s for s in statements_in(function.body) if any(isinstance(t, Subscript) or "config" in t.text for t in s.targets)]
    for statement in statements:
        if statement.kind != "assign" or not statement.expressions:
            continue
        guards = statement.assignment.scope.guards if statement.assignment is not None else frozenset()
        for target in statement.targets:
            if isinstance(target, Subscript) and isinstance(target.key, Constant):
                yield guards, str(target.key.value), statement.expressions[0]
            elif isinstance(target, (Name, Attribute)):
                yield guards, target.text.rsplit(".", 1)[-1], statement.expressions[0]
    for call, name, value in configured_in(module):
        yield call.scope.guards, name, value


_DEVELOPMENT_CLASS = re.compile(r"^(?:Dev|Develop|Development|Local|Test|Testing|Debug)(?![a-z])")


def _class_around(module: Module, at: Expression) -> str:
    """The name of the class in whose body something stands: `class Development(Config)`."""
    return next((class_.name for class_ in module.classes() if class_.start <= at.start < class_.end), "")


def _for_development(guards: frozenset[str]) -> bool:
    return bool(guards & {"debug", "environment"})


@check(
    "PRD443",
    on=[every(Module)],
    required_literals=["session_cookie_", "csrf_cookie_", "remember_cookie_", "jwt_cookie_secure", "quart_auth_cookie_secure"],
    files=["python"],
)
def cookie_settings(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Flask's and Django's cookie settings switched off by hand."""
    for guards, name, value in _bindings(module):
        if name in _SECURE and isinstance(value, Constant) and value.value is False and not _for_development(guards):
            if _DEVELOPMENT_CLASS.search(_class_around(module, value)):
                continue
            plain = name.endswith("SECURE")
            conditions = [each for each in context.values(module).conditions(value) if each.pattern is None and not each.came_back]
            if plain and any(
                _WITHOUT_TLS.search(each.expression.text) or is_development(each.expression, each.truth) for each in conditions
            ):
                continue  # whoever deploys has said that there is no TLS, or that this is a machine of their own
            yield Diagnostic(
                value,
                f"`{name} = False` lets the cookie leave by plain HTTP" if plain else f"`{name} = False` lets scripts read the cookie",
            )


@check(
    "PRD443",
    on=[settings("*session_cookie_secure", "*csrf_cookie_secure", "*jwt_cookie_secure", "*cookie_httponly")],
    required_literals=["cookie_secure", "cookie_httponly"],
)
def cookie_environment(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """The same outside Python."""
    if setting.origin != "python" and (setting.value or "").strip("\"' ").lower() in ("false", "0", "no", "off"):
        yield Diagnostic(setting, f"`{setting.name}={setting.value}` switches the cookie's protection off")


# Domains under which everybody may have a service: browsers refuse cookies for the whole of one.
_SHARED = frozenset(
    "herokuapp.com vercel.app netlify.app github.io gitlab.io onrender.com fly.dev azurewebsites.net appspot.com run.app pages.dev workers.dev web.app firebaseapp.com railway.app "
    "up.railway.app pythonanywhere.com amazonaws.com cloudfront.net ngrok.io ngrok-free.app ngrok.app deno.dev replit.app repl.co glitch.me surge.sh blogspot.com azurestaticapps.net "
    "co.uk com.au com.br co.jp com".split()
)
_DOMAINS = frozenset(
    {"SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN", "REMEMBER_COOKIE_DOMAIN", "JWT_COOKIE_DOMAIN", "LANGUAGE_COOKIE_DOMAIN"}
)


def _is_shared(value: Expression, module: Module, context: CheckContext) -> str:
    """The domain that a cookie is given, where it is everybody's."""
    for constant in context.values(module).in_production.of(value).constants():
        if isinstance(constant, str) and constant.lstrip(".").lower() in _SHARED:
            return constant
    return ""


@check(
    "PRD443",
    on=[calls("*.set_cookie", "*.set_signed_cookie", "*.SessionMiddleware", "*.add_middleware")],
    required_literals=["domain"],
    files=["python"],
)
def shared_domain(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A cookie for a domain under which others have services too, and `__Host-` with a domain."""
    given = call.keywords.get("domain")
    if given is None:
        return
    shared = _is_shared(given, call.module, context)
    if shared:
        yield Diagnostic(
            given, f"`domain={shared!r}` is everybody's who has a service there: browsers refuse the cookie, older ones send it to them"
        )
        return
    key = call.argument(0, "key") or call.keywords.get("name")
    name = follow(call.module, key, call) if key is not None else None
    if isinstance(name, Constant) and str(name.value).startswith("__Host-") and not (isinstance(given, Constant) and given.value is None):
        yield Diagnostic(given, f"cookie `{name.value}` has a domain: browsers refuse `__Host-` cookies with one")


@check("PRD443", on=[every(Module)], required_literals=["_cookie_domain", "_cookie_samesite"], files=["python"])
def cookie_scope_settings(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Domains that are shared, and `SameSite=None` without `Secure`, in Flask's and Django's settings."""
    bindings = list(_bindings(module))
    for guards, name, value in bindings:
        if _for_development(guards):
            continue
        if name in _DOMAINS and (shared := _is_shared(value, module, context)):
            yield Diagnostic(
                value,
                f"`{name} = {shared!r}` is everybody's who has a service there: browsers refuse the cookie, older ones send it to them",
            )
        elif (
            name.endswith("_COOKIE_SAMESITE")
            and isinstance(value, Constant)
            and str(value.value).lower() == "none"
            and isinstance(value.value, str)
        ):
            secure = name.replace("SAMESITE", "SECURE")
            given = [one for _, other, one in bindings if other == secure]
            if not given or all(isinstance(one, Constant) and one.value is False for one in given):
                yield Diagnostic(value, f"`{name} = {value.value!r}` without `{secure} = True`: browsers refuse the cookie")


def _production_settings(project: Project) -> DjangoSettings | None:
    """The settings of Django that production runs with, where all of them can be read."""
    named = [(fact.words, fact.path) for fact in project.about("django-settings-module")]
    found = production_settings(project.environment, named) if named and project.environment.is_service else None
    return found if found is not None and found.is_whole else None


_COOKIES = (("SESSION_COOKIE_SECURE", "SessionMiddleware", "W012"), ("CSRF_COOKIE_SECURE", "CsrfViewMiddleware", "W016"))


@project_check("PRD443", ("django-settings-module",))
def cookie_flags_absent(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Django's `SESSION_COOKIE_SECURE` and `CSRF_COOKIE_SECURE`, which are off where production's settings leave them out."""
    found = _production_settings(project)
    if found is None:
        return
    texts = list(found.texts())
    in_session = found.constants("CSRF_USE_SESSIONS")
    missing: list[str] = []
    checks: list[str] = []
    for name, middleware, number in _COOKIES:
        given = found.given(name)
        if given:
            yield Evidence("PRD443", given[-1][1].file.path, given[-1][1].span, f"`{name}`")
        elif any(middleware in one for one in texts) and not (name.startswith("CSRF") and in_session and in_session[-1][0] is True):
            missing.append(f"`{name}`")
            checks.append(f"security.{number}")
    if missing and (found.is_named or options.get("any-settings")):
        words = f"the settings of production have no {' and no '.join(missing)}: the cookie leaves by plain HTTP too ({', '.join(checks)})"
        yield ProjectDiagnostic(found.path, found.place(), words, None if found.is_named else "P2")


# ---------------------------------------------------------------- PRD447


@check("PRD447", on=[every(Module)], required_literals=["allowed_hosts", "trusted_hosts"], files=["python"])
def any_host(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Django's `ALLOWED_HOSTS = ["*"]`."""
    for guards, name, value in _bindings(module):
        if name not in ("ALLOWED_HOSTS", "allowed_hosts", "TRUSTED_HOSTS") or _for_development(guards):
            continue
        conditions = (each for each in context.values(module).conditions(value) if each.pattern is None and not each.came_back)
        if is_truth_of_development(value) or any(is_development(each.expression, each.truth) for each in conditions):
            continue
        found = list(values(module, value, value))
        if any(text.text.strip() == "*" for text in found):
            fallback = all(text.fallback for text in found)
            priority: Priority | None = "P2" if fallback else None
            yield Diagnostic(value, f"`{name}` accepts any host name" + (" by default" if fallback else ""), priority=priority)


@check(
    "PRD447",
    on=[calls("*.add_middleware", "*.Middleware", "*.TrustedHostMiddleware")],
    required_literals=["trustedhostmiddleware"],
    files=["python"],
)
def any_trusted_host(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Starlette's `TrustedHostMiddleware` with `["*"]` or nothing."""
    first = call.argument(0, "middleware_class")
    direct = call.name.endswith("trustedhost.TrustedHostMiddleware")
    if not direct and not (isinstance(first, Name) and first.name.endswith(".TrustedHostMiddleware")) or call.stars:
        return
    given = call.argument(1, "allowed_hosts")
    if given is None or isinstance(given, Constant) and given.value is None:
        yield Diagnostic(call, "`TrustedHostMiddleware` without hosts lets every host name in")
    elif any(value.text == "*" for value in values(call.module, given, call)):
        yield Diagnostic(given, "`TrustedHostMiddleware` accepts any host name")


@check("PRD447", on=[settings("*allowed_hosts", "*trusted_hosts")], required_literals=["allowed_hosts", "trusted_hosts"])
def any_host_environment(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`ALLOWED_HOSTS=*` outside Python."""
    text = setting.value if setting.value is not None else setting.default
    if setting.origin != "python" and text and "*" in listed(text):
        by_default = setting.value is None
        yield Diagnostic(
            setting,
            f"`{setting.name}` accepts any host name" + (" by default" if by_default else ""),
            priority="P2" if by_default else None,
        )


@project_check("PRD447", ("django-settings-module",))
def no_host_in_production(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """`ALLOWED_HOSTS` empty or absent in the settings of production: Django answers every request with 400."""
    found = _production_settings(project)
    debug = found.constants("DEBUG") if found is not None else None
    if found is None or debug is None or debug[-1][0] is not False:
        return
    given = found.given("ALLOWED_HOSTS")
    added = any(
        call.name.startswith("ALLOWED_HOSTS.")
        for values in found.files
        if b"ALLOWED_HOSTS." in values.module.source.data
        for call in values.module.calls()
    )
    if added or not all(isinstance(one.value, Collection) and not one.value.items for _, one in given):
        return
    words = "`ALLOWED_HOSTS` is empty in the settings of production" if given else "the settings of production have no `ALLOWED_HOSTS`"
    at = given[-1][1] if given else None
    place = (found.path, found.place()) if at is None else (at.file.path, at.span)
    yield ProjectDiagnostic(*place, f"{words}: with `DEBUG` off every request is answered with 400, until somebody writes a `*` there")


# ---------------------------------------------------------------- links made from the host that the caller sent

_NOT_THE_SERVICE = frozenset(
    ("test", "example", "docs", "dev", "vendored", "generated", "notebook", "migration", "script", "command", "stub")
)
_OF_THE_CALLER = re.compile(r"(?:^|\.)request\.(?:base_url|url_for|host_url|url_root|host|url\.(?:netloc|hostname))(?:\.|$)")
_BY_THE_CALLER = Subject(
    re.compile(r"(?:^|\.)(?:base_url|url_for|host_url|url_root|host|netloc|hostname)(?:\.|$)"),
    re.compile(rb"base_url|url_for|host_url|url_root|\b(?:host|netloc|hostname)\b"),
    (b"base_url", b"url_for", b"host", b"url_root", b"netloc"),
)
_SENT = re.compile(r"send_?\w*(?:mail|message|invit|link|reset|verif)|mail\w*\.send$|(?:^|[._])(?:mail|email)$", re.IGNORECASE)


@collect(
    "host-in-link",
    on=[every(Function)],
    required_literals=["base_url", "url_for", "host_url", "url_root", "request.host"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def links_by_host(function: Function, context: CheckContext) -> Iterator[ProjectFact]:
    """Functions that mail a link made from the host of the request."""
    if context.file.roles & _NOT_THE_SERVICE or not any(
        root in ("fastapi", "starlette", "flask", "quart") for root in _roots(function.module)
    ):
        return
    used = _sent_host(function)
    if used:
        yield project_fact("host-in-link", function, function.name, used=used)


def _sent_host(function: Function) -> str:
    """What of the request's host a function puts into what it sends: in the call itself, or under a name that the call is given."""
    if not speaks(function, _BY_THE_CALLER):
        return ""
    holding: dict[str, str] = {}
    for statement in statements_in(function.body):
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, Call) and _SENT.search(part.name):
                    for argument in (*part.arguments, *part.keywords.values()):
                        found = _host_in(argument, holding)
                        if found:
                            return found
        made = statement.assignment
        if made is not None and made.kind in ("name", "annotated") and (found := _host_in(made.value, holding)):
            holding[made.target] = found
    return ""


_OF_TEXTS = frozenset(("str", "replace", "rstrip", "strip", "lstrip", "format", "join", "urljoin", "url_for", "f", "quote", "removesuffix"))


def _host_in(expression: Expression, holding: Mapping[str, str]) -> str:
    """What of the request's host is a part of a text; what other calls make of it is another thing."""
    if isinstance(expression, Call) and expression.method not in _OF_TEXTS or isinstance(expression, Dictionary):
        return ""
    if isinstance(expression, Name):
        if _OF_THE_CALLER.search(expression.source_text) or _OF_THE_CALLER.search(expression.name):
            return expression.source_text
        return holding.get(expression.source_text, "")
    return next((found for part in expression.parts() if (found := _host_in(part, holding))), "")


def _roots(module: Module) -> set[str]:
    return {name.split(".", 1)[0] for name in module.imports.values()}


@collect("host-restricted", on=[literals()], required_literals=["trusted_hosts", "server_name"], files=("python",), not_in=_NOT_THE_SERVICE)
def hosts_in_code(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """Flask's `TRUSTED_HOSTS` and `SERVER_NAME`."""
    if literal.value in ("TRUSTED_HOSTS", "SERVER_NAME"):
        yield project_fact("host-restricted", literal, f"`{literal.value}`")


@collect(
    "host-restricted",
    on=[calls("*.add_middleware", "*.Middleware", "*.TrustedHostMiddleware")],
    required_literals=["trustedhostmiddleware"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def hosts_in_middleware(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Starlette's `TrustedHostMiddleware`."""
    if call.method == "TrustedHostMiddleware" or call.arguments and "TrustedHost" in call.arguments[0].text:
        yield project_fact("host-restricted", call, "`TrustedHostMiddleware`")


@collect("host-restricted", on=[text()], required_literals=["server_name"], files=("nginx",), not_in=_NOT_THE_SERVICE)
def hosts_of_nginx(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """nginx with names of its own."""
    found = re.search(r"(?m)^[ \t]*server_name[ \t]+(?!_[ \t]*;|localhost[ \t]*;|\"\"[ \t]*;)([^;\n]+);", whole.source.text)
    if found is not None:
        start = whole.source.offset(found.start(1))
        yield ProjectFact("host-restricted", context.file.path, whole.source.span(start, start + len(found[1].encode())), "`server_name`")


@collect(
    "host-restricted",
    on=[documents("kubernetes")],
    required_literals=[("ingress", "host"), ("httproute", "hostnames")],
    files=("yaml", "json"),
    not_in=_NOT_THE_SERVICE,
)
def hosts_of_ingress(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """An Ingress, or a route of the Gateway API, for some hosts."""
    kind = document.root.text_at("kind")
    host = (
        document.root.get("spec", "rules", "0", "host")
        if kind == "Ingress"
        else document.root.get("spec", "hostnames")
        if kind == "HTTPRoute"
        else None
    )
    if host is not None:
        yield ProjectFact("host-restricted", context.file.path, host.span, f"the {kind} names its hosts")


@project_check("PRD447", ("host-in-link", "host-restricted"))
def links_by_any_host(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Mails with links to the host that the caller wrote, and nothing that says which hosts there are."""
    restricted = project.about("host-restricted")
    for fact in restricted[:1]:
        yield Evidence("PRD447", fact.path, fact.span, fact.words)
    links = project.about("host-in-link")
    if links and not restricted:
        first, *others = links
        yield ProjectDiagnostic(
            first.path,
            first.span,
            f"`{first.words}` sends a link made from `{first.get('used')}`, which the caller writes, and nothing here says which hosts are known",
            None,
            tuple(Related(fact.path, fact.span, f"`{fact.words}` does so too") for fact in others[:5]),
        )
