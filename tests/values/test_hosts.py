"""Addresses taken apart, and how far away their hosts are."""

from __future__ import annotations

import pytest

from prodlint.values.hosts import address_of, distance


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "loopback"),
        ("LOCALHOST.", "loopback"),
        ("api.localhost", "loopback"),
        ("127.3.0.1", "loopback"),
        ("0.0.0.0", "loopback"),
        ("::1", "loopback"),
        ("", "loopback"),
        ("169.254.169.254", "loopback"),
        ("host.docker.internal", "gateway"),
        ("db", "neighbour"),
        ("db_1", "neighbour"),
        ("api.shop.svc.cluster.local", "neighbour"),
        ("10.1.2.3", "private"),
        ("fd00::7", "private"),
        ("8.8.8.8", "remote"),
        ("db.shop.internal", "remote"),
        ("api.partner.com", "remote"),
        ("${DB_HOST}", "unknown"),
        ("{host}.example.com", "unknown"),
        (".example.com", "unknown"),
    ],
)
def test_distance(host: str, expected: str) -> None:
    assert distance(host) == expected


def test_address_with_everything() -> None:
    address = address_of("mongodb://shop:x@a.example:27017,b.example:27018,[::1]:27019/orders?tls=true&w=majority#x")
    assert address is not None
    assert address.scheme == "mongodb"
    assert address.user == "shop:x"
    assert address.hosts == ("a.example", "b.example", "::1")
    assert address.ports == ("27017", "27018", "27019")
    assert address.path == "/orders"
    assert address.parameter("TLS") == "true"
    assert address.parameter("ssl") is None


@pytest.mark.parametrize("text", ["no address", "http:/x", "://host", "", "a" * 5000 + "://x"])
def test_no_address(text: str) -> None:
    assert address_of(text) is None


def test_password_with_an_at_sign_and_no_host() -> None:
    address = address_of("postgresql:///shop?host=/run/postgresql")
    assert address is not None
    assert address.host == ""
    assert address.parameter("host") == "/run/postgresql"


def test_a_parameter_without_a_value_is_kept() -> None:
    address = address_of("postgresql://db/shop?sslmode=&application_name=web")
    assert address is not None and address.query == (("sslmode", ""), ("application_name", "web"))
