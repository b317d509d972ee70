"""Paths of `pathlib` that hold a client's text, and archives that say themselves where their files go (PRD468)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, calls, check
from prodlint.checks.web.destinations import chooses_path
from prodlint.checks.web.parts import Judge, entered, shown
from prodlint.facts import Call, Constant
from prodlint.values.containment import looks_at_path, takes_slashes
from prodlint.values.lattice import Client, Member, Result, Text, Value
from prodlint.values.places import enclosing

_METHODS = ("read_text", "read_bytes", "write_text", "write_bytes", "unlink", "rmdir", "iterdir", "mkdir", "rename", "replace", "open")
# What is left of a path is its last part: no way leads out of a folder with it.
_LAST_PART = re.compile(r"Path\([^()]{0,200}\)\.(?:name|stem)\b|basename\(|secure_filename\(")


@check(
    "PRD468",
    on=[calls(*(f"*.{name}" for name in _METHODS))],
    required_literals=[("pathlib", name) for name in _METHODS] + [("anyio", "path", name) for name in _METHODS],
    files=["python"],
)
def opened_by_method(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`(ROOT / request.args["name"]).read_text()`."""
    receiver = call.receiver
    if receiver is None or isinstance(receiver, Constant):
        return
    evaluator = context.values(call.module)
    value = evaluator.of(receiver)
    made = call.module.follow(receiver, call)
    if _LAST_PART.search(receiver.text) or _LAST_PART.search(made.text):
        return
    if isinstance(made, Call) and made.method == "joinpath":
        client = next((found for part in made.arguments if (found := chooses_path(evaluator.of(part))) is not None), None)
    elif not any(isinstance(shape, Text) or isinstance(shape, Result) and shape.name.endswith("Path") for shape in value.shapes):
        return
    elif call.method in ("replace", "open") and not _is_path(value, receiver.text):
        return
    else:
        client = chooses_path(value)
    if client is None:
        return
    function = enclosing(call, call.module)
    if client.source == "path" and (function is None or not takes_slashes(function)):
        return
    if function is not None and looks_at_path(function, call):
        return
    words = f"`{call.method}` opens `{shown(receiver)}`, a path with client input: `../` leads out of the folder"
    yield Diagnostic(receiver, words, related=entered(client) if not _on_line(client, call) else ())


def _is_path(value: Value, text: str) -> bool:
    """Whether a receiver is a path and not a text: `replace` is a method of both."""
    return "Path(" in text or "/" in text or any(isinstance(one, Result) and one.name.endswith("Path") for one in value.shapes)


def _on_line(client: Client, call: Call) -> bool:
    return client.at.line == call.line


# ---------------------------------------------------------------- archives

_FETCHED = ("requests.", "httpx.", "urllib.request.", "aiohttp.", "urllib3.")


def _origin(value: Value, judge: Judge, depth: int = 5) -> Client | str | None:
    """Who wrote an archive: a client, "download" for what came over a network, None where that is not known."""
    client = judge.client_in(value)
    if client is not None:
        return client
    for shape in value.walk():
        if isinstance(shape, Result):
            if shape.name.startswith(_FETCHED):
                return "download"
            for given in shape.given if depth else ():
                found = _origin(given, judge, depth - 1)
                if found is not None:
                    return found
        elif isinstance(shape, Member) and depth:
            found = _origin(shape.of, judge, depth - 1)
            if found is not None:
                return found
    return None


@check(
    "PRD468",
    on=[calls("tarfile.open.extractall", "tarfile.TarFile.extractall", "tarfile.TarFile.open.extractall", "shutil.unpack_archive")],
    required_literals=[("tarfile", "extractall"), "unpack_archive"],
    files=["python"],
)
def unpacked_archive(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`tarfile.open(fileobj=upload).extractall(folder)` without a filter: members are called `../../etc/cron.d/x` and are links."""
    chosen = call.keywords.get("filter")
    trusts = isinstance(chosen, Constant) and chosen.value == "fully_trusted"
    if call.stars or (chosen is not None and not trusts) or "members" in call.keywords:
        return
    if call.method == "unpack_archive":
        sources = [call.argument(0, "filename")]
        kind = call.argument(2, "format")
        if isinstance(kind, Constant) and kind.value == "zip" or len(call.arguments) > 3:
            return
    else:
        maker = call.constructor
        if maker is None or call.arguments[1:]:
            return
        sources = [maker.argument(0, "name"), maker.keywords.get("fileobj"), maker.argument(2, "fileobj")]
    judge = Judge(context.values(call.module), "path")
    function = enclosing(call, call.module)
    if function is not None and any(
        word in function.text for word in ("is_relative_to", "commonpath", "getmembers", "startswith", "extraction_filter")
    ):
        return  # the members are looked at
    for source in sources:
        found = _origin(context.values(call.module).of(source), judge) if source is not None else None
        if found is not None:
            whose = "a client's archive" if isinstance(found, Client) else "an archive from elsewhere"
            words = f"`{call.method}` unpacks {whose} {_led_out(trusts)}"
            yield Diagnostic(
                call,
                words,
                priority=None if isinstance(found, Client) else "P1",
                related=entered(found) if isinstance(found, Client) else (),
            )
            return
    if context.options.get("archives") and call.method == "extractall":
        yield Diagnostic(call, f"`extractall` unpacks an archive {_led_out(trusts)}", priority="P2")


def _led_out(trusts: bool) -> str:
    if trusts:
        return "with the filter `fully_trusted`: its members lead out of the folder"
    return "without a filter: before Python 3.14 its members lead out of the folder"
