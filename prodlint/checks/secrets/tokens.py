"""Secrets: tokens with a vendor's format, keys, credentials in URLs, and values bound to a secret's name.

One value, one finding: where several rules see the same value, `ORDER` says which of them speaks (the engine asks
`one_a_value`). No message ever holds a value.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, text
from prodlint.checks.secrets import formats, others
from prodlint.checks.secrets.calm import CALM
from prodlint.checks.secrets.formats import sample_token
from prodlint.facts import File, Text
from prodlint.model import Finding, FixRequest, Priority
from prodlint.values.secret_values import GENERATED, shape_of

__all__ = ["ORDER", "deduplicate_by_secret", "sample_token"]

# Which rule speaks for a value that several see.
ORDER = ("PRD102", "PRD101", "PRD103", "PRD106", "PRD105", "PRD104", "PRD110", "PRD111", "PRD112", "PRD113")
_RANK = {code: rank for rank, code in enumerate(ORDER)}


def deduplicate_by_secret(findings: list[Finding]) -> list[Finding]:
    """The findings of one file without those whose value a rule further up in ORDER speaks for."""
    mine = sorted((finding for finding in findings if finding.code in _RANK), key=lambda finding: finding.span)
    dropped: set[int] = set()
    spoken: Finding | None = None
    for finding in mine:
        if spoken is None or (finding.span.line, finding.span.column) >= (spoken.span.end_line, spoken.span.end_column):
            spoken = finding
        elif _RANK[finding.code] < _RANK[spoken.code]:
            dropped.add(id(spoken))
            spoken = finding
        else:
            dropped.add(id(finding))
    return [finding for finding in findings if id(finding) not in dropped]


# ---------------------------------------------------------------- what surrounds a value in the bytes

_NAME_BEFORE = re.compile(
    rb"([A-Za-z_][\w.\-]{0,60})[\"'\])]{0,3}\s{0,8}(?::\s{0,4}[\w\[\]. |]{1,40}=|=>|:=|[=!]=|[:=(])\s{0,8}[A-Za-z(]{0,12}[\"'`(]{0,4}\Z"
)


# Lines are looked at this far to each side: a file of one long line must not be read again for each value in it.
_SIDE = 400


def line_start(data: bytes, offset: int) -> int:
    """Where the line of an offset begins, or _SIDE bytes before it."""
    low = max(0, offset - _SIDE)
    return max(data.rfind(b"\n", low, offset) + 1, low)


def line_of(data: bytes, offset: int) -> bytes:
    """The line around an offset, at most _SIDE bytes to each side."""
    end = data.find(b"\n", offset, offset + _SIDE)
    return data[line_start(data, offset) : offset + _SIDE if end == -1 else end]


def name_before(data: bytes, start: int) -> str:
    """The name that a value is bound to on its line, for the message."""
    found = _NAME_BEFORE.search(data[max(line_start(data, start), start - 140) : start])
    return found[1].decode("utf-8", "replace") if found else ""


def bound(data: bytes, start: int) -> str:
    """The words for it: in which name, or nothing."""
    name = name_before(data, start)
    return f" in `{name}`" if name and shape_of(name) != "random" else ""


# ---------------------------------------------------------------- PRD101

_SIGNED_BY = b"X-Amz-Credential="

# Firebase's web configuration carries its key into every browser; restrictions on the key protect it, not secrecy.
_FRONT = ("google-services.json", ".plist", ".js", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".html", ".htm", ".mjs")


@check("PRD101", on=[text()], required_literals=formats.required_literals())
def provider_token(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    data = file.source.data
    done = 0
    for anchor, offset in file.hits:
        if offset < done:
            continue
        found = formats.match_at(data, anchor, offset)
        if found is None:
            continue
        row, start, end = found
        done = end
        if row.kind in ("test", "publishable"):
            continue
        token = data[start:end]
        if data.endswith(_SIGNED_BY, max(0, start - len(_SIGNED_BY)), start):
            continue  # who signed an address; its signature is told
        if is_cut_short(data, end) or is_data_of_tests(context.file) or is_for_browsers(row, name_before(data, start)):
            continue
        judged = _judge_token(row, token, bound(data, start), context)
        if judged is None:
            continue
        words, priority = judged
        # One whose checksum does not fit was made up, in a test as a rule, or had a letter changed.
        of_a_test = context.file.roles & CALM and (_OF_A_MOMENT.match(row.name) or (row.valid is not None and not row.valid(token)))
        only_with = "everywhere" if row.kind == "low" or of_a_test else ""
        example = _is_shown_as_example(data, start)
        if example == "field" and (row.valid is None or not row.valid(token)):
            continue
        if example:
            priority = "P2"
        yield Diagnostic(ByteRange(file.source, start, end), words, priority=priority, secret=True, only_with=only_with)


# Claims that expire, and a key's id without its secret half: among tests and pages they were made for the place where they stand.
_OF_A_MOMENT = re.compile(r"jwt\Z|aws(?:-session|-bearer|-context)?\Z")


@check("PRD101", on=[text()], required_literals=others.ANCHORS)
def token_known_to_others(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """Keys without a prefix, by the detectors of detect-secrets, where the settings ask for them."""
    if not context.options.get("detect-secrets"):
        return
    data = file.source.data
    done: set[tuple[bytes, int]] = set()
    for anchor, offset in file.hits:
        start = line_start(data, offset)
        end = data.find(b"\n", offset, offset + _SIDE)
        end = min(len(data), offset + _SIDE) if end == -1 else end
        if (anchor, start) in done or not others.worth_asking(data[start:end]):
            continue
        done.add((anchor, start))
        line = data[start:end].decode("utf-8", "replace")
        for found in others.near_word(anchor.decode(), line):
            first, last = (start + len(line[:index].encode()) for index in (found.start, found.end))
            if (
                shape_of(line[found.start : found.end]) == "random"
                and data[first:last].decode("utf-8", "replace") == line[found.start : found.end]
            ):
                yield Diagnostic(ByteRange(file.source, first, last), f"{found.title}{bound(data, first)}; revoke it", secret=True)


# What people put in the place of a token's rest: dots, stars, a bracket with dots, `<snip>`.
_ELISION = re.compile(
    rb"(?:\.\.|\xe2\x80\xa6|\\u2026|\*\*|&hellip;|[\[(<{](?:\.\.|\xe2\x80\xa6|\*\*|snip|cut|trunc|redact|rest|etc))", re.IGNORECASE
)


def is_cut_short(data: bytes, end: int) -> bool:
    """Whether a token's end is followed by dots, stars or their like: nobody can use what was cut short."""
    return _ELISION.match(data, end) is not None


