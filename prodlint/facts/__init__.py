"""The vocabulary in which readers tell rules what a file says. Rules never see a parser.

Every fact knows its place as byte offsets into `Source.data` (UTF-8) and its file; `span` is computed when asked.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from typing import Literal as OneOf

from prodlint.counting import whole_number
from prodlint.model import Span

# ---------------------------------------------------------------- closed vocabularies

# What reads a file, by its name (`prodlint.configuration.kinds`).
FileKind = OneOf[
    "python", "notebook", "dockerfile", "yaml", "json", "toml", "ini", "hcl", "env", "requirements", "shell", "makefile",
    "procfile", "systemd", "nginx", "markdown", "jenkinsfile", "sql", "ignore", "lock", "text",
]  # fmt: skip
# What a file is for, by its place, its name and its first lines (`prodlint.configuration.roles`).
FileRole = OneOf[
    "test", "example", "docs", "dev", "ci", "generated", "vendored", "script", "migration", "settings", "command", "production",
    "stub", "notebook",
]  # fmt: skip
# "other": of no kind that a rule asks for.
DocumentKind = OneOf[
    "compose", "kubernetes", "github-workflow", "github-action", "gitlab-ci", "circleci", "azure-pipelines", "pre-commit",
    "dependabot", "helm-values", "openapi", "prometheus-rules", "mkdocs", "pyproject", "pipfile", "cargo", "lock", "package-json",
    "tox", "setup-cfg", "alembic", "supervisord", "systemd", "notebook", "i18n", "cloudformation", "serverless", "terraform",
    "other",
]  # fmt: skip
# "platform": what a hosting platform's own file gives (ECS, Fly, Render, App Engine, CloudFormation); "python": a default of os.getenv
# and friends, or a settings class.
SettingOrigin = OneOf[
    "env-file", "compose", "dockerfile-env", "dockerfile-arg", "kubernetes", "ci", "shell", "systemd", "supervisord", "makefile",
    "terraform", "platform", "python", "toml", "ini",
]  # fmt: skip
CommandOrigin = OneOf[
    "dockerfile-run", "dockerfile-cmd", "dockerfile-entrypoint", "dockerfile-healthcheck", "compose", "compose-healthcheck",
    "kubernetes", "kubernetes-probe", "ci", "procfile", "makefile", "shell", "package-json", "supervisord", "systemd",
    "pre-commit", "toml", "tox",
]  # fmt: skip
RequirementOrigin = OneOf["requirements", "pyproject", "poetry", "pipfile", "lock", "setup-cfg", "conda"]
StatementKind = OneOf[
    "expression", "assign", "return", "raise", "if", "for", "while", "try", "with", "def", "class", "pass", "continue", "break",
    "import", "assert", "delete", "global", "match", "other",
]  # fmt: skip
# "default": a parameter's; "field": a class attribute; "unpacked": a part of a display, "unpacked-part": of a value that is not
# taken apart here; "walrus": (x := y); "keyword": of a call; "item": an entry of a dict display; "compare": == or !=.
AssignmentKind = OneOf[
    "name", "attribute", "subscript", "annotated", "augmented", "default", "field", "unpacked", "unpacked-part", "walrus", "keyword",
    "item", "compare",
]  # fmt: skip
LiteralRole = OneOf[
    "assignment", "default", "keyword", "argument", "item", "key", "comparison", "docstring", "fstring", "element", "subscript",
    "return", "other",
]  # fmt: skip
# "star" and "double-star": *x and **x; "for-clause" and "if-clause": of a comprehension; "keys": several in one subscript;
# "brackets": redundant ones around nothing or several things; "deep": nested too deeply to be read; "error": no Python.
OpaqueKind = OneOf[
    "lambda", "comprehension", "for-clause", "if-clause", "await", "yield", "star", "double-star", "walrus", "slice", "keys", "pair",
    "keyword", "parameters", "brackets", "as", "as-target", "type", "format", "assignment", "deep", "error", "other",
]  # fmt: skip
# What the conditions around a fact say: "debug" (`if DEBUG`, `settings.debug`), "environment" (a comparison of an environment's
# name with development, local or test), "not-production" (`if not PRODUCTION`, `ENV != "production"`: also where nobody has set it), "main"
# (`if __name__ == "__main__"`), "type-checking".
Guard = OneOf["debug", "environment", "not-production", "main", "type-checking"]
ParameterKind = OneOf["", "*", "**"]


# ---------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class File:
    """A file as rules may ask about it.

    path: from the project's root, forward slashes.
    """

    path: str
    kind: FileKind
    roles: frozenset[FileRole] = frozenset()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


def encodable(text: str) -> str:
    """A text without lone surrogates (`"\\ud800"` in JSON and Python), which no encoding holds: each becomes the replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_LINE_END = re.compile(rb"[\r\n]")


