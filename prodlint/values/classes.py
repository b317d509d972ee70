"""Classes of the project: where one stands, what it is made of, and what kind it is."""

from __future__ import annotations

import re

from prodlint.facts import Class
from prodlint.values.frames import Evaluator

_ENUMS = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "Enum", "StrEnum", "IntEnum"})
_DJANGO_CHOICES = frozenset(
    {"django.db.models.TextChoices", "django.db.models.IntegerChoices", "models.TextChoices", "models.IntegerChoices"}
)
_SETTINGS_BASES = ("BaseSettings",)


_CONTINUED = re.compile(r"\\\r?\n\s*")


def annotation_of(class_: Class, name: str) -> str:
    """The annotation of a field without a value: `name: str`."""
    for statement in class_.body:
        text = _CONTINUED.sub(" ", statement.source.slice(statement.start, min(statement.end, statement.start + 300)))
        head, colon, rest = text.partition(":")
        if colon and head.strip() == name:
            return rest.split("=", 1)[0].strip()
    return ""


def class_named(values: Evaluator, written: str) -> tuple[Evaluator, Class] | None:
    """The class of the project that a name means in a file."""
    root, _, rest = written.partition(".")
    if not rest:
        for class_ in values.classes():
            if class_.name == root:
                return values, class_
    imported = values.module.imports.get(root)
    if imported is None:
        return None
    qualified = f"{imported}.{rest}" if rest else imported
    holder, _, last = qualified.rpartition(".")
    other = values.beside(holder) if holder else None
    if other is None:
        return None
    found = next((class_ for class_ in other.classes() if class_.name == last), None)
    if found is not None:
        return other, found
    again = other.module.imports.get(last)
    if again is not None and again != qualified:
        deeper = values.beside(again.rpartition(".")[0])
        if deeper is not None:
            return next(((deeper, class_) for class_ in deeper.classes() if class_.name == again.rpartition(".")[2]), None)
    return None


def owner_of(values: Evaluator, class_: Class) -> Evaluator:
    """The evaluator of the file that a class stands in."""
    return values if class_.file.path == values.module.file.path else values.of_file(class_) or values


def lineage(values: Evaluator, class_: Class, depth: int = 4) -> list[Class]:
    """A class and the classes of the project that it is made of, nearest first."""
    found = [class_]
    if depth > 0:
        for base in class_.bases:
            other = class_named(values, base)
            if other is not None and other[1].start != class_.start:
                found += lineage(other[0], other[1], depth - 1)
    return found


def bases_of(values: Evaluator, class_: Class) -> list[str]:
    """The qualified names of a class's bases, those of the project's own bases included."""
    return [base for each in lineage(values, class_) for base in each.bases]


def is_enum(values: Evaluator, class_: Class) -> bool:
    """Whether a class lists its members."""
    return any(
        base in _ENUMS
        or base in _DJANGO_CHOICES
        or base.rpartition(".")[2] in ("Enum", "StrEnum", "IntEnum", "TextChoices", "IntegerChoices")
        for base in bases_of(values, class_)
    )


def is_settings(values: Evaluator, class_: Class) -> bool:
    """Whether the environment fills a class's fields."""
    return any(base.rpartition(".")[2].endswith(_SETTINGS_BASES) for base in bases_of(values, class_))
