"""PRD428 jwt-lifetime-too-long: how long an access token is good, by settings, claims and calls that say it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.facts import Assignment, Call, Constant, Dictionary, Expression, Fact, Name, Operation, Setting
from prodlint.model import Priority
from prodlint.project.production import SETTING_FILES, deployed, priority_in
from prodlint.values.durations import duration, is_delta, shown, spoken, unit_of
from prodlint.values.evaluate import Values
from prodlint.values.lattice import Known

# How a setting for the life of tokens is called; whose life it is, and whose it is not.
_LIFE = r"(?:EXP|EXPIRES?|EXPIRY|EXPIRATION|EXPIRES_IN|LIFE_?TIME|LIFE_?SPAN|TTL|VALIDITY|DURATION|MAX_?AGE)"
_UNIT = r"(?:_DELTA|_TIME|_PERIOD)?(?:_IN)?(?:_(?:MS|MILLISECONDS|S|SECS?|SECONDS?|MINS?|MINUTES?|HRS?|HOURS?|DAYS?|WEEKS?))?(?:_DELTA)?"
_NAME = re.compile(
    rf"(?:^|_)(?:ACCESS|ACCESS_TOKEN|AUTH_TOKEN|BEARER_TOKEN|JWT|JWT_ACCESS|JWT_TOKEN|AUTHJWT_ACCESS_TOKEN|JWT_ACCESS_TOKEN|ID_TOKEN)_{_LIFE}{_UNIT}$",
    re.IGNORECASE,
)
_REFRESH_NAME = re.compile(
    rf"(?:^|_)(?:REFRESH|REFRESH_TOKEN|JWT_REFRESH|JWT_REFRESH_TOKEN|AUTHJWT_REFRESH_TOKEN)_{_LIFE}{_UNIT}$", re.IGNORECASE
)
# Settings whose plain number is seconds, by their libraries' documentation.
_SECONDS = re.compile(r"(?:^|_)(?:JWT|AUTHJWT)_(?:ACCESS|REFRESH)_TOKEN_EXPIRES$", re.IGNORECASE)
# Tokens that travel once, by mail, and what somebody asks for by hand.
_OTHER = re.compile(
    r"reset|verif|confirm|invit|activat|email|mail|unsubscribe|download|share|magic|otp|api_?key|personal|service|device|remember|impersonat|webhook|upload|signed",
    re.IGNORECASE,
)
_REFRESH = re.compile(r"refresh", re.IGNORECASE)
_LITERALS = [
    f"{owner}_{life}"
    for owner in ("access", "token", "jwt", "refresh")
    for life in ("exp", "life", "ttl", "validity", "max_age", "maxage", "duration")
]


def _limit(refresh: bool, context: CheckContext) -> float:
    options = context.options
    return float(options["refresh-days"]) * 86400 if refresh else float(options["access-minutes"]) * 60


def _judged(
    at: Fact, name: str, seconds: float | None, refresh: bool, context: CheckContext, unset: str = "", known: bool = True
) -> Iterator[Diagnostic]:
    """known: whether the code says what the token is for; of any other only the time can be told."""
    limit = _limit(refresh, context)
    if seconds is None or seconds <= limit:
        return
    kind = "a refresh token" if refresh else "an access token" if known else "a token"
    # Past a day a token outlives the session of whoever it was stolen from; a few hours are a habit to be argued about.
    priority: Priority | None = "P2" if refresh or seconds <= 86400 or not known else None
    yield Diagnostic(
        at,
        f"{name}: {kind} is valid for {shown(seconds)}{unset}, longer than {shown(limit)}",
        priority=priority,
    )


@check(
    "PRD428",
    on=[settings("*EXP*", "*LIFE*", "*TTL*", "*VALIDITY*", "*AGE*", "*DURATION*")],
    required_literals=_LITERALS,
    files=SETTING_FILES,
)
def lifetime_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`ACCESS_TOKEN_EXPIRE_MINUTES=11520` in what production is given."""
    value = setting.value if setting.value is not None else setting.default
    refresh = bool(_REFRESH_NAME.search(setting.name))
    if not value or not deployed(setting) or not (refresh or _NAME.search(setting.name)) or _OTHER.search(setting.name):
        return
    unit = unit_of(setting.name.removesuffix("_DELTA")) or (1.0 if _SECONDS.search(setting.name) else None)
    yield from _judged(setting, f"`{setting.name}={value}`", spoken(value, unit), refresh, context)


def _judged_by_itself(name: Name, at: Assignment) -> bool:
    """Whether a lifetime is taken from a constant of this file whose own line is judged: `timedelta(hours=REFRESH_TOKEN_LIFETIME_HOURS)`."""
    if not (_REFRESH_NAME.search(name.source_text) or _NAME.search(name.source_text)) or _OTHER.search(name.source_text):
        return False
    return any(not one.scope.function for one in at.module.assignments(name.source_text))


