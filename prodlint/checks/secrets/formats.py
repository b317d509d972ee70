"""The vendors' token formats (formats.toml, one table each), and what can be told from a token alone.

A shape is literal text with character classes in between: "ghp_{A:36}" is `ghp_` and 36 letters or digits, "{d:8-10}"
eight to ten digits. From it follow the required literal (the longest literal, or the first one), the regular expression
that is tried at that literal only, and the synthetic token that examples and tests are made with. A new format is one
table with its own two examples.

Vendors lengthen their tokens and add kinds of them: behind a prefix that is nobody else's, a random text of another
length than the documented one is a token too (`Format.exact` is then False).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from prodlint.values.secret_values import DOCUMENTED_SAMPLES, is_random, is_word

CLASSES = {
    "A": "A-Za-z0-9",
    "U": r"A-Za-z0-9_\-",
    "w": "A-Za-z0-9_",
    "L": "A-Za-z",
    "C": "A-Z0-9",
    "l": "a-z0-9",
    "h": "0-9a-f",
    "H": "0-9A-F",
    "x": "0-9A-Fa-f",
    "d": "0-9",
    "3": "A-Z2-7",
    "6": "A-Za-z0-9+/",
    "Z": r"A-Za-z0-9_~.\-",
    "T": r"A-Za-z0-9._\-",
    "k": "02-9AC-HJ-NP-Z",
    "D": r"0-9\-",
    "=": "=",
    "%": r"A-Za-z0-9%+/_\-",
    # What a URL may hold, but for what ends it in a source.
    "~": r"!#-&(-;=?-_a-z{|}",
}
_SLOT = re.compile(r"\{(.):(\d+)(?:-(\d+))?\}")

Kind = Literal["secret", "low", "test", "publishable"]


@dataclass(frozen=True, slots=True)
class Format:
    """One vendor format.

    name: what `sample_token` knows it by. vendor: whose it is. title: what the message calls it. opens: what its finder can do.
    page: where the vendor tells about these keys; read: whether the shape was read there. revoke: where one is taken back.
    kind: "secret"; "low" for a value that is meant to be seen by some but not to be in a repository; "test" and
    "publishable" for those that are recognised only so that no other rule takes them for a secret.
    after: words one of which must name the value (`datadog_api_key = `), for shapes too weak to stand alone.
    valid: the checksum, where the format has one. glued: whether it may follow directly on other text, as within a URL.
    telling: whether its prefix says whose token it is, so that other lengths count too. exact: whether this was the documented length.
    last: whether a format with a longer prefix goes before it, wherever both fit. random: whether what stands behind a prefix that
    is too short to tell much has to look made by a machine.
    examples: made-up tokens of this shape.
    """

    name: str
    vendor: str
    title: str
    shape: str
    opens: str
    page: str
    revoke: str
    read: bool = False
    kind: Kind = "secret"
    after: tuple[str, ...] = ()
    valid: Callable[[bytes], bool] | None = None
    glued: bool = False
    telling: bool = False
    exact: bool = True
    last: bool = False
    random: bool = False
    examples: tuple[str, ...] = ()


# ---------------------------------------------------------------- checksums

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62_checksum(body: bytes) -> str:
    """CRC-32 of the random part in base 62, six characters: the last six of a GitHub or npm token."""
    number, digits = zlib.crc32(body), ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(6, "0")


def _ends_in_base62_checksum(token: bytes) -> bool:
    body = token.split(b"_", 1)[1]
    return base62_checksum(body[:-6]).encode() == body[-6:]


def _is_json_web_token(token: bytes) -> bool:
    return "alg" in jwt_part(token, 0)


# By the name that a row gives in `checksum`.
CHECKSUMS: Mapping[str, Callable[[bytes], bool]] = {"crc32-base62": _ends_in_base62_checksum, "jwt-header": _is_json_web_token}


def jwt_part(token: bytes, index: int) -> dict[str, object]:
    """The decoded header (0) or payload (1) of a JSON Web Token, empty where it is none."""
    import base64
    import json

    try:
        # prodlint: ignore[PRD422] -- nobody is let in by it: the claims tell what kind of secret was found
        part = token.split(b".")[index]
        found = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


# ---------------------------------------------------------------- the table


def _read_table() -> tuple[Format, ...]:
    import tomli

    table: list[dict[str, Any]] = tomli.loads(files(__package__).joinpath("formats.toml").read_text("utf-8"))["vendor"]
    return tuple(sorted((_format(vendor, row) for vendor in table for row in vendor["format"]), key=lambda row: row.last))


def _format(vendor: Mapping[str, Any], row: Mapping[str, Any]) -> Format:
    kind, after = row.get("kind", "secret"), tuple(row.get("after", ()))
    prefix = _SLOT.split(row["shape"])[0]
    # A separator at its end sets it apart from words that begin alike; with `exact = true` a row says that its prefix is a word itself.
    telling = kind == "secret" and not after and not row.get("glued") and not row.get("exact") and len(prefix) >= 3 and prefix[-1] in "_-.~"
    return Format(
        row["name"],
        vendor["name"],
        row["title"],
        row["shape"],
        row["opens"],
        vendor["page"],
        vendor["revoke"],
        row.get("read", False),
        kind,
        after,
        CHECKSUMS[row["checksum"]] if "checksum" in row else None,
        row.get("glued", False),
        telling,
        True,
        row.get("last", False),
        row.get("random", False),
        tuple(row["examples"]),
    )


FORMATS: tuple[Format, ...] = _read_table()


# ---------------------------------------------------------------- what follows from a row


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a format is looked for: from `literal` (lower case) go back at most `back` characters, to `first` where the
    token begins with a literal, then match there.

    exact: the literal as it must stand, "" where a name before the token is looked for. skip: how much of the literal
    stands before the token (a short prefix is looked for together with the quote or sign before it). loose: what matches
    a telling prefix with a rest of any length. before: the characters one of which stands before the literal, where the
    token begins with a class of them. fixed: whether all that stands before the literal has one length.
    """

    format: Format
    literal: bytes
    exact: bytes
    first: bytes
    back: int
    source: bytes
    skip: int = 0
    loose: bytes = b""
    before: frozenset[int] = frozenset()
    fixed: bool = False

    @property
    def expression(self) -> re.Pattern[bytes]:
        """Compiled when a literal was found: compiling all of them costs more than a start of the program may."""
        return _compiled(self.source)


