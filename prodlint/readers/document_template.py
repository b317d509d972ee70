"""Template syntax (Jinja, Helm) inside documents: found, hidden from a parser, and put back."""

from __future__ import annotations

from bisect import bisect_right


def template_constructs(text: str) -> list[tuple[int, int]]:
    """Where `{{ }}`, `{% %}` and `{# #}` stand; GitHub's `${{ }}` is no template."""
    found: list[tuple[int, int]] = []
    closers = {"{{": "}}", "{%": "%}", "{#": "#}"}
    at = text.find("{")
    while at != -1:
        opener = text[at : at + 2]
        closer = closers.get(opener)
        following = at + 1
        if closer and not (opener == "{{" and at and text[at - 1] == "$"):
            end = text.find(closer, at + 2)
            if end == -1:
                del closers[opener]
            else:
                found.append((at, end + 2))
                following = end + 2
        elif closer:
            following = at + 2
        at = text.find("{", following)
    return found


def masked(text: str, constructs: list[tuple[int, int]], as_comment: bool) -> str:
    """The text with template constructs replaced by as many characters that YAML reads: a word, or where they have
    the line for themselves blanks or a comment. Blanks spoil a block scalar's first line, comments one that they stand left of."""
    pieces: list[str] = []
    reached = 0
    count = len(constructs)
    at = 0
    while at < count:
        start, end = constructs[at]
        line = text.rfind("\n", 0, start) + 1
        alone = not text[max(line, reached) : start].strip() and (reached <= line or pieces[-1].endswith((" ", "#")))
        last = at
        while alone:
            eol = text.find("\n", constructs[last][1])
            eol = len(text) if eol == -1 else eol
            tail = text[constructs[last][1] : eol]
            if last + 1 < count and constructs[last + 1][0] < eol:
                if text[constructs[last][1] : constructs[last + 1][0]].strip():
                    alone = False
                else:
                    last += 1
                continue
            alone = not tail.strip()
            break
        for begin, finish in constructs[at : last + 1] if alone else [(start, end)]:
            pieces.append(text[reached:begin])
            inside = text[begin:finish]
            head, newline, tail = inside.partition("\n")
            pieces.append("#" * len(head) if alone and as_comment else (" " if alone else "x") * len(head))
            if newline:
                pieces.append(newline + "".join(c if c in "\r\n" else " " for c in tail))
            reached = finish
        at = last + 1 if alone else at + 1
    pieces.append(text[reached:])
    return "".join(pieces)


def restored(text: str, start: int, end: int, style: str | None, value: str, constructs: tuple[tuple[int, int], ...]) -> str:
    """A scalar's own text where a placeholder stood for part of it."""
    at = bisect_right(constructs, (start, -1))
    before = at and constructs[at - 1][1] > start
    if not before and not (at < len(constructs) and constructs[at][0] < end):
        return value
    written = text[start:end]
    if style in ("'", '"'):
        return written[1:-1]
    if style in ("|", ">"):
        lines = written.splitlines()[1:]
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        return "\n".join(line[indent:] for line in lines) + "\n"
    return written
