"""Fixes of Python files."""

from __future__ import annotations

from prodlint.fixes.imports import with_import
from prodlint.fixes.syntax import Node, block_of, identifiers, node_at, root_of, statement_around, text_of, upwards
from prodlint.fixes.work import Piece, Work, smallest

# ---------------------------------------------------------------- expressions


def replace_expression(work: Work) -> list[Piece]:
    """What stands there gives way to an expression that needs an import."""
    made = with_import(work, work.arguments["text"], work.arguments["import"])
    if made is None:
        return []
    text, pieces = made
    return [*smallest(work.start, work.source.slice(work.start, work.end), text), *pieces]


def replace_value(work: Work) -> list[Piece]:
    """The value of an assignment, a keyword or an entry gives way to another one; or the expression at the recipe's offsets."""
    given = work.arguments
    if "start" in given:
        start, end = int(given["start"]), int(given["end"])
    else:
        value = _value_of(node_at(work), work)
        if value is None:
            return []
        start, end = value.start_byte, value.end_byte
    node = root_of(work.source.data).descendant_for_byte_range(start, end)
    # A pattern of `match` is no expression, and what stands inside an f-string is only a part of one.
    if node is None or any(around.type in ("case_pattern", "interpolation") for around in upwards(node)):
        return []
    if node.parent is not None and node.parent.type in ("concatenated_string", "string"):
        return []
    text = given["text"]
    pieces: list[Piece] = []
    if "import" in given:
        made = with_import(work, text, given["import"])
        if made is None:
            return []
        text, pieces = made
    return [*smallest(start, work.source.slice(start, end), text), *pieces]


def _value_of(node: Node | None, work: Work) -> Node | None:
    for around in upwards(node):
        if around.start_byte < work.start or around.end_byte > work.end:
            return None
        if around.type == "assignment":
            return around.child_by_field_name("right")
        if around.type in ("pair", "keyword_argument", "default_parameter", "typed_default_parameter"):
            return around.child_by_field_name("value")
    return None


# ---------------------------------------------------------------- calls


def set_keyword(work: Work) -> list[Piece]:
    """Set keywords of the call; those that have a value get the new one."""
    call = _call_at(work)
    if call is None:
        return []
    old = text_of(call)
    new: str | None = old
    pieces: list[Piece] = []
    wanted = work.arguments.get("import", "")
    pairs = list(work.pairs)
    for (key, keyword), (_, value) in zip(pairs, pairs[1:], strict=False):
        if key != "keyword" or new is None:
            continue
        if wanted:
            made = with_import(work, value, wanted)
            if made is None:
                return []
            value, pieces = made
        plain = with_plain_keyword(call, keyword, value) if new == old else None
        if plain is not None:
            new = plain
            continue
        from prodlint.fixes.calls import rewrite, with_keyword

        new = rewrite(new, with_keyword(keyword, value), work.newline)
    return [*smallest(call.start_byte, old, new), *pieces] if new is not None and new != old else []


def with_plain_keyword(call: Node, keyword: str, value: str) -> str | None:
    """A call with one more keyword, where it stands on one line and nothing in it is unusual.

    libcst gives the same text; to import it takes 0.35 s, a tenth of a cold run over 15 MB that shows its fixes as JSON.
    """
    given = call.child_by_field_name("arguments")
    text = text_of(call)
    if given is None or given.type != "argument_list" or "\n" in text or "#" in text or not text.endswith(")"):
        return None
    arguments = given.named_children
    for argument in arguments:
        name = argument.child_by_field_name("name") if argument.type == "keyword_argument" else None
        if argument.type in ("dictionary_splat", "ERROR") or (name is not None and text_of(name) == keyword):
            return None
    if not arguments:
        return f"{text[:-1]}{keyword}={value})" if text.endswith("()") else None
    if arguments[-1].end_byte != given.end_byte - 1:
        return None  # a comma or a blank behind the last
    between = (
        text.encode()[arguments[-2].end_byte - call.start_byte : arguments[-1].start_byte - call.start_byte]
        if len(arguments) > 1
        else b", "
    )
    if between != b", ":
        return None
    return f"{text[:-1]}, {keyword}={value})"


def remove_keyword(work: Work) -> list[Piece]:
    """Take a keyword out of the call."""
    from prodlint.fixes.calls import rewrite, without_keyword

    call = _call_at(work)
    if call is None:
        return []
    new = rewrite(text_of(call), without_keyword(work.arguments["keyword"]), work.newline)
    for key, keyword in work.pairs:
        # What means nothing without it goes along.
        new = rewrite(new, without_keyword(keyword), work.newline) or new if key == "with" and new is not None else new
    return smallest(call.start_byte, text_of(call), new) if new is not None else []


def _call_at(work: Work) -> Node | None:
    """The call at the place, or the one whose keyword's value is there."""
    for around in upwards(node_at(work)):
        if around.type == "call" and around.start_byte == work.start and around.end_byte == work.end:
            return around
        if around.type == "keyword_argument" and text_of(around.child_by_field_name("name")) == work.arguments["keyword"]:
            value = around.child_by_field_name("value")
            inside = value is not None and value.start_byte == work.start and value.end_byte == work.end
            return around.parent.parent if inside and around.parent is not None and around.parent.type == "argument_list" else None
        if around.type in ("block", "module"):
            return None
    return None


