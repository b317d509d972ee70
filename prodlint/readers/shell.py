"""Shell text wherever it stands, as commands and settings with exact places.

Text that is shell only after decoding (a YAML block scalar, a JSON string) is parsed in its decoded form; a `Script`
knows the way back to the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prodlint.facts import Command, CommandOrigin, Fact, File, Problem, Setting, SettingOrigin, Source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# What shell text says, or that it could not be read.
ShellFact = Command | Setting | Problem

SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"))
VERSIONED = re.compile(r"(python|pip|pypy|node|ruby|perl|php|pg_\w+|psql)-?\d+(?:\.\d+)*")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
REFERENCE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+=])([^{}]*))?\}|([A-Za-z_][A-Za-z0-9_]*)|\(([A-Za-z_][A-Za-z0-9_]*)\))")
# Longest text that is parsed: a generated script of megabytes has nothing to say that a rule waits for.
LONGEST = 1 << 20
# The grammar takes the square of the length of some nonsense (`a=f(f(f(...`, `a|a|a|...`), so a text is given up with more open brackets
# than this, or where its parsing takes more steps (of a hundred operations each) than the bytes that it has come to account for. Scripts
# that people wrote take one step for 77 bytes or more, and have no more than a dozen open brackets. No clock has a say: the same text is
# given up everywhere, or nowhere.
MOST_OPEN = 200
FREE_STEPS = 200
BYTES_A_STEP = 40

# Stands for "each flag takes a value".
EVERY_FLAG = frozenset(("*",))
# Programs that only start another one: how many words of their own follow, and which of their flags take a value.
WRAPPERS: Mapping[str, tuple[int, frozenset[str]]] = {
    "exec": (0, frozenset(("-a",))),
    "nohup": (0, frozenset()),
    "setsid": (0, frozenset()),
    "builtin": (0, frozenset()),
    "time": (0, frozenset(("-o", "-f"))),
    "nice": (0, frozenset(("-n",))),
    "ionice": (0, frozenset(("-c", "-n"))),
    "stdbuf": (0, frozenset(("-i", "-o", "-e"))),
    "timeout": (1, frozenset(("-s", "-k", "--signal", "--kill-after"))),
    "sudo": (0, frozenset(("-u", "-g", "-h", "-p", "-C", "-r", "-t", "--user", "--group"))),
    "doas": (0, frozenset(("-u", "-C"))),
    "gosu": (1, frozenset()),
    "su-exec": (1, frozenset()),
    "s6-setuidgid": (1, frozenset()),
    "setpriv": (0, frozenset(("--reuid", "--regid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set"))),
    "runuser": (0, frozenset(("-u", "--user", "-g", "--group", "-s", "-G"))),
    "flock": (1, frozenset(("-w", "--timeout", "-E"))),
    "envdir": (1, frozenset()),
    "with-contenv": (0, frozenset()),
    "vault-env": (0, frozenset()),
    "dockerize": (0, frozenset(("-wait", "-timeout", "-template", "-wait-retry-interval", "-stdout", "-stderr", "-wait-http-header"))),
    "chpst": (0, frozenset(("-u", "-U", "-e", "-n", "-l", "-L"))),
    "dumb-init": (0, frozenset(("--rewrite", "-r"))),
    "tini": (0, frozenset(("-p", "-e"))),
    "tini-static": (0, frozenset(("-p", "-e"))),
    "catatonit": (0, frozenset()),
    "docker-init": (0, frozenset()),
    "xvfb-run": (0, frozenset(("-n", "-s", "-e", "-f", "-p", "-w", "--server-args", "--server-num"))),
    "opentelemetry-instrument": (0, EVERY_FLAG),
    "ddtrace-run": (0, frozenset()),
    "sentry-run": (0, frozenset()),
    "heroku-exec": (0, frozenset()),
    "scalene": (0, frozenset()),
    "npx": (0, frozenset(("-p", "--package"))),
    "uvx": (0, frozenset(("--from", "--with", "--python", "-p", "--index", "--default-index", "--index-url"))),
}

_RUN_VALUES = frozenset(
    (
        "--with", "--with-editable", "--with-requirements", "--python", "-p", "--extra", "--group", "--no-group", "--only-group",
        "--env-file", "--project", "--directory", "--package", "--index", "--default-index", "--index-url", "--extra-index-url",
        "--cache-dir", "--config-file", "--config-setting", "-C", "-n", "--name", "--prefix", "-e", "--environment", "--env", "-w",
        "--link-mode", "--color", "--no-extra", "--refresh-package", "-f", "--file",
    )
)  # fmt: skip

# Programs with a verb behind which the real command stands.
RUNNERS: Mapping[str, tuple[str, ...]] = {
    "poetry": ("run",),
    "pipenv": ("run",),
    "pdm": ("run",),
    "hatch": ("run",),
    "uv": ("run",),
    "rye": ("run",),
    "pixi": ("run",),
    "conda": ("run",),
    "mamba": ("run",),
    "micromamba": ("run",),
    "pipx": ("run",),
    "newrelic-admin": ("run-program",),
    "doppler": ("run",),
    "infisical": ("run",),
    "op": ("run",),
    "dotenv": ("run",),
    "dotenvx": ("run",),
    "phase": ("run",),
    "teller": ("run",),
    "berglas": ("exec",),
    "chamber": ("exec",),
    "aws-vault": ("exec",),
    "bundle": ("exec",),
}

# `$(PYTHON)` in a Makefile or `$PIP` in a script whose value is not in the same file.
_PROGRAM_VARIABLES = {
    "PYTHON": "python", "PYTHON3": "python", "PY": "python", "PYTHON_BIN": "python", "PIP": "pip", "UV": "uv", "POETRY": "poetry",
    "PYTEST": "pytest", "DOCKER": "docker", "DOCKER_COMPOSE": "docker compose", "COMPOSE": "docker compose", "RUFF": "ruff",
    "MYPY": "mypy", "MANAGE": "python manage.py", "KUBECTL": "kubectl", "HELM": "helm", "PDM": "pdm", "TOX": "tox", "NOX": "nox",
    "MAKE": "make", "NPM": "npm", "YARN": "yarn", "PNPM": "pnpm", "UVICORN": "uvicorn", "GUNICORN": "gunicorn", "ALEMBIC": "alembic",
    "CELERY": "celery", "FLASK": "flask", "FLAKE8": "flake8", "TERRAFORM": "terraform", "PRE_COMMIT": "pre-commit",
}  # fmt: skip

# What may stand right of `||` without keeping the failure.
_QUIET = frozenset(("true", ":", "echo", "printf", "/bin/true"))
_STOPS = frozenset(("exit", "return", "false", "kill", "die", "fail", "abort", "error_exit"))


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


# What of a line stands in the file as it is, also where the quotes in it are written with escapes.
_UNQUOTED = re.compile(rb"[^\s\"'\\]+")


class Script:
    """Shell text and, for each of its bytes, the place in the file.

    data: what is parsed. written: the same bytes before foreign syntax in them (`${{ }}`, `$(VAR)` of make) was covered;
    words are cut out of it. Both have the same length.
    """

    __slots__ = ("_local", "_places", "data", "end", "source", "source_text", "start")

    def __init__(self, source: Source, source_text: bytes, pieces: Sequence[tuple[int, int]], start: int, end: int) -> None:
        self.source = source
        self.source_text = source_text
        self.data = source_text
        self.start = start
        self.end = end
        self._local = [local for local, _ in pieces]
        self._places = [place for _, place in pieces]

    @classmethod
    def of_range(cls, source: Source, start: int, end: int) -> Script:
        """The shell text that stands as it is between two offsets."""
        return cls(source, source.data[start:end], [(0, start)], start, end)

    @classmethod
    def of_text(cls, source: Source, text: str, start: int, end: int) -> Script:
        """Decoded text whose written form stands between two offsets: found again line by line, then word by word."""
        data = source.data
        source_text = text.encode("utf-8", "replace")
        if data.startswith(source_text, start):
            return cls(source, source_text, [(0, start)], start, end)
        cursor = start
        if data[start : start + 1] in (b"|", b">"):
            newline = data.find(b"\n", start, end)
            cursor = newline + 1 if newline != -1 else start
        pieces = [(0, cursor)]
        local, misses = 0, 0
        for line in source_text.splitlines(keepends=True):
            stripped = line.strip()
            indent = len(line) - len(line.lstrip())
            if stripped and misses < 64:
                found = data.find(stripped, cursor, end)
                if found != -1:
                    pieces.append((local + indent, found))
                    cursor = found + len(stripped)
                else:
                    misses += 1
                    cursor = cls._align_words(data, stripped, local + indent, cursor, end, pieces)
            local += len(line)
        return cls(source, source_text, pieces, start, end)

    @staticmethod
    def _align_words(data: bytes, line: bytes, local: int, cursor: int, end: int, pieces: list[tuple[int, int]]) -> int:
        for found in _UNQUOTED.finditer(line):
            word = found.group()
            place = data.find(word, cursor, min(end, cursor + 2 * len(line) + 256))
            if place == -1:
                pieces.append((local + found.start(), cursor))
            else:
                pieces.append((local + found.start(), place))
                cursor = place + len(word)
        return cursor

    def place(self, offset: int) -> int:
        """The place in the file of a byte of this text."""
        index = bisect_right(self._local, offset) - 1
        if index < 0:
            return self.start
        place = self._places[index] + offset - self._local[index]
        limit = self._places[index + 1] if index + 1 < len(self._places) else self.end
        return max(self._places[index], min(place, limit))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the file of a range of this text."""
        first = self.place(start)
        return first, max(first, self.place(end - 1) + 1) if end > start else first

    def text(self, start: int, end: int) -> str:
        """The text of a range, as written."""
        return self.source_text[start:end].decode("utf-8", "replace")

    def cover(self, opening: bytes, closing: bytes, first: bytes, last: bytes) -> None:
        """Turn `opening ... closing` of a foreign syntax into one harmless word of the same length, for the parser only."""
        data, position, parts = self.data, 0, []
        found = data.find(opening)
        if found == -1:
            return
        while found != -1:
            stop = data.find(closing, found + len(opening))
            if stop == -1:
                break
            stop += len(closing)
            inner = re.sub(rb"[^A-Za-z0-9_]", b"_", data[found + len(first) : stop - len(last)])
            parts += [data[position:found], first, inner, last]
            position = stop
            found = data.find(opening, stop)
        self.data = b"".join(parts) + data[position:]

    def cover_parameters(self) -> None:
        """CircleCI's `<< parameters.x >>`, which a shell would take for a here-document."""
        if b"<<" in self.data:
            self.data = re.sub(rb"<<[ ]*(?:parameters|pipeline|matrix)\.[\w.-]+[ ]*>>", lambda found: b"_" * len(found.group()), self.data)

    def cover_comment_lines(self) -> None:
        """Blank comment lines inside a continued Dockerfile instruction, which Docker drops before the shell runs."""
        if b"#" not in self.data:
            return
        lines = self.data.splitlines(keepends=True)
        for index in range(1, len(lines)):
            if lines[index].lstrip().startswith(b"#") and lines[index - 1].rstrip()[-1:] in (b"\\", b""):
                lines[index] = b" " * len(lines[index])
        self.data = b"".join(lines)

    def mask_make_syntax(self) -> None:
        """Make's `$(NAME)`, `$$` and automatic variables in the shape of shell expansions."""
        if b"$" not in self.data:
            return
        data = bytearray(self.data)
        position = data.find(b"$")
        while position != -1 and position + 1 < len(data):
            following = data[position + 1]
            if following == 0x24:
                data[position] = 0x5F
                position += 2
            elif following == 0x28:
                depth, stop = 0, position + 1
                while stop < len(data):
                    depth += {0x28: 1, 0x29: -1}.get(data[stop], 0)
                    if depth == 0:
                        break
                    stop += 1
                if stop >= len(data):
                    break
                inner = re.sub(rb"[^A-Za-z0-9_]", b"_", bytes(data[position + 2 : stop]))
                data[position + 1 : stop + 1] = b"{" + inner + b"}"
                position = stop
            else:
                if following in b"<^|%+":
                    data[position + 1] = 0x5F
                position += 2
            position = data.find(b"$", position)
        self.data = bytes(data)


