"""Secrets inside longer texts: connection strings of `key=value` pairs (PRD104, PRD110, PRD111), queries of URLs, tokens in
the place of a URL's user, and URLs that are put together from literals (PRD103)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote_plus

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, every, text
from prodlint.checks.secrets import formats
from prodlint.checks.secrets.calm import CALM, is_password_in_use
from prodlint.facts import Assignment, Call, Collection, Constant, Dictionary, Expression, FString, Literal, Module, Name, Operation, Text
from prodlint.model import Priority
from prodlint.values.expressions import follow
from prodlint.values.secret_names import secret_name
from prodlint.values.secret_values import GENERATED, is_secret, shape_of

# ---------------------------------------------------------------- connection strings

# `Password=`, `PWD=` of ODBC and ADO.NET, `password=` of libpq and of a JAAS module.
_PASSWORD_FIELD = re.compile(r"(?i)(?:^|[;\s,(])(?:password|pwd)\s{0,3}=\s{0,3}(?:\\?[\"']|\{)?([^;\s'\"\\{}&]{4,200})")
# `shop.redis.cache.windows.net:6380,password=...,ssl=True`
_OF_REDIS = re.compile(r"(?i)^[\w.\-]{1,120}:\d{2,5},(?:[^,\s]{1,80},){0,4}password=([^,\s]{4,200})")
# A second field, which tells a connection string from prose and from a command line.
_OTHER_FIELD = re.compile(
    r"(?i)(?:^|[;\s,(])(?:server|data source|host|hostname|hostaddr|addr|address|driver|dsn|uid|user id|user|username|initial catalog|database|dbname)\s{0,3}="
    r"|LoginModule\s"
)


_NEXT_FIELD = re.compile(r"[A-Za-z_]+=")
# `password = os.environ.get(`: a program within a string.
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]{0,80}[(\[]")


def connection_secret(value: str) -> tuple[int, int] | None:
    """Where the password of a connection string stands in it, if it is one that works."""
    if "=" not in value:
        return None
    cached = _OF_REDIS.search(value[:4000])
    if cached is not None:
        return cached.span(1) if is_secret(cached[1], "password") else None
    found = _PASSWORD_FIELD.search(value[:4000])
    if found is None or _OTHER_FIELD.search(value[:4000]) is None or not is_secret(found[1], "password"):
        return None
    if _NEXT_FIELD.match(found[1]) or _EXPRESSION.match(found[1]):
        return None  # nothing stands behind `password=`: the next field does; or what it is comes from elsewhere
    return found.span(1)


def place_in(at: Expression | Literal, value: str, start: int, end: int) -> ByteRange:
    """The bytes of a part of a literal's text; the whole literal where escapes hide the part."""
    part = value[start:end].encode()
    found = at.source.data.find(part, at.start, at.end)
    return ByteRange(at.source, found, found + len(part)) if found != -1 else ByteRange(at.source, at.start, at.end)


@check(
    "PRD104",
    on=[every(Literal)],
    required_literals=["password=", "pwd=", "password =", "pwd ="],
    files=("python", "notebook"),
    random_in=CALM,
)
def password_in_connection_string(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    if literal.role == "docstring":
        return
    found = connection_secret(literal.value)
    if found is None or (context.file.roles & CALM and shape_of(literal.value[slice(*found)]) != "random"):
        return
    yield Diagnostic(place_in(literal, literal.value, *found), "Password written into a connection string", secret=True)


# ---------------------------------------------------------------- queries of URLs

_QUERY_LITERALS = ("token=", "key=", "secret=", "password=", "passwd=", "pwd=", "sig=", "signature=", "appid=", "auth=")
_PARAMETER = re.compile(rb"(?:[?&;]|&amp;)([\w.\-]{1,60})\Z")
_QUERY_VALUE = re.compile(rb"[^&\s\"'`<>\\#)\]},;|]{8,600}")
_URL_BEFORE = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]{0,30})://([^\s\"'`<>]{1,600})\Z")
_SIGNATURES = frozenset(("sig", "signature", "x-amz-signature", "x-goog-signature", "x-oss-signature"))
_KEY_PARAMETERS = frozenset(
    "key api_key apikey api-key access_key accesskey appid app_key appkey subscription-key auth auth_key authkey".split()
)
# A shared document's `key` is its number. A badge's token lets its picture be drawn; it stands in every README.
_BADGE = re.compile(rb"docs\.google\.com/|badge|\.svg|shields\.io|codecov\.io|coveralls\.io|star-history|//img\.|/img/|\.png")


