"""Secrets in base 64, which hides nothing: vendors' tokens (PRD101), private keys and service accounts (PRD102), the data of
Kubernetes Secrets under any key (PRD110), and the logins of Docker's configuration (PRD110, PRD111)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, text
from prodlint.checks.secrets import formats
from prodlint.facts import Document, Node, Text
from prodlint.values.secret_names import parts_of
from prodlint.values.secret_values import is_generated, is_secret, shape_of

_RUN = re.compile(rb"[A-Za-z0-9+/]{12,40000}={0,2}|[A-Za-z0-9_\-]{12,40000}={0,2}")
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def decoded(value: bytes) -> bytes | None:
    """What a text in base 64 stands for (of URLs, too); None where it is no base 64."""
    plain = value.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def _begins(prefix: str) -> str:
    """The characters with which every text that begins so begins in base 64."""
    data = prefix.encode()
    return base64.b64encode(data).decode()[: len(data) * 8 // 6]


@cache
def _token_beginnings() -> dict[bytes, bytes]:
    """Lower case -> exact: how the tokens of the formats with a prefix of five and more characters begin in base 64."""
    found: dict[bytes, bytes] = {}
    for row in formats.FORMATS:
        prefix = re.match(r"[^{]*", row.shape)
        if prefix is not None and len(prefix[0]) >= 5 and not row.after and not row.glued and row.kind == "secret":
            begin = _begins(prefix[0][:12]).encode()
            found.setdefault(begin.lower(), begin)
    return found


def _literals() -> list[str]:
    return [*(literal.decode() for literal in _token_beginnings()), "b64decode("]


_DECODED_CALL = re.compile(rb"b64decode\(\s{0,40}[bB]?[\"']([A-Za-z0-9+/_\-]{16,4000}={0,2})[\"']")


@check("PRD101", on=[text()], required_literals=_literals())
def token_in_base64(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import bound, is_data_of_tests

    data = file.source.data
    if is_data_of_tests(context.file):
        return
    for literal, offset in file.hits:
        if literal == b"b64decode(":
            called = _DECODED_CALL.match(data, offset)
            if called is None:
                continue
            start, end = called.span(1)
        else:
            run = _RUN.match(data, offset) if _begins_here(data, offset, _token_beginnings()[literal]) else None
            if run is None:
                continue
            start, end = run.span()
        plain = decoded(data[start:end])
        found = formats.find_in(plain.decode("latin-1")) if plain is not None and plain.isascii() else None
        if found is not None and found[0].kind == "secret" and found[0].name != "jwt":
            row = found[0]
            words = f"{row.title} in base 64{bound(data, start)}: good for {row.opens}; revoke it at {row.revoke}"
            yield Diagnostic(ByteRange(file.source, start, end), words, secret=True)


def _begins_here(data: bytes, offset: int, exact: bytes) -> bool:
    return data[offset : offset + len(exact)] == exact and (offset == 0 or data[offset - 1] not in _BASE64)


# ---------------------------------------------------------------- private keys

_PEM_BEGINS = _begins("-----BEGIN ")
# The file of a Google service account, as a program or a person lays it out.
_ACCOUNTS = tuple(_begins(text) for text in ('{"type"', '{\n  "type"', '{\n    "type"', '{ "type"', '{\r\n  "type"', '{\n\t"type"'))
# The configuration with which a client reaches a cluster.
_CLUSTERS = (_begins("apiVersion: v1"),)
_CLUSTER_KEY = re.compile(rb"client-key-data:\s{1,4}[\"']?([A-Za-z0-9+/]{100,16000}={0,2})")
_EXACT = {begin.lower().encode(): begin.encode() for begin in (_PEM_BEGINS, *_ACCOUNTS, *_CLUSTERS)}
# Base 64 in lines of its own (`|` in YAML, a heredoc) goes on behind the line's end.
_LINES = re.compile(
    rb"[A-Za-z0-9+/]{1,4000}={0,2}(?:\\?\n[ \t]{0,40}[A-Za-z0-9+/]{40,200}={0,2}){0,200}(?:\\?\n[ \t]{0,40}[A-Za-z0-9+/]{1,200}={1,2})?"
)


@check("PRD102", on=[text()], required_literals=[literal.decode() for literal in _EXACT])
def private_key_in_base64(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import bound, is_data_of_tests, key_in

    data = file.source.data
    done = 0
    if is_data_of_tests(file.file):
        return
    for literal, offset in file.hits:
        if offset < done or not _begins_here(data, offset, _EXACT[literal]):
            continue
        run = _LINES.match(data, offset)
        plain = decoded(re.sub(rb"[\s\\]+", b"", run[0])) if run is not None else None
        if run is None or plain is None:
            continue
        within = _CLUSTER_KEY.search(plain)
        title = key_in(plain) or (key_in(decoded(within[1]) or b"") if within is not None else "")
        if title:
            done = run.end()
            words = f"{title} in base 64{bound(data, offset)}: replace the key pair, then load the key at run time"
            yield Diagnostic(ByteRange(file.source, *run.span()), words, secret=True)


# ---------------------------------------------------------------- Kubernetes Secrets

# Entries that go with a secret and are none.
_NO_SECRETS = frozenset(
    "username user login host hostname port database dbname db name namespace region url uri endpoint address bucket email tenant realm issuer audience scope "
    "type version environment env crt cert certificate ca truststore pub public id clientid".split()
)
_KEYSTORES = (".jks", ".p12", ".pfx", ".keytab", ".keystore")


@check("PRD110", on=[documents("kubernetes")], required_literals=["secret"], files=("yaml", "json"))
def entry_of_secret(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """In `kind: Secret` an entry is a secret whatever its key is called, unless it says that it is something else."""
    from prodlint.checks.secrets.config import is_sealed

    if is_sealed(document.source.data):
        return
    listed = document.root.get("items") if document.root.text_at("kind") in ("List", "SecretList") else None
    manifests = [document.root] if listed is None else [item for item in listed.items if item.kind == "mapping"]
    secrets = [each for each in manifests if each.text_at("kind") == "Secret"]
    for root, part in ((root, part) for root in secrets for part in ("data", "stringData")):
        entries = root.get(part)
        for name, node in entries.members.items() if entries is not None and entries.kind == "mapping" else ():
            if node.kind == "scalar" and node.raw and "{{" not in node.raw and _is_entry_secret(name, node, part == "data", context):
                yield Diagnostic(
                    node, f"`{name}` of a Secret is written into the manifest{' in base 64' if part == 'data' else ''}", secret=True
                )


def _is_entry_secret(name: str, node: Node, encoded: bool, context: CheckContext) -> bool:
    raw = re.sub(r"\s+", "", node.raw) if encoded else node.raw
    plain = decoded(raw.encode()) if encoded else raw.encode()
    if plain is None:
        return False
    try:
        value = plain.decode().strip()
    except UnicodeDecodeError:
        return name.lower().endswith(_KEYSTORES)
    if docker_login(value) or secret_inside(value):
        return True
    if not _NO_SECRETS.isdisjoint(parts_of(name)[-1:]):
        return False
    return is_generated(value) or (shape_of(value) in ("weak", "passphrase") and not context.file.roles & {"test", "example", "docs"})


def secret_inside(value: str) -> bool:
    """Whether a longer text holds a vendor's token, a private key, a URL with a password or a connection string."""
    from prodlint.checks.secrets.connections import connection_secret
    from prodlint.checks.secrets.tokens import key_in, url_credentials

    data = value.encode("utf-8", "replace")
    if key_in(data) or connection_secret(value) is not None:
        return True
    known = formats.find_in(value)
    if known is not None and known[0].kind == "secret":
        return True
    place = data.find(b"://")
    found = url_credentials(data, place) if place != -1 else None
    return found is not None and found[3] in ("random", "secret")


