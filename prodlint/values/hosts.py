"""Addresses: the parts of a URL, and how far away the host is that it names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

# "loopback": this very machine; "gateway": the machine that a container runs on; "neighbour": a name that only a compose network or a
# cluster knows; "private": an address of RFC 1918 and its like; "remote": everything else; "unknown": put together from what is not known.
Distance = Literal["loopback", "gateway", "neighbour", "private", "remote", "unknown"]

_URL = re.compile(
    r"\A\s*(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#@]*)@)?(?P<hosts>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?\s*\Z",
    re.DOTALL,
)
_GATEWAYS = frozenset(
    ("host.docker.internal", "gateway.docker.internal", "docker.for.mac.localhost", "host.containers.internal", "172.17.0.1")
)
# Where a cloud tells a machine about itself: the way never leaves the host.
_METADATA = frozenset(("169.254.169.254", "metadata.google.internal", "metadata.goog", "fd00:ec2::254", "168.63.129.16"))
_INSIDE = (
    ".svc",
    ".svc.cluster.local",
    ".cluster.local",
    ".local",
    ".internal.local",
    ".service.consul",
    ".localdomain",
    ".lan",
    ".home.arpa",
)
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?\Z")
# What a template, a shell or a format fills in.
_OPEN = re.compile(r"[${}<>%\s]|\[[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart. user: what stands before the `@`, "" where nothing does. hosts: names without ports; a cluster has several."""

    scheme: str
    user: str
    hosts: tuple[str, ...]
    ports: tuple[str, ...]
    path: str
    query: tuple[tuple[str, str], ...]

    @property
    def host(self) -> str:
        """The first host."""
        return self.hosts[0] if self.hosts else ""

    def parameter(self, *names: str) -> str | None:
        """The value of the first of these query parameters, whatever the case of its name."""
        wanted = {name.lower() for name in names}
        return next((value for name, value in self.query if name.lower() in wanted), None)


def address_of(text: str) -> Address | None:
    """A URL taken apart; None for every other text."""
    found = _URL.match(text) if len(text) < 4096 else None
    if found is None:
        return None
    hosts, ports = [], []
    for one in found["hosts"].split(","):
        host, port = _without_port(one)
        hosts.append(host)
        ports.append(port)
    query = tuple(parse_qsl(found["query"] or "", keep_blank_values=True, max_num_fields=None))
    return Address(found["scheme"].lower(), found["user"] or "", tuple(hosts), tuple(ports), found["path"] or "", query)


def _without_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and ":" not in host else (text, "")


def distance(host: str) -> Distance:
    """How far away a host is, by its name or number."""
    name = host.strip().lower().removesuffix(".")
    if _OPEN.search(name):
        return "unknown"
    if name in _METADATA:
        return "loopback"
    if name in _GATEWAYS:
        return "gateway"
    if name in ("", "localhost", "localhost.localdomain", "ip6-localhost") or name.endswith(".localhost"):
        return "loopback"
    try:
        number = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        if not _NAME.match(name):
            return "unknown"
        return "neighbour" if "." not in name or name.endswith(_INSIDE) or ".svc." in name else "remote"
    if number.is_loopback or number.is_unspecified:
        return "loopback"
    return "private" if number.is_private or number.is_link_local else "remote"
