"""Timeouts of network clients (PRD501-PRD506).

The defaults quoted here were read in the libraries' sources: httpx 0.28 (5 s a phase), requests 2.34 (none),
aiohttp 3.14 (300 s in all), urllib3 2.8 (pools: none), CPython 3.11 (none).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Constant,
    Dictionary,
    Expression,
    Fact,
    FString,
    Module,
    Name,
    OpaqueExpression,
    expressions_in,
)
from prodlint.model import FixRequest, Priority
from prodlint.values.lattice import Table
from prodlint.values.places import (
    UNKNOWN,
    VERBS,
    annotated_as,
    block_around,
    calls_of,
    calls_on,
    class_around,
    enclosing,
    has_deadline,
    is_imported,
    is_number,
    names_bound_to,
    resolved,
    same_call,
    shown,
    value_of,
    written,
)


def each_call_has(constructor: Call, methods: Iterable[str], keyword: str) -> bool:
    """Whether this file calls methods on the client, and each call brings the keyword (or `**options`) itself."""
    found = calls_on(constructor, methods)
    return bool(found) and all(keyword in call.keywords or call.stars for call in found)


def is_wrapper(fact: Fact, context: CheckContext, *names: str) -> bool:
    """Whether the settings name this function, class or client as one that takes care of timeouts (`http-wrappers`)."""
    wrappers = context.options.get("http-wrappers") or ()
    if not wrappers:
        return False
    module_path = fact.file.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    symbol = fact.scope.symbol
    around = f"{module_path}.{symbol}" if symbol else module_path
    for wrapper in wrappers:
        if wrapper in names or any(name.startswith(wrapper + ".") or name.endswith("." + wrapper) for name in names):
            return True
        if symbol == wrapper or symbol.startswith(wrapper + ".") or f".{around}.".find(f".{wrapper}.") != -1:
            return True
    return False


# ---------------------------------------------------------------- httpx and its forks

HTTPX = ("httpx", "httpx2", "httpxyz")
HTTPX_CLIENTS = ("Client", "AsyncClient")
HTTPX_METHODS = (*VERBS, "stream")
PHASES = ("connect", "read", "write", "pool")
# A transport that stands for the network (httpx's own, or the project's), and functions that make clients for tests.
_TEST_TRANSPORT = re.compile(r"(?:Mock|Fake|Stub|Dummy|ASGI|WSGI)\w*Transport$")
_MAKES_STAND_INS = re.compile(r"(?i)(?:^|[_.])(?:mock|fake|stub|dummy)(?:[_.]|$)")

HTTPX_FUNCTIONS = tuple(f"{library}.{verb}" for library in HTTPX for verb in HTTPX_METHODS)
HTTPX_CONSTRUCTORS = tuple(f"{library}.{client}" for library in HTTPX for client in HTTPX_CLIENTS)
_httpx_timeouts = tuple(f"{library}.Timeout" for library in HTTPX)
_httpx_methods = tuple(f"{client}.{verb}" for client in HTTPX_CONSTRUCTORS for verb in (*HTTPX_METHODS, "build_request"))


def phases_of(value: Any) -> dict[str, Any] | None:
    """The four phases of an httpx timeout given as a literal: number, None, or tuple of two to four."""
    if isinstance(value, tuple):
        if not 2 <= len(value) <= 4:
            return None
        return dict(zip(PHASES, (*value, *(None,) * (4 - len(value))), strict=True))
    if value is UNKNOWN:
        return None
    return dict.fromkeys(PHASES, value)


def httpx_phases(call: Call) -> dict[str, Any] | None:
    """The four phases of a call of `httpx.Timeout`; None where it raises or the file does not tell."""
    if call.stars:
        return None
    first = call.argument(0, "timeout")
    phases: dict[str, Any] | None
    if first is None:
        phases = dict.fromkeys(PHASES, UNKNOWN)
    else:
        phases = phases_of(value_of(first, call.module, call)) or dict.fromkeys(PHASES, UNKNOWN)
    for phase in PHASES:
        if phase in call.keywords:
            phases[phase] = value_of(call.keywords[phase], call.module, call)
    return phases


def _profile(context: CheckContext) -> tuple[float, float, float, float]:
    options = context.options
    return (
        float(options.get("connect", 5)),
        float(options.get("read", 30)),
        float(options.get("write", 10)),
        float(options.get("pool", 5)),
    )


def _httpx_profile(context: CheckContext, library: str) -> str:
    connect, read, write, pool = _profile(context)
    return f"{library}.Timeout(connect={connect}, read={read}, write={write}, pool={pool})"


def _set_httpx_profile(context: CheckContext, library: str) -> FixRequest:
    value = _httpx_profile(context, library)
    return FixRequest(
        "set-keyword",
        f"Set timeout={value}",
        safe=False,
        arguments=(("keyword", "timeout"), ("value", value), ("import", library)),
    )


def for_tests(call: Call) -> bool:
    """Whether an httpx client talks to an application in the same process."""
    if "app" in call.keywords:
        return True
    if "." not in call.scope.symbol and _MAKES_STAND_INS.search(call.scope.symbol):
        return True
    return is_test_transport(call.keywords.get("transport"), call)


_PAYS = re.compile(r"(?i)(?:^|_)(?:pay|payment|charge|withdraw\w*|transfer|refund|checkout)(?:_|$)")


def _limit_of(call: Call, context: CheckContext, library: str) -> FixRequest | None:
    """The limits for a call; none for a stream and a payment: how long those may take only their author knows."""
    known = call.method != "stream" and not _PAYS.search(call.scope.function)
    return _set_httpx_profile(context, library) if known else None


def is_test_transport(expression: Expression | None, call: Call) -> bool:
    """Whether a transport leads to an application, or an answer, in the same process."""
    transport = resolved(expression, call.module, call)
    return isinstance(transport, Call) and _TEST_TRANSPORT.search(transport.method) is not None


def _of_constructor(call: Call) -> bool:
    """Whether the client behind a method call is one that talks to an application in the same process."""
    return call.constructor is not None and for_tests(call.constructor)


@check(
    "PRD501",
    on=[calls(*HTTPX_FUNCTIONS, *HTTPX_CONSTRUCTORS, *_httpx_methods)],
    required_literals=[("httpx", "timeout", "none")],
)
def httpx_timeout_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`timeout=None` on a function, a constructor or a client's method."""
    if "timeout" not in call.keywords or not is_imported(call) or is_wrapper(call, context, call.name):
        return
    if for_tests(call) or _of_constructor(call):
        return
    if value_of(call.keywords["timeout"], call.module, call) is None:
        library = call.name.split(".", 1)[0]
        # A stream may have a reason to be silent for long; that it may also connect for ever is all that is left to say.
        priority: Priority | None = "P1" if call.method == "stream" else None
        fix = _limit_of(call, context, library)
        yield Diagnostic(call, f"`{shown(call)}` with `timeout=None` waits without limit", priority=priority, fix=fix)


