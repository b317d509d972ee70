"""PRD861 nginx-hardening: old TLS, open folders, proxies to wherever the client says, and what looks like a restriction and is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, text
from prodlint.facts import Document, Text
from prodlint.model import Priority
from prodlint.readers.nginx import Directive, parse

_Found = tuple[str, Priority | None]


# ---------------------------------------------------------------- single directives

_OLD_TLS = frozenset(("SSLv2", "SSLv3", "TLSv1", "TLSv1.1"))
_WEAK_CIPHERS = ("RC4", "3DES", "DES", "CBC3", "MD5", "NULL", "aNULL", "eNULL", "ADH", "AECDH", "EXPORT", "EXP", "LOW")


def _protocols(directive: Directive) -> Iterator[_Found]:
    old = next((word for word in directive.words if word in _OLD_TLS), "")
    if old:
        yield f"`ssl_protocols` allows `{old}`, which is broken", None


def _ciphers(directive: Directive) -> Iterator[_Found]:
    """OpenSSL's lists: `!RC4` takes out for good, whatever else is named."""
    elements = re.split(r"[:,\s]+", " ".join(directive.words))
    barred = {element[1:] for element in elements if element.startswith("!")}
    for element in elements:
        weak = next((name for name in _WEAK_CIPHERS if name in re.split(r"[-+]", element)), "")
        if weak and element[0] not in "!-" and weak not in barred and not ("CBC3" in element and "3DES" in barred):
            yield f"`ssl_ciphers` allows `{'3DES' if weak in ('DES', 'CBC3') and 'CBC3' in element else weak}`", None
            return


def _switch(value: str, words: str, priority: Priority | None = None) -> Callable[[Directive], Iterator[_Found]]:
    def found(directive: Directive) -> Iterator[_Found]:
        if directive.words[:1] == (value,):
            yield words, priority

    return found


def _user(directive: Directive) -> Iterator[_Found]:
    if directive.words[:1] == ("root",) and directive.parent is not None and not directive.parent.name:
        yield "`user root` runs the workers, which read what clients send, as root", None


def _root(directive: Directive) -> Iterator[_Found]:
    path = directive.words[0].rstrip("/") if directive.words else "-"
    if path in ("", "/etc", "/root", "/etc/nginx", "/var", "/home", "/proc"):
        yield f"`root {directive.words[0]}` serves the files of the system", None


def _error_log(directive: Directive) -> Iterator[_Found]:
    if directive.words[:1] == ("off",):
        yield "`error_log off` switches nothing off: errors go to a file named `off`", "P2"
    elif directive.words[:1] == ("/dev/null",) and not any(block.name == "location" for block in directive.around()):
        yield "`error_log /dev/null` throws nginx's errors away", "P2"


_DIRECTIVES: Mapping[str, Callable[[Directive], Iterator[_Found]]] = {
    "ssl_protocols": _protocols,
    "ssl_ciphers": _ciphers,
    "autoindex": _switch("on", "`autoindex on` lists the files of a folder to everybody"),
    "proxy_ssl_verify": _switch("off", "`proxy_ssl_verify off` accepts any certificate of what is behind the proxy", "P2"),
    "grpc_ssl_verify": _switch("off", "`grpc_ssl_verify off` accepts any certificate of what is behind the proxy", "P2"),
    "uwsgi_ssl_verify": _switch("off", "`uwsgi_ssl_verify off` accepts any certificate of what is behind the proxy", "P2"),
    "client_max_body_size": _switch("0", "`client_max_body_size 0` lets uploads of any size through", "P2"),
    "server_tokens": _switch("on", "`server_tokens on` tells the version of nginx to everybody", "P2"),
    "user": _user,
    "root": _root,
    "error_log": _error_log,
}


