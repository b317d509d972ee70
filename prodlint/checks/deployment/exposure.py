"""PRD825 beside compose: datastores that Kubernetes, Terraform and CloudFormation open to the world, and buckets that everybody may read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
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
        if number is not None and number.raw.isdecimal() and len(number.raw) < 6 and int(number.raw) in KNOWN_PORTS:
            return KNOWN_PORTS[int(number.raw)]
    return ""


# ---------------------------------------------------------------- clouds

_WORLD = frozenset(("0.0.0.0/0", "::/0"))
# Buckets that are there to be read by everybody.
_MEANT_FOR_ALL = re.compile(r"public|static|asset|website|web|cdn|media|download|frontend|site|docs|open", re.IGNORECASE)
_ENGINES = re.compile(
    r"aws_(?:db_instance|rds_cluster_instance|redshift_cluster|neptune_cluster_instance|mq_broker|dms_replication_instance)\Z"
)


def resources_of(document: Document) -> Iterator[tuple[str, str, Node]]:
    """The resources of a Terraform file: type, name, block."""
    listing = document.root.get("resource")
    for kind, names in listing.members.items() if listing is not None and listing.kind == "mapping" else ():
        for name, block in names.members.items() if names.kind == "mapping" else ():
            if block.kind == "mapping":
                yield kind, name.partition("#")[0], block


def _blocks(node: Node, name: str) -> Iterator[Node]:
    """The blocks of a name in another one, however often it comes; the items where a list is given."""
    for key, member in node.members.items():
        if key.partition("#")[0] == name:
            yield from member.items if member.kind == "sequence" else (member,)


@check("PRD825", on=[documents("terraform")], required_literals=["resource"], files=("hcl", "json"))
def opened_by_terraform(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Databases with an address of the internet, ports of datastores that everybody may reach, buckets that everybody may read."""
    website = any(kind == "aws_s3_bucket_website_configuration" for kind, _, _ in resources_of(document))
    for kind, name, block in resources_of(document):
        public = block.get("publicly_accessible")
        if _ENGINES.match(kind) and public is not None and public.value is True:
            yield Diagnostic(_keyed(public), f"`{kind}.{name}` has an address that the internet reaches (`publicly_accessible`)")
        for node, ports in _openings(kind, block):
            known = sorted({words for port, words in KNOWN_PORTS.items() for first, last in ports if first <= port <= last})
            if ports and all((first, last) == (0, 65535) for first, last in ports):
                yield Diagnostic(node, f"`{kind}.{name}` opens every port to the internet")
            elif known and any(last - first < 2000 for first, last in ports):
                yield Diagnostic(node, f"`{kind}.{name}` opens {known[0]} to the internet")
        if not website and not _MEANT_FOR_ALL.search(name):
            yield from _public_bucket(kind, name, block)


def _keyed(node: Node) -> ByteRange:
    return ByteRange(node.source, node.key_start if node.key_end > node.key_start else node.start, node.end)


def _texts(node: Node | None) -> set[str]:
    """The scalars of a value."""
    return {each.raw for each in node.walk() if each.kind == "scalar"} if node is not None else set()


def _number(node: Node, key: str) -> int | None:
    given = node.get(key)
    return int(given.raw) if given is not None and given.raw.isdecimal() and len(given.raw) < 6 else None


def _range_of(node: Node) -> tuple[tuple[int, int], ...]:
    """The ports of a rule of a security group; all of them where its protocol is every protocol."""
    if node.text_at("protocol") in ("-1", "all") or node.text_at("ip_protocol") in ("-1", "all"):
        return ((0, 65535),)
    first, last = _number(node, "from_port"), _number(node, "to_port")
    return ((first, last),) if first is not None and last is not None else ()


def _spans(texts: set[str]) -> tuple[tuple[int, int], ...]:
    """Ports as Google and Azure write them: "5432", "8000-9000", "*"."""
    found = []
    for text in texts:
        first, _, last = ("0-65535" if text == "*" else text).partition("-")
        if first.isdecimal() and (not last or last.isdecimal()) and len(text) < 12:
            found.append((int(first), int(last or first)))
    return tuple(sorted(found))