@check("PRD501", on=[calls(*_httpx_timeouts)], required_literals=[("httpx", "timeout", "none")])
def httpx_timeout_object_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`httpx.Timeout(None)`, or all four phases None."""
    phases = httpx_phases(call)
    if phases is None or any(value is not None for value in phases.values()):
        return
    if _goes_to_test_client(call) or is_wrapper(call, context, call.name):
        return
    library = call.name.split(".", 1)[0]
    value = _httpx_profile(context, library)
    recipe = FixRequest("replace", f"Use {value}", safe=False, arguments=(("text", value), ("import", library)))
    yield Diagnostic(call, f"`{shown(call)}` without a limit: connect, read, write and pool have no limit", fix=recipe)


def _goes_to_test_client(timeout: Call) -> bool:
    """Whether a timeout is an argument of a client that talks to an application in the same process."""
    if b"Transport" not in timeout.source.data:
        return False
    for part in expressions_in(block_around(timeout, timeout.module)):
        if isinstance(part, Dictionary) and part.start < timeout.start and timeout.end <= part.end:
            if any(
                isinstance(key, Constant) and key.value == "transport" and is_test_transport(value, timeout) for key, value in part.items
            ):
                return True
    clients = calls_of(timeout.module, *HTTPX_CLIENTS)
    return any(client.start < timeout.start and timeout.end <= client.end and for_tests(client) for client in clients)


@check("PRD501", on=[calls("functools.partial")], required_literals=[("partial", "httpx", "timeout", "none")])
def httpx_partial_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`functools.partial(httpx.get, timeout=None)`."""
    target = call.argument(0)
    if not isinstance(target, Name) or target.name not in {*HTTPX_FUNCTIONS, *HTTPX_CONSTRUCTORS} or "timeout" not in call.keywords:
        return
    if value_of(call.keywords["timeout"], call.module, call) is None:
        library = target.name.split(".", 1)[0]
        yield Diagnostic(
            call, f"`{target.source_text}` bound with `timeout=None` waits without limit", fix=_set_httpx_profile(context, library)
        )


@check("PRD501", on=[calls("super.__init__")], required_literals=[("httpx", "super(", "timeout", "none")])
def httpx_subclass_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`super().__init__(timeout=None)` in a subclass of a client."""
    if "timeout" not in call.keywords or value_of(call.keywords["timeout"], call.module, call) is not None:
        return
    class_ = class_around(call, call.module)
    base = next((base for base in class_.bases if base in HTTPX_CONSTRUCTORS), "") if class_ is not None else ""
    if base:
        yield Diagnostic(
            call,
            f"`{class_name(class_)}` is an `{base}` with `timeout=None`: it waits without limit",
            fix=_set_httpx_profile(context, base.split(".")[0]),
        )


def class_name(class_: Class | None) -> str:
    """The name of a class, or nothing."""
    return class_.name if class_ is not None else ""


@check("PRD501", on=[every(Assignment)], required_literals=[("httpx", ".timeout =", "none"), ("httpx", ".timeout=", "none")])
def httpx_timeout_attribute_none(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`client.timeout = None` on a client made in this file."""
    if assignment.kind != "attribute" or assignment.target != "timeout":
        return
    if not isinstance(assignment.value, Constant) or assignment.value.value is not None:
        return
    owner = assignment.qualified.rsplit(".", 1)[0]
    module = getattr(assignment, "module", None)
    if module is None:
        return
    for bound in module.assignments(owner):
        if isinstance(bound.value, Call) and bound.value.name in HTTPX_CONSTRUCTORS:
            yield Diagnostic(assignment, f"`{assignment.qualified} = None` takes every limit from the client")
            return


