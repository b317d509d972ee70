"""PRD107 weak-signing-key: keys that are short, monotonous, or made anew at each start."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check, every, settings
from prodlint.checks.secrets.python import inside, literals
from prodlint.facts import Assignment, Call, Constant, Expression, Name, Operation, Setting
from prodlint.project.production import SETTING_FILES, deployed, priority_in
from prodlint.values.places import argument_of
from prodlint.values.secret_names import is_signing_name
from prodlint.values.secret_values import in_use, shape_of

# RFC 7518, 3.2: a key of at least the size of the hash. Django's own W009: 50 characters, 5 different ones.
_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_SHORTEST = 32
_FEWEST = 5
_OF_DJANGO = 50
_NAMES = ("*SECRET_KEY", "*SECRETKEY", "*JWT_SECRET", "*JWT_KEY", "*JWT_SECRET_KEY", "*SIGNING_KEY", "*SESSION_SECRET", "*COOKIE_SECRET", "*SECRET_KEY_BASE", "*AUTH_SECRET", "*TOKEN_SECRET", "*SESSION_KEY")  # fmt: skip
_WORDS = ("secret_key", "secretkey", "jwt_secret", "jwt_key", "signing_key", "session_secret", "cookie_secret", "auth_secret", "token_secret", "session_key", "fernet_key", "jwtsecret")  # fmt: skip
# Keys of others' services are as long as these make them.
_OF_OTHERS = re.compile(
    r"AWS|STRIPE|S3_|MINIO|GOOGLE|GITHUB|FACEBOOK|TWITTER|SLACK|PAYPAL|RECAPTCHA|CAPTCHA|ALGOLIA|MAILGUN|TWILIO|OAUTH|CLIENT|WEBHOOK|LANGFUSE|CLERK|SQUARE",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"[${}<>]|\A(?:/|\./|file:|vault:|ssm:|arn:|op://|projects/)|-----BEGIN|\.(?:pem|key|json)\Z")


def size_of(key: str) -> int:
    """The bytes that a key holds: of hexadecimal and padded base 64 what they stand for."""
    text = key.strip()
    if re.fullmatch(r"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}", text) and not text.isalpha():
        return len(text) // 2
    if re.fullmatch(r"[A-Za-z0-9+/_-]{16,}={1,2}", text):
        try:
            return len(base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True))
        except (binascii.Error, ValueError):
            return len(text.encode())
    return len(text.encode())


def _weakness(key: str, needed: int, why: str) -> str:
    """What is wrong with a key, or nothing."""
    if len(set(key)) < _FEWEST:
        return f"holds {len(set(key))} different characters"
    size = size_of(key)
    return f"is {size} bytes long; {why} {needed}" if size < needed else ""


@check("PRD107", on=[settings(*_NAMES)], required_literals=_WORDS, files=SETTING_FILES)
def weak_key_in_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`SECRET_KEY=abc123` in an env file, compose, Kubernetes or an image."""
    value = (setting.value or "").strip().strip("\"'")
    own_file = setting.origin == "env-file" and "production" not in setting.file.roles
    if not value or not (deployed(setting) or own_file) or _OF_OTHERS.search(setting.name) or not is_signing_name(setting.name):
        return
    shape = shape_of(value)
    if _ELSEWHERE.search(value) or not in_use(value) or shape in ("masked", "reference", "placeholder", "default"):
        return
    words = _weakness(value, _SHORTEST, "a signature of SHA-256 needs")
    if words:
        yield Diagnostic(setting, f"the key `{setting.name}` {words}", priority="P2" if own_file else None, secret=True)
    elif (
        len(value) < _OF_DJANGO
        and setting.name.upper().endswith("SECRET_KEY")
        and "django" in context.environment.packages
        and len(set(value)) < 20
    ):
        yield Diagnostic(
            setting,
            f"the key `{setting.name}` has {len(value)} characters; Django asks for {_OF_DJANGO} (security.W009)",
            priority="P2",
            secret=True,
        )


# ---------------------------------------------------------------- keys in code

_HMAC: dict[str, tuple[int, str]] = {
    "jwt.encode": (1, "key"),
    "jwt.decode": (1, "key"),
    "jwt.PyJWT.encode": (1, "key"),
    "jose.jwt.encode": (1, "key"),
    "jose.jwt.decode": (1, "key"),
    "jose.jws.sign": (1, "key"),
    "authlib.jose.jwt.encode": (2, "key"),
    "joserfc.jwk.OctKey.import_key": (0, "value"),
    "itsdangerous.Signer": (0, "secret_key"),
    "itsdangerous.TimestampSigner": (0, "secret_key"),
    "itsdangerous.URLSafeSerializer": (0, "secret_key"),
    "itsdangerous.URLSafeTimedSerializer": (0, "secret_key"),
    "itsdangerous.url_safe.URLSafeTimedSerializer": (0, "secret_key"),
    "starlette.middleware.sessions.SessionMiddleware": (1, "secret_key"),
}


