"""What an expression can be when the program reaches it, who chose it, and what holds there.

`Values` answers for one file; it asks a `Sources` table who the clients are, and a project for what other files say. Nothing
is evaluated before a rule asks, and each expression of a frame once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prodlint.facts import (
    Attribute,
    Call,
    Class,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    Fact,
    FString,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    Subscript,
)
from prodlint.values import calls, development, members, narrowing, sources, tables, texts
from prodlint.values.flow import Block, Condition, Definition, Flow, key_of, tested_in
from prodlint.values.frames import Frame, OtherFiles
from prodlint.values.lattice import (
    NOTHING,
    Argument,
    Client,
    Code,
    Items,
    Known,
    Reference,
    Table,
    Value,
    join,
    known,
    truth,
    unknown,
)

# How deep an expression is followed through names, parts and calls, and through how many calls of the project's functions.
DEPTH = 90
CALLS = 3
# What one question may cost, in expressions looked at.
MOST_STEPS = 20_000

# `global a, b`, with whatever words come behind it: too many do no harm.
_GLOBAL = re.compile(r"\bglobal((?:[\s\\,]+\w+)+)")
_NAMES = re.compile(r"\w+")


class Values:
    """What the expressions of one file can be."""

    def __init__(self, module: Module, others: OtherFiles | None = None, production: bool = False) -> None:
        """production: what stands behind a test for development counts for nothing."""
        self.module = module
        self.others = others
        self.production = production
        self._in_production: Values | None = None
        self._flows: dict[int, Flow] = {}
        self._frames: dict[int, Frame] = {}
        self._busy: set[tuple[int, int, int]] = set()
        self._cut = 0
        # What was found while definitions that lead to themselves are followed: kept until the outermost of them is known, since
        # following them anew from each place takes exponential time. The frame is held, so that its id stays its own.
        self._meanwhile: dict[tuple[int, object], tuple[Frame, Value]] = {}
        self._depth = 0
        self.steps = 0  # of the question that was asked last
        # Whether a file was done with since: what refers to this one is asked for anew.
        self.is_forgotten = False
        self._functions: list[Function] | None = None
        self._declaring: dict[str, list[Function]] | None = None
        self._classes: list[Class] | None = None
        self._beside: dict[str, Values | None] = {}
        self._remembered: dict[str, Any] = {}

    def forget(self) -> None:
        """Let go of all that was worked out; what is asked later is worked out anew."""
        self.is_forgotten = True
        for flow in self._flows.values():
            flow.forget()
        for kept in (self._flows, self._frames, self._meanwhile, self._beside, self._remembered):
            kept.clear()
        self._functions = self._classes = self._declaring = None
        other, self._in_production = self._in_production, None
        if other is not None:
            other.forget()

    # ------------------------------------------------------------ questions

    @property
    def in_production(self) -> Values:
        """The same file as production runs it: tests for development come out false."""
        if self.production:
            return self
        if self._in_production is None:
            self._in_production = Values(self.module, self.others, production=True)
        return self._in_production

    def of(self, expression: Expression | None) -> Value:
        """What an expression of this file can be where it stands; no shapes for None."""
        if expression is None:
            return NOTHING
        self.steps = 0
        return self.evaluate(expression, self.frame_at(expression))

    def conditions(self, fact: Fact) -> Iterator[Condition]:
        """The conditions that hold wherever a place is reached, innermost first; those around the definition of its function too."""
        frame = self.frame_at(fact)
        yield from reversed(frame.extra)
        flow: Flow | None = frame.flow
        offset = fact.start
        while flow is not None:
            yield from flow.conditions(offset)
            offset = flow.function.start if flow.function is not None else 0
            flow = flow.outer

    def given_expression(self, name: Name) -> Expression:
        """The expression that a name was given, where one alone reaches the place; else the name itself."""
        flow: Flow | None = self.flow_at(name.start, name.end)
        written = name.source_text
        block, offset = (flow.block_at(name.start), name.start) if flow is not None else (None, 0)
        first = True
        while flow is not None and block is not None:
            reaching = flow.reaching(written, block, offset)
            if reaching is None or len(reaching[0]) > 1 or reaching[0] and reaching[1]:
                return name
            if reaching[0]:
                key, definition = reaching[0][0]
                if definition.kind in ("changed", "narrowed") and key == written:
                    # The same object still, only tested or added to.
                    before = definition.block.predecessors
                    if definition.at != -1:
                        block, offset = definition.block, definition.at - 1
                        continue
                    if len(before) == 1:
                        block, offset = before[0], 1 << 61
                        continue
                    return name
                plain = key == written and definition.kind == "value" and not definition.path and definition.expression is not None
                return definition.expression if plain and definition.expression is not None else name
            root = written.partition(".")[0]
            if flow.function is not None and any(parameter.name == root for parameter in flow.function.parameters):
                return self._given_to_self(name, flow.function) if first and written.startswith(("self.", "cls.")) else name
            flow = flow.outer
            while flow is not None and flow.outer is not None and flow.function is None:
                flow = flow.outer
            block, offset, first = flow.end if flow is not None else None, 1 << 61, False
        return name

    def _given_to_self(self, name: Name, function: Function) -> Expression:
        """`self.x` as the one expression that the class gives it."""
        class_ = function.class_
        _, _, attribute = name.source_text.partition(".")
        if class_ is None or "." in attribute:
            return name
        body = self.flow_in(class_)
        found = [one.expression for _, one in body.all_of(attribute) if one.kind == "value" and not one.path]
        for statement in body.nested:
            if statement.kind == "def":
                inner = self.flow_of(statement, body)
                found += [one.expression for _, one in inner.all_of(name.source_text) if one.kind != "narrowed"]
        only = found[0] if len(found) == 1 else None
        return only if only is not None else name

    def keywords(self, call: Call) -> dict[str, Value]:
        """The keyword arguments of a call, those of a known `**mapping` among them."""
        frame = self.frame_at(call)
        self.steps = 0
        found = dict(calls.spread(self, call, frame).entries) if call.spreads else {}
        return {**found, **{name: self.evaluate(value, frame) for name, value in call.keywords.items()}}

    def always_before(self, first: Fact, second: Fact) -> bool:
        """Whether whoever reaches the second place has come through the first, both in one function."""
        flow = self.flow_at(second.start, second.end)
        if first.end > second.start or self.flow_at(first.start, first.end) is not flow:
            return False
        wanted = flow.block_at(first.start)
        block: Block | None = flow.block_at(second.start)
        while block is not None:
            if block is wanted:
                return True
            block = block.dominator
        return False

    def frame_at(self, fact: Fact) -> Frame:
        """The frame in which the code at a place runs, with what binds or guards it inside its statement."""
        flow = self.flow_at(fact.start, fact.end)
        frame = self.frame_of(flow)
        statement = flow.statement_at(fact.start)
        if statement is not None:
            for whole in (*statement.expressions, *statement.targets):
                if whole.start <= fact.start and fact.end <= whole.end:
                    return self._descend(whole, fact, frame)
        return frame

    def frame_of(self, flow: Flow) -> Frame:
        """The frame of a flow whose function anybody may call."""
        frame = self._frames.get(id(flow))
        if frame is None:
            frame = self._frames[id(flow)] = Frame(flow, self)
        return frame

    def _descend(self, whole: Expression, fact: Fact, frame: Frame) -> Frame:
        """The frame at a place inside an expression."""
        current = whole
        for _ in range(DEPTH):
            if isinstance(current, Conditional):
                if _holds(current.then, fact):
                    frame = frame.under(Condition(current.test, True))
                elif _holds(current.orelse, fact):
                    frame = frame.under(Condition(current.test, False))
            elif isinstance(current, Operation) and current.operator in ("and", "or"):
                for operand in current.operands:
                    if _holds(operand, fact):
                        break
                    frame = frame.under(Condition(operand, current.operator == "and"))
            elif isinstance(current, OpaqueExpression) and current.kind == "comprehension":
                frame = self._comprehended(current, frame, fact)
            elif isinstance(current, OpaqueExpression) and current.kind == "lambda":
                frame = frame.binding({name: unknown(current) for name in calls.lambda_parameters(current)})
            inner = next((part for part in current.parts() if _holds(part, fact) and part.start <= fact.start), None)
            if inner is None or (current.start, current.end) == (fact.start, fact.end):
                return frame
            current = inner
        return frame

    # ------------------------------------------------------------ functions, classes, flows

    def functions(self) -> list[Function]:
        """The file's functions in order of their start."""
        if self._functions is None:
            self._functions = sorted(self.module.functions(), key=lambda function: function.start)
        return self._functions

    def classes(self) -> list[Class]:
        """The file's classes in order of their start."""
        if self._classes is None:
            self._classes = sorted(self.module.classes(), key=lambda class_: class_.start)
        return self._classes

    def flow_at(self, start: int, end: int = 0) -> Flow:
        """The flow of the innermost body around a place: a function's own header belongs to the flow outside."""
        end = end or start
        current = self.module_flow()
        while True:
            inner = current.nested_at(start)
            if inner is None:
                return current
            current = self.flow_of(inner, current)

    def module_flow(self) -> Flow:
        """The flow of the file's own statements."""
        flow = self._flows.get(-1)
        if flow is None:
            flow = self._flows[-1] = Flow(self.module, self.module.body, never=self._never)
        return flow

    @property
    def _never(self) -> Callable[[Condition], bool] | None:
        return _only_in_development if self.production else None

    def flow_of(self, statement: Statement, outer: Flow) -> Flow:
        """The flow of a nested definition."""
        flow = self._flows.get(statement.start)
        if flow is None:
            definition = statement.definition
            flow = Flow(self.module, statement.body, definition if isinstance(definition, Function) else None, outer, self._never)
            self._flows[statement.start] = flow
        return flow

    def flow_in(self, definition: Function | Class) -> Flow:
        """The flow of a definition's body."""
        body = definition.body
        return self.flow_at(body[0].start, body[0].end) if body else self.module_flow()

    def class_around(self, fact: Fact) -> Class | None:
        """The innermost class around a place."""
        found = None
        for class_ in self.classes():
            if class_.start > fact.start:
                break
            if fact.end <= class_.end:
                found = class_
        return found

    def beside(self, name: str) -> Values | None:
        """The same for the file of the project that a module's name means."""
        if self.others is None:
            return None
        known = self._beside.get(name)
        if name not in self._beside or known is not None and known.is_forgotten:
            found = self.others.values(name, self.module)
            self._beside[name] = found.in_production if found is not None and self.production else found
        return self._beside[name]

    def of_file(self, fact: Fact) -> Values | None:
        """The evaluator of the file that a fact of the project stands in."""
        if fact.file.path == self.module.file.path:
            return self
        found = self.others.of_file(fact.file.path) if self.others is not None else None
        return found.in_production if found is not None and self.production else found

    def remember(self, name: str, found: Any) -> None:
        """Keep what was found out about the file."""
        self._remembered[name] = found

    def remembered(self, name: str) -> Any:
        """What was kept, or None."""
        return self._remembered.get(name)

    # ------------------------------------------------------------ evaluation

    def evaluate(self, expression: Expression, frame: Frame) -> Value:
        """What an expression can be in a frame."""
        if frame.values is not self:
            return frame.values.evaluate(expression, frame)
        mark = (expression.start, expression.end, type(expression))
        found = frame.memo.get(mark)
        if found is None and self._busy:
            found = self._meanwhile_of(frame, mark)
        if found is not None:
            return found
        self.steps += 1
        if self._depth > DEPTH or self.steps > MOST_STEPS:
            return unknown(expression)
        self._depth += 1
        cut = self._cut
        try:
            value = self._evaluate(expression, frame)
        finally:
            self._depth -= 1
        if self._cut == cut:
            frame.memo[mark] = value
        elif self._busy:
            self._meanwhile[id(frame), mark] = frame, value
        else:
            self._cut = cut
        return value

    def _meanwhile_of(self, frame: Frame, mark: object) -> Value | None:
        """What was found for a mark inside of the definitions that are being followed; who builds on it has followed them no further."""
        found = self._meanwhile.get((id(frame), mark))
        if found is None:
            return None
        self._cut += 1
        return found[1]

    def _evaluate(self, expression: Expression, frame: Frame) -> Value:
        if isinstance(expression, Constant):
            return known(expression.value, expression)
        if isinstance(expression, Name):
            return self.lookup(expression.source_text, expression, frame)
        if isinstance(expression, (Subscript, Attribute, Call)):
            narrowed = self._told(expression, frame)
            if narrowed is not None:
                return narrowed
            if isinstance(expression, Subscript):
                return members.entry(self.evaluate(expression.value, frame), self.evaluate(expression.key, frame), expression)
            if isinstance(expression, Attribute):
                return members.attribute(self, self.evaluate(expression.value, frame), expression.attribute, expression, frame)
            return calls.result(self, expression, frame)
        if isinstance(expression, FString):
            return texts.joined(
                self, [self.evaluate(item, frame) for item in expression.items], list(expression.items), expression, interpolated=True
            )
        if isinstance(expression, Operation):
            return texts.operation(self, expression, frame)
        if isinstance(expression, Conditional):
            decided = truth(self.evaluate(expression.test, frame))
            if self.production and decided is None and development.is_development(expression.test):
                decided = False
            elif self.production and decided is None and development.is_development(expression.test, False):
                decided = True
            then = self.evaluate(expression.then, frame.under(Condition(expression.test, True)))
            otherwise = self.evaluate(expression.orelse, frame.under(Condition(expression.test, False)))
            return join(then, otherwise) if decided is None else then if decided else otherwise
        if isinstance(expression, Collection):
            return self._collection(expression, frame)
        if isinstance(expression, Dictionary):
            return self._dictionary(expression, frame)
        if isinstance(expression, OpaqueExpression):
            return self._other(expression, frame)
        return unknown(expression)

    def _told(self, expression: Expression, frame: Frame) -> Value | None:
        """What an indexed or dotted expression is, where it was given or tested under that very text."""
        flow = frame.flow
        if not any(not name.isidentifier() for name in flow.names) and not frame.extra:
            return None
        key = key_of(expression)
        if not key or key.isidentifier():
            return None
        value: Value | None = None
        if key in flow.names:
            block = flow.block_at(expression.start)
            reaching = flow.reaching(key, block, expression.start)
            if reaching is not None and any(name == key for name, _ in reaching[0]):
                # The definitions of what it begins with say what it was before.
                exact = [one for name, one in reaching[0] if name == key]
                if len(exact) == len(reaching[0]) and not reaching[1]:
                    value = join(*(self.given(key, one, frame, expression) for one in exact))
        for condition in frame.extra:
            if key in tested_in(condition.expression):
                before = value if value is not None else self._untold(expression, frame)
                value = narrowing.narrowed(self, before, key, condition, frame)
        return value

    def _untold(self, expression: Expression, frame: Frame) -> Value:
        """The same without what was said of it as a whole."""
        if isinstance(expression, Subscript):
            return members.entry(self.evaluate(expression.value, frame), self.evaluate(expression.key, frame), expression)
        if isinstance(expression, Attribute):
            return members.attribute(self, self.evaluate(expression.value, frame), expression.attribute, expression, frame)
        if isinstance(expression, Call):
            return calls.result(self, expression, frame)
        return unknown(expression)

    def _collection(self, collection: Collection, frame: Frame) -> Value:
        items: list[Value] = []
        more: Value | None = None
        for item in collection.items:
            if isinstance(item, OpaqueExpression) and item.kind == "star" and item.items:
                spread = self.evaluate(item.items[0], frame)
                shape = spread.only()
                if isinstance(shape, Items) and shape.more is None:
                    items.extend(shape.items)
                else:
                    more = join(more or NOTHING, members.element(spread, item))
            else:
                items.append(self.evaluate(item, frame))
        return Value((Items(tuple(items), more, collection),))

    def _dictionary(self, dictionary: Dictionary, frame: Frame) -> Value:
        entries: dict[str, Value] = {}
        more: Value | None = None
        for key, value in dictionary.items:
            if key is None:
                spread = self.evaluate(value, frame)
                shape = spread.only()
                if isinstance(shape, Table):
                    entries.update(shape.entries)
                    more = join(more or NOTHING, shape.more) if shape.more is not None else more
                else:
                    more = join(more or NOTHING, members.element(spread, value))
                continue
            name = self.evaluate(key, frame).only()
            content = self.evaluate(value, frame)
            if isinstance(name, Known) and isinstance(name.value, (str, int)):
                entries[str(name.value)] = content
            else:
                more = join(more or NOTHING, content)
        return Value((Table(entries, more, dictionary),))

    def _other(self, other: OpaqueExpression, frame: Frame) -> Value:
        kind = other.kind
        if kind in ("await", "star", "brackets") and other.items:
            return self.evaluate(other.items[0], frame)
        if kind == "walrus" and len(other.items) == 2:
            return self.evaluate(other.items[1], frame)
        if kind == "comprehension" and other.items:
            inner = self._comprehended(other, frame)
            first = other.items[0]
            if isinstance(first, OpaqueExpression) and first.kind == "pair" and len(first.items) == 2:
                return Value((Table({}, self.evaluate(first.items[1], inner), other),))
            return Value((Items((), self.evaluate(first, inner), other),))
        if kind == "lambda":
            return Value((Code(other, other),))
        return unknown(other)

    def _comprehended(self, comprehension: OpaqueExpression, frame: Frame, fact: Fact | None = None) -> Frame:
        """The frame inside a comprehension: its variables bound, its conditions in force."""
        for clause in comprehension.items[1:]:
            if not isinstance(clause, OpaqueExpression):
                continue
            if fact is not None and _holds(clause, fact):
                break
            if clause.kind == "for-clause" and len(clause.items) >= 2:
                names: dict[str, Value] = {}
                content = members.element(self.evaluate(clause.items[1], frame), clause.items[1])
                unpacked(clause.items[0], content, names)
                frame = frame.binding(names)
            elif clause.kind == "if-clause" and clause.items:
                frame = frame.under(Condition(clause.items[0], True))
        return frame

    # ------------------------------------------------------------ names

    def lookup(self, written: str, at: Expression, frame: Frame) -> Value:
        """What a (dotted) name can be at a place."""
        root, _, rest = written.partition(".")
        if root in frame.bound:
            value = self._steps_into(frame.bound[root], rest, at, frame)
            return self._with_extra(value, written, frame)
        value = self._in_flow(written, at, frame)
        return self._with_extra(value, written, frame) if frame.extra else value

    def _with_extra(self, value: Value, key: str, frame: Frame) -> Value:
        for condition in frame.extra:
            if key in tested_in(condition.expression):
                value = narrowing.narrowed(self, value, key, condition, frame)
        return value

    def _in_flow(self, written: str, at: Expression, frame: Frame) -> Value:
        flow = frame.flow
        block = flow.block_at(at.start)
        return self.value_at(written, block, at.start, at, frame)

    def value_at(self, written: str, block: Block, offset: int, at: Expression, frame: Frame) -> Value:
        """What a key can be at an offset in a block of the frame's flow."""
        flow = frame.flow
        reaching = flow.reaching(written, block, offset)
        if reaching is None:
            return unknown(at)
        found: list[Value] = []
        for prefix, definition in reaching[0]:
            value = self.given(prefix, definition, frame, at)
            found.append(self._steps_into(value, written[len(prefix) :].lstrip("."), at, frame))
        if reaching[1]:
            found.append(self._from_outside(written, at, frame))
        return join(*found)

    def _steps_into(self, value: Value, rest: str, at: Expression, frame: Frame) -> Value:
        for step in rest.split(".") if rest else ():
            value = members.attribute(self, value, step, at, frame)
        return value

    def _from_outside(self, written: str, at: Expression, frame: Frame) -> Value:
        """What a name that the flow has not given is when it begins: a parameter, or something of the code around."""
        flow = frame.flow
        root, _, rest = written.partition(".")
        function = flow.function
        if function is not None:
            parameter = next((parameter for parameter in function.parameters if parameter.name == root), None)
            if parameter is not None:
                return self._steps_into(self._parameter(function, root, frame), rest, at, frame)
        if root in flow.bound and root not in flow.declared and (function is not None or flow.outer is None):
            return NOTHING  # bound later on this path, or never: no value comes from here
        outer = flow.outer
        while outer is not None and outer.outer is not None and outer.function is None:
            outer = outer.outer  # a class's body is not seen from its methods
        if outer is None:
            return self._steps_into(self._builtin(root, at), rest, at, frame)
        return self._steps_into(self._closed_over(root, at, outer), rest, at, frame)

    def _closed_over(self, root: str, at: Expression, outer: Flow) -> Value:
        """What a function finds under a name of the code around it, whenever it is called."""
        frame = self.frame_of(outer)
        if root in outer.bound:
            if outer.end is not None:
                value = self.value_at(root, outer.end, 1 << 61, at, frame)
            else:
                value = join(*(self.given(root, one, frame, at) for _, one in outer.all_of(root)))
            if outer.function is None:
                value = join(value, *self._declared_global(root, at))
            elif any(parameter.name == root for parameter in outer.function.parameters):
                value = join(value, self._parameter(outer.function, root, frame))
            return value
        if outer.function is not None:
            if any(parameter.name == root for parameter in outer.function.parameters):
                return self._parameter(outer.function, root, frame)
            around = outer.outer
            while around is not None and around.outer is not None and around.function is None:
                around = around.outer
            if around is not None:
                return self._closed_over(root, at, around)
        return join(*self._declared_global(root, at)) or self._builtin(root, at)

    def _declared_global(self, root: str, at: Expression) -> list[Value]:
        """What functions that say `global name` give it."""
        if self._declaring is None:
            self._declaring = self._declaring_functions()
        found = []
        for function in self._declaring.get(root, ()):
            flow = self.flow_in(function)
            if root in flow.declared:
                frame = self.frame_of(flow)
                found += [self.given(root, one, frame, at) for _, one in flow.all_of(root)]
        return found

    def _declaring_functions(self) -> dict[str, list[Function]]:
        """By name, the functions whose text may say `global name`: those that do, and where it was written in an inner one those around it."""
        source, found = self.module.source, dict[str, list[Function]]()
        if b"global" not in source.data:
            return found
        for function in self.functions():
            if source.data.find(b"global", function.start, function.end) < 0:
                continue
            names = {name for words in _GLOBAL.findall(source.slice(function.start, function.end)) for name in _NAMES.findall(words)}
            for name in names:
                found.setdefault(name, []).append(function)
        return found

    def _builtin(self, root: str, at: Expression) -> Value:
        imported = self.module.imports.get(root)
        return Value((Reference(imported or root, at),))

    def _parameter(self, function: Function, name: str, frame: Frame) -> Value:
        if frame.arguments is not None and frame.flow.function is not None and frame.flow.function.start == function.start:
            given = frame.arguments.get(name)
            if given is not None:
                return given
        value = self.frame_of(frame.flow).memo.get((-1, hash(name), Argument))
        if value is None:
            value = sources.parameter(self, function, name)
            self.frame_of(frame.flow).memo[-1, hash(name), Argument] = value
        return value

    def given(self, name: str, definition: Definition, frame: Frame, at: Expression) -> Value:
        """What a definition gives a name."""
        frame = frame.home
        mark = (id(definition), id(frame.flow), id(frame.arguments))
        memo = frame.memo.get((id(definition), 0, Definition))
        if memo is None and self._busy:
            memo = self._meanwhile_of(frame, mark)
        if memo is not None:
            return memo
        if mark in self._busy:
            self._cut += 1
            return NOTHING
        self.steps += 1
        if self._depth > DEPTH or self.steps > MOST_STEPS:
            return unknown(at)
        self._busy.add(mark)
        self._depth += 1
        cut = self._cut
        try:
            value = self._given_by(name, definition, frame, at)
        finally:
            self._depth -= 1
            self._busy.discard(mark)
        if self._cut == cut or not self._busy:
            frame.memo[id(definition), 0, Definition] = value
        else:
            self._meanwhile[id(frame), mark] = frame, value
        if not self._busy:
            self._meanwhile.clear()
        return value

    def _given_by(self, name: str, definition: Definition, frame: Frame, at: Expression) -> Value:
        kind = definition.kind
        expression = definition.expression
        if kind in ("value", "element", "entered") and expression is not None:
            value = self.evaluate(expression, frame)
            if kind == "element":
                value = members.element(value, expression)
            elif kind == "entered":
                value = calls.entered(self, value, expression)
            for index in definition.path:
                value = members.unpacked(value, index, expression)
            return value
        if kind == "augmented" and expression is not None:
            return self._augmented(name, definition, frame, at)
        if kind == "changed" and expression is not None:
            before = self._before(name, definition, frame, at)
            return members.changed(self, before, definition, frame)
        if kind == "narrowed" and definition.condition is not None:
            before = self._before(name, definition, frame, at)
            return narrowing.narrowed(self, before, name, definition.condition, frame)
        if kind == "import":
            return self.imported(definition.operator, at)
        if kind in ("function", "class") and definition.statement is not None and definition.statement.definition is not None:
            return Value((Code(definition.statement.definition, definition.statement.definition),))
        return unknown(at)

    def _augmented(self, name: str, definition: Definition, frame: Frame, at: Expression) -> Value:
        """`query += part`, as often as it stands in a row: read from the first on."""
        chain = [definition]
        block = definition.block
        while True:
            earlier = [one for one in block.definitions.get(name, ()) if one.at < chain[-1].at]
            if not earlier or earlier[-1].kind != "augmented" or len(chain) > 400:
                break
            chain.append(earlier[-1])
        value = self._before(name, chain[-1], frame, at)
        for one in reversed(chain):
            if one.expression is not None:
                value = texts.combined(self, one.operator, value, self.evaluate(one.expression, frame), one.key or at, one.expression, at)
        return value

    def _before(self, name: str, definition: Definition, frame: Frame, at: Expression) -> Value:
        """What a name was before a definition that changes it."""
        block, offset = definition.block, definition.at - 1
        if definition.at == -1:
            found = [self.value_at(name, earlier, 1 << 61, at, frame) for earlier in block.predecessors]
            return join(*found)
        return self.value_at(name, block, offset, at, frame)

    def imported(self, qualified: str, at: Expression) -> Value:
        """Something that an import binds: of the project where its file is found, else a name."""
        if qualified in tables.sources().globals:
            return Value((Client("request", tables.sources().globals[qualified], at),))
        found = members.of_project(self, qualified)
        return found if found is not None else Value((Reference(qualified, at),))

    # ------------------------------------------------------------ calls of the project's own functions

    def returned(self, code: Function | Expression, arguments: Mapping[str, Value], frame: Frame) -> Value | None:
        """What a function or lambda of the project gives for these arguments; None where its body is not read."""
        if frame.calls >= CALLS:
            return None
        if not isinstance(code, Function):
            if not isinstance(code, OpaqueExpression) or not code.items:
                return None
            base = self.frame_at(code)
            inner = Frame(base.flow, self, base.arguments, {**base.bound, **arguments}, (), frame.calls + 1, caller=frame)
            return self.evaluate(code.items[-1], inner)
        flow = self.flow_in(code)
        if flow.function is None or flow.function.start != code.start or not flow.returned and not code.body:
            return None
        if any(
            isinstance(part, OpaqueExpression) and part.kind == "yield"
            for value, _, _ in flow.returned
            if value is not None
            for part in (value,)
        ):
            return None
        inner = Frame(flow, self, arguments, {}, (), frame.calls + 1, caller=frame)
        found = [self.evaluate(value, inner) if value is not None else known(None, _as_expression(code)) for value, _, _ in flow.returned]
        return join(*found) if found else None


def _as_expression(function: Function) -> Expression:
    """A place for what a bare `return` gives."""
    return Expression(function.source, function.file, function.start, function.start)


def _only_in_development(condition: Condition) -> bool:
    return condition.pattern is None and not condition.came_back and development.is_development(condition.expression, condition.truth)


def _holds(part: Fact, fact: Fact) -> bool:
    return part.start <= fact.start and fact.end <= part.end


def unpacked(target: Expression, value: Value, names: dict[str, Value]) -> None:
    """Bind the names of a comprehension's target."""
    if isinstance(target, Name):
        names[target.source_text] = value
    elif isinstance(target, Collection):
        for index, item in enumerate(target.items):
            unpacked(item, members.unpacked(value, index, item), names)
    elif isinstance(target, OpaqueExpression):
        for item in target.items:
            unpacked(item, value, names)
