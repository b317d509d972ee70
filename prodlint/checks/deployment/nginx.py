"""PRD861 nginx-hardening: old TLS, open folders, proxies to wherever the client says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, text
from prodlint.facts import Text
from prodlint.model import Priority

# Directive, what about its value is wrong, the words for it, the priority where it is not the page's.
_DIRECTIVES: tuple[tuple[re.Pattern[str], str, Priority | None], ...] = (
    (re.compile(r"(?m)^[ \t]*ssl_protocols[ \t]+[^;#\n]*\b(SSLv[23]|TLSv1(?:\.1)?)(?=[ \t;])"), "`ssl_protocols` allows `{0}`, which is broken", None),
    (re.compile(r"(?m)^[ \t]*ssl_ciphers[ \t]+[^;#\n]*(?<![!\w-])(RC4|DES|3DES|MD5|NULL|EXPORT|aNULL|eNULL)\b"), "`ssl_ciphers` allows `{0}`", None),
    (re.compile(r"(?m)^[ \t]*proxy_pass[ \t]+https?://(\$(?:http_\w+|arg_\w+|host|request_uri|cookie_\w+))"), "`proxy_pass` goes to `{0}`, which the client chooses", None),
    (re.compile(r"(?m)^[ \t]*(autoindex)[ \t]+on[ \t]*;"), "`autoindex on` lists the files of a folder to everybody", None),
    (re.compile(r"(?m)^[ \t]*proxy_ssl_(verify)[ \t]+off[ \t]*;"), "`proxy_ssl_verify off` accepts any certificate of what is behind the proxy", "P2"),
    (re.compile(r"(?m)^[ \t]*(client_max_body_size)[ \t]+0[ \t]*;"), "`client_max_body_size 0` lets uploads of any size through", "P2"),
    (re.compile(r"(?m)^[ \t]*(server_tokens)[ \t]+on[ \t]*;"), "`server_tokens on` tells the version of nginx to everybody", "P2"),
)  # fmt: skip
_ALIAS = re.compile(r"(?m)^[ \t]*location[ \t]+(?:\^~[ \t]+)?(/[\w/-]*[^/\s{])[ \t]*\{[^{}]*?\balias[ \t]+[^;\s]+/[ \t]*;")


@check(
    "PRD861",
    on=[text()],
    required_literals=[
        "ssl_protocols",
        "ssl_ciphers",
        "proxy_pass",
        "autoindex",
        "proxy_ssl_verify",
        "client_max_body_size",
        "server_tokens",
        "alias",
    ],
    files=("nginx",),
)
def weak_directive(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """One finding for each directive that is weak."""
    page = whole.source.text
    for pattern, words, priority in _DIRECTIVES:
        for found in pattern.finditer(page):
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            at = ByteRange(whole.source, whole.source.offset(start), whole.source.offset(found.end()))
            yield Diagnostic(at, words.format(found[1]), priority=priority)
    for found in _ALIAS.finditer(page):
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        at = ByteRange(whole.source, whole.source.offset(start), whole.source.offset(found.start(1)) + len(found[1].encode()))
        yield Diagnostic(
            at, f"`location {found[1]}` without a slash at its end and an `alias` with one: `{found[1]}../` reaches the folder above"
        )