_weak_methods = tuple(f"*.{verb}" for verb in (*HTTPX_METHODS, "build_request"))


@check("PRD501", on=[calls(*_weak_methods)], required_literals=[("httpx", "timeout=none"), ("httpx", "timeout = none")])
def httpx_parameter_timeout_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`client.get(url, timeout=None)` where `client` is a parameter annotated as a client (a FastAPI dependency)."""
    if call.constructor is not None or "timeout" not in call.keywords or not isinstance(call.receiver, Name):
        return
    if value_of(call.keywords["timeout"], call.module, call) is not None or "." in call.receiver.source_text:
        return
    library = annotated_as(call, call.receiver.source_text, HTTPX_CONSTRUCTORS).split(".", 1)[0]
    if library:
        yield Diagnostic(call, f"`{shown(call)}` with `timeout=None` waits without limit", fix=_limit_of(call, context, library))


@check("PRD502", on=[calls(*HTTPX_FUNCTIONS, *HTTPX_CONSTRUCTORS)], required_literals=["httpx"])
def httpx_timeout_not_explicit(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """An httpx function or client without a `timeout`."""
    if "timeout" in call.keywords or call.stars or not is_imported(call) or for_tests(call) or is_wrapper(call, context, call.name):
        return
    is_client = call.name in HTTPX_CONSTRUCTORS
    if is_client and (each_call_has(call, HTTPX_METHODS, "timeout") or _sets_timeout_later(call) or _handed_to_sdk(call)):
        return
    library = call.name.split(".", 1)[0]
    if context.options.get("explicit-budget"):
        fix = _set_httpx_profile(context, library)
    else:
        fix = FixRequest(
            "set-keyword", "Write down the default: timeout=5.0", safe=True, arguments=(("keyword", "timeout"), ("value", "5.0"))
        )
    yield Diagnostic(call, f"`{shown(call)}` has no explicit timeout and relies on {library}'s default (5 s per phase)", fix=fix)


def _sets_timeout_later(call: Call) -> bool:
    """Whether the client's `timeout` attribute is set after it is made: `client.timeout = ...`."""
    if b".timeout =" not in call.source.data:
        return False
    return any(call.module.assignments(f"{name}.timeout") for name in names_bound_to(call))


# The SDK gives every request its own timeout, so the client's own is never used.
_SDK_KEYWORDS = ("http_client", "httpx_client", "http_async_client")


def _handed_to_sdk(call: Call) -> bool:
    """Whether the client is handed to an SDK as its transport."""
    transports = _transports(call.module)
    if not transports:
        return False
    names = set(names_bound_to(call))
    return any(same_call(value, call) or (isinstance(value, Name) and value.source_text in names) for value in transports)


@lru_cache(maxsize=4)
def _transports(module: Module) -> list[Expression]:
    """What the calls of a file hand to others as HTTP client."""
    if not any(f"{keyword}=".encode() in module.source.data for keyword in _SDK_KEYWORDS):
        return []
    return [call.keywords[keyword] for call in module.calls() for keyword in _SDK_KEYWORDS if keyword in call.keywords]


# ---------------------------------------------------------------- requests

SESSION_METHODS = (*VERBS, "send")
REQUESTS_SESSIONS = (
    "requests.Session",
    "requests.session",
    "requests.sessions.Session",
    "requests.sessions.session",
    "requests_oauthlib.OAuth1Session",
    "requests_oauthlib.OAuth2Session",
    "requests_cache.CachedSession",
    "requests_cache.session.CachedSession",
    "requests_toolbelt.sessions.BaseUrlSession",
    "requests_futures.sessions.FuturesSession",
    "cachecontrol.CacheControl",
    "authlib.integrations.requests_client.OAuth2Session",
    "cloudscraper.create_scraper",
)
REQUESTS_FUNCTIONS = tuple(f"{module}.{verb}" for module in ("requests", "requests.api") for verb in VERBS)
_session_methods = (
    *(f"{session}.{verb}" for session in REQUESTS_SESSIONS for verb in SESSION_METHODS),
    "requests_oauthlib.OAuth2Session.fetch_token",
    "requests_oauthlib.OAuth2Session.refresh_token",
)
_session_names = frozenset(REQUESTS_SESSIONS)

