"""JSON web tokens: who checks the signature, with which algorithm, and for how long (PRD421 to PRD427).

What the libraries do was tried, not read: PyJWT 1 and 2, python-jose, Authlib, joserfc and jwcrypto differ in what a
missing `algorithms`, an allowed "none" and an expired token lead to.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.checks.quoting import quote
from prodlint.checks.web.parts import Judge
from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Constant,
    Dictionary,
    Expression,
    Fact,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Setting,
    Statement,
    Subscript,
    calls_in,
    expressions_in,
    statements_in,
)
from prodlint.model import FixRequest, Priority, Related
from prodlint.values.configured import configured_in
from prodlint.values.expressions import (
    dictionary,
    follow,
    innermost,
    module_statements,
    spread,
    truth,
    values,
)
from prodlint.values.lattice import Argument, Known, Member, Reference, Restricted, Table, Value, join
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.places import argument_of, is_number

# ---------------------------------------------------------------- libraries

_PYJWT_DECODE = (
    "jwt.decode",
    "jwt.decode_complete",
    "jwt.api_jwt.decode",
    "jwt.api_jwt.decode_complete",
    "jwt.PyJWT.decode",
    "jwt.PyJWT.decode_complete",
    "jwt.api_jwt.PyJWT.decode",
    "jwt.api_jwt.PyJWT.decode_complete",
    "jwt.PyJWS.decode",
    "jwt.api_jws.PyJWS.decode",
    "jwt.api_jws.decode",
)
_JOSE_DECODE = ("jose.jwt.decode", "jose.jws.verify")
_AUTHLIB_DECODE = ("authlib.jose.jwt.decode", "authlib.jose.JsonWebToken.decode", "authlib.jose.rfc7519.JsonWebToken.decode")
_JOSERFC_DECODE = ("joserfc.jwt.decode",)
_JWCRYPTO = ("jwcrypto.jwt.JWT",)
_GOOGLE = ("google.auth.jwt.decode",)

_DECODERS = (*_PYJWT_DECODE, *_JOSE_DECODE, *_AUTHLIB_DECODE, *_JOSERFC_DECODE, *_JWCRYPTO, *_GOOGLE)
_WITH_OPTIONS = (*_PYJWT_DECODE, *_JOSE_DECODE)

# Claims that only say who signed, or which key to take: reading them before the check is how the key is found.
_ROUTING_CLAIMS = frozenset({"iss", "kid", "alg", "tid", "typ", "x5t", "x5c", "jku", "azp"})
_TIME_CLAIMS = frozenset({"exp", "iat", "nbf", "expires_at"})
_VERIFIES = re.compile(r"verif|validat|authenticat|check_|introspect|parse_id_token|decode", re.IGNORECASE)
_ACCEPTS_EXPIRED = re.compile(r"refresh|logout|log_out|sign_?out|revoke|blacklist|blocklist|denylist|expir", re.IGNORECASE)
_ID_TOKEN = re.compile(r"id_?token", re.IGNORECASE)


def _name(call: Call) -> str:
    """The call's name with an instance made on the spot written as its class: `jwt.PyJWT().decode` as `jwt.PyJWT.decode`."""
    return call.name.replace("()", "")


def _is(call: Call, names: Sequence[str]) -> bool:
    return _name(call) in names


def _token(call: Call) -> Expression | None:
    """The token that a decode call is given."""
    for keyword in ("jwt", "token", "s", "value"):
        if keyword in call.keywords:
            return call.keywords[keyword]
    return call.argument(0)


def _options(call: Call) -> dict[str, Expression]:
    """The options of a decode call, those its `PyJWT(options=...)` instance was made with included."""
    found: dict[str, Expression] = {}
    constructor = call.constructor
    if constructor is not None and constructor.name.endswith("PyJWT"):
        found.update(dictionary(call.module, constructor.argument(0, "options"), constructor) or {})
    position = 4 if _is(call, _JOSE_DECODE) else 3
    given = call.argument(3 if position == 4 else position, "options") or spread(call).get("options")
    found.update(dictionary(call.module, given, call) or {})
    return found


def _signature(call: Call, context: CheckContext) -> Value:
    """What a decode call's options say of the signature check; no shapes where they say nothing."""
    values = context.values(call.module)
    found: list[Value] = []
    constructor = call.constructor
    if constructor is not None and constructor.name.endswith("PyJWT"):
        found += _said_by(values.of(constructor.argument(0, "options")))
    given = values.keywords(call).get("options") or values.of(call.argument(3))
    return join(*(_said_by(given) or found))


def _said_by(options: Value) -> list[Value]:
    """The value under "verify_signature" in each dict that the options may be."""
    tables = [shape for shape in options.unset().shapes if isinstance(shape, Table)]
    said = [table.entries["verify_signature"] for table in tables if "verify_signature" in table.entries]
    return said or []


def _is_off(value: Value) -> bool:
    """Whether a check is off for certain, as the code is written: no setting has a say."""
    return any(isinstance(shape, Known) and isinstance(shape.value, int) and not shape.value for shape in value.shapes)


def _is_always_off(value: Value) -> bool:
    return bool(value.shapes) and all(isinstance(shape, Known) and shape.value is False for shape in value.shapes)


# ---------------------------------------------------------------- what becomes of the result


def _result_name(function: Function | None, module: Module, call: Call) -> str:
    """The name that a call's result is given in its function, or nothing."""
    return _results(function, module).get(call.start, "")


@lru_cache(maxsize=4)
def _results(function: Function | None, module: Module) -> dict[int, str]:
    """The name that the value at an offset is given, in one reading of the function."""
    found: dict[int, str] = {}
    for statement in statements_in(function.body if function is not None else module.body):
        if statement.kind == "assign" and statement.expressions:
            inner = statement.expressions[0]
            while isinstance(inner, OpaqueExpression) and inner.kind == "await" and inner.items:
                inner = inner.items[0]
            if statement.targets and isinstance(statement.targets[0], Name):
                found.setdefault(inner.start, statement.targets[0].source_text)
    return found


