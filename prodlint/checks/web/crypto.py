"""Transport and cryptography: whose certificate is believed (PRD481)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import CheckContext, Diagnostic, check, commands, documents, every, literals, settings
from prodlint.checks.quoting import quote
from prodlint.facts import (
    Attribute,
    Call,
    Command,
    Conditional,
    Constant,
    Dictionary,
    Document,
    Expression,
    Fact,
    Function,
    Literal,
    Module,
    Name,
    Operation,
    Option,
    Setting,
    Statement,
    Subscript,
    calls_in,
    statements_in,
)
from prodlint.model import FixRequest, Priority
from prodlint.values.expressions import follow, innermost, spread, truth
from prodlint.values.places import argument_of, calls_beside
from prodlint.values.truth import is_negated

# ---------------------------------------------------------------- Python

# Keywords and attributes that mean certificates wherever they stand.
_ON = frozenset(
    {
        "assert_hostname",
        "ssl_assert_hostname",
        "ssl_verify",
        "tls_verify",
        "validate_cert",
        "validate_certs",
        "verify_cert",
        "verify_certs",
        "verify_ssl",
        "verify_tls",
    }
)
_OFF = frozenset(
    {
        "insecure_skip_verify",
        "ssl_insecure",
        "tlsAllowInvalidCertificates",
        "tlsAllowInvalidHostnames",
        "tlsInsecure",
        "tls_insecure",
    }
)
_HTTP_METHODS = frozenset({"get", "post", "put", "delete", "patch", "head", "options", "request", "send", "stream", "ws_connect"})
_VERIFY_MEANS_CERTIFICATES = re.compile(
    r"^(?:requests|httpx|httpx2|niquests|hvac|boto3|botocore|aiobotocore|aioboto3|cloudscraper|curl_cffi|treq|docker|consul|github|jira|atlassian|zeep|gql|clickhouse_connect)\."
)
_UNVERIFIED = frozenset({"ssl.CERT_NONE", "OpenSSL.SSL.VERIFY_NONE", "ssl._create_unverified_context", "urllib3.util.ssl_.CERT_NONE"})
_HOST_KEYS = frozenset({"AutoAddPolicy", "WarningPolicy", "MissingHostKeyPolicy"})
_ABOUT_CHECKING = re.compile(r"hostname|verif|insecure|ssl|tls|cert|trust|check|self_?signed", re.IGNORECASE)
_NAMED_UNSAFE = re.compile(r"no_?verify|insecure|unverified|skip_?verif|ignore_?(?:ssl|cert)|no_?ssl", re.IGNORECASE)
_LOCAL = re.compile(r"://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|host\.docker\.internal)\b")

_PYTHON_ANCHORS: tuple[str | tuple[str, ...], ...] = (
    *(name.lower() for name in (*_ON, *_OFF)),
    "cert_none",
    "verify_none",
    "_create_unverified_context",
    "check_hostname",
    "tls_insecure_set",
    "autoaddpolicy",
    "warningpolicy",
    ("asyncssh", "known_hosts"),
    ("ssl_cert_reqs",),
    ("cert_reqs",),
    *(("aiohttp", spelling) for spelling in ("ssl=", "ssl =")),
    *(
        (spelling, library)
        for spelling in ("verify=", "verify =", ".verify", '"verify": false', "'verify': false")
        for library in ("requests", "httpx", "niquests", "hvac", "boto", "docker", "github", "curl_cffi")
    ),
)


# A call without one of these words is about something else.
_ABOUT_TLS = re.compile(rb"verif|valid|ssl|tls|cert|hostname|known_hosts|host_key|\*\*")
# One of these stands in whatever the next one matches.
_ASSIGNED_WORDS = (b"_NONE", b"_create_unverified", b"environ", b"verify", b"cert", b"hostname")
_ASSIGNED = re.compile(
    rb"CERT_NONE|VERIFY_NONE|_create_unverified|environ|\.[\s\\]{0,9}(?:verify|check_hostname|"
    + "|".join(sorted(_ON)).encode()
    + rb")[\s\\)]{0,9}=(?!=)"
)


@check("PRD481", on=[every(Module)], required_literals=_PYTHON_ANCHORS, files=["python"])
def tls_verification_disabled(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Clients, sessions, contexts and adapters that believe any certificate."""
    data = module.source.data
    for call in calls_beside(module, _ABOUT_TLS):
        if _ABOUT_TLS.search(data, call.start, call.end):
            yield from _judge_call(module, call)
    if not any(word in data for word in _ASSIGNED_WORDS) or _ASSIGNED.search(data) is None:
        return
    blocks: list[tuple[Function | None, tuple[Statement, ...]]] = [(None, module.body)]
    blocks += [(None, class_.body) for class_ in module.classes()]
    blocks += [(function, function.body) for function in module.functions()]
    for function, block in blocks:
        if function is not None and _ASSIGNED.search(data, function.start, function.end) is None:
            continue
        yield from _judge_block(module, function, block)