class Source:
    """A file's text: UTF-8 bytes without a byte-order mark, and the way from byte offsets to lines and columns.

    derived: what readers have made of it (trees), for whoever needs it again; its keys are the readers'. has_mark: whether the file
    begins with a byte-order mark, which `data` holds no more.
    """

    __slots__ = ("_ascii", "_lines", "_text", "data", "derived", "encoding", "has_mark")

    def __init__(self, data: bytes, encoding: str = "utf-8") -> None:
        self.data = data
        self.encoding = encoding
        self._lines: list[int] | None = None
        self._text: str | None = None
        self._ascii = data.isascii()
        self.derived: dict[object, object] = {}
        self.has_mark = False

    @property
    def text(self) -> str:
        """The whole file as text."""
        if self._text is None:
            self._text = self.data.decode("utf-8", "replace")
        return self._text

    @property
    def line_starts(self) -> list[int]:
        """Byte offset of the start of each line; lines end at LF, CRLF or a lone CR."""
        if self._lines is None:
            # bytes.splitlines knows these three endings and no other, and is ten times a loop's speed
            starts = list(accumulate(map(len, self.data.splitlines(keepends=True)), initial=0))
            if len(starts) > 1 and not self.data.endswith((b"\n", b"\r")):
                starts.pop()
            self._lines = starts
        return self._lines

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (from 1, code points) of a byte offset."""
        starts = self.line_starts
        line = bisect_right(starts, offset) - 1
        start = starts[line]
        if self._ascii:
            return line + 1, offset - start + 1
        return line + 1, len(self.data[start:offset].decode("utf-8", "replace")) + 1

    def span(self, start: int, end: int) -> Span:
        """The span of the bytes from `start` up to `end`."""
        return Span(*self.position(start), *self.position(end))

    def offset(self, code_point: int) -> int:
        """Byte offset of the character with this index in `text`."""
        return code_point if self._ascii else len(self.text[:code_point].encode("utf-8"))

    def offset_at(self, line: int, column: int) -> int:
        """Byte offset of a line and column (both from 1, column in code points)."""
        starts = self.line_starts
        start = starts[min(line, len(starts)) - 1]
        if self._ascii:
            return min(start + column - 1, len(self.data))
        end = starts[line] if line < len(starts) else len(self.data)
        return start + len(self.data[start:end].decode("utf-8", "replace")[: column - 1].encode("utf-8"))

    def line_text(self, line: int) -> str:
        """The text of a line (from 1) without its line ending."""
        starts = self.line_starts
        if not 1 <= line <= len(starts):
            return ""
        end = starts[line] if line < len(starts) else len(self.data)
        return self.data[starts[line - 1] : end].decode("utf-8", "replace").rstrip("\r\n")

    def end_of_line(self, offset: int, limit: int) -> int:
        """The byte offset at which the line around an offset ends, before its line ending; `limit` where that comes first."""
        found = _LINE_END.search(self.data, offset, limit)
        return found.start() if found is not None else limit

    def slice(self, start: int, end: int) -> str:
        """The text between two byte offsets."""
        return self.data[start:end].decode("utf-8", "replace")

    def place(self, span: Span) -> str:
        """Words for a place that its line number does not tell ("cell 3, line 4"), or nothing."""
        return ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What surrounds a fact. Configuration files have the empty scope.

    function, class_: names of the innermost ones ("" outside). symbol: dotted path of all of them.
    guards: what the conditions around it say.
    """

    function: str = ""
    class_: str = ""
    symbol: str = ""
    is_async: bool = False
    in_loop: bool = False
    in_handler: bool = False
    guards: frozenset[Guard] = frozenset()


NO_SCOPE = Scope()


