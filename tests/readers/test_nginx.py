"""nginx's configuration as directives."""

from __future__ import annotations

from prodlint.facts import Source
from prodlint.readers.nginx import Directive, parse
from tests.limits import cpu_limit


def read(text: str) -> Directive:
    return parse(Source(text.encode()))


def outline(block: Directive) -> list[tuple[str, tuple[str, ...], list[object]]]:
    return [(each.name, each.words, list(outline(each))) for each in block.children]


def test_blocks_words_and_quotes() -> None:
    text = "http {\n  server { listen 80; # plain; {\n    add_header A \"b; c\" always; return 301 'x\\'y'; }\n}\n"
    server = ("server", (), [("listen", ("80",), []), ("add_header", ("A", "b; c", "always"), []), ("return", ("301", "x\\'y"), [])])
    assert outline(read(text)) == [("http", (), [server])]


def test_variables_and_templates_are_words() -> None:
    text = "server { listen ${PORT}; {% if tls %} ssl_certificate {{ path }}; {% endif %} location ~ ^/a/(?<b>[^/]+)$ { proxy_pass http://$b; } }"
    (server,) = read(text).children
    assert [(each.name, each.words) for each in server.children] == [
        ("listen", ("${PORT}",)),
        ("ssl_certificate", ("{{ path }}",)),
        ("location", ("~", "^/a/(?<b>[^/]+)$")),
    ]


def test_lua_is_passed_over() -> None:
    text = "location / { content_by_lua_block { local a = { b = 1 } ; autoindex on; } deny all; }"
    (location,) = read(text).children
    assert [each.name for each in location.children] == ["content_by_lua_block", "deny"]


def test_broken_files_give_what_can_be_read() -> None:
    assert [each.name for each in read("} server { listen 80; ").children] == ["server"]
    assert [each.name for each in read('autoindex on; x "never closed').children] == ["autoindex"]
    assert read("").children == []


def test_places_are_those_of_the_words() -> None:
    data = b"server { autoindex  on ; }"
    (server,) = parse(Source(data)).children
    (found,) = server.children
    assert data[found.start : found.end] == b"autoindex  on"
    assert [each.name for each in found.around()] == ["server", ""]


def test_depth_and_length_cost_no_more_than_they_should() -> None:
    with cpu_limit(60):
        read("a { " * 20_000)
        read("a b;" * 50_000)
        read('"' * 50_000)
        read("{{" * 20_000)
