"""CORS: which origins a service answers, in every framework's spelling (PRD401 to PRD406).

A call, a settings module or a header becomes a `Policy`; the rules judge policies and never see a framework.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from prodlint import regexes
from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.checks.quoting import quote
from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Fact,
    Function,
    Module,
    Name,
    Operation,
    Setting,
    Statement,
    Subscript,
    calls_in,
    statements_in,
)
from prodlint.model import FixRequest, Priority, Related
from prodlint.project.production import given_anew
from prodlint.values.configured import configured_in
from prodlint.values.expressions import (
    Value,
    dictionary,
    follow,
    is_development_test,
    is_text,
    listed,
    module_statements,
    truth,
    values,
)

# ---------------------------------------------------------------- frameworks


@dataclass(frozen=True, slots=True)
class CorsApi:
    """How one library's CORS call is read.

    origins, regexes, credentials: keywords in order of preference. position: of the origins among the arguments, or -1.
    open: the origins' default is any. prefix: patterns need only match the start. patterns: entries may be regular
    expressions. globs: `*` inside an entry is a wildcard. text: a single text is meant. refuses: wildcard with
    credentials fails at start-up or on every response instead of leaking.
    """

    library: str
    origins: tuple[str, ...]
    regexes: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ("allow_credentials",)
    position: int = -1
    open: bool = False
    prefix: bool = False
    patterns: bool = False
    globs: bool = False
    text: bool = False
    refuses: bool = False
    methods: str = "allow_methods"
    reads_only_by_default: bool = False


STARLETTE = CorsApi("Starlette", ("allow_origins",), ("allow_origin_regex",), position=1, reads_only_by_default=True)
FLASK = CorsApi(
    "flask-cors", ("origins",), (), ("supports_credentials",), open=True, prefix=True, patterns=True, text=True, methods="methods"
)
SANIC_CORS = CorsApi(
    "Sanic-CORS", ("origins",), (), ("supports_credentials",), open=True, prefix=True, patterns=True, text=True, methods="methods"
)
QUART = CorsApi("quart-cors", ("allow_origin",), (), open=True, prefix=True, text=True, refuses=True)
LITESTAR = CorsApi("Litestar", ("allow_origins",), ("allow_origin_regex",), position=0, open=True, globs=True)
FALCON = CorsApi("Falcon", ("allow_origins",), (), position=0, open=True, text=True, methods="")
SANIC_EXT = CorsApi(
    "Sanic-Ext",
    ("cors_origins", "origins", "origin"),
    (),
    ("cors_supports_credentials", "supports_credentials"),
    prefix=True,
    text=True,
    refuses=True,
)
SOCKETIO = CorsApi("Socket.IO", ("cors_allowed_origins",), (), (), text=True, methods="")
POWERTOOLS = CorsApi("AWS Lambda Powertools", ("allow_origin",), (), position=0, open=True, text=True, methods="")
BLACKSHEEP = CorsApi("BlackSheep", ("allow_origins",), (), text=True)

HELPERS: dict[str, CorsApi] = {
    "flask_cors.CORS": FLASK,
    "flask_cors.CORS.init_app": FLASK,
    "flask_cors.cross_origin": FLASK,
    "flask_cors.extension.CORS": FLASK,
    "flask_cors.decorator.cross_origin": FLASK,
    "sanic_cors.CORS": SANIC_CORS,
    "sanic_cors.cross_origin": SANIC_CORS,
    "sanic_cors.extension.CORS": SANIC_CORS,
    "quart_cors.cors": QUART,
    "quart_cors.route_cors": QUART,
    "quart_cors.websocket_cors": QUART,
    "litestar.config.cors.CORSConfig": LITESTAR,
    "starlite.CORSConfig": LITESTAR,
    "starlite.config.CORSConfig": LITESTAR,
    "starlite.config.cors.CORSConfig": LITESTAR,
    "falcon.CORSMiddleware": FALCON,
    "falcon.middleware.CORSMiddleware": FALCON,
    "sanic_ext.cors": SANIC_EXT,
    "sanic_ext.Config": SANIC_EXT,
    "sanic_ext.extensions.http.cors.cors": SANIC_EXT,
    "socketio.Server": SOCKETIO,
    "socketio.AsyncServer": SOCKETIO,
    "engineio.Server": SOCKETIO,
    "engineio.AsyncServer": SOCKETIO,
    "flask_socketio.SocketIO": SOCKETIO,
    "flask_socketio.SocketIO.init_app": SOCKETIO,
    "aws_lambda_powertools.event_handler.CORSConfig": POWERTOOLS,
    "aws_lambda_powertools.event_handler.api_gateway.CORSConfig": POWERTOOLS,
}

# Flask-CORS itself takes a text with one of these for a regular expression.
_LOOKS_LIKE_REGEX = frozenset("*\\]?$^[()")

_READS_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Policy:
    """What one piece of configuration says: about origins, and where it says so.

    at: where a finding points. origins: the texts that may be allowed. patterns: regular expressions. open: nothing
    was given and the library then allows any. credentials: True, False, or None where it is not said here.
    reads_only: only GET and HEAD are allowed across origins, or credentials were switched off by hand.
    """

    at: Fact
    library: str
    words: str
    origins: list[Value] = field(default_factory=list)
    patterns: list[Value] = field(default_factory=list)
    open: bool = False
    credentials: bool | None = None
    credentials_words: str = ""
    credentials_at: Expression | None = None
    reads_only: bool = False
    prefix: bool = False
    globs: bool = False
    refuses: bool = False
    bare: Expression | None = None
    settings_only: bool = False
    where: Expression | None = None


# ---------------------------------------------------------------- judging a policy


def _related(policy: Policy, value: Value) -> tuple[Related, ...]:
    if policy.at.source.position(value.at.start)[0] == policy.at.source.position(policy.at.start)[0]:
        return ()
    return (Related(policy.at.file.path, value.at.span, f'"{value.text}" comes from here'),)


def _was_chosen(star: Value, module: Module, context: CheckContext) -> bool:
    """Whether the asterisk stands where the code asked if it was set: `if "*" in origins:`, `"*" if origins == ["*"] else origins`."""
    return any(
        isinstance(part, Operation)
        and part.operator in ("==", "in")
        and any(isinstance(inner, Constant) and inner.value == "*" for operand in part.operands for inner in operand.walk())
        for condition in context.values(module).conditions(star.at)
        for part in condition.expression.walk()
    )


def evaluate(policy: Policy, module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """The hits of one rule in one policy. Wildcard and credentials together are PRD402 alone."""
    code = context.code
    star = next((value for value in policy.origins if value.text.strip() == "*"), None)
    everything = next((value for value in policy.patterns if accepts_anything(value.text, policy.prefix)), None)
    at: Fact = policy.where if policy.where is not None else policy.at
    if policy.credentials and (star is not None or everything is not None or policy.open):
        if code == "PRD402":
            value = star or everything
            how = (
                policy.words
                if star is not None
                else f'the pattern "{everything.text}"'
                if everything is not None
                else "no origins (any, by default)"
            )
            if policy.refuses and (star is not None or everything is None):  # a pattern is not what the library looks for
                words = f"{policy.library} refuses {how} together with credentials: no response gets through"
                yield Diagnostic(at, words, priority="P1", related=_related(policy, value) if value is not None else ())
            else:
                words = f"{policy.library} answers any origin with its credentials: {how} together with {policy.credentials_words}"
                fix = None
                if policy.credentials_at is not None:
                    span = policy.credentials_at.span
                    place = {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}
                    arguments = (*((key, str(value)) for key, value in place.items()), ("text", "False"))
                    fix = FixRequest("replace-at", "answer without credentials", False, arguments)
                yield Diagnostic(at, words, related=_related(policy, value) if value is not None else (), fix=fix)
        return
    lowered: Priority | None = "P2" if policy.reads_only else None
    if (star is not None or policy.open) and context.options.get("public") or star is not None and _was_chosen(star, module, context):
        return
    if star is not None:
        if code == "PRD401":
            fallback = " by default" if star.fallback else ""
            yield Diagnostic(
                at,
                f"{policy.words} lets any origin{fallback} read this service's answers",
                priority=lowered,
                related=_related(policy, star),
                fix=_from_settings(policy, star),
            )
        return
    if policy.open:
        if code == "PRD403":
            yield Diagnostic(policy.at, f"{policy.words} names no origins, and {policy.library} then allows any", priority=lowered)
        return
    if code == "PRD404":
        for value in policy.patterns:
            if not value.text and value.fallback:
                continue  # a list that is empty where nobody sets it
            why = too_broad(value.text, policy.prefix)
            if why:
                yield Diagnostic(value.at, why, fix=_tighter(value, policy))
    if code == "PRD405":
        yield from _judge_values(policy)


_ORIGINS_NAME = re.compile(r"(?i)^(?:\w+_)?(?:cors_(?:\w+_)?origins?(?:_list)?|allowed_origins|allow_origins)$")
_SETTINGS_NAME = re.compile(r"(?i)^(?:\w+_)?(?:settings|config|conf|cfg)$")


def _from_settings(policy: Policy, star: Value) -> FixRequest | None:
    """The project's own setting instead of the list with the asterisk, where this file uses it or makes it."""
    call = policy.at
    if not isinstance(call, Call) or not call.start <= star.at.start < star.at.end <= call.end:
        return None
    given = next((value for value in call.keywords.values() if _is_only(value, star.at)), None)
    name = _origins_setting(call.module, call)
    if given is None or not name:
        return None
    place = (("start", str(given.start)), ("end", str(given.end)))
    return FixRequest("replace-value", f"Take the origins from `{name}`", False, (("text", name), *place))


