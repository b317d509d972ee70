"""PRD704: secrets that reach a log, the console, a span or a metric."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.checks.observability.prints import is_for_a_person, is_terminal_program
from prodlint.checks.quoting import quote
from prodlint.facts import (
    Attribute,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Fact,
    FString,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Source,
    Statement,
    Subscript,
    calls_in,
    expressions_in,
    statements_in,
)
from prodlint.python.exits import log_level
from prodlint.values.places import argument_of, class_around, decorator_name, enclosing
from prodlint.values.secret_names import ANCHORS as SECRET_ANCHORS
from prodlint.values.secret_names import parts_of, secret_name

_LEVELS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "success", "trace", "notice", "msg")
_ASYNC_LEVELS = ("adebug", "ainfo", "awarning", "aerror", "aexception", "acritical", "alog")
_PRINTS = ("print", "pprint.pprint", "pprint.pp")
# Methods that keep a value beside the message, for every reader of traces, metrics or errors.
_KEEPERS = {
    "set_attribute": "a span's attribute",
    "set_attributes": "a span's attributes",
    "set_tag": "a tag of the error tracker or the trace",
    "set_extra": "the error tracker's report",
    "set_context": "the error tracker's report",
    "bind_contextvars": "every log line of the request",
    "labels": "a metric's label",
    "bind": "every line of this logger",
}
_NOT_LOGGED = frozenset(("exc_info", "stack_info", "stacklevel", "level", "file", "end", "sep", "flush"))
_ANCHORS = [*(f"{level}(" for level in _LEVELS), "print(", "pprint(", "pprint.pp(", *(f"{keeper}(" for keeper in _KEEPERS)]

_GAP = r"(?:[\s\\)]|#[^\n]*\n)*"
_NAMES = (
    r"passw|passphrase|passcode|pass\b|pwd|pw\b|secret|token|bearer|credential|creds|authorization|dsn|conninfo|conn\w*str"
    r"|(?:database|db|redis|broker|amqp|mongo\w*|postgres\w*|mysql|rabbitmq|sqlalchemy\w*)_ur[li]"
    r"|(?:settings|config|conf|cfg)(?![\w.(\[])|asdict|headers|cookies|environ|\bmeta\b|\bpost\b|get_data|get_json|model_dump"
    rf"|\.{_GAP}body|\.{_GAP}json{_GAP}\(|\.{_GAP}form\b|\.{_GAP}dict{_GAP}\(|vars{_GAP}\("
)
# Of "api_key", "api-key" and their kin the pattern of `secrets_names` says which ones there are.
_KEYS = "|".join(
    sorted({re.escape(anchor.removesuffix("key").rstrip("_-. ")) for anchor in SECRET_ANCHORS if anchor.endswith("key")} - {""})
)
_MAY_BE_SECRET = re.compile(f"{_NAMES}|(?:{_KEYS})[-_. ]{{0,2}}key".encode())
# One of these stands in whatever the pattern finds; looking for them costs a twentieth of it.
_WORDS = (
    b"passw", b"passphrase", b"passcode", b"pass", b"pwd", b"pw", b"secret", b"token", b"bearer", b"cred", b"authorization", b"dsn", b"conn", b"key",
    b"_ur", b"headers", b"cookies", b"environ", b"meta", b"post", b"body", b"get_data", b"get_json", b"json", b"form", b"model_dump", b"dict", b"vars", b"settings", b"conf", b"cfg",
)  # fmt: skip
_BRACKETS = re.compile(rb"[()]")
# Plain texts with a blank in them are messages: what they say is no value.
_MESSAGES = re.compile(rb"(?<![fFtT])(?:\"[^\"\n{]*[ ][^\"\n{]*\"|'[^'\n{]*[ ][^'\n{]*')")
_LONGEST = 1000


def _may_leak_at(data: bytes, opening: int) -> bool:
    """Whether the call whose bracket opens at an offset has a word of a secret among its arguments."""
    window = data[opening : opening + _LONGEST]
    depth = 0
    for match in _BRACKETS.finditer(window):
        depth += 1 if match.group() == b"(" else -1
        if depth == 0:
            line = window.find(b"\n", match.end())
            window = window[: line if line != -1 else len(window)]
            break
    window = _MESSAGES.sub(b"", window).lower()
    for word in _WORDS:
        if word in window:
            return _MAY_BE_SECRET.search(window) is not None
    return b"extra" in window  # `extra=fields`: the words stand where the name is given


@check(
    "PRD704",
    on=[calls(*(f"*.{level}" for level in (*_LEVELS, *_ASYNC_LEVELS)), *_PRINTS, *(f"*.{keeper}" for keeper in _KEEPERS))],
    required_literals=_ANCHORS,
    files=("python",),
)
def secret_logged(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A value under a secret's name, or all headers or settings, given to a log call."""
    where = _sink(call)
    if not where or call.scope.guards & {"main", "environment", "type-checking"} or not _may_leak_at(call.source.data, call.function.end):
        return
    if call.name in _PRINTS and (
        context.file.roles & {"script", "command", "migration", "dev"}
        or is_terminal_program(call.source.data)
        or is_for_a_person(call, enclosing(call, call.module), call.module)
    ):
        return
    seen = set()
    told_whole = False
    for at, words, whole in _leaks_of(call, context):
        if whole and told_whole:
            continue  # headers and body in one line of the log
        if words not in seen:
            seen.add(words)
            told_whole = told_whole or whole
            yield Diagnostic(at, f"{words} is written to {where}")


