"""Which names are names of secrets, by their word parts.

The last part decides ("password_field" names a field), after words that only say which one it is ("SECRET_KEY_PROD").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

NameKind = Literal["password", "secret", "token", "key", "credential", "connection"]


class SecretName(NamedTuple):
    """kind: what the name says its value is. certain: the name ends with it; otherwise only a random value counts."""

    kind: NameKind
    certain: bool


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^A-Za-z0-9]+")

# Words after the head that leave it what it is.
_NEUTRAL = frozenset(
    "value val str string default prod production live staging stage dev development local plain raw b64 base64 hex bytes encoded old new "
    "current previous fallback primary secondary main backup admin root user v1 v2 v3 a b env1 override literal content data us eu".split()
)
# Words anywhere that say the value is public or made up.
_HARMLESS = frozenset(
    "vite public publishable pub anon anonymous example dummy fake mock mocked sample demo stub placeholder bogus csrf xsrf csrfmiddleware".split()
)
# Verbs and qualities before "password": forms, routes and messages, not the password itself.
_ABOUT = frozenset(
    "reset resetting forgot forgotten change changed changing update updated set unset check verify validate validates invalid wrong missing bad no "
    "has have is are with without require requires required needs use uses using generate generated hash hashed encrypted mask masked lost expired "
    "create get show hide toggle min max random if on for incorrect weak strong empty blank disable disabled enable enabled delete remove allow "
    "refresh_if clear prompt ask read send request requested supports support via error".split()
)
_VERBS = frozenset(
    "parse find get make create generate fetch build compute extract decode encode hash verify validate check is has should load read".split()
)
_PASSWORD = frozenset("password passwd passwort passphrase passcode pwd pw".split())
_PASSWORD_ENDS = ("password", "passwd", "passphrase")
_BEFORE_PASS = frozenset(
    "db database smtp mail email user admin root ftp sftp redis mysql postgres postgresql pg sql auth rabbit rabbitmq mongo mongodb proxy imap ssh "
    "sudo http basic service svc ldap master mqtt amqp broker es elastic elasticsearch neo4j influx api jdbc key".split()
)
_NOT_TOKEN = frozenset(
    "next page continuation pagination cursor sync eos bos pad unk mask sep cls stop special image start end prefix suffix split lex syntax first "
    "last current prev previous design cancel cancellation shutdown resume parse text num max min input output prompt completion total cached audio "
    "video think begin delimiter separator trigger punctuation word field template reset by per count delete change unsubscribe tool eot eom bot fim "
    "quote operator comment keyword name string sort order list fencing color style css theme logical parser lexer close open".split()
)
_KEY_OWNERS = frozenset(
    "api secret access private auth signing sign encryption encrypt master account shared service fernet hmac jwt crypt crypto cipher aes "
    "deploy webhook developer consumer integration ingest ingestion write subscription rsa ssh tls ssl signature symmetric license".split()
)
_KEY_WHOLE = frozenset("apikey secretkey accesskey privatekey authkey signingkey encryptionkey masterkey accountkey".split())
_SECRET_ENDS = ("secret",)


@lru_cache(maxsize=4096)
def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: snake, kebab, dotted and camel case; a trailing number is left out."""
    words: list[str] = []
    for piece in _SPLIT.split(name[-120:]):
        if piece:
            words.extend([piece] if piece.isupper() or piece.islower() else _CAMEL.split(piece))
    lowered = [word.lower() for word in words]
    return tuple(word.rstrip("0123456789") or word for word in lowered)


# `img/flags/pw.png`, an entry of a manifest.
_FILE_NAME = re.compile(r"/[\w.\-]*\.[A-Za-z]{2,5}\Z")


@lru_cache(maxsize=4096)
def secret_name(name: str) -> SecretName | None:
    """What a name says its value is, or None where it names no secret."""
    words = list(parts_of(name)) if not _FILE_NAME.search(name) else []
    if not words or not _HARMLESS.isdisjoint(words) or words[:2] in (["react", "app"], ["mock", "service"]):
        return None
    if words[0] in _VERBS:
        return None  # a function's name, or a question's
    whole = len(words)
    while len(words) > 1 and (words[-1] in _NEUTRAL or words[-1].isdigit()):
        kind = _head(words)
        if kind is not None:
            break
        words.pop()
    kind = _head(words)
    if kind is not None:
        return SecretName(kind, len(words) == whole or all(word in _NEUTRAL or word.isdigit() for word in parts_of(name)[len(words) :]))
    # TOKEN_GITHUB, API_KEY_OPENAI: the owner stands behind, one word only.
    if len(words) > 1 and words[-1] not in _SAYS_SOMETHING_ELSE:
        kind = _head(words[:-1])
        if kind is not None:
            return SecretName(kind, False)
    return None


