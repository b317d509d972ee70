"""Functions that are imported when they are first asked for: a run imports the checks whose words it meets, and no others."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class LazyImport:
    """A function of a module, named."""

    __slots__ = ("_function", "_module", "_name")

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name
        self._function: Any = None

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    @property
    def __name__(self) -> str:
        return self._name

    @property
    def function(self) -> Any:
        """The function itself, its module imported."""
        if self._function is None:
            self._function = getattr(importlib.import_module(self._module), self._name)
        return self._function


def resolved(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a registered function really is, so that calling it ten thousand times goes no detour."""
    return function.function if isinstance(function, LazyImport) else function