def _sink(call: Call) -> str:
    """Where a call puts its arguments, in words; nothing where it is no such call."""
    if call.name in _PRINTS:
        return "the console" if call.receiver is None or call.name.startswith("pprint") else ""
    if call.method in _KEEPERS:
        if call.method in ("labels", "set_context") and call.receiver is None:
            return ""
        if call.method == "set_context" and not re.search(r"(?i)sentry|scope|hub|tracker|rollbar|bugsnag", call.function.text):
            return ""
        if call.method == "labels" and not re.search(
            r"(?i)counter|gauge|histogram|summary|metric|total|seconds|count|prometheus", call.function.text
        ):
            return ""
        if call.method == "bind" and not re.search(r"(?i)log", call.function.text):
            return ""
        return _KEEPERS[call.method]
    return f"the log, by `{_shown(call)}`" if log_level(call) else ""


def _shown(call: Call) -> str:
    text = call.function.text
    return text if len(text) <= 40 and "\n" not in text else f"….{call.method}"


_Leak = tuple[Expression, str, bool]


def _leaks_of(call: Call, context: CheckContext) -> Iterator[_Leak]:
    """What among the arguments is a secret: where, its words, and whether it is a whole set of values."""
    reading = _Reading(call, context)
    for argument in call.arguments:
        yield from reading.of(argument)
    if call.method in ("set_attribute", "set_tag", "set_extra") and len(call.arguments) == 2:
        yield from reading.under(call.arguments[0], call.arguments[1])
    for keyword, value in call.keywords.items():
        if keyword not in _NOT_LOGGED:
            yield from reading.named(keyword, value)


