"""PRD644 env-bool-truthiness: the text "False" is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from prodlint.checks import CheckContext, Diagnostic, check, every
from prodlint.facts import Assignment, Call, Conditional, Constant, Expression, Module, Name, Operation, Statement, Subscript
from prodlint.model import FixRequest
from prodlint.values.lattice import Known, Setting
from prodlint.values.places import argument_of
from prodlint.values.truth import TRUTHY

READS = ("os.getenv", "os.environ.get")
# Text unless it is told to `cast`.
_DECOUPLE = "decouple.config"
_SWITCH_KEYWORDS = ("debug", "reload", "verify", "use_reloader", "echo", "testing")
_SWITCH = re.compile(
    r"(?:^|_)(?:DEBUG|RELOAD|TESTING|ENABLED?|DISABLED?|USE|IS|VERIFY|SKIP|ALLOW|INSECURE|VERBOSE|DRY_RUN|FORCE|HTTPS_ONLY|SECURE|STRICT|DEV|PROD|ON|OFF)(?:_|$)"
)
# Variables whose presence is the message, whatever they hold (https://no-color.org, and what CI hosts set).
_PRESENCE = frozenset(
    (
        "CI",
        "NO_COLOR",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "KUBERNETES_SERVICE_HOST",
        "AWS_LAMBDA_FUNCTION_NAME",
        "PYTEST_CURRENT_TEST",
    )
)
_VALUE_WORDS = re.compile(
    r"(?:^|_)(?:BUNDLE|DSN|URL|URI|KEY|TOKEN|PATH|DIR|FILE|HOST|PORT|NAME|ID|SECRET|PASSWORD|ADDR|ADDRESS|ENDPOINT|REGION|BUCKET|LEVEL|TIMEOUT|USER|LIST|HOSTS|ORIGINS|DIRS|PATHS|VERSION|PROXY|CERT|CA|ENV|MODULE|BACKEND)$"
)
# Functions that turn text into the value it spells.
_PARSERS = frozenset(("loads", "load", "safe_load", "literal_eval", "eval"))
_FALSE_TEXTS = frozenset(("false", "0", "no", "off", "f", "n"))


# A name that a read is given to, and may be tested under.
_GIVEN_TO = re.compile(rb"(\w+)[ \t)]*(?::[^=\n]*)?=[\s\\(]*(?:os[\s\\)]*\.[\s\\]*)?\Z")
_WITH_DEFAULT = re.compile(
    rb"(?:[\s(]|#[^\n]*\n)*(?:key\s*=[\s(]*)?[\"']([A-Za-z0-9_]+)[\"'](?:[\s)]|#[^\n]*\n)*,(?:[\s(]|#[^\n]*\n)*(?:default(?:\s|#[^\n]*\n)*=(?:[\s(]|#[^\n]*\n)*)?([^\n]{0,12})"
)
_SAYS_NO = re.compile(rb"(?i)[\"'](?:false|0|no|off|f|n)[\"']")
_READ = re.compile(rb"(?:getenv|environ[\s\\)]*\.[\s\\]*get)\w{0,9}[\s\\)]*\(")


def _names_given(data: bytes) -> set[bytes]:
    """The names that reads of switches with a default are given to: testing those is what this rule is about."""
    found = set()
    for match in _READ.finditer(data):
        read = _WITH_DEFAULT.match(data, match.end())
        if read is None or not (_SWITCH.search(read.group(1).decode().upper()) or _SAYS_NO.match(read.group(2))):
            continue
        name = _GIVEN_TO.search(data, max(0, match.start() - 160), match.start())
        if name is not None:
            found.add(name.group(1))
    return found


def _readers(module: Module) -> dict[str, Call]:
    """The functions of a file that do nothing but give the text of a variable, by name."""
    found: dict[str, Call] = {}
    if _GIVES_READ.search(module.source.data) is None:
        return found
    for function in module.functions():
        body = [statement for statement in function.body if statement.kind != "expression" or statement is function.body[-1]]
        last = body[-1] if len(body) == 1 else None
        if last is not None and last.kind == "return" and last.expressions:
            read = last.expressions[0]
            if isinstance(read, Call) and read.name in READS:
                found[function.name] = read
    return found


_GIVES_READ = re.compile(rb"return[\s(]+(?:os[\s\\]*\.[\s\\]*)?(?:getenv|environ)")


# Statements that hold none of these have nothing to say here.
_READING = (b"getenv", b"environ")


@check(
    "PRD644",
    on=[every(Module)],
    required_literals=["getenv", "environ.get", "environ[", "in os.environ", "in environ", ("decouple", "config(")],
    files=("python", "notebook"),
)
def truth_of_text(module: Module, context: CheckContext) -> Iterator[Diagnostic]:
    """Every place that takes the truth value of text from the environment."""
    data = module.source.data
    words = {*_READING, *_names_given(data), *([b"config"] if b"decouple" in data else [])}
    readers = _readers(module)
    words.update(name.encode() for name in readers)
    mentions = re.compile(b"|".join(map(re.escape, sorted(words))))
    for statement in _mentioning(module.body, mentions, data):
        for expression in statement.expressions:
            for call in expression.walk():
                if isinstance(call, Call):
                    yield from _called(call, module)
                    yield from _given_by_function(call, readers)
        if statement.kind in ("if", "while", "assert") and statement.expressions and readers:
            yield from _truth_of_function(statement.expressions[0], readers)
        if statement.kind in ("if", "while", "assert") and statement.expressions and not _sets_when_missing(statement):
            yield from _truth(statement.expressions[0], module)
        if statement.kind == "assign" and statement.assignment is not None and statement.expressions:
            yield from _kept(statement.assignment, statement.expressions[0])
            yield from _framework_switch(statement.assignment, context)
        for expression in statement.expressions:
            for part in expression.walk():
                if isinstance(part, Conditional):
                    yield from _truth(part.test, module)
                elif isinstance(part, Operation) and part.operator in ("in", "not in", "is", "is not"):
                    yield from _presence(part, module)
                elif isinstance(part, Operation) and part.operator == "and" and statement.kind not in ("if", "while", "assert"):
                    yield from _truth(part.operands[0], module)


def _called(call: Call, module: Module) -> Iterator[Diagnostic]:
    """`bool(os.getenv("X"))`, and a read given to a keyword that is a switch."""
    if call.name == "bool" and len(call.arguments) == 1:
        yield from _tested(_read_behind(call.arguments[0], module), "bool(...)", call, certain=True)
    for name in _SWITCH_KEYWORDS:
        value = call.keywords.get(name) if call.name not in READS else None
        if isinstance(value, Call) and value.name in READS:
            yield from _tested(value, f"`{name}=`", value, certain=True)


def _read_of(expression: Expression, readers: Mapping[str, Call]) -> Call | None:
    """The read that a call of a function of the file gives: `is_debug()`, `self.use_tls()`."""
    if not isinstance(expression, Call) or expression.arguments or expression.keywords:
        return None
    receiver = expression.receiver
    return readers.get(expression.method) if receiver is None or receiver.text in ("self", "cls") else None


def _given_by_function(call: Call, readers: Mapping[str, Call]) -> Iterator[Diagnostic]:
    """`FastAPI(debug=is_debug())`, `bool(is_debug())`."""
    if not readers or call.name in READS:
        return
    named = [(call.arguments[0], "bool(...)")] if call.name == "bool" and len(call.arguments) == 1 else []
    for given, where in (*named, *((call.keywords[name], f"`{name}=`") for name in _SWITCH_KEYWORDS if name in call.keywords)):
        read = _read_of(given, readers)
        if read is not None:
            yield from _without_fix(_tested(read, where, given, certain=True))


def _truth_of_function(expression: Expression, readers: Mapping[str, Call]) -> Iterator[Diagnostic]:
    """`if is_debug():` where the function gives text."""
    if isinstance(expression, Operation) and expression.operator in ("not", "and", "or"):
        for operand in expression.operands:
            yield from _truth_of_function(operand, readers)
        return
    read = _read_of(expression, readers)
    if read is not None:
        yield from _without_fix(_tested(read, "a condition", expression, certain=False))


def _without_fix(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """What is to be mended is the function, not the place that asks it."""
    for one in found:
        yield replace(one, fix=None)


def _read_behind(expression: Expression, module: Module) -> Expression:
    """The read that a name bound once stands for: `debug = os.getenv("DEBUG", "False")`."""
    if not isinstance(expression, Name) or "." in expression.source_text:
        return expression
    bound = module.follow(expression, expression)
    default = argument_of(bound, "default", 1) if isinstance(bound, Call) and bound.name in READS else None
    # One with a boolean for default is reported where it is read.
    if (
        not isinstance(default, Constant)
        or isinstance(default.value, bool)
        or _is_known_as_text(expression.source_text, module.source.data)
    ):
        return expression
    return bound


def _is_known_as_text(name: str, data: bytes) -> bool:
    """Whether the text under a name is compared somewhere, or converted: who does that knows that it is one."""
    word = re.escape(name.encode())
    known = (
        rb"\b%s\b[\])\s\\]*(?:==|!=|\.[\s\\]*(?:lower|upper|strip|casefold)\b|\b(?:not[\s\\]+)?in\b)|\b(?:str|int|float|strtobool|str2bool|\w*bool\w*)[\s\\)]*\((?:[\s(]|#[^\n]*\n)*%s\b"
        % (word, word)
    )
    return re.search(known, data) is not None


def _kept(assignment: Assignment, value: Expression) -> Iterator[Diagnostic]:
    """`app.debug = os.getenv("DEBUG")`, and `VERIFY = os.getenv("VERIFY", True)`: a text, or a boolean where there is none."""
    if not isinstance(value, Call) or value.name not in READS:
        return
    default = argument_of(value, "default", 1)
    if isinstance(default, Constant) and isinstance(default.value, bool):
        # `DEBUG_URL = os.getenv("DEBUG_URL", False)`: an address, or none.
        if not _is_known_as_text(assignment.target, assignment.source.data) and not _VALUE_WORDS.search(assignment.target.upper()):
            yield from _tested(value, f"`{assignment.target}`", value, certain=True)
    elif assignment.kind in ("attribute", "subscript") and assignment.target.lower() in _SWITCH_KEYWORDS:
        yield from _tested(value, f"`{assignment.qualified}`", value, certain=True)
    elif (
        assignment.annotation == "bool"
        and not _is_converted(assignment)
        and not _is_known_as_text(assignment.target, assignment.source.data)
    ):
        yield from _tested(value, f"`{assignment.target}: bool`", value, certain=True)


def _is_converted(assignment: Assignment) -> bool:
    """Whether the annotation is obeyed: pydantic's settings convert their defaults as they do what comes from outside."""
    class_ = assignment.module.class_named(assignment.scope.class_) if assignment.scope.class_ else None
    return class_ is not None and any("Settings" in base for base in class_.bases)


