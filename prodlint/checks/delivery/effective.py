"""Tests that cannot fail (PRD943), and kinds of tests that are missing: load (PRD944), contract (PRD945), security (PRD946), front end (PRD947)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    check,
    collect,
    commands,
    documents,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Command, Document, Text
from prodlint.model import Evidence, Related, Span

_TOP = Span(1, 1, 1, 1)

# ---------------------------------------------------------------- PRD943

# Each begins with fixed text, which is found ten times as fast as the beginning of a line; what stands before it is looked at afterwards.
_ALWAYS = re.compile(
    r"(?m)assert[ \t]+(?:\(?[ \t]*(True|1|not[ \t]+False|\"[^\"\n]+\"|'[^'\n]+')[ \t]*\)?[ \t]*(?:#.*)?$|([A-Za-z_][\w.]*)[ \t]*==[ \t]*\2[ \t]*(?:#.*)?$|\([^()\n]+,[ \t]*[\"'][^\"'\n]*[\"'][ \t]*\)[ \t]*(?:#.*)?$)"
)
_ANY = re.compile(r"pytest\.(?:ANY|any)\b")
_SKIPPED = re.compile(r"(?m)@(?:pytest\.mark\.(?:skip|xfail)|unittest\.skip|skip)(?:\(\s*\))?[ \t]*(?:#.*)?$")
_TEST = re.compile(r"(?m)^([ \t]*)(?:async[ \t]+)?def[ \t]+(test_?\w*)[ \t]*[(\[]")
# What stands on the line before the three.
_INDENTED, _FIRST, _NO_NAME = re.compile(r"[ \t]+"), re.compile(r"[ \t]*"), re.compile(r"(?:.*\W)?")
# What may fail a test, or hand it to something that does.
_FAILS = re.compile(
    r"\bassert|raises|\bfail\w*\(|warns\(|expect|verif|check|validat|match|snapshot|approv|benchmark|should|ensure|compar|equal|\btest_|\braise\b|\byield\b|@given|skip|_test\("
    r"|\bmust\w*|exists?\(|wait_for|golden|regression|sys\.exit|subprocess|\.run\(|doctest|pass\s*$|\.\.\.\s*$"
)


@check("PRD943", on=[text()], required_literals=["test"], files=("python",))
def ineffective(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`assert True`, `pytest.ANY`, tests that are skipped for no reason, and tests that look at nothing: one finding a file and habit."""
    if not _is_test_file(context):
        return
    source = whole.source
    page = source.text
    for pattern, before, words in (
        (_ALWAYS, _INDENTED, "this assertion holds whatever the code does"),
        (_ANY, _NO_NAME, "pytest has no `ANY`; it is `unittest.mock.ANY`"),
        (_SKIPPED, _FIRST, "this test is skipped, or may fail, for no reason that is written down"),
    ):
        found = [each for each in pattern.finditer(page) if before.fullmatch(page, page.rfind("\n", 0, each.start()) + 1, each.start())]
        if pattern is _ALWAYS:
            found = [each for each in found if not _is_the_expected_way(page, each.start())]
            trivial = [each for each in found if each[1] and not _is_after_an_error(page, each.start())]
            yield from _grouped(whole, trivial, "this assertion asserts nothing of the result")
            found = [each for each in found if each not in trivial]
        elif pattern is _SKIPPED:
            found = [each for each in found if not _has_remark(page, each)]
        yield from _grouped(whole, found, words)
    if context.options.get("assertions"):
        silent = [found for found in _TEST.finditer(page) if not _FAILS.search(_body(page, found))]
        yield from _grouped(whole, silent, "this test asserts nothing")


# Lines that are looked at for the `try` of an `except`.
_LINES_BEFORE = 13
_FAILED_BEFORE = re.compile(r"\bassert[ \t]+(?:False|0)\b|\bfail\(|\braise[ \t]+AssertionError")