class Fact:
    """Something a file says, and where: byte offsets `start` to `end` of `source`."""

    __slots__ = ("end", "file", "source", "start")

    source: Source
    file: File
    start: int
    end: int

    def __init__(self, source: Source, file: File, start: int, end: int) -> None:
        self.source = source
        self.file = file
        self.start = start
        self.end = end

    @property
    def span(self) -> Span:
        """Line, column, end line, end column, from 1, in code points."""
        return self.source.span(self.start, self.end)

    @property
    def text(self) -> str:
        """Its source text; of an expression of Python without the comments and blanks that only lay it out."""
        return self.source.slice(self.start, self.end)

    @property
    def scope(self) -> Scope:
        """What surrounds it."""
        return NO_SCOPE

    @property
    def line(self) -> int:
        """Its first line, from 1."""
        return self.source.position(self.start)[0]


# ---------------------------------------------------------------- expressions and statements of Python


class Expression(Fact):
    """A piece of Python that has a value."""

    __slots__ = ()

    def parts(self) -> Sequence[Expression]:
        """The expressions directly inside it."""
        return ()

    def walk(self) -> Iterator[Expression]:
        """It and everything inside it, outermost first. Bodies of lambdas and comprehensions are included."""
        waiting: list[Expression] = [self]
        while waiting:
            expression = waiting.pop()
            yield expression
            waiting.extend(reversed(expression.parts()))


class Constant(Expression):
    """A literal: text, bytes, number, boolean, None or `...`. Implicitly joined strings are one constant.

    unread: True where the value could not be computed (an exotic escape); value is then the raw text.
    """

    __slots__ = ("value",)
    value: Any


class Name(Expression):
    """A name or dotted attribute of names.

    name: the qualified name as far as imports and one-step assignments tell ("os.environ", "self.client",
    "httpx.Client" for an alias); written: as it stands in the source.
    """

    __slots__ = ("name", "source_text")
    name: str
    source_text: str


class Attribute(Expression):
    """An attribute of something that is not a plain name: `f().x`, `a[0].b`."""

    __slots__ = ("attribute",)
    attribute: str

    @property
    @abstractmethod
    def value(self) -> Expression:
        """What it is an attribute of."""

    def parts(self) -> Sequence[Expression]:
        return (self.value,)


class Collection(Expression):
    """A list, tuple or set display."""

    __slots__ = ("kind",)
    kind: OneOf["list", "tuple", "set"]

    @property
    @abstractmethod
    def items(self) -> tuple[Expression, ...]:
        """What it holds, in order."""

    def parts(self) -> Sequence[Expression]:
        return self.items


class Dictionary(Expression):
    """A dict display; a `**other` entry has the key None."""

    __slots__ = ()

    @property
    @abstractmethod
    def items(self) -> tuple[tuple[Expression | None, Expression], ...]:
        """Its keys and values, in order."""

    def parts(self) -> Sequence[Expression]:
        return [part for pair in self.items for part in pair if part is not None]

    def get(self, key: str) -> Expression | None:
        """The value under a literal text key."""
        for name, value in self.items:
            if isinstance(name, Constant) and name.value == key:
                return value
        return None


class FString(Expression):
    """An f-string (or t-string): its parts are constants and expressions, in order."""

    __slots__ = ()

    @property
    @abstractmethod
    def items(self) -> tuple[Expression, ...]:
        """Its constants and expressions, in order."""

    def parts(self) -> Sequence[Expression]:
        return self.items


class Operation(Expression):
    """A unary, binary, boolean or comparison operation: `operator` as written ("+", "%", "or", "not", "==", "not in")."""

    __slots__ = ("operator",)
    operator: str

    @property
    @abstractmethod
    def operands(self) -> tuple[Expression, ...]:
        """What it works on; of a chain of the same `+` or `|` all at once."""

    def parts(self) -> Sequence[Expression]:
        return self.operands


class Subscript(Expression):
    """`value[key]`."""

    __slots__ = ()

    @property
    @abstractmethod
    def value(self) -> Expression:
        """What is looked into."""

    @property
    @abstractmethod
    def key(self) -> Expression:
        """The key; several are one OpaqueExpression of kind `keys`."""

    def parts(self) -> Sequence[Expression]:
        return (self.value, self.key)


class Conditional(Expression):
    """`then if test else otherwise`."""

    __slots__ = ()

    @property
    @abstractmethod
    def then(self) -> Expression:
        """The value where the test holds."""

    @property
    @abstractmethod
    def test(self) -> Expression:
        """The test."""

    @property
    @abstractmethod
    def orelse(self) -> Expression:
        """The value where it does not."""

    def parts(self) -> Sequence[Expression]:
        return (self.then, self.test, self.orelse)