def _key_of(call: Call) -> Expression | None:
    if call.name in _HMAC:
        return call.argument(*_HMAC[call.name])
    first = call.argument(0, "middleware_class")
    return call.keywords.get("secret_key") if isinstance(first, Name) and first.name.endswith("SessionMiddleware") else None


@check(
    "PRD107",
    on=[calls(*_HMAC, "*.add_middleware", "starlette.middleware.Middleware")],
    required_literals=[("jwt", ".encode("), ("jwt", ".decode("), "jws.sign", "octkey", "itsdangerous", "sessionmiddleware"],
    files=("python",),
)
def weak_key_given(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`jwt.encode(claims, "shop-key", algorithm="HS512")`, `SessionMiddleware(secret_key=secrets.token_hex())`."""
    given = _key_of(call)
    if given is None or priority_in(call, context) is False:
        return
    algorithm = argument_of(call, "algorithm", 2) if "jwt.encode" in call.name or call.name.endswith("PyJWT.encode") else None
    named = str(algorithm.value) if isinstance(algorithm, Constant) else "HS256"
    if named not in _BYTES:
        return
    for value, at in literals(call.module.follow(given, call) if isinstance(given, Name) else given):
        if in_use(value) and len(value) >= 3 and not _ELSEWHERE.search(value) and shape_of(value) not in ("masked", "reference"):
            words = _weakness(value, _BYTES[named], f"{named} needs")
            if words:
                yield Diagnostic(inside(at), f"the key given to `{call.name.rpartition('.')[2]}` {words}", secret=True)
    made = _made_at_start(given)
    if made is not None and not call.scope.function:
        yield Diagnostic(made, _ANEW.format(made.text[:60]))


# ---------------------------------------------------------------- keys that are made at import

_RANDOM = frozenset(
    "os.urandom secrets.token_hex secrets.token_bytes secrets.token_urlsafe secrets.randbits uuid.uuid4 random.randbytes"
    " django.core.management.utils.get_random_secret_key cryptography.fernet.Fernet.generate_key Crypto.Random.get_random_bytes".split()
)
_BOUND = frozenset(("name", "annotated", "field", "attribute", "subscript", "item", "keyword"))
_ANEW = "`{}` makes another key at each start, in every worker: sessions and tokens of one are refused by the other"


def _made_at_start(expression: Expression) -> Call | None:
    """The call that makes a random key, in any wrapping (`str(uuid4())`, `token_bytes(32).hex()`)."""
    for part in expression.walk():
        if isinstance(part, Call) and part.name in _RANDOM:
            return part
    return None


@check(
    "PRD107",
    on=[every(Assignment)],
    required_literals=[(word, maker) for word in _WORDS for maker in ("urandom", "token_", "uuid4", "random_secret_key", "generate_key", "randbytes", "get_random_bytes")],
    files=("python",),
)  # fmt: skip
def key_made_at_start(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`SECRET_KEY = os.urandom(24)` at import, also as what is taken where nobody sets one."""
    if not is_signing_name(assignment.target) or assignment.kind not in _BOUND:
        return
    local = assignment.kind in ("name", "annotated") or assignment.kind == "keyword" and not assignment.target.isupper()
    if assignment.scope.function and local or priority_in(assignment, context) is False:
        return
    value = assignment.value
    made = _made_at_start(value)
    if made is None or _is_kept(assignment):
        return
    # A field of a settings class, the right side of `or`, the default of a read: what is taken where nobody sets a key.
    wrapped = isinstance(value, Call) and (value is made or _wraps(value, made))
    fallback = (
        assignment.kind == "field" or isinstance(value, Operation) and value.operator == "or" or isinstance(value, Call) and not wrapped
    )
    words = _ANEW.format(made.text[:60])
    yield Diagnostic(
        made,
        f"where nobody sets `{assignment.target}`, {words}" if fallback else words,
        priority="P2" if fallback else None,
    )


def _wraps(value: Call, made: Call) -> bool:
    """Whether a call only gives what was made another form: `str(...)`, `.hex()`, `.decode()`, `b64encode(...)`."""
    return (
        value.method in ("str", "hex", "decode", "encode", "b64encode", "urlsafe_b64encode", "SecretStr", "hexlify", "Fernet")
        or value.receiver is made
    )


def _is_kept(assignment: Assignment) -> bool:
    """Whether a key that was made is written down for the next start."""
    return any(call.method in ("write_text", "write_bytes", "write", "set_key") for call in assignment.module.calls())
