"""Conditions of GitHub jobs and steps that look like a gate and let everything through (PRD905, PRD907)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, documents
from prodlint.checks.delivery.attack_surface import MEMBERS_ONLY, OUTSIDE_EVENTS
from prodlint.checks.delivery.pipelines import Job, Pipeline, Step, pipeline_of
from prodlint.facts import Document, Node
from prodlint.model import Priority

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_RELEASE_NAME = re.compile(r"deploy|release|publish|production|promote", re.IGNORECASE)
# `contains` of a text looks for a part of it; of a list, `fromJSON('[...]')`, for one of its items.
_PART_OF_A_TEXT = re.compile(
    r"(?<!!)\bcontains\(\s*'([^']*[\s,;|][^']*)'\s*,\s*(github\.(?:ref(?:_name)?|head_ref|base_ref|actor|triggering_actor|event\.[\w.]+))\s*\)"
)


@check("PRD905", "PRD907", on=[documents("github-workflow")], required_literals=[("if", "${{"), ("if", "contains")], files=("yaml",))
def condition_that_always_holds(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`if: ${{ a }} && ${{ b }}` is a text that is not empty, and so true, whatever a and b are."""
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        for holder, step in ((job.node, None), *((each.node, each) for each in job.steps)):
            node = holder.get("if")
            if pipeline is None or node is None or node.kind != "scalar":
                continue
            words, loose = _loose(node)
            if not words:
                continue
            released = any(True for each in (job.steps if step is None else [step]) for _ in each.releases()) or (
                not loose and _RELEASE_NAME.search(f"{context.file.name} {job.name} {step.name if step is not None else ''}") is not None
            )
            if context.code == "PRD905" and released:
                yield Diagnostic(node, f"{words}: `{job.name}` releases", priority="P2" if loose else "P1")
            elif context.code == "PRD907" and not released and _keeps_out(pipeline, job, step, node):
                weight: Priority = "P2" if loose else "P1"
                yield Diagnostic(node, f"{words}: it keeps nobody out", priority=weight)
            elif context.code == "PRD907" and not released and not loose and context.options.get("conditions"):
                yield Diagnostic(node, words, priority="P2")


def _loose(node: Node) -> tuple[str, bool]:
    """Why a condition holds whatever it asks, and whether it does so only for some values; "" where it asks what it says."""
    text = node.value if isinstance(node.value, str) else node.raw
    expressions = _EXPRESSION.findall(text)
    if expressions and _EXPRESSION.sub("", text):
        if not _EXPRESSION.sub("", text).strip() and len(expressions) == 1:
            return "`if` is always true: the line break behind `}}` makes it a text (write `if: >-`, or leave the braces out)", False
        return (
            "`if` is always true: what stands outside of `${{ }}` makes it a text (put all of it into one pair, or leave them out)",
            False,
        )
    found = _PART_OF_A_TEXT.search(text)
    if found is not None:
        return (
            f"`contains` of a text also holds for a part of it, such as `{re.split(r'[ ,;|]', found[1])[0][:-1]}`: give it a list, `fromJSON('[...]')`",
            True,
        )
    return "", False


def _keeps_out(pipeline: Pipeline, job: Job, step: Step | None, node: Node) -> bool:
    """Whether a condition is there to keep strangers out of a workflow that anybody can start."""
    text = node.raw
    return bool(set(pipeline.triggers) & OUTSIDE_EVENTS) and bool(MEMBERS_ONLY.search(text) or _PART_OF_A_TEXT.search(text))