class OpaqueExpression(Expression):
    """Anything else (lambda, comprehension, await, yield, star, slice ...): `kind` names it, `items` are inside."""

    __slots__ = ("kind",)
    kind: OpaqueKind

    @property
    @abstractmethod
    def items(self) -> tuple[Expression, ...]:
        """The expressions in it, in order."""

    def parts(self) -> Sequence[Expression]:
        return self.items


class Call(Expression):
    """A call.

    name: qualified through the file's imports, one-step local assignments, `self.x = Client()` and `with Client()
    as c`: with `s = requests.Session()`, `s.get()` has the name "requests.Session.get", and so has
    `requests.Session().get()`. Where the receiver is unknown: its text ("row.get"). A name bound to
    `functools.partial(f, ...)` is called as f, with the partial's keywords.
    method: the last part of the name.
    """

    __slots__ = ("method", "name")
    name: str
    method: str

    @property
    @abstractmethod
    def function(self) -> Expression:
        """The callee."""

    @property
    @abstractmethod
    def receiver(self) -> Expression | None:
        """The expression left of the callee's last dot."""

    @property
    @abstractmethod
    def arguments(self) -> tuple[Expression, ...]:
        """The positional arguments; `*x` is an OpaqueExpression of kind "star"."""

    @property
    @abstractmethod
    def keywords(self) -> Mapping[str, Expression]:
        """The keyword arguments."""

    @property
    @abstractmethod
    def spreads(self) -> tuple[Expression, ...]:
        """The mappings that are passed as `**mapping`, in order."""

    @property
    @abstractmethod
    def stars(self) -> bool:
        """Whether `*args` or `**kwargs` are passed: more may be given than can be seen."""

    @property
    @abstractmethod
    def awaited(self) -> bool:
        """Whether `await` stands before it."""

    @property
    @abstractmethod
    def is_imported(self) -> bool:
        """Whether its name leads back to something that the file imports: a parameter called `requests` is not the library."""

    @property
    @abstractmethod
    def constructor(self) -> Call | None:
        """The call that made the receiver, where the receiver was resolved to one."""

    @property
    @abstractmethod
    def module(self) -> Module:
        """The file it stands in."""

    def parts(self) -> Sequence[Expression]:
        return (self.function, *self.arguments, *self.keywords.values())

    def argument(self, position: int, keyword: str = "") -> Expression | None:
        """The argument at a position (from 0) or under a keyword; None where absent."""
        if keyword and keyword in self.keywords:
            return self.keywords[keyword]
        if 0 <= position < len(self.arguments):
            found = self.arguments[position]
            return None if isinstance(found, OpaqueExpression) and found.kind == "star" else found
        return None


class Statement:
    """A Python statement, for checks that follow the flow.

    expressions: those directly in it: the value of a return; test of an if or while; [iterable] of a for; the call
    results of a with; [exception, cause] of a raise. targets: what an assign, for or with binds.
    body: its block. orelse: `else` (for if: an `elif` is one nested "if"). handlers: the except clauses of a try.
    finalbody: its finally block. cases: the blocks of a match.
    definition: the Function or Class of a "def" or "class". is_async for `async for`/`async with`.
    """

    def __init__(self, kind: StatementKind, start: int, end: int, source: Source) -> None:
        self.kind: StatementKind = kind
        self.start = start
        self.end = end
        self.source = source

    @property
    @abstractmethod
    def expressions(self) -> tuple[Expression, ...]:
        """The expressions directly in it."""

    @property
    @abstractmethod
    def targets(self) -> tuple[Expression, ...]:
        """What it binds."""

    @property
    @abstractmethod
    def body(self) -> tuple[Statement, ...]:
        """Its block."""

    @property
    @abstractmethod
    def orelse(self) -> tuple[Statement, ...]:
        """Its `else` or `elif`."""

    @property
    @abstractmethod
    def handlers(self) -> tuple[Handler, ...]:
        """The except clauses of a try."""

    @property
    @abstractmethod
    def finalbody(self) -> tuple[Statement, ...]:
        """The finally block of a try."""

    @property
    @abstractmethod
    def cases(self) -> tuple[tuple[Statement, ...], ...]:
        """The blocks of a match."""

    @property
    @abstractmethod
    def patterns(self) -> tuple[Expression | None, ...]:
        """The pattern of each case of a match, None for one behind a guard."""

    @property
    @abstractmethod
    def definition(self) -> Function | Class | None:
        """What a "def" or "class" defines."""

    @property
    @abstractmethod
    def assignment(self) -> Assignment | None:
        """The first assignment of an "assign"."""

    @property
    @abstractmethod
    def annotation(self) -> str:
        """The type that an "assign" declares, also one without a value (`name: str`), or nothing."""

    @property
    @abstractmethod
    def is_async(self) -> bool:
        """Whether it is an `async for` or `async with`."""

    @property
    def span(self) -> Span:
        """Line, column, end line, end column, from 1, in code points."""
        return self.source.span(self.start, self.end)

    def blocks(self) -> Iterator[tuple[Statement, ...]]:
        """Every block in it, in order."""
        yield self.body
        for handler in self.handlers:
            yield handler.body
        yield self.orelse
        yield self.finalbody
        yield from self.cases

    def walk(self, into_definitions: bool = False) -> Iterator[Statement]:
        """It and every statement inside it, in order; nested functions and classes only when asked."""
        yield self
        if self.kind in ("def", "class") and not into_definitions:
            return
        for block in self.blocks():
            for statement in block:
                yield from statement.walk(into_definitions)