# Variables that build tools write into what browsers get; Google's keys for maps are made for that.
_PUBLIC_NAME = re.compile(r"(?:NEXT_PUBLIC|NUXT_PUBLIC|EXPO_PUBLIC|VITE|REACT_APP|VUE_APP|GATSBY|PUBLIC|STORYBOOK)_")


def is_for_browsers(row: formats.Format, name: str) -> bool:
    """Whether a token is of the kind that pages carry, and its variable one that is written into pages."""
    return (row.kind == "low" or row.name == "google") and _PUBLIC_NAME.match(name) is not None


# Files that tests read: reports of other tools, saved pages, recorded answers of strangers' services.
_DATA_KINDS = frozenset(("json", "text", "sql", "lock"))


_KEY_FILES = (".pem", ".key", ".crt", ".p8", ".ppk", ".pub", ".tfstate")


# What people send requests to their own services with.
_KEPT_FOR_REQUESTS = (".postman_collection.json", ".postman_environment.json")


# Recorded answers and made-up entries: `tests/files/cassettes/login.yaml`. Other YAML of tests may be what a CI system or compose is given.
_FED_TO_TESTS = re.compile(r"(?i)(?:^|/)(?:\w*cassettes|files|fixtures|testdata|test_data|data|samples|snapshots|recordings)/")