def _is_only(given: Expression, star: Expression) -> bool:
    """Whether an argument is the asterisk itself, or a list of nothing else."""
    alone = given.items[0] if isinstance(given, Collection) and len(given.items) == 1 else given
    return (alone.start, alone.end) == (star.start, star.end)


def _origins_setting(module: Module, call: Call) -> str:
    """`settings.cors_origins`, where the file names such a setting outside this call or has the class of `settings`."""
    used = next((text for start, text in _origins_used(module) if not call.start <= start < call.end), "")
    return used or _origins_of_class(module)


@lru_cache(maxsize=4)
def _origins_used(module: Module) -> tuple[tuple[int, str], ...]:
    """Where the file names such a setting."""
    found = []
    for statement, _ in module_statements(module):
        for expression in (inner for given in statement.expressions for inner in given.walk()):
            if isinstance(expression, Name):
                holder, _, field_ = expression.source_text.rpartition(".")
                if _ORIGINS_NAME.match(field_) and _SETTINGS_NAME.match(holder):
                    found.append((expression.start, expression.source_text))
    return tuple(found)


@lru_cache(maxsize=4)
def _origins_of_class(module: Module) -> str:
    """Such a setting of the settings that the file makes of a class of its own."""
    made_of: dict[str, str] = {}
    for statement, _ in module_statements(module):
        made = statement.expressions[0] if statement.kind == "assign" and statement.expressions else None
        bound = statement.targets[0] if statement.targets else None
        if isinstance(made, Call) and isinstance(bound, Name):
            made_of.setdefault(made.name.rsplit(".", 1)[-1], bound.source_text)
    for class_ in module.classes():
        names = [s.assignment.target for s in class_.body if s.assignment is not None]
        names += [target.source_text for s in class_.body for target in s.targets if isinstance(target, Name)]
        field_ = next((name for name in names if _ORIGINS_NAME.match(name)), "")
        if field_ and class_.name in made_of:
            return f"{made_of[class_.name]}.{field_}"
    return ""


