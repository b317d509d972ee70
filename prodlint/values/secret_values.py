"""What a value looks like: a secret, or one of the many things that stand where a secret could.

A name alone is never a secret. Every function here is linear in the value's length.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal

from prodlint.values.secret_names import NameKind, parts_of

Shape = Literal[
    "empty",  # nothing, None, null
    "masked",  # ****, xxxx, ...
    "template",  # ${X}, {{ x }}, <x>, %(x)s, $X
    "placeholder",  # your-key-here, changeme-please, todo
    "default",  # admin, postgres, changeme: published defaults
    "reference",  # a path, URL, environment variable's name, secret manager's id, dotted name
    "prose",  # several words with spaces
    "words",  # an identifier or words with separators
    "hash",  # the hash of a password
    "uuid",
    "digits",
    "passphrase",  # four and more plain words with hyphens between
    "weak",  # what people type as a password
    "random",  # what machines make
]

LONGEST = 4096

_NOTHING = frozenset(("", "none", "null", "nil", "undefined", "true", "false", "yes", "no", "on", "off", "~", "n/a", "na", "nan"))
_DEFAULTS = frozenset(
    "changeme changeit changethis change_me change-me password passw0rd p@ssw0rd p@ssword pass passwd pwd secret secrets admin administrator root toor "
    "postgres postgresql mysql mariadb mongo mongodb redis rabbitmq guest user username test testing tester letmein welcome minioadmin minio elastic "
    "kibana airflow grafana qwerty default demo foobar abc abc123 abcd1234 1234 12345 123456 1234567 12345678 "
    "123456789 1234567890 0000 1111 password1 password12 password123 password1234 admin123 admin1234 root123 test123 test1234 secret123 guest123 "
    "user123 pass123 postgres123 qwerty123 welcome1 letmein123 dev local localhost development production staging prod app service mysecret "
    "mysecretpassword mypassword yourpassword supersecret topsecret s3cr3t s3cret notsecret nosecret insecure unsafe sa p4ssw0rd pa55w0rd pa$$word "
    "pa$$w0rd passpass adminadmin rootroot rootpassword adminpassword testpassword dbpassword userpassword dev-secret devsecret dev_secret secretkey "
    "secret_key secret-key".split()
)
_PLACEHOLDER = re.compile(
    r"(?i)\b(?:your|my|the|insert|enter|replace|put|add|change|set|fill|use|some|any|todo|tbd|fixme|example|sample|dummy|fake|placeholder|redacted|"
    r"hidden|removed|censored|masked|insecure|unsafe|notreal|not-?a-?real|not-?secret|invalid|unused|ignored?|mock(?:ed)?|stub|xxx+|foo|bar|baz)\b"
)
_PLACEHOLDER_PARTS = frozenset(
    "your insert replace changeme changethis change todo tbd fixme example sample dummy fake placeholder redacted hidden removed insecure unsafe "
    "notreal mock mocked stub foo bar baz xxx here bogus test testing tests testpass demo missing".split()
)
# What people type where a password is asked for and none is meant: password1, securepassword123, StrongPassw0rd!
_COMMON_PASSWORD = re.compile(r"(?:\d|[a-z]{0,12})p[a@4]ss(?:w[o0]rd|phrase)?\d{0,6}!?\Z|[a-z]{0,8}secret[\d!]{0,4}\Z")
# Beginnings of keys that are the same everywhere: AWS documentation, the Azure storage and Cosmos emulators, reCAPTCHA's test key, the
# one-time-password seed of every tutorial, the key with which YouTube's own pages ask, the secret key of every local Supabase.
DOCUMENTED_SAMPLES = (
    "EXAMPLE",
    "Eby8vdM02xNOcqFl",
    "C2y6yDjf5/R+ob0N",
    "6LeIxAcTAAAAA",
    "JBSWY3DPEHPK3PXP",
    "AO_FJ2SlqU8Q4STEHLGC",
    "N7UND0UgjKTVK-Uodkm0",
)
# What vendors' tokens begin with, where nobody has written on: `whsec_`, `sk_live_`, `sk-ant-`.
_PREFIX_ALONE = re.compile(r"[a-z]{1,10}(?:[_-][a-z]{2,8}){0,2}[_-]\Z")
_MASK = frozenset("*xX.-_#•…?0 ")
# A prefix and one character to the end: `SK00000000000000`. Eight are more than chance and fewer than any key is long.
_FILLED = re.compile(r"\A[A-Za-z]{1,8}[-_.]?([A-Za-z0-9])\1{7,}\Z")
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_?\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")
_HASH = re.compile(
    r"\$(?:2[abxy]|argon2(?:id|i|d)|5|6|1|apr1|y|scrypt)\$|(?:pbkdf2|scrypt|argon2|bcrypt|md5|sha\d*|unsalted_\w+)[_:$][\w:]*\$|\{(?:SSHA|SHA|CRYPT|MD5|PBKDF2)|"
    r"(?:sha(?:1|224|256|384|512)|md5|blake2b)[:-]|SCRAM-SHA"
)
_MANAGED = re.compile(
    r"(?i)(?:vault|op|ssm|secret|secretref|secrets?manager|gcp-?sm|sm|awssm|aws|azkv|akv|keyvault|keyring|keychain|env|file|ref|doppler|infisical|arn|"
    r"encrypted|ENC|sops|cmd|kms|projects|data|sha\d+)(?::|\[|/\w+/)|ENC\(|\$ANSIBLE_VAULT|-----BEGIN|@Microsoft\.KeyVault"
)
_TEMPLATE = re.compile(
    r"\$\{|\$\([^)]*\)|\{\{|\{%|<%|%\(\w|\$\[\[|@@|__[A-Z_]+__|\{[A-Za-z_][\w.\[\]'\"!:]{0,60}\}|\A\$[A-Za-z_]\w*\Z|\$[A-Z][A-Z0-9_]{2,}\Z|%[A-Z_]{2,40}%|#\{|<[A-Za-z_][^<>]{0,60}>"
)
# Times, regular expressions, version ranges, packages, calls, addresses.
_TECHNICAL_TEXT = re.compile(
    r"\A\d{4}-\d\d-\d\d[T_]|\[[^\]]{0,20}(?:A-Z|a-z|0-9)|\(\?[:<=!P]|[<>=~!]=\d|\A@[\w\-]{1,40}/|\A[a-z\-]{2,20}\(.{0,200}\)\Z|\A[\d.:]{7,45}\Z|\A[\w.\-]{1,80}@[\w\-]{1,80}\.[\w.\-]{2,80}\Z"
)
# What a version range has and base 64 has not.
_COMPARES = re.compile(r"[<>!~,\[\]()@:]|\A\d{4}-")
# Signs that also stand in what machines make.
_MAYBE_TEMPLATE = re.compile(r"%[sdr](?![A-Za-z0-9])|\[\[")
_WORD_GAPS = re.compile(r"[-_./:@+~|,;=]+")
_SYMBOLS = frozenset("!@#$%^&*?~+=;|")
_HEX = frozenset("0123456789abcdefABCDEF")
_TOKEN_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~")
_VOWELS = frozenset("aeiouyAEIOUY")
_VOCABULARY = frozenset(
    "password passwords passwd secret secrets token tokens key keys credential credentials auth login logout user users name username reset forgot "
    "change confirm field form error errors invalid missing required id ids type access refresh bearer basic api client session cookie csrf header "
    "url uri path view page route list create update delete get set add remove new old value values default input text label title message oauth "
    "oauth2 jwt hash verify verification request response code email expired expire scope role admin settings setting config service account id_token "
    "none string str bytes test with without for and the a an of to in not is must be".split()
)


@lru_cache(maxsize=8192)
def shape_of(value: str) -> Shape:
    """What a value looks like, whatever it is bound to."""
    text = value.strip()
    lowered = text.lower()
    if lowered in _NOTHING:
        return "empty"
    if len(text) > LONGEST:
        return "reference"
    if set(text) <= _MASK or (len(text) > 3 and len(set(lowered)) == 1):
        return "masked"
    if lowered in _DEFAULTS or _COMMON_PASSWORD.match(lowered):
        return "default"
    if any(sample in text for sample in DOCUMENTED_SAMPLES):
        return "placeholder"
    if is_prefix_alone(text):
        return "placeholder"
    if len(text) < 200 and (_FILLED.search(text) or _is_filled(text)):
        return "masked"
    if "***" in text or "..." in text or "…" in text or "xxxx" in lowered:
        return "masked"
    if _HASH.match(text):
        return "hash"
    if _TEMPLATE.search(text) or (text[0] in "{[<" and text[-1] in "}]>"):
        return "template"
    if any(c.isspace() for c in text):
        return "prose"
    if _MANAGED.match(text) or "://" in text:
        return "reference"
    if _UUID.match(text):
        return "masked" if len(set(lowered)) < 7 else "uuid"
    if text.isdigit():
        return "masked" if is_sequential(text) else "digits"
    if _TECHNICAL_TEXT.search(text) and not ("=" in text and is_random(text.replace("=", "")) and not _COMPARES.search(text)):
        return "words"
    if not text.isascii():
        return "weak" if any(c.isdigit() for c in text) and any(c.isascii() and c.isalpha() for c in text) and len(text) < 40 else "words"
    if is_random(text):
        return "placeholder" if _PLACEHOLDER.search(text) and len(text) < 40 else "random"
    if text.endswith("=") and _is_encoded_text(text):
        return "words"
    return _spoken(text)


def _is_filled(text: str) -> bool:
    """Whether one letter or digit stands in most places, as in `xapp-1-A000000-000000-000000`: of a random text none does."""
    core = [character for character in text if character.isalnum()]
    return len(core) >= 24 and max(core.count(character) for character in set(core)) * 10 >= len(core) * 7


def is_prefix_alone(text: str) -> bool:
    """Whether a value is the beginning of a vendor's tokens with nothing behind it."""
    return _PREFIX_ALONE.match(text) is not None


