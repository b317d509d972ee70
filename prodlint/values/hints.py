"""What an annotation says of a value: that it is a number, one of some words, or an object whose fields say more."""

from __future__ import annotations

import re
from functools import lru_cache

_FIXED = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "complex": "number",
    "Decimal": "number",
    "UUID": "uuid",
    "UUID1": "uuid",
    "UUID3": "uuid",
    "UUID4": "uuid",
    "UUID5": "uuid",
    "date": "date",
    "datetime": "date",
    "time": "date",
    "timedelta": "date",
    "PositiveInt": "int",
    "NonNegativeInt": "int",
    "NegativeInt": "int",
    "NonPositiveInt": "int",
    "PositiveFloat": "float",
    "NonNegativeFloat": "float",
    "StrictInt": "int",
    "StrictBool": "bool",
    "StrictFloat": "float",
    "conint": "int",
    "confloat": "float",
    "AwareDatetime": "date",
    "FutureDatetime": "date",
    "PastDatetime": "date",
    "ObjectId": "uuid",
    "PydanticObjectId": "uuid",
    "IPv4Address": "checked",
    "IPv6Address": "checked",
    "IPvAnyAddress": "checked",
    "HTTPStatus": "enum",
    "HTTPMethod": "enum",
}
_LISTS = frozenset(
    {
        "list",
        "List",
        "Sequence",
        "Iterable",
        "set",
        "Set",
        "frozenset",
        "FrozenSet",
        "tuple",
        "Tuple",
        "Collection",
        "Iterator",
        "MutableSequence",
        "AbstractSet",
    }
)
_THROUGH = frozenset(
    {"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "FromPath", "FromQuery", "Mapped", "InitVar"}
)
_HEAD = re.compile(r"([\w.]+)\s*(?:\[(.*)\])?$", re.DOTALL)


@lru_cache(maxsize=2048)
def parse(annotation: str) -> tuple[str, str, tuple[str, ...]]:
    """("fixed", how, ()), ("items", inner annotation, ()), ("literal", "", ()), ("text", "", ()), ("named", dotted name, ()), ("any", "", marks).

    The third part of every answer: the marks of an `Annotated`, as written.
    """
    text = annotation.strip().strip("\"'").strip()
    marks: tuple[str, ...] = ()
    for _ in range(6):
        options = [one for one in _split(text, "|") if one not in ("None", "")]
        if len(options) > 1:
            kinds = {parse(one)[:2] for one in options}
            if all(kind == "fixed" or kind == "literal" for kind, _ in kinds):
                return ("fixed", kinds.pop()[1] or "checked", marks)
            text = next((one for one in options if parse(one)[0] not in ("fixed", "literal")), options[0])
            if parse(text)[0] == "fixed":
                return ("any", "", marks)
            continue
        text = options[0] if options else ""
        match = _HEAD.match(text)
        if match is None:
            return ("any", "", marks)
        head, inside = match[1].rpartition(".")[2], match[2]
        if inside is not None and head in _THROUGH:
            parts = _split(inside, ",")
            marks = (*marks, *(part.strip() for part in parts[1:]))
            text = parts[0].strip().strip("\"'")
            continue
        if inside is not None and head == "Union":
            text = inside.replace("\n", " ")
            text = "|".join(part.strip() for part in _split(text, ","))
            continue
        if head == "Literal":
            return ("literal", "", marks)
        if head in _FIXED:
            return ("fixed", _FIXED[head], marks)
        if head in _LISTS and inside is not None:
            return ("items", _split(inside, ",")[0].strip(), marks)
        if head in ("str", "bytes", "Text", "AnyStr", "SecretStr", "EmailStr", "AnyUrl", "HttpUrl"):
            return ("text", "", marks)
        if head in ("Any", "object", "dict", "Dict", "Mapping") or not match[1]:
            return ("any", "", marks)
        return ("named", match[1], marks)
    return ("any", "", marks)


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no bracket."""
    parts: list[str] = []
    depth = 0
    begin = 0
    for index, character in enumerate(text):
        if character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[begin:index].strip())
            begin = index + 1
    parts.append(text[begin:].strip())
    return parts