def call_instead(work: Work) -> list[Piece]:
    """Another function is called with the same arguments, and with the keywords that the recipe brings."""
    from prodlint.fixes.calls import rewrite, with_keyword

    call = _call_at(work)
    function = call.child_by_field_name("function") if call is not None else None
    made = with_import(work, work.arguments["text"] + "(", work.arguments["import"])
    if call is None or function is None or made is None:
        return []
    name, pieces = made[0].removesuffix("("), made[1]
    old = text_of(call)
    new: str | None = name + old[len(text_of(function)) :]
    pairs = list(work.pairs)
    for (key, keyword), (_, value) in zip(pairs, pairs[1:], strict=False):
        if key == "keyword" and new is not None:
            new = rewrite(new, with_keyword(keyword, value), work.newline)
    return [*smallest(call.start_byte, old, new), *pieces] if new is not None else []


_DISPLAYS = ("list", "dictionary", "set")


def remove_items(work: Work) -> list[Piece]:
    """Items of a list or a dictionary go, others stay. The recipe's `item`s are their byte offsets, `start:end`."""
    root = root_of(work.source.data)
    places = [tuple(map(int, value.split(":"))) for key, value in work.pairs if key == "item"]
    gone = [_item_at(root, start, end) for start, end in places]
    first = gone[0] if gone else None
    display = first.parent if first is not None else None
    if display is None or display.type not in _DISPLAYS or any(node is None or node.parent != display for node in gone):
        return []
    items = [child for child in display.named_children if child.type != "comment"]
    pieces: list[Piece] = []
    kept: Node | None = None
    begun: Node | None = None
    for item in items:
        if item in gone:
            begun = begun or item
        elif begun is not None:
            pieces.append((begun.start_byte, item.start_byte, ""))
            kept, begun = item, None
        else:
            kept = item
    if begun is not None:
        if kept is None:
            return []  # nothing would be left
        pieces.append((kept.end_byte, items[-1].end_byte, ""))
    return pieces


def _item_at(root: Node, start: int, end: int) -> Node | None:
    """The item of a display over a range: the largest node that is no larger, with its key where it is a pair."""
    for around in upwards(root.descendant_for_byte_range(start, end)):
        if around.parent is not None and around.parent.type in _DISPLAYS:
            return around
    return None


def drop_default(work: Work) -> list[Piece]:
    """A setting's fallback goes: what reads it fails where it is missing."""
    literal = next((around for around in upwards(node_at(work)) if around.type in ("string", "concatenated_string", "integer")), None)
    if literal is None or literal.parent is None:
        return []
    if literal.parent.type == "concatenated_string":
        literal = literal.parent
    parent = literal.parent
    while parent is not None and parent.type == "parenthesized_expression":
        literal, parent = parent, parent.parent
    if parent is None:
        return []
    if parent.type == "boolean_operator" and text_of(parent.child_by_field_name("operator")) == "or":
        left = parent.child_by_field_name("left")
        return (
            _without_or(parent, left) if left is not None and left.type == "call" and parent.child_by_field_name("right") == literal else []
        )
    if parent.type == "assignment" and parent.child_by_field_name("type") is not None and parent.child_by_field_name("right") == literal:
        kind = parent.child_by_field_name("type")
        return [(kind.end_byte, parent.end_byte, "")] if kind is not None and _in_class(parent) else []
    is_keyword = parent.type == "keyword_argument"
    listed = parent.parent if is_keyword else parent
    call = listed.parent if listed is not None and listed.type == "argument_list" else None
    if call is None or call.type != "call":
        return []
    name = text_of(parent.child_by_field_name("name")) if is_keyword else ""
    return _without_default(work, call, name)


# Functions that raise, or say what is missing, when they are called without a default.
_STRICT = ("config", "env", "str", "Field", "Option", "Argument", "Config", "AutoConfig")


def _without_default(work: Work, call: Node, keyword: str) -> list[Piece]:
    from prodlint.fixes.calls import rewrite, with_keyword, without, without_keyword

    function = text_of(call.child_by_field_name("function"))
    read = _environment(function)
    arguments = call.child_by_field_name("arguments")
    given = [child for child in arguments.named_children if child.type != "comment"] if arguments is not None else []
    if read:
        if len(given) != 2 or given[0].type != "string":
            return []
        return smallest(call.start_byte, text_of(call), f"{read}[{text_of(given[0])}]") if "#" not in text_of(call) else []
    name = function.rsplit(".", 1)[-1]
    old = text_of(call)
    new: str | None = None
    if keyword == "default" and name in ("add_argument", "option"):
        new = rewrite(old, without_keyword("default"), work.newline)
        new = new and rewrite(new, with_keyword("required", "True"), work.newline)
    elif name in _STRICT and keyword == "default":
        new = rewrite(old, without_keyword("default"), work.newline)
    elif name in ("Field", "Option", "Argument") and not keyword and given[0].start_byte <= work.start < given[0].end_byte:
        # typer takes `...` for "has no default"; pydantic does as well.
        return smallest(given[0].start_byte, text_of(given[0]), "...")
    elif name in _STRICT and not keyword and len(given) == 2:
        new = rewrite(old, lambda listed, _: without(listed, 1), work.newline)
    return smallest(call.start_byte, old, new) if new is not None else []


