"""How large an upload may be (PRD465): handlers that take whole files, and the limits of the framework, a middleware or a proxy.

The limit that is missing is one for the whole service, so it is one finding, with the handlers it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prodlint.checks import (
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    check,
    collect,
    documents,
    every,
    literals,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.facts import (
    Assignment,
    Attribute,
    Call,
    Constant,
    Document,
    Expression,
    Function,
    Literal,
    Module,
    Name,
    Operation,
    Setting,
    Text,
    calls_in,
    expressions_in,
)
from prodlint.model import Evidence, Related
from prodlint.values.evaluate import Values
from prodlint.values.handlers import Subject, speaks, text_of, words_of
from prodlint.values.lattice import Client, Member, Value

_NOT_THE_SERVICE = frozenset(
    ("test", "example", "docs", "dev", "vendored", "generated", "notebook", "migration", "script", "command", "stub")
)
_MOST_SHOWN = 5
# These refuse large bodies themselves: Litestar above 10 MB, Quart 16 MB, Sanic and Tornado 100 MB, aiohttp 1 MB (their own defaults).
_LIMITED = frozenset(("Litestar", "Quart", "Sanic", "aiohttp", "Tornado", "BlackSheep"))
_READS_ALL = frozenset(("read", "readlines", "readall", "getvalue"))
_TAKES_ALL = {
    "shutil.copyfileobj": 0,
    "pandas.read_csv": 0,
    "pandas.read_excel": 0,
    "PIL.Image.open": 0,
    "zipfile.ZipFile": 0,
    "openpyxl.load_workbook": 0,
    "csv.reader": 0,
    "json.load": 0,
}
_CHECKS = re.compile(r"valid|check|limit|size|verify|ensure|bounded|scan", re.IGNORECASE)
_SIZE = re.compile(
    r"(?:^|_|\.)(?:size|length|len|bytes|total|written|received|tell|content_length|nbytes)\w*$|content-length|max_", re.IGNORECASE
)
_KIND = re.compile(
    r"content_?type|mime|suffix|splitext|extension|endswith|magic|filetype|imghdr|allowed_(?:file|ext|type)|verify_image|PIL", re.IGNORECASE
)


def _upload(value: Value, depth: int = 4) -> Client | None:
    """The upload that a value is, or is a part of."""
    for shape in value.shapes:
        if isinstance(shape, Client) and shape.source == "upload":
            return shape
        if isinstance(shape, Member) and depth:
            found = _upload(shape.of, depth - 1)
            if found is not None:
                return found
    return None


def _taken(function: Function, values: Values) -> Iterator[tuple[Call, Client, bool]]:
    """The calls of a function that take an upload as a whole: each with the upload, and whether it is held in memory."""
    for call in calls_in(function.body):
        given: Expression | None = None
        memory = False
        if call.method in _READS_ALL and not call.arguments and not call.keywords:
            given, memory = call.receiver, True
        elif call.method == "save" and call.arguments and call.receiver is not None:
            given = call.receiver
        elif call.name in _TAKES_ALL:
            given = call.argument(_TAKES_ALL[call.name])
        if given is None:
            continue
        client = _upload(values.of(given))
        if client is not None:
            yield call, client, memory


def _looks_at_size(function: Function) -> bool:
    """Whether a function compares a size, reads in pieces, or hands what it got to something that checks."""
    for expression in expressions_in(function.body):
        if isinstance(expression, Operation) and expression.operator in ("<", ">", "<=", ">="):
            if any(_is_size(part) for operand in expression.operands for part in operand.walk()):
                return True
        elif isinstance(expression, Call):
            if expression.method == "read" and (expression.arguments or expression.keywords):
                return True
            if _CHECKS.search(expression.method) and expression.arguments and expression.method not in ("model_validate", "is_valid"):
                return True
    return False


def _is_size(part: Expression) -> bool:
    if isinstance(part, Call):
        return bool(_SIZE.search(part.method))
    if isinstance(part, Name):
        return bool(_SIZE.search(part.source_text))
    return isinstance(part, Attribute) and bool(_SIZE.search(part.attribute))


@collect(
    "upload",
    "upload-checked",
    on=[every(Module)],
    required_literals=[
        "uploadfile",
        "uploadedfile",
        "filestorage",
        "files[",
        "files.get",
        "getlist",
        "files.values",
        "files.items",
        "filesystem",
    ],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def uploads(module: Module, context: CheckContext) -> Iterator[ProjectFact]:
    """Functions that take an upload as a whole, and those that look at sizes first."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    values = context.values(module)
    for function in module.functions():
        if not _speaks_of_uploads(function):
            continue
        if _looks_at_size(function):
            names = " ".join(sorted({call.method for call in calls_in(function.body)}))
            yield project_fact("upload-checked", function, function.name, calls=names)
            continue
        taken = next(_taken(function, values), None)
        if taken is None:
            continue
        call, client, memory = taken
        if client.framework not in _LIMITED:
            kind = "" if any(_KIND.search(word) for word in words_of(function)) else "yes"
            yield project_fact("upload", call, function.name, memory="yes" if memory else "", any=kind)