def _tighter(value: Value, policy: Policy) -> FixRequest | None:
    """The pattern with its dots escaped and its end fixed, where that is all that is wrong with it."""
    written = value.at.text
    literal = re.fullmatch(r"""[rR]?(["'])(?!\1)[^"'\n]*\1""", written)
    if literal is None or re.search(r"(?<![.\])}])\*", value.text) or ("\\" in written and written[0] not in "rR"):
        return None
    pattern = re.sub(r"(?<!\\)\.(?![*+?{])", r"\.", value.text)
    if policy.prefix and not pattern.endswith(("$", r"\Z")):
        pattern += "$"
    if pattern == value.text or too_broad(pattern, policy.prefix):
        return None
    place = (("start", str(value.at.start)), ("end", str(value.at.end)))
    return FixRequest("replace-value", "Escape the dots and fix the end", False, (("text", f"r{literal[1]}{pattern}{literal[1]}"), *place))


def _judge_values(policy: Policy) -> Iterator[Diagnostic]:
    if policy.bare is not None:
        fix = FixRequest("replace", "put the origin into a list", True, (("text", f"[{policy.bare.text}]"),))
        is_literal = isinstance(policy.bare, Constant)
        words = f"`allow_origins` of {policy.library} is a text, not a list: any part of it (such as `https://a`) is accepted as an origin"
        yield Diagnostic(policy.bare, words, fix=fix if is_literal else None)
        return
    local = [value for value in policy.origins if is_local(value.text) and not _APPLICATION.match(value.text.strip())]
    for value in policy.origins:
        why, priority = unsafe_value(value.text, policy.globs)
        if why and not (priority == "P2" and value.fallback):
            yield Diagnostic(value.at, why, priority=priority)
    if local and not policy.settings_only and not local[0].fallback:
        only = len(local) == len(policy.origins)
        if not only:
            yield Diagnostic(local[0].at, f'"{local[0].text}" is a developer\'s machine among the origins of production', priority="P2")


def unsafe_value(text: str, globs: bool) -> tuple[str, Priority | None]:
    """What is wrong with one origin, and a lower priority where it only does not work."""
    origin = text.strip()
    if origin == "null":
        return '"null" is the origin of every sandboxed frame and local file', None
    if origin and "*" in origin.rpartition(":")[2] and not globs and is_local(origin):
        return f'"{origin}" never matches: entries are compared whole, `*` is no wildcard here', "P2"
    if not origin or origin == "*" or is_local(origin):
        return "", None
    scheme, separator, rest = origin.partition("://")
    if not separator:
        return "", None
    if "*" in rest and not globs:
        return f'"{origin}" never matches: entries are compared whole, `*` is no wildcard here', "P2"
    if "/" in rest:
        return f'"{origin}" never matches: a browser sends an origin without a path or trailing slash', "P2"
    if scheme.lower() == "http" and "." in rest and not rest.replace(".", "").replace(":", "").isdigit():
        return f'"{origin}" is reached without TLS: whoever sits in between speaks for it', None
    return "", None


_LOCAL = re.compile(
    r"^(?:[a-z+.-]+://)?(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\]|host\.docker\.internal|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|test|testserver"
    r"|[a-z0-9.-]+\.(?:local|localhost|test|internal|example|invalid))(?::[\d*]+)?/?$",
    re.IGNORECASE,
)


# Schemes of installed applications: their pages come from the device itself, in production too.
_APPLICATION = re.compile(r"(?!https?:|wss?:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_local(origin: str) -> bool:
    """Whether an origin is a developer's machine or a private network."""
    return bool(_LOCAL.match(origin.strip()))


# ---------------------------------------------------------------- patterns

_PROBES = ("https://prodlint-probe.invalid", "http://prodlint-probe.invalid", "https://a.b.prodlint-probe.invalid")
_NESTED = re.compile(r"[+*}]\)?[+*{]|[+*]\)[+*{]")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SHARED = (
    "vercel.app",
    "netlify.app",
    "github.io",
    "herokuapp.com",
    "pages.dev",
    "workers.dev",
    "web.app",
    "firebaseapp.com",
    "onrender.com",
    "fly.dev",
    "up.railway.app",
    "ngrok.io",
    "ngrok-free.app",
    "azurewebsites.net",
    "cloudfront.net",
    "amazonaws.com",
    "run.app",
    "surge.sh",
    "gitpod.io",
    "replit.app",
    "lovable.app",
)
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "ac", "edu"})


def _matcher(pattern: str, prefix: bool) -> Callable[[str], bool] | None:
    if len(pattern) > 400 or _NESTED.search(pattern):
        return None
    try:
        compiled = regexes.compiled(pattern, re.IGNORECASE)
    except regexes.Refused:
        return None
    return (lambda text: compiled.match(text) is not None) if prefix else (lambda text: compiled.fullmatch(text) is not None)


def accepts_anything(pattern: str, prefix: bool) -> bool:
    """Whether a pattern accepts origins nobody thought of."""
    accepts = _matcher("https?://.*" if pattern == "*" else pattern, prefix)
    return accepts is not None and any(accepts(probe) for probe in _PROBES)


