"""What a reader is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodlint.facts import Fact, Module


@dataclass(slots=True)
class FactRequest:
    """What the active rules want of one file.

    kinds: fact types. last_parts: last parts of the call names wanted, None for all. call: whether a qualified call name is
    wanted. offsets: for Assignment, Literal and Comment, where the words of their checks stand (sorted), None for everywhere.
    check_syntax: whether the interpreter is asked what is wrong with a Python file. others: makes what answers for other files.
    outside: what names that the file imports of the project's modules stand for outside of it.
    parsed: the Python file, once it is parsed: whoever asks again (for directives, for what findings are bound to) gets the same tree.
    """

    kinds: frozenset[type[Fact]]
    last_parts: frozenset[str] | None
    call: Callable[[str], bool]
    offsets: Mapping[type[Fact], Sequence[int] | None]
    check_syntax: bool = True
    parsed: list[Module] = field(default_factory=list)
    others: Callable[[], Any] | None = None
    outside: Mapping[str, str] = field(default_factory=dict)

    def near(self, kind: type[Fact]) -> Sequence[int] | None:
        """Where facts of a kind are wanted; None for everywhere."""
        return self.offsets.get(kind)

    def keep(self, module: Module) -> None:
        """Hand the parsed file to whoever needs its statements later (suppressions, fixes)."""
        if self.others is not None:
            module.derived["others"] = self.others
        if module not in self.parsed:
            self.parsed.append(module)