def _talks_http(fact: Fact) -> bool:
    """Whether the file uses a client whose `verify` means certificates."""
    return any(word in fact.source.data for word in (b"requests", b"httpx", b"niquests", b"curl_cffi"))


def _switch(call: Call) -> tuple[str, Expression, bool] | None:
    """The keyword of a call that decides about certificates, its value, and what it must be to be safe."""
    for keyword, value in (*call.keywords.items(), *spread(call).items()):
        if keyword in _ON:
            return keyword, value, True
        if keyword in _OFF:
            return keyword, value, False
        if keyword == "verify" and (_VERIFY_MEANS_CERTIFICATES.match(call.name) or _is_http_call(call) or _binds_http_call(call)):
            return keyword, value, True
        if keyword == "ssl" and b"aiohttp" in call.source.data:
            if (
                call.name.startswith("aiohttp.")
                or call.method == "TCPConnector"
                or (call.method in _HTTP_METHODS and call.receiver is not None)
            ):
                return keyword, value, True
    return None


def _binds_http_call(call: Call) -> bool:
    """`functools.partial(requests.get, verify=False)`."""
    bound = call.argument(0) if call.name == "functools.partial" else None
    return isinstance(bound, Name) and _VERIFY_MEANS_CERTIFICATES.match(bound.name) is not None