# Settings that Django, Flask and their extensions take the truth of; nobody compares them.
_FRAMEWORK_SWITCH = re.compile(
    r"^(?:(?:TEMPLATE_)?DEBUG|TESTING|DEBUG_PROPAGATE_EXCEPTIONS|(?:SESSION|CSRF|LANGUAGE)_COOKIE_(?:SECURE|HTTPONLY)|SECURE_(?:SSL_REDIRECT|HSTS_INCLUDE_SUBDOMAINS|HSTS_PRELOAD|CONTENT_TYPE_NOSNIFF|BROWSER_XSS_FILTER)"
    r"|USE_X_FORWARDED_(?:HOST|PORT)|USE_(?:TZ|I18N|L10N)|CORS_(?:ALLOW_ALL_ORIGINS|ORIGIN_ALLOW_ALL|ALLOW_CREDENTIALS|ALLOW_PRIVATE_NETWORK)|EMAIL_USE_(?:TLS|SSL)|CELERY_(?:TASK_)?ALWAYS_EAGER|CSRF_USE_SESSIONS"
    r"|SESSION_(?:SAVE_EVERY_REQUEST|EXPIRE_AT_BROWSER_CLOSE)|APPEND_SLASH|CONN_HEALTH_CHECKS|ATOMIC_REQUESTS|WTF_CSRF_ENABLED|SQLALCHEMY_ECHO|PROPAGATE_EXCEPTIONS)$"
)
_SETTINGS_MODULE = (b"INSTALLED_APPS", b"ROOT_URLCONF", b"MIDDLEWARE", b"WSGI_APPLICATION")


