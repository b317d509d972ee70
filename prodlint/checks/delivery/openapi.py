"""PRD953 openapi-document-invalid, PRD951 route-without-schema, PRD952 route-undocumented: what clients are told of an API."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, every
from prodlint.facts import Call, Constant, Document, Function, Node, Route, statements_in
from prodlint.model import Related
from prodlint.values.expressions import follow

_METHODS = frozenset("get put post delete options head patch trace".split())


def _operations(document: Document) -> Iterator[tuple[str, str, Node]]:
    """Path, method and operation."""
    paths = document.root.get("paths")
    for path, item in paths.members.items() if paths is not None and paths.kind == "mapping" else ():
        for method, operation in item.members.items() if item.kind == "mapping" else ():
            if method in _METHODS and operation.kind == "mapping":
                yield path, method, operation


@check("PRD953", on=[documents("openapi")], required_literals=["paths"], files=("yaml", "json"))
def invalid_description(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """References to nothing, one operationId for two operations, operations without an answer, parameters of the path that nobody describes."""
    root = document.root
    yield from _of_head(document)
    if context.options.get("complete"):
        yield from _incomplete(document)
    seen: dict[str, Node] = {}
    for path, method, operation in _operations(document):
        name = operation.get("operationId")
        if name is not None and name.raw in seen:
            first = seen[name.raw]
            yield Diagnostic(
                name, f"the operationId `{name.raw}` is used twice", related=(Related(context.file.path, first.span, "first here"),)
            )
        elif name is not None:
            seen[name.raw] = name
        answers = operation.get("responses")
        if answers is None or (answers.kind == "mapping" and not answers.members):
            at = ByteRange(document.source, operation.key_start, operation.key_end)
            yield Diagnostic(at, f"`{method.upper()} {path}` describes no response")
        parameter = _undescribed(root, path, operation)
        if parameter:
            at = ByteRange(document.source, operation.key_start, operation.key_end)
            yield Diagnostic(at, f"`{method.upper()} {path}` does not describe the parameter `{parameter}` of its path")
    for node in root.walk():
        if (
            node.kind == "scalar"
            and node.path.endswith(".$ref")
            and isinstance(node.value, str)
            and node.value.startswith("#/")
            and _resolve(root, node.value) is None
        ):
            yield Diagnostic(node, f"`{node.value}` names nothing in this document")


# What FastAPI writes where nobody gives the application a name.
_DEFAULT_TITLE = "FastAPI"


def _of_head(document: Document) -> Iterator[Diagnostic]:
    """`info` without a title or a version, which the specification asks for, or with the framework's own."""
    info = document.root.get("info")
    if info is None or info.kind != "mapping":
        return
    if info.get("$ref") is not None:
        return
    missing = [name for name in ("title", "version") if not info.text_at(name).strip()]
    if missing:
        at = ByteRange(document.source, info.key_start, info.key_end)
        yield Diagnostic(at, f"`info` has no {' and no '.join(missing)}: the specification asks for both")
    title = info.get("title")
    if title is not None and title.value == _DEFAULT_TITLE:
        yield Diagnostic(title, f"the title is `{_DEFAULT_TITLE}`, the framework's own: clients do not learn which API this is")


def _incomplete(document: Document) -> Iterator[Diagnostic]:
    """Operations without an `operationId`, and a document in which no operation says how callers authenticate."""
    operations = list(_operations(document))
    for path, method, operation in operations:
        if not operation.text_at("operationId"):
            at = ByteRange(document.source, operation.key_start, operation.key_end)
            yield Diagnostic(at, f"`{method.upper()} {path}` has no operationId: each generator makes up another name")
    root = document.root
    declared = root.get("components", "securitySchemes") or root.get("securityDefinitions")
    paths = root.get("paths")
    if operations and declared is None and paths is not None:
        at = ByteRange(document.source, paths.key_start, paths.key_end)
        yield Diagnostic(at, "no security scheme is described: clients do not learn how to authenticate")


def _resolve(root: Node, reference: str) -> Node | None:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")]
    return root.get(*parts)


def _undescribed(root: Node, path: str, operation: Node) -> str:
    """A parameter of the path that neither the operation nor its path describes."""
    item = root.get("paths", path)
    listed = [
        each
        for holder in (operation, item)
        if holder is not None and (found := holder.get("parameters")) is not None
        for each in found.items
    ]
    if any(each.get("$ref") is not None for each in listed):
        return ""
    known = {each.text_at("name") for each in listed if each.text_at("in") == "path"}
    return next((name for name in re.findall(r"\{(\w+)\}", path) if name not in known), "")


# ---------------------------------------------------------------- PRD951, PRD952

_UNLISTED = re.compile(r"health|live|ready|metrics|ping|docs|openapi|favicon|robots|static|webhook|callback|version", re.IGNORECASE)


def _is_listed(route: Route) -> bool:
    """Whether clients find a route in the description."""
    shown = route.call.keywords.get("include_in_schema")
    return (
        route.framework in ("fastapi", "litestar", "ninja")
        and "websocket" not in route.call.method
        and not (isinstance(shown, Constant) and shown.value is False)
        and not _UNLISTED.search(route.path)
    )


_OTHER_ANSWERS = re.compile(
    r"(?:^|\.)(?:StreamingResponse|StreamingHttpResponse|RedirectResponse|Redirect|FileResponse|File|EventSourceResponse|ServerSentEvent|Stream|HTMLResponse|PlainTextResponse|TemplateResponse|Template)$"
)


def _answers_without_schema(function: Function) -> bool:
    """Whether all that a handler returns are streams, files, pages or redirects, which no model describes."""
    returned = [each.expressions[0] for each in statements_in(function.body) if each.kind == "return" and each.expressions]
    made = [follow(function.module, each, each) for each in returned]
    return bool(made) and all(isinstance(each, Call) and _OTHER_ANSWERS.search(each.name or each.method) for each in made)


@check("PRD951", on=[every(Route)], required_literals=["fastapi", "litestar", "ninja"], files=("python",))
def without_schema(route: Route, context: CheckContext) -> Iterator[Diagnostic]:
    """A route that does not say what it answers."""
    function = route.function
    if (
        function is None
        or not _is_listed(route)
        or route.call.stars
        or {"response_model", "response_class", "response", "responses"} & set(route.call.keywords)
    ):
        return
    if _answers_without_schema(function):
        return
    if not function.returns and "DELETE" not in route.methods and "WEBSOCKET" not in route.methods:
        yield Diagnostic(
            route.call, f"`{'/'.join(route.methods) or 'GET'} {route.path}` has no response model: clients cannot know what it answers"
        )


@check("PRD952", on=[every(Route)], required_literals=["fastapi", "litestar", "ninja"], files=("python",))
def undocumented(route: Route, context: CheckContext) -> Iterator[Diagnostic]:
    """A route without a docstring, a summary or a description."""
    function = route.function
    if (
        function is None
        or not _is_listed(route)
        or route.call.stars
        or {"summary", "description", "openapi_extra"} & set(route.call.keywords)
    ):
        return
    body = function.body
    first = body[0] if body else None
    documented = (
        first is not None
        and first.kind == "expression"
        and bool(first.expressions)
        and isinstance(first.expressions[0], Constant)
        and isinstance(first.expressions[0].value, str)
    )
    if not documented:
        yield Diagnostic(
            route.call, f"`{'/'.join(route.methods) or 'GET'} {route.path}` has neither a docstring nor a summary: its description is empty"
        )