# What scanners for secrets are told to pass over: each entry is known, and has its place elsewhere if it is one.
_SCANNERS_LISTS = frozenset(
    (".gitleaks.toml", "gitleaks.toml", ".gitleaksignore", ".secrets.baseline", ".talismanrc", ".gitguardian.yaml", ".gitguardian.yml")
)


# Questions and pages that a model or an engine is measured with: others collected them.
_DATA_SETS = (".csv", ".tsv", ".jsonl")
_MEASURED_WITH = re.compile(r"(?i)(?:^|/)(?:evals?|evaluations?|benchmarks?|datasets?)/")


def is_data_of_tests(file: File) -> bool:
    """Whether a file is data that tests are fed with, or lists what a scanner has found and passes over: what stands in it belongs to
    somebody else, or to nobody."""
    if file.name in _SCANNERS_LISTS or (file.name.endswith(_DATA_SETS) and _MEASURED_WITH.search(file.path) is not None):
        return True
    if "test" not in file.roles or "." not in file.name or file.name.endswith((*_KEY_FILES, *_KEPT_FOR_REQUESTS)):
        return False
    return file.kind in _DATA_KINDS or (file.kind == "yaml" and _FED_TO_TESTS.search(file.path) is not None)


_DOCUMENTATION = re.compile(r"(?:^|/)docs?/|(?:^|/)documentation/", re.IGNORECASE)


def is_of_documentation(file: File) -> bool:
    """Whether a file is a page of the documentation, where a value bound to a secret's name shows how one looks. Notes elsewhere hold real ones."""
    return "docs" in file.roles and _DOCUMENTATION.search(file.path) is not None


# `examples=[`, `"example": `, `@example`: fields of an API's description, which hold made-up values.
_EXAMPLE_FIELD = re.compile(rb"(?:@example|\bexamples?[\"']?(?:[\s\\]|#[^\n]{0,80}\n){0,12}[:=])(?:[\s\[\"'({\\]|#[^\n]{0,80}\n){0,80}\Z")


def _is_shown_as_example(data: bytes, start: int) -> str:
    """How a value is called an example: "field" of an API's description, "remark" on its line, or not at all."""
    if _EXAMPLE_FIELD.search(data, max(0, start - 120), start):
        return "field"
    return "remark" if b"example" in line_of(data, start).lower() else ""


def _judge_token(row: formats.Format, token: bytes, where: str, context: CheckContext) -> tuple[str, Priority | None] | None:
    """The message and, where it differs, the priority; None for a token that is meant to be seen."""
    if row.name == "jwt":
        judged = _judge_jwt(token, where)
        # An expired one in a documentation shows what an answer looks like.
        return None if judged is not None and "expired" in judged[0] and "docs" in context.file.roles else judged
    if row.valid is not None and not row.valid(token):
        return f"Looks like a {row.title}{where}, but its checksum does not fit", "P2"
    if row.kind == "low" or (row.name == "google" and context.file.path.endswith(_FRONT)):
        return f"{row.title}{where}: good for {row.opens}", "P2"
    if not row.exact:
        words = f"Looks like a {row.title}{where} of another length: good for {row.opens}; revoke it at {row.revoke}"
        return words, "P2" if len(token) < len(formats.sample_token(row.name)) else None
    return f"{row.title}{where}: good for {row.opens}; revoke it at {row.revoke}", None


def _judge_jwt(token: bytes, where: str) -> tuple[str, Priority | None] | None:
    if "alg" not in formats.jwt_part(token, 0):
        return None
    claims = formats.jwt_part(token, 1)
    if not claims or is_sample_jwt(token):
        return None
    if claims.get("role") == "service_role":
        return f"Supabase service key{where}: good for all rows, row-level security included; rotate it", None
    expires = claims.get("exp")
    if isinstance(expires, (int, float)):
        import time

        if expires < time.time():
            return f"JSON Web Token{where}: it has expired, its claims can still be read", "P2"
    return f"JSON Web Token{where}: good for what its claims say, until it expires", None


