"""Dockerfiles: instructions, stages and comments, read the way BuildKit reads them.

Parsers tried on real files take the bodies of heredocs for instructions or lose the rest of the file at a comment
inside a continued line, therefore this one is our own. https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prodlint.facts import Comment, Dockerfile, Fact, File, Instruction, Problem, Source, Stage, encodable

KEYWORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split()
)
_WITH_FLAGS = frozenset(("FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"))
_WITH_HEREDOCS = frozenset(("RUN", "COPY", "ADD"))
_MAY_BE_JSON = frozenset(("RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"))
_SHELL_TEXT = frozenset(("RUN", "CMD", "ENTRYPOINT", "MAINTAINER"))


@dataclass(frozen=True, slots=True)
class Pair:
    """NAME=value of an ENV, ARG or LABEL: value is None for an ARG without default; byte offsets of both."""

    name: str
    value: str | None
    key_start: int
    key_end: int
    start: int
    end: int
    quoted: bool


def read(source: Source, file: File, wanted: frozenset[type[Fact]]) -> Iterator[Fact]:
    """The facts of a Dockerfile."""
    reader = source.derived.get(file)
    if not isinstance(reader, _Reader):
        reader = source.derived[file] = _Reader(source, file)
        reader.run()
    if Problem in wanted and reader.problem is not None:
        yield reader.problem
    if Dockerfile in wanted:
        whole = Dockerfile(source, file, 0, len(source.data))
        whole.stages = tuple(reader.stages)
        whole.arguments = reader.arguments
        yield whole
    if Instruction in wanted:
        yield from reader.instructions
    if Comment in wanted:
        yield from reader.comments


# ---------------------------------------------------------------- the lines


_DIRECTIVE = re.compile(rb"#[ \t]*([a-zA-Z][a-zA-Z0-9]*)[ \t]*=[ \t]*(.*?)[ \t]*\Z")
_KEYWORD = re.compile(r"([A-Za-z]+)(?:[ \t\r\n]+|\Z)")
_FLAG = re.compile(r"--([a-z][a-z-]*)(?:=((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])*))?(?:\s+|\Z)")
_SHELL_WORD = re.compile(
    r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.|<<<|(?:(?<=\s)|^)\d*<<(-?)\\?(["']?)([A-Za-z_][\w.-]*)\2(?=[\s;|&>)]|\Z)""", re.DOTALL
)


