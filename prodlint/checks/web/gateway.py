"""CORS written outside Python: nginx, Ingress annotations, Traefik, serverless, CloudFormation and OpenAPI (PRD407)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, text
from prodlint.facts import Document, Node, Text
from prodlint.model import Priority

_TRUE = ("true", "yes", "on", "1")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_INGRESS = "nginx.ingress.kubernetes.io/"
# Keys whose list (or text) of origins may hold the wildcard, whatever document they stand in.
_ORIGIN_KEYS = frozenset(
    {
        "accesscontrolalloworiginlist",
        "alloworigin",
        "alloworigins",
        "allowedorigins",
        "allowed_origins",
        "method.response.header.access-control-allow-origin",
    }
)
_TRAEFIK_LABEL = re.compile(r"headers\.accesscontrolalloworiginlist\s*[=:]\s*[\"']?\*", re.IGNORECASE)


@check(
    "PRD407",
    on=[documents("kubernetes", "helm-values", "compose", "serverless", "cloudformation", "openapi", "other")],
    required_literals=[
        "enable-cors",
        "accesscontrolalloworigin",
        ("cors", "alloworigin"),
        ("cors", "allowedorigins"),
        ("cors", "serverless"),
        ("cors", "httpapi"),
        ("cors", "events"),
        "header.access-control-allow-origin",
    ],
)
def gateway_cors(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Gateways in YAML and JSON that let every origin in."""
    for node in document.root.walk():
        if node.kind == "mapping":
            yield from _ingress(node)
            continue
        key = node.path.rsplit(".", 1)[-1]
        if node.kind == "scalar" and _TRAEFIK_LABEL.search(
            f"{key}={node.raw}" if "accesscontrolalloworiginlist" in node.path.lower() else node.raw
        ):
            yield Diagnostic(node, "this Traefik middleware answers every origin")
        elif document.kind == "serverless" and key == "cors" and node.kind == "scalar" and str(node.value).lower() in _TRUE:
            yield Diagnostic(node, "`cors: true` answers every origin")
    for node, key in _keyed(document.root):
        if key.lower() in _ORIGIN_KEYS and _is_any(node):
            if key.lower() == "allowed_origins" and document.kind == "other":
                continue
            reads_only = _methods(document.root, node) <= _READS
            yield Diagnostic(node, f"`{key}` answers every origin", priority="P2" if reads_only else "P1")


def _keyed(root: Node) -> Iterator[tuple[Node, str]]:
    """Every node with the key it stands under."""
    for node in root.walk():
        if node.kind == "mapping":
            for key, value in node.members.items():
                yield value, key


def _is_any(node: Node) -> bool:
    listed = node.items if node.kind == "sequence" else (node,) if node.kind == "scalar" else ()
    return any(item.kind == "scalar" and item.raw.strip("'\" ") == "*" for item in listed)


def _methods(root: Node, node: Node) -> set[str]:
    """The methods listed beside an entry, in upper case; something else where none are."""
    parent = root
    for part in node.path.split(".")[:-1]:
        found = parent.get(part)
        if found is None:
            break
        parent = found
    if parent.kind == "mapping":
        for key, value in parent.members.items():
            if key.lower() in ("allowedmethods", "allowmethods", "accesscontrolallowmethods"):
                listed = value.items if value.kind == "sequence" else (value,)
                return {word.strip("' \"").upper() for item in listed for word in item.raw.split(",")}
    return {"*"}


def _ingress(node: Node) -> Iterator[Diagnostic]:
    """ingress-nginx: `enable-cors` without an origin means all of them."""
    enabled = node.members.get(_INGRESS + "enable-cors")
    if enabled is None or enabled.raw.strip("\"'").lower() != "true":
        return
    origin = node.members.get(_INGRESS + "cors-allow-origin")
    if origin is None:
        yield Diagnostic(
            enabled, "`enable-cors` without `cors-allow-origin` answers every origin, with credentials unless they are switched off"
        )
    elif "*" in [part.strip() for part in origin.raw.strip("\"'").split(",")]:
        yield Diagnostic(origin, "`cors-allow-origin` is `*`: every origin is answered, with credentials unless they are switched off")