@cache
def _compiled(source: bytes) -> re.Pattern[bytes]:
    return re.compile(source)


def _parts(shape: str) -> list[str | tuple[str, int, int]]:
    parts: list[str | tuple[str, int, int]] = []
    position = 0
    for slot in _SLOT.finditer(shape):
        if slot.start() > position:
            parts.append(shape[position : slot.start()])
        parts.append((slot[1], int(slot[2]), int(slot[3] or slot[2])))
        position = slot.end()
    if position < len(shape):
        parts.append(shape[position:])
    return parts


def _fragment(parts: Sequence[str | tuple[str, int, int]]) -> str:
    return "".join(re.escape(p) if isinstance(p, str) else f"[{CLASSES[p[0]]}]{{{p[1]},{p[2]}}}" for p in parts)


def _tail(parts: Sequence[str | tuple[str, int, int]]) -> str:
    """What may not follow: another character of the last part that must be there, or of a longer word."""
    last = next(part for part in reversed(parts) if isinstance(part, str) or part[0] != "=")
    return "(?![A-Za-z0-9_])" if isinstance(last, str) else f"(?![A-Za-z0-9_{CLASSES[last[0]]}])"


# A name that ends with one of a format's `after` words, then what binds a value to it; all bounded.
_BINDING = r"[\w.\-]{0,40}[\"'\])]{0,3}(?:[ \t]{0,8}(?:=>|:=|==|[:=,(])|[ \t])[ \t]{0,8}[brBR]{0,2}[\"'(]{0,3}(?:Bot |Bearer |Token )?"
# What stands before a token whose prefix is too short to be looked for alone: `"re_`, `=sk_`, `'fc-`.
_BEFORE_SHORT = "\"'`=:( \t\n,>/\\["
# A telling prefix and at least this many token characters.
_LOOSE_REST = r"[A-Za-z0-9_\-]{20,400})(?![A-Za-z0-9_\-])"
_SHORT = 3