def _is_http_call(call: Call) -> bool:
    """An HTTP method, or a client made, of something this file does not show, beside an HTTP library."""
    if not _talks_http(call):
        return False
    receiver = call.receiver
    if call.method in _HTTP_METHODS and receiver is not None:
        return not re.search(r"jwt|jws|token|cache|queue", receiver.text, re.IGNORECASE)
    return call.method in ("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "Session")


def _judge_call(module: Module, call: Call) -> Iterator[Diagnostic]:
    found = _switch(call)
    if found is not None:
        keyword, value, safe = found
        given = truth(module, value, call)
        if given is (not safe) and not _is_local(module, call) and not _for_development(call):
            known = value if isinstance(value, Constant) else follow(module, value, call)
            written = f"`{keyword}={quote(value.text, 40)}`"
            if isinstance(known, Constant) and isinstance(known.value, bool):
                fix = FixRequest("remove-keyword", f"remove `{keyword}`", False, (("keyword", keyword),)) if known is value else None
                yield Diagnostic(value, f"`{call.method}` with {written} accepts any certificate", fix=fix)
            elif not _is_named_setting(known):
                yield Diagnostic(
                    value,
                    f"`{call.method}` with {written} accepts any certificate unless a caller or setting says otherwise",
                    priority="P1",
                )
    elif "known_hosts" in call.keywords and call.name.startswith("asyncssh."):
        hosts = argument_of(call, "known_hosts")
        if isinstance(hosts, Constant) and hosts.value is None:
            yield Diagnostic(call.keywords["known_hosts"], f"`{call.name}` with `known_hosts=None` talks to whoever answers")
    for keyword in ("cert_reqs", "ssl_cert_reqs"):
        required = argument_of(call, keyword)
        if isinstance(required, Constant) and (
            required.value is None
            and keyword == "ssl_cert_reqs"
            or str(required.value).upper() in ("CERT_NONE", "NONE")
            and required.value is not None
        ):
            yield Diagnostic(call.keywords[keyword], f"`{keyword}={required.text}` accepts any certificate")
    if call.method == "tls_insecure_set" and truth(module, call.argument(0, "value"), call):
        yield Diagnostic(call, "`tls_insecure_set(True)` accepts a certificate for any host")
    elif call.method == "set_missing_host_key_policy":
        policy = call.argument(0, "policy")
        name = policy.name if isinstance(policy, (Call, Name)) else ""
        if policy is not None and name.rsplit(".", 1)[-1] in _HOST_KEYS:
            yield Diagnostic(policy, f"`{name.rsplit('.', 1)[-1]}` accepts any host key")


def _is_named_setting(known: Expression) -> bool:
    """`os.getenv("VERIFY_SSL", False)`: found where it is read."""
    first = known.argument(0) if isinstance(known, Call) else None
    return isinstance(first, Constant) and bool(_NAME_ON.search(str(first.value)))


def _is_local(module: Module, call: Call) -> bool:
    """Whether the call plainly goes to this machine."""
    for argument in call.arguments[:2]:
        known = follow(module, argument, call)
        if _LOCAL.search(known.text) or _LOCAL.search(argument.text):
            return True
    base = call.keywords.get("base_url") or call.keywords.get("url")
    return base is not None and bool(_LOCAL.search(base.text))


def _for_development(fact: Fact) -> bool:
    return bool(fact.scope.guards & {"debug", "environment"})


def _judge_block(module: Module, function: Function | None, block: tuple[Statement, ...]) -> Iterator[Diagnostic]:
    """Assignments and uses of what switches checking off, one hit for the pair `check_hostname` and `verify_mode`."""
    unverified = False
    hostname: list[Statement] = []
    if function is not None and _looks_at_certificate(function):
        return
    for statement, asked in _with_conditions(block, False):
        if statement.kind == "assert":
            continue
        for expression in statement.expressions:
            for name in _unverified_names(expression):
                unverified = True
                if asked or _guarded(name, module) or _is_of_a_server(module) or function is not None and _picks_a_mode(statement, block):
                    continue
                named = function is not None and _NAMED_UNSAFE.search(function.name)
                yield Diagnostic(name, f"`{name.name}` accepts any certificate", priority="P2" if named else None)
        if statement.kind != "assign" or not statement.expressions or asked:
            continue
        for target in statement.targets:
            attribute = target.text.rsplit(".", 1)[-1] if isinstance(target, (Name, Attribute)) and "." in target.text else ""
            value = statement.expressions[0]
            if attribute == "check_hostname" and not target.text.startswith("self.") and truth(module, value, value) is False:
                hostname.append(statement)
            elif (
                attribute in _ON
                and not target.text.startswith(("self.", "cls."))
                and _plain(value, False)
                or attribute == "verify"
                and _plain(value, False)
                and _talks_http(module)
                and _is_session(target, module)
            ):
                yield Diagnostic(statement_place(statement, target), f"`{target.text} = False` accepts any certificate")
            elif isinstance(target, Subscript) and isinstance(target.key, Constant) and target.value.text.endswith("environ"):
                words = _environment_words(str(target.key.value), str(value.value) if isinstance(value, Constant) else "")
                if words:
                    yield Diagnostic(target, words)
    if hostname and not unverified:
        for statement in hostname:
            if not _guarded(statement.targets[0], module):
                yield Diagnostic(statement.targets[0], f"`{statement.targets[0].text} = False` accepts a certificate for any host")


_CERTIFICATES = frozenset({"getpeercert", "get_peer_certificate", "get_peer_cert_chain", "get_unverified_chain"})
_TALKS = frozenset({"send", "sendall", "write", "request", "login", "sendmail", "get", "post"})


def _looks_at_certificate(function: Function) -> bool:
    """Whether a function connects to see what certificate the other side has, and tells it nothing: an expired one is to be seen as well."""
    called = {call.method for call in calls_in(function.body)}
    return bool(called & _CERTIFICATES) and not called & _TALKS


def _is_of_a_server(module: Module) -> bool:
    """Whether the file starts a server and says which certificates its *clients* have to show: none is what a server asks by default."""
    return any(call.name.startswith(_SERVERS) and "ssl_cert_reqs" in call.keywords for call in module.calls())


_SERVERS = ("uvicorn.", "hypercorn.", "granian.", "gunicorn.")


def _picks_a_mode(statement: Statement, block: Sequence[Statement]) -> bool:
    """Whether a function gives back or sets one of the modes for what it is asked: `return ssl.CERT_NONE` beside `return ssl.CERT_REQUIRED`,
    `context.verify_mode = ssl.CERT_NONE` before `if mode == "verify-ca": context.verify_mode = ssl.CERT_REQUIRED`."""
    targets = {target.text for target in statement.targets}
    return (statement.kind == "return" or bool(targets)) and any(
        other.kind == statement.kind
        and {target.text for target in other.targets} == targets
        and any("CERT_REQUIRED" in value.text for value in other.expressions)
        for other in statements_in(block)
    )


def statement_place(statement: Statement, target: Expression) -> Expression:
    """Where a finding about an assignment points."""
    return target if statement.targets else statement.expressions[0]


def _plain(value: Expression, wanted: bool) -> bool:
    return isinstance(value, Constant) and value.value is wanted


def _is_session(target: Expression, module: Module) -> bool:
    """`session.verify`, `self.session.verify`; `self.verify` only in a session's own class."""
    owner = target.text.rsplit(".", 1)[0]
    if owner in ("self", "cls"):
        holder = next((c for c in module.classes() if c.start <= target.start < c.end), None)
        return holder is not None and any(base.endswith(("Session", "Client", "HTTPAdapter")) for base in holder.bases)
    return True


def _with_conditions(block: tuple[Statement, ...], asked: bool) -> Iterator[tuple[Statement, bool]]:
    """Statements with whether an `if` about verification stands around them: then somebody else decides."""
    for statement in block:
        yield statement, asked
        if statement.kind in ("def", "class"):
            continue
        about = asked or (
            statement.kind == "if" and bool(statement.expressions) and bool(_ABOUT_CHECKING.search(statement.expressions[0].text))
        )
        for inner in statement.blocks():
            yield from _with_conditions(inner, about)


def _unverified_names(expression: Expression) -> Iterator[Name]:
    """Uses of `ssl.CERT_NONE` and its like: not compared, not a dict's key, not in a condition about it."""
    waiting: list[Expression] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Operation) and part.operator in ("==", "!=", "in", "not in", "is", "is not"):
            continue
        if isinstance(part, Conditional) and _ABOUT_CHECKING.search(part.test.text):
            continue
        if isinstance(part, Dictionary):
            waiting.extend(
                value
                for key, value in part.items
                if not (isinstance(key, Constant) and isinstance(key.value, str) and _looks_like_choice(key.value))
            )
            continue
        if isinstance(part, Name) and part.name in _UNVERIFIED:
            yield part
            continue
        waiting.extend(reversed(part.parts()))


