"""Text of clients in pages and mails that nothing escapes, and templates that do not escape (PRD463): what frameworks answer as HTML by default,
HTML mails, Mako, and Django's and Mako's switches. Calls that say "this is markup" are in `destinations`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, calls, check, every, text
from prodlint.checks.web.parts import entered
from prodlint.facts import Assignment, Call, Collection, Constant, Dictionary, Expression, Function, OpaqueExpression, statements_in
from prodlint.facts import Text as WholeText
from prodlint.values.expressions import dictionary
from prodlint.values.lattice import Client, Known, Text, Value
from prodlint.values.places import enclosing
from prodlint.values.sources import handler_of

_FROM = {
    "path": "the request's path",
    "query": "the query",
    "body": "the request's body",
    "header": "a header",
    "cookie": "a cookie",
    "form": "a form",
    "upload": "an upload",
    "message": "a message",
    "event": "the event",
    "request": "the request",
}
_OPENS = re.compile(r"<(?:[a-zA-Z!/])")
_SAYS_TYPE = re.compile(r"content_?type|mimetype|media_type|content-type|\.read_(?:text|bytes)\(", re.IGNORECASE)


def _shown_client(value: Value) -> Client | None:
    """The client whose text stands in a text as it is; not where the text is JSON put together by hand, or a part of the path without markup."""
    for shape in value.shapes:
        if not isinstance(shape, Text):
            continue
        written = "".join(
            str(one.value) for part in shape.parts for one in part.value.shapes if isinstance(one, Known) and isinstance(one.value, str)
        )
        if written.lstrip()[:1] in ("{", "["):
            continue
        for client in Value((shape,)).clients():
            if client.source != "path" or _OPENS.search(written):
                return client
    return None


def _report(at: Expression, client: Client, how: str) -> Diagnostic:
    words = f"{how} text from {_FROM.get(client.source, 'the request')} as HTML without escaping it: a visitor's script runs in others' browsers"
    return Diagnostic(at, words, related=entered(client) if not isinstance(client.at, Function) and client.at.line != at.line else ())


# ---------------------------------------------------------------- answers

# Frameworks that answer with HTML where a handler gives a text and says nothing else.
_TEXT_IS_HTML = frozenset(("Flask", "Quart", "Bottle"))


@check(
    "PRD463",
    on=[every(Function)],
    required_literals=[("flask", "return"), ("quart", "return"), ("bottle", "return"), ("response_class", "htmlresponse")],
    files=["python"],
)
def returned_markup(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A handler that returns a text with a client's text in it where the framework makes HTML of it."""
    returned = [
        statement.expressions[0] for statement in statements_in(function.body) if statement.kind == "return" and statement.expressions
    ]
    candidates = [found for expression in returned if (found := _body_of(expression)) is not None]
    if not candidates or not (function.decorators or function.class_ is not None):
        return
    evaluator = context.values(function.module)
    html = any(
        isinstance(decorator, Call)
        and decorator.keywords.get("response_class") is not None
        and "HTML" in decorator.keywords["response_class"].text
        for decorator in function.decorators
    )
    if not html:
        framework = handler_of(evaluator, function, function.class_)
        if framework is None or framework.name not in _TEXT_IS_HTML or _is_given_another_type(function):
            return
        if any(base.endswith("Resource") for base in (function.class_.bases if function.class_ is not None else ())):
            return  # Flask-RESTful and RESTX make JSON of a text
    for body in candidates:
        client = _shown_client(evaluator.of(body))
        if client is not None:
            yield _report(body, client, f"`{function.name}` returns")


# What gives a file's text, not its name's.
_READING = ("read_text", "read_bytes", "read", "open")


def _body_of(returned: Expression) -> Expression | None:
    """The body of `return body`, `return body, 200`; None where a third part gives headers, or where it cannot be a text."""
    if isinstance(returned, Collection):
        if returned.kind != "tuple" or len(returned.items) > 2 or not returned.items:
            return None
        returned = returned.items[0]
    if isinstance(returned, Constant) or isinstance(returned, Call) and returned.method in _READING:
        return None
    return returned


def _is_given_another_type(function: Function) -> bool:
    """Whether a function speaks of a content type: what it returns is what it says there."""
    return any(_SAYS_TYPE.search(decorator.text) for decorator in function.decorators) or _SAYS_TYPE.search(function.text) is not None


