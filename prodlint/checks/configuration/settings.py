"""Switches that weaken protection (PRD624) and variables that nobody documents (PRD642)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    commands,
    every,
    project_check,
    project_fact,
    settings,
)
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Collection,
    Command,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Function,
    Module,
    Name,
    Operation,
    Setting,
    statements_in,
)
from prodlint.model import Evidence, FixRequest, Related, Span
from prodlint.project.production import deployed, is_of_start_script, priority_in, runs_in_production
from prodlint.values.configured import given_at_once
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.truth import FALSY, TRUTHY, flipped, is_negated

# Names whose truth takes protection away, and names whose falsehood does. Whole words, so that
# DISABLE_AUTHOR_PAGES is none of them.
_OFF_WHEN_TRUE = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:(?:DISABLE|SKIP|BYPASS|NO)_(?:AUTH|AUTHENTICATION|AUTHORIZATION|LOGIN|JWT_VERIFICATION|TOKEN_VERIFICATION|SIGNATURE_VERIFICATION|PERMISSIONS?|CSRF|SSL_VERIFY|TLS_VERIFY)"
    r"|AUTH_(?:DISABLED|BYPASS)|ALLOW_UNVERIFIED(?:_TOKENS?|_JWT)?|ALLOW_ANONYMOUS(?:_ACCESS|_USERS?)?|ALLOW_INSECURE(?:_[A-Z]+)?|(?<=_)INSECURE|TASK_ALWAYS_EAGER|ALWAYS_EAGER)$"
)
_OFF_WHEN_FALSE = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:(?:AUTH|AUTHENTICATION)_(?:ENABLED|REQUIRED|ENFORCED)|(?:ENABLE|REQUIRE|ENFORCE|USE)_(?:AUTH|AUTHENTICATION)|VERIFY_(?:TOKENS?|WEBHOOKS?|WEBHOOK_SIGNATURES?|CALLBACKS?|HOSTNAMES?|JWT|SIGNATURES?|SSL|TLS|CERTS?|CERTIFICATES?)|(?:SSL|TLS|JWT|TOKEN|SIGNATURE)_VERIFY|(?:SSL|TLS)_VERIFICATION|CSRF_(?:PROTECTION_)?ENABLED|ENABLE_CSRF(?:_PROTECTION)?)$"
)
ANCHORS = [
    "disable_", "skip_", "bypass", "no_auth", "auth_disabled", "allow_unverified", "allow_anonymous", "allow_insecure", "_insecure", "always_eager",
    "auth_enabled", "enable_auth", "authentication_enabled", "require_auth", "auth_required", "authentication_required", "auth_enforced",
    "authentication_enforced", "enforce_auth", "use_auth", "verify", "_verification", "csrf_enabled", "enable_csrf", "csrf_protection_enabled",
]  # fmt: skip
_MODE_ANCHORS = [
    (word, nobody) for word in ("auth_", "auth:", "auth=", "authentication", "authn", '_auth"', "auth'")
    for nobody in ("none", "no", "off", "disable", "false", "0", "without", "anonymous", "bypass", "insecure", "open")
]  # fmt: skip


_WHO_LOGS_IN = re.compile(r"(?:^|_)(?:AUTH|AUTHENTICATION|LOGIN|OIDC|OAUTH2?|SAML|LDAP|SSO)(?:_|$)")
_TELEMETRY = ("OTEL_", "OTLP_")


def weakens(name: str, value: Any) -> bool:
    """Whether a switch of this name, with this value, takes protection away."""
    upper = name.upper()
    if isinstance(value, bool):
        on: bool | None = value
    else:
        text = str(value).strip().lower()
        on = True if text in TRUTHY else False if text in FALSY else None
    if on is None or (not on and _ONE_METHOD.search(upper)):
        return _is_nobody(upper, value)
    if upper.startswith(_TELEMETRY):
        return False  # traces and metrics to a collector beside the service
    off = _OFF_WHEN_TRUE.match(upper) if on else None if is_negated(upper) else _OFF_WHEN_FALSE.match(upper)
    return off is not None or (not on and _is_nobody(upper, value))


# One of several ways to sign in: that it is not offered takes nothing away. The word before AUTH says which.
_METHODS = (
    "REMOTE|EXTERNAL|FORWARD|FORWARDED|LDAP|LDAPS|SASL|OAUTHBEARER|SCRAM|TLS|SSL|CLIENT_CERT|OIDC|OPENID|OPENID_CONNECT|SAML2?|OAUTH2?|SSO|BASIC|DIGEST|HTTP|HEADER|PROXY|REMOTE_USER|KERBEROS|SPNEGO|NTLM|RADIUS|PAM|CAS|AD|ADFS|AZURE"
    "|AZUREAD|ENTRA|OKTA|KEYCLOAK|AUTH0|COGNITO|GOOGLE|GITHUB|GITLAB|BITBUCKET|FACEBOOK|APPLE|MICROSOFT|TWITTER|LINKEDIN|DISCORD|SLACK|TELEGRAM|SOCIAL"
    "|MAGIC_LINK|EMAIL|PHONE|SMS|PASSKEYS?|WEBAUTHN|PASSWORD|LOCAL|LEGACY|GUEST|TOKEN|JWT|APIKEY|API_KEY|SESSION|COOKIE|CERT|MTLS|X509|AUTHELIA|AUTHENTIK|TWO_FACTOR|TWOFACTOR|2FA|MFA|MULTI_FACTOR|OTP|TOTP|U2F|FIDO2?|BIOMETRIC"
)
_ONE_METHOD = re.compile(
    rf"(?:^|_)(?:{_METHODS})_(?:AUTH|AUTHENTICATION)_(?:ENABLED|REQUIRED|ENFORCED)$|(?:^|_)(?:ENABLE|USE)_(?:\w+_)?(?:{_METHODS})_(?:AUTH|AUTHENTICATION)$"
)
# `AUTH_TYPE=NO_AUTH`: how the service's own clients sign in, and the words for not at all.
_MODE = re.compile(
    r"^(?:(?P<owner>[A-Z0-9_]+)_)?(?:AUTH|AUTHENTICATION|AUTHN)(?:_(?:TYPE|MODE|METHOD|BACKEND|PROVIDER|STRATEGY|SCHEME|DRIVER))?$"
)
_NOBODY = frozenset("none no off disabled disable false 0 no_auth noauth no-auth without nobody anonymous bypass insecure open".split())
# How the service signs in elsewhere: a mail server, a proxy or a datastore may well want no password.
_OTHERS = re.compile(
    r"(?:^|_)(?:QUERYSTRING|SMTP|MAIL|IMAP|POP3?|HTTP_PROXY|REDIS|VALKEY|MONGO(?:DB)?|DB|DATABASE|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|KAFKA|SASL|RABBITMQ|AMQP|BROKER"
    r"|CELERY|CACHE|ES|ELASTIC(?:SEARCH)?|OPENSEARCH|S3|MINIO|REGISTRY|DOCKER|GIT|SSH|OTEL|OTLP|CONSUL|ETCD|NATS|MQTT|WEBHOOK|UPSTREAM|PEER|TRUST"
    rf"|DISABLE|NO|SKIP|BYPASS|WITHOUT|{_METHODS})$"
)


def _is_nobody(name: str, value: Any) -> bool:
    """Whether a setting says that nobody has to sign in: `AUTH_TYPE=NO_AUTH`, `API_AUTH=none`."""
    found = _MODE.match(name)
    owner = found["owner"] or "" if found else ""
    return found is not None and not _OTHERS.search(owner) and str(value).strip().lower() in _NOBODY


@check(
    "PRD624",
    on=[settings()],
    required_literals=[*ANCHORS, *_MODE_ANCHORS, "testing"],
    files=("env", "yaml", "dockerfile", "systemd", "ini", "toml", "shell"),
)
def weakening_setting(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """DISABLE_AUTH=true given to production, also by the value that it has where nobody sets it: `${DISABLE_AUTH:-true}`."""
    value = setting.value if setting.value is not None else setting.default
    testing = setting.name.upper() in ("TESTING", "FLASK_TESTING") and value is not None and value.strip().lower() in TRUTHY
    if value is None or not (testing or weakens(setting.name, value)):
        return
    if not (is_of_start_script(setting, context) if setting.file.kind == "shell" else deployed(setting)):
        return
    if _PLAIN_INSIDE.search(setting.name.upper()) and setting.origin in ("compose", "kubernetes") and not context.options.get("inside"):
        return
    fix = flipped(setting.value, "Keep the protection") if setting.value is not None else None
    effect = "switches off what extensions guard outside of tests" if testing else _effect(setting.name)
    yield Diagnostic(setting, f"`{setting.name}={value}` {effect}", priority="P1" if testing else None, fix=fix)


# `SERVER_GRPC_INSECURE=t`, `COOKIE_INSECURE=1`: without TLS, as programs are that a proxy or a private network stands in front of.
_PLAIN_INSIDE = re.compile(r"(?:^|_)(?:GRPC|COOKIE|HTTP|SERVER|LISTEN|TRANSPORT|CLIENT)_INSECURE\Z")


def _effect(name: str) -> str:
    """What such a switch does, in a few words."""
    upper = name.upper()
    if "EAGER" in upper:
        return "runs every task inside the request that should only queue it"
    if re.search(r"VERIF|INSECURE|SSL|TLS|CERT", upper):
        return "switches verification off"
    return (
        "disables CSRF protection"
        if "CSRF" in upper
        else "disables authentication"
        if "AUTH" in upper or "LOGIN" in upper or "ANONYMOUS" in upper
        else "switches a protection off"
    )


_WITHOUT_LOGIN = (
    "--no-auth",
    "--noauth",
    "--disable-auth",
    "--disable-authentication",
    "--without-auth",
    "--anonymous-mode",
    "--allow-anonymous-access",
)
# Their rule is PRD484.
_DATASTORES = frozenset(
    "mongod mongos redis-server etcd elasticsearch opensearch influxd clickhouse-server rabbitmq-server memcached".split()
)


@check("PRD624", on=[commands()], required_literals=list(_WITHOUT_LOGIN))
def weakening_flag(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`--anonymous-mode`, `--no-auth` on the command line of a service."""
    index = command.flag(*_WITHOUT_LOGIN)
    if (
        index != -1
        and command.program not in _DATASTORES
        and command.argv[index].partition("=")[2].lower() not in FALSY
        and runs_in_production(command, context)
    ):
        place = ByteRange(command.source, *command.words[index]) if index < len(command.words) else command
        yield Diagnostic(place, f"`{command.argv[index]}` disables authentication")