@dataclass(slots=True)
class Unit:
    """What a piece of shell text belongs to.

    variables: known NAME -> value, filled with the script's own assignments as they come.
    options: shell options that are on; changed by `set`.
    """

    file: File
    origin: CommandOrigin
    owner: str
    long_running: bool
    options: frozenset[str] = frozenset()
    variables: dict[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()
    masked: str = ""
    ignored: bool = False

    @property
    def setting_origin(self) -> SettingOrigin:
        """The origin of the settings it makes."""
        return self.origin if self.origin in ("ci", "makefile") else "shell"


@dataclass(slots=True)
class _Around:
    """What surrounds a statement on the way down the tree. loose: what swallows its failure unless errexit is on there.
    arms: the functions, `case` patterns and conditions it stands under."""

    masked: str = ""
    loose: str = ""
    condition: bool = False
    operator: str = ""
    following: tuple[str, ...] = ()
    tail: bool = True
    stops: bool = False
    arms: tuple[str, ...] = ()

    def but(self, **changes: Any) -> _Around:
        values = {name: getattr(self, name) for name in _Around.__slots__}
        values.update(changes)
        return _Around(**values)


Word = tuple[str, int, int]


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """Commands and settings of a shell script."""
    why = _refused(source.data)
    if why and Problem in wanted:
        yield _given_up(source, file, 0, why)
    if why or not wanted & {Command, Setting, Fact}:
        return
    first = source.line_text(1)
    options = set()
    if first.startswith("#!"):
        flags = "".join(word[1:] for word in first.split()[1:] if word.startswith("-"))
        options = {"errexit"} if "e" in flags else set()
    unit = Unit(file, "shell", file.name, True, frozenset(options))
    starts_something = "entrypoint" in file.name or file.name.split(".")[0] in ("start", "run", "boot", "serve", "server", "gunicorn")
    for fact in facts_in(Script.of_range(source, 0, len(source.data)), unit):
        if isinstance(fact, Command):
            # What replaces the script is what it was written to start; `exec` in the middle of a helper function counts too.
            last_exec = "exec" in fact.through
            fact.long_running = last_exec or (starts_something and fact.long_running)
        if type(fact) in wanted or Fact in wanted:
            yield fact


def commands_in(
    source: Source, file: File, start: int, end: int, *, origin: CommandOrigin, owner: str = "", long_running: bool = False
) -> Iterator[Command]:
    """The commands of shell text that stands between two offsets."""
    for fact in facts_in(Script.of_range(source, start, end), Unit(file, origin, owner, long_running)):
        if isinstance(fact, Command):
            yield fact


def facts_in(script: Script, unit: Unit) -> Iterator[ShellFact]:
    """Commands and settings of shell text, in order. A command of `unit.long_running` text is so only where nothing comes after it.

    A problem where the text is given up: longer than LONGEST, nested more deeply than MOST_OPEN, or too tangled for the grammar.
    """
    why = _refused(script.data)
    root = None if why else _tree(script.data)
    if root is not None:
        yield from _Walk(script, unit).facts(root)
    else:
        yield _given_up(script.source, unit.file, script.start, why or "shell text too tangled to be read: its commands were not looked at")


def _refused(data: bytes) -> str:
    """Why a text is not parsed at all; nothing where it is."""
    if len(data) > LONGEST:
        return f"shell text of more than {LONGEST >> 20} MiB: its commands were not looked at"
    if data.count(b"(") - data.count(b")") > MOST_OPEN:
        return "shell text nested too deeply: its commands were not looked at"
    return ""


def _given_up(source: Source, file: File, start: int, why: str) -> Problem:
    problem = Problem(source, file, start, start)
    problem.kind, problem.why = "depth", why
    return problem


_LONGEST_PIECE = 65_536


@lru_cache(maxsize=4096)
def _shared(piece: bytes) -> bytes:
    """One object for all equal lines: the binding (py-tree-sitter 0.26) never lets go of what it was handed, and a server parses the same text at
    every keystroke."""
    return piece


def _tree(data: bytes) -> Node | None:
    """The root of the text's syntax tree, or None where it takes too many steps."""
    parser = _parser()
    steps = 0

    def is_too_long(offset: int, _: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > FREE_STEPS + offset // BYTES_A_STEP

    def piece(offset: int, _: object) -> bytes:
        end = data.find(b"\n", offset, offset + _LONGEST_PIECE) + 1
        return _shared(data[offset : end or offset + _LONGEST_PIECE])

    try:
        return parser.parse(piece, progress_callback=is_too_long).root_node
    except ValueError:
        # Without this the parser would go on with that text at its next call.
        parser.reset()
        return None


class _Walk:
    """One pass over a syntax tree with an explicit stack: a chain of a thousand `&&` is a thousand levels deep."""

    def __init__(self, script: Script, unit: Unit) -> None:
        self.script = script
        self.unit = unit
        self.options = set(unit.options)

    def facts(self, root: Node) -> Iterator[ShellFact]:
        waiting: list[tuple[Node, _Around]] = [(root, _Around(masked=self.unit.masked))]
        while waiting:
            node, around = waiting.pop()
            kind = node.type
            if kind == "command":
                yield from self._command(node, around)
                self._substitutions(node, waiting)
            elif kind in ("variable_assignment", "variable_assignments", "declaration_command"):
                yield from self._assignments(node)
                self._substitutions(node, waiting)
            else:
                waiting.extend(reversed(self._inside(node, kind, around)))
        self.unit.options = frozenset(self.options)

    def _inside(self, node: Node, kind: str, around: _Around) -> list[tuple[Node, _Around]]:
        if kind == "list":
            return self._list(node, around)
        if kind == "pipeline":
            return self._pipeline(node, around)
        if kind == "redirected_statement":
            return self._redirected(node, around)
        if kind == "negated_command":
            return [(child, around.but(condition=True)) for child in node.named_children]
        if kind in ("if_statement", "elif_clause", "while_statement", "c_style_for_statement"):
            return self._branches(node, around)
        if kind == "case_item":
            values = "|".join(self._text(value) for value in node.children_by_field_name("value"))
            around = around.but(arms=(*around.arms, values))
        if kind in ("program", "compound_statement", "subshell", "do_group", "else_clause", "case_item", "ERROR", "command_substitution"):
            return self._sequence(node, node.children, around)
        if kind in ("for_statement", "case_statement", "function_definition", "process_substitution", "heredoc_body"):
            inner = around
            if kind == "function_definition":
                name = node.child_by_field_name("name")
                arms = (*around.arms, self._text(name)) if name is not None else around.arms
                inner = around.but(tail=False, operator="", following=(), masked="", arms=arms)
            return [(child, inner) for child in node.named_children]
        if kind in ("test_command", "string", "concatenation", "expansion", "herestring_redirect", "file_redirect", "array"):
            found: list[tuple[Node, _Around]] = []
            self._substitutions(node, found)
            return found
        return []

    def _sequence(self, node: Node, children: Sequence[Node], around: _Around) -> list[tuple[Node, _Around]]:
        statements: list[tuple[Node, str]] = []
        for child in children:
            if child.type == "comment":
                continue
            if child.is_named:
                statements.append((child, ""))
            elif child.type in (";", "&", "\n", ";;") and statements and not statements[-1][1]:
                statements[-1] = (statements[-1][0], {"\n": ";", ";;": ""}.get(child.type, child.type))
        result = []
        for index, (statement, operator) in enumerate(statements):
            if index == len(statements) - 1:
                inner = around.but(operator=operator if operator == "&" else around.operator)
            else:
                after = statements[index + 1][0]
                loose = ""
                asks = b"$?" in self.script.data[after.start_byte : after.end_byte][:400]
                if not asks and index == len(statements) - 2:
                    words = self._words_of(after)
                    # Only `; true` on the same line is a mask: a script that ends with `exit 0` some lines later means the script.
                    if (
                        (words[:1] in (("true",), (":",)) or words[:2] == ("exit", "0"))
                        and operator == ";"
                        and (after.start_point[0] == statement.end_point[0])
                    ):
                        loose = f"; {' '.join(words)}"
                inner = around.but(
                    operator=operator or ";",
                    following=self._words_of(after),
                    loose=loose or around.loose,
                    tail=operator == "&" and around.tail,
                    stops=around.stops or asks,
                )
            result.append((statement, inner))
        return result

    def _list(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        parts = [child for child in node.children if child.type != "comment"]
        if len(parts) < 3:
            return [(part, around) for part in parts if part.is_named]
        left, operator, right = parts[0], parts[1].type, parts[-1]
        masked, stops = around.masked, around.stops
        if operator == "||":
            swallowed = self._swallowed(right)
            if swallowed and not stops:
                masked = swallowed
        elif self._stops(right):
            stops = True
        return [
            (left, around.but(operator=operator, following=self._words_of(right), masked=masked, stops=stops,
                              condition=around.condition, tail=operator == "||" and around.tail)),
            (right, around),
        ]  # fmt: skip

    def _pipeline(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        parts = [child for child in node.named_children if child.type != "comment"]
        result = []
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            result.append((part, around if last else around.but(operator="|", following=self._words_of(parts[index + 1]))))
        return result

    def _redirected(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        result: list[tuple[Node, _Around]] = []
        for child in node.named_children:
            if child.type == "heredoc_redirect":
                right = child.child_by_field_name("right")
                if right is not None:
                    joined = next((c.type for c in child.children if c.type in ("&&", "||", "|", "|&")), "|")
                    masked = (self._swallowed(right) or around.masked) if joined == "||" else around.masked
                    result = [(n, a.but(operator=joined, following=self._words_of(right), masked=masked)) for n, a in result]
                    result.append((right, around))
                for part in child.named_children:
                    if part.type == "pipeline":
                        result += [(n, around) for n in part.named_children]
                    elif part.type == "heredoc_body":
                        self._substitutions(part, result)
            elif child.type.endswith("_redirect"):
                self._substitutions(child, result)
            else:
                result.append((child, around))
        return result

    def _branches(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        result: list[tuple[Node, _Around]] = []
        condition = True
        asked = ""
        body: list[Node] = []
        inside = around
        for child in node.children:
            if child.type in ("then", "do_group"):
                condition = False
                inside = around.but(arms=(*around.arms, f"if {asked}")) if asked and child.type == "then" else around
            if child.type in ("elif_clause", "else_clause", "do_group"):
                result += self._sequence(node, body, inside)
                body = []
                result.append((child, around.but(arms=(*around.arms, f"else {asked}")) if asked and child.type != "do_group" else around))
                if child.type == "elif_clause":
                    asked = f"{asked} {self.script.text(child.start_byte, child.end_byte)[:200].partition('then')[0]}"
            elif condition:
                if child.is_named:
                    asked = f"{asked} {self.script.text(child.start_byte, child.end_byte)[:200]}".lstrip()
                    result.append((child, around.but(condition=True, tail=False)))
            else:
                body.append(child)
        return result + self._sequence(node, body, inside)

    def _substitutions(self, node: Node, into: list[tuple[Node, _Around]]) -> None:
        """Commands inside `$( )`, backquotes and `<( )` of a node; their failure is somebody else's."""
        if b"(" not in self.script.data[node.start_byte : node.end_byte] and b"`" not in self.script.data[node.start_byte : node.end_byte]:
            return
        waiting = list(reversed(node.named_children))
        while waiting:
            child = waiting.pop()
            if child.type in ("command_substitution", "process_substitution"):
                into.append((child, _Around(tail=False)))
            else:
                waiting.extend(reversed(child.named_children))

    def _swallowed(self, right: Node) -> str:
        """What stands right of `||` as words, when it lets the script go on."""
        words = self._words_of(right)
        if not words or self._stops(right):
            return ""
        if words[:2] == ("exit", "0") or words[0] in _QUIET:
            return "|| " + (" ".join(words[:2]) if words[0] == "exit" else words[0])
        return ""

    def _stops(self, node: Node) -> bool:
        """Whether a command in there keeps the failure: exit other than 0, return, false."""
        waiting, budget = [node], 200
        while waiting and budget:
            budget -= 1
            child = waiting.pop()
            if child.type == "command":
                words = self._words_of(child)
                if words and words[0] in _STOPS and words[:2] not in (("exit", "0"), ("return", "0")):
                    return True
            elif child.type not in ("string", "raw_string", "word", "heredoc_body"):
                waiting.extend(child.named_children)
        return False

    # ------------------------------------------------------------ words

    def _words_of(self, node: Node) -> tuple[str, ...]:
        """The first command's words inside a node (at most eight)."""
        waiting = [node]
        while waiting:
            child = waiting.pop()
            if child.type == "command":
                return tuple(self._text(part) for part in child.named_children if part.type != "variable_assignment")[:8]
            if child.type in ("variable_assignment", "test_command", "comment"):
                continue
            waiting.extend(reversed(child.named_children))
        return ()

    def _text(self, node: Node) -> str:
        source_text = self.script.text(node.start_byte, node.end_byte)
        if node.type == "command_name" and node.named_child_count == 1:
            return self._text(node.named_children[0])
        if node.type == "word" or node.type == "number":
            return _unescaped(source_text) if "\\" in source_text else source_text
        if node.type == "raw_string":
            return source_text[1:-1]
        if node.type == "ansi_c_string":
            return source_text[2:-1]
        if node.type == "string":
            return _unquoted(source_text[1:-1]) if "\\" in source_text else source_text[1:-1]
        if node.type == "concatenation":
            return "".join(self._text(part) for part in node.named_children) if node.named_child_count < 1000 else source_text
        return source_text

    def _command(self, node: Node, around: _Around) -> Iterator[ShellFact]:
        words: list[Word] = []
        prefix: dict[str, str] = {}
        for child in node.named_children:
            if child.type == "variable_assignment":
                yield from self._assignment(child, prefix)
            elif child.type == "file_redirect" or child.type == "herestring_redirect":
                continue
            else:
                words.append((self._text(child), child.start_byte, child.end_byte))
        if not words:
            return
        if words[0][0] == "set":
            self._set([word for word, _, _ in words[1:]])
        elif words[0][0] == ":":
            yield from self._defaults(words[1:])
        masked = "" if around.condition or around.stops else around.masked or ("" if "errexit" in self.options else around.loose)
        if not masked and "errexit-off" in self.options and not around.condition and not around.stops:
            masked = "set +e"
        placed = [(text, *self.script.span(start, end)) for text, start, end in words]
        start, end = placed[0][1], placed[-1][2]
        if node.start_byte < words[0][1]:
            start = self.script.place(node.start_byte)
        yield from command_facts(
            self.script.source,
            placed,
            Unit(
                self.unit.file,
                self.unit.origin,
                self.unit.owner,
                self.unit.long_running,
                frozenset(self.options - {"errexit-off"}),
                self.unit.variables,
                self.unit.through,
                masked,
                self.unit.ignored,
            ),
            start=start,
            end=end,
            prefix=prefix,
            operator_after=around.operator,
            following=around.following,
            condition=around.condition,
            tail=around.tail,
            arms=around.arms,
        )

    def _set(self, words: Sequence[str]) -> None:
        named = {"e": "errexit", "u": "nounset"}
        for index, word in enumerate(words):
            on = word.startswith("-")
            if not on and not word.startswith("+"):
                continue
            letters = [named[letter] for letter in word[1:] if letter in named]
            if word.endswith("o") and index + 1 < len(words):
                letters.append(words[index + 1])
            for option in letters:
                if on:
                    self.options.add(option)
                    if option == "errexit":
                        self.options.discard("errexit-off")
                else:
                    self.options.discard(option)
                    if option == "errexit":
                        self.options.add("errexit-off")

    def _assignments(self, node: Node) -> Iterator[Setting]:
        if node.type == "variable_assignment":
            yield from self._assignment(node, self.unit.variables)
            return
        for child in node.named_children:
            if child.type == "variable_assignment":
                yield from self._assignment(child, self.unit.variables)

    def _defaults(self, words: Sequence[Word]) -> Iterator[Setting]:
        """The variables that `: "${NAME:=value}"` gives a value where nobody has."""
        for text, start, end in words:
            found = REFERENCE.fullmatch(text)
            if found is None or found[2] not in (":=", "="):
                continue
            quotes = 1 if end - start == len(text.encode()) + 2 else 0
            place = self.script.span(start + quotes, end - quotes)
            yield setting(
                self.script.source,
                self.unit.file,
                found[1],
                text,
                key_at=place,
                value_at=place,
                origin=self.unit.setting_origin,
                service=self.unit.owner,
            )

    def _assignment(self, node: Node, known: dict[str, str]) -> Iterator[Setting]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or name.type != "variable_name":
            return
        script, text = self.script, "" if value is None else self._text(value)
        key = script.text(name.start_byte, name.end_byte)
        known.setdefault(key, text)
        quotes = 1 if value is not None and value.type in ("string", "raw_string") and value.end_byte - value.start_byte > 1 else 0
        yield setting(
            script.source,
            self.unit.file,
            key,
            text,
            key_at=script.span(name.start_byte, name.end_byte),
            value_at=None if value is None else script.span(value.start_byte + quotes, value.end_byte - quotes),
            origin=self.unit.setting_origin,
            service=self.unit.owner,
            literal=value is not None and value.type == "raw_string",
        )


def _unescaped(text: str) -> str:
    return re.sub(r"\\(\r?\n|.)", lambda found: "" if found[1].endswith("\n") else found[1], text, flags=re.DOTALL)


def _unquoted(text: str) -> str:
    return re.sub(r'\\(\r?\n|["\\$`])', lambda found: "" if found[1].endswith("\n") else found[1], text)


# ---------------------------------------------------------------- words to commands


def program_of(word: str) -> str:
    """A program's name without path, version and `.exe`."""
    last = word.rsplit("/", 1)[-1]
    # `${VENV}/bin/pytest` is pytest; `${PYTHON:-/usr/bin/python}` is not `python}`.
    name = last if last and not (word.startswith("$") and re.search(r"[^\w.+-]", last)) else word
    name = name.removesuffix(".exe")
    found = VERSIONED.fullmatch(name)
    return found[1] if found else name


def command_of_words(
    source: Source,
    file: File,
    words: Sequence[Word],
    *,
    origin: CommandOrigin,
    owner: str = "",
    long_running: bool = False,
    options: frozenset[str] = frozenset(),
) -> Iterator[ShellFact]:
    """The commands of an exec form: words with their places. `["sh", "-c", "a && b"]` gives those of the script."""
    if words:
        unit = Unit(file, origin, owner, long_running, options)
        yield from command_facts(source, list(words), unit, start=words[0][1], end=words[-1][2], shell_form=False)


def command_facts(
    source: Source,
    words: list[Word],
    unit: Unit,
    *,
    start: int,
    end: int,
    prefix: Mapping[str, str] | None = None,
    operator_after: str = "",
    following: tuple[str, ...] = (),
    condition: bool = False,
    tail: bool = True,
    shell_form: bool = True,
    arms: tuple[str, ...] = (),
) -> Iterator[ShellFact]:
    """One command with its wrappers taken off; the commands inside where the wrapper is a shell."""
    settings = dict(prefix or {})
    through = list(unit.through)
    for _ in range(16):
        if not words:
            return
        words = _expanded(words, unit.variables)
        rest = _unwrapped(words, through, settings)
        if rest is None:
            break
        if not rest:
            # `exec 2>&1`, `poetry run` alone: the wrapper is the command.
            del through[-1:]
            break
        words = rest
    program = program_of(words[0][0])
    if program in SHELLS and (script := _shell_text(words)) is not None:
        index, options = script
        text, at, stop = words[index]
        inner = Script.of_text(source, text, at, stop)
        yield from facts_in(
            inner,
            Unit(
                unit.file, unit.origin, unit.owner, unit.long_running and tail, options,
                unit.variables, (*through, program, words[1][0]), unit.masked, unit.ignored,
            ),
        )  # fmt: skip
        return
    if unit.ignored:
        settings["make-ignore"] = "1"
    command = Command(source, unit.file, start, end)
    command.program = program
    command.argv = tuple(text for text, _, _ in words[1:])
    command.words = tuple((at, stop) for _, at, stop in words[1:])
    command.through = tuple(through)
    command.origin = unit.origin
    command.owner = unit.owner
    command.long_running = unit.long_running and tail
    command.operator_after = operator_after
    command.following = following
    command.settings = settings
    command.shell_form = shell_form
    command.masked = unit.masked
    command.condition = condition
    command.options = unit.options
    command.arms = arms
    yield command


def _expanded(words: list[Word], variables: Mapping[str, str]) -> list[Word]:
    """`$PYTHON` in the place of the program, where its value is known."""
    text, start, end = words[0]
    if not text.startswith("$"):
        return words
    found = REFERENCE.fullmatch(text)
    if not found:
        return words
    name = found[1] or found[4] or found[5]
    value = variables.get(name, "") or (found[3] if found[2] in ("-", ":-") else "") or _PROGRAM_VARIABLES.get(name.upper(), "")
    inner = REFERENCE.fullmatch(value)
    if inner and inner[2] in ("-", ":-"):
        value = inner[3]
    if not value or any(sign in value for sign in "$`\"'|&;()"):
        return words
    return [(part, start, end) for part in value.split()] + words[1:]


def _unwrapped(words: list[Word], through: list[str], settings: dict[str, str]) -> list[Word] | None:
    """The words behind a wrapper, or None where the first word is the command itself."""
    program = program_of(words[0][0])
    texts = [text for text, _, _ in words]
    if program in ("env", "cross-env"):
        through.append(program)
        return words[_past_env(texts, settings) :]
    if program == "command" and len(texts) > 1 and not texts[1].startswith("-"):
        through.append("command")
        return words[1:]
    if program in WRAPPERS:
        own, valued = WRAPPERS[program]
        index = _past_flags(texts, 1, valued)
        while index < len(texts) and program in ("sudo", "nice") and ASSIGNMENT.match(texts[index]):
            name, _, value = texts[index].partition("=")
            settings[name] = value
            index += 1
        through.append(program)
        return words[index + own :]
    if program in RUNNERS:
        return _behind_runner(program, words, texts, through)
    if program in ("python", "pypy"):
        for index, text in enumerate(texts[1:], 1):
            if text == "-m":
                if index + 1 < len(texts):
                    through += ["python", "-m"]
                    return words[index + 1 :]
                return None
            if not text.startswith("-") or text == "-c":
                return None
    if program.startswith("wait-for") and "--" in texts:
        # wait-for-it.sh db:5432 -- command
        through.append(program)
        return words[texts.index("--") + 1 :]
    if program == "su" and "-c" in texts:
        index = texts.index("-c") + 1
        if index < len(words):
            through.append("su")
            return [("sh", words[0][1], words[0][2]), ("-c", *words[index - 1][1:]), words[index]]
    return None


def _past_flags(texts: Sequence[str], index: int, valued: Iterable[str]) -> int:
    while index < len(texts) and texts[index].startswith("-"):
        if texts[index] == "--":
            return index + 1
        takes = texts[index] in valued or (valued is EVERY_FLAG and "=" not in texts[index])
        index += 2 if takes else 1
    return index


def _past_env(texts: Sequence[str], settings: dict[str, str]) -> int:
    index = 1
    while index < len(texts):
        word = texts[index]
        if word in ("-u", "--unset", "-C", "--chdir"):
            index += 2
        elif word.startswith("-"):
            index += 1
        elif ASSIGNMENT.match(word):
            name, _, value = word.partition("=")
            settings[name] = value
            index += 1
        else:
            break
    return index


def _behind_runner(program: str, words: list[Word], texts: list[str], through: list[str]) -> list[Word] | None:
    index = _past_flags(texts, 1, _RUN_VALUES)
    if program == "uv" and texts[index : index + 2] == ["tool", "run"]:
        index += 1
    if texts[index : index + 1] != list(RUNNERS[program]):
        # `dotenv -e .env -- command`
        if program == "dotenv" and "--" in texts:
            through.append("dotenv")
            return words[texts.index("--") + 1 :]
        return None
    verb = texts[index]
    index += 1
    while index < len(texts) and texts[index].startswith("-"):
        if texts[index] == "--":
            index += 1
            break
        if texts[index] in ("-m", "--module") and program in ("uv", "conda"):
            through += [program, verb, "-m"]
            return words[index + 1 :]
        index += 2 if texts[index] in _RUN_VALUES else 1
    if program in ("chamber", "aws-vault") and "--" in texts:
        index = texts.index("--") + 1
    through += [program, verb]
    rest = words[index:]
    if program == "hatch" and rest and ":" in rest[0][0] and "/" not in rest[0][0]:
        # `hatch run test:cov`: an environment and one of its scripts.
        name, at, stop = rest[0]
        rest = [(name.split(":", 1)[1] or name, at, stop), *rest[1:]]
    return rest


def _shell_text(words: Sequence[Word]) -> tuple[int, frozenset[str]] | None:
    """Index of the script in `sh -euo pipefail -c script`, and the options it runs with."""
    options: set[str] = set()
    index, wants_script = 1, False
    while index < len(words):
        word = words[index][0]
        if word.startswith("--"):
            index += 1
        elif word.startswith("-") and len(word) > 1:
            if "e" in word[1:]:
                options.add("errexit")
            wants_script = wants_script or "c" in word[1:]
            if word.endswith("o") and index + 1 < len(words):
                options.add(words[index + 1][0])
                index += 1
            index += 1
        else:
            return (index, frozenset(options)) if wants_script else None
    return None


# ---------------------------------------------------------------- settings


def setting(
    source: Source,
    file: File,
    name: str,
    value: str | None,
    *,
    key_at: tuple[int, int],
    value_at: tuple[int, int] | None,
    origin: SettingOrigin,
    service: str = "",
    literal: bool = False,
) -> Setting:
    """A setting; a value that is only a reference (`${X:-y}`) becomes the reference and its default.

    literal: the value is not subject to expansion.
    """
    at = value_at if value is not None and value_at is not None and value_at[1] >= value_at[0] else key_at
    fact = Setting(source, file, at[0], at[1])
    fact.name = name
    fact.key_start, fact.key_end = key_at
    fact.origin = origin
    fact.service = service
    fact.value, fact.reference, fact.default = value, "", None
    if value is not None and "$" in value and not literal:
        stripped = value.strip()
        found = REFERENCE.fullmatch(stripped)
        foreign = stripped.startswith("${{") and stripped.endswith("}}") and stripped.count("${{") == 1
        if found or foreign or (stripped.startswith(("$(", "`")) and stripped.endswith((")", "`"))):
            fact.value, fact.reference = None, stripped
            if found and found[2] in ("-", ":-", "=", ":="):
                fact.default = _without_quotes(found[3])
    return fact


def _without_quotes(default: str) -> str:
    """A default as the shell takes it: `${X:-""}` is nothing."""
    return default[1:-1] if len(default) > 1 and default[0] == default[-1] and default[0] in "\"'" else default
