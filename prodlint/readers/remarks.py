"""Comments as people read them: without what linters, formatters and type checkers are told in them."""

from __future__ import annotations

import re

# The directives of each tool as its documentation writes them, their codes included, their reasons not.
_DIRECTIVES = re.compile(
    r"(?<![\w-])(?:"
    r"noqa(?![\w-])(?:[ \t]*:[ \t]*[A-Z]+[0-9]+(?:[, \t]+[A-Z]+[0-9]+)*)?"
    r"|nosec(?:-secrets?)?(?![\w-])(?:[ \t]*:?[ \t]*B[0-9]+(?:[, \t]+B[0-9]+)*)?"
    r"|nosem(?:grep)?(?![\w-])(?:[ \t]*:[ \t]*[\w.-]+(?:[ \t]*,[ \t]*[\w.-]+)*)?"
    r"|pylint:[ \t]*(?:disable|enable)(?:-[\w-]+)?[ \t]*=[ \t]*[\w-]+(?:[ \t]*,[ \t]*[\w-]+)*"
    r"|(?:type|mypy|pyright|ty|pyre):[ \t]*ignore(?:\[[^\]]*\])?"
    r"|(?:mypy|pyright|fmt|isort|ruff|yapf|flake8|pydocstyle):[ \t]*[\w=.-]+"
    r"|checkov:skip=[\w,]+|hadolint[ \t]+ignore=\w+(?:[, \t]+[A-Z]{2}[0-9]{4})*"
    r"|pragma:[ \t]*no[ \t]*(?:cover|branch|mutate)|pragma:[ \t]?(?:allow|white)list[ \t-](?:nextline[ \t-])?secret|(?:pragma:[ \t]?)?ggignore(?:-line)?"
    r"|gitleaks:allow|kingfisher:(?:ignore|allow)|trufflehog:ignore|gitguardian:ignore"
    r"|prodlint:[ \t]*ignore(?:-\w+)*(?:[ \t]*\[[^\]]*\])?(?:[ \t]*until[ \t]*=[ \t]*[^ \t]+)?"
    r"|sourcery[ \t]+skip\S*|noinspection[ \t]+\w+|NOSONAR(?![\w-])|skipcq(?::[ \t]*[\w-]+)?"
    r")",
    re.IGNORECASE,
)
_SEPARATORS = " \t-\u2013\u2014#/:;,."


def prose(comment: str) -> str:
    """The words of a comment that are meant for people; nothing where there is no word."""
    words = " ".join(_DIRECTIVES.sub(" ", comment).split()).strip(_SEPARATORS)
    return words if re.search(r"[^\W\d_]{2}", words) else ""