class _Tail:
    """Places in order, and of those behind an offset how many there are, how many are marked, and their claims."""

    def __init__(self, places: Iterable[tuple[int, str, bool]]) -> None:
        ordered = sorted(places)
        self._starts = [start for start, _, _ in ordered]
        marked, claims = [0], [frozenset[str]()]
        for _, claim, mark in reversed(ordered):
            marked.append(marked[-1] + mark)
            claims.append(claims[-1] if claim in claims[-1] else claims[-1] | {claim})
        self._marked, self._claims = marked[::-1], claims[::-1]

    def behind(self, offset: int) -> tuple[int, int, frozenset[str]]:
        at = bisect_left(self._starts, offset)
        return len(self._starts) - at, self._marked[at], self._claims[at]


@dataclass(frozen=True, slots=True)
class _Lookups:
    """What a function uses and looks up, read once for all the results that are asked about.

    names: by name, where it is used; marked: as `name.get`. named: by the name that is looked into, where, and for which claim ("?" where it is
    computed); marked: other than by `get`. direct: the same by the range of the value that is looked into.
    """

    names: Mapping[str, _Tail]
    named: Mapping[str, _Tail]
    direct: Mapping[tuple[int, int], Sequence[tuple[str, bool]]]


@lru_cache(maxsize=4)
def _lookups(function: Function | None, module: Module) -> _Lookups:
    names: dict[str, list[tuple[int, str, bool]]] = {}
    named: dict[str, list[tuple[int, str, bool]]] = {}
    direct: dict[tuple[int, int], list[tuple[str, bool]]] = {}
    for expression in expressions_in(function.body if function is not None else module.body):
        if isinstance(expression, Name):
            name, _, rest = expression.source_text.partition(".")
            names.setdefault(name, []).append((expression.start, "", rest == "get"))
        key: Expression | None = None
        holder: Expression | None = None
        if isinstance(expression, Subscript):
            key, holder = expression.key, expression.value
        elif isinstance(expression, Call) and expression.method == "get" and expression.arguments:
            key, holder = expression.arguments[0], expression.receiver
        elif isinstance(expression, Operation) and expression.operator in ("in", "not in") and len(expression.operands) == 2:
            key, holder = expression.operands
        if key is None or holder is None:
            continue
        known = follow(module, key, expression)
        claim = known.value if isinstance(known, Constant) and isinstance(known.value, str) else "?"
        plain = not isinstance(expression, Call)
        direct.setdefault((holder.start, holder.end), []).append((claim, plain))
        if isinstance(holder, Name):
            named.setdefault(holder.source_text, []).append((expression.start, claim, plain))
    return _Lookups({name: _Tail(each) for name, each in names.items()}, {name: _Tail(each) for name, each in named.items()}, direct)


def _claims_read(function: Function | None, module: Module, call: Call) -> frozenset[str] | None:
    """The claims that the function reads from a call's result; None where the result goes elsewhere as a whole."""
    lookups = _lookups(function, module)
    name = _result_name(function, module, call)
    claims: frozenset[str] = frozenset()
    uses = understood = 0
    if name in lookups.names:
        uses, understood, _ = lookups.names[name].behind(call.end + 1)
    if name in lookups.named:
        _, plain_ones, claims = lookups.named[name].behind(call.start)
        understood += plain_ones
    for claim, plain in lookups.direct.get((call.start, call.end), ()):
        claims |= {claim}
        uses += 1
        understood += 1 + plain
    return None if not claims or uses > understood else claims


def _verified_elsewhere(call: Call, context: CheckContext) -> bool:
    """Whether nobody gets this result without the same token having passed, or going to pass, a check: on every path, not only on one."""
    module = call.module
    function = innermost(module, call)
    token = _token(call)
    if function is None or token is None:
        return False
    text = token.text
    values = context.values(module)
    flow = values.flow_at(call.start, call.end)
    exits = [
        (block, value.end)
        for value, block, _ in flow.returned
        if value is not None and not (isinstance(value, Constant) and not value.value)
    ]
    if flow.end is not None:
        exits.append((flow.end, 1 << 61))
    for other in calls_in(function.body):
        if other.start == call.start or call.start <= other.start and other.end <= call.end:
            continue
        if not _verifies(other, text, context) or any(True for _ in values.frame_at(other).extra):
            continue
        if other.end <= call.start:
            if values.always_before(other, call) and not call.scope.in_handler:
                return True
        elif not any(True for _ in values.frame_at(call).extra) and not flow.reaches_without(call.start, other.start, exits):
            return True
    return False


def _verifies(other: Call, token: str, context: CheckContext) -> bool:
    """Whether a call checks a token: a decode call that is not told not to, or a function that is named for it."""
    if _is(other, _DECODERS):
        first = _token(other)
        said = context.values(other.module).keywords(other)
        off = _is_off(_signature(other, context)) or said.get("verify", Value()).may_be(False)
        return first is not None and first.text == token and not off
    given = [*other.arguments, *other.keywords.values()]
    if any(argument.text == token for argument in given) and "unverified" not in other.name:
        last = other.name.rsplit(".", 1)[-1]
        return bool(_VERIFIES.search(last)) and not last.endswith(("b64decode", "_header")) and last != "decode_header"
    return False


def _weight(call: Call, context: CheckContext) -> tuple[bool, Priority | None]:
    """Whether reading this token unchecked is worth a finding, and at which priority."""
    module = call.module
    if _verified_elsewhere(call, context):
        return False, None
    function = innermost(module, call)
    if function is not None and _asks_for_shape(function):
        return False, None
    claims = _claims_read(function, module, call)
    if claims is not None and claims <= _ROUTING_CLAIMS:
        return False, None
    if claims is not None and claims <= _TIME_CLAIMS | _ROUTING_CLAIMS:
        return True, "P2"
    if _verified_by_heir(call, context):
        return True, "P2"
    token = _token(call)
    if token is not None and _ID_TOKEN.search(token.text):
        # OpenID Connect lets a client skip the signature of an ID token that it fetched itself over TLS.
        return True, "P2"
    if _NAMED_UNSAFE.search(call.scope.class_) or function is not None and _NAMED_UNSAFE.search(function.name):
        return True, "P2"
    return True, None


