"""Cookies (PRD443) and the host header (PRD447)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.facts import Attribute, Call, Constant, Expression, Module, Name, Setting, Statement, Subscript, statements_in
from prodlint.model import FixRequest, Priority
from prodlint.values.expressions import follow, is_truth_of_development, listed, module_statements, truth, values
from prodlint.values.places import enclosing

# ---------------------------------------------------------------- PRD443

_PRECIOUS = re.compile(
    r"sess(?:ion)?|auth|token|jwt|csrf|xsrf|(?:^|_)sid$|login|remember|refresh|access|credential|identity", re.IGNORECASE
)
_PREFERENCE = re.compile(
    r"theme|lang|locale|consent|banner|color|sidebar|timezone|tz$|dismiss|seen|utm|analytics|currency|_type$|method|last_|count|expires|redirect|return_to",
    re.IGNORECASE,
)


@check("PRD443", on=[calls("*.set_cookie", "*.set_signed_cookie")], files=["python"])
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
        # Where a parameter says whether there is TLS, a constant would take the login away from everybody without it.
        function = enclosing(call, call.module)
        decided = function is not None and any(_ABOUT_TLS.search(parameter.name) for parameter in function.parameters)
        fix = None if decided else FixRequest("set-keyword", "add `https_only=True`", False, (("keyword", "https_only"), ("value", "True")))
        yield Diagnostic(call, "`SessionMiddleware` without `https_only=True` sends the session over plain HTTP too", fix=fix)


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


def _bindings(module: Module) -> Iterator[tuple[Statement, str, Expression]]:
    """Settings by name: module and class level, `app.config["X"]`, `app.config.X`."""
    statements = [s for s, _ in module_statements(module)]
    for function in module.functions():
        statements += [s for s in statements_in(function.body) if any(isinstance(t, Subscript) or "config" in t.text for t in s.targets)]
    for statement in statements:
        if statement.kind != "assign" or not statement.expressions:
            continue
        for target in statement.targets:
            if isinstance(target, Subscript) and isinstance(target.key, Constant):
                yield statement, str(target.key.value), statement.expressions[0]
            elif isinstance(target, (Name, Attribute)):
                yield statement, target.text.rsplit(".", 1)[-1], statement.expressions[0]


def _for_development(statement: Statement) -> bool:
    return statement.assignment is not None and bool(statement.assignment.scope.guards & {"debug", "environment"})


@check(
    "PRD443",
    on=[every(Module)],
    required_literals=["session_cookie_", "csrf_cookie_", "remember_cookie_", "jwt_cookie_secure", "quart_auth_cookie_secure"],
    files=["python"],
)
def cookie_settings(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Flask's and Django's cookie settings switched off by hand."""
    for statement, name, value in _bindings(module):
        if name in _SECURE and isinstance(value, Constant) and value.value is False and not _for_development(statement):
            yield Diagnostic(
                value,
                f"`{name} = False` lets the cookie leave by plain HTTP"
                if name.endswith("SECURE")
                else f"`{name} = False` lets scripts read the cookie",
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


# ---------------------------------------------------------------- PRD447


@check("PRD447", on=[every(Module)], required_literals=["allowed_hosts", "trusted_hosts"], files=["python"])
def any_host(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Django's `ALLOWED_HOSTS = ["*"]`."""
    for statement, name, value in _bindings(module):
        if name not in ("ALLOWED_HOSTS", "allowed_hosts", "TRUSTED_HOSTS") or _for_development(statement):
            continue
        if is_truth_of_development(value):
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
