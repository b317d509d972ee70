"""CI: failures that are masked, gates that are missing or not waited for, actions that may change under one's feet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
from prodlint.checks.delivery.gates import gate_of, gates_of, installs, named_gate, release_of, targets_of
from prodlint.checks.delivery.pipelines import KINDS, Job, Pipeline, Step, pipeline_of
from prodlint.facts import Command, Document, Node, Text
from prodlint.model import Evidence, FixRequest, Priority, Related, Span

# One of these stands in every definition of the systems that `pipeline_of` reads.
_CI_WORDS = ("jobs:", "script:", "steps:")

# ---------------------------------------------------------------- PRD902: masked failures

_MASKS = (
    ("||", "true"), ("||", "exit 0"), ("||", "echo"), ("||", "printf"), "|| :", "||:", "; true", ";true", "; exit 0", ";exit 0",
    "; :", "set +e", "--exit-zero", "--exit-code", "--soft-fail", "--no-fail", "exit-code:",
)  # fmt: skip
_EXIT_ZERO = ("--exit-zero", "--soft-fail", "--no-fail")
# A name that says a failure is expected here is a decision, not an accident.
_DECLARED = re.compile(
    r"experimental|allowed.to.fail|allow.failure|non.?blocking|informati(?:onal|ve)|advisory|optional|nightly|canary|best.effort"
    r"|(?:never|not|n't) blocks?\b|not a (?:merge |required )?gate|not enforcement|for visibility|visibility only",
    re.IGNORECASE,
)
# Targets that set up somebody's machine: what is there already may fail again.
_SETS_UP = re.compile(r"bootstrap|setup|install|init|dev|local|reset|clean|start|up$|run$|serve", re.IGNORECASE)
# A job that hands the fixes of a tool in wants the tool to fail.
_HANDS_IN = re.compile(
    r"git (?:commit|push|diff)|create-pull-request|git-auto-commit|autofix|add-and-commit|suggester|reviewdog|upload-sarif", re.IGNORECASE
)
_TAIL = re.compile(rb"[ \t]*(?:\|\|[ \t]*(?:true|:|exit[ \t]+0)|;[ \t]*(?:true|:|exit[ \t]+0))(?![\w./-])")


# Definitions that `pipeline_of` does not read: their commands are looked at one by one.
_HAS_NO_JOBS = re.compile(r"bitbucket-pipelines|\.travis|\.drone|\.woodpecker|buildspec|\.cirrus|\.?appveyor|cloudbuild")


@check(
    "PRD902",
    on=[commands()],
    required_literals=_MASKS,
    files=("makefile", "shell", "dockerfile", "json", "toml", "ini", "jenkinsfile", "yaml", "procfile"),
)
def masked_command(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    if command.origin == "ci" and context.file.kind == "yaml" and not _HAS_NO_JOBS.match(context.file.name.lower()):
        return
    if command.origin.endswith(("healthcheck", "probe")):
        return
    yield from _masked(command)


@check("PRD902", on=[commands()], required_literals=["\t-", "\t@-", ".ignore"], files=("makefile",))
@check("PRD902", on=[commands()], required_literals=[("testenv", "commands")], files=("ini",))
@check("PRD902", on=[commands()], required_literals=['"- ', "'- "], files=("toml",))
def ignored_line(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    if command.masked == "-" and gate_of(command):
        yield Diagnostic(command, f"A failing `{_shown(command)}` does not fail the build: the leading `-` discards its exit status")


_STATUS_ALONE = re.compile(r"(?:^|[{;])\s*sh\s*\(?[^=;{}]*\breturnStatus\s*:\s*true\b")


@check("PRD902", on=[commands()], required_literals=["returnstatus"], files=("jenkinsfile",))
def status_thrown_away(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    """`sh(script: "pytest", returnStatus: true)` gives the exit status back to nobody."""
    if gate_of(command) and _STATUS_ALONE.search(command.source.line_text(command.source.position(command.start)[0])):
        yield Diagnostic(command, f"A failing `{_shown(command)}` does not fail the stage: `returnStatus` only hands its exit status back")


@check("PRD902", on=[documents("tox")], required_literals=["ignore_outcome"], files=("ini",))
def ignored_outcome(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    for section in document.root.members.values():
        node = section.get("ignore_outcome")
        if node is not None and node.raw.lower() == "true":
            yield Diagnostic(ByteRange(node.source, node.key_start, node.end), "`ignore_outcome` lets tox pass when this environment fails")


@check(
    "PRD902",
    on=[documents(*KINDS, "github-action")],
    required_literals=(*_MASKS, "continue-on-error", "allow_failure", "continueonerror"),
    files=("yaml",),
)
def masked_in_pipeline(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    pipeline = pipeline_of(document)
    if pipeline is None:
        return
    seen: set[int] = set()
    for job in pipeline.jobs.values():
        for hit in _masked_in_job(pipeline, job):
            # Jobs of GitLab may share what they extend.
            if hit.at.start not in seen:
                seen.add(hit.at.start)
                yield hit


def _masked_in_job(pipeline: Pipeline, job: Job) -> Iterator[Diagnostic]:
    text = job.node.source.slice(job.node.start, job.node.end)
    hands_in = _HANDS_IN.search(text) is not None
    declared = _DECLARED.search(f"{job.name} {job.node.text_at('name')} {_note_at(job.ignored)}") is not None
    everything = [command for step in job.steps for command in step.commands]
    if job.ignored is not None and not declared and not job.manual and not hands_in:
        gates = sorted({what for _, what in job.gates()})
        if gates:
            key = "allow_failure" if pipeline.kind == "gitlab-ci" else job.node.source.slice(job.ignored.key_start, job.ignored.key_end)
            # A key that is there for this is a decision, though seldom one about all that the job guards.
            yield Diagnostic(_with_key(job.ignored), f"`{key}: true` lets the pipeline pass when `{gates[0]}` fails", priority="P1")
    for step in job.steps:
        if declared or _DECLARED.search(f"{step.name} {_note_at(step.ignored)} {_comments_in(step.node)}"):
            continue
        if step.ignored is not None and not hands_in and not _outcome_is_used(pipeline, step):
            gates = sorted({what for _, what in step.gates()})
            if gates:
                # A linter that may fail is how a team begins with one.
                softer: Priority | None = None if _guards_release(step) else "P2"
                yield Diagnostic(_with_key(step.ignored), f"`continue-on-error: true` hides a failing `{gates[0]}`", priority=softer)
        for command in step.commands:
            if not (hands_in and command.masked):
                yield from _masked(command, everything)
        yield from _silent_scanner(step, job)


def _with_key(node: Node) -> ByteRange:
    return ByteRange(node.source, node.key_start if node.key_end > node.key_start else node.start, node.end)


def _note_at(node: Node | None) -> str:
    """The comment behind a key or in the lines above it."""
    if node is None:
        return ""
    line = node.source.position(node.key_start)[0]
    notes = [node.source.line_text(line).partition("#")[2]]
    while line > 1 and node.source.line_text(line - 1).lstrip().startswith("#"):
        line -= 1
        notes.append(node.source.line_text(line).lstrip("# "))
    return " ".join(reversed(notes))


def _comments_in(node: Node) -> str:
    """The comments of a step, each on a line of its own."""
    lines = node.source.slice(node.start, node.end).splitlines()
    return " ".join(line.strip("# \t") for line in lines if line.lstrip().startswith("#"))


def _guards_release(step: Step) -> bool:
    """Whether a step runs more than linters."""
    return bool({kind for kind, _ in step.gates()} - {"lint", "type"})


def _outcome_is_used(pipeline: Pipeline, step: Step) -> bool:
    """Whether a later step asks how this one ended."""
    if not step.identity:
        return False
    data = pipeline.document.source.data
    return any(f"steps.{step.identity}.{part}".encode() in data for part in ("outcome", "conclusion"))


def _silent_scanner(step: Step, job: Job) -> Iterator[Diagnostic]:
    """`exit-code: "0"` of the trivy action: it reports and goes on."""
    if "trivy-action" not in step.uses:
        return
    code = step.node.get("with", "exit-code")
    if (
        code is not None
        and code.raw == "0"
        and step.node.text_at("with", "format") not in ("sarif", "json", "cyclonedx", "spdx-json", "template")
    ):
        if not any(other.node.text_at("with", "exit-code") not in ("", "0") for other in job.steps if "trivy-action" in other.uses):
            yield Diagnostic(_with_key(code), "`exit-code: 0` lets the job pass whatever `trivy` finds")


def _masked(command: Command, siblings: Sequence[Command] = ()) -> Iterator[Diagnostic]:
    kind = gate_of(command) or ("install" if command.origin == "dockerfile-run" and installs(command) else "")
    if not kind:
        return
    if command.masked == "set +e" and _ASKED_FOR.search(command.source.data, command.end, command.end + 300):
        return  # `set +e; OUT=$(migrate); STATUS=$?`: kept, and asked for
    if command.masked and command.masked != "-":
        if command.origin in ("makefile", "toml") and kind in ("migrate", "build") and _SETS_UP.search(command.owner):
            return
        if kind == "install" and (command.masked == "set +e" or _INSTALLS_BEFORE.search(_chain_before(command))):
            return  # one mask at the end of a chain of installations is one mistake
        tail = _TAIL.match(command.source.data, command.end)
        end = tail.end() if tail else command.end
        fix = FixRequest("replace", "let the failure through", False, (("text", command.text),)) if tail else None
        yield Diagnostic(
            ByteRange(command.source, command.start, end),
            f"A failing `{_shown(command)}` does not fail the {_unit(command)}: `{command.masked}` discards its exit status",
            fix=fix,
        )
        return
    index = command.flag(*_EXIT_ZERO)
    if index == -1 and command.flag_value("--exit-code") == "0" and command.program == "trivy":
        index = command.flag("--exit-code")
    if index != -1 and kind in ("lint", "type", "scan"):
        strict = any(other.program == command.program and other is not command and other.flag(*_EXIT_ZERO) == -1 for other in siblings)
        strict = strict or (command.origin == "shell" and _runs_strictly(command))
        if not strict:
            flag = command.argv[index]
            yield Diagnostic(ByteRange(command.source, *command.words[index]), f"`{flag}` makes `{command.program}` pass whatever it finds")


_ASKED_FOR = re.compile(rb"=[\"']?\$\?|\[\s+[\"']?\$\?|PIPESTATUS")
_INSTALLS_BEFORE = re.compile(rb"(?:\b(?:pip3?|uv|poetry|apt|apt-get|apk|dnf|yum|npm|yarn|pnpm)\b[^;|\n]*\b(?:install|add|sync|ci)\b)")
_CONTINUED = re.compile(rb"\\[ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")


def _chain_before(command: Command) -> bytes:
    """The command that another is joined to by `&&`, with those before it in the same chain."""
    before = _CONTINUED.sub(b" ", command.source.data[max(0, command.start - 1500) : command.start]).rstrip()
    if not before.endswith(b"&&"):
        return b""
    return re.split(rb"\n|;|\|\|", before)[-1]


def _unit(command: Command) -> str:
    """What a command is a part of, as people call it."""
    return {"ci": "job", "dockerfile-run": "image build", "makefile": "target", "shell": "script"}.get(command.origin, "build")


def _runs_strictly(command: Command) -> bool:
    """Whether a script runs the same check once more, without the flag: the first run only wrote the report."""
    start = _shown(command)
    lines = (line.strip() for line in command.source.text.splitlines())
    return any(line.startswith(start) and not any(flag in line for flag in _EXIT_ZERO) for line in lines)


def _shown(command: Command) -> str:
    """The command in a few words."""
    verb = command.argv[0] if command.argv else ""
    return f"{command.program} {verb}" if re.fullmatch(r"[a-z][a-z0-9:_-]*", verb) else command.program


# ---------------------------------------------------------------- PRD903: pipes that lose the exit status


@check("PRD903", on=[commands()], required_literals=["| ", "|tee"], files=("dockerfile", "shell", "jenkinsfile"))
def gate_in_pipe(command: Command, context: CheckContext) -> Iterator[Diagnostic]:
    yield from _piped(command)


@check(
    "PRD903",
    on=[documents("github-workflow", "github-action", "azure-pipelines")],
    required_literals=[("steps:", "| "), ("steps:", "|tee")],
    files=("yaml",),
)
def gate_in_pipe_of_pipeline(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        # PowerShell keeps the exit status of the program.
        windows = "windows" in job.node.text_at("runs-on").lower()
        for step in job.steps:
            if step.ignored is None and not (windows and not step.node.text_at("shell")):
                for command in step.commands:
                    yield from _piped(command)


# What reads a report and judges it, or is there to hand a list on, is not there for show.
_JUDGES = frozenset(("grep", "egrep", "rg", "jq", "xargs", "while", "read", "reviewdog", "python", "diff", "cmp", "yq", "pytest-annotate"))


def _piped(command: Command) -> Iterator[Diagnostic]:
    if command.operator_after not in ("|", "|&") or "pipefail" in command.options or command.condition or command.masked:
        return
    kind = gate_of(command)
    if not kind or not command.following or command.following[0] in _JUDGES:
        return
    if b"PIPESTATUS" in command.source.data or b"pipestatus" in command.source.data:
        return
    words = f"`{_shown(command)} | {command.following[0]}` hides a failing `{_shown(command)}`: without `pipefail` the exit status is that of `{command.following[0]}`"
    yield Diagnostic(command, words, fix=_pipefail(command))


_BEGINS = re.compile(r"\s*(?:- )?(?:(?:run|script|bash)[ ]*:[ ]*[\"']?)?")


def _pipefail(command: Command) -> FixRequest | None:
    """`set -o pipefail` before it, where it begins its line and the shell is known to be bash."""
    line, column = command.source.position(command.start)
    if command.origin != "ci" or command.file.kind != "yaml" or not _BEGINS.fullmatch(command.source.line_text(line)[: column - 1]):
        return None
    return FixRequest("replace", "let the pipe fail with the check", True, (("text", f"set -o pipefail; {command.text}"),))


# ---------------------------------------------------------------- PRD905: releases that wait for nothing

_TRIAL = re.compile(r"(?:^|[^a-z])(?:staging|stage|stg|preview|sandbox|dev|develop|development|qa|uat|canary)(?:$|[^a-z])", re.IGNORECASE)
_PRODUCTION = re.compile(r"\bprod(?:uction)?\b|\blive\b", re.IGNORECASE)
_TESTING = frozenset(("test", "lint", "type", "scan"))


@check("PRD905", on=[documents(*KINDS)], required_literals=_CI_WORDS, files=("yaml",))
def release_without_gate(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    pipeline = pipeline_of(document)
    if pipeline is None or pipeline.unresolved:
        return
    testing = {job.name for job in pipeline.jobs.values() if _TESTING & {kind for kind, _ in job.gates()} & {"test"}}
    for job in pipeline.jobs.values():
        found = _release(job)
        if found is None:
            continue
        step, kind, program = found
        if kind == "publish" and any(job.name in pipeline.before(pipeline.jobs[name]) for name in testing):
            # The image that the tests are about to run in.
            continue
        related = _related(pipeline, testing, context)
        if kind == "deploy" and _only_pull_requests(pipeline) and _PRODUCTION.search(job.environment):
            yield Diagnostic(_job_place(job), f"`{job.name}` deploys to `{job.environment}` from a pull request")
        elif _defeats_gates(job, pipeline, testing):
            yield Diagnostic(
                _condition_place(job), f"`always()` lets `{job.name}` release although what it needs has failed", related=related
            )
        elif not _is_gated(pipeline, job, step, testing):
            if testing - {job.name}:
                first = min(testing - {job.name})
                yield Diagnostic(_job_place(job), f"`{job.name}` runs `{program}` without waiting for `{first}`", related=related)


@collect("deploy", on=[documents(*KINDS)], required_literals=_CI_WORDS, files=("yaml",))
def deploys_on_push(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    pipeline = pipeline_of(document)
    if pipeline is None or pipeline.unresolved or context.file.roles & {"example", "docs"}:
        return
    testing = {job.name for job in pipeline.jobs.values() if "test" in {kind for kind, _ in job.gates()}}
    for job in pipeline.jobs.values():
        found = _release(job)
        # Where a change goes to be tried out, it may go first.
        named = " ".join(step.node.text_at("name") for step in job.steps)
        trial = _TRIAL.search(f"{job.name} {job.environment} {context.file.name} {named}") and not _PRODUCTION.search(
            f"{job.name} {job.environment} {named}"
        )
        waited_for = sorted(pipeline.before(job) & testing)
        if found is not None and found[1] == "deploy" and not trial and waited_for:
            place = _job_place(job)
            words = f"`{job.name}` deploys to production after `{waited_for[0]}`"
            yield ProjectFact("deploy", context.file.path, document.source.span(place.start, place.end), words, (("kind", "gated"),))
        if (
            found is not None
            and (found[1] == "deploy" or "push" in pipeline.triggers)
            and not trial
            and not testing - {job.name}
            and not _is_gated(pipeline, job, found[0], testing)
        ):
            place = _job_place(job)
            late = "push" not in pipeline.triggers and "workflow_run" in pipeline.triggers
            why = (
                "whatever the workflow before it came to: its `conclusion` is not asked for" if late else "on a push and waits for no test"
            )
            words = f"`{job.name}` runs `{found[2]}` {why}"
            span = document.source.span(place.start, place.end)
            yield ProjectFact("deploy", context.file.path, span, words, (("kind", found[1]),))


@project_check("PRD905", topics=("deploy", "ci-pipeline", "task-gate", "task-needs"))
def deploy_in_a_file_of_its_own(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A workflow that deploys each push, with the tests in another one that runs at the same time."""
    # A merge queue only lets through what its checks have passed.
    queued = any("merge_group" in each.words.split(",") for each in project.about("ci-pipeline"))
    if options.get("branch-protection") or queued:
        return
    tested = _tests_somewhere(project)
    for each in project.about("deploy"):
        if each.get("kind") == "gated":
            yield Evidence("PRD905", each.path, each.span, each.words)
            continue
        # An image that is pushed may wait in the registry for the tests beside it; where there are none, it waits for nothing.
        if each.get("kind") == "deploy" or (not tested and options.get("images")):
            yield ProjectDiagnostic(each.path, each.span, each.words, priority="P1")