def _patterns(row: Format) -> Iterator[Pattern]:
    parts = _parts(row.shape)
    if row.after:
        source = (_BINDING + "(" + _fragment(parts) + ")" + _tail(parts)).encode()
        for word in row.after:
            yield Pattern(row, word.encode(), b"", b"", 0, source)
        return
    literals = [p for p in parts if isinstance(p, str)]
    # The marker inside an OpenAI key is rarer than its prefix, and `sk-` alone stands in "task-".
    best = max(literals, key=lambda p: (p == "T3BlbkFJ", p is parts[0] and len(p) > 2, len(p)))
    index = parts.index(best)
    back = sum(len(p) if isinstance(p, str) else p[2] for p in parts[:index])
    source = ("(" + _fragment(parts) + ")" + _tail(parts)).encode()
    first = parts[0].encode() if isinstance(parts[0], str) else b""
    loose = ("(" + re.escape(best) + _LOOSE_REST).encode() if row.telling and index == 0 else b""
    if len(best) <= _SHORT and index == 0:
        for sign in _BEFORE_SHORT:
            yield Pattern(row, (sign + best).lower().encode(), best.encode(), first, 0, source, 1, loose)
        return
    previous = parts[index - 1] if index else ""
    before = frozenset(_letters(previous[0]).encode()) if isinstance(previous, tuple) and previous[1] else frozenset[int]()
    fixed = all(isinstance(p, str) or p[1] == p[2] for p in parts[:index])
    yield Pattern(row, best.lower().encode(), best.encode(), first, back, source, 0, loose, before, fixed)


@cache
def patterns() -> dict[bytes, tuple[Pattern, ...]]:
    """The patterns by required literal, in the order of the table."""
    by_literal: dict[bytes, list[Pattern]] = {}
    for row in FORMATS:
        for pattern in _patterns(row):
            by_literal.setdefault(pattern.literal, []).append(pattern)
    return {literal: tuple(found) for literal, found in by_literal.items()}


def required_literals() -> tuple[str, ...]:
    """The literals without which no format can stand in a file; one of the rows bound to names come last."""
    ordered = sorted(FORMATS, key=lambda row: bool(row.after))
    return tuple(dict.fromkeys(pattern.literal.decode() for row in ordered for pattern in _patterns(row)))


_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def _stands_alone(data: bytes, start: int) -> bool:
    """Whether the byte before is no part of a word; the `n` of an escaped line end is none."""
    if start == 0 or data[start - 1] not in _WORD:
        return True
    return start > 1 and data[start - 2] == 0x5C and data[start - 1] in b"nrt"


def match_at(data: bytes, literal: bytes, offset: int) -> tuple[Format, int, int] | None:
    """The format whose required literal was found at `offset`, with the token's start and end."""
    here = patterns().get(literal, ())
    for pattern in here:
        found = _match(data, pattern, offset)
        if found is None or is_dummy(found[1]) or _is_made_of_words(pattern.format, found[1]):
            continue
        if pattern.format.last and _is_of_a_longer_one(data, found.start(1), pattern):
            return None  # it is found at that one's literal
        return pattern.format, found.start(1), found.end(1)
    for pattern in here:
        start = offset + pattern.skip
        if not pattern.loose:
            continue
        if any(_match(data, longer, start) is not None for longer in _longer(pattern.exact)):
            return None  # it is found at that one's literal
        if data[start : start + len(pattern.exact)] == pattern.exact and _stands_alone(data, start):
            found = _compiled(pattern.loose).match(data, start)
            if found is not None and is_random(found[1][len(pattern.exact) :].decode()) and not is_dummy(found[1]):
                return replace(pattern.format, exact=False, valid=None), found.start(1), found.end(1)
    return None


def _is_of_a_longer_one(data: bytes, start: int, pattern: Pattern) -> bool:
    """Whether a format whose prefix goes on, or that has a marker behind the same prefix, fits at this place too."""
    if any(_match(data, longer, start) is not None for longer in _longer(pattern.exact)):
        return True
    return any(marked.expression.match(data, start) is not None for marked in _marked(pattern.exact))


@cache
def _marked(prefix: bytes) -> tuple[Pattern, ...]:
    """The patterns that are looked for by a marker behind this prefix (`sk-...T3BlbkFJ...`)."""
    every = (pattern for found in patterns().values() for pattern in found)
    return tuple(pattern for pattern in every if pattern.back and pattern.first.startswith(prefix))