def too_broad(pattern: str, prefix: bool) -> str:
    """What stranger a pattern lets in, in words; nothing where it holds.

    The pattern is tried, not read: the domain it names is put into hosts that somebody else could own.
    """
    if accepts_anything(pattern, prefix):
        return f"`{pattern}` accepts every origin"
    accepts = _matcher(pattern, prefix)
    if accepts is None:
        return ""
    plain = re.sub(r"\(\?[:=!]|\(\?P<\w+>|\\[ZzAb]|[()^$]", " ", pattern.replace("\\.", ".").replace("\\-", "-").replace("\\/", "/"))
    domains = [found for found in _DOMAIN.findall(plain) if not found.replace(".", "").isdigit()]
    for domain in dict.fromkeys(domains):
        if is_local(domain):
            continue
        parts = domain.lower().split(".")
        size = 3 if len(parts) > 2 and parts[-2] in _SECOND_LEVEL and len(parts[-1]) == 2 else 2
        own, before = ".".join(parts[-size:]), parts[:-size]
        shared = next((host for host in _SHARED if domain.lower() == host), None)
        for scheme in ("https", "http"):
            if shared is not None and accepts(f"{scheme}://prodlint-probe.{shared}"):
                return f"`{pattern}` accepts every site on {shared}, where anybody can have one"
            if accepts(f"{scheme}://evil{own}") or accepts(f"{scheme}://a.evil{own}"):
                return f"`{pattern}` also accepts `{scheme}://evil{own}`"
            if before and accepts(f"{scheme}://{'.'.join(before)}x{own}"):
                return f"`{pattern}` also accepts `{scheme}://{'.'.join(before)}x{own}`: the dot before {own} is not escaped"
            if not before and accepts(f"{scheme}://ax{own}") and not accepts(f"{scheme}://evil{own}"):
                return f"`{pattern}` also accepts `{scheme}://ax{own}`"
            if prefix:
                for host in (domain, f"a.{domain}", f"www.{domain}"):
                    if accepts(f"{scheme}://{host}") and accepts(f"{scheme}://{host}.evil.invalid"):
                        return f"`{pattern}` is matched at the start only, so it also accepts `{scheme}://{host}.evil.example`"
    if prefix:
        # An origin that the author had in mind: `https://api.*.acme.io` with a word for each part that may be anything.
        sample = _ANY_PART.sub("x", pattern.removeprefix("^")).replace("\\", "")
        if sample.startswith("http") and accepts(sample) and accepts(f"{sample}.evil.invalid"):
            return (
                f"`{pattern}` is taken for a regular expression and matched at the start only, so it also accepts `{sample}.evil.example`"
            )
    return ""


_ANY_PART = re.compile(r"\.[*+]\??|\\w[*+]|\[[^\]]*\](?:[*+]|\{[\d,]+\})|\([^()]*\)[*+?]?")


# ---------------------------------------------------------------- calls


_CORS_CLASS = re.compile(r"(^|\.)CORSMiddleware$")


def _starlette_call(call: Call) -> bool:
    """Whether a call configures Starlette's CORSMiddleware: built, or handed to `add_middleware` or `Middleware`."""
    if call.name.startswith("falcon."):
        return False
    if call.method == "CORSMiddleware" or _CORS_CLASS.search(call.name):
        return bool(call.keywords) and not call.name.startswith(("aiohttp", "asgi_cors"))
    first = call.argument(0, "middleware_class")
    return isinstance(first, Name) and bool(_CORS_CLASS.search(first.name)) and not first.name.startswith("falcon.")


def _unpacked(call: Call) -> dict[str, Expression] | None:
    """Keywords from `**options` where options is a dict the file shows; None where they are not known."""
    if not call.stars:
        return {}
    found: dict[str, Expression] = {}
    for mapping in call.spreads:
        known = dictionary(call.module, mapping, call)
        if known is None:
            return None
        found.update(known)
    return found if call.spreads else None


def policy_of(call: Call) -> Policy | None:
    """What a framework's CORS call says, or None where it is not one (or nothing can be known)."""
    helper = HELPERS.get(call.name)
    if helper is None:
        if _starlette_call(call):
            helper = STARLETTE
        elif call.method == "use_cors":
            helper = BLACKSHEEP
        else:
            return None
    module = call.module
    if helper is FLASK and call.method == "CORS" and not call.arguments and not call.keywords:
        return None  # made here, told at init_app
    words = f"`{call.method or call.name.rsplit('.', 1)[-1]}`"
    policy = Policy(call, helper.library, words, prefix=helper.prefix, globs=helper.globs, refuses=helper.refuses)
    spread = _unpacked(call)
    keywords: dict[str, Expression] = {**(spread or {}), **call.keywords}
    if call.method == "init_app" and call.constructor is not None:
        keywords = {**call.constructor.keywords, **keywords}
    name = next((n for n in helper.origins if n in keywords), helper.origins[0])
    given = keywords.get(name)
    if given is None and helper.position >= 0 and helper is not STARLETTE:
        given = call.argument(helper.position)
    if helper in (FLASK, SANIC_CORS):
        _flask_resources(module, call, keywords, policy)
    if given is not None:
        policy.where = given
        policy.words = f"`{name}={_short(given)}`"
        found = list(values(module, given, call))
        if helper.patterns or helper is QUART:
            policy.patterns.extend(_compiled(module, follow(module, given, call)))
        if helper is SOCKETIO and isinstance(known := follow(module, given, call), Collection) and not known.items:
            policy.origins.append(Value("*", given))  # an empty list switches the check off
        for value in found:
            if helper.patterns and value.text != "*" and _LOOKS_LIKE_REGEX.intersection(value.text):
                policy.patterns.append(value)
            else:
                policy.origins.append(value)
        if helper is STARLETTE and not any(v.text == "*" for v in found) and is_text(module, given, call):
            policy.bare = given
    for regex in helper.regexes:
        if regex in keywords:
            policy.patterns.extend(values(module, keywords[regex], call))
    for credentials in helper.credentials:
        if credentials in keywords:
            policy.credentials = truth(module, keywords[credentials], call)
            policy.credentials_words = f"`{credentials}=True`"
            policy.credentials_at = keywords[credentials] if isinstance(keywords[credentials], Constant) else None
    if helper is FALCON:
        granted = keywords.get("allow_credentials") or call.argument(2)
        if granted is not None:
            policy.credentials = any(value.text == "*" for value in values(module, granted, call))
            policy.credentials_words = '`allow_credentials="*"`'
    if helper in (FLASK, SANIC_CORS, QUART):
        _application_config(module, policy)
    nothing = given is None and not policy.origins and not policy.patterns
    policy.open = helper.open and nothing and not (call.stars and spread is None) and not policy.settings_only
    policy.reads_only = _reads_only(module, keywords.get(helper.methods), helper, call) or _switched_off(keywords, helper)
    return policy


def _reads_only(module: Module, methods: Expression | None, helper: CorsApi, near: Fact) -> bool:
    if methods is None:
        return helper.reads_only_by_default
    named = {value.text.upper() for value in values(module, methods, near)}
    return bool(named) and named <= _READS_ONLY


