"""Origins: what a pattern lets in is tried on hosts somebody else could own, and values are judged as browsers send them."""

from __future__ import annotations

import pytest

from prodlint.checks.web.cors import accepts_anything, is_local, too_broad, unsafe_value
from prodlint.values.expressions import listed


@pytest.mark.parametrize("pattern", [".*", ".+", r"https?://.*", r"^https://.+$", r"^.+$", r"https?://[^/]+", "*"])
def test_patterns_that_accept_everything(pattern: str) -> None:
    assert accepts_anything(pattern, prefix=False)
    assert accepts_anything(pattern, prefix=True)


@pytest.mark.parametrize(
    ("pattern", "prefix", "shown"),
    [
        (r"https://.*example\.com", False, "https://evilexample.com"),
        (r"https://.*.example.com", False, "https://evilexample.com"),
        (r"https://app.example\.com", False, "https://appxexample.com"),
        (r"https://.*\.example\.com", True, ".evil.example"),
        (r"^https://\w+\.example\.com", True, ".evil.example"),
        ("https://*.example.com", True, "example.com"),
        (r"https://.*\.vercel\.app", False, "vercel.app"),
        (r"https://[a-z-]+\.github\.io$", True, "github.io"),
        (r"https?://.*\.example\.co\.uk", True, "evil.example"),
    ],
)
def test_patterns_with_a_hole_show_who_gets_in(pattern: str, prefix: bool, shown: str) -> None:
    assert shown in too_broad(pattern, prefix)


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        (r"https://.*\.example\.com", False),
        (r"^https://([a-z0-9-]+\.)?example\.com(:\d+)?$", True),
        (r"https://[a-z]+\.example\.com\Z", True),
        (r"https?://localhost(:\d+)?", False),
        (r"http://localhost:\d+", True),
        (r"^https://project-[a-z0-9]+-team\.vercel\.app$", True),
        (r"(", False),
        (r"(a+)+$", True),
    ],
)
def test_patterns_that_hold_or_cannot_be_read_are_silent(pattern: str, prefix: bool) -> None:
    assert too_broad(pattern, prefix) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com:8443",
        "http://localhost:3000",
        "http://127.0.0.1",
        "*",
        "",
        "chrome-extension://abc",
        "capacitor://localhost",
    ],
)
def test_origins_that_are_fine(origin: str) -> None:
    assert unsafe_value(origin, globs=False) == ("", None)


@pytest.mark.parametrize(
    ("origin", "priority"),
    [
        ("null", None),
        ("http://app.example.com", None),
        ("https://app.example.com/", "P2"),
        ("https://app.example.com/path", "P2"),
        ("https://*.example.com", "P2"),
    ],
)
def test_origins_that_are_not(origin: str, priority: str | None) -> None:
    words, given = unsafe_value(origin, globs=False)
    assert words
    assert given == priority


def test_a_glob_is_fine_where_the_library_knows_globs() -> None:
    assert unsafe_value("https://*.example.com", globs=True) == ("", None)


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1:8443", "http://service.local", "http://192.168.1.4:5173", "localhost"]
)
def test_developers_machines(origin: str) -> None:
    assert is_local(origin)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("*", ["*"]),
        ('["*"]', ["*"]),
        ("['https://a.example', \"*\"]", ["https://a.example", "*"]),
        ("https://a.example, https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example https://b.example", ["https://a.example", "https://b.example"]),
        ("", []),
        ("[broken", ["broken"]),
    ],
)
def test_lists_in_settings(text: str, wanted: list[str]) -> None:
    assert listed(text) == wanted
