"""Python source taken apart into tokens and the gaps between them, so that it can be laid out another way."""

from __future__ import annotations

import ast
import io
import token as kinds
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Tokens that layout may add or leave out: they do not count where the place of a finding is compared.
_FREE = frozenset("(),;")
_STRUCTURE = frozenset(
    (kinds.NEWLINE, kinds.NL, kinds.INDENT, kinds.DEDENT, kinds.ENDMARKER, tokenize.ENCODING if hasattr(tokenize, "ENCODING") else -1)
)
# What the rewrites put in: comments without a word, so that none of them is a reason, a directive or a note.
MARK = "#'("


@dataclass
class Piece:
    """A token. gap: what stands before it on its logical line. depth: the open brackets around it. first: it begins a logical line."""

    kind: int
    text: str
    gap: str
    depth: int
    first: bool
    inside: bool = False


@dataclass
class Layout:
    """A file as pieces."""

    pieces: list[Piece] = field(default_factory=list)

    def text(self) -> str:
        """The source again."""
        return "".join(piece.gap + piece.text for piece in self.pieces)


def taken_apart(text: str) -> Layout:
    """The pieces of a source text; every character of it lies in one gap or one token.

    SyntaxError or tokenize.TokenError where it is not Python.
    """
    ast.parse(text)
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    layout = Layout()
    end = depth = strings = 0
    first = True
    for found in tokenize.generate_tokens(io.StringIO(text).readline):
        if found.type in (kinds.INDENT, kinds.DEDENT):
            continue
        start = starts[found.start[0] - 1] + found.start[1] if found.start[0] <= len(starts) else len(text)
        stop = starts[found.end[0] - 1] + found.end[1] if found.end[0] <= len(starts) else len(text)
        start, stop = min(start, len(text)), min(stop, len(text))
        name = kinds.tok_name[found.type]
        inside = strings > 0
        if name.endswith("STRING_END"):
            strings -= 1
        if found.string in (")", "]", "}") and not inside:
            depth -= 1
        layout.pieces.append(Piece(found.type, text[start:stop], text[end:start], depth, first, inside))
        if found.string in ("(", "[", "{") and not inside:
            depth += 1
        if name.endswith("STRING_START"):
            strings += 1
        first = found.type in (kinds.NEWLINE, kinds.NL, tokenize.COMMENT) and depth == 0 or (first and found.type == tokenize.COMMENT)
        end = stop
    return layout


def significant(text: str) -> list[tuple[tuple[int, int], tuple[int, int], str]]:
    """The tokens that layout leaves alone: start and end (line from 1, column from 1), text."""
    found = []
    for one in tokenize.generate_tokens(io.StringIO(text).readline):
        if one.type in _STRUCTURE or one.string in _FREE or not one.string.strip() or one.string.startswith(MARK):
            continue
        found.append(((one.start[0], one.start[1] + 1), (one.end[0], one.end[1] + 1), one.string))
    return found


Rewrite = Callable[[str], str | None]


def _by_gap(change: Callable[[Piece, Piece, str], str]) -> Rewrite:
    """A rewrite that sets the gap between two neighbours on a logical line. change: (left, right, line end) -> gap."""

    def rewrite(text: str) -> str | None:
        layout = taken_apart(text)
        for left, right in zip(layout.pieces, layout.pieces[1:], strict=False):
            if (
                right.first
                or right.kind in (kinds.NEWLINE, kinds.NL, kinds.ENDMARKER)
                or left.kind in (kinds.NEWLINE, kinds.NL, tokenize.COMMENT)
            ):
                continue
            if (left.inside and right.inside) or right.inside or right.kind == tokenize.COMMENT or "\n" in right.gap:
                continue
            if kinds.tok_name[right.kind].endswith("STRING_END") or kinds.tok_name[left.kind].endswith("STRING_START"):
                continue
            right.gap = change(left, right, right.gap)
        made = layout.text()
        return made if made != text else None

    return rewrite


def _opens(left: Piece, right: Piece) -> bool:
    """Whether a call, subscript or attribute goes on here."""
    return (right.text in ("(", "[") and (left.kind == kinds.NAME or left.text in (")", "]"))) or right.text == "." or left.text == "."


def _is_number_dot(left: Piece, right: Piece) -> bool:
    return left.kind == kinds.NUMBER or right.kind == kinds.NUMBER


two_blanks = _by_gap(lambda left, right, gap: "  " if _opens(left, right) and not _is_number_dot(left, right) else gap)
one_blank = _by_gap(lambda left, right, gap: " " if _opens(left, right) and not _is_number_dot(left, right) else gap)
tab = _by_gap(lambda left, right, gap: "\t" if _opens(left, right) and not _is_number_dot(left, right) else gap)
doubled_blanks = _by_gap(lambda left, right, gap: gap * 2)
tabs_between = _by_gap(lambda left, right, gap: "\t" if gap else gap)
continued = _by_gap(
    lambda left, right, gap: (
        " \\\n  " if _opens(left, right) and not _is_number_dot(left, right) and (right.depth == 0 or left.depth == 0) else gap
    )
)
continued_everywhere = _by_gap(lambda left, right, gap: " \\\n " if gap else gap)
blanks_at_equals = _by_gap(lambda left, right, gap: "  " if "=" in (left.text, right.text) else gap)
no_blanks_at_equals = _by_gap(lambda left, right, gap: "" if left.text == "=" or right.text == "=" else gap)
blanks_inside = _by_gap(lambda left, right, gap: "  " if left.text in ("(", "[", "{") or right.text in (")", "]", "}") else gap)