@cache
def _longer(prefix: bytes) -> tuple[Pattern, ...]:
    """The patterns whose own prefix begins with this one and goes on (`sgp_local_` after `sgp_`)."""
    every = (pattern for found in patterns().values() for pattern in found)
    return tuple(
        pattern
        for pattern in every
        if pattern.back == 0 and pattern.skip == 0 and pattern.exact.startswith(prefix) and pattern.exact != prefix
    )


def _match(data: bytes, pattern: Pattern, offset: int) -> re.Match[bytes] | None:
    if not pattern.exact:
        return pattern.expression.match(data, offset)
    start = offset + pattern.skip
    if data[start : start + len(pattern.exact)] != pattern.exact:
        return None
    if pattern.before and data[start - 1 : start] and data[start - 1] not in pattern.before:
        return None
    if pattern.back == 0:
        return pattern.expression.match(data, start) if pattern.format.glued or _stands_alone(data, start) else None
    for begin in _starts(data, offset, pattern):
        found = pattern.expression.match(data, begin)
        if found is not None and found.end(1) > offset:
            return found
    return None


# Where a word begins: after no part of a word, or after the letter of an escape sequence.
_WORD_START = re.compile(rb"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))[A-Za-z0-9_]")


def _starts(data: bytes, offset: int, pattern: Pattern) -> Iterator[int]:
    """Places before `offset` where a token may begin; the farthest first."""
    low = max(0, offset - pattern.back)
    if pattern.fixed:
        if offset >= pattern.back and _stands_alone(data, low) and data[low - 1 : low] != b"+":
            yield low  # also where it begins with a sign of base 64
        return
    if not pattern.first:
        for found in _WORD_START.finditer(data, low, offset):
            yield found.start()
        return
    start = data.find(pattern.first, low, offset)
    while start != -1:
        if _stands_alone(data, start):
            yield start
        start = data.find(pattern.first, start + 1, offset)


_SAMPLES = tuple(sample.encode() for sample in DOCUMENTED_SAMPLES)
_FAKE_WORDS = (
    b"example",
    b"xxxx",
    b"0000000",
    b"1234567",
    b"abcdefg",
    b"your",
    b"fake",
    b"dummy",
    b"sample",
    b"redacted",
    b"placeholder",
    b"testtest",
    b"a1b2c3d",
    b"1a2b3c4",
)