def statements_in(block: Sequence[Statement], into_definitions: bool = False) -> Iterator[Statement]:
    """Every statement in a block, in order."""
    for statement in block:
        yield from statement.walk(into_definitions)


def expressions_in(block: Sequence[Statement], into_definitions: bool = False) -> Iterator[Expression]:
    """Every expression in a block, in order of its statements."""
    for statement in statements_in(block, into_definitions):
        for expression in (*statement.targets, *statement.expressions):
            yield from expression.walk()


def calls_in(block: Sequence[Statement], into_definitions: bool = False) -> Iterator[Call]:
    """Every call in a block."""
    for expression in expressions_in(block, into_definitions):
        if isinstance(expression, Call):
            yield expression


# ---------------------------------------------------------------- facts of Python


class Import(Fact):
    """One imported name: module "a.b" (relative ones resolved as far as the path tells), name "c" or "" for `import a.b`,
    alias: what it is called here. in_block: the statement belongs to a function, a class, a condition or a `try`. is_relative: `from .a import b`."""

    __slots__ = ("alias", "in_block", "is_relative", "module", "name", "typing_only")
    module: str
    name: str
    alias: str
    typing_only: bool
    in_block: bool
    is_relative: bool

    @property
    def qualified(self) -> str:
        """The whole dotted name."""
        return f"{self.module}.{self.name}" if self.name else self.module


class Assignment(Fact):
    """A value bound to a name, in all its spellings.

    target: the last part ("password" of `self.password`, of `config["password"]`, of `{"password": ...}`).
    qualified: the whole target as written. annotation: its text or "".
    """

    __slots__ = ("annotation", "kind", "qualified", "target")
    kind: AssignmentKind
    target: str
    qualified: str
    annotation: str

    @property
    @abstractmethod
    def value(self) -> Expression:
        """The value bound."""

    @property
    @abstractmethod
    def module(self) -> Module:
        """The file it stands in."""


class Literal(Fact):
    """A text or bytes literal of Python and the role it plays.

    name: the name it is bound to, where there is one. value: its text.
    """

    __slots__ = ("name", "role", "value")
    role: LiteralRole
    name: str
    value: str

    @property
    @abstractmethod
    def module(self) -> Module:
        """The file it stands in."""


class Handler(Fact):
    """An except clause.

    types: qualified exception names, () for a bare one. alias: the name after `as`, or "".
    tried: the try block. body: the handler's own. Star is True for `except*`.
    """

    __slots__ = ("alias", "star", "types")
    types: tuple[str, ...]
    alias: str
    star: bool

    @property
    @abstractmethod
    def body(self) -> tuple[Statement, ...]:
        """See the class."""

    @property
    @abstractmethod
    def tried(self) -> tuple[Statement, ...]:
        """See the class."""

    @property
    @abstractmethod
    def finalbody(self) -> tuple[Statement, ...]:
        """See the class."""

    @property
    @abstractmethod
    def above(self) -> tuple[Handler, ...]:
        """The except clauses of the same `try` before it, in order."""

    @property
    @abstractmethod
    def function(self) -> Function | None:
        """The function it stands in."""

    @property
    @abstractmethod
    def module(self) -> Module:
        """See the class."""


