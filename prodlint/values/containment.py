"""Whether code looks where a path or an address leads before it uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.facts import Attribute, Call, Constant, Expression, Fact, Function, Name, expressions_in

# Calls that compare a path with the folder it must stay in, or leave nothing but its last part.
_COMPARES_PATHS = frozenset(
    ("is_relative_to", "relative_to", "commonpath", "commonprefix", "secure_filename", "safe_join", "basename", "get_valid_filename")
)
_FOLDER = re.compile(r"root|base|dir|folder|UPLOAD|MEDIA", re.IGNORECASE)
_FOLDER_NAME = re.compile(r"(?i)(?:^|_)(?:path|prefix|parent|location)$")
# Parts of an address by which its host is known, and names of lists of hosts.
_HOSTS = frozenset(("netloc", "hostname"))
_KNOWN_HOSTS = re.compile(r"allowed_|^allowed|ALLOWED_", re.IGNORECASE)
_PARSES = frozenset(("urlparse", "urlsplit", "url_has_allowed_host_and_scheme", "is_safe_url"))
# A helper that looks at an address, wherever its own code is.
_HELPER = re.compile(r"get_next|safe|sanitiz|clean|allow|valid|check|verify", re.IGNORECASE)
_PATH_HELPER = re.compile(
    r"(?i)(?:safe|saniti[sz]|valid|secure|clean|check|verif|ensure)\w*(?:path|file_?name|folder|dir)|(?:path|file_?name)\w*(?:safe|saniti[sz]|valid|secure|inside|within)"
)
_ADDRESS_HELPER = re.compile(
    r"(?i)(?:safe|saniti[sz]|valid|allow|check|verif|ensure|assert|reject|block|public|internal|private)\w*(?:ur[li]|host|address|domain|target|destination|ssrf)"
    r"|(?:ur[li]|host|address|domain|target|ssrf)\w*(?:safe|valid|allow|block|permit|public|internal|private|guard)"
)
# Converters that let a parameter of a route hold slashes: `{name:path}`, `<path:name>`, `<re(".*"):name>`, `{name:.*}`.
_SLASHES = re.compile(r":path\}|<path:|<(?:re|regex)\b|\{\w+:\.\*")


def _before(function: Function, place: Fact) -> Iterator[Expression]:
    return (expression for expression in expressions_in(function.body) if expression.start < place.start)


def _last(expression: Expression) -> str:
    if isinstance(expression, Name):
        return expression.source_text.rpartition(".")[2]
    return expression.attribute if isinstance(expression, Attribute) else ""


def looks_at_path(function: Function, place: Fact) -> bool:
    """Whether a function, before a place, compares a path with a folder or takes its last part alone."""
    for expression in _before(function, place):
        if isinstance(expression, Call):
            if expression.method in _COMPARES_PATHS or _PATH_HELPER.search(expression.method):
                return True
            if expression.method == "startswith" and any(
                _FOLDER.search(argument.text) or _FOLDER_NAME.search(_last(argument)) for argument in expression.arguments
            ):
                return True
        elif _last(expression) in ("name", "stem") and not isinstance(expression, Constant) and expression.text not in ("name", "stem"):
            return True
    return False


def looks_at_host(function: Function, place: Fact) -> bool:
    """Whether a function, before a place, takes an address apart, compares its host, or asks a helper about it."""
    for expression in _before(function, place):
        if isinstance(expression, Call):
            if expression.method in _PARSES or _HELPER.search(expression.method):
                return True
            first = expression.argument(0)
            if expression.method == "startswith" and isinstance(first, Constant) and str(first.value).startswith("/"):
                return True
        elif (
            _last(expression) in _HOSTS or isinstance(expression, Name) and any(map(_KNOWN_HOSTS.search, expression.source_text.split(".")))
        ):
            return True
    return False


def asks_about_host(function: Function, place: Fact) -> bool:
    """Whether a function, before a place, looks at the host of an address: `urlparse(url).hostname not in ALLOWED`, `check_url(url)`."""
    for expression in _before(function, place):
        if _last(expression) in _HOSTS or isinstance(expression, Call) and _ADDRESS_HELPER.search(expression.method):
            return True
    return False


def takes_slashes(function: Function) -> bool:
    """Whether the route of a handler gives a parameter more than one segment of the path, as by default none does."""
    return any(
        isinstance(part, Constant) and isinstance(part.value, str) and _SLASHES.search(part.value) is not None
        for decorator in function.decorators
        for part in decorator.walk()
    )
