"""CI definitions of five systems as one model: a pipeline has triggers and jobs, a job has steps and waits for others."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from prodlint.checks.delivery.gates import RELEASE_ACTIONS, gates_of, named_gate, release_of
from prodlint.facts import Command, Document, Node
from prodlint.readers.commands import GITLAB_GLOBAL, from_document

KINDS = ("github-workflow", "gitlab-ci", "circleci", "azure-pipelines")

# Actions that are gates by themselves.
_GATE_ACTIONS: Sequence[tuple[str, str]] = (
    ("pre-commit/action", "lint"),
    ("astral-sh/ruff-action", "lint"),
    ("chartboost/ruff-action", "lint"),
    ("psf/black", "lint"),
    ("rhysd/actionlint", "lint"),
    ("zizmorcore/zizmor-action", "lint"),
    ("hadolint/hadolint-action", "lint"),
    ("golangci/golangci-lint-action", "lint"),
    ("super-linter/", "lint"),
    ("github/super-linter", "lint"),
    ("oxsecurity/megalinter", "lint"),
    ("jakebailey/pyright-action", "type"),
    ("pypa/gh-action-pip-audit", "scan"),
    ("aquasecurity/trivy-action", "scan"),
    ("anchore/scan-action", "scan"),
    ("snyk/actions", "scan"),
    ("gitleaks/gitleaks-action", "scan"),
    ("trufflesecurity/trufflehog", "scan"),
    ("returntocorp/semgrep-action", "scan"),
    ("actions/dependency-review-action", "scan"),
    ("bridgecrewio/checkov-action", "scan"),
    ("docker/build-push-action", "build"),
    ("docker/bake-action", "build"),
    ("depot/build-push-action", "build"),
    ("depot/bake-action", "build"),
    ("useblacksmith/build-push-action", "build"),
    ("wntrblm/nox", ""),
)
# Tasks of Azure Pipelines: what they are when their `command` is one of these words ("" for any).
_AZURE_TASKS: Mapping[str, Sequence[tuple[str, str]]] = {
    "docker": (("build", "build"), ("buildandpush", "build")),
    "dockercompose": (("build services", "build"),),
}
_AZURE_RELEASES: Mapping[str, Sequence[tuple[str, str]]] = {
    "docker": (("push", "publish"), ("buildandpush", "publish")),
    "helmdeploy": (("upgrade", "deploy"), ("install", "deploy")),
    "kubernetes": (("apply", "deploy"),),
    "kubernetesmanifest": (("", "deploy"),),
    "azurewebapp": (("", "deploy"),),
    "azurermwebappdeployment": (("", "deploy"),),
    "azurewebappcontainer": (("", "deploy"),),
    "azurefunctionapp": (("", "deploy"),),
    "azurecontainerapps": (("", "deploy"),),
}


# What an action that logs into a server does there when it deploys.
_REMOTE_DEPLOY = re.compile(
    r"docker[ -]compose|docker (?:run|pull|stack|service)|systemctl (?:restart|reload)|git pull|git reset --hard|kubectl|supervisorctl|\bpm2\b|deploy"
)


@dataclass(slots=True)
class Step:
    """A step: the node it stands in, its commands, the action it uses; ignored: the node that says its failure is not asked for."""

    node: Node
    name: str = ""
    identity: str = ""
    commands: list[Command] = field(default_factory=list)
    action: Node | None = None
    ignored: Node | None = None
    condition: str = ""

    @property
    def uses(self) -> str:
        """The action without its version, in lower case."""
        return self.action.raw.split("@", 1)[0].lower() if self.action is not None else ""

    def gates(self) -> Iterator[tuple[str, str]]:
        """What it guards and through what: ("test", "pytest")."""
        for command in self.commands:
            for kind in gates_of(command):
                yield kind, command.program
        yield from self._task(_AZURE_TASKS)
        for start, kind in _GATE_ACTIONS:
            if kind and self.uses.startswith(start):
                yield kind, self.uses

    def releases(self) -> Iterator[tuple[str, str]]:
        """What it releases and through what: ("deploy", "kubectl")."""
        for command in self.commands:
            kind = release_of(command)
            if kind:
                yield kind, command.program
        yield from self._task(_AZURE_RELEASES)
        for start, kind in RELEASE_ACTIONS:
            if kind and self.uses.startswith(start):
                yield kind, self.uses
        if "ssh" in self.uses and _REMOTE_DEPLOY.search(self.node.text_at("with", "script") or self.node.text_at("with", "command")):
            yield "deploy", self.uses
        if self.uses.endswith(("build-push-action", "bake-action")) and self.node.text_at("with", "push") == "true":
            yield "publish", self.uses

    def _task(self, known: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
        if self.node.get("task") is not None:
            given = (self.node.text_at("inputs", "command") or self.node.text_at("inputs", "action")).lower()
            for word, kind in known.get(self.uses, ()):
                if word in ("", given):
                    yield kind, self.uses


@dataclass(slots=True)
class Job:
    """A job: needs are names of jobs; ignored as for a step; calls: the reusable workflow it is; environment: where it deploys to."""

    name: str
    node: Node
    steps: list[Step] = field(default_factory=list)
    needs: tuple[str, ...] = ()
    ignored: Node | None = None
    calls: str = ""
    environment: str = ""
    condition: str = ""
    manual: bool = False

    def gates(self) -> Iterator[tuple[str, str]]:
        """What its steps guard."""
        for step in self.steps:
            yield from step.gates()
        if self.calls:
            kind = named_gate(self.calls) or named_gate(self.name)
            if kind:
                yield kind, self.calls


@dataclass(slots=True)
class Pipeline:
    """A CI definition. triggers: events as GitHub calls them ("push", "pull_request", "schedule", "workflow_dispatch");
    branches: those a push must be on, () for any. tags_only: a push counts only for tags.
    unresolved: parts live in a place that is not in this repository."""

    document: Document
    kind: str
    triggers: Mapping[str, Node | None]
    jobs: Mapping[str, Job]
    tags_only: bool = False
    unresolved: bool = False

    @property
    def automatic(self) -> bool:
        """Whether a change of the code starts it."""
        return bool(set(self.triggers) & {"push", "pull_request", "pull_request_target", "merge_group", "workflow_run", "check_suite"})

    def before(self, job: Job) -> set[str]:
        """The names of all jobs it waits for, at any distance."""
        seen: set[str] = set()
        waiting = list(job.needs)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                known = self.jobs.get(name)
                waiting.extend(known.needs if known is not None else ())
        return seen


@lru_cache(maxsize=2)
def pipeline_of(document: Document) -> Pipeline | None:
    """A document as a pipeline, or None where it is none."""
    if document.root.kind != "mapping":
        return None
    if document.kind == "github-workflow":
        return _github(document)
    if document.kind == "github-action":
        return _action(document)
    if document.kind == "gitlab-ci":
        return _gitlab(document)
    if document.kind == "circleci":
        return _circleci(document)
    if document.kind == "azure-pipelines":
        return _azure(document)
    return None


class _Commands:
    """The commands of a document, handed out by place."""

    def __init__(self, document: Document) -> None:
        found = [fact for fact in from_document(document) if isinstance(fact, Command)]
        self.commands = sorted(found, key=lambda command: command.start)
        self.starts = [command.start for command in self.commands]

    def inside(self, node: Node) -> list[Command]:
        return self.commands[bisect_left(self.starts, node.start) : bisect_left(self.starts, node.end)]


def _names(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    if node.kind == "scalar":
        return (node.raw,)
    if node.kind == "mapping":
        return tuple(node.members)
    return tuple(item.raw or item.text_at("job") or item.text_at("pipeline") for item in node.items)


def _true(node: Node | None) -> Node | None:
    given = node.raw.lower() if node is not None and node.kind == "scalar" else ""
    return node if given in ("true", "yes", "on") or re.fullmatch(r"\$\{\{\s*true\s*\}\}", given) else None


def triggers_of(root: Node) -> dict[str, Node | None]:
    """The events of a GitHub workflow."""
    on = root.get("on") or root.get("true")
    if on is None:
        return {}
    if on.kind == "mapping":
        return dict(on.members)
    return dict.fromkeys(_names(on))


def _github(document: Document) -> Pipeline:
    root = document.root
    commands = _Commands(document)
    triggers = triggers_of(root)
    jobs: dict[str, Job] = {}
    unresolved = False
    members = root.get("jobs")
    for name, node in (members.members if members is not None and members.kind == "mapping" else {}).items():
        if node.kind != "mapping":
            continue
        job = Job(name, node, needs=_names(node.get("needs")), condition=node.text_at("if"), calls=node.text_at("uses"))
        job.ignored = _true(node.get("continue-on-error"))
        environment = node.get("environment")
        job.environment = (
            environment.raw if environment is not None and environment.kind == "scalar" else node.text_at("environment", "name")
        )
        unresolved = unresolved or (bool(job.calls) and not job.calls.startswith("./"))
        job.steps = _github_steps(node, commands)
        jobs[name] = job
    push = triggers.get("push")
    tags_only = push is not None and push.kind == "mapping" and "tags" in push.members and "branches" not in push.members
    return Pipeline(document, document.kind, triggers, jobs, tags_only, unresolved)


def _github_steps(holder: Node, commands: _Commands) -> list[Step]:
    listed = holder.get("steps")
    return [
        Step(
            item, item.text_at("name"), item.text_at("id"), commands.inside(item), item.get("uses"), _true(item.get("continue-on-error")),
            item.text_at("if"),
        )
        for item in (listed.items if listed is not None else ())
        if item.kind == "mapping"
    ]  # fmt: skip


def _action(document: Document) -> Pipeline | None:
    """The steps of a composite action, as a job that nothing starts by itself."""
    runs = document.root.get("runs")
    if runs is None or runs.kind != "mapping":
        return None
    name = document.root.text_at("name")
    return Pipeline(document, document.kind, {"workflow_call": None}, {name: Job(name, runs, _github_steps(runs, _Commands(document)))})


def _gitlab(document: Document) -> Pipeline:
    root = document.root
    commands = _Commands(document)
    stages = list(_names(root.get("stages"))) or ["build", "test", "deploy"]
    order = {name: index for index, name in enumerate([".pre", *stages, ".post"])}
    jobs: dict[str, Job] = {}
    places: dict[str, int] = {}
    for name, node in root.members.items():
        if name in GITLAB_GLOBAL or node.kind != "mapping" or not ({"script", "trigger", "extends", "stage", "run"} & set(node.members)):
            continue
        job = Job(name, node, manual=_inherited_text(root, node, "when") == "manual" or _started_by_hand(root, node))
        job.condition = " ".join(each.text for key in ("rules", "only") if (each := _inherited(root, node, key)) is not None)
        job.ignored = _true(_inherited(root, node, "allow_failure")) or _allowed_by_every_rule(node)
        environment = node.get("environment")
        job.environment = (
            environment.raw if environment is not None and environment.kind == "scalar" else node.text_at("environment", "name")
        )
        script = node.get("script")
        if script is not None:
            job.steps.append(Step(node, name, name, [each for each in commands.inside(node) if not each.owner.endswith(".after_script")]))
        jobs[name] = job
        places[name] = order.get(_inherited_text(root, node, "stage") or "test", order.get("test", 1))
    # What stands in earlier stages, once for each stage and not for each job.
    earlier = {
        place: tuple(other for other in jobs if places[other] < place and not other.startswith(".")) for place in set(places.values())
    }
    for name, job in jobs.items():
        needs = job.node.get("needs")
        job.needs = _names(needs) if needs is not None else earlier[places[name]]
    include = root.get("include")
    local = include is None or all(
        (item.raw or "").startswith(("/", "./")) or item.text_at("local")
        for item in (include.items if include.kind == "sequence" else (include,))
    )
    return Pipeline(document, document.kind, {"push": None}, jobs, False, not local)


# GitLab itself refuses more than eleven levels of `extends`; with several parents at each, no real job has as many.
_ANCESTORS = 20


def _inherited(root: Node, node: Node, key: str) -> Node | None:
    """A key of a GitLab job, its own or of the jobs it extends; of several parents the last one wins."""
    seen: set[int] = set()
    waiting = [node]
    while waiting and len(seen) < _ANCESTORS:
        current = waiting.pop()
        if current.start in seen or current.kind != "mapping":
            continue
        seen.add(current.start)
        found = current.get(key)
        if found is not None:
            return found
        waiting.extend(parent for name in _names(current.get("extends")) if (parent := root.members.get(name)) is not None)
    return None


def _inherited_text(root: Node, node: Node, key: str) -> str:
    found = _inherited(root, node, key)
    return found.raw if found is not None and found.kind == "scalar" else ""


def _started_by_hand(root: Node, node: Node) -> bool:
    """Whether each of the `rules` of a GitLab job leaves its start to a person."""
    rules = _inherited(root, node, "rules")
    ways = [rule.text_at("when") for rule in rules.items] if rules is not None else []
    return "manual" in ways and set(ways) <= {"manual", "never"}


def _allowed_by_every_rule(node: Node) -> Node | None:
    """`allow_failure: true` under each of the `rules` that start the job."""
    rules = node.get("rules")
    listed = [rule for rule in rules.items if rule.text_at("when") != "never"] if rules is not None else []
    allowed = [_true(rule.get("allow_failure")) for rule in listed]
    return allowed[0] if allowed and all(allowed) else None


def _circleci(document: Document) -> Pipeline:
    root = document.root
    commands = _Commands(document)
    definitions = root.get("jobs")
    known = definitions.members if definitions is not None and definitions.kind == "mapping" else {}
    reusable = root.get("commands")
    shared = reusable.members if reusable is not None and reusable.kind == "mapping" else {}
    jobs: dict[str, Job] = {}
    triggers: dict[str, Node | None] = {"push": None}
    workflows = root.get("workflows")
    called: list[tuple[str, Node, tuple[str, ...]]] = []
    approvals: set[str] = set()
    for workflow in workflows.members.values() if workflows is not None and workflows.kind == "mapping" else ():
        listed = workflow.get("jobs")
        for item in listed.items if listed is not None else ():
            if item.kind == "scalar":
                called.append((item.raw, item, ()))
            elif item.kind == "mapping":
                for name, settings in item.members.items():
                    called.append((name, item, _names(settings.get("requires"))))
                    if settings.text_at("type") == "approval":
                        approvals.add(name)
    if not called:
        called = [(name, node, ()) for name, node in known.items()]
    for name, place, needs in called:
        node = known.get(name, place)
        steps = [Step(node, name, name, commands.inside(node))] if name in known else []
        for part, shared_node in shared.items():
            if name in known and part in document.source.slice(node.start, node.end):
                steps.append(Step(shared_node, part, part, commands.inside(shared_node)))
        jobs[name] = Job(name, node, steps, needs, manual=name in approvals)
    return Pipeline(document, document.kind, triggers, jobs, False, bool(root.get("orbs")) or bool(root.get("setup")))


def _azure(document: Document) -> Pipeline:
    root = document.root
    commands = _Commands(document)
    jobs: dict[str, Job] = {}
    stages = root.get("stages")
    in_stages = stages is not None and stages.kind == "sequence"
    groups = list(stages.items) if stages is not None and in_stages else [root]
    unresolved = "extends" in root.members
    by_stage: dict[str, list[str]] = {}
    for group in groups:
        listed = group.get("jobs")
        nodes = list(listed.items) if listed is not None and listed.kind == "sequence" else [group]
        depends = group.get("dependsOn") if in_stages else None
        # A stage waits for the one before it, unless it says for which.
        after = list(_names(depends)) if depends is not None else list(by_stage)[-1:]
        earlier = tuple(job for stage in after for job in by_stage.get(stage, ()))
        own = by_stage.setdefault(group.text_at("stage") or f"stage {len(by_stage) + 1}", [])
        for node in nodes:
            if node.kind != "mapping":
                continue
            unresolved = unresolved or "template" in node.members
            name = node.text_at("job") or node.text_at("deployment") or node.text_at("stage") or f"job {len(jobs) + 1}"
            wanted = node.get("dependsOn") if node is not group else None
            job = Job(name, node, needs=_names(wanted) + earlier, environment=node.text_at("environment"))
            job.ignored = _true(node.get("continueOnError"))
            if node.text_at("deployment"):
                job.environment = job.environment or node.text_at("environment", "name") or name
            for item in _azure_steps(node):
                unresolved = unresolved or "template" in item.members
                job.steps.append(
                    Step(item, item.text_at("displayName"), "", commands.inside(item), item.get("task"), _true(item.get("continueOnError")))
                )
            jobs[name] = job
            own.append(name)
    trigger = root.get("trigger")
    automatic = not (trigger is not None and trigger.raw == "none")
    return Pipeline(document, document.kind, {"push": None} if automatic else {"workflow_dispatch": None}, jobs, False, unresolved)


def _azure_steps(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        for key, member in current.members.items() if current.kind == "mapping" else ():
            if key == "steps" and member.kind == "sequence":
                yield from (item for item in member.items if item.kind == "mapping")
            elif key in ("strategy", "runOnce", "deploy", "rolling", "canary") and member.kind == "mapping":
                waiting.append(member)