def is_sample_jwt(token: bytes) -> bool:
    """The token of jwt.io, and Supabase's keys for everybody."""
    if b".eyJzdWIiOiIxMjM0NTY3ODkwI" in token:
        return True
    claims = formats.jwt_part(token, 1)
    # Each local Supabase has the same keys, issued by its demonstration.
    public = claims.get("role") == "anon" or claims.get("iss") == "supabase-demo"
    return public or claims.get("sub") == "1234567890" or claims.get("name") == "John Doe"


# ---------------------------------------------------------------- PRD102

_PEM = re.compile(rb"-----BEGIN (?:(RSA|DSA|EC|OPENSSH|ENCRYPTED|PGP|ANY|SSH2 ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(rb"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_PEM_GAP = re.compile(rb"(?:\s|\\[nr]|\\u000[aAdD]|[\"'`,+>|#*()]|(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash):[^\n\\]{0,120})+")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/=]{1,200}")
_SHORTEST_KEY = 60
_GOOGLES = "Google service account key"
# The first field of the file that Google hands out for a service account.
_HEAD = 400
_PUTTY = re.compile(rb"PuTTY-User-Key-File-[23]:[^\n]{1,120}\n")
_JWK_PRIVATE = re.compile(rb"\\?[\"']d\\?[\"']\s{0,8}:\s{0,8}\\?[\"']([A-Za-z0-9_\-]{32,1400})\\?[\"']")
_JWK_SHARED = re.compile(rb"\\?[\"']k\\?[\"']\s{0,8}:\s{0,8}\\?[\"']([A-Za-z0-9_\-]{22,1400})\\?[\"']")


