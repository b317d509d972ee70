"""Secrets in what Python calls are given: by position, beside a name in a string, and as arguments of programs (PRD104)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.secrets.config import secret_arguments
from prodlint.checks.secrets.python import CALM, Value, inside, is_secret_here, literals
from prodlint.facts import Assignment, Call, Collection, Constant, Expression, Operation
from prodlint.values.secret_names import SecretName, secret_name
from prodlint.values.secret_values import is_published_default

# Clients whose signature has a password or key at a position: name -> (position, what it is called there). From the clients' own documentation.
_CREDENTIALS: dict[str, tuple[int, str]] = {
    **dict.fromkeys(
        (
            "requests.auth.HTTPBasicAuth",
            "requests.auth.HTTPDigestAuth",
            "requests.auth.HTTPProxyAuth",
            "httpx.BasicAuth",
            "httpx.DigestAuth",
            "aiohttp.BasicAuth",
            "smtplib.SMTP.login",
            "smtplib.SMTP_SSL.login",
            "aiosmtplib.SMTP.login",
            "imaplib.IMAP4.login",
            "imaplib.IMAP4_SSL.login",
            "ftplib.FTP.login",
            "ftplib.FTP_TLS.login",
            "pika.PlainCredentials",
            "pika.credentials.PlainCredentials",
            "cassandra.auth.PlainTextAuthProvider",
            "neo4j.basic_auth",
            "trino.auth.BasicAuthentication",
            "zeep.wsse.UsernameToken",
            "zeep.wsse.username.UsernameToken",
            "cx_Oracle.connect",
            "azure.core.credentials.AzureNamedKeyCredential",
            "requests_ntlm.HttpNtlmAuth",
        ),
        (1, "password"),
    ),
    **dict.fromkeys(("poplib.POP3.pass_", "poplib.POP3_SSL.pass_"), (0, "password")),
    **dict.fromkeys(
        ("pymysql.connect", "aiomysql.connect", "MySQLdb.connect", "pymssql.connect", "ftplib.FTP", "ftplib.FTP_TLS", "ldap3.Connection"),
        (2, "password"),
    ),
    **dict.fromkeys(
        ("redis.Redis", "redis.StrictRedis", "redis.asyncio.Redis", "paramiko.SSHClient.connect", "influxdb.InfluxDBClient"),
        (3, "password"),
    ),
    **dict.fromkeys(
        (
            "azure.core.credentials.AzureKeyCredential",
            "azure.core.credentials.AzureSasCredential",
            "stripe.StripeClient",
            "sendgrid.SendGridAPIClient",
            "pinecone.Pinecone",
            "mistralai.Mistral",
            "cohere.Client",
            "cohere.ClientV2",
            "googlemaps.Client",
        ),
        (0, "key"),
    ),
    **dict.fromkeys(
        (
            "slack_sdk.WebClient",
            "slack_sdk.web.async_client.AsyncWebClient",
            "github.Github",
            "github.Auth.Token",
            "telegram.Bot",
            "telebot.TeleBot",
            "aiogram.Bot",
            "notion_client.Client",
            "linode_api4.LinodeClient",
        ),
        (0, "token"),
    ),
    **dict.fromkeys(
        ("twilio.rest.Client", "hvac.Client", "gitlab.Gitlab", "discord.Client.run", "influxdb_client.InfluxDBClient"), (1, "token")
    ),
    **dict.fromkeys(("azure.identity.ClientSecretCredential", "azure.identity.UsernamePasswordCredential"), (2, "secret")),
    "minio.Minio": (2, "secret"),
    "boto3.Session": (1, "secret"),
    "boto3.session.Session": (1, "secret"),
    "boto3.client": (7, "secret"),
    "boto3.resource": (7, "secret"),
    "algoliasearch.search_client.SearchClient.create": (1, "key"),
}
_KINDS: dict[str, SecretName] = {
    "password": SecretName("password", True),
    "secret": SecretName("secret", True),
    "token": SecretName("token", True),
    "key": SecretName("vendor key", True),
}


@check("PRD104", on=[calls(*_CREDENTIALS)], files=("python", "notebook"), random_in=CALM)
def secret_by_position(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    position, called = _CREDENTIALS[call.name]
    given = call.argument(position)
    if given is not None:
        yield from _given(
            given, _KINDS[called], f"{called} written into the call of `{'.'.join(call.name.split('.')[-2:])}`", call, context
        )


_LOGINS = ("auth", "basic_auth", "http_auth", "proxy_auth")


@check("PRD112", on=[calls(*_CREDENTIALS)], files=("python", "notebook"))
def default_by_position(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`pika.PlainCredentials("guest", "guest")`."""
    position, called = _CREDENTIALS[call.name]
    given = call.argument(position)
    if given is not None and called in ("password", "secret"):
        yield from _default(given, call)


