"""Where a client sends the service: addresses it fetches (PRD464), files it opens (PRD468), pages it redirects to (PRD469), templates it
renders (PRD463). One question for all: may the part that decides be text that a client chose?

Only what the engine of values knows to come from a client is a finding; what cannot be known is silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.parts import Judge, entered
from prodlint.facts import Attribute, Call, Expression, Function, Name, OpaqueExpression
from prodlint.model import Related
from prodlint.values.containment import asks_about_host, looks_at_host, looks_at_path, takes_slashes
from prodlint.values.expressions import dictionary, innermost
from prodlint.values.lattice import Argument, Client, Known, Member, Restricted, Result, Text, Value
from prodlint.values.places import enclosing

_SOURCES = {
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


def _client_of(value: Value, depth: int = 6) -> Client | None:
    """What a client chose of a value as it stands: itself, an entry or attribute of it, a text that begins with it."""
    for shape in value.shapes:
        if isinstance(shape, Client):
            return shape
        if isinstance(shape, Member) and depth:
            found = _client_of(shape.of, depth - 1)
            if found is not None:
                return found
    return None


def _entered(client: Client, call: Call) -> tuple[Related, ...]:
    """Where a client's value entered, unless the line of the call shows it."""
    return () if client.at.source is call.source and client.at.line == call.line else entered(client)


def _given(call: Call, position: int, *keywords: str) -> Expression | None:
    for keyword in keywords:
        if keyword in call.keywords:
            return call.keywords[keyword]
    found = call.argument(position)
    return None if isinstance(found, OpaqueExpression) else found