def _verified_by_heir(call: Call, context: CheckContext) -> bool:
    """Whether a class that is made of this one in the same file checks the token: the claims of the first only say whose key to take."""
    own = call.scope.class_
    for class_ in call.module.classes() if own else ():
        if any(base.rsplit(".", 1)[-1] == own for base in class_.bases):
            for other in call.module.calls():
                if class_.start <= other.start < class_.end and _is(other, _DECODERS) and not _is_off(_signature(other, context)):
                    return True
    return False


_SHAPE = re.compile(r"^_?(?:is|has|looks_like|seems|detect)_(?!.*(?:valid|auth|verif|expired|allow|admin|active|trusted))", re.IGNORECASE)
_NAMED_UNSAFE = re.compile(r"null|insecure|unsafe|unverified|fake|dummy|mock|noop|debug", re.IGNORECASE)


def _asks_for_shape(function: Function) -> bool:
    """`is_internal_token(token)`: tells kinds of tokens apart and gives nothing but true or false."""
    if not _SHAPE.search(function.name):
        return False
    returned = [s.expressions[0] for s in statements_in(function.body) if s.kind == "return" and s.expressions]
    return bool(returned) and all(isinstance(value, (Constant, Operation)) for value in returned)


# ---------------------------------------------------------------- PRD421, PRD422


_VERIFY_FALSE = (
    *_PYJWT_DECODE,
    *_GOOGLE,
    "jose.jws.verify",
    "rest_framework_simplejwt.*",
)


