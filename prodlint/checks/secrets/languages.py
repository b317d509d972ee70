"""Secrets bound to a name in files that have no reader of their own (PRD111): other languages, XML, SQL, Markdown, logs, histories of
shells, and what a notebook has printed. No tree is made of such a file, so a value counts only where a machine made it, but for
formats that are configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, text
from prodlint.checks.secrets import formats
from prodlint.checks.secrets.calm import CALM, is_password_in_use, may_be_in_use
from prodlint.checks.secrets.connections import IN_SQL, USER_STATEMENT
from prodlint.facts import Text
from prodlint.values.secret_names import ANCHORS, SecretName, secret_name
from prodlint.values.secret_values import GENERATED, is_secret, shape_of

# Written by programs: names in them mean little, vendors' tokens are found by their form.
_BY_PROGRAMS = (
    ".min.js",
    ".min.mjs",
    ".min.cjs",
    ".bundle.js",
    ".chunk.js",
    ".svg",
    ".css",
    ".scss",
    ".lock",
    "-lock.json",
    "-lock.yaml",
    "npm-shrinkwrap.json",
)
# Read line by line elsewhere (`literal_line`), or as documents.
_ELSEWHERE = (".npmrc", ".netrc", "_netrc", ".pgpass", ".yarnrc", ".cnf", ".conf", ".htaccess", ".tf", ".tfvars", ".tfstate", ".hcl")
_XML = (".xml", ".config", ".plist", ".csproj", ".html", ".htm", ".xsd", ".xsl")
# One setting or command a line, without quotes.
_LINES = (
    ".md",
    ".markdown",
    ".mdx",
    ".rst",
    ".txt",
    ".adoc",
    ".asc",
    ".log",
    ".patch",
    ".diff",
    "_history",
    ".bat",
    ".cmd",
    ".curlrc",
    ".gitmodules",
    ".http",
    ".rest",
)

_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_REST = re.compile(rb"[\w.\-]{0,60}")
# `name = "value"`, `name: "value"`, `name: string = "value"`, `"name" => 'value'`, `name := "value"`, `name("value")`, and Bicep's `param name string = 'value'`.
_QUOTED = re.compile(
    rb"\\?[\"']?\]?\s{0,8}(?:[ \t](?:string|securestring)[ \t]{1,4}=|:\s{0,2}[\w<>.?|\[\]& ]{1,40}=|=>|:=|\+?=|:|\()\s{0,8}[@$bBr]{0,2}\\?([\"'`])([^\"'`\s\\<>]{6,400})\\?\1"
)
# `NAME=value`, `name: value` up to the line's end.
_BARE = re.compile(rb"[ \t]{0,4}[=:][ \t]{0,4}([^\s\"'`;,&)\]}<>\\|]{12,400})(?=[\s\"'`;,&)\]}<\\|]|\Z)")
_SPACED_WORD = re.compile(rb"[ \t]{1,4}[\"']?([^\s\"'`;,&)\]}<>\\|]{12,400})(?=[\s\"'`;|]|\Z)")
_ELEMENT = re.compile(rb">\s{0,8}([^<\s]{6,400})\s{0,8}</")
_ATTRIBUTES = re.compile(rb"[\"']\s{1,8}(?:value|string)\s{0,2}=\s{0,2}[\"']([^\"'\s]{6,400})[\"']")
# `<entry key="db.password">...</entry>`, `<name>db.password</name><value>...</value>`
_NAMED_ELEMENT = re.compile(
    rb"(?:[\"'](?:\s{1,8}[\w:]{1,30}\s{0,2}=\s{0,2}[\"'][^\"'<>]{0,80}[\"']){0,4}\s{0,8}>(?:\s{0,80}<[Vv]alue>)?|</[Nn]ame>\s{0,80}<[Vv]alue>)\s{0,80}([^<\s]{6,400})\s{0,80}</"
)
# `withEnv(['API_TOKEN=...'])`, `env = append(env, "API_TOKEN=...")`: a variable and its value in one string.
_IN_ONE_STRING = re.compile(rb"=([^\s\"'`;,&<>\\$]{12,400})[\"'`]")
# `password '...'` of Gradle, a call without brackets.
_CALLED_WITH = re.compile(rb"[ \t]{1,4}([\"'])([^\"'`\s\\<>$]{6,400})\1")
# `%env API_TOKEN=...`, `!export API_TOKEN=...`
_MAGIC = re.compile(rb"(?:%(?:set_)?env|!\s{0,2}export)\s{1,4}\Z")
# `define('DB_PASSWORD', '...')`, `os.Setenv("API_TOKEN", "...")`: the value is the next argument.
_ARGUMENT = re.compile(rb"\\?[\"']\s{0,4},\s{0,8}\\?([\"'`])([^\"'`\s\\<>]{6,400})\\?\1")
# `<key>ApiSecret</key><string>...</string>` of a property list.
_PLIST_VALUE = re.compile(rb"</key>\s{0,80}<string>\s{0,8}([^<\s]{6,400})\s{0,8}</")
# Components of pages: a key in one is sent to every browser anyway.
_IN_BROWSERS = (".tsx", ".jsx", ".vue", ".svelte", ".astro")
_OF_PAGES = re.compile(r"/(?:static|public|assets|frontend|client|dist|web|ui)/(?:[^/]+/){0,12}[^/]+\.[cm]?[jt]s\Z")
# What a page's analytics write with: every browser that opens the page has it.
_WRITE_KEYS = ("writekey", "write_key", "write-key")
# A key that may search and nothing else stands in every page of a documentation.
_SEARCH = re.compile(rb"(?i)algolia|docsearch|indexName")


@check("PRD111", on=[text()], required_literals=ANCHORS, files=("text", "markdown", "jenkinsfile", "notebook", "sql"))
def named_literal(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    from prodlint.checks.secrets.tokens import is_data_of_tests, is_of_documentation

    name = file.file.name.lower()
    if name.endswith((*_BY_PROGRAMS, *_ELSEWHERE)) or is_data_of_tests(file.file) or is_of_documentation(file.file):
        return
    data, done = file.source.data, 0
    for _literal, offset in file.hits:
        if offset < done:
            continue
        rest = _REST.match(data, offset)
        assert rest is not None
        before = data[max(0, offset - 60) : offset]
        written = (before[len(before.rstrip(_NAME_BYTES)) :] + rest[0]).decode("utf-8", "replace").lstrip("-.")
        named = secret_name(written)
        if named is None or not named.certain or named.kind == "connection":
            continue
        if written.lower().endswith(_WRITE_KEYS) and name.endswith((".html", ".htm", ".js", ".jsx", ".ts", ".tsx")):
            continue
        done = rest.end()
        if file.file.kind == "notebook" and not _is_output(data, offset):
            begin = offset - (len(before) - len(before.rstrip(_NAME_BYTES)))
            if not _MAGIC.search(data, max(0, begin - 20), begin):
                continue
        found = _value_behind(data, rest.end(), name, file.file.kind)
        if found is None:
            continue
        start, end, configured = found
        if _works(data[start:end], written, named, configured, context) and not _is_search_key(data, start, named):
            done = end
            sent = named.kind == "key" and (name.endswith(_IN_BROWSERS) or _OF_PAGES.search(f"/{file.file.path}") is not None)
            words = f"`{written}` is written into the file"
            yield Diagnostic(ByteRange(file.source, start, end), words, secret=True, only_with="browser" if sent else "")


def _value_behind(data: bytes, at: int, name: str, kind: str) -> tuple[int, int, bool] | None:
    """Start and end of the value bound to the name that ends at `at`, and whether the format is configuration."""
    quoted = _QUOTED.match(data, at) or (_ARGUMENT.match(data, at) if kind == "text" else None)
    if quoted is not None:
        return (*quoted.span(2), kind == "jenkinsfile" or name.endswith(_XML[:3]))
    if kind == "jenkinsfile" or name.endswith((".gradle", ".groovy")):
        called = _CALLED_WITH.match(data, at)
        if called is not None:
            return (*called.span(2), True)
    if kind in ("jenkinsfile", "text") and not name.endswith((*_XML, *_LINES)):
        single = _IN_ONE_STRING.match(data, at)
        if single is not None:
            return (*single.span(1), False)
    if name.endswith(_XML):
        found = _ELEMENT.match(data, at) or _ATTRIBUTES.match(data, at) or _NAMED_ELEMENT.match(data, at) or _PLIST_VALUE.match(data, at)
        return (*found.span(1), not name.endswith((".html", ".htm"))) if found is not None else None
    if kind in ("markdown", "notebook") or name.endswith(_LINES) or (kind == "text" and "." not in name):
        bare = _BARE.match(data, at) or (
            _SPACED_WORD.match(data, at)
            if name.endswith("_history") or data[at : at + 1] == b" " and data[max(0, at - 80) : at].rpartition(b" ")[2].startswith(b"--")
            else None
        )
        return (*bare.span(1), False) if bare is not None else None
    return None


def _works(value: bytes, name: str, named: SecretName, configured: bool, context: CheckContext) -> bool:
    from prodlint.checks.secrets.python import is_meant_to_be_seen

    shown = value.decode("utf-8", "replace")
    shape = shape_of(shown)
    # What an answer looks like: tokens of a day and ids. `export API_TOKEN=` is what somebody set; vendors' formats are known by themselves.
    if "docs" in context.file.roles and (shape == "uuid" or (named.kind == "token" and not name.isupper())):
        return False
    if shown.lower() == name.lower() or (len(shown) >= 16 and formats.is_dummy(value)) or is_meant_to_be_seen(shown):
        return False
    if configured and not context.file.roles & CALM:
        return is_secret(shown, named.kind)
    return shape in GENERATED and len(shown) >= 16 and named.kind != "credential"


def _is_search_key(data: bytes, start: int, named: SecretName) -> bool:
    return named.kind == "key" and _SEARCH.search(data, max(0, start - 400), start + 400) is not None


def _is_output(data: bytes, offset: int) -> bool:
    """Whether a place in a notebook lies in what a cell has printed."""
    return data.rfind(b'"outputs"', 0, offset) > data.rfind(b'"source"', 0, offset)


# ---------------------------------------------------------------- SQL


@check("PRD111", on=[text()], required_literals=["password", "identified"], files=("sql", "text", "shell", "markdown"))
def password_in_sql(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`CREATE USER svc WITH PASSWORD '...'`, `ALTER USER root IDENTIFIED BY '...'`."""
    if file.file.name.endswith(_BY_PROGRAMS):
        return
    data, done = file.source.data, 0
    for _literal, offset in file.hits:
        found = IN_SQL.match(data, offset) if offset >= done else None
        if (
            found is None
            or data[max(0, offset - 1) : offset] in (b":", b"-", b'"', b"'", b".")
            or USER_STATEMENT.search(data, max(0, offset - 320), offset) is None
        ):
            continue
        value = found[2].decode("utf-8", "replace")
        if is_password_in_use(value, context.file):
            done = found.end()
            yield Diagnostic(
                ByteRange(file.source, *found.span(2)), "Password of a database's user is written into the statement", secret=True
            )