def _looks_like_choice(key: str) -> bool:
    """`{"none": ssl.CERT_NONE, "required": ...}`: a table of choices, not a choice."""
    return key.lower() in ("none", "cert_none", "no", "optional", "required", "never", "disabled", "0")


def _guarded(at: Fact, module: Module) -> bool:
    function = innermost(module, at)
    scope = function.scope if function is not None else at.scope
    return bool(scope.guards & {"debug", "environment"})


@check(
    "PRD481",
    on=[literals()],
    required_literals=["ssl_cert_reqs=none", "ssl_cert_reqs=cert_none", "tlsinsecure=true", "tlsallowinvalidcertificates=true"],
    files=["python"],
)
def unverified_url(literal: Literal, context: CheckContext) -> Iterator[Diagnostic]:
    """`rediss://...?ssl_cert_reqs=none` in a connection string."""
    found = re.search(
        r"\b(ssl_cert_reqs=(?:none|CERT_NONE)|tlsInsecure=true|tlsAllowInvalidCertificates=true)\b", literal.value, re.IGNORECASE
    )
    if found is not None and "://" in literal.value and literal.role != "docstring":
        yield Diagnostic(literal, f"`{found[1]}` accepts any certificate")


# ---------------------------------------------------------------- settings

_FALSE = frozenset({"0", "false", "no", "off", "n", "f"})
_TRUE = frozenset({"1", "true", "yes", "on", "y", "t"})
_NAME_ON = re.compile(
    r"(?:^|_)(?:VERIFY_(?:SSL|TLS|CERTS?|CERTIFICATES?)|(?:SSL|TLS|CERT|CERTS|HTTPS)_?(?:CERT_)?VERIFY|(?:SSL|TLS)_VERIFICATION|VALIDATE_CERTS?|HOST_KEY_CHECKING)$",
    re.IGNORECASE,
)
_NAME_OFF = re.compile(
    r"(?:^|_)(?:(?<!GIT_)(?:SSL|TLS)_NO_VERIFY|(?:INSECURE_)?(?:SKIP|BYPASS|IGNORE|NO)_(?:TLS_|SSL_|CERT_)VERIF(?:Y|ICATION)|(?:INSECURE_)?SKIP_VERIF(?:Y|ICATION)|(?:TLS|SSL)_(?:SKIP_VERIFY|INSECURE)|INSECURE_(?:TLS|SSL)|DISABLE_(?:TLS|SSL)_VERIF(?:Y|ICATION))$",
    re.IGNORECASE,
)


