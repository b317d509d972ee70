"""Which definitions of a name reach a place, and which conditions hold there.

A flow is the control flow of one function (or of a module's or class's body): blocks of statements without a branch, with
the edges between them. Statements are taken in order, so a name means what it was last given on each path that reaches the
place; a branch, a loop and a handler join what their paths bring. A condition that a path has passed is a definition too: it
narrows what the names in it can be.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Expression,
    Function,
    Import,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    Subscript,
)

# A lookup walks at most this many blocks, and all lookups in one flow together this many: a function of ten thousand branches
# costs its length and not its square. What lies beyond is unknown.
MOST_BLOCKS = 2_000
MOST_STEPS = 60_000

# Methods that change their receiver. Their calls are definitions of the receiver's name.
MUTATING = frozenset(
    {"append", "appendleft", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "discard", "clear", "popitem", "write"}
)
_MUTATES = re.compile(rb":=|\b(?:" + b"|".join(sorted(name.encode() for name in MUTATING)) + rb")\b")
# Calls that do not come back.
NEVER_RETURN = frozenset(
    {
        "sys.exit",
        "os._exit",
        "os.abort",
        "exit",
        "quit",
        "flask.abort",
        "quart.abort",
        "werkzeug.exceptions.abort",
        "bottle.abort",
        "pytest.fail",
        "pytest.skip",
        "typing.assert_never",
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test that came out `truth` on every path to a place. pattern: the pattern of a `case`, where it is one; the expression is then
    the subject. came_back: nobody asked; the expression is a call that came back, so it raised nothing."""

    expression: Expression
    truth: bool
    pattern: Expression | None = None
    came_back: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """What a name is given.

    kind: "value" (the expression's), "element" (one of the expression's), "entered" (what `with` gives), "augmented" (the
    expression put to the old value by `operator`), "changed" (the old value after the call or item assignment), "narrowed" (the
    old value under the condition), "import", "function", "class", "caught", "deleted".
    path: the way into an unpacked value, by index; -1 for a starred rest. at: the byte offset from which it holds.
    """

    kind: str
    at: int
    block: Block
    expression: Expression | None = None
    path: tuple[int, ...] = ()
    operator: str = ""
    key: Expression | None = None
    condition: Condition | None = None
    statement: Statement | None = None


@dataclass(slots=True, eq=False)
class Block:
    """Statements without a branch between them. dominator: the block that every path to this one has passed last."""

    number: int
    predecessors: list[Block] = field(default_factory=list)
    dominator: Block | None = None
    condition: Condition | None = None
    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    entered_at: int = 0


_AT = attrgetter("at")
_START = attrgetter("start")