def _switched_off(keywords: Mapping[str, Expression], helper: CorsApi) -> bool:
    return any(isinstance(value := keywords.get(name), Constant) and value.value is False for name in helper.credentials)


def _short(expression: Expression) -> str:
    return quote(expression.text, 40)


def _flask_resources(module: Module, call: Call, keywords: Mapping[str, Expression], policy: Policy) -> None:
    """`resources={r"/api/*": {"origins": "*"}}`: options of single paths."""
    resources = keywords.get("resources")
    if resources is None:
        return
    known = follow(module, resources, call)
    if not isinstance(known, Dictionary):
        # A path or a list of paths: the options stand beside it. A name nobody can follow: say nothing.
        policy.settings_only = not isinstance(known, (Constant, Collection))
        return
    without = 0
    for _, options in known.items:
        inner = dictionary(module, options, call)
        if inner is None:
            policy.settings_only = True
            continue
        if "supports_credentials" in inner:
            policy.credentials = truth(module, inner["supports_credentials"], call)
            policy.credentials_words = "`supports_credentials=True`"
        origins = inner.get("origins")
        if origins is None:
            without += 1
            continue
        policy.settings_only = True
        for value in values(module, origins, call):
            if value.text != "*" and _LOOKS_LIKE_REGEX.intersection(value.text):
                policy.patterns.append(value)
            else:
                policy.origins.append(value)
                if value.text == "*":
                    policy.where, policy.words = origins, f"`origins={_short(origins)}`"
    if without == 0:
        policy.settings_only = True


_FLASK_CONFIG = ("CORS_ORIGINS", "QUART_CORS_ALLOW_ORIGIN", "CORS_RESOURCES")
_FLASK_CREDENTIALS = ("CORS_SUPPORTS_CREDENTIALS", "QUART_CORS_ALLOW_CREDENTIALS")


def _application_config(module: Module, policy: Policy) -> None:
    """Origins that the same file puts into the application's configuration."""
    elsewhere, credentials = _configured(module)
    # Judged where it is written.
    policy.settings_only = policy.settings_only or elsewhere
    for key, given in credentials:
        if policy.credentials is None:
            policy.credentials = truth(module, given, given)
            policy.credentials_words = f"`{key}`"


@lru_cache(maxsize=4)
def _configured(module: Module) -> tuple[bool, tuple[tuple[str, Expression], ...]]:
    """Whether a file gives the application's configuration origins, and what it says there of credentials."""
    elsewhere = False
    credentials: list[tuple[str, Expression]] = []
    for _, key, given in configured_in(module):
        elsewhere = elsewhere or key in _FLASK_CONFIG
        if key in _FLASK_CREDENTIALS:
            credentials.append((key, given))
    for statement, _ in _config_statements(module):
        for target in statement.targets:
            key = _config_key(target)
            elsewhere = elsewhere or key in _FLASK_CONFIG
            if key in _FLASK_CREDENTIALS and statement.expressions:
                credentials.append((key, statement.expressions[0]))
    return elsewhere, tuple(credentials)


def _config_key(target: Expression) -> str:
    """`app.config["X"]`, `app.config.X` and `X` as X."""
    if isinstance(target, Subscript) and isinstance(target.key, Constant) and isinstance(target.key.value, str):
        return target.key.value if target.value.text.lower().endswith("config") else ""
    if isinstance(target, (Name, Attribute)):
        return target.text.rsplit(".", 1)[-1]
    return ""


def _config_statements(module: Module) -> Iterator[tuple[Statement, str]]:
    for statement in statements_in(module.body, into_definitions=True):
        if statement.kind == "assign":
            yield statement, ""


_CORS_CALLS = (
    "*.add_middleware",
    "*.Middleware",
    "*.CORSMiddleware",
    "*.use_cors",
    *HELPERS,
)


_CONFIGURATIONS = ("settings", "config", "configuration", "default_settings", "defaults")
_FLASK_ORIGINS = ("CORS_ORIGINS", "CORS_RESOURCES")


def _configured_elsewhere(context: CheckContext) -> bool:
    """Whether the project's configuration names the origins: flask-cors takes `CORS_ORIGINS` of `app.config` where it is told none."""
    path = context.file.path
    parts = path.removesuffix(".py").split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        for stem in _CONFIGURATIONS:
            values_there = context.environment.python_files.named(".".join((*parts[:depth], stem)), path)
            if values_there is not None and any(values_there.module.assignments(name) for name in _FLASK_ORIGINS):
                return True
    return False


def _is_for_development(scope_guards: frozenset[str]) -> bool:
    return bool(scope_guards & {"debug", "environment"})


@check(
    "PRD401",
    "PRD402",
    "PRD403",
    "PRD404",
    "PRD405",
    on=[calls(*_CORS_CALLS)],
    required_literals=[
        "corsmiddleware",
        "flask_cors",
        "sanic_cors",
        "quart_cors",
        "corsconfig",
        "sanic_ext",
        "cors_allowed_origins",
        "use_cors",
    ],
    files=["python"],
)
def cors_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A framework's CORS helper."""
    policy = policy_of(call)
    if policy is None or _is_for_development(call.scope.guards):
        return
    if policy.open and call.name.startswith("flask_cors.") and _configured_elsewhere(context):
        return
    yield from evaluate(policy, call.module, context)


