"""A flow being read, and what the parts of the engine may ask of one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from prodlint.facts import Class, Expression, Fact, Function, Module, Statement
from prodlint.values.flow import Block, Condition, Definition, Flow
from prodlint.values.lattice import Value


class OtherFiles(Protocol):
    """What a file may ask of the other files of its project."""

    def values(self, name: str, near: Module) -> Any:
        """The `Values` of the Python file that a module's name ("app.config") means to the file of `near`; None where the project has none."""
        ...

    def of_file(self, path: str) -> Any:
        """The `Values` of a file that was given out before, by its path; else None."""
        ...


class Evaluator(Protocol):
    """What the parts of the engine ask of `Values`."""

    module: Module

    def evaluate(self, expression: Expression, frame: Frame) -> Value: ...
    def lookup(self, written: str, at: Expression, frame: Frame) -> Value: ...
    def value_at(self, written: str, block: Block, offset: int, at: Expression, frame: Frame) -> Value: ...
    def returned(self, code: Function | Expression, arguments: Mapping[str, Value], frame: Frame) -> Value | None: ...
    def imported(self, qualified: str, at: Expression) -> Value: ...
    def beside(self, name: str) -> Evaluator | None: ...
    def frame_of(self, flow: Flow) -> Frame: ...
    def frame_at(self, fact: Fact) -> Frame: ...
    def flow_at(self, start: int, end: int = 0) -> Flow: ...
    def flow_in(self, definition: Function | Class) -> Flow: ...
    def flow_of(self, statement: Statement, outer: Flow) -> Flow: ...
    def of_file(self, fact: Fact) -> Evaluator | None: ...
    def given(self, name: str, definition: Definition, frame: Frame, at: Expression) -> Value: ...
    def remember(self, name: str, found: Any) -> None: ...
    def remembered(self, name: str) -> Any: ...
    def module_flow(self) -> Flow: ...
    def class_around(self, fact: Fact) -> Class | None: ...
    def functions(self) -> list[Function]: ...
    def classes(self) -> list[Class]: ...


@dataclass(slots=True, eq=False)
class Frame:
    """A flow being read: with what its function was called (None: by anybody), the names that comprehensions bind around the
    place, and the conditions inside the statement."""

    flow: Flow
    values: Evaluator
    arguments: Mapping[str, Value] | None = None
    bound: Mapping[str, Value] = field(default_factory=dict)
    extra: tuple[Condition, ...] = ()
    calls: int = 0
    memo: dict[tuple[int, int, type], Value] = field(default_factory=dict)
    caller: Frame | None = None
    base: Frame | None = None

    @property
    def home(self) -> Frame:
        """The same at the level of statements: without what an expression binds or asks."""
        return self.base or self

    def binding(self, names: Mapping[str, Value]) -> Frame:
        """The same with names bound by a comprehension or lambda."""
        bound = {**self.bound, **names}
        return Frame(self.flow, self.values, self.arguments, bound, self.extra, self.calls, caller=self.caller, base=self.home)

    def under(self, condition: Condition) -> Frame:
        """The same behind a condition inside an expression."""
        extra = (*self.extra, condition)
        return Frame(self.flow, self.values, self.arguments, self.bound, extra, self.calls, caller=self.caller, base=self.home)
