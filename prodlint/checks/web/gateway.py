"""CORS written outside Python: nginx, Caddy, Ingress annotations, Traefik, Istio, Envoy, Kong, serverless, CloudFormation, Terraform, OpenAPI (PRD407)."""

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
        "allow_origins",
        "allow_origin_string_match",
        "method.response.header.access-control-allow-origin",
    }
)
_ENVOY_ORIGINS = "allow_origin_string_match"
_TRAEFIK_LABEL = re.compile(r"headers\.accesscontrolalloworiginlist\s*[=:]\s*[\"']?\*", re.IGNORECASE)


@check(
    "PRD407",
    on=[documents("kubernetes", "helm-values", "compose", "serverless", "cloudformation", "openapi", "terraform", "other")],
    required_literals=[
        "enable-cors",
        "accesscontrolalloworigin",
        ("cors", "alloworigin"),
        ("cors", "allowedorigins"),
        ("cors", "allow_origins"),
        ("cors", "allowed_origins"),
        ("cors", "serverless"),
        ("cors", "httpapi"),
        ("cors", "origins"),
        ("cors", "allow_origin_string_match"),
        ("cors", "events"),
        "header.access-control-allow-origin",
    ],
)
def gateway_cors(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Gateways in YAML, JSON and Terraform that let every origin in."""
    for node in document.root.walk():
        if node.kind == "mapping":
            yield from _ingress(node)
            yield from _kong(node)
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
            if "_" in key and document.kind == "other" and key != _ENVOY_ORIGINS:
                continue
            if document.kind == "terraform" and "cors" not in node.path.lower():
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
    return any(item.kind == "scalar" and item.raw.strip("'\" ") == "*" or _matches_any(item) for item in listed)


def _matches_any(item: Node) -> bool:
    """Istio's and Envoy's way to say it: `exact: "*"`, `regex: ".*"`, `safe_regex: {regex: ".*"}`, `prefix: ""`."""
    if item.kind != "mapping":
        return False
    inner = item.get("safe_regex")
    if inner is not None:
        return _matches_any(inner)
    said = {key: value.raw.strip("'\"^$ ") for key, value in item.members.items() if value.kind == "scalar"}
    return said.get("exact") == "*" or said.get("regex") in (".*", ".+") or said.get("prefix") in ("", "*")


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
            if key.lower().replace("_", "") in ("allowedmethods", "allowmethods", "accesscontrolallowmethods"):
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


def _kong(node: Node) -> Iterator[Diagnostic]:
    """Kong's plug-in, in its declarative configuration and as a KongPlugin: `origins` that hold `*`, or none, which is every one."""
    if node.text_at("name") != "cors" and node.text_at("plugin") != "cors":
        return
    told = node.get("config")
    if told is None or told.kind != "mapping":
        return
    origins = told.get("origins")
    credentials = told.text_at("credentials").lower() == "true"
    if origins is not None and _is_any(origins):
        yield Diagnostic(origins, "`origins` of Kong's CORS plug-in answers every origin", priority=None if credentials else "P1")


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


# What the origin is compared with, or the variable that a map makes of it: the map alone changes nothing where `$http_origin` is repeated.
_ASKED = re.compile(r"if\s*\(\s*\$http_origin")
_LOOKED_UP = re.compile(r"map\s+\$http_origin\s+\$(\w+)")
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
    looked_up = _ASKED.search(body) is not None or any(
        re.search(rf"if\s*\(\s*\${name}\b", body) is not None for name in _LOOKED_UP.findall(body)
    )
    credentials = _CREDENTIALS.search(body) is not None
    blocks: list[str] = []
    offset = 0
    for line in body.splitlines(keepends=True):
        bare = line.split("#", 1)[0]
        found = _HEADER.search(bare)
        if found is not None and not any(_ASSETS.search(block) for block in (*blocks, bare[: found.start()])):
            value = found[1]
            block = _location(body, offset)
            if value == "*" and (_serves_files_alone(block) or not (credentials or context.options.get("reads"))):
                pass  # whoever has the page has its files; without credentials a page elsewhere reads what everybody may
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


# ---------------------------------------------------------------- Caddy

_CADDY_HEADER = re.compile(
    r"(?im)^[^#\n]*?(?<![\w-])[+?>]?Access-Control-Allow-Origin[ \t]+[\"`]?(\*|\{(?:http\.request\.)?header\.Origin\})[\"`]?[ \t]*(?:#.*)?$"
)


@check("PRD407", on=[text()], required_literals=["access-control-allow-origin"], files=["text"])
def caddy_cors(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`header Access-Control-Allow-Origin *` of a Caddyfile, alone and in a block."""
    if not (context.file.name.lower().startswith("caddyfile") or context.file.name.endswith((".caddy", ".caddyfile"))):
        return
    body = whole.source.text
    credentials = _CREDENTIALS.search(body) is not None
    for found in _CADDY_HEADER.finditer(body):
        start = whole.source.offset(found.start(1))
        words = "every origin is answered" if found[1] == "*" else "the caller's origin is repeated without looking it up"
        yield Diagnostic(
            ByteRange(whole.source, start, start + len(found[1])),
            f"`Access-Control-Allow-Origin {found[1]}`: {words}",
            priority=None if credentials else "P1",
        )