@check(
    "PRD401",
    "PRD402",
    "PRD403",
    on=[calls("falcon.App", "falcon.asgi.App", "falcon.API")],
    required_literals=["cors_enable"],
    files=["python"],
)
def falcon_app(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`falcon.App(cors_enable=True)`: any origin."""
    if context.code == "PRD403" and truth(call.module, call.keywords.get("cors_enable"), call):
        yield Diagnostic(call, "`cors_enable=True` allows any origin: Falcon's CORS middleware does so unless it is given origins")


@check("PRD401", "PRD402", "PRD405", on=[calls("aiohttp_cors.*")], required_literals=["aiohttp_cors"], files=["python"])
def aiohttp_cors(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`aiohttp_cors.setup(app, defaults={"*": ResourceOptions(...)})` and `cors.add(route, {"*": ...})`."""
    if call.method not in ("setup", "add"):
        return
    given = call.argument(1, "defaults" if call.method == "setup" else "config")
    if given is None:
        return
    known = follow(call.module, given, call)
    if not isinstance(known, Dictionary):
        return
    for key, options in known.items:
        if key is None:
            continue
        resolved = follow(call.module, options, call)
        policy = Policy(call, "aiohttp-cors", '`"*"` as a key', where=key)
        policy.origins = list(values(call.module, key, call))
        if isinstance(resolved, Call):
            policy.credentials = truth(call.module, resolved.keywords.get("allow_credentials"), call)
            policy.credentials_words = "`allow_credentials=True`"
            policy.reads_only = _reads_only(call.module, resolved.keywords.get("allow_methods"), LITESTAR, call)
        yield from evaluate(policy, call.module, context)


# ---------------------------------------------------------------- settings modules and classes

_ALL = frozenset({"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_ALL"})
_LISTS = re.compile(
    r"^(?:\w+_)?(?:cors_(?:allow(?:ed)?_)?origins?|cors_origin_whitelist|allow(?:ed)?_(?:cors_)?origins?|quart_cors_allow_origin"
    r"|cors_allowed_origins?(?:_list)?|cors_urls?|cors_hosts)$",
    re.IGNORECASE,
)
_REGEX_LISTS = re.compile(r"^(?:cors_allowed_origin_regexes|cors_origin_regex_whitelist)$", re.IGNORECASE)
_ONE_REGEX = re.compile(r"^(?:\w+_)?(?:cors_)?(?:allow(?:ed)?_)?origins?_regex$", re.IGNORECASE)
_CREDENTIALS = (
    "CORS_ALLOW_CREDENTIALS",
    "CORS_SUPPORTS_CREDENTIALS",
    "QUART_CORS_ALLOW_CREDENTIALS",
    "cors_allow_credentials",
    "cors_credentials",
)


def _calls_cors(module: Module) -> bool:
    """Whether the file itself hands origins to a framework: then the call is judged, not the names."""
    return any(call.name in HELPERS or _starlette_call(call) for call in module.calls())


@check(
    "PRD401",
    "PRD402",
    "PRD404",
    "PRD405",
    on=[every(Module)],
    required_literals=[
        "cors_allow",
        "cors_origin",
        "cors_url",
        "cors_hosts",
        ("allow", "origin", "cors"),
        ("allow_origins",),
        ("allowed_origins",),
    ],
    files=["python"],
)
def cors_settings(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Django settings, Flask and Sanic configuration, and settings classes whose value a middleware takes elsewhere."""
    judged_by_call = _calls_cors(module)
    written = list(_written_settings(module))
    named = {one.key: one.given for one in reversed(written)}
    credentials = next(
        (found for name in _CREDENTIALS if name in named and (found := truth(module, named[name], named[name])) is not None), None
    )
    for guards, key, given, of_module in written:
        is_config = key.isupper() or not judged_by_call
        policy = Policy(given, "the framework", f"`{key} = {_short(given)}`", settings_only=True, credentials=credentials)
        policy.credentials_words = "credentials allowed"
        if key in _ALL:
            if truth(module, given, given) and not given_anew(key, context):
                if "CORS_URLS_REGEX" in named and credentials is not True:
                    continue  # for chosen addresses alone, and without cookies: a public API
                policy.origins = [Value("*", given)]
                policy.library = "django-cors-headers"
        elif _REGEX_LISTS.match(key):
            policy.library, policy.prefix = "django-cors-headers", True
            policy.patterns = [*values(module, given, given), *_compiled(module, given)]
        elif _ONE_REGEX.match(key) and not judged_by_call:
            policy.patterns = list(values(module, given, given))
        elif _LISTS.match(key) and is_config and not (judged_by_call and of_module):
            policy.origins = list(values(module, given, given))
            # flask-cors takes what looks like a pattern for one.
            policy.globs = policy.globs or key == "CORS_ORIGINS" and "flask-cors" in context.environment.packages
            if isinstance(given, Constant) and isinstance(given.value, str):
                policy.origins = [Value(text, given) for text in listed(given.value)]
        else:
            continue
        if not _is_for_development(guards):
            yield from evaluate(policy, module, context)


class _Setting(NamedTuple):
    """A setting as a file writes it. of_module: a name that the file's own call may be given, and no entry of a configuration."""

    guards: frozenset[str]
    key: str
    given: Expression
    of_module: bool


def _written_settings(module: Module) -> Iterator[_Setting]:
    """The settings that a file writes: as names of modules and classes, as entries of a configuration, and several in one call."""
    classes = {name.text for call in module.calls() if call.method == "from_object" for name in call.arguments}
    for statement, class_ in _settings_statements(module):
        for target in statement.targets if statement.expressions and statement.assignment is not None else ():
            key = _config_key(target)
            if key and statement.assignment is not None:
                of_module = isinstance(target, Name) and class_ not in classes
                yield _Setting(statement.assignment.scope.guards, key, statement.expressions[0], of_module)
    for call, key, given in configured_in(module):
        yield _Setting(call.scope.guards, key, given, False)


def _settings_statements(module: Module) -> Iterator[tuple[Statement, str]]:
    yield from ((s, c) for s, c in module_statements(module) if s.kind == "assign")
    for function in module.functions():
        for statement in statements_in(function.body):
            if statement.kind == "assign" and any(
                isinstance(t, (Subscript, Attribute)) or (isinstance(t, Name) and ".config." in t.source_text) for t in statement.targets
            ):
                yield statement, ""


def _compiled(module: Module, given: Expression) -> Iterator[Value]:
    """Patterns inside `re.compile(...)`."""
    for expression in given.walk():
        if isinstance(expression, Call) and expression.name == "re.compile" and expression.arguments:
            yield from values(module, expression.arguments[0], expression)


# ---------------------------------------------------------------- settings of other files

_ENVIRONMENT_NAME = re.compile(
    r"^(?:\w+_)?(?:CORS_(?:ALLOW(?:ED)?_)?ORIGINS?|ALLOW(?:ED)?_(?:CORS_)?ORIGINS?|CORS_ALLOW(?:ED)?_HOSTS|CORS_DOMAINS?|CORS_ORIGIN_WHITELIST"
    r"|ACCESS_CONTROL_ALLOW_ORIGIN)(?:_LIST)?$",
    re.IGNORECASE,
)
_ENVIRONMENT_ALL = re.compile(r"^(?:\w+_)?CORS_(?:ORIGIN_)?ALLOW_ALL(?:_ORIGINS)?$", re.IGNORECASE)
_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})


