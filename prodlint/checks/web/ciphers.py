"""Hashes, ciphers, random numbers and comparisons that do not hold (PRD482), and passwords stored with them (PRD445)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import (
    Assignment,
    Call,
    Constant,
    Expression,
    Fact,
    FString,
    Function,
    Module,
    Name,
    Operation,
    Statement,
    Subscript,
    calls_in,
    statements_in,
)
from prodlint.model import FixRequest
from prodlint.values.expressions import follow, innermost, module_statements, truth, values
from prodlint.values.places import argument_of, enclosing, regions

_PASSWORD = re.compile(r"passw(?:or)?d|passphrase|(?:^|[_.\W])pwd?(?:$|[_.\W])", re.IGNORECASE)
_HASHES = (
    "hashlib.md5",
    "hashlib.sha1",
    "hashlib.sha224",
    "hashlib.sha256",
    "hashlib.sha384",
    "hashlib.sha512",
    "hashlib.sha3_256",
    "hashlib.sha3_512",
    "hashlib.blake2b",
    "hashlib.new",
)


def _hash_name(call: Call) -> str:
    """`md5` for hashlib.md5(...) and hashlib.new("md5", ...)."""
    if call.method == "new":
        first = call.argument(0, "name")
        return str(first.value).lower() if isinstance(first, Constant) else ""
    return call.method


def _digested(call: Call) -> Expression | None:
    return call.argument(1, "data") if call.method == "new" else call.argument(0, "data") or call.keywords.get("string")


def _bound_to(module: Module, place: Fact) -> str:
    """The name that the statement around a place binds, or that of the function where it returns."""
    function = innermost(module, place)
    block = function.body if function is not None else module.body
    found = ""
    for statement in statements_in(block):
        if statement.start <= place.start and place.end <= statement.end:
            if statement.kind == "assign" and statement.targets:
                target = statement.targets[0]
                key = target.key if isinstance(target, Subscript) else None
                found = str(key.value) if isinstance(key, Constant) else target.text
            elif statement.kind == "return" and function is not None:
                found = function.name
    return found


# ---------------------------------------------------------------- PRD445


# PyCryptodome's and PyCrypto's hashes are modules with a `new`, cryptography's are handed to `Hash`.
_OTHER_HASHES = re.compile(
    r"^Crypto(?:dome)?\.Hash\.(MD2|MD4|MD5|SHA1?|SHA224|SHA256|SHA384|SHA512|SHA3_\d+|BLAKE2[bs]|RIPEMD160|keccak)\.new$"
)
_HASHING = re.compile(
    r"(?i)^(?:\w*_)?(?:hash|digest|encrypt|encode|make)_?(?:the_?)?(?:passw(?:or)?d|pwd)$|^(?:passw(?:or)?d|pwd)_?(?:hash|digest)$"
)
# What is hashed for such a name is random already, or is asked of a list of leaks.
_NO_PASSWORD = re.compile(r"(?i)token|reset|salt|link|url|code|version|changed|policy|etag|cache|file")


def _fast_hash(call: Call) -> str:
    """The hash that a call makes, in lower case; nothing where it makes none that is fast."""
    if call.name in _HASHES:
        return _hash_name(call)
    found = _OTHER_HASHES.match(call.name)
    if found is not None:
        return found[1].lower()
    if call.name == "cryptography.hazmat.primitives.hashes.Hash":
        kind = call.argument(0, "algorithm")
        return kind.method.lower() if isinstance(kind, Call) else ""
    return ""


def _hashed(call: Call) -> Iterator[Expression]:
    """What goes into a hash: given where it is made, or to `update` of the object by its name."""
    given = _digested(call) if call.name in _HASHES else call.argument(0, "data") if call.method == "new" else None
    if given is not None:
        yield given
    bound = _bound_to(call.module, call)
    function = innermost(call.module, call)
    if bound and function is not None and bound != function.name:
        for other in calls_in(function.body):
            if other.method == "update" and other.receiver is not None and other.receiver.text == bound and other.arguments:
                yield other.arguments[0]


def _stored_as(call: Call) -> str:
    """The name that the hash is stored under, or that of the function that returns it, where it is a password's; else nothing."""
    function = innermost(call.module, call)
    for other in calls_in(function.body) if function is not None else ():
        if other.method == "set_password" and other.start < call.start and call.end < other.end:
            return other.method
    bound = _bound_to(call.module, call).rpartition(".")[2]
    if function is not None and bound == function.name:
        return bound if _HASHING.search(bound) else ""
    return bound if _PASSWORD.search(bound) and not _NO_PASSWORD.search(bound) else ""


