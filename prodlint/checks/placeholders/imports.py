"""PRD308: testing libraries and the tests themselves, imported by production code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, every
from prodlint.facts import Import

_LIBRARIES = (
    "pytest",
    "_pytest",
    "unittest",
    "mock",
    "faker",
    "factory",
    "factory_boy",
    "responses",
    "respx",
    "moto",
    "freezegun",
    "time_machine",
    "hypothesis",
    "model_bakery",
    "mixer",
    "requests_mock",
    "aioresponses",
    "vcr",
    "httpretty",
    "pytest_mock",
    "testcontainers",
    "fakeredis",
    "mongomock",
    "tests",
)
# Whose purpose is testing, whatever the folder's role.
_FOR_TESTS = re.compile(
    r"(?i)(?:^|[/_.])(?:tests?|testing|testutils?|test_utils?|test_helpers?|mocks?|fakes?|fixtures?|factory|factories|pytest_\w+|conftest|plugin|faker|testlib|simulator|dummy|bench(?:es|mark|marks)?|anonymi[sz]\w*|seed\w*|random_data|populate\w*|demo\w*|sample\w*)(?:[/_.]|$)"
)


@check(
    "PRD308",
    on=[every(Import)],
    required_literals=tuple(f"{word} {library}" for word in ("import", "from") for library in _LIBRARIES),
)
def test_code_in_production(imported: Import, context: CheckContext) -> Iterator[Diagnostic]:
    """A module that ships and needs what does not."""
    root, _, rest = imported.module.partition(".")
    if root not in _LIBRARIES or imported.typing_only or _FOR_TESTS.search(imported.file.path.removeprefix("./")):
        return
    if root == "unittest" and not (rest.startswith("mock") or imported.name in ("mock", "TestCase")):
        return
    if imported.is_relative or (imported.in_block and not imported.scope.function):
        return  # a relative module of the same name; a `try` or `if` that knows it may be missing
    if imported.source.line_text(imported.line - 1).strip() == "try:":
        return
    if imported.name and _follows_another(imported):
        return  # one statement, one finding
    name = f"{imported.module}.{imported.name}" if imported.name and root == "unittest" and not rest else imported.module
    what = "a module of the tests" if root == "tests" else "a testing library"
    yield Diagnostic(imported, f"`{name}` is {what}")


def _follows_another(imported: Import) -> bool:
    """Whether a name of `from tests.factories import order, user` is not the first of its statement."""
    begin = imported.source.data.rfind(b"import", 0, imported.start)
    return begin != -1 and b"," in imported.source.data[begin : imported.start]