class _Reader:
    """One pass over the lines of a Dockerfile."""

    def __init__(self, source: Source, file: File) -> None:
        self.source = source
        self.file = file
        self.data = source.data
        self.escape = "\\"
        self.instructions: list[Instruction] = []
        self.comments: list[Comment] = []
        self.stages: list[Stage] = []
        self.named: dict[str, Stage] = {}
        self.arguments: dict[str, str] = {}
        self.problem: Problem | None = None
        # Where each line starts and ends, without its line ending.
        starts = source.line_starts
        ends = [*starts[1:], len(self.data)]
        self.lines = [(start, start + len(self.data[start:end].rstrip(b"\r\n"))) for start, end in zip(starts, ends, strict=True)]

    def run(self) -> None:
        """Read every line."""
        self.directives()
        at = 0
        while at < len(self.lines):
            at = self.logical_line(at)
        if self.stages:
            self.stages[-1].is_final = True
        elif self.instructions and self.problem is None:
            self.broken("no FROM instruction", self.instructions[0].start)

    def broken(self, why: str, start: int, kind: str = "syntax") -> None:
        """Remember the first thing that could not be read."""
        if self.problem is None:
            end = next((stop for begin, stop in self.lines if begin <= start <= stop), start)
            self.problem = Problem(self.source, self.file, start, max(start, end))
            self.problem.kind = "template" if kind == "template" else "syntax"
            self.problem.why = why

    def directives(self) -> None:
        """`# escape=` counts only in the first lines, before any other comment."""
        for start, end in self.lines:
            found = _DIRECTIVE.match(self.data[start:end])
            if found is None or found.group(1).lower() not in (b"syntax", b"escape", b"check"):
                return
            if found.group(1).lower() == b"escape" and found.group(2) in (b"`", b"\\"):
                self.escape = found.group(2).decode()

    def comment(self, start: int, end: int) -> None:
        """Keep a comment line."""
        text = self.data[start:end]
        begin = start + len(text) - len(text.lstrip())
        fact = Comment(self.source, self.file, begin, start + len(text.rstrip()))
        fact.value = text.strip()[1:].decode("utf-8", "replace").strip()
        self.comments.append(fact)

    def logical_line(self, at: int) -> int:
        """Read the instruction that starts on this line; the number of the line after it."""
        start, end = self.lines[at]
        stripped = self.data[start:end].strip()
        if not stripped:
            return at + 1
        if stripped.startswith(b"#"):
            self.comment(start, end)
            return at + 1
        pieces: list[tuple[str, int]] = []
        last_end = end
        escape = self.escape.encode()
        while True:
            line = self.data[start:end]
            lead = 0 if pieces else len(line) - len(line.lstrip())
            bare = line.rstrip()
            goes_on = bare.endswith(escape)
            body = bare[: -len(escape)] if goes_on else bare
            pieces.append((body[lead:].decode("utf-8", "replace"), start + lead))
            last_end = start + len(bare)
            at += 1
            if not goes_on:
                break
            # Comment lines and empty lines do not end a continued instruction.
            while at < len(self.lines):
                start, end = self.lines[at]
                stripped = self.data[start:end].strip()
                if stripped.startswith(b"#"):
                    self.comment(start, end)
                elif stripped:
                    break
                at += 1
            if at >= len(self.lines):
                break
        return self.instruction(pieces, last_end, at)

    def heredocs(self, value: str, at: int) -> tuple[list[tuple[str, int, int]], int]:
        """The bodies of the heredocs an instruction opens, and the line after them."""
        found: list[tuple[str, int, int]] = []
        if "<<" not in value:
            return found, at
        for word in _SHELL_WORD.finditer(value):
            if word.group(3) is None:
                continue
            closing = word.group(3).encode()
            first = at
            while at < len(self.lines):
                start, end = self.lines[at]
                line = self.data[start:end]
                if (line.lstrip(b"\t") if word.group(1) else line) == closing:
                    break
                at += 1
            begin = self.lines[first][0] if first < len(self.lines) else len(self.data)
            stop = self.lines[at][0] if at < len(self.lines) else len(self.data)
            if at >= len(self.lines):
                self.broken(f"heredoc `{word.group(3)}` has no end", begin)
            found.append((self.source.slice(begin, stop), begin, stop))
            at += 1
        return found, min(at, len(self.lines))

    def instruction(self, pieces: list[tuple[str, int]], end: int, at: int) -> int:
        """Make the fact of a joined line; the number of the line after it and its heredocs."""
        text = "".join(piece for piece, _ in pieces)
        start = pieces[0][1]
        if not text.strip():
            return at
        found = _KEYWORD.match(text)
        if found is None or found.group(1).upper() not in KEYWORDS:
            if text.startswith(("{{", "{%", "{#")):
                self.broken("template: its control lines are left out", start, "template")
            else:
                self.broken(f"`{text.split(None, 1)[0]}` is no instruction", start)
            return at
        skip = found.end()
        keyword = found.group(1).upper()
        onbuild = False
        if keyword == "ONBUILD":
            inner = _KEYWORD.match(text, skip)
            if inner is None or inner.group(1).upper() not in KEYWORDS:
                self.broken("ONBUILD without an instruction", start)
                return at
            onbuild, keyword, skip = True, inner.group(1).upper(), inner.end()
        flags: list[tuple[str, str]] = []
        if keyword in _WITH_FLAGS:
            while (flag := _FLAG.match(text, skip)) is not None:
                flags.append((flag.group(1), (flag.group(2) or "").strip("\"'")))
                skip = flag.end()
        value = text[skip:].rstrip()
        fact = Instruction(self.source, self.file, start, end)
        fact.keyword = keyword
        fact.flags = tuple(flags)
        fact.value = value
        fact.onbuild = onbuild
        fact.pieces = _cut(pieces, skip)
        fact.heredocs = ()
        if keyword in _WITH_HEREDOCS:
            bodies, at = self.heredocs(value, at)
            fact.heredocs = tuple(bodies)
            if bodies:
                fact.end = max(end, self.lines[at - 1][1])
        fact.words, fact.json_form = _words(keyword, value)
        fact.stage = None
        self.place_in_stage(fact)
        self.instructions.append(fact)
        return at

    def place_in_stage(self, fact: Instruction) -> None:
        """Open a stage at FROM; hang everything else into the stage it stands in."""
        if fact.keyword == "FROM" and not fact.onbuild:
            words = fact.words
            image = words[0] if words else ""
            name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""
            resolved = expand(image, self.arguments)
            parent = self.named.get((resolved or "").lower())
            self.stages.append(Stage(len(self.stages), name, image, resolved or "", parent))
            if name:
                self.named[name] = self.stages[-1]
        if self.stages:
            fact.stage = self.stages[-1]
            fact.stage.instructions.append(fact)
        elif fact.keyword == "ARG":
            for pair in pairs(fact):
                if pair.value is not None:
                    value = expand(pair.value, self.arguments)
                    if value is not None:
                        self.arguments[pair.name] = value


def _cut(pieces: list[tuple[str, int]], skip: int) -> tuple[tuple[int, int], ...]:
    """Where the pieces of a joined line start in what is left of it after `skip` characters, and in the file."""
    found: list[tuple[int, int]] = []
    reached = 0
    for text, start in pieces:
        if reached + len(text) > skip:
            cut = max(0, skip - reached)
            found.append((max(0, reached - skip), start + len(text[:cut].encode("utf-8", "replace"))))
        reached += len(text)
    return tuple(found) or ((0, pieces[-1][1] + len(pieces[-1][0].encode("utf-8", "replace"))),)


