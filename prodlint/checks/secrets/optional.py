"""Secrets that may be missing without anybody noticing (PRD114): keys that sign, read from a setting that may be empty, and comparisons that
an empty secret lets everybody pass.

Only keys of the service itself: what a vendor gives may be left out with the feature it belongs to. A key counts as asked for where any
file of the project tests it and then raises, ends, makes one, or uses it only there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    every,
    project_check,
    project_fact,
    settings,
)
from prodlint.checks.secrets.python import SIGNER_ANCHORS, SIGNERS, uses_no_key
from prodlint.facts import (
    Assignment,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Expression,
    Function,
    Module,
    Name,
    Operation,
    Setting,
    Statement,
    statements_in,
)
from prodlint.model import Evidence, Related
from prodlint.values.flow import NEVER_RETURN
from prodlint.values.handlers import words_in, words_of
from prodlint.values.lattice import Client, Known, Member, Value
from prodlint.values.lattice import Setting as SettingRead
from prodlint.values.places import enclosing
from prodlint.values.secret_names import guards_sessions, is_key_of_ours, value_name

_NOT_THE_SERVICE = frozenset(
    ("test", "example", "docs", "dev", "vendored", "generated", "notebook", "migration", "script", "command", "stub", "ci")
)
# One of these stands in every name that is a key of the service's own.
_WORDS = (
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
    "encryption_key",
    "hmac_key",
    "hmac_secret",
    "master_key",
    "auth_secret",
    "aes_key",
    "secret_key_base",
)
_CLOUD = re.compile(
    r"aws|kms|acme|eab|s3|gcp|azure|stripe|langfuse|minio|r2_|oss_|recaptcha|captcha|slack|github|google|webhook|oauth|client_secret|signing_secret|public",
    re.IGNORECASE,
)


def _is_ours(name: str) -> bool:
    return bool(name) and (guards_sessions(name) or is_key_of_ours(name)) and not _CLOUD.search(name)


def _is_a_providers(fact: Assignment) -> bool:
    """Whether an identifier of the same client stands beside a secret: `GITLAB_CLIENT_ID` and `GITLAB_SECRET_KEY` are what a provider gave."""
    before = _SECRET_END.sub("", fact.target)
    return before != fact.target and any(f"{before}{name}".encode() in fact.source.data for name in _IDENTIFIERS)


_SECRET_END = re.compile(r"(?i)(?<=_)(?:client_)?(?:secret|secret_key|signing_key)$")
_IDENTIFIERS = ("CLIENT_ID", "APP_ID", "CONSUMER_KEY", "client_id", "app_id", "consumer_key")


def _empty(value: Value) -> SettingRead | None:
    """The setting that a value is, where it is None or empty if nobody sets it."""
    shape = value.only()
    if isinstance(shape, SettingRead) and shape.kind == "text" and _may_be_empty(shape.default):
        return shape
    return None


def _may_be_empty(default: Value) -> bool:
    shapes = default.unset().shapes
    return bool(shapes) and all(isinstance(shape, Known) and shape.value in (None, "") for shape in shapes)


# ---------------------------------------------------------------- where such a key is read


@collect("optional-secret", on=[every(Assignment)], required_literals=_WORDS, files=("python",), not_in=_NOT_THE_SERVICE)
def keys_read(fact: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """`JWT_SECRET = os.getenv("JWT_SECRET")`, and `jwt_secret: str = ""` of a settings class."""
    if (
        context.file.roles & _NOT_THE_SERVICE
        or fact.kind not in ("name", "annotated", "field", "attribute", "subscript", "keyword")
        or fact.scope.function
        and fact.kind == "name"
    ):
        return
    if _is_field(fact):
        if _is_ours(fact.target) and not _is_a_providers(fact) and _is_empty_default(fact.value) and "min_length" not in fact.annotation:
            yield project_fact("optional-secret", fact, fact.target, setting=fact.target.upper(), shown=_shown(fact.value))
        return
    if not isinstance(fact.value, (Call, Operation)) or fact.kind == "keyword" and not fact.target.isupper():
        return
    read = _empty(context.values(fact.module).of(fact.value))
    if (
        read is None
        or _is_a_providers(fact)
        or not read.name
        or not (_is_ours(read.name) or _is_ours(fact.target) and value_name(read.name) is not None and not _CLOUD.search(read.name))
    ):
        return
    if fact.target == "SECRET_KEY" and _is_django(fact.module):
        return  # Django refuses to start with an empty one
    yield project_fact(
        "optional-secret", fact, fact.target, setting=read.name.upper(), shown="empty" if read.default.may_be("") else "None"
    )


def _is_django(module: Module) -> bool:
    return bool(module.assignments("INSTALLED_APPS")) or any(
        name.split(".", 1)[0] in ("django", "environ") for name in module.imports.values()
    )


def _is_field(fact: Assignment) -> bool:
    """Whether an assignment is a field of a settings class."""
    if not fact.scope.class_ or fact.scope.function or not fact.annotation:
        return False
    class_ = next((one for one in fact.module.classes() if one.name == fact.scope.class_ and one.start <= fact.start < one.end), None)
    return class_ is not None and _is_settings(class_)


def _is_settings(class_: Class) -> bool:
    return any(base.rpartition(".")[2].endswith("Settings") for base in class_.bases)


def _is_empty_default(value: Expression) -> bool:
    if isinstance(value, Call):
        if value.method == "Field":
            given = value.argument(0, "default")
            return given is not None and "min_length" not in value.keywords and _is_empty_default(given)
        return value.method in ("SecretStr", "Secret") and bool(value.arguments) and _is_empty_default(value.arguments[0])
    return isinstance(value, Constant) and value.value in (None, "")


def _shown(value: Expression) -> str:
    return "None" if any(isinstance(part, Constant) and part.value is None for part in value.walk()) else "empty"


@collect(
    "optional-secret",
    on=[calls(*SIGNERS, "*.add_middleware", "starlette.middleware.Middleware")],
    required_literals=SIGNER_ANCHORS,
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def keys_given(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """A key that signs, wherever the setting is read that it comes from."""
    position, keyword = SIGNERS.get(call.name, (9, ""))
    if not keyword:
        first = call.argument(0, "middleware_class")
        if not isinstance(first, Name) or not first.name.endswith("SessionMiddleware"):
            return
        keyword = "secret_key"
    given = call.argument(position, keyword)
    if given is None or context.file.roles & _NOT_THE_SERVICE or uses_no_key(call):
        return
    read = _empty(context.values(call.module).of(given))
    if read is None or not read.name or read.at.file.roles & _NOT_THE_SERVICE:
        return
    if not _is_ours(read.name):
        elsewhere = context.values(call.module).of_file(read.at)
        modules = [call.module] if elsewhere is None else [call.module, elsewhere.module]
        if (
            any(read.name.lower() in _asked(module) for module in modules)
            or isinstance(given, Name)
            and any(given.source_text.rpartition(".")[2].lower() in _asked(module) for module in modules)
        ):
            return
    spoken = given.source_text.rpartition(".")[2] if isinstance(given, Name) else read.name
    yield ProjectFact(
        "optional-secret",
        read.at.file.path,
        read.at.span,
        spoken,
        (
            ("given", f"{call.file.path}:{call.line}"),
            ("setting", read.name.upper()),
            ("shown", "empty" if read.default.may_be("") else "None"),
            ("signs", ".".join(call.name.split(".")[-2:])),
        ),
    )


# ---------------------------------------------------------------- where it is asked for


@collect("secret-asked", on=[every(Module)], required_literals=_WORDS, files=("python",))
def keys_asked_for(module: Module, context: CheckContext) -> Iterator[ProjectFact]:
    """Names that a test speaks of, where something follows from it: an error, the end, another value, the only use."""
    if "test" in context.file.roles:
        return
    for name, at in _asked(module).items():
        if _is_ours(name) or value_name(name.upper()) is not None:
            yield ProjectFact("secret-asked", context.file.path, at.span, name, (("shown", "yes"),) if _names_a_setting(name, at) else ())


def _names_a_setting(name: str, at: Expression | Function) -> bool:
    """Whether a test speaks of a setting, and not of a variable that happens to be called like one: `settings.secret_key`, `SECRET_KEY`. A
    form's own `secret_key` is another matter."""
    if isinstance(at, Function):
        return True
    return any(last.lower() == name and (last.isupper() or before) for before, _, last in (word.rpartition(".") for word in words_in(at)))