# ---------------------------------------------------------------- nginx

_HEADER = re.compile(
    r"(?:^|[{;])\s*(?:add_header|more_set_headers|proxy_hide_header\s+\S+;\s*add_header)\s+[\"']?Access-Control-Allow-Origin[\"']?\s*:?\s*[\"']?(\*|\$http_origin)[\"']?",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"Access-Control-Allow-Credentials[\"']?\s+[\"']?true", re.IGNORECASE)
_ASSETS = re.compile(
    r"location[^{]*(?:\\\.|static|assets|media|fonts?|images?|img|css|\bjs\b|woff|favicon|robots|\.well-known)", re.IGNORECASE
)


_PASSES_ON = re.compile(r"\b(?:proxy|fastcgi|uwsgi|scgi|grpc)_pass\b|\bcontent_by_lua")
_FILES = re.compile(r"\btry_files\b|\broot\s|\balias\s")


def _location(body: str, offset: int) -> str:
    """The innermost `location` around a place, without its comments; nothing where there is none."""
    begin = body.rfind("location", 0, offset)
    opening = body.find("{", begin) if begin != -1 else -1
    if opening == -1 or opening > offset:
        return ""
    depth, at = 0, opening
    for at in range(opening, min(len(body), opening + 20_000)):
        depth += {"{": 1, "}": -1}.get(body[at], 0)
        if depth == 0:
            break
    return "\n".join(line.partition("#")[0] for line in body[opening:at].splitlines()) if at > offset else ""


def _serves_files_alone(block: str) -> bool:
    """Whether a `location` hands out files and asks no program."""
    return _FILES.search(block) is not None and _PASSES_ON.search(block) is None and "@" not in block


_ALLOWED_METHODS = re.compile(r"Access-Control-Allow-Methods[\"']?\s*:?\s*[\"']?([A-Z, *]+)", re.IGNORECASE)


def _softer(value: str, block: str, credentials: bool) -> Priority | None:
    """How much an answer to every origin weighs: with credentials it is a hole, without them it opens what anybody may fetch anyway, and what
    only a network lets in; where it is told to be for reading, it is meant."""
    if credentials:
        return None
    listed = _ALLOWED_METHODS.search(block)
    reads = listed is not None and {word.strip().upper() for word in listed[1].split(",") if word.strip()} <= _READS
    return "P2" if reads and value == "*" else "P1"


@check("PRD407", on=[text()], required_literals=["access-control-allow-origin"], files=["nginx"])
def nginx_cors(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`add_header Access-Control-Allow-Origin *` and the echoed `$http_origin`."""
    body = whole.source.text
    looked_up = re.search(r"map\s+\$http_origin|if\s*\(\s*\$http_origin", body) is not None
    credentials = _CREDENTIALS.search(body) is not None
    blocks: list[str] = []
    offset = 0
    for line in body.splitlines(keepends=True):
        bare = line.split("#", 1)[0]
        found = _HEADER.search(bare)
        if found is not None and not any(_ASSETS.search(block) for block in (*blocks, bare[: found.start()])):
            value = found[1]
            block = _location(body, offset)
            if value == "*" and _serves_files_alone(block):
                pass  # whoever has the page has its files
            elif value == "*" or not looked_up:
                start = whole.source.offset(offset + found.start(1))
                words = "every origin is answered" if value == "*" else "the caller's origin is repeated without looking it up"
                tail = ", credentials included" if credentials and value != "*" else ""
                yield Diagnostic(
                    ByteRange(whole.source, start, start + len(value)),
                    f"`Access-Control-Allow-Origin {value}`: {words}{tail}",
                    priority=_softer(value, block, credentials),
                )
        for _ in range(bare.count("{")):
            blocks.append(bare)
        for _ in range(min(bare.count("}"), len(blocks))):
            blocks.pop()
        offset += len(line)
