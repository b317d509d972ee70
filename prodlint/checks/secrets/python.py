"""Secrets in Python: literals bound to a secret's name (PRD104), fallbacks of settings (PRD105), keys given to signing
and encrypting interfaces (PRD106), and the quieter cousins PRD112 and PRD113."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, every
from prodlint.checks.secrets.formats import recognise
from prodlint.facts import (
    Assignment,
    Call,
    Collection,
    Comment,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Module,
    Name,
    Operation,
    Subscript,
)
from prodlint.model import FixRequest, Related
from prodlint.project.production import given_anew, is_named_for_development, production_settings
from prodlint.values.development import is_development
from prodlint.values.lattice import Known
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.refusals import refused
from prodlint.values.secret_names import (
    ANCHORS,
    NameKind,
    SecretName,
    is_key_of_ours,
    is_signing_name,
    parts_of,
    plural_name,
    secret_name,
    value_name,
)
from prodlint.values.secret_values import GENERATED, high_entropy, in_use, is_prefix_alone, is_published_default, is_secret, shape_of

# How far behind its name a value may stand, in bytes: the gate looks no farther.
REACH = 260

# Calls that hand their first argument, or their receiver, through.
_WRAPPERS = frozenset(
    "SecretStr SecretBytes Secret Field field Param str bytes bytearray b64decode urlsafe_b64decode b64encode standard_b64decode fromhex unhexlify "
    "SecretString mark_safe PlainTextSecret Option Argument".split()
)
_METHODS = frozenset("encode decode strip rstrip lstrip".split())
# Where only what a machine made is a secret.
CALM = frozenset(("test", "example", "docs", "dev"))

Value = tuple[str, Expression]


def literals(expression: Expression, depth: int = 0) -> Iterator[Value]:
    """The literal values an expression can have, looked at through wrappers, `or`, conditions and concatenation."""
    if depth > 4:
        return
    if isinstance(expression, Constant):
        if isinstance(expression.value, str):
            yield expression.value, expression
        elif isinstance(expression.value, bytes):
            yield expression.value.decode("utf-8", "replace"), expression
    elif isinstance(expression, Call):
        yield from _through(expression, depth)
    elif isinstance(expression, Conditional):
        yield from literals(expression.then, depth + 1)
        yield from literals(expression.orelse, depth + 1)
    elif isinstance(expression, Operation):
        if expression.operator == "or":
            for operand in expression.operands:
                yield from literals(operand, depth + 1)
        elif expression.operator == "+":
            yield from _joined(expression, depth)
    elif isinstance(expression, FString):
        yield from _pieces(expression)


def _through(call: Call, depth: int) -> Iterator[Value]:
    last = call.name.rpartition(".")[2]
    if last in _WRAPPERS:
        given = call.argument(0, "default")
        if given is not None:
            yield from literals(given, depth + 1)
    elif call.method in _METHODS and call.receiver is not None:
        yield from literals(call.receiver, depth + 1)


def _joined(operation: Operation, depth: int) -> Iterator[Value]:
    parts = [part for operand in operation.operands for part in literals(operand, depth + 1)]
    if len(parts) == len(operation.operands) and all(isinstance(operand, (Constant, Operation)) for operand in operation.operands):
        yield "".join(value for value, _ in parts), operation
    else:
        yield from (part for part in parts if shape_of(part[0]) == "random")


def _pieces(template: FString) -> Iterator[Value]:
    """The fixed parts of an f-string that could be secrets by themselves."""
    fixed = [item for item in template.items if isinstance(item, Constant) and isinstance(item.value, str)]
    if len(fixed) == len(template.items):
        yield "".join(item.value for item in fixed), template
        return
    for item in fixed:
        if is_telling_piece(item.value):
            yield item.value, item


def is_telling_piece(piece: str) -> bool:
    """Whether a fixed part of an f-string could be a secret by itself: `f"user-{id}"` has none."""
    shape = shape_of(piece)
    return shape in ("random", "uuid", "passphrase") or (
        shape == "weak"
        and len(piece) >= 8
        and any(c.isdigit() for c in piece)
        and any(c.isupper() for c in piece)
        and any(c.islower() for c in piece)
    )


def inside(at: Expression) -> ByteRange:
    """The place of a literal's text without its quotes and prefix."""
    data, start, end = at.source.data, at.start, at.end
    if not isinstance(at, Constant):
        return ByteRange(at.source, start, end)
    opening = _OPENING.match(data, start, end)
    if opening is not None:
        quotes = opening[1]
        if end - start >= len(opening[0]) + len(quotes) and data[end - len(quotes) : end] == quotes:
            return ByteRange(at.source, opening.end(), end - len(quotes))
    return ByteRange(at.source, start, end)