# Words before a secret's name that make it a name, a question or a number instead: CONF_PASSWORD, should_send_token.
_KEYS_OF_MAPPINGS = frozenset(
    "path dir folder conf attr key keys header cookie env field param var column option scope grant type kind event action step error err code status msg message claim form label".split()
)
_QUESTIONS = frozenset(
    "is has had should can could did does needs need was were will use uses using with without no allow allows require requires required missing found num n count total max min valid invalid new_style supports".split()
)
# Words that leave no doubt about a token, and those of tokens that are mere marks.
_OPENS = frozenset(
    "access refresh auth oauth bearer api id session bot jwt login secret user personal bearer reset invitation invite verification".split()
)
_MARKS = frozenset(
    "lock locks locked locker redlock mutex lease leases fencing fence semaphore slot limit limits limiter concurrency reservation claim claims checkout cart basket "
    "idempotency lexer lexing parser parse parsing tokenizer tokenize tokenise grammar syntax ast tree keyword node template markdown expression sentence word words "
    "vocab vocabulary embedding embeddings logit logits llm model sampling decoder sql query scanner symbol regex stemmer glossary search index".split()
)
# A constant such as UPDATE_USER_PASSWORD names a route, a permission or an event.
_ACTIONS = frozenset("update change forgot forget create delete rotate revoke remove".split())
# Words in a name that say what was done to the secret in it.
_DISGUISES = frozenset("hash hashed masked redacted digest fingerprint sanitized truncated obfuscated encrypted".split())
_ERRORS = re.compile(r"(?:Error|Exception|Failure)$")
_SENTENCE = re.compile(r"[A-Za-z]+ [A-Za-z]+")
_MASKS = re.compile(
    r"(?i)mask|redact|hash|obfuscat|sanitiz|scrub|anonymi|fingerprint|digest|sha\d|md5|hmac|hexdigest|encrypt|censor|hide|conceal|truncat|shorten|summar|preview|safe|strip_|without|exclude|clean|filter|secretstr|secretbytes|count|len|bool"
)
_PLAIN_TYPES = re.compile(
    r"^[\"']?(?:typing\.)?(?:Optional\[)?(?:str|bytes|Any|object|None|dict\b.*|Dict\b.*|Mapping\b.*|Annotated\[str.*)(?:\s*\|\s*(?:None|str|bytes))*\]?[\"']?$"
)
_WHOLE = re.compile(r"(?:^|\.)_?(?:request|req|http_request|flask\.request|websocket|ws)\.(?:headers|META|cookies|COOKIES)$|^os\.environ$")
_BODY = re.compile(r"(?:^|\.)_?(?:request|req|http_request)\.(?:POST|body|data|form|json)$")
_BODY_CALL = re.compile(r"(?:^|\.)_?(?:request|req|http_request)\.(?:body|json|form|get_data|get_json|text|post)$")
_STORE = re.compile(
    r"(?i)^(?:database|db|redis|broker|amqp|mongo\w*|postgres\w*|pg|mysql|rabbitmq|sqlalchemy\w*|celery_broker|result_backend)$"
)
_DOWNLOADS = re.compile(r"^(?:requests|httpx|aiohttp|urllib3?)\b|(?:^|[._])(?:urlopen|urlretrieve|download\w*|fetch\w*)$")
_GENERIC = frozenset("value val v key data raw text result x s k new old header auth plain cleartext".split())
_PASSES_ON = frozenset(
    (
        "str",
        "repr",
        "ascii",
        "format",
        "dict",
        "list",
        "tuple",
        "vars",
        "json.dumps",
        "orjson.dumps",
        "pprint.pformat",
        "dataclasses.asdict",
        "dataclasses.astuple",
        "attr.asdict",
        "attrs.asdict",
        "bytes",
        "urllib.parse.quote",
        "sorted",
    )
)
_SAME_TEXT = frozenset(
    ("decode", "encode", "strip", "lstrip", "rstrip", "lower", "upper", "format", "join", "items", "copy", "title", "replace", "hex")
)
_LOOKUPS = frozenset(("get", "pop", "getenv", "getlist", "get_all", "getfirst", "setdefault"))