def _speaks_of_uploads(function: Function) -> bool:
    """Whether a function has an upload as a parameter, or looks into the files of a request."""
    if any(re.search(r"Upload(?:ed)?File|FileStorage", parameter.annotation) for parameter in function.parameters):
        return True
    text = text_of(function)
    if b"FILES" not in text and b"req" not in text and not _OF_A_FILE.search(text):
        return False
    return speaks(function, _FILES)


_OF_A_FILE = re.compile(rb"(?i)upload(?:ed)?file|filestorage")
_FILES = Subject(
    re.compile(r"(?:^|\.)(?:request|req)\.(?:files|FILES)\b|^FILES$|\bUpload(?:ed)?File\b|\bFileStorage\b"),
    re.compile(rb"(?i)files|upload|filestorage"),
    (b"files", b"upload", b"filestorage"),
)


# ---------------------------------------------------------------- limits

# What holds an incoming request where a middleware or a hook looks at it.
_OF_A_REQUEST = frozenset(("request", "req", "scope", "environ"))
_OF_A_LENGTH = re.compile(rb"(?i)content[-_]length")
_OF_ALL = re.compile(
    r"(?:body|content|upload|request|payload)_?(?:size|length)?_?limit|limit_?(?:upload|body|content|request)_?size|max_?(?:body|upload|content|request|payload)_?(?:size|length)|LimitUpload|BodyLimit|ContentSizeLimit",
    re.IGNORECASE,
)