_OPENING = re.compile(rb"[A-Za-z]{0,2}(\"\"\"|'''|\"|')")


def _is_made_up(fact: Assignment | Call, context: CheckContext) -> bool:
    """Whether a value belongs to tests or developers: without it they would not run any more."""
    return bool(context.file.roles & {"test", "example", "docs", "dev"}) or is_named_for_development(fact)


# Names that say what a value is and not whose: a variable of that name is somebody else's as well.
_ANYBODYS = frozenset(("API_KEY", "KEY", "TOKEN", "SECRET", "ACCESS_TOKEN", "AUTH_TOKEN", "ACCESS_KEY"))


def environment_fix(name: str, at: Expression) -> FixRequest | None:
    """Read the value from the environment; None where the name says nothing of whose it is."""
    variable = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(".", "_").upper()
    if variable in _ANYBODYS and not name.isupper():
        return None
    return FixRequest(
        "replace-value",
        f"Read `{variable}` from the environment",
        False,
        (("text", f'os.environ["{variable}"]'), ("import", "os"), ("start", str(at.start)), ("end", str(at.end))),
    )


_LIKELY = frozenset(("weak", "random", "passphrase", "uuid", "digits"))


# ---------------------------------------------------------------- PRD104


@check("PRD104", on=[every(Assignment)], required_literals=ANCHORS, files=("python", "notebook"), random_in=CALM)
def hardcoded_password(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    named = value_name(fact.target)
    values = bound_values(fact)
    if named is None:
        named = plural_name(fact.target)
        if named is None or not isinstance(fact.value, (Collection, Dictionary)):
            return
        values = _listed_values(fact)
    elif named.kind == "vendor key" and fact.kind == "compare":
        return
    spoken = [at for value, at in values if _speaks(value, at, fact, named, context)]
    # `"..." if DEVELOPMENT else "..."` is one mistake, and no one place of it can be fixed alone.
    either = isinstance(fact.value, Conditional) and len(spoken) > 1
    mild = is_named_for_development(fact) or not _FOR_TESTS.isdisjoint(parts_of(fact.target))
    for at in spoken[:1] if either else spoken:
        others = [inside(other) for other in spoken[1:]] if either else []
        yield Diagnostic(
            inside(at),
            f"{_KINDS[named.kind]} written into the source: `{fact.target}`",
            related=tuple(Related(context.file.path, other.source.span(other.start, other.end), "the other one") for other in others),
            secret=True,
            secrets=tuple((other.start, other.end) for other in others),
            priority="P2" if mild else None,
            only_with="everywhere" if mild else "",
            fix=None if either or _is_made_up(fact, context) else environment_fix(fact.target, at),
            symbol=fact.scope.symbol,
        )


# `test_otp_secret`: what the name calls made up opens little.
_FOR_TESTS = frozenset("test tests testing dummy fake mock mocked sample demo example".split())
_KINDS = {
    "password": "Password",
    "secret": "Secret",
    "token": "Token",
    "key": "Key",
    "credential": "Credential",
    "connection": "Connection string with a password",
    "vendor key": "Key",
}


def bound_values(fact: Assignment) -> Iterator[Value]:
    """The literals an assignment binds, near enough to its name; of a collection, its elements."""
    expression = fact.value
    if isinstance(expression, Collection) and fact.kind != "unpacked":
        if len(expression.items) <= 20:
            for item in expression.items:
                yield from (found for found in literals(item) if shape_of(found[0]) == "random" and _within_reach(fact, found[1]))
        return
    if isinstance(expression, Dictionary):
        return
    yield from (found for found in literals(expression) if _within_reach(fact, found[1]))


def _listed_values(fact: Assignment) -> Iterator[Value]:
    """The random values of a list or mapping under a name in the plural."""
    value = fact.value
    items = value.items if isinstance(value, Collection) else [item for _, item in value.items] if isinstance(value, Dictionary) else []
    for item in items[:40]:
        yield from (
            found for found in literals(item) if shape_of(found[0]) == "random" and len(found[0]) >= 16 and _within_reach(fact, found[1])
        )


def _within_reach(fact: Assignment, at: Expression) -> bool:
    return abs(at.start - fact.start) <= REACH


def _speaks(value: str, at: Expression, fact: Assignment, named: SecretName, context: CheckContext) -> bool:
    kind, certain = named
    if kind == "connection":
        return connection_password(value, random=bool(context.file.roles & CALM))
    if kind == "credential" or (kind == "token" and " " in value):
        if value.startswith("Basic "):
            return _basic_password(value[6:]) and not context.file.roles & CALM
        value = _after_scheme(value)
    if value.lower() == fact.target.lower() or (fact.kind == "compare" and shape_of(value) not in _LIKELY):
        return False
    return is_secret_here(value, at, kind, certain, context)


def is_secret_here(value: str, at: Expression, kind: NameKind, certain: bool, context: CheckContext) -> bool:
    """Whether a value is a secret of a kind where it stands."""
    if "=" in value[:-2] and kind in ("token", "credential") and shape_of(value) != "random":
        return False
    if not is_secret(value, kind, certain and not context.file.roles & CALM):
        return False
    if context.file.roles & CALM and not (shape_of(value) == "random" and len(value) >= 20 and kind not in ("token", "credential")):
        return False
    return not is_meant_to_be_seen(value) and not is_example(at.source.data, at.start)


def is_example(data: bytes, start: int) -> bool:
    """Whether a value stands in the `examples` of a field or a route: documentation, not a key in use."""
    return _EXAMPLES.search(data, max(0, start - 900), start) is not None


_EXAMPLES = re.compile(
    rb"\b(?:examples?|json_schema_extra|openapi_examples|sample_\w{1,30})[\"']?(?:[\s\\)]|#[^\n]*\n){0,9}[=:](?:[\s\\(]|#[^\n]*\n){0,9}[\[{][^\]=]{0,600}\Z"
    rb"|\b\w{0,40}(?:Placeholder|Example|Sample)\w{0,20}(?:[\s\\)]|#[^\n]*\n){0,9}\((?:(?!\n\w)[\s\S]){0,900}\Z"
)


# What an SSH public key begins with, by its kind: what servers are known by.
_PUBLIC_KEYS = ("AAAAB3NzaC1yc2E", "AAAAB3NzaC1kc3M", "AAAAC3NzaC1lZDI1NTE5", "AAAAE2VjZHNhLXNoYTI", "AAAAGnNrLXNzaC1lZDI1NTE5")


def is_meant_to_be_seen(value: str) -> bool:
    """Publishable and test keys, and the tokens of the vendors' documentation."""
    from prodlint.checks.secrets.tokens import is_sample_jwt

    known = recognise(value)
    if value.startswith(_PUBLIC_KEYS):
        return True
    if known is None:
        return value.startswith("eyJ") and is_sample_jwt(value.encode())
    return known.kind in ("test", "publishable") or (known.name == "jwt" and is_sample_jwt(value.encode()))


def _basic_password(encoded: str) -> bool:
    """Whether `user:password` in base 64 holds a password that works."""
    import base64

    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(colon) and user.lower() not in ("user", "username") and is_secret(password, "password")


def _after_scheme(value: str) -> str:
    head, _, rest = value.partition(" ")
    return (
        rest if head in ("Bearer", "Basic", "Token", "token", "bearer", "Bot", "ApiKey", "Api-Key", "Splunk", "GenieKey", "SSWS") else value
    )


_CONNECTION = re.compile(r"(?i)(?:^|[;\s])(?:password|pwd|accountkey|sharedaccesskey)\s{0,3}=\s{0,3}['\"]?([^;\s'\"]{4,200})")


def connection_password(value: str, *, random: bool = False) -> bool:
    """Whether a connection string of `key=value` pairs holds a password that works. random: only one that a machine made counts."""
    found = _CONNECTION.search(value[:2000])
    return found is not None and is_secret(found[1], "password") and (not random or shape_of(found[1]) == "random")


# `# API_TOKEN = "..."`, `# password: ...`
_COMMENTED = re.compile(r"(?:^|[\s#\"'(])([A-Za-z_][\w.\-]{1,60})[\"']?\s{0,4}[:=]\s{0,4}[\"']?([^\s\"',;)]{16,400})[\"']?(?=[\s,;)]|$)")


@check("PRD104", on=[every(Comment)], required_literals=ANCHORS, files=("python",))
def secret_in_comment(comment: Comment, context: CheckContext) -> Iterator[Diagnostic]:
    """A line that was commented out, or a note: only what a machine made counts there."""
    if context.file.roles & CALM:
        return
    for found in _COMMENTED.finditer(comment.text[:1000]):
        named = secret_name(found[1])
        if named is None or not named.certain or shape_of(found[2]) not in GENERATED or is_meant_to_be_seen(found[2]):
            continue
        place = comment.source.data.find(found[2].encode(), comment.start, comment.end)
        if place != -1:
            at = ByteRange(comment.source, place, place + len(found[2].encode()))
            yield Diagnostic(at, f"{_KINDS[named.kind]} written into a comment: `{found[1]}`", secret=True)


_URL_CREATE = ("sqlalchemy.URL.create", "sqlalchemy.engine.URL.create", "sqlalchemy.engine.url.URL.create")


@check("PRD103", on=[calls(*_URL_CREATE)], files=("python", "notebook"), random_in=CALM)
def password_of_url(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`URL.create("postgresql", "app", "password", "db")`: a URL in pieces."""
    given = call.argument(2, "password")
    if given is not None:
        yield from _typed_in(given, call, "the call of `URL.create`", context)


@check(
    "PRD104",
    on=[every(Assignment)],
    required_literals=["auth=(", "auth =(", "auth= (", "auth = ("],
    files=("python", "notebook"),
    random_in=CALM,
)
def password_in_pair(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`requests.get(url, auth=("user", "password"))`."""
    if fact.target == "auth" and isinstance(fact.value, Collection) and fact.value.kind == "tuple" and len(fact.value.items) == 2:
        yield from _typed_in(fact.value.items[1], fact, "`auth`", context)


def _typed_in(given: Expression, fact: Assignment | Call, where: str, context: CheckContext) -> Iterator[Diagnostic]:
    for value, at in literals(given):
        if is_secret_here(value, at, "password", True, context):
            yield Diagnostic(
                inside(at),
                f"Password written into {where}",
                secret=True,
                fix=None if _is_made_up(fact, context) else environment_fix("password", at),
                symbol=fact.scope.symbol,
            )


# ---------------------------------------------------------------- PRD105

_LOOKUPS = (
    "os.getenv",
    "os.environ.get",
    "os.environ.setdefault",
    "os.environ.pop",
    "decouple.config",
    "decouple.AutoConfig",
    "starlette.config.Config",
    "prettyconf.config",
    "environ.Env",
    "environ.Env.*",
    "environs.Env",
    "environs.Env.*",
    "django_environ.Env",
    "*.getenv",
    "*.str",
    "config",
    "env",
    "getenv",
    "get_env",
    "get_env_var",
    "get_env_variable",
    "env_var",
    "*.get_env",
    "*.from_env",
)


@check("PRD105", on=[calls(*_LOOKUPS)], required_literals=ANCHORS, files=("python", "notebook"))
def fallback_of_lookup(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    key = call.argument(0, "key") or call.argument(0, "var_name") or call.argument(0, "name")
    if not isinstance(key, Constant) or not isinstance(key.value, str):
        return
    given = call.keywords.get("default") or call.keywords.get("value") or call.argument(1)
    if given is None:
        return
    yield from _fallback(key.value, given, context, call, call.module)


@check("PRD105", on=[every(Assignment)], required_literals=ANCHORS, files=("python", "notebook"))
def fallback_of_assignment(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """A secret's fallback in whatever is given to a name, a field, a parameter or a keyword."""
    value = fact.value
    if isinstance(value, (Conditional, Operation)):
        yield from _beside_lookup(value, fact, context)
    elif isinstance(value, Collection):
        yield from _of_scheme(value, fact, context)
    elif isinstance(value, Call):
        yield from _of_reader(value, fact, context)
    yield from _of_field(value, fact, context)


def _beside_lookup(value: Conditional | Operation, fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`os.environ.get("JWT_SECRET") or "dev"`, `os.environ["X"] if "X" in os.environ else "dev"`."""
    if "main" in fact.scope.guards and context.environment.runs(context.file.path) is False:
        return  # a demonstration at the end of a module that production imports
    if isinstance(value, Conditional):
        name = looked_up(value.then)
        if name:
            yield from _fallback(name, value.orelse, context, None, fact.module)
    elif value.operator == "or":
        name = next((name for operand in value.operands for name in [looked_up(operand)] if name), "")
        if name:
            yield from _fallback(name, value.operands[-1], context, None, fact.module)


def _of_reader(call: Call, fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`env("SECRET_KEY", "dev")` through a function, lambda, method or object of the project that reads the environment."""
    if fact.kind not in ("name", "attribute", "annotated", "field", "keyword", "item"):
        return
    first = call.argument(0)
    written = first.value if isinstance(first, Constant) and isinstance(first.value, str) else ""
    data = fact.source.data
    # The default stands here too, so there is a second literal.
    if data.count(b'"', call.start, call.end) + data.count(b"'", call.start, call.end) < (4 if written else 2):
        return
    if value_name(written) is None and value_name(fact.target) is None:
        return
    shapes = context.values(fact.module).of(call).shapes
    reads = [shape for shape in shapes if isinstance(shape, SettingRead) and shape.kind == "text"]
    if not reads:
        return
    name = _name_of_reads([read.name for read in reads if read.name], written) or written or fact.target
    named = value_name(name) or value_name(fact.target)
    if named is None or not (named.certain or named.kind == "vendor key"):
        return
    # `environ[name] if name in environ else default`: the default stands beside the read.
    beside = [shape for shape in shapes if isinstance(shape, Known)]
    defaults = [shape for read in reads for shape in read.default.shapes if isinstance(shape, Known)]
    here = [shape for shape in (*defaults, *beside) if isinstance(shape.value, str) and shape.at.file.path == fact.file.path]
    literal = ((str(shape.value), shape.at) for shape in here if fact.start <= shape.at.start < fact.end)
    yield from _published(name, named, literal, context, fact.module)


def _name_of_reads(names: Sequence[str], written: str) -> str:
    """The variable that a helper reads: the one it was asked for, else the first that is no file's (`JWT_SECRET_FILE`)."""
    if written in names:
        return written
    return next((name for name in names if not name.upper().endswith(("_FILE", "_PATH"))), names[0] if names else "")


def looked_up(expression: Expression) -> str:
    """The variable's name in `os.getenv("X")`, `os.environ["X"]`, also as one side of an `or`."""
    key: Expression | None = None
    if isinstance(expression, Operation) and expression.operator == "or":
        return next((name for operand in expression.operands for name in [looked_up(operand)] if name), "")
    if isinstance(expression, Call) and expression.name.rpartition(".")[2] in ("getenv", "get", "config", "env", "str", "get_env"):
        key = expression.argument(0)
    elif isinstance(expression, Subscript) and isinstance(expression.value, Name) and expression.value.name == "os.environ":
        key = expression.key
    if isinstance(key, Constant) and isinstance(key.value, str) and key.value.upper() == key.value:
        return key.value
    return ""


def _of_scheme(value: Collection, fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """django-environ's `Env(SECRET_KEY=(str, "dev"))`."""
    if fact.kind == "keyword" and len(value.items) == 2 and isinstance(value.items[0], Name):
        yield from _fallback(fact.target, value.items[1], context, None, fact.module)


def _of_field(value: Expression, fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """A field of a settings class, a Typer option as a parameter's default."""
    if fact.kind == "default":
        if not isinstance(value, Call) or value.name not in ("typer.Option", "typer.Argument"):
            return
    elif fact.kind not in ("field", "annotated") or not _in_settings_class(fact.source.data, fact.scope.class_):
        return
    elif fact.target.startswith("_") or "ClassVar" in fact.annotation:
        return  # no field: it is read from no environment
    yield from _fallback(fact.target, value, context, None, fact.module)


def _in_settings_class(data: bytes, class_: str) -> bool:
    if not class_:
        return False
    return class_.encode() in _settings_classes(data)


@lru_cache(maxsize=4)
def _settings_classes(data: bytes) -> frozenset[bytes]:
    """The classes of a file that are built on settings."""
    return frozenset(
        name for name, bases in re.findall(rb"\bclass[\s\\]+([\w\x80-\xff]+)[\s\\]*\(([^)]{0,300})\)", data) if b"Settings" in bases
    )


@check(
    "PRD105",
    on=[calls("*.add_argument", "click.option", "*.option")],
    required_literals=ANCHORS,
    files=("python", "notebook"),
)
def fallback_of_option(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`parser.add_argument("--api-key", default="...")` and its kin in click."""
    given = call.keywords.get("default")
    names = [part.value for part in call.arguments if isinstance(part, Constant) and isinstance(part.value, str)]
    if given is None or not names or (isinstance(given, Constant) and shape_of(str(given.value)) == "default"):
        return  # `--password admin`: of commands that fill a developer's database
    yield from _fallback(max(names, key=len).lstrip("-"), given, context, call, call.module)


def _fallback(name: str, given: Expression, context: CheckContext, call: Call | None, module: Module) -> Iterator[Diagnostic]:
    named = value_name(name)
    if named is None or not (named.certain or named.kind == "vendor key"):
        return
    if isinstance(given, Name) and call is not None:
        given = call.module.follow(given, call)
    yield from _published(name, named, literals(given), context, module)


# `env("PGPASSWORD", "POSTGRES_PASSWORD")`: the next variable that is asked.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:PASSWORD|PASS|PASSWD|PWD|SECRET|KEY|TOKEN)(?:_[A-Z0-9]+)*")


def _published(name: str, named: SecretName, found: Iterator[Value], context: CheckContext, module: Module) -> Iterator[Diagnostic]:
    """The literals that a setting falls back to and that nothing refuses."""
    for value, at in found:
        if not is_usable_default(value, name, named) or value in refused(module):
            continue
        if (production := production_settings(context)) is not None and value in refused(production):
            continue
        if is_meant_to_be_seen(value) or _VARIABLE.fullmatch(value) or _is_a_variables_name(value):
            continue
        message = f"`{name}` has a hard-coded default: if the setting is missing, this public value is used"
        # What an image needs while it is built is not there yet: the build would fail.
        needed_earlier = context.environment.reads_settings_in_build and "settings" in context.file.roles
        fix = None if needed_earlier else FixRequest("drop-default", f"Require `{name}`", False, (("name", name),))
        yield Diagnostic(inside(at), message, priority="P1" if is_low_severity(value, named) else None, secret=True, fix=fix)


def _is_a_variables_name(value: str) -> bool:
    """`PGPASSWORD`: capitals alone that name a secret, and are no password that everybody tries first."""
    return value.isupper() and value.replace("_", "").isalpha() and shape_of(value) != "default" and secret_name(value) is not None


def is_usable_default(value: str, name: str, named: SecretName) -> bool:
    """Whether a fallback would be used as the secret: also a placeholder is, and it is published."""
    shape = shape_of(value)
    if value.lower() == name.lower() or not in_use(value) or is_prefix_alone(value):
        return False
    if named.kind == "connection":
        return connection_password(value)
    if shape == "masked":
        return is_signing_name(name)
    if shape == "reference":
        return _ENVIRONMENT_NAME.match(value) is None and "/" not in value and not value.startswith(("~", "."))
    if shape == "prose":
        return is_signing_name(name) or named.kind in ("password", "secret")
    if named.kind == "vendor key":
        return shape in GENERATED
    if named.kind == "key" and not is_key_of_ours(name):
        return shape not in ("placeholder", "words", "masked", "digits", "default") and len(value) > 3
    return named.kind != "credential" or shape == "random"


_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+\Z")


def is_low_severity(value: str, named: SecretName) -> bool:
    """A password that is a plain word or a published default: wrong, but what development uses by habit."""
    return named.kind == "password" and shape_of(value) in ("default", "words", "placeholder", "masked", "digits")


# ---------------------------------------------------------------- PRD106

_SIGNING_WORDS = (
    "secret_key",
    "secretkey",
    "jwt_secret",
    "jwt_key",
    "jwtsecret",
    "signing_key",
    "session_secret",
    "cookie_secret",
    "csrf_secret",
    "fernet_key",
)


@check("PRD106", on=[every(Assignment)], required_literals=_SIGNING_WORDS, files=("python", "notebook"))
def hardcoded_signing_key(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    if not is_signing_name(fact.target) or fact.kind in ("compare", "default", "walrus", "unpacked"):
        return
    if fact.kind in ("name", "annotated", "field") and fact.scope.function:
        return
    if fact.kind in ("item", "keyword") and not fact.target.isupper():
        return  # SIMPLE_JWT = {"SIGNING_KEY": ...}, app.config.update(SECRET_KEY=...); elsewhere it is somebody else's key
    if (isinstance(fact.value, Operation) and looked_up(fact.value)) or _in_settings_class(fact.source.data, fact.scope.class_):
        return  # a fallback: PRD105
    words = f"`{fact.target}` is written into the source: who reads it can forge sessions and tokens"
    for found in _signing(literals(fact.value), words, fact, fact.target, context):
        if context.environment.reads_settings_in_build and "settings" in context.file.roles:
            found = replace(found, fix=None)  # what an image needs while it is built is not there yet
        # Production's own settings give it another value: this one signs on developers' machines.
        mild = given_anew(fact.target, context) or is_named_for_development(fact) or _is_of_developers(fact, context)
        yield replace(found, priority="P2", fix=None, only_with="everywhere") if mild else found


def _signing(values: Iterator[Value], message: str, fact: Assignment | Call, name: str, context: CheckContext) -> Iterator[Diagnostic]:
    for value, at in values:
        if len(value) < 3 or not in_use(value) or shape_of(value) in ("masked", "reference") or "PUBLIC KEY" in value:
            continue
        if context.file.roles & CALM and shape_of(value) != "random":
            continue
        if name and value.replace("-", "_").lower() == name.replace("-", "_").lower():
            continue
        if isinstance(fact, Assignment) and abs(at.start - fact.start) > REACH:
            continue
        if is_meant_to_be_seen(value) or value in refused(fact.module):
            continue
        fix = environment_fix(name, at) if name and not _is_made_up(fact, context) else None
        yield Diagnostic(inside(at), message, secret=True, fix=fix)


def _is_of_developers(fact: Assignment, context: CheckContext) -> bool:
    """Whether a key stands where only a developer's machine or a run of checks comes: `if DEBUG:`."""
    if fact.scope.guards & {"debug", "environment"}:
        return True
    return any(is_development(each.expression, each.truth) for each in context.values(fact.module).conditions(fact) if each.pattern is None)


# Call -> (position of the key, keyword of the key)
SIGNERS: dict[str, tuple[int, str]] = {
    "jwt.encode": (1, "key"),
    "jwt.decode": (1, "key"),
    "jose.jwt.encode": (1, "key"),
    "jose.jwt.decode": (1, "key"),
    "jose.jws.sign": (1, "key"),
    "jose.jws.verify": (1, "key"),
    "authlib.jose.jwt.encode": (2, "key"),
    "authlib.jose.jwt.decode": (1, "key"),
    "joserfc.jwt.encode": (2, "key"),
    "joserfc.jwt.decode": (1, "key"),
    "itsdangerous.Signer": (0, "secret_key"),
    "itsdangerous.TimestampSigner": (0, "secret_key"),
    "itsdangerous.Serializer": (0, "secret_key"),
    "itsdangerous.URLSafeSerializer": (0, "secret_key"),
    "itsdangerous.URLSafeTimedSerializer": (0, "secret_key"),
    "itsdangerous.TimedSerializer": (0, "secret_key"),
    "itsdangerous.url_safe.URLSafeTimedSerializer": (0, "secret_key"),
    "itsdangerous.url_safe.URLSafeSerializer": (0, "secret_key"),
    "starlette.middleware.sessions.SessionMiddleware": (1, "secret_key"),
    "fastapi_csrf_protect.CsrfProtect": (9, "secret_key"),
    "cryptography.fernet.Fernet": (0, "key"),
    "hmac.new": (0, "key"),
    "hmac.digest": (0, "key"),
}
SIGNER_ANCHORS: tuple[tuple[str, ...], ...] = (
    ("jwt", ".encode("),
    ("jwt", ".decode("),
    ("jws.sign",),
    ("jws.verify",),
    ("itsdangerous",),
    ("sessionmiddleware",),
    ("fernet",),
    ("hmac.new",),
    ("hmac.digest",),
)


@check(
    "PRD106",
    on=[calls(*SIGNERS, "*.add_middleware", "starlette.middleware.Middleware")],
    required_literals=SIGNER_ANCHORS,
    files=("python", "notebook"),
)
def key_given_to_signer(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    signer = call.name
    position, keyword = SIGNERS.get(signer, (9, ""))
    if not keyword:
        first = call.argument(0, "middleware_class")
        if not isinstance(first, Name) or not first.name.endswith("SessionMiddleware"):
            return
        signer, keyword = first.name, "secret_key"
    given = call.argument(position, keyword)
    if given is None or uses_no_key(call):
        return
    name = ""
    if isinstance(given, Name):
        name = given.source_text.rpartition(".")[2]
        if secret_name(name) is not None:
            return  # its assignment is reported where it stands
        given = call.module.follow(given, call)
    shown = ".".join(signer.split(".")[-2:]) if signer.rpartition(".")[2].islower() else signer.rpartition(".")[2]
    yield from _signing(literals(given), f"{_given(given, shown)}: who reads it can sign for you", call, name, context)


def _given(key: Expression, signer: str) -> str:
    """How a key comes to be that of a signer: it is written into the call, or stands in for one that is not set."""
    if isinstance(key, (Conditional, Operation)) and not (isinstance(key, Operation) and key.operator == "+"):
        return f"`{signer}` falls back on a key written into the source"
    return f"Key written into the call of `{signer}`"


# The same of further libraries, whose keys need no certain length to sign, or encrypt instead of signing.
_KEY_TAKERS: dict[str, tuple[int, str]] = {
    "aiohttp_session.cookie_storage.EncryptedCookieStorage": (0, "secret_key"),
    "aiohttp_session.nacl_storage.NaClCookieStorage": (0, "secret_key"),
    "litestar.middleware.session.client_side.CookieBackendConfig": (9, "secret"),
    "litestar.config.csrf.CSRFConfig": (0, "secret"),
    "litestar.security.jwt.JWTAuth": (9, "token_secret"),
    "litestar.security.jwt.JWTCookieAuth": (9, "token_secret"),
    "litestar.security.jwt.OAuth2PasswordBearerAuth": (9, "token_secret"),
    "fastapi_users.authentication.JWTStrategy": (0, "secret"),
    "fastapi_users.authentication.strategy.JWTStrategy": (0, "secret"),
    "fastapi_users.jwt.generate_jwt": (1, "secret"),
    "fastapi_users.jwt.decode_jwt": (1, "secret"),
    "tornado.web.Application": (9, "cookie_secret"),
    "pyramid.session.SignedCookieSessionFactory": (0, "secret"),
    "pyramid.authentication.AuthTktAuthenticationPolicy": (0, "secret"),
    "pyramid.authentication.AuthTktCookieHelper": (0, "secret"),
    "bottle.response.set_cookie": (2, "secret"),
    "bottle.request.get_cookie": (9, "secret"),
    "django.core.signing.Signer": (9, "key"),
    "django.core.signing.TimestampSigner": (9, "key"),
    "django.core.signing.dumps": (1, "key"),
    "django.core.signing.loads": (1, "key"),
    "joserfc.jwk.OctKey.import_key": (0, "value"),
    "authlib.jose.OctKey.import_key": (0, "raw"),
    "nacl.secret.SecretBox": (0, "key"),
    "nacl.secret.Aead": (0, "key"),
    "nacl.signing.SigningKey": (0, "seed"),
    "cryptography.hazmat.primitives.ciphers.algorithms.AES": (0, "key"),
    "cryptography.hazmat.primitives.ciphers.algorithms.ChaCha20": (0, "key"),
    **{f"cryptography.hazmat.primitives.ciphers.aead.{name}": (0, "key") for name in ("AESGCM", "AESCCM", "AESSIV", "AESOCB3", "ChaCha20Poly1305")},
    **{f"{package}.Cipher.{name}.new": (0, "key") for package in ("Crypto", "Cryptodome") for name in ("AES", "ChaCha20", "ChaCha20_Poly1305", "DES3", "Blowfish")},
}  # fmt: skip


@check(
    "PRD106",
    on=[calls(*_KEY_TAKERS)],
    required_literals=["aiohttp_session", "cookiebackendconfig", "csrfconfig", "token_secret", "jwtstrategy", ("fastapi_users", "jwt"), ("tornado", "cookie_secret"), "signedcookiesessionfactory", "authtkt", ("bottle", "cookie"), "django.core.signing", "octkey", ("nacl", "secret"), ("nacl", "signing"), "ciphers", ("crypto", "cipher"), ("cryptodome", "cipher")],
    files=("python", "notebook"),
)  # fmt: skip
def key_given_to_cipher(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A key written into the call of a session's store, an authentication back end or a cipher."""
    position, keyword = _KEY_TAKERS[call.name]
    given = call.argument(position, keyword)
    name = given.source_text.rpartition(".")[2] if isinstance(given, Name) else ""
    if given is None or secret_name(name) is not None:
        return
    given = call.module.follow(given, call) if name else given
    shown = ".".join(call.name.split(".")[-2:]) if call.name.rpartition(".")[2].islower() else call.name.rpartition(".")[2]
    yield from _signing(literals(given), f"{_given(given, shown)}: who reads it can sign or decrypt for you", call, name, context)


def uses_no_key(call: Call) -> bool:
    """`jwt.decode(token, "", options={"verify_signature": False})` uses no key."""
    options = call.keywords.get("options")
    if isinstance(options, Dictionary):
        verify = options.get("verify_signature")
        return isinstance(verify, Constant) and verify.value is False
    return False


# ---------------------------------------------------------------- PRD112, PRD113


@check("PRD112", on=[every(Assignment)], required_literals=ANCHORS, files=("python", "notebook"))
def default_password(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    named = secret_name(fact.target)
    if named is None or not named.certain or named.kind not in ("password", "secret", "key") or fact.kind == "compare":
        return
    for value, at in bound_values(fact):
        if (
            is_published_default(value, named.kind)
            and value.lower() != fact.target.lower()
            and len(value) > 1
            # `PASSWORD_SECRET_KEY = "password"`: under which key of a Secret the password stands.
            and not (named.kind == "key" and value.lower() in parts_of(fact.target)[:-2])
            and not is_example(at.source.data, at.start)
        ):
            yield Diagnostic(inside(at), f"`{fact.target}` is a published default", secret=True)


# The beginning of a text without blanks that has a digit; one of pieces side by side has pieces as long as that.
_LONG_TEXT = rb"""["'](?=[^\s"']{0,40}[0-9])[^\s"']{8,}"""


@check("PRD113", on=[every(Assignment)], required_pattern=_LONG_TEXT, files=("python", "notebook"))
def high_entropy_literal(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    if value_name(fact.target) is not None:
        return
    for value, at in literals(fact.value):
        if high_entropy(value, fact.target) and not is_meant_to_be_seen(value):
            yield Diagnostic(inside(at), f"Random-looking value in `{fact.target}`", secret=True)