class _Reading:
    """Looks for secrets in the arguments of one call."""

    def __init__(self, call: Call, context: CheckContext) -> None:
        self.call = call
        self.context = context
        self.module: Module = call.module
        self._function: Function | None = None
        self._known = False
        self._replaced: frozenset[str] = frozenset()

    @property
    def function(self) -> Function | None:
        """The function around the call."""
        if not self._known:
            self._function, self._known = enclosing(self.call, self.module), True
        return self._function

    def of(self, expression: Expression, steps: int = 4) -> Iterator[_Leak]:
        """The secrets whose value becomes part of an expression's value."""
        if isinstance(expression, Name):
            yield from self._of_name(expression, steps)
        elif isinstance(expression, Attribute):
            if _is_secret(expression.attribute):
                yield expression, f"`{_cut(expression)}`", False
        elif isinstance(expression, Subscript):
            yield from self._of_subscript(expression)
        elif isinstance(expression, Call):
            yield from self._of_call(expression, steps)
        elif isinstance(expression, (FString, Collection)):
            for item in expression.items:
                yield from self.of(item, steps)
        elif isinstance(expression, Dictionary):
            named = frozenset(key.value for key, _ in expression.items if isinstance(key, Constant) and isinstance(key.value, str))
            for key, value in expression.items:
                if key is None:  # `{**data, "token": masked}`: what is named here takes the place of what `data` has under that name
                    before, self._replaced = self._replaced, named
                    yield from self.of(value, steps)
                    self._replaced = before
                else:
                    yield from self.under(key, value)
        elif isinstance(expression, Conditional):
            yield from self.of(expression.then, steps)
            yield from self.of(expression.orelse, steps)
        elif isinstance(expression, Operation):
            if expression.operator in ("+", "%", "or", "|"):
                for operand in expression.operands:
                    yield from self.of(operand, steps)
            elif expression.operator == "and":
                yield from self.of(expression.operands[-1], steps)
        elif isinstance(expression, OpaqueExpression) and expression.kind == "await":
            for item in expression.items:
                yield from self.of(item, steps)

    def under(self, key: Expression, value: Expression) -> Iterator[_Leak]:
        """The secrets in a value that stands under a key."""
        name = key.value if isinstance(key, Constant) and isinstance(key.value, str) else ""
        yield from self.named(name, value)

    def named(self, name: str, value: Expression) -> Iterator[_Leak]:
        """The secrets in a value that is given a name."""
        found = list(self.of(value))
        yield from found
        if not found and name and _is_secret(name) and isinstance(value, Name) and value.source_text.rsplit(".", 1)[-1].lower() in _GENERIC:
            if not self._is_harmless(value):
                yield value, f"`{value.source_text}`, named `{name}`,", False

    # ------------------------------------------------------------ names

    def _of_name(self, name: Name, steps: int) -> Iterator[_Leak]:
        written = name.source_text
        if _WHOLE.search(written) or name.name == "os.environ":
            yield name, f"`{written}`, with whatever secrets are in it,", True
            return
        if _BODY.search(written) and not self._is_answer(written.split(".", 1)[0]):
            yield name, f"`{written}`, with whatever secrets are in it,", True
            return
        first, _, last = written.rpartition(".")
        if _is_secret(last) or _is_store_url(last):
            if not _is_member(first, last) and not self._is_harmless(name):
                yield name, f"`{written}`", False
            return
        if self._is_all_of_flask(name):
            yield name, f"`{written}`, with whatever secrets are in it,", True
            return
        if _SETTINGS_OBJECT.search(written):
            shown = self._shown_field(name)
            if shown:
                yield name, f"`{written}`, with its `{shown}`,", False
                return
        if steps and not first and _DISGUISES.isdisjoint(parts_of(written)):
            bound = self.module.follow(name, self.call)
            if isinstance(bound, Dictionary):
                for key, value in bound.items:
                    text = key.value if isinstance(key, Constant) else None
                    if (
                        isinstance(text, str)
                        and text not in self._replaced
                        and not isinstance(value, Constant)
                        and _is_secret(text)
                        and next(self.of(value, 0), None)
                    ):
                        yield name, f"`{written}`, with its `{text}`,", False
                        return
            elif isinstance(bound, (FString, Call)):
                yield from ((name, words, whole) for _, words, whole in self.of(bound, 0))

    def _is_all_of_flask(self, name: Name) -> bool:
        """Whether a name is the configuration of a Flask application, `SECRET_KEY` included."""
        owner, _, last = name.source_text.rpartition(".")
        if last != "config" or not owner:
            return False
        if name.name == "flask.current_app.config":
            return True
        return any(isinstance(one.value, Call) and one.value.name == "flask.Flask" for one in self.module.assignments(owner))

    def _shown_field(self, name: Name) -> str:
        """The secret of plain text that the text of a settings object shows; "" where there is none, or where its class is not seen."""
        class_ = self._class_of(name)
        if class_ is None or not _shows_fields(class_):
            return ""
        for statement in class_.body:
            field = statement.targets[0].text if statement.annotation and statement.targets else ""
            if field and _is_secret(field) and _PLAIN_TYPES.match(statement.annotation) and not _is_hidden(statement):
                return field
        return ""

    def _class_of(self, name: Name) -> Class | None:
        """The class of an object: of this file, or of the file of the project that the object or its class comes from."""
        made = self.module.follow(name, self.call)
        if isinstance(made, Call):
            return self._class_named(made.function.text)
        declared = self._annotation(name.source_text).strip("\"'").partition(" ")[0]
        if declared:
            return self._class_named(declared)
        other = self._other(name.source_text)
        if other is None:
            return None
        there, written = other
        value = next((one.value for one in there.assignments(written) if not one.scope.symbol), None)
        if not isinstance(value, Call):
            return None
        maker = there.function(value.function.text)
        if maker is not None:  # `settings = get_settings()`
            returned = next((part.expressions[0] for part in statements_in(maker.body) if part.kind == "return" and part.expressions), None)
            value = returned if isinstance(returned, Call) else value
        return there.class_named(value.function.text)

    def _class_named(self, written: str) -> Class | None:
        found = self.module.class_named(written)
        other = self._other(written) if found is None else None
        return other[0].class_named(other[1]) if other is not None else found

    def _other(self, written: str) -> tuple[Module, str] | None:
        """The file of the project that a name is imported from, and its name there."""
        module, _, last = self.module.imports.get(written, "").rpartition(".")
        values = self.context.environment.python_files.values(module, self.module) if module else None
        return (values.module, last) if values is not None else None

    def _is_harmless(self, name: Name) -> bool:
        """Whether what is known of a name says that no secret stands in it: its type, its value, the loop that binds it."""
        if name.source_text.startswith("orm_"):
            return True  # the row of a table, which shows itself by its key
        if _is_of_a_challenge(name) or self.function is not None and name.text in _opened(self.function):
            return True  # what everybody may see; the path of a key
        if name.source_text.isupper() and not _ACTIONS.isdisjoint(parts_of(name.source_text)):
            return True
        if _is_store_url(name.source_text.rsplit(".", 1)[-1]) and any(
            name.split(".", 1)[0] in ("sqlite3", "aiosqlite") for name in self.module.imports.values()
        ):
            return True
        if _is_store_url(name.source_text.rsplit(".", 1)[-1]) and self._is_fetched(name.source_text):
            return True
        bound = self.module.follow(name, self.call)
        if isinstance(bound, (Constant, Collection, Dictionary)) or self._is_sentence(bound):
            return True
        if self._is_cut_before(name.source_text) or self._is_error(name.source_text):
            return True
        if isinstance(bound, Call) and (_MASKS.search(bound.method) or bound.method in ("get_logger", "getLogger", "count", "TypeVar")):
            return True
        if isinstance(bound, Operation) and bound.operator not in ("+", "%", "or"):
            return True
        if isinstance(bound, Subscript) and isinstance(bound.key, OpaqueExpression):
            return True
        if b"get_secret_value" in name.source.data and re.search(
            r"(?<![\w.])" + r"(?:[\s\\)]|#[^\n]*\n)*\.(?:[\s\\]|#[^\n]*\n)*".join((*name.source_text.split("."), "get_secret_value")),
            name.source.text,
        ):
            return True  # a SecretStr, which prints as asterisks
        annotation = self._annotation(name.source_text)
        if annotation and not _PLAIN_TYPES.match(annotation):
            return True
        kind = secret_name(name.source_text.rsplit(".", 1)[-1])
        if kind is None:
            return False
        if kind.kind == "key" and "ssh" in parts_of(name.source_text) and self._speaks_of_files():
            return True
        if kind.kind == "token" and self._is_another_token(name.source_text):
            return True
        if "." not in name.source_text and self._is_key(name.source_text):
            return True
        return kind.kind in ("token", "credential", "secret") and self._is_loop_variable(name.source_text.split(".", 1)[0])

    def _is_another_token(self, written: str) -> bool:
        """Whether a token opens nothing: it marks a lock, a lease, a place in a queue or a piece of a text."""
        own = parts_of(written)
        if not _OPENS.isdisjoint(own):
            return False
        function = self.function
        around = (self.call.scope.symbol, function.name if function is not None else "", self.call.file.name.removesuffix(".py"))
        message = next((part.value for argument in self.call.arguments[:1] for part in argument.walk() if isinstance(part, Constant)), "")
        words = {*own, *(word for text in (*around, str(message)) for word in parts_of(text))}
        return not _MARKS.isdisjoint(words)

    def _speaks_of_files(self) -> bool:
        """Whether the message says that it names a file: `using the identity file %s`."""
        first = self.call.arguments[0] if self.call.arguments else None
        return first is not None and any(
            isinstance(part, Constant) and re.search(r"(?i)\b(?:file|path)\b", str(part.value)) for part in first.walk()
        )

    def _is_fetched(self, written: str) -> bool:
        """Whether the URL of a database is one that the function downloads: a list of addresses, a file for GeoIP."""
        return any(
            isinstance(part, Call)
            and _DOWNLOADS.search(part.name or part.method) is not None
            and any(argument.text == written for argument in (*part.arguments[:2], *part.keywords.values()))
            for part in expressions_in(self.function.body if self.function is not None else ())
        )

    def _is_key(self, written: str) -> bool:
        """Whether a bare name is what something else is looked up by in this function: the name of a secret, then."""
        for part in expressions_in(self.function.body if self.function is not None else ()):
            if isinstance(part, Subscript) and isinstance(part.key, Name) and part.key.source_text == written:
                return True
            if (
                isinstance(part, Call)
                and part.method in _LOOKUPS
                and part.arguments
                and isinstance(part.arguments[0], Name)
                and part.arguments[0].source_text == written
            ):
                if isinstance(part.receiver, Name) and part.receiver.source_text.endswith(f"{written}s"):  # `self.secrets.get(secret)`
                    return True
        return False

    def _is_sentence(self, bound: Expression) -> bool:
        """Whether a text is put together from words, with no secret among them: ` (tracking URI: ..., profile: ...)`."""
        if isinstance(bound, Conditional):
            return self._is_sentence(bound.then) and (isinstance(bound.orelse, Constant) or self._is_sentence(bound.orelse))
        if not isinstance(bound, FString):
            return False
        words = any(isinstance(item, Constant) and _SENTENCE.search(str(item.value)) for item in bound.items)
        return words and next(self.of(bound, 0), None) is None

    def _is_cut_before(self, written: str) -> bool:
        """Whether the last value that a name was given before the call is a piece of a secret: `key = key[:4] + "..."`."""
        symbol = self.call.scope.symbol
        before = [one for one in self.module.assignments(written) if one.scope.symbol == symbol and one.start < self.call.start]
        if len(before) < 2:
            return False
        return any(isinstance(part, Subscript) and isinstance(part.key, OpaqueExpression) for part in before[-1].value.walk())

    def _is_error(self, written: str) -> bool:
        """Whether the call stands where the name is known to hold no secret but an error: `if isinstance(token, AuthError):`."""
        for statement in statements_in(self.function.body if self.function is not None else ()):
            if statement.kind == "if" and statement.start <= self.call.start and self.call.end <= statement.end and statement.expressions:
                for part in statement.expressions[0].walk():
                    if (
                        isinstance(part, Call)
                        and part.name == "isinstance"
                        and len(part.arguments) == 2
                        and part.arguments[0].text == written
                    ):
                        if isinstance(part.arguments[1], Name) and _ERRORS.search(part.arguments[1].name):
                            return True
        return False

    def _is_answer(self, first: str) -> bool:
        """Whether what is called a request is the answer to one: `request = requests.post(url)`."""
        symbol = self.call.scope.symbol
        return any(
            isinstance(part, Call) and not part.method.endswith(("Request", "request"))
            for one in self.module.assignments(first)
            if one.scope.symbol == symbol and symbol
            for part in (one.value, *(one.value.items if isinstance(one.value, OpaqueExpression) else ()))
        )

    def _annotation(self, written: str) -> str:
        """The type that a parameter, a variable or an attribute of this class is declared to have."""
        first, _, rest = written.partition(".")
        function = self.function
        if not rest and function is not None:
            for parameter in function.parameters:
                if parameter.name == first:
                    return parameter.annotation
        for assignment in self.module.assignments(written):
            if assignment.annotation:
                return assignment.annotation
        if first == "self" and rest and "." not in rest:
            class_ = class_around(self.call, self.module)
            return _fields_of(class_).get(rest, "") if class_ is not None else ""
        if rest and "." not in rest:
            made = self.module.constant(first)
            class_ = self.module.class_named(made.function.text) if isinstance(made, Call) else None
            return _fields_of(class_).get(rest, "") if class_ is not None else ""
        return ""

    def _is_loop_variable(self, first: str) -> bool:
        """Whether a bare name is bound by a `for`: the tokens of a text, the credentials of a list."""
        if self.function is None:
            return False
        for statement in statements_in(self.function.body):
            if statement.kind == "for" and any(
                isinstance(part, Name) and part.source_text == first for target in statement.targets for part in target.walk()
            ):
                return True
        return False

    # ------------------------------------------------------------ lookups and calls

    def _of_subscript(self, expression: Subscript) -> Iterator[_Leak]:
        key = expression.key
        if isinstance(key, Constant) and isinstance(key.value, str) and (_is_secret(key.value) or _is_store_url(key.value)):
            yield expression, f"`{_cut(expression)}`", False
        elif (
            isinstance(key, Name)
            and _is_secret(_without_kind(key.source_text.rsplit(".", 1)[-1]))
            and not isinstance(expression.value, Constant)
        ):
            if key.source_text.rsplit(".", 1)[-1].isupper():
                yield expression, f"`{_cut(expression)}`", False
        elif (
            isinstance(key, Constant)
            and key.value == "headers"
            and isinstance(expression.value, Name)
            and expression.value.source_text in ("event", "scope", "request.scope")
        ):
            yield expression, f"`{_cut(expression)}`, with whatever secrets are in it,", True

    def _of_call(self, call: Call, steps: int) -> Iterator[_Leak]:
        if call.method == "get_secret_value":
            yield call, f"`{_cut(call)}`", False
        elif call.name in _PASSES_ON:
            for argument in (*call.arguments, *call.keywords.values()):
                yield from self.of(argument, steps)
        elif _BODY_CALL.search(call.function.text) and not self._is_answer(call.function.text.split(".", 1)[0]):
            yield call, f"`{_cut(call)}`, with whatever secrets are in it,", True
        elif call.method in _LOOKUPS and call.arguments:
            key = call.arguments[0]
            text = (
                key.value
                if isinstance(key, Constant) and isinstance(key.value, str)
                else key.source_text.rsplit(".", 1)[-1]
                if isinstance(key, Name) and key.source_text.isupper()
                else ""
            )
            if text and (_is_secret(_without_kind(text)) or _is_store_url(text)):
                yield call, f"`{_cut(call)}`", False
        elif call.name == "getattr" and len(call.arguments) > 1:
            key = call.arguments[1]
            if isinstance(key, Constant) and isinstance(key.value, str) and _is_secret(key.value):
                yield call, f"`{_cut(call)}`", False
        elif call.method in _SAME_TEXT and call.receiver is not None:
            yield from self.of(call.receiver, steps)
            if call.method in ("format", "join"):
                for argument in (*call.arguments, *call.keywords.values()):
                    yield from self.of(argument, steps)
        elif call.method in ("model_dump", "dict", "model_dump_json", "json") and isinstance(call.receiver, Name):
            yield from self._of_dump(call, call.receiver)

    def _of_dump(self, call: Call, receiver: Name) -> Iterator[_Leak]:
        """A whole model as text: settings, or a class of this file with a field of plain text under a secret's name."""
        if any(keyword in call.keywords for keyword in ("exclude", "include")):
            return
        made = self.module.follow(receiver, self.call)
        class_ = (
            self.module.class_named(self._annotation(receiver.source_text).strip("\"'").split(" ", 1)[0])
            or self.module.class_named(receiver.name.split("(", 1)[0])
            or (self.module.class_named(made.function.text) if isinstance(made, Call) else None)
        )
        if class_ is None:
            if _ALL_SETTINGS.search(receiver.source_text) and receiver.source_text.split(".", 1)[0] in self.module.imports:
                yield call, f"`{_cut(call)}`, with whatever secrets are in it,", True
            return
        for field, annotation in _fields_of(class_).items():
            if _is_secret(field) and _PLAIN_TYPES.match(annotation):
                yield call, f"`{_cut(call)}`, with its `{field}`,", False
                return