def _spoken(text: str) -> Shape:
    """The shape of what is not random: words, references, and passwords people make up."""
    if _MAYBE_TEMPLATE.search(text):
        return "template"
    if text[0] in "/~" or text.startswith(("./", "../")) or (text[0] == "$" and text[1:2].isalpha()):
        return "reference"
    parts = parts_of(text)
    if not _PLACEHOLDER_PARTS.isdisjoint(parts) or _PLACEHOLDER.search(text):
        return "placeholder"
    if _ENV_NAME.match(text) and ("_" in text or not any(c.isdigit() for c in text)):
        return "reference"
    pieces = [piece for piece in _WORD_GAPS.split(text) if piece]
    if any(c in _SYMBOLS for c in text) and not all(is_word(piece) for piece in pieces):
        return "weak"
    if all(is_word(piece) for piece in pieces):
        if len(pieces) >= 4 and len(text) >= 20 and _is_hyphenated(text) and not set(parts) & _VOCABULARY:
            return "passphrase"
        if len(pieces) == 1 and _is_made_up(text):
            return "weak"
        return "words"
    if len(pieces) > 1 and all(is_word(piece) or piece.isdigit() or (len(piece) <= 3 and piece.isalnum()) for piece in pieces):
        numbers = sum(piece.isdigit() for piece in pieces)
        if len(pieces) >= 4 and numbers and len(text) >= 20 and _is_hyphenated(text) and not set(parts) & _VOCABULARY:
            return "passphrase"
        return "words"
    if text.startswith((".", "#", "@", "--", ":")) or text.endswith((".", ":", "?")):
        return "words"
    if text.isalnum() and _all_words(text):
        return "words"
    return "weak"