@check("PRD861", on=[text()], required_literals=list(_DIRECTIVES), files=("nginx",))
def weak_directive(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """Directives that are weak by themselves."""
    for directive in parse(whole.source).walk():
        if directive.name == "autoindex" and not context.options.get("listings"):
            continue
        judge = _DIRECTIVES.get(directive.name)
        for words, priority in judge(directive) if judge is not None and not _is_map_entry(directive) else ():
            yield Diagnostic(_at(whole, directive), words, priority=priority)


def _is_map_entry(directive: Directive) -> bool:
    """Whether it is a line of a `map` or `types`, whose first word may be anything."""
    return directive.parent is not None and directive.parent.name in ("map", "geo", "types", "split_clients", "charset_map")


def _at(whole: Text, directive: Directive) -> ByteRange:
    return ByteRange(whole.source, directive.start, directive.end)


# ---------------------------------------------------------------- what the client writes

_CLIENT = re.compile(r"(?:http_\w+|arg_\w+|cookie_\w+|host|request_uri|uri|document_uri|args|query_string)\Z")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_NAMED = re.compile(r"\(\?P?<(\w+)>")


def _regexes(directive: Directive) -> Iterator[str]:
    """The regular expressions of the blocks around a directive that match what the client asked for."""
    for block in directive.around():
        if block.name == "location" and block.words[:1] in (("~",), ("~*",)):
            yield block.words[-1]
        elif block.name == "if":
            condition = " ".join(block.words)
            if re.search(r"\$(?:uri|request_uri|arg_\w+|http_\w+|document_uri)\s+~", condition):
                yield condition


def _group(pattern: str, name: str) -> str:
    """The text of a group, by name or number; "" where there is none."""
    number = 0
    index = 0
    while index < len(pattern):
        if pattern[index] == "\\":
            index += 2
            continue
        if pattern[index] == "[":
            index = _behind_class(pattern, index)
            continue
        if pattern[index] == "(":
            named = _NAMED.match(pattern, index)
            number += named is not None or not pattern.startswith("(?", index)
            if (named is not None and named[1] == name) or (
                name == str(number) and (named is not None or not pattern.startswith("(?", index))
            ):
                return pattern[index : _closing(pattern, index)]
        index += 1
    return ""


def _behind_class(pattern: str, index: int) -> int:
    found = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]").match(pattern, index)
    return found.end() if found is not None else index + 1


def _closing(pattern: str, index: int) -> int:
    depth = 0
    while index < len(pattern):
        if pattern[index] == "\\":
            index += 2
            continue
        if pattern[index] == "[":
            index = _behind_class(pattern, index)
            continue
        depth += {"(": 1, ")": -1}.get(pattern[index], 0)
        index += 1
        if not depth:
            break
    return index


# A group that takes in names with dots, or anything that is not one sign.
_ANY_NAME = re.compile(r"(?<!\\)\.[*+{]|\[\^|\[[^\]]*\\?\.[^\]]*\]|\\[SWD][*+]")
# A negated class takes in line breaks unless it names them; `.` does not.
_ANY_SIGN = re.compile(r"\[\^(?![^\]]*(?:\\s|\\n|\\r|\\v))")


def _chosen_by_the_client(directive: Directive, name: str, depth: int = 0) -> bool:
    """Whether a variable holds what the client wrote, also by a `set` in the blocks around."""
    if _CLIENT.match(name):
        return True
    if any(_ANY_NAME.search(_group(pattern, name)) for pattern in _regexes(directive)):
        return True
    if depth > 2:
        return False
    for block in directive.around():
        for given in block.named("set"):
            if given.words[:1] == (f"${name}",) and len(given.words) > 1:
                return any(_chosen_by_the_client(given, found, depth + 1) for found in _VARIABLE.findall(given.words[1]))
    return False


_HOST = re.compile(r"(?:https?|grpcs?|uwsgi)://(\$\{?\w+\}?)(?::[\d$]\w*)?(?:/|\Z)")