@check("PRD428", on=[every(Assignment)], required_literals=_LITERALS, files=("python",))
def lifetime_in_code(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`ACCESS_TOKEN_EXPIRE_MINUTES = 60 * 24 * 8`, `SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(days=7)}`."""
    name = assignment.target
    refresh = bool(_REFRESH_NAME.search(name))
    if not (refresh or _NAME.search(name)) or _OTHER.search(name) or assignment.kind in ("compare", "walrus", "unpacked", "unpacked-part"):
        return
    if assignment.kind in ("name", "annotated") and assignment.scope.function or priority_in(assignment, context) is False:
        return
    values = context.values(assignment.module)
    value: Expression | None = assignment.value
    if value is not None and any(isinstance(part, Name) and _judged_by_itself(part, assignment) for part in value.walk()):
        return
    if isinstance(value, Call) and value.method == "Field":
        value = value.argument(0, "default")
    unit = unit_of(re.sub(r"(?i)_delta$", "", name)) or (1.0 if _SECONDS.search(name) else None)
    seconds = duration(values, value, unit)
    by_default = ""
    if value is not None and any(True for _ in values.in_production.of(value).settings()):
        given = context.environment.startup.settings.get(name.upper())
        if given is not None and (said := spoken(given, unit)) is not None:
            seconds = said
        by_default = " where nobody sets it"
    yield from _judged(assignment, f"`{name}`", seconds, refresh, context, by_default)


@check(
    "PRD428",
    on=[every(Assignment)],
    required_literals=[(library, "exp", clock) for library in ("jwt", "jose") for clock in ("timedelta", "time.time", "timestamp")],
    files=("python",),
)
def lifetime_in_claims(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`{"sub": user, "exp": datetime.now(timezone.utc) + timedelta(days=30)}`."""
    if assignment.target != "exp" or assignment.kind not in ("item", "subscript", "keyword") or not _makes_tokens(assignment):
        return
    values = context.values(assignment.module)
    added = _added(values, assignment.value)
    around = f"{assignment.scope.function} {_claims_around(assignment)}"
    if added is None or _OTHER.search(around) or priority_in(assignment, context) is False:
        return
    yield from _judged(assignment, "`exp`", added, bool(_REFRESH.search(around)), context, known=bool(_SIGNS_IN.search(around)))


# What says that a token lets somebody in; `get_update_token` does not.
_SIGNS_IN = re.compile(
    r"(?i)access|auth|log_?in|sign_?in|session|bearer|credential|^_*(?:create|make|issue|encode|generate|get|new)?_?(?:jwt|token)s?\b"
)


def _makes_tokens(assignment: Assignment) -> bool:
    """Whether the file uses a library that signs tokens."""
    return any(
        name.split(".")[0] in ("jwt", "jose", "authlib", "joserfc", "jwcrypto", "python_jwt") for name in assignment.module.imports.values()
    )


def _added(values: Values, value: Expression) -> float | None:
    """What is added to the present time: `now() + timedelta(days=30)`, `int(time.time()) + 30 * 86400`."""
    for _ in range(4):
        if isinstance(value, Call) and value.name in ("int", "float", "round") and value.arguments:
            value = value.arguments[0]
        elif isinstance(value, Call) and value.method in ("timestamp", "timetuple", "utctimetuple") and value.receiver is not None:
            value = value.receiver
        elif isinstance(value, Call) and value.name.endswith("timegm") and value.arguments:
            value = value.arguments[0]
        elif isinstance(value, Name) and (given := values.given_expression(value)) is not value:
            value = given
        else:
            break
    if not isinstance(value, Operation) or value.operator != "+":
        return None
    total = 0.0
    for operand in value.operands:
        if _is_now(operand):
            continue
        by_time = any(isinstance(one, Call) and one.name.endswith(("time.time", ".timestamp")) for one in value.walk())
        seconds = duration(values, operand, 1.0 if by_time or is_delta(operand) else None)
        if seconds is None:
            return None
        total += seconds
    return total


def _is_now(expression: Expression) -> bool:
    names = [part.name if isinstance(part, Call) else part.source_text for part in expression.walk() if isinstance(part, (Call, Name))]
    return any(_NOW.search(name) for name in names) and not any("timedelta" in name for name in names)


_NOW = re.compile(r"(?:^|[._])(?:now|utcnow|time|today|timestamp|iat|issued_at)\b")


def _claims_around(assignment: Assignment) -> str:
    """The other claims of the same dict, for what they say of the token's kind."""
    holder = next(
        (
            one
            for function in assignment.module.functions()
            if function.start <= assignment.start < function.end
            for statement in function.body
            for expression in statement.expressions
            for one in expression.walk()
            if isinstance(one, Dictionary) and one.start <= assignment.start < one.end
        ),
        None,
    )
    kinds = [holder.get(key) for key in ("type", "typ", "token_type", "purpose", "scope", "aud")] if holder is not None else []
    return " ".join(str(kind.value) for kind in kinds if isinstance(kind, Constant))


_ISSUING = {
    "fastapi_users.authentication.JWTStrategy": ("lifetime_seconds", 1),
    "fastapi_users.authentication.strategy.JWTStrategy": ("lifetime_seconds", 1),
    "flask_jwt_extended.create_access_token": ("expires_delta", 2),
    "flask_jwt_extended.create_refresh_token": ("expires_delta", 1),
}


@check(
    "PRD428",
    on=[calls(*_ISSUING, "*.create_access_token", "*.create_refresh_token", "create_access_token", "create_refresh_token")],
    files=("python",),
)
def lifetime_in_call(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`create_access_token(user.id, expires_delta=timedelta(days=30))`, `JWTStrategy(secret, lifetime_seconds=2592000)`."""
    keyword, position = _ISSUING.get(call.name, ("expires_delta", -1))
    given = call.argument(position, keyword)
    if given is None or priority_in(call, context) is False or _OTHER.search(call.scope.function) or _OTHER.search(given.text):
        return
    bound = call.module.follow(given, call)
    if any(
        isinstance(part, Name) and "." in part.source_text and _NAME.search(part.source_text.rpartition(".")[2]) for part in bound.walk()
    ):
        return  # `settings.ACCESS_TOKEN_EXPIRE_MINUTES` is judged where it gets its value
    value = context.values(call.module)
    seconds = duration(value, given, 1.0 if keyword == "lifetime_seconds" else None)
    if any(isinstance(shape, Known) and shape.value is None for shape in value.of(given).shapes):
        return  # never: PRD427
    yield from _judged(given, f"`{keyword}={given.text[:60]}`", seconds, "refresh" in call.method, context)