class Flow:
    """The control flow of a function, or of a module's or class's body."""

    def __init__(
        self,
        module: Module,
        body: Sequence[Statement],
        function: Function | None = None,
        outer: Flow | None = None,
        never: Callable[[Condition], bool] | None = None,
    ) -> None:
        """never: conditions that are taken not to hold; what stands behind one is reached by nobody."""
        self.module = module
        self.function = function
        self._never = never
        self.outer = outer
        self.blocks: list[Block] = []
        self.names: set[str] = set()  # everything that a definition here is recorded under
        self.bound: set[str] = set()  # what is given a value here, and not only tested or changed
        self.declared: set[str] = set()  # `global` and `nonlocal`
        self.returned: list[tuple[Expression | None, Block, int]] = []
        self.nested: list[Statement] = []
        self._starts: list[int] = []
        self._placed: list[tuple[int, Block, Statement]] = []
        self._reaching: dict[tuple[str, int], tuple[tuple[tuple[str, Definition], ...], bool] | None] = {}
        self._steps = 0
        self._loops: list[tuple[Block, list[Block]]] = []
        self.entry = self._block()
        self.end = self._sequence(body, self.entry)
        self._placed.sort(key=lambda placed: placed[0])
        self._starts = [placed[0] for placed in self._placed]
        self.nested.sort(key=_START)
        self._nested_starts = [statement.start for statement in self.nested]

    def forget(self) -> None:
        """Let go of the blocks, which refer to each other in circles."""
        for block in self.blocks:
            block.definitions.clear()
            block.predecessors.clear()
            block.dominator = None
        self._reaching.clear()
        self._placed.clear()

    def nested_at(self, offset: int) -> Statement | None:
        """The definition directly in this body in whose own body a place stands."""
        index = bisect_right(self._nested_starts, offset) - 1
        found = self.nested[index] if index >= 0 else None
        return found if found is not None and offset < found.end and found.body and found.body[0].start <= offset else None

    # ------------------------------------------------------------ building

    def _block(self, *predecessors: Block | None, condition: Condition | None = None, dominator: Block | None = None) -> Block:
        made = Block(len(self.blocks))
        made.predecessors = [block for block in predecessors if block is not None]
        made.condition = condition
        if condition is not None and self._never is not None and self._never(condition):
            made.predecessors = []
        made.dominator = made.predecessors[0] if len(made.predecessors) == 1 else dominator
        self.blocks.append(made)
        if condition is not None:
            for name in tested_in(condition.expression):
                self._define(made, name, Definition("narrowed", -1, made, condition=condition))
        return made

    def _define(self, block: Block, name: str, definition: Definition) -> None:
        self.names.add(name)
        if definition.kind not in ("narrowed", "changed"):
            self.bound.add(name)
        block.definitions.setdefault(name, []).append(definition)

    def _place(self, start: int, block: Block, statement: Statement) -> None:
        self._placed.append((start, block, statement))

    def _join(self, ends: Sequence[Block | None], dominator: Block) -> Block | None:
        alive = [end for end in ends if end is not None]
        if not alive:
            return None
        return alive[0] if len(alive) == 1 and alive[0].condition is None else self._block(*alive, dominator=dominator)

    def _sequence(self, statements: Sequence[Statement], block: Block | None) -> Block | None:
        for statement in statements:
            if block is None:
                # Nobody gets here; the statements still have a place of their own.
                block = self._block()
                self._statement(statement, block)
                block = None
                continue
            block = self._statement(statement, block)
        return block

    def _statement(self, statement: Statement, block: Block) -> Block | None:
        self._place(statement.start, block, statement)
        kind = statement.kind
        if statement.expressions:
            self._inside(statement, block)
        if kind == "assign":
            self._assign(statement, block)
        elif kind == "if":
            return self._if(statement, block)
        elif kind in ("for", "while"):
            return self._loop(statement, block)
        elif kind == "try":
            return self._try(statement, block)
        elif kind == "with":
            return self._with(statement, block)
        elif kind == "match":
            return self._match(statement, block)
        elif kind in ("def", "class"):
            definition = statement.definition
            if definition is not None:
                self.nested.append(statement)
                self._define(
                    block,
                    definition.name,
                    Definition("class" if kind == "class" else "function", statement.end, block, statement=statement),
                )
        elif kind == "import":
            self._import(statement, block)
        elif kind == "global":
            self.declared.update(name.source_text for name in statement.expressions if isinstance(name, Name))
            self.declared.update(re.findall(r"\w+", statement.source.slice(statement.start, statement.end))[1:])
        elif kind == "delete":
            for target in statement.expressions:
                for name in target.walk():
                    if isinstance(name, Name):
                        self._define(block, name.source_text, Definition("deleted", statement.end, block))
                        break
        elif kind == "return":
            self.returned.append((statement.expressions[0] if statement.expressions else None, block, statement.start))
            return None
        elif kind == "raise":
            return None
        elif kind == "break":
            if self._loops:
                self._loops[-1][1].append(block)
            return None
        elif kind == "continue":
            if self._loops:
                self._loops[-1][0].predecessors.append(block)
            return None
        elif kind == "assert" and statement.expressions:
            return self._block(block, condition=Condition(statement.expressions[0], True))
        elif kind == "expression" and statement.expressions:
            first = statement.expressions[0]
            if isinstance(first, Call) and (first.name in NEVER_RETURN or first.method == "abort" and first.receiver is None):
                return None
            if isinstance(first, Call) or isinstance(first, OpaqueExpression) and first.kind == "await":
                self._called(first, block)
        return block

    def _called(self, expression: Expression, block: Block) -> None:
        """A call whose result nobody takes may still refuse its arguments: `validate(name)`."""
        call = expression
        while isinstance(call, OpaqueExpression) and call.kind == "await" and call.items:
            call = call.items[0]
        if isinstance(call, Call):
            for argument in (*call.arguments, *call.keywords.values()):
                key = key_of(argument)
                if key:
                    self._define(block, key, Definition("narrowed", call.end, block, condition=Condition(call, True, came_back=True)))

    def _assign(self, statement: Statement, block: Block) -> None:
        value = statement.expressions[0] if statement.expressions else None
        if value is None:
            return
        if statement.assignment is not None and statement.assignment.kind == "augmented":
            target = statement.targets[0]
            key = key_of(target)
            if key:
                operator = _augmenting(statement)
                self._define(block, key, Definition("augmented", statement.end, block, value, operator=operator, key=target))
            return
        for target in statement.targets:
            self._bind(target, "value", value, (), statement.end, block, statement)

    def _bind(
        self,
        target: Expression,
        kind: str,
        value: Expression | None,
        path: tuple[int, ...],
        at: int,
        block: Block,
        statement: Statement | None = None,
    ) -> None:
        if isinstance(target, Collection):
            for index, item in enumerate(target.items):
                self._bind(item, kind, value, (*path, index), at, block, statement)
            return
        if isinstance(target, OpaqueExpression) and target.items:
            # `*rest`, `(a)`, the pattern of an `except ... as`
            starred = target.kind == "star" or "splat" in target.kind
            for item in target.items:
                self._bind(item, kind, value, (*path[:-1], -1) if starred and path else path, at, block, statement)
            return
        if isinstance(target, Subscript):
            key = key_of(target.value)
            if key:
                self._define(block, key, Definition("changed", at, block, value, path, key=target.key, statement=statement))
                whole = key_of(target)
                if whole:
                    self._define(block, whole, Definition(kind, at, block, value, path, statement=statement))
            return
        key = key_of(target)
        if key:
            self._define(block, key, Definition(kind, at, block, value, path, statement=statement))

    def _inside(self, statement: Statement, block: Block) -> None:
        """Bindings and changes inside a statement's expressions: `(x := f())`, `items.append(x)`."""
        first, last = statement.expressions[0], statement.expressions[-1]
        if _MUTATES.search(statement.source.data, first.start, max(first.end, last.end)) is None:
            return
        for whole in statement.expressions:
            for expression in whole.walk():
                if isinstance(expression, OpaqueExpression) and expression.kind == "walrus" and len(expression.items) == 2:
                    self._bind(expression.items[0], "value", expression.items[1], (), expression.end, block)
                elif isinstance(expression, Call) and expression.method in MUTATING and expression.receiver is not None:
                    key = key_of(expression.receiver)
                    if key:
                        self._define(block, key, Definition("changed", expression.end, block, expression))

    def _import(self, statement: Statement, block: Block) -> None:
        for fact in _imports_in(self.module, statement):
            name = fact.alias if fact.name or fact.alias != fact.module else fact.module.split(".", 1)[0]
            if name != "*":
                qualified = fact.qualified if fact.name or fact.alias != fact.module else name
                self._define(block, name, Definition("import", statement.end, block, operator=qualified))

    def _if(self, statement: Statement, block: Block) -> Block | None:
        test = statement.expressions[0] if statement.expressions else None
        if test is None:
            return self._sequence(statement.body, block)
        then = self._sequence(statement.body, self._block(block, condition=Condition(test, True)))
        orelse = self._sequence(statement.orelse, self._block(block, condition=Condition(test, False)))
        return self._join((then, orelse), block)

    def _loop(self, statement: Statement, block: Block) -> Block | None:
        test = statement.expressions[0] if statement.expressions else None
        # The test of a `while` is evaluated again after each round, the iterable of a `for` once.
        header = self._block(block)
        if statement.kind == "while":
            self._placed.pop()
            self._place(statement.start, header, statement)
            if test is not None:
                self._inside(statement, header)
        breaks: list[Block] = []
        self._loops.append((header, breaks))
        if statement.kind == "for":
            inner = self._block(header)
            for target in statement.targets:
                self._bind(target, "element", test, (), -1, inner, statement)
        else:
            inner = self._block(header, condition=Condition(test, True) if test is not None else None)
        end = self._sequence(statement.body, inner)
        self._loops.pop()
        if end is not None:
            header.predecessors.append(end)
        forever = statement.kind == "while" and test is not None and test.text in ("True", "1")
        after: Block | None = None
        if not forever:
            left = Condition(test, False) if statement.kind == "while" and test is not None else None
            after = self._sequence(statement.orelse, self._block(header, condition=left))
        return self._join((after, *breaks), header)

    def _try(self, statement: Statement, block: Block) -> Block | None:
        first = len(self.blocks)
        start = self._block(block)
        end = self._sequence(statement.body, start)
        raised = [block, *self.blocks[first:]]
        ends: list[Block | None] = [self._sequence(statement.orelse, end) if end is not None else None]
        for handler in statement.handlers:
            inner = self._block(*raised, dominator=block)
            if handler.alias:
                self._define(inner, handler.alias, Definition("caught", -1, inner))
            ends.append(self._sequence(handler.body, inner))
        joined = self._join(ends, block)
        if statement.finalbody:
            left = joined if joined is not None else self._block(*raised, dominator=block)
            after = self._sequence(statement.finalbody, left)
            return after if joined is not None else None
        return joined

    def _with(self, statement: Statement, block: Block) -> Block | None:
        at = statement.body[0].start if statement.body else statement.end
        named = list(statement.targets)
        if len(named) == len(statement.expressions):
            for target, value in zip(named, statement.expressions, strict=True):
                self._bind(target, "entered", value, (), min(at, statement.end), block, statement)
        else:
            for target in named:
                made = max(
                    (value for value in statement.expressions if value.end <= target.start), key=lambda value: value.end, default=None
                )
                self._bind(target, "entered", made, (), at, block, statement)
        return self._sequence(statement.body, block)

    def _match(self, statement: Statement, block: Block) -> Block | None:
        subject = statement.expressions[0] if statement.expressions else None
        ends: list[Block | None] = []
        exhaustive = False
        patterns: Sequence[Expression | None] = statement.patterns or [None] * len(statement.cases)
        for case, pattern in zip(statement.cases, patterns, strict=False):
            condition = Condition(subject, True, pattern) if subject is not None and pattern is not None else None
            exhaustive |= pattern is not None and pattern.text == "_"
            ends.append(self._sequence(case, self._block(block, condition=condition)))
        if not exhaustive:
            ends.append(self._block(block))
        return self._join(ends, block)

    # ------------------------------------------------------------ asking

    def block_at(self, offset: int) -> Block:
        """The block in which the code at a byte offset is evaluated."""
        index = bisect_right(self._starts, offset) - 1
        return self._placed[index][1] if index >= 0 else self.entry

    def statement_at(self, offset: int) -> Statement | None:
        """The innermost statement around a byte offset, as far as this flow goes."""
        index = bisect_right(self._starts, offset) - 1
        return self._placed[index][2] if index >= 0 else None

    def conditions(self, offset: int) -> Iterator[Condition]:
        """The conditions that every path to a byte offset has passed, innermost first."""
        block: Block | None = self.block_at(offset)
        while block is not None:
            if block.condition is not None:
                yield block.condition
            block = block.dominator

    def reaches_without(self, start: int, passed: int, exits: Sequence[tuple[Block, int]]) -> bool:
        """Whether one of some exits can be reached from one place without passing another."""
        first, second = self.block_at(start), self.block_at(passed)
        if first is second and passed > start:
            return any(block is first and at < passed for block, at in exits)
        waiting = [block for block, _ in exits if block is not second or block is first]
        seen: set[int] = set()
        while waiting:
            block = waiting.pop()
            if block is first:
                return True
            if block.number in seen or block is second:
                continue
            seen.add(block.number)
            waiting.extend(block.predecessors)
        return False

    def reaching(self, key: str, block: Block, offset: int) -> tuple[tuple[tuple[str, Definition], ...], bool] | None:
        """The definitions of a key (`x`, `self.x`, `body["x"]`) or of what it begins with that reach an offset in a block, and whether
        a path from the start of the flow reaches it without one. None: too far to tell."""
        prefixes = tuple(prefix for prefix in prefixes_of(key) if prefix in self.names)
        if not prefixes:
            return (), True
        found = _latest(block, prefixes, offset)
        if found is not None:
            return (found,), False
        known = self._reaching.get((key, block.number), _MISSING)
        if known is not _MISSING:
            return known  # type: ignore[return-value]  # the sentinel is told apart by identity
        self._reaching[key, block.number] = answer = self._search(prefixes, block)
        return answer

    def _search(self, prefixes: tuple[str, ...], start: Block) -> tuple[tuple[tuple[str, Definition], ...], bool] | None:
        definitions: dict[int, tuple[str, Definition]] = {}
        entry = start is self.entry
        waiting = list(start.predecessors)
        seen: set[int] = set()
        while waiting:
            block = waiting.pop()
            if block.number in seen:
                continue
            seen.add(block.number)
            self._steps += 1
            if len(seen) > MOST_BLOCKS or self._steps > MOST_STEPS:
                return None
            latest = _latest(block, prefixes, _EVERYWHERE)
            if latest is not None:
                definitions[id(latest[1])] = latest
                continue
            entry = entry or block is self.entry
            waiting.extend(block.predecessors)
        return tuple(definitions.values()), entry

    def all_of(self, key: str) -> list[tuple[str, Definition]]:
        """Every definition of a key in the flow, in no order of time: what a function that is called later may find."""
        return [(key, one) for block in self.blocks for one in block.definitions.get(key, ())]