# ---------------------------------------------------------------- logins of Docker


def docker_login(value: str) -> bool:
    """Whether a text is Docker's configuration with a login in it."""
    if '"auths"' not in value:
        return False
    try:
        auths = json.loads(value).get("auths", {})
    except (ValueError, AttributeError):
        return False
    entries = auths.values() if isinstance(auths, dict) else ()
    return any(
        isinstance(entry, dict)
        and (is_secret(str(entry.get("password") or ""), "password") or login_password(str(entry.get("auth") or "")) is not None)
        for entry in entries
    )


def login_password(encoded: str) -> str | None:
    """The password of `user:password` in base 64, if it is one that works."""
    plain = decoded(encoded.encode("ascii", "replace"))
    try:
        _user, colon, password = (plain or b"").decode().partition(":")
    except UnicodeDecodeError:
        return None
    return password if colon and is_secret(password, "password") else None


@check("PRD111", on=[documents()], required_literals=['"auths"', '"auth"', "auths:"], files=("json", "yaml"))
def login_of_docker(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`auths.<host>.auth` is `user:password` in base 64; in the older `.dockercfg` the hosts stand at the top."""
    auths = document.root.get("auths") or (document.root if "dockercfg" in document.file.name else None)
    for host, entry in auths.members.items() if auths is not None and auths.kind == "mapping" else ():
        node = entry.get("auth")
        if node is not None and node.kind == "scalar" and login_password(node.raw) is not None:
            yield Diagnostic(node, f"Login of `{host}` is written into the file in base 64", secret=True)