# ---------------------------------------------------------------- files of one line a login

# A hash stands there as a rule, also the one of thirteen characters that crypt(3) makes.
_HTPASSWD = re.compile(rb"(?m)^(?!#)[^:\s]{1,100}:(?!\$|\{)(?![./A-Za-z0-9]{13}(?:$|:|\r))([^\s:]{4,200})(?:$|:|\r)")
_PGPASS = re.compile(rb"(?m)^(?!#)(?:[^:\n\\]|\\.){1,200}:(?:\d{1,5}|\*):(?:[^:\n\\]|\\.){1,200}:(?:[^:\n\\]|\\.){1,200}:([^\n\r]{4,200})$")
_CURLRC = re.compile(rb"(?m)^[ \t]{0,8}-{0,2}(?:proxy-)?user[ \t]{0,4}[=: \t][ \t]{0,4}\"?[^\s:\"]{1,80}:([^\s\"]{4,200})\"?")


@check("PRD111", on=[text()], required_literals=[":", "user"], files=("text",))
def login_of_line(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    name = file.file.name
    pattern = _PGPASS if name.endswith("pgpass") else _CURLRC if name == ".curlrc" else _HTPASSWD if name == ".htpasswd" else None
    for found in pattern.finditer(file.source.data) if pattern is not None else ():
        if is_secret(found[1].decode("utf-8", "replace"), "password"):
            yield Diagnostic(ByteRange(file.source, *found.span(1)), f"Password written into `{name}`", secret=True)


# ---------------------------------------------------------------- headers and connection strings wherever text stands

_HEADER = re.compile(
    rb"authorization\\?[\"']?(?:\s{0,4}[:=]|[ \t]{1,4}(?=\\?[\"']?Basic\s)|\s{0,4},\s{0,8}\\?[\"']value\\?[\"']\s{0,4}:)\s{0,4}\\?[\"'`]?(Basic|Bearer|Token|Bot)\s{1,4}([A-Za-z0-9+/_.~=\-]{12,2000})",
    re.IGNORECASE,
)
_DESCRIBES_REQUESTS = re.compile(rb"\"(?:openapi|swagger)\"\s{0,4}:")
_IN_TEXTS = ("text", "markdown", "json", "ini", "nginx", "notebook", "sql")


@check(
    "PRD111",
    on=[text()],
    required_literals=[("authorization", scheme) for scheme in ("basic", "bearer", "token", "bot")],
    files=_IN_TEXTS,
)
def credentials_in_header(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`Authorization: Basic ...` in requests that were written down: files of REST clients, recordings, Git's configuration."""
    from prodlint.checks.secrets.encoded import login_password
    from prodlint.checks.secrets.python import is_meant_to_be_seen
    from prodlint.checks.secrets.tokens import is_data_of_tests

    if is_data_of_tests(file.file) or file.file.name.lower().endswith(_BY_PROGRAMS):
        return
    data = file.source.data
    if file.file.kind == "json" and _DESCRIBES_REQUESTS.search(data, 0, 2000):
        return  # what a request looks like
    for literal, offset in file.hits:
        found = _HEADER.match(data, offset) if literal == b"authorization" else None
        if found is None or formats.is_dummy(found[2]):
            continue
        value, basic = found[2].decode(), found[1].lower() == b"basic"
        password = login_password(value) if basic else None
        shape = shape_of(password if password is not None else value)
        if (password is None) if basic else (len(value) < 20 or shape not in GENERATED or is_meant_to_be_seen(value)):
            continue
        if "docs" in context.file.roles:
            continue  # what a request looks like
        if context.file.roles & CALM and shape not in GENERATED:
            continue
        words = f"{'Login' if basic else 'Token'} written into an `Authorization` header"
        yield Diagnostic(ByteRange(file.source, *found.span(2)), words, secret=True)


@check("PRD111", on=[text()], required_literals=["password=", "pwd=", "password =", "pwd ="], files=("text", "markdown"))
def password_in_connection_text(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`connectionString="Server=...;User Id=...;Password=..."` in other languages and in XML."""
    from prodlint.checks.secrets.connections import connection_secret
    from prodlint.checks.secrets.tokens import is_data_of_tests, line_of, line_start

    if is_data_of_tests(file.file) or file.file.name.lower().endswith(_BY_PROGRAMS):
        return
    data, done = file.source.data, 0
    for _literal, offset in file.hits:
        if offset < done:
            continue
        start, line = line_start(data, offset), line_of(data, offset)
        opening = max(data.rfind(sign, start, offset) for sign in (b'"', b"'", b"`"))
        closing = data.find(data[opening : opening + 1], offset, start + len(line)) if opening != -1 else -1
        if closing == -1:
            continue
        done = closing
        quoted = data[opening + 1 : closing]
        found = connection_secret(quoted.decode("latin-1"))
        if found is None or not may_be_in_use(quoted[slice(*found)].decode("latin-1"), context.file):
            continue
        place = ByteRange(file.source, opening + 1 + found[0], opening + 1 + found[1])
        yield Diagnostic(place, "Password written into a connection string", secret=True)


_INVENTORY = re.compile(rb"ansible_(?:ssh_|become_|sudo_|winrm_)?pass(?:word)?\s{0,2}=\s{0,2}[\"']?([^\s\"'{}]{4,200})")


@check("PRD111", on=[text()], required_literals=["ansible_"], files=("ini", "text"))
def password_in_inventory(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`host ansible_user=deploy ansible_password=...` in an inventory of Ansible."""
    for _literal, offset in file.hits:
        found = _INVENTORY.match(file.source.data, offset)
        if found is None:
            continue
        value = found[1].decode("utf-8", "replace")
        if is_password_in_use(value, context.file):
            yield Diagnostic(ByteRange(file.source, *found.span(1)), "Password of a host is written into the inventory", secret=True)


# ---------------------------------------------------------------- commands in pages, schedules and histories

_ON_A_LINE = re.compile(
    rb"\b(?:(curl|wget|http|https)\b[^\n|;&]{0,400}?[ \t](?:-u|--user|-a|--auth)[ =][\"']?[^\s:\"']{1,80}:([^\s\"'`]{8,200})"
    rb"|(sshpass)[ \t]{1,4}-p[ \t]{0,4}[\"']?([^\s\"'`]{8,200})"
    rb"|(mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n|;&]{0,400}?[ \t]-p([^\s\"'`]{8,200})"
    rb"|(ConvertTo-SecureString)[ \t]{1,4}(?:-String[ \t]{1,4})?[\"']([^\s\"'`$]{6,200})[\"'][ \t]{1,4}-AsPlainText)",
    re.IGNORECASE,
)
_PROGRAMS = ("curl", "wget", "sshpass", "mysql", "mariadb", "convertto-securestring")


@check("PRD111", on=[text()], required_literals=_PROGRAMS, files=("text", "markdown"))
def login_in_command_line(file: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`curl -u svc:...` in a README, `mysqldump -p...` in a crontab, `ConvertTo-SecureString '...'`."""
    from prodlint.checks.secrets.tokens import is_data_of_tests, is_of_documentation

    if is_data_of_tests(file.file) or is_of_documentation(file.file) or file.file.name.lower().endswith(_BY_PROGRAMS):
        return
    data, done = file.source.data, 0
    for _literal, offset in file.hits:
        found = _ON_A_LINE.match(data, offset) if offset >= done else None
        if found is None or found.lastindex is None:
            continue
        value, program = found[found.lastindex], found[found.lastindex - 1].decode()
        shown = value.decode("utf-8", "replace")
        if shape_of(shown) != "random" or len(shown) < 12 or formats.is_dummy(value):
            continue
        done = found.end()
        words = f"Password written into the command line of `{program}`"
        yield Diagnostic(ByteRange(file.source, *found.span(found.lastindex)), words, secret=True)
