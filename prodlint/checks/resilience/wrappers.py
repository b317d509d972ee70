"""PRD504 in functions of the project that hand a timeout on: a parameter that is None where nobody gives it, and nobody does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, calls, collect, project_check, project_fact
from prodlint.checks.resilience.http import REQUESTS_ANCHORS, REQUESTS_FUNCTIONS, REQUESTS_SESSIONS
from prodlint.facts import Call, Constant, Name
from prodlint.model import Evidence
from prodlint.values.places import VERBS, class_around, enclosing, is_imported, shown

_NOT_THE_SERVICE = ("test", "example", "docs", "vendored", "generated", "stub", "notebook")


@collect(
    "timeout-parameter",
    on=[calls(*REQUESTS_FUNCTIONS, *(f"{session}.{verb}" for session in REQUESTS_SESSIONS for verb in VERBS))],
    required_literals=[("timeout", anchor) for anchor in REQUESTS_ANCHORS],
    files=("python",),
    not_in=_NOT_THE_SERVICE,
)
def handed_on(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """`def fetch(url, timeout=None): return requests.get(url, timeout=timeout)`."""
    given = call.keywords.get("timeout")
    function = enclosing(call, call.module)
    if not isinstance(given, Name) or function is None or context.file.roles & frozenset(_NOT_THE_SERVICE) or not is_imported(call):
        return
    called, wanted = function.name, given.source_text
    if wanted.startswith("self."):  # kept by `__init__`: `self.timeout = timeout`
        class_ = class_around(call, call.module)
        kept = [one for one in call.module.assignments(wanted) if class_ is not None and class_.start <= one.start < class_.end]
        maker = enclosing(kept[0], call.module) if len(kept) == 1 else None
        if class_ is None or maker is None or maker.name != "__init__" or not isinstance(kept[0].value, Name):
            return
        function, called, wanted = maker, class_.name, kept[0].value.source_text
    for position, parameter in enumerate(function.parameters):
        absent = isinstance(parameter.default, Constant) and parameter.default.value is None
        if parameter.name == wanted and absent and not call.module.assignments(parameter.name):
            place = position - (1 if function.parameters[0].name in ("self", "cls") else 0)
            yield project_fact("timeout-parameter", call, shown(call), function=called, parameter=parameter.name, position=str(place))


@project_check("PRD504", topics=("timeout-parameter",))
def never_given(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Wrappers that are called, and by nobody with a limit."""
    if not options.get("wrappers"):
        return
    for each in project.about("timeout-parameter"):
        name, parameter = each.get("function"), each.get("parameter")
        called, given = _calls_of(project, name, parameter, int(each.get("position")))
        if called and not given:
            words = f"`{each.words}` waits without limit: `{parameter}` of `{name}` is None, and no caller gives another"
            yield ProjectDiagnostic(each.path, each.span, words)


_LONGEST = 2000


def _calls_of(project: Project, name: str, parameter: str, position: int) -> tuple[bool, bool]:
    """Whether the project calls a function, and whether one of the calls gives it a parameter, by name or by position."""
    call = re.compile(rb"(?<![\w])(?<!def )" + re.escape(name.encode()) + rb"\s*\(")
    named = re.compile(rb"\b" + re.escape(parameter.encode()) + rb"\s*=(?!=)(?!\s*None\b)|\*\*")
    called = False
    for file in project.files:
        if file.kind != "python" or file.roles & {"vendored", "generated"}:
            continue
        data = project.read(file.path) or b""
        for found in call.finditer(data):
            called = True
            arguments = _arguments(data, found.end())
            if any(named.match(argument.strip()) for argument in arguments):
                return True, True
            plain = [argument.strip() for argument in arguments if not re.match(rb"\s*\w+\s*=(?!=)", argument)]
            if len(plain) > position and plain[position] not in (b"None", b""):
                return True, True
    return called, False


def _arguments(data: bytes, start: int) -> list[bytes]:
    """The arguments of a call whose bracket was opened before a place, as they are written."""
    depth, begin, found = 0, start, list[bytes]()
    for at in range(start, min(len(data), start + _LONGEST)):
        byte = data[at : at + 1]
        if byte in (b"(", b"[", b"{"):
            depth += 1
        elif byte in (b")", b"]", b"}"):
            depth -= 1
            if depth < 0:
                return [*found, data[begin:at]]
        elif byte == b"," and depth == 0:
            found.append(data[begin:at])
            begin = at + 1
    return found
