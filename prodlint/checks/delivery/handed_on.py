"""PRD907 across files: what strangers write, handed as an input to a reusable workflow or a composite action that puts it into a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import ByteRange, CheckContext, Project, ProjectDiagnostic, ProjectFact, collect, documents, project_check
from prodlint.checks.delivery.attack_surface import Values, scripts_of, weight_of
from prodlint.checks.delivery.expressions import expressions_in
from prodlint.checks.delivery.pipelines import Step, pipeline_of
from prodlint.checks.quoting import quote
from prodlint.facts import Document, Node
from prodlint.model import PRIORITIES, Related

_INPUT = re.compile(r"(?:github\.event\.)?inputs\.([\w-]+)\Z")
_ELSEWHERE = frozenset(("example", "docs"))


@collect(
    "input-in-script",
    on=[documents("github-workflow", "github-action")],
    required_literals=[("inputs.", "workflow_call"), ("inputs.", "composite")],
    files=("yaml",),
    not_in=_ELSEWHERE,
)
def inputs_in_scripts(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Inputs that become part of a script, of what other workflows of the repository may call."""
    pipeline = pipeline_of(document)
    if pipeline is None or "workflow_call" not in pipeline.triggers:
        return
    for job in pipeline.jobs.values():
        for step in job.steps:
            values = Values(pipeline, job, step)
            for node in scripts_of(step):
                for expression in expressions_in(node):
                    for path in values.sources(expression.text):
                        found = _INPUT.match(path)
                        if found is not None:
                            at = ByteRange(document.source, expression.start, expression.end)
                            span = document.source.span(at.start, at.end)
                            data = (("shown", quote(expression.text)),)
                            yield ProjectFact("input-in-script", context.file.path, span, found[1].lower(), data)
                            break


@collect(
    "outside-input",
    on=[documents("github-workflow", "github-action")],
    required_literals=[("./", "with", "${{")],
    files=("yaml",),
    not_in=_ELSEWHERE,
)
def inputs_from_outside(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """`with: {title: "${{ github.event.issue.title }}"}` for a workflow or an action of the same repository."""
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        calls: list[tuple[str, Node | None, Step | None]] = [(job.calls, job.node.get("with"), None)]
        calls += [(step.action.raw if step.action is not None else "", step.node.get("with"), step) for step in job.steps]
        for callee, given, step in calls:
            if pipeline is None or not callee.startswith("./") or given is None or given.kind != "mapping":
                continue
            values = Values(pipeline, job, step)
            for name, node in given.members.items():
                for expression in expressions_in(node) if node.kind == "scalar" else ():
                    path = next((path for path in values.sources(expression.text) if values.is_outside(path, expression.text)), "")
                    if path:
                        weight = weight_of(pipeline, job, step or Step(job.node), path)
                        data = (("callee", callee[2:].rstrip("/").lower()), ("priority", weight), ("shown", quote(expression.text)))
                        yield ProjectFact("outside-input", context.file.path, node.span, name.lower(), data)


@project_check("PRD907", topics=("input-in-script", "outside-input"))
def handed_on(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """A script that is handed a stranger's text by another file."""
    given: dict[tuple[str, str], list[ProjectFact]] = {}
    for fact in project.about("outside-input"):
        given.setdefault((fact.get("callee"), fact.words), []).append(fact)
    for fact in project.about("input-in-script"):
        path = fact.path.lower()
        names = (path, path.rpartition("/")[0]) if re.search(r"(?:^|/)action\.ya?ml\Z", path) else (path,)
        callers = [caller for name in names for caller in given.get((name, fact.words), ())]
        if not callers:
            continue
        worst = min(callers, key=lambda caller: (caller.get("priority"), caller.path, caller.span))
        weight = next(each for each in PRIORITIES if each == worst.get("priority"))
        message = (
            f"Template injection: `${{{{ {fact.get('shown')} }}}}` is pasted into the script before it runs, and `{worst.path}` puts"
            f" `{worst.get('shown')}` into it. Whoever writes that can run commands here"
        )
        related = tuple(Related(caller.path, caller.span, f"`{caller.get('shown')}` is handed over here") for caller in callers[:5])
        yield ProjectDiagnostic(fact.path, fact.span, message, priority=weight, related=related)