REQUESTS_ANCHORS = (
    *(f"requests.{verb}" for verb in VERBS),
    "requests.session",
    "requests.api",
    "from requests",
    "requests as",
    "requests_oauthlib",
    "requests_cache",
    "requests_toolbelt",
    "requests_futures",
    "cachecontrol",
    "requests_client",
    "cloudscraper",
)


def _requests_profile(context: CheckContext) -> str:
    connect, read, _, _ = _profile(context)
    return f"({written(connect)}, {written(read)})"


# A language model may think longer than any profile allows: how long is for the author to say.
_MODELS = re.compile(
    r"(?i)openai|anthropic|claude|gemini|mistral|cohere|groq|ollama|llama|vllm|bedrock|huggingface|replicate|\bgpt\b|(?:^|[^a-z])llms?(?:[^a-z]|$)|completions?\b|embeddings?\b|"
    r"transcri(?:be|ption)|(?:text|image|speech)[-_ ]?generation|/generate\b|inference"
    # Encoding pictures, training and exporting models, building an index: work of minutes.
    r"|(?:face|image|text|audio)[-_ ]?(?:encod|embed)\w*|caption\w*|(?:un)?load-model|export[-_]?(?:onnx|model)|/(?:build|train|index|predict|thumbnails?)/?\b|thumbnail"
)


def asks_a_model(call: Call) -> bool:
    """Whether a request seems to go to a language model: by its arguments, its function, or the file's name."""
    function = enclosing(call, call.module)
    around = f"{call.text[:600]} {function.name if function is not None else ''} {call.scope.class_} {call.file.path}"
    return _MODELS.search(around) is not None


def lacks(call: Call, keyword: str, context: CheckContext) -> bool:
    """Whether a call is not given a keyword, neither by itself nor by what stands behind its `**`, as far as that is known."""
    if keyword in call.keywords:
        return False
    if not call.stars:
        return True
    if not call.spreads or any(isinstance(argument, OpaqueExpression) and argument.kind == "star" for argument in call.arguments):
        return False
    values = context.values(call.module)
    for spread in call.spreads:
        shapes = values.of(spread).shapes
        if not shapes or not all(isinstance(shape, Table) and shape.more is None and keyword not in shape.entries for shape in shapes):
            return False
    return True


def _set_requests_timeout(context: CheckContext, call: Call) -> FixRequest | None:
    if asks_a_model(call):
        return None
    value = _requests_profile(context)
    return FixRequest(
        "set-keyword", f"Set timeout={value} (connect, read)", safe=False, arguments=(("keyword", "timeout"), ("value", value))
    )


@check("PRD504", on=[calls(*REQUESTS_FUNCTIONS, *_session_methods)], required_literals=REQUESTS_ANCHORS)
def requests_without_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A requests call without a timeout, or with None."""
    if not is_imported(call):
        return
    if "timeout" in call.keywords:
        value = value_of(call.keywords["timeout"], call.module, call)
        if value is None or value == (None, None):
            yield Diagnostic(
                call,
                f"`{shown(call)}` with `timeout={call.keywords['timeout'].text}` waits without limit",
                fix=_set_requests_timeout(context, call),
            )
        return
    if not lacks(call, "timeout", context) or is_wrapper(call, context, call.name) or _timeout_is_bound(call) or _patched(call.module):
        return
    if call.constructor is not None and _session_has_timeout(call.constructor, context):
        return
    # The process next door answers or is gone; who asks it waits for no network.
    near: Priority | None = "P2" if _OWN_MACHINE.match(_address(call)) else None
    yield Diagnostic(
        call, f"`{shown(call)}` has no timeout: requests waits without limit", priority=near, fix=_set_requests_timeout(context, call)
    )


_OWN_MACHINE = re.compile(r"[rRbBuUfF]{0,2}[\"']{1,3}https?://(?:localhost|127\.0\.0\.1|\[::1\])[:/\"']")


def _address(call: Call) -> str:
    """The address that a call is given, as it is written there."""
    given = call.argument(1 if call.method == "request" else 0, "url")
    return given.text if given is not None else ""


def _timeout_is_bound(call: Call) -> bool:
    """Whether the name came through `functools.partial(requests.get, timeout=5)`."""
    made = call.constructor
    return made is not None and made.method in ("partial", "partialmethod") and ("timeout" in made.keywords or made.stars)


# A method of a session is given another value.
_REPLACED = re.compile(rb"\.[\s\\]{0,9}(?:request|send)[\s\\)]{0,9}=(?!=)")


def _patched(module: Module) -> bool:
    """Whether the file replaces the methods of requests itself to set a timeout."""
    if _REPLACED.search(module.source.data) is None:
        return False
    return any(
        module.assignments(f"{session}.{method}")
        for session in ("requests.Session", "Session", "requests.sessions.Session")
        for method in ("request", "send")
    )


def _session_has_timeout(session: Call, context: CheckContext) -> bool:
    """Whether something in this file gives the session a timeout: a mounted adapter, a replaced method, a wrapper."""
    if is_wrapper(session, context, session.name):
        return True
    if session.stars and "timeout" in session.keywords:
        return True
    for call in calls_on(session, ("mount",)):
        if _adapter_may_set_timeout(call.argument(1, "adapter"), session.module, call, context):
            return True
    if _REPLACED.search(session.source.data) is not None:
        for name in names_bound_to(session):
            if any(session.module.assignments(f"{name}.{method}") for method in SESSION_METHODS):
                return True
    return False


_PLAIN_ADAPTERS = frozenset(
    {
        "requests.adapters.HTTPAdapter",
        "requests.HTTPAdapter",
        "cachecontrol.CacheControlAdapter",
        "cachecontrol.adapter.CacheControlAdapter",
    }
)


def _adapter_may_set_timeout(adapter: Expression | None, module: Module, near: Fact, context: CheckContext) -> bool:
    """Whether a mounted adapter is one that may give each request a timeout: any but the library's own."""
    adapter = resolved(adapter, module, near)
    if not isinstance(adapter, Call):
        return True
    if adapter.name in _PLAIN_ADAPTERS:
        return False
    class_ = module.class_named(adapter.method)
    if class_ is None:
        return True
    return b"timeout" in class_.source.data[class_.start : class_.end] or not set(class_.bases) <= _PLAIN_ADAPTERS