@check(
    "PRD102",
    on=[text()],
    required_literals=["private key-----", "private key block-----", "putty-user-key-file-", '"kty"', "'kty'", '\\"kty\\"'],
)
def private_key_material(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    data = file.source.data
    done = 0
    # A key of its own in a file of the tests was made for them; Google makes its accounts' keys.
    tests_only = is_data_of_tests(file.file) or ("test" in file.file.roles and file.file.kind != "python")
    if tests_only and b'"service_account"' not in data[:_HEAD]:
        return
    # In the code of tests and on pages stand keys that were made for them; those that Google makes for accounts are in use.
    shown = bool(file.file.roles & {"test", "docs"})
    for anchor, offset in file.hits:
        if offset < done:
            continue
        found = _key_at(data, anchor, offset)
        if found is None or found[0] < done:
            continue
        start, end, title = found
        done = end
        # What a server of a sample or of one machine shows with a certificate of its own.
        mild: Priority | None = "P2" if _OF_CERTIFICATES.search(f"/{context.file.path}") else None
        yield Diagnostic(
            ByteRange(file.source, start, end),
            f"{title}{bound(data, start)}: replace the key pair, then load the key at run time",
            priority=mild,
            secret=True,
            only_with="everywhere" if shown and title != _GOOGLES else "",
        )


_OF_CERTIFICATES = re.compile(r"(?i)/(?:certs?|certificates?|ssl|tls|pki)/")


def _key_at(data: bytes, anchor: bytes, offset: int) -> tuple[int, int, str] | None:
    """Start, end and kind of the key that an anchor belongs to."""
    if anchor.startswith(b"private key"):
        return _pem_at(data, offset)
    if anchor.startswith(b"putty"):
        head = _PUTTY.match(data, offset)
        lines = data.find(b"Private-Lines:", offset, offset + 8000)
        if head is None or lines == -1:
            return None
        end = data.find(b"\n", lines)
        while end != -1 and _BASE64_RUN.match(data, end + 1):
            following = data.find(b"\n", end + 1)
            end = len(data) if following == -1 else following
            if following == -1:
                break
        return offset, len(data) if end == -1 else end, "PuTTY private key"
    return _jwk_at(data, offset)


def key_in(data: bytes) -> str:
    """What a text that is in no file as it stands holds as a private key, or nothing."""
    place = data.find(b"PRIVATE KEY-----")
    found = _pem_at(data, place) if place != -1 else None
    return found[2] if found is not None else ""


def _pem_at(data: bytes, offset: int) -> tuple[int, int, str] | None:
    begin = data.rfind(b"-----BEGIN", max(0, offset - 32), offset)
    head = _PEM.match(data, begin) if begin != -1 else None
    if head is None:
        return None
    closing = _PEM_END.search(data, head.end(), head.end() + 16000)
    limit = closing.start() if closing else min(len(data), head.end() + 4000)
    position, body = head.end(), bytearray()
    last = position
    while position < limit:
        gap = _PEM_GAP.match(data, position, limit)
        if gap is not None:
            position = gap.end()
        run = _BASE64_RUN.match(data, position, limit)
        if run is None:
            break
        if data[position - 1 : position] == b"\\" and run[0][:1] in (b"n", b"r"):
            position += 1
            continue
        body += run[0]
        position = last = run.end()
    if len(body) < _SHORTEST_KEY or len(set(body[:400])) < 12 or formats.is_dummy(bytes(body[30:130])):
        return None
    if position < limit and data[position : position + 3] in (b"...", b"\xe2\x80\xa6"):
        return None  # how a key begins and ends, in a form
    kind = (head[1] or b"").decode()
    near = data[max(0, begin - 1500) : (closing.end() if closing else last) + 600]
    title = _GOOGLES if b"client_email" in near else f"{kind + ' ' if kind else ''}private key"
    return begin, closing.end() if closing else last, title[0].upper() + title[1:]


def _jwk_at(data: bytes, offset: int) -> tuple[int, int, str] | None:
    low = data.rfind(b"{", max(0, offset - 3000), offset)
    high = data.find(b"}", offset, offset + 3000)
    if low == -1 or high == -1:
        return None
    shared = b"oct" in data[offset : offset + 24]
    found = (_JWK_SHARED if shared else _JWK_PRIVATE).search(data, low, high)
    if found is None or formats.is_dummy(found[1]):
        return None
    return found.start(1), found.end(1), "Secret JSON Web Key" if shared else "Private JSON Web Key"


# ---------------------------------------------------------------- PRD103

# Behind "://": a user, a colon, a password, an at sign, a host. Never a password that a template fills in; a user may be filled in.
_FILLED_IN = rb"\$?\{[^\s\"'`{}]{1,60}\}|%s|\$\w{1,60}"
_USERINFO = re.compile(
    rb"("
    + _FILLED_IN
    + rb"|(?:[^\s:/?#@\"'`<>{}\[\]()|\\^,;$*%=&]|%[0-9A-Fa-f]{2}){0,100}):((?:[^\s/?#@\"'`<>{}\[\]|\\,]|%[0-9A-Fa-f]{2}){1,256})@([A-Za-z0-9_\-.\[${<%][^\s/\"'`?#,]{0,120})"
)
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]{0,30})\Z")
_SAMPLE_HOSTS = re.compile(
    rb"(?i)(?:[\w\-]+\.)*(?:example\.(?:com|org|net)|example|domain\.com|your[\w\-.]*|my-?\w{0,12}(?:host|server|domain)[\w\-.]*|hostname|host|server|some[\w\-.]*|foo[\w.]*|bar[\w.]*)(?::\S*)?\Z"
)
_SAMPLE_USERS = frozenset(
    b"user username usr user1 login me name foo bob alice john your_user your-username youruser myuser my_user someuser uname u test".split()
)


_ON_THIS_MACHINE = re.compile(rb"@(?:localhost|127\.0\.0\.1)(?=[:/?\s\"']|$)")
# `@postgres/`, `@localhost:5432`: a host that only the containers beside it can reach.
_BESIDE = re.compile(rb"@(?:localhost|127\.0\.0\.1|[a-z][a-z0-9_-]*)(?=[:/?\s\"']|$)")