_SETTINGS_OBJECT = re.compile(r"(?:^|[._])(?:settings|config|configuration|conf|cfg)$", re.IGNORECASE)
_MODELS = re.compile(r"(?:^|\.)(?:BaseSettings|BaseModel|NamedTuple|SQLModel|Struct)$")
_RECORDS = re.compile(r"(?:^|\.)(?:dataclass|define|frozen|mutable|attrs|dataclasses\.dataclass|attr\.s|attr\.define)$")


def _shows_fields(class_: Class) -> bool:
    """Whether the text of an object is that of its fields: a model's or a dataclass's, without a `__repr__` or `__str__` of its own."""
    if any(statement.definition is not None and statement.definition.name in ("__repr__", "__str__") for statement in class_.body):
        return False
    return any(_MODELS.search(base) for base in class_.bases) or any(
        _RECORDS.search(decorator_name(decorator)) for decorator in class_.decorators
    )


def _is_hidden(statement: Statement) -> bool:
    """Whether a field is told to stay out of the object's text: `Field(repr=False)`."""
    value = statement.expressions[-1] if statement.expressions else None
    told = value.keywords.get("repr") if isinstance(value, Call) else None
    return isinstance(told, Constant) and told.value is False


# Settings of another file, all at once.
_ALL_SETTINGS = re.compile(r"(?:^|[._])settings$")