def _is_hyphenated(text: str) -> bool:
    """Joined by hyphens alone: identifiers have underscores, module paths dots."""
    return text.replace("-", "").isalnum()


def _is_made_up(text: str) -> bool:
    """`hunter2`, `Summer2024`, `Sw0rdfish`: one word with digits that is no identifier such as `oauth2` or `sha256`."""
    digits = sum(c.isdigit() for c in text)
    if not digits or len(text) < 6:
        return False
    letters = text.rstrip("0123456789")
    return len(parts_of(letters)) == 1 and letters.lower() not in _VOCABULARY and letters.lower() not in _TECHNICAL


_TECHNICAL = frozenset(
    "oauth sha md hs rs es ps utf base version v ec s ipv x http tls ssl aes rsa ed ecdsa python py int float uint md5 sha3 win mp mpeg web".split()
)


def is_word(piece: str) -> bool:
    """Letters one can say, perhaps with a number behind; also camel case."""
    letters = piece.rstrip("0123456789")
    if not letters or len(piece) - len(letters) > 4 or not letters.isalpha():
        return False
    if len(letters) <= 3:
        return True
    humps = parts_of(letters)
    if len(humps) > 2 and len(letters) / len(humps) < 2.6:
        return False
    return _longest_without_vowel(letters) <= 5 and (len(letters) < 8 or sum(c in _VOWELS for c in letters) * 6 >= len(letters))