def _asked(module: Module) -> Mapping[str, Expression | Function]:
    """The names, in lower case, that a file's tests and validators speak of, each with a place."""
    kept = module.derived.get("asked for")
    if isinstance(kept, dict):
        return kept
    found: dict[str, Expression | Function] = {}
    for statement in statements_in(module.body, into_definitions=True):
        if statement.kind == "assert" or statement.kind == "if" and _follows(statement):
            for expression in statement.expressions[:1]:
                for name in _names(expression):
                    found.setdefault(name, expression)
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, Conditional):
                    tested = list(_names(part.test))
                elif isinstance(part, Operation) and part.operator in ("or", "and"):
                    tested = [name for operand in part.operands[:-1] for name in _names(operand)]
                elif isinstance(part, Collection) and len(part.items) > 1:
                    tested = [str(item.value).lower() for item in part.items if isinstance(item, Constant) and isinstance(item.value, str)]
                else:
                    continue
                for name in tested:
                    found.setdefault(name, part)
    for function in module.functions():
        if _is_validator(function):
            for name in words_of(function):
                if name.isidentifier():
                    found.setdefault(name.lower(), function)
    module.derived["asked for"] = found
    return found


def _names(expression: Expression) -> Iterator[str]:
    """The last parts of the names, and the texts, in an expression."""
    for word in words_in(expression):
        last = word.rpartition(".")[2].strip()
        if last.isidentifier():
            yield last.lower()