# Answers that are HTML where nothing else is said, and the keywords that say it; and those that are not, where it must be said.
_HTML_ANSWERS = (
    "flask.make_response",
    "flask.Response",
    "quart.make_response",
    "quart.Response",
    "pyramid.response.Response",
    *(
        f"django.http.{name}"
        for name in ("HttpResponse", "HttpResponseBadRequest", "HttpResponseNotFound", "HttpResponseForbidden", "HttpResponseServerError")
    ),
)
_OTHER_ANSWERS = (
    "fastapi.Response",
    "fastapi.responses.Response",
    "starlette.responses.Response",
    "aiohttp.web.Response",
    "litestar.Response",
    "litestar.response.Response",
    "werkzeug.wrappers.Response",
    "falcon.Response",
    "sanic.response.HTTPResponse",
)
_TYPES = ("content_type", "mimetype", "media_type")


@check(
    "PRD463",
    on=[calls(*_HTML_ANSWERS, *_OTHER_ANSWERS)],
    required_literals=[
        "make_response",
        "httpresponse",
        ("response", "flask"),
        ("response", "quart"),
        ("pyramid", "response"),
        ("response", "html"),
    ],
    files=["python"],
)
def answered_markup(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """An answer of HTML with a client's text in it."""
    body = call.argument(0, "content") or call.keywords.get("response") or call.keywords.get("body") or call.keywords.get("text")
    if body is None or isinstance(body, (Constant, OpaqueExpression)) or call.stars:
        return
    said = next((call.keywords[name] for name in _TYPES if name in call.keywords), None)
    if said is None and call.name.startswith("django.") and len(call.arguments) > 1:
        said = call.arguments[1]
    evaluator = context.values(call.module)
    if said is not None:
        if not any(isinstance(text, str) and "html" in text for text in evaluator.of(said).constants()):
            return
    elif call.name in _OTHER_ANSWERS:
        return
    else:
        function = enclosing(call, call.module)
        if "headers" in call.keywords or function is not None and _SAYS_TYPE.search(function.text):
            return
    client = _shown_client(evaluator.of(body))
    if client is not None:
        yield _report(body, client, f"`{call.method}` answers with")


@check(
    "PRD463",
    on=[calls("*.write", "*.finish")],
    required_literals=[("tornado", "requesthandler")],
    files=["python"],
)
def written_markup(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Tornado's `self.write(f"<h1>{self.get_argument('q')}</h1>")`: a text is HTML there."""
    body = call.argument(0, "chunk")
    function = enclosing(call, call.module)
    if body is None or call.receiver is None or call.receiver.text != "self" or function is None or function.class_ is None:
        return
    if not any(base.endswith("RequestHandler") for base in function.class_.bases) or _SAYS_TYPE.search(function.class_.text):
        return
    client = _shown_client(context.values(call.module).of(body))
    if client is not None:
        yield _report(body, client, f"`{call.method}` answers with")


@check("PRD463", on=[every(Function)], required_literals=[("statuscode", "text/html")], files=["python"])
def answer_of_a_function(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """`return {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": f"<h1>{name}</h1>"}` of a function behind a gateway."""
    module = function.module
    for statement in statements_in(function.body):
        if statement.kind != "return" or not statement.expressions:
            continue
        answer = module.follow(statement.expressions[0], statement.expressions[0])
        if not isinstance(answer, Dictionary) or answer.get("statusCode") is None:
            continue
        body, headers = answer.get("body"), answer.get("headers")
        if body is None or headers is None or "text/html" not in module.follow(headers, headers).text:
            continue
        client = _shown_client(context.values(module).of(body))
        if client is not None:
            yield _report(body, client, f"`{function.name}` returns")


# ---------------------------------------------------------------- mails

# Calls that send a mail, and what of them is HTML: a keyword, or the first argument where the second says so.
_MAIL_KEYWORDS = ("html_message", "html", "html_body", "html_content")
_MAILS = (
    "django.core.mail.send_mail",
    "django.core.mail.mail_admins",
    "django.core.mail.mail_managers",
    "flask_mail.Message",
    "flask_mailman.EmailMessage",
    "sendgrid.helpers.mail.Mail",
    "*.email_user",
    "resend.Emails.send",
)


@check(
    "PRD463",
    on=[calls(*_MAILS, "email.mime.text.MIMEText", "*.attach_alternative")],
    required_literals=[
        "html_message",
        ("flask_mail", "html"),
        ("flask_mailman", "html"),
        ("sendgrid", "html"),
        ("mimetext", "html"),
        "attach_alternative",
    ],
    files=["python"],
)
def mailed_markup(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """An HTML mail with a client's text in it."""
    body = next((call.keywords[name] for name in _MAIL_KEYWORDS if name in call.keywords), None)
    if call.method in ("MIMEText", "attach_alternative"):
        kind = call.argument(1, "_subtype" if call.method == "MIMEText" else "mimetype")
        if not (isinstance(kind, Constant) and str(kind.value) in ("html", "text/html")):
            return
        body = call.argument(0, "_text" if call.method == "MIMEText" else "content")
    if body is None:
        return
    client = _shown_client(context.values(call.module).of(body))
    if client is not None:
        words = f"`{call.method}` sends text from {_FROM.get(client.source, 'the request')} in an HTML mail without escaping it: whoever writes it writes the mail"
        yield Diagnostic(
            body, words, related=entered(client) if not isinstance(client.at, Function) and client.at.line != body.line else ()
        )


# ---------------------------------------------------------------- templates that do not escape

_ABOUT_PAGES = re.compile(r"\.html?\b|text/html|HTMLResponse|<(?:html|body|div|p|table|h\d|span|b|a)\b", re.IGNORECASE)


@check(
    "PRD463",
    on=[calls("mako.template.Template", "mako.lookup.TemplateLookup")],
    required_literals=[("mako", "template")],
    files=["python"],
)
def mako_without_filter(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Mako, which escapes nothing unless `default_filters` has `h`, for pages."""
    if call.stars:
        return
    given = call.keywords.get("default_filters")
    evaluator = context.values(call.module)
    if given is not None and not _known_without(evaluator.of(given), ("h", "html", "markupsafe.escape", "escape")):
        return
    first = call.argument(0, "text")
    if isinstance(first, Constant) and isinstance(first.value, str) and ("${" not in first.value or _escapes_all(first.value)):
        return
    if _ABOUT_PAGES.search(call.source.text) is None:
        return
    yield Diagnostic(call, f'`{call.method}` of Mako escapes nothing without `default_filters=["h"]`: what users wrote is rendered as HTML')


def _known_without(value: Value, wanted: tuple[str, ...]) -> bool:
    """Whether a list of filters is known and has none of these."""
    texts = [shape.value for shape in value.walk(2) if isinstance(shape, Known)]
    return bool(texts) and not any(text in wanted for text in texts)


def _escapes_all(template: str) -> bool:
    """Whether each `${value}` of a template has the filter itself: `${value | h}`."""
    return all(re.search(r"\|.*\bh\b", found) for found in re.findall(r"\$\{([^}]{0,200})\}", template))


@check(
    "PRD463",
    on=[
        calls(
            "django.template.Context",
            "django.template.Engine",
            "django.template.RequestContext",
            "tornado.template.Template",
            "tornado.template.Loader",
        )
    ],
    required_literals=["autoescape"],
    files=["python"],
)
def autoescape_off(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`Context(..., autoescape=False)`, `Engine(autoescape=False)`, Tornado's `autoescape=None`."""
    given = call.keywords.get("autoescape")
    if given is None or ".txt" in call.source.text and not _ABOUT_PAGES.search(call.source.text):
        return
    value = context.values(call.module).of(given)
    if value.is_constant(False) or call.name.startswith("tornado.") and value.is_constant(None):
        yield Diagnostic(given, f"`{call.method}` with `autoescape={given.text}` renders what users wrote as HTML")


@check("PRD463", on=[every(Assignment)], required_literals=[("autoescape", "templates", "backend")], files=["python"])
def templates_without_autoescape(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """Django's `TEMPLATES = [{..., "OPTIONS": {"autoescape": False}}]`."""
    if fact.kind != "item" or fact.target != "autoescape" or not all(word in fact.source.data for word in (b"TEMPLATES", b"BACKEND")):
        return  # an entry of other options
    if isinstance(fact.value, Constant) and fact.value.value is False:
        yield Diagnostic(fact.value, "`TEMPLATES` with `autoescape` off renders what users wrote as HTML")


@check(
    "PRD463",
    on=[every(Assignment)],
    required_literals=[("jinja_env", "autoescape"), ("jinja_options", "autoescape")],
    files=["python"],
)
def frameworks_environment(fact: Assignment, context: CheckContext) -> Iterator[Diagnostic]:
    """`app.jinja_env.autoescape = False`, `app.jinja_options = {"autoescape": False}`: Flask's and Quart's own, which escape by themselves."""
    given: Expression | None = None
    if fact.kind not in ("item", "keyword") and fact.qualified.endswith(".jinja_env.autoescape"):
        given = fact.value
    elif fact.target == "jinja_options":
        given = (dictionary(fact.module, fact.value, fact) or {}).get("autoescape")
    if given is not None and context.values(fact.module).of(given).is_constant(False):
        yield Diagnostic(given, "the framework's own templates no longer escape: what users wrote is rendered as HTML")


# ---------------------------------------------------------------- template files

_PAGES = (".html", ".htm", ".jinja", ".jinja2", ".j2")
# Subjects and texts of mails are plain text, whatever their ending.
_PLAIN = re.compile(r"subject|plain|(?:^|[_./-])te?xt(?:[_./-]|$)|\.(?:txt|text|sql|ya?ml|conf|cfg|ini|toml|json|sh|env)\.", re.IGNORECASE)
_SWITCHED = re.compile(rb"\{%-?\s{0,8}autoescape\s{1,8}(?:off|false)\s{0,8}-?%\}")
_REQUESTED = re.compile(
    rb"\{\{-?\s{0,8}request\.(?:args|form|values|cookies|headers|GET|POST|COOKIES|query_params|params)\b[^{}\n]{0,200}\|\s{0,4}safe\b[^{}\n]{0,80}\}\}"
)
_LONGEST_BLOCK = 20_000
_ELEMENT = re.compile(rb"<[A-Za-z!]")
_PRINTED = re.compile(rb"\{\{-?\s{0,8}([^{}]{1,400}?)\s{0,8}-?\}\}")
# Texts and addresses of the project's own, and values that are escaped one by one.
_OWN_TEXT = re.compile(
    rb"(?:n?p?gettext|_|url_for|url|static|asset|reverse)\((?:[^()]|\([^()]{0,200}\)){0,300}\)\Z|.*\|\s{0,4}(?:e|escape|force_escape|urlencode|tojson)\b",
    re.DOTALL,
)


def _shows_values(block: bytes) -> bool:
    """Whether a part of a page puts values between its tags that nothing escapes; a text without tags is no page."""
    if _ELEMENT.search(block) is None:
        return False
    return any(not _OWN_TEXT.match(each) for each in _PRINTED.findall(block)) or _VALUE_TAG.search(block) is not None


# `{% blocktranslate with name=user.name %}`, `{% user_display user as user_display %}`: values by way of a tag.
_VALUE_TAG = re.compile(rb"\{%-?\s{0,8}(?:blocktrans|blocktranslate)\s[^%]*\bwith\b")


@check("PRD463", on=[text()], required_literals=["autoescape", "|safe", "| safe"], files=("text",))
def template_file(whole: WholeText, context: CheckContext) -> Iterator[Diagnostic]:
    """`{% autoescape off %}` around values of a page, and `{{ request.args.q | safe }}`."""
    name = whole.file.path.lower()
    if not name.endswith(_PAGES) or _PLAIN.search(name.rpartition("/")[2]):
        return
    data = whole.source.data
    for found in _SWITCHED.finditer(data):
        end = data.find(b"endautoescape", found.end(), found.end() + _LONGEST_BLOCK)
        if _shows_values(data[found.end() : end if end != -1 else found.end() + _LONGEST_BLOCK]):
            yield Diagnostic(
                ByteRange(whole.source, found.start(), found.end()),
                f"`{found[0].decode('utf-8', 'replace')}` renders what users wrote as HTML",
            )
    for found in _REQUESTED.finditer(data):
        words = "a value of the request with `safe` is shown without escaping: a visitor's script runs in others' browsers"
        yield Diagnostic(ByteRange(whole.source, found.start(), found.end()), words)
