"""Conditions that hold on a developer's machine alone, by what they ask."""

from __future__ import annotations

import re

from prodlint.facts import Attribute, Call, Collection, Constant, Expression, Name, OpaqueExpression, Operation, Subscript

_DEVELOPMENT = re.compile(
    r"(?:^|_)(?:debug|dev|devel|develop|development|local|localhost|testing|test|tests)(?:_|$)|^is_?(?:dev|debug|local|test)", re.IGNORECASE
)
_PRODUCTION = re.compile(r"(?:^|_)(?:prod|production|live|deployed|staging)(?:_|$)|^is_?prod", re.IGNORECASE)
_DEVELOPMENT_WORDS = frozenset(
    {"dev", "develop", "development", "local", "localhost", "debug", "test", "testing", "tests", "pytest", "unittest", "unittests"}
)
_PRODUCTION_WORDS = frozenset({"prod", "production", "live", "staging", "stage", "prd"})


def is_development(test: Expression, truth: bool = True, depth: int = 8) -> bool:
    """Whether a test that comes out `truth` says that this is no production: `settings.debug`, `env == "dev"`, `not IN_PRODUCTION`."""
    if depth <= 0:
        return False
    if isinstance(test, OpaqueExpression) and test.kind in ("await", "walrus", "parenthesized_expression") and test.items:
        return is_development(test.items[-1], truth, depth - 1)
    if isinstance(test, Operation):
        operator = test.operator
        if operator == "not":
            return is_development(test.operands[0], not truth, depth - 1)
        if operator in ("and", "or"):
            decide = any if (operator == "and") == truth else all
            return decide(is_development(operand, truth, depth - 1) for operand in test.operands)
        if operator in ("in", "not in") and _is_of_checks(test):
            return truth is (operator == "in")
        if operator in ("==", "in", "is"):
            return _compared(test, truth, depth)
        if operator in ("!=", "not in", "is not"):
            return _compared(test, not truth, depth)
        return False
    word = _word(test)
    return bool(word) and bool(_DEVELOPMENT.search(word) if truth else _PRODUCTION.search(word))


# Variables that only a run of checks sets.
_OF_CHECKS = frozenset({"CI", "GITHUB_ACTIONS", "GITLAB_CI", "PYTEST_CURRENT_TEST", "PYTEST_VERSION"})


def _is_of_checks(test: Operation) -> bool:
    """`"CI" in os.environ`: asked is whether this is a run of checks."""
    left, right = test.operands[0], test.operands[-1]
    return isinstance(left, Constant) and left.value in _OF_CHECKS and right.text.endswith("environ")


def _compared(test: Operation, equal: bool, depth: int) -> bool:
    left, right = test.operands[0], test.operands[-1]
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant) and isinstance(one.value, bool):
            return is_development(other, one.value is equal, depth - 1)
    words = {str(part.value).strip().lower() for part in right.walk() if isinstance(part, Constant)} or {
        str(part.value).strip().lower() for part in left.walk() if isinstance(part, Constant)
    }
    if isinstance(right, (Name, Attribute)) and not words:
        words = {right.text.rpartition(".")[2].strip().lower()}
    if not words:
        return False
    if equal:
        return (
            all(word in _DEVELOPMENT_WORDS for word in words)
            or words <= {"true", "1", "yes", "on"}
            and is_development(left, True, depth - 1)
        )
    return (
        any(word in _PRODUCTION_WORDS for word in words) or words <= {"false", "0", "no", "off"} and is_development(left, True, depth - 1)
    )


def _word(test: Expression) -> str:
    """The last word of what is asked: `debug` of `settings.debug`, `DEBUG` of `os.getenv("DEBUG")`."""
    if isinstance(test, Name):
        return test.source_text.rpartition(".")[2]
    if isinstance(test, Attribute):
        return test.attribute
    if isinstance(test, Subscript):
        return str(test.key.value) if isinstance(test.key, Constant) else ""
    if isinstance(test, Call):
        first = test.arguments[0] if test.arguments else None
        if isinstance(first, Constant) and isinstance(first.value, str):
            return first.value
        if test.method in ("lower", "strip", "upper") and test.receiver is not None:
            return _word(test.receiver)
        if isinstance(first, Collection):
            return ""
        return test.method
    return ""
