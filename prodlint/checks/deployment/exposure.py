"""PRD825 beside compose: datastores that Kubernetes' Services and Terraform open to the world."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, documents
from prodlint.checks.deployment.compose import KNOWN_PORTS
from prodlint.facts import Document, Node

# Annotations by which a load balancer of a cloud stays inside of its network, and the values that say so.
# https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer
_INTERNAL = (
    "load-balancer-internal",
    "load-balancer-type",
    "load-balancer-scheme",
    "internal-load-balancer",
    "default-load-balancer",
    "ip-scheme",
    "address-type",
)
_INTERNAL_VALUES = frozenset(("true", "internal", "private", "intranet", "vpc", "0.0.0.0/0"))


@check("PRD825", on=[documents("kubernetes")], required_literals=["loadbalancer", "nodeport"], files=("yaml", "json"))
def datastore_behind_a_load_balancer(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`type: LoadBalancer` or `NodePort` on a Service of a datastore."""
    root = document.root
    listed = root.get("items")
    for each in listed.items if listed is not None and root.text_at("kind").endswith("List") else (root,):
        kind = each.get("spec", "type")
        ports = each.get("spec", "ports")
        if each.text_at("kind") != "Service" or kind is None or kind.raw not in ("LoadBalancer", "NodePort") or ports is None:
            continue
        if each.get("spec", "loadBalancerSourceRanges") is not None or _is_internal(each):
            continue
        known = next((words for port in ports.items if (words := _datastore_of(port))), "")
        if known:
            who = "the internet" if kind.raw == "LoadBalancer" else "whoever reaches a node"
            yield Diagnostic(kind, f"`{each.text_at('metadata', 'name')}` opens {known} to {who} (`type: {kind.raw}`)")


def _is_internal(service: Node) -> bool:
    annotations = service.get("metadata", "annotations")
    if annotations is None or annotations.kind != "mapping":
        return False
    return any(key.endswith(_INTERNAL) and value.raw.lower() in _INTERNAL_VALUES for key, value in annotations.members.items())


def _datastore_of(port: Node) -> str:
    """The datastore whose port it is, by its own number or that of the container."""
    for key in ("port", "targetPort"):
        number = port.get(key)
        if number is not None and isinstance(number.value, int) and number.value in KNOWN_PORTS:
            return KNOWN_PORTS[number.value]
    return ""