def _environment_words(name: str, value: str) -> str:
    """What a setting switches off, or nothing."""
    plain = value.strip().strip("'\"").lower()
    upper = name.upper()
    if upper == "PYTHONHTTPSVERIFY":
        return f"`{name}={plain}` makes Python accept any certificate" if plain == "0" else ""
    if upper == "NODE_TLS_REJECT_UNAUTHORIZED":
        return f"`{name}={plain}` makes Node accept any certificate" if plain == "0" else ""
    if upper in ("NPM_CONFIG_STRICT_SSL", "YARN_ENABLE_STRICT_SSL"):
        return f"`{name}={plain}` accepts any certificate of the registry" if plain in _FALSE else ""
    if upper == "GIT_SSL_NO_VERIFY":
        # git only asks whether the variable is there.
        surprise = f": git does not look at the value `{plain}`" if plain in _FALSE or not plain else ""
        return f"`{name}` makes git accept any certificate{surprise}"
    if upper in ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"):
        return (
            f"`{name}` takes packages from a host whose certificate nobody checks"
            if plain and not plain.startswith(("$", "localhost", "127."))
            else ""
        )
    if upper in ("GIT_SSH_COMMAND", "RSYNC_RSH", "ANSIBLE_SSH_ARGS") and "stricthostkeychecking=no" in plain.replace(" ", ""):
        return f"`{name}` accepts any host key"
    if _NAME_ON.search(name) and not is_negated(name) and plain in _FALSE:
        return f"`{name}={plain}` accepts any certificate"
    if _NAME_OFF.search(name) and plain in _TRUE:
        return f"`{name}={plain}` accepts any certificate"
    return ""