@dataclass(slots=True)
class Parameter:
    """A parameter: annotation as text (or ""), default where it has one; kind "", "*" or "**"."""

    name: str
    annotation: str
    default: Expression | None
    kind: ParameterKind


class Function(Fact):
    """A function or method. name; symbol in `scope.symbol` of the things around it; is_async."""

    __slots__ = ("is_async", "name")
    name: str
    is_async: bool

    @property
    @abstractmethod
    def decorators(self) -> tuple[Expression, ...]:
        """Resolved: a Name or a Call."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """See the class."""

    @property
    @abstractmethod
    def returns(self) -> str:
        """The return annotation's text, or nothing."""

    @property
    @abstractmethod
    def body(self) -> tuple[Statement, ...]:
        """Its statements, the docstring included."""

    @property
    @abstractmethod
    def class_(self) -> Class | None:
        """The class whose method it is."""

    @property
    @abstractmethod
    def module(self) -> Module:
        """See the class."""


class Class(Fact):
    """A class. bases: qualified names of its positional bases."""

    __slots__ = ("name",)
    name: str

    @property
    @abstractmethod
    def bases(self) -> tuple[str, ...]:
        """See the class."""

    @property
    @abstractmethod
    def keywords(self) -> Mapping[str, Expression]:
        """Its keyword arguments (metaclass=...)."""

    @property
    @abstractmethod
    def decorators(self) -> tuple[Expression, ...]:
        """See the class."""

    @property
    @abstractmethod
    def body(self) -> tuple[Statement, ...]:
        """See the class."""

    @property
    @abstractmethod
    def module(self) -> Module:
        """See the class."""


class Route(Fact):
    """An HTTP route: framework ("fastapi", "flask", "django", "aiohttp", ...), methods in upper case, path, the function
    that answers it (None where it stands in another file), the decorator or registration call."""

    __slots__ = ("call", "framework", "function", "methods", "path")
    framework: str
    methods: tuple[str, ...]
    path: str
    function: Function | None
    call: Call


class Module(Fact):
    """A whole Python file (or notebook), for checks that look around."""

    __slots__ = ()

    @property
    @abstractmethod
    def derived(self) -> dict[str, object]:
        """What other layers worked out about the file, kept as long as it is."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of all that was made of the file, which is done with."""

    @abstractmethod
    def extent(self, start: int, end: int) -> tuple[int, int]:
        """First and last line (from 1) of the statement around a byte range; of a compound one only its header."""

    @abstractmethod
    def around(self, place: Fact) -> Iterator[str]:
        """What a place is given to within its statement, innermost first: keywords and keys as `name=`, called names as `name(`."""

    @abstractmethod
    def import_facts(self) -> Sequence[Import]:
        """Every imported name of the file, in order."""

    @property
    @abstractmethod
    def imports(self) -> Mapping[str, str]:
        """Name used here -> qualified name, of every import in the file."""

    @property
    @abstractmethod
    def body(self) -> tuple[Statement, ...]:
        """See the class."""

    @abstractmethod
    def function(self, name: str) -> Function | None:
        """The function defined at module level under this name."""

    @abstractmethod
    def class_named(self, name: str) -> Class | None:
        """The class defined at module level under this name."""

    @abstractmethod
    def functions(self) -> Sequence[Function]:
        """Every function and method of the file, nested ones included."""

    @abstractmethod
    def classes(self) -> Sequence[Class]:
        """Every class of the file."""

    @abstractmethod
    def calls(self) -> Sequence[Call]:
        """Every call of the file."""

    @abstractmethod
    def calls_within(self, start: int, end: int) -> Sequence[Call]:
        """The calls that begin in a byte range, in order: nothing is made of the others."""

    @abstractmethod
    def assignments(self, name: str) -> Sequence[Assignment]:
        """Every assignment in the file whose target, as written, is this name (`x`, `self.x`, `app.debug`)."""

    @abstractmethod
    def constant(self, name: str) -> Expression | None:
        """The expression of a module-level name that is assigned exactly once."""

    @abstractmethod
    def follow(self, expression: Expression, near: Fact | None = None) -> Expression:
        """One step: a name bound exactly once in the surrounding function or at module level becomes its value; anything else stays."""


# ---------------------------------------------------------------- facts of every kind of file


class Text(Fact):
    """A whole file as text, with what the anchors found: (literal, byte offset) in order of offset."""

    __slots__ = ("hits",)
    hits: Sequence[tuple[bytes, int]]


