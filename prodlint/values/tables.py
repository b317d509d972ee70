"""The tables of frameworks and libraries beside this module: a new framework is a row in `sources.toml`, a new library one in `libraries.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodlint.values.lattice import Client


@dataclass(frozen=True, slots=True)
class Framework:
    """A web framework, a worker or a cloud's functions, and where its handlers hold what a client chose.

    modules: the packages whose import says that it is used. decorators: methods that make a function a handler; parameters: which of
    a handler's parameters the client chooses: "all", "rest" (all but the first), "first", "path" (all of them, out of the URL) or
    "none". source: what they are. request: types of request objects; injected: types and markers of what the framework gives
    itself. classes: ends of the names of base classes; methods: their methods that are handlers. asks: methods of `self` there that
    give what the client sent.
    """

    name: str
    modules: tuple[str, ...]
    decorators: tuple[str, ...] = ()
    parameters: str = "none"
    source: str = "path"
    classes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What `sources.toml` says."""

    frameworks: tuple[Framework, ...]
    request_types: Mapping[str, str]
    request_names: frozenset[str]
    request_members: Mapping[str, str]
    request_harmless: frozenset[str]
    upload_types: frozenset[str]
    injected_types: frozenset[str]
    injected_calls: frozenset[str]
    marked: Mapping[str, str]
    globals: Mapping[str, str]
    events: Mapping[str, str]
    messages: Mapping[str, str]
    own_requests: frozenset[str]

    def member_of(self, client: Client, name: str) -> str:
        """What a member of a request holds of the client's; "" where the service's own code must have put it there.

        Where a framework hands every handler its own request object, a member that is not the framework's was set by a middleware
        (`request.tenant`); elsewhere a parameter of that name may be the body itself, and its members fields of it.
        """
        return self.request_members.get(name, "" if client.framework in self.own_requests else "body")


@cache
def read(name: str) -> Mapping[str, Any]:
    """A table of this package."""
    import tomli

    return tomli.loads(files("prodlint.values").joinpath(f"{name}.toml").read_text("utf-8"))


def _framework(row: Mapping[str, Any]) -> Framework:
    listed = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Framework(
        name=row["name"],
        modules=listed["modules"],
        decorators=listed.get("decorators", ()),
        parameters=row.get("parameters", "none"),
        source=row.get("source", "path"),
        classes=listed.get("classes", ()),
        methods=listed.get("methods", ()),
        asks=listed.get("asks", ()),
    )


@cache
def sources() -> Sources:
    """Where clients' values come from."""
    table = read("sources")
    request = table["request"]
    return Sources(
        frameworks=tuple(_framework(row) for row in table["framework"]),
        request_types={name: framework for framework, names in request["types"].items() for name in names},
        request_names=frozenset(request["names"]),
        request_members={name: source for source, names in request["members"].items() for name in names},
        request_harmless=frozenset(request["harmless"]),
        upload_types=frozenset(table["upload"]["types"]),
        injected_types=frozenset(table["injected"]["types"]),
        injected_calls=frozenset(table["injected"]["calls"]),
        marked=table["marked"],
        globals=table["globals"],
        events=table["events"],
        messages=table["messages"],
        own_requests=frozenset(request["own"]),
    )


@cache
def libraries() -> Mapping[str, Any]:
    """What calls of known libraries give."""
    table = dict(read("libraries"))
    for section in ("results", "quoting", "own"):
        table[section] = {name: frozenset(listed) for name, listed in table[section].items()}
    return table