@check(
    "PRD401",
    "PRD405",
    on=[settings("*cors*", "*allow_origin*", "*allowed_origin*", "*allow_origins*", "*allowed_origins*")],
    required_literals=[
        "cors_origin",
        "cors_allow",
        "cors_domain",
        "allow_origin",
        "allowed_origin",
        "allow_cors_origin",
        "allowed_cors_origin",
    ],
)
def cors_environment(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`CORS_ORIGINS=*` in an env file, compose, Kubernetes or a Dockerfile."""
    if setting.origin == "python":
        return
    text = setting.value if setting.value is not None else setting.default
    if not text:
        return
    by_default = " by default" if setting.value is None else ""
    if _ENVIRONMENT_ALL.match(setting.name):
        if context.code == "PRD401" and text.strip().strip("'\"").lower() in _TRUE:
            yield Diagnostic(setting, f"`{setting.name}={text.strip()}` lets any origin{by_default} read this service's answers")
        return
    if not _ENVIRONMENT_NAME.match(setting.name):
        return
    origins = listed(text)
    if context.code == "PRD401" and "*" in origins:
        yield Diagnostic(setting, f"`{setting.name}` lets any origin (`*`){by_default} read this service's answers")
    elif context.code == "PRD405" and "*" not in origins:
        for origin in origins:
            why, priority = unsafe_value(origin, globs=True)
            if why and priority is None:
                yield Diagnostic(setting, why)
                break


# ---------------------------------------------------------------- headers written by hand

_ORIGIN_HEADER = "access-control-allow-origin"
# A part of its name that stands in every function that writes it.
_WRITES_ORIGIN = re.compile(rb"(?i)origin")
_CREDENTIALS_HEADER = "access-control-allow-credentials"
_METHODS_HEADER = "access-control-allow-methods"
_CLIENT_CALLS = re.compile(r"(^|\.)(requests|httpx|aiohttp|urllib3|niquests|urlopen|Request)\b.*")
_REQUEST_ORIGIN = re.compile(
    r"""(headers|META|header|get_header)\W{0,3}(?:\.get)?\W{0,3}["'](?:HTTP_)?origin["']|HTTP_ORIGIN|\breq(?:uest)?\.(?:\w+\.)*origin\b(?!_)|headers\.origin""",
    re.IGNORECASE,
)
_ALLOWED_WORDS = re.compile(r"allow|whitelist|valid|permitted|trusted|known|safe|match|check|verify|is_", re.IGNORECASE)


def _header(expression: Expression | None) -> str:
    """A header's name in lower case, from text or bytes."""
    if isinstance(expression, Constant):
        value = expression.value
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(value, str):
            return value.lower()
    return ""


@dataclass(frozen=True, slots=True)
class _Written:
    """One header and the value it is given."""

    name: str
    value: Expression
    at: Fact


def _headers_in(block: tuple[Statement, ...]) -> Iterator[_Written]:
    """Every header with a literal CORS name that a block writes, in all spellings. Nested definitions are left to themselves."""
    sent: set[str] | None = None
    for statement in statements_in(block):
        if statement.kind == "assign" and statement.expressions:
            for target in statement.targets:
                if isinstance(target, Subscript) and _header(target.key).startswith("access-control-"):
                    yield _Written(_header(target.key), statement.expressions[0], target)
                elif isinstance(target, (Name, Attribute)) and (found := _WERKZEUG.search(target.text)):
                    yield _Written(found[1].replace("_", "-"), statement.expressions[0], target)
        for expression in _response_expressions(statement):
            if isinstance(expression, Dictionary):
                for key, value in expression.items:
                    if not _header(key).startswith("access-control-"):
                        continue
                    sent = _sent_on(block) if sent is None else sent
                    if not sent & _given_names(statement):
                        yield _Written(_header(key), value, expression)
            elif isinstance(expression, Collection) and len(expression.items) == 2 and expression.kind == "tuple":
                if _header(expression.items[0]).startswith("access-control-"):
                    yield _Written(_header(expression.items[0]), expression.items[1], expression)
            elif isinstance(expression, Call) and len(expression.arguments) == 2:
                if expression.method in _SETTERS and _header(expression.arguments[0]).startswith("access-control-"):
                    yield _Written(_header(expression.arguments[0]), expression.arguments[1], expression)


# Werkzeug's responses have an attribute for each of these headers.
_WERKZEUG = re.compile(r"\.(access_control_allow_(?:origin|credentials|methods|headers))$")
_SETTERS = frozenset(
    {
        "set_header",
        "add_header",
        "append_header",
        "add",
        "append",
        "set",
        "setdefault",
        "setHeader",
        "send_header",
        "putheader",
        "header",
        "__setitem__",
    }
)


def _response_expressions(statement: Statement) -> Iterator[Expression]:
    """The expressions of a statement except what is sent as a client or only compared."""
    waiting: list[Expression] = list(reversed(statement.expressions))
    if statement.kind == "assert":
        return
    while waiting:
        expression = waiting.pop()
        if isinstance(expression, Call) and _CLIENT_CALLS.match(expression.name) and not expression.name.startswith("aiohttp.web"):
            continue
        if isinstance(expression, Operation) and expression.operator in ("==", "!=", "in", "not in"):
            continue
        yield expression
        waiting.extend(reversed(expression.parts()))


def _sent_on(block: tuple[Statement, ...]) -> set[str]:
    """The names that a block hands to requests that it makes as a client."""
    return {
        given.source_text
        for call in calls_in(block)
        if _CLIENT_CALLS.match(call.name)
        for given in (*call.arguments, *call.keywords.values())
        if isinstance(given, Name)
    }


def _given_names(statement: Statement) -> set[str]:
    return {target.source_text for target in statement.targets if isinstance(target, Name)} if statement.kind == "assign" else set()


def _is_star(module: Module, value: Expression) -> bool:
    known = follow(module, value, value)
    if isinstance(known, Constant) and known.value in ("*", b"*"):
        return True
    if isinstance(known, (Call, Operation, Conditional)):
        return any(found.text == "*" for found in values(module, known, value))
    return False


def _echoes_request(module: Module, value: Expression, function: Function | None) -> bool:
    """Whether the value is the caller's own origin and nothing in the function looks it up first."""
    known = follow(module, value, value)
    text = known.text
    if isinstance(known, Conditional):
        if not _REQUEST_ORIGIN.search(known.then.text) or known.test.text == known.then.text:
            return False
        return known.test.text in known.then.text
    if not _REQUEST_ORIGIN.search(text):
        return False
    if _ALLOWED_WORDS.search(text.replace("Allow-Origin", "")):
        return False
    if function is None:
        return True
    written = value.source_text if isinstance(value, Name) else ""
    for statement in statements_in(function.body):
        if statement.kind in ("if", "while", "assert"):
            for expression in (e for test in statement.expressions for e in test.walk()):
                if _looks_up(expression, written, text):
                    return False
        for expression in (e for given in statement.expressions for e in given.walk()):
            if isinstance(expression, Conditional) and any(_looks_up(e, written, text) for e in expression.test.walk()):
                return False
    return True


def _looks_up(expression: Expression, written: str, text: str) -> bool:
    """`origin in ALLOWED`, `origin == X`, `{origin} & ALLOWED`, `pattern.match(origin)`, `is_allowed(origin)`."""
    if isinstance(expression, Operation) and expression.operator == "&":
        return any(part.text in (written, text) for operand in expression.operands for part in operand.walk())
    if isinstance(expression, Operation) and expression.operator in ("in", "not in", "==", "!="):
        return any(
            part.text in (written, text) or (_REQUEST_ORIGIN.search(part.text) is not None) for part in expression.operands
        ) and not (expression.operator in ("==", "!=") and any(isinstance(p, Constant) and not p.value for p in expression.operands))
    if isinstance(expression, Call):
        return any(argument.text in (written, text) or _REQUEST_ORIGIN.search(argument.text) for argument in expression.arguments) or (
            expression.receiver is not None and expression.receiver.text == written and expression.method in ("startswith", "endswith")
        )
    return False


@check("PRD406", on=[every(Module)], required_literals=["access-control-allow-origin", "access_control_allow_origin"], files=["python"])
def raw_cors_header(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`Access-Control-Allow-Origin` written by hand."""
    blocks: list[tuple[Function | None, tuple[Statement, ...]]] = [(None, module.body)]
    blocks += [(None, class_.body) for class_ in module.classes()]
    blocks += [(function, function.body) for function in module.functions()]
    data = module.source.data
    for function, block in blocks:
        if function is not None and not _WRITES_ORIGIN.search(data, function.start, function.end):
            continue
        written = list(_headers_in(block))
        if not any(header.name == _ORIGIN_HEADER for header in written):
            continue
        credentials = any(header.name == _CREDENTIALS_HEADER and _is_true(module, header.value) for header in written)
        methods = [header.value for header in written if header.name == _METHODS_HEADER]
        reads_only = bool(methods) and all(_names_reads(value) for value in methods)
        for header in written:
            if header.name != _ORIGIN_HEADER:
                continue
            if function is not None and _in_development_branch(header.at, function):
                continue
            if _is_star(module, header.value):
                if not credentials and (reads_only or _is_for_everybody(function)):
                    continue  # says itself that it is meant for reading by everybody
                tail = " together with `Access-Control-Allow-Credentials: true`" if credentials else ""
                words = f"`Access-Control-Allow-Origin: *`{tail} lets any origin read this answer"
                # Browsers hand out no answer to `*` with credentials: what is wrong is the policy, not yet who reads.
                yield Diagnostic(header.value, words, priority="P1" if credentials else "P2")
            elif _echoes_request(module, header.value, function):
                tail = ", credentials included" if credentials else ""
                yield Diagnostic(header.value, f"`Access-Control-Allow-Origin` repeats the caller's origin without looking it up{tail}")


_FOR_EVERYBODY = re.compile(
    r"(?i)(?:^|[_.])(?:open_?id|oidc|jwks?|well_?known|webfinger|node_?info|oembed|embed|widget|badge|fonts?|theme|css|feed|rss|ical|robots|sitemap|"
    r"public|static|static_?files|assets?|media)(?:$|_)"
)
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _is_for_everybody(function: Function | None) -> bool:
    """Whether the place is named for what other sites are meant to fetch: keys and addresses of sign-in, widgets, fonts."""
    if function is None:
        return False
    holder = function.class_
    names = [function.name, *((holder.name, *holder.bases) if holder is not None else ())]
    return any(_FOR_EVERYBODY.search(_HUMPS.sub("_", name)) for name in names)


def _in_development_branch(at: Fact, function: Function) -> bool:
    for statement in statements_in(function.body):
        if statement.kind == "if" and statement.expressions and is_development_test(statement.expressions[0]):
            if any(inner.start <= at.start < inner.end for inner in statement.body):
                return True
    return False


def _is_true(module: Module, value: Expression) -> bool:
    known = follow(module, value, value)
    return isinstance(known, Constant) and str(known.value).lower().strip("b'") == "true"


def _names_reads(value: Expression) -> bool:
    if not isinstance(value, Constant):
        return False
    text = value.value.decode("latin-1") if isinstance(value.value, bytes) else str(value.value)
    named = {part.strip().upper() for part in text.split(",")}
    return named <= _READS_ONLY
