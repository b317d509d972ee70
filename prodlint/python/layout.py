"""Text of a node that does not depend on how it is laid out."""

from __future__ import annotations

import re

import tree_sitter

# What a formatter would not leave: more than one blank, a tab, a line break, a blank inside brackets or around a dot, a comma
# without a blank behind it. (Inside of strings this is no layout; looking closer then costs time and changes nothing.)
_LAID_OUT = re.compile(r"\s\s|[\t\n\r\f\\]|[.(\[{~] | [.)\],:}]|[\w)\]] [(\[]|,[^\s)\]}]|[^\s=!<>]= |[\w)] = |#")
# Named leaves that are taken as they are, whatever is in them.
_WHOLE = frozenset(("string", "concatenated_string"))
_NO_BLANK_BEFORE = frozenset((")", "]", "}", ",", ":", ".", ";"))
_NO_BLANK_BEHIND = frozenset(("(", "[", "{", ".", "~", "@"))
_CALLED = frozenset(("argument_list", "subscript", "parameters", "type_parameter"))


def is_laid_out(text: str) -> bool:
    """Whether a text may hold comments, line breaks or blanks that a formatter would take away."""
    return _LAID_OUT.search(text) is not None


def canonical_text(data: bytes, node: tree_sitter.Node) -> str:
    """The tokens of a node on one line, with the blanks that a formatter would set."""
    pieces: list[str] = []
    last = ""
    tight = False
    around = node.parent
    # With what each stands in: asking a node for its parent walks down from the root.
    waiting = [(node, around.type if around is not None else "")]
    while waiting:
        piece, sort = waiting.pop()
        if piece.is_extra:
            continue
        if piece.child_count and (own := piece.type) not in _WHOLE:
            waiting.extend((child, own) for child in reversed(piece.children))
            continue
        words = data[piece.start_byte : piece.end_byte].decode("utf-8", "replace")
        if not words:
            continue
        keyword = words == "=" and sort in ("keyword_argument", "default_parameter")
        opens = words in ("(", "[") and sort in _CALLED
        sign = words in ("-", "+", "*", "**") and sort in (
            "unary_operator",
            "list_splat",
            "dictionary_splat",
            "list_splat_pattern",
            "dictionary_splat_pattern",
        )
        if pieces and not tight and not keyword and not opens and words not in _NO_BLANK_BEFORE and last not in _NO_BLANK_BEHIND:
            pieces.append(" ")
        pieces.append(words)
        tight = keyword or sign
        last = words
    return "".join(pieces)