def _follows(statement: Statement) -> bool:
    """Whether more than a line in the log follows from a test."""
    for inner in (*statements_in(statement.body), *statements_in(statement.orelse)):
        if inner.kind in ("raise", "return", "assign", "continue", "break", "def", "class", "delete"):
            return True
        for expression in inner.expressions:
            if isinstance(expression, Call) and (expression.name in NEVER_RETURN or not _LOGS.search(expression.name)):
                return True
    return False


_LOGS = re.compile(r"^(?:print|warnings\.warn)$|(?:^|\.)(?:debug|info|warning|warn|error|critical|exception|log|echo|secho)$")


def _is_validator(function: Function) -> bool:
    """A validator of a model, or a method that runs when one is made, and that raises."""
    named = function.name in ("__post_init__", "model_post_init", "__attrs_post_init__") or any(
        "validator" in word for decorator in function.decorators for word in words_in(decorator)
    )
    return named and any(statement.kind in ("raise", "assert") for statement in statements_in(function.body))


@collect("secret-enforced", on=[settings("*")], required_literals=[":?"])
def keys_enforced(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """`JWT_SECRET: ${JWT_SECRET:?}`: the deployment does not start without it."""
    if ":?" in setting.reference and value_name(setting.name) is not None:
        yield project_fact("secret-enforced", setting, setting.name.upper())


@project_check("PRD114", ("optional-secret", "secret-asked", "secret-enforced"))
def keys_that_may_be_missing(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Keys of the service's own that are read, never tested, and not demanded by the deployment."""
    asked: dict[str, ProjectFact] = {}
    for fact in project.about("secret-asked"):
        if fact.words not in asked or not asked[fact.words].get("shown"):
            asked[fact.words] = fact
    enforced = {fact.words: fact for fact in project.about("secret-enforced")}
    grouped: dict[str, list[ProjectFact]] = {}
    for fact in project.about("optional-secret"):
        grouped.setdefault(fact.get("setting"), []).append(fact)
    for name, facts in grouped.items():
        proof = _proof(name, facts, asked, enforced)
        if proof is not None:
            if proof.topic == "secret-enforced" or proof.get("shown"):
                yield Evidence("PRD114", proof.path, proof.span, f"`{name}` is asked for")
            continue
        read = next((fact for fact in facts if not fact.get("signs")), facts[0])
        signs = next((fact for fact in facts if fact.get("signs")), None)
        use = (
            f"and `{signs.get('signs')}` is then given none"
            if signs is not None
            else "and what it signs or encrypts is then worth nothing, or fails for users"
        )
        yield ProjectDiagnostic(read.path, read.span, f"`{name}` is {read.get('shown')} where nobody sets it, no code asks for it, {use}")


def _proof(
    name: str, facts: Sequence[ProjectFact], asked: Mapping[str, ProjectFact], enforced: Mapping[str, ProjectFact]
) -> ProjectFact | None:
    if name in enforced:
        return enforced[name]
    return next((asked[word] for word in (name.lower(), *(fact.words.lower() for fact in facts)) if word in asked), None)


# ---------------------------------------------------------------- comparisons that nothing passes

_SECRET_WORDS = ("secret", "token", "api_key", "apikey", "password")
_COMPARES = ("hmac.compare_digest", "secrets.compare_digest", "django.utils.crypto.constant_time_compare")
# Files that no client calls: what is compared there is what a test expects.
_NO_CALLERS = frozenset(("test", "docs", "vendored", "generated", "stub"))
_SENT = frozenset(("header", "query", "cookie", "form", "body", "path"))


def _sent(value: Value, depth: int = 5) -> Client | None:
    for shape in value.shapes:
        if isinstance(shape, Client) and shape.source in _SENT:
            return shape
        if isinstance(shape, Member) and depth:
            found = _sent(shape.of, depth - 1)
            if found is not None:
                return found
    return None


def _unset_secret(value: Value, *, none: bool) -> SettingRead | None:
    """The setting that a value is, empty (or None, where that counts) if nobody sets it and no test before has asked."""
    shape = value.only()
    if not isinstance(shape, SettingRead) or shape.kind != "text" or not shape.name or value_name(shape.name) is None:
        return None
    return shape if shape.default.may_be("") or none and shape.default.may_be(None) else None


def _let_in(
    one: Expression, other: Expression, at: Expression, module: Module, context: CheckContext, *, none: bool
) -> Iterator[Diagnostic]:
    if isinstance(one, Constant) or isinstance(other, Constant):
        return  # a secret beside what a client sends: neither stands in the code
    values = context.values(module)
    for secret, given in ((one, other), (other, one)):
        if not any(_is_secret(word) for word in words_in(secret)):
            continue
        read = _unset_secret(values.of(secret), none=none)
        if read is None:
            continue
        client = _sent(values.of(given))
        if client is None:
            continue
        related = (
            ()
            if read.at.line == at.line and read.at.file.path == at.file.path
            else (Related(read.at.file.path, read.at.span, f"`{read.name}` is read here"),)
        )
        is_text = read.default.may_be("")
        sends = f"{'an empty' if is_text else 'no'} {_SOURCE.get(client.source, 'value')}"
        words = f"`{read.name}` is {'empty' if is_text else 'None'} where nobody sets it: whoever sends {sends} passes this comparison"
        yield Diagnostic(at, words, priority="P0", related=related)
        return


_SOURCE = {"header": "header", "query": "parameter", "cookie": "cookie", "form": "field", "body": "field", "path": "part of the path"}


@check("PRD114", on=[calls(*_COMPARES)], files=["python"])
def compared_in_constant_time(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`hmac.compare_digest(header, SECRET)` with a secret that may be empty; with None it raises, which lets nobody in."""
    if len(call.arguments) == 2:
        yield from _let_in(call.arguments[0], call.arguments[1], call, call.module, context, none=False)


@check("PRD114", on=[every(Assignment)], required_literals=_SECRET_WORDS, files=["python"])
def compared(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`header == SECRET` with a secret that may be empty or None."""
    if (
        fact.kind != "compare"
        or context.file.roles & _NO_CALLERS
        or isinstance(fact.value, Constant)
        or not (_is_secret(fact.target) or any(_is_secret(word) for word in words_in(fact.value)))
    ):
        return
    if enclosing(fact, fact.module) is None:
        return
    statement = context.values(fact.module).flow_at(fact.start, fact.end).statement_at(fact.start)
    for expression in (part for whole in statement.expressions for part in whole.walk()) if statement is not None else ():
        if (
            isinstance(expression, Operation)
            and expression.start == fact.start
            and expression.operator in ("==", "!=")
            and len(expression.operands) == 2
        ):
            yield from _let_in(expression.operands[0], expression.operands[1], expression, fact.module, context, none=True)
            return


def _is_secret(word: str) -> bool:
    return word.isidentifier() and value_name(word) is not None