def _is_the_expected_way(page: str, at: int) -> bool:
    """Whether an assertion stands in the `except` of a `try` that fails by itself where nothing is raised: `assert False`, then `assert True`."""
    begin = at
    for _ in range(_LINES_BEFORE):
        begin = max(page.rfind("\n", 0, begin), 0)
    lines = page[begin:at].split("\n")
    indented = len(lines[-1])
    for index in range(len(lines) - 2, -1, -1):
        line = lines[index]
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth < indented:
            if not line.lstrip().startswith("except"):
                return False
            tried = [one for one in lines[:index] if one.strip()]
            start = next((n for n in range(len(tried) - 1, -1, -1) if tried[n].startswith(" " * depth + "try:")), 0)
            return any(_FAILED_BEFORE.search(one) for one in tried[start:])
    return False


def _is_after_an_error(page: str, at: int) -> bool:
    """Whether `assert True` stands in an `except`: the test passes, too, where nothing is raised."""
    lines = page[max(0, at - 400) : at].split("\n")
    depth = len(lines[-1])
    outer = next((line for line in reversed(lines[:-1]) if line.strip() and len(line) - len(line.lstrip()) < depth), "")
    return outer.lstrip().startswith("except")


_REMARK = re.compile(r"(?m)#[ \t]*\S+(?:[ \t]+\S+){2,}")


def _has_remark(page: str, found: re.Match[str]) -> bool:
    """Whether a comment of three words or more stands behind a decorator, or right above it and the decorators around it."""
    if _REMARK.search(found[0]):
        return True
    remark = ""
    for line in reversed(page[max(0, page.rfind("\n", 0, found.start()) - 1000) : found.start()].split("\n")[:-1]):
        if line.lstrip().startswith("#"):
            remark = f"{line.strip()} {remark}"
        elif remark or not line.lstrip().startswith(("@", ")", '"', "'")):
            break
    return _REMARK.search(remark) is not None


def _is_test_file(context: CheckContext) -> bool:
    name = context.file.name
    return name.startswith("test_") or name.endswith(("_test.py", "_tests.py")) or name == "tests.py"


def _grouped(whole: Text, found: list[re.Match[str]], words: str) -> Iterator[Diagnostic]:
    if not found:
        return
    source = whole.source
    places = [
        (source.offset(each.start() + len(each[0]) - len(each[0].lstrip())), source.offset(each.start() + len(each[0].rstrip())))
        for each in found
    ]
    more = f" ({len(found) - 1} more in this file)" if len(found) > 1 else ""
    related = tuple(Related(whole.file.path, source.span(*place), words) for place in places[1:6])
    yield Diagnostic(ByteRange(source, *places[0]), words + more, related=related)


def _body(page: str, found: re.Match[str]) -> str:
    """The lines of a function, by their indentation."""
    lines: list[str] = []
    start = page.find("\n", page.find(":", found.end())) + 1
    for line in page[start : start + 20_000].split("\n"):
        if line.strip() and len(line) - len(line.lstrip()) <= len(found[1]):
            break
        lines.append(line)
    return "\n".join(lines)


# ---------------------------------------------------------------- what test files show

# How far before and behind one of its words a pattern may reach, in bytes.
_BEFORE, _BEHIND = 40, 300
# By kind of test: words of which one stands in whatever the pattern matches, and the pattern.
_KINDS: Mapping[str, tuple[tuple[str, ...], re.Pattern[bytes]]] = {
    "client": (
        (
            *(
                "client(",
                ".client.",
                "client.",
                "live_server",
                "liveserver",
                "aiohttp_client",
                "testcontainers",
                "asgitransport",
                "webtest",
            ),
            *("app.get(", "app.post(", "app.post_json(", "app.put_json("),
        ),
        re.compile(
            rb"\bTestClient\(|\bAsyncClient\(|test_client\(|\bAPIClient\(|self\.client\.|\b\w*client\.(?:get|post|put|patch|delete|request)\(|LiveServer|live_server|aiohttp_client|testcontainers|\bASGITransport\(|WebTest|httpx\.Client\("
            # WebTest, by the names that it and django-webtest give an application under test.
            rb"|\b(?:django_app|testapp|self\.(?:test_?)?app)\.(?:get|post|post_json|put_json|delete)\("
        ),
    ),
    "refused": (
        ("401", "403", "forbidden", "unauthorized", "assertredirects", "permissiondenied"),
        re.compile(rb"\b40[13]\b|HTTP_40[13]|FORBIDDEN|UNAUTHORIZED|assertRedirects\([^)]*login|PermissionDenied|status\.HTTP_40[13]"),
    ),
    "limited": (("429", "too_many"), re.compile(rb"\b429\b|HTTP_429|TOO_MANY")),
    "load": (
        ("locust", "benchmark", "httpuser", "k6/http"),
        re.compile(rb"\bfrom locust\b|import locust|pytest_benchmark|\bbenchmark\(|HttpUser|k6/http"),
    ),
    "contract": (
        ("schemathesis", "pact", "dredd", "openapi_core", "contract"),
        re.compile(rb"\bschemathesis\b|\bpact\b|from pact|dredd|openapi_core|contract_?tests?"),
    ),
}