_EVERYWHERE = 1 << 62
_MISSING = object()


def _latest(block: Block, prefixes: tuple[str, ...], offset: int) -> tuple[str, Definition] | None:
    best: tuple[str, Definition] | None = None
    for prefix in prefixes:
        made = block.definitions.get(prefix)
        if made is None:
            continue
        index = len(made) if offset == _EVERYWHERE else bisect_right(made, offset, key=_AT)
        if index and (best is None or made[index - 1].at > best[1].at):
            best = prefix, made[index - 1]
    return best


def _imports_in(module: Module, statement: Statement) -> list[Import]:
    facts = module.import_facts()
    first = bisect_left(facts, statement.start, key=_START)
    last = bisect_left(facts, statement.end, first, key=_START)
    return list(facts[first:last])


_LAYOUT = re.compile(rb"[\s\\()]|#[^\n]*\n")


def _augmenting(statement: Statement) -> str:
    between = statement.source.data[statement.targets[0].end : statement.expressions[0].start]
    return _LAYOUT.sub(b"", between).split(b"=", 1)[0].decode("ascii", "replace")


_INDEXED = re.compile(r"""\[(?:"[^"\\]*"|'[^'\\]*'|\d+)\]$""")


def key_of(expression: Expression) -> str:
    """What a definition of this expression is recorded under: a dotted name, or one with literal indexes or `.get("x")`; else nothing."""
    if isinstance(expression, Name):
        return expression.source_text
    if isinstance(expression, Subscript):
        inner = key_of(expression.value)
        text = expression.key.text
        return f"{inner}[{text.replace(chr(39), chr(34))}]" if inner and _INDEXED.search(f"[{text}]") else ""
    if isinstance(expression, Attribute):
        inner = key_of(expression.value)
        return f"{inner}.{expression.attribute}" if inner else ""
    if (
        isinstance(expression, Call)
        and expression.method in ("get", "getlist", "pop")
        and expression.receiver is not None
        and len(expression.arguments) == 1
    ):
        inner = key_of(expression.receiver)
        text = expression.arguments[0].text
        return f"{inner}.{expression.method}({text.replace(chr(39), chr(34))})" if inner and _INDEXED.search(f"[{text}]") else ""
    return ""


