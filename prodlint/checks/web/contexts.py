"""TLS contexts that verify nothing because nobody told them to (PRD481): `ssl.SSLContext()`, `ssl.wrap_socket`, python-ldap's options."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.quoting import quote
from prodlint.facts import Call
from prodlint.values.expressions import innermost

# Set on a context later, these make it verify; or say that it is a server's, which has nobody to verify.
_VERIFIES = re.compile(
    r"verify_mode|CERT_REQUIRED|CERT_OPTIONAL|load_cert_chain|server_side\s*=\s*True|\bServer\b|serve_forever|start_server|CERT_NONE|check_hostname"
)


@check(
    "PRD481",
    on=[calls("ssl.SSLContext", "ssl.wrap_socket")],
    required_literals=["sslcontext", ("ssl", "wrap_socket")],
    files=["python"],
)
def context_without_verification(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`ssl.SSLContext()` and `ssl.SSLContext(ssl.PROTOCOL_TLS)`, whose `verify_mode` is `CERT_NONE` until it is set."""
    if call.stars or call.scope.guards & {"debug", "environment"}:
        return
    if call.method == "wrap_socket":
        if call.keywords.keys() & {"cert_reqs", "server_side", "certfile"} or len(call.arguments) > 1:
            return
        yield Diagnostic(call, "`ssl.wrap_socket` without `cert_reqs` accepts any certificate")
        return
    protocol = call.argument(0, "protocol")
    if protocol is not None and not re.search(r"PROTOCOL_(?:TLS|SSLv23|TLSv1_2|TLSv1_3)$", protocol.text):
        return
    function = innermost(call.module, call)
    holder = function.class_ if function is not None and function.class_ is not None else function
    around = holder.text if holder is not None else call.source.text
    if not _VERIFIES.search(around):
        yield Diagnostic(
            call, f"`{call.text if len(call.text) < 50 else 'ssl.SSLContext'}` accepts any certificate: its `verify_mode` is `CERT_NONE`"
        )


_SWITCH = re.compile(r"(?i)self_?signed|insecure|verif|no_?check|ignore_?cert|skip_?")


@check("PRD481", on=[calls("ldap.set_option", "*.set_option")], required_literals=["opt_x_tls_never", "opt_x_tls_allow"], files=["python"])
def ldap_option(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """python-ldap's `ldap.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_NEVER)`."""
    option, value = call.argument(0), call.argument(1)
    if option is None or value is None or not option.text.endswith("OPT_X_TLS_REQUIRE_CERT"):
        return
    if value.text.rpartition(".")[2] in ("OPT_X_TLS_NEVER", "OPT_X_TLS_ALLOW") and not call.scope.guards & {"debug", "environment"}:
        switch = next((each for each in context.values(call.module).conditions(call) if _SWITCH.search(each.expression.text)), None)
        where = f" where `{quote(switch.expression.text, 50)}` says so" if switch is not None else ""
        yield Diagnostic(value, f"`{value.text}` accepts any certificate{where}", priority="P2" if switch is not None else None)