def _tests_somewhere(project: Project) -> bool:
    """Whether a pipeline runs tests, or may do so in what cannot be seen here."""
    pipelines = project.about("ci-pipeline")
    if any(who not in _READ_SYSTEMS for _, who in _ci_files(project)):
        return True
    known = _known_tasks(project)
    for each in pipelines:
        tasks = [task for task in each.get("tasks").split(",") if task]
        gates = set(each.get("gates").split(",")).union(*(known.get(task, _UNKNOWN) for task in tasks))
        if each.get("unresolved") or gates & {"test", "?"}:
            return True
    return False


# Clusters and clouds that live as long as the job: what is installed there is being tested.
_THROWAWAY_ACTIONS = re.compile(r"(?:^|[/_-])(?:kind|k3d|k3s|minikube|microk8s|localstack)(?:$|[/_-])")
_THROWAWAY_COMMANDS = frozenset(("kind", "k3d", "minikube", "microk8s", "localstack", "ct"))


def _is_throwaway(job: Job) -> bool:
    return any(
        _THROWAWAY_ACTIONS.search(step.uses) or any(command.program in _THROWAWAY_COMMANDS for command in step.commands)
        for step in job.steps
    )


# `build-test-deploy.yml` tests what it deploys.
_TESTS_IT = re.compile(r"(?i)test|check|ci\b")
# `find-releases.yml`, `release-notes.yml` make nothing that others run.
_PREPARES = re.compile(
    r"(?i)(?:find|list|get|next|prepare|draft|compute|plan|update|notify)[-_]|.*[-_](?:notes?|drafter|draft|version|changelog|info)\b"
)