@check("PRD103", on=[text()], required_literals=[("://", "@")])
def credentials_in_url(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    data = file.source.data
    if is_data_of_tests(context.file):
        return
    for anchor, offset in file.hits:
        if anchor != b"://":
            continue
        found = url_credentials(data, offset)
        if found is None or (context.file.roles & {"ci", "test"} and _BESIDE.match(data, found[2])):
            continue
        scheme, start, end, verdict = found
        if verdict != "random" and (context.file.roles & _CALM or _CATALOGUE.search(f"/{context.file.path}")):
            continue
        if _ON_THIS_MACHINE.match(data, end) and "docs" in context.file.roles:
            continue
        if verdict in ("default", "words") and context.file.name == "alembic.ini" and not context.options.get("alembic"):
            continue  # what `env.py` puts the service's own address in the place of
        if verdict == "default" and _is_said_beside(context.file, data, offset, data[start:end]):
            continue
        if verdict in ("default", "words") and (is_remark(data, offset) or scheme.lower().partition("+")[0] not in _SCHEMES):
            continue
        if _ON_THIS_MACHINE.match(data, end) and is_remark(data, offset):
            continue  # said for example: nobody else can reach it
        priority: Priority | None = "P1" if verdict == "default" else None
        on_this_machine = verdict in ("default", "words") and _ON_THIS_MACHINE.match(data, end) is not None
        if on_this_machine:
            priority = "P2"  # what a developer starts
        words = "Published default password" if verdict == "default" else "Password"
        yield Diagnostic(
            ByteRange(file.source, start, end),
            f"{words} in a `{scheme}://` URL{bound(data, offset - len(scheme))}",
            priority=priority,
            secret=True,
            only_with="everywhere" if on_this_machine else "",
            fix=_asked_for(scheme, data, data[start:end]) if "compose" in context.file.name and context.file.kind == "yaml" else None,
        )


_BUILD_ARGUMENT = re.compile(rb"[ \t]*ARG[ \t]", re.IGNORECASE)
_PASSWORD_BESIDE = re.compile(rb"(?m)PASSWORD[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?([^\s\"'$]{1,200})[\"']?[ \t\r]*(?:#[^\n]*)?$")


def _is_said_beside(file: File, data: bytes, offset: int, password: bytes) -> bool:
    """Whether a default password in a URL is the one that the datastore of the same compose file is given, where the finding stands, or is the
    default of an image's build argument: the build is over when the service starts."""
    if file.kind == "dockerfile":
        return _BUILD_ARGUMENT.match(data, line_start(data, offset)) is not None
    return file.kind == "yaml" and "compose" in file.name and password in _written_passwords(data)


@lru_cache(maxsize=1)
def _written_passwords(data: bytes) -> frozenset[bytes]:
    """The passwords that a compose file writes out: `POSTGRES_PASSWORD: shop`."""
    return frozenset(found[1] for found in _PASSWORD_BESIDE.finditer(data))


def _asked_for(scheme: str, data: bytes, password: bytes) -> FixRequest:
    """Compose fills the password in, and starts nothing without it. Where the datastore beside it takes this password from a variable,
    that is the one."""
    variable = _password_variables(data).get(password, "")
    if not variable:
        name = re.sub(r"\W", "_", scheme.partition("+")[0].rstrip("s") if scheme in ("rediss", "amqps") else scheme.partition("+")[0])
        variable = f"{name.upper().replace('POSTGRESQL', 'POSTGRES')}_PASSWORD"
    return FixRequest("require-variable", f"Require `{variable}` from the environment", False, (("name", variable),))


_PASSWORD_VARIABLE = re.compile(rb"PASSWORD[\w.]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?\$\{(\w{1,80}):?-([^}\s\"']{1,200})\}")


@lru_cache(maxsize=1)
def _password_variables(data: bytes) -> dict[bytes, str]:
    """By password, the variable that it is the default of (`POSTGRES_PASSWORD: ${SHOP_DB_PASSWORD:-shop}`)."""
    return {found[2]: found[1].decode() for found in _PASSWORD_VARIABLE.finditer(data)}


_SAID_FOR_EXAMPLE = re.compile(rb"\b(?:e\.g|i\.e)\.|\b[Ee]x[:.]|\b(?:help|help_text|description|placeholder)[\"']?\s{0,2}[=:]")


def is_remark(data: bytes, offset: int) -> bool:
    """Whether an offset lies in a comment, a docstring or a line that says "example"."""
    line = line_of(data, offset).lstrip()
    if line.startswith((b"#", b"//", b"*", b"--")) or b"example" in line.lower() or _SAID_FOR_EXAMPLE.search(line):
        return True
    return any(bisect_right(ends, offset) % 2 == 1 for ends in _triple_quotes(data))


@lru_cache(maxsize=1)
def _triple_quotes(data: bytes) -> tuple[list[int], ...]:
    """Where the triple quotes of each sort end, in order: a file can hold ten thousand URLs."""
    return tuple([found.end() for found in re.finditer(quotes, data)] for quotes in (rb'"""', rb"'''"))


# What a word that could be anything is a password for; what a machine made is one behind any scheme.
_SCHEMES = frozenset(
    "http https ftp ftps sftp ssh git svn ws wss socks4 socks5 socks5h smtp smtps imap imaps pop3 ldap ldaps postgres postgresql psql pgsql pg mysql "
    "mariadb redis rediss valkey valkeys amqp amqps pyamqp mongodb mssql sqlserver oracle clickhouse cockroachdb redshift snowflake trino presto "
    "hive db2 nats tls kafka mqtt mqtts stomp elasticsearch opensearch couchdb couchbase neo4j bolt influxdb cassandra memcached timescaledb".split()
)
# Translations of help texts.
_CATALOGUE = re.compile(r"/(?:translations|locales?|i18n|lang|languages|LC_MESSAGES)/")


# Where people write the passwords of what runs on their own machine, or of nothing at all.
_CALM = frozenset(("test", "example", "docs", "dev", "ci", "script", "notebook", "generated"))


def url_credentials(data: bytes, offset: int) -> tuple[str, int, int, str] | None:
    """Scheme, place of the password, and "random", "secret", "words" or "default", for the "://" at an offset; None where no password stands."""
    found = _USERINFO.match(data, offset + 3)
    if found is None:
        return None
    scheme = scheme_before(data, offset)
    if not scheme:
        return None
    user, password, host = found[1], found[2], found[3]
    verdict = _judge_userinfo(user, password, host)
    # With a user that is filled in, a word may be a form that the host prescribes (`{token}:x-oauth-basic@`).
    if not verdict or (verdict in ("default", "words") and user[:1] in (b"{", b"$", b"%")):
        return None
    return scheme, found.start(2), found.end(2), verdict


def scheme_before(data: bytes, offset: int) -> str:
    """The scheme in front of the "://" at an offset, or nothing."""
    found = _SCHEME.search(data, max(0, offset - 31), offset)
    return found[1].decode() if found is not None else ""


def is_sample_host(host: bytes) -> bool:
    """Whether a host is one of documentation: `example.com`, `your-host`."""
    return _SAMPLE_HOSTS.match(host) is not None


def _judge_userinfo(user: bytes, password: bytes, host: bytes) -> str:
    value = decoded_userinfo(password)
    name = host.split(b":")[0].lower()
    if password[:1] in b"$&(" or value.isdigit() and len(value) <= 5:
        return ""
    shape = shape_of(value)
    if shape in ("empty", "masked", "template", "prose"):
        return ""
    sample = is_sample_host(host)
    local = b"." not in name or name in (b"127.0.0.1", b"0.0.0.0", b"host.docker.internal")
    if shape != "random" and (sample or user.lower() in _SAMPLE_USERS and (local or shape not in ("weak", "digits"))):
        return ""
    if shape in ("placeholder", "reference"):
        return ""
    if shape == "default" or password.lower() == user.lower():
        return "default"
    if shape == "words":
        if any(word in value.lower() for word in ("password", "passwd", "secret", "token", "key")):
            return ""
        return "default" if local else "words"
    if shape in GENERATED:
        return "random"
    return "secret"


def decoded_userinfo(password: bytes) -> str:
    """A part of a URL without its percent signs."""
    if b"%" not in password:
        return password.decode("utf-8", "replace")
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(password).decode("utf-8", "replace")