_STEP = re.compile(r"[.\[]")


def prefixes_of(key: str) -> list[str]:
    """A key and what it begins with: `a.b["c"]`, `a.b`, `a`."""
    found = [key]
    for match in reversed(list(_STEP.finditer(key))):
        prefix = key[: match.start()]
        if "(" not in prefix or prefix.endswith(")"):
            found.append(prefix)
    return found


def tested_in(condition: Expression) -> set[str]:
    """The keys that a condition says something about."""
    found: set[str] = set()
    waiting = [condition]
    while waiting:
        expression = waiting.pop()
        if isinstance(expression, Operation):
            waiting.extend(expression.operands)
            continue
        if isinstance(expression, OpaqueExpression):
            if expression.kind == "comprehension":
                waiting.extend(
                    clause.items[1] for clause in expression.items[1:] if isinstance(clause, OpaqueExpression) and len(clause.items) > 1
                )
            elif expression.kind in ("walrus", "await", "star"):
                waiting.extend(expression.items)
            continue
        if isinstance(expression, Collection):
            waiting.extend(expression.items)
            continue
        key = key_of(expression)
        if key:
            found.add(key)
        if isinstance(expression, Call):
            if expression.receiver is not None:
                waiting.append(expression.receiver)
            waiting.extend(expression.arguments)
            waiting.extend(expression.keywords.values())
    return found