def _release(job: Job) -> tuple[Step, str, str] | None:
    if job.manual:
        return None
    called = job.calls.rpartition("/")[2]
    if job.calls.startswith("./") and _DEPLOYS.search(called) and not _TESTS_IT.search(called) and not _PREPARES.match(called):
        return Step(job.node), "deploy", called
    throwaway = _is_throwaway(job)
    for step in job.steps:
        for kind, program in step.releases():
            if kind == "publish" or not throwaway:
                return step, kind, program
        if _DEPLOYS.search(job.name):
            # What starts containers for the tests elsewhere starts the service in a job of that name.
            for command in step.commands:
                if command.program in ("docker", "docker-compose") and "up" in command.argv[:6] and {"-d", "--detach"} & set(command.argv):
                    return step, "deploy", f"{command.program} up"
    return None


_DEPLOYS = re.compile(r"deploy|release|production|(?:^|[-_ ])prod(?:$|[-_ ])", re.IGNORECASE)


def _related(pipeline: Pipeline, testing: set[str], context: CheckContext) -> tuple[Related, ...]:
    places = []
    for name in sorted(testing)[:2]:
        node = pipeline.jobs[name].node
        places.append(Related(context.file.path, node.source.span(node.key_start, node.key_end), f"`{name}` tests"))
    return tuple(places)