def _fields_of(class_: Class) -> dict[str, str]:
    """The declared fields of a class and their types, those without a value included."""
    return {statement.targets[0].text: statement.annotation for statement in class_.body if statement.annotation and statement.targets}


def _is_secret(name: str) -> bool:
    """Whether a name says that its value is a secret, and not a switch, a number or another name."""
    found = secret_name(name)
    if found is None or not found.certain:
        return False
    words = parts_of(name)
    if words[-1:] and words[-1].isdigit() and words[-3:-1] == ("service", "key"):
        return False  # `service_key_1`: the first part of what names a service
    if words[-2:] == ("service", "key") and not name.isupper():
        return False  # what names a service in a table; Supabase's own key stands in a setting
    if len(words) > 1 and (words[0] in _KEYS_OF_MAPPINGS or words[0] in _QUESTIONS):
        return False
    return not (found.kind == "connection" and "sentry" in words) and words not in (("sentry", "dsn"), ("dsn",))


def _without_kind(name: str) -> str:
    """CONF_PASSWORD as a key stands for what lies under "password"."""
    first, _, rest = name.partition("_")
    return rest if first.lower() in _KEYS_OF_MAPPINGS and rest else name


def _is_store_url(name: str) -> bool:
    """DATABASE_URL and its kin: a connection string with the password in it."""
    words = parts_of(name)
    return (
        len(words) > 1
        and words[-1] in ("url", "uri", "dsn")
        and any(_STORE.match(word) for word in words[:-1])
        and not {"sanitized", "safe", "masked", "redacted", "name"} & set(words)
    )