# ---------------------------------------------------------------- words


_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\]|["'\\])+""", re.DOTALL)
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)""", re.DOTALL)


def _words(keyword: str, value: str) -> tuple[tuple[str, ...], bool]:
    """The words of an instruction, and whether it was written as a JSON list."""
    if keyword in _MAY_BE_JSON and value.startswith("["):
        listed = _json_list(value)
        if listed is not None:
            return listed, True
    if keyword == "HEALTHCHECK":
        head, _, rest = value.partition(" ")
        if head.upper() == "CMD":
            listed = _json_list(rest.strip()) if rest.strip().startswith("[") else None
            return ("CMD", *(listed if listed is not None else (rest.strip(),))), listed is not None
        return ((head.upper(),) if head else ()), False
    if keyword in _SHELL_TEXT:
        return ((value,) if value else ()), False
    if keyword in ("ENV", "LABEL", "ARG"):
        words = tuple(_WORD.findall(value))
        if keyword in ("ENV", "LABEL") and words and "=" not in words[0]:
            return (f"{words[0]}={value[len(words[0]) :].strip()}",), False
        return tuple(unquoted(word) for word in words), False
    return tuple(unquoted(word) for word in _WORD.findall(value)), False


def _json_list(value: str) -> tuple[str, ...] | None:
    try:
        listed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return tuple(map(encodable, listed)) if isinstance(listed, list) and all(isinstance(word, str) for word in listed) else None


def unquoted(word: str) -> str:
    """A word without its quotes and escapes."""
    if not any(mark in word for mark in "\"'\\"):
        return word
    return _QUOTED.sub(lambda found: found.group(1) if found.group(1) is not None else found.group(2) or found.group(3) or "", word)


def pairs(instruction: Instruction) -> list[Pair]:
    """The assignments of an ENV, ARG or LABEL, with the places of names and values (quotes not included)."""
    value = instruction.value
    found: list[Pair] = []
    words = list(_WORD.finditer(value))
    if instruction.keyword in ("ENV", "LABEL") and words and "=" not in words[0].group():
        # The old form: `ENV NAME the rest of the line`.
        start = words[1].start() if len(words) > 1 else words[0].end()
        return [_pair(instruction, words[0].group(), words[0].start(), value[start:] or None, start)]
    for word in words:
        name, equals, written = word.group().partition("=")
        found.append(_pair(instruction, name, word.start(), written if equals else None, word.start() + len(name) + len(equals)))
    return found


def _pair(instruction: Instruction, name: str, at: int, written: str | None, start: int) -> Pair:
    key_start, key_end = instruction.place(at, at + len(name))
    if written is None:
        return Pair(unquoted(name), None, key_start, key_end, key_start, key_end, False)
    quoted = len(written) > 1 and written[0] == written[-1] and written[0] in "\"'"
    inner = 1 if quoted else 0
    first, last = instruction.place(start + inner, start + len(written) - inner)
    return Pair(unquoted(name), unquoted(written), key_start, key_end, first, last, quoted)


# ---------------------------------------------------------------- variables


_VARIABLE = re.compile(r"\\\$|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+?])([^{}]*))?\})")


def expand(text: str, variables: Mapping[str, str]) -> str | None:
    """A text with its variables put in; None where one has no value here."""
    if "$" not in text:
        return text
    known = True

    def put(found: re.Match[str]) -> str:
        nonlocal known
        if found.group() == "\\$":
            return "$"
        name = found.group(1) or found.group(2)
        operator, word = found.group(3) or "", found.group(4) or ""
        value = variables.get(name)
        if "+" in operator:
            return word if value else ""
        if value:
            return value
        if "-" in operator:
            inner = expand(word, variables)
            if inner is not None:
                return inner
        if value is not None and not operator:
            return value
        known = False
        return ""

    result = _VARIABLE.sub(put, text)
    return result if known and "$" not in result.replace("$$", "") else None


def variables(dockerfile: Dockerfile, stage: Stage, before: Instruction | None = None) -> dict[str, str]:
    """The variables known in a stage: ENV of its parents and its own, ARG defaults (also those redeclared from before
    the first FROM), up to an instruction."""
    known = dict(variables(dockerfile, stage.parent)) if stage.parent is not None else {}
    for instruction in stage.instructions:
        if instruction is before:
            break
        if instruction.onbuild or instruction.keyword not in ("ENV", "ARG"):
            continue
        for pair in pairs(instruction):
            value = pair.value if pair.value is not None else dockerfile.arguments.get(pair.name)
            put_in = expand(value, known) if value is not None else None
            if put_in is not None:
                known[pair.name] = put_in
            elif instruction.keyword == "ENV":
                known.pop(pair.name, None)
    return known
