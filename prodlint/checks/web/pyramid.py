"""Cookies of Pyramid: the ticket, sessions and tokens that its factories send (PRD443)."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.facts import Call
from prodlint.model import FixRequest

# Factories -> keywords that are off where nothing is said.
_FACTORIES: dict[str, tuple[str, ...]] = {
    "pyramid.authentication.AuthTktAuthenticationPolicy": ("secure", "http_only"),
    "pyramid.authentication.AuthTktCookieHelper": ("secure", "http_only"),
    "pyramid.session.SignedCookieSessionFactory": ("secure", "httponly"),
    "pyramid.session.BaseCookieSessionFactory": ("secure", "httponly"),
    "pyramid.session.UnencryptedCookieSessionFactoryConfig": ("cookie_secure", "cookie_httponly"),
    "pyramid.csrf.CookieCSRFStoragePolicy": ("secure",),
}


@check("PRD443", on=[calls(*_FACTORIES)], files=["python"])
def pyramid_cookie(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`AuthTktAuthenticationPolicy(secret)`, whose ticket is whoever holds it."""
    if call.stars or call.scope.guards & {"debug", "environment"}:
        return
    given = context.values(call.module).keywords(call)
    missing = [name for name in _FACTORIES[call.name] if name not in given or given[name].is_constant(False)]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        fix = FixRequest("set-keyword", f"add `{missing[0]}=True`", False, (("keyword", missing[0]), ("value", "True")))
        yield Diagnostic(call, f"the cookie of `{call.method}` is sent without {names}", fix=fix)
