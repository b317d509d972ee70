"""Fixes of Python files that change or add whole statements."""

from __future__ import annotations

from dataclasses import replace

from prodlint.fixes.python import insert_first_in_block, replace_value
from prodlint.fixes.syntax import Node, node_at, statement_around, text_of, upwards
from prodlint.fixes.work import Piece, Work


def insert_after_statement(work: Work) -> list[Piece]:
    """A statement below the one around the place, which is alone on its lines."""
    statement = statement_around(node_at(work))
    if statement is None or not _is_alone(work, statement):
        return []
    end = work.line_end(statement.end_byte)
    begun = work.source.data[end - 1 : end] in (b"\n", b"\r")
    text = f"{work.indentation(statement.start_byte)}{work.arguments['text']}"
    return [(end, end, f"{text}{work.newline}" if begun else f"{work.newline}{text}")]


def replace_and_log(work: Work) -> list[Piece]:
    """What stands there gives way to the text, and the handler around it begins with the logging call."""
    header = next((around for around in upwards(node_at(work)) if around.type in ("except_clause", "function_definition")), None)
    if header is None or header.type != "except_clause":
        return []
    logged = insert_first_in_block(replace(work, start=header.start_byte, pairs=(("text", work.arguments["log"]),)))
    changed = replace_value(work)
    return [*logged, *changed] if logged and changed else []


def catch_and_log(work: Work) -> list[Piece]:
    """The header of a handler gives way to the text, and its body, which does nothing, begins with the logging call."""
    logged = insert_first_in_block(replace(work, pairs=(("text", work.arguments["log"]),)))
    return [*logged, (work.start, work.end, work.arguments["text"])] if logged else []


_INVERSE = {"==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in", "not in": "in"}
_BARE = ("identifier", "attribute", "call", "subscript", "parenthesized_expression", "true", "false", "none")


def raise_instead(work: Work) -> list[Piece]:
    """`assert x, "why"` becomes `if not x: raise ...("why")`."""
    statement = statement_around(node_at(work))
    if statement is None or statement.type != "assert_statement" or not _is_alone(work, statement):
        return []
    parts = [child for child in statement.named_children if child.type != "comment"]
    if not 1 <= len(parts) <= 2:
        return []
    words = text_of(parts[1]) if len(parts) == 2 else _expected(text_of(parts[0]))
    if len(parts) == 2 and parts[1].type == "parenthesized_expression":
        words = words[1:-1]
    pad = work.indentation(statement.start_byte)
    step = "\t" if pad.startswith("\t") else "    "
    text = f"if {_negated(parts[0])}:{work.newline}{pad}{step}raise {work.arguments['error']}({words})"
    return [(statement.start_byte, statement.end_byte, text)]


def _expected(condition: str) -> str:
    """What did not hold, as the words of the error; nothing where it cannot be written as a literal."""
    quote = "'" if '"' in condition else '"'
    return "" if quote in condition or "\n" in condition or "\\" in condition else f"{quote}expected: {condition}{quote}"


def _negated(condition: Node) -> str:
    text = text_of(condition)
    if condition.type == "not_operator":
        return text_of(condition.child_by_field_name("argument"))
    operands = condition.named_children
    if condition.type == "comparison_operator" and len(operands) == 2 and "\n" not in text:
        left, right = text_of(operands[0]), text_of(operands[1])
        inverse = _INVERSE.get(" ".join(text[len(left) : len(text) - len(right)].split()))
        if inverse is not None:
            return f"{left} {inverse} {right}"
    return f"not {text}" if condition.type in _BARE else f"not ({text})"


def _is_alone(work: Work, statement: Node) -> bool:
    """Whether nothing but comments stands on the lines of a simple statement."""
    if statement.type not in ("expression_statement", "assert_statement"):
        return False
    data = work.source.data
    before = data[work.line_start(statement.start_byte) : statement.start_byte]
    after = data[statement.end_byte : work.line_end(statement.end_byte)].strip()
    return not before.strip() and (not after or after.startswith(b"#"))