def _openings(kind: str, block: Node) -> Iterator[tuple[Node, tuple[tuple[int, int], ...]]]:
    """What a resource lets in from everywhere: where it says so, and the ports."""
    if kind in ("aws_security_group", "aws_default_security_group"):
        rules = list(_blocks(block, "ingress"))
    elif kind == "aws_vpc_security_group_ingress_rule" or (kind == "aws_security_group_rule" and block.text_at("type") == "ingress"):
        rules = [block]
    else:
        rules = []
    for rule in rules:
        for key in ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6"):
            given = rule.get(key)
            if given is not None and _texts(given) & _WORLD:
                yield given, _range_of(rule)
                break
    if kind == "google_compute_firewall" and block.text_at("direction") != "EGRESS":
        given = block.get("source_ranges")
        if given is not None and _texts(given) & _WORLD:
            yield given, tuple(span for allow in _blocks(block, "allow") for span in _spans(_texts(allow.get("ports"))))
    if kind == "azurerm_network_security_rule" and block.text_at("access") == "Allow" and block.text_at("direction") == "Inbound":
        given = block.get("source_address_prefix")
        if given is not None and given.raw in ("*", "Internet", "0.0.0.0/0"):
            yield given, _spans(_texts(block.get("destination_port_range")) | _texts(block.get("destination_port_ranges")))
    if kind == "google_sql_database_instance":
        for node in block.walk():
            if node.kind == "scalar" and node.raw in _WORLD and "authorized_networks" in node.path:
                yield node, ((5432, 5432),) if "MYSQL" not in block.text_at("database_version") else ((3306, 3306),)
    if re.match(r"azurerm_\w+_firewall_rule\Z", kind) and block.text_at("end_ip_address") == "255.255.255.255":
        last = block.get("end_ip_address")
        if last is not None:
            yield last, ((3306, 3306),) if "mysql" in kind else ((1433, 1433),) if "mssql" in kind or "_sql_" in kind else ((5432, 5432),)


def _public_bucket(kind: str, name: str, block: Node) -> Iterator[Diagnostic]:
    """A bucket that everybody may read, unless its name says that it is meant for everybody."""
    if kind in ("aws_s3_bucket", "aws_s3_bucket_acl"):
        given = block.get("acl")
        if given is not None and given.raw in ("public-read", "public-read-write", "authenticated-read"):
            yield Diagnostic(_keyed(given), f"`{kind}.{name}` lets everybody {'write' if 'write' in given.raw else 'read'} (`{given.raw}`)")
    elif kind == "aws_s3_bucket_public_access_block":
        for key in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
            given = block.get(key)
            if given is not None and given.value is False:
                yield Diagnostic(_keyed(given), f"`{kind}.{name}` lets the bucket become public (`{key} = false`)")
                return
    elif kind.startswith(("google_storage_bucket_iam_", "google_storage_bucket_access_control", "google_storage_default_object_a")):
        for node in block.walk():
            if node.kind == "scalar" and node.raw in ("allUsers", "allAuthenticatedUsers"):
                yield Diagnostic(node, f"`{kind}.{name}` gives `{node.raw}` a role: that is everybody")
                return
    elif kind in ("azurerm_storage_container", "azurerm_storage_account"):
        given = block.get("container_access_type")
        if given is not None and given.raw in ("blob", "container"):
            yield Diagnostic(_keyed(given), f"`{kind}.{name}` lets everybody read (`container_access_type`)")


@check(
    "PRD825",
    on=[documents("cloudformation")],
    required_literals=[("aws::", "publiclyaccessible"), ("aws::", "publicread")],
    files=("yaml", "json"),
)
def opened_by_cloudformation(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The same in CloudFormation."""
    resources = document.root.get("Resources")
    for name, resource in resources.members.items() if resources is not None and resources.kind == "mapping" else ():
        public, control = resource.get("Properties", "PubliclyAccessible"), resource.get("Properties", "AccessControl")
        if public is not None and str(public.value).lower() == "true":
            yield Diagnostic(_keyed(public), f"`{name}` has an address that the internet reaches (`PubliclyAccessible`)")
        if control is not None and control.raw.startswith("PublicRead") and not _MEANT_FOR_ALL.search(name):
            if resource.get("Properties", "WebsiteConfiguration") is None:
                yield Diagnostic(
                    _keyed(control), f"`{name}` lets everybody {'write' if 'Write' in control.raw else 'read'} (`{control.raw}`)"
                )