def _bracket_gap(inner: Callable[[Piece, Piece], str | None]) -> Rewrite:
    """A rewrite of the gaps inside brackets only, where line breaks and comments may stand."""

    def change(left: Piece, right: Piece, gap: str) -> str:
        inside = right.depth > 0 or left.text in ("(", "[", "{") or right.text in (")", "]", "}")
        made = inner(left, right) if inside else None
        return made if made is not None else gap

    return _by_gap(change)


broken_lines = _bracket_gap(lambda left, right: "\n    " if left.text in ("(", "[", "{", ",") or right.text in (")", "]", "}") else None)
broken_at_dots = _bracket_gap(lambda left, right: "\n      " if right.text == "." and left.kind != kinds.NUMBER else None)
commented = _bracket_gap(lambda left, right: f"  {MARK}\n    " if left.text in ("(", "[", "{", ",") else None)
commented_everywhere = _bracket_gap(lambda left, right: f"  {MARK}\n    ")


def long_lines(text: str) -> str | None:
    """What stands in brackets on one line, as a formatter does it that lets lines grow; a bracket with a comment in it stays as it is."""
    layout = taken_apart(text)
    for opening, closing in _bracket_pairs(layout.pieces):
        inner = layout.pieces[opening + 1 : closing + 1]
        if any(piece.kind == tokenize.COMMENT or piece.inside for piece in inner):
            continue
        broken = False
        for number, piece in enumerate(inner):
            if piece.kind == kinds.NL:
                piece.text, piece.gap, broken = "", "", True
            elif broken or "\n" in piece.gap:
                before = next((one.text for one in reversed(layout.pieces[: opening + 1 + number]) if one.text), "")
                piece.gap = "" if before in ("(", "[", "{") or piece.text in (")", "]", "}", ",", ".") else " "
                broken = False
    made = layout.text()
    return made if made != text and _same(text, made) else None


def _bracket_pairs(pieces: list[Piece]) -> Iterator[tuple[int, int]]:
    """Where brackets open and close that stand in no other ones."""
    opened = -1
    for number, piece in enumerate(pieces):
        if piece.inside or piece.depth:
            continue
        if piece.text in ("(", "[", "{"):
            opened = number
        elif piece.text in (")", "]", "}") and opened >= 0:
            yield opened, number
            opened = -1


def narrow_lines(text: str) -> str | None:
    """Each argument and item on a line of its own with a comma behind the last, as black writes what does not fit its line."""
    layout = taken_apart(text)
    pieces = layout.pieces
    waiting: list[int] = []
    for number, piece in enumerate(pieces):
        if piece.inside or piece.kind == tokenize.COMMENT:
            continue
        if piece.text in ("(", "[", "{"):
            waiting.append(number)
        elif piece.text in (")", "]", "}") and waiting:
            opening = waiting.pop()
            _one_a_line(pieces, opening, number)
    made = layout.text()
    return made if made != text and _same(text, made) else None


def _one_a_line(pieces: list[Piece], opening: int, closing: int) -> None:
    """Break the lines of one call or display; a generator, a subscript and what holds comments or breaks already stay."""
    inner = pieces[opening + 1 : closing]
    called = (
        pieces[opening].text == "(" and opening > 0 and (pieces[opening - 1].kind == kinds.NAME or pieces[opening - 1].text in (")", "]"))
    )
    depth = pieces[opening].depth + 1
    if not called or not inner or any(piece.kind in (tokenize.COMMENT, kinds.NL) or piece.inside for piece in inner):
        return
    if pieces[opening - 1].text in (
        "print",
        "in",
        "not",
        "and",
        "or",
        "if",
        "return",
        "except",
        "for",
        "while",
        "with",
        "import",
        "del",
        "assert",
    ):
        return
    if any(piece.depth == depth and piece.text in ("for", "async", ":=", ":") for piece in inner) or any(
        "\\" in piece.gap for piece in inner
    ):
        return
    pad = "    " * depth
    inner[0].gap = f"\n{pad}"
    for before, piece in zip(inner, inner[1:], strict=False):
        if before.text == "," and before.depth == depth:
            piece.gap = f"\n{pad}"
    starred = any(piece.depth == depth and piece.text == "*" and pieces[opening - 1].text == "def" for piece in inner)
    if inner[-1].text != "," and not starred:
        inner[-1].text += ","
    pieces[closing].gap = "\n" + "    " * (depth - 1)


def crlf(text: str) -> str | None:
    """Lines that end in CR LF."""
    return text.replace("\n", "\r\n") if "\n" in text else None