def _can_be_said(word: str) -> bool:
    return sum(c in "aeiou" for c in word) * 4 >= len(word) and _longest_without_vowel(word) <= 4


def _longest_without_vowel(text: str) -> int:
    longest = here = 0
    for character in text:
        here = 0 if character in _VOWELS else here + 1
        longest = max(longest, here)
    return longest


def is_random(text: str) -> bool:
    """Whether a machine made it: no words, many changes between letters and digits or upper and lower case."""
    if len(text) < 12 or len(set(text)) < 7 or is_sequential(text):
        return False
    core = text.rstrip("=")
    if core != text and _is_encoded_text(text):
        return False
    if set(core) <= _HEX and (core.islower() or core.isupper() or core.isdigit()):
        digits = sum(c.isdigit() for c in core)
        return len(core) >= 16 and 0 < digits < len(core) and _changes(core) >= 0.2
    if not set(text) <= _TOKEN_LETTERS:
        # Symbols among letters and digits: random only when no word is in it.
        words = [piece for piece in re.split(r"[^A-Za-z]+", text) if len(piece) >= 5]
        return _changes(text) >= 0.4 and not any(_all_words(word) for word in words)
    pieces = [piece for piece in re.split(r"[-_./~+=]+", core) if piece]
    longest = max(pieces, key=len, default="")
    if len(longest) < 10:
        # Groups: A1b2-C3d4-E5f6 is a key, step-1-of-3 is not.
        mixed = sum(
            _changes(piece) >= 0.3 and any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)
            for piece in pieces
            if len(piece) > 3
        )
        return len(pieces) > 1 and mixed >= 2 and mixed * 2 >= len(pieces)
    letters = sum(c.isalpha() for c in longest)
    digits = sum(c.isdigit() for c in longest)
    if digits == 0 and (longest.islower() or longest.isupper()):
        return len(longest) >= 16 and (_longest_without_vowel(longest) >= 6 or _odd_pairs(longest) >= 0.3)
    if letters == 0:
        return False
    if digits == 0:
        return len(longest) / len(parts_of(longest)) < 3.2 and not _all_words(longest)
    return (_changes(longest) >= 0.22 or len(re.findall(r"[0-9]+", longest)) >= 3) and not _all_words(longest)


def _is_encoded_text(text: str) -> bool:
    """Base 64 of words: `aGVsbG8gd29ybGQ=`."""
    import base64

    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except ValueError:
        return False
    return decoded.isprintable() and shape_of(decoded) not in ("random", "weak", "uuid")


def _all_words(text: str) -> bool:
    """Camel-case words, perhaps numbered: `refreshTokenV2Handler`."""
    letters = sum(len(hump) for hump in parts_of(text) if len(hump) > 3 and hump.isalpha() and is_word(hump) and _can_be_said(hump))
    return letters * 10 >= len(text) * 6


def _changes(text: str) -> float:
    """How often the kind of character changes: about 0.6 for base 62, 0.15 for camel case."""
    kinds = [0 if c.isdigit() else 1 if c.islower() else 2 if c.isupper() else 3 for c in text]
    return sum(a != b for a, b in zip(kinds, kinds[1:], strict=False)) / max(1, len(kinds) - 1)


_ODD = frozenset("qzjxkwvbpmfdghc")


def _odd_pairs(text: str) -> float:
    """Share of neighbours that are both rare consonants; near none in words."""
    lowered = text.lower()
    return sum(a in _ODD and b in _ODD and a != b for a, b in zip(lowered, lowered[1:], strict=False)) / max(1, len(lowered) - 1)


_ORDERS = (
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "0123456789abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "98765432109876543210",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
)