class Comment(Fact):
    """A comment; `value` is its text without the marker and surrounding blanks."""

    __slots__ = ("value",)
    value: str


class Setting(Fact):
    """An environment-style setting: NAME = value.

    value: None where it is not in the file (`${X}`, `secretKeyRef`, no default). reference: the raw reference text
    where the value is one ("${X:-default}"); of Python the text of the default, "" where it has none. default: the literal behind `:-`, or the fallback in Python.
    start and end cover the value (or the name, where there is no value); key_start and key_end cover the name.
    """

    __slots__ = ("default", "key_end", "key_start", "name", "origin", "reference", "service", "value")
    name: str
    value: str | None
    default: str | None
    reference: str
    origin: SettingOrigin
    service: str
    key_start: int
    key_end: int


class Command(Fact):
    """One program started by a file, seen through `sh -c`, `exec`, `env`, `python -m`, `poetry run`, `uv run`, `&&`.

    program: base name without path or version ("python3.12" is "python", "/usr/bin/uvicorn" is "uvicorn"); for `python -m x` it is
    "x" and `through` holds ("python", "-m"). argv: the words after the program, unquoted; words: their byte spans.
    long_running: it is what the unit starts and keeps (CMD, ENTRYPOINT, compose command, k8s
    command, Procfile, ExecStart, the last exec of an entrypoint script).
    owner: service, target, job or stage it belongs to. operator_after: what joins it to the next command
    ("&&", "||", ";", "|", "&", "") and following: the next command's program and words where joined by "||", "|" or ";".
    settings: NAME=value put before it; {"make-ignore": "1"} for a Makefile recipe line that starts with "-".
    masked: what swallows its failure, as written ("|| true", "; exit 0", "set +e", "-"), or "".
    condition: its result is asked for by `if`, `while` or `!`. options: shell options on at that place ("errexit", "pipefail").
    arms: what must be chosen for a shell to get there, outermost first: functions by name, `case` patterns ("dev|develop"), conditions
    ("if [ $DEBUG ]", "else [ $DEBUG ]").
    """

    __slots__ = (
        "argv",
        "arms",
        "condition",
        "following",
        "long_running",
        "masked",
        "operator_after",
        "options",
        "origin",
        "owner",
        "program",
        "settings",
        "shell_form",
        "through",
        "words",
    )
    program: str
    argv: tuple[str, ...]
    words: tuple[tuple[int, int], ...]
    through: tuple[str, ...]
    origin: CommandOrigin
    owner: str
    long_running: bool
    operator_after: str
    following: tuple[str, ...]
    settings: Mapping[str, str]
    shell_form: bool
    masked: str
    condition: bool
    options: frozenset[str]
    arms: tuple[str, ...]

    def flag(self, *names: str) -> int:
        """Index in argv of the first of these flags (also as `--flag=value`), or -1."""
        for index, word in enumerate(self.argv):
            if word in names or any(word.startswith(name + "=") for name in names):
                return index
        return -1

    def flag_value(self, *names: str) -> str | None:
        """The value of a flag, from `--flag value` or `--flag=value`; None where absent."""
        index = self.flag(*names)
        if index == -1:
            return None
        word = self.argv[index]
        if "=" in word:
            return word.split("=", 1)[1]
        return self.argv[index + 1] if index + 1 < len(self.argv) else ""


