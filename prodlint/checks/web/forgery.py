"""Requests that another site sends with a visitor's cookies (PRD444): protections against them that are switched off."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, Project, ProjectDiagnostic, calls, check, every, project_check, settings
from prodlint.facts import Assignment, Call, Class, Collection, Constant, Expression, Function, Module, Name, Setting, statements_in
from prodlint.model import Evidence
from prodlint.project.django_settings import production_settings
from prodlint.project.production import priority_in
from prodlint.values.handlers import words_in, words_of
from prodlint.values.lattice import Items, Known
from prodlint.values.lattice import Setting as SettingRead

# ---------------------------------------------------------------- views that are exempt

_EXEMPT = re.compile(r"(?:^|\.)csrf_exempt$|(?:^|\.)csrf\.exempt$|(?:^|\.)csrf_protect\.exempt$|(?:^|\.)exempt$")
# What says that a view acts for whoever the browser is signed in as.
_SESSION = re.compile(
    r"^(?:self\.)?request\.(?:user|session)(?:\.|$)|^(?:current_user|login_required|LoginRequiredMixin|permission_required|PermissionRequiredMixin|UserPassesTestMixin|user_passes_test|staff_member_required|fresh_login_required|session)(?:\.|$)"
)
# What another site cannot send along: keys, signatures, tokens of the service's own.
_PROVES = re.compile(
    r"signature|hmac|compare_digest|api[-_]?key|authorization|bearer|jwt|token|basic_?auth|webhook|hook|verify_\w+|constant_time|csrf_(?:token|protect)|check_csrf|secret",
    re.IGNORECASE,
)
# What another program calls, or a browser that comes back from one: neither has the token.
_CALLED_BY = re.compile(r"(?i)callback|web_?hook|(?:^|_)(?:ipn|notify)(?:_|$)|acs$")
_ONLY_READS = frozenset(("require_GET", "require_safe"))


@check("PRD444", on=[every(Module)], required_literals=["csrf_exempt", "csrf.exempt", "csrf_protect.exempt"], files=["python"])
def exempt_views(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`@csrf_exempt` on a view that acts for the visitor's session."""
    for function in module.functions():
        for decorator in function.decorators:
            if (
                _exempts(decorator)
                and function.class_ is None
                and not _CALLED_BY.search(function.name)
                and _acts_for_session([function], [])
            ):
                yield Diagnostic(decorator, _words(decorator, function.name))
        if function.class_ is not None and function.name == "dispatch":
            for decorator in function.decorators:
                if _exempts(decorator):
                    yield from _of_class(function.class_, decorator)
    for class_ in module.classes():
        for decorator in class_.decorators:
            if _exempts(decorator):
                yield from _of_class(class_, decorator)


def _words(at: Expression, name: str) -> str:
    shown = next((word for word in words_in(at) if "exempt" in word), "csrf_exempt")
    return f"`{shown}` on `{name}`, which acts for whoever the browser is signed in as: any site can have it called"


def _exempts(decorator: Expression) -> bool:
    """`@csrf_exempt`, `@csrf.exempt`, `@method_decorator(csrf_exempt, name="dispatch")`."""
    names = [decorator, *decorator.arguments] if isinstance(decorator, Call) else [decorator]
    written = [words for name in names if isinstance(name, Name) for words in (name.source_text, name.name.lower())]
    return any(_EXEMPT.search(words) and "csrf" in words for words in written)


def _of_class(class_: Class, at: Expression) -> Iterator[Diagnostic]:
    methods = [statement.definition for statement in class_.body if isinstance(statement.definition, Function)]
    changing = [method for method in methods if method.name in ("post", "put", "patch", "delete", "dispatch", "form_valid")]
    if (
        changing
        and not _CALLED_BY.search(class_.name)
        and not any("rest_framework" in base for base in class_.bases)
        and _acts_for_session(methods, list(class_.bases))
    ):
        yield Diagnostic(at, _words(at, class_.name))


def _acts_for_session(functions: list[Function], bases: list[str]) -> bool:
    words = {word for function in functions for word in words_of(function)} | {base.rpartition(".")[2] for base in bases}
    if any(_PROVES.search(word) for word in words) or not words.isdisjoint(_ONLY_READS):
        return False
    return any(_SESSION.match(word) for word in words)


# ---------------------------------------------------------------- settings


