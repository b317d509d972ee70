"""PRD641 django-deploy-settings-missing: what `manage.py check --deploy` asks of the settings that production runs with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    collect,
    documents,
    every,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Assignment, Call, Constant, Dictionary, Document, Expression
from prodlint.facts import Text as WholeText
from prodlint.model import Evidence, Priority, Related, Span
from prodlint.project.django_settings import DjangoSettings, production_settings
from prodlint.values.lattice import Known, Text, Value
from prodlint.values.lattice import Setting as SettingRead

_TOP = Span(1, 1, 1, 1)


@collect(
    "django-settings-module",
    on=[calls("os.environ.setdefault"), every(Assignment)],
    required_literals=["django_settings_module"],
    files=("python",),
    not_in=("test", "example", "docs"),
)
def settings_modules(fact: Call | Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """The settings that a project's own start files name."""
    if isinstance(fact, Call):
        key, value = fact.argument(0, "key"), fact.argument(1, "value")
        if not isinstance(key, Constant) or key.value != "DJANGO_SETTINGS_MODULE":
            return
    else:
        if fact.kind != "subscript" or fact.target != "DJANGO_SETTINGS_MODULE":
            return
        value = fact.value
    if value is None:
        return
    for found in _modules_named(context.values(fact.module).in_production.of(value)):
        yield project_fact("django-settings-module", fact, found)


_MOST_MODULES = 4


def _modules_named(value: Value) -> list[str]:
    """The modules that a text may name: constants, a setting's default, `f"shop.settings.{environment}"` with what `environment` may be."""
    found: list[str] = []
    for shape in value.unset().shapes:
        if isinstance(shape, Known) and isinstance(shape.value, str):
            found.append(shape.value)
        elif isinstance(shape, Text):
            made = [""]
            for part in shape.parts:
                pieces = [str(one) for one in part.value.constants() if isinstance(one, str)]
                made = [before + piece for before in made for piece in pieces][:_MOST_MODULES]
            found += made
    return list(dict.fromkeys(name for name in found if re.fullmatch(r"\w+(?:\.\w+)*", name)))[:_MOST_MODULES]


# How what stands in front of Django says that it leads to TLS, and that browsers shall stay there.
_REDIRECTS = re.compile(
    r"return\s+30[18]\s+https://|rewrite\s+\S+\s+https://|redirectscheme|redirections?\.entrypoint|force[-_]ssl-redirect|force[-_]https|forceSSL|https?_redirect|redirect\s+scheme\s+https|ssl_redirect",
    re.IGNORECASE,
)
_STRICT = re.compile(r"strict-transport-security|stsseconds|\bhsts\b", re.IGNORECASE)


@collect(
    "https-in-front",
    on=[text()],
    required_literals=[
        "strict-transport-security", "stsseconds", "hsts", "https://$", "https://{", "https://%", "redirectscheme", "redirections.entrypoint", "redirection.entrypoint",
        "ssl-redirect", "force_https", "redirect scheme https",
    ],
    files=("nginx", "yaml", "toml", "text", "json", "hcl", "ini"),
    not_in=("test", "example", "docs", "dev", "ci"),
)  # fmt: skip
def https_in_front(whole: WholeText, context: CheckContext) -> Iterator[ProjectFact]:
    """A proxy, an ingress or a platform that redirects to HTTPS or sends `Strict-Transport-Security`."""
    page = whole.source.text
    for words, pattern in (("redirect", _REDIRECTS), ("strict", _STRICT)):
        found = pattern.search(page)
        if found is not None:
            line = page.count("\n", 0, found.start()) + 1
            yield ProjectFact("https-in-front", context.file.path, Span(line, 1, line, 2), words)