def is_dummy(token: bytes) -> bool:
    """Whether a token of the right shape is made up: a documented sample, one repeated character, a running sequence."""
    head = token[:160]
    if any(sample in head for sample in _SAMPLES):
        return True
    lowered = head.lower()
    if any(word in lowered for word in _FAKE_WORDS):
        return True
    body = lowered[len(lowered) // 3 :]
    return len(set(body)) < min(7, max(3, len(body) // 3)) or _longest_run(body) >= 6


def _is_made_of_words(row: Format, token: bytes) -> bool:
    """Whether what is not the format's own text was written by hand: words (`figd_the-name-of-the-file`), one character, counting."""
    found = _slots(row.shape).fullmatch(token)
    free = [group.decode() for group in found.groups() if len(group) > 3] if found is not None else []
    if not free:
        return False
    if row.random and not is_random(max(free, key=len)):
        return True
    joined = "".join(free).encode()
    if len(joined) >= 12 and is_dummy(joined) or any(len(group) >= 16 and is_dummy(group.encode()) for group in free):
        return True
    pieces = [piece for piece in re.split(r"[-_.~]+", "-".join(free)) if piece]
    return len(pieces) > 2 and all(is_word(piece) or (piece.isdigit() and len(piece) < 5) for piece in pieces)


@cache
def _slots(shape: str) -> re.Pattern[bytes]:
    """The shape with a group for each of its classes."""
    return re.compile(
        "".join(re.escape(p) if isinstance(p, str) else f"([{CLASSES[p[0]]}]{{{p[1]},{p[2]}}})" for p in _parts(shape)).encode()
    )


def _longest_run(text: bytes) -> int:
    """Length of the longest stretch of one character, or of neighbours in the alphabet."""
    longest = 1
    same = up = 1
    for before, here in zip(text, text[1:], strict=False):
        same = same + 1 if before == here else 1
        up = up + 1 if abs(here - before) == 1 else 1
        longest = max(longest, same, up)
    return longest


def recognise(value: str) -> Format | None:
    """The format of a value that is a whole token, also a publishable, a test or a made-up one."""
    data = value.encode("utf-8", "replace")
    if len(data) < 12 or len(data) > 8000:
        return None
    for pattern in _whole_patterns():
        if pattern.exact in data:
            match = pattern.expression.fullmatch(data)
            if match is not None:
                return pattern.format
    return None


@cache
def _whole_patterns() -> tuple[Pattern, ...]:
    """One pattern a format that needs no name beside it, in the order of the table."""
    return tuple(next(_patterns(row)) for row in FORMATS if not row.after)


def find_in(text: str) -> tuple[Format, str] | None:
    """The first token of a vendor in a text that is not in a file as it stands (decoded from base 64, a value of an env file)."""
    data = f" {text}".encode("utf-8", "replace")
    literals, automaton = _automaton()
    for number, offset, _ in automaton.find_matches_as_indexes(data.lower(), overlapping=True):
        found = match_at(data, literals[number], offset)
        if found is not None:
            return found[0], data[found[1] : found[2]].decode("utf-8", "replace")
    return None


@cache
def _automaton() -> tuple[list[bytes], Any]:
    from ahocorasick_rs import BytesAhoCorasick

    literals = list(patterns())
    return literals, BytesAhoCorasick(literals)


# ---------------------------------------------------------------- synthetic tokens


@cache
def _letters(name: str) -> str:
    return "".join(chr(code) for code in range(33, 127) if re.fullmatch(f"[{CLASSES[name]}]", chr(code)))


@cache
def sample_token(name: str, seed: int = 0) -> str:
    """A synthetic token of a format: right shape, right checksum, the same on every run, and nobody's."""
    if name == "jwt":
        return _sample_jwt(seed)
    if name in ("pem", "pem-line"):
        return _sample_pem(seed, "\n" if name == "pem" else "\\n")
    if name in _OF_NO_VENDOR:
        return _filled(_OF_NO_VENDOR[name], f"prodlint {name} {seed}")
    row = next(f for f in FORMATS if f.name == name)
    attempt = 0
    while True:
        token = _filled(row.shape, f"prodlint {name} {seed} {attempt}")
        if row.valid is not None:
            prefix, body = token.split("_", 1)
            token = f"{prefix}_{body[:-6]}{base62_checksum(body[:-6].encode())}"
        edges = token[0] + token[-1]
        if attempt > 50 or (not is_dummy(token.encode()) and ("-" not in edges and "_" not in edges)):
            return token
        attempt += 1


# Values that no vendor's format describes, for the examples of the other rules.
_OF_NO_VENDOR = {
    "random": "{A:28}",
    "hex": "{h:40}",
    "base64": "{6:43}=",
    "uuid": "{h:8}-{h:4}-4{h:3}-a{h:3}-{h:12}",
    "digits": "{d:10}",
    "password": "{L:3}{d:2}!{L:2}{d:1}#{l:4}",
    "passphrase": "otter-lantern-{d:2}-meadow-{d:1}-velvet",
    "fernet": "{A:43}=",
    "jwk": "{A:43}",
}


def _filled(shape: str, seed: str) -> str:
    import random

    dice = random.Random(seed)  # noqa: S311 - made to be the same on every run
    return "".join(
        part if isinstance(part, str) else "".join(dice.choice(_letters(part[0])) for _ in range(min(part[2], max(part[1], 40))))
        for part in _parts(shape)
    )


def _sample_pem(seed: int, line_end: str) -> str:
    body = [_filled("{6:64}", f"prodlint pem {seed} {number}") for number in range(12)]
    return line_end.join(("-----BEGIN " + "PRIVATE KEY-----", *body, "-----END " + "PRIVATE KEY-----", ""))


def _sample_jwt(seed: int) -> str:
    import base64
    import json
    import random

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    dice = random.Random(f"prodlint jwt {seed}")  # noqa: S311 - made to be the same on every run
    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    payload = json.dumps({"sub": f"service-{dice.randrange(10**6)}", "scope": "orders:write"}).encode()
    return f"{part(header)}.{part(payload)}.{part(dice.randbytes(32))}"
