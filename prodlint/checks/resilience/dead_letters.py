"""Work queues whose failed messages go nowhere (PRD574)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    CheckContext,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    calls,
    collect,
    documents,
    project_check,
    project_fact,
    text,
)
from prodlint.facts import Call, Constant, Document, Text
from prodlint.model import Evidence
from prodlint.values.places import shown, value_of

_ELSEWHERE = frozenset(("test", "example", "docs", "vendored", "generated", "stub", "notebook", "script", "dev", "command"))
_DEAD = [
    "dead-letter", "dead_letter", "deadletter", "dead letter", "dlq", "dlx", "redrivepolicy", "redrive_policy", "failed_queue", "failure_queue", "poison",
    "parking_lot", "parking-lot", "deadlettertopic", "quarantine",
]  # fmt: skip

_NAMES_ONE = re.compile(r"dead.?letter|dlq|dlx|redrive|fail(?:ed|ure)_queue")


@collect(
    "work-queue",
    on=[calls("*.queue_declare", "*.declare_queue", "*.create_queue")],
    required_literals=["queue_declare", "declare_queue", "create_queue"],
    files=("python",),
    not_in=_ELSEWHERE,
)
def work_queues(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Durable queues of RabbitMQ and queues of SQS that the code declares."""
    if context.file.roles & _ELSEWHERE or call.stars or "main" in call.scope.guards:
        return
    if call.method == "create_queue":
        if call.name.startswith(("boto3.", "aioboto3.", "aiobotocore.")) or "sqs" in call.function.text.lower():
            yield project_fact("work-queue", call, shown(call))
        return
    # A queue of one connection, for answers or for events, goes with it.
    durable = value_of(call.keywords.get("durable"), call.module, call)
    passive = value_of(call.keywords.get("passive"), call.module, call)
    name = call.argument(0, "queue") or call.keywords.get("name")
    if durable is True and passive is not True and not (isinstance(name, Constant) and name.value == ""):
        yield project_fact("work-queue", call, shown(call))


@collect("work-queue", on=[documents("terraform")], required_literals=["aws_sqs_queue"], files=("hcl", "json"), not_in=_ELSEWHERE)
def queues_of_terraform(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """SQS queues of Terraform."""
    queues = document.root.get("resource", "aws_sqs_queue")
    for name, block in queues.members.items() if queues is not None and queues.kind == "mapping" else ():
        if block.kind == "mapping":
            yield ProjectFact("work-queue", context.file.path, block.key_span, f"aws_sqs_queue.{name}")


@collect(
    "work-queue",
    on=[documents("cloudformation", "serverless")],
    required_literals=["aws::sqs::queue"],
    files=("yaml", "json"),
    not_in=_ELSEWHERE,
)
def queues_of_cloud_formation(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """SQS queues of CloudFormation and SAM."""
    resources = document.root.get("Resources") or document.root.get("resources", "Resources")
    for name, resource in resources.members.items() if resources is not None and resources.kind == "mapping" else ():
        if resource.text_at("Type") == "AWS::SQS::Queue":
            yield ProjectFact("work-queue", context.file.path, resource.key_span, name)


@collect("dead-letters", on=[text()], required_literals=_DEAD, not_in=("test", "docs", "vendored", "generated"))
def dead_letters(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """Where messages that failed are kept: arguments of a queue, a policy of the broker, a template of the infrastructure."""
    if whole.hits and context.file.kind not in ("markdown", "lock") and not context.file.roles & {"test", "docs", "vendored", "generated"}:
        literal, offset = whole.hits[0]
        yield ProjectFact("dead-letters", context.file.path, whole.source.span(offset, offset + len(literal)), f"`{literal.decode()}`")


@project_check("PRD574", topics=("work-queue", "dead-letters"))
def queue_without_dead_letters(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A queue for work, and no place for what cannot be worked on."""
    kept, queues = project.about("dead-letters"), project.about("work-queue")
    if kept:
        # A word that also means other things, and a pipeline's, keep the finding away and prove nothing.
        shown = next((fact for fact in kept if _NAMES_ONE.search(fact.words) and "/workflows/" not in fact.path), None)
        if queues and shown is not None:
            yield Evidence("PRD574", shown.path, shown.span, shown.words)
        return
    seen: set[str] = set()
    for queue in queues:
        if queue.path not in seen:
            seen.add(queue.path)
            yield ProjectDiagnostic(
                queue.path,
                queue.span,
                f"`{queue.words}` declares a work queue without a dead letter queue: a message that fails is lost or redelivered forever",
            )