@collect(
    "upload-limit",
    on=[calls("*.add_middleware", "*.Middleware", "*.FastAPI", "*.APIRouter", "*.include_router", "*.Litestar")],
    required_literals=["limit", "max_body_size", "maxbody"],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def limits_of_applications(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """FastAPI's `max_body_size`, and middlewares that refuse large bodies."""
    if context.file.roles & _NOT_THE_SERVICE:
        return
    given = call.keywords.get("max_body_size")
    if given is not None and not (isinstance(given, Constant) and given.value is None):
        yield project_fact("upload-limit", call, "`max_body_size`")
    elif call.method in ("add_middleware", "Middleware") and call.arguments and _OF_ALL.search(call.arguments[0].text):
        yield project_fact("upload-limit", call, f"`{call.arguments[0].text}`")


@collect("upload-limit", on=[every(Assignment)], required_literals=["max_content_length"], files=("python",), not_in=_NOT_THE_SERVICE)
def limit_of_flask(assignment: Assignment, context: CheckContext) -> Iterator[ProjectFact]:
    """Flask's `MAX_CONTENT_LENGTH`."""
    if context.file.roles & _NOT_THE_SERVICE or assignment.target.upper() != "MAX_CONTENT_LENGTH":
        return
    if not (isinstance(assignment.value, Constant) and assignment.value.value is None):
        yield project_fact("upload-limit", assignment, "`MAX_CONTENT_LENGTH`")


@collect(
    "upload-limit", on=[every(Function)], required_literals=["content-length", "content_length"], files=("python",), not_in=_NOT_THE_SERVICE
)
def limits_by_length(function: Function, context: CheckContext) -> Iterator[ProjectFact]:
    """A middleware or hook of the project that compares the length that a request announces."""
    if context.file.roles & _NOT_THE_SERVICE or not _OF_A_LENGTH.search(text_of(function)):
        return
    words = words_of(function)
    if words.isdisjoint(_OF_A_REQUEST):
        return
    if not any(word.lower() in ("content-length", "content_length") for word in words):
        return
    for expression in expressions_in(function.body):
        if isinstance(expression, Operation) and expression.operator in ("<", ">", "<=", ">="):
            yield project_fact("upload-limit", function, f"`{function.name}` compares the length of requests")
            return


@collect(
    "upload-limit",
    on=[settings("*max_content_length", "*max_body_size", "*limit_post")],
    required_literals=["max_content_length", "max_body_size", "limit_post"],
)
def limits_in_environment(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """The same from the environment."""
    if not context.file.roles & _NOT_THE_SERVICE and setting.origin != "python":
        yield project_fact("upload-limit", setting, f"`{setting.name}`")


@collect("upload-limit", on=[literals()], required_literals=["max_content_length"], files=("python",), not_in=_NOT_THE_SERVICE)
def limits_in_mappings(literal: Literal, context: CheckContext) -> Iterator[ProjectFact]:
    """`app.config.update({"MAX_CONTENT_LENGTH": ...})`, `app.config.from_mapping`."""
    if literal.value == "MAX_CONTENT_LENGTH" and literal.role in ("key", "argument") and not context.file.roles & _NOT_THE_SERVICE:
        yield project_fact("upload-limit", literal, "`MAX_CONTENT_LENGTH`")


_BODY_SIZE = re.compile(r"(?m)^[ \t]*client_max_body_size[ \t]+(\d+\w*)[ \t]*;")


@collect(
    "upload-limit",
    on=[text()],
    required_literals=["proxy_pass", "uwsgi_pass", "client_max_body_size"],
    files=("nginx",),
    not_in=_NOT_THE_SERVICE,
)
def limit_of_nginx(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """nginx refuses bodies above 1 MB where nothing else is said; `0` lets any through."""
    if context.file.roles & _NOT_THE_SERVICE or not whole.hits:
        return
    sizes = _BODY_SIZE.findall(whole.source.text)
    if any(size.rstrip("kmgKMG").strip("0") for size in sizes) or not sizes:
        literal, offset = whole.hits[0]
        words = f"nginx takes bodies up to {sizes[0] if sizes else '1 MB'}"
        yield ProjectFact("upload-limit", context.file.path, whole.source.span(offset, offset + len(literal)), words)


_ANNOTATION = "nginx.ingress.kubernetes.io/proxy-body-size"


@collect("upload-limit", on=[documents("kubernetes")], required_literals=["ingress"], files=("yaml", "json"), not_in=_NOT_THE_SERVICE)
def limit_of_ingress(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """ingress-nginx, which refuses bodies above 1 MB as well, and Traefik's and Kong's limits."""
    if context.file.roles & _NOT_THE_SERVICE or document.root.text_at("kind") != "Ingress":
        return
    annotations = document.root.get("metadata", "annotations")
    said = annotations.members.get(_ANNOTATION) if annotations is not None else None
    is_nginx = (
        "nginx" in document.root.text_at("spec", "ingressClassName")
        or annotations is not None
        and any("nginx" in key or node.raw == "nginx" for key, node in annotations.members.items())
    )
    if said is not None and said.raw.rstrip("kmgKMG").strip("0") or said is None and is_nginx:
        at = said or document.root
        yield ProjectFact(
            "upload-limit",
            context.file.path,
            at.span if said is not None else document.source.span(document.start, document.start + 1),
            "the ingress limits bodies",
        )


@collect(
    "upload-limit",
    on=[text()],
    required_literals=["maxrequestbodybytes", "request-size-limiting", "allowed_payload_size", "limit-post", "max_request_bytes"],
    files=("yaml", "toml", "ini", "json"),
    not_in=_NOT_THE_SERVICE,
)
def limits_of_gateways(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Traefik, Kong, Envoy, uWSGI."""
    if whole.hits and not context.file.roles & _NOT_THE_SERVICE:
        literal, offset = whole.hits[0]
        if not whole.source.line_text(whole.source.position(offset)[0]).strip().startswith("#"):
            yield ProjectFact("upload-limit", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


# ---------------------------------------------------------------- the project


@project_check("PRD465", ("upload", "upload-checked", "upload-limit"))
def uploads_unbounded(project: Project, options: Mapping[str, object]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Uploads, and nothing that limits how large they may be."""
    limits = project.about("upload-limit")
    for fact in limits[:1]:
        yield Evidence("PRD465", fact.path, fact.span, fact.words)
    checked = {name for fact in project.about("upload-checked") for name in (fact.words, *fact.get("calls").split())}
    for fact in project.about("upload-checked"):
        yield Evidence("PRD465", fact.path, fact.span, f"`{fact.words}` looks at the size")
    taken = [fact for fact in project.about("upload") if fact.words not in checked]
    if limits or not taken or project.environment.is_library:
        return
    first, *others = sorted(taken, key=lambda fact: (not fact.get("memory"), fact.path, fact.span))
    does = "reads an upload of any size into memory" if first.get("memory") else "stores an upload of any size"
    of_any_type = ", of any type," if first.get("any") else ""
    rest = f"; so do {len(others)} other places" if len(others) > 1 else "; so does one other place" if others else ""
    yield ProjectDiagnostic(
        first.path,
        first.span,
        f"`{first.words}` {does}{of_any_type} and neither the application nor a proxy's configuration here has a limit{rest}",
        None,
        tuple(Related(fact.path, fact.span, f"`{fact.words}` takes one as well") for fact in others[:_MOST_SHOWN]),
    )


# ---------------------------------------------------------------- limits that are switched off

_SWITCHES = {"request_max_body_size": None, "client_max_size": 0}


@check(
    "PRD465",
    on=[
        calls("litestar.Litestar", "litestar.router.Router", "litestar.Router", "litestar.post", "litestar.put", "aiohttp.web.Application")
    ],
    required_literals=["request_max_body_size", "client_max_size"],
    files=["python"],
)
def limit_switched_off(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """Litestar's and aiohttp's own limit, taken away."""
    for keyword, off in _SWITCHES.items():
        given = call.keywords.get(keyword)
        if given is not None and context.values(call.module).of(given).is_constant(off):
            yield Diagnostic(
                given,
                f"`{keyword}={off}` takes away the limit that `{call.name.partition('.')[0]}` has by default: a body of any size is read",
            )
