"""What is executed, in parts: which of them somebody else can choose, and where that enters (PRD461, PRD462)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prodlint.checks.quoting import quote
from prodlint.facts import Call, Class, Expression, Function
from prodlint.model import Related
from prodlint.values.evaluate import Values
from prodlint.values.lattice import (
    Argument,
    Client,
    Code,
    Instance,
    Items,
    Known,
    Member,
    Part,
    Reference,
    Restricted,
    Result,
    Setting,
    Shape,
    Table,
    Text,
    Unknown,
    Value,
)
from prodlint.values.places import calls_of
from prodlint.values.tables import libraries

# Calls whose result is as open as what they are given first.
_OPENED = frozenset(
    {
        "open",
        "io.open",
        "codecs.open",
        "compile",
        "builtins.open",
        "builtins.compile",
        "linecache.getlines",
        "runpy.run_path",
        "pkgutil.get_data",
    }
)

# How deep callers of a function are asked what they pass, and how many of them.
_CALLERS_DEPTH = 2
_MOST_CALLERS = 30
_MOST_VARIANTS = 8

# Attributes that their classes' authors wrote: names of mapped tables, columns, classes.
_WRITTEN_ATTRIBUTES = re.compile(
    r"(?:^|\.)(?:__tablename__|__table__|__table_args__|_meta|db_table|db_column|table_name|tablename|fullname|schema_name|__name__|__qualname__|oid|attname|column)\b"
)
# What whoever deploys the service chooses, where its class is not in the project.
_DEPLOYMENT = re.compile(r"^(?:self\.|cls\.|app\.|current_app\.|_)*(?:settings|config|conf|cfg|configuration)\b", re.IGNORECASE)
_CONSTANT = re.compile(r"(?:^|\.)_?[A-Z][A-Z0-9_]+(?:\.|$)")


@dataclass(slots=True)
class Judge:
    """Decides which parts of a text are open, for one language ("sql", "shell", "code", "template") in one file."""

    values: Values
    language: str
    _callers: dict[tuple[int, str], bool] = field(default_factory=dict)

    # ------------------------------------------------------------ parts

    def variants(self, value: Value) -> list[list[str | Part]]:
        """The texts that a value may be, each as its literal parts and the others between them."""
        found: list[list[str | Part]] = []
        for shape in value.shapes[:_MOST_VARIANTS]:
            if isinstance(shape, Setting):
                continue
            parts = self._flat(shape, 12)
            if parts is not None:
                found.append(parts)
        return found

    def _flat(self, shape: Shape, depth: int) -> list[str | Part] | None:
        if isinstance(shape, Known):
            if isinstance(shape.value, bytes):
                return [shape.value.decode("latin-1")]
            return [str(shape.value)]
        if not isinstance(shape, Text):
            return None
        found: list[str | Part] = []
        for part in shape.parts:
            shapes = part.value.shapes
            inner = self._flat(shapes[0], depth - 1) if len(shapes) == 1 and depth > 0 else None
            if inner is not None:
                found.extend(inner)
            elif len(shapes) > 1 and depth > 0 and any(isinstance(one, Text) for one in shapes):
                # One of several fragments: each in turn, so that what stands in any of them is seen.
                for one in shapes:
                    found.extend(self._flat(one, depth - 1) or [Part(Value((one,)), part.at)])
            else:
                found.append(part)
        return found

    # ------------------------------------------------------------ what is open

    def is_open(self, value: Value, depth: int = 8) -> bool:
        """Whether somebody else than the code's authors and operators can choose a text for this place."""
        return any(self._is_open(shape, depth) for shape in value.shapes)

    def _is_open(self, shape: Shape, depth: int) -> bool:
        if depth <= 0:
            return True
        if isinstance(shape, (Known, Code)):
            return False
        if isinstance(shape, Restricted):
            return shape.how == "quoted" and shape.by not in (self.language, "replace") and self.is_open(shape.of, depth - 1)
        if isinstance(shape, Setting):
            return self.is_open(shape.default, depth - 1) and any(shape.default.clients())
        if isinstance(shape, Text):
            return any(self.is_open(part.value, depth - 1) for part in shape.parts)
        if isinstance(shape, Items):
            return (
                any(self.is_open(item, depth - 1) for item in shape.items) or shape.more is not None and self.is_open(shape.more, depth - 1)
            )
        if isinstance(shape, Table):
            return (
                any(self.is_open(item, depth - 1) for item in shape.entries.values())
                or shape.more is not None
                and self.is_open(shape.more, depth - 1)
            )
        if isinstance(shape, Client):
            return True
        if isinstance(shape, Argument):
            return not self._callers_are_fixed(shape)
        if isinstance(shape, Reference):
            return not (
                _CONSTANT.search(shape.name)
                or shape.name in libraries()["own"]["references"]
                or _DEPLOYMENT.search(shape.name)
                or _DEPLOYMENT.search(shape.at.text)
                or _WRITTEN_ATTRIBUTES.search(shape.name)
            )
        if isinstance(shape, Member):
            return self._member_is_open(shape, depth)
        if isinstance(shape, Result):
            return not self._is_own(shape, depth)
        return isinstance(shape, (Unknown, Instance))

    def _member_is_open(self, member: Member, depth: int) -> bool:
        written = member.at.text
        if _WRITTEN_ATTRIBUTES.search(member.step) or _DEPLOYMENT.search(written) and "." in written or _CONSTANT.search(written):
            return False
        inner = member.of.only()
        if isinstance(inner, Argument):
            return member.step != "[...]" or self._is_open(inner, depth - 1)
        if isinstance(inner, Instance):
            return True
        return self.is_open(member.of, depth - 1)

    def _is_own(self, result: Result, depth: int) -> bool:
        """Whether a call's result is of the machine's or the program's own making, or made of nothing else."""
        own = libraries()["own"]["calls"]
        if result.name in own or any(result.name.startswith(f"{name}.") for name in own):
            return True
        if result.name in _OPENED and result.given or result.name == "ast.parse":
            return not self.is_open(result.given[0], depth - 1)
        if result.name.startswith("ast."):
            return True  # a tree that was looked at
        last = result.name.rpartition(".")[2]
        return last in ("cursor", "select", "func") or bool(_WRITTEN_ATTRIBUTES.search(result.name))

    def _callers_are_fixed(self, argument: Argument) -> bool:
        """Whether everybody in the file who calls a function passes what the code spells out."""
        mark = (argument.function.start, argument.name)
        known = self._callers.get(mark)
        if known is None:
            self._callers[mark] = False  # who calls itself adds nothing
            given = [value for _, value, _ in self.given_to(argument)]
            self._callers[mark] = known = bool(given) and not any(self.is_open(value, 4) for value in given)
        return known

    def given_to(self, argument: Argument) -> Iterator[tuple[Call, Value, Expression]]:
        """What the calls of a function in its file pass for a parameter."""
        function = argument.function
        if function.file.path != self.values.module.file.path:
            return
        names = [parameter.name for parameter in function.parameters if parameter.kind == ""]
        if argument.name not in names:
            return
        position = names.index(argument.name) - (1 if names[:1] in (["self"], ["cls"]) else 0)
        seen = 0
        for call in calls_of(self.values.module, function.name):
            if function.start <= call.start < function.end:
                continue
            given = call.argument(position, argument.name)
            if given is not None:
                seen += 1
                if seen > _MOST_CALLERS:
                    return
                yield call, self.values.of(given), given

    # ------------------------------------------------------------ words

    def client_in(self, value: Value, depth: int = _CALLERS_DEPTH) -> Client | None:
        """The client that chooses a part of a value, by itself or through a caller in the file."""
        for shape in value.walk():
            if isinstance(shape, Client):
                return shape
        if depth > 0:
            for shape in value.walk():
                if isinstance(shape, Argument):
                    for _, given, _ in self.given_to(shape):
                        client = self.client_in(given, depth - 1)
                        if client is not None:
                            return client
        return None


def entered(client: Client | None) -> tuple[Related, ...]:
    """Where a client's value entered, for a finding."""
    if client is None:
        return ()
    at = client.at
    if isinstance(at, Function):
        span = at.source.span(at.start, at.start + len(f"def {at.name}") + (6 if at.is_async else 0))
    else:
        span = at.span
    through = f"{client.framework}: " if client.framework else ""
    what = _SOURCES.get(client.source, client.source)
    words = f"{through}`{client.words}` is {what}" if client.words else f"{through}{what}"
    return (Related(at.file.path, span, words),)


_SOURCES = {
    "path": "a part of the URL, which the client chooses",
    "query": "a parameter that the client chooses",
    "body": "the body that the client sends",
    "form": "a form that the client sends",
    "header": "a header that the client sends",
    "cookie": "a cookie that the client sends",
    "upload": "a file that the client sends",
    "message": "a message that somebody sends",
    "event": "the event that the caller sends",
    "request": "the client's request",
}


def shown(expression: Expression | Function | Class) -> str:
    """An expression as a message shows it."""
    return quote(expression.text, 50)


def literal_of(parts: Sequence[str | Part]) -> str:
    """The text with each open part as NUL."""
    return "".join(part if isinstance(part, str) else "\0" for part in parts)