@check("PRD103", on=[text()], required_literals=[("://", literal) for literal in _QUERY_LITERALS])
def secret_in_query(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`https://api.host/hook?token=...`: addresses are logged by all they pass through."""
    data = file.source.data
    for literal, offset in file.hits:
        if literal == b"://":
            continue
        equals = offset + len(literal) - 1
        named = _PARAMETER.search(data, max(0, equals - 70), equals)
        value = _QUERY_VALUE.match(data, equals + 1)
        if named is None or value is None:
            continue
        before = _URL_BEFORE.search(data, max(0, named.start() - 640), named.start())
        if before is None or _BADGE.search(before[2]):
            continue
        name = named[1].decode()
        judged = _judge_query(name, value[0], before[2], context)
        if judged is not None:
            words, priority = judged
            rest = _URL_AFTER.match(data, value.end())
            of_a_map = _TILE.search(before[2]) or (rest is not None and _TILE.search(rest[0]))
            only_with = "everywhere" if of_a_map else ""
            yield Diagnostic(ByteRange(file.source, *value.span()), words, priority=priority, secret=True, only_with=only_with)


# Addresses of map tiles, `{z}/{x}/{y}`, are asked for by browsers, each with the key in it.
_TILE = re.compile(rb"\{(?:-?[xyzs]|zoom|bbox[\w-]*|fontstack|quadkey|proj|switch:[\w,]+)\}")
_URL_AFTER = re.compile(rb"[^\s\"'<>`\\]{0,640}")
_PUBLISHABLE = (b"pk_", b"pk.", b"pub", b"phc_")


def _judge_query(name: str, value: bytes, address: bytes, context: CheckContext) -> tuple[str, Priority | None] | None:
    from prodlint.checks.secrets.python import is_meant_to_be_seen
    from prodlint.checks.secrets.tokens import decoded_userinfo, is_data_of_tests, is_sample_host

    shown = decoded_userinfo(value)
    lowered = name.lower()
    host = re.split(rb"[/:@?]", address.rpartition(b"@")[2], maxsplit=1)[0]
    if host in (b"localhost", b"127.0.0.1", b"0.0.0.0") and "docs" in context.file.roles:
        return None  # how an answer of the service looks
    if is_sample_host(host) or formats.is_dummy(value) or is_data_of_tests(context.file):
        return None
    if any(sign in value for sign in (b"{", b"$", b"%(")) or value.startswith(_PUBLISHABLE):
        return None  # filled in later; made to be sent by browsers
    shape = shape_of(shown)
    if "docs" in context.file.roles and lowered in _KEY_PARAMETERS:
        return None  # an address of a page as often as not
    if "test" in context.file.roles:
        return None  # made up, or somebody else's and long expired
    if lowered in _SIGNATURES:
        return (
            ("Signed URL: whoever has it can do what it names, until it expires", "P2") if shape == "random" and len(shown) >= 20 else None
        )
    if is_meant_to_be_seen(shown):
        return None
    if lowered in _KEY_PARAMETERS:
        works = shape in GENERATED and len(shown) >= (20 if lowered in ("key", "auth") else 16)
    else:
        named = secret_name(name)
        works = (
            named is not None and named.certain and is_secret(shown, named.kind) and (shape in GENERATED or not context.file.roles & CALM)
        )
    return (f"`{name}` is written into the query of a URL: addresses are logged wherever they pass", "P1") if works else None


# `?sv=2022-11-02&ss=b&...&sig=...`: what is put behind the address of a storage account.
_SAS = re.compile(rb"[\"'=?\s](?:\??(?:s[veprs]|st|srt|spr)=[^\s\"'`<>&]{1,60}&(?:amp;)?){3,12}sig=\Z")


@check("PRD103", on=[text()], required_literals=[("sv=", "sig=")])
def shared_access_signature(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import decoded_userinfo, is_data_of_tests

    data = file.source.data
    if is_data_of_tests(context.file) or "test" in context.file.roles:
        return
    for literal, offset in file.hits:
        end = offset + len(b"sig=")
        value = _QUERY_VALUE.match(data, end) if literal == b"sig=" else None
        if value is None or _SAS.search(data, max(0, end - 640), end) is None or formats.is_dummy(value[0]):
            continue
        if shape_of(decoded_userinfo(value[0])) == "random":
            words = "Shared access signature: whoever has it can do what it names, until it expires"
            yield Diagnostic(ByteRange(file.source, *value.span()), words, priority="P2", secret=True)


# ---------------------------------------------------------------- Oracle's own form

_THIN = re.compile(rb"jdbc:oracle:(?:thin|oci8?):([\w$#.\-]{1,60})/([^\s@/\"'{}$<>]{4,200})@")


@check("PRD103", on=[text()], required_literals=["jdbc:oracle:"])
def login_of_oracle(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`jdbc:oracle:thin:user/password@host:1521:service`."""
    for _literal, offset in file.hits:
        found = _THIN.match(file.source.data, offset)
        if found is None:
            continue
        value = found[2].decode("utf-8", "replace")
        if is_password_in_use(value, context.file):
            yield Diagnostic(ByteRange(file.source, *found.span(2)), "Password in a `jdbc:oracle` URL", secret=True)


_ORACLE = re.compile(r"[\w$#.\-]{1,60}/([^\s@/\"'{}$<>]{4,200})@[\w.\-]")


@check(
    "PRD103",
    on=[calls("cx_Oracle.connect", "cx_Oracle.Connection", "oracledb.connect", "oracledb.connect_async")],
    files=("python", "notebook"),
    random_in=CALM,
)
def login_given_to_oracle(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`cx_Oracle.connect("user/password@host/service")`."""
    given = call.argument(0, "dsn")
    known = call.module.follow(given, call) if given is not None else None
    if not isinstance(known, Constant) or not isinstance(known.value, str):
        return
    found = _ORACLE.match(known.value)
    if found is not None and is_password_in_use(found[1], context.file):
        yield Diagnostic(place_in(known, known.value, *found.span(1)), f"Password written into the call of `{call.name}`", secret=True)


_ENCODED = re.compile(rb"[^\s\"'`<>&]{1,2000}")
_ENCODED_FIELD = re.compile(rb"(?i)(?:pwd|password)(?:%3d|=)((?:%(?!3b)[0-9a-f]{2}|[^%;&\s\"'`<>])+)")


@check("PRD103", on=[text()], required_literals=["odbc_connect="])
def password_in_encoded_string(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`mssql+pyodbc:///?odbc_connect=...%3BPWD%3D...`: a connection string of ODBC, escaped for a URL."""
    for _literal, offset in file.hits:
        start = offset + len(b"odbc_connect=")
        whole = _ENCODED.match(file.source.data, start)
        if whole is None or b"%3" not in whole[0]:
            continue
        shown = unquote_plus(whole[0].decode("utf-8", "replace"))
        place = _ENCODED_FIELD.search(file.source.data, *whole.span())
        secret = connection_secret(shown)
        if place is not None and secret is not None and is_password_in_use(shown[slice(*secret)], context.file):
            yield Diagnostic(ByteRange(file.source, *place.span(1)), "Password written into a connection string", secret=True)


# ---------------------------------------------------------------- a token in the place of the user

_TOKEN_USER = re.compile(rb"([A-Za-z0-9_.~\-]{20,255})@([A-Za-z0-9][A-Za-z0-9.\-]{0,120})(/?[^\s\"'`<>]{0,40})")
# The public key of a Sentry DSN: `https://<key>@<host>/<number of the project>`.
_DSN_PATH = re.compile(rb"(?::\d+)?(?:/[\w\-]+)?/\d{1,20}(?![\w.])")


@check("PRD103", on=[text()], required_literals=[("://", "@")])
def token_as_user(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`https://<token>@git.host/team/repository.git`."""
    from prodlint.checks.secrets.tokens import bound, is_data_of_tests, is_sample_host, scheme_before

    data = file.source.data
    if is_data_of_tests(context.file):
        return
    for literal, offset in file.hits:
        found = _TOKEN_USER.match(data, offset + 3) if literal == b"://" else None
        if found is None or is_sample_host(found[2]) or formats.is_dummy(found[1]) or shape_of(found[1].decode()) != "random":
            continue
        if re.fullmatch(rb"[0-9a-f]{32}", found[1]) and _DSN_PATH.match(found[3]):
            continue
        scheme = scheme_before(data, offset)
        if scheme:
            words = f"Token in the place of the user of a `{scheme}://` URL{bound(data, offset - len(scheme))}"
            yield Diagnostic(ByteRange(file.source, *found.span(1)), words, secret=True)


# ---------------------------------------------------------------- URLs put together


@check("PRD103", on=[every(Assignment)], required_literals=["://"], files=("python", "notebook"), random_in=CALM)
def password_in_joined_url(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`"postgresql://svc:" + "..." + "@db/x"`, and the same by `%` and `.format`."""
    yield from _joined_secret(_pieces(fact.value), fact.module, context)


_OPENERS = (
    "*.create_engine",
    "*.create_async_engine",
    "create_engine",
    "create_async_engine",
    "*.from_url",
    "*.connect",
    "*.MongoClient",
    "MongoClient",
)


@check("PRD103", on=[calls(*_OPENERS)], required_literals=["://"], files=("python", "notebook"), random_in=CALM)
def password_in_joined_argument(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    for given in call.arguments[:2]:
        yield from _joined_secret(_pieces(given), call.module, context)


def _joined_secret(pieces: list[tuple[str, Expression]], module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import url_credentials

    pieces = [_known(piece, at, module) for piece, at in pieces]
    whole = "".join(piece for piece, _ in pieces).encode()
    if len(pieces) < 2 or b"://" not in whole:
        return
    found = url_credentials(whole, whole.find(b"://"))
    if found is None or found[3] in ("default", "words") or (context.file.roles & CALM and found[3] != "random"):
        return
    position = 0
    for piece, at in pieces:
        size = len(piece.encode())
        if position <= found[1] < position + size and isinstance(at, Constant):
            part = whole[found[1] : min(found[2], position + size)].decode("utf-8", "replace")
            yield Diagnostic(place_in(at, part, 0, len(part)), f"Password in a `{found[0]}://` URL", secret=True)
            return
        position += size


def _known(piece: str, at: Expression, module: Module) -> tuple[str, Expression]:
    """A piece of a text, and where it stands: of a name that is bound once, the literal. What a secret's name is bound to is PRD104's."""
    if piece == _UNKNOWN and isinstance(at, Name) and secret_name(at.source_text.rpartition(".")[2]) is None:
        value = follow(module, at, at)
        if isinstance(value, Constant) and isinstance(value.value, str):
            return value.value, value
    return piece, at


# What is not known stands in the text as something a template fills in.
_UNKNOWN = "${x}"


def _pieces(expression: Expression) -> list[tuple[str, Expression]]:
    """The texts that an expression joins, with the literals they come from; none where it joins nothing."""
    if isinstance(expression, Operation) and expression.operator == "+":
        return [piece for operand in expression.operands for piece in (_pieces(operand) or [(_text_of(operand), operand)])]
    if isinstance(expression, Operation) and expression.operator == "%" and len(expression.operands) == 2:
        template, given = expression.operands
        if isinstance(given, Dictionary):
            named = {str(key.value): value for key, value in given.items if isinstance(key, Constant)}
            return _filled_by_name(_text_of(template), template, named, r"%\((\w{1,80})\)[sr]")
        return _filled(_text_of(template), template, list(given.items) if isinstance(given, Collection) else [given], r"%[sr]")
    if isinstance(expression, Call) and expression.method == "format" and expression.receiver is not None:
        template = expression.receiver
        if expression.keywords and not expression.arguments:
            return _filled_by_name(_text_of(template), template, expression.keywords, r"\{(\w{1,80})\}")
        return _filled(_text_of(template), template, list(expression.arguments), r"\{\d{0,2}\}")
    if isinstance(expression, Call) and expression.method == "join" and expression.receiver is not None and len(expression.arguments) == 1:
        listed = expression.arguments[0]
        if _text_of(expression.receiver) == "" and isinstance(listed, Collection):
            return [(_text_of(item), item) for item in listed.items]
    if isinstance(expression, FString) and any(isinstance(item, Constant) for item in expression.items):
        return [(_text_of(item), item) for item in expression.items]
    return []


def _text_of(expression: Expression) -> str:
    return expression.value if isinstance(expression, Constant) and isinstance(expression.value, str) else _UNKNOWN


def _filled_by_name(template: str, at: Expression, given: Mapping[str, Expression], slot: str) -> list[tuple[str, Expression]]:
    """The same where the places have names: `{user}`, `%(user)s`."""
    pieces: list[tuple[str, Expression]] = []
    for number, part in enumerate(re.split(slot, template)):
        if number % 2 == 0:
            pieces.append((part, at))
        else:
            value = given.get(part, at)
            pieces.append((_text_of(value) if value is not at else _UNKNOWN, value))
    return pieces


def _filled(template: str, at: Expression, given: Sequence[Expression], slot: str) -> list[tuple[str, Expression]]:
    pieces: list[tuple[str, Expression]] = []
    fixed = re.split(slot, template)
    for number, part in enumerate(fixed):
        pieces.append((part, at))
        if number < len(fixed) - 1:
            value = given[number] if number < len(given) else at
            pieces.append((_text_of(value) if value is not at else _UNKNOWN, value))
    return pieces


# ---------------------------------------------------------------- SQL in a program

# PostgreSQL, MySQL, Oracle and SQL Server name a user's password so.
IN_SQL = re.compile(
    rb"(?i)\b(?:PASSWORD\s{0,4}=?\s{0,4}|IDENTIFIED\s{1,4}(?:WITH\s{1,4}[\w'\"]{1,60}\s{1,4})?(?:BY|AS)\s{1,4}(?:PASSWORD\s{1,4})?)N?(['\"])([^'\"\s]{4,200})\1"
)
USER_STATEMENT = re.compile(rb"(?i)\b(?:CREATE|ALTER|SET|GRANT)\b[^;]{0,300}\Z")


def password_of_statement(statement: str) -> tuple[int, int] | None:
    """Where the password of a database's user stands in a statement that makes or changes one."""
    data = statement[:4000].encode("latin-1", "replace")
    found = IN_SQL.search(data)
    if found is None or USER_STATEMENT.search(data, 0, found.start()) is None:
        return None
    return found.span(2)


@check(
    "PRD104",
    on=[every(Literal)],
    required_literals=[
        "identified by",
        ("password", "create role"),
        ("password", "create user"),
        ("password", "alter user"),
        ("password", "alter role"),
    ],
    files=("python", "notebook"),
    random_in=CALM,
)
def password_in_statement(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`cursor.execute("CREATE USER svc IDENTIFIED BY '...'")`."""
    found = password_of_statement(literal.value) if literal.role != "docstring" else None
    if found is not None and is_password_in_use(literal.value[slice(*found)], context.file):
        yield Diagnostic(
            place_in(literal, literal.value, *found), "Password of a database's user is written into the statement", secret=True
        )