@check("PRD112", on=[every(Assignment)], required_literals=["auth"], files=("python", "notebook"))
def default_in_pair(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`Elasticsearch(url, basic_auth=("elastic", "changeme"))`."""
    if fact.target in _LOGINS and fact.kind == "keyword" and isinstance(fact.value, Collection) and len(fact.value.items) == 2:
        yield from _default(fact.value.items[1], fact)


def _default(given: Expression, fact: Call | Assignment) -> Iterator[Diagnostic]:
    for value, at in literals(given):
        if is_published_default(value, "password"):
            yield Diagnostic(inside(at), "the password given here is a published default", secret=True, symbol=fact.scope.symbol)


def _given(given: Expression, named: SecretName, words: str, call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    for value, at in literals(given):
        if is_secret_here(value, at, named.kind, named.certain, context):
            yield Diagnostic(inside(at), words[0].upper() + words[1:], secret=True, symbol=call.scope.symbol)


# Setters that take the name as a string: positions of the name and of the value.
_SETTERS: dict[str, tuple[int, int]] = {
    "setattr": (1, 2),
    "object.__setattr__": (1, 2),
    "os.putenv": (0, 1),
    "*.setenv": (0, 1),
    "*.set": (-2, -1),
    "*.config_set": (0, 1),
    "*.set_config": (0, 1),
    "*.set_option": (0, 1),
    "*.add_header": (0, 1),
    "*.putheader": (0, 1),
    "*.set_secret": (0, 1),
    "*.put_secret": (0, 1),
}


@check("PRD104", on=[calls(*_SETTERS)], files=("python", "notebook"), random_in=CALM)
def secret_beside_its_name(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`setattr(config, "api_token", "...")`, `settings.set("db", "password", "...")`."""
    where = _SETTERS.get(call.name) or _SETTERS.get(f"*.{call.method}")
    if where is None or (where[0] < 0 and len(call.arguments) != 3):
        return  # a cache's or a store's `set(name, value)` takes names of all sorts
    name, given = (call.argument(position if position >= 0 else len(call.arguments) + position) for position in where)
    if not isinstance(name, Constant) or not isinstance(name.value, str) or given is None:
        return
    named = secret_name(name.value)
    if named is not None and named.kind != "connection":
        yield from _given(given, named, f"`{name.value}` written into the source", call, context)


@check("PRD104", on=[calls("keyring.set_password", "*.set_password")], files=("python", "notebook"), random_in=CALM)
def password_that_is_set(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`keyring.set_password("service", "user", "...")`, `user.set_password("...")`."""
    given = call.arguments[-1] if call.arguments else None
    if given is None:
        return
    if len(call.arguments) == 1 and _may_be_empty(given) and not context.file.roles & CALM:
        words = "an empty password is set where none was sent: whoever knows the name may log in with it; `None` sets none that works"
        yield Diagnostic(given, words, priority="P1", symbol=call.scope.symbol)
        return
    yield from _given(given, _KINDS["password"], f"password written into the call of `{call.method}`", call, context)


def _may_be_empty(given: Expression) -> bool:
    """`""`, `data.get("password", "")`, `password or ""`."""
    if isinstance(given, Call) and given.method == "get" and len(given.arguments) == 2:
        given = given.arguments[1]
    elif isinstance(given, Operation) and given.operator == "or":
        given = given.operands[-1]
    return isinstance(given, Constant) and given.value == ""


_RUNNERS = (
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.Popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "os.system",
    "os.popen",
    "asyncio.create_subprocess_shell",
    "asyncio.create_subprocess_exec",
    "sh.Command",
)
# Words in front of the program that takes the arguments.
_THROUGH = frozenset("sudo env exec nohup time nice".split())


@check("PRD104", on=[calls(*_RUNNERS)], files=("python", "notebook"), random_in=CALM)
def secret_in_arguments(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`subprocess.run(["mysqldump", "--password=..."])`: in the source, and in the list of processes."""
    given: Sequence[Expression] = call.arguments[:1]
    if call.method == "create_subprocess_exec":
        given = call.arguments
    elif given and isinstance(given[0], Collection):
        given = given[0].items
    words = [word for expression in given for word in _words(expression)]
    while words and (words[0][0] in _THROUGH or re.fullmatch(r"[A-Za-z_]\w*=.*", words[0][0])):
        words = words[1:]
    if len(words) < 2:
        return
    program = words[0][0].rpartition("/")[2]
    for index, value, named in secret_arguments(program, [word for word, _ in words[1:]]):
        at = words[index + 1][1]
        if at is not None and is_secret_here(value, at, named.kind, named.certain, context):
            yield Diagnostic(
                inside(at), f"{named.kind.capitalize()} written into the arguments of `{program}`", secret=True, symbol=call.scope.symbol
            )


def _words(expression: Expression) -> Iterator[tuple[str, Expression | None]]:
    """The words of a command line with the literals they stand in; what is no literal is one word without a text."""
    found: Value | None = next(literals(expression), None) if isinstance(expression, Constant) else None
    if found is None:
        yield "", None
        return
    text, at = found
    if " " not in text:
        yield text, at
        return
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    yield from ((part, at) for part in parts)