# ---------------------------------------------------------------- PRD464: addresses

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
# Qualified name -> position of the address. Clients made by name are resolved by the reader: `s = requests.Session(); s.get(url)`.
_FETCHES: dict[str, int] = {
    **{f"{client}.{verb}": 0 for client in ("requests", "requests.Session", "httpx", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession") for verb in _VERBS},
    **{f"{client}.{name}": 1 for client in ("requests", "requests.Session", "httpx", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession") for name in ("request", "stream")},
    "urllib.request.urlopen": 0,
    "urllib.request.urlretrieve": 0,
    "urllib.request.Request": 0,
    "urllib3.request": 1,
    "urllib3.PoolManager.request": 1,
    "pandas.read_csv": 0,
    "pandas.read_json": 0,
    "pandas.read_excel": 0,
    "websockets.connect": 0,
    "feedparser.parse": 0,
    "socket.create_connection": 0,
}  # fmt: skip


def _chooses_host(value: Value, depth: int = 6) -> Client | None:
    """The client that chooses the host of an address: the whole of it, or what stands before the first slash of the path."""
    for shape in value.shapes:
        if isinstance(shape, (Client, Member)):
            found = _client_of(Value((shape,)))
            if found is not None:
                return found
        if isinstance(shape, Text) and depth:
            before = ""
            for part in shape.parts:
                only = part.value.only()
                if isinstance(only, Known):
                    before += str(only.value)
                    continue
                if re.match(r"\w+://[^/?#]+[/?#]", before) or before.startswith("/"):
                    break  # the host is decided
                found = _chooses_host(part.value, depth - 1)
                if found is not None:
                    return found
                break  # whoever chose this part has chosen the host, and who that was is not known
    return None


@check(
    "PRD464",
    on=[calls(*_FETCHES)],
    required_literals=[
        "requests",
        "httpx",
        "aiohttp",
        "urlopen",
        "urlretrieve",
        "urllib",
        "read_csv",
        "read_json",
        "read_excel",
        "websockets",
        "feedparser",
        "create_connection",
    ],
    files=["python"],
)
def fetched_address(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A request to an address that a client chose."""
    address = _given(call, _FETCHES[call.name], "url", "filepath_or_buffer", "uri", "path_or_buf", "address", "io")
    if address is None:
        return
    evaluator = context.values(call.module)
    value = evaluator.of(address)
    client = _chooses_host(value)
    function = innermost(call.module, call)
    if function is not None and asks_about_host(function, call):
        return
    if client is not None and client.source != "upload":
        yield Diagnostic(
            address,
            f"`{call.name}` fetches a URL from {_SOURCES[client.source]}: a caller can reach whatever this machine can",
            related=_entered(client, call),
        )
        return
    for shape in value.shapes:
        if isinstance(shape, Argument):
            yield from _callers_that_choose(Judge(evaluator, "address"), shape)


def _callers_that_choose(judge: Judge, argument: Argument) -> Iterator[Diagnostic]:
    """`def fetch(url): return requests.get(url)`, and who in the file hands it an address from a client."""
    for call, value, given in judge.given_to(argument):
        client = _chooses_host(value)
        function = innermost(call.module, call)
        if client is None or client.source == "upload" or function is not None and asks_about_host(function, call):
            continue
        yield Diagnostic(
            given,
            f"`{argument.function.name}` fetches a URL from {_SOURCES[client.source]}: a caller can reach whatever this machine can",
            related=_entered(client, call),
        )


# ---------------------------------------------------------------- PRD468: files

# Where in a call the paths stand that are opened, sent, moved or deleted.
_OPENS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(
        (
            *("open", "io.open", "os.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "aiofiles.open", "anyio.open_file"),
            *(
                f"os.{name}"
                for name in ("remove", "unlink", "makedirs", "mkdir", "rmdir", "removedirs", "listdir", "scandir", "chmod", "chown")
            ),
            *(f"aiofiles.os.{name}" for name in ("remove", "unlink", "makedirs", "mkdir", "rmdir", "listdir", "scandir")),
            "shutil.rmtree",
            *("flask.send_file", "quart.send_file", "fastapi.responses.FileResponse", "starlette.responses.FileResponse"),
            *("django.http.FileResponse", "aiohttp.web.FileResponse", "sanic.response.file", "litestar.response.File"),
        ),
        (0,),
    ),
    **dict.fromkeys(
        (
            *(f"os.{name}" for name in ("rename", "renames", "replace", "link", "symlink")),
            *(f"aiofiles.os.{name}" for name in ("rename", "renames", "replace", "link", "symlink")),
            *(f"shutil.{name}" for name in ("copy", "copy2", "copyfile", "copytree", "move")),
        ),
        (0, 1),
    ),
}
# What makes a name of a path, or a path that is known to stay where it belongs.
_SAFE = frozenset(
    (
        "werkzeug.utils.secure_filename",
        "os.path.basename",
        "django.utils.text.get_valid_filename",
        "werkzeug.security.safe_join",
        "werkzeug.utils.safe_join",
        "flask.safe_join",
    )
)
_PATHS = frozenset(
    (
        "os.path.join",
        "pathlib.Path",
        "pathlib.PurePath",
        "posixpath.join",
        "anyio.Path",
        "str",
        "os.fspath",
        "os.path.abspath",
        "os.path.normpath",
        "os.path.realpath",
        "os.path.expanduser",
    )
)


def chooses_path(value: Value, depth: int = 8) -> Client | None:
    """The client that chooses where a path leads: any part of it that may hold a slash or two dots."""
    if not depth:
        return None
    for shape in value.shapes:
        found: Client | None = None
        if isinstance(shape, (Client, Member)):
            found = _client_of(Value((shape,)))
            # Django keeps the last part of an upload's `name` alone (`UploadedFile._set_name`).
            if found is not None and found.source == "upload" and isinstance(shape, Member) and shape.step == ".name":
                found = None
        elif isinstance(shape, Text):
            found = next((client for part in shape.parts if (client := chooses_path(part.value, depth - 1))), None)
        elif isinstance(shape, Result) and shape.name in _PATHS:
            found = next((client for given in shape.given if (client := chooses_path(given, depth - 1))), None)
        elif isinstance(shape, Restricted) and shape.how == "quoted":
            found = None
        if found is not None:
            return found
    return None


_TASKS = frozenset({"task", "shared_task", "actor", "job", "periodic_task", "db_task"})


def _is_own_task(function: Function) -> bool:
    """Whether a function is a task of Celery, dramatiq, RQ or Huey, which the same service puts into its queue."""
    return any(
        (one.method if isinstance(one, Call) else one.text.rsplit(".", 1)[-1]) in _TASKS
        for one in function.decorators
        if isinstance(one, (Call, Name, Attribute))
    )


@check("PRD468", on=[calls(*_OPENS)], required_literals=[name.rsplit(".", 1)[-1].lower() + "(" for name in _OPENS], files=["python"])
def opened_path(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A file opened, sent or deleted under a path that holds text of a client."""
    if call.name in _SAFE:
        return
    named = ("path", "file", "filename", "path_or_file", "filename_or_fp", "location", "src"), ("dst",)
    for position, words in zip(_OPENS[call.name], named, strict=False):
        path = _given(call, position, *words)
        client = chooses_path(context.values(call.module).of(path)) if path is not None else None
        if path is not None and client is not None and not _is_kept_in(client, call):
            yield Diagnostic(
                path,
                f"`{call.name}` opens a path built from {_SOURCES[client.source]}: `../` escapes the folder",
                related=_entered(client, call),
            )
            return


@check("PRD468", on=[calls("*.save")], required_literals=[("filename", "save(")], files=["python"])
def saved_upload(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`upload.save(folder + upload.filename)` of Werkzeug: the name is what the client says."""
    path = _given(call, 0, "dst")
    if path is None or call.receiver is None:
        return
    evaluator = context.values(call.module)
    uploaded = _client_of(evaluator.of(call.receiver))
    if uploaded is None or uploaded.source != "upload":
        return
    client = chooses_path(evaluator.of(path))
    if client is not None and not _is_kept_in(client, call):
        yield Diagnostic(
            path,
            f"`{call.method}` writes an upload to a path built from {_SOURCES[client.source]}: `../` escapes the folder",
            related=_entered(client, call),
        )


def _is_kept_in(client: Client, call: Call) -> bool:
    """Whether what a client chose leads to no other folder: something looked at it, or it can hold no slash."""
    function = enclosing(call, call.module)
    if client.source == "message" and function is not None and _is_own_task(function):
        return True  # what a task is given the service wrote itself
    # By default frameworks give a parameter one segment of the path.
    return (
        client.source == "path"
        and (function is None or not takes_slashes(function))
        or function is not None
        and looks_at_path(function, call)
    )


# ---------------------------------------------------------------- PRD469: redirects

_REDIRECTS: dict[str, int] = {
    "flask.redirect": 0,
    "quart.redirect": 0,
    "werkzeug.utils.redirect": 0,
    "django.shortcuts.redirect": 0,
    "django.http.HttpResponseRedirect": 0,
    "django.http.HttpResponsePermanentRedirect": 0,
    "fastapi.responses.RedirectResponse": 0,
    "starlette.responses.RedirectResponse": 0,
    "litestar.response.Redirect": 0,
    "aiohttp.web.HTTPFound": 0,
    "aiohttp.web.HTTPSeeOther": 0,
    "aiohttp.web.HTTPTemporaryRedirect": 0,
    "sanic.response.redirect": 0,
    "falcon.HTTPFound": 0,
    "bottle.redirect": 0,
}


@check("PRD469", on=[calls(*_REDIRECTS)], required_literals=["redirect", "httpfound", "httpseeother"], files=["python"])
def redirected(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A redirect to an address that a client chose."""
    target = _given(call, _REDIRECTS[call.name], "location", "to", "url", "redirect_to", "path")
    if target is None:
        return
    client = _chooses_host(context.values(call.module).of(target))
    if client is None or client.source not in ("query", "form", "body", "cookie"):
        return
    function = enclosing(call, call.module)
    if function is not None and looks_at_host(function, call):
        return
    yield Diagnostic(
        target,
        f"`{call.name}` redirects to a URL from {_SOURCES[client.source]}: a link to this service can lead anywhere",
        related=_entered(client, call),
    )


# ---------------------------------------------------------------- PRD463: templates and markup

_TEMPLATES: dict[str, int] = {
    "flask.render_template_string": 0,
    "quart.render_template_string": 0,
    "jinja2.Template": 0,
    "jinja2.Environment.from_string": 0,
    "mako.template.Template": 0,
    "django.template.Template": 0,
    "tornado.template.Template": 0,
}
_MARKUP: dict[str, int] = {
    "django.utils.safestring.mark_safe": 0,
    "django.utils.safestring.SafeString": 0,
    "django.utils.safestring.SafeText": 0,
    "django.utils.html.format_html": 0,
    "markupsafe.Markup": 0,
    "flask.Markup": 0,
    "jinja2.Markup": 0,
    "fastapi.responses.HTMLResponse": 0,
    "starlette.responses.HTMLResponse": 0,
    "sanic.response.html": 0,
}


# What says that a text is markup already, whatever is in it.
_TRUSTED = frozenset(
    {
        "django.utils.safestring.mark_safe",
        "django.utils.safestring.SafeString",
        "django.utils.safestring.SafeText",
        "markupsafe.Markup",
        "flask.Markup",
        "jinja2.Markup",
    }
)
_ESCAPES = re.compile(r"^(?:\w*escape|format_html(?:_join)?|clean|sanitize\w*|linkify|render_to_string|render_template)$")


def _is_fixed(value: Value, text: Expression) -> bool:
    """Whether a text is made of constants alone, or by what escapes."""
    if isinstance(text, Call) and _ESCAPES.match(text.method):
        return True
    return bool(value.shapes) and all(isinstance(shape, Known | Text | Restricted) for shape in value.walk())


def _holds_client(value: Value) -> Client | None:
    """Text of a client anywhere in a text; what was escaped or converted is left out."""
    return next(iter(value.clients()), None)


@check(
    "PRD463",
    on=[calls(*_TEMPLATES, *_MARKUP)],
    required_literals=[
        "render_template_string",
        "template(",
        "from_string",
        "mark_safe",
        "safestring",
        "safetext",
        "format_html",
        "markup(",
        "htmlresponse",
        ("sanic", "html("),
    ],
    files=["python"],
)
def rendered_text(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A template, or markup that is not escaped, made of text that a client chose."""
    is_template = call.name in _TEMPLATES
    text = _given(call, 0, "source", "template_string", "content", "s", "body", "text")
    if text is None:
        return
    value = context.values(call.module).of(text)
    client = _holds_client(value)
    if client is None or (client.source == "path" and not is_template):
        if context.options.get("audit") and call.name in _TRUSTED and not _is_fixed(value, text):
            yield Diagnostic(text, f"`{call.name}` is given a text that is not fixed: nothing escapes it any more")
        return
    source = _SOURCES[client.source]
    yield Diagnostic(
        text,
        f"`{call.name}` makes a template of text from {source}: a visitor's `{{{{ ... }}}}` runs here"
        if is_template
        else f"`{call.name}` renders text from {source} without escaping it: a visitor's script runs in others' browsers",
        priority="P0" if is_template else None,
        related=_entered(client, call),
    )


@check(
    "PRD463",
    on=[calls("jinja2.Environment", "jinja2.sandbox.SandboxedEnvironment")],
    required_literals=[("jinja2", "environment")],
    files=["python"],
)
def environment_without_autoescape(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Jinja2's environment, whose autoescape is off by default, for templates of pages or mails."""
    given = call.keywords.get("autoescape")
    if given is None and call.stars:
        given = _spread(call, "autoescape")
        if given is None:
            return
    if given is not None and not _never(given, call, context):
        return
    is_for_pages = _is_for_pages(call)
    if not is_for_pages and not context.options.get("audit"):
        return
    if given is None and call.method == "SandboxedEnvironment" and "loader" not in call.keywords and not call.arguments:
        return  # expressions and texts that users wrote: no files of pages stand behind it
    if "block_start_string" in call.keywords and not context.options.get("audit"):
        return  # pages beside a framework of the browser give up `{{` alone; who moves the statements writes LaTeX or configuration
    shown = "`autoescape=False`" if given is not None else "no `autoescape`, which is off by default,"
    if is_for_pages:
        yield Diagnostic(call, f"`{call.name}` has {shown} and renders HTML: what users wrote is rendered as HTML")
    else:
        yield Diagnostic(call, f"`{call.name}` has {shown}: in a template of HTML, what users wrote is rendered as HTML")


def _never(given: Expression, near: Call, context: CheckContext) -> bool:
    """Whether it is False, or a function that answers False to every template's name."""
    if isinstance(given, OpaqueExpression) and given.kind == "lambda" and given.items:
        given = given.items[-1]
    return context.values(near.module).of(given).is_constant(False)


def _spread(call: Call, name: str) -> Expression | None:
    """What `**options` gives a keyword, where the options are written in this file; the last one that may give it decides."""
    for mapping in reversed(call.spreads):
        known = dictionary(call.module, mapping, call)
        if known is None:
            return None
        if name in known:
            return known[name]
    return None


_HTML = re.compile(
    r"\.html\b|\.htm\b|text/html|subtype=[\"']html|MIMEText\([^)]*html|HTMLResponse|html_content|\.jinja-html|<(?:html|body|div|p|table)\b",
    re.IGNORECASE,
)


def _is_for_pages(call: Call) -> bool:
    """Whether the file speaks of HTML: SQL, code and plain text are rendered without escaping on purpose."""
    return _HTML.search(call.source.text) is not None