def is_sequential(text: str) -> bool:
    """Alphabets and counting: charset constants, `1234567890`, `abcdef...`."""
    lowered = text.lower()
    if len(lowered) < 4:
        return False
    steps = sum(abs(ord(b) - ord(a)) <= 1 for a, b in zip(lowered, lowered[1:], strict=False))
    if steps * 10 >= len(lowered) * 6:
        return True
    return any(lowered in order or (len(lowered) >= 10 and lowered[:10] in order) for order in _ORDERS)


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    counts: dict[str, int] = {}
    for character in text:
        counts[character] = counts.get(character, 0) + 1
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


# Shapes that people do not type.
GENERATED: frozenset[Shape] = frozenset(("random", "uuid"))


def is_generated(value: str) -> bool:
    """Whether a machine made the value."""
    return shape_of(value) in GENERATED


def is_secret(value: str, kind: NameKind, certain: bool = True) -> bool:
    """Whether a value under a name of this kind is a secret that works."""
    shape = shape_of(value)
    if kind == "vendor key" and certain:
        return shape == "random" or (shape == "uuid" and len(value) >= 16)
    if not certain and len(value) in (32, 40, 64, 128) and set(value) <= _HEX:
        return False  # a digest, by its length, under a name that does not end in a secret's word
    if shape == "random" or (shape == "uuid" and kind != "connection"):
        return certain or len(value) >= 16
    if not certain:
        return False
    if kind == "password":
        return (shape in ("weak", "passphrase") and len(value) >= 6) or (shape == "digits" and len(value) >= 5)
    if kind == "secret":
        return shape in ("weak", "passphrase") and len(value) >= 8
    if kind == "key":
        return (shape == "weak" and len(value) >= 12) or (shape == "passphrase" and len(value) >= 20)
    if kind == "connection":
        return False
    return shape == "weak" and len(value) >= 16 and sum(c.isdigit() for c in value) >= 3


# Words of `_DEFAULTS` that somebody chose as a password; the others (`localhost`, `dev`) stand under such names for something else.
_NO_DEFAULT_KEYS = frozenset(
    "local localhost dev development production staging prod app service test testing tester default demo user username".split()
)


def is_published_default(value: str, kind: NameKind) -> bool:
    """Whether a value is a password that everybody tries first; as a key, only what says "secret" or "change me" is one."""
    return (
        shape_of(value) == "default"
        and not (kind == "key" and value.lower() in _NO_DEFAULT_KEYS)
        and not (kind != "password" and value == "localhost")
    )


def in_use(value: str) -> bool:
    """Whether a literal works as a key where one is certainly wanted: placeholders count, they are what is published."""
    return shape_of(value) not in ("empty", "template", "hash") and not _is_reference(value)


def _is_reference(value: str) -> bool:
    return shape_of(value) == "reference" and (
        "/" in value or bool(_MANAGED.match(value)) or ("_" in value and bool(_ENV_NAME.match(value)))
    )


_CHECKSUM_NAMES = frozenset(
    "hash hashes sha sha1 sha256 sha512 md md5 digest checksum integrity etag revision revises down_revision commit rev version fingerprint uuid guid id "
    "alphabet charset chars characters letters signature expected result salt nonce iv pem cert certificate modulus public svg png jpg image icon data "
    "base64 html css pixel gif favicon vector ciphertext clientid n x y x5t x5c".split()
)


# `payloadhash`, `md5sum`
_CHECKSUM_ENDS = ("hash", "digest", "checksum", "md5sum", "shasum")
_FILE = re.compile(r"[\w-]\.[A-Za-z][A-Za-z0-9]{1,5}\Z")


def high_entropy(value: str, name: str) -> bool:
    """Whether the entropy detectors of other scanners would report a value, and nothing about its name explains it."""
    if not 20 <= len(value) <= 400 or shape_of(value) != "random" or not _CHECKSUM_NAMES.isdisjoint(parts_of(name)):
        return False
    if any(word.endswith(_CHECKSUM_ENDS) or word == "csrftoken" for word in parts_of(name)):
        return False
    if parts_of(name)[-1:] in (("key",), ("keys",), ("token",), ("sid",), ("id",), ("ids",)):
        return False  # what the family knows to be no secret by its name: a cache's key, a form's token, an account's number
    if _FILE.search(value):
        return False  # a manifest of static files: each path has its hash in it
    is_hex = set(value) <= _HEX
    return entropy(value) >= (3.0 if is_hex else 4.5)
