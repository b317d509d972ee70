"""Arguments of a call put in, changed and taken out with libcst, which keeps blanks and comments as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst

_NOTHING = cst.SimpleWhitespace("")
Arguments = Sequence[cst.Arg]


def rewrite(text: str, change: Callable[[Arguments, cst.Call], Arguments | None], newline: str) -> str | None:
    """A call's text after a change of its arguments; None where the text is no call that libcst gives back byte for byte."""
    module = cst.Module([], default_newline=newline)
    try:
        call = cst.parse_expression(text, cst.PartialParserConfig(default_newline=newline))
    except cst.ParserSyntaxError:
        return None
    if not isinstance(call, cst.Call) or module.code_for_node(call) != text:
        return None
    changed = change(call.args, call)
    if changed is None:
        return None
    changes: dict[str, object] = {"args": changed}
    if not changed and not _has_comment(call.whitespace_before_args):
        changes["whitespace_before_args"] = _NOTHING
    found = module.code_for_node(call.with_changes(**changes))
    return found if _comments(found) >= _comments(text) else None


def _comments(text: str) -> int:
    """How many comments a call holds; a `#` inside a text counts on both sides."""
    return text.count("#")


def with_keyword(name: str, value: str) -> Callable[[Arguments, cst.Call], Arguments | None]:
    """Set a keyword: in its place where it is given, else as the last argument, laid out as the others are."""

    def change(arguments: Arguments, call: cst.Call) -> Arguments | None:
        given = [index for index, argument in enumerate(arguments) if argument.keyword is not None and argument.keyword.value == name]
        expression = cst.parse_expression(value)
        if given:
            changed = list(arguments)
            changed[given[0]] = changed[given[0]].with_changes(value=expression)
            return changed
        if any(argument.star == "**" or _is_bare_generator(argument) for argument in arguments):
            return None
        equal = cst.AssignEqual(_NOTHING, _NOTHING)
        added = cst.Arg(expression, keyword=cst.Name(name), equal=equal)
        if not arguments:
            return [added]
        return [*arguments[:-1], *_appended(arguments, call, added)]

    return change


def _is_bare_generator(argument: cst.Arg) -> bool:
    return isinstance(argument.value, cst.GeneratorExp) and not argument.value.lpar


def _appended(arguments: Arguments, call: cst.Call, added: cst.Arg) -> tuple[cst.Arg, cst.Arg]:
    """The last argument and the new one after it. A comment behind the last stays behind it."""
    last = arguments[-1]
    between: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    ending = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else last.whitespace_after_arg
    if len(arguments) > 1 and isinstance(arguments[-2].comma, cst.Comma):
        between = arguments[-2].comma.whitespace_after
    if isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace) and (len(arguments) == 1 or _has_comment(ending)):
        between = call.whitespace_before_args
    if isinstance(last.comma, cst.Comma):  # `last,)`: the new one gets a comma as well
        first = last.with_changes(comma=last.comma.with_changes(whitespace_after=_between(between, ending)))
        return first, added.with_changes(comma=cst.Comma(_NOTHING, _without_comment(ending)))
    first = last.with_changes(whitespace_after_arg=_NOTHING, comma=cst.Comma(_NOTHING, _between(between, ending)))
    return first, added.with_changes(whitespace_after_arg=_without_comment(ending))


def _between(model: cst.BaseParenthesizableWhitespace, ending: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """Blanks like those between two other arguments, with the comments of those that stood here."""
    if not isinstance(ending, cst.ParenthesizedWhitespace):
        return _without_comment(model)
    if isinstance(model, cst.ParenthesizedWhitespace):
        return ending.with_changes(indent=model.indent, last_line=model.last_line)
    return ending if _has_comment(ending) else model


def _without_comment(blank: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    if isinstance(blank, cst.ParenthesizedWhitespace):
        return blank.with_changes(first_line=blank.first_line.with_changes(whitespace=_NOTHING, comment=None), empty_lines=[])
    return blank


def _has_comment(blank: cst.BaseParenthesizableWhitespace) -> bool:
    if not isinstance(blank, cst.ParenthesizedWhitespace):
        return False
    return blank.first_line.comment is not None or any(line.comment is not None for line in blank.empty_lines)


def without_keyword(name: str) -> Callable[[Arguments, cst.Call], Arguments | None]:
    """Take a keyword out."""

    def change(arguments: Arguments, call: cst.Call) -> Arguments | None:
        for index, argument in enumerate(arguments):
            if argument.keyword is not None and argument.keyword.value == name:
                return without(arguments, index)
        return None

    return change


def without(arguments: Arguments, index: int) -> Arguments | None:
    """The arguments without one; what stood behind the last stands behind the one that is last now.

    None where a comment stands behind it: whose it is cannot be known.
    """
    gone = arguments[index]
    ending = gone.comma.whitespace_after if isinstance(gone.comma, cst.Comma) else gone.whitespace_after_arg
    if _has_comment(ending):
        return None
    if index < len(arguments) - 1 or index == 0:
        return [*arguments[:index], *arguments[index + 1 :]]
    before = arguments[index - 1]
    between = before.comma.whitespace_after if isinstance(before.comma, cst.Comma) else _NOTHING
    if isinstance(between, cst.ParenthesizedWhitespace) and _has_comment(between):
        ending = (
            between.with_changes(last_line=ending.last_line, indent=ending.indent)
            if isinstance(ending, cst.ParenthesizedWhitespace)
            else between
        )
    if isinstance(gone.comma, cst.Comma):
        changed = before.with_changes(comma=gone.comma.with_changes(whitespace_after=ending))
    else:
        changed = before.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=ending)
    return [*arguments[: index - 1], changed]