def lone_cr(text: str) -> str | None:
    """Lines that end in CR, which CPython takes for a line end."""
    return text.replace("\n", "\r") if "\n" in text else None


def byte_order_mark(text: str) -> str | None:
    """A mark at the head of the file."""
    return None if text.startswith("\ufeff") else "\ufeff" + text


def form_feeds(text: str) -> str | None:
    """A form feed before each statement at the top level."""
    layout = taken_apart(text)
    for piece in layout.pieces:
        if (
            piece.first
            and piece.gap == ""
            and piece.kind not in (kinds.NL, kinds.NEWLINE, kinds.ENDMARKER, tokenize.COMMENT)
            and not piece.inside
        ):
            piece.gap = "\x0c"
    return layout.text()


def tabs_for_indents(text: str) -> str | None:
    """Each level of indentation as a tab."""
    layout = taken_apart(text)
    changed = False
    for piece in layout.pieces:
        if piece.first and piece.gap.strip(" ") == "" and piece.gap and len(piece.gap) % 4 == 0:
            piece.gap = "\t" * (len(piece.gap) // 4)
            changed = True
    return layout.text() if changed and _same(text, layout.text()) else None


def blank_lines(text: str) -> str | None:
    """An empty line and a comment without words before every statement."""
    layout = taken_apart(text)
    for number, piece in enumerate(layout.pieces):
        before = layout.pieces[number - 1] if number else None
        if (
            piece.first
            and piece.kind not in (kinds.NL, kinds.NEWLINE, kinds.ENDMARKER, tokenize.COMMENT)
            and before is not None
            and before.kind in (kinds.NEWLINE, kinds.NL)
        ):
            piece.gap = "\n" + piece.gap
    return layout.text()


def semicolons(text: str) -> str | None:
    """Two simple statements of the top level on one line."""
    body = ast.parse(text).body
    lines = text.split("\n")
    for first, second in zip(body, body[1:], strict=False):
        simple = (ast.Assign, ast.Expr, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom)
        if (
            isinstance(first, simple)
            and isinstance(second, simple)
            and first.end_lineno == first.lineno
            and second.lineno == first.lineno + 1
        ):
            line = lines[first.lineno - 1]
            if "#" in line or line.rstrip().endswith(("\\", ";")) or "#" in lines[second.lineno - 1]:
                continue
            lines[first.lineno - 1 : second.lineno] = [line.rstrip() + "; " + lines[second.lineno - 1]]
            return "\n".join(lines)
    return None


def _same(before: str, after: str) -> bool:
    """Whether two texts are the same program."""
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def other_quotes(text: str) -> str | None:
    """'single' and "double" quotes exchanged."""
    layout = taken_apart(text)
    for piece in layout.pieces:
        if piece.kind == kinds.STRING:
            body = piece.text.lstrip("rRbBuUfFtT")
            prefix = piece.text[: len(piece.text) - len(body)]
            quote = body[0]
            other = "'" if quote == '"' else '"'
            if not body.startswith(quote * 3) and other not in body and "\\" not in body and "{" not in body:
                piece.text = prefix + other + body[1:-1] + other
    made = layout.text()
    return made if made != text and _same(text, made) else None


def joined_strings(text: str) -> str | None:
    """Text cut at its first blank into two literals that stand beside each other."""
    layout = taken_apart(text)
    for piece in layout.pieces:
        if piece.kind == kinds.STRING:
            body = piece.text.lstrip("rRbBuUfFtT")
            prefix = piece.text[: len(piece.text) - len(body)]
            quote = body[0]
            at = body.find(" ", 2)
            if "f" in prefix.lower() or body.startswith(quote * 3) or "\\" in body or not 1 < at < len(body) - 2:
                continue
            piece.text = f"{prefix}{body[: at + 1]}{quote} {prefix}{quote}{body[at + 1 :]}"
    made = layout.text()
    return made if made != text and _same(text, made) else None


LAYOUTS: dict[str, Rewrite] = {
    "two blanks before brackets and dots": two_blanks,
    "a blank before brackets and dots": one_blank,
    "a tab before brackets and dots": tab,
    "blanks doubled": doubled_blanks,
    "tabs for blanks": tabs_between,
    "a continued line before brackets and dots": continued,
    "a continued line at every blank": continued_everywhere,
    "blanks around =": blanks_at_equals,
    "no blanks around =": no_blanks_at_equals,
    "blanks inside brackets": blanks_inside,
    "one item a line": broken_lines,
    "a line break before dots": broken_at_dots,
    "comments behind brackets and commas": commented,
    "comments at every gap in brackets": commented_everywhere,
    "long lines": long_lines,
    "narrow lines": narrow_lines,
    "CRLF": crlf,
    "lone CR": lone_cr,
    "a byte-order mark": byte_order_mark,
    "form feeds": form_feeds,
    "tabs for indents": tabs_for_indents,
    "blank lines": blank_lines,
    "two statements on a line": semicolons,
    "other quotes": other_quotes,
    "strings side by side": joined_strings,
}