@check(
    "PRD445",
    on=[calls(*_HASHES, "Crypto.Hash.*", "Cryptodome.Hash.*", "cryptography.hazmat.primitives.hashes.Hash")],
    required_literals=[
        (library, word)
        for library in ("hashlib", "crypto", "cryptodome", "cryptography", "md5", "sha1", "sha256", "sha512")
        for word in ("pass", "pwd")
    ],
    files=["python"],
)
def fast_password_hash(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A password put through a fast hash: known by what is hashed, by where the hash goes, or by the function that gives it."""
    name = _fast_hash(call)
    if not name:
        return
    texts = [given.text for given in _hashed(call)]
    named = [text for text in texts if _PASSWORD.search(text)]
    if any(re.search(r"passw(?:or)?d_?hash", text, re.IGNORECASE) for text in named) or not (named or _stored_as(call)):
        return
    function = innermost(call.module, call)
    if function is not None and re.search(r"legacy|(?:^|_)old(?:_|$)", function.name):
        return  # to know those again that are still stored so
    around = f"{function.name} {function.text}" if function is not None else ""
    if re.search(
        r"pwned|hibp|breach|k_?anonym|\[:5\]|etag|cache|fingerprint|compare_digest|pbkdf2|bcrypt|scrypt|argon2", around, re.IGNORECASE
    ):
        return
    yield Diagnostic(call, f"`{name}` of a password is fast: an attacker can try billions of guesses per second")


_WEAK_SCHEMES = re.compile(
    r"^(?:plaintext|hex_\w+|md5_crypt|sha1_crypt|des_crypt|bsdi_crypt|bigcrypt|crypt16|mysql323|mysql41|lmhash|nthash|ldap_(?:md5|sha1|plaintext|salted_md5|salted_sha1)|oracle10|postgres_md5|django_(?:salted_)?(?:md5|sha1))$"
)


_PASSLIB_HASH = re.compile(r"^passlib\.hash\.(\w+)\.(?:hash|encrypt)$")


_CRYPTED = frozenset({"crypt.METHOD_CRYPT", "crypt.METHOD_MD5"})


@check("PRD445", on=[calls("crypt.crypt", "crypt.mksalt")], required_literals=["method_crypt", "method_md5"], files=["python"])
def crypted_password(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`crypt.crypt(password, crypt.METHOD_MD5)`: `METHOD_BLOWFISH` is bcrypt, the SHA-2 ones have rounds."""
    method = call.argument(1, "salt") if call.method == "crypt" else call.argument(0, "method")
    if isinstance(method, Name) and method.name in _CRYPTED:
        yield Diagnostic(method, f"`{method.source_text}` hashes passwords fast: what leaks is guessed")


@check("PRD445", on=[calls("*.hash", "*.encrypt")], required_literals=["passlib"], files=["python"])
def weak_hash_of_passlib(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`md5_crypt.hash(password)` of passlib."""
    found = _PASSLIB_HASH.match(call.name)
    if found is not None and _WEAK_SCHEMES.match(found[1]):
        yield Diagnostic(call, f"`{found[1]}` of passlib stores passwords that are guessed by the billion a second")


_PASSLIB_ROUNDS = re.compile(r"^passlib\.hash\.(bcrypt|bcrypt_sha256|pbkdf2_sha256|pbkdf2_sha512)\.using$")
# OWASP's password storage cheat sheet: rounds of PBKDF2 by its hash.
_ROUNDS, _ROUNDS_OF_SHA512 = 600_000, 210_000
_FEWEST_ROUNDS = {"bcrypt": 10, "bcrypt_sha256": 10, "pbkdf2_sha256": _ROUNDS, "pbkdf2_sha512": _ROUNDS_OF_SHA512}


@check("PRD445", on=[calls("*.using")], required_literals=[("passlib", "rounds")], files=["python"])
def few_rounds_of_passlib(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`pbkdf2_sha256.using(rounds=1000)` of passlib."""
    found = _PASSLIB_ROUNDS.match(call.name)
    rounds = argument_of(call, "rounds")
    if found is not None and isinstance(rounds, Constant) and isinstance(rounds.value, int) and rounds.value < _FEWEST_ROUNDS[found[1]]:
        needed = _FEWEST_ROUNDS[found[1]]
        yield Diagnostic(
            call,
            f"`{found[1]}` with {rounds.value:,} rounds is too fast: use at least {needed:,}",
            priority="P2" if "pbkdf2" in found[1] else None,
        )


# `generate_password_hash(password, method)`: Werkzeug made plain digests of any hash up to 2.3, and PBKDF2 with as many rounds as it is told.
_WERKZEUG_METHOD = re.compile(r"^(?:plain|(?:md5|sha1|sha224|sha256|sha384|sha512)|pbkdf2(?::(\w+))?(?::(\d+))?)$")


@check("PRD445", on=[calls("werkzeug.security.generate_password_hash")], required_literals=["generate_password_hash"], files=["python"])
def weak_method_of_werkzeug(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`generate_password_hash(password, method="sha256")`."""
    given = call.argument(1, "method")
    method = follow(call.module, given, call) if given is not None else None
    found = _WERKZEUG_METHOD.match(str(method.value)) if isinstance(method, Constant) else None
    if given is None or found is None:
        return
    if not found[0].startswith("pbkdf2"):
        yield Diagnostic(given, f"`generate_password_hash` with `{found[0]}` is fast: an attacker can try billions of guesses per second")
        return
    needed = _ROUNDS_OF_SHA512 if found[1] == "sha512" else _ROUNDS
    if found[2] and int(found[2]) < needed:
        yield Diagnostic(given, f"`{found[0]}` with {int(found[2]):,} rounds is too fast: use at least {needed:,}", priority="P2")


@check("PRD445", on=[calls("passlib.context.CryptContext", "passlib.context.LazyCryptContext")], files=["python"])
def weak_scheme(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """passlib contexts that write weak hashes."""
    given = call.argument(0, "schemes")
    listed = list(values(call.module, given, call)) if given is not None else []
    if listed and _WEAK_SCHEMES.match(listed[0].text):
        yield Diagnostic(given or call, f"`CryptContext` stores passwords with `{listed[0].text}`")
    for keyword in ("bcrypt__rounds", "bcrypt__default_rounds"):
        rounds = argument_of(call, keyword)
        if isinstance(rounds, Constant) and isinstance(rounds.value, int) and rounds.value < 10:
            yield Diagnostic(call.keywords[keyword], f"`{keyword}={rounds.value}` is too fast: bcrypt needs at least 10")


@check("PRD445", on=[calls("bcrypt.gensalt", "hashlib.pbkdf2_hmac", "*.PBKDF2HMAC")], files=["python"])
def few_rounds(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Too few rounds of the right function."""
    if call.method == "gensalt":
        rounds = call.argument(0, "rounds")
        known = follow(call.module, rounds, call) if rounds is not None else None
        if isinstance(known, Constant) and isinstance(known.value, int) and known.value < 10:
            yield Diagnostic(call, f"`bcrypt.gensalt({known.value})` is too fast: bcrypt needs at least 10 rounds")
        return
    rounds = call.argument(3, "iterations")
    algorithm = call.argument(0, "hash_name" if call.method == "pbkdf2_hmac" else "algorithm")
    known = follow(call.module, rounds, call) if rounds is not None else None
    if not (isinstance(known, Constant) and isinstance(known.value, int)) or algorithm is None:
        return
    function = innermost(call.module, call)
    if call.method == "PBKDF2HMAC" and not _PASSWORD.search(function.text if function is not None else ""):
        return
    # A secret that is random already needs no stretching; only what people choose does.
    secret = call.argument(1, "password")
    if secret is not None and re.search(r"secret_?key|master_?key|signing|random", secret.text, re.IGNORECASE):
        return
    # `fake_key(secret)`: a key is made of something else, and nothing calls it a password.
    if secret is not None and function is not None and re.search(r"(?i)key|seed|wallet|fake|mock", function.name):
        if not re.search(r"(?i)passw|passphrase|pwd", f"{function.name} {secret.text}"):
            return
    needed = _ROUNDS_OF_SHA512 if "512" in follow(call.module, algorithm, call).text else _ROUNDS
    if known.value < needed:
        yield Diagnostic(call, f"`{call.method}` with {known.value:,} rounds is too fast: use at least {needed:,}", priority="P2")


_WEAK_HASHERS = re.compile(r"\.(?:MD5|SHA1|UnsaltedMD5|UnsaltedSHA1|Crypt)PasswordHasher$")


@check("PRD445", on=[every(Module)], required_literals=["password_hashers"], files=["python"])
def django_hashers(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Django's `PASSWORD_HASHERS`: the first one writes."""
    for statement, _ in module_statements(module):
        if statement.kind != "assign" or not statement.expressions or statement.targets[0].text != "PASSWORD_HASHERS":
            continue
        if statement.assignment is not None and statement.assignment.scope.guards & {"debug", "environment"}:
            continue
        listed = list(values(module, statement.expressions[0], statement.expressions[0]))
        if listed and _WEAK_HASHERS.search(listed[0].text):
            yield Diagnostic(listed[0].at, f"`PASSWORD_HASHERS` stores passwords with `{listed[0].text.rsplit('.', 1)[-1]}`")


_STORED = re.compile(
    r"(?:^|\.)(?:\w*user\w*|account|member|admin|row|record|customer|db_\w+|stored|existing)(?:\.|\[[\"']?)(?:password|passwd|pwd)(?:[\"']?\])?$",
    re.IGNORECASE,
)
# A password of a first administrator that stands in the environment is nowhere stored.
_OF_SETTINGS = re.compile(r"(?i)(?:^|[.(\[])_?(?:config|settings|conf|cfg|env|environ)(?:[.\[]|$)")
_OTHER_PASSWORD = re.compile(r"confirm|repeat|again|password_?2|new_|old_|verify|retype|validated", re.IGNORECASE)


@check("PRD445", on=[every(Assignment)], required_literals=["password", "passwd", "pwd"], files=["python"])
def plain_comparison(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`user.password == password`: the stored text is the password."""
    if fact.kind != "compare" or not fact.scope.function:
        return
    left, right = fact.qualified, fact.value
    if not _PASSWORD.search(left) or left.endswith(")") or isinstance(right, (Constant, Call)):
        return
    texts = (left, right.text)
    if (
        _PASSWORD.search(texts[1])
        and any(_STORED.search(text) for text in texts)
        and not any(_OTHER_PASSWORD.search(text) or _OF_SETTINGS.search(text) or "hash" in text.lower() for text in texts)
    ):
        compared = fact.source.slice(fact.start, fact.end)
        yield Diagnostic(fact, f"`{' '.join(compared.split())}` compares a password as it is stored: it is not hashed")


# ---------------------------------------------------------------- PRD482

_SECURITY = re.compile(
    r"signature|(?:^|_)sign(?:ed|ing)?(?:_|$)|token|secret|(?:^|_)auth_?(?:token|key|code|sig|mac|digest)|nonce|otp|csrf|api_?key|session_?(?:id|key)|hmac|(?:^|_)mac(?:_|$)|credential",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"cache|etag|checksum|fingerprint|dedup|gravatar|file|content_|_content|slug|shard|bucket|version|color|colour|avatar|uniq|digest_cache|anonymi|hash_key|cache_key|thumb|etags|identifier|signature_hash|display|short|label|count|num_|token_count|tokeniz|max_token|n_token",
    re.IGNORECASE,
)

_NAME = re.compile(r"(?:^|_)(?:name|path)$", re.IGNORECASE)


@check("PRD482", on=[calls("hashlib.md5", "hashlib.sha1", "hashlib.new")], files=["python"])
def weak_hash(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """MD5 or SHA-1 where somebody might want to find a second text."""
    name = _hash_name(call)
    if name not in ("md5", "sha1", "md4") or truth(call.module, call.keywords.get("usedforsecurity"), call) is False:
        return
    module = call.module
    function = innermost(module, call)
    given = _digested(call)
    bound = _bound_to(module, call)
    text = given.text if given is not None else ""
    if _PASSWORD.search(text):
        return  # PRD445
    if re.search(r"urandom|uuid|secrets\.|token_(?:hex|bytes|urlsafe)", text) or _is_signed(call):
        return
    named = function is not None and (not bound or bound == function.name)
    around = f"{bound} {function.name if function is not None and named else ''}"
    # A digest that becomes a name tells files apart; nobody believes it.
    if (
        _HARMLESS.search(around)
        or _NAME.search(bound or "")
        or not (_SECURITY.search(around) or re.search(r"secret|api_?key|private_key", text, re.IGNORECASE))
    ):
        return
    yield Diagnostic(call, f"`{name}` for `{bound or (function.name if function is not None else 'a secret')}` can be forged")


def _is_signed(call: Call) -> bool:
    """`signer.sign(sha1(payload).hexdigest())`: the signature is what holds."""
    return bool(re.search(rb"\.(?:sign|sign_object)\(\s*(?:\w+\.)?$", call.source.data[max(0, call.start - 60) : call.start]))


_CIPHERS = re.compile(
    r"(?:^|\.)(?:Crypto|Cryptodome)\.Cipher\.(?:DES3?|ARC2|ARC4|Blowfish|CAST|XOR)(?:\.new)$|ciphers(?:\.algorithms)?\.(?:algorithms\.)?(?:TripleDES|Blowfish|ARC4|IDEA|CAST5|SEED|RC2)$|decrepit\.ciphers\.algorithms\.\w+$"
)
_CIPHER_NAMES = ("*.new", "*.TripleDES", "*.Blowfish", "*.ARC4", "*.IDEA", "*.CAST5", "*.SEED", "*.ECB")


@check("PRD482", on=[calls(*_CIPHER_NAMES)], required_literals=["crypto.cipher", "cryptodome.cipher", "hazmat"], files=["python"])
def weak_cipher(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """DES, RC4, Blowfish and the ECB mode."""
    if _CIPHERS.search(call.name):
        cipher = call.name.removesuffix(".new").rsplit(".", 1)[-1]
        yield Diagnostic(call, f"`{cipher}` is a broken cipher")
    elif call.method == "ECB" and "modes" in call.name:
        yield Diagnostic(call, "`ECB` reveals which blocks are equal")
    elif call.method == "new" and re.search(r"Crypto(?:dome)?\.Cipher\.", call.name):
        mode = call.argument(1, "mode")
        if mode is not None and mode.text.endswith("MODE_ECB"):
            yield Diagnostic(mode, f"`{mode.text}` reveals which blocks are equal")


@check(
    "PRD482",
    on=[
        calls(
            "*.generate_private_key",
            "*.generate_parameters",
            "Crypto.PublicKey.RSA.generate",
            "Crypto.PublicKey.DSA.generate",
            "Cryptodome.PublicKey.RSA.generate",
            "Cryptodome.PublicKey.DSA.generate",
            "rsa.newkeys",
        )
    ],
    required_literals=["generate_private_key", ("publickey", "generate"), "newkeys"],
    files=["python"],
)
def short_key(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """RSA and DSA keys under 2048 bits, curves under 224."""
    if call.method == "generate_private_key" and re.search(r"(?:^|\.)ec\.", call.name):
        curve = call.argument(0, "curve")
        size = re.search(r"SE[CP][PT](\d{3})", curve.text) if curve is not None else None
        if size is not None and int(size[1]) < 224:
            yield Diagnostic(call, f"a key on `{size[0]}` is too short")
        return
    positions = {"generate_private_key": 1 if "rsa" in call.name else 0, "generate_parameters": 1}
    bits = call.argument(positions.get(call.method, 0), "key_size") or call.keywords.get("bits") or call.keywords.get("nbits")
    known = follow(call.module, bits, call) if bits is not None else None
    if isinstance(known, Constant) and isinstance(known.value, int) and 64 < known.value < 2048:
        yield Diagnostic(call, f"a key of {known.value} bits is too short: 2048 are the least")


_RANDOM = (
    "random.choice",
    "random.choices",
    "random.randint",
    "random.randrange",
    "random.random",
    "random.getrandbits",
    "random.sample",
    "random.uniform",
    "random.randbytes",
    "numpy.random.randint",
    "numpy.random.choice",
    "uuid.uuid1",
)
_GUESSED = re.compile(
    r"token|passw(?:or)?d|secret|otp(?:_|$)|one_time|(?:^|_)pin(?:_code)?$|nonce|(?:^|_)salt|session_?id|api_?key|csrf|verification_code|auth_code|reset_code|invite_code|verify_code|recovery|2fa|mfa",
    re.IGNORECASE,
)


def _decides(module: Module, call: Call) -> bool:
    """Whether a call is part of a condition: what comes of it is yes or no."""
    function = innermost(module, call)
    return any(
        statement.kind in ("if", "while", "assert")
        and any(value.start <= call.start and call.end <= value.end for value in statement.expressions)
        for statement in statements_in(function.body if function is not None else module.body)
    )


def _is_returned(function: Function, name: str) -> bool:
    """Whether a function gives back what it bound to a name, as it is or in a text."""
    return any(
        statement.kind == "return"
        and any(isinstance(part, Name) and part.source_text == name for value in statement.expressions for part in value.walk())
        for statement in statements_in(function.body)
    )


def _is_put_together(module: Module, call: Call) -> bool:
    """Whether a choice is one character of many: in a loop, a comprehension or a `join`."""
    function = innermost(module, call)
    around = [
        s for s in statements_in(function.body if function is not None else module.body) if s.start <= call.start and call.end <= s.end
    ]
    text = around[-1].source.slice(around[-1].start, around[-1].end) if around else ""
    return bool(re.search(r"\bjoin\b|\bfor\b|\+=", text.split(":", 1)[-1] if text.startswith("for") else text)) or text.count("choice") > 1


@check("PRD482", on=[calls(*_RANDOM)], files=["python"])
def guessable(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`random` for what nobody may guess."""
    module = call.module
    function = innermost(module, call)
    bound = _bound_to(module, call)
    name = bound if _GUESSED.search(bound) else ""
    if (
        not name
        and function is not None
        and _GUESSED.search(function.name)
        and not _decides(module, call)
        and (not bound or _is_returned(function, bound))
    ):
        name = function.name
    if call.method == "choice" and name and not _is_put_together(module, call):
        return  # one of those that are there is picked
    if (
        not name
        or _HARMLESS.search(name)
        or re.search(
            r"fake|mock|dummy|sample|demo|sleep|delay|jitter|backoff|placeholder|client_token|idempoten|request_token",
            f"{bound} {function.name if function else ''}",
            re.IGNORECASE,
        )
    ):
        return
    yield Diagnostic(call, f"`{call.name}` generates `{name}`, which is predictable: use `secrets`")


_OLD = frozenset(
    {
        "ssl.PROTOCOL_SSLv2",
        "ssl.PROTOCOL_SSLv3",
        "ssl.PROTOCOL_TLSv1",
        "ssl.PROTOCOL_TLSv1_1",
        "ssl.TLSVersion.SSLv3",
        "ssl.TLSVersion.TLSv1",
        "ssl.TLSVersion.TLSv1_1",
        "OpenSSL.SSL.SSLv2_METHOD",
        "OpenSSL.SSL.SSLv3_METHOD",
        "OpenSSL.SSL.TLSv1_METHOD",
        "OpenSSL.SSL.TLSv1_1_METHOD",
    }
)
_SIGNED = re.compile(r"hmac\.(?:new|digest|HMAC)$|\bhmac_\w+$|\.hexdigest$")


@check(
    "PRD482",
    on=[every(Module)],
    required_literals=[
        "protocol_sslv",
        "protocol_tlsv1",
        "tlsversion.tlsv1",
        "tlsversion.sslv3",
        "sslv3_method",
        "sslv2_method",
        "tlsv1_method",
        "tlsv1_1_method",
    ],
    files=["python"],
)
def old_protocol(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """SSL 2 to TLS 1.1."""
    for statement in statements_in(module.body, into_definitions=True):
        for expression in (part for given in statement.expressions for part in given.walk()):
            if (
                isinstance(expression, Name)
                and expression.name in _OLD
                and not _compared(statement, expression)
                and not _is_found_out(statement)
            ):
                yield Diagnostic(expression, f"`{expression.source_text}` is a broken protocol version")
    for function in module.functions():
        for parameter in function.parameters:
            if isinstance(parameter.default, Name) and parameter.default.name in _OLD:
                yield Diagnostic(parameter.default, f"`{parameter.default.source_text}` is a broken protocol version")


@check("PRD482", on=[every(Module)], required_literals=[("hmac", "digest")], files=["python"])
def leaky_comparison(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`==` on a signature that is made here."""
    for comparison in _comparisons(module.body):
        left, right = comparison.operands
        if _compares_signature(module, comparison):
            fix = FixRequest(
                "replace",
                "compare with `hmac.compare_digest`",
                False,
                (("text", f"hmac.compare_digest({left.text}, {right.text})"), ("import", "hmac")),
            )
            words = "a signature is compared with `==`, not in constant time"
            yield Diagnostic(comparison, words, fix=fix if comparison.operator == "==" else None)


def _comparisons(statements: Sequence[Statement]) -> Iterator[Operation]:
    """Each `a == b` and `a != b` in some statements and the definitions among them."""
    for statement in statements_in(statements, into_definitions=True):
        for given in statement.expressions:
            for part in given.walk():
                if isinstance(part, Operation) and part.operator in ("==", "!=") and len(part.operands) == 2:
                    yield part


def _compares_signature(module: Module, comparison: Operation) -> bool:
    return any(_is_signature(module, part) for part in comparison.operands) and not any(
        isinstance(part, Constant) for part in comparison.operands
    )


_SIGNED_HEADER = re.compile(r"(?i)signature|hmac|\bsha(?:1|256)\b")
_SECRET_HEADER = re.compile(r"(?i)(?:^|[-_])(?:token|secret|api[-_]?key)(?:$|[-_])")
_HEADERS = re.compile(r"(?i)(?:^|\.)(?:headers|META)$")


def _read_from(part: Expression, holders: re.Pattern[str]) -> tuple[str, str]:
    """The name that an expression reads from one of these mappings, and the mapping's text: `request.headers["X"]`, `request.args.get("x")`."""
    holder: Expression | None = None
    key: Expression | None = None
    if isinstance(part, Subscript):
        holder, key = part.value, part.key
    elif isinstance(part, Call) and part.method == "get":
        holder, key = part.receiver, part.argument(0)
    if holder is None or not isinstance(key, Constant) or not isinstance(key.value, str) or not holders.search(holder.text):
        return "", ""
    return key.value, holder.text


def _header_of(part: Expression) -> str:
    """The name of the request's header that an expression reads: `request.headers["X-Signature"]`, `request.META.get(...)`."""
    name, holder = _read_from(part, _HEADERS)
    return name.removeprefix("HTTP_") if "META" in holder else name


def _header_parameter(part: Expression, module: Module) -> str:
    """The name of the header that FastAPI puts into a parameter: `x_api_key: str = Header()`, `Annotated[str, Header(alias="X-Api-Key")]`."""
    function = enclosing(part, module) if isinstance(part, Name) else None
    if function is None or not isinstance(part, Name):
        return ""
    parameter = next((each for each in function.parameters if each.name == part.source_text), None)
    if parameter is None:
        return ""
    declared = parameter.default.text if parameter.default is not None else ""
    found = _HEADER_MARK.search(parameter.annotation) or _HEADER_MARK.match(declared)
    if found is None:
        return ""
    alias = _ALIAS.search(found.string, found.end())
    return alias[1] if alias is not None else parameter.name.replace("_", "-")


_HEADER_MARK = re.compile(r"\b(?:\w+\s*\.\s*)?Header\s*\(")
_ALIAS = re.compile(r"\balias\s*=\s*[\"']([\w-]+)[\"']")
_QUERIES = re.compile(r"(?:^|\.)(?:args|query_params|GET)$")
# A token that says where a list goes on is no secret.
_OF_PAGES = re.compile(r"(?i)page|next|continu|cursor|sync|start")


def _query_of(part: Expression) -> str:
    """The name of a secret that an expression reads from the query: `request.args["api_key"]`."""
    name, _ = _read_from(part, _QUERIES)
    return name if _SECRET_HEADER.search(name) and not _OF_PAGES.search(name) else ""


# As far as a text can tell that a header of the request, or its query, is read.
_READS_HEADERS = re.compile(rb"(?i)\b(?:headers|meta|header|args|query_params|get)\b")


@check(
    "PRD482",
    on=[every(Module)],
    required_literals=[
        (holder, word)
        for holder in ("header", "meta", "args", "query_params", "request.get")
        for word in ("signature", "hmac", "token", "secret", "api-key", "api_key")
    ],
    files=["python"],
)
def compared_header(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """`==` on a header that holds a signature or a secret."""
    data = module.source.data
    reading = [statement for statement, start, end in regions(module) if _READS_HEADERS.search(data, start, end)]
    if any(statement.kind not in ("def", "class") for statement in reading):
        reading = list(module.body)  # what the module itself has read may be compared in any function
    for comparison in _comparisons(reading):
        yield from _compared_header(module, comparison)


def _compared_header(module: Module, comparison: Operation) -> Iterator[Diagnostic]:
    """A header that holds a signature or a secret, compared with what the service knows."""
    left, right = comparison.operands
    for given, known in ((left, right), (right, left)):
        if isinstance(known, Constant):
            continue
        read, against = follow(module, given, given), follow(module, known, known)
        header = _header_of(read) or _header_parameter(given, module)
        if not header and (key := _query_of(read)) and not _query_of(against):
            yield Diagnostic(comparison, f"the secret in `{key}` of the query is compared with `==`, not in constant time", priority="P2")
            return
        if not header or _header_of(against) or _header_parameter(known, module):
            continue
        signed = _SIGNED_HEADER.search(header) is not None
        if (signed or _SECRET_HEADER.search(header)) and not _compares_signature(module, comparison):
            if signed:
                yield Diagnostic(comparison, "a signature is compared with `==`, not in constant time")
            else:
                yield Diagnostic(comparison, f"the secret in `{header}` is compared with `==`, not in constant time", priority="P2")


def _is_found_out(statement: Statement) -> bool:
    """Whether a version is only kept in a name that is compared in turn: which one a context allows is being worked out."""
    if statement.kind != "assign" or not all(isinstance(target, Name) and "." not in target.source_text for target in statement.targets):
        return False
    names = "|".join(re.escape(target.text) for target in statement.targets)
    return re.search(rf"\b(?:{names})[\s\\)]*[=!<>]=|[=!<>]=[\s\\(]*(?:{names})\b", statement.source.text) is not None


def _compared(statement: Statement, name: Name) -> bool:
    for given in statement.expressions:
        for part in given.walk():
            if (
                isinstance(part, Operation)
                and part.operator in ("==", "!=", "in", "not in", "<", ">", "<=", ">=")
                and part.start <= name.start
                and name.end <= part.end
            ):
                return True
            if isinstance(part, Operation) and part.operator == "|":
                return True
    return False


def _is_signature(module: Module, part: Expression) -> bool:
    """Whether this is an HMAC made here, perhaps with `"sha256="` before it."""
    known = follow(module, part, part)
    if isinstance(known, Operation) and known.operator == "+" or isinstance(known, FString):
        return any(isinstance(piece, Call) and _is_signature(module, piece) for piece in known.parts())
    names = [piece.name for piece in known.walk() if isinstance(piece, Call)] if isinstance(known, Call) else []
    return any("hmac." in name for name in names) and any(_SIGNED.search(name) for name in names)