@check(
    "PRD481",
    on=[
        settings(
            "*verify*",
            "*tls*",
            "*ssl*",
            "*skip_*",
            "*validate_cert*",
            "*trusted_host",
            "*insecure*",
            "*host_key_checking",
            "git_ssh_command",
            "rsync_rsh",
            "ansible_ssh_args",
        )
    ],
    required_literals=[
        "verify_ssl",
        "verify_tls",
        "verify_cert",
        "ssl_verif",
        "tls_verif",
        "sslverify",
        "tlsverify",
        "cert_verify",
        "certs_verify",
        "httpsverify",
        "https_verify",
        "ssl_cert_verify",
        "no_verify",
        "skip_verif",
        "skip_tls_verif",
        "skip_ssl_verif",
        "skip_cert_verif",
        "tls_reject",
        "tls_insecure",
        "ssl_insecure",
        "insecure_tls",
        "insecure_ssl",
        "insecure_host",
        "validate_cert",
        "trusted_host",
        "host_key_checking",
        "stricthostkeychecking",
        "strict_ssl",
    ],
)
def verification_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`PYTHONHTTPSVERIFY=0` and its like, wherever environments are written."""
    value = setting.value if setting.value is not None else setting.default
    if value is None or setting.origin == "ci":
        return  # a pipeline talks to what it started itself
    words = _environment_words(setting.name, value)
    if words:
        by_default = setting.value is None or setting.origin == "python"
        priority: Priority | None = "P1" if by_default else None
        mild = "development" if "dev" in context.file.roles and setting.origin != "python" else ""
        yield Diagnostic(setting, words + (" by default" if by_default else ""), priority=priority, only_with=mild)


# ---------------------------------------------------------------- commands

_CURL_WITH_VALUE = frozenset("oHdXuAebcTFmxrwECKDPQtUyYzh")
_GIT_SSL = re.compile(r"^http\.(?:\S+\.)?sslverify(?:=(?:false|0|no))?$", re.IGNORECASE)


_RPM_OPTION = re.compile(r"^(?:--setopt=)?(?:[\w*.-]+\.)?(?:sslverify|gpgcheck|repo_gpgcheck)=(?:0|false|no)$", re.IGNORECASE)
# Lines that are written into yum's and dnf's configuration.
_RPM_SETTING = re.compile(r"(?:\\n|^)\s*(?:sslverify|gpgcheck)\s*=\s*(?:0|false|no)\s*(?:\\n|$)", re.IGNORECASE)
# https://rpm.org/docs/: options after which rpm looks at neither digest nor signature.
_UNSIGNED = ("--nosignature", "--nodigest", "--noverify", "--nofiledigest")


def _insecure_word(command: Command) -> int:
    """Index in argv of the word that switches verification off, or -1."""
    program, argv = command.program, command.argv
    for index, word in enumerate(argv):
        if program == "curl":
            if word == "--insecure" or word == "--proxy-insecure":
                return index
            if word.startswith("-") and not word.startswith("--"):
                for letter in word[1:]:
                    if letter == "k":
                        return index
                    if letter in _CURL_WITH_VALUE:
                        break
        elif (
            program == "wget"
            and word in ("--no-check-certificate", "--no-hsts-check")
            or program.startswith("pip")
            and word.startswith("--trusted-host")
            or program == "uv"
            and word.startswith("--allow-insecure-host")
            or program == "git"
            and _GIT_SSL.match(word)
            and ("=" in word or (index + 1 < len(argv) and argv[index + 1].lower() in _FALSE))
            or program in ("npm", "yarn", "pnpm")
            and (
                (word in ("strict-ssl", "--strict-ssl") and index + 1 < len(argv) and argv[index + 1].lower() == "false")
                or word.lower() in ("strict-ssl=false", "--strict-ssl=false", "--no-strict-ssl")
            )
            or program in ("kubectl", "helm", "oc")
            and word.startswith("--insecure-skip-tls-verify")
            and not word.endswith("=false")
            or program in ("apt-get", "apt")
            and (word in ("--allow-unauthenticated", "--force-yes") or "verify-peer=false" in word.lower())
            or program == "apk"
            and word == "--allow-untrusted"
            or program in ("yum", "dnf", "microdnf", "tdnf", "yum-config-manager")
            and (word in ("--nogpgcheck", "--no-gpgcheck", "--no-gpgchecks") or _RPM_OPTION.search(word))
            or program == "rpm"
            and word in _UNSIGNED
            or program == "zypper"
            and word == "--no-gpg-checks"
            or program in ("echo", "printf")
            and _RPM_SETTING.search(word)
            or (
                program == "aws"
                and word == "--no-verify-ssl"
                or program in ("http", "https", "httpie")
                and word in ("--verify=no", "--verify=false")
            )
            or program in ("ssh", "scp", "sftp", "rsync", "ssh-copy-id")
            and "stricthostkeychecking=no" in word.replace(" ", "").lower()
        ):
            return index
    return -1


_STATUS = frozenset({"-w", "--write-out", "-I", "--head"})


def _only_asks(command: Command) -> bool:
    """Whether curl throws the answer away and prints its status alone: whoever answers, nothing of it is used."""
    argv = command.argv
    thrown = any(
        word in ("-o/dev/null", "--output=/dev/null") or before in ("-o", "--output") and word == "/dev/null"
        for before, word in zip(argv, argv[1:], strict=False)
    )
    return command.program == "curl" and thrown and any(word in _STATUS or word.startswith("--write-out=") for word in argv)


@check(
    "PRD481",
    on=[
        commands(
            "curl",
            "wget",
            "pip",
            "pip3",
            "uv",
            "git",
            "npm",
            "yarn",
            "pnpm",
            "kubectl",
            "helm",
            "oc",
            "apt-get",
            "apt",
            "apk",
            "yum",
            "dnf",
            "microdnf",
            "tdnf",
            "yum-config-manager",
            "rpm",
            "zypper",
            "echo",
            "printf",
            "aws",
            "http",
            "https",
            "ssh",
            "scp",
            "sftp",
            "rsync",
        )
    ],
    required_literals=[
        "curl",
        "--no-check-certificate",
        "--trusted-host",
        "--allow-insecure-host",
        "sslverify",
        "strict-ssl",
        "--insecure-skip-tls-verify",
        "--allow-unauthenticated",
        "--force-yes",
        "verify-peer=false",
        "--allow-untrusted",
        "--nogpgcheck",
        "--no-gpgcheck",
        "--no-gpg-checks",
        "gpgcheck=",
        *_UNSIGNED,
        "--no-verify-ssl",
        "--verify=no",
        "stricthostkeychecking",
    ],
)
def insecure_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`curl -k` and its like in Dockerfiles, scripts, CI and compose."""
    index = _insecure_word(command)
    if index == -1 or any(_LOCAL.search(word) or word.startswith(("localhost", "127.0.0.1")) for word in command.argv):
        return
    if not context.options.get("everywhere") and _only_asks(command):
        return
    word = command.argv[index]
    host_keys = "stricthostkeychecking" in word.replace(" ", "").lower()
    unsigned = word in _UNSIGNED or re.search(r"gpg-?checks?(?:=\w+)?\s*$|--allow-un|--force-yes", word, re.IGNORECASE)
    words = "accepts any host key" if host_keys else "installs packages that nobody signed" if unsigned else "accepts any certificate"
    # What a script fetches may be checked in its next line, or be there to be tried out.
    priority: Priority | None = "P1" if host_keys or command.origin == "shell" else None
    mild = "development" if "dev" in context.file.roles else ""
    yield Diagnostic(command, f"`{command.program} {word}` {words}", priority=priority, only_with=mild)