_SAYS_SOMETHING_ELSE = frozenset(
    "id ids name names label labels url urls uri path paths file files dir header headers prefix suffix pattern regex error errors message messages msg "
    "type types length len min max expires expiry expiration expire env var variable help field fields hint placeholder endpoint alphabet count "
    "counts limit limits ttl timeout age algorithm alg format class func function method scheme kind version status state title description desc text "
    "template policy strength validator validators hasher hashers reset changed required enabled disabled form view page route link column table "
    "param params parameter parameters index usage usages budget price cost delimiter separator start end lifetime period delay seconds minutes hours "
    "days rotation store storage manager provider service backend client getter loader resolver source location ref reference refs key keys scope scopes "
    "audience issuer digest hash hashes hashed fingerprint checksum salt iv size chars charset characters set list map dict schema model serializer auth "
    "authentication response request data info details options config settings setting mode flag cookie cookies input output prompt question "
    "confirmation confirm repeat again mask masked display icon color style css selector xpath locator element button test tests mount volume "
    "property properties attr attribute attributes arg args argument option section entry item items group category tag tags topic queue event events "
    "action actions hook hooks handler callback func context subject body role user username email owner created updated deleted expired invalid valid "
    "value_from namespace arn".split()
)


def _head(words: list[str]) -> NameKind | None:
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if last in _PASSWORD or (len(last) > 8 and last.endswith(_PASSWORD_ENDS)):
        return None if before in _ABOUT or any(last.startswith(word) for word in _ABOUT if len(word) > 3) else "password"
    if last == "pass":
        return "password" if before in _BEFORE_PASS else None
    if last == "secret" or (len(last) > 8 and last.endswith(_SECRET_ENDS)):
        return None if before in _ABOUT else "secret"
    if last == "token" or last == "bearer" or (len(last) > 6 and last.endswith("token")):
        return None if before in _NOT_TOKEN or before in _ABOUT or any(last == word + "token" for word in _NOT_TOKEN) else "token"
    if last == "key":
        return "key" if before in _KEY_OWNERS else None
    if last in _KEY_WHOLE or last.endswith("apikey"):
        return "key"
    if last in ("credential", "credentials", "creds", "authorization"):
        return None if before in _ABOUT else "credential"
    if last in ("dsn", "conninfo", "connstr") or (last in ("string", "str") and before in ("connection", "conn")):
        return "connection"
    return None


# Names whose value signs or encrypts sessions, cookies and tokens: PRD106.
_SIGNING = frozenset(
    (
        ("secret", "key"),
        ("jwt", "secret"),
        ("jwt", "secret", "key"),
        ("jwt", "key"),
        ("jwt", "signing", "key"),
        ("signing", "key"),
        ("session", "secret"),
        ("session", "secret", "key"),
        ("cookie", "secret"),
        ("secret", "key", "base"),
        ("csrf", "secret"),
        ("wtf", "csrf", "secret", "key"),
        ("app", "secret", "key"),
        ("flask", "secret", "key"),
        ("django", "secret", "key"),
        ("fernet", "key"),
    )
)


def is_key_of_ours(name: str) -> bool:
    """Whether a key of this name was made by the service itself, so that any literal works as one; a vendor's key must fit."""
    words = parts_of(name)
    return is_signing_name(name) or words[-2:] in (
        ("secret", "key"),
        ("encryption", "key"),
        ("signing", "key"),
        ("hmac", "key"),
        ("aes", "key"),
        ("master", "key"),
    )


def is_signing_name(name: str) -> bool:
    """Whether a setting of this name signs or encrypts what clients hold."""
    return parts_of(name) in _SIGNING


def _joined(first: frozenset[str], second: str) -> list[str]:
    return [word + between + second for word in sorted(first) for between in ("", "_", "-", ".", " ", "__")]


# Literals one of which stands in every name that `secret_name` accepts. Neither "key" nor "pass" alone: they stand in every file.
ANCHORS: tuple[str, ...] = (
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "pw",
    "secret",
    "token",
    "bearer",
    "credential",
    "creds",
    "authorization",
    "dsn",
    "conninfo",
    "connstr",
    *_joined(_KEY_OWNERS, "key"),
    *_joined(_BEFORE_PASS, "pass"),
    *_joined(frozenset({"connection", "conn"}), "str"),
)
