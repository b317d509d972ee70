"""PRD483 in Terraform: what a cloud is told to serve or to store without TLS, or with a version that is broken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.facts import Document, Node
from prodlint.model import Priority

# The resource, the end of the path of an argument, its values, the words, the priority where it is not the page's.
# Named as in the documentation of the providers: aws 6, google 7, azurerm 4 and the names of before.
_ARGUMENTS: tuple[tuple[str, str, frozenset[str], str, Priority | None], ...] = (
    (r"aws_elasticache_(?:replication_group|cluster|serverless_cache)", "transit_encryption_enabled", frozenset(("false",)), "speaks without TLS", None),
    (r"aws_memorydb_cluster", "tls_enabled", frozenset(("false",)), "speaks without TLS", None),
    (r"aws_msk_cluster", "client_broker", frozenset(("PLAINTEXT", "TLS_PLAINTEXT")), "lets clients speak without TLS", None),
    (r"aws_(?:elasticsearch|opensearch)_domain", "enforce_https", frozenset(("false",)), "answers over plain HTTP", None),
    (r"aws_cloudfront_distribution", "viewer_protocol_policy", frozenset(("allow-all",)), "answers over plain HTTP", None),
    (r"aws_cloudfront_distribution", "minimum_protocol_version", frozenset(("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016")), "allows a TLS that is broken", None),
    (r"azurerm_redis_cache", "enable_non_ssl_port", frozenset(("true",)), "opens the port without TLS", None),
    (r"azurerm_redis_cache", "non_ssl_port_enabled", frozenset(("true",)), "opens the port without TLS", None),
    (r"azurerm_storage_account", "enable_https_traffic_only", frozenset(("false",)), "answers over plain HTTP", None),
    (r"azurerm_storage_account", "https_traffic_only_enabled", frozenset(("false",)), "answers over plain HTTP", None),
    (r"azurerm_\w*(?:web_app|function_app|app_service)", "https_only", frozenset(("false",)), "answers over plain HTTP", None),
    (r"azurerm_(?:postgresql|mysql|mariadb)_server", "ssl_enforcement_enabled", frozenset(("false",)), "lets clients speak without TLS", None),
    (
        r"azurerm_\w+",
        r"(?:min(?:imum)?_tls_version|ssl_minimal_tls_version_enforced)",
        frozenset(("1.0", "1.1", "TLS1_0", "TLS1_1", "TLS10", "TLS11")),
        "allows a TLS that is broken",
        None,
    ),
    (r"google_sql_database_instance", "require_ssl", frozenset(("false",)), "lets clients speak without TLS", None),
    (r"google_sql_database_instance", "ssl_mode", frozenset(("ALLOW_UNENCRYPTED_AND_ENCRYPTED",)), "lets clients speak without TLS", None),
    (r"google_compute_ssl_policy", "min_tls_version", frozenset(("TLS_1_0", "TLS_1_1")), "allows a TLS that is broken", None),
)  # fmt: skip
_COMPILED = tuple((re.compile(kind), re.compile(end), values, words, priority) for kind, end, values, words, priority in _ARGUMENTS)


@check(
    "PRD483",
    on=[documents("terraform")],
    required_literals=[
        "transit_encryption_enabled", "tls_enabled", "client_broker", "enforce_https", "viewer_protocol_policy", "minimum_protocol_version", "non_ssl_port",
        "https_traffic_only", "https_only", "ssl_enforcement_enabled", "tls_version", "require_ssl", "ssl_mode",
    ],
    files=("hcl", "json"),
)  # fmt: skip
def unencrypted_cloud(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """An argument of a resource that switches TLS off, or takes an old one."""
    listing = document.root.get("resource")
    for kind, names in listing.members.items() if listing is not None and listing.kind == "mapping" else ():
        rows = [row for row in _COMPILED if row[0].fullmatch(kind)]
        for name, block in names.members.items() if rows and names.kind == "mapping" else ():
            for node in block.walk():
                if node.kind == "scalar":
                    yield from _judged(rows, f"{kind}.{name.partition('#')[0]}", node)


def _judged(
    rows: list[tuple[re.Pattern[str], re.Pattern[str], frozenset[str], str, Priority | None]], resource: str, node: Node
) -> Iterator[Diagnostic]:
    key = node.path.rpartition(".")[2]
    for _, end, values, words, priority in rows:
        if end.fullmatch(key) and node.raw in values:
            at = ByteRange(node.source, node.key_start if node.key_end > node.key_start else node.start, node.end)
            yield Diagnostic(at, f"`{resource}` {words} (`{key} = {node.raw}`)", priority=priority)
            return