@check("PRD504", on=[calls("functools.partial")], required_literals=[("partial", anchor) for anchor in REQUESTS_ANCHORS])
def requests_partial_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`functools.partial(requests.get, timeout=None)`."""
    target = call.argument(0)
    if not isinstance(target, Name) or target.name not in REQUESTS_FUNCTIONS or "timeout" not in call.keywords:
        return
    if value_of(call.keywords["timeout"], call.module, call) is None:
        yield Diagnostic(
            call, f"`{target.source_text}` bound with `timeout=None` waits without limit", fix=_set_requests_timeout(context, call)
        )


_self_methods = tuple(f"self.{verb}" for verb in SESSION_METHODS)


@check("PRD504", on=[calls(*_self_methods)], required_literals=[("session)", anchor) for anchor in ("requests.session", "from requests")])
def requests_subclass(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`self.get(url)` in a subclass of `requests.Session` that gives no request a timeout."""
    if "timeout" in call.keywords or call.stars or call.constructor is not None:
        return
    class_ = class_around(call, call.module)
    if class_ is None or not _session_names & set(class_.bases):
        return
    methods = {statement.definition.name for statement in class_.body if statement.definition is not None}
    if (
        methods & {*SESSION_METHODS, "get_adapter"}
        or b"mount(" in class_.source.data[class_.start : class_.end]
        or is_wrapper(call, context, class_.name)
    ):
        return
    yield Diagnostic(
        call,
        f"`{shown(call)}` of a `requests.Session` has no timeout: requests waits without limit",
        fix=_set_requests_timeout(context, call),
    )


# ---------------------------------------------------------------- timeouts that leave something open

AIOHTTP_SESSIONS = ("aiohttp.ClientSession", "aiohttp.client.ClientSession")
_aiohttp_timeouts = ("aiohttp.ClientTimeout", "aiohttp.client.ClientTimeout")
_aiohttp_methods = tuple(f"{session}.{verb}" for session in AIOHTTP_SESSIONS for verb in (*VERBS, "ws_connect"))
_urllib3_timeouts = ("urllib3.Timeout", "urllib3.util.Timeout", "urllib3.util.timeout.Timeout")


def _missing(phases: Mapping[str, Any]) -> list[str]:
    return [phase for phase, value in phases.items() if value is None]


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _open_phases(phases: Mapping[str, Any], context: CheckContext) -> list[str]:
    """The phases that have no limit where others have one. `read` alone is how a stream is written: only on request."""
    missing = _missing(phases)
    if len(missing) == len(PHASES) or (missing == ["read"] and not context.options.get("open-read")):
        return []
    return missing