def _job_place(job: Job) -> ByteRange:
    node = job.node
    return (
        ByteRange(node.source, node.key_start, node.key_end)
        if node.key_end > node.key_start
        else ByteRange(node.source, node.start, node.end)
    )


def _condition_place(job: Job) -> ByteRange:
    node = job.node.get("if")
    return _with_key(node) if node is not None else _job_place(job)


def _only_pull_requests(pipeline: Pipeline) -> bool:
    events = set(pipeline.triggers) - {"workflow_dispatch"}
    if not events or not events <= {"pull_request", "pull_request_target"}:
        return False
    return all("closed" not in node.source.slice(node.start, node.end) for node in pipeline.triggers.values() if node is not None)


def _defeats_gates(job: Job, pipeline: Pipeline, testing: set[str]) -> bool:
    condition = job.condition.replace(" ", "")
    if "always()" not in condition or "!failure()" in condition or ".result" in condition or "success()" in condition:
        return False
    return bool(pipeline.before(job) & testing)


def _asks_conclusion(pipeline: Pipeline) -> bool:
    """Whether a workflow that starts after another one asks how that ended: it starts after a failure too."""
    return b"conclusion" in pipeline.document.source.data


def _is_gated(pipeline: Pipeline, job: Job, release: Step, testing: set[str]) -> bool:
    started = set(pipeline.triggers)
    # A person, a published release, a tag or another workflow decides.
    if not started & {"push", "pull_request", "workflow_run"} or pipeline.tags_only:
        return True
    if "push" not in started and "workflow_run" not in started:
        return True
    if "workflow_run" in started:
        return _asks_conclusion(pipeline)
    if pipeline.before(job) & testing:
        return True
    if (
        any(_TESTING & {kind for kind, _ in pipeline.jobs[name].gates()} for name in pipeline.before(job) if name in pipeline.jobs)
        and not testing
    ):
        return True
    if any(pipeline.jobs[name].calls for name in pipeline.before(job) if name in pipeline.jobs):
        return True
    if pipeline.kind == "circleci" and any(pipeline.jobs[name].manual for name in pipeline.before(job) if name in pipeline.jobs):
        return True
    for step in job.steps:
        if step is release and pipeline.kind == "github-workflow":
            for command in step.commands:
                if release_of(command):
                    break
                if gate_of(command) in _TESTING and not command.masked:
                    return True
            break
        if _TESTING & {kind for kind, _ in step.gates()}:
            return True
    text = f"{job.condition} {' '.join(s.condition for s in job.steps)}"
    if pipeline.kind == "gitlab-ci" and re.search(r"\bCI_COMMIT_TAG\b|\btags\b", job.condition):
        return True
    return "refs/tags" in text or "github.event_name == 'release'" in text or "workflow_dispatch" in text or "merged" in text