@check("PRD861", on=[text()], required_literals=["proxy_pass", "grpc_pass", "uwsgi_pass", "fastcgi_pass"], files=("nginx",))
def upstream_of_the_client(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`proxy_pass http://$arg_host`: a way to every host of the internal network."""
    for directive in parse(whole.source).walk():
        if directive.name in ("proxy_pass", "grpc_pass", "uwsgi_pass", "fastcgi_pass") and directive.words:
            found = _HOST.match(directive.words[0])
            variable = _VARIABLE.match(found[1]) if found is not None else None
            if found is not None and variable is not None and _chosen_by_the_client(directive, variable[1]):
                yield Diagnostic(_at(whole, directive), f"`{directive.name}` goes to `{found[1]}`, which the client chooses")


@check("PRD861", on=[text()], required_literals=["return", "rewrite", "add_header"], files=("nginx",))
def line_break_in_an_answer(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`return 302 https://$host$uri`: `$uri` is decoded, and `%0d%0a` in it begins a header of the client's own."""
    for directive in parse(whole.source).walk():
        if directive.name == "return":
            value = directive.words[-1] if directive.words[:1] and re.match(r"3\d\d\Z", directive.words[0]) else ""
        elif directive.name == "rewrite":
            value = directive.words[1] if len(directive.words) > 1 and re.match(r"https?:|\$scheme", directive.words[1]) else ""
        else:
            value = directive.words[1] if directive.name == "add_header" and len(directive.words) > 1 else ""
        for name in _VARIABLE.findall(value):
            decoded = name in ("uri", "document_uri")
            if (
                decoded
                or (not name.isdigit() or directive.name != "rewrite")
                and any(_ANY_SIGN.search(_group(pattern, name)) for pattern in _regexes(directive))
            ):
                instead = "`$request_uri` is what was sent" if decoded else "its pattern lets line breaks through"
                message = f"`${name}` is decoded: `%0d%0a` in the address writes a header of its own into the answer; {instead}"
                yield Diagnostic(_at(whole, directive), message)
                break


# ---------------------------------------------------------------- blocks


@check("PRD861", on=[text()], required_literals=["alias"], files=("nginx",))
def alias_above(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`location /static { alias /srv/static/; }`: `/static../` is the folder above."""
    for directive in parse(whole.source).walk():
        place = directive.parent
        if directive.name != "alias" or place is None or place.name != "location" or not directive.words:
            continue
        path = place.words[-1] if place.words[:1] not in (("~",), ("~*",), ("=",)) and place.words else ""
        if path.startswith("/") and len(path) > 1 and not path.endswith("/") and directive.words[0].endswith("/"):
            message = f"`location {path}` without a slash at its end and an `alias` with one: `{path}../` reaches the folder above"
            yield Diagnostic(_at(whole, place), message)


@check("PRD861", on=[text()], required_literals=["allow", "stub_status"], files=("nginx",))
def open_to_everybody(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`allow` without a `deny`, which lets everybody through; nginx's own numbers for everybody."""
    for block in parse(whole.source).walk():
        if not block.block or block.name in ("map", "geo", "types") or block.named("include"):
            continue
        allowed = block.named("allow")
        if allowed and allowed[0].words != ("all",) and not block.named("deny"):
            message = f"`allow {' '.join(allowed[0].words)}` without `deny all`: everybody else is let in as well"
            yield Diagnostic(_at(whole, allowed[0]), message)
        status = block.named("stub_status")
        if status and block.name == "location" and not _is_guarded(block):
            yield Diagnostic(_at(whole, status[0]), "`stub_status` exposes nginx's status to everybody", priority="P2")


def _is_guarded(block: Directive) -> bool:
    """Whether something in a block or around it asks who comes, or it listens to this machine alone."""
    for each in (block, *block.around()):
        if each.named("allow", "deny", "auth_basic", "auth_request", "internal", "auth_jwt", "ssl_verify_client"):
            return True
        listens = [directive.words[0] for directive in each.named("listen") if directive.words]
        if listens and all(re.match(r"127\.|\[::1\]|unix:|localhost", address) for address in listens):
            return True
    return False


_SECURITY_HEADERS = (
    "strict-transport-security",
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
)


@check("PRD861", on=[text()], required_literals=["add_header"], files=("nginx",))
def dropped_headers(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """An `add_header` in a location takes away those of the server: https://nginx.org/en/docs/http/ngx_http_headers_module.html."""
    for block in parse(whole.source).walk():
        own = block.named("add_header")
        if block.name != "location" or not own or block.named("include", "add_header_inherit"):
            continue
        if not block.named("proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass", "try_files", "index"):
            continue
        above = next((headers for each in block.around() if (headers := each.named("add_header"))), [])
        kept = {header.words[0].lower() for header in own if header.words}
        lost = [header.words[0] for header in above if header.words and header.words[0].lower() in _SECURITY_HEADERS]
        dropped = [f"`{name}`" for name in dict.fromkeys(lost) if name.lower() not in kept]
        if dropped:
            words = dropped[0] if len(dropped) == 1 else f"{', '.join(dropped[:-1])} and {dropped[-1]}"
            message = f"`add_header` here takes away the headers of the block around it: {words}"
            yield Diagnostic(_at(whole, own[0]), message, priority="P2")


# ---------------------------------------------------------------- plain http beside TLS


@check("PRD861", on=[text()], required_literals=[("listen", "443")], files=("nginx",))
def plain_beside_tls(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """A name that is served with TLS, and on port 80 as well instead of being sent there."""
    servers = [each for each in parse(whole.source).walk() if each.name == "server" and each.block]
    encrypted = {name for server in servers if _listens(server, "443") for name in _names(server)}
    for server in servers:
        listen = _listens(server, "80")
        if listen is None or not _names(server) & encrypted or _sends_on(server):
            continue
        if any(each.name in ("proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass") for each in server.walk()):
            name = min(_names(server) & encrypted)
            yield Diagnostic(_at(whole, listen), f"`{name}` has TLS, and port 80 serves it in plain text instead of sending clients there")


def _listens(server: Directive, port: str) -> Directive | None:
    for listen in server.named("listen"):
        if listen.words and re.search(r"(?:^|:)(\d+)\Z", listen.words[0]) and listen.words[0].rsplit(":", 1)[-1] == port:
            return listen if port != "443" or {"ssl", "quic"} & set(listen.words) or server.named("ssl_certificate") else None
    return None


def _names(server: Directive) -> set[str]:
    return {word for each in server.named("server_name") for word in each.words if word and "$" not in word and "{{" not in word}


def _sends_on(server: Directive) -> bool:
    """Whether it sends clients to https, or tells browsers to go there by themselves."""
    for each in server.walk():
        words = " ".join(each.words)
        if each.name in ("return", "rewrite") and "https://" in words or each.name == "include":
            return True
        if each.name == "add_header" and "strict-transport-security" in words.lower():
            return True
    return False


# ---------------------------------------------------------------- Kubernetes


@check("PRD861", on=[documents("kubernetes")], required_literals=["-snippet"], files=("yaml", "json"))
def snippet_of_an_ingress(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Whoever may write an Ingress writes the configuration of nginx, which holds the account of the whole cluster (CVE-2021-25742)."""
    annotations = document.root.get("metadata", "annotations")
    if document.root.text_at("kind") != "Ingress" or annotations is None or annotations.kind != "mapping":
        return
    for key, value in annotations.members.items():
        if re.search(r"nginx\.ingress\.kubernetes\.io/(?:configuration|server|auth|modsecurity|stream)-snippet\Z", key):
            at = ByteRange(document.source, value.key_start, value.key_end)
            name = key.rpartition("/")[2]
            words = (
                f"`{name}` writes into the configuration of nginx, which can read every Secret of the cluster; current versions refuse it"
            )
            yield Diagnostic(at, words, priority="P2")