@check("PRD503", on=[calls(*_httpx_timeouts)], required_literals=[("httpx", "timeout(")])
def httpx_timeout_partial(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`httpx.Timeout(10, read=None)`, `httpx.Timeout((5, 30))`, `httpx.Timeout(None, connect=5)`."""
    phases = httpx_phases(call)
    if phases is None:
        return
    missing = _open_phases(phases, context)
    if missing and not has_deadline(call, call.module):
        yield Diagnostic(call, f"`{shown(call)}` leaves {_joined(missing)} without a limit", priority="P2" if missing == ["read"] else None)
    elif not missing:
        yield from _too_long(call, max((value for value in phases.values() if is_number(value)), default=0), context)


@check(
    "PRD503",
    on=[calls(*HTTPX_FUNCTIONS, *HTTPX_CONSTRUCTORS, *_httpx_methods)],
    required_literals=[("httpx", "timeout")],
)
def httpx_timeout_tuple(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`timeout=(5, 30)`: httpx leaves what is not said without a limit."""
    if "timeout" not in call.keywords:
        return
    value = value_of(call.keywords["timeout"], call.module, call)
    if isinstance(value, tuple):
        phases = phases_of(value)
        missing = _open_phases(phases, context) if phases is not None else []
        if missing and not has_deadline(call, call.module):
            words = f"`timeout={call.keywords['timeout'].text}` leaves {_joined(missing)} without a limit"
            yield Diagnostic(call, words, priority="P2" if missing == ["read"] else None)
    elif is_number(value):
        yield from _too_long(call, value, context)


@check(
    "PRD503",
    on=[calls(*REQUESTS_FUNCTIONS, *_session_methods)],
    required_literals=[(anchor, "timeout") for anchor in REQUESTS_ANCHORS],
)
def requests_timeout_partial(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`timeout=(3.05, None)` on requests."""
    if "timeout" not in call.keywords:
        return
    value = value_of(call.keywords["timeout"], call.module, call)
    if isinstance(value, tuple) and len(value) == 2:
        if value[0] is None and value[1] is not None or value[1] is None and value[0] is not None:
            open_one = "connect" if value[0] is None else "read"
            yield Diagnostic(call, f"`timeout={call.keywords['timeout'].text}` leaves {open_one} without a limit")
            return
        value = max((part for part in value if is_number(part)), default=0)
    if is_number(value):
        yield from _too_long(call, value, context)


def _too_long(call: Call, seconds: float, context: CheckContext) -> Iterator[Diagnostic]:
    """A finding for a timeout longer than `max-timeout`."""
    limit = context.options.get("max-timeout", 0)
    if limit and seconds > limit:
        yield Diagnostic(call, f"`{shown(call)}` waits up to {written(seconds)} s: longer than {written(limit)} s", priority="P2")


_AIOHTTP_PARTS = ("connect", "sock_read", "sock_connect", "ceil_threshold")


@check("PRD503", on=[calls(*_aiohttp_timeouts)], required_literals=[("aiohttp", "clienttimeout")])
def aiohttp_timeout_without_total(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ClientTimeout(connect=5)`: naming one phase takes away the 300 s in all."""
    if call.stars:
        return
    total = call.argument(0, "total")
    if total is not None:
        value = value_of(total, call.module, call)
        if is_number(value):
            yield from _too_long(call, value, context)
        return
    if {"sock_read", "sock_connect"} <= call.keywords.keys() or {"sock_read", "connect"} <= call.keywords.keys():
        return
    if has_deadline(call, call.module):
        return
    yield Diagnostic(call, f"`{shown(call)}` without `total` removes aiohttp's limit of 300 s and sets none")


@check("PRD503", on=[calls(*_urllib3_timeouts)])
def urllib3_timeout_partial(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`urllib3.Timeout(connect=2)` leaves reading open."""
    if call.stars or call.argument(0, "total") is not None:
        return
    given = {part for part in ("connect", "read") if part in call.keywords and value_of(call.keywords[part], call.module, call) is not None}
    if len(given) == 1:
        missing = "read" if "connect" in given else "connect"
        yield Diagnostic(call, f"`{shown(call)}` leaves {missing} without a limit")


# ---------------------------------------------------------------- aiohttp

_aiohttp_anchors = [("aiohttp", "clientsession"), ("aiohttp", "clienttimeout"), ("aiohttp.request",)]


def _set_aiohttp_timeout(context: CheckContext) -> FixRequest:
    connect, read, _, _ = _profile(context)
    value = f"aiohttp.ClientTimeout(total={written(read)}, connect={written(connect)})"
    return FixRequest(
        "set-keyword", f"Set timeout={value}", safe=False, arguments=(("keyword", "timeout"), ("value", value), ("import", "aiohttp"))
    )


@check("PRD505", on=[calls("aiohttp.request", *_aiohttp_methods)], required_literals=_aiohttp_anchors)
def aiohttp_request_unbounded(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`session.get(url, timeout=None)`: at request level None means no limit."""
    if call.method == "ws_connect":
        value = value_of(call.keywords.get("receive_timeout"), call.module, call)
        if value is None and "heartbeat" not in call.keywords and not call.stars and not has_deadline(call, call.module):
            yield Diagnostic(call, f"`{shown(call)}` with `receive_timeout=None` and no `heartbeat` never notices a dead peer")
        return
    if "timeout" not in call.keywords:
        return
    value = value_of(call.keywords["timeout"], call.module, call)
    if (
        (value is None or value == 0 and is_number(value))
        and not has_deadline(call, call.module)
        and not is_wrapper(call, context, call.name)
    ):
        yield Diagnostic(
            call, f"`{shown(call)}` with `timeout={call.keywords['timeout'].text}` waits without limit", fix=_set_aiohttp_timeout(context)
        )


@check("PRD505", on=[calls(*_aiohttp_timeouts)], required_literals=_aiohttp_anchors)
def aiohttp_total_none(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ClientTimeout(total=None)` without a limit for reading."""
    total = call.argument(0, "total")
    if total is None or call.stars:
        return
    value = value_of(total, call.module, call)
    if not (value is None or is_number(value) and value == 0):
        return
    given = {part for part in _AIOHTTP_PARTS if part in call.keywords and value_of(call.keywords[part], call.module, call) is not None}
    if "sock_read" in given and given & {"connect", "sock_connect"} or has_deadline(call, call.module):
        return
    connect, read, _, _ = _profile(context)
    text = f"aiohttp.ClientTimeout(total={written(read)}, connect={written(connect)})"
    fix = FixRequest("replace", f"Use {text}", safe=False, arguments=(("text", text), ("import", "aiohttp")))
    # With a limit for connecting or reading, an open total is a stream's: worth a note, not an alarm.
    if given:
        yield Diagnostic(call, f"`{shown(call)}` with `total={total.text}` limits only {_joined(sorted(given))}", priority="P2", fix=fix)
    else:
        yield Diagnostic(call, f"`{shown(call)}` with `total={total.text}` waits without limit", fix=fix)


@check("PRD505", on=[calls(*AIOHTTP_SESSIONS)], required_literals=[("aiohttp", "clientsession")])
def aiohttp_session_default(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A session without a timeout: 300 s in all is long for a request that a user waits for."""
    if not context.options.get("session-default", True) or call.stars or is_wrapper(call, context, call.name):
        return
    if "timeout" in call.keywords and value_of(call.keywords["timeout"], call.module, call) is not None:
        return
    used = calls_on(call, VERBS)
    if used and all("timeout" in one.keywords or one.stars or has_deadline(one, call.module) for one in used):
        return
    # A local session on which nothing is asked here is for a web socket, or for a library with limits of its own.
    if not used and (calls_on(call, ("ws_connect",)) or any("." not in name for name in names_bound_to(call))):
        return
    # One that is handed out or kept, in a file whose requests bring their own: the budget is theirs.
    if not used and _requests_bring_timeouts(call.module):
        return
    # A socket of this machine.
    connector = resolved(call.keywords.get("connector"), call.module, call)
    if has_deadline(call, call.module) or (isinstance(connector, Call) and connector.method in ("UnixConnector", "NamedPipeConnector")):
        return
    yield Diagnostic(
        call, f"`{shown(call)}` has no timeout: aiohttp's default is 300 s in total", priority="P2", fix=_set_aiohttp_timeout(context)
    )


@lru_cache(maxsize=4)
def _requests_bring_timeouts(module: Module) -> bool:
    """Whether every request of a file (at least one) brings a timeout of its own."""
    if b"timeout" not in module.source.data:
        return False
    asked = [
        one
        for one in module.calls()
        if one.method in ("post", "put", "patch", "request")
        or (one.method in ("get", "delete") and {"headers", "params", "ssl", "timeout"} & set(one.keywords))
    ]
    return bool(asked) and all("timeout" in one.keywords or one.stars for one in asked)


# ---------------------------------------------------------------- the standard library and friends

# Name -> where a timeout stands as a positional argument (-1: by keyword only).
STDLIB: Mapping[str, int] = {
    "urllib.request.urlopen": 2,
    "urllib.request.build_opener.open": 2,
    "urllib.request.OpenerDirector.open": 2,
    "http.client.HTTPConnection": 2,
    "http.client.HTTPSConnection": 4,
    "smtplib.SMTP": 3,
    "smtplib.SMTP_SSL": 5,
    "smtplib.LMTP": -1,
    "ftplib.FTP": 4,
    "ftplib.FTP_TLS": 7,
    "imaplib.IMAP4": 2,
    "imaplib.IMAP4_SSL": -1,
    "poplib.POP3": 2,
    "poplib.POP3_SSL": 4,
    "telnetlib.Telnet": 2,
    "socket.create_connection": 1,
    "paramiko.SSHClient.connect": 6,
    "paramiko.client.SSHClient.connect": 6,
    "paramiko.SSHClient.exec_command": 2,
    "paramiko.client.SSHClient.exec_command": 2,
}

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0")


def _is_loopback(expression: Expression | None, module: Module, near: Fact) -> bool:
    """Whether an address is this very machine, or no network at all (`file:`, `data:`)."""
    value = value_of(expression, module, near)
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(expression, FString) and expression.items and isinstance(expression.items[0], Constant):
        value = expression.items[0].value
    if not isinstance(value, str):
        return False
    if value.startswith(("file:", "data:")):
        return True
    host = value.split("://", 1)[-1]
    return any(host == name or host.startswith((name + ":", name + "/")) for name in _LOOPBACK)


def _has_default_timeout(module: Module) -> bool:
    """Whether the file sets a timeout for every socket: `socket.setdefaulttimeout(...)`."""
    return b"setdefaulttimeout" in module.source.data


@check("PRD506", on=[calls(*STDLIB)])
def stdlib_without_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A network call of the standard library (or paramiko) without a timeout."""
    if call.stars or not is_imported(call) or is_wrapper(call, context, call.name) or _has_default_timeout(call.module):
        return
    found = call.argument(STDLIB[call.name], "timeout")
    if found is not None:
        if value_of(found, call.module, call) is None:
            yield Diagnostic(call, f"`{shown(call)}` with `timeout=None` waits without limit", fix=_set_plain_timeout(context))
        return
    if len(call.arguments) > STDLIB[call.name] >= 0 or any(
        isinstance(part, OpaqueExpression) and part.kind == "star" for part in call.arguments
    ):
        return
    if _is_loopback(call.argument(0, "host"), call.module, call) or _is_loopback(call.argument(0, "url"), call.module, call):
        return
    yield Diagnostic(call, f"`{shown(call)}` has no timeout: sockets wait without limit by default", fix=_set_plain_timeout(context))


def _set_plain_timeout(context: CheckContext) -> FixRequest:
    seconds = written(_profile(context)[1])
    return FixRequest("set-keyword", f"Set timeout={seconds}", safe=False, arguments=(("keyword", "timeout"), ("value", seconds)))


@check("PRD506", on=[calls("urllib.request.urlretrieve", "xmlrpc.client.ServerProxy", "xmlrpc.client.Server")])
def stdlib_that_takes_no_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Functions that have no `timeout` at all: only `socket.setdefaulttimeout` or a transport can give them one."""
    if call.stars or is_wrapper(call, context, call.name) or _has_default_timeout(call.module) or "transport" in call.keywords:
        return
    if call.name != "urllib.request.urlretrieve" and len(call.arguments) > 1:
        return
    if not _is_loopback(call.argument(0), call.module, call):
        yield Diagnostic(call, f"`{shown(call)}` takes no timeout: it waits without limit")


_POOLS = ("PoolManager", "ProxyManager", "HTTPConnectionPool", "HTTPSConnectionPool")
_pool_names = tuple(f"urllib3.{prefix}{pool}" for pool in _POOLS for prefix in ("", "poolmanager.", "connectionpool."))


@check("PRD506", on=[calls(*_pool_names)], required_literals=[("urllib3", pool.lower()) for pool in _POOLS])
def urllib3_pool_without_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A urllib3 pool without a timeout: pools have none, unlike `urllib3.request` (3 s)."""
    given = call.keywords.get("timeout")
    if given is not None and not (isinstance(given, Constant) and given.value is None):
        return
    if call.stars or is_wrapper(call, context, call.name) or _has_default_timeout(call.module):
        return
    if each_call_has(call, ("request", "urlopen", "request_encode_body", "request_encode_url"), "timeout"):
        return
    yield Diagnostic(call, f"`{shown(call)}` has no timeout: urllib3's pools wait without limit", fix=_set_plain_timeout(context))


@check(
    "PRD506", on=[calls("socket.socket.connect")], required_literals=[("socket.socket", ".connect("), ("from socket import", ".connect(")]
)
def socket_without_timeout(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`socket.socket()` that connects without `settimeout`."""
    made = call.constructor
    if made is None or not is_imported(call) or _has_default_timeout(call.module) or is_wrapper(call, context, call.name):
        return
    kinds = " ".join(part.text for part in (*made.arguments, *made.keywords.values()))
    # A datagram socket only notes the address; a UNIX socket never leaves the machine.
    if "SOCK_DGRAM" in kinds or "AF_UNIX" in kinds or "AF_NETLINK" in kinds or "AF_CAN" in kinds:
        return
    if calls_on(made, ("settimeout", "setblocking")):
        return
    if _is_loopback(call.argument(0), call.module, call):
        return
    yield Diagnostic(call, f"`{shown(call)}` has no timeout: call `settimeout` first")


# ---------------------------------------------------------------- PRD508


@check("PRD508", on=[calls("httpx.Limits", "httpx2.Limits")], required_literals=["limits("])
def httpx_pool_unbounded(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`httpx.Limits()`: without numbers it takes the default bounds of 100 and 20 away."""
    if call.stars or not is_imported(call):
        return
    given = call.argument(-1, "max_connections")
    if given is None or value_of(given, call.module, call) is None:
        fix = FixRequest("set-keyword", "Set httpx's own default", False, (("keyword", "max_connections"), ("value", "100")))
        yield Diagnostic(call, f"`{shown(call)}` without `max_connections` removes httpx's limit of 100 connections", fix=fix)


@check("PRD508", on=[calls("aiohttp.TCPConnector", "aiohttp.UnixConnector")], required_literals=[("connector(", "limit")])
def aiohttp_pool_unbounded(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`aiohttp.TCPConnector(limit=0)`: no bound at all."""
    given = call.keywords.get("limit")
    if given is not None and is_imported(call) and value_of(given, call.module, call) in (0, None):
        yield Diagnostic(given, f"`{shown(call)}` with `limit={given.text}` opens connections without limit: aiohttp's default is 100")