def _without_or(operation: Node, left: Node) -> list[Piece]:
    """`os.getenv("X") or "y"` becomes `os.environ["X"]`."""
    read = _environment(text_of(left.child_by_field_name("function")))
    arguments = left.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    if not read or not given or given[0].type != "string" or "#" in text_of(operation):
        return []
    return smallest(operation.start_byte, text_of(operation), f"{read}[{text_of(given[0])}]")


def _environment(function: str) -> str:
    """`os.environ` for the functions that read from it without failing; "" for any other."""
    head, _, method = function.rpartition(".")
    if method == "getenv" and head == "os":
        return "os.environ"
    return head if method == "get" and head in ("os.environ", "environ") else ""


def _in_class(node: Node) -> bool:
    around = statement_around(node)
    block = around.parent if around is not None else None
    return block is not None and block.parent is not None and block.parent.type == "class_definition"


# ---------------------------------------------------------------- statements


def delete(work: Work) -> list[Piece]:
    """The statement goes, where it is nothing but the call; a block that would be empty gets `pass`."""
    statement = statement_around(node_at(work))
    if (
        statement is None
        or statement.start_byte != work.start
        or statement.end_byte != work.end
        or statement.type != "expression_statement"
    ):
        return []
    block = statement.parent
    if block is None:
        return []
    siblings = [child for child in block.named_children if child.type != "comment"]
    data = work.source.data
    start, end = work.line_start(work.start), work.line_end(work.end)
    before, after = data[start : work.start], data[work.end : end].strip()
    if after.startswith(b";"):
        following = work.end + data[work.end : end].index(b";") + 1
        if not data[following:end].strip():
            return []
        while data[following : following + 1] == b" ":
            following += 1
        return [(work.start, following, "")]
    earlier = statement.prev_named_sibling
    if before.strip().endswith(b";") and earlier is not None:
        if _is_only_for(work, earlier, text_of(statement)) and not data[start : earlier.start_byte].strip() and not after:
            if len(siblings) > 2 or block.type == "module":
                return [(start, end, "")]
            return [(earlier.start_byte, work.end, "pass")]
        return [(earlier.end_byte, work.end, "")]
    if block.type == "block" and len(siblings) == 1:
        return [(work.start, work.end, "pass")]
    if before.strip():
        return []
    if after:  # a comment stays
        gap = len(data[work.end : end]) - len(data[work.end : end].lstrip(b" \t"))
        return [(work.start, work.end + gap, "")]
    return [(start, end, "")]


def _is_only_for(work: Work, imported: Node, call: str) -> bool:
    """Whether `import pdb` before `pdb.set_trace()` serves nothing else in the file."""
    name = call.split(".", 1)[0].split("(", 1)[0]
    if imported.type != "import_statement" or text_of(imported) != f"import {name}":
        return False
    return sum(1 for _ in identifiers(root_of(work.source.data), name)) == 2


def insert_first_in_block(work: Work) -> list[Piece]:
    """A statement as the first of the block whose header is there; in the place of a `pass` that was all."""
    return _into_block(work, first=True)


def append_to_block(work: Work) -> list[Piece]:
    """A statement as the last of the block whose header is there; in the place of a `pass` that was all."""
    return _into_block(work, first=False)


_HEADERS = (
    "except_clause",
    "except_group_clause",
    "finally_clause",
    "else_clause",
    "if_statement",
    "for_statement",
    "while_statement",
    "with_statement",
    "function_definition",
)


def _into_block(work: Work, first: bool) -> list[Piece]:
    root = root_of(work.source.data)
    header = next((a for a in upwards(root.descendant_for_byte_range(work.start, work.start + 1)) if a.type in _HEADERS), None)
    block = block_of(header)
    if header is None or block is None or header.start_byte != work.start:
        return []
    text = work.arguments["text"]
    body = [child for child in block.named_children if child.type != "comment"]
    if not body:
        return []
    if len(body) == 1 and (body[0].type == "pass_statement" or text_of(body[0]) == "..."):
        return [(body[0].start_byte, body[0].end_byte, text)]
    at = body[0] if first else body[-1]
    pad = work.indentation(at.start_byte)
    if work.source.data[work.line_start(at.start_byte) : at.start_byte].strip():
        return []  # behind the colon, or behind a semicolon
    if first:
        start = at.start_byte
        return [(start, start, f"{text}{work.newline}{pad}")]
    end = work.line_end(at.end_byte)
    data = work.source.data
    begun = data[end - 1 : end] in (b"\n", b"\r")
    return [(end, end, f"{pad}{text}{work.newline}" if begun else f"{work.newline}{pad}{text}")]
