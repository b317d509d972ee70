"""Texts put together from pieces, and which of the pieces the code itself spells out.

What is executed (SQL, a shell command, Python) is only as safe as the parts that somebody else can choose.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field

from prodlint.facts import (
    Attribute,
    Call,
    Collection,
    Conditional,
    Constant,
    Dictionary,
    Expression,
    FString,
    Function,
    Module,
    Name,
    OpaqueExpression,
    Operation,
    Statement,
    Subscript,
    statements_in,
)
from prodlint.values.expressions import innermost, is_setting_read

# ---------------------------------------------------------------- pieces of a text

_PERCENT = re.compile(r"%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?([sdifrxXeEgGcoa%])")
_TRIMMING = frozenset({"strip", "rstrip", "lstrip", "lower", "upper", "dedent", "cleandoc", "expandtabs", "encode", "decode"})
DEPTH = 12


@dataclass(slots=True)
class Reader:
    """Reads texts in one function: what each local name is given, and which names hold only fixed text.

    quoting: names of calls whose result is harmless in the language that the text is written in.
    """

    module: Module
    function: Function | None
    quoting: re.Pattern[str]
    given: dict[str, list[Expression]] = field(default_factory=dict)
    looped: dict[str, Expression] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    checked: frozenset[str] = frozenset()
    busy: set[str] = field(default_factory=set)


def reader_of(module: Module, function: Function | None, quoting: re.Pattern[str], at: int = 1 << 60) -> Reader:
    """What is known of the names of a function at a byte offset."""
    reader = Reader(module, function, quoting)
    block = function.body if function is not None else module.body
    checked: set[str] = set()
    for statement in statements_in(block):
        if statement.kind == "assign" and statement.expressions:
            for target in statement.targets:
                if isinstance(target, Name):
                    reader.given.setdefault(target.source_text, []).append(statement.expressions[0])
                elif isinstance(target, Collection):
                    _unpack(reader.given, target, statement.expressions[0])
        elif statement.kind in ("for", "with") and statement.expressions and statement.targets:
            iterable, first = statement.expressions[0], statement.targets[0]
            if statement.kind == "for" and isinstance(iterable, Call) and iterable.name == "enumerate" and isinstance(first, Collection):
                reader.counted |= {item.source_text for item in first.items[:1] if isinstance(item, Name)}
            for target in statement.targets:
                for name in target.walk():
                    if isinstance(name, Name):
                        if statement.kind == "for":
                            reader.looped[name.source_text] = statement.expressions[0]
                        else:
                            reader.given.setdefault(name.source_text, []).append(statement.expressions[0])
        for expression in (e for given in statement.expressions for e in given.walk()):
            if isinstance(expression, Call):
                if expression.method in ("append", "extend", "insert") and isinstance(expression.receiver, Name) and expression.arguments:
                    reader.given.setdefault(expression.receiver.source_text, []).append(expression.arguments[-1])
                checked |= _names_checked(expression)
            elif isinstance(expression, Operation) and expression.operator in ("in", "not in") and isinstance(expression.operands[0], Name):
                if _holds_at(statement, expression, at):
                    checked.add(expression.operands[0].source_text)
    if function is not None:
        reader.parameters = {parameter.name: parameter.annotation for parameter in function.parameters}
    reader.checked = frozenset(checked)
    return reader


def _holds_at(statement: Statement, test: Operation, at: int) -> bool:
    """Whether `name in ALLOWED` is true where the sink stands: in the branch of the `if`, or after one that left."""
    if statement.kind != "if" or not statement.body:
        return True
    inside = statement.body[0].start <= at <= statement.body[-1].end
    negated = (test.operator == "not in") != statement.expressions[0].text.startswith("not ")
    return not inside if negated else inside


def _unpack(given: dict[str, list[Expression]], target: Collection, value: Expression) -> None:
    values = value.items if isinstance(value, Collection) and len(value.items) == len(target.items) else (value,) * len(target.items)
    for name, one in zip(target.items, values, strict=True):
        if isinstance(name, Name):
            given.setdefault(name.source_text, []).append(one)


_CHECKS = re.compile(
    r"valid|verify|sanitiz|check(?!_output|_call)|ensure|assert|allow|(?<!un)safe(?!_load|_dump)|fullmatch|match|isidentifier|isalnum|isdigit|isnumeric|isdecimal",
    re.IGNORECASE,
)


def _names_checked(call: Call) -> set[str]:
    """Names that a call looks at: `re.fullmatch(p, name)`, `validate_name(name)`, `name.isidentifier()`."""
    if not _CHECKS.search(call.method):
        return set()
    names = {argument.source_text for argument in call.arguments if isinstance(argument, Name)}
    if isinstance(call.receiver, Name) and call.method.startswith("is"):
        names.add(call.receiver.source_text)
    return names


Piece = str | Expression


def pieces_of(expression: Expression, reader: Reader, depth: int = DEPTH) -> list[Piece]:
    """A text as its literal parts and the expressions between them; an expression alone where it is no text built here."""
    if depth <= 0:
        return [expression]
    if isinstance(expression, Constant):
        value = expression.value
        if isinstance(value, bytes):
            return [value.decode("latin-1")]
        return [value] if isinstance(value, str) else [expression]
    if isinstance(expression, FString):
        return [piece for item in expression.items for piece in pieces_of(item, reader, depth - 1)]
    if isinstance(expression, Operation):
        if expression.operator == "+":
            return [piece for operand in expression.operands for piece in pieces_of(operand, reader, depth - 1)]
        if expression.operator == "%" and len(expression.operands) == 2:
            return _percent(expression, reader, depth)
        if expression.operator == "or":
            return [piece for operand in expression.operands for piece in pieces_of(operand, reader, depth - 1)]
        return [expression]
    if isinstance(expression, Conditional):
        return [*pieces_of(expression.then, reader, depth - 1), *pieces_of(expression.orelse, reader, depth - 1)]
    if isinstance(expression, Name):
        return _name_pieces(expression, reader, depth)
    if isinstance(expression, Call):
        return _call_pieces(expression, reader, depth)
    return [expression]


def _name_pieces(name: Name, reader: Reader, depth: int) -> list[Piece]:
    written = name.source_text
    if written in reader.busy:
        return []
    given = reader.given.get(written)
    if given is not None and written not in reader.looped:
        earlier = [value for value in given if value.start < name.start] or given
        reader.busy.add(written)
        try:
            found = [piece for value in earlier for piece in pieces_of(value, reader, depth - 1)]
        finally:
            reader.busy.discard(written)
        return found if any(isinstance(piece, str) for piece in found) else [name]
    if written in reader.parameters or written in reader.looped:
        return [name]
    followed = reader.module.follow(name, name)
    if followed is name:
        return [name]
    found = pieces_of(followed, Reader(reader.module, None, reader.quoting), depth - 1)
    return found if any(isinstance(piece, str) for piece in found) else [name]


def _percent(operation: Operation, reader: Reader, depth: int) -> list[Piece]:
    left = pieces_of(operation.operands[0], reader, depth - 1)
    right = operation.operands[1]
    if not any(isinstance(piece, str) for piece in left):
        return [operation]
    named = {key.value: value for key, value in right.items if isinstance(key, Constant)} if isinstance(right, Dictionary) else {}
    ordered = list(right.items) if isinstance(right, Collection) else [right]
    found: list[Piece] = []
    for piece in left:
        if not isinstance(piece, str):
            found.append(piece)
            continue
        position = 0
        for match in _PERCENT.finditer(piece):
            found.append(piece[position : match.start()])
            position = match.end()
            if match[2] == "%":
                found.append("%")
                continue
            value = named.get(match[1]) if match[1] else (ordered.pop(0) if ordered else None)
            if match[2] in "dixXofeEgG":
                found.append("0")
            elif value is not None:
                found.extend(pieces_of(value, reader, depth - 1))
            elif match[1] and not isinstance(right, Dictionary):
                found.append(right)
        found.append(piece[position:])
    return found


def _call_pieces(call: Call, reader: Reader, depth: int) -> list[Piece]:
    receiver = call.receiver
    if call.method == "format" and receiver is not None:
        text = pieces_of(receiver, reader, depth - 1)
        if any(isinstance(piece, str) for piece in text):
            return _formatted(call, text, reader, depth)
    elif call.method == "join" and receiver is not None and call.arguments:
        return _joined(call, reader, depth)
    elif call.method == "replace" and receiver is not None:
        if _escapes(call):
            return ["?"]
        return [piece for part in (receiver, *call.arguments[1:2]) for piece in pieces_of(part, reader, depth - 1)]
    elif call.method in _TRIMMING and receiver is not None and call.name not in ("textwrap.dedent", "inspect.cleandoc"):
        return pieces_of(receiver, reader, depth - 1)
    elif call.name in ("textwrap.dedent", "inspect.cleandoc", "str", "dedent") and call.arguments:
        return pieces_of(call.arguments[0], reader, depth - 1)
    return [call]


def _escapes(call: Call) -> bool:
    """`value.replace("'", "''")`: quotes doubled by hand, which is right for text in PostgreSQL and SQLite."""
    return (
        len(call.arguments) == 2
        and all(isinstance(a, Constant) for a in call.arguments)
        and [a.value for a in call.arguments if isinstance(a, Constant)] == ["'", "''"]
    )


def _formatted(call: Call, text: list[Piece], reader: Reader, depth: int) -> list[Piece]:
    ordered = list(call.arguments)
    found: list[Piece] = []
    for piece in text:
        if not isinstance(piece, str):
            found.append(piece)
            continue
        try:
            parsed = list(string.Formatter().parse(piece))
        except ValueError:
            found.append(piece)
            continue
        for literal, name, specification, _ in parsed:
            found.append(literal)
            if name is None:
                continue
            root = re.split(r"[.\[]", name, maxsplit=1)[0]
            value: Expression | None
            if root == "":
                value = ordered.pop(0) if ordered else None
            elif root.isdigit():
                value = call.arguments[int(root)] if int(root) < len(call.arguments) else None
            else:
                value = call.keywords.get(root)
            if value is not None and not (specification or "").endswith(("d", "f")):
                found.extend(pieces_of(value, reader, depth - 1))
            elif value is None and call.stars:
                found.append(call)
    return found


def _joined(call: Call, reader: Reader, depth: int) -> list[Piece]:
    argument = call.arguments[0]
    if isinstance(argument, Name) and argument.source_text in reader.given and argument.source_text not in reader.busy:
        reader.busy.add(argument.source_text)
        try:
            found: list[Piece] = []
            for value in reader.given[argument.source_text]:
                items = value.items if isinstance(value, Collection) else (value,)
                for item in items:
                    found.extend(pieces_of(item, reader, depth - 1))
        finally:
            reader.busy.discard(argument.source_text)
        return found or [""]
    if isinstance(argument, Collection):
        return [piece for item in argument.items for piece in (" ", *pieces_of(item, reader, depth - 1))]
    if (
        isinstance(argument, OpaqueExpression)
        and argument.kind == "comprehension"
        and argument.items
        and isinstance(argument.items[0], FString)
    ):
        if not is_fixed(argument, reader, frozenset(), depth - 1):
            return [" ", *pieces_of(argument.items[0], reader, depth - 1)]
    return [call]


# ---------------------------------------------------------------- fixed text

_FIXED_CALLS = frozenset(
    (
        "int float len bool abs round ord range sum hash uuid.uuid4 uuid.uuid1 time.time id uuid4 math.ceil math.floor math.trunc "
        "time.monotonic time.time_ns os.getpid"
    ).split()
)
_TRANSPARENT = frozenset(
    {
        "list",
        "tuple",
        "set",
        "sorted",
        "reversed",
        "enumerate",
        "zip",
        "frozenset",
        "str",
        "min",
        "max",
        "dict",
        "iter",
        "repeat",
        "itertools.repeat",
    }
)
_FIXED_ATTRIBUTES = re.compile(
    r"(?:__tablename__|__table__(?:\.\w+)*|_meta\.[\w.]+|db_table|\.db_column|table_name|tablename|\.fullname|schema_name|__name__|\.oid)$"
)
_PLACEHOLDERS = re.compile(
    r"place_?holder|question_?mark|qmark|bind(?:s|ing|_names)?$|param_(?:list|names|marks|string)|^ph$|^marks$", re.IGNORECASE
)
_FIXED_TYPE = r"(?:int|float|bool|(?:uuid\.)?UUID4?|Decimal|(?:datetime\.)?(?:date|datetime|timedelta)|(?:typing\.)?Literal\[[^\]]*\]|PositiveInt|\w*(?:Type|Enum|Kind|Status|Mode|Level|Interval|Direction|State))"
_FIXED_TYPES = re.compile(rf"^(?:Optional\[)?{_FIXED_TYPE}\]?(?:\s*\|\s*None)?$")
_FIXED_LISTS = re.compile(
    rf"^(?:\w+\.)?(?:Sequence|list|List|set|Set|Iterable|tuple|Tuple|Collection|frozenset|Optional\[list|Optional\[List)\[{_FIXED_TYPE}(?:,\s*\.\.\.)?\]+(?:\s*\|\s*None)?$"
)
# Numbers by their name. A limit or an offset is none of them: requests bring those as text.
_NUMBERS = re.compile(r"^pk$|(?:^|_)(?:(?:vector_?)?length|dims?|dimensions?|milliseconds|seconds|minutes|hours|days|ms|retention)$")
_DEPLOYMENT = re.compile(r"^(?:self\.|cls\.|app\.|current_app\.|_)*(?:settings|config|conf|cfg|configuration)\b", re.IGNORECASE)


def is_fixed(expression: Expression, reader: Reader, bound: frozenset[str] = frozenset(), depth: int = DEPTH) -> bool:
    """Whether a value can only be one of the texts (or numbers) that the code itself spells out."""
    if depth <= 0:
        return False
    if isinstance(expression, (Constant,)):
        return True
    if isinstance(expression, Name):
        return _name_is_fixed(expression, reader, bound, depth)
    if isinstance(expression, (Collection, FString)):
        return all(is_fixed(part, reader, bound, depth - 1) for part in expression.parts())
    if isinstance(expression, Dictionary):
        return all(is_fixed(part, reader, bound, depth - 1) for part in expression.parts())
    if isinstance(expression, Operation):
        if expression.operator in ("==", "!=", "<", ">", "<=", ">=", "in", "not in", "is", "is not", "not"):
            return True
        if expression.operator in ("*", "-", "/", "//", "**"):
            return any(is_fixed(part, reader, bound, depth - 1) for part in expression.operands)
        return all(is_fixed(part, reader, bound, depth - 1) for part in expression.operands)
    if isinstance(expression, Conditional):
        return is_fixed(expression.then, reader, bound, depth - 1) and is_fixed(expression.orelse, reader, bound, depth - 1)
    if isinstance(expression, Subscript):
        if is_setting_read(expression):
            return True
        return is_fixed(expression.value, reader, bound, depth - 1)
    if isinstance(expression, Attribute):
        return bool(_FIXED_ATTRIBUTES.search(expression.text)) or is_fixed(expression.value, reader, bound, depth - 1)
    if isinstance(expression, OpaqueExpression):
        return _other_is_fixed(expression, reader, bound, depth)
    if isinstance(expression, Call):
        return _call_is_fixed(expression, reader, bound, depth)
    return False


def _name_is_fixed(name: Name, reader: Reader, bound: frozenset[str], depth: int) -> bool:
    written = name.source_text
    root = written.split(".", 1)[0]
    parts = written.split(".")
    if written in bound or root in bound or written in reader.busy:
        return True
    if "request" in parts or "req" in parts:
        return False  # request.GET and request.POST look like constants
    if _DEPLOYMENT.match(written) and root != written:
        return True
    if written in ("self.value", "self.name") and _in_enumeration(name, reader):
        return True
    if any(part.isupper() and len(part) > 1 for part in parts) or _FIXED_ATTRIBUTES.search(written) and "." in written:
        return True
    if _PLACEHOLDERS.search(parts[-1]) or written in reader.checked or len(parts) > 1 and _NUMBERS.search(parts[-1]):
        return True
    if written in reader.looped and written in reader.counted:
        return True
    if written in reader.looped:
        reader.busy.add(written)
        try:
            return is_fixed(reader.looped[written], reader, bound, depth - 1)
        finally:
            reader.busy.discard(written)
    if written in reader.given:
        reader.busy.add(written)
        try:
            return all(is_fixed(value, reader, bound, depth - 1) for value in reader.given[written])
        finally:
            reader.busy.discard(written)
    if root in reader.looped and root != written:
        return is_fixed(reader.looped[root], reader, bound, depth - 1)
    if root in reader.given and root != written:
        return all(isinstance(value, Call) is False and is_fixed(value, reader, bound, depth - 1) for value in reader.given[root])
    if root in reader.parameters:
        annotation = reader.parameters[root].strip("\"'")
        if root == written:
            return bool(_FIXED_TYPES.match(annotation) or _FIXED_LISTS.match(annotation)) or _callers_give_fixed(written, reader, depth)
        # an enumeration's member, the key of a ZoneInfo
        return parts[-1] in ("value", "name", "key") and annotation not in ("", "str", "Any") and annotation[:1].isupper()
    followed = reader.module.follow(name, name)
    if followed is not name:
        return is_fixed(followed, Reader(reader.module, None, reader.quoting), frozenset(), depth - 1)
    return False


def _in_enumeration(name: Name, reader: Reader) -> bool:
    """Whether `self` is a member of an enumeration."""
    for class_ in reader.module.classes():
        if class_.start <= name.start < class_.end and any("Enum" in base for base in class_.bases):
            return True
    return False


def _callers_give_fixed(parameter: str, reader: Reader, depth: int) -> bool:
    """Whether everybody in the file who calls this function passes fixed text, and nobody else is likely to."""
    function = reader.function
    if function is None:
        return False
    names = [p.name for p in function.parameters]
    position = names.index(parameter) - (1 if names[:1] in (["self"], ["cls"]) else 0)
    default = next((p.default for p in function.parameters if p.name == parameter), None)
    seen = False
    for call in reader.module.calls():
        if call.method != function.name or call.start == function.start:
            continue
        given = call.argument(position, parameter) or default
        if given is None or call.stars:
            return False
        caller = innermost(reader.module, call)
        if caller is not None and caller.start == function.start:
            continue
        if not is_fixed(
            given,
            reader_of(reader.module, caller, reader.quoting) if caller is not None else Reader(reader.module, None, reader.quoting),
            frozenset(),
            min(depth - 1, 4),
        ):
            return False
        seen = True
    return seen


def _other_is_fixed(expression: OpaqueExpression, reader: Reader, bound: frozenset[str], depth: int) -> bool:
    if expression.kind == "comprehension" and expression.items:
        names = set(bound)
        for clause in expression.items[1:]:
            if isinstance(clause, OpaqueExpression) and len(clause.items) >= 2 and clause.kind == "for_in_clause":
                iterable = clause.items[1]
                if is_fixed(iterable, reader, frozenset(names), depth - 1):
                    names |= {part.source_text for part in clause.items[0].walk() if isinstance(part, Name)}
                elif isinstance(iterable, Call) and iterable.name == "enumerate" and isinstance(clause.items[0], Collection):
                    first = clause.items[0].items[0]
                    if isinstance(first, Name):
                        names.add(first.source_text)
        return is_fixed(expression.items[0], reader, frozenset(names), depth - 1)
    if expression.kind in ("star", "await", "slice", "walrus", "parenthesized_expression"):
        return bool(expression.items) and all(is_fixed(item, reader, bound, depth - 1) for item in expression.items[-1:])
    return False


def _call_is_fixed(call: Call, reader: Reader, bound: frozenset[str], depth: int) -> bool:
    last = call.name.rsplit(".", 1)[-1]
    if is_setting_read(call):
        return True
    if call.name in _FIXED_CALLS or reader.quoting.search(call.method or last):
        return True
    if call.name in _TRANSPARENT or call.name.startswith(("os.path.", "posixpath.")) or call.name in ("pathlib.Path", "os.fspath"):
        return bool(call.arguments) and all(is_fixed(argument, reader, bound, depth - 1) for argument in call.arguments)
    if call.method == "join" and call.receiver is not None and call.arguments:
        return is_fixed(call.arguments[0], reader, bound, depth - 1)
    if call.method in (
        "keys",
        "values",
        "items",
        "copy",
        "get",
        "isoformat",
        "strftime",
        "timestamp",
        "lower",
        "upper",
        "strip",
        "format",
        "replace",
        "title",
    ):
        receiver = call.receiver
        if receiver is not None and is_fixed(receiver, reader, bound, depth - 1):
            return call.method in ("get", "isoformat", "timestamp", "strftime") or all(
                is_fixed(a, reader, bound, depth - 1) for a in (*call.arguments, *call.keywords.values())
            )
    if call.method in ("isoformat", "timestamp", "strftime") or call.name.startswith(("datetime.", "time.")):
        return True
    if isinstance(call.function, Name) and "." not in call.function.source_text:
        if any(reader.quoting.search(value.text) for value in reader.given.get(call.function.source_text, ())):
            return True  # `qn = connection.ops.quote_name`
        made = reader.module.function(call.function.source_text)
        if made is not None:
            returned = [s.expressions[0] for s in statements_in(made.body) if s.kind == "return" and s.expressions]
            return bool(returned) and all(
                is_fixed(value, reader_of(reader.module, made, reader.quoting), frozenset(), min(depth - 1, 4)) for value in returned
            )
    return False