def _framework_switch(assignment: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`SESSION_COOKIE_SECURE = os.environ.get("COOKIE_SECURE", "True")` in a settings module: the framework asks for its truth."""
    if not _FRAMEWORK_SWITCH.match(assignment.target):
        return
    data = assignment.source.data
    if not (assignment.kind == "subscript" and "config[" in assignment.qualified or _is_of_configuration_class(assignment)):
        if assignment.kind not in ("name", "annotated") or assignment.scope.symbol:
            return
        if "settings" not in context.file.roles and not any(word in data for word in _SETTINGS_MODULE):
            return
    read = assignment.value
    if isinstance(read, Constant) or isinstance(read, Call) and read.method in _PARSERS or _is_known_as_text(assignment.target, data):
        return
    if isinstance(read, Call) and assignment.kind == "subscript" and assignment.target.lower() in _SWITCH_KEYWORDS:
        return  # `app.config["DEBUG"]`: said with the other spellings
    shapes = context.values(assignment.module).of(read).shapes
    if any(not isinstance(shape, Setting | Known) or isinstance(shape, Setting) and shape.kind != "text" for shape in shapes):
        return  # a helper converts it on one of its ways: `from_env("DEBUG", "False", as_bool)`
    for shape in shapes:
        if isinstance(shape, Setting) and shape.name and not any(shape.default.clients()):
            default = next((constant for constant in shape.default.constants() if isinstance(constant, str)), "")
            says = f", and so is its own default {default!r}" if default.strip().lower() in _FALSE_TEXTS else ""
            words = f'`{assignment.target}` is given text: `{shape.name}` is true for any, "False" and "0" included{says}'
            on = any(constant is True or str(constant).strip().lower() in TRUTHY for constant in shape.default.constants())
            fix = _comparing(shape.name, on=on) if isinstance(read, Call) and read.name in READS else None
            yield Diagnostic(read, words, fix=fix)
            return


def _is_of_configuration_class(assignment: Assignment) -> bool:
    """Whether an assignment is an attribute of a class of plain values, such as Flask's `Config`; pydantic's convert what they are given."""
    if assignment.kind != "field":
        return False
    class_ = assignment.module.class_named(assignment.scope.class_)
    return (
        class_ is not None
        and re.search(r"Config|Settings", class_.name) is not None
        and not any("Settings" in base or "Model" in base for base in class_.bases)
    )


def _presence(operation: Operation, module: Module) -> Iterator[Diagnostic]:
    """`"DEBUG" in os.environ`, `os.environ.get("DEBUG") is not None`: `DEBUG=False` switches it on."""
    name = _asked_for(operation)
    if not _SWITCH.search(name.upper()) or _VALUE_WORDS.search(name.upper()) or name in _PRESENCE:
        return
    word = re.escape(name.encode())
    reads = re.finditer(
        rb"(?:environ[\s\\)]*\[|(?:getenv|environ[\s\\)]*\.[\s\\]*(?:get|pop))[\s\\)]*\()(?:[\s(]|#[^\n]*\n)*[\"']%s[\"']" % word,
        module.source.data,
    )
    if any(not operation.start <= read.start() < operation.end for read in reads):
        return  # its value is read as well
    yield Diagnostic(operation, f'`{name}` is only tested for presence: "False" and "0" switch it on too', fix=_comparing(name))


def _asked_for(operation: Operation) -> str:
    """The variable of which an operation asks whether it is there, or ""."""
    first, last = operation.operands[0], operation.operands[-1]
    key: Expression | None = None
    if operation.operator in ("in", "not in"):
        if isinstance(last, Call) and last.method == "keys" and last.receiver is not None:
            last = last.receiver
        if isinstance(last, Name) and last.name in ("os.environ", "environ"):
            key = first
    elif isinstance(last, Constant) and last.value is None and isinstance(first, Call) and first.name in READS:
        default = first.argument(1, "default")
        key = first.argument(0, "key") if default is None or isinstance(default, Constant) and default.value is None else None
    return key.value if isinstance(key, Constant) and isinstance(key.value, str) else ""


def _comparing(name: str, on: bool = False) -> FixRequest:
    """Compare the text with the words for yes. on: what it is where nobody sets it, which stays so."""
    text = f'os.getenv("{name}", "{"true" if on else ""}").lower() in {{"1", "true", "yes", "on"}}'
    return FixRequest("replace", "Compare the text", False, (("text", text), ("import", "os")))


def _sets_when_missing(statement: Statement) -> bool:
    """`if not os.environ.get("X"): os.environ["X"] = "1"`: whether it is there is all that is asked."""
    if statement.kind != "if":
        return False
    keys = {
        target.key.value
        for inner in statement.body
        for target in inner.targets
        if isinstance(target, Subscript) and target.value.text.endswith("environ") and isinstance(target.key, Constant)
    }
    if not keys:
        return False
    asked = [part.argument(0, "key") for part in statement.expressions[0].walk() if isinstance(part, Call) and part.name in READS]
    return bool(asked) and all(isinstance(key, Constant) and key.value in keys for key in asked)


def _mentioning(block: Sequence[Statement], mentions: re.Pattern[bytes], data: bytes) -> Iterator[Statement]:
    """The statements that hold one of the words, and those inside them that do, bodies of definitions included."""
    for statement in block:
        if mentions.search(data, statement.start, statement.end):
            yield statement
            for inner in statement.blocks():
                yield from _mentioning(inner, mentions, data)


def _truth(expression: Expression, module: Module) -> Iterator[Diagnostic]:
    """The reads whose truth value decides."""
    if isinstance(expression, Operation) and expression.operator in ("not", "and", "or"):
        for operand in expression.operands:
            yield from _truth(operand, module)
    elif isinstance(expression, (Call, Subscript, Name)):
        yield from _tested(_read_behind(expression, module), "a condition", expression, certain=False)


def _tested(read: Expression, where: str, at: Expression, certain: bool) -> Iterator[Diagnostic]:
    key: Expression | None
    default: Expression | None
    if isinstance(read, Subscript) and isinstance(read.value, Name) and read.value.name == "os.environ":
        key, default = read.key, None
    elif isinstance(read, Call) and (read.name in READS or (read.name == _DECOUPLE and "cast" not in read.keywords)):
        key, default = read.argument(0, "key"), argument_of(read, "default", 1)
    else:
        return
    name = key.value if isinstance(key, Constant) and isinstance(key.value, str) else ""
    if not name or name in _PRESENCE or where == "`verify=`" and _VALUE_WORDS.search(name.upper()):
        return  # a file of certificates, or the word for those of the system
    text = default.value if isinstance(default, Constant) else None
    says_false = isinstance(text, str) and text.strip().lower() in _FALSE_TEXTS
    says_bool = isinstance(text, bool)
    if not (says_false or says_bool):
        if _VALUE_WORDS.search(name.upper()):
            return
        if not _SWITCH.search(name.upper()) and not (certain and default is None):
            return
        if certain and default is None and not _SWITCH.search(name.upper()):
            return
    shown = f"`{name}`"
    words = (
        f'{shown} is true for any non-empty value, even "False" and "0"'
        if not says_false
        else f"{shown} is true even by its own default, the text {text!r}"
    )
    # Who only asks whether it is there may well mean that.
    on = text is True or isinstance(text, str) and text.strip().lower() in TRUTHY
    meant = not certain and not says_false and not says_bool
    yield Diagnostic(at, f"{words}, in {where}", fix=None if meant else _comparing(name, on=on))