@check(
    "PRD624",
    on=[every(Assignment)],
    required_literals=[*ANCHORS, "auth_password_validators", "testing"],
    files=("python",),
)
def weakening_assignment(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """The same switches set in Python settings, and Django's password validators emptied."""
    of_celery = assignment.kind == "attribute" and ".conf." in f".{assignment.qualified}" and assignment.target == "task_always_eager"
    if assignment.kind not in ("name", "annotated", "field", "subscript") and not of_celery:
        return
    in_settings = (
        "settings" in context.file.roles
        or isinstance(assignment.value, (Call, Operation, Conditional))
        or assignment.scope.class_.endswith(("Settings", "Config"))
        or ".config[" in assignment.qualified
        or of_celery
    )
    if not in_settings or priority_in(assignment, context) is False or assignment.scope.function:
        return
    value = assignment.value
    if isinstance(value, Constant) and isinstance(value.value, bool) and weakens(assignment.target, value.value):
        if assignment.target.upper().endswith("ALWAYS_EAGER") and _is_one_of_two(assignment):
            return  # without a broker, tasks run at once: the branch beside it queues them
        # Who may log in afterwards is not for a fix to decide.
        decides = _WHO_LOGS_IN.search(assignment.target.upper()) is not None
        fix = None if decides else FixRequest("replace-value", "Keep the protection", False, (("text", str(not value.value)),))
        # What a field of a class begins with is what its user sets it from.
        begins = ", unless it is set" if assignment.kind in ("annotated", "field") and "settings" not in context.file.roles else ""
        words = f"`{assignment.target} = {value.value}` {_effect(assignment.target)}{begins}"
        # Slow, not open.
        yield Diagnostic(assignment, words, priority="P2" if assignment.target.upper().endswith("ALWAYS_EAGER") else None, fix=fix)
    elif isinstance(value, (Call, Operation, Conditional)):
        yield from _weakened_by_default(assignment, context)
    elif assignment.target == "TESTING" and isinstance(value, Constant) and value.value is True:
        yield Diagnostic(
            assignment,
            "`TESTING = True` lets errors through that a client should not see, and switches off what extensions guard",
            priority="P2",
            fix=FixRequest("replace-value", "Keep the protection", False, (("text", "False"),)),
        )
    elif assignment.target == "AUTH_PASSWORD_VALIDATORS" and isinstance(value, Collection) and not value.items:
        yield Diagnostic(assignment, "`AUTH_PASSWORD_VALIDATORS` is empty: any password is accepted", priority="P2")


@check("PRD624", on=[calls("*.update")], required_literals=["task_always_eager"], files=("python",))
def eager_by_update(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.conf.update(task_always_eager=True)` of Celery."""
    given = dict(given_at_once(call)).get("task_always_eager")
    if isinstance(given, Constant) and given.value is True and priority_in(call, context) is not False:
        yield Diagnostic(given, f"`task_always_eager=True` {_effect('TASK_ALWAYS_EAGER')}", priority="P2")


_ASKS_WHO = re.compile(r"(?i)auth|user|login|token|permission|principal|identity|credential|api_?key|verify|admin")


@check("PRD624", on=[every(Assignment)], required_literals=["dependency_overrides"], files=("python",))
def overridden_in_application(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.dependency_overrides[get_current_user] = fake_user` of FastAPI, which is made for tests, in the application."""
    if "dependency_overrides[" not in assignment.qualified or priority_in(assignment, context) is False:
        return
    replaced = assignment.qualified.partition("dependency_overrides[")[2].rstrip("]")
    if _ASKS_WHO.search(replaced):
        yield Diagnostic(assignment, f"`dependency_overrides` replaces `{replaced}` in the application itself, not in its tests")


_HONOURED = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:(?:DISABLE|SKIP|BYPASS|NO)_(?:AUTH|AUTHENTICATION|AUTHORIZATION|LOGIN|JWT_VERIFICATION|TOKEN_VERIFICATION|SIGNATURE_VERIFICATION|PERMISSIONS?)"
    r"|AUTH_(?:DISABLED|BYPASS)|ALLOW_UNVERIFIED(?:_TOKENS?|_JWT)?|ALLOW_ANONYMOUS(?:_ACCESS)?)$"
)
_FOR_DEVELOPERS = re.compile(r"(?i)(?:^|[^a-z])(?:dev|develop|development|debug|local|test|testing|prod|production)(?:[^a-z]|$)")


@check(
    "PRD624",
    on=[every(Function)],
    required_literals=["disable_", "skip_", "bypass", "no_auth", "auth_disabled", "allow_unverified", "allow_anonymous"],
    files=("python",),
)
def honoured(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`if settings.skip_auth: return ADMIN`: code with a way around the login, one variable away from everybody."""
    if not context.options.get("honoured") or priority_in(function, context) is False:
        return
    for statement in statements_in(function.body):
        if statement.kind != "if" or not statement.expressions or not any(inner.kind == "return" for inner in statement.body):
            continue
        test = statement.expressions[0]
        if isinstance(test, Operation) and test.operator == "not" or _FOR_DEVELOPERS.search(test.text.replace("_", " ")):
            continue
        name = next(filter(None, map(_switch_in, test.walk())), "")
        if name:
            yield Diagnostic(test, f"`{name}` lets requests past the login: one variable away from everybody", priority="P1")


def _switch_in(part: Expression) -> str:
    """The name of a switch that takes the login away, of a variable, a setting or one of the environment; or nothing."""
    written = part.source_text.rpartition(".")[2] if isinstance(part, Name) else part.value if isinstance(part, Constant) else ""
    return written if isinstance(written, str) and _HONOURED.match(written.upper()) else ""


def _is_one_of_two(assignment: Assignment) -> bool:
    """Whether the file gives the name the other value as well, in another branch."""
    value = assignment.value
    return isinstance(value, Constant) and any(
        isinstance(other.value, Constant) and isinstance(other.value.value, bool) and other.value.value is not value.value
        for other in assignment.module.assignments(assignment.target)
    )


def _weakened_by_default(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`AUTH_ENABLED = os.getenv("AUTH_ENABLED", "false") == "true"`: what it is where nobody sets it."""
    for shape in context.values(assignment.module).in_production.of(assignment.value).shapes:
        if not isinstance(shape, SettingRead) or not (shape.name or assignment.target.isupper()):
            continue
        given = context.environment.startup.settings.get(shape.name.upper())
        if given is not None and not weakens(assignment.target, given):
            continue
        for default in shape.default.unset().constants():
            if isinstance(default, bool) and weakens(assignment.target, default):
                words = f"`{assignment.target}` is {default} where nobody sets `{shape.name or assignment.target}`: that {_effect(assignment.target)}"
                yield Diagnostic(assignment, words)
                return


# ---------------------------------------------------------------- PRD642

# Set by the platform, the shell or CI: nobody documents these.
_PLATFORM = re.compile(
    r"^(?:PATH|HOME|USER|USERNAME|SHELL|LANG|LC_.*|PWD|TMP|TEMP|TMPDIR|PORT|HOST|HOSTNAME|TZ|TERM|COLUMNS|LINES|EDITOR|DISPLAY|VIRTUAL_ENV|CONDA_.*|KUBERNETES_.*|AWS_.*|GOOGLE_.*|GCP_.*|GCLOUD_.*|AZURE_.*|K_SERVICE|K_REVISION"
    r"|CI|CI_.*|GITHUB_.*|GITLAB_.*|CIRCLE.*|TRAVIS.*|BUILDKITE.*|JENKINS_.*|PYTHON.*|PYTEST_.*|DJANGO_SETTINGS_MODULE|FLASK_.*|UVICORN_.*|GUNICORN_.*|WEB_CONCURRENCY|DYNO|HEROKU_.*|RENDER|RENDER_.*|VERCEL_?.*|FLY_.*|RAILWAY_.*|XDG_.*|APPDATA|LOCALAPPDATA"
    r"|SYSTEMROOT|COMSPEC|PROGRAMFILES.*|PROGRAMDATA|USERPROFILE|WINDIR|NO_COLOR|FORCE_COLOR|NO_PROXY|HTTPS?_PROXY|ALL_PROXY|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|OTEL_.*|DD_.*|SENTRY_.*|PROMETHEUS_.*|CUDA_.*|OMP_.*|MKL_.*|HF_.*|TOKENIZERS_PARALLELISM|LD_.*|DOCKER_.*)$"
)


ANYWHERE_BUT_SERVICE = frozenset(
    ("test", "example", "dev", "ci", "docs", "script", "migration", "command", "notebook", "vendored", "generated")
)
# Functions that somebody else's platform is given its variables for, beside the code or far from it.
_OTHER_DEPLOYMENT = frozenset(
    "terraform tf pulumi cdk lambda lambdas functions cloudformation serverless infra infrastructure ansible cli".split()
)
_SET = re.compile(r"[ \t]*(?:\+|\|)?=(?!=)")


_DELETED = re.compile(rb"\bdel[\s\\(]+\Z")
_MAIN = re.compile(rb"\n\f*if[\s\\(]+__name__[\s\\]*==")
_CAUGHT = re.compile(rb"\bexcept[\s\\(]+KeyError\b")
_ASKED_FOR = re.compile(
    rb"[\"'](\w+)[\"'][\s\\)]*\b(?:not[\s\\]+)?in[\s\\(]+(?:os[\s\\)]*\.[\s\\]*)?environ\b"
    rb"|(?:environ[\s\\)]*\.[\s\\]*(?:get|setdefault)|getenv)[\s\\)]*\((?:[\s(]|#[^\n]*\n)*[\"'](\w+)[\"']"
)


@lru_cache(maxsize=4)
def _asked_for(data: bytes) -> frozenset[bytes]:
    """The variables that a file asks for in a way that stands their absence."""
    return frozenset(name for names in _ASKED_FOR.findall(data) for name in names if name)


@collect(
    "env-read",
    on=[every(Setting)],
    required_literals=["environ[", "decouple", "environs", "environ.env", "django_environ"],
    files=("python",),
    not_in=ANYWHERE_BUT_SERVICE,
)
def reads(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """Environment variables without which the code stops: `os.environ["X"]`, `config("X")`. `os.getenv("X")` has None to fall back on."""
    if setting.origin != "python" or setting.reference or not serves(context) or _PLATFORM.match(setting.name):
        return
    text = re.sub(r"[\s\\]", "", setting.text)
    if text.startswith(("os.getenv", "getenv", "os.environ.", "environ.")) or "click" in text:
        return
    data = setting.source.data
    line_end = data.find(b"\n", setting.end)
    if _SET.match(setting.source.slice(setting.end, line_end if line_end != -1 else len(data))) or _DELETED.search(
        data, max(0, setting.start - 20), setting.start
    ):
        return
    main = _MAIN.search(data)
    if main is not None and main.start() < setting.start:
        return
    # Asked for before it is read, or read where its absence is caught.
    if _CAUGHT.search(data) is not None or setting.name.encode() in _asked_for(data):
        return
    yield project_fact("env-read", setting, setting.name)


@collect("env-asked", on=[every(Setting)], required_literals=["getenv", "environ.get"], files=("python",), not_in=ANYWHERE_BUT_SERVICE)
def asked_for(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """`os.getenv("X")`: what may be absent, and then something is off or other than it was meant."""
    if setting.origin == "python" and serves(context) and not _PLATFORM.match(setting.name):
        if re.sub(r"[\s\\]", "", setting.text).startswith(("os.getenv", "getenv", "os.environ.get", "environ.get")):
            yield project_fact("env-asked", setting, setting.name)


def is_of_platform(name: str) -> bool:
    """Whether a variable is set by the platform, the shell or CI."""
    return _PLATFORM.match(name) is not None


def serves(context: CheckContext) -> bool:
    """Whether a file is part of a service that this repository deploys."""
    folders = context.file.path.lower().split("/")[:-1]
    return (
        not context.file.roles & ANYWHERE_BUT_SERVICE
        and _OTHER_DEPLOYMENT.isdisjoint(folders)
        and bool(context.environment.deploys(context.file.path))
    )


@collect("env-read", on=[every(Class)], required_literals=["basesettings)"], files=("python",), not_in=ANYWHERE_BUT_SERVICE)
def required_fields(class_: Class, context: CheckContext) -> Iterator[ProjectFact]:
    """Fields of pydantic-settings classes without a default: the service does not start without them."""
    if not any(base.endswith("BaseSettings") for base in class_.bases) or not serves(context):
        return
    prefix = ""
    for statement in class_.body:
        if statement.assignment is not None and statement.assignment.target == "model_config":
            value = statement.assignment.value
            given = (
                value.keywords.get("env_prefix")
                if isinstance(value, Call)
                else value.get("env_prefix")
                if isinstance(value, Dictionary)
                else None
            )
            prefix = str(given.value) if isinstance(given, Constant) else prefix
    for statement in class_.body:
        if statement.kind != "assign" or statement.assignment is not None or not statement.annotation or not statement.targets:
            continue
        field, declared = statement.targets[0].text, statement.annotation
        if not field[:1].isalpha() or "ClassVar" in declared or not _is_read_from_text(declared, class_.module):
            continue
        name = (prefix + field).upper()
        if not _PLATFORM.match(name):
            yield ProjectFact("env-read", class_.file.path, statement.span, name)


_PLAIN = frozenset("str int float bool bytes list dict tuple set frozenset datetime.timedelta".split())


def _is_read_from_text(declared: str, module: Module) -> bool:
    """Whether a field's type is a plain one, or a class by its name, which begins with a capital: `SecretStr`, `pydantic.SecretStr`."""
    head = declared.split("[", 1)[0]
    first, _, rest = head.partition(".")
    return head in _PLAIN or not (rest.rpartition(".")[2] if first in module.imports and rest else head)[:1].islower()


@project_check("PRD642", topics=("env-read", "env-asked"))
def undocumented(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Variables that the service cannot start without and that no example file, deployment file or document names."""
    if not project.environment.is_service:
        return
    first: dict[str, ProjectFact] = {}
    any_read = bool(options.get("any-read"))
    for read in (*project.about("env-read"), *(project.about("env-asked") if any_read else ())):
        first.setdefault(read.words, read)
    missing = _not_named(project, set(first))
    examples = [file for file in project.files if file.kind == "env"]
    # Who keeps a list of the variables keeps it whole, however short it is.
    least = 1 if any_read and any("example" in file.roles for file in examples) else int(options.get("least", 3))
    if any_read:
        yield from _never_read(project, [file.path for file in examples if "example" in file.roles])
    if len(first) < least or not missing:
        return
    ordered = sorted(missing, key=lambda name: (first[name].path, first[name].span))
    shown = ", ".join(f"`{name}`" for name in ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
    at = first[ordered[0]]
    where = f"`{examples[0].path}`" if examples else "example env file"
    related = tuple(Related(first[name].path, first[name].span, f"`{name}` is read here") for name in ordered[1:10])
    words = f"{shown} must be set, and no {where}, deployment file or document names {'it' if len(ordered) == 1 else 'them'}"
    named = (file.path for file in examples if "example" in file.roles and not re.search(r"(?i)(?:^|[._-])tests?(?:[._-]|$)", file.name))
    # A new file with these alone would say that there are no others.
    target = next(named, "")
    lines = "".join(f"{name}=\n" for name in ordered)
    fix = FixRequest("append-lines", f"Name them in `{target}`", False, (("file", target), ("text", lines))) if target else None
    yield ProjectDiagnostic(at.path, at.span, words, related=related, fix=fix)


_NAME_LINE = re.compile(rb"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")


def _never_read(project: Project, examples: list[str]) -> Iterator[ProjectDiagnostic]:
    """Variables that an example file names, and nothing else in the project: neither whole nor, as a field behind a prefix, by their end."""
    names: dict[bytes, tuple[str, int]] = {}
    for path in examples:
        data = project.read(path) or b""
        for found in _NAME_LINE.finditer(data):
            names.setdefault(found[1].lower(), (path, data.count(b"\n", 0, found.start(1)) + 1))
    names = {name: place for name, place in names.items() if not _PLATFORM.match(name.decode().upper())}
    for file in project.files:
        if not names:
            return
        if file.path not in examples and file.kind not in ("markdown", "lock"):
            data = (project.read(file.path) or b"").lower()
            for name in [name for name in names if any(end in data for end in _ends(name))]:
                del names[name]
    for name, (path, line) in names.items():
        shown = name.decode().upper()
        words = f"`{shown}` is named here, and nothing in the project reads it"
        yield ProjectDiagnostic(path, Span(line, 1, line, len(shown) + 1), words, priority="P2")


def _ends(name: bytes) -> Iterator[bytes]:
    """A name, and what is left of it behind a prefix: `shop_db_url`, `db_url`."""
    parts = name.split(b"_")
    yield from (b"_".join(parts[start:]) for start in range(max(1, min(len(parts), 3) - 1)))


_NAMING = frozenset(("env", "yaml", "dockerfile", "toml", "ini", "shell", "makefile", "markdown", "systemd", "procfile", "json", "text"))
_DOCUMENTS = (".md", ".mdx", ".rst", ".adoc", ".txt", ".example", ".sample", ".template", ".dist", ".tf", ".tpl")


def _not_named(project: Project, names: set[str]) -> set[str]:
    """The names that stand in no file but Python's own."""
    left = {name: name.lower().encode() for name in names}
    for file in project.files:
        if not left:
            break
        if file.kind in _NAMING and (
            file.kind not in ("json", "text") or file.name.lower().endswith((*_DOCUMENTS, "app.json", "values.json"))
        ):
            data = (project.read(file.path) or b"").lower()
            for name in [name for name, word in left.items() if word in data]:
                del left[name]
    return set(left)