@collect("test-kind", on=[text()], required_literals=[word for words, _ in _KINDS.values() for word in words], files=("python",))
def kinds_of_tests(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """What a test file exercises, one fact for each kind."""
    if "test" not in context.file.roles and "test" not in context.file.name and "locust" not in context.file.name:
        return
    data = whole.source.data
    for kind, (words, pattern) in _KINDS.items():
        near = (offset for literal, offset in whole.hits if literal.decode() in words)
        found = next((match for at in near if (match := pattern.search(data, max(at - _BEFORE, 0), at + _BEHIND))), None)
        if found is not None:
            yield ProjectFact("test-kind", context.file.path, whole.source.span(found.start(), found.end()), kind)


def _of_kind(project: Project, kind: str) -> ProjectFact | None:
    return next((each for each in project.about("test-kind") if each.words == kind), None)


# ---------------------------------------------------------------- PRD941: integration tests

# aiohttp is missing: most who have it send requests with it.
_WEB = frozenset("fastapi flask django starlette quart sanic litestar falcon tornado bottle pyramid connexion djangorestframework".split())


@project_check("PRD941", topics=("test-kind", "test-case"))
def nothing_is_called(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Tests of a web service of which none sends a request."""
    first = next(iter(project.about("test-case")), None)
    if first is None or not project.environment.is_service or not project.environment.packages & _WEB:
        return
    client = _of_kind(project, "client")
    if client is not None:
        yield Evidence("PRD941", client.path, client.span, "calls the service as a client does")
    else:
        yield ProjectDiagnostic(
            first.path, first.span, "no test sends a request to the service: routes, authentication and errors are untested", priority="P2"
        )


# ---------------------------------------------------------------- PRD944, PRD945

_LOAD_FILES = re.compile(
    r"locustfile\.py$|\.k6\.[jt]s$|(?:^|/)k6/|\.jmx$|(?:^|/)gatling/|artillery[\w.-]*\.ya?ml$|(?:^|/)(?:load|stress|perf(?:ormance)?)(?:[-_]?tests?)?/",
    re.IGNORECASE,
)
_CONTRACT_FILES = re.compile(
    r"(?:^|/)pacts?/|\.pact\.json$|dredd\.ya?ml$|schemathesis\.toml$|(?:^|/)contract[-_]?tests?/|spectral\.ya?ml$", re.IGNORECASE
)


_OF_OTHERS = re.compile(r"(?:^|/)(?:node_modules|vendor|third_party|site-packages)/")


@collect(
    "tested-by",
    on=[
        commands(
            "k6",
            "locust",
            "artillery",
            "vegeta",
            "wrk",
            "hey",
            "ab",
            "jmeter",
            "gatling",
            "oha",
            "schemathesis",
            "st",
            "pact-verifier",
            "dredd",
            "oasdiff",
            "openapi-diff",
            "buf",
        )
    ],
    required_literals=[
        "k6",
        "locust",
        "artillery",
        "vegeta",
        "wrk",
        "hey ",
        "ab -",
        "jmeter",
        "gatling",
        "oha ",
        "schemathesis",
        "pact-verifier",
        "dredd",
        "oasdiff",
        "openapi-diff",
        ("buf", "breaking"),
    ],
    files=("yaml", "shell", "makefile", "json", "jenkinsfile", "toml", "ini"),
)
def tested_by(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Programs that put load on a service, or hold it against its description."""
    kind = "contract" if command.program in ("schemathesis", "st", "pact-verifier", "dredd", "oasdiff", "openapi-diff", "buf") else "load"
    if command.program != "buf" or "breaking" in command.argv:
        yield project_fact("tested-by", command, command.program, kind=kind)


def _missing_kind(project: Project, kind: str, pattern: re.Pattern[str], code: str, words: str) -> Iterator[ProjectDiagnostic | Evidence]:
    command = next((each for each in project.about("tested-by") if each.get("kind") == kind), None)
    shown = _of_kind(project, kind)
    # Scripts of k6, plans of JMeter: files of kinds that nothing else here reads.
    file = next((path for path in project.all_paths() if pattern.search(path) and not _OF_OTHERS.search(path)), None)
    if command is not None:
        yield Evidence(code, command.path, command.span, f"`{command.words}`")
    elif shown is not None:
        yield Evidence(code, shown.path, shown.span, f"a {kind} test")
    elif file is not None:
        yield Evidence(code, file, _TOP, f"a {kind} test")
    elif (place := project.service_place()) is not None:
        yield ProjectDiagnostic(place[0], place[1], words)


@project_check("PRD944", topics=("tested-by", "test-kind"))
def load_untested(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service that nobody has put under load."""
    if project.environment.is_service and not options.get("external"):
        yield from _missing_kind(
            project, "load", _LOAD_FILES, "PRD944", "nothing puts this service under load: no k6, Locust, JMeter or benchmark"
        )


@project_check("PRD945", topics=("tested-by", "test-kind"))
def contract_untested(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A web service that nothing holds against its description."""
    if project.environment.is_service and project.environment.packages & _WEB and not options.get("external"):
        yield from _missing_kind(
            project,
            "contract",
            _CONTRACT_FILES,
            "PRD945",
            "nothing holds this service against its API description: no Schemathesis, Pact or oasdiff",
        )


# ---------------------------------------------------------------- PRD946

_SIGNS_IN = frozenset(
    "pyjwt python-jose authlib joserfc fastapi-users flask-login flask-security flask-jwt-extended django-allauth djangorestframework djangorestframework-simplejwt"
    " django-oauth-toolkit passlib argon2-cffi bcrypt pwdlib python-keycloak itsdangerous social-auth-app-django msal google-auth-oauthlib".split()
)


@project_check("PRD946", topics=("test-kind", "test-case"))
def refusal_untested(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service with accounts whose tests never see a request refused."""
    first = next(iter(project.about("test-case")), None)
    if first is None or not project.environment.is_service or not project.environment.packages & _SIGNS_IN:
        return
    refused = _of_kind(project, "refused")
    if refused is not None:
        yield Evidence("PRD946", refused.path, refused.span, "asks for a refusal (401 or 403)")
    else:
        yield ProjectDiagnostic(first.path, first.span, "this service signs people in, and no test expects 401 or 403")


# ---------------------------------------------------------------- PRD947

_FRONT_END = frozenset(
    "react react-dom vue svelte next nuxt @angular/core preact solid-js @sveltejs/kit astro gatsby react-scripts".split()
)


# Stories whose pictures are compared, and browsers that are driven from another folder.
_TESTED_OTHERWISE = re.compile(rb"chromatic|storybook|@playwright/test|cypress|testcafe|percy|loki|\bwdio\b|puppeteer")


@check(
    "PRD947",
    on=[documents("package-json")],
    required_literals=[
        ("dependencies", name) for name in ("react", "vue", "svelte", "next", "nuxt", "angular", "preact", "solid-js", "astro", "gatsby")
    ],
    files=("json",),
)
def front_end_untested(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A front end without a `test` script, or with the placeholder of npm."""
    root = document.root
    dependencies = root.get("dependencies")
    named = set(dependencies.members) if dependencies is not None and dependencies.kind == "mapping" else set[str]()
    scripts = root.get("scripts")
    if not named & _FRONT_END or scripts is None or scripts.kind != "mapping" or root.get("workspaces") is not None:
        return
    tests = [name for name in scripts.members if re.search(r"(?:^|[:-])(?:test|tests|e2e|cypress|playwright|vitest|jest)(?:$|[:-])", name)]
    test = scripts.members.get("test")
    if test is not None and "no test specified" in test.raw:
        yield Diagnostic(test, "the `test` script is npm's placeholder: nothing of this front end is tested")
    elif not tests and not _TESTED_OTHERWISE.search(document.source.data):
        yield Diagnostic(ByteRange(document.source, scripts.key_start, scripts.key_end), "this front end has no `test` script")
