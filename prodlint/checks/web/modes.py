"""How a sound cipher is used unsoundly (PRD482): fixed initialisation vectors and nonces, RSA's old padding, SHA-1 signatures, suites of ciphers
that are broken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.facts import Call, Constant, Expression, Operation
from prodlint.values.expressions import follow, innermost

# ---------------------------------------------------------------- vectors and nonces

_MODES = ("CBC", "CTR", "GCM", "OFB", "CFB", "CFB8")
_NEW = tuple(
    f"{library}.Cipher.{cipher}.new"
    for library in ("Crypto", "Cryptodome")
    for cipher in ("AES", "ChaCha20", "ChaCha20_Poly1305", "Salsa20", "PKCS1_v1_5")
)


@check(
    "PRD482",
    on=[calls(*(f"*.{mode}" for mode in _MODES), *(name for name in _NEW if "PKCS1" not in name))],
    required_literals=["hazmat", "crypto.cipher", "cryptodome.cipher"],
    files=["python"],
)
def fixed_vector(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`modes.CBC(b"1234567890123456")`, `AES.new(key, AES.MODE_GCM, nonce=b"\\0" * 12)`, where something is encrypted."""
    if call.method == "new":
        given = call.keywords.get("iv") or call.keywords.get("nonce") or (call.argument(2) if "AES" in call.name else None)
        mode = call.argument(1, "mode")
        if mode is not None and mode.text.endswith("MODE_ECB"):
            return
    elif "modes." in call.name:
        given = call.argument(0) or call.keywords.get("initialization_vector") or call.keywords.get("nonce")
    else:
        return
    if given is None or not _is_fixed(call, given) or not _encrypts(call):
        return
    word = "nonce" if call.method in ("CTR", "GCM") or "GCM" in call.text or "CTR" in call.text else "initialisation vector"
    yield Diagnostic(given, f"the {word} is the same for every message: equal beginnings show, and with GCM and CTR the key stream does")


_SEALED = tuple(
    f"cryptography.hazmat.primitives.ciphers.aead.{name}.encrypt"
    for name in ("AESGCM", "AESCCM", "AESOCB3", "AESGCMSIV", "ChaCha20Poly1305")
)


@check("PRD482", on=[calls(*_SEALED)], required_literals=[("aead", "encrypt")], files=["python"])
def fixed_nonce(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`AESGCM(key).encrypt(b"000000000000", data, None)`."""
    given = call.argument(0, "nonce")
    if given is not None and _is_fixed(call, given):
        yield Diagnostic(given, "the nonce is the same for every message: with it the key stream is, and texts can be worked out")


def _is_fixed(call: Call, given: Expression) -> bool:
    """Whether bytes are spelled out: a literal, one that is repeated, `bytes(16)`."""
    known = follow(call.module, given, call)
    if isinstance(known, Operation) and known.operator == "*":
        return all(isinstance(follow(call.module, part, call), Constant) for part in known.operands)
    if isinstance(known, Call):
        if known.name in ("bytes", "bytearray") and len(known.arguments) == 1:
            length = follow(call.module, known.arguments[0], call)
            return isinstance(length, Constant) and isinstance(length.value, int)
        if known.method in ("encode", "fromhex", "unhexlify", "b64decode"):
            inner = known.receiver if known.method == "encode" else known.argument(0)
            return isinstance(inner, Constant)
        return False
    return isinstance(known, Constant) and isinstance(known.value, (bytes, str)) and len(known.value) >= 8


def _encrypts(call: Call) -> bool:
    """Whether the function around a cipher encrypts: what decrypts takes the vector that it is given."""
    function = innermost(call.module, call)
    text = function.text if function is not None else call.source.text
    return "encrypt" in text or function is not None and "decrypt" not in text


# ---------------------------------------------------------------- padding and signatures


@check(
    "PRD482",
    on=[calls("*.encrypt", *(name for name in _NEW if "PKCS1" in name))],
    required_literals=["pkcs1v15", "pkcs1_v1_5"],
    files=["python"],
)
def old_padding(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """RSA encryption padded with PKCS #1 v1.5; signatures with it are another thing."""
    if call.method == "new":
        if "Cipher.PKCS1_v1_5" in call.name:
            yield Diagnostic(call, "`PKCS1_v1_5` is padding that gives the text away to whoever may ask often whether it fits")
        return
    padding = call.argument(1, "padding")
    made = follow(call.module, padding, call) if padding is not None else None
    if padding is not None and isinstance(made, Call) and made.name.rpartition(".")[2] == "PKCS1v15":
        yield Diagnostic(padding, "`PKCS1v15` is padding that gives the text away to whoever may ask often whether it fits")


@check(
    "PRD482",
    on=[calls("*.sign", "*.CertificateBuilder.sign", "*.CertificateSigningRequestBuilder.sign")],
    required_literals=[("hazmat", "sha1("), ("hazmat", "md5(")],
    files=["python"],
)
def weak_signature(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`key.sign(data, padding, hashes.SHA1())`."""
    for given in (*call.arguments, *call.keywords.values()):
        known = follow(call.module, given, call)
        if isinstance(known, Call) and re.search(r"(?:^|\.)hashes\.(?:SHA1|MD5)$", known.name):
            yield Diagnostic(given, f"a signature over `{known.method}` can be forged")
            return


# ---------------------------------------------------------------- suites

_BROKEN_SUITE = re.compile(
    r"(?:[ae]?NULL|EXP(?:ORT)?\w*|LOW|RC4|3?DES|MD5|ADH|AECDH|COMPLEMENTOFALL|ALL)(?:[-+]\w+)*(?:@SECLEVEL=\d)?|.*@SECLEVEL=[01]"
)


def _broken_in(suite: str) -> str:
    """The first suite of an OpenSSL list that is broken; those behind `!` and `-` are taken out, and `ALL` beside such is a list with exceptions."""
    names = [name for name in re.split(r"[:, ]+", suite) if name]
    excepted = any(name.startswith(("!", "-")) for name in names)
    return next((name for name in names if _BROKEN_SUITE.fullmatch(name) and not (name == "ALL" and excepted)), "")


@check(
    "PRD482", on=[calls("*.set_ciphers", "*.set_cipher_list", "*.create_urllib3_context")], required_literals=["cipher"], files=["python"]
)
def broken_suites(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`context.set_ciphers("ALL:@SECLEVEL=0")`."""
    given = (
        call.keywords.get("ciphers")
        if call.method == "create_urllib3_context"
        else call.argument(0, "ciphers") or call.keywords.get("cipher_list")
    )
    if given is None:
        return
    for text in context.values(call.module).of(given).constants():
        broken = _broken_in(text.decode("latin-1") if isinstance(text, bytes) else text) if isinstance(text, (str, bytes)) else ""
        if broken:
            yield Diagnostic(given, f"`{broken}` lets suites of ciphers in that are broken")
            return


# ---------------------------------------------------------------- tickets


@check("PRD482", on=[calls("*.AuthTktAuthenticationPolicy", "*.AuthTktCookieHelper")], required_literals=["hashalg"], files=["python"])
def weak_ticket(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Pyramid's `AuthTktAuthenticationPolicy(secret, hashalg="md5")`."""
    given = call.keywords.get("hashalg")
    if given is not None and any(context.values(call.module).of(given).may_be(name) for name in ("md5", "sha1")):
        yield Diagnostic(given, f"`hashalg={given.text}`: a ticket with it can be forged")