def _is_of_a_challenge(name: Name) -> bool:
    """Whether a token is the one that ACME has published in the DNS or below `/.well-known`, for everybody to see."""
    return name.source_text.rpartition(".")[2].lower() == "token" and _has_challenges(name.source)


_CHALLENGE = re.compile(rb"[\"']TXT[\"']|_acme-challenge|\.well-known/acme|\bacme\.")


@lru_cache(maxsize=4)
def _has_challenges(source: Source) -> bool:
    return _CHALLENGE.search(source.data) is not None


_OPENS = frozenset(("open", "io.open", "pathlib.Path", "Path", "os.path.exists", "os.path.isfile"))


@lru_cache(maxsize=4)
def _opened(function: Function) -> frozenset[str]:
    """What a function opens, as written: paths."""
    return frozenset(call.arguments[0].text for call in calls_in(function.body) if call.name in _OPENS and call.arguments)


def _is_member(first: str, last: str) -> bool:
    """Whether a dotted name is a member of an enumeration: `GrantType.PASSWORD`."""
    owner = first.rsplit(".", 1)[-1]
    return last.isupper() and owner[:1].isupper() and not owner.isupper() and not owner.endswith(("Settings", "Config", "Secrets", "Env"))


def _cut(fact: Fact) -> str:
    return quote(fact.text)