@collect(
    "https-in-front", on=[documents("kubernetes")], required_literals=[("ingress", "tls")], files=("yaml", "json"), not_in=("test", "dev")
)
def ingress_with_tls(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """An Ingress with `tls`: ingress-nginx redirects to HTTPS and sends HSTS by itself where there is a certificate."""
    if document.root.text_at("kind") == "Ingress" and document.root.get("spec", "tls") is not None:
        for words in ("redirect", "strict"):
            yield ProjectFact("https-in-front", context.file.path, document.root.span, words)


@collect(
    "https-in-front", on=[text()], required_literals=["strict-transport-security"], files=("python",), not_in=("test", "example", "docs")
)
def header_of_its_own(whole: WholeText, context: CheckContext) -> Iterator[ProjectFact]:
    """A middleware of the project's own that sends the header."""
    if whole.hits:
        yield ProjectFact("https-in-front", context.file.path, _TOP, "strict")


# ---------------------------------------------------------------- PRD641

# Settings that must not be this constant: what it is, what follows from it, and the id of Django's own check.
_WRONG: Mapping[str, tuple[tuple[object, ...], str, Priority | None]] = {
    "SECURE_SSL_REDIRECT": ((False,), "requests by plain HTTP are answered as they come (security.W008)", None),
    "SECURE_HSTS_SECONDS": ((0, None), "browsers are never told to stay with HTTPS (security.W004)", None),
    "SECURE_CONTENT_TYPE_NOSNIFF": ((False,), "browsers guess what an uploaded file is, and run it (security.W006)", None),
    "SECURE_REFERRER_POLICY": ((None, "unsafe-url", "no-referrer-when-downgrade"), "addresses of pages go to other sites (security.W022)", "P2"),
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": ((None, "unsafe-none"), "pages that open this one keep a hand on its window (security.W024)", "P2"),
    "X_FRAME_OPTIONS": (("ALLOWALL", "ALLOW-FROM", "", None), "any site may show these pages in a frame (security.W019)", None),
    "LOGGING_CONFIG": ((None,), "nothing configures the log", "P2"),
}  # fmt: skip
_NO_MAIL = re.compile(r"django\.core\.mail\.backends\.(console|dummy|locmem|filebased)\.EmailBackend\Z")
_ABSENT = (("SECURE_HSTS_SECONDS", "strict"), ("SECURE_SSL_REDIRECT", "redirect"))


@project_check("PRD641", topics=("django-settings-module", "https-in-front", "proxy-pass"))
def deploy_settings(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """What production's settings lack, and what they have that development wants."""
    named = [(fact.words, fact.path) for fact in project.about("django-settings-module")]
    if not named or not project.environment.is_service:
        return
    settings = production_settings(project.environment, named)
    if settings is None:
        return
    texts = [one for one in settings.texts() if "iddleware" in one or "csp" in one or "lickjacking" in one]
    secured = any("SecurityMiddleware" in one for one in texts)
    if settings.given("MIDDLEWARE") and settings.is_whole:
        yield from _middleware(settings, texts)
    yield from _databases(settings)
    if settings.is_whole and secured:
        yield from _wrong(settings)
        yield from _mail_by_default(project, settings)
        yield from _absent(project, settings, options)
        yield from _behind_a_proxy(project, settings)


def _at(settings: DjangoSettings, assignment: Assignment | None, words: str, priority: Priority | None = None) -> ProjectDiagnostic:
    if assignment is None:
        return ProjectDiagnostic(settings.path, _TOP, words, priority=priority)
    related = () if assignment.file.path == settings.path else (Related(settings.path, _TOP, "production runs with these settings"),)
    return ProjectDiagnostic(assignment.file.path, assignment.span, words, priority=priority, related=related)


def _middleware(settings: DjangoSettings, texts: list[str]) -> Iterator[ProjectDiagnostic]:
    last = settings.given("MIDDLEWARE")[-1][1]
    if not any("SecurityMiddleware" in one for one in texts):
        yield _at(settings, last, "`MIDDLEWARE` has no `SecurityMiddleware`: no redirect to HTTPS, no HSTS, no `nosniff` (security.W001)")
    if not any("XFrameOptions" in one or "lickjacking" in one or "csp" in one.lower() for one in texts):
        yield _at(settings, last, "`MIDDLEWARE` has no `XFrameOptionsMiddleware`: any site may show these pages in a frame (security.W002)")


def _wrong(settings: DjangoSettings) -> Iterator[ProjectDiagnostic]:
    for name, (values, words, priority) in _WRONG.items():
        found = settings.constants(name)
        # What another branch or a later line gives it is right.
        if found and all(_is(value, values) for value, _ in found):
            value, at = found[-1]
            yield _at(settings, at, f"`{name} = {value!r}` in production: {words}", priority)
    mail = settings.constants("EMAIL_BACKEND")
    kind = _NO_MAIL.match(str(mail[-1][0])) if mail else None
    if mail and kind is not None and all(_NO_MAIL.match(str(value)) for value, _ in mail):
        yield _at(settings, mail[-1][1], f"`EMAIL_BACKEND` is the `{kind[1]}` backend in production: no mail reaches anybody")


def _mail_by_default(project: Project, settings: DjangoSettings) -> Iterator[ProjectDiagnostic]:
    """`EMAIL_BACKEND = os.getenv("EMAIL_BACKEND", "...console.EmailBackend")`, and nothing of production sets the variable."""
    given = settings.given("EMAIL_BACKEND")
    if len(given) != 1:
        return
    values, assignment = given[0]
    shape = values.in_production.of(assignment.value).only()
    if not isinstance(shape, SettingRead) or not shape.name or shape.name.upper() in project.environment.startup.settings:
        return
    kinds = {found[1] for text in shape.default.unset().constants() if (found := _NO_MAIL.match(str(text))) is not None}
    if kinds:
        words = f"`EMAIL_BACKEND` is the `{kinds.pop()}` backend where nobody sets `{shape.name}`, and no file of production does"
        yield _at(settings, assignment, words, "P2")


def _is(value: object, wrong: tuple[object, ...]) -> bool:
    text = value.upper() if isinstance(value, str) else value
    return any(
        type(one) is type(text) and (one.upper() if isinstance(one, str) and isinstance(text, str) else one) == text for one in wrong
    )


def _databases(settings: DjangoSettings) -> Iterator[ProjectDiagnostic]:
    """`CONN_MAX_AGE: 0` spelled out for a database server: a connection, with its TLS and login, for every request."""
    for _, assignment in settings.given("DATABASES"):
        value: Expression = assignment.value
        for _, database in value.items if isinstance(value, Dictionary) else ():
            age = database.get("CONN_MAX_AGE") if isinstance(database, Dictionary) else None
            options = database.get("OPTIONS") if isinstance(database, Dictionary) else None
            pooled = isinstance(options, Dictionary) and options.get("pool") is not None
            engine = database.get("ENGINE") if isinstance(database, Dictionary) else None
            server = isinstance(engine, Constant) and "sqlite" not in str(engine.value)
            if server and not pooled and isinstance(age, Constant) and age.value == 0 and not isinstance(age.value, bool):
                yield ProjectDiagnostic(
                    age.file.path, age.span, "`CONN_MAX_AGE` is 0: every request opens and closes a connection", priority="P2"
                )


def _absent(project: Project, settings: DjangoSettings, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """The settings of TLS that stand nowhere, in one finding; what a proxy of the repository does instead counts."""
    missing = []
    for name, words in _ABSENT:
        given = settings.given(name)
        constants = settings.constants(name)
        if constants and all(_is(value, _WRONG[name][0]) for value, _ in constants):
            continue
        instead = next((fact for fact in project.about("https-in-front") if fact.words == words), None)
        if given:
            yield Evidence("PRD641", given[-1][1].file.path, given[-1][1].span, f"`{name}`")
        elif instead is not None:
            yield Evidence(
                "PRD641", instead.path, instead.span, "a proxy does it" if words == "redirect" else "`Strict-Transport-Security`"
            )
        else:
            missing.append(f"`{name}`")
    if not missing:
        return
    stem = settings.path.rpartition("/")[2]
    meant = settings.is_named or stem.startswith("prod") or stem.endswith(("_prod.py", "_production.py"))
    related = tuple(
        Related(values.module.file.path, _TOP, "taken in from here")
        for values in settings.files
        if values.module.file.path != settings.path
    )
    words = f"the settings{' of production' if meant else ''} have no {' and no '.join(missing)}"
    # Where nobody says what production runs with, something in front may do it that lies in another repository.
    priority: Priority | None = None if meant and len(missing) > 1 else "P2"
    if priority and not options.get("any-settings"):
        return
    yield ProjectDiagnostic(settings.path, settings.place(), words, priority=priority, related=related)


@collect("proxy-pass", on=[text()], required_literals=["proxy_pass"], files=("nginx",), not_in=("test", "example", "docs", "dev", "ci"))
def proxies(whole: WholeText, context: CheckContext) -> Iterator[ProjectFact]:
    """A proxy that hands requests on by HTTP."""
    yield ProjectFact("proxy-pass", context.file.path, _TOP)


def _behind_a_proxy(project: Project, settings: DjangoSettings) -> Iterator[ProjectDiagnostic]:
    """A redirect to HTTPS of which Django never learns that it was followed: behind a proxy every request comes by HTTP."""
    redirect = settings.constants("SECURE_SSL_REDIRECT")
    proxy = next(iter(project.about("proxy-pass")), None)
    if redirect is None or redirect[-1][0] is not True or proxy is None or settings.given("SECURE_PROXY_SSL_HEADER"):
        return
    # gunicorn believes X-Forwarded-Proto only from addresses it is told, or its own machine; in a container the proxy is another.
    started = [one for one in project.environment.started if one.program == "gunicorn"]
    if not started or any("forwarded" in one.words for one in started) or "FORWARDED_ALLOW_IPS" in project.environment.startup.settings:
        return
    words = "`SECURE_SSL_REDIRECT` behind a proxy without `SECURE_PROXY_SSL_HEADER`: every request is redirected to itself"
    yield ProjectDiagnostic(
        redirect[-1][1].file.path, redirect[-1][1].span, words, related=(Related(proxy.path, proxy.span, "the proxy in front"),)
    )