@check("PRD481", on=[every(Option)], required_literals=["trusted-host"])
def trusted_host(option: Option, context: CheckContext) -> Iterator[Diagnostic]:
    """`--trusted-host` in requirements and pip's configuration."""
    if option.name.lstrip("-") == "trusted-host" and not option.value.startswith(("localhost", "127.")):
        yield Diagnostic(option, f"`--trusted-host {option.value}` takes packages from a host whose certificate nobody checks")


_DOCUMENT_KEYS = frozenset({"insecureskipverify", "insecureskiptlsverify", "insecure_skip_verify", "insecure_skip_tls_verify"})


@check(
    "PRD481",
    on=[documents()],
    required_literals=[
        "insecureskipverify",
        "insecureskiptlsverify",
        "insecure_skip_verify",
        "insecure_skip_tls_verify",
        ("verify_ssl", "[[source]]"),
    ],
)
def insecure_document(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`insecureSkipVerify: true` of Traefik, Prometheus and Kubernetes, `verify_ssl = false` of a Pipfile."""
    if context.file.name.lower().startswith("prometheus") and not context.options.get("scrapes"):
        return  # numbers fetched from neighbours
    for node in document.root.walk():
        key = node.path.rsplit(".", 1)[-1]
        if key.lower() in _DOCUMENT_KEYS and str(node.value).lower() in _TRUE:
            yield Diagnostic(node, f"`{key}: {node.raw}` accepts any certificate")
        elif document.kind == "pipfile" and key == "verify_ssl" and str(node.value).lower() == "false":
            yield Diagnostic(node, "`verify_ssl = false` takes packages from a host whose certificate nobody checks")