class Node(Fact):
    """A node of a YAML, JSON, TOML or INI document, anchors and merge keys resolved.

    kind: "mapping", "sequence" or "scalar". value: the scalar as the format types it (YAML 1.2 core with YAML 1.1
    booleans kept as text "yes"/"on"); raw: its text as written, unquoted. tag: an explicit custom tag ("!Ref") or "".
    key_start, key_end: the key it stands under, equal to start where it has none. path: its keys from the root, dotted, list items as indexes
    ("services.web.ports.0").
    """

    __slots__ = ("items", "key_end", "key_start", "kind", "members", "path", "quoted", "raw", "tag", "value")
    kind: OneOf["mapping", "sequence", "scalar"]
    value: Any
    raw: str
    tag: str
    quoted: bool
    members: Mapping[str, Node]
    items: Sequence[Node]
    path: str
    key_start: int
    key_end: int

    def get(self, *path: str) -> Node | None:
        """The node under a path of keys, or None."""
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            if node.kind == "mapping":
                node = node.members.get(part)
            elif node.kind == "sequence" and (index := whole_number(part)) is not None and index < len(node.items):
                node = node.items[index]
            else:
                return None
        return node

    def text_at(self, *path: str) -> str:
        """The raw text of the scalar under a path, or ""."""
        node = self.get(*path)
        return node.raw if node is not None and node.kind == "scalar" else ""

    def walk(self) -> Iterator[Node]:
        """It and everything under it, in document order."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(list(node.members.values()) if node.kind == "mapping" else list(node.items)))

    @property
    def key_span(self) -> Span:
        """The place of its key."""
        return self.source.span(self.key_start, self.key_end)


class Document(Fact):
    """A whole YAML, JSON, TOML or INI document.

    A stream of several YAML documents gives one fact each, numbered by `index` from 0.
    template: the file holds template syntax (Jinja, Helm) and was read as far as it could be.
    """

    __slots__ = ("index", "kind", "root", "template")
    kind: DocumentKind
    root: Node
    index: int
    template: bool


class Entry(Fact):
    """One scalar, mapping or sequence of a document under its dotted path, for matches by path."""

    __slots__ = ("document", "node", "path")
    document: Document
    node: Node
    path: str


class Instruction(Fact):
    """A Dockerfile instruction: keyword in upper case, flags (`--mount=...`) as (name, value) pairs, `value` with
    continuations joined and comments removed, `words` split as Docker splits them (JSON form decoded), json_form,
    heredocs as their bodies (text, start, end), stage it stands in. onbuild: behind ONBUILD.
    pieces: the lines `value` was joined from: (index in value, byte offset) of each."""

    __slots__ = ("flags", "heredocs", "json_form", "keyword", "onbuild", "pieces", "stage", "value", "words")
    keyword: str
    flags: tuple[tuple[str, str], ...]
    value: str
    words: tuple[str, ...]
    json_form: bool
    heredocs: tuple[tuple[str, int, int], ...]
    onbuild: bool
    stage: Stage | None
    pieces: tuple[tuple[int, int], ...]

    def offset(self, index: int) -> int:
        """The byte offset of the character of `value` with this index."""
        at, origin = self.pieces[max(bisect_right(self.pieces, (index, len(self.source.data))) - 1, 0)]
        return origin + len(self.value[at:index].encode("utf-8", "replace"))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The byte offsets of a slice of `value`."""
        first = self.offset(start)
        return (first, self.offset(end - 1) + len(self.value[end - 1 : end].encode("utf-8", "replace"))) if end > start else (first, first)


@dataclass(slots=True)
class Stage:
    """A build stage: name (alias or ""), image as written and with ARG defaults put in ("" where unresolved), the
    parent stage where the image names one, its instructions, FROM included."""

    index: int
    name: str
    image: str
    resolved: str
    parent: Stage | None
    instructions: list[Instruction] = field(default_factory=list)
    is_final: bool = False

    def lineage(self) -> Iterator[Instruction]:
        """Its instructions last to first, then those of the stages it is built from."""
        stage: Stage | None = self
        while stage is not None:
            yield from reversed(stage.instructions)
            stage = stage.parent


class Dockerfile(Fact):
    """A whole Dockerfile: its stages and the ARG defaults before the first FROM."""

    __slots__ = ("arguments", "stages")
    stages: tuple[Stage, ...]
    arguments: Mapping[str, str]

    @property
    def final(self) -> Stage | None:
        """The stage that is built when no target is named."""
        return self.stages[-1] if self.stages else None


class Requirement(Fact):
    """A dependency as declared: name normalised (PEP 503), extras, specifier as written ("" for none), marker,
    hashes, url (for VCS and direct ones), editable; group: "main", "dev", an extra's or group's name, "build", "constraint".
    In a lock the specifier is "==x.y"."""

    __slots__ = ("editable", "extras", "group", "hashes", "marker", "name", "origin", "specifier", "url")
    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: str
    hashes: tuple[str, ...]
    url: str
    editable: bool
    group: str
    origin: RequirementOrigin


class Option(Fact):
    """An option line of a requirements or pip configuration file: `--extra-index-url https://...`; name and value."""

    __slots__ = ("name", "value")
    name: str
    value: str


class Problem(Fact):
    """What the reader could not read. kind: "syntax" (the file is broken there), "template" (left out on purpose)."""

    __slots__ = ("kind", "why")
    kind: OneOf["syntax", "template", "encoding", "size", "depth"]
    why: str