@check("PRD421", on=[calls(*_WITH_OPTIONS)], required_literals=["verify_signature"], files=["python"])
def signature_off_by_option(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`options={"verify_signature": False}`, or a value that a switch can turn into that."""
    said = _signature(call, context)
    if not said.shapes or all(isinstance(shape, Known) and shape.value is True for shape in said.shapes):
        return
    for shape in said.shapes:
        if isinstance(shape, Argument):
            yield from _callers_that_switch_off(call, shape, context)
    if _is_off(said):
        wanted, priority = _weight(call, context)
        if wanted:
            switch = _switch_around(call, context)
            words = f"does not check the signature where `{switch}` says so" if switch else "does not check the signature"
            yield Diagnostic(call, f"`{_name(call)}` {words}: anybody can write such a token", priority=priority)
        return
    if said.may_be(False):
        wanted, priority = _weight(call, context)
        if wanted:
            words = "lets a setting switch the signature check off, and it is off by default"
            yield Diagnostic(
                call, f"`{_name(call)}` {words}: anybody can write such a token", priority=priority, related=_settings_in(said)
            )
        return
    name = _switching(said)
    if name and _weight(call, context)[0]:
        yield Diagnostic(call, f"`{_name(call)}` checks the signature only where `{name}` says so", related=_settings_in(said))


def _settings_in(value: Value) -> tuple[Related, ...]:
    """Where the settings are read that decide."""
    return tuple(Related(shape.at.file.path, shape.at.span, f"`{shape.name}` is read here") for shape in value.settings())[:1]


def _switching(value: Value) -> str:
    """The switch that decides, where a setting or something that is called like one does."""
    for shape in value.walk():
        inner = shape.of if isinstance(shape, Restricted) else Value((shape,))
        for one in inner.walk():
            if isinstance(one, SettingRead):
                return one.name
            if isinstance(one, (Member, Reference, Argument)) and isinstance(one.at, Expression):
                text = " ".join(one.at.text.split())[:40]
                if isinstance(one, Reference) and text.isupper() or _OFF_NAMES.search(text) and ("." in text or isinstance(one, Reference)):
                    return quote(one.at.text, 40)
    return ""


def _switch_around(call: Call, context: CheckContext) -> str:
    """The condition that decides whether a call is made, where there is one."""
    for condition in context.values(call.module).conditions(call):
        if not condition.came_back and condition.pattern is None:
            return quote(condition.expression.text, 40)
    return ""


_OFF_NAMES = re.compile(r"unverified|insecure|skip_|disable|verify|debug|dev|testing", re.IGNORECASE)


def _callers_that_switch_off(call: Call, argument: Argument, context: CheckContext) -> Iterator[Diagnostic]:
    """The wrapper `def decode(token, verify=True)` and who calls it with False, or with a switch, in the same file."""
    values = context.values(call.module)
    for other, passed, _ in Judge(values, "code").given_to(argument):
        name = argument.function.name
        if passed.may_be(False):
            if _weight(other, context)[0]:
                yield Diagnostic(other, f"`{name}` is told not to check the token's signature: anybody can write such a token")
        elif _switching(passed):
            yield Diagnostic(
                other, f"`{name}` checks the token's signature only where `{_switching(passed)}` says so", related=_settings_in(passed)
            )


@check(
    "PRD421", on=[calls(*_VERIFY_FALSE)], required_literals=[("verify", "jwt"), ("verify", "jws"), ("verify", "google")], files=["python"]
)
def signature_off_by_argument(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`verify=False`: PyJWT 1, jws of python-jose, google-auth, simplejwt tokens."""
    name = _name(call)
    pyjwt = name in _PYJWT_DECODE
    values = context.values(call.module)
    given = values.keywords(call).get("verify", Value())
    if not given.shapes and pyjwt and isinstance(argument_of(call, "", 2), Constant):
        given = values.of(call.argument(2))
    switch = _switching(given)
    if not given.may_be(False) and not switch:
        return
    if name.startswith("rest_framework_simplejwt.") and not name.endswith(("Token", "TokenBackend.decode")):
        return
    wanted, priority = _weight(call, context)
    if not wanted:
        return
    version = context.environment.version("pyjwt") if pyjwt else None
    if pyjwt and version is not None and version[0] >= 2:
        yield Diagnostic(
            call,
            f"`verify=False` does nothing since PyJWT 2: `{name}` checks the signature; remove it, or say what is meant",
            priority="P2",
        )
        return
    if switch and not _is_off(given):
        yield Diagnostic(
            call, f"`{name}` checks the signature only where `{switch}` says so", priority=priority, related=_settings_in(given)
        )
        return
    yield Diagnostic(call, f"`{name}` with `verify=False` does not check the signature: anybody can write such a token", priority=priority)


_UNVERIFIED_CLAIMS = (
    "jose.jwt.get_unverified_claims",
    "jose.jws.get_unverified_claims",
    "joserfc.jws.extract_compact",
    "flask_jwt_extended.get_unverified_jwt_claims",
)


@check("PRD422", on=[calls(*_UNVERIFIED_CLAIMS)], files=["python"])
def unverified_claims(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Claims read without a check, by the function that is made for it."""
    wanted, priority = _weight(call, context)
    if wanted:
        yield Diagnostic(call, f"`{call.name}` reads claims that nobody has checked", priority=priority)


def _keys_read(function: Function) -> set[str]:
    """The literal keys that a function takes out of dicts."""
    keys: set[str] = set()
    for expression in expressions_in(function.body):
        key = expression.key if isinstance(expression, Subscript) else None
        if isinstance(expression, Call) and expression.method in ("get", "pop") and expression.arguments:
            key = expression.arguments[0]
        elif isinstance(expression, Operation) and expression.operator in ("in", "not in"):
            key = expression.operands[0]
        if isinstance(key, Constant) and isinstance(key.value, str):
            keys.add(key.value)
    return keys


_TOKEN_WORDS = re.compile(r"jwt|token|bearer|assertion|credential|authorization", re.IGNORECASE)
# `_parse_token_expiration`, `cache_ttl`: when a token of one's own has to be fetched anew.
_OF_TIME = re.compile(r"(?:^|_)(?:expir\w*|expires|exp|ttl|lifetime|max_age)(?:_|$)", re.IGNORECASE)


def _parts_read(function: Function, module: Module, call: Call) -> set[int]:
    """Which parts of a token that was split are looked at: `parts[0]`, `token.split(".")[1]`."""
    name = _result_name(function, module, call)
    found: set[int] = set()
    for expression in expressions_in(function.body):
        if isinstance(expression, Subscript) and (expression.value.start == call.start or name and expression.value.text == name):
            if isinstance(expression.key, Constant) and isinstance(expression.key.value, int):
                found.add(expression.key.value)
    return found


@check(
    "PRD422",
    on=[calls("*.split", "*.rsplit", "*.partition")],
    required_literals=[("b64decode", "split", "json"), ("base64url_decode", "split", "json")],
    files=["python"],
)
def claims_by_hand(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`json.loads(b64decode(token.split(".")[1]))`: a token taken apart by hand."""
    separator = call.argument(0, "sep")
    receiver = call.receiver
    if (
        not (isinstance(separator, Constant) and separator.value in (".", b"."))
        or receiver is None
        or not _TOKEN_WORDS.search(receiver.text)
    ):
        return
    module = call.module
    function = innermost(module, call)
    if function is None:
        return
    names = [other for other in calls_in(function.body) if other.start != call.start]
    decoded = any(other.method in ("urlsafe_b64decode", "b64decode", "base64url_decode", "b64_decode") for other in names)
    read = any(other.name.rsplit(".", 1)[-1] in ("loads", "load_json", "model_validate_json", "parse_raw") for other in names)
    if not decoded or not read:
        return
    for other in names:
        last = other.name.rsplit(".", 1)[-1]
        if last in ("compare_digest", "verify", "verify_signature", "verify_token") or other.name.startswith(("hmac.", "itsdangerous.")):
            return
        if _is(other, _DECODERS) or ("verify" in last and any(a.text == receiver.text for a in other.arguments)):
            return
    given = [other.argument(0) for other in names if other.method in ("urlsafe_b64decode", "b64decode", "base64url_decode", "b64_decode")]
    if _parts_read(function, module, call) == {0} or all(one is not None and "header" in one.text.lower() for one in given):
        return  # the header alone: which key, which algorithm
    claims = _keys_read(function)
    if claims and claims <= _ROUTING_CLAIMS or _OF_TIME.search(function.name):
        return
    # What is taken apart is often the service's own token, just fetched; whether anybody believes it shows only to a reader.
    lowered: Priority | None = "P1"
    if claims and claims <= _TIME_CLAIMS | _ROUTING_CLAIMS or _ID_TOKEN.search(receiver.text) or "unverified" in function.name:
        lowered = "P2"
    yield Diagnostic(
        call, f"`{receiver.text}` is taken apart by hand and its claims are read without checking the signature", priority=lowered
    )


@check("PRD422", on=[calls("*.deserialize")], required_literals=[("jwcrypto", "deserialize")], files=["python"])
def jwcrypto_payload(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """jwcrypto's `JWS.deserialize(raw)` without a key, and then `.objects["payload"]`."""
    if not call.name.endswith("JWS.deserialize") or len(call.arguments) > 1 or "key" in call.keywords or call.stars:
        return
    function = innermost(call.module, call)
    if function is None or call.receiver is None:
        return
    holder = call.receiver.text
    if any(other.method == "verify" and other.receiver is not None and other.receiver.text == holder for other in calls_in(function.body)):
        return
    for expression in expressions_in(function.body):
        if (
            isinstance(expression, Subscript)
            and expression.value.text == f"{holder}.objects"
            and isinstance(expression.key, Constant)
            and expression.key.value == "payload"
        ):
            yield Diagnostic(expression, f'`{holder}.objects["payload"]` holds claims that nobody has checked: `deserialize` got no key')


# ---------------------------------------------------------------- PRD423


_ENCODERS = ("jwt.encode", "jwt.PyJWT.encode", "jwt.api_jwt.encode", "jwt.api_jwt.PyJWT.encode", "jose.jwt.encode", "jose.jws.sign")
_ALGORITHM_LISTS = (
    "authlib.jose.JsonWebToken",
    "authlib.jose.JsonWebSignature",
    "authlib.jose.rfc7519.JsonWebToken",
    "joserfc.jws.JWSRegistry",
)


def _algorithms(call: Call) -> Expression | None:
    """The expression that says which algorithms are allowed."""
    name = _name(call)
    for keyword in ("algorithms", "algs"):
        if keyword in call.keywords:
            return call.keywords[keyword]
    if name in _PYJWT_DECODE or name in _JOSE_DECODE:
        third = call.argument(2)
        known = argument_of(call, "", 2)
        return None if isinstance(known, Constant) and isinstance(known.value, bool) else third
    if name in _ALGORITHM_LISTS:
        return call.argument(0)
    return None


@check(
    "PRD423",
    on=[calls(*_DECODERS, *_ALGORITHM_LISTS, *_ENCODERS, "joserfc.jwt.encode", "authlib.jose.jwt.encode")],
    required_literals=[("none", "jwt"), ("none", "jose")],
    files=["python"],
)
def none_algorithm(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """ "none" among the algorithms, for reading or for writing."""
    name = _name(call)
    module = call.module
    if name in _ENCODERS:
        given = call.argument(2, "algorithm")
        known = follow(module, given, call) if given is not None else None
        if isinstance(known, Constant) and (known.value is None or str(known.value).lower() == "none"):
            if known.value is None and not name.startswith("jwt."):
                return
            yield Diagnostic(call, f"`{name}` writes a token without a signature")
        return
    if name.endswith("jwt.encode"):
        header = dictionary(module, call.argument(0, "header"), call) or {}
        known = follow(module, header["alg"], call) if "alg" in header else None
        if isinstance(known, Constant) and str(known.value).lower() == "none":
            yield Diagnostic(call, f"`{name}` writes a token without a signature")
        return
    allowed = _algorithms(call)
    if allowed is None:
        return
    fix = _without_none(allowed, call)
    if any(value.text.lower() == "none" for value in values(module, allowed, call)):
        if name in _ALGORITHM_LISTS or name in _AUTHLIB_DECODE or name in _JOSERFC_DECODE:
            yield Diagnostic(call, f'`{name}` allows the algorithm "none" and then accepts tokens without a signature', fix=fix)
        else:
            words = f'`{name}` allows the algorithm "none": the library still refuses it, but the list says otherwise'
            yield Diagnostic(call, words, priority="P1", fix=fix)


def _without_none(allowed: Expression, call: Call) -> FixRequest | None:
    """Take "none" out of a list that stands in the call and names others."""
    if not isinstance(allowed, Collection) or allowed.kind == "tuple" or not call.start <= allowed.start < allowed.end <= call.end:
        return None
    items = [item for item in allowed.items if isinstance(item, Constant) and str(item.value).lower() == "none"]
    places = tuple(("item", f"{item.start}:{item.end}") for item in items)
    return FixRequest("remove-items", 'Take "none" out', False, places) if places else None


_ALGORITHM_SETTING = re.compile(r"^(?:\w+_)?(?:JWT_(?:\w+_)?ALG(?:ORITHM)?S?|JWT_DECODE_ALGORITHMS|ALGORITHM)$", re.IGNORECASE)


@check(
    "PRD423",
    on=[every(Module)],
    required_literals=[("algorithm", "none", "jwt"), ("jwt_alg", "none")],
    files=["python"],
)
def none_algorithm_setting(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`JWT_ALGORITHM = "none"`, `SIMPLE_JWT = {"ALGORITHM": "none"}`."""
    for statement, _ in module_statements(module):
        if statement.kind != "assign" or not statement.expressions or not statement.targets:
            continue
        given = statement.expressions[0]
        target = statement.targets[0]
        key = target.key.value if isinstance(target, Subscript) and isinstance(target.key, Constant) else target.text.rsplit(".", 1)[-1]
        pairs = [(str(key), given)]
        if isinstance(given, Dictionary) and "JWT" in str(key).upper():
            pairs += [(str(k.value), v) for k, v in given.items if isinstance(k, Constant)]
        for name, value in pairs:
            if (
                _ALGORITHM_SETTING.match(name)
                and "JWT" in (str(key) + name).upper()
                and any(v.text.lower() == "none" for v in values(module, value, value))
            ):
                yield Diagnostic(value, f'`{name}` is "none": tokens are written and accepted without a signature')


@check("PRD423", on=[settings("*jwt_algorithm", "*jwt_alg", "*jwt_algorithms")], required_literals=["jwt_alg"])
def none_algorithm_environment(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`JWT_ALGORITHM=none` in an env file, compose or Kubernetes."""
    value = setting.value if setting.value is not None else setting.default
    if setting.origin != "python" and value is not None and "none" in value.lower().strip("\"'[] ").split(","):
        yield Diagnostic(setting, f"`{setting.name}=none`: tokens are written and accepted without a signature")


# ---------------------------------------------------------------- PRD424


_SYMMETRIC = re.compile(r"^HS\d{3}$")
_ASYMMETRIC = re.compile(r"^(?:RS|ES|PS)\d{3}K?$|^EdDSA$|^Ed\d+$")


@check(
    "PRD424", on=[calls(*_PYJWT_DECODE, *_JOSE_DECODE, *_AUTHLIB_DECODE, *_JOSERFC_DECODE, *_JWCRYPTO, *_ALGORITHM_LISTS)], files=["python"]
)
def algorithms_not_fixed(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """No `algorithms`, algorithms out of the token itself, or secret and public keys in one list."""
    name = _name(call)
    module = call.module
    allowed = _algorithms(call)
    if allowed is None:
        if call.stars or name not in (*_PYJWT_DECODE, *_JOSE_DECODE):
            return
        if _is_always_off(_signature(call, context)) or truth(module, call.keywords.get("verify"), call) is False:
            return
        third = argument_of(call, "", 2)
        if isinstance(third, Constant) and third.value is False:
            return
        if name in _JOSE_DECODE:
            yield Diagnostic(call, f"`{name}` names no `algorithms` and accepts whichever the token asks for")
            return
        version = context.environment.version("pyjwt")
        key = call.argument(1, "key")
        if key is None or _is_jwk(module, key, call):
            return
        if version is not None and version[0] < 2:
            yield Diagnostic(call, f"`{name}` names no `algorithms`: PyJWT 1 accepts whichever the token asks for")
        else:
            yield Diagnostic(
                call, f"`{name}` names no `algorithms`: PyJWT 2 raises, PyJWT 1 accepts whichever the token asks for", priority="P1"
            )
        return
    if _is_always_off(_signature(call, context)):
        return
    known = follow(module, allowed, call)
    if isinstance(known, Constant) and known.value is None:
        if name in _JOSE_DECODE:
            yield Diagnostic(call, f"`{name}` with `algorithms=None` accepts whichever the token asks for")
        return
    if _from_token(module, allowed, call):
        yield Diagnostic(allowed, f"`{name}` takes the algorithm from the token's own header")
        return
    listed = {value.text for value in values(module, allowed, call)}
    secret = sorted(text for text in listed if _SYMMETRIC.match(text))
    public = sorted(text for text in listed if _ASYMMETRIC.match(text))
    if secret and public and name not in _ALGORITHM_LISTS:
        yield Diagnostic(allowed, f"`{name}` allows {secret[0]} beside {public[0]}: a token signed with the public key as secret may pass")


def _is_jwk(module: Module, key: Expression, call: Call) -> bool:
    """Whether the key brings its algorithm along: PyJWK objects, and keys that come from an unknown place named so."""
    known = follow(module, key, call)
    text = f"{key.text} {known.text}".lower()
    return "jwk" in text or "signing_key" in text and not text.endswith(".key")


def _from_token(module: Module, allowed: Expression, call: Call) -> bool:
    """Whether the list is made of `header["alg"]`, where the header was read from the token."""
    for part in follow(module, allowed, call).walk():
        known = follow(module, part, call) if isinstance(part, Name) else part
        for inner in known.walk():
            key: Expression | None = None
            holder: Expression | None = None
            if isinstance(inner, Subscript):
                key, holder = inner.key, inner.value
            elif isinstance(inner, Call) and inner.method == "get" and inner.arguments:
                key, holder = inner.arguments[0], inner.receiver
            if key is None or holder is None or not (isinstance(key, Constant) and key.value == "alg"):
                continue
            origin = follow(module, holder, call)
            if "unverified_header" in origin.text or "decode_header" in origin.text:
                return True
    return False


# ---------------------------------------------------------------- PRD425


_CLAIM_CHECKS = ("verify_exp", "verify_nbf", "verify_aud", "verify_iss", "verify_sub", "verify_at_hash")
_LEEWAY_LIMIT = 300


@check(
    "PRD425",
    on=[calls(*_WITH_OPTIONS, "flask_jwt_extended.decode_token")],
    required_literals=["verify_exp", "verify_aud", "verify_iss", "verify_nbf", "verify_sub", "verify_at_hash", "allow_expired", "leeway"],
    files=["python"],
)
def claim_checks_disabled(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Expiry, audience or issuer checks switched off while the signature is checked."""
    module = call.module
    function = innermost(module, call)
    if call.name == "flask_jwt_extended.decode_token":
        given = call.argument(2, "allow_expired")
        if truth(module, given, call):
            fix = FixRequest("remove-keyword", "Refuse expired tokens", False, (("keyword", "allow_expired"),))
            yield Diagnostic(
                call, "`allow_expired=True` accepts tokens for ever", priority="P2" if _may_be_expired(function) else None, fix=fix
            )
        return
    if _is_always_off(_signature(call, context)) or truth(module, call.keywords.get("verify"), call) is False:
        return
    options = _options(call)
    off = [name for name in _CLAIM_CHECKS if name in options and _plainly_off(module, options[name], call)]
    if "subject" not in call.keywords:
        off = [name for name in off if name != "verify_sub"]  # without one to compare with, only that it is a text would be checked
    if function is not None:
        if _validated_later(function, _result_name(function, module, call)):
            return
        off = [name for name in off if not _checked_by_hand(module, function, name.removeprefix("verify_"))]
    if off:
        words = ", ".join(f"`{name}`" for name in off)
        priority: Priority | None = None
        if set(off) <= {"verify_at_hash", "verify_nbf"} or "verify_exp" in off and (_may_be_expired(function) or _only_signature(function)):
            priority = "P2"
        elif "verify_exp" not in off and "verify_nbf" not in off:
            priority = "P1"
        yield Diagnostic(call, f"`{_name(call)}` switches {words} off", priority=priority, fix=_with_checks(call, off))
    leeway = call.keywords.get("leeway") or options.get("leeway")
    seconds = _seconds(module, leeway, call)
    if seconds is not None and seconds > _LEEWAY_LIMIT:
        yield Diagnostic(call, f"`leeway` of {seconds:g} seconds keeps expired tokens alive", priority="P1")


def _with_checks(call: Call, off: list[str]) -> FixRequest | None:
    """Take the switched-off checks out of the options that stand in the call."""
    options = call.keywords.get("options")
    if not isinstance(options, Dictionary) or any(key is None for key, _ in options.items):
        return None
    gone = [value for key, value in options.items if isinstance(key, Constant) and key.value in off]
    if len(gone) != len(off):
        return None
    if len(gone) == len(options.items):
        return FixRequest("remove-keyword", "Check every claim", False, (("keyword", "options"),))
    return FixRequest("remove-items", "Check these claims too", False, tuple(("item", f"{value.start}:{value.end}") for value in gone))


def _plainly_off(module: Module, given: Expression, call: Call) -> bool:
    """Whether a check is False here, and not by the default of a parameter that a caller may set."""
    return truth(module, given, call) is False and (not isinstance(given, Name) or follow(module, given, call) is not given)


def _validated_later(function: Function, result: str) -> bool:
    """Whether the claims go to a function that is named for checking them."""
    return bool(result) and any(
        _VERIFIES.search(call.method) and any(argument.text == result for argument in (*call.arguments, *call.keywords.values()))
        for call in calls_in(function.body)
    )


def _only_signature(function: Function | None) -> bool:
    """Whether the function is named for asking who signed, and nothing else: `_signed_with`, `issued_by_us`."""
    return function is not None and bool(re.search(r"(?:^|_)(?:signed|issued|minted)_(?:with|by)(?:_|$)", function.name))


def _may_be_expired(function: Function | None) -> bool:
    return function is not None and bool(_ACCEPTS_EXPIRED.search(f"{function.scope.symbol} {function.name}"))


def _checked_by_hand(module: Module, function: Function, claim: str) -> bool:
    """Whether the function (or, for expiry, another one of the file) compares the claim itself."""
    blocks = [function.body]
    if claim in _keys_read(function):
        return True
    if claim == "exp":
        blocks += [other.body for other in module.functions() if other.start != function.start]
    for block in blocks:
        for expression in expressions_in(block):
            if isinstance(expression, Operation) and expression.operator in ("<", ">", "<=", ">=", "==", "!=", "in", "not in"):
                for part in expression.walk():
                    if isinstance(part, Constant) and part.value == claim:
                        return True
                    if isinstance(part, (Name, Attribute)) and part.text.rsplit(".", 1)[-1] in (claim, f"{claim}_claim", f"token_{claim}"):
                        return True
    return False


def _seconds(module: Module, expression: Expression | None, near: Fact) -> float | None:
    if expression is None:
        return None
    known = follow(module, expression, near)
    if isinstance(known, Constant) and is_number(known.value):
        return float(known.value)
    if isinstance(known, Call) and known.name.rsplit(".", 1)[-1] == "timedelta":
        sizes = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001, "microseconds": 1e-6}
        total = 0.0
        for name in known.keywords:
            value = argument_of(known, name)
            if not (isinstance(value, Constant) and isinstance(value.value, (int, float))):
                return None
            total += value.value * sizes.get(name, 0)
        if known.arguments:
            first = argument_of(known, "", 0)
            if not (isinstance(first, Constant) and isinstance(first.value, (int, float))):
                return None
            total += first.value * 86400
        return total
    return None


# ---------------------------------------------------------------- PRD426


@check("PRD426", on=[calls(*_AUTHLIB_DECODE, *_JOSERFC_DECODE)], files=["python"])
def claims_never_validated(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Authlib's and joserfc's `decode` check the signature alone; the claims wait for `validate`."""
    module = call.module
    function = innermost(module, call)
    block = function.body if function is not None else module.body
    if _validates(block, call) or _checks_time_itself(block) or _made_here(call, block):
        return
    if function is not None and any(
        _validates(caller.body, call, function.name) for caller in module.functions() if caller.start != function.start
    ):
        return
    library = "Authlib" if call.name.startswith("authlib") else "joserfc"
    words = f"`{_name(call)}` of {library} accepts expired tokens: nothing calls `validate` on the claims"
    yield Diagnostic(call, words, fix=_validating(call, block, library))


# `if now > claims["exp"]`; `jti` is looked up in a store that forgets it in time.
_TIME_KEPT = frozenset({"exp", "jti", "expires_at"})


def _checks_time_itself(block: tuple[Statement, ...]) -> bool:
    """Whether a block reads the claim that says how long a token is good, or the one by which a store knows it."""
    for expression in expressions_in(block):
        key: Expression | None = None
        if isinstance(expression, Subscript):
            key = expression.key
        elif isinstance(expression, Call) and expression.method == "get" and expression.arguments:
            key = expression.arguments[0]
        if isinstance(key, Constant) and key.value in _TIME_KEPT:
            return True
    return False


def _made_here(call: Call, block: tuple[Statement, ...]) -> bool:
    """Whether a token that is decoded was encoded in the same block: a key pair that is tried out."""
    token = _token(call)
    bound = follow(call.module, token, call) if token is not None else None
    return isinstance(bound, Call) and bound.method == "encode" and any(other.start == bound.start for other in calls_in(block))


def _validating(call: Call, block: tuple[Statement, ...], library: str) -> FixRequest | None:
    """Validate the claims in the line below, where the result of `decode` has a name."""
    for statement in statements_in(block):
        targets = statement.targets
        bound = statement.kind == "assign" and bool(statement.expressions) and statement.expressions[0].start == call.start
        if bound and len(targets) == 1 and isinstance(targets[0], Name) and "." not in targets[0].source_text:
            result = targets[0].source_text
            receiver = call.receiver
            text = f"{result}.validate()"
            if library == "joserfc":
                if not isinstance(receiver, Name):
                    return None
                text = f"{receiver.source_text}.JWTClaimsRegistry().validate({result}.claims)"
            return FixRequest("insert-after-statement", "Validate the claims", False, (("text", text),))
    return None


def _validates(block: tuple[Statement, ...], call: Call, through: str = "") -> bool:
    """Whether a block validates claims, or hands them to something named so. through: a function that must be called there."""
    found = not through
    valid = False
    for other in calls_in(block):
        last = other.name.rsplit(".", 1)[-1]
        if through and (other.method == through or last == through):
            found = True
        elif other.start != call.start and re.search(
            r"validat|verify_claims|check_claims|_check|verify", other.method or last, re.IGNORECASE
        ):
            valid = True
    return found and valid


# ---------------------------------------------------------------- PRD427


_ENCODE_POSITIONS = {
    "jwt.encode": 0,
    "jwt.PyJWT.encode": 0,
    "jwt.api_jwt.encode": 0,
    "jwt.api_jwt.PyJWT.encode": 0,
    "jose.jwt.encode": 0,
    "authlib.jose.jwt.encode": 1,
    "authlib.jose.JsonWebToken.encode": 1,
    "joserfc.jwt.encode": 1,
}


@check("PRD427", on=[calls(*_ENCODE_POSITIONS)], files=["python"])
def encoded_without_expiry(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A payload that is plain to see and holds no `exp`."""
    position = _ENCODE_POSITIONS.get(_name(call), 0)
    keyword = "claims" if position == 1 else "payload"
    payload = call.argument(position, keyword) or call.keywords.get("claims")
    if payload is None:
        return
    module = call.module
    known = follow(module, payload, call)
    made = isinstance(known, Call) and known.name == "dict" and bool(known.keywords) and not known.arguments and not known.stars
    if not made and (not isinstance(known, Dictionary) or not known.items):
        return
    if isinstance(known, Dictionary) and not all(_plain_key(module, key, call) for key, _ in known.items):
        return
    keys = set(dictionary(module, known, call) or {})
    if "exp" in keys:
        return
    if isinstance(payload, Name) and _grows(module, payload, known, call):
        return
    algorithm = argument_of(call, "algorithm", 2) if position == 0 else None
    if isinstance(algorithm, Constant) and str(algorithm.value).lower() == "none":
        return  # PRD423 speaks
    function = innermost(module, call)
    for other in calls_in(function.body if function is not None else module.body):
        if other.method == "decode" and other.start > call.end and _is(other, _DECODERS) and _made_here(other, (function or module).body):
            return  # tried out on the spot, and gone
    # A token that names no one but its issuer signs this service's own calls to somebody else's API.
    own = keys <= {"iss", "iat", "jti", "aud", "nbf"}
    words = f"`{_name(call)}` writes a token that never expires: its claims hold no `exp`"
    yield Diagnostic(call, words, priority="P1" if own else None)


def _plain_key(module: Module, key: Expression | None, near: Fact) -> bool:
    if key is None:
        return False
    known = follow(module, key, near)
    return isinstance(known, Constant) and isinstance(known.value, str)


def _grows(module: Module, payload: Name, made: Expression, call: Call) -> bool:
    """Whether `exp` (or something unknown) is put into the payload between its making and its use."""
    function = innermost(module, call)
    block = function.body if function is not None else module.body
    for statement in statements_in(block):
        if not made.end <= statement.start or statement.start > call.start:
            continue
        for target in statement.targets:
            if isinstance(target, Subscript) and target.value.text == payload.source_text:
                key = follow(module, target.key, call)
                if not isinstance(key, Constant) or key.value == "exp":
                    return True
        for expression in (e for given in statement.expressions for e in given.walk()):
            if isinstance(expression, Call) and expression.start != call.start:
                receiver = expression.receiver
                if (
                    receiver is not None
                    and receiver.text == payload.source_text
                    and expression.method in ("update", "setdefault", "__setitem__")
                ):
                    added: set[str] = set(expression.keywords)
                    plain = True
                    for argument in expression.arguments:
                        inner = dictionary(module, argument, call)
                        if isinstance(argument, Constant):
                            added.add(str(argument.value))
                        elif inner is None or (
                            isinstance(argument, Dictionary) and not all(_plain_key(module, k, call) for k, _ in argument.items)
                        ):
                            plain = expression.method == "setdefault" and plain
                        else:
                            added |= set(inner)
                    if "exp" in added or not plain:
                        return True
                elif any(
                    argument.text == payload.source_text for argument in (*expression.arguments, *expression.keywords.values())
                ) and not (expression.start <= call.start and call.end <= expression.end):
                    if not _only_reads(expression):
                        return True
    return False


def _only_reads(call: Call) -> bool:
    """Whether a call that gets the payload surely leaves it as it is."""
    return call.name in ("print", "len", "str", "repr", "dict", "json.dumps", "isinstance") or call.method in (
        "debug",
        "info",
        "warning",
        "error",
        "dumps",
    )


@check(
    "PRD427",
    on=[calls("*.JWTStrategy", "flask_jwt_extended.create_access_token")],
    required_literals=["jwtstrategy", ("create_access_token", "expires_delta")],
    files=["python"],
)
def issued_without_expiry(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """fastapi-users' `lifetime_seconds=None` and flask-jwt-extended's `expires_delta=False`."""
    if call.name.startswith("fastapi_users") or call.method == "JWTStrategy":
        given = call.argument(1, "lifetime_seconds")
        known = follow(call.module, given, call) if given is not None else None
        if isinstance(known, Constant) and known.value is None:
            yield Diagnostic(call, "`lifetime_seconds=None` issues tokens that never expire")
        return
    given = argument_of(call, "expires_delta")
    if isinstance(given, Constant) and given.value is False:
        # A token with claims of its own is good for what they say, such as confirming an address.
        limited: Priority | None = "P1" if "additional_claims" in call.keywords or _FOR_ONE_THING.search(call.scope.function) else None
        yield Diagnostic(call, "`expires_delta=False` issues a token that never expires", priority=limited)


_FOR_ONE_THING = re.compile(r"(?i)confirm|verif|activat|invit|unsubscribe|download|share|email|mail|register|sign_?up")


@check(
    "PRD427",
    on=[every(Module)],
    required_literals=["jwt_access_token_expires", "jwt_refresh_token_expires"],
    files=["python"],
)
def expiry_switched_off(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """flask-jwt-extended's `JWT_ACCESS_TOKEN_EXPIRES = False`."""
    for key, given in _assigned_or_configured(module):
        if key in ("JWT_ACCESS_TOKEN_EXPIRES", "JWT_REFRESH_TOKEN_EXPIRES") and isinstance(given, Constant) and given.value is False:
            lowered: Priority | None = "P1" if "REFRESH" in key else None
            yield Diagnostic(given, f"`{key} = False` issues tokens that never expire", priority=lowered)


def _assigned_or_configured(module: Module) -> Iterator[tuple[str, Expression]]:
    """Settings by the last part of their names: `X = ...`, `app.config["X"] = ...`, `app.config.update(X=...)`."""
    for statement in statements_in(module.body, into_definitions=True):
        if statement.kind == "assign" and statement.expressions:
            for target in statement.targets:
                if isinstance(target, Subscript) and isinstance(target.key, Constant):
                    yield str(target.key.value), statement.expressions[0]
                else:
                    yield target.text.rsplit(".", 1)[-1], statement.expressions[0]
    for _, name, value in configured_in(module):
        yield name, value


@check("PRD427", on=[settings("*jwt_access_token_expires")], required_literals=["jwt_access_token_expires"])
def expiry_switched_off_environment(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`JWT_ACCESS_TOKEN_EXPIRES=False` outside Python."""
    if setting.origin != "python" and (setting.value or "").strip("\"'").lower() in ("false", "0"):
        yield Diagnostic(setting, f"`{setting.name}={setting.value}` issues tokens that never expire")