_RAISED = rb"\braise\b[^#]{0,200}?(?i:passw|passphrase|pwd|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|authorization|database_ur[li])"


# Errors of readers of texts, whose tokens are words.
_OF_TEXTS = re.compile(r"(?i)syntax|pars|lex|token|decode|grammar|template")


@check("PRD704", on=[every(Function)], required_literals=["raise"], required_pattern=_RAISED, files=("python",))
def secret_raised(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`raise ValueError(f"login with {password} refused")`: whoever logs the error logs the secret."""
    if not context.options.get("exceptions"):
        return
    for statement in statements_in(function.body):
        raised = statement.expressions[0] if statement.kind == "raise" and statement.expressions else None
        if (
            not isinstance(raised, Call)
            or _OF_TEXTS.search(raised.function.text)
            or not _may_leak_at(raised.source.data, raised.function.end)
        ):
            continue
        reading = _Reading(raised, context)
        for argument in (*raised.arguments, *raised.keywords.values()):
            if isinstance(argument, (FString, Operation)) or (isinstance(argument, Call) and argument.method == "format"):
                for at, words, _ in reading.of(argument):
                    yield Diagnostic(at, f"{words} becomes part of an error's message: logs, reports and clients get it", priority="P1")
                    break


@check("PRD704", on=[calls("sentry_sdk.init")], required_literals=["send_default_pii"], files=("python",))
def personal_data_sent(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Sentry told to send cookies, headers and addresses with every event."""
    told = argument_of(call, "send_default_pii")
    if not context.options.get("personal-data"):
        return
    if isinstance(told, Constant) and told.value is True and not {"before_send", "event_scrubber"} & set(call.keywords):
        yield Diagnostic(
            call.keywords["send_default_pii"],
            "`send_default_pii=True` sends cookies, authorization headers and client addresses with every event",
            priority="P2",
        )