# ---------------------------------------------------------------- PRD906: actions that may change

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_VERSION = re.compile(r"v?\d+(?:\.\d+)*(?:[-.+][\w.]+)?|[A-Za-z][\w.-]*?[-/@_]v?\d+(?:\.\d+)+")
_BRANCHES = frozenset("main master develop dev trunk head latest edge next stable nightly canary release unstable".split())
_OFFICIAL = ("actions", "github")
_OFFICIAL_OWNERS = tuple(f"{owner}/" for owner in _OFFICIAL)


@check("PRD906", on=[documents("github-workflow", "github-action")], required_literals=["uses:", ("runs:", "docker://")], files=("yaml",))
def unpinned_action(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    allowed = tuple(str(entry).lower() for entry in context.options.get("allow", ()))
    own = owner_of_repository(context)
    seen: set[str] = set()
    official: list[Node] = []
    tagged: list[tuple[Node, bool]] = []
    for node, holder, step in _uses(document.root):
        found = _unpinned(node.raw, own)
        if found is None or node.raw in seen:
            continue
        name = node.raw.split("@", 1)[0].lower()
        if any(name == entry or (entry.endswith("/*") and name.startswith(entry[:-1])) for entry in allowed):
            continue
        seen.add(node.raw)
        priority, words = found
        if priority == "P2":
            # Tags of official and own actions, and branches of own ones.
            if context.options.get("strict"):
                official.append(node)
        elif words.startswith("Third-party"):
            at_stake = _is_trusted_with(step, holder, document.root)
            if not (at_stake or context.options.get("strict")):
                seen.discard(node.raw)  # another step may hand a secret to the same action
                continue
            tagged.append((node, at_stake))
        else:
            if "follows the branch" in words and not _has_something_to_lose(holder, document.root):
                priority = "P2"
            yield Diagnostic(ByteRange(node.source, node.start, node.end), words, priority=priority)
    if tagged:
        yield _tagged(tagged)
    if official:
        count = len(official) - 1
        more = f" ({count} more official or own {'action' if count == 1 else 'actions'} in this file)" if count else ""
        related = tuple(Related(node.file.path, node.span, "pinned to a tag as well") for node in official[1:])
        kind = "a branch" if official[0].raw.partition("@")[2].lower() in _BRANCHES else "a tag"
        yield Diagnostic(official[0], f"`{official[0].raw}` is pinned to {kind}, not a commit{more}", priority="P2", related=related)


def _tagged(nodes: Sequence[tuple[Node, bool]]) -> Diagnostic:
    """One finding for the third-party actions of a file that follow a tag, at the first of them that is handed something to lose."""
    ordered = sorted(nodes, key=lambda each: not each[1])
    (first, at_stake), *others = ordered
    kind = "tag" if _VERSION.fullmatch(first.raw.partition("@")[2]) else "branch or tag"
    words = f"Third-party action `{first.raw}` is pinned to a {kind}" + (
        " and is handed a secret or the right to publish" if at_stake else ", not a commit"
    )
    if others:
        listed = ", ".join(f"`{node.raw}`" for node, _ in others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        words += f" (in this file also {listed})"
    related = tuple(Related(node.file.path, node.span, "pinned to a tag as well") for node, _ in others)
    return Diagnostic(ByteRange(first.source, first.start, first.end), words, priority="P1" if at_stake else "P2", related=related)


_SECRET = re.compile(r"(?<![\w.-])secrets\.(?!GITHUB_TOKEN\b)\w|\bsecrets:\s*inherit\b")
_WRITES = re.compile(r"\b(?:write-all|(?:contents|packages|id-token|actions|deployments|pull-requests|pages|issues)\s*:\s*write)\b")


# Good for sending a report in, and for nothing else.
_REPORTS = re.compile(r"(?<![\w.-])secrets\.(?:CODECOV|COVERALLS|CODACY|SONAR|CODECLIMATE|CC_TEST|DEEPSOURCE|CODSPEED|CHROMATIC)\w*")
# What is in the environment of a whole job is there for other steps than these.
_PREPARES_STEPS = re.compile(r"/(?:[\w-]*setup[\w-]*|install[\w-]*|paths-filter|changed-files|cache[\w-]*|path-filter)@")
_PUBLISHES = re.compile(r"\b(?:write-all|(?:contents|packages|id-token|deployments)\s*:\s*write)\b")


def _is_trusted_with(step: Node, holder: Node, root: Node) -> bool:
    """Whether an action is handed a secret that opens something, by its own step or its surroundings, or runs with a right to publish."""
    texts = [step.source.slice(step.start, step.end)]
    if not _PREPARES_STEPS.search(step.text_at("uses")):
        texts += [above.source.slice(above.start, above.end) for above in (holder.get("env"), root.get("env")) if above is not None]
    if any(_SECRET.search(_REPORTS.sub("", text)) for text in texts):
        return True
    granted = holder.get("permissions") or root.get("permissions")
    return granted is not None and _PUBLISHES.search(granted.source.slice(granted.start, granted.end)) is not None


def _has_something_to_lose(holder: Node, root: Node) -> bool:
    """Whether a job holds secrets or may write: code that changes in it can then take them along."""
    texts = [holder.source.slice(holder.start, holder.end)]
    for key in ("permissions", "env"):
        above = root.get(key)
        if above is not None:
            texts.append(above.source.slice(above.start, above.end))
    return any(_SECRET.search(_REPORTS.sub("", text)) or _WRITES.search(text) for text in texts)


def _uses(root: Node) -> Iterator[tuple[Node, Node, Node]]:
    """What a workflow or an action calls, each with the job or the action that calls it, and the step."""
    jobs = root.get("jobs")
    holders: list[Node] = list(jobs.members.values()) if jobs is not None and jobs.kind == "mapping" else []
    runs = root.get("runs")
    holders += [runs] if runs is not None else []
    for holder in holders:
        if holder.kind != "mapping":
            continue
        called = holder.get("uses")
        if called is not None and called.kind == "scalar":
            yield called, holder, holder
        image = holder.get("image") if holder is runs else None
        if image is not None and image.raw.startswith("docker://"):
            yield image, holder, holder
        steps = holder.get("steps")
        for step in steps.items if steps is not None else ():
            action = step.get("uses")
            if action is not None and action.kind == "scalar":
                yield action, holder, step


def owner_of_repository(context: CheckContext) -> str:
    """The organisation of this repository, as far as its settings say."""
    owner = str(context.options.get("owner", ""))
    return (owner or context.environment.owner).lower()


def _unpinned(uses: str, own: str) -> tuple[Priority, str] | None:
    if uses.startswith(("./", "../", "${{")) or "${{" in uses:
        return None
    if uses.startswith("docker://"):
        return None if "@sha256:" in uses else ("P1", f"`{uses}` is not pinned to a digest")
    name, at, reference = uses.partition("@")
    if not at or not reference:
        return "P1", f"`{uses}` names no version"
    if _SHA.fullmatch(reference.lower()):
        return None
    owner = name.split("/", 1)[0].lower()
    if reference.lower() in _BRANCHES or reference.startswith("refs/heads/"):
        return ("P2" if own and owner == own else "P1"), f"`{name}` follows the branch `{reference}`: its code can change at any time"
    if owner in _OFFICIAL or (own and owner == own):
        return "P2", ""
    if _VERSION.fullmatch(reference):
        return "P1", f"Third-party action `{name}@{reference}` is pinned to a tag; pin the commit SHA"
    return "P1", f"Third-party action `{name}@{reference}` is pinned to a branch or tag; pin the commit SHA"


@check("PRD906", on=[documents("gitlab-ci")], required_literals=["include"], files=("yaml",))
def unpinned_include(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    include = document.root.get("include")
    if include is None:
        return
    for item in include.items if include.kind == "sequence" else (include,):
        remote = item.get("remote") if item.kind == "mapping" else item
        if remote is not None and remote.kind == "scalar" and remote.raw.startswith(("http://", "https://")):
            if item.kind != "mapping" or not item.text_at("integrity"):
                yield Diagnostic(remote, "a remote include without `integrity` may change between two pipelines")
        elif item.kind == "mapping" and (project := item.get("project")) is not None:
            reference = item.text_at("ref")
            if not reference or reference.lower() in _BRANCHES:
                words = f"follows the branch `{reference}`" if reference else "follows the default branch"
                yield Diagnostic(project, f"the include of `{project.raw}` {words}")
        elif item.kind == "mapping" and (component := item.get("component")) is not None and "@" in component.raw:
            reference = component.raw.rsplit("@", 1)[1]
            if reference.lower() in _BRANCHES or reference == "~latest":
                yield Diagnostic(component, f"the component `{component.raw.rsplit('/', 1)[-1]}` follows `{reference}`")


@check("PRD906", on=[documents("circleci")], required_literals=["orbs:"], files=("yaml",))
def moving_orb(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Orbs that change between two pipelines: `volatile` is the newest of all, `dev:` a version that may be published over."""
    orbs = document.root.get("orbs")
    for name, orb in orbs.members.items() if orbs is not None else ():
        reference = orb.raw.partition("@")[2] if orb.kind == "scalar" else "inline"
        if reference == "volatile" or reference.startswith("dev:") or not reference:
            yield Diagnostic(orb, f"the orb `{name}` follows `{reference}`" if reference else f"the orb `{name}` names no version")


@check("PRD906", on=[documents("pre-commit")], required_literals=["rev:"], files=("yaml",))
def unpinned_hook(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    repos = document.root.get("repos")
    for repo in repos.items if repos is not None else ():
        revision = repo.get("rev")
        if revision is not None and revision.raw.lower() in _BRANCHES:
            name = repo.text_at("repo").rsplit("/", 1)[-1]
            yield Diagnostic(revision, f"the hooks of `{name}` follow the branch `{revision.raw}`")


# ---------------------------------------------------------------- PRD901 and PRD904: is there a CI, and what does it ask for?

# Where CI systems keep their definitions: (path or start of it, who).
_CI_PLACES = (
    (".github/workflows/", "GitHub Actions"),
    (".gitea/workflows/", "Gitea Actions"),
    (".forgejo/workflows/", "Forgejo Actions"),
    (".gitlab-ci.yml", "GitLab CI"),
    (".circleci/config.yml", "CircleCI"),
    ("azure-pipelines", "Azure Pipelines"),
    (".azure-pipelines/", "Azure Pipelines"),
    (".azuredevops/", "Azure Pipelines"),
    ("bitbucket-pipelines.yml", "Bitbucket Pipelines"),
    (".woodpecker", "Woodpecker"),
    (".buildkite/", "Buildkite"),
    (".drone.yml", "Drone"),
    (".travis.yml", "Travis"),
    ("cloudbuild.y", "Cloud Build"),
    ("buildspec.y", "CodeBuild"),
    (".semaphore/", "Semaphore"),
    (".harness/", "Harness"),
    (".teamcity/", "TeamCity"),
    (".tekton/", "Tekton"),
    ("appveyor.yml", "AppVeyor"),
    (".cirrus.yml", "Cirrus"),
    (".builds/", "builds.sr.ht"),
    ("codemagic.yaml", "Codemagic"),
    ("Jenkinsfile", "Jenkins"),
)


# Those that a service of a larger tree may have a file of its own for, wherever it stands.
_CI_STARTS = tuple(start for start, _ in _CI_PLACES)
_ANYWHERE = ("Jenkinsfile", ".woodpecker", "azure-pipelines", "cloudbuild.y", "buildspec.y")
# Those whose jobs and steps `pipeline_of` knows.
_READ_SYSTEMS = frozenset(("GitHub Actions", "GitLab CI", "CircleCI", "Azure Pipelines"))


@collect("task-gate", "task-needs", on=[documents("github-action")], required_literals=[("runs:", "steps:")], files=("yaml",))
def composite_actions(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """What a composite action of this repository guards, under the path that workflows call it by."""
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        task = f"action:./{context.file.path.rpartition('/')[0]}"
        yield project_fact("task-gate", document, "", task=task)
        for kind in {kind for kind, _ in job.gates()}:
            yield project_fact("task-gate", document, kind, task=task)
        wanted = {_called(step) for step in job.steps}.union(*(_tasks_of(command) for step in job.steps for command in step.commands))
        yield project_fact("task-needs", document, " ".join(sorted(wanted - {""})), task=task)


def _called(step: Step) -> str:
    """The composite action of this repository that a step calls."""
    used = step.action.raw.rstrip("/") if step.action is not None else ""
    return f"action:{used}" if used.startswith("./") else ""


@collect("ci-pipeline", on=[documents(*KINDS)], required_literals=_CI_WORDS, files=("yaml",))
def pipelines(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    pipeline = pipeline_of(document)
    if pipeline is None or not pipeline.jobs:
        return
    gates: set[str] = set()
    guessed = False
    tasks: set[str] = set()
    unresolved = pipeline.unresolved
    for job in pipeline.jobs.values():
        found = {kind for kind, _ in job.gates()}
        named = named_gate(job.name)
        gates |= found | ({named} if named and (job.steps or job.calls) else set())
        for step in job.steps:
            tasks.add(_called(step))
            # `run: ${{ matrix.command }}` may be anything.
            unresolved = unresolved or step.node.text_at("run").lstrip().startswith("${{")
            if _CHECKS.search(step.name) or any(_CHECKS.search(_script(command)) for command in step.commands):
                guessed = True  # a step that is called a check: of what, its name does not show
            tasks.update(*(_tasks_of(command) for command in step.commands))
    guessed = guessed and "lint" not in gates
    if guessed:
        gates.add("lint")
    first = next(iter(pipeline.jobs.values())).node
    place = ByteRange(document.source, first.key_start, first.key_end)
    yield ProjectFact(
        "ci-pipeline",
        context.file.path,
        document.source.span(place.start, place.end),
        ",".join(sorted(pipeline.triggers)),
        (
            ("automatic", "1" if pipeline.automatic else ""),
            ("gates", ",".join(sorted(gates - {""}))),
            ("guessed", "1" if guessed else ""),
            ("tasks", ",".join(sorted(tasks - {""}))),
            ("unresolved", "1" if unresolved else ""),
            ("runs", "1" if any(step.commands for job in pipeline.jobs.values() for step in job.steps) else ""),
        ),
    )


# A script or step of this repository that says it checks: enough not to call the gate missing.
_CHECKS = re.compile(
    r"\blint|linter|(?:\b|_)checks?\b(?! ?out)|\bformat|\bstyle|\bquality|static (?:anal|check)|typ(?:e|ing)[ _-]?check", re.IGNORECASE
)


def _script(command: Command) -> str:
    """The script of this repository that the command runs, or nothing."""
    first = next((word for word in command.argv if not word.startswith("-")), "")
    if command.program in ("python", "bash", "sh", "node"):
        return first.rsplit("/", 1)[-1] if first.endswith((".py", ".sh", ".js")) else ""
    return command.program if command.program.endswith((".py", ".sh")) else ""


def _tasks_of(command: Command) -> set[str]:
    """The tasks of this repository that the command starts: "make:ci", "npm:verify", "sh:scripts/check.sh"."""
    plain = [word for word in command.argv if not word.startswith("-") and "=" not in word]
    if command.program in ("make", "gmake"):
        return {f"make:{target}" for target in targets_of(command.argv)} or {"make:"}
    if command.program in _OTHER_RUNNERS:
        # `just check` may run the tests as well.
        vague = bool(plain) and plain[0].lower() in ("check", "verify", "validate", "qa", "ci", "all")
        return set() if gate_of(command) and not vague else {f"?:{command.program}"}
    if command.program in ("npm", "pnpm", "yarn", "bun"):
        plain = plain[1:] if plain[:1] in (["run"], ["run-script"]) else plain
        return {f"npm:{plain[0]}"} if plain else set()
    if command.program in ("bash", "sh") and plain:
        return {f"sh:{plain[0].rsplit('/', 1)[-1]}"}
    first = command.text.split(None, 1)[0] if command.text else ""
    local = "/" in first and not first.startswith(("/usr/", "/bin/", "~", "http", "$"))
    return {f"sh:{command.program}"} if command.program.endswith(".sh") or local else set()


# Runners whose files prodlint does not read: what their tasks do is not known unless the name says it.
_OTHER_RUNNERS = frozenset("just task inv invoke poe nox mage earthly dagger bazel pants nx turbo doit rake lerna moon buck2".split())


_ON_CHANGES = frozenset(("pull_request", "pull_request_target", "merge_request", "merge_request_event"))
_TASK_WORDS = ("test", "lint", "ruff", "mypy", "docker", "check", "flake8", "tox", "nox")


@collect("task-gate", on=[commands()], required_literals=_TASK_WORDS, files=("makefile", "shell", "jenkinsfile"))
@collect("task-gate", on=[commands()], required_literals=[('"scripts"', 'dependencies"', word) for word in _TASK_WORDS], files=("json",))
def tasks(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    for kind in gates_of(command):
        if command.origin == "ci":
            yield project_fact("task-gate", command, kind, task="ci")
            continue
        start = {"makefile": "make", "shell": "sh", "package-json": "npm"}.get(command.origin, "")
        yield project_fact("task-gate", command, kind, task=f"{start}:{command.owner}")


_RULE = re.compile(rb"(?m)^([A-Za-z0-9_./%-]+(?:[ \t]+[A-Za-z0-9_./%-]+)*)[ \t]*::?(?!=)[ \t]*([^\n=#|]*)$")


@collect("task-needs", on=[text()], required_literals=["test", "lint", "check"], files=("makefile",))
def prerequisites(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """`ci: lint test`: a target that does what others do."""
    for found in _RULE.finditer(whole.source.data):
        needs = found[2].decode("utf-8", "replace").split()
        for target in found[1].decode("utf-8", "replace").split():
            yield ProjectFact("task-needs", context.file.path, Span(1, 1, 1, 1), " ".join(needs), (("task", f"make:{target}"),))


@project_check("PRD901", topics=("ci-pipeline",))
def ci_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    if not project.environment.is_service or options.get("external"):
        return
    place = _ci_place(project)
    if place is None:
        anchor = project.service_place()
        if anchor is not None:
            yield ProjectDiagnostic(anchor[0], anchor[1], "this service is deployed without any CI: nothing checks a change first")
        return
    traces = project.about("ci-pipeline")
    github = [each for each in traces if each.path.startswith(".github/workflows/")]
    others = [path for path, _ in _ci_files(project) if not path.startswith(".github/workflows/")]
    if github and not others and not any(each.get("automatic") for each in github):
        first = github[0]
        yield ProjectDiagnostic(first.path, first.span, f"no workflow runs when the code changes: all wait for {_listed(github)}")
        return
    yield Evidence("PRD901", place[0], Span(1, 1, 1, 1), f"{place[1]} is configured")


def _listed(traces: Sequence[ProjectFact]) -> str:
    events = sorted({event for each in traces for event in each.words.split(",") if event})
    return " or ".join(f"`{event}`" for event in events[:3]) or "nothing"


def _ci_files(project: Project) -> Iterator[tuple[str, str]]:
    for file in project.files:
        if not file.path.startswith(_CI_STARTS) and not file.path.rpartition("/")[2].startswith(_ANYWHERE):
            continue
        for start, who in _CI_PLACES:
            if file.path.startswith(start) or (start in _ANYWHERE and file.name.startswith(start)):
                yield file.path, who
                break


def _ci_place(project: Project) -> tuple[str, str] | None:
    """A CI definition, discovered or merely there (an ignored file is a definition all the same)."""
    found = next(_ci_files(project), None)
    if found is not None:
        return found
    for start, who in _CI_PLACES:
        if project.exists(start) and not _holds_only_retired(project, start):
            return start.rstrip("/"), who
    return None


def _holds_only_retired(project: Project, folder: str) -> bool:
    """Whether all that lies in a folder of workflows was put out of service: `tests.yml.disabled`, `old/tests.yml.bak`."""
    return folder.endswith("workflows/") and not any(name.endswith((".yml", ".yaml")) for name in project.names_in(folder.rstrip("/")))


_WANTED: tuple[tuple[str, tuple[str, ...], Priority, str], ...] = (
    ("test", ("test",), "P1", "no step runs tests"),
    ("lint", ("lint", "type"), "P1", "no step runs a linter or a type checker"),
    ("build", ("build",), "P2", "no step builds the image"),
)


@project_check("PRD904", topics=("ci-pipeline", "task-gate", "task-needs"))
def gates_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    if not project.environment.is_service:
        return
    traces = project.about("ci-pipeline")
    if options.get("external") or any(who not in _READ_SYSTEMS for _, who in _ci_files(project)):
        return
    # Workflows that only call scanners and bots: what builds and tests is configured elsewhere.
    if not any(each.get("runs") for each in traces):
        return
    known = _known_tasks(project)
    gates = {True: set[str](), False: set[str]()}
    unresolved = False
    for each in traces:
        automatic = bool(each.get("automatic"))
        found = set(each.get("gates").split(","))
        for task in filter(None, each.get("tasks").split(",")):
            found |= known.get(task, set())
            unresolved = unresolved or (task not in known and not task.startswith("npm:")) or "?" in found
        gates[automatic] |= found
        if "workflow_call" in each.words.split(","):
            gates[True] |= found
        unresolved = unresolved or bool(each.get("unresolved"))
    if any(file.name == ".pre-commit-config.yaml" for file in project.files) and _pre_commit_ci(project):
        gates[True].add("lint")
    has_image = any(file.kind == "dockerfile" and not file.roles & {"dev", "test", "example", "ci"} for file in project.files)
    anchor = next((each for each in traces if each.get("automatic")), traces[0])
    if not unresolved and not (gates[True] | gates[False]) & {"test", "lint", "type", "build"}:
        yield ProjectDiagnostic(anchor.path, anchor.span, "CI runs no tests, no linter and no image build")
        return
    for name, kinds, priority, words in _WANTED:
        if gates[True] & set(kinds) or (name == "build" and gates[False] & set(kinds)):
            having = [each for each in traces if set(each.get("gates").split(",")) & set(kinds)]
            proving = [each for each in having if name != "lint" or not each.get("guessed")]
            if having and not proving:
                continue
            # What runs on every change shows it best.
            proving.sort(key=lambda each: (not _ON_CHANGES & set(each.words.split(",")), not each.get("automatic")))
            own = proving[0] if proving else anchor
            yield Evidence("PRD904", own.path, own.span, f"CI has a {name} gate")
        elif unresolved or (name == "build" and not has_image) or (name != "test" and not options.get("all")):
            # A template, an orb or a reusable workflow elsewhere may hold the gate: nothing can be said.
            continue
        elif gates[False] & set(kinds):
            late = next(each for each in traces if set(each.get("gates").split(",")) & set(kinds))
            yield ProjectDiagnostic(
                late.path, late.span, f"`{name}` runs only on {_listed([late])}, not when the code changes", priority=priority
            )
        else:
            yield ProjectDiagnostic(anchor.path, anchor.span, f"{words} in CI", priority=priority)


# Stands among the gates of a task that does something this repository does not show.
_UNKNOWN = frozenset("?")


def _known_tasks(project: Project) -> dict[str, set[str]]:
    """What each make target, package script and shell script of the repository guards, those it calls included."""
    known: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    for gate in project.about("task-gate"):
        known.setdefault(gate.get("task"), set()).add(gate.words)
    for need in project.about("task-needs"):
        needs.setdefault(need.get("task"), set()).update(target if ":" in target else f"make:{target}" for target in need.words.split())
    for file in project.files:
        if file.kind == "shell":
            known.setdefault(f"sh:{file.name}", set())
    for task, wanted in needs.items():
        seen = {task}
        waiting = list(wanted)
        kinds = known.setdefault(task, set())
        while waiting and len(seen) < 200:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                kinds |= known.get(other, _UNKNOWN if other.startswith(("?:", "sh:", "action:")) else set())
                waiting.extend(needs.get(other, ()))
    return known


def _pre_commit_ci(project: Project) -> bool:
    """pre-commit.ci runs the hooks without a workflow where the file has a `ci:` table."""
    data = project.read(".pre-commit-config.yaml") or b""
    return data.startswith(b"ci:") or b"\nci:" in data