@check("PRD444", on=[every(Assignment)], required_literals=["wtf_csrf_methods"], files=["python"])
def without_methods(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.config["WTF_CSRF_METHODS"] = []`, or without `POST`."""
    if fact.target.upper() != "WTF_CSRF_METHODS" or fact.kind == "compare" or priority_in(fact, context) is False:
        return
    for shape in context.values(fact.module).in_production.of(fact.value).shapes:
        if isinstance(shape, Items) and shape.more is None and all(isinstance(item.only(), Known) for item in shape.items):
            left_out = "POST" not in {str(constant).upper() for item in shape.items for constant in item.constants()}
            if left_out:
                yield Diagnostic(fact.value, "`WTF_CSRF_METHODS` without `POST`: forms are accepted from any site")


_OFF = {
    "WTF_CSRF_ENABLED": "forms are accepted from any site",
    "WTF_CSRF_CHECK_DEFAULT": "no view asks for the token by itself",
    "JWT_COOKIE_CSRF_PROTECT": "the token in the cookie is enough, and the browser sends it for any site",
    "JWT_CSRF_IN_COOKIES": "scripts cannot read the second token",
}
_SWITCHES = ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT", "JWT_COOKIE_CSRF_PROTECT", "AUTHJWT_COOKIE_CSRF_PROTECT")
_LITERALS = ["wtf_csrf_enabled", "wtf_csrf_check_default", "cookie_csrf_protect"]


@check("PRD444", on=[every(Assignment)], required_literals=_LITERALS, files=["python"])
def switched_off(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """Flask-WTF's and Flask-JWT-Extended's switches, in settings, classes and `app.config`."""
    if fact.target.upper() not in _SWITCHES or fact.kind == "compare" or priority_in(fact, context) is False:
        return
    values = context.values(fact.module).in_production
    value = values.of(fact.value)
    if not value.unset().is_constant(False):
        return
    name = fact.target.upper()
    if "COOKIE_CSRF" in name and (not _tokens_in_cookies(fact.module) or _stays_on_the_site(fact.module)):
        return
    if name == "WTF_CSRF_CHECK_DEFAULT" and any(call.method == "protect" for call in fact.module.calls()):
        return  # the file asks for the token itself
    read = value.only()
    by_default = f" where nobody sets `{read.name}`" if isinstance(read, SettingRead) and read.name else ""
    yield Diagnostic(fact, f"`{fact.target}` is off{by_default}: {_OFF.get(name, _OFF['JWT_COOKIE_CSRF_PROTECT'])}")


_SAME_SITE = re.compile(r"(?i)^(?:AUTH)?JWT_COOKIE_SAMESITE$")


@lru_cache(maxsize=4)
def _stays_on_the_site(module: Module) -> bool:
    """Whether the same file keeps the cookie off requests that other sites start: `JWT_COOKIE_SAMESITE = "Lax"`."""
    for statement in statements_in(module.body, into_definitions=True):
        made = statement.assignment
        if made is not None and _SAME_SITE.match(made.target) and isinstance(made.value, Constant):
            if str(made.value.value).lower() in ("lax", "strict"):
                return True
    return False


@lru_cache(maxsize=4)
def _tokens_in_cookies(module: Module) -> bool:
    """Whether the same file says that tokens come in cookies."""
    for name in ("JWT_TOKEN_LOCATION", "authjwt_token_location", "AUTHJWT_TOKEN_LOCATION"):
        for statement in statements_in(module.body, into_definitions=True):
            for target in statement.targets:
                if name in target.text and any("cookies" in word for expression in statement.expressions for word in words_in(expression)):
                    return True
            made = statement.assignment
            if made is not None and made.target == name and any("cookies" in word for word in words_in(made.value)):
                return True
    return False


@check("PRD444", on=[settings("*wtf_csrf_enabled", "*wtf_csrf_check_default", "*jwt_cookie_csrf_protect")], required_literals=_LITERALS)
def switched_off_outside(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """The same outside Python."""
    if setting.origin not in ("python", "ci") and (setting.value or "").strip("\"' ").lower() in ("false", "0", "no", "off"):
        yield Diagnostic(
            setting,
            f"`{setting.name}={setting.value}`: {_OFF['WTF_CSRF_ENABLED' if 'WTF' in setting.name.upper() else 'JWT_COOKIE_CSRF_PROTECT']}",
        )


_KEYWORDS = {"require_csrf": "pyramid", "check_origin": "pyramid", "xsrf_cookies": "tornado", "csrf": "ninja"}


@check(
    "PRD444",
    on=[
        calls(
            "*.set_default_csrf_options",
            "pyramid.view.view_config",
            "pyramid.view.view_defaults",
            "tornado.web.Application",
            "ninja.NinjaAPI",
            "*.add_view",
        )
    ],
    required_literals=["require_csrf", ("csrf", "check_origin"), "xsrf_cookies", ("ninja", "csrf")],
    files=["python"],
)
def keyword_off(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Pyramid's `require_csrf=False`, Tornado's `xsrf_cookies=False`, and Ninja's `csrf=False` beside a login by cookie."""
    for keyword in _KEYWORDS:
        given = call.keywords.get(keyword)
        if (
            given is None
            or not context.values(call.module).in_production.of(given).is_constant(False)
            or priority_in(call, context) is False
        ):
            continue
        if keyword == "check_origin" and call.method != "set_default_csrf_options":
            continue
        if keyword == "csrf" and not any("django_auth" in word for word in words_in(call)):
            continue
        if keyword == "xsrf_cookies" and "cookie_secret" not in call.keywords:
            continue  # no cookies that stand for anybody
        yield Diagnostic(given, f"`{keyword}=False`: any site can have a signed-in visitor's browser change something here")


@check("PRD444", on=[every(Class)], required_literals=["enforce_csrf"], files=["python"])
def enforced_by_nothing(class_: Class, context: CheckContext) -> Iterator[Diagnostic]:
    """A subclass of Django REST framework's `SessionAuthentication` whose `enforce_csrf` does nothing."""
    if not any(base.endswith("SessionAuthentication") for base in class_.bases):
        return
    for statement in class_.body:
        method = statement.definition
        if (
            isinstance(method, Function)
            and method.name == "enforce_csrf"
            and all(
                inner.kind in ("pass", "return")
                and not any(not isinstance(one, Constant) for one in inner.expressions)
                or inner.kind == "expression"
                and all(isinstance(one, Constant) for one in inner.expressions)
                for inner in method.body
            )
        ):
            yield Diagnostic(method, f"`enforce_csrf` of `{class_.name}` does nothing: sessions are accepted without a CSRF token")


@check("PRD444", on=[every(Class)], required_literals=[("meta", "csrf", "form")], files=["python"])
def form_without_token(class_: Class, context: CheckContext) -> Iterator[Diagnostic]:
    """`class Meta: csrf = False` of a form of Flask-WTF."""
    if not any(
        base.rpartition(".")[2] in ("FlaskForm", "Form", "QuartForm") and base.startswith(("flask_wtf", "quart_wtf"))
        for base in class_.bases
    ):
        return
    for statement in class_.body:
        inner = statement.definition
        if isinstance(inner, Class) and inner.name == "Meta":
            for field in inner.body:
                made = field.assignment
                if made is not None and made.target == "csrf" and isinstance(made.value, Constant) and made.value.value is False:
                    yield Diagnostic(made, f"`{class_.name}` takes no token: any site can have it sent")


# ---------------------------------------------------------------- Django's middleware


@project_check("PRD444", ("django-settings-module",))
def middleware_left_out(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Sessions, and `MIDDLEWARE` of production without `CsrfViewMiddleware` (Django's security.W003)."""
    named = [(fact.words, fact.path) for fact in project.about("django-settings-module")]
    found = production_settings(project.environment, named) if named and project.environment.is_service else None
    given = found.given("MIDDLEWARE") if found is not None else []
    if found is None or not found.is_whole or not given:
        return
    texts = list(found.texts())
    last = given[-1][1]
    if any("csrf" in text.lower() and "iddleware" in text for text in texts):
        yield Evidence("PRD444", last.file.path, last.span, "`CsrfViewMiddleware`")
    elif any("SessionMiddleware" in text for text in texts) and isinstance(last.value, Collection):
        yield ProjectDiagnostic(
            last.file.path,
            last.span,
            "`MIDDLEWARE` keeps sessions and has no `CsrfViewMiddleware`: any site can have a signed-in visitor's browser change something here (security.W003)",
        )
