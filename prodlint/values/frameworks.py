"""Which frameworks a file or a class belongs to."""

from __future__ import annotations

from prodlint.facts import Class
from prodlint.values import classes
from prodlint.values.frames import Evaluator
from prodlint.values.tables import Framework, sources


def used_in(values: Evaluator) -> list[Framework]:
    """The frameworks that a file imports, and those of the files it takes its application or router from."""
    memo = values.remembered("frameworks")
    if memo is not None:
        return memo  # type: ignore[no-any-return]  # kept as it was made
    roots = {name for qualified in values.module.imports.values() for name in _roots(qualified)}
    found = [framework for framework in sources().frameworks if any(module in roots for module in framework.modules)]
    values.remember("frameworks", found)
    return found


def _roots(qualified: str) -> list[str]:
    parts = qualified.split(".")
    return [parts[0], ".".join(parts[:2])]


def of_class(values: Evaluator, class_: Class) -> list[Framework]:
    """The frameworks that make objects of a class to answer what clients send."""
    used = [framework for framework in used_in(values) if framework.classes]
    if not used:
        return []
    bases = classes.bases_of(values, class_)
    return [
        framework
        for framework in used
        if "*" in framework.classes or any(base.rpartition(".")[2].endswith(framework.classes) for base in bases)
    ]
